"""Child processes: their results whole, cut or too large, and nothing left behind."""

from __future__ import annotations

import os
import resource
import select
import signal
import time
from pathlib import Path

import pytest

from guest_routes.errors import GuestRoutesError
from guest_routes.model.settings import Settings
from guest_routes.service.child.files import find_in_child, read_settings_in_child
from guest_routes.service.child.process import Child, result_of
from guest_routes.state.store import State
from tests.support import sandbox


def descriptors() -> int:
    """How many files this process has open."""
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.parametrize("size", [0, 1, 1 << 16, 3_000_000])
def test_a_result_of_any_size(size: int) -> None:
    before = descriptors()
    assert result_of(lambda: b"x" * size, size) == b"x" * size
    assert descriptors() == before


def test_too_much_is_nothing() -> None:
    assert result_of(lambda: b"x" * 3_000_000, 1_000_000) == b""


def test_a_child_has_its_pipe_and_nothing_else_of_ours(tmp_path: Path) -> None:
    with (tmp_path / "secret").open("w"):
        shown = result_of(lambda: " ".join(os.listdir("/proc/self/fd")).encode(), 1000)
    assert set(shown.split()) <= {b"0", b"1", b"2", b"3", b"4"}  # 4: of listdir itself


def late() -> bytes:
    time.sleep(60)
    return b""


def test_a_child_that_is_late_is_ended() -> None:
    child = Child(late, 100)
    assert not child.read()
    assert child.end() == b""
    assert not Path(f"/proc/{child.pid}").exists()


def test_a_process_that_is_refused_leaves_nothing_open() -> None:
    """As a user who may start no further process, since root always may; in a child, since that can't be undone."""

    def work() -> bytes:
        if not sandbox.in_user_namespace():
            os.setresuid(65534, 65534, 65534)
        resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
        before = descriptors()
        refused = ""
        for _ in range(5):
            try:
                Child(lambda: b"", 10)
            except OSError as error:
                refused = error.strerror or ""
        for attempt in (lambda: read_settings_in_child(Settings), lambda: find_in_child(Settings(), (), State())):
            try:
                attempt()
            except GuestRoutesError as error:
                refused += f"; {error}"
        return f"{descriptors() - before} {refused}".encode()

    assert result_of(work, 1000).decode() == (
        "0 Resource temporarily unavailable; cannot start a process to read the settings: Resource temporarily "
        "unavailable; cannot start a process to look for a document: Resource temporarily unavailable"
    )


def test_reading_never_waits_and_keeps_what_came(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)

    def work() -> bytes:
        with gate.open("rb") as opened:
            return opened.read()

    child = Child(work, 100)
    assert not child.read()
    gate.write_bytes(b"whole")
    poll = select.poll()
    poll.register(child.fileno(), select.POLLIN)
    while not child.read():
        assert poll.poll(5000)
    assert child.end() == b"whole"


def test_what_was_sent_before_the_child_was_killed_is_cut_off(tmp_path: Path) -> None:
    """A pipe holds 64 KiB: the child is still writing when it is ended."""
    child = Child(lambda: b"x" * 1_000_000, 2_000_000)
    poll = select.poll()
    poll.register(child.fileno(), select.POLLIN)
    assert poll.poll(5000)
    os.kill(child.pid, signal.SIGSTOP)  # so that it writes no further while this process reads
    os.waitpid(child.pid, os.WUNTRACED)
    assert not child.read()
    assert 0 < len(child.end()) < 1_000_000


def test_a_child_takes_signals_as_any_process_does() -> None:
    """The service's own handlers only write to its pipe: a child that kept them could not be ended by SIGTERM."""
    before = signal.signal(signal.SIGTERM, lambda number, frame: None)
    try:
        child = Child(late, 100)
        while not child.read():
            os.kill(child.pid, signal.SIGTERM)
            time.sleep(0.01)
        assert child.end() == b""
    finally:
        signal.signal(signal.SIGTERM, before)


def test_an_exception_ends_the_child_with_a_line(capfd: pytest.CaptureFixture[str]) -> None:
    def work() -> bytes:
        raise SystemExit("cannot go on")

    assert result_of(work, 100) == b""
    assert capfd.readouterr().err == "guest-routes: a child process failed: SystemExit: cannot go on\n"
