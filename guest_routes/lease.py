"""What a DHCP server told a client on this machine, as values, and what it comes to. Pure.

Source: RFC 2132, section 3.5 (router, option 3); RFC 3442 (classless static routes, option 121); Microsoft's
[MS-DHCPE], section 2.2.8 (option 249, of the same form).
"""

from __future__ import annotations

import json

from .document import LEASES, Complaint, HostRoute, special_kind
from .model import Address, Nic, Prefix, address_text, network_of, parse_address

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple, Sequence
else:
    from .values import NamedTuple

METADATA_SERVICE = Prefix(parse_address("169.254.169.254"), 32)
NOWHERE = bytes(4)
"""0.0.0.0 as a next hop: on link. Source: RFC 3442, "Local Subnet Routes"."""


class LeaseRoute(NamedTuple):
    """One entry of option 121 or 249, as the server wrote it: perhaps with host bits."""

    destination: Prefix
    next_hop: Address


class Option(NamedTuple):
    """Option 121 or 249 as a client kept it."""

    routes: tuple[LeaseRoute, ...]
    fault: str = ""
    """Why what follows these routes can't be read; "" when all was read."""


class Lease(NamedTuple):
    """One lease of one NIC."""

    client: str
    """Who keeps it: "systemd-networkd", "NetworkManager", "dhclient", "dhcpcd", "udhcpc", "cloud-init"."""
    path: str
    address: Address
    """The address leased: it tells whether the lease is the NIC's own, and not of a captured image."""
    nic: str = ""
    """The NIC's name as the client knew it; "" where it is known otherwise."""
    mac: bytes = b""
    ifindex: int = 0
    routers: tuple[Address, ...] = ()
    """Option 3, in the server's order of preference."""
    classless: Option | None = None
    """Option 121; None when the server sent none."""
    microsoft: Option | None = None
    """Option 249."""
    obtained: float = 0.0
    """When it was got or renewed, in seconds since the epoch."""
    expires: float | None = None
    """In seconds since the epoch; None: never, or not known."""

    @property
    def place(self) -> str:
        """`eth0's DHCP lease (systemd-networkd, /run/systemd/netif/leases/2)`, once its NIC is known."""
        return f"{self.nic}'s DHCP lease ({self.client}, {self.path})"

    @property
    def router(self) -> tuple[Address, str] | None:
        """The subnet's gateway and which option says so; None when no option does.

        Option 3 counts only where option 121 is absent, or can't be read to its end (RFC 3442, "DHCP Client Behavior").
        """
        for option, number in ((self.classless, 121), (self.microsoft, 249)):
            if option is None:
                continue
            for index, route in enumerate(option.routes):
                if route.destination.is_default and route.next_hop != NOWHERE:
                    return route.next_hop, f"{self.place}, option {number}[{index}]"
            if number == 121 and not option.fault:
                return None
        return (self.routers[0], f"{self.place}, option 3") if self.routers else None

    @property
    def tells_routes(self) -> bool:
        """Whether the server spoke of host routes at all, so that one that is missing is wanted no more."""
        return any(option is not None and not option.fault for option in (self.classless, self.microsoft))

    def expired(self, now: float) -> bool:
        """Whether it has run out, by this machine's clock."""
        return self.expires is not None and self.expires < now


class Told(NamedTuple):
    """What the leases of this machine come to."""

    leases: tuple[Lease, ...] = ()
    """At most one for each NIC, with the NIC's name and ifindex."""
    complaints: tuple[Complaint, ...] = ()
    """Files that are of no use, and entries that can't be host routes."""
    now: float = 0.0
    """When they were read, in seconds since the epoch."""

    def of(self, ifindex: int) -> Lease | None:
        """A NIC's lease."""
        return next((lease for lease in self.leases if lease.ifindex == ifindex), None)

    @property
    def speaking(self) -> frozenset[int]:
        """ifindexes of NICs whose routes are known from a lease that still holds."""
        return frozenset(one.ifindex for one in self.leases if one.tells_routes and not one.expired(self.now))


def choose(found: Sequence[Lease], nics: Sequence[Nic], now: float) -> Told:
    """Each NIC's newest lease.

    One whose address the NIC doesn't have is none of its own: it was captured with the image, or has long ended.
    """
    leases = []
    for nic in nics:
        own = {address.address for address in nic.addresses}
        mine = [lease for lease in found if _means(lease, nic) and lease.address in own]
        newest = max(mine, key=lambda lease: lease.obtained, default=None)
        if newest is not None:
            leases.append(newest._replace(nic=nic.name, ifindex=nic.ifindex, mac=nic.mac))
    complaints = [complaint for lease in leases for complaint in _faults(lease)]
    return Told(tuple(leases), tuple(complaints), now)


def _means(lease: Lease, nic: Nic) -> bool:
    if lease.ifindex:
        return lease.ifindex == nic.ifindex
    return lease.mac in (nic.mac, nic.permanent_mac) if lease.mac else lease.nic == nic.name


def host_routes(lease: Lease) -> tuple[list[HostRoute], list[Complaint]]:
    """The host routes that a lease delivered, whichever NIC they are for; and notes on entries that are none."""
    routes: list[HostRoute] = []
    notes: list[Complaint] = []
    seen: set[LeaseRoute] = set()
    for option, number in ((lease.classless, 121), (lease.microsoft, 249)):
        source = f"{lease.place}, option {number}"
        for index, route in enumerate(option.routes if option else ()):
            destination = network_of(route.destination)
            if route in seen or destination.is_default:
                continue
            seen.add(route)
            place = f"{source}[{index}]"
            if destination != route.destination:
                notes.append(Complaint(place, f"host bits masked off: {route.destination} is {destination}"))
            kind = special_kind(destination)
            unusable = special_kind(Prefix(route.next_hop, 32))
            if route.next_hop == NOWHERE:
                notes.append(Complaint(place, f"{destination} on link: the DHCP client's own, not ours"))
            elif destination == METADATA_SERVICE:
                notes.append(Complaint(place, f"{destination}, the metadata service: left to the DHCP client"))
            elif kind:
                notes.append(Complaint(place, f"refused: {destination} is {kind}, no destination for a host route"))
            elif unusable:
                notes.append(Complaint(place, f"refused: {address_text(route.next_hop)} can't be a gateway"))
            else:
                routes.append(HostRoute(destination, route.next_hop, source, LEASES, index))
    return routes, notes


def _faults(lease: Lease) -> list[Complaint]:
    faults = [(121, lease.classless), (249, lease.microsoft)]
    return [
        Complaint(f"{lease.place}, option {number}", f"{option.fault}; what follows is not read")
        for number, option in faults
        if option and option.fault
    ]


def document_of(leases: Sequence[Lease], nics: Sequence[Nic]) -> bytes:
    """A network_data.json, silent as Nova's is, that describes the NICs with a lease: for want of any document."""
    by_index = {nic.ifindex: nic for nic in nics}
    links: dict[str, dict[str, object]] = {}
    networks: list[dict[str, object]] = []
    for lease in leases:
        nic = by_index[lease.ifindex]
        link: dict[str, object] = {"id": nic.name, "type": "phy", "ethernet_mac_address": nic.mac.hex(":")}
        parent = by_index.get(nic.parent)
        if nic.vlan_id is not None and parent is not None:
            links.setdefault(
                parent.name, {"id": parent.name, "type": "phy", "ethernet_mac_address": parent.mac.hex(":")}
            )
            link.update(type="vlan", vlan_id=nic.vlan_id, vlan_link=parent.name, vlan_mac_address=nic.mac.hex(":"))
        links[nic.name] = link
        networks.append({"id": nic.name, "link": nic.name, "type": "ipv4_dhcp"})
    return json.dumps({"links": list(links.values()), "networks": networks, "services": []}).encode()
