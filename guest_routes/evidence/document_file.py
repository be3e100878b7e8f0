"""A network_data.json as it was fetched, and the files it is read from. network_data.py parses its bytes."""

from __future__ import annotations

import os
import stat
import time

from ..json_codec import dumps, loads
from ..model.document import PROPERTY_CHARACTERS, UUID_CHARACTERS, Document, Provenance, ServerProperty
from ..model.network_data import Problem
from ..trusted import File, Untrusted, read_named

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, TypeAlias

    from ..model.document import Progress
    from ..model.network import Nic

META_DATA = "meta_data.json"
LATEST = "openstack/latest"
"""Source: Nova's documentation, "Metadata", OpenStack format metadata API."""
LIMIT_BYTES = 5 * 1024 * 1024
"""Of what comes over the network or from a drive (R11)."""
MOST_OBJECTS, MOST_VALUES = LIMIT_BYTES // 48, LIMIT_BYTES // 12
"""Objects and lists, and members of them, in what comes over the network or from a drive. A host route is an object of
three members in 63 bytes at least, so that no document of routes has more."""
LOCAL_LIMIT_BYTES = 64 * 1024 * 1024
"""Of what the operator names on the command line: a hundred thousand routes are 8 MiB."""
_BELOW = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC

Nics: TypeAlias = "Callable[[], tuple[Nic, ...]]"
"""Called again while waiting: at boot NICs appear late."""
Tell: TypeAlias = "Callable[[Progress], None]"
"""Gets what is being waited for."""


def document_from_file(path: str, provenance: Provenance) -> Document | str:
    """The document in a file that the operator names, with what the meta_data.json beside it says; or why not."""
    got = read_file(path)
    if isinstance(got, str):
        return got
    meta = _meta_data_of(path)
    unused = (meta,) if isinstance(meta, Problem) else ()
    known = about(b"" if isinstance(meta, Problem) else meta)
    return Document(got.data, provenance, age_of(got.mtime), *known, unused=unused)


def _meta_data_of(path: str) -> bytes | Problem:
    """The meta_data.json beside a document that the operator names, b"" without one, or why it isn't used.

    Nobody has named it: it counts where nobody can write it who can't write the document, too.
    """
    neighbour = os.path.join(os.path.dirname(path), META_DATA)
    try:
        descriptor = os.open(neighbour, _BELOW)
        with open(descriptor, "rb") as file:
            fault = _less_trusted(os.fstat(descriptor), os.stat(path))
            data = b"" if fault else file.read(LIMIT_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        return b""
    except OSError as error:
        data, reason = b"", (error.strerror or str(error)).lower()
        fault = "is a link, which is not followed" if os.path.islink(neighbour) else reason
    if not fault and (excess := f"more than {LIMIT_BYTES >> 20} MiB" if len(data) > LIMIT_BYTES else too_many(data)):
        fault = f"has {excess}"
    return Problem(neighbour, f"{fault}; ignored") if fault else data


def _less_trusted(meta: os.stat_result, document: os.stat_result) -> str:
    """Why others could have written it who can't write the document; "" where nobody could."""
    if not stat.S_ISREG(meta.st_mode):
        return "is no regular file"
    if meta.st_uid not in (0, os.geteuid(), document.st_uid):
        return f"belongs to the user {meta.st_uid}, and the document beside it to {document.st_uid}"
    shared = document.st_mode if meta.st_gid == document.st_gid else document.st_mode & ~stat.S_IWGRP
    more = meta.st_mode & ~shared
    if more & stat.S_IWOTH:
        return "can be written by everybody, and the document beside it can't"
    return f"can be written by the group {meta.st_gid}, and the document beside it can't" if more & stat.S_IWGRP else ""


def read_file(path: str, read: Callable[[str, int], File] = read_named) -> File | str:
    """A file's bytes and mtime, or why not."""
    try:
        return read(path, LOCAL_LIMIT_BYTES)
    except Untrusted as fault:
        return f"{path}: {fault}"
    except OSError as error:
        return f"{path}: {(error.strerror or str(error)).lower()}"


def read_below(folder: str, path: str) -> File | str:
    """A regular file of a mounted drive, or why not; no link on the way is followed, since it could lead anywhere."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        for part in path.split("/"):
            try:
                following = os.open(part, _BELOW, dir_fd=descriptor)
            finally:
                os.close(descriptor)
            descriptor = following
        with open(descriptor, "rb") as file:
            about = os.fstat(descriptor)
            if not stat.S_ISREG(about.st_mode):
                return f"{path} is no regular file"
            data = file.read(LIMIT_BYTES + 1)
    except OSError as error:
        linked = os.path.islink(os.path.join(folder, path))
        return f"{path}: {'is a link, which is not followed' if linked else (error.strerror or str(error)).lower()}"
    return f"{path}: more than {LIMIT_BYTES >> 20} MiB" if len(data) > LIMIT_BYTES else File(data, about.st_mtime)


def too_many(data: bytes) -> str:
    """What bytes of JSON have too many of; "" for nothing. The signs that begin or part them count, those in texts too.

    They are counted before anything is parsed: 5 MiB of `[],` take 130 MB then, and of `{"":{"":` 190 MB.
    """
    if data.count(b"{") + data.count(b"[") > MOST_OBJECTS:
        return f"more than {MOST_OBJECTS:,} objects and lists"
    return f"more than {MOST_VALUES:,} values" if data.count(b",") > MOST_VALUES else ""


def about(meta_data: bytes) -> tuple[str, ServerProperty]:
    """The instance's uuid, "" when unknown, and the property guest_routes in a meta_data.json.

    Both are cut off one character behind their limits, by which gather() sees that they are too long.
    """
    if not meta_data:
        return "", ServerProperty()
    try:
        found = loads(meta_data)
    except (ValueError, RecursionError):
        return "", ServerProperty()
    if not isinstance(found, dict):
        return "", ServerProperty()
    uuid, properties = found.get("uuid"), found.get("meta")
    value = properties.get("guest_routes") if isinstance(properties, dict) else None
    about_property = ServerProperty(True, None if value is None else dumps(value)[: PROPERTY_CHARACTERS + 1])
    return uuid[: UUID_CHARACTERS + 1] if isinstance(uuid, str) else "", about_property


def age_of(mtime: float) -> float:
    """How many seconds ago that was, by this machine's clock; 0 for a time to come."""
    return max(0.0, time.time() - mtime)
