"""Times in files of state, moved by what the clock was set since they were written."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any, Dict

import pytest

from guest_routes.state.clock_stamp import by_the_present_clock, stamped

ROOT = "/"
WRITTEN: Dict[str, Any] = {
    "finished": 1000.0, "failed": {"finished": 900.0, "error": "when"}, "leases": [{"obtained": 5.0, "expires": None}],
    "refreshed": 0.0, "recent": [{"when": 7.5, "what": "added"}], "conflicts": [{"since": 8.0}], "repairs": 3,
    "metadata": {"age_seconds": 4.0, "since": 1.0},
}  # fmt: skip


def set_clock(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + seconds)


@pytest.mark.parametrize("seconds", [0.0, 3600.0, -3600.0])
def test_times_are_as_long_ago_as_they_were(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    written = json.loads(json.dumps(stamped(WRITTEN, ROOT)))
    set_clock(monkeypatch, seconds)
    found = by_the_present_clock(written, ROOT)
    assert found["finished"] == pytest.approx(1000.0 + seconds, abs=0.9)
    assert found["failed"] == {"finished": pytest.approx(900.0 + seconds, abs=0.9), "error": "when"}
    assert found["leases"] == [{"obtained": pytest.approx(5.0 + seconds, abs=0.9), "expires": None}]
    assert found["recent"] == [{"when": pytest.approx(7.5 + seconds, abs=0.9), "what": "added"}]
    assert found["conflicts"] == [{"since": pytest.approx(8.0 + seconds, abs=0.9)}]
    assert [found[key] for key in ("refreshed", "repairs", "metadata")] == [0.0, 3, WRITTEN["metadata"]]
    assert found.keys() == WRITTEN.keys()


def test_another_boot_s_times_stay(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    written = stamped(WRITTEN, str(tmp_path))  # a boot without a name
    set_clock(monkeypatch, 3600.0)
    assert by_the_present_clock(written, ROOT) == WRITTEN


@pytest.mark.parametrize("stamp", [None, [], {}, {"boot": "x"}, {"boot": None, "booted": "x"}, {"booted": 1e300}, 5])
def test_a_stamp_that_is_none(stamp: object) -> None:
    assert by_the_present_clock({**WRITTEN, "clock": stamp}, ROOT) == WRITTEN
