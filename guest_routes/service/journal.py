"""What the service reports: to its log, to systemd, and to `status`. A line is not repeated while it holds.

The words are made in output/service_log.py; here is decided which of them are new.
"""

from __future__ import annotations

import os
import time
from itertools import repeat

from ..clocks import seconds_awake
from ..errors import StateError
from ..model.diagnosis.status import RECENT, ConflictRecord, Repair, StatusRecord, status_record_json
from ..model.settings import fingerprint
from ..output import service_log
from ..output.route_text import route_text
from ..output.summary import errors_texts, partial_text, verb_of
from ..output.words.actors import actor_fields, actor_text, foreign_routes, source_change_line
from ..output.words.warnings import warning_texts
from ..routing.partial import AGREEING_FETCHES
from ..state.processes import process_started
from ..state.store import State
from .conflicts import CONFLICT_CHANGES, CONFLICT_SECONDS, LONGEST_SECONDS, RESOLVED_SECONDS
from .schedule import LONGEST_FAULT_SECONDS
from .sd_notify import Notifier

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal, Sequence, TypeAlias

    from ..model.diagnosis.status import Change, SourceChange
    from ..model.network import Nic
    from ..model.operations import Operation
    from ..model.plan import Suspicion
    from ..model.report import Report
    from ..model.settings import Settings
    from ..model.source_routing import SourceOperation
    from .conflicts import Conflict, Contested
    from .error_kind import ErrorKind
    from .sd_journal import Field, Log

    Level: TypeAlias = Literal["info", "warning", "error"]
    Subject: TypeAlias = Literal[
        "errors", "unprogrammed", "warnings", "withdrawn", "set-aside", "socket", "netlink", "record", "systemd",
        "source-errors", "source-conflicts",
    ]  # fmt: skip
    """What lines of the log are about that hold for longer than a moment."""

ENDS_LOGGED = "unprogrammed", "source-conflicts", "withdrawn"
"""Subjects whose lines others end: the log also says when they no longer hold."""
SHOWN = 12
"""So many changes, failures and unprogrammed routes of one pass are logged one by one."""
ERRORS_SHOWN = 8
"""With SHOWN changes, SHOWN routes that are not programmed and the warnings, a pass writes 50 lines at most."""
OVERDUE_SECONDS = 180.0
"""So much later than it should a record may come, by a busy machine, before the service counts as one that hangs."""
CONFLICTS_SHOWN = 3
"""So many conflicts that begin or end with one pass are logged one by one."""


def _now() -> float:
    """Seconds since the machine's start, suspended ones too: no clock that somebody sets."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Journal:
    """The log, systemd's status and the record of one service.

    Args:
        log: gets a level, a text, and fields for systemd's journal.
        only_files: the settings are those of the files that every command reads, without options.
    """

    def __init__(self, state: State, log: Log, notifier: Notifier, only_files: bool = True) -> None:
        self._only_files = only_files
        self._state, self._log, self._notifier = state, log, notifier
        self._holding: dict[Subject, tuple[str, ...]] = {}
        self._summary = ""
        self._failing: set[ErrorKind] = set()
        """Why passes could not be made since the last one that was."""
        self.degraded = False
        """The last published pass failed, or left something of the document out."""
        self._deadline_seconds = 0.0  # Of one fetch.
        self._record = StatusRecord(os.getpid(), process_started(os.getpid()), _now())

    def uses(self, settings: Settings) -> None:
        """From now on the service goes by these."""
        files = fingerprint(settings) if self._only_files else ""
        self._deadline_seconds = settings.deadline_seconds
        overdue_from = self._record.overdue_from if settings.enabled else 0.0
        self._record = self._record._replace(enabled=settings.enabled, settings=files, overdue_from=overdue_from)

    # -- the log -------------------------------------------------------------------------------------------

    def _write(self, level: Level, text: str, fields: Sequence[Field] = ()) -> None:
        try:
            self._log(level, text, fields)
        except OSError:  # The disk is full, or the reader has gone: the routes matter more, and `status` shows it too.
            return

    def info(self, text: str) -> None:
        """A line for the log."""
        self._write("info", text)

    def warning(self, text: str) -> None:
        """A line for the log."""
        self._write("warning", text)

    def error(self, text: str) -> None:
        """A line for the log."""
        self._write("error", text)

    def hold(self, level: Level, subject: Subject, *texts: str, lines: Sequence[str] = ()) -> None:
        """All that holds of a subject from now on: logs the lines that did not hold before.

        Args:
            lines: each with what is known at its beginning alone, as it is logged.
        """
        before = self._holding.get(subject, ())
        for text, line in zip(texts, lines or texts):
            if text not in before:
                self._write(level, line)
        over = [text for text in before if text not in texts]
        if over and subject in ENDS_LOGGED:
            self._write("info", service_log.over_line(over))
        self._holding[subject] = texts

    # -- passes --------------------------------------------------------------------------------------------

    def changes(self, done: Sequence[Operation], nics: Sequence[Nic], reverted: Sequence[Change | None]) -> None:
        """What was changed; `reverted`: for each operation the other program's change that it reverts."""
        for operation, change in zip(done[:SHOWN], reverted):
            fields = service_log.change_fields(operation.route, change and change.actor, nics)
            self._write("info", service_log.change_line(operation, change, nics), fields)
        if len(done) > SHOWN:
            self.info(service_log.more_changes_line(len(done) - SHOWN))

    def source_routing(
        self, report: Report, reverted: Sequence[SourceChange | None], made: Sequence[SourceChange | None]
    ) -> None:
        """What a pass has changed of source routing's tables and rules, and why it may not be in force (R21).

        Args:
            made: for each conflict the change by which another program has made it, as far as it is known.
        """
        from ..model.source_routing import RemoveRoute, SetRoute
        from ..output import source_routing

        nics = report.before.nics
        done = report.source_outcome.done if report.source_outcome else ()
        for operation, change in zip(done[:SHOWN], reverted):
            actor = change and change.actor
            route = operation.route if isinstance(operation, (SetRoute, RemoveRoute)) else None
            fields = service_log.change_fields(route, actor, nics) if route else actor_fields(actor)
            self._write("info", source_change_line(operation, change, nics), fields)
        if len(done) > SHOWN:
            self.info(service_log.more_changes_line(len(done) - SHOWN))
        self.hold("error", "source-errors", *list(source_routing.source_error_texts(report))[:ERRORS_SHOWN])
        conflicts = report.source_conflicts[:SHOWN]
        found = foreign_routes(conflicts, made, self._record.foreign_routes, nics)
        self._record = self._record._replace(foreign_routes=tuple(one for one in found if one.actor)[:RECENT])
        lines = list(map(source_routing.conflict_text, conflicts, repeat(nics), (route.actor for route in found)))
        texts = map(source_routing.conflict_text, conflicts, repeat(nics))
        self.hold("warning", "source-conflicts", *texts, lines=lines)

    def repaired(self, operation: Operation, reverted: Change | None, nics: Sequence[Nic]) -> None:
        """A route was put back, or one in its way removed."""
        text, reason = route_text(operation.route, nics), service_log.change_reason(operation, reverted)
        self._record = self._record.repaired(Repair(_now(), text, verb_of(operation), reason))

    def source_repaired(self, operation: SourceOperation, reverted: SourceChange, report: Report) -> None:
        """A rule, or a route of a NIC's table, was put back, or one removed."""
        from ..output.source_routing import source_text
        from ..output.words.actors import source_reason, source_verb

        text, reason = source_text(operation, report.before.nics), source_reason(operation, reverted)
        self._record = self._record.repaired(Repair(_now(), text, source_verb(operation), reason))

    def outcome(self, report: Report) -> None:
        """A pass was made: what it could not do, as far as that is new."""
        errors = errors_texts(report.errors[:SHOWN], report.before.nics)
        if report.outcome.failures:
            from ..output.report import failure_text

            errors += [failure_text(failure, report.before.nics) for failure in report.outcome.failures[:SHOWN]]
        unprogrammed = (service_log.unprogrammed_line(one, report.before.nics) for one in report.unprogrammed[:SHOWN])
        self.hold("error", "errors", *errors[:ERRORS_SHOWN])
        self.hold("warning", "unprogrammed", *unprogrammed)
        self.hold("warning", "warnings", *warning_texts(report))
        self.hold("info", "withdrawn")
        if self._failing:
            self.info(service_log.RECOVERED)
            self._failing.clear()
        self._summary = service_log.outcome_text(report)
        self._record = self._record._replace(passes=self._record.passes + 1, last_error="")

    def pass_failed(self, text: str, kind: ErrorKind, retry_seconds: float) -> None:
        """A pass could not be made; each kind of failure is logged once until a pass is made."""
        if kind not in self._failing:
            self.error(service_log.pass_failed_line(text, retry_seconds, LONGEST_FAULT_SECONDS))
            self._failing.add(kind)
        self._record = self._record._replace(last_error=text)

    def withdrawn(self, text: str) -> None:
        """A pass left the routes alone."""
        self.hold("info", "withdrawn", text)
        self._failing.clear()
        self._summary = text
        self._record = self._record._replace(last_error="")

    # -- other programs ------------------------------------------------------------------------------------

    def read(self, number: int) -> None:
        """So many notifications of the kernel's that mattered."""
        self._record = self._record._replace(events=self._record.events + number)

    def ignored(self, foreign: int, malformed: int) -> None:
        """So many messages of other processes, and so many that could not be read."""
        self._record = self._record._replace(
            foreign_messages=self._record.foreign_messages + foreign,
            malformed_messages=self._record.malformed_messages + malformed,
        )
        self.hold("warning", "netlink", *service_log.ignored_messages_lines(foreign, malformed))

    def in_conflict(self, conflicts: Sequence[tuple[Contested, Conflict, str]]) -> None:
        """Conflicts that go on, each with its remedy; logs those that begin."""
        for contested, conflict, remedy in conflicts:
            actor = actor_text(conflict.actor)
            one = ConflictRecord(_now(), service_log.contested_text(contested), conflict.total, actor, remedy)
            self._record = self._record.in_conflict(one)
        begun = [one for one in conflicts if one[1].begins]
        for contested, conflict, remedy in begun[:CONFLICTS_SHOWN]:
            limits = CONFLICT_CHANGES, CONFLICT_SECONDS, LONGEST_SECONDS
            line = service_log.conflict_line(contested, conflict.actor, *limits, remedy)
            self._write("warning", line, service_log.conflict_fields(contested, conflict.actor))
        if len(begun) > CONFLICTS_SHOWN:
            self.warning(service_log.more_conflicts_line(len(begun) - CONFLICTS_SHOWN))

    def resolved(self, over: Sequence[Contested]) -> None:
        """Conflicts that are over."""
        for contested in over:
            self._record = self._record.resolved(service_log.contested_text(contested))
        self.info(service_log.resolved_line(over, CONFLICTS_SHOWN, RESOLVED_SECONDS))

    # -- metadata ------------------------------------------------------------------------------------------

    def fetched(self, next_seconds: float) -> None:
        """A fetch brought a document; the next one comes in so many seconds."""
        if self._record.failures:
            self.info(service_log.metadata_back_line(_now() - self._record.failing_since))
        self._next_in(next_seconds)
        self._record = self._record._replace(failing_since=0.0, failures=0, failure="")

    def _next_in(self, seconds: float) -> None:
        """The next fetch comes in so many seconds, and with it the next record."""
        overdue_from = round(seconds_awake() + seconds + self._deadline_seconds + OVERDUE_SECONDS, 3)
        self._record = self._record._replace(next_refresh=_now() + seconds, overdue_from=overdue_from)

    def refreshed(self, suspicion: Suspicion | None, set_aside: bool) -> None:
        """A pass on a fetched document was made; `suspicion`: why the document may be partial (R6)."""
        self._record = self._record._replace(refreshed=_now(), partial_reason=partial_text(suspicion))
        lines = [service_log.set_aside_line(suspicion, AGREEING_FETCHES)] if suspicion and set_aside else []
        self.hold("warning", "set-aside", *lines)

    def fetch_failed(self, reason: str, retry_seconds: float, longest_seconds: float) -> None:
        """A fetch brought no document; the next one comes in `retry_seconds`, later ones up to `longest_seconds`."""
        now, before = _now(), self._record
        if not before.failures:
            self.warning(service_log.no_metadata_line(reason, retry_seconds, longest_seconds))
        self._next_in(retry_seconds)
        self._record = self._record._replace(
            failing_since=before.failing_since or now,
            failures=before.failures + 1,
            failure=reason,
        )

    # -- the record and systemd ----------------------------------------------------------------------------

    def publish(self, report: Report | None = None, doing: str = "") -> None:
        """Writes the record and notifies systemd; with a report, also writes what the pass did."""
        from ..output.summary import last_pass_json

        self._record = self._record._replace(doing=doing or self._summary)
        self.degraded = bool(self._failing) or (report is not None and report.exit_code != 0)
        now = time.time()
        try:
            self._state.write_service(status_record_json(self._record.moved(now - _now())))
            if report is not None:
                self._state.write_status(last_pass_json(report, now))
        except StateError as error:
            self.hold("error", "record", str(error))
        self.notify_systemd(f"STATUS={service_log.status_line(self._record, _now())}")

    def notify_systemd(self, *assignments: str) -> None:
        """READY=1 and the like; logs that systemd didn't take them."""
        refused = self._notifier.send(*assignments)
        self.hold("warning", "systemd", *([service_log.systemd_line(refused)] if refused is not None else []))
