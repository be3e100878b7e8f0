"""Networks whose link's MAC doesn't tell their NIC: bridges, links with one MAC or id, links that are swapped (R2)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict, List, Set

import pytest

from tests.support.lab import DATA, MACS, Lab
from tests.support.passes import run
from tests.support.rendered import rendered, said
from tests.support.service import Start

OWN_MAC = "8e:00:00:00:00:01"
ADDRESSES = {4: ("10.65.0.7/24", "11.8.0.9/24"), 6: ("fd00:65::7/64", "fd00:8::9/64")}
GATEWAYS = {4: ("10.65.0.1", "11.8.0.1"), 6: ("fd00:65::1", "fd00:8::1")}
ANYWHERE = {4: "0.0.0.0/0", 6: "::/0"}
BEHIND = {4: "11.11.0.0/16", 6: "fd11::/16"}


def document(tmp_path: Path, family: int = 4, **changed: Any) -> str:
    """Both networks with a default, the second one with a host route; `macs` and `ids` of the links."""
    macs, ids = changed.get("macs", MACS), changed.get("ids", ("tap0", "tap1"))
    networks: List[Dict[str, Any]] = []
    for place in (0, 1):
        destinations = [ANYWHERE[family], *([BEHIND[family]] if place else [])]
        routes = [
            {"network": to.split("/")[0], "netmask": to.split("/")[1], "gateway": GATEWAYS[family][place]}
            for to in destinations
        ]
        address, length = ADDRESSES[family][place].split("/")
        networks.append(
            {"id": f"n{place}", "type": f"ipv{family}", "link": ids[place], "ip_address": address, "netmask": length}
        )
        networks[-1]["routes"] = routes
    if changed.get("no_first_default"):
        networks[0]["routes"] = []
    links = [{"id": ids[n], "type": "tap", "ethernet_mac_address": macs[n]} for n in (0, 1)]
    path = tmp_path / "network_data.json"
    path.write_text(json.dumps({"links": links, "networks": networks, "services": []}))
    return f"--metadata {path}"


def nics(lab: Lab, family: int) -> None:
    """Both, with their addresses and gateways, and no route."""
    for place, name in enumerate(("eth0", "eth1")):
        lab.nic(
            name,
            MACS[place],
            ADDRESSES[family][place],
            gateways=(f"{GATEWAYS[family][place]}/{24 if family == 4 else 64}",),
        )


def bridge(lab: Lab, port: str, address: str) -> None:
    """A bridge with a MAC of its own takes a NIC's place."""
    lab.ip("link", "add", "br0", "address", OWN_MAC, "type", "bridge")
    lab.ip("address", "flush", "dev", port, "scope", "global")
    lab.ip("link", "set", port, "master", "br0")
    lab.ip("address", "add", address, "dev", "br0", *(["nodad"] if ":" in address else []))
    lab.up("br0")


def routes(lab: Lab, family: int = 4) -> List[str]:
    """Defaults and host routes, without what the kernel adds to a line."""
    wanted = ("default", BEHIND[family])
    found = (line.partition(" proto")[0] for line in lab.routes(family) if line.startswith(wanted))
    return sorted(found, key=lambda line: not line.startswith("default"))


@pytest.mark.parametrize("own_mac", [True, False])
@pytest.mark.parametrize("metric", ["1024", "100", ""])
def test_a_default_that_is_left_on_the_port_of_a_bridge_goes(
    lab: Lab, tmp_path: Path, metric: str, own_mac: bool
) -> None:
    """IPv6 keeps routes by a gateway of an address that has gone; a port of a bridge leads nowhere."""
    nics(lab, 6)
    where = document(tmp_path, 6)
    first, _ = GATEWAYS[6]
    lab.ip("-6", "route", "add", "default", "via", first, "dev", "eth0", "proto", "static", "metric", "1024")
    assert run(lab, f"sync {where}").code == 0
    bridge(lab, "eth0", ADDRESSES[6][0])
    if not own_mac:
        lab.ip("link", "set", "br0", "address", MACS[0])
    if metric:
        lab.ip(*f"-6 route append default via {first} dev br0 proto static metric {metric}".split())
    ran = run(lab, f"sync {where}")
    assert (ran.code, [one for one in routes(lab, 6) if "default" in one]) == (0, [f"default via {first} dev br0"]), ran
    assert run(lab, f"sync {where}").out.startswith("nothing to do")
    assert run(lab, "withdraw").code == 0
    assert {f"default via {first} dev br0"} == {one for one in routes(lab, 6) if "default" in one}


@pytest.mark.parametrize("family", [4, 6])
def test_a_bridge_with_a_mac_of_its_own_over_the_first_nic(lab: Lab, tmp_path: Path, family: int) -> None:
    """The default that was ours by the port goes to the bridge, not to the other NIC."""
    nics(lab, family)
    where = document(tmp_path, family)
    assert run(lab, f"sync {where}").code == 0
    first, second = GATEWAYS[family]
    assert routes(lab, family) == [f"default via {first} dev eth0", f"{BEHIND[family]} via {second} dev eth1"]
    bridge(lab, "eth0", ADDRESSES[family][0])
    planned = run(lab, f"plan {where}")
    assert f"default via {first} dev br0" in planned.out, planned
    assert run(lab, f"sync {where}").code == 0
    assert routes(lab, family) == [f"default via {first} dev br0", f"{BEHIND[family]} via {second} dev eth1"]
    assert run(lab, f"plan --check {where}").code == 0
    exported = run(lab, f"export --format ip {where}")
    assert f"via {second} dev" in exported.out and "br0 is not exported" in exported.err, exported


@pytest.mark.parametrize("family", [4, 6])
def test_a_bridge_with_a_mac_of_its_own_over_the_second_nic(lab: Lab, tmp_path: Path, family: int) -> None:
    nics(lab, family)
    bridge(lab, "eth1", ADDRESSES[family][1])
    ran = run(lab, f"sync {document(tmp_path, family)}")
    first, second = GATEWAYS[family]
    assert ran.code == 0, ran
    assert routes(lab, family) == [f"default via {first} dev eth0", f"{BEHIND[family]} via {second} dev br0"]


def test_the_service_follows_the_address_onto_the_bridge(lab: Lab, tmp_path: Path, start: Start) -> None:
    nics(lab, 4)
    running = start(*document(tmp_path).split())
    running.wait(lambda: routes(lab) == ["default via 10.65.0.1 dev eth0", "11.11.0.0/16 via 11.8.0.1 dev eth1"])
    bridge(lab, "eth0", "10.65.0.7/24")
    running.wait(lambda: routes(lab) == ["default via 10.65.0.1 dev br0", "11.11.0.0/16 via 11.8.0.1 dev eth1"])


SWAPPED = (MACS[1], MACS[0])


def default_of(lab: Lab, family: int) -> None:
    """eth0's, as the network manager made it."""
    lab.ip(f"-{family}", *f"route add default via {GATEWAYS[family][0]} dev eth0 proto static".split())


@pytest.mark.parametrize("family", [4, 6])
def test_swapped_links_take_nothing(lab: Lab, tmp_path: Path, family: int) -> None:
    """The addresses and the default are right, and the document's links are not."""
    nics(lab, family)
    default_of(lab, family)
    before = lab.routes(family)
    where = document(tmp_path, family, macs=SWAPPED)
    ran = run(lab, f"sync {where}")
    assert (ran.code, lab.routes(family)) == (5, before), ran
    first, second = ADDRESSES[family]
    unknown = (
        "networks[0]'s NIC is unknown: its link has the MAC of eth1, and its address {} is on eth0, another link's"
    )
    assert unknown.format(first) in ran.out, ran
    assert f"its link has the MAC of eth0, and its address {second} is on eth1" in ran.out, ran
    for command in ("plan", "explain 8.8.8.8" if family == 4 else "explain 2001:db8::1", "doctor"):
        assert unknown.format(first) in run(lab, f"{command} {where}").out
    exported = run(lab, f"export --format ip {where}")
    assert exported.code == 5 and "route" not in exported.out.replace("guest-routes", ""), exported
    run(lab, "withdraw")
    assert lab.routes(family) == before


@pytest.mark.parametrize("family", [4, 6])
def test_links_swapped_after_a_good_document(lab: Lab, tmp_path: Path, family: int) -> None:
    """What the good one brought stays: routes, and the rules and tables of source routing (R6, R21)."""
    nics(lab, family)
    Path("/etc/guest-routes.yaml").write_text("source_routing: true\n")
    assert run(lab, f"sync {document(tmp_path, family)}").code == 0
    before = lab.routes(family), lab.ip(f"-{family}", "rule"), lab.ip(f"-{family}", "route", "show", "table", "all")
    assert run(lab, f"sync {document(tmp_path, family, macs=SWAPPED)}").code == 5
    assert before == (
        lab.routes(family), lab.ip(f"-{family}", "rule"), lab.ip(f"-{family}", "route", "show", "table", "all")
    )  # fmt: skip


def test_one_address_of_swapped_links_tells_it_before_the_other_is_there(lab: Lab, tmp_path: Path) -> None:
    """No default is made through eth0 by the gateway of eth1, which has no address yet."""
    lab.nic("eth0", MACS[0], "10.65.0.7/24", gateways=("10.65.0.1/24",))
    lab.nic("eth1", MACS[1])
    default_of(lab, 4)
    before = lab.routes()
    assert (run(lab, f"sync {document(tmp_path, macs=SWAPPED)}").code, lab.routes()) == (5, before)


def test_swapped_links_whose_addresses_were_changed_since(lab: Lab, tmp_path: Path) -> None:
    """The subnets tell as much as the addresses."""
    lab.nic("eth0", MACS[0], "10.65.0.77/24", gateways=("10.65.0.1/24",))
    lab.nic("eth1", MACS[1], "11.8.0.99/24", gateways=("11.8.0.1/24",))
    default_of(lab, 4)
    before = lab.routes()
    ran = run(lab, f"sync {document(tmp_path, macs=SWAPPED)}")
    assert (ran.code, lab.routes()) == (5, before), ran
    assert "which has no address in 10.65.0.0/24, and one in networks[1]'s subnet" in ran.out, ran


@pytest.mark.parametrize("family", [4, 6])
def test_the_second_network_on_the_first_one_s_link(lab: Lab, tmp_path: Path, family: int) -> None:
    """The first one is right and has the default; a host route of the second one's goes by no wrong NIC."""
    nics(lab, family)
    where = document(tmp_path, family)
    path = Path(where.split()[1])
    path.write_text(path.read_text().replace('"link": "tap1"', '"link": "tap0"'))
    ran = run(lab, f"sync {where}")
    assert ran.code == 5 and f"its address {ADDRESSES[family][1]} is on eth1, another link's" in ran.out, ran
    assert routes(lab, family) == [f"default via {GATEWAYS[family][0]} dev eth0"]


def test_the_settings_tell_what_swapped_links_do_not(lab: Lab, tmp_path: Path) -> None:
    nics(lab, 4)
    where = document(tmp_path, macs=SWAPPED)
    Path("/etc/guest-routes.yaml").write_text("default: nic=eth0\ngateways: {eth0: 10.65.0.1, eth1: 11.8.0.1}\n")
    assert run(lab, f"sync {where}").code == 0
    assert routes(lab) == ["default via 10.65.0.1 dev eth0", "11.11.0.0/16 via 11.8.0.1 dev eth1"]


@pytest.mark.parametrize("changed", [{"macs": (MACS[0], MACS[0])}, {"ids": ("tap0", "tap0")}], ids=["MAC", "id"])
def test_two_links_with_one(lab: Lab, tmp_path: Path, changed: Any) -> None:
    """The second network is on the NIC with its address, and the document's fault is named."""
    nics(lab, 4)
    where = document(tmp_path, no_first_default=True, **changed)
    ran = run(lab, f"sync {where}")
    assert ran.code == 0 and "is links[0]'s too" in ran.err, ran
    assert routes(lab) == ["default via 11.8.0.1 dev eth1", "11.11.0.0/16 via 11.8.0.1 dev eth1"]
    exported = run(lab, f"export --format networkd {where}").out
    second = exported.partition(f"MACAddress={MACS[1]}")[2]
    assert exported.count("Gateway=11.8.0.1") == second.count("Gateway=11.8.0.1") == 2, exported
    assert run(lab, f"plan --check {where}").code == 0


def test_two_links_with_one_mac_and_nothing_tells_the_second_nic(lab: Lab, tmp_path: Path) -> None:
    """No default is made through the NIC that is the other network's; doctor says why."""
    lab.nic("eth0", MACS[0], "10.65.0.7/24", gateways=("10.65.0.1/24",))
    lab.nic("eth1", MACS[1])

    lab.ip("route", "add", "default", "via", "10.65.0.1", "dev", "eth0", "metric", "50")
    where = document(tmp_path, macs=(MACS[0], MACS[0]), no_first_default=True)
    ran = run(lab, f"sync {where}")
    assert ran.code == 5 and "networks[1]'s NIC is unknown: no NIC has 11.8.0.9/24" in ran.out, ran
    assert [line for line in lab.routes() if "11.8.0.1" in line] == []
    assert any(line.startswith("default via 10.65.0.1 dev eth0") for line in lab.routes())
    assert "networks[1]'s NIC is unknown" in run(lab, f"doctor {where}").out
    lab.ip("address", "add", "11.8.0.9/24", "dev", "eth1")
    assert run(lab, f"sync {where}").code == 0
    assert "default via 11.8.0.1 dev eth1" in routes(lab)


def test_a_default_without_a_gateway_on_the_first_nic(lab: Lab, tmp_path: Path) -> None:
    """R4: nothing is documented, and what the kernel has through the first NIC gives way to nothing worse."""
    nics(lab, 4)
    lab.ip("route", "add", "default", "dev", "eth0", "metric", "10")
    lab.ip("route", "add", "default", "via", "11.8.0.1", "dev", "eth1", "metric", "100")
    before = lab.routes()
    where = document(tmp_path, no_first_default=True)
    path = Path(where.split()[1])
    data = json.loads(path.read_text())
    data["networks"][1]["routes"] = []
    path.write_text(json.dumps(data))
    assert (run(lab, f"sync {where}").code, lab.routes()) == (0, before)
    assert "eth0's own, which comes first, has no IPv4 gateway" in run(lab, f"explain 8.8.8.8 {where}").out
    run(lab, "withdraw")
    assert lab.routes() == before


def test_an_ipv6_host_route_to_the_gateway_alone_at_the_best_metric(lab: Lab, tmp_path: Path) -> None:
    """R7, R9: the first pass succeeds, and the second one writes nothing."""
    nics(lab, 6)
    where = document(tmp_path, 6)
    path = Path(where.split()[1])
    data = json.loads(path.read_text())
    data["networks"][0]["routes"].append({"network": "fd00:65::1", "netmask": "128", "gateway": "fd00:65::1"})
    path.write_text(json.dumps(data))
    Path("/etc/guest-routes.yaml").write_text("metric: 1\n")
    first = run(lab, f"sync {where}")
    assert first.code == 0, first
    assert run(lab, f"plan --check {where}").code == 0


@pytest.mark.parametrize(
    "made, name, wanted",
    [
        ("el-26.2", "bond", {"default 10.65.0.1 eth2", "default 11.8.0.1 bond0"}),
        (
            "networkd-22.4.2", "vlan",
            {"default 10.65.0.1 eth0", "11.12.0.0/16 10.65.0.1 eth0", "11.11.0.0/16 11.8.0.1 eth1",
             "default 12.8.0.1 eth0.7"},
        ),
    ],
)  # fmt: skip
def test_files_for_a_bond_or_a_vlan_that_the_manager_has_yet_to_make(
    lab: Lab, made: str, name: str, wanted: Set[str]
) -> None:
    """As at boot: its MAC is that of a NIC, and no route of its, or for that NIC, goes into the other's file."""
    for number, mac in enumerate(MACS):
        lab.nic(f"eth{number}", mac)
    files = rendered(made, name)
    for path, text in files.items():
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(text)
    ran = run(lab, f"correct --metadata {DATA / name}.network_data.json")
    assert ran.code == 0, ran
    folder = Path(next(iter(files))).parent
    assert said({str(path): path.read_text() for path in folder.iterdir()}) == wanted
