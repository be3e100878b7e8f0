"""What each NIC is to have, for whoever configures it by other means than the kernel's table. Pure."""

from __future__ import annotations

from itertools import islice

from ..model.decision import Elected, Resolved
from ..model.namedtuple import NamedTuple
from ..model.network import Address, Nic, Prefix, Route, contains, family_of, is_link_local
from ..model.plan import Decision
from ..model.settings import Settings
from .compare import next_hops
from .next_hops import needs_onlink

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterator, Sequence

    from ..model.source_routing import NicTable


class GatewayRoute(NamedTuple):
    """One route through the NIC it stands under."""

    destination: Prefix
    gateway: Address
    onlink: bool = False
    metric: int = 0
    """The settings' metric; 0: they leave it to whoever programs the route."""

    @property
    def family(self) -> int:
        """4 or 6."""
        return 4 if len(self.gateway) == 4 else 6


class NicRoutes(NamedTuple):
    """One NIC of the document, its addresses, and the routes that are to leave by it."""

    nic: Nic
    addresses: tuple[Prefix, ...]
    """Its static addresses, as the document says them; and those of further subnets that its routes need."""
    dynamic: tuple[int, ...]
    """Families that DHCP or router advertisements configure."""
    advertised: bool
    """Router advertisements are what its IPv6 address comes from, or where a DHCPv6 client learns its router."""
    default: tuple[GatewayRoute, ...]
    """The elected default routes, at most one a family. Where none is elected, the kernel's own, which stays, unless
    DHCP or a router makes it."""
    barred: tuple[int, ...]
    """Families whose default route is another NIC's (R4)."""
    routes: tuple[GatewayRoute, ...]
    """Host routes."""
    by_source: tuple[NicTable, ...] = ()
    """Its tables and rules of source routing (R21)."""


def nic_routes(decision: Decision, settings: Settings) -> tuple[NicRoutes, ...]:
    """Each NIC that the document describes and that is present, in document order.

    Only `default_mode: enforce` bars a NIC from a default route.
    """
    found: dict[int, NicRoutes] = {}
    elected = [one for one in decision.elections if isinstance(one, Elected)]
    for binding in decision.resolution.bindings:
        network, nic = binding.network, binding.nic
        if network is None or nic is None:
            continue
        one = found.get(nic.ifindex) or _begun(nic, elected, decision.resolution.resolved, settings)
        if network.dynamic:
            families = tuple(sorted({*one.dynamic, network.family}))
            one = one._replace(dynamic=families, advertised=one.advertised or network.family == 6)
        elif network.address is not None and network.address not in one.addresses:
            one = one._replace(addresses=(*one.addresses, network.address))
        found[nic.ifindex] = one
    return tuple(_completed(one, decision) for one in found.values())


def _completed(one: NicRoutes, decision: Decision) -> NicRoutes:
    """With what depends on all of a NIC's networks."""
    one = one._replace(default=(*one.default, *_left(one, decision)))
    return one._replace(addresses=_with_further(one), by_source=_by_source(one.nic, decision))


def _left(one: NicRoutes, decision: Decision) -> Iterator[GatewayRoute]:
    """The first default through a NIC of each family that has none elected (R4): without it the NIC would have none."""
    for planned in decision.plan.defaults:
        found = (route for route in _through(one.nic, planned.staying) if route.family == planned.family)
        if planned.family not in one.dynamic:
            yield from islice(found, 1)


def _through(nic: Nic, routes: Sequence[Route]) -> Iterator[GatewayRoute]:
    """What leads through a NIC by a gateway, the best metric first."""
    for route in sorted(routes, key=lambda route: route.metric):
        for gateway, ifindex in next_hops(route):
            if ifindex == nic.ifindex and gateway is not None:
                yield GatewayRoute(route.destination, gateway, needs_onlink(nic, gateway), route.metric)


def _with_further(one: NicRoutes) -> tuple[Prefix, ...]:
    """The addresses, and those that the NIC has in further subnets, where only these have a gateway of its routes.

    Not those of a family that DHCP configures, or that end.
    """
    static = {family_of(own.address) for own in one.addresses} - {*one.dynamic}
    further = [own for own in one.nic.addresses if own not in (*one.nic.limited, *one.addresses)]
    gateways = [route.gateway for route in (*one.default, *one.routes)] if further else []
    lacking = [gateway for gateway in gateways if not (is_link_local(gateway) or _is_in_one(gateway, one.addresses))]
    return (*one.addresses, *(own for own in further if family_of(own.address) in static and _has_one(own, lacking)))


def _is_in_one(address: Address, prefixes: Sequence[Prefix]) -> bool:
    return any(contains(one, address) for one in prefixes)


def _has_one(prefix: Prefix, addresses: Sequence[Address]) -> bool:
    return any(contains(prefix, one) for one in addresses)


def _by_source(nic: Nic, decision: Decision) -> tuple[NicTable, ...]:
    """A NIC's tables of source routing."""
    plan = decision.source_routing
    return tuple(one for one in plan.tables if one.nic.ifindex == nic.ifindex) if plan is not None else ()


def _begun(nic: Nic, elected: Sequence[Elected], resolved: Sequence[Resolved], settings: Settings) -> NicRoutes:
    """A NIC's routes, still without its addresses."""
    defaults = tuple(
        GatewayRoute(Prefix(bytes(len(one.gateway)), 0), one.gateway, one.onlink, settings.metric)
        for one in elected if one.nic.ifindex == nic.ifindex
    )  # fmt: skip
    others = tuple(one.family for one in elected if one.nic.ifindex != nic.ifindex)
    routes = tuple(
        GatewayRoute(one.host.destination, one.next_hop.gateway, one.next_hop.onlink, settings.metric)
        for one in resolved if one.next_hop.nic.ifindex == nic.ifindex
    )  # fmt: skip
    return NicRoutes(nic, (), (), False, defaults, others if settings.default_mode == "enforce" else (), routes)
