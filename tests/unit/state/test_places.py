"""Where routes of ours may be: kept once the settings have had other values than the defaults, else nothing is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from guest_routes.model.settings import Settings
from guest_routes.state.places import elsewhere, forget, keep_source_tables, remember, source_tables
from guest_routes.state.store import State

HERE = Settings()
THERE = Settings(table=100)


@pytest.fixture
def state(tmp_path: Path) -> State:
    return State(str(tmp_path / "run"), str(tmp_path / "lib"))


def test_nothing_is_kept_by_default_once_a_pass_has_come_to_its_end(state: State) -> None:
    remember(state, HERE)
    assert elsewhere(state, THERE) == ((254, 121),)
    state.write_status({"table": 254, "protocol": 121})
    remember(state, HERE)
    assert not Path(state.places_path).exists()
    assert (elsewhere(state, HERE), elsewhere(state, THERE)) == ((), ((254, 121),))


def test_the_pass_before_is_kept_as_well(state: State) -> None:
    state.write_status({"table": 254, "protocol": 121})
    remember(state, THERE)
    assert elsewhere(state, THERE) == ((254, 121),)
    assert elsewhere(state, HERE) == ((100, 121),)
    before = Path(state.places_path).stat().st_mtime_ns
    remember(state, THERE)
    assert Path(state.places_path).stat().st_mtime_ns == before
    forget(state)
    assert elsewhere(state, HERE) == ()


@pytest.mark.parametrize(
    "status", [{}, {"failed": {}}, {"table": "main", "protocol": 121}, {"table": True, "protocol": 1}]
)
def test_a_status_without_a_place(state: State, status: object) -> None:
    state.write_status(status)  # type: ignore[arg-type]
    remember(state, THERE)
    assert json.loads(Path(state.places_path).read_text()) == [[100, 121]]


def test_any_number_of_places_is_kept(state: State) -> None:
    for table in range(1, 70):
        remember(state, Settings(table=table))
    assert elsewhere(state, HERE) == tuple((table, 121) for table in range(1, 70))


def test_source_routing_s_tables_are_kept_by_protocol_until_they_are_empty(state: State) -> None:
    assert source_tables(state, 121) == ()
    keep_source_tables(state, 121, ())
    assert not Path(state.source_tables_path).exists()
    keep_source_tables(state, 121, {12103, 12102})
    keep_source_tables(state, 130, {500})
    assert (source_tables(state, 121), source_tables(state, 130)) == ((12102, 12103), (500,))
    before = Path(state.source_tables_path).stat().st_mtime_ns
    keep_source_tables(state, 121, {12102, 12103})
    assert Path(state.source_tables_path).stat().st_mtime_ns == before
    keep_source_tables(state, 121, ())
    assert (source_tables(state, 121), source_tables(state, 130)) == ((), (500,))
    forget(state)
    assert not Path(state.source_tables_path).exists()


def test_a_damaged_file_of_tables_is_named_and_replaced(state: State) -> None:
    keep_source_tables(state, 121, {12102})
    Path(state.source_tables_path).write_text("{}")
    assert source_tables(state, 121) == ()
    assert [problem.place for problem in state.problems] == [state.source_tables_path]
    keep_source_tables(state, 121, {12103})
    assert (source_tables(state, 121), state.problems) == ((12103,), ())
