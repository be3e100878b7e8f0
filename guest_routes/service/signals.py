"""Signals as a descriptor for poll(2): the handlers only write to a pipe. Source: signal(7), self-pipe.

This uses the C module: `import signal` brings enum, which the resident process does without.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]
import os
import select
import time

STOP = (_signal.SIGTERM, _signal.SIGINT)


class Signals:
    """SIGTERM and SIGINT end the service, SIGHUP reloads it."""

    def __init__(self) -> None:
        self.stop = False
        self._reading, writing = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        _signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
        # The parent may have ignored SIGCHLD; with SIG_IGN inherited, waitpid(2) would fail for our children.
        _signal.signal(_signal.SIGCHLD, _signal.SIG_DFL)
        for number in (*STOP, _signal.SIGHUP):
            _signal.signal(number, lambda number, frame: None)

    def fileno(self) -> int:
        """For poll(2)."""
        return self._reading

    def wait(self, seconds: float) -> bool:
        """Waits so long, or until a signal comes, which it reads; whether SIGHUP was among them."""
        poll = select.poll()
        poll.register(self._reading, select.POLLIN)
        try:
            ready = poll.poll(int(seconds * 1000))
        except OSError:  # There is no memory for poll(2) either.
            time.sleep(seconds)
            return False
        return bool(ready) and self.reload()

    def reload(self) -> bool:
        """Reads the signals that came; whether SIGHUP was among them. SIGTERM and SIGINT set `stop`."""
        came = os.read(self._reading, 64)
        self.stop = self.stop or any(number in came for number in STOP)
        return _signal.SIGHUP in came
