"""Giving up privileges for good, before bytes from the network are dealt with (R16).

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
    """No capability, no file to write to, no way back; another user's id where that is permitted.

    In a unit that has CAP_NET_ADMIN only, the user id stays: what is left to it there is what the unit's own sandbox
    leaves. The process also ends with its parent.

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
        except OSError:  # Not permitted to this root (CAP_SETUID), or nobody isn't mapped into this user namespace.
            pass
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    call("capset", header, (ctypes.c_uint32 * 6)())
    call("prctl", _PR_SET_PDEATHSIG, _SIGKILL, 0, 0, 0)
