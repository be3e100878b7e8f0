"""`report`: one file, in every state of the machine, without secrets."""

from __future__ import annotations

import io
import json
import os
import pty
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Dict

import pytest

from tests.netns.test_ways_out import TYPO, break_settings
from tests.support.disks import broken
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
