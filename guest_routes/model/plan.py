"""What becomes of each route, and everything that was decided, as values."""

from __future__ import annotations

from _operator import itemgetter

from .decision import BY_CHOICE, Binding, Election, NotElected, Resolution, Resolved, Unresolved
from .namedtuple import NamedTuple
from .network import Prefix, Route
from .network_data import Problem
from .operations import Operation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterable, Literal, Sequence, TypeAlias

    from .source_routing import SourceRoutingPlan


class PlannedRoute(NamedTuple):
    """What becomes of one resolved host route."""

    verdict: Literal["add", "kept", "adopted", "shadowed"]
    """kept: ours, in place; adopted: another program's, equal; shadowed: another wins (R5)."""
    route: Route
    """The route that serves it, in place or to be added; when shadowed, the one that ought to."""
    resolved: Resolved
    competitor: Route | None = None
    """The best route of another program to the same destination that is not equal."""


NotRestoredReason: TypeAlias = (
    "Literal['refused', 'nic-absent', 'nic-down', 'no-subnet', 'expired', 'advertised', 'no-source', 'other-object', "
    "'newcomer']"
)
"""refused: by the kernel; nic-absent: its NIC isn't there; nic-down: that is down; no-subnet: its gateway is not on its
NIC's link any more; expired: its lifetime has passed; advertised: its router's next advertisement brings it; no-source:
no NIC has its source address; other-object: its nexthop object is gone, or another one has its id;
newcomer: a default outside the metadata has come and wins, and IPv6 would make one multipath route of both."""
DefaultVerdict: TypeAlias = "Literal['add', 'kept', 'adopted', 'observed', 'left', 'shadowed']"


class PlannedDefault(NamedTuple):
    """What becomes of one family's default routes."""

    election: Election
    verdict: DefaultVerdict
    """observed: default_mode; left: none is elected; shadowed: one outside the metadata wins, and IPv6 has no metric
    behind it that is free."""
    route: Route | None = None
    """The elected default, in place or to be added; when shadowed, the one that ought to."""
    extras: tuple[Route, ...] = ()
    """Others through NICs of the metadata: removed, demoted, or only reported (mode observe)."""
    outside: tuple[Route, ...] = ()
    """Through NICs that the metadata doesn't describe: never touched."""
    additions: tuple[Operation, ...] = ()
    removals: tuple[Operation, ...] = ()
    unwritable: tuple[Route, ...] = ()
    """Extras that could not be given back, or be removed without harm to another route, and so stay (R17)."""
    competitor: Route | None = None
    """When shadowed, the default that wins."""
    staying: tuple[Route, ...] = ()
    """When left, those through NICs of the metadata."""
    displaced: tuple[Route, ...] = ()
    """Routes, unwritable ones among them, that would come back behind another one of their metric."""

    @property
    def serving(self) -> Route | None:
        """The elected default, in place or to be added; None where there is none."""
        return None if self.verdict == "shadowed" else self.route

    @property
    def family(self) -> int:
        """4 or 6."""
        return self.election.family


class Unlisted(NamedTuple):
    """What tells why no source lists a route of ours any more (R6)."""

    damaged: tuple[Problem, ...] = ()
    """Entries of the document and the property that can't be read: they may list it."""
    dropped: frozenset[Prefix] = frozenset()
    """Destinations that the settings' `routes` named in an earlier pass, and name no more."""


class StayingRoute(NamedTuple):
    """A route of ours that stays though no host route for it is resolved (R6)."""

    route: Route
    reason: Unresolved | Problem
    """The host route, of which only the evidence for its NIC has gone; or what can't be read, and may list it."""


class NotRestored(NamedTuple):
    """A recorded default that can't come back as it was."""

    route: Route
    reason: NotRestoredReason


class Copy(NamedTuple):
    """A route through the wrong NIC that a DHCP client or network manager made of a host route."""

    route: Route
    resolved: Resolved


class Plan(NamedTuple):
    """What should be written, in order: all of `additions`, then `removals`."""

    additions: tuple[Operation, ...] = ()
    removals: tuple[Operation, ...] = ()
    routes: tuple[PlannedRoute, ...] = ()
    defaults: tuple[PlannedDefault, ...] = ()
    """One for each family that has a default route, or should have one."""
    held: tuple[Route, ...] = ()
    """Ours that are wanted no more, and stay because the document may be partial (R6)."""
    staying: tuple[StayingRoute, ...] = ()
    reaching: tuple[Route, ...] = ()
    """Ours on link to gateways that another route covers (R7), in place or to be added."""
    not_restored: tuple[NotRestored, ...] = ()
    """Recorded defaults that `withdraw` can't put back now."""
    copies: tuple[Copy, ...] = ()
    """Of host routes, through the wrong NIC (R20): removed, or only reported (mode observe)."""
    shadowed: tuple[PlannedRoute, ...] = ()
    """Those of `routes` over which another program's wins (R5)."""

    @property
    def operations(self) -> tuple[Operation, ...]:
        """Additions, then removals."""
        return self.additions + self.removals

    @property
    def serving(self) -> Sequence[PlannedRoute]:
        """Those of `routes` that serve: all, but for those over which another program's wins."""
        return [one for one in self.routes if one[0] != "shadowed"] if self.shadowed else self.routes

    @property
    def verdicts(self) -> dict[str, int]:
        """How many of `routes` have each verdict, in the order in which these come."""
        each = list(map(itemgetter(0), self.routes))
        return {verdict: each.count(verdict) for verdict in dict.fromkeys(each)}


def shadowed_of(routes: Iterable[PlannedRoute]) -> tuple[PlannedRoute, ...]:
    """Those over which another program's route wins (R5)."""
    return tuple([one for one in routes if one.verdict == "shadowed"])


class Suspicion(NamedTuple):
    """Why a document may be partial, so that nothing is withdrawn on its word (R6)."""

    kind: Literal["no-networks", "nics-lost", "networks-lost", "routes-omitted", "default-omitted", "many-routes"]
    nics: tuple[tuple[str, bytes], ...] = ()
    """nics-lost: name and MAC of present NICs that it no longer describes; networks-lost: of those with routes of ours,
    or the default, in a family of which it no longer has a network on them, or one without the default that it had, and
    with faults."""
    bindings: tuple[Binding, ...] = ()
    """routes-omitted: the networks whose routes it omits; default-omitted: of these the one with the default."""
    gone: int = 0
    """So many routes of ours would go,"""
    ours: int = 0
    """of so many."""
    leases: tuple[Problem, ...] = ()
    """routes-omitted, default-omitted: leases that can't be used. They may have what the document omits, so that it is
    not believed however often it comes."""


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
    """The document looks partial, whether or not it has come often enough to be believed, or an option accepts it."""
    source_routing: SourceRoutingPlan | None = None
    """None where it is off and nothing of it is left (R21)."""

    @property
    def unprogrammable(self) -> tuple[Problem | NotElected | Unresolved, ...]:
        """Each route of the evidence that can't be programmed, with the reason."""
        return (
            *(one for one in self.problems if one.refused),
            *(one for one in self.elections if isinstance(one, NotElected) and one.wanted),
            *(one for one in self.resolution.unresolved if one.kind not in BY_CHOICE),
        )
