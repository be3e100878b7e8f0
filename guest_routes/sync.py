"""One pass, for every way in: fetch, parse, snapshot, resolve, elect, plan, apply, verify.

Nothing is carried from pass to pass in memory; what has to last is in state.State's files.
"""

from __future__ import annotations

import time

from . import metadata, network_data
from .apply import apply, leaves_less, roll_back
from .document import NetworkData
from .doubt import AGREEING_FETCHES, doubt
from .elect import described, elect
from .errors import StateError
from .kernel import Kernel, open_kernel
from .model import Route
from .plan import plan
from .policy import Settings
from .report import Report
from .resolve import resolve
from .state import State
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
) -> Report:
    """One pass; with `write` False the same without writing anything.

    Args:
        given: `--metadata`: where the document is, instead of the settings' sources.
        tell: is told what is being waited for.
        kernel: an engine that is open already, left open.

    Raises:
        GuestRoutesError: nothing could be done at all: no metadata, no lock, no kernel.
    """
    opened = kernel or open_kernel(settings.engine)
    try:
        document = metadata.find(settings, opened.nics, state, given, tell)
        data = network_data.parse(document.data)
        if not write:
            return _look(settings, state, document, data, opened, accept_withdrawals)
        with state.lock():
            report = _look(settings, state, document, data, opened, accept_withdrawals, count=True)
            if report.changes:
                report = _write(report, settings, state, opened)
            return _check(report, state, opened)
    finally:
        if kernel is None:
            opened.close()


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
    resolution = resolve(data, before.nics, settings, foreign, recorded)
    elections = tuple(elect(resolution.bindings, settings, family) for family in (4, 6))
    suspicion = ""
    if document.source != "last-known-good" and not accept_withdrawals:
        known = state.last_known_good(before.nics).macs
        suspicion = doubt(data, resolution, before, known, settings.protocol)
        if suspicion and count and state.agreements(document.data) >= AGREEING_FETCHES:
            suspicion = ""
        elif count and not suspicion:
            state.clear_agreements()
    made = plan(resolution, elections, described(resolution.bindings), before, settings, withdraw=not suspicion)
    report = Report(document, data, before, resolution, elections, made, before, doubt=suspicion)
    return report._replace(warnings=tuple(_warnings(report)))


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
    for binding in report.resolution.bindings:
        network = binding.network
        if network is not None and network.silent:
            using = f"using {binding.evidence}" if binding.gateway else "its gateway is not known either"
            found.append(
                f"metadata is silent about {binding.label} (networks[{network.index}], type {network.kind}); {using}"
            )
    found += [str(complaint) for complaint in report.data.complaints if not complaint.refused]
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
    if not report.doubt and not report.errors and report.document.source != "last-known-good":
        macs = sorted({link.mac for link in report.data.links if link.mac})
        try:
            state.keep(report.document, macs, time.time() - report.document.age_seconds)
        except StateError as error:
            report = report._replace(warnings=(*report.warnings, str(error)))
    return report
