"""Policy rules as `ip rule add` takes them, and as JSON. Pure."""

from __future__ import annotations

from ..model.network import GOTO, LOCAL_TABLE, MAIN_TABLE, TO_TABLE, Rule, address_text
from .route_text import protocol_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_ACTIONS = {3: "nop", 6: "blackhole", 7: "unreachable", 8: "prohibit"}
"""FR_ACT_ of linux/fib_rules.h."""
_TABLES = {LOCAL_TABLE: "local", MAIN_TABLE: "main", 253: "default"}


def table_name(number: int) -> str:
    """A routing table as `ip` calls it."""
    return _TABLES.get(number, str(number))


def rule_text(rule: Rule) -> str:
    """`from 11.8.0.9 lookup 12103 priority 32765 proto guest-routes`"""
    prefix, source = rule.source or rule.among, "all"
    if prefix is not None:
        whole = prefix.length == len(prefix.address) * 8
        source = address_text(prefix.address) if whole else str(prefix)
    to = f" to {rule.destination}" if rule.destination is not None and not rule.negated else ""
    restricted = " (of some packets)" if _is_restricted(rule) else ""
    protocol = f" proto {protocol_text(rule.protocol)}" if rule.protocol else ""
    return f"from {source}{to}{restricted} {_action_text(rule)} priority {rule.priority}{protocol}"


def _is_restricted(rule: Rule) -> bool:
    """Whether it matches by more than the addresses that are named."""
    more = rule.chosen or rule.negated or rule.destination is None
    return more and rule.restricted and rule.suppresses < 0


def _action_text(rule: Rule) -> str:
    if rule.action == TO_TABLE:
        suppresses = f" suppress_prefixlength {rule.suppresses}" if rule.suppresses >= 0 else ""
        return f"lookup {table_name(rule.table)}{suppresses}"
    if rule.action == GOTO:
        return f"goto {rule.target}"
    return _ACTIONS.get(rule.action, f"does {rule.action}")


def rule_json(rule: Rule) -> dict[str, Any]:
    """A rule with the keys of `ip -j rule`, and its text."""
    source = rule.source
    return {
        "priority": rule.priority,
        "src": address_text(source.address) if source else "all",
        "srclen": source.length if source else 0,
        "table": table_name(rule.table),
        "protocol": protocol_text(rule.protocol),
        "text": rule_text(rule),
    }
