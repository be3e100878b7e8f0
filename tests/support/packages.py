"""The built packages, and programs run in the instance as a user has them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from . import sandbox
from .debian import ROOT

DIST = ROOT / "dist"


def built(pattern: str) -> Path:
    """The newest package of that name, which `make packages` has built."""
    found = sorted(DIST.glob(pattern), key=os.path.getmtime)
    if not found:
        pytest.fail(f"no dist/{pattern}; `make packages` builds it")
    return found[-1]


def command(*words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Runs a program in the instance, without what the tests' own Python brings along."""
    sandbox.assert_private()
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LC_ALL": "C.UTF-8"}
    done = subprocess.run(words, text=True, capture_output=True, env=environment, cwd="/", timeout=300)
    assert not check or done.returncode == 0, f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done
