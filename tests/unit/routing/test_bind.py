"""Which device a link of the document is, where a MAC alone doesn't tell (R2)."""

from __future__ import annotations

from typing import Any, Dict, List, Optional

import pytest

from guest_routes.model.evidence import Evidence
from guest_routes.model.lease import Lease, LeaseSet
from guest_routes.model.network import Nic, Prefix, address_text, parse_address, parse_prefix
from guest_routes.model.network_data import Link, infiniband_mac
from guest_routes.model.settings import GatewaySetting, Selector, Settings
from guest_routes.routing.bind import Present, bind, find_nic
from tests.support.situations import TWO_NICS, network, situation

DEFAULTS = Settings()

ONE, TWO, OTHER = (bytes.fromhex(f"fa163e00000{n}") for n in (1, 2, 9))
ADDRESS = Prefix(parse_address("10.65.0.7"), 24)
PHYSICAL = Link(0, "tap0", "tap", ONE)
MEMBERS = Link(1, "tap1", "phy", TWO)
BOND = Link(2, "bond0", "bond", b"", bond_links=("tap0", "tap1"))
VLAN = Link(3, "vlan5", "vlan", OTHER, vlan_id=5, vlan_link="bond0")
LINKS: Dict[str, Link] = {link.id: link for link in (PHYSICAL, MEMBERS, BOND, VLAN)}


@pytest.mark.parametrize(
    ("link", "nics", "found"),
    [
        pytest.param(PHYSICAL, [Nic(2, "eth0", ONE), Nic(3, "eth1", TWO)], "eth0", id="by MAC"),
        pytest.param(PHYSICAL, [Nic(2, "eth0", TWO)], None, id="absent"),
        pytest.param(PHYSICAL, [Nic(2, "eth0", OTHER, permanent_mac=ONE)], "eth0", id="its MAC was changed"),
        pytest.param(
            PHYSICAL,
            [Nic(2, "eth0", ONE, master=3), Nic(3, "br0", ONE, kind="bridge", addresses=(ADDRESS,))],
            "br0",
            id="a bridge over it has the address",
        ),
        pytest.param(
            PHYSICAL,
            [Nic(2, "eth0", ONE), Nic(3, "eth0.5", ONE, kind="vlan", vlan_id=5, parent=2, addresses=(ADDRESS,))],
            "eth0",
            id="a VLAN on it is another link",
        ),
        pytest.param(
            BOND,
            [
                Nic(2, "eth0", ONE, master=4),
                Nic(3, "eth1", ONE, master=4, permanent_mac=TWO),
                Nic(4, "bond0", ONE, kind="bond"),
            ],
            "bond0",
            id="a bond with its first member's MAC",
        ),
        pytest.param(
            VLAN,
            [
                Nic(4, "bond0", ONE, kind="bond"),
                Nic(5, "bond0.5", OTHER, kind="vlan", vlan_id=5, parent=4),
                Nic(6, "eth7.5", OTHER, kind="vlan", vlan_id=5, parent=7),
            ],
            "bond0.5",
            id="a VLAN by its id and what it stands on",
        ),
        pytest.param(
            VLAN, [Nic(4, "bond0", ONE, kind="bond"), Nic(5, "v", ONE, kind="vlan", vlan_id=5, parent=4)], "v",
            id="a VLAN with its parent's MAC",
        ),
        pytest.param(VLAN, [Nic(5, "v", OTHER, kind="vlan", vlan_id=6, parent=4)], None, id="another VLAN id"),
    ],
)  # fmt: skip
def test_find_nic(link: Link, nics: list[Nic], found: Optional[str]) -> None:
    nic = find_nic(link, LINKS, Present(nics), ADDRESS)
    assert (nic.name if nic else None) == found


def test_a_vlan_on_itself_is_no_endless_search() -> None:
    loop = Link(0, "loop", "vlan", OTHER, vlan_id=5, vlan_link="loop")
    assert find_nic(loop, {"loop": loop}, Present([Nic(2, "eth0", ONE)])) is None


# ---- gateways and their evidence ----------------------------------------------------------------------


def gateways(evidence: Evidence, settings: Settings = DEFAULTS) -> list[tuple[str, str, str]]:
    """Of each binding: its NIC, its gateway, and what kind of evidence says so."""
    return [
        (
            one.nic.name if one.nic else one.ignored,
            address_text(one.gateway) if one.gateway else "",
            one.evidence.kind if one.evidence else "",
        )
        for one in bind(evidence, settings)[0]
    ]


OMITTED = [network("eth0", kind="ipv4_dhcp"), network("eth1", kind="ipv4_dhcp")]
LEASED = LeaseSet((Lease("dhclient", "/l", b"", "eth0", ifindex=2, routers=(parse_address("10.65.0.1"),)),), now=50.0)


def test_each_kind_of_evidence_before_the_next() -> None:
    kernel = f"{TWO_NICS}recorded default via 10.65.0.4 dev eth0\ndefault via 10.65.0.3 dev eth0 proto dhcp\n"
    described = situation([network("eth0", "10.65.0.7/24", "default 10.65.0.2")], kernel)
    omitted = situation(OMITTED[:1], kernel)
    by_settings = Settings(gateways=(GatewaySetting(Selector(nic="eth0"), parse_address("10.65.0.9"), "a file"),))
    assert gateways(described, by_settings) == [("eth0", "10.65.0.9", "settings")]
    assert gateways(described) == [("eth0", "10.65.0.2", "document")]
    assert gateways(omitted._replace(leases=LEASED)) == [("eth0", "10.65.0.1", "lease")]
    assert gateways(omitted) == [("eth0", "10.65.0.3", "kernel"), ("eth0", "10.65.0.4", "recorded")]
    only_recorded = situation(OMITTED[:1], f"{TWO_NICS}recorded default via 10.65.0.4 dev eth0\n")
    assert gateways(only_recorded) == [("eth0", "10.65.0.4", "recorded")]
    assert gateways(situation(OMITTED[:1])) == [("eth0", "", "")]


def test_a_lease_is_of_its_own_nic_and_family() -> None:
    both = situation([*OMITTED, network("eth0", kind="ipv6_slaac")])._replace(leases=LEASED)
    assert gateways(both) == [("eth0", "10.65.0.1", "lease"), ("eth1", "", ""), ("eth0", "", "")]
    expired = LEASED._replace(leases=(LEASED.leases[0]._replace(expires=40.0),))
    ((found, *_), _) = bind(both._replace(leases=expired), Settings())
    assert found.evidence is not None
    assert (found.evidence.expired, found.evidence.option) == (True, 3)


@pytest.mark.parametrize("router", ["10.65.0.7", "127.0.0.1", "224.0.0.1", "0.0.0.0"])
def test_a_router_that_can_be_none(router: str) -> None:
    lease = LEASED.leases[0]._replace(routers=(parse_address(router),))
    evidence = situation(OMITTED[:1])._replace(leases=LeaseSet((lease,)))
    assert gateways(evidence) == [("eth0", "", "")]


def test_ours_are_no_evidence() -> None:
    kernel = f"{TWO_NICS}default via 10.65.0.1 dev eth0 proto guest-routes\n"
    assert gateways(situation(OMITTED[:1], kernel)) == [("eth0", "", "")]


def test_an_advertised_router_comes_before_other_defaults() -> None:
    kernel = f"{TWO_NICS}default via fd00:65::9 dev eth0 metric 5\ndefault via fe80::1 dev eth0 proto ra metric 100\n"
    slaac = [network("eth0", kind="ipv6_slaac"), network("eth1", kind="ipv6_slaac")]
    assert gateways(situation(slaac, kernel)) == [
        ("eth0", "fe80::1", "advertised"), ("eth1", "", ""), ("eth0", "fd00:65::9", "kernel"),
    ]  # fmt: skip
    recorded = f"{TWO_NICS}recorded default via fe80::1 dev eth0 proto ra\n"
    assert gateways(situation(slaac, recorded))[0] == ("eth0", "fe80::1", "recorded")


def test_the_best_metric_first_and_every_next_hop() -> None:
    kernel = f"{TWO_NICS}default via 10.65.0.5 dev eth0 metric 50\ndefault via 10.65.0.4 dev eth0 metric 40\n"
    assert gateways(situation(OMITTED[:1], kernel)) == [
        ("eth0", "10.65.0.4", "kernel"),
        ("eth0", "10.65.0.5", "kernel"),
    ]
    many = f"{TWO_NICS}default nexthop via 10.65.0.1 dev eth0 weight 1 nexthop via 11.8.0.1 dev eth1 weight 1\n"
    assert gateways(situation(OMITTED, many)) == [("eth0", "10.65.0.1", "kernel"), ("eth1", "11.8.0.1", "kernel")]
    on_link = f"{TWO_NICS}default dev eth0 scope link\n"
    assert gateways(situation(OMITTED[:1], on_link)) == [("eth0", "", "")]


def test_a_setting_is_about_the_network_whose_subnet_it_is_in() -> None:
    """One NIC with two subnets: the gateway goes to that of its own."""
    kernel = "nic eth0 fa:16:3e:00:00:00 10.65.0.7/24 10.66.0.7/24\n"
    two = [network("eth0", "10.65.0.7/24"), network("eth0", "10.66.0.7/24")]
    setting = GatewaySetting(Selector(nic="eth0"), parse_address("10.66.0.1"), "a file")
    assert gateways(situation(two, kernel), Settings(gateways=(setting,))) == [
        ("eth0", "", ""),
        ("eth0", "10.66.0.1", "settings"),
    ]
    outside = GatewaySetting(Selector(nic="eth0"), parse_address("12.0.0.1"), "a file")
    assert [one[1] for one in gateways(situation(two, kernel), Settings(gateways=(outside,)))] == ["12.0.0.1"] * 2
    other_family = GatewaySetting(Selector(nic="eth0"), parse_address("fd00::1"), "a file")
    found = gateways(situation(two, kernel), Settings(gateways=(other_family,)))
    assert found == [("eth0", "", ""), ("eth0", "", ""), ("eth0", "fd00::1", "settings")]


def test_a_nic_without_a_network_of_the_family_has_the_kernels_gateway() -> None:
    """Its default route is a described NIC's: it counts where nothing is documented, in metadata order.

    What the document leaves to DHCP is documented by what the kernel has from there.
    """
    kernel = TWO_NICS + "default via 10.65.0.1 dev eth0 proto static\ndefault via 11.8.0.1 dev eth1 proto dhcp\n"
    networks = [network("eth0", "fd00:65::7/64"), network("eth1", kind="ipv4_dhcp")]
    found = bind(situation(networks, kernel), Settings())[0]
    assert [(one.nic and one.nic.name, one.family, one.offers) for one in found] == [
        ("eth0", 6, ""),
        ("eth0", 4, "undocumented"),
        ("eth1", 4, "documented"),
    ]


def test_nics_that_only_the_settings_name_come_last() -> None:
    setting = GatewaySetting(Selector(nic="eth1"), parse_address("11.8.0.1"), "a file")
    one = [network("eth0", "10.65.0.7/24", "default 10.65.0.1")]
    found, _ = bind(situation(one), Settings(gateways=(setting,)))
    assert [(b.nic.name if b.nic else "", b.network is None) for b in found] == [("eth0", False), ("eth1", True)]
    assert bind(situation(one), Settings(gateways=(setting,), ignore_nics=("eth1",)))[0] == found[:1]
    described = GatewaySetting(Selector(nic="eth0"), parse_address("10.65.0.9"), "a file")
    assert len(bind(situation(one), Settings(gateways=(described,)))[0]) == 1


def test_an_ignored_nic_is_named() -> None:
    ((found,), _) = bind(
        situation([network("eth0", "10.65.0.7/24", "default 10.65.0.1")]), Settings(ignore_nics=("eth*",))
    )
    assert (found.nic, found.ignored) == (None, "eth0")
    assert found.gateway == parse_address("10.65.0.1")


def test_a_network_without_a_link_is_on_the_nic_that_has_its_address() -> None:
    evidence = situation([network("eth0", "10.65.0.7/24", "default 10.65.0.1"), network("eth1", kind="ipv4_dhcp")])
    (alone, unknown), _ = bind(evidence._replace(data=evidence.data._replace(links=())), Settings())
    assert (alone.link, alone.nic and alone.nic.name, alone.gateway) == (None, "eth0", parse_address("10.65.0.1"))
    assert (unknown.link, unknown.nic) == (None, None)


# ---- one MAC on several devices -----------------------------------------------------------------------


def found_nic(link: Link, *nics: Nic, address: Optional[Prefix] = None) -> str:
    nic = find_nic(link, {link.id: link}, Present(nics), address)
    return nic.name if nic else ""


def test_who_has_the_address_then_any_address_then_no_port_then_the_first() -> None:
    bare, other = Nic(2, "eth0", ONE), Nic(3, "br0", ONE, kind="bridge")
    local, globally = Prefix(parse_address("fe80::1"), 64), Prefix(parse_address("10.77.0.7"), 24)
    assert found_nic(PHYSICAL, bare, other) == "eth0"
    assert found_nic(PHYSICAL, bare._replace(master=3), other) == "br0"
    # D6: under DHCP the bridge has the address, its port keeps a link-local one.
    port = bare._replace(master=3, addresses=(local,))
    assert found_nic(PHYSICAL, port, other._replace(addresses=(globally, local))) == "br0"
    # A port with an address of its own, as in a VRF, is the one.
    assert found_nic(PHYSICAL, bare._replace(master=3, addresses=(globally,)), other) == "eth0"
    described = bare._replace(master=3, addresses=(ADDRESS,))
    assert found_nic(PHYSICAL, described, other._replace(addresses=(globally,)), address=ADDRESS) == "eth0"
    # An SR-IOV function beside its paravirtual twin, which has the addresses.
    twin, function = Nic(2, "eth0", ONE, addresses=(globally,)), Nic(3, "enp0s4", ONE, master=2)
    assert found_nic(PHYSICAL, twin, function) == "eth0"


DOCUMENTED = [network("eth0", "10.65.0.7/24"), network("eth1", "11.8.0.9/24")]
LEFT_TO_DHCP = [network("eth0", kind="ipv4_dhcp"), network("eth1", "11.8.0.9/24")]
ETH1 = "nic eth1 fa:16:3e:00:00:01 11.8.0.9/24\n"


@pytest.mark.parametrize("networks, nics, expected", [
    # A container's macvlan has a MAC and an address of its own.
    (DOCUMENTED, ["eth0 fa:16:3e:00:00:00 10.65.0.7/24", "mv0 02:00:00:00:00:09 kind macvlan on eth0 10.65.0.8/24"],
     "eth0"),
    # The port's MAC was given to a macvlan, which has the address.
    (DOCUMENTED, ["eth0 fa:16:3e:00:00:09 perm fa:16:3e:00:00:00",
                  "mv0 fa:16:3e:00:00:00 kind macvlan on eth0 10.65.0.7/24"], "mv0"),
    (LEFT_TO_DHCP, ["eth0 fa:16:3e:00:00:09 perm fa:16:3e:00:00:00",
                    "mv0 fa:16:3e:00:00:00 kind macvlan on eth0 10.65.0.7/24"], "mv0"),
    # An ipvlan has its parent's MAC: a container's beside the parent's address, or the one that has the port's.
    (DOCUMENTED, ["eth0 fa:16:3e:00:00:00 10.65.0.7/24", "ipv0 fa:16:3e:00:00:00 kind ipvlan on eth0 10.65.0.8/24"],
     "eth0"),
    (DOCUMENTED, ["eth0 fa:16:3e:00:00:00", "ipv0 fa:16:3e:00:00:00 kind ipvlan on eth0 10.65.0.7/24"], "ipv0"),
    (LEFT_TO_DHCP, ["eth0 fa:16:3e:00:00:00 fe80::1/64", "ipv0 fa:16:3e:00:00:00 kind ipvlan on eth0 10.65.0.7/24"],
     "ipv0"),
    # Renamed, also to the other one's name.
    (DOCUMENTED, ["ens3 fa:16:3e:00:00:00 10.65.0.7/24"], "ens3"),
    # The MAC was changed while it ran: the one it was made with, where the driver knows it; else the address.
    (DOCUMENTED, ["eth0 02:00:00:00:00:77 perm fa:16:3e:00:00:00 10.65.0.7/24"], "eth0"),
    (DOCUMENTED, ["eth0 02:00:00:00:00:77 10.65.0.7/24"], "eth0"),
    (LEFT_TO_DHCP, ["eth0 02:00:00:00:00:77 10.65.0.7/24"], ""),
    # A virtual function beside its paravirtual twin, whichever of them has the address.
    (DOCUMENTED, ["eth0 fa:16:3e:00:00:00 10.65.0.7/24", "enp0s4 fa:16:3e:00:00:00 master eth0"], "eth0"),
    (DOCUMENTED, ["eth0 fa:16:3e:00:00:00", "enp0s4 fa:16:3e:00:00:00 master eth0 10.65.0.7/24"], "enp0s4"),
    # A bridge, and a VLAN of the bridge that has its MAC, too.
    (DOCUMENTED, ["br0 fa:16:3e:00:00:00 kind bridge 10.65.0.7/24", "eth0 fa:16:3e:00:00:00 master br0 fe80::1/64"],
     "br0"),
    (DOCUMENTED, ["br0 fa:16:3e:00:00:00 kind bridge 10.65.0.7/24", "eth0 fa:16:3e:00:00:00 master br0",
                  "br0.7 fa:16:3e:00:00:00 kind vlan id 7 on br0 10.99.0.7/24"], "br0"),
    # Two bonds cannot have one MAC, but a bond's bridge has.
    (DOCUMENTED, ["bond0 fa:16:3e:00:00:00 kind bond", "br0 fa:16:3e:00:00:00 kind bridge 10.65.0.7/24",
                  "eth0 fa:16:3e:00:00:00 master bond0"], "br0"),
])  # fmt: skip
def test_which_device_a_network_is_on(networks: List[Dict[str, Any]], nics: List[str], expected: str) -> None:
    kernel = "".join(f"nic {one}\n" for one in nics) + ETH1
    bindings = [one for one in bind(situation(networks, kernel), DEFAULTS)[0] if one.network is not None]
    assert [one.nic.name if one.nic else "" for one in bindings] == [expected, "eth1"]


def test_of_two_vlans_with_one_id_the_one_that_has_the_address() -> None:
    parent = Nic(2, "bond0", ONE, kind="bond")
    idle, used = (Nic(n, f"vlan5.{n}", OTHER, kind="vlan", vlan_id=5, parent=2) for n in (3, 4))
    assert find_nic(
        VLAN, LINKS, Present([parent, idle, used._replace(addresses=(ADDRESS,))]), ADDRESS
    ) == used._replace(addresses=(ADDRESS,))


def test_a_nic_that_another_link_describes_is_that_ones() -> None:
    """eth1 has the address of eth0's network, which is not present."""
    kernel = "nic eth1 fa:16:3e:00:00:01 10.65.0.7/24 11.8.0.9/24\n"
    bindings, _ = bind(situation(DOCUMENTED, kernel), DEFAULTS)
    assert [one.nic.name if one.nic else "" for one in bindings] == ["", "eth1"]


def test_infiniband_by_the_six_bytes_that_openstack_gives() -> None:
    address = bytes.fromhex("80000048fe80000000000000f4521403007bcba1")
    port = Nic(2, "ib0", address)
    assert infiniband_mac(address) == bytes.fromhex("f452147bcba1")
    assert found_nic(Link(0, "ib", "phy", bytes.fromhex("f452147bcba1")), port) == "ib0"
    assert found_nic(Link(0, "ib", "phy", address), port) == "ib0"
    assert found_nic(Link(0, "ib", "phy", ONE), port) == ""
    stand_in = Nic(2, "eth0", bytes.fromhex("f452147bcba1"))  # of a rehearsal: veth has no address of twenty bytes
    assert found_nic(Link(0, "ib", "phy", address), stand_in) == "eth0"
    assert infiniband_mac(ONE) == b""


def test_a_vlan_without_a_mac_is_known_by_what_it_stands_on() -> None:
    vlan = Link(3, "vlan5", "vlan", b"", vlan_id=5, vlan_link="tap0")
    links = {"tap0": PHYSICAL, "vlan5": vlan}
    parent, device = Nic(2, "eth0", ONE), Nic(4, "eth0.5", ONE, kind="vlan", vlan_id=5, parent=2)
    found = find_nic(vlan, links, Present([parent, Nic(3, "tun0", b""), device]))
    assert found == device
    assert find_nic(vlan, links, Present([parent, Nic(3, "tun0", b"")])) is None
    elsewhere = Nic(5, "eth9.5", TWO, kind="vlan", vlan_id=5, parent=9)
    assert find_nic(vlan, links, Present([parent, elsewhere])) is None
    with_mac = vlan._replace(mac=TWO)
    assert find_nic(with_mac, links, Present([parent, elsewhere])) == elsewhere
    assert find_nic(vlan._replace(mac=bytes(5) + b"\7"), links, Present([parent, elsewhere])) is None


def test_members_of_a_bond_that_are_not_links_are_no_fault() -> None:
    bond = BOND._replace(bond_links=("tap0", "gone"))
    device = Nic(4, "bond0", ONE, kind="bond")
    assert find_nic(bond, LINKS, Present([Nic(2, "eth0", ONE, master=4), device])) == device
    # A bond with none of their MACs is another one.
    assert find_nic(BOND, LINKS, Present([Nic(4, "bond0", OTHER, kind="bond"), Nic(5, "eth1", TWO)])) == Nic(
        5, "eth1", TWO
    )


def test_a_vlan_that_is_no_device_is_a_plain_nic_with_its_mac_but_not_the_one_it_stands_on() -> None:
    vlan = Link(3, "vlan5", "vlan", ONE, vlan_id=5, vlan_link="tap0")
    links = {"tap0": PHYSICAL, "vlan5": vlan}
    parent, plain = Nic(2, "eth0", ONE), Nic(4, "eth4", ONE)
    assert find_nic(vlan, links, Present([parent])) is None
    assert find_nic(vlan, links, Present([parent, plain])) == plain


def test_a_bond_is_the_bond_s_device_and_a_port_the_port() -> None:
    """Both have one MAC, whoever has an address."""
    port = Nic(2, "eth0", ONE, addresses=(parse_prefix("10.65.0.7/24"),), master=5)
    device = Nic(5, "bond0", ONE, kind="bond")
    assert found_nic(Link(0, "bond0", "bond", ONE), port, device) == "bond0"
    assert found_nic(Link(0, "tap0", "phy", ONE), port, device) == "eth0"
