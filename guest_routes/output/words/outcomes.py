"""Why an operation is there, what came of a pass, and why a document may be partial, in words. Pure."""

from __future__ import annotations

from ...model.decision import Elected, NotElected, Resolved, Unresolved
from ...model.network import BROADCAST, LOCAL_TABLE, MAIN_TABLE, MULTICAST, address_text, family_of, mac_text
from ...model.network_data import Problem
from ...model.operations import Delete, RemoveForeignDefault
from ...model.plan import PlannedDefault, PlannedRoute
from ...model.report import Discrepancy, ExtraDefault, Overruled
from ...routing.compare import is_advertised
from ...routing.ownership import without_left
from ..escape import escaped
from ..route_text import counted, lasting_text, nic_names, route_text
from ..rule_text import table_name
from .elections import election_reason
from .evidence import binding_label
from .reasons import resolved_reason, unresolved_reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Sequence

    from ...model.decision import Binding
    from ...model.evidence import Elsewhere
    from ...model.network import Lookup, Nic, Route, Rule
    from ...model.operations import Operation
    from ...model.plan import StayingRoute, Suspicion
    from ...model.report import PassError, Unprogrammed


_OPERATIONS = {
    "": "",
    "not-in-document": "nothing lists it any more",
    "equal-serves": "another program's equal route is used",
    "ours-serves": "replaced: another one of ours leads the same way",
    "shadowed": "another program's route wins",
    "not-elected": "not the elected default",
    "withdrawn": "withdrawn",
    "recorded": "recorded when it was removed",
    "handed-over": "kept without our protocol: it is the only default route",
    "nexthops-outside": "next hops through NICs outside the metadata are kept",
    "demoted": "an extra default, kept at a worse metric",
    "whole-route-back": "the whole multipath route is back",
    "rolled-back": "rolled back",
    "gateway": "the gateway's own route: another route covers it",
    "gateway-no-more": "the gateway's own route: no other route covers it any more",
    "overtakes": "another program's default came meanwhile, and stays in front",
}


def operation_reason(operation: Operation) -> str:
    """Why a route is written or removed (R15)."""
    reason = operation.reason
    if isinstance(reason, Resolved):
        if isinstance(operation, RemoveForeignDefault):
            return copy_reason(reason)
        return f"{'replaced: ' if isinstance(operation, Delete) else ''}{resolved_reason(reason)}"
    if isinstance(reason, Unresolved):
        return f"{reason.host} ({reason.host.place}): {unresolved_reason(reason)}"
    if isinstance(reason, Elected):
        if isinstance(operation, RemoveForeignDefault):
            return f"one default too many: {reason.nic.name} has it"
        return election_reason(reason)
    return _OPERATIONS[reason]


def back_text(route: Route, left: Sequence[Elsewhere]) -> str:
    """How a default that is taken away comes back.

    Args:
        left: what passes with other settings have left: that never does.
    """
    if is_advertised(route):
        return "; its router's next advertisement brings it back"
    if not without_left([route], [(one.table, one.protocol) for one in left]):
        return "; a pass with other settings had added it"
    return "; `guest-routes withdraw` restores it"


def copy_reason(one: Resolved) -> str:
    """Why a route is a copy (R20)."""
    return f"a copy of {one.host} through the wrong NIC: {resolved_reason(one)}"


def staying_cause(one: StayingRoute) -> str:
    """Why a route of ours stays that no resolved host route has (R6)."""
    if isinstance(one.reason, Problem):
        return f"{one.reason.place} is refused, and may list it"
    return f"{one.reason.host.place} lists it"


def unprogrammed_parts(one: Unprogrammed, nics: Sequence[Nic]) -> tuple[str, str]:
    """What of the document is not in the kernel, and why."""
    if isinstance(one, Problem):
        return one.place, one.text
    if isinstance(one, NotElected):
        return f"IPv{one.family} default", election_reason(one)
    if isinstance(one, Unresolved):
        return f"{one.host}  ({one.host.place})", unresolved_reason(one)
    if isinstance(one, ExtraDefault):
        why = "the kernel could delete another route in its place"
        if one.displaced:
            why = "it would come back behind another one of its metric"
        elif one.route.unwritable == "hidden":
            why = "the kernel shows too little of it: it stands between two next hops of another one"
        elif one.route.unwritable:
            why = f"its attributes can't be written back the same ({one.route.unwritable})"
        return lasting_text(one.route, nics), f"one default too many; it stays, since {why}"
    if isinstance(one, (PlannedRoute, PlannedDefault)):
        by = lasting_text(one.competitor, nics) if one.competitor else "another route"
        if isinstance(one, PlannedDefault):
            return f"IPv{one.family} default", f"shadowed by {by}"
        host = one.resolved.host
        return f"{host}  ({host.place})", f"shadowed by {by}"
    what = f"IPv{family_of(one.address)} default" if one.destination.is_default else str(one.destination)
    return what, f"{'not programmed yet, and' if one.pending else 'programmed, but'} {overruled_text(one, nics)}"


LEFT_SO = "until then an earlier pass's route stays"


def there_text(route: Route, nics: Sequence[Nic]) -> str:
    """A route of another program, to a destination that is not programmed."""
    return f"another program's {lasting_text(route, nics)} is there, and stays"


def unprogrammed_text(one: Unprogrammed, nics: Sequence[Nic]) -> str:
    """The same in one line."""
    return escaped(": ".join(unprogrammed_parts(one, nics)))


def overruled_text(one: Overruled, nics: Sequence[Nic]) -> str:
    """Which route wins and by what (R8), and what the kernel said."""
    answer = one.answer
    if one.shares and one.by is not None:
        return f"{lasting_text(one.by, nics)} is a next hop of the same route, and gets a part of the traffic"
    sent = f"{lookup_text(answer, nics)} (table {table_name(answer.table)})"
    if not answer.ifindex:
        sent = f"nowhere: {answer.error}" if answer.error else "nowhere"
    asked = f"the kernel sends {address_text(one.address)} {sent}"
    ruled = one.rule is not None and one.rule.table != LOCAL_TABLE  # That every machine looks up first.
    rule = _rule_text(one.rule) if one.rule and ruled else ""
    if one.unruled:
        return f"{no_rule_texts(MAIN_TABLE, family_of(one.address), one.rule)[0]}; {asked}"
    if one.by is not None:
        return f"{lasting_text(one.by, nics)} wins{' by ' + rule if rule else ''}; {asked}"
    return f"{rule} wins; {asked}" if rule else f"{asked}; see `ip rule`"


def _rule_text(rule: Rule) -> str:
    named = rule.destination is not None and not rule.negated
    return f"rule {rule.priority} (`ip rule`){f' for {rule.destination}' if named else ''}"


def no_rule_texts(table: int, family: int, keeping: Rule | None) -> tuple[str, str]:
    """That no packet comes to a table, since no rule looks it up or one keeps all from it; and what to do about it."""
    name, remedy = table_name(table), f"see `ip -{family} rule`"
    if keeping is not None:
        rule = f"rule {keeping.priority} (`ip -{family} rule`)"
        return f"{rule} keeps all packets from table {name}: none of its routes is used", remedy
    what = f"no rule looks up table {name} for IPv{family}: none of its routes is used"
    return what, f"`ip -{family} rule add priority 32766 lookup main`" if table == MAIN_TABLE else remedy


def lookup_text(answer: Lookup, nics: Sequence[Nic]) -> str:
    """What the kernel does with an address now: "via 11.8.0.1 dev eth1", or its error."""
    if not answer.ifindex:
        return answer.error
    name = nic_names(nics).get(answer.ifindex, f"if{answer.ifindex}")
    kind = {BROADCAST: "broadcast ", MULTICAST: "multicast "}.get(answer.kind, "")
    return f"{kind}{'via ' + address_text(answer.gateway) + ' ' if answer.gateway else ''}dev {name}"


def pass_error_text(error: PassError, nics: Sequence[Nic]) -> str:
    """Why a pass failed."""
    if isinstance(error, Discrepancy):
        what = "missing" if error.kind == "missing" else "still there"
        return f"{what} after the pass: {route_text(error.route, nics)}"
    harm = {
        "not-put-back": "the kernel refused to restore a route of ours",
        "metadata-unreachable": "the metadata service can't be reached since the routes were written",
    }[error.cause]
    end = f", except {error.refused:,} that the kernel refused" if error.refused else ""
    if error.kept:
        end += "; a default of ours stays, since another program has taken away the one that was there"
    return f"{harm}; the routes are as they were before the pass{end}"


def until_text(one: Suspicion, fetches: int) -> str:
    """Until when a document that may be partial isn't believed: after so many fetches, unless a lease can't be used."""
    return f"until {one.leases[0].place} can be used" if one.leases else f"until {fetches} fetches in a row agree"


def suspicion_text(one: Suspicion) -> str:
    """Why a document may be partial (R6)."""
    if one.kind == "no-networks":
        return "it has no networks"
    if one.kind == "nics-lost":
        lost = ", ".join(f"{name} ({mac_text(mac)})" for name, mac in one.nics)
        return f"it no longer describes {lost}, which is present"
    if one.kind == "networks-lost":
        names = ", ".join(name for name, _ in one.nics)
        return (
            f"a network of {names} is missing or damaged in it, and routes of ours, or the default, would leave {names}"
        )
    if one.kind == "routes-omitted":
        omitted = ", ".join(dict.fromkeys(map(binding_label, one.bindings)))
        return f"it omits the routes of {omitted}, and {one.gone:,} of our routes would go"
    if one.kind == "default-omitted":
        names = ", ".join(dict.fromkeys(map(binding_label, one.bindings)))
        return f"it omits the routes of {names}, and the default route would leave it"
    return f"{one.gone:,} of our {counted(one.ours, 'route')} would go at once"


def unnamed_texts(bindings: Sequence[Binding]) -> list[str]:
    """Which NICs of the document no `export --nic` names, each once."""
    labels = {binding_label(one): one for one in bindings}
    return [
        f"no --nic names {label}, which networks[{one.network.index}] is on: the configuration has "
        "no route by it, its default included; add --nic NAME=MAC"
        for label, one in labels.items()
        if one.network is not None
    ]
