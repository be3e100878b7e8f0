"""What each NIC's table should hold: main, as it would be without the document's other NICs (R21). Pure.

A packet that carries an address of the NIC goes

    through the NIC, by a route of main that leads through it: its subnet, an operator's router   (a copy of the route)
    as main sends it, where that is through a NIC of another program: a container's, a VPN's      (throw: main goes on)
    by the NIC's gateway, whatever else main says: through another NIC of the document            (the default)

The longest prefix decides in main, and must decide the same here. So a destination that main sends elsewhere, inside a
prefix that is copied or thrown, has a route of its own (exceptions.py). A host route by the NIC's gateway needs no
copy: the default says the same, and a hundred thousand of them cost nothing.

Known hazards, each with its answer here:
- The kernel takes a gateway only if the table reaches it on link: such routes come first, and a gateway or router in no
  subnet of the NIC (a /32 address) gets an on-link route of its own.
- A link-local destination of IPv6 is on the NIC that the packet is bound to. One bound to this NIC passes a thrown
  route by, since that has another NIC, and would take the default: so link-local destinations are on link here. One
  bound to another NIC finds nothing here, and goes on in main.
- IPv6 refuses an on-link gateway that main sends through another NIC, in any table: such a route is thrown, which leads
  the same way.
- A copy with main's preferred source would go with that address, and with its metric could merge with another: the
  copies have neither; there is one for each destination.
"""

from __future__ import annotations

from ...model.namedtuple import NamedTuple
from ...model.network import THROW, UNICAST, Prefix, Route, Rule, contains, is_link_local
from ...model.source_routing import NicTable
from ..compare import ifindexes, same_next_hop
from ..ownership import is_ours
from .equal import joined
from .exceptions import exceptions, longest
from .nics import sources, table_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Collection, Literal, Sequence

    from ...model.network import Address, Nic
    from ...model.settings import Settings
    from .exceptions import Entries
    from .nics import Gateway

LINK_SCOPE = 253
METRIC = {4: 0, 6: 1023}
"""Of all routes of a table but the gateway's default."""
GATEWAY_METRIC = 1024
"""Of the gateway's default: behind a thrown one."""
LINK_LOCAL = Prefix(b"\xfe\x80" + bytes(14), 10)


class Main(NamedTuple):
    """One family's routes of the main table, as far as the tables depend on them."""

    groups: tuple[tuple[Route, ...], ...]
    """Routes of one destination and TOS each, the one that wins first."""
    plain: tuple[tuple[Prefix, int], ...]
    """Destination and NIC of the host routes by a NIC's own gateway, sorted: nearly all routes there are."""
    managed: frozenset[int]
    """The document's NICs."""


def main_of(
    family: int,
    routes: Sequence[Route],
    gateways: Sequence[Gateway],
    managed: frozenset[int],
    documented: Collection[Prefix],
    settings: Settings,
) -> Main:
    """Sorts one family's routes of the main table.

    Args:
        documented: the destinations of the host routes; another program's equal route may serve one.
    """
    size = 4 if family == 4 else 16
    by_gateway = {(one.gateway, one.nic.ifindex) for one in gateways if one.family == family}
    plain: dict[Prefix, Route] = {}
    groups: dict[tuple[Prefix, int], list[Route]] = {}
    for route in routes:
        if len(route.destination.address) != size or _is_no_matter(route):
            continue
        by_its_own = (route.gateway, route.ifindex) in by_gateway and _is_plain(route, documented, settings)
        if not (by_its_own and _is_alone(route, groups, plain)):
            _join(route, groups, plain)
    won = tuple(tuple(joined(sorted(group, key=_metric))) for group in groups.values())
    return Main(won, tuple(sorted(map(_destination_and_nic, plain.values()))), managed)


def _destination_and_nic(route: Route) -> tuple[Prefix, int]:
    return route.destination, route.ifindex


def _is_plain(route: Route, documented: Collection[Prefix], settings: Settings) -> bool:
    """Whether a route by a NIC's gateway is a host route, and nothing more than that."""
    ours = is_ours(route, settings) or route.destination in documented
    return ours and route.destination.length > 0 and not route.metrics and not route.tos


def _is_alone(route: Route, groups: dict[tuple[Prefix, int], list[Route]], plain: dict[Prefix, Route]) -> bool:
    """Whether a host route is the first to its destination, and stands in `plain` now, or equals the one there."""
    return (route.destination, 0) not in groups and same_next_hop(plain.setdefault(route.destination, route), route)


def _join(route: Route, groups: dict[tuple[Prefix, int], list[Route]], plain: dict[Prefix, Route]) -> None:
    """Puts a route to the others of its destination: of several, the best one decides."""
    group = groups.setdefault((route.destination, route.tos), [])
    if not group and not route.tos and route.destination in plain:
        group.append(plain.pop(route.destination))
    group.append(route)


def _is_no_matter(route: Route) -> bool:
    """Whether it is link-local or multicast, as IPv6's own are, or for packets from a prefix only."""
    address = route.destination.address
    return route.unwritable == "source" or (len(address) == 16 and (address[0] == 0xFF or is_link_local(address)))


def _metric(route: Route) -> int:
    return route.metric


def nic_table(of: Gateway, main: Main, settings: Settings) -> NicTable:
    """The table and rules of one NIC in one family."""
    nic, family, gateway = of
    table = table_of(nic, settings)
    blank = Route(Prefix(b"", 0), None, nic.ifindex, METRIC[family], settings.protocol, table)
    entries: Entries = {}
    others: list[tuple[Prefix, int]] = []
    if family == 6:
        entries[LINK_LOCAL, 0] = blank._replace(destination=LINK_LOCAL)
    for group in main.groups:
        first, own = group[0], next((one for one in group if _whose(one, nic, main.managed) == "own"), None)
        key = first.destination, first.tos
        if _whose(first, nic, main.managed) == "main" or (own is not None and _is_refused(own, nic, main)):
            entries[key] = _thrown(first.destination, blank)._replace(tos=first.tos)
        elif first.destination.is_default:
            continue
        elif own is not None:
            entries[key] = _copy(own, blank)
        else:
            others.append(key)
    entries.update(exceptions(entries, others, main.plain, blank._replace(gateway=gateway)))
    for router in (gateway, *_routers(entries)):
        entries.update(_route_to(router, entries, blank))
    default = blank._replace(destination=Prefix(bytes(len(gateway)), 0), gateway=gateway, metric=GATEWAY_METRIC)
    bits = len(gateway) * 8
    rules = (
        Rule(family, settings.source_routing_priority, table, False, settings.protocol, Prefix(address, bits))
        for address in sources(nic, family)
    )
    return NicTable(nic, family, table, gateway, (*sorted(entries.values(), key=_order), default), tuple(rules))


def _whose(route: Route, nic: Nic, managed: frozenset[int]) -> Literal["own", "other", "main"]:
    """Whose a route of main is: it leads through the NIC; through other NICs of the document; neither.

    One through another NIC that names an address of this NIC as its source is somebody's word for such packets.
    """
    through = ifindexes(route)
    if nic.ifindex in through:
        return "own" if route.kind == UNICAST else "main"
    if through <= managed and route.kind in (UNICAST, 0):
        named = route.source is not None and any(own.address == route.source for own in nic.addresses)
        return "main" if named else "other"
    return "main"


def _is_refused(route: Route, nic: Nic, main: Main) -> bool:
    """Whether the kernel would refuse a copy: IPv6 takes no on-link gateway that main sends through another NIC.

    Source: net/ipv6/route.c, ip6_route_check_nh_onlink, which looks main up, whatever the table.
    """
    asked = [] if route.family == 4 else _onlink_gateways(route, nic)
    if not asked:
        return False
    through = {group[0].destination: ifindexes(group[0]) for group in main.groups}
    through.update((destination, frozenset((ifindex,))) for destination, ifindex in main.plain)
    covering = [[one for one in through if one.length and contains(one, gateway)] for gateway in asked]
    return any(nic.ifindex not in through[max(found, key=_length)] for found in covering if found)


def _onlink_gateways(route: Route, nic: Nic) -> list[Address]:
    """Of the next hops by a NIC."""
    own = (hop for hop in route.nexthops or (route,) if hop.onlink and hop.ifindex == nic.ifindex)
    return [hop.gateway for hop in own if hop.gateway and not is_link_local(hop.gateway)]


def _length(prefix: Prefix) -> int:
    return prefix.length


def _thrown(destination: Prefix, blank: Route) -> Route:
    return blank._replace(destination=destination, ifindex=0, kind=THROW)


def _copy(route: Route, blank: Route) -> Route:
    """A route of main in the NIC's table, with the next hops through the NIC."""
    hops = tuple(hop for hop in route.nexthops if hop.ifindex == blank.ifindex)
    if len(hops) == 1:
        route = route._replace(gateway=hops[0].gateway, onlink=hops[0].onlink, nexthops=())
    elif hops:
        route = route._replace(nexthops=hops)
    return blank._replace(
        destination=route.destination,
        gateway=route.gateway,
        ifindex=0 if route.nexthops else blank.ifindex,
        scope=route.scope,
        tos=route.tos,
        onlink=route.onlink,
        metrics=route.metrics,
        nexthops=route.nexthops,
    )


def _routers(entries: Entries) -> dict[Address, None]:
    """The gateways that have to be on link, each once."""
    hops = [(route, hop) for route in entries.values() for hop in (route.nexthops or (route,)) if not hop.onlink]
    own = (hop.gateway for route, hop in hops if hop.gateway and len(hop.gateway) == len(route.destination.address))
    return dict.fromkeys(own)


def _route_to(gateway: Address, entries: Entries, blank: Route) -> Entries:
    """An on-link route to a gateway that no on-link prefix of the table holds (R14)."""
    if is_link_local(gateway):
        return {}
    host = Prefix(gateway, len(gateway) * 8)
    covers = {destination: route for (destination, tos), route in entries.items() if not tos}
    cover = covers.get(host) or longest(host, covers)
    if cover is not None and cover.kind == UNICAST and cover.gateway is None and not cover.nexthops:
        return {}
    scope = LINK_SCOPE if len(gateway) == 4 else 0
    return {(host, 0): blank._replace(destination=host, scope=scope)}


def _order(route: Route) -> tuple[int, int]:
    """On link, by gateways, thrown: what a route needs, or is an exception of, comes before it."""
    if route.kind == THROW:
        return 2, 0
    return (1 if route.gateway is not None or route.nexthops else 0), -route.destination.length
