"""The boot that a test's files are of."""

from __future__ import annotations

from pathlib import Path


def write_boot_id(root: Path) -> None:
    """Below `root`, as the kernel has it. Source: random(4)."""
    path = root / "proc/sys/kernel/random/boot_id"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("11111111-2222-3333-4444-555555555555\n")
