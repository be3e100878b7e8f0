"""What threads put is taken in its order, or nothing by a time."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

from guest_routes.evidence.mailbox import Mailbox


def test_in_order() -> None:
    box = Mailbox()
    for one in ("a", "b", "c"):
        box.put(one)
    assert [box.take(0.0) for _ in range(4)] == ["a", "b", "c", None]


def test_nothing_by_then() -> None:
    began = time.monotonic()
    assert Mailbox().take(began + 0.2) is None
    assert 0.2 <= time.monotonic() - began < 2


def test_another_thread_puts_while_it_is_waited() -> None:
    box = Mailbox()
    timer = threading.Timer(0.1, box.put, ["late"])
    timer.start()
    assert box.take(time.monotonic() + 10) == "late"
    timer.join()


def test_its_descriptors_go_with_it() -> None:
    before = len(os.listdir("/proc/self/fd"))
    box = Mailbox()
    assert len(os.listdir(Path("/proc/self/fd"))) == before + 2
    del box
    assert len(os.listdir("/proc/self/fd")) == before
