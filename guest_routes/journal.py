"""What the service says: to the log, to systemd, and to whoever runs `status`. Nothing is said twice in a row."""

from __future__ import annotations

import os
import time

from .doubt import AGREEING_FETCHES
from .errors import StateError
from .fights import PEACE_SECONDS
from .model import Delete, TakeDefault
from .notify import Notifier
from .record import Fight, Record, Repair, record_json
from .render import counted, route_text, span_text
from .rivals import process_started
from .state import State

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, Sequence

    from .fights import Quarrel
    from .model import Operation, Prefix
    from .report import Report

SHOWN = 12
"""So many changes of one pass are said one by one."""
FIGHTS_SHOWN = 3
"""So many fights that begin at the same time are said one by one."""
INFO, WARNING, ERROR = "info", "warning", "error"


class Journal:
    """The service's voice and memory.

    Args:
        say: gets a level (INFO, WARNING or ERROR) and a text.
    """

    def __init__(self, state: State, say: Callable[[str, str], None], notifier: Notifier) -> None:
        self._state, self._log, self._notifier = state, say, notifier
        self._said: dict[str, tuple[str, ...]] = {}
        self._summary = ""
        self._trouble = ""
        self.uneasy = False
        """What was published last is not that all is well."""
        pid = os.getpid()
        self._record = Record(pid, process_started(pid), time.time())

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
        before = self._said.get(subject, ())
        for text in texts:
            if text not in before:
                self._say(level, text)
        self._said[subject] = texts

    def changes(self, report: Report, why: Callable[[Operation], str]) -> None:
        """What a pass has changed."""
        done = report.outcome.done
        for operation in done[:SHOWN]:
            self.info(f"{verb_of(operation)} {route_text(operation.route, report.before.nics)}: {why(operation)}")
        if len(done) > SHOWN:
            self.info(f"... and {len(done) - SHOWN:,} more changes")

    def outcome(self, report: Report) -> None:
        """What a pass could not do, as far as it is new."""
        from .text import failure_text, source_line, summary

        failures = (failure_text(failure, report.before.nics) for failure in report.outcome.failures[:SHOWN])
        self.news(ERROR, "errors", *report.errors, *failures)
        self.news(WARNING, "unprogrammed", *(f"not programmed: {text}" for text in report.unprogrammed[:SHOWN]))
        self.news(WARNING, "warnings", *report.warnings)
        self._summary = f"{summary(report)} ({source_line(report)})"
        if self._record.trouble:
            self.info("what was said to fail works again")
        self._trouble = ""
        self.news(INFO, "withdrawn")
        self._record = self._record._replace(passes=self._record.passes + 1, trouble="")

    # -- what happened -------------------------------------------------------------------------------------

    def heard(self, count: int) -> None:
        """So many notifications that mattered."""
        self._record = self._record._replace(events=self._record.events + count)

    def repaired(self, operation: Operation, report: Report, why: str) -> None:
        """A route was put back, or one in its way taken away."""
        text = route_text(operation.route, report.before.nics)
        self._record = self._record.repaired(Repair(time.time(), text, verb_of(operation), why))

    def fought(self, fights: Sequence[tuple[Prefix, Quarrel, str]]) -> None:
        """Fights go on, each with what would end it; their beginnings are said."""
        begun = [one for one in fights if one[1].rounds == 1]
        for destination, quarrel, remedy in fights:
            fight = Fight(time.time(), str(destination), quarrel.total, str(quarrel.rival), remedy)
            self._record = self._record.fought(fight)
        for destination, quarrel, remedy in begun[:FIGHTS_SHOWN]:
            self._say(
                WARNING,
                f"a fight: {quarrel.rival} changes {named(destination)} again and again ({quarrel.total} times "
                f"by now); its repair waits from now on, a second and then longer. What ends it: {remedy}",
            )
        if len(begun) > FIGHTS_SHOWN:
            self._say(WARNING, f"... and {len(begun) - FIGHTS_SHOWN:,} more fights that began at the same time")

    def at_peace(self, destinations: Sequence[Prefix]) -> None:
        """Fights that are over."""
        for destination in destinations:
            self._record = self._record.at_peace(str(destination))
        shown = ", ".join(map(named, destinations[:FIGHTS_SHOWN]))
        more = f" and {len(destinations) - FIGHTS_SHOWN:,} more" if len(destinations) > FIGHTS_SHOWN else ""
        self.info(f"a fight is over: for {PEACE_SECONDS:.0f} s nobody has changed {shown}{more}")

    def troubled(self, why: str) -> None:
        """A pass of its own failed; the same again, for another time or by another process, isn't said."""
        same = "".join(letter for letter in why if not letter.isdigit())
        if same != self._trouble:
            self.error(f"{why}; the service goes on trying")
        self._trouble = same
        self._record = self._record._replace(trouble=why)

    def withdrawn(self, text: str) -> None:
        """The routes are left alone."""
        self.news(INFO, "withdrawn", text)
        self._trouble, self._summary = "", text
        self._record = self._record._replace(trouble="")

    def answered(self, next_in: float) -> None:
        """The metadata service gave a document."""
        now = time.time()
        if self._record.failures:
            self.info(f"the metadata is there again, after {span_text(max(0.0, now - self._record.failing_since))}")
        self._record = self._record._replace(next_refresh=now + next_in, failing_since=0.0, failures=0, failure="")

    def refreshed(self, doubt: str, set_aside: bool) -> None:
        """A document was dealt with; `doubt`: why it isn't believed yet (R6)."""
        self._record = self._record._replace(refreshed=time.time(), doubt=doubt)
        stands = f"the document may be partial: {doubt}; the last known good one stays in force until"
        self.news(WARNING, "doubt", *([f"{stands} {AGREEING_FETCHES} fetches in a row agree"] if set_aside else []))

    def failing(self, reason: str, next_in: float) -> None:
        """No document came."""
        now = time.time()
        if not self._record.failures:
            self._say(WARNING, f"no metadata: {reason}; the routes stay as they are; asked again by and by")
        since = self._record.failing_since or now
        self._record = self._record._replace(
            next_refresh=now + next_in, failing_since=since, failures=self._record.failures + 1, failure=reason
        )

    def publish(self, report: Report | None = None, doing: str = "") -> None:
        """Leaves it all for `status` and systemd; with a report, also what the pass did."""
        from .as_json import status_json

        self._record = self._record._replace(doing=doing or self._summary)
        self.uneasy = bool(self._record.trouble) or (report is not None and report.exit_code != 0)
        try:
            self._state.write_service(record_json(self._record))
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
        record = self._record
        parts = [record.trouble or record.doing, *(["the last document is in doubt"] if record.doubt else [])]
        if record.failures:
            parts.append(f"no metadata for {span_text(max(0.0, time.time() - record.failing_since))}")
        if record.repairs:
            parts.append(counted(record.repairs, "repair"))
        if record.fights:
            parts.append(counted(len(record.fights), "fight"))
        return "; ".join(parts).replace("\n", " ")


def named(destination: Prefix) -> str:
    """A destination's route, for people."""
    if destination.is_default:
        return "the default route" if len(destination.address) == 4 else "the IPv6 default route"
    return f"the route to {destination}"


def verb_of(operation: Operation) -> str:
    """What an operation does, for people."""
    return "removed" if isinstance(operation, (Delete, TakeDefault)) else "added"
