"""When the service runs a pass and when it fetches: bursts gathered, fetches spread, failures spaced.

Pure: the clock and chance are given. Times are seconds of the monotonic clock, which no clock step moves, and
which stands still while the machine is suspended (docs/clocks.md). Chance is a number from 0 to 1, so that ten
thousand machines don't fetch at the same time.
"""

from __future__ import annotations

from ..model.namedtuple import NamedTuple
from ..model.network import LOCAL_TABLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterable, Literal, TypeAlias

    from ..model.network import KernelState, Route
    from ..model.report import Report
    from ..model.settings import Settings

    PassState: TypeAlias = Literal["no-document", "programmed", "set-aside", "withdrawn", "failed"]

GATHER_SECONDS = 0.05
"""The shortest pause between two passes: the changes of a burst get one more pass, at its end."""
IDLE_PER_BUSY = 4
"""The rate limit: for each second of processor time that passes take, so many seconds without one. A storm of
notifications costs a fifth of a processor at most; the repair of a route that is deleted now and then doesn't wait."""
BUDGET_SECONDS = IDLE_PER_BUSY * 1.0
"""The budget: so many of these seconds may be outstanding before a pass has to wait."""
LONGEST_RETRY_SECONDS = 60.0
"""After passes of which the kernel refused a part, the next one comes after 1, 2, 4 seconds, up to this."""
LONGEST_FAULT_SECONDS = 10.0
"""The same after passes and fetches that the machine keeps from being made (no process, memory, disk, lock):
once it can, they come within so many seconds."""
SPREAD_SECONDS = 5.0
"""Where the last known good document is programmed already, the first fetch comes within so many seconds."""
JITTER = 0.1
"""A fetch comes up to this part of refresh_seconds earlier or later."""
RETRY_SECONDS = 2.0
"""The pause after a first fetch that failed; it doubles up to refresh_seconds."""
GRACE_SECONDS, DOUBLINGS = 2.0, 5
"""What the process that fetches gets beyond the deadline for its start and its end; twice that after each one in a row
that was late, so often at most. On a machine that is too busy to start it in time each further attempt in the same time
would only make it busier."""
EAGER_RETRIES = 5
"""How many more fetches, in doubling pauses, there are for a NIC that the metadata doesn't describe yet."""


def state_of(report: Report) -> PassState:
    """How a pass that was made ended."""
    if report.set_aside:
        return "set-aside"
    failed = report.errors or report.outcome.failures or report.unrecorded or report.source_routing_failed
    return "failed" if failed else "programmed"


def first_expiry(routes: Iterable[Route]) -> float:
    """In how many seconds the first route by a gateway will have expired; 0 where all stay.

    A second later than the dump says, which has whole ones.
    """
    return min((route.expires + 1.0 for route in routes if route.expires and route.gateway), default=0.0)


def tables_of_others(state: KernelState, settings: Settings) -> frozenset[int]:
    """The tables that rules look up beside the settings', source routing's and the kernel's own: what is there decides.

    A VPN's rule may lead to a table that is empty yet.
    """
    known = 0, LOCAL_TABLE, settings.table
    found = {rule.table for rule in state.rules if rule.table not in known}
    return frozenset(table for table in found if table not in settings.source_routing_tables)


def grace_seconds(late: int) -> float:
    """What the process that fetches gets beyond the deadline, after so many in a row that were late."""
    return GRACE_SECONDS * 2.0 ** min(late, DOUBLINGS)


class ReconcileSchedule(NamedTuple):
    """When to run a pass."""

    due: float | None = None
    """None: nothing has happened since the last pass began."""
    limited_until: float = 0.0
    """No pass before, because of the rate limit."""
    failures: int = 0
    """Passes in a row that failed."""
    used: float = 0.0
    """How much of the budget was used at the end of the last pass."""
    ended: float = 0.0
    """When that was."""

    def noticed(self, now: float) -> ReconcileSchedule:
        """Something has changed: the first change has a pass at once, a burst is gathered."""
        soon = max(now, self.limited_until)
        return self._replace(due=soon if self.due is None else min(self.due, soon))

    def postponed(self, until: float) -> ReconcileSchedule:
        """A pass at `until`, unless one is due earlier."""
        return self._replace(due=until if self.due is None else min(self.due, until))

    def begun(self) -> ReconcileSchedule:
        """A pass begins; it may miss what is noticed from now on."""
        return self._replace(due=None)

    def reconciled(self, now: float, took: float) -> ReconcileSchedule:
        """A pass has ended without failing; it took so many seconds of processor time."""
        used = max(0.0, self.used - (now - took - self.ended)) + IDLE_PER_BUSY * took
        limited_until = now + max(GATHER_SECONDS, used - BUDGET_SECONDS)
        return ReconcileSchedule(
            None if self.due is None else max(self.due, limited_until), limited_until, 0, used, now
        )

    def failed(self, now: float, longest: float = LONGEST_RETRY_SECONDS) -> ReconcileSchedule:
        """A pass has failed: another one later, and soon if something has been noticed since it began."""
        again, limited_until = now + min(2.0 ** min(self.failures, 20), longest), now + GATHER_SECONDS
        due = again if self.due is None else min(again, max(self.due, limited_until))
        return self._replace(due=due, limited_until=limited_until, failures=self.failures + 1)


class Refreshes(NamedTuple):
    """When to fetch the metadata."""

    due: float
    failures: int = 0
    """Fetches in a row that failed."""
    eager: int = 0
    """Fetches left for a NIC that the metadata doesn't describe yet."""

    def fetched(self, now: float, refresh_seconds: float, chance: float, all_documented: bool) -> Refreshes:
        """A fetch brought a document; `all_documented`: it has every NIC."""
        pause = refresh_seconds * (1 - JITTER + 2 * JITTER * chance)
        if all_documented or not self.eager:
            return Refreshes(now + pause)
        soon = spread(RETRY_SECONDS * 2.0 ** (EAGER_RETRIES - self.eager), chance)
        return Refreshes(now + min(pause, soon), eager=self.eager - 1)

    def failed(self, now: float, refresh_seconds: float, chance: float) -> Refreshes:
        """A fetch brought no document, or its pass failed."""
        pause = min(RETRY_SECONDS * 2.0 ** min(self.failures, 20), max(refresh_seconds, RETRY_SECONDS))
        return self._replace(due=now + spread(pause, chance), failures=self.failures + 1)

    def hurried(self, now: float, eager: bool = False) -> Refreshes:
        """A fetch at once; `eager`: for a new NIC, which the metadata may describe a little later."""
        return self._replace(due=min(self.due, now), eager=EAGER_RETRIES if eager else self.eager)


def spread(pause: float, chance: float) -> float:
    """From half of the pause to the whole."""
    return pause * (0.5 + 0.5 * chance)
