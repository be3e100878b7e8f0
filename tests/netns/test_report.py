"""`report`: one file, in every state of the machine, without secrets."""

from __future__ import annotations

import io
import json
import os
import pty
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Dict

import pytest

from tests.netns.test_ways_out import TYPO, break_settings
from tests.support.disks import broken
from tests.support.hostile import USER, as_root
from tests.support.lab import Lab, document
from tests.support.passes import documented, run, table, valid_json

FILE = f"--metadata {document('documented')}"


def unpacked(content: bytes) -> Dict[str, str]:
    """The files of a report, by their names below its folder."""
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        files = {member.name: tar.extractfile(member) for member in tar.getmembers()}
        return {name.partition("/")[2]: file.read().decode() for name, file in files.items() if file}


def test_what_is_in_it(lab: Lab, tmp_path: Path) -> None:
    documented(lab)
    lab.metadata_server(document("documented"))
    assert run(lab, "sync").code == 0
    before = table(lab)
    Path("/etc/guest-routes.yaml").write_text("metric: 0\n")
    path = tmp_path / "report.tar.gz"
    value = valid_json("report", lab.run("report", "--json", "--output", str(path)))
    assert (value["path"], value["bytes"]) == (str(path), path.stat().st_size)
    assert path.stat().st_mode & 0o777 == 0o600
    files = unpacked(path.read_bytes())
    assert "drift        none" in files["guest-routes/status"]
    doctor = files["guest-routes/doctor_--json"]
    assert json.loads(doctor[doctor.index("{") : doctor.rindex("}") + 1])["findings"] == []
    assert doctor.endswith("(exit code 0)\n")
    assert "11.11.0.0/16 via 11.8.0.1 dev eth1" in files["commands/ip_-4_-d_route_show_table_all"]
    assert "metric: 0  (/etc/guest-routes.yaml)" in files["settings.txt"]
    assert "files/var/lib/guest-routes/last-known-good" in files
    assert files["files/proc/sys/net/ipv4/conf/eth1/rp_filter"].strip() in "012"
    assert files["files/usr/lib/os-release"] == Path("/etc/os-release").read_text()
    assert [line for line in value["missing"] if line.startswith("guest-routes/")] == []
    assert table(lab) == before


def test_standard_output_has_room_for_one_of_them(lab: Lab) -> None:
    ran = lab.run("report", "--output", "-", "--json")
    assert (ran.returncode, "error" in valid_json("report", ran)) == (2, True)
    assert "--json and --output - can't be used together" in ran.stderr


def test_a_directory_is_not_made_since_its_name_may_be_a_mistake(lab: Lab, tmp_path: Path) -> None:
    ran = run(lab, f"report --output {tmp_path}/usbstikc/report.tar.gz")
    assert (ran.code, ran.out) == (1, "")
    assert f"cannot write {tmp_path}/usbstikc/report.tar.gz: No such file or directory" in ran.err
    assert "`--output FILE` names another place" in ran.err
    assert list(tmp_path.iterdir()) == []


def test_a_settings_file_that_cannot_be_read_is_named_once(lab: Lab, tmp_path: Path) -> None:
    Path("/etc/guest-routes.yaml").write_text("metric: [\n")
    Path("/etc/guest-routes.d").mkdir()
    Path("/etc/guest-routes.d/10-metric.yaml").write_text("metric: 7\n")
    path = tmp_path / "report.tar.gz"
    assert run(lab, f"report --output {path}").code == 0
    lines = unpacked(path.read_bytes())["settings.txt"].splitlines()
    (wrong,) = (line for line in lines if line.startswith("wrong: "))
    assert "/etc/guest-routes.yaml" in wrong
    assert "metric: 7  (/etc/guest-routes.d/10-metric.yaml)" in lines and "metric: 7" in lines


def test_redacted(lab: Lab, tmp_path: Path) -> None:
    documented(lab)
    lab.metadata_server(document("documented"))
    assert run(lab, f"sync {FILE}").code == 0
    path = tmp_path / "report.tar.gz"
    assert run(lab, f"report --redact --output {path}").code == 0
    for name, text in unpacked(path.read_bytes()).items():
        for gone in ("11.8.0.", "10.65.0.", "11.11.0.", "fa:16:3e:00:00:01"):
            assert gone not in text, name
            assert gone not in name


LEASE = """lease { interface "eth0"; fixed-address 10.65.0.7;
 option dhcp-client-identifier 1:fa:16:3e:00:00:01; duid 00:01:00:01:2b:3c:4d:5e:fa:16:3e:00:00:01;
 option rfc3442-classless-static-routes 16,11,11,11,8,0,1; plain fa163e000001; dash FA-16-3E-00-00-01 }
"""
PROFILE = "[connection]\nid=a\n[vpn-secrets]\ncert-pass=hunter2\ncookie=hunter2\n[unheard-of]\nx=hunter2\n"
NETPLAN = 'network:\n  wifis:\n    w0:\n      psk: "a\n        hunter2"\n      passwords: [a,\n        hunter2]\n'


def test_what_others_wrote_is_redacted_in_each_of_its_forms(lab: Lab, tmp_path: Path) -> None:
    """The NICs' MACs, in every file and in link-local addresses; of secrets all but what is known to be none."""
    documented(lab)
    lab.metadata_server(document("documented"))
    assert run(lab, f"sync {FILE}").code == 0
    for place, text in (
        ("/var/lib/dhcp/dhclient.eth0.leases", LEASE), ("/etc/netplan/99-x.yaml", NETPLAN),
        ("/etc/NetworkManager/system-connections/a.nmconnection", PROFILE),
        ("/var/lib/dhcpcd/eth0.lease", "\2\1\0\x11\x0b\x08\0\x09"),
    ):  # fmt: skip
        Path(place).parent.mkdir(parents=True, exist_ok=True)
        Path(place).write_text(text)
    path = tmp_path / "report.tar.gz"
    assert run(lab, f"report --redact --output {path}").code == 0
    files = unpacked(path.read_bytes())
    macs = ("fa:16:3e:00:00:01", "fa:16:3e:00:00:02")
    written = [mac.replace(":", sign) for mac in macs for sign in (":", "-", "")]
    made_of_them = ["f816:3eff:fe00:1", "f816:3eff:fe00:2"]
    for name, text in files.items():
        for gone in (*written, *made_of_them, "hunter2"):
            assert gone not in text.lower(), (name, gone)
    assert "cert-pass=(hidden)" in files["files/etc/NetworkManager/system-connections/a.nmconnection"]
    assert files["files/var/lib/dhcpcd/eth0.lease"].startswith("(binary")
    assert "fe80::" in files["commands/ip_-d_address_show"]


@pytest.mark.parametrize("state", ["nothing", "broken settings", "full disk", "read-only run", "damaged state"])
def test_in_every_state(lab: Lab, state: str, tmp_path: Path) -> None:
    if state != "nothing":
        documented(lab)
        lab.metadata_server(document("documented"))
        assert run(lab, f"sync {FILE}").code == 0
    if state == "damaged state":
        Path("/run/guest-routes/status").write_bytes(b"\xff{")
        Path("/var/lib/guest-routes/last-known-good").write_bytes(b"\xff{")
    if state == "broken settings":
        break_settings()
    command = [sys.executable, "-m", "guest_routes", "report", "--output", "-"]
    if state in ("full disk", "read-only run"):
        fault, folder = (
            ("full", "/var/lib/guest-routes") if state == "full disk" else ("read-only", "/run/guest-routes")
        )
        with broken(folder, fault):
            ran = subprocess.run(command, capture_output=True)
    else:
        ran = subprocess.run(command, capture_output=True)
    assert ran.returncode == 0
    files = unpacked(ran.stdout)
    assert not [name for name, text in files.items() if "Traceback" in text]
    assert {"settings.txt", "missing.txt", "guest-routes/doctor", "guest-routes/status"} <= set(files)
    if state == "broken settings":
        assert f"wrong: {TYPO}:1: protocl: no such setting" in files["settings.txt"]
        assert "(exit code 2)" in files["guest-routes/status"]


def test_a_place_that_takes_nothing(lab: Lab, tmp_path: Path) -> None:
    documented(lab)
    lab.metadata_server(document("documented"))
    with broken(str(tmp_path / "full"), "full"):
        ran = run(lab, f"report --output {tmp_path}/full/report.tar.gz")
        assert ran.code == 1
        assert "`--output -` standard output" in ran.err
        assert os.listdir(tmp_path / "full") == ["filler"]


def test_no_byte_of_it_reaches_a_terminal(lab: Lab) -> None:
    """What doesn't compress stands in a tar.gz as it is, control characters too."""
    theirs, ours = pty.openpty()
    command = [sys.executable, "-m", "guest_routes", "report", "--output", "-"]
    ran = subprocess.run(command, stdout=ours, stderr=subprocess.PIPE, text=True)
    os.close(ours)
    assert (ran.returncode, "standard output is a terminal" in ran.stderr) == (2, True)
    os.set_blocking(theirs, False)
    with pytest.raises(OSError):
        os.read(theirs, 1)
    os.close(theirs)


def names_in_missing(files: Dict[str, str]) -> Dict[str, str]:
    """Why each entry isn't there, by its name."""
    lines = (line.partition(": ") for line in files["missing.txt"].splitlines())
    return {name: reason for name, _, reason in lines}


def test_names_that_are_no_utf8_or_no_line(lab: Lab, tmp_path: Path) -> None:
    """Of files, of links' targets, of settings files, of the report itself."""
    for folder in ("/etc/netplan", "/etc/guest-routes.d", "/run/guest-routes/leases"):
        os.makedirs(folder, exist_ok=True)
    os.symlink("/etc/hostname", b"/etc/netplan/a\xff.yaml")
    os.symlink(b"/etc/\xff", b"/etc/netplan/b\xff.yaml")
    for written in (b"/etc/netplan/c\xff\nx.yaml", b"/etc/guest-routes.d/a\xff.yaml", b"/run/guest-routes/leases/\xff"):
        Path(os.fsdecode(written)).write_text("psk: hunter2\n")
    path = f"{tmp_path}/" + os.fsdecode(b"\xff.tar.gz")
    command = [sys.executable, "-m", "guest_routes", "report", "--json", "--output", path]
    ran = subprocess.run(command, capture_output=True, text=True)
    assert (ran.returncode, "Traceback" in ran.stderr) == (0, False)
    value = valid_json("report", ran)
    files = unpacked(Path(path).read_bytes())
    missing = names_in_missing(files)
    for name in ("a", "b"):
        assert missing[f"files/etc/netplan/{name}\\udcff.yaml"] == "is no regular file but a link"
    assert "files/etc/netplan/a\\udcff.yaml: is no regular file but a link" in value["missing"]
    assert "hunter2" not in files["files/etc/netplan/c\\udcff\\nx.yaml"]
    assert {"files/etc/guest-routes.d/a\\udcff.yaml", "files/run/guest-routes/leases/\\udcff"} <= set(files)
    assert not [name for name, text in files.items() if "Traceback" in text]


def test_what_is_there_and_is_not_copied_is_named(lab: Lab, tmp_path: Path) -> None:
    """A FIFO among the settings, a client's secret; and what was refused as a lease is copied."""
    for folder in ("/etc/guest-routes.d", "/var/lib/dhcpcd", "/run/guest-routes/leases"):
        os.makedirs(folder, exist_ok=True)
    os.mkfifo("/etc/guest-routes.d/a.yaml")
    Path("/var/lib/dhcpcd/secret").write_text("68:75:6e:74:65:72:32:" * 20)
    refused = Path("/run/guest-routes/leases/eth0")
    refused.write_text("router=11.8.0.1\n")
    refused.chmod(0o666)
    path = tmp_path / "report.tar.gz"
    assert run(lab, f"report --output {path}").code == 0
    files = unpacked(path.read_bytes())
    missing = names_in_missing(files)
    assert missing["files/etc/guest-routes.d/a.yaml"] == "is no regular file but a FIFO"
    assert missing["files/var/lib/dhcpcd/secret"] == "left out: no file of a known kind"
    assert files["files/run/guest-routes/leases/eth0"] == "router=11.8.0.1\n"
    assert not [name for name, text in files.items() if "68:75:6e" in text]


def test_nothing_that_only_root_may_read_goes_into_it_by_a_clients_link(lab: Lab, tmp_path: Path) -> None:
    """networkd's user has its folder, and links a folder of root's there."""
    as_root()
    secret = tmp_path / "roots"
    secret.mkdir(mode=0o700)
    (secret / "2").write_text("hunter2")
    netif = Path("/run/systemd/netif")
    netif.mkdir(parents=True, exist_ok=True)
    (netif / "leases").symlink_to(secret)
    os.chown(netif, USER, USER)
    path = tmp_path / "report.tar.gz"
    try:
        assert run(lab, f"report --output {path}").code == 0
    finally:
        shutil.rmtree(netif)
    files = unpacked(path.read_bytes())
    assert not [name for name, text in files.items() if "hunter2" in text]
    assert "is behind a link" in names_in_missing(files)["files/run/systemd/netif/leases"]


def test_a_password_in_a_url_of_the_settings(lab: Lab, tmp_path: Path) -> None:
    """The message is cut before the @."""
    password = "hunter2" * 20
    for setting in (
        f"['http://admin:{password}@169.254.169.254']",
        f"'http://a:{password}@h",
        f"http://a:{password},{password}@h",
    ):
        Path("/etc/guest-routes.yaml").write_text(f"metadata_urls: {setting}\n")
        path = tmp_path / "report.tar.gz"
        assert run(lab, f"report --output {path}").code == 0
        for name, text in unpacked(path.read_bytes()).items():
            assert "hunter2" not in text, name


def test_neutrons_host_names_have_the_address(lab: Lab, tmp_path: Path) -> None:
    documented(lab)
    lab.metadata_server(document("documented"))
    leases = Path("/run/NetworkManager/devices")
    leases.mkdir(parents=True, exist_ok=True)
    (leases / "3").write_text(Path("tests/data/leases/networkmanager-cross.eth1").read_text())
    path = tmp_path / "report.tar.gz"
    assert run(lab, f"report --redact --output {path}").code == 0
    files = unpacked(path.read_bytes())
    assert "dhcp4.host_name=host-" in files["files/run/NetworkManager/devices/3"]
    assert not [name for name, text in files.items() if "11-8-0-9" in text]
