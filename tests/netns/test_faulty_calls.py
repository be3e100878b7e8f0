"""Quota, EIO, a failing fsync and a kill, at each single call of each writer (R18, R19): no half-written file, ever.

The first run counts the calls; then each of them fails alone, and in the end each is where the process is killed.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Callable, Dict, Sequence, Tuple

import pytest

from tests.netns.test_full_disks import BOTH_DEFAULTS
from tests.support import faulty_calls
from tests.support.faulty_calls import KILL, FaultyCalls
from tests.support.lab import Lab, document
from tests.support.passes import DOCUMENTED, HOST_ROUTE, Ran, documented, run, table
from tests.support.rendered import rendered
from tests.support.sandbox import in_user_namespace
from tests.support.service import FAST, Start, settled

pytestmark = pytest.mark.skipif(not faulty_calls.can_be_made(), reason="there is no C compiler")

FILE = f"--metadata {document('documented')}"
CORRECT = f"correct --metadata {document('wrong-subnet')}"
RUN, VAR = "/run/guest-routes", "/var/lib/guest-routes"
ERRORS = (errno.EDQUOT, errno.EIO)
CALLS = int(os.environ.get("CALLS", "8"))
"""How many calls of a command fail, one in each try; `CALLS=0` before pytest for each of them, in six minutes."""
MADE = ("el-26.2", "el-networkmanager-26.2", "suse-23.3.1-patched")


RENDERED = ("/etc/sysconfig", "/etc/NetworkManager/system-connections")


@pytest.fixture
def calls(tmp_path: Path) -> FaultyCalls:
    return FaultyCalls(tmp_path)


def faulty(lab: Lab, calls: FaultyCalls, command: str) -> Ran:
    """A command whose calls fail; a killed one has a negative exit code."""
    return run(lab, command, environment=calls.environment)


def number_of_calls(calls: FaultyCalls, under: Tuple[str, ...], command: Callable[[], object]) -> int:
    """How many calls a command makes that could fail."""
    calls.refuse(errno.EIO, under, count=0)
    command()
    calls.permit()
    assert calls.seen > 2, "the library sees nothing"
    return calls.seen


def files(folder: str) -> Dict[str, bytes]:
    """What is in a folder, but for temporary files."""
    found = {str(path): path.read_bytes() for path in Path(folder).rglob("*") if path.is_file()}
    return {path: content for path, content in found.items() if not path.endswith(".new")}


def assert_whole(*folders: str) -> None:
    """Every file of state can be read: JSON, or a JSON line and a document of the length that the line says."""
    for path, content in (item for folder in folders for item in files(folder).items()):
        if path.endswith("last-known-good"):
            line, _, data = content.partition(b"\n")
            assert json.loads(line)["length"] == len(data), path
        elif content and not path.endswith("lock"):
            json.loads(content)


# ---- sync, withdraw -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("under", [(RUN,), (VAR,), (RUN, VAR)], ids="-".join)
def test_nothing_can_be_written(lab: Lab, calls: FaultyCalls, error: int, under: Tuple[str, ...]) -> None:
    documented(lab)
    for made in ("fresh", "after another pass"):
        calls.refuse(error, under, torn=True)
        ran = faulty(lab, calls, f"sync {FILE}")
        assert ran.code == 1, (made, ran)
        assert errno.errorcode[error] in ran.err
        assert table(lab) == ([*BOTH_DEFAULTS, HOST_ROUTE] if VAR in under else DOCUMENTED)
        calls.permit()
        assert_whole(RUN, VAR)
        if made == "fresh":
            assert run(lab, f"sync {FILE}").code == 0
            assert run(lab, "withdraw").code == 0
            assert table(lab) == BOTH_DEFAULTS


@pytest.mark.parametrize("error", [errno.EIO, KILL])
def test_a_pass_with_one_faulty_call(lab: Lab, calls: FaultyCalls, error: int) -> None:
    """Whatever call it is: what it took can be given back, and a report of 0 means that all is recorded."""
    documented(lab)
    number = number_of_calls(calls, (RUN, VAR), lambda: faulty(lab, calls, f"sync {FILE}"))
    assert run(lab, "withdraw").code == 0
    for at in positions(number):
        for folder in (RUN, VAR):
            shutil.rmtree(folder)
        calls.refuse(error, (RUN, VAR), skip=at, count=1, torn=True)
        ran = faulty(lab, calls, f"sync {FILE}")
        calls.permit()
        assert_whole(RUN, VAR)
        if error == KILL:
            assert ran.code == -9, at
        else:
            assert ran.code in (0, 1), (at, ran)
            assert HOST_ROUTE in table(lab)
            assert not [path for folder in (RUN, VAR) for path in Path(folder).glob("*.new")], at
        if BOTH_DEFAULTS[1] not in table(lab):
            assert "defaults" in os.listdir(VAR), f"taken without a record at call {at}"
        if ran.code == 0:
            assert {"status", "lock"} <= set(os.listdir(RUN)), at
            assert {"defaults", "last-known-good"} <= set(os.listdir(VAR)), at
            assert table(lab) == DOCUMENTED
        assert run(lab, f"sync {FILE}").code == 0
        assert table(lab) == DOCUMENTED
        assert run(lab, "withdraw").code == 0
        assert table(lab) == BOTH_DEFAULTS, at


@pytest.mark.parametrize("error", [errno.EIO, KILL])
def test_withdraw_with_one_faulty_call(lab: Lab, calls: FaultyCalls, error: int) -> None:
    documented(lab)
    assert run(lab, f"sync {FILE}").code == 0
    number = number_of_calls(calls, (RUN, VAR), lambda: faulty(lab, calls, "withdraw"))
    for at in positions(number):
        assert run(lab, f"sync {FILE}").code == 0
        calls.refuse(error, (RUN, VAR), skip=at, count=1, torn=True)
        ran = faulty(lab, calls, "withdraw")
        calls.permit()
        assert_whole(RUN, VAR)
        if error != KILL:
            assert table(lab) == BOTH_DEFAULTS
            assert ran.code in (0, 1)
        if ran.code == 0:
            assert "withdrawn" in os.listdir(RUN)
            assert "defaults" not in os.listdir(VAR)
        assert run(lab, "withdraw").code == 0
        assert table(lab) == BOTH_DEFAULTS, at


@pytest.mark.parametrize("error", [errno.EIO, errno.EMFILE, errno.ENOMEM])
def test_a_record_that_can_not_be_read_is_not_lost(lab: Lab, calls: FaultyCalls, error: int) -> None:
    """Nothing is put back of it, nothing recorded in its place, and it is not removed; later all is put back."""
    documented(lab)
    assert run(lab, f"sync {FILE}").code == 0
    record = Path(VAR, "defaults").read_bytes()
    calls.refuse(error, (VAR,), ("read",))
    ran = faulty(lab, calls, "withdraw")
    assert ran.code == 1
    assert Path(VAR, "defaults").read_bytes() == record
    lab.ip("route", "append", "default", "via", "11.8.0.1", "dev", "eth1", "proto", "static", "metric", "50")
    ran = faulty(lab, calls, f"sync {FILE}")
    assert ran.code == 1
    assert Path(VAR, "defaults").read_bytes() == record
    assert "default via 11.8.0.1 dev eth1 proto static metric 50" in table(lab)
    assert error != errno.EIO or HOST_ROUTE in table(lab)
    calls.permit()
    lab.ip("route", "delete", "default", "via", "11.8.0.1", "dev", "eth1", "metric", "50")
    assert run(lab, "withdraw").code == 0
    assert table(lab) == BOTH_DEFAULTS


@pytest.mark.parametrize("error", [errno.EMFILE, errno.ENOMEM])
def test_the_service_goes_on_leaving_the_routes_alone(lab: Lab, start: Start, calls: FaultyCalls, error: int) -> None:
    """That it can't look whether they were withdrawn by hand doesn't mean that they weren't."""
    service = settled(lab, start, settings=FAST, environment=calls.environment)
    assert run(lab, "withdraw").code == 0
    service.wait_said("withdrawn by hand")
    calls.refuse(error, (RUN, VAR), ("read",))
    lab.ip("route", "add", "198.51.100.0/24", "dev", "eth0")
    service.wait(lambda: service.record.get("last_error"))
    assert table(lab)[:2] == BOTH_DEFAULTS[:2]
    assert HOST_ROUTE not in table(lab)
    calls.permit()
    assert run(lab, "sync").code == 0
    service.wait(lambda: service.record["last_error"] == "", what="an end of the error")


@pytest.mark.parametrize("error", [errno.EIO, errno.ENFILE])
def test_a_service_whose_settings_the_system_can_not_read_waits_for_them(
    lab: Lab, start: Start, calls: FaultyCalls, error: int
) -> None:
    """They may well be right; exit code 2 would end it for good (RestartPreventExitStatus)."""
    documented(lab)
    lab.metadata_server(document("documented"))
    calls.refuse(error, ("/etc/guest-routes.yaml",), ("read",))
    service = start(settings=FAST, environment=calls.environment)
    service.wait_said(os.strerror(error))
    assert run(lab, "sync", environment=calls.environment).code == 1
    assert HOST_ROUTE not in table(lab)
    calls.permit()
    service.wait(lambda: table(lab) == DOCUMENTED, what="the documented table")
    assert service.stop() == 0


@pytest.mark.parametrize("error", [errno.EMFILE, errno.ENOMEM])
def test_the_figures_where_the_status_can_not_be_read(lab: Lab, calls: FaultyCalls, error: int) -> None:
    documented(lab)
    assert run(lab, f"sync {FILE}").code == 0
    path = Path("/run/tests/a.prom")
    assert run(lab, f"status --textfile {path}").code == 0
    calls.refuse(error, (RUN, VAR), ("read",))
    ran = faulty(lab, calls, f"status --textfile {path}")
    assert ran.code == 1
    assert "\nguest_routes_exit_code 1\n" in path.read_text()


@pytest.mark.parametrize("error", ERRORS)
def test_the_service_on_such_a_disk(lab: Lab, start: Start, calls: FaultyCalls, error: int) -> None:
    """It programs and repairs, takes nothing, says so once, and recovers."""
    documented(lab)
    lab.metadata_server(document("documented"))
    calls.refuse(error, (RUN, VAR), torn=True)
    service = start(settings=FAST, environment=calls.environment)
    service.wait(lambda: HOST_ROUTE in table(lab))
    lab.ip("route", "delete", "11.11.0.0/16")
    service.wait(lambda: HOST_ROUTE in table(lab))
    service.wait_said("so none is taken away")
    assert table(lab) == [*BOTH_DEFAULTS, HOST_ROUTE]
    assert service.said("so none is taken away") == 1
    calls.permit()
    service.wait(lambda: table(lab) == DOCUMENTED, what="the documented table")
    service.wait(lambda: run(lab, "status").code == 0, what="a status of 0")
    assert service.stop() == 0


# ---- correct ------------------------------------------------------------------------------------------------


def positions(number: int) -> Sequence[int]:
    """Which of so many calls fail, one in each try: the first, the last and some between them; of one the first."""
    return sorted({at * (number - 1) // max(CALLS - 1, 1) for at in range(CALLS)}) if CALLS else range(number)


def group() -> int:
    """Of the files; a user namespace of one user's has no other than root's."""
    return 0 if in_user_namespace() else 7


def lay(made: str) -> Dict[str, str]:
    """What cloud-init rendered, as it left it; nothing is kept of an earlier correction."""
    subprocess.run(["rm", "-rf", VAR, *RENDERED], check=True)
    found = rendered(made, "wrong-subnet")
    for name, text in found.items():
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o640)
        os.chown(path, 0, group())
    return found


def now_there(made: Dict[str, str]) -> Dict[str, str]:
    """The files of those folders; each has the mode and owner that it had, or is new."""
    shown: Dict[str, str] = {}
    for folder in {os.path.dirname(name) for name in made}:
        for path in Path(folder).iterdir():
            assert path.name.endswith(".new") or path.stat().st_mode & 0o777 in (0o640, 0o644), path
            if str(path) in made:
                assert (path.stat().st_mode & 0o777, path.stat().st_gid) == (0o640, group()), path
            if not path.name.endswith(".new"):
                shown[str(path)] = path.read_text()
    return shown


@pytest.mark.parametrize("made", MADE)
@pytest.mark.parametrize("error", [errno.EIO, KILL])
def test_correct_with_one_faulty_call(lab: Lab, calls: FaultyCalls, made: str, error: int) -> None:
    lab.documented_nics()
    before = lay(made)
    folders = (VAR, *{os.path.dirname(name) for name in before})
    number = number_of_calls(calls, folders, lambda: faulty(lab, calls, CORRECT))
    after = now_there(before)
    assert after != before
    for at in positions(number):
        lay(made)
        calls.refuse(error, folders, skip=at, count=1, torn=True)
        ran = faulty(lab, calls, CORRECT)
        calls.permit()
        shown = now_there(before)
        for name, text in shown.items():
            assert text in (before.get(name), after.get(name)), (at, name)
        assert any("11.11" in text for text in shown.values()), f"in none of the files, at {at}"
        if error != KILL:
            assert (ran.code, shown) in ((0, after), (1, before)), (at, ran)
            continue
        assert ran.code == -9
        ran = run(lab, "correct --undo")
        assert (ran.code, now_there(before)) == (0, before), (at, ran)


@pytest.mark.parametrize("error", [errno.EIO, KILL])
def test_undo_with_one_faulty_call(lab: Lab, calls: FaultyCalls, error: int) -> None:
    lab.documented_nics()
    before = lay("el-26.2")
    folders = (VAR, *{os.path.dirname(name) for name in before})
    assert run(lab, CORRECT).code == 0
    number = number_of_calls(calls, folders, lambda: faulty(lab, calls, "correct --undo"))
    for at in positions(number):
        lay("el-26.2")
        assert run(lab, CORRECT).code == 0
        calls.refuse(error, folders, skip=at, count=1, torn=True)
        ran = faulty(lab, calls, "correct --undo")
        calls.permit()
        if ran.code == 0:
            assert now_there(before) == before, at
        ran = run(lab, "correct --undo")
        assert (ran.code, now_there(before)) == (0, before), (at, ran)
        assert files(VAR) == {}, at


# ---- files that the operator names --------------------------------------------------------------------------


def is_whole(path: Path) -> bool:
    """Whether it can be read to its end."""
    if path.suffix == ".prom":
        return path.read_text().endswith("\n") and "guest_routes_service_running" in path.read_text()
    if path.suffix == ".cfg":
        return path.read_text() in (CLOUD_CFG, CLOUD_CFG.replace(" - snap", " - [guest_routes, always]\n - snap"))
    return False


CLOUD_CFG = "cloud_config_modules:\n - snap\n"


@pytest.mark.parametrize("error", [errno.EIO, KILL])
@pytest.mark.parametrize(
    "command, name",
    [
        ("status --textfile /run/tests/out/a.prom", "a.prom"),
        ("module --add", "cloud.cfg"),
    ],
)
def test_a_file_with_one_faulty_call(lab: Lab, calls: FaultyCalls, command: str, name: str, error: int) -> None:
    documented(lab)
    assert run(lab, f"sync {FILE}").code == 0
    folder = Path("/etc/cloud" if name == "cloud.cfg" else "/run/tests/out")
    folder.mkdir(exist_ok=True)
    path = folder / name

    def begin() -> None:
        if name == "cloud.cfg":
            path.write_text(CLOUD_CFG)
        else:
            path.unlink(missing_ok=True)

    begin()
    number = number_of_calls(calls, (str(folder),), lambda: faulty(lab, calls, command))
    for at in positions(number):
        begin()
        calls.refuse(error, (str(folder),), skip=at, count=1, torn=True)
        ran = faulty(lab, calls, command)
        calls.permit()
        if path.exists():
            assert is_whole(path), at
        if ran.code == 0:
            assert path.exists() and is_whole(path), at
        elif error != KILL:
            assert ran.code == 1 and errno.errorcode[error] in ran.err
            assert [one.name for one in folder.glob("*.new")] == []
    for one in folder.glob("*.new"):
        one.unlink()


@pytest.mark.parametrize(
    "error, call", [(errno.EDQUOT, "write"), (errno.EIO, "fsync"), (KILL, "write"), (KILL, "rename")]
)
def test_a_report_is_whole_or_as_before(lab: Lab, calls: FaultyCalls, error: int, call: str) -> None:
    documented(lab)
    Path("/etc/guest-routes.yaml").write_text("deadline_seconds: 0.2\n")  # There is nobody to wait for.
    folder = Path("/run/tests/reports")
    folder.mkdir(exist_ok=True)
    path = folder / "a.tar.gz"
    path.write_bytes(b"yesterday's")
    calls.refuse(error, (str(folder),), (call,), torn=True)
    ran = faulty(lab, calls, f"report --output {path}")
    calls.permit()
    assert path.read_bytes() == b"yesterday's"
    assert ran.code == (-9 if error == KILL else 1)
    assert error == KILL or (errno.errorcode[error] in ran.err and os.listdir(folder) == ["a.tar.gz"])
    assert run(lab, f"report --output {path}").code == 0
    with tarfile.open(path) as tar:
        assert "guest-routes-report/missing.txt" in tar.getnames()
