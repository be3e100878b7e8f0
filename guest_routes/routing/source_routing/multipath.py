"""IPv6 multipath routes as one value each, as IPv4's are. Pure.

The kernel shows and deletes their next hops one by one, but replaces the whole route (net/ipv6/route.c,
ip6_route_multipath_add), and a pass compares wholes.
"""

from __future__ import annotations

from ..compare import is_next_hop, whole

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterable

    from ...model.network import Route


def joined(routes: Iterable[Route]) -> list[Route]:
    """The routes, in the order of their first next hops."""
    found: dict[object, list[Route]] = {}
    for route in routes:
        merges = route.family == 6 and is_next_hop(route)
        key = (route.table, route.destination, route.metric) if merges else len(found)
        found.setdefault(key, []).append(route)
    return [whole(same) if len(same) > 1 else same[0] for same in found.values()]
