"""Faults that aren't the settings' fault never end the service: it says so, and recovers within seconds (issue 14)."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

import pytest

from tests.support.faults import Faults, free_memory, limit_descriptors, limit_memory
from tests.support.lab import Lab, document
from tests.support.passes import DOCUMENTED, HOST_ROUTE, documented, table
from tests.support.service import FAST, SETTINGS, Start, settled, write_settings

ROOT = Path(__file__).parents[2]


@pytest.fixture
def faults(tmp_path: Path) -> Faults:
    return Faults(tmp_path)


@pytest.mark.parametrize("kind", ["fork", "kill"])
def test_no_process_to_read_the_settings_at_the_start(lab: Lab, start: Start, faults: Faults, kind: str) -> None:
    documented(lab)
    lab.metadata_server(document("documented"))
    faults.set(kind, 2)
    service = start(settings=FAST, environment=faults.environment)
    service.wait(lambda: table(lab) == DOCUMENTED, seconds=15)
    assert service.said("the settings can't be read: ") == 1
    assert faults.left == 0
    assert service.stop() == 0


def test_a_stop_while_the_settings_can_not_be_read(lab: Lab, start: Start, faults: Faults) -> None:
    documented(lab)
    faults.set("fork", 1000)
    service = start(settings=FAST, environment=faults.environment)
    service.wait_said("the settings can't be read")
    assert service.stop() == 0


@pytest.mark.parametrize("kind", ["fork", "kill"])
def test_no_process_for_a_reload(lab: Lab, start: Start, faults: Faults, kind: str) -> None:
    service = settled(lab, start, settings={**FAST, "refresh_seconds": 3600}, environment=faults.environment)
    faults.set(kind, 2)
    service.reload(**FAST, metric=7)
    service.wait_said("the settings can't be read")
    service.wait(lambda: f"{HOST_ROUTE} metric 7" in table(lab), seconds=15, what="the new metric")
    service.wait_said("the settings were reloaded")


@pytest.mark.parametrize("kind", ["fork", "kill"])
def test_no_process_to_ask_the_metadata_service(lab: Lab, start: Start, faults: Faults, kind: str) -> None:
    settings = {**FAST, "refresh_seconds": 300}
    service = settled(lab, start, settings=settings, environment=faults.environment)
    faults.set(kind, 3)  # of a reload: the settings first, then two fetches
    service.reload()
    service.wait_said("no metadata: ")
    service.wait_said("the metadata is available again", seconds=30)
    assert faults.left == 0
    assert table(lab) == DOCUMENTED


def test_no_descriptor(lab: Lab, start: Start) -> None:
    service = settled(lab, start, settings=FAST)
    before = limit_descriptors(service.pid, 4)
    lab.ip("route", "delete", "11.11.0.0/16")
    service.wait(lambda: re.search("Too many open files", service.log), what="a word about it")
    limit_descriptors(service.pid, before)
    service.wait(lambda: table(lab) == DOCUMENTED, seconds=12)
    service.wait(lambda: service.record["last_error"] == "", what="an end of the error")
    assert service.stop() == 0


@pytest.mark.parametrize("more_bytes", [0, 256 << 10, 2 << 20])
def test_no_memory(lab: Lab, start: Start, more_bytes: int) -> None:
    service = settled(lab, start, settings=FAST)
    before = limit_memory(service.pid, more_bytes)
    lines = "".join(f"route add 172.20.{n >> 8}.{n & 255}/32 via 11.8.0.1 dev eth1 proto 77\n" for n in range(30000))
    Path("/run/tests/batch").write_text(lines)
    lab.ip("-batch", "/run/tests/batch")
    lab.ip("route", "delete", "11.11.0.0/16")
    service.wait(lambda: "memory" in service.log or table(lab)[-1] == HOST_ROUTE, what="a word about it, or a repair")
    free_memory(service.pid, before)
    service.wait(lambda: HOST_ROUTE in table(lab), seconds=15)
    assert "bug of guest-routes" not in service.log
    assert service.stop() == 0


def test_a_helper_that_is_killed(lab: Lab, start: Start) -> None:
    documented(lab)
    lab.metadata_server(document("documented"), "--behave", "hang")
    service = start(settings={**FAST, "deadline_seconds": 60})
    service.wait(lambda: service.record.get("pid"))
    (child,) = service.wait(service.children)
    os.kill(child, signal.SIGKILL)
    service.wait_said("the child process that asks the metadata service ended without an answer")
    service.wait(lambda: service.children() not in ([], [child]), seconds=12, what="another one")
    assert service.stop() == 0


def test_a_cut_log_and_standard_output(lab: Lab, start: Start) -> None:
    before = ["bash", "-c", 'exec "$@" 2> >(exec true) >&-', "bash"]
    service = settled(lab, start, settings=FAST, before=before)
    for _ in range(3):
        lab.ip("route", "delete", "11.11.0.0/16")
        service.wait(lambda: table(lab) == DOCUMENTED)
    assert service.stop() == 0


def test_settings_that_are_wrong_and_then_corrected(lab: Lab, start: Start) -> None:
    """2 is the one exit code that nobody starts again; a reload never ends so."""
    service = settled(lab, start, settings=FAST)
    SETTINGS.write_text("metric: much\n")
    service.signal(signal.SIGHUP)
    service.wait_said("the settings stay as they were")
    lab.ip("route", "delete", "11.11.0.0/16")
    service.wait(lambda: table(lab) == DOCUMENTED)
    write_settings(**FAST)
    service.reload()
    service.wait_said("the settings were reloaded")


def test_the_units_never_give_up() -> None:
    unit = (ROOT / "packaging/systemd/guest-routes.service").read_text()
    for line in ("Restart=on-failure", "RestartPreventExitStatus=2", "StartLimitIntervalSec=0"):
        assert f"\n{line}\n" in unit
    assert "\nrespawn_max=0\n" in (ROOT / "packaging/openrc/guest-routes").read_text()
