"""Files that tell people when something was, by a clock that may be set before they are read.

Each says when this boot was, by the clock it was written with. Whoever reads it moves its times by how much the clock
has been set since, so that what was ten seconds ago still is.
"""

from __future__ import annotations

import time

from ..clocks import seconds_since_boot
from .identity import boot_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Mapping

STAMP = "clock"
TIMES = frozenset(
    ("finished", "obtained", "expires", "started", "refreshed", "next_refresh", "failing_since", "when", "since")
)
"""Keys whose values are seconds since the epoch; 0 is no time."""
INNER = ("failed", "leases", "recent", "conflicts")
"""Keys of what has such keys itself."""
STEP_SECONDS = 1.0
"""A smaller difference is no step: the two clocks are read one after the other."""


def stamped(value: Mapping[str, Any], root: str) -> dict[str, Any]:
    """What is written."""
    return {**value, STAMP: {"boot": boot_id(root), "booted": round(time.time() - seconds_since_boot(), 3)}}


def by_the_present_clock(value: dict[str, Any], root: str) -> dict[str, Any]:
    """What was written, without the stamp. Of another boot, or without one, the times stay as they are."""
    stamp = value.pop(STAMP, None)
    if not isinstance(stamp, dict) or stamp.get("boot") != boot_id(root):
        return value
    booted: Any = stamp.get("booted")
    if not _is_time(booted):
        return value
    step = time.time() - seconds_since_boot() - booted
    return value if abs(step) < STEP_SECONDS else _moved(value, step)


def _moved(value: dict[str, Any], step: float) -> dict[str, Any]:
    moved: dict[str, Any] = {}
    for key, one in value.items():
        if key in TIMES and _is_time(one):
            one = one + step
        elif key in INNER and isinstance(one, dict):
            one = _moved(one, step)
        elif key in INNER and isinstance(one, list):
            one = [_moved(inner, step) if isinstance(inner, dict) else inner for inner in one]
        moved[key] = one
    return moved


def _is_time(value: object) -> bool:
    return type(value) in (int, float) and 0 < abs(value) < 1e15  # type: ignore[arg-type]
