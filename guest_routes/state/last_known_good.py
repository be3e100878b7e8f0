"""The last accepted document (R10): a JSON line with its instance, then the document as it came."""

from __future__ import annotations

import os

from ..json_codec import dumps, loads
from ..model.document import Known, LastKnownGood, Provenance, Unusable, parse_property
from ..trusted import Untrusted, read_trusted, unreadable
from .files import LIMIT_BYTES, json_object, raise_shortage, read, replace_own
from .identity import Identity, boot_id, identity_here, instance_uuid, machine_uuid, other_instance

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, Sequence

    from ..model.document import Document
    from ..model.network import Nic

KEPT_SCHEMA = "guest-routes/last-known-good/1"


def keep(
    path: str,
    root: str,
    document: Document,
    macs: Sequence[bytes],
    now: float,
    replace: Callable[..., None] = replace_own,
) -> None:
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
        "properties": str(document.properties),
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


def load(path: str, root: str, nics: Sequence[Nic]) -> LastKnownGood | Unusable:
    """What was kept, if it is this instance's (see identity.other_instance)."""
    try:
        content, fetched = read_trusted(path, LIMIT_BYTES + (1 << 20))
        line, _, data = content.partition(b"\n")
    except FileNotFoundError:
        return Unusable("absent", path)
    except (OSError, Untrusted) as error:
        raise_shortage(error)
        return Unusable(
            "not-permitted" if isinstance(error, PermissionError) else "unreadable", path, unreadable(error)
        )
    try:
        header = loads(line)
        if header["schema"] != KEPT_SCHEMA:
            return Unusable("other-version", path, f"{header['schema']!a}")
        if {name: header[name] for name in ("length", "crc32")} != checksum(data):
            return Unusable("cut-off", path, lengths=(len(data), f"{header['length']!a}"))
        macs = tuple(bytes.fromhex(mac.replace(":", "")) for mac in header["macs"])
        uuid, machine, boot = str(header["uuid"]), str(header["machine"]), str(header.get("boot", ""))
        provenance = Provenance(header["source"], str(header["location"]), tuple(map(str, header["nics"])))
        properties = parse_property(str(header.get("properties", "")))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return Unusable("no-header", path)
    other = other_instance(Identity(uuid, machine, macs, boot), identity_here(root, nics))
    if other is not None:
        return Unusable("other-instance", path, other=other)
    return LastKnownGood(data, Known(provenance, fetched, uuid, macs, properties, tuple(checksum(data).values())))


def checksum(data: bytes) -> dict[str, int]:
    """Length and CRC-32, which differ for different documents.

    Not hashlib: it would bring four megabytes of libcrypto into the service. Whoever could forge a checksum could as
    well send the same document three times.
    """
    import binascii

    return {"length": len(data), "crc32": binascii.crc32(data)}


def fault(kept: Unusable) -> str:
    """What is wrong with the file of the last known good."""
    from ..output.words.evidence import unusable_reason

    return unusable_reason(kept)


def version(path: str) -> tuple[int, int] | None:
    """What changes whenever a file is replaced or written; None where there is none to be seen."""
    try:
        about = os.stat(path)
    except OSError:
        return None
    return about.st_ino, about.st_ctime_ns
