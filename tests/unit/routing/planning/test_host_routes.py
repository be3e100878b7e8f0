"""R5-R7: what becomes of host routes beside what is there."""

from __future__ import annotations

from typing import List, Optional, Tuple

import pytest

from guest_routes.model.plan import Decision
from guest_routes.model.settings import Settings
from guest_routes.output.route_text import route_text
from guest_routes.routing.decide import decide
from guest_routes.routing.planning.host_routes import _competitor
from tests.support.iproute_text import parse_route
from tests.support.situations import THREE_NICS, TWO_NICS, network, situation, texts

FOUR = [
    network("eth0", "10.65.0.7/24", "default 10.65.0.1"),
    network("eth1", "11.8.0.9/24", "default 11.8.0.1", "11.11.0.0/16 11.8.0.1"),
]
SIX = [
    network("eth0", "fd00:65::7/64", "default fd00:65::1"),
    network("eth1", "fd00:8::9/64", "default fd00:8::1", "fd11::/16 fd00:8::1"),
]
DEFAULT = {4: "default via 10.65.0.1 dev eth0 proto static\n", 6: "default via fd00:65::1 dev eth0 proto static\n"}


def decided(kernel: str, settings: Optional[Settings] = None, family: int = 4) -> Tuple[Decision, List[str]]:
    """The decision on the family's document, with its elected default in place, and its operations."""
    evidence = situation(FOUR if family == 4 else SIX, THREE_NICS + DEFAULT[family] + kernel)
    decision = decide(evidence, settings or Settings())
    return decision, texts(decision.plan.operations, evidence.kernel)


def planned(decision: Decision) -> Tuple[str, str, str]:
    """Of the one host route: verdict, route, competitor."""
    nics = situation([], THREE_NICS).kernel.nics
    (one,) = decision.plan.routes
    return one.verdict, route_text(one.route, nics), route_text(one.competitor, nics) if one.competitor else ""


OURS = "11.11.0.0/16 via 11.8.0.1 dev eth1 proto guest-routes"
OURS_6 = "fd11::/16 via fd00:8::1 dev eth1 proto guest-routes metric 1023"


@pytest.mark.parametrize(
    ("kernel", "verdict", "operations"),
    [
        ("", ("add", OURS, ""), [f"Add {OURS}"]),
        (f"{OURS}\n", ("kept", OURS, ""), []),
        # An equal route of another program is adopted, whatever its metric.
        (
            "11.11.0.0/16 via 11.8.0.1 dev eth1 proto static metric 100\n",
            ("adopted", "11.11.0.0/16 via 11.8.0.1 dev eth1 proto static metric 100", ""),
            [],
        ),
        (
            f"11.11.0.0/16 via 11.8.0.1 dev eth1 proto static\n{OURS}\n",
            ("adopted", "11.11.0.0/16 via 11.8.0.1 dev eth1 proto static", ""),
            [f"Delete {OURS}"],
        ),
        # Ours goes before another program's of the same metric or a worse one.
        (
            "11.11.0.0/16 via 10.65.0.9 dev eth0 proto static\n",
            ("add", OURS, "11.11.0.0/16 via 10.65.0.9 dev eth0 proto static"),
            [f"Add {OURS}"],
        ),
        (
            f"{OURS}\n11.11.0.0/16 via 10.65.0.9 dev eth0 proto static\n",
            ("kept", OURS, "11.11.0.0/16 via 10.65.0.9 dev eth0 proto static"),
            [],
        ),
        (
            f"11.11.0.0/16 via 10.65.0.9 dev eth0 proto static\n{OURS}\n",
            ("add", OURS, "11.11.0.0/16 via 10.65.0.9 dev eth0 proto static"),
            [f"Promote {OURS}"],
        ),
        (
            f"11.11.0.0/16 via 10.65.0.9 dev eth0 proto static metric 5\n{OURS}\n",
            ("kept", OURS, "11.11.0.0/16 via 10.65.0.9 dev eth0 proto static metric 5"),
            [],
        ),
        # A route with a TOS competes for packets with that TOS only.
        ("11.11.0.0/16 tos 0x10 via 10.65.0.9 dev eth0 proto static\n", ("add", OURS, ""), [f"Add {OURS}"]),
        # Ours to another gateway goes once the right one is there.
        (
            "11.11.0.0/16 via 10.65.0.1 dev eth0 proto guest-routes\n",
            ("add", OURS, ""),
            [f"Add {OURS}", "Delete 11.11.0.0/16 via 10.65.0.1 dev eth0 proto guest-routes"],
        ),
        (
            f"{OURS}\n11.11.0.0/16 via 11.8.0.1 dev eth1 proto guest-routes metric 7\n",
            ("kept", OURS, ""),
            ["Delete 11.11.0.0/16 via 11.8.0.1 dev eth1 proto guest-routes metric 7"],
        ),
        # What is wanted no more goes.
        (
            f"{OURS}\n20.0.0.0/8 via 11.8.0.1 dev eth1 proto guest-routes\n20.0.0.0/8 via 11.8.0.9 dev eth1 metric 9\n",
            ("kept", OURS, ""),
            ["Delete 20.0.0.0/8 via 11.8.0.1 dev eth1 proto guest-routes"],
        ),
        # An unreachable route of ours is no route of a pass: left to whoever made it, and in the way.
        (
            "unreachable 11.11.0.0/16 proto static metric 3\n",
            ("add", OURS, "unreachable 11.11.0.0/16 proto static metric 3"),
            [f"Add {OURS}"],
        ),
    ],
)
def test_ipv4(kernel: str, verdict: Tuple[str, str, str], operations: List[str]) -> None:
    decision, found = decided(kernel)
    assert (planned(decision), found) == (verdict, operations)


def test_a_metric_of_the_settings() -> None:
    settings = Settings(metric=50)
    assert decided("", settings)[1] == [f"Add {OURS} metric 50"]
    assert decided(f"{OURS} metric 50\n", settings)[1] == []
    better = "11.11.0.0/16 via 10.65.0.9 dev eth0 proto static metric 20\n"
    assert decided(better, settings)[1] == [f"Add {OURS} metric 20"]
    worse = "11.11.0.0/16 via 10.65.0.9 dev eth0 proto static metric 80\n"
    assert decided(worse, settings)[1] == [f"Add {OURS} metric 50"]


def test_the_competitor_of_an_adopted_route_is_the_first_that_leads_elsewhere() -> None:
    kernel = (
        "11.11.0.0/16 via 11.8.0.1 dev eth1 proto static\n"
        "11.11.0.0/16 via 11.8.0.1 dev eth1 proto dhcp metric 3\n"
        "11.11.0.0/16 via 10.65.0.9 dev eth0 proto dhcp metric 4\n"
    )
    decision, operations = decided(kernel)
    assert operations == []
    assert planned(decision)[2] == "11.11.0.0/16 via 10.65.0.9 dev eth0 proto dhcp metric 4"


@pytest.mark.parametrize(
    ("kernel", "verdict", "operations"),
    [
        ("", ("add", OURS_6, ""), [f"Add {OURS_6}"]),
        (f"{OURS_6}\n", ("kept", OURS_6, ""), []),
        (
            "fd11::/16 via fd00:65::9 dev eth0 proto static metric 1024\n",
            ("add", OURS_6, "fd11::/16 via fd00:65::9 dev eth0 proto static metric 1024"),
            [f"Add {OURS_6}"],
        ),
        (
            "fd11::/16 via fd00:65::9 dev eth0 proto static metric 2\n",
            (
                "add",
                "fd11::/16 via fd00:8::1 dev eth1 proto guest-routes metric 1",
                "fd11::/16 via fd00:65::9 dev eth0 proto static metric 2",
            ),
            ["Add fd11::/16 via fd00:8::1 dev eth1 proto guest-routes metric 1"],
        ),
        # Below a better one, and never at another's metric.
        (
            "fd11::/16 via fd00:65::9 dev eth0 proto static metric 100\n",
            (
                "add",
                "fd11::/16 via fd00:8::1 dev eth1 proto guest-routes metric 99",
                "fd11::/16 via fd00:65::9 dev eth0 proto static metric 100",
            ),
            ["Add fd11::/16 via fd00:8::1 dev eth1 proto guest-routes metric 99"],
        ),
        (
            "fd11::/16 via fd00:65::9 dev eth0 proto static metric 1\n",
            (
                "shadowed",
                OURS_6,
                "fd11::/16 via fd00:65::9 dev eth0 proto static metric 1",
            ),
            [],
        ),
        (
            f"fd11::/16 via fd00:65::9 dev eth0 proto static metric 1\n{OURS_6}\n",
            (
                "shadowed",
                OURS_6,
                "fd11::/16 via fd00:65::9 dev eth0 proto static metric 1",
            ),
            [f"Delete {OURS_6}"],
        ),
        # Ours to another gateway may have the metric until the new one is there: the next one takes a free one.
        (
            "fd11::/16 via fd00:65::1 dev eth0 proto guest-routes metric 1023\n",
            ("add", "fd11::/16 via fd00:8::1 dev eth1 proto guest-routes metric 1022", ""),
            [
                "Add fd11::/16 via fd00:8::1 dev eth1 proto guest-routes metric 1022",
                "Delete fd11::/16 via fd00:65::1 dev eth0 proto guest-routes metric 1023",
            ],
        ),
        # One that had to give way when it was added stays.
        (
            "fd11::/16 via fd00:8::1 dev eth1 proto guest-routes metric 1020\n",
            ("kept", "fd11::/16 via fd00:8::1 dev eth1 proto guest-routes metric 1020", ""),
            [],
        ),
        (
            "fd11::/16 via fd00:8::1 dev eth1 proto guest-routes metric 900\n",
            ("add", OURS_6, ""),
            [f"Add {OURS_6}", "Delete fd11::/16 via fd00:8::1 dev eth1 proto guest-routes metric 900"],
        ),
    ],
)
def test_ipv6(kernel: str, verdict: Tuple[str, str, str], operations: List[str]) -> None:
    decision, found = decided(kernel, family=6)
    assert (planned(decision), found) == (verdict, operations)


def test_ipv6_near_the_end_of_the_metrics() -> None:
    """Where the metrics just below are taken, ours stands above, as long as that is before the competitor."""
    lines = [f"fd11::/16 via fd00:65::1 dev eth0 proto guest-routes metric {n}\n" for n in (1, 2)]
    settings = Settings(metric=2)
    decision, _ = decided("".join(lines), settings, 6)
    assert planned(decision)[:2] == ("add", "fd11::/16 via fd00:8::1 dev eth1 proto guest-routes metric 3")
    # A competitor at 2 leaves 1 alone, which is ours to another gateway: none until that has gone.
    kernel = f"{lines[0]}fd11::/16 via fd00:65::9 dev eth0 proto static metric 2\n"
    decision, operations = decided(kernel, settings, 6)
    assert planned(decision)[0] == "shadowed"
    assert operations == ["Delete fd11::/16 via fd00:65::1 dev eth0 proto guest-routes metric 1"]


def test_another_table() -> None:
    _, operations = decided("", Settings(table=100))
    assert operations[0] == "Add 11.11.0.0/16 via 11.8.0.1 dev eth1 table 100 proto guest-routes"


@pytest.mark.parametrize("competitor", ["", "fd11::/16 via fd00:65::9 dev eth0 proto static metric 40\n"])
@pytest.mark.parametrize("taken, metric", [(1, 2), (2, 3), (30, 31), (31, 0)])
def test_ipv6_upwards_from_a_small_metric_while_ours_to_another_gateway_stand(
    taken: int, metric: int, competitor: str
) -> None:
    """At most twice NEAR, 31, even where a competitor is further off; then it waits until they have gone."""
    old = "fd11::/16 via fd00:65::1 dev eth0 proto guest-routes metric {}\n"
    kernel = "".join(old.format(number) for number in range(1, taken + 1)) + competitor
    decision, _ = decided(kernel, Settings(metric=1), 6)
    verdict, route, _ = planned(decision)
    if metric:
        assert (verdict, route) == ("add", f"fd11::/16 via fd00:8::1 dev eth1 proto guest-routes metric {metric}")
    else:
        assert verdict == "shadowed"


@pytest.mark.parametrize("taken, metric", [(31, 992), (32, 0)])
def test_ipv6_downwards_at_most_twice_near(taken: int, metric: int) -> None:
    """NEAR is 16."""
    old = "fd11::/16 via fd00:65::1 dev eth0 proto guest-routes metric {}\n"
    decision, _ = decided("".join(old.format(1023 - number) for number in range(taken)), family=6)
    verdict, route, _ = planned(decision)
    assert verdict == ("add" if metric else "shadowed")
    assert not metric or route == f"fd11::/16 via fd00:8::1 dev eth1 proto guest-routes metric {metric}"


def test_only_the_best_of_another_programs_routes_competes() -> None:
    nics = situation([], TWO_NICS).kernel.nics
    ours, best, other = (
        parse_route(f"11.11.0.0/16 via {hop}", nics)
        for hop in ("11.8.0.1 dev eth1", "11.8.0.1 dev eth1 metric 5", "10.65.0.9 dev eth0 metric 9")
    )
    assert _competitor([best, other], ours) is None
    assert _competitor([best, other._replace(metric=5)], ours) == other._replace(metric=5)
    assert _competitor([other, best._replace(metric=10)], ours) == other


@pytest.mark.parametrize("at", [None, 0, 255, 256, 700, 999])
def test_a_thousand_come_out_as_each_by_itself(at: Optional[int]) -> None:
    """Many at a time where they have one next hop and nobody else's route; wherever one of them is otherwise."""
    odd = "203.0.113.0/24 10.65.0.1"
    entries = [f"20.{n >> 8}.{n & 255}.0/24 11.8.0.1" for n in range(1000)]
    if at is not None:
        entries[at] = odd
    there = "20.1.7.0/24 via 10.65.0.9 dev eth0 proto static\n20.2.9.0/24 via 11.8.0.1 dev eth1 proto guest-routes\n"
    networks = [FOUR[0], network("eth1", "11.8.0.9/24", "default 11.8.0.1", *entries)]
    evidence = situation(networks, TWO_NICS + DEFAULT[4] + there)
    plan = decide(evidence, Settings()).plan
    wanted = []
    for entry in entries:
        destination, gateway = entry.split()
        kept = destination == "20.2.9.0/24"
        nic = "eth0" if entry == odd else "eth1"
        wanted.append(("kept" if kept else "add", f"{destination} via {gateway} dev {nic} proto guest-routes"))
    assert [(one.verdict, route_text(one.route, evidence.kernel.nics)) for one in plan.routes] == wanted
    assert [str(one.resolved.host.destination) for one in plan.routes] == [entry.split()[0] for entry in entries]
    assert [str(one.competitor.destination) for one in plan.routes if one.competitor] == ["20.1.7.0/24"]
    added = [f"Add {route}" for verdict, route in wanted if verdict == "add"]
    assert texts(plan.operations, evidence.kernel) == added
