"""What the child that mounts the drive writes. tests/netns/test_metadata.py reads real drives."""

from __future__ import annotations

import pytest

from guest_routes.evidence.config_drive import _drive_files, _tag
from guest_routes.evidence.document_file import LIMIT_BYTES
from guest_routes.trusted import File

DOCUMENT = b'{"links": []}\n17 with lines\n'
WRITTEN = b"network_data.json %d 1000\n" % len(DOCUMENT) + DOCUMENT + b"meta_data.json 2 2000\n{}"


def test_each_file_by_its_name() -> None:
    assert _drive_files(WRITTEN) == {"network_data.json": File(DOCUMENT, 1000.0), "meta_data.json": File(b"{}", 2000.0)}
    assert _drive_files(b"") == {}


@pytest.mark.parametrize("cut", [1, 2])
def test_a_file_that_is_cut_off_is_none(cut: int) -> None:
    """The tool was killed, or the device went away while it was read."""
    assert list(_drive_files(WRITTEN[:-cut])) == ["network_data.json"]


def test_of_a_file_over_the_limit_one_byte_more_is_kept() -> None:
    """So that whoever reads it sees that it is too large."""
    written = b"network_data.json %d 1000\n" % (LIMIT_BYTES * 2) + bytes(LIMIT_BYTES + 1)
    assert len(_drive_files(written)["network_data.json"].data) == LIMIT_BYTES + 1


@pytest.mark.parametrize(
    "line, label",
    [
        (
            '/dev/vdb: BLOCK_SIZE="2048" UUID="2026-11-26" LABEL="config-2" TYPE="iso9660"',
            "config-2",
        ),  # util-linux 2.38
        ('/dev/vdb: LABEL="config-2" TYPE="iso9660"', "config-2"),  # busybox 1.35
        ('/dev/vdb: SEC_TYPE="msdos" LABEL_FATBOOT="config-2" LABEL="CONFIG-2" TYPE="vfat"', "CONFIG-2"),
        ('/dev/vdc1: UUID="1" TYPE="ext4" PARTLABEL="config-2"', ""),
        (r'/dev/vdc: LABEL="a\" LABEL=\"config-2" UUID="1" TYPE="ext2"', "a\\"),
    ],
)
def test_the_label_of_a_line_of_blkid(line: str, label: str) -> None:
    assert _tag(line, "LABEL") == label
