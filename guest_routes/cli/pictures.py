"""A picture of the routing table in the form that the options name, for the commands that draw one."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Sequence

    from ..output.pictures.graph import Graph
    from .context import Context


def draw(context: Context, graph: Graph, below: Sequence[str]) -> None:
    """Prints the picture. `below`: what a picture as text has below it."""
    terminal, form = context.terminal, context.options.graph
    if form == "mermaid":
        from ..output.pictures.mermaid import mermaid_lines

        terminal.verbatim(mermaid_lines(graph))
    elif form == "dot":
        from ..output.pictures.dot import dot_lines

        terminal.verbatim(dot_lines(graph))
    else:
        from ..output.pictures.boxes import graph_lines

        terminal.verbatim(graph_lines(graph, terminal.width, terminal.unicode))
        terminal.lines(below)
