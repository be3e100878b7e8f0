"""Whether packets with a NIC's address leave by it, by the kernel's own lookup (R8, R21). Pure: answers are given.

Where no rule but the local table's comes before ours, the tables and rules prove it, and nothing is asked.
"""

from __future__ import annotations

from ...model.namedtuple import NamedTuple
from ...model.network import (
    LOCAL_TABLE,
    MAIN_TABLE,
    THROW,
    TO_TABLE,
    UNICAST,
    contains,
    parse_address,
)
from ...model.source_routing import SourceConflict
from ..compare import gives, ifindexes, leads_out, matches, next_hops, preference
from .conflicts import local_rule, may_decide
from .equal import joined

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterator, Sequence

    from ...model.network import Address, KernelState, Lookup, Route, Rule
    from ...model.settings import Settings
    from ...model.source_routing import NicTable, SourceRoutingPlan

OUTSIDE = {
    4: ("203.0.113.9", "198.51.100.9", "192.0.2.9", "8.8.8.8", "1.1.1.1"),
    6: ("2001:db8::9", "2001:4860:4860::8888", "2620:fe::9", "3fff::9"),
}
"""Addresses that stand for a host anywhere, the documentation's own first (RFC 5737, RFC 3849, RFC 9637)."""


TRIED, ASKED = 64, 4
"""So many destinations of main, and of other programs' tables, are tried for a host, and so many hosts asked about: a
rule is about all alike."""


TABLES_READ = 16
"""So many of other programs' tables are read."""


class SourceProbe(NamedTuple):
    """A packet from a NIC's address that the kernel is asked about, and the route of the table that should decide."""

    table: NicTable
    rule: Rule
    source: Address
    destination: Address
    route: Route


def outside(family: int, routes: Sequence[Route]) -> list[Address]:
    """Hosts outside: those first that no route but a default covers, then those of the widest prefixes."""
    prefixes = [route.destination for route in routes if route.destination.length]

    def covered(host: Address) -> int:
        return max((prefix.length for prefix in prefixes if contains(prefix, host)), default=0)

    return sorted(map(parse_address, OUTSIDE[family]), key=covered)


def deciding_tables(plan: SourceRoutingPlan, state: KernelState, settings: Settings) -> tuple[int, ...]:
    """Other programs' tables that rules before ours look up, the first first; a table may be large.

    Those of rules that are for no address of ours are left out.
    """
    own = [rule for one in plan.tables for rule in one.rules]
    before = (rule for rule in state.rules if may_decide(rule, settings) and rule.action == TO_TABLE)
    tables = (rule.table for rule in before if any(_is_before(rule, one) for one in own))
    return tuple(dict.fromkeys(table for table in tables if table not in (0, LOCAL_TABLE, MAIN_TABLE)))[:TABLES_READ]


def source_probes(
    plan: SourceRoutingPlan,
    state: KernelState,
    settings: Settings,
    others: Sequence[Route] = (),
    managed: frozenset[int] = frozenset(),
) -> Iterator[SourceProbe]:
    """What to ask, for each address, where another program's rule may come first.

    A host outside, and some that main sends through another NIC: a rule that looks main up without its default
    (`suppress_prefixlength 0`, as wg-quick has it) shows only there. Some that another program's table sends otherwise,
    and some behind routers of the NIC's own subnet: that table may have no more than a subnet and a default.

    Args:
        others: the routes of other programs' tables that rules before ours look up.
        managed: the document's NICs, also those without a table.
    """
    asked = {rule.family for rule in state.rules if may_decide(rule, settings)}
    managed = managed.union(one.nic.ifindex for one in plan.tables)
    for one in plan.tables:
        hosts = _hosts(one, state, managed, others) if one.family in asked else ()
        for rule, host in ((rule, host) for rule in one.rules for host in hosts):
            route = deciding(one.routes, host)
            if rule.source is not None and route is not None:
                yield SourceProbe(one, rule, rule.source.address, host, route)


def deciding(routes: Sequence[Route], address: Address) -> Route | None:
    """Of a table's routes the one for an address: the longest prefix, and of that the best metric."""
    covering = [route for route in routes if not route.tos and contains(route.destination, address)]
    return min(covering, key=preference, default=None)


def thrown_to(main: Sequence[Route], address: Address) -> Route | None:
    """Of main's routes the one for a packet that a table leaves to it, with all its next hops."""
    covering = (route for route in main if route.unwritable != "source" and contains(route.destination, address))
    return deciding(joined(covering), address)


def _hosts(one: NicTable, state: KernelState, managed: frozenset[int], others: Sequence[Route]) -> tuple[Address, ...]:
    """The hosts to ask about: one outside, some that routes of main lead to by another NIC, its subnet's too, some
    of those of other tables, and some that have a router of their own.
    """
    routes = [route for route in state.routes if route.family == one.family]
    through = _through(managed - {one.nic.ifindex}, routes)
    elsewhere = [route for route in others if _leads_elsewhere(route, one, managed)]
    own = {address.address for nic in state.nics for address in nic.addresses}

    def is_asked(host: Address) -> bool:
        return host not in own and _is_sent(host, one.routes)

    def some(routes: Sequence[Route]) -> list[Address]:
        found = (next(filter(is_asked, _inside(route)), None) for route in routes[:TRIED])
        return list(dict.fromkeys(filter(None, found)))[:ASKED]

    outer = next(filter(is_asked, outside(one.family, one.routes)), None)
    return tuple(dict.fromkeys([*([outer] if outer else []), *some(through), *some(elsewhere), *some(_routed(one))]))


def _routed(one: NicTable) -> list[Route]:
    """A table's routes by other routers than that of its default."""
    inner = (route for route in one.routes if route.destination.length)
    return [route for route in inner if next_hops(route)[0][0] not in (None, one.gateway)]


def _leads_elsewhere(route: Route, one: NicTable, managed: frozenset[int]) -> bool:
    """Whether a route that isn't a default leads by another NIC of the document than the table's, or nowhere.

    What leads by other programs' NICs is their affair: main's routes of that kind are thrown.
    """
    if route.family != one.family or not route.destination.length or route.kind == THROW:
        return False
    through = ifindexes(route)
    return not leads_out(route) or (through != {one.nic.ifindex} and through <= managed)


def _inside(route: Route) -> Iterator[Address]:
    """Two addresses that a route covers, the first host and one in the middle: a narrower route may have one."""
    size = len(route.destination.address)
    span = 1 << size * 8 - route.destination.length
    for offset in (min(1, span - 1), span // 2):
        yield (int.from_bytes(route.destination.address, "big") + offset).to_bytes(size, "big")


def _through(nics: frozenset[int], routes: Sequence[Route]) -> list[Route]:
    """The routes by these NICs but for defaults, those by a gateway first: they say more than a neighbour."""
    narrower = (route for route in routes if route.destination.length)
    found = [route for route in narrower if any(ifindex in nics for _, ifindex in next_hops(route))]
    return sorted(found, key=lambda route: route.gateway is None)


def _is_sent(host: Address, routes: Sequence[Route]) -> bool:
    """Whether a NIC's table sends a packet to that host by the NIC."""
    route = deciding(routes, host)
    return route is not None and route.kind == UNICAST


def overruled_sources(
    probes: Sequence[SourceProbe], answers: Sequence[Lookup], state: KernelState, settings: Settings
) -> tuple[SourceConflict, ...]:
    """The addresses whose packets leave otherwise, each once with each rule that may be why."""
    found: dict[object, SourceConflict] = {}
    for one, answer in zip(probes, answers):
        if (answer.gateway, answer.ifindex) not in next_hops(one.route):
            rule, nic = _suspect(one, answer, state, settings), one.table.nic
            local = _local_before(rule, state) if rule is not None else None
            conflict = SourceConflict("overruled", nic, one.table.table, None, one.route, rule, local, one.source)
            found.setdefault((one.source, rule), conflict._replace(answer=answer))
    return tuple(found.values())


def _local_before(rule: Rule, state: KernelState) -> Rule | None:
    """The table local's rule, where ours would come before it as soon as they come before the other one."""
    local = local_rule(state, rule.family)
    return local if local is not None and local.priority >= rule.priority - 1 else None


def _suspect(one: SourceProbe, answer: Lookup, state: KernelState, settings: Settings) -> Rule | None:
    """The first rule before ours that the answer can come of; rather one that is for all packets of the address."""
    before = rules_before(one, state, settings)
    return min(before, key=lambda rule: not gives(rule, answer), default=None)


def rules_before(one: SourceProbe, state: KernelState, settings: Settings) -> list[Rule]:
    """The rules before ours that are about a packet, in their order."""
    family = (rule for rule in state.rules if rule.family == one.rule.family and may_decide(rule, settings))
    return [rule for rule in family if matches(rule, one.destination, one.source)]


def _is_before(rule: Rule, own: Rule) -> bool:
    """Whether packets with the address of a rule of ours can be what a rule before it matches."""
    prefix = rule.source or rule.among
    if rule.family != own.family or own.source is None:
        return False
    return prefix is None or contains(prefix, own.source.address)
