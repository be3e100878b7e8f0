"""What says a gateway (R2): default entries, and default routes of other programs, in the kernel or recorded. Pure."""

from __future__ import annotations

from ..model.evidence import GatewayEvidence
from ..model.namedtuple import NamedTuple
from ..model.network import DEFAULT_PREFIX, PROTOCOL_RA, UNICAST, Prefix
from ..model.network_data import LEASES, HostRoute, default_route, special_kind
from .compare import defaults_of, next_hops, preference, routers_first
from .ownership import is_ours

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Container, Sequence

    from ..model.decision import Binding
    from ..model.evidence import Evidence, GatewayKind
    from ..model.lease import Lease
    from ..model.network import Nic, Route
    from ..model.settings import Settings


class Entry(NamedTuple):
    """A default entry of a network, of its NIC's lease, of the settings or of the property."""

    route: HostRoute
    evidence: GatewayEvidence
    metric: int | None = None
    """The document's; others have none."""


def default_entries(binding: Binding, evidence: Evidence) -> list[Entry]:
    """The default entries of a network in the document; where that omits the network's routes, of its NIC's lease."""
    network = binding.network
    if network is None:
        return []
    entries = [
        Entry(default_route(network, one), GatewayEvidence("document", one.place), one.metric)
        for one in network.defaults
    ]
    if entries or binding.nic is None or network.family == 6 or not network.omits_routes:
        return entries
    lease = evidence.leases.of(binding.nic.ifindex) if evidence.leases else None
    return _leased(lease, binding.nic, evidence) if lease else []


def _leased(lease: Lease, nic: Nic, evidence: Evidence) -> list[Entry]:
    """The routers of a lease that can be some."""
    now = evidence.leases.now if evidence.leases else 0.0
    # A server that names the client's own address means that everything is on link: no gateway is refused then.
    own = {address.address for address in nic.addresses}
    found = []
    for one in lease.default_routers:
        if not special_kind(Prefix(one.gateway, 32)) and one.gateway not in own:
            known = GatewayEvidence(
                "lease", lease=lease, option=one.option, index=one.index, expired=lease.expired(now)
            )
            source = lease.option_place(one.option)
            found.append(Entry(HostRoute(DEFAULT_PREFIX[4], one.gateway, source, LEASES, one.index), known))
    return found


def with_leased_routes(bindings: Sequence[Binding], evidence: Evidence) -> Sequence[Binding]:
    """The same networks; where the document omits the routes of one, it lists some if its NIC's lease does (R3)."""
    leases = evidence.leases
    if leases is None:
        return bindings
    listing = {one.ifindex for one in leases.leases if one.lists_routes and not one.expired(leases.now)}
    return [_listing_routes(one) if _is_leased(one, listing) else one for one in bindings]


def _is_leased(binding: Binding, ifindexes: Container[int]) -> bool:
    """Whether the document leaves a network's routes to the lease of one of these NICs."""
    network, nic = binding.network, binding.nic
    omitted = network is not None and network.family == 4 and network.omits_routes
    return omitted and nic is not None and nic.ifindex in ifindexes


def _listing_routes(binding: Binding) -> Binding:
    network = binding.network
    return binding._replace(network=network._replace(lists_routes=True)) if network is not None else binding


def by_precedence(entries: Sequence[Entry], evidence: Evidence, settings: Settings) -> list[Entry]:
    """These of the document and its leases, with those of the settings and the property, in the order of `sources`."""
    found: list[Entry] = []
    kinds: dict[str, tuple[GatewayKind, Sequence[HostRoute]]] = {
        "settings": ("settings", settings.routes),
        "properties": ("property", evidence.properties),
    }
    for source in settings.precedence:
        kind, routes = kinds.get(source, ("document", ()))
        found += entries if source == "metadata" else ()
        found += [Entry(one, GatewayEvidence(kind, one.place)) for one in routes if not one.destination.length]
    return found if "metadata" in settings.precedence else [*found, *entries]


def default_offers(evidence: Evidence, present: Sequence[Route]) -> list[GatewayEvidence]:
    """What the kernel's default routes, and recorded ones, say of gateways, best first; ours say nothing.

    An advertised router is the subnet's own word; another default may be anybody's. Of recorded ones the last counts
    first: it was the evidence when it was taken.

    Args:
        present: other programs' default routes, as present_defaults has them.
    """
    names = {nic.ifindex: nic.name for nic in evidence.kernel.nics}
    sources: tuple[tuple[GatewayKind, Sequence[Route]], ...] = (
        ("kernel", sorted(present, key=routers_first)),
        ("recorded", _recorded_defaults(evidence)),
    )
    offers = []
    for kind, routes in sources:
        for route in routes:
            found_in: GatewayKind = "advertised" if kind == "kernel" and route.protocol == PROTOCOL_RA else kind
            for gateway, ifindex in next_hops(route):
                if gateway and len(gateway) == len(route.destination.address):
                    offers.append(GatewayEvidence(found_in, gateway=gateway, nic=names.get(ifindex, "")))
    return offers


def defaults_on_link(evidence: Evidence, present: Sequence[Route]) -> set[tuple[int, int]]:
    """The ifindexes and families of these defaults without a gateway of their family, and of recorded ones."""
    return {
        (ifindex, route.family)
        for route in (*present, *_recorded_defaults(evidence)) if route.kind == UNICAST
        for gateway, ifindex in next_hops(route) if gateway is None or len(gateway) != len(route.destination.address)
    }  # fmt: skip


def nics_in_use(evidence: Evidence, family: int) -> list[int]:
    """The ifindexes that a family's defaults lead through, ours too, in the order in which the kernel uses them."""
    defaults = (one for one in evidence.kernel.routes if one.destination.is_default and one.family == family)
    used = sorted((one for one in defaults if one.kind == UNICAST and not one.tos), key=preference)
    return [ifindex for route in used for _, ifindex in next_hops(route)]


def present_defaults(evidence: Evidence, settings: Settings) -> list[Route]:
    """Other programs' default routes, with those that default_mode demote has left a copy of."""
    defaults = defaults_of(evidence.kernel.routes)
    foreign = [route for route in defaults if not is_ours(route, settings)]
    if settings.default_mode != "demote":
        return foreign
    copied = {hop for route in defaults if is_ours(route, settings) for hop in next_hops(route)}
    return foreign + [route for route in _recorded_defaults(evidence) if copied.issuperset(next_hops(route))]


def _recorded_defaults(evidence: Evidence) -> list[Route]:
    """Recorded copies of host routes (R20) say nothing of gateways."""
    return [route for route in evidence.recorded_defaults if route.destination.is_default]
