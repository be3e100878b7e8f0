"""What each NIC should have, for whoever configures it by other means than the kernel's table."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Tuple

import pytest

from guest_routes.model.network import parse_address
from guest_routes.model.settings import GatewaySetting, Selector, Settings
from guest_routes.routing.decide import decide
from guest_routes.routing.per_nic import GatewayRoute, NicRoutes, nic_routes
from guest_routes.routing.project import project
from tests.support.situations import TWO_NICS, network, situation, wanted

NETWORKS = [
    network("eth0", "10.65.0.7/24", "default 10.65.0.1", "11.11.0.0/16 11.8.0.1"),
    network("eth1", "11.8.0.9/24", "default 11.8.0.1", "12.0.0.0/8 10.65.0.1"),
    network("eth1", "fd00:8::9/64", "default fd00:8::1", "fd11::/16 fd00:8::1"),
]

Networks = List[Dict[str, Any]]


def found(networks: Networks, settings: Optional[Settings] = None, kernel: str = TWO_NICS) -> List[NicRoutes]:
    settings = settings or Settings()
    evidence = project(situation(networks, kernel), settings)
    return list(nic_routes(decide(evidence, settings), settings))


def texts(routes: Tuple[Any, ...]) -> List[str]:
    from guest_routes.model.network import address_text

    return [f"{one.destination} {address_text(one.gateway)}{' onlink' * one.onlink}" for one in routes]


def test_each_nic_of_the_document() -> None:
    eth0, eth1 = found(NETWORKS)
    assert (eth0.nic.name, [str(a) for a in eth0.addresses]) == ("eth0", ["10.65.0.7/24"])
    assert (texts(eth0.default), eth0.barred) == (["0.0.0.0/0 10.65.0.1"], (6,))
    assert texts(eth0.routes) == ["12.0.0.0/8 10.65.0.1"]
    assert (eth1.nic.name, [str(a) for a in eth1.addresses]) == ("eth1", ["11.8.0.9/24", "fd00:8::9/64"])
    assert (texts(eth1.default), eth1.barred) == (["::/0 fd00:8::1"], (4,))
    assert texts(eth1.routes) == ["11.11.0.0/16 11.8.0.1", "fd11::/16 fd00:8::1"]
    assert (eth0.dynamic, eth0.advertised) == ((), False)


def test_only_enforce_bars_a_nic_from_a_default() -> None:
    for mode in ("observe", "demote"):
        assert [one.barred for one in found(NETWORKS, Settings(default_mode=mode))] == [(), ()]


@pytest.mark.parametrize("eth1, left", [("11.8.0.9/24", ["0.0.0.0/0 11.8.0.1"]), ("", [])], ids=["static", "DHCP"])
def test_where_none_is_elected_those_that_are_there_stay(eth1: str, left: List[str]) -> None:
    """DHCP brings its own again."""
    kernel = f"""{TWO_NICS}default via 11.8.0.9 dev eth0 proto static
default via 11.8.0.1 dev eth1 proto static metric 5
default via 11.8.0.7 dev eth1 proto static metric 9
"""
    networks = [NETWORKS[0], network("eth1", eth1, kind="ipv4" if eth1 else "ipv4_dhcp"), NETWORKS[2]]
    every = found(networks, Settings(default=Selector(nic="eth9")), kernel.replace("11.8.0.9 dev", "10.65.0.1 dev"))
    assert [texts(one.default) for one in every] == [["0.0.0.0/0 10.65.0.1"], left]
    assert [one.barred for one in every] == [(), ()]
    assert [route.metric for route in every[1].default] == [5] * len(left)


def test_the_elected_nic_is_the_settings_choice() -> None:
    eth0, eth1 = found(NETWORKS, Settings(default=Selector(nic="eth1")))
    assert (texts(eth0.default), eth0.barred) == ([], (4, 6))
    assert texts(eth1.default) == ["0.0.0.0/0 11.8.0.1", "::/0 fd00:8::1"]


def test_dynamic_families() -> None:
    networks = [
        network("eth0", kind="ipv4_dhcp"),
        network("eth0", kind="ipv6_slaac"),
        network("eth1", kind="ipv6_dhcpv6-stateful"),
    ]
    eth0, eth1 = found(networks)
    assert (eth0.dynamic, eth0.advertised, eth0.addresses) == ((4, 6), True, ())
    assert (eth1.dynamic, eth1.advertised) == ((6,), True)
    (dhcp,) = found(networks[:1])
    assert (dhcp.dynamic, dhcp.advertised) == ((4,), False)


def test_nics_that_are_absent_or_not_described_are_left_out() -> None:
    kernel = "nic eth0 fa:16:3e:00:00:00 10.65.0.7/24\nnic tun0 02:00:00:00:00:07 10.200.0.2/24\n"
    assert [one.nic.name for one in found(NETWORKS, kernel=kernel)] == ["eth0"]


def test_on_link_goes_along() -> None:
    networks = [network("eth0", "10.65.0.7/32", "default 10.65.0.1")]
    kernel = "nic eth0 fa:16:3e:00:00:00\n"
    (eth0,) = found(networks, Settings(routes=wanted("11.0.0.0/8,10.65.0.1")), kernel)
    assert texts(eth0.default) == ["0.0.0.0/0 10.65.0.1 onlink"]
    assert texts(eth0.routes) == ["11.0.0.0/8 10.65.0.1 onlink"]


def test_family_of_a_route() -> None:
    _, eth1 = found(NETWORKS)
    assert [one.family for one in eth1.routes] == [4, 6]
    assert isinstance(eth1.routes[0], GatewayRoute)


def test_routes_have_the_settings_metric() -> None:
    for one in found(NETWORKS, Settings(metric=7)):
        assert {route.metric for route in (*one.default, *one.routes)} == {7}


def test_a_network_without_an_address_that_can_be_read_gives_its_nic_none() -> None:
    (eth0,) = found([network("eth0", "", "default 10.65.0.1")])
    assert (eth0.nic.name, eth0.addresses, eth0.dynamic) == ("eth0", (), ())


def test_an_address_that_the_document_has_twice_is_one() -> None:
    (eth0,) = found([NETWORKS[0], NETWORKS[0]])
    assert [str(one) for one in eth0.addresses] == ["10.65.0.7/24"]


def test_the_address_of_a_further_subnet_that_has_a_route_s_gateway() -> None:
    """Without it the route can't be made; an address that no route needs is whose it is."""
    kernel = TWO_NICS.replace("11.8.0.9/24", "11.8.0.9/24 11.9.0.9/24 11.10.0.9/24")
    entry = GatewaySetting(Selector(nic="eth1"), parse_address("11.9.0.1"), "gateways[eth1]")
    settings = Settings(gateways=(entry,), routes=wanted("13.0.0.0/8,11.9.0.1"))
    eth1 = found(NETWORKS[:2], settings, kernel)[1]
    assert [str(one) for one in eth1.addresses] == ["11.8.0.9/24", "11.9.0.9/24"]
    assert "13.0.0.0/8 11.9.0.1" in texts(eth1.routes)
