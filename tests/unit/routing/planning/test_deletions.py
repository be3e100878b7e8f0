"""Which of several routes of a key the kernel deletes, as tests/netns/test_kernel_contract.py sees it do."""

from __future__ import annotations

from typing import List, Optional, Tuple

import pytest

from guest_routes.model.network import Route
from guest_routes.model.operations import MoveDefault, RestoreDefault
from guest_routes.routing.planning.deletions import (
    comes_between,
    displaced,
    is_deleted_for,
    is_named_by_protocol,
    undeletable,
)
from tests.support.iproute_text import parse_route
from tests.support.situations import THREE_NICS, situation

NICS = situation([], THREE_NICS).kernel.nics
PLAIN = "default via 11.8.0.1 dev eth1 proto static"
BOTH = "default proto static nexthop via 11.8.0.1 dev eth1 nexthop via 10.65.0.1 dev eth0"


def made(text: str) -> Route:
    """A route; `encap` in front of it for one that can't be written back."""
    known, _, rest = text.rpartition("encap ")
    route = parse_route(rest if known or text.startswith("encap ") else text, NICS)
    return route._replace(kind=0, unwritable="encap") if text.startswith("encap ") else route


@pytest.mark.parametrize(
    ("ahead", "asked", "deleted"),
    [
        (f"encap {PLAIN}", PLAIN, True),
        (f"encap {BOTH}", PLAIN, True),
        (f"encap {PLAIN}", BOTH, True),
        (f"{PLAIN} mtu 1400", PLAIN, True),
        (PLAIN, f"{PLAIN} mtu 1400", False),
        (f"{PLAIN} src 11.8.0.9", PLAIN, True),
        (PLAIN, f"{PLAIN} src 11.8.0.9", False),
        (BOTH, PLAIN, True),
        (PLAIN, BOTH, True),
        ("default via 10.65.0.1 dev eth0 proto static", BOTH, False),
        (f"{PLAIN} metric 5", PLAIN, False),
        ("default via 11.8.0.1 dev eth1 proto dhcp", PLAIN, False),
        ("default via 11.8.0.99 dev eth1 proto static", PLAIN, False),
        ("unreachable default proto static", PLAIN, False),
        ("encap default via fd00:8::1 dev eth1 proto static", "default via fd00:8::1 dev eth1 proto static", True),
        ("encap default via fd00:8::1 dev eth1 proto boot", "default via fd00:8::1 dev eth1 proto static", True),
        ("encap default via fd00:8::2 dev eth1 proto static", "default via fd00:8::1 dev eth1 proto static", False),
        ("encap default via fd00:8::1 dev eth0 proto static", "default via fd00:8::1 dev eth1 proto static", False),
    ],
)
def test_the_first_that_fits_goes(ahead: str, asked: str, deleted: bool) -> None:
    first, second = made(ahead), made(asked)
    assert is_deleted_for([first], second, [first, second]) is deleted
    assert not is_deleted_for([first], second, [second, first])
    assert not is_deleted_for([], second, [first, second])
    assert not is_deleted_for([first], second, [first])


@pytest.mark.parametrize("protocol", ["static", "boot"])
def test_one_by_an_object_of_unknown_protocol_fits_any(protocol: str) -> None:
    asked = made(f"default via fd00:8::1 dev eth1 proto {protocol}")
    hidden = made("default via fd00:8::2 dev eth1")._replace(protocol=0, kind=0, nexthop_id=7, unwritable="hidden")
    assert is_deleted_for([hidden], asked, [hidden, asked])


@pytest.mark.parametrize(("first", "second", "deleted"), [((), (), True), ((1,), (), True), ((), (1,), False)])
def test_twins_by_a_nexthop_object(first: Tuple[int, ...], second: Tuple[int, ...], deleted: bool) -> None:
    """IPv4 has several by one object that differ by metrics; IPv6 has no two."""
    for text, taken in ((PLAIN, deleted), ("default via fd00:8::1 dev eth1 proto static", False)):
        one, other = (
            made(text)._replace(nexthop_id=7, metrics=tuple((2, n) for n in metrics)) for metrics in (first, second)
        )
        assert is_deleted_for([one], other._replace(onlink=True), [one, other._replace(onlink=True)]) is taken


@pytest.mark.parametrize("number", [0, 1])
def test_a_nexthop_object_is_named_by_its_id(number: int) -> None:
    by_id = [made(PLAIN)._replace(nexthop_id=7 if place == number else 0, metrics=((2, place),)) for place in (0, 1)]
    assert not is_deleted_for(by_id[:1], by_id[1], by_id)


@pytest.mark.parametrize(
    ("there", "staying", "stays"),
    [
        ([f"encap {PLAIN}", PLAIN], None, [0, 1]),
        ([PLAIN, f"encap {PLAIN}"], None, [1]),
        ([PLAIN, BOTH], None, []),
        ([PLAIN, BOTH], 0, [0, 1]),
        ([f"encap {PLAIN}", PLAIN, BOTH, f"{PLAIN} metric 5"], None, [0, 1, 2]),
        ([BOTH, f"{PLAIN} mtu 1400", PLAIN], 0, [0, 2]),
    ],
)
def test_one_that_stays_keeps_those_behind_it(there: List[str], staying: Optional[int], stays: List[int]) -> None:
    routes = [made(text) for text in there]
    own: Tuple[Route, ...] = () if staying is None else (routes[staying],)
    found = undeletable([route for route in routes if route not in own], own, routes, frozenset())
    assert [*own, *found] == [routes[place] for place in stays]


SIX, SIX_LINK = "default via fd00:8::1 dev eth1 proto static", "default dev eth1 proto static"


@pytest.mark.parametrize(
    ("ahead", "asked", "deleted", "by_protocol"),
    [
        ((SIX, 0), (f"-6 {SIX_LINK}", 0), True, False),
        ((f"-6 {SIX_LINK}", 0), (SIX, 0), False, False),
        (("default via fd00:65::1 dev eth0 proto static", 0), (f"-6 {SIX_LINK}", 0), False, False),
        (("default via fd00:200::1 dev tun0 proto static", 7), (SIX, 0), True, True),
        (("default via fd00:200::1 dev tun0 proto ra", 7), (SIX, 0), False, True),
        (("default via fd00:200::1 dev tun0 proto static", 7), (f"{SIX} metric 1023", 0), False, False),
        (("default via fd00:200::1 dev tun0 proto static", 7), ("default via fd00:200::9 dev tun0", 8), False, False),
    ],
)
def test_to_ipv6_a_nexthop_object_fits_and_a_request_without_gateway_fits_all(
    ahead: Tuple[str, int], asked: Tuple[str, int], deleted: bool, by_protocol: bool
) -> None:
    first, second = (made(text)._replace(nexthop_id=number) for text, number in (ahead, asked))
    assert is_deleted_for([first], second, [first, second]) is deleted
    assert is_named_by_protocol(second, [first, second]) is by_protocol
    assert not is_deleted_for([first], second, [second, first])


def test_to_ipv4_a_request_without_gateway_fits_all_of_its_scope() -> None:
    gateway, wide = made(PLAIN), made("default dev eth1 proto static")
    assert is_deleted_for([gateway], wide, [gateway, wide])
    assert not is_deleted_for([gateway], wide._replace(scope=253), [gateway, wide._replace(scope=253)])
    assert not is_deleted_for([wide], gateway, [wide, gateway])


def test_a_whole_that_comes_back_in_front_of_its_part() -> None:
    whole, part = made(BOTH), made(PLAIN)
    assert comes_between([RestoreDefault(whole, before=True)], part)
    assert comes_between([MoveDefault(whole, before=True)], part)
    assert not comes_between([RestoreDefault(whole)], part)
    assert not comes_between([RestoreDefault(whole, before=True)], part._replace(metric=5))
    assert not comes_between([RestoreDefault(whole, before=True)], made("default via 10.65.0.1 dev eth0 proto static"))


def test_the_protocol_is_named_for_ipv6_alone() -> None:
    """IPv4's requests name it anyway, and behind a route by an object there, too."""
    behind = made(PLAIN)
    assert not is_named_by_protocol(behind, [behind._replace(nexthop_id=7, gateway=None), behind])


SIX, VPN_6 = "default via fd00:8::1 dev eth1 proto static metric 9", "default via fd00:200::1 dev tun0 metric 9"
REJECTING = "unreachable ::/0 metric 9"
ON_LINK = "::/0 dev eth1 metric 9"


@pytest.mark.parametrize(
    ("there", "moved"),
    [
        ([SIX, REJECTING], [0]),
        ([REJECTING, SIX], []),
        ([SIX, VPN_6], []),
        ([ON_LINK, VPN_6], [0]),
        ([VPN_6, ON_LINK], []),
        ([VPN_6, SIX, REJECTING], []),
        ([SIX, "default via fd00:8::2 dev eth1 metric 9", REJECTING], [0]),
        ([SIX, f"encap {ON_LINK}"], [0]),
        ([f"encap {SIX}", REJECTING], []),
        ([SIX, REJECTING.replace("9", "10")], []),
        ([PLAIN, "unreachable default"], []),
    ],
)
def test_what_would_come_back_behind_another(there: List[str], moved: List[int]) -> None:
    """IPv6 adds behind all of a metric, and next hops to their multipath route, wherever that stands."""
    routes = [made(one) for one in there]
    staying = [one for one in routes if one.ifindex not in (2, 3)]
    theirs = [one for one in routes if one not in staying]
    assert displaced(theirs, staying, routes) == tuple(routes[place] for place in moved)


def test_a_hidden_one_keeps_none_before_it() -> None:
    """It shows, and may go, once those before it have gone; a VPN's stays."""
    six = made(SIX)
    hidden = six._replace(kind=0, nexthop_id=7, unwritable="hidden")
    assert displaced([six, hidden], [], [six, hidden]) == ()
    assert displaced([six], [hidden], [six, hidden]) == (six,)
