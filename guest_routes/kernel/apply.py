"""Applies a Plan to the Kernel, additions first; rolls it back on request (R7, R8)."""

from __future__ import annotations

from ..model.network import Route
from ..model.operations import Add, Delete, Failure, Operation, Outcome, Promote, RemoveForeignDefault, RestoreDefault
from ..model.plan import Plan
from .engine import Kernel

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, Sequence


def apply(plan: Plan, kernel: Kernel, record_defaults: Callable[[Sequence[Route]], None]) -> Outcome:
    """Additions, then removals; a removal is skipped where the kernel refused an addition for the same destination.

    Args:
        record_defaults: keeps foreign defaults for `withdraw` (R4); called before any change, so that a failure of it
            changes nothing.
    """
    foreign = [operation.route for operation in plan.removals if isinstance(operation, RemoveForeignDefault)]
    if foreign:
        record_defaults(foreign)
    refused_additions = kernel.apply(plan.additions) if plan.additions else ()
    removals, skipped = _split_removals(plan.removals, refused_additions)
    refused_removals = kernel.apply(removals) if removals else ()
    failures = (*refused_additions, *refused_removals)
    failed = {id(failure.operation) for failure in failures}
    done = plan.additions + removals
    return Outcome(tuple(op for op in done if id(op) not in failed) if failed else done, failures, skipped)


def _split_removals(
    removals: tuple[Operation, ...], refused: Sequence[Failure]
) -> tuple[tuple[Operation, ...], tuple[Operation, ...]]:
    """Removals to carry out, and those to skip because what replaces them was refused."""
    if not refused:
        return removals, ()
    destinations = {failure.operation.route.destination for failure in refused}
    return (
        tuple(operation for operation in removals if operation.route.destination not in destinations),
        tuple(operation for operation in removals if operation.route.destination in destinations),
    )


def leaves_less(outcome: Outcome) -> bool:
    """Whether a refusal cost a route that was there: a Promote whose addition failed after its deletion (R8)."""
    return any(isinstance(failure.operation, Promote) for failure in outcome.failures)


def roll_back(
    outcome: Outcome, kernel: Kernel, restorations: Callable[[Sequence[Operation]], Sequence[Operation]]
) -> tuple[Failure, ...]:
    """Undoes what was done, last first, so that additions come before deletions again; returns what was refused.

    Args:
        restorations: of what was done, puts removed routes back into their places among their equals.
    """
    removed = any(isinstance(operation, (Delete, RemoveForeignDefault)) for operation in outcome.done)
    restored = restorations(outcome.done) if removed else ()
    back = {operation.route for operation in restored}
    others = [
        operation for operation in outcome.done
        if not isinstance(operation, RemoveForeignDefault)
        and not (isinstance(operation, (Delete, RestoreDefault)) and operation.route in back)
    ]  # fmt: skip
    return kernel.apply([*restored, *map(_inverse, reversed(others)), *_lost(outcome)])


def _inverse(operation: Operation) -> Operation:
    route = operation.route
    if isinstance(operation, Delete):
        return Add(route, "rolled-back")
    if isinstance(operation, RestoreDefault):
        return RemoveForeignDefault(route, "rolled-back")
    if isinstance(operation, Add):
        return Delete(route, "rolled-back")
    return operation


def _lost(outcome: Outcome) -> list[Operation]:
    lost = [failure.operation for failure in outcome.failures if isinstance(failure.operation, Promote)]
    return [Add(operation.route, "rolled-back") for operation in lost]
