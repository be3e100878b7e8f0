"""Only one pass at a time: flock on a file that names its holder.

The kernel releases the lock when the holder ends, however it ends.
"""

from __future__ import annotations

import fcntl
import os
import time

from ..errors import LockError
from ..json_codec import dumps
from .files import json_object, read, refusal

POLL_SECONDS = 0.05


class Lock:
    """Held within `with`.

    Raises, on entering:
        LockError: it was held for all of `wait_seconds`; names the holder.
        StateError: the lock's file can't be made.
    """

    def __init__(self, path: str, wait_seconds: float, advice: str = "") -> None:
        self._path, self._wait_seconds = path, wait_seconds
        self._advice = advice or f"nothing was done in {wait_seconds:g} s; try again later"
        self._descriptor = -1

    def __enter__(self) -> None:
        self._descriptor = _open(self._path)
        try:
            _wait(self._descriptor, self._path, self._wait_seconds, self._advice)
            holder = {"pid": os.getpid(), "command": _own_command(), "since": time.time()}
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, dumps(holder).encode(), 0)
        except OSError as error:
            os.close(self._descriptor)
            raise refusal("write", self._path, error, "nobody could see who holds it; nothing was done") from error
        except BaseException:
            os.close(self._descriptor)
            raise

    def __exit__(self, *raised: object) -> None:
        os.close(self._descriptor)


def _open(path: str) -> int:
    try:
        os.makedirs(os.path.dirname(path), 0o755, exist_ok=True)
        # 0600: whoever can open the file can hold the lock.
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        consequence = "without the lock two passes could undo each other; run it as root"
        raise refusal("open", path, error, consequence) from error


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
    held = f" for {max(0.0, time.time() - since):.0f} s" if isinstance(since, (int, float)) and since < 1e15 else ""
    who = f"pid {holder.get('pid', '?')} ({holder.get('command', 'unknown')})"
    raise LockError(f"cannot lock {path}: held by {who}{held}; {advice}")


def _own_command() -> str:
    import sys

    return " ".join(["guest-routes", *sys.argv[1:]])
