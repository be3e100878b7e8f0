"""What `export` prints, checked by the managers' own tools, and applied by the managers: no pass of ours runs."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any, Dict, List, Optional

import pytest

from guest_routes.managers.export.render import FORMATS
from tests.support.debian import PATH
from tests.support.lab import MACS, Lab, document
from tests.support.managers import RENDERERS, SEED, Managers, wait_for, wait_same
from tests.support.passes import CONNECTED, documented, run, table, valid_json

DHCP_SETTINGS = ["--routes", "11.11.0.0/16,11.8.0.1", "--gateways", "eth0=10.65.0.1", "--gateways", "eth1=11.8.0.1"]
WANTED = {
    "default via 10.65.0.1 dev eth0",
    "10.65.0.0/24 dev eth0",
    "11.8.0.0/24 dev eth1",
    "11.11.0.0/16 via 11.8.0.1 dev eth1",
}
WANTED_6 = {
    "default via fd00:65::1 dev eth0",
    "fd00:65::/64 dev eth0",
    "fd00:8::/64 dev eth1",
    "fd00:11:11::/48 via fd00:8::1 dev eth1",
}


def ways(lab: Lab, family: int = 4) -> List[str]:
    """The table's routes, each next hop as destination, gateway and NIC; IPv6's own housekeeping left out."""
    found = []
    for route in json.loads(lab.ip(f"-{family}", "-json", "route")):
        if not route["dst"].startswith(("fe80:", "ff00:")):
            for hop in route.get("nexthops", [route]):
                via = ["via", hop["gateway"]] if "gateway" in hop else []
                found.append(" ".join([route["dst"], *via, "dev", hop["dev"]]))
    return sorted(found)


def exported(managers: Managers, form: str, *more: str) -> List[str]:
    """Writes what `export` prints where it says; the paths."""
    words = ["--format", form, "--json", "--metadata", f"{SEED}/network_data.json", *more]
    ran = managers.run("guest-routes", "export", *words)
    files = json.loads(ran.stdout)["files"]
    for file in files:
        managers.write(file["path"], file["text"], int(file["mode"], 8))
    return [file["path"] for file in files]


def check(managers: Managers, manager: str) -> None:
    """What the manager's own tool says of the files."""
    if manager == "netplan":
        managers.run("netplan", "generate")
    elif manager == "ifupdown":
        said = managers.run("ifup", "--all", "--no-act", "--verbose")
        assert "guest-routes" in said.stdout + said.stderr or "run-parts" in said.stdout + said.stderr
        managers.run("sh", "-n", "/etc/network/if-up.d/zz-guest-routes")


def assert_heard(managers: Managers, manager: str) -> None:
    """The manager has complained about none of our files."""
    if manager in ("networkd", "netplan"):
        said = [line for line in managers.said("networkd").splitlines() if "guest-routes" in line]
        assert [line for line in said if "ignoring" in line.lower() or "invalid" in line.lower()] == []
    elif manager == "networkmanager":
        active = managers.run("nmcli", "-g", "NAME,DEVICE", "connection", "show", "--active").stdout.splitlines()
        assert {"guest-routes eth0:eth0", "guest-routes eth1:eth1"} <= set(active)


@pytest.mark.packages
@pytest.mark.parametrize("manager", RENDERERS)
def test_with_dhcp_the_manager_alone_ends_with_the_documented_table(lab: Lab, managers: Managers, manager: str) -> None:
    managers.render("dhcp", manager)
    managers.dhcp_server()
    if manager in ("networkd", "netplan"):
        managers.bring_up(manager)
        wait_for(lambda: len(table(lab)) >= 8, "both leases")
        assert "11.11.0.0/16 via 11.8.0.1 dev eth0" in ways(lab)
        exported(managers, "networkd", *DHCP_SETTINGS)
        if manager == "netplan":
            exported(managers, "netplan", *DHCP_SETTINGS)
        managers.stop("networkd")
    else:
        exported(managers, manager, *DHCP_SETTINGS)
    check(managers, manager)
    managers.bring_up(manager)
    wait_same(lambda: set(ways(lab)), WANTED, "the documented table")
    assert len(table(lab)) == 4
    assert_heard(managers, manager)


@pytest.mark.packages
@pytest.mark.parametrize("manager", ["networkd", "netplan", "networkmanager"])
def test_static_networks_without_cloud_init_s(lab: Lab, managers: Managers, manager: str) -> None:
    managers.write(f"{SEED}/network_data.json", document("dual-stack").read_text())
    exported(managers, manager)
    check(managers, manager)
    managers.bring_up(manager)
    wait_same(lambda: set(ways(lab)), WANTED, "the documented table")
    wait_same(lambda: set(ways(lab, 6)), WANTED_6, "IPv6's")
    assert_heard(managers, manager)


@pytest.mark.packages
@pytest.mark.parametrize("manager", ["networkd", "networkmanager"])
def test_its_files_come_before_cloud_init_s(lab: Lab, managers: Managers, manager: str) -> None:
    managers.render("wrong-subnet", manager)
    exported(managers, manager)
    managers.bring_up(manager)
    wait_same(lambda: set(ways(lab)), WANTED, "the documented table")
    assert_heard(managers, manager)


@pytest.mark.packages
def test_netplan_s_are_merged_with_what_was_corrected(lab: Lab, managers: Managers) -> None:
    managers.render("wrong-subnet", "netplan")
    managers.run("guest-routes", "correct", "--sources", "cloud-init")
    exported(managers, "netplan")
    managers.bring_up("netplan")
    wait_same(lambda: set(ways(lab)), WANTED, "the documented table")
    assert len(table(lab)) == 4


def defaults_6(lab: Lab) -> List[str]:
    """The NICs that IPv6 traffic may leave by for anywhere."""
    return sorted({way.rpartition(" ")[2] for way in ways(lab, 6) if way.startswith("default ")})


def test_both_next_hops_of_a_default_count(lab: Lab) -> None:
    lab.documented_nics()
    for nic, address in (("eth0", "fd00:65::7/64"), ("eth1", "fd00:8::9/64")):
        lab.ip("address", "replace", address, "dev", nic, "nodad")
    hops = "nexthop via fd00:65::1 dev eth0 nexthop via fd00:8::1 dev eth1".split()
    lab.ip("-6", "route", "add", "2001:db8::/32", *hops)
    assert defaults_6(lab) == []
    lab.ip("-6", "route", "add", "default", *hops)
    assert defaults_6(lab) == ["eth0", "eth1"]


@pytest.mark.packages
@pytest.mark.parametrize("manager", ["networkd", "networkmanager", "ifupdown"])
def test_router_advertisements_make_one_default(lab: Lab, managers: Managers, manager: str) -> None:
    value = json.loads(document("dual-stack").read_text())
    for network in value["networks"]:
        if network["type"] == "ipv6":
            network["type"] = "ipv6_slaac"
    if manager == "ifupdown":
        managers.render(json.dumps(value), manager)
    else:
        managers.write(f"{SEED}/network_data.json", json.dumps(value))
    managers.routers()
    exported(managers, manager)
    managers.bring_up(manager)
    wait_same(lambda: set(ways(lab)), WANTED, "the documented table")
    wait_for(lambda: "fd00:8::/64 dev eth1" in ways(lab, 6), "eth1's own prefix")
    wait_same(lambda: defaults_6(lab), ["eth0"], "one default")
    wait_for(lambda: "fd00:11:11::/48 via fd00:8::1 dev eth1" in ways(lab, 6), "the host route")
    seen = managers.said("routers").count("RTR-ADVERT(")
    wait_for(lambda: managers.said("routers").count("RTR-ADVERT(") >= seen + 2, "further advertisements", 60)
    assert defaults_6(lab) == ["eth0"]


@pytest.mark.packages
def test_without_it_both_routers_are_defaults(lab: Lab, managers: Managers) -> None:
    managers.routers()
    for nic in ("eth0", "eth1"):
        lab.ip("link", "set", nic, "up")
    wait_same(lambda: defaults_6(lab), ["eth0", "eth1"], "both")


@pytest.mark.packages
def test_ifupdown_with_what_cloud_init_wrote(lab: Lab, managers: Managers) -> None:
    managers.render("dual-stack", "ifupdown")
    exported(managers, "ifupdown")
    check(managers, "ifupdown")
    managers.ifupdown()
    wait_same(lambda: set(ways(lab)), WANTED, "the documented table")
    wait_same(lambda: set(ways(lab, 6)), WANTED_6, "IPv6's")


@pytest.mark.parametrize("name", ["documented", "wrong-subnet"])
def test_the_script_of_ip_commands(lab: Lab, name: str, tmp_path: Path) -> None:
    import subprocess

    documented(lab)
    ran = lab.run("export", "--format", "ip", "--metadata", str(document(name)))
    assert ran.returncode == 0
    script = tmp_path / "script"
    script.write_text(ran.stdout)
    for _ in range(2):
        done = subprocess.run(["sh", str(script)], capture_output=True, text=True, check=True)
        assert done.stderr == ""
        assert table(lab) == [
            "default via 10.65.0.1 dev eth0 proto static", *CONNECTED, "11.11.0.0/16 via 11.8.0.1 dev eth1 proto static"
        ]  # fmt: skip


def test_the_hooks_leave_out_what_stands_on_a_nic(lab: Lab, tmp_path: Path) -> None:
    """A VLAN, bridge or bond often has its MAC address."""
    lab.documented_nics()
    value = json.loads(lab.run("export", "--format", "ifupdown", "--json", "--metadata", str(document("dhcp"))).stdout)
    hook, dhclient = (tmp_path / name for name in ("hook", "dhclient"))
    hook.write_text(value["files"][0]["text"])
    dhclient.write_text(value["files"][1]["text"])
    lab.ip("link", "add", "br7", "address", MACS[1], "type", "bridge")
    lab.ip("link", "set", "br7", "up")
    lab.ip("address", "add", "192.168.7.5/24", "dev", "br7")
    lab.ip("route", "add", "default", "via", "192.168.7.1", "dev", "br7", "metric", "500")
    before = lab.routes()
    subprocess.run(["mount", "-t", "sysfs", "sysfs", "/sys"], check=True)
    try:
        ran = subprocess.run(["sh", str(hook)], env={"IFACE": "br7", "PATH": PATH}, capture_output=True, text=True)
        assert (ran.returncode, ran.stderr, lab.routes()) == (0, "", before)
        for nic, kept in (("br7", "192.168.7.1"), ("eth1", "")):
            words = f'new_routers=192.168.7.1; interface={nic}; . {dhclient}; echo "$new_routers"'
            assert subprocess.check_output(["sh", "-c", words], text=True).strip() == kept
    finally:
        subprocess.run(["umount", "/sys"], check=True)


def test_a_default_that_stays_is_exported(lab: Lab) -> None:
    """None is elected, so that those of the kernel stay (R4): without them the files would take it away."""
    documented(lab)
    ran = run(lab, f"export --format ip --metadata {document('documented')} --default nic=eth9")
    assert ran.code == 5
    assert "eth0: the IPv4 default route" in ran.out and "eth1: the IPv4 default route" in ran.out, ran.out


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_is_told_by_mac_and_fits_the_schema(lab: Lab, form: str) -> None:
    documented(lab)
    ran = lab.run("export", "--format", form, "--json", "--metadata", str(document("wrong-subnet")))
    value: Any = valid_json("export", ran)
    text = "".join(file["text"] for file in value["files"])
    assert "fa:16:3e:00:00:01" in text.lower()
    assert "fa:16:3e:00:00:02" in text.lower()
    printed = lab.run("export", "--format", form, "--metadata", str(document("wrong-subnet")))
    assert [f"# ==== {file['path']}" in printed.stdout for file in value["files"]] == [True] * len(value["files"])
    assert max(map(len, printed.stdout.splitlines())) <= 110


def test_an_unknown_format_is_told_the_known_ones(lab: Lab) -> None:
    ran = run(lab, "export --format networkmanger")
    assert ran.code == 2
    assert all(form in ran.err for form in FORMATS)


def test_a_route_that_cannot_be_resolved_is_not_exported_and_told(lab: Lab) -> None:
    documented(lab)
    ran = run(lab, f"export --format ip --metadata {document('not-a-gateway')}")
    assert ran.code == 5
    assert "11.8.0.99" not in ran.out
    assert "its gateway is 11.8.0.1" in ran.err


@pytest.mark.parametrize("form", FORMATS)
def test_routes_that_nobody_tells_are_not_passed_over(lab: Lab, form: str) -> None:
    """The document omits them and no client that is known has a lease, here and for a machine that isn't running."""
    lab.documented_nics()
    lab.ip("route", "add", "default", "via", "10.65.0.1", "dev", "eth0", "proto", "dhcp")
    lab.ip("route", "add", "11.11.0.0/16", "via", "11.8.0.1", "dev", "eth1", "proto", "dhcp")
    ran = run(lab, f"export --format {form} --metadata {document('dhcp')}")
    assert (ran.code, "11.11.0.0/16" in ran.out) == (5, False)
    assert "the document omits the routes of eth0, eth1 (DHCP), and no lease has them" in ran.err
    nics = " ".join(f"--nic {name}={mac}" for name, mac in zip(("eth0", "eth1"), MACS))
    ran = run(lab, f"export --format {form} --metadata {document('dhcp')} {nics}")
    assert ran.code == 5
    assert "a machine that isn't running has no leases" in ran.err
    named = "--gateways eth0=10.65.0.1 --gateways eth1=11.8.0.1 --routes 11.11.0.0/16,11.8.0.1"
    ran = run(lab, f"export --format {form} --metadata {document('dhcp')} {named}")
    assert (ran.code, "11.11.0.0" in ran.out, "omits" in ran.err) == (0, True, False)


# ---- source routing ------------------------------------------------------------------------------------

BY_SOURCE = ("--source-routing", "true")
SOURCE_RULES = ["from 10.65.0.7 lookup 12102", "from 11.8.0.9 lookup 12103"]
SOURCE_RULES_6 = ["from fd00:65::7 lookup 12102", "from fd00:8::9 lookup 12103"]


def source_rules(lab: Lab) -> List[str]:
    """The rules that look a NIC's table up, both families."""
    lines = lab.ip("-4", "rule").splitlines() + lab.ip("-6", "rule").splitlines()
    words = [line.split()[1:5] for line in lines if "lookup 121" in line]
    return sorted(" ".join(each) for each in words)


def source_tables(lab: Lab) -> List[str]:
    """The tables of both NICs and families, who made the routes left out."""
    found = []
    for family in (4, 6):
        for number in ("12102", "12103"):
            for line in lab.routes(family, number):
                words = line.replace(" pref medium", "").replace(" dev lo", "").split()
                if "proto" in words:
                    del words[words.index("proto") : words.index("proto") + 2]
                found.append(f"{number} {' '.join(words)}".replace("metric 1024 onlink", "onlink metric 1024"))
    return sorted(found)


@pytest.mark.packages
@pytest.mark.parametrize("manager", RENDERERS)
def test_source_routing_by_each_manager(lab: Lab, managers: Managers, manager: str) -> None:
    managers.write(f"{SEED}/network_data.json", document("dual-stack").read_text())
    if manager == "ifupdown":
        managers.render("dual-stack", "ifupdown")
    exported(managers, manager, *BY_SOURCE)
    check(managers, manager)
    if manager == "ifupdown":
        managers.ifupdown()
    else:
        managers.bring_up(manager)
    wait_same(lambda: source_rules(lab), sorted([*SOURCE_RULES, *SOURCE_RULES_6]), "the rules")
    if manager != "ifupdown":
        assert_heard(managers, manager)
    made = lab.run("sync", "--metadata", str(document("dual-stack")), *BY_SOURCE)
    assert (made.returncode, "for source routing" in made.stdout) == (0, False), made.stdout  # Equal, and adopted.


def static_nics(lab: Lab) -> None:
    """Both NICs up, with the document's addresses, as before a manager had them."""
    for nic, *addresses in (("eth0", "10.65.0.7/24", "fd00:65::7/64"), ("eth1", "11.8.0.9/24", "fd00:8::9/64")):
        lab.ip("link", "set", nic, "up")
        for address in addresses:
            lab.ip("address", "add", address, "dev", nic, *(["nodad"] if ":" in address else []))


def bare_again(lab: Lab) -> None:
    """Both NICs down and without addresses."""
    for nic in ("eth0", "eth1"):
        lab.ip("address", "flush", "dev", nic)
        lab.ip("link", "set", nic, "down")


KINDS = (
    "10.50.0.0/16 via 11.8.0.50 dev eth1", "10.50.0.0/16 tos 0x10 via 11.8.0.51 dev eth1",
    "10.70.0.0/16 via inet6 fe80::77 dev eth1", "10.80.0.0/16 via 11.8.0.50 dev eth1 mtu lock 1400 advmss 1300",
    "10.90.0.0/16 via 203.0.113.1 dev eth1 onlink", "172.17.0.0/16 dev lo", "fd17::/64 dev lo",
    "fd00:202::/48 via fd00:8::50 dev eth1 mtu 1400",
)  # fmt: skip
"""Operators' routes and a container's: each makes a route of another kind in a NIC's table."""
LESS: Dict[str, Dict[str, Optional[str]]] = {
    "networkd": {"tos": None, "mtu lock 1400 advmss 1300": "mtu 1400"},
    "netplan": {"tos": None, "inet6": None, "mtu lock 1400 advmss 1300": "mtu 1400"},
    "networkmanager": {
        "inet6": None,
        "lock 1400 advmss 1300": "lock 1400",
        "throw 172.17.0.0/16": "throw 172.17.0.0/16 scope link",
    },
    "ifupdown": {},
}
"""What a manager's files have otherwise, or not at all, as the notes say; a throw has no use for a scope."""


def sayable(lines: List[str], manager: str) -> List[str]:
    """The routes as the manager's files have them."""
    less = LESS[manager]
    kept = [line for line in lines if not any(words in line for words, instead in less.items() if instead is None)]
    for words, instead in less.items():
        kept = [line.replace(words, instead or "") for line in kept]
    return sorted(kept)


def ours_of(lab: Lab, *routes: str) -> List[str]:
    """The NICs' tables that a pass makes while these routes are in main."""
    static_nics(lab)
    for words in routes:
        lab.ip("-6" if words.startswith("fd") else "-4", "route", "add", *words.split())
    assert lab.run("sync", "--metadata", str(document("dual-stack")), *BY_SOURCE).returncode == 0
    return source_tables(lab)


def test_source_routing_as_ip_commands(lab: Lab, tmp_path: Path) -> None:
    import subprocess

    lab.nic("eth0", MACS[0])
    lab.nic("eth1", MACS[1])
    static_nics(lab)
    for words in KINDS:
        lab.ip("-6" if words.startswith("fd") else "-4", "route", "add", *words.split())
    lab.ip("route", "add", "10.200.0.0/16", "via", "11.8.0.50", "dev", "eth1")
    for family, (destination, *routers) in (("-4", ("10.201.0.0/16", "11.8.0.50", "11.8.0.51")),
                                            ("-6", ("fd00:201::/48", "fd00:8::50", "fd00:8::51"))):  # fmt: skip
        hops = [word for router in routers for word in ("nexthop", "via", router, "dev", "eth1", "weight", "3")]
        lab.ip(family, "route", "add", destination, *hops)
    seed = str(document("dual-stack"))
    made = lab.run("sync", "--metadata", seed, *BY_SOURCE)
    wanted = source_tables(lab)
    lab.run("withdraw")
    assert (made.returncode, len(wanted), source_tables(lab)) == (0, 27, [])
    script = tmp_path / "script"
    script.write_text(lab.run("export", "--format", "ip", "--metadata", seed, *BY_SOURCE).stdout)
    for _ in range(2):
        done = subprocess.run(["sh", str(script)], capture_output=True, text=True, check=True)
        assert done.stderr == ""
        assert source_tables(lab) == wanted
        assert source_rules(lab) == sorted([*SOURCE_RULES, *SOURCE_RULES_6])
    again = run(lab, f"sync --metadata {seed} --source-routing true")
    assert (again.code, "for source routing" in again.out) == (0, False), again.out  # All of it is adopted.


@pytest.mark.packages
@pytest.mark.parametrize("manager", RENDERERS)
def test_every_kind_of_route_in_a_nics_table_by_each_manager(lab: Lab, managers: Managers, manager: str) -> None:
    managers.write(f"{SEED}/network_data.json", document("dual-stack").read_text())
    wanted = sayable(ours_of(lab, *KINDS), manager)
    if manager == "ifupdown":
        managers.render("dual-stack", "ifupdown")
    exported(managers, manager, *BY_SOURCE)
    lab.run("withdraw")
    bare_again(lab)
    check(managers, manager)
    managers.bring_up(manager)
    wait_same(lambda: source_tables(lab), wanted, "the NICs' tables")
    assert len([line for line in wanted if "throw" in line]) == 4
    if manager != "ifupdown":
        assert_heard(managers, manager)


@pytest.mark.packages
def test_networkd_takes_a_multipath_route_in_a_nics_table(lab: Lab, managers: Managers) -> None:
    """An operator's route over two routers of eth1's subnet, in both families."""
    managers.write(f"{SEED}/network_data.json", document("dual-stack").read_text())
    static_nics(lab)
    for family, (destination, *routers) in (("-4", ("10.201.0.0/16", "11.8.0.50", "11.8.0.51")),
                                            ("-6", ("fd00:201::/48", "fd00:8::50", "fd00:8::51"))):  # fmt: skip
        hops = [word for router in routers for word in ("nexthop", "via", router, "dev", "eth1", "weight", "3")]
        lab.ip(family, "route", "add", destination, *hops)
    assert lab.run("sync", "--metadata", str(document("dual-stack")), *BY_SOURCE).returncode == 0
    wanted = [line for line in source_tables(lab) if "12103" in line]
    exported(managers, "networkd", *BY_SOURCE)
    lab.run("withdraw")
    assert source_tables(lab) == []
    bare_again(lab)
    managers.bring_up("networkd")
    wait_same(lambda: source_rules(lab), sorted([*SOURCE_RULES, *SOURCE_RULES_6]), "the rules")
    wait_for(lambda: len([line for line in source_tables(lab) if "12103" in line]) == len(wanted), "the tables", 20)
    assert [line for line in source_tables(lab) if "12103" in line] == wanted
    assert_heard(managers, "networkd")
