"""A default entry of the settings or the property names the NIC that its next hop is on (R2, R4); real kernel."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict, List, Tuple

import pytest

from tests.support.lab import MACS, Lab, write_document
from tests.support.passes import run
from tests.support.service import write_settings

SOURCES = ("settings", "property")
PLACES = {"settings": "routes[0] of /etc/guest-routes.yaml", "property": "meta.guest_routes[0] of meta_data.json"}
EVERYTHING = {4: "0.0.0.0/0", 6: "::/0"}
NICS = {
    4: (("10.65.0.7/24", "10.65.0.1"), ("11.8.0.9/24", "11.8.0.1")),
    6: (("fd00:65::7/64", "fd00:65::1"), ("fd00:8::9/64", "fd00:8::1")),
}
HOST_ROUTES = {4: ("11.11.0.0/16", "10.2.0.0/16"), 6: ("fd00:11::/48", "fd00:2::/48")}


def start(lab: Lab, family: int, *defaults: int) -> None:
    """Both NICs, and a manager's defaults through some of them."""
    for index, (address, gateway) in enumerate(NICS[family]):
        length = address.partition("/")[2]
        lab.nic(f"eth{index}", MACS[index], address, gateways=(f"{gateway}/{length}",))
    for metric, index in enumerate(defaults, 100):
        gateway = NICS[family][index][1]
        lab.ip(*f"route append default via {gateway} dev eth{index} proto static metric {metric}".split())


def net(family: int, index: int, *routes: Tuple[str, str]) -> Dict[str, Any]:
    address, _, length = NICS[family][index][0].partition("/")
    listed = [{"network": to.partition("/")[0], "netmask": to.partition("/")[2], "gateway": hop} for to, hop in routes]
    own = {"type": f"ipv{family}", "ip_address": address, "netmask": length, "routes": listed}
    return {"id": f"network{index}", "link": f"tap{index}", **own}


def private(family: int, index: int) -> Dict[str, Any]:
    """A network with a host route and no gateway (R3)."""
    return net(family, index, (HOST_ROUTES[family][index], NICS[family][index][1]))


def write(tmp_path: Path, *networks: Dict[str, Any]) -> str:
    links = [{"id": f"tap{n}", "type": "tap", "ethernet_mac_address": MACS[n]} for n in (0, 1)]
    path = write_document(tmp_path / "network_data.json", {"links": links, "networks": networks, "services": []})
    return f"--metadata {path}"


def lists(tmp_path: Path, source: str, *written: str) -> None:
    if source == "settings":
        write_settings(routes=list(written))
    else:
        write_document(tmp_path / "meta_data.json", {"uuid": "u", "meta": {"guest_routes": " ".join(written)}})


def defaults(lab: Lab, family: int = 4) -> List[str]:
    return [line for line in lab.routes(family) if line.startswith("default")]


@pytest.mark.parametrize("family", NICS)
@pytest.mark.parametrize("source", SOURCES)
def test_it_names_the_nic_where_no_default_is_documented(lab: Lab, tmp_path: Path, source: str, family: int) -> None:
    """It comes before what the kernel has, as a network's entry that names another NIC does."""
    start(lab, family, 0)
    where = write(tmp_path, private(family, 0), private(family, 1))
    gateway = NICS[family][1][1]
    lists(tmp_path, source, f"{EVERYTHING[family]},{gateway}")
    planned = json.loads(run(lab, f"plan --json {where}").out)
    (said,) = [one for one in planned["defaults"] if one["family"] == family]
    assert said["reason"].startswith(f"{PLACES[source]} names eth1: {gateway} is in eth1's subnet"), said
    ran = run(lab, f"sync {where}")
    assert ran.code == 0, ran
    (default,) = defaults(lab, family)
    assert default.startswith(f"default via {gateway} dev eth1 proto 121"), default
    exported = run(lab, f"export --format ip {where}").out
    assert f"eth1: the IPv{family} default route" in exported, exported
    beyond = "8.8.8.8" if family == 4 else "2001:db8::8"
    assert f"{PLACES[source]} names eth1" in " ".join(run(lab, f"explain {beyond} {where}").out.split())
    assert "nothing to do" in run(lab, f"sync {where}").out


@pytest.mark.parametrize("source", SOURCES)
def test_it_names_the_gateway_of_a_network_of_which_nothing_is_known(lab: Lab, tmp_path: Path, source: str) -> None:
    """As a document's does (R2): the host routes by it lead through that NIC."""
    start(lab, 4)
    omitted = {"id": "network1", "type": "ipv4_dhcp", "link": "tap1"}
    where = write(tmp_path, net(4, 0, ("11.11.0.0/16", "11.8.0.1")), omitted)
    lists(tmp_path, source, "0.0.0.0/0,11.8.0.1")
    ran = run(lab, f"sync --json {where}")
    said = json.loads(ran.out)
    assert (ran.code, defaults(lab)) == (0, ["default via 11.8.0.1 dev eth1 proto 121"]), ran
    assert "11.11.0.0/16 via 11.8.0.1 dev eth1 proto 121" in lab.routes()
    (route,) = said["routes"]
    assert route["evidence"] == {"kind": source, "text": PLACES[source]}


@pytest.mark.parametrize("source", SOURCES)
def test_a_documented_default_comes_before_it_and_the_report_says_so(lab: Lab, tmp_path: Path, source: str) -> None:
    start(lab, 4, 0)
    where = write(tmp_path, net(4, 0, ("0.0.0.0/0", "10.65.0.1")), private(4, 1))
    lists(tmp_path, source, "0.0.0.0/0,11.8.0.1", "12.0.0.0/8,11.8.0.1")
    before = defaults(lab)
    for command in ("plan", "sync"):
        ran = run(lab, f"{command} {where}")
        said = " ".join(ran.out.split())
        assert f"0.0.0.0/0,11.8.0.1 ({PLACES[source]}) networks[0]'s own default comes first" in said, ran
        assert "to choose eth1, set `default: {nic: eth1}`" in said
    assert (ran.code, defaults(lab)) == (5, before), ran
    assert "12.0.0.0/8 via 11.8.0.1 dev eth1 proto 121" in lab.routes()
    status = run(lab, "status")
    assert status.code == 5, status
    # What is proposed does it.
    routes = ["0.0.0.0/0,11.8.0.1"] if source == "settings" else []
    write_settings(routes=routes, default={"nic": "eth1"})
    ran = run(lab, f"sync {where}")
    assert (ran.code, defaults(lab)) == (0, ["default via 11.8.0.1 dev eth1 proto 121"]), ran


@pytest.mark.parametrize("source", SOURCES)
def test_so_does_the_kernels_in_a_subnet_of_which_only_the_dhcp_client_knows(
    lab: Lab, tmp_path: Path, source: str
) -> None:
    """There is no lease file: the message says what counts, and what it proposes does it."""
    start(lab, 4, 0)
    where = write(tmp_path, {"id": "network0", "type": "ipv4_dhcp", "link": "tap0"}, private(4, 1))
    lists(tmp_path, source, "0.0.0.0/0,11.8.0.1")
    before = defaults(lab)
    ran = run(lab, f"sync {where}")
    assert (ran.code, defaults(lab)) == (5, before), ran
    known = "the kernel's default route: default via 10.65.0.1 dev eth0"
    assert f"networks[0]'s own default ({known}) comes first; to choose eth1, set `default: {{nic: eth1}}`" in ran.out
    write_settings(routes=["0.0.0.0/0,11.8.0.1"] if source == "settings" else [], default={"nic": "eth1"})
    for _ in range(2):
        ran = run(lab, f"sync {where}")
        assert (ran.code, defaults(lab)) == (0, ["default via 11.8.0.1 dev eth1 proto 121"]), ran


OFF = {
    "in no subnet": "192.0.2.1",
    "no gateway": "11.8.0.77",
    "its own address": "11.8.0.9",
    "where the NIC was": "11.9.0.1",
}


@pytest.mark.parametrize("why", OFF)
@pytest.mark.parametrize("source", SOURCES)
def test_a_working_default_never_moves_to_a_nic_without_the_next_hop(
    lab: Lab, tmp_path: Path, source: str, why: str
) -> None:
    """Every packet would go where no router is."""
    start(lab, 4, 0)
    second = net(4, 1, ("11.11.0.0/16", "11.8.0.1"), ("0.0.0.0/0", "11.8.0.1"))
    if why == "where the NIC was":  # The document is older than the NIC's address.
        second = {**private(4, 1), "ip_address": "11.9.0.9", "routes": []}
    networks = [private(4, 0), second]
    where = write(tmp_path, *networks)
    lists(tmp_path, source, f"0.0.0.0/0,{OFF[why]}")
    if why in ("in no subnet", "no gateway", "its own address"):
        run(lab, f"sync {where}")
        assert [line.split()[2:5] for line in defaults(lab)] == [["11.8.0.1", "dev", "eth1"]]
    else:
        before = defaults(lab)
        ran = run(lab, f"sync {where}")
        assert (ran.code, defaults(lab)) == (5, before), ran


@pytest.mark.parametrize("family", NICS)
def test_a_nics_own_gateway_that_is_in_no_subnet_of_it(lab: Lab, tmp_path: Path, family: int) -> None:
    """As beside a /32: the message says what names the NIC all the same."""
    (_, first), (address, gateway) = NICS[family]
    alone = f"{address.partition('/')[0]}/{32 if family == 4 else 128}"
    lab.nic("eth0", MACS[0], NICS[family][0][0], gateways=(f"{first}/{24 if family == 4 else 64}",))
    lab.nic("eth1", MACS[1], alone)
    networks = net(family, 0, (EVERYTHING[family], first)), net(family, 1, (EVERYTHING[family], gateway))
    where = write(tmp_path, networks[0], {**networks[1], "netmask": alone.partition("/")[2]})
    lists(tmp_path, "settings", f"{EVERYTHING[family]},{gateway}")
    ran = run(lab, f"sync {where}")
    said = f"{gateway} is eth1's gateway, and in no subnet of it; to choose eth1, set `default: {{nic: eth1}}` in its"
    assert (ran.code, said in ran.out, "none" in ran.out) == (5, True, False), ran
    write_settings(default={"nic": "eth1"})
    assert run(lab, f"sync {where}").code == 0
    assert [line.split()[2:5] for line in defaults(lab, family)] == [[gateway, "dev", "eth1"]]


def test_only_link_local_gateways_are_known(lab: Lab, tmp_path: Path) -> None:
    """What the message names is used as it stands."""
    start(lab, 6)
    lab.ip("-6", "address", "add", "fe80::7/64", "dev", "eth0", "nodad")
    where = write(tmp_path, net(6, 0, ("::/0", "fe80::1")))
    lists(tmp_path, "settings", "fd00:11::/48,fd00:99::1", "::/0,fd00:99::1")
    ran = run(lab, f"sync {where}")
    assert ran.out.count("fd00:99::1 is in no NIC's subnet") == 2
    assert ran.out.count("use a gateway of fe80::1 (eth0)") == 2, ran.out
    lists(tmp_path, "settings", "fd00:11::/48,fe80::1", "::/0,fe80::1")
    ran = run(lab, f"sync {where}")
    assert "fd00:11::/48 via fe80::1 dev eth0 proto 121" in "\n".join(lab.routes(6)), ran


@pytest.mark.parametrize(
    "first, second, kind", [("settings", "settings", "conflict"), ("settings", "property", "overridden")]
)
def test_of_two_the_first_source_counts(lab: Lab, tmp_path: Path, first: str, second: str, kind: str) -> None:
    start(lab, 4)
    where = write(tmp_path, private(4, 0), private(4, 1))
    entries = ["0.0.0.0/0,11.8.0.1", "0.0.0.0/0,10.65.0.1"]
    if second == "settings":
        lists(tmp_path, "settings", *entries)
    else:
        lists(tmp_path, first, entries[0])
        lists(tmp_path, second, entries[1])
    ran = run(lab, f"sync --json {where}")
    said = json.loads(ran.out)
    assert [(one["next_hop"], one["kind"]) for one in said["unresolved"]] == [("10.65.0.1", kind)]
    assert len(said["overrides"]) == 1
    assert ran.code == (5 if kind == "conflict" else 0)
    assert defaults(lab) == ["default via 11.8.0.1 dev eth1 proto 121"]


@pytest.mark.parametrize("damaged", ["0.0.0.0/0,11.8.0", "0.0.0.0.0,11.8.0.1", "0.0.0.0/0;11.8.0.1", "12.0.0.0/8"])
def test_damage_of_the_property_moves_no_default(lab: Lab, tmp_path: Path, damaged: str) -> None:
    """What was taken from eth0 is recorded, and would be the next in order; the entry may be the default's own (R6)."""
    start(lab, 4, 0)
    where = write(tmp_path, private(4, 0), private(4, 1))
    lists(tmp_path, "property", "0.0.0.0/0,11.8.0.1")
    assert run(lab, f"sync {where}").code == 0
    lists(tmp_path, "property", damaged)
    may_be_it = damaged != "12.0.0.0/8"  # Its destination can be read, and is another one.
    for _ in range(4):
        ran = run(lab, f"sync {where}")
        kept = ["11.8.0.1", "dev", "eth1"] if may_be_it else ["10.65.0.1", "dev", "eth0"]
        assert (ran.code, [line.split()[2:5] for line in defaults(lab)]) == (5, [kept]), ran
    if may_be_it:
        assert "meta.guest_routes[0] of meta_data.json is refused, and may name the one through eth1" in ran.out
    ran = run(lab, f"sync --accept-withdrawals {where}")
    assert [line.split()[2:5] for line in defaults(lab)] == [["10.65.0.1", "dev", "eth0"]], ran


def rendered(*listed: List[str]) -> List[Path]:
    """cloud-init's files for systemd-networkd, with these default routes by NIC."""
    written = [Path(f"/etc/systemd/network/10-cloud-init-eth{index}.network") for index in range(len(listed))]
    for index, gateways in enumerate(listed):
        written[index].parent.mkdir(parents=True, exist_ok=True)
        text = f"[Address]\nAddress={NICS[4][index][0]}\n\n[Match]\nMACAddress={MACS[index]}\nName=eth{index}\n"
        text += "".join(f"\n[Route]\nDestination=0.0.0.0/0\nGateway={gateway}\n" for gateway in gateways)
        written[index].write_text(text)
    return written


def test_correct_leaves_the_main_tables_defaults_as_a_pass_in_another_does(lab: Lab, tmp_path: Path) -> None:
    start(lab, 4)
    where = write(tmp_path, net(4, 0, ("0.0.0.0/0", "10.65.0.1")), net(4, 1, ("0.0.0.0/0", "11.8.0.1")))
    written = rendered(["10.65.0.1"], ["11.8.0.1"])
    write_settings(table=100)
    ran = run(lab, f"correct --check {where}")
    assert (ran.code, "it is the main table's, and `table` is another" in ran.out) == (0, True), ran
    write_settings()
    assert run(lab, f"correct {where}").code == 0
    assert "Gateway" not in written[1].read_text()


def test_correct_knows_the_default_that_it_moves(lab: Lab, tmp_path: Path) -> None:
    """The other one under eth0 goes in the same run: both would be made, and the machine use either."""
    start(lab, 4)
    where = write(tmp_path, net(4, 0, ("0.0.0.0/0", "11.8.0.1"), ("0.0.0.0/0", "10.65.0.1")), private(4, 1))
    written = rendered(["11.8.0.1", "10.65.0.1"], [])
    write_settings(default={"nic": "eth1"})
    ran = run(lab, f"correct {where}")
    assert (ran.code, "one must stay" in ran.out) == (0, False), ran
    assert "Gateway" not in written[0].read_text()
    assert written[1].read_text().count("Gateway=11.8.0.1\n") == 1
    assert "nothing to correct" in run(lab, f"correct {where}").out
