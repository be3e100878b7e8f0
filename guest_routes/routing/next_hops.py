"""What a next hop stands for: a NIC and its gateway, or the reason why none (R2, R3). Pure.

Every next hop is answered once, however many host routes have it, and without looking at every network.
"""

from __future__ import annotations

from ..model.decision import Binding, ResolvedNextHop
from ..model.namedtuple import NamedTuple
from ..model.network import Prefix, contains, family_of, is_link_local, network_of
from ..model.network_data import METADATA_SERVICE
from .eligible import Eligible
from .subnets import Subnets, is_gateway_named, is_unknown, on_link, telling, with_gateway_in

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal, Mapping, Sequence, TypeAlias

    from ..model.decision import NextHopRule, UnresolvedKind
    from ..model.network import Address, Nic
    from ..model.network_data import HostRoute
    from ..model.settings import Settings


NO_LEASES: Mapping[str, Binding] = {}


class Miss(NamedTuple):
    """Why a next hop stands for no NIC: an Unresolved without its host route."""

    kind: UnresolvedKind
    binding: Binding | None = None
    subnet: Prefix | None = None
    gateways: tuple[Binding, ...] = ()
    unaddressed: tuple[Nic, ...] = ()
    own: Literal["", "next-hop", "network", "broadcast"] = ""
    owner: str = ""


Answer: TypeAlias = "ResolvedNextHop | Miss"


class NextHops:
    """The answers for the next hops of one evidence.

    Args:
        nics: all there are; of those that no network is on, the subnets are named and never used.
        unaddressed: NICs serve without an address, too: the network manager is going to give them one.
        leased: the network of the NIC of each lease, by what its host routes have as their source.
    """

    def __init__(
        self, bindings: Sequence[Binding], settings: Settings, nics: Sequence[Nic] = (), unaddressed: bool = False,
        leased: Mapping[str, Binding] = NO_LEASES,
    ) -> None:  # fmt: skip
        self._bindings, self._settings, self._nics, self._unaddressed = bindings, settings, nics, unaddressed
        self._listing, self._leased = _by_index(bindings), leased
        self._subnets = Subnets(bindings)
        self.eligible = Eligible(bindings, nics)
        self._claims: dict[Address, list[Binding]] = {}
        for binding in bindings:
            if binding.gateway:
                self._claims.setdefault(binding.gateway, []).append(binding)
            if binding.instead is not None:
                self._claims.setdefault(binding.instead.gateway, []).append(binding)
        self._shared = {gateway for gateway, claims in self._claims.items() if len(_present(claims)) > 1}
        self._known = {size: tuple(b for b in bindings if b.gateway and len(b.gateway) == size) for size in (4, 16)}
        self._several: dict[Prefix, bool] = {}
        self._answers: dict[tuple[Address, int, int], Answer] = {}
        self._named: dict[tuple[Prefix, int], Binding | None] = {}
        """Of a subnet and a NIC, the network whose gateway is in it, once somebody asks."""
        self._unaddressed_of: dict[int, tuple[Nic, ...]] = {}
        """By family, once somebody asks."""

    def answer(self, host: HostRoute) -> Answer:
        """What a host route's next hop comes to. The listing network matters for next hops that several NICs have."""
        key = (host.next_hop, *self._listed_by(host))
        answer = self._answers.get(key)
        if answer is None:
            answer = self._answers[key] = self._find(host)
        return answer

    def is_for_all(self, host: HostRoute) -> bool:
        """Whether its answer is that of every such host route with the same next hop, whatever network lists it."""
        return not (_is_its_networks(host) or self._is_several(host.next_hop))

    def _is_several(self, next_hop: Address) -> bool:
        """Whether several NICs have it as their gateway, or it is nobody's and they have the subnet that it is in."""
        if next_hop in self._claims:
            return next_hop in self._shared
        found = self._subnets.home(next_hop)
        if found is None:
            return False
        subnet, homes = found
        if subnet not in self._several:
            self._several[subnet] = len(_present(homes)) > 1
        return self._several[subnet]

    def _listed_by(self, host: HostRoute) -> tuple[int, int]:
        """What its answer goes by: the network, or where several NICs have the next hop the NIC alone; else (-1, 0)."""
        if _is_its_networks(host):
            return host.network, 0
        return -1, self._lister(host) if self._is_several(host.next_hop) else 0

    def _lister(self, host: HostRoute) -> int:
        """The ifindex of the NIC whose network or lease lists a host route; 0 for none."""
        listing = self._listing.get(host.network) or self._leased.get(host.source)
        return listing.nic.ifindex if listing is not None and listing.nic is not None else 0

    def ipv6_gateways(self) -> dict[Address, list[Nic]]:
        """The NICs on whose links each gateway is: of bindings, and of the host routes asked about so far."""
        found: dict[Address, list[Nic]] = {}
        bound = [(one.gateway, one.nic) for one in self._bindings]
        answered = [(one.gateway, one.nic) for one in self._answers.values() if isinstance(one, ResolvedNextHop)]
        for gateway, nic in (*bound, *answered):
            if gateway is not None and nic is not None and len(gateway) == 16 and not is_link_local(gateway):
                found.setdefault(gateway, []).append(nic)
        return found

    def _find(self, host: HostRoute) -> Answer:
        claims = self._claims_of(host)
        if not claims:
            return self._no_gateway(host)
        claims = [binding for binding in claims if binding.nic is not None] or claims
        # Not the next best: what another NIC has under the same address may be another router.
        chosen = self._nearest(claims, host)
        return _by_gateway(host.next_hop, chosen, claims) if chosen.is_usable(self._unaddressed) else _unusable(chosen)

    def _claims_of(self, host: HostRoute) -> list[Binding]:
        """The networks whose gateway the next hop is; a link-local one only on the NIC of the network that lists it."""
        claims = self._claims.get(host.next_hop, [])
        if not is_link_local(host.next_hop) or host.network < 0:
            return claims
        nics = _present([one for one in self._bindings if _lists(one, host)])
        return [one for one in claims if _lists(one, host) or (one.nic is not None and one.nic.ifindex in nics)]

    def _nearest(self, found: Sequence[Binding], host: HostRoute) -> Binding:
        """The one on the NIC whose network or lease lists a host route, else the first."""
        ifindex = self._lister(host)
        return next((one for one in found if one.nic is not None and one.nic.ifindex == ifindex), found[0])

    def _no_gateway(self, host: HostRoute) -> Answer:
        """A next hop that is no NIC's gateway (R3)."""
        found = self._home(host)
        if found is None:
            unbound = self._unbound(host)
            return self.nowhere(host.next_hop) if unbound is None else Miss("absent", unbound)
        subnet, home = found
        rule = self._rule(home, host)
        if rule == "gateway" and self._settings.next_hops == "on-link":
            home, rule = self._serving(subnet, home, host), "on-link"
        refusal = self.eligible.refusal(host.next_hop, home)
        if refusal is not None:
            return Miss("refused", own=refusal.own, owner=refusal.owner)
        if rule == "gateway":
            return self._missed(home, subnet)
        if home.nic is None or not home.is_usable(self._unaddressed):
            return _unusable(home)
        onlink = needs_onlink(home.nic, host.next_hop)
        others = self._others(home.nic, subnet) if self._is_several(host.next_hop) else ()
        return ResolvedNextHop(home.nic, host.next_hop, None, rule, subnet, onlink, others)

    def _serving(self, subnet: Prefix, home: Binding, host: HostRoute) -> Binding:
        """Of the networks in a subnet one whose NIC can serve; the one that tells most of it, if that can or none."""
        if home.is_usable(self._unaddressed):
            return home
        found = self._subnets.home(subnet.address)
        able = [one for one in (found[1] if found is not None else ()) if one.is_usable(self._unaddressed)]
        return self._nearest(able, host) if able else home

    def _others(self, nic: Nic, subnet: Prefix) -> tuple[str, ...]:
        """The names of the other NICs that have a subnet."""
        found = self._subnets.home(subnet.address)
        return _names_of_others(found[1] if found is not None else (), nic)

    def _unbound(self, host: HostRoute) -> Binding | None:
        """The network without a link whose default entry this is, where no NIC has its address: its NIC is unknown."""
        if not host.destination.is_default:
            return None
        listing = (one for one in self._bindings if _lists(one, host))
        return next((one for one in listing if one.nic is None and one.link is None and not one.ignored), None)

    def nowhere(self, next_hop: Address) -> Miss:
        """A next hop in no network's subnet; perhaps in that of a NIC without a network."""
        gateways = self._known[len(next_hop)]
        for nic in self._nics:
            own = next((one for one in nic.prefixes if contains(one, next_hop) and not is_link_local(next_hop)), None)
            if own is not None:
                return Miss("no-subnet", Binding(None, None, nic), network_of(own), gateways)
        family = family_of(next_hop)
        if family not in self._unaddressed_of:
            self._unaddressed_of[family] = self._find_unaddressed(family)
        return Miss("no-subnet", gateways=gateways, unaddressed=self._unaddressed_of[family])

    def _find_unaddressed(self, family: int) -> tuple[Nic, ...]:
        """Plain NICs whose subnet of the family no network tells, and that have no address of it (yet)."""
        known = _present([one for one in self._bindings if one.family == family and one.documented_subnet is not None])
        plain = (nic for nic in self._nics if not nic.kind and any(nic.mac) and not nic.master)
        return tuple(nic for nic in plain if nic.ifindex not in known and not _has_address(nic, family))

    def _rule(self, home: Binding, host: HostRoute) -> NextHopRule:
        """By which rule a next hop in a subnet leads through its NIC; "gateway": it would have to be the gateway."""
        if host.destination == METADATA_SERVICE and _lists(home, host):
            return "as-listed"
        # A router that is known by its link-local address only has another in its subnet, too.
        if is_link_local(home.gateway_in_force) and not is_link_local(host.next_hop):
            return "link-local-gateway"
        # A network with routes and without a gateway (Rackspace's and IBM's private ones): nobody names another.
        # A default that somebody has made for a moment, and that is recorded since, names none either.
        if home.network is not None and home.network.lists_routes and not is_gateway_named(home):
            return "no-gateway"
        return "gateway"

    def _home(self, host: HostRoute) -> tuple[Prefix, Binding] | None:
        """The network whose subnet a next hop is in; a link-local one is in that of the network that lists it."""
        if is_link_local(host.next_hop):
            listing = next((b for b in self._bindings if _lists(b, host)), None)
            return (Prefix(host.next_hop[:2] + bytes(14), 10), listing) if listing else None
        found = self._subnets.home(host.next_hop)
        if found is None:
            return None
        subnet, homes = found
        own = [b for b in homes if _lists(b, host)] if host.destination == METADATA_SERVICE else []
        known = telling(subnet, own) if own else self._subnets.telling(subnet)
        return subnet, self._nearest(known, host)

    def _missed(self, home: Binding, subnet: Prefix) -> Miss:
        """A next hop in a subnet that is not its gateway."""
        key = subnet, home.nic.ifindex if home.nic is not None else 0
        if key not in self._named:
            further = self._subnets.home(subnet.address)
            there = (b for b in (further[1] if further is not None else ()) if b.nic == home.nic)
            self._named[key] = next(with_gateway_in(subnet, there), None)
        home = self._named[key] or home
        return Miss("unknown-gateway" if is_unknown(home, subnet) else "not-a-gateway", home, subnet)


def _has_address(nic: Nic, family: int) -> bool:
    return any(family_of(one.address) == family and not is_link_local(one.address) for one in nic.addresses)


def _by_index(bindings: Sequence[Binding]) -> dict[int, Binding]:
    """The networks of the document by their place in it."""
    return {one.network.index: one for one in bindings if one.network is not None}


def _lists(binding: Binding, host: HostRoute) -> bool:
    return binding.network is not None and binding.network.index == host.network


def _present(bindings: Sequence[Binding]) -> set[int]:
    """The ifindexes of their NICs."""
    return {binding.nic.ifindex for binding in bindings if binding.nic}


def _names_of_others(bindings: Sequence[Binding], nic: Nic) -> tuple[str, ...]:
    """Those of their NICs but this one."""
    return tuple(sorted({one.nic.name for one in bindings if one.nic and one.nic.ifindex != nic.ifindex}))


def _is_its_networks(host: HostRoute) -> bool:
    """Whether what its next hop means depends on the network that lists it, wherever else that is a gateway."""
    return host.destination == METADATA_SERVICE or is_link_local(host.next_hop)


def _by_gateway(next_hop: Address, chosen: Binding, claims: Sequence[Binding]) -> ResolvedNextHop:
    """The documented gateway of a NIC that has been renumbered stands for the one in force."""
    nic, gateway, known = chosen.nic, chosen.gateway_in_force, chosen.evidence
    assert nic is not None and gateway is not None
    others = _names_of_others(claims, nic)
    onlink = needs_onlink(nic, gateway)
    if chosen.instead is None or next_hop != gateway:
        return ResolvedNextHop(nic, gateway, known, onlink=onlink, shared_with=others, instead=chosen.instead)
    return ResolvedNextHop(nic, gateway, chosen.instead, onlink=onlink, shared_with=others)


def needs_onlink(nic: Nic, gateway: Address) -> bool:
    """R14: whether no prefix of the NIC leads to the gateway. Link-local ones need none."""
    if is_link_local(gateway):
        return False
    return not any(contains(prefix, gateway) for prefix in on_link(nic))


def _unusable(claim: Binding) -> Miss:
    if claim.nic is None:
        return Miss("ignored" if claim.ignored else "absent", claim)
    return Miss("no-address" if claim.nic.up else "down", claim)
