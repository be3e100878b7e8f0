"""The filter's numbers against libseccomp's, and its form. What it refuses is tried in test_privileges.py."""

from __future__ import annotations

import ctypes
import ctypes.util
import struct

import pytest

from guest_routes.service.child import seccomp
from guest_routes.service.child.seccomp import ARCHITECTURES, REFUSED, filter_program

ARGUMENTS = {
    "socket": seccomp.SOCKET,
    "open": seccomp.OPEN,
    "openat": seccomp.OPENAT,
    "clone": seccomp.CLONE,
    "fcntl": seccomp.FCNTL,
    "ioctl": seccomp.IOCTL,
}
LIBRARY = ctypes.util.find_library("seccomp")


@pytest.mark.skipif(not LIBRARY, reason="libseccomp is not installed")
@pytest.mark.parametrize("machine", ["x86_64", "aarch64", "ppc64le"])
def test_the_numbers_are_the_kernels(machine: str) -> None:
    architecture, column = ARCHITECTURES[machine]
    resolve = ctypes.CDLL(LIBRARY).seccomp_syscall_resolve_name_arch
    for name, numbers in {**REFUSED, **ARGUMENTS}.items():
        found = resolve(ctypes.c_uint32(architecture), name.encode())
        # libseccomp has numbers of its own, below -100, for ppc64le's sockets and shared memory.
        assert numbers[column] == found or (found < 0 and (numbers[column] == -1 or found > -1000)), name


@pytest.mark.skipif(not LIBRARY, reason="libseccomp is not installed")
def test_riscv_has_the_generic_numbers() -> None:
    """Or lacks the call, as renameat."""
    architecture, column = ARCHITECTURES["riscv64"]
    resolve = ctypes.CDLL(LIBRARY).seccomp_syscall_resolve_name_arch
    for name, numbers in {**REFUSED, **ARGUMENTS}.items():
        found = resolve(ctypes.c_uint32(architecture), name.encode())
        assert found in (numbers[column], -1) or found < 0, name


@pytest.mark.parametrize("machine", ARCHITECTURES)
def test_each_jump_ends_inside_the_program(machine: str) -> None:
    program = list(struct.iter_unpack("=HBBI", filter_program(machine)))
    returns = {0x06}
    for here, (operation, yes, no, _) in enumerate(program):
        if operation not in returns | {0x20}:
            assert here + 1 + max(yes, no) < len(program)
    assert program[-1][0] in returns and len(program) < 256


@pytest.mark.parametrize("machine", ["s390x", "armv7l", "x86_64 with 32-bit programs", ""])
def test_an_unknown_machine_has_no_filter(machine: str) -> None:
    with pytest.raises(OSError, match="are unknown"):
        filter_program(machine)
