"""Which network's subnet an address is in: the longest prefix, found without looking at every network. Pure.

And which of several networks of a subnet tells most of its gateway.
"""

from __future__ import annotations

from ..model.evidence import BY_DEFAULTS
from ..model.network import (
    MAIN_TABLE,
    PROTOCOL_KERNEL,
    PROTOCOL_RA,
    UNICAST,
    Prefix,
    contains,
    family_of,
    is_link_local,
    network_of,
)
from .compare import to_any

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterable, Iterator, Sequence

    from ..model.decision import Binding
    from ..model.network import Address, KernelState, Nic, Route


class Subnets:
    """The subnets of all networks: as described, and as their NICs have them. Link-local ones are everybody's: none.

    Only those of a network's own family count: a NIC's IPv4 network is not the home of an IPv6 next hop. A subnet that
    the document has for a NIC which is there is no other NIC's that has an address in it.

    Args:
        documented: only those that the document describes count.
    """

    def __init__(self, bindings: Sequence[Binding], documented: bool = False) -> None:
        self._bindings: dict[Prefix, list[Binding]] = {}
        self._telling: dict[Prefix, Sequence[Binding]] = {}
        """By subnet, once somebody asks."""
        for binding in bindings:
            for subnet in _subnets_of(binding, documented):
                self._bindings.setdefault(subnet, []).append(binding)
        for subnet, found in self._bindings.items():
            self._bindings[subnet] = [one for one in found if one.nic and one.documented_subnet == subnet] or found
        self._lengths = {
            family: sorted({p.length for p in self._bindings if family_of(p.address) == family}, reverse=True)
            for family in (4, 6)
        }

    def home(self, address: Address) -> tuple[Prefix, list[Binding]] | None:
        """The longest subnet that an address is in, and the networks that have it, in document order."""
        for length in self._lengths[family_of(address)]:
            subnet = network_of(Prefix(address, length))
            found = self._bindings.get(subnet)
            if found is not None:
                return subnet, found
        return None

    def telling(self, subnet: Prefix) -> Sequence[Binding]:
        """Those of the networks in a subnet that tell most of its gateway: found once for all next hops in it."""
        if subnet not in self._telling:
            self._telling[subnet] = telling(subnet, self._bindings[subnet])
        return self._telling[subnet]


def _subnets_of(binding: Binding, documented: bool) -> list[Prefix]:
    """Those of a network that can be a next hop's."""
    subnets = filter(None, (binding.documented_subnet,)) if documented else binding.subnets
    return [one for one in subnets if family_of(one.address) == binding.family and not is_link_local(one.address)]


def telling(subnet: Prefix, homes: Sequence[Binding]) -> Sequence[Binding]:
    """Those of the networks in a subnet that tell most of its gateway, networks of the document before others."""
    documented = [one for one in homes if one.network is not None]
    named = list(filter(is_gateway_named, with_gateway_in(subnet, homes)))
    inside = named or list(with_gateway_in(subnet, documented))
    documented = documented or list(homes)
    private = [one for one in documented if _is_private(one)]
    return inside or private or [one for one in documented if one.gateway is not None] or documented


def with_gateway_in(subnet: Prefix, bindings: Iterable[Binding]) -> Iterator[Binding]:
    """Those whose gateway is in a subnet."""
    known = ((one, one.gateway_in_force) for one in bindings)
    return (one for one, gateway in known if gateway is not None and contains(subnet, gateway))


def is_unknown(home: Binding, subnet: Prefix) -> bool:
    """Whether no gateway is known in a subnet of a network's NIC: the network's own may be in another one."""
    gateway = home.gateway_in_force
    if gateway is None:
        return True
    if subnet == home.documented_subnet or is_link_local(subnet.address):
        return False
    return any(contains(one, gateway) for one in home.subnets if one != subnet)


def _is_private(home: Binding) -> bool:
    """Whether the document leaves a network to a lease with host routes and no router: its subnet is the lease's."""
    network = home.network
    return network is not None and network.address is None and network.lists_routes and home.gateway is None


def is_gateway_named(home: Binding) -> bool:
    """Whether a network's gateway is known by other than default routes in the kernel, present or recorded."""
    return home.evidence is not None and home.evidence.kind not in BY_DEFAULTS


def on_link(nic: Nic) -> tuple[Prefix, ...]:
    """The prefixes of a NIC that a route on link leads to, so that the kernel takes gateways in them."""
    return tuple(one for one in nic.prefixes if one not in nic.unrouted)


def is_before_main(state: KernelState, family: int, table: int) -> bool:
    """Whether another table is looked up before main, which has the routes to the NICs' prefixes.

    IPv6 looks for gateways so, and what a rule leaves out by its length counts there all the same.
    Source: Linux, ip6_route_check_nh and fib6_rule_suppress.
    """
    if table == MAIN_TABLE:
        return False
    own = [rule for rule in state.rules if rule.family == family]
    tables = [rule.table for rule in own if rule.plain or (rule.suppresses >= 0 and rule.among is None)]
    return next((one for one in tables if one in (table, MAIN_TABLE)), MAIN_TABLE) != MAIN_TABLE


def with_unrouted(state: KernelState) -> KernelState:
    """The same snapshot of main, where each NIC has those of its addresses to whose subnet no route on link leads.

    The kernel makes that route with the address, but not with `noprefixroute`; and anybody may delete it.
    """
    coming = [(nic.ifindex, own) for nic in state.nics for own in _routed_by_kernel(nic, state.nics)]
    there = _routes_on_link(state, {network_of(own) for _, own in coming})
    left = [(ifindex, own) for ifindex, own in coming if (ifindex, network_of(own)) not in there]
    if not left:
        return state
    nics = (nic._replace(unrouted=tuple(own for at, own in left if at == nic.ifindex)) for nic in state.nics)
    return state._replace(nics=tuple(nics))


def _routes_on_link(state: KernelState, subnets: set[Prefix]) -> set[tuple[int, Prefix]]:
    """The NICs with routes on link to these, and which: without a step of Python for each of many others."""
    near = (one for one in to_any(subnets, state.routes) if one.gateway is None)
    return {(one.ifindex, one.destination) for one in near if one.kind == UNICAST and not one.nexthops}


def _routed_by_kernel(nic: Nic, nics: Sequence[Nic]) -> Iterator[Prefix]:
    """The addresses that come with a route in main: not those of a VRF's ports, nor while the NIC is down."""
    if not nic.up or (nic.master and any(one.ifindex == nic.master and one.kind == "vrf" for one in nics)):
        return
    for own in nic.addresses:
        if own.length < 8 * len(own.address) and not is_link_local(own.address):
            yield own


def is_connected(route: Route, nics: Sequence[Nic]) -> bool:
    """Whether a route is a subnet's on its NIC: the kernel made it, of an address or a router's, or it is within one.

    A VPN's route without a gateway, 0.0.0.0/1 on a tunnel say, is none.
    """
    if route.kind != UNICAST or route.gateway is not None or route.nexthops:
        return False
    subnets = (own for nic in nics if nic.ifindex == route.ifindex for own in nic.addresses)
    within = any(own.length <= route.destination.length and contains(own, route.destination.address) for own in subnets)
    return within or route.protocol in (PROTOCOL_KERNEL, PROTOCOL_RA)
