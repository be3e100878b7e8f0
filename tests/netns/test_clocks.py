"""Clocks that are set, at boot and while the service runs, and time namespaces: nothing expires, revives or stalls."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import tarfile
import time
from pathlib import Path
from typing import Any, Dict, Iterator

import pytest

from tests.support import faulty_calls
from tests.support.faulty_calls import FaultyCalls
from tests.support.lab import Lab, document
from tests.support.passes import DOCUMENTED, documented, run, table, valid_json
from tests.support.service import FAST, Service, Start, settled

HOUR, YEAR = 3600.0, 365.25 * 86400
STEPS = (-8 * HOUR, 8 * HOUR, -50 * YEAR, 200 * YEAR)
"""A hardware clock in local time; none at all; one that has been told nonsense."""
FILE = f"--metadata {document('documented')}"
compiled = pytest.mark.skipif(not faulty_calls.can_be_made(), reason="there is no C compiler")
SHIFTED = ["unshare", "--time", "--fork", "--kill-child", "--boottime", "1000000", "--monotonic", "2000000"]


@pytest.fixture
def calls(tmp_path: Path) -> Iterator[FaultyCalls]:
    yield FaultyCalls(tmp_path)


@pytest.fixture
def shifted() -> Iterator[None]:
    """Where a time namespace can be made."""
    if subprocess.run([*SHIFTED, "true"], capture_output=True).returncode:
        pytest.skip("no time namespace can be made here")
    yield


def status(lab: Lab, calls: FaultyCalls) -> Dict[str, Any]:
    """`status --json`, by the clock that has been set."""
    found: Dict[str, Any] = valid_json("status", lab.run("status", "--json", environment=calls.environment))
    return found


def fetches_again(service: Service) -> bool:
    """Whether two fetches more succeed within ten seconds."""
    until, refreshed = time.monotonic() + 10, {service.record["refreshed"]}
    while len(refreshed) < 3 and time.monotonic() < until:
        refreshed.add(service.record["refreshed"])
        time.sleep(0.05)
    return len(refreshed) == 3


# ---- the wall clock -----------------------------------------------------------------------------------------


@compiled
def test_the_clock_is_set_while_the_service_runs(lab: Lab, start: Start, calls: FaultyCalls) -> None:
    service = settled(lab, start, settings=FAST, environment=calls.environment)
    for step in STEPS:
        lab.ip("route", "delete", "11.11.0.0/16")
        service.wait(lambda: table(lab) == DOCUMENTED)
        calls.set_clock(step)
        assert fetches_again(service), step
        lab.ip("route", "delete", "11.11.0.0/16")
        service.wait(lambda: table(lab) == DOCUMENTED, seconds=5)
        found = service.wait(lambda: status(lab, calls))
        assert 0 <= found["age_seconds"] < 30, step
        now = time.time() + step
        record = found["service"]
        assert record["runs"]
        assert all(abs(record[name] - now) < 60 for name in ("started", "refreshed", "next_refresh")), (step, record)
        assert all(abs(one["when"] - now) < 60 for one in record["recent"]), (step, record["recent"])
        assert run(lab, "status", environment=calls.environment).code == 0
    assert service.stop() == 0


@compiled
def test_an_outage_is_as_long_as_it_is(lab: Lab, start: Start, calls: FaultyCalls) -> None:
    """The clock is set a year ahead meanwhile; the log and `status` say seconds."""
    documented(lab)
    server = lab.metadata_server(document("documented"))
    service = start(settings=FAST, environment=calls.environment)
    service.wait(lambda: service.record.get("refreshed"))
    lab.stop(server)
    service.wait_said("no metadata: ")
    calls.set_clock(YEAR)
    service.wait(lambda: service.record["failures"] > 1)
    shown = run(lab, "status", environment=calls.environment).out
    assert re.search(r"no metadata since (just now|\d+ s ago)", shown), shown
    lab.metadata_server(document("documented"))
    service.wait_said("the metadata is available again")
    (line,) = [line for line in service.log.splitlines() if "is available again" in line]
    assert not re.search(r"\d (h|d|day|days|year|years|weeks?)\b", line), line


@compiled
@pytest.mark.parametrize("step", STEPS)
def test_passes_before_and_after_the_clock_was_set(lab: Lab, calls: FaultyCalls, step: float) -> None:
    """What was kept and recorded before counts, whatever its time says."""
    before = documented(lab)
    calls.set_clock(step)
    assert run(lab, f"sync {FILE}", environment=calls.environment).code == 0
    calls.set_clock(0)
    ran = run(lab, "sync --sources last-known-good", environment=calls.environment)
    assert (ran.code, table(lab)) == (0, DOCUMENTED), ran
    found = status(lab, calls)
    assert found["exit_code"] == 0
    assert 0 <= found["age_seconds"] < 30
    assert run(lab, "withdraw", environment=calls.environment).code == 0
    assert table(lab) == before


@compiled
def test_the_status_of_a_pass_before_the_clock_was_set(lab: Lab, calls: FaultyCalls) -> None:
    documented(lab)
    assert run(lab, f"sync {FILE}").code == 0
    for step in STEPS:
        calls.set_clock(step)
        ran = run(lab, "status", environment=calls.environment)
        assert ran.code == 0
        assert re.search(r"last pass (just now|\d+ s ago)", ran.out), (step, ran.out)
        assert 0 <= status(lab, calls)["age_seconds"] < 60


@compiled
@pytest.mark.parametrize("step", STEPS)
def test_a_report_at_any_time(lab: Lab, calls: FaultyCalls, step: float) -> None:
    documented(lab)
    Path("/etc/guest-routes.yaml").write_text("deadline_seconds: 0.2\n")  # There is nobody to wait for.
    calls.set_clock(step)
    assert run(lab, f"sync {FILE}", environment=calls.environment).code == 0
    ran = run(lab, "report --output /run/tests/r.tar.gz", environment=calls.environment)
    assert ran.code == 0, ran
    with tarfile.open("/run/tests/r.tar.gz") as tar:
        assert "guest-routes-report/missing.txt" in tar.getnames()


@compiled
def test_a_fetch_ends_although_the_clock_is_set_back(lab: Lab, calls: FaultyCalls) -> None:
    """As Python before 3.11 waits, and musl: by the wall clock."""
    documented(lab)
    lab.metadata_server(document("documented"), "--behave", "hang")
    Path("/etc/guest-routes.yaml").write_text("deadline_seconds: 3\n")
    command = [sys.executable, "-m", "guest_routes", "sync", "--sources", "http"]
    began = time.monotonic()
    with subprocess.Popen(command, env=calls.environment, stderr=subprocess.PIPE, text=True) as child:
        time.sleep(1.5)
        calls.set_clock(-8 * HOUR)
        try:
            _, err = child.communicate(timeout=15)
        finally:
            child.kill()
    assert child.returncode == 4, err
    assert "no answer within 3 s" in " ".join(err.split())
    assert time.monotonic() - began < 12


# ---- leases -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hours", [-8, 8, 24 * 365 * 10])
def test_a_lease_holds_as_long_as_the_kernel_has_its_address(lab: Lab, hours: int) -> None:
    """The file's time is off, as after a step of the clock; the address has its lifetime from the client."""
    lab.documented_nics()
    lab.ip("address", "change", "10.65.0.7/24", "dev", "eth0", "valid_lft", "3600", "preferred_lft", "3600")
    lease = Path(f"/run/systemd/netif/leases/{socket.if_nametoindex('eth0')}")
    lease.parent.mkdir(parents=True, exist_ok=True)
    lease.write_text(
        "ADDRESS=10.65.0.7\nROUTER=10.65.0.1\nLIFETIME=3600\n"
        "CLASSLESS_ROUTES=0.0.0.0/0,10.65.0.1 11.11.0.0/16,11.8.0.1\n"
    )
    written = time.time() - hours * HOUR
    os.utime(lease, (written, written))
    ran = run(lab, f"plan --metadata {document('dhcp')} --verbose")
    assert "systemd-networkd" in ran.out
    assert "expired" not in ran.out
    value = json.loads(lab.run("plan", "--metadata", str(document("dhcp")), "--json").stdout)
    (one,) = value["leases"]
    assert one["obtained"] <= time.time()
    assert one["expires"] is None or one["expires"] > time.time()


# ---- time namespaces ----------------------------------------------------------------------------------------


def in_another(*words: str) -> subprocess.CompletedProcess[str]:
    """A command in a time namespace whose clocks are far ahead."""
    command = [*SHIFTED, sys.executable, "-m", "guest_routes", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_status_in_another_time_namespace(lab: Lab, start: Start, shifted: None) -> None:
    """The kernel shows it other ticks for the start of the service's process."""
    service = settled(lab, start, settings={**FAST, "refresh_seconds": 300})
    ran = in_another("status", "--json")
    found = json.loads(ran.stdout)
    assert (ran.returncode, found["service"]["runs"]) == (0, True), ran
    assert 0 <= found["age_seconds"] < 60
    assert service.stop() == 0


def test_the_service_in_another_time_namespace(lab: Lab, start: Start, shifted: None) -> None:
    service = settled(lab, start, settings=FAST, before=SHIFTED)
    lab.ip("route", "delete", "11.11.0.0/16")
    service.wait(lambda: table(lab) == DOCUMENTED)
    found = valid_json("status", lab.run("status", "--json"))
    assert (found["exit_code"], found["service"]["runs"]) == (0, True)
    assert abs(found["service"]["started"] - time.time()) < 60


def test_a_recorded_lifetime_in_another_time_namespace(lab: Lab, shifted: None) -> None:
    lab.nic("eth0", "fa:16:3e:00:00:01", "10.65.0.7/24", "fd00:65::7/64", gateways=("10.65.0.1/24", "fd00:65::1/64"))
    lab.nic("eth1", "fa:16:3e:00:00:02", "11.8.0.9/24", "fd00:8::9/64", gateways=("11.8.0.1/24", "fd00:8::1/64"))
    lab.ip("-6", "route", "add", "default", "via", "fd00:65::1", "dev", "eth0")
    lab.ip("-6", "route", "append", "default", "via", "fd00:8::1", "dev", "eth1", "metric", "2000", "expires", "600")
    assert run(lab, f"sync --metadata {document('dual-stack')}").code == 0
    assert "expires" not in lab.ip("-6", "route", "show", "default")
    ran = in_another("withdraw")
    assert ran.returncode == 0, ran
    found = re.search(r"via fd00:8::1 dev eth1 .*expires (\d+)sec", lab.ip("-6", "route", "show", "default"))
    assert found, ran.stdout
    assert 540 < int(found[1]) <= 600
