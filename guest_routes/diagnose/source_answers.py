"""Where answers from each NIC's addresses to a host outside leave, by the kernel's own lookup (R21).

Whether the network drops what leaves by another NIC can't be seen from inside.
"""

from __future__ import annotations

from ..model.diagnosis.inspection import SourceAnswer
from ..model.network import MAIN_TABLE
from ..routing.decide import with_source_routing
from ..routing.source_routing.conflicts import about
from ..routing.source_routing.nics import gateways, sources, tables_to_read
from ..routing.source_routing.verify import outside
from ..source_routing import ask_sources

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..kernel.engine import Kernel
    from ..model.report import Report
    from ..model.settings import Settings
    from ..model.source_routing import SourceConflict


def source_answers(report: Report, settings: Settings, kernel: Kernel) -> dict[int, tuple[SourceAnswer, ...]]:
    """By ifindex, for each NIC of the document with a gateway and an address.

    Raises:
        KernelError: the kernel gave no answer.
    """
    found: dict[int, tuple[SourceAnswer, ...]] = {}
    present = report.before.tables or ()
    conflicts = report.source_conflicts if settings.source_routing else _against(report, settings, kernel)
    for one in gateways(report.resolution.bindings, report.elections, present, settings):
        host = outside(one.family, [route for route in report.after.routes if route.family == one.family])[0]
        for source in sources(one.nic, one.family):
            answer = kernel.lookup([host], source)[0]
            shown = SourceAnswer(source, host, answer, about(source, one.nic, conflicts))
            found[one.nic.ifindex] = (*found.get(one.nic.ifindex, ()), shown)
    return found


def _against(report: Report, settings: Settings, kernel: Kernel) -> tuple[SourceConflict, ...]:
    """What would speak against source routing, which is off."""
    if settings.table != MAIN_TABLE:
        return ()
    on = settings._replace(source_routing=True)
    before = report.before._replace(tables=kernel.tables(tables_to_read(report.before, on, ())))
    evidence = report.evidence._replace(kernel=before)
    planned = report._replace(evidence=evidence, decision=with_source_routing(report.decision, evidence, on))
    return ask_sources(planned, on, kernel, ahead=True).source_conflicts
