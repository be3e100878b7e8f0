"""The longest subnet that an address is in, and the networks that have it."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Sequence, Tuple

import pytest

from guest_routes.model.network import MAIN_TABLE, KernelState, Nic, Prefix, Rule, parse_address, parse_prefix
from guest_routes.model.settings import Settings
from guest_routes.routing.bind import bind
from guest_routes.routing.next_hops import needs_onlink
from guest_routes.routing.subnets import Subnets, is_before_main, is_connected, with_unrouted
from tests.support.iproute_text import parse_route
from tests.support.situations import TWO_NICS, network, situation

NETWORKS = [
    network("eth0", "10.65.0.7/24", "default 10.65.0.1"),
    network("eth1", "10.65.0.200/25", "default 10.65.0.129"),
    network("eth1", "fd00:8::9/64"),
    network("eth0", "10.65.0.8/24"),
]


def home(address: str) -> Optional[Tuple[str, List[int]]]:
    bindings, _ = bind(situation(NETWORKS, TWO_NICS), Settings())
    found = Subnets(bindings).home(parse_address(address))
    return found and (str(found[0]), [one.network.index for one in found[1] if one.network])


@pytest.mark.parametrize(
    "address, subnet, networks",
    [
        ("10.65.0.1", "10.65.0.0/24", [0, 3]),
        ("10.65.0.127", "10.65.0.0/24", [0, 3]),
        ("10.65.0.128", "10.65.0.128/25", [1]),  # the longest counts
        ("11.8.0.1", "11.8.0.0/24", [1]),  # as its NIC has it, though the document doesn't say so
        ("fd00:8::1", "fd00:8::/64", [2]),
    ],
)
def test_a_home(address: str, subnet: str, networks: List[int]) -> None:
    assert home(address) == (subnet, networks)


@pytest.mark.parametrize(
    "address",
    [
        "10.66.0.1",
        "fd00:9::1",
        "fd00:65::1",  # eth0 has no IPv6 network in the document
        "fe80::1",  # every NIC has that subnet
    ],
)
def test_no_home(address: str) -> None:
    assert home(address) is None


def test_a_subnet_that_is_described_for_a_nic_is_not_anothers_that_has_an_address_in_it() -> None:
    kernel = TWO_NICS.replace("10.65.0.7/24", "10.65.0.7/24 11.8.0.50/24")
    networks = [network("eth0", "10.65.0.7/24"), network("eth1", "11.8.0.9/24")]

    def homes(text: str, *, documented: bool = False) -> List[int]:
        bindings, _ = bind(situation(networks, text), Settings())
        found = Subnets(bindings, documented).home(parse_address("11.8.0.1"))
        return [one.network.index for one in found[1] if one.network] if found else []

    assert homes(kernel) == homes(kernel, documented=True) == [1]
    without = kernel.replace("nic eth1 fa:16:3e:00:00:01 11.8.0.9/24", "nic eth1 fa:16:3e:00:00:09")
    assert homes(without) == [0, 1]
    networks.pop()
    assert (homes(kernel), homes(kernel, documented=True)) == ([0], [])


ADDRESSES = "11.8.0.9/24 11.8.0.10/24 10.1.0.1/32 fe80::9/64 fd00:8::9/64"
ETH1 = Nic(3, "eth1", addresses=tuple(map(parse_prefix, ADDRESSES.split())))
FOUR, SIX = "11.8.0.0/24 dev eth1 proto kernel scope link", "fd00:8::/64 dev eth1 proto ra metric 101"


@pytest.mark.parametrize(
    ("routes", "left"),
    [
        ([FOUR, SIX], []),
        ([SIX], ["11.8.0.9/24", "11.8.0.10/24"]),
        ([FOUR], ["fd00:8::9/64"]),
        ([FOUR, "fd00:8::/64 via fe80::1 dev eth1", "fd00:8::/48 dev eth1"], ["fd00:8::9/64"]),
        ([SIX, "11.8.0.0/24 dev eth0 scope link", "11.8.0.0/25 dev eth1 scope link"], ["11.8.0.9/24", "11.8.0.10/24"]),
        ([SIX, "unreachable 11.8.0.0/24"], ["11.8.0.9/24", "11.8.0.10/24"]),
    ],
)
def test_addresses_without_a_route_on_link(routes: List[str], left: List[str]) -> None:
    state = KernelState((ETH1,), tuple(parse_route(one, (ETH1, Nic(2, "eth0"))) for one in routes))
    (nic,) = with_unrouted(state).nics
    assert [str(one) for one in nic.unrouted] == left
    assert [needs_onlink(nic, parse_address(one)) for one in ("11.8.0.1", "fd00:8::1")] == [
        any(family in one for one in left) for family in (".", ":")
    ]
    assert needs_onlink(nic, parse_address("10.1.0.2")) and not needs_onlink(nic, parse_address("fe80::1"))


def test_each_nic_has_its_own_of_them() -> None:
    eth0 = Nic(2, "eth0", addresses=(parse_prefix("10.65.0.7/24"),))
    found = with_unrouted(KernelState((eth0, ETH1), (parse_route(SIX, (eth0, ETH1)),))).nics
    assert [list(map(str, one.unrouted)) for one in found] == [["10.65.0.7/24"], ["11.8.0.9/24", "11.8.0.10/24"]]


@pytest.mark.parametrize("nic", [{"up": False}, {"master": 9}])
def test_addresses_whose_routes_are_elsewhere(nic: Dict[str, Any]) -> None:
    vrf = Nic(9, "vrf0", kind="vrf")
    state = KernelState((ETH1._replace(**nic), vrf), ())
    assert with_unrouted(state) == state


@pytest.mark.parametrize(
    ("rules", "before"),
    [
        ([], False),
        ([Rule(6, 100, 100, True)], True),
        ([Rule(4, 100, 100, True)], False),
        ([Rule(6, 100, MAIN_TABLE, True), Rule(6, 200, 100, True)], False),
        ([Rule(6, 100, 77, True), Rule(6, 200, 100, True)], True),
        ([Rule(6, 100, 100, False, restricted=True)], False),
        # What a rule leaves out of the table by its length, it doesn't leave out here.
        ([Rule(6, 100, 100, False, restricted=True, suppresses=0)], True),
        ([Rule(6, 100, 100, False, among=Prefix(bytes(16), 64), restricted=True, suppresses=0)], False),
    ],
)
def test_a_table_that_is_looked_up_before_main(rules: Sequence[Rule], before: bool) -> None:
    state = KernelState((), (), (*rules, Rule(6, 32766, MAIN_TABLE, True)))
    assert is_before_main(state, 6, 100) is before
    assert not is_before_main(state, 6, MAIN_TABLE)


@pytest.mark.parametrize(
    ("text", "connected"),
    [
        ("10.65.0.0/24 dev eth0 proto static scope link", True),
        ("10.65.0.128/25 dev eth0 proto static scope link", True),
        ("10.65.0.0/16 dev eth0 proto kernel scope link", True),
        ("0.0.0.0/1 dev eth0 proto static scope link", False),
        ("11.8.0.0/24 dev eth0 proto dhcp scope link", False),
        ("10.65.0.0/24 via 10.65.0.1 dev eth0", False),
        ("unreachable 10.65.0.0/24", False),
        ("fd00:66::/64 dev eth0 proto ra", True),
    ],
)
def test_which_routes_are_a_subnets(text: str, connected: bool) -> None:
    nics = (Nic(2, "eth0", addresses=(parse_prefix("10.65.0.7/24"),)), Nic(3, "eth1"))
    assert is_connected(parse_route(text, nics), nics) is connected
