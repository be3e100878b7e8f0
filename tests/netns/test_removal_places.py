"""Where the removal scripts act: on the machine that they run on, for good, and on no other's."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Iterator, List, Tuple

import pytest

from tests.support import sandbox
from tests.support.lab import Lab, document
from tests.support.passes import DOCUMENTED, documented, run, table
from tests.support.removal import STEPS, ran, script
from tests.support.service import FAST, Start

FILE = f"--metadata {document('documented')}"
WITHDRAWN = Path("/run/guest-routes/withdrawn")


def test_what_is_installed_again_programs_the_routes(lab: Lab, kind: str, tmp_path: Path, start: Start) -> None:
    documented(lab)
    assert run(lab, f"sync {FILE}").code == 0
    ran(kind, "prerm", tmp_path)
    ran(kind, "postrm", tmp_path)
    assert table(lab) != DOCUMENTED
    lab.metadata_server(document("documented"))
    service = start(settings=FAST)
    service.wait(lambda: table(lab) == DOCUMENTED, what="the documented table")


@pytest.mark.parametrize("by_hand", [True, False])
@pytest.mark.parametrize("package", ["deb", "rpm"])
def test_an_upgrade_leaves_what_a_hand_withdrew(lab: Lab, tmp_path: Path, package: str, by_hand: bool) -> None:
    documented(lab)
    assert run(lab, f"sync {FILE}").code == 0
    if by_hand:
        assert run(lab, "withdraw").code == 0
    before = table(lab)
    ran(package, "prerm", tmp_path, upgrade=True)
    assert (table(lab), WITHDRAWN.exists()) == (before, by_hand)


@pytest.fixture(params=["", "systemd/system", "openrc"])
def init(request: pytest.FixtureRequest) -> Iterator[str]:
    """The folder of /run by which an init shows itself; "" for none."""
    path = Path("/run", str(request.param))
    path.mkdir(parents=True, exist_ok=True)
    yield str(request.param)
    if request.param:
        shutil.rmtree(f"/run/{request.param.partition('/')[0]}")


@pytest.fixture
def chroot(tmp_path: Path) -> Iterator[Tuple[str, str]]:
    """The command that enters a chroot with all of this machine's folders in it, its /run, too."""
    if sandbox.in_user_namespace():
        pytest.skip("a chroot takes root")
    root = tmp_path / "root"
    root.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", root], check=True)
    for folder in sorted(Path("/").iterdir()):
        if folder.is_symlink():
            (root / folder.name).symlink_to(os.readlink(folder))
        elif folder.is_dir():
            (root / folder.name).mkdir()
            subprocess.run(["mount", "--rbind", folder, root / folder.name], check=True)
    yield "chroot", str(root)
    subprocess.run(["umount", "-R", "-l", root], check=True)


def test_in_a_chroot_nothing_of_the_running_kernel_is_touched(
    lab: Lab, kind: str, tmp_path: Path, chroot: Tuple[str, str], init: str
) -> None:
    documented(lab)
    assert run(lab, f"sync {FILE}").code == 0
    WITHDRAWN.write_text("")
    for name in ("rc-service", "deb-systemd-invoke"):
        (tmp_path / name).write_text(f'#!/bin/sh\necho "{name} $*" >>{tmp_path}/said\n')
        (tmp_path / name).chmod(0o755)
    done = ran(kind, "prerm", tmp_path, inside=chroot, systemctl=f'echo "systemctl $*" >>{tmp_path}/said')
    assert (done.stdout, done.stderr) == ("", "")
    assert table(lab) == DOCUMENTED
    assert WITHDRAWN.exists()
    said = (tmp_path / "said").read_text() if (tmp_path / "said").exists() else ""
    assert not re.search("--now|stop", said), said


def test_without_proc_nothing_is_touched_either(lab: Lab, kind: str, tmp_path: Path, chroot: Tuple[str, str]) -> None:
    documented(lab)
    assert run(lab, f"sync {FILE}").code == 0
    subprocess.run(["umount", "-R", "-l", f"{chroot[1]}/proc"], check=True)
    assert ran(kind, "prerm", tmp_path, inside=chroot).stderr == ""
    assert table(lab) == DOCUMENTED


def test_a_container_without_an_init_takes_no_routes_of_its_host_away(
    lab: Lab, kind: str, tmp_path: Path, init: str
) -> None:
    """No pass has left a trace. Where an init is in charge, none could be written, and the routes are ours."""
    documented(lab)
    lab.ip("route", "add", "11.11.0.0/16", "via", "11.8.0.1", "dev", "eth1", "proto", "121")
    for name in ("rc-service", "rc-update"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    assert ran(kind, "prerm", tmp_path).stderr == ""
    assert ("11.11.0.0/16" in "".join(table(lab))) == (init == "")


def test_a_mount_namespace_is_no_chroot(lab: Lab, kind: str, tmp_path: Path) -> None:
    """A service that installs and removes packages may be in one."""
    before = documented(lab)
    assert run(lab, f"sync {FILE}").code == 0
    ran(kind, "prerm", tmp_path, inside=("unshare", "--mount"))
    assert table(lab) == before


def lines_of(text: str, first: str, last: str) -> List[str]:
    """From the line that starts with `first` to the last that is `last`, without indents."""
    lines = [line.strip() for line in text.splitlines()]
    start = next(number for number, line in enumerate(lines) if line.startswith(first))
    end = max(number for number, line in enumerate(lines) if line.startswith(last))
    return lines[start : end + 1]


@pytest.mark.parametrize("package", sorted(STEPS))
def test_the_scripts_of_all_packages_say_the_same(package: str) -> None:
    """Each is read where nothing of the package is left to share; so it is written in each."""
    for name, first, last in (
        ("prerm", "# Whether the kernel's", "{ ip route show"),
        ("prerm", "if [ -d /var/lib/guest-routes/originals", "rm -f /run/guest-routes/withdrawn"),
        ("postrm", "kept=", "rm -rf /var/lib/guest-routes"),
    ):
        assert lines_of(script(package, name), first, last) == lines_of(script("deb", name), first, last)
