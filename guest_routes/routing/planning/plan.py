"""Desired routes and the kernel's state to an ordered Plan (R1, R5-R7). Pure.

Known hazards, each with its answer here:
- IPv4 keys a route by destination, TOS and metric, and an addition goes before others of its key: ours win at
  equal metric. One that another program has since put in front is moved back (Promote).
- IPv6 merges static routes of one destination and metric into a multipath route: ours never share a metric.
- An equal route of another program is adopted, not doubled: nothing is written (R5).
- Additions come first, deletions last, so that no destination is ever without the route it had (R7).
"""

from __future__ import annotations

from ...model.decision import NotElected
from ...model.network import IPV6_DEFAULT_METRIC, UNICAST, Route
from ...model.operations import Add, Delete, Promote, RemoveForeignDefault
from ...model.plan import Copy, Plan, PlannedRoute, Unlisted, shadowed_of
from ..compare import defaults_of, preference, same_next_hop
from ..elect import managed_ifindexes
from ..ownership import is_ours, is_reaching, others_of, ours_or_to
from .default_metrics import NEAR
from .plan_default import plan_default
from .reachability import gateways_alone, plan_reaching

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Sequence

    from ...model.decision import Election, Resolution, Resolved
    from ...model.lease import LeaseSet
    from ...model.network import KernelState, Nic, Prefix
    from ...model.operations import Operation
    from ...model.plan import PlannedDefault
    from ...model.settings import Settings
    from .copies import Copies
    from .leftovers import Leftovers

OUR_IPV6_METRIC = IPV6_DEFAULT_METRIC - 1
"""What metric 0 of the settings means for IPv6: before the 1024 that everybody else gets, and not equal to it."""


def plan(
    resolution: Resolution,
    elections: Sequence[Election],
    state: KernelState,
    settings: Settings,
    withdraw: bool = True,
    leases: LeaseSet | None = None,
    unlisted: Unlisted = Unlisted(),  # noqa: B008
) -> Plan:
    """What turns the kernel's routes into the desired ones.

    Args:
        withdraw: False when the document may be partial (R6): nothing that is there is then taken away.
        leases: of NICs with routes that may be copies of host routes (R20).
        unlisted: why no source may list a route of ours any more (R6).
    """
    managed = managed_ifindexes(resolution.bindings, state.nics)
    copied = _copies(resolution, state, managed, leases, settings)
    going = copied if withdraw and settings.default_mode != "observe" else {}
    present, defaults = _by_destination(state, going, resolution, settings), defaults_of(state.routes)
    additions: list[Operation] = []
    removals: list[Operation] = []
    routes = _plan_host_routes(resolution, present, settings, additions, removals)
    left = _left_of_ours(present, settings)
    staying, held, leaving = _leftovers(left, resolution, unlisted, withdraw) if left else ((), (), ())
    removals.extend(leaving)
    removals.extend(RemoveForeignDefault(route, one) for route, one in going.items())
    planned = _plan_defaults(elections, defaults, managed, settings, withdraw, state.nics)
    for default in planned:
        additions.extend(default.additions)
        removals.extend(default.removals)
    metrics = {family: our_metric(family, settings) for family in (4, 6)}
    reaching = plan_reaching(state, routes, planned, (additions, removals), settings, metrics)
    removals.extend(reaching.removals if withdraw else ())
    return Plan(
        (*reaching.additions, *additions),
        tuple(removals),
        tuple(routes),
        tuple(planned),
        held,
        staying,
        reaching.routes,
        copies=tuple(Copy(route, one) for route, one in copied.items()),
        shadowed=shadowed_of(routes),
    )


def _copies(
    resolution: Resolution, state: KernelState, managed: frozenset[int], leases: LeaseSet | None, settings: Settings
) -> Copies:
    """Copies of host routes through the wrong NIC (R20); mostly there is no route that could be one."""
    if all(route.destination.is_default for route in others_of(state.routes, settings)):
        return {}
    from .copies import copies

    return copies(resolution.resolved, state, managed, leases, settings)


def _left_of_ours(present: dict[Prefix, list[Route]], settings: Settings) -> tuple[Route, ...]:
    """Routes of ours to destinations that no host route has; those to gateways are reachability.py's."""
    ours = (route for there in present.values() for route in there if is_ours(route, settings))
    return tuple(route for route in ours if not is_reaching(route, settings))


def _leftovers(left: Sequence[Route], resolution: Resolution, unlisted: Unlisted, withdraw: bool) -> Leftovers:
    """What becomes of routes of ours that no host route has; mostly there are none."""
    from .leftovers import leftovers

    return leftovers(left, resolution.unresolved, unlisted, withdraw)


def _plan_defaults(
    elections: Sequence[Election],
    defaults: Sequence[Route],
    managed: frozenset[int],
    settings: Settings,
    withdraw: bool,
    nics: Sequence[Nic],
) -> list[PlannedDefault]:
    """What becomes of the default routes of each family that has any, or should have one."""
    planned = []
    for election in elections:
        there = [route for route in defaults if route.family == election.family]
        metric = our_metric(election.family, settings)
        default = plan_default(election, there, managed, settings, metric, withdraw, nics)
        missed = isinstance(election, NotElected) and election.wanted
        if there or default.route or missed or default.verdict == "observed":
            planned.append(default)
    return planned


def our_metric(family: int, settings: Settings) -> int:
    """The metric of ours where nothing speaks against it."""
    return settings.metric if family == 4 else settings.metric or OUR_IPV6_METRIC


def _by_destination(
    state: KernelState, going: Copies, resolution: Resolution, settings: Settings
) -> dict[Prefix, list[Route]]:
    """Routes to the destinations of host routes, and ours to any, but for defaults and copies that go."""
    hosts = {one[0][0] for one in resolution.resolved}
    present: dict[Prefix, list[Route]] = {}
    for route in ours_or_to(hosts, state.routes, settings):
        if route.destination.length and not (going and route in going):
            present.setdefault(route.destination, []).append(route)
    return present


# ---- host routes --------------------------------------------------------------------------------------


def _plan_host_routes(
    resolution: Resolution,
    present: dict[Prefix, list[Route]],
    settings: Settings,
    additions: list[Operation],
    removals: list[Operation],
) -> list[PlannedRoute]:
    """What becomes of each resolved host route; takes its destination out of `present`."""
    planned: list[PlannedRoute] = []
    # A hundred thousand routes share a few next hops: all but the destination is made once for each.
    tails: dict[int, tuple[Any, ...]] = {}
    make = tuple.__new__
    behind = gateways_alone(resolution) if our_metric(6, settings) == 1 else ()
    for resolved in resolution.resolved:
        destination, next_hop = resolved[0][0], resolved[1]
        tail = tails.get(id(next_hop))
        if tail is None:
            tail = tails[id(next_hop)] = _wanted(resolved, settings)[1:]
        wanted = make(Route, (destination,) + tail)  # noqa: RUF005  # half as long as with a star
        if behind and destination in behind:
            wanted = wanted._replace(metric=2)
        there = present.pop(destination, None)
        if there is None:
            additions.append(make(Add, (wanted, resolved, "before")))
            planned.append(make(PlannedRoute, ("add", wanted, resolved, None)))
        elif len(there) == 1 and there[0] == wanted:  # As `_decide` would find, in a tenth of the time.
            planned.append(make(PlannedRoute, ("kept", wanted, resolved, None)))
        else:
            planned.append(_decide(wanted, there, resolved, settings, additions, removals))
    return planned


def _wanted(resolved: Resolved, settings: Settings) -> Route:
    """The route that a host route asks for, where nobody else has one."""
    destination, next_hop = resolved.host.destination, resolved.next_hop
    metric = our_metric(4 if len(destination.address) == 4 else 6, settings)
    return Route(
        destination,
        next_hop.gateway,
        next_hop.nic.ifindex,
        metric,
        settings.protocol,
        settings.table,
        onlink=next_hop.onlink,
    )


def _decide(
    wanted: Route,
    there: Sequence[Route],
    resolved: Resolved,
    settings: Settings,
    additions: list[Operation],
    removals: list[Operation],
) -> PlannedRoute:
    """One destination that has routes already (R5)."""
    ours, theirs = _split(there, settings)
    if _serves(theirs, wanted):
        removals.extend(Delete(route, "equal-serves") for route in ours)
        return PlannedRoute("adopted", theirs[0], resolved, _first_other(theirs, wanted))
    best = _competitor(theirs, wanted)
    metrics = _winning_metrics(wanted, there, best)
    if not metrics:  # For IPv6 perhaps only until ours to another gateway has gone.
        removals.extend(Delete(route, "shadowed") for route in ours)
        return PlannedRoute("shadowed", wanted, resolved, best)
    mine = _standing(ours, wanted, metrics)
    removals.extend(Delete(route, resolved) for route in ours if route is not mine)
    if mine is None:
        wanted = wanted._replace(metric=metrics[0])
        additions.append(Add(wanted, resolved))
        return PlannedRoute("add", wanted, resolved, best)
    if _is_behind(mine, best, there):
        additions.append(Promote(mine, resolved))
        return PlannedRoute("add", mine, resolved, best)
    return PlannedRoute("kept", mine, resolved, best)


def _split(there: Sequence[Route], settings: Settings) -> tuple[list[Route], list[Route]]:
    """Ours, and other programs' that could win, best first: some are for packets with a TOS, or from a prefix, only."""
    there = [route for route in there if not is_reaching(route, settings)]  # Those are reachability.py's.
    ours = [route for route in there if is_ours(route, settings) and route.kind == UNICAST]
    theirs = [route for route in there if route not in ours and not route.tos and route.unwritable != "source"]
    return ours, sorted(theirs, key=preference)


def _serves(theirs: Sequence[Route], wanted: Route) -> bool:
    """Whether the best leads where ours should; for IPv6 all that may be next hops of one route with it (R5)."""
    best = theirs[:1] if wanted.family == 4 else _best(theirs)
    return bool(best) and all(same_next_hop(route, wanted) for route in best)


def _best(theirs: Sequence[Route]) -> list[Route]:
    """Those that nothing but their order puts behind the first."""
    return [route for route in theirs if preference(route) == preference(theirs[0])]


def _competitor(theirs: Sequence[Route], wanted: Route) -> Route | None:
    """Of the best the first that leads elsewhere."""
    return next((route for route in _best(theirs) if not same_next_hop(route, wanted)), None)


def _first_other(theirs: Sequence[Route], wanted: Route) -> Route | None:
    """The first that leads elsewhere."""
    return next((route for route in theirs if not same_next_hop(route, wanted)), None)


def _standing(ours: Sequence[Route], wanted: Route, metrics: Sequence[int]) -> Route | None:
    """The route of ours that leads where it should, at the first of the metrics where it wins.

    There may be two after a pass that was killed: the same one must be kept as if it had not been. Of two of one metric
    (one is `onlink`) the last one: asked for either, the kernel deletes the first.
    """
    found = [route for route in reversed(ours) if route.metric in metrics and same_next_hop(route, wanted)]
    return min(found, key=lambda route: metrics.index(route.metric), default=None)


def _is_behind(mine: Route, competitor: Route | None, there: Sequence[Route]) -> bool:
    """Whether another program has since put a route of the same metric in front of ours (IPv4)."""
    if competitor is None or competitor.metric != mine.metric:
        return False
    return there.index(competitor) < there.index(mine)


# ---- metrics ------------------------------------------------------------------------------------------


def _winning_metrics(wanted: Route, there: Sequence[Route], competitor: Route | None) -> list[int]:
    """The metrics at which ours wins, the one for a new route first; [] where none does (R5)."""
    if wanted.family == 4:
        return [wanted.metric if competitor is None else min(wanted.metric, competitor.metric)]
    metric = wanted.metric if competitor is None else min(wanted.metric, competitor.metric - 1)
    return _free_ipv6_metrics(wanted._replace(metric=metric), there, competitor) if metric > 0 else []


def _free_ipv6_metrics(wanted: Route, there: Sequence[Route], competitor: Route | None) -> list[int]:
    """Where ours may stand: nearby, where nobody else does, and below a competitor; a new one takes the first.

    Routes of ours to another gateway may have the wanted metric until the new one is there (R7). Mostly there is room
    below; above it only where that may come to an end.
    """
    taken = {route.metric for route in there if not same_next_hop(route, wanted)}
    below = range(wanted.metric, max(0, wanted.metric - 2 * NEAR), -1)
    end = min(2 * NEAR, competitor.metric) if competitor is not None else 2 * NEAR
    return [metric for metric in (*below, *range(wanted.metric + 1, end)) if metric not in taken]
