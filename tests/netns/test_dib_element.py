"""The diskimage-builder element's hooks, in a root of this machine's folders whose changes are the test's alone."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Dict, Iterator, List, Sequence

import pytest

from tests.support import sandbox
from tests.support.lab import Lab

ROOT = Path(__file__).parents[2]
ELEMENT = ROOT / "packaging/dib/guest-routes"
UNITS = str(ROOT / "packaging/systemd")
OWN = {"dev", "etc", "run", "tmp", "usr", "var"}
"""What the image has of its own."""


class Image:
    """An image being built, with fakes of the programs that install packages and enable units."""

    def __init__(self, folder: Path) -> None:
        self.mounts: List[Path] = []
        self.root, self.dist, self.hooks = folder / "root", folder / "dist", folder / "hooks"
        for one in (self.root, self.dist, self.hooks, folder / "upper", folder / "work"):
            one.mkdir()
        for top in sorted(Path("/").iterdir()):
            here = self.root / top.name
            if top.is_symlink():
                here.symlink_to(os.readlink(top))
            elif top.is_dir():
                here.mkdir()
                if top.name not in OWN:
                    self._mount(here, "--rbind", str(top))
        for needed in (ROOT, Path(sys.prefix), Path(sys.base_prefix)):
            here = self.root / needed.relative_to("/")
            if not here.exists() and needed.parts[1] != "usr":
                here.mkdir(parents=True)
                self._mount(here, "--bind", str(needed))
        layers = f"lowerdir=/usr,upperdir={folder}/upper,workdir={folder}/work"
        self._mount(self.root / "usr", "-t", "overlay", "overlay", "-o", layers)
        (self.root / "dev/null").write_text("")
        self._program = f'#!/bin/sh\nexec {sys.executable} -m guest_routes "$@"\n'
        put = "cp /tmp/in_target.d/guest-routes/guest-routes.pyz /usr/bin/guest-routes"
        for name, does in (("apt-get", put), ("dnf", put), ("systemctl", ":")):
            self.write(f"usr/local/bin/{name}", f'#!/bin/sh\necho "{name} $*" >>/tmp/said\n{does}\n')

    def _mount(self, place: Path, *words: str) -> None:
        subprocess.run(["mount", *words, place], check=True)
        self.mounts.append(place)

    def close(self) -> None:
        """Nothing of this machine stays below the folder."""
        for place in reversed(self.mounts):
            subprocess.run(["umount", "-R", "-l", place], check=True)

    def write(self, name: str, text: str) -> None:
        """Writes a program of it."""
        path = self.root / name
        path.write_text(text)
        path.chmod(0o755)

    def packages(self, *names: str) -> None:
        """Puts packages of that name into dist/, each of which is the program."""
        for name in names:
            (self.dist / name).write_text(self._program)
            (self.dist / name).chmod(0o755)

    def build(self, **settings: str) -> subprocess.CompletedProcess[str]:
        """Runs the hooks in their order; the first that fails is the last."""
        given = {"DIB_GUEST_ROUTES_DIST": str(self.dist), "TMP_HOOKS_PATH": str(self.hooks)}
        given.update({f"DIB_GUEST_ROUTES_{name.upper()}": value for name, value in settings.items()})
        done = self._hook([str(ELEMENT / "extra-data.d/50-guest-routes")], given)
        if done.returncode:
            return done
        shutil.copytree(self.hooks, self.root / "tmp/in_target.d")
        return self._hook(["chroot", str(self.root), str(ELEMENT / "install.d/50-guest-routes")], given)

    @staticmethod
    def _hook(command: Sequence[str], given: Dict[str, str]) -> subprocess.CompletedProcess[str]:
        path = f"/usr/local/bin:{os.environ['PATH']}" if command[0] == "chroot" else os.environ["PATH"]
        return subprocess.run(command, text=True, capture_output=True, env={**os.environ, **given, "PATH": path})

    def said(self) -> str:
        """What the fakes were asked for."""
        path = self.root / "tmp/said"
        return path.read_text() if path.exists() else ""


@pytest.fixture
def image(lab: Lab, tmp_path: Path) -> Iterator[Image]:
    if sandbox.in_user_namespace():
        pytest.skip("a chroot takes root")
    made = Image(tmp_path)
    yield made
    made.close()


def test_of_several_versions_the_newest_is_installed(image: Image) -> None:
    image.packages("guest-routes_0.9.0_all.deb", "guest-routes_0.10.0_all.deb", "guest-routes.pyz")
    done = image.build()
    assert done.returncode == 0, done.stderr
    of_apt = "apt-get install -y --no-install-recommends /tmp/in_target.d/guest-routes/"
    assert image.said() == f"{of_apt}guest-routes_0.10.0_all.deb\n"


def test_of_several_rpms_too(image: Image) -> None:
    image.packages("guest-routes-0.9.0-1.noarch.rpm", "guest-routes-0.10.0-1.noarch.rpm", "guest-routes.pyz")
    done = image.build()
    assert done.returncode == 0, done.stderr
    assert image.said().endswith("guest-routes-0.10.0-1.noarch.rpm\n")
    assert image.said().count("\n") == 1


@pytest.mark.parametrize("text", ["defualt: {nic: eth0}", "default: {nic: ", "metric: many"])
def test_wrong_settings_are_not_baked_in(image: Image, text: str) -> None:
    image.packages("guest-routes_0.1.0_all.deb", "guest-routes.pyz")
    done = image.build(settings=text)
    assert done.returncode == 1
    assert "/etc/guest-routes.d/50-image.yaml" in done.stderr
    assert "guest-routes: the image's settings are wrong, see above" in done.stderr


def test_right_settings_are(image: Image) -> None:
    image.packages("guest-routes_0.1.0_all.deb", "guest-routes.pyz")
    done = image.build(settings="default: {nic: eth0}")
    assert (done.returncode, done.stderr) == (0, "")
    assert (image.root / "etc/guest-routes.d/50-image.yaml").read_text() == "default: {nic: eth0}\n"


def test_the_single_file_comes_with_its_units(image: Image) -> None:
    image.packages("guest-routes.pyz")
    done = image.build(units=UNITS)
    assert done.returncode == 0, done.stderr
    assert "enable guest-routes-correct.service guest-routes-early.service guest-routes.service" in image.said()
    assert (image.root / "usr/lib/systemd/system/guest-routes.service").exists()


def test_the_single_file_that_nothing_would_start_is_refused(image: Image) -> None:
    image.packages("guest-routes.pyz")
    done = image.build()
    assert (done.returncode, image.said()) == (1, "")
    assert "set DIB_GUEST_ROUTES_UNITS to packaging/systemd" in done.stderr
    assert not (image.root / "usr/bin/guest-routes").exists()


@pytest.mark.parametrize("folder", ["/nonexistent", "/etc"])
def test_a_folder_without_units_is_refused(image: Image, folder: str) -> None:
    image.packages("guest-routes.pyz")
    done = image.build(units=folder)
    assert (done.returncode, image.said()) == (1, "")
    assert f"no units in DIB_GUEST_ROUTES_UNITS, {folder}" in done.stderr
