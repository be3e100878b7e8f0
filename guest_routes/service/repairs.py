"""Repairs: which program made them necessary, how often, and how long they wait during a conflict.

This remembers between passes what attribution.py and conflicts.py, which are pure, decide on.

Host routes of ours that somebody deletes are put back at once, before a pass looks at everything. A pass on a large
table takes long, and comes after a pause; a deletion that a notification tells in full needs neither. What the last
pass programmed is put back, logged and counted as a repair. That decides nothing: the pass that follows judges it like
everything else. Left to the pass is whatever is more than a deletion: other changes at the same destination, default
routes, routes in conflict, what went with a link or an address, and everything after somebody else's pass.

Where notifications are lost, as while another program changes thousands of routes, none tells of a deletion. The kernel
is asked for our routes alone then, which takes a tenth of a pass or less; those that are missing are put back where
nobody else has a route of their key.
"""

from __future__ import annotations

from ..errors import LockError, StateError
from ..kernel.monitor import RuleEvent
from ..model.diagnosis.status import Actor, Change, RouteKey, SourceChange
from ..model.operations import Add
from ..routing.ownership import is_ours
from ..state.processes import actor_at
from .attribution import attribute, attribute_conflicts, attribute_source
from .conflicts import Conflict, repaired, resolved, waits
from .journal import Journal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Collection, Mapping, Sequence

    from ..kernel.engine import Kernel
    from ..kernel.monitor import Event, Notifications
    from ..model.network import Nic, Prefix
    from ..model.operations import Operation
    from ..model.plan import PlannedRoute
    from ..model.report import Report
    from ..model.settings import Settings
    from ..model.source_routing import SourceKey
    from ..state.store import State
    from .conflicts import Contested

    Planned = Mapping[Prefix, PlannedRoute]

CHANGES_KEPT = 1000
"""Of so many routes the last change is remembered until the next pass."""
PLANNED_KEPT = 2000
"""Of so many host routes the last pass's are remembered; where there are more, passes alone repair them."""
ASK_SECONDS = 0.05
"""The shortest pause between two such questions."""


class Repairs:
    """The changes by others since the last pass, and the conflicts."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._conflicts: dict[Contested, Conflict] = {}
        self._changes: dict[RouteKey, Change] = {}
        self._source_changes: dict[SourceKey, SourceChange] = {}
        self._source_taken: dict[SourceKey, SourceChange] = {}
        """Those that the pass that is being made may revert."""

    def remember(self, events: Sequence[Event], by_source: Sequence[Event | RuleEvent] = ()) -> None:
        """Who changed these routes and rules: asked at once, since a command's process soon ends.

        Args:
            by_source: of rules, and of routes in the NICs' tables (R21).
        """
        actors: dict[int, Actor] = {port: actor_at(port) for port in {one.port for one in (*events, *by_source)}}
        for event in events:
            key = RouteKey(event.destination, event.gateway, event.ifindex, event.metric, event.protocol)
            self._changes.pop(key, None)  # The newest is the last.
            if len(self._changes) < CHANGES_KEPT:
                self._changes[key] = Change(actors[event.port], key, event.deleted)
        for one in by_source:
            change = SourceChange(actors[one.port], source_key(one), one.deleted)
            self._source_changes.pop(change.key, None)
            if len(self._source_changes) < CHANGES_KEPT:
                self._source_changes[change.key] = change

    def wait_until(self, events: Sequence[Event], now: float, by_source: Sequence[Event | RuleEvent] = ()) -> float:
        """When the first of these may be repaired; 0 when one of them is in no conflict and needs no wait."""
        pauses = [waits(self._conflicts, event.destination, now) for event in events]
        pauses += [waits(self._conflicts, source_key(event), now) for event in by_source]
        return min(pauses, default=0.0)

    def peaceful(self, events: Sequence[Event], now: float) -> list[Event]:
        """Those of routes whose repair need not wait."""
        return [event for event in events if not waits(self._conflicts, event.destination, now)]

    def waiting(self, now: float) -> set[Contested]:
        """Those whose repair has to wait."""
        return {one for one in self._conflicts if waits(self._conflicts, one, now)}

    def take_changes(self) -> dict[RouteKey, Change]:
        """The changes so far, which a pass may revert; those that come from now on are kept apart."""
        taken, self._changes = self._changes, {}
        self._source_taken, self._source_changes = self._source_changes, {}
        return taken

    def account(
        self,
        done: Sequence[Operation],
        nics: Sequence[Nic],
        before: Mapping[RouteKey, Change],
        anew: bool,
        now: float,
    ) -> None:
        """Logs what was changed and why, and counts the repairs.

        Args:
            done: the operations of a pass, or what Restoration put back.
            anew: it went by another document or other settings than the pass before, and repaired nothing.
            before: the changes until the pass. Of those that came with it, what it reverted is forgotten.
        """
        earlier = attribute(done, [] if anew else before.values())
        meanwhile = attribute(done, [] if anew else self._changes.values())
        # What was reverted and is done again at once is the next pass's.
        reverted = [one or other for one, other in zip(earlier, meanwhile)]
        for one in filter(None, reverted):
            if self._changes.get(one.route) is one:
                del self._changes[one.route]
        self._journal.changes(done, nics, reverted)
        if not anew:
            for operation, change in zip(done, reverted):
                if operation.reason != "equal-serves":
                    self._journal.repaired(operation, change, nics)
        # A pass removes extra defaults last: the last operation's NIC is the one to configure.
        last = {one.route.destination: (one, change) for one, change in zip(done, reverted) if change}
        self._count(nics, last, now)

    def account_source(self, report: Report, anew: bool, now: float) -> None:
        """The same of source routing's rules and tables, after `take_changes`."""
        done = report.source_outcome.done if report.source_outcome else ()
        earlier = attribute_source(done, [] if anew else self._source_taken.values())
        meanwhile = attribute_source(done, [] if anew else self._source_changes.values())
        reverted = [one or other for one, other in zip(earlier, meanwhile)]
        for one in filter(None, reverted):
            if self._source_changes.get(one.key) is one:
                del self._source_changes[one.key]
        changes = () if anew else (*self._source_taken.values(), *self._source_changes.values())
        self._journal.source_routing(report, reverted, attribute_conflicts(report.source_conflicts, changes))
        conflicts: list[tuple[Contested, Conflict, str]] = []
        for operation, change in zip(done, reverted):
            if change is not None:
                self._journal.source_repaired(operation, change, report)
                self._conflicts = repaired(self._conflicts, change.key, change.actor, now)
                conflict = self._conflicts[change.key]
                if conflict.active:
                    from ..output.words.remedies import source_remedy

                    conflicts.append((change.key, conflict, source_remedy(conflict.actor)))
        self._journal.in_conflict(conflicts)

    def _count(self, nics: Sequence[Nic], repairs: Mapping[Prefix, tuple[Operation, Change]], now: float) -> None:
        """One more repair of each of these destinations; reports their conflicts, each with its remedy."""
        conflicts: list[tuple[Contested, Conflict, str]] = []
        for destination, (operation, change) in repairs.items():
            self._conflicts = repaired(self._conflicts, destination, change.actor, now)
            conflict = self._conflicts[destination]
            if conflict.active:
                from ..output.words.remedies import remedy

                name = next((nic.name for nic in nics if nic.ifindex == operation.route.ifindex), "NIC")
                conflicts.append((destination, conflict, remedy(conflict.actor, destination, change.deleted, name)))
        self._journal.in_conflict(conflicts)

    def end_conflicts(self, now: float) -> None:
        """Forgets destinations that needed no repair for long; reports those that were in conflict."""
        over = resolved(self._conflicts, now)
        ended = [destination for destination in over if self._conflicts[destination].active]
        for destination in over:
            del self._conflicts[destination]
        if ended:
            self._journal.resolved(ended)
            self._journal.publish()


def source_key(event: Event | RuleEvent) -> SourceKey:
    """Which rule, or route of a NIC's table, a notification is about."""
    from ..model.source_routing import TableRouteKey, rule_key

    if isinstance(event, RuleEvent):
        return rule_key(event.rule)
    return TableRouteKey(event.table, event.destination, event.metric)


# ---- at once -----------------------------------------------------------------------------------------------


class Restoration:
    """What the last pass programmed, and its restoring.

    Args:
        store: its lock keeps this apart from passes, and tells whether another process has made one.
    """

    def __init__(self, store: State) -> None:
        self._store = store
        self._planned: Planned = {}
        self.nics: tuple[Nic, ...] = ()
        """As the last pass saw them."""
        self._asked = 0.0
        """When the kernel was asked for our routes alone the last time."""

    def forget(self) -> None:
        """Nothing is put back until a pass was made."""
        self._planned = {}

    def passed(self, report: Report) -> None:
        """A pass was made: what it programmed is put back from now on."""
        self.forget()
        routes, self.nics = report.plan.routes, report.after.nics
        if not (report.errors or report.set_aside) and len(routes) <= PLANNED_KEPT:
            self._planned = {one.route.destination: one for one in routes if one.verdict in ("add", "kept")}

    def answer(
        self, seen: Notifications, repairs: Repairs, kernel: Kernel, settings: Settings, now: float
    ) -> list[Add]:
        """Puts back what notifications say is deleted, or what is missing where some are lost; what was done."""
        if seen.lost:
            return self.restore_missing(kernel, settings, repairs.waiting(now), now)
        return self.restore(repairs.peaceful(seen.routes, now), kernel, settings)

    def restore(self, events: Sequence[Event], kernel: Kernel, settings: Settings) -> list[Add]:
        """Puts back what these events delete; what was done, without what the kernel has refused."""
        return self._put_back(to_restore(events, self._planned, settings.protocol), kernel)

    def restore_missing(
        self, kernel: Kernel, settings: Settings, waiting: Collection[Contested], now: float
    ) -> list[Add]:
        """Puts back what is missing, whatever the notifications said; what was done.

        Args:
            waiting: destinations that are left to a pass.

        Raises:
            KernelError: the kernel can't be asked.
        """
        if not self._planned or now < self._asked + ASK_SECONDS:
            return []
        self._asked = now
        found = kernel.routes_of(settings.table, settings.protocol)
        there = {route.destination for route in found if is_ours(route, settings)}
        gone = [one for place, one in self._planned.items() if place not in there and place not in waiting]
        return self._put_back([Add(one.route, one.resolved, "alone") for one in gone], kernel)

    def _put_back(self, wanted: list[Add], kernel: Kernel) -> list[Add]:
        if not wanted or not self._store.is_last_holder():
            return []
        try:
            with self._store.lock(0.0):
                if self._store.is_withdrawn():
                    return []
                failed = {failure.operation.route.destination for failure in kernel.apply(wanted)}
        except (LockError, StateError):  # A pass is being made.
            return []
        return [one for one in wanted if one.route.destination not in failed]


def to_restore(events: Sequence[Event], planned: Planned, protocol: int) -> list[Add]:
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
        if deleted is None or one is None:
            continue
        route = one.route
        if (deleted.gateway, deleted.ifindex, deleted.metric) == (route.gateway, route.ifindex, route.metric):
            found.append(Add(route, one.resolved))
    return found
