"""What a picture of a routing table shows: each NIC, its gateways, and what goes by them. Pure.

Every route of the table is in it but IPv6's own housekeeping: those that are there, and those that a pass would add.
"""

from __future__ import annotations

from ...model.namedtuple import NamedTuple
from ...model.network import OUR_PROTOCOL, UNICAST, address_text, is_link_local, mac_text
from ...model.report import ExtraDefault
from ...routing.ownership import is_of
from ..escape import escaped
from ..folding import SHOWN, first_of
from ..route_text import is_shown, kind_text
from ..summary import is_removal
from ..words.outcomes import unprogrammed_parts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterable, Literal, Sequence, TypeAlias

    from ...model.network import KernelState, Nic, Route
    from ...model.operations import Operation
    from ...model.report import Unprogrammed

    Mark: TypeAlias = Literal["+", "-", "=", " "]

ON_LINK = "on link"
NO_NIC = "no NIC"
LEGEND: dict[Mark, str] = {
    "+": "a pass adds it",
    "-": "a pass removes it",
    "=": "ours, in place",
    " ": "of another program",
}


class Destination(NamedTuple):
    """Where packets go, as `ip route` names it, and what becomes of the route."""

    text: str
    mark: Mark = " "


class Gateway(NamedTuple):
    """A gateway of a NIC, and the destinations that are reached by it."""

    text: str
    """ON_LINK for destinations without one."""
    destinations: tuple[Destination, ...]


class GraphNic(NamedTuple):
    """A NIC with all that leaves by it."""

    name: str
    details: tuple[str, ...]
    """Its state where it isn't up, its MAC, and its addresses."""
    gateways: tuple[Gateway, ...]


class Graph(NamedTuple):
    """A routing table, by NIC."""

    nics: tuple[GraphNic, ...]
    """In the kernel's order; last, as NO_NIC, what leads through none: blackholes and the like."""
    missing: tuple[str, ...] = ()
    """The routes of the document that are not programmed."""

    @property
    def marks(self) -> tuple[Mark, ...]:
        """Those that occur, in LEGEND's order."""
        found = {one.mark for nic in self.nics for gateway in nic.gateways for one in gateway.destinations}
        return tuple(mark for mark in LEGEND if mark in found)


def graph_of(
    state: KernelState,
    operations: Sequence[Operation] = (),
    missing: Sequence[Unprogrammed] = (),
    protocol: int = OUR_PROTOCOL,
    verbose: bool = False,
) -> Graph:
    """The picture of a snapshot, with what the operations of a pass would change.

    Args:
        protocol: of our routes.
        verbose: show every destination, not the first of many.
    """
    marked = _marked(state.routes, operations, protocol)
    repeated = _repeated(marked)
    by_nic: dict[int, dict[str, list[tuple[Route, Mark]]]] = {nic.ifindex: {} for nic in state.nics}
    for route, mark in marked:
        for ifindex, gateway in _next_hops(route):
            by_nic.setdefault(ifindex, {}).setdefault(gateway, []).append((route, mark))
    nothing = by_nic.pop(0, {})
    present = {nic.ifindex: nic for nic in state.nics}
    nics = [_nic(present.get(ifindex), ifindex, gateways, repeated, verbose) for ifindex, gateways in by_nic.items()]
    nics += [GraphNic(NO_NIC, (), _gateways(nothing, repeated, verbose))] if nothing else []
    missed = (one for one in missing if not isinstance(one, ExtraDefault))  # That is in the picture.
    texts = [escaped(unprogrammed_parts(one, state.nics)[0]) for one in missed]
    shown = len(texts) if verbose else SHOWN
    return Graph(tuple(filter(_is_worth_showing, nics)), tuple(first_of(texts, "routes", shown)))


def _marked(routes: Iterable[Route], operations: Sequence[Operation], protocol: int) -> list[tuple[Route, Mark]]:
    """Every route that is shown, with its mark: defaults first, then by destination."""
    removed = {one.route for one in operations if is_removal(one)}
    marks: dict[Route, Mark] = {}
    for route in routes:
        marks[route] = "-" if route in removed else "=" if is_of(route, protocol) else " "
    for one in operations:
        if one.route not in marks:
            marks[one.route] = "+"
    shown = [(route, mark) for route, mark in marks.items() if is_shown(route)]
    return sorted(shown, key=lambda one: (one[0].family, one[0].destination.length > 0, one[0].destination))


def _repeated(marked: Sequence[tuple[Route, Mark]]) -> frozenset[str]:
    """Destinations with routes of several metrics, which the picture then names."""
    metrics: dict[str, set[int]] = {}
    for route, _ in marked:
        metrics.setdefault(str(route.destination), set()).add(route.metric)
    return frozenset(destination for destination, found in metrics.items() if len(found) > 1)


def _next_hops(route: Route) -> list[tuple[int, str]]:
    """The ifindex and the gateway of each next hop; 0 and its kind for a route that leads through no NIC."""
    if route.kind != UNICAST and not route.unwritable:
        return [(0, kind_text(route.kind))]
    return [
        (hop.ifindex, address_text(hop.gateway) if hop.gateway is not None else ON_LINK)
        for hop in route.nexthops or (route,)
    ]


def _nic(
    nic: Nic | None,
    ifindex: int,
    next_hops: dict[str, list[tuple[Route, Mark]]],
    repeated: frozenset[str],
    verbose: bool,
) -> GraphNic:
    gateways = _gateways(next_hops, repeated, verbose)
    if nic is None:
        return GraphNic(f"if{ifindex}", (), gateways)
    state = [] if nic.up and nic.running else ["down" if not nic.up else "no carrier"]
    own = [str(address) for address in nic.addresses if not is_link_local(address.address)]
    return GraphNic(escaped(nic.name), (*state, mac_text(nic.mac), *own), gateways)


def _gateways(
    next_hops: dict[str, list[tuple[Route, Mark]]], repeated: frozenset[str], verbose: bool
) -> tuple[Gateway, ...]:
    """Gateways before what is on link, which every NIC with an address has.

    Of many destinations those are shown that would change.
    """
    found = []
    for gateway, routes in sorted(next_hops.items(), key=lambda one: one[0] == ON_LINK):
        shown = len(routes) if verbose or len(routes) <= SHOWN + 1 else SHOWN
        if shown < len(routes):
            routes = sorted(routes, key=lambda one: one[1] not in ("+", "-"))
        destinations = [Destination(_destination_text(route, repeated), mark) for route, mark in routes[:shown]]
        if shown < len(routes):
            destinations.append(Destination(f"... and {len(routes) - shown:,} more"))
        found.append(Gateway(gateway, tuple(destinations)))
    return tuple(found)


def _destination_text(route: Route, repeated: frozenset[str]) -> str:
    text = str(route.destination)
    metric = f" metric {route.metric}" if text in repeated else ""
    if route.destination.is_default:
        text = "default" if route.family == 4 else "default (IPv6)"
    return text + metric


def _is_worth_showing(nic: GraphNic) -> bool:
    """Whether a NIC has an address or a route: ports of bonds and bridges mostly have neither."""
    return bool(nic.gateways) or any("/" in detail for detail in nic.details)
