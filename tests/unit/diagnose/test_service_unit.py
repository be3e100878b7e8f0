"""Whether the service's unit is enabled, by the init that runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from guest_routes.diagnose.service_unit import unit_state


def test_systemd(tmp_path: Path) -> None:
    unit, wants = tmp_path / "lib/systemd/system", tmp_path / "etc/systemd/system/multi-user.target.wants"
    for folder in (unit, wants):
        folder.mkdir(parents=True)
    (unit / "guest-routes.service").touch()
    (wants / "guest-routes.service").symlink_to("/lib/systemd/system/guest-routes.service")
    assert unit_state(str(tmp_path)) == ""  # systemd isn't in charge, in an image that is built, say
    (tmp_path / "run/systemd/system").mkdir(parents=True)
    assert unit_state(str(tmp_path)) == "enabled"
    (wants / "guest-routes.service").unlink()
    assert unit_state(str(tmp_path)) == "not-enabled"
    (unit / "guest-routes.service").unlink()
    assert unit_state(str(tmp_path)) == ""


@pytest.mark.parametrize("folder", ["etc/systemd/system", "run/systemd/system", "run/systemd/generator.early"])
def test_a_masked_unit_is_not_expected_to_run(tmp_path: Path, folder: str) -> None:
    unit, wants = tmp_path / "usr/lib/systemd/system", tmp_path / "etc/systemd/system/multi-user.target.wants"
    for each in (unit, wants, tmp_path / "run/systemd/system", tmp_path / folder):
        each.mkdir(parents=True, exist_ok=True)
    (unit / "guest-routes.service").touch()
    (wants / "guest-routes.service").symlink_to("/usr/lib/systemd/system/guest-routes.service")
    assert unit_state(str(tmp_path)) == "enabled"
    (tmp_path / folder / "guest-routes.service").symlink_to("/dev/null")
    assert unit_state(str(tmp_path)) == ""


def test_openrc(tmp_path: Path) -> None:
    for folder in ("run/openrc", "etc/init.d", "etc/runlevels/default"):
        (tmp_path / folder).mkdir(parents=True)
    assert unit_state(str(tmp_path)) == ""
    (tmp_path / "etc/init.d/guest-routes").touch()
    assert unit_state(str(tmp_path)) == "not-enabled"
    (tmp_path / "etc/runlevels/default/guest-routes").symlink_to("/etc/init.d/guest-routes")
    assert unit_state(str(tmp_path)) == "enabled"
