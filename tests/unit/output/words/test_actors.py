"""Who changed a route or rule, and what was changed for it."""

from __future__ import annotations

import pytest

from guest_routes.model.diagnosis.status import Actor, SourceChange
from guest_routes.model.network import Rule, parse_prefix
from guest_routes.model.source_routing import AddRule, RemoveRule, SetRoute, SourceOperation, rule_key
from guest_routes.output.words.actors import actor_fields, actor_text, source_change_line
from tests.support.reports import ETH0, ETH1, route

NICS = (ETH0, ETH1)
OWN = Rule(4, 32765, 12103, False, 121, parse_prefix("11.8.0.9/32"))
CHANGED = SourceChange(Actor("ip", 50), rule_key(OWN), True)


@pytest.mark.parametrize("operation, change, expected", [
    (AddRule(OWN), CHANGED, "deleted by ip (pid 50); source routing"),
    (RemoveRule(OWN), CHANGED._replace(deleted=False), "added by ip (pid 50); source routing"),
    (SetRoute(route("10.9.0.0/16 via 11.8.0.50 dev eth1")), CHANGED._replace(deleted=False),
     "replaced by ip (pid 50); source routing"),
])  # fmt: skip
def test_a_change_in_the_log_says_who_made_it_necessary(
    operation: SourceOperation, change: SourceChange, expected: str
) -> None:
    assert source_change_line(operation, change, NICS).endswith(f": {expected}")
    assert "\n" not in source_change_line(operation, change._replace(actor=Actor("a\nb", 5)), NICS)


def test_one_that_nobody_made_necessary() -> None:
    removed = "removed rule from 11.8.0.9 lookup 12103 priority 32765 proto guest-routes: source routing"
    assert source_change_line(RemoveRule(OWN), None, NICS) == removed


def test_who_it_was_as_a_text_and_as_a_field() -> None:
    assert actor_text(Actor("dhclient", 812, ("systemd",))) == "dhclient (pid 812, started by systemd)"
    assert actor_text(Actor("kernel")) == "the kernel"
    assert (actor_text(Actor(pid=7)), actor_text(Actor())) == ("a process that has ended (pid 7)", "an unknown process")
    assert actor_fields(Actor("a\nb", 5)) == [("GUEST_ROUTES_ACTOR", "a\\nb")]
    assert actor_fields(None) == actor_fields(Actor(pid=7)) == []
