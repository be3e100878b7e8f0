"""Every test runs outside the machine's own network; see support/sandbox.py."""

from __future__ import annotations

from pathlib import Path
from typing import Iterator

import pytest

from tests.support import examples, sandbox

sandbox.enter()
examples.register()

from tests.support.lab import Lab  # noqa: E402


def pytest_configure(config: pytest.Config) -> None:
    """A worker of pytest-xdist is given a folder in the /run of the process that started it; its own is empty."""
    if config.option.basetemp:
        Path(config.option.basetemp).parent.mkdir(parents=True, exist_ok=True)


@pytest.fixture
def lab() -> Iterator[Lab]:
    """An empty instance with its hypervisor."""
    made = Lab()
    yield made
    made.close()
