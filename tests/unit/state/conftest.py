"""The machine whose state is kept, and its State."""

from __future__ import annotations

from pathlib import Path

import pytest

from guest_routes.state.store import State

from .machine import MACHINE, write


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Where a machine says who it is."""
    path = tmp_path / "root"
    write(path / "sys/class/dmi/id/product_uuid", MACHINE.upper() + "\n")
    write(path / "proc/sys/kernel/random/boot_id", "boot-1\n")
    return path


@pytest.fixture
def state(tmp_path: Path, root: Path) -> State:
    return State(str(tmp_path / "run"), str(tmp_path / "lib"), root=str(root))
