"""The file behind a block device, which may be an ordinary user's.

On some systems a user may set up a loop device for a file of its own, and open what is encrypted in it as a device on
top of that (udisks). So every loop device that a device stands on must have a file that is root's.

Known hazard: /sys shows the file's path as the process had it that opened the file. In a mount namespace of its own a
user has any file under any path, so the device itself is asked which file it has.
Source: loop(4), LOOP_GET_STATUS64; Linux, Documentation/ABI/testing/sysfs-block.
"""

from __future__ import annotations

import os

from ..trusted import unreadable, untrusted_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterator

_LOOP_GET_STATUS64 = 0x4C05
_STATUS_BYTES = 256
"""struct loop_info64 has 232."""


def untrusted_backing(device: str, block: str = "/sys/class/block", dev: str = "/dev") -> str | None:
    """Why the file behind a device is not used; None where it is root's, or there is none."""
    for node in _stands_on(os.path.realpath(f"{block}/{os.path.basename(device)}")):
        try:
            with open(f"{node}/loop/backing_file", "rb") as file:
                path = os.fsdecode(file.read().rstrip(b"\n"))
        except OSError:
            continue  # No loop device.
        loop = os.path.basename(node)
        fault = untrusted_file(path)
        if fault is not None:
            return f"{path}, the file of {loop}, {unreadable(fault)}"
        if not _has_file(f"{dev}/{loop}", path):
            return f"{path} is not the file of {loop}: it was opened where that path names another"
    return None


def _stands_on(node: str) -> Iterator[str]:
    """The folder of a block device in /sys, and of all it stands on: a partition's disk, a mapping's parts."""
    found, waiting = {node}, [node]
    while waiting:
        node = waiting.pop()
        yield node
        below = [os.path.dirname(node)] if os.path.exists(f"{node}/partition") else []
        if os.path.isdir(f"{node}/slaves"):
            below += [os.path.realpath(f"{node}/slaves/{name}") for name in os.listdir(f"{node}/slaves")]
        waiting += set(below) - found
        found.update(below)


def _has_file(loop: str, path: str) -> bool:
    """Whether a loop device's file is the one at that path."""
    import fcntl
    from struct import unpack_from

    status = bytearray(_STATUS_BYTES)
    try:
        descriptor = os.open(loop, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            fcntl.ioctl(descriptor, _LOOP_GET_STATUS64, status)
        finally:
            os.close(descriptor)
        there = os.stat(path)
    except OSError:
        return False
    return unpack_from("QQ", status) == (there.st_dev, there.st_ino)
