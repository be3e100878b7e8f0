"""A slice of the situations, the same ones every time.

A failure names its seed: `python -m tests.differential.run --show SEED`.
"""

from __future__ import annotations

import time
from typing import Any, Dict

import pytest

from guest_routes.model.report import Report

from . import judge as judging
from .machine import Machine, Passes
from .run import ENGINES, search
from .situation import make

SECONDS = 10


def test_the_same_situations() -> None:
    found = search(range(1, 16))
    assert (found.situations, found.violations) == (15, [])
    assert found.passes >= 45


def test_more_situations() -> None:
    """As many as there is time for. `python -m tests.differential.run` tries new seeds, and still finds faults."""
    found = search(range(50000, 50040), ENGINES[:1], time.monotonic() + SECONDS)
    assert found.passes
    assert found.violations == []


class Idle(Passes):
    """Says what a pass would do and does nothing."""

    def sync(self, document: Dict[str, Any], accept: bool) -> Report:
        before, self.model = self._kernel, None
        self._kernel = Unwritable(before)
        try:
            return super().sync(document, accept)
        finally:
            self._kernel = before


class Unwritable:
    """A kernel that takes every operation and does none."""

    def __init__(self, kernel: Any) -> None:
        self._kernel = kernel

    def __getattr__(self, name: str) -> Any:
        return (lambda operations: ()) if name == "apply" else getattr(self._kernel, name)


def test_a_pass_that_does_nothing_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The judge can fail."""
    machine = Machine()
    monkeypatch.setattr(judging, "Passes", Idle)
    rules = [{one.rule for one in judging.judge(machine, make(seed), "rtnetlink").violations} for seed in range(1, 21)]
    assert sum(map(bool, rules)) >= 12, rules
    assert {"R2", "R4", "R6"} <= set().union(*rules)
