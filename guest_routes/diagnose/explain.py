"""Which host route, or default, decides about an address, and which route of another program comes before it. Pure."""

from __future__ import annotations

from ..model.diagnosis.explanation import Explanation
from ..model.network import Prefix, contains
from ..routing.compare import preference
from ..routing.lookups.uncovered import Nesting, beyond

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..model.diagnosis.status import Obstacle
    from ..model.network import Address, KernelState, Lookup, Route
    from ..model.report import Report


def explain(asked: Prefix, report: Report, answer: Lookup, obstacle: Obstacle = "") -> Explanation:
    """What a pass decided about an address (a prefix of its whole length) or prefix.

    Args:
        answer: the kernel's own for the address.
        obstacle: why `sync` would make no pass.
    """
    covering = [one for one in report.plan.routes if _covers(one.route.destination, asked)]
    planned = max(covering, key=lambda one: one.route.destination.length, default=None)
    missed = tuple(one for one in report.resolution.unresolved if _covers(one.host.destination, asked))
    length = planned.route.destination.length if planned else 0
    nearer = [
        route for route in report.before.routes
        if route.destination.length > length and _covers(route.destination, asked) and not _is_planned(route, report)
    ]  # fmt: skip
    nearest = min(nearer, key=preference, default=None)
    if planned is not None and _is_hidden(planned.route.destination, report):
        return Explanation(asked, planned, missed, answer, report, None, obstacle, hidden_by=nearest)
    return Explanation(asked, planned, missed, answer, report, nearest, obstacle)


def _is_hidden(destination: Prefix, report: Report) -> bool:
    """Whether narrower routes of other programs leave a host route no address (R8)."""
    over = next((one for one in report.overruled if one.destination == destination), None)
    by = over.by if over is not None and not over.by_rules else None
    return by is not None and by.destination.length > destination.length


def address_in(asked: Prefix, before: KernelState) -> Address:
    """The address that the kernel is asked about for a prefix: none that a narrower route or an own address decides.

    0.0.0.0, say, is this machine itself, and no packet of the default route's.
    """
    if asked.length == len(asked.address) * 8:
        return asked.address
    own = [address for nic in before.nics for address in nic.addresses]
    destinations = [route.destination for route in before.routes]
    if asked.is_default:
        found = beyond(4 if len(asked.address) == 4 else 6, [*destinations, *own])
    else:
        found = Nesting(destinations, [Prefix(one.address, len(one.address) * 8) for one in own]).address_in(asked)
    return asked.address if found is None else found


def _is_planned(route: Route, report: Report) -> bool:
    """Whether a pass decided about it, so that what stands in the kernel may be about to change."""
    going = any(route == operation.route for operation in report.plan.removals)
    return going or any(route == one.route for one in report.plan.routes)


def _covers(prefix: Prefix, asked: Prefix) -> bool:
    return prefix.length <= asked.length and contains(prefix, asked.address)
