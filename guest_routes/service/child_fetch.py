"""Asks the metadata service in a short-lived, confined child process; checks what the child sends (R16).

The child sends a line of JSON, then the document. The server that answered may have taken the child over, so that
its line is read as untrusted input.
"""

from __future__ import annotations

from ..evidence.document_file import LIMIT_BYTES
from ..json_codec import dumps, loads
from ..model.document import Document, Provenance, parse_property
from ..model.settings import Settings
from ..output.service_log import child_fault_text, not_confined_text
from ..state.store import State
from .child import Child

LINE_BYTES = 16 * 1024
"""The longest line before the document."""
STACK_BYTES = 1 << 20
"""Of each thread of the child's."""
GRACE_SECONDS = 2.0
"""What a child gets beyond the deadline, for its start and its end."""
REASON_CHARACTERS = 4096
FIELDS = {"location", "nics", "uuid", "properties", "contradicts"}
"""Of the line before the document."""


def start(settings: Settings, state: State, metadata_argument: str = "") -> Child:
    """A child that asks each endpoint of the settings' URLs, or the one given URL, until the deadline.

    Raises:
        OSError: the system refuses a process.
    """
    return Child(lambda: _ask(settings, state, metadata_argument), LIMIT_BYTES + LINE_BYTES)


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
        uuid, properties, contradicts = (_printable(fields[name]) for name in ("uuid", "properties", "contradicts"))
        return Document(data, provenance, 0.0, uuid, parse_property(properties), contradicts)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        return child_fault_text("invalid", type(error).__name__)


def _printable(value: object) -> str:
    """A text of the child's, fit for the log."""
    if not isinstance(value, str):
        raise TypeError("no text")
    return "".join(letter if letter.isprintable() else "?" for letter in value)


def _ask(settings: Settings, state: State, metadata_argument: str) -> bytes:
    """What the child does."""
    from ..evidence import http as metadata_http
    from ..evidence.instance import KnownInstance, known_instance
    from ..kernel.open import open_kernel
    from .privileges import confine

    # Files are read before the privileges go: only this user may be permitted to read them.
    try:
        metadata_http.load()
    except ImportError as error:
        return framed(f"{error}; install requests (Debian's python3-requests)")
    kernel = open_kernel("rtnetlink")
    nics = kernel.nics()
    known = KnownInstance() if metadata_argument else known_instance(state, nics)
    urls = (metadata_argument,) if metadata_argument else settings.metadata_urls
    threads = min(len(urls) * len(nics), metadata_http.MOST_AT_ONCE)
    try:
        confine(threads * STACK_BYTES)
    except OSError as error:
        return framed(not_confined_text(error))
    try:
        metadata_http.set_stack_size(STACK_BYTES)
        return framed(metadata_http.fetch(urls, settings, kernel.nics, lambda text: None, not metadata_argument, known))
    except Exception as error:  # noqa: BLE001  # standard error is closed: only the reason can be passed on
        return framed(child_fault_text("failed", f"{type(error).__name__}: {error}"))


def framed(got: Document | str) -> bytes:
    """What the child sends of a fetch: the line, and the document if there is one."""
    if isinstance(got, str):
        return dumps({"reason": got[:REASON_CHARACTERS]}).encode() + b"\n"
    provenance = {"location": got.provenance.location, "nics": got.provenance.nics}
    about = {"uuid": got.uuid, "properties": str(got.properties), "contradicts": got.contradicts}
    line = dumps({**provenance, **about}).encode()
    if len(line) > LINE_BYTES:
        line = dumps({"reason": f"its property guest_routes has {len(str(got.properties)):,} characters"}).encode()
    return line + b"\n" + got.data
