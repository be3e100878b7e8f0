"""What `doctor` sees and finds, as values."""

from __future__ import annotations

from .namedtuple import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal, TypeAlias

    from .configuration import Correction, RouteVerdict
    from .decision import Binding
    from .document import Provenance
    from .lease import Lease
    from .network import Nic, Route
    from .report import Report, Unprogrammed


class Holder(NamedTuple):
    """A network manager that says a NIC is its own."""

    manager: str
    ifindex: int
    state: str
    """Its own word: configured, configuring, failed, ...; "" where it has none."""
    file: str
    """The file it configured the NIC by; "" when it doesn't tell."""


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


class CrossCheck(NamedTuple):
    """What another library reads of the same."""

    library: str
    what: str
    """ "12 routes"; "" when it isn't installed."""
    differs: tuple[str, ...]


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


FindingKind: TypeAlias = (
    "Literal['no-metadata', 'extra-default', 'missing-routes', 'not-programmed', 'two-managers', 'idle-manager', "
    "'rendered', 'rendered-left', 'no-route-command', 'not-configured', 'use-routes', 'dhcp-default', 'no-gateway', "
    "'rp-filter', 'second-opinion']"
)


class Finding(NamedTuple):
    """One thing to do something about; which fields are set follows from its kind."""

    kind: FindingKind
    nics: tuple[str, ...] = ()
    managers: tuple[str, ...] = ()
    state: str = ""
    """not-configured: the manager's own word."""
    route: Route | None = None
    """extra-default."""
    missing: int = 0
    """missing-routes."""
    verdicts: tuple[RouteVerdict, ...] = ()
    """rendered, rendered-left."""
    unprogrammed: tuple[Unprogrammed, ...] = ()
    """not-programmed."""
    binding: Binding | None = None
    """no-gateway."""
    text: str = ""
    """no-metadata: every source's reason; second-opinion: what differs, with the library's name in `managers`."""
