"""Applies source routing's plan, stage by stage: routes, then rules, then what goes; and puts it back (R7, R8, R21)."""

from __future__ import annotations

from errno import EEXIST, ENOENT, ESRCH

from ..model.source_routing import (
    AddRule,
    RemoveRoute,
    RemoveRule,
    SourceFailure,
    SourceRoutingOutcome,
    table_key,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterable

    from ..model.source_routing import SourceOperation, Stage, TableKey
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


def apply_source(stages: Iterable[Stage], kernel: Kernel) -> SourceRoutingOutcome:
    """Carries the stages of a plan out."""
    course = _Course(kernel)
    for stage in stages:
        course.carry_out(stage)
    return SourceRoutingOutcome(tuple(course.done), tuple(course.failures))


def roll_back_source(
    outcome: SourceRoutingOutcome, inverse: Iterable[SourceOperation], kernel: Kernel
) -> SourceRoutingOutcome:
    """Puts rules and tables back as they were (R8).

    Args:
        inverse: what undoes all that was done, last first.
    """
    failures = kernel.apply_source(tuple(inverse))
    return outcome._replace(failures=(*outcome.failures, *failures), rolled_back=True)


def failure_of(operation: SourceOperation, errno: int, text: str) -> SourceFailure | None:
    """The failure that a refusal by the kernel is; None where what is asked for is so already."""
    gone = isinstance(operation, (RemoveRoute, RemoveRule)) and errno in (ESRCH, ENOENT)
    there = isinstance(operation, AddRule) and errno == EEXIST
    return None if gone or there else SourceFailure(operation, errno, text)
