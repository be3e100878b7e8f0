"""Applies a Plan to the Kernel, additions first; rolls it back on request (R7, R8)."""

from __future__ import annotations

from ..model.network import Prefix, Route
from ..model.operations import Add, Delete, Failure, Operation, Outcome, Promote, RemoveForeignDefault, RestoreDefault
from ..model.plan import Plan
from .engine import Kernel

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, Collection, Sequence, TypeAlias

    Spare: TypeAlias = "Callable[[Sequence[Operation], Sequence[Route]], Collection[Prefix]]"
    """Of removals and of the table's routes, the destinations at which nothing is to be removed now."""


def apply(
    plan: Plan, kernel: Kernel, record_defaults: Callable[[Sequence[Route]], None], spare: Spare | None = None
) -> Outcome:
    """Additions, then removals; a removal is skipped where the kernel refused an addition for the same destination.

    Args:
        spare: asked with a second look, just before a default is removed: it may have become the last one.
        record_defaults: keeps foreign defaults for `withdraw` (R4); called before any change, so that a failure of it
            changes nothing.
    """
    foreign = [operation.route for operation in plan.removals if isinstance(operation, RemoveForeignDefault)]
    if foreign:
        record_defaults(foreign)
    refused_additions = kernel.apply(plan.additions) if plan.additions else ()
    spared = {failure.operation.route.destination for failure in refused_additions}
    defaults = [operation for operation in plan.removals if operation.route.destination.is_default]
    if defaults and spare is not None:
        spared.update(spare(defaults, kernel.snapshot(defaults[0].route.table).routes))
    removals, skipped = _split_removals(plan.removals, spared)
    refused_removals = kernel.apply(removals) if removals else ()
    failures = (*refused_additions, *refused_removals)
    failed = {id(failure.operation) for failure in failures}
    done = plan.additions + removals
    return Outcome(tuple(op for op in done if id(op) not in failed) if failed else done, failures, skipped)


def _split_removals(
    removals: tuple[Operation, ...], spared: Collection[Prefix]
) -> tuple[tuple[Operation, ...], tuple[Operation, ...]]:
    """Removals to carry out, and those to skip because nothing replaces them: an addition was refused, or has gone."""
    if not spared:
        return removals, ()
    return (
        tuple(operation for operation in removals if operation.route.destination not in spared),
        tuple(operation for operation in removals if operation.route.destination in spared),
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
