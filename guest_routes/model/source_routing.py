"""Source routing as values: a table and rules for each NIC, and what is done to have them (R21).

Its operations are apart from those on the settings' table: they never touch that one, and a route of ours in a table of
ours may be replaced at once, which R5 forbids elsewhere.
"""

from __future__ import annotations

from .namedtuple import NamedTuple
from .network import Address, Lookup, Nic, Prefix, Route, Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal, TypeAlias


class NicTable(NamedTuple):
    """What one NIC should have in one family: packets that carry its addresses look this table up."""

    nic: Nic
    family: int
    table: int
    gateway: Address
    routes: tuple[Route, ...]
    """In the order in which the kernel takes them: those that others need before them."""
    rules: tuple[Rule, ...]
    """One for each of its addresses."""


# ---- operations -----------------------------------------------------------------------------------------


class SetRoute(NamedTuple):
    """Program a route of ours in a table of ours."""

    route: Route
    replaces: bool = False
    """A route of ours to the same destination at the same metric gives way at once."""


class RemoveRoute(NamedTuple):
    """Remove a route of ours from a table of ours; one that is gone already is fine."""

    route: Route


class AddRule(NamedTuple):
    """Make a rule of ours; one that is there already is fine."""

    rule: Rule


class RemoveRule(NamedTuple):
    """Remove a rule of ours; one that is gone already is fine."""

    rule: Rule


SourceOperation: TypeAlias = "SetRoute | RemoveRoute | AddRule | RemoveRule"
TableKey: TypeAlias = "tuple[int, int]"
"""Family and number of a table."""


def table_key(one: SourceOperation) -> TableKey:
    """The table that an operation is about: that of its route, or that its rule looks up."""
    if isinstance(one, (AddRule, RemoveRule)):
        return one.rule.family, one.rule.table
    return one.route.family, one.route.table


class Stage(NamedTuple):
    """A part of a plan that is carried out before the next one begins, in this order."""

    unused: tuple[RemoveRule | RemoveRoute, ...] = ()
    """What another NIC has left in a table that no rule needs any more."""
    routes: tuple[SetRoute, ...] = ()
    rules: tuple[AddRule, ...] = ()
    removals: tuple[RemoveRule | RemoveRoute, ...] = ()


class SourceFailure(NamedTuple):
    """An operation the kernel refused."""

    operation: SourceOperation
    errno: int
    text: str


class TableRouteKey(NamedTuple):
    """What a route of a NIC's table and one that takes its place have in common."""

    table: int
    destination: Prefix
    metric: int


class RuleKey(NamedTuple):
    """What makes two rules do the same at the same place; source None: it matches by something else."""

    family: int
    priority: int
    table: int
    source: Prefix | None


SourceKey: TypeAlias = "RuleKey | TableRouteKey"


def key_of(operation: SourceOperation) -> SourceKey:
    """Which rule or route an operation is about."""
    if isinstance(operation, (AddRule, RemoveRule)):
        return rule_key(operation.rule)
    return route_key(operation.route)


def route_key(route: Route) -> TableRouteKey:
    """Which route of a table it is, whoever made it."""
    return TableRouteKey(route.table, route.destination, route.metric)


def rule_key(rule: Rule) -> RuleKey:
    """Which rule it is, whoever made it."""
    return RuleKey(rule.family, rule.priority, rule.table, rule.source)


class SourceConflict(NamedTuple):
    """Why packets of one NIC don't, or may not, leave by it; which fields are set follows from the kind."""

    kind: Literal["table-in-use", "local-behind", "foreign-route", "shared-address", "overruled"]
    """table-in-use: another program's routes or rules use the table's number, so the NIC has none; local-behind: the
    machine's own addresses (the table local) are looked up after our rules, so the NIC has none; foreign-route: another
    program has added a route to the table since; shared-address: two NICs have the address; overruled: by the kernel's
    lookup they leave otherwise."""
    nic: Nic
    table: int
    route: Route | None = None
    """table-in-use, foreign-route."""
    instead: Route | None = None
    """foreign-route: ours, whose place it has taken; overruled: ours, which should decide."""
    rule: Rule | None = None
    """table-in-use; local-behind: the table local's; overruled: the first rule that may be why."""
    local: Rule | None = None
    """overruled: the table local's, where no priority is left between it and that rule."""
    address: Address | None = None
    """shared-address, overruled: the NIC's."""
    other: Nic | None = None
    """shared-address: the NIC that the address' packets leave by."""
    answer: Lookup | None = None
    """overruled."""

    @property
    def displaced(self) -> Route | None:
        """The route of ours that isn't there, since another program's has its place."""
        return self.instead if self.kind == "foreign-route" else None


class SourceRoutingPlan(NamedTuple):
    """What the tables and rules should be, and how to get there: routes, rules, then what goes."""

    tables: tuple[NicTable, ...] = ()
    routes: tuple[SetRoute, ...] = ()
    rules: tuple[AddRule, ...] = ()
    removals: tuple[RemoveRule | RemoveRoute, ...] = ()
    """Rules before routes: no rule looks up a table that is being taken apart."""
    conflicts: tuple[SourceConflict, ...] = ()
    enabled: bool = True
    """False: the setting is off, and what an earlier pass has left goes."""

    @property
    def operations(self) -> tuple[SourceOperation, ...]:
        """All of them, in order."""
        return (*self.routes, *self.rules, *self.removals)


class SourceRoutingOutcome(NamedTuple):
    """What came of it."""

    done: tuple[SourceOperation, ...] = ()
    """Carried out, in order."""
    failures: tuple[SourceFailure, ...] = ()
    remaining: tuple[SourceOperation, ...] = ()
    """What the tables and rules still lack after the pass (R8)."""
    overruled: tuple[SourceConflict, ...] = ()
    """The kernel's own lookups that say otherwise."""
    rolled_back: bool = False
    """The pass cut the way to the metadata service, so that rules and tables were put back."""
