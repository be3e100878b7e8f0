"""Network configuration in files, as values: what cloud-init wrote, what becomes of it, and what is exported."""

from __future__ import annotations

from .namedtuple import NamedTuple
from .network import Address, Nic, Prefix, address_text

ORIGINALS = "/var/lib/guest-routes/originals"
"""What cloud-init wrote is kept below it, each file under its own path."""
CORRECTED = "/var/lib/guest-routes/corrected"
"""And what `correct` made of it: only a file that is still so is put back."""
NEXT = ".next"
"""Ends the name, there, of what `correct` is about to make of its own work."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal, TypeAlias

    from .decision import Elected, Resolved, Unresolved

    VerdictReason: TypeAlias = Literal[
        "resolved", "there-already", "no-file", "out-of-reach", "unresolved", "not-in-document",
        "no-longer-listed", "none-elected", "elected", "extra-default", "default-mode", "only-default",
        "other-table", "not-main", "in-other-line",
    ]  # fmt: skip
    """resolved: where its NIC is known it belongs there; there-already: and a file has it there; no-file: and no file
    of that NIC can take it; out-of-reach, unresolved: it has no NIC, and its own can't, or can, reach the next hop;
    no-longer-listed: it is not in the document, and `correct` itself had put it where it is; default-mode,
    only-default, other-table: an extra default that stays, since the settings say so, no file has the elected one,
    or it is main's, and the settings have another table; not-main: nothing of the document's;
    in-other-line: it has to move or go, and its line says something else, too."""


ExportNoteKind: TypeAlias = (
    "Literal['shares-mac', 'other-table', 'replaces-file', 'precedes-profiles', 'router-default', 'other-files', "
    "'source-dynamic', 'no-source-routing', 'first-next-hop', 'mtu-alone', 'unsayable-routes', 'no-leases', "
    "'unknown-routes', 'apply']"
)
"""shares-mac: the NIC is not exported; other-table: the routes are exported to the main table; replaces-file,
precedes-profiles: the manager reads the new file in place of another; router-default: the format can't stop the default
that a router advertises; other-files: routes in the manager's other files stay; source-dynamic: rules name
addresses that DHCP may change; no-source-routing: the format's tables can't be as ours; first-next-hop: of multipath
routes there it can say one; mtu-alone: of metrics the MTU; unsayable-routes: nor some others; no-leases: the document
omits the NICs' routes, and the machine that has their leases isn't running; unknown-routes: the same on one that runs,
where no lease has them; apply: how the files take effect."""


class ConfiguredRoute(NamedTuple):
    """One route that a file says, and the lines that say it and nothing else."""

    nic: Nic
    destination: Prefix
    gateway: Address
    path: str
    lines: tuple[int, ...]
    """Counted from 0; none where it is said in a line that says more."""
    in_main: bool = True
    """Whether it is for the main table, as all that cloud-init writes, and not for another one or a VRF's."""

    @property
    def family(self) -> int:
        """4 or 6."""
        return 4 if len(self.gateway) == 4 else 6

    def __str__(self) -> str:
        what = "default" if self.destination.is_default else str(self.destination)
        return f"{what} via {address_text(self.gateway)} dev {self.nic.name}"


class Place(NamedTuple):
    """Where further routes of a NIC and family can be put."""

    nic: Nic
    family: int
    path: str
    after: int
    """Behind this line."""
    indent: int = 0
    """Columns, where the form has any."""
    head: int = -1
    """The line that begins the list of routes; -1: there is none (yet)."""
    number: int = 0
    """The highest number of a route there, where the form has any."""
    takes: Literal["any", "host", "default"] = "any"
    """Which routes: the form may have another place for defaults."""


class ParsedConfig(NamedTuple):
    """What one file says."""

    path: str
    manager: str
    lines: tuple[str, ...]
    """With their ends."""
    routes: tuple[ConfiguredRoute, ...] = ()
    places: tuple[Place, ...] = ()
    heads: tuple[tuple[int, tuple[int, ...]], ...] = ()
    """Lines that go when all the lines that they are for go."""
    idle: tuple[tuple[int, int], ...] = ()
    """NICs, by ifindex, and families for which the manager makes none of a file's defaults, being switched off."""
    origin: Literal["cloud-init", "correct", "absent"] = "cloud-init"
    """Who has written it; absent: it isn't there but can be, and `lines` are those that it begins with. A file that
    `correct` has made goes with its last route."""
    calls_route: bool = False
    """ifupdown: it has commands of net-tools' `route`."""
    odd: str | None = None
    """Why it is left alone; None when it is as expected."""
    others: bool = False
    """It is left alone since it isn't cloud-init's, or is for no NIC of the document: nothing in it can be wrong."""

    @property
    def judged(self) -> tuple[ConfiguredRoute, ...]:
        """The routes that can be the document's; those of other tables are nobody's but the operator's."""
        return tuple(one for one in self.routes if one.in_main)


class RouteVerdict(NamedTuple):
    """What becomes of one route that a file has."""

    route: ConfiguredRoute
    verdict: Literal["kept", "moved", "removed", "left"]
    """left: wrong, but not put right."""
    reason: VerdictReason
    basis: Resolved | Unresolved | Elected | None = None
    """What was decided about its host route or its family's default."""
    to: Place | None = None
    """Where it moves; None also where it stands there already."""


class CorrectedFile(NamedTuple):
    """One file, before and after."""

    path: str
    manager: str
    before: str | None
    """None: it is not there."""
    after: str | None
    """None: it is not to be there."""
    calls_route: bool = False
    odd: str | None = None
    others: bool = False
    """The last three as in ParsedConfig."""


class Correction(NamedTuple):
    """Every file that was read, and every route in them."""

    files: tuple[CorrectedFile, ...]
    verdicts: tuple[RouteVerdict, ...]

    @property
    def changed(self) -> tuple[CorrectedFile, ...]:
        """The files that are to be written."""
        return tuple(one for one in self.files if one.before != one.after)

    @property
    def is_partial(self) -> bool:
        """Whether a route is left that is wrong and that no setting keeps, or a file that may have one."""
        unread = any(one.odd is not None and not one.others for one in self.files)
        return unread or any(one.reason in ("no-file", "only-default", "in-other-line") for one in self.verdicts)


class RewriteError(NamedTuple):
    """Why a file couldn't be read or written, or netplan's generator couldn't be run again."""

    kind: Literal["not-text", "unreadable", "untrusted", "unwritable", "not-kept", "not-run", "failed"]
    """not-text, unreadable, untrusted: it stays as it is; not-kept: the original can't be kept, or the file not
    replaced; not-run, failed: `netplan generate`."""
    path: str = ""
    """Of the file."""
    detail: str = ""
    """The system's words, those of the reader or of netplan; not-kept: a whole message."""


class Rewritten(NamedTuple):
    """What was found, and what was done about it."""

    correction: Correction
    written: bool
    """Changes were to be written, and were."""
    errors: tuple[RewriteError, ...] = ()
    refused: bool = False
    """A file could not be written, so that all of them stay as they were."""

    @property
    def exit_code(self) -> int:
        """1: something couldn't be read or written; 3: `--check` found something wrong; 5: something had to be left."""
        if self.errors or self.refused:
            return 1
        if self.correction.changed and not self.written:
            return 3
        return 5 if self.correction.is_partial else 0


class Reverted(NamedTuple):
    """What `correct --undo` has put back."""

    restored: tuple[str, ...]
    """Paths of files that are as cloud-init wrote them again."""
    left: tuple[str, ...] = ()
    """Paths of files that somebody has changed since."""
    errors: tuple[RewriteError, ...] = ()
    gone: tuple[str, ...] = ()
    """Paths of files that somebody has removed since."""
    lost: tuple[str, ...] = ()
    """Paths of files whose original somebody has removed, so that they stay as they are."""

    @property
    def exit_code(self) -> int:
        """0: every file is as cloud-init wrote it; 1: not every one."""
        return 1 if self.left or self.gone or self.lost or self.errors else 0


class ExportFile(NamedTuple):
    """One file to be written."""

    path: str
    text: str
    mode: int = 0o644


class ExportNote(NamedTuple):
    """What the files of an export leave out, or leave for people to do."""

    kind: ExportNoteKind
    nics: tuple[str, ...] = ()
    """Names of the NICs that it is about."""
    nic_kind: str = ""
    """shares-mac: vlan, bond or bridge."""
    table: int = 0
    """other-table: the settings' one."""
    path: str = ""
    """replaces-file, apply: the new file's path."""
    replaced: str = ""
    """replaces-file: the path of the file that it takes precedence over; "" when unknown."""
    format_name: str = ""
    """apply: the format."""


class Export(NamedTuple):
    """The files of one format, and what they leave for people to do."""

    files: tuple[ExportFile, ...]
    notes: tuple[ExportNote, ...] = ()


def profile_name(nic: str) -> str:
    """The name of the NetworkManager profile that is exported for a NIC."""
    return f"guest-routes {nic}"
