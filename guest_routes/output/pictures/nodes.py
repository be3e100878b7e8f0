"""A graph as nodes and edges, for formats that draw them by themselves. Pure."""

from __future__ import annotations

from ...model.namedtuple import NamedTuple
from .boxes import MISSING

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterator

    from .graph import Destination, Graph, Mark


class Edge(NamedTuple):
    """A line from one node to another, by their names."""

    start: str
    end: str
    mark: Mark = " "


def node_lines(graph: Graph) -> dict[str, list[str]]:
    """The text of each node, line by line, by its name: nic0, gateway0_0, to0_0_0, missing."""
    found: dict[str, list[str]] = {}
    for at, nic in enumerate(graph.nics):
        found[f"nic{at}"] = [nic.name, *nic.details]
        for place, gateway in enumerate(nic.gateways):
            found[f"gateway{at}_{place}"] = [gateway.text]
            for group_at, group in enumerate(_by_mark(gateway.destinations).values()):
                found[f"to{at}_{place}_{group_at}"] = [one.text for one in group]
    if graph.missing:
        found["missing"] = [MISSING, *graph.missing]
    return found


def edges_of(graph: Graph) -> Iterator[Edge]:
    """From each NIC to its gateways, and from these to what is reached by them, a node for each mark."""
    for at, nic in enumerate(graph.nics):
        for place, gateway in enumerate(nic.gateways):
            yield Edge(f"nic{at}", f"gateway{at}_{place}")
            for group_at, mark in enumerate(_by_mark(gateway.destinations)):
                yield Edge(f"gateway{at}_{place}", f"to{at}_{place}_{group_at}", mark)


def _by_mark(destinations: tuple[Destination, ...]) -> dict[Mark, list[Destination]]:
    found: dict[Mark, list[Destination]] = {}
    for one in destinations:
        found.setdefault(one.mark, []).append(one)
    return found
