"""Source routing in words, and as JSON (R21). Pure.

Rules are written as `ip rule add` takes them, routes as `ip route add` does.
"""

from __future__ import annotations

from ..model.network import MAIN_TABLE, Rule, address_text
from ..model.source_routing import AddRule, RemoveRoute, RemoveRule, RuleKey, SetRoute
from ..routing.compare import next_hops
from .folding import entries, first_of
from .route_text import counted, nic_names, route_json, route_text
from .rule_text import rule_json, rule_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterator, Mapping, Sequence

    from ..model.diagnosis.status import Status
    from ..model.network import Address, Lookup, Nic
    from ..model.report import Report
    from ..model.source_routing import (
        NicTable,
        SourceConflict,
        SourceFailure,
        SourceKey,
        SourceOperation,
        SourceRoutingPlan,
    )
    from .folding import Entry

AS_OF_NOW = (
    "the tables hold what the main table has now; what changes there later counts with the next pass, which the "
    "service (`guest-routes watch`) makes at once"
)


def key_text(key: SourceKey) -> str:
    """What a conflict is about: "the rule from 11.8.0.9 lookup 12103 priority 32765"."""
    if isinstance(key, RuleKey):
        return f"the rule {rule_text(Rule(key.family, key.priority, key.table, False, source=key.source))}"
    return f"the route to {key.destination} in table {key.table}"


def source_text(operation: SourceOperation, nics: Sequence[Nic]) -> str:
    """The route or rule of an operation."""
    if isinstance(operation, (SetRoute, RemoveRoute)):
        return route_text(operation.route, nics)
    return "rule " + rule_text(operation.rule)


def is_source_removal(operation: SourceOperation) -> bool:
    """Whether it removes a rule or route."""
    return isinstance(operation, (RemoveRule, RemoveRoute))


def table_reason(table: NicTable) -> str:
    """What a NIC's table is for."""
    name = table.nic.name
    carried = f"packets that carry an IPv{table.family} address of {name} leave by {name}"
    return f"{carried}; where main has no route through it, by its gateway {address_text(table.gateway)}"


def conflict_text(one: SourceConflict, nics: Sequence[Nic], added_by: str = "") -> str:
    """Why packets of a NIC don't, or may not, leave by it; what to do; who added the route, where that is known."""
    return "; ".join((*conflict_words(one, nics), *([f"added by {added_by}"] if added_by else ())))


def conflict_words(one: SourceConflict, nics: Sequence[Nic]) -> tuple[str, str]:
    """The same apart."""
    name, address = one.nic.name, address_text(one.address) if one.address else ""
    if one.kind == "table-in-use":
        user = f"route {route_text(one.route, nics)}" if one.route else ""
        user = user or (f"rule {rule_text(one.rule)}" if one.rule else "")
        text = f"no source routing for {name}: table {one.table} is used by another program ({user})"
        return text, "set `source_routing_table` to a number with a free range behind it"
    if one.kind == "local-behind":
        rule = rule_text(one.rule) if one.rule else ""
        text = f"no source routing for {name}: packets to this machine's own addresses would leave it"
        before = f"move that rule before ours ({_local_first(one.rule)})"
        return f"{text}; this rule comes later: {rule}", before
    if one.kind == "foreign-route":
        added = route_text(one.route, nics) if one.route else ""
        if one.instead is not None:
            text = f"another program's route stands in place of ours in {name}'s table {one.table}: {added}"
            return text, "see which program makes it; without it the next pass makes ours"
        text = f"another program has added a route to {name}'s table {one.table}, and it may decide there: {added}"
        return text, "see which program makes it, and have it use another table"
    if one.kind == "shared-address":
        other = one.other.name if one.other else ""
        text = f"{address} is an address of both {other} and {name}: packets that carry it leave by {other}"
        return text, "give it to one NIC"
    return _overruled_words(one, nics)


def prevention_text(one: SourceConflict, nics: Sequence[Nic]) -> str:
    """The same, where it is said already that packets leave otherwise."""
    if one.kind == "overruled" and one.rule is not None:
        return "; ".join(first_rule_words(one.rule, one.local))
    return conflict_text(one, nics)


def _overruled_words(one: SourceConflict, nics: Sequence[Nic]) -> tuple[str, str]:
    """Where the kernel sends packets instead, and by which rule."""
    name, address = one.nic.name, address_text(one.address) if one.address else ""
    to = f" to {address_text(one.answer.address)}" if one.answer else ""
    text = f"packets that carry {name}'s address {address}{to} leave {_direction(one, nics)}"
    if one.rule is None:
        return text, "see `ip rule`"
    first, before = first_rule_words(one.rule, one.local)
    return f"{text}; {first}", before


def _local_first(rule: Rule | None) -> str:
    """How the table local is looked up first again."""
    version = " -6" if rule is not None and rule.family == 6 else ""
    return f"`ip{version} rule add priority 0 lookup local`, then delete the other one"


def first_rule_words(rule: Rule, local: Rule | None) -> tuple[str, str]:
    """Which rule decides before ours, and how ours comes before it.

    Args:
        local: the table local's, where no priority is left between it and that rule.
    """
    whose = "the rule of the main table" if rule.plain and rule.table == MAIN_TABLE else "another program's rule"
    before = f"`source_routing_priority` below {rule.priority} puts ours before it"
    if rule.priority <= 1:
        before = "give it a higher number (`ip rule`)"
    elif local is not None:
        moved = f"move the rule of the table local, of priority {local.priority}, to 0 ({_local_first(local)})"
        before = f"{moved}; then {before}"
    return f"{whose} comes first: {rule_text(rule)}", before


def _direction(one: SourceConflict, nics: Sequence[Nic]) -> str:
    """Which way they leave, and which not: another NIC, or the same one by another gateway."""
    if one.answer is None or one.instead is None or one.answer.ifindex != one.nic.ifindex:
        return f"{_answer_text(one.answer, nics)}, not by {one.nic.name}"
    return f"{_gateway_text(one.answer.gateway)}, not {_gateway_text(next_hops(one.instead)[0][0])}"


def _gateway_text(gateway: Address | None) -> str:
    return f"via {address_text(gateway)}" if gateway is not None else "on link"


def _answer_text(answer: Lookup | None, nics: Sequence[Nic]) -> str:
    if answer is None or not answer.ifindex:
        return f"nowhere ({answer.error})" if answer else "nowhere"
    return f"by {nic_names(nics).get(answer.ifindex, f'if{answer.ifindex}')}"


def source_failure_text(one: SourceFailure, nics: Sequence[Nic]) -> str:
    """An operation that the kernel refused."""
    from errno import EPERM, errorcode

    verb = "remove" if is_source_removal(one.operation) else "add"
    text = f"cannot {verb} {source_text(one.operation, nics)}: {one.text} ({errorcode.get(one.errno, one.errno)})"
    return text + ("; this needs root (CAP_NET_ADMIN)" if one.errno == EPERM else "; source routing is incomplete")


def source_error_texts(report: Report) -> Iterator[str]:
    """What of source routing failed in a pass."""
    outcome, nics = report.source_outcome, report.before.nics
    if outcome is None:
        return
    yield from (source_failure_text(one, nics) for one in outcome.failures)
    if outcome.rolled_back:
        yield "source routing cut the way to the metadata service: its rules and tables were put back as they were"
    for one in () if outcome.failures else outcome.remaining:
        state = "still there" if is_source_removal(one) else "missing"
        yield f"{state} after the pass: {source_text(one, nics)}"


def remark_texts(report: Report) -> list[str]:
    """What failed in a pass and what speaks against source routing, so many of each as one reads (R12)."""
    conflicts = [conflict_text(one, report.before.nics) for one in report.source_conflicts]
    return [
        *first_of(list(source_error_texts(report)), "errors of source routing; --json has all"),
        *first_of(conflicts, "reasons why source routing is not in effect; --json has all"),
    ]


def source_routing_lines(report: Report, verbose: bool, written: bool) -> list[str]:
    """What a pass did for source routing."""
    plan, nics = report.decision.source_routing, report.before.nics
    if plan is None:
        return []
    tables = {(table.family, table.table): table for table in plan.tables}
    groups = plan.rules, plan.routes, plan.removals
    lines = [line for group in groups for line in entries(group, lambda one: _changed(one, tables, nics), verbose)]
    touched = {(one.rule.family, one.rule.table) for one in plan.rules}
    quiet = [table for key, table in tables.items() if key not in touched] if verbose else []
    lines += entries(quiet, _standing, verbose)
    lines += entries(report.source_conflicts, lambda one: ("!", "source routing", conflict_text(one, nics)), verbose)
    if written and plan.enabled and (plan.operations or verbose):
        lines += entries([AS_OF_NOW], lambda text: ("?", "source routing, as of now", text))
    return lines


def _changed(one: SourceOperation, tables: Mapping[tuple[int, int], NicTable], nics: Sequence[Nic]) -> Entry:
    """What a pass adds or removes.

    Args:
        tables: by family and number.
    """
    table = tables.get((one.rule.family, one.rule.table)) if isinstance(one, AddRule) else None
    why = table_reason(table) if table is not None else ""
    return "-" if is_source_removal(one) else "+", source_text(one, nics), why


def _standing(table: NicTable) -> Entry:
    """A table whose rules are in place."""
    rules = ", ".join(address_text(rule.source.address) for rule in table.rules if rule.source)
    return "=", f"from {rules} lookup {table.table}", table_reason(table)


def source_routing_json(plan: SourceRoutingPlan, nics: Sequence[Nic]) -> dict[str, Any]:
    """The tables and rules as they should be, and what that takes."""
    return {
        "enabled": plan.enabled,
        "tables": [
            {
                "nic": one.nic.name,
                "family": one.family,
                "table": one.table,
                "gateway": address_text(one.gateway),
                "rules": [rule_json(rule) for rule in one.rules],
                "routes": [route_json(route, nics) for route in one.routes],
            }
            for one in plan.tables
        ],
        "changes": [_change_json(one, nics) for one in plan.operations],
        "conflicts": [{"kind": one.kind, "text": conflict_text(one, nics)} for one in plan.conflicts],
    }


def report_source_json(report: Report) -> dict[str, Any] | None:
    """What a pass did for source routing; None where it is off and nothing of it was left."""
    plan, nics = report.decision.source_routing, report.before.nics
    if plan is None:
        return None
    conflicts = [{"kind": one.kind, "text": conflict_text(one, nics)} for one in report.source_conflicts]
    return {**source_routing_json(plan, nics), "conflicts": conflicts, "errors": list(source_error_texts(report))}


def status_source_lines(found: Status, made_by: str, verbose: bool = False) -> list[str]:
    """The rules there are, and what a pass would change.

    Args:
        made_by: who makes these changes.
    """
    nics, changes = found.state.nics, found.comparison.source_drift
    drift = [source_drift_line(len(changes), made_by)] if changes else []
    head = f"rules        {counted(len(found.own_rules), 'rule')} of ours for source routing" + (
        ":" if found.own_rules else ""
    )
    lines = [head, *entries(found.own_rules, lambda rule: ("=", rule_text(rule), ""), verbose), *drift]
    lines += entries(changes, lambda one: ("-" if is_source_removal(one) else "+", source_text(one, nics), ""), verbose)
    return lines + entries(_conflicts_now(found), lambda one: ("!", "source routing", one[1]), verbose)


def _conflicts_now(found: Status) -> list[tuple[str, str]]:
    """The kind and text of each conflict, with who has added a route, where the service that runs knows."""
    nics, conflicts, service = found.state.nics, found.comparison.source_conflicts, found.service
    known = {one.route: one.actor for one in service.foreign_routes} if service and found.service_runs else {}
    who = (known.get(route_text(one.route, nics), "") if one.route else "" for one in conflicts)
    return [(one.kind, conflict_text(one, nics, by)) for one, by in zip(conflicts, who)]


def source_drift_line(changes: int, made_by: str) -> str:
    """How much a pass would change."""
    return f"drift        {counted(changes, 'change')} needed for source routing; {made_by}"


def status_source_json(found: Status) -> dict[str, Any]:
    """The same for `status --json`."""
    nics = found.state.nics
    return {
        "rules": [rule_json(rule) for rule in found.own_rules],
        "changes": [_change_json(one, nics) for one in found.comparison.source_drift],
        "conflicts": [{"kind": kind, "text": text} for kind, text in _conflicts_now(found)],
    }


def _change_json(one: SourceOperation, nics: Sequence[Nic]) -> dict[str, Any]:
    return {
        "operation": "remove" if is_source_removal(one) else "add",
        "what": source_text(one, nics),
        "route": route_json(one.route, nics) if isinstance(one, (SetRoute, RemoveRoute)) else None,
        "rule": rule_json(one.rule) if isinstance(one, (AddRule, RemoveRule)) else None,
    }
