"""What the kernel is asked after a pass, or before one: an address for each route that something else could decide.

Pure. The snapshot shows one table. Another table that a rule leads to before it, a route that comes first by its
metric, or narrower routes that cover everything decide all the same; the kernel's own lookup says so, for an address
that no narrower route of another program hides.
"""

from __future__ import annotations

from itertools import chain

from ...model.namedtuple import NamedTuple
from ...model.network import DEFAULT_PREFIX, LOCAL_TABLE, MAIN_TABLE, OUR_PROTOCOL, Prefix
from ..compare import destinations_of
from ..ownership import foreign_of
from .hidden import hidden
from .rules import deciding_rules, local_rule
from .uncovered import Nesting, beyond

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterator, Mapping, Sequence

    from ...model.network import Address, KernelState, Route
    from ...model.plan import Plan, PlannedRoute

    Tables = Mapping[int, Sequence[Route]]


class Probe(NamedTuple):
    """An address that the kernel is asked for, on behalf of a planned route."""

    route: Route
    address: Address


class _Doubts(NamedTuple):
    """What else than its own table's longest prefix could decide about a host route."""

    ruled: frozenset[int]
    """The families in which a rule comes before the settings' table."""
    by_source: frozenset[Prefix]
    """The destinations of IPv6 routes for some sources alone: for others the kernel passes over what stands beside."""
    hidden: dict[Prefix, Prefix]
    idle: frozenset[int]
    """NICs without a carrier, whose routes the kernel may leave out (ignore_routes_with_linkdown)."""


def probes(
    plan: Plan, state: KernelState, table: int, others: Tables, protocol: int = OUR_PROTOCOL
) -> tuple[Probe, ...]:
    """What to ask the kernel for: defaults, and the host routes that something else could decide about.

    For the rest the snapshot proves it: the longest prefix with the best metric wins. A table that only rules with
    conditions lead to is for the packets that they match, about which the kernel isn't asked.

    Args:
        table: the settings', which the snapshot is of.
        others: routes of other tables, as far as they were read: no address inside a narrower one of these is chosen.
        protocol: ours.
    """
    own = [address for nic in state.nics for address in nic.addresses]
    there = list(destinations_of(chain(state.routes, *others.values())))
    doubts = _doubts(plan, state, table, others, protocol)
    asked = [*_default_probes(plan, there, own), *_host_route_probes(plan, doubts, there, own)]
    return tuple(one for one in asked if _is_asked_about(one.route.family, state, table))


def _doubts(plan: Plan, state: KernelState, table: int, others: Tables, protocol: int) -> _Doubts:
    foreign = foreign_of(state.routes, protocol)
    for_all = [route for route in foreign if not route[8] and route[18] != "source"]  # Its TOS, and why unwritable.
    by_source = _by_source(foreign) if len(for_all) < len(foreign) else frozenset()
    ruled = frozenset(family for family in (4, 6) if deciding_rules(state, family, table))
    idle = frozenset(nic.ifindex for nic in state.nics if not nic.running)
    return _Doubts(ruled, by_source, hidden(plan.routes, for_all, _first_local(state, table, others)), idle)


def _by_source(routes: Sequence[Route]) -> frozenset[Prefix]:
    return frozenset(route.destination for route in routes if route.unwritable == "source")


def _first_local(state: KernelState, table: int, others: Tables) -> list[Route]:
    """The routes of table local, in each family where it is looked up before the settings' table."""
    first = {family for family in (4, 6) if local_rule(state, family, table) is not None}
    return [route for route in others.get(LOCAL_TABLE, ()) if route.family in first]


def _host_route_probes(
    plan: Plan, doubts: _Doubts, destinations: Sequence[Prefix], own: Sequence[Prefix]
) -> Iterator[Probe]:
    serving = plan.routes if any(doubts) else [one for one in plan.routes if one[3] is not None]  # Its competitor.
    contested = [one.route for one in serving if _is_contested(one, doubts)]
    nesting = Nesting(destinations, own) if contested else None
    for route in contested:
        address = nesting.address_in(doubts.hidden.get(route.destination, route.destination)) if nesting else None
        if address is not None:
            yield Probe(route, address)


def _is_asked_about(family: int, state: KernelState, table: int) -> bool:
    return table == MAIN_TABLE or any(r.plain and (r.family, r.table) == (family, table) for r in state.rules)


def _is_contested(planned: PlannedRoute, doubts: _Doubts) -> bool:
    """Whether something else could decide about a route that should serve."""
    route = planned.route
    if planned.verdict == "shadowed":
        return False
    if planned.competitor is not None or route.ifindex in doubts.idle or route.family in doubts.ruled:
        return True
    return route.destination in doubts.by_source or route.destination in doubts.hidden


def _default_probes(plan: Plan, destinations: Sequence[Prefix], own: Sequence[Prefix]) -> Iterator[Probe]:
    for default in plan.defaults:
        if default.serving is not None:
            everything = (*destinations, *own)
            address = beyond(default.family, everything) or _covered(plan, default.family, destinations, own)
            if address is not None:
                yield Probe(default.serving, address)


def _covered(plan: Plan, family: int, destinations: Sequence[Prefix], own: Sequence[Prefix]) -> Address | None:
    """Where narrower routes cover every address (a VPN's two halves): one in the second half of the widest of them.

    Those of planned host routes don't count. The first half may hold what isn't routed at all: 0.0.0.0/8, ::1.
    """
    size = len(DEFAULT_PREFIX[family].address)
    planned = {one.route.destination for one in plan.routes}
    others = {prefix for prefix in destinations if len(prefix.address) == size and prefix.length} - planned
    nesting = Nesting(destinations, own)
    widest = sorted(others, key=lambda prefix: (prefix.length, prefix.address))[:2]
    halves = (_second_half(prefix) for prefix in widest if prefix.length < size * 8)
    return next(filter(None, map(nesting.address_in, halves)), None)


def _second_half(prefix: Prefix) -> Prefix:
    size = len(prefix.address)
    low = int.from_bytes(prefix.address, "big") | 1 << size * 8 - prefix.length - 1
    return Prefix(low.to_bytes(size, "big"), prefix.length + 1)
