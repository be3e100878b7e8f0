"""The longest subnet that an address is in, and the networks that have it."""

from __future__ import annotations

from typing import List, Optional, Tuple

import pytest

from guest_routes.model.network import parse_address
from guest_routes.model.settings import Settings
from guest_routes.routing.bind import bind
from guest_routes.routing.subnets import Subnets
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
