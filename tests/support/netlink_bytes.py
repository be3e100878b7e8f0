"""Netlink messages built by hand from the kernel's headers, for tests of what decodes them.

Nothing of guest_routes is used here, so that a wrong number or form can't be in both.

Source: include/uapi/linux/netlink.h, rtnetlink.h (struct nlmsghdr, rtattr, rtmsg, rtnexthop).
"""

from __future__ import annotations

import struct

HEADER_BYTES = 16


def attribute(kind: int, value: bytes) -> bytes:
    """struct rtattr with its value, padded to 4."""
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


def number(kind: int, value: int) -> bytes:
    """An attribute of one u32."""
    return attribute(kind, struct.pack("=I", value))


def nexthop(ifindex: int, attributes: bytes = b"", flags: int = 0, hops: int = 0) -> bytes:
    """struct rtnexthop with its attributes; `hops` is one less than the weight."""
    return struct.pack("=HBBi", 8 + len(attributes), flags, hops, ifindex) + attributes


def rtmsg(
    family: int,
    attributes: bytes = b"",
    *,
    dst_len: int = 0,
    src_len: int = 0,
    tos: int = 0,
    table: int = 254,
    protocol: int = 4,
    scope: int = 0,
    kind: int = 1,
    flags: int = 0,
) -> bytes:
    """struct rtmsg, or fib_rule_hdr with the action as `kind`, and its attributes: the body of a message."""
    return struct.pack("=8BI", family, dst_len, src_len, tos, table, protocol, scope, kind, flags) + attributes


def message(kind: int, body: bytes, *, flags: int = 0, sequence: int = 1, port: int = 0) -> bytes:
    """struct nlmsghdr and a body, padded to 4."""
    length = HEADER_BYTES + len(body)
    return struct.pack("=IHHII", length, kind, flags, sequence, port) + body + bytes(-length % 4)
