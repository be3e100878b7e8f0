"""What the kernel's answers say: where one names another way than planned, the route and the rule that win. Pure."""

from __future__ import annotations

from ...model.decision import Elected
from ...model.namedtuple import NamedTuple
from ...model.network import GOTO, LOCAL_TABLE, NOP, THROW, TO_TABLE, Lookup, is_link_local
from ...model.report import Overruled
from ..compare import equals_of, is_next_hop, leads_out, leads_there, next_hops, preference, same_route
from .probes import Probe
from .rules import is_one_tree, is_reached, keeping_rule, local_rule, rules_for

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Mapping, Sequence

    from ...model.network import Address, KernelState, Route, Rule
    from ...model.plan import Plan, PlannedDefault
    from .covering import Covering
    from .probes import Tables


class Contradiction(NamedTuple):
    """An answer that names another way than planned."""

    probe: Probe
    answer: Lookup


def contradictions(asked: Sequence[Probe], answers: Sequence[Lookup]) -> list[Contradiction]:
    """The answers that name another way than planned."""
    pairs = zip(asked, answers)
    return [Contradiction(probe, answer) for probe, answer in pairs if not _agrees(probe.route, answer)]


def _agrees(route: Route, answer: Lookup) -> bool:
    hops = next_hops(route)
    if (answer.gateway, answer.ifindex) in hops:
        return True
    # For IPv6 a router on the elected NIC is the same hypervisor, by its own address (R4).
    router = route.destination.is_default and is_link_local(answer.gateway)
    return router and any(ifindex == answer.ifindex for _, ifindex in hops)


def unread_tables(wrong: Sequence[Contradiction], state: KernelState, table: int, others: Tables) -> set[int]:
    """The tables that have to be read to tell what wins: the answer's, or any of a rule's where it names none."""
    known = {0, LOCAL_TABLE, table, *others}
    found = {one.answer.table for one in wrong}
    for one in wrong:
        if not one.answer.table:
            found |= {rule.table for rule in rules_for(one.probe.address, state, table)}
    return found - known


def overruled(
    wrong: Sequence[Contradiction], plan: Plan, state: KernelState, table: int, others: Tables
) -> tuple[Overruled, ...]:
    """Planned routes that the kernel doesn't go by, each with the route and the rule that win.

    Args:
        state: where the plan is yet to be carried out, what it removes or adds doesn't count against it.
    """
    if not wrong:
        return ()
    present = set(state.routes)
    here, there = _coverings(state, table, others)
    accounted = [accounted_for(plan, state.routes, False), accounted_for(plan, state.routes, True)]
    found = []
    for probe, answer in wrong:
        by, rule = _winner(probe, answer, state, table, here, there)
        unruled = by is None and not answer.ifindex and not is_reached(state, probe.route.family, table)
        unknown = by is None and rule is None and probe.route not in present and not unruled
        own = by is None and answer.table == LOCAL_TABLE  # An address of this machine, on its loopback say.
        if by not in accounted[probe.route.destination.is_default] and not (unknown or own):
            found.append(Overruled(probe.route.destination, probe.address, answer, by, rule, unruled=unruled))
    return tuple(found)


def _coverings(state: KernelState, table: int, others: Tables) -> tuple[Covering, dict[int, Covering]]:
    """Of the settings' table, with local's routes where both are one tree; and of each of the others."""
    from .covering import Covering

    here = Covering((*merged(state, table, others), *state.routes))
    return here, {one: Covering(routes) for one, routes in others.items()}


def with_shared(
    found: Sequence[Overruled], asked: Sequence[Probe], answers: Sequence[Lookup], plan: Plan, state: KernelState
) -> tuple[Overruled, ...]:
    """The same, and IPv6 defaults of which another program's next hop takes a part; which one an address decides."""
    six = [(probe, answer) for probe, answer in zip(asked, answers) if probe.route.family == 6]
    defaults = _reported_defaults(plan, state) if six else []
    beaten = {one.address: one.by for one in found}
    shared = {}
    for probe, answer in six:
        other = sharing(probe.route, defaults)
        if other is not None and beaten.get(probe.address, other) in equals_of(other, defaults):
            shared[probe.address] = Overruled(probe.route.destination, probe.address, answer, other, shares=True)
    return (*shared.values(), *(one for one in found if one.address not in shared))


def _reported_defaults(plan: Plan, state: KernelState) -> list[Route]:
    """The default routes that are there, but for those that are reported otherwise."""
    accounted = accounted_for(plan, state.routes, True)
    return [route for route in state.routes if not route[0].length and route not in accounted]


def sharing(default: Route, there: Sequence[Route]) -> Route | None:
    """The first next hop of these of the IPv6 route that a default is a next hop of."""
    if default.family == 4 or not default.destination.is_default or not is_next_hop(default):
        return None
    return next((one for one in equals_of(default, there) if is_next_hop(one)), None)


def accounted_for(plan: Plan, there: Sequence[Route], for_default: bool) -> set[Route]:
    """What goes; what equals the elected default (R5), whichever of them serves; and extra defaults that stay as
    `default_mode` says, or since the document may be partial, which are reported as such.

    Args:
        for_default: for a default; where the elected one takes a host route's packets, that is not as planned.
        there: read after the plan was made: of an extra default's lifetime less may be left.
    """
    found = {operation.route for operation in plan.removals}
    defaults = [route for route in there if not route[0].length]
    for default in plan.defaults:
        found |= {one for one in defaults if _stays(one, default) or (for_default and _serves(one, default))}
    return found


def _stays(route: Route, default: PlannedDefault) -> bool:
    return not default.removals and any(same_route(route, extra) for extra in default.extras)


def _serves(route: Route, default: PlannedDefault) -> bool:
    if default.serving is None or not isinstance(default.election, Elected) or route.family != default.family:
        return False
    elected = default.serving._replace(gateway=default.election.gateway, ifindex=default.election.nic.ifindex)
    return leads_there(route, elected)


def _winner(
    probe: Probe, answer: Lookup, state: KernelState, table: int, here: Covering, others: Mapping[int, Covering]
) -> tuple[Route | None, Rule | None]:
    """The first route, in the order of the rules, that fits the answer; and the rule, where it is not in our table.

    Args:
        here, others: as _coverings has them.
    """
    family = probe.route.family
    before, local = rules_for(probe.address, state, table), local_rule(state, family, table)
    if answer.table != LOCAL_TABLE and is_one_tree(state, family, table):
        local = None
    for rule in filter(None, (local, *before)):
        if answer.table in (rule.table, 0):
            by = _best(_counting(rule, others, probe.address), answer)
            if by is not None or (answer.table and rule.suppresses < 0):
                return by, rule
    covering = here.of(probe.address)
    rejecting = _rejecting(before, covering)
    by = _best(covering, answer, throws=not rejecting)
    if by is None and not answer.ifindex:
        return None, rejecting[0] if rejecting else keeping_rule(state, family, table)
    return by, None


def _counting(rule: Rule, others: Mapping[int, Covering], address: Address) -> list[Route]:
    """The routes of a rule's table that cover an address, but for those that it leaves out by their length."""
    covering = others[rule.table].of(address) if rule.table in others else []
    return [one for one in covering if one.destination.length > rule.suppresses]


def _rejecting(before: Sequence[Rule], covering: Sequence[Route]) -> list[Rule]:
    """The rules that dropped the packet; one that jumps, only where a route would have taken it."""
    routed = any(map(leads_out, covering))
    dropping = (rule for rule in before if rule.action not in (TO_TABLE, NOP))
    return [rule for rule in dropping if routed or rule.action != GOTO]


def merged(state: KernelState, table: int, others: Tables) -> list[Route]:
    """The routes of table local, where it is one tree with the settings' table."""
    if not is_one_tree(state, 4, table):
        return []
    return [route for route in others.get(LOCAL_TABLE, ()) if route.family == 4]


def _best(covering: Sequence[Route], answer: Lookup, throws: bool = False) -> Route | None:
    """The route that the kernel goes by: of the longest prefix, local's first, with the best metric, the first.

    Args:
        covering: the routes that cover the address.
        throws: what a throw comes first for is found nowhere else: it counts as well.
    """
    first = min(covering, key=preference, default=None) if throws and not answer.ifindex else None
    if first is not None and first.kind == THROW:
        return first
    return min((route for route in covering if fits(route, answer)), key=preference, default=None)


def fits(route: Route, answer: Lookup) -> bool:
    """Whether the kernel may have answered so by this route."""
    if not answer.ifindex:
        return route.kind != THROW and not leads_out(route)
    return (answer.gateway, answer.ifindex) in next_hops(route)
