"""A plan carried out on the value model of the kernel: order, refusals, skipped removals, roll back (R7, R8)."""

from __future__ import annotations

from typing import Any, List, Sequence, Tuple

import pytest

from guest_routes.errors import StateError
from guest_routes.kernel.apply import apply, leaves_less, roll_back
from guest_routes.model.network import KernelState, Nic, Prefix, Route, parse_address, parse_prefix
from guest_routes.model.operations import (
    Add,
    Delete,
    Failure,
    Operation,
    Outcome,
    Promote,
    RemoveForeignDefault,
    RestoreDefault,
)
from guest_routes.model.plan import Plan
from guest_routes.routing.planning.restoration import as_before
from tests.support.model_kernel import ModelKernel

NICS = (
    Nic(2, "eth0", addresses=(parse_prefix("10.65.0.7/24"),)),
    Nic(3, "eth1", addresses=(parse_prefix("11.8.0.9/24"),)),
)
STATIC = 4


def route(destination: str, via: str = "11.8.0.1", ifindex: int = 3, **fields: Any) -> Route:
    return Route(parse_prefix(destination), parse_address(via), ifindex)._replace(**fields)


OLD, NEW = route("11.11.0.0/16", "11.8.0.2"), route("11.11.0.0/16")
OTHER = route("10.2.0.0/16")
UNREACHABLE = route("11.11.0.0/16", "192.0.2.1")
"""The kernel refuses it: no NIC has its gateway's subnet."""
FOREIGN_DEFAULT = route("0.0.0.0/0", protocol=STATIC)
OUR_DEFAULT = route("0.0.0.0/0", "10.65.0.1", 2)


class RecordingKernel(ModelKernel):
    """Keeps the batches in the order in which it was given them."""

    def __init__(self, *routes: Route) -> None:
        self.before = KernelState(NICS, routes)
        super().__init__(self.before)
        self.batches: List[Tuple[Operation, ...]] = []

    def restorations(self, removed: Sequence[Operation]) -> Sequence[Operation]:
        return as_before(removed, self.snapshot(254), self.before)

    def apply(self, operations: Sequence[Operation]) -> Tuple[Failure, ...]:
        self.batches.append(tuple(operations))
        return super().apply(operations)

    @property
    def routes(self) -> Tuple[Route, ...]:
        return self.snapshot(254).routes


def nothing_to_record(routes: Sequence[Route]) -> None:
    pytest.fail(f"recorded {routes}")


def test_additions_come_before_removals() -> None:
    """The destination is served at any time."""
    kernel = RecordingKernel(OLD)
    additions, removals = (Add(NEW),), (Delete(OLD),)
    assert apply(Plan(additions, removals), kernel, nothing_to_record) == Outcome(additions + removals)
    assert kernel.batches == [additions, removals]
    assert kernel.routes == (NEW,)


@pytest.mark.parametrize("plan, batches", [
    (Plan(), []), (Plan(additions=(Add(NEW),)), [(Add(NEW),)]), (Plan(removals=(Delete(OLD),)), [(Delete(OLD),)]),
])  # fmt: skip
def test_the_kernel_is_not_asked_for_nothing(plan: Plan, batches: List[Tuple[Operation, ...]]) -> None:
    kernel = RecordingKernel(OLD)
    assert apply(plan, kernel, nothing_to_record).done == plan.operations
    assert kernel.batches == batches


def test_a_removal_is_skipped_where_its_replacement_is_refused() -> None:
    """R7: the old route goes on serving; other destinations are carried out all the same."""
    kernel = RecordingKernel(OLD, OTHER)
    plan = Plan((Add(UNREACHABLE), Add(route("10.3.0.0/16"))), (Delete(OLD), Delete(OTHER)))
    outcome = apply(plan, kernel, nothing_to_record)
    assert outcome.done == (plan.additions[1], Delete(OTHER))
    assert [(failure.operation, failure.text) for failure in outcome.failures] == [
        (plan.additions[0], "Nexthop has invalid gateway")
    ]
    assert outcome.skipped == (Delete(OLD),)
    assert kernel.routes == (route("10.3.0.0/16"), OLD)


def test_of_equal_operations_the_refused_one_counts_as_refused() -> None:
    """They are told apart by identity: one of two equal additions is refused, the other is done."""
    kernel = RecordingKernel()
    first, second = Add(NEW), Add(route("11.11.0.0/16"))
    outcome = apply(Plan((first, second)), kernel, nothing_to_record)
    assert outcome.done == (first,) and outcome.done[0] is first
    assert outcome.failures[0].operation is second


def test_a_refused_removal_is_a_failure() -> None:
    class Refusing(RecordingKernel):
        """Removes nothing."""

        def apply(self, operations: Sequence[Operation]) -> Tuple[Failure, ...]:
            super().apply([operation for operation in operations if isinstance(operation, Add)])
            return tuple(Failure(one, 1, "Operation not permitted") for one in operations if isinstance(one, Delete))

    plan = Plan((Add(NEW),), (Delete(OLD), Delete(OTHER)))
    outcome = apply(plan, Refusing(OLD, OTHER), nothing_to_record)
    assert outcome.done == plan.additions
    assert [failure.operation for failure in outcome.failures] == list(plan.removals)
    assert outcome.skipped == ()


def test_what_is_spared_by_a_second_look_is_skipped() -> None:
    """It is asked only where a default would go, with the table as it is after the additions."""
    asked: List[Tuple[Sequence[Operation], Sequence[Route]]] = []

    def spare(removals: Sequence[Operation], now: Sequence[Route]) -> List[Prefix]:
        asked.append((removals, now))
        return [OUR_DEFAULT.destination]

    kernel = RecordingKernel(OLD, OUR_DEFAULT)
    plan = Plan((Add(OTHER),), (Delete(OLD), Delete(OUR_DEFAULT)))
    outcome = apply(plan, kernel, nothing_to_record, spare)
    assert (outcome.done, outcome.skipped) == ((*plan.additions, Delete(OLD)), (Delete(OUR_DEFAULT),))
    assert [([*removals], {*now}) for removals, now in asked] == [([Delete(OUR_DEFAULT)], {OLD, OTHER, OUR_DEFAULT})]
    apply(Plan(removals=(Delete(OTHER),)), kernel, nothing_to_record, spare)
    assert len(asked) == 1


# ---- foreign defaults (R4) --------------------------------------------------------------------------


def test_foreign_defaults_are_recorded_before_anything_is_written() -> None:
    kernel = RecordingKernel(FOREIGN_DEFAULT)
    seen: List[Tuple[List[Route], int]] = []
    plan = Plan((Add(OUR_DEFAULT),), (RemoveForeignDefault(FOREIGN_DEFAULT), Delete(OLD)))
    apply(plan, kernel, lambda routes: seen.append((list(routes), len(kernel.batches))))
    assert seen == [([FOREIGN_DEFAULT], 0)]
    assert kernel.routes == (OUR_DEFAULT,)


def test_nothing_is_written_where_they_cannot_be_recorded() -> None:
    def refuse(routes: Sequence[Route]) -> None:
        raise StateError("no space")

    kernel = RecordingKernel(FOREIGN_DEFAULT)
    with pytest.raises(StateError, match="no space"):
        apply(Plan((Add(OUR_DEFAULT),), (RemoveForeignDefault(FOREIGN_DEFAULT),)), kernel, refuse)
    assert (kernel.batches, kernel.routes) == ([], (FOREIGN_DEFAULT,))


# ---- roll back (R8) ---------------------------------------------------------------------------------

FOREIGN_OTHER = route("0.0.0.0/0", "10.65.0.2", 2, protocol=STATIC, metric=100)


@pytest.mark.parametrize("before, plan", [
    ((OLD, OTHER), Plan((Add(NEW), Add(route("10.3.0.0/16"))), (Delete(OLD), Delete(OTHER)))),
    ((FOREIGN_DEFAULT,), Plan((Add(OUR_DEFAULT),), (RemoveForeignDefault(FOREIGN_DEFAULT),))),
    ((OUR_DEFAULT,), Plan((RestoreDefault(FOREIGN_OTHER),), (Delete(OUR_DEFAULT),))),
    ((FOREIGN_DEFAULT, OUR_DEFAULT), Plan((), (Delete(OUR_DEFAULT),))),
    ((OUR_DEFAULT, FOREIGN_DEFAULT), Plan((), (Delete(OUR_DEFAULT),))),
])  # fmt: skip
def test_what_is_rolled_back_is_as_it_was(before: Tuple[Route, ...], plan: Plan) -> None:
    kernel = RecordingKernel(*before)
    as_it_was = kernel.routes
    outcome = apply(plan, kernel, lambda routes: None)
    assert (outcome.done, kernel.routes != as_it_was) == (plan.operations, True)
    assert roll_back(outcome, kernel, kernel.restorations) == ()
    assert kernel.routes == as_it_was
    assert [operation.reason for operation in kernel.batches[-1]] == ["rolled-back"] * len(plan.operations)


def test_a_roll_back_adds_before_it_deletes() -> None:
    kernel = RecordingKernel(OLD)
    roll_back(apply(Plan((Add(NEW),), (Delete(OLD),)), kernel, nothing_to_record), kernel, kernel.restorations)
    assert [type(operation) for operation in kernel.batches[-1]] == [Add, Delete]


def test_only_what_was_done_is_rolled_back() -> None:
    kernel = RecordingKernel(OLD)
    outcome = apply(Plan((Add(UNREACHABLE), Add(OTHER)), (Delete(OLD),)), kernel, nothing_to_record)
    assert roll_back(outcome, kernel, kernel.restorations) == ()
    assert kernel.batches[-1] == (Delete(OTHER, "rolled-back"),)
    assert kernel.routes == (OLD,)


def test_what_a_roll_back_cannot_do_is_returned() -> None:
    kernel = RecordingKernel()
    lost = Outcome(done=(Delete(UNREACHABLE),))
    assert [failure.operation for failure in roll_back(lost, kernel, kernel.restorations)] == [
        Add(UNREACHABLE, "rolled-back")
    ]


def test_a_promotion_has_no_inverse() -> None:
    """Where the route stood among its equals is unknown, and it serves either way."""
    kernel = RecordingKernel(NEW)
    outcome = apply(Plan((Promote(NEW),)), kernel, nothing_to_record)
    assert not leaves_less(outcome)
    roll_back(outcome, kernel, kernel.restorations)
    assert kernel.routes == (NEW,)


def test_a_refused_promotion_leaves_less_and_its_route_is_put_back() -> None:
    """Its deletion is carried out before its addition is refused, as where the NIC goes down in between."""

    class GoesDown(RecordingKernel):
        """Refuses a promotion's addition, and nothing later."""

        def apply(self, operations: Sequence[Operation]) -> Tuple[Failure, ...]:
            promoted = [one for one in operations if isinstance(one, Promote)]
            super().apply([Delete(one.route) if one in promoted else one for one in operations])
            return tuple(Failure(one, 100, "Nexthop device is not up") for one in promoted)

    kernel = GoesDown(OTHER, NEW)
    outcome = apply(Plan((Promote(NEW),), (Delete(OTHER),)), kernel, nothing_to_record)
    assert leaves_less(outcome)
    assert not kernel.routes
    assert roll_back(outcome, kernel, kernel.restorations) == ()
    assert kernel.routes == (OTHER, NEW)


def test_a_refused_addition_leaves_no_less() -> None:
    assert not leaves_less(apply(Plan((Add(UNREACHABLE),)), RecordingKernel(), nothing_to_record))
    assert not leaves_less(Outcome())
