"""Runs a Plan through the Kernel, additions first; undoes it when it has to (R7, R8)."""

from __future__ import annotations

from ..model.network import Route
from ..model.operations import Add, Delete, Failure, Operation, Outcome, Promote, RemoveForeignDefault, RestoreDefault
from ..model.plan import Plan
from .engine import Kernel

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, Sequence


def apply(plan: Plan, kernel: Kernel, record_defaults: Callable[[Sequence[Route]], None]) -> Outcome:
    """Additions, then removals; nothing is removed whose successor the kernel refused.

    Args:
        record: keeps foreign defaults for `withdraw` (R4); called before anything is written, so that nothing is
            when it fails.
    """
    taken = [operation.route for operation in plan.removals if isinstance(operation, RemoveForeignDefault)]
    if taken:
        record_defaults(taken)
    failures = kernel.apply(plan.additions) if plan.additions else ()
    refused = {failure.operation.route.destination for failure in failures}
    removals = plan.removals
    skipped: tuple[Operation, ...] = ()
    if refused:
        removals = tuple(op for op in plan.removals if op.route.destination not in refused)
        skipped = tuple(op for op in plan.removals if op.route.destination in refused)
    late = kernel.apply(removals) if removals else ()
    if not (failures or late):
        return Outcome(plan.additions + removals)
    failed = {id(failure.operation) for failure in (*failures, *late)}
    done = tuple(op for op in (*plan.additions, *removals) if id(op) not in failed)
    return Outcome(done, (*failures, *late), skipped)


def leaves_less(outcome: Outcome) -> bool:
    """Whether a refusal took away a route that was there: a Front whose second half failed (R8)."""
    return any(isinstance(failure.operation, Promote) for failure in outcome.failures)


def roll_back(outcome: Outcome, kernel: Kernel) -> tuple[Failure, ...]:
    """Undoes what was done, last first, so that additions again come before deletions; returns what was refused."""
    return kernel.apply([*map(_inverse, reversed(outcome.done)), *_lost(outcome)])


def _inverse(operation: Operation) -> Operation:
    route = operation.route
    if isinstance(operation, Delete):
        return Add(route, "rolled-back")
    if isinstance(operation, RemoveForeignDefault):
        return RestoreDefault(route, "rolled-back")
    if isinstance(operation, RestoreDefault):
        return RemoveForeignDefault(route, "rolled-back")
    if isinstance(operation, Add):
        return Delete(route, "rolled-back")
    return operation


def _lost(outcome: Outcome) -> list[Operation]:
    lost = [failure.operation for failure in outcome.failures if isinstance(failure.operation, Promote)]
    return [Add(operation.route, "rolled-back") for operation in lost]
