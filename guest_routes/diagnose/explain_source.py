"""Which table, rule and route decide about packets that carry an address of this machine (R21). Pure."""

from __future__ import annotations

from ..model.diagnosis.source_explanation import SourceExplanation
from ..routing.source_routing.conflicts import about
from ..routing.source_routing.verify import deciding
from .explain import explain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Sequence

    from ..model.network import Address, Lookup, Prefix, Rule
    from ..model.report import Report
    from ..model.source_routing import NicTable


def explain_source(asked: Prefix, source: Address, report: Report, answer: Lookup) -> SourceExplanation:
    """What a pass decided about packets from one address to another.

    Args:
        answer: the kernel's own for a packet that carries the source.
    """
    plan = report.decision.source_routing
    nic = next((nic for nic in report.before.nics if any(own.address == source for own in nic.addresses)), None)
    table, rule = _looked_up(source, plan.tables if plan else ())
    route = deciding(table.routes, asked.address) if table else None
    new = [one.rule for one in plan.rules] if plan else []
    in_place = rule not in new and not any(one.route == route for one in (plan.routes if plan else ()))
    conflict = about(source, nic, report.source_conflicts) if nic else None
    return SourceExplanation(source, nic, table, route, in_place, conflict, explain(asked, report, answer))


def _looked_up(source: Address, tables: Sequence[NicTable]) -> tuple[NicTable, Rule] | tuple[None, None]:
    """The table that packets with that address look up, and the rule for it."""
    for table in tables:
        for rule in table.rules:
            if rule.source is not None and rule.source.address == source:
                return table, rule
    return None, None
