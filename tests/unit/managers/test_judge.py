"""What becomes of each route: its index has what the files and the decision have; the work grows with the routes."""

from __future__ import annotations

from typing import Any, Dict, List

import pytest

from guest_routes.managers.correct import correct
from guest_routes.managers.judge import judged
from guest_routes.model.configuration import ConfiguredRoute, ParsedConfig, Place
from guest_routes.model.network import parse_address
from guest_routes.model.plan import Decision
from guest_routes.model.settings import Settings
from guest_routes.routing.decide import decide
from guest_routes.routing.project import project
from tests.support.reports import ETH0, ETH1, prefix, projected
from tests.support.situations import network, situation
from tests.support.steps import steps
from tests.unit.managers.test_correct_named_default import DEFAULT, KERNEL, MANAGERS, rendered

HOST = ConfiguredRoute(ETH0, prefix("11.11.0.0/16"), parse_address("11.8.0.1"), "/0", (1,))
PLACE = Place(ETH1, 4, "/1", 3)


def verdicts(*parsed: ParsedConfig) -> List[str]:
    return [f"{one.verdict}: {one.reason}" for one in judged(parsed, projected("wrong-subnet"), Settings())]


def config(path: str, **fields: Any) -> ParsedConfig:
    return ParsedConfig(path, "netplan", ())._replace(**fields)


def test_the_first_place_that_takes_such_routes() -> None:
    others = (PLACE._replace(family=6), PLACE._replace(takes="default"), PLACE._replace(nic=ETH0))
    taken = PLACE._replace(takes="host", path="/2")
    (one,) = judged(
        [config("/0", routes=(HOST,)), config("/1", places=others), config("/2", places=(taken, PLACE))],
        projected("wrong-subnet"),
        Settings(),
    )
    assert (one.verdict, one.to) == ("moved", taken)
    assert verdicts(config("/0", routes=(HOST,)), config("/1", places=others)) == ["left: no-file"]


def test_a_file_that_is_left_alone_has_neither_routes_nor_places() -> None:
    odd = config("/1", places=(PLACE,), routes=(HOST._replace(nic=ETH1),), odd="line 1")
    assert verdicts(config("/0", routes=(HOST,)), odd) == ["left: no-file"]
    assert verdicts(odd) == []


def test_there_already_in_main_alone() -> None:
    there = HOST._replace(nic=ETH1)
    elsewhere = config("/1", routes=(there._replace(in_main=False),), places=(PLACE,))
    assert verdicts(config("/0", routes=(HOST, there))) == ["removed: there-already", "kept: resolved"]
    assert verdicts(config("/0", routes=(HOST,)), elsewhere) == ["moved: resolved", "kept: not-main"]


def test_a_route_without_a_line_of_its_own_stays_and_counts() -> None:
    default = ConfiguredRoute(ETH1, prefix("0.0.0.0/0"), parse_address("11.8.0.1"), "/1", ())
    elected = default._replace(nic=ETH0, gateway=parse_address("10.65.0.1"), path="/0")
    files = config("/0", routes=(elected,)), config("/1", routes=(default,))
    assert verdicts(*files) == ["kept: elected", "left: in-other-line"]
    own = config("/1", routes=(default._replace(lines=(3,)),))
    assert verdicts(files[0], own) == ["kept: elected", "removed: extra-default"]


def many(number: int) -> Dict[str, List[str]]:
    """So many host routes under eth0, all of them eth1's."""
    return {"eth0": [DEFAULT[4], *(f"{20 + (index >> 8)}.{index & 255}.0.0/16" for index in range(number))], "eth1": []}


def decided(destinations: List[str]) -> Decision:
    first = network("eth0", "10.65.0.7/24", "default 10.65.0.1", *(f"{one} 11.8.0.1" for one in destinations[1:]))
    evidence = situation([first, network("eth1", "11.8.0.9/24", "default 11.8.0.1")], KERNEL)
    links = tuple(one._replace(mac=nic.mac) for one, nic in zip(evidence.data.links, (ETH0, ETH1)))
    evidence = evidence._replace(data=evidence.data._replace(links=links))
    return decide(project(evidence, Settings()), Settings())


@pytest.mark.parametrize("manager", MANAGERS)
def test_the_work_is_linear(manager: str) -> None:
    """Of 100 routes and of 800, which all move: the square of it would be 64 times as much."""
    taken = []
    for number in (100, 800):
        listed = many(number)
        files = [(manager, path, text) for path, text in rendered(manager, 4, listed).items()]
        decision = decided(listed["eth0"])
        count, made = steps(lambda files=files, decision=decision: correct(files, decision, Settings()))  # type: ignore[misc]
        assert sum(one.verdict == "moved" for one in made.verdicts) == number
        taken.append(count)
    assert taken[1] < 12 * taken[0], taken
