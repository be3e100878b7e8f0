"""What is wrong, or will be, on this machine. Pure: what was seen in, findings out; output/diagnosis has the words."""

from __future__ import annotations

from ..model.decision import Elected
from ..model.diagnosis.inspection import Finding
from ..model.diagnosis.status import goes_on
from ..model.network import PROTOCOL_DHCP
from ..model.report import ExtraDefault, Overruled
from ..output.escape import escaped
from ..output.folding import first_of
from ..output.words.warnings import doubts
from ..routing.lookups.rules import is_reached, keeping_rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterator

    from ..model.configuration import Correction
    from ..model.decision import Binding
    from ..model.diagnosis.inspection import FindingKind, Inspection, NicView
    from ..model.network import Route
    from ..model.report import Report

UNFINISHED = ("configuring", "failed", "pending")
"""systemd-networkd's words for a NIC that it isn't done with."""
EXPORTED = ("systemd-networkd", "NetworkManager", "ifupdown")
"""Managers that `export` has a format for."""
UNREAD = ("ConnMan", "wicked")
"""Programs with a DHCP client of their own whose leases are not read."""


def findings(inspection: Inspection) -> tuple[Finding, ...]:
    """All of them, the most pressing first."""
    unusable: FindingKind = "settings-hidden" if inspection.settings_hidden else "settings-wrong"
    passes = goes_on(inspection.service, inspection.service_runs, inspection.withdrawn)
    found = [Finding(unusable, text=text, service_goes_on=passes) for text in inspection.settings_problems]
    if inspection.report is None:
        found.append(Finding("no-metadata", text=inspection.no_metadata))
    else:
        found += _pass(inspection.report)
        found += _doubtful(inspection, inspection.report)
        found += _unreachable(inspection, inspection.report)
    found += _service(inspection)
    found += [Finding("unused-file", unused=one) for one in inspection.unused]
    found += _managers(inspection)
    if inspection.correction is not None:
        found += _configuration(inspection.correction, inspection.route_command)
    for view in inspection.nics:
        found += _nic(view, inspection)
    found += _rp_filter(inspection)
    for check in inspection.cross_checks:
        found += [Finding("cross-check", managers=(check.library,), difference=one) for one in check.differences]
    return tuple(found)


def _unreachable(inspection: Inspection, report: Report) -> Iterator[Finding]:
    """The metadata service answers through no NIC, and what is used in its place may be out of date."""
    asked = [view for view in inspection.nics if view.metadata is not None]
    answers = [view.metadata for view in asked if not isinstance(view.metadata, str)]
    in_place = report.document.source in ("last-known-good", "cloud-init", "leases")
    if inspection.asks_http and in_place and not answers:
        reasons = dict.fromkeys(str(view.metadata) for view in asked)
        yield Finding("metadata-unreachable", tuple(view.nic.name for view in asked), text="; ".join(reasons))


def _service(inspection: Inspection) -> Iterator[Finding]:
    """A service that should run and doesn't, and what it has met with."""
    if inspection.withdrawn:
        yield Finding("withdrawn")
    if inspection.settings_unread:
        yield Finding("settings-unread")
    if inspection.unit == "not-enabled":
        yield Finding("service-not-enabled")
    if inspection.service_runs and inspection.service is not None:
        for conflict in inspection.service.conflicts:
            yield Finding("conflict", conflict=conflict)
        if inspection.service_overdue:
            yield Finding("service-overdue")
    elif inspection.service is not None:
        yield Finding("service-ended")
    elif inspection.unit == "enabled":
        yield Finding("service-not-running")


def _pass(report: Report) -> Iterator[Finding]:
    """What a pass would change or can't do."""
    for unused in report.document.unused:
        yield Finding("unused-file" if report.document.source == "argument" else "unused-drive", unused=unused)
    if report.suspicion is not None:
        yield Finding("partial-document", suspicion=report.suspicion)
    for default in report.plan.defaults:
        for route in default.extras:
            yield Finding("extra-default", route=route, stays=not default.removals)
    for one in report.unprogrammed:
        if isinstance(one, ExtraDefault):
            yield Finding("extra-default", route=one.route, unprogrammed=(one,), stays=True)
    yield from _not_in_effect(report)
    for conflict in report.source_conflicts:
        yield Finding("source-routing", (conflict.nic.name,), source_conflict=conflict)
    by_source = report.decision.source_routing
    if by_source is not None and by_source.operations:
        yield Finding("source-drift", missing=len(by_source.operations))


def _not_in_effect(report: Report) -> Iterator[Finding]:
    """Routes that are not there, or that the kernel doesn't go by; what a missing rule leads to is no finding apart."""
    unruled = tuple(_no_rule(report))
    yield from unruled
    missing = len(_missing(report)) - sum(one.missing for one in unruled)
    if missing:
        yield Finding("missing-routes", missing=missing)
    missed = (one for one in report.unprogrammed if not isinstance(one, ExtraDefault))
    unprogrammed = tuple(one for one in missed if not (isinstance(one, Overruled) and one.unruled))
    if unprogrammed:
        yield Finding("not-programmed", unprogrammed=unprogrammed)


def _doubtful(inspection: Inspection, report: Report) -> Iterator[Finding]:
    """What is wrong with the document and with the other evidence, but for what is a finding of its own."""
    leases = report.evidence.leases.problems if report.evidence.leases else ()
    named = {str(one) for one in (*report.document.unused, *inspection.unused, *leases)}
    texts = [escaped(text) for text in doubts(report) if text not in named]
    for text in first_of(texts, "doubts"):
        yield Finding("doubtful", text=text)
    for one in report.evidence.elsewhere:
        yield Finding("routes-left", elsewhere=one)


def _no_rule(report: Report) -> Iterator[Finding]:
    """For each family with routes that no packet comes to, one of them, and how many are not in place.

    The kernel checks IPv4 gateways by the rules: a pass can't add those before there is one.
    """
    planned = [default.route for default in report.plan.defaults] + [one.route for one in report.plan.routes]
    for family in (4, 6):
        first = next((route for route in planned if route is not None and route.family == family), None)
        if first is not None and not is_reached(report.before, family, first.table):
            missing = sum(route.family == family for route in _missing(report))
            keeping = keeping_rule(report.before, family, first.table)
            yield Finding("no-rule", route=first, rule=keeping, missing=missing)


def _missing(report: Report) -> list[Route]:
    """The planned routes that a pass adds."""
    hosts = [one.route for one in report.plan.routes if one.verdict == "add"]
    return hosts + [one.route for one in report.plan.defaults if one.verdict == "add" and one.route is not None]


def _managers(inspection: Inspection) -> Iterator[Finding]:
    """Two that configure the same NIC, or two at once."""
    for view in inspection.nics:
        names = sorted({one.manager for one in view.holders})
        if len(names) > 1:
            yield Finding("two-managers", (view.nic.name,), tuple(names))
    claimed = {one.manager for view in inspection.nics for one in view.holders}
    running = ("systemd-networkd", "NetworkManager")
    idle = [name for name in running if name in inspection.running and name not in claimed]
    if len(claimed) == 1 and idle:
        yield Finding("idle-manager", managers=(idle[0], *claimed))


def _configuration(correction: Correction, route_command: bool) -> Iterator[Finding]:
    """Wrong routes in what cloud-init wrote for the manager."""
    wrong = tuple(one for one in correction.verdicts if one.verdict in ("moved", "removed"))
    if wrong:
        yield Finding("wrong-configuration", verdicts=wrong)
    for one in correction.verdicts:
        if one.verdict == "left":
            yield Finding("wrong-configuration-left", verdicts=(one,))
    used = any(one.calls_route for one in correction.files)
    if used and not route_command:
        yield Finding("no-route-command")


def _nic(view: NicView, inspection: Inspection) -> Iterator[Finding]:
    name = (view.nic.name,)
    for holder in view.holders:
        if holder.state in UNFINISHED:
            yield Finding("not-configured", name, (holder.manager,), holder.state)
    if view.takes_routes and _default_is_elsewhere(view, inspection.report):
        yield Finding("use-routes", name)
    elif not view.takes_routes and _dhcp_default(view, inspection.report):
        exported = tuple(one.manager for one in view.holders if one.manager in EXPORTED)
        if exported:
            yield Finding("dhcp-default", name, exported[:1])
    yield from _routes_unknown(view, inspection)


def _routes_unknown(view: NicView, inspection: Inspection) -> Iterator[Finding]:
    """What no source names of a NIC's gateway and routes."""
    name = (view.nic.name,)
    for binding in view.bindings:
        if binding.gateway is None and _needs_gateway(binding, inspection.report):
            yield Finding("no-gateway", name, binding=binding)
    unread = tuple(one for one in inspection.running if one in UNREAD)
    if unread and view.lease is None and any(_wants_lease(binding) for binding in view.bindings):
        yield Finding("unread-lease", name, unread)


def _needs_gateway(binding: Binding, report: Report | None) -> bool:
    """Whether a gateway is lacking: the document omits the routes, or a next hop would have to be it.

    An isolated network has none, and one with routes by its own neighbours needs none (R3).
    """
    network = binding.network
    if network is not None and network.omits_routes and not network.lists_routes:
        return True
    missed = report.resolution.unresolved if report else ()
    return any(one.kind == "unknown-gateway" and one.binding == binding for one in missed)


def _wants_lease(binding: Binding) -> bool:
    return binding.network is not None and binding.network.omits_routes and binding.family == 4


def _default_is_elsewhere(view: NicView, report: Report | None) -> bool:
    """Whether another NIC has IPv4's default route."""
    elected = [one for one in (report.elections if report else ()) if isinstance(one, Elected) and one.family == 4]
    return any(one.nic.ifindex != view.nic.ifindex for one in elected)


def _dhcp_default(view: NicView, report: Report | None) -> bool:
    """Whether a DHCP client has made a default route through the NIC that should not be there."""
    extras = [route for default in (report.plan.defaults if report else ()) for route in default.extras]
    return any(route.ifindex == view.nic.ifindex and route.protocol == PROTOCOL_DHCP for route in extras)


def _rp_filter(inspection: Inspection) -> Iterator[Finding]:
    documented = [view for view in inspection.nics if any(binding.network for binding in view.bindings)]
    strict = tuple(view.nic.name for view in documented if view.rp_filter == 1)
    if strict and len(inspection.nics) > 1:
        yield Finding("rp-filter", strict)
