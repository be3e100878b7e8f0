"""What is decided of the evidence, as values: networks on NICs, next hops resolved, defaults elected.

No words here: kinds and what they are about. output/words/reasons.py makes sentences of them.
"""

from __future__ import annotations

from .namedtuple import NamedTuple
from .network import Address, Nic, Prefix, contains, family_of, is_link_local, is_self_assigned, network_of
from .network_data import HostRoute, Link, Network

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal, TypeAlias

    from .evidence import Contradiction, GatewayEvidence
    from .settings import GatewaySetting, Selector


class Binding(NamedTuple):
    """One network of the document (or a NIC that only the settings name), its NIC and its gateway."""

    network: Network | None
    link: Link | None
    nic: Nic | None
    """None: it isn't present, nothing tells which it is, or `ignore_nics` covers it."""
    gateway: Address | None = None
    evidence: GatewayEvidence | None = None
    """Where the gateway is known from; None where there is none."""
    offers: Literal["", "documented", "undocumented", "settings"] = ""
    """Whether the gateway may have the default route: documented (by the network, a lease, or a router's own word for a
    network that is left to it); undocumented: the kernel's own or a recorded one, where nothing is documented in the
    family; settings: `gateways` alone, where there is nothing of this. Without a gateway: the kernel's own default
    through the NIC has none (`default dev eth0`), or one of the other family."""
    ignored: str = ""
    """The NIC's name, when `ignore_nics` covers it."""
    contradiction: Contradiction | None = None
    """Why `nic` is None although a NIC has the link's MAC."""
    known_family: int = 0
    """Of a NIC whose networks are all of the other family."""
    metric: int | None = None
    """Of the document's default entry for it: of such networks the one with the best comes first (R4)."""
    instead: GatewayEvidence | None = None
    """What names the gateway in place of the documented one, where the NIC has been renumbered since."""

    @property
    def is_identified(self) -> bool:
        """Whether the document tells which NIC is meant, present or not."""
        return self.link is not None and self.contradiction is None

    @property
    def family(self) -> int:
        """4 or 6."""
        known = self.network.family if self.network is not None else self.known_family
        return known or (4 if self.gateway is not None and len(self.gateway) == 4 else 6)

    @property
    def addressed(self) -> bool:
        """Whether the NIC has an address of the family, so that packets through it have one to come from."""
        return bool(self.own_addresses)

    @property
    def renumbered(self) -> tuple[Prefix, ...]:
        """The NIC's addresses of the family, where none of them is in the subnet that the document describes.

        () where that is a single address, or the gateway is outside it: nothing follows then.
        """
        subnet, gateway = self.documented_subnet, self.gateway or b""
        if not self.is_off_subnet or subnet is None or (gateway and not contains(subnet, gateway)):
            return ()
        return self.own_addresses if self.network is not None and subnet != self.network.address else ()

    @property
    def is_off_subnet(self) -> bool:
        """Whether the document has an address, and the NIC none in its subnet; also where it has none at all."""
        subnet, documented = self.documented_subnet, self.network.address if self.network is not None else None
        if subnet is None or documented is None or self.nic is None:
            return False
        own = self.own_addresses
        return not any(contains(subnet, one.address) or contains(one, documented.address) for one in own)

    @property
    def gateway_in_force(self) -> Address | None:
        """The gateway that routes lead by."""
        return self.instead.gateway if self.instead is not None else self.gateway

    @property
    def is_in_place(self) -> bool:
        """Whether the NIC's addresses go with the documented gateway, or with a default used in place of it.

        A default without a gateway goes with any; an entry of `gateways` that corrects none moves none.
        """
        if self.instead is not None:
            return self.instead.kind != "settings" or bool(self.instead.nic)
        return self.addressed and (self.gateway is None or not self.renumbered)

    @property
    def own_addresses(self) -> tuple[Prefix, ...]:
        """The NIC's addresses of the family that are not link-local."""
        return tuple(a for a in self._present() if family_of(a.address) == self.family and not is_link_local(a.address))

    def _present(self) -> tuple[Prefix, ...]:
        """The NIC's addresses; one that it has given itself only where the network is described with it."""
        documented = self.network.address.address if self.network and self.network.address else b""
        own = self.nic.addresses if self.nic else ()
        return tuple(one for one in own if not is_self_assigned(one) or one.address == documented)

    def is_usable(self, unaddressed: bool = False) -> bool:
        """Whether routes can lead through the NIC: it is present and up, and has an address unless that may come."""
        return self.nic is not None and self.nic.up and (unaddressed or self.addressed)

    @property
    def documented_subnet(self) -> Prefix | None:
        """The network's subnet as the document has it."""
        return network_of(self.network.address) if self.network and self.network.address else None

    @property
    def subnets(self) -> tuple[Prefix, ...]:
        """The network's subnet as documented, and those that the NIC really has."""
        documented = tuple(filter(None, (self.documented_subnet,)))
        present = (*self._present(), *self.nic.peers) if self.nic is not None else ()
        return tuple(dict.fromkeys((*documented, *map(network_of, present)))) if present else documented

    def chosen_by(self, selector: Selector) -> bool:
        """Whether the selector means this one."""
        if selector.mac:
            return selector.mac in ((self.nic.mac if self.nic else b""), (self.link.mac if self.link else b""))
        if selector.network:
            return self.network is not None and selector.network in (self.network.id, self.network.network_id)
        if selector.subnet is not None:
            return network_of(selector.subnet) in self.subnets
        return self.nic is not None and self.nic.name == selector.nic


# ---- host routes --------------------------------------------------------------------------------------


NextHopRule: TypeAlias = "Literal['gateway', 'on-link', 'no-gateway', 'link-local-gateway', 'as-listed']"


class ResolvedNextHop(NamedTuple):
    """A NIC and the gateway through it that a next hop stands for; shared by all routes with that next hop."""

    nic: Nic
    gateway: Address
    evidence: GatewayEvidence | None = None
    """Why it is the NIC's gateway; None where it is not known to be."""
    rule: NextHopRule = "gateway"
    """on-link: `next_hops: on-link`; no-gateway: the document has routes and no gateway for the NIC's network (R3);
    link-local-gateway: the gateway is known by its link-local address only, and this is a global one in its subnet
    (R3); as-listed: the metadata service by a port that serves it."""
    subnet: Prefix | None = None
    """The NIC's subnet that it is in, but for gateways."""
    onlink: bool = False
    """R14: it is outside every prefix of the NIC."""
    shared_with: tuple[str, ...] = ()
    """Names of other NICs that have the same gateway address, or where it is no gateway the same subnet."""
    instead: GatewayEvidence | None = None
    """What `gateway` is known from where it isn't the next hop, since the NIC has been renumbered."""


class Resolved(NamedTuple):
    """A host route with its NIC."""

    host: HostRoute
    next_hop: ResolvedNextHop


UnresolvedKind: TypeAlias = (
    "Literal['not-a-gateway', 'no-subnet', 'unknown-gateway', 'absent', 'down', 'no-address', 'refused', "
    "'conflict', 'overridden', 'redundant', 'ignored', 'not-elected']"
)
BY_CHOICE = ("ignored", "overridden", "redundant")
"""Kinds of Unresolved that the settings ask for, or that another host route serves: no reason for exit code 5."""


class Unresolved(NamedTuple):
    """A host route that is not programmed, and why (R3)."""

    host: HostRoute
    kind: UnresolvedKind
    binding: Binding | None = None
    """absent, down, no-address: whose gateway the next hop is; not-a-gateway, unknown-gateway: the NIC whose subnet it
    is in; no-subnet: the same of a NIC that no network is on, or whose gateway it is; ignored: that ignore_nics covers,
    None where ignore_destinations covers the destination; not-elected: the network whose default comes first."""
    subnet: Prefix | None = None
    """not-a-gateway, unknown-gateway, no-subnet: the subnet that the next hop is in, if any."""
    gateways: tuple[Binding, ...] = ()
    """no-subnet: those that have a gateway of the family."""
    unaddressed: tuple[Nic, ...] = ()
    """no-subnet: the machine's own NICs without an address of the family: the next hop may be in the subnet of one."""
    own: Literal["", "next-hop", "address", "subnet", "gateway", "network", "broadcast"] = ""
    """refused: what of the route is this machine's own: an address, a subnet, or the gateway of another NIC (IPv6);
    network, broadcast: the next hop is that address of a subnet."""
    owner: str = ""
    """refused: whose that is, a NIC's name or `networks[0]`; of the last two the subnet. not-elected: the name of the
    NIC that a default entry of the settings or the property names."""
    winner: HostRoute | None = None
    """conflict, overridden: the host route that is used; redundant: that serves the metadata service, too. not-elected:
    the default entry that comes first, where it is no network's own."""
    listing: Binding | None = None
    """not-a-gateway, conflict: the network that lists it, or whose lease does; None where no network does."""


class UnusedGateway(NamedTuple):
    """An entry of `gateways` that names no gateway."""

    setting: GatewaySetting
    kind: Literal["next-hop", "network", "broadcast", "other-subnet", "another-entry", "nothing-fits"]
    """The first three: no router can have the address (R12). other-subnet: it is in another NIC's subnet.
    another-entry: one before it counts. nothing-fits: no NIC and no network is what it is about."""
    owner: str = ""
    """As in Unresolved; other-subnet: the name of that NIC."""


class Override(NamedTuple):
    """A host route that gives way to another of the same destination, with another next hop."""

    host: HostRoute
    chosen: HostRoute


class Note(NamedTuple):
    """Something odd in the host routes that changes nothing."""

    kind: Literal["duplicate", "one-nic"]
    host: HostRoute | None = None
    first: HostRoute | None = None
    """duplicate: the one that says the same."""


class Resolution(NamedTuple):
    """All host routes, each with a NIC or a reason; and the bindings they were resolved by."""

    bindings: tuple[Binding, ...]
    resolved: tuple[Resolved, ...]
    unresolved: tuple[Unresolved, ...]
    defaults: tuple[Resolved, ...] = ()
    """Default entries that name another NIC than that of the network listing them, if one does; best first."""
    notes: tuple[Note, ...] = ()
    overrides: tuple[Override, ...] = ()
    unused_gateways: tuple[UnusedGateway, ...] = ()


# ---- defaults -----------------------------------------------------------------------------------------


class Elected(NamedTuple):
    """The NIC and gateway that the family's default route should have."""

    family: int
    binding: Binding | None
    """The network with this gateway; None where another network's default entry names the NIC."""
    nic: Nic
    gateway: Address
    onlink: bool
    selector: Selector | None = None
    """The settings' choice; None: the first usable network."""
    waiting: tuple[Binding, ...] = ()
    """Networks before it whose NIC has no address yet."""
    named: Resolved | None = None
    """The default entry that names the NIC."""
    by_metric: bool = False
    """Its metric in the document put it before a network that stands before it."""
    in_use: bool = False
    """There is no metadata, and the kernel has a default through the NIC, which put it first."""
    by_leases: bool = False
    """There is no metadata, and leases take its place: no document has the network."""


NotElectedKind: TypeAlias = (
    "Literal['no-gateway', 'on-link', 'unusable', 'contradicted', 'damaged', 'no-network', 'absent', 'down', "
    "'no-address', 'unknown-gateway']"
)


class NotElected(NamedTuple):
    """No default can be chosen, so those of the kernel are left as they are."""

    family: int
    kind: NotElectedKind
    """no-gateway: no network has one. on-link: the kernel's own default through the first NIC has none. unusable:
    none of those that have one can be used. contradicted: the one that comes first is on a NIC that nothing tells.
    damaged: the entry of the default that is there may be one that can't be read. The others: why the settings' choice
    can't be had."""
    selector: Selector | None = None
    binding: Binding | None = None
    """The network that the selector means; on-link, contradicted: that comes first; damaged: of that default."""
    wanted: bool = False
    """The settings ask for one that isn't to be had, though the family has gateways; or a default is documented."""
    bindings: tuple[Binding, ...] = ()
    """unusable: the networks that have a documented default."""
    missed: tuple[Unresolved, ...] = ()
    """unusable: the default entries that name a NIC which can't be found, or can't be used."""
    place: str = ""
    """damaged: where the entry stands."""


Election: TypeAlias = "Elected | NotElected"
