"""Work done in a short-lived child, so that the service stays small: the memory that it needs goes with it.

The child is a fork: nothing has to be found and started anew. Of the parent's files it keeps the standard ones and its
end of a pipe. R16.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable

_SIGKILL = 9


class Child:
    """One child and what it has sent so far.

    Args:
        work: what it does; its result is sent. What it raises ends it, with the message on standard error.
        limit_bytes: more than that is not taken.

    Raises:
        OSError: no process can be had.
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
                _live(work, writing)
        finally:
            os.close(writing)
        os.set_blocking(reading, False)
        self._pipe = reading

    def fileno(self) -> int:
        """For poll(2)."""
        return self._pipe

    def read(self) -> bool:
        """Takes what has come; True when that was all. Never waits."""
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
        """Ends the child if it still lives, and gives what it has sent; b"" when that is more than the limit."""
        os.close(self._pipe)
        os.kill(self.pid, _SIGKILL)  # A child that has ended stays until it is waited for: no other has its id.
        os.waitpid(self.pid, 0)
        return b"".join(self._parts) if self._size <= self._limit else b""


def result_of(work: Callable[[], bytes], limit_bytes: int) -> bytes:
    """The result of work done by a child; waits for it. b"" when it failed.

    Raises:
        OSError: no process can be had.
    """
    child = Child(work, limit_bytes)
    os.set_blocking(child.fileno(), True)
    while not child.read():
        continue
    return child.end()


def _live(work: Callable[[], bytes], writing: int) -> None:
    """The child's life."""
    import _signal  # type: ignore[import-not-found]  # signal itself brings enum, which the resident does without

    code = 1
    try:
        _signal.set_wakeup_fd(-1)
        for number in (_signal.SIGTERM, _signal.SIGINT, _signal.SIGHUP):
            _signal.signal(number, _signal.SIG_DFL)
        os.dup2(writing, 3)
        os.closerange(4, 256)
        result = memoryview(work())
        while result:
            result = result[os.write(3, result) :]
        code = 0
    except BaseException as error:  # noqa: BLE001  # whatever it is, this process must not become a second service
        os.write(2, f"guest-routes: a helper process failed: {type(error).__name__}: {error}\n".encode())
    finally:
        os._exit(code)
