"""Which NIC each network of the document is on, and that NIC's gateway with the evidence for it (R2). Pure.

NICs are found by MAC, never by order or name. A MAC may stand on several devices at once (a bridge over a NIC,
a VLAN on it, a bond of it): the VLAN id, the bond's members and the network's own address tell them apart.
"""

from __future__ import annotations

from ..model.decision import Binding
from ..model.evidence import GatewayEvidence
from ..model.network import PROTOCOL_RA, Prefix, contains, family_of
from ..model.network_data import special_kind
from .compare import next_hops
from .ownership import is_ours

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterator, Sequence

    from ..model.evidence import Evidence, GatewayKind
    from ..model.network import Address, Nic, Route
    from ..model.network_data import Link
    from ..model.settings import GatewaySetting, Settings


def bind(evidence: Evidence, settings: Settings) -> tuple[Binding, ...]:
    """A binding for each network, in document order; behind them NICs that only `gateways` speaks of."""
    links = {link.id: link for link in evidence.data.links}
    nics = evidence.kernel.nics
    offers = _default_offers(evidence, settings)
    bindings: list[Binding] = []
    for network in evidence.data.networks:
        link = links.get(network.link)
        nic = find_nic(link, links, nics, network.address) if link else None
        ignored = ""
        if nic is not None and is_ignored(nic, settings.ignore_nics):
            ignored, nic = nic.name, None
        binding = Binding(network, link, nic, ignored=ignored)
        known = _gateway(binding, evidence, settings, offers)
        bindings.append(binding if known is None else binding._replace(gateway=known[0], evidence=known[1]))
    return (*bindings, *_named_by_settings_alone(bindings, nics, settings))


def _named_by_settings_alone(bindings: Sequence[Binding], nics: Sequence[Nic], settings: Settings) -> Iterator[Binding]:
    """NICs that the document doesn't describe and `gateways` names."""
    bound = {binding.nic.ifindex for binding in bindings if binding.nic}
    for setting in settings.gateways:
        for nic in nics:
            alone = Binding(None, None, nic, setting.gateway, GatewayEvidence("settings", setting.place))
            named = nic.ifindex not in bound and alone.chosen_by(setting.selector)
            if named and not is_ignored(nic, settings.ignore_nics):
                yield alone


# ---- which NIC ----------------------------------------------------------------------------------------


def find_nic(link: Link, links: dict[str, Link], nics: Sequence[Nic], address: Prefix | None = None) -> Nic | None:
    """The NIC that a link of the document describes, or None when it isn't present.

    Args:
        address: the network's address there; of several devices with the MAC the one that has it is meant.
    """
    if link.vlan_id is not None:
        return _find_vlan(link, links, nics, address)
    macs = _macs(link, links)
    bonds = [nic for nic in nics if nic.kind in ("bond", "team") and nic.mac in macs]
    if link.kind == "bond" and bonds:
        return bonds[0]
    return _best([nic for nic in nics if nic.vlan_id is None and _has_mac(nic, macs)], address)


def _macs(link: Link, links: dict[str, Link]) -> set[bytes]:
    """The MACs that a link's NIC may have: its own, and those of a bond's members."""
    members = [links[member].mac for member in link.bond_links if member in links]
    return {link.mac, *members} - {b""}


def _find_vlan(link: Link, links: dict[str, Link], nics: Sequence[Nic], address: Prefix | None) -> Nic | None:
    """A VLAN device on the NIC that `vlan_link` means, else any with the id and MAC, else a plain NIC with the MAC."""
    parent = find_nic(links[link.vlan_link], links, nics) if _stands_on(link, links) else None
    found = _vlans(link, parent, nics)
    if found:
        return found[0]
    return _best([nic for nic in nics if nic.mac == link.mac and not nic.kind and nic != parent], address)


def _vlans(link: Link, parent: Nic | None, nics: Sequence[Nic]) -> list[Nic]:
    """VLAN devices with the link's id: those on its parent, else those with its MAC."""
    vlans = [nic for nic in nics if nic.vlan_id == link.vlan_id]
    on_parent = [nic for nic in vlans if parent is not None and nic.parent == parent.ifindex]
    return on_parent or [nic for nic in vlans if nic.mac == link.mac]


def _stands_on(link: Link, links: dict[str, Link]) -> bool:
    """Whether vlan_link names another link that is no VLAN itself (a document may name the link itself)."""
    return link.vlan_link in links and links[link.vlan_link].vlan_id is None


def _has_mac(nic: Nic, macs: set[bytes]) -> bool:
    return nic.permanent_mac in macs or nic.mac in macs


def _best(found: Sequence[Nic], address: Prefix | None) -> Nic | None:
    """Of devices with one MAC: the one with the network's address, then no port of another, then the first."""

    def rank(nic: Nic) -> tuple[bool, bool, int]:
        has_it = address is not None and any(own.address == address.address for own in nic.addresses)
        return not has_it, bool(nic.master) and not nic.addresses, nic.ifindex

    return min(found, key=rank, default=None)


def is_ignored(nic: Nic, patterns: Sequence[str]) -> bool:
    """Whether `ignore_nics` covers a NIC."""
    if not patterns:
        return False
    from fnmatch import fnmatchcase

    return any(fnmatchcase(nic.name, pattern) for pattern in patterns)


# ---- which gateway ------------------------------------------------------------------------------------


def _gateway(
    binding: Binding, evidence: Evidence, settings: Settings, offers: Sequence[GatewayEvidence]
) -> tuple[Address, GatewayEvidence] | None:
    """R2's evidence, best first."""
    setting = _set(binding, settings)
    if setting is not None:
        return setting.gateway, GatewayEvidence("settings", setting.place)
    network, nic = binding.network, binding.nic
    if network is not None and network.gateway is not None:
        return network.gateway, GatewayEvidence("document", network.gateway_place)
    if nic is None:
        return None
    leased = _leased(nic, evidence) if binding.family == 4 else None
    return leased or _offered(nic, binding.family, offers)


def _set(binding: Binding, settings: Settings) -> GatewaySetting | None:
    """The entry of `gateways` that is about this network."""
    own = (setting for setting in settings.gateways if family_of(setting.gateway) == binding.family)
    return next((setting for setting in own if _means(setting, binding)), None)


def _offered(nic: Nic, family: int, offers: Sequence[GatewayEvidence]) -> tuple[Address, GatewayEvidence] | None:
    """The first default route through the NIC."""
    own = (offer for offer in offers if offer.nic == nic.name and family_of(offer.gateway) == family)
    offer = next(own, None)
    return (offer.gateway, offer) if offer else None


def _leased(nic: Nic, evidence: Evidence) -> tuple[Address, GatewayEvidence] | None:
    """The router of the NIC's lease, unless it can't be one."""
    leases = evidence.leases
    lease = leases.of(nic.ifindex) if leases else None
    router = lease.router if lease else None
    if router is None or special_kind(Prefix(router.gateway, 32)):
        return None
    if any(own.address == router.gateway for own in nic.addresses):
        return None
    assert leases is not None and lease is not None
    return router.gateway, GatewayEvidence(
        "lease", lease=lease, option=router.option, index=router.index, expired=lease.expired(leases.now)
    )


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
        ("recorded", evidence.recorded_defaults),
    )
    offers = []
    for kind, routes in sources:
        for route in sorted(routes, key=_advertised_first):
            found_in: GatewayKind = "advertised" if kind == "kernel" and route.protocol == PROTOCOL_RA else kind
            for gateway, ifindex in next_hops(route):
                if gateway:
                    offers.append(GatewayEvidence(found_in, gateway=gateway, nic=names.get(ifindex, "")))
    return offers


def _advertised_first(route: Route) -> tuple[bool, int]:
    return route.protocol != PROTOCOL_RA, route.metric


def _means(setting: GatewaySetting, binding: Binding) -> bool:
    """Whether an entry of `gateways` is about this network: its NIC, and its subnet where that can be told."""
    if not binding.chosen_by(setting.selector):
        return False
    subnet = binding.network.address if binding.network else None
    other = [a for a in (binding.nic.addresses if binding.nic else ()) if contains(a, setting.gateway)]
    return subnet is None or contains(subnet, setting.gateway) or not other
