"""Lines of text that fit a terminal: folding, entries with marks, labels, colour. Pure.

What writes lines knows no width: some of them say how they may be folded, and `laid_out` folds them where they are
shown.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, Iterator, Sequence, TypeVar

    T = TypeVar("T")

WIDTH = 80
"""Of what no terminal shows."""
NARROWEST, WIDEST = 40, 200
"""Widths of a terminal that are made use of."""
LABEL_WIDTH = 13
"""Columns before what a labelled line says."""
SHOWN = 12
"""So many entries of a kind are shown without --verbose."""
COLOURS = {"+": 32, "-": 31, "!": 33, "?": 33, ">": 36}
"""The colour of a mark in the first column. Source: ECMA-48, SGR."""
MESSAGE_COLOURS = {"error": 31, "warning": 33}

Entry = tuple[str, str, str]
"""Mark, what, and why."""


class Text(str):
    """A line that may be folded; what is no Text stays whole, unless a terminal is too narrow for it."""

    __slots__ = ("indent",)
    indent: int
    """Of every line but the first, in columns."""

    def __new__(cls, text: str, indent: int) -> Text:
        made = super().__new__(cls, text)
        made.indent = indent
        return made


def wrapped(text: str, indent: int = 6, first: int | None = None) -> list[str]:
    """One Text, or none where the text is blank.

    Args:
        indent: of every line, in columns.
        first: of the first line, where that is another.
    """
    text = _on_one_line(text).strip()
    return [Text(" " * (indent if first is None else first) + text, indent)] if text else []


def _on_one_line(text: str) -> str:
    return text if text.isprintable() else "".join(" " if letter in "\t\n\v\f\r" else letter for letter in text)


def laid_out(lines: Sequence[str], width: int = WIDTH, everything: bool = False) -> list[str]:
    """The lines as they are shown: each Text folded to the width.

    Commands in backquotes stay whole, however long, so that they can be pasted.

    Args:
        everything: fold the others too.
    """
    return [
        part
        for line in lines
        for part in (_folded(line, width) if len(line) > width and (everything or isinstance(line, Text)) else [line])
    ]


def _folded(line: str, width: int) -> Iterator[str]:
    # Not textwrap, which with its re takes as long as a small pass.
    indent = line.indent if isinstance(line, Text) else len(line) - len(line.lstrip()) + 4
    indent = min(indent, width // 3)  # The more of a narrow terminal is left for words.
    parts = line.split("`")
    commands = "`".join(part.replace(" ", "\0") if number % 2 else part for number, part in enumerate(parts))
    # A key of JSON stays beside its value.
    text = commands.lstrip(" ").replace('": ', '":\0')
    first, *words = text.split(" ")
    lines = [" " * (len(commands) - len(commands.lstrip(" "))) + first]
    for word in words:
        if len(lines[-1]) + 1 + len(word) <= width:
            lines[-1] += f" {word}"
        elif word:
            lines.append(" " * indent + word)
    return (one.rstrip(" ").replace("\0", " ") for one in lines)


def coloured(line: str) -> str:
    """A line with its mark in colour, as a terminal takes it."""
    colour = COLOURS.get(line[:1]) if line[1:2] == " " else None
    return line if colour is None else f"\033[{colour}m{line[0]}\033[0m{line[1:]}"


def entries(group: Sequence[T], show: Callable[[T], Entry], verbose: bool = False) -> list[str]:
    """The lines of some entries; beyond SHOWN only their number, unless `verbose`."""
    shown = folded(group, verbose)
    lines = []
    mark = ""
    for mark, what, why in map(show, shown):
        lines.append(f"{mark} {what}")
        lines += wrapped(why)
    return lines + [f"{mark} {more}" for more in more_of(group, shown)]


def folded(group: Sequence[T], verbose: bool) -> Sequence[T]:
    """Those of some entries that are shown."""
    return group if verbose or len(group) <= SHOWN + 1 else group[:SHOWN]


def more_of(group: Sequence[T], shown: Sequence[T]) -> list[str]:
    """The line that stands for those that are not shown; none where all are."""
    left = len(group) - len(shown)
    return [f"... and {left:,} more; --verbose shows all"] if left else []


def first_of(texts: Sequence[str], what: str, shown: int = SHOWN) -> list[str]:
    """The first texts, and how many more there are; `what` names them."""
    if len(texts) <= shown + 1:
        return list(texts)
    return [*texts[:shown], f"... and {len(texts) - shown:,} more {what}"]


def labelled(label: str, text: str) -> list[str]:
    """A label and its text, folded beside it; without a text, the label alone."""
    return [Text(label.ljust(LABEL_WIDTH) + _on_one_line(text).strip(), LABEL_WIDTH)]


def field(name: str, text: str) -> list[str]:
    """The same of an answer's part, indented; nothing without a text."""
    return labelled(f"  {name}", text) if text else []


def error_lines(text: str, width: int = WIDTH) -> list[str]:
    """An error or warning folded for a terminal, its own line breaks and indents kept."""
    lines = f"guest-routes: {text}".splitlines()
    return laid_out([Text(line, len(line) - len(line.lstrip()) + 4) for line in lines], width)


def fitting(what: str, why: str) -> tuple[str, str]:
    """A place that is too long for the line of its route stands below it."""
    route, parted, place = what.partition("  (")
    return (route, f"{place[:-1]}: {why}") if parted and len(what) > WIDTH - 2 else (what, why)
