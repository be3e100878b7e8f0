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
    from typing import Iterable, Iterator

    from ..model.network import Prefix
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
        self._apply(self._free(stage.unused))
        broken = self._kept | self._apply(self._free(stage.routes))
        broken |= self._apply(one for one in stage.rules if table_key(one) not in broken)
        lacking = {_address(one) for one in stage.rules if table_key(one) in broken}
        rules = [one for one in stage.removals if isinstance(one, RemoveRule)]
        self._kept |= {table_key(one) for one in rules if _address(one) in lacking}
        self._apply(one for one in rules if _address(one) not in lacking)
        self._apply(self._free(one for one in stage.removals if isinstance(one, RemoveRoute)))

    def _free(self, operations: Iterable[SourceOperation]) -> Iterator[SourceOperation]:
        """Those on tables that need not stay as they are."""
        return (one for one in operations if table_key(one) not in self._kept)

    def _apply(self, operations: Iterable[SourceOperation]) -> set[TableKey]:
        """The tables of what was refused."""
        asked = tuple(operations)
        failures = self._kernel.apply_source(asked) if asked else ()
        failed = {one.operation for one in failures}
        self.done += (one for one in asked if one not in failed)
        self.failures += failures
        return {table_key(one) for one in failed}


def _address(one: AddRule | RemoveRule) -> tuple[int, Prefix | None]:
    """The address that a rule is for, with its family."""
    return one.rule.family, one.rule.source


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
