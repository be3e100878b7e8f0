"""The service's hold on the kernel: hears what changes, looks, repairs, and knows who made it necessary.

Each look is a whole pass on the last known good document (or what else is on this machine), so that nothing a pass
decides is carried over in memory. What is kept here is when to look (schedule.py) and who took which route (fights.py).
"""

from __future__ import annotations

import time

from ..errors import GuestRoutesError, KernelError, MetadataError, NetworkDataError, WithdrawnError
from ..evidence import find as metadata
from ..evidence.http_endpoints import usable_nics
from ..kernel.engine import open_kernel
from ..kernel.monitor import Monitor
from ..model.document import Document
from ..model.settings import Settings
from ..model.status import Actor
from ..output.reasons import operation_reason
from ..output.remedies import remedy
from ..state.processes import actor_at
from ..state.store import State
from ..sync import program
from .attribution import Change, change_text, demoted_keys, reverted
from .child_document import find_aside
from .conflicts import Conflict, repaired, resolved, waits
from .journal import Journal
from .schedule import ReconcileSchedule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..model.network import Prefix
    from ..model.operations import Operation
    from ..model.report import Report

LOCK_SECONDS = 2.0
"""How long another pass is waited for; then this one says so and comes back a second later."""
CHANGES_KEPT = 1000


class Reconciler:
    """Raises:
    KernelError, when made: no netlink socket can be had.
    """

    def __init__(self, settings: Settings, state: State, metadata_argument: str, journal: Journal) -> None:
        self.settings, self._state, self._metadata_argument, self._journal = settings, state, metadata_argument, journal
        self.schedule = ReconcileSchedule()
        self._conflicts: dict[Prefix, Conflict] = {}
        self._changes: dict[Prefix, Change] = {}
        self.withdrawn = False
        """The last pass left the routes alone, since they were withdrawn by hand."""
        self._open()

    def _open(self) -> None:
        kernel = open_kernel(self.settings.engine)
        try:
            self._monitor = Monitor(self.settings.table, kernel.port)
        except KernelError:
            kernel.close()
            raise
        self.kernel = kernel

    def close(self) -> None:
        """Releases the sockets."""
        self._monitor.close()
        self.kernel.close()

    def reopen(self) -> None:
        """New sockets in place of ones that were lost, and a look at everything.

        Raises:
            KernelError: none can be had; the old ones stay.
        """
        kernel, events = self.kernel, self._monitor
        self._open()
        events.close()
        kernel.close()
        self.reconcile_soon()

    def adopt(self, settings: Settings) -> None:
        """Goes by other settings from now on, and looks at everything.

        Raises:
            KernelError: their engine can't be had; the old settings stay.
        """
        before, self.settings = self.settings, settings
        try:
            self.reopen()
        except KernelError:
            self.settings = before
            raise

    def reconcile_soon(self) -> None:
        """Something has changed."""
        self.schedule = self.schedule.noticed(time.monotonic())

    def fileno(self) -> int:
        """For poll(2): there is something to hear."""
        return self._monitor.fileno()

    def read_events(self) -> None:
        """What the kernel says: who did it, and whether to look at once or, in a fight, later.

        Raises:
            KernelError: the socket was lost, and no other can be had.
        """
        now = time.monotonic()
        try:
            seen = self._monitor.read()
        except KernelError as error:
            self._journal.news("warning", "sockets", f"{error}; listening anew")
            return self.reopen()
        if not seen.changed:
            return
        self._journal.read(seen.number)
        actors: dict[int, Actor] = {}
        for event in seen.routes:
            if event.port not in actors:
                actors[event.port] = actor_at(event.port)
            if len(self._changes) < CHANGES_KEPT:
                self._changes[event.destination] = Change(actors[event.port], event.ifindex, event.deleted)
        pauses = [waits(self._conflicts, event.destination, now) for event in seen.routes]
        if seen.elsewhere or not all(pauses):
            self.schedule = self.schedule.noticed(now)
        else:
            self.schedule = self.schedule.postponed(min(pauses))

    # -- passes --------------------------------------------------------------------------------------------

    def reconcile(self) -> Report | None:
        """A pass on the document that is on this machine; None when there is none, or it could not be made."""
        self.schedule = self.schedule.begun()
        started = time.process_time()  # What it waits for, a lock or a connection, costs nobody anything.
        failures = self.schedule.failures
        report = None
        try:
            report = self.program(self._document_here(), fetched=False)
        except MetadataError:  # Whoever refreshes says so.
            pass
        except (GuestRoutesError, OSError) as error:
            self.failed(error)
        if self.schedule.failures == failures:
            self.schedule = self.schedule.reconciled(time.monotonic(), time.process_time() - started)
        return report

    def program(self, document: Document, fetched: bool) -> Report | None:
        """A pass on this document; None when it could not be made, which is said and tried again.

        Raises:
            NetworkDataError: it is no document at all.
        """
        self.withdrawn = False
        try:
            report = program(
                document,
                self.settings,
                self._state,
                self.kernel,
                unattended=True,
                lock_seconds=LOCK_SECONDS,
                fetched=fetched,
            )
            if not report.set_aside:
                self._account(report, fetched)
            return report
        except NetworkDataError:
            if fetched:
                raise
            return None
        except WithdrawnError as error:
            self.withdrawn = True
            self._journal.withdrawn(str(error))
            self._journal.publish()
        except (GuestRoutesError, OSError) as error:
            self.failed(error)
        except Exception:  # noqa: BLE001  # whatever a pass stumbles over, the service goes on
            import traceback

            self._fail(f"this is a bug of guest-routes: {traceback.format_exc().strip()}")
        return None

    def failed(self, error: GuestRoutesError | OSError) -> None:
        """Says so and looks again later; with new sockets, if those may be the cause."""
        self._fail(str(error))
        if isinstance(error, (KernelError, OSError)):
            later = self.schedule
            try:
                self.reopen()
            except KernelError as second:
                self._fail(str(second))
            else:
                self.schedule = later

    def nics_to_ask(self) -> tuple[set[bytes], set[bytes]]:
        """The MACs of the NICs that the metadata service may be asked through, and those of all that are present.

        Raises:
            KernelError: the kernel doesn't say.
        """
        nics = self.kernel.nics()
        return {nic.mac for nic in usable_nics(nics, self.settings.ignore_nics)}, {nic.mac for nic in nics}

    def end_conflicts(self) -> None:
        """Fights of which nothing more was seen are over."""
        over = resolved(self._conflicts, time.monotonic())
        conflicts = [destination for destination in over if self._conflicts[destination].active]
        for destination in over:
            del self._conflicts[destination]
        if conflicts:
            self._journal.resolved(conflicts)
            self._journal.publish()

    def _document_here(self) -> Document:
        """The last known good, what else there is without asking anybody, or the given file."""
        if self._metadata_argument and "://" not in self._metadata_argument:
            # Only a refresh reads the file again, and asks whether it is in doubt (R6).
            first = self._state.last_known_good(self.kernel.nics()).provenance
            if first is not None and first.source == "given":
                return metadata.find(self.settings.from_documents("last-known-good"), self.kernel.nics, self._state)
            return metadata.find(self.settings, self.kernel.nics, self._state, self._metadata_argument)
        kept = metadata.last_known_good(self._state, self.kernel.nics)
        if isinstance(kept, Document):
            return kept
        others = (source for source in self.settings.document_sources if source not in ("http", "last-known-good"))
        return find_aside(self.settings.from_documents(*others), self.kernel.nics(), self._state)

    def _fail(self, why: str) -> None:
        self.schedule = self.schedule.failed(time.monotonic())
        self._journal.report_error(why)
        self._journal.publish()

    def _account(self, report: Report, fetched: bool) -> None:
        """Says what a pass did and why; counts what it repaired."""
        done = report.outcome.done
        before, self._changes = self._changes, {}
        if done:
            self.read_events()  # The pass may have seen changes that nobody had heard of, or missed them.
        now = time.monotonic()
        changes = {**self._changes, **before}
        for one in done:
            self._changes.pop(one.route.destination, None)
        demoted = demoted_keys(done)
        reverting = {
            id(one): reverted(one, changes.get(one.route.destination), demoted)
            for one in done
            if changes and not fetched
        }

        def why(operation: Operation) -> str:
            change = reverting.get(id(operation))
            return change_text(operation, change) if change else operation_reason(operation)

        self._journal.changes(report, why)
        if not fetched:
            for operation in done:
                if operation.reason != "equal-serves":
                    self._journal.repaired(operation, report, why(operation))
        repeated = {one.route.destination for one in done if reverting.get(id(one))}
        begun = [self._conflict(destination, changes[destination], report, now) for destination in repeated]
        self._journal.in_conflict([one for one in begun if one[1].active])
        self._journal.outcome(report)
        if report.errors or report.outcome.failures:
            self.schedule = self.schedule.failed(now)

    def _conflict(
        self, destination: Prefix, change: Change, report: Report, now: float
    ) -> tuple[Prefix, Conflict, str]:
        """One more repair that somebody made necessary; where it is a fight, with what would end it."""
        self._conflicts = repaired(self._conflicts, destination, change.actor, now)
        conflict = self._conflicts[destination]
        if not conflict.active:
            return destination, conflict, ""
        # Of two, a default too many is the one taken away last.
        used = [op.route.ifindex for op in report.outcome.done if op.route.destination == destination]
        nic = report.after.nic(used[-1])
        return destination, conflict, remedy(conflict.actor, destination, change.deleted, nic.name if nic else "NIC")
