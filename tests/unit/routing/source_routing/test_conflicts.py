"""What another program or another NIC has already: named, left, and never replaced."""

from __future__ import annotations

import pytest

from guest_routes.model.network import LOCAL_TABLE, Rule, parse_prefix
from tests.support.situations import with_tables

from .test_plan import FOUR, bare, having, made, route, rules_of, whole


@pytest.mark.parametrize("text", ["10.9.0.0/16 via 11.8.0.50 dev eth1 proto static", "default via 10.65.0.1 dev eth0"])
def test_a_table_in_use_is_left(text: str) -> None:
    evidence = bare()
    now = having(evidence, [route(text, evidence)], [])
    plan = made(now)
    assert [(one.kind, one.nic.name, one.table) for one in plan.conflicts] == [("table-in-use", "eth1", 12103)]
    assert {one.nic.name for one in plan.tables} == {"eth0"}
    assert plan.removals == ()


def test_a_table_that_a_rule_of_others_looks_up_is_left() -> None:
    theirs = Rule(4, 100, 12103, False, 4, parse_prefix("11.8.0.0/24"))
    plan = made(having(bare(), [], [theirs]))
    assert [(one.kind, one.rule) for one in plan.conflicts] == [("table-in-use", theirs)]
    six = made(having(bare(), [], [theirs._replace(family=6)]))
    assert six.conflicts == ()


def test_a_later_route_of_others_is_named_and_left() -> None:
    evidence = whole()
    foreign = route("10.9.0.0/16 via 11.8.0.50 dev eth1 proto static", evidence)
    plan = made(having(bare(), [*(evidence.kernel.tables or ()), foreign], rules_of(evidence)))
    assert [(one.kind, one.route) for one in plan.conflicts] == [("foreign-route", foreign)]
    assert (plan.operations, len(plan.tables)) == ((), 2)


def test_a_table_with_routes_of_ours_alone_is_ours() -> None:
    """A rule that somebody has deleted doesn't make the table another program's."""
    evidence = whole()
    foreign = route("10.9.0.0/16 via 11.8.0.50 dev eth1 proto static", evidence)
    theirs = Rule(4, 100, 12103, False, 4, parse_prefix("192.0.2.0/24"))
    rules = [theirs, *(rule for rule in rules_of(evidence) if rule.table != 12103)]
    plan = made(having(bare(), [*(evidence.kernel.tables or ()), foreign], rules))
    assert [(one.kind, one.route, one.instead) for one in plan.conflicts] == [("foreign-route", foreign, None)]
    assert [str(one.rule.source) for one in plan.rules] == ["11.8.0.9/32"]
    assert plan.removals == ()


def test_an_address_of_two_nics_is_that_one_s_which_the_document_describes() -> None:
    evidence = bare(FOUR.replace("10.65.0.7/24", "11.8.0.9/32 10.65.0.7/24"))
    plan = made(evidence)
    assert {str(one.rule.source): one.rule.table for one in plan.rules} == {"10.65.0.7/32": 12102, "11.8.0.9/32": 12103}
    (conflict,) = plan.conflicts
    assert conflict.other is not None
    assert (conflict.kind, conflict.nic.name, conflict.other.name) == ("shared-address", "eth0", "eth1")


def test_what_stands_where_ours_should_is_not_replaced() -> None:
    evidence = whole()
    tables = [one for one in evidence.kernel.tables or () if one.table == 12102 or one.gateway is None]
    foreign = route("default via 11.8.0.77 dev eth1 proto static metric 1024", evidence)
    plan = made(having(bare(), [*tables, foreign], rules_of(evidence)))
    assert plan.operations == ()
    (conflict,) = plan.conflicts
    assert (conflict.route, conflict.instead in plan.tables[1].routes) == (foreign, True)


def test_a_route_behind_ours_of_its_key_decides_nothing() -> None:
    evidence = whole()
    tables = list(evidence.kernel.tables or ())
    foreign = route("default via 10.65.0.1 dev eth0 proto static metric 1024", evidence)
    assert made(having(bare(), [*tables, foreign], rules_of(evidence))).conflicts == ()
    (conflict,) = made(having(bare(), [foreign, *tables], rules_of(evidence))).conflicts
    assert conflict.route == foreign


def test_an_address_of_two_nics_is_the_first_one_s() -> None:
    evidence = bare(FOUR.replace("11.8.0.9/24", "11.8.0.9/24 10.65.0.7/32"))
    plan = made(evidence)
    assert (str(plan.rules[0].rule.source), plan.rules[0].rule.table) == ("10.65.0.7/32", 12102)
    (conflict,) = plan.conflicts
    assert conflict.other is not None
    assert (conflict.kind, conflict.nic.name, conflict.other.name) == ("shared-address", "eth1", "eth0")


@pytest.mark.parametrize("priority, expected", [(0, 0), (32764, 0), (32765, 2), (32766, 2)])
def test_own_addresses_that_are_looked_up_after_ours_leave_no_table(priority: int, expected: int) -> None:
    local = Rule(4, priority, LOCAL_TABLE, True, 2)
    others = [rule for rule in bare().kernel.rules if rule.table != LOCAL_TABLE]
    plan = made(with_tables(bare(), (), [local, *others]))
    assert [(one.kind, one.rule) for one in plan.conflicts] == [("local-behind", local)] * expected
    assert len(plan.tables) == 2 - expected
    assert made(with_tables(bare(), (), [local._replace(family=6), *others])).conflicts == ()
    assert made(with_tables(bare(), (), [local._replace(priority=0), local, *others])).conflicts == ()
