"""Source routing's part of a pass on the model of the kernel: after main, verified, asked, put back where it harms."""

from __future__ import annotations

from pathlib import Path
from typing import Any, List, Optional, Sequence

import pytest

from guest_routes.diagnose.source_answers import source_answers
from guest_routes.evidence.gather import snapshot
from guest_routes.model.network import Address, Lookup, Rule, address_text, parse_prefix
from guest_routes.model.operations import Failure, Operation
from guest_routes.model.report import Report
from guest_routes.model.settings import Settings
from guest_routes.source_routing import apply_source_routing, withdraw_source_routing
from guest_routes.state.store import State
from guest_routes.sync import sync
from guest_routes.withdraw import withdraw
from tests.support.iproute_text import parse_kernel
from tests.support.lab import document
from tests.support.model_kernel import ModelKernel

KERNEL = """
nic eth0 fa:16:3e:00:00:01 10.65.0.7/24
nic eth1 fa:16:3e:00:00:02 11.8.0.9/24
default via 10.65.0.1 dev eth0 proto static
"""
ON, OFF = Settings(source_routing=True), Settings()


class Kernel(ModelKernel):
    """The model, which can refuse what is added to main, and lose what is asked of its tables."""

    def __init__(self, more: str = "") -> None:
        super().__init__(parse_kernel(KERNEL + more).state)
        self.refuses = self.forgets = False

    def apply(self, operations: Sequence[Operation]) -> tuple[Failure, ...]:
        if self.refuses:
            return tuple(Failure(one, 22, "no") for one in operations)
        return super().apply(operations)

    def apply_source(self, operations: Any) -> Any:
        return () if self.forgets else super().apply_source(operations)

    def add(self, rule: Rule) -> None:
        self._add_rule(rule)


@pytest.fixture
def state(tmp_path: Path) -> State:
    return State(str(tmp_path / "run"), str(tmp_path / "lib"), root=str(tmp_path))


def passed(kernel: Kernel, state: State, settings: Settings = ON) -> Report:
    return sync(settings, state, kernel, str(document("documented")))


def rules(kernel: Kernel) -> List[str]:
    return [str(rule.source) for rule in kernel.snapshot(254).rules if rule.protocol == 121]


def test_a_pass_makes_it_and_the_next_one_finds_nothing_to_do(state: State) -> None:
    kernel = Kernel()
    report = passed(kernel, state)
    assert (report.exit_code, report.changes, rules(kernel)) == (0, 7, ["10.65.0.7/32", "11.8.0.9/32"])
    again = passed(kernel, state)
    assert (again.exit_code, again.changes, again.source_outcome) == (0, 0, None)
    off = passed(kernel, state, OFF)
    assert (off.exit_code, rules(kernel), kernel.tables([12102, 12103])) == (0, [], ())
    assert passed(kernel, state, OFF).decision.source_routing is None


def test_where_main_could_not_be_written_it_is_planned_for_main_as_it_is(state: State) -> None:
    kernel = Kernel("11.11.0.0/16 via 10.65.0.1 dev eth0 proto guest-routes\n")
    kernel.refuses = True
    report = passed(kernel, state)
    assert (report.exit_code, rules(kernel)) == (1, ["10.65.0.7/32", "11.8.0.9/32"])
    assert report.source_outcome is not None
    assert report.source_outcome.remaining == ()


def test_what_is_missing_afterwards_fails_the_pass(state: State) -> None:
    kernel = Kernel()
    kernel.forgets = True
    report = passed(kernel, state)
    assert report.source_outcome is not None
    assert (report.exit_code, len(report.source_outcome.remaining)) == (1, 6)


def test_a_pass_that_cuts_the_way_to_the_metadata_puts_the_rules_back(state: State) -> None:
    kernel = Kernel()
    report = passed(kernel, state, OFF)
    found = report.evidence._replace(kernel=snapshot(ON, state, kernel))
    from guest_routes.routing.decide import decide

    planned = Report(found, decide(found, ON), found.kernel)
    cut = apply_source_routing(planned, ON, state, kernel, lambda: False)
    assert cut.source_outcome is not None
    assert (cut.exit_code, cut.source_outcome.rolled_back, rules(kernel)) == (1, True, [])


class Overruling(Kernel):
    """Another program's rule sends everything by eth0."""

    def lookup(self, addresses: Sequence[Address], source: Optional[Address] = None) -> tuple[Lookup, ...]:
        return tuple(Lookup(one, 2, self._by_eth0, 77) for one in addresses)

    _by_eth0 = bytes([10, 65, 0, 1])


def test_another_rule_that_comes_first_is_asked_about_and_named(state: State) -> None:
    kernel = Overruling()
    kernel.add(Rule(4, 100, 77, False, 4, parse_prefix("11.8.0.0/24")))
    report = passed(kernel, state)
    (conflict,) = report.source_conflicts
    assert (report.exit_code, conflict.kind, conflict.nic.name) == (5, "overruled", "eth1")
    assert passed(kernel, state).exit_code == 5  # With nothing to do, too.


def test_withdraw(state: State) -> None:
    kernel = Kernel()
    assert withdraw_source_routing(kernel.snapshot(254), ON, state, kernel) is None
    passed(kernel, state)
    done = withdraw(OFF, state, kernel)
    assert done.source_outcome is not None
    assert (done.exit_code, len(done.source_outcome.done), rules(kernel)) == (0, 6, [])


def test_where_answers_leave(state: State) -> None:
    kernel = Kernel()
    report = passed(kernel, state, OFF)

    def by_nic(settings: Settings) -> dict[int, list[tuple[str, int]]]:
        found = source_answers(report._replace(after=kernel.snapshot(254)), settings, kernel)
        return {nic: [(address_text(one.source), one.answer.ifindex) for one in each] for nic, each in found.items()}

    assert by_nic(OFF) == {2: [("10.65.0.7", 2)], 3: [("11.8.0.9", 2)]}
    passed(kernel, state)
    assert by_nic(ON) == {2: [("10.65.0.7", 2)], 3: [("11.8.0.9", 3)]}


@pytest.mark.parametrize("settings", [OFF, ON])
def test_answers_that_main_sends_into_a_vpn(state: State, settings: Settings) -> None:
    tunnel = "nic wg0 fa:16:3e:00:00:09 10.9.0.2/24\n0.0.0.0/1 dev wg0 scope link\n128.0.0.0/1 dev wg0 scope link\n"
    kernel = Kernel(tunnel)
    report = passed(kernel, state, settings)
    found = source_answers(report._replace(after=kernel.snapshot(254)), settings, kernel)
    thrown = [one.thrown for each in found.values() for one in each]
    assert [route and route.ifindex for route in thrown] == [kernel.nics()[-1].ifindex] * 2
