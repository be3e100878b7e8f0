"""What is put back without waiting for a pass, what is left to the pass, and what is then said of it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, List

import pytest

from guest_routes.kernel.monitor import Event
from guest_routes.model.network import Prefix, parse_address, parse_prefix
from guest_routes.model.operations import Add
from guest_routes.model.report import Report
from guest_routes.service.restoration import KEPT, Restoration, to_restore, with_restored
from tests.support.iproute_text import parse_kernel
from tests.support.journal import KERNEL, Bench
from tests.support.model_kernel import ModelKernel

HOST, DEFAULT = parse_prefix("11.11.0.0/16"), parse_prefix("0.0.0.0/0")
PORT = 4711
DELETED = Event(HOST, 3, PORT, True, 121, parse_address("11.8.0.1"))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@pytest.fixture
def report(bench: Bench) -> Report:
    """A pass that has added HOST and the default route."""
    return bench.report()


def restored(events: List[Event], report: Report, already: List[Prefix]) -> List[str]:
    planned = {one.route.destination: one for one in report.plan.routes}
    return [str(one.route.destination) for one in to_restore(events, planned, already, 121)]


def test_a_deletion_is_undone(report: Report) -> None:
    assert restored([DELETED], report, []) == ["11.11.0.0/16"]


@pytest.mark.parametrize("changed", [
    {"deleted": False},
    {"port": 0},  # The kernel itself: a link or an address went.
    {"protocol": 4},
    {"gateway": parse_address("11.8.0.2")},
    {"ifindex": 2},
    {"metric": 7},
    {"destination": DEFAULT},
    {"destination": parse_prefix("11.12.0.0/16")},
])  # fmt: skip
def test_everything_else_is_left_to_the_pass(report: Report, changed: Any) -> None:
    assert restored([DELETED._replace(**changed)], report, []) == []


def test_a_destination_to_which_more_has_happened_is_left_to_the_pass(report: Report) -> None:
    added = Event(HOST, 2, PORT, False, 4, parse_address("10.65.0.1"))
    assert restored([DELETED, added], report, []) == []
    assert restored([added, DELETED], report, []) == []
    assert restored([DELETED, DELETED], report, []) == []
    assert restored([DELETED], report, [HOST]) == []


def test_the_pass_that_follows_tells_of_it(report: Report) -> None:
    found = next(one for one in report.plan.routes if one.route.destination == HOST)
    quiet = report._replace(
        decision=report.decision._replace(
            plan=report.plan._replace(additions=(), removals=(), routes=(found._replace(verdict="kept"),))
        ),
        outcome=report.outcome._replace(done=()),
    )
    told = with_restored(quiet, [Add(found.route, found.resolved)])
    assert [one.route.destination for one in told.outcome.done] == [HOST]
    assert told.changes == 1
    assert [one.verdict for one in told.plan.routes] == ["add"]


def kernel() -> ModelKernel:
    return ModelKernel(parse_kernel(KERNEL).state)


def routes_to(destination: Prefix, where: ModelKernel) -> int:
    return sum(route.destination == destination for route in where.snapshot(254).routes)


def test_only_what_a_pass_programmed_is_put_back(bench: Bench, report: Report) -> None:
    one, where = Restoration(bench.state), kernel()
    one.restore([DELETED], where, 121)
    assert routes_to(HOST, where) == 0
    one.passed(report)
    one.restore([DELETED], where, 121)
    assert routes_to(HOST, where) == 1
    assert one.passed(report).outcome.done[0].route.destination == HOST


def test_nothing_is_put_back_behind_another_process_or_a_withdrawal(bench: Bench, report: Report) -> None:
    one, where = Restoration(bench.state), kernel()
    one.passed(report)
    with bench.state.lock():
        one.restore([DELETED], where, 121)  # A pass is being made.
    bench.state.set_withdrawn()
    one.restore([DELETED], where, 121)
    bench.state.clear_withdrawn()
    Path(bench.state.run_dir, "lock").write_text(f'{{"pid": {os.getppid()}}}')
    one.restore([DELETED], where, 121)
    assert routes_to(HOST, where) == 0


def test_of_very_many_routes_none_is_remembered(bench: Bench, report: Report) -> None:
    one, where = Restoration(bench.state), kernel()
    plan = report.plan._replace(routes=report.plan.routes * (KEPT + 1))
    one.passed(report._replace(decision=report.decision._replace(plan=plan)))
    one.restore([DELETED], where, 121)
    assert routes_to(HOST, where) == 0


def test_after_forgetting_a_pass_comes_first(bench: Bench, report: Report) -> None:
    one, where = Restoration(bench.state), kernel()
    one.passed(report)
    one.forget()
    one.restore([DELETED], where, 121)
    assert routes_to(HOST, where) == 0
