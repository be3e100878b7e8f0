"""When the service runs a pass and when it fetches: a burst has two passes, and pauses after failures grow."""

from __future__ import annotations

from typing import List, Optional, Tuple

from hypothesis import given
from hypothesis import strategies as st

from guest_routes.service.schedule import (
    BUDGET_SECONDS,
    EAGER_RETRIES,
    GATHER_SECONDS,
    IDLE_PER_BUSY,
    JITTER,
    LONGEST_RETRY_SECONDS,
    RETRY_SECONDS,
    ReconcileSchedule,
    Refreshes,
    grace_seconds,
    spread,
)

spans = st.floats(0, 1000)
chances = st.floats(0, 1)
periods = st.floats(0.01, 100_000)
gaps = st.lists(st.tuples(st.floats(0, 0.2), st.floats(0, 0.1)), max_size=60)


def run(events: List[Tuple[float, float]]) -> List[Tuple[float, float]]:
    """Begin and end of each pass; `events`: the gap before each, and how long its pass takes."""
    schedule, now, done = ReconcileSchedule(), 0.0, []
    for gap, takes in events:
        arrival = now + gap
        while schedule.due is not None and schedule.due <= arrival:
            begin = max(now, schedule.due)
            now = begin + takes
            done.append((begin, now))
            schedule = schedule.begun().reconciled(now, takes)
        now = max(now, arrival)
        schedule = schedule.noticed(now)
    if schedule.due is not None:
        done.append((max(now, schedule.due), schedule.due))
    return done


# ---- passes -----------------------------------------------------------------------------------------


@given(spans, spans)
def test_the_first_event_acts_at_once(now: float, limit: float) -> None:
    assert ReconcileSchedule().noticed(now).due == now
    assert (
        ReconcileSchedule().reconciled(now, 0.0).noticed(now + GATHER_SECONDS + limit).due
        == now + GATHER_SECONDS + limit
    )


@given(spans, st.floats(0, 10), st.booleans())
def test_what_is_noticed_during_a_pass_has_another_after_it(now: float, takes: float, noticed: bool) -> None:
    schedule = ReconcileSchedule().noticed(now).begun()
    schedule = (schedule.noticed(now + takes / 2) if noticed else schedule).reconciled(now + takes, takes)
    assert schedule.due == (schedule.limited_until if noticed else None)


@given(spans, st.floats(0, 10))
def test_what_is_noticed_during_a_pass_that_fails_does_not_wait_for_the_retry(now: float, takes: float) -> None:
    schedule = ReconcileSchedule().noticed(now).begun().noticed(now + takes / 2).failed(now + takes)
    assert schedule.due == schedule.limited_until == now + takes + GATHER_SECONDS


@given(gaps)
def test_passes_are_never_closer_than_the_gathering(events: List[Tuple[float, float]]) -> None:
    done = run(events)
    for (_, end), (begin, _) in zip(done, done[1:]):
        assert begin - end >= GATHER_SECONDS * 0.999


@given(st.lists(st.floats(0, 0.001), min_size=1, max_size=40))
def test_a_burst_has_two_passes(events: List[float]) -> None:
    assert len(run([(gap, 0.0) for gap in events])) <= 2


@given(gaps)
def test_no_event_is_forgotten(events: List[Tuple[float, float]]) -> None:
    """The last pass begins after the last event."""
    done = run(events)
    assert (not events) or done[-1][0] >= sum(gap for gap, _ in events) * 0.999


@given(st.lists(st.floats(0, 10), min_size=1, max_size=50))
def test_a_storm_gets_a_fifth_of_a_processor(each: List[float]) -> None:
    """Events never end: the pauses are IDLE_PER_BUSY times as long as the passes, but for the budget."""
    schedule, now, paused = ReconcileSchedule(), 0.0, 0.0
    for took in each:
        due = schedule.noticed(now).due
        assert due is not None
        paused += due - now
        now = due + took
        schedule = schedule.reconciled(now, took)
        assert schedule.due is None
    next_one = schedule.noticed(now).due
    assert next_one is not None
    assert paused + next_one - now >= IDLE_PER_BUSY * sum(each) - BUDGET_SECONDS - 1e-6


@given(spans, st.floats(0, BUDGET_SECONDS / IDLE_PER_BUSY))
def test_after_quiet_times_a_slow_pass_causes_no_pause(now: float, took: float) -> None:
    assert ReconcileSchedule().reconciled(now + took, took).noticed(now + took).due == now + took + GATHER_SECONDS


@given(st.one_of(st.none(), spans), spans, spans, spans)
def test_what_waits_delays_nothing_else(due: Optional[float], limit: float, now: float, until: float) -> None:
    schedule = ReconcileSchedule(due, limit)
    noticed = schedule.noticed(now).due
    assert noticed is not None
    assert schedule.postponed(until).noticed(now).due == min(noticed, until)
    assert schedule.noticed(now).postponed(until).due == min(noticed, until)
    assert schedule.postponed(until).due == (until if due is None else min(due, until))


@given(st.integers(1, 80))
def test_failures_are_tried_again_after_longer_and_longer(failures: int) -> None:
    schedule, pauses = ReconcileSchedule(), []
    for number in range(failures):
        schedule = schedule.begun().failed(float(number))
        assert schedule.due is not None
        pauses.append(schedule.due - number)
    assert pauses[:7] == [1, 2, 4, 8, 16, 32, 60][:failures]
    assert set(pauses[6:]) <= {LONGEST_RETRY_SECONDS}
    assert schedule.reconciled(5.0, 0.0).failures == 0
    assert schedule.noticed(float(failures)).due == float(failures)  # an event asks for a try at once


def pauses_of(seconds_each: float, apart: float, count: int) -> List[float]:
    """The pauses before passes of that length, an event `apart` seconds after each."""
    schedule, now, pauses = ReconcileSchedule(), 0.0, []
    for _ in range(count):
        schedule = schedule.noticed(now)
        assert schedule.due is not None
        pauses.append(schedule.due - now)
        ended = schedule.due + seconds_each
        schedule = schedule.begun().reconciled(ended, seconds_each)
        now = ended + apart
    return pauses


def test_an_event_now_and_then_has_a_pass_at_once() -> None:
    assert pauses_of(0.01, 0.06, 1000)[1:] == [0.0] * 999


def test_a_burst_is_gathered() -> None:
    pauses = pauses_of(0.001, 0.0, 100)
    assert pauses[0] == 0.0
    assert max(abs(pause - GATHER_SECONDS) for pause in pauses[1:]) < 1e-9


def test_a_storm_costs_a_fifth_of_a_processor_in_the_long_run() -> None:
    pauses = pauses_of(0.1, 0.0, 200)
    within_budget = int(BUDGET_SECONDS / (IDLE_PER_BUSY * 0.1))
    assert max(pauses[1:within_budget]) < GATHER_SECONDS * 1.01
    assert all(abs(pause - IDLE_PER_BUSY * 0.1) < 0.01 for pause in pauses[within_budget * 2 :])


def test_the_budget_recovers_in_quiet_times() -> None:
    schedule = ReconcileSchedule().reconciled(10.0, 5.0)
    assert schedule.limited_until == 10.0 + IDLE_PER_BUSY * 5.0 - BUDGET_SECONDS
    later = schedule.reconciled(100.0, 0.01)
    assert later.limited_until == 100.0 + GATHER_SECONDS


def test_a_failure_keeps_the_used_budget() -> None:
    assert ReconcileSchedule().reconciled(10.0, 5.0).failed(11.0).used == IDLE_PER_BUSY * 5.0


# ---- refreshes --------------------------------------------------------------------------------------


@given(spans, periods, chances, st.integers(0, 30))
def test_a_refresh_comes_within_the_jitter(now: float, period: float, chance: float, failures: int) -> None:
    after = Refreshes(now, failures).fetched(now, period, chance, True)
    assert period * (1 - JITTER) * 0.999 <= after.due - now <= period * (1 + JITTER) * 1.001
    assert after.failures == 0


@given(st.lists(chances, min_size=1, max_size=60), periods)
def test_pauses_grow_to_the_period_and_stay_there(each: List[float], period: float) -> None:
    refreshes, now = Refreshes(0.0), 0.0
    longest = max(period, RETRY_SECONDS)
    for number, chance in enumerate(each):
        refreshes = refreshes.failed(now, period, chance)
        whole = min(RETRY_SECONDS * 2.0**number, longest)
        assert whole * 0.499 <= refreshes.due - now <= whole * 1.001
        now = refreshes.due


@given(chances, chances)
def test_two_machines_are_not_in_step(one: float, other: float) -> None:
    """Other chances, other times: from half of the pause to the whole, in proportion."""
    assert (spread(8.0, one) < spread(8.0, other)) == (4.0 + 4.0 * one < 4.0 + 4.0 * other)
    assert (spread(8.0, 0.0), spread(8.0, 1.0)) == (4.0, 8.0)


@given(periods, st.lists(chances, min_size=EAGER_RETRIES + 1, max_size=EAGER_RETRIES + 1))
def test_a_nic_that_is_not_described_yet_is_asked_for_again(period: float, each: List[float]) -> None:
    refreshes = Refreshes(900.0).hurried(5.0, eager=True)
    assert refreshes.due == 5.0
    now, pauses = 5.0, []
    for chance in each:
        refreshes = refreshes.fetched(now, period, chance, False)
        pauses.append(refreshes.due - now)
        now = refreshes.due
    for number, pause in enumerate(pauses[:EAGER_RETRIES]):
        assert pause <= min(RETRY_SECONDS * 2.0**number, period * (1 + JITTER)) * 1.001
    assert pauses[EAGER_RETRIES] >= period * (1 - JITTER) * 0.999  # then it waits for its turn
    assert refreshes.eager == 0


@given(spans, chances)
def test_once_the_nic_is_described_there_is_no_hurry(now: float, chance: float) -> None:
    after = Refreshes(now).hurried(now, eager=True).fetched(now, 300.0, chance, True)
    assert after.eager == 0 and after.due - now >= 270 * 0.999


@given(spans, spans, chances)
def test_hurry_never_delays(due: float, now: float, chance: float) -> None:
    assert Refreshes(due).hurried(now).due == min(due, now)
    eager = Refreshes(due).hurried(now, eager=True)
    assert eager.hurried(now).eager == EAGER_RETRIES  # a reload in between changes nothing
    assert eager.failed(now, 300.0, chance).eager == EAGER_RETRIES


def test_a_process_that_was_late_gets_more_time_the_next_time() -> None:
    assert [grace_seconds(late) for late in (0, 1, 2, 5, 6, 10_000)] == [2.0, 4.0, 8.0, 64.0, 64.0, 64.0]
