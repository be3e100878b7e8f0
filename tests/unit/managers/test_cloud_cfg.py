"""The module in cloud-init's list: the list's own indentation, and nothing else changed."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any, Callable, List

import pytest
import yaml

from guest_routes.errors import GuestRoutesError
from guest_routes.managers.cloud_cfg import edit, overriding, python_without_module, with_module, without_module

ROOT = Path(__file__).resolve().parents[3]
DEBIAN = """\
# The top level settings are used as module and base configuration.
users:
   - default
disable_root: true

# The modules that run in the 'config' stage
cloud_config_modules:
 - snap
 - ssh-import-id
 - [runcmd, always]

cloud_final_modules:
 - package-update-upgrade-install
"""
BLOCK = ":\n - snap\n - ssh-import-id\n - [runcmd, always]\n"
SHAPES = {
    "Debian's, one space": DEBIAN,
    "two spaces": DEBIAN.replace("\n - ", "\n  - "),
    "no space": DEBIAN.replace("\n - ", "\n- "),
    "Windows line ends": DEBIAN.replace("\n", "\r\n"),
    "comments and blank lines before the first": DEBIAN.replace(" - snap", "\n# Ubuntu's\n   # own\n - snap"),
    "a comment behind the key": DEBIAN.replace("config_modules:\n", "config_modules:   # as shipped\n"),
    "flow": DEBIAN.replace(BLOCK, ": [snap, ssh-import-id, [runcmd, always]]\n"),
    "flow, several lines": DEBIAN.replace(BLOCK, ": [\n snap,\n grub]\n"),
    "empty": "cloud_config_modules: []\nusers: []\n",
    "last, without a line end": "users: []\ncloud_config_modules:\n  - snap",
    "the name elsewhere": DEBIAN + "x:\n  cloud_config_modules: 3\ny: cloud_config_modules\n",
    "ours in other lists": DEBIAN + " - guest_routes\nruncmd:\n - [guest_routes, sync]\nbootcmd: [[guest_routes, x]]\n",
}  # fmt: skip


def modules(text: str) -> List[Any]:
    found: List[Any] = yaml.safe_load(text)["cloud_config_modules"]
    return found


@pytest.mark.parametrize("text", SHAPES.values(), ids=SHAPES)
def test_put_in_first_and_taken_out_again(text: str) -> None:
    put_in = with_module(text)
    assert modules(put_in) == [["guest_routes", "always"], *modules(text)]
    assert {**yaml.safe_load(put_in), "cloud_config_modules": 0} == {**yaml.safe_load(text), "cloud_config_modules": 0}
    assert len(put_in.splitlines()) - len(text.splitlines()) == ("[" not in text.partition("modules:")[2][:2])
    assert with_module(put_in) == put_in, "once"
    assert without_module(put_in) == text, "byte for byte"


def test_the_line_has_the_indentation_of_the_list() -> None:
    assert "\n - [guest_routes, always]\n - snap\n" in with_module(SHAPES["Debian's, one space"])
    assert "\n  - [guest_routes, always]\n  - snap\n" in with_module(SHAPES["two spaces"])
    assert "\n- [guest_routes, always]\n- snap\n" in with_module(SHAPES["no space"])


@pytest.mark.parametrize("item", ["guest_routes", "[guest_routes, always]", "guest-routes", "[ guest_routes , once ]"])
def test_a_module_that_is_in_the_list_stays_where_it_is(item: str) -> None:
    text = DEBIAN.replace(" - snap\n", f" - snap\n - {item}\n")
    assert with_module(text) == text


@pytest.mark.parametrize("item", [
    "guest_routes", "[guest_routes, always]", "[ guest_routes , once ]  # ours", "'guest_routes'", "guest-routes",
    '["guest-routes", always]', "[guest_routes,\n    always]",
])  # fmt: skip
def test_whoever_wrote_it_it_is_taken_out(item: str) -> None:
    assert without_module(DEBIAN.replace(" - snap\n", f" - snap\n - {item}\n")) == DEBIAN


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("cloud_config_modules: [guest_routes, ssh]\n", "cloud_config_modules: [ssh]\n"),
        ("cloud_config_modules: [ssh, 'guest-routes']\n", "cloud_config_modules: [ssh]\n"),
        ("cloud_config_modules: [a, guest_routes, ssh,]\n", "cloud_config_modules: [a, ssh,]\n"),
        ("cloud_config_modules: [guest_routes]\n", "cloud_config_modules: []\n"),
        ("cloud_config_modules:\n - ssh\n - guest_routes", "cloud_config_modules:\n - ssh\n"),
        (
            "cloud_config_modules:\n - guest_routes\n - ssh\n - [guest_routes, always]\n",
            "cloud_config_modules:\n - ssh\n",
        ),
    ],
)
def test_in_any_list(text: str, left: str) -> None:
    assert without_module(text) == left


def test_what_is_not_in_the_list_is_not_taken_out() -> None:
    assert without_module(DEBIAN) == DEBIAN
    text = DEBIAN + " - guest_routes\n"
    assert without_module(text) == text, "it is in another stage's list"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("users: [\n", "not YAML at line 2, column 1"),
        ("users: []\n", "there is no list cloud_config_modules in it"),
        ("cloud_config_modules: snap\n", "there is no list cloud_config_modules in it"),
        ("cloud_config_modules:\n", "there is no list cloud_config_modules in it"),
        ("- cloud_config_modules\n", "there is no list cloud_config_modules in it"),
        ("", "there is no list cloud_config_modules in it"),
        ("'cloud_config_modules': [snap]\n", "the key cloud_config_modules does not begin a line"),
        ("users: \x00\n", "not YAML: "),
        ("x: &a [snap]\ncloud_config_modules: *a\n", "line 2: cloud_config_modules is not followed by a list"),
        ("cloud_config_modules: [snap]\ncloud_config_modules: [grub]\n", "without changing something else"),
        ("x: |\n  cloud_config_modules:\n\ncloud_config_modules:\n -\n  - snap\n", "is not followed by a list"),
    ],
)  # fmt: skip
def test_what_it_can_not_do_it_says_and_leaves(text: str, told: str) -> None:
    with pytest.raises(GuestRoutesError, match=told.replace("*", r"\*")):
        with_module(text)


def test_a_list_that_would_become_none_is_left() -> None:
    with pytest.raises(GuestRoutesError, match="edit cloud_config_modules by hand"):
        without_module("cloud_config_modules:\n - guest_routes\n")


# ---- the file -----------------------------------------------------------------------------------------


def test_the_file_keeps_its_mode_and_is_written_only_when_it_changes(tmp_path: Path) -> None:
    path = tmp_path / "cloud.cfg"
    path.write_text(DEBIAN)
    path.chmod(0o640)
    assert edit(with_module, str(path), write=False) and path.read_text() == DEBIAN
    assert edit(with_module, str(path))
    there = path.stat()
    assert path.read_text() == with_module(DEBIAN) and there.st_mode & 0o7777 == 0o640
    assert not edit(with_module, str(path)) and path.stat() == there
    assert edit(without_module, str(path)) and path.read_text() == DEBIAN


def test_the_file_keeps_its_owner_and_group(tmp_path: Path) -> None:
    path = tmp_path / "cloud.cfg"
    path.write_text(DEBIAN)
    group = max({os.getegid(), *os.getgroups()})
    os.chown(path, -1, group)
    assert edit(with_module, str(path))
    assert (path.stat().st_uid, path.stat().st_gid) == (os.geteuid(), group)


# ---- what cloud-init goes by ----------------------------------------------------------------------------


def test_the_last_drop_in_with_a_list_counts(tmp_path: Path) -> None:
    assert overriding(str(tmp_path / "none")) is None
    (tmp_path / "05_logging.cfg").write_text("output: {all: '| tee'}\n")
    (tmp_path / "98.cfg").write_text("cloud_config_modules: [snap]\n")
    assert overriding(str(tmp_path)) == (str(tmp_path / "98.cfg"), False)
    (tmp_path / "99.cfg").write_text("cloud_config_modules: [snap, [guest_routes, always]]\n")
    (tmp_path / "99.txt").write_text("cloud_config_modules: [snap]\n")
    (tmp_path / "99z.cfg").write_text("cloud_config_modules: [\n")
    assert overriding(str(tmp_path)) == (str(tmp_path / "99.cfg"), True)


def test_the_python_that_runs_cloud_init_is_asked(tmp_path: Path) -> None:
    program, python = tmp_path / "cloud-init", tmp_path / "python"
    assert python_without_module(str(program)) == ""
    python.write_text(f'#!/bin/sh\nexec {sys.executable} -S -I "$@"\n')
    python.chmod(0o755)
    for line, found in (
        (f"#!{python}", str(python)),
        (f"#! {python} -u", str(python)),
        ("#!/none", ""),
        ("\x7fELF", ""),
    ):
        program.write_text(f"{line}\nimport cloudinit\n")
        assert python_without_module(str(program)) == found
    python.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT / "cloudinit_module"} exec {sys.executable} -S "$@"\n')
    program.write_text(f"#!{python}\n")
    assert python_without_module(str(program)) == ""


def unreadable(path: Path) -> None:
    path.write_bytes(b"\xff")


def writable_by_all(path: Path) -> None:
    path.write_text(DEBIAN)
    path.chmod(0o666)


def linked(path: Path) -> None:
    (path.parent / "other").write_text(DEBIAN)
    path.symlink_to("other")


def broken(path: Path) -> None:
    path.write_text("users: [\n")


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda path: None, r"cannot read .*: No such file or directory \(ENOENT\)"),
        (unreadable, "is not UTF-8 text; it stays as it is"),
        (writable_by_all, "cannot use .*; it stays as it is"),
        (linked, "; it stays as it is|ELOOP"),
        (broken, "cloud.cfg: not YAML at line 2, column 1: .*; it stays as it is"),
    ],
)  # fmt: skip
def test_a_file_that_can_not_be_used_is_named(tmp_path: Path, make: Callable[[Path], None], told: str) -> None:
    path = tmp_path / "cloud.cfg"
    make(path)
    before = path.read_bytes() if path.exists() else None
    with pytest.raises(GuestRoutesError, match=told):
        edit(with_module, str(path))
    assert (path.read_bytes() if path.exists() else None) == before
    assert not os.path.exists(f"{path}.new")
