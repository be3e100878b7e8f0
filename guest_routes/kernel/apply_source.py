"""Applies source routing's plan, stage by stage: routes, then rules, then what goes; and puts it back (R7, R8, R21)."""

from __future__ import annotations

from ..model.source_routing import AddRule, RemoveRoute, RemoveRule, SetRoute, SourceRoutingOutcome
from ..routing.source_routing.equal import joined, key
from ..routing.source_routing.stages import stages, table_key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterable, Iterator, Sequence

    from ..model.network import Route
    from ..model.source_routing import SourceFailure, SourceOperation, SourceRoutingPlan
    from ..routing.source_routing.stages import Stage, TableKey
    from .engine import Kernel


class _Course:
    """What has been done so far, and which tables must stay as they are."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self.done: list[SourceOperation] = []
        self.failures: list[SourceFailure] = []
        self._kept: set[TableKey] = set()
        """Tables that a rule looks up which should have gone: its address has no other table."""

    def carry_out(self, stage: Stage) -> None:
        """No rule is made for a table of which a route was refused: it would decide, and wrongly.

        An address that goes without its new rule keeps the old one, and that one's table.
        """
        self._apply(one for one in stage.unused if table_key(one) not in self._kept)
        broken = self._kept | self._apply(one for one in stage.routes if table_key(one) not in self._kept)
        refused = self._apply(one for one in stage.rules if table_key(one) not in broken)
        lacking = {(one.rule.family, one.rule.source) for one in stage.rules if table_key(one) in broken | refused}
        rules = [one for one in stage.removals if isinstance(one, RemoveRule)]
        self._kept |= {table_key(one) for one in rules if (one.rule.family, one.rule.source) in lacking}
        self._apply(one for one in rules if (one.rule.family, one.rule.source) not in lacking)
        routes = (one for one in stage.removals if isinstance(one, RemoveRoute))
        self._apply(one for one in routes if table_key(one) not in self._kept)

    def _apply(self, operations: Iterable[SourceOperation]) -> set[TableKey]:
        """The tables of what was refused."""
        asked = tuple(operations)
        failures = self._kernel.apply_source(asked) if asked else ()
        failed = {one.operation for one in failures}
        self.done += (one for one in asked if one not in failed)
        self.failures += failures
        return {table_key(one) for one in failed}


def apply_source(plan: SourceRoutingPlan, kernel: Kernel) -> SourceRoutingOutcome:
    """Carries it out."""
    course = _Course(kernel)
    for stage in stages(plan):
        course.carry_out(stage)
    return SourceRoutingOutcome(tuple(course.done), tuple(course.failures))


def roll_back_source(outcome: SourceRoutingOutcome, before: Sequence[Route], kernel: Kernel) -> SourceRoutingOutcome:
    """Puts rules and tables back as they were, last first (R8).

    Args:
        before: the routes of the NICs' tables as they were.
    """
    failures = kernel.apply_source(tuple(_inverse(outcome.done, before)))
    return outcome._replace(failures=(*outcome.failures, *failures), rolled_back=True)


def _inverse(done: Sequence[SourceOperation], before: Sequence[Route]) -> Iterator[SourceOperation]:
    """What undoes these operations."""
    had = {key(route): route for route in reversed(joined(before))}
    for one in reversed(done):
        if isinstance(one, AddRule):
            yield RemoveRule(one.rule)
        elif isinstance(one, RemoveRule):
            yield AddRule(one.rule)
        elif isinstance(one, RemoveRoute):
            yield SetRoute(one.route)
        elif one.replaces and key(one.route) in had:
            yield SetRoute(had[key(one.route)], replaces=True)
        else:
            yield RemoveRoute(one.route)


def failure_of(operation: SourceOperation, errno: int, text: str) -> SourceFailure | None:
    """The failure that a refusal by the kernel is; None where what is asked for is so already."""
    gone = isinstance(operation, (RemoveRoute, RemoveRule)) and errno in (ESRCH, ENOENT)
    there = isinstance(operation, AddRule) and errno == EEXIST
    return None if gone or there else SourceFailure(operation, errno, text)
