"""What a command takes of the processor and of memory, in a process of its own."""

from __future__ import annotations

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


class Cost(NamedTuple):
    """What a command took, and wrote."""

    seconds: float
    megabytes: float
    out: list[str]
    err: list[str]


def cost(*command: str) -> Cost:
    """Runs one command."""
    ran = subprocess.run([sys.executable, "-c", PROGRAM, *command], capture_output=True, text=True, timeout=60)
    *err, last = ran.stderr.splitlines()
    assert last.startswith("@ "), ran.stderr[-2000:]
    _, seconds, megabytes = last.split()
    return Cost(float(seconds), float(megabytes), ran.stdout.splitlines(), err)
