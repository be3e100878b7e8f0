"""One pass, for every way in: fetch, parse, snapshot, resolve, elect, plan, apply, verify.

Nothing is carried from pass to pass in memory; what has to last is in state.State's files.
"""

from __future__ import annotations

import time

from . import metadata, network_data, policy
from .apply import apply, leaves_less, roll_back
from .document import Beside, NetworkData
from .doubt import AGREEING_FETCHES, doubt, silence
from .elect import described, elect
from .errors import StateError, WithdrawnError
from .kernel import Kernel, open_kernel
from .model import Nic, Route
from .plan import plan
from .policy import Settings
from .report import Report
from .resolve import NOTHING_BESIDE, resolve
from .state import LOCK_SECONDS, LastKnownGood, State
from .verify import discrepancies, overruled, probes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, Sequence, TypeAlias

    from .fetched import Document

PROBE_SECONDS = 3.0
"""How long the metadata service gets to accept a connection after a pass that changed something (R8)."""

Tell: TypeAlias = "Callable[[str], None]"


def sync(
    settings: Settings,
    state: State,
    given: str = "",
    write: bool = True,
    accept_withdrawals: bool = False,
    tell: Tell = lambda text: None,
    kernel: Kernel | None = None,
    stand_in: bool = True,
) -> Report:
    """One pass; with `write` False the same without writing anything.

    Args:
        given: `--metadata`: where the document is, instead of the settings' sources.
        tell: is told what is being waited for.
        kernel: an engine that is open already, left open.
        stand_in: whether DHCP leases stand in for a document where there is none.

    Raises:
        GuestRoutesError: nothing could be done at all: no metadata, no lock, no kernel.
    """
    opened = kernel or open_kernel(settings.engine)
    try:
        document = metadata.find(settings, opened.nics, state, given, tell, stand_in=stand_in)
        if not write:
            data = network_data.parse(document.data)
            return _look(settings, state, document, data, opened, accept_withdrawals)
        return program(document, settings, state, opened, accept_withdrawals)
    finally:
        if kernel is None:
            opened.close()


def program(
    document: Document,
    settings: Settings,
    state: State,
    kernel: Kernel,
    accept_withdrawals: bool = False,
    by_itself: bool = False,
    lock_seconds: float = LOCK_SECONDS,
    fetched: bool = True,
) -> Report:
    """The part of a pass that writes, with a document that has been found.

    Args:
        by_itself: nobody asked for this pass. It does nothing after a `withdraw` by hand, and where a document is
            in doubt that the last known good can stand in for (R6), it only says so.
        lock_seconds: how long another pass is waited for.
        fetched: the document was fetched for this pass, and counts among those that agree (R6).

    Raises:
        GuestRoutesError: the document is none at all, no lock, no kernel; WithdrawnError after a `withdraw`.
    """
    data = network_data.parse(document.data)
    with state.lock(lock_seconds):
        if not by_itself:
            state.clear_withdrawn()
        elif state.is_withdrawn():
            raise WithdrawnError("withdrawn by hand; `guest-routes sync` programs the routes again")
        report = _look(settings, state, document, data, kernel, accept_withdrawals, count=fetched)
        if (
            by_itself
            and report.doubt
            and document.source != "last-known-good"
            and not state.last_known_good(report.before.nics).reason
        ):
            return report._replace(set_aside=True)
        if report.changes:
            report = _write(report, settings, state, kernel)
        return _check(report, state, kernel)


def _look(
    settings: Settings,
    state: State,
    document: Document,
    data: NetworkData,
    kernel: Kernel,
    accept_withdrawals: bool,
    count: bool = False,
) -> Report:
    """Everything up to the plan."""
    before = kernel.snapshot(settings.table)
    foreign = [r for r in before.routes if not r.destination.length and r.protocol != settings.protocol]
    recorded = state.recorded_defaults(before.nics)
    fresh = document.source != "last-known-good"
    known = state.last_known_good(before.nics) if fresh else LastKnownGood()
    if document.source in policy.DOCUMENT_SOURCES and not document.properties:
        # meta_data.json didn't come in time: what it said last is truer than nothing.
        document = document._replace(properties=known.properties)
    beside = _beside(settings, document, data, before.nics, state)
    data = data._replace(complaints=data.complaints + beside.complaints)
    resolution = resolve(data, before.nics, settings, foreign, recorded, beside)
    elections = tuple(elect(resolution.bindings, settings, family) for family in (4, 6))
    suspicion = ""
    speaking = beside.told.speaking if beside.told else frozenset()
    if not accept_withdrawals and not fresh:
        suspicion = silence(resolution, before, settings.protocol, speaking)
    elif not accept_withdrawals:
        suspicion = doubt(data, resolution, before, known.macs, settings.protocol, speaking)
        evidence = document.data + " ".join(map(str, beside.leased)).encode()
        if suspicion and count and state.agreements(evidence) >= AGREEING_FETCHES:
            suspicion = ""
        elif count and not suspicion:
            state.clear_agreements()
    made = plan(resolution, elections, described(resolution.bindings), before, settings, withdraw=not suspicion)
    report = Report(document, data, before, resolution, elections, made, before, doubt=suspicion, beside=beside)
    return report._replace(warnings=tuple(_warnings(report)))


def _beside(settings: Settings, document: Document, data: NetworkData, nics: Sequence[Nic], state: State) -> Beside:
    """Properties and leases, where there may be any to go by."""
    if document.properties in ("", "null") and not any(one.silent for one in data.networks):
        return NOTHING_BESIDE
    from .testimony import gather

    return gather(settings, document, data, nics, state.root)


def _warnings(report: Report) -> list[str]:
    """What an operator should know although nothing failed."""
    found = []
    if report.doubt:
        held = len(report.plan.held)
        stays = f"{held:,} route{'s' * (held != 1)} of ours stay{'s' * (held == 1)}" if held else "nothing is withdrawn"
        found.append(
            f"the document may be partial: {report.doubt}; {stays} until {AGREEING_FETCHES} fetches in a row agree "
            "(or --accept-withdrawals)"
        )
    if report.document.source == "leases":
        found.append(f"no metadata: {report.document.where}; `guest-routes sync` goes by the metadata once it is there")
    else:
        found += _silences(report)
    told = report.beside.told
    expired = [lease for lease in told.leases if lease.expired(told.now)] if told else []
    found += [f"{lease.place} has expired; still the best there is, but its client seems gone" for lease in expired]
    found += [str(complaint) for complaint in report.data.complaints if not complaint.refused]
    return found


def _silences(report: Report) -> list[str]:
    """What the metadata leaves out, and what is used instead; why is said once."""
    found = []
    cause = "; Nova 27.3 and later omit routes of DHCP subnets"
    told = report.beside.told
    for binding in report.resolution.bindings:
        network, name = binding.network, binding.label
        if network is None or not network.silent:
            continue
        using = "its gateway is not known either"
        if binding.evidence.startswith(f"{name}'s DHCP lease"):
            using = f"using its{binding.evidence[len(name) + 2 :]}"
        elif binding.gateway:
            using = f"using {binding.evidence}"
        elif told is not None and binding.nic is not None and told.of(binding.nic.ifindex) is None:
            using += f" (no DHCP lease found); name it in the settings: `gateways: {{{name}: ADDRESS}}`"
        place = f"networks[{network.index}], type {network.kind}{cause}"
        found.append(f"metadata is silent about {name} ({place}); {using}")
        cause = ""
    return found


def _write(report: Report, settings: Settings, state: State, kernel: Kernel) -> Report:
    """Applies the plan and verifies it; puts the old state back when the pass did harm (R8)."""

    def record(routes: Sequence[Route]) -> None:
        state.record_defaults(routes, report.before.nics)

    outcome = apply(report.plan, kernel, record)
    errors: tuple[str, ...] = ()
    harm = "the kernel refused to put a route of ours back" if leaves_less(outcome) else ""
    if not harm and not _reachable(report, settings, kernel):
        harm = "the metadata service can't be reached any more since the routes were written"
    if harm:
        refused = roll_back(outcome, kernel)
        end = f", except {len(refused)} that the kernel refused" if refused else ""
        errors = (f"{harm}; the routes are as they were before the pass{end}",)
    after = kernel.snapshot(settings.table)
    if not harm:
        errors = discrepancies(report.plan, outcome, after)
    return report._replace(outcome=outcome, after=after, errors=errors)


def _reachable(report: Report, settings: Settings, kernel: Kernel) -> bool:
    """Whether the metadata service that the document came from can still be asked."""
    if report.document.source != "http":
        return True
    from .ways import probe

    return probe(settings, kernel.nics(), PROBE_SECONDS)


def _check(report: Report, state: State, kernel: Kernel) -> Report:
    """Asks the kernel where another route or a rule could win; keeps the document if it was accepted."""
    asked = probes(report.plan, report.after)
    if asked and not report.errors:
        report = report._replace(overruled=overruled(asked, kernel.lookup([p.address for p in asked]), report.after))
    if not report.doubt and not report.errors and report.document.source not in ("last-known-good", "leases"):
        macs = sorted({link.mac for link in report.data.links if link.mac})
        try:
            state.keep(report.document, macs, time.time() - report.document.age_seconds)
        except StateError as error:
            report = report._replace(warnings=(*report.warnings, str(error)))
    return report
