"""What two routes have in common. Pure."""

from __future__ import annotations

from ..model.network import UNICAST, is_link_local

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..model.network import Address, Route


def next_hops(route: Route) -> list[tuple[Address | None, int]]:
    """Gateway and ifindex of each next hop of a route."""
    return [(hop.gateway, hop.ifindex) for hop in route.nexthops] or [(route.gateway, route.ifindex)]


def ifindexes(route: Route) -> frozenset[int]:
    """The NICs a route leads through."""
    return frozenset(ifindex for _, ifindex in next_hops(route))


def same_next_hop(one: Route, other: Route) -> bool:
    """Whether both send a packet through the same NIC to the same gateway."""
    plain = one.kind == other.kind == UNICAST and not one.nexthops and not other.nexthops
    return plain and one.gateway == other.gateway and one.ifindex == other.ifindex


def leads_there(route: Route, wanted: Route) -> bool:
    """Whether a default route equals the elected one (R4).

    For IPv6 a link-local router on the elected NIC counts: it is the same hypervisor, announcing itself. Its
    protocol doesn't tell: the kernel shows the next hops of a multipath route with the first one's.
    """
    if route.kind != UNICAST or route.nexthops or route.tos or route.ifindex != wanted.ifindex:
        return False
    return route.gateway == wanted.gateway or is_link_local(route.gateway)
