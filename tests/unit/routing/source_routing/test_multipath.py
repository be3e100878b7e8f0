"""IPv6 next hops that the kernel shows one by one, as one route."""

from __future__ import annotations

from guest_routes.model.network import NextHop, Route, parse_address, parse_prefix
from guest_routes.routing.source_routing.multipath import joined

FIRST = Route(parse_prefix("fd00:9::/48"), parse_address("fd00:8::50"), 3, 1023, weight=3)
SECOND = FIRST._replace(gateway=parse_address("fd00:65::50"), ifindex=2, weight=1, onlink=True)


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
