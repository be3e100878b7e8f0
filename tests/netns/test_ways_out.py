"""There is always a way out: broken settings, and exit codes that monitoring can trust (R18)."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, List, Sequence

import pytest

from tests.netns.test_faulty_calls import CORRECT, lay
from tests.support.hostile import as_an_ordinary_user
from tests.support.lab import Lab, document, write_document
from tests.support.passes import (
    CONNECTED,
    DOCUMENTED,
    HOST_ROUTE,
    documented,
    run,
    table,
    unfolded,
    valid_json,
)
from tests.support.service import FAST, Start, settled

FILE = f"--metadata {document('documented')}"
BOTH_DEFAULTS = [
    "default via 10.65.0.1 dev eth0 proto static", "default via 11.8.0.1 dev eth1 proto static", *CONNECTED,
]  # fmt: skip
TYPO = "/etc/guest-routes.d/50-site.yaml"
SAID = f'{TYPO}:1: protocl: no such setting; did you mean "protocol"?'
BROKEN = {
    "a typo": "protocl: 99\n",
    "no YAML": "routes: [\n",
    "a wrong value": "metric: much\n",
    "binary": "\udcff\udcfe",
    "not ours": "metric: 5\n",
}


def break_settings(content: str = BROKEN["a typo"], mode: int = 0o644) -> None:
    """A drop-in that can't be used."""
    path = Path(TYPO)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content.encode("utf-8", "surrogateescape"))
    path.chmod(mode)


def metrics(lab: Lab, path: Path) -> Dict[str, float]:
    """What `status --textfile` has written, by name; removed again."""
    lab.run("status", "--textfile", str(path))
    lines = [line.split() for line in path.read_text().splitlines() if not line.startswith("#")]
    path.unlink()
    return {name[len("guest_routes_") :]: float(value) for name, value in lines}


# ---- broken settings --------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", BROKEN)
def test_withdraw_with_broken_settings(lab: Lab, kind: str) -> None:
    documented(lab)
    assert run(lab, f"sync {FILE}").code == 0
    break_settings(BROKEN[kind], 0o666 if kind == "not ours" else 0o644)
    ran = run(lab, "withdraw")
    assert (ran.code, table(lab)) == (0, BOTH_DEFAULTS)
    assert "the settings are wrong; routes of protocol 121 in table 254 are withdrawn" in ran.err
    assert TYPO in ran.err


def test_withdraw_takes_what_the_last_pass_programmed(lab: Lab) -> None:
    """The file that said so can't be read any more."""
    before = documented(lab)
    Path(TYPO).parent.mkdir()
    Path(TYPO).write_text("protocol: 77\ntable: 100\n")
    assert run(lab, f"sync {FILE}").code == 0
    assert any("proto 77" in line for line in lab.routes(table="100"))
    break_settings("protocol: 77\ntable: 100\nprotocl: 1\nprotocol: 98\n")
    ran = run(lab, "withdraw")
    assert (ran.code, table(lab)) == (0, before)
    assert not any("proto 77" in line for line in lab.routes(table="100"))


def test_withdraw_with_an_engine_that_is_not_installed(lab: Lab, tmp_path: Path) -> None:
    documented(lab)
    assert run(lab, f"sync {FILE}").code == 0
    Path("/etc/guest-routes.yaml").write_text("engine: pyroute2\n")
    (tmp_path / "pyroute2.py").write_text("raise ImportError('not installed')\n")
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", ""), os.getcwd()])
    environment = {**os.environ, "PYTHONPATH": path}
    assert lab.run("sync", *FILE.split(), environment=environment).returncode == 1
    ran = lab.run("withdraw", environment=environment)
    assert (ran.returncode, table(lab)) == (0, BOTH_DEFAULTS)
    assert "cannot use the engine pyroute2" in ran.stderr


def test_what_looks_says_what_is_broken_and_does_its_work(lab: Lab, tmp_path: Path) -> None:
    documented(lab)
    assert run(lab, f"sync {FILE}").code == 0
    break_settings()
    ran = run(lab, "status")
    assert ran.code == 2
    assert f"settings wrong: {SAID} no pass runs until they are corrected" in ran.out
    assert "all in place" in ran.out
    assert "drift unknown: the settings are wrong" in ran.out
    value = valid_json("status", lab.run("status", "--json"))
    assert (value["exit_code"], value["settings_problems"]) == (2, [SAID])
    seen = metrics(lab, tmp_path / "metrics.prom")
    assert (seen["exit_code"], seen["settings_valid"], seen["drift_known"], seen["routes"]) == (2, 0, 0, 1)
    ran = run(lab, "explain 11.11.3.4")
    assert ran.code == 2
    assert "11.11.3.4 should leave by eth1, via 11.8.0.1" in ran.out
    assert SAID in ran.err
    assert valid_json("explain", lab.run("explain", "11.11.3.4", "--json"))["as_wanted"]
    ran = run(lab, "doctor")
    assert ran.code == 1
    assert f"! the settings are wrong, so no pass runs: {SAID}" in ran.out
    kinds = [one["kind"] for one in valid_json("doctor", lab.run("doctor", "--json"))["findings"]]
    assert kinds[0] == "settings-wrong"
    for command in ("sync", "plan", f"rehearse {FILE}", "correct", "export --format ip"):
        assert run(lab, command).code == 2


@pytest.mark.parametrize("content", ["sources: [htpp]", "sources: []", "metadata_urls: [htp://x]", "metadata_urls: []"])
def test_a_list_without_a_right_item_leads_to_no_further_finding(lab: Lab, content: str) -> None:
    """Empty, it would mean that nobody is to be asked, and that the metadata service doesn't answer."""
    documented(lab)
    lab.metadata_server(document("documented"))
    assert run(lab, "sync").code == 0
    break_settings(content)
    found = valid_json("doctor", lab.run("doctor", "--json"))
    assert [one["kind"] for one in found["findings"]] == ["settings-wrong"]
    assert [nic["metadata_answers"] for nic in found["nics"]] == [True, True]
    ran = run(lab, "explain 11.11.3.4")
    assert (ran.code, "(as wanted)" in ran.out) == (2, True)


def test_a_wrong_command_line_is_no_broken_file(lab: Lab) -> None:
    documented(lab)
    for command in ("withdraw --table x", "status --metric x", "withdraw --settings /nonexistent"):
        ran = run(lab, command)
        assert (ran.code, ran.out) == (2, "")


@pytest.mark.parametrize("path", ["/etc/guest-routes.yaml", "/etc/guest-routes.d", "/run/guest-routes/stanza.json"])
def test_a_link_to_nowhere_is_no_missing_file(lab: Lab, path: str) -> None:
    """Its settings are on a disk that is not mounted, say: a pass without them could do the opposite."""
    documented(lab)
    Path("/run/guest-routes").mkdir(exist_ok=True)
    Path(path).symlink_to("/mnt/site/guest-routes")
    try:
        for command, code in (("sync", 2), ("plan", 2), ("status", 2), ("withdraw", 0), ("settings", 2), ("doctor", 1)):
            ran = run(lab, f"{command} --deadline-seconds 0.1" if command in ("sync", "doctor") else command)
            assert (ran.code, f"{path}: is " in ran.out + ran.err) == (code, True), command
            assert "link" in ran.out + ran.err
    finally:
        Path(path).unlink()


def test_a_broken_stanza_beside_a_good_named_file(lab: Lab) -> None:
    """Who names the file didn't write the stanza."""
    documented(lab)
    assert run(lab, f"sync {FILE}").code == 0
    Path("/run/guest-routes/stanza.json").write_text('{"protocl": 1}')
    good = Path("/run/tests/good.yaml")
    good.write_text("metric: 0\n")
    ran = run(lab, f"status --settings {good}")
    assert (ran.code, "settings wrong: /run/guest-routes/stanza.json" in ran.out) == (2, True)
    good.write_text("metrik: 0\n")
    assert (run(lab, f"withdraw --settings {good}").code, table(lab)) == (2, DOCUMENTED)
    good.write_text("metric: 0\n")
    ran = run(lab, f"withdraw --settings {good}")
    assert (ran.code, table(lab)) == (0, BOTH_DEFAULTS)
    assert "stanza.json: protocl" in ran.err


def test_a_stanza_that_is_not_there_needs_no_trust(lab: Lab) -> None:
    documented(lab)
    Path("/etc/guest-routes.yaml").write_text("metric: 0\n")
    os.chmod("/run", 0o777)
    try:
        assert run(lab, f"plan {FILE}").code == 0
        Path("/run/guest-routes").mkdir(exist_ok=True)
        Path("/run/guest-routes/stanza.json").write_text("{}")
        assert run(lab, f"plan {FILE}").code == 2
    finally:
        os.chmod("/run", 0o755)


# ---- exit codes -------------------------------------------------------------------------------------


def test_status_before_and_after_a_pass(lab: Lab, tmp_path: Path) -> None:
    documented(lab)
    assert run(lab, "status").code == 4
    assert metrics(lab, tmp_path / "a.prom")["exit_code"] == 4
    assert run(lab, f"sync {FILE}").code == 0
    assert run(lab, "status").code == 0
    assert metrics(lab, tmp_path / "a.prom")["drift_known"] == 1
    lab.ip("route", "delete", "11.11.0.0/16")
    assert run(lab, "status").code == 1
    assert run(lab, "withdraw").code == 0
    ran = run(lab, "status")
    assert (ran.code, "withdrawn by hand" in ran.out) == (1, True)


def test_status_where_drift_can_not_be_known(lab: Lab, tmp_path: Path) -> None:
    words = as_an_ordinary_user()
    documented(lab)
    assert run(lab, f"sync {FILE}").code == 0
    user = unfolded(subprocess.run([*words, "-m", "guest_routes", "status"], **TEXT))
    assert (user.code, "drift unknown" in user.out) == (1, True)
    os.unlink("/var/lib/guest-routes/last-known-good")
    assert run(lab, "status").code == 1
    seen = metrics(lab, tmp_path / "a.prom")
    assert (seen["exit_code"], seen["drift_known"], "drift_changes" in seen) == (1, 0, False)


def test_a_directory_that_can_not_be_reached_is_not_called_missing(lab: Lab, tmp_path: Path) -> None:
    user = [*as_an_ordinary_user(), "-m", "guest_routes", "status", "--textfile"]
    documented(lab)
    (tmp_path / "there").mkdir()
    os.chmod(tmp_path, 0o700)
    ran = unfolded(subprocess.run([*user, f"{tmp_path}/there/a.prom"], **TEXT))
    assert (ran.code, ran.out) == (1, "")
    assert f"cannot write {tmp_path}/there/a.prom: Permission denied (EACCES) at {tmp_path}/there" in ran.err
    ran = run(lab, f"status --textfile {tmp_path}/none/a.prom")
    assert (ran.code, "No such file or directory (ENOENT)" in ran.err) == (1, True)


TEXT: Dict[str, Any] = {"text": True, "capture_output": True}


def test_status_of_a_service_that_died(lab: Lab, start: Start) -> None:
    service = settled(lab, start, settings=FAST)
    assert run(lab, "status").code == 0
    service.kill()
    assert run(lab, "status").code == 1
    kinds = [one["kind"] for one in json.loads(lab.run("doctor", "--json").stdout)["findings"]]
    assert "service-ended" in kinds


def test_a_service_that_is_enabled_and_does_not_run(lab: Lab) -> None:
    documented(lab)
    lab.metadata_server(document("documented"))
    assert run(lab, "sync").code == 0
    wants = Path("/etc/systemd/system/multi-user.target.wants")
    unit = Path("/etc/systemd/system/guest-routes.service")
    wants.mkdir(parents=True, exist_ok=True)
    Path("/run/systemd/system").mkdir(parents=True)
    try:
        unit.write_text("[Unit]\n")
        assert run(lab, "status").code == 0
        assert "the service is installed and not enabled" in run(lab, "doctor").out
        (wants / unit.name).symlink_to(unit)
        ran = run(lab, "status")
        assert (ran.code, "service not running, but enabled" in ran.out) == (1, True)
        assert "the service is enabled and doesn't run" in run(lab, "doctor").out
    finally:
        shutil.rmtree("/run/systemd/system")
        unit.unlink()
        (wants / unit.name).unlink(missing_ok=True)


def test_disabled_by_the_settings(lab: Lab) -> None:
    documented(lab)
    Path("/etc/guest-routes.yaml").write_text("enabled: false\n")
    ran = run(lab, "status")
    assert (ran.code, "disabled (`enabled: false`)" in ran.out) == (0, True)


def test_explain(lab: Lab) -> None:
    documented(lab)
    assert run(lab, f"explain 11.11.3.4 {FILE}").code == 1
    assert run(lab, f"sync {FILE}").code == 0
    for address in ("11.11.3.4", "8.8.8.8", "11.8.0.1", "10.65.0.7"):
        assert run(lab, f"explain {address} {FILE}").code == 0, address
    lab.ip("rule", "add", "priority", "220", "lookup", "220")
    lab.ip("route", "add", "11.0.0.0/8", "via", "10.65.0.1", "table", "220")
    ran = lab.run("explain", "11.11.3.4", "--json", *FILE.split())
    assert (ran.returncode, valid_json("explain", ran)["as_wanted"]) == (1, False)


@pytest.mark.parametrize("prefix", ["0.0.0.0/0", "0.0.0.0/1", "11.8.0.0/24", "11.11.0.0/16", "128.0.0.0/1"])
def test_explain_a_prefix(lab: Lab, prefix: str) -> None:
    """Its first address may be no host's: 0.0.0.0 is this machine itself."""
    documented(lab)
    assert run(lab, f"sync {FILE}").code == 0
    ran = run(lab, f"explain {prefix} {FILE}")
    assert (ran.code, "own address" in ran.out) == (0, False)
    assert f"{prefix} should leave by eth" in ran.out


def test_explain_what_is_not_programmed(lab: Lab, tmp_path: Path) -> None:
    documented(lab)
    value: Dict[str, Any] = json.loads(document("documented").read_text())
    value["networks"][1]["routes"].append({"network": "12.0.0.0", "netmask": "255.0.0.0", "gateway": "11.8.0.99"})
    path = write_document(tmp_path / "more.json", value)
    assert run(lab, f"sync --metadata {path}").code == 5
    ran = run(lab, f"explain 12.1.2.3 --metadata {path}")
    assert (ran.code, "! not programmed" in ran.out) == (1, True)


@pytest.mark.parametrize("behaviour", ["500", "404", "hang"])
def test_doctor_where_nobody_answers(lab: Lab, behaviour: str) -> None:
    documented(lab)
    assert run(lab, f"sync {FILE}").code == 0
    lab.metadata_server(document("documented"), "--behave", behaviour)
    ran = run(lab, "doctor --deadline-seconds 1")
    assert ran.code == 1
    assert "! the metadata service gives no document through eth0, eth1: " in ran.out
    kinds = [
        one["kind"] for one in valid_json("doctor", lab.run("doctor", "--json", "--deadline-seconds", "1"))["findings"]
    ]
    assert kinds == ["metadata-unreachable"]
    assert run(lab, f"doctor {FILE} --deadline-seconds 1").code == 0  # the document is named: nobody has to answer
    ran = run(lab, "sync --deadline-seconds 1")
    assert ran.code == 0
    assert "http: " in ran.err
    assert "; using last known good" in ran.err


def test_doctor_without_metadata(lab: Lab) -> None:
    documented(lab)
    ran = run(lab, "doctor --deadline-seconds 0.5")
    assert ran.code == 1
    assert "unknown: there is no metadata" in ran.out
    assert "doesn't describe" not in ran.out


@pytest.mark.parametrize("metadata", ["", " --metadata /etc/hostname"])
def test_explain_without_metadata_says_what_the_kernel_does(lab: Lab, metadata: str) -> None:
    """Which is the question of whoever has no metadata; and the message says why there is none."""
    documented(lab)
    words = f"explain 11.11.3.4 10.65.0.0/24 --deadline-seconds 0.5{metadata}"
    ran = run(lab, words)
    assert (ran.code, ran.out.count("kernel now via 10.65.0.1 dev eth0"), ran.out.count("kernel now dev eth0")) == (
        4,
        1,
        1,
    )
    assert "11.11.3.4: which way is wanted is unknown, since there is no metadata" in ran.out
    assert ("/etc/hostname is not JSON" if metadata else "cannot find network_data.json") in ran.err
    value = valid_json("explain", lab.run(*words.split(), "--json"))
    assert [(one["asked"], one["kernel"]["nic"]) for one in value["known"]] == [
        ("11.11.3.4/32", "eth0"), ("10.65.0.0/24", "eth0"),
    ]  # fmt: skip
    ran = run(lab, f"explain 11.11.3.4 --from 11.8.0.9 --deadline-seconds 0.5{metadata}")
    assert (ran.code, "11.11.3.4 from 11.8.0.9: which" in ran.out, "kernel now via" in ran.out) == (4, True, True)
    break_settings()
    assert run(lab, words).code == 2


# ---- standard streams -------------------------------------------------------------------------------


def shell(command: str) -> subprocess.CompletedProcess[str]:
    words = f"{sys.executable} -m guest_routes {command}"
    return subprocess.run(["bash", "-c", words], text=True, capture_output=True)


@pytest.mark.parametrize("streams", [">&-", "2>&-", "<&-", "<&- >&-", "<&- >&- 2>&-", ">/dev/full 2>/dev/full"])
def test_streams_that_are_closed_or_full(lab: Lab, streams: str) -> None:
    documented(lab)
    ran = shell(f"sync {FILE} {streams}")
    assert "Traceback" not in ran.stderr
    assert ran.returncode == (1 if "full" in streams else 0)
    assert table(lab) == DOCUMENTED
    assert json.loads(Path("/run/guest-routes/status").read_text())["exit_code"] == 0
    for command in ("status", f"plan {FILE}", f"explain 11.11.3.4 {FILE}", "status --json"):
        ran = shell(f"{command} {streams}")
        assert "Traceback" not in ran.stderr
        assert ran.returncode == (1 if "full" in streams else 0)


def test_a_full_output_is_said(lab: Lab) -> None:
    documented(lab)
    ran = shell(f"sync {FILE} >/dev/full")
    said = "guest-routes: cannot write the result to standard output: No space left on device; what was done stays done"
    assert (ran.returncode, ran.stderr.strip()) == (1, said)
    assert table(lab) == DOCUMENTED


def test_a_reader_that_goes_away_changes_no_exit_code(lab: Lab) -> None:
    documented(lab)
    lines = "sync --metadata /nonexistent --json | true; exit ${PIPESTATUS[0]}"
    assert shell(lines).returncode == 4


def test_standard_input_that_is_closed(lab: Lab) -> None:
    documented(lab)
    ran = shell("sync --metadata - <&-")
    assert ran.returncode == 4
    assert "standard input is empty or closed" in ran.stderr


def test_the_journal_gets_priorities(lab: Lab, tmp_path: Path) -> None:
    """A unit's standard error: the journal tells an error from a warning."""
    documented(lab)
    with (tmp_path / "journal").open("w+") as journal:
        about = os.fstat(journal.fileno())
        own = {**os.environ, "JOURNAL_STREAM": f"{about.st_dev}:{about.st_ino}"}
        for words in (["sync", "--metadata", "/nonexistent"], ["correct"], ["sync", *FILE.split()]):
            subprocess.run([sys.executable, "-m", "guest_routes", *words], stderr=journal, env=own)
        journal.seek(0)
        lines: List[str] = journal.read().splitlines()
    assert lines
    assert [line for line in lines if not line.startswith(("<3>", "<4>", "<6>"))] == []
    assert any(line.startswith("<3>cannot get the metadata given as /nonexistent") for line in lines)


COMMANDS: Sequence[Sequence[str]] = (
    ["sync"], ["plan"], ["explain", "11.11.3.4"], ["status"], ["withdraw"], ["rehearse"], ["doctor"], ["correct"],
    ["export", "--format", "ip"],
)  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_an_error_is_a_document_of_the_schema(lab: Lab, command: Sequence[str]) -> None:
    for wrong in (["--settings", "/nonexistent"], ["--nonsense"], ["--settings", ""]):
        ran = lab.run(*command, "--json", *wrong)
        assert (ran.returncode, "error" in valid_json(command[0], ran)) == (2, True)


def test_odd_state_files_count_as_absent_and_are_named(lab: Lab) -> None:
    documented(lab)
    assert run(lab, f"sync {FILE}").code == 0
    folder = Path("/run/guest-routes")
    for content in (
        b"",
        b"[]",
        b"\0\0",
        b'{"finished": 1e400}',
        b'{"finished": [], "exit_code": 0}',
        b"\xff",
        b"1" * 9999,
    ):
        (folder / "status").write_bytes(content)
        (folder / "service").write_bytes(content)
        ran = run(lab, "status")
        assert ran.code == 1
        assert "last pass unknown: its record is missing or can't be used" in ran.out
        assert "/run/guest-routes/status: is damaged" in ran.out, content
    for name in ("status", "service"):
        (folder / name).unlink()
        (folder / name).mkdir()
    assert run(lab, "status").code == 1
    assert HOST_ROUTE in table(lab)


# ---- withdraw where a NIC is down -------------------------------------------------------------------


@pytest.mark.parametrize("down", ["eth1", "eth0", "eth0 eth1"])
def test_withdraw_while_a_nic_is_down(lab: Lab, down: str) -> None:
    """Its default can't come back now; nothing of ours is left, so the service leaves the routes alone from now on."""
    before = documented(lab)
    assert run(lab, f"sync {FILE}").code == 0
    for nic in down.split():
        lab.ip("link", "set", nic, "down")
    ran = run(lab, "withdraw")
    assert lab.ip("route", "show", "table", "all", "proto", "121") == ""
    assert Path("/run/guest-routes/withdrawn").exists()
    assert ran.code == 0
    if "eth1" in down:
        text = "? default via 11.8.0.1 dev eth1 proto static not restored: its NIC is down; it stays recorded"
        assert text in ran.out
    for nic in down.split():
        lab.ip("link", "set", nic, "up")
    assert run(lab, "withdraw").code == 0
    assert set(table(lab)) >= {line for line in before if "eth1" in line}


# ---- folders that can't be read -----------------------------------------------------------------------------


def test_what_can_not_be_read_is_not_reported_as_nothing(lab: Lab) -> None:
    """An ordinary user asks, who can't look into the folder of originals, or that of the manager's files."""
    user = [*as_an_ordinary_user(), "-m", "guest_routes"]
    lab.documented_nics()
    lay("el-26.2")
    assert run(lab, CORRECT).code == 0
    folder = Path("/etc/sysconfig/network-scripts")
    ran = subprocess.run([*user, "correct", "--undo"], text=True, capture_output=True)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert "/var/lib/guest-routes/originals" in ran.stderr and "EACCES" in ran.stderr
    folder.chmod(0o700)
    ran = subprocess.run([*user, *CORRECT.split(), "--check"], text=True, capture_output=True)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert f"cannot read {folder}: Permission denied (EACCES)" in ran.stderr
    folder.chmod(0o755)
    assert "undone: 3 files" in run(lab, "correct --undo").out
