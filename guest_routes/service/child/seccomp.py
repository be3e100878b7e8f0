"""The system calls that the process that talks to the network may not make: a seccomp filter, as BPF (R16).

Refused are: sockets but for IP and netlink (so no UNIX socket: systemd's, D-Bus's), listening for connections, writing
to files and changing their names, owners or modes, signals, those that a descriptor sends included, new processes and
programs, tracing, namespaces, mounts, keys, shared memory. A UDP socket may be bound: bind(2) serves netlink, too.
Where a call's arguments stand in memory, the filter can't see them: clone3 and openat2 don't exist for this process,
so that the C library takes clone and openat; nor does any call from number 424 on that isn't named here, io_uring's
and those of later kernels included.

Source: seccomp(2), bpf(4), include/uapi/linux/{seccomp,audit,filter}.h, arch/*/include/uapi/asm/unistd.h.
"""

from __future__ import annotations

import os
from errno import ENOSYS, EPERM
from struct import pack

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

_LD, _JEQ, _JGE, _JSET, _RET = 0x20, 0x15, 0x35, 0x45, 0x06
"""Instructions: load a word, jump if equal, if not less, if any bit is set, return."""
_ALLOW, _ERRNO, _KILL_PROCESS = 0x7FFF0000, 0x00050000, 0x80000000
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16
"""Offsets in struct seccomp_data; an argument has 8 bytes, its lower half first (little-endian machines)."""
FIRST_COMMON = 424
"""From here on a system call has one number on all architectures."""
_COMMON_ALLOWED = (436, 439, 441, 449)
"""close_range, faccessat2, epoll_pwait2, futex_waitv."""
_AF_INET, _AF_INET6, _AF_NETLINK = 2, 10, 16
_FOR_WRITING = 0o3 | 0o100 | 0o1000
"""O_ACCMODE, O_CREAT, O_TRUNC; O_TMPFILE is for writing anyway."""
_CLONE_THREAD = 0x00010000

ARCHITECTURES = {
    "x86_64": (0xC000003E, 0),
    "aarch64": (0xC00000B7, 1),
    "riscv64": (0xC00000F3, 1),
    "ppc64le": (0xC0000015, 2),
}
"""The machine's name, as uname(2) has it, to its AUDIT_ARCH and its column below."""
_ = -1
"""An architecture that doesn't have the call."""
REFUSED = {
    "socketpair": (53, 199, 333),
    "listen": (50, 201, 329),
    "accept": (43, 202, 330),
    "accept4": (288, 242, 344),
    "socketcall": (_, _, 102),
    "kill": (62, 129, 37),
    "tkill": (200, 130, 208),
    "tgkill": (234, 131, 250),
    "rt_sigqueueinfo": (129, 138, 177),
    "rt_tgsigqueueinfo": (297, 240, 322),
    "ptrace": (101, 117, 26),
    "process_vm_readv": (310, 270, 351),
    "process_vm_writev": (311, 271, 352),
    "kcmp": (312, 272, 354),
    "perf_event_open": (298, 241, 319),
    "bpf": (321, 280, 361),
    "userfaultfd": (323, 282, 364),
    "add_key": (248, 217, 269),
    "request_key": (249, 218, 270),
    "keyctl": (250, 219, 271),
    "mount": (165, 40, 21),
    "umount2": (166, 39, 52),
    "pivot_root": (155, 41, 203),
    "chroot": (161, 51, 61),
    "unshare": (272, 97, 282),
    "setns": (308, 268, 350),
    "execve": (59, 221, 11),
    "execveat": (322, 281, 362),
    "fork": (57, _, 2),
    "vfork": (58, _, 189),
    "memfd_create": (319, 279, 360),
    "creat": (85, _, 8),
    "unlink": (87, _, 10),
    "unlinkat": (263, 35, 292),
    "rename": (82, _, 38),
    "renameat": (264, 38, 293),
    "renameat2": (316, 276, 357),
    "link": (86, _, 9),
    "linkat": (265, 37, 294),
    "symlink": (88, _, 83),
    "symlinkat": (266, 36, 295),
    "mkdir": (83, _, 39),
    "mkdirat": (258, 34, 287),
    "rmdir": (84, _, 40),
    "mknod": (133, _, 14),
    "mknodat": (259, 33, 288),
    "truncate": (76, 45, 92),
    "ftruncate": (77, 46, 93),
    "fallocate": (285, 47, 309),
    "chmod": (90, _, 15),
    "fchmod": (91, 52, 94),
    "fchmodat": (268, 53, 297),
    "chown": (92, _, 181),
    "fchown": (93, 55, 95),
    "lchown": (94, _, 16),
    "fchownat": (260, 54, 289),
    "utime": (132, _, 30),
    "utimes": (235, _, 251),
    "utimensat": (280, 88, 304),
    "futimesat": (261, _, 290),
    "setxattr": (188, 5, 209),
    "lsetxattr": (189, 6, 210),
    "fsetxattr": (190, 7, 211),
    "removexattr": (197, 14, 218),
    "lremovexattr": (198, 15, 219),
    "fremovexattr": (199, 16, 220),
    "mq_open": (240, 180, 262),
    "mq_unlink": (241, 181, 263),
    "shmget": (29, 194, 395),
    "shmat": (30, 196, 397),
    "msgget": (68, 186, 399),
    "semget": (64, 190, 393),
    "ipc": (_, _, 117),
    "name_to_handle_at": (303, 264, 345),
    "open_by_handle_at": (304, 265, 346),
}
"""x86_64, aarch64 and riscv64 (asm-generic), ppc64le."""
SOCKET, OPEN, OPENAT, CLONE = (41, 198, 326), (2, _, 5), (257, 56, 286), (56, 220, 120)
FCNTL, IOCTL = (72, 25, 55), (16, 29, 54)
"""Refused by their arguments."""
_SIGNALS_OF_DESCRIPTORS = ((FCNTL, (8, 10, 15)), (IOCTL, (0x8901, 0x8902)))
"""F_SETOWN, F_SETSIG, F_SETOWN_EX; FIOSETOWN, SIOCSPGRP: whom a descriptor that is ready sends which signal."""

Instruction: TypeAlias = "tuple[int, int, str, str]"
"""Code, value, and the labels to go on at if a comparison holds and if not; "" for the next instruction."""


def filter_program(machine: str) -> bytes:
    """The filter for a machine, an array of struct sock_filter.

    Raises:
        OSError: the machine's system calls are not known here.
    """
    if machine not in ARCHITECTURES:
        raise OSError(ENOSYS, f"the numbers of the system calls of {machine} are unknown")
    architecture, column = ARCHITECTURES[machine]
    code: list[Instruction | str] = [
        (_LD, _ARCHITECTURE, "", ""),
        (_JEQ, architecture, "", "kill"),
        (_LD, _NUMBER, "", ""),
        *((_JEQ, number, "allow", "") for number in _COMMON_ALLOWED),
        (_JGE, FIRST_COMMON, "absent", ""),
        *((_JEQ, numbers[column], "refuse", "") for numbers in REFUSED.values() if numbers[column] != _),
        *_by_arguments(column),
        "allow", (_RET, _ALLOW, "", ""),
        "refuse", (_RET, _ERRNO | EPERM, "", ""),
        "absent", (_RET, _ERRNO | ENOSYS, "", ""),
        "kill", (_RET, _KILL_PROCESS, "", ""),
    ]  # fmt: skip
    return _assembled(code)


def _by_arguments(column: int) -> list[Instruction | str]:
    """What sockets, files and threads are allowed; the system call's number is loaded."""
    code: list[Instruction | str] = [
        (_JEQ, SOCKET[column], "", "not socket"),
        (_LD, _ARGUMENTS, "", ""),
        *((_JEQ, family, "allow", "") for family in (_AF_INET, _AF_INET6)),
        (_JEQ, _AF_NETLINK, "allow", "refuse"),
        "not socket", (_JEQ, CLONE[column], "", "not clone"),
        (_LD, _ARGUMENTS, "", ""),
        (_JSET, _CLONE_THREAD, "allow", "refuse"),
        "not clone",
    ]  # fmt: skip
    for numbers, flags in ((OPEN, 1), (OPENAT, 2)):
        if numbers[column] != _:
            after = f"not {numbers[column]}"
            code += [
                (_JEQ, numbers[column], "", after),
                (_LD, _ARGUMENTS + 8 * flags, "", ""),
                (_JSET, _FOR_WRITING, "refuse", "allow"),
                after,
            ]
    for numbers, commands in _SIGNALS_OF_DESCRIPTORS:
        after = f"not {numbers[column]}"
        code += [
            (_JEQ, numbers[column], "", after),
            (_LD, _ARGUMENTS + 8, "", ""),
            *((_JEQ, command, "refuse", "") for command in commands),
            (_JEQ, 0, "allow", "allow"),
            after,
        ]
    return code


def _assembled(code: list[Instruction | str]) -> bytes:
    """Labels as distances."""
    labels: dict[str, int] = {}
    instructions: list[Instruction] = []
    for one in code:
        if isinstance(one, str):
            labels[one] = len(instructions)
        else:
            instructions.append(one)
    program = b""
    for here, (operation, value, yes, no) in enumerate(instructions, 1):
        program += pack("=HBBI", operation, *(labels.get(label, here) - here for label in (yes, no)), value)
    return program


def machine_here() -> str:
    """The machine that this program is for, as filter_program takes it."""
    from struct import calcsize

    name = os.uname().machine
    return name if calcsize("P") == 8 else f"{name} with 32-bit programs"
