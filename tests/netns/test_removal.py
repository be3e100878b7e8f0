"""What the packages' removal scripts do: nothing is left without a word, and no only record is deleted (R18)."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import List, Tuple

import pytest

from guest_routes.managers.parsed.config import CREATED
from tests.support.disks import broken
from tests.support.lab import Lab, document
from tests.support.passes import documented, run, table
from tests.support.removal import ran

FILE = f"--metadata {document('documented')}"
STATE = Path("/var/lib/guest-routes")
RENDERED = "/etc/systemd/network/10-cloud-init-eth0.network"


def corrected(text: str, original: str) -> None:
    """A file that `correct` has changed."""
    for top, content in (("", text), (f"{STATE}/originals", original), (f"{STATE}/corrected", text)):
        path = Path(top + RENDERED)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


def test_the_module_goes_from_the_list_of_cloud_init(lab: Lab, kind: str, tmp_path: Path) -> None:
    path = Path("/etc/cloud/cloud.cfg")
    path.parent.mkdir(exist_ok=True)
    text = "cloud_config_modules:\n - snap\n"
    path.write_text(text)
    assert run(lab, "module --add").code == 0
    done = ran(kind, "prerm", tmp_path)
    assert (path.read_text(), done.stderr) == (text, "")
    path.write_text(text + "# - guest_routes\n")
    assert "guest_routes" not in ran(kind, "prerm", tmp_path).stdout


def test_the_machine_is_as_it_was(lab: Lab, kind: str, tmp_path: Path) -> None:
    before = documented(lab)
    assert run(lab, f"sync {FILE}").code == 0
    corrected("corrected\n", "original\n")
    Path("/etc/guest-routes.d").mkdir()
    Path("/etc/guest-routes.d/1.yaml").write_text("typo: here\n")
    done = ran(kind, "prerm", tmp_path)
    assert table(lab) == before
    assert Path(RENDERED).read_text() == "original\n"
    assert "withdrawn: 1 route, 1 default restored" in done.stdout
    assert f"< {RENDERED}: as cloud-init wrote it" in done.stdout
    assert ran(kind, "postrm", tmp_path).stderr == ""
    assert not STATE.exists()


def test_what_is_left_is_said_and_its_record_stays(lab: Lab, kind: str, tmp_path: Path) -> None:
    before = documented(lab)
    assert run(lab, f"sync {FILE}").code == 0
    corrected("corrected\n", "original\n")
    Path(RENDERED).write_text("mine\n")
    (tmp_path / "guest-routes").write_text(
        f"#!/bin/sh\n[ $1 = withdraw ] && exec setpriv --bounding-set=-net_admin {sys.executable} "
        f'-m guest_routes "$@"\nexec {sys.executable} -m guest_routes "$@"\n'
    )
    done = ran(kind, "prerm", tmp_path)
    assert "guest-routes: not everything could be withdrawn" in done.stderr
    assert "`ip route flush table all proto 121`" in done.stderr
    assert "guest-routes: what cloud-init wrote is kept in /var/lib/guest-routes/originals" in done.stderr
    assert (STATE / "defaults").exists()
    done = ran(kind, "postrm", tmp_path)
    assert "as the only record: defaults originals" in done.stderr
    assert sorted(path.name for path in STATE.iterdir()) == ["corrected", "defaults", "originals"]
    assert run(lab, "withdraw").code == 0  # installed again
    assert table(lab) == before


OTHER_PLACES = ["--table 100", "--protocol 130", "--table 100 --protocol 130", "--source-routing true --protocol 130"]


@pytest.mark.parametrize("options", OTHER_PLACES)
@pytest.mark.parametrize("family", ["ipv4", "dual-stack"])
def test_after_passes_with_other_settings(lab: Lab, kind: str, tmp_path: Path, options: str, family: str) -> None:
    """What the settings were is not in the settings any more."""
    before, file = everything(lab, family)
    assert run(lab, f"sync {options} {file}").code == 0
    assert run(lab, f"sync {file}").code == 0
    assert everywhere() != before
    Path("/etc/guest-routes.yaml").write_text("table: everywhere\n")
    done = ran(kind, "prerm", tmp_path)
    assert everywhere() == before
    assert "not everything could be withdrawn" not in done.stderr
    assert ran(kind, "postrm", tmp_path).stderr == ""
    assert not STATE.exists()


@pytest.mark.parametrize("options", OTHER_PLACES[:3])
def test_what_is_left_elsewhere_goes_by_the_commands_that_are_named(
    lab: Lab, kind: str, tmp_path: Path, options: str
) -> None:
    before, file = everything(lab, "dual-stack")
    assert run(lab, f"sync --default-mode observe {options} {file}").code == 0
    (tmp_path / "guest-routes").write_text(
        f'#!/bin/sh\nexec setpriv --bounding-set=-net_admin {sys.executable} -m guest_routes "$@"\n'
    )
    done = ran(kind, "prerm", tmp_path)
    assert "guest-routes: not everything could be withdrawn" in done.stderr
    named = re.search(r"to remove by hand what is left: (.*)", done.stderr)
    assert named is not None
    commands = re.findall("`([^`]*)`", named.group(1))
    assert len(commands) == 2
    for command in commands:
        lab.ip(*command.split()[1:])
    assert everywhere() == before


@pytest.mark.parametrize("family", ["ipv4", "dual-stack"])
def test_where_the_program_does_not_start_its_script_names_every_step(
    lab: Lab, kind: str, tmp_path: Path, family: str
) -> None:
    """Nothing is above what the script says; done to the letter it leaves nothing of ours but the only default."""
    _, file = everything(lab, family)
    for version in ("-4", "-6") if family == "dual-stack" else ("-4",):
        lab.ip(version, "route", "flush", "exact", "default")
    bare = everywhere()
    assert run(lab, f"sync --source-routing true {file}").code == 0
    (tmp_path / "guest-routes").write_text("#!/nonexistent/interpreter\n")
    done = ran(kind, "prerm", tmp_path)
    assert "as said" not in done.stderr
    commands = [one.split()[1:] for one in re.findall("`([^`]*)`", done.stderr) if one.startswith("ip ")]
    keep, flush = [one for one in commands if "replace" in one], [one for one in commands if "flush" in one]
    assert (keep, len(flush)) == ([["route", "replace"]], 2)
    for version in ("-4", "-6"):
        for line in lab.ip(version, "route", "show", "proto", "121").splitlines():
            if line.startswith("default"):
                lab.ip(version, *keep[0], *line.split(), "proto", "boot")
        for command in flush:
            lab.ip(version, *command)
    kept = [line for line in everywhere() if line not in bare]
    assert [line.split()[0] for line in kept] == ["default"] * (2 if family == "dual-stack" else 1)
    assert not [line for line in everywhere() if "121" in line]


def everything(lab: Lab, family: str) -> Tuple[List[str], str]:
    """The documented NICs with their defaults, of one family or both: what the kernel has, and the document."""
    documented(lab)
    if family == "dual-stack":
        for nic, own, gateway in (("eth0", "fd00:65::7", "fd00:65::1"), ("eth1", "fd00:8::9", "fd00:8::1")):
            lab.ip("address", "add", f"{own}/64", "dev", nic, "nodad")
            lab.ip("-6", "route", "append", "default", "via", gateway, "dev", nic, "proto", "static", "metric", "1024")
    return everywhere(), f"--metadata {document('documented' if family == 'ipv4' else family)}"


def everywhere() -> List[str]:
    """All routes and rules of both families, but for the addresses' own, which IPv6 makes when it has probed them."""
    words = [f"-{family} {what}" for family in (4, 6) for what in ("route show table all", "rule show")]
    shown = [subprocess.check_output(["ip", *one.split()], text=True).splitlines() for one in words]
    return [line for lines in shown for line in lines if "proto kernel" not in line]


def test_a_record_of_another_boot_is_none(lab: Lab, kind: str, tmp_path: Path) -> None:
    STATE.mkdir()
    (STATE / "defaults").write_text('{"boot_id": "00000000-0000-4000-8000-000000000000", "records": []}')
    (STATE / "last-known-good").write_text("{}")
    assert ran(kind, "postrm", tmp_path).stderr == ""
    assert not STATE.exists()


@pytest.mark.parametrize("content", ["{", '{"schema": "guest-routes/defaults/2", "boot_id": "0', '{"records": []}'])
def test_a_record_that_does_not_tell_of_which_boot_it_is_stays(
    lab: Lab, kind: str, tmp_path: Path, content: str
) -> None:
    """`withdraw` can't use it either, and says so: whoever can read it may know what is missing."""
    documented(lab)
    assert run(lab, f"sync {FILE}").code == 0
    (STATE / "defaults").write_text(content)
    assert "default routes that are not back are recorded in" in ran(kind, "prerm", tmp_path).stderr
    assert "as the only record: defaults" in ran(kind, "postrm", tmp_path).stderr
    assert (STATE / "defaults").read_text() == content


def test_nothing_runs_while_an_image_is_built(lab: Lab, kind: str, tmp_path: Path) -> None:
    (tmp_path / "guest-routes").write_text("#!/bin/sh\nexit 99\n")
    ran(kind, "prerm", tmp_path)
    ran(kind, "postrm", tmp_path)
    assert not Path("/run/guest-routes").exists()


@pytest.mark.parametrize("run_folder", ["removed", "read-only"])
def test_another_protocol_and_no_run_folder(lab: Lab, kind: str, tmp_path: Path, run_folder: str) -> None:
    """What a pass has left is in /var/lib; the routes have a protocol that only the settings name."""
    before = documented(lab)
    Path("/etc/guest-routes.yaml").write_text("protocol: 77\n")
    if run_folder == "removed":
        assert run(lab, f"sync {FILE}").code == 0
        shutil.rmtree("/run/guest-routes")
        ran(kind, "prerm", tmp_path)
    else:
        with broken("/run/guest-routes", "read-only"):
            assert run(lab, f"sync {FILE}").code == 1
            ran(kind, "prerm", tmp_path)
    assert table(lab) == before


def test_a_full_disk_keeps_nobody_from_removing(lab: Lab, kind: str, tmp_path: Path) -> None:
    before = documented(lab)
    assert run(lab, f"sync {FILE}").code == 0
    with broken("/run/guest-routes", "read-only"):
        ran(kind, "prerm", tmp_path)
    assert table(lab) == before


def made() -> Path:
    """A file that `correct` has made: nothing was there before."""
    path = Path("/etc/sysconfig/network-scripts/route-eth1")
    text = "".join(CREATED) + "ADDRESS0=11.11.0.0\n"
    for top in ("", f"{STATE}/corrected"):
        one = Path(top + str(path))
        one.parent.mkdir(parents=True, exist_ok=True)
        one.write_text(text)
    return path


def test_a_file_that_was_only_made_goes(lab: Lab, kind: str, tmp_path: Path) -> None:
    """It has no original, and would go on to be read by the manager."""
    path = made()
    ran(kind, "prerm", tmp_path)
    assert not path.exists()


def test_a_file_that_was_only_made_and_stays_has_no_original(lab: Lab, kind: str, tmp_path: Path) -> None:
    path = made()
    path.write_text(path.read_text() + "# mine\n")
    done = ran(kind, "prerm", tmp_path)
    assert "guest-routes: files that `correct` made stay, see above" in done.stderr
    assert "what cloud-init wrote is kept" not in done.stderr
    assert path.exists()
