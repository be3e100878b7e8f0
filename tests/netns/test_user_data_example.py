"""What stands in the user-data example, without cloud-init, which test_baking.py has."""

from __future__ import annotations

import re
import stat
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLE = (ROOT / "packaging/cloud/user-data.example").read_text()


def command(pattern: str) -> str:
    """The command of the example that has this in it."""
    (found,) = [line.strip("# ") for line in EXAMPLE.splitlines() if re.search(pattern, line)]
    return found


@pytest.mark.parametrize("umask", ["022", "002", "077"])
def test_the_archive_of_the_units_changes_no_folder_that_it_is_unpacked_into(tmp_path: Path, umask: str) -> None:
    units, target = tmp_path / "packaging/systemd", tmp_path / "target"
    for folder in (units, target):
        folder.mkdir(parents=True)
    units.chmod(0o777 & ~int(umask, 8))
    target.chmod(0o755)
    subprocess.run(
        ["sh", "-ec", f"umask {umask}; cp {ROOT}/packaging/systemd/* {units}; {command('tar .*-cf ')}"],
        cwd=tmp_path, check=True,
    )  # fmt: skip
    unpack = command("tar -C").replace("/etc/systemd/system", str(target))
    subprocess.run(["sh", "-ec", unpack], cwd=tmp_path, check=True)
    assert stat.S_IMODE(target.stat().st_mode) == 0o755
    assert {stat.S_IMODE(path.stat().st_mode) for path in target.iterdir()} == {0o644}
    assert sorted(path.name for path in target.iterdir()) == sorted(path.name for path in units.iterdir())
