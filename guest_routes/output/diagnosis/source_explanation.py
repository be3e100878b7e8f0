"""`explain ADDRESS --from ADDRESS` for people and as JSON (R21). Pure."""

from __future__ import annotations

from ...model.network import address_text, family_of, mac_text
from ...routing.elect import managed_ifindexes
from ..folding import field
from ..route_text import route_json, route_text
from ..rule_text import rule_json, rule_text
from ..source_routing import conflict_text, prevention_text
from ..summary import evidence_lines, metadata_json
from ..words.obstacles import not_there_text, not_wanted_text
from ..words.outcomes import lookup_text
from .explanation import DROPPED, explanation_reason, local_kind, local_verdict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Sequence

    from ...model.decision import Binding
    from ...model.diagnosis.source_explanation import SourceExplanation
    from ...model.network import Nic, Rule

UNDESCRIBED = "the metadata doesn't describe"


def source_explanation_lines(one: SourceExplanation) -> list[str]:
    """The explanation for people."""
    nics = one.by_main.report.before.nics
    holders = (one.nic, *one.others) if one.nic else ()
    holder = f"of {' and '.join(f'{nic.name} ({mac_text(nic.mac)})' for nic in holders) or 'no NIC here'}"
    lines = [_headline(one), "", *field("address", f"{address_text(one.source)}, {holder}")]
    if not one.is_refused and not one.by_main.by_local:
        lines += _decided(one)
    lines += field("kernel now", f"{lookup_text(one.by_main.answer, nics)}  ({_verdict(one)})")
    return [*lines, "", *evidence_lines(one.by_main.report)]


def _decided(one: SourceExplanation) -> list[str]:
    """The rule and the route that decide, and why."""
    nics, rule, lines = one.by_main.report.before.nics, _rule(one), []
    if rule is not None:
        lines += field("rule", rule_text(rule))
    for route in (one.route, one.expected if one.is_thrown else None):
        if route is not None:
            lines += field("route", route_text(route, nics))
    lines += field("why", source_reason(one))
    if one.table is not None:
        lines += field("state", _state(one))
    for shared in one.by_main.report.source_conflicts:
        if shared.address == one.source and shared.kind == "shared-address":
            lines += field("but", conflict_text(shared, nics))
    return lines


def _rule(one: SourceExplanation) -> Rule | None:
    rules = one.table.rules if one.table else ()
    return next((rule for rule in rules if rule.source and rule.source.address == one.source), None)


def _state(one: SourceExplanation) -> str:
    if one.held:
        return "in place: an earlier pass's, which stays since the document may be partial"
    if any(found.displaced == one.route for found in one.by_main.report.source_conflicts if one.route is not None):
        return "not there: another program's route stands in its place"
    return "in place" if one.in_place else not_there_text(one.by_main.obstacle)


def source_reason(one: SourceExplanation) -> str:
    """Why packets with that address go so."""
    if one.table is None:
        return f"{_why_main(one)}; so the main table decides: {explanation_reason(one.by_main) or 'nothing is decided'}"
    name = one.table.nic.name
    if one.is_thrown:
        return _why_thrown(one)
    assert one.route is not None
    if one.route.destination.is_default:
        return f"no route of the main table leads there through {name}, so {name}'s gateway does"
    return f"a route of the main table leads there through {name}"


def _why_thrown(one: SourceExplanation) -> str:
    """Why main decides about a packet that looks a table up."""
    main, nics = one.expected, one.by_main.report.before.nics
    if main is None:
        return "the lookup goes on in the main table, and nothing there leads to it"
    if not one.next_hops:
        return "the main table drops what goes there, and so this packet"
    through = [nic for nic in nics if nic.ifindex in {ifindex for _, ifindex in one.next_hops}]
    if main.source == one.source:
        return "the main table has a route there for packets with this address"
    if one.nic is not None and one.nic in through:
        return f"the kernel takes this route through {one.nic.name} in the main table only, so the lookup goes on there"
    return _by_others(through, one.by_main.report.resolution.bindings)


def _by_others(through: Sequence[Nic], bindings: Sequence[Binding]) -> str:
    """Which of these NICs the document doesn't describe."""
    outside = [nic.name for nic in through if nic.ifindex not in managed_ifindexes(bindings)]
    every, names = (" and ".join(found) for found in ([nic.name for nic in through], outside))
    why = "`ignore_nics` covers" if {binding.ignored for binding in bindings}.intersection(outside) else UNDESCRIBED
    if 0 < len(outside) < len(through):
        return f"the main table's route leads through {every}, and {why} {names}; so it decides about this packet, too"
    return f"the main table sends it through {every}, which {why}, and so this packet"


def _why_main(one: SourceExplanation) -> str:
    plan = one.by_main.report.decision.source_routing
    if plan is None or not plan.enabled:
        return "source routing is off (`source_routing: true` turns it on)"
    if one.nic is None:
        return "no NIC has the address"
    if one.conflict is not None:
        return conflict_text(one.conflict, one.by_main.report.before.nics)
    return f"this address has no rule: {_why_no_rule(one, one.nic)}"


def _why_no_rule(one: SourceExplanation, nic: Nic) -> str:
    """What the NIC or the address lacks."""
    bindings = one.by_main.report.resolution.bindings
    if one.link_local:
        return "it is link-local"
    if any(binding.ignored == nic.name for binding in bindings):
        return f"`ignore_nics` covers {nic.name}"
    if not any(binding.network and binding.nic and binding.nic.ifindex == nic.ifindex for binding in bindings):
        return f"the metadata doesn't describe {nic.name}"
    if not nic.up:
        return f"{nic.name} is down"
    return f"no gateway of {nic.name} in IPv{family_of(one.source)} is known, or it can't be used now"


def _headline(one: SourceExplanation) -> str:
    asked, route = one.by_main.asked, one.expected
    what = address_text(asked.address) if asked.length == len(asked.address) * 8 else str(asked)
    what = f"{what} from {address_text(one.source)}"
    if one.is_refused:
        return f"{what}: this machine sends no such packet"
    if one.by_main.by_local:
        return f"{what}: {local_kind(one.by_main)}"
    if route is None:
        return f"{what}: nothing decides"
    if not one.next_hops:
        return f"{what} leaves by no NIC"
    answer = one.by_main.answer  # Of several next hops each is as wanted.
    gateway, ifindex = (answer.gateway, answer.ifindex) if one.as_wanted else one.next_hops[0]
    name = next((nic.name for nic in one.by_main.report.before.nics if nic.ifindex == ifindex), "?")
    return f"{what} should leave by {name}{', via ' + address_text(gateway) if gateway else ''}"


def _verdict(one: SourceExplanation) -> str:
    if one.by_main.by_local:
        return local_verdict(one.by_main)
    if one.is_refused:
        return f"{address_text(one.source)} is not an address of this machine"
    if one.as_wanted:
        return "as main says, not by source routing" if one.is_prevented else "as wanted"
    if not one.next_hops:
        return DROPPED
    if not one.in_place and one.conflict is None:
        return not_wanted_text(one.by_main.obstacle)
    return f"NOT as wanted: {_decided_by(one)}"


def _decided_by(one: SourceExplanation) -> str:
    """What keeps packets from the route that is there for them."""
    found = one.conflict
    if found is None:
        return "another program's rule or route decides; see `ip rule`"
    return prevention_text(found, one.by_main.report.before.nics)


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
