"""`explain ADDRESS --from ADDRESS` for people and as JSON (R21). Pure."""

from __future__ import annotations

from ...model.network import LOOPBACK, address_text, mac_text
from ..folding import labelled
from ..route_text import route_json, route_text
from ..source_routing import conflict_text, first_rule_words, rule_json, rule_text
from ..summary import metadata_json, source_lines
from ..words.outcomes import lookup_text
from .explanation import explanation_reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ...model.diagnosis.source_explanation import SourceExplanation
    from ...model.network import Rule


def source_explanation_lines(one: SourceExplanation) -> list[str]:
    """The explanation for people."""
    nics = one.by_main.report.before.nics
    holder = f"of {one.nic.name} ({mac_text(one.nic.mac)})" if one.nic else "of no NIC here"
    lines = [_headline(one), "", *_field("address", f"{address_text(one.source)}, {holder}")]
    if not one.is_refused:
        lines += _decided(one)
    lines += _field("kernel now", f"{lookup_text(one.by_main.answer, nics)}  ({_verdict(one)})")
    return [*lines, "", *source_lines(one.by_main.report)]


def _decided(one: SourceExplanation) -> list[str]:
    """The rule and the route that decide, and why."""
    nics, rule, lines = one.by_main.report.before.nics, _rule(one), []
    if rule is not None:
        lines += _field("rule", rule_text(rule))
    for route in (one.route, one.expected if _is_thrown(one) else None):
        if route is not None:
            lines += _field("route", route_text(route, nics))
    lines += _field("why", source_reason(one))
    if one.table is not None:
        lines += _field("state", "in place" if one.in_place else "not there yet; `guest-routes sync` adds it")
    return lines


def _rule(one: SourceExplanation) -> Rule | None:
    rules = one.table.rules if one.table else ()
    return next((rule for rule in rules if rule.source and rule.source.address == one.source), None)


def _is_thrown(one: SourceExplanation) -> bool:
    return one.route is None or one.route is not one.expected


def source_reason(one: SourceExplanation) -> str:
    """Why packets with that address go so."""
    if one.table is None:
        return f"{_why_main(one)}; so the main table decides: {explanation_reason(one.by_main) or 'nothing is decided'}"
    name = one.table.nic.name
    if _is_thrown(one):
        return "the main table sends it through a NIC that the metadata doesn't describe, and so does this packet"
    assert one.route is not None
    if one.route.destination.is_default:
        return f"no route of the main table leads there through {name}, so {name}'s gateway does"
    return f"a route of the main table leads there through {name}"


def _why_main(one: SourceExplanation) -> str:
    plan = one.by_main.report.decision.source_routing
    if plan is None or not plan.enabled:
        return "source routing is off (`source_routing: true` turns it on)"
    if one.nic is None:
        return "no NIC has the address"
    if one.conflict is not None:
        return conflict_text(one.conflict, one.by_main.report.before.nics)
    name = one.nic.name
    return (
        f"this address has no rule: the metadata doesn't describe {name}, {name} is down or has no known gateway of "
        "this family, or the address is link-local"
    )


def _headline(one: SourceExplanation) -> str:
    asked, route = one.by_main.asked, one.expected
    what = address_text(asked.address) if asked.length == len(asked.address) * 8 else str(asked)
    what = f"{what} from {address_text(one.source)}"
    if one.is_refused:
        return f"{what}: this machine sends no such packet"
    if one.by_main.answer.ifindex == LOOPBACK:
        return f"{what}: this machine's own address"
    if route is None:
        return f"{what}: nothing decides"
    nics = one.by_main.report.before.nics
    hop = route.nexthops[0] if route.nexthops else route
    name = next((nic.name for nic in nics if nic.ifindex == hop.ifindex), "?")
    return f"{what} should leave by {name}{', via ' + address_text(hop.gateway) if hop.gateway else ''}"


def _verdict(one: SourceExplanation) -> str:
    if one.by_main.answer.ifindex == LOOPBACK:
        return "this machine itself"
    if one.is_refused:
        return f"{address_text(one.source)} is not an address of this machine"
    if one.as_wanted:
        return "as main says, not by source routing" if one.is_prevented else "as wanted"
    if not one.in_place:
        return "NOT as wanted; `guest-routes sync` fixes it"
    return f"NOT as wanted: {_decided_by(one)}"


def _decided_by(one: SourceExplanation) -> str:
    """What keeps packets from the route that is there for them."""
    found = one.conflict
    if found is None:
        return "another program's rule or route decides; see `ip rule`"
    if found.kind == "overruled" and found.rule is not None:
        return "; ".join(first_rule_words(found.rule))
    return conflict_text(found, one.by_main.report.before.nics)


def _field(name: str, text: str) -> list[str]:
    return labelled(f"  {name}", text) if text else []


def source_explanation_json(one: SourceExplanation) -> dict[str, Any]:
    """`explain --from --json`."""
    nics, rule, answer, route = one.by_main.report.before.nics, _rule(one), one.by_main.answer, one.expected
    return {
        "schema": "guest-routes/explain/1",
        "exit_code": one.exit_code,
        "asked": str(one.by_main.asked),
        "from": address_text(one.source),
        "nic": one.nic.name if one.nic else None,
        "table": one.table.table if one.table else None,
        "rule": rule_json(rule) if rule else None,
        "route": route_json(route, nics) if route else None,
        "reason": source_reason(one),
        "in_place": one.table is not None and one.in_place,
        "kernel": {
            "nic": next((nic.name for nic in nics if nic.ifindex == answer.ifindex), None),
            "gateway": address_text(answer.gateway) if answer.gateway else None,
            "table": answer.table,
            "error": answer.error,
        },
        "as_wanted": one.as_wanted,
        "metadata": metadata_json(one.by_main.report),
    }
