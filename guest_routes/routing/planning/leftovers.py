"""What becomes of routes of ours to destinations that no resolved host route has (R6). Pure."""

from __future__ import annotations

from ...model.decision import BY_CHOICE
from ...model.namedtuple import NamedTuple
from ...model.network import Route
from ...model.operations import Delete
from ...model.plan import StayingRoute

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterable, Sequence

    from ...model.decision import Unresolved
    from ...model.network import Address, Prefix
    from ...model.network_data import Problem
    from ...model.plan import Unlisted

EVIDENCE_GONE = ("no-subnet", "unknown-gateway", "absent", "down", "no-address")
"""Kinds of Unresolved that speak of the NIC, not against the route: its network is missing from the document, its
gateway is not known any more, or it can't be used just now."""


class Leftovers(NamedTuple):
    """What becomes of each of them."""

    staying: tuple[StayingRoute, ...] = ()
    held: tuple[Route, ...] = ()
    """Those that would go, but that the document may be partial."""
    removals: tuple[Delete, ...] = ()


def leftovers(left: Sequence[Route], unresolved: Sequence[Unresolved], unlisted: Unlisted, withdraw: bool) -> Leftovers:
    """Those that stay, those that are held, and the removals of the others.

    Args:
        withdraw: False when the document may be partial; what the settings named goes all the same.
    """
    staying = staying_routes(left, unresolved, unlisted)
    kept = {one.route for one in staying}
    unwanted = [route for route in left if route not in kept]
    going = [route for route in unwanted if withdraw or route.destination in unlisted.dropped]
    held = () if withdraw else tuple(route for route in unwanted if route.destination not in unlisted.dropped)
    return Leftovers(staying, held, tuple(removals_of(going, unresolved)))


def listed_still(unresolved: Iterable[Unresolved]) -> dict[tuple[Prefix, Address | None], Unresolved]:
    """By destination and next hop, those of which only the evidence for their NIC has gone: our routes by it stay."""
    return {(one.host.destination, one.host.next_hop): one for one in unresolved if one.kind in EVIDENCE_GONE}


def staying_routes(
    left: Sequence[Route], unresolved: Sequence[Unresolved], unlisted: Unlisted
) -> tuple[StayingRoute, ...]:
    """Those that the document still lists with the same next hop, and only the evidence for their NIC has gone.

    And those that an entry may list which can't be read: damage is no absence.
    """
    listed = listed_still(unresolved)
    settled = {one.host.destination for one in unresolved if one.kind in BY_CHOICE} | unlisted.dropped
    damage = _Damage(unlisted.damaged)
    found: list[StayingRoute] = []
    for route in left:
        reason: Unresolved | Problem | None = listed.get((route.destination, route.gateway))
        if reason is None and route.destination not in settled:
            reason = damage.that_may_list(route)
        if reason is not None:
            found.append(StayingRoute(route, reason))
    return tuple(found)


class _Damage:
    """Entries that can't be read, by what can be read of them: the destination, else the next hop, else nothing."""

    def __init__(self, damaged: Iterable[Problem]) -> None:
        self._by_part: dict[Prefix | Address | None, Problem] = {}
        for one in damaged:
            self._by_part.setdefault(one.next_hop if one.destination is None else one.destination, one)

    def that_may_list(self, route: Route) -> Problem | None:
        """The first entry that a route fits."""
        parts: tuple[Prefix | Address | None, ...] = (route.destination, route.gateway, None)
        return next((self._by_part[one] for one in parts if one in self._by_part), None)


def removals_of(unwanted: Sequence[Route], unresolved: Sequence[Unresolved]) -> list[Delete]:
    """Their removals, each with the true reason: no host route lists the destination, or why that is not resolved."""
    listed: dict[Prefix, Unresolved] = {}
    for one in unresolved:
        listed.setdefault(one.host.destination, one)
    return [Delete(route, listed.get(route.destination, "not-in-document")) for route in unwanted]
