"""Next hop to NIC (R2, R3, R12-R15). Pure.

A host route belongs to the NIC whose subnet's gateway is its next hop, whichever network lists it. First every
network of the document is bound to the NIC with its MAC, and gets its gateway from the best evidence there is;
then each host route's next hop is looked up among those gateways (next_hops.py). What can't be resolved is a value with
its reason, never an exception. A default entry that names another NIC than its network's is resolved like a host route,
and so is one of the settings or the property.
"""

from __future__ import annotations

from _operator import itemgetter
from itertools import chain, islice, repeat

from ..model.decision import Binding, Note, Override, Resolution, Resolved, ResolvedNextHop, Unresolved
from ..model.network import DEFAULT_PREFIX, Prefix, contains, is_link_local, network_of
from ..model.network_data import METADATA_SERVICE, HostRoute
from .bind import bind
from .next_hops import Miss, NextHops

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterator, Literal, Mapping, Sequence

    from ..model.decision import UnresolvedKind, UnusedGateway
    from ..model.evidence import Evidence
    from ..model.network import Address
    from ..model.settings import Settings
    from .next_hops import Answer


_PIECE = 256
"""So many host routes are taken at once where all are alike."""
_DESTINATION, _NEXT_HOP = itemgetter(0), itemgetter(1)


def resolve(evidence: Evidence, settings: Settings) -> Resolution:
    """Finds each host route's NIC. Of two with the same destination the one of the better source wins (`sources`).

    With `evidence.projected`, NICs serve without an address, too: the network manager is going to give them one.
    """
    bindings, elsewhere = bind(evidence, settings)
    own = _own(evidence)
    leased = _leased(bindings, evidence)
    next_hops = NextHops(bindings, settings, evidence.kernel.nics, evidence.projected, leased)
    taken: dict[Prefix, Resolved] = {}
    unresolved: list[Unresolved] = []
    notes: list[Note] = []
    overrides: list[Override] = []
    usual: dict[Address, ResolvedNextHop] = {}
    special: set[object] = {METADATA_SERVICE, *own}
    for host in _unusual(_in_order(evidence, settings), taken, usual, special):
        answer = next_hops.answer(host)
        reason = _refused(host, own, settings)
        first = taken.get(host.destination)
        if reason is not None:
            unresolved.append(reason)
        elif first is not None:
            _taken_already(host, answer, first, unresolved, notes, overrides)
        elif isinstance(answer, ResolvedNextHop):
            taken[host.destination] = Resolved(host, answer)
            if not settings.ignore_destinations and next_hops.is_for_all(host):
                usual[host.next_hop] = answer
        else:
            unresolved.append(Unresolved(host, *answer))
    listed = _listed_defaults(taken, next_hops, unresolved)
    documented, missed = _named_defaults(elsewhere, bindings, next_hops, own)
    defaults = _by_precedence(listed, documented, settings)
    unresolved.extend(_to_gateways_of_others(taken, next_hops))
    if taken and _on_one_nic(bindings):
        notes.append(Note("one-nic"))  # R13
    named = tuple(_with_listing((*unresolved, *missed), bindings, leased))
    unused = _unused_gateways(bindings, evidence, settings, next_hops)
    return Resolution(bindings, tuple(taken.values()), named, defaults, tuple(notes), tuple(overrides), unused)


def _unusual(
    hosts: Iterator[HostRoute], taken: dict[Prefix, Resolved], usual: Mapping[Address, ResolvedNextHop],
    special: set[object],
) -> Iterator[HostRoute]:  # fmt: skip
    """The host routes that have to be looked at, each in its turn; the others are taken on the way.

    A hundred thousand share a few next hops, and nearly all go to places of their own: most are taken many at a time.

    Args:
        usual: answers that hold for every host route with the next hop, whatever network lists it.
        special: destinations to which not every host route is programmed.
    """
    make = tuple.__new__
    while piece := list(islice(hosts, _PIECE)):
        answers = list(map(usual.get, map(_NEXT_HOP, piece)))
        found = dict(zip(map(_DESTINATION, piece), map(make, repeat(Resolved), zip(piece, answers))))
        if all(answers) and len(found) == len(piece) and special.isdisjoint(found) and taken.keys().isdisjoint(found):
            taken.update(found)
            continue
        for host in piece:
            known = usual.get(host[1])
            if known is None or host[0] in taken or host[0] in special:
                yield host
            else:
                taken[host[0]] = make(Resolved, (host, known))


def _unused_gateways(
    bindings: Sequence[Binding], evidence: Evidence, settings: Settings, next_hops: NextHops
) -> tuple[UnusedGateway, ...]:
    """The entries of `gateways` that name no gateway."""
    if not settings.gateways:
        return ()
    from .binding.settings_gateways import SettingsGateways

    entries = SettingsGateways(settings.gateways, bindings, next_hops.eligible)
    return entries.unused(bindings, evidence.kernel.nics)


def _taken_already(
    host: HostRoute,
    answer: Answer,
    first: Resolved,
    unresolved: list[Unresolved],
    notes: list[Note],
    overrides: list[Override],
) -> None:
    """What becomes of a host route to a destination that another one has already."""
    if _repeats(host, answer, first):
        notes.append(Note("duplicate", host, first.host))
    elif _serves_too(host, answer, first):
        unresolved.append(Unresolved(host, "redundant", winner=first.host))
    else:
        overrides.append(Override(host, first.host))
        unresolved.append(Unresolved(host, _losing_kind(host, first.host), winner=first.host))


def _repeats(host: HostRoute, answer: Answer, first: Resolved) -> bool:
    """Whether two host routes to one destination are the same."""
    return first.host.next_hop == host.next_hop and first.next_hop == answer


def _serves_too(host: HostRoute, answer: Answer, first: Resolved) -> bool:
    """Whether both are Neutron's own ways to the metadata service, of which one is enough."""
    listed = host.origin == first.host.origin == "metadata"
    return listed and host.destination == METADATA_SERVICE and isinstance(answer, ResolvedNextHop)


def _losing_kind(host: HostRoute, winner: HostRoute) -> UnresolvedKind:
    """Of two in one source the operator has to choose; of two in different sources the settings have."""
    return "conflict" if winner.origin == host.origin else "overridden"


def _with_listing(
    unresolved: Sequence[Unresolved], bindings: Sequence[Binding], leased: Mapping[str, Binding]
) -> Iterator[Unresolved]:
    """Those that are corrected in Neutron with the network whose subnet lists them."""
    networks = {binding.network.index: binding for binding in bindings if binding.network is not None}
    for one in unresolved:
        if one.kind not in ("not-a-gateway", "conflict") or one.host.origin not in ("metadata", "leases"):
            yield one
        elif one.host.network >= 0:
            yield one._replace(listing=networks.get(one.host.network))
        else:
            yield one._replace(listing=leased.get(one.host.source))


def _leased(bindings: Sequence[Binding], evidence: Evidence) -> dict[str, Binding]:
    """The network of the NIC of each lease, by the lease's options as a HostRoute's `source` names them."""
    if evidence.leases is None:
        return {}
    on_nic = {one.nic.ifindex: one for one in reversed(bindings) if one.nic is not None and one.family == 4}
    leases = [one for one in evidence.leases.leases if one.ifindex in on_nic]
    return {lease.option_place(number): on_nic[lease.ifindex] for lease in leases for number in (3, 121, 249)}


def _on_one_nic(bindings: Sequence[Binding]) -> bool:
    """Whether all networks are on one NIC (R13); one whose NIC nothing tells may be on another."""
    nics = {binding.nic.ifindex for binding in bindings if binding.nic is not None}
    return len(nics) == 1 and all(one.nic is not None or one.is_identified for one in bindings)


def _in_order(evidence: Evidence, settings: Settings) -> Iterator[HostRoute]:
    """All host routes, those of the source that counts most first."""
    routes = {
        "settings": settings.routes,
        "properties": evidence.properties,
        "metadata": evidence.data.routes,
        "leases": evidence.lease_routes,
    }
    order = settings.precedence
    # A document given by --metadata counts although no source of documents is wanted.
    return chain.from_iterable(routes[one] for one in (order if "metadata" in order else (*order, "metadata")))


# ---- default entries that name another NIC ------------------------------------------------------------


def _listed_defaults(
    taken: dict[Prefix, Resolved], next_hops: NextHops, unresolved: list[Unresolved]
) -> list[Resolved]:
    """Those of the settings and the property, taken out of the host routes; a next hop must be in its NIC's subnet.

    By any other no default that works is left for it.
    """
    found = [taken.pop(everything) for everything in DEFAULT_PREFIX.values() if everything in taken]
    reached = [one for one in found if _is_on_subnet(one.next_hop)]
    unresolved += [Unresolved(one.host, *_on_no_subnet(one, next_hops)) for one in found if one not in reached]
    return reached


def _on_no_subnet(one: Resolved, next_hops: NextHops) -> Miss:
    """A NIC's own gateway that is on no subnet of it, or a next hop that is where the NIC was."""
    if one.next_hop.rule == "gateway":
        return Miss("no-subnet", Binding(None, None, one.next_hop.nic))
    return next_hops.nowhere(one.host.next_hop)


def _is_on_subnet(next_hop: ResolvedNextHop) -> bool:
    """Whether a prefix of the NIC has the gateway in it; of one that has none yet nobody knows."""
    gateway = next_hop.gateway
    own = [one for one in next_hop.nic.prefixes if len(one.address) == len(gateway)]
    return is_link_local(gateway) or not own or any(contains(prefix, gateway) for prefix in own)


def _named_defaults(
    elsewhere: Sequence[HostRoute], bindings: Sequence[Binding], next_hops: NextHops, own: dict[object, str]
) -> tuple[tuple[Resolved, ...], list[Unresolved]]:
    """Those of the document; mostly there are none."""
    if not elsewhere:
        return (), []
    from .binding.named_defaults import named_defaults

    return named_defaults(elsewhere, bindings, next_hops, own)


def _by_precedence(
    listed: Sequence[Resolved], documented: Sequence[Resolved], settings: Settings
) -> tuple[Resolved, ...]:
    """Those that name a NIC, in the order of `sources`."""
    order = settings.precedence
    behind = [one for one in listed if "metadata" in order and order.index(one.host.origin) > order.index("metadata")]
    return (*(one for one in listed if one not in behind), *documented, *behind)


# ---- what no host route can be ------------------------------------------------------------------------


def _own(evidence: Evidence) -> dict[object, str]:
    """Whose each own address and connected subnet is: Address or Prefix to a NIC's name or a place."""
    own: dict[object, str] = {}
    documented = [(f"networks[{one.index}]", one.address) for one in evidence.data.networks]
    present = [(nic.name, address) for nic in evidence.kernel.nics for address in nic.addresses]
    for name, address in [*present, *documented]:
        if address is not None:
            if not is_link_local(address.address):  # Another NIC's is a router's here (Docker's fe80::1).
                own.setdefault(address.address, name)
            own.setdefault(Prefix(address.address, len(address.address) * 8), name)
            own.setdefault(network_of(address), name)
    for nic in evidence.kernel.nics:
        for peer in nic.peers:
            own.setdefault(network_of(peer), nic.name)
    return own


def _refused(host: HostRoute, own: dict[object, str], settings: Settings) -> Unresolved | None:
    """A host route that settings turn off, or whose destination or next hop is this machine's own (R12)."""
    if settings.ignore_destinations and any(_within(host.destination, p) for p in settings.ignore_destinations):
        return Unresolved(host, "ignored")
    if host.next_hop in own:
        return Unresolved(host, "refused", own="next-hop", owner=own[host.next_hop])
    if host.destination in own:
        what: Literal["address", "subnet"] = "address" if host.destination.address in own else "subnet"
        return Unresolved(host, "refused", own=what, owner=own[host.destination])
    return None


def _to_gateways_of_others(taken: dict[Prefix, Resolved], next_hops: NextHops) -> Iterator[Unresolved]:
    """IPv6 host routes to another NIC's gateway alone, taken out: every route by that gateway would be refused."""
    for gateway, nics in next_hops.ipv6_gateways().items():
        destination = Prefix(gateway, 128)
        found = taken.get(destination)
        if found is not None and found.next_hop.nic.ifindex not in {nic.ifindex for nic in nics}:
            del taken[destination]
            yield Unresolved(found.host, "refused", own="gateway", owner=nics[0].name)


def _within(inner: Prefix, outer: Prefix) -> bool:
    return inner.length >= outer.length and contains(outer, inner.address)
