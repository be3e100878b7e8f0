"""Why a NIC has the default route: which rank of R4 decided, and by which evidence."""

from __future__ import annotations

from typing import Any

import pytest

from guest_routes.model.decision import (
    Binding,
    Elected,
    NotElected,
    Unresolved,
)
from guest_routes.model.evidence import GatewayEvidence
from guest_routes.model.network import DEFAULT_PREFIX, parse_address
from guest_routes.model.network_data import HostRoute, Link, Network
from guest_routes.model.settings import Selector
from guest_routes.output.words.elections import election_reason
from tests.support.reports import ETH0, ETH1, prefix, report

GATEWAY, OTHER = parse_address("11.8.0.1"), parse_address("11.8.0.99")
KNOWN = GatewayEvidence("document", "networks[1].routes[0]")
NETWORK = Network(1, "network1", "tap1", "ipv4", 4, prefix("11.8.0.9/24"))
BINDING = Binding(NETWORK, None, ETH1, GATEWAY, KNOWN)
ABSENT = Binding(NETWORK, Link(1, "tap1", "ovs", bytes.fromhex("fa163e000002")), None, GATEWAY, KNOWN)


def test_why_a_nic_has_the_default_route() -> None:
    found = report().elections[0]
    rule = (
        "the first network with a documented default on a NIC that is up: networks[0], eth0; its gateway: "
        "networks[0].routes[0]"
    )
    assert election_reason(found) == rule


def test_why_a_nic_in_use_has_it_where_there_is_no_metadata() -> None:
    found = report().elections[0]
    assert isinstance(found, Elected)
    assert election_reason(found._replace(in_use=True, by_leases=True)) == (
        "no metadata orders the NICs: the one whose default the kernel uses: eth0; its gateway: networks[0].routes[0]"
    )
    assert election_reason(found._replace(by_leases=True)) == (
        "no metadata orders the NICs: the first one that is up and has a known gateway: eth0; its gateway: "
        "networks[0].routes[0]"
    )


def test_a_default_of_the_settings_with_what_is_odd_about_it() -> None:
    waiting = (Binding(NETWORK, None, ETH0._replace(addresses=())), ABSENT)
    one = Elected(4, Binding(None, None, ETH1, GATEWAY, KNOWN), ETH1, GATEWAY, True, Selector(nic="eth1"), waiting)
    assert election_reason(one) == (
        "the settings choose nic eth1: eth1; its gateway: networks[1].routes[0]; on link: eth1 has no "
        "route to its subnet; eth0 has no IPv4 address, the NIC with MAC fa:16:3e:00:00:02 has no IPv4 address (yet)"
    )


@pytest.mark.parametrize(
    "kind, why",
    [
        ("no-network", "no IPv4 network of the metadata fits"),
        ("absent", "the NIC with MAC fa:16:3e:00:00:02 is not present"),
        ("down", "the NIC with MAC fa:16:3e:00:00:02 is down"),
        ("no-address", "the NIC with MAC fa:16:3e:00:00:02 has no IPv4 address (yet)"),
        ("unknown-gateway", "the NIC with MAC fa:16:3e:00:00:02 has no known IPv4 gateway"),
    ],
)
def test_why_the_settings_choice_can_not_be_had(kind: Any, why: str) -> None:
    binding = None if kind == "no-network" else ABSENT
    one = NotElected(4, kind, Selector(mac=ETH1.mac), binding, True)
    assert election_reason(one) == (
        f"the settings choose mac fa:16:3e:00:00:02 for the default route, but {why}; the default routes stay "
        f"as they are"
    )


def test_why_no_nic_has_a_default_route() -> None:
    text = "no network has an IPv6 gateway on a NIC that is up and has an address"
    assert election_reason(NotElected(6, "no-gateway")) == text


def missed(index: int, kind: Any = "no-subnet", **more: Any) -> Unresolved:
    host = HostRoute(DEFAULT_PREFIX[4], OTHER, "network_data.json", index, 0)
    return Unresolved(host, kind, **more)


def test_a_default_entry_that_names_no_nic_is_the_reason() -> None:
    none = "no default: it is documented, and no NIC can carry it"
    unknown = missed(0, "not-a-gateway", binding=BINDING, subnet=prefix("11.8.0.0/24"))
    one = NotElected(4, "unusable", wanted=True, missed=(unknown,))
    assert election_reason(one) == (
        f"{none} (networks[0].routes[0]: 11.8.0.99 is in eth1's subnet 11.8.0.0/24, but its gateway is 11.8.0.1)"
    )
    # What the network's own cause says isn't said again, nor that another entry is listed first.
    down = missed(0, "down", binding=ABSENT)
    first = missed(1, "conflict", winner=unknown.host)
    two = NotElected(4, "unusable", wanted=True, bindings=(ABSENT,), missed=(down, first))
    assert election_reason(two) == f"{none} (the NIC with MAC fa:16:3e:00:00:02 is not present)"


def test_of_many_such_entries_some_are_named() -> None:
    one = NotElected(4, "unusable", wanted=True, missed=tuple(map(missed, range(7))))
    causes = [f"networks[{index}].routes[0]: 11.8.0.99 is in no NIC's subnet" for index in range(4)]
    assert election_reason(one).endswith(f"({', '.join(causes)}, 3 more)")


@pytest.mark.parametrize("offers, kind, rank", [
    ("documented", "document", "the first network with a documented default on a NIC that is up"),
    ("documented", "lease", "the first network with a documented default on a NIC that is up"),
    ("documented", "settings", "the first network with a documented default on a NIC that is up"),
    ("documented", "advertised", "the first network whose router advertises itself on a NIC that is up"),
    ("documented", "kernel", "the first network with a default in the kernel on a NIC that is up"),
    ("documented", "recorded", "the first network with a default that was removed earlier on a NIC that is up"),
    ("undocumented", "kernel",
     "no default is documented: the first network with a default in the kernel on a NIC that is up"),
    ("undocumented", "settings",
     "no default is documented: the first network with a default in the kernel on a NIC that is up"),
    ("undocumented", "recorded",
     "no default is documented: the first network with a default that was removed earlier on a NIC that is up"),
    ("undocumented", "advertised",
     "no default is documented: the first network whose router advertises itself on a NIC that is up"),
    ("settings", "settings", "no default is documented, the kernel has none: the first NIC of `gateways` that is up"),
])  # fmt: skip
def test_which_rank_decided(offers: Any, kind: Any, rank: str) -> None:
    """R4, best first."""
    known = GatewayEvidence(kind, "x", gateway=GATEWAY, nic="eth1")
    one = Elected(4, Binding(NETWORK, None, ETH1, GATEWAY, known, offers), ETH1, GATEWAY, False)
    assert election_reason(one).startswith(f"{rank}: networks[1], eth1; its gateway: ")


def test_the_settings_choice_is_before_every_rank() -> None:
    one = Elected(4, BINDING._replace(offers="documented"), ETH1, GATEWAY, False, Selector(nic="eth1"))
    assert election_reason(one).startswith("the settings choose nic eth1: networks[1], eth1; ")


def test_a_metric_that_decided() -> None:
    binding = BINDING._replace(offers="documented", metric=50)
    assert election_reason(Elected(4, binding, ETH1, GATEWAY, False, by_metric=True)) == (
        "the documented default with the best metric, 50, on a NIC that is up: networks[1], eth1; its gateway: "
        "networks[1].routes[0]"
    )


def test_a_default_in_place_of_the_documented_one() -> None:
    own = GatewayEvidence("kernel", gateway=parse_address("12.8.0.1"), nic="eth1")
    nic = ETH1._replace(addresses=(prefix("12.8.0.9/24"),))
    binding = BINDING._replace(nic=nic, offers="documented", instead=own)
    used = (
        "but eth1 has 12.8.0.9/24 and no address in 11.8.0.0/24, so its own is used: the kernel's default route: "
        "default via 12.8.0.1 dev eth1"
    )
    assert election_reason(Elected(4, binding, nic, own.gateway, False)) == (
        "the first network with a documented default on a NIC that is up: networks[1], eth1; its gateway: "
        f"networks[1].routes[0]; {used}"
    )


def test_a_renumbered_nic_that_was_passed_over() -> None:
    passed = Binding(NETWORK, None, ETH0)
    text = election_reason(Elected(4, BINDING, ETH1, GATEWAY, False, waiting=(passed,)))
    assert text.endswith("; eth0 has 10.65.0.7/24 and no address in 11.8.0.0/24 (yet)")


def test_a_default_that_may_be_listed_by_an_entry_that_cannot_be_read() -> None:
    place = "networks[1].routes[0].netmask"
    assert election_reason(NotElected(4, "damaged", wanted=True, binding=BINDING, place=place)) == (
        "no default, and those that are there stay: networks[1].routes[0].netmask is refused, and may name the one "
        "through eth1; no network behind it takes its place"
    )
