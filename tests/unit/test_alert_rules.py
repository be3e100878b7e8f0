"""packaging/prometheus: alerts on figures that there are, read and run by Prometheus' own promtool."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any, Dict, List

import pytest
import yaml

from guest_routes.model.diagnosis.status import Status
from guest_routes.model.network import KernelState
from guest_routes.output.prometheus import metrics_text
from tests.support.drawing import program, unpacked

from .output.test_prometheus import BOTH, LAST, OURS, SERVICE

RULES = Path(__file__).parents[2] / "packaging" / "prometheus" / "guest-routes.rules.yml"
ALERTS: Dict[str, Dict[str, Any]] = {
    one["alert"]: one for one in yaml.safe_load(RULES.read_text())["groups"][0]["rules"]
}
WELL = {
    "guest_routes_exit_code": "0",
    "guest_routes_settings_valid": "1",
    "guest_routes_service_running": "1",
    "guest_routes_service_settings_current": "1",
    "guest_routes_unprogrammed_routes": "0",
    "guest_routes_conflicts": "0",
    "guest_routes_withdrawn": "0",
    "guest_routes_metadata_timestamp_seconds": "1",
    'node_textfile_mtime_seconds{file="/var/lib/prometheus/node-exporter/guest_routes.prom"}': "NOW",
}
"""The figures of a machine where all is in place. promtool's clock begins with 0."""
FILE = next(name for name in WELL if name.startswith("node_"))
WRONG = {
    "GuestRoutesNotInPlace": {"guest_routes_exit_code": "1"},
    "GuestRoutesSettingsWrong": {"guest_routes_settings_valid": "0"},
    "GuestRoutesSettingsNotRead": {"guest_routes_service_settings_current": "0"},
    "GuestRoutesNoMetadata": {"guest_routes_exit_code": "4"},
    "GuestRoutesMetadataOld": {"guest_routes_metadata_timestamp_seconds": str(-6 * 3600)},
    "GuestRoutesServiceDown": {"guest_routes_service_running": "0"},
    "GuestRoutesUnprogrammed": {"guest_routes_unprogrammed_routes": "3"},
    "GuestRoutesConflict": {"guest_routes_conflicts": "1"},
    "GuestRoutesWithdrawn": {"guest_routes_withdrawn": "1"},
    "GuestRoutesNotReported": {FILE: "0"},
}
"""What sets each alert off, beside what is well."""

FULL = Status(LAST, KernelState((), ()), (OURS,), BOTH, {}, 1700000300.0, service=SERVICE, service_runs=True)
"""A machine of which everything is known."""


def promtool(*arguments: str, text: str = "") -> str:
    ran = subprocess.run([program("promtool"), *arguments], input=text, env=unpacked(), text=True, capture_output=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def series(figures: Dict[str, str]) -> List[Dict[str, str]]:
    """Two hours of figures, one a minute."""
    found = []
    for name, value in figures.items():
        labels = name.partition("{")[2].rstrip("}")
        written = "0+60x120" if value == "NOW" else f"{value}+0x120"
        labelled = ",".join(filter(None, ['instance="vm1"', labels]))
        found.append({"series": f"{name.partition('{')[0]}{{{labelled}}}", "values": written})
    return found


def expected(alert: str, figures: Dict[str, str]) -> List[Dict[str, Any]]:
    rule = ALERTS[alert]
    metric = next(name for name in figures if name.partition("{")[0] in rule["expr"])
    labels = dict(re.findall(r'(\w+)="([^"]*)"', metric))
    written = {key: text.replace("{{ $labels.instance }}", "vm1") for key, text in rule["annotations"].items()}
    written = {key: text.replace("{{ $value }}", figures[metric]) for key, text in written.items()}
    return [{"exp_labels": {"instance": "vm1", **labels, **rule["labels"]}, "exp_annotations": written}]


def test_each_alert_has_a_case_and_each_figure_is_one_that_there_is() -> None:
    assert set(ALERTS) == set(WRONG)
    figures = set(re.findall(r"\bguest_routes_\w+", " ".join(one["expr"] for one in ALERTS.values())))
    written = metrics_text(FULL)
    assert [name for name in figures if f"\n{name} " not in written and name != "guest_routes_prom"] == []


def test_the_rules_are_rules() -> None:
    assert f"{len(ALERTS)} rules found" in promtool("check", "rules", str(RULES))


@pytest.mark.parametrize("alert", WRONG)
def test_it_fires_when_it_lasts_and_nothing_else_does(alert: str, tmp_path: Path) -> None:
    figures = {**WELL, **WRONG[alert]}
    others = [name for name in ALERTS if name != alert]
    late = [{"eval_time": "2h", "alertname": alert, "exp_alerts": expected(alert, WRONG[alert])}]
    early = [{"eval_time": "1m", "alertname": name, "exp_alerts": []} for name in ALERTS]
    quiet = [{"eval_time": "2h", "alertname": name, "exp_alerts": []} for name in others]
    case = {"interval": "1m", "input_series": series(figures), "alert_rule_test": [*early, *quiet, *late]}
    path = tmp_path / "case.yml"
    path.write_text(json.dumps({"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": [case]}))
    promtool("test", "rules", str(path))


def test_nothing_fires_where_all_is_well(tmp_path: Path) -> None:
    quiet = [{"eval_time": "2h", "alertname": name, "exp_alerts": []} for name in ALERTS]
    case = {"interval": "1m", "input_series": series(WELL), "alert_rule_test": quiet}
    path = tmp_path / "case.yml"
    path.write_text(json.dumps({"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": [case]}))
    promtool("test", "rules", str(path))


def test_promtool_takes_the_figures() -> None:
    promtool("check", "metrics", text=metrics_text(FULL))
