"""All that one pass saw, decided and did, as one value."""

from __future__ import annotations

from .decision import BY_CHOICE, NotElected, Resolution, Unresolved
from .namedtuple import NamedTuple
from .network import (
    LOOPBACK,
    MAIN_TABLE,
    OUR_PROTOCOL,
    UNICAST,
    Address,
    KernelState,
    Lookup,
    Prefix,
    Route,
    Rule,
    family_of,
    is_link_local,
)
from .operations import Outcome
from .plan import Decision, Plan, PlannedDefault, PlannedRoute

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal, TypeAlias

    from .decision import Election
    from .document import Document
    from .evidence import Evidence
    from .network_data import NetworkData, Problem
    from .plan import Suspicion
    from .source_routing import SourceConflict, SourceRoutingOutcome


class Overruled(NamedTuple):
    """A programmed destination that the kernel sends another way all the same (R8)."""

    destination: Prefix
    address: Address
    """The one that the kernel was asked for."""
    answer: Lookup
    by: Route | None = None
    """The route that wins; None where it is in no table that was read."""
    rule: Rule | None = None
    """The rule that leads to that route's table, or decides by itself; None where it is in the settings' table."""
    shares: bool = False
    """Both are next hops of one IPv6 route: each gets a part of the traffic."""


class ExtraDefault(NamedTuple):
    """A default route too many that could not be given back, and so isn't taken (R17)."""

    route: Route


class Discrepancy(NamedTuple):
    """A route that the second snapshot has, or lacks, against the plan (R8)."""

    kind: Literal["missing", "still-there"]
    route: Route


class RolledBack(NamedTuple):
    """The pass did harm, so that the old state was put back (R8)."""

    cause: Literal["not-put-back", "metadata-unreachable"]
    """not-put-back: the kernel refused a route of ours that had to be moved."""
    refused: int = 0
    """So many operations of the way back were refused."""
    kept: int = 0  # defaults of ours that stay, since there would be none without them (R7)


PassError: TypeAlias = "Discrepancy | RolledBack"
Unprogrammed: TypeAlias = "Problem | NotElected | Unresolved | PlannedRoute | Overruled | ExtraDefault"
"""What of the document is not so in the kernel: refused, not elected, not resolved, shadowed, overruled, or not the
only default."""


class Report(NamedTuple):
    """All that a pass saw, decided and did."""

    evidence: Evidence
    decision: Decision
    after: KernelState
    """The second snapshot; the first one when nothing was written."""
    outcome: Outcome = Outcome()
    overruled: tuple[Overruled, ...] = ()
    errors: tuple[PassError, ...] = ()
    """Why the pass failed; () when it didn't."""
    state_errors: tuple[str, ...] = ()
    """What could not be kept for later passes."""
    source_outcome: SourceRoutingOutcome | None = None
    """What came of source routing's operations, and of the kernel's lookups (R21); None where there were none."""
    unrecorded: bool = False
    """No default route was taken away, since none could be recorded."""
    table: int = MAIN_TABLE
    """Where routes of ours are, and by which protocol they are known."""
    protocol: int = OUR_PROTOCOL
    set_aside: bool = False
    """Nothing of the document was done: it may be partial, and the last known good stays in force."""

    @property
    def document(self) -> Document:
        """What was found."""
        return self.evidence.document

    @property
    def data(self) -> NetworkData:
        """What it says."""
        return self.evidence.data

    @property
    def before(self) -> KernelState:
        """The first snapshot."""
        return self.evidence.kernel

    @property
    def resolution(self) -> Resolution:
        """Each host route with its NIC, or the reason why it has none."""
        return self.decision.resolution

    @property
    def elections(self) -> tuple[Election, ...]:
        """Each family's default."""
        return self.decision.elections

    @property
    def plan(self) -> Plan:
        """What was written, or would be."""
        return self.decision.plan

    @property
    def suspicion(self) -> Suspicion | None:
        """Why nothing is withdrawn on this document's word (R6)."""
        return self.decision.suspicion

    @property
    def exit_code(self) -> int:
        """See docs/man/guest-routes.8."""
        if self.errors or self.outcome.failures or self.source_routing_failed:
            return 1
        if not self.data.networks and self.suspicion:
            return 4
        if self.state_errors:
            return 1
        return 5 if self.unprogrammed or self.source_conflicts else 0

    @property
    def source_routing_failed(self) -> bool:
        """Whether the kernel refused a part of it, or lacks one after the pass."""
        outcome = self.source_outcome
        return outcome is not None and bool(outcome.failures or outcome.remaining or outcome.rolled_back)

    @property
    def source_conflicts(self) -> tuple[SourceConflict, ...]:
        """Why packets of some NIC don't, or may not, leave by it."""
        plan, outcome = self.decision.source_routing, self.source_outcome
        return (*(plan.conflicts if plan else ()), *(outcome.overruled if outcome else ()))

    @property
    def unprogrammed(self) -> tuple[Unprogrammed, ...]:
        """Each route of the document that is not programmed, with the reason."""
        return (
            *self.decision.unprogrammable,
            *[one for one in self.plan.routes if one.verdict == "shadowed" and one.competitor],
            *(ExtraDefault(route) for one in self.plan.defaults for route in one.unwritable),
            *self.overruled,
        )

    @property
    def changes(self) -> int:
        """How many operations there are, source routing's among them."""
        by_source = self.decision.source_routing
        return len(self.plan.additions) + len(self.plan.removals) + (len(by_source.operations) if by_source else 0)


class Withdrawal(NamedTuple):
    """What `withdraw` did."""

    plan: Plan
    outcome: Outcome
    before: KernelState
    after: KernelState
    left: tuple[Route, ...] = ()
    """Routes of ours that are still there."""
    state_errors: tuple[str, ...] = ()
    """What could not be kept, or forgotten, for later passes."""
    source_outcome: SourceRoutingOutcome | None = None

    @property
    def exit_code(self) -> int:
        """0, or 1 when something was refused, is left, or could not be kept."""
        by_source = self.source_outcome is not None and self.source_outcome.failures
        return 1 if self.outcome.failures or self.left or self.state_errors or by_source else 0


class NotMade(NamedTuple):
    """Something of a document that a rehearsal's private network has otherwise, or not; fields follow from the kind."""

    kind: Literal[
        "port-missing",
        "kind-refused",
        "infiniband",
        "link-missing",
        "no-address",
        "address-refused",
        "route-refused",
        "no-carrier",
    ]
    """port-missing, kind-refused, infiniband: a plain NIC stands in for a bond, VLAN or InfiniBand port; link-missing:
    the network has no NIC."""
    place: str = ""
    """`links[0]`, `networks[0]`, `networks[0].routes[1]`."""
    nic: str = ""
    """port-missing, kind-refused, infiniband: its name."""
    mac: bytes = b""
    """infiniband: the MAC that it has instead, six bytes long."""
    link: str = ""
    """port-missing, link-missing: the id that no link of the document has."""
    address: Prefix | None = None
    route: Route | None = None
    error: str = ""
    """The kernel's words, where it refused."""


class Rehearsal(NamedTuple):
    """What a pass did in a private network."""

    report: Report
    notes: tuple[NotMade, ...]
    """What of the document could not be made, or was refused before the pass."""
    before: KernelState
    """The NICs and routes as cloud-init would leave them."""
    after: KernelState


class Explanation(NamedTuple):
    """What `explain` shows."""

    asked: Prefix
    planned: PlannedRoute | None
    """The host route that serves it: the longest prefix that covers it."""
    unresolved: tuple[Unresolved, ...]
    """Host routes that cover it and are not programmed."""
    answer: Lookup
    """The kernel's own way now."""
    report: Report
    nearer: Route | None = None
    """A route of the kernel's or of another program that is more specific than any of ours: its own subnet, say."""

    @property
    def default(self) -> PlannedDefault | None:
        """The default route of its family."""
        family = family_of(self.asked.address)
        return next((one for one in self.report.plan.defaults if one.family == family and one.route), None)

    @property
    def not_elected(self) -> NotElected | None:
        """Why its family has no default route, where one is documented."""
        family = family_of(self.asked.address)
        missed = (one for one in self.report.elections if isinstance(one, NotElected) and one.wanted)
        return next((one for one in missed if one.family == family), None)

    @property
    def route(self) -> Route | None:
        """The route that should serve it; None when that is not ours to say."""
        if self.nearer is not None:
            return self.nearer
        if self.planned is not None:
            return self.planned.route
        return self.default.route if self.default else None

    @property
    def next_hops(self) -> tuple[tuple[int, Address | None], ...]:
        """The ifindex and gateway of each next hop of that route, each once; () where it leads nowhere."""
        route = self.route
        if route is None or route.kind not in (UNICAST, 0):  # 0: one that can't be written back.
            return ()
        hops = [(hop.ifindex, hop.gateway) for hop in route.nexthops] or [(route.ifindex, route.gateway)]
        return tuple(dict.fromkeys(hops))

    @property
    def as_wanted(self) -> bool:
        """Whether the kernel sends it the way that was decided; for a default any router on its NIC is one (R4).

        What a route drops (`unreachable`, say) goes no way.
        """
        route, answer = self.route, self.answer
        advertised = route is not None and route.destination.is_default and is_link_local(answer.gateway)
        return any(nic == answer.ifindex and (advertised or hop == answer.gateway) for nic, hop in self.next_hops)

    @property
    def exit_code(self) -> int:
        """0: as wanted, or this machine's own address; 1: not, or a host route that would serve it isn't programmed."""
        if self.answer.ifindex == LOOPBACK:
            return 0
        length = self.planned.route.destination.length if self.planned else 0
        missed = any(one.host.destination.length >= length and one.kind not in BY_CHOICE for one in self.unresolved)
        return 0 if self.as_wanted and not missed else 1
