"""When the service acts: bursts gathered, refreshes spread, failures spaced. Pure: the clock and chance are given.

Times are seconds of the monotonic clock, which neither a clock step nor a suspended machine moves. Chance is a number
from 0 to 1, so that a machine doesn't ask again together with ten thousand others.
"""

from __future__ import annotations

from ..model.namedtuple import NamedTuple

GATHER_SECONDS = 0.05
"""After a look the next one waits this long: what comes in a burst is looked at once more, at its end."""
IDLE_PER_BUSY = 4
"""The rate limit: for each second of processor time that looks take, so many seconds without one. A storm of events
costs a fifth of a processor at most, and a route that is taken away now and then doesn't wait."""
BUDGET_SECONDS = IDLE_PER_BUSY * 1.0
"""The budget: so many seconds without a look may be outstanding before one has to wait."""
LONGEST_RETRY_SECONDS = 60.0
"""After looks that failed in a row, the next one comes after 1, 2, 4 seconds, up to this."""
SPREAD_SECONDS = 5.0
"""Where the last known good document is in place already, the first fetch comes within so many seconds."""
JITTER = 0.1
"""A refresh comes this part of refresh_seconds earlier or later."""
RETRY_SECONDS = 2.0
"""The pause after a first fetch that failed; it doubles up to refresh_seconds."""
EAGER_RETRIES = 5
"""So often is asked again, in doubling pauses, for a NIC that the metadata doesn't describe yet."""


class ReconcileSchedule(NamedTuple):
    """When to look at the kernel."""

    due: float | None = None
    """None: nothing has happened since the last look."""
    limited_until: float = 0.0
    """No look before."""
    failures: int = 0
    """Looks in a row that failed."""
    used: float = 0.0
    """So much of the budget was used at the end of the last look."""
    ended: float = 0.0
    """When that was."""

    def noticed(self, now: float) -> ReconcileSchedule:
        """Something has changed: the first event acts at once, a burst is gathered."""
        soon = max(now, self.limited_until)
        return self._replace(due=soon if self.due is None else min(self.due, soon))

    def postponed(self, until: float) -> ReconcileSchedule:
        """A look at `until`, unless one comes earlier in any case."""
        return self._replace(due=until if self.due is None else min(self.due, until))

    def begun(self) -> ReconcileSchedule:
        """A look begins: what is noticed from now on, it may have missed."""
        return self._replace(due=None)

    def reconciled(self, now: float, took: float) -> ReconcileSchedule:
        """A look that took so many seconds of processor time has ended well."""
        used = max(0.0, self.used - (now - took - self.ended)) + IDLE_PER_BUSY * took
        limited_until = now + max(GATHER_SECONDS, used - BUDGET_SECONDS)
        return ReconcileSchedule(
            None if self.due is None else max(self.due, limited_until), limited_until, 0, used, now
        )

    def failed(self, now: float) -> ReconcileSchedule:
        """A look has failed: another one later, whether anything happens or not, and soon if something has already."""
        again, limited_until = now + min(2.0 ** min(self.failures, 20), LONGEST_RETRY_SECONDS), now + GATHER_SECONDS
        due = again if self.due is None else min(again, max(self.due, limited_until))
        return self._replace(due=due, limited_until=limited_until, failures=self.failures + 1)


class Refreshes(NamedTuple):
    """When to fetch the metadata."""

    due: float
    failures: int = 0
    """Fetches in a row that brought nothing."""
    eager: int = 0
    """Retries left for a NIC that the metadata doesn't describe yet."""

    def fetched(self, now: float, refresh_seconds: float, chance: float, all_described: bool) -> Refreshes:
        """A fetch brought a document, of every NIC or not."""
        pause = refresh_seconds * (1 - JITTER + 2 * JITTER * chance)
        if all_described or not self.eager:
            return Refreshes(now + pause)
        soon = spread(RETRY_SECONDS * 2.0 ** (EAGER_RETRIES - self.eager), chance)
        return Refreshes(now + min(pause, soon), eager=self.eager - 1)

    def failed(self, now: float, refresh_seconds: float, chance: float) -> Refreshes:
        """A fetch brought nothing, or nothing that could be programmed."""
        pause = min(RETRY_SECONDS * 2.0 ** min(self.failures, 20), max(refresh_seconds, RETRY_SECONDS))
        return self._replace(due=now + spread(pause, chance), failures=self.failures + 1)

    def hurried(self, now: float, eager: bool = False) -> Refreshes:
        """A reason to fetch at once; `eager`: a new NIC, which the metadata may describe a little later."""
        return self._replace(due=min(self.due, now), eager=EAGER_RETRIES if eager else self.eager)


def spread(pause: float, chance: float) -> float:
    """From half of the pause to the whole."""
    return pause * (0.5 + 0.5 * chance)
