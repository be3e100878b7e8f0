"""Repairs: which program made them necessary, how often, and how long they wait during a conflict.

This remembers between passes what attribution.py and conflicts.py, which are pure, decide on.
"""

from __future__ import annotations

from ..model.status import Actor, Change, RouteKey
from ..output.words.remedies import remedy
from ..state.processes import actor_at
from .attribution import attribute
from .conflicts import Conflict, repaired, resolved, waits
from .journal import Journal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Mapping, Sequence

    from ..kernel.monitor import Event
    from ..model.network import Prefix
    from ..model.operations import Operation
    from ..model.report import Report

CHANGES_KEPT = 1000
"""Of so many routes the last change is remembered until the next pass."""


class Repairs:
    """The changes by others since the last pass, and the conflicts."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._conflicts: dict[Prefix, Conflict] = {}
        self._changes: dict[RouteKey, Change] = {}

    def remember(self, events: Sequence[Event]) -> None:
        """Who changed these routes: asked at once, since a command's process soon ends."""
        actors: dict[int, Actor] = {}
        for event in events:
            if event.port not in actors:
                actors[event.port] = actor_at(event.port)
            key = RouteKey(event.destination, event.gateway, event.ifindex, event.metric, event.protocol)
            self._changes.pop(key, None)  # The newest is the last.
            if len(self._changes) < CHANGES_KEPT:
                self._changes[key] = Change(actors[event.port], key, event.deleted)

    def wait_until(self, events: Sequence[Event], now: float) -> float:
        """When the first of these routes may be repaired; 0 when one of them is in no conflict and needs no wait."""
        pauses = [waits(self._conflicts, event.destination, now) for event in events]
        return min(pauses, default=0.0)

    def take_changes(self) -> dict[RouteKey, Change]:
        """The changes so far, which a pass may revert; those that come from now on are kept apart."""
        taken, self._changes = self._changes, {}
        return taken

    def account(self, report: Report, before: Mapping[RouteKey, Change], fetched: bool, now: float) -> None:
        """Logs what a pass changed and why, and counts its repairs; one on a fetched document makes none.

        Args:
            before: the changes until the pass. Of those that came with it, what it reverted is forgotten.
        """
        done = report.outcome.done
        reverted = attribute(done, [] if fetched else [*before.values(), *self._changes.values()])
        for one in filter(None, reverted):
            self._changes.pop(one.route, None)
        self._journal.changes(report, reverted)
        if not fetched:
            for operation, change in zip(done, reverted):
                if operation.reason != "equal-serves":
                    self._journal.repaired(operation, change, report)
        # A pass removes extra defaults last: the last operation's NIC is the one to configure.
        last = {one.route.destination: (one, change) for one, change in zip(done, reverted) if change}
        self._count(report, last, now)

    def _count(self, report: Report, repairs: Mapping[Prefix, tuple[Operation, Change]], now: float) -> None:
        """One more repair of each of these destinations; reports their conflicts, each with its remedy."""
        conflicts = []
        for destination, (operation, change) in repairs.items():
            self._conflicts = repaired(self._conflicts, destination, change.actor, now)
            conflict = self._conflicts[destination]
            if conflict.active:
                nic = report.after.nic(operation.route.ifindex)
                name = nic.name if nic else "NIC"
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
