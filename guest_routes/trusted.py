"""Reads files as evidence, settings or state only where nobody but root could have written them.

Every folder from / down is opened without following links that others could have placed, and checked by its own
descriptor; so is the file. What fails is never used: the reason goes into a warning and to `doctor`.

Known hazards: a file that another user can write; a folder in which another user can put a file of root's in place of
a second one (rename, hard link); /tmp and /var/tmp, which are everybody's; a FIFO, which would hold up the pass.
"""

from __future__ import annotations

import os
import stat
import time

from .errors import as_value
from .model.namedtuple import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable

LINKS = 40
"""So many links in one path, as the kernel has it. Source: path_resolution(7)."""
LOOKED_AT = 1000
"""So many names are read of a folder in which others can write."""
TRIES = 3
"""A file that is written at the same time is read again."""
MUST_BE = "it must be a regular file of root's in folders of root's, which nobody else can write"
_FOLDER = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_KINDS = {stat.S_IFIFO: "a FIFO", stat.S_IFSOCK: "a socket", stat.S_IFLNK: "a link"}


class Untrusted(Exception):  # noqa: N818  # a reason, not a failure
    """Why a file is not used; completes a sentence that begins with its path; `of_folder`: with the folder's."""

    def __init__(self, text: str, folder: str = "", of_folder: str = "") -> None:
        super().__init__(text)
        self.folder, self.of_folder = folder, of_folder


class File(NamedTuple):
    """A file as it was read."""

    data: bytes
    mtime: float
    """Seconds since the epoch. A time to come counts as now, except in a file that the operator names."""


USERS = {"systemd-networkd": ("systemd-network",), "dhcpcd": ("dhcpcd", "_dhcpcd")}
"""Whom files of a DHCP client or network manager may belong to beside root: the user that it runs as, by its names.

Source: systemd's tmpfiles.d/systemd-network.conf; cloudinit/net/networkd.py; dhcpcd's packages of Debian and Fedora.
"""


class Client(NamedTuple):
    """A DHCP client or network manager whose user may own its folder, or files in it."""

    folder: str = ""
    name: str = ""
    """A key of USERS; of others root alone owns everything."""


NOBODY = Client()
"""No client: root alone."""


class _Folder(NamedTuple):
    """A checked folder."""

    path: str
    owners: tuple[int, ...]
    """The uids that may own what is in it: root's, and that of the client's user in the client's folder."""


def read_trusted(path: str, limit_bytes: int, client: Client = NOBODY) -> File:
    """The bytes of a regular file that nobody but root, or the client's user in its own folder, can write.

    Raises:
        OSError: it isn't there, also where others could put it, or can't be read.
        Untrusted: somebody else could have written it; it is no regular file, too large, or changes all the time.
    """
    folder, _, name = os.path.abspath(path).rpartition("/")
    try:
        descriptor, checked = _open_folder(folder, client)
    except Untrusted:
        # Where nothing is, nobody has written anything: a folder that others can write to refuses no optional file.
        os.stat(path, follow_symlinks=False)
        raise
    try:
        opened = os.open(name, _FILE, dir_fd=descriptor)
    except OSError as error:
        error.filename = path
        raise _refused(name, descriptor) or error from None
    finally:
        os.close(descriptor)
    try:
        _check_file(os.fstat(opened), checked, client)
        return _content(opened, limit_bytes)
    finally:
        os.close(opened)


def trusted_names(folder: str, fits: Callable[[str], bool], client: Client = NOBODY) -> list[str]:
    """The names in a folder that fit, sorted, where nobody but root, or the client's user, can write there.

    Raises:
        OSError: it isn't there, or can't be read.
        Untrusted: others can write there, and one of the first LOOKED_AT names fits: they may have made millions.
    """
    try:
        descriptor = _open_folder(os.path.abspath(folder), client)[0]
    except Untrusted as fault:
        with os.scandir(folder) as entries:
            if not any(fits(entry.name) for _, entry in zip(range(LOOKED_AT), entries)):
                return []
        raise (Untrusted(fault.of_folder) if fault.folder == os.path.abspath(folder) else fault) from None
    os.close(descriptor)
    return sorted(name for name in os.listdir(folder) if fits(name))


def untrusted_file(path: str) -> OSError | Untrusted | None:
    """Why a file is not used, without reading it; None where it is there and nobody but root can have written it."""
    folder, _, name = os.path.abspath(path).rpartition("/")
    try:
        descriptor, checked = _open_folder(folder, NOBODY)
        try:
            _check_file(os.stat(name, dir_fd=descriptor, follow_symlinks=False), checked)
        finally:
            os.close(descriptor)
    except (OSError, Untrusted) as error:
        return as_value(error)
    return None


def read_named(path: str, limit_bytes: int) -> File:
    """The bytes of whatever the operator names: a file, a link, a shell's pipe.

    Raises:
        OSError: it can't be read.
        Untrusted: it is larger than the limit, or a FIFO from which nothing comes.
    """
    # O_NONBLOCK: to open a FIFO that nobody writes to would wait for ever.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        about = os.fstat(descriptor)
        if stat.S_ISDIR(about.st_mode):
            raise IsADirectoryError(21, "Is a directory", path)
        os.set_blocking(descriptor, True)
        data = _bytes(descriptor, limit_bytes)
        if not data and stat.S_ISFIFO(about.st_mode):
            raise Untrusted("is a FIFO that nobody writes to")
        return File(data, about.st_mtime)
    finally:
        os.close(descriptor)


# ---- within -----------------------------------------------------------------------------------------


def _open_folder(path: str, client: Client) -> tuple[int, _Folder]:
    """A descriptor of a folder that stands in trusted folders only; of an OSError the whole path is the file's name."""
    try:
        return _descend(path, client)
    except OSError as error:
        error.filename = path or "/"
        raise


def _descend(path: str, client: Client) -> tuple[int, _Folder]:
    """A link on the way is followed where it stands in a trusted folder: nobody but root can have put it there."""
    remaining = path.split("/")[::-1]
    descriptor = os.open("/", _FOLDER)
    # Whoever owns / could replace everything. In a user namespace that isn't uid 0.
    owner = os.fstat(descriptor).st_uid
    here, links = _Folder("", (0, owner)), 0
    try:
        _check_folder(os.fstat(descriptor), here, client)
        while remaining:
            part = remaining.pop()
            if part in ("", "."):
                continue
            following = os.open(part, _FOLDER, dir_fd=descriptor)
            about = os.fstat(following)
            if stat.S_ISLNK(about.st_mode):
                target = os.readlink("", dir_fd=following)
                os.close(following)
                links += 1
                if links > LINKS:
                    raise Untrusted("is behind too many links")
                remaining += target.split("/")[::-1]
                if target.startswith("/"):
                    following = os.open("/", _FOLDER)
                    os.close(descriptor)
                    descriptor, here = following, _Folder("", (0, owner))
                continue
            os.close(descriptor)
            descriptor = following
            path = os.path.dirname(here.path) if part == ".." else f"{here.path}/{part}"
            here = _check_folder(about, here._replace(path=path), client)
        return descriptor, here
    except BaseException:
        os.close(descriptor)
        raise


def _check_folder(about: os.stat_result, folder: _Folder, client: Client) -> _Folder:
    """The folder with those who may own what is in it."""
    if not stat.S_ISDIR(about.st_mode):
        raise NotADirectoryError(20, "Not a directory", folder.path)
    path = folder.path or "/"
    if about.st_mode & 0o022:
        whose = "everybody" if about.st_mode & 0o002 else f"the group {about.st_gid}"
        raise Untrusted(f"is in {path}, where {whose} can write", path, f"can be written by {whose}")
    if about.st_uid not in folder.owners:
        if not _is_client(about.st_uid, path, client):
            owned = f"belongs to the user {about.st_uid}, not to root"
            raise Untrusted(f"is in {path}, which {owned}", path, owned)
        return folder._replace(owners=(*folder.owners, about.st_uid))
    return folder


def _is_client(uid: int, path: str, client: Client) -> bool:
    """Whether that is the client's user, and the folder the client's own or below it."""
    own = os.path.realpath(client.folder) if client.folder else ""
    if not own or not f"{path}/".startswith(f"{own}/"):
        return False
    import pwd

    try:
        return pwd.getpwuid(uid).pw_name in USERS.get(client.name, ())
    except KeyError:
        return False


def _refused(name: str, folder: int) -> Untrusted | None:
    """Why a file that can't be opened is none; None where the system's own error says it."""
    try:
        mode = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
    except OSError:
        return None
    return None if stat.S_ISREG(mode) else Untrusted(_no_file(mode))


def _no_file(mode: int) -> str:
    return f"is no regular file but {_KINDS.get(stat.S_IFMT(mode), 'a device')}"


def _check_file(about: os.stat_result, folder: _Folder, client: Client = NOBODY) -> None:
    if stat.S_ISDIR(about.st_mode):
        raise IsADirectoryError(21, "Is a directory", folder.path)
    if not stat.S_ISREG(about.st_mode):
        raise Untrusted(_no_file(about.st_mode))
    if about.st_uid not in folder.owners and not _is_client(about.st_uid, folder.path, client):
        raise Untrusted(f"belongs to the user {about.st_uid}, not to root")
    if about.st_mode & 0o022:
        whose = "everybody" if about.st_mode & 0o002 else f"the group {about.st_gid}"
        raise Untrusted(f"can be written by {whose}")
    # In a folder of root's nobody else can place a hard link, and a backup may well hold a second one.
    if len(folder.owners) > 2 and about.st_nlink > 1:
        raise Untrusted("has a second name (a hard link)")


def _content(descriptor: int, limit_bytes: int) -> File:
    """The file's bytes; one whose size or time changes meanwhile is read again."""
    for _ in range(TRIES):
        before = os.fstat(descriptor)
        if before.st_size > limit_bytes:
            raise Untrusted(_too_large(limit_bytes))
        os.lseek(descriptor, 0, os.SEEK_SET)
        data = _bytes(descriptor, limit_bytes)
        after = os.fstat(descriptor)
        if (before.st_size, before.st_mtime_ns) == (after.st_size, after.st_mtime_ns) and len(data) == after.st_size:
            return File(data, min(after.st_mtime, time.time()))
    raise Untrusted("changes while it is read")


def _bytes(descriptor: int, limit_bytes: int) -> bytes:
    data = bytearray()
    while len(data) <= limit_bytes:
        part = os.read(descriptor, min(1 << 20, limit_bytes + 1 - len(data)))
        if not part:
            return bytes(data)
        data += part
    raise Untrusted(_too_large(limit_bytes))


def _too_large(limit_bytes: int) -> str:
    limit = f"{limit_bytes >> 20:,} MiB" if limit_bytes >> 20 else f"{limit_bytes >> 10:,} KiB"
    return f"is too large: {limit} is the limit"


def unreadable(error: OSError | Untrusted) -> str:
    """Why a file is not used, behind its path."""
    if isinstance(error, PermissionError) and os.geteuid() != 0:
        return f"cannot be read by this user: {error.strerror}"
    return str(error) if isinstance(error, Untrusted) else f"cannot be read: {error.strerror or error}"
