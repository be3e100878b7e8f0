"""Repairs: whose change a pass reverted, what is remembered for the next, and conflicts from beginning to end."""

from __future__ import annotations

import os

import pytest

from guest_routes.kernel.monitor import Event, RuleEvent
from guest_routes.model.network import Prefix, Route, Rule, parse_address, parse_prefix
from guest_routes.model.report import Report
from guest_routes.model.source_routing import AddRule, SetRoute, SourceRoutingOutcome
from guest_routes.service.conflicts import CONFLICT_CHANGES, RESOLVED_SECONDS
from guest_routes.service.repairs import CHANGES_KEPT, Repairs
from guest_routes.state.processes import actor_at
from tests.support.journal import Bench

HOST, OTHER = parse_prefix("11.11.0.0/16"), parse_prefix("198.51.100.0/24")
NAME = actor_at(os.getpid()).program
"""Of this process, which plays the one that deletes routes."""


ETH1 = 3


def deletion(destination: Prefix = HOST, metric: int = 0) -> Event:
    """This process has deleted that destination's route."""
    return Event(destination, ETH1, os.getpid(), True, 121, parse_address("11.8.0.1"), metric)


RULE = Rule(4, 32765, 12103, False, 121, parse_prefix("11.8.0.9/32"))
TABLE = Route(parse_prefix("11.8.0.0/24"), None, ETH1, table=12103)
RULE_GONE = RuleEvent(RULE, os.getpid(), True)
ROUTE_GONE = Event(TABLE.destination, ETH1, os.getpid(), True, 121, table=12103)


@pytest.fixture
def by_source(report: Report) -> Report:
    """A pass that has put a rule and a route of a NIC's table back."""
    return report._replace(source_outcome=SourceRoutingOutcome((AddRule(RULE), SetRoute(TABLE))))


def repair(repairs: Repairs, report: Report, now: float, fetched: bool = False) -> None:
    """Somebody deletes HOST, and a pass adds it."""
    repairs.remember([deletion()])
    repairs.account(report.outcome.done, report.after.nics, repairs.take_changes(), fetched, now)


def test_a_repair_names_the_program(bench: Bench, report: Report) -> None:
    repair(Repairs(bench.journal), report, 0.0)
    (host,) = (text for _, text in bench.logged() if "11.11.0.0/16" in text)
    assert f": deleted by {NAME} (pid {os.getpid()}" in host
    whys = {one["route"].split()[0]: one["why"] for one in bench.record["recent"]}
    assert whys["11.11.0.0/16"].startswith(f"deleted by {NAME}")
    assert not whys["default"].startswith("deleted by")  # its own reason: nobody changed it


def test_a_pass_on_a_fetched_document_repairs_nothing(bench: Bench, report: Report) -> None:
    repairs = Repairs(bench.journal)
    for _ in range(CONFLICT_CHANGES):
        repair(repairs, report, 0.0, fetched=True)
    assert not [text for _, text in bench.logged() if "deleted by" in text or "conflict" in text]
    assert (bench.record["repairs"], repairs.wait_until([deletion()], 0.0)) == (0, 0)


def test_a_change_is_attributed_once(bench: Bench, report: Report) -> None:
    repairs = Repairs(bench.journal)
    repair(repairs, report, 0.0)
    bench.logged()
    repairs.account(report.outcome.done, report.after.nics, repairs.take_changes(), False, 1.0)
    assert not [text for _, text in bench.logged() if "deleted by" in text]


def test_a_change_during_a_pass_is_for_that_pass_or_the_next(bench: Bench, report: Report) -> None:
    """The pass has reverted what it added; another destination's change it may not have seen."""
    repairs = Repairs(bench.journal)
    before = repairs.take_changes()
    repairs.remember([deletion(), deletion(OTHER)])
    repairs.account(report.outcome.done, report.after.nics, before, False, 0.0)
    assert [text for _, text in bench.logged() if "deleted by" in text]
    assert [one.destination for one in repairs.take_changes()] == [OTHER]


def test_what_is_done_again_during_the_pass_that_repairs_it_is_the_next_pass_s(
    bench: Bench, report: Report, by_source: Report
) -> None:
    repairs = Repairs(bench.journal)
    repairs.remember([deletion()], [RULE_GONE])
    before = repairs.take_changes()
    repairs.remember([deletion()], [RULE_GONE])
    for _ in range(2):
        repairs.account(report.outcome.done, report.after.nics, before, False, 0.0)
        repairs.account_source(by_source, False, 0.0)
        assert len([text for _, text in bench.logged() if "deleted by" in text]) == 2
        before = repairs.take_changes()
    repairs.account(report.outcome.done, report.after.nics, before, False, 0.0)
    repairs.account_source(by_source, False, 0.0)
    assert not [text for _, text in bench.logged() if "deleted by" in text]


def test_each_route_to_a_destination_has_its_own_change(bench: Bench, report: Report) -> None:
    """The newest change of a route counts, and another route's deletion is no reason to add ours."""
    repairs = Repairs(bench.journal)
    elsewhere = deletion()._replace(gateway=parse_address("10.65.0.1"), ifindex=ETH1 - 1)
    repairs.remember([elsewhere])
    repairs.account(report.outcome.done, report.after.nics, repairs.take_changes(), False, 0.0)
    assert not [text for _, text in bench.logged() if "deleted by" in text]
    assert bench.record["conflicts"] == []
    repairs.remember([deletion(), deletion()._replace(deleted=False), elsewhere])
    repairs.account(report.outcome.done, report.after.nics, repairs.take_changes(), False, 1.0)
    assert not [text for _, text in bench.logged() if "deleted by" in text]


def test_a_storm_is_remembered_in_part(bench: Bench) -> None:
    repairs = Repairs(bench.journal)
    many = [Prefix(number.to_bytes(4, "big"), 32) for number in range(CHANGES_KEPT + 5)]
    repairs.remember([deletion(one) for one in many])
    assert [one.destination for one in repairs.take_changes()] == many[:CHANGES_KEPT]


def test_a_conflict_from_its_beginning_to_its_end(bench: Bench, report: Report) -> None:
    repairs = Repairs(bench.journal)
    for _ in range(CONFLICT_CHANGES - 1):
        repair(repairs, report, 10.0)
    assert repairs.wait_until([deletion()], 10.0) == 0
    assert not [text for level, text in bench.logged() if level == "warning"]
    repair(repairs, report, 10.0)
    ((_, text),) = ((level, text) for level, text in bench.logged() if level == "warning")
    assert text.startswith(f"conflict: {NAME} (pid {os.getpid()}") and "changed the route to 11.11.0.0/16" in text
    assert repairs.wait_until([deletion()], 10.0) == 11.0
    assert repairs.wait_until([deletion(), deletion(OTHER)], 10.0) == 0  # the other one doesn't wait
    assert (repairs.waiting(10.0), repairs.waiting(11.0)) == ({HOST}, set())
    assert [one["destination"] for one in bench.record["conflicts"]] == ["11.11.0.0/16"]
    repairs.end_conflicts(10.0 + RESOLVED_SECONDS - 1)
    assert bench.logged() == []
    repairs.end_conflicts(10.0 + RESOLVED_SECONDS)
    repairs.end_conflicts(10.0 + RESOLVED_SECONDS)
    assert bench.logged() == [("info", "conflict over: nobody has changed the route to 11.11.0.0/16 for 120 s")]
    assert (bench.state.read_service()["conflicts"], repairs.wait_until([deletion()], 10.0)) == ([], 0)


def test_repairs_now_and_then_end_in_silence(bench: Bench, report: Report) -> None:
    repairs = Repairs(bench.journal)
    repair(repairs, report, 0.0)
    bench.logged()
    repairs.end_conflicts(RESOLVED_SECONDS)
    assert bench.logged() == []


# ---- source routing's rules and tables ----------------------------------------------------------------


def test_a_repair_of_a_rule_or_a_nic_s_table_names_the_program(bench: Bench, by_source: Report) -> None:
    repairs = Repairs(bench.journal)
    repairs.remember([], [RULE_GONE, ROUTE_GONE])
    repairs.take_changes()
    repairs.account_source(by_source, False, 0.0)
    lines = [text for _, text in bench.logged()]
    assert [f": deleted by {NAME} (pid {os.getpid()}" in text for text in lines] == [True, True]
    whys = [
        (one["route"].split(" lookup")[0], one["what"], one["why"].split(" (")[0]) for one in bench.record["recent"]
    ]
    assert whys[0] == ("rule from 11.8.0.9", "added", f"deleted by {NAME}")
    repairs.take_changes()
    repairs.account_source(by_source, False, 0.0)  # It is attributed once.
    assert not [text for _, text in bench.logged() if "deleted by" in text]


def test_a_pass_on_a_fetched_document_repairs_no_rule(bench: Bench, by_source: Report) -> None:
    repairs = Repairs(bench.journal)
    repairs.remember([], [RULE_GONE])
    repairs.take_changes()
    repairs.account_source(by_source, True, 0.0)
    assert (bench.record["repairs"], [text for _, text in bench.logged() if "deleted by" in text]) == (0, [])


def test_a_rule_that_changes_during_a_pass_is_for_that_pass_or_the_next(bench: Bench, by_source: Report) -> None:
    repairs = Repairs(bench.journal)
    repairs.take_changes()
    repairs.remember([], [RULE_GONE, ROUTE_GONE])
    rule, route = (by_source._replace(source_outcome=SourceRoutingOutcome((AddRule(RULE),))),
                   by_source._replace(source_outcome=SourceRoutingOutcome((SetRoute(TABLE),))))  # fmt: skip
    repairs.account_source(rule, False, 0.0)
    assert len([text for _, text in bench.logged() if "deleted by" in text]) == 1
    repairs.take_changes()
    repairs.account_source(rule, False, 0.0)
    assert not [text for _, text in bench.logged() if "deleted by" in text]
    repairs.account_source(route, False, 0.0)
    assert len([text for _, text in bench.logged() if "deleted by" in text]) == 1


def test_a_rule_in_conflict_waits_and_is_shown(bench: Bench, by_source: Report) -> None:
    repairs = Repairs(bench.journal)
    for _ in range(CONFLICT_CHANGES):
        repairs.remember([], [RULE_GONE])
        repairs.account_source(by_source, False, 0.0)
    assert repairs.wait_until([], 0.0, [RULE_GONE]) > 0.0
    assert repairs.wait_until([], 0.0, [RULE_GONE, ROUTE_GONE]) == 0.0  # That one is in no conflict.
    (one,) = bench.record["conflicts"]
    assert one["destination"] == "the rule from 11.8.0.9 lookup 12103 priority 32765"
    assert "conflict: " in "".join(text for _, text in bench.logged())
    repairs.end_conflicts(RESOLVED_SECONDS)
    assert bench.record["conflicts"] == []
    (_, line) = bench.logged()[-1]
    assert line.startswith("conflict over: nobody has changed the rule from 11.8.0.9 lookup 12103 priority 32765 for")
