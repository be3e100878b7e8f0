"""One pass, for every way in: gather, decide, apply, verify, report.

Nothing is carried from pass to pass in memory; what has to last is in state.State's files.
"""

from __future__ import annotations

import time

from .errors import GuestRoutesError, StateError, WithdrawnError
from .evidence.find import find
from .evidence.gather import disputable, gather, snapshot
from .kernel.apply import apply, leaves_less, roll_back
from .model.report import Report, RolledBack
from .routing.decide import decide
from .routing.elect import managed_ifindexes
from .routing.planning.verify import discrepancies, overruled, probes
from .state.store import LOCK_SECONDS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, Sequence, TypeAlias

    from .kernel.engine import Kernel
    from .model.document import Document
    from .model.evidence import Evidence
    from .model.network import KernelState, Route
    from .model.operations import Operation
    from .model.plan import Decision
    from .model.report import PassError
    from .model.settings import Settings
    from .state.store import State

PROBE_SECONDS = 3.0
"""How long the metadata service gets to accept a connection after a pass that changed something (R8)."""

Tell: TypeAlias = "Callable[[str], None]"
"""Gets a line about what is being waited for."""


def _tell_nobody(text: str) -> None:
    """Nobody watches."""


def sync(
    settings: Settings,
    state: State,
    kernel: Kernel,
    metadata_argument: str = "",
    tell: Tell = _tell_nobody,
    accept_withdrawals: bool = False,
    fallback: bool = True,
) -> Report:
    """One pass.

    Args:
        metadata_argument: `--metadata`: where the document is, instead of the settings' sources.
        accept_withdrawals: routes of ours go although the document may be partial (R6).
        fallback: whether DHCP leases replace a document where there is none.

    Raises:
        GuestRoutesError: nothing could be done at all: no metadata, no lock, no kernel.
    """
    document = find(settings, kernel.nics, state, metadata_argument, tell, fallback=fallback)
    return program(document, settings, state, kernel, accept_withdrawals)


def dry_run(
    settings: Settings,
    state: State,
    kernel: Kernel,
    metadata_argument: str = "",
    tell: Tell = _tell_nobody,
    accept_withdrawals: bool = False,
) -> Report:
    """The same without writing anything.

    Raises:
        GuestRoutesError: there is no metadata, or no kernel.
    """
    document = find(settings, kernel.nics, state, metadata_argument, tell)
    return dry_run_on(document, settings, state, kernel, snapshot(settings, kernel), accept_withdrawals)


def dry_run_on(
    document: Document,
    settings: Settings,
    state: State,
    kernel: Kernel,
    before: KernelState,
    accept_withdrawals: bool = False,
) -> Report:
    """The same for a document that has been found, and a snapshot of the settings' table.

    Raises:
        GuestRoutesError: the document is none at all, or the kernel can't be asked.
    """
    evidence = gather(document, settings, state, before, fetched=True)
    report = Report(evidence, decide(evidence, settings, accept_withdrawals), before)
    # What the kernel does with a route that is not there yet, or before another goes, can't be asked.
    if report.changes:
        return report
    report = _ask(report, kernel)
    if report.decision.source_routing is None:
        return report
    from .source_routing import ask_sources

    return ask_sources(report, settings, kernel)


def recorded(state: State, make: Callable[[], Report]) -> Report:
    """Runs a pass and leaves what came of it for `status`, which must not go on saying that all is well.

    Raises:
        GuestRoutesError: as `make` does.
    """
    from .output.json_documents import last_pass_json

    try:
        report = make()
    except GuestRoutesError as error:
        failed = {"finished": time.time(), "exit_code": error.exit_code, "error": str(error)}
        try:
            state.write_status({**state.read_status(), "failed": failed})
        except StateError as second:
            error.args = (f"{error}\n{second}",)
        raise
    try:
        state.write_status(last_pass_json(report, time.time()))
    except StateError as error:
        report = report._replace(state_errors=(*report.state_errors, str(error)))
    return report


def program(
    document: Document,
    settings: Settings,
    state: State,
    kernel: Kernel,
    accept_withdrawals: bool = False,
    unattended: bool = False,
    lock_seconds: float = LOCK_SECONDS,
    fetched: bool = True,
) -> Report:
    """The part of a pass that writes, with a document that has been found.

    Args:
        unattended: nobody asked for this pass. It does nothing after a `withdraw` by hand, and where a document may
            be partial that the last known good can replace (R6), it only says so.
        lock_seconds: how long another pass is waited for.
        fetched: the document was fetched for this pass, and counts among those that agree (R6).

    Raises:
        GuestRoutesError: the document is none at all, no lock, no kernel; WithdrawnError after a `withdraw`.
    """
    with state.lock(lock_seconds):
        if unattended and state.is_withdrawn():
            raise WithdrawnError("withdrawn by hand; `guest-routes sync` programs the routes again")
        evidence = gather(document, settings, state, snapshot(settings, kernel), fetched)
        if not unattended:
            state.clear_withdrawn()
        decision = decide(evidence, settings, accept_withdrawals)
        report = Report(evidence, decision, evidence.kernel)
        if fetched and not accept_withdrawals:
            _count_agreement(evidence, decision, state)
        if unattended and decision.suspicion and evidence.replaceable:
            return report._replace(set_aside=True)
        if report.plan.operations:
            report = _write(report, settings, state, kernel)
        report = _ask(report, kernel)
        if decision.source_routing is not None:
            from .source_routing import apply_source_routing

            report = apply_source_routing(report, settings, kernel, lambda: _reachable(report, settings, kernel))
        return _keep(report, state)


def _count_agreement(evidence: Evidence, decision: Decision, state: State) -> None:
    """Documents in a row that may be partial are counted; one that can't be begins anew (R6)."""
    if decision.disputed:
        state.count_agreement(disputable(evidence), evidence.agreeing_fetches)
    else:
        state.clear_agreements()


def _write(report: Report, settings: Settings, state: State, kernel: Kernel) -> Report:
    """Applies the plan and verifies it; puts the old state back when the pass did harm (R8)."""

    def record_defaults(routes: Sequence[Route]) -> None:
        from .routing.planning.restoration import recorded_defaults

        managed = managed_ifindexes(report.resolution.bindings)
        state.record_defaults(recorded_defaults(routes, report.before, managed), report.before.nics)

    def restorations(taken: Sequence[Route]) -> Sequence[Operation]:
        from .routing.planning.restoration import as_before

        return as_before(taken, kernel.snapshot(settings.table), report.before)

    outcome = apply(report.plan, kernel, record_defaults)
    errors: tuple[PassError, ...] = ()
    if leaves_less(outcome):
        errors = (RolledBack("not-put-back", len(roll_back(outcome, kernel, restorations))),)
    elif not _reachable(report, settings, kernel):
        errors = (RolledBack("metadata-unreachable", len(roll_back(outcome, kernel, restorations))),)
    after = kernel.snapshot(settings.table)
    return report._replace(outcome=outcome, after=after, errors=errors or discrepancies(report.plan, outcome, after))


def _reachable(report: Report, settings: Settings, kernel: Kernel) -> bool:
    """Whether the metadata service that the document came from can still be asked."""
    if report.document.source != "http":
        return True
    from .evidence.http_endpoints import probe

    return probe(settings, kernel.nics(), PROBE_SECONDS)


def _ask(report: Report, kernel: Kernel) -> Report:
    """Asks the kernel where another route or a rule could win."""
    asked = probes(report.plan, report.after)
    if not asked or report.errors:
        return report
    return report._replace(overruled=overruled(asked, kernel.lookup([probe.address for probe in asked])))


def _keep(report: Report, state: State) -> Report:
    """Keeps the document if it was accepted (R10)."""
    document = report.document
    if report.suspicion or report.errors or document.contradicts or document.source in ("last-known-good", "leases"):
        return report
    macs = sorted({link.mac for link in report.data.links if link.mac})
    try:
        state.keep(report.document, macs, time.time() - report.document.age_seconds)
    except StateError as error:
        return report._replace(state_errors=(*report.state_errors, str(error)))
    return report
