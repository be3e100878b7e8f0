"""Who holds a NIC, from what the managers leave in /run; and who runs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
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
        write(tmp_path, f"{number}/stat", f"{number} ({name}) S 1 1 1 0 -1 0\n")
        write(tmp_path, f"{number}/status", "Name:\tx\nUid:\t0\t0\t0\t0\n")
        write(tmp_path, f"{number}/exe", "")
        (tmp_path / f"{number}/exe").chmod(0o755)
    write(tmp_path, "net/stat", "7 (connmand) S 1 1 1 0 -1 0\n")
    (tmp_path / "99").mkdir()
    assert running(str(tmp_path)) == ("dhclient", "systemd-networkd")


@pytest.mark.parametrize("real", [USER, 0], ids=["as su runs", "as sudo runs"])
def test_a_users_process_of_that_name_is_no_manager(real: int) -> None:
    """A program with the set-user-ID bit, by a link of the user's: its name is the link's, its uid root's."""
    as_root()
    with tempfile.TemporaryDirectory(dir="/run") as folder:
        os.chmod(folder, 0o755)
        program, link = Path(folder, "su"), Path(folder, "connmand")
        shutil.copy(os.path.realpath(sys.executable), program)
        program.chmod(0o4755)
        link.symlink_to(program)
        code = f"import os, time; os.setresuid({real}, 0, 0); print(flush=True); time.sleep(60)"
        child = subprocess.Popen([str(link), "-c", code], user=USER, stdout=subprocess.PIPE)
        try:
            assert child.stdout is not None and child.stdout.readline() == b"\n"
            status = Path(f"/proc/{child.pid}/status").read_text()
            assert f"Uid:\t{real}\t0\t0\t0" in status and status.startswith("Name:\tconnmand\n")
            assert "ConnMan" not in running()
        finally:
            child.kill()
            child.communicate()


def started(path: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def test_what_root_runs_is_one(tmp_path: Path) -> None:
    """A script, whose program is its interpreter, and one whose file has been replaced."""
    script, program = tmp_path / "wickedd", tmp_path / "connmand"
    script.write_text(f"#!{sys.executable}\nprint(flush=True)\ninput()\n")
    shutil.copy(shutil.which("cat") or "/bin/cat", program)
    for path in (script, program):
        path.chmod(0o755)
    with started(script) as one, started(program) as other:
        assert one.stdin and one.stdout and one.stdout.readline()
        assert other.stdin and other.stdout and other.stdin.write(b"\n")
        other.stdin.flush()
        other.stdout.readline()
        program.unlink()
        assert os.readlink(f"/proc/{other.pid}/exe").endswith(" (deleted)")
        assert {"ConnMan", "wicked"} <= set(running())
