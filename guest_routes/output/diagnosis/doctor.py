"""`doctor` for people and as JSON. Pure."""

from __future__ import annotations

from ...model.decision import Elected
from ...model.document import Provenance
from ...model.network import MAIN_TABLE, address_text, is_link_local, mac_text
from ...routing.compare import ifindexes
from ...routing.elect import managed_ifindexes
from ..folding import LABEL_WIDTH, first_of, labelled, wrapped
from ..route_text import age_text, counted, nic_names
from ..source_routing import prevention_text
from ..words.elections import election_reason, observed_text
from ..words.evidence import evidence_text, provenance_text
from ..words.obstacles import after
from .findings import difference_text, finding_words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Sequence

    from ...model.decision import Binding
    from ...model.diagnosis.inspection import Finding, Inspection, NicView, SourceAnswer
    from ...model.evidence import GatewayEvidence
    from ...model.lease import Lease
    from ...model.network import Address, Nic, Route

_BY_A_PASS = frozenset(
    ("doubtful", "routes-left", "extra-default", "missing-routes", "source-drift", "partial-document", "not-programmed",
     "withdrawn", "wrong-configuration")
)  # fmt: skip
"""What `sync`, `plan` or `correct` deals with: none of them does anything where an obstacle is."""
_BY_EXPORT = frozenset(("use-routes", "dhcp-default"))
"""What `export` deals with, which only wrong settings keep from it."""
_THROWN = "; source routing leaves them to the main table, "


def doctor_lines(inspection: Inspection, found: Sequence[Finding]) -> list[str]:
    """The machine, NIC by NIC, and then each finding with what to do."""
    lines = _pass(inspection)
    running = ", ".join(inspection.running) or "no known network manager or DHCP client"
    lines += labelled("running", running)
    for view in inspection.nics:
        lines += ["", *_nic(view, report_missing=inspection.report is None), *_answers(view, inspection)]
    lines += ["", *_cross_checks(inspection)]
    lines += ["", f"{counted(len(found), 'finding')}:" if found else "nothing found"]
    for finding in found:
        what, remedy = _words(finding, inspection)
        lines += wrapped(f"! {what}", 2, 0)
        lines += wrapped(f"-> {remedy}", 9, 6)
    return lines


def _words(finding: Finding, inspection: Inspection) -> tuple[str, str]:
    """What is wrong, and what to do, with what that needs first."""
    what, remedy = finding_words(finding, _nics(inspection))
    obstacle = inspection.obstacle
    kept = finding.kind in _BY_A_PASS or (finding.kind in _BY_EXPORT and obstacle == "settings-wrong")
    return what, after(obstacle, remedy) if kept else remedy


def _nics(inspection: Inspection) -> tuple[Nic, ...]:
    """The NICs that routes are shown with."""
    return inspection.report.before.nics if inspection.report else tuple(view.nic for view in inspection.nics)


def _pass(inspection: Inspection) -> list[str]:
    report = inspection.report
    if report is None:
        return labelled("metadata", "none; the first finding says why")
    document = report.document
    lines = labelled("metadata", f"{provenance_text(document.provenance)}, {age_text(document.age_seconds)}")
    for one in report.elections:
        if isinstance(one, Elected):
            why = observed_text(one, report.suspicion is not None) if one in report.observed else election_reason(one)
            default = f"IPv{one.family} {address_text(one.gateway)} dev {one.nic.name}"
            lines += labelled("default", f"{default}: {why}")
    return lines


def _nic(view: NicView, report_missing: bool) -> list[str]:
    nic = view.nic
    shown = [str(a) for a in nic.addresses if not is_link_local(a.address)]
    addresses = " ".join([*shown, *(f"peer {peer}" for peer in nic.peers)]) or "no address"
    head = f"{nic.name.ljust(LABEL_WIDTH - 1)} {mac_text(nic.mac)}  {addresses}  {_state(nic)}".rstrip()
    why_not = "`ignore_nics` covers it" if view.ignored else "down, or a port of another NIC"
    metadata = labelled("  metadata", _metadata(view) or f"not asked: {why_not}")
    return [head, *_gateways(view, report_missing), *_managers(view), *_lease(view), *metadata]


def _answers(view: NicView, inspection: Inspection) -> list[str]:
    """The addresses of a NIC that answers to hosts outside don't leave by it for."""
    names = nic_names(_nics(inspection))
    plan = inspection.report.decision.source_routing if inspection.report else None
    on = plan is not None and plan.enabled
    table = inspection.report.table if inspection.report else MAIN_TABLE
    lines = []
    for one in view.answers:
        if one.answer.ifindex != view.nic.ifindex:
            nowhere = f"nowhere: {one.answer.error}" if one.answer.error else "nowhere"
            by = f"by {names.get(one.answer.ifindex, 'another NIC')}" if one.answer.ifindex else nowhere
            text = f"from {address_text(one.source)} to {address_text(one.destination)} leave {by}"
            remedy = "see below" if on else _answers_remedy(one, view.nic, table, _nics(inspection))
            dropped = ": a network that checks source addresses (Calico) drops them" if one.answer.ifindex else ""
            rest = _THROWN + _thrown_text(one.thrown, inspection) if one.thrown else f"{dropped}; {remedy}"
            lines += labelled("  answers", text + rest)
    return lines


def _thrown_text(main: Route, inspection: Inspection) -> str:
    """Why the main table decides."""
    bindings = inspection.report.resolution.bindings if inspection.report else ()
    names, managed = nic_names(_nics(inspection)), managed_ifindexes(bindings)
    through = sorted(ifindexes(main))
    outside = [names.get(ifindex, "another NIC") for ifindex in through if ifindex not in managed]
    if len(outside) == len(through):
        return "which sends them through no NIC of the metadata"
    every = " and ".join(names.get(ifindex, "another NIC") for ifindex in through)
    if outside:
        return f"whose route leads through {every}, and the metadata doesn't describe {' and '.join(outside)}"
    return f"whose route through {every} is for them"


def _answers_remedy(one: SourceAnswer, nic: Nic, table: int, nics: Sequence[Nic]) -> str:
    """What sends the answers by their NIC, and what has to be done for it besides.

    Args:
        table: the settings'.
    """
    if table != MAIN_TABLE:
        return f"source routing would send them by {nic.name}, and needs `table: main`: it is {table}"
    if one.against is not None:
        return f"`source_routing: true` alone would not send them by {nic.name}: {prevention_text(one.against, nics)}"
    return f"`source_routing: true` sends them by {nic.name}"


def _state(nic: Nic) -> str:
    """What is wrong with the link; "" when nothing is."""
    if not nic.up:
        return "down"
    return "" if nic.running else "no carrier"


def _in_force(binding: Binding) -> tuple[Address | None, GatewayEvidence | None]:
    """The gateway that routes lead by, and what it is known from."""
    return binding.gateway_in_force, binding.instead or binding.evidence


def _gateways(view: NicView, report_missing: bool) -> list[str]:
    unbound = "unknown: there is no metadata" if report_missing else "no network of the metadata is on this NIC"
    unbound = "not looked for: `ignore_nics` covers this NIC" if view.ignored else unbound
    lines = [] if view.bindings else labelled("  gateway", unbound)
    known = [
        f"{address_text(gateway)} ({evidence_text(known)})" if gateway is not None else "unknown"
        for gateway, known in map(_in_force, view.bindings)
    ]
    for text in first_of(known, "networks"):
        lines += labelled("  gateway", text)
    return lines


def _managers(view: NicView) -> list[str]:
    lines = [] if view.holders else labelled("  manager", "unknown")
    for one in view.holders:
        words = (one.manager, one.state, f"by {one.file}" if one.file else "")
        lines += labelled("  manager", " ".join(filter(None, words)))
    return lines


def _lease(view: NicView) -> list[str]:
    if view.lease is None:
        return []
    lease = view.lease
    leased = f"{address_text(lease.address)}, router {_routers(lease)} ({lease.client}, {lease.path})"
    return labelled("  lease", leased)


def _routers(lease: Lease) -> str:
    """Those that its default routes lead by, which needn't be option 3's (RFC 3442)."""
    used, option_3 = lease.default_routers, ", ".join(map(address_text, lease.routers))
    if not used and option_3:
        return f"none, since option 121 does away with {option_3}"
    named = ", ".join(dict.fromkeys(address_text(one.gateway) for one in used if one.option != 3))
    return named or option_3 or "none"


def _metadata(view: NicView) -> str:
    """Whether the metadata service answers through a NIC; "" when it wasn't asked."""
    if view.metadata is None:
        return ""
    if isinstance(view.metadata, Provenance):
        return f"answers ({provenance_text(view.metadata)})"
    return f"no answer: {view.metadata}"


def _cross_checks(inspection: Inspection) -> list[str]:
    checks = inspection.cross_checks
    agreed = [
        f"{one.library} reads the same {counted(one.compared, one.subject)}"
        for one in checks if one.compared is not None and not one.differences
    ]  # fmt: skip
    missing = [one.library for one in checks if one.compared is None]
    lines = labelled("cross-check", "; ".join(agreed)) if agreed else []
    if missing:
        lines += labelled("not checked", f"{' and '.join(missing)} not installed, or too old")
    return lines


def doctor_json(inspection: Inspection, found: Sequence[Finding]) -> dict[str, Any]:
    """`doctor --json`."""
    report = inspection.report
    nics = _nics(inspection)
    words = [(one.kind, *_words(one, inspection)) for one in found]
    return {
        "schema": "guest-routes/doctor/1",
        "exit_code": 1 if found else 0,
        "metadata": provenance_text(report.document.provenance) if report else None,
        "no_metadata": inspection.no_metadata,
        "running": list(inspection.running),
        "defaults": [
            {
                "family": one.family,
                "nic": one.nic.name,
                "gateway": address_text(one.gateway),
                "reason": election_reason(one),
            }
            for one in (report.elections if report else ())
            if isinstance(one, Elected)
        ],
        "nics": [_nic_json(view, nics) for view in inspection.nics],
        "cross_checks": [
            {
                "library": one.library,
                "installed": one.compared is not None,
                "differs": [difference_text(difference, nics) for difference in one.differences],
            }
            for one in inspection.cross_checks
        ],
        "findings": [{"kind": kind, "what": what, "remedy": remedy} for kind, what, remedy in words],
    }


def _nic_json(view: NicView, nics: Sequence[Nic]) -> dict[str, Any]:
    names = nic_names(nics)
    return {
        "name": view.nic.name,
        "mac": mac_text(view.nic.mac),
        "up": view.nic.up,
        "addresses": [str(address) for address in view.nic.addresses],
        "gateways": [
            {
                "family": binding.family,
                "gateway": address_text(gateway) if gateway is not None else None,
                "evidence": evidence_text(known),
            }
            for binding, (gateway, known) in zip(view.bindings, map(_in_force, view.bindings))
        ],
        "managers": [{"manager": one.manager, "state": one.state, "file": one.file} for one in view.holders],
        "lease": view.lease.place if view.lease else None,
        "metadata_answers": isinstance(view.metadata, Provenance),
        "metadata": _metadata(view),
        "rp_filter": view.rp_filter,
        "answers": [
            {
                "from": address_text(one.source),
                "to": address_text(one.destination),
                "nic": names.get(one.answer.ifindex),
            }
            for one in view.answers
        ],
    }
