"""Which of our routes the settings named, as the passes of a boot keep it (R6)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import List

import pytest

from guest_routes.model.network import parse_prefix
from guest_routes.model.settings import Settings
from guest_routes.routing.decide import decide, settings_routes
from guest_routes.state.settings_routes import destinations, keep
from guest_routes.state.store import State
from tests.support.situations import TWO_NICS, network, situation, wanted

NETWORKS = [network("eth0", "10.65.0.7/24", "default 10.65.0.1"), network("eth1", "11.8.0.9/24", "default 11.8.0.1")]
OURS = "12.0.0.0/8 via 11.8.0.1 dev eth1 proto guest-routes\n"


@pytest.fixture
def state(tmp_path: Path) -> State:
    return State(str(tmp_path / "run"), str(tmp_path / "lib"))


def a_pass(state: State, kernel: str, *routes: str, listed: str = "") -> List[str]:
    """What is kept after a pass with these routes in the settings."""
    second = network("eth1", "11.8.0.9/24", "default 11.8.0.1", listed) if listed else NETWORKS[1]
    evidence = situation([NETWORKS[0], second], TWO_NICS + kernel)._replace(settings_routes=destinations(state))
    settings = Settings(routes=wanted(*routes))
    keeps = settings_routes(decide(evidence, settings), evidence, settings)
    if keeps != evidence.settings_routes:
        keep(state, keeps)
    return sorted(map(str, destinations(state)))


def test_what_the_settings_name_is_kept_while_it_is_there(state: State) -> None:
    assert a_pass(state, "") == []
    assert not Path(state.run_dir).exists()
    assert a_pass(state, "", "12.0.0.0/8,11.8.0.1", "13.0.0.0/8,11.8.0.99") == ["12.0.0.0/8"]
    before = Path(state.settings_routes_path).stat().st_mtime_ns
    assert a_pass(state, OURS, "12.0.0.0/8,11.8.0.1") == ["12.0.0.0/8"]
    assert Path(state.settings_routes_path).stat().st_mtime_ns == before
    assert a_pass(state, OURS) == ["12.0.0.0/8"]  # Its removal may be refused.
    assert a_pass(state, "") == []
    assert not Path(state.settings_routes_path).exists()


def test_it_is_the_document_s_once_that_lists_it(state: State) -> None:
    assert a_pass(state, "", "12.0.0.0/8,11.8.0.1", listed="12.0.0.0/8 11.8.0.1") == ["12.0.0.0/8"]
    assert a_pass(state, OURS, listed="12.0.0.0/8 11.8.0.1") == []


@pytest.mark.parametrize("content", ["{}", "x", "[1]", '["12.0.0.0/8", "x"]', '["12.0.0.0/99"]'])
def test_a_file_that_is_none_is_named_and_not_used(state: State, content: str) -> None:
    Path(state.run_dir).mkdir()
    Path(state.settings_routes_path).write_text(content)
    assert destinations(state) == frozenset()
    assert [one.text for one in state.problems] == ["is damaged: no JSON list of prefixes; ignored"]
    Path(state.settings_routes_path).write_text(json.dumps(["12.0.0.0/8"]))
    assert destinations(state) == frozenset([parse_prefix("12.0.0.0/8")])
    assert not state.problems
