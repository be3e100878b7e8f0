"""What each network's gateway is, by which evidence, and whether that offers a default route (R2, R4). Pure.

A default entry is a host route to 0.0.0.0/0 or ::/0: its next hop names a NIC. It is the network's own gateway where
it lies in a prefix of that network, or in nobody's (a /32 with a gateway outside). Else it names another NIC, and is
never this one's gateway. It is the gateway of the network in whose prefix it lies, where nothing else speaks of that.
"""

from __future__ import annotations

from ..model.decision import Binding
from ..model.namedtuple import NamedTuple
from ..model.network import Prefix, contains, family_of, is_link_local, is_self_assigned
from .elect import in_order
from .eligible import Eligible
from .offers import (
    by_precedence,
    default_entries,
    default_offers,
    defaults_on_link,
    present_defaults,
    with_leased_routes,
)
from .subnets import Subnets

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Collection, Literal, Sequence

    from ..model.evidence import Evidence, GatewayEvidence
    from ..model.network import Address, Nic
    from ..model.network_data import HostRoute
    from ..model.settings import Settings
    from .binding.settings_gateways import SettingsGateways
    from .offers import Entry


class _Neighbours(NamedTuple):
    """What tells a network's own gateway from another's."""

    subnets: Subnets
    documented: Subnets
    """Those of the document alone."""
    nics: Sequence[Nic]
    """Those whose prefixes can be another network's: described, or at least no device that was made in the instance."""
    eligible: Eligible
    claimed: Collection[Address]
    """What networks with a single address list as the next hop of a default."""

    def is_own(self, gateway: Address, binding: Binding) -> bool:
        """Whether a gateway lies in a prefix of this network, or else in no network's and no NIC's.

        The document needn't describe a NIC's subnet.
        """
        return self.is_inside(gateway, binding) or self.is_outside(gateway, binding)

    def is_inside(self, gateway: Address, binding: Binding) -> bool:
        """In the network's prefix as described; else in one that its NIC has, and that isn't described for another.

        A link-local address is, also where the NIC has none of its own.
        """
        if self.is_refused(gateway, binding):
            return False
        if is_link_local(gateway):
            return True
        if not any(contains(subnet, gateway) for subnet in binding.subnets):
            return False
        if binding.documented_subnet is not None and contains(binding.documented_subnet, gateway):
            return True
        other = self.documented.home(gateway)
        return other is None or all(one.nic in (None, binding.nic) for one in other[1])

    def is_outside(self, gateway: Address, binding: Binding) -> bool:
        """In no subnet at all; nor of a network with a single address, whose gateway is always outside, before others.

        A network with a larger subnet has its own gateway in it.
        """
        if self.is_refused(gateway, binding) or (gateway in self.claimed and not _is_single(binding)):
            return False
        prefixes = (one for nic in self.nics for one in nic.prefixes if not is_self_assigned(one))
        on_a_nic = any(contains(prefix, gateway) for prefix in prefixes)
        return not on_a_nic and self.subnets.home(gateway) is None

    def is_refused(self, gateway: Address, binding: Binding) -> bool:
        """Whether no router can have the address (R12)."""
        return self.eligible.refusal(gateway, binding) is not None


def with_gateways(
    bindings: Sequence[Binding], evidence: Evidence, settings: Settings
) -> tuple[list[Binding], list[HostRoute]]:
    """Each network with its gateway by the best evidence; and the default entries that name another NIC."""
    bindings = with_leased_routes(bindings, evidence)
    subnets, documented = Subnets(bindings), Subnets(bindings, documented=True)
    eligible = Eligible(bindings, evidence.kernel.nics)
    nics, claimed = _neighbouring_nics(bindings, evidence), _claimed_alone(bindings, evidence)
    neighbours = _Neighbours(subnets, documented, nics, eligible, claimed)
    present = present_defaults(evidence, settings)
    offers, on_link = default_offers(evidence, present), defaults_on_link(evidence, present)
    entered = _entered(bindings, settings, eligible)
    found: list[Binding] = []
    every: list[Sequence[GatewayEvidence]] = []
    elsewhere: list[Entry] = []
    for binding in bindings:
        entries = default_entries(binding, evidence)
        own = _own(entries, binding, neighbours) if entries else None
        elsewhere += [one for one in entries if own is None or one.route.next_hop != own.route.next_hop]
        # A copy of another network's default through this NIC says nothing of its gateway.
        offered = _offered(binding, offers, neighbours)
        rank = _rank(next(iter(offered), None), binding, evidence)
        if not offered and binding.nic is not None and (binding.nic.ifindex, binding.family) in on_link:
            binding = binding._replace(offers=rank)
        found.append(_with_gateway(binding, own, offered, rank, entered))
        every.append(offered or ())  # One value for the many without.
    elsewhere = in_order(elsewhere)
    found = _named_by_others(bindings, found, by_precedence(elsewhere, evidence, settings), neighbours)
    return _with_further(found, every, entered), [one.route for one in elsewhere]


def _claimed_alone(bindings: Sequence[Binding], evidence: Evidence) -> set[Address]:
    """What networks with a single address list as the next hop of a default."""
    singles = (one for one in bindings if _is_single(one))
    return {entry.route.next_hop for one in singles for entry in default_entries(one, evidence)}


def _is_single(binding: Binding) -> bool:
    """Whether a network has an address without a subnet, as Calico gives them: the document's, else the NIC's."""
    subnets = [binding.documented_subnet] if binding.documented_subnet is not None else binding.subnets
    own = [one for one in subnets if family_of(one.address) == binding.family and not is_link_local(one.address)]
    return bool(own) and all(one.length == 8 * len(one.address) for one in own)


def _entered(bindings: Sequence[Binding], settings: Settings, eligible: Eligible) -> SettingsGateways | None:
    """The entries of `gateways`; None where there are none."""
    if not settings.gateways:
        return None
    from .binding.settings_gateways import SettingsGateways

    return SettingsGateways(settings.gateways, bindings, eligible)


def _with_further(
    bindings: list[Binding], offered: Sequence[Sequence[GatewayEvidence]], entered: SettingsGateways | None
) -> list[Binding]:
    """The bindings, and behind them those of further gateways, where anything names one."""
    pairs = zip(bindings, offered)
    if entered is None and not any(_is_another(offer, one) for one, offers in pairs for offer in offers):
        return bindings
    from .binding.further_gateways import further_gateways

    return [*bindings, *further_gateways(bindings, offered, entered)]


def _named_by_others(
    bindings: Sequence[Binding], found: list[Binding], elsewhere: Sequence[Entry], neighbours: _Neighbours
) -> list[Binding]:
    """The same networks, with a gateway by another network's default entry where nothing else speaks of one.

    A network that lists routes needs none: each next hop in its subnet leads through its NIC (R3). Of several entries
    for one subnet the first one counts.
    """
    places = {id(binding): place for place, binding in enumerate(bindings)} if elsewhere else {}
    settled: set[Prefix] = set()
    for entry in elsewhere:
        gateway = entry.route.next_hop
        home = neighbours.subnets.home(gateway)
        if home is None or home[0] in settled or neighbours.is_refused(gateway, home[1][0]):
            continue
        settled.add(home[0])
        there = [places[id(one)] for one in home[1]]
        if all(_is_unspoken_of(found[place]) for place in there):
            found[there[0]] = found[there[0]]._replace(gateway=gateway, evidence=entry.evidence, offers="")
    return found


def _is_unspoken_of(binding: Binding) -> bool:
    """Whether a network has no gateway by any evidence, and no routes in the document."""
    return binding.gateway is None and binding.network is not None and not binding.network.lists_routes


def _neighbouring_nics(bindings: Sequence[Binding], evidence: Evidence) -> tuple[Nic, ...]:
    """Those that the document has a network on, or a link for; and all that are no device made in the instance."""
    bound = {one.nic.ifindex for one in bindings if one.nic is not None}
    macs = {link.mac for link in evidence.data.links} - {b""}
    return tuple(
        nic for nic in evidence.kernel.nics
        if not nic.kind or nic.ifindex in bound or not macs.isdisjoint((nic.mac, nic.permanent_mac))
    )  # fmt: skip


def _own(entries: Sequence[Entry], binding: Binding, neighbours: _Neighbours) -> Entry | None:
    """The default entry that means the network itself: in a prefix of its own, else in no network's and no NIC's."""
    inside = (one for one in entries if neighbours.is_inside(one.route.next_hop, binding))
    outside = (one for one in entries if neighbours.is_outside(one.route.next_hop, binding))
    return next(inside, None) or next(outside, None)


def _is_another(offer: GatewayEvidence, binding: Binding) -> bool:
    """Whether a default route names another gateway than a network has; an advertised router may have any address."""
    return offer.gateway not in (binding.gateway, binding.gateway_in_force) and not is_link_local(offer.gateway)


def _with_gateway(
    binding: Binding,
    own: Entry | None,
    offered: Sequence[GatewayEvidence],
    rank: Literal["documented", "undocumented"],
    entered: SettingsGateways | None,
) -> Binding:
    """R2's evidence, best first. A gateway of the settings corrects one that is known, and moves no default.

    Args:
        offered: by default routes through the NIC, best first.
        rank: of the first of them.
        entered: the entries of `gateways`.
    """
    offer = next(iter(offered), None)
    if own is not None:
        binding = binding._replace(metric=own.metric)
    setting = entered.of(binding, _gateway_of(own, offer)) if entered is not None else None
    if setting is not None:
        offers = "documented" if own is not None else rank if offer is not None else binding.offers or "settings"
        return binding._replace(gateway=setting.gateway, evidence=setting, offers=offers)
    if own is not None:
        binding = binding._replace(gateway=own.route.next_hop, evidence=own.evidence, offers="documented")
        return _as_renumbered(binding, offered, entered) if binding.renumbered else binding
    if offer is None:
        return binding
    return binding._replace(gateway=offer.gateway, evidence=offer, offers=rank)


def _gateway_of(own: Entry | None, offer: GatewayEvidence | None) -> Address | None:
    """A network's gateway without the settings."""
    if own is not None:
        return own.route.next_hop
    return offer.gateway if offer is not None else None


def _as_renumbered(binding: Binding, offered: Sequence[GatewayEvidence], entered: SettingsGateways | None) -> Binding:
    """A network whose NIC has other addresses now, with the gateway that goes with them, where one is known."""
    offer = next((one for one in offered if _is_in_force(one, binding)), None)
    entries = entered.about_nic(binding) if entered is not None else ()
    setting = next((one for one in entries if _is_in_force(one, binding)), None)
    if setting is not None and offer is not None:
        setting = setting._replace(nic=offer.nic)
    return binding._replace(instead=setting or offer)


def _is_in_force(offer: GatewayEvidence, binding: Binding) -> bool:
    """Whether the NIC has other addresses than the document says, and this default goes with them.

    The documented gateway would be made on link, which only a router that answers for every address makes work.
    """
    there = binding.renumbered
    return bool(there) and (is_link_local(offer.gateway) or any(contains(one, offer.gateway) for one in there))


def _rank(offer: GatewayEvidence | None, binding: Binding, evidence: Evidence) -> Literal["documented", "undocumented"]:
    """The kernel's word is the network's own where that is left to routers (slaac), or nothing else speaks of it."""
    network = binding.network
    advertised = offer is not None and offer.kind == "advertised" and network is not None and network.dynamic
    return "documented" if advertised or _omitted_everywhere(binding, evidence) else "undocumented"


def _omitted_everywhere(binding: Binding, evidence: Evidence) -> bool:
    """Whether neither the document nor a lease speaks of an IPv4 network's routes; IPv6's are left to routers."""
    network, nic = binding.network, binding.nic
    if network is None or nic is None or network.family == 6 or not network.omits_routes:
        return False
    return evidence.leases is None or evidence.leases.of(nic.ifindex) is None


def _offered(binding: Binding, offers: Sequence[GatewayEvidence], neighbours: _Neighbours) -> list[GatewayEvidence]:
    """The default routes through the network's NIC by gateways that can be its own, best first."""
    name = binding.nic.name if binding.nic else ""
    own = (offer for offer in offers if offer.nic == name and family_of(offer.gateway) == binding.family)
    return [offer for offer in own if neighbours.is_own(offer.gateway, binding)]
