"""Files replaced as a whole, read or absent."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import List

import pytest

from guest_routes.errors import StateError
from guest_routes.state.files import cause_of, json_object, read, refusal, remove, replace
from tests.support import sandbox
from tests.support.hostile import USER, as_root


def test_a_file_is_read_or_absent(tmp_path: Path) -> None:
    (tmp_path / "there").write_bytes(b"x")
    assert read(str(tmp_path / "there")) == b"x"
    assert read(str(tmp_path / "missing")) is None
    assert read(str(tmp_path)) is None


@pytest.mark.parametrize("content", [None, b"", b"{", b"[]", b"null", b"\xff", b"[" * 100_000])
def test_what_is_no_json_object_is_an_empty_one(content: bytes) -> None:
    assert json_object(content) == {}


def test_a_json_object() -> None:
    assert json_object(b'{"a": 1}') == {"a": 1}


@pytest.mark.parametrize("mode, of_directory", [(0o600, 0o700), (0o644, 0o755), (0o640, 0o755)])
def test_modes_do_not_depend_on_the_umask(tmp_path: Path, mode: int, of_directory: int) -> None:
    path = tmp_path / "a" / "file"
    old = os.umask(0o027)
    try:
        replace(str(path), b"x", mode, "", mtime=12.5)
    finally:
        os.umask(old)
    assert (stat.S_IMODE(path.stat().st_mode), path.read_bytes(), path.stat().st_mtime) == (mode, b"x", 12.5)
    assert stat.S_IMODE(path.parent.stat().st_mode) == of_directory & ~0o027


def test_the_old_file_is_replaced_not_written_into(tmp_path: Path) -> None:
    """Whoever has it open goes on reading the old one whole."""
    path = tmp_path / "file"
    path.write_bytes(b"old and longer")
    with path.open("rb") as reader:
        replace(str(path), b"new", 0o600, "")
        assert (reader.read(), path.read_bytes()) == (b"old and longer", b"new")
    assert os.listdir(tmp_path) == ["file"]


def test_what_a_killed_writer_left_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "file.new").write_bytes(b"half")
    replace(str(tmp_path / "file"), b"whole", 0o600, "")
    assert (os.listdir(tmp_path), (tmp_path / "file").read_bytes()) == (["file"], b"whole")


def test_a_link_in_the_way_is_not_followed(tmp_path: Path) -> None:
    """A file of root's is never written through a link that somebody else put there."""
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    (tmp_path / "file.new").symlink_to(victim)
    replace(str(tmp_path / "file"), b"x", 0o600, "")
    assert victim.read_bytes() == b"precious" and not (tmp_path / "file").is_symlink()


def test_several_writers_have_files_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "file.new").write_bytes(b"another's")
    replace(str(tmp_path / "file"), b"x", 0o600, "", alone=False)
    assert sorted(os.listdir(tmp_path)) == ["file", "file.new"]


def test_what_cannot_be_written_says_where_and_what_follows(tmp_path: Path) -> None:
    path = tmp_path / "folder"
    path.mkdir()
    (path / "entry").touch()
    with pytest.raises(StateError) as caught:
        replace(str(path), b"x", 0o600, "nothing is kept")
    assert str(caught.value).startswith(f"cannot write {path}: Is a directory (EISDIR)")
    assert str(caught.value).endswith("; nothing is kept")


def test_folders_are_on_disk_before_the_file_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each folder that is made is synchronised with the one that has its name; else a power cut takes all of it."""
    synced: List[str] = []
    real = os.fsync

    def fsync(descriptor: int) -> None:
        synced.append(os.path.relpath(os.readlink(f"/proc/self/fd/{descriptor}"), tmp_path))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    replace(str(tmp_path / "a" / "b" / "file"), b"x", 0o600, "")
    assert synced == [".", "a", "a/b/file.new", "a/b"]
    synced.clear()
    remove(str(tmp_path / "a" / "b" / "file"), "")
    assert synced == ["a/b"]


def test_the_owner_is_set_before_the_file_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A network manager that can't read its file leaves the machine without a network."""
    path = tmp_path / "file"
    path.write_bytes(b"old")
    owners: List[int] = []
    real = os.rename

    def rename(source: str, target: str) -> None:
        owners.append(os.stat(source).st_gid)
        real(source, target)

    monkeypatch.setattr(os, "rename", rename)
    group = os.getegid() if sandbox.in_user_namespace() else 7
    replace(str(path), b"new", 0o640, "", owner=(os.geteuid(), group))
    assert owners == [group]


@pytest.mark.parametrize("name", ["path", b"path", 7, None])
def test_a_refusal_of_whatever_the_system_names(name: object) -> None:
    """It names a descriptor by its number."""
    text = str(refusal("write", "/file", OSError(errno.EIO, "Input/output error", name), "it stays"))
    at = " at path" if name in ("path", b"path") else ""
    assert text == f"cannot write /file: Input/output error (EIO){at}; it stays"


def test_a_file_is_removed_or_was_not_there(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    remove(str(path), "")
    remove(str(path), "")
    assert not path.exists()
    with pytest.raises(StateError, match=r"^cannot remove /proc/self/mounts: .* \(E[A-Z]+\); it stays$"):
        remove("/proc/self/mounts", "it stays")


def test_the_cause_of_an_error() -> None:
    assert cause_of(OSError(errno.EACCES, "Permission denied")) == "Permission denied (EACCES)"
    assert cause_of(OSError("odd")) == "None (?)"


def test_no_folder_is_others_to_write_whatever_the_umask_is(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        replace(str(tmp_path / "a/b/c/file"), b"", 0o644, "")
        replace(str(tmp_path / "d/e/file"), b"", 0o600, "")
    finally:
        os.umask(before)
    assert [(tmp_path / one).stat().st_mode & 0o777 for one in ("a", "a/b", "a/b/c")] == [0o755] * 3
    assert [(tmp_path / one).stat().st_mode & 0o777 for one in ("d", "d/e")] == [0o700] * 2


def test_a_file_has_its_owner_before_it_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever owns the folder could put a link in its place meanwhile, and have the link's file."""
    as_root()
    rename, seen = os.rename, []

    def spy(source: str, target: str) -> None:
        about = os.stat(source)
        seen.append((about.st_uid, about.st_gid, about.st_mode & 0o7777))
        rename(source, target)

    monkeypatch.setattr(os, "rename", spy)
    replace(str(tmp_path / "file"), b"x", 0o640, "", owner=(USER, USER + 1))
    assert seen == [(USER, USER + 1, 0o640)]


def test_a_file_of_another_owner_needs_no_more_than_the_unit_permits(tmp_path: Path) -> None:
    """guest-routes-correct.service has these capabilities."""
    as_root()
    program = f"""
from guest_routes.state.files import replace
replace({str(tmp_path / "file")!r}, b"x", 0o640, "", mtime=1.0, owner=({USER}, {USER}))
"""
    bounds = "-all,+chown,+dac_override"
    subprocess.run(["setpriv", "--bounding-set", bounds, sys.executable, "-c", program], check=True)
    about = (tmp_path / "file").stat()
    assert (about.st_uid, about.st_mode & 0o7777, about.st_mtime) == (USER, 0o640, 1.0)
