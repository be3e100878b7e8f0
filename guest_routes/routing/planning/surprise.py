"""Defaults that changed between the snapshot and the writing of a plan (R4, R7). Pure.

A VPN that comes up replaces the default at any moment. An addition that must find nobody of its key is refused then
(EEXIST); one at another metric may land in front of the VPN's. Either way ours goes, and a plan is made anew of what is
there. A default that was to be the only one may have gone: then none is removed, before a new plan.
"""

from __future__ import annotations

from errno import EEXIST

from ...model.namedtuple import NamedTuple
from ...model.network import UNICAST, Prefix, Route
from ...model.operations import Add, Delete, RemoveForeignDefault, RestoreDefault
from ...model.report import Discrepancy
from ..compare import ifindexes, is_present, leads_out, preference, same_route
from ..elect import managed_ifindexes
from ..ownership import is_ours

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterator, Sequence

    from ...model.operations import Operation
    from ...model.plan import Plan, PlannedDefault
    from ...model.report import PassError, Report
    from ...model.settings import Settings


class Surprise(NamedTuple):
    """A table that was not as the snapshot showed it."""

    taken_back: tuple[Delete, ...] = ()
    """Defaults of ours in front of another program's that came meanwhile."""


def without_another(removals: Sequence[Operation], now: Sequence[Route]) -> set[Prefix]:
    """The destinations of defaults (one a family) that would leave no other one, as the table is by now (R7)."""
    going = [one.route for one in removals]
    last = {route.destination for route in going}
    for one in now:
        if one.destination in last and leads_out(one) and not one.tos and not any(same_route(one, x) for x in going):
            last.remove(one.destination)
    return last


def surprise(report: Report, settings: Settings) -> Surprise | None:
    """What was otherwise than planned of a pass that has been written; None where nothing was."""
    done = _of_defaults(report.outcome.done)
    added = [one.route for one in done if isinstance(one, Add)]
    newcomers = {route: _newcomers(route.family, report, settings) for route in added}
    missed = _refused(report) or any(map(_misses_default, report.errors))
    if not (any(newcomers.values()) or missed or _uncovers(report, done)):
        return None
    overtaking = (route for route in added if _overtakes(route, newcomers[route], report))
    return Surprise(tuple(Delete(route, "overtakes") for route in overtaking))


def _refused(report: Report) -> bool:
    """Whether an addition that had to find nobody of its key has found somebody."""
    return any(one.errno == EEXIST and _adds_default(one.operation) for one in report.outcome.failures)


def _misses_default(error: PassError) -> bool:
    """Whether a default was taken away or replaced as soon as it was there."""
    return isinstance(error, Discrepancy) and error.kind == "missing" and error.route.destination.is_default


def _of_defaults(done: Sequence[Operation]) -> list[Operation]:
    """Those of default routes; by index and length, since a hundred thousand others may be among them."""
    return [one for one in done if not one[0][0][1]]


def _adds_default(operation: Operation) -> bool:
    return isinstance(operation, Add) and operation.route.destination.is_default


def _uncovers(report: Report, done: Sequence[Operation]) -> bool:
    """Whether the pass has made the kernel show a default that stood between two next hops.

    Args:
        done: of what it did, the operations of default routes.
    """
    hidden = _hidden(report.before.routes)
    return (bool(hidden) and _hidden(report.after.routes) != hidden) or _shows_another(report, done)


def _shows_another(report: Report, defaults: Sequence[Operation]) -> bool:
    """The same of one that was not known: IPv6's on link, or one that rejects."""
    done = [one for one in defaults if one.route.family == 6]
    if not any(isinstance(one, RemoveForeignDefault) for one in done):
        return False
    known = [*filter(_is_ipv6_default, report.before.routes), *(one.route for one in done)]
    return any(not is_present(one, known) for one in filter(_is_ipv6_default, report.after.routes))


def _is_ipv6_default(route: Route) -> bool:
    return not route[0][1] and len(route[0][0]) == 16


def _hidden(routes: Sequence[Route]) -> list[tuple[int, int]]:
    """Metric and object of each default that no dump shows."""
    return [(one.metric, one.nexthop_id) for one in routes if one.unwritable == "hidden"]


def _newcomers(family: int, report: Report, settings: Settings) -> list[Route]:
    """Other programs' defaults outside the metadata that came while the pass ran."""
    known = {*report.before.routes, *(one.route for one in report.outcome.done if isinstance(one, RestoreDefault))}
    managed = managed_ifindexes(report.resolution.bindings, report.before.nics)
    return [
        route for route in _defaults(report.after.routes, family)
        if route not in known and not is_ours(route, settings) and not ifindexes(route) & managed
        and (route.metric, route.nexthop_id) not in _hidden(report.before.routes)
    ]  # fmt: skip


def _overtakes(ours: Route, newcomers: Sequence[Route], report: Report) -> bool:
    """Whether it stands in front of a newcomer that would have been the first one at the snapshot."""
    before = _defaults(report.before.routes, ours.family)
    after = _defaults(report.after.routes, ours.family)
    behind = after[after.index(ours) :] if ours in after else []
    return any(route in behind and (not before or preference(route) <= preference(before[0])) for route in newcomers)


def _defaults(routes: Sequence[Route], family: int) -> list[Route]:
    """Those that packets may take, first the one that they take."""
    found = [one for one in routes if one.destination.is_default and one.family == family]
    return sorted((one for one in found if one.kind == UNICAST and not one.tos), key=preference)


def both(first: Report, second: Report) -> Report:
    """Two looks of one pass as one report: the second, with what the first had done."""
    done = first.outcome.done
    made = set(map(id, done))
    added = {one.route: one for one in first.plan.routes if one.verdict == "add"}
    routes = tuple(added.get(one.route, one) if one.verdict == "kept" else one for one in second.plan.routes)
    plan: Plan = second.plan._replace(
        additions=(*(one for one in first.plan.additions if id(one) in made), *second.plan.additions),
        removals=(*(one for one in first.plan.removals if id(one) in made), *second.plan.removals),
        routes=routes,
        defaults=tuple(_added_before(first.plan.defaults, second.plan.defaults)),
    )
    outcome = second.outcome._replace(done=(*done, *second.outcome.done))
    return second._replace(decision=second.decision._replace(plan=plan), outcome=outcome)


def _added_before(first: Sequence[PlannedDefault], second: Sequence[PlannedDefault]) -> Iterator[PlannedDefault]:
    """The second look's defaults; one of ours that it keeps was added where the first look says so."""
    new = {one.serving for one in first if one.verdict == "add"}
    for one in second:
        yield one._replace(verdict="add") if one.verdict == "kept" and one.serving in new else one
