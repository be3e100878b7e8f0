"""Faults that are known, each with the reason why it stands.

A known fault is told by what is in the table, not by the law that it breaks: of such a table any law may be broken.
"""

from __future__ import annotations

from typing import Iterable, Sequence, Tuple

from guest_routes.model.network import OUR_PROTOCOL, PROTOCOL_RA, UNICAST, Route
from guest_routes.routing.compare import equals_of, ifindexes, next_hops

from .scope import DESCRIBED

MIXED_PROTOCOLS = (
    "IPv6 shows the next hops of one metric with the first one's protocol: whose the others are can't be told"
)
FIRST_LEG = "IPv4 deletes the first that fits: a plain route fits a multipath route that begins with its next hop"
SAME_BUT_ENCAPSULATED = "IPv4 deletes the first that fits, and verification compares no encapsulation"
NO_NEXT_HOP = "IPv6 adds behind its equals: beside one that can't be its next hop the former order doesn't come back"

ADVERTISED = "An IPv6 route that a router announced beside another's of its metric keeps its protocol, not its order"
TWO_OF_OURS = "Two IPv6 routes of ours at one metric, which no pass makes, are not both put back by a roll-back"
PROMOTED = "A route of ours that was moved before its equals stays there when the pass is rolled back"
NO_ROOM = "Between IPv6's best metrics there is no room: ours stands behind until the other has gone"
TWO_GATEWAYS = "Of two gateways by the kernel's own defaults the second counts once the first was taken away"

BETWEEN = "IPv4 adds before or behind all equals: between two that can't be moved the former order doesn't come back"


def known(there: Sequence[Route]) -> str:
    """Why a violation of this table is known; "" where it is not.

    Args:
        there: the routes of the table, each as it was added.
    """
    for reason, is_so in REASONS:
        if any(is_so(one, other) for one, other in _equals(there)):
            return reason
    return next((reason for reason, is_so in OF_TABLES if is_so(there)), "")


def _equals(there: Sequence[Route]) -> Iterable[Tuple[Route, Route]]:
    """Each route, and one of those of its key."""
    return ((one, other) for one in there for other in equals_of(one, there) if other is not one)


def _are_mixed(one: Route, other: Route) -> bool:
    ours = one.protocol == OUR_PROTOCOL, other.protocol == OUR_PROTOCOL
    return one.family == 6 and ours == (True, False) and None not in (one.gateway, other.gateway)


def _begin_alike(one: Route, other: Route) -> bool:
    plain_and_multipath = bool(one.nexthops) and not other.nexthops
    same = one.protocol == other.protocol and next_hops(one)[0] == next_hops(other)[0]
    return one.family == 4 and plain_and_multipath and same


def _differ_in_encapsulation(one: Route, other: Route) -> bool:
    same = one.protocol == other.protocol and next_hops(one)[0] == next_hops(other)[0]
    return one.family == 4 and same and bool(one.unwritable) and not other.unwritable


def _is_beside_no_next_hop(one: Route, other: Route) -> bool:
    return one.family == 6 and one.gateway is None and other.gateway is not None


def _are_next_hops(one: Route, other: Route) -> bool:
    return one.family == 6 and None not in (one.gateway, other.gateway)


def _is_beside_an_announced_one(one: Route, other: Route) -> bool:
    return _are_next_hops(one, other) and one.protocol == PROTOCOL_RA != other.protocol


def _are_both_ours(one: Route, other: Route) -> bool:
    return _are_next_hops(one, other) and one.protocol == other.protocol == OUR_PROTOCOL


def _is_promoted(one: Route, other: Route) -> bool:
    ours = one.protocol == OUR_PROTOCOL, other.protocol == OUR_PROTOCOL
    return one.family == 4 and ours == (False, True)


def _stand_between(there: Sequence[Route]) -> bool:
    """Whether there are three of one key, of which more than one can't be moved."""
    threes = (equals_of(route, there) for route in there if route.family == 4)
    return any(len(three) == 3 and sum(map(_is_pinned, three)) > 1 for three in threes)


def _is_pinned(route: Route) -> bool:
    return bool(route.unwritable) or route.kind != UNICAST or not ifindexes(route) <= DESCRIBED


def _leave_no_room(there: Sequence[Route]) -> bool:
    """Whether there are different ones to a destination at metrics 1 and 2."""
    first = {route.destination for route in there if route.family == 6 and route.metric == 1}
    return any(route.metric == 2 and route.destination in first for route in there)


def _name_two_gateways(there: Sequence[Route]) -> bool:
    """Whether other programs' defaults have two gateways through one NIC, one of them by a default that stays."""
    hops = {hop for route in there if _is_foreign_default(route) for hop in next_hops(route)}
    stays = any(_is_foreign_default(route) and route.unwritable for route in there)
    return stays and len({nic for _, nic in hops}) < len(hops)


def _is_foreign_default(route: Route) -> bool:
    return route.destination.is_default and route.protocol != OUR_PROTOCOL


REASONS = (
    (MIXED_PROTOCOLS, _are_mixed),
    (FIRST_LEG, _begin_alike),
    (SAME_BUT_ENCAPSULATED, _differ_in_encapsulation),
    (NO_NEXT_HOP, _is_beside_no_next_hop),
    (ADVERTISED, _is_beside_an_announced_one),
    (TWO_OF_OURS, _are_both_ours),
    (PROMOTED, _is_promoted),
)
"""What two routes of one key are, the first one ahead of the other or, where order makes no difference, either way."""
OF_TABLES = ((BETWEEN, _stand_between), (NO_ROOM, _leave_no_room), (TWO_GATEWAYS, _name_two_gateways))
