"""The last accepted document (R10): a JSON line with its instance, then the document as it came."""

from __future__ import annotations

import os

from ..json_codec import dumps, loads
from ..model.document import Provenance
from ..model.namedtuple import NamedTuple
from ..trusted import Untrusted, read_trusted, unreadable
from .files import LIMIT_BYTES, json_object, read, replace
from .identity import Identity, boot_id, identity_here, instance_uuid, machine_uuid, other_instance

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Sequence

    from ..model.document import Document
    from ..model.network import Nic

KEPT_SCHEMA = "guest-routes/last-known-good/1"


class LastKnownGood(NamedTuple):
    """The last accepted metadata, or why there is none for this instance."""

    data: bytes = b""
    reason: str = ""
    """Why it can't be used; "" when it can."""
    provenance: Provenance | None = None
    """Where it was found at first."""
    fetched: float = 0.0
    """When it was last known to be current, in seconds since the epoch."""
    uuid: str = ""
    macs: tuple[bytes, ...] = ()
    """The MACs that the document describes."""
    properties: str = ""
    """As in model.document.Document."""
    faulty: bool = False
    """It is damaged, or others could have written it: somebody should look."""


def keep(path: str, root: str, document: Document, macs: Sequence[bytes], now: float) -> None:
    """Keep an accepted document, with what identifies this instance.

    The same document again only has its time refreshed.

    Raises:
        StateError: it can't be written; the one kept before is still there.
    """
    header = {
        "schema": KEPT_SCHEMA,
        "uuid": document.uuid.lower() or instance_uuid(root),
        "machine": machine_uuid(root),
        "boot": boot_id(root),
        "macs": [mac.hex(":") for mac in macs],
        "source": document.source,
        "location": document.provenance.location,
        "nics": list(document.provenance.nics),
        "properties": document.properties,
        **checksum(document.data),
    }
    line, _, data = (read(path) or b"").partition(b"\n")
    # The endpoint may change with every fetch (the first answer wins): that alone is not worth a write.
    otherwise = {"location": header["location"], "nics": header["nics"]}
    if data == document.data and {**json_object(line), **otherwise} == header:
        try:
            return os.utime(path, (now, now))
        except OSError:
            pass  # it is written again below
    content = dumps(header).encode() + b"\n" + document.data
    replace(path, content, 0o600, "the metadata is not kept for a boot without the metadata service", now)


def load(path: str, root: str, nics: Sequence[Nic]) -> LastKnownGood:
    """What was kept, if it is this instance's (see identity.other_instance)."""
    try:
        content, fetched = read_trusted(path, LIMIT_BYTES + (1 << 20))
        line, _, data = content.partition(b"\n")
    except FileNotFoundError:
        return LastKnownGood(reason=f"none was kept in {os.path.dirname(path)}")
    except (OSError, Untrusted) as error:
        faulty = not isinstance(error, PermissionError)  # An ordinary user may not read it.
        return LastKnownGood(reason=f"{path}: {unreadable(error)}", faulty=faulty)
    try:
        header = loads(line)
        if header["schema"] != KEPT_SCHEMA:
            return LastKnownGood(reason=f"{path} is of another version ({header['schema']!a})")
        if {name: header[name] for name in ("length", "crc32")} != checksum(data):
            lengths = f"{len(data)} bytes, {header['length']!a} were written"
            return LastKnownGood(reason=f"{path} is damaged: {lengths}", faulty=True)
        macs = tuple(bytes.fromhex(mac.replace(":", "")) for mac in header["macs"])
        uuid, machine, boot = str(header["uuid"]), str(header["machine"]), str(header.get("boot", ""))
        provenance = Provenance(header["source"], str(header["location"]), tuple(map(str, header["nics"])))
        properties = str(header.get("properties", ""))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return LastKnownGood(reason=f"{path} is damaged: no header of ours", faulty=True)
    reason = other_instance(Identity(uuid, machine, macs, boot), identity_here(root, nics))
    if reason:
        return LastKnownGood(reason=f"{path} is not of this instance: {reason}")
    return LastKnownGood(data, "", provenance, fetched, uuid, macs, properties)


def checksum(data: bytes) -> dict[str, int]:
    """Length and CRC-32, which differ for different documents.

    Not hashlib: it would bring four megabytes of libcrypto into the service. Whoever could forge a checksum could as
    well send the same document three times.
    """
    import binascii

    return {"length": len(data), "crc32": binascii.crc32(data)}
