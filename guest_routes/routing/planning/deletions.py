"""Which route the kernel deletes where it is asked for one of several of a key. Pure.

It takes the first that fits the request, and what the request leaves out fits: there is no way to say that a route has
no gateway, source, metrics, encapsulation or nexthop object. IPv4 compares next hops as far as both have them. To
IPv6 a route by a nexthop object fits every request of its protocol that names no object, whatever its gateway; and a
request without a gateway takes all next hops of a multipath route.
Source: Linux, fib_table_delete and fib_nh_match, ip6_route_del.
"""

from __future__ import annotations

from ...model.network import UNICAST
from ...model.operations import MoveDefault, RestoreDefault
from ..compare import begins_with, equals_of, is_next_hop, next_hops, nexthops_outside

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterable, Sequence

    from ...model.network import Route
    from ...model.operations import Operation


def is_deleted_for(ones: Sequence[Route], route: Route, there: Sequence[Route]) -> bool:
    """Whether the kernel, asked to delete a route, would delete one of these.

    Args:
        there: routes in the kernel's order, those of the key among them.
    """
    fits = _fits_4 if route.family == 4 else _fits_6
    return any(fits(other, route) and other in ones for other in _ahead(route, there))


def comes_between(restored: Iterable[Operation], part: Route) -> bool:
    """Whether a default that comes back in front of a part of it would be deleted in its place: the part goes first."""
    moves = (one for one in restored if isinstance(one, (RestoreDefault, MoveDefault)) and one.before)
    return any(one.route.metric == part.metric and begins_with(one.route, part) for one in moves)


def is_named_by_protocol(route: Route, there: Sequence[Route]) -> bool:
    """Whether a request to delete another program's IPv6 route must name its protocol, to mean no route by an object.

    Mostly it must not: the protocol of a multipath route's further next hops is not known.
    """
    return route.family == 6 and not route.nexthop_id and any(other.nexthop_id for other in _ahead(route, there))


def _ahead(route: Route, there: Sequence[Route]) -> tuple[Route, ...]:
    equals = equals_of(route, there)
    return equals[: equals.index(route)] if route in equals else ()


def _fits_4(one: Route, route: Route) -> bool:
    """Whether one is what a request to delete the other could mean. One that can't be written back has kind 0 here."""
    kinds = one.kind or UNICAST, route.kind or UNICAST
    same = kinds[0] == kinds[1] and (one.protocol, one.scope) == (route.protocol, route.scope)
    named = route.source in (None, one.source) and {*route.metrics} <= {*one.metrics}
    return same and named and one.nexthop_id == route.nexthop_id and (bool(route.nexthop_id) or _fits_hops(one, route))


def _fits_hops(one: Route, route: Route) -> bool:
    """Whether the next hops are the same as far as both have them; a request without a gateway means any."""
    hops = zip(next_hops(one), next_hops(route))
    return all(mine[1] == theirs[1] and theirs[0] in (None, mine[0]) for mine, theirs in hops)


def _fits_6(one: Route, route: Route) -> bool:
    """The same, where a route by an object ahead makes the request name the protocol."""
    if one.nexthop_id or route.nexthop_id:  # IPv6 has no two routes of a metric by one object.
        return not route.nexthop_id and one.protocol in (0, route.protocol)  # 0: not known.
    same = one.protocol == route.protocol or is_next_hop(one)
    return same and route.gateway in (None, one.gateway) and one.ifindex == route.ifindex


def displaced(routes: Sequence[Route], staying: Sequence[Route], there: Sequence[Route]) -> tuple[Route, ...]:
    """Of other programs' routes those that would come back behind one that stays, where they stand before it.

    IPv6 adds behind all of a metric, but for a next hop: its place is that of the first one of its multipath route. A
    hidden one shows, and may go, once those before it have gone.

    Args:
        routes, staying, there: as for `undeletable`.
    """
    fixed = (*staying, *(route for route in routes if route.unwritable not in ("", "hidden")))
    found: list[Route] = []
    for route in routes:
        if route.family == 6 and not route.unwritable and _falls_behind(route, (*fixed, *found), there):
            found.append(route)
    return tuple(found)


def _falls_behind(route: Route, staying: Sequence[Route], there: Sequence[Route]) -> bool:
    equals = equals_of(route, there)
    behind = equals[equals.index(route) + 1 :] if route in equals else ()
    merges = is_next_hop(route)
    first = next((one for one in behind if one in staying and not (merges and is_next_hop(one))), None)
    if first is None:
        return False
    before = equals[: equals.index(first)]
    return not (merges and any(is_next_hop(one) and one in staying for one in before))


def undeletable(
    routes: Sequence[Route], staying: Sequence[Route], there: Sequence[Route], managed: frozenset[int]
) -> tuple[Route, ...]:
    """Of other programs' routes those that stay: they can't be written back, or another that stays would be deleted.

    Then, or in place of what is left of them, when they come back.

    Args:
        routes: in the kernel's order.
        staying: those that stay anyhow.
        there: routes in the kernel's order, those of each key among them.
    """
    found: list[Route] = []
    for route in routes:
        if route.unwritable or takes_for_itself((*staying, *found), route, there, managed):
            found.append(route)
    return tuple(found)


def takes_for_itself(ones: Sequence[Route], route: Route, there: Sequence[Route], managed: frozenset[int]) -> bool:
    """Whether the kernel would delete one of these for a route that a pass takes, or for a part that it leaves."""
    left = parts_left(route, there, managed)
    return is_deleted_for(ones, route, there) or any(is_deleted_for(ones, part, (*there, part)) for part in left)


def parts_left(route: Route, there: Sequence[Route], managed: frozenset[int]) -> list[Route]:
    """What stays of a default that goes: next hops outside the metadata, but for those that another of its key has.

    A request can't say which of two such to remove.
    """
    staying = nexthops_outside(route, managed)
    return [one for one in staying if all(next_hops(other) != next_hops(one) for other in equals_of(one, there))]
