"""The service's hold on the kernel: sockets that are lost and time that passes: what no test outside can do."""

from __future__ import annotations

import os
import select
import time
from pathlib import Path
from typing import Any, Iterator, List, Tuple

import pytest

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

ConfiguredRoute = List[Tuple[str, str]]


@pytest.fixture
def said() -> ConfiguredRoute:
    """What the log was told: level and text."""
    return []


@pytest.fixture
def reconciler(lab: Lab, said: ConfiguredRoute) -> Iterator[Reconciler]:
    """One that has made the documented table."""
    documented(lab)
    state = State()
    journal = Journal(state, lambda level, text: said.append((level, text)), Notifier({}))
    made = Reconciler(Settings(), state, str(document("documented")), journal)
    report = made.reconcile()
    assert report is not None and table(lab) == DOCUMENTED
    said.clear()
    yield made
    made.close()


def hears(reconciler: Reconciler) -> bool:
    """Whether the kernel's notifications come; they have come already when they do."""
    poll = select.poll()
    poll.register(reconciler.fileno(), select.POLLIN)
    return bool(poll.poll(0))


def pending(reconciler: Reconciler) -> bool:
    """Whether another look is due."""
    return reconciler.schedule.due is not None


def lose(descriptor: int) -> None:
    """Makes a descriptor one that is no socket any more."""
    null = os.open("/dev/null", os.O_RDONLY)
    os.dup2(null, descriptor)
    os.close(null)


def test_a_look_counts_no_fetch(lab: Lab, reconciler: Reconciler, said: ConfiguredRoute, tmp_path: Path) -> None:
    """R6: a document is believed after so many fetches, however often something made us look."""
    state = State()
    Path(state.lib_dir, "last-known-good").unlink()
    kept = Document(document("documented").read_bytes(), Provenance("http", "http://169.254.169.254"))
    state.keep(kept, [bytes.fromhex(mac.replace(":", "")) for mac in MACS[:2]], time.time())
    partial = write_document(tmp_path / "partial.json", one_nic())
    journal = Journal(state, lambda level, text: None, Notifier({}))
    another = Reconciler(Settings(), state, str(partial), journal)
    for _ in range(AGREEING_FETCHES + 1):
        report = another.reconcile()
        assert report is not None and report.set_aside
    assert table(lab) == DOCUMENTED
    another.close()


def test_whose_deed_it_was_is_known_though_the_look_came_first(
    lab: Lab, reconciler: Reconciler, said: ConfiguredRoute
) -> None:
    reconciler.read_events()
    lab.ip("route", "append", "default", "via", "11.8.0.1", "dev", "eth1", "proto", "static")
    assert reconciler.reconcile() is not None and table(lab) == DOCUMENTED
    ((level, text),) = said
    assert (level, text.startswith("removed default via 11.8.0.1 dev eth1 proto static: added by ")) == ("info", True)
    assert reconciler.schedule.due is not None  # There might be more that the pass hadn't seen.


def test_whose_deed_it_was_is_known_though_it_came_during_a_look(
    lab: Lab, reconciler: Reconciler, said: ConfiguredRoute, monkeypatch: pytest.MonkeyPatch
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
    assert [text.partition(" by ")[0] for _, text in said] == [
        "added 11.11.0.0/16 via 11.8.0.1 dev eth1 proto guest-routes: deleted",
        "removed default via 11.8.0.1 dev eth1 proto static: added",
    ]


def test_a_lost_event_socket_means_a_look_and_a_new_one(
    lab: Lab, reconciler: Reconciler, said: ConfiguredRoute
) -> None:
    lose(reconciler.fileno())
    lab.ip("route", "delete", "11.11.0.0/16")  # nobody hears it
    assert not pending(reconciler)
    reconciler.read_events()
    assert [text for _, text in said] == [
        "the kernel's notifications ended: Socket operation on non-socket; listening anew"
    ]
    assert reconciler.schedule.due is not None
    assert reconciler.reconcile() is not None and table(lab) == DOCUMENTED
    reconciler.read_events()
    assert not pending(reconciler)  # our own changes are no news
    lab.ip("route", "delete", "11.11.0.0/16")
    assert hears(reconciler)
    reconciler.read_events()
    assert reconciler.schedule.due is not None


def test_a_lost_engine_is_opened_again(lab: Lab, reconciler: Reconciler, said: ConfiguredRoute) -> None:
    reconciler.kernel.close()
    lab.ip("route", "delete", "11.11.0.0/16")
    assert reconciler.reconcile() is None
    assert [(level, text.endswith("; the service goes on trying")) for level, text in said] == [("error", True)]
    assert reconciler.schedule.failures == 1
    assert reconciler.reconcile() is not None and HOST_ROUTE in table(lab)
    assert ("info", "what was said to fail works again") in said
    assert reconciler.schedule.failures == 0
    reconciler.read_events()
    assert reconciler.schedule.due is None


def test_a_failure_is_not_tried_again_at_once(reconciler: Reconciler) -> None:
    for failures in range(1, 4):
        reconciler.kernel.close()
        assert reconciler.reconcile() is None
        assert reconciler.schedule.failures == failures
    assert reconciler.schedule.due is not None and reconciler.schedule.due - reconciler.schedule.limited_until > 3


def test_peace_is_said_and_ends_the_fight(
    lab: Lab, reconciler: Reconciler, said: ConfiguredRoute, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(CONFLICT_CHANGES):
        lab.ip("route", "delete", "11.11.0.0/16")
        reconciler.read_events()
        assert reconciler.reconcile() is not None
    assert [text.split(":")[0] for level, text in said if level == "warning"] == ["a fight"]
    lab.ip("route", "delete", "11.11.0.0/16")
    reconciler.read_events()
    assert reconciler.schedule.due is not None and reconciler.schedule.due > time.monotonic()
    reconciler.end_conflicts()
    assert not [text for _, text in said if text.startswith("a fight is over: ")]
    monkeypatch.setattr("guest_routes.service.conflicts.RESOLVED_SECONDS", 0.0)  # instead of two minutes
    reconciler.end_conflicts()
    assert State().read_service()["conflicts"] == []
    over = [text for _, text in said if text.startswith("a fight is over: ")]
    assert over == ["a fight is over: for 120 s nobody has changed the route to 11.11.0.0/16"]
    assert reconciler.reconcile() is not None and table(lab) == DOCUMENTED
    reconciler.end_conflicts()
    assert len([text for _, text in said if text.startswith("a fight is over: ")]) == 1


def test_descriptors_do_not_pile_up(reconciler: Reconciler) -> None:
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        reconciler.reopen()
    assert len(os.listdir("/proc/self/fd")) == before
