"""A slice of every small situation; `make exhaustive` judges all of them."""

from __future__ import annotations

from itertools import islice
from typing import Iterator, List, Sequence, Tuple

import pytest

from guest_routes.model.network import MAIN_TABLE, Route
from guest_routes.model.operations import Operation
from guest_routes.routing.decide import decide
from tests.support.model_kernel import ModelKernel

from .laws import Judge
from .run import search
from .scope import SCOPES, Scope, Table, Written, situations

by_scope = pytest.mark.parametrize("scope", SCOPES, ids=[scope.name for scope in SCOPES])


def _pairs(scope: Scope, most: int, share: Tuple[int, int] = (1, 1)) -> Iterator[Tuple[Table, Written]]:
    return ((table, written) for table, documents in situations(scope, most, share) for written in documents)


def _shown(operations: Sequence[Operation]) -> List[Tuple[object, Route, object]]:
    """Without the reason, in which it says where in the document it comes from."""
    return [(type(one), one.route, getattr(one, "place", getattr(one, "before", ""))) for one in operations]


@by_scope
def test_a_slice(scope: Scope) -> None:
    told: List[str] = []
    found = search([scope], 2, (1, 97), tell=told.append)
    assert found.violations == {}, "\n".join(told)
    assert found.situations > 400


@by_scope
def test_what_is_remembered_is_what_the_product_decides(scope: Scope) -> None:
    judge = Judge(scope)
    for table, written in islice(_pairs(scope, 2, (1, 37)), 0, None, 101):
        state = table.kernel.snapshot(MAIN_TABLE)
        decision = decide(written.evidence._replace(kernel=state), scope.settings, accept_withdrawals=True)
        remembered = judge.decide(written, state)
        assert _shown(remembered.plan.operations) == _shown(decision.plan.operations)


@by_scope
def test_situations_that_are_judged_once_are_alike(scope: Scope) -> None:
    """A judge that remembers others finds what one finds that has seen nothing."""
    judge = Judge(scope)
    for number, (table, written) in enumerate(_pairs(scope, 2, (5, 397))):
        found = judge.judge(table, written)
        if number % 7 == 0:
            assert [one.law for one in found] == [one.law for one in Judge(scope).judge(table, written)]


def test_the_laws_can_be_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel that deletes nothing is noticed."""
    scope = SCOPES[0]
    some = list(_pairs(scope, 1))[::29]
    judge = Judge(scope)
    monkeypatch.setattr(ModelKernel, "_delete", lambda self, route: None)
    broken = {one.law[:2] for table, written in some for one in judge.judge(table, written)}
    assert {"R4", "R8", "R9"} <= broken
