"""The service's own life: systemd, signals, errors that must not end it, and commands by hand beside it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Iterator, List

import pytest

from guest_routes.clocks import seconds_awake
from tests.support.lab import Lab, document
from tests.support.passes import CONNECTED, DOCUMENTED, HOST_ROUTE, Watch, documented, run, table, valid_json
from tests.support.service import FAST, RECORD, Start, settled

FILE = ("--metadata", str(document("documented")))
RUN = "/run/guest-routes"


@pytest.fixture
def read_only() -> Iterator[List[str]]:
    """Directories that are made read-only for the test: add them to the list by `freeze`."""
    frozen: List[str] = []
    yield frozen
    for path in frozen:
        thaw(path)


def freeze(frozen: List[str], path: str) -> None:
    """Makes a directory read-only, by a mount on itself."""
    subprocess.run(["mount", "--bind", path, path], check=True)
    frozen.append(path)
    subprocess.run(["mount", "-o", "remount,bind,ro", path], check=True)


def thaw(path: str) -> None:
    """Makes it writable again."""
    subprocess.run(["umount", "-l", path], check=True)


def holding_the_lock(seconds: float) -> subprocess.Popen[str]:
    """Another process that holds the lock, from when this returns."""
    program = (
        "import sys, time\nfrom guest_routes.state.store import State\n"
        f"with State().lock():\n    print('held', flush=True)\n    time.sleep({seconds})\n"
    )
    holder = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None and holder.stdout.readline() == "held\n"
    return holder


# ---- 5 systemd --------------------------------------------------------------------------------------


@pytest.mark.parametrize("socket", ["path", "abstract"])
def test_what_systemd_is_told(lab: Lab, start: Start, socket: str) -> None:
    documented(lab)
    assert lab.run("sync", *FILE).returncode == 0
    lab.ip("route", "delete", "11.11.0.0/16")
    service = start(notify=socket, environment={"WATCHDOG_USEC": "400000"}, settings={})
    service.wait(lambda: "READY=1" in service.notified())
    assert table(lab) == DOCUMENTED  # before any metadata service was asked (R11)
    status = [line for line in service.notified() if line.startswith("STATUS=")]
    assert status and "route" in status[0] and "\n" not in status[0]
    service.wait(lambda: service.notified().count("WATCHDOG=1") >= 3, what="three signs of life")
    told = len(service.notified())
    service.reload()
    service.wait(lambda: "READY=1" in service.notified()[told:])
    reloading = [line for line in service.notified()[told:] if "RELOADING=1" in line]
    assert [re.sub(r"\d+", "N", line) for line in reloading] == ["RELOADING=N\nMONOTONIC_USEC=N"]
    assert service.stop() == 0
    assert service.notified()[-1] == "STOPPING=1"
    assert table(lab) == DOCUMENTED


def test_a_watchdog_for_another_process_is_none_of_ours(lab: Lab, start: Start) -> None:
    documented(lab)
    service = start(notify="path", environment={"WATCHDOG_USEC": "20000", "WATCHDOG_PID": "1"}, settings={})
    service.wait(lambda: service.record.get("failures", 0) or "READY=1" in service.notified())
    lab.hypervisor("sleep", "0.2")
    assert "WATCHDOG=1" not in service.notified()


def test_a_systemd_that_does_not_listen_is_said_once(lab: Lab, start: Start) -> None:
    documented(lab)
    lab.metadata_server(document("documented"))
    service = start(environment={"NOTIFY_SOCKET": "/nowhere/notify"}, settings=FAST)
    service.wait(lambda: service.record.get("refreshed"))
    lab.ip("route", "delete", "11.11.0.0/16")
    service.wait(lambda: HOST_ROUTE in table(lab))
    assert service.said("cannot notify systemd: No such file or directory") == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_in_good_order(lab: Lab, start: Start, number: int) -> None:
    service = settled(lab, start)
    service.signal(number)
    assert service.ended() == 0
    assert table(lab) == DOCUMENTED
    assert not Path(RUN, "service").exists()
    assert service.said("stopped; the routes stay as they are") == 1


def test_a_second_service_is_refused(lab: Lab, start: Start) -> None:
    service = settled(lab, start)
    second = lab.run("watch", timeout=10)
    assert second.returncode == 1
    assert f"held by pid {service.pid} (guest-routes watch) for" in second.stderr
    assert "one service is enough" in second.stderr
    lab.ip("route", "delete", "11.11.0.0/16")
    service.wait(lambda: table(lab) == DOCUMENTED)
    assert service.record["pid"] == service.pid


def test_killed_and_started_again(lab: Lab, start: Start, watch: Watch) -> None:
    first = settled(lab, start)
    first.kill()
    assert "ended unexpectedly" in " ".join(lab.run("status").stdout.split())
    watch.changes()
    second = start()
    second.wait(lambda: second.record.get("pid") == second.pid)
    assert watch.changes() == []
    lab.ip("route", "delete", "11.11.0.0/16")
    second.wait(lambda: table(lab) == DOCUMENTED)


def test_killed_and_its_parent_does_not_ask(lab: Lab, start: Start) -> None:
    """In a container nobody may: the process stays, and does nothing any more."""
    service = settled(lab, start)
    service.signal(signal.SIGKILL)
    deadline = time.monotonic() + 15
    while service.status_of(service.pid)["State"][0] != "Z":
        assert time.monotonic() < deadline
        time.sleep(0.01)
    ran = run(lab, "status")
    assert (ran.code, "service not running: it ended unexpectedly" in ran.out) == (1, True)


def test_one_that_hangs(lab: Lab, start: Start, tmp_path: Path) -> None:
    """Its process lives and does nothing; the record says until when it should have been renewed."""
    service = settled(lab, start)
    assert service.record["overdue_from"] > seconds_awake() + 180
    service.signal(signal.SIGSTOP)
    assert valid_json("status", lab.run("status", "--json"))["exit_code"] == 0
    record = {**service.record, "overdue_from": seconds_awake() - 1}
    RECORD.write_text(json.dumps(record))
    ran = run(lab, "status")
    assert (ran.code, "its record is overdue: it hangs, or can't write it" in ran.out) == (1, True)
    assert valid_json("status", lab.run("status", "--json"))["service"]["overdue"]
    figures = tmp_path / "figures.prom"
    assert run(lab, f"status --textfile {figures}").code == 1
    assert "\nguest_routes_service_running 0\n" in figures.read_text()
    found = valid_json("doctor", lab.run("doctor", "--json"))["findings"]
    assert [one["kind"] for one in found] == ["service-overdue"]
    service.signal(signal.SIGCONT)


def test_settings_that_are_wrong_at_the_start(lab: Lab) -> None:
    ran = lab.run("watch", "--default-mode", "sometimes")
    assert (ran.returncode, "default-mode" in ran.stderr) == (2, True)


def test_started_by_whoever_ignores_its_children(lab: Lab, start: Start) -> None:
    program = (
        "import os, signal, sys; signal.signal(signal.SIGCHLD, signal.SIG_IGN); os.execvp(sys.argv[1], sys.argv[1:])"
    )
    service = settled(lab, start, before=[sys.executable, "-c", program], settings=FAST)
    assert service.stop() == 0


def test_a_log_that_nobody_reads(lab: Lab, start: Start) -> None:
    service = settled(lab, start, before=["bash", "-c", 'exec "$@" 2> /dev/full', "bash"], settings={})
    lab.ip("route", "delete", "11.11.0.0/16")
    service.wait(lambda: table(lab) == DOCUMENTED)
    assert service.stop() == 0


# ---- errors -----------------------------------------------------------------------------------------


def test_a_state_directory_that_cannot_be_written(lab: Lab, start: Start, read_only: List[str]) -> None:
    service = settled(lab, start, settings=FAST)
    freeze(read_only, RUN)
    for _ in range(2):
        lab.ip("route", "delete", "11.11.0.0/16")
        service.wait(lambda: table(lab) == DOCUMENTED)
    service.wait_said("cannot write /run/guest-routes/service: Read-only file system (EROFS)")
    thaw(read_only.pop())
    service.wait(lambda: service.record["repairs"] >= 2, what="a record")
    assert service.said("cannot write /run/guest-routes/service") == 1
    assert service.said("cannot remove") == 0


def test_the_end_in_a_directory_that_cannot_be_written(lab: Lab, start: Start, read_only: List[str]) -> None:
    service = settled(lab, start)
    freeze(read_only, RUN)
    assert service.stop() == 0
    assert service.said("cannot remove /run/guest-routes/service") == 1


def test_a_cache_that_cannot_be_written(lab: Lab, start: Start, read_only: List[str]) -> None:
    documented(lab)
    Path("/var/lib/guest-routes").mkdir()
    freeze(read_only, "/var/lib/guest-routes")
    lab.metadata_server(document("documented"))
    service = start(settings={**FAST, "default_mode": "observe"})
    service.wait(lambda: HOST_ROUTE in table(lab))
    service.wait_said("the metadata is not kept for a boot without the metadata service")
    lab.ip("route", "delete", "11.11.0.0/16")
    service.wait(lambda: HOST_ROUTE in table(lab))  # by the next refresh


def test_what_the_kernel_refuses(lab: Lab, start: Start) -> None:
    documented(lab)
    lab.metadata_server(document("documented"))
    before = ["setpriv", "--bounding-set=-net_admin", "--inh-caps=-net_admin"]
    service = start(before=before, settings=FAST)
    service.wait(lambda: service.record.get("passes", 0) >= 2, what="a second try")
    assert service.said("Operation not permitted") == 2  # one for each of the two changes
    assert service.record["doing"].startswith("failed: 2 of 2 changes refused by the kernel")
    assert service.stop() == 0


# ---- 6 by hand --------------------------------------------------------------------------------------


def test_commands_by_hand_many_at_once(lab: Lab, start: Start) -> None:
    service = settled(lab, start)
    command = [sys.executable, "-m", "guest_routes"]
    commands = [
        subprocess.Popen([*command, *words], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        for words in [["sync", *FILE], ["plan", *FILE], ["status"], ["sync"]] * 3
    ]
    for _ in range(4):
        lab.ip("route", "delete", "11.11.0.0/16")
        service.wait(lambda: HOST_ROUTE in table(lab))
    for running in commands:
        _, said = running.communicate(timeout=60)
        assert (running.returncode, said) in ((0, ""), (1, ""))  # 1: `status` at a moment of drift
    service.wait(lambda: table(lab) == DOCUMENTED)


def test_what_was_withdrawn_stays_withdrawn(lab: Lab, start: Start) -> None:
    service = settled(lab, start, defaults="eth0", settings=FAST)
    without = table(lab)[:-1]
    assert lab.run("withdraw").returncode == 0
    service.wait_said("withdrawn by hand; `guest-routes sync` programs the routes again")
    refreshes = service.record["next_refresh"]
    service.wait(lambda: service.record["next_refresh"] > refreshes + 0.5, what="some refreshes")
    lab.ip("route", "add", "198.51.100.0/24", "via", "10.65.0.1", "proto", "static")
    lab.ip("route", "delete", "198.51.100.0/24")
    assert table(lab) == without
    assert service.record["doing"] == "withdrawn by hand; `guest-routes sync` programs the routes again"
    assert service.said("withdrawn by hand") == 1
    assert lab.run("sync").returncode == 0
    assert HOST_ROUTE in table(lab)
    service.wait(lambda: "withdrawn" not in service.record["doing"])
    lab.ip("route", "delete", "11.11.0.0/16")
    service.wait(lambda: HOST_ROUTE in table(lab))


def test_a_reload_takes_a_withdrawal_back(lab: Lab, start: Start) -> None:
    service = settled(lab, start)
    assert lab.run("withdraw").returncode == 0
    assert HOST_ROUTE not in table(lab)
    service.wait_said("withdrawn by hand")
    service.reload()
    service.wait(lambda: HOST_ROUTE in table(lab))
    assert service.record["conflicts"] == []
    service.wait_said("no longer so: withdrawn by hand")


def test_a_reload_with_wrong_settings_leaves_a_withdrawal(lab: Lab, start: Start) -> None:
    """Nothing changes then, and the log says what is so."""
    service = settled(lab, start, settings=FAST)
    assert lab.run("withdraw").returncode == 0
    service.wait_said("withdrawn by hand")
    service.reload(metricc=5)
    service.wait_said("the settings stay as they were, and the routes withdrawn: ")
    refreshes = service.record["next_refresh"]
    service.wait(lambda: service.record["next_refresh"] > refreshes + 0.5, what="some refreshes")
    assert HOST_ROUTE not in table(lab)
    assert "withdrawn    by hand" in lab.run("status").stdout
    service.reload(**FAST)
    service.wait(lambda: HOST_ROUTE in table(lab))


def test_a_lock_that_is_held_for_long(lab: Lab, start: Start) -> None:
    service = settled(lab, start)
    holder = holding_the_lock(60)
    lab.ip("route", "delete", "11.11.0.0/16")
    service.wait_said(f"cannot lock /run/guest-routes/lock: held by pid {holder.pid} (guest-routes")
    service.wait(lambda: service.record["last_error"])
    assert "last error   cannot lock" in lab.run("status").stdout
    first = service.record["last_error"]
    service.wait(lambda: service.record["last_error"] != first, what="another try")
    assert service.said("cannot lock") == 1
    holder.kill()
    holder.communicate()
    service.wait(lambda: table(lab) == DOCUMENTED)
    service.wait_said("passes succeed again")


def test_status_tells_of_repairs(lab: Lab, start: Start) -> None:
    service = settled(lab, start)
    lab.ip("route", "delete", "11.11.0.0/16")
    service.wait(lambda: service.record["repairs"] == 1)
    ran = lab.run("status", "--json")
    (repair,) = json.loads(ran.stdout)["service"]["recent"]
    assert repair["route"].startswith("11.11.0.0/16 via 11.8.0.1 dev eth1")
    assert (repair["what"], repair["why"].startswith("deleted by ")) == ("added", True)
    assert CONNECTED[0] in table(lab)


def test_a_quiet_service_keeps_only_the_modules_that_it_uses(lab: Lab, start: Start) -> None:
    """Each of the others would stay in its memory: words for what isn't so, what its child processes do, and re."""
    documented(lab)
    assert lab.run("sync", "--metadata", str(document("documented"))).returncode == 0
    lab.metadata_server(document("documented"))
    code = "import sys; from guest_routes.cli.main import main; main(sys.argv[4:]); print(*sys.modules)"
    # Without the .pth files of the tests' environment, which import what they like.
    library = {"PYTHONPATH": os.pathsep.join(sys.path)}
    service = start(
        settings={**FAST, "ignore_nics": ["docker*", "cali0"]},
        before=[sys.executable, "-S", "-c", code], environment=library,
    )  # fmt: skip
    service.wait(lambda: service.record.get("passes", 0) > 2)
    assert service.stop() == 0
    loaded = service.log.splitlines()[-1].split()
    assert "guest_routes.service.loop" in loaded
    others = {"re", "enum", "fnmatch", "functools", "collections", "socket", "json", "typing"}
    words = {f"guest_routes.output.words.{name}" for name in ("outcomes", "reasons", "elections", "remedies")}
    children = {f"guest_routes.service.child.{name}" for name in ("seccomp", "confined_fetch")}
    assert (others | words | children) & set(loaded) == set()
