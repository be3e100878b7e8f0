"""Routes and rules that are the same, whoever made them; IPv6 next hops that the kernel shows one by one are one."""

from __future__ import annotations

from guest_routes.model.network import NextHop, Prefix, Route, Rule, parse_address, parse_prefix
from guest_routes.routing.source_routing.equal import identity, joined, key, rule_identity

ONE = Route(parse_prefix("10.9.0.0/16"), parse_address("11.8.0.50"), 3, table=12103, metrics=((2, 1400), (8, 1360)))
RULE = Rule(4, 32765, 12103, False, 121, Prefix(parse_address("11.8.0.9"), 32))
FIRST = Route(parse_prefix("fd00:9::/48"), parse_address("fd00:8::50"), 3, 1023, weight=3)
SECOND = FIRST._replace(gateway=parse_address("fd00:65::50"), ifindex=2, weight=1, onlink=True)


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
    assert rule_identity(RULE) == rule_identity(RULE._replace(protocol=4))
    assert rule_identity(RULE) != rule_identity(RULE._replace(source=None))
    assert rule_identity(RULE) != rule_identity(RULE._replace(priority=5))


def test_next_hops_of_one_metric_are_one_route() -> None:
    other = FIRST._replace(destination=parse_prefix("fd00:a::/48"))
    (both, alone) = joined([FIRST, other, SECOND])
    assert (both.gateway, both.ifindex, both.onlink, both.weight) == (None, 0, False, 1)
    assert both.nexthops == (NextHop(FIRST.gateway, 3, 3), NextHop(SECOND.gateway, 2, 1, True))
    assert alone == other


def test_what_the_kernel_does_not_merge_stays_apart() -> None:
    for one in (
        FIRST._replace(metric=5), FIRST._replace(table=9), FIRST._replace(gateway=None), FIRST._replace(kind=9),
        FIRST._replace(nexthop_id=7),
    ):  # fmt: skip
        assert joined([FIRST, one]) == [FIRST, one]
    four = [Route(parse_prefix("10.9.0.0/16"), parse_address(one), 3) for one in ("11.8.0.50", "11.8.0.51")]
    assert joined(four) == four
