"""Routes and rules that are the same, whoever made them."""

from __future__ import annotations

from guest_routes.model.network import Prefix, Route, Rule, parse_address, parse_prefix
from guest_routes.routing.source_routing.equal import identity, key, same_rule

ONE = Route(parse_prefix("10.9.0.0/16"), parse_address("11.8.0.50"), 3, table=12103, metrics=((2, 1400), (8, 1360)))
RULE = Rule(4, 32765, 12103, False, 121, Prefix(parse_address("11.8.0.9"), 32))


def test_who_made_a_route_and_with_which_source_makes_no_difference() -> None:
    other = ONE._replace(protocol=4, source=parse_address("11.8.0.9"), scope=5, metrics=ONE.metrics[::-1])
    assert identity(other) == identity(ONE)


def test_where_it_leads_and_where_it_stands_do() -> None:
    others = [
        ONE._replace(gateway=None), ONE._replace(ifindex=4), ONE._replace(metric=5), ONE._replace(table=9),
        ONE._replace(kind=9), ONE._replace(metrics=()),
    ]  # fmt: skip
    assert len({identity(one) for one in [ONE, *others]}) == 7
    assert len({key(one) for one in [ONE, *others]}) == 3


def test_a_throw_has_no_nic() -> None:
    """IPv6 shows the loopback."""
    thrown = ONE._replace(kind=9, gateway=None, ifindex=0)
    assert identity(thrown._replace(ifindex=1)) == identity(thrown)


def test_rules() -> None:
    assert same_rule(RULE, RULE._replace(protocol=4))
    assert not same_rule(RULE, RULE._replace(source=None))
    assert not same_rule(RULE, RULE._replace(priority=5))
