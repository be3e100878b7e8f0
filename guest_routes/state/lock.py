"""Only one pass at a time: flock on a file that names its holder.

The kernel releases the lock when the holder ends, however it ends. Where the file can't be made (a full or read-only
/run), or others could put one there, a pass goes on without it: routes matter more than the rare case of two passes at
the same moment, of which the next one puts right what they did to each other.
"""

from __future__ import annotations

import fcntl
import os
import time

from ..clocks import seconds_since_boot
from ..errors import LockError, StateError
from ..json_codec import dumps
from ..trusted import Untrusted, untrusted_file
from .files import json_object, read, refusal

POLL_SECONDS = 0.05
UNLOCKED = "two passes at the same time are not kept apart"


class Lock:
    """Held within `with`, which gives "", or why two passes at the same time aren't kept apart.

    Raises, on entering:
        LockError: it was held for all of `wait_seconds`; names the holder.
        StateError: the lock's file is not for this user.
    """

    def __init__(self, path: str, wait_seconds: float, advice: str = "", contended: bool = True) -> None:
        """`contended`: others may want it; else its file may be where anybody can write."""
        self._path, self._wait_seconds = path, wait_seconds
        self._advice = advice or f"nothing was done in {wait_seconds:g} s; try again later"
        self._descriptor, self._contended = -1, contended

    def __enter__(self) -> str:
        try:
            self._descriptor = _open(self._path)
        except StateError as error:
            if os.geteuid() != 0:
                raise
            return str(error)
        fault = untrusted_file(self._path) if self._contended else None
        if isinstance(fault, Untrusted):  # Whoever could put another file in its place could hold every pass up.
            self.__exit__()
            return str(refusal("lock", self._path, fault, UNLOCKED))
        try:
            _wait(self._descriptor, self._path, self._wait_seconds, self._advice)
        except OSError as error:
            self.__exit__()
            return str(refusal("lock", self._path, error, UNLOCKED))
        except BaseException:
            os.close(self._descriptor)
            raise
        try:
            holder = {"pid": os.getpid(), "command": _own_command(), "since": round(seconds_since_boot(), 3)}
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, dumps(holder).encode(), 0)
        except OSError:  # It is held all the same; whoever waits for it doesn't learn by whom.
            return ""
        return ""

    def __exit__(self, *raised: object) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _open(path: str) -> int:
    try:
        os.makedirs(os.path.dirname(path), 0o755, exist_ok=True)
        # 0600: whoever can open the file can hold the lock.
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        try:  # On a read-only file system one of before can still be locked.
            return os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:
            consequence = UNLOCKED if os.geteuid() == 0 else "run it as root"
            fault = untrusted_file(path)  # A link, say, for which the system has other words.
            raise refusal("open", path, fault if isinstance(fault, Untrusted) else error, consequence) from error


def _wait(descriptor: int, path: str, wait_seconds: float, advice: str) -> None:
    deadline = time.monotonic() + wait_seconds
    while True:
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                break
        time.sleep(POLL_SECONDS)
    holder = json_object(read(path))
    since = holder.get("since")
    held = ""
    if isinstance(since, (int, float)) and abs(since) < 1e15:
        held = f" for {max(0.0, seconds_since_boot() - since):.0f} s"
    who = f"pid {holder.get('pid', '?')} ({holder.get('command', 'unknown')})"
    raise LockError(f"cannot lock {path}: held by {who}{held}; {advice}")


def _own_command() -> str:
    import sys

    return " ".join(["guest-routes", *sys.argv[1:]])
