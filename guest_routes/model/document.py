"""One fetched or found network_data.json, with what came beside it, as a value; or why there is none."""

from __future__ import annotations

from .namedtuple import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal, TypeAlias

    from .network_data import Problem

Source: TypeAlias = "Literal['http', 'config-drive', 'last-known-good', 'cloud-init', 'argument', 'leases']"
"""One of settings.DOCUMENT_SOURCES; "argument" for --metadata; "leases" where there is none and leases replace it."""
ProgressKind: TypeAlias = "Literal['no-nic', 'asked', 'config-drive', 'each-nic']"
"""No NIC to ask through yet; hosts were asked; a drive is read; each NIC is asked through at once (doctor)."""


UUID_CHARACTERS = 64
"""The longest uuid of an instance; Nova's have 36."""
PROPERTY_CHARACTERS = 16 * 1024
"""The longest property guest_routes, as JSON text; Nova keeps 255 characters of a property."""


class Provenance(NamedTuple):
    """Where a document was found."""

    source: Source
    location: str = ""
    """A URL, a path, a block device; "-" for standard input; "" for leases."""
    nics: tuple[str, ...] = ()
    """The NIC that an answer came through; the NICs whose leases replace a document."""
    first: Provenance | None = None
    """Of a document that was kept: where it was found at first."""


class Progress(NamedTuple):
    """What the search for a document, or a question through each NIC, waits for now."""

    kind: ProgressKind
    device: str = ""
    """Of a config drive: the block device that is read."""
    hosts: tuple[str, ...] = ()
    """Asked so far, without brackets."""
    nics: tuple[str, ...] = ()
    """Asked through so far."""
    waited_seconds: float = 0.0
    deadline_seconds: float = 0.0


class ServerProperty(NamedTuple):
    """The property guest_routes of the instance, as a meta_data.json has it."""

    known: bool = False
    """There was a meta_data.json."""
    json: str | None = None
    """Its value as JSON text; None where it isn't set, or unknown. One that is too long is cut off behind the limit."""

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
    """The instance's uuid in the meta_data.json beside it; "" when unknown. One that is too long is cut off behind the
    limit, so that it is nobody's."""
    properties: ServerProperty = ServerProperty()
    """In that meta_data.json."""
    expected_uuid: str = ""
    """The uuid of this instance, where the document names another or none, and nothing better answered (R11)."""
    passed_over: tuple[tuple[str, str], ...] = ()
    """The sources that go before this one and had no document, each with why: http, "no answer within 10 s"."""
    unused: tuple[Problem, ...] = ()
    """The config drives that were passed over, and what beside a named file was, each with the reason."""

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
    checksum: tuple[int, ...] = ()
    """The document's length and CRC-32."""


class LastKnownGood(NamedTuple):
    """The last accepted document, and what was kept beside it."""

    data: bytes
    known: Known


class OtherInstance(NamedTuple):
    """Why what was kept is not of this instance."""

    kind: Literal["machine", "instance", "no-macs", "macs", "unproven"]
    """machine, instance: its uuid is another; no-macs: it describes no NIC; macs: no NIC of this machine; unproven: a
    NIC more than this machine has, and neither the DMI uuid nor the boot proves that the machine is the same."""
    kept: str = ""
    """machine, instance: the uuid kept."""
    here: str = ""
    """machine, instance: this one's."""
    macs: tuple[bytes, ...] = ()
    """macs, unproven: those that no NIC here has."""


class Unusable(NamedTuple):
    """Why no last known good document can be used."""

    kind: UnusableKind
    path: str
    detail: str = ""
    """not-permitted, unreadable: the system's words, or why the file isn't trusted; other-version: its schema."""
    lengths: tuple[int, str] = (0, "")
    """cut-off: the document's bytes, and how many its header says, as text."""
    other: OtherInstance | None = None
    """other-instance."""

    @property
    def faulty(self) -> bool:
        """Whether it is damaged, or others could have written it, so that somebody should look."""
        return self.kind in ("unreadable", "cut-off", "no-header")


UnusableKind: TypeAlias = (
    "Literal['absent', 'not-permitted', 'unreadable', 'other-version', 'cut-off', 'no-header', 'other-instance']"
)
"""absent: none was kept; not-permitted: an ordinary user may not read it; unreadable: nor may root, or others could
have written it; cut-off: its length or checksum is wrong; no-header: its first line is not ours."""


class NoDocument(NamedTuple):
    """Why a place that was looked at has no document."""

    kind: Literal[
        "no-lease",
        "no-drive",
        "scheme",
        "user",
        "too-large",
        "empty-input",
        "no-copy",
        "no-network-json",
        "no-object",
        "settings-wrong",
        "settings-hidden",
    ]
    """settings-wrong, settings-hidden: what is wanted is not known, or not to this user; empty-input: nothing comes
    from standard input; scheme, user: --metadata names a URL that is neither http nor https, or has a
    user name; no-copy: none of cloud-init's files has one, each for a reason of its own; no-network-json, no-object:
    one of these files."""
    path: str = ""
    """no-network-json, no-object."""
    problems: tuple[Problem, ...] = ()
    """no-lease: the files of leases that can't be used; no-drive: the config drives."""
    clients: tuple[str, ...] = ()
    """no-lease: whose leases were looked for."""
    limit_bytes: int = 0
    """too-large."""
    found: str = ""
    """no-object: what stands there."""
    each: tuple[Missing, ...] = ()
    """no-copy."""


Missing: TypeAlias = "NoDocument | Unusable | str"
"""Why a source has no document; text where only its reader knows: an answer, a drive or a file that can't be used."""
