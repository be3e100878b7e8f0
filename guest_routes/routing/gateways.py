"""What each network's gateway is, by which evidence, and whether that offers a default route (R2, R4). Pure.

A default entry is a host route to 0.0.0.0/0 or ::/0: its next hop names a NIC. It is the network's own gateway where
it lies in a prefix of that network, or in nobody's (a /32 with a gateway outside). Else it names another NIC, and is
never this one's gateway.
"""

from __future__ import annotations

from ..model.decision import Binding
from ..model.evidence import GatewayEvidence
from ..model.namedtuple import NamedTuple
from ..model.network import DEFAULT_PREFIX, PROTOCOL_RA, Prefix, contains, family_of, is_link_local
from ..model.network_data import LEASES, HostRoute, default_route, special_kind
from .compare import next_hops
from .ownership import is_ours
from .subnets import Subnets

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal, Sequence

    from ..model.evidence import Evidence, GatewayKind
    from ..model.lease import Lease
    from ..model.network import Address, Nic, Route
    from ..model.settings import GatewaySetting, Settings


class _Entry(NamedTuple):
    """A default entry of a network or of its NIC's lease."""

    route: HostRoute
    evidence: GatewayEvidence


def with_gateways(
    bindings: Sequence[Binding], evidence: Evidence, settings: Settings
) -> tuple[list[Binding], list[HostRoute]]:
    """Each network with its gateway by the best evidence; and the default entries that name another NIC."""
    subnets = Subnets(bindings)
    offers = _default_offers(evidence, settings)
    found: list[Binding] = []
    elsewhere: list[HostRoute] = []
    for binding in bindings:
        entries = _entries(binding, evidence)
        own = _own(entries, binding, subnets, evidence.kernel.nics)
        elsewhere += [one.route for one in entries if own is None or one.route.next_hop != own.route.next_hop]
        found.append(_with_gateway(binding, own, settings, offers))
    return found, elsewhere


def _own(entries: Sequence[_Entry], binding: Binding, subnets: Subnets, nics: Sequence[Nic]) -> _Entry | None:
    """The default entry that means the network itself: in a prefix of its own, else in no network's and no NIC's."""
    inside = (one for one in entries if any(contains(subnet, one.route.next_hop) for subnet in binding.subnets))
    outside = (one for one in entries if subnets.home(one.route.next_hop) is None)
    return next(inside, None) or next((one for one in outside if not _on_a_nic(one.route.next_hop, nics)), None)


def _on_a_nic(gateway: Address, nics: Sequence[Nic]) -> bool:
    """Whether a gateway is in a NIC's subnet, which the document needn't describe; link-local ones are everybody's."""
    return not is_link_local(gateway) and any(contains(own, gateway) for nic in nics for own in nic.addresses)


def _entries(binding: Binding, evidence: Evidence) -> list[_Entry]:
    """The default entries of a network in the document; where that omits them, of its NIC's lease."""
    network = binding.network
    if network is None:
        return []
    entries = [_Entry(default_route(network, one), GatewayEvidence("document", one.place)) for one in network.defaults]
    if entries or binding.nic is None or network.family == 6:
        return entries
    lease = evidence.leases.of(binding.nic.ifindex) if evidence.leases else None
    return _leased(lease, binding.nic, evidence) if lease else []


def _leased(lease: Lease, nic: Nic, evidence: Evidence) -> list[_Entry]:
    """The routers of a lease that can be some."""
    now = evidence.leases.now if evidence.leases else 0.0
    own = {address.address for address in nic.addresses}
    found = []
    for one in lease.default_routers:
        if not special_kind(Prefix(one.gateway, 32)) and one.gateway not in own:
            known = GatewayEvidence(
                "lease", lease=lease, option=one.option, index=one.index, expired=lease.expired(now)
            )
            source = f"{lease.place}, option {one.option}"
            found.append(_Entry(HostRoute(DEFAULT_PREFIX[4], one.gateway, source, LEASES, one.index), known))
    return found


def _with_gateway(
    binding: Binding, own: _Entry | None, settings: Settings, offers: Sequence[GatewayEvidence]
) -> Binding:
    """R2's evidence, best first. A documented default stays one where the settings correct its gateway."""
    setting = _set(binding, settings)
    if setting is not None:
        known = GatewayEvidence("settings", setting.place)
        return binding._replace(gateway=setting.gateway, evidence=known, offers=_rank_of_setting(binding, own, offers))
    if own is not None:
        return binding._replace(gateway=own.route.next_hop, evidence=own.evidence, offers="documented")
    offer = _offered(binding.nic, binding.family, offers) if binding.nic else None
    if offer is None:
        return binding
    return binding._replace(gateway=offer.gateway, evidence=offer, offers=_rank(offer, binding))


def _rank_of_setting(
    binding: Binding, own: _Entry | None, offers: Sequence[GatewayEvidence]
) -> Literal["documented", "last", "settings"]:
    """A gateway of the settings corrects one that is known, and doesn't move the default route."""
    if own is not None:
        return "documented"
    kernels = _offered(binding.nic, binding.family, offers) if binding.nic else None
    return "settings" if kernels is None else "last"


def _rank(offer: GatewayEvidence, binding: Binding) -> Literal["documented", "last"]:
    """An advertised router is the word of a network that the document omits, or leaves to advertisements (slaac)."""
    dynamic = binding.network is not None and binding.network.dynamic
    return "documented" if offer.kind == "advertised" and dynamic else "last"


def _set(binding: Binding, settings: Settings) -> GatewaySetting | None:
    """The entry of `gateways` that is about this network."""
    own = (setting for setting in settings.gateways if family_of(setting.gateway) == binding.family)
    return next((setting for setting in own if _means(setting, binding)), None)


def _means(setting: GatewaySetting, binding: Binding) -> bool:
    """Whether an entry of `gateways` is about this network: its NIC, and its subnet where that is known."""
    if not binding.chosen_by(setting.selector):
        return False
    subnet = binding.network.address if binding.network else None
    other = [a for a in (binding.nic.addresses if binding.nic else ()) if contains(a, setting.gateway)]
    return subnet is None or contains(subnet, setting.gateway) or not other


def _offered(nic: Nic, family: int, offers: Sequence[GatewayEvidence]) -> GatewayEvidence | None:
    """The first default route through the NIC."""
    own = (offer for offer in offers if offer.nic == nic.name and family_of(offer.gateway) == family)
    return next(own, None)


def _default_offers(evidence: Evidence, settings: Settings) -> list[GatewayEvidence]:
    """What the kernel's default routes, and recorded ones, say of gateways, best first; ours say nothing.

    An advertised router is the subnet's own word; another default may be anybody's.
    """
    names = {nic.ifindex: nic.name for nic in evidence.kernel.nics}
    foreign = [
        route for route in evidence.kernel.routes if not route.destination.length and not is_ours(route, settings)
    ]
    sources: tuple[tuple[GatewayKind, Sequence[Route]], ...] = (
        ("kernel", foreign),
        ("recorded", _recorded_defaults(evidence)),
    )
    offers = []
    for kind, routes in sources:
        for route in sorted(routes, key=_advertised_first):
            found_in: GatewayKind = "advertised" if kind == "kernel" and route.protocol == PROTOCOL_RA else kind
            for gateway, ifindex in next_hops(route):
                if gateway:
                    offers.append(GatewayEvidence(found_in, gateway=gateway, nic=names.get(ifindex, "")))
    return offers


def _recorded_defaults(evidence: Evidence) -> list[Route]:
    """Recorded copies of host routes (R20) say nothing of gateways."""
    return [route for route in evidence.recorded_defaults if route.destination.is_default]


def _advertised_first(route: Route) -> tuple[bool, int]:
    return route.protocol != PROTOCOL_RA, route.metric
