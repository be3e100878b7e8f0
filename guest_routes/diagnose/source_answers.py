"""Where answers from each NIC's addresses to a host outside leave, by the kernel's own lookup (R21).

Whether the network drops what leaves by another NIC can't be seen from inside.
"""

from __future__ import annotations

from ..model.diagnosis.inspection import SourceAnswer
from ..model.network import MAIN_TABLE, THROW
from ..routing.decide import with_source_routing
from ..routing.source_routing.conflicts import about
from ..routing.source_routing.nics import gateways, sources, tables_to_read
from ..routing.source_routing.plan import main_after
from ..routing.source_routing.verify import deciding, outside, thrown_to
from ..source_routing import ask_sources

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..kernel.engine import Kernel
    from ..model.report import Report
    from ..model.settings import Settings


def source_answers(report: Report, settings: Settings, kernel: Kernel) -> dict[int, tuple[SourceAnswer, ...]]:
    """By ifindex, for each NIC of the document with a gateway and an address.

    Raises:
        KernelError: the kernel gave no answer.
    """
    found: dict[int, tuple[SourceAnswer, ...]] = {}
    present = report.before.tables or ()
    on = settings.source_routing or settings.table != MAIN_TABLE  # Elsewhere it can't be turned on.
    planned = report if on else _planned(report, settings, kernel)
    plan, conflicts = planned.decision.source_routing, planned.source_conflicts
    routes = {(one.nic.ifindex, one.family): one.routes for one in plan.tables} if plan else {}
    main = main_after(report.before.routes, report.plan)
    for one in gateways(report.resolution.bindings, report.elections, present, settings):
        host = outside(one.family, [route for route in report.after.routes if route.family == one.family])[0]
        route = deciding(routes.get((one.nic.ifindex, one.family), ()), host)
        thrown = thrown_to(main, host) if route is not None and route.kind == THROW else None
        for source in sources(one.nic, one.family):
            answer = kernel.lookup([host], source)[0]
            shown = SourceAnswer(source, host, answer, about(source, host, one.nic, conflicts, main), thrown)
            found[one.nic.ifindex] = (*found.get(one.nic.ifindex, ()), shown)
    return found


def _planned(report: Report, settings: Settings, kernel: Kernel) -> Report:
    """The same with source routing, which is off, and with what would speak against it."""
    on = settings._replace(source_routing=True)
    before = report.before._replace(tables=kernel.tables(tables_to_read(report.before, on, ())))
    evidence = report.evidence._replace(kernel=before)
    planned = report._replace(evidence=evidence, decision=with_source_routing(report.decision, evidence, on))
    return ask_sources(planned, on, kernel, ahead=True)
