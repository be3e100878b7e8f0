"""What default routes say of gateways: those of other programs in the kernel, and recorded ones (R2). Pure."""

from __future__ import annotations

from ..model.evidence import GatewayEvidence
from ..model.network import PROTOCOL_RA, UNICAST
from .compare import next_hops, routers_first
from .ownership import is_ours

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Sequence

    from ..model.evidence import Evidence, GatewayKind
    from ..model.network import Route
    from ..model.settings import Settings


def default_offers(evidence: Evidence, settings: Settings) -> list[GatewayEvidence]:
    """What the kernel's default routes, and recorded ones, say of gateways, best first; ours say nothing.

    An advertised router is the subnet's own word; another default may be anybody's. Of recorded ones the last counts
    first: it was the evidence when it was taken. One that default_mode demote has left a copy of is still there.
    """
    names = {nic.ifindex: nic.name for nic in evidence.kernel.nics}
    sources: tuple[tuple[GatewayKind, Sequence[Route]], ...] = (
        ("kernel", sorted(_present_defaults(evidence, settings), key=routers_first)),
        ("recorded", _recorded_defaults(evidence)),
    )
    offers = []
    for kind, routes in sources:
        for route in routes:
            found_in: GatewayKind = "advertised" if kind == "kernel" and route.protocol == PROTOCOL_RA else kind
            for gateway, ifindex in next_hops(route):
                if gateway and len(gateway) == len(route.destination.address):
                    offers.append(GatewayEvidence(found_in, gateway=gateway, nic=names.get(ifindex, "")))
    return offers


def defaults_on_link(evidence: Evidence, settings: Settings) -> set[tuple[int, int]]:
    """The ifindexes and families of other programs' defaults without a gateway of their family, recorded ones too."""
    return {
        (ifindex, route.family)
        for route in (*_present_defaults(evidence, settings), *_recorded_defaults(evidence)) if route.kind == UNICAST
        for gateway, ifindex in next_hops(route) if gateway is None or len(gateway) != len(route.destination.address)
    }  # fmt: skip


def nics_in_use(evidence: Evidence, family: int) -> list[int]:
    """The ifindexes that a family's defaults lead through, ours too, in the order in which the kernel uses them."""
    defaults = (one for one in evidence.kernel.routes if one.destination.is_default and one.family == family)
    used = sorted((one for one in defaults if one.kind == UNICAST and not one.tos), key=lambda one: one.metric)
    return [ifindex for route in used for _, ifindex in next_hops(route)]


def _present_defaults(evidence: Evidence, settings: Settings) -> list[Route]:
    """Other programs' default routes, with those that default_mode demote has left a copy of."""
    defaults = [route for route in evidence.kernel.routes if not route.destination.length]
    foreign = [route for route in defaults if not is_ours(route, settings)]
    if settings.default_mode != "demote":
        return foreign
    copied = {hop for route in defaults if is_ours(route, settings) for hop in next_hops(route)}
    return foreign + [route for route in _recorded_defaults(evidence) if copied.issuperset(next_hops(route))]


def _recorded_defaults(evidence: Evidence) -> list[Route]:
    """Recorded copies of host routes (R20) say nothing of gateways."""
    return [route for route in evidence.recorded_defaults if route.destination.is_default]
