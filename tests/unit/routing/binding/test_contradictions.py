"""Links that name one NIC and addresses that name another (R2)."""

from __future__ import annotations

import json
from typing import Any, Dict, List, Optional, Tuple

import pytest

from guest_routes.evidence import network_data
from guest_routes.model.decision import Binding, NotElected
from guest_routes.model.settings import Settings
from guest_routes.routing.bind import bind
from guest_routes.routing.decide import decide
from tests.support.situations import TWO_NICS, document, network, situation

NONE = "nic eth0 fa:16:3e:00:00:00\nnic eth1 fa:16:3e:00:00:01 11.8.0.9/24 fd00:8::9/64"
THREE = f"{TWO_NICS}nic eth2 fa:16:3e:00:00:02 12.8.0.9/24\n"
FIRST, SECOND = ("10.65.0.7/24", "default 10.65.0.1"), ("11.8.0.9/24", "default 11.8.0.1")


def kinds(networks: List[Dict[str, Any]], kernel: str = TWO_NICS) -> List[str]:
    """Of each network its NIC, or the kind of the contradiction and what is named."""
    bindings, _ = bind(situation(networks, kernel), Settings())
    return [label(one) for one in bindings if one.network is not None]


def label(one: Binding) -> str:
    why = one.contradiction
    if why is not None:
        assert one.nic is None
        return " ".join(filter(None, (why.kind, why.nic, why.other)))
    return one.nic.name if one.nic is not None else ""


@pytest.mark.parametrize(
    "networks, kernel, expected",
    [
        pytest.param([("eth0", *FIRST), ("eth1", *SECOND)], TWO_NICS, ["eth0", "eth1"], id="right"),
        pytest.param(
            [("eth1", *FIRST), ("eth0", *SECOND)], TWO_NICS,
            ["address-elsewhere eth1 eth0", "address-elsewhere eth0 eth1"], id="swapped",
        ),
        pytest.param(
            [("eth1", "fd00:65::7/64"), ("eth0", "fd00:8::9/64")], TWO_NICS,
            ["address-elsewhere eth1 eth0", "address-elsewhere eth0 eth1"], id="swapped, IPv6",
        ),
        pytest.param(
            [("eth1", "10.65.0.77/24"), ("eth0", "11.8.0.99/24")], TWO_NICS,
            ["subnet-elsewhere eth1 networks[1]", "subnet-elsewhere eth0 networks[0]"], id="swapped, other addresses",
        ),
        pytest.param(
            [("eth1", "10.65.0.77/24"), ("eth2", "11.8.0.99/24"), ("eth0", "12.8.0.99/24")], THREE,
            [f"subnet-elsewhere {there}" for there in ("eth1 networks[1]", "eth2 networks[2]", "eth0 networks[0]")],
            id="three in a circle",
        ),
        pytest.param(
            [("eth0", *FIRST), ("eth0", *SECOND), ("eth1", "12.8.0.9/24")],
            TWO_NICS.replace("11.8.0.9/24", "11.8.0.9/24 12.8.0.9/24"),
            ["eth0", "address-elsewhere eth0 eth1", "eth1"], id="the second on the first one's link",
        ),
        pytest.param(
            [("eth1", *FIRST), ("eth1", *SECOND), ("eth0", "12.8.0.9/24")],
            TWO_NICS.replace("10.65.0.7/24", "10.65.0.7/24 12.8.0.9/24"),
            ["address-elsewhere eth1 eth0", "eth1", "eth0"], id="the first on the second one's link",
        ),
        pytest.param(
            [("eth1", "10.65.0.7/24"), ("eth1", "fd00:8::9/64"), ("eth0", "11.8.0.9/24")], TWO_NICS,
            ["address-elsewhere eth1 eth0", "eth1", "address-elsewhere eth0 eth1"], id="one family alone is wrong",
        ),
        pytest.param(
            [("eth0", "11.8.0.9/24"), ("eth1", *SECOND)], NONE, ["eth0", "eth1"], id="one address in two networks",
        ),
        pytest.param(
            [("eth0", "10.65.0.7/24"), ("eth1", *SECOND)], NONE.replace("11.8.0.9", "10.65.0.7/24 11.8.0.9"),
            ["eth0", "eth1"], id="an address that has moved to a NIC with its own",
        ),
        pytest.param(
            [("eth0", *FIRST), ("eth1", *SECOND)], NONE.replace("11.8.0.9", "10.65.0.7"),
            ["address-elsewhere eth0 eth1", "subnet-elsewhere eth1 networks[0]"],
            id="an address that has moved to a NIC without its own",
        ),
        pytest.param(
            [("eth0", "10.65.0.7/24"), ("eth1", *SECOND)], TWO_NICS.replace("10.65.0.7", "11.8.0.77"),
            ["eth0", "eth1"], id="renumbered into the other's subnet",
        ),
        pytest.param(
            [("eth0", "10.65.0.8/24"), ("eth1", "10.65.0.7/24")],
            "nic eth0 fa:16:3e:00:00:00 10.65.0.7/24\nnic eth1 fa:16:3e:00:00:01 10.65.0.8/24",
            ["eth0", "eth1"], id="swapped in one subnet, where each reaches the same gateway",
        ),
    ],
)  # fmt: skip
def test_which_networks_are_contradicted(networks: List[Tuple[str, ...]], kernel: str, expected: List[str]) -> None:
    assert kinds([network(nic, *rest) for nic, *rest in networks], kernel) == expected


@pytest.mark.parametrize(
    "confirmed, expected", [(None, "other-network eth1"), ("fd00:8::9/64", "eth1")], ids=["", "by another address"]
)
def test_a_network_without_an_address_goes_with_its_link(confirmed: Optional[str], expected: str) -> None:
    networks = [network("eth1", *FIRST), network("eth0", *SECOND), network("eth1", kind="ipv6_slaac")]
    networks += [network("eth1", confirmed)] if confirmed else []
    assert kinds(networks)[2] == expected


def election(networks: List[Dict[str, Any]], kernel: str = TWO_NICS) -> str:
    """What becomes of IPv4's default."""
    elected = decide(situation(networks, kernel), Settings()).elections[0]
    return elected.kind if isinstance(elected, NotElected) else elected.nic.name


def test_no_network_behind_one_whose_nic_nothing_tells_takes_its_default() -> None:
    right = network("eth2", "12.8.0.9/24", "default 12.8.0.1")
    wrong = [network("eth1", *FIRST), network("eth0", *SECOND)]
    assert election([*wrong, right], THREE) == "contradicted"
    assert election([right, *wrong], THREE) == "eth2"
    preferred = {**right, "metric": 5}
    assert election([*({**one, "metric": 10} for one in wrong), preferred], THREE) == "eth2"
    listing_none = [network("eth1", "10.65.0.7/24"), network("eth0", "11.8.0.9/24")]
    assert election([*listing_none, right], THREE) == "eth2"


def test_no_undocumented_default_takes_the_place_of_one_that_may_be_an_unknown_network_s() -> None:
    networks = [network("eth1", "10.65.0.7/24"), network("eth0", "11.8.0.9/24"), network("eth2", "12.8.0.9/24")]
    kernel = f"{THREE}default via 10.65.0.1 dev eth0 metric 100\ndefault via 12.8.0.1 dev eth2 metric 200\n"
    assert election(networks, kernel) == "contradicted"
    assert election(networks[2:], kernel) == "eth2"


def test_two_links_with_one_id_and_nobody_with_the_second_address() -> None:
    """No default is made through the first one's NIC by the second network's gateway."""
    networks = [network("eth0", "10.65.0.7/24"), network("eth0", *SECOND)]
    data = json.loads(document(networks))
    data["links"].append({**data["links"][0], "ethernet_mac_address": "fa:16:3e:00:00:01"})
    kernel = "nic eth0 fa:16:3e:00:00:00 10.65.0.7/24\nnic eth1 fa:16:3e:00:00:01\n"
    evidence = situation(networks, kernel)._replace(data=network_data.parse(json.dumps(data).encode()))
    bindings, _ = bind(evidence, Settings())
    assert [label(one) for one in bindings if one.network is not None] == ["eth0", "doubled-id eth0"]
    elected = decide(evidence, Settings()).elections[0]
    assert isinstance(elected, NotElected) and elected.kind == "contradicted"
