"""Which policy rules could decide before the settings' table does."""

from __future__ import annotations

from typing import List, Optional, Tuple

import pytest

from guest_routes.model.network import Lookup, Rule, parse_address
from guest_routes.model.network import parse_prefix as prefix
from guest_routes.routing.lookups.rules import deciding_rules, is_reached, keeping_rule, local_rule, rule_of, rules_for
from tests.unit.routing.lookups.test_answers import DEFAULT, KERNELS, MAIN, OURS, STRONGSWAN, kernel


def jump(priority: int, target: int, restricted: bool = False) -> Rule:
    return Rule(4, priority, 0, False, restricted=restricted, action=2, target=target)


@pytest.mark.parametrize(
    ("rules", "deciding"),
    [
        ((jump(100, 32767),), [100, 32767]),
        ((jump(100, 32766),), [100]),
        ((jump(100, 32766), STRONGSWAN), [100]),  # It is jumped over.
        ((jump(100, 32767, restricted=True), STRONGSWAN), [100, 220, 32767]),
        ((jump(100, 220), STRONGSWAN), [100, 220]),
        ((jump(100, 300), STRONGSWAN, Rule(4, 200, 254, True), Rule(4, 300, 99, True)), [100, 300]),
        ((jump(100, 300), jump(300, 32767), Rule(4, 300, 99, True)), [100, 300, 32767]),
        ((jump(100, 40000, restricted=True),), [100]),  # No rule has the priority: the kernel marks it as unresolved.
        ((jump(32766, 40000, restricted=True), Rule(4, 40000, 99, True)), [32766, 40000]),
        ((Rule(4, 100, 0, False, among=prefix("11.8.0.9/32"), action=2, target=32767),), [100, 32767]),
        ((Rule(4, 40000, 99, True),), []),
    ],
)
def test_a_rule_that_jumps_over_others(rules: Tuple[Rule, ...], deciding: List[int]) -> None:
    # Those with main's priority come before it.
    evidence = kernel(DEFAULT, OURS, rules=(*rules, *KERNELS))
    found = deciding_rules(evidence.kernel, 4, MAIN)
    assert [one.priority for one in found] == deciding


@pytest.mark.parametrize(
    ("rules", "priority"),
    [
        (KERNELS, 0),
        ((*KERNELS[1:], Rule(4, 100, 255, True)), 100),
        ((*KERNELS[1:], Rule(4, 32767, 255, True)), None),
        ((*KERNELS[1:], Rule(4, 100, 255, False)), None),
        ((jump(0, 300), *KERNELS, Rule(4, 300, 254, True)), None),
    ],
)
def test_where_table_local_is_looked_up(rules: Tuple[Rule, ...], priority: Optional[int]) -> None:
    found = local_rule(kernel(DEFAULT, OURS, rules=rules).kernel, 4, MAIN)
    assert (found and found.priority) == priority


def rejecting(priority: int, restricted: bool = False) -> Rule:
    return Rule(4, priority, 0, False, restricted=restricted, action=7)


@pytest.mark.parametrize(
    ("rules", "reached", "keeping"),
    [
        (KERNELS, True, None),
        ((), True, None),  # IPv4 is switched off.
        (KERNELS[:1], False, None),
        ((jump(100, 32767), *KERNELS), False, 100),
        ((jump(100, 32767, restricted=True), *KERNELS), True, None),
        ((jump(100, 40000), *KERNELS), True, None),
        ((rejecting(100), *KERNELS), False, 100),
        ((rejecting(100, restricted=True), *KERNELS), True, None),
        ((Rule(4, 90, 254, False), rejecting(100), *KERNELS), True, None),
        ((jump(90, 32766), rejecting(100), *KERNELS), True, None),
        ((jump(90, 100), rejecting(100), *KERNELS), False, 90),
        ((Rule(4, 90, 0, False, action=3), rejecting(100), *KERNELS), False, 100),
    ],
)
def test_what_keeps_all_packets_from_a_table(rules: Tuple[Rule, ...], reached: bool, keeping: Optional[int]) -> None:
    state = kernel(DEFAULT, OURS, rules=rules).kernel
    found = keeping_rule(state, 4, MAIN)
    assert (is_reached(state, 4, MAIN), found and found.priority) == (reached, keeping)


TO_TEN = Rule(4, 90, 77, False, restricted=True, destination=prefix("10.0.0.0/8"))
MARKED = Rule(4, 91, 77, False, restricted=True, chosen=True)


@pytest.mark.parametrize(
    ("rules", "asked", "found"),
    [
        ((TO_TEN, STRONGSWAN), "10.1.2.3", [90, 220]),
        ((TO_TEN, STRONGSWAN), "8.8.8.8", [220]),
        ((TO_TEN._replace(negated=True), STRONGSWAN), "8.8.8.8", [90, 220]),
        ((TO_TEN._replace(negated=True), STRONGSWAN), "10.1.2.3", [220]),
        ((MARKED, STRONGSWAN), "8.8.8.8", [220]),
        ((MARKED._replace(negated=True), STRONGSWAN), "8.8.8.8", [91, 220]),
        ((Rule(4, 90, 77, False, source=prefix("10.65.0.7/32")), STRONGSWAN), "8.8.8.8", [220]),
        ((jump(100, 32767), STRONGSWAN), "8.8.8.8", [100, 32767]),
        ((TO_TEN._replace(priority=95, action=2, target=300), rejecting(100), STRONGSWAN), "8.8.8.8", [100]),
        ((jump(95, 220), rejecting(100), STRONGSWAN), "8.8.8.8", [95, 220]),
        ((jump(95, 40000), STRONGSWAN), "8.8.8.8", [95, 220]),
    ],
)
def test_the_rules_that_a_packet_comes_to(rules: Tuple[Rule, ...], asked: str, found: List[int]) -> None:
    state = kernel(DEFAULT, OURS, rules=(*rules, *KERNELS)).kernel
    assert [one.priority for one in rules_for(parse_address(asked), state, MAIN)] == found


@pytest.mark.parametrize(
    ("rules", "table", "named"),
    [
        ((TO_TEN, STRONGSWAN), 220, 220),
        ((jump(100, 220), STRONGSWAN), 220, 220),
        ((jump(100, 32767),), 5, 100),
        ((rejecting(100),), 0, 100),
        ((TO_TEN,), 220, None),
    ],
)
def test_the_rule_that_an_answer_comes_of(rules: Tuple[Rule, ...], table: int, named: Optional[int]) -> None:
    state = kernel(DEFAULT, OURS, rules=(*rules, *KERNELS)).kernel
    found = rule_of(Lookup(parse_address("8.8.8.8"), 2 if table else 0, table=table), state, MAIN)
    assert (found and found.priority) == named
