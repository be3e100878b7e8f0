"""rtnetlink messages: their frame, and requests as bytes. Pure: answers are wire_answers.py's, the socket rtnetlink's.

Sources: Linux include/uapi/linux/{netlink,rtnetlink,if_link,if_addr,fib_rules}.h; rtnetlink(7); RFC 3549.
A message is nlmsghdr (16 bytes), a family header, then attributes of length, type and value, each padded to 4.
"""

from __future__ import annotations

from struct import Struct
from sys import byteorder

from ..model.network import Address, NextHop, Route
from ..model.operations import Add, Operation, Promote, RestoreDefault
from .engine import route_to_delete

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterator

NEWLINK, GETLINK, NEWADDR, GETADDR = 16, 18, 20, 22
NEWROUTE, DELROUTE, GETROUTE, NEWRULE, GETRULE = 24, 25, 26, 32, 34
NLMSG_ERROR, NLMSG_DONE = 2, 3
REQUEST, ACK, DUMP_INTERRUPTED, ACK_CAPPED, ACK_TLVS = 0x01, 0x04, 0x10, 0x100, 0x200
DUMP, REPLACE, EXCL, CREATE, APPEND = 0x300, 0x100, 0x200, 0x400, 0x800
AF_INET, AF_INET6 = 2, 10
CLONED, LOOKUP_TABLE, ONLINK, UNICAST, LOCAL = 0x200, 0x1000, 4, 1, 2

HEADER = Struct("=IHHII")
RTMSG = Struct("=BBBBBBBBI")
IFINFO = Struct("=BxHiII")
_ATTRIBUTE = Struct("=HH")
U32 = Struct("=I")
NEXTHOP = Struct("=HBBi")
# A unicast route with gateway and metric, as nearly all are: one pack or unpack instead of eight.
# RTA_TABLE, RTA_DST, RTA_PRIORITY, RTA_GATEWAY, RTA_OIF in the order in which the kernel dumps them.
PLAIN = {4: Struct("=IHHIIBBBBBBBBIHHIHH4sHHIHH4sHHI"), 16: Struct("=IHHIIBBBBBBBBIHHIHH16sHHIHH16sHHI")}
PLAIN_NO_METRIC = Struct("=IHHIIBBBBBBBBIHHIHH4sHH4sHHI")

Attributes = dict[int, bytes]


def attributes(data: bytes, start: int, end: int) -> Attributes:
    """Type (without flag bits) to value; the last of a type counts. Stops at a malformed one."""
    found: Attributes = {}
    while start + 4 <= end:
        length, kind = _ATTRIBUTE.unpack_from(data, start)
        if length < 4 or start + length > end:
            break
        found[kind & 0x3FFF] = data[start + 4 : start + length]
        start += length + 3 & ~3
    return found


def attribute(kind: int, value: bytes) -> bytes:
    """One attribute, padded."""
    return _ATTRIBUTE.pack(len(value) + 4, kind) + value + bytes(-len(value) % 4)


def message(kind: int, flags: int, sequence: int, body: bytes) -> bytes:
    """A whole netlink message."""
    return HEADER.pack(len(body) + 16, kind, flags, sequence, 0) + body


def messages(data: bytes | bytearray, end: int) -> Iterator[tuple[int, int, int, int, int]]:
    """Each message's type, flags, sequence, and the span of its body."""
    start = 0
    while start + 16 <= end:
        length, kind, flags, sequence, _ = HEADER.unpack_from(data, start)
        if length < 16 or start + length > end:
            return
        yield kind, flags, sequence, start + 16, start + length
        start += length + 3 & ~3


# ---- requests -------------------------------------------------------------------------------------------


def dump_links(sequence: int) -> bytes:
    """Every link; RTEXT_FILTER_SKIP_STATS leaves the counters out."""
    return message(GETLINK, REQUEST | DUMP, sequence, IFINFO.pack(0, 0, 0, 0, 0) + attribute(29, U32.pack(8)))


def dump_addresses(sequence: int) -> bytes:
    """Every address of both families."""
    return message(GETADDR, REQUEST | DUMP, sequence, bytes(8))


def dump_rules(sequence: int, family: int) -> bytes:
    """Policy rules of a family."""
    return message(GETRULE, REQUEST | DUMP, sequence, bytes([family]) + bytes(11))


def dump_routes(sequence: int, family: int, table: int) -> bytes:
    """A family's routes of one table, filtered by the kernel (NETLINK_GET_STRICT_CHK)."""
    body = RTMSG.pack(family, 0, 0, 0, 0, 0, 0, 0, 0) + attribute(15, U32.pack(table))
    return message(GETROUTE, REQUEST | DUMP, sequence, body)


def look_up(sequence: int, address: Address) -> bytes:
    """The route that the kernel takes for an address."""
    family = AF_INET if len(address) == 4 else AF_INET6
    # IPv6 names the table unasked, and refuses the flag (NETLINK_GET_STRICT_CHK).
    flags = LOOKUP_TABLE if family == AF_INET else 0
    body = RTMSG.pack(family, len(address) * 8, 0, 0, 0, 0, 0, 0, flags) + attribute(1, address)
    return message(GETROUTE, REQUEST, sequence, body)


def encode(operation: Operation, sequence: int, ack: int = 0) -> bytes:
    """The message, or for a Front the two messages, that carry an operation out.

    Args:
        ack: ACK to have the kernel answer when it succeeds too.
    """
    route = operation.route
    if isinstance(operation, Add):
        flags = CREATE if route.family == 4 else CREATE | EXCL
    elif isinstance(operation, RestoreDefault):
        flags = CREATE | APPEND
    elif isinstance(operation, Promote):
        gone = encode_route(route, DELROUTE, REQUEST, sequence)
        return gone + encode(Add(route), sequence, ack)
    else:
        return encode_route(route_to_delete(operation), DELROUTE, REQUEST | ack, sequence)
    return encode_route(route, NEWROUTE, REQUEST | flags | ack, sequence)


def encode_route(route: Route, kind: int, flags: int, sequence: int) -> bytes:
    """RTM_NEWROUTE or RTM_DELROUTE of exactly this route."""
    (
        prefix, gateway, ifindex, metric, protocol, table, type_, scope, tos, onlink,
        source, metrics, nexthops, nexthop, preference,
    ) = route  # fmt: skip
    destination, length = prefix
    size = len(destination)
    family = AF_INET if size == 4 else AF_INET6
    if gateway is not None and len(gateway) == size and not (source or metrics or nexthops or nexthop or preference):
        plain = PLAIN[size]
        return plain.pack(
            plain.size, kind, flags, sequence, 0,
            family, length, 0, tos, table if table < 256 else 0, protocol, scope, type_, ONLINK if onlink else 0,
            8, 15, table, size + 4, 1, destination, 8, 6, metric, size + 4, 5, gateway, 8, 4, ifindex,
        )  # fmt: skip
    body = RTMSG.pack(
        family, length, 0, tos, table if table < 256 else 0, protocol, scope, type_, ONLINK if onlink else 0
    ) + attribute(15, U32.pack(table))
    if length:
        body += attribute(1, destination)
    body += attribute(6, U32.pack(metric))
    if source is not None:
        body += attribute(7, source)
    if nexthop:
        body += attribute(30, U32.pack(nexthop))
    elif nexthops:
        body += attribute(9, b"".join(_nexthop_words(nexthop, size) for nexthop in nexthops))
    else:
        body += _via(gateway, size)
        if ifindex:
            body += attribute(4, U32.pack(ifindex))
    if metrics:
        body += attribute(8, b"".join(attribute(number, U32.pack(value)) for number, value in metrics))
    if preference:
        body += attribute(20, bytes([preference]))
    return message(kind, flags, sequence, body)


def _via(gateway: Address | None, size: int) -> bytes:
    """RTA_GATEWAY, or RTA_VIA for one of the other family."""
    if gateway is None:
        return b""
    if len(gateway) == size:
        return attribute(5, gateway)
    return attribute(18, (AF_INET if len(gateway) == 4 else AF_INET6).to_bytes(2, byteorder) + gateway)


def _nexthop_words(nexthop: NextHop, size: int) -> bytes:
    via = _via(nexthop.gateway, size)
    return NEXTHOP.pack(8 + len(via), ONLINK if nexthop.onlink else 0, nexthop.weight - 1, nexthop.ifindex) + via
