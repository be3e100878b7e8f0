"""Routes of a dump that are like earlier ones; that every way decodes the same is test_decode.py's."""

from __future__ import annotations

import struct
from typing import Dict, List, Sequence, Tuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guest_routes.kernel.rtnetlink.decode import decode_route
from guest_routes.kernel.rtnetlink.dump import RouteDump
from tests.support.netlink_bytes import attribute, message, number, rtmsg

INET, INET6 = 2, 10
GATEWAYS = {INET: bytes([11, 8, 0, 1]), INET6: bytes(15) + b"\1"}


def body(
    family: int, destination: int, gateway: bool = True, metric: int = 1024, length: int = 24, expires: int = 0
) -> bytes:
    """A route as the kernel dumps it."""
    size = len(GATEWAYS[family])
    attributes = number(15, 254) + attribute(1, destination.to_bytes(2, "big") + bytes(size - 2)) + number(6, metric)
    attributes += attribute(5, GATEWAYS[family]) if gateway else b""
    attributes += number(4, 3)
    if family == INET6:
        attributes += attribute(12, struct.pack("=IIiIIIII", 0, 0, expires, 0, 0, 0, 0, 0)) + attribute(20, b"\0")
    return rtmsg(family, attributes, dst_len=length)


def read(dump: RouteDump, data: bytes) -> List[Tuple[int, int]]:
    """Reads a datagram of a dump; of each message that was not like an earlier one, where its body stands."""
    spans = []
    for kind, _, _, _, start, end in dump.others(data):
        spans.append((start, end))
        if kind == 24:
            dump.decode(data, start, end)
    return spans


@given(st.sampled_from([INET, INET6]).flatmap(lambda family: st.tuples(st.just(family), st.lists(st.builds(
    body, st.just(family), st.integers(0, 65535), st.booleans(), st.sampled_from([5, 1024]), st.integers(1, 32),
    st.sampled_from([0, 500]),
), max_size=12))))  # fmt: skip
def test_any_mixture_comes_out_as_if_each_were_decoded_by_itself(drawn: Tuple[int, Sequence[bytes]]) -> None:
    family, bodies = drawn
    datagram = b"".join(message(24, one) for one in bodies)
    dump = RouteDump(family, 254)
    read(dump, datagram)
    read(dump, datagram)
    assert dump.routes == [route for one in bodies for route in decode_route(one, 0, len(one))] * 2


@pytest.mark.parametrize("family", [INET, INET6])
@pytest.mark.parametrize("gateway", [True, False])
def test_of_the_kernels_usual_messages_only_the_first_is_decoded_by_itself(family: int, gateway: bool) -> None:
    """In every datagram, and with messages of other forms in between."""
    dump = RouteDump(family, 254)
    alike = [message(24, body(family, number, gateway), flags=2) for number in range(256)]
    other = [message(24, body(family, number, not gateway), flags=2) for number in range(2)]
    assert len(read(dump, alike[0] + other[0])) == 2
    assert read(dump, b"".join(alike[1:])) == []
    assert read(dump, alike[0] + other[1] + alike[1]) == []
    assert len(dump.routes) == 2 + 255 + 3


@pytest.mark.parametrize("family", [INET, INET6])
@pytest.mark.parametrize("other", [
    {"flags": 0x12}, {"flags": 2, "sequence": 8}, {"flags": 2, "port": 9},
], ids=["interrupted", "another-request", "another-port"])  # fmt: skip
def test_a_message_with_another_header_comes_out(family: int, other: Dict[str, int]) -> None:
    dump, usual = RouteDump(family, 254), message(24, body(family, 7), flags=2, sequence=7)
    data = usual + usual + message(24, body(family, 8), **{"sequence": 7, **other}) + usual
    assert [start for start, _ in read(dump, data)] == [16, 2 * len(usual) + 16]


def test_what_is_no_route_comes_out_whatever_its_length() -> None:
    dump, usual = RouteDump(INET, 254), message(24, body(INET, 7))
    done = message(3, bytes(len(usual) - 16))
    read(dump, usual)
    assert [start for start, _ in read(dump, usual + done + usual)] == [len(usual) + 16]
    assert len(dump.routes) == 3


@pytest.mark.parametrize("rest", [b"\x3c\0\0\0", b"\3\0\0\0" * 5, b"\xff\xff\0\0" * 5, b"\0"])
def test_a_malformed_end_ends_it(rest: bytes) -> None:
    dump, usual = RouteDump(INET, 254), message(24, body(INET, 7))
    assert len(read(dump, usual + usual + rest)) == 1
    assert len(read(dump, (usual + usual)[:-4])) == 0
    assert len(dump.routes) == 3


def test_routes_of_other_tables_are_left_out() -> None:
    """Kernels before 4.20 dump them."""
    other = rtmsg(INET, number(15, 100) + attribute(1, bytes(4)) + number(4, 3), dst_len=24, table=100)
    dump, usual = RouteDump(INET, 254), message(24, body(INET, 7))
    assert len(read(dump, message(24, other) * 2 + usual * 2)) == 3
    assert [route.table for route in dump.routes] == [254, 254]


def with_own(family: int, number_of_route: int, attribute_type: int = 5, metric: int = 1024) -> bytes:
    """A route whose gateway, or by another attribute's type whose source, no other one has."""
    size = len(GATEWAYS[family])
    own = number_of_route.to_bytes(4, "big").rjust(size, b"\x01")
    attributes = number(15, 254) + attribute(1, number_of_route.to_bytes(2, "big") + bytes(size - 2))
    attributes += number(6, metric) + attribute(attribute_type, own) + number(4, 3)
    return rtmsg(family, attributes, dst_len=16)


@pytest.mark.parametrize("family", [INET, INET6])
def test_of_routes_that_each_have_a_gateway_of_their_own_a_few_are_decoded_by_themselves(family: int) -> None:
    """A hundred thousand others would take ten times as long."""
    dump, bodies = RouteDump(family, 254), [with_own(family, number) for number in range(1, 1001)]
    by_themselves = [
        read(dump, b"".join(message(24, one) for one in bodies[at : at + 50])) for at in range(0, 1000, 50)
    ]
    assert sum(map(len, by_themselves)) < 100
    assert dump.routes == [route for one in bodies for route in decode_route(one, 0, len(one))]


@pytest.mark.parametrize("family", [INET, INET6])
def test_gateways_of_their_own_are_never_taken_for_other_attributes_of_their_length(family: int) -> None:
    """A source stands where another route has its gateway; another metric stands in between."""
    dump = RouteDump(family, 254)
    bodies = [with_own(family, one, 7 if one % 5 == 0 else 5, 1024 + one % 3) for one in range(1, 501)]
    for one in bodies:
        read(dump, message(24, one) + message(24, one))
    assert dump.routes == [route for one in bodies for _ in "ab" for route in decode_route(one, 0, len(one))]


def test_a_gateway_that_is_cut_short_is_none() -> None:
    dump, cut = RouteDump(INET, 254), with_own(INET, 7)[:-12] + b"\x08\0\x05\0"
    for _ in range(200):
        read(dump, message(24, cut))
    assert dump.routes == 200 * decode_route(cut, 0, len(cut))


@given(st.lists(st.integers(0, 5), max_size=9), st.sampled_from([INET, INET6]))
def test_routes_that_are_expected_and_there_are_the_same_values(expected: Sequence[int], family: int) -> None:
    """Of those that differ by their metric or are not expected, the dump's own."""
    bodies = [body(family, one, metric=5 if one % 2 else 1024) for one in (0, 1, 2, 3, 2, 1)]
    there = [route for one in bodies for route in decode_route(one, 0, len(one))]
    known = {one.destination: one for route in (body(family, n, metric=5) for n in expected)
             for one in decode_route(route, 0, len(route))}  # fmt: skip
    dump = RouteDump(family, 254, known)
    read(dump, b"".join(message(24, one) for one in bodies))
    assert dump.routes == there
    for route in dump.routes:
        assert (route is known.get(route.destination)) == (known.get(route.destination) == route)
