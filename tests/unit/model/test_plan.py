"""What a plan and a decision say of themselves."""

from __future__ import annotations

import pytest

from guest_routes.model.decision import NotElected, Unresolved
from guest_routes.model.network_data import Problem
from guest_routes.model.plan import Plan, shadowed_of
from guest_routes.model.settings import Settings
from tests.support.reports import BOTH_DEFAULTS, IN_PLACE, report


def test_additions_come_before_removals() -> None:
    plan = report("wrong-subnet", BOTH_DEFAULTS).plan
    assert plan.additions and plan.removals
    assert plan.operations == (*plan.additions, *plan.removals)
    assert Plan().operations == ()


@pytest.mark.parametrize("kernel, verdict", [(BOTH_DEFAULTS, "add"), (IN_PLACE, "kept")])
def test_routes_are_counted_by_verdict(kernel: str, verdict: str) -> None:
    plan = report("wrong-subnet", kernel).plan
    assert plan.verdicts == {verdict: 1}
    other = plan.routes[0]._replace(verdict="shadowed")
    assert plan._replace(routes=(*plan.routes, other, *plan.routes)).verdicts == {verdict: 2, "shadowed": 1}
    assert Plan().verdicts == {}


def test_what_another_programs_route_wins_over() -> None:
    (serves,) = report("wrong-subnet", IN_PLACE).plan.routes
    hidden = serves._replace(verdict="shadowed")
    assert shadowed_of([serves, hidden, serves]) == (hidden,)


def test_a_default_serves_unless_another_wins() -> None:
    (default,) = report("wrong-subnet", IN_PLACE).plan.defaults
    assert default.family == 4
    assert default.route is not None
    assert default.serving == default.route
    assert default._replace(verdict="shadowed").serving is None


def test_what_cannot_be_programmed() -> None:
    decision = report("not-a-gateway", BOTH_DEFAULTS).decision
    assert [type(one) for one in decision.unprogrammable] == [Unresolved]
    refused, told = Problem("here", "is wrong", refused=True), Problem("there", "is odd")
    missed, unwanted = NotElected(6, "no-gateway", wanted=True), NotElected(4, "no-gateway")
    decision = decision._replace(problems=(told, refused), elections=(unwanted, missed))
    assert decision.unprogrammable[:2] == (refused, missed)
    assert [type(one) for one in decision.unprogrammable[2:]] == [Unresolved]


def test_what_somebody_chose_is_not_among_it() -> None:
    settings = Settings(ignore_destinations=(report("wrong-subnet").plan.routes[0].route.destination,))
    decision = report("wrong-subnet", settings=settings).decision
    assert decision.resolution.unresolved
    assert decision.unprogrammable == ()
