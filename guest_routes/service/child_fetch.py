"""The metadata service asked by a short-lived child without privileges; its answer taken back and checked (R16).

The service hands the child the addresses and takes bytes: a line of JSON, then the document. The child may have been
talked into anything by whoever answered it, so the line is read as a stranger's.
"""

from __future__ import annotations

import json

from ..evidence.document_file import LIMIT_BYTES
from ..model.document import Document, Provenance
from ..model.settings import Settings
from .child import Child

LINE_BYTES = 16 * 1024
"""Of the line before the document, at most: nothing long is read as JSON but the document itself."""
GRACE_SECONDS = 2.0
"""What a child gets beyond the deadline, for its start and its end."""
REASON_CHARACTERS = 4096


def start(settings: Settings, metadata_argument: str = "") -> Child:
    """A child that asks every way of the settings' URLs, or the one given URL, until the deadline.

    Raises:
        OSError: no process can be had.
    """
    return Child(lambda: _ask(settings, metadata_argument), LIMIT_BYTES + LINE_BYTES)


FIELDS = {"location", "nics", "uuid", "properties"}
"""Of the line before the document."""


def taken(answer: bytes) -> Document | str:
    """What the child has sent: a document, or why there is none."""
    line, newline, data = answer.partition(b"\n")
    if len(line) > LINE_BYTES:
        return "the helper process that asks the metadata service sent nonsense (a line without end)"
    if not newline:
        return "the helper process that asks the metadata service ended without an answer"
    try:
        fields = json.loads(line)
        if "reason" in fields:
            return _text(fields["reason"]) or "no reason was given"
        if set(fields) != FIELDS:
            raise ValueError("other fields")
        provenance = Provenance("http", _text(fields["location"]), tuple(map(_text, fields["nics"])))
        return Document(data, provenance, uuid=_text(fields["uuid"]), properties=_text(fields["properties"]))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        return f"the helper process that asks the metadata service sent nonsense ({type(error).__name__})"


def _text(value: object) -> str:
    """A stranger's text: printable."""
    if not isinstance(value, str):
        raise TypeError("no text")
    return "".join(letter if letter.isprintable() else "?" for letter in value)


def _ask(settings: Settings, metadata_argument: str) -> bytes:
    """The child's work."""
    from ..evidence import http as metadata_http
    from ..kernel.engine import open_kernel
    from . import privileges

    # What is needed from files comes before the privileges go: they may be this user's only.
    try:
        metadata_http.load()
    except ImportError as error:
        return json.dumps({"reason": f"{error}; install requests (Debian's python3-requests)"}).encode() + b"\n"
    kernel = open_kernel("rtnetlink")
    privileges.drop()
    urls = (metadata_argument,) if metadata_argument else settings.metadata_urls
    got = metadata_http.fetch(urls, settings, kernel.nics, lambda text: None, bind=not metadata_argument)
    if isinstance(got, str):
        return json.dumps({"reason": got[:REASON_CHARACTERS]}).encode() + b"\n"
    provenance = {"location": got.provenance.location, "nics": got.provenance.nics}
    line = json.dumps({**provenance, "uuid": got.uuid, "properties": got.properties}).encode()
    if len(line) > LINE_BYTES:
        line = json.dumps({"reason": f"its property guest_routes has {len(got.properties):,} characters"}).encode()
    return line + b"\n" + got.data
