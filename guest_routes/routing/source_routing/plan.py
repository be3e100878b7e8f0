"""What turns the tables and rules that are there into the ones that should be (R1, R6, R7, R21). Pure.

Order: the routes of a NIC's table, then its rules; rules that go, then their tables. So no rule ever looks up a table
that isn't whole. What is equal and somebody else's is adopted; nothing of anybody else's is replaced or removed.
"""

from __future__ import annotations

from ...model.network import Route, contains, network_of
from ...model.operations import Delete, RemoveForeignDefault
from ...model.plan import Plan
from ...model.source_routing import (
    AddRule,
    RemoveRoute,
    RemoveRule,
    SetRoute,
    SourceConflict,
    SourceRoutingPlan,
)
from ..elect import managed_ifindexes
from ..ownership import is_our_rule, is_ours
from .nics import gateways, table_of
from .tables import LINK_SCOPE, THROW, main_of, nic_table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterable, Iterator, Sequence, TypeAlias

    from ...model.decision import Election, Resolution
    from ...model.network import KernelState, Nic, Prefix, Rule
    from ...model.settings import Settings
    from ...model.source_routing import NicTable

    Key: TypeAlias = tuple[Prefix, int, int]


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
    present = state.tables or ()
    if not settings.source_routing:
        return _whole((), (), state, present, settings, True)._replace(enabled=False)
    known = gateways(resolution.bindings, elections, present, settings)
    managed = managed_ifindexes(resolution.bindings)
    if not withdraw:  # The NICs that have a table are the document's all the same.
        ours = {rule.table for rule in state.rules if is_our_rule(rule, settings)}
        managed |= {nic.ifindex for nic in state.nics if table_of(nic, settings) in ours}
    plain = frozenset(one.host.destination for one in resolution.resolved)
    families = {family: main_of(family, main, known, managed, plain, settings) for family in (4, 6)}
    wanted = [nic_table(one, families[one.family], settings) for one in known]
    wanted, shared = _without_shared(wanted)
    free: list[NicTable] = []
    conflicts = [*shared]
    for one in wanted:
        found = tuple(_foreign_in(one, state, present, settings))
        conflicts += found
        if not any(conflict.kind == "table-in-use" for conflict in found):
            free.append(one)
    return _whole(free, conflicts, state, present, settings, withdraw)


def main_after(main: Sequence[Route], plan: Plan) -> Sequence[Route]:
    """The routes of the settings' table as the plan leaves them."""
    if not plan.operations:
        return main
    gone = {one.route for one in plan.removals if isinstance(one, (Delete, RemoveForeignDefault))}
    added = {one.route: None for one in plan.additions}  # A route that moves before others of its key is among them.
    return [*added, *(route for route in main if route not in gone and route not in added)]


def connected(nics: Sequence[Nic], main: Sequence[Route]) -> Iterator[Route]:
    """The on-link routes that the kernel will make for addresses, and main lacks yet."""
    there = {(route.destination, route.ifindex) for route in main}
    for nic in nics:
        for own in nic.addresses:
            subnet = network_of(own)
            if (subnet, nic.ifindex) not in there and own.length < len(own.address) * 8:
                yield Route(subnet, None, nic.ifindex, scope=LINK_SCOPE if len(own.address) == 4 else 0)


def _without_shared(wanted: Sequence[NicTable]) -> tuple[list[NicTable], list[SourceConflict]]:
    """An address that two NICs have is the first one's."""
    owners: dict[Prefix, Nic] = {}
    found, conflicts = [], []
    for one in wanted:
        own = []
        for rule in one.rules:
            assert rule.source is not None
            owner = owners.setdefault(rule.source, one.nic)
            if owner is one.nic:
                own.append(rule)
            else:
                shared = SourceConflict("shared-address", one.nic, one.table, address=rule.source.address, other=owner)
                conflicts.append(shared)
        found.append(one._replace(rules=tuple(own)))
    return found, conflicts


def _foreign_in(
    one: NicTable, state: KernelState, present: Sequence[Route], settings: Settings
) -> Iterator[SourceConflict]:
    """Routes of others in a NIC's table that aren't what it should have; rules of others that look it up.

    A table that rules of ours look up is ours: then the routes are named, and the table is used all the same.
    """
    looking = [rule for rule in state.rules if (rule.table, rule.family) == (one.table, one.family)]
    is_used = any(is_our_rule(rule, settings) for rule in looking)
    wanted = {_identity(route) for route in one.routes}
    for route in present:
        here = route.table == one.table and route.family == one.family
        if here and not is_ours(route, settings) and _identity(route) not in wanted:
            yield SourceConflict("foreign-route" if is_used else "table-in-use", one.nic, one.table, route=route)
    for rule in looking if not is_used else ():
        if not any(_same_rule(rule, own) for own in one.rules):
            yield SourceConflict("table-in-use", one.nic, one.table, rule=rule)


def _whole(
    wanted: Sequence[NicTable],
    conflicts: Sequence[SourceConflict],
    state: KernelState,
    present: Sequence[Route],
    settings: Settings,
    withdraw: bool,
) -> SourceRoutingPlan:
    """The operations: what is missing, then what is too much."""
    routes: list[SetRoute] = []
    left = {route for route in present if is_ours(route, settings)}
    for one in wanted:
        routes += _missing_routes(one, present, left, settings)
    ours = [rule for rule in state.rules if is_our_rule(rule, settings)]
    rules = [rule for one in wanted for rule in one.rules]
    missing = [AddRule(rule) for rule in rules if not any(_same_rule(rule, there) for there in state.rules)]
    replaced = {(one.route.table, _key(one.route)) for one in routes if one.replaces}
    going = [RemoveRule(rule) for rule in ours if rule not in rules]
    unwanted = [route for route in present if route in left and (route.table, _key(route)) not in replaced]
    emptied = [RemoveRoute(route) for route in sorted(unwanted, key=_removal_order)]
    if not withdraw:
        tables = {one.table for one in wanted}
        going = [one for one in going if _is_nobodys(one.rule, state)]
        emptied = [one for one in emptied if one.route.table in tables or _is_left(one.route.table, state, settings)]
    return SourceRoutingPlan(tuple(wanted), tuple(routes), tuple(missing), (*going, *emptied), tuple(conflicts))


def _missing_routes(
    one: NicTable, present: Iterable[Route], left: set[Route], settings: Settings
) -> Iterator[SetRoute]:
    """The routes that a table lacks; takes those that it has out of `left`."""
    there = [route for route in present if route.table == one.table]
    equal: dict[object, list[Route]] = {}
    for route in there:
        equal.setdefault(_identity(route), []).append(route)
    taken = {_key(route): is_ours(route, settings) for route in reversed(there)}
    for route in one.routes:
        same = equal.get(_identity(route))
        if same:
            left.difference_update(same)
        elif _key(route) not in taken:
            yield SetRoute(route)
        elif taken[_key(route)]:
            yield SetRoute(route, replaces=True)


def _key(route: Route) -> Key:
    """What the kernel keys the routes of a table by, which a replacement has in common."""
    return route.destination, route.tos, route.metric


def _identity(route: Route) -> object:
    """All that matters of a route, as both the plan and the kernel have it: a rejecting route has no NIC."""
    ifindex = 0 if route.kind == THROW else route.ifindex
    return (route.destination, route.gateway, ifindex, route.metric, route.kind, route.tos, route.nexthops,
            tuple(sorted(route.metrics)), route.table)  # fmt: skip


def _same_rule(one: Rule, other: Rule) -> bool:
    """Whether they do the same at the same place, whoever made them."""
    return one[:4] == other[:4] and one.source == other.source


def _removal_order(route: Route) -> tuple[bool, bool, int]:
    """Throws before their exceptions, gateways before the on-link routes that they are reached by."""
    return route.kind != THROW, route.gateway is None, route.destination.length


def _is_nobodys(rule: Rule, state: KernelState) -> bool:
    """Whether no NIC has an address that the rule is for."""
    source = rule.source
    return source is None or not any(contains(source, own.address) for nic in state.nics for own in nic.addresses)


def _is_left(table: int, state: KernelState, settings: Settings) -> bool:
    """Whether the NIC that a table is for has gone."""
    return not any(table_of(nic, settings) == table for nic in state.nics)
