"""Runs work in a short-lived child process, so that the service stays small: the memory that it takes ends with it.

The child is a fork, without exec: its modules are loaded already. Of the parent's descriptors it keeps the standard
ones and its end of a pipe (R16).
"""

from __future__ import annotations

import os

from ...output.service_log import child_failed_line
from .privileges import kill

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable

LINE_BYTES = 64 * 1024
"""The longest line before a fetched document: a property and a uuid of their limits, and the URL."""


class Child:
    """One child process and what it has sent so far.

    Args:
        work: runs in the child, which sends its result. An exception ends the child, with a line on standard error.
        limit_bytes: a longer result is not read to its end.

    Raises:
        OSError: the system refuses a process.
    """

    def __init__(self, work: Callable[[], bytes], limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._parts: list[bytes] = []
        self._size = 0
        reading, writing = os.pipe2(os.O_CLOEXEC)
        try:
            self.pid = os.fork()
        except OSError:
            os.close(reading)
            raise
        else:
            if self.pid == 0:
                _run(work, writing)
        finally:
            os.close(writing)
        os.set_blocking(reading, False)
        self._pipe = reading

    def fileno(self) -> int:
        """For poll(2)."""
        return self._pipe

    def read(self) -> bool:
        """Reads what has come; True at its end, or past the limit. Never waits."""
        while self._size <= self._limit:
            try:
                part = os.read(self._pipe, 1 << 16)
            except BlockingIOError:
                return False
            if not part:
                return True
            self._parts.append(part)
            self._size += len(part)
        return True

    def end(self) -> bytes:
        """Kills the child if it still runs; what it has sent, or b"" when that is more than the limit."""
        kill(self.pid)  # A child that has ended keeps its id until waitpid.
        os.close(self._pipe)
        os.waitpid(self.pid, 0)
        return b"".join(self._parts) if self._size <= self._limit else b""


def result_of(work: Callable[[], bytes], limit_bytes: int) -> bytes:
    """The result of work done by a child process; b"" when it failed. Waits for it.

    Raises:
        OSError: the system refuses a process.
    """
    child = Child(work, limit_bytes)
    os.set_blocking(child.fileno(), True)
    while not child.read():
        continue
    return child.end()


def _run(work: Callable[[], bytes], writing: int) -> None:
    """What the child does, from its start to its end."""
    import _signal  # type: ignore[import-not-found]  # signal itself brings enum

    code = 1
    try:
        _signal.set_wakeup_fd(-1)
        for number in (_signal.SIGTERM, _signal.SIGINT, _signal.SIGHUP):
            _signal.signal(number, _signal.SIG_DFL)
        os.dup2(writing, 3)
        os.closerange(4, max(map(int, os.listdir("/proc/self/fd"))) + 1)
        result = memoryview(work())
        while result:
            result = result[os.write(3, result) :]
        code = 0
    except BaseException as error:  # noqa: BLE001  # this process must not become a second service
        os.write(2, child_failed_line(error).encode())
    finally:
        os._exit(code)
