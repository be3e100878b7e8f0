"""What speaks against a NIC's table: other programs that use it, other NICs' addresses, the order of rules. Pure."""

from __future__ import annotations

from ...model.network import LOCAL_TABLE, MAIN_TABLE, contains, family_of
from ...model.source_routing import SourceConflict
from ..ownership import is_our_rule, is_ours
from .equal import identity, key, rule_identity

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterator, Mapping, Sequence

    from ...model.network import Address, KernelState, Nic, Prefix, Route, Rule
    from ...model.settings import Settings
    from ...model.source_routing import NicTable
    from .equal import Key

PREVENTING = ("table-in-use", "local-behind")
"""With these a NIC has no source routing."""


def without_conflicts(
    wanted: Sequence[NicTable], state: KernelState, settings: Settings, documented: Mapping[Address, int]
) -> tuple[tuple[NicTable, ...], tuple[SourceConflict, ...]]:
    """The tables that can be had, and what speaks against the others, or may.

    Args:
        documented: the addresses that the document describes, each with its NIC's ifindex.
    """
    alone, conflicts = _without_shared(wanted, documented)
    free: list[NicTable] = []
    for one in alone:
        found = tuple(_local_behind(one, state, settings)) or tuple(_foreign_in(one, state, settings))
        conflicts += found
        if not any(conflict.kind in PREVENTING for conflict in found):
            free.append(one)
    return tuple(free), tuple(conflicts)


def _local_behind(one: NicTable, state: KernelState, settings: Settings) -> Iterator[SourceConflict]:
    """The table local's rule, where it was moved behind ours (as for VRFs): what goes to an own address would leave."""
    local = local_rule(state, one.family)
    if local is not None and local.priority >= settings.source_routing_priority:
        yield SourceConflict("local-behind", one.nic, one.table, rule=local)


def local_rule(state: KernelState, family: int) -> Rule | None:
    """The first rule that looks the table local up for all packets."""
    own = (rule for rule in state.rules if rule.family == family and rule.plain and rule.table == LOCAL_TABLE)
    return next(own, None)


def _without_shared(
    wanted: Sequence[NicTable], documented: Mapping[Address, int]
) -> tuple[list[NicTable], list[SourceConflict]]:
    """An address that two NICs have is that one's for which the document describes it, else the first one's."""
    owners: dict[Prefix, Nic] = {
        rule.source: one.nic for one in wanted for rule in one.rules
        if rule.source is not None and documented.get(rule.source.address) == one.nic.ifindex
    }  # fmt: skip
    found, conflicts = [], []
    for one in wanted:
        own = []
        for rule in one.rules:
            assert rule.source is not None
            owner = owners.setdefault(rule.source, one.nic)
            if owner is one.nic:
                own.append(rule)
            else:
                shared = SourceConflict("shared-address", one.nic, one.table, address=rule.source.address, other=owner)
                conflicts.append(shared)
        found.append(one._replace(rules=tuple(own)))
    return found, conflicts


def _foreign_in(one: NicTable, state: KernelState, settings: Settings) -> Iterator[SourceConflict]:
    """Routes of others in a NIC's table that aren't what it should have; rules of others that look it up.

    A table that rules of ours look up, or that has routes of ours, is ours: then routes of others are named, and the
    table is used all the same. So it stays ours while a rule of ours is missing.
    """
    looking = [rule for rule in state.rules if (rule.table, rule.family) == (one.table, one.family)]
    is_our_own = any(is_our_rule(rule, settings) for rule in looking) or _has_ours(one, state, settings)
    ours = {key(route): route for route in one.routes}
    for route in _foreign_routes(one, state, settings):
        if is_our_own:
            yield SourceConflict("foreign-route", one.nic, one.table, route=route, instead=ours.get(key(route)))
        else:
            yield SourceConflict("table-in-use", one.nic, one.table, route=route)
    wanted = {rule_identity(rule) for rule in one.rules}
    for rule in () if is_our_own else looking:
        if rule_identity(rule) not in wanted:
            yield SourceConflict("table-in-use", one.nic, one.table, rule=rule)


def _has_ours(one: NicTable, state: KernelState, settings: Settings) -> bool:
    return any(is_ours(route, settings) for route in _present(one, state))


def _present(one: NicTable, state: KernelState) -> Iterator[Route]:
    """The routes that are in a NIC's table."""
    return (route for route in state.tables or () if (route.table, route.family) == (one.table, one.family))


def _foreign_routes(one: NicTable, state: KernelState, settings: Settings) -> Iterator[Route]:
    """Other programs' routes in a NIC's table that aren't equal to what it should have, nor behind one of ours."""
    wanted = {identity(route) for route in one.routes}
    first: dict[Key, Route] = {}
    for route in _present(one, state):
        first.setdefault(key(route), route)
        if not is_ours(first[key(route)], settings) and identity(route) not in wanted:
            yield route


def may_decide(rule: Rule, settings: Settings) -> bool:
    """Whether a rule that no pass made stands before ours: another program's, or main's own that was moved there.

    Another program's may have our protocol: those that passes make match by their source alone.
    """
    local = rule.plain and rule.table == LOCAL_TABLE
    made = is_our_rule(rule, settings) and rule.source is not None
    return not made and not local and rule.priority <= settings.source_routing_priority


def about(
    source: Address, destination: Address, nic: Nic, conflicts: Sequence[SourceConflict], main: Sequence[Route]
) -> SourceConflict | None:
    """What speaks against packets with one of the NIC's addresses leaving by it: the address' own first.

    Args:
        destination: where they go.
        main: the routes of the main table after the pass.
    """
    of_nic = [one for one in conflicts if one.nic.ifindex == nic.ifindex and not _leaves_out(one, destination, main)]
    own = (one for one in of_nic if one.address == source)
    others = (one for one in of_nic if one.address is None and _family(one) == family_of(source))
    return next(iter((*own, *others)), None)


def _leaves_out(one: SourceConflict, destination: Address, main: Sequence[Route]) -> bool:
    """Whether the rule that decides about others looks up main for long prefixes only (suppress_prefixlength)."""
    rule = one.rule
    if one.kind != "overruled" or rule is None or rule.suppresses < 0 or rule.table != MAIN_TABLE:
        return False
    covering = (route.destination for route in main if not route.tos and contains(route.destination, destination))
    return all(prefix.length <= rule.suppresses for prefix in covering)


def _family(one: SourceConflict) -> int:
    """The family of the table that it is about."""
    standing = one.route or one.rule
    assert standing is not None
    return standing.family
