"""The lock: one holder, named in its file, and gone with its process."""

from __future__ import annotations

import os
import resource
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from guest_routes.errors import LockError
from guest_routes.state.lock import Lock
from guest_routes.state.store import State

HOLDER = """
import sys, time
from guest_routes.state.store import State
with State(sys.argv[2], sys.argv[3]).lock():
    print("ready", flush=True)
    time.sleep(60)
"""


def test_the_lock_names_its_holder_and_ends_with_it(state: State) -> None:
    command = [sys.executable, "-c", HOLDER, "watch", state.run_dir, state.lib_dir]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        started = time.monotonic()
        with pytest.raises(LockError) as caught, state.lock(0.2):
            pass
        assert 0.2 <= time.monotonic() - started < 2
        assert f"held by pid {child.pid} (guest-routes watch {state.run_dir} {state.lib_dir}) for " in str(caught.value)
        child.send_signal(signal.SIGKILL)
    with state.lock(0.2):
        assert stat.S_IMODE(Path(state.run_dir, "lock").stat().st_mode) == 0o600
    with state.lock(0.0):
        pass


def test_the_lock_is_released_when_a_pass_fails(state: State) -> None:
    with pytest.raises(ZeroDivisionError), state.lock():
        raise ZeroDivisionError
    with state.lock(0.0):
        pass


@pytest.mark.parametrize("content, holder", [
    ("", "held by pid ? (unknown);"), ("[", "held by pid ? (unknown);"),
    ('{"pid": 5, "command": "guest-routes sync", "since": "x"}', "held by pid 5 (guest-routes sync);"),
    ('{"pid": 5, "command": "guest-routes sync", "since": 99999999999}', "held by pid 5 (guest-routes sync) for 0 s;"),
])  # fmt: skip
def test_a_holder_that_says_little_of_itself(tmp_path: Path, content: str, holder: str) -> None:
    """It may be about to write its name, or have a clock of its own."""
    path = tmp_path / "lock"
    with Lock(str(path), 0.0):
        path.write_text(content)
        with pytest.raises(LockError) as caught, Lock(str(path), 0.0, "wait for it"):
            pass
    assert str(caught.value).startswith(f"cannot lock {path}: {holder}")
    assert str(caught.value).endswith("; wait for it")


def test_the_advice_when_there_is_none(tmp_path: Path) -> None:
    path = str(tmp_path / "lock")
    with Lock(path, 0.0), pytest.raises(LockError, match=r"; nothing was done in 0 s; try again later$"):
        Lock(path, 0.0).__enter__()


def test_a_lock_that_could_not_be_had_leaves_nothing_open(tmp_path: Path) -> None:
    path = str(tmp_path / "lock")
    with Lock(path, 0.0):
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(3):
            with pytest.raises(LockError):
                Lock(path, 0.0).__enter__()
        assert len(os.listdir("/proc/self/fd")) == before


def test_a_full_disk_takes_no_name_and_the_lock_holds_all_the_same(tmp_path: Path) -> None:
    """A limit of nothing stands for it: Python ignores the signal, and the write is an error."""
    path, lock = tmp_path / "lock", Lock(str(tmp_path / "lock"), 0.0)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))
    try:
        assert lock.__enter__() == ""
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_bytes() == b""
    with pytest.raises(LockError, match=r"held by pid \?"):
        Lock(str(path), 0.0).__enter__()
    lock.__exit__()
    with Lock(str(path), 0.0) as unlocked:
        assert unlocked == ""
