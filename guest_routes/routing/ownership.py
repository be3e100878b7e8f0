"""Which routes and rules are ours (R1). Pure.

A route is ours by its protocol number alone, whoever wrote it and whatever it leads through; but no pass makes any for
packets from a prefix only, and none could delete it. Nothing else is added, replaced or deleted; R4's exceptions have
operation types of their own.
"""

from __future__ import annotations

from itertools import takewhile

from ..model.network import PROTOCOL_BOOT, PROTOCOL_KERNEL, Route
from .compare import is_next_hop

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Collection, Iterable

    from ..model.network import KernelState, Prefix, Rule
    from ..model.settings import Settings

_PROTOCOL = Route._fields.index("protocol")


def is_ours(route: Route, settings: Settings) -> bool:
    """Whether a route carries the settings' protocol number, and is not for packets from a prefix only."""
    return route.protocol == settings.protocol and route.unwritable != "source"


def is_of(route: Route, protocol: int) -> bool:
    """The same by a pass's number; `is_ours` doesn't call it, since it is asked of a hundred thousand routes."""
    return route.protocol == protocol and route.unwritable != "source"


def ours_of(routes: Iterable[Route], settings: Settings) -> list[Route]:
    """Those of routes that are ours, in their order. A step for each of a hundred thousand: the number comes first."""
    number = settings.protocol
    return [route for route in routes if route[_PROTOCOL] == number and route.unwritable != "source"]


def ours_or_to(destinations: Collection[Prefix], routes: Iterable[Route], settings: Settings) -> list[Route]:
    """Those of routes that may be ours, and all to these destinations, in their order."""
    number = settings.protocol
    return [route for route in routes if route[_PROTOCOL] == number or route[0] in destinations]


def others_of(routes: Iterable[Route], settings: Settings, *known: int) -> list[Route]:
    """Those that neither the kernel has made nor we (R20), nor anybody with one of these protocols, in their order."""
    mine = (PROTOCOL_KERNEL, settings.protocol, *known)
    return [route for route in routes if route[_PROTOCOL] not in mine]


def foreign_of(routes: Iterable[Route], protocol: int) -> list[Route]:
    """Those that aren't ours by a pass's number, in their order: ours can all be written back."""
    return [route for route in routes if route[_PROTOCOL] != protocol or route.unwritable]


def without_left(routes: Iterable[Route], places: Iterable[tuple[int, int]]) -> list[Route]:
    """Without what passes with other settings have left: those routes are nobody else's, and never come back.

    Args:
        places: the table and the protocol of each.
    """
    left = tuple(places)
    return [route for route in routes if not any(route.table == place[0] and is_of(route, place[1]) for place in left)]


def separated(state: KernelState, settings: Settings) -> KernelState:
    """The same snapshot, with other programs' next hops separated from ours.

    IPv6 makes one multipath route of routes of a destination and metric, and shows each next hop with the protocol of
    the first. Its routes stand behind IPv4's. Ours never share a metric, so what stands behind ours has been added by
    another program since. Which one it was the kernel doesn't show: it counts as made by hand.
    """
    routes = state.routes
    first = len(routes) - sum(1 for _ in takewhile(_is_ipv6, reversed(routes)))
    merged = [
        place for place, (one, other) in enumerate(zip(routes[first:], routes[first + 1 :]), first + 1)
        if one[0] == other[0] and is_ours(other, settings) and _is_merged(one, other)
    ]  # fmt: skip
    if not merged:
        return state
    found = list(routes)
    for place in merged:
        found[place] = found[place]._replace(protocol=PROTOCOL_BOOT)
    return state._replace(routes=tuple(found))


def _is_merged(one: Route, other: Route) -> bool:
    """Whether two routes to one destination are next hops of the same IPv6 route."""
    same = (one.metric, one.protocol, one.table) == (other.metric, other.protocol, other.table)
    return same and is_next_hop(one) and is_next_hop(other)


def _is_ipv6(route: Route) -> bool:
    return len(route[0][0]) == 16


def is_reaching(route: Route, settings: Settings) -> bool:
    """Whether a route of ours only makes a gateway reachable (R7): on link, to one address. No host route is so."""
    if not is_ours(route, settings) or route.gateway is not None or route.nexthops:
        return False
    return route.destination.length == 8 * len(route.destination.address)


def is_our_rule(rule: Rule, settings: Settings) -> bool:
    """Whether a policy rule carries it (FRA_PROTOCOL)."""
    return is_rule_of(rule, settings.protocol)


def is_rule_of(rule: Rule, protocol: int) -> bool:
    """The same by a pass's number."""
    return rule.protocol == protocol
