"""The routes that nearly all of a table are, decoded fast. Pure: bytes in, values out.

Whatever else a dump holds is decode.py's, whose functions would decode these to the same values.
"""

from __future__ import annotations

from _socket import AF_INET

from ...model.network import Prefix, Route
from ..netlink import (
    DST_HEAD,
    GATEWAY_HEAD,
    NLM_F_DUMP_INTR,
    OIF_HEAD,
    PLAIN,
    PLAIN_NO_METRIC,
    PLAIN_ON_LINK,
    PRIORITY_HEAD,
    RTM_NEWROUTE,
    RTNH_F_ONLINK,
    TABLE_HEAD,
    U32,
)
from .decode import decode_route

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable


def plain_routes(data: bytes, sequence: int, routes: list[Route]) -> int:
    """Appends the usual IPv4 routes at the head of a datagram, by a gateway or on link; where the other messages begin.

    Usual is what has no metric, nor anything else. One of an interrupted dump is left to those who deal with that.
    """
    start, known = 0, {PLAIN_NO_METRIC.size: _by_gateway, PLAIN_ON_LINK.size: _on_link}
    while start + U32.size <= len(data):
        size = U32.unpack_from(data, start)[0]
        if size not in known:
            break
        end = len(data) - (len(data) - start) % size
        count = known[size](memoryview(data)[start:end], sequence, routes)
        if not count:
            break
        start += count * size
    return start


def _by_gateway(data: memoryview, sequence: int, routes: list[Route]) -> int:
    """Appends as many as there are at the head, and counts them."""
    size, table_head, dst_head = PLAIN_NO_METRIC.size, TABLE_HEAD, DST_HEAD[4]
    gateway_head, oif_head, onlink, make, known = GATEWAY_HEAD[4], OIF_HEAD, RTNH_F_ONLINK, tuple.__new__, len(routes)
    for (
        length, message, marks, number, _, _, bits, _, tos, _, protocol, scope, kind, flags, h1, table, h2, destination,
        h3, gateway, h4, ifindex,
    ) in PLAIN_NO_METRIC.iter_unpack(data):  # fmt: skip
        # The attributes are checked one by one: a message of this length may hold others.
        if (
            length != size or number != sequence or message != RTM_NEWROUTE or marks & NLM_F_DUMP_INTR
            or h1 != table_head or h2 != dst_head or h3 != gateway_head or h4 != oif_head
        ):  # fmt: skip
            break
        routes.append(make(Route, (make(Prefix, (destination, bits)), gateway, ifindex, 0, protocol, table, kind,
                                   scope, tos, flags & onlink != 0, None, (), (), 0, 0, 1, 0, 0, "")))  # fmt: skip
    return len(routes) - known


def _on_link(data: memoryview, sequence: int, routes: list[Route]) -> int:
    """The same of routes without a gateway, as those to containers are."""
    size, table_head, dst_head = PLAIN_ON_LINK.size, TABLE_HEAD, DST_HEAD[4]
    oif_head, onlink, make, known = OIF_HEAD, RTNH_F_ONLINK, tuple.__new__, len(routes)
    for (
        length, message, marks, number, _, _, bits, _, tos, _, protocol, scope, kind, flags, h1, table, h2, destination,
        h3, ifindex,
    ) in PLAIN_ON_LINK.iter_unpack(data):  # fmt: skip
        if (
            length != size or number != sequence or message != RTM_NEWROUTE or marks & NLM_F_DUMP_INTR
            or h1 != table_head or h2 != dst_head or h3 != oif_head
        ):  # fmt: skip
            break
        routes.append(make(Route, (make(Prefix, (destination, bits)), None, ifindex, 0, protocol, table, kind,
                                   scope, tos, flags & onlink != 0, None, (), (), 0, 0, 1, 0, 0, "")))  # fmt: skip
    return len(routes) - known


def route_decoder(family: int) -> Callable[[bytes, int, int, list[Route]], None]:
    """A function that appends the route, or the next hops of an IPv6 multipath route, of a message body to a list."""
    size = 4 if family == AF_INET else 16
    plain, bare = PLAIN[size], PLAIN_NO_METRIC
    plain_length, bare_length = plain.size, bare.size if size == 4 else 0
    # Local to the closure: faster than the module's.
    table_head, dst_head, priority_head = TABLE_HEAD, DST_HEAD[size], PRIORITY_HEAD
    gateway_head, oif_head, onlink = GATEWAY_HEAD[size], OIF_HEAD, RTNH_F_ONLINK
    make = tuple.__new__

    def decode(data: bytes, start: int, end: int, routes: list[Route]) -> None:
        # The attributes are checked one by one: a message of this length may hold others.
        if end - start + 16 == plain_length:
            (_, _, _, _, _, _, length, _, tos, _, protocol, scope, kind, flags, h1, table, h2, destination,
             h3, metric, h4, gateway, h5, ifindex) = plain.unpack_from(data, start - 16)  # fmt: skip
            if (h1 == table_head and h2 == dst_head and h3 == priority_head and h4 == gateway_head
                    and h5 == oif_head):  # fmt: skip
                prefix = make(Prefix, (destination, length))
                routes.append(make(Route, (prefix, gateway, ifindex, metric, protocol, table, kind, scope, tos,
                                           flags & onlink != 0, None, (), (), 0, 0, 1, 0, 0, "")))  # fmt: skip
                return
        elif end - start + 16 == bare_length:
            (_, _, _, _, _, _, length, _, tos, _, protocol, scope, kind, flags, h1, table, h2, destination,
             h4, gateway, h5, ifindex) = bare.unpack_from(data, start - 16)  # fmt: skip
            if h1 == table_head and h2 == dst_head and h4 == gateway_head and h5 == oif_head:
                prefix = make(Prefix, (destination, length))
                routes.append(make(Route, (prefix, gateway, ifindex, 0, protocol, table, kind, scope, tos,
                                           flags & onlink != 0, None, (), (), 0, 0, 1, 0, 0, "")))  # fmt: skip
                return
        routes.extend(decode_route(data, start, end))

    return decode
