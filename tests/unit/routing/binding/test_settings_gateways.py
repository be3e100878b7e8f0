"""What the entries of `gateways` come to (R2, R12)."""

from __future__ import annotations

from typing import Any, Dict, List, Sequence, Tuple

import pytest

from guest_routes.model.decision import Elected
from guest_routes.model.network import address_text, parse_address, parse_prefix
from guest_routes.model.settings import GatewaySetting, Selector, Settings
from guest_routes.routing.decide import decide
from tests.support.situations import TWO_NICS, network, situation

DOCUMENT = [network("eth0", "10.65.0.7/24", "default 10.65.0.1"), network("eth1", "11.8.0.9/24", "default 11.8.0.1")]
DHCP = [network("eth0", kind="ipv4_dhcp"), network("eth1", kind="ipv4_dhcp")]
SECOND = TWO_NICS.replace("11.8.0.9/24", "11.8.0.9/24 11.9.0.9/24")
DEFAULTS = "default via 10.65.0.1 dev eth0 proto dhcp metric 100\ndefault via 11.8.0.1 dev eth1 proto dhcp metric 200\n"


def entries(*written: Tuple[str, str]) -> Settings:
    """Settings with these entries: a NIC's name, a subnet or `network=ID`, and the address."""
    found = []
    for key, address in written:
        selector = Selector(nic=key)
        if "/" in key:
            selector = Selector(subnet=parse_prefix(key))
        elif key.startswith("network="):
            selector = Selector(network=key.partition("=")[2])
        found.append(GatewaySetting(selector, parse_address(address), f"gateways[{key}]"))
    return Settings(gateways=tuple(found))


def known(networks: Sequence[Dict[str, Any]], kernel: str, settings: Settings) -> List[str]:
    """Each gateway with its NIC, and what it is known from."""
    bindings = decide(situation(networks, kernel), settings).resolution.bindings
    return [
        f"{address_text(one.gateway)} {one.nic.name} {one.evidence.kind}"
        for one in bindings if one.gateway and one.nic and one.evidence and one.family == 4
    ]  # fmt: skip


@pytest.mark.parametrize(
    "networks, kernel, entry, expected",
    [
        pytest.param(
            DOCUMENT, TWO_NICS, ("eth1", "11.8.0.2"), ["10.65.0.1 eth0 document", "11.8.0.2 eth1 settings"],
            id="corrects the document",
        ),
        pytest.param(
            DOCUMENT, SECOND, ("eth1", "11.9.0.1"),
            ["10.65.0.1 eth0 document", "11.8.0.1 eth1 document", "11.9.0.1 eth1 settings"], id="a further subnet's",
        ),
        pytest.param(
            DOCUMENT, SECOND, ("11.9.0.0/24", "11.9.0.1"),
            ["10.65.0.1 eth0 document", "11.8.0.1 eth1 document", "11.9.0.1 eth1 settings"], id="by its subnet",
        ),
        pytest.param(
            DHCP, SECOND + DEFAULTS, ("eth1", "11.9.0.1"),
            ["10.65.0.1 eth0 kernel", "11.8.0.1 eth1 kernel", "11.9.0.1 eth1 settings"], id="the kernel names another",
        ),
        pytest.param(
            DHCP, SECOND + DEFAULTS, ("eth1", "11.8.0.2"), ["10.65.0.1 eth0 kernel", "11.8.0.2 eth1 settings"],
            id="corrects the kernel",
        ),
        pytest.param(DHCP, SECOND, ("eth1", "11.9.0.1"), ["11.9.0.1 eth1 settings"], id="nothing else names one"),
        pytest.param(
            DOCUMENT, TWO_NICS, ("eth1", "172.16.0.1"), ["10.65.0.1 eth0 document", "172.16.0.1 eth1 settings"],
            id="outside every subnet",
        ),
        pytest.param(
            DOCUMENT, SECOND + "default via 11.9.0.254 dev eth1 metric 500\n", ("eth1", "11.9.0.1"),
            ["10.65.0.1 eth0 document", "11.8.0.1 eth1 document", "11.9.0.1 eth1 settings"],
            id="before a default of the same subnet",
        ),
    ],
)  # fmt: skip
def test_which_subnet_an_entry_is_about(
    networks: Sequence[Dict[str, Any]], kernel: str, entry: Tuple[str, str], expected: List[str]
) -> None:
    assert known(networks, kernel, entries(entry)) == expected


@pytest.mark.parametrize("key", ["eth0", "10.66.0.0/24"])
def test_an_entry_for_a_further_subnet_moves_no_default(key: str) -> None:
    kernel = f"{TWO_NICS}{DEFAULTS}".replace("10.65.0.7/24", "10.65.0.7/24 10.66.0.7/24")
    decision = decide(situation(DHCP, kernel), entries((key, "10.66.0.1")))
    elected = decision.elections[0]
    assert isinstance(elected, Elected) and address_text(elected.gateway) == "10.65.0.1"


def test_entries_that_are_not_used() -> None:
    settings = entries(
        ("eth0", "10.65.0.7"), ("eth0", "10.65.0.2"), ("10.65.0.0/24", "10.65.0.3"), ("eth0", "11.8.0.1"),
        ("eth1", "11.8.0.0"), ("eth9", "10.65.0.1"), ("network=none", "10.65.0.1"), ("12.0.0.0/24", "12.0.0.1"),
    )  # fmt: skip
    unused = decide(situation(DOCUMENT), settings).resolution.unused_gateways
    assert [(one.setting.place, one.kind, one.owner) for one in unused] == [
        ("gateways[eth0]", "next-hop", "eth0"),
        ("gateways[10.65.0.0/24]", "another-entry", ""),
        ("gateways[eth0]", "other-subnet", "eth1"),
        ("gateways[eth1]", "network", "11.8.0.0/24"),
        ("gateways[eth9]", "nothing-fits", ""),
        ("gateways[network=none]", "nothing-fits", ""),
        ("gateways[12.0.0.0/24]", "nothing-fits", ""),
    ]
