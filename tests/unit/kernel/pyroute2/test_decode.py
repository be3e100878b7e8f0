"""What pyroute2 decodes, as values: the same as the default engine makes of the same bytes."""

from __future__ import annotations

import struct
from typing import Any, Dict

import pytest
from hypothesis import given
from pyroute2.netlink.rtnl.fibmsg import fibmsg

from guest_routes.kernel.pyroute2.decode import routes_of, rule_of
from guest_routes.kernel.pyroute2.encode import RouteMessage
from guest_routes.kernel.rtnetlink.decode import decode_route, decode_rule
from guest_routes.kernel.rtnetlink.encode import encode
from guest_routes.model.network import Route
from guest_routes.model.operations import Add
from tests.support.any_route import any_route
from tests.support.netlink_bytes import attribute, message, nexthop, number, rtmsg

INET, INET6 = 2, 10
DST, GATEWAY6 = attribute(1, bytes([11, 11, 0, 0])), attribute(5, bytes.fromhex("fe80") + bytes(13) + b"\1")


def decoded(message_class: Any, data: bytes) -> Any:
    found = message_class(data)
    found.decode()
    return found


@given(any_route())
def test_what_the_default_engine_encodes_comes_back(route: Route) -> None:
    assert routes_of(decoded(RouteMessage, encode(Add(route), 1))) == (route,)


@pytest.mark.parametrize("body", [
    rtmsg(INET6, number(6, 1024) + attribute(9, nexthop(3, GATEWAY6) + nexthop(2, GATEWAY6, flags=4))),
    rtmsg(INET, number(15, 70000) + DST + attribute(12, bytes(32)), dst_len=16, table=252),
    rtmsg(INET, DST + number(11, 9), dst_len=16),  # RTA_FLOW
    rtmsg(INET, DST + attribute(8, number(2, 1400) + attribute(16, b"cubic\0")), dst_len=16),  # RTAX_CC_ALGO
    rtmsg(INET, DST + attribute(9, nexthop(3) + nexthop(2, attribute(21, struct.pack("=H", 1)))), dst_len=16),
    rtmsg(INET, DST, dst_len=16, src_len=8),
    rtmsg(INET, DST, dst_len=16, flags=0x200),  # RTM_F_CLONED
    rtmsg(INET, DST, dst_len=16, kind=2, protocol=2),
    rtmsg(INET6, GATEWAY6, kind=2, protocol=2),
])  # fmt: skip
def test_both_engines_read_the_same(body: bytes) -> None:
    found = routes_of(decoded(RouteMessage, message(24, body)))
    assert list(found) == decode_route(body, 0, len(body))


def test_a_message_of_another_type_is_no_route() -> None:
    assert routes_of(decoded(RouteMessage, message(25, rtmsg(INET, DST, dst_len=16)))) == ()


@pytest.mark.parametrize("attributes, fields", [
    (number(6, 32766) + number(14, 0xFFFFFFFF) + attribute(21, b"\2"), {}), (number(15, 70000), {"table": 252}),
    (b"", {"dst_len": 16}), (b"", {"src_len": 16}), (b"", {"tos": 16}), (b"", {"flags": 2}), (b"", {"kind": 7}),
    (number(10, 1), {}), (number(14, 0), {}), (number(10, 1) + number(16, 2), {}), (number(16, 0xFF), {}),
    (attribute(3, b"lo\0"), {}), (attribute(3, b"eth1\0"), {}), (attribute(17, b"eth1\0"), {}),
    (attribute(22, b"\6"), {}),
    (attribute(20, struct.pack("=II", 0, 5)), {}), (attribute(20, struct.pack("=II", 5, 5)), {}), (number(13, 1), {}),
    (number(11, 1), {}), (attribute(19, b"\1"), {}), (number(10, 1), {"flags": 2}),
])  # fmt: skip
@pytest.mark.parametrize("family", [INET, INET6])
def test_both_engines_read_the_same_rules(family: int, attributes: bytes, fields: Dict[str, int]) -> None:
    body = rtmsg(family, attributes, **{"protocol": 0, **fields})
    assert rule_of(decoded(fibmsg, message(32, body))) == decode_rule(body, 0, len(body))


@pytest.mark.parametrize("negated", [0, 2])
@pytest.mark.parametrize("family", [INET, INET6])
def test_both_engines_read_the_same_addresses_of_rules(family: int, negated: int) -> None:
    size = 4 if family == INET else 16
    attributes = attribute(1, b"\x20" + bytes(size - 1)) + attribute(2, b"\x30" + bytes(size - 1))
    body = rtmsg(family, attributes, protocol=0, dst_len=8, src_len=5, flags=negated)
    found = decode_rule(body, 0, len(body))
    assert rule_of(decoded(fibmsg, message(32, body))) == found
    assert (found.destination and found.destination.length, found.chosen) == (8, bool(negated))
