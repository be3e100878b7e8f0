"""Tables of source routing that no rule looks up any more: the next pass, or `withdraw`, empties them (R18, R21)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import List

import pytest

from guest_routes.model.settings import Settings
from tests.support.by_source import FILE, ON, killed_after, own_rules, own_table, synced, way
from tests.support.calico import OUTSIDE, Calico
from tests.support.lab import Lab, document, write_document
from tests.support.passes import run
from tests.support.service import write_settings

OTHER = f"{ON} --source-routing-table 13000"
KEPT = Path("/run/guest-routes/source-tables")


@pytest.fixture(params=["rtnetlink", "pyroute2"])
def engine(request: pytest.FixtureRequest) -> str:
    """Both engines."""
    return f"--engine {request.param}"


def routes_in(lab: Lab, *tables: str) -> List[str]:
    return [line for table in tables for family in (4, 6) for line in own_table(lab, table, family)]


def without_rules(lab: Lab) -> None:
    """Another program deletes our rules."""
    for version in ("-4", "-6"):
        while "proto" in (rules := lab.ip(version, "rule")):
            priority = next(line for line in rules.splitlines() if "proto" in line).split(":")[0]
            lab.ip(version, "rule", "del", "priority", priority)


@pytest.mark.parametrize("then, left", [(FILE, 0), (OTHER, 10)], ids=["off", "other-numbers"])
def test_a_pass_empties_tables_whose_rules_somebody_deleted(lab: Lab, engine: str, then: str, left: int) -> None:
    Calico(lab)
    synced(lab, f"{ON} {engine}")
    without_rules(lab)
    synced(lab, f"{then} {engine}")
    assert routes_in(lab, "12102", "12103") == []
    assert len(routes_in(lab, "13002", "13003")) == left
    assert "nothing to do" in synced(lab, f"{then} {engine}")
    assert KEPT.exists() == bool(left)


def test_doctor_and_status_tell_of_them(lab: Lab) -> None:
    Calico(lab)
    lab.metadata_server(document("dual-stack"))
    write_settings(source_routing=True)
    assert run(lab, "sync").code == 0
    without_rules(lab)
    write_settings(source_routing=False)
    assert "10 changes needed for source routing" in run(lab, "status").out
    assert "10 changes needed for source routing" in run(lab, "doctor").out
    assert run(lab, "plan --check").code == 3


def test_withdraw_empties_tables_of_other_numbers(lab: Lab, engine: str) -> None:
    Calico(lab)
    synced(lab, f"{OTHER} {engine}")
    without_rules(lab)
    write_settings(source_routing=True)
    assert run(lab, f"withdraw {engine}").code == 0
    assert routes_in(lab, "13002", "13003") == []
    assert not KEPT.exists()


def test_what_a_nic_that_has_gone_left_behind_goes(lab: Lab, engine: str) -> None:
    """A throw leads through no NIC, so it stays when the NIC goes."""
    Calico(lab)
    lab.ip("link", "add", "docker0", "type", "veth", "peer", "name", "container")
    lab.ip("link", "set", "docker0", "up")
    lab.ip("link", "set", "container", "up")
    lab.ip("address", "add", "172.17.0.1/16", "dev", "docker0")
    synced(lab, f"{ON} {engine}")
    lab.ip("link", "del", "eth1")
    without_rules(lab)
    assert routes_in(lab, "12103") == ["throw 172.17.0.0/16"]
    assert run(lab, f"sync {ON} {engine}").code == 5
    assert routes_in(lab, "12103") == []


def test_killed_while_the_numbers_change(lab: Lab) -> None:
    """At whatever operation: the next pass leaves nothing in the old tables, and neither does `withdraw`."""
    Calico(lab)
    other = Settings(source_routing=True, source_routing_table=13000)
    for lives in range(1, 30, 6):
        synced(lab)
        if not killed_after(lives, other):
            break
        synced(lab, OTHER)
        assert routes_in(lab, "12102", "12103") == [], lives
        synced(lab)
        assert killed_after(lives, other)
        assert run(lab, "withdraw").code == 0
        assert (routes_in(lab, "12102", "12103", "13002", "13003"), own_rules(lab)) == ([], []), lives
    assert lives > 20


def test_a_state_that_cannot_be_written_keeps_nothing_from_being_done(lab: Lab) -> None:
    Calico(lab)
    synced(lab, FILE)
    KEPT.mkdir()
    out = synced(lab, code=1)
    assert f"{KEPT}" in out
    assert way(lab, OUTSIDE[0], "11.8.0.9") == "via 11.8.0.1 dev eth1"
    KEPT.rmdir()
    assert "nothing to do" in synced(lab)
    assert json.loads(KEPT.read_text()) == [[12102, 121], [12103, 121]]


def test_other_numbers_with_a_document_that_may_be_partial(lab: Lab, tmp_path: Path, engine: str) -> None:
    """The NIC that the document lacks keeps its rule, and so the table that this one looks up."""
    Calico(lab)
    synced(lab, f"{ON} {engine}")
    half = json.loads(document("dual-stack").read_text())
    half["networks"] = half["networks"][:2]
    partial = write_document(tmp_path / "half.json", half)
    run(lab, f"sync --metadata {partial} --source-routing true --source-routing-table 13000 {engine}")
    assert way(lab, OUTSIDE[0], "11.8.0.9") == "via 11.8.0.1 dev eth1"
    assert way(lab, OUTSIDE[0], "10.65.0.7") == "via 10.65.0.1 dev eth0"
    assert len(routes_in(lab, "12103")) == 5
    assert routes_in(lab, "12102") == []
