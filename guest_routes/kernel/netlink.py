"""Netlink's numbers under the kernel's own names, and how a message and its attributes are framed. Pure.

A message is nlmsghdr (16 bytes), a family header, then attributes of length, type and value, each padded to 4.

Source: include/uapi/linux/netlink.h, rtnetlink.h, if.h, if_link.h, if_addr.h, fib_rules.h; netlink(7), rtnetlink(7);
RFC 3549.
"""

from __future__ import annotations

# The C module itself: the library's shell around it is a file more to read.
from _struct import Struct
from errno import EACCES, EHOSTUNREACH, EINVAL

from ..model.network import Address, Prefix, contains

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterator, TypeAlias

    Message: TypeAlias = "tuple[int, int, int, int, int, int]"
    """A message's type, flags, sequence, port, and the span of its body."""

# linux/netlink.h
NLMSG_ERROR, NLMSG_DONE = 2, 3
NLM_F_REQUEST, NLM_F_ACK, NLM_F_DUMP_INTR = 0x01, 0x04, 0x10
NLM_F_ROOT, NLM_F_MATCH, NLM_F_DUMP = 0x100, 0x200, 0x300
NLM_F_REPLACE, NLM_F_EXCL, NLM_F_CREATE, NLM_F_APPEND = 0x100, 0x200, 0x400, 0x800
NLM_F_CAPPED, NLM_F_ACK_TLVS = 0x100, 0x200
NLMSGERR_ATTR_MSG = 1
NLA_TYPE_MASK = 0x3FFF
NETLINK_ADD_MEMBERSHIP, NETLINK_CAP_ACK, NETLINK_EXT_ACK, NETLINK_GET_STRICT_CHK = 1, 10, 11, 12
SOL_NETLINK = 270
"""Source: include/linux/socket.h."""

# linux/rtnetlink.h
RTM_NEWLINK, RTM_GETLINK, RTM_NEWADDR, RTM_GETADDR = 16, 18, 20, 22
RTM_NEWROUTE, RTM_DELROUTE, RTM_GETROUTE = 24, 25, 26
RTM_NEWRULE, RTM_DELRULE, RTM_GETRULE = 32, 33, 34
RTN_LOCAL, RTN_BLACKHOLE, RTN_UNREACHABLE, RTN_PROHIBIT = 2, 6, 7, 8
REJECTING_KINDS = {RTN_BLACKHOLE: EINVAL, RTN_UNREACHABLE: EHOSTUNREACH, RTN_PROHIBIT: EACCES}
"""The kinds of routes that drop a packet, and the errno that its sender gets. Source: net/ipv4/fib_semantics.c."""
RTPROT_KERNEL = 2
RTM_F_CLONED, RTM_F_LOOKUP_TABLE = 0x200, 0x1000
RTNH_F_ONLINK = 4
RTA_DST, RTA_SRC, RTA_OIF, RTA_GATEWAY, RTA_PRIORITY, RTA_PREFSRC, RTA_METRICS, RTA_MULTIPATH = 1, 2, 4, 5, 6, 7, 8, 9
RTA_FLOW, RTA_CACHEINFO, RTA_TABLE, RTA_VIA, RTA_PREF, RTA_ENCAP_TYPE = 11, 12, 15, 18, 20, 21
RTA_EXPIRES, RTA_NH_ID = 23, 30
RTAX_CC_ALGO, RTAX_FASTOPEN_NO_COOKIE = 16, 17
RTM_NEWNEXTHOP, RTM_GETNEXTHOP = 104, 106
RTEXT_FILTER_SKIP_STATS = 8
RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV4_RULE = 1, 5, 7, 8
RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV6_RULE, RTNLGRP_NEXTHOP = 9, 11, 19, 32

# linux/nexthop.h
NHA_ID, NHA_GROUP, NHA_OIF, NHA_GATEWAY, NHA_ENCAP_TYPE = 1, 2, 5, 6, 7

# linux/if.h, linux/if_link.h, linux/if_addr.h
IFF_UP, IFF_LOOPBACK, IFF_RUNNING = 0x1, 0x8, 0x40
IFLA_ADDRESS, IFLA_IFNAME, IFLA_LINK, IFLA_MASTER, IFLA_LINKINFO, IFLA_EXT_MASK = 1, 3, 5, 10, 18, 29
IFLA_LINK_NETNSID, IFLA_PERM_ADDRESS = 37, 54
IFLA_INFO_KIND, IFLA_INFO_DATA, IFLA_INFO_SLAVE_KIND, IFLA_INFO_SLAVE_DATA = 1, 2, 4, 5
IFLA_VLAN_ID = 1
IFLA_BOND_SLAVE_PERM_HWADDR = 4
IFA_ADDRESS, IFA_LOCAL = 1, 2

# linux/fib_rules.h
FRA_DST, FRA_SRC, FRA_IIFNAME, FRA_GOTO, FRA_PRIORITY, FRA_FWMARK, FRA_FLOW = 1, 2, 3, 4, 6, 10, 11
FRA_SUPPRESS_IFGROUP, FRA_SUPPRESS_PREFIXLEN, FRA_TABLE, FRA_FWMASK, FRA_PAD = 13, 14, 15, 16, 18
FRA_UID_RANGE, FRA_PROTOCOL = 20, 21
FIB_RULE_INVERT = 0x2
FR_ACT_TO_TBL = 1

HEADER = Struct("=IHHII")
"""struct nlmsghdr."""
RTMSG = Struct("=BBBBBBBBI")
"""struct rtmsg, and struct fib_rule_hdr, which has the same form."""
IFINFO = Struct("=BxHiII")
"""struct ifinfomsg."""
IFADDR_BYTES = 8
"""struct ifaddrmsg."""
IFA_F_DADFAILED, IFA_F_PERMANENT = 0x08, 0x80
"""Its flags. DADFAILED: another machine on the link has the address. Source: include/uapi/linux/if_addr.h."""
NEXTHOP = Struct("=HBBi")
"""struct rtnexthop."""
NHMSG = Struct("=BBBxI")
"""struct nhmsg: family, scope, protocol, flags."""
NEXTHOP_GROUP = Struct("=IBBH")
"""struct nexthop_grp: id, weight - 1, its high byte, reserved."""
USER_HZ = 100
"""Ticks a second of the times in struct rta_cacheinfo, on nearly every architecture."""
U32 = Struct("=I")
_ATTRIBUTE = Struct("=HH")
"""struct rtattr: its length with these four bytes, and its type."""

Attributes = dict[int, bytes]


def attributes(data: bytes, start: int, end: int) -> Attributes:
    """Type (without flag bits) to value; the last of a type counts. Stops at a malformed one."""
    found: Attributes = {}
    while start + 4 <= end:
        length, kind = _ATTRIBUTE.unpack_from(data, start)
        if length < 4 or start + length > end:
            break
        found[kind & NLA_TYPE_MASK] = data[start + 4 : start + length]
        start += length + 3 & ~3
    return found


def nested(value: bytes | None) -> Attributes:
    """The attributes within an attribute's value; none for one that is absent."""
    return attributes(value, 0, len(value)) if value else {}


def attribute(kind: int, value: bytes) -> bytes:
    """One attribute, padded."""
    return _ATTRIBUTE.pack(len(value) + 4, kind) + value + bytes(-len(value) % 4)


def attribute_head(kind: int, value_bytes: int) -> int:
    """The length and type of an attribute, as the one native u32 that they are in a message."""
    return int(U32.unpack(_ATTRIBUTE.pack(value_bytes + 4, kind))[0])


def message(kind: int, flags: int, sequence: int, body: bytes) -> bytes:
    """A whole netlink message."""
    return HEADER.pack(len(body) + 16, kind, flags, sequence, 0) + body


def messages(data: bytes | bytearray, end: int, start: int = 0) -> Iterator[Message]:
    """Each message. Stops at a malformed one."""
    while start + 16 <= end:
        length, kind, flags, sequence, port = HEADER.unpack_from(data, start)
        if length < 16 or start + length > end:
            return
        yield kind, flags, sequence, port, start + 16, start + length
        start += length + 3 & ~3


# A unicast route with gateway and metric, as nearly all of ours are: one pack instead of eight. nlmsghdr, rtmsg, then
# RTA_TABLE, RTA_DST, RTA_PRIORITY, RTA_GATEWAY, RTA_OIF, each with its length and type in one number (attribute_head).
PLAIN = {4: Struct("=IHHIIBBBBBBBBIIII4sIII4sII"), 16: Struct("=IHHIIBBBBBBBBIIII16sIII16sII")}
TABLE_HEAD, PRIORITY_HEAD = attribute_head(RTA_TABLE, 4), attribute_head(RTA_PRIORITY, 4)
OIF_HEAD = attribute_head(RTA_OIF, 4)
DST_HEAD = {size: attribute_head(RTA_DST, size) for size in (4, 16)}
GATEWAY_HEAD = {size: attribute_head(RTA_GATEWAY, size) for size in (4, 16)}


def own_and_peer(own: Address, peer: Address, length: int) -> tuple[Prefix, Prefix | None]:
    """An address with its subnet's length; and its peer's subnet, where that is another one.

    Args:
        length: of the peer's subnet, in bits; without a peer (IFA_ADDRESS) it is the address itself.
    """
    there = Prefix(peer, length)
    return (Prefix(own, length), None) if contains(there, own) else (Prefix(own, 8 * len(own)), there)
