"""Destinations of main inside a prefix that a NIC's table copies or throws, and that go otherwise (R21). Pure.

The longest prefix decides in main, whatever its TOS, and must decide the same in the table. A route of a TOS is for
packets of that TOS alone, so each TOS has its own covers, and mostly there is only 0.
"""

from __future__ import annotations

from _bisect import bisect_left, bisect_right

from ...model.network import THROW, UNICAST, Prefix, Route, network_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterator, Sequence, TypeAlias

    Entries: TypeAlias = dict[tuple[Prefix, int], Route]
    """The routes of a table by destination and TOS."""
    Covers: TypeAlias = dict[Prefix, Route]
    """Those that packets of one TOS can meet, by destination."""


def exceptions(
    entries: Entries, others: Sequence[tuple[Prefix, int]], plain: Sequence[tuple[Prefix, int]], by_gateway: Route
) -> Entries:
    """Routes for destinations inside shorter prefixes of the table, which would decide otherwise there.

    Args:
        others: destinations, each with its TOS, that main sends through another NIC of the document.
        plain: destinations of host routes by a NIC's gateway, each with the NIC, sorted.
        by_gateway: the route by the gateway of the table's NIC.
    """
    usual = [one for one in others if not one[1]]
    inside = sorted([*plain, *usual]) if usual else plain
    covers = _with_tos(entries, 0)
    copies = _copies(covers)
    needed = _inside(covers, copies, inside, by_gateway)
    found = {(destination, 0): route for destination, route in needed if route is not None}
    for tos in sorted({tos for _, tos in (*entries, *others) if tos}):
        own = _with_tos(entries, tos)
        elsewhere = [destination for destination, of_tos in others if of_tos == tos]
        met = {**covers, **own}, {**copies, **_copies(own)}
        needed_so = dict(_of_tos(*met, elsewhere, inside, by_gateway))
        found.update(_of_this_tos_alone(needed_so, found, covers, tos))
    return found


def _of_this_tos_alone(
    needed: Covers, found: Entries, covers: Covers, tos: int
) -> Iterator[tuple[tuple[Prefix, int], Route]]:
    """What packets of a TOS need, and don't find with those of none."""
    for destination, route in needed.items():
        decides = found.get((destination, 0)) or covers.get(destination)
        if decides is None or _leads(decides) != _leads(route):
            yield (destination, tos), route._replace(destination=destination, tos=tos)


def _with_tos(entries: Entries, tos: int) -> Covers:
    return {destination: route for (destination, of_tos), route in entries.items() if of_tos == tos}


def _of_tos(
    covers: Covers,
    copies: Covers,
    elsewhere: Sequence[Prefix],
    inside: Sequence[tuple[Prefix, int]],
    by_gateway: Route,
) -> Iterator[tuple[Prefix, Route]]:
    """What packets of one TOS need for destinations inside their covers, also where those of none need another."""
    for destination, route in _inside(covers, copies, inside, by_gateway):
        found = route or longest(destination, covers)
        if found is not None:
            yield destination, found
    for destination in elsewhere:
        cover = covers.get(destination) or longest(destination, covers)
        if cover is not None and cover.kind == THROW:
            yield destination, copies.get(destination) or longest(destination, copies) or by_gateway


def _inside(
    covers: Covers, copies: Covers, inside: Sequence[tuple[Prefix, int]], by_gateway: Route
) -> Iterator[tuple[Prefix, Route | None]]:
    """Each of the sorted destinations that lies inside a cover, with the route that it needs; None: the cover's.

    Args:
        copies: those of the covers that are copies, also where a throw of a TOS stands before one.
    """
    for destination, ifindex in _within(covers, inside):
        cover = None if destination in covers else longest(destination, covers)
        if cover is not None:
            if ifindex == by_gateway.ifindex:
                route = None if (cover.gateway, cover.kind) == (by_gateway.gateway, UNICAST) else by_gateway
            else:  # Another NIC of the document leads there in main.
                route = longest(destination, copies) or by_gateway if cover.kind == THROW else None
            yield destination, None if route is None else route._replace(destination=destination)


def _copies(covers: Covers) -> Covers:
    return {prefix: route for prefix, route in covers.items() if route.kind != THROW}


def _leads(route: Route) -> object:
    """Where a route sends packets."""
    return route.kind, route.gateway, route.nexthops, route.onlink, route.metrics


def _within(covers: Covers, inside: Sequence[tuple[Prefix, int]]) -> Iterator[tuple[Prefix, int]]:
    """Those of the sorted destinations that lie inside one of the covers, each once."""
    seen: dict[tuple[Prefix, int], None] = {}
    for cover in covers:
        host_bits = len(cover.address) * 8 - cover.length
        last = int.from_bytes(cover.address, "big") | (1 << host_bits) - 1
        first = bisect_left(inside, (Prefix(cover.address, cover.length + 1), 0))
        end = bisect_right(inside, (Prefix(last.to_bytes(len(cover.address), "big"), 129), 0))
        seen.update(dict.fromkeys(one for one in inside[first:end] if one[0].length > cover.length))
    return iter(seen)


def longest(destination: Prefix, covers: Covers) -> Route | None:
    """The route of the longest prefix around a destination, itself left out."""
    for length in sorted({prefix.length for prefix in covers}, reverse=True):
        if length < destination.length:
            found = covers.get(network_of(Prefix(destination.address, length)))
            if found is not None:
                return found
    return None
