"""R8 before a pass: which default will win, by the table that a plan leaves."""

from __future__ import annotations

from typing import List, Tuple

import pytest

from guest_routes.model.network import Lookup, Rule, parse_address
from guest_routes.model.report import Overruled
from guest_routes.model.settings import Settings
from guest_routes.output.route_text import route_text
from guest_routes.routing.decide import decide
from guest_routes.routing.lookups.answers import contradictions, overruled
from guest_routes.routing.lookups.prediction import overruled_after_plan
from guest_routes.routing.lookups.probes import probes
from tests.support.situations import THREE_NICS, network, situation

MAIN, VPNS = 254, 220
NETWORKS = [
    network("eth0", "10.65.0.7/24", "default 10.65.0.1", "8.0.0.0/8 10.65.0.1"),
    network("eth1", "11.8.0.9/24", "default 11.8.0.1"),
    network("eth0", "fd00:65::7/64", "default fd00:65::1"),
    network("eth1", "fd00:8::9/64", "default fd00:8::1"),
]
ETH0, ETH1, TUN0 = 2, 3, 4
UNREACHABLE = Lookup(b"", 0, error="Network is unreachable")


PLAIN = Settings()


def will_win(there: List[str], answer: Lookup, settings: Settings = PLAIN, rules: Tuple[Rule, ...] = ()) -> List[str]:
    """What is expected where the kernel gives this answer about each address today."""
    evidence = situation(NETWORKS, THREE_NICS + "".join(f"{route}\n" for route in there))
    state = evidence.kernel._replace(rules=rules)
    plan = decide(evidence._replace(kernel=state), settings).plan
    asked = [one for one in probes(plan, state, MAIN, {}) if one.route.destination.is_default]
    answers = [answer._replace(address=one.address) for one in asked]
    found = overruled(contradictions(asked, answers), plan, state, MAIN, {})
    return [_named(one, evidence.kernel.nics) for one in overruled_after_plan(found, asked, answers, plan, state, MAIN)]


def _named(one: Overruled, nics: object) -> str:
    by = route_text(one.by, nics) if one.by else "unknown"  # type: ignore[arg-type]
    return f"{by}{', a part' if one.shares else ''}{f', {one.answer.error}' if one.answer.error else ''}"


BY_ETH1 = Lookup(b"", ETH1, parse_address("11.8.0.1"), MAIN)
BY_TUN0 = Lookup(b"", TUN0, parse_address("10.200.0.1"), MAIN)
VPN = "default via 10.200.0.1 dev tun0 proto boot metric 50"


@pytest.mark.parametrize(
    ("there", "answer", "names"),
    [
        # The address that was asked for will be a host route's of the plan, which decides about its own traffic.
        ([], UNREACHABLE, []),
        ([VPN], BY_TUN0, [VPN]),
        (["default via 11.8.0.1 dev eth1 metric 9"], BY_ETH1, []),
        # What stays of a multipath default stands in front, whichever next hop the kernel names today.
        (
            [
                "default metric 50 nexthop via 11.8.0.1 dev eth1 nexthop via 10.200.0.1 dev tun0",
                "default via 10.65.0.1 dev eth0 metric 100",
            ],
            BY_ETH1,
            [VPN],
        ),
        # Ours goes before what rejects.
        (["prohibit default", "default via 11.8.0.1 dev eth1"], UNREACHABLE._replace(error="Permission denied"), []),
        # What is there twice leads the same way.
        (["default via 10.65.0.1 dev eth0 metric 5", "default via 10.65.0.1 dev eth0 metric 9"], BY_ETH1, []),
        # A VPN's two halves go on winning.
        (
            ["0.0.0.0/1 dev tun0", "128.0.0.0/1 dev tun0"],
            BY_TUN0._replace(gateway=None),
            ["0.0.0.0/1 dev tun0 proto boot"],
        ),
    ],
)  # fmt: skip
def test_the_table_that_the_plan_leaves_decides(there: List[str], answer: Lookup, names: List[str]) -> None:
    four = [one for one in will_win(there, answer) if "fd00" not in one]
    assert four == names


def test_a_next_hop_of_the_same_ipv6_route() -> None:
    there = [
        "default via fd00:65::1 dev eth0 metric 9",
        "default via fd00:200::1 dev tun0 metric 9",
        "default via fd00:8::1 dev eth1 metric 9",
    ]
    answer = Lookup(b"", ETH0, parse_address("fd00:65::1"), MAIN)
    assert will_win(there, answer) == ["default via fd00:200::1 dev tun0 proto boot metric 9, a part"]


def test_table_locals_comes_first_where_both_are_in_one_tree() -> None:
    there = ["default via 11.8.0.1 dev eth1", "default via 10.200.0.1 dev tun0 metric 50 table 255"]
    (only,) = (one for one in will_win(there, BY_TUN0) if "fd00" not in one)
    assert only.startswith("default via 10.200.0.1 dev tun0 table 255")


def test_what_stays_by_choice_is_reported_as_such() -> None:
    there = ["default via 11.8.0.1 dev eth1", "default via 10.65.0.1 dev eth0 metric 9"]
    assert will_win(there, BY_ETH1, Settings(default_mode="observe")) == []


def test_another_table_decides_then_too() -> None:
    there = ["default via 11.8.0.1 dev eth1"]
    rule = Rule(4, 220, VPNS, True)
    (only,) = will_win(there, BY_TUN0._replace(table=VPNS), rules=(rule, Rule(4, 32766, MAIN, True)))
    assert only == "unknown"  # The rule does it; its table was not read here.
    assert will_win(there, Lookup(b"", ETH0, parse_address("10.65.0.1"), VPNS), rules=(rule,)) == []


def test_no_rule_looks_the_table_up_then_either() -> None:
    rules = tuple(Rule(family, 0, 255, True) for family in (4, 6))
    assert will_win([], UNREACHABLE, rules=rules) == ["unknown, Network is unreachable"] * 2
