"""One pass, for every way in: gather, decide, apply, verify, report.

Nothing is carried from pass to pass in memory; what has to last is in state.State's files.
"""

from __future__ import annotations

import time

from .errors import GuestRoutesError, StateError, WithdrawnError
from .evidence.find import find, tell_nobody
from .evidence.gather import always_here, disputable, gather, gather_again, snapshot, table_snapshot, with_routes_left
from .lookups import ask
from .model.operations import Outcome
from .model.report import Report, RolledBack
from .routing.decide import decide, settings_routes
from .routing.elect import managed_ifindexes
from .routing.ownership import without_left
from .state.store import LOCK_SECONDS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, Literal, Sequence

    from .evidence.document_file import Tell
    from .kernel.engine import Kernel
    from .model.document import Document
    from .model.evidence import Evidence
    from .model.network import KernelState, Route
    from .model.network_data import NetworkData
    from .model.plan import Decision
    from .model.report import PassError
    from .model.settings import Settings
    from .state.store import State

PROBE_SECONDS = 3.0
"""How long the metadata service gets to accept a connection after a pass that changed something (R8)."""
REPLANS = 5
"""So often a pass plans anew because the defaults changed while it ran."""


def sync(
    settings: Settings,
    state: State,
    kernel: Kernel,
    metadata_argument: str = "",
    tell: Tell = tell_nobody,
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
    tell: Tell = tell_nobody,
    accept_withdrawals: bool = False,
) -> Report:
    """The same without writing anything.

    Raises:
        GuestRoutesError: there is no metadata, or no kernel.
    """
    document = find(settings, kernel.nics, state, metadata_argument, tell)
    return dry_run_on(document, settings, state, kernel, snapshot(settings, state, kernel), accept_withdrawals)


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
    evidence = with_routes_left(gather(document, settings, state, before, fetched=True), settings, state, kernel)
    decision = decide(evidence, settings, accept_withdrawals)
    report = Report(evidence, decision, before, table=settings.table, protocol=settings.protocol)
    report = ask(report, kernel, settings.table, ahead=True)
    if report.decision.source_routing is None:
        return report
    from .source_routing import ask_sources

    return ask_sources(report, settings, kernel, ahead=bool(report.changes))


def recorded(state: State, make: Callable[[], Report]) -> Report:
    """Runs a pass and leaves what came of it for `status`, which must not go on saying that all is well.

    Raises:
        GuestRoutesError: as `make` does.
    """
    from .output.summary import last_pass_json

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
        report = _with_error(report, str(error))
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
    before_writing: Callable[[], None] | None = None,
    parsed: NetworkData | None = None,
) -> Report:
    """The part of a pass that writes, with a document that has been found.

    Args:
        unattended: nobody asked for this pass. It does nothing after a `withdraw` by hand, and where a document may
            be partial that the last known good can replace (R6), it only says so.
        lock_seconds: how long another pass is waited for.
        fetched: the document was fetched for this pass, and counts among those that agree (R6).
        before_writing: called before anything is written; what it raises ends the pass.
        parsed: what is in the document, where that is known already.

    Raises:
        GuestRoutesError: the document is none at all, no lock, no kernel; WithdrawnError after a `withdraw`.
    """
    with state.lock(lock_seconds) as unlocked:
        if unattended and state.is_withdrawn():
            raise WithdrawnError("withdrawn by hand; `guest-routes sync` programs the routes again")
        evidence = gather(document, settings, state, snapshot(settings, state, kernel), fetched, parsed)
        evidence = with_routes_left(evidence, settings, state, kernel)
        decision = decide(evidence, settings, accept_withdrawals)
        report = Report(evidence, decision, evidence.kernel, table=settings.table, protocol=settings.protocol)
        report = _with_error(report, unlocked)
        if not unattended:
            report = _attempt(report, state.clear_withdrawn)
        report = _remember(report, settings, state)
        if fetched and not accept_withdrawals:
            report = _attempt(report, lambda: _count_agreement(evidence, decision, state))
        if unattended and decision.suspicion and evidence.replaceable:
            return report._replace(set_aside=True)
        report = _attempt(report, lambda: _remember_routes(report, settings, state))
        if report.changes and before_writing is not None:
            before_writing()
        if report.plan.operations:
            report = _written(report, settings, state, kernel, accept_withdrawals)
        if report.decision.source_routing is not None:
            from .source_routing import apply_source_routing

            report = apply_source_routing(report, settings, state, kernel, lambda: _reachable(report, settings, kernel))
        report = ask(report, kernel, settings.table)  # With the rules as they are now.
        return _keep(report, state)


def _remember(report: Report, settings: Settings, state: State) -> Report:
    """Where this pass writes, for `withdraw`: nothing is kept while every pass has the defaults."""
    if always_here(settings, state):
        return report
    from .state.places import remember

    return _attempt(report, lambda: remember(state, settings))


def _remember_routes(report: Report, settings: Settings, state: State) -> None:
    """Which routes the settings name, for later passes with other ones (R6)."""
    wanted = settings_routes(report.decision, report.evidence, settings)
    if wanted != report.evidence.settings_routes:
        from .state.settings_routes import keep

        keep(state, wanted)


def _attempt(report: Report, change: Callable[[], None]) -> Report:
    """Does what only later passes need; where that can't be, the report says so, and the pass goes on (R19)."""
    try:
        change()
    except StateError as error:
        return _with_error(report, str(error))
    return report


def _with_error(report: Report, text: str) -> Report:
    return report._replace(state_errors=tuple(dict.fromkeys((*report.state_errors, text)))) if text else report


def _count_agreement(evidence: Evidence, decision: Decision, state: State) -> None:
    """Documents in a row that may be partial are counted; one that can't be begins anew (R6)."""
    if decision.disputed:
        state.count_agreement(disputable(evidence), evidence.agreeing_fetches)
    else:
        state.clear_agreements()


def _written(report: Report, settings: Settings, state: State, kernel: Kernel, accept_withdrawals: bool) -> Report:
    """Writes; where the defaults turn out not to be as the snapshot showed them, gathers and plans anew."""
    from .routing.planning.surprise import both, surprise

    report = _write(report, settings, state, kernel, accept_withdrawals)
    for _ in range(REPLANS):
        found = surprise(report, settings)
        if found is None:
            break
        kernel.apply(found.taken_back)
        taken_back = report.outcome._replace(done=(*report.outcome.done, *found.taken_back))
        now = snapshot(settings, state, kernel)
        evidence = with_routes_left(gather_again(report.evidence, settings, state, now), settings, state, kernel)
        decision = decide(evidence, settings, accept_withdrawals)
        again = report._replace(
            evidence=evidence, decision=decision, after=now, outcome=Outcome(), errors=(), unrecorded=False
        )
        if again.plan.operations:
            again = _write(again, settings, state, kernel, accept_withdrawals)
        report = both(report._replace(outcome=taken_back), again)
    return report


def _write(report: Report, settings: Settings, state: State, kernel: Kernel, accept_withdrawals: bool) -> Report:
    """Applies the plan and verifies it; puts the old state back when the pass did harm (R8)."""
    from .kernel.apply import apply, leaves_less, roll_back
    from .routing.planning.surprise import without_another
    from .routing.planning.verify import discrepancies, serving

    def record_defaults(routes: Sequence[Route]) -> None:
        from .routing.planning.restoration import recorded_defaults
        from .state.places import elsewhere

        foreign = without_left(routes, elsewhere(state, settings))
        managed = managed_ifindexes(report.resolution.bindings, report.before.nics)
        if foreign:
            state.record_defaults(recorded_defaults(foreign, report.before, managed), report.before.nics)

    def put_back(outcome: Outcome, cause: Literal["not-put-back", "metadata-unreachable"]) -> RolledBack:
        from .routing.planning.restoration import as_before, undoable, within_reach

        there = table_snapshot(settings, kernel)
        undo = undoable(outcome, report.before, there)
        refused = roll_back(
            undo, kernel, lambda done: within_reach(as_before(done, there, report.before), there, settings)
        )
        return RolledBack(cause, len(refused), len(outcome.done) - len(undo.done))

    try:
        outcome = apply(report.plan, kernel, record_defaults, without_another)
    except StateError as error:  # Nothing was written. Additions don't depend on what only removals need (R19).
        decision = decide(report.evidence, settings._replace(default_mode="observe"), accept_withdrawals)
        report = _with_error(report._replace(decision=decision, unrecorded=True), str(error))
        outcome = apply(report.plan, kernel, record_defaults, without_another)
    errors: tuple[PassError, ...] = ()
    if leaves_less(outcome):
        errors = (put_back(outcome, "not-put-back"),)
    elif not _reachable(report, settings, kernel):
        errors = (put_back(outcome, "metadata-unreachable"),)
    after = table_snapshot(settings, kernel, serving(report.plan))
    return report._replace(outcome=outcome, after=after, errors=errors or discrepancies(report.plan, outcome, after))


def _reachable(report: Report, settings: Settings, kernel: Kernel) -> bool:
    """Whether the metadata service that the document came from can still be asked."""
    if report.document.source != "http":
        return True
    from .evidence.http_endpoints import probe

    return probe(settings, kernel.nics(), PROBE_SECONDS)


def _keep(report: Report, state: State) -> Report:
    """Keeps the document if it was accepted (R10)."""
    document = report.document
    if report.suspicion or report.errors or document.expected_uuid or document.source in ("last-known-good", "leases"):
        return report
    macs = sorted({link.mac for link in report.data.links if link.mac})
    return _attempt(report, lambda: state.keep(document, macs, time.time() - document.age_seconds))
