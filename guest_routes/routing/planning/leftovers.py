"""What becomes of routes of ours to destinations that no resolved host route has (R6). Pure."""

from __future__ import annotations

from ...model.operations import Delete
from ...model.plan import StayingRoute

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Sequence

    from ...model.decision import Unresolved
    from ...model.network import Prefix, Route

EVIDENCE_GONE = ("no-subnet", "unknown-gateway", "absent", "down", "no-address")
"""Kinds of Unresolved that speak of the NIC, not against the route: its network is missing from the document, its
gateway is not known any more, or it can't be used just now."""


def staying_routes(left: Sequence[Route], unresolved: Sequence[Unresolved]) -> tuple[StayingRoute, ...]:
    """Those that the document still lists with the same next hop, and only the evidence for their NIC has gone."""
    listed = {(one.host.destination, one.host.next_hop): one for one in unresolved if one.kind in EVIDENCE_GONE}
    pairs = ((route, listed.get((route.destination, route.gateway or b""))) for route in left)
    return tuple(StayingRoute(route, one) for route, one in pairs if one is not None)


def removals_of(unwanted: Sequence[Route], unresolved: Sequence[Unresolved]) -> list[Delete]:
    """Their removals, each with the true reason: no host route lists the destination, or why that is not resolved."""
    listed: dict[Prefix, Unresolved] = {}
    for one in unresolved:
        listed.setdefault(one.host.destination, one)
    return [Delete(route, listed.get(route.destination, "not-in-document")) for route in unwanted]
