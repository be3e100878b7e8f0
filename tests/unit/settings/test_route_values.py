"""Host routes, gateways and selectors of the settings, in every form that they may be written in."""

from __future__ import annotations

from typing import Any

import pytest

from guest_routes.model.network import parse_address, parse_prefix
from guest_routes.model.network_data import HostRoute
from guest_routes.model.settings import GatewaySetting, Selector
from guest_routes.settings.route_values import default, gateway, host_route, ignored_destination
from guest_routes.settings.values import Place

HERE = Place("x.yaml", "key", 3)
MAC = bytes.fromhex("fa163e000001")


@pytest.mark.parametrize("value", [
    "11.11.0.0/16,11.8.0.1", " 11.11.0.0/16 , 11.8.0.1 ", {"destination": "11.11.0.0/16", "nexthop": "11.8.0.1"},
    "11.11.7.9/16,11.8.0.1",
])  # fmt: skip
def test_a_host_route(value: object) -> None:
    expected = HostRoute(parse_prefix("11.11.0.0/16"), parse_address("11.8.0.1"), "x.yaml", -1, 3)
    assert host_route(value, HERE) == expected


def test_a_default_entry() -> None:
    assert str(host_route(" ::/0,fe80::1", HERE)) == "::/0,fe80::1"


def test_an_address_alone_is_one_host() -> None:
    assert host_route("fd11::7,fe80::1", HERE).destination == parse_prefix("fd11::7/128")


@pytest.mark.parametrize("value, problem", [
    ("11.11.0.0/16", "must be destination,nexthop, such as 11.11.0.0/16,11.8.0.1"),
    ("a,b,c", "must be destination,nexthop, such as 11.11.0.0/16,11.8.0.1"),
    (None, "must be destination,nexthop, such as 11.11.0.0/16,11.8.0.1"),
    ("default,11.8.0.1", "a default route is written 0.0.0.0/0 or ::/0"),
    ("10.0.0.0/0,11.8.0.1", "10.0.0.0/0 is no destination; the default route is 0.0.0.0/0"),
    ("::/0,11.8.0.1", "IPv6 destination with an IPv4 next hop"),
    ("destination=10.2.0.0/16", "write it as 10.2.0.0/16,11.8.0.1"),
    ("gateway=11.8.0.2", "write it as 11.11.0.0/16,11.8.0.2"),
    ("destination=10.2.0.0/16, nexthop=11.8.0.2", "write it as 10.2.0.0/16,11.8.0.2"),
    ("fd11::/48,11.8.0.1", "IPv6 destination with an IPv4 next hop"),
    ("127.0.0.0/8,11.8.0.1", "127.0.0.0/8 is loopback: no destination for a host route"),
    ("11.11.0.0/33,11.8.0.1", "prefix length must be 0 to 32"), ("x/8,11.8.0.1", '"x" is not an IP address'),
    ("11.11.0.0/16,ff02::1", "ff02::1 can't be a next hop"),
    ({"destination": "11.11.0.0/16"}, "needs both `destination` and `nexthop`"),
    ({"destination": "11.11.0.0/16", "via": "x"}, "no such key: via; it has `destination` and `nexthop`"),
    ({"destination": 7, "nexthop": "11.8.0.1"}, "must be destination,nexthop: the destination is not text"),
    ({"destination": "11.11.0.0/16", "nexthop": []}, "must be destination,nexthop: the nexthop is not text"),
])  # fmt: skip
def test_what_is_no_host_route(value: object, problem: str) -> None:
    with pytest.raises(ValueError) as caught:
        host_route(value, HERE)
    assert str(caught.value) == problem


SELECTORS = [
    ("nic=eth0", Selector(nic="eth0")),
    ({"nic": "eth0"}, Selector(nic="eth0")),
    (" nic = eth0 ", Selector(nic="eth0")),
    ("mac=FA-16-3e-00-00-01", Selector(mac=MAC)),
    ({"mac": "fa:16:3e:00:00:01"}, Selector(mac=MAC)),
    ("network=network0", Selector(network="network0")),
    ("subnet=10.65.0.7/24", Selector(subnet=parse_prefix("10.65.0.0/24"))),
]


@pytest.mark.parametrize("value, expected", [("auto", None), *SELECTORS])
def test_the_nic_of_the_default_route(value: object, expected: Any) -> None:
    assert default(value, HERE) == expected


@pytest.mark.parametrize("value, problem", [
    ("eth0", "must be auto, nic=eth0, "), ("nix=eth0", "must be nic=eth0, .*did you mean \"nic\""),
    ({}, "needs exactly"),
    ({"nic": "a", "mac": "b"}, "needs exactly one of nic, mac, network, subnet"), ({7: "a"}, "must be nic=eth0, "),
    ("nic=" + "x" * 16, "nic must be the name of a NIC: at most 15"), ("nic=a/b", "nic must be the name of a NIC"),
    ("nic=a b", "nic must be the name of a NIC"), ("network=", "must be network=TEXT"),
    ("subnet=x", "not an IP address"),
    ("mac=fa:16:3e:00:00", "mac must be 6 bytes"), ("mac=fa:16:3e:00:00:0g", "mac must be 6 bytes"),
    ({"mac": 41135085296}, 'put it in quotes: "52:54:00:12:34:56"'), (41135085296, "put it in quotes"),
    (None, "must be auto, nic=eth0, "),
])  # fmt: skip
def test_what_names_no_nic(value: object, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        default(value, HERE)


@pytest.mark.parametrize("written, selector", [
    ("eth1", Selector(nic="eth1")), ("fa:16:3e:00:00:01", Selector(mac=MAC)),
    ("11.8.0.9/24", Selector(subnet=parse_prefix("11.8.0.0/24"))),
    ("3fa85f64-5717-4562-b3fc-2c963f66afa6", Selector(network="3fa85f64-5717-4562-b3fc-2c963f66afa6")),
    ("network=eth1", Selector(network="eth1")),
])  # fmt: skip
def test_a_gateway_by_text_and_by_pair(written: str, selector: Selector) -> None:
    expected = GatewaySetting(selector, parse_address("11.8.0.1"), f"gateways[{written}] of x.yaml")
    assert gateway((written, "11.8.0.1"), HERE) == expected
    assert gateway(f"{written}=11.8.0.1", HERE) == expected


@pytest.mark.parametrize("value, problem", [
    ("11.8.0.1", "must be selector=address, such as eth1=11.8.0.1"), (["eth1"], "must be selector=address"),
    (("eth1", "0.0.0.0"), "0.0.0.0 can't be a next hop"), (("eth1", None), "must be an IP address"),
    (("", "11.8.0.1"), "must be the name of a NIC, a MAC"), ((41135085296, "11.8.0.1"), "put it in quotes"),
])  # fmt: skip
def test_what_is_no_gateway(value: object, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        gateway(value, HERE)


def test_an_ignored_destination_is_masked() -> None:
    assert ignored_destination("11.11.7.9/16", HERE) == parse_prefix("11.11.0.0/16")
    with pytest.raises(ValueError, match=r"must be a prefix such as 11\.11\.0\.0/16"):
        ignored_destination(7, HERE)
