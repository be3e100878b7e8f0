"""Signals as a descriptor: in a child process, since handlers are the whole process's."""

from __future__ import annotations

import json
import os
import select
import signal
from typing import Any, List

import pytest

from guest_routes.service.child.process import result_of
from guest_routes.service.signals import Signals


def received(*numbers: int) -> List[Any]:
    """Sends a process that has Signals these signals; what it has to read, whether to reload, whether to stop."""

    def work() -> bytes:
        signals = Signals()
        poll = select.poll()
        poll.register(signals.fileno(), select.POLLIN)
        quiet = poll.poll(0)
        for number in numbers:
            os.kill(os.getpid(), number)
        ready = bool(poll.poll(5000)) if numbers else False
        reload = signals.reload() if ready else False
        return json.dumps([quiet, ready, reload, signals.stop, poll.poll(0)]).encode()

    found: List[Any] = json.loads(result_of(work, 1000))
    return found


@pytest.mark.parametrize("numbers, reload, stop", [
    ([signal.SIGHUP], True, False),
    ([signal.SIGTERM], False, True),
    ([signal.SIGINT], False, True),
    ([signal.SIGHUP, signal.SIGTERM], True, True),
    ([signal.SIGHUP] * 3, True, False),
])  # fmt: skip
def test_what_each_signal_asks_for(numbers: List[int], reload: bool, stop: bool) -> None:
    assert received(*numbers) == [[], True, reload, stop, []]


def test_no_signal_is_nothing_to_read() -> None:
    assert received() == [[], False, False, False, []]


def test_the_wish_to_stop_outlasts_a_reload() -> None:
    def work() -> bytes:
        signals = Signals()
        for number in (signal.SIGTERM, signal.SIGHUP):
            os.kill(os.getpid(), number)
            signals.reload()
        return str(signals.stop).encode()

    assert result_of(work, 100) == b"True"


def test_children_can_be_waited_for_although_the_parent_ignored_them() -> None:
    def work() -> bytes:
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        Signals()
        pid = os.fork()
        if pid == 0:
            os._exit(7)
        return str(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])).encode()

    assert result_of(work, 100) == b"7"
