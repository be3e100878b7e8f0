"""The document that is on this machine, found by a short-lived child: what reads config drives and leases is large."""

from __future__ import annotations

import marshal
import os

from ..errors import MetadataError
from ..evidence.document_file import LOCAL_LIMIT_BYTES
from ..evidence.find import find
from ..model.document import Document, Provenance
from ..model.settings import Settings
from ..state.store import State
from .child import result_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Sequence

    from ..model.network import Nic

LIMIT_BYTES = LOCAL_LIMIT_BYTES + (1 << 20)
"""The document, and what is said of it."""


def find_aside(settings: Settings, nics: Sequence[Nic], state: State) -> Document:
    """What `metadata.find` returns or raises, without what it needs in memory. Waits for it.

    Raises:
        MetadataError: as `find` does; or no process can be had, or it failed, with the reason on standard error.
    """
    present = tuple(nics)

    def work() -> bytes:
        try:
            document = find(settings, lambda: present, state)
            return b"=" + marshal.dumps((document.data, tuple(document.provenance), *document[2:]))
        except MetadataError as error:
            return b"!" + str(error).encode()

    try:
        result = result_of(work, LIMIT_BYTES)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise MetadataError(f"no process can be had to look for a document: {reason}") from error
    if result[:1] == b"=":
        data, provenance, *others = marshal.loads(result[1:])  # noqa: S302  # from our own child
        return Document(data, Provenance(*provenance), *others)
    raise MetadataError(result[1:].decode() or "the process that looks for a document failed")
