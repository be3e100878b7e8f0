"""Ten thousand instances against one metadata service: simulated, with the product's own schedule and pauses.

    make bench-storm               a minute; its table stands in docs/limits.md

No network. The service answers CAPACITY requests a second, one after the other, and refuses what comes while QUEUE
requests wait; a request that its client has given up is answered all the same. An instance asks when
evidence.http_endpoints.Pace says, one endpoint after the other until the deadline; the winner asks for meta_data.json,
too, again after growing pauses; and the instance comes back when service.schedule.Refreshes says.
"""

from __future__ import annotations

import argparse
import heapq
import random
import sys
from pathlib import Path
from typing import Dict, List, NamedTuple, Tuple

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from guest_routes.evidence.http import BACKOFF_SECONDS, UUID_SECONDS  # noqa: E402
from guest_routes.evidence.http_endpoints import Pace  # noqa: E402
from guest_routes.model.settings import METADATA_URLS, Settings  # noqa: E402
from guest_routes.service.schedule import SPREAD_SECONDS, Refreshes  # noqa: E402

INSTANCES = 10_000
NICS = 2
CAPACITY = 500.0
QUEUE = 1_000
OUTAGE_SECONDS = 600.0
REFRESH_SECONDS = Settings().refresh_seconds
DEADLINE_SECONDS = Settings().deadline_seconds
STEADY_SECONDS = 4 * REFRESH_SECONDS
"""How long is simulated; the last refresh_seconds are taken for the steady state."""
ENDPOINTS = len(METADATA_URLS) * NICS
FETCH, ATTEMPT, ANSWER, META_DATA, DEADLINE = range(5)


class Scenario(NamedTuple):
    """How it begins."""

    name: str
    boots_within: float
    """Seconds over which the instances boot."""
    known: bool
    """They have a last known good document: reboots."""
    outage: bool = False
    """They have run for long, and the service is away for OUTAGE_SECONDS from time 0 on."""
    jitter: bool = True


class Outcome(NamedTuple):
    """What came of it. Times in seconds from the beginning, or from the end of the outage."""

    peak: int
    """Requests in the worst second."""
    half: float
    most: float
    """When 50 and 99 of 100 have their document."""
    refused: float
    """Part of the requests that the service refused."""
    steady: float
    """Requests a second at the end."""
    steady_peak: int


class Storm:
    """One run."""

    def __init__(self, scenario: Scenario, capacity: float, queue: int, seed: int) -> None:
        self._scenario, self._capacity, self._queue = scenario, capacity, queue
        self._dice = random.Random(seed)
        self._monitor: List[Tuple[float, int, int, int, int, float]] = []
        self._number = 0
        self._free_at = 0.0
        self._requests: Dict[int, int] = {}
        self._refused = self._asked = 0
        self._refreshes: List[Refreshes] = []
        self._fetch = [0] * INSTANCES
        """Which fetch is under way; 0 when none."""
        self._asked_by = [0] * INSTANCES
        """So many endpoints it has asked by."""
        self._pace = [Pace(0.0)] * INSTANCES
        self._until = [0.0] * INSTANCES
        self._have = [-1.0] * INSTANCES
        self._began = OUTAGE_SECONDS if scenario.outage else 0.0

    def run(self) -> Outcome:
        """To the end."""
        for instance in range(INSTANCES):
            if self._scenario.outage:
                first = self._chance() * REFRESH_SECONDS
            else:
                first = self._scenario.boots_within * instance / INSTANCES
                first += SPREAD_SECONDS * self._chance() if self._scenario.known else 0.0
            self._refreshes.append(Refreshes(first))
            self._push(first, FETCH, instance)
        end = self._began + STEADY_SECONDS
        while self._monitor and self._monitor[0][0] < end:
            now, _, kind, instance, fetch, pause = heapq.heappop(self._monitor)
            if kind == FETCH:
                self._start(now, instance)
            elif kind == META_DATA:
                self._ask_meta_data(now, instance, pause)
            elif fetch != self._fetch[instance]:
                continue
            elif kind == ATTEMPT:
                self._attempt(now, instance, fetch)
            elif kind == ANSWER:
                self._answer(now, instance)
            else:
                self._fetch[instance] = 0
                failed = self._refreshes[instance].failed(now, REFRESH_SECONDS, self._chance())
                self._again(instance, failed)
        return self._outcome(end)

    def _push(self, when: float, kind: int, instance: int, fetch: int = 0, pause: float = 0.0) -> None:
        self._number += 1
        heapq.heappush(self._monitor, (when, self._number, kind, instance, fetch, pause))

    def _chance(self) -> float:
        return self._dice.random() if self._scenario.jitter else 0.5

    def _start(self, now: float, instance: int) -> None:
        self._number += 1
        self._fetch[instance] = fetch = self._number
        self._until[instance] = now + DEADLINE_SECONDS
        self._push(now + DEADLINE_SECONDS, DEADLINE, instance, fetch)
        self._asked_by[instance], self._pace[instance] = 0, Pace(now)
        self._attempt(now, instance, fetch)

    def _request(self, now: float) -> float:
        """When the service has answered a request that comes now; 0 when it refuses."""
        self._asked += 1
        self._requests[int(now)] = self._requests.get(int(now), 0) + 1
        away = self._scenario.outage and now < OUTAGE_SECONDS
        if away or (self._free_at - now) * self._capacity > self._queue:
            self._refused += 1
            return 0.0
        self._free_at = max(now, self._free_at) + 1 / self._capacity
        return self._free_at

    def _attempt(self, now: float, instance: int, fetch: int) -> None:
        """By an endpoint not asked yet, else by one that was refused; none while all are waited for."""
        pace = self._pace[instance]
        if now < pace.due:
            return  # An answer has moved it, and comes itself.
        unasked = ENDPOINTS - self._asked_by[instance]
        self._asked_by[instance] += 1 if unasked else 0
        answered = self._request(now)
        if answered:
            self._pace[instance] = pace.asked(now)
            self._push(answered, ANSWER, instance, fetch)
        else:
            left = max(0, unasked - 1)
            self._pace[instance] = pace.refused(now, self._until[instance], left, ENDPOINTS, self._chance())
        due = self._pace[instance].due
        if due < self._until[instance] and (not answered or unasked > 1):
            self._push(due, ATTEMPT, instance, fetch)

    def _answer(self, now: float, instance: int) -> None:
        self._fetch[instance] = 0
        self._until[instance] = now + UUID_SECONDS
        self._ask_meta_data(now, instance, BACKOFF_SECONDS[0])
        if self._have[instance] < self._began:
            self._have[instance] = now
        self._again(instance, self._refreshes[instance].fetched(now, REFRESH_SECONDS, self._chance(), True))

    def _ask_meta_data(self, now: float, instance: int, pause: float) -> None:
        if not self._request(now) and now + pause < self._until[instance]:
            self._push(now + pause, META_DATA, instance, pause=2 * pause)

    def _again(self, instance: int, refreshes: Refreshes) -> None:
        self._refreshes[instance] = refreshes
        self._push(refreshes.due, FETCH, instance)

    def _outcome(self, end: float) -> Outcome:
        later = float("inf")
        times = sorted(have - self._began if have >= self._began else later for have in self._have)
        last = [self._requests.get(second, 0) for second in range(int(end - REFRESH_SECONDS), int(end))]
        peak = max(count for second, count in self._requests.items() if second >= self._began)
        return Outcome(
            peak, times[INSTANCES // 2], times[INSTANCES * 99 // 100], self._refused / self._asked,
            sum(last) / len(last), max(last),
        )  # fmt: skip


def scenarios() -> List[Scenario]:
    """With the jitter, and then without."""
    found = [Scenario(f"first boots within {seconds:g} s", seconds, False) for seconds in (0.0, 10.0, 60.0)]
    found.append(Scenario("reboots, all at once", 0.0, True))
    found.append(Scenario(f"{OUTAGE_SECONDS / 60:g} minutes without the service", 0.0, True, outage=True))
    return found + [found[n]._replace(name=f"{found[n].name}, no jitter", jitter=False) for n in (0, 2, 3)]


def main() -> None:
    """The table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--capacity", type=float, default=CAPACITY, help="requests a second")
    parser.add_argument("--queue", type=int, default=QUEUE, help="requests that wait; more are refused")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    print("| what | requests in the worst second | refused | half have it | 99 % have it | requests/s later (worst) |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for scenario in scenarios():
        got = Storm(scenario, options.capacity, options.queue, options.seed).run()
        print(
            f"| {scenario.name} | {got.peak:,} | {got.refused:.0%} | {got.half:.0f} s | {got.most:.0f} s "
            f"| {got.steady:.0f} ({got.steady_peak:,}) |",
            flush=True,
        )


if __name__ == "__main__":
    main()
