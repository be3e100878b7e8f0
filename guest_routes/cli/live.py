"""`status` again and again: until all is in place, or for somebody who watches a terminal.

Each look opens settings, state and kernel anew: what the service sees may have changed.
"""

from __future__ import annotations

import time

from ..errors import GuestRoutesError, UsageError
from ..output.diagnosis.status import live_lines, status_lines, waiting_text
from .context import Context

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

    from ..model.diagnosis.status import Status
    from .terminal import Terminal

WAITING_SECONDS = 0.5
"""Between two looks of --wait, or four times as long as a look takes."""
WATCHING_SECONDS = 2.0
SETTLED = (0, 2, 5)
"""Exit codes of a status that waiting doesn't change: in place, as far as it can be, or no pass runs."""


def wait(options: Any, inspect: Callable[[Context], Status], terminal: Terminal) -> Status:
    """The first status that is settled, or the last one before `options.wait` seconds are over.

    Raises:
        GuestRoutesError: the last look failed.
    """
    until = time.monotonic() + options.wait
    while True:
        started = time.monotonic()
        try:
            found = _fresh(options, inspect)
        except GuestRoutesError:
            if started >= until:
                raise
        else:
            if found.exit_code in SETTLED or found.hidden or started >= until:
                return found
            terminal.tell(waiting_text(found))
        now = time.monotonic()
        time.sleep(max(0.0, min(until - now, max(WAITING_SECONDS, 4 * (now - started)))))


def watch(options: Any, inspect: Callable[[Context], Status], terminal: Terminal) -> int:
    """0 once ^C, SIGTERM or SIGHUP ends it.

    Raises:
        UsageError: standard output is no terminal.
    """
    import signal

    if not terminal.shows:
        raise UsageError("--watch needs a terminal; `--wait` is for scripts, and `--json` for programs that ask again")
    ending = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
    # Blocked, so that none comes in the midst of a line; a change of the terminal's size only ends the pause.
    awaited = {*ending, signal.SIGWINCH}
    signal.pthread_sigmask(signal.SIG_BLOCK, awaited)
    while terminal.screen(_lines(options, inspect)):
        received = signal.sigtimedwait(awaited, WATCHING_SECONDS)
        if received is not None and received.si_signo in ending:
            break
    signal.pthread_sigmask(signal.SIG_UNBLOCK, awaited)
    return 0


def _lines(options: Any, inspect: Callable[[Context], Status]) -> list[str]:
    """What the screen shows; an error takes the place of a status that can't be had."""
    now = time.strftime("%H:%M:%S")
    try:
        found = _fresh(options, inspect)
    except GuestRoutesError as error:
        return live_lines(now, error.exit_code, str(error).split("\n"))
    return live_lines(now, found.exit_code, status_lines(found, options.verbose))


def _fresh(options: Any, inspect: Callable[[Context], Status]) -> Status:
    context = Context(options)
    try:
        return inspect(context)
    finally:
        context.close()
