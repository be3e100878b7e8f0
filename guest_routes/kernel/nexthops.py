"""Nexthop objects (`ip nexthop`): their messages as values, and the routes that use them by id. Pure.

What a dump of routes shows of an object depends on net.ipv4.nexthop_compat_mode: with 0 the id alone. So the
objects are asked for, and a route by one is what its object says.

Source: include/uapi/linux/nexthop.h; net/ipv4/nexthop.c, nh_fill_node.
"""

from __future__ import annotations

from ..model.namedtuple import NamedTuple
from ..model.network import NextHop, NexthopObject, Route
from .netlink import (
    NEXTHOP_GROUP,
    NHA_ENCAP_TYPE,
    NHA_GATEWAY,
    NHA_GROUP,
    NHA_ID,
    NHA_OIF,
    NHMSG,
    RTNH_F_ONLINK,
    U32,
    attributes,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterable, Sequence


class Member(NamedTuple):
    """One of a nexthop group."""

    id: int
    weight: int = 1


class NexthopMessage(NamedTuple):
    """An RTM_NEWNEXTHOP as it comes: a group names its members only."""

    id: int
    nexthop: NextHop | None = None
    """None for a group and a blackhole."""
    members: tuple[Member, ...] = ()
    encapsulated: bool = False


def decode_nexthop(data: bytes, start: int, end: int) -> NexthopMessage:
    """The body of an RTM_NEWNEXTHOP."""
    _, _, _, flags = NHMSG.unpack_from(data, start)
    found = attributes(data, start + NHMSG.size, end)
    number = U32.unpack(found[NHA_ID])[0]
    if NHA_GROUP in found:
        return NexthopMessage(number, members=tuple(members_of(found[NHA_GROUP])))
    if NHA_OIF not in found:
        return NexthopMessage(number)
    hop = NextHop(found.get(NHA_GATEWAY), U32.unpack(found[NHA_OIF])[0], 1, bool(flags & RTNH_F_ONLINK))
    return NexthopMessage(number, hop, encapsulated=NHA_ENCAP_TYPE in found)


def members_of(group: bytes) -> Iterable[Member]:
    """The members in the value of NHA_GROUP, an array of struct nexthop_grp."""
    for start in range(0, len(group) - NEXTHOP_GROUP.size + 1, NEXTHOP_GROUP.size):
        number, weight, high, _ = NEXTHOP_GROUP.unpack_from(group, start)
        yield Member(number, (high << 8 | weight) + 1)


def nexthop_objects(received: Sequence[NexthopMessage]) -> tuple[NexthopObject, ...]:
    """Objects and groups, a group with the next hops of its members."""
    single = {one.id: one for one in received if not one.members}
    return tuple(_object(one, single) for one in received)


def _object(one: NexthopMessage, single: dict[int, NexthopMessage]) -> NexthopObject:
    if not one.members:
        return NexthopObject(one.id, (one.nexthop,) if one.nexthop else (), False, one.encapsulated)
    members = [(single.get(member.id), member.weight) for member in one.members]
    nexthops = [(found.nexthop, weight) for found, weight in members if found is not None]
    return NexthopObject(
        one.id,
        tuple(hop._replace(weight=weight) for hop, weight in nexthops if hop is not None),
        True,
        any(found is not None and found.encapsulated for found, _ in members),
    )


def with_objects(routes: Sequence[Route], objects: Sequence[NexthopObject]) -> list[Route]:
    """The routes, those by a nexthop object with what it says; one whose object went meanwhile went with it."""
    known = {one.id: one for one in objects}
    return [
        _by_object(route, known[route.nexthop_id]) if route.nexthop_id else route
        for route in routes if not route.nexthop_id or route.nexthop_id in known
    ]  # fmt: skip


def _by_object(route: Route, used: NexthopObject) -> Route:
    if used.encapsulated:
        route = route._replace(kind=0, unwritable="encap")
    if used.group or not used.nexthops:
        return route._replace(gateway=None, ifindex=0, onlink=False, nexthops=used.nexthops)
    (hop,) = used.nexthops
    return route._replace(gateway=hop.gateway, ifindex=hop.ifindex, onlink=hop.onlink, nexthops=())
