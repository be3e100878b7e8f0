"""Several gateways of one NIC: further subnets, and defaults that come and go (R2, R3)."""

from __future__ import annotations

from typing import Any, Dict, List

import pytest

from guest_routes.model.decision import Elected
from guest_routes.model.network import address_text, parse_prefix
from guest_routes.model.settings import GatewaySetting, Selector, Settings
from guest_routes.routing.decide import decide
from tests.support.situations import TWO_NICS, network, situation, wanted

DHCP = [network("eth0", kind="ipv4_dhcp"), network("eth1", kind="ipv4_dhcp")]
STATIC = [network("eth0", "10.65.0.7/24", "default 10.65.0.1"), network("eth1", "11.8.0.9/24", "default 11.8.0.1")]
OWN = "default via 10.65.0.1 dev eth0 proto dhcp metric 100\n"


def programmed(kernel: str, *routes: str, networks: List[Dict[str, Any]] = DHCP) -> List[str]:
    """The host routes of the settings that are resolved, each with its NIC."""
    resolution = decide(situation(networks, kernel), Settings(routes=wanted(*routes))).resolution
    return [f"{one.host} {one.next_hop.nic.name}" for one in resolution.resolved]


@pytest.mark.parametrize(
    "second", ["default via 11.8.0.77 dev eth1 metric 500", "recorded default via 11.8.0.77 dev eth1"]
)
def test_a_default_by_another_router_undoes_no_host_route(second: str) -> None:
    kernel = f"{TWO_NICS}{OWN}{second}\nrecorded default via 11.8.0.1 dev eth1 proto dhcp\n"
    assert programmed(kernel, "12.0.0.0/8,11.8.0.1", "13.0.0.0/8,11.8.0.77") == [
        "12.0.0.0/8,11.8.0.1 eth1", "13.0.0.0/8,11.8.0.77 eth1",
    ]  # fmt: skip


def test_a_default_beside_a_documented_one_is_no_gateway() -> None:
    kernel = f"{TWO_NICS}{OWN}default via 11.8.0.77 dev eth1 metric 500\n"
    assert programmed(kernel, "13.0.0.0/8,11.8.0.77", networks=STATIC) == []


def test_a_default_of_a_further_subnet_is_its_gateway() -> None:
    kernel = TWO_NICS.replace("11.8.0.9/24", "11.8.0.9/24 11.9.0.9/24") + "default via 11.9.0.1 dev eth1 metric 500\n"
    assert programmed(kernel, "13.0.0.0/8,11.9.0.1", networks=STATIC) == ["13.0.0.0/8,11.9.0.1 eth1"]


def test_the_gateway_of_a_subnet_that_the_settings_choose() -> None:
    kernel = TWO_NICS.replace("11.8.0.9/24", "11.8.0.9/24 11.9.0.9/24") + "default via 11.9.0.1 dev eth1 metric 500\n"
    settings = Settings(default=Selector(subnet=parse_prefix("11.9.0.0/24")))
    elected = decide(situation(STATIC, kernel), settings).elections[0]
    assert isinstance(elected, Elected) and address_text(elected.gateway) == "11.9.0.1"


def test_a_default_that_comes_and_goes_undoes_no_route_of_a_network_without_a_gateway() -> None:
    networks = [STATIC[0], network("eth1", "11.8.0.9/24", "12.0.0.0/8 11.8.0.2")]
    for line in ("", "default via 11.8.0.1 dev eth1 metric 500\n", "recorded default via 11.8.0.1 dev eth1\n"):
        found = decide(situation(networks, TWO_NICS + line), Settings()).resolution.resolved
        assert [(str(one.host), one.next_hop.rule) for one in found] == [("12.0.0.0/8,11.8.0.2", "no-gateway")]


SECOND = TWO_NICS.replace("11.8.0.9/24", "11.8.0.9/24 11.9.0.9/24")


@pytest.mark.parametrize(
    "own, to, kernel, expected",
    [
        pytest.param("default 11.8.0.1", "169.254.169.254/32", "", "as-listed", id="Neutron's port there"),
        pytest.param("12.0.0.0/8 11.8.0.2", "13.0.0.0/8", "", "no-gateway", id="a network without a gateway"),
        pytest.param("default 11.8.0.1", "13.0.0.0/8", "", "not-a-gateway", id="another one is known"),
        pytest.param("default 11.8.0.1", "13.0.0.0/8", "none", "unknown-gateway", id="none is known"),
    ],
)
def test_a_next_hop_in_a_further_subnet_with_a_gateway_by_a_default(
    own: str, to: str, kernel: str, expected: str
) -> None:
    """The default, which may be there for a moment only, undoes nothing that R3 has without it."""
    networks = [STATIC[0], network("eth1", "11.8.0.9/24", own, f"{to} 11.9.0.2")]
    text = SECOND if kernel else f"{SECOND}default via 11.9.0.1 dev eth1 metric 500\n"
    resolution = decide(situation(networks, text), Settings()).resolution
    found: Dict[str, str] = {str(one.host.destination): one.next_hop.rule for one in resolution.resolved}
    found.update({str(one.host.destination): one.kind for one in resolution.unresolved})
    assert found[to] == expected


@pytest.mark.parametrize(
    "also", ["", "default via 11.9.0.1 dev eth1 metric 500\n"], ids=["", "the kernel says so, too"]
)
def test_an_entry_for_a_further_subnet_names_the_only_gateway_there(also: str) -> None:
    """Also where a default route names the same one, and the network has none of its own."""
    networks = [STATIC[0], network("eth1", "11.8.0.9/24", "12.0.0.0/8 11.8.0.2", "14.0.0.0/8 11.9.0.2")]
    entry = GatewaySetting(Selector(nic="eth1"), bytes((11, 9, 0, 1)), "gateways[eth1]")
    settings = Settings(gateways=(entry,), routes=wanted("13.0.0.0/8,11.9.0.1"))
    resolution = decide(situation(networks, SECOND + also), settings).resolution
    assert [str(one.host) for one in resolution.resolved] == ["13.0.0.0/8,11.9.0.1", "12.0.0.0/8,11.8.0.2"]
    assert [(str(one.host), one.kind) for one in resolution.unresolved] == [("14.0.0.0/8,11.9.0.2", "not-a-gateway")]


def test_an_entry_for_a_further_subnet_in_which_a_default_names_another_gateway() -> None:
    """The network has none of its own, so that default's gateway counts as its; the entry is better evidence there."""
    networks = [STATIC[0], network("eth1", "11.8.0.9/24", "14.0.0.0/8 11.9.0.1")]
    entry = GatewaySetting(Selector(nic="eth1"), bytes((11, 9, 0, 1)), "gateways[eth1]")
    also = "default via 11.9.0.3 dev eth1 metric 500\ndefault via 11.9.0.4 dev eth1 metric 600\n"
    routes = wanted("13.0.0.0/8,11.9.0.1", "15.0.0.0/8,11.9.0.4")
    resolution = decide(situation(networks, SECOND + also), Settings(gateways=(entry,), routes=routes)).resolution
    assert [str(one.host) for one in resolution.resolved] == ["13.0.0.0/8,11.9.0.1", "14.0.0.0/8,11.9.0.1"]
    assert [(str(one.host), one.kind) for one in resolution.unresolved] == [("15.0.0.0/8,11.9.0.4", "not-a-gateway")]
