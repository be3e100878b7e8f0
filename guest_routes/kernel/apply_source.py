"""Applies source routing's plan: routes, then rules, then what goes (R7, R21)."""

from __future__ import annotations

from errno import EEXIST, ENOENT, ESRCH

from ..model.source_routing import AddRule, RemoveRoute, RemoveRule, SetRoute, SourceFailure, SourceRoutingOutcome

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..model.source_routing import SourceOperation, SourceRoutingPlan
    from .engine import Kernel


def apply_source(plan: SourceRoutingPlan, kernel: Kernel) -> SourceRoutingOutcome:
    """Carries it out. No rule is made for a table of which a route was refused: it would decide, and wrongly."""
    refused = kernel.apply_source(plan.routes) if plan.routes else ()
    broken = {one.operation.route.table for one in refused if isinstance(one.operation, SetRoute)}
    rest = (*(one for one in plan.rules if one.rule.table not in broken), *plan.removals)
    failures = (*refused, *(kernel.apply_source(rest) if rest else ()))
    failed = {one.operation for one in failures}
    done = tuple(one for one in (*plan.routes, *rest) if one not in failed)
    return SourceRoutingOutcome(done, failures)


def roll_back_rules(outcome: SourceRoutingOutcome, kernel: Kernel) -> SourceRoutingOutcome:
    """Puts the rules back as they were, last first (R8). Tables that no rule looks up decide nothing: they stay."""
    inverse: list[SourceOperation] = [
        RemoveRule(one.rule) if isinstance(one, AddRule) else AddRule(one.rule)
        for one in reversed(outcome.done)
        if isinstance(one, (AddRule, RemoveRule))
    ]
    return outcome._replace(failures=(*outcome.failures, *kernel.apply_source(inverse)), rolled_back=True)


def failure_of(operation: SourceOperation, errno: int, text: str) -> SourceFailure | None:
    """The failure that a refusal by the kernel is; None where what is asked for is so already."""
    gone = isinstance(operation, (RemoveRoute, RemoveRule)) and errno in (ESRCH, ENOENT)
    there = isinstance(operation, AddRule) and errno == EEXIST
    return None if gone or there else SourceFailure(operation, errno, text)
