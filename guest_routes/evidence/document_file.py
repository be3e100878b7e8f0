"""A network_data.json as it was fetched, and the files it is read from. network_data.py parses its bytes."""

from __future__ import annotations

import json
import os
import time

from ..model.document import Document, Provenance
from ..model.namedtuple import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, TypeAlias

    from ..model.network import Nic

NETWORK_DATA = "network_data.json"
META_DATA = "meta_data.json"
LATEST = "openstack/latest"
"""Source: Nova's documentation, "Metadata", OpenStack format metadata API."""
LIMIT_BYTES = 5 * 1024 * 1024
"""Of what comes over the network or from a drive (R11)."""
LOCAL_LIMIT_BYTES = 64 * 1024 * 1024
"""Of what the operator names on the command line: a hundred thousand routes are 8 MiB."""

Nics: TypeAlias = "Callable[[], tuple[Nic, ...]]"
"""Called again while waiting: at boot NICs appear late."""
Tell: TypeAlias = "Callable[[str], None]"
"""Gets a line about what is being waited for."""


class File(NamedTuple):
    """A file as it was read."""

    data: bytes
    mtime: float
    """Seconds since the epoch."""


def document_from_file(path: str, provenance: Provenance) -> Document | str:
    """The document in a file, with the uuid in the meta_data.json beside it; or why not."""
    got = read_file(path)
    if isinstance(got, str):
        return got
    meta = read_file(os.path.join(os.path.dirname(path), META_DATA))
    return Document(got.data, provenance, age_of(got.mtime), *about(b"" if isinstance(meta, str) else meta.data))


def read_file(path: str) -> File | str:
    """A file's bytes and mtime, or why not."""
    try:
        with open(path, "rb") as file:
            data = file.read(LOCAL_LIMIT_BYTES + 1)
            mtime = os.fstat(file.fileno()).st_mtime
    except OSError as error:
        return f"{path}: {(error.strerror or str(error)).lower()}"
    too_large = len(data) > LOCAL_LIMIT_BYTES
    return f"{path}: more than {LOCAL_LIMIT_BYTES >> 20} MiB" if too_large else File(data, mtime)


def about(meta_data: bytes) -> tuple[str, str]:
    """The instance's uuid and the property guest_routes in a meta_data.json, as in Document; "" for what is unknown."""
    try:
        found = json.loads(meta_data)
    except (ValueError, RecursionError):
        return "", ""
    if not isinstance(found, dict):
        return "", ""
    uuid, properties = found.get("uuid"), found.get("meta")
    value = properties.get("guest_routes") if isinstance(properties, dict) else None
    return uuid if isinstance(uuid, str) else "", json.dumps(value)


def age_of(mtime: float) -> float:
    """How many seconds ago that was, by this machine's clock; 0 for a time to come."""
    return max(0.0, time.time() - mtime)
