"""Folders and files of ours that others can write, or that are something else: what counts, and what is said of it.

What is recorded where nobody believes it is not recorded: nothing is taken that only such a record could give back.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Callable, Dict

import pytest

from tests.support.hostile import USER, as_root
from tests.support.lab import Lab, document
from tests.support.passes import DOCUMENTED, HOST_ROUTE, documented, run, table, valid_json
from tests.support.service import FAST, Start, settled

FILE = f"--metadata {document('documented')}"
RUN, VAR = Path("/run/guest-routes"), Path("/var/lib/guest-routes")
WANTED = "it must be a regular file of root's in folders of root's, which nobody else can write"


def _other_owner(path: Path) -> None:
    as_root()
    os.chown(path, USER, USER)


SPOILT: Dict[str, Callable[[Path], None]] = {
    "everybody's": lambda path: path.chmod(0o777),
    "a group's": lambda path: path.chmod(0o775),
    "a user's": _other_owner,
}


def spoil(folder: Path, how: str) -> None:
    """A folder of ours that others can write."""
    folder.mkdir(exist_ok=True)
    SPOILT[how](folder)


@pytest.mark.parametrize("how", SPOILT)
def test_a_record_that_would_not_count_takes_nothing(lab: Lab, how: str) -> None:
    before = documented(lab)
    spoil(VAR, how)
    ran = run(lab, f"sync {FILE}")
    assert ran.code == 1
    assert "so none is taken away" in ran.err and WANTED in ran.err
    assert [line for line in table(lab) if line not in before] == [HOST_ROUTE]
    ran = run(lab, "withdraw")
    assert (ran.code, table(lab)) == (1, before)
    assert "cannot read /var/lib/guest-routes/defaults: it is in /var/lib/guest-routes, w" in ran.err


@pytest.mark.parametrize("how", SPOILT)
def test_a_record_whose_folder_others_got_is_not_forgotten(lab: Lab, how: str) -> None:
    """Nor is it believed; given back to root, it is used."""
    before = documented(lab)
    assert run(lab, f"sync {FILE}").code == 0
    spoil(VAR, how)
    record = (VAR / "defaults").read_bytes()
    for command in (f"sync {FILE}", "withdraw"):
        ran = run(lab, command)
        assert (ran.code, WANTED in ran.err) == (1, True), command
        assert (VAR / "defaults").read_bytes() == record
    shutil.chown(VAR, "root", "root")
    VAR.chmod(0o700)
    assert run(lab, "withdraw").code == 0
    assert table(lab) == before


@pytest.mark.parametrize("what", ["a user's", "a link", "a FIFO"])
def test_a_record_that_is_none_is_not_replaced(lab: Lab, what: str) -> None:
    before = documented(lab)
    assert run(lab, f"sync {FILE}").code == 0
    record = VAR / "defaults"
    content = record.read_bytes()
    if what == "a user's":
        _other_owner(record)
    else:
        record.rename(VAR / "elsewhere")
        record.symlink_to("elsewhere") if what == "a link" else os.mkfifo(record)
    lab.ip("route", "append", "default", "via", "11.8.0.1", "dev", "eth1", "proto", "static")
    ran = run(lab, f"sync {FILE}")
    assert (ran.code, table(lab)) == (1, before[:2] + DOCUMENTED[1:])
    assert "a default route that isn't recorded can't be put back, so none is taken away" in ran.err
    assert run(lab, "withdraw").code == 1
    if what == "a user's":
        assert record.read_bytes() == content


@pytest.mark.parametrize("how", SPOILT)
def test_a_run_where_others_can_write(lab: Lab, how: str) -> None:
    before = documented(lab)
    spoil(RUN, how)
    ran = run(lab, f"sync {FILE}")
    assert (ran.code, table(lab)) == (1, DOCUMENTED)
    assert "cannot lock /run/guest-routes/lock: it is in /run/guest-routes, w" in ran.err
    assert "cannot use /run/guest-routes/status: it is in /run/guest-routes, w" in ran.err
    assert run(lab, "status").code == 1
    ran = run(lab, "withdraw")
    assert (ran.code, table(lab)) == (1, before)
    assert "the service, if it runs, would put the routes back; stop it first" in ran.err
    value = valid_json("withdraw", lab.run("withdraw", "--json"))
    assert any("cannot use /run/guest-routes/withdrawn" in text for text in value["warnings"])


@pytest.mark.parametrize("name", ["lock", "status", "withdrawn"])
def test_a_link_in_place_of_a_file_of_ours_writes_nowhere_else(lab: Lab, tmp_path: Path, name: str) -> None:
    documented(lab)
    RUN.mkdir(exist_ok=True)
    victim, missing = tmp_path / "victim", tmp_path / "missing"
    victim.write_text("root:x:0:0\n")
    for target in (victim, missing):
        (RUN / name).unlink(missing_ok=True)
        (RUN / name).symlink_to(target)
        run(lab, f"sync {FILE}")
        ran = run(lab, "withdraw")
        if name == "lock":
            assert ran.code == 1
            assert "cannot open /run/guest-routes/lock: it is no regular file but a link" in ran.err
        assert (victim.read_text(), missing.exists()) == ("root:x:0:0\n", False)


def test_nobody_else_holds_a_pass_up(lab: Lab) -> None:
    """The lock's file is a user's, who can hold it: a pass doesn't wait for that."""
    as_root()
    import fcntl

    documented(lab)
    RUN.mkdir(exist_ok=True)
    with (RUN / "lock").open("w") as held:
        os.chown(RUN / "lock", USER, USER)
        fcntl.flock(held, fcntl.LOCK_EX)
        ran = run(lab, f"sync {FILE}", timeout=20)
    assert (ran.code, table(lab)) == (1, DOCUMENTED)
    assert f"cannot lock /run/guest-routes/lock: it belongs to the user {USER}, not to root; two passes" in ran.err


@pytest.mark.parametrize("folder", [RUN, VAR])
def test_the_service_goes_on_and_says_so_once(lab: Lab, start: Start, folder: Path) -> None:
    service = settled(lab, start, settings=FAST)
    mode = folder.stat().st_mode
    folder.chmod(0o777)
    for _ in range(3):
        lab.ip("route", "delete", "11.11.0.0/16")
        service.wait(lambda: table(lab) == DOCUMENTED)
    folder.chmod(mode)
    lab.ip("route", "delete", "11.11.0.0/16")
    service.wait(lambda: table(lab) == DOCUMENTED)
    service.wait(lambda: run(lab, "status").code == 0)
    assert json.loads((RUN / "status").read_text())["exit_code"] == 0
    assert service.stop() == 0
    assert service.log.count("where everybody can write") <= 5  # A line a file, and not a pass.
