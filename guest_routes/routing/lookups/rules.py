"""Which policy rules decide, or could, about a packet before the settings' table does. Pure."""

from __future__ import annotations

from ...model.network import GOTO, LOCAL_TABLE, MAIN_TABLE, NOP, TO_TABLE, family_of
from ..compare import gives, matches

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Sequence

    from ...model.network import Address, KernelState, Lookup, Rule

_KERNELS_OWN = {(0, LOCAL_TABLE), (32766, MAIN_TABLE), (32767, 253)}
"""The priorities and tables of IPv4's own rules. Source: net/ipv4/fib_rules.c, fib_default_rules_init."""


def deciding_rules(state: KernelState, family: int, table: int) -> list[Rule]:
    """The rules that could decide before the settings' table is looked at, in their order; not the kernel's own.

    Those for a source (source routing's, say) decide about no packet whose source isn't chosen yet, and those that look
    up the settings' table itself (tailscale's for marked packets) find nothing else there. Where one jumps over the
    table's own rule, those behind that may decide, too.
    """
    return [rule for rule in _others(_coming(state, family, table), table) if rule.source is None]


def rules_for(address: Address, state: KernelState, table: int) -> list[Rule]:
    """Those of the deciding rules that a packet to the address comes to, as the kernel is asked about it."""
    rules, place, found = _of_family(state, family_of(address)), 0, []
    while place < len(rules) and not (rules[place].plain and rules[place].table == table):
        target = None
        if matches(rules[place], address):
            found.append(rules[place])
            if _rejects(rules[place]):
                break
            target = _target(place, rules)
        place = place + 1 if target is None else target
    return _others(found, table)


def rule_of(answer: Lookup, state: KernelState, table: int) -> Rule | None:
    """The rule before the settings' table that an answer can come of; one that jumps only where no other can be it."""
    giving = (rule for rule in rules_for(answer.address, state, table) if gives(rule, answer))
    return min(giving, key=lambda rule: rule.action == GOTO, default=None)


def local_rule(state: KernelState, family: int, table: int) -> Rule | None:
    """The rule that looks table local up for all before the settings' table; None where it stands behind."""
    coming = _coming(state, family, table)
    return next((rule for rule in coming if rule.plain and rule.table == LOCAL_TABLE), None)


def is_reached(state: KernelState, family: int, table: int) -> bool:
    """Whether any packet comes to a rule that looks the table up; a family without any rule is switched off."""
    coming = _coming(state, family, table)
    return not coming or any(_is_for_table(rule, table) for rule in coming)


def keeping_rule(state: KernelState, family: int, table: int) -> Rule | None:
    """The rule that keeps all packets from every rule that looks the table up: it jumps over those, or rejects."""
    if is_reached(state, family, table):
        return None
    rules = _of_family(state, family)
    return next((rules[place] for place in sorted(_reached(rules, table)) if _is_the_end(place, rules)), None)


def is_one_tree(state: KernelState, family: int, table: int) -> bool:
    """Whether tables local and main are looked up at once: IPv4 keeps both in one tree until somebody changes a rule.

    The longest prefix of both decides then, local's first, and the answer names main.
    """
    if (family, table) != (4, MAIN_TABLE):
        return False
    rules = [rule for rule in state.rules if rule.family == family]
    own = {(rule.priority, rule.table) for rule in rules if rule.plain}
    return own == _KERNELS_OWN and len(rules) == len(own)


def _others(rules: Sequence[Rule], table: int) -> list[Rule]:
    """The rules but for those that look up the table, or table local for all."""
    others = (rule for rule in rules if not _is_for_table(rule, table))
    return [rule for rule in others if not (rule.plain and rule.table == LOCAL_TABLE)]


def _is_for_table(rule: Rule, table: int) -> bool:
    return (rule.action, rule.table) == (TO_TABLE, table)


def _of_family(state: KernelState, family: int) -> list[Rule]:
    return sorted((rule for rule in state.rules if rule.family == family), key=lambda rule: rule.priority)


def _coming(state: KernelState, family: int, table: int) -> list[Rule]:
    rules = _of_family(state, family)
    return [rules[place] for place in sorted(_reached(rules, table))]


def _reached(rules: Sequence[Rule], table: int) -> set[int]:
    """The places of the rules that a packet may come to, up to one that looks the table up for all, or rejects all.

    The kernel jumps forward, to the first rule of the priority; where there is none it goes on.
    """
    found: set[int] = set()
    starts = [0]
    for start in starts:
        for place in range(start, len(rules)):
            rule = rules[place]
            if place in found:
                break
            found.add(place)
            target = _target(place, rules)
            if target is not None:
                starts.append(target)
            if (rule.plain and rule.table == table) or _is_the_end(place, rules):
                break
    return found


def _is_the_end(place: int, rules: Sequence[Rule]) -> bool:
    """Whether no packet goes on from a rule to the next: all jump, or are rejected."""
    rule = rules[place]
    ends = _rejects(rule) or _target(place, rules) is not None
    return ends and not (rule.restricted or rule.among)


def _rejects(rule: Rule) -> bool:
    return rule.action not in (TO_TABLE, GOTO, NOP)


def _target(place: int, rules: Sequence[Rule]) -> int | None:
    """Where a rule jumps to; None where it doesn't."""
    if rules[place].action != GOTO:
        return None
    behind = range(place + 1, len(rules))
    return next((one for one in behind if rules[one].priority == rules[place].target), None)
