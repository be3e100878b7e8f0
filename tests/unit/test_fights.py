"""When a repair again and again is a fight, how long it waits, and that it is forgotten."""

from __future__ import annotations

from typing import Dict, List, Tuple

from hypothesis import given
from hypothesis import strategies as st

from guest_routes.fights import (
    FIGHT_SECONDS,
    FIGHT_TIMES,
    KEPT,
    LONGEST_SECONDS,
    PEACE_SECONDS,
    Quarrel,
    Rival,
    at_peace,
    repaired,
    waits,
)
from guest_routes.model import Prefix, parse_prefix

ONE, OTHER = parse_prefix("11.11.0.0/16"), parse_prefix("fd00:11:11::/48")
DHCLIENT = Rival("dhclient", 812)
steps = st.lists(st.tuples(st.sampled_from([ONE, OTHER]), st.floats(0, 200)), max_size=60)


def fought(times: int, gap: float = 0.1, rival: Rival = DHCLIENT) -> Tuple[Dict[Prefix, Quarrel], float]:
    """The quarrels after so many repairs of ONE, and the time of the last."""
    quarrels: Dict[Prefix, Quarrel] = {}
    for number in range(times):
        quarrels = repaired(quarrels, ONE, rival, number * gap)
    return quarrels, (times - 1) * gap


def test_a_few_repairs_are_no_fight() -> None:
    quarrels, now = fought(FIGHT_TIMES - 1)
    assert not quarrels[ONE].fighting
    assert waits(quarrels, ONE, now) == 0


def test_it_begins_with_the_fifth_and_waits_longer_each_time() -> None:
    quarrels, now = fought(FIGHT_TIMES)
    pauses = []
    for _ in range(7):
        assert quarrels[ONE].fighting
        until = waits(quarrels, ONE, now)
        pauses.append(round(until - now, 6))
        now = until
        assert waits(quarrels, ONE, now) == 0  # then it is repaired
        quarrels = repaired(quarrels, ONE, DHCLIENT, now)
    assert pauses == [1, 2, 4, 8, 10, 10, 10]
    assert quarrels[ONE].total == FIGHT_TIMES + 7


@given(st.integers(1, 200))
def test_seldom_is_no_fight_however_often(times: int) -> None:
    quarrels, now = fought(times, FIGHT_SECONDS / (FIGHT_TIMES - 1) + 0.1)
    assert (quarrels[ONE].fighting, waits(quarrels, ONE, now), quarrels[ONE].total) == (False, 0, times)


@given(st.floats(0, 1e6))
def test_others_are_not_drawn_in(now: float) -> None:
    quarrels, _ = fought(FIGHT_TIMES + 3)
    assert waits(quarrels, OTHER, now) == 0
    assert not repaired(quarrels, OTHER, DHCLIENT, now)[OTHER].fighting


@given(steps)
def test_laws_of_any_history(history: List[Tuple[Prefix, float]]) -> None:
    quarrels: Dict[Prefix, Quarrel] = {}
    now, before = 0.0, 0.0
    for destination, gap in history:
        now += gap
        old = quarrels.get(destination)
        quarrels = repaired(quarrels, destination, DHCLIENT, now)
        quarrel = quarrels[destination]
        assert len(quarrel.times) <= FIGHT_TIMES
        assert 0 <= waits(quarrels, destination, now) - now <= LONGEST_SECONDS or not quarrel.fighting
        assert not any(now - one.times[-1] >= PEACE_SECONDS for one in quarrels.values())
        if old is not None and now - old.times[-1] < PEACE_SECONDS:
            assert quarrel.total == old.total + 1
            assert quarrel.rounds == (old.rounds + 1 if old.fighting else quarrel.rounds)
        else:
            assert (quarrel.total, quarrel.fighting) == (1, False)
        before = now
    assert at_peace(quarrels, before + PEACE_SECONDS * 1.001) == tuple(quarrels)


def test_peace_ends_it() -> None:
    quarrels, now = fought(FIGHT_TIMES + 2)
    assert at_peace(quarrels, now + PEACE_SECONDS - 1) == ()
    assert at_peace(quarrels, now + PEACE_SECONDS) == (ONE,)
    again = repaired(quarrels, ONE, DHCLIENT, now + PEACE_SECONDS)
    assert (again[ONE].total, again[ONE].fighting) == (1, False)


def test_memory_is_bounded() -> None:
    quarrels: Dict[Prefix, Quarrel] = {}
    first = Prefix(bytes(4), 32)
    for number in range(KEPT + 50):
        quarrels = repaired(quarrels, Prefix(number.to_bytes(4, "big"), 32), DHCLIENT, 1.0)
    assert len(quarrels) == KEPT
    assert first not in quarrels and Prefix((KEPT + 49).to_bytes(4, "big"), 32) in quarrels


def test_a_name_once_known_is_kept() -> None:
    quarrels = repaired({}, ONE, DHCLIENT, 0.0)
    quarrels = repaired(quarrels, ONE, Rival(pid=9), 1.0)
    assert quarrels[ONE].rival == DHCLIENT
    assert repaired(quarrels, ONE, Rival("dhcpcd", 7), 2.0)[ONE].rival.program == "dhcpcd"


def test_how_a_rival_is_named() -> None:
    assert str(Rival("kernel")) == "the kernel"
    assert str(Rival()) == "somebody unknown"
    assert str(Rival(pid=77)) == "a process that has ended (pid 77)"
    assert str(DHCLIENT) == "dhclient (pid 812)"
    assert str(Rival("ip", 5, ("bash", "sshd"))) == "ip (pid 5, started by bash of sshd)"
