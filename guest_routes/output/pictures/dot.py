"""A graph in Graphviz' language. Pure. Source: Graphviz' documentation, "DOT Language"; node and edge attributes."""

from __future__ import annotations

from .graph import LEGEND
from .nodes import edges_of, node_lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .graph import Graph

_STYLES = {"+": "bold", "-": "dashed"}


def dot_lines(graph: Graph) -> list[str]:
    """The digraph, from left to right."""
    lines = ["digraph routes {", "  rankdir=LR;", '  node [shape=box, fontname="monospace"];']
    for name, texts in node_lines(graph).items():
        label = "".join(f"{_text(text)}\\l" for text in texts)  # \l: the line ends here, and is flush left.
        lines.append(f'  {name} [label="{label}"];')
    for edge in edges_of(graph):
        style = _STYLES.get(edge.mark)
        attributes = f' [style={style}, label="{_text(LEGEND[edge.mark])}"]' if style else ""
        lines.append(f"  {edge.start} -> {edge.end}{attributes};")
    return [*lines, "}"]


def _text(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
