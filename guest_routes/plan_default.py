"""Which default routes of a family go, come or stay (R4, R7). Pure.

Only routes through NICs that the metadata describes are touched, and ours never gets in front of another NIC's
default (a VPN's, a container's). Nothing is taken unless the elected default is there or is added before.
"""

from __future__ import annotations

from .elect import Elected, Election
from .model import (
    DEFAULT_PREFIX,
    PROTOCOL_RA,
    UNICAST,
    Add,
    Delete,
    GiveDefault,
    Operation,
    Route,
    TakeDefault,
    is_link_local,
)
from .policy import Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple, Sequence
else:
    from .values import NamedTuple

DEMOTED_BY = 1000
"""default_mode demote: what is added to the elected default's metric for the others."""
WORST_METRIC = 0xFFFFFFFF
EQUAL_SERVES = "another program's equal route serves"
NEAR = 16
"""So far from the wanted IPv6 metric ours may stand, where others had that when it was added."""


class Default(NamedTuple):
    """What becomes of one family's default routes."""

    family: int
    verdict: str
    """add, kept, adopted, observed (mode observe) or left (none elected)."""
    route: Route | None = None
    """The elected default, in place or to be added."""
    extras: tuple[Route, ...] = ()
    """Others through NICs of the metadata: removed, demoted, or only reported (mode observe)."""
    outside: tuple[Route, ...] = ()
    """Through NICs that the metadata doesn't describe: never touched."""
    because: str = ""
    reason: str = ""
    """Why none is elected."""
    additions: tuple[Operation, ...] = ()
    removals: tuple[Operation, ...] = ()


def plan_default(
    election: Election,
    there: Sequence[Route],
    described: frozenset[int],
    settings: Settings,
    metric: int,
    withdraw: bool = True,
) -> Default:
    """R4 for one family.

    Args:
        there: the family's default routes, in the kernel's order.
        metric: ours, where nothing speaks against it.
        withdraw: False when the document may be partial (R6): a default is added only where there is none at all.
    """
    family, protocol = election.family, settings.protocol
    inside = [route for route in there if route.protocol == protocol or described & ifindexes(route)]
    outside = tuple(route for route in there if route not in inside)
    if not isinstance(election, Elected):
        return Default(family, "left", None, (), outside, "", election.reason if there or election.wanted else "")
    wanted = Route(
        DEFAULT_PREFIX[family],
        election.gateway,
        election.nic.ifindex,
        metric,
        protocol,
        settings.table,
        onlink=election.onlink,
    )
    ours = [route for route in inside if route.protocol == protocol]
    theirs = [route for route in inside if route.protocol != protocol]
    equal = sorted((route for route in theirs if leads_there(route, wanted)), key=lambda route: route.metric)
    # A router's own announcement comes back with the next one: it stays beside a static equal.
    announced = [route for route in equal if route.gateway != election.gateway or route.protocol == PROTOCOL_RA]
    static = [route for route in equal if route not in announced]
    keep = static[0] if static else announced[0] if announced else None
    extras = [route for route in theirs if route is not keep and route not in announced]
    if settings.default_mode == "observe" or (there and not withdraw):
        verdict = "kept" if keep is None and wanted_among(ours, wanted) else "adopted" if keep else "observed"
        return Default(family, verdict, keep or wanted_among(ours, wanted), tuple(extras), outside, election.because)

    additions: list[Operation] = []
    removals: list[Operation] = []
    verdict, mine = "adopted", keep
    if keep is None:
        metric, fitting = _metrics(wanted, there, described)
        mine = next((r for r in ours if leads_there(r, wanted) and r.metric in fitting), None)
        wanted = wanted._replace(metric=metric)
        verdict = "add" if mine is None else "kept"
        if mine is None:
            additions.append(Add(wanted, election))
            mine = wanted
    assert mine is not None
    stale = [route for route in ours if route is not mine]
    if settings.default_mode == "demote":
        extras, stale = _demote(extras, stale, mine, described, settings, additions)
    for route in stale:
        doubled = keep is not None and leads_there(route, wanted)
        removals.append(Delete(route, EQUAL_SERVES if doubled else "not the elected default"))
    for route in extras:
        rest = _legs_outside(route, described)
        if rest is not None and rest not in there:  # It is, where a pass was killed.
            additions.append(GiveDefault(rest, "legs through NICs outside the metadata stay"))
        removals.append(TakeDefault(route, f"one default too many: {election.nic.name} has it"))
    return Default(
        family, verdict, mine, tuple(extras), outside, election.because, "", tuple(additions), tuple(removals)
    )  # fmt: skip


def ifindexes(route: Route) -> frozenset[int]:
    """The NICs a route leads through."""
    return frozenset([leg.ifindex for leg in route.legs] or [route.ifindex])


def leads_there(route: Route, wanted: Route) -> bool:
    """Whether a default route equals the elected one (R4).

    For IPv6 a link-local router on the elected NIC counts: it is the same hypervisor, announcing itself. Its
    protocol doesn't tell: the kernel shows the legs of a multipath route with the first one's.
    """
    if route.kind != UNICAST or route.legs or route.tos or route.ifindex != wanted.ifindex:
        return False
    return route.gateway == wanted.gateway or is_link_local(route.gateway)


def wanted_among(ours: Sequence[Route], wanted: Route) -> Route | None:
    """Our own elected default, at whatever metric."""
    return next((route for route in ours if leads_there(route, wanted)), None)


def _metrics(wanted: Route, there: Sequence[Route], described: frozenset[int]) -> tuple[int, range]:
    """The metric for our own default, and those at which it may stay when it is there already.

    Defaults of other NICs that win over all of ours and the metadata's go on winning, and those that lose go on
    losing. For IPv6 nobody else may have the metric, and one that had to give way when it was added stays.
    """
    six = wanted.family == 6
    order = sorted((route for route in there if route.kind == UNICAST and not route.tos), key=lambda r: r.metric)
    inside = [route.protocol == wanted.protocol or bool(described & ifindexes(route)) for route in order]
    first = inside.index(True) if True in inside else len(order)
    # IPv6 routes of one metric are legs of one route. Of such a route the legs outside the metadata stay ahead.
    tied = order[first].metric if six and first < len(order) else -1
    ahead = [
        route.metric for place, route in enumerate(order)
        if place < first or (_legs_outside(route, described) if inside[place] else route.metric == tied)
    ]  # fmt: skip
    low = min(max(ahead) + 1, WORST_METRIC) if ahead else int(six)
    taken = {route.metric for route in there if route.protocol != wanted.protocol or not leads_there(route, wanted)}
    while True:
        behind = [route.metric - six for route, ours in zip(order, inside) if not ours and route.metric - six >= low]
        high = min([WORST_METRIC, *behind])
        metric = min(max(wanted.metric, low), high)
        if not six:
            return metric, range(metric, metric + 1)
        near = (*range(metric, low - 1, -1)[:NEAR], *range(metric + 1, high + 1)[:NEAR])
        free = next((one for one in near if one not in taken), None)
        if free is not None or high == WORST_METRIC:
            return free or metric, range(max(low, metric - NEAR), min(high, metric + NEAR) + 1)
        low = high + 2  # There is no room before the next one outside: behind it, then.


def _demote(
    extras: Sequence[Route],
    stale: Sequence[Route],
    kept: Route,
    described: frozenset[int],
    settings: Settings,
    additions: list[Operation],
) -> tuple[list[Route], list[Route]]:
    """default_mode demote: a copy of each extra behind the elected default; returns what is to go all the same."""
    worse = {way for route in extras if route.metric > kept.metric for way in _ways(route)}
    have = {*worse, (kept.gateway, kept.ifindex)}
    demoted = []
    for route in stale:
        if route.metric > kept.metric and route.ifindex in described and (route.gateway, route.ifindex) not in have:
            demoted.append(route)
            have.add((route.gateway, route.ifindex))
    used = {route.metric for route in demoted}
    metric = kept.metric + DEMOTED_BY
    going = [route for route in extras if route.metric <= kept.metric]
    for route in going:
        for gateway, ifindex in _ways(route):
            if (gateway, ifindex) in have or gateway is None or ifindex not in described:
                continue
            while metric in used:
                metric += 1
            used.add(metric)
            have.add((gateway, ifindex))
            copy = Route(
                route.destination, gateway, ifindex, metric, settings.protocol, settings.table, onlink=route.onlink
            )  # fmt: skip
            additions.append(Add(copy, "an extra default, kept at a worse metric"))
    return going, [route for route in stale if route not in demoted]


def _ways(route: Route) -> list[tuple[bytes | None, int]]:
    return [(leg.gateway, leg.ifindex) for leg in route.legs] or [(route.gateway, route.ifindex)]


def _legs_outside(route: Route, described: frozenset[int]) -> Route | None:
    """What stays of an IPv4 multipath default: its legs through NICs outside the metadata."""
    legs = tuple(leg for leg in route.legs if leg.ifindex not in described)
    if len(legs) > 1:
        return route._replace(legs=legs, nexthop_id=0)
    if legs:
        return route._replace(
            legs=(), gateway=legs[0].gateway, ifindex=legs[0].ifindex, onlink=legs[0].onlink, nexthop_id=0
        )
    return None
