"""Nexthop objects: their messages, groups of them, and the routes that use them."""

from __future__ import annotations

import struct

from guest_routes.kernel.nexthops import (
    Member,
    NexthopMessage,
    decode_nexthop,
    members_of,
    nexthop_objects,
    with_objects,
)
from guest_routes.model.network import NextHop, NexthopObject, Route, parse_address, parse_prefix
from tests.support.netlink_bytes import attribute, number
from tests.unit.kernel.rtnetlink.test_encode import route

GATEWAY, GATEWAY6 = parse_address("11.8.0.1"), parse_address("fd00:8::1")


def decoded(family: int, attributes: bytes, flags: int = 0) -> NexthopMessage:
    body = struct.pack("=BBBxI", family, 0, 0, flags) + attributes
    return decode_nexthop(body, 0, len(body))


def test_objects_of_both_families() -> None:
    assert decoded(2, number(1, 7) + number(5, 3) + attribute(6, GATEWAY)) == NexthopMessage(7, NextHop(GATEWAY, 3))
    found = decoded(10, number(1, 8) + number(5, 3) + attribute(6, GATEWAY6), flags=4)
    assert found == NexthopMessage(8, NextHop(GATEWAY6, 3, onlink=True))
    assert decoded(2, number(1, 9) + number(5, 3)) == NexthopMessage(9, NextHop(None, 3))


def test_a_blackhole_and_an_encapsulated_one() -> None:
    assert decoded(2, number(1, 7) + attribute(4, b"")) == NexthopMessage(7)
    found = decoded(2, number(1, 7) + number(5, 3) + attribute(7, b"\1\0") + attribute(8, b""))
    assert found.encapsulated


def test_members_and_their_weights() -> None:
    group = struct.pack("=IBBHIBBH", 20, 0, 0, 0, 21, 4, 1, 0)
    assert decoded(0, number(1, 9) + attribute(2, group)).members == (Member(20, 1), Member(21, 261))
    assert list(members_of(group[:11])) == [Member(20)]


def test_a_group_has_the_next_hops_of_its_members() -> None:
    """Members may come after it: a dump goes by id."""
    one, two = NextHop(GATEWAY6, 3), NextHop(None, 4)
    received = [
        NexthopMessage(5, members=(Member(20, 3), Member(21), Member(99))),
        NexthopMessage(20, one),
        NexthopMessage(21, two, encapsulated=True),
        NexthopMessage(22),
    ]
    assert nexthop_objects(received) == (
        NexthopObject(5, (one._replace(weight=3), two), True, True),
        NexthopObject(20, (one,)),
        NexthopObject(21, (two,), False, True),
        NexthopObject(22),
    )


def test_routes_are_what_their_objects_say() -> None:
    objects = nexthop_objects(
        [
            NexthopMessage(7, NextHop(GATEWAY, 3, onlink=True)),
            NexthopMessage(8, members=(Member(7, 2),)),
            NexthopMessage(9),
            NexthopMessage(10, NextHop(GATEWAY, 3), encapsulated=True),
        ]
    )
    plain = route("10.9.0.0/16", "10.65.0.1", 2)
    by = {number: Route(parse_prefix("0.0.0.0/0"), None, 0, nexthop_id=number) for number in (7, 8, 9, 10, 11)}
    assert with_objects([plain, *by.values()], objects) == [
        plain,
        by[7]._replace(gateway=GATEWAY, ifindex=3, onlink=True),
        by[8]._replace(nexthops=(NextHop(GATEWAY, 3, 2, True),)),
        by[9],
        by[10]._replace(gateway=GATEWAY, ifindex=3, kind=0, unwritable="encap"),
    ]  # 11 went between the two dumps.
