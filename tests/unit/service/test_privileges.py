"""What a process may do after `drop`: in a child process, since there is no way back."""

from __future__ import annotations

import ctypes
import os
import select
import time
from pathlib import Path

import pytest

from guest_routes.service.child import Child, result_of
from guest_routes.service.privileges import NOBODY, drop


def field(status: str, name: str) -> str:
    """A field of a /proc/PID/status."""
    return next(line.partition(":")[2].strip() for line in status.splitlines() if line.startswith(name + ":"))


def status_after(times: int = 1) -> str:
    """/proc/self/status of a process that has dropped its privileges so many times."""

    def work() -> bytes:
        for _ in range(times):
            drop()
        return Path("/proc/self/status").read_bytes()

    return result_of(work, 100_000).decode()


@pytest.mark.parametrize("times", [1, 2])
def test_no_capability_is_left_and_none_can_come_back(times: int) -> None:
    status = status_after(times)
    assert [int(field(status, name), 16) for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")] == [0] * 4
    assert field(status, "NoNewPrivs") == "1"


MAPPED = sum(int(line.split()[2]) for line in Path("/proc/self/uid_map").read_text().splitlines()) > NOBODY
"""Not so in a user namespace of an ordinary user: there root stays root, without capabilities."""


@pytest.mark.skipif(os.geteuid() != 0 or not MAPPED, reason="it takes root, and nobody's id")
def test_root_becomes_nobody_in_no_group() -> None:
    def work() -> bytes:
        os.setgroups([4])
        drop()
        return Path("/proc/self/status").read_bytes()

    status = result_of(work, 100_000).decode()
    for name in ("Uid", "Gid"):
        assert set(field(status, name).split()) == {str(NOBODY)}
    assert field(status, "Groups") == ""


@pytest.mark.skipif(os.geteuid() != 0, reason="it takes capabilities to have any dropped")
def test_capabilities_go_also_where_another_user_would_keep_them() -> None:
    """Mostly the kernel clears them with root's id. Source: capabilities(7), SECBIT_NO_SETUID_FIXUP."""

    def work() -> bytes:
        set_securebits, no_setuid_fixup = 28, 1 << 2
        assert ctypes.CDLL(None).prctl(set_securebits, no_setuid_fixup, 0, 0, 0) == 0
        drop()
        return Path("/proc/self/status").read_bytes()

    status = result_of(work, 100_000).decode()
    assert [int(field(status, name), 16) for name in ("CapPrm", "CapEff")] == [0, 0]


def test_a_file_that_is_open_already_cannot_be_written(tmp_path: Path) -> None:
    path = tmp_path / "file"

    def work() -> bytes:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT)
        drop()
        try:
            os.write(descriptor, b"x")
        except OSError as error:
            return (error.strerror or "").encode()
        return b"written"

    assert result_of(work, 100) == b"File too large"
    assert path.read_bytes() == b""


def test_the_answer_can_still_be_sent() -> None:
    def work() -> bytes:
        drop()
        return b"x" * 100_000

    assert result_of(work, 200_000) == b"x" * 100_000


def test_the_process_ends_with_its_parent() -> None:
    def asks() -> bytes:
        drop()
        os.write(3, b"!")  # a child's end of its pipe
        time.sleep(60)
        return b""

    def parent() -> bytes:
        child = Child(asks, 100)
        poll = select.poll()
        poll.register(child.fileno(), select.POLLIN)
        poll.poll(5000)
        return str(child.pid).encode()

    path = Path(f"/proc/{int(result_of(parent, 100))}/status")
    deadline = time.monotonic() + 5
    while path.exists() and not field(path.read_text(), "State").startswith("Z"):
        assert time.monotonic() < deadline, "it outlived its parent"
        time.sleep(0.01)
