"""The routes that cover an address."""

from __future__ import annotations

from typing import List

import pytest

from guest_routes.model.network import parse_address
from guest_routes.routing.lookups.covering import Covering
from tests.support.iproute_text import parse_route
from tests.support.situations import THREE_NICS, situation

ROUTES = [
    "default via 10.65.0.1 dev eth0",
    "11.0.0.0/8 via 11.8.0.1 dev eth1 metric 9",
    "11.0.0.0/8 via 10.65.0.1 dev eth0 metric 5",
    "11.11.0.0/16 via 11.8.0.1 dev eth1",
    "11.11.0.0/16 via 10.65.0.1 dev eth0",
    "default via fd00:65::1 dev eth0",
    "2001:db8::/32 via fd00:65::9 dev eth0",
]


@pytest.mark.parametrize(
    ("address", "covering"),
    [
        ("11.11.0.1", [0, 1, 2, 3]),
        ("11.12.0.1", [0, 1, 2]),
        ("9.9.9.9", [0]),
        ("2001:db8::1", [5, 6]),
        ("2001:db9::1", [5]),
    ],
)
def test_the_routes_that_cover_an_address(address: str, covering: List[int]) -> None:
    nics = situation([], THREE_NICS).kernel.nics
    routes = [parse_route(text, nics) for text in ROUTES]
    routes[4] = routes[4]._replace(tos=16)
    found = Covering(routes).of(parse_address(address))
    assert sorted(found, key=routes.index) == [routes[n] for n in covering]
    assert [one for one in found if one.destination == routes[1].destination] == [
        one for one in found if one in routes[1:3]
    ]


def test_nothing_covers_where_nothing_is() -> None:
    assert Covering([]).of(parse_address("11.11.0.1")) == []
