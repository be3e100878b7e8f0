"""Which table, rule and route decide about packets that carry an address of this machine (R21). Pure."""

from __future__ import annotations

from ..model.diagnosis.source_explanation import SourceExplanation
from ..model.network import is_link_local
from ..model.source_routing import NicTable, RemoveRule
from ..routing.source_routing.conflicts import about
from ..routing.source_routing.verify import deciding
from .explain import explain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Sequence

    from ..model.network import Address, Lookup, Prefix, Rule
    from ..model.report import Report


def explain_source(asked: Prefix, source: Address, report: Report, answer: Lookup) -> SourceExplanation:
    """What a pass decided about packets from one address to another.

    Args:
        answer: the kernel's own for a packet that carries the source.
    """
    plan = report.decision.source_routing
    having = [nic for nic in report.before.nics if any(own.address == source for own in nic.addresses)]
    table, rule = _looked_up(source, plan.tables if plan else ())
    held = table is None and plan is not None and report.suspicion is not None
    if held:
        table, rule = _held(source, report)
    nic = table.nic if table else next(iter(having), None)
    route = deciding(table.routes, asked.address) if table else None
    new = [one.rule for one in plan.rules] if plan else []
    conflict = about(source, nic, report.source_conflicts) if nic else None
    displaced = route is not None and any(one.instead == route for one in report.source_conflicts)
    lacking = [one.route for one in plan.routes] if plan else []
    in_place = rule not in new and not displaced and route not in lacking
    return SourceExplanation(
        source, nic, table, route, in_place, conflict, explain(asked, report, answer),
        tuple(one for one in having if nic is not None and one.ifindex != nic.ifindex), held and table is not None,
        is_link_local(source) or source[:2] == b"\xa9\xfe",
    )  # fmt: skip


def _held(source: Address, report: Report) -> tuple[NicTable, Rule] | tuple[None, None]:
    """The table and rule of an earlier pass, for a NIC that a document that may be partial lacks."""
    plan, state = report.decision.source_routing, report.before
    going = [one.rule for one in plan.removals if isinstance(one, RemoveRule)] if plan else []
    for rule in state.rules:
        if rule.protocol == report.protocol and rule not in going and rule.source and rule.source.address == source:
            routes = tuple(one for one in state.tables or () if (one.table, one.family) == (rule.table, rule.family))
            nic = next((nic for nic in state.nics if any(own.address == source for own in nic.addresses)), None)
            gateway = next((one.gateway for one in routes if one.destination.is_default and one.gateway), None)
            if nic is not None and gateway is not None:
                return NicTable(nic, rule.family, rule.table, gateway, routes, (rule,)), rule
    return None, None


def _looked_up(source: Address, tables: Sequence[NicTable]) -> tuple[NicTable, Rule] | tuple[None, None]:
    """The table that packets with that address look up, and the rule for it."""
    for table in tables:
        for rule in table.rules:
            if rule.source is not None and rule.source.address == source:
                return table, rule
    return None, None
