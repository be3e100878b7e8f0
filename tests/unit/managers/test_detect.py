"""Who holds a NIC, from what the managers leave in /run; and who runs."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from guest_routes.managers.detect import holders, network_files, running
from guest_routes.managers.files import ManagerFiles
from guest_routes.model.diagnosis.inspection import Holder
from guest_routes.model.network import Nic
from tests.support.hostile import USER, as_root
from tests.support.reports import ETH0, ETH1

LO = Nic(1, "lo")


def write(root: Path, path: str, text: str) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text)


def held(root: Path) -> tuple[Holder, ...]:
    return holders((LO, ETH0, ETH1), ManagerFiles(), str(root / "run"), str(root / "etc"))


def test_nobody_where_nothing_is_left(tmp_path: Path) -> None:
    assert held(tmp_path) == ()


def test_systemd_networkd(tmp_path: Path) -> None:
    write(tmp_path, "run/systemd/netif/links/2", "# private\nADMIN_STATE=configured\nNETWORK_FILE=/etc/a.network\n")
    write(tmp_path, "run/systemd/netif/links/3", "ADMIN_STATE=configuring\n")
    write(tmp_path, "run/systemd/netif/links/1", "ADMIN_STATE=unmanaged\n")
    assert held(tmp_path) == (
        Holder("systemd-networkd", 2, "configured", "/etc/a.network"),
        Holder("systemd-networkd", 3, "configuring", ""),
    )
    assert network_files((ETH0, ETH1), ManagerFiles(), str(tmp_path / "run")) == {2: "/etc/a.network"}


@pytest.mark.parametrize("folder", ["run", "etc"])
def test_networkmanager(tmp_path: Path, folder: str) -> None:
    write(tmp_path, "run/NetworkManager/devices/2", "[device]\nmanaged=true\nconnection-uuid=u-2\n")
    write(tmp_path, "run/NetworkManager/devices/3", "[device]\nmanaged=1\nconnection-uuid=u-3\n")
    path = f"{folder}/NetworkManager/system-connections"
    write(tmp_path, f"{path}/a.nmconnection", "[connection]\nuuid=u-2\n")
    write(tmp_path, f"{path}/b.nmconnection", "[connection]\nuuid=u-3\n[.nmmeta]\nexternal=true\n")
    write(tmp_path, f"{path}/c.nmconnection", "nothing\n")
    assert held(tmp_path) == (Holder("NetworkManager", 2, "", f"{tmp_path}/{path}/a.nmconnection"),)


def test_a_nic_that_networkmanager_only_looks_at(tmp_path: Path) -> None:
    write(tmp_path, "run/NetworkManager/devices/2", "[device]\nmanaged=false\nconnection-uuid=u-2\n")
    write(tmp_path, "run/NetworkManager/devices/3", "[device]\nmanaged=true\nconnection-uuid=\n")
    assert held(tmp_path) == ()


def test_a_profile_that_is_not_found(tmp_path: Path) -> None:
    write(tmp_path, "run/NetworkManager/devices/2", "[device]\nmanaged=true\nconnection-uuid=u-2\n")
    assert held(tmp_path) == (Holder("NetworkManager", 2, "", ""),)


def test_ifupdown_but_not_for_the_loopback(tmp_path: Path) -> None:
    write(tmp_path, "run/network/ifstate", "lo=lo\neth1=eth1\neth10=eth10\n")
    assert held(tmp_path) == (Holder("ifupdown", 3, "", ""),)


def test_two_at_once(tmp_path: Path) -> None:
    write(tmp_path, "run/network/ifstate", "eth0=eth0\n")
    write(tmp_path, "run/systemd/netif/links/2", "ADMIN_STATE=configured\n")
    assert [one.manager for one in held(tmp_path)] == ["systemd-networkd", "ifupdown"]


def test_who_runs_each_once_by_name(tmp_path: Path) -> None:
    for number, name in enumerate(["dhclient", "systemd-network", "dhclient", "bash"]):
        write(tmp_path, f"{number}/comm", f"{name}\n")
    write(tmp_path, "net/comm", "connmand\n")
    (tmp_path / "99").mkdir()
    assert running(str(tmp_path)) == ("dhclient", "systemd-networkd")


def test_a_users_process_of_that_name_is_no_manager() -> None:
    as_root()
    ready, started = os.pipe()
    pid = os.fork()
    if pid == 0:
        Path("/proc/self/comm").write_text("connmand")
        os.setresuid(USER, USER, USER)
        os.write(started, b"x")
        time.sleep(60)
    try:
        os.read(ready, 1)
        assert Path(f"/proc/{pid}/comm").read_text() == "connmand\n"
        assert "ConnMan" not in running()
    finally:
        os.kill(pid, 9)
        os.waitpid(pid, 0)
        os.close(ready)
        os.close(started)
