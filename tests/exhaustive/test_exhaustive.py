"""A slice of every small situation; `make exhaustive` judges all of them."""

from __future__ import annotations

from itertools import islice
from typing import List

import pytest

from guest_routes.model.network import MAIN_TABLE
from guest_routes.routing.decide import decide
from tests.support.model_kernel import ModelKernel

from .laws import Judge
from .run import search
from .scope import SCOPES, Scope, pairs

by_scope = pytest.mark.parametrize("scope", SCOPES, ids=[scope.name for scope in SCOPES])


@by_scope
def test_a_slice(scope: Scope) -> None:
    told: List[str] = []
    found = search([scope], 2, (1, 397), tell=told.append)
    assert found.violations == {}, "\n".join(told)
    assert found.situations > 150


@by_scope
def test_what_is_remembered_is_what_the_product_decides(scope: Scope) -> None:
    judge = Judge(scope)
    for table, written in islice(pairs(scope, 2), 0, None, 2999):
        state = table.kernel.snapshot(MAIN_TABLE)
        decision = decide(written.evidence._replace(kernel=state), scope.settings, accept_withdrawals=True)
        assert judge.decide(written, state, ()).plan.operations == decision.plan.operations


def test_the_laws_can_be_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel that deletes nothing is noticed."""
    scope = SCOPES[0]
    pair = list(pairs(scope, 1))
    judge = Judge(scope)
    monkeypatch.setattr(ModelKernel, "_delete", lambda self, route: None)
    broken = {one.law[:2] for table, written in pair[::29] for one in judge.judge(table, written)}
    assert {"R4", "R8", "R9"} <= broken
