"""Values as pyroute2's messages; the writing half of the reference engine that needs no socket.

pyroute2's route message ends before RTA_EXPIRES, its metrics at RTAX_QUICKACK (0.7.2) or RTAX_CC_ALGO (0.9.7), and it
has no nexthop objects; what the kernel has had since is named here.

Source: include/uapi/linux/rtnetlink.h, nexthop.h.
"""

from __future__ import annotations

from _socket import AF_INET, AF_INET6
from typing import Any, Dict, List, Optional, Tuple, Union

from pyroute2 import __version__
from pyroute2.netlink import nlmsg
from pyroute2.netlink.rtnl.rtmsg import rtmsg

from ...model.network import Address, NextHop, Route, Rule, address_text
from ...model.operations import Add, MoveDefault, Operation, Promote, RestoreDefault
from ...model.source_routing import RemoveRoute, SetRoute
from ..engine import addition_flags, names_no_metrics, restore_flags, route_to_delete, stored_kind
from ..netlink import (
    NLM_F_ACK,
    NLM_F_CREATE,
    NLM_F_EXCL,
    NLM_F_MATCH,
    NLM_F_REPLACE,
    NLM_F_REQUEST,
    NLM_F_ROOT,
    RTAX_CC_ALGO,
    RTM_DELROUTE,
    RTM_GETNEXTHOP,
    RTM_GETROUTE,
    RTM_NEWROUTE,
    RTNH_F_ONLINK,
)

OLDEST = (0, 7, 2)
"""Of pyroute2, the oldest that is tested, Debian 12's, whose version is "unknown"; 0.5.14 knows no ext_ack."""
if (
    __version__ != "unknown"
    and tuple(int("".join(filter(str.isdigit, part)) or 0) for part in __version__.split(".")[:3]) < OLDEST
):
    raise ImportError(f"pyroute2 {__version__} is too old: {'.'.join(map(str, OLDEST))} or newer is needed")


class RouteMessage(rtmsg):  # type: ignore[misc] # pyroute2 has no types
    """pyroute2's route message with the attributes it lacks."""

    __slots__ = ()
    nla_map = rtmsg.nla_map[:-1] + tuple(
        (f"RTA_{name}", kind)
        for name, kind in (
            ("EXPIRES", "uint32"), ("PAD", "hex"), ("UID", "uint32"), ("TTL_PROPAGATE", "uint8"), ("IP_PROTO", "uint8"),
            ("SPORT", "be16"), ("DPORT", "be16"), ("NH_ID", "uint32"), ("FLOWLABEL", "be32"),
        )
    )  # fmt: skip

    class metrics(rtmsg.metrics):  # type: ignore[misc] # noqa: N801 # pyroute2 finds it by its name
        """pyroute2's with what it lacks."""

        __slots__ = ()
        nla_map = (
            *rtmsg.metrics.nla_map[:RTAX_CC_ALGO],
            ("RTAX_CC_ALGO", "asciiz"),
            ("RTAX_FASTOPEN_NO_COOKIE", "uint32"),
        )


for _own in (RouteMessage(), RouteMessage.metrics()):
    # pyroute2 does that once a class, and takes a parent's table for the child's where the parent's came first. Before
    # 0.8, Debian 12's and 13's, the method has another name.
    (getattr(_own, "compile_nla_table", None) or _own.compile_nla)()


class NexthopObjectMessage(nlmsg):  # type: ignore[misc]
    """A nexthop object or group; a group's members as they come."""

    __slots__ = ()
    prefix = "NHA_"
    fields = (("family", "B"), ("scope", "B"), ("protocol", "B"), ("reserved", "B"), ("flags", "I"))
    nla_map = tuple(
        (f"NHA_{name}", kind)
        for name, kind in (
            ("UNSPEC", "none"), ("ID", "uint32"), ("GROUP", "cdata"), ("GROUP_TYPE", "uint16"), ("BLACKHOLE", "flag"),
            ("OIF", "uint32"), ("GATEWAY", "cdata"), ("ENCAP_TYPE", "uint16"), ("ENCAP", "hex"),
        )
    )  # fmt: skip


METRIC_NUMBER: Dict[str, int] = {name: number for number, (name, _) in enumerate(RouteMessage.metrics.nla_map)}
METRIC_NAME: Dict[int, str] = {number: name for name, number in METRIC_NUMBER.items()}


def requests_of(operation: Operation) -> Tuple[RouteMessage, ...]:
    """The messages, one or two, that carry an operation out."""
    route = operation.route
    if isinstance(operation, Add):
        return (_addition(operation),)
    if isinstance(operation, RestoreDefault):
        return (_route_message(RTM_NEWROUTE, restore_flags(operation), route),)
    if isinstance(operation, MoveDefault):
        back = RestoreDefault(route, before=operation.before)
        return (_route_message(RTM_DELROUTE, 0, route), *requests_of(back))
    if isinstance(operation, Promote):
        return (_route_message(RTM_DELROUTE, 0, route), _addition(Add(route)))
    return (_route_message(RTM_DELROUTE, 0, route_to_delete(operation)),)


def _addition(operation: Add) -> RouteMessage:
    return _route_message(RTM_NEWROUTE, addition_flags(operation), operation.route)


def table_route(operation: Union[SetRoute, RemoveRoute]) -> RouteMessage:
    """The message of a route in a table of source routing."""
    if isinstance(operation, SetRoute):
        flags = NLM_F_CREATE | (NLM_F_REPLACE if operation.replaces else NLM_F_EXCL)
        return _route_message(RTM_NEWROUTE, flags, operation.route)
    return _route_message(RTM_DELROUTE, 0, operation.route)


def rule_fields(rule: Rule) -> Dict[str, Any]:
    """A rule, as far as its source tells of it, in the words of IPRoute.rule."""
    fields: Dict[str, Any] = {"family": AF_INET if rule.family == 4 else AF_INET6, "priority": rule.priority}
    fields.update(table=rule.table, protocol=rule.protocol)
    source = rule.source or rule.among
    if source:
        fields.update(src=address_text(source.address), src_len=source.length)
    return fields


def table_dump(family: int, table: int) -> RouteMessage:
    """Asks for a family's routes of one table, filtered by the kernel."""
    message = RouteMessage()
    message["family"] = family
    message["attrs"] = [("RTA_TABLE", table)]
    message["header"]["type"] = RTM_GETROUTE
    message["header"]["flags"] = NLM_F_REQUEST | NLM_F_ROOT | NLM_F_MATCH
    return message


def nexthop_dump() -> NexthopObjectMessage:
    """Asks for every nexthop object."""
    message = NexthopObjectMessage()
    message["header"]["type"] = RTM_GETNEXTHOP
    message["header"]["flags"] = NLM_F_REQUEST | NLM_F_ROOT | NLM_F_MATCH
    return message


def request(kind: int, request_flags: int, destination: Address, length: int, **fields: int) -> RouteMessage:
    """A route message with its header; `fields` are struct rtmsg's."""
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
        NLM_F_REQUEST | NLM_F_ACK | request_flags,
        route.destination.address,
        route.destination.length,
        tos=route.tos,
        table=route.table if route.table < 256 else 0,
        proto=route.protocol,
        scope=route.scope,
        type=stored_kind(route),
        flags=RTNH_F_ONLINK if route.onlink and not route.nexthop_id else 0,
    )
    attributes = message["attrs"]
    attributes.append(("RTA_TABLE", route.table))
    if route.metric:
        attributes.append(("RTA_PRIORITY", route.metric))
    if route.source is not None:
        attributes.append(("RTA_PREFSRC", address_text(route.source)))
    if route.metrics or names_no_metrics(route):
        attributes.append(("RTA_METRICS", {"attrs": [(METRIC_NAME[number], value) for number, value in route.metrics]}))
    if route.preference:
        attributes.append(("RTA_PREF", route.preference))
    if route.realms:
        attributes.append(("RTA_FLOW", route.realms))
    if route.expires:
        attributes.append(("RTA_EXPIRES", route.expires))
    attributes += _where_to(route)
    return message


def _where_to(route: Route) -> List[Tuple[str, Any]]:
    """The nexthop object, the next hops, or the gateway and NIC of a route."""
    if route.nexthop_id:
        return [("RTA_NH_ID", route.nexthop_id)]
    if route.nexthops:
        return [("RTA_MULTIPATH", [_nexthop(route.family, nexthop) for nexthop in route.nexthops])]
    if route.weight != 1:  # Only a next hop has one.
        only = NextHop(route.gateway, route.ifindex, route.weight, route.onlink)
        return [("RTA_MULTIPATH", [_nexthop(route.family, only)])]
    interface = [("RTA_OIF", route.ifindex)] if route.ifindex else []
    return [*_gateway_attributes(route.family, route.gateway), *interface]


def _nexthop(family: int, nexthop: NextHop) -> Dict[str, Any]:
    return {
        "hops": nexthop.weight - 1,
        "oif": nexthop.ifindex,
        "flags": RTNH_F_ONLINK if nexthop.onlink else 0,
        "attrs": [
            *_gateway_attributes(family, nexthop.gateway),
            *([("RTA_FLOW", nexthop.realms)] if nexthop.realms else []),
        ],
    }


def _gateway_attributes(family: int, gateway: Optional[Address]) -> List[Tuple[str, Any]]:
    if gateway is None:
        return []
    if (len(gateway) == 4) == (family == 4):
        return [("RTA_GATEWAY", address_text(gateway))]
    other = AF_INET if len(gateway) == 4 else AF_INET6
    return [("RTA_VIA", {"family": other, "addr": address_text(gateway)})]
