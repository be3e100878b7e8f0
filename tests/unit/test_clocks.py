"""Clocks since the machine's start, without what a time namespace adds."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from guest_routes.clocks import namespace_offset, seconds_awake, seconds_since_boot


def test_the_machines_own_clocks() -> None:
    assert seconds_since_boot() == pytest.approx(time.clock_gettime(time.CLOCK_BOOTTIME), abs=5)
    assert seconds_awake() == pytest.approx(time.monotonic(), abs=5)


def proc_with(tmp_path: Path, content: str, children: str = "time:[1]") -> str:
    own = tmp_path / "self" / "ns"
    own.mkdir(parents=True)
    (own / "time").symlink_to("time:[1]")
    (own / "time_for_children").symlink_to(children)
    (tmp_path / "self" / "timens_offsets").write_text(content)
    return str(tmp_path)


def test_the_offset_of_a_time_namespace(tmp_path: Path) -> None:
    proc = proc_with(tmp_path, "monotonic           3         5\nboottime          -2   500000000\n")
    assert namespace_offset("monotonic", proc) == 3_000_000_005
    assert namespace_offset("boottime", proc) == -1_500_000_000


def test_the_offset_of_children_is_not_this_process_s(tmp_path: Path) -> None:
    assert namespace_offset("monotonic", proc_with(tmp_path, "monotonic 3 5\n", "time:[2]")) == 0


@pytest.mark.parametrize("content", ["", "monotonic\n", "monotonic x y\n", "boottime 1 0\n"])
def test_a_kernel_that_says_nothing_of_it(tmp_path: Path, content: str) -> None:
    assert namespace_offset("monotonic", proc_with(tmp_path, content)) == 0
    assert namespace_offset("monotonic", str(tmp_path / "nowhere")) == 0
