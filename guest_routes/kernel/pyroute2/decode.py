"""pyroute2's messages as values; the reading half of the reference engine that needs no socket."""

from __future__ import annotations

from _socket import AF_INET, AF_INET6
from typing import Any, NamedTuple, Optional, Tuple, Union

from ...model.network import Address, NextHop, Nic, Prefix, Route, Rule, parse_address
from ..netlink import (
    FIB_RULE_INVERT,
    FR_ACT_TO_TBL,
    IFF_RUNNING,
    IFF_UP,
    RTM_F_CLONED,
    RTM_NEWROUTE,
    RTN_LOCAL,
    RTNH_F_ONLINK,
    RTPROT_KERNEL,
    USER_HZ,
)
from ..nexthops import NexthopMessage, members_of
from .encode import METRIC_NUMBER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...model.network import Unwritable

FAMILIES = {AF_INET: 4, AF_INET6: 6}
REPLAYABLE = {
    "RTA_TABLE", "RTA_DST", "RTA_PRIORITY", "RTA_PREFSRC", "RTA_METRICS", "RTA_GATEWAY", "RTA_VIA", "RTA_OIF",
    "RTA_MULTIPATH", "RTA_NH_ID", "RTA_PREF", "RTA_CACHEINFO", "RTA_FLOW",
}  # fmt: skip
"""Attributes that a Route holds."""
SIMPLE_RULE = {"FRA_SRC", "FRA_GOTO", "FRA_TABLE", "FRA_PRIORITY", "FRA_PROTOCOL", "FRA_SUPPRESS_PREFIXLEN"}
ABOUT_ANY = {
    "FRA_DST", "FRA_IIFNAME", "FRA_FWMARK", "FRA_FLOW", "FRA_SUPPRESS_IFGROUP", "FRA_FWMASK", "FRA_PAD",
    "FRA_UID_RANGE",
}  # fmt: skip
"""What a rule may have besides that is about any packet; these values say whether it is."""
NO_SUPPRESSION = 0xFFFFFFFF


class Hop(NamedTuple):
    """What a route and a next hop of a multipath route have in common."""

    gateway: Optional[Address]
    ifindex: int
    onlink: bool
    weight: int
    encapsulated: bool
    realms: int = 0


def nic_of(
    link: Any, addresses: Tuple[Prefix, ...], limited: Tuple[Prefix, ...] = (), peers: Tuple[Prefix, ...] = ()
) -> Nic:
    """The NIC of an RTM_NEWLINK message."""
    info: Any = link.get_attr("IFLA_LINKINFO")
    kind = (info.get_attr("IFLA_INFO_KIND") if info else "") or ""
    # A veth has its peer in IFLA_LINK, often with an index of another namespace.
    has_parent = kind != "veth" and link.get_attr("IFLA_LINK_NETNSID") is None
    return Nic(
        ifindex=link["index"],
        name=link.get_attr("IFLA_IFNAME"),
        mac=_mac(link.get_attr("IFLA_ADDRESS")),
        up=bool(link["flags"] & IFF_UP),
        running=bool(link["flags"] & IFF_RUNNING),
        kind=kind,
        parent=(link.get_attr("IFLA_LINK") or 0) if has_parent else 0,
        master=link.get_attr("IFLA_MASTER") or 0,
        vlan_id=_within(info, "IFLA_INFO_DATA", "IFLA_VLAN_ID") if kind == "vlan" else None,
        permanent_mac=_mac(
            link.get_attr("IFLA_PERM_ADDRESS") or _within(info, "IFLA_INFO_SLAVE_DATA", "IFLA_BOND_SLAVE_PERM_HWADDR")
        ),
        addresses=addresses,
        limited=limited,
        peers=peers,
    )


def _within(info: Any, outer: str, inner: str) -> Any:
    """An attribute nested in IFLA_LINKINFO; None where either is absent, or of a kind that pyroute2 doesn't decode."""
    nest: Any = None if info is None else info.get_attr(outer)
    return nest.get_attr(inner) if hasattr(nest, "get_attr") else None


def _mac(text: Optional[str]) -> bytes:
    return bytes.fromhex(text.replace(":", "")) if text else b""


def rule_of(message: Any) -> Rule:
    """The policy rule of an RTM_NEWRULE message."""
    selective, suppresses = _is_selective(message), message.get_attr("FRA_SUPPRESS_PREFIXLEN")
    suppressed = -1 if suppresses in (None, NO_SUPPRESSION) else suppresses
    restricted = selective or suppressed >= 0
    simple = message["action"] == FR_ACT_TO_TBL and not restricted
    length, negated = message["src_len"], bool(message["flags"] & FIB_RULE_INVERT)
    prefix = None if negated else _prefix(message.get_attr("FRA_SRC"), length)
    return Rule(
        family=FAMILIES[message["family"]],
        priority=message.get_attr("FRA_PRIORITY") or 0,
        table=message.get_attr("FRA_TABLE") or message["table"],
        plain=simple and not length,
        protocol=message.get_attr("FRA_PROTOCOL") or 0,
        source=prefix if simple else None,
        among=None if simple else prefix,
        restricted=restricted,
        action=message["action"],
        target=message.get_attr("FRA_GOTO") or 0,
        suppresses=-1 if selective else suppressed,
        destination=_prefix(message.get_attr("FRA_DST"), message["dst_len"]),
        chosen=_is_chosen(message, negated and length),
        negated=negated,
    )


def _prefix(text: Optional[str], length: int) -> Optional[Prefix]:
    return Prefix(parse_address(text), length) if text and length else None


def _is_chosen(message: Any, excluded: int) -> bool:
    """Whether a rule is not about a packet that root sends, of which no more than its addresses is known.

    Args:
        excluded: the length of the source's prefix, of a negated rule.
    """
    mask = message.get_attr("FRA_FWMASK")
    marked = (message.get_attr("FRA_FWMARK") or 0) & (0xFFFFFFFF if mask is None else mask)
    first_user = int((message.get_attr("FRA_UID_RANGE") or "0:").partition(":")[0])
    other_names = {name for name, _ in message["attrs"]} - SIMPLE_RULE - ABOUT_ANY
    came_by = message.get_attr("FRA_IIFNAME") or "lo"
    return bool(message["tos"] or excluded or marked or first_user or came_by != "lo" or other_names)


def _is_selective(message: Any) -> bool:
    """Whether a rule matches only some packets of its source."""
    if message["dst_len"] or message["tos"] or message["flags"] & FIB_RULE_INVERT:
        return True
    return not {name for name, _ in message["attrs"]} <= SIMPLE_RULE


def routes_of(message: Any) -> Tuple[Route, ...]:
    """The Routes of one dumped message: none, one, or one for each next hop of an IPv6 multipath route."""
    if message["header"]["type"] != RTM_NEWROUTE or _is_kernels_own(message):
        return ()
    if _expires(message) < 0:  # The kernel uses it no more, and collects it within 30 s.
        return ()
    hops = tuple(_nexthop_of(nexthop) for nexthop in message.get_attr("RTA_MULTIPATH") or ())
    route = _route_of(message, hops)
    if route.nexthop_id:  # What else is shown of it depends on net.ipv4.nexthop_compat_mode.
        return (route._replace(gateway=None, ifindex=0, onlink=False),)
    if not hops:
        return (route,)
    if route.family == 4:
        nexthops = tuple(NextHop(hop.gateway, hop.ifindex, hop.weight, hop.onlink, hop.realms) for hop in hops)
        return (route._replace(nexthops=nexthops),)
    return tuple(_as_route(route, hop) for hop in hops)


def _as_route(route: Route, hop: Hop) -> Route:
    """A next hop of an IPv6 multipath route as the route that it is by itself."""
    one = route._replace(gateway=hop.gateway, ifindex=hop.ifindex, onlink=hop.onlink, weight=hop.weight)
    return one._replace(kind=0, unwritable="encap") if hop.encapsulated else one


def nexthop_of(message: Any) -> NexthopMessage:
    """An RTM_NEWNEXTHOP."""
    number, group = message.get_attr("NHA_ID"), message.get_attr("NHA_GROUP")
    if group:
        return NexthopMessage(number, members=tuple(members_of(group)))
    ifindex = message.get_attr("NHA_OIF")
    if not ifindex:
        return NexthopMessage(number)
    hop = NextHop(message.get_attr("NHA_GATEWAY"), ifindex, 1, bool(message["flags"] & RTNH_F_ONLINK))
    return NexthopMessage(number, hop, encapsulated=message.get_attr("NHA_ENCAP_TYPE") is not None)


def _is_kernels_own(message: Any) -> bool:
    """Whether this is a cached route, or an IPv6 one of the kernel's own kind `local`."""
    local = message["type"] == RTN_LOCAL and message["proto"] == RTPROT_KERNEL
    return bool(message["flags"] & RTM_F_CLONED) or (message["family"] == AF_INET6 and local)


def _route_of(message: Any, hops: Tuple[Hop, ...]) -> Route:
    """The Route of a message, with the gateway and NIC that stand outside of RTA_MULTIPATH."""
    whole = hop_of(message)
    metrics = _metrics(message)
    source = message.get_attr("RTA_PREFSRC")
    unwritable = _unwritable(message, hops if message["family"] == AF_INET else (), metrics)
    return Route(
        destination=_destination(message),
        gateway=whole.gateway,
        ifindex=whole.ifindex,
        metric=message.get_attr("RTA_PRIORITY") or 0,
        protocol=message["proto"],
        table=message.get_attr("RTA_TABLE") or message["table"],
        kind=0 if unwritable else message["type"],
        scope=message["scope"],
        tos=message["tos"],
        onlink=whole.onlink,
        source=parse_address(source) if source else None,
        metrics=metrics or (),
        nexthop_id=message.get_attr("RTA_NH_ID") or 0,
        preference=message.get_attr("RTA_PREF") or 0,
        realms=message.get_attr("RTA_FLOW") or 0,
        expires=_expires(message),
        unwritable=unwritable,
    )


def _unwritable(message: Any, hops: Tuple[Hop, ...], metrics: Any) -> Unwritable:
    """Why a Route can't hold all that the message says, so that it could not be written back the same."""
    if message["src_len"]:
        return "source"
    if message.get_attr("RTA_ENCAP_TYPE") is not None or any(hop.encapsulated for hop in hops):
        return "encap"
    return "attributes" if metrics is None or {name for name, _ in message["attrs"]} - REPLAYABLE else ""


def _expires(message: Any) -> int:
    """The seconds that an IPv6 route still has, 1 in its last one; 0 for ever; below 0 it has expired."""
    info = message.get_attr("RTA_CACHEINFO")
    ticks: int = info["rta_expires"] if info else 0
    return max(1, ticks // USER_HZ) if ticks > 0 else ticks


def _destination(message: Any) -> Prefix:
    text = message.get_attr("RTA_DST")
    unspecified = bytes(4 if message["family"] == AF_INET else 16)
    return Prefix(parse_address(text) if text else unspecified, message["dst_len"])


def hop_of(message: Any) -> Hop:
    """Where a route of one hop leads."""
    oif = message.get_attr("RTA_OIF") or 0
    return Hop(_gateway(message), oif, bool(message["flags"] & RTNH_F_ONLINK), 1, False)


def _nexthop_of(nexthop: Any) -> Hop:
    encapsulated = nexthop.get_attr("RTA_ENCAP_TYPE") is not None
    return Hop(
        _gateway(nexthop),
        nexthop["oif"],
        bool(nexthop["flags"] & RTNH_F_ONLINK),
        nexthop["hops"] + 1,
        encapsulated,
        nexthop.get_attr("RTA_FLOW") or 0,
    )


def _gateway(message: Any) -> Optional[Address]:
    via = message.get_attr("RTA_VIA")
    text = via["addr"] if via else message.get_attr("RTA_GATEWAY")
    return parse_address(text) if text else None


def _metrics(message: Any) -> Optional[Tuple[Tuple[int, Union[int, str]], ...]]:
    """RTA_METRICS by number; None when one of them isn't known here."""
    nested = message.get_attr("RTA_METRICS")
    pairs = nested["attrs"] if nested else ()
    if any(name not in METRIC_NUMBER for name, _ in pairs):
        return None
    return tuple((METRIC_NUMBER[name], value) for name, value in pairs)
