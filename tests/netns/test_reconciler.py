"""The reconciler on the real kernel: lost sockets and times, which no test of the whole process can cause."""

from __future__ import annotations

import gc
import os
import select
import subprocess
import time
import traceback
from pathlib import Path
from typing import Any, Dict, Iterator, List, Tuple

import pytest

from guest_routes import sync
from guest_routes.model.document import Document, Provenance
from guest_routes.model.report import Report
from guest_routes.model.settings import Settings
from guest_routes.routing.partial import AGREEING_FETCHES
from guest_routes.service.conflicts import CONFLICT_CHANGES
from guest_routes.service.journal import Journal
from guest_routes.service.reconciler import Reconciler
from guest_routes.service.sd_notify import Notifier
from guest_routes.state.store import State
from guest_routes.sync import program
from tests.support.lab import MACS, Lab, document, write_document
from tests.support.passes import DOCUMENTED, HOST_ROUTE, documented, table
from tests.support.service import one_nic

Log = List[Tuple[str, str]]


@pytest.fixture
def logged() -> Log:
    """What was logged: level and text."""
    return []


@pytest.fixture
def reconciler(lab: Lab, logged: Log) -> Iterator[Reconciler]:
    """One that has programmed the documented table."""
    documented(lab)
    state = State()
    journal = Journal(state, lambda level, text, fields: logged.append((level, text)), Notifier({}))
    made = Reconciler(Settings(), state, str(document("documented")), journal)
    report = made.reconcile()
    assert report is not None and table(lab) == DOCUMENTED
    logged.clear()
    yield made
    made.close()


def notified(reconciler: Reconciler) -> bool:
    """Whether the kernel's notifications come; they have come already when they do."""
    poll = select.poll()
    poll.register(reconciler.fileno(), select.POLLIN)
    return bool(poll.poll(0))


def pending(reconciler: Reconciler) -> bool:
    """Whether another look is due."""
    return reconciler.schedule.due is not None


def settle(reconciler: Reconciler) -> None:
    """Until the kernel has told all that came with the NICs' making."""
    until = time.monotonic() + 0.3
    while time.monotonic() < until:
        if notified(reconciler):
            reconciler.read_events()
            until = time.monotonic() + 0.3
        time.sleep(0.01)


def lose(descriptor: int) -> None:
    """Makes a descriptor one that is no socket any more."""
    null = os.open("/dev/null", os.O_RDONLY)
    os.dup2(null, descriptor)
    os.close(null)


def test_the_garbage_collector_holds_up_no_pass(reconciler: Reconciler) -> None:
    """Among many routes it would take a third of one. It finds cycles between passes."""
    within: List[bool] = []

    def note(phase: str, info: Dict[str, int]) -> None:
        within.append(any(frame.filename == sync.__file__ for frame in traceback.extract_stack()))

    thresholds = gc.get_threshold()
    gc.callbacks.append(note)
    gc.set_threshold(1)
    try:
        report = reconciler.reconcile()
    finally:
        gc.set_threshold(*thresholds)
        gc.callbacks.remove(note)
    assert report is not None and gc.isenabled()
    assert within and not any(within)


def test_nothing_of_a_pass_stays_when_it_is_over(reconciler: Reconciler) -> None:
    """What is in a cycle does, and of many routes there are many megabytes: the collector comes when it likes."""
    gc.collect()
    gc.disable()
    try:
        assert reconciler.reconcile() is not None
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_a_pass_counts_as_no_fetch(lab: Lab, reconciler: Reconciler, logged: Log, tmp_path: Path) -> None:
    """R6: a document is believed after so many fetches, however often something causes a pass."""
    state = State()
    Path(state.lib_dir, "last-known-good").unlink()
    kept = Document(document("documented").read_bytes(), Provenance("http", "http://169.254.169.254"))
    state.keep(kept, [bytes.fromhex(mac.replace(":", "")) for mac in MACS[:2]], time.time())
    partial = write_document(tmp_path / "partial.json", one_nic())
    journal = Journal(state, lambda level, text, fields: None, Notifier({}))
    another = Reconciler(Settings(), state, str(partial), journal)
    for _ in range(AGREEING_FETCHES + 1):
        report = another.reconcile()
        assert report is not None and report.set_aside
    assert table(lab) == DOCUMENTED
    another.close()


def test_the_actor_is_known_though_the_pass_came_first(lab: Lab, reconciler: Reconciler, logged: Log) -> None:
    reconciler.read_events()
    lab.ip("route", "append", "default", "via", "11.8.0.1", "dev", "eth1", "proto", "static")
    assert reconciler.reconcile() is not None and table(lab) == DOCUMENTED
    ((level, text),) = logged
    assert (level, text.startswith("removed default via 11.8.0.1 dev eth1 proto static: added by ")) == ("info", True)
    assert reconciler.schedule.due is not None  # There might be more that the pass hadn't seen.


def test_the_actor_is_known_though_the_same_document_is_fetched(lab: Lab, reconciler: Reconciler, logged: Log) -> None:
    """A refresh comes at any time, between somebody's change and the look at it too."""
    again = Document(document("documented").read_bytes(), Provenance("argument"))
    lab.ip("route", "delete", "11.11.0.0/16")
    assert reconciler.program(again, fetched=True) is not None and table(lab) == DOCUMENTED
    ((_, text),) = logged
    assert text.startswith("added 11.11.0.0/16 via 11.8.0.1 dev eth1 proto guest-routes: deleted by ")


def test_the_actor_is_known_though_the_change_came_during_a_pass(
    lab: Lab, reconciler: Reconciler, logged: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    def a_slow_one(*arguments: Any, **options: Any) -> Report:
        monkeypatch.undo()
        report = program(*arguments, **options)
        lab.ip("route", "append", "default", "via", "11.8.0.1", "dev", "eth1", "proto", "static")
        return report

    lab.ip("route", "delete", "11.11.0.0/16")
    reconciler.read_events()
    monkeypatch.setattr("guest_routes.service.reconciler.program", a_slow_one)
    assert reconciler.reconcile() is not None and reconciler.schedule.due is not None
    assert reconciler.reconcile() is not None and table(lab) == DOCUMENTED
    assert [text.partition(" by ")[0] for _, text in logged] == [
        "added 11.11.0.0/16 via 11.8.0.1 dev eth1 proto guest-routes: deleted",
        "removed default via 11.8.0.1 dev eth1 proto static: added",
    ]


def test_another_programs_route_to_the_same_destination_is_no_reason(
    lab: Lab, reconciler: Reconciler, logged: Log
) -> None:
    """Ours went with eth1; what was added and deleted meanwhile is another route."""
    there = ("11.11.0.0/16", "via", "10.65.0.1", "dev", "eth0", "metric", "500")
    lab.ip("link", "set", "eth1", "down")
    lab.ip("route", "add", *there)
    lab.ip("route", "delete", *there)
    reconciler.read_events()
    lab.ip("link", "set", "eth1", "up")
    while "LOWER_UP" not in lab.ip("link", "show", "eth1"):
        time.sleep(0.01)
    reconciler.read_events()
    assert reconciler.reconcile() is not None and table(lab) == DOCUMENTED
    (line,) = (text for _, text in logged if text.startswith("added 11.11.0.0/16"))
    assert line.partition(": ")[2].startswith("networks[1].routes["), line


def test_a_replaced_route_and_its_reason(lab: Lab, reconciler: Reconciler, logged: Log) -> None:
    lab.ip("route", "replace", "11.11.0.0/16", "via", "10.65.0.1", "dev", "eth0")
    reconciler.read_events()
    assert reconciler.reconcile() is not None
    (line,) = (text for _, text in logged if text.startswith("added 11.11.0.0/16"))
    assert ": replaced by " in line and "; networks[1].routes[" in line and "11.8.0.1 is eth1's gateway" in line


def test_a_lost_monitor_socket_means_a_pass_and_a_new_socket(lab: Lab, reconciler: Reconciler, logged: Log) -> None:
    lose(reconciler.fileno())
    lab.ip("route", "delete", "11.11.0.0/16")  # nobody is notified
    assert not pending(reconciler)
    reconciler.read_events()
    assert [text for _, text in logged] == [
        "the kernel's notifications ended: Socket operation on non-socket; opened a new socket"
    ]
    assert reconciler.schedule.due is not None
    assert reconciler.reconcile() is not None and table(lab) == DOCUMENTED
    reconciler.read_events()
    assert not pending(reconciler)  # our own changes are not read
    lab.ip("route", "delete", "11.11.0.0/16")
    assert notified(reconciler)
    reconciler.read_events()
    assert reconciler.schedule.due is not None


def test_a_lost_engine_is_opened_again(lab: Lab, reconciler: Reconciler, logged: Log) -> None:
    reconciler.kernel.close()
    lab.ip("route", "delete", "11.11.0.0/16")
    assert reconciler.reconcile() is None
    assert [(level, text.partition("; retried ")[2]) for level, text in logged] == [
        ("error", "in 1 s, then after longer pauses, up to 10 s")
    ]
    assert reconciler.schedule.failures == 1
    assert reconciler.reconcile() is not None and HOST_ROUTE in table(lab)
    assert ("info", "passes succeed again") in logged
    assert reconciler.schedule.failures == 0
    reconciler.read_events()
    assert reconciler.schedule.due is None


def test_a_failure_is_not_tried_again_at_once(reconciler: Reconciler) -> None:
    for failures in range(1, 4):
        reconciler.kernel.close()
        assert reconciler.reconcile() is None
        assert reconciler.schedule.failures == failures
    assert reconciler.schedule.due is not None and reconciler.schedule.due - reconciler.schedule.limited_until > 3


def test_the_end_of_a_conflict_is_logged_once(
    lab: Lab, reconciler: Reconciler, logged: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(CONFLICT_CHANGES):
        lab.ip("route", "delete", "11.11.0.0/16")
        reconciler.read_events()
        assert reconciler.reconcile() is not None
    assert [text.split(":")[0] for level, text in logged if level == "warning"] == ["conflict"]
    lab.ip("route", "delete", "11.11.0.0/16")
    reconciler.read_events()
    assert reconciler.schedule.due is not None and reconciler.schedule.due > time.monotonic()
    reconciler.end_conflicts()
    assert not [text for _, text in logged if text.startswith("conflict over: ")]
    monkeypatch.setattr("guest_routes.service.conflicts.RESOLVED_SECONDS", 0.0)  # instead of two minutes
    reconciler.end_conflicts()
    assert State().read_service()["conflicts"] == []
    over = [text for _, text in logged if text.startswith("conflict over: ")]
    assert over == ["conflict over: nobody has changed the route to 11.11.0.0/16 for 120 s"]
    assert reconciler.reconcile() is not None and table(lab) == DOCUMENTED
    reconciler.end_conflicts()
    assert len([text for _, text in logged if text.startswith("conflict over: ")]) == 1


def test_descriptors_do_not_pile_up(reconciler: Reconciler) -> None:
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        reconciler.reopen()
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_deleted_route_is_back_without_a_pass(lab: Lab, reconciler: Reconciler, logged: Log) -> None:
    settle(reconciler)
    lab.ip("route", "delete", "11.11.0.0/16")
    reconciler.respond()
    assert table(lab) == DOCUMENTED
    ((level, text),) = logged
    assert level == "info"
    assert text.startswith("added 11.11.0.0/16 via 11.8.0.1 dev eth1 proto guest-routes: deleted by ")
    assert not pending(reconciler)  # Nothing is left to do; a pass would find nothing more to do or say.
    report = reconciler.reconcile()
    assert report is not None and report.changes == 0 and len(logged) == 1


def test_a_route_that_is_deleted_again_and_again_waits_in_conflict(
    lab: Lab, reconciler: Reconciler, logged: Log
) -> None:
    settle(reconciler)
    for _ in range(CONFLICT_CHANGES):
        lab.ip("route", "delete", "11.11.0.0/16")
        reconciler.respond()
    assert [text for _, text in logged if text.startswith("conflict: ")]
    lab.ip("route", "delete", "11.11.0.0/16")
    reconciler.respond()
    assert HOST_ROUTE not in table(lab)


MANY = 6000
"""So many notifications are more than the queue holds."""


def overrun(lab: Lab, *deeds: str) -> None:
    """Another program's routes come and go, and in their midst it does these."""
    others = [f"198.18.{n >> 8}.{n & 255} dev eth0 proto 99" for n in range(MANY)]
    lines = [f"route add {one}" for one in others]
    lines[MANY - 100 : MANY - 100] = deeds
    lines += [f"route del {one}" for one in others]
    subprocess.run(["ip", "-batch", "-"], input="\n".join(lines), text=True, check=True)


def test_a_deletion_whose_notification_is_lost_is_undone_before_a_pass(
    lab: Lab, reconciler: Reconciler, logged: Log
) -> None:
    """Our routes alone are asked for; the pass, which looks at everything, comes as well."""
    settle(reconciler)
    overrun(lab, f"route del {HOST_ROUTE}")
    assert table(lab) != DOCUMENTED
    reconciler.respond()
    assert table(lab) == DOCUMENTED and pending(reconciler)
    assert [text.split(" ")[:2] for _, text in logged] == [["added", "11.11.0.0/16"]]


def test_where_somebody_has_put_another_route_the_pass_decides(lab: Lab, reconciler: Reconciler, logged: Log) -> None:
    """Which of the two was meant to be there, nobody has told."""
    settle(reconciler)
    overrun(lab, f"route del {HOST_ROUTE}", "route add 11.11.0.0/16 dev eth0 proto 99")
    before = table(lab)
    reconciler.respond()
    assert (table(lab), logged, pending(reconciler)) == (before, [], True)
