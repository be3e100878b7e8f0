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
