"""Drops a process's privileges for good, before it reads bytes from the network (R16).

Sources: capabilities(7), prctl(2), setrlimit(2).
"""

from __future__ import annotations

import os

NOBODY = 65534
"""The kernel's overflow user and group: nobody, on every distribution."""
_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38
_CAPABILITY_VERSION_3 = 0x20080522
_SIGKILL = 9


def drop() -> None:
    """Drops every capability, the right to write files, and the user id where that is permitted.

    In a unit that has CAP_NET_ADMIN only, the user id stays root's; the unit's sandbox limits it. The process also ends
    with its parent.

    Raises:
        OSError: the capabilities are still there.
    """
    import ctypes
    import resource

    libc = ctypes.CDLL(None, use_errno=True)

    def call(name: str, *arguments: object) -> None:
        if getattr(libc, name)(*arguments) != 0:
            error = ctypes.get_errno()
            raise OSError(error, f"{name}: {os.strerror(error)}")

    for limit in (resource.RLIMIT_FSIZE, resource.RLIMIT_CORE):
        resource.setrlimit(limit, (0, 0))
    call("prctl", _PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if os.geteuid() == 0:
        try:
            os.setgroups([])
            os.setresgid(NOBODY, NOBODY, NOBODY)
            os.setresuid(NOBODY, NOBODY, NOBODY)
        except OSError:  # Root without CAP_SETUID, or a user namespace that doesn't map nobody.
            pass
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    call("capset", header, (ctypes.c_uint32 * 6)())
    call("prctl", _PR_SET_PDEATHSIG, _SIGKILL, 0, 0, 0)
