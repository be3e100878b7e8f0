"""Why there is no document, as values. output/words/evidence.py makes words of them."""

from __future__ import annotations

from .namedtuple import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal, TypeAlias

    from .network_data import Problem


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
        "no-lease", "scheme", "too-large", "empty-input", "no-copy", "no-network-json", "no-object", "settings-wrong"
    ]
    """settings-wrong: nobody can say which is wanted; empty-input: nothing comes from standard input; scheme:
    --metadata names a URL that is neither http nor https; no-copy: none of cloud-init's files has one, each for a
    reason of its own; no-network-json, no-object: one of these files."""
    path: str = ""
    """no-network-json, no-object."""
    problems: tuple[Problem, ...] = ()
    """no-lease: the files of leases that can't be used."""
    limit_bytes: int = 0
    """too-large."""
    found: str = ""
    """no-object: what stands there."""
    each: tuple[Missing, ...] = ()
    """no-copy."""


Missing: TypeAlias = "NoDocument | Unusable | str"
"""Why a source has no document; text where only its reader knows: an answer, a drive or a file that can't be used."""
