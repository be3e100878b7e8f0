"""The process behind a netlink port: its name and its ancestors, as long as it lives.

The port of a process's first netlink socket is its process id; others have numbers that no process has. Source:
netlink(7). A command such as `ip` mostly ends within milliseconds, so it is looked up at once.

Known hazards: systemd-networkd's socket is made by systemd, and has its port (systemd-networkd.socket). In a container
the port is a process id of the container's own, which may be anybody's here. A process has the name of the link that
it was started by: whoever starts a set-user-ID program by a link of his own chooses the name of a process of root's.
"""

from __future__ import annotations

import os

from ..clocks import NANOSECONDS, namespace_offset
from ..model.diagnosis.status import Actor
from .files import read_pseudo

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Container, Iterator

ANCESTORS = 4
"""The number of generations that are looked at."""
INIT = 1
KERNEL_THREAD = 0x00200000
"""PF_KTHREAD among a process's flags. Source: include/linux/sched.h; proc(5), stat, field 9."""
FIRST_USER = 1000
"""Ids below are root's and the system's own. Source: systemd's UIDS-GIDS.md, SYS_UID_MAX in login.defs(5)."""
SET_ID, EXECUTABLE = 0o4000, 0o111
"""Among a program's mode. Source: inode(7)."""
ENDED = "ZX"
"""States of a process that only waits for its parent to ask how it ended. Source: proc(5), stat, field 3."""
NO_LOGIN = (b"", b"4294967295")
"""The login's user of a process that no login started; "" in a kernel that keeps none. Source: proc_pid_loginuid(5)."""
NET_ADMIN = 1 << 12
"""Source: include/uapi/linux/capability.h."""
NETWORKD = "systemd-networkd"
CUT = {NETWORKD[:15]: NETWORKD}
"""The kernel keeps 15 characters of a name."""


def actor_at(port: int, proc: str = "/proc") -> Actor:
    """Who asked for the change of a notification that names this port."""
    if port == 0:
        return Actor("kernel")
    if port == INIT:
        port = _activated(proc)
    if _is_kernel_thread(port, proc) or not _may_change_routes(port, proc):
        return Actor()  # No kernel thread asks for routes by a socket.
    name, parent = _process(port, proc)
    if not name:
        return Actor(pid=port if port < 1 << 22 else 0)
    ancestors: list[str] = []
    for _ in range(ANCESTORS):
        if parent <= INIT:
            break
        ancestor, parent = _process(parent, proc)
        if ancestor and ancestor != (ancestors or [name])[-1]:
            ancestors.append(ancestor)
    return Actor(name, port, tuple(ancestors))


def process_started(pid: int, proc: str = "/proc") -> str:
    """When a process started, in the kernel's ticks; "" where it has ended. Source: proc(5), stat, fields 3 and 22.

    The same in every time namespace, although the kernel shows each reader the ticks of its own.
    """
    fields = _stat(pid, proc)[1]
    if len(fields) <= 19 or fields[0] in ENDED:
        return ""
    offset = namespace_offset("boottime", proc)
    return str(int(fields[19]) - offset * os.sysconf("SC_CLK_TCK") // NANOSECONDS) if offset else fields[19]


def is_of_the_system(pid: int | str, proc: str = "/proc") -> bool:
    """Whether root or a system user has started a process: an ordinary user's may have any name, and root's uid too.

    That comes of a program with the set-user-ID bit: such a process counts as nobody's. Where the program isn't shown
    (another user's, to whom has no CAP_SYS_PTRACE) a process counts that systemd has started as a system service's.
    """
    uids = _of_status(pid, b"Uid:", proc)
    if not uids or any(int(uid) >= FIRST_USER for uid in uids):  # The real one is whose it was before.
        return False
    try:
        mode = os.stat(f"{proc}/{pid}/exe").st_mode
    except PermissionError:
        return _is_a_system_service(pid, proc)
    except OSError:
        return False
    # dpkg takes both bits from a set-user-ID program when it replaces it.
    return not mode & SET_ID and bool(mode & EXECUTABLE)


def _is_a_system_service(pid: int | str, proc: str) -> bool:
    """Whether systemd has started a process for a unit, and for no login. Source: cgroups(7); systemd.slice(5)."""
    if read_pseudo(f"{proc}/{pid}/loginuid").strip() not in NO_LOGIN:  # A user's job of cron's, in cron's unit.
        return False
    groups = [line.split(b"/") for line in read_pseudo(f"{proc}/{pid}/cgroup").splitlines()]
    if any(b"user.slice" in parts for parts in groups):
        return False
    return any(b"system.slice" in parts and parts[-1].endswith(b".service") for parts in groups)


def system_processes(proc: str, names: Container[str]) -> Iterator[tuple[int, str]]:
    """The processes of root and of system users that have one of these names, of 15 characters at most."""
    for pid in (int(entry) for entry in os.listdir(proc) if entry.isdigit()):
        name = _stat(pid, proc)[0]
        if name in names and is_of_the_system(pid, proc):
            yield pid, name


def _activated(proc: str) -> int:
    """The process that has a socket of systemd's own: systemd-networkd, where it runs; else systemd."""
    return next((pid for pid, _ in system_processes(proc, CUT)), INIT)


def _process(pid: int, proc: str) -> tuple[str, int]:
    """A process's name and its parent's id; ("", 0) where it has gone or isn't shown."""
    name, fields = _stat(pid, proc)
    return CUT.get(name, name), int(fields[1]) if len(fields) > 1 else 0


def _is_kernel_thread(pid: int, proc: str) -> bool:
    fields = _stat(pid, proc)[1]
    return len(fields) > 6 and bool(int(fields[6]) & KERNEL_THREAD)


def _may_change_routes(pid: int, proc: str) -> bool:
    """Whether a process can have CAP_NET_ADMIN here; so may one that has gone or isn't shown.

    One in a user namespace of its own has it there alone. Permitted is enough: zebra makes it effective when it writes.
    """
    permitted = _of_status(pid, b"CapPrm:", proc)
    users = read_pseudo(f"{proc}/{pid}/uid_map")
    if not permitted or not users:
        return True
    return bool(int(permitted[0], 16) & NET_ADMIN) and users == read_pseudo(f"{proc}/self/uid_map")


def _of_status(pid: int | str, key: bytes, proc: str) -> list[bytes]:
    """The values of one line. Source: proc(5), status; its name is escaped there, and has no line end."""
    lines = read_pseudo(f"{proc}/{pid}/status").splitlines()
    return next((line.split()[1:] for line in lines if line.startswith(key)), [])


def _stat(pid: int, proc: str) -> tuple[str, list[str]]:
    """A process's name and the fields behind it, from the third on. Source: proc(5), stat."""
    try:
        with open(os.path.join(proc, str(pid), "stat"), "rb") as file:
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return "", []
    # The name is in brackets and may hold brackets itself.
    name, _, remaining = text.partition("(")[2].rpartition(")")
    return "".join(letter if letter.isprintable() else "?" for letter in name), remaining.split()
