"""The status as Prometheus text."""

from __future__ import annotations

import re
from typing import Any, Dict

from guest_routes.model.diagnosis.comparison import Comparison
from guest_routes.model.diagnosis.status import ConflictRecord, Status, StatusRecord
from guest_routes.model.network import KernelState
from guest_routes.model.network_data import Problem
from guest_routes.model.operations import Delete
from guest_routes.output.prometheus import failure_metrics_text, metrics_text
from tests.support.reports import ETH0, ETH1, route

OURS = route("11.11.0.0/16 via 11.8.0.1 dev eth1 proto guest-routes")
LAST = {"finished": 1700000000.25, "exit_code": 5, "metadata": {"age_seconds": 100.0}, "unprogrammed_count": 2}
BOTH = Comparison((Delete(OURS),), (Problem("a", "odd"), Problem("b", "odd")))
CONFLICT = ConflictRecord(0.0, "11.11.0.0/16", 5, "ip", "end it")
SERVICE = StatusRecord(7, "1", 1600000000.0, passes=3, events=9, repairs=4, failures=2, conflicts=(CONFLICT,),
                       foreign_messages=5, malformed_messages=6, settings="00c0ffee")  # fmt: skip


def metrics(**fields: Any) -> Dict[str, float]:
    base: Dict[str, Any] = {
        "last": LAST, "state": KernelState((ETH0, ETH1), ()), "ours": (OURS,), "compared": BOTH,
        "failed": {}, "now": 1700000300.0,
    }  # fmt: skip
    text = metrics_text(Status(**{**base, **fields}))
    assert text.endswith("\n")
    lines = text.splitlines()
    names = [line.split()[0] for line in lines if not line.startswith("#")]
    assert lines[0::3] == [line for line in lines if line.startswith("# HELP ")]
    assert lines[1::3] == [line for line in lines if line.startswith("# TYPE ")]
    for name, help_, kind in zip(names, lines[0::3], lines[1::3]):
        assert re.fullmatch(r"guest_routes_[a-z_]+", name)
        assert help_.startswith(f"# HELP {name} ")
        assert kind == f"# TYPE {name} {'counter' if name.endswith('_total') else 'gauge'}"
    return {line.split()[0][len("guest_routes_") :]: float(line.split()[1]) for line in lines[2::3]}


def test_a_machine_with_a_service() -> None:
    assert metrics(service=SERVICE, service_runs=True) == {
        "exit_code": 1,
        "settings_valid": 1,
        "routes": 1,
        "drift_known": 1,
        "drift_changes": 1,
        "last_pass_timestamp_seconds": 1700000000.25,
        "metadata_timestamp_seconds": 1699999900.25,
        "unprogrammed_routes": 2,
        "withdrawn": 0,
        "service_running": 1,
        "service_start_timestamp_seconds": 1600000000,
        "service_settings_current": 1,
        "passes_total": 3,
        "events_total": 9,
        "repairs_total": 4,
        "netlink_foreign_total": 5,
        "netlink_malformed_total": 6,
        "conflicts": 1,
        "metadata_failures": 2,
    }


def test_an_overdue_service_does_not_count_as_one_that_runs() -> None:
    found = metrics(service=SERVICE, service_runs=True, service_overdue=True)
    assert (found["service_running"], found["service_start_timestamp_seconds"]) == (0, 1600000000)


def test_what_is_not_known_is_left_out() -> None:
    assert metrics(last={}, compared="none was kept", service=SERVICE, withdrawn=True) == {
        "exit_code": 4,
        "settings_valid": 1,
        "routes": 1,
        "drift_known": 0,
        "withdrawn": 1,
        "service_running": 0,
    }
    unread = metrics(service=SERVICE, service_runs=True, settings_unread=True)
    assert unread["service_settings_current"] == 0
    by_options = metrics(service=SERVICE._replace(settings=""), service_runs=True)
    assert "service_settings_current" not in by_options
    wrong = metrics(service=SERVICE, service_runs=True, settings_problems=("a typo",), compared="settings-wrong")
    assert "service_settings_current" not in wrong
    wrong = metrics(settings_problems=("a typo",), compared="the settings are wrong")
    assert (wrong["exit_code"], wrong["settings_valid"], wrong["drift_known"]) == (2, 0, 0)


def test_where_nothing_can_be_known() -> None:
    assert failure_metrics_text(1).splitlines()[1:] == [
        "# TYPE guest_routes_exit_code gauge",
        "guest_routes_exit_code 1",
    ]
