"""The service: keeps the table right for as long as the instance lives.

It sleeps in poll(2) until the kernel says that something has changed, something is due, or a signal comes. An event
only means "look". Fetching happens in a child and never delays a look. An error in a pass never ends the service.
Monotonic time only: neither clock steps nor a suspended machine confuse it.
"""

from __future__ import annotations

import os
import select
import time

from ..errors import KernelError, SettingsError, StateError
from ..state.store import State
from .journal import Journal
from .reconciler import Reconciler
from .refresher import Refresher
from .schedule import SPREAD_SECONDS
from .sd_notify import Notifier
from .signals import Signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable

    from ..model.settings import Settings


def watch(
    read_settings: Callable[[], Settings], state: State, metadata_argument: str, say: Callable[[str, str], None]
) -> int:
    """Runs until SIGTERM or SIGINT; the routes stay. 0.

    Args:
        read_settings: called at the start and on SIGHUP; whatever memory that takes should not stay.
        given: `--metadata`: where the document is, instead of the settings' sources.
        say: gets a level ("info", "warning", "error") and a line for the log.

    Raises:
        LockError: another service runs.
        SettingsError: at the start; on SIGHUP the old ones stay.
        KernelError: no netlink socket can be had.
    """
    signals = Signals()
    settings = read_settings()
    with state.only_service():
        notifier = Notifier(os.environ)
        journal = Journal(state, say, notifier)
        reconciler = Reconciler(settings, state, metadata_argument, journal)
        try:
            _Service(read_settings, state, metadata_argument, journal, reconciler, notifier.watchdog_seconds).run(
                signals
            )
        finally:
            reconciler.close()
            try:
                state.forget_service()
            except StateError as error:
                journal.error(str(error))
    return 0


class _Service:
    def __init__(
        self,
        read_settings: Callable[[], Settings],
        state: State,
        metadata_argument: str,
        journal: Journal,
        reconciler: Reconciler,
        watchdog_seconds: float,
    ) -> None:
        self._read_settings, self._state, self._journal, self._reconciler = read_settings, state, journal, reconciler
        self._watchdog_seconds = watchdog_seconds
        self._beat = 0.0
        # What is on this machine first (R11): then the boot goes on, and the metadata service is asked.
        report = reconciler.reconcile() if reconciler.settings.enabled else None
        first_in = SPREAD_SECONDS * os.urandom(1)[0] / 255 if report is not None else 0.0
        self._refresher = Refresher(reconciler, state, metadata_argument, journal, first_in)
        journal.publish(report, self._idle_text())

    def _idle_text(self) -> str:
        return (
            "" if self._reconciler.settings.enabled else "disabled by the settings (`enabled: false`); nothing is done"
        )

    def run(self, signals: Signals) -> None:
        """Until a signal asks for the end."""
        self._journal.tell_systemd("READY=1")
        try:
            while not signals.stop:
                if self._reconciler.settings.enabled:
                    self._do_what_is_due()
                self._sleep(signals)
        finally:
            self._refresher.stop()
        self._journal.tell_systemd("STOPPING=1")
        self._journal.info("stopped; the routes stay as they are")

    def _do_what_is_due(self) -> None:
        now = time.monotonic()
        due = self._reconciler.schedule.due
        if due is not None and due <= now:
            report = self._reconciler.reconcile()
            if report is not None and (report.changes or report.exit_code or self._journal.degraded):
                self._journal.publish(report)
            self._refresher.notice_nics()
        self._reconciler.end_conflicts()
        if self._refresher.due <= time.monotonic():
            self._refresher.step()

    def _sleep(self, signals: Signals) -> None:
        """Until something is due or happens, which is dealt with."""
        reconciler, refresher = self._reconciler, self._refresher
        now = time.monotonic()
        due = []
        if reconciler.settings.enabled:
            due = [refresher.due] if reconciler.schedule.due is None else [refresher.due, reconciler.schedule.due]
        if self._watchdog_seconds:
            if self._beat <= now:
                self._journal.tell_systemd("WATCHDOG=1")
                self._beat = now + self._watchdog_seconds / 2
            due.append(self._beat)
        poll = select.poll()
        for source in (reconciler, signals, refresher.child):
            if source is not None:
                poll.register(source.fileno(), select.POLLIN)
        # Rounded up: a poll that ends a little early would be one wakeup more.
        wait = max(0, int((min(due) - now) * 1000) + 1) if due else None
        ready = {descriptor for descriptor, _ in poll.poll(wait)}
        child = refresher.child
        if signals.fileno() in ready and signals.reload():
            self._reload()
        if reconciler.fileno() in ready:
            reconciler.read_events()
        if child is not None and child is refresher.child and child.fileno() in ready and child.read():
            refresher.collect()

    def _reload(self) -> None:
        """SIGHUP: the settings anew, and a refresh; what was withdrawn by hand is asked for again."""
        self._journal.tell_systemd("RELOADING=1", f"MONOTONIC_USEC={int(time.monotonic() * 1e6)}")
        try:
            self._reconciler.adopt(self._read_settings())
            self._journal.info("settings read anew")
        except (SettingsError, KernelError) as error:
            self._journal.error(f"the settings stay as they were: {error}")
            self._reconciler.reconcile_soon()
        try:
            self._state.clear_withdrawn()
        except StateError as error:
            self._journal.error(str(error))
        self._refresher.hurry()
        self._journal.publish(doing=self._idle_text())
        self._journal.tell_systemd("READY=1")
