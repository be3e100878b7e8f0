"""Takes the whole test process out of the machine's network, once, before any test is collected.

Everything the tests do with addresses, routes, links and metadata addresses happens in network namespaces
below the one made here: the machine's own can't be reached from this process any more. The mount namespace
goes with it, so that /etc, /run and /var/lib can be written by the product under its real paths: /etc is a copy of
what this user may read, without the machine's settings of guest-routes; the other two, and /var/tmp, begin empty.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from pathlib import Path

CLONE_NEWNS = 0x00020000
CLONE_NEWUSER = 0x10000000
CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)
_machine_netns = 0
"""Inode of the network namespace the tests were started in."""


def unshare(flags: int) -> None:
    """unshare(2); os.unshare came with Python 3.12."""
    if _libc.unshare(flags) != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"unshare: {os.strerror(error)}")


def enter() -> None:
    """Leave the machine's namespaces; everything made below vanishes with the process."""
    global _machine_netns
    if _machine_netns:
        return
    started_in = os.stat("/proc/self/ns/net").st_ino
    uid, gid = os.getuid(), os.getgid()
    unshare(CLONE_NEWNET | CLONE_NEWNS | (CLONE_NEWUSER if uid else 0))
    if uid:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"0 {uid} 1")
        Path("/proc/self/gid_map").write_text(f"0 {gid} 1")
    _run("mount", "--make-rprivate", "/")
    _empty("/run")
    _empty("/var/lib")
    _empty("/var/tmp", "1777")
    _copied_etc()
    os.environ["PATH"] += ":/usr/sbin:/sbin"  # not in every ordinary user's
    # Files of the tests' own machines stand where only root can write: nothing in /tmp is ever evidence.
    os.makedirs("/run/tests", 0o755)
    os.environ["PYTEST_DEBUG_TEMPROOT"] = "/run/tests"
    if Path("/sys/class/dmi/id").is_dir():  # This machine's uuid is no instance's of the tests.
        _run("mount", "-t", "tmpfs", "tmpfs", "/sys/class/dmi/id")
    _machine_netns = started_in
    _run("ip", "link", "set", "lo", "up")


def in_user_namespace() -> bool:
    """Whether root here is not the machine's root. Source: user_namespaces(7)."""
    return Path("/proc/self/uid_map").read_text().split()[2] != "4294967295"


def assert_private() -> None:
    """Refuses to go on in the namespace that the tests were started in (or one nobody made)."""
    if not _machine_netns or os.stat("/proc/self/ns/net").st_ino == _machine_netns:
        raise RuntimeError("refused: this would run in the machine's own network namespace")


def fresh_netns() -> None:
    """Moves this process into a new, empty network namespace; the previous one goes when unused."""
    assert_private()
    unshare(CLONE_NEWNET)
    _run("ip", "link", "set", "lo", "up")


def _empty(path: str, mode: str = "755") -> None:
    _run("mount", "-t", "tmpfs", "-o", f"mode={mode}", "tmpfs", path)


def _copied_etc() -> None:
    """A copy and no overlay: in a user namespace, what others own can't be replaced in an overlay on every kernel."""
    copy = Path("/run/etc")
    copy.mkdir()
    _empty(str(copy))
    # What only the machine's root may read is left out.
    subprocess.run(["cp", "-R", "-P", "/etc/.", str(copy)], stderr=subprocess.DEVNULL)
    (copy / "guest-routes.yaml").unlink(missing_ok=True)
    shutil.rmtree(copy / "guest-routes.d", ignore_errors=True)
    _run("mount", "--move", str(copy), "/etc")
    copy.rmdir()


def _run(*command: str) -> None:
    subprocess.run(command, check=True)
