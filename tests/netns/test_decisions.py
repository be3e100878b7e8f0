"""Defaults that leave by the right NIC on documents of other shapes; real kernel, whole commands (R2-R4, R6)."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any, Dict, List

import pytest

from tests.support.lab import MACS, Lab
from tests.support.passes import CONNECTED, run, table

ETH0_DEFAULT, ETH1_DEFAULT = ("0.0.0.0/0", "10.65.0.1"), ("0.0.0.0/0", "11.8.0.1")
HOST_ROUTE = ("11.11.0.0/16", "11.8.0.1")


def entry(destination: str, gateway: str) -> Dict[str, str]:
    network, _, length = destination.partition("/")
    return {"network": network, "netmask": length, "gateway": gateway}


def net(index: int, *routes: Any, **more: Any) -> Dict[str, Any]:
    address = ("10.65.0.7", "11.8.0.9")[index]
    found = {"id": f"network{index}", "type": "ipv4", "link": f"tap{index}", "ip_address": address, "netmask": "24"}
    return {**found, "routes": [entry(*one) for one in routes], **more}


def write(tmp_path: Path, *networks: Dict[str, Any]) -> str:
    links = [{"id": f"tap{n}", "type": "tap", "ethernet_mac_address": MACS[n]} for n in (0, 1)]
    path = tmp_path / "network_data.json"
    path.write_text(json.dumps({"links": links, "networks": networks, "services": []}))
    return f"--metadata {path}"


def start(lab: Lab, *routes: str) -> None:
    lab.documented_nics()
    for route in routes:
        lab.ip("route", "append", *route.split())


def routed(lab: Lab) -> List[str]:
    return [line for line in table(lab) if line not in CONNECTED]


BOTH = ("default via 10.65.0.1 dev eth0 proto static", "default via 11.8.0.1 dev eth1 proto static")
ON_ETH1 = [BOTH[1], "11.11.0.0/16 via 11.8.0.1 dev eth1 proto 121"]


@pytest.mark.parametrize("elsewhere", [(), (HOST_ROUTE,)], ids=["default alone", "with the host route"])
def test_a_default_by_another_nics_gateway_names_that_nic(lab: Lab, tmp_path: Path, elsewhere: Any) -> None:
    """D1: eth0's network lists the default by eth1's gateway."""
    start(lab, BOTH[1])
    where = write(tmp_path, net(0, ETH1_DEFAULT, HOST_ROUTE), net(1, ETH1_DEFAULT, *elsewhere))
    ran = run(lab, f"sync {where}")
    assert (ran.code, routed(lab)) == (0, ON_ETH1), ran


def test_it_names_that_nic_also_where_it_has_no_default_of_its_own(lab: Lab, tmp_path: Path) -> None:
    start(lab, BOTH[1])
    where = write(tmp_path, net(0, ETH1_DEFAULT), net(1, HOST_ROUTE))
    ran = run(lab, f"sync {where}")
    assert (ran.code, routed(lab)) == (0, ON_ETH1), ran


ALONE = {
    4: ("10.65.0.7/24", "11.8.0.9/32", "11.8.0.1", "0.0.0.0/0", "11.11.0.0/16"),
    6: ("fd00:65::7/64", "fd00:8::9/128", "fd00:8::1", "::/0", "fd11::/16"),
}


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("family", ALONE)
def test_the_gateway_of_a_single_address_is_no_other_networks(
    lab: Lab, tmp_path: Path, family: int, order: int
) -> None:
    """D1 where eth1's gateway is in no subnet: eth0's network has one, and lists eth1's gateway all the same."""
    first, second, gateway, everything, behind = ALONE[family]
    lab.nic("eth0", MACS[0], first)
    lab.nic("eth1", MACS[1], second, gateways=(f"{gateway}/{second.partition('/')[2]}",))
    lab.ip(f"-{family}", "route", "add", gateway, "dev", "eth1")
    lab.ip(f"-{family}", "route", "add", "default", "via", gateway, "dev", "eth1", "proto", "static")
    kind = {"type": f"ipv{family}", "netmask": None}
    networks = [
        net(0, (everything, gateway), (behind, gateway), ip_address=first, **kind),
        net(1, (everything, gateway), ip_address=second, **kind),
    ]
    ran = run(lab, f"sync {write(tmp_path, *networks[::order])}")
    found = [line.split(" proto")[0] for line in lab.routes(family) if line.startswith(("default", behind))]
    wanted = [f"{what} via {gateway} dev eth1" for what in ("default", behind)]
    assert (ran.code, sorted(found)) == (0, sorted(wanted)), ran


SINGLE = {
    4: ("203.0.113.77/32", "10.65.0.9/24", "10.65.0.1", "0.0.0.0/0"),
    6: ("2001:db8::77/128", "fd00:65::9/64", "fd00:65::1", "::/0"),
}


@pytest.mark.parametrize("family", SINGLE)
def test_a_single_address_by_a_gateway_in_another_networks_subnet(lab: Lab, tmp_path: Path, family: int) -> None:
    """Nothing else names a gateway there; what a manager made of the entry, on link, leads to no router."""
    single, other, gateway, everything = SINGLE[family]
    lab.nic("eth0", MACS[0], single)
    lab.nic("eth1", MACS[1], other, gateways=(f"{gateway}/{other.partition('/')[2]}",))
    if family == 4:  # IPv6 itself refuses that.
        lab.ip("route", "add", "default", "via", gateway, "dev", "eth0", "onlink", "metric", "100")
    kind = {"type": f"ipv{family}", "netmask": None}
    first, second = net(0, (everything, gateway), ip_address=single, **kind), net(1, ip_address=other, **kind)
    ran = run(lab, f"sync --verbose {write(tmp_path, first, second)}")
    assert ran.code == 0, ran
    (default,) = [line for line in lab.routes(family) if line.startswith("default")]
    assert default.startswith(f"default via {gateway} dev eth1 proto 121"), default
    assert f"{gateway} is eth1's gateway (networks[0].routes[0])" in " ".join(ran.out.split())


def test_a_nic_that_is_renumbered_keeps_the_default_that_came_with_its_address(lab: Lab, tmp_path: Path) -> None:
    """The document is older: its gateway, made on link, would take the working default's place."""
    lab.documented_nics()
    where = write(tmp_path, net(0, ETH0_DEFAULT), net(1, ETH1_DEFAULT, HOST_ROUTE))
    assert (run(lab, f"sync {where}").code, routed(lab)[0]) == (0, "default via 10.65.0.1 dev eth0 proto 121")
    # As systemd-networkd does when a DHCP server gives another address: ours would stay in front of its default.
    lab.ip("address", "add", "10.99.0.7/24", "dev", "eth0")
    lab.ip("address", "del", "10.65.0.7/24", "dev", "eth0")
    lab.ip("route", "append", *"default via 10.99.0.1 dev eth0 proto dhcp metric 1024".split())
    ran = run(lab, f"sync --verbose {where}")
    defaults = [line for line in lab.routes() if line.startswith("default")]
    assert (ran.code, defaults) == (0, ["default via 10.99.0.1 dev eth0 proto dhcp metric 1024"]), ran
    said = "eth0 has 10.99.0.7/24 and no address in 10.65.0.0/24, so its own is used: the kernel's default route"
    assert said in " ".join(ran.out.split())
    assert "11.11.0.0/16 via 11.8.0.1 dev eth1 proto 121" in lab.routes()


STALE = {
    4: ("10.65.0.1/24", "10.99.0.7/24", "10.65.0.7/24", "default via 10.99.0.1 dev eth0"),
    6: ("fd00:65::1/64", "fd00:99::7/64", "fd00:65::7/64", "default via fd00:99::1 dev eth0"),
}


@pytest.mark.parametrize("family", STALE)
def test_a_default_of_the_former_address_hides_none_of_the_present_one(lab: Lab, tmp_path: Path, family: int) -> None:
    """The kernel keeps routes by a gateway that no address goes with any more; a manager's static one stays."""
    gateway, own, former, present = STALE[family]
    other = {4: ("11.8.0.9/24", "11.8.0.1"), 6: ("fd00:8::9/64", "fd00:8::1")}[family]
    lab.nic("eth0", MACS[0], former, gateways=(gateway,))
    lab.nic("eth1", MACS[1], other[0], gateways=(f"{other[1]}/{other[0].partition('/')[2]}",))
    lab.ip(*f"-{family} route add default via {gateway.partition('/')[0]} dev eth0 proto static metric 50".split())
    lab.ip("address", "add", own, "dev", "eth0", *(["nodad"] if family == 6 else []))
    lab.ip("address", "del", former, "dev", "eth0")
    lab.ip(*f"-{family} route append {present} proto static metric 100".split())
    everything = {4: "0.0.0.0/0", 6: "::/0"}[family]
    first, second = (
        net(
            n,
            (everything, hop),
            ip_address=address.partition("/")[0],
            type=f"ipv{family}",
            netmask=address.partition("/")[2],
        )
        for n, hop, address in ((0, gateway.partition("/")[0], former), (1, other[1], other[0]))
    )
    ran = run(lab, f"sync {write(tmp_path, first, second)}")
    assert ran.code == 0, ran
    (default,) = [line for line in lab.routes(family) if line.startswith("default")]
    assert default.startswith(present), default


def test_a_default_entry_by_no_gateway_is_the_reason_for_no_default(lab: Lab, tmp_path: Path) -> None:
    """The kernel's own default names another gateway there; it stays, and the message says which entry is at fault."""
    start(lab, BOTH[1])
    ran = run(lab, f"sync {write(tmp_path, net(0, ('0.0.0.0/0', '11.8.0.99')), net(1))}")
    assert (ran.code, routed(lab)) == (5, [BOTH[1]]), ran
    said = " ".join(ran.out.split())
    why = "networks[0].routes[0]: 11.8.0.99 is in eth1's subnet 11.8.0.0/24, but its gateway is 11.8.0.1"
    assert f"no default: it is documented, and no NIC can carry it ({why})" in said
    where = write(tmp_path, net(0), net(1))  # What it says: `subnet unset`.
    assert "openstack subnet unset --host-route destination=0.0.0.0/0,gateway=11.8.0.99" in said
    assert (run(lab, f"sync {where}").code, routed(lab)) == (0, [BOTH[1]])


def test_a_network_with_a_default_of_its_own_comes_before_one_that_is_named(lab: Lab, tmp_path: Path) -> None:
    start(lab, *BOTH)
    where = write(tmp_path, net(0, ETH0_DEFAULT, ETH1_DEFAULT), net(1, HOST_ROUTE))
    assert run(lab, f"sync {where}").code == 0
    assert routed(lab) == [BOTH[0], "11.11.0.0/16 via 11.8.0.1 dev eth1 proto 121"]


def test_a_documented_default_comes_before_the_kernels(lab: Lab, tmp_path: Path) -> None:
    """D2: the private network lists host routes and no default, and the kernel has one through it."""
    start(lab, BOTH[1], "default via 10.65.0.129 dev eth0 metric 500")
    where = write(tmp_path, net(0, ("10.176.0.0/12", "10.65.0.129")), net(1, ETH1_DEFAULT))
    ran = run(lab, f"sync {where}")
    assert (ran.code, routed(lab)) == (0, [BOTH[1], "10.176.0.0/12 via 10.65.0.129 dev eth0 proto 121"]), ran


def test_a_private_network_without_a_gateway(lab: Lab, tmp_path: Path) -> None:
    """D3: the next hop is in the prefix of a network that lists routes and no gateway."""
    start(lab, BOTH[1])
    where = write(tmp_path, net(0, ("10.176.0.0/12", "10.65.0.129")), net(1, ETH1_DEFAULT))
    ran = run(lab, f"sync {where}")
    assert (ran.code, routed(lab)) == (0, [BOTH[1], "10.176.0.0/12 via 10.65.0.129 dev eth0 proto 121"]), ran
    assert "gateways:" not in ran.out + ran.err


def test_a_route_stays_whose_network_lost_its_gateway(lab: Lab, tmp_path: Path) -> None:
    """D4, D5: the document still lists it with the same next hop."""
    start(lab, *BOTH)
    run(lab, f"sync {write(tmp_path, net(0, ETH0_DEFAULT), net(1, ETH1_DEFAULT, HOST_ROUTE))}")
    wanted = [BOTH[0], "11.11.0.0/16 via 11.8.0.1 dev eth1 proto 121"]
    assert routed(lab) == wanted
    for networks in ([net(0, ETH0_DEFAULT, HOST_ROUTE), net(1)], [net(0, ETH0_DEFAULT, HOST_ROUTE)]):
        ran = run(lab, f"sync --accept-withdrawals {write(tmp_path, *networks)}")
        assert routed(lab) == wanted, ran
        assert "nothing lists it any more" not in ran.out
    ran = run(lab, f"sync --accept-withdrawals {write(tmp_path, net(0, ETH0_DEFAULT), net(1, ETH1_DEFAULT))}")
    assert routed(lab) == wanted[:1]
    assert "nothing lists it any more" in ran.out


def test_no_nic_can_carry_the_documented_default(lab: Lab, tmp_path: Path) -> None:
    """D11: not all is in place."""
    lab.documented_nics()
    for nic in ("eth0", "eth1"):
        lab.ip("address", "flush", "dev", nic)
    ran = run(lab, f"sync {write(tmp_path, net(0, ETH0_DEFAULT), net(1, ETH1_DEFAULT))}")
    assert (ran.code, "no default" in ran.out) == (5, True), ran


def test_an_isolated_network_has_none(lab: Lab, tmp_path: Path) -> None:
    lab.documented_nics()
    ran = run(lab, f"sync {write(tmp_path, net(0), net(1))}")
    assert (ran.code, routed(lab)) == (0, []), ran


def test_a_gateway_key(lab: Lab, tmp_path: Path) -> None:
    """D8: cloud-init honours it, and so do we."""
    lab.documented_nics()
    where = write(tmp_path, net(0, gateway="10.65.0.1"), net(1, HOST_ROUTE, gateway="11.8.0.1"))
    ran = run(lab, f"sync {where}")
    assert (ran.code, routed(lab)) == (
        0,
        ["default via 10.65.0.1 dev eth0 proto 121", "11.11.0.0/16 via 11.8.0.1 dev eth1 proto 121"],
    ), ran


def test_a_service_keeps_the_metadata_route_as_listed(lab: Lab, tmp_path: Path) -> None:
    """Neutron's DHCP port: its next hop is no gateway, and nobody should change it."""
    start(lab, *BOTH)
    metadata = ("169.254.169.254/32", "10.65.0.2")
    ran = run(lab, f"sync {write(tmp_path, net(0, ETH0_DEFAULT, metadata), net(1, ETH1_DEFAULT))}")
    assert (ran.code, routed(lab)) == (0, [BOTH[0], "169.254.169.254 via 10.65.0.2 dev eth0 proto 121"]), ran


# ---- which device -------------------------------------------------------------------------------------


ON_ETH1_TOO = "11.11.0.0/16 via 11.8.0.1 dev eth1 proto 121"
BY_ETH1 = (net(0, ETH0_DEFAULT, HOST_ROUTE), net(1, ETH1_DEFAULT))


def test_a_bridge_over_the_nic(lab: Lab, tmp_path: Path) -> None:
    """D6: the bridge has the NIC's MAC and its address; the port keeps a link-local one."""
    start(lab, BOTH[1])
    lab.ip("link", "add", "br0", "address", MACS[0], "type", "bridge")
    lab.ip("address", "flush", "dev", "eth0", "scope", "global")
    lab.ip("link", "set", "eth0", "master", "br0")
    lab.ip("address", "add", "10.65.0.7/24", "dev", "br0")
    lab.up("br0")
    ran = run(lab, f"sync {write(tmp_path, *BY_ETH1)}")
    assert ran.code == 0, ran
    assert [one for one in lab.routes() if "scope link" not in one] == [
        "default via 10.65.0.1 dev br0 proto 121",
        ON_ETH1_TOO,
    ]


def test_a_macvlan_that_has_the_nics_address(lab: Lab, tmp_path: Path) -> None:
    start(lab, BOTH[1])
    lab.ip("address", "flush", "dev", "eth0", "scope", "global")
    lab.ip("link", "set", "eth0", "down")
    lab.ip("link", "set", "eth0", "address", "02:00:00:00:00:77")
    lab.ip("link", "set", "eth0", "up")
    lab.ip("link", "add", "link", "eth0", "name", "mv0", "address", MACS[0], "type", "macvlan", "mode", "private")
    lab.ip("address", "add", "10.65.0.7/24", "dev", "mv0")
    lab.ip("link", "set", "mv0", "up")
    ran = run(lab, f"sync {write(tmp_path, *BY_ETH1)}")
    assert ran.code == 0, ran
    routes = [one for one in lab.routes() if "scope link" not in one]
    assert routes == ["default via 10.65.0.1 dev mv0 proto 121", ON_ETH1_TOO]


def test_a_mac_changed_and_a_nic_renamed_between_passes(lab: Lab, tmp_path: Path) -> None:
    """The address still says which NIC it is; nothing is taken away for the change."""
    start(lab, *BOTH)
    where = write(tmp_path, *BY_ETH1)
    assert run(lab, f"sync {where}").code == 0
    before = routed(lab)
    assert before == [BOTH[0], ON_ETH1_TOO]
    lab.ip("link", "set", "eth1", "address", "02:00:00:00:00:77")
    assert (run(lab, f"sync {where}").code, routed(lab)) == (0, before)
    lab.ip("link", "set", "eth1", "down")
    lab.ip("link", "set", "eth1", "name", "ens4")
    lab.ip("link", "set", "ens4", "up")
    ran = run(lab, f"sync {where}")
    assert ran.code == 0, ran
    assert "11.11.0.0/16 via 11.8.0.1 dev ens4 proto 121" in lab.routes()


def single_addresses(lab: Lab) -> None:
    for number in (0, 1):
        lab.nic(f"eth{number}", MACS[number], ("10.65.0.7/32", "11.8.0.9/32")[number])


def test_a_vpn_that_comes_up_over_a_gateway_outside_moves_no_default(lab: Lab, tmp_path: Path) -> None:
    """The gateway of a /32 address lies in the VPN's subnet then, and is still that of the network that lists it."""
    single_addresses(lab)
    where = write(tmp_path, net(0, ETH0_DEFAULT, netmask="32"), net(1, ETH1_DEFAULT, HOST_ROUTE, netmask="32"))
    assert run(lab, f"sync {where}").code == 0
    before = routed(lab)
    assert "default via 10.65.0.1 dev eth0 proto 121 onlink" in before
    lab.nic("tun0", MACS[2], "10.9.0.2/8", "11.9.0.2/8")
    ran = run(lab, f"sync {where}")
    assert (ran.code, "nothing to do" in ran.out) == (0, True), ran
    lab.ip("route", "delete", "default")
    assert run(lab, f"sync {where}").code == 0
    assert [line for line in routed(lab) if "tun0" not in line] == before


def test_a_self_assigned_address_is_no_place_for_a_gateway(lab: Lab, tmp_path: Path) -> None:
    """Calico's gateway is 169.254.1.1 on each NIC; eth1 has given itself 169.254.7.7/16, as networkd and avahi do."""
    single_addresses(lab)
    lab.ip("address", "add", "169.254.7.7/16", "dev", "eth1")
    calico = ("0.0.0.0/0", "169.254.1.1")
    ran = run(lab, f"sync {write(tmp_path, net(0, calico, netmask='32'), net(1, calico, netmask='32'))}")
    assert ran.code == 0, ran
    assert "default via 169.254.1.1 dev eth0 proto 121 onlink" in routed(lab)
    assert not [line for line in routed(lab) if line.startswith("default") and "eth1" in line]


# ---- addresses with a peer ----------------------------------------------------------------------------


PEERS = {
    4: (("10.65.0.7", "10.65.0.1/32"), ("11.8.0.9", "11.8.0.1/32"), "11.11.0.0/16", "0.0.0.0/0"),
    6: (("fd00:65::7", "fd00:65::1/128"), ("fd00:8::9", "fd00:8::1/128"), "fd00:11::/32", "::/0"),
}


@pytest.mark.parametrize("engine", ["rtnetlink", "pyroute2"])
@pytest.mark.parametrize("family", PEERS)
def test_the_peer_of_an_address_is_on_link(lab: Lab, tmp_path: Path, family: int, engine: str) -> None:
    """The kernel has a route to it: no route by it needs the flag onlink, and a default that goes comes back."""
    first, second, beyond, everything = PEERS[family]
    length = "32" if family == 4 else "128"
    networks = []
    for number, (own, peer) in enumerate((first, second)):
        gateway = peer.partition("/")[0]
        lab.nic(f"eth{number}", MACS[number])
        lab.ip(*f"address add {own} peer {peer} dev eth{number}".split(), *(["nodad"] if family == 6 else []))
        while not any(line.startswith(f"{gateway} dev") for line in lab.routes(family)):
            time.sleep(0.01)  # The kernel takes its time with IPv6's.
        routes = [(everything, gateway)] + [(beyond, second[1].partition("/")[0])] * (not number)
        lab.ip(*f"-{family} route append default via {gateway} dev eth{number} metric {50 + 50 * number}".split())
        networks.append(net(number, *routes, ip_address=own, netmask=length, type=f"ipv{family}"))
    where = f"{write(tmp_path, *networks)} --engine {engine}"
    before = lab.routes(family)
    assert "onlink" not in run(lab, f"plan --verbose {where}").out
    ran = run(lab, f"sync --verbose {where}")
    assert (ran.code, "outside every prefix" in ran.out) == (0, False), ran
    by = second[1].partition("/")[0]
    assert any(line.startswith(f"{beyond} via {by} dev eth1 proto 121") for line in table(lab, family))
    assert not any("onlink" in line for line in lab.routes(family))
    assert [line.split()[4] for line in lab.routes(family) if line.startswith("default")] == ["eth0"]
    assert "nothing to do" in run(lab, f"sync {where}").out
    assert run(lab, "withdraw").code == 0
    assert lab.routes(family) == before
    assert run(lab, f"sync {where} --source-routing true").code == 0
    lab.ip(f"-{family}", "route", "delete", "default")
    assert run(lab, f"sync {where}").code == 0
    assert not any("onlink" in line for line in lab.routes(family, "all"))


def test_a_peer_s_subnet_is_the_nic_s(lab: Lab, tmp_path: Path) -> None:
    """Of `10.99.0.7 peer 10.65.0.1/24` all of 10.65.0.0/24 is on link, and nothing of 10.99.0.0/24."""
    lab.nic("eth0", MACS[0])
    lab.ip(*"address add 10.99.0.7 peer 10.65.0.1/24 dev eth0".split())
    entry = ("0.0.0.0/0", "10.65.0.1")
    network = net(0, entry, ("12.0.0.0/8", "10.99.0.1"), ip_address="10.99.0.7", netmask="32")
    ran = run(lab, f"sync {write(tmp_path, network)}")
    assert "default via 10.65.0.1 dev eth0 proto 121" in table(lab), ran
    assert ran.code == 5 and "10.99.0.1 is in no" in ran.out, ran


def test_a_chosen_nic_whose_gateway_dhcp_is_to_tell(lab: Lab, tmp_path: Path) -> None:
    """D11: nobody says that there is none, so its absence is no silence."""
    lab.documented_nics()
    silent = [{"id": f"network{n}", "link": f"tap{n}", "type": "ipv4_dhcp"} for n in (0, 1)]
    ran = run(lab, f"sync {write(tmp_path, *silent)} --default nic=eth1")
    assert ran.code == 5 and "IPv4 default the settings choose nic eth1" in ran.out, ran
