"""Where cloud-init writes, by manager."""

from __future__ import annotations

import pytest

from guest_routes.managers.correct import MOVED, READ
from guest_routes.managers.parsed.config import BEGINS, PATTERNS, VRF, in_main, named_table
from guest_routes.managers.parsed.sysconfig import NAMED_BY_NIC
from guest_routes.output.configuration import READ_AGAIN


def test_every_manager_has_a_place_a_reader_a_writer_and_a_way_to_read_again() -> None:
    assert set(PATTERNS) == set(READ) == set(MOVED) == set(READ_AGAIN)


def test_only_files_of_cloud_init() -> None:
    """By the files' names, but for those that own_files tells by their first lines."""
    named = [path for manager, paths in PATTERNS.items() for path in paths if manager not in NAMED_BY_NIC]
    assert [path for path in named if "cloud-init" not in path or path[0] != "/"] == list(BEGINS)


@pytest.mark.parametrize("tables", [(), ("",), ("main",), ("254",), ("0xfe",), ("0", ""), ("254", "101"), ("", "main")])
def test_what_is_main(tables: tuple[str, ...]) -> None:
    assert in_main(*tables)


@pytest.mark.parametrize("tables", [("101",), ("default",), ("253",), (VRF,), ("", "101"), ("0", VRF), ("101", "254")])
def test_what_is_another_table(tables: tuple[str, ...]) -> None:
    assert not in_main(*tables)


@pytest.mark.parametrize("command, table", [
    ("post-up ip route add default via 10.65.0.1 table 101", "101"),
    ("fd00::/16 via fe80::1 table mine dev eth0", "mine"),
    ("default 10.65.0.1 - -", ""), ("ip route add default via 10.65.0.1 table", ""), ("", ""),
])  # fmt: skip
def test_the_table_of_a_command(command: str, table: str) -> None:
    assert named_table(command) == table
