"""A NIC with more subnets than the document has, and gateways that come and go (R2, R3, R4)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict, List, Tuple

import pytest

from tests.support.lab import MACS, Lab
from tests.support.passes import run

ADDRESSES = {4: ("10.65.0.7/24", "11.8.0.9/24"), 6: ("fd00:65::7/64", "fd00:8::9/64")}
GATEWAYS = {4: ("10.65.0.1", "11.8.0.1"), 6: ("fd00:65::1", "fd00:8::1")}
FURTHER = {4: ("11.9.0.9/24", "11.9.0.1", "11.9.0.0/24"), 6: ("fd00:9::9/64", "fd00:9::1", "fd00:9::/64")}
FAR = {4: "13.0.0.0/8", 6: "fd13::/16"}
SETTINGS = Path("/etc/guest-routes.yaml")


def nics(lab: Lab, family: int, *more: str) -> None:
    """Both, eth1 with more addresses."""
    length = 24 if family == 4 else 64
    gateways: List[Tuple[str, ...]] = [(f"{one}/{length}",) for one in GATEWAYS[family]]
    gateways[1] += (f"{FURTHER[family][1]}/{length}",)
    for place, name in enumerate(("eth0", "eth1")):
        lab.nic(name, MACS[place], ADDRESSES[family][place], *(more if place else ()), gateways=gateways[place])


def document(tmp_path: Path, family: int, *second: Dict[str, Any], dhcp: bool = False) -> str:
    """eth0's network with a default, and eth1's with these routes."""
    links = [{"id": f"tap{n}", "type": "tap", "ethernet_mac_address": MACS[n]} for n in (0, 1)]
    networks: List[Dict[str, Any]] = []
    for n in (0, 1):
        address, length = ADDRESSES[family][n].split("/")
        networks.append({"id": f"n{n}", "link": f"tap{n}", "type": f"ipv{family}{'_dhcp' * dhcp}"})
        if not dhcp:
            networks[n].update(ip_address=address, netmask=length, routes=list(second))
    if not dhcp:
        networks[0]["routes"] = [route({4: "0.0.0.0/0", 6: "::/0"}[family], GATEWAYS[family][0])]
    path = tmp_path / "network_data.json"
    path.write_text(json.dumps({"links": links, "networks": networks, "services": []}))
    return f"--metadata {path}"


def route(to: str, hop: str) -> Dict[str, str]:
    return {"network": to.split("/")[0], "netmask": to.split("/")[1], "gateway": hop}


def routes(lab: Lab, family: int) -> List[str]:
    """The defaults and routes to FAR, without what the kernel adds to a line."""
    found = (line.partition(" proto")[0] for line in lab.routes(family) if line.startswith(("default", FAR[family])))
    return sorted(found, key=lambda line: not line.startswith("default"))


@pytest.mark.parametrize("key", ["eth1", "a subnet", MACS[1]])
@pytest.mark.parametrize("family", [4, 6])
def test_the_gateway_of_a_further_subnet(lab: Lab, tmp_path: Path, family: int, key: str) -> None:
    """Without it the message says which entry is lacking; following that programs the route, and moves no default."""
    address, gateway, subnet = FURTHER[family]
    nics(lab, family, address)
    where = document(tmp_path, family)
    written = f'routes: ["{FAR[family]},{gateway}"]\n'
    SETTINGS.write_text(written)
    ran = run(lab, f"sync {where}")
    quoted = f'"{gateway}"' if family == 6 else gateway
    assert ran.code == 5 and "whose gateway is unknown: " in ran.out, ran
    assert f"`gateways: {{eth1: {quoted}}}`" in ran.out, ran
    SETTINGS.write_text(f'{written}gateways: {{"{subnet if key == "a subnet" else key}": "{gateway}"}}\n')
    assert run(lab, f"sync {where}").code == 0
    assert routes(lab, family) == [
        f"default via {GATEWAYS[family][0]} dev eth0", f"{FAR[family]} via {gateway} dev eth1",
    ]  # fmt: skip
    assert run(lab, f"plan --check {where}").code == 0
    assert f"{gateway} (gateways[" in run(lab, f"doctor {where}").out
    exported = run(lab, f"export --format networkd {where}").out
    assert f"Address={address}" in exported and f"Gateway={gateway}" in exported, exported


@pytest.mark.parametrize("family", [4, 6])
def test_an_entry_for_the_further_subnet_of_the_default_s_nic(lab: Lab, tmp_path: Path, family: int) -> None:
    """A document without routes: the default in the kernel keeps its router."""
    address, gateway, _ = FURTHER[family]
    nics(lab, family, address)
    own = GATEWAYS[family][1]
    lab.ip(f"-{family}", *f"route add default via {own} dev eth1 proto dhcp metric 100".split())
    SETTINGS.write_text(f'routes: ["{FAR[family]},{gateway}"]\ngateways: {{eth1: "{gateway}"}}\n')
    assert run(lab, f"sync {document(tmp_path, family, dhcp=True)}").code == 0
    assert routes(lab, family) == [f"default via {own} dev eth1", f"{FAR[family]} via {gateway} dev eth1"]


@pytest.mark.parametrize("family", [4, 6])
def test_a_default_that_was_there_for_a_moment(lab: Lab, tmp_path: Path, family: int) -> None:
    """eth1's network lists a route and no gateway; a default through it comes, and is recorded."""
    nics(lab, family)
    hop = GATEWAYS[family][1][:-1] + "2"
    where = document(tmp_path, family, route(FAR[family], hop))
    wanted = [f"default via {GATEWAYS[family][0]} dev eth0", f"{FAR[family]} via {hop} dev eth1"]
    assert (run(lab, f"sync {where}").code, routes(lab, family)) == (0, wanted)
    lab.ip(f"-{family}", *f"route add default via {GATEWAYS[family][1]} dev eth1 metric 2500".split())
    for _ in range(2):
        assert (run(lab, f"sync {where}").code, routes(lab, family)) == (0, wanted)


def test_a_renumbered_nic_has_one_gateway(lab: Lab, tmp_path: Path) -> None:
    """The documented one names the NIC, and its own default is what host routes and the default go by."""
    nics(lab, 4)
    lab.ip("address", "add", "10.99.0.7/24", "dev", "eth0")
    lab.ip("address", "del", "10.65.0.7/24", "dev", "eth0")
    lab.ip(*"route add default via 10.99.0.1 dev eth0 proto dhcp metric 100".split())
    where = document(tmp_path, 4, route(FAR[4], "10.65.0.1"), route("14.0.0.0/8", "10.99.0.1"))
    ran = run(lab, f"sync {where}")
    assert ran.code == 0, ran
    assert routes(lab, 4) == ["default via 10.99.0.1 dev eth0", f"{FAR[4]} via 10.99.0.1 dev eth0"]
    assert any(line.startswith("14.0.0.0/8 via 10.99.0.1 dev eth0") for line in lab.routes())
    assert "gateway 10.99.0.1 (the kernel's default route" in run(lab, f"doctor {where}").out


def test_entries_that_name_no_gateway_are_named(lab: Lab, tmp_path: Path) -> None:
    nics(lab, 4)
    SETTINGS.write_text('gateways: {eth7: 10.7.0.1, eth0: 11.8.0.1, "10.66.0.0/24": 10.66.0.1}\n')
    where = document(tmp_path, 4)
    ran = run(lab, f"sync {where}")
    assert "gateways[eth0] of /etc/guest-routes.yaml is not used: 11.8.0.1 is in eth1's subnet" in ran.err
    assert ran.err.count("no NIC and no network fits it") == 2
    assert routes(lab, 4) == ["default via 10.65.0.1 dev eth0"]
    assert run(lab, f"doctor {where}").out.count("is not used") == 3


def test_a_subnet_chooses_the_default_of_its_own_family(lab: Lab, tmp_path: Path) -> None:
    nics(lab, 6)
    SETTINGS.write_text("default: {subnet: 11.8.0.0/24}\n")
    assert run(lab, f"sync {document(tmp_path, 6)}").code == 0
    assert routes(lab, 6) == ["default via fd00:65::1 dev eth0"]
