"""Which NIC each network of the document is on, and that NIC's gateway with the evidence for it (R2). Pure.

NICs are found by MAC, never by order or name. A MAC may stand on several devices at once (a bridge over a NIC,
a VLAN on it, a bond of it): the VLAN id, the bond's members and the network's own address tell them apart.
"""

from __future__ import annotations

from .document import Link, Network, NetworkData, special_kind
from .model import PROTOCOL_RA, Address, Nic, Prefix, Route, address_text, contains, is_link_local, mac_text, network_of
from .policy import GatewaySetting, Selector, Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple, Sequence

    from .lease import Lease, Told
else:
    from .values import NamedTuple


class Binding(NamedTuple):
    """One network of the document (or a NIC that only the settings speak of), its NIC and its gateway."""

    network: Network | None
    link: Link | None
    nic: Nic | None
    """None: no NIC with that MAC is present, or `ignore_nics` covers it."""
    gateway: Address | None = None
    evidence: str = ""
    """Where the gateway is known from: a place in the document or settings, a lease, or the kernel's own route."""
    ignored: str = ""
    """The NIC's name, when `ignore_nics` covers it."""

    @property
    def label(self) -> str:
        """What to call it: the NIC's name where there is one, else its MAC."""
        if self.nic is not None:
            return self.nic.name
        if self.ignored or self.link is None:
            return self.ignored or (f"networks[{self.network.index}]" if self.network else "?")
        return f"the NIC with MAC {mac_text(self.link.mac)}"

    @property
    def family(self) -> int:
        """4 or 6."""
        if self.network is not None:
            return self.network.family
        return 4 if self.gateway is not None and len(self.gateway) == 4 else 6

    @property
    def addressed(self) -> bool:
        """Whether the NIC has an address of the family, so that packets through it have one to come from."""
        own = self.nic.addresses if self.nic else ()
        return any((4 if len(a.address) == 4 else 6) == self.family and not is_link_local(a.address) for a in own)

    def is_usable(self, unaddressed: bool = False) -> bool:
        """Whether routes can lead through the NIC: it is present and up, and has an address unless that may come."""
        return self.nic is not None and self.nic.up and (unaddressed or self.addressed)

    @property
    def subnets(self) -> tuple[Prefix, ...]:
        """The network's subnet as described, and those the NIC really has."""
        described = [network_of(self.network.address)] if self.network and self.network.address else []
        present = [network_of(address) for address in self.nic.addresses] if self.nic else []
        return tuple(dict.fromkeys([*described, *present]))

    def chosen_by(self, selector: Selector) -> bool:
        """Whether the selector means this one."""
        if selector.mac:
            return selector.mac in ((self.nic.mac if self.nic else b""), (self.link.mac if self.link else b""))
        if selector.network:
            return self.network is not None and selector.network in (self.network.id, self.network.network_id)
        if selector.subnet is not None:
            return network_of(selector.subnet) in self.subnets
        return self.nic is not None and self.nic.name == selector.nic


def bind(
    data: NetworkData,
    nics: Sequence[Nic],
    settings: Settings,
    defaults: Sequence[Route] = (),
    recorded: Sequence[Route] = (),
    told: Told | None = None,
) -> tuple[Binding, ...]:
    """A binding for each network, in document order; behind them NICs that only `gateways` speaks of."""
    links = {link.id: link for link in data.links}
    bindings: list[Binding] = []
    for network in data.networks:
        link = links.get(network.link)
        nic = find_nic(link, links, nics, network.address) if link else None
        ignored = ""
        if nic is not None and is_ignored(nic, settings.ignore_nics):
            ignored, nic = nic.name, None
        binding = Binding(network, link, nic, ignored=ignored)
        bindings.append(_with_gateway(binding, settings, defaults, recorded, told))
    bound = {binding.nic.ifindex for binding in bindings if binding.nic}
    for setting in settings.gateways:
        for nic in nics:
            alone = Binding(None, None, nic, setting.gateway, setting.place)
            if (
                nic.ifindex not in bound
                and alone.chosen_by(setting.selector)
                and not is_ignored(nic, settings.ignore_nics)
            ):
                bindings.append(alone)
    return tuple(bindings)


def find_nic(link: Link, links: dict[str, Link], nics: Sequence[Nic], address: Prefix | None = None) -> Nic | None:
    """The NIC that a link of the document describes, or None when it isn't present.

    Args:
        address: the network's address there; of several devices with the MAC the one that has it is meant.
    """
    if link.vlan_id is not None:
        parent = find_nic(links[link.vlan_link], links, nics) if _stands_on(link, links) else None
        vlans = [n for n in nics if n.vlan_id == link.vlan_id and (n.mac == link.mac or _on(n, parent))]
        on_parent = [nic for nic in vlans if _on(nic, parent)]
        if vlans:
            return (on_parent or vlans)[0]
        nics = [nic for nic in nics if parent is None or nic.ifindex != parent.ifindex]
        return _best([n for n in nics if n.mac == link.mac and not n.kind], address)
    macs = {link.mac, *(links[member].mac for member in link.bond_links if member in links)} - {b""}
    if link.kind == "bond":
        bonds = [nic for nic in nics if nic.kind in ("bond", "team") and nic.mac in macs]
        if bonds:
            return bonds[0]
    found = [n for n in nics if (n.permanent_mac in macs or n.mac in macs) and n.vlan_id is None]
    return _best(found, address)


def _stands_on(link: Link, links: dict[str, Link]) -> bool:
    """Whether vlan_link names another link that is no VLAN itself (a document may name the link itself)."""
    return link.vlan_link in links and links[link.vlan_link].vlan_id is None


def _on(nic: Nic, parent: Nic | None) -> bool:
    return parent is not None and nic.parent == parent.ifindex


def _best(found: Sequence[Nic], address: Prefix | None) -> Nic | None:
    """Of devices with one MAC: the one with the network's address, then no port of another, then the first."""

    def rank(nic: Nic) -> tuple[bool, bool, int]:
        has_it = address is not None and any(own.address == address.address for own in nic.addresses)
        return not has_it, bool(nic.master) and not nic.addresses, nic.ifindex

    return min(found, key=rank, default=None)


def _with_gateway(
    binding: Binding, settings: Settings, defaults: Sequence[Route], recorded: Sequence[Route], told: Told | None
) -> Binding:
    """R2's evidence, best first."""
    family = binding.family
    for setting in settings.gateways:
        if (4 if len(setting.gateway) == 4 else 6) == family and _means(setting, binding):
            return binding._replace(gateway=setting.gateway, evidence=setting.place)
    if binding.network is not None and binding.network.gateway is not None:
        return binding._replace(gateway=binding.network.gateway, evidence=binding.network.gateway_place)
    if binding.nic is None:
        return binding
    lease = told.of(binding.nic.ifindex) if told and family == 4 else None
    leased = _leased(lease, binding.nic) if lease and told else None
    if leased is not None:
        ended = " (which has expired)" if told and lease and lease.expired(told.now) else ""
        return binding._replace(gateway=leased[0], evidence=leased[1] + ended)
    for routes, words in ((defaults, "the kernel's default route"), (recorded, "a default route taken away earlier")):
        # An advertised router is the subnet's own word; another default may be anybody's.
        for route in sorted(routes, key=lambda route: (route.protocol != PROTOCOL_RA, route.metric)):
            for gateway, ifindex in [
                (route.gateway, route.ifindex),
                *((leg.gateway, leg.ifindex) for leg in route.legs),
            ]:
                if ifindex == binding.nic.ifindex and gateway and (4 if len(gateway) == 4 else 6) == family:
                    advertised = route.protocol == PROTOCOL_RA and routes is defaults
                    said = f"the router advertised on {binding.nic.name}" if advertised else words
                    evidence = f"{said}: default via {address_text(gateway)} dev {binding.nic.name}"
                    return binding._replace(gateway=gateway, evidence=evidence)
    return binding


def _leased(lease: Lease, nic: Nic) -> tuple[Address, str] | None:
    """The router of a lease, unless it can't be one."""
    router = lease.router
    if router is None or special_kind(Prefix(router[0], 32)) or any(own.address == router[0] for own in nic.addresses):
        return None
    return router


def _means(setting: GatewaySetting, binding: Binding) -> bool:
    """Whether an entry of `gateways` is about this network: its NIC, and its subnet where that can be told."""
    if not binding.chosen_by(setting.selector):
        return False
    subnet = binding.network.address if binding.network else None
    other = [a for a in (binding.nic.addresses if binding.nic else ()) if contains(a, setting.gateway)]
    return subnet is None or contains(subnet, setting.gateway) or not other


def is_ignored(nic: Nic, patterns: Sequence[str]) -> bool:
    """Whether `ignore_nics` covers a NIC."""
    if not patterns:
        return False
    from fnmatch import fnmatchcase

    return any(fnmatchcase(nic.name, pattern) for pattern in patterns)
