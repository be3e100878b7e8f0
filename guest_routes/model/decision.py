"""What a pass decides, as values: networks on NICs, next hops resolved, defaults elected, routes planned.

No words here: kinds and what they are about. output/reasons.py makes sentences of them.
"""

from __future__ import annotations

from .namedtuple import NamedTuple
from .network import (
    Address,
    Nic,
    Prefix,
    Route,
    family_of,
    is_link_local,
    network_of,
)
from .network_data import HostRoute, Link, Network, Problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal, TypeAlias

    from .evidence import GatewayEvidence
    from .operations import Operation
    from .settings import Selector


class Binding(NamedTuple):
    """One network of the document (or a NIC that only the settings name), its NIC and its gateway."""

    network: Network | None
    link: Link | None
    nic: Nic | None
    """None: no NIC with that MAC is present, or `ignore_nics` covers it."""
    gateway: Address | None = None
    evidence: GatewayEvidence | None = None
    """Where the gateway is known from; None where there is none."""
    ignored: str = ""
    """The NIC's name, when `ignore_nics` covers it."""

    @property
    def family(self) -> int:
        """4 or 6."""
        if self.network is not None:
            return self.network.family
        return 4 if self.gateway is not None and len(self.gateway) == 4 else 6

    @property
    def addressed(self) -> bool:
        """Whether the NIC has an address of the family, so that packets through it have one to come from."""
        own = self.nic.addresses if self.nic else ()
        return any(family_of(a.address) == self.family and not is_link_local(a.address) for a in own)

    def is_usable(self, unaddressed: bool = False) -> bool:
        """Whether routes can lead through the NIC: it is present and up, and has an address unless that may come."""
        return self.nic is not None and self.nic.up and (unaddressed or self.addressed)

    @property
    def subnets(self) -> tuple[Prefix, ...]:
        """The network's subnet as described, and those the NIC really has."""
        documented = [network_of(self.network.address)] if self.network and self.network.address else []
        present = [network_of(address) for address in self.nic.addresses] if self.nic else []
        return tuple(dict.fromkeys([*documented, *present]))

    def chosen_by(self, selector: Selector) -> bool:
        """Whether the selector means this one."""
        if selector.mac:
            return selector.mac in ((self.nic.mac if self.nic else b""), (self.link.mac if self.link else b""))
        if selector.network:
            return self.network is not None and selector.network in (self.network.id, self.network.network_id)
        if selector.subnet is not None:
            return network_of(selector.subnet) in self.subnets
        return self.nic is not None and self.nic.name == selector.nic


# ---- host routes --------------------------------------------------------------------------------------


class ResolvedNextHop(NamedTuple):
    """A NIC and the gateway through it that a next hop stands for; shared by all routes with that next hop."""

    nic: Nic
    gateway: Address
    evidence: GatewayEvidence | None = None
    """Why it is the NIC's gateway; None under `next_hops: on-link`."""
    subnet: Prefix | None = None
    """The NIC's subnet that it is in, under `next_hops: on-link`."""
    onlink: bool = False
    """R14: it is outside every prefix of the NIC."""
    shared_with: tuple[str, ...] = ()
    """Names of other NICs that have the same gateway address."""


class Resolved(NamedTuple):
    """A host route with its NIC."""

    host: HostRoute
    next_hop: ResolvedNextHop


UnresolvedKind: TypeAlias = (
    "Literal['not-a-gateway', 'no-subnet', 'unknown-gateway', 'absent', 'down', 'no-address', 'refused', "
    "'conflict', 'overridden', 'ignored']"
)
BY_CHOICE = ("ignored", "overridden")
"""Kinds of Unresolved that the settings ask for: no reason for exit code 5."""


class Unresolved(NamedTuple):
    """A host route that is not programmed, and why (R3)."""

    host: HostRoute
    kind: UnresolvedKind
    binding: Binding | None = None
    """absent, down, no-address: whose gateway the next hop is; not-a-gateway, unknown-gateway: the NIC whose subnet it
    is in; ignored: the NIC that ignore_nics covers, None where ignore_destinations covers the destination."""
    subnet: Prefix | None = None
    """not-a-gateway, unknown-gateway: that subnet."""
    gateways: tuple[Binding, ...] = ()
    """no-subnet: those that have a gateway of the family."""
    winner: HostRoute | None = None
    """conflict, overridden: the host route that is used."""
    own: Literal["", "next-hop", "address", "subnet"] = ""
    """refused: what of the route is an address or subnet of this machine itself."""
    owner: str = ""
    """refused: whose that is, a NIC's name or `networks[0]`."""


class Override(NamedTuple):
    """A host route that gives way to another of the same destination, with another next hop."""

    host: HostRoute
    chosen: HostRoute


class Note(NamedTuple):
    """Something odd in the host routes that changes nothing."""

    kind: Literal["duplicate", "one-nic"]
    host: HostRoute | None = None
    first: HostRoute | None = None
    """duplicate: the one that says the same."""


class Resolution(NamedTuple):
    """All host routes, each with a NIC or a reason; and the bindings they were resolved by."""

    bindings: tuple[Binding, ...]
    resolved: tuple[Resolved, ...]
    unresolved: tuple[Unresolved, ...]
    notes: tuple[Note, ...] = ()
    overrides: tuple[Override, ...] = ()


# ---- defaults -----------------------------------------------------------------------------------------


class Elected(NamedTuple):
    """The NIC and gateway that the family's default route should have."""

    family: int
    binding: Binding
    nic: Nic
    gateway: Address
    onlink: bool
    selector: Selector | None = None
    """The settings' choice; None: the first usable network."""
    waiting: tuple[Binding, ...] = ()
    """Networks before it whose NIC has no address yet."""


NotElectedKind: TypeAlias = "Literal['no-gateway', 'no-network', 'absent', 'down', 'no-address', 'unknown-gateway']"


class NotElected(NamedTuple):
    """No default can be chosen, so those of the kernel are left as they are."""

    family: int
    kind: NotElectedKind
    """no-gateway: no network offers one. The others: why the settings' choice can't be had."""
    selector: Selector | None = None
    binding: Binding | None = None
    """The network that the selector means."""
    wanted: bool = False
    """The settings ask for one that isn't to be had, though the family has gateways."""


Election: TypeAlias = "Elected | NotElected"


# ---- the plan -----------------------------------------------------------------------------------------


class PlannedRoute(NamedTuple):
    """What becomes of one resolved host route."""

    verdict: Literal["add", "kept", "adopted", "shadowed"]
    """kept: ours, in place; adopted: another program's, equal; shadowed: another wins (R5)."""
    route: Route
    """The route that serves it, in place or to be added; when shadowed, the one that ought to."""
    resolved: Resolved
    competitor: Route | None = None
    """The best route of another program to the same destination that is not equal."""


DefaultVerdict: TypeAlias = "Literal['add', 'kept', 'adopted', 'observed', 'left']"


class PlannedDefault(NamedTuple):
    """What becomes of one family's default routes."""

    election: Election
    verdict: DefaultVerdict
    """observed: default_mode; left: none is elected."""
    route: Route | None = None
    """The elected default, in place or to be added."""
    extras: tuple[Route, ...] = ()
    """Others through NICs of the metadata: removed, demoted, or only reported (mode observe)."""
    outside: tuple[Route, ...] = ()
    """Through NICs that the metadata doesn't describe: never touched."""
    additions: tuple[Operation, ...] = ()
    removals: tuple[Operation, ...] = ()

    @property
    def family(self) -> int:
        """4 or 6."""
        return self.election.family


class Plan(NamedTuple):
    """What should be written, in order: all of `additions`, then `removals`."""

    additions: tuple[Operation, ...] = ()
    removals: tuple[Operation, ...] = ()
    routes: tuple[PlannedRoute, ...] = ()
    defaults: tuple[PlannedDefault, ...] = ()
    """One for each family that has a default route, or should have one."""
    held: tuple[Route, ...] = ()
    """Ours that are wanted no more, and stay because the document may be partial (R6)."""

    @property
    def operations(self) -> tuple[Operation, ...]:
        """Additions, then removals."""
        return self.additions + self.removals


class Suspicion(NamedTuple):
    """Why a document may be partial, so that nothing is withdrawn on its word (R6)."""

    kind: Literal["no-networks", "nics-lost", "routes-omitted", "many-routes"]
    nics: tuple[tuple[str, bytes], ...] = ()
    """nics-lost: name and MAC of present NICs that it no longer describes."""
    bindings: tuple[Binding, ...] = ()
    """routes-omitted: the networks whose routes it omits."""
    gone: int = 0
    """So many routes of ours would go,"""
    ours: int = 0
    """of so many."""


class Decision(NamedTuple):
    """Everything decided on one Evidence and the settings."""

    resolution: Resolution
    elections: tuple[Election, ...]
    plan: Plan
    problems: tuple[Problem, ...] = ()
    """Those of the evidence."""
    suspicion: Suspicion | None = None
    """Why nothing is withdrawn on the document's word."""
    disputed: bool = False
    """The document looks partial, whether or not it has come often enough, or was told, to be believed."""

    @property
    def unprogrammable(self) -> tuple[Problem | NotElected | Unresolved, ...]:
        """Each route of the evidence that can't be programmed, with the reason."""
        return (
            *(one for one in self.problems if one.refused),
            *(one for one in self.elections if isinstance(one, NotElected) and one.wanted),
            *(one for one in self.resolution.unresolved if one.kind not in BY_CHOICE),
        )
