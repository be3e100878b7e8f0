"""What the kernel is asked for, as rtnetlink messages: dumps and lookups. Pure.

Answers are decode.py's and nics.py's; operations are encode.py's.
"""

from __future__ import annotations

from _socket import AF_INET, AF_INET6, AF_UNSPEC

from ..netlink import (
    IFADDR_BYTES,
    IFINFO,
    IFLA_EXT_MASK,
    NHMSG,
    NLM_F_DUMP,
    NLM_F_REQUEST,
    RTA_DST,
    RTA_SRC,
    RTA_TABLE,
    RTEXT_FILTER_SKIP_STATS,
    RTM_F_LOOKUP_TABLE,
    RTM_GETADDR,
    RTM_GETLINK,
    RTM_GETNEXTHOP,
    RTM_GETROUTE,
    RTM_GETRULE,
    RTMSG,
    U32,
    attribute,
    message,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...model.network import Address


def dump_links(sequence: int) -> bytes:
    """Every link, without the counters."""
    body = IFINFO.pack(0, 0, 0, 0, 0) + attribute(IFLA_EXT_MASK, U32.pack(RTEXT_FILTER_SKIP_STATS))
    return message(RTM_GETLINK, NLM_F_REQUEST | NLM_F_DUMP, sequence, body)


def dump_addresses(sequence: int) -> bytes:
    """Every address of both families."""
    return message(RTM_GETADDR, NLM_F_REQUEST | NLM_F_DUMP, sequence, bytes(IFADDR_BYTES))


def dump_rules(sequence: int, family: int) -> bytes:
    """Policy rules of a family."""
    return message(RTM_GETRULE, NLM_F_REQUEST | NLM_F_DUMP, sequence, RTMSG.pack(family, 0, 0, 0, 0, 0, 0, 0, 0))


def dump_routes(sequence: int, family: int, table: int, protocol: int = 0) -> bytes:
    """A family's routes of one table, filtered by the kernel (NETLINK_GET_STRICT_CHK); `protocol`: 0 for any."""
    body = RTMSG.pack(family, 0, 0, 0, 0, protocol, 0, 0, 0) + attribute(RTA_TABLE, U32.pack(table))
    return message(RTM_GETROUTE, NLM_F_REQUEST | NLM_F_DUMP, sequence, body)


def dump_nexthops(sequence: int) -> bytes:
    """Every nexthop object."""
    return message(RTM_GETNEXTHOP, NLM_F_REQUEST | NLM_F_DUMP, sequence, NHMSG.pack(AF_UNSPEC, 0, 0, 0))


def look_up(sequence: int, address: Address, source: Address | None = None) -> bytes:
    """The route that the kernel takes for an address, of a packet that carries this source."""
    family = AF_INET if len(address) == 4 else AF_INET6
    # IPv6 names the table unasked, and refuses the flag (NETLINK_GET_STRICT_CHK).
    flags = RTM_F_LOOKUP_TABLE if family == AF_INET else 0
    source_bits = 0 if source is None else len(source) * 8
    body = RTMSG.pack(family, len(address) * 8, source_bits, 0, 0, 0, 0, 0, flags) + attribute(RTA_DST, address)
    if source is not None:
        body += attribute(RTA_SRC, source)
    return message(RTM_GETROUTE, NLM_F_REQUEST, sequence, body)
