"""What each NIC is to have, for whoever configures it by other means than the kernel's table. Pure."""

from __future__ import annotations

from ..model.decision import Elected, Resolved
from ..model.namedtuple import NamedTuple
from ..model.network import Address, Nic, Prefix
from ..model.plan import Decision
from ..model.settings import Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Sequence

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
    """Its static addresses, as the document says them."""
    dynamic: tuple[int, ...]
    """Families that DHCP or router advertisements configure."""
    advertised: bool
    """Router advertisements are what its IPv6 address comes from, or where a DHCPv6 client learns its router."""
    default: tuple[GatewayRoute, ...]
    """The elected default routes, at most one a family."""
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
        elif network.address is not None:
            one = one._replace(addresses=(*one.addresses, network.address))
        found[nic.ifindex] = one
    return tuple(one._replace(by_source=_by_source(one.nic, decision)) for one in found.values())


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
