"""The service and the metadata: when it fetches, what it accepts, and what the process that fetches may do."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Dict, Iterator, List, Tuple

import pytest

from guest_routes.service.child.privileges import USERS
from tests.support import sandbox
from tests.support.fetch_unit import PATH, USER, FetchUnit
from tests.support.lab import Lab, document, write_document
from tests.support.netlink_bytes import attribute, message, number, rtmsg
from tests.support.passes import CONNECTED, DOCUMENTED, HOST_ROUTE, Watch, documented, run, table
from tests.support.service import FAST, RECORD, Service, Start, one_nic, settled

KEPT = Path("/var/lib/guest-routes/last-known-good")
ROOT = Path(__file__).parents[2]
NO_CAPABILITIES = "0000000000000000"
ONLY_ETH0 = ("--behave", "404@11.8.0.9")
"""The metadata service answers one of the NICs only: a request of eth0 is a fetch."""


def many_routes(count: int) -> Dict[str, Any]:
    """The documented document with so many host routes more."""
    value: Dict[str, Any] = json.loads(document("documented").read_text())
    value["networks"][1]["routes"] += [
        {"network": f"172.16.{number}.0", "netmask": "255.255.255.0", "gateway": "11.8.0.1"} for number in range(count)
    ]
    return value


def replace_document(path: Path, content: bytes) -> None:
    """What the metadata service answers from now on."""
    new = path.with_suffix(".new")
    new.write_bytes(content)
    new.replace(path)


def fetches(log: Path) -> int:
    """How often the document was asked for through eth0."""
    lines = log.read_text().splitlines() if log.exists() else []
    asked = [json.loads(line) for line in lines]
    return sum(one["client"] == "10.65.0.7" and one["path"].endswith("network_data.json") for one in asked)


def hurried(service: Service) -> None:
    """Asks at once; where a last known good document is in force, the first fetch may come seconds later."""
    service.wait(lambda: service.record, what="a record")
    service.reload()


def hanging(lab: Lab, start: Start, mode: str = "hang", **options: Any) -> Tuple[Service, int]:
    """A service whose child waits for a metadata service that doesn't come to an end, and that child."""
    documented(lab)
    assert lab.run("sync", "--metadata", str(document("documented"))).returncode == 0
    lab.metadata_server(document("documented"), "--behave", mode)
    service = start(**options)
    hurried(service)

    def child() -> List[int]:
        pids = service.children()
        return [pid for pid in pids if service.status_of(pid).get("CapEff") == NO_CAPABILITIES]

    (pid,) = service.wait(child, what="a child without privileges")
    return service, pid


# ---- 2 refresh --------------------------------------------------------------------------------------


def test_it_asks_again_and_again(lab: Lab, start: Start, tmp_path: Path) -> None:
    path = write_document(tmp_path / "network_data.json", many_routes(0))
    service = settled(lab, start, document=path, settings=FAST)
    replace_document(path, json.dumps(many_routes(1)).encode())
    service.wait(lambda: "172.16.0.0/24 via 11.8.0.1 dev eth1 proto 121" in table(lab))
    replace_document(path, json.dumps(many_routes(0)).encode())
    service.wait(lambda: table(lab) == DOCUMENTED)
    service.wait_said("removed 172.16.0.0/24")
    record = service.record
    assert 0.2 < record["next_refresh"] - record["refreshed"] < 0.4
    assert service.log.count("\n") == 4, service.log


def test_no_metadata_from_the_beginning_is_said_once(lab: Lab, start: Start) -> None:
    before = documented(lab)
    service = start(settings={**FAST, "deadline_seconds": 0.2}, notify="path")
    service.wait(lambda: "READY=1" in service.notified())
    service.wait(lambda: service.record.get("failures", 0) >= 2)
    assert service.said("no metadata: ") == 1
    assert table(lab) == before
    lab.metadata_server(document("documented"))
    service.wait(lambda: table(lab) == DOCUMENTED)
    service.wait_said("the metadata is available again after ")
    service.wait(lambda: (service.record["failures"], service.record["failing_since"]) == (0, 0.0))


def test_metadata_that_goes_and_comes_back(lab: Lab, start: Start) -> None:
    documented(lab)
    server = lab.metadata_server(document("documented"))
    service = start(settings={**FAST, "deadline_seconds": 0.2})
    service.wait(lambda: service.record.get("refreshed"))
    lab.stop(server)
    service.wait(lambda: service.record["failures"] >= 2)
    lab.ip("route", "delete", "11.11.0.0/16")
    service.wait(lambda: table(lab) == DOCUMENTED)
    assert "no metadata: " in service.log
    assert lab.run("status").stdout.count("no metadata") == 1
    lab.metadata_server(document("documented"))
    service.wait_said("the metadata is available again after ")
    assert service.said("no metadata: ") == 1


@pytest.mark.parametrize("mode", ["hang", "trickle=0.05"])
def test_a_fetch_that_hangs_delays_no_repair(lab: Lab, start: Start, mode: str) -> None:
    service, child = hanging(lab, start, mode, settings={"deadline_seconds": 2})
    lab.ip("route", "delete", "11.11.0.0/16")
    service.wait(lambda: table(lab) == DOCUMENTED)
    assert service.children() == [child]
    service.wait_said("no metadata: ")
    assert "no answer within 2 s" in service.log
    service.wait(lambda: not service.children())


def test_the_process_that_asks_can_do_nothing_else(lab: Lab, start: Start) -> None:
    service, child = hanging(lab, start)
    service.wait(lambda: service.status_of(child)["Seccomp"] == "2", what="the last of its confinement")
    status = service.status_of(child)
    assert [status[name] for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")] == [NO_CAPABILITIES] * 4
    assert status["NoNewPrivs"] == "1"
    if not sandbox.in_user_namespace():  # of an ordinary user, where there is one user, and groups can't be left
        assert (status["Uid"].split(), status["Gid"].split()) == ([str(USERS[0])] * 4, [str(USERS[0])] * 4)
        assert status["Groups"] == ""
    limits = Path(f"/proc/{child}/limits").read_text().splitlines()
    assert [line.split()[3:5] for line in limits if line.startswith("Max file size")] == [["0", "0"]]
    assert status["CapBnd"] == NO_CAPABILITIES
    assert Path(f"/proc/{child}/oom_score_adj").read_text() == "1000\n"
    assert os.getsid(child) == child
    assert {os.readlink(f"/proc/{child}/fd/{number}") for number in range(3)} == {"/dev/null"}
    theirs, own = (
        {os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd") if int(fd) > 2}
        for pid in (service.pid, child)
    )
    # The pipe, its own netlink socket, the connections that it waits for: nothing of the service's. Debian testing's
    # libffi (3.8), which ctypes loads, maps code from its own library and keeps that open.
    assert not [name for name in own if not name.startswith(("socket:", "pipe:")) and "/libffi.so" not in name]
    assert len(own & theirs) <= 1  # the pipe's two ends have one name


def test_the_process_that_asks_ends_with_the_service(lab: Lab, start: Start) -> None:
    service, child = hanging(lab, start, settings={"deadline_seconds": 60})
    os.kill(service.pid, signal.SIGKILL)
    service.ended()
    deadline = subprocess.run(["timeout", "5", "sh", "-c", f"while [ -d /proc/{child} ]; do sleep 0.02; done"])
    assert deadline.returncode == 0


def test_the_process_that_asks_ends_when_the_service_stops(lab: Lab, start: Start) -> None:
    service, child = hanging(lab, start, settings={"deadline_seconds": 60})
    assert service.stop() == 0
    assert not Path(f"/proc/{child}").exists()


def test_the_process_that_asks_may_be_killed(lab: Lab, start: Start) -> None:
    service, child = hanging(lab, start, settings={"deadline_seconds": 60, "refresh_seconds": 0.2})
    os.kill(child, signal.SIGKILL)
    service.wait_said("no metadata: the child process that asks the metadata service ended without an answer")
    service.wait(lambda: service.children() not in ([], [child]), what="another child")


@pytest.mark.parametrize("mode, words", [
    ("not-json", "not JSON"), ("list", "not a JSON object"), ("large", "more than 5 MiB"), ("500", "HTTP 500"),
    ("truncated", "answer ends after"), ("redirect", "redirect to"), ("reset", ""),
])  # fmt: skip
def test_an_answer_that_is_no_document_changes_nothing(lab: Lab, start: Start, mode: str, words: str) -> None:
    documented(lab)
    assert lab.run("sync", "--metadata", str(document("documented"))).returncode == 0
    lab.metadata_server(document("documented"), "--behave", mode)
    service = start(settings=FAST)
    hurried(service)
    reason = service.wait(lambda: service.record.get("failure"), what="a failure")
    assert words in reason
    assert table(lab) == DOCUMENTED
    assert service.said("no metadata: ") == 1


def capabilities_of_the_unit() -> str:
    """Its CapabilityBoundingSet=, for setpriv."""
    lines = (ROOT / "packaging/systemd/guest-routes.service").read_text().splitlines()
    (value,) = [line.partition("=")[2] for line in lines if line.startswith("CapabilityBoundingSet=")]
    return ",".join("+" + name[len("CAP_") :].lower() for name in value.split())


@pytest.fixture
def unit() -> Iterator[FetchUnit]:
    """guest-routes-fetch.socket."""
    if sandbox.in_user_namespace():
        pytest.skip("another user takes root")
    made = FetchUnit()
    yield made
    made.close()


def confined_to(capabilities: str) -> List[str]:
    return ["setpriv", f"--bounding-set=-all,{capabilities}", "--inh-caps=-all"]


def test_with_the_units_capabilities_only(lab: Lab, start: Start, unit: FetchUnit) -> None:
    """Another unit asks, as a user of its own; the service has none of what that would take."""
    documented(lab)
    assert capabilities_of_the_unit() == "+net_admin"
    lab.metadata_server(document("documented"))
    service = start(before=confined_to(capabilities_of_the_unit()), settings=FAST)
    service.wait(lambda: table(lab) == DOCUMENTED)
    assert len(unit.started) == 1
    lab.ip("route", "delete", "11.11.0.0/16")
    service.wait(lambda: table(lab) == DOCUMENTED)


def test_the_unit_is_confined_and_ends_with_the_one_who_waits(lab: Lab, start: Start, unit: FetchUnit) -> None:
    documented(lab)
    assert lab.run("sync", "--metadata", str(document("documented"))).returncode == 0
    lab.metadata_server(document("documented"), "--behave", "hang")
    service = start(before=confined_to("+net_admin"), settings={"deadline_seconds": 60})
    hurried(service)

    def confined() -> List[subprocess.Popen[bytes]]:
        return [one for one in unit.started if service.status_of(one.pid).get("Seccomp") == "2"]

    (process,) = service.wait(confined, what="a confined process of the unit")
    status = service.status_of(process.pid)
    assert status["Uid"].split() == [str(USER)] * 4
    assert (status["CapPrm"], status["CapEff"], status["NoNewPrivs"]) == (NO_CAPABILITIES, NO_CAPABILITIES, "1")
    assert Path(f"/proc/{process.pid}/oom_score_adj").read_text() == "1000\n"
    service.stop()
    assert process.wait(timeout=5) == -signal.SIGIO


@pytest.mark.parametrize("answer, reason", [
    ("cat >/dev/null; cat /dev/zero", "ended without an answer"),
    ("cat >/dev/null; yes | tr -d '\\n' | head -c 90000", "its first line is too long"),
    ("cat >/dev/null; echo '{\"reason\": 5}'", "sent an invalid answer"),
    ("exit 1", "cannot reach guest-routes-fetch.socket|ended without an answer"),
])  # fmt: skip
def test_the_service_survives_whatever_the_unit_sends(lab: Lab, start: Start, answer: str, reason: str) -> None:
    documented(lab)
    unit = FetchUnit(("sh", "-c", answer))
    try:
        service = start(before=confined_to("+net_admin"), settings=FAST)
        service.wait(lambda: re.search(reason, service.log), what=reason)
        assert int(service.status_of(service.pid)["VmHWM"].split()[0]) < 40_000
    finally:
        unit.close()


def test_a_socket_where_nobody_listens_is_the_reason(lab: Lab, start: Start) -> None:
    documented(lab)
    unit = FetchUnit()
    unit.close()
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(PATH))
    service = start(before=confined_to("+net_admin"), settings=FAST)
    service.wait_said("the process that asks the metadata service: Connection refused")
    PATH.unlink()


def test_where_it_cannot_be_confined_nobody_is_asked(lab: Lab, start: Start, tmp_path: Path) -> None:
    """Root without CAP_SETUID would stay root."""
    documented(lab)
    log = tmp_path / "requests"
    lab.metadata_server(document("documented"), "--log", str(log))
    before = ["setpriv", "--bounding-set=-all,+net_admin", "--inh-caps=-all"]
    service = start(before=before, settings=FAST)
    service.wait_said("can't be confined, so it asks nobody: prctl(24): Operation not permitted")
    assert not log.exists()


def test_root_of_a_user_namespace_gives_up_what_it_can() -> None:
    program = "from guest_routes.service.child.privileges import confine; out = os.dup(1); confine()"
    program = f"import os; {program}; os.write(out, open('/proc/self/status', 'rb').read())"
    ran = subprocess.run(["unshare", "-Ur", sys.executable, "-c", program], text=True, capture_output=True)
    assert ran.returncode == 0, ran.stderr
    status = dict(line.split(":\t", 1) for line in ran.stdout.splitlines() if ":\t" in line)
    assert (status["CapEff"], status["CapPrm"], status["NoNewPrivs"]) == (NO_CAPABILITIES, NO_CAPABILITIES, "1")


# ---- settings ---------------------------------------------------------------------------------------


def test_a_reload_goes_by_other_settings(lab: Lab, start: Start) -> None:
    service = settled(lab, start)
    more = "198.51.100.0/24 via 11.8.0.1 dev eth1 proto 121"
    service.reload(routes=["198.51.100.0/24,11.8.0.1"])
    service.wait(lambda: more in table(lab))
    service.reload(routes=["198.51.100.0/24,11.8.0.1"], default_mode="sometimes", metricc=5)
    service.wait_said("the settings stay as they were: ")
    assert "default_mode" in service.log and "metricc" in service.log
    lab.ip("route", "delete", "198.51.100.0/24")
    service.wait(lambda: more in table(lab))
    service.reload(routes=["198.51.100.0/24,11.8.0.1"], default_mode="sometimes", metricc=5)
    service.wait_said("the settings stay as they were: ", times=2)  # whoever asks again is told again
    service.reload(default_mode="enforce")
    service.wait(lambda: table(lab) == DOCUMENTED)


def test_a_reload_fetches_at_once(lab: Lab, start: Start) -> None:
    service = settled(lab, start)
    refreshed = service.record["refreshed"]
    service.reload()
    service.wait(lambda: service.record["refreshed"] > refreshed)


LONG = (
    ({"uuid": "x" * 20_000}, "meta_data.json: its uuid has more than 64 characters, so it is no instance's"),
    ({"uuid": "x" * 1_000_000}, "meta_data.json: its uuid has more than 64 characters, so it is no instance's"),
    ({"meta": {"guest_routes": "11.13.0.0/16,11.8.0.1" + " " * 20_000}},
     "has more than 16,384 characters, so none of its host routes is used"),
    ({"meta": {"guest_routes": ["[" * 20_000]}},
     "has more than 16,384 characters, so none of its host routes is used"),
)  # fmt: skip


@pytest.mark.parametrize("meta_data, words", LONG)
def test_what_is_too_long_beside_a_document_costs_itself_only(
    lab: Lab, start: Start, tmp_path: Path, meta_data: Dict[str, Any], words: str
) -> None:
    """By the service and by hand alike (R12)."""
    documented(lab)
    written = write_document(tmp_path / "meta_data.json", meta_data)
    lab.metadata_server(document("documented"), "--meta-data", str(written))
    by_hand = run(lab, "sync --deadline-seconds 3")
    assert table(lab) == DOCUMENTED
    assert words in " ".join((by_hand.out + by_hand.err).split())
    assert run(lab, "withdraw").code == 0
    for folder in ("/run/guest-routes", "/var/lib/guest-routes"):
        shutil.rmtree(folder)
    service = start(settings=FAST)
    service.wait(lambda: table(lab) == DOCUMENTED)
    service.wait(lambda: words in " ".join(service.log.split()), what="the same words")
    assert len(lab.run("status", "--json").stdout) < 10_000


def test_a_link_that_flaps_is_no_reason_to_ask(lab: Lab, start: Start, tmp_path: Path) -> None:
    documented(lab)
    log = tmp_path / "requests"
    lab.metadata_server(document("documented"), "--log", str(log), *ONLY_ETH0)
    service = start()
    # Not only HOST_ROUTE: a link that goes down before the pass is verified fails the pass, and a fetch follows.
    service.wait(lambda: service.record.get("refreshed"), what="the first document")
    asked = fetches(log)
    for _ in range(3):
        lab.ip("link", "set", "eth1", "down")
        service.wait(lambda: HOST_ROUTE not in table(lab) and "is down" in service.log, what="eth1 down")
        lab.ip("link", "set", "eth1", "up")
        service.wait(lambda: HOST_ROUTE in table(lab), what="eth1's route again")
    time.sleep(1.5)  # as long as a fetch would take
    assert fetches(log) == asked


def test_a_reload_to_another_engine(lab: Lab, start: Start) -> None:
    service = settled(lab, start, settings={"engine": "rtnetlink"})
    service.reload(engine="pyroute2")
    service.wait_said("the settings were reloaded")
    lab.ip("route", "delete", "11.11.0.0/16")
    service.wait(lambda: table(lab) == DOCUMENTED)


def test_a_reload_to_an_engine_that_is_not_there(lab: Lab, start: Start, tmp_path: Path) -> None:
    (tmp_path / "pyroute2.py").write_text("raise ImportError('No module named pyroute2')")
    service = settled(lab, start, environment={"PYTHONPATH": str(tmp_path)}, settings={})
    service.reload(engine="pyroute2")
    service.wait_said("the settings stay as they were: cannot use the engine pyroute2")
    lab.ip("route", "delete", "11.11.0.0/16")
    service.wait(lambda: table(lab) == DOCUMENTED)


def test_disabled_and_enabled_again(lab: Lab, start: Start) -> None:
    service = settled(lab, start)
    service.reload(enabled=False)
    service.wait(lambda: service.record["doing"].startswith("disabled by the settings"))
    lab.ip("route", "delete", "11.11.0.0/16")
    service.reload(enabled=True)
    service.wait(lambda: table(lab) == DOCUMENTED)


def test_other_sources_than_http(lab: Lab, start: Start, tmp_path: Path) -> None:
    path = write_document(tmp_path / "network_data.json", one_nic())
    documented(lab)
    service = start("--metadata", str(path), settings={"refresh_seconds": 0.3})
    service.wait(lambda: service.record.get("refreshed"))
    assert HOST_ROUTE not in table(lab)
    replace_document(path, document("documented").read_bytes())
    service.wait(lambda: HOST_ROUTE in table(lab))
    replace_document(path, b"{")
    service.wait_said("no metadata: ")
    lab.ip("route", "delete", "11.11.0.0/16")
    service.wait(lambda: HOST_ROUTE in table(lab))


def test_the_order_of_the_sources_counts(lab: Lab, start: Start, tmp_path: Path) -> None:
    """As in a pass by hand: what goes before HTTP and has a document is used, and nobody is asked."""
    log = tmp_path / "requests"
    log.touch()
    documented(lab)
    assert run(lab, f"sync --metadata {document('documented')}").code == 0
    lab.metadata_server(write_document(tmp_path / "network_data.json", one_nic()), "--log", str(log))
    sources = ["settings", "last-known-good", "http"]
    service = start(settings={"refresh_seconds": 0.3, "sources": sources})
    service.wait(lambda: service.record.get("refreshed"))
    lab.ip("route", "delete", "11.11.0.0/16")
    service.wait(lambda: HOST_ROUTE in table(lab))
    assert (fetches(log), table(lab)) == (0, DOCUMENTED)


# ---- 3 partial documents (R6) ------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", ["empty", "partial", "shrinking"])
def test_nothing_is_withdrawn_until_three_fetches_agree(lab: Lab, start: Start, tmp_path: Path, case: str) -> None:
    full, log = many_routes(12), tmp_path / "requests"
    later: Dict[str, Any] = {"empty": {}, "partial": one_nic(), "shrinking": many_routes(2)}[case]
    path = write_document(tmp_path / "network_data.json", full)
    server = ("--log", str(log), *ONLY_ETH0)
    service = settled(lab, start, document=path, server=server, settings={**FAST, "refresh_seconds": 0.5})
    before = table(lab)
    assert len(before) == len(DOCUMENTED) + 12
    service.wait(lambda: not service.children())
    service.signal(signal.SIGSTOP)
    replace_document(path, json.dumps(later).encode())
    since = fetches(log)
    service.signal(signal.SIGCONT)
    service.wait(lambda: service.record["partial_reason"])
    assert table(lab) == before
    lab.ip("route", "delete", "11.11.0.0/16")
    service.wait(lambda: table(lab) == before)  # by the last known good one, and not as one more fetch
    service.wait(lambda: table(lab) != before)
    assert fetches(log) >= since + 3
    left = len(DOCUMENTED) + 2 if case == "shrinking" else len(DOCUMENTED) - 1
    service.wait(lambda: len(table(lab)) == left)
    assert service.said("the document may be partial: ") == 1
    service.wait(lambda: not service.record["partial_reason"])


def test_alternating_documents_change_nothing(lab: Lab, start: Start, tmp_path: Path, watch: Watch) -> None:
    log, partial = tmp_path / "requests", write_document(tmp_path / "partial.json", one_nic())
    server = ("--log", str(log), *ONLY_ETH0, "--behave", f"alternate={partial}")
    service = settled(lab, start, server=server, settings={**FAST, "refresh_seconds": 0.1})
    watch.changes()
    service.wait(lambda: fetches(log) >= 8)
    assert watch.changes() == []
    assert table(lab) == DOCUMENTED


def test_a_cache_of_another_instance_is_not_used(lab: Lab, start: Start) -> None:
    before = documented(lab)
    assert lab.run("sync", "--metadata", str(document("documented"))).returncode == 0
    assert lab.run("withdraw").returncode == 0
    shutil.rmtree("/run/guest-routes")
    header, _, data = KEPT.read_bytes().partition(b"\n")
    elsewhere = {**json.loads(header), "boot": "another", "macs": ["fa:16:3e:00:00:01", "fa:16:3e:99:99:99"]}
    KEPT.write_bytes(json.dumps(elsewhere).encode() + b"\n" + data)
    service = start(settings={**FAST, "deadline_seconds": 0.2})
    service.wait(lambda: service.record.get("failures", 0) >= 1)
    assert sorted(table(lab)) == sorted(before)
    lab.metadata_server(document("documented"))
    service.wait(lambda: HOST_ROUTE in table(lab))
    assert RECORD.exists() and CONNECTED[0] in table(lab)


def test_a_machine_too_busy_to_start_the_fetch_in_time_gets_its_metadata(
    lab: Lab, start: Start, tmp_path: Path
) -> None:
    """As in an emulated machine, where the fetch needs longer to start than its whole deadline."""
    documented(lab)
    lab.metadata_server(document("documented"))
    slow = "import time\nimport guest_routes.service.child.fetch as fetch\nask = fetch._ask\n"
    slow += "fetch._ask = lambda *given: time.sleep(5) or ask(*given)\n"
    (tmp_path / "sitecustomize.py").write_text(slow)
    path = f"{tmp_path}:{os.environ.get('PYTHONPATH', ROOT)}"
    service = start(settings={**FAST, "deadline_seconds": 1}, environment={"PYTHONPATH": path})
    service.wait_said("missed its deadline")
    service.wait(lambda: HOST_ROUTE in table(lab), seconds=40)


def test_messages_of_other_processes_neither_end_nor_mislead_the_service(lab: Lab, start: Start) -> None:
    """F9: as it was before, the second ended it."""
    service = settled(lab, start)
    ports = [line.split()[2] for line in Path(f"/proc/{service.pid}/net/netlink").read_text().splitlines()[1:]]
    route = rtmsg(2, attribute(1, bytes([11, 11, 0, 0])) + number(4, 1), dst_len=16)
    bad = rtmsg(2, attribute(1, bytes(3)), dst_len=200)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as sender:
        for port in ports:
            for body in (route, bad, b"x"):
                if port != "0":
                    with suppress(ConnectionRefusedError):  # The engine's socket.
                        sender.sendto(message(25, body), (int(port), 0))
    service.wait_said("a process sends messages to this service's netlink socket as if it were the kernel; ignored")
    assert service.said("malformed") == 0
    lab.ip("route", "delete", "11.11.0.0/16")
    service.wait(lambda: table(lab) == DOCUMENTED)
    service.wait(lambda: service.record["foreign_messages"] == 3)
    assert "netlink 3 of other processes ignored, 0 malformed" in run(lab, "status").out
    lab.run("status", "--textfile", str(service.directory / "metrics"))
    assert "guest_routes_netlink_foreign_total 3\n" in (service.directory / "metrics").read_text()
