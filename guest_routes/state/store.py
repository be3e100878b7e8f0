"""Files under /run/guest-routes and /var/lib/guest-routes; the only place that knows these paths.

    /run/guest-routes/lock                  flock; its holder in it
    /run/guest-routes/status                the last pass, for `status`
    /run/guest-routes/service               the state of the service, for `status`
    /run/guest-routes/service.lock          flock: one service at a time
    /run/guest-routes/withdrawn             `withdraw` was the last command: the service leaves the routes alone
    /run/guest-routes/settings-routes       which of our routes the settings named (R6)
    /run/guest-routes/disputed              how often the same withdrawing document came (R6)
    /var/lib/guest-routes/last-known-good   the last accepted metadata (R10): a JSON line, then the document
    /var/lib/guest-routes/defaults          foreign default routes that were removed (R4)

A file is replaced as a whole (temporary file, fsync, rename), so that kill -9 or a power cut leaves the old one
or the new one. What can't be used, is foreign or damaged, or could have been written by others, counts as absent, and
`problems` says so; only what can't be written is an error. All writers but the lock's and the status's hold the lock.
"""

from __future__ import annotations

import os

from ..errors import StateError, as_value
from ..json_codec import dumps
from ..model.document import Document, Known, LastKnownGood, Unusable
from ..model.network import MAIN_TABLE, OUR_PROTOCOL, Nic, Route
from ..model.network_data import Problem
from ..model.settings import has_room_for_ours
from ..output.escape import json_text
from ..trusted import Untrusted, read_trusted, unreadable, untrusted_file
from . import last_known_good
from .clock_stamp import by_the_present_clock, stamped
from .files import LIMIT_BYTES, json_object, raise_shortage, read, refusal, remove, replace, replace_own
from .identity import boot_id, macs_of_all
from .last_known_good import checksum
from .lock import Lock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Mapping, Sequence

    from ..model.evidence import RecordedDefault

LOCK_SECONDS = 30.0
"""How long a pass that somebody runs waits for another one."""
NO_PLACE = "its table or protocol is none that settings can have"


class State:
    """The files of one machine, whose identity and boot are read below `root`.

    Where nothing is `read_again`, others may be able to write there.
    """

    def __init__(
        self, run_dir: str = "/run/guest-routes", lib_dir: str = "/var/lib/guest-routes", *, root: str = "/",
        read_again: bool = True,
    ) -> None:  # fmt: skip
        self.run_dir, self.lib_dir, self.root = run_dir, lib_dir, root
        self.status_path, self.places_path = os.path.join(run_dir, "status"), os.path.join(run_dir, "places")
        self.source_tables_path = os.path.join(run_dir, "source-tables")
        self.settings_routes_path = os.path.join(run_dir, "settings-routes")
        self._disputed_path, self._service_path = os.path.join(run_dir, "disputed"), os.path.join(run_dir, "service")
        self._withdrawn_path = os.path.join(run_dir, "withdrawn")
        self._kept_path, self._defaults_path = (os.path.join(lib_dir, one) for one in ("last-known-good", "defaults"))
        self._read_again, self.replace = read_again, replace_own if read_again else replace
        self._faults: dict[str, str] = {}
        """Why the files that were read last are not used, by path."""
        self._unread: dict[str, OSError | Untrusted] = {}
        """Those that are there, and that were not read."""
        self._seen: tuple[tuple[int, int] | None, tuple[bytes, ...], Known | Unusable] | None = None
        """The last known good's version, the NICs it was read for, and what it came to."""

    @property
    def problems(self) -> tuple[Problem, ...]:
        """The files that were found and are not used: damaged, or others could have written them."""
        return tuple(Problem(path, f"{reason}; ignored") for path, reason in self._faults.items())

    def lock(self, wait_seconds: float = LOCK_SECONDS) -> Lock:
        """Only one pass at a time; for `with`, which gives "" or why there is no lock.

        Raises:
            LockError: it was held for all of `wait_seconds`; names the holder.
            StateError: the lock's file is not for this user.
        """
        return Lock(os.path.join(self.run_dir, "lock"), wait_seconds, contended=self._read_again)

    def is_last_holder(self) -> bool:
        """Whether no other process has held the lock since this one did."""
        return json_object(read(os.path.join(self.run_dir, "lock"))).get("pid") == os.getpid()

    def only_service(self) -> Lock:
        """Only one service at a time; for `with`, which gives "" or why there is no lock.

        Raises:
            LockError: another one runs.
            StateError: the lock's file is not for this user.
        """
        advice = "one service is enough: `guest-routes status` tells of it"
        return Lock(os.path.join(self.run_dir, "service.lock"), 0.0, advice)

    # -- last known good (R10) -----------------------------------------------------------------------

    def keep(self, document: Document, macs: Sequence[bytes], now: float) -> None:
        """Keep an accepted document, with what identifies this instance.

        The same document again only has its time refreshed.

        Raises:
            StateError: it can't be written; the one kept before is still there.
        """
        last_known_good.keep(self._kept_path, self.root, document, macs, now, self.replace)

    def last_known_good(self, nics: Sequence[Nic]) -> LastKnownGood | Unusable:
        """What was kept, if it is this instance's (see identity.other_instance)."""
        version = last_known_good.version(self._kept_path)
        kept = last_known_good.load(self._kept_path, self.root, nics)
        self._seen = version, macs_of_all(nics), kept if isinstance(kept, Unusable) else kept.known
        self.note(self._kept_path, last_known_good.fault(kept) if isinstance(kept, Unusable) and kept.faulty else "")
        return kept

    def known(self, nics: Sequence[Nic]) -> Known | Unusable:
        """The same without the document; not read again where the last call read the same file for these MACs."""
        seen, self._seen = self._seen, None
        if seen is not None and seen[:2] == (last_known_good.version(self._kept_path), macs_of_all(nics)):
            return seen[2]
        kept = self.last_known_good(nics)
        return kept if isinstance(kept, Unusable) else kept.known

    # -- recorded defaults (R4) ----------------------------------------------------------------------

    def record_defaults(self, taken: Sequence[RecordedDefault], nics: Sequence[Nic]) -> None:
        """Record foreign default routes before those recorded earlier; called before they are removed.

        Raises:
            StateError: they can't be written, or those recorded earlier not be read; then they mustn't be removed.
        """
        from .recorded_defaults import UNRECORDED, added

        records = self._records()
        self._refuse_unusable(f"{UNRECORDED}; move it away")
        self._write_records(added(taken, nics, records))

    def recorded_defaults(self, nics: Sequence[Nic]) -> tuple[RecordedDefault, ...]:
        """The routes recorded in this boot, the last first, with the indexes that their NICs have now."""
        records = self._records()
        if not records:
            return ()
        from .recorded_defaults import read

        return tuple(read(records, nics))

    def keep_defaults(self, routes: Sequence[Route], nics: Sequence[Nic]) -> None:
        """Forget the recorded routes but for these, once they are restored.

        Raises:
            StateError: the record can't be written, or read, or a part of it is damaged.
        """
        from .recorded_defaults import only

        records = self._records()
        self._refuse_unusable("the default routes that it records, if any, are not all put back, and stay recorded")
        if left := only(records, routes, nics):
            if len(left) < len(records):
                self._write_records(left)
        else:
            remove(self._defaults_path, "routes that are back may be put back again")

    # -- disputed documents (R6), status -------------------------------------------------------------

    def agreeing_fetches(self, data: bytes) -> int:
        """How many fetches in a row will have brought this same disputed document with the present one."""
        before = self._object(self._disputed_path)
        counted = before.get("count")
        same = {**before, "count": 0} == {**checksum(data), "count": 0}
        return counted + 1 if same and type(counted) is int else 1

    def count_agreement(self, data: bytes, count: int) -> None:
        """So many fetches in a row have brought this disputed document.

        Raises:
            StateError: it can't be written.
        """
        content = dumps({**checksum(data), "count": count}).encode()
        self.replace(self._disputed_path, content, 0o600, "agreeing fetches are not counted, the old routes stay")

    def clear_agreements(self) -> None:
        """Start counting anew: a fetch brought something that isn't disputed."""
        remove(self._disputed_path, "a later disputed document may be believed too early")

    # -- withdrawn by hand ---------------------------------------------------------------------------

    def set_withdrawn(self) -> None:
        """From now on no unattended pass restores the routes, until the next boot at the latest.

        Raises:
            StateError: it can't be written.
        """
        consequence = "the service, if it runs, would put the routes back; stop it first"
        self.replace(self._withdrawn_path, b"", 0o644, consequence)

    def clear_withdrawn(self) -> None:
        """Somebody ran a pass: unattended ones may restore the routes again.

        Raises:
            StateError: it can't be removed.
        """
        if self.is_withdrawn():
            remove(self._withdrawn_path, "the service goes on leaving the routes alone")

    def is_withdrawn(self) -> bool:
        """Whether `withdraw` was the last command that somebody ran."""
        if fault := untrusted_file(self._withdrawn_path):
            raise_shortage(fault)
        return fault is None

    def write_status(self, status: Mapping[str, Any]) -> None:
        """Publish what `status` shows of the last pass; anybody may read it."""
        content = json_text(stamped(status, self.root)).encode()
        # Without the lock, since a pass that didn't get it has a status too.
        self.replace(self.status_path, content, 0o644, "`guest-routes status` has no record of this pass", alone=False)

    def read_status(self) -> dict[str, Any]:
        """The last pass's status, by the clock as it is now; {} when there is none."""
        found = self._object(self.status_path)
        if not has_room_for_ours(found.get("table", MAIN_TABLE), found.get("protocol", OUR_PROTOCOL)):
            self.note(self.status_path, f"is damaged: {NO_PLACE}")
            found = {}
        return by_the_present_clock(found, self.root)

    def write_service(self, record: Mapping[str, Any]) -> None:
        """Publish the state of the service; anybody may read it."""
        content = json_text(stamped(record, self.root)).encode()
        self.replace(self._service_path, content, 0o644, "`guest-routes status` shows less of the service")

    def forget_service(self) -> None:
        """The service ended as it should."""
        remove(self._service_path, "`guest-routes status` says that the service ended without a word")

    def read_service(self) -> dict[str, Any]:
        """The state of the service, by the clock as it is now; {} when there is none."""
        return by_the_present_clock(self._object(self._service_path), self.root)

    # -- within --------------------------------------------------------------------------------------

    def content(self, path: str) -> bytes | None:
        """A file's bytes; None, with a problem unless there is no file, where it can't be used."""
        reason, content = "", None
        self._unread.pop(path, None)
        try:
            content = read_trusted(path, LIMIT_BYTES).data
        except FileNotFoundError:
            pass
        except (OSError, Untrusted) as error:
            raise_shortage(error)
            if not isinstance(error, NotADirectoryError):
                self._unread[path] = as_value(error)
            # That an ordinary user may not read it is no fault of the file's.
            reason = "" if isinstance(error, PermissionError) else unreadable(error)
        self.note(path, reason)
        return content

    def _object(self, path: str) -> dict[str, Any]:
        """The JSON object in a file; {}, with a problem unless there is no file, where it can't be used."""
        content = self.content(path)
        found = json_object(content)
        if not found and content not in (b"{}", None):
            self.note(path, "is damaged: no JSON object")
        return found

    def note(self, path: str, reason: str) -> None:
        """Keeps why a file is not used, or that it is."""
        self._faults.pop(path, None)
        if reason:
            self._faults[path] = reason

    def _records(self) -> list[dict[str, Any]]:
        """Records of this boot, those that can't be read among them."""
        document = self._object(self._defaults_path)
        if not document:
            return []
        from .recorded_defaults import of_boot

        records, fault = of_boot(document, boot_id(self.root))
        if fault:
            self.note(self._defaults_path, fault)
        return records

    def _refuse_unusable(self, consequence: str) -> None:
        """Keeps records that can't be read, or only in part, from being overwritten."""
        path = self._defaults_path
        if path in self._unread:
            raise refusal("read", path, self._unread[path], consequence)
        if path in self._faults:
            raise StateError(f"{path}: {self._faults[path]}; {consequence}")

    def _write_records(self, records: Sequence[Mapping[str, Any]]) -> None:
        from .recorded_defaults import UNRECORDED, document_of

        document = document_of(records, boot_id(self.root))
        self.replace(self._defaults_path, dumps(document).encode(), 0o600, UNRECORDED)
