"""What two routes have in common. Pure."""

from __future__ import annotations

from ..model.equality import next_hops
from ..model.network import UNICAST, is_link_local

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..model.network import Route


def same_next_hop(one: Route, other: Route) -> bool:
    """Whether both send a packet through the same NIC to the same gateway, by every next hop that they have."""
    hops = {*next_hops(one), *next_hops(other)}
    return one.kind == other.kind == UNICAST and len(hops) == 1


def leads_there(route: Route, wanted: Route) -> bool:
    """Whether a default route equals the elected one (R4), by every next hop (R5).

    For IPv6 a link-local router on the elected NIC counts: it is the same hypervisor, announcing itself. Its
    protocol doesn't tell: the kernel shows the next hops of a multipath route with the first one's.
    """
    if route.kind != UNICAST or route.tos:
        return False
    return all(
        ifindex == wanted.ifindex and (gateway == wanted.gateway or (route.family == 6 and is_link_local(gateway)))
        for gateway, ifindex in next_hops(route)
    )
