"""Confines a process for good, before it reads bytes from the network (R16).

Afterwards it has a user id of its own, no capability and no way to get one, none of the parent's files but the pipe
that it answers through, bounded memory, time, threads and files, and a filter on its system calls (seccomp.py). There
is no way back, so this runs in a child process.

Sources: capabilities(7), prctl(2), setrlimit(2), proc(5), user_namespaces(7).
"""

from __future__ import annotations

import os
from errno import EINVAL

from ...errors import as_value
from ...state.files import read_pseudo

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable

USERS = (2_100_000_121, 65534)
"""User and group ids to take, the first that exists here. The first is nobody's: it has no entry in passwd, owns no
file, and neither distributions nor systemd nor directory services give it out. The second, nobody, is shared with
other programs, which could be traced and whose number of processes counts; it serves in a user namespace that doesn't
map the first. Source: systemd's UIDS-GIDS.md (1879048192 to 2147352575 are unused)."""
MEMORY_BYTES = 48 << 20
"""Address space beyond what the process has at the start, without its threads' stacks."""
CPU_SECONDS = 20
FILES = 256
THREADS = 128
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_SECCOMP = 1, 4, 22
_PR_CAPBSET_READ, _PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS = 23, 24, 38
_SECCOMP_MODE_FILTER = 2
_CAPABILITY_VERSION_3 = 0x20080522
_M_ARENA_MAX = -8
_SIGKILL = 9
_ESRCH = 3
_CHANGES_USER = 1 << 6 | 1 << 7 | 1 << 8
"""CAP_SETGID, CAP_SETUID, CAP_SETPCAP."""


def confine(stack_bytes: int = 0, parent: int = 0) -> None:
    """Confines this process, which has one thread, and ends it with its parent.

    Root must become another user; a process of another user keeps its id. In a user namespace that maps no id but
    root's, where root is an ordinary user, the id stays as well.

    Args:
        stack_bytes: the address space that the stacks of its threads take.
        parent: its process id, where the parent may have ended meanwhile.

    Raises:
        OSError: some of it is refused, and the process must not go on.
    """
    import resource  # noqa: F401  # while the file can be read

    from .seccomp import filter_program, machine_here

    program = filter_program(machine_here())
    system = _System()
    if os.getsid(0) != os.getpid():  # A unit's process leads a session already.
        os.setsid()
    _volunteer_for_oom()
    _close_standard_files()
    system.limit_arenas()
    changed = os.geteuid() == 0 and _become_another_user(system)
    system.prctl(_PR_SET_NO_NEW_PRIVS, 1)
    system.drop_capabilities()
    # Both are reset by a change of the user id.
    system.prctl(_PR_SET_DUMPABLE, 0)
    system.prctl(_PR_SET_PDEATHSIG, _SIGKILL)
    if parent and os.getppid() != parent:
        raise ProcessLookupError(_ESRCH, "its parent has ended")
    _limit_resources(stack_bytes, changed)
    system.filter_system_calls(program)


def kill(pid: int) -> None:
    """Ends a child process, confined or not, also without CAP_KILL.

    Raises:
        OSError: neither this user nor one of USERS may.
    """
    try:
        return os.kill(pid, _SIGKILL)
    except PermissionError as error:
        refused = as_value(error)
    own = os.geteuid()
    for user in USERS:  # A process may signal those of its own effective user.
        try:
            os.seteuid(user)
            return os.kill(pid, _SIGKILL)
        except OSError as error:
            refused = as_value(error) if isinstance(error, PermissionError) else refused
        finally:
            os.seteuid(own)
    raise refused


def capability_sets(*names: str) -> tuple[int, ...]:
    """Sets of this process's capabilities, as in /proc/self/status, a bit each. Source: proc(5)."""
    lines = read_pseudo("/proc/self/status").decode("ascii", "replace").splitlines()
    held = dict(line.split(":\t", 1) for line in lines if line.startswith("Cap"))
    return tuple(int(held[name], 16) for name in names)


def may_change_user() -> bool:
    """Whether this process has what `confine` needs to become another user."""
    return capability_sets("CapEff")[0] & _CHANGES_USER == _CHANGES_USER


class _System:
    """System calls that Python has no functions for.

    Raises:
        OSError: by each method, when it is refused.
    """

    def __init__(self) -> None:
        import ctypes

        self._ctypes = ctypes
        self._libc = ctypes.CDLL(None, use_errno=True)

    def _checked(self, name: str, result: int) -> int:
        if result < 0:
            error = self._ctypes.get_errno()
            raise OSError(error, f"{name}: {os.strerror(error)}")
        return result

    def prctl(self, option: int, value: int = 0, address: int = 0) -> int:
        """prctl(2)."""
        words = map(self._ctypes.c_ulong, (value, address, 0, 0))
        return self._checked(f"prctl({option})", self._libc.prctl(option, *words))

    def empty_bounding_set(self) -> None:
        """No program that is started can have a capability."""
        for capability in range(64):
            try:
                held = self.prctl(_PR_CAPBSET_READ, capability)
            except OSError as error:
                if error.errno == EINVAL:  # Past the last capability of this kernel.
                    return
                raise
            if held:
                self.prctl(_PR_CAPBSET_DROP, capability)

    def drop_capabilities(self) -> None:
        """Empties the effective, permitted and inheritable sets; the ambient one goes with them.

        Where they are empty the call isn't made: the filter of a unit without capabilities refuses it.
        """
        if not any(capability_sets("CapInh", "CapPrm", "CapEff")):
            return
        header = (self._ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
        self._checked("capset", self._libc.capset(header, (self._ctypes.c_uint32 * 6)()))

    def limit_arenas(self) -> None:
        """Else glibc reserves 64 MiB of address space for each thread; others have no such call."""
        mallopt: Callable[[int, int], int] | None = getattr(self._libc, "mallopt", None)
        if mallopt is not None:
            mallopt(_M_ARENA_MAX, 1)

    def filter_system_calls(self, program: bytes) -> None:
        """Installs a seccomp filter, an array of struct sock_filter of 8 bytes each."""
        from struct import pack

        code = self._ctypes.create_string_buffer(program, len(program))
        header = self._ctypes.create_string_buffer(pack("HP", len(program) // 8, self._ctypes.addressof(code)))
        self.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, self._ctypes.addressof(header))


def _become_another_user(system: _System) -> bool:
    """Whether there is another user's id to take."""
    system.empty_bounding_set()
    for user in USERS:
        try:
            os.setresgid(user, user, user)
        except OSError as error:
            if error.errno == EINVAL:  # The user namespace doesn't map it.
                continue
            raise
        os.setgroups([])
        os.setresuid(user, user, user)
        return True
    return False


def _volunteer_for_oom() -> None:
    """When memory is short, this process goes before any other."""
    try:
        with open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
            file.write("1000")
    except OSError:  # Some containers don't permit it; its memory is bounded all the same.
        return


def _close_standard_files() -> None:
    """Standard output and error lead to the journal, as the service's own words."""
    null = os.open("/dev/null", os.O_RDWR)
    for descriptor in range(3):
        os.dup2(null, descriptor)
    os.close(null)


def _limit_resources(stack_bytes: int, changed: bool) -> None:
    """`changed`: the user id is not one that runs other processes, which would count as threads of this one."""
    import resource

    with open("/proc/self/statm", encoding="ascii") as file:
        now = int(file.read().split()[0]) * resource.getpagesize()
    limits = {
        resource.RLIMIT_AS: now + MEMORY_BYTES + stack_bytes,
        resource.RLIMIT_CPU: CPU_SECONDS,
        resource.RLIMIT_NOFILE: FILES,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
    }
    if changed:
        limits[resource.RLIMIT_NPROC] = THREADS
    for limit, value in limits.items():
        hard = resource.getrlimit(limit)[1]
        lower = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(limit, (lower, lower))
