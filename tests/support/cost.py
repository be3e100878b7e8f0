"""What a command takes of the processor and of memory, in a process of its own.

Processor time is told in yardsticks, measured in the same run: a slow machine, or one that does much else, is slow for
both. What is counted so is the kind of growth: work that grows with the square of a document takes hundreds of them.
"""

from __future__ import annotations

import functools
import subprocess
import sys
from typing import NamedTuple

PROGRAM = """
import sys, time
from guest_routes.cli.main import main
code = main(sys.argv[1:])
peak = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(f"@ {time.process_time()} {int(peak) / 1024}", file=sys.stderr)
sys.exit(code)
"""


LOOP = "import time\nfor _ in range(10_000_000): pass\nprint(time.process_time())"


@functools.lru_cache(None)
def yardstick() -> float:
    """Seconds of processor time that this interpreter takes for ten million turns of an empty loop."""
    runs = [subprocess.run([sys.executable, "-c", LOOP], capture_output=True, check=True).stdout for _ in range(3)]
    return min(map(float, runs))


class Cost(NamedTuple):
    """What a command took, and wrote."""

    yardsticks: float
    """Of processor time."""
    megabytes: float
    out: list[str]
    err: list[str]


def cost(*command: str) -> Cost:
    """Runs one command."""
    ran = subprocess.run([sys.executable, "-c", PROGRAM, *command], capture_output=True, text=True, timeout=60)
    *err, last = ran.stderr.splitlines()
    assert last.startswith("@ "), ran.stderr[-2000:]
    _, seconds, megabytes = last.split()
    return Cost(float(seconds) / yardstick(), float(megabytes), ran.stdout.splitlines(), err)
