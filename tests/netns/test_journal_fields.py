"""The service's changes in systemd's journal, with fields to select them by: a real systemd-journald."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Dict, Iterator, List

import pytest

from guest_routes.service.sd_journal import SOCKET
from tests.support import sandbox
from tests.support.lab import Lab
from tests.support.passes import DOCUMENTED, table
from tests.support.service import FAST, Service, Start, settled

JOURNALD = "/lib/systemd/systemd-journald"
OPTIONS = (
    "[Journal]\nStorage=volatile\nReadKMsg=no\nAudit=no\nForwardToWall=no\nForwardToConsole=no\nForwardToSyslog=no\n"
)
CONNECTED = f"""
import os, socket, sys
stream = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
stream.connect("{os.path.dirname(SOCKET)}/stdout")
stream.sendall(b"guest-routes\\n\\n6\\n1\\n0\\n0\\n0\\n")  # identifier, unit, priority, lines begin with it
os.dup2(stream.fileno(), 2)
about = os.fstat(2)
os.environ["JOURNAL_STREAM"] = f"{{about.st_dev}}:{{about.st_ino}}"
os.execv(sys.argv[1], sys.argv[1:])
"""
"""Starts a command as systemd does, with its standard error in the journal."""
FIELDS = ("GUEST_ROUTES_DESTINATION", "GUEST_ROUTES_NIC", "GUEST_ROUTES_ACTOR")


@pytest.fixture
def journald() -> Iterator[None]:
    if sandbox.in_user_namespace() or not os.path.exists(JOURNALD) or not shutil.which("journalctl"):
        pytest.skip("takes the machine's root and systemd-journald")
    shutil.rmtree("/run/systemd/journal", ignore_errors=True)
    shutil.rmtree("/run/log", ignore_errors=True)
    for folder in ("/run/systemd/journal", "/run/log/journal", "/etc/systemd"):
        os.makedirs(folder, exist_ok=True)
    Path("/etc/systemd/journald.conf").write_text(OPTIONS)
    Path("/etc/machine-id").write_text("3d1219c7c4c5404aaa1f6d2a48adfda4\n")
    child = subprocess.Popen([JOURNALD], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 10
    while not (os.path.exists(SOCKET) and os.path.exists(f"{os.path.dirname(SOCKET)}/stdout")):
        assert time.monotonic() < deadline, "systemd-journald doesn't listen"
        time.sleep(0.01)
    yield
    child.terminate()
    child.wait()
    shutil.rmtree("/run/systemd/journal")


def entries(*matches: str) -> List[Dict[str, Any]]:
    """What journalctl finds."""
    words = ["journalctl", "-D", "/run/log/journal", "-o", "json", "--no-pager", "-q", *matches]
    ran = subprocess.run(words, capture_output=True, text=True)
    return [json.loads(line) for line in ran.stdout.splitlines()]


def wait_for_repairs(service: Service, number: int) -> None:
    service.wait(lambda: len(entries("GUEST_ROUTES_ACTOR=ip", "PRIORITY=6")) >= number)


BEFORE = (sys.executable, "-c", CONNECTED)


def test_changes_are_found_by_destination_nic_and_actor(lab: Lab, start: Start, journald: None) -> None:
    service = settled(lab, start, before=BEFORE)
    service.wait(lambda: entries("GUEST_ROUTES_DESTINATION=11.11.0.0/16"))
    (first,) = entries("GUEST_ROUTES_DESTINATION=11.11.0.0/16")
    assert first["MESSAGE"].startswith("added 11.11.0.0/16 via 11.8.0.1 dev eth1")
    assert (first["GUEST_ROUTES_NIC"], first["PRIORITY"], first["SYSLOG_IDENTIFIER"]) == ("eth1", "6", "guest-routes")
    assert "GUEST_ROUTES_ACTOR" not in first  # Nobody made it necessary.
    assert [one["MESSAGE"][:7] for one in entries("GUEST_ROUTES_DESTINATION=0.0.0.0/0")] == ["removed"]
    other = subprocess.Popen(["ip", "-batch", "-"], stdin=subprocess.PIPE)
    assert other.stdin is not None
    other.stdin.write(b"route del 11.11.0.0/16\n")
    other.stdin.flush()
    service.wait(lambda: entries("GUEST_ROUTES_ACTOR=ip"))
    (repair,) = entries("GUEST_ROUTES_ACTOR=ip", "GUEST_ROUTES_NIC=eth1")
    assert "deleted by ip (pid" in repair["MESSAGE"]
    assert repair["GUEST_ROUTES_DESTINATION"] == "11.11.0.0/16"
    other.stdin.close()
    other.wait()
    assert table(lab) == DOCUMENTED
    assert service.stop() == 0
    assert service.log == ""


def test_a_conflict_has_the_fields_and_other_lines_have_none(lab: Lab, start: Start, journald: None) -> None:
    service = settled(lab, start, before=BEFORE, settings=FAST)
    other = subprocess.Popen(["ip", "-batch", "-"], stdin=subprocess.PIPE)
    assert other.stdin is not None
    for number in range(1, 6):
        other.stdin.write(b"route del 11.11.0.0/16\n")
        other.stdin.flush()
        wait_for_repairs(service, number)
    service.wait(lambda: entries("GUEST_ROUTES_ACTOR=ip", "PRIORITY=4"))
    (conflict,) = entries("GUEST_ROUTES_ACTOR=ip", "PRIORITY=4")
    assert conflict["MESSAGE"].startswith("conflict: ip (pid")
    assert conflict["GUEST_ROUTES_DESTINATION"] == "11.11.0.0/16"
    other.stdin.close()
    other.wait()
    assert service.stop() == 0
    (stopped,) = [one for one in entries() if one["MESSAGE"].startswith("stopped;")]
    assert stopped["_TRANSPORT"] == "stdout"
    assert [name for name in FIELDS if name in stopped] == []


def test_where_standard_error_is_no_journal_nothing_is_sent_there(lab: Lab, start: Start, journald: None) -> None:
    service = settled(lab, start)
    assert service.said("added 11.11.0.0/16") == 1
    assert service.stop() == 0
    assert entries("SYSLOG_IDENTIFIER=guest-routes") == []


def test_a_journal_that_does_not_take_the_fields_gets_the_line(lab: Lab, start: Start, journald: None) -> None:
    os.unlink(SOCKET)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as full:
        full.bind(SOCKET)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as filler:
            with pytest.raises(BlockingIOError):
                while True:
                    filler.sendto(b"X=1\n", SOCKET)
            service = settled(lab, start, before=BEFORE)
            service.wait(lambda: [one for one in entries() if one["MESSAGE"].startswith("added 11.11.0.0/16")])
            assert service.stop() == 0
