"""What a pass would change, as a unified diff of the sorted routes (and of `ip rule`) before and after. Pure."""

from __future__ import annotations

from ...model.network import MAIN_TABLE
from ...model.source_routing import AddRule, RemoveRoute, RemoveRule, SetRoute
from ...routing.source_routing.equal import key
from ...routing.source_routing.plan import main_after
from ..route_text import table_text
from ..rule_text import rule_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Sequence

    from ...model.network import Nic, Route, Rule
    from ...model.report import Report
    from ...model.source_routing import SourceOperation

FAMILIES = (4, 6)


def diff_lines(report: Report, table: int) -> list[str]:
    """The diff of every table, and of the rules, that the pass would change; [] where it changes nothing.

    Args:
        table: the settings' one.
    """
    state = report.before
    found: list[str] = []
    for family in FAMILIES:
        found += _routes(family, table, state.routes, main_after(state.routes, report.plan), state.nics)
    plan = report.decision.source_routing
    if plan is None or not plan.operations:
        return found
    before, after = state.tables or (), _tables_after(state.tables or (), plan.operations)
    for family in FAMILIES:
        for number in sorted({route.table for route in (*before, *after)}):
            ours = [[route for route in routes if route.table == number] for routes in (before, after)]
            found += _routes(family, number, ours[0], ours[1], state.nics)
        found += _rules(family, state.rules, plan.operations)
    return found


def _routes(family: int, table: int, before: Sequence[Route], after: Sequence[Route], nics: Sequence[Nic]) -> list[str]:
    shown = "" if table == MAIN_TABLE else f" show table {table}"
    first, second = (
        table_text([route for route in routes if route.family == family], nics) for routes in (before, after)
    )
    return _unified(f"ip -{family} route{shown}", first.splitlines(), second.splitlines())


def _tables_after(before: Sequence[Route], operations: Sequence[SourceOperation]) -> list[Route]:
    """The routes of source routing's tables after its operations."""
    gone = {one.route for one in operations if isinstance(one, RemoveRoute)}
    added = {key(one.route): one.route for one in operations if isinstance(one, SetRoute)}
    return [*added.values(), *(route for route in before if route not in gone and key(route) not in added)]


def _rules(family: int, before: Sequence[Rule], operations: Sequence[SourceOperation]) -> list[str]:
    gone = {one.rule for one in operations if isinstance(one, RemoveRule)}
    added = [one.rule for one in operations if isinstance(one, AddRule)]
    after = [*(rule for rule in before if rule not in gone), *added]
    return _unified(f"ip -{family} rule", _rule_lines(family, before), _rule_lines(family, after))


def _rule_lines(family: int, rules: Sequence[Rule]) -> list[str]:
    return [rule_text(rule) for rule in sorted(rules, key=lambda rule: rule.priority) if rule.family == family]


def _unified(command: str, before: Sequence[str], after: Sequence[str]) -> list[str]:
    from difflib import unified_diff

    return list(unified_diff(before, after, command, f"{command}, after the pass", lineterm=""))
