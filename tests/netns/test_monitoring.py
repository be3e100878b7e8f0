"""What monitors read: the timer's service as its unit has it, and `status --json` as docs/monitoring.md has it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Dict, List

import pytest

from guest_routes.cli.exit_codes import BY_COMMAND
from tests.support import sandbox
from tests.support.drawing import program, unpacked
from tests.support.lab import Lab, document
from tests.support.passes import documented, valid_json

ROOT = Path(__file__).parents[2]
UNIT = (ROOT / "packaging/systemd/guest-routes-textfile.service").read_text()
PAGE = (ROOT / "docs/monitoring.md").read_text()


def keys_of(name: str) -> str:
    """The last value of a key of the unit."""
    values: List[str] = re.findall(rf"^{name}=(.*)$", UNIT, re.MULTILINE)
    return values[-1]


def run_unit(path: Path) -> int:
    """Runs the unit's command with the unit's capabilities; its exit code."""
    names = ",".join("+" + name[len("CAP_") :].lower() for name in keys_of("CapabilityBoundingSet").split())
    words = keys_of("ExecStart").replace("${TEXTFILE}", str(path)).split()
    assert words[0] == "/usr/bin/guest-routes"
    limited = ["setpriv", "--bounding-set", f"-all,{names}", "--inh-caps", "-all", "--no-new-privs"]
    ran = subprocess.run(
        [*limited, sys.executable, "-m", "guest_routes", *words[1:]], cwd=ROOT, text=True, capture_output=True
    )
    assert ran.stdout == ""
    return ran.returncode


def figures(path: Path) -> Dict[str, float]:
    lines = (line.split() for line in path.read_text().splitlines() if not line.startswith("#"))
    return {name: float(value) for name, value in lines}


@pytest.fixture
def collector(tmp_path: Path) -> Path:
    """The collector's directory, which is another user's."""
    if sandbox.in_user_namespace():
        pytest.skip("takes the machine's root, to give a directory to another user")
    folder = tmp_path / "node-exporter"
    folder.mkdir()
    os.chown(folder, 12345, 12345)
    return folder


def test_the_figures_on_standard_output(lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    ran = lab.run("status", "--textfile", "-")
    assert ran.returncode == 4
    assert "\nguest_routes_exit_code 4\n" in ran.stdout
    assert list(tmp_path.iterdir()) == [], "no file of that name"


def test_the_unit_writes_the_figures(lab: Lab, collector: Path) -> None:
    documented(lab)
    path = collector / "guest_routes.prom"
    assert run_unit(path) == 4
    assert figures(path)["guest_routes_exit_code"] == 4
    lab.metadata_server(document("documented"))
    assert lab.run("sync").returncode == 0
    assert run_unit(path) == 0
    found = figures(path)
    assert (found["guest_routes_exit_code"], found["guest_routes_routes"], found["guest_routes_drift_changes"]) == (
        0,
        1,
        0,
    )
    lab.ip("route", "del", "11.11.0.0/16")
    assert run_unit(path) == 1
    assert figures(path)["guest_routes_drift_changes"] == 1
    assert oct(path.stat().st_mode & 0o777) == "0o644"
    Path("/etc/guest-routes.yaml").write_text("colour: blue\n")
    assert run_unit(path) == 2
    assert figures(path)["guest_routes_settings_valid"] == 0


def test_prometheus_takes_the_figures(lab: Lab, collector: Path) -> None:
    promtool = program("promtool")
    documented(lab)
    run_unit(collector / "guest_routes.prom")
    text = (collector / "guest_routes.prom").read_text()
    done = subprocess.run([promtool, "check", "metrics"], input=text, env=unpacked(), text=True, capture_output=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_every_exit_code_of_status_is_no_failure_of_the_unit_and_is_on_the_page() -> None:
    codes = {str(code) for code in (*BY_COMMAND["status"], 2)} - {"0"}
    assert set(keys_of("SuccessExitStatus").split()) == codes
    table = PAGE.partition("| exit code |")[2].partition("\n\n")[0]
    assert set(re.findall(r"^\| (\d) \|", table, re.MULTILINE)) == codes | {"0"}


def test_what_the_page_tells_a_monitor_to_read_is_there(lab: Lab) -> None:
    documented(lab)
    lab.metadata_server(document("not-a-gateway"))
    assert lab.run("sync").returncode == 5
    value = valid_json("status", lab.run("status", "--json"))
    assert value["exit_code"] == 5
    table = PAGE.partition("| member |")[2].partition("\n\n")[0]
    members = {
        name for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)
    }
    assert len(members) > 10
    assert members - set(value) == set()
    assert "openstack subnet" in value["unprogrammed"][0]
    lab.ip("route", "add", "11.12.0.0/16", "via", "11.8.0.1", "dev", "eth1", "proto", "121")
    (change,) = valid_json("status", lab.run("status", "--json"))["drift"]
    assert (change["operation"], change["route"]["dst"]) == ("remove", "11.12.0.0/16")


def test_every_figure_is_on_the_page(lab: Lab, collector: Path) -> None:
    documented(lab)
    table = PAGE.partition("| figure |")[2].partition("\n\n")[0]
    listed = {
        name if name.startswith("guest") else "guest_routes" + name for name in re.findall(r"`(guest_\w+|_\w+)`", table)
    }
    run_unit(collector / "guest_routes.prom")
    source = (ROOT / "guest_routes/output/prometheus.py").read_text()
    written = {f"guest_routes_{name}" for name in re.findall(r'(?:yield|return) "(\w+)", "(?:gauge|counter)"', source)}
    assert len(written) > 15
    assert listed == written | set(figures(collector / "guest_routes.prom"))


def test_every_alert_is_on_the_page() -> None:
    rules = (ROOT / "packaging/prometheus/guest-routes.rules.yml").read_text()
    assert re.findall(r"- alert: (\w+)", rules) == re.findall(r"^\| `(GuestRoutes\w+)` \|", PAGE, re.MULTILINE)
