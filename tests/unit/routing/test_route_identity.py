"""Which routes are one to the kernel, and which stand in each other's way."""

from __future__ import annotations

from typing import Any

import pytest

from guest_routes.model.network import NextHop, Route, parse_address, parse_prefix
from guest_routes.routing.compare import (
    equals_of,
    ifindexes,
    is_advertised,
    next_hops,
    same_but_for_attributes,
    same_route,
)

GATEWAY, GATEWAY6 = parse_address("11.8.0.1"), parse_address("fd00:8::1")
FOUR = Route(parse_prefix("0.0.0.0/0"), GATEWAY, 3, protocol=4)
SIX = Route(parse_prefix("::/0"), GATEWAY6, 3, 1024, protocol=4)
HOPS = (NextHop(GATEWAY, 3), NextHop(None, 4))


def test_next_hops_and_nics() -> None:
    assert next_hops(FOUR) == [(GATEWAY, 3)]
    both = FOUR._replace(gateway=None, ifindex=0, nexthops=HOPS)
    assert (next_hops(both), ifindexes(both)) == ([(GATEWAY, 3), (None, 4)], frozenset({3, 4}))


@pytest.mark.parametrize("field, value", [
    ("metric", 5), ("tos", 8), ("table", 7), ("kind", 6), ("gateway", None), ("ifindex", 2), ("nexthop_id", 7),
    ("nexthops", HOPS), ("destination", parse_prefix("0.0.0.0/1")),
])  # fmt: skip
def test_what_tells_routes_apart(field: str, value: Any) -> None:
    assert not same_route(FOUR, FOUR._replace(**{field: value}))


@pytest.mark.parametrize("field, value", [
    ("protocol", 9), ("source", GATEWAY), ("realms", 5), ("onlink", True), ("metrics", ((2, 1400),)),
])  # fmt: skip
def test_what_tells_those_of_ipv4_apart_and_not_those_of_ipv6(field: str, value: Any) -> None:
    """Of a multipath route IPv6 shows the first next hop's."""
    assert not same_route(FOUR, FOUR._replace(**{field: value}))
    assert same_route(SIX, SIX._replace(**{field: value}))


def test_weights_tell_ipv4_routes_apart() -> None:
    both = FOUR._replace(gateway=None, ifindex=0, nexthops=HOPS)
    heavier = both._replace(nexthops=(HOPS[0]._replace(weight=3), HOPS[1]))
    assert not same_route(both, heavier)
    assert same_but_for_attributes(both, heavier)
    assert same_but_for_attributes(FOUR, FOUR._replace(metrics=((2, 1400),)))
    assert not same_but_for_attributes(FOUR, FOUR._replace(source=GATEWAY))


def test_what_changes_by_itself_tells_nothing() -> None:
    assert same_route(SIX, SIX._replace(expires=599, weight=5))


def test_equals() -> None:
    others = [FOUR._replace(metric=5), FOUR._replace(ifindex=2), SIX, FOUR]
    assert equals_of(FOUR, others) == (others[1], FOUR)


@pytest.mark.parametrize("gateway, protocol, expires, advertised", [
    ("fe80::1", 9, 600, True), ("fd00:8::1", 9, 600, False), ("fe80::1", 4, 600, False), ("fe80::1", 9, 0, False),
])  # fmt: skip
def test_a_router_has_a_link_local_address_and_a_lifetime(
    gateway: str, protocol: int, expires: int, advertised: bool
) -> None:
    route = SIX._replace(gateway=parse_address(gateway), protocol=protocol, expires=expires)
    assert is_advertised(route) == advertised
