"""The reasons of a pass in words: what a value of model/decision.py, evidence.py or report.py says. Pure.

Each sentence is made here and nowhere else. Values go in, one line comes out, without a final stop.
"""

from __future__ import annotations

from ...model.decision import Elected, NotElected, Resolved, Unresolved
from ...model.network import address_text, mac_text
from ...model.network_data import Problem
from ...model.operations import RemoveForeignDefault
from ...model.plan import PlannedRoute
from ...model.report import Discrepancy, Overruled
from ..escape import escaped, shell_word
from ..route_text import counted, route_text
from .evidence import binding_label, evidence_text
from .remedies import addition, gateways_setting, in_neutron, removal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Sequence

    from ...model.decision import Binding, Election, Note, Override, ResolvedNextHop
    from ...model.network import Lookup, Nic
    from ...model.network_data import HostRoute
    from ...model.operations import Operation
    from ...model.plan import Suspicion
    from ...model.report import PassError, Unprogrammed


SHOWN = 4
"""So many gateways are named for a next hop in no subnet."""
LOOPBACK = 1
"""The loopback's ifindex in every network namespace: what is sent to an address of its own stays in the machine."""


# ---- host routes --------------------------------------------------------------------------------------


def next_hop_rule(next_hop: ResolvedNextHop) -> str:
    """Why a next hop means this NIC: "11.8.0.1 is eth1's gateway (networks[1].routes[0])"."""
    gateway, name = address_text(next_hop.gateway), next_hop.nic.name
    if next_hop.rule != "gateway":
        why = {
            "on-link": " (next_hops: on-link)",
            "no-gateway": ", whose network lists routes and no gateway",
            "as-listed": ", as the document lists it for the metadata service",
        }[next_hop.rule]
        return f"{gateway} is in {name}'s subnet {next_hop.subnet}{why}"
    return f"{gateway} is {name}'s gateway ({evidence_text(next_hop.evidence)})"


def next_hop_reason(next_hop: ResolvedNextHop) -> str:
    """The same with what is odd about it."""
    parts = [next_hop_rule(next_hop)]
    if next_hop.shared_with:
        parts.append(f"ambiguous: it is the gateway of {', '.join(next_hop.shared_with)} too")
    if next_hop.onlink:
        parts.append(f"on link: outside every prefix of {next_hop.nic.name}")
    return "; ".join(parts)


def resolved_reason(resolved: Resolved) -> str:
    """Why a host route leads through its NIC (R15)."""
    return f"{resolved.host.place}: {next_hop_reason(resolved.next_hop)}"


def unresolved_reason(one: Unresolved) -> str:
    """Why a host route is not programmed, and what fixes it (R3)."""
    if one.winner is not None:
        return _overridden_reason(one, one.winner)
    if one.kind == "refused":
        return _refused_reason(one)
    if one.kind == "no-subnet":
        known = [f"{address_text(b.gateway)} ({binding_label(b)})" for b in one.gateways[:SHOWN] if b.gateway]
        known += [f"{len(one.gateways) - SHOWN:,} more"] if len(one.gateways) > SHOWN else []
        gateways = " or ".join(known) or "a NIC (none is known)"
        return f"{address_text(one.host.next_hop)} is in no NIC's subnet; use a gateway of {gateways}"
    if one.binding is None:
        return "ignore_destinations covers it"
    if one.subnet is not None:
        return _not_a_gateway_reason(one, one.binding)
    return _unusable_reason(one, one.binding)


def _overridden_reason(one: Unresolved, winner: HostRoute) -> str:
    text = f"{winner.place} has the same destination with the next hop {address_text(winner.next_hop)}"
    if one.kind == "conflict":
        return f"{text}, and is listed first; keep one: {removal(one.host)}"
    return f"{text}; {_precedence(winner, one.host)}"


def _refused_reason(one: Unresolved) -> str:
    if one.own == "next-hop":
        return f"refused: {address_text(one.host.next_hop)} is {one.owner}'s own address, not a gateway"
    what = "own address" if one.own == "address" else "own subnet, which needs no gateway"
    return f"refused: {one.host.destination} is {one.owner}'s {what}"


def _unusable_reason(one: Unresolved, binding: Binding) -> str:
    name = binding_label(binding)
    gateway = f"{address_text(one.host.next_hop)} is {name}'s gateway"
    if one.kind == "ignored":
        return f"{gateway}, and ignore_nics covers it"
    if one.kind == "absent":
        where = f"{address_text(one.host.next_hop)} is the gateway of {name}"
        return f"{where}, which is not present (yet); programmed once it appears"
    if one.kind == "down":
        return f"{gateway}, and {name} is down; `ip link set {shell_word(name)} up` fixes it"
    return f"{gateway}, and {name} has no IPv{binding.family} address (yet); programmed once it has one"


def _not_a_gateway_reason(one: Unresolved, binding: Binding) -> str:
    """In a NIC's subnet, but not its gateway. The remedy has both halves: `subnet set` only adds to the list."""
    name = binding_label(binding)
    where = f"{address_text(one.host.next_hop)} is in {name}'s subnet {one.subnet}"
    if binding.gateway is None:
        why = _unknown_cause(binding, name)
        return f"{where}, whose gateway is unknown: {why}; set it in the settings: {gateways_setting(binding)}"
    gateway = address_text(binding.gateway)
    where = f"{where}, but its gateway is {gateway}"
    if not in_neutron(one.host):
        return f"{where}; name that one as the next hop"
    return f"{where}; fix it in Neutron: {addition(one.host, gateway)}, then {removal(one.host)}"


def _unknown_cause(binding: Binding, name: str) -> str:
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


# ---- defaults -----------------------------------------------------------------------------------------


def election_reason(election: Election) -> str:
    """Why this NIC has the default route, or why none has."""
    if isinstance(election, NotElected):
        return _not_elected_reason(election)
    rule = "the first network with a gateway on a NIC that is up"
    if election.selector is not None:
        rule = f"the settings choose {election.selector}"
    name = election.nic.name
    if election.named is not None:
        return f"{election.named.host.place} names {name}: {next_hop_reason(election.named.next_hop)}"
    assert election.binding is not None
    network = election.binding.network
    place = f"networks[{network.index}]" if network else name
    text = f"{rule}: {place}, {name}; its gateway: {evidence_text(election.binding.evidence)}"
    if election.onlink:
        text += f"; on link: {address_text(election.gateway)} is outside every prefix of {name}"
    if election.waiting:
        text += f"; {', '.join(map(binding_label, election.waiting))} has no IPv{election.family} address (yet)"
    return text


def _not_elected_reason(one: NotElected) -> str:
    if one.kind == "no-gateway":
        return f"no network has an IPv{one.family} gateway on a NIC that is up and has an address"
    if one.kind == "unusable":
        causes = ", ".join(map(_unusable_cause, one.bindings))
        return f"no default: it is documented, and no NIC can carry it ({causes})"
    label = binding_label(one.binding) if one.binding else ""
    why = {
        "no-network": f"no IPv{one.family} network of the metadata fits",
        "absent": f"{label} is not present",
        "down": f"{label} is down",
        "no-address": f"{label} has no IPv{one.family} address (yet)",
        "unknown-gateway": f"{label} has no known IPv{one.family} gateway",
    }[one.kind]
    return f"the settings choose {one.selector} for the default route, but {why}; the default routes stay as they are"


def _unusable_cause(binding: Binding) -> str:
    """Why a NIC can't carry a default route."""
    label = binding_label(binding)
    if binding.nic is None:
        return f"{label} is {'ignored' if binding.ignored else 'not present'}"
    return f"{label} has no IPv{binding.family} address" if binding.nic.up else f"{label} is down"


# ---- operations and their outcome ---------------------------------------------------------------------

_OPERATIONS = {
    "": "",
    "not-in-document": "no longer in the metadata",
    "equal-serves": "another program's equal route is used",
    "shadowed": "another program's route wins",
    "not-elected": "not the elected default",
    "withdrawn": "withdrawn",
    "recorded": "recorded when it was removed",
    "handed-over": "kept without our protocol: it is the only default route",
    "nexthops-outside": "next hops through NICs outside the metadata are kept",
    "demoted": "an extra default, kept at a worse metric",
    "whole-route-back": "the whole multipath route is back",
    "rolled-back": "rolled back",
}


def operation_reason(operation: Operation) -> str:
    """Why a route is written or removed (R15)."""
    reason = operation.reason
    if isinstance(reason, Resolved):
        return resolved_reason(reason)
    if isinstance(reason, Unresolved):
        return f"{reason.host} ({reason.host.place}): {unresolved_reason(reason)}"
    if isinstance(reason, Elected):
        if isinstance(operation, RemoveForeignDefault):
            return f"one default too many: {reason.nic.name} has it"
        return election_reason(reason)
    return _OPERATIONS[reason]


def unprogrammed_parts(one: Unprogrammed, nics: Sequence[Nic]) -> tuple[str, str]:
    """What of the document is not in the kernel, and why."""
    if isinstance(one, Problem):
        return one.place, one.text
    if isinstance(one, NotElected):
        return f"IPv{one.family} default", election_reason(one)
    if isinstance(one, Unresolved):
        return f"{one.host}  ({one.host.place})", unresolved_reason(one)
    if isinstance(one, PlannedRoute):
        host = one.resolved.host
        by = route_text(one.competitor, nics) if one.competitor else "another route"
        return f"{host}  ({host.place})", f"shadowed by {by}"
    return str(one.destination), f"programmed, but {_overruled_text(one, nics)}"


def unprogrammed_text(one: Unprogrammed, nics: Sequence[Nic]) -> str:
    """The same in one line."""
    return escaped(": ".join(unprogrammed_parts(one, nics)))


def _overruled_text(one: Overruled, nics: Sequence[Nic]) -> str:
    answer = one.answer
    sent = f"{lookup_text(answer, nics)} (table {answer.table})" if answer.ifindex else f"nowhere: {answer.error}"
    return f"the kernel sends {address_text(one.address)} {sent}; see `ip rule`"


def lookup_text(answer: Lookup, nics: Sequence[Nic]) -> str:
    """What the kernel does with an address now: "via 11.8.0.1 dev eth1", or its error."""
    if not answer.ifindex:
        return answer.error
    names = {LOOPBACK: "lo", **{nic.ifindex: nic.name for nic in nics}}
    name = names.get(answer.ifindex, f"if{answer.ifindex}")
    return f"{'via ' + address_text(answer.gateway) + ' ' if answer.gateway else ''}dev {name}"


def pass_error_text(error: PassError, nics: Sequence[Nic]) -> str:
    """Why a pass failed."""
    if isinstance(error, Discrepancy):
        what = "missing" if error.kind == "missing" else "still there"
        return f"{what} after the pass: {route_text(error.route, nics)}"
    harm = {
        "not-put-back": "the kernel refused to restore a route of ours",
        "metadata-unreachable": "the metadata service can't be reached since the routes were written",
    }[error.cause]
    end = f", except {error.refused} that the kernel refused" if error.refused else ""
    return f"{harm}; the routes are as they were before the pass{end}"


def suspicion_text(one: Suspicion) -> str:
    """Why a document may be partial (R6)."""
    if one.kind == "no-networks":
        return "it has no networks"
    if one.kind == "nics-lost":
        lost = ", ".join(f"{name} ({mac_text(mac)})" for name, mac in one.nics)
        return f"it no longer describes {lost}, which is present"
    if one.kind == "routes-omitted":
        omitted = ", ".join(map(binding_label, one.bindings))
        return f"it omits the routes of {omitted}, and {one.gone} of our routes would go"
    return f"{one.gone} of our {counted(one.ours, 'route')} would go at once"
