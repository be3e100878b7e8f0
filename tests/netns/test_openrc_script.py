"""What OpenRC's script for the service does before it starts it; OpenRC itself is in test_baking.py."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.support.lab import Lab
from tests.support.passes import documented, run, table
from tests.support.removal import put_commands

SCRIPT = Path(__file__).parents[2] / "packaging/openrc/guest-routes"
OPENRCS = 'checkpath() { :; }\neerror() { echo "$*" >&2; }\n'


def start_pre(folder: Path) -> subprocess.CompletedProcess[str]:
    """Runs that step, with stand-ins for OpenRC's own functions."""
    put_commands(folder)
    own = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}
    return subprocess.run(["sh", "-c", f"{OPENRCS}. {SCRIPT}\nstart_pre"], text=True, capture_output=True, env=own)


def test_wrong_settings_start_nothing_again_and_again(lab: Lab, tmp_path: Path) -> None:
    Path("/etc/guest-routes.yaml").write_text("typo: here\n")
    done = start_pre(tmp_path)
    assert done.returncode == 1
    assert "/etc/guest-routes.yaml:1: typo: no such setting" in done.stderr
    assert "`rc-service guest-routes start`" in done.stderr


def test_any_other_failure_keeps_it_from_nothing(lab: Lab, tmp_path: Path) -> None:
    """Without any metadata, for one: the service gets it."""
    done = start_pre(tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    documented(lab)
    assert run(lab, "sync --documents last-known-good,config-drive").code == 4
    assert table(lab)
