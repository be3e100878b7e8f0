"""The order of a plan's operations: together, or table by table where the numbers overlap."""

from __future__ import annotations

from typing import List, Sequence, Tuple

import pytest

from guest_routes.model.network import Rule, parse_prefix
from guest_routes.model.source_routing import AddRule, RemoveRule, SourceOperation, SourceRoutingPlan, Stage
from guest_routes.output.source_routing import source_text
from guest_routes.routing.source_routing.stages import inverse, stages

from .test_plan import ON, bare, having, made, route, rules_of, whole


def moved(by: int) -> SourceRoutingPlan:
    """From the usual numbers to others."""
    return made(whole(), ON._replace(source_routing_table=12100 + by))


def told(stage: Stage) -> List[Tuple[str, str]]:
    """A stage's operations, shortly."""
    parts: List[Tuple[str, Sequence[SourceOperation]]] = [
        ("unused", stage.unused), ("routes", stage.routes), ("rules", stage.rules), ("removals", stage.removals),
    ]  # fmt: skip
    nics = whole().kernel.nics
    return [
        (name, source_text(one, nics).replace(" proto guest-routes", "").replace(" metric 1024", ""))
        for name, part in parts for one in part
    ]  # fmt: skip


@pytest.mark.parametrize("by", [0, 2, 900])
def test_numbers_that_do_not_overlap_take_one_stage(by: int) -> None:
    plan = moved(by)
    assert stages(plan) == [Stage((), plan.routes, plan.rules, plan.removals)]


def test_the_nic_that_leaves_a_table_moves_first() -> None:
    plan = moved(1)
    eth1, eth0, rest = stages(plan)
    assert told(eth1) == [
        ("routes", "11.8.0.0/24 dev eth1 table 12104 scope link"),
        ("routes", "default via 11.8.0.1 dev eth1 table 12104"),
        ("rules", "rule from 11.8.0.9 lookup 12104 priority 32765"),
        ("removals", "rule from 11.8.0.9 lookup 12103 priority 32765"),
    ]
    assert told(eth0) == [
        ("unused", "11.8.0.0/24 dev eth1 table 12103 scope link"),
        ("routes", "10.65.0.0/24 dev eth0 table 12103 scope link"),
        ("routes", "default via 10.65.0.1 dev eth0 table 12103"),
        ("rules", "rule from 10.65.0.7 lookup 12103 priority 32765"),
        ("removals", "rule from 10.65.0.7 lookup 12102 priority 32765"),
    ]
    assert {one.split(" table ")[1].split()[0] for _, one in told(rest)} == {"12102"}
    assert [one for stage in (eth1, eth0, rest) for part in stage for one in part] != list(plan.operations)


def test_downwards_too() -> None:
    found = [{one.rule.table for one in stage.rules} for stage in stages(moved(-1))]
    assert found == [{12101}, {12102}, set()]


def test_a_rule_that_goes_without_another_goes_before_its_table_is_written() -> None:
    """eth1's new number is in use: its old rule has no successor, and eth0 takes the number of its table."""
    evidence = whole()
    foreign = route("10.9.0.0/16 via 11.8.0.50 dev eth1 proto static", evidence, 12104)
    now = having(bare(), [*(evidence.kernel.tables or ()), foreign], rules_of(evidence))
    eth0, rest = stages(made(now, ON._replace(source_routing_table=12101)))
    assert told(eth0)[0] == ("unused", "rule from 11.8.0.9 lookup 12103 priority 32765")
    assert {one.split(" table ")[1].split()[0] for _, one in told(rest)} == {"12102"}


def test_another_priority_takes_one_stage() -> None:
    evidence = whole()
    plan = made(evidence, ON._replace(source_routing_priority=99))
    assert stages(plan) == [Stage((), plan.routes, plan.rules, plan.removals)]


FOREIGN = Rule(4, 32765, 12102, False, 121, restricted=True)
"""Another program's with our protocol: a request to delete it fits eth0's, too."""


def test_a_rule_that_is_no_address_s_says_nothing_of_its_table() -> None:
    evidence = whole()
    plan = made(
        having(evidence, evidence.kernel.tables or (), [*rules_of(evidence), FOREIGN]),
        ON._replace(source_routing_priority=99),
    )
    assert stages(plan) == [Stage((), plan.routes, plan.rules, plan.removals)]
    assert plan.removals[-1] == RemoveRule(FOREIGN)  # After eth0's.


def test_a_rule_that_no_pass_makes_is_not_put_back() -> None:
    own = Rule(4, 32765, 12102, False, 121, parse_prefix("10.65.0.7/32"))
    wider = FOREIGN._replace(among=parse_prefix("10.65.0.0/24"))
    assert list(inverse([RemoveRule(own), RemoveRule(wider)], ())) == [AddRule(own)]
