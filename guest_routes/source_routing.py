"""Source routing's part of a pass: apply, verify, ask; and its withdrawal (R21).

It comes after the settings' table has been written, and for that table as it then is.
"""

from __future__ import annotations

from .errors import StateError
from .evidence.gather import snapshot, source_tables, table_snapshot
from .model.decision import Resolution
from .model.source_routing import SourceRoutingOutcome
from .routing.ownership import is_ours
from .routing.source_routing.conflicts import may_decide
from .routing.source_routing.plan import main_after, plan_source_routing
from .state.places import keep_source_tables

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, Iterable

    from .kernel.engine import Kernel
    from .model.network import KernelState
    from .model.report import Report
    from .model.settings import Settings
    from .model.source_routing import SourceRoutingPlan
    from .state.store import State


def apply_source_routing(
    report: Report, settings: Settings, state: State, kernel: Kernel, is_reachable: Callable[[], bool]
) -> Report:
    """Applies the plan of the decision, verifies it, and asks the kernel where another rule could win.

    Args:
        is_reachable: whether the metadata service can still be asked; else rules and tables are put back (R8).
    """
    plan = report.decision.source_routing
    assert plan is not None
    before = report.evidence.kernel
    if report.errors or report.outcome.failures:  # The settings' table is not as it was planned.
        before = snapshot(settings, state, kernel)
        plan = _replanned(report, before, settings)
        report = report._replace(decision=report.decision._replace(source_routing=plan))
    if not plan.operations:
        return ask_sources(_remember(report, (), before, settings, state), settings, kernel)
    report = _remember(report, source_tables(settings, state), before, settings, state)
    from .kernel.apply_source import apply_source, roll_back_source
    from .routing.source_routing.stages import inverse, stages

    outcome = apply_source(stages(plan), kernel)
    if outcome.done and not is_reachable():
        return report._replace(
            source_outcome=roll_back_source(outcome, inverse(outcome.done, before.tables or ()), kernel)
        )
    after = snapshot(settings, state, kernel)
    again = _replanned(report, after, settings)
    report = report._replace(source_outcome=outcome._replace(remaining=again.operations), after=after)
    return ask_sources(_remember(report, (), after, settings, state), settings, kernel)


def _remember(report: Report, written: Iterable[int], now: KernelState, settings: Settings, state: State) -> Report:
    """Keeps which tables have, or will have, routes of ours; where that can't be, the pass goes on (R19).

    Args:
        written: those that an earlier pass may have left.
    """
    plan = report.decision.source_routing
    assert plan is not None
    tables = {*written, *(one.table for one in plan.tables)}
    tables.update(route.table for route in now.tables or () if is_ours(route, settings))
    try:
        keep_source_tables(state, settings.protocol, tables)
    except StateError as error:
        return report._replace(state_errors=(*report.state_errors, str(error)))
    return report


def _replanned(report: Report, now: KernelState, settings: Settings) -> SourceRoutingPlan:
    """The plan for what is there now."""
    decision, withdraw = report.decision, report.decision.suspicion is None
    return plan_source_routing(decision.resolution, decision.elections, now.routes, now, settings, withdraw)


def ask_sources(report: Report, settings: Settings, kernel: Kernel, ahead: bool = False) -> Report:
    """Asks the kernel, as of now, where packets with each NIC's address leave, if another rule could decide.

    Args:
        ahead: the plan has not been carried out yet; the answer is what will be then, as far as that can be known.
    """
    plan, outcome, rules = report.decision.source_routing, report.source_outcome, report.after.rules
    if plan is None or report.source_routing_failed or not any(may_decide(rule, settings) for rule in rules):
        return report
    from .routing.elect import managed_ifindexes
    from .routing.source_routing.verify import deciding_tables, overruled_sources, source_probes

    others = kernel.tables(deciding_tables(plan, report.after, settings))
    managed = managed_ifindexes(report.resolution.bindings)
    probes = tuple(source_probes(plan, report.after, settings, others, managed))
    if not probes:
        return report
    answers = [kernel.lookup([one.destination], one.source)[0] for one in probes]
    if ahead:
        from .routing.source_routing.prediction import overruled_after_plan

        main = main_after(report.before.routes, report.plan)
        overruled = overruled_after_plan(probes, answers, main, others, report.after, settings)
    else:
        overruled = overruled_sources(probes, answers, report.after, settings)
    return report._replace(source_outcome=(outcome or SourceRoutingOutcome())._replace(overruled=overruled))


def withdraw_source_routing(
    before: KernelState, settings: Settings, state: State, kernel: Kernel
) -> SourceRoutingOutcome | None:
    """Removes every rule of ours, and the routes of ours in their tables and those of NICs; None: there are none."""
    from .kernel.apply_source import apply_source
    from .routing.source_routing.nics import tables_to_read
    from .routing.source_routing.stages import stages

    off = settings._replace(source_routing=False)

    def plan_for(there: KernelState) -> SourceRoutingPlan:
        now = there._replace(tables=kernel.tables(tables_to_read(there, settings, source_tables(settings, state))))
        return plan_source_routing(Resolution((), (), ()), (), (), now, off)

    plan = plan_for(before)
    if not plan.operations:
        return None
    outcome = apply_source(stages(plan), kernel)
    left = plan_for(table_snapshot(settings, kernel)).operations if outcome.failures else ()
    return outcome._replace(remaining=left)


def both(one: SourceRoutingOutcome | None, other: SourceRoutingOutcome | None) -> SourceRoutingOutcome | None:
    """What two withdrawals came to."""
    if one is None or other is None:
        return one or other
    return SourceRoutingOutcome(
        (*one.done, *other.done), (*one.failures, *other.failures), (*one.remaining, *other.remaining)
    )
