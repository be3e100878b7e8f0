"""Source routing on the real kernel, on a hypervisor as Calico makes it: every address answers every host (R21)."""

from __future__ import annotations

import pytest

from tests.support.calico import ANSWERED_BY_MAIN, PAIRS, Calico, echo
from tests.support.lab import Lab, document
from tests.support.passes import run, table

FILE = f"--metadata {document('dual-stack')}"


@pytest.fixture(params=["rtnetlink", "pyroute2"])
def engine(request: pytest.FixtureRequest) -> str:
    """Both engines."""
    return f"--engine {request.param}"


def test_every_address_answers_every_host(lab: Lab, engine: str) -> None:
    calico = Calico(lab)
    assert run(lab, f"sync {FILE} {engine}").code == 0
    echo(lab)
    before = calico.answered()
    assert set(before["tcp"]) == set(before["udp"]) == ANSWERED_BY_MAIN
    main = table(lab), table(lab, 6)
    ran = run(lab, f"sync {FILE} {engine} --source-routing true")
    assert (ran.code, ran.err) == (0, "")
    after = calico.answered()
    assert set(after["tcp"]) == set(after["udp"]) == set(PAIRS)
    assert (table(lab), table(lab, 6)) == main
