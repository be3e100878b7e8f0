"""The service's hold on the kernel: hears what changes, looks, repairs, and knows who made it necessary.

Each look is a whole pass on the last known good document (or what else is on this machine), so that nothing a pass
decides is carried over in memory. What is kept here is when to look (schedule.py) and who took which route (fights.py).
"""

from __future__ import annotations

import time

from . import metadata
from .deeds import Deed, deed_text, undone, worsened
from .document_aside import find_aside
from .errors import GuestRoutesError, KernelError, MetadataError, NetworkDataError, WithdrawnError
from .events import Events
from .fetched import Document
from .fights import Quarrel, Rival, at_peace, repaired, waits
from .journal import Journal
from .kernel import open_kernel
from .plan_default import EQUAL_SERVES
from .policy import Settings
from .remedies import remedy
from .rivals import rival_at
from .schedule import Looks
from .state import State
from .sync import program
from .ways import usable_nics

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .model import Operation, Prefix
    from .report import Report

LOCK_SECONDS = 2.0
"""How long another pass is waited for; then this one says so and comes back a second later."""
DEEDS_KEPT = 1000


class Keeper:
    """Raises:
    KernelError, when made: no netlink socket can be had.
    """

    def __init__(self, settings: Settings, state: State, given: str, journal: Journal) -> None:
        self.settings, self._state, self._given, self._journal = settings, state, given, journal
        self.looks = Looks()
        self._quarrels: dict[Prefix, Quarrel] = {}
        self._deeds: dict[Prefix, Deed] = {}
        self.withdrawn = False
        """The last pass left the routes alone, since they were withdrawn by hand."""
        self._open()

    def _open(self) -> None:
        kernel = open_kernel(self.settings.engine)
        try:
            self._events = Events(self.settings.table, kernel.port)
        except KernelError:
            kernel.close()
            raise
        self.kernel = kernel

    def close(self) -> None:
        """Releases the sockets."""
        self._events.close()
        self.kernel.close()

    def reopen(self) -> None:
        """New sockets in place of ones that were lost, and a look at everything.

        Raises:
            KernelError: none can be had; the old ones stay.
        """
        kernel, events = self.kernel, self._events
        self._open()
        events.close()
        kernel.close()
        self.look_soon()

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

    def look_soon(self) -> None:
        """Something has changed."""
        self.looks = self.looks.noticed(time.monotonic())

    def fileno(self) -> int:
        """For poll(2): there is something to hear."""
        return self._events.fileno()

    def hear(self) -> None:
        """What the kernel says: who did it, and whether to look at once or, in a fight, later.

        Raises:
            KernelError: the socket was lost, and no other can be had.
        """
        now = time.monotonic()
        try:
            seen = self._events.read()
        except KernelError as error:
            self._journal.news("warning", "sockets", f"{error}; listening anew")
            return self.reopen()
        if not seen.changed:
            return
        self._journal.heard(seen.number)
        rivals: dict[int, Rival] = {}
        for event in seen.routes:
            if event.port not in rivals:
                rivals[event.port] = rival_at(event.port)
            if len(self._deeds) < DEEDS_KEPT:
                self._deeds[event.destination] = Deed(rivals[event.port], event.ifindex, event.deleted)
        pauses = [waits(self._quarrels, event.destination, now) for event in seen.routes]
        if seen.elsewhere or not all(pauses):
            self.looks = self.looks.noticed(now)
        else:
            self.looks = self.looks.postponed(min(pauses))

    # -- passes --------------------------------------------------------------------------------------------

    def look(self) -> Report | None:
        """A pass on the document that is on this machine; None when there is none, or it could not be made."""
        self.looks = self.looks.begun()
        started = time.process_time()  # What it waits for, a lock or a connection, costs nobody anything.
        failures = self.looks.failures
        report = None
        try:
            report = self.program(self._document_here(), fetched=False)
        except MetadataError:  # Whoever refreshes says so.
            pass
        except (GuestRoutesError, OSError) as error:
            self.failed(error)
        if self.looks.failures == failures:
            self.looks = self.looks.looked(time.monotonic(), time.process_time() - started)
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
                by_itself=True,
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
            later = self.looks
            try:
                self.reopen()
            except KernelError as second:
                self._fail(str(second))
            else:
                self.looks = later

    def nics_to_ask(self) -> tuple[set[bytes], set[bytes]]:
        """The MACs of the NICs that the metadata service may be asked through, and those of all that are present.

        Raises:
            KernelError: the kernel doesn't say.
        """
        nics = self.kernel.nics()
        return {nic.mac for nic in usable_nics(nics, self.settings.ignore_nics)}, {nic.mac for nic in nics}

    def make_peace(self) -> None:
        """Fights of which nothing more was seen are over."""
        over = at_peace(self._quarrels, time.monotonic())
        fights = [destination for destination in over if self._quarrels[destination].fighting]
        for destination in over:
            del self._quarrels[destination]
        if fights:
            self._journal.at_peace(fights)
            self._journal.publish()

    def _document_here(self) -> Document:
        """The last known good, what else there is without asking anybody, or the given file."""
        if self._given and "://" not in self._given:
            # Only a refresh reads the file again, and asks whether it is in doubt (R6).
            if self._state.last_known_good(self.kernel.nics()).source == "given":
                return metadata.find(self.settings.from_documents("last-known-good"), self.kernel.nics, self._state)
            return metadata.find(self.settings, self.kernel.nics, self._state, self._given)
        kept = metadata.last_known_good(self._state, self.kernel.nics)
        if isinstance(kept, Document):
            return kept
        others = (source for source in self.settings.document_sources if source not in ("http", "last-known-good"))
        return find_aside(self.settings.from_documents(*others), self.kernel.nics(), self._state)

    def _fail(self, why: str) -> None:
        self.looks = self.looks.failed(time.monotonic())
        self._journal.troubled(why)
        self._journal.publish()

    def _account(self, report: Report, fetched: bool) -> None:
        """Says what a pass did and why; counts what it repaired."""
        done = report.outcome.done
        before, self._deeds = self._deeds, {}
        if done:
            self.hear()  # The pass may have seen changes that nobody had heard of, or missed them.
        now = time.monotonic()
        deeds = {**self._deeds, **before}
        for one in done:
            self._deeds.pop(one.route.destination, None)
        worse = worsened(done)
        undid = {id(one): undone(one, deeds.get(one.route.destination), worse) for one in done if deeds and not fetched}

        def why(operation: Operation) -> str:
            deed = undid.get(id(operation))
            return deed_text(operation, deed) if deed else str(operation.because)

        self._journal.changes(report, why)
        if not fetched:
            for operation in done:
                if operation.because != EQUAL_SERVES:
                    self._journal.repaired(operation, report, why(operation))
        quarrelled = {one.route.destination for one in done if undid.get(id(one))}
        begun = [self._quarrel(destination, deeds[destination], report, now) for destination in quarrelled]
        self._journal.fought([one for one in begun if one[1].fighting])
        self._journal.outcome(report)
        if report.errors or report.outcome.failures:
            self.looks = self.looks.failed(now)

    def _quarrel(self, destination: Prefix, deed: Deed, report: Report, now: float) -> tuple[Prefix, Quarrel, str]:
        """One more repair that somebody made necessary; where it is a fight, with what would end it."""
        self._quarrels = repaired(self._quarrels, destination, deed.rival, now)
        quarrel = self._quarrels[destination]
        if not quarrel.fighting:
            return destination, quarrel, ""
        # Of two, a default too many is the one taken away last.
        used = [op.route.ifindex for op in report.outcome.done if op.route.destination == destination]
        nic = report.after.nic(used[-1])
        return destination, quarrel, remedy(quarrel.rival, destination, deed.deleted, nic.name if nic else "NIC")
