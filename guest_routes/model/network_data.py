"""What a network_data.json says, as values. Frozen; no behaviour beyond formatting.

Source: OpenStack Nova, doc/api_schemas/network_data.json.
"""

from __future__ import annotations

from .namedtuple import NamedTuple
from .network import DEFAULT_PREFIX, IPV6_DEFAULT_METRIC, Address, Prefix, address_text, is_link_local

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

NETWORK_DATA = "network_data.json"
"""The `source` of a document's own host routes."""
METADATA_SERVICE = Prefix(bytes((169, 254, 169, 254)), 32)
"""Neutron lists a route to it by its own DHCP port, which is no gateway. Source: Neutron, dhcp agent's host routes."""
SETTINGS, PROPERTIES, LEASES = -1, -2, -3
"""A HostRoute's `network` where no network of the document lists it."""


class Problem(NamedTuple):
    """One thing wrong or odd in a document.

    `refused` tells a route that is not programmed because of it (exit code 5) from a mere note.
    """

    place: str
    text: str
    refused: bool = False
    destination: Prefix | None = None
    """Of a refused route; None: it can't be read, and may be any."""
    next_hop: Address | None = None
    """The same."""

    def __str__(self) -> str:
        return f"{self.place}: {self.text}"


STANDS_ON_OTHERS = ("bond", "vlan")
"""Types of links that may have the MAC of what they stand on."""


class Link(NamedTuple):
    """An entry of `links`: a NIC as OpenStack describes it."""

    index: int  # type: ignore[assignment]  # the document's word; tuple.index is of no use here
    id: str
    kind: str
    """OpenStack's `type`: phy, tap, ovs, vif, bond, vlan, ... ("" when absent)."""
    mac: bytes
    bond_links: tuple[str, ...] = ()
    vlan_id: int | None = None
    vlan_link: str = ""
    doubled: bool = False
    """Another link, with another MAC, has its id."""


def doubled_macs(links: tuple[Link, ...]) -> frozenset[bytes]:
    """The MACs of several links of which none stands on another, as VLANs and bonds do, which may share one."""
    macs: set[bytes] = set()
    doubled: set[bytes] = set()
    members = {member for link in links for member in link.bond_links}
    for link in links:
        if link.kind in STANDS_ON_OTHERS or link.id in members or not link.mac:
            continue
        (doubled if link.mac in macs else macs).add(link.mac)
    return frozenset(doubled)


class DefaultEntry(NamedTuple):
    """A default route that a network lists: of its own gateway, or of another NIC's (R2)."""

    gateway: Address
    place: str
    """`networks[0].routes[1]`, `networks[0].gateway`"""
    index: int = -1  # type: ignore[assignment]  # tuple.index is of no use here
    """Among its routes; -1 for the key `gateway`."""
    metric: int = 0
    """Its own, else its network's, else `unset_metric`."""


class Network(NamedTuple):
    """An entry of `networks`: one subnet of one port, of one family."""

    index: int  # type: ignore[assignment]  # the document's word; tuple.index is of no use here
    id: str
    link: str
    """The `id` of its Link."""
    kind: str
    """OpenStack's `type`: ipv4, ipv6_slaac, ..."""
    family: int
    address: Prefix | None = None
    """The NIC's own address with the subnet's length."""
    defaults: tuple[DefaultEntry, ...] = ()
    """Its default entries, those of the best metric first, else in document order, its `gateway` key last; each address
    once."""
    lists_routes: bool = False
    """It has an entry in `routes`, or the lease that stands for them has one."""
    lacks_default: str = ""
    """The place of the first entry, or of all of them, that is refused and may have been its default, where it has no
    other: `networks[0].routes[1].netmask`."""
    network_id: str = ""
    omits_routes: bool = False
    """Nova left everything out, as it does for subnets with DHCP (27.3 and later)."""
    dynamic: bool = False
    """Its `type` leaves address or routes to DHCP or router advertisements."""


def unset_metric(family: int) -> int:
    """What the kernel takes where a route has no metric."""
    return IPV6_DEFAULT_METRIC if family == 6 else 0


def default_route(network: Network, entry: DefaultEntry) -> HostRoute:
    """A default entry as the host route to 0.0.0.0/0 or ::/0 that it is."""
    return HostRoute(DEFAULT_PREFIX[network.family], entry.gateway, NETWORK_DATA, network.index, entry.index)


class HostRoute(NamedTuple):
    """A host route as written: `destination,nexthop`, and where it stands (R15)."""

    destination: Prefix
    next_hop: Address
    source: str
    """What it was read from: "network_data.json", a settings file, "meta_data.json", or a lease and its option."""
    network: int
    """Index of the network that lists it; else SETTINGS, PROPERTIES or LEASES."""
    index: int  # type: ignore[assignment]  # the document's word; tuple.index is of no use here

    @property
    def place(self) -> str:
        """`networks[0].routes[1]`, `routes[0] of /etc/guest-routes.yaml`, `eth0's DHCP lease (...), option 121[1]`."""
        if self.network >= 0:
            return f"networks[{self.network}]." + (f"routes[{self.index}]" if self.index >= 0 else "gateway")
        if self.network == LEASES:
            return f"{self.source}[{self.index}]"
        return f"{'meta.guest_' if self.network == PROPERTIES else ''}routes[{self.index}] of {self.source}"

    @property
    def origin(self) -> str:
        """Which source it comes from: settings, properties, metadata or leases."""
        return ("metadata", "leases", "properties", "settings")[min(self.network, 0)]

    def __str__(self) -> str:
        return f"{self.destination},{address_text(self.next_hop)}"


class NetworkData(NamedTuple):
    """A parsed network_data.json, in document order."""

    links: tuple[Link, ...] = ()
    networks: tuple[Network, ...] = ()
    routes: tuple[HostRoute, ...] = ()
    problems: tuple[Problem, ...] = ()


def special_kind(prefix: Prefix) -> str:
    """Why no host route can lead to a prefix, or no gateway be an address (R12); "" when one can.

    Source: the special-purpose registries of RFC 6890; RFC 4291 for IPv6.
    """
    return _special_ipv4(prefix) if len(prefix.address) == 4 else _special_ipv6(prefix)


def end_of(subnet: Prefix, address: Address) -> Literal["network", "broadcast"] | None:
    """Which end of an IPv4 subnet an address is; no router has either. None for IPv6, 31 and 32 bits (RFC 3021).

    Linux takes the first one for a host's, and refuses the last one as a gateway.
    Source: Neutron, check_gateway_invalid_in_subnet.
    """
    if len(address) != 4 or len(subnet.address) != 4 or subnet.length > 30:
        return None
    hosts = (1 << 32 - subnet.length) - 1
    number = int.from_bytes(address, "big")
    if number == int.from_bytes(subnet.address, "big") & ~hosts:
        return "network"
    return "broadcast" if number == int.from_bytes(subnet.address, "big") | hosts else None


def _special_ipv4(prefix: Prefix) -> str:
    first = prefix.address[0]
    if first == 0:
        return "unspecified" if prefix.length >= 8 else ""  # 0.0.0.0/1 is half of the Internet
    if first == 127:
        return "loopback"
    return "multicast" if 224 <= first < 240 else "reserved" if first >= 240 else ""


def _special_ipv6(prefix: Prefix) -> str:
    address = prefix.address
    if address[0] == 0xFF:
        return "multicast"
    if prefix.length == 128 and address[:15] == bytes(15) and address[15] < 2:
        return "loopback" if address[15] else "unspecified"
    return "link-local" if prefix.length >= 10 and is_link_local(address) else ""


def infiniband_mac(address: bytes) -> bytes:
    """The six bytes that OpenStack gives for an InfiniBand port of twenty: its GUID without ff:fe in the middle.

    Source: cloud-init, cloudinit/net, get_ib_hwaddrs_by_interface.
    """
    return address[12:15] + address[17:20] if len(address) == 20 else b""
