"""Reconciles the kernel's routes with the document: reads the kernel's notifications and runs passes.

Theory of operation. A pass is level-triggered: it looks at everything, so that a notification only means that a pass is
due, and nothing that a pass decides is kept in memory. What is kept: when the next pass is due (schedule.py), who
changed which route, which routes are in conflict, and which host routes are put back without waiting for a pass
(repairs.py), and how the last pass ended:

    state         the last pass                                  next pass
    ------------  ---------------------------------------------  ----------------------------------------------
    no-document   had no document: none has been made or kept    a notification; the refresher fetches one
    programmed    was made; the routes are as decided            a notification
    set-aside     left the routes alone: a fetched document may  a notification; the refresher fetches again
                  be partial, and the last known good one stays
    withdrawn     left the routes alone, as `withdraw` asked     a notification
    failed        could not be made, the kernel refused a part   after 1, 2, 4 ... 10 or 60 s, or a notification
                  of it, or a default could not be recorded

Every state leads to every other: each pass decides afresh. When a pass comes, whatever the state:

    a link, an address, a rule or a route changes   at once, but within the rate limit (schedule.py); routes: in main,
                                                    in a NIC's table, and in others that rules look up
    a route by a gateway expires (IPv6)             at that moment: the kernel tells of it up to 30 s later
    only routes in conflict change                  when the first of their waits is over (conflicts.py)
    notifications or their socket are lost          at once, with a new socket
    the settings are reloaded                       at once, with new sockets
    a document was fetched                          at once, on that document
"""

from __future__ import annotations

import gc
import select
import time

from ..errors import (
    SYSTEM_FAILURES,
    DefaultReplacedError,
    GuestRoutesError,
    KernelError,
    MetadataError,
    NetworkDataError,
    WithdrawnError,
    system_error_text,
)
from ..kernel.monitor import Monitor, Notifications
from ..kernel.open import open_kernel
from ..model.settings import Settings
from ..output.service_log import bug_text, new_socket_line
from ..state.store import State
from ..sync import program
from .child.files import local_document
from .error_kind import error_kind
from .journal import Journal
from .repairs import Repairs, Restoration
from .schedule import LONGEST_FAULT_SECONDS, ReconcileSchedule, first_expiry, state_of, tables_of_others

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..model.document import Document
    from ..model.report import Report
    from .error_kind import ErrorKind
    from .schedule import PassState

REPLACING_SECONDS = 0.5
"""A program that puts its default in place of another one takes that away first: so long it gets for the rest."""
LOCK_SECONDS = 2.0
"""How long a pass waits for another one's lock before it fails."""


class Reconciler:
    """The kernel's sockets, and the passes that the service makes; raises KernelError where no socket can be opened."""

    def __init__(self, settings: Settings, store: State, metadata_argument: str, journal: Journal) -> None:
        self.settings, self._store, self._metadata_argument, self._journal = settings, store, metadata_argument, journal
        self.schedule = ReconcileSchedule()
        self.state: PassState = "no-document"
        self._replaced_until = 0.0
        """Until when a program may be about to put its default in place of one that it has deleted."""
        self._repairs = Repairs(journal)
        self._restoration = Restoration(store)
        self._programmed: int | None = None
        """The hash of the document of the last pass; None when it went by other settings."""
        self._open()
        journal.uses(settings)

    # -- sockets -------------------------------------------------------------------------------------------

    def _open(self) -> None:
        kernel = open_kernel(self.settings.engine)
        try:
            self._monitor = Monitor(self.settings.table, kernel.port, self.settings.source_routing_tables)
        except KernelError:
            kernel.close()
            raise
        self.kernel = kernel

    def close(self) -> None:
        """Closes the sockets."""
        self._monitor.close()
        self.kernel.close()

    def reopen(self) -> None:
        """Replaces sockets that may be lost, and a pass is due; raises KernelError and keeps them where none opens."""
        kernel, monitor = self.kernel, self._monitor
        self._open()
        monitor.close()
        kernel.close()
        self.reconcile_soon()

    def adopt(self, settings: Settings) -> None:
        """Uses other settings from now on; a pass is due.

        Raises:
            KernelError: their engine can't be used; the old settings stay.
        """
        before, self.settings = self.settings, settings
        try:
            self.reopen()
        except KernelError:
            self.settings = before
            raise
        self._restoration.forget()
        self._programmed = None
        self._journal.uses(settings)

    # -- notifications -------------------------------------------------------------------------------------

    def reconcile_soon(self) -> None:
        """A pass is due as soon as the rate limit allows it."""
        self.schedule = self.schedule.noticed(time.monotonic())

    def fileno(self) -> int:
        """For poll(2): notifications wait to be read."""
        return self._monitor.fileno()

    def respond(self) -> None:
        """Reads notifications, and puts back at once what is deleted (Restoration); raises as read_events."""
        before, seen = self.schedule, self.read_events()
        if self.state == "programmed" and (seen.lost or not seen.elsewhere):
            now = time.monotonic()
            restored = self._restoration.answer(seen, self._repairs, self.kernel, self.settings, now)
            if not restored:
                return
            self._repairs.account(restored, self._restoration.nics, {}, False, now)
            self._journal.publish()
            back = {one.route.destination for one in restored}
            if not (seen.elsewhere or seen.by_source) and all(event.destination in back for event in seen.routes):
                self.schedule = before  # Nothing is left for a pass, which would not wait for a conflict that begins.

    def read_events(self) -> Notifications:
        """Reads notifications: remembers who changed what, and schedules a pass.

        Raises:
            KernelError: the socket was lost, and no other can be opened.
        """
        now = time.monotonic()
        try:
            seen = self._monitor.read()
        except KernelError as error:
            self.reopen()
            self._journal.hold("warning", "socket", new_socket_line(str(error)))
            return Notifications(elsewhere=True)
        if seen.forged or seen.malformed:
            self._journal.ignored(seen.forged, seen.malformed)
        if not seen.changed:
            return seen
        self._journal.read(seen.number)
        self._repairs.remember(seen.routes, seen.by_source)
        for event in seen.routes:
            if event.destination.is_default and event.port:  # Port 0: the kernel itself, as a link goes down.
                self._replaced_until = now + REPLACING_SECONDS if event.deleted else 0.0
        wait_until = 0.0 if seen.elsewhere else self._repairs.wait_until(seen.routes, now, seen.by_source)
        self.schedule = self.schedule.postponed(wait_until) if wait_until else self.schedule.noticed(now)
        return seen

    # -- passes --------------------------------------------------------------------------------------------

    def reconcile(self) -> Report | None:
        """A pass on the document that is on this machine; None unless it was made."""
        self.schedule = self.schedule.begun()
        started = time.process_time()  # Waiting, for a lock or a connection, takes no processor time.
        report = None
        try:
            document = local_document(self.settings, self.kernel, self._store, self._metadata_argument)
            report = self.program(document, fetched=False)
        except MetadataError:  # The refresher logs it.
            self.state = "no-document"
        except (GuestRoutesError, *SYSTEM_FAILURES) as error:
            self.failed(error)
        if self.state != "failed":
            self.schedule = self.schedule.reconciled(time.monotonic(), time.process_time() - started)
        return report

    def program(self, document: Document, fetched: bool) -> Report | None:
        """A pass on this document; None unless it was made.

        Raises:
            NetworkDataError: a fetched document is none at all.
        """
        try:
            report = self._program(document, fetched)
            self._monitor.follow(tables_of_others(report.after, self.settings))
            self.state = state_of(report)
            self._restoration.passed(report)
            if self.state != "set-aside":
                before, self._programmed = self._programmed, hash((document.data, document.properties))
                self._account(report, anew=self._programmed != before)
            return report
        except NetworkDataError:
            self.state = "no-document"
            if fetched:
                raise
        except WithdrawnError as error:
            self.state = "withdrawn"
            self._restoration.forget()
            self._journal.withdrawn(str(error))
            self._journal.publish()
        except Exception as error:  # noqa: BLE001  # whatever a pass raises, the service goes on
            self.survive(error)
        return None

    def _program(self, document: Document, fetched: bool) -> Report:
        """A pass that comes between nobody's deletion of a default and the addition of another."""
        while True:
            self._wait_while_replaced()
            gc.disable()  # A pass makes no cycles, and looking for them among many routes takes a third of it.
            try:
                return program(
                    document, self.settings, self._store, self.kernel, unattended=True, lock_seconds=LOCK_SECONDS,
                    fetched=fetched, before_writing=self._refuse_while_replaced,
                )  # fmt: skip
            except DefaultReplacedError:
                continue
            finally:
                gc.enable()

    def _wait_while_replaced(self) -> None:
        """Waits until the default that a program has deleted is replaced, or no longer can be expected to be."""
        self.read_events()
        poll = select.poll()
        poll.register(self.fileno(), select.POLLIN)
        while self._replaced_until > time.monotonic():
            poll.poll((self._replaced_until - time.monotonic()) * 1000)
            self.read_events()

    def _refuse_while_replaced(self) -> None:
        """Called before a pass writes; raises DefaultReplacedError if a default was deleted since the pass began."""
        self.read_events()
        if self._replaced_until > time.monotonic():
            raise DefaultReplacedError("a program is replacing the default route; looked at again a moment later")

    def survive(self, error: Exception) -> None:
        """Whatever was raised: a pass that could not be made, or a bug. The service goes on."""
        if isinstance(error, (GuestRoutesError, *SYSTEM_FAILURES)):
            return self.failed(error)
        import traceback

        text = "".join(traceback.format_exception(type(error), error, error.__traceback__))
        self._fail(bug_text(text), error_kind(error, expected=False))

    def failed(self, error: GuestRoutesError | OSError | MemoryError | SystemError) -> None:
        """A pass could not be made: schedules another, with new sockets if the old ones may be the cause."""
        self._fail(str(error) if isinstance(error, GuestRoutesError) else system_error_text(error), error_kind(error))
        if isinstance(error, (KernelError, OSError)):
            retry = self.schedule
            try:
                self.reopen()
            except KernelError as second:
                self._fail(str(second), error_kind(second))
            else:
                self.schedule = retry

    def _fail(self, text: str, kind: ErrorKind) -> None:
        now = time.monotonic()
        self.state, self.schedule = "failed", self.schedule.failed(now, LONGEST_FAULT_SECONDS)
        self._journal.pass_failed(text, kind, (self.schedule.due or now) - now)
        self._journal.publish()

    def _account(self, report: Report, anew: bool) -> None:
        """Logs what a pass changed and why; `anew`: by another document or other settings than the one before."""
        before = self._repairs.take_changes()
        if report.outcome.done or (report.source_outcome and report.source_outcome.done):
            self.read_events()  # The pass may have seen changes whose notifications were not read yet.
        now = time.monotonic()
        self._repairs.account(report.outcome.done, report.before.nics, before, anew, now)
        self._journal.outcome(report)
        if report.decision.source_routing is not None:
            self._repairs.account_source(report, anew, now)
        if self.state == "failed":
            self.schedule = self.schedule.failed(now)
        elif ends := first_expiry(report.after.routes):
            self.schedule = self.schedule.postponed(now + ends)

    def end_conflicts(self) -> None:
        """Ends the conflicts that are over."""
        self._repairs.end_conflicts(time.monotonic())
