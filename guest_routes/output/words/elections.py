"""Why a NIC has the default route of a family, or why none has, in words (R4). Pure."""

from __future__ import annotations

from ...model.decision import NotElected
from .evidence import absence_text, binding_label, evidence_text, without_address_text
from .reasons import next_hop_reason, onlink_reason, unresolved_cause

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...model.decision import Binding, Elected, Election

SHOWN = 4
"""So many default entries that name no NIC are explained with the election."""


def election_reason(election: Election) -> str:
    """Why this NIC has the default route, or why none has."""
    if isinstance(election, NotElected):
        return _not_elected_reason(election)
    name = election.nic.name
    if election.named is not None:
        chosen = f"the settings choose {election.selector}: " if election.selector is not None else ""
        return f"{chosen}{election.named.host.place} names {name}: {next_hop_reason(election.named.next_hop)}"
    assert election.binding is not None
    network = None if election.by_leases else election.binding.network
    who = f"networks[{network.index}], {name}" if network else name
    rank, known = _rank_text(election, election.binding), evidence_text(election.binding.evidence)
    text = f"{rank}: {who}; its gateway: {known}"
    if election.binding.instead is not None:
        text = f"{text}; {_instead_text(election.binding)}"
    if election.onlink:
        text += f"; on link: {onlink_reason(election.nic, election.gateway)}"
    if election.waiting:
        text += f"; {', '.join(map(without_address_text, election.waiting))} (yet)"
    return text


def observed_text(election: Election, partial: bool) -> str:
    """Why an elected default is neither there nor added (R4).

    Args:
        partial: the document may be partial (R6).
    """
    why = "the document may be partial" if partial else "`default_mode` leaves the default routes as they are"
    return f"{election_reason(election)}; not programmed: {why}"


def _instead_text(binding: Binding) -> str:
    """Which default is used in place of the documented one, and why."""
    return f"but {without_address_text(binding)}, so its own is used: {evidence_text(binding.instead)}"


def _rank_text(election: Elected, binding: Binding) -> str:
    """Which rank of R4 decided."""
    if election.selector is not None:
        return f"the settings choose {election.selector}"
    if binding.offers == "settings":
        return "no default is documented, the kernel has none: the first NIC of `gateways` that is up"
    kind = binding.evidence.kind if binding.evidence else "kernel"
    if election.in_use:
        return "no metadata orders the NICs: the one whose default the kernel uses"
    if election.by_leases:
        return "no metadata orders the NICs: the first one that is up and has a known gateway"
    if kind == "advertised":
        rank = "the first network whose router advertises itself on a NIC that is up"
    elif election.by_metric:
        rank = f"the documented default with the best metric, {binding.metric}, on a NIC that is up"
    elif binding.offers == "documented" and kind not in ("kernel", "recorded"):
        rank = "the first network with a documented default on a NIC that is up"
    else:
        known = "that was removed earlier" if kind == "recorded" else "in the kernel"
        rank = f"the first network with a default {known} on a NIC that is up"
    return rank if binding.offers == "documented" else f"no default is documented: {rank}"


def _not_elected_reason(one: NotElected) -> str:
    label = binding_label(one.binding) if one.binding else ""
    if one.kind == "no-gateway":
        return f"no network has an IPv{one.family} gateway on a NIC that is up and has an address"
    if one.kind == "on-link":
        own = f"{label}'s own, which comes first, has no IPv{one.family} gateway"
        return f"no default is documented, and in the kernel {own}"
    if one.kind == "contradicted":
        cause = absence_text(one.binding) if one.binding is not None else ""
        return f"no default, and those that are there stay: {cause}; no network behind it takes its place"
    if one.kind == "damaged":
        cause = f"{one.place} is refused, and may name the one through {label}"
        return f"no default, and those that are there stay: {cause}; no network behind it takes its place"
    if one.kind == "unusable":
        causes = ", ".join([*map(_unusable_cause, one.bindings), *_missed_causes(one)])
        return "no default: it is documented, and no NIC can carry it" + (f" ({causes})" if causes else "")
    why = {
        "no-network": f"no IPv{one.family} network of the metadata fits",
        "absent": absence_text(one.binding) if one.binding else "",
        "down": f"{label} is down",
        "no-address": f"{label} has no IPv{one.family} address (yet)",
        "unknown-gateway": f"{label} has no known IPv{one.family} gateway",
    }[one.kind]
    return f"the settings choose {one.selector} for the default route, but {why}; the default routes stay as they are"


def _missed_causes(one: NotElected) -> list[str]:
    """Why the default entries that name another NIC don't help, but for what the networks' own causes say."""
    missed = [miss for miss in one.missed if miss.kind != "conflict" and miss.binding not in one.bindings]
    texts = [f"{miss.host.place}: {unresolved_cause(miss)}" for miss in missed[:SHOWN]]
    return [*texts, f"{len(missed) - SHOWN:,} more"] if len(missed) > SHOWN else texts


def _unusable_cause(binding: Binding) -> str:
    """Why a NIC can't carry a default route."""
    label = binding_label(binding)
    if binding.nic is None:
        return absence_text(binding)
    return f"{label} has no IPv{binding.family} address" if binding.nic.up else f"{label} is down"
