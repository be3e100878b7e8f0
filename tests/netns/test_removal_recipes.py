"""The pages' recipes that take /var/lib/guest-routes away lose nothing of what it is the only record of (R18)."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import List

import pytest

from tests.netns.test_removal import FILE, RENDERED, STATE, corrected
from tests.support.lab import Lab
from tests.support.passes import documented, run, table
from tests.support.removal import put_commands

DOCS = Path(__file__).parents[2] / "docs"
OURS = re.compile(r"guest-routes |rm -rf /(var/lib|run)/guest-routes")


def recipes() -> List[str]:
    """Of each indented block that takes the state's folder away, the commands that are about state and routes."""
    found = []
    for page in sorted(DOCS.rglob("*.md")):
        for block in re.findall(r"(?:^ {4,}\S.*\n)+", page.read_text(), re.MULTILINE):
            if re.search("rm .*/var/lib/guest-routes", block):
                # Packer ends at the first that fails.
                of_packer = re.findall('^ *"sudo (.*)",$', block, re.MULTILINE)
                lines = of_packer or [line.strip() for line in block.splitlines()]
                found.append((" && " if of_packer else "\n").join(line for line in lines if OURS.match(line)))
    return found


def test_these_are_all() -> None:
    assert len(recipes()) == 3


def followed(commands: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """What comes of them, pasted into a shell."""
    put_commands(folder)
    own = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}
    return subprocess.run(["sh", "-c", commands], text=True, capture_output=True, env=own)


@pytest.mark.parametrize("recipe", recipes())
def test_followed_they_leave_the_machine_as_it_was(lab: Lab, tmp_path: Path, recipe: str) -> None:
    before = documented(lab)
    assert run(lab, f"sync {FILE}").code == 0
    corrected("corrected\n", "original\n")
    done = followed(recipe, tmp_path)
    assert done.returncode == 0, done.stderr
    assert (table(lab), Path(RENDERED).read_text(), STATE.exists()) == (before, "original\n", False)


@pytest.mark.parametrize("recipe", recipes())
def test_what_cannot_be_put_back_stays_recorded(lab: Lab, tmp_path: Path, recipe: str) -> None:
    documented(lab)
    assert run(lab, f"sync {FILE}").code == 0
    corrected("corrected\n", "original\n")
    Path(RENDERED).write_text("mine\n")
    assert f"{RENDERED}" in followed(recipe, tmp_path).stdout
    assert (STATE / "defaults").exists()
    assert (STATE / f"originals{RENDERED}").read_text() == "original\n"
