"""systemd's notification socket: a real one, by path and abstract, full and absent."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path
from typing import Dict

import pytest

from guest_routes.service import sd_notify
from guest_routes.service.sd_notify import Notifier


@pytest.mark.parametrize("abstract", [False, True])
def test_assignments_arrive_as_one_datagram(tmp_path: Path, abstract: bool) -> None:
    name = f"guest-routes-test-{os.getpid()}" if abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind("\0" + name if abstract else name)
        listener.settimeout(5)
        notifier = Notifier({"NOTIFY_SOCKET": "@" + name if abstract else name})
        assert notifier.send("READY=1", "STATUS=5 routes in place, »eth0«") is None
        assert listener.recv(1000).decode() == "READY=1\nSTATUS=5 routes in place, »eth0«"


def test_without_systemd_nothing_is_sent() -> None:
    assert Notifier({}).send("READY=1") is None
    assert Notifier({}).watchdog_seconds == 0


@pytest.mark.parametrize("address, words", [
    ("/nowhere/notify", "No such file or directory"),
    ("@guest-routes-nobody-listens", "Connection refused"),
    ("/" + "x" * 200, "too long"),
])  # fmt: skip
def test_nobody_listens(address: str, words: str) -> None:
    refused = Notifier({"NOTIFY_SOCKET": address}).send("READY=1")
    assert refused is not None and words in str(refused)


def test_a_systemd_that_hangs_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert sd_notify.SEND_SECONDS == 1
    monkeypatch.setattr(sd_notify, "SEND_SECONDS", 0.1)
    name = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(name)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as filler:
            filler.connect(name)
            with pytest.raises(BlockingIOError):
                while True:
                    filler.send(b"x")
        began = time.monotonic()
        assert isinstance(Notifier({"NOTIFY_SOCKET": name}).send("WATCHDOG=1"), socket.timeout)
        assert time.monotonic() - began < 10


@pytest.mark.parametrize("environment, seconds", [
    ({"WATCHDOG_USEC": "180000000"}, 180.0),
    ({"WATCHDOG_USEC": "500000", "WATCHDOG_PID": str(os.getpid())}, 0.5),
    ({"WATCHDOG_USEC": "500000", "WATCHDOG_PID": "1"}, 0.0),
    ({"WATCHDOG_USEC": "soon"}, 0.0),
    ({"WATCHDOG_USEC": ""}, 0.0),
])  # fmt: skip
def test_how_often_systemd_wants_a_sign_of_life(environment: Dict[str, str], seconds: float) -> None:
    assert Notifier(environment).watchdog_seconds == seconds
