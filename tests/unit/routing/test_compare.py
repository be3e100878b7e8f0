"""What two routes have in common."""

from __future__ import annotations

import pytest

from guest_routes.model.network import Route
from guest_routes.routing.compare import ifindexes, leads_there, next_hops, nexthops_outside, same_next_hop
from tests.support.iproute_text import parse_route
from tests.support.situations import THREE_NICS, situation

NICS = situation([], THREE_NICS).kernel.nics
ETH0, ETH1, TUN0 = 2, 3, 4


def route(text: str) -> Route:
    return parse_route(text, NICS)


def test_next_hops_of_a_plain_and_of_a_multipath_route() -> None:
    plain = route("default via 10.65.0.1 dev eth0")
    assert next_hops(plain) == [(plain.gateway, ETH0)]
    assert next_hops(route("11.0.0.0/8 dev eth1")) == [(None, ETH1)]
    many = route("default nexthop via 10.65.0.1 dev eth0 weight 1 nexthop dev tun0 weight 1")
    assert next_hops(many) == [(plain.gateway, ETH0), (None, TUN0)]
    assert (set(ifindexes(plain)), set(ifindexes(many))) == ({ETH0}, {ETH0, TUN0})


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("11.0.0.0/8 via 11.8.0.1 dev eth1", "11.0.0.0/8 via 11.8.0.1 dev eth1 proto dhcp metric 9", True),
        ("11.0.0.0/8 via 11.8.0.1 dev eth1", "12.0.0.0/8 via 11.8.0.1 dev eth1", True),
        ("11.0.0.0/8 via 11.8.0.1 dev eth1", "11.0.0.0/8 via 11.8.0.2 dev eth1", False),
        ("11.0.0.0/8 via 11.8.0.1 dev eth1", "11.0.0.0/8 via 11.8.0.1 dev eth0 onlink", False),
        ("11.0.0.0/8 dev eth1", "11.0.0.0/8 dev eth1", True),
        ("11.0.0.0/8 dev eth1", "11.0.0.0/8 via 11.8.0.1 dev eth1", False),
        ("unreachable 11.0.0.0/8", "unreachable 11.0.0.0/8", False),
        ("unreachable 11.0.0.0/8", "11.0.0.0/8 dev eth1", False),
        (
            "11.0.0.0/8 nexthop via 11.8.0.1 dev eth1 weight 1 nexthop via 11.8.0.2 dev eth1 weight 1",
            "11.0.0.0/8 nexthop via 11.8.0.1 dev eth1 weight 1 nexthop via 11.8.0.2 dev eth1 weight 1",
            False,
        ),
    ],
)
def test_same_next_hop(one: str, other: str, same: bool) -> None:
    assert same_next_hop(route(one), route(other)) is same
    assert same_next_hop(route(other), route(one)) is same


@pytest.mark.parametrize(
    ("there", "equal"),
    [
        ("default via 10.65.0.1 dev eth0 proto dhcp metric 100", True),
        ("default via 10.65.0.2 dev eth0", False),
        ("default via 10.65.0.1 dev eth1 onlink", False),
        ("default tos 0x10 via 10.65.0.1 dev eth0", False),
        ("default dev eth0", False),
        ("default nexthop via 10.65.0.1 dev eth0 weight 1 nexthop via 11.8.0.1 dev eth1 weight 1", False),
    ],
)
def test_leads_there(there: str, equal: bool) -> None:
    assert leads_there(route(there), route("default via 10.65.0.1 dev eth0 proto guest-routes")) is equal


@pytest.mark.parametrize(
    ("there", "equal"),
    [
        ("default via fe80::1 dev eth0 proto ra metric 100", True),
        ("default via fe80::1 dev eth0 proto static", True),
        ("default via fd00:65::1 dev eth0", True),
        ("default via fd00:65::2 dev eth0", False),
        ("default via fe80::1 dev eth1 proto ra", False),
        ("unreachable default metric 4278198272", False),
    ],
)
def test_a_link_local_router_on_the_elected_nic_is_the_same_hypervisor(there: str, equal: bool) -> None:
    there = there.replace("unreachable default", "-6 unreachable default") if "unreachable" in there else there
    assert leads_there(route(there), route("default via fd00:65::1 dev eth0 proto guest-routes")) is equal


def test_nexthops_outside() -> None:
    mixed = "default proto static nexthop via 11.8.0.1 dev eth1 weight 1 nexthop via 10.200.0.1 dev tun0 weight 1"
    three = route(f"{mixed} nexthop via 10.200.0.9 dev tun0 weight 2 onlink")._replace(nexthop_id=7)
    (two,) = nexthops_outside(three, frozenset({2, 3}))
    assert ([hop.ifindex for hop in two.nexthops], two.nexthop_id) == ([4, 4], 0)
    (one,) = nexthops_outside(three._replace(nexthops=three.nexthops[:1] + three.nexthops[2:]), frozenset({2, 3}))
    assert (one.nexthops, one.ifindex, one.onlink, one.nexthop_id) == ((), 4, True, 0)
    assert nexthops_outside(three, frozenset({2, 3, 4})) == ()
    assert nexthops_outside(route("default via 10.65.0.1 dev eth0 proto static"), frozenset({2})) == ()
