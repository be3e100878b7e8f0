"""The property guest_routes: its host routes, and what is wrong with the others."""

from __future__ import annotations

import json
from typing import List, Optional, Tuple

import pytest

from guest_routes.evidence.properties import host_routes
from guest_routes.model.document import PROPERTY_CHARACTERS
from guest_routes.model.network import address_text, parse_address, parse_prefix
from guest_routes.model.network_data import PROPERTIES, HostRoute

FORM = "must be destination,nexthop, such as 11.11.0.0/16,11.8.0.1"


def read(written: object) -> Tuple[List[str], List[str]]:
    """Routes and problems as text."""
    routes, problems = host_routes(json.dumps(written))
    assert all(problem.refused for problem in problems)
    return [str(route) for route in routes], [str(problem) for problem in problems]


def test_routes_know_where_they_stand() -> None:
    routes, problems = host_routes(json.dumps("11.11.3.4/16,11.8.0.1 fd11::/48,fd08::1"))
    assert problems == []
    assert routes == [
        HostRoute(parse_prefix("11.11.0.0/16"), parse_address("11.8.0.1"), "meta_data.json", PROPERTIES, 0),
        HostRoute(parse_prefix("fd11::/48"), parse_address("fd08::1"), "meta_data.json", PROPERTIES, 1),
    ]
    assert (routes[1].place, routes[1].origin) == ("meta.guest_routes[1] of meta_data.json", "properties")


@pytest.mark.parametrize("separator", [" ", ";", "; ", "\n", "\t", " ;\n; "])
def test_what_may_separate_them(separator: str) -> None:
    assert read(separator.join(["11.11.0.0/16,11.8.0.1", "10.2.0.0/16,11.8.0.1"])) == (
        ["11.11.0.0/16,11.8.0.1", "10.2.0.0/16,11.8.0.1"], [],
    )  # fmt: skip


@pytest.mark.parametrize("value", ['""', '" ; "'])
def test_without_routes(value: str) -> None:
    """Set to nothing."""
    assert host_routes(value) == ([], [])


@pytest.mark.parametrize("value", ['"' + " " * PROPERTY_CHARACTERS, "[" * (PROPERTY_CHARACTERS + 1)])
def test_one_that_is_too_long_costs_its_routes_only(value: str) -> None:
    routes, (problem,) = host_routes(value)
    assert (routes, str(problem)) == (
        [],
        "meta.guest_routes of meta_data.json: has more than 16,384 characters, so none of its host routes is used; the "
        "setting `routes` takes as many as there are",
    )


def test_a_bad_route_costs_itself_only() -> None:
    assert read("11.11.0.0/16 10.2.0.0/16,11.8.0.1 10.0.0.0/0,11.8.0.1 0.0.0.0/0,11.8.0.1") == (
        ["10.2.0.0/16,11.8.0.1", "0.0.0.0/0,11.8.0.1"],
        [
            f"meta.guest_routes[0] of meta_data.json: '11.11.0.0/16': {FORM}",
            "meta.guest_routes[2] of meta_data.json: '10.0.0.0/0,11.8.0.1': 10.0.0.0/0 is no destination; the default "
            "route is 0.0.0.0/0",
        ],
    )


@pytest.mark.parametrize("written, shown", [(["x"], "a list"), ({"a": 1}, "an object"), (7, "7"), (True, "true")])
def test_what_is_no_text(written: object, shown: str) -> None:
    assert read(written) == (
        [], [f"meta.guest_routes of meta_data.json: must be text such as 11.11.0.0/16,11.8.0.1 10.2.0.0/16,11.8.0.1, "
             f"not {shown}"],
    )  # fmt: skip


@pytest.mark.parametrize("value", ["{", "[" * 10_000])
def test_what_is_no_json(value: str) -> None:
    routes, problems = host_routes(value)
    assert (routes, [str(problem) for problem in problems]) == ([], ["meta.guest_routes of meta_data.json: is damaged"])


@pytest.mark.parametrize(
    ("written", "destination", "next_hop"),
    [
        ("12.0.0.0/8", "12.0.0.0/8", None),
        ("12.0.0.0/8,11.8.0", "12.0.0.0/8", None),
        ("12.0.0.0.8,11.8.0.1", None, "11.8.0.1"),
        ("12.0.0.0/99,fd00::1", None, "fd00::1"),
        ("10.0.0.0/0,11.8.0.1", "0.0.0.0/0", "11.8.0.1"),
        ("x", None, None),
    ],
)
def test_what_can_be_read_of_a_route_that_is_refused(
    written: str, destination: Optional[str], next_hop: Optional[str]
) -> None:
    _, (problem,) = host_routes(json.dumps(written))
    found, gateway = problem.destination, problem.next_hop
    assert (found and str(found), gateway and address_text(gateway)) == (destination, next_hop)
