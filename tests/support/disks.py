"""Disks that fail: full, read-only, out of inodes, or not there; each in the test's own mount namespace."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from pathlib import Path
from typing import Iterator, List

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
