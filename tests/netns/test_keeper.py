"""The service's hold on the kernel: sockets that are lost and time that passes: what no test outside can do."""

from __future__ import annotations

import os
import select
import time
from pathlib import Path
from typing import Any, Iterator, List, Tuple

import pytest

from guest_routes.doubt import AGREEING_FETCHES
from guest_routes.fetched import Document
from guest_routes.fights import FIGHT_TIMES
from guest_routes.journal import Journal
from guest_routes.keeper import Keeper
from guest_routes.notify import Notifier
from guest_routes.policy import Settings
from guest_routes.report import Report
from guest_routes.state import State
from guest_routes.sync import program
from tests.support.lab import MACS, Lab, document, write_document
from tests.support.passes import DOCUMENTED, HOST_ROUTE, documented, table
from tests.support.service import one_nic

Said = List[Tuple[str, str]]


@pytest.fixture
def said() -> Said:
    """What the log was told: level and text."""
    return []


@pytest.fixture
def keeper(lab: Lab, said: Said) -> Iterator[Keeper]:
    """One that has made the documented table."""
    documented(lab)
    state = State()
    journal = Journal(state, lambda level, text: said.append((level, text)), Notifier({}))
    made = Keeper(Settings(), state, str(document("documented")), journal)
    report = made.look()
    assert report is not None and table(lab) == DOCUMENTED
    said.clear()
    yield made
    made.close()


def hears(keeper: Keeper) -> bool:
    """Whether the kernel's notifications come; they have come already when they do."""
    poll = select.poll()
    poll.register(keeper.fileno(), select.POLLIN)
    return bool(poll.poll(0))


def lose(descriptor: int) -> None:
    """Makes a descriptor one that is no socket any more."""
    null = os.open("/dev/null", os.O_RDONLY)
    os.dup2(null, descriptor)
    os.close(null)


def test_a_look_counts_no_fetch(lab: Lab, keeper: Keeper, said: Said, tmp_path: Path) -> None:
    """R6: a document is believed after so many fetches, however often something made us look."""
    state = State()
    Path(state.lib_dir, "last-known-good").unlink()
    kept = Document(document("documented").read_bytes(), "http", "http://169.254.169.254")
    state.keep(kept, [bytes.fromhex(mac.replace(":", "")) for mac in MACS[:2]], time.time())
    partial = write_document(tmp_path / "partial.json", one_nic())
    journal = Journal(state, lambda level, text: None, Notifier({}))
    another = Keeper(Settings(), state, str(partial), journal)
    for _ in range(AGREEING_FETCHES + 1):
        report = another.look()
        assert report is not None and report.set_aside
    assert table(lab) == DOCUMENTED
    another.close()


def test_whose_deed_it_was_is_known_though_the_look_came_first(lab: Lab, keeper: Keeper, said: Said) -> None:
    keeper.hear()
    lab.ip("route", "append", "default", "via", "11.8.0.1", "dev", "eth1", "proto", "static")
    assert keeper.look() is not None and table(lab) == DOCUMENTED
    ((level, text),) = said
    assert (level, text.startswith("removed default via 11.8.0.1 dev eth1 proto static: added by ")) == ("info", True)
    assert keeper.looks.due is not None  # There might be more that the pass hadn't seen.


def test_whose_deed_it_was_is_known_though_it_came_during_a_look(
    lab: Lab, keeper: Keeper, said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    def a_slow_one(*arguments: Any, **options: Any) -> Report:
        monkeypatch.undo()
        report = program(*arguments, **options)
        lab.ip("route", "append", "default", "via", "11.8.0.1", "dev", "eth1", "proto", "static")
        return report

    lab.ip("route", "delete", "11.11.0.0/16")
    keeper.hear()
    monkeypatch.setattr("guest_routes.keeper.program", a_slow_one)
    assert keeper.look() is not None and keeper.looks.due is not None
    assert keeper.look() is not None and table(lab) == DOCUMENTED
    assert [text.partition(" by ")[0] for _, text in said] == [
        "added 11.11.0.0/16 via 11.8.0.1 dev eth1 proto guest-routes: deleted",
        "removed default via 11.8.0.1 dev eth1 proto static: added",
    ]


def test_a_lost_event_socket_means_a_look_and_a_new_one(lab: Lab, keeper: Keeper, said: Said) -> None:
    lose(keeper.fileno())
    lab.ip("route", "delete", "11.11.0.0/16")  # nobody hears it
    assert keeper.looks.due is None
    keeper.hear()
    assert [text for _, text in said] == [
        "the kernel's notifications ended: Socket operation on non-socket; listening anew"
    ]
    assert keeper.looks.due is not None
    assert keeper.look() is not None and table(lab) == DOCUMENTED
    keeper.hear()
    assert keeper.looks.due is None  # our own changes are no news
    lab.ip("route", "delete", "11.11.0.0/16")
    assert hears(keeper)
    keeper.hear()
    assert keeper.looks.due is not None


def test_a_lost_engine_is_opened_again(lab: Lab, keeper: Keeper, said: Said) -> None:
    keeper.kernel.close()
    lab.ip("route", "delete", "11.11.0.0/16")
    assert keeper.look() is None
    assert [(level, text.endswith("; the service goes on trying")) for level, text in said] == [("error", True)]
    assert keeper.looks.failures == 1
    assert keeper.look() is not None and HOST_ROUTE in table(lab)
    assert ("info", "what was said to fail works again") in said
    assert keeper.looks.failures == 0
    keeper.hear()
    assert keeper.looks.due is None


def test_a_failure_is_not_tried_again_at_once(keeper: Keeper) -> None:
    for failures in range(1, 4):
        keeper.kernel.close()
        assert keeper.look() is None
        assert keeper.looks.failures == failures
    assert keeper.looks.due is not None and keeper.looks.due - keeper.looks.rest_until > 3


def test_peace_is_said_and_ends_the_fight(
    lab: Lab, keeper: Keeper, said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(FIGHT_TIMES):
        lab.ip("route", "delete", "11.11.0.0/16")
        keeper.hear()
        assert keeper.look() is not None
    assert [text.split(":")[0] for level, text in said if level == "warning"] == ["a fight"]
    lab.ip("route", "delete", "11.11.0.0/16")
    keeper.hear()
    assert keeper.looks.due is not None and keeper.looks.due > time.monotonic()
    keeper.make_peace()
    assert not [text for _, text in said if text.startswith("a fight is over: ")]
    monkeypatch.setattr("guest_routes.fights.PEACE_SECONDS", 0.0)  # instead of two minutes
    keeper.make_peace()
    assert State().read_service()["fights"] == []
    over = [text for _, text in said if text.startswith("a fight is over: ")]
    assert over == ["a fight is over: for 120 s nobody has changed the route to 11.11.0.0/16"]
    assert keeper.look() is not None and table(lab) == DOCUMENTED
    keeper.make_peace()
    assert len([text for _, text in said if text.startswith("a fight is over: ")]) == 1


def test_descriptors_do_not_pile_up(keeper: Keeper) -> None:
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        keeper.reopen()
    assert len(os.listdir("/proc/self/fd")) == before
