"""Host routes that are used for no address, since other programs' routes decide about each of theirs (R8). Pure.

Table local is looked up before main: what covers a host route there comes before it. In its own table narrower routes
do, where they leave none of its addresses out. One that leads the same way, or a narrower one beside which something is
left, is its owner's affair.
"""

from __future__ import annotations

from _operator import itemgetter

from ...model.network import PROTOCOL_KERNEL, THROW, Prefix, contains
from ..compare import same_next_hop

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterator, Sequence

    from ...model.network import Route
    from ...model.plan import PlannedRoute

_FIRST, _SECOND = itemgetter(0), itemgetter(1)
_NO_HOST_ROUTES = (Prefix(b"\x7f\0\0\0", 8), Prefix(b"\xff".ljust(16, b"\0"), 8))
"""127.0.0.0/8 and ff00::/8, which every machine has there (R12)."""


def hidden(routes: Sequence[PlannedRoute], others: Sequence[Route], local: Sequence[Route]) -> dict[Prefix, Prefix]:
    """The destinations of such host routes, each with a prefix in which the kernel is to be asked.

    Args:
        others: other programs' routes of the settings' table.
        local: those of table local, where it is looked up first; a throw decides where that is one tree with main.
    """
    found = {one: one for one in _behind(routes, [route.destination for route in local])}
    first = [route for route in local if route.kind != THROW]
    # Of those that cover a prefix wholly one begins where it does. At C speed: there may be a hundred thousand.
    covering, covered = map(_FIRST, map(_FIRST, (*first, *others))), map(_FIRST, map(_FIRST, map(_SECOND, routes)))
    few, many = (covering, covered) if len(others) < len(routes) else (covered, covering)
    starts = set(few).intersection(many)
    if starts:
        found.update(_in_pieces([one for one in routes if one[1][0][0] in starts], routes, (*first, *others)))
    return found


def _behind(routes: Sequence[PlannedRoute], local: Sequence[Prefix]) -> Iterator[Prefix]:
    """Those that a prefix of table local covers. Mostly it has single addresses alone."""
    yield from set(local).intersection(map(_FIRST, map(_SECOND, routes)))
    wide = [prefix for prefix in local if prefix.length < 8 * len(prefix.address) and prefix not in _NO_HOST_ROUTES]
    for one in routes if wide else ():
        if any(_holds(prefix, one.route.destination) for prefix in wide):
            yield one.route.destination


def _holds(prefix: Prefix, destination: Prefix) -> bool:
    return prefix.length <= destination.length and contains(prefix, destination.address)


def _in_pieces(
    suspected: Sequence[PlannedRoute], routes: Sequence[PlannedRoute], others: Sequence[Route]
) -> Iterator[tuple[Prefix, Prefix]]:
    from _bisect import bisect_left, bisect_right

    planned = {one.route.destination for one in routes}
    pieces = sorted((route for route in others if route.destination not in planned), key=_place)
    places = [_place(route) for route in pieces]
    for one in suspected:
        destination = one.route.destination
        end = _last(destination).to_bytes(len(destination.address), "big")
        within = pieces[bisect_left(places, _place(one.route)) : bisect_right(places, (len(end), end))]
        own = [route for route in within if route.destination.length > destination.length]
        if _is_whole(destination, own):
            yield from _named(one.route, list(_used(own)))


def _named(route: Route, pieces: Sequence[Route]) -> Iterator[tuple[Prefix, Prefix]]:
    """The widest of them, but for a NIC's own subnet; none where one of them leads where the route does."""
    others = [one.destination for one in pieces if one.protocol != PROTOCOL_KERNEL]
    if others and not any(same_next_hop(one, route) for one in pieces):
        yield route.destination, min(others, key=itemgetter(1))


def _used(routes: Sequence[Route]) -> Iterator[Route]:
    """Of those to one prefix the first, which the kernel uses; in IPv6 with the others of its metric."""
    first: dict[Prefix, Route] = {}
    for route in routes:
        best = first.setdefault(route.destination, route)
        if route is best or (route.family == 6 and route.metric == best.metric):
            yield route


def _place(route: Route) -> tuple[int, bytes]:
    return len(route.destination.address), route.destination.address


def _is_whole(destination: Prefix, pieces: Sequence[Route]) -> bool:
    """Whether these cover every address of a prefix; they are in the order of their addresses."""
    at = int.from_bytes(destination.address, "big")
    for piece in pieces:
        if int.from_bytes(piece.destination.address, "big") > at:
            return False
        at = max(at, _last(piece.destination) + 1)
    return at > _last(destination)


def _last(prefix: Prefix) -> int:
    """The last address of a prefix, as a number."""
    return int.from_bytes(prefix.address, "big") | (1 << len(prefix.address) * 8 - prefix.length) - 1
