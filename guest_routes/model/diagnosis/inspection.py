"""What `doctor` sees and finds, as values."""

from __future__ import annotations

from ..namedtuple import NamedTuple
from .status import obstacle_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal, TypeAlias

    from ..configuration import Correction, RewriteError, RouteVerdict
    from ..decision import Binding
    from ..document import Provenance
    from ..evidence import Elsewhere
    from ..lease import Lease
    from ..network import Address, Lookup, Nic, Route, Rule
    from ..network_data import Problem
    from ..plan import Suspicion
    from ..report import Report, Unprogrammed
    from ..source_routing import SourceConflict
    from .status import ConflictRecord, Obstacle, StatusRecord, UnitState


class Holder(NamedTuple):
    """A network manager that says a NIC is its own."""

    manager: str
    ifindex: int
    state: str
    """Its own word: configured, configuring, failed, ...; "" where it has none."""
    file: str
    """The file it configured the NIC by; "" when it doesn't tell."""


class SourceAnswer(NamedTuple):
    """Where a packet from an address of a NIC to a host outside leaves."""

    source: Address
    destination: Address
    answer: Lookup
    against: SourceConflict | None = None
    """What speaks, or would speak, against source routing for it."""
    thrown: Route | None = None
    """The main table's route, which source routing leaves, or would leave, it to."""


class NicView(NamedTuple):
    """One NIC, from every side."""

    nic: Nic
    bindings: tuple[Binding, ...]
    """Its networks in the document, with their gateways and the evidence for them."""
    holders: tuple[Holder, ...]
    lease: Lease | None
    metadata: Provenance | str | None
    """Where the metadata service answers through it, or why it doesn't; None when it wasn't asked."""
    rp_filter: int
    """The reverse path filter in force: 0 none, 1 strict, 2 loose. Source: kernel, networking/ip-sysctl."""
    takes_routes: bool
    """systemd-networkd is configured to take a default route from a DHCP server for it."""
    ignored: bool = False
    """`ignore_nics` covers it."""
    answers: tuple[SourceAnswer, ...] = ()
    """One for each of its addresses, where it has a gateway."""


class Difference(NamedTuple):
    """One thing that another library reads otherwise than we do; which fields are set follows from its kind."""

    kind: Literal["extra-nic", "mac", "addresses", "missing-route", "extra-route", "unread"]
    """extra-, missing-: the library has what we don't have, or lacks what we have; unread: it failed."""
    nic: str = ""
    """Its name."""
    macs: tuple[str, ...] = ()
    """mac: as the library reads them."""
    mac: bytes = b""
    """mac: as we read it."""
    addresses: tuple[str, ...] = ()
    """addresses: those that only one of the two reads."""
    route: Route | None = None
    reason: str = ""
    """unread: why."""


class CrossCheck(NamedTuple):
    """What another library reads of the same."""

    library: str
    subject: Literal["NIC", "route"]
    """What it was asked for."""
    compared: int | None = None
    """How many; None when it isn't installed."""
    differences: tuple[Difference, ...] = ()


class Inspection(NamedTuple):
    """All that was looked at."""

    nics: tuple[NicView, ...]
    report: Report | None
    """A pass that wrote nothing; None where there is no metadata."""
    no_metadata: str
    """Why there is no metadata; "" when there is."""
    running: tuple[str, ...]
    """Managers and DHCP clients among the processes."""
    correction: Correction | None
    """What `correct` would do; None without metadata."""
    cross_checks: tuple[CrossCheck, ...]
    route_command: bool
    """Whether ifupdown's `route` command is installed."""
    unused: tuple[Problem | RewriteError, ...] = ()
    """Files that are damaged, or that others could have written, each with the reason why it is not used."""
    settings_problems: tuple[str, ...] = ()
    """What is wrong in the settings; what is right in them was used."""
    settings_hidden: bool = False
    """All that is wrong is that this user may not read them."""
    service: StatusRecord | None = None
    """The service's own record; None when there is none."""
    service_runs: bool = False
    unit: UnitState = ""
    withdrawn: bool = False
    """`withdraw` ran last: the service leaves the routes alone."""
    asks_http: bool = False
    """The metadata service is one of the settings' sources, and no other document was named."""
    enabled: bool = True
    """False: the settings switch everything off."""
    settings_unread: bool = False
    """The service goes by other settings than these."""
    service_overdue: bool = False
    """The service's process lives, and should have renewed its record."""

    @property
    def obstacle(self) -> Obstacle:
        """Why `sync` would make no pass."""
        return obstacle_of(self.settings_problems, self.settings_hidden, self.enabled)


FindingKind: TypeAlias = (
    "Literal['no-metadata', 'doubtful', 'routes-left', 'extra-default', 'missing-routes', 'not-programmed', "
    "'partial-document', 'two-managers', 'idle-manager', 'wrong-configuration', 'wrong-configuration-left', "
    "'no-route-command', 'not-configured', 'use-routes', 'dhcp-default', 'no-gateway', 'unread-lease', "
    "'rp-filter', 'cross-check', 'unused-file', 'settings-wrong', 'settings-hidden', 'metadata-unreachable', "
    "'service-ended', 'service-overdue', "
    "'service-not-running', 'service-not-enabled', 'conflict', 'withdrawn', 'source-routing', 'source-drift', "
    "'unused-drive', 'no-rule', 'settings-unread']"
)


class Finding(NamedTuple):
    """One thing to do something about; which fields are set follows from its kind."""

    kind: FindingKind
    nics: tuple[str, ...] = ()
    managers: tuple[str, ...] = ()
    state: str = ""
    """not-configured: the manager's own word."""
    route: Route | None = None
    """extra-default; no-rule: one of a table that no packet comes to."""
    rule: Rule | None = None
    """no-rule: what keeps all packets from the table; None where no rule looks it up."""
    stays: bool = False
    """extra-default: a pass leaves it, as `default_mode` says, since the document may be partial, or since it can't be
    given back, which `unprogrammed` says then."""
    missing: int = 0
    """missing-routes, source-drift; no-rule: of the same family."""
    verdicts: tuple[RouteVerdict, ...] = ()
    """wrong-configuration, wrong-configuration-left."""
    unprogrammed: tuple[Unprogrammed, ...] = ()
    """not-programmed."""
    suspicion: Suspicion | None = None
    """partial-document."""
    binding: Binding | None = None
    """no-gateway."""
    difference: Difference | None = None
    """cross-check; the library's name is in `managers`."""
    unused: Problem | RewriteError | None = None
    """unused-file; unused-drive: a config drive that was passed over."""
    conflict: ConflictRecord | None = None
    source_conflict: SourceConflict | None = None
    """source-routing."""
    elsewhere: Elsewhere | None = None
    """routes-left."""
    service_goes_on: bool = False
    """settings-wrong: the service makes passes with the settings that it has read before."""
    text: str = ""
    """no-metadata: every source's reason; settings-wrong, settings-hidden, doubtful: one problem;
    metadata-unreachable: what each NIC got for an answer, "" where none was asked."""
