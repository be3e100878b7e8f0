"""Settings that change under a service that runs, or switch everything off: what each command says of it is so."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any, Dict

import pytest

from tests.support.lab import Lab, document
from tests.support.passes import DOCUMENTED, HOST_ROUTE, documented, run, table, valid_json
from tests.support.service import FAST, SETTINGS, Service, Start, settled, write_settings

FILE = f"--metadata {document('documented')}"
RELOAD = "`systemctl reload guest-routes`"


def metrics(lab: Lab, path: Path) -> Dict[str, float]:
    """What `status --textfile` has written, by name; removed again."""
    lab.run("status", "--textfile", str(path))
    lines = [line.split() for line in path.read_text().splitlines() if not line.startswith("#")]
    path.unlink()
    return {name[len("guest_routes_") :]: float(value) for name, value in lines}


def repaired(lab: Lab, service: Service) -> None:
    """The service goes on: a route that somebody deletes is back."""
    before = service.record["repairs"]
    lab.ip("route", "del", "11.11.0.0/16")
    service.wait(lambda: HOST_ROUTE in table(lab) and service.record["repairs"] > before, what="a repair")


def findings(lab: Lab) -> Dict[str, Any]:
    """doctor's findings: what is wrong and what to do, by kind."""
    value = valid_json("doctor", lab.run("doctor", "--deadline-seconds", "0.3", "--json"))
    return {one["kind"]: (one["what"], one["remedy"]) for one in value["findings"]}


@pytest.mark.parametrize("reloaded", [False, True])
def test_wrong_ones_stop_no_service_that_has_read_others(
    lab: Lab, start: Start, tmp_path: Path, reloaded: bool
) -> None:
    service = settled(lab, start)
    SETTINGS.write_text("protocl: 1\n")
    if reloaded:
        service.reload()
        service.wait_said("the settings stay as they were")
    ran = run(lab, "status")
    assert ran.code == 2
    assert f"the service goes on with those that it has read; correct these, then {RELOAD}" in ran.out
    assert "no pass runs" not in ran.out
    what, remedy = findings(lab)["settings-wrong"]
    assert "the service goes on" in what and RELOAD in remedy
    seen = metrics(lab, tmp_path / "metrics")
    assert (seen["exit_code"], seen["settings_valid"], seen["service_running"]) == (2, 0, 1)
    assert "service_settings_current" not in seen
    repaired(lab, service)
    service.stop()
    ran = run(lab, "status")
    assert (ran.code, "no pass runs until they are corrected" in ran.out) == (2, True)


def test_disabled_ones_that_the_service_has_not_read(lab: Lab, start: Start, tmp_path: Path) -> None:
    service = settled(lab, start)
    assert run(lab, "status").code == 0
    write_settings(**FAST, enabled=False)
    ran = run(lab, "status")
    assert ran.code == 1
    assert (
        f"disabled (`enabled: false`): the service goes on with those that it has read; {RELOAD} ends that" in ran.out
    )
    assert metrics(lab, tmp_path / "metrics")["service_settings_current"] == 0
    assert RELOAD in findings(lab)["settings-unread"][1]
    repaired(lab, service)
    service.reload()
    service.wait(lambda: service.record["enabled"] is False, what="the reload")
    ran = run(lab, "status")
    assert (ran.code, "disabled (`enabled: false`): no pass runs" in ran.out) == (0, True)
    assert metrics(lab, tmp_path / "metrics")["service_settings_current"] == 1
    assert "settings-unread" not in findings(lab)
    write_settings(**FAST)  # and the other way round: switched on again, and not read
    ran = run(lab, "status")
    assert f"settings other ones than the service goes by; {RELOAD} puts them in force" in ran.out
    lab.ip("route", "del", "11.11.0.0/16")
    assert "1 change needed; `guest-routes sync` makes it" in run(lab, "status").out


def test_other_ones_that_the_service_has_not_read(lab: Lab, start: Start) -> None:
    service = settled(lab, start)
    write_settings(**FAST, routes=["198.51.100.0/24,11.8.0.1"])
    ran = run(lab, "status")
    assert ran.code == 1
    assert f"settings other ones than the service goes by; {RELOAD} puts them in force" in ran.out
    assert f"1 change needed; the service makes it after {RELOAD}" in ran.out
    assert valid_json("status", lab.run("status", "--json"))["settings_unread"] is True
    repairs, passes = service.record["repairs"], service.record["passes"]
    service.reload()
    service.wait_said("added 198.51.100.0/24")
    service.wait(lambda: service.record["passes"] > passes, what="the end of the reload's pass")
    assert run(lab, "status").code == 0
    assert "other ones" not in run(lab, "status").out
    assert service.record["repairs"] == repairs, "a change of the settings is no repair"
    repaired(lab, service)


@pytest.mark.parametrize("before", ["sync", "nothing", "withdraw"])
def test_no_command_advises_a_sync_that_does_nothing(lab: Lab, before: str) -> None:
    documented(lab)
    if before != "nothing":
        assert run(lab, f"sync {FILE}").code == 0
    if before == "withdraw":
        assert run(lab, "withdraw").code == 0
    elif before == "sync":
        lab.ip("route", "del", "11.11.0.0/16")
    write_settings(enabled=False)
    needed, plain = "with `enabled: true` `guest-routes sync`", "`guest-routes sync`"
    shown = [run(lab, command).out for command in ("status", f"doctor {FILE} --deadline-seconds 0.3")]
    shown.append(run(lab, f"explain 11.11.3.4 {FILE}").out)
    assert all(text.count(plain) == text.count(needed) for text in shown), shown
    assert needed in shown[1] and f"NOT as wanted; {needed} fixes it" in shown[2]
    assert run(lab, f"sync {FILE}").code == 0
    assert table(lab) != DOCUMENTED
    SETTINGS.write_text("protocl: 1\n")
    shown = [run(lab, command).out for command in ("status", f"doctor {FILE} --deadline-seconds 0.3")]
    assert all("; `guest-routes sync`" not in text and "-> `guest-routes sync`" not in text for text in shown), shown
    assert "with correct settings `guest-routes sync`" in shown[1]


def test_what_was_left_elsewhere_is_said_until_it_is_gone(lab: Lab) -> None:
    documented(lab)
    assert run(lab, f"sync {FILE}").code == 0
    write_settings(table=100)
    assert run(lab, f"sync {FILE}").code == 0
    left = "table main: 1 route of protocol 121 left by a pass with other settings"
    assert left in run(lab, "status").out
    assert [left in one for one in valid_json("status", lab.run("status", "--json"))["left"]] == [True]
    lab.ip("route", "flush", "table", "main", "proto", "121")
    assert "left by a pass" not in run(lab, "status").out
    assert valid_json("status", lab.run("status", "--json"))["left"] == []
    SETTINGS.write_text("protocl: 1\n")
    assert "left by a pass" not in run(lab, "status").out


def test_drift_of_source_routing_is_drift(lab: Lab, tmp_path: Path) -> None:
    documented(lab)
    write_settings(source_routing=True)
    assert run(lab, f"sync {FILE}").code == 0
    assert metrics(lab, tmp_path / "metrics")["drift_changes"] == 0
    subprocess.run(["ip", "rule", "flush", "protocol", "121"], check=True)
    ran = run(lab, "status")
    assert (ran.code, "drift none" in ran.out) == (1, False), ran.out
    changes = len(json.loads(lab.run("status", "--json").stdout)["source_routing"]["changes"])
    assert changes and f"{changes} changes needed for source routing; `guest-routes sync` makes them" in ran.out
    assert metrics(lab, tmp_path / "metrics")["drift_changes"] == changes
    graph = run(lab, "status --graph").out
    assert f"{changes} changes needed for source routing" in graph and "drift none" not in graph
    lab.ip("route", "del", "11.11.0.0/16")
    assert metrics(lab, tmp_path / "metrics")["drift_changes"] > changes
