"""Next hop to NIC (R2, R3, R12-R15). Pure.

A host route belongs to the NIC whose subnet's gateway is its next hop, whichever network lists it. First every
network of the document is bound to the NIC with its MAC, and gets its gateway from the best evidence there is;
then each host route's next hop is looked up among those gateways. What can't be resolved is a value with its
reason, never an exception.
"""

from __future__ import annotations

from itertools import chain

from .bind import Binding, bind
from .document import Beside, Complaint, HostRoute, NetworkData
from .model import Address, Nic, Prefix, Route, address_text, contains, is_link_local, network_of
from .policy import Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterator, NamedTuple, Sequence, TypeAlias
else:
    from .values import NamedTuple

Reason: TypeAlias = "tuple[str, str]"
"""A kind, and the text of an Unresolved."""
BY_CHOICE = ("ignored", "overridden")
"""Kinds of Unresolved that the settings ask for: no reason for exit code 5."""


NOTHING_BESIDE = Beside()


class Way(NamedTuple):
    """A NIC and the gateway through it that a next hop stands for; shared by all routes with that next hop."""

    nic: Nic
    gateway: Address
    rule: str
    """Why this NIC, for people: "11.8.0.1 is eth1's gateway (networks[1].routes[0])"."""
    onlink: bool = False
    notes: tuple[str, ...] = ()


class Resolved(NamedTuple):
    """A host route with its NIC. str() is its because (R15)."""

    host: HostRoute
    way: Way

    def __str__(self) -> str:
        return "; ".join((f"{self.host.place}: {self.way.rule}", *self.way.notes))


class Unresolved(NamedTuple):
    """A host route that is not programmed, and why."""

    host: HostRoute
    kind: str
    """not-a-gateway, no-subnet, unknown-gateway, absent, down, no-address, refused, conflict; or one of BY_CHOICE."""
    reason: str

    def __str__(self) -> str:
        return f"{self.host}  ({self.host.place}): {self.reason}"


class Conflict(NamedTuple):
    """A host route that gives way to another of the same destination, with another next hop."""

    host: HostRoute
    chosen: HostRoute

    @property
    def rule(self) -> str:
        """Why the other one is used."""
        one, other = self.chosen.origin, self.host.origin
        return (
            "it comes first"
            if one == other
            else f"{one} count before {other} (`sources`)".replace("metadata count ", "metadata counts ")
        )

    def __str__(self) -> str:
        return f"{self.host}  ({self.host.place}): not used, but {self.chosen} ({self.chosen.place}): {self.rule}"


class Resolution(NamedTuple):
    """All host routes, each with a NIC or a reason; and the bindings they were resolved by."""

    bindings: tuple[Binding, ...]
    resolved: tuple[Resolved, ...]
    unresolved: tuple[Unresolved, ...]
    notes: tuple[Complaint, ...] = ()
    conflicts: tuple[Conflict, ...] = ()


def resolve(
    data: NetworkData,
    nics: Sequence[Nic],
    settings: Settings,
    defaults: Sequence[Route] = (),
    recorded: Sequence[Route] = (),
    beside: Beside = NOTHING_BESIDE,
    unaddressed: bool = False,
) -> Resolution:
    """Finds each host route's NIC. Of two with the same destination the one of the better source wins (`sources`).

    Args:
        defaults: the kernel's default routes, evidence for the gateways of networks that the document is silent about.
        recorded: defaults that R4 took away earlier; evidence of the last resort.
        beside: properties and leases.
        unaddressed: NICs serve without an address, too: the network manager is going to give them one.
    """
    bindings = bind(data, nics, settings, defaults, recorded, beside.told)
    own = _own(data, nics)
    answers: dict[tuple[Address, int], Way | Reason] = {}
    shared = {gateway for gateway in {b.gateway for b in bindings if b.gateway} if len(_nics_of(bindings, gateway)) > 1}
    taken: dict[Prefix, Resolved] = {}
    resolved: list[Resolved] = []
    unresolved: list[Unresolved] = []
    notes: list[Complaint] = list(beside.notes)
    conflicts: list[Conflict] = []
    for host in _in_order(data, settings, beside):
        # Where two NICs share a gateway address, the listing network decides; else only the next hop does.
        key = (host.next_hop, host.network if host.next_hop in shared else -1)
        answer = answers.get(key)
        if answer is None:
            answer = answers[key] = _answer(host, bindings, settings, unaddressed)
        if settings.ignore_destinations and any(_within(host.destination, p) for p in settings.ignore_destinations):
            unresolved.append(Unresolved(host, "ignored", "ignore_destinations covers it"))
        elif host.destination in own or host.next_hop in own:
            unresolved.append(Unresolved(host, "refused", _refusal(host, own)))
        elif host.destination in taken:
            first = taken[host.destination].host
            if first.next_hop == host.next_hop and taken[host.destination].way == answer:
                notes.append(Complaint(host.place, f"{host} stands at {first.place} already"))
            else:
                conflict = Conflict(host, first)
                conflicts.append(conflict)
                kind = "conflict" if first.origin == host.origin else "overridden"
                text = f"{first.place} has the same destination with the next hop {address_text(first.next_hop)}"
                end = ", and comes first" if kind == "conflict" else f"; {conflict.rule}"
                unresolved.append(Unresolved(host, kind, text + end))
        elif not isinstance(answer, Way):
            unresolved.append(Unresolved(host, answer[0], answer[1].replace("DESTINATION", str(host.destination))))
        else:
            one = taken[host.destination] = Resolved(host, answer)
            resolved.append(one)
    if resolved and len({b.nic.ifindex for b in bindings if b.nic}) == 1:
        text = "there is one NIC only: host routes make no difference here; programmed all the same"
        notes.append(Complaint("networks", text))  # R13
    return Resolution(bindings, tuple(resolved), tuple(unresolved), tuple(notes), tuple(conflicts))


def _in_order(data: NetworkData, settings: Settings, beside: Beside) -> Iterator[HostRoute]:
    """All host routes, those of the source that counts most first."""
    routes = {
        "settings": settings.routes,
        "properties": beside.properties,
        "metadata": data.routes,
        "leases": beside.leased,
    }
    order = settings.precedence
    # A document given by --metadata counts although no source of documents is wanted.
    return chain.from_iterable(routes[one] for one in (order if "metadata" in order else (*order, "metadata")))


def _answer(host: HostRoute, bindings: Sequence[Binding], settings: Settings, unaddressed: bool) -> Way | Reason:
    """What a next hop comes to: a way, or why there is none (R2, R3)."""
    next_hop = host.next_hop
    claims = [binding for binding in bindings if binding.gateway == next_hop]
    usable = [binding for binding in claims if binding.is_usable(unaddressed)]
    if usable:
        chosen = next((b for b in usable if b.network and b.network.index == host.network), usable[0])
        return _way(chosen, usable)
    if claims:
        return _unusable(claims[0])
    return _no_gateway(host, bindings, settings, unaddressed)


def _way(chosen: Binding, usable: Sequence[Binding]) -> Way:
    nic, gateway = chosen.nic, chosen.gateway
    assert nic is not None and gateway is not None
    notes = []
    others = sorted({b.nic.name for b in usable if b.nic and b.nic.ifindex != nic.ifindex})
    if others:
        notes.append(f"ambiguous: it is the gateway of {', '.join(others)} too")
    onlink = needs_onlink(nic, gateway)
    if onlink:
        notes.append(f"on link: outside every prefix of {nic.name}")  # R14
    rule = f"{address_text(gateway)} is {nic.name}'s gateway ({chosen.evidence})"
    return Way(nic, gateway, rule, onlink, tuple(notes))


def needs_onlink(nic: Nic, gateway: Address) -> bool:
    """R14: whether the gateway lies outside every prefix of the NIC. Link-local ones never do."""
    if is_link_local(gateway):
        return False
    return not any(contains(address, gateway) for address in nic.addresses)


def _unusable(claim: Binding) -> Reason:
    gateway = address_text(claim.gateway or b"")
    if claim.nic is None:
        text = f"{gateway} is the gateway of {claim.label}, which is not present (yet); programmed once it appears"
        return (
            ("ignored", f"{gateway} is {claim.ignored}'s gateway, and ignore_nics covers it")
            if claim.ignored
            else ("absent", text)
        )
    name = claim.nic.name
    if not claim.nic.up:
        return "down", f"{gateway} is {name}'s gateway, and {name} is down; `ip link set {name} up` mends it"
    lacks = f"{name} has no IPv{claim.family} address (yet)"
    return "no-address", f"{gateway} is {name}'s gateway, and {lacks}; programmed once it has one"


def _no_gateway(host: HostRoute, bindings: Sequence[Binding], settings: Settings, unaddressed: bool) -> Way | Reason:
    next_hop = address_text(host.next_hop)
    homes = [(b, subnet) for b in bindings for subnet in b.subnets if contains(subnet, host.next_hop)]
    if not homes:
        return (
            "no-subnet",
            f"{next_hop} is in no NIC's subnet; use a gateway of {_gateways(bindings, len(host.next_hop))}",
        )
    home, subnet = max(homes, key=lambda pair: pair[1].length)
    name, nic = home.label, home.nic
    if settings.next_hops == "on-link" and nic is not None and home.is_usable(unaddressed):
        rule = f"{next_hop} is in {name}'s subnet {subnet} (next_hops: on-link)"
        return Way(nic, host.next_hop, rule, needs_onlink(nic, host.next_hop))
    if home.gateway is None:
        silent = f"metadata is silent about {name} (type {home.network.kind})" if home.network else "nothing tells"
        text = (
            f"{next_hop} is in {name}'s subnet {subnet}, whose gateway is not known: {silent}; "
            f"name it in the settings: `gateways: {{{name}: ADDRESS}}`"
        )
        return "unknown-gateway", text
    gateway = address_text(home.gateway)
    text = (
        f"{next_hop} is in {name}'s subnet {subnet}, but its gateway is {gateway}; "
        f"mend it in Neutron: `openstack subnet set --host-route destination=DESTINATION,gateway={gateway} SUBNET`"
    )
    return "not-a-gateway", text


def _gateways(bindings: Sequence[Binding], size: int) -> str:
    known = [f"{address_text(b.gateway)} ({b.label})" for b in bindings if b.gateway and len(b.gateway) == size]
    return " or ".join(known) or "a NIC (none is known)"


def _own(data: NetworkData, nics: Sequence[Nic]) -> dict[object, str]:
    """Whose each own address and connected subnet is: Address or Prefix to a text."""
    own: dict[object, str] = {}
    described: list[tuple[str, Prefix | None]] = [(f"networks[{n.index}]", n.address) for n in data.networks]
    for name, address in [*((nic.name, a) for nic in nics for a in nic.addresses), *described]:
        if address is not None:
            own.setdefault(address.address, name)
            own.setdefault(Prefix(address.address, len(address.address) * 8), name)
            own.setdefault(network_of(address), name)
    return own


def _refusal(host: HostRoute, own: dict[object, str]) -> str:
    if host.next_hop in own:
        return f"refused: {address_text(host.next_hop)} is {own[host.next_hop]}'s own address, not a gateway"
    what = "own address" if host.destination.address in own else "own subnet, which is reached without a gateway"
    return f"refused: {host.destination} is {own[host.destination]}'s {what}"


def _nics_of(bindings: Sequence[Binding], gateway: Address | None) -> set[str]:
    return {binding.label for binding in bindings if binding.gateway == gateway}


def _within(inner: Prefix, outer: Prefix) -> bool:
    return inner.length >= outer.length and contains(outer, inner.address)
