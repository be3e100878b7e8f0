"""Where answers from each NIC's addresses to a host outside leave, by the kernel's own lookup (R21).

Whether the network drops what leaves by another NIC can't be seen from inside.
"""

from __future__ import annotations

from ..model.diagnosis.inspection import SourceAnswer
from ..routing.source_routing.nics import gateways, sources
from ..routing.source_routing.verify import outside

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
    for one in gateways(report.resolution.bindings, report.elections, present, settings):
        host = outside(one.family, [route for route in report.after.routes if route.family == one.family])[0]
        for source in sources(one.nic, one.family):
            answer = SourceAnswer(source, host, kernel.lookup([host], source)[0])
            found[one.nic.ifindex] = (*found.get(one.nic.ifindex, ()), answer)
    return found
