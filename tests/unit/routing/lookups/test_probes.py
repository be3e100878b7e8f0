"""R8: what the kernel is asked."""

from __future__ import annotations

import pytest

from guest_routes.model.network import Rule
from tests.support.situations import THREE_NICS, network, situation
from tests.unit.routing.lookups.test_answers import DEFAULT, KERNELS, OURS, RIVAL, STRONGSWAN, asked, kernel, other


def test_the_default_and_what_could_lose_is_asked_for() -> None:
    assert asked(kernel(DEFAULT, OURS)) == ["8.0.0.1"]
    assert asked(kernel(DEFAULT, OURS, RIVAL)) == ["8.0.0.1", "11.11.0.1"]
    assert asked(kernel(DEFAULT, OURS, "8.0.0.0/8 dev tun0")) == ["9.0.0.1"]


def test_where_none_is_elected_there_is_nothing_to_ask() -> None:
    evidence = situation([network("eth0", "10.65.0.7/24", "20.0.0.0/8 10.65.0.1")])
    assert asked(evidence) == []


@pytest.mark.parametrize(
    ("rule", "decides"),
    [
        (Rule(4, 100, 99, False), True),
        (Rule(4, 100, 99, True), True),
        (Rule(4, 40000, 99, False), False),  # The main table has a route already.
        (Rule(6, 100, 99, False), False),
        (Rule(4, 100, 254, False), False),  # It leads where the table's own does.
        (Rule(4, 100, 254, True), False),
        (Rule(4, 100, 255, True), False),
    ],
)
def test_a_rule_that_could_decide(rule: Rule, decides: bool) -> None:
    evidence = kernel(DEFAULT, OURS, rules=(*KERNELS, rule))
    assert asked(evidence) == ["8.0.0.1", *(["11.11.0.1"] if decides else [])]


def test_a_shadowed_route_is_not_asked_for() -> None:
    six = [
        network("eth0", "fd00:65::7/64", "default fd00:65::1"),
        network("eth1", "fd00:8::9/64", "fd11::/16 fd00:65::1"),
    ]
    text = f"{THREE_NICS}default via fd00:65::1 dev eth0\nfd11::/16 via fd00:8::9 dev eth1 metric 1\n"
    assert asked(situation(six, text)) == ["2000::1"]


def test_no_address_inside_another_tables_narrower_routes() -> None:
    evidence = kernel(DEFAULT, OURS, rules=(*KERNELS, STRONGSWAN))
    narrower = {220: other(evidence, "8.0.0.0/8 dev tun0", "11.11.0.0/24 dev tun0")}
    assert asked(evidence, narrower) == ["9.0.0.1", "11.11.128.0"]


def test_where_two_halves_cover_everything_one_of_them_is_asked_for() -> None:
    assert asked(kernel(DEFAULT, OURS, "0.0.0.0/1 dev tun0", "128.0.0.0/1 dev tun0")) == ["64.0.0.1"]
    ours = [network("eth0", "10.65.0.7/24", "default 10.65.0.1", "0.0.0.0/1 10.65.0.1", "128.0.0.0/1 10.65.0.1")]
    halves = (
        "0.0.0.0/1 via 10.65.0.1 dev eth0 proto guest-routes\n128.0.0.0/1 via 10.65.0.1 dev eth0 proto guest-routes"
    )
    text = f"{THREE_NICS}{DEFAULT}\n{halves}\n"
    assert asked(situation(ours, text)) == []  # The document's own.
    addresses = situation(ours, f"{text}192.0.2.7 dev tun0\n10.65.0.1 dev eth0\n")
    narrow = tuple(route for route in addresses.kernel.routes if route.destination.length != 24)
    assert asked(addresses._replace(kernel=addresses.kernel._replace(routes=narrow))) == []  # An address has no half.


def test_table_local_counts_where_it_is_looked_up_first() -> None:
    """In that family: a rule for the other one says nothing of it."""
    for rules, found in (
        (KERNELS, ["8.0.0.1", "11.11.0.1"]),
        ((*KERNELS[1:], Rule(4, 32767, 255, True), Rule(6, 0, 255, True)), ["8.0.0.1"]),
    ):
        evidence = kernel(DEFAULT, OURS, rules=rules)
        assert asked(evidence, {255: other(evidence, "11.11.0.0/16 dev tun0")}) == found
