"""The choice between leases, their host routes, and the document that replaces a missing one. Pure.

Source: RFC 2132, section 3.5 (router, option 3); RFC 3442 (classless static routes, option 121); Microsoft's
[MS-DHCPE], section 2.2.8 (option 249, of the same form).
"""

from __future__ import annotations

from ..json_codec import dumps
from ..model.lease import NOWHERE, Lease, LeaseRoute, LeaseSet
from ..model.network import Nic, Prefix, address_text, network_of
from ..model.network_data import LEASES, METADATA_SERVICE, HostRoute, Problem, special_kind

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Sequence


def choose(found: Sequence[Lease], nics: Sequence[Nic], now: float, booted: float = 0.0) -> LeaseSet:
    """Each NIC's newest lease.

    A lease whose address the NIC doesn't have isn't its own: it was captured with the image, or has ended.

    Args:
        now, booted: the present time and that of this boot, in seconds since the epoch, by the clock as it is now.
    """
    leases = []
    for nic in nics:
        own = {address.address for address in nic.addresses}
        mine = [lease for lease in found if _belongs_to(lease, nic) and lease.address in own]
        newest = max(mine, key=lambda lease: _age_rank(lease, now, booted), default=None)
        if newest is not None:
            newest = _with_believable_times(newest, nic, now, booted)
            leases.append(newest._replace(nic=nic.name, ifindex=nic.ifindex, mac=nic.mac))
    problems = [problem for lease in leases for problem in _faults(lease)]
    return LeaseSet(tuple(leases), tuple(problems), now)


def _age_rank(lease: Lease, now: float, booted: float) -> tuple[float, float]:
    """What orders a NIC's leases although the clock may have been set since they were written: greater is newer.

    A time to come was written before the clock was set back. Of files of this boot it, or a time before the boot,
    counts as that of the boot: what was written with the present clock is newer. Other files may be of any boot.
    """
    if lease.of_this_boot:
        return lease.obtained if booted <= lease.obtained <= now else booted, lease.obtained
    return lease.obtained if lease.obtained <= now else 0.0, lease.obtained


def _with_believable_times(lease: Lease, nic: Nic, now: float, booted: float) -> Lease:
    """The lease with times that the present clock allows.

    The kernel takes the address of most clients' leases away at their end: while it is there, they hold.
    """
    obtained = min(max(lease.obtained, booted) if lease.of_this_boot else lease.obtained, now)
    expires = None if lease.expires is None else lease.expires - lease.obtained + obtained
    limited = any(address.address == lease.address for address in nic.limited)
    return lease._replace(obtained=obtained, expires=None if limited and (expires or now) < now else expires)


def _belongs_to(lease: Lease, nic: Nic) -> bool:
    if lease.ifindex:
        return lease.ifindex == nic.ifindex
    return lease.mac in (nic.mac, nic.permanent_mac) if lease.mac else lease.nic == nic.name


def host_routes(lease: Lease) -> tuple[list[HostRoute], list[Problem]]:
    """The host routes of a lease, whichever NIC they leave by; and notes on entries that are none."""
    routes: list[HostRoute] = []
    notes: list[Problem] = []
    seen: set[LeaseRoute] = set()
    for option, number in ((lease.classless, 121), (lease.microsoft, 249)):
        source = lease.option_place(number)
        for index, route in enumerate(option.routes if option else ()):
            destination = network_of(route.destination)
            if route in seen or destination.is_default:
                continue
            seen.add(route)
            place = f"{source}[{index}]"
            if destination != route.destination:
                notes.append(Problem(place, f"host bits masked off: {route.destination} is {destination}"))
            kind = special_kind(destination)
            unusable = special_kind(Prefix(route.next_hop, 32))
            if route.next_hop == NOWHERE:
                notes.append(Problem(place, f"{destination} on link: the DHCP client's own, not ours"))
            elif destination == METADATA_SERVICE:
                notes.append(Problem(place, f"{destination}, the metadata service: left to the DHCP client"))
            elif kind:
                notes.append(Problem(place, f"refused: {destination} is {kind}, no destination for a host route"))
            elif unusable:
                notes.append(Problem(place, f"refused: {address_text(route.next_hop)} can't be a gateway"))
            else:
                routes.append(HostRoute(destination, route.next_hop, source, LEASES, index))
    return routes, notes


def _faults(lease: Lease) -> list[Problem]:
    faults = [(121, lease.classless), (249, lease.microsoft)]
    return [
        Problem(lease.option_place(number), f"{option.fault}; what follows is not read")
        for number, option in faults
        if option is not None and option.fault is not None
    ]


def document_of(leases: Sequence[Lease], nics: Sequence[Nic]) -> bytes:
    """A network_data.json of the NICs with a lease, for where there is none; like Nova's for DHCP, it has no routes."""
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
    return dumps({"links": list(links.values()), "networks": networks, "services": []}).encode()
