"""R7: an elected default that the manager is told not to make is none, so that the other one stays in its file."""

from __future__ import annotations

from pathlib import Path
from typing import Dict

import pytest

from guest_routes.managers.rewrite import rewrite
from guest_routes.model.settings import Settings
from tests.support.rendered import rendered
from tests.support.reports import projected
from tests.unit.managers.test_correct_tables import IFUPDOWN, NETPLAN, WICKED

NETWORKD = rendered("networkd-26.2", "documented")
KEYFILES = rendered("el-networkmanager-26.2", "documented")
EL = rendered("el-26.2", "documented")
SUSE = {f"/etc/sysconfig/network/{name}": text for name, text in WICKED.items()}
ALSO = "    post-up ip route add default via 11.8.0.1\n"
ENI = {"/etc/network/interfaces.d/50-cloud-init": IFUPDOWN + ALSO}
YAML = {"/etc/netplan/50-cloud-init.yaml": NETPLAN.replace("        table: 101\n", "", 1)}
NETWORK_0 = "/etc/systemd/network/10-cloud-init-eth0.network"
KEYFILE_0 = next(path for path in KEYFILES if "eth0" in path)
IFCFG_0, IFCFG_1 = (f"/etc/sysconfig/network-scripts/ifcfg-{nic}" for nic in ("eth0", "eth1"))
SUSE_0, SUSE_1 = (f"/etc/sysconfig/network/if{name}" for name in ("cfg-eth0", "route-eth1"))
SUSE = {**SUSE, SUSE_1: SUSE[SUSE_1].replace(" table 101", "", 1)}
GLOBAL = "/etc/sysconfig/network"


def changed(files: Dict[str, str], path: str, old: str, new: str) -> Dict[str, str]:
    """The files with another text in one of them."""
    assert old in files[path]
    return {**files, path: files[path].replace(old, new)}


def defaults(root: Path, files: Dict[str, str], write: bool = True) -> Dict[str, str]:
    """What becomes of each NIC's default of IPv4, and why."""
    for path, text in files.items():
        target = Path(f"{root}{path}")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    done = rewrite(Settings(), lambda: projected("documented"), root=str(root), write=write)
    assert (done.errors, [one.odd for one in done.correction.files if one.odd]) == ((), [])
    assert {one.path for one in done.correction.files} <= {*files, *(path for path in files if path != GLOBAL)}
    return {
        one.route.nic.name: f"{one.verdict}: {one.reason}"
        for one in done.correction.verdicts if one.route.destination.is_default and one.route.in_main
    }  # fmt: skip


AS_RENDERED = {"networkd": NETWORKD, "keyfile": KEYFILES, "el": EL, "wicked": SUSE, "ifupdown": ENI, "netplan": YAML}


@pytest.mark.parametrize("name", AS_RENDERED)
def test_the_other_default_goes_where_the_elected_one_is_made(tmp_path: Path, name: str) -> None:
    found = defaults(tmp_path, AS_RENDERED[name], write=False)
    assert found == {"eth0": "kept: elected", "eth1": "removed: extra-default"}


OFF = {
    "Unmanaged": changed(NETWORKD, NETWORK_0, "[Link]\n", "[Link]\nUnmanaged=yes\n"),
    "ActivationPolicy": changed(NETWORKD, NETWORK_0, "[Link]\n", "[Link]\nActivationPolicy=always-down\n"),
    "never-default": changed(KEYFILES, KEYFILE_0, "[ipv4]\n", "[ipv4]\nnever-default=true\n"),
    "autoconnect": changed(KEYFILES, KEYFILE_0, "[connection]\n", "[connection]\nautoconnect=false\n"),
    "method": changed(KEYFILES, KEYFILE_0, "method=manual", "method=disabled"),
    "ONBOOT": changed(EL, IFCFG_0, "ONBOOT=yes", "ONBOOT=no"),
    "DEFROUTE": changed(EL, IFCFG_0, "DEFROUTE=yes", "DEFROUTE=no"),
    "GATEWAYDEV": {**EL, GLOBAL: 'NETWORKING=yes\nX=$(true)\nGATEWAYDEV="eth1"\n'},
    "GATEWAYDEV-in-ifcfg": changed(EL, IFCFG_0, "DEFROUTE=yes", "GATEWAYDEV=eth1"),
    "STARTMODE": changed(SUSE, SUSE_0, "LLADDR", "STARTMODE=manual\nLLADDR"),
    "auto": {path: text.replace("auto eth0\n", "") for path, text in ENI.items()},
    "activation-mode": {path: text.replace("    eth0:\n", "    eth0:\n      activation-mode: \"off\"\n")
                        for path, text in YAML.items()},
}  # fmt: skip


@pytest.mark.parametrize("key", OFF)
def test_it_stays_where_the_elected_one_is_switched_off(tmp_path: Path, key: str) -> None:
    assert defaults(tmp_path, OFF[key])["eth1"] == "left: only-default"


ON = {
    "Unmanaged": changed(NETWORKD, NETWORK_0, "[Link]\n", "[Link]\nUnmanaged=no\n"),
    "autoconnect": changed(KEYFILES, KEYFILE_0, "[connection]\n", "[connection]\nautoconnect=true\n"),
    "never-default-6": changed(KEYFILES, KEYFILE_0, "[ipv4]\n", "[ipv6]\nnever-default=true\n\n[ipv4]\n"),
    "GATEWAYDEV": {**EL, GLOBAL: "#GATEWAYDEV=eth1\nGATEWAYDEV=eth1\nGATEWAYDEV=eth0\n"},
    "IPV6_DEFAULTDEV": {**EL, GLOBAL: "IPV6_DEFAULTDEV=eth1\n"},
    "allow-hotplug": {path: text.replace("auto eth0\n", "allow-hotplug eth0\n") for path, text in ENI.items()},
    "pattern": {path: text.replace("auto eth0\n", "auto /eth*\n") for path, text in ENI.items()},
    "STARTMODE": changed(SUSE, SUSE_0, "LLADDR", "STARTMODE=hotplug\nLLADDR"),
}


@pytest.mark.parametrize("key", ON)
def test_other_values_and_another_family_switch_nothing_off(tmp_path: Path, key: str) -> None:
    assert defaults(tmp_path, ON[key])["eth1"] == "removed: extra-default"


def test_a_global_file_makes_no_document_needed(tmp_path: Path) -> None:
    files = {IFCFG_0: "# Created by cloud-init\nBOOTPROTO=dhcp\nDEVICE=eth0\n", GLOBAL: "GATEWAYDEV=eth0\n"}
    for path, text in files.items():
        Path(f"{tmp_path}{path}").parent.mkdir(parents=True, exist_ok=True)
        Path(f"{tmp_path}{path}").write_text(text)

    def never() -> object:
        raise AssertionError("no document is needed")

    done = rewrite(Settings(), never, root=str(tmp_path))  # type: ignore[arg-type]
    assert [one.path for one in done.correction.files] == [IFCFG_0]


def test_a_global_file_that_can_not_be_read_is_an_error(tmp_path: Path) -> None:
    for path, text in {**EL, GLOBAL: ""}.items():
        Path(f"{tmp_path}{path}").parent.mkdir(parents=True, exist_ok=True)
        Path(f"{tmp_path}{path}").write_text(text)
    Path(f"{tmp_path}{GLOBAL}").write_bytes(b"\xff")
    done = rewrite(Settings(), lambda: projected("documented"), root=str(tmp_path))
    assert [(one.kind, one.path) for one in done.errors] == [("not-text", f"{tmp_path}{GLOBAL}")]
