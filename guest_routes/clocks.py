"""Clocks that count from the machine's start, as no time namespace shifts them; docs/clocks.md has who uses which."""

from __future__ import annotations

import os
import time

OFFSETS, NANOSECONDS = "self/timens_offsets", 1_000_000_000


def seconds_since_boot() -> float:
    """CLOCK_BOOTTIME of the machine: suspended time counts."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) - namespace_offset("boottime") / NANOSECONDS


def seconds_awake() -> float:
    """CLOCK_MONOTONIC of the machine: it stands still while the machine is suspended, as the kernel's timers do."""
    return time.clock_gettime(time.CLOCK_MONOTONIC) - namespace_offset("monotonic") / NANOSECONDS


def namespace_offset(clock: str, proc: str = "/proc") -> int:
    """What this process's time namespace adds to a clock, in nanoseconds. Source: time_namespaces(7).

    The file is about the namespace of children, which is this process's own, but between unshare(2) and a fork.
    """
    try:
        with open(os.path.join(proc, OFFSETS), encoding="utf-8") as file:
            words = [line.split() for line in file]
        if os.readlink(f"{proc}/self/ns/time") != os.readlink(f"{proc}/self/ns/time_for_children"):
            return 0
        return next(int(one[1]) * NANOSECONDS + int(one[2]) for one in words if one[0] == clock)
    except (OSError, ValueError, IndexError, StopIteration):
        return 0
