"""Which rules will decide about packets with a NIC's address once a plan is carried out (R8, R21). Pure.

The kernel's answers are those of today. A rule before ours that leads to another program's table, or drops, decides
today as it will then. What main and the NICs' tables say then, the plan knows.
"""

from __future__ import annotations

from ...model.network import GOTO, MAIN_TABLE, THROW, TO_TABLE, Lookup
from ..compare import gives, leads_out, next_hops
from .verify import deciding, overruled_sources, rules_before

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Collection, Iterator, Mapping, Sequence

    from ...model.network import KernelState, Route, Rule
    from ...model.settings import Settings
    from ...model.source_routing import NicTable, SourceConflict, TableKey
    from .verify import SourceProbe


def overruled_after_plan(
    probes: Sequence[SourceProbe],
    answers: Sequence[Lookup],
    main: Sequence[Route],
    others: Sequence[Route],
    state: KernelState,
    settings: Settings,
) -> tuple[SourceConflict, ...]:
    """The addresses whose packets will leave otherwise.

    Args:
        answers: today's.
        main: the routes of the main table after the pass.
        others: those of other programs' tables.
    """
    made = {(one.table.family, one.table.table): one.table for one in probes}
    routes = list(_routes_then(made, main, others))
    found = ((probe, _then(probe, today, routes, made, state, settings)) for probe, today in zip(probes, answers))
    known = [(probe, answer) for probe, answer in found if answer is not None]
    return overruled_sources([probe for probe, _ in known], [answer for _, answer in known], state, settings)


def _routes_then(made: Mapping[TableKey, NicTable], main: Sequence[Route], others: Sequence[Route]) -> Iterator[Route]:
    """What the tables have after the pass that rules before ours may look up."""
    yield from (route for route in main if route.table == MAIN_TABLE)
    for one in made.values():
        yield from one.routes
    yield from (route for route in others if (route.family, route.table) not in made)


def _then(
    probe: SourceProbe,
    today: Lookup,
    routes: Sequence[Route],
    made: Collection[TableKey],
    state: KernelState,
    settings: Settings,
) -> Lookup | None:
    """What a rule before ours will say of a packet; None where none says anything, as far as that can be known.

    Args:
        made: the tables that the plan makes: an adopted rule, and one of ours by another protocol, look them up.
    """
    for rule in rules_before(probe, state, settings):
        is_made = rule.action == TO_TABLE and (rule.family, rule.table) in made
        if is_made or _leads_to_main(rule, settings):
            route = _deciding(routes, rule.table if is_made else MAIN_TABLE, probe)
            if route is not None and route.kind != THROW and route.destination.length > rule.suppresses:
                return _by(route, today)
        elif _gives(rule, today, routes, probe):
            return today
    return None


def _gives(rule: Rule, today: Lookup, routes: Sequence[Route], probe: SourceProbe) -> bool:
    """Whether today's answer comes of a rule that doesn't lead to main."""
    if rule.action == GOTO or not gives(rule, today):
        return False
    return rule.action != TO_TABLE or bool(today.table) or _drops(rule, routes, probe)


def _deciding(routes: Sequence[Route], table: int, probe: SourceProbe) -> Route | None:
    return deciding([route for route in routes if route.table == table], probe.destination)


def _drops(rule: Rule, routes: Sequence[Route], probe: SourceProbe) -> bool:
    """Whether the table of a rule is why the kernel has no route, and names no table."""
    route = _deciding(routes, rule.table, probe)
    return route is not None and route.kind != THROW and not leads_out(route)


def _leads_to_main(rule: Rule, settings: Settings) -> bool:
    """Whether it looks main up, or passes over our rules."""
    if rule.action == GOTO:
        return rule.target > settings.source_routing_priority
    return rule.action == TO_TABLE and rule.table == MAIN_TABLE


def _by(route: Route, today: Lookup) -> Lookup:
    """What the kernel will say where a route that the plan knows decides."""
    if not leads_out(route):
        return Lookup(today.address, 0, table=route.table)
    gateway, ifindex = next_hops(route)[0]
    return Lookup(today.address, ifindex, gateway, route.table)
