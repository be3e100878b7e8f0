"""Source routing's plan on the model of the kernel: its order, refusals, and the way back."""

from __future__ import annotations

import errno
from typing import List, Sequence, Tuple

from guest_routes.kernel.apply_source import apply_source, failure_of, roll_back_source
from guest_routes.model.network import Rule, parse_prefix
from guest_routes.model.source_routing import (
    AddRule,
    RemoveRoute,
    RemoveRule,
    SetRoute,
    SourceFailure,
    SourceOperation,
    SourceRoutingPlan,
)
from guest_routes.routing.source_routing.stages import inverse, stages
from tests.support.iproute_text import parse_kernel, parse_route
from tests.support.model_kernel import ModelKernel

STATE = parse_kernel("nic eth0 fa:16:3e:00:00:01 10.65.0.7/24\nnic eth1 fa:16:3e:00:00:02 11.8.0.9/24").state
OWN = {12102: parse_prefix("10.65.0.7"), 12103: parse_prefix("11.8.0.9")}
RULES = [Rule(4, 32765, table, False, 121, own) for table, own in OWN.items()]


def route(text: str, table: int) -> SetRoute:
    return SetRoute(parse_route(text, STATE.nics)._replace(table=table))


FIRST, SECOND = route("default via 10.65.0.1 dev eth0", 12102), route("default via 11.8.0.1 dev eth1", 12103)
UNREACHABLE = route("default via 192.0.2.1 dev eth1", 12103)


class Recording(ModelKernel):
    """The model, with what it was asked for."""

    def __init__(self) -> None:
        super().__init__(STATE)
        self.asked: List[List[str]] = []

    def apply_source(self, operations: Sequence[SourceOperation]) -> Tuple[SourceFailure, ...]:
        self.asked.append([type(one).__name__ for one in operations])
        return super().apply_source(operations)


def test_routes_then_rules_then_what_goes() -> None:
    kernel = Recording()
    old = Rule(4, 32765, 700, False, 121, parse_prefix("10.65.0.7"))
    gone = RemoveRoute(FIRST.route._replace(table=700))
    plan = SourceRoutingPlan((), (FIRST, SECOND), tuple(map(AddRule, RULES)), (RemoveRule(old), gone))
    outcome = apply_source(stages(plan), kernel)
    assert kernel.asked == [["SetRoute", "SetRoute"], ["AddRule", "AddRule"], ["RemoveRule"], ["RemoveRoute"]]
    assert (outcome.failures, outcome.done) == ((), plan.operations)
    assert [rule for rule in kernel.snapshot(254).rules if rule.protocol == 121] == RULES


def test_no_rule_for_a_table_of_which_a_route_was_refused() -> None:
    kernel = Recording()
    outcome = apply_source(stages(SourceRoutingPlan((), (FIRST, UNREACHABLE), tuple(map(AddRule, RULES)))), kernel)
    assert [one.operation for one in outcome.failures] == [UNREACHABLE]
    assert outcome.done == (FIRST, AddRule(RULES[0]))


def test_nothing_is_asked_for_nothing() -> None:
    kernel = Recording()
    assert (apply_source(stages(SourceRoutingPlan()), kernel).done, kernel.asked) == ((), [])


def test_an_address_without_its_new_rule_keeps_the_old_one_and_its_table() -> None:
    kernel = Recording()
    old = Rule(4, 32765, 700, False, 121, parse_prefix("11.8.0.9"))
    left = SetRoute(SECOND.route._replace(table=700))
    apply_source(stages(SourceRoutingPlan((), (left,), (AddRule(old),))), kernel)
    removals = RemoveRule(old), RemoveRoute(left.route)
    plan = SourceRoutingPlan((), (FIRST, UNREACHABLE), tuple(map(AddRule, RULES)), removals)
    outcome = apply_source(stages(plan), kernel)
    assert outcome.done == (FIRST, AddRule(RULES[0]))
    assert [rule for rule in kernel.snapshot(254).rules if rule.protocol == 121] == [old, RULES[0]]
    assert kernel.tables([700]) == (left.route,)


def test_a_refused_route_keeps_only_its_own_family_s_rule_out() -> None:
    kernel = Recording()
    six = Rule(6, 32765, 12103, False, 121, parse_prefix("fd00:8::9"))
    outcome = apply_source(stages(SourceRoutingPlan((), (UNREACHABLE,), (AddRule(RULES[1]), AddRule(six)))), kernel)
    assert outcome.done == (AddRule(six),)


def test_the_inverse_is_rules_and_tables_as_they_were() -> None:
    kernel = Recording()
    apply_source(stages(SourceRoutingPlan((), (FIRST, SECOND), (AddRule(RULES[0]),))), kernel)
    before = kernel.snapshot(254).rules, kernel.tables([12102, 12103, 12104])
    other = route("default via 11.8.0.2 dev eth1", 12103)._replace(replaces=True)
    new = route("default via 11.8.0.1 dev eth1", 12104)
    plan = SourceRoutingPlan((), (other, new), (AddRule(RULES[1]),), (RemoveRule(RULES[0]), RemoveRoute(FIRST.route)))
    outcome = apply_source(stages(plan), kernel)
    assert len(outcome.done) == 5
    back = roll_back_source(outcome, inverse(outcome.done, before[1]), kernel)
    assert (back.rolled_back, back.failures) == (True, ())
    assert (kernel.snapshot(254).rules, kernel.tables([12102, 12103, 12104])) == before


def test_what_is_so_already_is_no_failure() -> None:
    assert failure_of(AddRule(RULES[0]), errno.EEXIST, "") is None
    assert failure_of(RemoveRule(RULES[0]), errno.ENOENT, "") is None
    assert failure_of(RemoveRoute(FIRST.route), errno.ESRCH, "") is None
    found = failure_of(FIRST, errno.EEXIST, "File exists")
    assert (found and found.errno, found and found.text) == (errno.EEXIST, "File exists")
    assert failure_of(AddRule(RULES[0]), errno.EPERM, "x") is not None
