"""Faults that are known, each with the reason why it stands.

A known fault is told by what is in the table and by the laws that it may break; none of them is that a pass leaves the
machine without a default for an instant.
"""

from __future__ import annotations

from typing import Iterable, Sequence, Set, Tuple

from guest_routes.model.network import OUR_PROTOCOL, PROTOCOL_RA, UNICAST, Route
from guest_routes.routing.compare import equals_of, ifindexes, next_hops
from guest_routes.routing.planning.deletions import is_deleted_for

from .scope import DESCRIBED

OURS_BEHIND = (
    "IPv6 shows the next hops of one metric with the first one's protocol: ours behind another's, where no pass adds "
    "it, can't be told"
)
OURS_FIRST = "IPv6 adds ours alone: before another program's next hop of its metric no roll-back puts it back"
NO_NEXT_HOP = "IPv6 adds behind its equals: beside one that can't be its next hop the former order doesn't come back"

ADVERTISED = "An IPv6 route that a router announced beside another's of its metric keeps its protocol, not its order"
ORDER_BEHIND = "Two IPv6 next hops behind one of ours, whose protocol isn't shown, come back in another order"
TWO_OF_OURS = "Of two IPv6 routes of ours at one metric, which no pass makes, the second counts as another program's"
PROMOTED = "A route of ours that was moved before its equals stays there when the pass is rolled back"
NO_ROOM = "Between IPv6's best metrics there is no room: ours stands behind until the other has gone"
TWO_GATEWAYS = "Of two gateways by the kernel's own defaults the second counts once the first was taken away"

BETWEEN = "IPv4 adds before or behind all equals: between two that can't be moved the former order doesn't come back"

PART_BEHIND = "What stays of a multipath default stands behind others, where it would be deleted for one that goes"


HIDDEN = "No dump shows what stands between two IPv6 next hops of one metric: it is met once the one before it has gone"


def known(there: Sequence[Route], law: str) -> str:
    """Why a violation of this law with this table is known; "" where it is not.

    Args:
        there: the routes of the table, each as it was added.
    """
    for reason, laws, is_so in REASONS:
        if law in laws and any(is_so(one, other) for one, other in _equals(there)):
            return reason
    return next((reason for reason, laws, is_so in OF_TABLES if law in laws and is_so(there)), "")


def _equals(there: Sequence[Route]) -> Iterable[Tuple[Route, Route]]:
    """Each route, and one of those of its key."""
    return ((one, other) for one in there for other in equals_of(one, there) if other is not one)


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


def _stands_behind(there: Sequence[Route]) -> bool:
    """Whether an IPv6 route of ours is a next hop behind another program's."""
    return any(_owners(route, there) > {False} and not _is_first(route, there) for route in there if _is_ours_6(route))


def _stands_first(there: Sequence[Route]) -> bool:
    """Whether an IPv6 route of ours has another program's next hop behind it."""
    return any(_owners(route, there) > {True} and _is_first(route, there) for route in there if _is_ours_6(route))


def _are_two_behind(there: Sequence[Route]) -> bool:
    """Whether an IPv6 route of ours has two of other programs' next hops behind it."""
    return _stands_first(there) and any(len(_next_hops_with(one, there)) > 2 for one in there if _is_ours_6(one))


def _is_ours_6(route: Route) -> bool:
    return route.family == 6 and route.protocol == OUR_PROTOCOL and route.gateway is not None


def _next_hops_with(route: Route, there: Sequence[Route]) -> Sequence[Route]:
    return [one for one in equals_of(route, there) if one.gateway is not None]


def _owners(route: Route, there: Sequence[Route]) -> Set[bool]:
    """Whether the next hops of its metric are ours."""
    return {one.protocol == OUR_PROTOCOL for one in _next_hops_with(route, there)}


def _is_first(route: Route, there: Sequence[Route]) -> bool:
    return _next_hops_with(route, there)[0] is route


def _stand_between(there: Sequence[Route]) -> bool:
    """Whether there are three of one key, of which more than one can't be moved."""
    threes = (equals_of(route, there) for route in there if route.family == 4)
    return any(len(three) == 3 and sum(_is_pinned(one, three) for one in three) > 1 for three in threes)


def _is_pinned(route: Route, three: Sequence[Route]) -> bool:
    stays = bool(route.unwritable) or route.kind != UNICAST or not ifindexes(route) <= DESCRIBED
    return stays or is_deleted_for(three, route, three)


def _leave_no_room(there: Sequence[Route]) -> bool:
    """Whether there are different ones to a destination at two metrics that follow one another."""
    taken = {(route.destination, route.metric) for route in there if route.family == 6}
    return any((destination, metric + 1) in taken for destination, metric in taken)


def _take_the_first_metrics(there: Sequence[Route]) -> bool:
    return _leave_no_room([route for route in there if route.metric <= 2])


def _name_two_gateways(there: Sequence[Route]) -> bool:
    """Whether other programs' defaults have two gateways through one NIC, one of them by a default that stays."""
    hops = {hop for route in there if _is_foreign_default(route) for hop in next_hops(route)}
    stays = any(_is_foreign_default(route) and route.unwritable for route in there)
    return stays and len({nic for _, nic in hops}) < len(hops)


def _begin_outside(there: Sequence[Route]) -> bool:
    """Whether a multipath default begins with a next hop outside the metadata, and others have its key."""
    wholes = [route for route in there if route.nexthops and next_hops(route)[0][1] not in DESCRIBED]
    return any(len(equals_of(whole, there)) > 1 for whole in wholes)


def _stand_between_next_hops(there: Sequence[Route]) -> bool:
    """Whether an IPv6 route that is no next hop stands between two that are."""
    orders = ([one.gateway is not None for one in equals_of(route, there)] for route in there if route.family == 6)
    return any(order == [True, False, True] for order in orders)


def _is_foreign_default(route: Route) -> bool:
    return route.destination.is_default and route.protocol != OUR_PROTOCOL


FRONT = "R4 roll-back: an outside default that wins goes on winning"
ROLLED_BACK, REFUSED = "R8 a roll-back gives the table back", "R8 a roll-back is not refused"
PLANNED, AGAIN = "R8 the table is as planned", "R9 a second pass writes nothing"
WITHDRAWN, KEPT = "R4 withdraw gives the table back", "R1 other programs' routes are kept"
OVERTAKEN = "R8 no outside default comes to the front"
ONE_DEFAULT = "R4 one default, or the report says why not"
HANDED_OVER, GONE = "R4 nothing is handed over beside another default", "R6 ours go that are wanted no more"
HOST_ROUTES = "R2 a host route leads as decided, or is reported", "R5 what is not shadowed leads as decided"

REASONS = (
    (
        NO_NEXT_HOP,
        {KEPT, WITHDRAWN, "R7 roll-back: a default at every instant", AGAIN, ROLLED_BACK, REFUSED},
        _is_beside_no_next_hop,
    ),
    (ADVERTISED, {KEPT, ONE_DEFAULT, WITHDRAWN, AGAIN, ROLLED_BACK}, _is_beside_an_announced_one),
    (TWO_OF_OURS, {ROLLED_BACK, REFUSED, KEPT, WITHDRAWN, AGAIN, HANDED_OVER, GONE}, _are_both_ours),
    (PROMOTED, {FRONT, ROLLED_BACK}, _is_promoted),
)  # fmt: skip
"""What two routes of one key are, the first one ahead of the other or, where order makes no difference, either way."""
OF_TABLES = (
    (
        OURS_BEHIND,
        {
            KEPT, ONE_DEFAULT, WITHDRAWN, PLANNED, AGAIN, ROLLED_BACK, REFUSED, HANDED_OVER, GONE,
            *HOST_ROUTES,
        },
        _stands_behind,
    ),
    (OURS_FIRST, {ROLLED_BACK, REFUSED}, _stands_first),
    (ORDER_BEHIND, {WITHDRAWN}, _are_two_behind),
    (BETWEEN, {FRONT, WITHDRAWN, AGAIN, ROLLED_BACK}, _stand_between),
    (NO_ROOM, {AGAIN}, _leave_no_room),
    (NO_ROOM, {OVERTAKEN}, _take_the_first_metrics),
    (TWO_GATEWAYS, {AGAIN}, _name_two_gateways),
    (PART_BEHIND, {AGAIN}, _begin_outside),
    (
        HIDDEN,
        {OVERTAKEN, "R8 the elected default is what packets take, or is reported", *HOST_ROUTES},
        _stand_between_next_hops,
    ),
)  # fmt: skip
