"""The kernel's rtnetlink answers as values. Pure: bytes in, values out. The inverse of wire.py.

Sources: Linux include/uapi/linux/{netlink,rtnetlink,if_link,if_addr,fib_rules}.h; rtnetlink(7); RFC 3549.
"""

from __future__ import annotations

from sys import byteorder

from ..model.namedtuple import NamedTuple
from ..model.network import Address, NextHop, Nic, Prefix, Route, Rule
from .rtnetlink_encode import (
    ACK_CAPPED,
    ACK_TLVS,
    AF_INET,
    AF_INET6,
    CLONED,
    IFINFO,
    LOCAL,
    NEXTHOP,
    ONLINK,
    PLAIN,
    PLAIN_NO_METRIC,
    RTMSG,
    U32,
    Attributes,
    attributes,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable

_REPLAYABLE = frozenset((1, 4, 5, 6, 7, 8, 9, 12, 15, 18, 20, 30))
"""RTA_DST, OIF, GATEWAY, PRIORITY, PREFSRC, METRICS, MULTIPATH, CACHEINFO (read-only), TABLE, VIA, PREF, NH_ID."""
_LAST_METRIC = 15
"""RTAX_QUICKACK: of the later ones, one is a name (RTAX_CC_ALGO), which `metrics` can't hold."""


def route_decoder(family: int) -> Callable[[bytes, int, int, list[Route]], None]:
    """A function that appends the route, or the legs of an IPv6 multipath route, of a message body to a list."""
    size = 4 if family == AF_INET else 16
    plain, bare = PLAIN[size], PLAIN_NO_METRIC
    plain_length, bare_length = plain.size, bare.size if size == 4 else 0
    wide = size + 4
    make = tuple.__new__

    def decode(data: bytes, start: int, end: int, routes: list[Route]) -> None:
        # The fields are checked one by one: a message of this length may hold other attributes.
        if end - start + 16 == plain_length:
            (_, _, _, _, _, _, length, _, tos, _, protocol, scope, kind, flags, l1, t1, table, l2, t2, destination,
             l3, t3, metric, l4, t4, gateway, _, t5, ifindex) = plain.unpack_from(data, start - 16)  # fmt: skip
            if t1 == 15 and t2 == 1 and t3 == 6 and t4 == 5 and t5 == 4 and l2 == wide == l4 and l1 == l3 == 8:
                prefix = make(Prefix, (destination, length))
                routes.append(make(Route, (prefix, gateway, ifindex, metric, protocol, table, kind, scope, tos,
                                           flags & ONLINK != 0, None, (), (), 0, 0)))  # fmt: skip
                return
        elif end - start + 16 == bare_length:
            (_, _, _, _, _, _, length, _, tos, _, protocol, scope, kind, flags, l1, t1, table, l2, t2, destination,
             l4, t4, gateway, _, t5, ifindex) = bare.unpack_from(data, start - 16)  # fmt: skip
            if t1 == 15 and t2 == 1 and t4 == 5 and t5 == 4 and l2 == 8 == l4 and l1 == 8:
                prefix = make(Prefix, (destination, length))
                routes.append(make(Route, (prefix, gateway, ifindex, 0, protocol, table, kind, scope, tos,
                                           flags & ONLINK != 0, None, (), (), 0, 0)))  # fmt: skip
                return
        routes.extend(decode_route(data, start, end))

    return decode


def decode_route(data: bytes, start: int, end: int) -> list[Route]:
    """The route of an RTM_NEWROUTE body; one per leg for IPv6 multipath; none for a cached one."""
    family, length, source_length, tos, table, protocol, scope, kind, flags = RTMSG.unpack_from(data, start)
    if flags & CLONED or family not in (AF_INET, AF_INET6):
        return []
    if family == AF_INET6 and kind == LOCAL and protocol == 2:
        return []
    found = attributes(data, start + 12, end)
    size = 4 if family == AF_INET else 16
    nexthops = _nexthops(found.get(9, b""))
    metrics = attributes(found.get(8, b""), 0, len(found.get(8, b"")))
    if max(metrics, default=0) > _LAST_METRIC:
        metrics, kind = {}, 0
    if source_length or not _REPLAYABLE.issuperset(found) or _encapsulated(found):
        kind = 0
    route = Route(
        destination=Prefix(found.get(1, bytes(size)), length),
        gateway=_gateway(found),
        ifindex=_number(found.get(4)),
        metric=_number(found.get(6)),
        protocol=protocol,
        table=_number(found.get(15)) or table,
        kind=kind,
        scope=scope,
        tos=tos,
        onlink=bool(flags & ONLINK),
        source=found.get(7),
        metrics=tuple((n, _number(value)) for n, value in metrics.items()),
        nexthops=nexthops if family == AF_INET else (),
        nexthop_id=_number(found.get(30)),
        preference=found.get(20, b"\0")[0],
    )
    if nexthops:
        if family == AF_INET6:
            return [
                route._replace(gateway=nexthop.gateway, ifindex=nexthop.ifindex, onlink=nexthop.onlink)
                for nexthop in nexthops
            ]
        return [route._replace(gateway=None, ifindex=0, onlink=False)]
    return [route]


def decode_lookup(data: bytes, start: int, end: int) -> Route:
    """The kernel's answer to look_up; cached routes count here."""
    _, length, _, _, _, _, _, kind, _ = RTMSG.unpack_from(data, start)
    found = attributes(data, start + 12, end)
    prefix = Prefix(found.get(1, b""), length)
    return Route(prefix, _gateway(found), _number(found.get(4)), table=_number(found.get(15)), kind=kind)


def _gateway(found: Attributes) -> Address | None:
    via = found.get(18)
    return via[2:] if via else found.get(5)


def _encapsulated(found: Attributes) -> bool:
    """Whether a leg has RTA_ENCAP_TYPE (the route's own isn't replayable to begin with)."""
    data, start = found.get(9, b""), 0
    while start + 8 <= len(data):
        length = NEXTHOP.unpack_from(data, start)[0]
        if length < 8:
            return False
        if 21 in attributes(data, start + 8, start + length):
            return True
        start += length + 3 & ~3
    return False


def _nexthops(data: bytes) -> tuple[NextHop, ...]:
    nexthops, start = [], 0
    while start + 8 <= len(data):
        length, flags, weight, ifindex = NEXTHOP.unpack_from(data, start)
        if length < 8:
            break
        found = attributes(data, start + 8, start + length)
        nexthops.append(NextHop(_gateway(found), ifindex, weight + 1, bool(flags & ONLINK)))
        start += length + 3 & ~3
    return tuple(nexthops)


def decode_link(data: bytes, start: int, end: int) -> Nic | None:
    """The NIC of an RTM_NEWLINK body, without addresses; None for the loopback."""
    _, _, ifindex, flags, _ = IFINFO.unpack_from(data, start)
    if flags & 0x8:
        return None
    found = attributes(data, start + 16, end)
    info = attributes(found.get(18, b""), 0, len(found.get(18, b"")))
    kind = info.get(1, b"").rstrip(b"\0").decode("ascii", "replace")
    details = attributes(info.get(2, b""), 0, len(info.get(2, b""))) if kind == "vlan" else {}
    port = attributes(info.get(5, b""), 0, len(info.get(5, b""))) if info.get(4, b"")[:4] == b"bond" else {}
    return Nic(
        ifindex=ifindex,
        name=found.get(3, b"?").rstrip(b"\0").decode("utf-8", "replace"),
        mac=found.get(1, b""),
        up=bool(flags & 0x1),
        running=bool(flags & 0x40),
        kind=kind,
        # A veth's peer stands in IFLA_LINK too, often with an index of another namespace.
        parent=_number(found.get(5)) if kind != "veth" and 37 not in found else 0,
        master=_number(found.get(10)),
        vlan_id=int.from_bytes(details[1][:2], byteorder) if 1 in details else None,
        permanent_mac=found.get(54) or port.get(4, b""),  # IFLA_PERM_ADDRESS is of Linux 5.6, the bond's word older
    )


def decode_address(data: bytes, start: int, end: int) -> tuple[int, Prefix]:
    """The ifindex and address of an RTM_NEWADDR body."""
    found = attributes(data, start + 8, end)
    address = found.get(2) or found.get(1, b"")
    return U32.unpack_from(data, start + 4)[0], Prefix(address, data[start + 1])


def decode_rule(data: bytes, start: int, end: int) -> Rule:
    """A policy rule of an RTM_NEWRULE body (struct fib_rule_hdr)."""
    family, to_length, from_length, tos, table, _, _, action, flags = RTMSG.unpack_from(data, start)
    found = attributes(data, start + 12, end)
    # FRA_PRIORITY, FRA_SUPPRESS_PREFIXLEN (unset: -1), FRA_TABLE, FRA_PROTOCOL: all a plain rule has.
    others = {k for k in found if k not in (6, 14, 15, 21)} or found.get(14, b"\xff" * 4) != b"\xff" * 4
    plain = not (to_length or from_length or tos or flags & 0x2 or others) and action == 1
    return Rule(4 if family == AF_INET else 6, _number(found.get(6)), _number(found.get(15)) or table, plain)


class Answer(NamedTuple):
    """An NLMSG_ERROR: errno (0: an ACK) and the kernel's words, if it has any."""

    errno: int
    text: str


def decode_error(data: bytes, start: int, end: int, flags: int) -> Answer:
    """Source: Documentation/userspace-api/netlink/intro.rst, "Ext ACK"."""
    number = -int.from_bytes(data[start : start + 4], byteorder, signed=True)
    text = ""
    if flags & ACK_TLVS:
        echoed = U32.unpack_from(data, start + 4)[0] if not flags & ACK_CAPPED else 16
        found = attributes(data, start + 4 + (echoed + 3 & ~3), end)
        text = found.get(1, b"").rstrip(b"\0").decode("ascii", "replace")
    return Answer(number, text)


def _number(value: bytes | None) -> int:
    return int.from_bytes(value, byteorder) if value else 0
