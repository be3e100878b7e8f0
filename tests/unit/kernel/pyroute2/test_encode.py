"""What the reference engine asks through pyroute2, read by the default engine's decoder."""

from __future__ import annotations

import subprocess
import sys
from typing import List

import pytest
from hypothesis import given

from guest_routes.kernel.pyroute2.encode import RouteMessage, request, requests_of, table_dump
from guest_routes.kernel.rtnetlink.decode import decode_route
from guest_routes.model.network import Route, parse_address, parse_prefix
from guest_routes.model.operations import Add, Delete, Operation, Promote, RemoveForeignDefault, RestoreDefault
from tests.support.any_route import any_route

ROUTE_4 = Route(parse_prefix("11.11.0.0/16"), parse_address("11.8.0.1"), 3)
ROUTE_6 = Route(parse_prefix("fd01::/32"), parse_address("fd00:8::1"), 3, protocol=9)


def octets(message: RouteMessage) -> bytes:
    message.encode()
    return bytes(message.data)


@given(any_route())
def test_a_route_is_written_as_it_is(route: Route) -> None:
    (message,) = requests_of(Add(route))
    data = octets(message)
    assert decode_route(data, 16, len(data)) == [route]


@pytest.mark.parametrize("operation, kinds, flags", [
    (Add(ROUTE_4), [24], [0x405]), (Add(ROUTE_6), [24], [0x605]),
    (Delete(ROUTE_4), [25], [0x005]), (RemoveForeignDefault(ROUTE_4), [25], [0x005]),
    (RestoreDefault(ROUTE_6), [24], [0xC05]),
    (Promote(ROUTE_4), [25, 24], [0x005, 0x405]),
], ids=str)  # fmt: skip
def test_each_operation_has_its_messages(operation: Operation, kinds: List[int], flags: List[int]) -> None:
    """With NLM_F_ACK, since each request is waited for."""
    messages = requests_of(operation)
    assert [message["header"]["type"] for message in messages] == kinds
    assert [message["header"]["flags"] for message in messages] == flags


def test_a_foreign_ipv6_default_is_removed_whatever_its_protocol() -> None:
    assert [message["proto"] for message in requests_of(RemoveForeignDefault(ROUTE_6))] == [0]
    assert [message["proto"] for message in requests_of(Delete(ROUTE_6))] == [9]


def test_a_dump_names_its_table() -> None:
    message = table_dump(10, 70000)
    assert (message["header"]["type"], message["header"]["flags"]) == (26, 0x301)
    assert (message["family"], message.get_attr("RTA_TABLE")) == (10, 70000)


def test_a_question_for_one_address() -> None:
    message = request(26, 0x5, parse_address("fd00::7"), 128, flags=0x1000)
    assert (message["family"], message["dst_len"], message["flags"]) == (10, 128, 0x1000)
    assert message.get_attr("RTA_DST") == "fd00::7"


def test_a_process_that_used_pyroute2_for_routes_before() -> None:
    """Its own message, without nexthop objects, has been made first."""
    code = """
from pyroute2.netlink.rtnl.rtmsg import rtmsg
first = rtmsg()
first["attrs"] = [("RTA_OIF", 3), ("RTA_METRICS", {"attrs": [("RTAX_MTU", 1400)]})]
first.encode()
from guest_routes.kernel.pyroute2.encode import RouteMessage
message = RouteMessage()
message["attrs"] = [("RTA_NH_ID", 7), ("RTA_METRICS", {"attrs": [("RTAX_CC_ALGO", "cubic")]})]
message.encode()
print(message.data[28:36].hex(), b"cubic" in message.data)
"""
    ran = subprocess.run([sys.executable, "-c", code], check=True, text=True, capture_output=True)
    assert ran.stdout == "08001e0007000000 True\n"
