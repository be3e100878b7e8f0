"""Each network's gateway by the best evidence, whether it offers a default route, and the entries that name others."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Tuple

import pytest

from guest_routes.model.network import address_text, parse_address
from guest_routes.model.settings import GatewaySetting, Selector, Settings
from guest_routes.routing.bind import bind
from tests.support.situations import TWO_NICS, network, situation

Found = Tuple[Optional[str], str, str]


def gateway(networks: List[Dict[str, Any]], kernel: str = TWO_NICS, gateway: str = "", index: int = 0) -> Found:
    """Of one network: its gateway, the evidence's kind, and its rank in the election."""
    named = (GatewaySetting(Selector(nic="eth0"), parse_address(gateway), "/etc/a.yaml"),) if gateway else ()
    bindings, _ = bind(situation(networks, kernel), Settings(gateways=named))
    one = bindings[index]
    return address_text(one.gateway) if one.gateway else None, one.evidence.kind if one.evidence else "", one.offers


def elsewhere(networks: List[Dict[str, Any]]) -> List[str]:
    """The default entries that name another NIC."""
    _, found = bind(situation(networks), Settings())
    return [f"{one.place} {address_text(one.next_hop)}" for one in found]


PLAIN = network("eth0", "10.65.0.7/24")
DOCUMENTED = network("eth0", "10.65.0.7/24", "default 10.65.0.1")
OTHER = network("eth1", "11.8.0.9/24", "default 11.8.0.1")
SIX = network("eth0", "fd00:65::7/64", kind="ipv6_slaac")
ROUTED_TWICE = network("eth0", "fd00:65::7/64", "default fd00:4::1", "default fe80::1")
ADDRESSED = "nic eth0 fa:16:3e:00:00:00 fd00:65::7/64 fe80::7/64\n"
KERNEL = TWO_NICS + "default via 10.65.0.2 dev eth0 proto dhcp metric 100\n"
RECORDED = TWO_NICS + "recorded default via 10.65.0.3 dev eth0 proto dhcp\n"
ROUTER = "default via fe80::1 dev eth0 proto ra metric 1024\n"


@pytest.mark.parametrize(
    "networks, kernel, setting, expected",
    [
        ([DOCUMENTED], KERNEL, "", ("10.65.0.1", "document", "documented")),
        ([PLAIN], KERNEL, "", ("10.65.0.2", "kernel", "undocumented")),
        ([PLAIN], TWO_NICS, "", (None, "", "")),
        ([PLAIN], RECORDED, "", ("10.65.0.3", "recorded", "undocumented")),
        ([PLAIN], RECORDED + KERNEL.splitlines()[-1] + "\n", "", ("10.65.0.2", "kernel", "undocumented")),
        # The settings correct a gateway, and don't move the default.
        ([DOCUMENTED], KERNEL, "10.65.0.9", ("10.65.0.9", "settings", "documented")),
        ([PLAIN], KERNEL, "10.65.0.9", ("10.65.0.9", "settings", "undocumented")),
        ([PLAIN], TWO_NICS, "10.65.0.9", ("10.65.0.9", "settings", "settings")),
        # A setting of the other family, or of another subnet of the NIC, is about another network.
        ([DOCUMENTED], KERNEL, "fd00:65::1", ("10.65.0.1", "document", "documented")),
        # A router that announces itself is the network's own word where the document leaves it to that.
        ([SIX], TWO_NICS + ROUTER, "", ("fe80::1", "advertised", "documented")),
        ([network("eth0", "fd00:65::7/64")], TWO_NICS + ROUTER, "", ("fe80::1", "advertised", "undocumented")),
        ([SIX], TWO_NICS + ROUTER.replace("ra", "static"), "", ("fe80::1", "kernel", "undocumented")),
        # Neither the document nor a lease speaks of the network: what the kernel has came from its DHCP server.
        ([network("eth0", kind="ipv4_dhcp")], KERNEL, "", ("10.65.0.2", "kernel", "documented")),
        ([network("eth0", kind="ipv4_dhcp")], RECORDED, "", ("10.65.0.3", "recorded", "documented")),
        ([network("eth0", kind="ipv4_dhcp")], KERNEL, "10.65.0.9", ("10.65.0.9", "settings", "documented")),
        # A link-local next hop is on the network's own link, whatever addresses the NIC has: it comes before one that
        # lies outside every prefix.
        ([ROUTED_TWICE], ADDRESSED, "", ("fe80::1", "document", "documented")),
        ([ROUTED_TWICE], ADDRESSED.replace(" fe80::7/64", ""), "", ("fe80::1", "document", "documented")),
        ([ROUTED_TWICE], ADDRESSED.replace("fe80::7", "fe80::1"), "", ("fd00:4::1", "document", "documented")),
        # What a manager made of another network's default says nothing of this NIC's gateway.
        ([PLAIN, OTHER], TWO_NICS + "default via 11.8.0.1 dev eth0 proto static onlink\n", "", (None, "", "")),
        ([PLAIN], TWO_NICS + "default via 11.8.0.1 dev eth0 proto static onlink\n", "", (None, "", "")),
        ([PLAIN], TWO_NICS + "recorded default via 11.8.0.1 dev eth0 proto static onlink\n", "", (None, "", "")),
        ([PLAIN], TWO_NICS + "default via 12.0.0.1 dev eth0 onlink\n", "", ("12.0.0.1", "kernel", "undocumented")),
        # Nor is this machine itself a gateway.
        ([network("eth0", "10.65.0.7/24", "default 10.65.0.7")], TWO_NICS, "", (None, "", "")),
        ([network("eth0", "10.65.0.7/24", "default 11.8.0.9"), OTHER], TWO_NICS, "", (None, "", "")),
        # Ours says nothing, and another NIC's says nothing of this one.
        ([PLAIN], TWO_NICS + "default via 10.65.0.2 dev eth0 proto guest-routes\n", "", (None, "", "")),
        ([PLAIN], TWO_NICS + "default via 11.8.0.1 dev eth1\n", "", (None, "", "")),
    ],
)
def test_by_the_best_evidence(
    networks: List[Dict[str, Any]], kernel: str, setting: str, expected: Found
) -> None:  # fmt: skip
    assert gateway(networks, kernel, setting) == expected


def test_an_advertised_router_goes_before_a_default_of_a_better_metric() -> None:
    kernel = TWO_NICS + "default via fd00:65::5 dev eth0 proto static metric 10\n" + ROUTER
    assert gateway([SIX], kernel)[:2] == ("fe80::1", "advertised")


def test_of_others_the_best_metric_counts() -> None:
    kernel = KERNEL + "default via 10.65.0.4 dev eth0 proto static metric 50\n"
    assert gateway([PLAIN], kernel)[0] == "10.65.0.4"


@pytest.mark.parametrize(
    "entries, own, others",
    [
        (["10.65.0.1"], "10.65.0.1", []),
        (["11.8.0.1"], None, ["networks[0].routes[0] 11.8.0.1"]),  # it names eth1
        (["12.0.0.1"], "12.0.0.1", []),  # in nobody's prefix: on link
        (["11.8.0.1", "10.65.0.1"], "10.65.0.1", ["networks[0].routes[0] 11.8.0.1"]),
        (["12.0.0.1", "10.65.0.1"], "10.65.0.1", ["networks[0].routes[0] 12.0.0.1"]),  # inside goes before nobody's
    ],
)
def test_which_default_entry_is_the_networks_own(entries: List[str], own: Optional[str], others: List[str]) -> None:
    networks = [network("eth0", "10.65.0.7/24", *(f"default {one}" for one in entries)), OTHER]
    assert gateway(networks)[0] == own
    assert elsewhere(networks) == others


@pytest.mark.parametrize("kernel", [
    "nic eth0 fa:16:3e:00:00:00 10.65.0.7/24\n",  # eth1 is not present: only the document tells its subnet
    TWO_NICS.replace("nic eth1", "nic eth1").replace(" 11.8.0.9/24", ""),  # or has no address yet
])  # fmt: skip
def test_a_default_entry_in_a_network_s_subnet_that_no_nic_has_is_nobody_else_s(kernel: str) -> None:
    networks = [network("eth0", "10.65.0.7/24", "default 11.8.0.1"), network("eth1", "11.8.0.9/24")]
    assert gateway(networks, kernel)[0] is None


def test_a_default_entry_in_the_subnet_of_a_nic_that_the_document_lacks() -> None:
    networks = [network("eth0", "10.65.0.7/24", "default 11.8.0.1")]
    assert gateway(networks)[0] is None
    assert gateway(networks, TWO_NICS.replace(" 11.8.0.9/24", ""))[0] == "11.8.0.1"


BY_ETH1 = TWO_NICS + "default via 11.8.0.2 dev eth1\n"
IN_ETH1 = network("eth0", "10.65.0.7/24", "default 11.8.0.99")


@pytest.mark.parametrize(
    ("other", "kernel", "known"),
    [
        (network("eth1", "11.8.0.9/24"), TWO_NICS, ("11.8.0.99", "document", "")),
        (network("eth1", kind="ipv4_dhcp"), TWO_NICS, ("11.8.0.99", "document", "")),
        # Somebody else speaks of it: its own entry, the kernel; one with routes needs no gateway (R3).
        (OTHER, TWO_NICS, ("11.8.0.1", "document", "documented")),
        (network("eth1", "11.8.0.9/24"), BY_ETH1, ("11.8.0.2", "kernel", "undocumented")),
        (network("eth1", "11.8.0.9/24", "11.11.0.0/16 11.8.0.4"), TWO_NICS, (None, "", "")),
        # It is nobody's gateway: the machine's own address.
        (network("eth1", "11.8.0.99/24"), TWO_NICS, (None, "", "")),
    ],
)  # fmt: skip
def test_another_networks_default_entry_names_a_gateway_that_nothing_else_does(
    other: Dict[str, Any], kernel: str, known: Found
) -> None:
    assert gateway([IN_ETH1, other], kernel, index=1) == known
    assert gateway([other, IN_ETH1], kernel) == known


def test_of_two_such_entries_the_first_one_counts() -> None:
    second = network("eth0", "10.65.0.7/24", "default 11.8.0.98")
    assert gateway([IN_ETH1, second, network("eth1", "11.8.0.9/24")], index=2)[0] == "11.8.0.99"


def test_of_two_networks_in_one_subnet_neither_may_have_a_gateway() -> None:
    both = [IN_ETH1, network("eth1", "11.8.0.9/24"), OTHER]
    assert [gateway(both, index=place)[0] for place in (1, 2)] == [None, "11.8.0.1"]


RENUMBERED = TWO_NICS.replace("10.65.0.7/24 fd00:65::7/64", "10.99.0.7/24 2001:db8::7/64")
NEW = "default via 10.99.0.1 dev eth0 proto dhcp\n"


def instead(entry: Dict[str, Any], kernel: str, gateway: str = "") -> Optional[str]:
    """The NIC's own default in place of the documented one."""
    named = (GatewaySetting(Selector(nic="eth0"), parse_address(gateway), "/etc/a.yaml"),) if gateway else ()
    (one, *_), _ = bind(situation([entry], kernel), Settings(gateways=named))
    return address_text(one.instead.gateway) if one.instead is not None else None


@pytest.mark.parametrize(
    ("entry", "kernel", "gateway"),
    [
        (DOCUMENTED, RENUMBERED + NEW, "10.99.0.1"),
        (DOCUMENTED, RENUMBERED + "recorded " + NEW, "10.99.0.1"),
        (DOCUMENTED, RENUMBERED, None),
        # Not by a router that the NIC's own prefix doesn't have, nor through another NIC.
        (DOCUMENTED, RENUMBERED + "default via 10.98.0.1 dev eth0 onlink\n", None),
        (DOCUMENTED, RENUMBERED + "default via 11.8.0.1 dev eth1\n", None),
        # It has the described address, or another one in its subnet, whatever lengths they have.
        (DOCUMENTED, RENUMBERED.replace("10.99.0.7/24", "10.99.0.7/24 10.65.0.8/24") + NEW, None),
        (DOCUMENTED, RENUMBERED.replace("10.99.0.7/24", "10.99.0.7/24 10.65.0.7/32") + NEW, None),
        (DOCUMENTED, RENUMBERED.replace("10.99.0.7/24", "10.99.0.7/8") + NEW, None),
        # What the document describes needn't be the gateway's subnet: a single address, a gateway outside.
        (network("eth0", "10.65.0.7/32", "default 10.65.0.1"), RENUMBERED + NEW, None),
        (network("eth0", "10.65.0.7/24", "default 10.66.0.1"), RENUMBERED + NEW, None),
        (network("eth0", "fd00:65::7/64", "default fd00:65::1"), RENUMBERED + ROUTER, "fe80::1"),
        (network("eth0", "fd00:65::7/64", "default fe80::2"), RENUMBERED + ROUTER, None),
    ],
)  # fmt: skip
def test_a_default_that_came_with_another_address(entry: Dict[str, Any], kernel: str, gateway: Optional[str]) -> None:
    assert instead(entry, kernel) == gateway


def test_the_settings_gateway_goes_before_it() -> None:
    assert instead(DOCUMENTED, RENUMBERED + NEW, "10.65.0.2") is None


@pytest.mark.parametrize("alias", ["11.8.0.50/24", "11.8.0.50/16", "11.8.0.50/25"])
def test_an_address_in_a_subnet_that_is_described_for_another_nic(alias: str) -> None:
    kernel = TWO_NICS.replace("10.65.0.7/24", f"10.65.0.7/24 {alias}")
    entry = network("eth0", "10.65.0.7/24", "default 11.8.0.1")
    assert gateway([entry, OTHER], kernel)[0] is None
    assert gateway([PLAIN, OTHER], kernel + "default via 11.8.0.1 dev eth0\n")[0] is None
    # Where that NIC isn't there, or the subnet is described for the same one, it is as good as any address.
    assert gateway([entry, OTHER], f"nic eth0 fa:16:3e:00:00:00 10.65.0.7/24 {alias}\n")[0] == "11.8.0.1"
    assert gateway([entry, network("eth0", "11.8.0.50/24")], kernel)[0] == "11.8.0.1"


def test_a_single_address_beside_an_ipv6_subnet_is_one() -> None:
    """eth1's network is silent; what another single address's network lists as its gateway is eth1's as well."""
    networks = [network("eth0", "10.65.0.7/32", "default 11.8.0.1"), network("eth1", kind="ipv4_dhcp")]
    for addresses in ("11.8.0.9/32", "11.8.0.9/32 fd00:8::9/64"):
        kernel = f"""nic eth0 fa:16:3e:00:00:00 10.65.0.7/32
            nic eth1 fa:16:3e:00:00:01 {addresses}
            default via 11.8.0.1 dev eth1 onlink proto dhcp
            """
        assert gateway(networks, kernel, index=1) == ("11.8.0.1", "kernel", "documented")
