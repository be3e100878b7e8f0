"""What installing and upgrading a package starts."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Iterator

import pytest

from tests.support.lab import Lab
from tests.support.removal import ran

RESTARTED = "--no-block restart guest-routes.service"


@pytest.fixture
def systemd(lab: Lab) -> Iterator[None]:
    """systemd is in charge."""
    Path("/run/systemd/system").mkdir(parents=True)
    yield
    shutil.rmtree("/run/systemd")


@pytest.mark.parametrize(
    ("upgrade", "enabled", "active", "restarted"),
    [
        (False, True, False, True),
        (True, True, True, True),
        (True, True, False, True),
        (True, False, True, True),
        (True, False, False, False),
    ],
)
def test_an_upgrade_of_the_rpm_starts_no_service_that_is_disabled_and_stopped(
    systemd: None, tmp_path: Path, upgrade: bool, enabled: bool, active: bool, restarted: bool
) -> None:
    if not Path("/usr/bin/systemctl").exists():
        pytest.skip("no systemctl here, which the script looks for")
    said = [
        f'echo "$*" >>{tmp_path}/said', 'case "$*" in', f"*is-enabled*) {str(enabled).lower()} ;;",
        f"*is-active*) {str(active).lower()} ;;", "esac",
    ]  # fmt: skip
    assert ran("rpm", "postinst", tmp_path, upgrade=upgrade, systemctl="\n".join(said)).stderr == ""
    commands = (tmp_path / "said").read_text().splitlines()
    assert "daemon-reload" in commands
    assert (RESTARTED in commands) == restarted
    assert any(command.startswith("enable ") for command in commands) == (not upgrade)
