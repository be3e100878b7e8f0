"""The kernel's own lookups for what a pass planned or programmed (R8)."""

from __future__ import annotations

from .model.network import LOCAL_TABLE
from .model.operations import Add
from .routing.lookups.answers import contradictions, merged, overruled, unread_tables, with_shared
from .routing.lookups.probes import probes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .kernel.engine import Kernel
    from .model.network import Route
    from .model.report import Report

TABLES_READ = 17
"""So many other tables are read to tell which route wins over a planned one, local among them."""


def ask(report: Report, kernel: Kernel, table: int, ahead: bool = False) -> Report:
    """Asks the kernel where it really sends packets; of other tables only local is read before it says otherwise.

    Args:
        ahead: the plan has not been carried out yet; the answer is what will win then, as far as that can be known.

    Raises:
        KernelError: the kernel refused a dump.
    """
    if report.errors:
        return report
    plan, state = report.plan, report.after
    refused = {failure.operation.route for failure in report.outcome.failures}  # They are reported as such.
    others: dict[int, tuple[Route, ...]] = {LOCAL_TABLE: kernel.tables((LOCAL_TABLE,))}
    while True:
        asked = [one for one in probes(plan, state, table, others, report.protocol) if one.route not in refused]
        answers = kernel.lookup([probe.address for probe in asked])
        wrong = contradictions(asked, answers)
        unread = unread_tables(wrong, state, table, others)
        if not unread or len(others) + len(unread) > TABLES_READ:
            break
        others.update((one, kernel.snapshot(one).routes) for one in unread)
    found = overruled(wrong, plan, state, table, others)
    if ahead and report.plan.operations:
        from .routing.lookups.prediction import overruled_after_plan

        state = state._replace(routes=(*merged(state, table, others), *state.routes))
        found = overruled_after_plan(found, asked, answers, plan, state, table)
        missing = {operation.route.destination for operation in plan.additions if isinstance(operation, Add)}
        return report._replace(overruled=tuple(one._replace(pending=one.destination in missing) for one in found))
    return report._replace(overruled=with_shared(found, asked, answers, plan, state))
