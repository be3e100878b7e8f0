"""`doctor`: what it finds on machines that have something, and that it finds nothing on one that hasn't."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Dict, Iterator, List, Tuple

import pytest

from tests.support.hostile import USER, as_root
from tests.support.lab import Lab, document
from tests.support.managers import Managers, wait_for
from tests.support.passes import SCHEMAS, documented, run, valid_json


def kinds(value: Dict[str, Any]) -> List[str]:
    """The kinds of what was found."""
    return [one["kind"] for one in value["findings"]]


def examined(managers: Managers, *more: str) -> Dict[str, Any]:
    """`doctor --json` in the Debian."""
    import jsonschema

    ran = managers.run("guest-routes", "doctor", "--json", *more, check=False)
    value: Dict[str, Any] = json.loads(ran.stdout)
    jsonschema.Draft202012Validator(json.loads((SCHEMAS / "doctor.json").read_text())).validate(value)
    assert value["exit_code"] == ran.returncode
    return value


def sysctl(name: str, value: int) -> None:
    subprocess.run(["sysctl", "-qw", f"{name}={value}"], check=True)


def healthy(lab: Lab) -> None:
    """The documented machine after a pass."""
    documented(lab)
    sysctl("net.ipv4.conf.all.rp_filter", 0)
    for nic in ("eth0", "eth1"):
        sysctl(f"net.ipv4.conf.{nic}.rp_filter", 0)
    lab.metadata_server(document("wrong-subnet"))
    assert lab.run("sync").returncode == 0


def test_a_users_link_to_a_set_user_id_program_is_no_manager(lab: Lab) -> None:
    """As `ln -s /usr/bin/su ~/systemd-networkd`: doctor would advise to disable another's manager, or ours."""
    as_root()
    healthy(lab)
    Path("/run/network").mkdir(exist_ok=True)
    Path("/run/network/ifstate").write_text("eth0=eth0\neth1=eth1\n")
    with tempfile.TemporaryDirectory(dir="/run") as folder:
        os.chmod(folder, 0o755)
        program, link = Path(folder, "su"), Path(folder, "systemd-networkd")
        shutil.copy(os.path.realpath(sys.executable), program)
        program.chmod(0o4755)
        link.symlink_to(program)
        code = "import os, time; os.setresuid(-1, 0, 0); print(flush=True); time.sleep(600)"
        child = subprocess.Popen([str(link), "-c", code], user=USER, stdout=subprocess.PIPE)
        try:
            assert child.stdout is not None and child.stdout.readline() == b"\n"
            value = valid_json("doctor", lab.run("doctor", "--json"))
        finally:
            child.kill()
            child.communicate()
            shutil.rmtree("/run/network")
    assert (value["running"], kinds(value), value["exit_code"]) == ([], [], 0)


def test_nothing_is_found_where_nothing_is_wrong(lab: Lab) -> None:
    healthy(lab)
    value = valid_json("doctor", lab.run("doctor", "--json"))
    assert value["findings"] == []
    assert value["exit_code"] == 0
    assert [nic["metadata_answers"] for nic in value["nics"]] == [True, True]
    assert {one["library"]: one["installed"] for one in value["cross_checks"]} == {"netifaces": True, "pyroute2": True}
    ran = lab.run("doctor")
    assert "nothing found" in ran.stdout
    assert "netifaces reads the same 2 NICs; pyroute2 reads the same" in " ".join(ran.stdout.split())
    assert max(map(len, ran.stdout.splitlines())) <= 80


def test_no_engine_is_compared_with_itself(lab: Lab) -> None:
    healthy(lab)
    value = valid_json("doctor", lab.run("doctor", "--json", "--engine", "pyroute2"))
    assert value["findings"] == []
    assert {one["library"]: one["installed"] for one in value["cross_checks"]} == {"netifaces": True, "rtnetlink": True}


def test_it_changes_nothing(lab: Lab) -> None:
    documented(lab)
    lab.metadata_server(document("wrong-subnet"))
    before = lab.ip("-d", "route", "show", "table", "all")
    assert run(lab, "doctor").code == 1
    assert lab.ip("-d", "route", "show", "table", "all") == before


def test_a_table_that_is_not_as_wanted(lab: Lab) -> None:
    documented(lab)
    lab.metadata_server(document("wrong-subnet"))
    value = valid_json("doctor", lab.run("doctor", "--json"))
    assert kinds(value)[:2] == ["extra-default", "missing-routes"]
    assert value["nics"][1]["gateways"] == [{"family": 4, "gateway": "11.8.0.1", "evidence": "networks[1].routes[0]"}]


def test_strict_reverse_path_filters(lab: Lab) -> None:
    healthy(lab)
    sysctl("net.ipv4.conf.eth1.rp_filter", 1)
    ran = run(lab, "doctor")
    assert ran.code == 1
    assert "1 finding: ! strict rp_filter on eth1:" in ran.out
    assert "`sysctl -w net.ipv4.conf.all.rp_filter=2`" in ran.out
    sysctl("net.ipv4.conf.all.rp_filter", 2)
    assert run(lab, "doctor").code == 0


def test_a_nic_through_which_nobody_answers(lab: Lab) -> None:
    healthy(lab)
    lab.hypervisor("ip", "address", "del", "fe80::a9fe:a9fe/64", "dev", "tap-eth1")
    lab.hypervisor("sysctl", "-qw", "net.ipv4.conf.tap-eth1.arp_ignore=1")
    lab.ip("neighbour", "flush", "all")
    value = valid_json("doctor", lab.run("doctor", "--json", "--deadline-seconds", "1"))
    assert [nic["metadata_answers"] for nic in value["nics"]] == [True, False]
    assert value["nics"][1]["metadata"].startswith("no answer: eth1: ")


def test_without_metadata_the_rest_is_told(lab: Lab) -> None:
    documented(lab)
    ran = lab.run("doctor", "--json", "--deadline-seconds", "0.5")
    value = valid_json("doctor", ran)
    assert kinds(value)[0] == "no-metadata"
    assert [nic["name"] for nic in value["nics"]] == ["eth0", "eth1"]
    text = run(lab, "doctor --deadline-seconds 0.5")
    assert "metadata none; the first finding says why" in text.out
    assert "http: " in text.out


def test_a_gateway_that_nothing_tells(lab: Lab) -> None:
    documented(lab, "eth0")
    lab.metadata_server(document("dhcp"))
    value = valid_json("doctor", lab.run("doctor", "--json"))
    assert "no-gateway" in kinds(value)
    assert any("gateways: {eth1: ADDRESS}" in one["remedy"] for one in value["findings"])


@pytest.mark.packages
def test_what_cloud_init_wrote_for_networkd(lab: Lab, managers: Managers) -> None:
    managers.render("wrong-subnet", "networkd")
    managers.networkd()
    lab.metadata_server(document("wrong-subnet"))
    value = examined(managers)
    assert {"extra-default", "wrong-configuration", "not-configured"} <= set(kinds(value))
    assert value["running"] == ["systemd-networkd"]
    told = value["nics"][0]["managers"][0]
    assert told == {
        "manager": "systemd-networkd",
        "state": "configuring",
        "file": "/etc/systemd/network/10-cloud-init-eth0.network",
    }
    managers.run("guest-routes", "correct")
    managers.run("networkctl", "reload")
    managers.run("networkctl", "reconfigure", "eth0", "eth1")
    assert managers.networkd_configured()
    assert not {"extra-default", "wrong-configuration", "not-configured", "missing-routes"} & set(
        kinds(examined(managers))
    )


@pytest.fixture
def networkd_files() -> Iterator[Tuple[Path, Path]]:
    """Empty folders of networkd's files and of what it says of NICs; /etc is as it was afterwards."""
    users, folders = Path("/etc/passwd").read_text(), (Path("/etc/systemd/network"), Path("/run/systemd/netif/links"))
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    yield folders
    Path("/etc/passwd").write_text(users)
    for folder in folders:
        shutil.rmtree(folder)


@pytest.mark.parametrize("owner, used", [("systemd-network", True), ("dhcpcd", False)])
def test_files_that_cloud_init_has_given_to_networkds_user(
    lab: Lab, networkd_files: Tuple[Path, Path], owner: str, used: bool
) -> None:
    """And nobody else's: neither decides anything but what doctor and export say."""
    as_root()
    healthy(lab)
    users = [line for line in Path("/etc/passwd").read_text().splitlines() if line.split(":")[0] != owner]
    Path("/etc/passwd").write_text("\n".join([*users, f"{owner}:x:4242:4242::/:/usr/sbin/nologin", ""]))
    folder, links = networkd_files
    shutil.chown(links, owner)
    for nic in ("eth0", "eth1"):
        file = folder / f"10-cloud-init-{nic}.network"
        file.write_text(f"[Match]\nName={nic}\n[Network]\nDHCP=ipv4\n")
        state = links / str(socket.if_nametoindex(nic))
        state.write_text(f"ADMIN_STATE=configured\nNETWORK_FILE={file}\n")
        shutil.chown(file, owner), shutil.chown(state, owner)
    value = valid_json("doctor", lab.run("doctor", "--json"))
    assert set(kinds(value)) == ({"use-routes"} if used else {"unused-file"})
    assert [len(nic["managers"]) for nic in value["nics"]] == [used, used]
    assert ("belongs to the user 4242" in lab.run("doctor").stdout) is not used
    assert ("belongs to the user 4242" in lab.run("correct", "--check").stderr) is not used


@pytest.mark.packages
def test_use_routes_and_what_ends_it(lab: Lab, managers: Managers) -> None:
    managers.dhcp_server()
    managers.render("dhcp", "networkd")
    managers.networkd()
    lab.metadata_server(document("dhcp"))
    value = examined(managers)
    assert "use-routes" in kinds(value)
    assert value["nics"][1]["lease"].startswith("eth1's DHCP lease (systemd-networkd")
    files = json.loads(managers.run("guest-routes", "export", "--format", "networkd", "--json").stdout)["files"]
    for file in files:
        managers.write(file["path"], file["text"])
    managers.run("networkctl", "reload")
    wait_for(lambda: "use-routes" not in kinds(examined(managers)), "the end of it")
    wait_for(lambda: "extra-default" not in kinds(examined(managers)), "one default")


@pytest.mark.packages
def test_a_dhcp_default_of_networkmanager(lab: Lab, managers: Managers) -> None:
    managers.dhcp_server()
    managers.render("dhcp", "networkmanager")
    managers.networkmanager()
    lab.metadata_server(document("dhcp"))
    wait_for(lambda: "dhcp-default" in kinds(examined(managers)), "eth1's lease")
    remedies = [one["remedy"] for one in examined(managers)["findings"] if one["kind"] == "dhcp-default"]
    assert remedies == ["`guest-routes export --format networkmanager` prints the configuration that stops it"]


@pytest.mark.packages
def test_two_managers_at_once(lab: Lab, managers: Managers) -> None:
    managers.render("documented", "networkd")
    managers.networkd()
    managers.networkmanager()
    address = ["ipv4.method", "manual", "ipv4.addresses", "11.8.0.9/24"]
    managers.run("nmcli", "connection", "add", "con-name", "other", "type", "ethernet", "ifname", "eth1", *address)
    managers.run("nmcli", "connection", "up", "other")
    lab.metadata_server(document("documented"))
    value = examined(managers)
    assert value["running"] == ["NetworkManager", "systemd-networkd"]
    assert "two-managers" in kinds(value)
    # eth0 is networkd's: NetworkManager only looks on.
    assert [[one["manager"] for one in nic["managers"]] for nic in value["nics"]] == [
        ["systemd-networkd"],
        ["systemd-networkd", "NetworkManager"],
    ]


@pytest.mark.packages
def test_a_manager_that_only_looks_on(lab: Lab, managers: Managers) -> None:
    managers.render("documented", "networkd")
    managers.networkd()
    managers.networkmanager()
    lab.metadata_server(document("documented"))
    value = examined(managers)
    assert "idle-manager" in kinds(value)
    assert "two-managers" not in kinds(value)


@pytest.mark.packages
def test_ifupdown_without_its_route_command(lab: Lab, managers: Managers) -> None:
    managers.render("documented", "ifupdown")
    for folder in ("/sbin", "/usr/sbin"):
        managers.path(f"{folder}/route").unlink(missing_ok=True)
    managers.ifupdown()
    lab.metadata_server(document("documented"))
    value = examined(managers)
    assert "no-route-command" in kinds(value)
    assert {one["manager"] for nic in value["nics"] for one in nic["managers"]} == {"ifupdown"}
