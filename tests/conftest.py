"""Every test runs outside the machine's own network; see support/sandbox.py."""

from __future__ import annotations

import os
from typing import Iterator

import pytest

from tests.support import examples, sandbox

# What a test writes is what root alone can write, where the umask of whoever runs it has their group write, too.
os.umask(0o022)
sandbox.enter()
examples.register()

from tests.support.lab import Lab, clean_machine  # noqa: E402


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """A worker of pytest-xdist has a /run of its own: the folder that it is told to use stands in another's."""
    if hasattr(config, "workerinput"):
        config.option.basetemp = None


@pytest.fixture(scope="module", autouse=True)
def _machine() -> None:
    """Every file of tests finds the same machine, whichever were run before."""
    clean_machine()


@pytest.fixture
def lab() -> Iterator[Lab]:
    """An empty instance with its hypervisor."""
    made = Lab()
    yield made
    made.close()
