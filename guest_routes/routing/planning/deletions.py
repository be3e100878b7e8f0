"""Which route the kernel deletes where it is asked for one of several of a key (IPv4). Pure.

It takes the first that fits the request. What the request leaves out fits: a request has no way to say that a route
has no source, no metrics, no encapsulation. Next hops are compared as far as both have them.
Source: Linux, fib_table_delete and fib_nh_match.
"""

from __future__ import annotations

from ...model.network import UNICAST
from ..compare import equals_of, next_hops

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Sequence

    from ...model.network import Route


def is_deleted_for(ones: Sequence[Route], route: Route, there: Sequence[Route]) -> bool:
    """Whether the kernel, asked to delete a route, would delete one of these.

    Args:
        there: routes in the kernel's order, those of the key among them.
    """
    if route.family == 6 or route.nexthop_id:
        return False
    equals = equals_of(route, there)
    ahead = equals[: equals.index(route)] if route in equals else ()
    return any(_fits(other, route) and other in ones for other in ahead)


def _fits(one: Route, route: Route) -> bool:
    """Whether one is what a request to delete the other could mean. One that can't be written back has kind 0 here."""
    kinds = one.kind or UNICAST, route.kind or UNICAST
    same = kinds[0] == kinds[1] and (one.protocol, one.scope) == (route.protocol, route.scope)
    named = route.source in (None, one.source) and {*route.metrics} <= {*one.metrics}
    hops = zip(next_hops(one), next_hops(route))
    return same and named and not one.nexthop_id and all(mine == theirs for mine, theirs in hops)


def undeletable(routes: Sequence[Route], staying: Sequence[Route], there: Sequence[Route]) -> tuple[Route, ...]:
    """Of other programs' routes those that stay: they can't be written back, or another that stays would be deleted.

    Args:
        routes: in the kernel's order.
        staying: those that stay anyhow.
        there: routes in the kernel's order, those of each key among them.
    """
    found: list[Route] = []
    for route in routes:
        if route.unwritable or is_deleted_for((*staying, *found), route, there):
            found.append(route)
    return tuple(found)
