"""A journal to write into, and a pass to write about."""

from __future__ import annotations

from pathlib import Path

import pytest

from guest_routes.model.report import Report
from tests.support.journal import Bench


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@pytest.fixture
def report(bench: Bench) -> Report:
    """A pass that has added 11.11.0.0/16 and the default route."""
    return bench.report()
