"""pyroute2's messages to values and back; the reference engine's half that needs no socket.

pyroute2's route message ends at RTA_EXPIRES and its metrics at RTAX_QUICKACK (0.7.2 and 0.9.7 alike); what the
kernel has had since (nexthop objects, for one) is named here.

Source: include/uapi/linux/rtnetlink.h.
"""

from __future__ import annotations

import errno
from _socket import AF_INET, AF_INET6
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Tuple

from pyroute2.netlink.rtnl.rtmsg import rtmsg

from ..model.network import Address, NextHop, Nic, Prefix, Route, Rule, address_text, parse_address
from ..model.operations import Add, Delete, Operation, Promote, RemoveForeignDefault, RestoreDefault
from .engine import route_to_delete

REQUEST, ACK, ROOT, MATCH = 0x1, 0x4, 0x100, 0x200
EXCLUSIVE, CREATE, APPEND = 0x200, 0x400, 0x800
RTM_NEWROUTE, RTM_DELROUTE, RTM_GETROUTE = 24, 25, 26
CLONED, LOOKUP_TABLE = 0x200, 0x1000
"""RTM_F_ flags. Source: include/uapi/linux/rtnetlink.h."""
ONLINK = 4
UP, RUNNING = 0x1, 0x40
LOCAL_KIND, KERNEL_PROTOCOL = 2, 2
REJECTING_KINDS = {6: errno.EINVAL, 7: errno.EHOSTUNREACH, 8: errno.EACCES}
"""blackhole, unreachable, prohibit, and the errno of a packet sent there."""
FAMILIES = {AF_INET: 4, AF_INET6: 6}
REPLAYABLE = {
    "RTA_TABLE", "RTA_DST", "RTA_PRIORITY", "RTA_PREFSRC", "RTA_METRICS", "RTA_GATEWAY", "RTA_VIA", "RTA_OIF",
    "RTA_MULTIPATH", "RTA_NH_ID", "RTA_PREF", "RTA_CACHEINFO",
}  # fmt: skip
"""Attributes that a Route holds, and the cache's, which nobody writes."""
PLAIN_RULE = {"FRA_TABLE", "FRA_PRIORITY", "FRA_PROTOCOL", "FRA_SUPPRESS_PREFIXLEN"}
NO_SUPPRESSION = 0xFFFFFFFF


class RouteMessage(rtmsg):  # type: ignore[misc] # pyroute2 has no types
    """pyroute2's route message with the attributes it lacks."""

    __slots__ = ()
    nla_map = rtmsg.nla_map + tuple(
        (f"RTA_{name}", kind)
        for name, kind in (
            ("PAD", "hex"), ("UID", "uint32"), ("TTL_PROPAGATE", "uint8"), ("IP_PROTO", "uint8"),
            ("SPORT", "be16"), ("DPORT", "be16"), ("NH_ID", "uint32"), ("FLOWLABEL", "be32"),
        )
    )  # fmt: skip


_METRIC_NUMBER: Dict[str, int] = {name: number for number, (name, _) in enumerate(rtmsg.metrics.nla_map)}
_LAST_METRIC = 15
"""RTAX_QUICKACK; later ones (a congestion algorithm's name) make a route of kind 0."""
_METRIC_NAME: Dict[int, str] = {number: name for name, number in _METRIC_NUMBER.items() if number <= _LAST_METRIC}


class Hop(NamedTuple):
    """What a route and a leg of a multipath route have in common."""

    gateway: Optional[Address]
    ifindex: int
    onlink: bool
    weight: int
    encapsulated: bool


# ---- values from messages ---------------------------------------------------------------------------


def nic_of(link: Any, addresses: Tuple[Prefix, ...]) -> Nic:
    """The NIC of an RTM_NEWLINK message."""
    info: Any = link.get_attr("IFLA_LINKINFO")
    data = info.get_attr("IFLA_INFO_DATA") if info else None
    port: Any = info.get_attr("IFLA_INFO_SLAVE_DATA") if info else None
    kind = (info.get_attr("IFLA_INFO_KIND") if info else "") or ""
    bonded = port.get_attr("IFLA_BOND_SLAVE_PERM_HWADDR") if hasattr(port, "get_attr") else None
    elsewhere = link.get_attr("IFLA_LINK_NETNSID") is not None
    return Nic(
        ifindex=link["index"],
        name=link.get_attr("IFLA_IFNAME"),
        mac=_mac(link.get_attr("IFLA_ADDRESS")),
        up=bool(link["flags"] & UP),
        running=bool(link["flags"] & RUNNING),
        kind=kind,
        # A veth has its peer in there, often with an index of another namespace.
        parent=0 if elsewhere or kind == "veth" else link.get_attr("IFLA_LINK") or 0,
        master=link.get_attr("IFLA_MASTER") or 0,
        vlan_id=data.get_attr("IFLA_VLAN_ID") if kind == "vlan" and data else None,
        permanent_mac=_mac(link.get_attr("IFLA_PERM_ADDRESS") or bonded),
        addresses=addresses,
    )


def _mac(text: Optional[str]) -> bytes:
    return bytes.fromhex(text.replace(":", "")) if text else b""


def rule_of(message: Any) -> Rule:
    """The policy rule of an RTM_NEWRULE message."""
    table = message.get_attr("FRA_TABLE") or message["table"]
    unrestricted = {name for name, _ in message["attrs"]} <= PLAIN_RULE and message.get_attr(
        "FRA_SUPPRESS_PREFIXLEN"
    ) in (None, NO_SUPPRESSION)
    matches_all = not (message["src_len"] or message["dst_len"] or message["tos"] or message["flags"])
    plain = unrestricted and matches_all and message["action"] == 1
    return Rule(FAMILIES[message["family"]], message.get_attr("FRA_PRIORITY") or 0, table, plain)


def routes_of(message: Any) -> Iterator[Route]:
    """The Routes of one dumped message: none, one, or one for each leg of an IPv6 multipath route."""
    family = message["family"]
    kernels_own = message["type"] == LOCAL_KIND and message["proto"] == KERNEL_PROTOCOL
    if message["header"]["type"] != RTM_NEWROUTE or message["flags"] & CLONED or (family == AF_INET6 and kernels_own):
        return
    whole = hop_of(message)
    hops = tuple(_leg_hop(nexthop) for nexthop in message.get_attr("RTA_MULTIPATH") or ())
    metrics = _metrics(message)
    foreign = {name for name, _ in message["attrs"]} - REPLAYABLE
    simple = not foreign and not message["src_len"] and not any(hop.encapsulated for hop in hops)
    source = message.get_attr("RTA_PREFSRC")
    destination = message.get_attr("RTA_DST")
    route = Route(
        destination=Prefix(
            parse_address(destination) if destination else bytes(4 if family == AF_INET else 16), message["dst_len"]
        ),
        gateway=whole.gateway,
        ifindex=whole.ifindex,
        metric=message.get_attr("RTA_PRIORITY") or 0,
        protocol=message["proto"],
        table=message.get_attr("RTA_TABLE") or message["table"],
        kind=message["type"] if simple and metrics is not None else 0,
        scope=message["scope"],
        tos=message["tos"],
        onlink=whole.onlink,
        source=parse_address(source) if source else None,
        metrics=metrics or (),
        nexthop_id=message.get_attr("RTA_NH_ID") or 0,
        preference=message.get_attr("RTA_PREF") or 0,
    )
    if not hops:
        yield route
    elif family == AF_INET:
        yield route._replace(nexthops=tuple(NextHop(hop.gateway, hop.ifindex, hop.weight, hop.onlink) for hop in hops))
    else:
        for hop in hops:
            yield route._replace(gateway=hop.gateway, ifindex=hop.ifindex, onlink=hop.onlink)


def hop_of(message: Any) -> Hop:
    """Where a route of one hop leads."""
    oif = message.get_attr("RTA_OIF") or 0
    return Hop(_gateway(message), oif, bool(message["flags"] & ONLINK), 1, False)


def _leg_hop(nexthop: Any) -> Hop:
    encapsulated = nexthop.get_attr("RTA_ENCAP_TYPE") is not None
    return Hop(_gateway(nexthop), nexthop["oif"], bool(nexthop["flags"] & ONLINK), nexthop["hops"] + 1, encapsulated)


def _gateway(message: Any) -> Optional[Address]:
    via = message.get_attr("RTA_VIA")
    text = via["addr"] if via else message.get_attr("RTA_GATEWAY")
    return parse_address(text) if text else None


def _metrics(message: Any) -> Optional[Tuple[Tuple[int, int], ...]]:
    """RTA_METRICS by number; None when one of them isn't a number a Route can hold."""
    nested = message.get_attr("RTA_METRICS")
    pairs = nested["attrs"] if nested else ()
    if any(_METRIC_NUMBER.get(name, _LAST_METRIC + 1) > _LAST_METRIC for name, _ in pairs):
        return None
    return tuple((_METRIC_NUMBER[name], value) for name, value in pairs)


# ---- messages from values ---------------------------------------------------------------------------


def requests_of(operation: Operation) -> Tuple[RouteMessage, ...]:
    """The messages, one or two, that carry an operation out."""
    route = operation.route
    delete = _route_message(RTM_DELROUTE, REQUEST | ACK, route)
    exclusive = EXCLUSIVE if route.family == 6 else 0
    add = _route_message(RTM_NEWROUTE, REQUEST | ACK | CREATE | exclusive, route)
    if isinstance(operation, Add):
        return (add,)
    if isinstance(operation, (Delete, RemoveForeignDefault)):
        return (_route_message(RTM_DELROUTE, REQUEST | ACK, route_to_delete(operation)),)
    if isinstance(operation, Promote):
        return (delete, add)
    assert isinstance(operation, RestoreDefault)
    return (_route_message(RTM_NEWROUTE, REQUEST | ACK | CREATE | APPEND, route),)


def table_dump(family: int, table: int) -> RouteMessage:
    """Asks for a family's routes of one table, filtered by the kernel."""
    message = RouteMessage()
    message["family"] = family
    message["attrs"] = [("RTA_TABLE", table)]
    message["header"]["type"] = RTM_GETROUTE
    message["header"]["flags"] = REQUEST | ROOT | MATCH
    return message


def request(kind: int, request_flags: int, destination: Address, length: int, **fields: int) -> RouteMessage:
    """A route message with its header; `fields` are struct rtmsg\'s."""
    message = RouteMessage()
    message["family"] = AF_INET if len(destination) == 4 else AF_INET6
    message["dst_len"] = length
    for name, value in fields.items():
        message[name] = value
    message["attrs"] = [("RTA_DST", address_text(destination))] if length else []
    message["header"]["type"] = kind
    message["header"]["flags"] = request_flags
    return message


def _route_message(kind: int, request_flags: int, route: Route) -> RouteMessage:
    message = request(
        kind,
        request_flags,
        route.destination.address,
        route.destination.length,
        tos=route.tos,
        table=route.table if route.table < 256 else 0,
        proto=route.protocol,
        scope=route.scope,
        type=route.kind,
        flags=ONLINK if route.onlink and not route.nexthop_id else 0,
    )
    attributes = message["attrs"]
    attributes.append(("RTA_TABLE", route.table))
    if route.metric:
        attributes.append(("RTA_PRIORITY", route.metric))
    if route.source is not None:
        attributes.append(("RTA_PREFSRC", address_text(route.source)))
    if route.metrics:
        attributes.append(
            ("RTA_METRICS", {"attrs": [(_METRIC_NAME[number], value) for number, value in route.metrics]})
        )
    if route.preference:
        attributes.append(("RTA_PREF", route.preference))
    if route.nexthop_id:
        attributes.append(("RTA_NH_ID", route.nexthop_id))
    elif route.nexthops:
        attributes.append(("RTA_MULTIPATH", [_nexthop_words(route.family, nexthop) for nexthop in route.nexthops]))
    else:
        attributes += _gateway_attributes(route.family, route.gateway)
        if route.ifindex:
            attributes.append(("RTA_OIF", route.ifindex))
    return message


def _nexthop_words(family: int, nexthop: NextHop) -> Dict[str, Any]:
    return {
        "hops": nexthop.weight - 1,
        "oif": nexthop.ifindex,
        "flags": ONLINK if nexthop.onlink else 0,
        "attrs": _gateway_attributes(family, nexthop.gateway),
    }


def _gateway_attributes(family: int, gateway: Optional[Address]) -> List[Tuple[str, Any]]:
    if gateway is None:
        return []
    if (len(gateway) == 4) == (family == 4):
        return [("RTA_GATEWAY", address_text(gateway))]
    other = AF_INET if len(gateway) == 4 else AF_INET6
    return [("RTA_VIA", {"family": other, "addr": address_text(gateway)})]
