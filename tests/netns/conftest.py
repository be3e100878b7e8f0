"""Fixtures of the tests of the service, and of those with network managers."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Iterator, List

import pytest

from tests.support.lab import Lab
from tests.support.managers import Managers, bare_nics
from tests.support.passes import Watch
from tests.support.removal import put_commands
from tests.support.service import Service, Start


@pytest.fixture(params=["deb", "rpm", "openrc"])
def kind(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The kind of package whose removal scripts are run; what they call is in `tmp_path`."""
    put_commands(tmp_path)
    return str(request.param)


@pytest.fixture
def start(lab: Lab) -> Iterator[Start]:
    """Starts services; none is left, and none had a bug."""
    made: List[Service] = []

    def one(*arguments: str, **options: Any) -> Service:
        service = Service(*arguments, **options)
        made.append(service)
        return service

    yield one
    logs = [service.log for service in made]
    for service in made:
        service.close()
    assert not [log for log in logs if "Traceback" in log or "bug of guest-routes" in log]


@pytest.fixture
def watch(lab: Lab) -> Iterator[Watch]:
    """What the kernel says about its routes during the test."""
    made = Watch()
    yield made
    made.close()


@pytest.fixture
def managers(lab: Lab) -> Iterator[Managers]:
    """The managers, none of them started, and NICs nobody has configured."""
    bare_nics(lab)
    made = Managers(lab)
    yield made
    made.close()
