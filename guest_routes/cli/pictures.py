"""A picture of the routing table in the form that the options name, for the commands that draw one."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Sequence

    from ..output.pictures.graph import Graph
    from .context import Context


def graph_lines(context: Context, graph: Graph, below: Sequence[str]) -> list[str]:
    """The picture. `below`: what a picture as text has below it."""
    terminal, form = context.terminal, context.options.graph
    if form == "mermaid":
        from ..output.pictures.mermaid import mermaid_lines

        return mermaid_lines(graph)
    if form == "dot":
        from ..output.pictures.dot import dot_lines

        return dot_lines(graph)
    from ..output.pictures import boxes

    return [*boxes.graph_lines(graph, terminal.width, terminal.unicode), *below]
