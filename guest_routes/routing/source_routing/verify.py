"""Whether packets with a NIC's address leave by it, by the kernel's own lookup (R8, R21). Pure: answers are given.

Where no other program's rule comes before main, the tables and rules prove it, and nothing is asked.
"""

from __future__ import annotations

from ...model.namedtuple import NamedTuple
from ...model.network import MAIN_TABLE, Prefix, contains, parse_address
from ...model.source_routing import SourceConflict
from ..ownership import is_our_rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterator, Sequence

    from ...model.network import Address, KernelState, Lookup, Route, Rule
    from ...model.settings import Settings
    from ...model.source_routing import NicTable, SourceRoutingPlan

LOCAL_TABLE = 255
OUTSIDE = {
    4: ("203.0.113.9", "198.51.100.9", "192.0.2.9", "8.8.8.8", "1.1.1.1"),
    6: ("2001:db8::9", "2001:4860:4860::8888", "2620:fe::9", "3fff::9"),
}
"""Addresses that stand for a host anywhere, the documentation's own first (RFC 5737, RFC 3849, RFC 9637)."""


class SourceProbe(NamedTuple):
    """A packet that the kernel is asked about: from an address of a NIC to a host outside."""

    table: NicTable
    rule: Rule
    source: Address
    destination: Address


def outside(family: int, routes: Sequence[Route]) -> Address | None:
    """An address of a host that no route but a default covers."""
    prefixes = [route.destination for route in routes if route.destination.length]
    for text in OUTSIDE[family]:
        address = parse_address(text)
        if not any(contains(prefix, address) for prefix in prefixes):
            return address
    return None


def source_probes(plan: SourceRoutingPlan, state: KernelState, settings: Settings) -> Iterator[SourceProbe]:
    """What to ask: for each address, where another program's rule may come first."""
    asked = {rule.family for rule in state.rules if _may_decide(rule, settings)}
    for one in plan.tables:
        destination = outside(one.family, one.routes) if one.family in asked and not one.follows_main else None
        if destination is not None:
            for rule in one.rules:
                assert rule.source is not None
                yield SourceProbe(one, rule, rule.source.address, destination)


def _may_decide(rule: Rule, settings: Settings) -> bool:
    """Whether a rule of another program stands before main."""
    kernels = rule.plain and rule.table in (LOCAL_TABLE, MAIN_TABLE)
    return not is_our_rule(rule, settings) and not kernels and rule.priority <= settings.source_routing_priority


def overruled_sources(
    probes: Sequence[SourceProbe], answers: Sequence[Lookup], state: KernelState, settings: Settings
) -> tuple[SourceConflict, ...]:
    """The addresses whose packets leave otherwise, each with the rule that may be why."""
    return tuple(
        SourceConflict(
            "overruled", one.table.nic, one.table.table, rule=_suspect(one, answer, state, settings),
            address=one.source, answer=answer,
        )
        for one, answer in zip(probes, answers)
        if (answer.ifindex, answer.gateway) != (one.table.nic.ifindex, one.table.gateway)
    )  # fmt: skip


def _suspect(one: SourceProbe, answer: Lookup, state: KernelState, settings: Settings) -> Rule | None:
    """The first rule before ours that looks up the answer's table; else the first that can be about the address."""
    whole = Prefix(one.source, len(one.source) * 8)
    before = [
        rule for rule in state.rules
        if rule.family == one.rule.family and _may_decide(rule, settings)
        and (rule.source is None or contains(rule.source, whole.address))
    ]  # fmt: skip
    return next((rule for rule in before if rule.table == answer.table), next(iter(before), None))
