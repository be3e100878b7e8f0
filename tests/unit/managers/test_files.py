"""The managers' files: read where only root could have written them; what is not used is said once."""

from __future__ import annotations

import os
from pathlib import Path

from guest_routes.managers.files import ManagerFiles, names_in


def test_lines_and_assignments(tmp_path: Path) -> None:
    path = tmp_path / "2"
    path.write_bytes(b"[device]\nmanaged=1\nname=a=b\nempty=\n\xff=x\n")
    files = ManagerFiles()
    assert files.lines(str(path))[:2] == ["[device]", "managed=1"]
    assert files.assignments(str(path)) == {"managed": "1", "name": "a=b", "\ufffd": "x"}
    assert files.problems == []


def test_what_is_not_there_says_nothing(tmp_path: Path) -> None:
    files = ManagerFiles()
    assert (files.lines(str(tmp_path / "none")), names_in(str(tmp_path / "none"))) == ((), [])
    assert files.problems == []


def test_what_is_not_used_is_said_once(tmp_path: Path) -> None:
    path = tmp_path / "2"
    path.write_text("managed=1\n")
    os.chmod(path, 0o666)
    files = ManagerFiles()
    assert files.assignments(str(path)) == files.assignments(str(path)) == {}
    assert [one.place for one in files.problems] == [str(path)]
    assert files.lines(str(tmp_path)) == ()
    assert [one.place for one in files.problems] == [str(path), str(tmp_path)]
    assert all(one.text.endswith("; ignored") for one in files.problems)


def test_names_are_sorted(tmp_path: Path) -> None:
    for name in ("b", "a", ".c"):
        (tmp_path / name).touch()
    assert names_in(str(tmp_path)) == [".c", "a", "b"]
