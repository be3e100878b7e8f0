"""Operations as rtnetlink messages. Pure; dumps and lookups are requests.py's."""

from __future__ import annotations

from _operator import itemgetter
from _socket import AF_INET, AF_INET6
from _struct import Struct
from sys import byteorder

from ...model.network import Address, NextHop, Prefix, Route
from ...model.operations import Add, MoveDefault, Operation, Promote, RestoreDefault
from ..engine import addition_flags, names_no_metrics, restore_flags, route_to_delete, stored_kind
from ..netlink import (
    DST_HEAD,
    GATEWAY_HEAD,
    NEXTHOP,
    NLM_F_REQUEST,
    OIF_HEAD,
    PLAIN,
    PRIORITY_HEAD,
    RTA_DST,
    RTA_EXPIRES,
    RTA_FLOW,
    RTA_GATEWAY,
    RTA_METRICS,
    RTA_MULTIPATH,
    RTA_NH_ID,
    RTA_OIF,
    RTA_PREF,
    RTA_PREFSRC,
    RTA_PRIORITY,
    RTA_TABLE,
    RTA_VIA,
    RTM_DELROUTE,
    RTM_NEWROUTE,
    RTMSG,
    RTNH_F_ONLINK,
    TABLE_HEAD,
    U32,
    attribute,
    message,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterator, Sequence

_DST = 40
"""Where a route's destination stands in its message: behind nlmsghdr, rtmsg, RTA_TABLE and RTA_DST's head. The sequence
number stands at 8, the prefix length at 17."""
_TABLE_IN_HEADER = 255
"""The largest table that struct rtmsg can name; RTA_TABLE names any."""
_PIECE, _FEW = 256, 8
"""So many operations are encoded at once where all are alike; fewer than so many each by itself."""
_NOTHING_MORE = Route(Prefix(b"", 0), None, 0)[10:]
"""A Route's source, metrics and what follows them, of one that has none of these."""


def encode(operation: Operation, sequence: int) -> bytes:
    """The message, or for a Promote the two messages, that carry an operation out."""
    route = operation.route
    if isinstance(operation, Add):
        flags = addition_flags(operation)
    elif isinstance(operation, RestoreDefault):
        flags = restore_flags(operation)
    elif isinstance(operation, (Promote, MoveDefault)):
        again = Add(route) if isinstance(operation, Promote) else RestoreDefault(route, before=operation.before)
        return encode_route(route, RTM_DELROUTE, NLM_F_REQUEST, sequence) + encode(again, sequence)
    else:
        return encode_route(route_to_delete(operation), RTM_DELROUTE, NLM_F_REQUEST, sequence)
    return encode_route(route, RTM_NEWROUTE, NLM_F_REQUEST | flags, sequence)


def encoded(operations: Sequence[Operation], first: int) -> Iterator[tuple[int, bytes]]:
    """The same for operations in a row, numbered from `first`: pieces of at most _PIECE, each with its last number."""
    for start in range(0, len(operations), _PIECE):
        yield from _encoded_piece(operations[start : start + _PIECE], first + start)


def _encoded_piece(operations: Sequence[Operation], first: int) -> Iterator[tuple[int, bytes]]:
    count = len(operations)
    if count < _FEW:
        yield from ((sequence, encode(operation, sequence)) for sequence, operation in enumerate(operations, first))
        return
    alike = _encoded_alike(operations, first)
    if alike is not None:
        yield first + count - 1, alike
        return
    yield from _encoded_piece(operations[: count // 2], first)
    yield from _encoded_piece(operations[count // 2 :], first + count // 2)


def _encoded_alike(operations: Sequence[Operation], first: int) -> bytes | None:
    """The messages of additions that differ in their destination only, as nearly all do; None of any others.

    They are copies of the first one, into which numbers and destinations are put, a byte of all of them at a time.
    """
    one, rest, count = operations[0], operations[0].route[1:], len(operations)
    if not isinstance(one, Add) or rest != operations[-1].route[1:] or set(map(type, operations)) != {Add}:
        return None
    routes, places = list(map(itemgetter(0), operations)), set(map(itemgetter(2), operations))
    if len(places) > 1 or list(map(itemgetter(slice(1, None)), routes)).count(rest) < count:
        return None
    prefixes = list(map(itemgetter(0), routes))
    addresses, lengths = list(map(itemgetter(0), prefixes)), bytes(map(itemgetter(1), prefixes))
    width = len(addresses[0])
    if 0 in lengths or set(map(len, addresses)) != {width}:  # A default route may have no RTA_DST.
        return None
    made = encode(one, first)
    messages, numbers = bytearray(made * count), Struct(f"={count}I").pack(*range(first, first + count))
    for start, values, size in ((8, numbers, 4), (17, lengths, 1), (_DST, b"".join(addresses), width)):
        for place in range(size):
            messages[start + place :: len(made)] = values[place::size]
    return bytes(messages)


def encode_route(route: Route, kind: int, flags: int, sequence: int) -> bytes:
    """RTM_NEWROUTE or RTM_DELROUTE of exactly this route."""
    (destination, length), gateway, ifindex, metric, protocol, table, type_, scope, tos, onlink = route[:10]
    size = len(destination)
    if gateway is None or len(gateway) != size or route[10:] != _NOTHING_MORE:
        return message(kind, flags, sequence, _route_body(route))
    plain = PLAIN[size]
    return plain.pack(
        plain.size, kind, flags, sequence, 0,
        AF_INET if size == 4 else AF_INET6, length, 0, tos,
        table if table <= _TABLE_IN_HEADER else 0, protocol, scope, type_, RTNH_F_ONLINK if onlink else 0,
        TABLE_HEAD, table, DST_HEAD[size], destination, PRIORITY_HEAD, metric,
        GATEWAY_HEAD[size], gateway, OIF_HEAD, ifindex,
    )  # fmt: skip


def _route_body(route: Route) -> bytes:
    """struct rtmsg and the attributes of any route."""
    destination, length = route.destination
    parts = [
        RTMSG.pack(
            AF_INET if route.family == 4 else AF_INET6, length, 0, route.tos,
            route.table if route.table <= _TABLE_IN_HEADER else 0, route.protocol, route.scope, stored_kind(route),
            RTNH_F_ONLINK if route.onlink and not route.nexthop_id else 0,
        ),
        attribute(RTA_TABLE, U32.pack(route.table)),
    ]  # fmt: skip
    if length:
        parts.append(attribute(RTA_DST, destination))
    parts.append(attribute(RTA_PRIORITY, U32.pack(route.metric)))
    if route.source is not None:
        parts.append(attribute(RTA_PREFSRC, route.source))
    parts.append(_where_to(route, len(destination)))
    if route.metrics or names_no_metrics(route):
        parts.append(attribute(RTA_METRICS, b"".join(_metric(number, value) for number, value in route.metrics)))
    if route.preference:
        parts.append(attribute(RTA_PREF, bytes([route.preference])))
    if route.realms:
        parts.append(attribute(RTA_FLOW, U32.pack(route.realms)))
    if route.expires:
        parts.append(attribute(RTA_EXPIRES, U32.pack(route.expires)))
    return b"".join(parts)


def _metric(number: int, value: int | str) -> bytes:
    """One of RTA_METRICS; the congestion algorithm's is a name."""
    return attribute(number, U32.pack(value) if isinstance(value, int) else value.encode() + b"\0")


def _where_to(route: Route, size: int) -> bytes:
    """The nexthop object, the next hops, or the gateway and NIC of a route; `size` is its addresses' in bytes."""
    if route.nexthop_id:
        return attribute(RTA_NH_ID, U32.pack(route.nexthop_id))
    if route.nexthops:
        return attribute(RTA_MULTIPATH, b"".join(_nexthop(nexthop, size) for nexthop in route.nexthops))
    if route.weight != 1:  # Only a next hop has one.
        only = NextHop(route.gateway, route.ifindex, route.weight, route.onlink)
        return attribute(RTA_MULTIPATH, _nexthop(only, size))
    interface = attribute(RTA_OIF, U32.pack(route.ifindex)) if route.ifindex else b""
    return _gateway(route.gateway, size) + interface


def _gateway(gateway: Address | None, size: int) -> bytes:
    """RTA_GATEWAY, or RTA_VIA for one of the other family."""
    if gateway is None:
        return b""
    if len(gateway) == size:
        return attribute(RTA_GATEWAY, gateway)
    return attribute(RTA_VIA, (AF_INET if len(gateway) == 4 else AF_INET6).to_bytes(2, byteorder) + gateway)


def _nexthop(nexthop: NextHop, size: int) -> bytes:
    rest = _gateway(nexthop.gateway, size)
    if nexthop.realms:
        rest += attribute(RTA_FLOW, U32.pack(nexthop.realms))
    flags = RTNH_F_ONLINK if nexthop.onlink else 0
    return NEXTHOP.pack(NEXTHOP.size + len(rest), flags, nexthop.weight - 1, nexthop.ifindex) + rest
