"""Why a host route leads through its NIC, or why it is not programmed, in words. Pure.

Each sentence of a decision is made in this package and nowhere else: one line, without a final stop.
"""

from __future__ import annotations

from ...model.decision import Resolved, Unresolved
from ...model.network import address_text, contains, family_of
from ...model.network_data import Problem
from ..escape import escaped, shell_word, yaml_text
from .evidence import absence_text, binding_label, evidence_text
from .remedies import gateways_setting, gateways_to_use, in_neutron, in_subnets, removal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...model.decision import Binding, Note, Override, ResolvedNextHop
    from ...model.network import Address, Nic
    from ...model.network_data import HostRoute


def next_hop_rule(next_hop: ResolvedNextHop) -> str:
    """Why a next hop means this NIC: "11.8.0.1 is eth1's gateway (networks[1].routes[0])"."""
    gateway, name = address_text(next_hop.gateway), next_hop.nic.name
    if next_hop.rule != "gateway":
        why = {
            "on-link": " (next_hops: on-link)",
            "no-gateway": ", whose network lists routes and no gateway",
            "link-local-gateway": ", whose gateway is known by its link-local address only",
            "as-listed": ", as the document lists it for the metadata service",
        }[next_hop.rule]
        return f"{gateway} is in {name}'s subnet {next_hop.subnet}{why}"
    if next_hop.instead is not None:
        named = f"the next hop is {name}'s documented gateway ({evidence_text(next_hop.evidence)})"
        return f"{named}, and its addresses go with {gateway}: {evidence_text(next_hop.instead)}"
    return f"{gateway} is {name}'s gateway ({evidence_text(next_hop.evidence)})"


def next_hop_reason(next_hop: ResolvedNextHop) -> str:
    """The same with what is odd about it."""
    parts = [next_hop_rule(next_hop)]
    if next_hop.shared_with:
        what = "the gateway" if next_hop.rule == "gateway" else "in a subnet"
        parts.append(f"ambiguous: it is {what} of {', '.join(next_hop.shared_with)} too")
    if next_hop.onlink:
        parts.append(f"on link: {onlink_reason(next_hop.nic, next_hop.gateway)}")
    return "; ".join(parts)


def onlink_reason(nic: Nic, gateway: Address) -> str:
    """Why a gateway is said to be on link (R14)."""
    if any(contains(own, gateway) for own in nic.addresses):
        return f"{nic.name} has no route to its subnet"
    return f"outside every prefix of {nic.name}"


def resolved_reason(resolved: Resolved) -> str:
    """Why a host route leads through its NIC (R15)."""
    return f"{resolved.host.place}: {next_hop_reason(resolved.next_hop)}"


def unresolved_reason(one: Unresolved) -> str:
    """Why a host route is not programmed, and what fixes it (R3)."""
    return "; ".join(filter(None, (unresolved_cause(one), _unresolved_remedy(one))))


def unresolved_cause(one: Unresolved) -> str:
    """Why a host route is not programmed."""
    if one.kind == "not-elected":
        return _not_elected_cause(one)
    if one.winner is not None:
        return _overridden_cause(one, one.winner)
    if one.kind == "refused":
        return _refused_cause(one)
    if one.kind == "no-subnet":
        return _no_subnet_cause(one)
    if one.binding is None:
        return "ignore_destinations covers it"
    if one.subnet is not None:
        return _not_a_gateway_cause(one, one.binding)
    return _unusable_cause(one, one.binding)


def _unresolved_remedy(one: Unresolved) -> str:
    """What fixes it, or what it waits for; "" where there is nothing to do."""
    if one.kind == "conflict":
        return f"keep one: {removal(one)}"
    if one.kind == "no-subnet":
        return _no_subnet_remedy(one)
    if one.kind == "not-elected":
        return f"to choose {escaped(one.owner)}, set {_selector(one.owner)}"
    if one.binding is None or one.kind in ("ignored", "overridden", "redundant", "refused"):
        return ""
    if one.subnet is not None:
        return _not_a_gateway_remedy(one, one.binding)
    name = binding_label(one.binding)
    return {
        "absent": _absent_remedy(one.binding),
        "down": f"`ip link set dev {shell_word(name)} up` fixes it",
    }.get(one.kind, "programmed once it has one")


def _selector(name: str) -> str:
    return f"`default: {{nic: {yaml_text(name)}}}`"


def _absent_remedy(binding: Binding) -> str:
    if binding.is_identified:
        return "programmed once it appears"
    if binding.contradiction is not None and binding.contradiction.kind not in ("doubled-mac", "doubled-id"):
        return "correct its link or its address where the document is made, or the address of the NIC"
    if binding.network is not None and binding.network.address is None:
        return "name its link where the document is made"
    return "programmed once a NIC has its address"


def _not_elected_cause(one: Unresolved) -> str:
    """Which default comes before a default entry of the settings or the property."""
    if one.binding is not None and one.binding.network is not None:
        known = one.binding.evidence
        how = f" ({evidence_text(known)})" if known is not None and known.kind != "document" else ""
        return f"networks[{one.binding.network.index}]'s own default{how} comes first"
    return f"{one.winner.place if one.winner is not None else 'another default'} comes first"


def _overridden_cause(one: Unresolved, winner: HostRoute) -> str:
    if one.kind == "redundant":
        return f"{winner.place} is used, and one way to the metadata service is enough"
    text = f"{winner.place} has the same destination with the next hop {address_text(winner.next_hop)}"
    if one.kind == "conflict":
        own = f"that is networks[{winner.network}]'s own gateway"
        return f"{text}, and {'is listed first' if _stands_before(winner, one.host) else own}"
    if winner.origin == one.host.origin:
        return f"{text} and a better metric"
    return f"{text}; {_precedence(winner, one.host)}"


def _stands_before(one: HostRoute, other: HostRoute) -> bool:
    """Whether it is listed first; of default entries a network's own counts, wherever it stands."""
    if one.network != other.network or not one.destination.is_default:
        return True
    return 0 <= one.index < other.index or other.index < 0


def _no_subnet_cause(one: Unresolved) -> str:
    where = "in no NIC's subnet"
    if one.binding is not None and one.subnet is None:
        where = f"{binding_label(one.binding)}'s gateway, and in no subnet of it"
    elif one.binding is not None:
        where = f"in {binding_label(one.binding)}'s subnet {one.subnet}, and the metadata has no network there"
    if one.unaddressed:
        names = " or ".join(escaped(nic.name) for nic in one.unaddressed)
        where += f", and {names} has no IPv{family_of(one.host.next_hop)} address (yet)"
    return f"{address_text(one.host.next_hop)} is {where}"


def _no_subnet_remedy(one: Unresolved) -> str:
    """A NIC without a network, or without an address yet, may have the gateway that is meant."""
    if one.binding is not None and one.binding.nic is not None and one.subnet is None:
        name = one.binding.nic.name
        return f"to choose {escaped(name)}, set {_selector(name)} in its place"
    next_hop, use = address_text(one.host.next_hop), f"use a gateway of {gateways_to_use(one)}"
    if one.binding is not None and not one.host.destination.is_default:
        setting = gateways_setting(one.binding, one.host.next_hop)
        return f"if {next_hop} is its gateway, set it in the settings: {setting}; else {use}"
    return f"unless {next_hop} is its gateway, {use}" if one.unaddressed else use


def no_gateway_text(address: Address, own: str, owner: str) -> str:
    """Why no router can have an address."""
    whose = f"{owner}'s own address" if own == "next-hop" else f"the {own} address of {owner}"
    return f"{address_text(address)} is {whose}, not a gateway"


def _refused_cause(one: Unresolved) -> str:
    if one.own in ("next-hop", "network", "broadcast"):
        return f"refused: {no_gateway_text(one.host.next_hop, one.own, one.owner)}"
    if one.own == "gateway":
        return f"refused: {one.host.destination} is {one.owner}'s gateway, which IPv6 must reach on link"
    what = "own address" if one.own == "address" else "own subnet, which needs no gateway"
    return f"refused: {one.host.destination} is {one.owner}'s {what}"


def _unusable_cause(one: Unresolved, binding: Binding) -> str:
    name, next_hop = binding_label(binding), address_text(one.host.next_hop)
    is_gateway = one.host.next_hop == binding.gateway
    if one.kind == "absent":
        is_gateway = is_gateway or one.host.destination.is_default
        there = f"{next_hop} is {'the gateway' if is_gateway else 'in the subnet'} of {name}"
        why = ", which is not present (yet)" if binding.is_identified else f", and {absence_text(binding)}"
        return there + why
    why = {"ignored": "ignore_nics covers it", "down": f"{name} is down"}.get(
        one.kind, f"{name} has no IPv{binding.family} address (yet)"
    )
    where = f"{name}'s gateway" if is_gateway else f"in {name}'s subnet"
    return f"{next_hop} is {where}, and {why}"


def _not_a_gateway_cause(one: Unresolved, binding: Binding) -> str:
    """In a NIC's subnet, but not its gateway."""
    name = binding_label(binding)
    where = f"{address_text(one.host.next_hop)} is in {name}'s subnet {one.subnet}"
    if one.kind == "unknown-gateway" or binding.gateway is None:
        return f"{where}, whose gateway is unknown: {_unknown_cause(binding, name)}"
    return f"{where}, but its gateway is {address_text(binding.gateway_in_force or binding.gateway)}"


def _not_a_gateway_remedy(one: Unresolved, binding: Binding) -> str:
    """Both halves where Neutron has it: `subnet set` only adds to the list."""
    if one.kind == "unknown-gateway":
        next_hop = one.host.next_hop
        return f"if it is {address_text(next_hop)}, set it in the settings: {gateways_setting(binding, next_hop)}"
    return in_subnets(one, binding) if in_neutron(one.host) else "name that one as the next hop"


def _unknown_cause(binding: Binding, name: str) -> str:
    if binding.gateway_in_force is not None:
        return f"{name}'s own, {address_text(binding.gateway_in_force)}, is in another of its subnets"
    if binding.network is None:
        return "no source names it"
    if binding.network.omits_routes:
        return f"the metadata omits {name}'s routes (type {escaped(binding.network.kind)})"
    return f"networks[{binding.network.index}] has no default entry"


def _precedence(chosen: HostRoute, other: HostRoute) -> str:
    """Why one source's host route is used and another's is not."""
    verb = "goes" if chosen.origin == "metadata" else "go"
    return f"{chosen.origin} {verb} before {other.origin} (`sources`)"


def override_rule(one: Override) -> str:
    """Why the other host route is used."""
    return "it is listed first" if one.chosen.origin == one.host.origin else _precedence(one.chosen, one.host)


def override_text(one: Override) -> str:
    """Both host routes, and why the one is used."""
    used = f"{one.chosen} ({one.chosen.place})"
    return f"{one.host}  ({one.host.place}): not used; {used} is: {override_rule(one)}"


def note_parts(note: Note | Problem) -> tuple[str, str]:
    """Where something odd is, and what."""
    if isinstance(note, Problem):
        return note.place, note.text
    if note.host is not None and note.first is not None:
        return note.host.place, f"{note.host} is listed at {note.first.place} already"
    return "networks", "there is only one NIC, so host routes make no difference; they are programmed anyway"
