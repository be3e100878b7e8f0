"""Disks that fail: full, read-only, out of inodes, or not there; each in the test's own mount namespace.

What a quota does (EDQUOT) no filesystem of the usual test kernels gives: tests/support/faulty_calls.py does.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
from pathlib import Path
from typing import Iterator, List

import pytest

from . import sandbox

FAULTS = ("full", "inodes", "read-only", "file-in-the-way")
"""full: not a byte is free; inodes: not a file more; file-in-the-way: a file stands where the folder should be."""


@contextlib.contextmanager
def broken(folder: str, fault: str) -> Iterator[None]:
    """The folder with that fault, its files as they were before."""
    sandbox.assert_private()
    path = Path(folder)
    if fault == "file-in-the-way":
        shutil.rmtree(path, ignore_errors=True)
        path.write_text("in the way")
        try:
            yield
        finally:
            path.unlink()
        return
    path.mkdir(parents=True, exist_ok=True)
    before = {one.name: one.read_bytes() for one in path.iterdir() if one.is_file()}
    options = ["mode=755", *(["nr_inodes=32"] if fault == "inodes" else ["size=64k"])]
    _mount("-t", "tmpfs", "-o", ",".join(options), "tmpfs", folder)
    try:
        for name, content in before.items():
            (path / name).write_bytes(content)
        _fill(path, fault)
        yield
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


EXT4_FAULTS = ("full", "backing-full", "fallen-read-only", "shut-down")
"""backing-full: the disk under a sparse image is full, so that only fsync fails; fallen-read-only: by an
error, with errors=remount-ro; shut-down: every call fails with EIO. Source: ext4(5)."""
_EXT4_IOC_SHUTDOWN = 0x8004587D
_BACKING = Path("/run/backing")


@contextlib.contextmanager
def failing_ext4(folder: str, fault: str) -> Iterator[None]:
    """The folder on an ext4 of its own with that fault, its files as they were before; skips where there is none."""
    sandbox.assert_private()
    path, image = Path(folder), _BACKING / "image"
    path.mkdir(parents=True, exist_ok=True)
    before = {one.name: one.read_bytes() for one in path.iterdir() if one.is_file()}
    _BACKING.mkdir(exist_ok=True)
    _mount("-t", "tmpfs", "-o", "size=24m", "tmpfs", str(_BACKING))
    try:
        with open(image, "wb") as file:
            file.truncate(16 << 20)
        subprocess.run(["mkfs.ext4", "-q", "-m", "0", image], check=True)
        if subprocess.run(["mount", "-o", "loop,errors=remount-ro", image, folder], capture_output=True).returncode:
            pytest.skip("no loop devices here")
        try:
            for name, content in before.items():
                (path / name).write_bytes(content)
            os.sync()
            _fail_ext4(path, fault)
            yield
        finally:
            subprocess.run(["umount", "-l", folder], check=True)
    finally:
        subprocess.run(["umount", "-l", str(_BACKING)], check=True)


def _fail_ext4(path: Path, fault: str) -> None:
    if fault == "full":
        _fill(path, fault)
    elif fault == "backing-full":
        _fill(_BACKING, "full")
    elif fault == "fallen-read-only":
        device = subprocess.run(["findmnt", "-no", "SOURCE", path], check=True, capture_output=True, text=True).stdout
        Path(f"/sys/fs/ext4/{os.path.basename(device.strip())}/trigger_fs_error").write_text("by a test")
    else:
        descriptor = os.open(path, os.O_RDONLY)
        fcntl.ioctl(descriptor, _EXT4_IOC_SHUTDOWN, (2).to_bytes(4, "little"))  # Without writing the journal.
        os.close(descriptor)


def left_over(folder: str) -> List[str]:
    """Temporary files in the folder, which nobody will ever read."""
    return [name for name in os.listdir(folder) if name.endswith(".new")]


def _fill(path: Path, fault: str) -> None:
    if fault == "read-only":
        return _mount("-o", "remount,bind,ro", str(path))
    with contextlib.suppress(OSError):
        if fault == "inodes":
            for number in range(1000):
                (path / f"filler{number}").touch()
        else:
            with open(path / "filler", "wb", buffering=0) as file:
                while True:
                    file.write(b"x" * 4096)


def _mount(*words: str) -> None:
    subprocess.run(["mount", *words], check=True)
