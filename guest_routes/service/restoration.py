"""Host routes of ours that somebody deletes are put back at once, before a pass looks at everything.

A pass on a large table takes long, and comes after a pause; a deletion that a notification tells in full needs neither.
What is put back is what the last pass programmed, and the pass that follows judges it like everything else: this
decides nothing. Left to the pass is whatever is more than a deletion: other changes at the same destination, default
routes, routes in conflict, what went with a link or an address, and everything after somebody else's pass.
"""

from __future__ import annotations

from ..errors import LockError, StateError
from ..model.operations import Add

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Collection, Mapping, Sequence

    from ..kernel.engine import Kernel
    from ..kernel.monitor import Event
    from ..model.network import Prefix
    from ..model.plan import PlannedRoute
    from ..model.report import Report
    from ..state.store import State

    Planned = Mapping[Prefix, PlannedRoute]

KEPT = 2000
"""Of so many host routes the last pass's are remembered; where there are more, passes alone repair them."""


class Restoration:
    """What the last pass programmed, and what has been put back since.

    Args:
        store: its lock keeps this apart from passes, and tells whether another process has made one.
    """

    def __init__(self, store: State) -> None:
        self._store = store
        self._planned: Planned = {}
        self._restored: dict[Prefix, Add] = {}

    def forget(self) -> None:
        """Nothing is put back until a pass was made."""
        self._planned, self._restored = {}, {}

    def passed(self, report: Report) -> Report:
        """A pass was made: the same with what was put back before it, as if it had done that."""
        if report.set_aside:
            return report
        done, self._restored = tuple(self._restored.values()), {}
        routes = report.plan.routes
        self._planned = {}
        if not report.errors and len(routes) <= KEPT:
            self._planned = {one.route.destination: one for one in routes if one.verdict in ("add", "kept")}
        return with_restored(report, done) if done else report

    def restore(self, events: Sequence[Event], kernel: Kernel, protocol: int) -> None:
        """Puts back what these events delete, each destination once until the next pass."""
        wanted = to_restore(events, self._planned, self._restored, protocol)
        if not wanted or not self._store.is_last_holder():
            return
        try:
            with self._store.lock(0.0):
                if self._store.is_withdrawn():
                    return
                failed = {failure.operation.route.destination for failure in kernel.apply(wanted)}
        except (LockError, StateError):  # A pass is being made.
            return
        self._restored.update((one.route.destination, one) for one in wanted if one.route.destination not in failed)


def to_restore(events: Sequence[Event], planned: Planned, restored: Collection[Prefix], protocol: int) -> list[Add]:
    """The additions that undo deletions by other programs, where nothing else has happened to the destination.

    Args:
        events: of the settings' table, oldest first.
    """
    if not planned:
        return []
    gone: dict[Prefix, Event | None] = {}
    for event in events:
        alone = event.deleted and event.port and event.protocol == protocol and event.destination not in gone
        gone[event.destination] = event if alone else None
    found = []
    for destination, deleted in gone.items():
        one = planned.get(destination)
        if deleted is None or one is None or destination in restored:
            continue
        route = one.route
        if (deleted.gateway, deleted.ifindex, deleted.metric) == (route.gateway, route.ifindex, route.metric):
            found.append(Add(route, one.resolved))
    return found


def with_restored(report: Report, restored: Sequence[Add]) -> Report:
    """A pass with additions made just before it. Those that it has found unwanted it has removed, which shows too."""
    there = {one.route.destination for one in restored}
    plan, outcome = report.plan, report.outcome
    routes = tuple(
        one._replace(verdict="add") if one.verdict == "kept" and one.route.destination in there else one
        for one in plan.routes
    )
    plan = plan._replace(additions=(*restored, *plan.additions), routes=routes)
    return report._replace(
        decision=report.decision._replace(plan=plan), outcome=outcome._replace(done=(*restored, *outcome.done))
    )
