"""What operations of source routing are about, and in which order they stand."""

from __future__ import annotations

import pytest

from guest_routes.model.network import Rule, parse_prefix
from guest_routes.model.source_routing import (
    AddRule,
    RemoveRoute,
    RemoveRule,
    RuleKey,
    SetRoute,
    SourceConflict,
    SourceOperation,
    SourceRoutingPlan,
    TableRouteKey,
    key_of,
    table_key,
)
from tests.support.reports import ETH1, route

ROUTE = route("default via 11.8.0.1 dev eth1 proto guest-routes metric 7")._replace(table=12103)
SOURCE = parse_prefix("11.8.0.9/32")
RULE = Rule(4, 32765, 12103, True, protocol=121, source=SOURCE)


@pytest.mark.parametrize("operation, key", [
    (SetRoute(ROUTE), TableRouteKey(12103, ROUTE.destination, 7)),
    (RemoveRoute(ROUTE), TableRouteKey(12103, ROUTE.destination, 7)),
    (AddRule(RULE), RuleKey(4, 32765, 12103, SOURCE)),
    (RemoveRule(RULE), RuleKey(4, 32765, 12103, SOURCE)),
])  # fmt: skip
def test_which_rule_or_route_it_is(operation: SourceOperation, key: object) -> None:
    assert key_of(operation) == key
    assert table_key(operation) == (4, 12103)


def test_whoever_made_it() -> None:
    assert key_of(SetRoute(ROUTE)) == key_of(RemoveRoute(ROUTE._replace(protocol=4, gateway=None)))
    assert key_of(AddRule(RULE)) == key_of(RemoveRule(RULE._replace(protocol=4)))


def test_routes_come_before_rules_and_what_goes_comes_last() -> None:
    plan = SourceRoutingPlan((), (SetRoute(ROUTE),), (AddRule(RULE),), (RemoveRule(RULE), RemoveRoute(ROUTE)))
    assert plan.operations == (SetRoute(ROUTE), AddRule(RULE), RemoveRule(RULE), RemoveRoute(ROUTE))


def test_the_route_whose_place_is_taken() -> None:
    conflict = SourceConflict("foreign-route", ETH1, 12103, instead=ROUTE)
    assert conflict.displaced == ROUTE
    assert conflict._replace(kind="overruled").displaced is None
