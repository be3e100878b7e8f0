"""Lease files found and read in a tree of their own: which, and which not."""

from __future__ import annotations

import json
import os
import pwd
import time
from pathlib import Path
from typing import List

import pytest

from guest_routes.leases.find import CLIENTS, LIMIT_BYTES, fallback, read_leases
from guest_routes.model.document import Document, NoDocument, Provenance
from guest_routes.model.network import Nic, parse_prefix
from guest_routes.model.network_data import Problem

NICS = (
    Nic(2, "eth0", bytes.fromhex("fa163e000001"), addresses=(parse_prefix("10.65.0.7/24"),)),
    Nic(3, "eth1", bytes.fromhex("fa163e000002"), addresses=(parse_prefix("11.8.0.9/24"),)),
)
NETWORKD = "ADDRESS=10.65.0.7\nROUTER=10.65.0.1\nCLASSLESS_ROUTES=11.11.0.0/16,11.8.0.1\n"
DHCLIENT = 'lease {\n  interface "eth0";\n  fixed-address 10.65.0.7;\n}\n'
UDHCPC = "interface=eth0\nip=10.65.0.7\n"
CLOUD_INIT = json.dumps({"interface": "eth0", "fixed-address": "10.65.0.7"})


def write(root: Path, name: str, text: str) -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def clients(root: Path) -> List[str]:
    found = read_leases(NICS, str(root))
    assert found.problems == ()
    return [lease.client for lease in found.leases]


@pytest.mark.parametrize("name, text, client", [
    ("run/systemd/netif/leases/2", NETWORKD, "systemd-networkd"),
    ("run/NetworkManager/devices/2", "[dhcp4]\ndhcp4.ip_address=10.65.0.7\n", "NetworkManager"),
    ("var/lib/dhcp/dhclient.eth0.leases", DHCLIENT, "dhclient"),
    ("var/lib/dhcp/dhclient-eth0.lease", DHCLIENT, "dhclient"),
    ("var/lib/dhclient/dhclient-eth0.leases", DHCLIENT, "dhclient"),
    ("var/lib/NetworkManager/dhclient-1-eth0.lease", DHCLIENT, "dhclient"),
    ("run/dhclient.eth0.lease", DHCLIENT, "cloud-init"),
    ("run/guest-routes/leases/eth0", UDHCPC, "udhcpc"),
    ("var/tmp/cloud-init/eth0.lease.json", CLOUD_INIT, "cloud-init"),
    ("run/cloud-init/tmp/eth0.lease.json", CLOUD_INIT, "cloud-init"),
])  # fmt: skip
def test_each_clients_place(tmp_path: Path, name: str, text: str, client: str) -> None:
    write(tmp_path, name, text)
    assert clients(tmp_path) == [client]


@pytest.mark.parametrize("name, text", [
    ("run/systemd/netif/leases/9", NETWORKD),  # of no NIC here
    ("var/lib/dhcp/dhclient6.eth0.leases.bak", DHCLIENT), ("var/lib/dhcp/.dhclient.eth0.leases", DHCLIENT),
    ("var/lib/dhcp/other.leases", DHCLIENT), ("var/lib/dhcpcd/duid", "x"), ("run/utmp", "x"),
    ("var/lib/dhcp", "a file"),
])  # fmt: skip
def test_other_files_are_not_read(tmp_path: Path, name: str, text: str) -> None:
    write(tmp_path, name, text)
    assert clients(tmp_path) == []


def test_a_time_to_come_counts_as_now(tmp_path: Path) -> None:
    """Else it would win over every lease that is renewed."""
    later = time.time() + 1e6
    os.utime(write(tmp_path, "run/systemd/netif/leases/2", NETWORKD), (later, later))
    expires = f"  expire epoch {int(later)};\n"
    write(
        tmp_path, "var/lib/dhcp/dhclient.eth0.leases", DHCLIENT.replace("}", expires + "  option dhcp-lease-time 9;\n}")
    )
    found = read_leases(NICS, str(tmp_path)).leases
    assert found
    assert all(lease.obtained <= time.time() for lease in found)


def test_a_folder_that_anybody_can_write_is_named_once(tmp_path: Path) -> None:
    """However many files somebody puts there."""
    for number in range(50):
        write(tmp_path, f"var/tmp/cloud-init/{number}.lease.json", CLOUD_INIT)
    (tmp_path / "var/tmp").chmod(0o1777)
    assert problems(tmp_path) == [
        "/var/tmp/cloud-init: is in /var/tmp, where everybody can write; its leases are ignored"
    ]


def test_the_clients_own_user_in_its_own_folder_only(tmp_path: Path) -> None:
    user = "systemd-network"
    try:
        uid = pwd.getpwnam(user).pw_uid
    except KeyError:
        uid = 4243
        with open("/etc/passwd", "a") as file:
            file.write(f"{user}:x:{uid}:{uid}::/:/usr/sbin/nologin\n")
    own = write(tmp_path, "run/systemd/netif/leases/2", NETWORKD)
    other = write(tmp_path, "run/NetworkManager/devices/3", "[dhcp4]\ndhcp4.ip_address=11.8.0.9\n")
    try:
        for path in (own.parent.parent, own.parent, own, other):
            os.chown(path, uid, uid)
    except OSError:
        pytest.skip("this user can't give files away")
    found = read_leases(NICS, str(tmp_path))
    assert [lease.client for lease in found.leases] == ["systemd-networkd"]
    assert problems(tmp_path) == [f"/run/NetworkManager/devices/3: belongs to the user {uid}, not to root; ignored"]
    os.link(own, own.with_name("3"))
    assert problems(tmp_path)[0] == "/run/systemd/netif/leases/2: has a second name (a hard link); ignored"


def test_the_newest_of_several_clients(tmp_path: Path) -> None:
    for age, (name, text) in enumerate([("run/guest-routes/leases/eth0", UDHCPC),
                                        ("var/lib/dhcp/dhclient.eth0.leases", DHCLIENT)]):  # fmt: skip
        os.utime(write(tmp_path, name, text), (1000 - age,) * 2)
    assert clients(tmp_path) == ["udhcpc"]


def problems(root: Path) -> List[str]:
    found = read_leases(NICS, str(root))
    return [str(problem).replace(str(root), "") for problem in found.problems]


def test_files_that_cannot_be_used_are_problems_and_the_others_count(tmp_path: Path) -> None:
    write(tmp_path, "run/systemd/netif/leases/2", NETWORKD)
    folder = tmp_path / "run/guest-routes/leases"
    for name in ("a", "b", "c", "d"):
        write(tmp_path, f"run/guest-routes/leases/{name}", UDHCPC)
    (folder / "a").chmod(0o666)
    os.truncate(folder / "b", LIMIT_BYTES + 1)
    (folder / "c").write_text("interface=eth0\nip=10.65")
    (folder / "d").unlink()
    (folder / "d").symlink_to(folder / "a")
    os.mkfifo(folder / "e")
    place = "/run/guest-routes/leases"
    assert problems(tmp_path) == [
        f"{place}/a: can be written by everybody; ignored",
        f"{place}/b: is too large: 1 MiB is the limit; ignored",
        f"{place}/c: is cut off: its last line has no end; ignored",
        f"{place}/d: is no regular file but a link; ignored",
        f"{place}/e: is no regular file but a FIFO; ignored",
    ]
    assert [lease.client for lease in read_leases(NICS, str(tmp_path)).leases] == ["systemd-networkd"]


def test_a_document_in_place_of_one_names_the_nics_with_a_lease(tmp_path: Path) -> None:
    write(tmp_path, "run/systemd/netif/leases/2", NETWORKD)
    got = fallback(NICS, str(tmp_path))
    assert isinstance(got, Document)
    assert got.provenance == Provenance("leases", nics=("eth0",))
    assert [network["link"] for network in json.loads(got.data)["networks"]] == ["eth0"]


def test_without_any_lease_it_says_why(tmp_path: Path) -> None:
    assert fallback(NICS, str(tmp_path)) == NoDocument("no-lease", clients=CLIENTS)
    path = write(tmp_path, "run/systemd/netif/leases/2", "ADDRESS=10.65")
    fault = Problem(str(path), "is cut off: its last line has no end; ignored")
    assert fallback(NICS, str(tmp_path)) == NoDocument("no-lease", problems=(fault,), clients=CLIENTS)
