"""What default routes of other programs say of gateways."""

from __future__ import annotations

from typing import List, Set, Tuple

import pytest

from guest_routes.model.network import address_text
from guest_routes.model.settings import Settings
from guest_routes.routing.offers import default_offers, defaults_on_link, present_defaults
from tests.support.situations import TWO_NICS, network, situation

NETWORKS = [network("eth0", "10.65.0.7/24"), network("eth1", "11.8.0.9/24")]
ETH0, ETH1 = 2, 3


def offered(kernel: str, settings: Settings) -> List[Tuple[str, str, str]]:
    evidence = situation(NETWORKS, TWO_NICS + kernel)
    present = present_defaults(evidence, settings)
    return [(one.kind, address_text(one.gateway), one.nic) for one in default_offers(evidence, present)]


def test_an_advertised_one_first_then_by_metric_and_recorded_ones_last() -> None:
    kernel = """recorded default via 10.65.0.2 dev eth0
default via 10.65.0.9 dev eth0 proto static metric 20
default via 10.65.0.1 dev eth0 proto static metric 10
default via fe80::1 dev eth1 proto ra metric 1024
default via 11.8.0.1 dev eth1 proto guest-routes
"""
    assert offered(kernel, Settings()) == [
        ("advertised", "fe80::1", "eth1"),
        ("kernel", "10.65.0.1", "eth0"),
        ("kernel", "10.65.0.9", "eth0"),
        ("recorded", "10.65.0.2", "eth0"),
    ]


def test_of_a_multipath_default_each_next_hop() -> None:
    kernel = "default nexthop via 10.65.0.1 dev eth0 nexthop via 11.8.0.1 dev eth1\n"
    assert offered(kernel, Settings()) == [("kernel", "10.65.0.1", "eth0"), ("kernel", "11.8.0.1", "eth1")]


def test_a_copy_that_demote_has_left_stands_for_the_recorded_one() -> None:
    kernel = "recorded default via 11.8.0.1 dev eth1\ndefault via 11.8.0.1 dev eth1 proto guest-routes metric 1000\n"
    assert [one[0] for one in offered(kernel, Settings(default_mode="demote"))] == ["kernel", "recorded"]
    assert [one[0] for one in offered(kernel, Settings())] == ["recorded"]


def test_only_a_copy_of_ours_does() -> None:
    kernel = "recorded default via 11.8.0.1 dev eth1\ndefault via 11.8.0.1 dev eth1 proto static metric 1000\n"
    assert [one[0] for one in offered(kernel, Settings(default_mode="demote"))] == ["kernel", "recorded"]


@pytest.mark.parametrize(("kernel", "found"), [
    ("default via 10.65.0.1 dev eth0\n", set()),
    ("default dev eth0 scope link\n", {(ETH0, 4)}),
    ("recorded default dev eth1 scope link\n", {(ETH1, 4)}),
    ("-6 default dev eth1 metric 10\n", {(ETH1, 6)}),
    ("default via inet6 fe80::1 dev eth0\n", {(ETH0, 4)}),
    ("default dev eth0 proto guest-routes scope link\n", set()),  # Ours says nothing.
    ("unreachable default metric 10\n", set()),
])  # fmt: skip
def test_those_without_a_gateway_of_their_family(kernel: str, found: Set[Tuple[int, int]]) -> None:
    evidence = situation(NETWORKS, TWO_NICS + kernel)
    assert defaults_on_link(evidence, present_defaults(evidence, Settings())) == found
