"""Asks the metadata service in a short-lived, confined process; checks what that sends (R16).

It is a child, or a unit of systemd's whose answer the child passes on (confined_fetch.py). It sends a line of JSON,
then the document. The server that answered may have taken it over, so that its line is read as untrusted input.
"""

from __future__ import annotations

import os

from ...evidence.document_file import LIMIT_BYTES
from ...json_codec import loads
from ...model.document import PROPERTY_CHARACTERS, UUID_CHARACTERS, Document, Provenance, parse_property
from ...model.settings import Settings
from ...output.service_log import child_fault_text
from ...state.store import State
from .process import LINE_BYTES, Child

FIELDS = {"location", "nics", "uuid", "properties", "expected_uuid"}
"""Of the line before the document."""


def start(settings: Settings, state: State, metadata_argument: str = "") -> Child:
    """A child that asks each endpoint of the settings' URLs, or the one given URL, until the deadline.

    Raises:
        OSError: the system refuses a process.
    """
    parent = os.getpid()
    return Child(lambda: _ask(settings, state, metadata_argument, parent), LIMIT_BYTES + LINE_BYTES)


def parse_answer(answer: bytes) -> Document | str:
    """What the child has sent: a document, or why there is none, in printable characters."""
    line, newline, data = answer.partition(b"\n")
    if len(line) > LINE_BYTES:
        return child_fault_text("long-line")
    if not newline:
        return child_fault_text("ended")
    try:
        fields = loads(line)
        if "reason" in fields:
            return _printable(fields["reason"]) or child_fault_text("no-reason")
        if set(fields) != FIELDS:
            raise ValueError("other fields")
        provenance = Provenance("http", _printable(fields["location"]), tuple(map(_printable, fields["nics"])))
        uuid, properties, expected_uuid = (_printable(fields[name]) for name in ("uuid", "properties", "expected_uuid"))
        uuid, properties = uuid[: UUID_CHARACTERS + 1], properties[: PROPERTY_CHARACTERS + 1]
        return Document(data, provenance, 0.0, uuid, parse_property(properties), expected_uuid)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        return child_fault_text("invalid", type(error).__name__)


def _printable(value: object) -> str:
    """A text of the child's, fit for the log."""
    if not isinstance(value, str):
        raise TypeError("no text")
    return "".join(letter if letter.isprintable() else "?" for letter in value)


def _ask(settings: Settings, state: State, metadata_argument: str, parent: int) -> bytes:
    """What the child does."""
    from ...evidence.instance import KnownInstance, known_instance
    from ...kernel.open import open_kernel
    from .confined_fetch import fetch_confined, has_unit, relayed, request_for

    known = KnownInstance() if metadata_argument else known_instance(state, open_kernel("rtnetlink").nics())
    request = request_for(settings, known, metadata_argument)
    return relayed(request, LIMIT_BYTES + LINE_BYTES) if has_unit() else fetch_confined(request, parent)
