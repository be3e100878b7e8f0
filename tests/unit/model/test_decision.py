"""Bindings: which NIC, whether it can be used, and which selector means it."""

from __future__ import annotations

from typing import Any

import pytest

from guest_routes.model.decision import Binding
from guest_routes.model.network import Nic, parse_address, parse_prefix
from guest_routes.model.network_data import Link, Network
from guest_routes.model.settings import Selector

MAC, CHANGED = bytes.fromhex("fa163e000000"), bytes.fromhex("fa163e0000ff")
NETWORK = Network(0, "net-id", "tap0", "ipv4", 4, parse_prefix("10.65.0.7/24"), network_id="neutron-id")
LINK = Link(0, "tap0", "tap", MAC)
NIC = Nic(2, "eth0", CHANGED, addresses=(parse_prefix("10.65.0.7/24"), parse_prefix("12.0.0.7/8")))
BOUND = Binding(NETWORK, LINK, NIC)


def nic(*addresses: str, **fields: Any) -> Nic:
    return NIC._replace(addresses=tuple(map(parse_prefix, addresses)), **fields)


@pytest.mark.parametrize(
    ("found", "usable", "unaddressed"),
    [
        (nic("10.65.0.7/24"), True, True),
        (nic(), False, True),
        (nic("fd00::7/64"), False, True),
        (nic("10.65.0.7/24", up=False), False, False),
        (None, False, False),
    ],
)
def test_usable(found: Nic, usable: bool, unaddressed: bool) -> None:
    binding = BOUND._replace(nic=found)
    assert (binding.is_usable(), binding.is_usable(unaddressed=True)) == (usable, unaddressed)


def test_a_link_local_address_is_not_enough_for_ipv6() -> None:
    six = BOUND._replace(network=NETWORK._replace(family=6, address=None))
    assert not six._replace(nic=nic("fe80::1/64")).addressed
    assert six._replace(nic=nic("fe80::1/64", "fd00::7/64")).addressed


def test_the_family() -> None:
    assert BOUND.family == 4
    assert BOUND._replace(network=NETWORK._replace(family=6)).family == 6
    alone = Binding(None, None, NIC, parse_address("10.65.0.1"))
    assert (alone.family, alone._replace(gateway=parse_address("fd00::1")).family) == (4, 6)


def test_subnets_described_first_then_present_each_once() -> None:
    assert [str(one) for one in BOUND.subnets] == ["10.65.0.0/24", "12.0.0.0/8"]
    assert [str(one) for one in BOUND._replace(nic=None).subnets] == ["10.65.0.0/24"]
    assert [str(one) for one in BOUND._replace(network=None, nic=nic("13.0.0.7/8")).subnets] == ["13.0.0.0/8"]


@pytest.mark.parametrize(
    ("selector", "chosen"),
    [
        (Selector(nic="eth0"), True),
        (Selector(nic="eth1"), False),
        (Selector(mac=MAC), True),
        (Selector(mac=CHANGED), True),
        (Selector(mac=bytes(6)), False),
        (Selector(network="net-id"), True),
        (Selector(network="neutron-id"), True),
        (Selector(network="other"), False),
        (Selector(subnet=parse_prefix("10.65.0.0/24")), True),
        (Selector(subnet=parse_prefix("10.65.0.99/24")), True),
        (Selector(subnet=parse_prefix("12.0.0.0/8")), True),
        (Selector(subnet=parse_prefix("10.65.0.0/25")), False),
    ],
    ids=str,
)
def test_chosen_by(selector: Selector, chosen: bool) -> None:
    assert BOUND.chosen_by(selector) is chosen


def test_what_is_absent_is_chosen_by_what_is_known_of_it() -> None:
    absent = BOUND._replace(nic=None)
    assert absent.chosen_by(Selector(mac=MAC))
    assert absent.chosen_by(Selector(network="net-id"))
    assert not absent.chosen_by(Selector(nic="eth0"))
    assert not absent._replace(link=None).chosen_by(Selector(mac=MAC))
    assert not absent._replace(network=None).chosen_by(Selector(network="net-id"))
