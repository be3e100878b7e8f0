"""What is put back without waiting for a pass, what is left to the pass, and what is then said of it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, List

import pytest

from guest_routes.kernel.monitor import Event
from guest_routes.model.network import Prefix, parse_address, parse_prefix
from guest_routes.model.operations import Add
from guest_routes.model.report import Report, RolledBack
from guest_routes.model.settings import Settings
from guest_routes.service.repairs import ASK_SECONDS, PLANNED_KEPT, Restoration, to_restore
from tests.support.iproute_text import parse_kernel
from tests.support.journal import KERNEL, Bench
from tests.support.model_kernel import ModelKernel

HOST, DEFAULT = parse_prefix("11.11.0.0/16"), parse_prefix("0.0.0.0/0")
PORT = 4711
DELETED = Event(HOST, 3, PORT, True, 121, parse_address("11.8.0.1"))


def restored(events: List[Event], report: Report) -> List[str]:
    planned = {one.route.destination: one for one in report.plan.routes}
    return [str(one.route.destination) for one in to_restore(events, planned, 121)]


def test_a_deletion_is_undone(report: Report) -> None:
    assert restored([DELETED], report) == ["11.11.0.0/16"]


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
    assert restored([DELETED._replace(**changed)], report) == []


def test_a_destination_to_which_more_has_happened_is_left_to_the_pass(report: Report) -> None:
    added = Event(HOST, 2, PORT, False, 4, parse_address("10.65.0.1"))
    assert restored([DELETED, added], report) == []
    assert restored([added, DELETED], report) == []
    assert restored([DELETED, DELETED], report) == []


def kernel() -> ModelKernel:
    return ModelKernel(parse_kernel(KERNEL).state)


def routes_to(destination: Prefix, where: ModelKernel) -> int:
    return sum(route.destination == destination for route in where.snapshot(254).routes)


def test_only_what_a_pass_programmed_is_put_back(bench: Bench, report: Report) -> None:
    one, where = Restoration(bench.state), kernel()
    assert one.restore([DELETED], where, Settings()) == []
    one.passed(report)
    (done,) = one.restore([DELETED], where, Settings())
    assert done.route.destination == HOST and routes_to(HOST, where) == 1


def test_what_is_missing_is_put_back_though_nothing_tells_of_it(bench: Bench, report: Report) -> None:
    one, where = Restoration(bench.state), kernel()
    assert one.restore_missing(where, Settings(), (), 1.0) == []
    one.passed(report)
    assert one.restore_missing(where, Settings(), {HOST}, 1.0) == []  # In conflict.
    assert one.restore_missing(where, Settings(), (), 1.0 + ASK_SECONDS / 2) == []  # It has just been asked.
    (done,) = one.restore_missing(where, Settings(), (), 1.0 + ASK_SECONDS)
    assert done.route.destination == HOST and routes_to(HOST, where) == 1
    assert one.restore_missing(where, Settings(), (), 2.0) == []


def test_what_is_missing_is_left_to_the_pass_where_somebody_has_a_route(bench: Bench, report: Report) -> None:
    one, where = Restoration(bench.state), kernel()
    one.passed(report)
    other = report.plan.routes[0].route._replace(protocol=99)
    assert where.apply([Add(other)]) == ()
    assert one.restore_missing(where, Settings(), (), 1.0) == []
    assert routes_to(HOST, where) == 1


def test_what_the_kernel_refuses_is_not_done(bench: Bench, report: Report) -> None:
    one, where = Restoration(bench.state), ModelKernel(parse_kernel(KERNEL.replace("11.8.0.9", "11.9.0.9")).state)
    one.passed(report)
    assert one.restore([DELETED], where, Settings()) == []


def test_a_pass_that_programmed_nothing_has_nothing_to_put_back(bench: Bench, report: Report) -> None:
    one, where = Restoration(bench.state), kernel()
    for failed in (report._replace(errors=(RolledBack("metadata-unreachable"),)), report._replace(set_aside=True)):
        one.passed(report)
        one.passed(failed)
        assert one.restore([DELETED], where, Settings()) == []


def test_nothing_is_put_back_behind_another_process_or_a_withdrawal(bench: Bench, report: Report) -> None:
    one, where = Restoration(bench.state), kernel()
    one.passed(report)
    with bench.state.lock():
        one.restore([DELETED], where, Settings())  # A pass is being made.
    bench.state.set_withdrawn()
    one.restore([DELETED], where, Settings())
    bench.state.clear_withdrawn()
    Path(bench.state.run_dir, "lock").write_text(f'{{"pid": {os.getppid()}}}')
    one.restore([DELETED], where, Settings())
    assert routes_to(HOST, where) == 0


def test_of_very_many_routes_none_is_remembered(bench: Bench, report: Report) -> None:
    one, where = Restoration(bench.state), kernel()
    plan = report.plan._replace(routes=report.plan.routes * (PLANNED_KEPT + 1))
    one.passed(report._replace(decision=report.decision._replace(plan=plan)))
    one.restore([DELETED], where, Settings())
    assert routes_to(HOST, where) == 0


def test_after_forgetting_a_pass_comes_first(bench: Bench, report: Report) -> None:
    one, where = Restoration(bench.state), kernel()
    one.passed(report)
    one.forget()
    one.restore([DELETED], where, Settings())
    assert routes_to(HOST, where) == 0
