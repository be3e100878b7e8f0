"""Opens files for a report, so that none goes into it by another's link that root alone can read.

Unlike trusted.py this reads what others could have written, too: a report shows it, and nothing believes it.

Known hazards: a link that a client's user has put on the way to a lease, to a folder of root's; a hard link to root's
file under the name of a lease; a folder with millions of names; a FIFO, which would hold up the report.
"""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager

from ...model.namedtuple import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterator, Sequence

NAMES, OTHERS_NAMES = 2000, 100
"""So many names of one folder are looked at: where root alone can write, and elsewhere."""
LINKS = 40
"""So many links in one path, as the kernel has it. Source: path_resolution(7)."""
_FOLDER = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
_LISTED = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_KINDS = {stat.S_IFIFO: "a FIFO", stat.S_IFSOCK: "a socket", stat.S_IFLNK: "a link"}


class LeftOut(Exception):  # noqa: N818  # a reason, not a failure
    """Why a file is not copied; completes a line that begins with its path."""


class Folder(NamedTuple):
    """An open folder."""

    descriptor: int
    is_roots: bool
    """Whether root alone can put something into it, and into every folder above it."""


class Name(NamedTuple):
    """A name in a folder."""

    name: str
    is_folder: bool


class Names(NamedTuple):
    """The names in a folder, sorted, but those that begin with a dot."""

    names: Sequence[Name]
    more: bool
    """Whether there are more than are looked at."""


def names_in(path: str) -> Names:
    """The names in a folder.

    Raises:
        OSError: it isn't there, is no folder, or can't be read.
        LeftOut: it stands behind a link that somebody else has made.
    """
    with _opened_folder(path) as folder:
        listed = os.open(".", _LISTED, dir_fd=folder.descriptor)
        try:
            with os.scandir(listed) as entries:
                limit = NAMES if folder.is_roots else OTHERS_NAMES
                found = [entry for _, entry in zip(range(limit + 1), entries)]
                names = [Name(one.name, one.is_dir(follow_symlinks=False)) for one in found[:limit]]
        finally:
            os.close(listed)
    return Names(sorted(one for one in names if not one.name.startswith(".")), len(found) > limit)


def read_file(path: str, limit_bytes: int) -> bytes:
    """The bytes of a regular file, and at least one more than the limit where it is longer.

    Raises:
        OSError: it isn't there, is a folder, or can't be read.
        LeftOut: it is no regular file, or may be root's by a link of somebody else's.
    """
    above, _, name = path.rpartition("/")
    with _opened_folder(above) as folder:
        _check(os.stat(name, dir_fd=folder.descriptor, follow_symlinks=False), folder)  # A device isn't even opened.
        opened = os.open(name, _FILE, dir_fd=folder.descriptor)
        try:
            _check(os.fstat(opened), folder)
            return b"".join(_pieces(opened, limit_bytes))
        finally:
            os.close(opened)


def _check(about: os.stat_result, folder: Folder) -> None:
    if stat.S_ISDIR(about.st_mode):
        raise IsADirectoryError(21, "Is a directory")
    if not stat.S_ISREG(about.st_mode):
        raise LeftOut(f"is no regular file but {_KINDS.get(stat.S_IFMT(about.st_mode), 'a device')}")
    if not folder.is_roots and about.st_nlink > 1:
        raise LeftOut("has a second name (a hard link) in a folder where not only root can write")


def _pieces(descriptor: int, limit_bytes: int) -> Iterator[bytes]:
    """The content piece by piece: a file of /proc/sys refuses to be read by 4 MiB at once."""
    size = 0
    while size <= limit_bytes and (piece := os.read(descriptor, 1 << 16)):
        yield piece
        size += len(piece)


@contextmanager
def _opened_folder(path: str) -> Iterator[Folder]:
    """A folder, opened step by step: a link on the way is followed where root alone can have made it.

    Raises:
        OSError: it isn't there, or can't be opened.
        LeftOut: a link on the way stands where others can write.
    """
    remaining, links = path.split("/")[::-1], 0
    here = _root()
    try:
        while remaining:
            part = remaining.pop()
            if part in ("", "."):
                continue
            following = os.open(part, _FOLDER, dir_fd=here.descriptor)
            about = os.fstat(following)
            if not stat.S_ISLNK(about.st_mode):
                os.close(here.descriptor)
                here = Folder(following, here.is_roots and _is_roots(about))
                continue
            try:
                target = os.readlink("", dir_fd=following)
            finally:
                os.close(following)
            links += 1
            if links > LINKS:
                raise LeftOut("is behind too many links")
            if not here.is_roots:
                raise LeftOut(f"is behind a link ({part}) that not only root can have made")
            remaining += target.split("/")[::-1]
            if target.startswith("/"):
                os.close(here.descriptor)
                here = _root()
        yield here
    finally:
        os.close(here.descriptor)


def _root() -> Folder:
    descriptor = os.open("/", _FOLDER)
    return Folder(descriptor, _is_roots(os.fstat(descriptor)))


def _is_roots(about: os.stat_result) -> bool:
    """Whether root alone can write there. In a user namespace whoever owns / counts as root (docs/security.md)."""
    return about.st_uid in (0, os.stat("/").st_uid) and not about.st_mode & 0o022
