"""When two routes or rules are the same, whoever made them. Pure."""

from __future__ import annotations

from .tables import THROW

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

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


def same_rule(one: Rule, other: Rule) -> bool:
    """Whether they do the same at the same place."""
    return one[:4] == other[:4] and one.source == other.source
