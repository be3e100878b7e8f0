"""A graph as text: boxes that fit the terminal. Pure.

Where the columns fit, a NIC, its gateways and their destinations stand side by side; else each NIC is one box.
"""

from __future__ import annotations

from ...model.namedtuple import NamedTuple
from .graph import LEGEND, NO_NIC, ON_LINK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Sequence

    from .graph import Destination, Graph, GraphNic

MISSING = "not programmed"
_GAP = 5
"""Columns between two boxes."""


class _Glyphs(NamedTuple):
    """What boxes and lines between them are made of."""

    across: str
    down: str
    corners: str
    """Upper left, upper right, lower left, lower right."""
    leaves: str
    """In a right side, where a line leaves; between lines, where one more goes on to the right."""
    arrives: str
    """In a left side, where a line arrives."""
    forks: str
    ends: str


_UNICODE = _Glyphs("─", "│", "┌┐└┘", "├", "┤", "┬", "└")
_ASCII = _Glyphs("-", "|", "++++", "+", "+", "+", "+")


def graph_lines(graph: Graph, width: int, unicode: bool = True) -> list[str]:
    """The picture and its legend.

    Args:
        width: of the terminal, in columns; no line is longer.
        unicode: False where the terminal shows nothing but ASCII.
    """
    glyphs = _UNICODE if unicode else _ASCII
    widths = _column_widths(graph)
    if sum(widths) + 2 * _GAP <= width:
        lines = [line for nic in graph.nics for line in _row(nic, widths, glyphs)]
    else:
        lines = _stacked(graph, width, glyphs)
    if graph.missing:
        texts = _folded([f"! {text}" for text in graph.missing], width - 4)
        lines += _box([MISSING, *texts], glyphs)
    return lines + _legend(graph, width)


def _legend(graph: Graph, width: int) -> list[str]:
    """What each mark means that occurs; as many in a line as fit."""
    lines: list[str] = []
    for mark in graph.marks:
        text = f"{mark} {LEGEND[mark]}" if mark.strip() else f"(no mark) {LEGEND[mark]}"
        if lines and len(lines[-1]) + len(text) + 3 <= width:
            lines[-1] += f"   {text}"
        else:
            lines.append(text)
    return lines


def _texts(destinations: Sequence[Destination]) -> list[str]:
    return [f"{one.mark} {one.text}" for one in destinations]


# ---- side by side ---------------------------------------------------------------------------------------


def _column_widths(graph: Graph) -> tuple[int, int, int]:
    """Of the boxes of NICs, gateways and destinations, so that the same stand below each other."""
    nics = [text for nic in graph.nics for text in (nic.name, *nic.details)]
    gateways = [gateway for nic in graph.nics for gateway in nic.gateways]
    destinations = [text for gateway in gateways for text in _texts(gateway.destinations)]
    columns = (nics, [gateway.text for gateway in gateways], destinations)
    first, second, third = (max(map(len, column), default=0) + 4 for column in columns)
    return first, second, third


def _row(nic: GraphNic, widths: tuple[int, int, int], glyphs: _Glyphs) -> list[str]:
    """One NIC: its box, and to the right of it its gateways, each with its destinations."""
    left = _box([nic.name, *nic.details], glyphs, widths[0])
    right: list[str] = []
    arrivals: list[int] = []
    for gateway in nic.gateways:
        arrivals.append(len(right) + 1)
        middle = _arrived(_left(_box([gateway.text], glyphs, widths[1]), glyphs), glyphs)
        end = _arrived(_box(_texts(gateway.destinations), glyphs, widths[2]), glyphs)
        right += _side_by_side([middle, [" " * _GAP, glyphs.across * _GAP], end])
    if not right:
        return left
    left = _left(left, glyphs)
    return [line.rstrip() for line in _side_by_side([left, _branches(arrivals, len(right), glyphs), right])]


def _left(box: list[str], glyphs: _Glyphs) -> list[str]:
    """A box that a line leaves to the right, at its first line of text."""
    return [box[0], box[1][:-1] + glyphs.leaves, *box[2:]]


def _arrived(box: list[str], glyphs: _Glyphs) -> list[str]:
    """A box that a line from the left arrives at, at its first line of text."""
    return [box[0], glyphs.arrives + box[1][1:], *box[2:]]


def _branches(arrivals: Sequence[int], height: int, glyphs: _Glyphs) -> list[str]:
    """The lines between a NIC and its gateways."""
    half = _GAP // 2
    lines = [" " * _GAP] * height
    for row in range(arrivals[0], arrivals[-1]):
        lines[row] = " " * half + glyphs.down + " " * half
    for row in arrivals:
        arrow = glyphs.ends if row == arrivals[-1] else glyphs.leaves
        lines[row] = " " * half + arrow + glyphs.across * half
    first = glyphs.across if len(arrivals) == 1 else glyphs.forks
    lines[arrivals[0]] = glyphs.across * half + first + glyphs.across * half
    return lines


def _side_by_side(columns: Sequence[list[str]]) -> list[str]:
    """Blocks of text side by side; each has lines of one length."""
    height = max(map(len, columns))
    padded = [[*block, *[" " * len(block[0])] * (height - len(block))] for block in columns]
    return ["".join(parts) for parts in zip(*padded)]


# ---- one below the other --------------------------------------------------------------------------------


def _stacked(graph: Graph, width: int, glyphs: _Glyphs) -> list[str]:
    """Each NIC as one box: its gateways below its addresses, and below each its destinations."""
    columns = [_folded(_stacked_texts(nic), width - 4) for nic in graph.nics]
    widest = max((len(text) for column in columns for text in column), default=0) + 4
    return [line for column in columns for line in _box(column, glyphs, widest)]


def _stacked_texts(nic: GraphNic) -> list[str]:
    texts = [nic.name, *nic.details]
    for gateway in nic.gateways:
        texts.append(gateway.text if gateway.text == ON_LINK or nic.name == NO_NIC else f"via {gateway.text}")
        texts += [f"  {text}" for text in _texts(gateway.destinations)]
    return texts


def _folded(texts: Sequence[str], width: int) -> list[str]:
    """Texts in lines of at most `width` columns, broken anywhere: addresses have no place for it."""
    return [text[start : start + width] for text in texts for start in range(0, max(1, len(text)), width)]


def _box(texts: Sequence[str], glyphs: _Glyphs, width: int = 0) -> list[str]:
    """A frame around some lines; `width` with the frame, 0: as they need."""
    inner = max(width - 4, *map(len, texts))
    edge = glyphs.across * (inner + 2)
    upper_left, upper_right, lower_left, lower_right = tuple(glyphs.corners)
    return [
        f"{upper_left}{edge}{upper_right}",
        *(f"{glyphs.down} {text.ljust(inner)} {glyphs.down}" for text in texts),
        f"{lower_left}{edge}{lower_right}",
    ]
