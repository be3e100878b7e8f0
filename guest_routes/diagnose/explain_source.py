"""Which table, rule and route decide about packets that carry an address of this machine (R21). Pure."""

from __future__ import annotations

from ..model.network import contains
from ..model.report import SourceExplanation
from .explain import explain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Sequence

    from ..model.network import Address, Lookup, Prefix, Route
    from ..model.report import Report


def explain_source(asked: Prefix, source: Address, report: Report, answer: Lookup) -> SourceExplanation:
    """What a pass decided about packets from one address to another.

    Args:
        answer: the kernel's own for a packet that carries the source.
    """
    nic = next((nic for nic in report.before.nics if any(own.address == source for own in nic.addresses)), None)
    plan = report.decision.source_routing
    tables = plan.tables if plan else ()
    rules = [(table, rule) for table in tables for rule in table.rules if rule.source and rule.source.address == source]
    table, rule = rules[0] if rules else (None, None)
    route = _deciding(table.routes, asked.address) if table else None
    missing = {one.rule for one in plan.rules} if plan else set()
    new = {one.route for one in plan.routes} if plan else set()
    in_place = rule not in missing and route not in new
    return SourceExplanation(source, nic, table, route, in_place, explain(asked, report, answer))


def _deciding(routes: Sequence[Route], address: Address) -> Route | None:
    """The longest prefix, and of that the best metric."""
    covering = [route for route in routes if not route.tos and contains(route.destination, address)]
    return max(covering, key=lambda route: (route.destination.length, -route.metric), default=None)
