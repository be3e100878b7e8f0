"""A Debian from tests/make-chroot, written over for one test and entered by chroot, in the lab's network.

Nothing of it is started but what the test runs. It sees no device but a few harmless ones, has a host name of its
own, and can't set the clock, load modules or reboot.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from . import sandbox

ROOT = Path(__file__).parents[2]
LIMITS = ["setpriv", "--bounding-set", "-sys_boot,-sys_time,-sys_module,-sys_rawio,-sys_ptrace"]
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Debian:
    """One test's own copy of .cache/SUITE, under the layers `over` of .cache."""

    def __init__(self, suite: str, *over: str) -> None:
        sandbox.assert_private()
        if sandbox.in_user_namespace():
            pytest.skip("a Debian of its own takes root")
        if not (ROOT / ".cache" / suite / ".made").exists():
            pytest.fail(f"there is no .cache/{suite}; `make test-packages` makes it (in here there is no network)")
        base = Path("/run/debian")
        self.root = base / "root"
        for folder in ("upper", "work", "root"):
            (base / folder).mkdir(parents=True)
        lower = ":".join(f"{ROOT}/.cache/{layer}" for layer in (*over, suite))
        layers = f"lowerdir={lower},upperdir={base}/upper,workdir={base}/work"
        self._mount("-t", "overlay", "overlay", "-o", layers, str(self.root))
        self._mount("-t", "proc", "proc", str(self.root / "proc"))
        # Made here and not bound, so that /sys/class/net is the lab's.
        self._mount("-t", "sysfs", "-o", "ro", "sysfs", str(self.root / "sys"))
        self._mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", str(self.root / "run"))
        self._mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", str(self.root / "dev"))
        for name in ("null", "zero", "full", "random", "urandom"):
            device = os.stat(f"/dev/{name}")
            os.mknod(self.root / "dev" / name, device.st_mode, device.st_rdev)
            (self.root / "dev" / name).chmod(0o666)

    def run(
        self, *command: str, check: bool = True, timeout: float = 300, **more: str
    ) -> subprocess.CompletedProcess[str]:
        """Runs a command in it."""
        sandbox.assert_private()
        environment = {"PATH": PATH, "LC_ALL": "C.UTF-8", "HOME": "/root", **more}
        done = subprocess.run(
            ["unshare", "--uts", "--ipc", *LIMITS, "chroot", str(self.root), *command],
            text=True, capture_output=True, env=environment, timeout=timeout,
        )  # fmt: skip
        assert not check or done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def path(self, name: str) -> Path:
        """A file of it."""
        return self.root / name.lstrip("/")

    def write(self, name: str, text: str, mode: int = 0o644) -> None:
        """Writes a file of it."""
        self.path(name).parent.mkdir(parents=True, exist_ok=True)
        self.path(name).write_text(text)
        self.path(name).chmod(mode)

    def pass_for_a_machine(self) -> None:
        """As if its init had its root: what is removed from it takes away what its passes did."""
        own = self.root.parent / "mountinfo"
        own.write_text(self.run("cat", "/proc/self/mountinfo").stdout)
        self._mount("--bind", str(own), f"{self.root}/proc/1/mountinfo")

    def reboot(self) -> None:
        """What a reboot leaves: everything but /run."""
        for left in self.path("/run").iterdir():
            shutil.rmtree(left) if left.is_dir() and not left.is_symlink() else left.unlink()

    def close(self) -> None:
        """Takes it away."""
        subprocess.run(["umount", "-R", str(self.root)], check=True)
        shutil.rmtree(self.root.parent)

    @staticmethod
    def _mount(*arguments: str) -> None:
        subprocess.run(["mount", *arguments], check=True)
