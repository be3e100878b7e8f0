"""Lines of text that fit a terminal: folding, entries with marks, labels. Pure."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, Sequence, TypeVar

    T = TypeVar("T")

WIDTH = 80
LABEL_WIDTH = 13
"""Columns before what a labelled line says."""
SHOWN = 12
"""So many entries of a kind are shown without --verbose."""

Entry = tuple[str, str, str]
"""Mark, what, and why."""


def wrapped(text: str, indent: int = 6, first: int | None = None) -> list[str]:
    """Text folded to WIDTH; commands in backquotes stay whole, so that they can be pasted.

    Args:
        indent: of every line, in columns.
        first: of the first line, where that is another.
    """
    from textwrap import TextWrapper

    parts = text.split("`")
    commands = "`".join(part.replace(" ", "\0") if number % 2 else part for number, part in enumerate(parts))
    fold = TextWrapper(WIDTH, break_long_words=False, break_on_hyphens=False, subsequent_indent=" " * indent)
    fold.initial_indent = " " * (indent if first is None else first)
    return [line.replace("\0", " ") for line in fold.wrap(commands)]


def entries(group: Sequence[T], show: Callable[[T], Entry], verbose: bool = False) -> list[str]:
    """The lines of some entries; beyond SHOWN only their number, unless `verbose`."""
    shown = group if verbose or len(group) <= SHOWN + 1 else group[:SHOWN]
    lines = []
    mark = ""
    for mark, what, why in map(show, shown):
        lines.append(f"{mark} {what}")
        lines += wrapped(why)
    if len(shown) < len(group):
        lines.append(f"{mark} ... and {len(group) - len(shown):,} more; --verbose shows all")
    return lines


def first_of(texts: Sequence[str], what: str, shown: int = SHOWN) -> list[str]:
    """The first texts, and how many more there are; `what` names them."""
    if len(texts) <= shown + 1:
        return list(texts)
    return [*texts[:shown], f"... and {len(texts) - shown:,} more {what}"]


def labelled(label: str, text: str) -> list[str]:
    """A label and its text, folded beside it; without a text, the label alone."""
    first, *others = wrapped(text, LABEL_WIDTH) or [""]
    return [label.ljust(LABEL_WIDTH) + first.strip(), *others]


def error_lines(text: str) -> list[str]:
    """An error or warning folded for a terminal, its own line breaks and indents kept."""
    found = []
    for line in f"guest-routes: {text}".splitlines():
        margin = len(line) - len(line.lstrip())
        found += wrapped(line.lstrip(), margin + 4, margin)
    return found


def fitting(what: str, why: str) -> tuple[str, str]:
    """A place that is too long for the line of its route stands below it."""
    route, parted, place = what.partition("  (")
    return (route, f"{place[:-1]}: {why}") if parted and len(what) > WIDTH - 2 else (what, why)
