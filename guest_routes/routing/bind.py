"""Which NIC each network of the document is on, and that NIC's gateway with the evidence for it (R2). Pure.

NICs are found by MAC, never by order or name. A MAC may stand on several devices at once (a bridge over a NIC,
a VLAN on it, a bond of it): the VLAN id, the bond's members and the network's own address tell them apart.
"""

from __future__ import annotations

from ..model.decision import Binding
from ..model.network import is_link_local, is_self_assigned, leads_somewhere, masters
from ..model.network_data import doubled_macs, infiniband_mac
from ..model.settings import is_ignored
from .eligible import Eligible
from .gateways import with_gateways

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterator, Sequence

    from ..model.evidence import Evidence
    from ..model.network import Address, Nic, Prefix
    from ..model.network_data import HostRoute, Link, Network
    from ..model.settings import Settings


BONDS = ("bond", "team")
"""The kinds of a bond's device."""


def bind(evidence: Evidence, settings: Settings) -> tuple[tuple[Binding, ...], tuple[HostRoute, ...]]:
    """A binding for each network, in document order; behind them NICs that only `gateways` speaks of.

    A NIC with a default route of a family in which the document has no network for it gets a binding behind its last
    network: it is the document's, and the kernel's word for its gateway counts (R2, R4).

    Returns:
        The bindings; and the default entries whose next hop names another NIC than that of the network listing them.
    """
    links = {link.id: link for link in evidence.data.links}
    nics = evidence.kernel.nics
    present = Present(nics)
    bare = _uncontradicted(
        [_on_its_nic(network, links, present, settings) for network in evidence.data.networks],
        nics,
        doubled_macs(evidence.data.links),
    )
    bindings, elsewhere = with_gateways(_with_other_family(bare), evidence, settings)
    bindings = [one for one in bindings if one.network is not None or one.gateway is not None or one.offers]
    alone = _named_by_settings_alone(bindings, nics, settings) if settings.gateways else ()
    return (*bindings, *alone), tuple(elsewhere)


def _uncontradicted(bindings: list[Binding], nics: Sequence[Nic], doubled: frozenset[bytes]) -> list[Binding]:
    """The bindings; those of networks whose link and address name two NICs without one."""
    if not doubled and not any(one.is_off_subnet for one in bindings):
        return bindings
    from .binding.contradictions import with_contradictions

    return with_contradictions(bindings, [nic for nic in nics if leads_somewhere(nic)], doubled)


def _with_other_family(bindings: Sequence[Binding]) -> list[Binding]:
    """The bindings, and behind the last one of a NIC with networks of one family only, one of the other family."""
    families: dict[int, set[int]] = {}
    last: dict[int, int] = {}
    for place, binding in enumerate(bindings):
        if binding.nic is not None:
            families.setdefault(binding.nic.ifindex, set()).add(binding.family)
            last[binding.nic.ifindex] = place
    found: list[Binding] = []
    for place, binding in enumerate(bindings):
        found.append(binding)
        if binding.nic is not None and last[binding.nic.ifindex] == place:
            lacking = {4, 6} - families[binding.nic.ifindex]
            found += [Binding(None, binding.link, binding.nic, known_family=family) for family in lacking]
    return found


class Present:
    """The NICs that are present, and those of them with a MAC or an address."""

    def __init__(self, nics: Sequence[Nic]) -> None:
        self.nics = nics
        self._by_mac: dict[bytes, list[Nic]] = {}
        self._by_address: dict[Address, list[Nic]] = {}
        for nic in nics:
            for mac in macs_of(nic):
                self._by_mac.setdefault(mac, []).append(nic)
            for own in nic.addresses:
                self._by_address.setdefault(own.address, []).append(nic)

    def with_mac(self, macs: set[bytes]) -> list[Nic]:
        """Those that a document may know by one of the MACs (see macs_of)."""
        return list({nic.ifindex: nic for mac in macs for nic in self._by_mac.get(mac, ())}.values())

    def with_address(self, address: Prefix | None) -> list[Nic]:
        """Those that have it, in their order, whatever the length of its subnet."""
        return self._by_address.get(address.address, []) if address is not None else []


def _on_its_nic(network: Network, links: dict[str, Link], present: Present, settings: Settings) -> Binding:
    link, nic = links.get(network.link), find_nic_of(network, links, present)
    if nic is not None and is_ignored(nic, settings.ignore_nics):
        return Binding(network, link, None, ignored=nic.name)
    return Binding(network, link, nic)


def find_nic_of(network: Network, links: dict[str, Link], present: Present) -> Nic | None:
    """The NIC that a network of the document is on; None when it isn't present, or nothing tells which it is.

    By the MAC of its link; but where that NIC hasn't the described address and another one has it, by the address.
    """
    link = links.get(network.link)
    by_mac = find_nic(link, links, present, network.address) if link else None
    if by_mac is not None and _has(by_mac, network.address):
        return by_mac
    held = _holder(network, by_mac, present, links)
    return held or (_upper(by_mac, network, present.nics) if by_mac is not None else None)


def _holder(network: Network, by_mac: Nic | None, present: Present, links: dict[str, Link]) -> Nic | None:
    """The NIC that has a network's described address, where its MAC's has not: a bridge with a MAC of its own over it.

    Its MAC may have been changed, too, or two links have one, or there is no link. A NIC that another link describes is
    that one's, unless the MAC's NIC is a port of it.
    """
    having = [nic for nic in present.with_address(network.address) if leads_somewhere(nic)]
    if not having:
        return None
    over = masters(by_mac, present.nics) if by_mac is not None else []
    macs = _macs_of_others(network, links)
    return next((nic for nic in having if nic in over or not has_mac(nic, macs)), None)


def _macs_of_others(network: Network, links: dict[str, Link]) -> set[bytes]:
    """Those of the other links; () for a network without a link, which any NIC's may be."""
    if not network.link:
        return set()
    return {link.mac for link in links.values() if link.id != network.link} - {b""}


def _upper(nic: Nic, network: Network, nics: Sequence[Nic]) -> Nic:
    """The bridge, bond or team that a NIC without an address of the family is a port of, where that has one."""
    if not nic.master or _is_addressed(nic, network.family):
        return nic
    return next((one for one in masters(nic, nics) if _is_addressed(one, network.family)), nic)


def _is_addressed(nic: Nic, family: int) -> bool:
    return Binding(None, None, nic, known_family=family).addressed


def _has(nic: Nic, address: Prefix | None) -> bool:
    return address is not None and any(own.address == address.address for own in nic.addresses)


def _named_by_settings_alone(bindings: Sequence[Binding], nics: Sequence[Nic], settings: Settings) -> Iterator[Binding]:
    """NICs that the document doesn't describe and `gateways` names, once for each entry about them."""
    from .binding.settings_gateways import SettingsGateways

    bound = {binding.nic.ifindex for binding in bindings if binding.nic}
    others = [nic for nic in nics if nic.ifindex not in bound and not is_ignored(nic, settings.ignore_nics)]
    known = SettingsGateways(settings.gateways, bindings, Eligible(bindings, nics))
    bare = [Binding(None, None, nic, known_family=family) for nic in others for family in (4, 6)]
    for one in bare:
        for entry in known.about_nic(one):
            yield one._replace(gateway=entry.gateway, evidence=entry, offers="settings")


# ---- which NIC ----------------------------------------------------------------------------------------


def find_nic(link: Link, links: dict[str, Link], present: Present, address: Prefix | None = None) -> Nic | None:
    """The NIC that a link of the document describes, or None when it isn't present.

    Args:
        address: the network's address there; of several devices with the MAC the one that has it is meant.
    """
    if link.vlan_id is not None:
        return _find_vlan(link, links, present, address)
    macs = macs_of_link(link, links)
    found = present.with_mac(macs)
    bonds = [nic for nic in found if nic.kind in BONDS and nic.mac in macs]
    if link.kind == "bond" and bonds:
        return _best(bonds, address)
    return _best([nic for nic in found if nic.vlan_id is None], address)


def macs_of_link(link: Link, links: dict[str, Link]) -> set[bytes]:
    """The MACs that a link's NIC may have: its own, and those of a bond's members; InfiniBand's also as six bytes."""
    macs = [link.mac, *(links[member].mac for member in link.bond_links if member in links)]
    return {*macs, *map(infiniband_mac, macs)} - {b""}


def _find_vlan(link: Link, links: dict[str, Link], present: Present, address: Prefix | None) -> Nic | None:
    """A VLAN device on the NIC that `vlan_link` means, else any with the id and MAC, else a plain NIC with the MAC."""
    parent = find_nic(links[link.vlan_link], links, present) if _stands_on(link, links) else None
    found = _vlans(link, parent, present.nics)
    if found:
        return _best(found, address)
    plain = [nic for nic in present.with_mac({link.mac}) if nic.mac == link.mac and not nic.kind]
    return _best([nic for nic in plain if nic != parent], address)


def _vlans(link: Link, parent: Nic | None, nics: Sequence[Nic]) -> list[Nic]:
    """VLAN devices with the link's id: those on its parent, else those with its MAC."""
    vlans = [nic for nic in nics if nic.vlan_id == link.vlan_id]
    on_parent = [nic for nic in vlans if parent is not None and nic.parent == parent.ifindex]
    return on_parent or [nic for nic in vlans if link.mac and nic.mac == link.mac]


def _stands_on(link: Link, links: dict[str, Link]) -> bool:
    """Whether vlan_link names another link that is no VLAN itself (a document may name the link itself)."""
    return link.vlan_link in links and links[link.vlan_link].vlan_id is None


def macs_of(nic: Nic) -> set[bytes]:
    """The MACs that a document may know a NIC by: its permanent one, the one that it has, InfiniBand's six bytes."""
    return {nic.permanent_mac, nic.mac, infiniband_mac(nic.mac)} - {b""}


def has_mac(nic: Nic, macs: set[bytes]) -> bool:
    return not macs.isdisjoint(macs_of(nic))


def has_own_address(nic: Nic) -> bool:
    """Whether it has an address that is not link-local, nor made up by itself."""
    return any(not (is_link_local(own.address) or is_self_assigned(own)) for own in nic.addresses)


def _best(found: Sequence[Nic], address: Prefix | None) -> Nic | None:
    """Of devices with one MAC: the one with the network's address, else one with an address that is not link-local,
    else one that is no port of another; of equals the first."""

    def rank(nic: Nic) -> tuple[bool, bool, bool, int]:
        return not _has(nic, address), not has_own_address(nic), bool(nic.master), nic.ifindex

    return min(found, key=rank, default=None)
