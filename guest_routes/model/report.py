"""All that one pass saw, decided and did, as one value."""

from __future__ import annotations

from .decision import Elected, NotElected, Resolution, Unresolved
from .namedtuple import NamedTuple
from .network import (
    MAIN_TABLE,
    OUR_PROTOCOL,
    Address,
    KernelState,
    Lookup,
    Prefix,
    Route,
    Rule,
)
from .operations import Outcome
from .plan import Decision, Plan, PlannedDefault, PlannedRoute

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal, TypeAlias

    from .decision import Election
    from .document import Document
    from .evidence import Evidence
    from .network import Nic
    from .network_data import NetworkData, Problem
    from .plan import NotRestored, Suspicion
    from .source_routing import SourceConflict, SourceRoutingOutcome


KEPT_TEXTS = 20
"""So many texts of a kind are kept of a pass."""


class Overruled(NamedTuple):
    """A destination, programmed or about to be, that the kernel sends another way all the same (R8)."""

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
    unruled: bool = False
    """No packet comes to the table: no rule of the family looks it up, or one keeps all from it."""
    pending: bool = False
    """The route isn't there yet: a pass adds it, and is known not to change what wins."""

    @property
    def by_rules(self) -> bool:
        """Whether the rules decide, whatever the settings' table holds."""
        return self.rule is not None or self.unruled


class ExtraDefault(NamedTuple):
    """A default route too many that could not be given back, and so isn't taken (R17)."""

    route: Route
    displaced: bool = False
    """It would come back behind another one of its metric."""


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
Unprogrammed: TypeAlias = "Problem | NotElected | Unresolved | PlannedRoute | PlannedDefault | Overruled | ExtraDefault"
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
    def observed(self) -> tuple[Elected, ...]:
        """The elected defaults that are neither there nor added: as `default_mode` says (R4), or by R6."""
        planned = {one.family for one in self.plan.defaults if one.route is not None}
        return tuple(one for one in self.elections if isinstance(one, Elected) and one.family not in planned)

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
            *(one for one in self.plan.shadowed if one.competitor),
            *(one for one in self.plan.defaults if one.verdict == "shadowed"),
            *(ExtraDefault(route, route in one.displaced) for one in self.plan.defaults for route in one.unwritable),
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
    absent: tuple[Nic, ...] = ()
    """NICs of recorded defaults that are not there, with the index and name that they had."""

    def nics_of(self, one: NotRestored) -> tuple[Nic, ...]:
        """Those that a recorded default is shown with."""
        return (*self.before.nics, *self.absent) if one.reason == "nic-absent" else self.before.nics

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
        "mac-refused",
        "link-missing",
        "link-refused",
        "no-address",
        "address-refused",
        "route-refused",
        "no-carrier",
    ]
    """port-missing, kind-refused, infiniband: a plain NIC stands in for a bond, VLAN or InfiniBand port; mac-refused,
    link-missing, link-refused: the link, or the network, has no NIC."""
    place: str = ""
    """`links[0]`, `networks[0]`, `networks[0].routes[1]`."""
    nic: str = ""
    """port-missing, kind-refused, infiniband: its name."""
    mac: bytes = b""
    """infiniband: the MAC that it has instead, six bytes long; mac-refused."""
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
