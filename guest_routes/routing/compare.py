"""What two routes have in common, and what a policy rule is about. Pure."""

from __future__ import annotations

from _operator import itemgetter

from ..model.network import GOTO, LOCAL_TABLE, NOP, PROTOCOL_RA, TO_TABLE, UNICAST, NextHop, contains, is_link_local

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Collection, Iterable, Iterator, Sequence

    from ..model.network import Address, Lookup, Prefix, Route, Rule


_DESTINATION = itemgetter(0)


def destinations_of(routes: Iterable[Route]) -> Iterator[Prefix]:
    """Where they lead. Without a step of Python for each: a pass looks through a hundred thousand several times."""
    return map(_DESTINATION, routes)


def to_any(destinations: Collection[Prefix], routes: Sequence[Route]) -> list[Route]:
    """Of many routes the few to these destinations, in their order."""
    there = set(destinations).intersection(destinations_of(routes))
    return [route for route in routes if route[0] in there] if there else []


def defaults_of(routes: Iterable[Route]) -> list[Route]:
    """The default routes among them, in their order."""
    return [route for route in routes if not route[0][1]]  # The length of its destination.


def next_hops(route: Route) -> list[tuple[Address | None, int]]:
    """Gateway and ifindex of each next hop of a route."""
    return [(hop.gateway, hop.ifindex) for hop in route.nexthops] or [(route.gateway, route.ifindex)]


def hops_of(route: Route) -> tuple[NextHop, ...]:
    """The next hops of a multipath route, or the one of another."""
    return route.nexthops or (NextHop(route.gateway, route.ifindex, onlink=route.onlink),)


def ifindexes(route: Route) -> frozenset[int]:
    """The NICs a route leads through."""
    return frozenset(ifindex for _, ifindex in next_hops(route))


def preference(route: Route) -> tuple[int, bool, int, int]:
    """Among a table's routes for one address the kernel goes by the least: the longest prefix, then the best metric.

    So it does among those of local and main, where IPv4 keeps them in one tree: local's come first. Of IPv6's with one
    metric it goes by those with the best router preference (RFC 4191), and of these by the first.
    Source: net/ipv6/route.c, rt6_score_route and IPV6_DECODE_PREF.
    """
    return -route.destination.length, route.table != LOCAL_TABLE, route.metric, -(route.preference ^ 2)


def is_next_hop(route: Route) -> bool:
    """Whether IPv6 merges it with others of its destination and metric into a multipath route."""
    return leads_out(route) and route.gateway is not None and not route.nexthop_id


def whole(parts: Sequence[Route]) -> Route:
    """The multipath route of these next hops, with the attributes of the first."""
    nexthops = tuple(NextHop(one.gateway, one.ifindex, one.weight, one.onlink) for one in parts)
    return parts[0]._replace(gateway=None, ifindex=0, onlink=False, weight=1, nexthops=nexthops)


def nexthops_outside(route: Route, managed: frozenset[int]) -> tuple[Route, ...]:
    """What stays of a multipath default, or one by a nexthop group: its next hops through NICs outside the metadata."""
    staying = tuple(hop for hop in route.nexthops if hop.ifindex not in managed)
    if len(staying) > 1 and route.family == 4:
        return (route._replace(nexthops=staying, nexthop_id=0),)
    return tuple(
        route._replace(
            nexthops=(), nexthop_id=0, gateway=hop.gateway, ifindex=hop.ifindex, onlink=hop.onlink, realms=hop.realms,
            weight=hop.weight if len(staying) > 1 else 1,
        )
        for hop in staying
    )  # fmt: skip


def is_advertised(route: Route) -> bool:
    """Whether a router announces it, and so brings it back: routers have link-local addresses, and say how long they
    are some (RFC 4861).

    Its protocol alone doesn't tell: IPv6 shows the next hops of a multipath route with the first one's, and a program
    that gives a route no lifetime brings it back by its own lights. Nobody makes a nexthop group of announcements.
    """
    return (
        route.protocol == PROTOCOL_RA
        and route.expires > 0
        and not route.nexthops
        and all(is_link_local(gateway) for gateway, _ in next_hops(route))
    )


def routers_first(route: Route) -> tuple[bool, int]:
    """The order in which defaults say of gateways: an advertised router is the subnet's own word."""
    return route.protocol != PROTOCOL_RA, route.metric


def same_route(one: Route, other: Route) -> bool:
    """Whether two routes are one to the kernel, which has no two such; its lifetime and an IPv6 weight may differ."""
    return _identity(one) == _identity(other)


def same_but_for_attributes(one: Route, other: Route) -> bool:
    """Whether they differ at most by metrics and by how next hops are weighed: one may be the other, made anew."""
    return _bare_identity(one) == _bare_identity(other)


def equals_of(route: Route, routes: Iterable[Route]) -> tuple[Route, ...]:
    """Those of its key, which the kernel chooses between by their order alone, or for IPv6 uses together."""
    key = key_of(route)
    return tuple(one for one in routes if key_of(one) == key)


def key_of(route: Route) -> tuple[object, ...]:
    """What the kernel's equals have in common."""
    return route.destination, route.metric, route.tos, route.table, route.unwritable == "source"


def _identity(route: Route) -> tuple[object, ...]:
    """IPv4 has two routes that differ by any attribute; IPv6 one for each next hop of a metric."""
    return (*_bare_identity(route), *((route.metrics, route.nexthops) if route.family == 4 else ()))


def _bare_identity(route: Route) -> tuple[object, ...]:
    """IPv6 has no two routes that differ in their protocol only, and shows it of the first of a multipath route."""
    own = (route.protocol, route.source, route.realms, route.onlink) if route.family == 4 else ()
    return (*key_of(route), route.kind, *next_hops(route), route.nexthop_id, *own)


def begins_with(route: Route, part: Route) -> bool:
    """Whether the kernel would take a part that stands in front for the multipath route, when that is deleted."""
    hops = next_hops(part)
    return next_hops(route)[: len(hops)] == hops


def leads_out(route: Route) -> bool:
    """Whether packets get somewhere by it, by one that can't be written back, too; not for those from a prefix only."""
    return route.kind == UNICAST or route.unwritable in ("encap", "attributes", "hidden")


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


def is_present(route: Route, routes: Iterable[Route]) -> bool:
    """Whether one of the routes is the same."""
    return any(same_route(one, route) for one in routes)


def matches(rule: Rule, destination: Address, source: Address | None = None) -> bool:
    """Whether a rule is about a packet that root sends, of which no more than its addresses is known.

    The kernel is asked about such ones. Source: net/core/fib_rules.c, fib_rule_match.

    Args:
        source: None where it isn't chosen yet; no rule for a source is about the packet then.
    """
    prefix = rule.source or rule.among
    fits = prefix is None or (source is not None and contains(prefix, source))
    fits = fits and (rule.destination is None or contains(rule.destination, destination))
    return (fits and not rule.chosen) != rule.negated


def gives(rule: Rule, answer: Lookup) -> bool:
    """Whether an answer of the kernel can come of a rule: of its table, or of a rule that drops or goes elsewhere."""
    if rule.action == TO_TABLE:
        return bool(rule.table) and answer.table in (rule.table, 0)
    return rule.action == GOTO or (rule.action != NOP and not answer.ifindex)
