"""A graph as a Mermaid flowchart, which Markdown viewers draw. Pure.

Source: Mermaid's documentation, "Flowcharts - Basic Syntax": special characters as entity codes (#35;).
"""

from __future__ import annotations

from .graph import LEGEND
from .nodes import edges_of, node_lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .graph import Graph

_ARROWS = {"+": "==>", "-": "-.->", "=": "-->", " ": "-->"}
_SAFE = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 .:,/_()-")


def mermaid_lines(graph: Graph) -> list[str]:
    """The flowchart, from left to right."""
    lines = ["flowchart LR"]
    for name, texts in node_lines(graph).items():
        label = "<br/>".join(map(_text, texts))
        lines.append(f'  {name}["{label}"]')
    for edge in edges_of(graph):
        label = f"|{_text(LEGEND[edge.mark])}|" if edge.mark in ("+", "-") else ""
        lines.append(f"  {edge.start} {_ARROWS[edge.mark]}{label} {edge.end}")
    return lines


def _text(text: str) -> str:
    return "".join(letter if letter in _SAFE else f"#{ord(letter)};" for letter in text)
