"""How many changes a pass would make now."""

from __future__ import annotations

from guest_routes.model.diagnosis.comparison import Comparison
from guest_routes.model.source_routing import RemoveRoute, SetRoute, SourceRoutingPlan
from tests.support.reports import BOTH_DEFAULTS, report, route

TABLE = route("default via 11.8.0.1 dev eth1 proto guest-routes")._replace(table=12103)


def test_none_of_nothing() -> None:
    assert (Comparison().changes, Comparison().source_drift) == (0, ())


def test_source_routings_are_among_them() -> None:
    drift = report("wrong-subnet", BOTH_DEFAULTS).plan.operations
    plan = SourceRoutingPlan(routes=(SetRoute(TABLE),), removals=(RemoveRoute(TABLE),))
    assert Comparison(drift).changes == len(drift) > 0
    assert Comparison(drift, by_source=plan).changes == len(drift) + 2
    assert Comparison(by_source=plan).source_drift == plan.operations
