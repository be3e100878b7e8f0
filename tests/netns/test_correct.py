"""`correct`: the real cloud-init renders, we correct, the real managers come up; no pass of ours runs."""

from __future__ import annotations

import json
import re
import shutil
import time
from typing import Any, Dict, List

import pytest

from tests.netns.test_export import WANTED, WANTED_6, ways
from tests.support.debian import ROOT
from tests.support.lab import Lab
from tests.support.managers import RENDERERS, SEED, Managers, wait_same
from tests.support.passes import SCHEMAS, table

pytestmark = pytest.mark.packages
CORRECT = ["guest-routes", "correct", "--sources", "cloud-init,last-known-good"]
RENDERED = (
    "/etc/systemd/network",
    "/etc/netplan",
    "/etc/NetworkManager/system-connections",
    "/etc/network/interfaces.d",
)
ORIGINALS = "/var/lib/guest-routes/originals"


def parsed(managers: Managers) -> Dict[str, str]:
    """The files cloud-init has rendered, by path."""
    folders = [managers.path(folder) for folder in RENDERED]
    files = [path for folder in folders for path in sorted(folder.glob("*cloud-init*"))]
    return {"/" + str(path.relative_to(managers.root)): path.read_text() for path in files}


def lines(texts: Dict[str, str]) -> List[str]:
    """All lines of all files, sorted, without the numbers of NetworkManager's routes."""
    found = [line for text in texts.values() for line in text.splitlines() if line.strip()]
    return sorted("route=" + line.partition("=")[2] if line.startswith("route") else line for line in found)


@pytest.mark.parametrize("manager", RENDERERS)
def test_the_manager_comes_up_right(lab: Lab, managers: Managers, manager: str) -> None:
    managers.render("wrong-subnet", manager)
    before = parsed(managers)
    modes = {path: managers.path(path).stat() for path in before}
    ran = managers.run(*CORRECT)
    assert "> 11.11.0.0/16 via 11.8.0.1 dev eth0 -> eth1" in ran.stdout
    assert "- default via 11.8.0.1 dev eth1" in ran.stdout
    assert max(map(len, ran.stdout.splitlines())) <= 110
    after = parsed(managers)
    # Nothing but eth1's default has gone, and nothing has come.
    gone = lines(before)
    for line in lines(after):
        gone.remove(line)
    assert "11.8.0.1" in "".join(gone)
    assert len(gone) <= 3, gone
    for path, text in before.items():
        there = managers.path(path).stat()
        assert (there.st_mode, there.st_uid, there.st_gid) == (
            modes[path].st_mode,
            modes[path].st_uid,
            modes[path].st_gid,
        )
        assert managers.path(ORIGINALS + path).read_text() == text
    managers.bring_up(manager)
    wait_same(lambda: set(ways(lab)), WANTED, "the documented table")
    assert len(table(lab)) == 4
    assert "= 11.11.0.0/16 via 11.8.0.1 dev eth1" in managers.run(*CORRECT, "--verbose").stdout
    # R9: a second time changes nothing, not even a file's time.
    times = {path: managers.path(path).stat().st_mtime_ns for path in after}
    assert "nothing to correct in" in managers.run(*CORRECT).stdout
    assert {path: managers.path(path).stat().st_mtime_ns for path in after} == times


@pytest.mark.parametrize("manager", RENDERERS)
def test_with_the_unit_s_capabilities_only(managers: Managers, manager: str) -> None:
    unit = (ROOT / "packaging/systemd/guest-routes-correct.service").read_text()
    kept = re.search(r"^CapabilityBoundingSet=(.*)$", unit, re.MULTILINE)
    started = re.search(r"^ExecStart=/usr/bin/guest-routes (.*)$", unit, re.MULTILINE)
    assert kept
    assert started
    names = ",".join("+" + name[len("CAP_") :].lower() for name in kept[1].split())
    managers.render("wrong-subnet", manager)
    limited = ["setpriv", "--bounding-set", f"-all,{names}", "--inh-caps", "-all", "--no-new-privs"]
    ran = managers.run(*limited, "guest-routes", *started[1].split())
    assert ran.stderr == ""
    assert "corrected: " in ran.stdout


def test_the_units_make_no_ordering_cycle(managers: Managers) -> None:
    for path in (ROOT / "packaging/systemd").glob("*.service"):
        shutil.copy(path, managers.path("/lib/systemd/system"))
        managers.run("systemctl", "enable", path.name)
    for unit in ("systemd-networkd", "systemd-networkd-wait-online", "NetworkManager", "networking"):
        managers.run("systemctl", "enable", f"{unit}.service")
    wanted = managers.path("/etc/systemd/system/multi-user.target.wants/cloud-init.target")
    wanted.symlink_to("/lib/systemd/system/cloud-init.target")
    done = managers.run("systemd-analyze", "verify", "--man=no", "multi-user.target", check=False)
    assert "cycle" not in done.stderr
    assert "guest-routes" not in done.stderr


@pytest.mark.parametrize("manager", ["networkd", "netplan"])
def test_networkd_says_configured_and_keeps_it(lab: Lab, managers: Managers, manager: str) -> None:
    managers.render("wrong-subnet", manager)
    managers.run(*CORRECT)
    managers.bring_up(manager)
    assert managers.networkd_states() == {"eth0": "configured", "eth1": "configured"}
    before = table(lab)
    managers.run("networkctl", "reconfigure", "eth0", "eth1")
    assert managers.networkd_configured()
    wait_same(lambda: table(lab), before, "the table after a reconfigure")
    managers.stop("networkd")
    assert managers.networkd()
    assert table(lab) == before


def test_networkmanager_keeps_it(lab: Lab, managers: Managers) -> None:
    managers.render("wrong-subnet", "networkmanager")
    managers.run(*CORRECT)
    managers.networkmanager()
    wait_same(lambda: set(ways(lab)), WANTED, "the documented table")
    for nic in ("eth1", "eth0"):
        managers.run("nmcli", "device", "reapply", nic)
        wait_same(lambda: set(ways(lab)), WANTED, "the table after a reapply")
    managers.stop("NetworkManager")
    managers.networkmanager()
    wait_same(lambda: set(ways(lab)), WANTED, "the table after a restart")
    lab.ip("link", "set", "eth1", "down")
    lab.ip("link", "set", "eth1", "up")
    wait_same(lambda: set(ways(lab)), WANTED, "the table after a link was down")


def test_ifupdown_keeps_it(lab: Lab, managers: Managers) -> None:
    managers.render("wrong-subnet", "ifupdown")
    managers.run(*CORRECT)
    managers.ifupdown()
    for nic in ("eth1", "eth0"):
        managers.run("ifdown", nic)
        managers.run("ifup", nic)
        assert set(ways(lab)) == WANTED


def test_without_it_networkd_never_says_configured(lab: Lab, managers: Managers) -> None:
    managers.render("wrong-subnet", "networkd")
    assert managers.networkd() is False
    assert managers.networkd_states()["eth0"] == "configuring"


@pytest.mark.parametrize("manager", ["networkd", "netplan", "ifupdown"])
def test_ipv6(lab: Lab, managers: Managers, manager: str) -> None:
    # Debian 12's cloud-init can't render two families for NetworkManager: it ends with KeyError.
    managers.render("dual-stack", manager)
    managers.run(*CORRECT)
    managers.bring_up(manager)
    wait_same(lambda: set(ways(lab)), WANTED, "the documented table")
    wait_same(lambda: set(ways(lab, 6)), WANTED_6, "IPv6's")


@pytest.mark.parametrize("manager", RENDERERS)
def test_it_can_be_looked_at_first_and_switched_off(lab: Lab, managers: Managers, manager: str) -> None:
    managers.render("wrong-subnet", manager)
    before = parsed(managers)
    checked = managers.run(*CORRECT, "--check", "--json", check=False)
    assert checked.returncode == 3
    validate(checked.stdout)
    managers.write("/etc/guest-routes.yaml", "correct_rendered: false\n")
    off = managers.run(*CORRECT)
    assert "correct_rendered: false" in off.stderr
    assert parsed(managers) == before
    assert not managers.path(ORIGINALS).exists()
    managers.write("/etc/guest-routes.yaml", "correct_rendered: true\n")
    value = validate(managers.run(*CORRECT, "--json").stdout)
    assert value["exit_code"] == 0
    assert {route["verdict"] for route in value["routes"]} == {"kept", "moved", "removed"}
    assert parsed(managers) != before


@pytest.mark.parametrize("manager", RENDERERS)
def test_what_is_right_stays_but_for_the_second_default(lab: Lab, managers: Managers, manager: str) -> None:
    managers.render("documented", manager)
    managers.run(*CORRECT)
    managers.bring_up(manager)
    wait_same(lambda: set(ways(lab)), WANTED, "the documented table")


def test_a_file_that_is_not_as_expected_stays(lab: Lab, managers: Managers) -> None:
    managers.render("wrong-subnet", "netplan")
    path = "/etc/netplan/50-cloud-init.yaml"
    text = managers.path(path).read_text().replace("routes:\n", "routes: &other\n", 1)
    managers.write(path, text)
    ran = managers.run(*CORRECT, check=False)
    assert ran.returncode == 5
    assert f"{path}: not changed: line" in ran.stdout
    assert managers.path(path).read_text() == text


def test_what_cannot_be_written_is_told(lab: Lab, managers: Managers) -> None:
    managers.render("wrong-subnet", "networkd")
    managers.write("/var/lib/guest-routes", "a file where a folder should be\n")
    before = parsed(managers)
    ran = managers.run(*CORRECT, check=False)
    assert ran.returncode == 1
    assert "stays as it is" in ran.stderr
    assert parsed(managers) == before


def test_without_a_document_nothing_is_touched(lab: Lab, managers: Managers) -> None:
    managers.render("wrong-subnet", "networkd")
    before = parsed(managers)
    managers.reboot()
    ran = managers.run(*CORRECT, check=False)
    assert ran.returncode == 4
    assert "cannot find network_data.json" in ran.stderr
    assert parsed(managers) == before
    given = managers.run("guest-routes", "correct", "--metadata", f"{SEED}/network_data.json")
    assert "corrected: 2 files" in given.stdout


@pytest.mark.parametrize("manager", RENDERERS)
def test_where_only_dhcp_was_rendered_no_document_is_needed(managers: Managers, manager: str) -> None:
    managers.render("dhcp", manager)
    managers.reboot()
    ran = managers.run(*CORRECT)
    assert "nothing to correct in" in ran.stdout
    assert ran.stderr == ""


def test_where_cloud_init_has_rendered_nothing(lab: Lab, managers: Managers) -> None:
    began = time.monotonic()
    ran = managers.run("guest-routes", "correct")
    assert "nothing to correct: cloud-init has written no network configuration here" in ran.stdout
    assert time.monotonic() - began < 5, "no document is fetched for that"


def validate(text: str) -> Any:
    """The JSON document, which fits its schema."""
    import jsonschema

    value = json.loads(text)
    jsonschema.Draft202012Validator(json.loads((SCHEMAS / "correct.json").read_text())).validate(value)
    return value
