"""What a NIC's table holds: each kind of route of main, and what the kernel needs before it takes them."""

from __future__ import annotations

from typing import Any, List

import pytest

from guest_routes.model.evidence import Evidence
from guest_routes.model.network import MAIN_TABLE
from guest_routes.model.settings import Settings
from guest_routes.output.route_text import route_text
from guest_routes.routing.decide import decide
from guest_routes.routing.source_routing.tables import _is_no_matter
from tests.support.iproute_text import parse_route
from tests.support.situations import THREE_NICS, TWO_NICS, network, situation, with_tables

BOTH = [
    network("eth0", "10.65.0.7/24", "default 10.65.0.1"),
    network("eth1", "11.8.0.9/24", "default 11.8.0.1", "11.11.0.0/16 11.8.0.1"),
    network("eth0", "fd00:65::7/64", "default fd00:65::1"),
    network("eth1", "fd00:8::9/64", "default fd00:8::1"),
]
ON = Settings(source_routing=True)


def evidence(main: str = "", nics: str = THREE_NICS, networks: List[Any] = BOTH) -> Evidence:
    """The documented instance with these routes, and no table yet."""
    return with_tables(situation(networks, f"{nics}{main}"))


def table(name: str, found: Evidence, family: int = 4) -> List[str]:
    """A NIC's table as `ip route show table` prints it, what every table has left out."""
    plan = decide(found, ON).source_routing
    assert plan is not None
    (one,) = (one for one in plan.tables if (one.nic.name, one.family) == (name, family))
    assert {(route.protocol, route.source) for route in one.routes} == {(121, None)}
    shown = [route._replace(table=MAIN_TABLE, metric=0) for route in one.routes]
    texts = [route_text(route, found.kernel.nics).replace(" proto guest-routes", "") for route in shown]
    return [text for text in texts if text not in ("fe80::/10 dev eth0", "fe80::/10 dev eth1")]


@pytest.mark.parametrize(
    "main, expected",
    [
        pytest.param("", [], id="host routes by the gateway need no copy"),
        pytest.param("10.9.0.0/16 via 11.8.0.50 dev eth1", ["10.9.0.0/16 via 11.8.0.50 dev eth1"], id="router"),
        pytest.param("10.9.0.0/16 via 11.8.0.1 dev eth1", ["10.9.0.0/16 via 11.8.0.1 dev eth1"], id="operator's"),
        pytest.param("10.9.0.0/16 via 11.8.0.50 dev eth1 src 11.8.0.9 metric 5 mtu 1400",
                     ["10.9.0.0/16 via 11.8.0.50 dev eth1 mtu 1400"], id="no source, no metric, its mtu"),
        pytest.param("10.9.0.0/16 via 203.0.113.1 dev eth1 onlink", ["10.9.0.0/16 via 203.0.113.1 dev eth1 onlink"],
                     id="onlink"),
        pytest.param("10.9.0.0/16 via 10.65.0.50 dev eth0", [], id="by the other NIC"),
        pytest.param("10.9.0.0/16 via 10.200.0.1 dev tun0", ["throw 10.9.0.0/16"], id="by a VPN"),
        pytest.param("blackhole 10.9.0.0/16", ["throw 10.9.0.0/16"], id="rejected"),
        pytest.param("unknown 10.9.0.0/16 via 11.8.0.50 dev eth1", ["throw 10.9.0.0/16"], id="not replayable"),
        pytest.param("10.9.0.0/16 via 10.65.0.50 dev eth0 src 11.8.0.9", ["throw 10.9.0.0/16"], id="for this address"),
        pytest.param("10.9.0.0/16 via 10.65.0.50 dev eth0\n10.9.0.0/16 via 11.8.0.50 dev eth1 metric 9",
                     ["10.9.0.0/16 via 11.8.0.50 dev eth1"], id="its own second"),
        pytest.param("10.9.0.0/16 via 10.200.0.1 dev tun0\n10.9.0.0/16 via 11.8.0.50 dev eth1 metric 9",
                     ["throw 10.9.0.0/16"], id="a VPN's first"),
        pytest.param("10.9.0.0/16 nexthop via 10.65.0.50 dev eth0 nexthop via 11.8.0.50 dev eth1",
                     ["10.9.0.0/16 via 11.8.0.50 dev eth1"], id="one leg"),
        pytest.param("10.9.0.0/16 nexthop via 11.8.0.50 dev eth1 nexthop via 11.8.0.51 dev eth1",
                     ["10.9.0.0/16 nexthop via 11.8.0.50 dev eth1 weight 1 nexthop via 11.8.0.51 dev eth1 weight 1"],
                     id="two legs"),
        pytest.param("10.9.0.0/16 nexthop via 10.65.0.50 dev eth0 nexthop via 10.200.0.1 dev tun0",
                     ["throw 10.9.0.0/16"], id="a leg of a VPN"),
        pytest.param("10.9.0.0/16 tos 0x10 via 11.8.0.50 dev eth1", ["10.9.0.0/16 tos 0x10 via 11.8.0.50 dev eth1"],
                     id="tos"),
        pytest.param("default via 10.65.0.1 dev eth0\ndefault dev tun0 scope link metric 5", [],
                     id="a VPN's default behind eth0's"),
    ],
)  # fmt: skip
def test_what_becomes_of_a_route_of_main(main: str, expected: List[str]) -> None:
    found = table("eth1", evidence(main))
    usual = ["11.8.0.0/24 dev eth1 scope link", "throw 10.200.0.0/24", "default via 11.8.0.1 dev eth1"]
    assert sorted(found) == sorted([*usual, *expected])


@pytest.mark.parametrize(
    "legs, expected",
    [
        pytest.param(["via fd00:8::50 dev eth1", "via fd00:8::51 dev eth1"],
                     "fd00:9::/48 nexthop via fd00:8::50 dev eth1 weight 1 nexthop via fd00:8::51 dev eth1 weight 1",
                     id="both"),
        pytest.param(["via fd00:65::50 dev eth0", "via fd00:8::50 dev eth1"], "fd00:9::/48 via fd00:8::50 dev eth1",
                     id="one of two"),
        pytest.param(["via fd00:65::50 dev eth0", "via fd00:200::1 dev tun0"], "throw fd00:9::/48", id="a VPN's"),
        pytest.param(["via fd00:8::50 dev eth1", "via fd00:8::51 dev eth1 metric 2000"],
                     "fd00:9::/48 via fd00:8::50 dev eth1", id="two routes"),
    ],
)  # fmt: skip
def test_an_ipv6_multipath_route_is_one_though_shown_hop_by_hop(legs: List[str], expected: str) -> None:
    found = table("eth1", evidence("\n".join(f"fd00:9::/48 {leg}" for leg in legs)), 6)
    assert [text for text in found if "fd00:9::/48" in text] == [expected]


def test_of_equal_on_link_routes_the_first_one_decides() -> None:
    """IPv6 merges routes by gateways only."""
    found = table("eth1", evidence("fd00:9::/48 dev eth1 metric 5\nfd00:9::/48 dev eth0 metric 5"), 6)
    assert "fd00:9::/48 dev eth1" in found


def test_a_vpn_s_default_before_ours_is_main_s() -> None:
    main = "default dev tun0 scope link\n10.9.0.0/16 via 10.65.0.1 dev eth0 proto static"
    found = table("eth1", evidence(main))
    assert "throw default" in found
    # Main sends these by eth0, and not by the VPN: they leave by eth1's gateway all the same.
    assert {"10.9.0.0/16 via 11.8.0.1 dev eth1", "10.65.0.0/24 via 11.8.0.1 dev eth1"} <= set(found)
    # The host route by its own gateway is no longer what the default says.
    assert "11.11.0.0/16 via 11.8.0.1 dev eth1" in found
    assert found[-1] == "default via 11.8.0.1 dev eth1"


def test_longer_prefixes_decide_as_in_main() -> None:
    main = """
    10.0.0.0/8 via 10.200.0.1 dev tun0
    10.1.0.0/16 via 11.8.0.50 dev eth1
    10.1.1.0/24 via 10.65.0.50 dev eth0
    10.2.0.0/16 via 10.65.0.50 dev eth0
    11.0.0.0/8 via 11.8.0.50 dev eth1
    """
    found = table("eth1", evidence(main))
    assert set(found) == {
        "11.8.0.0/24 dev eth1 scope link",
        "throw 10.0.0.0/8",
        "throw 10.200.0.0/24",
        "10.1.0.0/16 via 11.8.0.50 dev eth1",
        "10.2.0.0/16 via 11.8.0.1 dev eth1",  # Main's by eth0, inside what is thrown.
        "10.65.0.0/24 via 11.8.0.1 dev eth1",
        "11.0.0.0/8 via 11.8.0.50 dev eth1",
        "11.11.0.0/16 via 11.8.0.1 dev eth1",  # The host route, inside what goes by a router.
        "default via 11.8.0.1 dev eth1",
    }
    other = set(table("eth0", evidence(main)))
    assert {"10.1.1.0/24 via 10.65.0.50 dev eth0", "10.1.0.0/16 via 10.65.0.1 dev eth0"} <= other
    assert not [text for text in other if text.startswith("11.")]


def test_several_routes_to_the_host_route_s_destination() -> None:
    found = table("eth0", evidence("11.11.0.0/16 via 10.65.0.50 dev eth0 metric 7"))
    assert "11.11.0.0/16 via 10.65.0.50 dev eth0" in found  # Main's first is eth1's; this one leads through eth0.
    thrown = table("eth1", evidence("11.11.0.0/16 via 10.200.0.1 dev tun0 metric 7"))
    assert "throw 11.11.0.0/16" not in thrown


def test_two_equal_routes_by_the_gateway_need_no_copy_either() -> None:
    both = "11.11.0.0/16 via 11.8.0.1 dev eth1 metric 7\n11.11.0.0/16 via 11.8.0.1 dev eth1 proto static metric 9"
    assert not [text for text in table("eth1", evidence(both)) if text.startswith("11.11.")]
    third = table("eth1", evidence(f"{both}\n11.11.0.0/16 via 11.8.0.50 dev eth1 metric 11"))
    assert "11.11.0.0/16 via 11.8.0.1 dev eth1" in third


def test_routes_stand_in_the_order_that_the_kernel_takes_them() -> None:
    found = table("eth1", evidence("10.9.0.0/16 via 11.8.0.50 dev eth1"))
    assert found == [
        "11.8.0.0/24 dev eth1 scope link", "10.9.0.0/16 via 11.8.0.50 dev eth1", "throw 10.200.0.0/24",
        "default via 11.8.0.1 dev eth1",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "own, gateway, family, expected",
    [
        pytest.param("11.8.0.9/32", "169.254.1.1", 4,
                     ["169.254.1.1 dev eth1 scope link", "default via 169.254.1.1 dev eth1"], id="ipv4"),
        pytest.param("fd00:8::9/128", "fd00:1::1", 6,
                     ["fd00:8::9 dev eth1", "fd00:1::1 dev eth1", "default via fd00:1::1 dev eth1"], id="ipv6"),
        pytest.param("fd00:8::9/128", "fe80::1", 6,
                     ["fd00:8::9 dev eth1", "default via fe80::1 dev eth1"], id="link-local"),
    ],
)  # fmt: skip
def test_a_gateway_outside_has_its_own_route(own: str, gateway: str, family: int, expected: List[str]) -> None:
    found = evidence("", f"nic eth1 fa:16:3e:00:00:01 {own}", [network("eth1", own, f"default {gateway}")])
    assert sorted(table("eth1", found, family)) == sorted(expected)


def test_a_gateway_that_a_router_s_prefix_covers_is_on_link_all_the_same() -> None:
    nics = "nic eth1 fa:16:3e:00:00:01 fd00:8::9/128"
    main = "\nfd00:1::/64 via fe80::5 dev eth1 proto static"
    found = table("eth1", evidence(main, nics, [network("eth1", "fd00:8::9/128", "default fd00:1::1")]), 6)
    assert "fd00:1::1 dev eth1" in found


def test_ipv6() -> None:
    main = "fd00:9::/64 via fd00:8::50 dev eth1 proto static\nfd00:10::/64 via fd00:65::50 dev eth0 proto static"
    assert table("eth1", evidence(main), 6) == [
        "fd00:8::/64 dev eth1", "fd00:9::/64 via fd00:8::50 dev eth1", "throw fd00:200::/64",
        "default via fd00:8::1 dev eth1",
    ]  # fmt: skip


def test_a_copy_that_the_kernel_would_refuse_is_thrown() -> None:
    """An on-link gateway of IPv6 in the other NIC's subnet: main has the route, and goes on having it."""
    main = "fd00:9::/64 via fd00:65::50 dev eth1 onlink\nfd00:a::/64 via fd00:aa::1 dev eth1 onlink"
    found = table("eth1", evidence(main), 6)
    assert "throw fd00:9::/64" in found
    assert "fd00:a::/64 via fd00:aa::1 dev eth1 onlink" in found


@pytest.mark.parametrize("main, family", [
    ("10.9.0.0/16 via 10.65.0.50 dev eth1 onlink", 4),  # IPv4 looks at no table for it.
    ("fd00:9::/64 via fe80::50 dev eth1 onlink", 6),  # Of its own link in any case.
])  # fmt: skip
def test_a_copy_that_only_looks_so_stays(main: str, family: int) -> None:
    nics = f"{THREE_NICS}8000::/1 via fd00:65::50 dev eth0 proto static\n"
    assert main in table("eth1", evidence(main, nics), family)


def test_metrics_keep_copies_before_the_gateway_s_default() -> None:
    plan = decide(evidence(), ON).source_routing
    assert plan is not None
    for one in plan.tables:
        metrics = [route.metric for route in one.routes]
        assert set(metrics[:-1]) == {0 if one.family == 4 else 1023}
        assert metrics[-1] == 1024


def test_the_rules_are_for_the_nic_s_own_addresses() -> None:
    nics = TWO_NICS.replace("11.8.0.9/24", "11.8.0.9/24 11.8.0.10/24 169.254.3.4/16 fe80::1/64")
    plan = decide(evidence("", nics), ON).source_routing
    assert plan is not None
    rules = {str(rule.source): rule.table for one in plan.tables for rule in one.rules}
    assert rules == {
        "10.65.0.7/32": 12102, "fd00:65::7/128": 12102, "11.8.0.9/32": 12103, "11.8.0.10/32": 12103,
        "fd00:8::9/128": 12103,
    }  # fmt: skip
    assert {rule.priority for one in plan.tables for rule in one.rules} == {32765}
    assert not any(rule.plain for one in plan.tables for rule in one.rules)


def test_a_table_that_follows_main() -> None:
    plan = decide(evidence("default dev tun0 scope link"), ON).source_routing
    assert plan is not None
    defaults = [route for one in plan.tables for route in one.routes if route.destination.is_default]
    assert {route.family for route in defaults if route.gateway is None} == {4}


@pytest.mark.parametrize("text, matters", [
    ("fd11::/16 via fd00:8::1 dev eth1", True),
    ("fe80::/64 dev eth1", False), ("ff00::/8 dev eth1", False), ("fec0::/10 dev eth1", True),
    ("169.254.0.0/16 dev eth1", True), ("255.0.0.0/8 dev eth1", True),
])  # fmt: skip
def test_what_of_main_the_tables_don_t_depend_on(text: str, matters: bool) -> None:
    route = parse_route(text, situation([], THREE_NICS).kernel.nics)
    assert _is_no_matter(route) != matters
    assert _is_no_matter(route._replace(unwritable="source"))
