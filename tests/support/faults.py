"""A machine that fails under the service: processes that can't be started or are killed, no memory, no descriptor.

`injected` is put before the service's own code (PYTHONPATH's sitecustomize), and does what the file FAULTS says: so
many forks are refused, or so many children are killed. Descriptors and memory are the kernel's own limits, set from
outside while the service runs.
"""

from __future__ import annotations

import os
import resource
from pathlib import Path
from typing import Dict

SITE = """
import os
real = os.fork
path = os.environ["FAULTS"]

def fork():
    with open(path) as file:
        kind, _, number = file.read().partition(" ")
    if not int(number or 0):
        return real()
    with open(path, "w") as file:
        file.write(f"{kind} {int(number) - 1}")
    if kind == "fork":
        raise BlockingIOError(11, "Resource temporarily unavailable")
    pid = real()
    if pid == 0:
        os.kill(os.getpid(), 9)
    return pid

os.fork = fork
"""


class Faults:
    """The faults of one service, by a file that it looks into."""

    def __init__(self, folder: Path) -> None:
        (folder / "sitecustomize.py").write_text(SITE)
        self._path = folder / "faults"
        self.set("", 0)
        self.environment: Dict[str, str] = {
            **os.environ,
            "FAULTS": str(self._path),
            "PYTHONPATH": os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")]), os.getcwd()]),
        }

    def set(self, kind: str, number: int) -> None:
        """From now on: so many forks are refused ("fork"), or their children killed ("kill")."""
        self._path.write_text(f"{kind} {number}")

    @property
    def left(self) -> int:
        """So many are still to come."""
        return int(self._path.read_text().split()[-1])


def limit_descriptors(pid: int, number: int) -> int:
    """A process may have so many files open from now on; how many it could before."""
    before, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (number, hard))
    return before


def limit_memory(pid: int, more_bytes: int) -> int:
    """A process gets at most so much address space more; how much it could have before."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[0])
    before, hard = resource.prlimit(pid, resource.RLIMIT_AS)
    resource.prlimit(pid, resource.RLIMIT_AS, (pages * resource.getpagesize() + more_bytes, hard))
    return before


def free_memory(pid: int, before: int) -> None:
    """The limit of before."""
    resource.prlimit(pid, resource.RLIMIT_AS, (before, resource.prlimit(pid, resource.RLIMIT_AS)[1]))
