"""What the kernel is asked (RTM_GETROUTE) after a pass, and what its answers say (R8). Pure: the answers are given.

The snapshot shows one table. Another table that a rule leads to before it, a route that comes first by its metric, or
narrower routes that cover everything decide all the same; the kernel's own lookup says so, for an address that no
narrower route of another program hides. Where it says otherwise than the plan, the route and the rule that win are
found.
"""

from __future__ import annotations

from itertools import chain

from ...model.namedtuple import NamedTuple
from ...model.network import (
    DEFAULT_PREFIX,
    GOTO,
    LOCAL_TABLE,
    MAIN_TABLE,
    NOP,
    TO_TABLE,
    UNICAST,
    Prefix,
    contains,
    is_link_local,
)
from ...model.report import Overruled
from ..compare import destinations_of, equals_of, is_next_hop, leads_there, next_hops, preference
from .uncovered import Nesting, beyond

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterator, Mapping, Sequence

    from ...model.network import Address, KernelState, Lookup, Route, Rule
    from ...model.plan import Plan, PlannedRoute

    Tables = Mapping[int, Sequence[Route]]


class Probe(NamedTuple):
    """An address that the kernel is asked for, on behalf of a planned route."""

    route: Route
    address: Address


class Contradiction(NamedTuple):
    """An answer that names another way than planned."""

    probe: Probe
    answer: Lookup


# ---- what is asked ------------------------------------------------------------------------------------


def probes(plan: Plan, state: KernelState, table: int, others: Tables) -> tuple[Probe, ...]:
    """What to ask the kernel for: defaults, routes with a competitor, and all of them where a rule could decide.

    For the rest the snapshot proves it: the longest prefix with the best metric wins. A table that only rules with
    conditions lead to is for the packets that they match, about which the kernel isn't asked.

    Args:
        table: the settings', which the snapshot is of.
        others: routes of other tables, as far as they were read: no address inside a narrower one of these is chosen.
    """
    own = [address for nic in state.nics for address in nic.addresses]
    there = list(destinations_of(chain(state.routes, *others.values())))
    asked = [*_default_probes(plan, there, own), *_host_route_probes(plan, state, table, there, own)]
    return tuple(one for one in asked if _is_asked_about(one.route.family, state, table))


def _host_route_probes(
    plan: Plan, state: KernelState, table: int, destinations: Sequence[Prefix], own: Sequence[Prefix]
) -> Iterator[Probe]:
    ruled = {family for family in (4, 6) if deciding_rules(state, family, table)}
    by_source = {route.destination for route in state.routes if route.unwritable == "source"}
    contested = _contested(plan.routes, ruled, by_source)
    nesting = Nesting(destinations, own) if contested else None
    for route in contested:
        address = nesting.address_in(route.destination) if nesting else None
        if address is not None:
            yield Probe(route, address)


def _contested(routes: Sequence[PlannedRoute], ruled: set[int], by_source: set[Prefix]) -> list[Route]:
    serving = routes if ruled or by_source else [one for one in routes if one[3] is not None]  # Its competitor.
    return [one.route for one in serving if _is_contested(one, ruled, by_source)]


def _is_asked_about(family: int, state: KernelState, table: int) -> bool:
    return table == MAIN_TABLE or any(r.plain and (r.family, r.table) == (family, table) for r in state.rules)


def deciding_rules(state: KernelState, family: int, table: int) -> list[Rule]:
    """The rules that could decide before the settings' table is looked at, in their order; not the kernel's own.

    Those for a source (source routing's, say) decide about no packet whose source isn't chosen yet. Where one jumps
    over the table's own rule, those behind that may decide, too.
    """
    rules = sorted((rule for rule in state.rules if rule.family == family), key=lambda rule: rule.priority)
    coming = [rules[place] for place in sorted(_reached(rules, table))]
    return [rule for rule in coming if rule.source is None and not (rule.plain and rule.table == LOCAL_TABLE)]


def _reached(rules: Sequence[Rule], table: int) -> set[int]:
    """The places of the rules that a packet may come to before it finds a rule that looks the table up for all.

    The kernel jumps forward, to the first rule of the priority; where there is none it goes on.
    """
    found: set[int] = set()
    starts = [0]
    for start in starts:
        for place in range(start, len(rules)):
            rule = rules[place]
            if place in found or (rule.plain and rule.table == table):
                break
            found.add(place)
            target = _target(place, rules)
            if target is not None:
                starts.append(target)
                if not (rule.restricted or rule.among):
                    break
    return found


def _target(place: int, rules: Sequence[Rule]) -> int | None:
    """Where a rule jumps to; None where it doesn't."""
    if rules[place].action != GOTO:
        return None
    behind = range(place + 1, len(rules))
    return next((one for one in behind if rules[one].priority == rules[place].target), None)


def _is_contested(planned: PlannedRoute, ruled: set[int], by_source: set[Prefix]) -> bool:
    """Whether something else could decide about a route that should serve.

    Where an IPv6 route for some sources alone stands beside it, the kernel passes over both for other sources.
    """
    if planned.verdict == "shadowed":
        return False
    if planned.competitor is not None or planned.route.destination in by_source:
        return True
    return bool(ruled) and planned.route.family in ruled


def _default_probes(plan: Plan, destinations: Sequence[Prefix], own: Sequence[Prefix]) -> Iterator[Probe]:
    for default in plan.defaults:
        if default.serving is not None:
            everything = (*destinations, *own)
            address = beyond(default.family, everything) or _covered(plan, default.family, destinations, own)
            if address is not None:
                yield Probe(default.serving, address)


def _covered(plan: Plan, family: int, destinations: Sequence[Prefix], own: Sequence[Prefix]) -> Address | None:
    """Where narrower routes cover every address (a VPN's two halves): one in the second half of the widest of them.

    Those of planned host routes don't count. The first half may hold what isn't routed at all: 0.0.0.0/8, ::1.
    """
    size = len(DEFAULT_PREFIX[family].address)
    planned = {one.route.destination for one in plan.routes}
    others = {prefix for prefix in destinations if len(prefix.address) == size and prefix.length} - planned
    nesting = Nesting(destinations, own)
    widest = sorted(others, key=lambda prefix: (prefix.length, prefix.address))[:2]
    halves = (_second_half(prefix) for prefix in widest if prefix.length < size * 8)
    return next(filter(None, map(nesting.address_in, halves)), None)


def _second_half(prefix: Prefix) -> Prefix:
    size = len(prefix.address)
    low = int.from_bytes(prefix.address, "big") | 1 << size * 8 - prefix.length - 1
    return Prefix(low.to_bytes(size, "big"), prefix.length + 1)


# ---- what the answers say -----------------------------------------------------------------------------


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
    for family in {one.probe.route.family for one in wrong if not one.answer.table}:
        found |= {rule.table for rule in deciding_rules(state, family, table)}
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
    present, accounted = set(state.routes), accounted_for(plan)
    found = []
    for probe, answer in wrong:
        by, rule = _winner(probe, answer, state, table, others)
        unruled = by is None and rule is None and state.first_rule(table, probe.route.family) is None
        unknown = by is None and rule is None and probe.route not in present and not unruled
        if by not in accounted and not unknown:
            found.append(Overruled(probe.route.destination, probe.address, answer, by, rule, unruled=unruled))
    return tuple(found)


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
    accounted = accounted_for(plan)
    return [route for route in state.routes if not route[0].length and route not in accounted]


def sharing(default: Route, there: Sequence[Route]) -> Route | None:
    """The first next hop that leads elsewhere of the IPv6 route that a default is a next hop of."""
    if default.family == 4 or not default.destination.is_default:
        return None
    equals = (one for one in equals_of(default, there) if is_next_hop(one))
    return next((one for one in equals if not leads_there(one, default)), None)


def accounted_for(plan: Plan) -> set[Route]:
    """What goes; and extra defaults that stay as `default_mode` says, or since the document may be partial.

    These are reported as such.
    """
    extras = {route for default in plan.defaults if not default.removals for route in default.extras}
    return extras | {operation.route for operation in plan.removals}


def _winner(
    probe: Probe, answer: Lookup, state: KernelState, table: int, others: Tables
) -> tuple[Route | None, Rule | None]:
    """The first route, in the order of the rules, that fits the answer; and the rule, where it is not in our table."""
    for rule in deciding_rules(state, probe.route.family, table):
        if answer.table in (rule.table, 0):
            by = _best(others.get(rule.table, ()), probe.address, answer)
            if by is not None or answer.table:
                return by, rule
    by = _best(state.routes, probe.address, answer)
    before = deciding_rules(state, probe.route.family, table)
    rejecting = [rule for rule in before if rule.action not in (TO_TABLE, NOP)]
    return by, (rejecting[0] if by is None and not answer.ifindex and rejecting else None)


def _best(routes: Sequence[Route], address: Address, answer: Lookup) -> Route | None:
    """The route of a table that the kernel goes by: of the longest prefix, with the best metric, the first."""
    covering = [route for route in routes if not route.tos and contains(route.destination, address)]
    fitting = [route for route in covering if fits(route, answer)]
    return min(fitting, key=preference, default=None)


def fits(route: Route, answer: Lookup) -> bool:
    """Whether the kernel may have answered so by this route."""
    if not answer.ifindex:
        return route.kind != UNICAST
    return (answer.gateway, answer.ifindex) in next_hops(route)
