"""What turns the tables and rules that are there into the ones that should be (R1, R6, R7, R21). Pure.

Order: the routes of a NIC's table, then its rules; rules that go, then their tables. So no rule ever looks up a table
that isn't whole. What is equal and somebody else's is adopted; nothing of anybody else's is replaced or removed.
"""

from __future__ import annotations

from ...model.network import THROW, Prefix, Route, contains, network_of
from ...model.operations import Add, Delete, MoveDefault, RemoveForeignDefault, RestoreDefault
from ...model.plan import Plan
from ...model.source_routing import AddRule, RemoveRoute, RemoveRule, SetRoute, SourceRoutingPlan, table_key
from ..elect import managed_ifindexes
from ..ownership import is_our_rule, is_ours
from .conflicts import without_conflicts
from .equal import identity, joined, key, rule_identity
from .nics import gateways, table_of
from .tables import LINK_SCOPE, main_of, nic_table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Collection, Iterable, Iterator, Sequence

    from ...model.decision import Election, Resolution
    from ...model.network import Address, KernelState, Nic, Rule
    from ...model.operations import Operation
    from ...model.settings import Settings
    from ...model.source_routing import NicTable, TableKey


def plan_source_routing(
    resolution: Resolution,
    elections: Sequence[Election],
    main: Sequence[Route],
    state: KernelState,
    settings: Settings,
    withdraw: bool = True,
) -> SourceRoutingPlan:
    """The tables, the rules, and the way there.

    Args:
        main: the routes of the main table after the pass.
        state: NICs, rules, and the tables.
        withdraw: False when the document may be partial (R6): what is there for a NIC that it doesn't describe stays.
    """
    state = state._replace(tables=tuple(joined(state.tables or ())))
    wanted: Sequence[NicTable] = ()
    if settings.source_routing:
        managed = managed_ifindexes(resolution.bindings)
        if not withdraw:  # The NICs that have a table are the document's all the same.
            managed |= _with_a_table(state, settings)
        wanted = _wanted(resolution, elections, main, state, managed, settings)
    tables, conflicts = without_conflicts(wanted, state, settings, _documented(resolution))
    routes = tuple(_missing_routes(tables, state, settings))
    rules = tuple(_missing_rules(tables, state))
    unwanted = _unwanted_rules(tables, state, settings)
    going = list(unwanted) if withdraw else _no_longer_needed(unwanted, tables, state)
    left = _unwanted_routes(tables, routes, state, settings)
    kept: frozenset[TableKey] = frozenset() if withdraw else _kept(tables, going, state, settings)
    removals: list[RemoveRule | RemoveRoute] = [*going, *(one for one in left if table_key(one) not in kept)]
    return SourceRoutingPlan(tables, routes, rules, tuple(removals), conflicts, settings.source_routing)


def _wanted(
    resolution: Resolution,
    elections: Sequence[Election],
    main: Sequence[Route],
    state: KernelState,
    managed: frozenset[int],
    settings: Settings,
) -> list[NicTable]:
    """The table of each NIC that can have one."""
    known = gateways(resolution.bindings, elections, state.tables or (), settings)
    documented = frozenset(one.host.destination for one in resolution.resolved)
    families = {family: main_of(family, main, known, managed, documented, settings) for family in (4, 6)}
    return [nic_table(one, families[one.family], settings) for one in known]


def _documented(resolution: Resolution) -> dict[Address, int]:
    """The addresses that the document describes, each with its NIC."""
    known = ((one.network, one.nic) for one in resolution.bindings)
    return {
        network.address.address: nic.ifindex for network, nic in known
        if network is not None and network.address is not None and nic is not None
    }  # fmt: skip


def _with_a_table(state: KernelState, settings: Settings) -> frozenset[int]:
    """The NICs whose table a rule of ours looks up."""
    ours = {rule.table for rule in state.rules if is_our_rule(rule, settings)}
    return frozenset(nic.ifindex for nic in state.nics if table_of(nic, settings) in ours)


def main_after(main: Sequence[Route], plan: Plan) -> Sequence[Route]:
    """The routes of the settings' table as the plan leaves them, those of one key in IPv4's order."""
    if not plan.operations:
        return main
    gone = {one.route for one in plan.removals if isinstance(one, (Delete, RemoveForeignDefault))}
    added = {one.route: one for one in plan.additions}  # A route that moves before others of its key is among them.
    behind = [route for route, one in added.items() if _goes_behind(one)]
    before = [route for route, one in added.items() if not _goes_behind(one)]
    return [*before, *(route for route in main if route not in gone and route not in added), *behind]


def _goes_behind(addition: Operation) -> bool:
    """Whether a route comes behind others of its key."""
    if isinstance(addition, Add):
        return addition.place == "behind"
    return isinstance(addition, (RestoreDefault, MoveDefault)) and not addition.before


def connected(nics: Sequence[Nic], main: Sequence[Route]) -> Iterator[Route]:
    """The on-link routes that the kernel will make for addresses, and main lacks yet."""
    there = {(route.destination, route.ifindex) for route in main}
    for nic in nics:
        for own in nic.addresses:
            subnet = network_of(own)
            if (subnet, nic.ifindex) not in there and own.length < len(own.address) * 8:
                yield Route(subnet, None, nic.ifindex, scope=LINK_SCOPE if len(own.address) == 4 else 0)


# ---- what is missing ------------------------------------------------------------------------------------


def _missing_routes(tables: Sequence[NicTable], state: KernelState, settings: Settings) -> Iterator[SetRoute]:
    """The routes that the tables lack; where another program's stands in the way, that stays."""
    present = state.tables or ()
    equal = {identity(route) for route in present}
    ours = {key(route): is_ours(route, settings) for route in reversed(present)}
    for one in tables:
        for route in one.routes:
            if identity(route) not in equal and ours.get(key(route), True):
                yield SetRoute(route, replaces=key(route) in ours)


def _missing_rules(tables: Sequence[NicTable], state: KernelState) -> Iterator[AddRule]:
    there = {rule_identity(rule) for rule in state.rules}
    rules = (rule for one in tables for rule in one.rules)
    return (AddRule(rule) for rule in rules if rule_identity(rule) not in there)


# ---- what is too much -----------------------------------------------------------------------------------


def _unwanted_rules(tables: Sequence[NicTable], state: KernelState, settings: Settings) -> Iterator[RemoveRule]:
    """Ours that no NIC should have; those without a source last, since a request to delete one fits others.

    One that matches by more than its source stays where a request to delete it fits a wanted one as well, of the same
    priority, table and source: the kernel deletes the first. Where it decides, the lookups tell (verify.py).
    """
    wanted = {rule for one in tables for rule in one.rules}
    ours = (rule for rule in state.rules if is_our_rule(rule, settings) and rule not in wanted)
    going = [rule for rule in ours if rule.source or rule.plain or not _fits_one(rule, wanted)]
    return map(RemoveRule, sorted(going, key=_has_no_source))


def _fits_one(rule: Rule, wanted: Collection[Rule]) -> bool:
    """Whether a request to delete a rule that matches by more than a source fits a wanted one."""
    return any(rule[:3] == one[:3] and rule.among in (one.source, None) for one in wanted)


def _has_no_source(rule: Rule) -> bool:
    return (rule.source or rule.among) is None


def _unwanted_routes(
    tables: Sequence[NicTable], new: Sequence[SetRoute], state: KernelState, settings: Settings
) -> Iterator[RemoveRoute]:
    """Ours that no table should have, but for those that a new one replaces."""
    wanted = {identity(route) for one in tables for route in one.routes}
    replaced = {key(one.route) for one in new if one.replaces}
    ours = (route for route in state.tables or () if is_ours(route, settings))
    left = (route for route in ours if identity(route) not in wanted and key(route) not in replaced)
    return (RemoveRoute(route) for route in sorted(left, key=_removal_order))


def _removal_order(route: Route) -> tuple[bool, bool, int]:
    """Throws before their exceptions, gateways before the on-link routes that they are reached by."""
    return route.kind != THROW, route.gateway is None, route.destination.length


def _kept(
    tables: Sequence[NicTable], going: Sequence[RemoveRule], state: KernelState, settings: Settings
) -> frozenset[TableKey]:
    """The tables that nothing is taken from where the document may be partial: of NICs that it lacks."""
    gone = {one.rule for one in going}
    looked_up = {rule for rule in state.rules if is_our_rule(rule, settings) and rule not in gone}
    kept = {(rule.family, rule.table) for rule in looked_up}
    kept |= {(family, table_of(nic, settings)) for nic in state.nics for family in (4, 6)}
    return frozenset(kept - {(one.family, one.table) for one in tables})


def _no_longer_needed(
    unwanted: Iterable[RemoveRule], tables: Sequence[NicTable], state: KernelState
) -> list[RemoveRule]:
    """Those that no NIC has an address for, or that another rule is for now: the numbers have changed."""
    now = {None, *(one.source for table in tables for one in table.rules)}
    own = {Prefix(one.address, 8 * len(one.address)) for nic in state.nics for one in nic.addresses}
    return [one for one in unwanted if one.rule.source in now or not _is_for_one(one.rule.source, own)]


def _is_for_one(source: Prefix | None, own: Collection[Prefix]) -> bool:
    """Whether packets with one of these addresses match a rule; mostly it is for a single one."""
    return source in own or (source is not None and any(contains(source, one.address) for one in own))
