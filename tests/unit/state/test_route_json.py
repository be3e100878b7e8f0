"""A route as JSON and back, or no route at all."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guest_routes.model.network import NextHop, Prefix, Route
from guest_routes.state.route_json import route_from_json, route_to_json

from .machine import DEFAULT

numbers, octets = st.integers(0, 2**32 - 1), st.integers(0, 255)
indexes, weights = st.integers(0, 2**31 - 1), st.integers(0, 256)
addresses = st.one_of(st.binary(min_size=4, max_size=4), st.binary(min_size=16, max_size=16))
prefixes = addresses.flatmap(lambda a: st.builds(Prefix, st.just(a), st.integers(0, len(a) * 8)))
nexthops = st.builds(NextHop, st.none() | addresses, indexes, weights, st.booleans(), numbers)
routes = st.builds(
    Route,
    prefixes,
    st.none() | addresses,
    *(indexes, numbers, octets, numbers, octets, octets),
    tos=octets,
    onlink=st.booleans(),
    source=st.none() | addresses,
    metrics=st.lists(st.tuples(numbers, numbers | st.text()), max_size=3).map(tuple),
    nexthops=st.lists(nexthops, max_size=3).map(tuple),
    nexthop_id=numbers,
    preference=octets,
    weight=weights,
    realms=numbers,
    expires=numbers,
    unwritable=st.sampled_from(["", "encap"]),
)


@given(route=routes)
def test_a_route_survives_json(route: Route) -> None:
    assert route_from_json(json.loads(json.dumps(route_to_json(route)))) == route


@pytest.mark.parametrize(
    "change",
    [
        {"metric": "5"}, {"metric": 5.0}, {"metric": True}, {"metric": None}, {"onlink": 1}, {"more": 1},
        {"gateway": "10.65.0.1/24"}, {"gateway": 7}, {"destination": "default"}, {"destination": None},
        {"metrics": [[1]]}, {"metrics": [[None, 1]]}, {"weight": "1"}, {"expires": 1.5}, {"unwritable": 1},
        {"metric": -1}, {"metric": 1 << 32}, {"ifindex": 1 << 31}, {"protocol": 256}, {"tos": 256}, {"weight": 257},
        {"table": 1 << 32}, {"metrics": [[2, -1]]}, {"expires": -1},
        {"nexthops": [{"gateway": None, "ifindex": -1, "weight": 1, "onlink": False, "realms": 0}]},
        {"metrics": None}, {"nexthops": [{}]}, {"nexthops": "x"},
        {"nexthops": [{"gateway": None, "ifindex": 2, "weight": 1, "onlink": 0, "realms": 0}]},
    ],
)  # fmt: skip
def test_a_route_is_read_strictly(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="not"):
        route_from_json({**route_to_json(DEFAULT), **change})


def test_a_route_without_a_field_is_none() -> None:
    for name in Route._fields:
        value = route_to_json(DEFAULT)
        del value[name]
        with pytest.raises(ValueError, match="not a route"):
            route_from_json(value)


def test_it_is_written_for_people() -> None:
    """Every field by its name, addresses as text; another version of this program has to read it too."""
    hop = NextHop(bytes([11, 8, 0, 1]), 3, 2)
    route = DEFAULT._replace(gateway=None, ifindex=0, metrics=((2, 1400),), nexthops=(hop, NextHop(None, 2, 1, True)))
    assert route_to_json(route) == {
        "destination": "0.0.0.0/0", "gateway": None, "ifindex": 0, "metric": 0, "protocol": 4, "table": 254, "kind": 1,
        "scope": 0, "tos": 0, "onlink": False, "source": None, "metrics": [[2, 1400]], "nexthop_id": 0, "preference": 0,
        "weight": 1, "realms": 0, "expires": 0, "unwritable": "",
        "nexthops": [
            {"gateway": "11.8.0.1", "ifindex": 3, "weight": 2, "onlink": False, "realms": 0},
            {"gateway": None, "ifindex": 2, "weight": 1, "onlink": True, "realms": 0},
        ],
    }  # fmt: skip
