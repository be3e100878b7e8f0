"""Desired routes and the kernel's state to an ordered Plan (R1, R5-R7). Pure.

Known hazards, each with its answer here:
- IPv4 keys a route by destination, TOS and metric, and an addition goes before others of its key: ours win at
  equal metric. One that another program has since put in front is moved back (Promote).
- IPv6 merges static routes of one destination and metric into a multipath route: ours never share a metric.
- An equal route of another program is adopted, not doubled: nothing is written (R5).
- Additions come first, deletions last, so that no destination is ever without the route it had (R7).
"""

from __future__ import annotations

from _operator import itemgetter

from ...model.decision import NotElected
from ...model.operations import RemoveForeignDefault
from ...model.plan import Copy, Plan, Unlisted, shadowed_of
from ..compare import defaults_of, destinations_of
from ..elect import managed_ifindexes
from ..ownership import is_ours, is_reaching, others_of, ours_or_to
from .host_routes import our_metric, plan_host_routes
from .plan_default import plan_default
from .reachability import plan_reaching

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Sequence

    from ...model.decision import Election, Resolution
    from ...model.lease import LeaseSet
    from ...model.network import KernelState, Nic, Prefix, Route
    from ...model.operations import Operation
    from ...model.plan import PlannedDefault
    from ...model.settings import Settings
    from .copies import Copies
    from .leftovers import Leftovers

_FIRST = itemgetter(0)
"""The host route of a Resolved, and the destination of that."""


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
    routes = plan_host_routes(resolution, present, settings, additions, removals)
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


def _by_destination(
    state: KernelState, going: Copies, resolution: Resolution, settings: Settings
) -> dict[Prefix, list[Route]]:
    """Routes to the destinations of host routes, and ours to any, but for defaults and copies that go."""
    hosts = map(_FIRST, map(_FIRST, resolution.resolved))
    near = set(destinations_of(state.routes)).intersection(hosts)
    present: dict[Prefix, list[Route]] = {}
    for route in ours_or_to(near, state.routes, settings):
        if route.destination.length and not (going and route in going):
            present.setdefault(route.destination, []).append(route)
    return present
