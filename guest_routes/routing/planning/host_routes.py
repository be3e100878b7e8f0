"""What becomes of each resolved host route beside what is there at its destination (R5-R7). Pure.

Of a hundred thousand host routes nearly all have one of a few next hops and a destination without any route: those are
planned many at a time.
"""

from __future__ import annotations

from _operator import add, itemgetter
from itertools import repeat

from ...model.network import IPV6_DEFAULT_METRIC, UNICAST, Route
from ...model.operations import Add, Delete, Promote
from ...model.plan import PlannedRoute
from ..compare import preference, same_next_hop
from ..ownership import is_ours, is_reaching
from .default_metrics import NEAR
from .reachability import gateways_alone

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Collection, Sequence

    from ...model.decision import Resolution, Resolved
    from ...model.network import Prefix
    from ...model.operations import Operation
    from ...model.settings import Settings

OUR_IPV6_METRIC = IPV6_DEFAULT_METRIC - 1
"""What metric 0 of the settings means for IPv6: before the 1024 that everybody else gets, and not equal to it."""

_PIECE = 256
"""So many host routes are planned at once where all are alike."""
_FIRST = itemgetter(0)


def our_metric(family: int, settings: Settings) -> int:
    """The metric of ours where nothing speaks against it."""
    return settings.metric if family == 4 else settings.metric or OUR_IPV6_METRIC


def plan_host_routes(
    resolution: Resolution,
    present: dict[Prefix, list[Route]],
    settings: Settings,
    additions: list[Operation],
    removals: list[Operation],
) -> list[PlannedRoute]:
    """What becomes of each resolved host route; takes its destination out of `present`."""
    planned: list[PlannedRoute] = []
    behind = gateways_alone(resolution) if our_metric(6, settings) == 1 else ()
    # Host routes share a few next hops: all but the destination is made once for each.
    tails: dict[int, tuple[Any, ...]] = {}
    for start in range(0, len(resolution.resolved), _PIECE):
        piece = resolution.resolved[start : start + _PIECE]
        new = None if behind else _all_new(piece, present, settings)
        if new is None:
            planned += _one_by_one(piece, present, settings, additions, removals, tails, behind)
        else:
            additions += new[0]
            planned += new[1]
    return planned


def _all_new(
    piece: Sequence[Resolved], present: dict[Prefix, list[Route]], settings: Settings
) -> tuple[list[Add], list[PlannedRoute]] | None:
    """Host routes with one next hop, none of whose destinations has a route yet; None of any others."""
    hosts, next_hops = zip(*piece)
    destinations = list(map(_FIRST, hosts))
    if next_hops.count(next_hops[0]) < len(piece) or not present.keys().isdisjoint(destinations):
        return None
    make, tail = tuple.__new__, _wanted(piece[0], settings)[1:]
    routes = list(map(make, repeat(Route), map(add, zip(destinations), repeat(tail))))
    additions = list(map(make, repeat(Add), zip(routes, piece, repeat("before"))))
    return additions, list(map(make, repeat(PlannedRoute), zip(repeat("add"), routes, piece, repeat(None))))


def _one_by_one(
    piece: Sequence[Resolved],
    present: dict[Prefix, list[Route]],
    settings: Settings,
    additions: list[Operation],
    removals: list[Operation],
    tails: dict[int, tuple[Any, ...]],
    behind: Collection[Prefix],
) -> list[PlannedRoute]:
    """The same for any.

    Args:
        tails: by a next hop's id, what a Route to it has beside the destination, once it is known.
        behind: the destinations before which a gateway's own route stands.
    """
    planned: list[PlannedRoute] = []
    make = tuple.__new__
    for resolved in piece:
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
