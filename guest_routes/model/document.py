"""One fetched or found network_data.json, with what came beside it, as a value."""

from __future__ import annotations

from .namedtuple import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal, TypeAlias

Source: TypeAlias = "Literal['http', 'config-drive', 'last-known-good', 'cloud-init', 'argument', 'leases']"
"""One of settings.DOCUMENT_SOURCES; "argument" for --metadata; "leases" where there is none and leases replace it."""


class Provenance(NamedTuple):
    """Where a document was found."""

    source: Source
    location: str = ""
    """A URL, a path, a block device; "-" for standard input; "" for leases."""
    nics: tuple[str, ...] = ()
    """The NIC that an answer came through; the NICs whose leases replace a document."""
    first: Provenance | None = None
    """Of a document that was kept: where it was found at first."""


class ServerProperty(NamedTuple):
    """The property guest_routes of the instance, as a meta_data.json has it."""

    known: bool = False
    """There was a meta_data.json."""
    json: str | None = None
    """Its value as JSON text; None where it isn't set, or unknown."""

    def __str__(self) -> str:
        return "" if not self.known else "null" if self.json is None else self.json


def parse_property(text: str) -> ServerProperty:
    """What `str` made of a ServerProperty."""
    return ServerProperty(text != "", None if text in ("", "null") else text)


class Document(NamedTuple):
    """A network_data.json as it came, and from where."""

    data: bytes
    provenance: Provenance
    age_seconds: float = 0.0
    """0 for what came over HTTP just now."""
    uuid: str = ""
    """The instance's uuid in the meta_data.json beside it; "" when unknown."""
    properties: ServerProperty = ServerProperty()
    """In that meta_data.json."""
    contradicts: str = ""
    """The uuid of this instance, where the document is another's by its uuid and nothing better answered (R11)."""

    passed_over: tuple[str, ...] = ()
    """The sources that go before this one and had no document, each with its reason: "http: no answer within 10 s"."""

    @property
    def source(self) -> Source:
        """What kind of place it is from."""
        return self.provenance.source


class Known(NamedTuple):
    """What was kept beside the last accepted document."""

    provenance: Provenance
    """Where it was found at first."""
    fetched: float
    """When it was last known to be current, in seconds since the epoch."""
    uuid: str = ""
    """The instance's; "" when unknown."""
    macs: tuple[bytes, ...] = ()
    """Those that the document describes."""
    properties: ServerProperty = ServerProperty()
    """In the meta_data.json beside it."""


class LastKnownGood(NamedTuple):
    """The last accepted document, and what was kept beside it."""

    data: bytes
    known: Known
