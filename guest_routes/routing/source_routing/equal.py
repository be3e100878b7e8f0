"""When two routes or rules are the same, whoever made them. Pure.

An IPv6 multipath route is one value here, as IPv4's are: the kernel shows and deletes its next hops one by one, but
replaces the whole route (net/ipv6/route.c, ip6_route_multipath_add), and a pass compares wholes.
"""

from __future__ import annotations

from ...model.network import THROW
from ..compare import is_next_hop, whole

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterable, TypeAlias

    from ...model.network import Prefix, Route, Rule

    Key: TypeAlias = tuple[int, Prefix, int, int]


def key(route: Route) -> Key:
    """What the kernel keys the routes of a table by, which a replacement has in common."""
    return route.table, route.destination, route.tos, route.metric


def identity(route: Route) -> object:
    """All that matters of a route, as both the plan and the kernel have it: a rejecting route has no NIC.

    The order of next hops doesn't: it is that of their addition.
    """
    ifindex = 0 if route.kind == THROW else route.ifindex
    return (*key(route), route.gateway, ifindex, route.kind, frozenset(route.nexthops), tuple(sorted(route.metrics)))


def rule_identity(rule: Rule) -> object:
    """What a rule does, and where it stands: the same of two that differ in who made them."""
    return (*rule[:4], rule.source)


def joined(routes: Iterable[Route]) -> list[Route]:
    """The routes, in the order of their first next hops."""
    found: dict[object, list[Route]] = {}
    for route in routes:
        merges = route.family == 6 and is_next_hop(route)
        key = (route.table, route.destination, route.metric) if merges else len(found)
        found.setdefault(key, []).append(route)
    return [whole(same) if len(same) > 1 else same[0] for same in found.values()]
