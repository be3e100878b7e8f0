"""The service's hold on the metadata: asks again and again, in a child, and says what is to be made of the answer."""

from __future__ import annotations

import os
import time

from ..errors import KernelError, MetadataError, NetworkDataError
from ..evidence import find as metadata
from ..state.store import State
from .child import Child
from .child_document import find_aside
from .child_fetch import GRACE_SECONDS, start, taken
from .journal import Journal
from .reconciler import Reconciler
from .schedule import Refreshes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..model.document import Document


class Refresher:
    """Asks for the metadata when it is due, and hands what comes to the keeper."""

    def __init__(
        self, reconciler: Reconciler, state: State, metadata_argument: str, journal: Journal, first_in: float
    ) -> None:
        self._reconciler, self._state, self._metadata_argument, self._journal = (
            reconciler,
            state,
            metadata_argument,
            journal,
        )
        self._refreshes = Refreshes(time.monotonic() + first_in)
        self._known: set[bytes] = set()
        try:
            self._known, _ = reconciler.nics_to_ask()
        except KernelError as error:
            reconciler.failed(error)
        self.child: Child | None = None
        """The one that asks now; its end is to be polled for reading."""
        self._until = 0.0

    @property
    def due(self) -> float:
        """When there is something to do again, whether a child answers or not."""
        return self._refreshes.due if self.child is None else self._until

    def hurry(self) -> None:
        """Somebody wants the metadata fetched now."""
        self._refreshes = self._refreshes.hurried(time.monotonic())
        self.stop()

    def notice_nics(self) -> None:
        """At once when a NIC has appeared, and again a few times if the metadata describes it late.

        One that only loses its carrier and gets it back is known already: a flapping link is no reason to ask.
        """
        try:
            usable, present = self._reconciler.nics_to_ask()
        except KernelError as error:
            return self._reconciler.failed(error)
        if usable - self._known:
            self._refreshes = self._refreshes.hurried(time.monotonic(), eager=True)
        self._known = (self._known | usable) & present

    def step(self) -> None:
        """What is due: starts a child, or ends one that is late."""
        if self.child is not None:
            return self.collect()
        settings = self._reconciler.settings
        if "://" in self._metadata_argument or ("http" in settings.sources and not self._metadata_argument):
            try:
                self.child = start(settings, self._metadata_argument)
            except OSError as error:
                return self._failed(f"no process can be had to ask the metadata service: {error.strerror}")
            self._until = time.monotonic() + settings.deadline_seconds + GRACE_SECONDS
            return
        try:
            nics = self._reconciler.kernel.nics
            if self._metadata_argument:
                self._deal_with(metadata.find(settings, nics, self._state, self._metadata_argument))
            else:
                self._deal_with(find_aside(settings, nics(), self._state))
        except MetadataError as error:
            self._failed(str(error))

    def collect(self) -> None:
        """Takes what the child has sent, and ends it."""
        assert self.child is not None
        late = time.monotonic() >= self._until
        answer, self.child = self.child.end(), None
        got = "the helper process that asks the metadata service was late" if late else taken(answer)
        if isinstance(got, str):
            return self._failed(got)
        self._deal_with(
            got._replace(provenance=got.provenance._replace(source="given")) if self._metadata_argument else got
        )

    def stop(self) -> None:
        """Ends a child that asks."""
        if self.child is not None:
            self.child.end()
            self.child = None

    def _deal_with(self, document: Document) -> None:
        try:
            report = self._reconciler.program(document, fetched=True)
        except NetworkDataError as error:
            return self._failed(str(error))
        now, refresh_seconds = time.monotonic(), self._reconciler.settings.refresh_seconds
        if self._reconciler.withdrawn or (report is not None and report.exit_code != 1):
            documented = {link.mac for link in report.data.links} if report is not None else self._known
            self._refreshes = self._refreshes.fetched(now, refresh_seconds, _chance(), self._known <= documented)
        else:
            self._refreshes = self._refreshes.failed(now, refresh_seconds, _chance())
        self._journal.answered(self._refreshes.due - now)
        if report is not None and report.exit_code != 1:
            self._journal.refreshed(report.suspicion, report.set_aside)
        self._journal.publish(None if report is None or report.set_aside else report)

    def _failed(self, reason: str) -> None:
        now = time.monotonic()
        self._refreshes = self._refreshes.failed(now, self._reconciler.settings.refresh_seconds, _chance())
        self._journal.failing(reason, self._refreshes.due - now)
        self._journal.publish()


def _chance() -> float:
    """From 0 to 1."""
    return int.from_bytes(os.urandom(2), "big") / 0xFFFF
