"""What will win over planned routes once a plan is carried out (R8). Pure: the kernel's answers of today are given.

Today's answer speaks of today's table. Where another table decides it will decide then, too; where the settings' table
does, the table that the plan leaves says which default comes first.
"""

from __future__ import annotations

from ...model.network import LOCAL_TABLE, Lookup, contains, family_of
from ...model.report import Overruled
from ..compare import leads_out, next_hops, preference
from .answers import accounted_for, fits, sharing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Sequence

    from ...model.network import KernelState, Route
    from ...model.plan import Plan
    from .probes import Probe


def overruled_after_plan(
    found: Sequence[Overruled],
    asked: Sequence[Probe],
    answers: Sequence[Lookup],
    plan: Plan,
    state: KernelState,
    table: int,
) -> tuple[Overruled, ...]:
    """Planned routes that the kernel won't go by.

    Args:
        found: by today's answers.
        state: with table local's routes before the settings' where IPv4 keeps both in one tree.
        present: the settings' table as it is.
        table: its number.
    """
    from ..source_routing.plan import main_after

    found = _predictable(found, plan, state, table)
    ruled = {one.address for one in found if one.by_rules}
    here = [
        (probe, answer) for probe, answer in zip(asked, answers)
        if probe.route.destination.is_default and answer.table in (0, table) and probe.address not in ruled
    ]  # fmt: skip
    if not here:
        return tuple(found)
    after = main_after(state.routes, plan)
    addresses = {probe.address for probe, _ in here}
    defaults = filter(None, (_winner(probe, today, after, plan) for probe, today in here))
    return (*defaults, *(one for one in found if one.address not in addresses))


def _predictable(found: Sequence[Overruled], plan: Plan, state: KernelState, table: int) -> list[Overruled]:
    """Without host routes that are not there yet, unless today's answer will be the same then.

    It will where the rules decide, a narrower route, or one of table local; and to a destination of a route for some
    sources alone.
    """
    added = {one.route.destination for one in plan.routes if one.verdict == "add"}
    added -= {route.destination for route in state.routes if route.unwritable == "source"}
    return [one for one in found if one.destination not in added or _stays(one, state, table)]


def _stays(one: Overruled, state: KernelState, table: int) -> bool:
    """Whether what wins over a host route today will do so when that is there."""
    return not _is_looked_up_before(one, state, table) if one.by_rules else _comes_first(one)


def _is_looked_up_before(one: Overruled, state: KernelState, table: int) -> bool:
    """Whether a rule that leaves short prefixes out (suppress_prefixlength) looks the settings' table up first."""
    family = family_of(one.address)
    own = [rule for rule in state.rules if (rule.family, rule.table) == (family, table) and not rule.source]
    ahead = (rule for rule in own if one.rule is not None and rule.priority < one.rule.priority)
    return any(0 <= rule.suppresses < one.destination.length for rule in ahead)


def _comes_first(one: Overruled) -> bool:
    """Whether the route that wins does so by its prefix; table local's by the same one, too."""
    if one.by is None:
        return False
    return one.by.destination.length + (one.by.table == LOCAL_TABLE) > one.destination.length


def _winner(probe: Probe, today: Lookup, after: Sequence[Route], plan: Plan) -> Overruled | None:
    """The route that comes before the default for the probe's address, or that takes a part of its traffic."""
    covering = _covering(probe, after, plan)
    accounted = accounted_for(plan, after, probe.route.destination.is_default)
    by = min(covering, key=preference, default=probe.route)
    other = sharing(probe.route, [route for route in covering if route not in accounted])
    if other is not None and other.metric == by.metric and by.destination.is_default:
        return Overruled(probe.route.destination, probe.address, _answer(other, today), other, shares=True)
    if by == probe.route or by in accounted or set(next_hops(by)) <= set(next_hops(probe.route)):
        return None
    return Overruled(probe.route.destination, probe.address, _answer(by, today), by)


def _covering(probe: Probe, after: Sequence[Route], plan: Plan) -> list[Route]:
    """The routes that could decide; a host route of the plan that covers the address decides about its own traffic."""
    hosts = {one.route for one in plan.routes}
    covering = (route for route in after if contains(route.destination, probe.address) and not route.tos)
    return [route for route in covering if route not in hosts and route.unwritable != "source"]


def _answer(route: Route, today: Lookup) -> Lookup:
    """What the kernel will say; what it says today, where the route decides already."""
    if fits(route, today):
        return today
    if not leads_out(route):
        return Lookup(today.address, 0) if today.ifindex else today
    gateway, ifindex = next_hops(route)[0]
    return Lookup(today.address, ifindex, gateway, route.table)
