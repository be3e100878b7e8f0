"""The service: keeps the kernel's routes as decided for as long as the instance lives.

It sleeps in poll(2) until the kernel notifies it of a change, something is due, or a signal comes. A fetch runs in a
child process and never delays a pass. No error ends the service but wrong settings at its start: whatever else fails
is logged, and tried again after 1, 2, 4 ... 10 seconds. All times are of the monotonic clock,
which no clock step moves, and which stands still while the machine is suspended (docs/clocks.md).
"""

from __future__ import annotations

import os
import select
import time

from ..errors import ChildError, KernelError, SettingsError, StateError
from ..output.service_log import DISABLED, RELOADED, STOPPED, settings_kept_line, settings_unread_line
from ..state.store import State
from .journal import Journal
from .reconciler import Reconciler
from .refresher import Refresher
from .schedule import LONGEST_FAULT_SECONDS, SPREAD_SECONDS
from .sd_notify import Notifier
from .signals import Signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, Sequence

    from ..model.settings import Settings
    from .sd_journal import Log


def watch(
    read_settings: Callable[[], Settings], state: State, metadata_argument: str, log: Log, only_files: bool = True
) -> int:
    """Runs until SIGTERM or SIGINT, then returns 0; the routes stay.

    Args:
        read_settings: called at the start and on SIGHUP; the memory that it takes should not stay.
        metadata_argument: `--metadata`: where the document is, instead of the settings' sources.
        log: gets a level ("info", "warning", "error"), a text, and fields for a journal.
        only_files: the settings are those of the files that every command reads, without options.

    Raises:
        LockError: another service runs.
        SettingsError: they are wrong at the start; on SIGHUP the old settings stay.
        KernelError: no netlink socket can be opened.
    """
    signals = Signals()
    notifier = Notifier(os.environ)
    journal = Journal(state, log, notifier, only_files)
    settings = _first_settings(read_settings, signals, journal)
    if settings is None:
        return 0
    with state.only_service() as unlocked:
        if unlocked:
            journal.hold("error", "record", unlocked)
        reconciler = Reconciler(settings, state, metadata_argument, journal)
        try:
            refresher = _first_pass(reconciler, state, metadata_argument, journal)
            service = _Service(read_settings, state, journal, reconciler, refresher, notifier.watchdog_seconds)
            service.run(signals)
        finally:
            reconciler.close()
            try:
                state.forget_service()
            except StateError as error:
                journal.error(str(error))
    return 0


def _first_settings(read_settings: Callable[[], Settings], signals: Signals, journal: Journal) -> Settings | None:
    """The settings, once they can be read; None where a signal asks for the end before."""
    pause = 1.0
    while not signals.stop:
        try:
            return read_settings()
        except ChildError as error:
            if pause == 1.0:
                journal.error(settings_unread_line(error, pause, LONGEST_FAULT_SECONDS))
        signals.wait(pause)
        pause = min(2 * pause, LONGEST_FAULT_SECONDS)
    return None


def _first_pass(reconciler: Reconciler, state: State, metadata_argument: str, journal: Journal) -> Refresher:
    """Programs the document on this machine (R11), so that the boot goes on before the metadata service is asked."""
    report = reconciler.reconcile() if reconciler.settings.enabled else None
    first_seconds = SPREAD_SECONDS * os.urandom(1)[0] / 255 if report is not None else 0.0
    refresher = Refresher(reconciler, state, metadata_argument, journal, first_seconds)
    journal.publish(report, "" if reconciler.settings.enabled else DISABLED)
    return refresher


def poll_milliseconds(due: Sequence[float], now: float) -> int | None:
    """How long poll(2) may wait for the first of these times; None: forever.

    Rounded up, since a poll that ends a little early would be one wakeup more.
    """
    return max(0, int((min(due) - now) * 1000) + 1) if due else None


class _Service:
    def __init__(
        self,
        read_settings: Callable[[], Settings],
        state: State,
        journal: Journal,
        reconciler: Reconciler,
        refresher: Refresher,
        watchdog_seconds: float,
    ) -> None:
        self._read_settings, self._state, self._journal = read_settings, state, journal
        self._reconciler, self._refresher = reconciler, refresher
        self._watchdog_seconds = watchdog_seconds
        self._watchdog_due = 0.0
        self._fault_seconds = 0.0
        """How long the last pause after an unexpected error was; 0 when all went well since."""
        self._reload_due: float | None = None
        """When a reload that could not be made is tried again."""
        self._reload_failures = 0
        self._is_blind = False
        """Something was missed, and no pass could be scheduled for it: one flag takes no memory."""

    def run(self, signals: Signals) -> None:
        """Returns when a signal asks for the end."""
        self._journal.notify_systemd("READY=1")
        try:
            while not signals.stop:
                try:
                    self._step(signals)
                except Exception:  # noqa: BLE001  # not even that could be logged
                    self._is_blind = True
                    time.sleep(1.0)
        finally:
            self._refresher.stop()
        self._journal.notify_systemd("STOPPING=1")
        self._journal.info(STOPPED)

    def _step(self, signals: Signals) -> None:
        """Does what is due and waits for more; whatever fails, the service goes on."""
        try:
            if self._is_blind:
                self._reconciler.reconcile_soon()
                self._is_blind = False
            self._do_what_is_due()
            self._sleep(signals)
            self._fault_seconds = 0.0
        except Exception as error:  # noqa: BLE001
            self._survive(error, signals)

    def _survive(self, error: Exception, signals: Signals) -> None:
        """Logs an error that nothing else has caught, and pauses: one that comes again and again costs little."""
        try:
            self._reconciler.survive(error)
        except Exception:  # noqa: BLE001  # even to log it may take what is missing
            self._is_blind = True
        self._fault_seconds = min(max(1.0, 2 * self._fault_seconds), LONGEST_FAULT_SECONDS)
        if signals.wait(self._fault_seconds):
            self._reload_due = time.monotonic()

    def _do_what_is_due(self) -> None:
        now = time.monotonic()
        if self._reload_due is not None and self._reload_due <= now:
            self._reload()
        if self._reconciler.settings.enabled:
            due = self._reconciler.schedule.due
            if due is not None and due <= now:
                self._reconcile()
            self._reconciler.end_conflicts()
            if self._refresher.due <= time.monotonic():
                self._refresher.step()
        if self._watchdog_seconds and self._watchdog_due <= time.monotonic():
            self._journal.notify_systemd("WATCHDOG=1")
            self._watchdog_due = time.monotonic() + self._watchdog_seconds / 2

    def _reconcile(self) -> None:
        report = self._reconciler.reconcile()
        if report is not None and (report.changes or report.exit_code or self._journal.degraded):
            self._journal.publish(report)
        self._refresher.notice_nics()

    def _due(self) -> list[float]:
        """When there is something to do, if nothing happens before."""
        due = [self._watchdog_due] if self._watchdog_seconds else []
        if self._reload_due is not None:
            due.append(self._reload_due)
        if self._reconciler.settings.enabled:
            due.append(self._refresher.due)
            if self._reconciler.schedule.due is not None:
                due.append(self._reconciler.schedule.due)
        return due

    def _sleep(self, signals: Signals) -> None:
        """Waits until something is due or happens; reads what happened."""
        reconciler, child = self._reconciler, self._refresher.child
        poll = select.poll()
        for source in (reconciler, signals, child):
            if source is not None:
                poll.register(source.fileno(), select.POLLIN)
        ready = {descriptor for descriptor, _ in poll.poll(poll_milliseconds(self._due(), time.monotonic()))}
        if signals.fileno() in ready and signals.reload():
            self._reload()
        if reconciler.fileno() in ready:
            reconciler.respond()
        # A reload has ended the child, and its descriptor may be another file's by now.
        if child is not None and child is self._refresher.child and child.fileno() in ready and child.read():
            self._refresher.collect()

    def _reload(self) -> None:
        """SIGHUP: reads the settings and fetches the metadata; settings that can be used undo a `withdraw`."""
        self._reload_due = None
        self._journal.notify_systemd("RELOADING=1", f"MONOTONIC_USEC={int(time.monotonic() * 1e6)}")
        try:
            self._reconciler.adopt(self._read_settings())
            self._journal.info(RELOADED)
            self._reload_failures = 0
            self._state.clear_withdrawn()
        except ChildError as error:
            pause = min(2.0**self._reload_failures, LONGEST_FAULT_SECONDS)
            if not self._reload_failures:
                self._journal.error(settings_unread_line(error, pause, LONGEST_FAULT_SECONDS))
            self._reload_failures = min(self._reload_failures + 1, 20)
            self._reload_due = time.monotonic() + pause
            self._reconciler.reconcile_soon()
        except (SettingsError, KernelError) as error:
            self._journal.error(settings_kept_line(error, self._reconciler.state == "withdrawn"))
            self._reconciler.reconcile_soon()
        except StateError as error:
            self._journal.error(str(error))
        self._refresher.hurry()
        self._journal.publish(doing="" if self._reconciler.settings.enabled else DISABLED)
        self._journal.notify_systemd("READY=1")
