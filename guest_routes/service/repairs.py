"""Repairs: which program made them necessary, how often, and how long they wait during a conflict.

This remembers between passes what attribution.py and conflicts.py, which are pure, decide on.
"""

from __future__ import annotations

from ..kernel.monitor import RuleEvent
from ..model.status import Actor, Change, RouteKey, SourceChange
from ..output.words.remedies import remedy, source_remedy
from ..state.processes import actor_at
from .attribution import attribute, attribute_source
from .conflicts import Conflict, repaired, resolved, waits
from .journal import Journal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Mapping, Sequence

    from ..kernel.monitor import Event
    from ..model.network import Nic, Prefix
    from ..model.operations import Operation
    from ..model.report import Report
    from ..model.source_routing import SourceKey
    from .conflicts import Contested

CHANGES_KEPT = 1000
"""Of so many routes the last change is remembered until the next pass."""


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
        fetched: bool,
        now: float,
    ) -> None:
        """Logs what was changed and why, and counts the repairs; a pass on a fetched document makes none.

        Args:
            done: the operations of a pass, or those of restoration.py.
            before: the changes until the pass. Of those that came with it, what it reverted is forgotten.
        """
        earlier = attribute(done, [] if fetched else before.values())
        meanwhile = attribute(done, [] if fetched else self._changes.values())
        # What was reverted and is done again at once is the next pass's.
        reverted = [one or other for one, other in zip(earlier, meanwhile)]
        for one in filter(None, reverted):
            if self._changes.get(one.route) is one:
                del self._changes[one.route]
        self._journal.changes(done, nics, reverted)
        if not fetched:
            for operation, change in zip(done, reverted):
                if operation.reason != "equal-serves":
                    self._journal.repaired(operation, change, nics)
        # A pass removes extra defaults last: the last operation's NIC is the one to configure.
        last = {one.route.destination: (one, change) for one, change in zip(done, reverted) if change}
        self._count(nics, last, now)

    def account_source(self, report: Report, fetched: bool, now: float) -> None:
        """The same of source routing's rules and tables, after `take_changes`."""
        done = report.source_outcome.done if report.source_outcome else ()
        earlier = attribute_source(done, [] if fetched else self._source_taken.values())
        meanwhile = attribute_source(done, [] if fetched else self._source_changes.values())
        reverted = [one or other for one, other in zip(earlier, meanwhile)]
        for one in filter(None, reverted):
            if self._source_changes.get(one.key) is one:
                del self._source_changes[one.key]
        self._journal.source_routing(report, reverted)
        conflicts: list[tuple[Contested, Conflict, str]] = []
        for operation, change in zip(done, reverted):
            if change is not None:
                self._journal.source_repaired(operation, change, report)
                self._conflicts = repaired(self._conflicts, change.key, change.actor, now)
                conflict = self._conflicts[change.key]
                conflicts += [(change.key, conflict, source_remedy(conflict.actor))] if conflict.active else []
        self._journal.in_conflict(conflicts)

    def _count(self, nics: Sequence[Nic], repairs: Mapping[Prefix, tuple[Operation, Change]], now: float) -> None:
        """One more repair of each of these destinations; reports their conflicts, each with its remedy."""
        conflicts: list[tuple[Contested, Conflict, str]] = []
        for destination, (operation, change) in repairs.items():
            self._conflicts = repaired(self._conflicts, destination, change.actor, now)
            conflict = self._conflicts[destination]
            if conflict.active:
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
