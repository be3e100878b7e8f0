"""Desired routes and the kernel's state to an ordered Plan (R1, R5-R7). Pure.

Known hazards, each with its answer here:
- IPv4 keys a route by destination, TOS and metric, and an addition goes before others of its key: ours win at
  equal metric. One that another program has since put in front is moved back (Front).
- IPv6 merges static routes of one destination and metric into a multipath route: ours never share a metric.
- An equal route of another program is adopted, not doubled: nothing is written (R5).
- Additions come first, deletions last, so that no destination is ever without the route it had (R7).
"""

from __future__ import annotations

from .elect import Election
from .model import (
    IPV6_DEFAULT_METRIC,
    UNICAST,
    Add,
    Delete,
    Front,
    KernelState,
    Operation,
    Prefix,
    Route,
)
from .plan_default import EQUAL_SERVES, NEAR, Default, plan_default
from .policy import Settings
from .resolve import Resolution, Resolved

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NamedTuple, Sequence
else:
    from .values import NamedTuple

OUR_IPV6_METRIC = IPV6_DEFAULT_METRIC - 1
"""What metric 0 of the settings means for IPv6: before the 1024 that everybody else gets, and not equal to it."""


class Decision(NamedTuple):
    """What becomes of one resolved host route."""

    verdict: str
    """add, kept (ours, in place), adopted (another program's, equal), or shadowed (R5)."""
    route: Route
    """The route that serves it, in place or to be added; when shadowed, the one that ought to."""
    resolved: Resolved
    rival: Route | None = None
    """The best route of another program to the same destination that is not equal."""


class Plan(NamedTuple):
    """What is to be written, in order: all of `additions`, then `removals`."""

    additions: tuple[Operation, ...]
    removals: tuple[Operation, ...]
    decisions: tuple[Decision, ...]
    defaults: tuple[Default, ...]
    """One for each family that has a default route, or is to have one."""
    held: tuple[Route, ...] = ()
    """Ours that are wanted no more, and stay because the document may be partial (R6)."""

    @property
    def operations(self) -> tuple[Operation, ...]:
        """Additions, then removals."""
        return self.additions + self.removals


def plan(
    resolution: Resolution,
    elections: Sequence[Election],
    described: frozenset[int],
    state: KernelState,
    settings: Settings,
    withdraw: bool = True,
) -> Plan:
    """What turns the kernel's routes into the desired ones.

    Args:
        described: ifindexes of the NICs that the metadata describes.
        withdraw: False when the document may be partial (R6): nothing that is there is then taken away.
    """
    protocol, table = settings.protocol, settings.table
    metrics = {4: settings.metric, 16: settings.metric or OUR_IPV6_METRIC}
    present: dict[Prefix, list[Route]] = {}
    defaults: list[Route] = []
    for route in state.routes:
        destination = route.destination
        if destination.length == 0:
            defaults.append(route)
        elif destination in present:
            present[destination].append(route)
        else:
            present[destination] = [route]

    additions: list[Operation] = []
    removals: list[Operation] = []
    decisions: list[Decision] = []
    # A hundred thousand routes share a few ways: all but the destination is made once for each.
    tails: dict[int, tuple[Any, ...]] = {}
    make = tuple.__new__
    for resolved in resolution.resolved:
        destination, way = resolved.host.destination, resolved.way
        tail = tails.get(id(way))
        if tail is None:
            metric = metrics[len(destination.address)]
            tail = (way.gateway, way.nic.ifindex, metric, protocol, table, UNICAST, 0, 0, way.onlink)
            tail = tails[id(way)] = Route(destination, *tail)[1:]
        wanted = make(Route, (destination, *tail))
        there = present.pop(destination, None)
        if there is None:
            additions.append(make(Add, (wanted, resolved)))
            decisions.append(make(Decision, ("add", wanted, resolved, None)))
        elif len(there) == 1 and there[0] == wanted:  # As `_decide` would find, in a tenth of the time.
            decisions.append(make(Decision, ("kept", wanted, resolved, None)))
        else:
            decisions.append(_decide(wanted, there, resolved, additions, removals))

    # What is left of ours is wanted no more.
    unwanted = [route for routes in present.values() for route in routes if route.protocol == protocol]
    if withdraw:
        removals.extend(Delete(route, "no longer in the metadata") for route in unwanted)
    outcomes = []
    for election in elections:
        rivals = [route for route in defaults if route.family == election.family]
        default = plan_default(
            election, rivals, described, settings, metrics[4 if election.family == 4 else 16], withdraw
        )
        additions.extend(default.additions)
        removals.extend(default.removals)
        if rivals or default.additions or default.route or default.reason:
            outcomes.append(default)
    return Plan(
        tuple(additions), tuple(removals), tuple(decisions), tuple(outcomes), () if withdraw else tuple(unwanted)
    )


def _decide(
    wanted: Route, there: Sequence[Route], resolved: Resolved, additions: list[Operation], removals: list[Operation]
) -> Decision:
    """One destination that has routes already (R5)."""
    ours = [route for route in there if route.protocol == wanted.protocol and route.kind == UNICAST]
    theirs = [route for route in there if route not in ours and route.tos == 0]
    best = min(theirs, key=lambda route: route.metric, default=None)
    if best is not None and same_way(best, wanted):
        removals.extend(Delete(route, EQUAL_SERVES) for route in ours)
        rival = next((route for route in theirs if not same_way(route, wanted)), None)
        return Decision("adopted", best, resolved, rival)
    if best is not None:
        metric = winning_metric(wanted, best)
        if metric is None:
            removals.extend(Delete(route, "shadowed") for route in ours)
            return Decision("shadowed", wanted, resolved, best)
        wanted = wanted._replace(metric=metric)
    verdict = "kept"
    metrics = [wanted.metric] if wanted.family == 4 else _ipv6_metrics(wanted, there, best)
    if not metrics:  # Until ours to another gateway has gone.
        removals.extend(Delete(route, "shadowed") for route in ours)
        return Decision("shadowed", wanted, resolved, best)
    wanted = wanted._replace(metric=metrics[0])
    mine = next((route for route in ours if route.metric in metrics and same_way(route, wanted)), None)
    if mine is None:
        additions.append(Add(wanted, resolved))
        verdict = "add"
    elif best is not None and best.metric == mine.metric and there.index(best) < there.index(mine):
        additions.append(Front(mine, resolved))
        verdict = "add"
    removals.extend(Delete(route, resolved) for route in ours if route is not mine)
    return Decision(verdict, mine or wanted, resolved, best)


def same_way(one: Route, other: Route) -> bool:
    """Whether both send a packet through the same NIC to the same gateway."""
    return (
        one.gateway == other.gateway
        and one.ifindex == other.ifindex
        and one.kind == other.kind == UNICAST
        and not one.legs
        and not other.legs
    )


def _ipv6_metrics(wanted: Route, there: Sequence[Route], rival: Route | None) -> list[int]:
    """Where ours may stand: nearby, where nobody else does, and below a rival; a new one takes the first.

    Routes of ours to another gateway may have the wanted metric until the new one is there (R7). Mostly there is room
    below; above it only where that may come to an end.
    """
    taken = {route.metric for route in there if not same_way(route, wanted)}
    below = range(wanted.metric, max(0, wanted.metric - 2 * NEAR), -1)
    end = min(2 * NEAR, rival.metric) if rival is not None else 2 * NEAR
    return [metric for metric in (*below, *range(wanted.metric + 1, end)) if metric not in taken]


def winning_metric(wanted: Route, rival: Route) -> int | None:
    """The metric at which ours wins over a rival of the same destination; None where no metric does (R5)."""
    if wanted.family == 4:
        return min(wanted.metric, rival.metric)
    metric = min(wanted.metric, rival.metric - 1)
    return metric if metric > 0 else None
