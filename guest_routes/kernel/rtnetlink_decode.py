"""The kernel's rtnetlink answers as values. Pure: bytes in, values out. The inverse of rtnetlink_encode.py."""

from __future__ import annotations

from _socket import AF_INET, AF_INET6
from sys import byteorder

from ..model.namedtuple import NamedTuple
from ..model.network import Address, NextHop, Nic, Prefix, Route, Rule
from .netlink import (
    FIB_RULE_INVERT,
    FR_ACT_TO_TBL,
    FRA_PRIORITY,
    FRA_PROTOCOL,
    FRA_SRC,
    FRA_SUPPRESS_PREFIXLEN,
    FRA_TABLE,
    IFA_ADDRESS,
    IFA_LOCAL,
    IFADDR_BYTES,
    IFF_LOOPBACK,
    IFF_RUNNING,
    IFF_UP,
    IFINFO,
    IFLA_ADDRESS,
    IFLA_BOND_SLAVE_PERM_HWADDR,
    IFLA_IFNAME,
    IFLA_INFO_DATA,
    IFLA_INFO_KIND,
    IFLA_INFO_SLAVE_DATA,
    IFLA_INFO_SLAVE_KIND,
    IFLA_LINK,
    IFLA_LINK_NETNSID,
    IFLA_LINKINFO,
    IFLA_MASTER,
    IFLA_PERM_ADDRESS,
    IFLA_VLAN_ID,
    NEXTHOP,
    NLM_F_ACK_TLVS,
    NLM_F_CAPPED,
    NLMSGERR_ATTR_MSG,
    RTA_CACHEINFO,
    RTA_DST,
    RTA_ENCAP_TYPE,
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
    RTAX_QUICKACK,
    RTM_F_CLONED,
    RTMSG,
    RTN_LOCAL,
    RTNH_F_ONLINK,
    RTPROT_KERNEL,
    U32,
    Attributes,
    attributes,
    nested,
)
from .rtnetlink_encode import DST_HEAD, GATEWAY_HEAD, OIF_HEAD, PLAIN, PLAIN_NO_METRIC, PRIORITY_HEAD, TABLE_HEAD

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, Iterator

_REPLAYABLE = frozenset((
    RTA_DST, RTA_OIF, RTA_GATEWAY, RTA_PRIORITY, RTA_PREFSRC, RTA_METRICS, RTA_MULTIPATH, RTA_TABLE, RTA_VIA, RTA_PREF,
    RTA_NH_ID, RTA_CACHEINFO,
))  # fmt: skip
"""Attributes that a Route holds, and the cache's, which nobody writes."""
_LAST_METRIC = RTAX_QUICKACK
"""Of the later ones, one is a name (RTAX_CC_ALGO), which `metrics` can't hold."""
_PLAIN_RULE = frozenset((FRA_PRIORITY, FRA_SUPPRESS_PREFIXLEN, FRA_TABLE, FRA_PROTOCOL))
"""All that a plain rule has."""
_NO_SUPPRESSION = b"\xff" * 4
"""FRA_SUPPRESS_PREFIXLEN where none is suppressed: -1."""
_NLMSGERR_BYTES = 4
"""struct nlmsgerr up to the header of the message that it answers: the errno."""


def route_decoder(family: int) -> Callable[[bytes, int, int, list[Route]], None]:
    """A function that appends the route, or the legs of an IPv6 multipath route, of a message body to a list."""
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
                                           flags & onlink != 0, None, (), (), 0, 0)))  # fmt: skip
                return
        elif end - start + 16 == bare_length:
            (_, _, _, _, _, _, length, _, tos, _, protocol, scope, kind, flags, h1, table, h2, destination,
             h4, gateway, h5, ifindex) = bare.unpack_from(data, start - 16)  # fmt: skip
            if h1 == table_head and h2 == dst_head and h4 == gateway_head and h5 == oif_head:
                prefix = make(Prefix, (destination, length))
                routes.append(make(Route, (prefix, gateway, ifindex, 0, protocol, table, kind, scope, tos,
                                           flags & onlink != 0, None, (), (), 0, 0)))  # fmt: skip
                return
        routes.extend(decode_route(data, start, end))

    return decode


def decode_route(data: bytes, start: int, end: int) -> list[Route]:
    """The route of an RTM_NEWROUTE body; one per leg for IPv6 multipath; none for a cached one."""
    family, length, source_length, tos, table, protocol, scope, kind, flags = RTMSG.unpack_from(data, start)
    if flags & RTM_F_CLONED or family not in (AF_INET, AF_INET6):
        return []
    if family == AF_INET6 and kind == RTN_LOCAL and protocol == RTPROT_KERNEL:
        return []
    found = attributes(data, start + RTMSG.size, end)
    hops = tuple(_hops(found.get(RTA_MULTIPATH, b"")))
    metrics = _metrics(found)
    replayable = metrics is not None and not source_length and _is_replayable(found, hops)
    route = Route(
        destination=Prefix(found.get(RTA_DST, bytes(4 if family == AF_INET else 16)), length),
        gateway=_gateway(found),
        ifindex=_number(found.get(RTA_OIF)),
        metric=_number(found.get(RTA_PRIORITY)),
        protocol=protocol,
        table=_number(found.get(RTA_TABLE)) or table,
        kind=kind if replayable else 0,
        scope=scope,
        tos=tos,
        onlink=bool(flags & RTNH_F_ONLINK),
        source=found.get(RTA_PREFSRC),
        metrics=metrics or (),
        nexthop_id=_number(found.get(RTA_NH_ID)),
        preference=_number(found.get(RTA_PREF)),
    )
    return _by_nexthops(route, tuple(nexthop for nexthop, _ in hops)) if hops else [route]


def _metrics(found: Attributes) -> tuple[tuple[int, int], ...] | None:
    """RTA_METRICS by number; None when one of them isn't a number that a Route can hold."""
    metrics = nested(found.get(RTA_METRICS))
    if max(metrics, default=0) > _LAST_METRIC:
        return None
    return tuple((number, _number(value)) for number, value in metrics.items())


def _is_replayable(found: Attributes, hops: tuple[tuple[NextHop, Attributes], ...]) -> bool:
    """Whether a Route holds all that the attributes say, so that it can be written back the same."""
    return _REPLAYABLE.issuperset(found) and not any(RTA_ENCAP_TYPE in hop for _, hop in hops)


def _by_nexthops(route: Route, nexthops: tuple[NextHop, ...]) -> list[Route]:
    """A multipath route as model.network.Route has it: one of all next hops for IPv4, one for each for IPv6."""
    if route.family == 4:
        return [route._replace(gateway=None, ifindex=0, onlink=False, nexthops=nexthops)]
    return [route._replace(gateway=one.gateway, ifindex=one.ifindex, onlink=one.onlink) for one in nexthops]


def _hops(data: bytes) -> Iterator[tuple[NextHop, Attributes]]:
    """Each struct rtnexthop of an RTA_MULTIPATH, with its attributes. Stops at a malformed one."""
    start = 0
    while start + NEXTHOP.size <= len(data):
        length, flags, weight, ifindex = NEXTHOP.unpack_from(data, start)
        if length < NEXTHOP.size or start + length > len(data):
            return
        found = attributes(data, start + NEXTHOP.size, start + length)
        yield NextHop(_gateway(found), ifindex, weight + 1, bool(flags & RTNH_F_ONLINK)), found
        start += length + 3 & ~3


def decode_lookup(data: bytes, start: int, end: int) -> Route:
    """The kernel's answer to look_up; cached routes count here."""
    _, length, _, _, _, _, _, kind, _ = RTMSG.unpack_from(data, start)
    found = attributes(data, start + RTMSG.size, end)
    prefix = Prefix(found.get(RTA_DST, b""), length)
    ifindex, table = _number(found.get(RTA_OIF)), _number(found.get(RTA_TABLE))
    return Route(prefix, _gateway(found), ifindex, table=table, kind=kind)


def _gateway(found: Attributes) -> Address | None:
    """RTA_VIA's address stands behind its family, a u16."""
    via = found.get(RTA_VIA)
    return via[2:] if via else found.get(RTA_GATEWAY)


def decode_link(data: bytes, start: int, end: int) -> Nic | None:
    """The NIC of an RTM_NEWLINK body, without addresses; None for the loopback."""
    _, _, ifindex, flags, _ = IFINFO.unpack_from(data, start)
    if flags & IFF_LOOPBACK:
        return None
    found = attributes(data, start + IFINFO.size, end)
    info = nested(found.get(IFLA_LINKINFO))
    kind = _text(info.get(IFLA_INFO_KIND, b""))
    # A veth's peer stands in IFLA_LINK too, often with an index of another namespace.
    has_parent = kind != "veth" and IFLA_LINK_NETNSID not in found
    return Nic(
        ifindex=ifindex,
        name=_text(found.get(IFLA_IFNAME, b"?")),
        mac=found.get(IFLA_ADDRESS, b""),
        up=bool(flags & IFF_UP),
        running=bool(flags & IFF_RUNNING),
        kind=kind,
        parent=_number(found.get(IFLA_LINK)) if has_parent else 0,
        master=_number(found.get(IFLA_MASTER)),
        vlan_id=_vlan_id(info) if kind == "vlan" else None,
        # IFLA_PERM_ADDRESS is of Linux 5.6; the bond's own attribute is older.
        permanent_mac=found.get(IFLA_PERM_ADDRESS) or _mac_before_bonding(info),
    )


def _vlan_id(info: Attributes) -> int | None:
    value = nested(info.get(IFLA_INFO_DATA)).get(IFLA_VLAN_ID)
    return None if value is None else int.from_bytes(value[:2], byteorder)


def _mac_before_bonding(info: Attributes) -> bytes:
    if _text(info.get(IFLA_INFO_SLAVE_KIND, b"")) != "bond":
        return b""
    return nested(info.get(IFLA_INFO_SLAVE_DATA)).get(IFLA_BOND_SLAVE_PERM_HWADDR, b"")


def decode_address(data: bytes, start: int, end: int) -> tuple[int, Prefix]:
    """The ifindex and address of an RTM_NEWADDR body (struct ifaddrmsg)."""
    found = attributes(data, start + IFADDR_BYTES, end)
    address = found.get(IFA_LOCAL) or found.get(IFA_ADDRESS, b"")
    return U32.unpack_from(data, start + 4)[0], Prefix(address, data[start + 1])


def decode_rule(data: bytes, start: int, end: int) -> Rule:
    """A policy rule of an RTM_NEWRULE body (struct fib_rule_hdr)."""
    family, to_length, from_length, tos, table, _, _, action, flags = RTMSG.unpack_from(data, start)
    found = attributes(data, start + RTMSG.size, end)
    suppresses = found.get(FRA_SUPPRESS_PREFIXLEN, _NO_SUPPRESSION) != _NO_SUPPRESSION
    source = found.pop(FRA_SRC, None)
    restricted = bool(to_length or tos or flags & FIB_RULE_INVERT) or not _PLAIN_RULE.issuperset(found)
    simple = action == FR_ACT_TO_TBL and not restricted and not suppresses
    return Rule(
        family=4 if family == AF_INET else 6,
        priority=_number(found.get(FRA_PRIORITY)),
        table=_number(found.get(FRA_TABLE)) or table,
        plain=simple and not from_length,
        protocol=_number(found.get(FRA_PROTOCOL)),
        source=Prefix(source, from_length) if simple and source and from_length else None,
    )


class Answer(NamedTuple):
    """An NLMSG_ERROR: errno (0: an ACK) and the kernel's words, if it has any."""

    errno: int
    text: str


def decode_error(data: bytes, start: int, end: int, flags: int) -> Answer:
    """The answer in an NLMSG_ERROR body.

    Source: Documentation/userspace-api/netlink/intro.rst, "Ext ACK".
    """
    number = -int.from_bytes(data[start : start + 4], byteorder, signed=True)
    if not flags & NLM_F_ACK_TLVS:
        return Answer(number, "")
    echo = start + _NLMSGERR_BYTES
    echoed = 16 if flags & NLM_F_CAPPED else U32.unpack_from(data, echo)[0]
    return Answer(number, _text(attributes(data, echo + (echoed + 3 & ~3), end).get(NLMSGERR_ATTR_MSG, b"")))


def _number(value: bytes | None) -> int:
    return int.from_bytes(value, byteorder) if value else 0


def _text(value: bytes) -> str:
    """A zero-terminated text."""
    return value.rstrip(b"\0").decode("utf-8", "replace")
