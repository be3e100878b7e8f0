"""What threads send to the one that waits for them, by a pipe and poll(2).

A lock with a timeout, as in queue and threading, would wait by the wall clock with Python before 3.11, and with musl:
for hours where the clock is set back meanwhile, as it is at many a boot.
"""

from __future__ import annotations

import os
import select
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Mailbox:
    """Any number of threads put, one takes. Its descriptors live as long as one of them has it: no number is reused."""

    def __init__(self) -> None:
        self._items: list[Any] = []
        self._descriptors: tuple[int, ...] = ()
        self._descriptors = self._reading, self._writing = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._poll = select.poll()
        self._poll.register(self._reading, select.POLLIN)

    def __del__(self) -> None:
        for descriptor in self._descriptors:
            os.close(descriptor)

    def put(self, item: Any) -> None:
        """Never waits: whoever takes is sixty-four thousand behind before the pipe is full."""
        self._items.append(item)
        os.write(self._writing, b"+")

    def take(self, until: float) -> Any | None:
        """The first that came; None when none has come by then (seconds of the monotonic clock)."""
        while not self._poll.poll(max(0, int((until - time.monotonic()) * 1000) + 1)):
            if time.monotonic() >= until:
                return None
        os.read(self._reading, 1)
        return self._items.pop(0)
