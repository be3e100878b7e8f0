"""Which table, rule and route decide about packets that carry an address of this machine (R21). Pure."""

from __future__ import annotations

from ..model.diagnosis.source_explanation import SourceExplanation
from ..model.network import THROW
from ..model.source_routing import NicTable, RemoveRule, SourceRoutingPlan
from ..routing.ownership import is_rule_of
from ..routing.source_routing.conflicts import about
from ..routing.source_routing.nics import is_for_its_link
from ..routing.source_routing.plan import main_after
from ..routing.source_routing.verify import deciding, thrown_to
from .explain import explain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Sequence

    from ..model.diagnosis.status import Obstacle
    from ..model.network import Address, Lookup, Nic, Prefix, Route, Rule
    from ..model.report import Report


def explain_source(
    asked: Prefix, source: Address, report: Report, answer: Lookup, obstacle: Obstacle = ""
) -> SourceExplanation:
    """What a pass decided about packets from one address to another.

    Args:
        answer: the kernel's own for a packet that carries the source.
        obstacle: why `sync` would make no pass.
    """
    plan = report.decision.source_routing or SourceRoutingPlan()
    main = main_after(report.before.routes, report.plan)
    having = _having(source, report)
    table, rule = _looked_up(source, plan.tables)
    held = table is None and report.suspicion is not None
    if held:
        table, rule = _held(source, having, plan, report)
    nic = table.nic if table else next(iter(having), None)
    route = deciding(table.routes, asked.address) if table else None
    drifted = _is_lacking(rule, route, plan, report) if rule else _for_address(source, _going(plan)) is not None
    return SourceExplanation(
        source,
        nic,
        table,
        route,
        not drifted,
        about(source, asked.address, nic, report.source_conflicts, main) if nic else None,
        explain(asked, report, answer, obstacle),
        tuple(one for one in having if one != nic),
        held and table is not None,
        is_for_its_link(source),
        thrown_to(main, asked.address) if route is not None and route.kind == THROW else None,
    )


def _having(source: Address, report: Report) -> list[Nic]:
    """The NICs that have an address."""
    return [nic for nic in report.before.nics if any(own.address == source for own in nic.addresses)]


def _is_lacking(rule: Rule, route: Route | None, plan: SourceRoutingPlan, report: Report) -> bool:
    """Whether the rule or the route isn't there: a pass has to make it, or another program's has its place."""
    if rule in [one.rule for one in plan.rules] or route in [one.route for one in plan.routes]:
        return True
    return route is not None and route in [one.displaced for one in report.source_conflicts]


def _held(
    source: Address, having: Sequence[Nic], plan: SourceRoutingPlan, report: Report
) -> tuple[NicTable, Rule] | tuple[None, None]:
    """The table and rule of an earlier pass, for a NIC that a document that may be partial lacks."""
    going = _going(plan)
    own = [rule for rule in report.before.rules if is_rule_of(rule, report.protocol) and rule not in going]
    rule = _for_address(source, own)
    if rule is None or not having:
        return None, None
    key = rule.table, rule.family
    routes = tuple(one for one in report.before.tables or () if (one.table, one.family) == key)
    defaults = (one.gateway for one in routes if one.destination.is_default)
    gateway = next(filter(None, defaults), None)
    return (NicTable(having[0], rule.family, rule.table, gateway, routes, (rule,)), rule) if gateway else (None, None)


def _going(plan: SourceRoutingPlan) -> list[Rule]:
    """The rules that a pass takes away."""
    return [one.rule for one in plan.removals if isinstance(one, RemoveRule)]


def _looked_up(source: Address, tables: Sequence[NicTable]) -> tuple[NicTable, Rule] | tuple[None, None]:
    """The table that packets with that address look up, and the rule for it."""
    for table in tables:
        rule = _for_address(source, table.rules)
        if rule is not None:
            return table, rule
    return None, None


def _for_address(source: Address, rules: Sequence[Rule]) -> Rule | None:
    """The rule that is for an address alone."""
    return next((rule for rule in rules if rule.source is not None and rule.source.address == source), None)
