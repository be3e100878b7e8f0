"""`explain` for people and as JSON. Pure."""

from __future__ import annotations

from ...model.network import BROADCAST, LOOPBACK, MULTICAST, address_text, contains, family_of, mac_text
from ...routing.compare import preference
from ...routing.lookups.answers import fits
from ...routing.lookups.rules import is_reached, keeping_rule, rule_of, rules_for
from ...routing.subnets import is_connected
from ..folding import field, wrapped
from ..json_documents import unresolved_json
from ..route_text import route_json, route_text
from ..summary import evidence_lines, metadata_json
from ..words.elections import election_reason, observed_text
from ..words.obstacles import not_there_text, not_wanted_text, sync_text
from ..words.outcomes import lookup_text, no_rule_texts, overruled_text, staying_cause
from ..words.reasons import next_hop_reason, resolved_reason
from .listed import listed_lines, not_programmed_lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Mapping, Sequence

    from ...model.diagnosis.explanation import Explanation
    from ...model.network import Address, KernelState, Lookup, Nic, Prefix, Route
    from ...model.plan import PlannedDefault, PlannedRoute

_STATES = {
    "kept": "in place, ours",
    "adopted": "in place: another program's equal route, adopted",
    "shadowed": "shadowed by another route",
}
DROPPED = "NOT as wanted: that route drops it; take it away if nobody needs it"
_LOCAL_KINDS = {BROADCAST: "a broadcast", MULTICAST: "a multicast"}


def explanation_lines(one: Explanation, verbose: bool = False) -> list[str]:
    """The explanation for people; of many host routes that are not programmed, only some unless `verbose`."""
    nics = one.report.before.nics
    what = _asked_text(one.asked)
    lines = [_headline(what, one), ""]
    if one.by_local:
        lines += field("kernel now", f"{lookup_text(one.answer, nics)}  ({local_verdict(one)})")
        return [*lines, "", *evidence_lines(one.report)]
    lines += not_programmed_lines(one.unresolved, one.report, verbose)
    if one.nearer is not None:
        lines += field("route", route_text(one.nearer, nics))
        lines += field("rule", _nearer_rule(one))
    elif one.planned is not None:
        lines += _host_route(one.planned, one)
    elif one.default is not None:
        lines += _default(one.default, one)
    elif one.observed is not None:
        lines += field("rule", observed_text(one.observed, one.report.suspicion is not None))
        lines += _extras(one)
    elif one.not_elected is not None:
        lines += field("why not", election_reason(one.not_elected))
    lines += field("kernel now", f"{lookup_text(one.answer, nics)}  ({_verdict(one, what)})")
    return [*lines, "", *evidence_lines(one.report)]


def kernel_only_lines(asked: Prefix, source: Address | None, answer: Lookup, nics: Sequence[Nic]) -> list[str]:
    """What is known without metadata."""
    what = _asked_text(asked) + (f" from {address_text(source)}" if source is not None else "")
    head = f"{what}: which way is wanted is unknown, since there is no metadata"
    return [*wrapped(head, 0), "", *field("kernel now", lookup_text(answer, nics)), ""]


def _host_route(planned: PlannedRoute, one: Explanation) -> list[str]:
    resolved = planned.resolved
    nic = resolved.next_hop.nic
    lines = [f"  {'host route':<11}{resolved.host}", *listed_lines(resolved.host, one.report.document)]
    lines += field("rule", next_hop_reason(resolved.next_hop))
    lines += field("NIC", f"{nic.name} ({mac_text(nic.mac)})")
    return lines + _planned_route(planned, planned.route, one)


def _planned_route(planned: PlannedRoute | PlannedDefault, route: Route, one: Explanation) -> list[str]:
    """A planned route, whether it is there, and what wins over it."""
    nics = one.report.before.nics
    lines = field("route", route_text(route, nics))
    lines += field("state", _missing(route, one) if planned.verdict == "add" else _STATES[planned.verdict])
    if planned.competitor is not None:
        lines += field("competes", route_text(planned.competitor, nics))
    return lines


def _missing(route: Route, one: Explanation) -> str:
    """The state of a route that is not there: a pass adds it, but where no packet comes to its table."""
    reached = is_reached(one.report.before, route.family, route.table)
    return not_there_text(one.obstacle) if reached else "not there yet"


def _default(default: PlannedDefault, one: Explanation) -> list[str]:
    assert default.route is not None
    lines = field("host route", "none covers it, so the default route does")
    lines += field("rule", election_reason(default.election))
    return lines + _planned_route(default, default.route, one) + _extras(one)


def _extras(one: Explanation) -> list[str]:
    """Defaults too many, and what becomes of each."""
    nics, lines = one.report.before.nics, []
    going = [operation.route for operation in one.report.plan.removals]
    why = "since the document may be partial" if one.report.suspicion else "as `default_mode` says"
    defaults = (default for default in one.report.plan.defaults if default.family == family_of(one.asked.address))
    for extra in (extra for default in defaults for extra in default.extras):
        end = f"{sync_text(one.obstacle)} removes it" if extra in going else f"it stays, {why}"
        lines += field("extra", f"{route_text(extra, nics)}: one default too many; {end}")
    return lines


def _nearer_kind(one: Explanation) -> str:
    """What the route is that decides in place of a planned one."""
    plan, nearer = one.report.plan, one.nearer
    if nearer in plan.held:
        return "a route of an earlier pass, which stays since the document may be partial"
    staying = next((staying for staying in plan.staying if staying.route == nearer), None)
    if staying is not None:
        return f"a route of an earlier pass, which stays: {staying_cause(staying)}"
    connected = nearer is not None and is_connected(nearer, one.report.before.nics)
    return "a directly connected subnet" if connected else "another program's route"


def _nearer_rule(one: Explanation) -> str:
    what = _nearer_kind(one)
    served = f"the host route {one.planned.resolved.host}" if one.planned else "the default route"
    return f"{what}: more specific than {served}, so it decides"


def explanation_reason(one: Explanation) -> str:
    """The rule that decides; "" when nothing was decided."""
    if one.nearer is not None:
        return _nearer_rule(one)
    if one.planned is not None:
        return resolved_reason(one.planned.resolved)
    elected = one.default.election if one.default else one.observed
    return election_reason(elected) if elected else ""


def _verdict(one: Explanation, what: str) -> str:
    """What to make of the kernel's answer, where table local doesn't give it."""
    if one.as_wanted:
        return "as wanted"
    if one.route is None:
        return "no route of ours decides"
    if not is_reached(one.report.before, one.route.family, one.route.table):
        return f"NOT as wanted: {'; '.join(_no_rule(one.route, one.report.before))}"
    if wins := _wins(one.route, one):
        return f"NOT as wanted: {wins}"
    if not one.next_hops:
        return DROPPED
    if _sync_helps(one.route, one):
        return not_wanted_text(one.obstacle)
    see = f"`ip rule` and `ip route get {what.partition('/')[0]}`"
    return f"NOT as wanted: another route or a policy rule decides; see {see}"


def _no_rule(route: Route, before: KernelState) -> tuple[str, str]:
    return no_rule_texts(route.table, route.family, keeping_rule(before, route.family, route.table))


def _wins(route: Route, one: Explanation) -> str:
    """What wins over the route for the address; "" where nothing is known to."""
    nics = one.report.after.nics
    decided = one.planned or one.default
    shadowed = one.nearer is None and decided is not None and decided.verdict == "shadowed"
    by = _deciding(one) if shadowed else one.hidden_by
    if by is not None:
        return f"{route_text(by, nics)} wins"
    over = next((over for over in one.report.overruled if over.destination == route.destination), None)
    if over is not None and (over.shares or over.answer._replace(address=one.answer.address) == one.answer):
        rule = rule_of(one.answer, one.report.after, route.table) if over.rule is not None else None
        return overruled_text(over._replace(address=one.answer.address, answer=one.answer, rule=rule), nics)
    return ""


def _deciding(one: Explanation) -> Route | None:
    """The route that the kernel goes by; what keeps ours out may share the traffic with others (IPv6)."""
    covering = (route for route in one.report.before.routes if contains(route.destination, one.answer.address))
    return min((route for route in covering if fits(route, one.answer)), key=preference, default=None)


def _sync_helps(route: Route, one: Explanation) -> bool:
    """Whether a pass adds the route, or takes away what decides now, and nothing else wins afterwards.

    No rule of another table that decides now may come before its own.
    """
    before, plan = one.report.before, one.report.plan
    ruled = any(rule.table == one.answer.table for rule in rules_for(one.answer.address, before, route.table))
    ends = (operation.route for operation in plan.removals if contains(operation.route.destination, one.answer.address))
    changed = any(route == operation.route for operation in plan.additions) or any(fits(r, one.answer) for r in ends)
    after = any(over.destination == route.destination for over in one.report.overruled)
    return changed and not after and not ruled


def local_verdict(one: Explanation) -> str:
    """What to make of an answer by table local."""
    return "this machine itself" if one.answer.ifindex == LOOPBACK else "table local decides before every route"


def local_kind(one: Explanation) -> str:
    """Which kind of address table local decides about."""
    kind = _LOCAL_KINDS.get(one.answer.kind, "this machine's own")
    return f"{kind} address"


def _headline(what: str, one: Explanation) -> str:
    if one.by_local:
        return f"{what} is {local_kind(one)}"
    if one.observed is not None and one.route is None:
        return f"{what}: no host route, and the elected default is not programmed"
    if one.route is None:
        return f"{what}: no host route covers it, and no default route is elected"
    nics = one.report.before.nics
    by = [
        f"by {_nic_name(nic, nics) or '?'}{f', via {address_text(hop)}' if hop else ''}" for nic, hop in one.next_hops
    ]
    return f"{what} should leave {', or '.join(by)}" if by else f"{what} leaves by no NIC"


def _asked_text(asked: Prefix) -> str:
    return address_text(asked.address) if asked.length == len(asked.address) * 8 else str(asked)


def resolved_text(name: str, asked: Prefix) -> str:
    """Which address a host name was found to have."""
    return f"{name} is {address_text(asked.address)}"


def explanations_json(documents: Sequence[dict[str, Any]], unknown: Mapping[str, str]) -> dict[str, Any]:
    """`explain --json` with several targets, but for the exit code: the document of each.

    Args:
        unknown: words that name no target, with what is wrong with each.
    """
    left_out = {"unknown": [{"asked": text, "error": error} for text, error in unknown.items()]} if unknown else {}
    return {"schema": "guest-routes/explain/1", "explanations": list(documents), **left_out}


def explanation_json(one: Explanation) -> dict[str, Any]:
    """`explain --json`."""
    nics = one.report.before.nics
    planned = one.planned if one.nearer is None else None
    return {
        "schema": "guest-routes/explain/1",
        "exit_code": one.exit_code,
        "asked": str(one.asked),
        "route": route_json(one.route, nics) if one.route else None,
        "nic": _nic_name(one.next_hops[0][0], nics) if len({nic for nic, _ in one.next_hops}) == 1 else None,
        "host_route": str(planned.resolved.host) if planned else None,
        "place": planned.resolved.host.place if planned else None,
        "reason": explanation_reason(one),
        "verdict": _decides(one),
        "unresolved": [unresolved_json(missed) for missed in one.unresolved],
        "kernel": _kernel_json(one.answer, nics),
        "as_wanted": one.as_wanted,
        "metadata": metadata_json(one.report),
    }


def kernel_only_json(
    answers: Sequence[tuple[Prefix, Lookup]], nics: Sequence[Nic], code: int, error: str
) -> dict[str, Any]:
    """`explain --json` without metadata."""
    known = [{"asked": str(asked), "kernel": _kernel_json(answer, nics)} for asked, answer in answers]
    return {"schema": "guest-routes/explain/1", "exit_code": code, "error": error, "known": known}


def _kernel_json(answer: Lookup, nics: Sequence[Nic]) -> dict[str, Any]:
    return {
        "nic": _nic_name(answer.ifindex, nics),
        "gateway": address_text(answer.gateway) if answer.gateway else None,
        "table": answer.table,
        "error": answer.error,
    }


def _decides(one: Explanation) -> str:
    """The verdict on what decides: a nearer route, the host route, the default, or nothing."""
    if one.nearer is not None:
        return "nearer"
    decided = one.planned or one.default
    return decided.verdict if decided else "observed" if one.observed else "none"


def _nic_name(ifindex: int, nics: Sequence[Nic]) -> str | None:
    return next((nic.name for nic in nics if nic.ifindex == ifindex), None)
