"""Which addresses can be a gateway at all."""

from __future__ import annotations

from typing import Optional

import pytest

from guest_routes.model.decision import Binding
from guest_routes.model.network import Nic, parse_address, parse_prefix
from guest_routes.model.network_data import Network
from guest_routes.routing.eligible import Eligible, Refusal

OWN = ("10.65.0.7/24", "10.9.0.4/31", "fd00:65::7/64", "fe80::7/64")
ETH0 = Nic(2, "eth0", addresses=tuple(map(parse_prefix, OWN)))
ETH1 = Nic(3, "eth1", addresses=tuple(map(parse_prefix, ("11.8.0.9/24", "fe80::1/64"))))
NETWORK = Network(0, "n0", "tap0", "ipv4", 4, parse_prefix("10.77.0.7/24"))
ON_ETH0 = Binding(NETWORK, None, ETH0)


@pytest.mark.parametrize(
    ("gateway", "refusal"),
    [
        ("10.65.0.1", None),
        ("10.65.0.7", Refusal("next-hop", "eth0")),
        ("11.8.0.9", Refusal("next-hop", "eth1")),
        ("10.77.0.7", Refusal("next-hop", "networks[0]")),
        ("10.65.0.0", Refusal("network", "10.65.0.0/24")),
        ("10.65.0.255", Refusal("broadcast", "10.65.0.0/24")),
        ("10.77.0.255", Refusal("broadcast", "10.77.0.0/24")),
        ("11.8.0.255", None),  # Of another NIC's subnet.
        ("10.9.0.5", None),  # Both addresses of 31 bits are hosts'.
        ("fd00:65::7", Refusal("next-hop", "eth0")),
        ("fd00:65::", None),
        ("fe80::7", Refusal("next-hop", "eth0")),
        ("fe80::1", None),  # Another NIC's; here it may be a router's.
    ],
)
def test_refusal(gateway: str, refusal: Optional[Refusal]) -> None:
    assert Eligible([ON_ETH0], (ETH0, ETH1)).refusal(parse_address(gateway), ON_ETH0) == refusal
