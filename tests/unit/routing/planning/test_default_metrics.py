"""The metric of our own default among the others: who wins today goes on winning, who loses goes on losing."""

from __future__ import annotations

from typing import List, Optional, Tuple

import pytest

from guest_routes.model.settings import Settings
from guest_routes.routing.planning.default_metrics import (
    NEAR,
    default_metrics,
    free_metrics,
    keeps_its_place,
    stands_behind,
)
from tests.support.iproute_text import parse_route
from tests.support.situations import THREE_NICS, situation

NICS = situation([], THREE_NICS).kernel.nics
MANAGED = frozenset({2, 3})


def metrics(wanted: str, *there: str) -> Tuple[Optional[int], range]:
    routes = [parse_route(text, NICS) for text in there]
    return default_metrics(parse_route(wanted, NICS), routes, MANAGED, Settings())


FOUR = "default via 10.65.0.1 dev eth0 proto guest-routes"


@pytest.mark.parametrize(
    ("there", "metric"),
    [
        ([], 0),
        (["default via 11.8.0.1 dev eth1 metric 50"], 0),
        (["default via 10.200.0.1 dev tun0"], 1),
        (["default via 10.200.0.1 dev tun0 metric 50"], 51),
        (["default via 10.200.0.1 dev tun0 metric 50", "default via 10.200.0.2 dev tun0 metric 70"], 71),
        (["default via 11.8.0.1 dev eth1 metric 50", "default via 10.200.0.1 dev tun0 metric 70"], 0),
        (["default via 10.200.0.1 dev tun0 metric 50", "default via 11.8.0.1 dev eth1 metric 70"], 51),
        # At the same metric the first one wins.
        (["default via 10.200.0.1 dev tun0 metric 50", "default via 11.8.0.1 dev eth1 metric 50"], 51),
        (["default via 11.8.0.1 dev eth1 metric 50", "default via 10.200.0.1 dev tun0 metric 50"], 0),
        # Ours is inside, wherever it leads.
        (["default via 11.8.0.1 dev eth1 proto guest-routes", "default via 10.200.0.1 dev tun0"], 0),
        # Others that can't win don't count.
        (["default tos 0x10 via 10.200.0.1 dev tun0"], 0),
        (["unreachable default metric 9"], 0),
        (["default via 11.8.0.1 dev eth1 metric 5", "unreachable default metric 9"], 0),
        # Of a multipath route through both, the next hops outside stay ahead.
        (["default nexthop via 11.8.0.1 dev eth1 weight 1 nexthop via 10.200.0.1 dev tun0 weight 1"], 1),
        (["default nexthop via 11.8.0.1 dev eth1 weight 1 nexthop via 10.65.0.1 dev eth0 weight 1"], 0),
        # No metric is worse: RTA_PRIORITY has 32 bits.
        (["default via 10.200.0.1 dev tun0 metric 4294967295"], 4294967295),
        (["default via 10.200.0.1 dev tun0 metric 4294967294"], 4294967295),
    ],
)
def test_ipv4(there: List[str], metric: int) -> None:
    assert metrics(FOUR, *there) == (metric, range(metric, metric + 1))


def test_a_wanted_metric_gives_way_to_who_loses_today() -> None:
    wanted = f"{FOUR} metric 500"
    assert metrics(wanted)[0] == 500
    inside = "default via 11.8.0.1 dev eth1 metric 50"
    assert metrics(wanted, inside, "default via 10.200.0.1 dev tun0 metric 70")[0] == 70
    assert metrics(wanted, "default via 10.200.0.1 dev tun0 metric 70")[0] == 500
    assert metrics(wanted, "default via 10.200.0.1 dev tun0 metric 700")[0] == 701


SIX = "default via fd00:65::1 dev eth0 proto guest-routes metric 1023"


@pytest.mark.parametrize(
    ("there", "metric"),
    [
        ([], 1023),
        (["default via fd00:8::1 dev eth1 metric 1024"], 1023),
        # Nobody else may have it.
        (["default via fd00:8::1 dev eth1 metric 1023"], 1022),
        (["default via fd00:8::1 dev eth1 proto guest-routes metric 1023"], 1022),
        ([SIX], 1023),
        # Who wins goes on winning, who loses goes on losing.
        (["default via fd00:200::1 dev tun0 metric 1024"], 1025),
        (["default via fd00:200::1 dev tun0 metric 50"], 1023),
        (["default via fd00:8::1 dev eth1 metric 50", "default via fd00:200::1 dev tun0 metric 100"], 99),
        (
            [
                "default via fd00:8::1 dev eth1 metric 98",
                "default via fd00:8::2 dev eth1 metric 99",
                "default via fd00:200::1 dev tun0 metric 100",
            ],
            97,
        ),
        # Of one metric they are one route: what is outside stays ahead.
        (["default via fd00:8::1 dev eth1 metric 50", "default via fd00:200::1 dev tun0 metric 50"], 1023),
        # One on link is no next hop of it: the first is used.
        (["default via fd00:8::1 dev eth1 metric 50", "default dev tun0 metric 50"], 49),
        (["default dev tun0 metric 50", "default via fd00:8::1 dev eth1 metric 50"], 1023),
        (["default dev eth1 metric 50", "default via fd00:200::1 dev tun0 metric 50"], 49),
        # Of one metric the kernel goes by the best router preference.
        (["default via fd00:8::1 dev eth1 metric 1024", "default dev tun0 metric 1024 pref high"], 1025),
        (["default dev tun0 metric 50 pref low", "default via fd00:8::1 dev eth1 metric 50"], 49),
        # No room before the next one outside: behind it.
        (["default via fd00:8::1 dev eth1 metric 1", "default via fd00:200::1 dev tun0 metric 2"], 1023),
        (
            [
                "default via fd00:200::1 dev tun0 metric 10",
                "default via fd00:8::1 dev eth1 metric 11",
                "default via fd00:200::2 dev tun0 metric 12",
            ],
            1023,
        ),
        # Behind the first one outside there is room for one: right behind it, and before the next.
        (
            [
                "default via fd00:8::1 dev eth1 metric 1",
                "default via fd00:200::1 dev tun0 metric 2",
                "default via fd00:200::2 dev tun0 metric 4",
            ],
            3,
        ),
        (["default via fd00:8::1 dev eth1 metric 1", "unreachable default metric 1022"], 1021),
    ],
)
def test_ipv6(there: List[str], metric: int) -> None:
    assert metrics(SIX, *there)[0] == metric


@pytest.mark.parametrize("lowest, taken, metric", [
    (1021, (), 1023), (1021, (1023,), 1022), (1021, (1022, 1023), 1021), (1021, (1021, 1022, 1023), 1024),
    (1021, (1021, 1022, 1023, 1024), 1025), (1023, (1023,), 1024),
])  # fmt: skip
def test_the_nearest_free_metric_first_downwards(lowest: int, taken: Tuple[int, ...], metric: int) -> None:
    """Down to the one behind who wins today, that one included; then upwards, one by one."""
    winner = f"default via fd00:200::1 dev tun0 metric {lowest - 1}"
    inside = [f"default via fd00:8::{number} dev eth1 metric {one}" for number, one in enumerate(taken, 1)]
    assert metrics(SIX, winner, *inside)[0] == metric


@pytest.mark.parametrize("end, metric", [(1026, 1025), (1025, 1026)])
def test_upwards_as_far_as_who_loses_today(end: int, metric: int) -> None:
    """The last metric before it is taken, too; where there is none, ours goes behind it."""
    winner = "default via fd00:200::1 dev tun0 metric 1021"
    inside = [f"default via fd00:8::{number} dev eth1 metric {1021 + number}" for number in (1, 2, 3)]
    loser = f"default via fd00:200::9 dev tun0 metric {end}"
    assert metrics(SIX, winner, *inside, loser)[0] == metric


def test_no_metric_is_worse_than_the_worst_one() -> None:
    """All that are near are taken, and RTA_PRIORITY can't hold one behind: ours stands farther ahead, and may stay."""
    worst = 4294967295
    inside = [f"default via fd00:8::{n} dev eth1 metric {worst - n}" for n in range(NEAR + 1)]
    metric, fitting = metrics(SIX.replace("1023", str(worst)), *inside)
    assert metric == worst - NEAR - 1 and metric in fitting


def test_all_near_metrics_are_taken() -> None:
    """Ours stands behind them, and before one outside the metadata that loses."""
    inside = [f"default via fd00:8::{n + NEAR + 1} dev eth1 metric {1023 + n}" for n in range(-NEAR, 2 * NEAR)]
    metric, fitting = metrics(SIX, *inside, "default via fd00:200::1 dev tun0 metric 2000")
    assert metric == 1023 + 2 * NEAR and metric in fitting


WORST_VPN = "default via fd00:200::1 dev tun0 metric 4294967295"


@pytest.mark.parametrize(
    ("there", "metric"),
    [
        ([WORST_VPN], None),
        ([WORST_VPN.replace("95", "94")], 4294967295),
        ([WORST_VPN.replace("95", "94"), WORST_VPN], None),
        ([WORST_VPN.replace("95", "94"), "unreachable default metric 4294967295"], None),
        ([WORST_VPN, "default via fd00:8::1 dev eth1 metric 4294967295"], None),
        # It loses.
        (["default via fd00:8::1 dev eth1 metric 1024", WORST_VPN], 1023),
    ],
)
def test_none_is_left_behind_the_worst_one(there: List[str], metric: Optional[int]) -> None:
    """IPv6 makes next hops of one route of two at a metric."""
    assert metrics(SIX, *there)[0] == metric


def test_how_far_from_the_wanted_metric_is_nearby() -> None:
    assert metrics(SIX)[1] == range(1007, 1040)


def test_ipv6_stays_where_it_is_nearby() -> None:
    _, fitting = metrics(SIX)
    assert fitting == range(1023 - NEAR, 1023 + NEAR + 1)
    _, below = metrics(SIX, "default via fd00:8::1 dev eth1 metric 50", "default via fd00:200::1 dev tun0 metric 100")
    assert fitting != below == range(99 - NEAR, 100)
    _, ahead = metrics(SIX, "default via fd00:200::1 dev tun0 metric 1020")
    assert ahead == range(1021, 1023 + NEAR + 1)


ETH1, VPN = "default via 11.8.0.1 dev eth1 metric 50", "default via 10.200.0.1 dev tun0 metric 75"
ETH0 = "default via 10.65.0.1 dev eth0 metric 100"


@pytest.mark.parametrize(
    ("there", "keeps"),
    [
        ([ETH0], True),
        ([ETH1, ETH0], True),
        ([VPN, ETH0], True),  # It stands ahead, and goes on doing so.
        ([ETH1, VPN, ETH0], False),  # D12
        ([ETH1, "unreachable default metric 75", ETH0], False),
        ([ETH1, "default tos 0x10 via 10.200.0.1 dev tun0 metric 75", ETH0], True),
        ([VPN.replace("75", "40"), ETH1, ETH0], True),
        ([VPN.replace("75", "40"), ETH1, VPN, ETH0], False),
        ([ETH1.replace("50", "100"), VPN.replace("75", "100"), ETH0], False),  # By their order.
        ([VPN.replace("75", "100"), ETH1.replace("50", "100"), ETH0], True),
        ([ETH1, ETH0, VPN.replace("75", "100")], True),
        # Ours would stand behind the second VPN, too: behind the first one, which wins.
        ([VPN.replace("75", "50"), ETH1, VPN.replace("75", "50"), ETH0], True),
        ([VPN.replace("75", "50"), ETH1, VPN.replace("75", "51"), ETH0], False),
    ],
)
def test_a_default_that_keeps_its_place(there: List[str], keeps: bool) -> None:
    routes = [parse_route(text, NICS) for text in there]
    own = parse_route(ETH0, NICS)
    assert keeps_its_place(own, routes, MANAGED, Settings()) == keeps


SIX0, SIX1 = "default via fd00:65::1 dev eth0 metric 100", "default via fd00:8::1 dev eth1 metric 50"


@pytest.mark.parametrize(("vpn", "keeps"), [(40, True), (50, True), (75, False), (100, False), (101, True)])
def test_a_default_of_ipv6_that_keeps_its_place(vpn: int, keeps: bool) -> None:
    """Those of one metric share the traffic."""
    routes = [parse_route(text, NICS) for text in (SIX1, SIX0, f"default via fd00:200::1 dev tun0 metric {vpn}")]
    assert keeps_its_place(routes[1], routes, MANAGED, Settings()) == keeps


ON_LINK = "default dev tun0 metric {}"


@pytest.mark.parametrize(
    ("there", "keeps"),
    [
        ([SIX1, ON_LINK.format(50), SIX0], False),
        ([ON_LINK.format(50), SIX1, SIX0], True),
        ([SIX1, ON_LINK.format(100), SIX0], False),
        ([SIX1, SIX0, ON_LINK.format(100)], True),
        (["default dev eth1 metric 50", "default via fd00:200::1 dev tun0 metric 50", SIX0], False),
    ],
)
def test_ipv6_on_link_stands_in_its_place(there: List[str], keeps: bool) -> None:
    """The first of a metric is used where they are not next hops of one route."""
    routes = [parse_route(text, NICS) for text in there]
    assert keeps_its_place(parse_route(SIX0, NICS), routes, MANAGED, Settings()) == keeps


WORST = "default via {} metric 4294967295"
TUN0_WORST, ETH1_WORST = WORST.format("10.200.0.1 dev tun0"), WORST.format("11.8.0.1 dev eth1")


@pytest.mark.parametrize(
    ("there", "behind"),
    [
        ([TUN0_WORST], True),
        ([TUN0_WORST, ETH1_WORST], True),
        ([ETH1_WORST, TUN0_WORST], False),
        ([ETH1_WORST], False),
        ([VPN, TUN0_WORST], True),
        ([VPN, ETH1_WORST], False),
        ([], False),
    ],
)
def test_behind_who_wins_at_the_same_metric(there: List[str], behind: bool) -> None:
    routes = [parse_route(text, NICS) for text in there]
    assert stands_behind(0xFFFFFFFF, routes, MANAGED, Settings()) is behind


@pytest.mark.parametrize("place", [0, 1])
def test_an_encapsulated_next_hop_shares_too(place: int) -> None:
    """Of a multipath route with one outside none can be written back: ours comes behind it."""
    texts = "default via fd00:8::1 dev eth1 metric 50", "default via fd00:200::1 dev tun0 metric 50"
    routes = [parse_route(text, NICS)._replace(kind=0, unwritable="encap") for text in texts]
    assert default_metrics(parse_route(SIX, NICS), routes, MANAGED, Settings())[0] == 1023
    routes[place] = routes[place]._replace(kind=1, unwritable="")
    assert default_metrics(parse_route(SIX, NICS), routes, MANAGED, Settings())[0] == 1023
    by_object = [route._replace(nexthop_id=7 if number == place else 0) for number, route in enumerate(routes)]
    assert default_metrics(parse_route(SIX, NICS), by_object, MANAGED, Settings())[0] == 49


def test_metrics_that_are_free() -> None:
    assert next(free_metrics(1024, set())) == 1024
    assert next(free_metrics(1024, {1024, 1025, 1027})) == 1026
    assert list(free_metrics(4294967294, {4294967294})) == [4294967295]
