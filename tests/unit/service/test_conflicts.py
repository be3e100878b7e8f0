"""When repairs of one route are a conflict, how long they wait, and when it is over."""

from __future__ import annotations

from typing import Any, Dict, List, Tuple

from hypothesis import given
from hypothesis import strategies as st

from guest_routes.model.diagnosis.status import Actor
from guest_routes.model.network import Prefix, parse_prefix
from guest_routes.service.conflicts import (
    CONFLICT_CHANGES,
    CONFLICT_SECONDS,
    KEPT,
    LONGEST_SECONDS,
    RESOLVED_SECONDS,
    Conflict,
    repaired,
    resolved,
    waits,
)

ONE, OTHER = parse_prefix("11.11.0.0/16"), parse_prefix("fd00:11:11::/48")
DHCLIENT = Actor("dhclient", 812)
steps = st.lists(st.tuples(st.sampled_from([ONE, OTHER]), st.floats(0, 200)), max_size=60)


def in_conflict(times: int, gap: float = 0.1, actor: Actor = DHCLIENT) -> Tuple[Dict[Any, Conflict], float]:
    """The conflicts after so many repairs of ONE, and the time of the last."""
    conflicts: Dict[Any, Conflict] = {}
    for number in range(times):
        conflicts = repaired(conflicts, ONE, actor, number * gap)
    return conflicts, (times - 1) * gap


def test_a_few_repairs_are_no_conflict() -> None:
    conflicts, now = in_conflict(CONFLICT_CHANGES - 1)
    assert not conflicts[ONE].active
    assert waits(conflicts, ONE, now) == 0


def test_it_begins_with_the_fifth_and_waits_longer_each_time() -> None:
    conflicts, now = in_conflict(CONFLICT_CHANGES)
    pauses = []
    for _ in range(7):
        assert conflicts[ONE].active
        until = waits(conflicts, ONE, now)
        pauses.append(round(until - now, 6))
        now = until
        assert waits(conflicts, ONE, now) == 0  # then it is repaired
        conflicts = repaired(conflicts, ONE, DHCLIENT, now)
    assert pauses == [1, 2, 4, 8, 10, 10, 10]
    assert conflicts[ONE].total == CONFLICT_CHANGES + 7


@given(st.integers(1, 200))
def test_repairs_now_and_then_are_no_conflict_however_often(times: int) -> None:
    conflicts, now = in_conflict(times, CONFLICT_SECONDS / (CONFLICT_CHANGES - 1) + 0.1)
    assert (conflicts[ONE].active, waits(conflicts, ONE, now), conflicts[ONE].total) == (False, 0, times)


@given(st.floats(0, 1e6))
def test_others_are_not_drawn_in(now: float) -> None:
    conflicts, _ = in_conflict(CONFLICT_CHANGES + 3)
    assert waits(conflicts, OTHER, now) == 0
    assert not repaired(conflicts, OTHER, DHCLIENT, now)[OTHER].active


@given(steps)
def test_laws_of_any_history(history: List[Tuple[Prefix, float]]) -> None:
    conflicts: Dict[Any, Conflict] = {}
    now, before = 0.0, 0.0
    for destination, gap in history:
        now += gap
        old = conflicts.get(destination)
        conflicts = repaired(conflicts, destination, DHCLIENT, now)
        conflict = conflicts[destination]
        assert len(conflict.times) <= CONFLICT_CHANGES
        assert 0 <= waits(conflicts, destination, now) - now <= LONGEST_SECONDS or not conflict.active
        assert not any(now - one.times[-1] >= RESOLVED_SECONDS for one in conflicts.values())
        if old is not None and now - old.times[-1] < RESOLVED_SECONDS:
            assert conflict.total == old.total + 1
            assert conflict.rounds == (old.rounds + 1 if old.active else conflict.rounds)
        else:
            assert (conflict.total, conflict.active) == (1, False)
        before = now
    assert resolved(conflicts, before + RESOLVED_SECONDS * 1.001) == tuple(conflicts)


def test_a_quiet_time_ends_it() -> None:
    conflicts, now = in_conflict(CONFLICT_CHANGES + 2)
    assert resolved(conflicts, now + RESOLVED_SECONDS - 1) == ()
    assert resolved(conflicts, now + RESOLVED_SECONDS) == (ONE,)
    again = repaired(conflicts, ONE, DHCLIENT, now + RESOLVED_SECONDS)
    assert (again[ONE].total, again[ONE].active) == (1, False)


def test_memory_is_bounded() -> None:
    conflicts: Dict[Any, Conflict] = {}
    first = Prefix(bytes(4), 32)
    for number in range(KEPT + 50):
        conflicts = repaired(conflicts, Prefix(number.to_bytes(4, "big"), 32), DHCLIENT, 1.0)
    assert len(conflicts) == KEPT
    assert first not in conflicts and Prefix((KEPT + 49).to_bytes(4, "big"), 32) in conflicts


def test_a_name_once_known_is_kept() -> None:
    conflicts = repaired({}, ONE, DHCLIENT, 0.0)
    conflicts = repaired(conflicts, ONE, Actor(pid=9), 1.0)
    assert conflicts[ONE].actor == DHCLIENT
    assert repaired(conflicts, ONE, Actor("dhcpcd", 7), 2.0)[ONE].actor.program == "dhcpcd"


def test_a_conflict_may_last_for_hours() -> None:
    """A program that changes a route every ten seconds: 1,100 repairs wait in three hours."""
    conflicts, now = in_conflict(CONFLICT_CHANGES)
    for _ in range(1100):
        now = waits(conflicts, ONE, now)
        conflicts = repaired(conflicts, ONE, DHCLIENT, now)
    assert waits(conflicts, ONE, now) == now + LONGEST_SECONDS


def test_it_begins_once() -> None:
    conflicts, now = in_conflict(CONFLICT_CHANGES - 1)
    begins = []
    for number in range(3):
        conflicts = repaired(conflicts, ONE, DHCLIENT, now + number)
        begins.append(conflicts[ONE].begins)
    assert begins == [True, False, False]
