"""Next hop to NIC (R2, R3, R12-R15). Pure.

A host route belongs to the NIC whose subnet's gateway is its next hop, whichever network lists it. First every
network of the document is bound to the NIC with its MAC, and gets its gateway from the best evidence there is;
then each host route's next hop is looked up among those gateways. What can't be resolved is a value with its
reason, never an exception.
"""

from __future__ import annotations

from itertools import chain

from ..model.decision import Note, Override, Resolution, Resolved, ResolvedNextHop, Unresolved
from ..model.namedtuple import NamedTuple
from ..model.network import Prefix, contains, is_link_local, network_of
from .bind import bind

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterator, Literal, Sequence, TypeAlias

    from ..model.decision import Binding, UnresolvedKind
    from ..model.evidence import Evidence
    from ..model.network import Address, Nic
    from ..model.network_data import HostRoute
    from ..model.settings import Settings


class _Miss(NamedTuple):
    """Why a next hop stands for no NIC: an Unresolved without its host route."""

    kind: UnresolvedKind
    binding: Binding | None = None
    subnet: Prefix | None = None
    gateways: tuple[Binding, ...] = ()


_Answer: TypeAlias = "ResolvedNextHop | _Miss"


def resolve(evidence: Evidence, settings: Settings) -> Resolution:
    """Finds each host route's NIC. Of two with the same destination the one of the better source wins (`sources`).

    With `evidence.projected`, NICs serve without an address, too: the network manager is going to give them one.
    """
    bindings = bind(evidence, settings)
    own = _own(evidence)
    shared = _shared_gateways(bindings)
    answers: dict[tuple[Address, int], _Answer] = {}
    taken: dict[Prefix, Resolved] = {}
    unresolved: list[Unresolved] = []
    notes: list[Note] = []
    overrides: list[Override] = []
    for host in _in_order(evidence, settings):
        # Where two NICs share a gateway address, the listing network decides; else only the next hop does.
        key = (host.next_hop, host.network if host.next_hop in shared else -1)
        answer = answers.get(key)
        if answer is None:
            answer = answers[key] = _answer(host, bindings, settings, evidence.projected)
        refused = _refused(host, own, settings)
        first = taken.get(host.destination)
        if refused is not None:
            unresolved.append(refused)
        elif first is not None and _repeats(host, answer, first):
            notes.append(Note("duplicate", host, first.host))
        elif first is not None:
            overrides.append(Override(host, first.host))
            unresolved.append(Unresolved(host, _losing_kind(host, first.host), winner=first.host))
        elif isinstance(answer, ResolvedNextHop):
            taken[host.destination] = Resolved(host, answer)
        else:
            unresolved.append(Unresolved(host, *answer))
    if taken and _on_one_nic(bindings):
        notes.append(Note("one-nic"))  # R13
    return Resolution(bindings, tuple(taken.values()), tuple(unresolved), tuple(notes), tuple(overrides))


def _repeats(host: HostRoute, answer: _Answer, first: Resolved) -> bool:
    """Whether two host routes to one destination are the same."""
    return first.host.next_hop == host.next_hop and first.next_hop == answer


def _losing_kind(host: HostRoute, winner: HostRoute) -> UnresolvedKind:
    """Of two in one source the operator has to choose; of two in different sources the settings have."""
    return "conflict" if winner.origin == host.origin else "overridden"


def _on_one_nic(bindings: Sequence[Binding]) -> bool:
    return len({binding.nic.ifindex for binding in bindings if binding.nic}) == 1


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


def _shared_gateways(bindings: Sequence[Binding]) -> frozenset[Address]:
    """Gateway addresses that networks of more than one NIC have."""
    by_gateway: dict[Address, set[object]] = {}
    for binding in bindings:
        if binding.gateway:
            nic = binding.nic.ifindex if binding.nic else binding.ignored or binding.link
            by_gateway.setdefault(binding.gateway, set()).add(nic)
    return frozenset(gateway for gateway, nics in by_gateway.items() if len(nics) > 1)


# ---- what a next hop stands for -----------------------------------------------------------------------


def _answer(host: HostRoute, bindings: Sequence[Binding], settings: Settings, unaddressed: bool) -> _Answer:
    """What a next hop comes to: a NIC, or why there is none (R2, R3)."""
    claims = [binding for binding in bindings if binding.gateway == host.next_hop]
    usable = [binding for binding in claims if binding.is_usable(unaddressed)]
    if usable:
        chosen = next((b for b in usable if b.network and b.network.index == host.network), usable[0])
        return _next_hop(chosen, usable)
    if claims:
        return _unusable(claims[0])
    return _no_gateway(host.next_hop, bindings, settings, unaddressed)


def _next_hop(chosen: Binding, usable: Sequence[Binding]) -> ResolvedNextHop:
    nic, gateway = chosen.nic, chosen.gateway
    assert nic is not None and gateway is not None
    others = {b.nic.name for b in usable if b.nic and b.nic.ifindex != nic.ifindex}
    return ResolvedNextHop(
        nic, gateway, chosen.evidence, onlink=needs_onlink(nic, gateway), shared_with=tuple(sorted(others))
    )


def needs_onlink(nic: Nic, gateway: Address) -> bool:
    """R14: whether the gateway lies outside every prefix of the NIC. Link-local ones never do."""
    if is_link_local(gateway):
        return False
    return not any(contains(address, gateway) for address in nic.addresses)


def _unusable(claim: Binding) -> _Miss:
    if claim.nic is None:
        return _Miss("ignored" if claim.ignored else "absent", claim)
    return _Miss("no-address" if claim.nic.up else "down", claim)


def _no_gateway(next_hop: Address, bindings: Sequence[Binding], settings: Settings, unaddressed: bool) -> _Answer:
    """A next hop that is no NIC's gateway (R3)."""
    found = _home(next_hop, bindings)
    if found is None:
        known = tuple(b for b in bindings if b.gateway and len(b.gateway) == len(next_hop))
        return _Miss("no-subnet", gateways=known)
    home, subnet = found
    on_link = settings.next_hops == "on-link" and home.is_usable(unaddressed)
    if on_link and home.nic is not None:
        return ResolvedNextHop(home.nic, next_hop, None, subnet, needs_onlink(home.nic, next_hop))
    return _Miss("unknown-gateway" if home.gateway is None else "not-a-gateway", home, subnet)


def _home(next_hop: Address, bindings: Sequence[Binding]) -> tuple[Binding, Prefix] | None:
    """The NIC whose subnet a next hop is in, by the longest prefix; the first of equals."""
    homes = [(b, subnet) for b in bindings for subnet in b.subnets if contains(subnet, next_hop)]
    return max(homes, key=lambda pair: pair[1].length, default=None)


# ---- what no host route can be ------------------------------------------------------------------------


def _own(evidence: Evidence) -> dict[object, str]:
    """Whose each own address and connected subnet is: Address or Prefix to a NIC's name or a place."""
    own: dict[object, str] = {}
    documented = [(f"networks[{one.index}]", one.address) for one in evidence.data.networks]
    present = [(nic.name, address) for nic in evidence.kernel.nics for address in nic.addresses]
    for name, address in [*present, *documented]:
        if address is not None:
            own.setdefault(address.address, name)
            own.setdefault(Prefix(address.address, len(address.address) * 8), name)
            own.setdefault(network_of(address), name)
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


def _within(inner: Prefix, outer: Prefix) -> bool:
    return inner.length >= outer.length and contains(outer, inner.address)
