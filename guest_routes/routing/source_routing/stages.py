"""In which order a plan is carried out, so that no rule ever looks up a table that isn't whole (R7, R21). Pure.

Mostly all routes come first, then the rules, then what goes. Where the tables' numbers have moved by a few, a table is
one NIC's before and another's afterwards. The NIC that leaves it needs its new table first, with the rules for it; then
nothing looks the old one up, and it can be written for the other NIC. So the tables come one after the other.

What puts all back is every operation's inverse, from the last to the first.
"""

from __future__ import annotations

from ...model.source_routing import AddRule, RemoveRoute, RemoveRule, SetRoute, Stage, table_key
from .equal import joined, key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterable, Iterator, Sequence

    from ...model.network import Route
    from ...model.source_routing import SourceOperation, SourceRoutingPlan, TableKey


def stages(plan: SourceRoutingPlan) -> list[Stage]:
    """The stages of a plan."""
    taken = _taken(plan)
    if not taken:
        return [Stage((), plan.routes, plan.rules, plan.removals)]
    tables = {table_key(one) for one in plan.routes} | {table_key(one) for one in plan.rules}
    found = [_stage(plan, key, key in taken) for key in _ordered(tables, _moves(plan))]
    done = {one for stage in found for one in (*stage.unused, *stage.removals)}
    return [*found, Stage(removals=tuple(one for one in plan.removals if one not in done))]


def _taken(plan: SourceRoutingPlan) -> set[TableKey]:
    """The tables that are another NIC's from now on: each of their rules goes, and others come."""
    new = {(table_key(one), one.rule.source) for one in plan.rules}
    going = {(table_key(one), one.rule.source) for one in plan.removals if isinstance(one, RemoveRule)}
    left = {key for key, source in going - new if source is not None}
    added = {one.rule for one in plan.rules}
    kept = {(rule.family, rule.table) for one in plan.tables for rule in one.rules if rule not in added}
    return left & {key for key, _ in new} - kept


def _moves(plan: SourceRoutingPlan) -> dict[TableKey, list[TableKey]]:
    """The tables that addresses leave, each with those that they look up afterwards."""
    new = {(one.rule.family, one.rule.source): table_key(one) for one in plan.rules}
    moves: dict[TableKey, list[TableKey]] = {}
    for one in plan.removals:
        now = new.get((one.rule.family, one.rule.source)) if isinstance(one, RemoveRule) else None
        if now is not None:
            moves.setdefault(table_key(one), []).append(now)
    return moves


def _ordered(tables: Iterable[TableKey], moves: dict[TableKey, list[TableKey]]) -> Iterator[TableKey]:
    """The tables, each after those that its addresses move to."""
    seen: set[TableKey] = set()

    def following(table: TableKey) -> Iterator[TableKey]:
        if table not in seen:
            seen.add(table)
            for other in moves.get(table, ()):
                yield from following(other)
            yield table

    for table in sorted(tables):
        yield from following(table)


def _stage(plan: SourceRoutingPlan, key: TableKey, is_taken: bool) -> Stage:
    """What makes one table whole and has its addresses look it up."""
    rules = tuple(one for one in plan.rules if table_key(one) == key)
    routes = tuple(one for one in plan.routes if table_key(one) == key)
    unused = tuple(_unused(plan, key)) if is_taken else ()
    own = {(one.rule.family, one.rule.source) for one in rules}
    going = (one for one in plan.removals if isinstance(one, RemoveRule))
    old = tuple(one for one in going if (one.rule.family, one.rule.source) in own)
    return Stage(unused, routes, rules, old)


def _unused(plan: SourceRoutingPlan, key: TableKey) -> Iterator[RemoveRule | RemoveRoute]:
    """What goes from a table but the rules of addresses that have moved: those went with their new table."""
    moved = {(one.rule.family, one.rule.source) for one in plan.rules}
    for one in plan.removals:
        is_moved = isinstance(one, RemoveRule) and (one.rule.family, one.rule.source) in moved
        if table_key(one) == key and not is_moved:
            yield one


def inverse(done: Sequence[SourceOperation], before: Sequence[Route]) -> Iterator[SourceOperation]:
    """What undoes these operations, last first (R8). Rules that match by more than a source are none that a pass makes.

    Args:
        before: the routes of the NICs' tables as they were.
    """
    had = {key(route): route for route in reversed(joined(before))}
    for one in reversed(done):
        if isinstance(one, AddRule):
            yield RemoveRule(one.rule)
        elif isinstance(one, RemoveRule):
            if one.rule.source is not None:
                yield AddRule(one.rule)
        elif isinstance(one, RemoveRoute):
            yield SetRoute(one.route)
        elif one.replaces and key(one.route) in had:
            yield SetRoute(had[key(one.route)], replaces=True)
        else:
            yield RemoveRoute(one.route)
