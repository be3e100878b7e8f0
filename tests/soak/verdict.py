"""What the monitor's account means: was there a default route whenever there could be one? Pure.

Excused is only what the noise itself did: a default that it or the kernel took away may be missing until the service
had its time, longer where the service was killed or stopped, or the default is fought over. That guest-routes takes the
last default away itself is never excused (R7).
"""

from __future__ import annotations

from typing import Any, Dict, Iterable, List, NamedTuple, Sequence, Set, Tuple

REPAIR_SECONDS = 5.0
"""A busy machine, a pass that failed and comes a second or two later; the benchmark measures how fast a repair is."""
FIGHT_SECONDS = 10.0
"""A repair in a conflict waits so long; see guest_routes/service/conflicts.py."""
FIGHT_LASTS_SECONDS = 125.0
RACE_SECONDS = 0.5


class Gap(NamedTuple):
    """A time without a default although a NIC that is up could carry one."""

    family: int
    start: float
    seconds: float
    by: int
    """The netlink port of whoever took the last one; 0 for the kernel, or when a NIC came up without one."""
    able: Tuple[str, ...]
    raced: bool = False
    """Others had taken another one away within RACE_SECONDS before: a pass that had just added that one."""


def gaps(lines: Iterable[Dict[str, Any]], carriers: Set[str], end: float) -> List[Gap]:
    """Every gap in the monitor's lines, until `end` (monotonic seconds), with NICs of `carriers` counted as able."""
    found: List[Gap] = []
    open_: Dict[int, Gap] = {}
    counts: Dict[int, int] = {}
    lost: Dict[int, Tuple[float, int]] = {}
    for line in lines:
        if "family" not in line:
            continue
        family, able = line["family"], tuple(name for name in line["able"] if name in carriers)
        before, lost_before = counts.get(family, 0), lost.get(family, (0.0, -1))
        counts[family] = line["count"]
        if line["count"] < before:
            lost[family] = (line["t"], line["port"])
        if line["count"] or not able:
            gap = open_.pop(family, None)
            if gap is not None:
                found.append(gap._replace(seconds=line["t"] - gap.start))
        elif family not in open_:
            by = line["port"] if line["kind"] in (24, 25) and line["count"] < before else 0
            raced = lost_before[1] != line["port"] and line["t"] - lost_before[0] < RACE_SECONDS
            open_[family] = Gap(family, line["t"], 0.0, by, able, raced)
    return found + [gap._replace(seconds=end - gap.start) for gap in open_.values()]


def problems(
    found: Sequence[Gap],
    ours: Set[int],
    away: Sequence[Tuple[float, float]],
    attacks: Sequence[float],
) -> List[str]:
    """What is wrong with these gaps.

    Args:
        ours: process ids of our own commands and services.
        away: when the service didn't run, from and until.
        attacks: when the noise took a default away, added one, or flushed them.
    """
    wrong = []
    for gap in found:
        end = gap.start + gap.seconds
        excused = sum(max(0.0, min(end, until + REPAIR_SECONDS) - max(gap.start, since)) for since, until in away)
        fought = any(end - FIGHT_LASTS_SECONDS <= attack <= end for attack in attacks)
        allowed = REPAIR_SECONDS + (FIGHT_SECONDS if fought else 0.0)
        if gap.by in ours and not gap.raced:
            wrong.append(f"guest-routes itself (pid {gap.by}) took the last IPv{gap.family} default away")
        elif gap.seconds - excused > allowed:
            wrong.append(
                f"no IPv{gap.family} default for {gap.seconds:.1f} s (at most {allowed + excused:.1f} s) although "
                f"{', '.join(gap.able)} could carry one"
            )
    return wrong
