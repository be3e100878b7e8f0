"""Files under /run/guest-routes and /var/lib/guest-routes; the only place that knows these paths.

    /run/guest-routes/lock                  flock; its holder in it
    /run/guest-routes/status                the last pass, for `status`
    /run/guest-routes/disputed              how often the same withdrawing document came (R6)
    /var/lib/guest-routes/last-known-good   the last accepted metadata (R10): a JSON line, then the document
    /var/lib/guest-routes/defaults          foreign default routes that were taken away (R4)

A file is replaced as a whole (temporary file, fsync, rename), so that kill -9 or a power cut leaves the old one
or the new one. What can't be used, is foreign or damaged counts as absent, with a reason where somebody asks;
only what can't be written is an error. All writers but the lock's hold the lock.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import time
from contextlib import contextmanager, suppress

from .errors import LockError, StateError
from .model import Leg, Nic, Route, address_text, mac_text, parse_address, parse_prefix

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterator, Mapping, NamedTuple, Protocol, Sequence
else:
    from .values import NamedTuple

    Protocol = object

KEPT_SCHEMA = "guest-routes/last-known-good/1"
DEFAULTS_SCHEMA = "guest-routes/defaults/1"
POLL_SECONDS = 0.05


class Accepted(Protocol):
    """What `keep` needs of a metadata.Document."""

    @property
    def data(self) -> bytes: ...
    @property
    def source(self) -> str: ...
    @property
    def where(self) -> str: ...
    @property
    def uuid(self) -> str: ...


class LastKnownGood(NamedTuple):
    """The last accepted metadata, or why there is none for this instance."""

    data: bytes = b""
    reason: str = ""
    """Why it can't be used; "" when it can."""
    source: str = ""
    where: str = ""
    fetched: float = 0.0
    """When it was last known to be current, in seconds since the epoch."""
    uuid: str = ""
    macs: tuple[bytes, ...] = ()
    """The MACs that the document describes."""


class State:
    """The files of one machine.

    `root` is where the identity of the machine and of its boot are read (/sys, /proc, /run/cloud-init).
    """

    def __init__(
        self, run_dir: str = "/run/guest-routes", lib_dir: str = "/var/lib/guest-routes", *, root: str = "/"
    ) -> None:
        self.run_dir, self.lib_dir, self._root = run_dir, lib_dir, root

    # -- the lock ------------------------------------------------------------------------------------

    @contextmanager
    def lock(self, wait_seconds: float = 30.0) -> Iterator[None]:
        """Only one pass at a time; the kernel releases it when the holder ends, however it ends.

        Raises:
            LockError: it was held for all of `wait_seconds`; names the holder.
            StateError: the lock's file can't be made.
        """
        path = os.path.join(self.run_dir, "lock")
        consequence = "without the lock two passes could undo each other; run it as root"
        try:
            os.makedirs(self.run_dir, 0o755, exist_ok=True)
            # 0600: whoever can open the file can hold the lock.
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise _refusal("open", path, error, consequence) from error
        try:
            _wait_for_lock(descriptor, path, wait_seconds)
            holder = {"pid": os.getpid(), "command": _own_command(), "since": time.time()}
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, json.dumps(holder).encode(), 0)
            yield
        finally:
            os.close(descriptor)

    # -- last known good (R10) -----------------------------------------------------------------------

    def keep(self, document: Accepted, macs: Sequence[bytes], now: float) -> None:
        """Keep an accepted document, with what tells this instance from another.

        The same document again only has its time refreshed.

        Raises:
            StateError: it can't be written; the one kept before is still there.
        """
        header = {
            "schema": KEPT_SCHEMA,
            "uuid": document.uuid.lower() or self.instance_uuid(),
            "machine": self._machine_uuid(),
            "macs": [mac.hex(":") for mac in macs],
            "source": document.source,
            "where": document.where,
            "length": len(document.data),
            "crc32": _crc32(document.data),
        }
        path = self._kept_path
        line, _, data = (_read(path) or b"").partition(b"\n")
        # The way it came may change with every fetch (the first answer wins): that alone is not worth a write.
        if data == document.data and {**_object(line), "source": document.source, "where": document.where} == header:
            with suppress(OSError):
                os.utime(path, (now, now))
                return
        content = json.dumps(header).encode() + b"\n" + document.data
        _replace(path, content, 0o600, "the metadata is not kept for a boot without the metadata service", now)

    def last_known_good(self, nics: Sequence[Nic]) -> LastKnownGood:
        """What was kept, if it is this instance's: an image captured with it must be harmless.

        The same machine: its DMI uuid, and the instance uuid that cloud-init found in this boot, where both
        sides are known. Every described MAC must be present; some may be missing (a NIC that was unplugged
        or isn't there yet) where the DMI uuid proves the machine.
        """
        path = self._kept_path
        try:
            with open(path, "rb") as file:
                fetched = os.fstat(file.fileno()).st_mtime
                line, _, data = file.read().partition(b"\n")
        except FileNotFoundError:
            return LastKnownGood(reason=f"none was kept in {self.lib_dir}")
        except OSError as error:
            return LastKnownGood(reason=f"cannot read {path}: {_cause(error)}")
        try:
            header = json.loads(line)
            if header["schema"] != KEPT_SCHEMA:
                return LastKnownGood(reason=f"{path} is of another version ({header['schema']!a})")
            if (header["length"], header["crc32"]) != (len(data), _crc32(data)):
                return LastKnownGood(reason=f"{path} is damaged: {len(data)} bytes, {header['length']} were written")
            macs = tuple(bytes.fromhex(mac.replace(":", "")) for mac in header["macs"])
            uuid, machine = str(header["uuid"]), str(header["machine"])
            source, where = str(header["source"]), str(header["where"])
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return LastKnownGood(reason=f"{path} is damaged: no header of ours")
        reason = _other_instance(uuid, machine, macs, self.instance_uuid(), self._machine_uuid(), nics)
        if reason:
            return LastKnownGood(reason=f"{path} is not of this instance: {reason}")
        return LastKnownGood(data, "", source, where, fetched, uuid, macs)

    def instance_uuid(self) -> str:
        """The instance's uuid as cloud-init found it in this boot; "" when unknown."""
        uuid = _uuid(_text(self._root, "run/cloud-init/.instance-id"))
        if uuid:
            return uuid
        try:
            return _uuid(json.loads(_text(self._root, "run/cloud-init/instance-data.json"))["ds"]["meta_data"]["uuid"])
        except (ValueError, KeyError, TypeError, RecursionError):
            return ""

    # -- recorded defaults (R4) ----------------------------------------------------------------------

    def record_defaults(self, routes: Sequence[Route], nics: Sequence[Nic]) -> None:
        """Record foreign default routes beside those recorded before; called before they are taken.

        Raises:
            StateError: they can't be written; then they mustn't be taken.
        """
        records = [{"route": route_to_json(route), "nics": _nics_of(route, nics)} for route in routes]
        before = self._records()
        self._write_records(before + [record for record in records if record not in before])

    def recorded_defaults(self, nics: Sequence[Nic]) -> tuple[Route, ...]:
        """The recorded routes of this boot whose NICs are still those: same ifindex, name and MAC."""
        routes: list[Route] = []
        for record in self._records():
            with suppress(ValueError, KeyError):
                route = route_from_json(record["route"])
                used = _nics_of(route, nics)
                if all(used.values()) and used == record["nics"]:
                    routes.append(route)
        return tuple(routes)

    def forget_defaults(self, routes: Sequence[Route] | None = None) -> None:
        """Strike these routes (all, without an argument) from the record, once they are back.

        Raises:
            StateError: the record can't be written.
        """
        gone = None if routes is None else [route_to_json(route) for route in routes]
        left = [] if gone is None else [record for record in self._records() if record.get("route") not in gone]
        if left:
            self._write_records(left)
        else:
            _remove(self._defaults_path, "routes that are back may be put back again")

    # -- disputed documents (R6), status -------------------------------------------------------------

    def agreements(self, data: bytes) -> int:
        """How many fetches in a row brought this same disputed document, this one included."""
        import hashlib

        path = os.path.join(self.run_dir, "disputed")
        before = _object(_read(path))
        digest = hashlib.sha256(data).hexdigest()
        counted = before.get("count")
        count = counted + 1 if before.get("sha256") == digest and isinstance(counted, int) else 1
        content = json.dumps({"sha256": digest, "count": count}).encode()
        _replace(path, content, 0o600, "agreeing fetches are not counted, the old routes stay")
        return count

    def clear_agreements(self) -> None:
        """Start counting anew: a fetch brought something that isn't disputed."""
        _remove(os.path.join(self.run_dir, "disputed"), "a later disputed document may be believed too early")

    def write_status(self, status: Mapping[str, Any]) -> None:
        """Publish what `status` shows of the last pass; anybody may read it."""
        content = json.dumps(status, separators=(",", ":")).encode()
        _replace(os.path.join(self.run_dir, "status"), content, 0o644, "`guest-routes status` shows an older pass")

    def read_status(self) -> dict[str, Any]:
        """The last pass's status; {} when there is none."""
        return _object(_read(os.path.join(self.run_dir, "status")))

    # -- within --------------------------------------------------------------------------------------

    @property
    def _kept_path(self) -> str:
        return os.path.join(self.lib_dir, "last-known-good")

    @property
    def _defaults_path(self) -> str:
        return os.path.join(self.lib_dir, "defaults")

    def _records(self) -> list[dict[str, Any]]:
        """Records of this boot: an ifindex means nothing in another."""
        document = _object(_read(self._defaults_path))
        records = document.get("records")
        if document.get("schema") != DEFAULTS_SCHEMA or not isinstance(records, list):
            return []
        if document.get("boot_id") != self._boot_id():
            return []
        return [record for record in records if isinstance(record, dict)]

    def _write_records(self, records: Sequence[Mapping[str, Any]]) -> None:
        document = {"schema": DEFAULTS_SCHEMA, "boot_id": self._boot_id(), "records": records}
        consequence = "a default route that isn't recorded can't be put back, so none is taken away"
        _replace(self._defaults_path, json.dumps(document).encode(), 0o600, consequence)

    def _machine_uuid(self) -> str:
        return _uuid(_text(self._root, "sys/class/dmi/id/product_uuid"))

    def _boot_id(self) -> str:
        return _text(self._root, "proc/sys/kernel/random/boot_id")


# ---- routes as JSON ---------------------------------------------------------------------------------


def route_to_json(route: Route) -> dict[str, Any]:
    """Every field of a route, addresses as text; the inverse of `route_from_json`."""
    return {
        **route._asdict(),
        "destination": str(route.destination),
        "gateway": _address_json(route.gateway),
        "source": _address_json(route.source),
        "metrics": [list(pair) for pair in route.metrics],
        "legs": [{**leg._asdict(), "gateway": _address_json(leg.gateway)} for leg in route.legs],
    }


def route_from_json(value: Mapping[str, Any]) -> Route:
    """The route of `route_to_json`.

    Raises:
        ValueError: it is no such object: a field is missing, unknown, or not as it would be written.
    """
    try:
        legs = tuple(Leg(**{**leg, "gateway": _address_of(leg["gateway"])}) for leg in value["legs"])
        changed = {
            "destination": parse_prefix(value["destination"]),
            "gateway": _address_of(value["gateway"]),
            "source": _address_of(value["source"]),
            "metrics": tuple((number, setting) for number, setting in value["metrics"]),
            "legs": legs,
        }
        route = Route(**{**value, **changed})
        numbers = [getattr(route, name) for name in _ROUTE_NUMBERS]
        numbers += [number for pair in route.metrics for number in pair]
        numbers += [number for leg in legs for number in (leg.ifindex, leg.weight)]
        flags = [route.onlink, *(leg.onlink for leg in legs)]
        written = route_to_json(route)
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"not a route: {error}") from error
    if {type(number) for number in numbers} != {int} or {type(flag) for flag in flags} != {bool} or written != value:
        raise ValueError("not a route as it is written here")
    return route


_ROUTE_NUMBERS = ("ifindex", "metric", "protocol", "table", "kind", "scope", "tos", "nexthop_id", "preference")


def _address_json(address: bytes | None) -> str | None:
    return None if address is None else address_text(address)


def _address_of(text: str | None) -> bytes | None:
    return None if text is None else parse_address(text)


def _nics_of(route: Route, nics: Sequence[Nic]) -> dict[str, list[str]]:
    """Which NICs a route uses, by ifindex: an ifindex alone is given to another NIC some day."""
    known = {nic.ifindex: [nic.name, nic.mac.hex(":")] for nic in nics}
    used = {route.ifindex, *(leg.ifindex for leg in route.legs)} - {0}
    return {str(ifindex): known.get(ifindex, []) for ifindex in sorted(used)}


# ---- identity ---------------------------------------------------------------------------------------


def _other_instance(
    uuid: str, machine: str, macs: Sequence[bytes], uuid_now: str, machine_now: str, nics: Sequence[Nic]
) -> str:
    """Why what was kept is not of this instance (R10); "" when nothing speaks against it."""
    if machine and machine_now and machine != machine_now:
        return f"it was kept on machine {machine}, this is {machine_now}; harmless in a captured image"
    if uuid and uuid_now and uuid != uuid_now:
        return f"it was kept on instance {uuid}, this is {uuid_now}; harmless in a captured image"
    if not macs:
        return "it describes no MAC"
    present = {mac for nic in nics for mac in (nic.mac, nic.permanent_mac)}
    missing = [mac for mac in macs if mac not in present]
    text = ", ".join(map(mac_text, missing))
    if len(missing) == len(macs):
        return f"it describes {text}, which no NIC here has; harmless in a captured image"
    if missing and not (machine and machine_now):
        return f"it describes {text} too, which no NIC here has, and no DMI uuid proves that the machine is the same"
    return ""


def _uuid(text: Any) -> str:
    """A uuid in lower case; "" for what is none, and for placeholders of one repeated digit."""
    folded = text.strip().lower() if isinstance(text, str) else ""
    digits = folded.replace("-", "")
    known = len(folded) == 36 and len(digits) == 32 and set(digits) <= set("0123456789abcdef")
    return folded if known and len(set(digits)) > 1 else ""


# ---- files ------------------------------------------------------------------------------------------


def _text(root: str, path: str) -> str:
    return (_read(os.path.join(root, path)) or b"").decode("utf-8", "replace").strip()


def _read(path: str) -> bytes | None:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return None


def _object(content: bytes | None) -> dict[str, Any]:
    try:
        value = json.loads(content or b"{}")
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _replace(path: str, content: bytes, mode: int, consequence: str, mtime: float | None = None) -> None:
    """Replace a file as a whole, with its directory on the way; what is on disk afterwards is on disk for good."""
    temporary = path + ".new"  # one name: what a killed writer left behind is overwritten by the next
    directory = os.path.dirname(path)
    try:
        os.makedirs(directory, 0o755 if mode & 0o044 else 0o700, exist_ok=True)
        with suppress(FileNotFoundError):
            os.unlink(temporary)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
        with open(descriptor, "wb") as file:
            os.fchmod(descriptor, mode)
            file.write(content)
            file.flush()
            if mtime is not None:
                os.utime(descriptor, (mtime, mtime))
            os.fsync(descriptor)
        os.rename(temporary, path)
        descriptor = os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise _refusal("write", path, error, consequence) from error


def _remove(path: str, consequence: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        return
    except OSError as error:
        raise _refusal("remove", path, error, consequence) from error


def _cause(error: OSError) -> str:
    return f"{error.strerror} ({errno.errorcode.get(error.errno or 0, '?')})"


def _refusal(action: str, path: str, error: OSError, consequence: str) -> StateError:
    at = f" at {os.fsdecode(error.filename)}" if error.filename and os.fsdecode(error.filename) != path else ""
    return StateError(f"cannot {action} {path}: {_cause(error)}{at}; {consequence}")


def _crc32(data: bytes) -> int:
    import binascii

    return binascii.crc32(data)


def _own_command() -> str:
    import sys

    return " ".join(["guest-routes", *sys.argv[1:]])


def _wait_for_lock(descriptor: int, path: str, wait_seconds: float) -> None:
    deadline = time.monotonic() + wait_seconds
    while True:
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                break
        time.sleep(POLL_SECONDS)
    holder = _object(_read(path))
    since = holder.get("since")
    held = f" for {max(0.0, time.time() - since):.0f} s" if isinstance(since, (int, float)) else ""
    who = f"pid {holder.get('pid', '?')} ({holder.get('command', 'unknown')})"
    raise LockError(f"cannot lock {path}: held by {who}{held}; nothing was done in {wait_seconds:g} s; try again later")
