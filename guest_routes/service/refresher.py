"""Fetches the metadata when it is due, in a child process, and has the reconciler program the answer."""

from __future__ import annotations

import os
import time
from itertools import takewhile

from ..errors import ChildError, KernelError, MetadataError, NetworkDataError
from ..evidence import find as metadata
from ..evidence.http_endpoints import usable_nics
from ..output.service_log import child_fault_text, no_child_text
from ..state.store import State
from .child.fetch import parse_answer, start
from .child.files import find_in_child
from .child.process import Child
from .journal import Journal
from .reconciler import Reconciler
from .schedule import LONGEST_FAULT_SECONDS, RETRY_SECONDS, Refreshes, grace_seconds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..model.document import Document


class Refresher:
    """Fetches the metadata every `refresh_seconds`, at once when a NIC appears, and again when a fetch fails."""

    def __init__(
        self, reconciler: Reconciler, state: State, metadata_argument: str, journal: Journal, first_seconds: float
    ) -> None:
        self._reconciler, self._state, self._journal = reconciler, state, journal
        self._metadata_argument = metadata_argument
        self._refreshes = Refreshes(time.monotonic() + first_seconds)
        self._known: set[bytes] = set()
        """MACs of the NICs that the metadata was fetched for."""
        try:
            self._known, _ = _nics_to_ask(reconciler)
        except KernelError as error:
            reconciler.failed(error)
        self.child: Child | None = None
        """The child that fetches now; its pipe is to be polled for reading."""
        self._child_deadline = 0.0
        self._late = 0
        """Children in a row that missed it."""

    @property
    def due(self) -> float:
        """When `step` is to be called: a fetch is due, or the child that fetches is late."""
        return self._refreshes.due if self.child is None else self._child_deadline

    def hurry(self) -> None:
        """A fetch is due at once, with the settings of now."""
        self._refreshes = self._refreshes.hurried(time.monotonic())
        self.stop()

    def notice_nics(self) -> None:
        """A new NIC means a fetch at once, and a few more while the metadata doesn't describe it.

        A NIC that loses its carrier and gets it back is known already: a flapping link causes no fetch.
        """
        try:
            usable, present = _nics_to_ask(self._reconciler)
        except KernelError as error:
            return self._reconciler.failed(error)
        if usable - self._known:
            self._refreshes = self._refreshes.hurried(time.monotonic(), eager=True)
        self._known = (self._known | usable) & present

    def step(self) -> None:
        """Starts a fetch that is due, or ends a child that is late."""
        if self.child is not None:
            return self.collect()
        try:
            found = self._local()
        except (ChildError, KernelError) as error:
            return self._failed(str(error), LONGEST_FAULT_SECONDS)
        if not isinstance(found, str):
            self._program(found)
        elif self._asks_http():
            self._start_child()
        else:
            self._failed(found)

    def _asks_http(self) -> bool:
        if self._metadata_argument:
            return "://" in self._metadata_argument
        return "http" in self._reconciler.settings.sources

    def _local(self) -> Document | str:
        """The file of `--metadata`, or what a source on this machine has that goes before HTTP; or why none has."""
        settings, nics = self._reconciler.settings, self._reconciler.kernel.nics
        first = tuple(takewhile(lambda source: source != "http", settings.document_sources))
        try:
            if self._metadata_argument and not self._asks_http():
                return metadata.find(settings, nics, self._state, self._metadata_argument)
            if self._metadata_argument or (not first and self._asks_http()):
                return ""
            return find_in_child(settings.from_documents(*first), nics(), self._state, not self._asks_http())
        except MetadataError as error:
            return str(error)

    def _start_child(self) -> None:
        settings = self._reconciler.settings
        try:
            self.child = start(settings, self._state, self._metadata_argument)
        except OSError as error:
            return self._failed(no_child_text(error), LONGEST_FAULT_SECONDS)
        self._child_deadline = time.monotonic() + settings.deadline_seconds + grace_seconds(self._late)

    def collect(self) -> None:
        """Takes what the child has sent, and ends it."""
        assert self.child is not None
        late = time.monotonic() >= self._child_deadline
        self._late = self._late + 1 if late else 0
        answer, self.child = self.child.end(), None
        got = child_fault_text("late") if late else parse_answer(answer)
        if isinstance(got, str):
            return self._failed(got, None if answer else LONGEST_FAULT_SECONDS)
        if self._metadata_argument:
            got = got._replace(provenance=got.provenance._replace(source="argument"))
        elif got.expected_uuid and not self._counts(got):
            from ..output.words.evidence import other_uuid_text

            return self._failed(other_uuid_text(got))
        self._program(got)

    def _counts(self, got: Document) -> bool:
        """Whether an answer that doesn't name this instance is used: the last known good of this one goes before it."""
        settings = self._reconciler.settings
        sources = tuple(one for one in ("http", "last-known-good") if one in settings.sources)
        nics = self._reconciler.kernel.nics
        found = metadata.find(settings.from_documents(*sources), nics, self._state, http=got, fallback=False)
        return found.source == "http"

    def stop(self) -> None:
        """Ends a child that fetches."""
        if self.child is not None:
            self.child.end()
            self.child = None

    def _program(self, document: Document) -> None:
        try:
            report = self._reconciler.program(document, fetched=True)
        except NetworkDataError as error:
            return self._failed(str(error))
        failed = self._reconciler.state == "failed"
        now, refresh_seconds = time.monotonic(), self._reconciler.settings.refresh_seconds
        if failed:
            self._refreshes = self._refreshes.failed(now, refresh_seconds, _chance())
        else:
            documented = {link.mac for link in report.data.links} if report is not None else self._known
            self._refreshes = self._refreshes.fetched(now, refresh_seconds, _chance(), self._known <= documented)
        self._journal.fetched(self._refreshes.due - now)
        if report is not None and not failed:
            self._journal.refreshed(report.suspicion, report.set_aside)
        self._journal.publish(None if report is None or report.set_aside else report)

    def _failed(self, reason: str, longest_seconds: float | None = None) -> None:
        """A fetch brought no document; the next ones come after longer pauses, up to `refresh_seconds` or less."""
        now, refresh_seconds = time.monotonic(), self._reconciler.settings.refresh_seconds
        longest = refresh_seconds if longest_seconds is None else min(refresh_seconds, longest_seconds)
        self._refreshes = self._refreshes.failed(now, longest, _chance())
        self._journal.fetch_failed(reason, self._refreshes.due - now, max(longest, RETRY_SECONDS))
        self._journal.publish()


def _chance() -> float:
    """From 0 to 1."""
    return int.from_bytes(os.urandom(2), "big") / 0xFFFF


def _nics_to_ask(reconciler: Reconciler) -> tuple[set[bytes], set[bytes]]:
    """The MACs of the NICs that the metadata service may be asked through, and those of all that are present.

    Raises:
        KernelError: the kernel refuses to list them.
    """
    nics = reconciler.kernel.nics()
    return {nic.mac for nic in usable_nics(nics, reconciler.settings.ignore_nics)}, {nic.mac for nic in nics}
