"""Asks the metadata service in a short-lived child process without privileges; checks what the child sends (R16).

The child sends a line of JSON, then the document. The server that answered may have taken the child over, so that
its line is read as untrusted input.
"""

from __future__ import annotations

import json

from ..evidence.document_file import LIMIT_BYTES
from ..model.document import Document, Provenance
from ..model.settings import Settings
from ..output.service_log import child_fault_text
from .child import Child

LINE_BYTES = 16 * 1024
"""The longest line before the document."""
GRACE_SECONDS = 2.0
"""What a child gets beyond the deadline, for its start and its end."""
REASON_CHARACTERS = 4096
FIELDS = {"location", "nics", "uuid", "properties"}
"""Of the line before the document."""


def start(settings: Settings, metadata_argument: str = "") -> Child:
    """A child that asks each endpoint of the settings' URLs, or the one given URL, until the deadline.

    Raises:
        OSError: the system refuses a process.
    """
    return Child(lambda: _ask(settings, metadata_argument), LIMIT_BYTES + LINE_BYTES)


def parse_answer(answer: bytes) -> Document | str:
    """What the child has sent: a document, or why there is none, in printable characters."""
    line, newline, data = answer.partition(b"\n")
    if len(line) > LINE_BYTES:
        return child_fault_text("long-line")
    if not newline:
        return child_fault_text("ended")
    try:
        fields = json.loads(line)
        if "reason" in fields:
            return _printable(fields["reason"]) or child_fault_text("no-reason")
        if set(fields) != FIELDS:
            raise ValueError("other fields")
        provenance = Provenance("http", _printable(fields["location"]), tuple(map(_printable, fields["nics"])))
        uuid, properties = _printable(fields["uuid"]), _printable(fields["properties"])
        return Document(data, provenance, uuid=uuid, properties=properties)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        return child_fault_text("invalid", type(error).__name__)


def _printable(value: object) -> str:
    """A text of the child's, fit for the log."""
    if not isinstance(value, str):
        raise TypeError("no text")
    return "".join(letter if letter.isprintable() else "?" for letter in value)


def _ask(settings: Settings, metadata_argument: str) -> bytes:
    """What the child does."""
    from ..evidence import http as metadata_http
    from ..kernel.open import open_kernel
    from . import privileges

    # Files are read before the privileges go: only this user may be permitted to read them.
    try:
        metadata_http.load()
    except ImportError as error:
        return json.dumps({"reason": f"{error}; install requests (Debian's python3-requests)"}).encode() + b"\n"
    kernel = open_kernel("rtnetlink")
    privileges.drop()
    urls = (metadata_argument,) if metadata_argument else settings.metadata_urls
    got = metadata_http.fetch(urls, settings, kernel.nics, lambda text: None, bind=not metadata_argument)
    return framed(got)


def framed(got: Document | str) -> bytes:
    """What the child sends of a fetch: the line, and the document if there is one."""
    if isinstance(got, str):
        return json.dumps({"reason": got[:REASON_CHARACTERS]}).encode() + b"\n"
    provenance = {"location": got.provenance.location, "nics": got.provenance.nics}
    line = json.dumps({**provenance, "uuid": got.uuid, "properties": got.properties}).encode()
    if len(line) > LINE_BYTES:
        line = json.dumps({"reason": f"its property guest_routes has {len(got.properties):,} characters"}).encode()
    return line + b"\n" + got.data
