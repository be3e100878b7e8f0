"""Where cloud-init writes, by manager."""

from __future__ import annotations

from guest_routes.managers.correct import MOVED, READ
from guest_routes.managers.parsed.config import BEGINS, PATTERNS
from guest_routes.managers.parsed.sysconfig import NAMED_BY_NIC
from guest_routes.output.configuration import READ_AGAIN


def test_every_manager_has_a_place_a_reader_a_writer_and_a_way_to_read_again() -> None:
    assert set(PATTERNS) == set(READ) == set(MOVED) == set(READ_AGAIN)


def test_only_files_of_cloud_init() -> None:
    """By the files' names, but for those that own_files tells by their first lines."""
    named = [path for manager, paths in PATTERNS.items() for path in paths if manager not in NAMED_BY_NIC]
    assert [path for path in named if "cloud-init" not in path or path[0] != "/"] == list(BEGINS)
