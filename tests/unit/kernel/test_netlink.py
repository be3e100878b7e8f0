"""The kernel's numbers, with pyroute2 as a second witness; and how messages and attributes are framed."""

from __future__ import annotations

import struct
from typing import Any, Dict, List

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyroute2 import netlink as pyroute2_netlink
from pyroute2.netlink import rtnl
from pyroute2.netlink.rtnl.fibmsg import fibmsg
from pyroute2.netlink.rtnl.ifaddrmsg import ifaddrmsg
from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg
from pyroute2.netlink.rtnl.rtmsg import rtmsg

from guest_routes.kernel import netlink
from tests.support.netlink_bytes import attribute, message


def _numbers(message_class: Any) -> Dict[str, int]:
    """Attribute numbers of a class of pyroute2's: pairs count from 0 on, triples say their number."""
    return {
        entry[-2]: entry[0] if len(entry) == 3 else index for index, entry in enumerate(message_class.nla_map)
    }  # fmt: skip


WITNESS: Dict[str, int] = {
    **{name: value for module in (pyroute2_netlink, rtnl) for name, value in vars(module).items()},
    **_numbers(rtmsg),
    **_numbers(ifinfmsg),
    **_numbers(ifaddrmsg),
    **_numbers(fibmsg),
    **_numbers(ifinfmsg.ifinfo),
    "RTN_LOCAL": rtnl.rt_type["local"],
    "RTN_BLACKHOLE": rtnl.rt_type["blackhole"],
    "RTN_UNREACHABLE": rtnl.rt_type["unreachable"],
    "RTN_PROHIBIT": rtnl.rt_type["prohibit"],
    "RTPROT_KERNEL": rtnl.rt_proto["kernel"],
}
NAMED = [name for name in vars(netlink) if name.isupper() and name in WITNESS]


@pytest.mark.parametrize("name", NAMED)
def test_numbers_are_those_that_pyroute2_has(name: str) -> None:
    assert getattr(netlink, name) == WITNESS[name]


def test_the_witness_knows_most_of_them() -> None:
    assert len(NAMED) >= 55


@given(kind=st.integers(0, 0x3FFF), value=st.binary(max_size=40))
def test_an_attribute_is_padded_and_comes_back(kind: int, value: bytes) -> None:
    data = netlink.attribute(kind, value)
    assert data == attribute(kind, value)
    assert netlink.attributes(data, 0, len(data)) == {kind: value}


@pytest.mark.parametrize("kind, size", [(15, 4), (1, 16), (4, 4)])
def test_the_head_is_the_first_four_bytes(kind: int, size: int) -> None:
    assert struct.pack("=I", netlink.attribute_head(kind, size)) == attribute(kind, bytes(size))[:4]


def test_the_last_of_a_type_counts_and_flag_bits_do_not() -> None:
    data = attribute(3, b"old") + attribute(3 | 0x8000, b"new") + attribute(4 | 0x4000, b"")
    assert netlink.attributes(data, 0, len(data)) == {3: b"new", 4: b""}


@pytest.mark.parametrize("length", [0, 3, 9, 0xFFFF])
def test_a_lying_length_ends_the_attributes(length: int) -> None:
    """Less than its own head, or more than there is: what stands before it counts."""
    data = attribute(1, b"abcd") + struct.pack("=HH", length, 2) + b"efgh"
    assert netlink.attributes(data, 0, len(data)) == {1: b"abcd"}


def test_attributes_stay_within_their_end() -> None:
    data = attribute(1, b"abcd") + attribute(2, b"efgh")
    assert netlink.attributes(data, 0, 8) == {1: b"abcd"}
    assert netlink.attributes(data, 0, 15) == {1: b"abcd"}


def test_nested_attributes_of_none_are_none() -> None:
    assert netlink.nested(None) == {}
    assert netlink.nested(attribute(1, b"x")) == {1: b"x"}


def test_a_message_has_its_length_and_header() -> None:
    assert netlink.message(24, 0x401, 42, b"body") == message(24, b"body", flags=0x401, sequence=42)


@given(bodies=st.lists(st.binary(max_size=40), max_size=5), rest=st.binary(max_size=40))
def test_messages_one_behind_the_other(bodies: List[bytes], rest: bytes) -> None:
    data = b"".join(
        message(kind, body, flags=kind + 1, sequence=kind + 2, port=7) for kind, body in enumerate(bodies)
    )  # fmt: skip
    found = [(*fields, data[start:end]) for *fields, start, end in netlink.messages(bytearray(data), len(data))]
    assert found == [(kind, kind + 1, kind + 2, 7, body) for kind, body in enumerate(bodies)]
    damaged = data + rest
    for *_, start, end in netlink.messages(damaged, len(damaged)):
        assert 16 <= start <= end <= len(damaged)


@pytest.mark.parametrize("length", [0, 15, 21, 0xFFFFFFFF])
def test_a_lying_length_ends_the_messages(length: int) -> None:
    data = message(24, b"body") + struct.pack("=IHHII", length, 25, 0, 0, 0) + b"tail"
    assert [kind for kind, *_ in netlink.messages(data, len(data))] == [24]


def test_what_lies_behind_the_end_is_not_read() -> None:
    """The receive buffer keeps what an earlier, longer datagram left."""
    data = message(24, b"new!") + message(25, b"old!")
    assert [kind for kind, *_ in netlink.messages(data, 20)] == [24]
