"""Options 121 and 249 in every spelling, whole and damaged; and whole DHCP packets."""

from __future__ import annotations

import struct
from typing import Any, List, Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guest_routes.leases.options import (
    LeaseFault,
    Packet,
    ipv4_of,
    ipv4s_of,
    routes_of_numbers,
    routes_of_octets,
    routes_of_pairs,
)
from guest_routes.model.lease import LeaseRoute, Option
from guest_routes.model.network import Prefix, parse_address, parse_prefix


def route(text: str) -> LeaseRoute:
    destination, _, next_hop = text.partition(",")
    return LeaseRoute(parse_prefix(destination), parse_address(next_hop))


prefixes = st.builds(
    lambda number, length: Prefix((number >> 32 - length << 32 - length).to_bytes(4, "big"), length),
    st.integers(0, 2**32 - 1), st.integers(0, 32),
)  # fmt: skip
entries = st.lists(st.builds(LeaseRoute, prefixes, st.binary(min_size=4, max_size=4)), min_size=1, max_size=8)


def encoded(routes: List[LeaseRoute]) -> bytes:
    """RFC 3442's form."""
    parts = [bytes([d.length]) + d.address[: (d.length + 7) // 8] + next_hop for d, next_hop in routes]
    return b"".join(parts)


@given(entries)
def test_octets_come_back_whatever_the_spelling(routes: List[LeaseRoute]) -> None:
    octets = encoded(routes)
    expected = Option(tuple(routes))
    assert routes_of_octets(octets) == expected
    assert routes_of_numbers(",".join(map(str, octets))) == expected
    assert routes_of_numbers(" ".join(map(str, octets))) == expected
    assert routes_of_numbers(":".join(f"{octet:x}" for octet in octets), 16) == expected
    words = [f"{r.destination},{'.'.join(map(str, r.next_hop))}" for r in routes]
    assert routes_of_pairs(words) == expected
    assert routes_of_pairs(" ".join(words).replace(",", " ").split()) == expected


@given(entries, st.data())
def test_what_is_cut_off_keeps_the_whole_entries(routes: List[LeaseRoute], data: Any) -> None:
    octets = encoded(routes)
    end = data.draw(st.integers(0, len(octets) - 1))
    read = routes_of_octets(octets[:end])
    assert read.routes == tuple(routes[: len(read.routes)])
    assert bool(read.fault) == (len(encoded(list(read.routes))) != end or end == 0)


@pytest.mark.parametrize(
    ("octets", "routes", "fault"),
    [
        ("", 0, "is empty"),
        ("21 0b000000 0b080001", 0, "entry 0 has a prefix length of 33, and 32 is the most"),
        ("10 0b0b 0b080001 ff", 1, "entry 1 has a prefix length of 255, and 32 is the most"),
        ("10 0b0b 0b0800", 0, "entry 0 is cut off: it has 6 of 7 octets"),
        ("00 0a410001", 1, None),
        ("20 a9fea9fe 0b080002", 1, None),
    ],
)
def test_octets(octets: str, routes: int, fault: Optional[str]) -> None:
    read = routes_of_octets(bytes.fromhex(octets))
    assert (len(read.routes), read.fault) == (routes, fault)


@pytest.mark.parametrize("text", ["16,11,11,11,8,0,256", "16 11 x", "16,-1", "1000"])
def test_numbers_that_are_no_octets(text: str) -> None:
    assert (routes_of_numbers(text).fault or "").endswith("is no octet")


@pytest.mark.parametrize(
    "text", ["11.11.0.0/16", "11.11.0.0 11.8.0.1", "fd00::/8,fd00::1", "11.11.0.0/33,11.8.0.1", "x,y"]
)
def test_pairs_that_are_none(text: str) -> None:
    assert routes_of_pairs(text.split()).fault


@pytest.mark.parametrize("read", [routes_of_numbers, lambda text: routes_of_pairs(text.split())])
def test_an_empty_option_is_a_fault(read: Any) -> None:
    assert read("") == Option((), "is empty")


def test_pairs_keep_what_stands_before_a_fault() -> None:
    read = routes_of_pairs(["11.11.0.0/16,11.8.0.1", "12.0.0.0/8"])
    assert read == Option((route("11.11.0.0/16,11.8.0.1"),), "entry 1 is no destination/length,nexthop: '12.0.0.0/8'")


# ---- addresses --------------------------------------------------------------------------------------


def test_addresses() -> None:
    assert ipv4_of("11.8.0.1") == bytes([11, 8, 0, 1])
    assert ipv4s_of(["11.8.0.1", "10.65.0.1"]) == (bytes([11, 8, 0, 1]), bytes([10, 65, 0, 1]))


@pytest.mark.parametrize("text", ["", "11.8.0", "fd00::1", "11.8.0.1/24", "x" * 100])
def test_what_is_no_ipv4_address(text: str) -> None:
    with pytest.raises(LeaseFault) as caught:
        ipv4_of(text)
    assert str(caught.value) == f"{text[:40]!a} is no IPv4 address"


# ---- packets ----------------------------------------------------------------------------------------


def packet(options: bytes, kind: int = 2, hardware: bytes = bytes([1, 6])) -> bytes:
    """A DHCP message. Source: RFC 2131, section 2."""
    data = bytearray(236)
    data[0:3] = bytes([kind]) + hardware
    data[16:20] = bytes([10, 65, 0, 7])
    data[28:34] = bytes.fromhex("fa163e000001")
    return bytes(data) + bytes([99, 130, 83, 99]) + options


def test_a_packet() -> None:
    """PAD has no length; what stands behind END does not count."""
    read = Packet(packet(bytes([0, 0, 3, 4, 10, 65, 0, 1, 0, 51, 0, 255, 6, 4, 1, 1, 1, 1])))
    assert (read.address, read.mac) == (bytes([10, 65, 0, 7]), bytes.fromhex("fa163e000001"))
    assert read.options == {3: bytes([10, 65, 0, 1]), 51: b""}


def test_hardware_that_is_no_ethernet_has_no_mac() -> None:
    assert Packet(packet(b"\xff", hardware=bytes([32, 20]))).mac == b""


@pytest.mark.parametrize("data, fault", [
    (b"", "is cut off: 0 bytes, and a DHCP message has 240 at least"),
    (packet(b"")[:239], "is cut off: 239 bytes, and a DHCP message has 240 at least"),
    (packet(b"\xff", kind=1), "is no answer of a DHCP server"), (bytes([2]) + bytes(300), "is no answer of a DHCP"),
    (packet(b""), "is cut off: no end of its options"), (packet(bytes(4)), "is cut off: no end of its options"),
    (packet(bytes([3])), "is cut off: option 3 goes beyond its end"),
    (packet(bytes([3, 4, 10, 65, 0])), "is cut off: option 3 goes beyond its end"),
])  # fmt: skip
def test_what_is_no_whole_packet(data: bytes, fault: str) -> None:
    with pytest.raises(LeaseFault, match=fault):
        Packet(data)


def test_an_option_in_several_parts_is_one() -> None:
    """RFC 3396."""
    octets = encoded([route("11.11.0.0/16,11.8.0.1"), route("12.0.0.0/8,11.8.0.1")])
    parts = b"".join(struct.pack("BB", 121, len(part)) + part for part in (octets[:5], octets[5:]))
    assert Packet(packet(parts + b"\xff")).options[121] == octets
