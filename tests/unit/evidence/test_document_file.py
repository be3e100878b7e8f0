"""A document in a file, and what the meta_data.json beside it says of the instance."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Callable

import pytest

from guest_routes.evidence.document_file import (
    LIMIT_BYTES,
    LOCAL_LIMIT_BYTES,
    MOST_OBJECTS,
    MOST_VALUES,
    about,
    age_of,
    document_from_file,
    read_file,
    too_many,
)
from guest_routes.model.document import (
    PROPERTY_CHARACTERS,
    UUID_CHARACTERS,
    Document,
    Provenance,
    ServerProperty,
)
from guest_routes.model.network_data import Problem
from guest_routes.trusted import File
from tests.support.hostile import as_root

UUID = "7c6f0d2e-5b6a-4c9e-9a3f-0f6c6a5b1e11"


UNKNOWN, UNSET = ServerProperty(), ServerProperty(True)


@pytest.mark.parametrize("meta_data, uuid, known", [
    (b'{"uuid": "u", "meta": {"guest_routes": "r"}}', "u", ServerProperty(True, '"r"')),
    # A list is judged where routes are read.
    (b'{"uuid": "u", "meta": {"guest_routes": ["r"]}}', "u", ServerProperty(True, '["r"]')),
    (b'{"uuid": "u"}', "u", UNSET), (b'{"uuid": 7, "meta": []}', "", UNSET), (b'{"meta": {}}', "", UNSET),
    (b"", "", UNKNOWN), (b"{", "", UNKNOWN), (b"[]", "", UNKNOWN), (b"\xff", "", UNKNOWN),
    (b"[" * 100_000, "", UNKNOWN),
])  # fmt: skip
def test_what_meta_data_says(meta_data: bytes, uuid: str, known: ServerProperty) -> None:
    """A property that isn't set is known not to be; where nothing can be read, it is unknown."""
    assert about(meta_data) == (uuid, known)


@pytest.mark.parametrize("over", [0, 1, 20_000])
def test_what_is_too_long_is_cut_off_behind_its_limit(over: int) -> None:
    """So that all that comes later knows it to be too long, and nothing has to keep or show megabytes."""
    uuid, value = "u" * (UUID_CHARACTERS + over), "r" * (PROPERTY_CHARACTERS - 2 + over)
    got, known = about(json.dumps({"uuid": uuid, "meta": {"guest_routes": value}}).encode())
    assert (got, known.json) == (uuid[: UUID_CHARACTERS + 1], f'"{value}"'[: PROPERTY_CHARACTERS + 1])


def test_a_file_with_its_time(tmp_path: Path) -> None:
    path = tmp_path / "network_data.json"
    path.write_bytes(b"{}")
    os.utime(path, (1000.5, 1000.5))
    assert read_file(str(path)) == File(b"{}", 1000.5)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    assert read_file(f"{tmp_path}/x") == f"{tmp_path}/x: no such file or directory"
    assert read_file(str(tmp_path)) == f"{tmp_path}: is a directory"


@pytest.mark.parametrize("over", [0, 1])
def test_a_file_has_a_limit(tmp_path: Path, over: int) -> None:
    path = tmp_path / "x"
    path.touch()
    os.truncate(path, LOCAL_LIMIT_BYTES + over)
    assert (read_file(str(path)) == f"{path}: is too large: 64 MiB is the limit") == bool(over)


def test_a_document_and_its_neighbour(tmp_path: Path) -> None:
    path, provenance = tmp_path / "network_data.json", Provenance("argument", "x")
    path.write_bytes(b"anything")
    os.utime(path, (time.time() + 1000,) * 2)
    assert document_from_file(str(path), provenance) == Document(b"anything", provenance)
    (tmp_path / "meta_data.json").write_text(f'{{"uuid": "{UUID}"}}')
    assert document_from_file(str(path), provenance) == Document(b"anything", provenance, 0.0, UUID, UNSET)


def _own(path: Path, mode: int) -> None:
    path.unlink(missing_ok=True)
    path.write_text(f'{{"uuid": "{UUID}"}}')
    path.chmod(mode)


def _linked(path: Path) -> None:
    (path.parent / "elsewhere").write_text(f'{{"uuid": "{UUID}"}}')
    path.symlink_to("elsewhere")


def _foreign(path: Path) -> None:
    as_root()
    _own(path, 0o644)
    os.chown(path, 4242, 0)


MANY = b"[" * (MOST_OBJECTS + 1)


@pytest.mark.parametrize("make, reason", [
    (_foreign, "belongs to the user 4242, and the document beside it to 0; ignored"),
    (lambda path: _own(path, 0o646), "can be written by everybody, and the document beside it can't; ignored"),
    (lambda path: _own(path, 0o664),
     f"can be written by the group {os.getegid()}, and the document beside it can't; ignored"),
    (_linked, "is a link, which is not followed; ignored"),
    (os.mkfifo, "is no regular file; ignored"),
    (os.mkdir, "is a directory; ignored"),
    (lambda path: path.write_bytes(b"x" * (LIMIT_BYTES + 1)), "has more than 5 MiB; ignored"),
    (lambda path: path.write_bytes(MANY), f"has more than {MOST_OBJECTS:,} objects and lists; ignored"),
])  # fmt: skip
def test_a_neighbour_that_others_could_have_made(tmp_path: Path, make: Callable[[Path], object], reason: str) -> None:
    """Its name is not the operator's word."""
    path, provenance = tmp_path / "network_data.json", Provenance("argument", "x")
    path.write_bytes(b"anything")
    path.chmod(0o644)
    make(tmp_path / "meta_data.json")
    got = document_from_file(str(path), provenance)
    assert isinstance(got, Document)
    assert (got.uuid, got.properties) == ("", ServerProperty())
    assert got.unused == (Problem(f"{tmp_path}/meta_data.json", reason),)


def test_a_neighbour_that_whoever_wrote_the_document_could_write(tmp_path: Path) -> None:
    """A tree of an ordinary user's, with the umask 002."""
    path = tmp_path / "network_data.json"
    path.write_bytes(b"anything")
    path.chmod(0o664)
    _own(tmp_path / "meta_data.json", 0o664)
    got = document_from_file(str(path), Provenance("argument", "x"))
    assert isinstance(got, Document) and got.uuid == UUID


def test_the_age_of_a_file() -> None:
    assert 99 < age_of(time.time() - 100) < 130
    assert age_of(time.time() + 100) == 0.0


@pytest.mark.parametrize("unit, most, what", [
    (b"[],", MOST_OBJECTS, "objects and lists"), (b"{},", MOST_OBJECTS, "objects and lists"),
    (b'{"":', MOST_OBJECTS, "objects and lists"), (b"0,", MOST_VALUES, "values"), (b'"",', MOST_VALUES, "values"),
])  # fmt: skip
def test_many_small_values_are_too_many(unit: bytes, most: int, what: str) -> None:
    assert too_many(unit * most) == ""
    assert too_many(unit * (most + 1)) == f"more than {most:,} {what}"


@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")])
def test_a_document_as_large_as_it_may_be_has_not_too_many(separators: tuple[str, str]) -> None:
    """Of routes with the shortest addresses."""
    route = {"network": "1.1.1.0", "netmask": "255.0.0.0", "gateway": "1.1.1.1"}
    count = LIMIT_BYTES // (len(json.dumps(route, separators=separators)) + 1)
    assert too_many(json.dumps({"routes": [route] * count}, separators=separators).encode()) == ""
