"""What an operator should know although nothing failed, and what is odd and changes nothing. Pure."""

from __future__ import annotations

from ...model.network import address_text
from ...routing.ownership import is_of
from ...routing.partial import AGREEING_FETCHES
from ..escape import escaped
from .evidence import binding_label, elsewhere_text, evidence_text, lease_text, other_uuid_text, provenance_text

_UNKNOWN_ROUTES = "its host routes are unknown"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterator

    from ...model.decision import Binding, UnusedGateway
    from ...model.evidence import Elsewhere, GatewayEvidence
    from ...model.lease import Lease
    from ...model.network import Nic
    from ...model.report import Report

SHOWN = 16
"""So many are written; a document may be wrong in a thousand places."""


def warning_texts(report: Report, left: bool = True) -> list[str]:
    """Each in one line, those of the files of state last.

    Args:
        left: with what passes with other settings have left.
    """
    found = [*_passed_over(report), *_partial(report)]
    if report.document.source == "leases":
        nics = ", ".join(report.document.provenance.nics)
        text = f"no metadata: using the DHCP leases of {nics}"
        found.append(f"{text}; `guest-routes sync` uses the metadata once it can be fetched")
    else:
        found += _omissions(report)
    found += doubts(report)
    found += map(left_text, _left(report)) if left else []
    if not found:
        return list(report.state_errors)
    from ..folding import first_of

    return [*first_of(list(map(escaped, found)), "warnings", SHOWN), *report.state_errors]


def _left(report: Report) -> Iterator[Elsewhere]:
    """What passes with other settings have left, but for defaults that this one has taken away."""
    for one in report.evidence.elsewhere:
        if one.table == report.table:
            one = one._replace(routes=sum(is_of(route, one.protocol) for route in report.after.routes))
        if one.routes or one.rules:
            yield one


def left_text(one: Elsewhere) -> str:
    """Routes of ours that the settings don't name any more, and what removes them."""
    return f"{elsewhere_text(one)}; `guest-routes withdraw` removes them, too"


def doubts(report: Report) -> list[str]:
    """What is wrong with what the pass went by, and with what it left aside."""
    found = _other_instance(report)
    if report.resolution.unused_gateways:
        found += _unused_gateways(report)
    leases = report.evidence.leases
    expired = [lease for lease in leases.leases if lease.expired(leases.now)] if leases else []
    found += [f"{lease.place} has expired and is still used; its DHCP client may have stopped" for lease in expired]
    return [*found, *(str(problem) for problem in report.evidence.problems if not problem.refused)]


def _unused_gateways(report: Report) -> list[str]:
    """The entries of `gateways` that are not used (R12)."""
    return [f"{one.setting.place} is not used: {_unused_cause(one)}" for one in report.resolution.unused_gateways]


def _unused_cause(one: UnusedGateway) -> str:
    from .reasons import no_gateway_text

    if one.kind == "another-entry":
        return "an entry before it is for the same subnet"
    if one.kind == "nothing-fits":
        return "no NIC and no network fits it"
    if one.kind == "other-subnet":
        return f"{address_text(one.setting.gateway)} is in {one.owner}'s subnet, and in none of its own"
    return no_gateway_text(one.setting.gateway, one.kind, one.owner)


def _other_instance(report: Report) -> list[str]:
    """The answer that was used although it doesn't name this instance (R11)."""
    document = report.document
    if not document.expected_uuid:
        return []
    text = f"{other_uuid_text(document)}. It is used, and not kept, since"
    if document.source == "http":
        return [f"{text} nothing else answered within the deadline; check which machine answers there"]
    return [f"{text} no other source has a document; check where that is from"]


def _passed_over(report: Report) -> list[str]:
    """Why the metadata service's document isn't the one that was used."""
    document = report.document
    reason = dict(document.passed_over).get("http")
    if reason is None or document.source == "leases":
        return []
    return [f"http: {reason}; using {provenance_text(document.provenance)}"]


def _partial(report: Report) -> list[str]:
    if report.suspicion is None:
        return []
    from .outcomes import suspicion_text, until_text

    held = len(report.plan.held)
    stays = f"{held:,} route{'s' * (held != 1)} of ours stay{'s' * (held == 1)}" if held else "nothing is withdrawn"
    until = f"{until_text(report.suspicion, AGREEING_FETCHES)} (or --accept-withdrawals)"
    return [f"the document may be partial: {suspicion_text(report.suspicion)}; {stays} {until}"]


def _omissions(report: Report) -> list[str]:
    """What the metadata leaves out, and what is used instead; why is said once."""
    found = []
    cause = "; Nova 27.3 and later omit routes of DHCP subnets"
    for binding in report.resolution.bindings:
        network = binding.network
        if network is not None and network.omits_routes:
            place = f"networks[{network.index}], type {escaped(network.kind)}{cause}"
            found.append(f"the metadata omits {binding_label(binding)}'s routes ({place}); {_used(binding, report)}")
            cause = ""
    return found


def _used(binding: Binding, report: Report) -> str:
    """What a NIC's gateway is known from in place of the document, and whether anything has its host routes."""
    known = binding.evidence
    if known is not None and known.lease is not None:
        return _used_lease(binding, known, known.lease)
    leases, nic = report.evidence.leases, binding.nic
    lease = leases.of(nic.ifindex) if leases is not None and nic is not None else None
    if binding.gateway:
        routes = "" if lease is not None and lease.tells_routes else f"; {_UNKNOWN_ROUTES}"
        return f"using {evidence_text(known)}{routes}"
    unknown = "its gateway and its host routes are unknown"
    if lease is not None:
        return _unused_lease(binding, lease) or unknown
    if leases is not None and nic is not None:
        from .remedies import gateways_setting

        setting = gateways_setting(binding)
        no_lease = " (no DHCP lease found)" if binding.family == 4 else ""  # DHCPv6 names no router.
        return f"{unknown}{no_lease}; set the gateway: {setting}"
    return unknown


def _unused_lease(binding: Binding, lease: Lease) -> str:
    """What a lease says that names no gateway; "" where that is nothing."""
    if binding.nic is not None and lease.default_routers:
        return _without_router(lease, binding.nic) + ("" if lease.tells_routes else f"; {_UNKNOWN_ROUTES}")
    listing = binding.network is not None and binding.network.lists_routes
    return f"using its {lease.label}, which names no router" if listing else ""


def _used_lease(binding: Binding, known: GatewayEvidence, lease: Lease) -> str:
    routes = "" if lease.tells_routes else f"; {_UNKNOWN_ROUTES}"
    whose = "its" if binding.nic is None or lease.ifindex == binding.nic.ifindex else f"{lease.nic}'s"
    return f"using {whose} {lease_text(known, lease)}{routes}"


def _without_router(lease: Lease, nic: Nic) -> str:
    """Why the router that a lease names is no gateway."""
    router = lease.default_routers[0].gateway
    own = any(one.address == router for one in nic.addresses)
    why = f"is {escaped(nic.name)}'s own address" if own else "can't be its gateway"
    return f"{address_text(router)}, the router of its {lease.label}, {why}, so its gateway is unknown"
