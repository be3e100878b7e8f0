"""Routes of ours on link to gateways, where another route would cover them (R7). Pure.

IPv6 refuses a route whose gateway is reached through another gateway or another device, on link or not, and IPv4 would
send what is meant for the gateway itself another way. So such a gateway gets a route of its own first. Where only a
route covers it that goes in the same pass, its own goes with that.
"""

from __future__ import annotations

from _operator import itemgetter
from itertools import chain

from ...model.namedtuple import NamedTuple
from ...model.network import UNICAST, Address, Prefix, Route, contains, family_of, is_link_local, network_of
from ...model.operations import Add, Delete
from ..compare import destinations_of, hops_of, to_any
from ..ownership import is_ours, is_reaching, ours_of
from ..subnets import is_before_main, on_link

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Collection, Iterable, Iterator, Mapping, Sequence

    from ...model.decision import Resolution
    from ...model.network import KernelState
    from ...model.operations import Operation, ReachReason, RemovalReason
    from ...model.plan import PlannedDefault, PlannedRoute
    from ...model.settings import Settings

SCOPE_LINK = 253
"""RT_SCOPE_LINK, which an IPv4 route without a gateway has."""


_ROUTE = itemgetter(1)
"""Of a PlannedRoute."""
_NEXT_HOP = itemgetter(1, 2)
"""Gateway and ifindex of a Route."""
_LENGTH = itemgetter(1)
"""Of a Prefix."""


class Reaching(NamedTuple):
    """What becomes of these routes."""

    additions: tuple[Add, ...] = ()
    removals: tuple[Delete, ...] = ()
    routes: tuple[Route, ...] = ()
    """Those that are there afterwards."""


class _Gateway(NamedTuple):
    address: Address
    ifindex: int


def plan_reaching(
    state: KernelState,
    routes: Sequence[PlannedRoute],
    defaults: Sequence[PlannedDefault],
    operations: tuple[Sequence[Operation], Sequence[Operation]],
    settings: Settings,
    metrics: dict[int, int],
) -> Reaching:
    """Which gateways of the planned routes need one.

    Args:
        operations: the plan's additions and removals.
        metrics: ours, by family.
    """
    own = _own(state, settings)
    additions, removals = operations
    covers = _covering(_gateways(routes, defaults), state, _added(additions), settings)
    if not (covers or own):
        return Reaching()
    covers = _without_listed(covers, routes)
    wanted = _wanted(covers, own, settings, metrics)
    going = {operation.route for operation in removals}.union(_unused(own, covers))
    needed = {gateway: wanted[gateway] for gateway in _still_covered(covers, going, own)}
    useless = [one for one in (*own.items(), *wanted.items()) if needed.get(one[0]) != one[1]]
    return Reaching(
        tuple(_additions(wanted, own)),
        tuple(Delete(route, _why(gateway, needed)) for gateway, route in dict.fromkeys(useless)),
        tuple(needed.values()),
    )


def _still_covered(
    covers: Mapping[_Gateway, Sequence[Route]], going: Collection[Route], own: Mapping[_Gateway, Route]
) -> list[_Gateway]:
    """The gateways that are covered when all has gone that goes, and those that their own routes cover."""
    passing = {*going, *own.values()}
    covered = {gateway.address for gateway, covering in covers.items() if not passing.issuperset(covering)}
    return [gateway for gateway in covers if gateway.address in covered]


def gateways_alone(resolution: Resolution) -> set[Prefix]:
    """The destinations that are an IPv6 gateway alone: its own route on link stands before a host route to it (R7)."""
    return {Prefix(one.next_hop.gateway, 128) for one in resolution.resolved if len(one.next_hop.gateway) == 16}.union(
        Prefix(one.gateway, 128) for one in resolution.bindings if one.gateway is not None and len(one.gateway) == 16
    )


def _without_listed(
    covers: Mapping[_Gateway, list[Route]], routes: Sequence[PlannedRoute]
) -> dict[_Gateway, list[Route]]:
    """Those without IPv4 gateways that a host route leads to: what is meant for them goes as listed."""
    wholes = {_whole(gateway) for gateway in covers if family_of(gateway.address) == 4}
    listed = {one.route[0] for one in routes if one.route[0] in wholes} if wholes else ()
    return {gateway: covering for gateway, covering in covers.items() if _whole(gateway) not in listed}


def _unused(own: Mapping[_Gateway, Route], covers: Mapping[_Gateway, Sequence[Route]]) -> Iterator[Route]:
    """Those that go whatever else does; they may hide what has become another NIC's gateway."""
    return (route for gateway, route in own.items() if gateway not in covers)


def reach_restored(
    restored: Sequence[Route], state: KernelState, settings: Settings, metrics: dict[int, int]
) -> list[Add]:
    """Those that the kernel must have for a moment so that it takes IPv6 defaults back.

    It would have kept them; it refuses them only because another route covers their gateway by now.

    Args:
        state: without what is removed before.
    """
    gateways = {gateway for route in restored if route.family == 6 for gateway in _on_their_links(route, state)}
    covers = _covering(gateways, state, (), settings)
    there = _own(state, settings)
    return list(_additions(_wanted(covers, there, settings, metrics), there))


def _on_their_links(route: Route, state: KernelState) -> Iterator[_Gateway]:
    """The gateways of a route that are on their NICs' links, by its flag or by a prefix."""
    own = {nic.ifindex: nic.prefixes for nic in state.nics}
    for gateway, ifindex, _, onlink, _ in hops_of(route):
        if gateway is None or is_link_local(gateway):
            continue
        if onlink or any(contains(prefix, gateway) for prefix in own.get(ifindex, ())):
            yield _Gateway(gateway, ifindex)


def _why(gateway: _Gateway, needed: Mapping[_Gateway, Route]) -> RemovalReason | ReachReason:
    """Why a gateway's own route goes: another program's would win over it, or nothing covers the gateway."""
    return "shadowed" if gateway in needed else "gateway-no-more"


def _added(additions: Sequence[Operation]) -> list[Route]:
    return [operation.route for operation in additions if isinstance(operation, Add)]


def _own(state: KernelState, settings: Settings) -> dict[_Gateway, Route]:
    """Those that are there."""
    on_link = (route for route in ours_of(state.routes, settings) if route[1] is None)
    return {_of(route): route for route in on_link if is_reaching(route, settings)}


def _of(route: Route) -> _Gateway:
    """The gateway that a route on link leads to, and nowhere else."""
    return _Gateway(route.destination.address, route.ifindex)


def _gateways(routes: Sequence[PlannedRoute], defaults: Sequence[PlannedDefault]) -> set[_Gateway]:
    """The gateways of all routes that serve. A link-local one is on link whatever else there is."""
    found = set(map(_NEXT_HOP, map(_ROUTE, [one for one in routes if one[0] != "shadowed"])))
    found.update(_NEXT_HOP(one.serving) for one in defaults if one.serving is not None)
    return {
        _Gateway(address, ifindex) for address, ifindex in found if address is not None and not is_link_local(address)
    }


def _covering(
    gateways: Collection[_Gateway], state: KernelState, added: Sequence[Route], settings: Settings
) -> dict[_Gateway, list[Route]]:
    """The routes that cover gateways, more specific than the NIC's own prefix; gateways without any are left out.

    Of IPv6 none is left out that has the address of one with any on another NIC: the own route of that covers it.
    """
    wanted = _candidates(gateways, state, added, settings)
    found: dict[_Gateway, list[Route]] = {}
    for route in (*to_any(wanted, state.routes), *to_any(wanted, added)):
        for gateway in wanted[route[0]]:
            if _hides(route, gateway, settings):
                found.setdefault(gateway, []).append(route)
    covered = {one.address for one in found if family_of(one.address) == 6}
    for gateway in gateways:
        if gateway.address in covered:
            found.setdefault(gateway, [])
    return found


def _candidates(
    gateways: Iterable[_Gateway], state: KernelState, added: Sequence[Route], settings: Settings
) -> dict[Prefix, list[_Gateway]]:
    """The prefixes that would cover a gateway, of the lengths that routes have."""
    lengths = set(map(_LENGTH, chain(destinations_of(state.routes), destinations_of(added))))
    around = {one: _prefixes_around(one.address, lengths) for one in gateways}
    passed = (6,) if is_before_main(state, 6, settings.table) else ()  # Families whose prefixes are in main only.
    own = _own_prefixes(state, {prefix for prefixes in around.values() for prefix in prefixes}, passed, settings)
    wanted: dict[Prefix, list[_Gateway]] = {}
    for gateway, prefixes in around.items():
        far = -1 if family_of(gateway.address) in passed else 0
        near = max((p.length for p in own.get(gateway.ifindex, ()) if contains(p, gateway.address)), default=far)
        for prefix in prefixes:
            if prefix.length > near:
                wanted.setdefault(prefix, []).append(gateway)
    return wanted


def _prefixes_around(address: Address, lengths: Iterable[int]) -> list[Prefix]:
    """Those of these lengths that an address is in."""
    return [network_of(Prefix(address, length)) for length in lengths if length <= 8 * len(address)]


def _own_prefixes(
    state: KernelState, around: Collection[Prefix], passed: Collection[int], settings: Settings
) -> dict[int, list[Prefix]]:
    """Each NIC's prefixes: of its addresses, but for families passed over, and of others' routes on link.

    Args:
        around: the destinations of routes that matter: a table may have fifty thousand others.
    """
    own = {nic.ifindex: [one for one in on_link(nic) if family_of(one.address) not in passed] for nic in state.nics}
    for route in to_any(around, state.routes):
        if route[1] is None and route.kind == UNICAST and not route.nexthops and not is_ours(route, settings):
            own.setdefault(route.ifindex, []).append(route.destination)
    return own


def _hides(route: Route, gateway: _Gateway, settings: Settings) -> bool:
    """Whether a covering route leads to the gateway otherwise than on its link.

    IPv4 lets other programs' do so, and a host route to the gateway alone: it takes routes by the gateway all the same.
    """
    if route.gateway is None and not route.nexthops:
        return family_of(gateway.address) == 6 and route.kind == UNICAST and route.ifindex != gateway.ifindex
    return family_of(gateway.address) == 6 or (is_ours(route, settings) and route.destination != _whole(gateway))


def _wanted(
    covers: Mapping[_Gateway, Sequence[Route]],
    own: Mapping[_Gateway, Route],
    settings: Settings,
    metrics: dict[int, int],
) -> dict[_Gateway, Route]:
    """Each gateway's own route. Those to one address on several NICs have one metric.

    Then IPv6 finds each NIC's, and else only the first. Source: net/ipv6/route.c, ip6_route_check_nh_onlink.
    """
    wanted: dict[_Gateway, Route] = {}
    first: dict[Address, int] = {}
    for gateway in sorted(covers):
        ahead = [one for one in covers[gateway] if not (is_reaching(one, settings) and _of(one) in covers)]
        route = wanted[gateway] = _winning(gateway, ahead, own.get(gateway), settings, metrics)
        first[gateway.address] = min(route.metric, first.get(gateway.address, route.metric))
    return {gateway: route._replace(metric=first[gateway.address]) for gateway, route in wanted.items()}


def _additions(wanted: Mapping[_Gateway, Route], own: Mapping[_Gateway, Route]) -> Iterator[Add]:
    """What brings the wanted ones about; of IPv6 one with the metric of another NIC's goes among those."""
    there = {(route.destination, route.metric) for route in own.values()}
    for gateway, route in wanted.items():
        if own.get(gateway) == route:
            continue
        key = (route.destination, route.metric)
        yield Add(route, "gateway", "among" if route.family == 6 and key in there else "before")
        there.add(key)


def _winning(
    gateway: _Gateway, covering: Sequence[Route], own: Route | None, settings: Settings, metrics: dict[int, int]
) -> Route:
    """Ours on link, in front of other routes to the gateway alone where the kernel allows (R5)."""
    route = _route_to(gateway, settings, metrics)
    ahead = [one.metric for one in covering if one.destination == route.destination]
    metric = min([route.metric, *(max(1, other - 1) for other in ahead)])
    return own if own is not None and own.metric <= metric else route._replace(metric=metric)


def _route_to(gateway: _Gateway, settings: Settings, metrics: dict[int, int]) -> Route:
    family = family_of(gateway.address)
    return Route(
        _whole(gateway),
        None,
        gateway.ifindex,
        metrics[family],
        settings.protocol,
        settings.table,
        scope=SCOPE_LINK if family == 4 else 0,
    )


def _whole(gateway: _Gateway) -> Prefix:
    """The destination that is the gateway alone."""
    return Prefix(gateway.address, 8 * len(gateway.address))
