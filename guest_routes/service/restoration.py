"""Host routes of ours that somebody deletes are put back at once, before a pass looks at everything.

A pass on a large table takes long, and comes after a pause; a deletion that a notification tells in full needs neither.
What the last pass programmed is put back, logged and counted as a repair. That decides nothing: the pass that follows
judges it like everything else. Left to the pass is whatever is more than a deletion: other changes at the same
destination, default routes, routes in conflict, what went with a link or an address, and everything after somebody
else's pass.
"""

from __future__ import annotations

from ..errors import LockError, StateError
from ..model.operations import Add

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Mapping, Sequence

    from ..kernel.engine import Kernel
    from ..kernel.monitor import Event
    from ..model.network import Nic, Prefix
    from ..model.plan import PlannedRoute
    from ..model.report import Report
    from ..model.settings import Settings
    from ..state.store import State

    Planned = Mapping[Prefix, PlannedRoute]

KEPT = 2000
"""Of so many host routes the last pass's are remembered; where there are more, passes alone repair them."""


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

    def forget(self) -> None:
        """Nothing is put back until a pass was made."""
        self._planned = {}

    def passed(self, report: Report) -> None:
        """A pass was made: what it programmed is put back from now on."""
        self.forget()
        routes, self.nics = report.plan.routes, report.after.nics
        if not (report.errors or report.set_aside) and len(routes) <= KEPT:
            self._planned = {one.route.destination: one for one in routes if one.verdict in ("add", "kept")}

    def restore(self, events: Sequence[Event], kernel: Kernel, settings: Settings) -> list[Add]:
        """Puts back what these events delete; what was done, without what the kernel has refused."""
        wanted = to_restore(events, self._planned, settings.protocol)
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
