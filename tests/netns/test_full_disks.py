"""A full or read-only disk, no /var, no /run: host routes are programmed, nothing is taken (R19)."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Callable, List

import pytest

from guest_routes.state.store import State
from tests.support.disks import EXT4_FAULTS, FAULTS, broken, failing_ext4, left_over
from tests.support.lab import Lab, document
from tests.support.passes import CONNECTED, DOCUMENTED, HOST_ROUTE, documented, run, table, valid_json
from tests.support.service import FAST, Start

FILE = f"--metadata {document('documented')}"
RUN, VAR = "/run/guest-routes", "/var/lib/guest-routes"
BOTH_DEFAULTS = [
    "default via 10.65.0.1 dev eth0 proto static", "default via 11.8.0.1 dev eth1 proto static", *CONNECTED,
]  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_var_that_takes_nothing(lab: Lab, fault: str) -> None:
    documented(lab)
    with broken(VAR, fault):
        ran = run(lab, f"sync {FILE}")
        assert ran.code == 1
        assert "a default route that isn't recorded can't be put back, so none is taken away" in ran.err
        assert "the metadata is not kept for a boot without the metadata service" in ran.err
        assert (
            "? default via 11.8.0.1 dev eth1 proto static one default too many; it stays, since it can't be" in ran.out
        )
        assert "done, verified: 1 added" in ran.out
        assert "not all of it recorded" in ran.out
        assert table(lab) == [*BOTH_DEFAULTS, HOST_ROUTE]
        assert fault == "file-in-the-way" or left_over(VAR) == []
        assert run(lab, "status").code == 1
        ran = run(lab, f"sync {FILE}")
        assert (ran.code, table(lab)) == (1, [*BOTH_DEFAULTS, HOST_ROUTE])
    assert run(lab, f"sync {FILE}").code == 0
    assert table(lab) == DOCUMENTED
    assert run(lab, "withdraw").code == 0
    assert table(lab) == BOTH_DEFAULTS


@pytest.mark.parametrize("fault", FAULTS)
def test_a_run_that_takes_nothing(lab: Lab, fault: str) -> None:
    documented(lab)
    with broken(RUN, fault):
        ran = lab.run("sync", "--json", *FILE.split())
        value = valid_json("sync", ran)
        assert (ran.returncode, table(lab)) == (1, DOCUMENTED)
        assert "`guest-routes status` has no record of this pass" in ran.stderr
        if fault != "full":  # A file without a byte in it can be made on a full disk.
            assert "two passes at the same time are not kept apart" in ran.stderr
        assert value["warnings"]
        assert fault == "file-in-the-way" or left_over(RUN) == []
    assert run(lab, f"sync {FILE}").code == 0


@pytest.mark.parametrize("fault", FAULTS)
def test_withdraw_where_nothing_can_be_written(lab: Lab, fault: str) -> None:
    before = documented(lab)
    assert run(lab, f"sync {FILE}").code == 0
    with broken(RUN, fault):
        ran = run(lab, "withdraw")
        assert table(lab) == before
        assert ran.code == 1 or fault == "full"
        if ran.code:
            assert "the service, if it runs, would put the routes back; stop it first" in ran.err
        assert "withdrawn: 1 route, 1 default restored" in ran.out


def test_withdraw_where_the_record_cannot_be_removed(lab: Lab) -> None:
    before = documented(lab)
    assert run(lab, f"sync {FILE}").code == 0
    with broken(VAR, "read-only"):
        ran = lab.run("withdraw", "--json")
        assert ran.returncode == 1
        assert any("cannot remove /var/lib/guest-routes/defaults" in one for one in json.loads(ran.stdout)["warnings"])
        assert table(lab) == before


@pytest.mark.parametrize("folder", [RUN, VAR])
@pytest.mark.parametrize("fault", ["full", "read-only"])
def test_the_service_on_such_a_disk_repairs_and_recovers(lab: Lab, start: Start, folder: str, fault: str) -> None:
    documented(lab)
    lab.metadata_server(document("documented"))
    with broken(folder, fault):
        service = start(settings=FAST)
        service.wait(lambda: HOST_ROUTE in table(lab))
        lab.ip("route", "delete", "11.11.0.0/16")
        service.wait(lambda: HOST_ROUTE in table(lab))
        if folder == VAR:
            assert BOTH_DEFAULTS[1] in table(lab)
            assert service.said("so none is taken away") == 1
    service.wait(lambda: table(lab) == DOCUMENTED, what="the documented table")


WRITES: List[Callable[[State], None]] = [
    lambda state: state.write_status({"schema": "x" * 5000}),
    lambda state: state.write_service({"schema": "x" * 5000}),
    lambda state: state.count_agreement(b"data", 1),
    lambda state: state.set_withdrawn(),
]


@pytest.mark.parametrize("number", range(len(WRITES)))
@pytest.mark.parametrize("call", ["write", "fsync", "rename"])
def test_killed_at_each_step_of_a_write(tmp_path: Path, number: int, call: str) -> None:
    """The file of before stays whole, or the new one is: never a part of one."""
    state = State(str(tmp_path / "run"), str(tmp_path / "lib"))
    WRITES[number](state)
    before = {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()}
    child = os.fork()
    if child == 0:

        def die(*arguments: object) -> None:
            os._exit(0)

        setattr(os, "fchmod" if call == "write" else call, die)
        WRITES[number](state)
        os._exit(1)
    assert os.WEXITSTATUS(os.waitpid(child, 0)[1]) == 0
    kept = {name: (tmp_path / "run" / name).read_bytes() for name in before}
    assert kept == before
    WRITES[number](state)
    mine = [name for name in left_over(str(tmp_path / "run")) if not name.startswith("status.")]
    assert mine == []  # the status is written without the lock: each writer has a name of its own


# ---- real filesystems that fail -----------------------------------------------------------------------------


@pytest.mark.parametrize("fault", EXT4_FAULTS)
@pytest.mark.parametrize("folder", [RUN, VAR])
def test_an_ext4_that_fails(lab: Lab, folder: str, fault: str) -> None:
    """Host routes are programmed, nothing is taken that isn't recorded, and the exit code says so."""
    before = documented(lab)
    if fault != "fallen-read-only":  # There nothing has run before.
        assert run(lab, f"sync {FILE}").code == 0
        assert run(lab, "withdraw").code == 0
    with failing_ext4(folder, fault):
        ran = run(lab, f"sync {FILE}")
        assert HOST_ROUTE in table(lab)
        assert (ran.code, table(lab)) in ((1, [*BOTH_DEFAULTS, HOST_ROUTE]), (1, DOCUMENTED), (0, DOCUMENTED)), ran
        recorded = "defaults" in names(VAR)
        assert recorded or BOTH_DEFAULTS[1] in table(lab), ran
        assert run(lab, "status").code in (0, 1)
        assert run(lab, f"doctor {FILE}").code in (0, 1)
        assert run(lab, f"explain 11.11.3.4 {FILE}").code == 0
        ran = run(lab, "withdraw")
        assert HOST_ROUTE not in table(lab)
        assert ran.code in (0, 1)
        if ran.code == 0:
            assert table(lab) == before
    if ran.code == 0:
        assert run(lab, f"sync {FILE}").code == 0
        assert run(lab, "withdraw").code == 0
        assert table(lab) == before


def names(folder: str) -> List[str]:
    """What is in it; nothing where it can't be read."""
    try:
        return os.listdir(folder)
    except OSError:
        return []
