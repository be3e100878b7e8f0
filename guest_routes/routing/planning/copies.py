"""Copies of host routes through the wrong NIC (R20). Pure.

Neutron lists a host route under any subnet; a DHCP client or network manager of that subnet's NIC makes a route of it
through that NIC, and one on link to the next hop, which is in no prefix of the NIC:

    11.8.0.1 dev eth0 proto dhcp scope link
    11.11.0.0/16 via 11.8.0.1 dev eth0 proto dhcp

They carry traffic to the gateway, and to the destination once ours is away, by a NIC where nobody answers.
"""

from __future__ import annotations

from ...model.network import PROTOCOL_DHCP, UNICAST, Prefix, contains, network_of
from ..compare import to_any
from ..ownership import others_of
from .deletions import is_deleted_for

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterator, Mapping, Sequence

    from ...model.decision import Resolved
    from ...model.lease import LeaseSet
    from ...model.network import Address, KernelState, Nic, Route
    from ...model.settings import Settings

    Copies = Mapping[Route, Resolved]


def copies(
    resolved: Sequence[Resolved],
    state: KernelState,
    managed: frozenset[int],
    leases: LeaseSet | None,
    settings: Settings,
) -> Copies:
    """Each copy, in the order in which they can be removed, and the host route that it is a copy of.

    Args:
        managed: ifindexes of the NICs that the metadata describes; routes through others are nobody's copies.
        leases: of NICs that may have copies; a route of protocol dhcp is known without.
    """
    nics = {nic.ifindex: nic for nic in state.nics}
    found = {
        route: one for route, one in _suspects(resolved, state, settings)
        if _has_form(route, one, managed) and _is_copy(route, one, nics[route.ifindex], leases)
    }  # fmt: skip
    for route in _undeletable(found, state):
        del found[route]
    # The kernel lets a route through a gateway stay without the one to the gateway, not the other way round.
    return dict(sorted(found.items(), key=lambda item: item[0].gateway is None))


def _suspects(resolved: Sequence[Resolved], state: KernelState, settings: Settings) -> Iterator[tuple[Route, Resolved]]:
    """Other programs' routes to a host route's destination, or on link to its next hop. Of many routes few are so."""
    hosts = {one.host.destination: one for one in resolved}
    hops = {Prefix(one.host.next_hop, 8 * len(one.host.next_hop)): one for one in reversed(resolved)}
    for route in to_any(hosts.keys() | hops.keys(), others_of(state.routes, settings)):
        one = (hosts if route.gateway else hops).get(route.destination)
        if one is not None:
            yield route, one


def _undeletable(found: Mapping[Route, Resolved], state: KernelState) -> list[Route]:
    """Those in whose place the kernel would delete a route that stays (R17)."""
    near: dict[Prefix, list[Route]] = {}
    for route in to_any({route.destination for route in found}, state.routes):
        near.setdefault(route.destination, []).append(route)
    staying = {destination: [one for one in there if one not in found] for destination, there in near.items()}
    return [one for one in found if is_deleted_for(staying[one.destination], one, near[one.destination])]


def _has_form(route: Route, one: Resolved, managed: frozenset[int]) -> bool:
    """Whether it is a plain route to the host route's next hop, or through it."""
    plain = route.kind == UNICAST and not route.nexthops and not route.tos and route.ifindex in managed
    return plain and route.gateway in (None, one.host.next_hop)


def _target(route: Route) -> Address:
    """The address that an on-link route of whole length leads to."""
    return route.destination.address


def _is_copy(route: Route, one: Resolved, nic: Nic, leases: LeaseSet | None) -> bool:
    """Whether it leads through a NIC that can't reach the host route's next hop, and a DHCP client has made it."""
    next_hop = one.host.next_hop
    if one.next_hop.nic.ifindex == nic.ifindex or nic.name in one.next_hop.shared_with:
        return False
    if any(contains(own, next_hop) for own in nic.prefixes):
        return False
    return route.protocol == PROTOCOL_DHCP or any(_is_listed(route, *entry) for entry in _listed(nic, leases))


def _listed(nic: Nic, leases: LeaseSet | None) -> Iterator[tuple[Prefix, Address]]:
    """Destination and next hop of each host route in the NIC's lease."""
    lease = leases.of(nic.ifindex) if leases is not None else None
    for option in (lease.classless, lease.microsoft) if lease is not None else ():
        for route in option.routes if option is not None else ():
            yield route.destination, route.next_hop


def _is_listed(route: Route, destination: Prefix, next_hop: Address) -> bool:
    if route.gateway is None:
        return next_hop == _target(route)
    return (network_of(destination), next_hop) == (route.destination, route.gateway)
