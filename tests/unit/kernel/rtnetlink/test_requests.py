"""Dumps and lookups as bytes."""

from __future__ import annotations

import struct

import pytest
from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg

from guest_routes.kernel.rtnetlink import requests
from guest_routes.model.network import parse_address
from tests.support.netlink_bytes import attribute, message, number
from tests.support.netlink_bytes import rtmsg as rtmsg_bytes

INET, INET6 = 2, 10


def test_a_dump_of_links_leaves_the_counters_out() -> None:
    found = ifinfmsg(requests.dump_links(9))
    found.decode()
    assert (found["header"]["type"], found["header"]["flags"], found["header"]["sequence_number"]) == (18, 0x301, 9)
    assert found.get_attr("IFLA_EXT_MASK") == 8


@pytest.mark.parametrize("data, kind, body_bytes", [
    (requests.dump_addresses(9), 22, 8), (requests.dump_rules(9, INET6), 34, 12),
])  # fmt: skip
def test_dumps_of_addresses_and_rules(data: bytes, kind: int, body_bytes: int) -> None:
    family = INET6 if kind == 34 else 0
    assert data == message(kind, bytes([family]) + bytes(body_bytes - 1), flags=0x301, sequence=9)


@pytest.mark.parametrize("table", [254, 70000])
def test_a_dump_of_routes_names_the_table(table: int) -> None:
    body = rtmsg_bytes(INET6, number(15, table), table=0, protocol=0, kind=0)
    assert requests.dump_routes(9, INET6, table) == message(26, body, flags=0x301, sequence=9)


@pytest.mark.parametrize("text, family, bits, flags", [("11.8.0.77", INET, 32, 0x1000), ("fd00::7", INET6, 128, 0)])
def test_a_lookup_asks_ipv4_only_for_the_table(text: str, family: int, bits: int, flags: int) -> None:
    """IPv6 refuses RTM_F_LOOKUP_TABLE and names the table unasked."""
    body = rtmsg_bytes(
        family, attribute(1, parse_address(text)), dst_len=bits, table=0, protocol=0, kind=0, flags=flags
    )
    assert requests.look_up(9, parse_address(text)) == message(26, body, flags=0x001, sequence=9)


def test_a_dump_asks_for_all() -> None:
    assert requests.dump_nexthops(7) == struct.pack("=IHHII", 24, 106, 0x301, 7, 0) + bytes(8)
