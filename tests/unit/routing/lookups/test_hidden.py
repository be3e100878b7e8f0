"""R8: host routes that other programs' routes hide wholly."""

from __future__ import annotations

from typing import Dict, List

import pytest

from guest_routes.model.network import LOCAL_TABLE
from guest_routes.routing.lookups.hidden import hidden
from tests.support.iproute_text import parse_route
from tests.support.situations import THREE_NICS, network, situation
from tests.unit.routing.lookups.test_answers import plan_of

NETWORKS = [
    network("eth0", "10.65.0.7/24", "default 10.65.0.1"),
    network("eth0", "fd00:65::7/64", "default fd00:65::1"),
    network("eth1", "11.8.0.9/24", "11.11.0.0/16 11.8.0.1", "11.11.0.0/24 11.8.0.1", "12.0.0.1/32 11.8.0.1"),
    network("eth1", "fd00:8::9/64", "fd00:11::/32 fd00:8::1", "::/1 fd00:8::1"),
]
GATEWAYS = "default via 11.8.0.1 dev eth1 metric 7\ndefault via fd00:8::1 dev eth1 metric 7\n"
HALVES = ["11.11.0.0/17 via 10.65.0.1 dev eth0", "11.11.128.0/17 dev tun0"]
SIX = ["fd00:11::/33 via fd00:65::1 dev eth0", "fd00:11:8000::/33 dev tun0"]


def found(others: List[str], local: List[str]) -> Dict[str, str]:
    evidence = situation(NETWORKS, f"{THREE_NICS}{GATEWAYS}")
    made = [[parse_route(text, evidence.kernel.nics) for text in texts] for texts in (others, local)]
    made[1] = [route._replace(table=LOCAL_TABLE) for route in made[1]]
    hides = hidden(plan_of(evidence).routes, *made)
    return {str(one): str(where) for one, where in hides.items()}


@pytest.mark.parametrize(
    ("others", "hides"),
    [
        (HALVES, {"11.11.0.0/16": "11.11.0.0/17"}),
        (HALVES[:1], {}),
        (HALVES[1:], {}),
        ([HALVES[1], "11.11.0.0/18 dev tun0", "11.11.64.0/18 dev tun0"], {"11.11.0.0/16": "11.11.128.0/17"}),
        ([HALVES[1], "11.11.0.0/18 dev tun0", "11.11.96.0/19 dev tun0"], {}),
        ([*HALVES, "11.11.0.0/18 dev tun0"], {"11.11.0.0/16": "11.11.0.0/17"}),
        ([HALVES[0], "11.11.128.0/17 via 11.8.0.1 dev eth1"], {}),  # It leads there.
        ([HALVES[0], "11.11.128.0/17 dev eth0 proto kernel"], {"11.11.0.0/16": "11.11.0.0/17"}),
        (["11.11.0.0/17 dev eth0 proto kernel", "11.11.128.0/17 dev tun0 proto kernel"], {}),  # NICs' own subnets.
        (["11.11.0.0/24 dev tun0", "11.11.0.0/25 dev tun0"], {}),  # The first is a planned one's.
        (["11.11.0.0/25 dev tun0", "11.11.0.128/25 dev tun0"], {"11.11.0.0/24": "11.11.0.0/25"}),
        (["11.0.0.0/8 dev tun0", "12.0.0.0/8 dev tun0"], {}),  # Wider ones lose.
        (SIX, {"fd00:11::/32": "fd00:11::/33"}),
        (SIX[:1], {}),
        (["unreachable 11.11.0.0/17", "unreachable 11.11.128.0/17"], {"11.11.0.0/16": "11.11.0.0/17"}),
    ],
)
def test_narrower_routes(others: List[str], hides: Dict[str, str]) -> None:
    assert found(others, []) == hides
    assert found(others[::-1], []) == hides


@pytest.mark.parametrize(
    ("pieces", "local", "named"),
    [
        ([*HALVES, "11.11.128.0/17 via 11.8.0.1 dev eth1 metric 9"], [], True),
        ([*HALVES, "11.11.128.0/17 via 11.8.0.1 dev eth1"], [], True),
        ([HALVES[0], "11.11.128.0/17 via 11.8.0.1 dev eth1", "11.11.128.0/17 dev tun0 metric 9"], [], False),
        ([*SIX, "fd00:11:8000::/33 via fd00:8::1 dev eth1 metric 9"], [], True),
        ([*SIX, "fd00:11:8000::/33 via fd00:8::1 dev eth1"], [], False),  # A next hop of the same route.
        ([HALVES[0], "11.11.128.0/17 via 11.8.0.1 dev eth1"], HALVES[1:], True),
        ([HALVES[0], "11.11.128.0/17 via 11.8.0.1 dev eth1"], ["throw 11.11.128.0/17"], False),
    ],
)
def test_only_what_is_used_leads_there(pieces: List[str], local: List[str], named: bool) -> None:
    assert bool(found(pieces, local)) is named


@pytest.mark.parametrize(
    ("local", "hides"),
    [
        (["127.0.0.0/8 dev eth0", "ff00::/8 dev eth0", "11.8.0.9 dev eth1"], []),
        (["11.0.0.0/8 dev tun0"], ["11.11.0.0/16", "11.11.0.0/24"]),
        (["11.11.0.0/24 dev tun0"], ["11.11.0.0/24"]),
        (["12.0.0.1 dev tun0"], ["12.0.0.1/32"]),
        (["throw 12.0.0.1"], ["12.0.0.1/32"]),  # The kernel is asked: it decides in one tree with main.
        (["fd00::/16 dev tun0"], ["fd00:11::/32"]),
        (HALVES, ["11.11.0.0/16", "11.11.0.0/24"]),
    ],
)
def test_table_local(local: List[str], hides: List[str]) -> None:
    assert sorted(found([], local)) == hides
