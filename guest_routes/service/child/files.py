"""Settings and local documents, read by a short-lived child process: YAML, config drives and leases take much memory.

The child sends "=" and the value, or "!" and the message of the error that it raised.
"""

from __future__ import annotations

import marshal
import os

from ...errors import ChildError, GuestRoutesError, MetadataError, SettingsError
from ...evidence.document_file import LOCAL_LIMIT_BYTES
from ...evidence.find import find, last_known_good
from ...model.document import Document, LastKnownGood, Provenance, ServerProperty
from ...model.network import Prefix
from ...model.network_data import HostRoute, Problem
from ...model.settings import GatewaySetting, Selector, Settings
from ...state.store import State
from .process import result_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Sequence

    from ...kernel.engine import Kernel
    from ...model.network import Nic

SETTINGS_LIMIT_BYTES = 64 << 20
DOCUMENT_LIMIT_BYTES = LOCAL_LIMIT_BYTES + (1 << 20)
"""The document, its provenance and the properties beside it."""
_CLASSES = {
    one.__name__: one
    for one in (Settings, Selector, GatewaySetting, HostRoute, Prefix, Document, Provenance, ServerProperty, Problem)
}


def read_settings_in_child(read: Callable[[], Settings]) -> Settings:
    """What `read` returns or raises. Waits for it.

    Raises:
        SettingsError: as `read` does.
        ChildError: the child can't be started, or failed, with the reason on standard error.
    """
    made: Settings = _in_child(read, SettingsError, SETTINGS_LIMIT_BYTES, "to read the settings")
    return made


def find_in_child(settings: Settings, nics: Sequence[Nic], state: State, fallback: bool = True) -> Document:
    """What `find` returns or raises. Waits for it.

    Args:
        fallback: where no source has a document, DHCP leases replace it.

    Raises:
        MetadataError: as `find` does.
        ChildError: the child can't be started, or failed, with the reason on standard error.
    """
    present = tuple(nics)
    task = "to look for a document"
    made: Document = _in_child(
        lambda: find(settings, lambda: present, state, fallback=fallback), MetadataError, DOCUMENT_LIMIT_BYTES, task
    )
    return made


def local_document(settings: Settings, kernel: Kernel, state: State, metadata_argument: str) -> Document:
    """The last known good document, what other sources on this machine have, or the file of `--metadata`.

    Raises:
        MetadataError: there is none.
        KernelError: the kernel refuses to list the NICs.
        ChildError: the child that looks for one can't be started, or failed.
    """
    if metadata_argument and "://" not in metadata_argument:
        # Only a refresh reads the file again and checks whether it may be partial (R6).
        kept = state.last_known_good(kernel.nics())
        if isinstance(kept, LastKnownGood) and kept.known.provenance.source == "argument":
            return find(settings.from_documents("last-known-good"), kernel.nics, state)
        return find(settings, kernel.nics, state, metadata_argument)
    local = last_known_good(state, kernel.nics) if "last-known-good" in settings.sources else None
    if isinstance(local, Document):
        return local
    others = (source for source in settings.document_sources if source not in ("http", "last-known-good"))
    return find_in_child(settings.from_documents(*others), kernel.nics(), state)


def _in_child(read: Callable[[], Any], error: type[GuestRoutesError], limit_bytes: int, task: str) -> Any:
    """What `read` returns, or the error of that type that it raises. `task` completes "cannot start a process"."""

    def work() -> bytes:
        try:
            return b"=" + marshal.dumps(_flat(read()))
        except error as raised:
            return b"!" + str(raised).encode("utf-8", "backslashreplace")

    try:
        result = result_of(work, limit_bytes)
    except OSError as refused:
        reason = os.strerror(refused.errno) if refused.errno else str(refused)
        raise ChildError(f"cannot start a process {task}: {reason}") from refused
    if result[:1] == b"=":
        return _value(marshal.loads(result[1:]))  # noqa: S302  # from our own child
    if not result:
        raise ChildError(f"the process that was started {task} ended without an answer")
    raise error(result[1:].decode())


def _flat(value: Any) -> Any:
    """Values as plain tuples, each with its class's name in front."""
    if isinstance(value, tuple):
        name = "" if type(value) is tuple else type(value).__name__
        return (name, *map(_flat, value))
    return value


def _value(flat: Any) -> Any:
    if isinstance(flat, tuple):
        values = tuple(map(_value, flat[1:]))
        return _CLASSES[flat[0]](*values) if flat[0] else values
    return flat
