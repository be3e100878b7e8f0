"""Requests as pyroute2 reads them, and to the byte where the kernel's headers say so."""

from __future__ import annotations

import struct
from typing import Any, List, Optional, Tuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyroute2.netlink.rtnl.rtmsg import rtmsg

from guest_routes.kernel.engine import route_to_delete
from guest_routes.kernel.rtnetlink import encode
from guest_routes.model.network import NextHop, Prefix, Route, address_text, parse_address, parse_prefix
from guest_routes.model.operations import Add, Delete, Promote, RemoveForeignDefault, RestoreDefault
from tests.support.netlink_bytes import attribute, message, nexthop, number
from tests.support.netlink_bytes import rtmsg as rtmsg_bytes

STATIC = 4
INET, INET6 = 2, 10


def route(destination: str, via: Optional[str], ifindex: int, **fields: Any) -> Route:
    """`route("11.11.0.0/16", "11.8.0.1", 3, metric=5)`"""
    return Route(parse_prefix(destination), parse_address(via) if via else None, ifindex)._replace(**fields)


ENCODED = [
    route("11.11.0.0/16", "11.8.0.1", 3),
    route("11.11.0.0/16", "11.8.0.1", 3, metric=5, protocol=STATIC, onlink=True),
    route("0.0.0.0/0", "11.8.0.1", 3, source=parse_address("11.8.0.9"), metrics=((2, 1400), (8, 1300)), tos=16),
    route("10.9.0.0/16", None, 3, scope=253, table=1000),
    route("11.11.0.0/16", "11.8.0.1", 3, table=1000),
    route("10.9.0.0/16", "fe80::1", 3),
    route(
        "0.0.0.0/0",
        None,
        0,
        nexthops=(NextHop(parse_address("11.8.0.1"), 3, 4), NextHop(parse_address("10.65.0.1"), 2, 1, True)),
    ),
    route("0.0.0.0/0", None, 0, nexthops=(NextHop(None, 3), NextHop(parse_address("fe80::1"), 2))),
    route("10.9.0.0/16", None, 0, kind=6),
    route("fd01::/32", "fd00:8::1", 3, metric=7),
    route("::/0", "fe80::1", 3, preference=1, metrics=((2, 1400),), source=parse_address("fd00:8::9")),
]


@pytest.mark.parametrize("ours", ENCODED, ids=str)
def test_pyroute2_decodes_every_field(ours: Route) -> None:
    for operation, kind, flags in (
        (Add(ours), 24, 0x401 if ours.family == 4 else 0x601),
        (Delete(ours), 25, 0x001),
        (RemoveForeignDefault(ours), 25, 0x001),
        (RestoreDefault(ours), 24, 0xC01),
    ):
        data = encode.encode(operation, 42)
        found = rtmsg(data)
        found.decode()
        header = found["header"]
        assert (header["length"], header["type"], header["flags"]) == (len(data), kind, flags)
        assert header["sequence_number"] == 42
        assert (found["tos"], found["proto"], found["scope"], found["type"]) == (
            ours.tos, route_to_delete(operation).protocol, ours.scope, ours.kind,
        )  # fmt: skip
        _assert_attributes(found, ours)


def _assert_attributes(found: rtmsg, ours: Route) -> None:
    attribute_of = found.get_attr
    assert found["family"] == (INET if ours.family == 4 else INET6)
    assert (found["dst_len"], found["src_len"]) == (ours.destination.length, 0)
    assert found["flags"] == (4 if ours.onlink else 0)
    assert attribute_of("RTA_TABLE") == ours.table
    assert found["table"] == (ours.table if ours.table < 256 else 0)
    unspecified = "0.0.0.0" if ours.family == 4 else "::"
    assert (attribute_of("RTA_DST") or unspecified) == address_text(ours.destination.address)
    assert (attribute_of("RTA_PRIORITY") or 0) == ours.metric
    alone = ours.weight == 1
    assert (attribute_of("RTA_OIF") or 0) == (ours.ifindex if alone else 0)
    assert (attribute_of("RTA_FLOW") or 0) == ours.realms
    assert attribute_of("RTA_PREFSRC") == (ours.source and address_text(ours.source))
    assert (attribute_of("RTA_PREF") or 0) == ours.preference
    assert _decoded_gateway(found) == (address_text(ours.gateway) if ours.gateway and alone else None)
    metrics = attribute_of("RTA_METRICS")
    assert [v for _, v in metrics["attrs"]] == [v for _, v in ours.metrics] if ours.metrics else metrics is None
    nexthops = [
        (_decoded_gateway(one), one["oif"], one["hops"] + 1, one["flags"])
        for one in attribute_of("RTA_MULTIPATH") or ()
    ]
    assert nexthops == [
        (gateway and address_text(gateway), ifindex, weight, 4 if onlink else 0)
        for gateway, ifindex, weight, onlink, _ in ours.nexthops
    ] or _as_next_hop(ours)


def _as_next_hop(ours: Route) -> List[Tuple[Optional[str], int, int, int]]:
    """An IPv6 route with a weight is written as the only next hop of a multipath route."""
    gateway = address_text(ours.gateway) if ours.gateway else None
    return [(gateway, ours.ifindex, ours.weight, 4 if ours.onlink else 0)] if ours.weight != 1 else []


def _decoded_gateway(found: rtmsg) -> Optional[str]:
    via = found.get_attr("RTA_VIA")
    text: Optional[str] = via["addr"] if via else found.get_attr("RTA_GATEWAY")
    return text


DESTINATIONS = [parse_prefix(text) for text in ("11.11.0.0/16", "10.9.0.0/24", "10.9.0.0/25", "0.0.0.0/0", "fd02::/48")]
OPERATIONS = st.one_of(
    st.builds(Add, st.sampled_from(ENCODED), st.just("gateway"), st.sampled_from(["before", "alone", "behind"])),
    st.builds(Delete, st.sampled_from(ENCODED)),
    st.builds(Promote, st.sampled_from(ENCODED)),
)


@given(st.lists(st.tuples(OPERATIONS, st.lists(st.sampled_from(DESTINATIONS), max_size=24)), max_size=4))
def test_one_after_the_other_they_are_encoded_as_each_alone(groups: List[Tuple[Any, List[Prefix]]]) -> None:
    operations = [operation for operation, _ in groups]
    for operation, destinations in groups:
        likes = [one for one in destinations if len(one.address) == len(operation.route.destination.address)]
        operations += [operation._replace(route=operation.route._replace(destination=one)) for one in likes]
    pieces = list(encode.encoded(operations, 7))
    alone = [encode.encode(operation, sequence) for sequence, operation in enumerate(operations, 7)]
    assert b"".join(piece for _, piece in pieces) == b"".join(alone)
    for sequence, _ in pieces:  # Each piece ends where it says.
        assert b"".join(piece for last, piece in pieces if last <= sequence) == b"".join(alone[: sequence - 6])


@pytest.mark.parametrize("gateway, size", [("11.8.0.1", 4), ("fd00:8::1", 16)])
def test_a_thousand_that_are_alike_are_a_few_pieces(gateway: str, size: int) -> None:
    """Each below what a send may have; what is unlike among them costs its neighbours nothing."""
    prefixes = [Prefix(bytes([20, *number.to_bytes(2, "big")]) + bytes(size - 3), 24) for number in range(1000)]
    operations: List[Any] = [Add(Route(prefix, parse_address(gateway), 3)) for prefix in prefixes]
    operations[700] = Delete(operations[700].route)
    pieces = list(encode.encoded(operations, 1))
    alone = [encode.encode(operation, sequence) for sequence, operation in enumerate(operations, 1)]
    assert b"".join(piece for _, piece in pieces) == b"".join(alone)
    assert len(pieces) < 30 and max(len(piece) for _, piece in pieces) < 32 * 1024


def test_a_promotion_is_a_deletion_and_an_addition_in_one_send() -> None:
    """Both with the operation's sequence number: whichever is refused, it is this operation's answer."""
    ours = ENCODED[1]
    expected = encode.encode(Delete(ours), 42) + encode.encode(Add(ours), 42)
    assert encode.encode(Promote(ours), 42) == expected


def test_a_plain_route_to_the_byte() -> None:
    """What the one struct call makes is what the attributes one by one are."""
    expected = [
        number(15, 254), attribute(1, bytes([11, 11, 0, 0])), number(6, 5), attribute(5, bytes([11, 8, 0, 1])),
        number(4, 3),
    ]  # fmt: skip
    body = rtmsg_bytes(INET, b"".join(expected), dst_len=16, protocol=121, flags=4)
    ours = route("11.11.0.0/16", "11.8.0.1", 3, metric=5, onlink=True)
    assert encode.encode(Add(ours), 42) == message(24, body, flags=0x401, sequence=42)


def test_a_nexthop_object_stands_alone() -> None:
    """The kernel refuses RTA_NH_ID beside a gateway, a NIC or next hops; without RTA_METRICS IPv4 means any."""
    ours = route("10.9.0.0/16", "11.8.0.1", 3, nexthop_id=7)
    parts = number(15, 254) + attribute(1, bytes([10, 9, 0, 0])) + number(6, 0) + number(30, 7) + attribute(8, b"")
    body = rtmsg_bytes(INET, parts, dst_len=16, protocol=121)
    assert encode.encode(Delete(ours), 1) == message(25, body, flags=0x001)
    assert encode.encode(Delete(ours._replace(kind=6)), 1) == message(25, body, flags=0x001)


def test_a_multipath_route_to_the_byte() -> None:
    ours = route("0.0.0.0/0", None, 0, nexthops=(NextHop(parse_address("11.8.0.1"), 3, 4, True), NextHop(None, 2)))
    hops = nexthop(3, attribute(5, bytes([11, 8, 0, 1])), flags=4, hops=3) + nexthop(2)
    body = rtmsg_bytes(INET, number(15, 254) + number(6, 0) + attribute(9, hops), protocol=121)
    assert encode.encode(RestoreDefault(ours), 1) == message(24, body, flags=0xC01)


def test_a_foreign_ipv6_default_is_removed_whatever_its_protocol() -> None:
    ours = route("::/0", "fe80::1", 3, protocol=9)
    assert encode.encode(RemoveForeignDefault(ours), 1)[16 + 5] == 0
    assert encode.encode(Delete(ours), 1)[16 + 5] == 9


# ---- questions --------------------------------------------------------------------------------------


def test_every_message_states_its_own_length() -> None:
    sizes: List[int] = []
    for ours in ENCODED:
        data = encode.encode(Add(ours), 1)
        sizes.append(len(data))
        assert struct.unpack_from("=I", data)[0] == len(data) and len(data) % 4 == 0
    assert len(set(sizes)) > 5
