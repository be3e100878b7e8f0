"""Routes as `ip route` prints them, tables, numbers and ages."""

from __future__ import annotations

from typing import Any, Dict

import pytest

from guest_routes.model.network import PROTOCOL_BOOT, Route
from guest_routes.output.route_text import age_text, counted, kind_text, route_json, route_text, span_text, table_text
from tests.support.reports import ETH0, ETH1, prefix, route

NICS = (ETH0, ETH1)


@pytest.mark.parametrize(
    "text",
    [
        "default via 10.65.0.1 dev eth0 proto static",
        "11.11.3.4 via 11.8.0.1 dev eth1 proto guest-routes metric 5 onlink",
        "10.65.0.0/24 dev eth0 proto kernel scope link src 10.65.0.7",
        "blackhole 11.12.0.0/16 proto 77",
        "unreachable 11.12.0.0/16 proto static",
        "11.12.0.0/16 tos 0x10 via 11.8.0.1 dev eth1 table 100 proto static",
        "11.12.0.0/16 via inet6 fe80::1 dev eth1 proto static",
        "11.12.0.0/16 via 11.8.0.1 dev if99 proto boot",
        "11.12.0.0/16 via 11.8.0.1 dev eth1 proto dhcp mtu 1400 advmss 1360 metric-18 9",
        "11.12.0.0/16 nhid 7 via 11.8.0.1 dev eth1 proto static realms 5/7 mtu lock 1400 congctl lock reno rto_min 5ms",
        "default proto static nexthop via 10.65.0.1 dev eth0 weight 1 nexthop via 11.8.0.1 dev eth1 weight 3 realms 4",
        "default via fd00:8::1 dev eth1 proto static metric 1024 weight 5 features ecn expires 600",
        "default proto static nexthop via 10.65.0.1 dev eth0 weight 1 nexthop via 11.8.0.1 dev eth1 weight 3 onlink",
        "fd00:11:11::/48 via fd00:8::1 dev eth1 proto ra metric 1024 pref high",
        "fd00::5 via fd00:8::1 dev eth1 proto redirect metric 1024 pref low",
    ],
)
def test_a_route_is_shown_as_ip_route_prints_it(text: str) -> None:
    assert route_text(route(text), NICS) == text


@pytest.mark.parametrize("why, shown", [("encap", "encap ..."), ("source", "from ..."), ("attributes", "...")])
def test_what_cannot_be_shown_is_left_out(why: Any, shown: str) -> None:
    odd = route("11.12.0.0/16 via 11.8.0.1 dev eth1 proto static")._replace(kind=0, unwritable=why)
    assert route_text(odd, NICS) == f"11.12.0.0/16 {shown} via 11.8.0.1 dev eth1 proto static"


def test_of_a_hidden_route_what_is_known_is_shown() -> None:
    hidden = route("default via fd00:8::2 dev eth1 metric 9")._replace(kind=0, protocol=0, nexthop_id=7)
    assert route_text(hidden._replace(unwritable="hidden"), NICS) == "default via fd00:8::2 dev eth1 metric 9"


def test_ipv6_shows_what_leads_nowhere_with_the_loopback() -> None:
    nowhere = route("fd00:11:11::/48 dev eth0 proto static metric 1024")._replace(ifindex=1, kind=7)
    assert route_text(nowhere, NICS) == "unreachable fd00:11:11::/48 dev lo proto static metric 1024"


def test_numbers_without_a_name_are_shown_as_numbers() -> None:
    odd = Route(prefix("11.12.0.0/16"), None, 2, protocol=PROTOCOL_BOOT, kind=42, scope=7, preference=2)
    assert route_text(odd, NICS) == "42 11.12.0.0/16 dev eth0 proto boot scope 7 pref 2"


def test_a_table_has_its_defaults_first_and_no_housekeeping_of_ipv6() -> None:
    routes = [
        route(text)
        for text in (
            "fe80::/64 dev eth0 proto kernel metric 256",
            "ff00::/8 dev eth0 proto kernel metric 256",
            "fd00:8::/64 dev eth1 proto kernel metric 256",
            "11.11.0.0/16 via 11.8.0.1 dev eth1 proto guest-routes",
            "default via 10.65.0.1 dev eth0 proto dhcp metric 101",
            "default via 11.8.0.1 dev eth1 proto dhcp metric 100",
        )
    ]
    assert table_text(routes, NICS).splitlines() == [
        "default via 11.8.0.1 dev eth1 proto dhcp metric 100",
        "default via 10.65.0.1 dev eth0 proto dhcp metric 101",
        "11.11.0.0/16 via 11.8.0.1 dev eth1 proto guest-routes",
        "fd00:8::/64 dev eth1 proto kernel metric 256",
    ]


@pytest.mark.parametrize(
    "number, plural, text",
    [(0, "", "0 routes"), (1, "", "1 route"), (12345, "", "12,345 routes"), (2, "ways", "2 ways")],
)
def test_counted(number: int, plural: str, text: str) -> None:
    assert counted(number, "route", plural) == text


@pytest.mark.parametrize(
    "seconds, text",
    [
        (0, "0 s"),
        (119, "119 s"),
        (120, "2 min"),
        (7199, "120 min"),
        (7200, "2 h"),
        (172799, "48 h"),
        (172800, "2 days"),
        (864000, "10 days"),
    ],
)
def test_a_span_has_the_largest_fitting_unit(seconds: float, text: str) -> None:
    assert span_text(seconds) == text


def test_ages() -> None:
    assert (age_text(1.9), age_text(2), age_text(7200)) == ("just now", "2 s ago", "2 h ago")


@pytest.mark.parametrize(
    "text, more",
    [
        ("10.2.0.0/16 via 10.65.0.1 dev eth0 metric 5 onlink", {"metric": 5, "flags": ["onlink"]}),
        ("10.2.0.7 dev eth0 scope link src 10.65.0.7", {"gateway": None, "scope": "link", "prefsrc": "10.65.0.7"}),
        ("10.2.0.0/16 via inet6 fe80::1 dev eth0", {"gateway": None, "via": {"family": "inet6", "host": "fe80::1"}}),
        ("blackhole 10.2.0.0/16", {"type": "blackhole", "dev": None, "gateway": None}),
        ("10.2.0.0/16 via 10.65.0.1 dev eth0 table 100 proto dhcp", {"table": "100", "protocol": "dhcp"}),
        ("10.2.0.0/16 via 10.65.0.1 dev eth0 proto 77", {"protocol": "77"}),
        (
            "10.2.0.0/16 nexthop via 10.65.0.1 dev eth0 weight 2 nexthop via inet6 fe80::1 dev eth1 weight 1 onlink",
            {
                "gateway": None,
                "dev": None,
                "nexthops": [
                    {"gateway": "10.65.0.1", "dev": "eth0", "weight": 2, "flags": []},
                    {
                        "gateway": None,
                        "via": {"family": "inet6", "host": "fe80::1"},
                        "dev": "eth1",
                        "weight": 1,
                        "flags": ["onlink"],
                    },
                ],
            },
        ),
    ],
)
def test_a_route_as_an_object(text: str, more: Dict[str, Any]) -> None:
    nics = (ETH0, ETH1)
    parsed = route(text, nics)
    value = route_json(parsed, nics)
    usual = {
        "text": route_text(parsed, nics),
        "family": 4,
        "dst": "10.2.0.7" if "10.2.0.7" in text else "10.2.0.0/16",
        "gateway": "10.65.0.1",
        "dev": "eth0",
        "protocol": "boot",
        "metric": 0,
        "flags": [],
    }
    assert value == {**usual, **more}


def test_a_route_as_an_object_of_ipv6_by_an_object_and_through_a_nic_that_has_gone() -> None:
    value = route_json(
        route("default via fe80::1 dev eth0 metric 1024")._replace(nexthop_id=7, ifindex=9), (ETH0, ETH1)
    )
    assert (value["family"], value["dst"], value["nhid"], value["dev"]) == (6, "default", 7, "if9")


def test_what_a_kind_of_route_is_called() -> None:
    assert [kind_text(kind) for kind in (6, 9, 77)] == ["blackhole", "throw", "77"]
