"""The kernel's rtnetlink answers about routes and rules as values. Pure: bytes in, values out.

The inverse of encode.py.
"""

from __future__ import annotations

from _socket import AF_INET, AF_INET6
from _struct import error as _struct_error  # type: ignore[attr-defined]
from sys import byteorder

from ...model.namedtuple import NamedTuple
from ...model.network import Address, NextHop, Prefix, Route, Rule
from ..netlink import (
    FIB_RULE_INVERT,
    FR_ACT_TO_TBL,
    FRA_DST,
    FRA_FLOW,
    FRA_FWMARK,
    FRA_FWMASK,
    FRA_GOTO,
    FRA_IIFNAME,
    FRA_PAD,
    FRA_PRIORITY,
    FRA_PROTOCOL,
    FRA_SRC,
    FRA_SUPPRESS_IFGROUP,
    FRA_SUPPRESS_PREFIXLEN,
    FRA_TABLE,
    FRA_UID_RANGE,
    NEXTHOP,
    NLM_F_ACK_TLVS,
    NLM_F_CAPPED,
    NLMSGERR_ATTR_MSG,
    RTA_CACHEINFO,
    RTA_DST,
    RTA_ENCAP_TYPE,
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
    RTAX_CC_ALGO,
    RTAX_FASTOPEN_NO_COOKIE,
    RTM_F_CLONED,
    RTMSG,
    RTN_LOCAL,
    RTNH_F_ONLINK,
    RTPROT_KERNEL,
    U32,
    USER_HZ,
    Attributes,
    attributes,
    nested,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterator

    from ...model.network import Unwritable

_REPLAYABLE = frozenset((
    RTA_DST, RTA_OIF, RTA_GATEWAY, RTA_PRIORITY, RTA_PREFSRC, RTA_METRICS, RTA_MULTIPATH, RTA_TABLE, RTA_VIA, RTA_PREF,
    RTA_NH_ID, RTA_CACHEINFO, RTA_FLOW,
))  # fmt: skip
"""Attributes that a Route holds."""
_LAST_METRIC = RTAX_FASTOPEN_NO_COOKIE
"""Of those known here."""
_EXPIRES_AT = 8
"""Where struct rta_cacheinfo has rta_expires, an s32 in ticks."""
_PLAIN_RULE = frozenset((FRA_PRIORITY, FRA_SUPPRESS_PREFIXLEN, FRA_TABLE, FRA_PROTOCOL))
"""All that a plain rule has."""
_NOT_CHOSEN_BY = _PLAIN_RULE.union((
    FRA_DST, FRA_IIFNAME, FRA_FWMARK, FRA_FLOW, FRA_SUPPRESS_IFGROUP, FRA_FWMASK, FRA_PAD, FRA_UID_RANGE,
))  # fmt: skip
"""What a rule may have besides that is about any packet; these values say whether it is."""
_LOOPBACK = b"lo"
"""FRA_IIFNAME of what this machine sends itself."""
_WHOLE_MASK = b"\xff" * 4
_NO_SUPPRESSION = b"\xff" * 4
"""FRA_SUPPRESS_PREFIXLEN where none is suppressed: -1."""
UNDECODABLE = (_struct_error, IndexError)
"""What a decoder raises for a message that is too short for what it says."""
_NLMSGERR_BYTES = 4
"""struct nlmsgerr up to the header of the message that it answers: the errno."""


def decode_route(data: bytes, start: int, end: int) -> list[Route]:
    """The route of an RTM_NEWROUTE body; one per next hop for IPv6 multipath; none for a cached or an expired one."""
    family, length, source_length, tos, table, protocol, scope, kind, flags = RTMSG.unpack_from(data, start)
    if flags & RTM_F_CLONED or family not in (AF_INET, AF_INET6):
        return []
    if family == AF_INET6 and kind == RTN_LOCAL and protocol == RTPROT_KERNEL:
        return []
    found = attributes(data, start + RTMSG.size, end)
    expires = _expires(found)
    if expires < 0:  # The kernel uses it no more, and collects it within net.ipv6.route.gc_interval, 30 s.
        return []
    hops = tuple(_hops(found.get(RTA_MULTIPATH, b"")))
    metrics = _metrics(found)
    unwritable = "source" if source_length else _unwritable(found, hops if family == AF_INET else (), metrics)
    route = Route(
        destination=Prefix(found.get(RTA_DST, bytes(4 if family == AF_INET else 16)), length),
        gateway=_gateway(found),
        ifindex=number_of(found.get(RTA_OIF)),
        metric=number_of(found.get(RTA_PRIORITY)),
        protocol=protocol,
        table=number_of(found.get(RTA_TABLE)) or table,
        kind=0 if unwritable else kind,
        scope=scope,
        tos=tos,
        onlink=bool(flags & RTNH_F_ONLINK),
        source=found.get(RTA_PREFSRC),
        metrics=metrics or (),
        nexthop_id=number_of(found.get(RTA_NH_ID)),
        preference=number_of(found.get(RTA_PREF)),
        realms=number_of(found.get(RTA_FLOW)),
        expires=expires,
        unwritable=unwritable,
    )
    if route.nexthop_id:  # What else is shown of it depends on net.ipv4.nexthop_compat_mode.
        return [route._replace(gateway=None, ifindex=0, onlink=False)]
    return _by_nexthops(route, hops) if hops else [route]


def _metrics(found: Attributes) -> tuple[tuple[int, int | str], ...] | None:
    """RTA_METRICS by number; None when one of them isn't known here."""
    metrics = nested(found.get(RTA_METRICS))
    if max(metrics, default=0) > _LAST_METRIC:
        return None
    return tuple(
        (number, text_of(value) if number == RTAX_CC_ALGO else number_of(value)) for number, value in metrics.items()
    )


def _unwritable(
    found: Attributes,
    hops: tuple[tuple[NextHop, Attributes], ...],
    metrics: tuple[tuple[int, int | str], ...] | None,
) -> Unwritable:
    """Why a Route can't hold all that the attributes say, so that it could not be written back the same."""
    if RTA_ENCAP_TYPE in found or any(RTA_ENCAP_TYPE in hop for _, hop in hops):
        return "encap"
    return "" if metrics is not None and _REPLAYABLE.issuperset(found) else "attributes"


def _expires(found: Attributes) -> int:
    """The seconds that an IPv6 route still has, 1 in its last one; 0 for ever; below 0 it has expired."""
    ticks = int.from_bytes(found.get(RTA_CACHEINFO, b"")[_EXPIRES_AT : _EXPIRES_AT + 4], byteorder, signed=True)
    return max(1, ticks // USER_HZ) if ticks > 0 else ticks


def _by_nexthops(route: Route, hops: tuple[tuple[NextHop, Attributes], ...]) -> list[Route]:
    """A multipath route as model.network.Route has it: one of all next hops for IPv4, one for each for IPv6."""
    if route.family == 4:
        nexthops = tuple(nexthop for nexthop, _ in hops)
        return [route._replace(gateway=None, ifindex=0, onlink=False, nexthops=nexthops)]
    return [_as_route(route, nexthop, RTA_ENCAP_TYPE in found) for nexthop, found in hops]


def _as_route(route: Route, nexthop: NextHop, encapsulated: bool) -> Route:
    """A next hop of an IPv6 multipath route as the route that it is by itself."""
    gateway, ifindex, weight, onlink, _ = nexthop
    one = route._replace(gateway=gateway, ifindex=ifindex, weight=weight, onlink=onlink)
    return one._replace(kind=0, unwritable="encap") if encapsulated else one


def _hops(data: bytes) -> Iterator[tuple[NextHop, Attributes]]:
    """Each struct rtnexthop of an RTA_MULTIPATH, with its attributes. Stops at a malformed one."""
    start = 0
    while start + NEXTHOP.size <= len(data):
        length, flags, weight, ifindex = NEXTHOP.unpack_from(data, start)
        if length < NEXTHOP.size or start + length > len(data):
            return
        found = attributes(data, start + NEXTHOP.size, start + length)
        realms = number_of(found.get(RTA_FLOW))
        yield NextHop(_gateway(found), ifindex, weight + 1, bool(flags & RTNH_F_ONLINK), realms), found
        start += length + 3 & ~3


def decode_lookup(data: bytes, start: int, end: int) -> Route:
    """The kernel's answer to look_up; cached routes count here."""
    _, length, _, _, _, _, _, kind, _ = RTMSG.unpack_from(data, start)
    found = attributes(data, start + RTMSG.size, end)
    prefix = Prefix(found.get(RTA_DST, b""), length)
    ifindex, table = number_of(found.get(RTA_OIF)), number_of(found.get(RTA_TABLE))
    return Route(prefix, _gateway(found), ifindex, table=table, kind=kind)


def _gateway(found: Attributes) -> Address | None:
    """RTA_VIA's address stands behind its family, a u16."""
    via = found.get(RTA_VIA)
    return via[2:] if via else found.get(RTA_GATEWAY)


def decode_rule(data: bytes, start: int, end: int) -> Rule:
    """A policy rule of an RTM_NEWRULE body (struct fib_rule_hdr)."""
    family, to_length, from_length, tos, table, _, _, action, flags = RTMSG.unpack_from(data, start)
    found = attributes(data, start + RTMSG.size, end)
    suppressed = _suppressed(found)
    source, target = found.pop(FRA_SRC, None), number_of(found.pop(FRA_GOTO, None))
    negated = bool(flags & FIB_RULE_INVERT)
    prefix = None if negated else _prefix(source, from_length)
    narrowed = bool(to_length or tos or negated) or not _PLAIN_RULE.issuperset(found)
    restricted = narrowed or suppressed >= 0
    simple = action == FR_ACT_TO_TBL and not restricted
    return Rule(
        family=4 if family == AF_INET else 6,
        priority=number_of(found.get(FRA_PRIORITY)),
        table=number_of(found.get(FRA_TABLE)) or table,
        plain=simple and not from_length,
        protocol=number_of(found.get(FRA_PROTOCOL)),
        source=prefix if simple else None,
        among=None if simple else prefix,
        restricted=restricted,
        action=action,
        target=target,
        suppresses=-1 if narrowed else suppressed,
        destination=_prefix(found.get(FRA_DST), to_length),
        chosen=bool(tos or _is_chosen(found, negated and from_length)),
        negated=negated,
    )


def _prefix(address: bytes | None, length: int) -> Prefix | None:
    return Prefix(address, length) if address and length else None


def _is_chosen(found: dict[int, bytes], excluded: int) -> bool:
    """Whether a rule is not about a packet that root sends, of which no more than its addresses is known.

    Args:
        excluded: the length of the source's prefix, of a negated rule.
    """
    marked = number_of(found.get(FRA_FWMARK)) & number_of(found.get(FRA_FWMASK, _WHOLE_MASK))
    came_by = found.get(FRA_IIFNAME, _LOOPBACK).rstrip(b"\0")
    first_user = number_of(found.get(FRA_UID_RANGE, b"")[:4])
    return bool(excluded or marked or first_user or came_by != _LOOPBACK or found.keys() - _NOT_CHOSEN_BY)


def _suppressed(found: dict[int, bytes]) -> int:
    """Up to which prefix length a rule leaves routes of its table out; -1: none."""
    length = found.get(FRA_SUPPRESS_PREFIXLEN, _NO_SUPPRESSION)
    return -1 if length == _NO_SUPPRESSION else number_of(length)


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
    return Answer(number, text_of(attributes(data, echo + (echoed + 3 & ~3), end).get(NLMSGERR_ATTR_MSG, b"")))


def number_of(value: bytes | None) -> int:
    """A native integer; 0 where there is none."""
    return int.from_bytes(value, byteorder) if value else 0


def text_of(value: bytes) -> str:
    """A zero-terminated text."""
    return value.rstrip(b"\0").decode("utf-8", "replace")
