"""Processes whose system calls fail, and whose wall clock is set, while they run: a library put before the C library.

What no file system of a test gives on demand: EDQUOT, EIO, a failing fsync, a kill between any two calls, a write that
got half of its bytes to the disk. The machine's own clock is never set.
"""

from __future__ import annotations

import mmap
import os
import shutil
import struct
import subprocess
from pathlib import Path
from typing import Any, Dict, List, Sequence

SOURCE = Path(__file__).with_name("faulty_calls.c")
KILL = -1
"""In place of an errno: the process is killed at that call."""
CALLS = ("open", "fchmod", "write", "utime", "fsync", "rename", "mkdir", "unlink", "chown", "truncate")
"""All that a writer of files does, by the names of the library; "read" is a file opened to be read."""
FOREVER = 1 << 30
_FORM = struct.Struct("=diiiiii128s256s")


def can_be_made() -> bool:
    """Whether there is a C compiler."""
    return shutil.which("cc") is not None


class FaultyCalls:
    """The faults of the processes that are started with `environment`."""

    def __init__(self, folder: Path) -> None:
        library, shared = folder / "faulty_calls.so", folder / "faulty_calls"
        subprocess.run(
            ["cc", "-shared", "-fPIC", "-O1", "-w", "-D_FILE_OFFSET_BITS=32", "-o", str(library), str(SOURCE), "-ldl"],
            check=True,
        )
        shared.write_bytes(bytes(mmap.PAGESIZE))
        with shared.open("r+b") as file:
            self._shared = mmap.mmap(file.fileno(), mmap.PAGESIZE)
        self.environment: Dict[str, str] = {
            **os.environ,
            "LD_PRELOAD": str(library),
            "FAULTY_CALLS": str(shared),
        }

    def refuse(
        self,
        error: int,
        under: Sequence[str],
        calls: Sequence[str] = CALLS,
        skip: int = 0,
        count: int = FOREVER,
        torn: bool = False,
    ) -> None:
        """From now on these calls on files in these folders fail with that errno, or with KILL.

        Args:
            skip: so many of them succeed before.
            count: so many of them fail, and later ones succeed.
            torn: a write that fails has written half of its bytes.
        """
        values = self._values()
        words, folders = f" {' '.join(calls)} ".encode(), ":".join(under).encode()
        self._pack([values[0], error, skip, count, 0, values[5], int(torn), words, folders])

    def permit(self) -> None:
        """From now on no call fails for that reason."""
        values = self._values()
        values[1] = 0
        self._pack(values)

    def refuse_forks(self, number: int) -> None:
        """So many forks fail from now on (EAGAIN)."""
        values = self._values()
        values[5] = number
        self._pack(values)

    def set_clock(self, seconds: float) -> None:
        """The wall clock is so far off from now on."""
        values = self._values()
        values[0] = seconds
        self._pack(values)

    @property
    def seen(self) -> int:
        """So many calls were looked at since `refuse`."""
        return int(self._values()[4])

    def _values(self) -> List[Any]:
        return list(_FORM.unpack_from(self._shared))

    def _pack(self, values: Sequence[Any]) -> None:
        _FORM.pack_into(self._shared, 0, *values)
