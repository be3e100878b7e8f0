"""What somebody else can do to a file before we read it: each as a real file, by a real ordinary user."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import Callable, Dict, Iterator, List, Tuple

import pytest

from .sandbox import in_user_namespace

USER = 4242
"""An ordinary user, who is nobody's DHCP client."""


def public_folder() -> Iterator[Path]:
    """A folder that every user can look into, and only root can write to, with all above it. For a fixture."""
    path = Path(tempfile.mkdtemp(dir="/run"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


def as_root() -> None:
    """Skips the test in a user namespace of one user's: there nobody else is, and no device can be made."""
    if in_user_namespace():
        pytest.skip("only the machine's root can give files to another user, make devices or become another user")


def as_an_ordinary_user() -> List[str]:
    """What runs a Python of the tests as another user; skips where only root may have it, as one in root's home."""
    as_root()
    words = ["setpriv", "--reuid", str(USER), "--regid", str(USER), "--clear-groups", "--", sys.executable]
    tried = subprocess.run([*words, "-c", ""], text=True, capture_output=True)
    if tried.returncode:
        pytest.skip(f"only root can run this Python: {tried.stderr.strip()}")
    return words


def _other_owner(path: Path) -> None:
    as_root()
    os.chown(path, USER, USER)


def _group_writable(path: Path) -> None:
    path.chmod(0o664)


def _world_writable(path: Path) -> None:
    path.chmod(0o666)


def _others_folder(path: Path) -> None:
    as_root()
    os.chown(path.parent, USER, USER)


def _group_writable_folder(path: Path) -> None:
    path.parent.chmod(0o775)


def _sticky_folder(path: Path) -> None:
    path.parent.chmod(0o1777)


def _open_folder_above(path: Path) -> None:
    path.parent.parent.chmod(0o777)


def _link(path: Path) -> None:
    path.rename(path.with_name(".elsewhere"))
    path.symlink_to(".elsewhere")


def _hard_link(path: Path) -> None:
    """The user's own file under the name that is read."""
    as_root()
    path.rename(path.with_name(".elsewhere"))
    os.chown(path.with_name(".elsewhere"), USER, USER)
    os.link(path.with_name(".elsewhere"), path)


def _fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _device(path: Path) -> None:
    """/dev/zero, which never ends."""
    as_root()
    path.unlink()
    os.mknod(path, 0o20644, os.makedev(1, 5))


def _socket(path: Path) -> None:
    import socket

    path.unlink()
    folder = os.open(path.parent, os.O_PATH)  # The name itself may be longer than a socket's address.
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(f"/proc/self/fd/{folder}/{path.name}")
    os.close(folder)


def _directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _huge(path: Path) -> None:
    os.truncate(path, 200 << 20)


HOSTILE: Dict[str, Tuple[Callable[[Path], None], str]] = {
    "other owner": (_other_owner, f"belongs to the user {USER}, not to root"),
    "group-writable": (_group_writable, "can be written by the group 0"),
    "world-writable": (_world_writable, "can be written by everybody"),
    "another's folder": (_others_folder, f"which belongs to the user {USER}, not to root"),
    "group-writable folder": (_group_writable_folder, "where the group 0 can write"),
    "sticky folder": (_sticky_folder, "where everybody can write"),
    "open folder above": (_open_folder_above, "where everybody can write"),
    "link": (_link, "is no regular file but a link"),
    "hard link": (_hard_link, f"belongs to the user {USER}, not to root"),
    "FIFO": (_fifo, "is no regular file but a FIFO"),
    "device": (_device, "is no regular file but a device"),
    "socket": (_socket, "is no regular file but a socket"),
    "directory": (_directory, "Is a directory"),
    "huge": (_huge, "is too large"),
}
"""By name: what is done to a good file, and a part of the reason that follows."""

_WRITER = """
import os, sys
descriptor = os.open(sys.argv[1], os.O_WRONLY)
print("ready", flush=True)
number = 0
while True:
    number += 1
    size = 200_000 + number % 50_000
    os.pwrite(descriptor, bytes((97 + number % 26,)) * size, 0)
    os.ftruncate(descriptor, size)
"""


@contextmanager
def written_meanwhile(path: Path) -> Iterator[None]:
    """A program that fills the file with one letter, then with another, without a pause; its size changes each time."""
    writer = subprocess.Popen([sys.executable, "-c", _WRITER, str(path)], stdout=subprocess.PIPE)
    assert writer.stdout is not None
    try:
        assert writer.stdout.readline() == b"ready\n"
        yield
    finally:
        writer.kill()
        writer.wait()
        writer.stdout.close()
