"""Fetching: real HTTP through real NICs, a real config drive on a loop device, real files."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import platform
import shutil
import stat
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import Dict, Iterator, List, Tuple

import pytest

from guest_routes.errors import MetadataError
from guest_routes.evidence import config_drive
from guest_routes.evidence.backing_file import untrusted_backing
from guest_routes.evidence.config_drive import _is_json_object, _mount, read_drive, read_mounted
from guest_routes.evidence.find import find
from guest_routes.evidence.http_endpoints import probe, usable_nics
from guest_routes.model.document import Document, Progress, Provenance, ServerProperty
from guest_routes.model.network import Nic, parse_prefix
from guest_routes.model.network_data import Problem
from guest_routes.model.settings import Settings
from guest_routes.output.words.evidence import progress_text, provenance_text
from guest_routes.service.child.early_drive import mount_for_pass
from guest_routes.state.store import State
from tests.support.hostile import USER, as_root
from tests.support.lab import Lab, document
from tests.support.passes import documented, run, valid_json

DOCUMENT = document("documented")
HTTP_ONLY = Settings(sources=("http",), deadline_seconds=2.0)
IPV4_ONLY = HTTP_ONLY._replace(metadata_urls=("http://169.254.169.254",))
UUID = "7c6f0d2e-5b6a-4c9e-9a3f-0f6c6a5b1e11"


def nics() -> Tuple[Nic, ...]:
    """What `ip` says of the NICs here."""
    output = subprocess.run(["ip", "-j", "-d", "address"], check=True, capture_output=True).stdout
    return tuple(
        Nic(
            nic["ifindex"],
            nic["ifname"],
            bytes.fromhex(nic["address"].replace(":", "")),
            "UP" in nic["flags"],
            nic["operstate"] in ("UP", "UNKNOWN"),
            nic.get("linkinfo", {}).get("info_kind", ""),
            addresses=tuple(parse_prefix(f"{a['local']}/{a['prefixlen']}") for a in nic["addr_info"] if "local" in a),
        )
        for nic in json.loads(output)
        if nic["ifname"] != "lo"
    )


@pytest.fixture
def instance(lab: Lab) -> Lab:
    """The documented NICs, with the default through eth0."""
    lab.documented_nics()
    lab.ip("route", "add", "default", "via", "10.65.0.1", "dev", "eth0")
    return lab


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "requests"


def requests_of(log: Path) -> List[Dict[str, str]]:
    """What the server was asked."""
    return [json.loads(line) for line in log.read_text().splitlines()]


def where(found: Document) -> str:
    return provenance_text(found.provenance)


def failure(settings: Settings = HTTP_ONLY, given: str = "") -> str:
    """The message of a find that fails."""
    with pytest.raises(MetadataError) as caught:
        find(settings, nics, State(), given)
    return str(caught.value)


# ---- HTTP -------------------------------------------------------------------------------------------


def test_http_brings_the_document_and_the_uuid(instance: Lab, tmp_path: Path, log: Path) -> None:
    meta = tmp_path / "meta_data.json"
    meta.write_text(json.dumps({"uuid": UUID}))
    instance.metadata_server(DOCUMENT, "--meta-data", str(meta), "--log", str(log))
    got = find(HTTP_ONLY, nics, State())
    assert got.data == DOCUMENT.read_bytes()
    assert (got.source, got.age_seconds, got.uuid) == ("http", 0.0, UUID)
    assert where(got).startswith("http://")
    assert where(got).endswith((" through eth0", " through eth1"))


def test_every_address_is_asked_through_every_nic(instance: Lab, log: Path) -> None:
    """R11"""
    instance.metadata_server(DOCUMENT, "--log", str(log), "--behave", "500")
    failure(HTTP_ONLY._replace(deadline_seconds=0.5))
    assert {(request["host"], request["client"]) for request in requests_of(log)} == {
        ("169.254.169.254", "10.65.0.7"),
        ("169.254.169.254", "11.8.0.9"),
        ("[fe80::a9fe:a9fe]", "fe80::f816:3eff:fe00:1"),
        ("[fe80::a9fe:a9fe]", "fe80::f816:3eff:fe00:2"),
    }


def test_ipv6_alone_has_no_zone_in_the_host_header(instance: Lab, log: Path) -> None:
    instance.metadata_server(DOCUMENT, "--log", str(log), "--only", "ipv6")
    got = find(HTTP_ONLY, nics, State())
    assert where(got) in ("http://[fe80::a9fe:a9fe] through eth0", "http://[fe80::a9fe:a9fe] through eth1")
    assert {request["host"] for request in requests_of(log)} == {"[fe80::a9fe:a9fe]"}


def test_the_first_valid_answer_wins_over_an_earlier_bad_one(instance: Lab) -> None:
    options = ("--behave", "not-json@10.65.0.7", "--behave", "slow=0.4@11.8.0.9")
    instance.metadata_server(DOCUMENT, "--only", "ipv4", *options)
    assert where(find(HTTP_ONLY, nics, State())) == "http://169.254.169.254 through eth1"


def test_a_nic_without_any_route_is_asked_all_the_same(lab: Lab) -> None:
    """The kernel takes 169.254.169.254 to be on the link where the NIC is all it is told."""
    lab.documented_nics()
    lab.hypervisor("sysctl", "-qw", "net.ipv4.conf.tap-eth1.arp_ignore=0")
    lab.metadata_server(DOCUMENT, "--only", "ipv4")
    assert find(IPV4_ONLY, nics, State()).data == DOCUMENT.read_bytes()


@pytest.mark.parametrize(
    ("behaviour", "reason", "early"),
    [
        ("404", "HTTP 404", True),
        ("500", "HTTP 500", False),
        ("not-json", "answer is not JSON: Expecting value at byte 11", True),
        ("list", "answer is not a JSON object but [1, 2]", True),
        ("redirect", "redirect to http://10.9.9.9/elsewhere.json refused", True),
        ("large", "more than 5 MiB", True),
        ("endless", "more than 5 MiB", True),
        ("truncated", "answer ends after 1148 of 1248 bytes", False),
        ("reset", "connection reset by peer", False),
        ("hang", "no answer within 1 s", False),
        ("slow=9", "no answer within 1 s", False),
        ("trickle=0.05", "no answer within 1 s", False),
        ("endless=0.3", "no answer within 1 s", False),
    ],
)
def test_each_failure_has_its_reason_and_keeps_the_deadline(
    instance: Lab, behaviour: str, reason: str, early: bool
) -> None:
    """R11"""
    instance.metadata_server(DOCUMENT, "--only", "ipv4", "--behave", behaviour)
    started = time.monotonic()
    text = failure(IPV4_ONLY._replace(deadline_seconds=1.0))
    took = time.monotonic() - started
    for nic in ("eth0", "eth1"):
        assert f"{nic}: {reason} (169.254.169.254)" in text
    assert took < 0.9 if early else took < 2.0


def test_no_server_is_connection_refused(instance: Lab) -> None:
    text = failure(HTTP_ONLY._replace(deadline_seconds=0.6))
    assert "eth0: connection refused (169.254.169.254)" in text
    assert "eth1: connection refused ([fe80::a9fe:a9fe])" in text


@pytest.mark.parametrize("behaviour", ["503-then-ok=99", "reset"])
def test_a_service_that_refuses_is_asked_slower_and_slower(instance: Lab, log: Path, behaviour: str) -> None:
    """Ten thousand instances that boot together: each by every endpoint once, then by one at a time."""
    instance.metadata_server(DOCUMENT, "--log", str(log), "--behave", behaviour)
    failure(HTTP_ONLY._replace(deadline_seconds=6.0))
    endpoints = [request["client"] for request in requests_of(log)]
    assert len(set(endpoints[:4])) == 4
    assert 5 <= len(endpoints) <= 7


def test_a_server_that_is_late_is_waited_for(instance: Lab, log: Path) -> None:
    instance.metadata_server(DOCUMENT, "--log", str(log), "--behave", "503-then-ok=1")
    started = time.monotonic()
    assert find(HTTP_ONLY._replace(deadline_seconds=10.0), nics, State()).data == DOCUMENT.read_bytes()
    assert time.monotonic() - started >= 1.75  # A round of four takes 0.75 s at least, and the first pause a second.


def test_an_empty_document_is_an_answer(instance: Lab) -> None:
    """What it means is decided elsewhere (R6)."""
    instance.metadata_server(DOCUMENT, "--behave", "empty")
    assert find(HTTP_ONLY, nics, State()).data == b"{}"


def test_a_nic_that_comes_late_is_used(lab: Lab) -> None:
    lab.metadata_server(DOCUMENT)
    told: List[str] = []

    def tell(progress: Progress) -> None:
        if not told:
            lab.documented_nics()
        told.append(progress_text(progress))

    assert find(HTTP_ONLY._replace(deadline_seconds=8.0), nics, State(), tell=tell).data == DOCUMENT.read_bytes()
    assert told[0].startswith("waiting for a NIC that is up and running (0.5 s of 8 s)")


def test_without_a_nic_it_says_so(lab: Lab) -> None:
    text = failure(HTTP_ONLY._replace(deadline_seconds=0.3))
    assert "http: no NIC to ask through was up and running within 0.3 s" in text


def test_waiting_is_told(instance: Lab) -> None:
    instance.metadata_server(DOCUMENT, "--behave", "slow=1.3")
    told: List[str] = []
    find(HTTP_ONLY, nics, State(), tell=lambda progress: told.append(progress_text(progress)))
    assert told[0].startswith("asking 169.254.169.254 through eth0")  # the others follow
    assert told[0].endswith("(0.5 s of 2 s)")
    assert told[1] == "asking 169.254.169.254 and fe80::a9fe:a9fe through eth0, eth1 (1.0 s of 2 s)"
    assert len(told) == 2


def test_a_service_that_answers_at_once_is_asked_by_one_way_only(instance: Lab, log: Path) -> None:
    """Ten thousand instances ask it every five minutes."""
    instance.metadata_server(DOCUMENT, "--meta-data", str(DOCUMENT), "--log", str(log))
    assert where(find(HTTP_ONLY, nics, State())) == "http://169.254.169.254 through eth0"
    assert [request["path"].rpartition("/")[2] for request in requests_of(log)] == [
        "network_data.json",
        "meta_data.json",
    ]


def test_the_next_way_is_asked_while_the_first_hangs(instance: Lab) -> None:
    instance.metadata_server(DOCUMENT, "--behave", "hang@10.65.0.7")
    started = time.monotonic()
    assert where(find(HTTP_ONLY, nics, State())) == "http://169.254.169.254 through eth1"
    assert time.monotonic() - started < HTTP_ONLY.deadline_seconds


@pytest.mark.parametrize("variable", ["http_proxy", "ALL_PROXY"])
def test_proxies_of_the_environment_are_ignored(
    instance: Lab, log: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    """R11"""
    monkeypatch.setenv(variable, "http://127.0.0.1:9")
    instance.metadata_server(DOCUMENT, "--log", str(log))
    assert find(HTTP_ONLY, nics, State()).data == DOCUMENT.read_bytes()
    asked = requests_of(log)
    assert asked and all(request["path"].startswith("/openstack/") for request in asked)


def test_ignored_nics_are_not_asked(instance: Lab, log: Path) -> None:
    instance.metadata_server(DOCUMENT, "--log", str(log), "--behave", "404")
    failure(HTTP_ONLY._replace(ignore_nics=("eth1*",)))
    assert {request["client"] for request in requests_of(log)} == {"10.65.0.7", "fe80::f816:3eff:fe00:1"}


def test_containers_are_not_asked_where_there_are_plain_nics() -> None:
    mac = bytes.fromhex("fa163e000001")
    plain = Nic(2, "ens3", mac)
    vlan = Nic(3, "ens3.7", mac, kind="vlan", parent=2)
    bond, port = Nic(4, "bond0", mac, kind="bond"), Nic(5, "ens4", mac, master=4)
    on_bond = Nic(6, "bond0.9", mac, kind="vlan", parent=4)
    docker, veth, tun = (
        Nic(7, "docker0", mac, kind="bridge"),
        Nic(8, "cali1", mac, kind="veth", parent=2),
        Nic(9, "tun0"),
    )
    down, dark = Nic(10, "ens5", mac, up=False), Nic(11, "ens6", mac, running=False)
    given = (plain, vlan, bond, port, on_bond, docker, veth, tun, down, dark)
    assert usable_nics(given, ()) == (plain, vlan, bond, on_bond)
    assert usable_nics((veth, tun), ()) == (veth,)


def test_a_process_with_a_hanging_server_ends(instance: Lab) -> None:
    """Its threads keep nobody alive."""
    instance.metadata_server(DOCUMENT, "--behave", "hang")
    program = """
from tests.netns.test_metadata import HTTP_ONLY, failure
print(failure(HTTP_ONLY._replace(deadline_seconds=0.5)))
"""
    # A server that hangs does so for longer than that.
    ran = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=30)
    assert "eth0: no answer within 0.5 s" in ran.stdout


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the filter knows one machine's system call numbers")
def test_where_sockets_cannot_be_bound_the_routing_table_decides(instance: Lab, log: Path) -> None:
    """A kernel before 5.7 refuses SO_BINDTODEVICE to the unprivileged; here a seccomp filter does."""
    instance.metadata_server(DOCUMENT, "--log", str(log), "--behave", "404")
    program = """
from tests.netns.test_metadata import failure, refuse_binding
refuse_binding()
print(failure())
"""
    ran = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert "http: any NIC: HTTP 404 (169.254.169.254); eth0: HTTP 404 ([fe80::a9fe:a9fe])" in ran.stdout
    asked = {(request["host"], request["client"]) for request in requests_of(log)}
    assert asked == {
        ("169.254.169.254", "10.65.0.7"),
        ("[fe80::a9fe:a9fe]", "fe80::f816:3eff:fe00:1"),
        ("[fe80::a9fe:a9fe]", "fe80::f816:3eff:fe00:2"),
    }


def refuse_binding() -> None:
    """From now on this process gets EPERM for setsockopt(SOL_SOCKET, SO_BINDTODEVICE). Source: seccomp(2)."""
    load, equal, allow = 0x20, 0x15, (0x06, 0, 0, 0x7FFF0000)
    steps = [
        (load, 0, 0, 0), (equal, 0, 4, 54),  # the system call is setsockopt,
        (load, 0, 0, 24), (equal, 0, 2, 1),  # its level SOL_SOCKET,
        (load, 0, 0, 32), (equal, 1, 0, 25),  # its option SO_BINDTODEVICE
        allow, (0x06, 0, 0, 0x00050000 | 1),
    ]  # fmt: skip
    filters = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
    program = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", len(steps), ctypes.addressof(filters)))
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.prctl(38, 1, 0, 0, 0) == 0
    assert libc.prctl(22, 2, ctypes.byref(program), 0, 0) == 0, os.strerror(ctypes.get_errno())


# ---- probe (R8) -------------------------------------------------------------------------------------


def test_probe_sees_whether_the_way_is_there(instance: Lab) -> None:
    assert not probe(HTTP_ONLY, nics(), 0.5)
    server = instance.metadata_server(DOCUMENT)
    assert probe(HTTP_ONLY, nics(), 2.0)
    instance.stop(server)
    server = instance.metadata_server(DOCUMENT, "--only", "ipv6")
    assert probe(HTTP_ONLY, nics(), 2.0)
    started = time.monotonic()
    assert not probe(IPV4_ONLY, nics(), 0.5)
    assert time.monotonic() - started < 1.5


def test_probe_keeps_its_deadline_where_packets_vanish(instance: Lab) -> None:
    for tap in ("tap-eth0", "tap-eth1"):
        instance.hypervisor("ip", "link", "set", tap, "arp", "off")
        instance.hypervisor("ip", "address", "flush", "dev", tap)
    started = time.monotonic()
    assert not probe(HTTP_ONLY, nics(), 0.5)
    assert time.monotonic() - started < 1.5


# ---- given ------------------------------------------------------------------------------------------


def test_a_file_a_tree_and_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    latest = tmp_path / "drive/openstack/latest"
    latest.mkdir(parents=True)
    path = latest / "network_data.json"
    path.write_bytes(b"not JSON at all")
    (latest / "meta_data.json").write_text(
        json.dumps({"uuid": UUID, "meta": {"guest_routes": "11.11.0.0/16,11.8.0.1"}})
    )
    os.utime(path, (time.time() - 100,) * 2)
    for given in (path, latest, latest.parent, tmp_path / "drive"):
        got = find(HTTP_ONLY, nics, State(), str(given))
        assert got._replace(age_seconds=0.0) == Document(
            b"not JSON at all",
            Provenance("argument", str(path)),
            0.0,
            UUID,
            ServerProperty(True, '"11.11.0.0/16,11.8.0.1"'),
        )
        assert 99 < got.age_seconds < 130
    with path.open() as file:
        monkeypatch.setattr(sys, "stdin", file)
        assert find(HTTP_ONLY, nics, State(), "-") == Document(b"not JSON at all", Provenance("argument", "-"))


def test_a_base_url_may_have_any_address(instance: Lab, log: Path) -> None:
    instance.metadata_server(DOCUMENT, "--log", str(log), "--port", "8080")
    got = find(HTTP_ONLY, nics, State(), "http://10.65.0.1:8080/")
    assert (got.data, got.source, where(got)) == (DOCUMENT.read_bytes(), "argument", "http://10.65.0.1:8080")
    find(HTTP_ONLY, nics, State(), "http://11.8.0.1:8080/openstack/latest/network_data.json")
    assert {request["host"] for request in requests_of(log)} == {"10.65.0.1:8080", "11.8.0.1:8080"}


def test_a_link_local_url_goes_through_each_nic(instance: Lab) -> None:
    instance.metadata_server(DOCUMENT)
    assert where(find(HTTP_ONLY, nics, State(), "http://[fe80::a9fe:a9fe]")).startswith(
        "http://[fe80::a9fe:a9fe] through"
    )


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ("/nowhere/network_data.json", "/nowhere/network_data.json: no such file or directory"),
        ("/proc", "/proc/openstack/latest/network_data.json: no such file or directory"),
        ("ftp://10.65.0.1/", "only http and https are supported"),
    ],
)
def test_what_is_given_and_cannot_be_read(given: str, reason: str) -> None:
    assert failure(given=given) == f"cannot get the metadata given as {given}: {reason}; nothing was changed"


def test_a_file_has_a_limit(tmp_path: Path) -> None:
    path = tmp_path / "network_data.json"
    with path.open("wb") as file:
        file.truncate(64 * 1024 * 1024 + 1)
    assert "64 MiB is the limit" in failure(given=str(path))


# ---- config drive -----------------------------------------------------------------------------------

LOOP_CTL_GET_FREE, LOOP_SET_FD = 0x4C82, 0x4C00
DRIVE_ONLY = Settings(sources=("config-drive",), deadline_seconds=10.0)


@pytest.fixture
def drive(tmp_path: Path) -> Iterator[str]:
    """A loop device with an ext4 labelled config-2."""
    latest = tmp_path / "drive/openstack/latest"
    latest.mkdir(parents=True)
    shutil.copy(DOCUMENT, latest / "network_data.json")
    (latest / "meta_data.json").write_text(json.dumps({"uuid": UUID}))
    yield from attached(_ext4(tmp_path))


_BLOCK = 2048
_ROOT = struct.pack("<BxIxxxxIxxxx7xBxxHxxBx", 34, 18, _BLOCK, 2, 1, 1)
"""The root folder's entry, in itself as in the volume's block; of each number the half in little endian."""
_VOLUME = struct.pack("<B5sBx32s32s56xHxx24x", 1, b"CD001", 1, b"", b"config-2".ljust(32), _BLOCK) + _ROOT
_BLOCKS = (_VOLUME, b"\xffCD001\x01", _ROOT, bytes(1 << 20))
ISO9660 = bytes(16 * _BLOCK) + b"".join(block.ljust(_BLOCK, b"\0") for block in _BLOCKS)
"""An image labelled config-2, without files."""


def _ext4(folder: Path) -> Path:
    """An image of ext4 labelled config-2, with what is in the folder `drive`."""
    image = folder / "image"
    subprocess.run(["mkfs.ext4", "-q", "-L", "config-2", "-d", folder / "drive", image, "4M"], check=True)
    return image


def attached(image: Path) -> Iterator[str]:
    """The image as a block device, for as long as the test runs."""
    try:
        ran = subprocess.run(["losetup", "--find", "--show", image], check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no loop devices here")
    device = ran.stdout.strip()
    try:
        yield device
    finally:
        subprocess.run(["losetup", "--detach", device], check=True)


@contextlib.contextmanager
def by_label(device: str) -> Iterator[None]:
    """The device is the one of that label that udev names, in this mount namespace."""
    Path("/dev/disk").mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/dev/disk"], check=True)
    try:
        Path("/dev/disk/by-label").mkdir()
        Path("/dev/disk/by-label/config-2").symlink_to(device)
        yield
    finally:
        subprocess.run(["umount", "/dev/disk"], check=True)


def test_a_drive_of_another_filesystem_is_not_mounted(drive: str) -> None:
    """An ext4 image with the label: nothing that Nova makes."""
    before = Path("/proc/self/mountinfo").read_text()
    why = f"{drive}: not used as a config drive: its filesystem is ext4, and a config drive's is iso9660 or vfat"
    assert f"config-drive: {why}" in failure(DRIVE_ONLY)
    assert Path("/proc/self/mountinfo").read_text() == before


@pytest.fixture
def points() -> Iterator[Path]:
    """Where the early unit's drives are mounted, here in the test's own mount namespace."""
    where = Path("/run/guest-routes/drives")
    yield where
    for point in where.iterdir() if where.exists() else ():
        subprocess.run(["umount", point], check=False)
    shutil.rmtree(where, ignore_errors=True)


EARLY = Settings(sources=("http", "config-drive", "last-known-good"))


def mounted_early(settings: Settings = EARLY) -> List[str]:
    """The devices that are mounted for the early unit's pass."""
    mount_for_pass(settings, State(), nics(), enter=())
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    return [line.split(" - ")[1].split()[1] for line in lines if " /run/guest-routes/drives/" in line]


def test_nor_does_the_early_unit_mount_it(drive: str, points: Path) -> None:
    with by_label(drive):
        assert mounted_early() == []


def test_the_early_unit_mounts_it_for_root_alone_to_see(
    drive: str, points: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Drives of ext4 stand for Nova's. A drive has user-data, with passwords in it."""
    monkeypatch.setattr(config_drive, "FILESYSTEMS", ("ext4",))
    assert mounted_early() == [drive]
    assert stat.S_IMODE(points.stat().st_mode) == 0o700
    read = find(DRIVE_ONLY, nics, State())
    assert (read.data, read.provenance.location) == (DOCUMENT.read_bytes(), drive)
    assert mounted_early() == [drive], "once"


@pytest.mark.parametrize("settings", [
    EARLY._replace(enabled=False),
    EARLY._replace(sources=("http", "last-known-good")),
])  # fmt: skip
def test_nor_where_the_settings_have_no_drives(
    drive: str, points: Path, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    monkeypatch.setattr(config_drive, "FILESYSTEMS", ("ext4",))
    assert mounted_early(settings) == []


def test_nor_a_users_file(drive: str, tmp_path: Path, points: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config_drive, "FILESYSTEMS", ("ext4",))
    os.chown(tmp_path / "image", 4242, 4242)
    with by_label(drive):
        assert mounted_early() == []


def test_nor_what_the_last_known_good_makes_needless(
    instance: Lab, drive: str, points: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(config_drive, "FILESYSTEMS", ("ext4",))
    State().keep(Document(DOCUMENT.read_bytes(), Provenance("http")), [nic.mac for nic in nics()], time.time())
    assert mounted_early() == []
    assert mounted_early(EARLY._replace(sources=("http", "config-drive"))) == [drive]


def test_a_loop_device_of_an_ordinary_users_file_is_not_used(drive: str, tmp_path: Path) -> None:
    """Some systems let users set one up."""
    os.chown(tmp_path / "image", 4242, 4242)
    assert "belongs to the user 4242, not to root" in (untrusted_backing(drive) or "")
    os.chown(tmp_path / "image", 0, 0)
    assert untrusted_backing(drive) is None


@pytest.fixture
def disguised() -> Iterator[str]:
    """A loop device of a user's file, opened where /etc/os-release is that file: in the user's own mount namespace."""
    as_root()
    image = Path("/run/theirs")
    image.write_bytes(ISO9660)
    os.chown(image, USER, USER)
    script = f"mount --bind {image} /etc/os-release && exec 5<>/etc/os-release && echo ready && read line"
    words = ["setpriv", "--reuid", str(USER), "--regid", str(USER), "--clear-groups", "unshare", "-Urm", "sh", "-c"]
    user = subprocess.Popen([*words, script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert user.stdin is not None and user.stdout is not None
    try:
        if user.stdout.readline() != "ready\n":
            pytest.skip("no user namespaces here")
        # As udisks does for whoever sits at the machine: the file comes as a descriptor.
        theirs = os.open(f"/proc/{user.pid}/fd/5", os.O_RDWR)
        yield from _attached_by_descriptor(theirs)
    finally:
        user.communicate("\n")
        image.unlink()


def _attached_by_descriptor(descriptor: int) -> Iterator[str]:
    try:
        control = os.open("/dev/loop-control", os.O_RDWR)
        device = f"/dev/loop{fcntl.ioctl(control, LOOP_CTL_GET_FREE)}"
        loop = os.open(device, os.O_RDWR)
        fcntl.ioctl(loop, LOOP_SET_FD, descriptor)
    except OSError:
        pytest.skip("no loop devices here")
    try:
        yield device
    finally:
        subprocess.run(["losetup", "--detach", device], check=True)
        for left in (descriptor, control, loop):
            os.close(left)


def test_a_users_file_under_a_name_of_roots_is_not_used(disguised: str) -> None:
    """/sys names /etc/os-release, by the path that it had where it was opened."""
    shown = Path(f"/sys/class/block/{Path(disguised).name}/loop/backing_file").read_text().strip()
    assert os.path.realpath("/etc/os-release") == shown
    _, told, devices = failure(DRIVE_ONLY).partition("not looked into, since the file behind it is not root's: ")
    assert told and disguised in devices
    with by_label(disguised):
        why = f"{disguised}: not used as a config drive: {shown} is not the file of {Path(disguised).name}"
        assert why in failure(DRIVE_ONLY)


def test_nor_is_what_stands_on_a_loop_device_of_a_users_file(drive: str, tmp_path: Path) -> None:
    """A mapping of its encrypted content, say, or a partition of that."""
    name = Path(drive).name
    block = tmp_path / "block"
    for one, below in (("dm-1", "dm-0"), ("dm-0", name)):
        (block / one / "slaves").mkdir(parents=True)
        (block / one / "slaves" / below).symlink_to(block / below)
    (block / "dm-1/dm-1p1").mkdir()
    (block / "dm-1/dm-1p1/partition").write_text("1\n")
    (block / "dm-1p1").symlink_to("dm-1/dm-1p1")
    (block / name).symlink_to(os.path.realpath(f"/sys/class/block/{name}"))
    devices = ("dm-1p1", "dm-1", "dm-0", name)
    assert [untrusted_backing(f"/dev/{one}", str(block)) for one in devices] == [None] * 4
    os.chown(tmp_path / "image", 4242, 4242)
    for one in devices:
        why = untrusted_backing(f"/dev/{one}", str(block)) or ""
        assert f"the file of {name}, belongs to the user 4242" in why


def test_a_drive_is_read_and_left_as_it_was(drive: str) -> None:
    """Told that it may be ext4, which every kernel here has."""
    before = Path("/proc/self/mountinfo").read_text()
    got = read_drive(drive, "ext4", 10.0)
    assert isinstance(got, dict)
    assert got["network_data.json"].data == DOCUMENT.read_bytes()
    assert json.loads(got["meta_data.json"].data) == {"uuid": UUID}
    assert 0 <= time.time() - got["network_data.json"].mtime < 60 * 60
    assert Path("/proc/self/mountinfo").read_text() == before


def test_a_drive_of_another_instance_comes_after_its_own(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that was captured with an image, say. Drives of ext4 stand for Nova's, since every kernel has that."""
    monkeypatch.setattr(config_drive, "FILESYSTEMS", ("ext4",))
    Path("/run/cloud-init").mkdir()
    Path("/run/cloud-init/.instance-id").write_text(UUID + "\n")
    other = UUID.replace("7c6f", "0bad")
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, "/run/cloud-init")
        for name, uuid, expected_uuid in (("other", other, UUID), ("own", UUID.upper(), "")):
            latest = tmp_path / name / "drive/openstack/latest"
            latest.mkdir(parents=True)
            shutil.copy(DOCUMENT, latest / "network_data.json")
            (latest / "meta_data.json").write_text(json.dumps({"uuid": uuid}))
            device = stack.enter_context(contextlib.contextmanager(attached)(_ext4(tmp_path / name)))
            got = find(DRIVE_ONLY, nics, State())
            assert (got.provenance.location, got.uuid, got.expected_uuid) == (device, uuid, expected_uuid)
            if name == "other":
                assert got.unused == ()
                first = device
        why = f"not used as a config drive: it is instance {other}'s, and this is instance {UUID}"
        assert got.unused == (Problem(first, why),)


def test_a_users_drive_does_not_hide_the_true_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """udev keeps one link of a label; the last that came may be a loop device of a user's file."""
    monkeypatch.setattr(config_drive, "FILESYSTEMS", ("ext4",))
    with contextlib.ExitStack() as stack:
        devices = {}
        for name in ("users", "true"):
            latest = tmp_path / name / "drive/openstack/latest"
            latest.mkdir(parents=True)
            shutil.copy(DOCUMENT, latest / "network_data.json")
            image = _ext4(tmp_path / name)
            devices[name] = stack.enter_context(contextlib.contextmanager(attached)(image))
        os.chown(tmp_path / "users/image", 4242, 4242)
        for named in ("users", "true"):
            with by_label(devices[named]):
                got = find(DRIVE_ONLY, nics, State())
            assert got.provenance.location == devices["true"]
            assert [one.place for one in got.unused] == [devices["users"]] * (named == "users")
        assert find(DRIVE_ONLY, nics, State()).unused == ()


def test_a_drive_that_is_passed_over_is_named_by_a_pass_and_by_doctor(lab: Lab, drive: str) -> None:
    documented(lab)
    options = "--deadline-seconds 0.3"
    assert run(lab, f"sync --metadata {DOCUMENT}").code == 0
    why = f"{drive}: not used as a config drive: its filesystem is ext4"
    ran = run(lab, f"sync {options}")
    assert ran.code == 0
    assert ran.err.count(why) == 1
    assert "metadata: last known good" in ran.out
    value = valid_json("doctor", lab.run("doctor", "--json", *options.split()))
    (found,) = [one for one in value["findings"] if one["kind"] == "unused-drive"]
    assert found["what"].startswith(why)
    assert run(lab, "plan --sources last-known-good").err == ""


@pytest.mark.parametrize("sources, looked_at", [("", False), ("--sources config-drive,http", True)])
def test_a_drive_is_looked_at_in_its_turn_only(lab: Lab, drive: str, sources: str, looked_at: bool) -> None:
    """Where the metadata service has answered, nothing of a drive could decide; none is opened, and none is named."""
    documented(lab)
    lab.metadata_server(document("documented"))
    named = f"{drive}: not used as a config drive"
    ran = run(lab, f"sync {sources}")
    assert (ran.code, named in ran.err) == (0, looked_at)
    value = valid_json("doctor", lab.run("doctor", "--json", *sources.split()))
    assert ("unused-drive" in [one["kind"] for one in value["findings"]]) is looked_at


def test_a_drive_that_is_mounted_already_is_found_and_read_there(drive: str, tmp_path: Path) -> None:
    point = tmp_path / "a point"
    point.mkdir()
    subprocess.run(["mount", "-o", "ro", drive, point], check=True)
    try:
        assert _mount(drive) == (str(point), "ext4")
        got = read_mounted(str(point))
        assert isinstance(got, dict)
        assert got["network_data.json"].data == DOCUMENT.read_bytes()
        assert "its filesystem is ext4" in failure(DRIVE_ONLY)
    finally:
        subprocess.run(["umount", point], check=True)
    assert _mount(drive) == ("", "")


@pytest.mark.parametrize("linked", ["openstack", "openstack/latest", "openstack/latest/network_data.json"])
def test_links_on_a_drive_lead_nowhere(tmp_path: Path, linked: str) -> None:
    latest = tmp_path / "drive/openstack/latest"
    latest.mkdir(parents=True)
    (latest / "network_data.json").write_text("{}")
    path = tmp_path / "drive" / linked
    if path.is_dir():
        path.rename(tmp_path / "drive/real")
        path.symlink_to(os.path.relpath(tmp_path / "drive/real", path.parent))
    else:
        path.unlink()
        path.symlink_to("/proc/self/status")
    assert "link" in str(read_mounted(str(tmp_path / "drive"))) or "not a directory" in str(
        read_mounted(str(tmp_path / "drive"))
    )
    for device in attached(_ext4(tmp_path)):
        got = read_drive(device, "ext4", 10.0)
        assert got == "openstack/latest/network_data.json is a link, or is behind one, which is not followed"


def test_a_drive_without_a_document_says_so(tmp_path: Path) -> None:
    (tmp_path / "drive").mkdir()
    for device in attached(_ext4(tmp_path)):
        assert read_drive(device, "ext4", 10.0) == "no openstack/latest on it"
    (tmp_path / "drive/openstack/latest").mkdir(parents=True)
    (tmp_path / "image").unlink()
    for device in attached(_ext4(tmp_path)):
        assert read_drive(device, "ext4", 10.0) == "no openstack/latest/network_data.json on it"


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"links": [', b"\xff", b"[" * 100_000])
def test_a_document_that_is_cut_off_is_none(content: bytes) -> None:
    """So that the next source is asked (F8)."""
    assert not _is_json_object(content)


@pytest.mark.skipif("iso9660" in Path("/proc/filesystems").read_text(), reason="this kernel reads iso9660")
def test_a_file_system_without_a_driver_is_named(tmp_path: Path) -> None:
    image = tmp_path / "image"
    image.write_bytes(ISO9660)
    for device in attached(image):
        text = (
            f"{device}: not used as a config drive: cannot be mounted: "
            "this kernel has no driver for its filesystem type iso9660 (modprobe iso9660)"
        )
        assert text in failure(DRIVE_ONLY)


def test_without_a_config_drive_it_says_so() -> None:
    assert "config-drive: no block device is labelled config-2; " in failure(DRIVE_ONLY)


# ---- the other sources ------------------------------------------------------------------------------


def test_the_last_known_good_is_found_with_its_age(instance: Lab) -> None:
    state = State()
    instance.metadata_server(DOCUMENT)
    fetched = find(IPV4_ONLY, nics, state)
    state.keep(fetched, [nic.mac for nic in nics()], time.time() - 60)
    got = find(Settings(sources=("last-known-good",)), nics, state)
    assert (got.data, got.source) == (fetched.data, "last-known-good")
    assert where(got) == f"last known good (from {where(fetched)})"
    assert 59 < got.age_seconds < 90


CLOUD_INIT_ONLY = Settings(sources=("cloud-init",))


def test_cloud_inits_copy_is_the_last_resort(lab: Lab) -> None:
    path = Path("/run/cloud-init/instance-data.json")
    path.parent.mkdir(parents=True)
    network_json = json.loads(DOCUMENT.read_bytes())
    path.write_text(json.dumps({"ds": {"network_json": network_json, "meta_data": {"uuid": UUID}}}))
    got = find(CLOUD_INIT_ONLY, nics, State())
    assert json.loads(got.data) == network_json
    assert (got.source, got.uuid) == ("cloud-init", UUID)
    assert where(got) == f"cloud-init's crawled copy ({path})"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ('{"ds": {"network_json": "redacted"}}', "its ds.network_json is no object but 'redacted'"),
        ('{"ds": {}}', "no ds.network_json in it"),
        ("[]", "no ds.network_json in it"),
        ('{"ds"', "no ds.network_json in it"),
    ],
)
def test_cloud_inits_copy_that_is_none(lab: Lab, content: str, reason: str) -> None:
    path = Path("/run/cloud-init/instance-data.json")
    path.parent.mkdir(parents=True)
    path.write_text(content)
    assert f"  cloud-init: {path}: {reason}; " in failure(CLOUD_INIT_ONLY)


def test_every_source_says_why_it_has_nothing(lab: Lab) -> None:
    lines = failure(Settings(deadline_seconds=0.2)).splitlines()
    assert lines[0] == "cannot find network_data.json; nothing was changed"
    assert [line.split(":")[0] for line in lines[1:-1]] == [
        "  http", "  config-drive", "  last-known-good", "  cloud-init", "  leases",
    ]  # fmt: skip
    assert lines[-1] == "name one yourself: --metadata FILE, DIR or URL"


def test_a_local_document_imports_nothing_heavy(tmp_path: Path) -> None:
    shutil.copy(DOCUMENT, tmp_path / "network_data.json")
    program = f"""
import sys
from guest_routes.evidence.find import find
from guest_routes.model.settings import Settings
from guest_routes.state.store import State
before = set(sys.modules)
find(Settings(), tuple, State(), {str(tmp_path)!r})
names = ("http", "http_get", "http_endpoints", "config_drive")
ours = ["guest_routes.evidence." + name for name in names]
heavy = ["requests", "urllib", "http", "socket", "subprocess", "hashlib", "threading", "logging", "ssl", "pathlib"]
print([name for name in heavy + ours if name in sys.modules])
"""
    ran = subprocess.run([sys.executable, "-S", "-c", program], check=True, capture_output=True, text=True)
    assert ran.stdout == "[]\n"
