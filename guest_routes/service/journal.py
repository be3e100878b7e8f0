"""What the service says: to the log, to systemd, and to whoever runs `status`. Nothing is said twice in a row."""

from __future__ import annotations

import os
import time

from ..errors import StateError
from ..model.plan import Suspicion
from ..model.status import ConflictRecord, Repair, StatusRecord, status_record_json
from ..output.reasons import pass_error_text, suspicion_text, unprogrammed_text
from ..output.report import verb_of
from ..output.route_text import counted, route_text, span_text
from ..output.warnings import warning_texts
from ..routing.partial import AGREEING_FETCHES
from ..state.processes import process_started
from ..state.store import State
from .conflicts import RESOLVED_SECONDS
from .sd_notify import Notifier

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, Sequence

    from ..model.network import Prefix
    from ..model.operations import Operation
    from ..model.report import Report
    from .conflicts import Conflict

SHOWN = 12
"""So many changes of one pass are said one by one."""
CONFLICTS_SHOWN = 3
"""So many fights that begin at the same time are said one by one."""
INFO, WARNING, ERROR = "info", "warning", "error"


class Journal:
    """The service's voice and memory.

    Args:
        say: gets a level (INFO, WARNING or ERROR) and a text.
    """

    def __init__(self, state: State, say: Callable[[str, str], None], notifier: Notifier) -> None:
        self._state, self._log, self._notifier = state, say, notifier
        self._last_texts: dict[str, tuple[str, ...]] = {}
        self._summary = ""
        self._last_error = ""
        self.degraded = False
        """What was published last is not that all is well."""
        pid = os.getpid()
        self._status_record = StatusRecord(pid, process_started(pid), time.time())

    # -- words ---------------------------------------------------------------------------------------------

    def _say(self, level: str, text: str) -> None:
        try:
            self._log(level, text)
        except OSError:  # The disk is full, or whoever read has gone: the routes matter more, and `status` tells too.
            return

    def info(self, text: str) -> None:
        """For the log."""
        self._say(INFO, text)

    def error(self, text: str) -> None:
        """For the log."""
        self._say(ERROR, text)

    def news(self, level: str, subject: str, *texts: str) -> None:
        """Those of the texts that weren't among the last ones of this subject; with none, the subject is forgotten."""
        before = self._last_texts.get(subject, ())
        for text in texts:
            if text not in before:
                self._say(level, text)
        self._last_texts[subject] = texts

    def changes(self, report: Report, why: Callable[[Operation], str]) -> None:
        """What a pass has changed."""
        done = report.outcome.done
        for operation in done[:SHOWN]:
            self.info(f"{verb_of(operation)} {route_text(operation.route, report.before.nics)}: {why(operation)}")
        if len(done) > SHOWN:
            self.info(f"... and {len(done) - SHOWN:,} more changes")

    def outcome(self, report: Report) -> None:
        """What a pass could not do, as far as it is new."""
        from ..output.report import failure_text, source_line, summary

        failures = (failure_text(failure, report.before.nics) for failure in report.outcome.failures[:SHOWN])
        errors = (pass_error_text(error, report.before.nics) for error in report.errors)
        self.news(ERROR, "errors", *errors, *failures)
        self.news(
            WARNING,
            "unprogrammed",
            *(f"not programmed: {unprogrammed_text(one, report.before.nics)}" for one in report.unprogrammed[:SHOWN]),
        )
        self.news(WARNING, "warnings", *warning_texts(report))
        self._summary = f"{summary(report)} ({source_line(report)})"
        if self._status_record.last_error:
            self.info("what was said to fail works again")
        self._last_error = ""
        self.news(INFO, "withdrawn")
        self._status_record = self._status_record._replace(passes=self._status_record.passes + 1, last_error="")

    # -- what happened -------------------------------------------------------------------------------------

    def read(self, count: int) -> None:
        """So many notifications that mattered."""
        self._status_record = self._status_record._replace(events=self._status_record.events + count)

    def repaired(self, operation: Operation, report: Report, why: str) -> None:
        """A route was put back, or one in its way taken away."""
        text = route_text(operation.route, report.before.nics)
        self._status_record = self._status_record.repaired(Repair(time.time(), text, verb_of(operation), why))

    def in_conflict(self, conflicts: Sequence[tuple[Prefix, Conflict, str]]) -> None:
        """Fights go on, each with what would end it; their beginnings are said."""
        begun = [one for one in conflicts if one[1].rounds == 1]
        for destination, conflict, remedy in conflicts:
            record = ConflictRecord(time.time(), str(destination), conflict.total, str(conflict.actor), remedy)
            self._status_record = self._status_record.in_conflict(record)
        for destination, conflict, remedy in begun[:CONFLICTS_SHOWN]:
            self._say(
                WARNING,
                f"a fight: {conflict.actor} changes {named(destination)} again and again ({conflict.total} times "
                f"by now); its repair waits from now on, a second and then longer. What ends it: {remedy}",
            )
        if len(begun) > CONFLICTS_SHOWN:
            self._say(WARNING, f"... and {len(begun) - CONFLICTS_SHOWN:,} more fights that began at the same time")

    def resolved(self, destinations: Sequence[Prefix]) -> None:
        """Fights that are over."""
        for destination in destinations:
            self._status_record = self._status_record.resolved(str(destination))
        shown = ", ".join(map(named, destinations[:CONFLICTS_SHOWN]))
        more = f" and {len(destinations) - CONFLICTS_SHOWN:,} more" if len(destinations) > CONFLICTS_SHOWN else ""
        self.info(f"a fight is over: for {RESOLVED_SECONDS:.0f} s nobody has changed {shown}{more}")

    def report_error(self, why: str) -> None:
        """A pass of its own failed; the same again, for another time or by another process, isn't said."""
        same = "".join(letter for letter in why if not letter.isdigit())
        if same != self._last_error:
            self.error(f"{why}; the service goes on trying")
        self._last_error = same
        self._status_record = self._status_record._replace(last_error=why)

    def withdrawn(self, text: str) -> None:
        """The routes are left alone."""
        self.news(INFO, "withdrawn", text)
        self._last_error, self._summary = "", text
        self._status_record = self._status_record._replace(last_error="")

    def answered(self, next_in: float) -> None:
        """The metadata service gave a document."""
        now = time.time()
        if self._status_record.failures:
            self.info(
                f"the metadata is there again, after {span_text(max(0.0, now - self._status_record.failing_since))}"
            )
        self._status_record = self._status_record._replace(
            next_refresh=now + next_in, failing_since=0.0, failures=0, failure=""
        )

    def refreshed(self, suspicion: Suspicion | None, set_aside: bool) -> None:
        """A document was dealt with; `doubt`: why it isn't believed yet (R6)."""
        partial_reason = suspicion_text(suspicion) if suspicion else ""
        self._status_record = self._status_record._replace(refreshed=time.time(), partial_reason=partial_reason)
        stands = f"the document may be partial: {partial_reason}; the last known good one stays in force until"
        self.news(WARNING, "doubt", *([f"{stands} {AGREEING_FETCHES} fetches in a row agree"] if set_aside else []))

    def failing(self, reason: str, next_in: float) -> None:
        """No document came."""
        now = time.time()
        if not self._status_record.failures:
            self._say(WARNING, f"no metadata: {reason}; the routes stay as they are; asked again by and by")
        since = self._status_record.failing_since or now
        self._status_record = self._status_record._replace(
            next_refresh=now + next_in, failing_since=since, failures=self._status_record.failures + 1, failure=reason
        )

    def publish(self, report: Report | None = None, doing: str = "") -> None:
        """Leaves it all for `status` and systemd; with a report, also what the pass did."""
        from ..output.json_documents import status_json

        self._status_record = self._status_record._replace(doing=doing or self._summary)
        self.degraded = bool(self._status_record.last_error) or (report is not None and report.exit_code != 0)
        try:
            self._state.write_service(status_record_json(self._status_record))
            if report is not None:
                self._state.write_status(status_json(report, time.time()))
        except StateError as error:
            self.news(ERROR, "status", str(error))
        self.tell_systemd(f"STATUS={self._status_line()}")

    def tell_systemd(self, *assignments: str) -> None:
        """READY=1 and the like; what can't be delivered is said."""
        refused = self._notifier.say(*assignments)
        self.news(WARNING, "systemd", *([refused] if refused else []))

    def _status_line(self) -> str:
        record = self._status_record
        parts = [
            record.last_error or record.doing,
            *(["the last document is in doubt"] if record.partial_reason else []),
        ]
        if record.failures:
            parts.append(f"no metadata for {span_text(max(0.0, time.time() - record.failing_since))}")
        if record.repairs:
            parts.append(counted(record.repairs, "repair"))
        if record.conflicts:
            parts.append(counted(len(record.conflicts), "fight"))
        return "; ".join(parts).replace("\n", " ")


def named(destination: Prefix) -> str:
    """A destination's route, for people."""
    if destination.is_default:
        return "the default route" if len(destination.address) == 4 else "the IPv6 default route"
    return f"the route to {destination}"
