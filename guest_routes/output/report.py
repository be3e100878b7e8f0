"""A pass for people. Pure: values in, lines out.

The first column tells what becomes of a route: `+` added, `-` removed, `=` in place, `!` not programmed, `?` left
alone though it is one too many. Routes are in `ip route` syntax.
"""

from __future__ import annotations

from ..model.decision import BY_CHOICE, NotElected, Unresolved
from ..model.network import PROTOCOL_BOOT
from ..model.network_data import Problem
from ..model.operations import Add, Delete, MoveDefault, RemoveForeignDefault
from ..model.report import ExtraDefault
from ..routing.compare import ifindexes, leads_out
from .folding import entries, first_of, fitting, wrapped
from .route_text import counted, route_text
from .summary import is_remarkable, is_removal, short_lines, source_lines, summary

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Sequence

    from ..model.decision import Note
    from ..model.network import Nic, Prefix, Route
    from ..model.operations import Failure, Operation
    from ..model.plan import Copy, NotRestored, PlannedDefault, PlannedRoute, StayingRoute
    from ..model.report import Report, Unprogrammed, Withdrawal
    from ..model.source_routing import SourceOperation
    from .folding import Entry


def report_lines(report: Report, verbose: bool = False, written: bool = True) -> list[str]:
    """What a pass did, or with `written` False would do, and why."""
    if not (verbose or is_remarkable(report)):
        return short_lines(report, written)
    lines = [*source_lines(report), ""]
    for group in (
        _defaults(report),
        _routes(report, verbose),
        _removals(report, verbose),
        _unprogrammed(report, verbose),
    ):
        lines += group
    if report.decision.source_routing is not None:
        from .source_routing import source_routing_lines

        lines += source_routing_lines(report, verbose, written)
    lines += [*([""] if lines[-1] else []), *wrapped(summary(report, written), 4, 0)]
    return lines


_ADOPTED = "adopted: another program's equal route. "


def _defaults(report: Report) -> list[str]:
    found = [entry for default in report.plan.defaults for entry in _default(default, report)]
    return entries(found, lambda entry: entry)


def _default(default: PlannedDefault, report: Report) -> list[Entry]:
    from .words.elections import election_reason, observed_text

    nics = report.before.nics
    found: list[Entry] = []
    if default.verdict == "observed":
        found.append(("?", f"IPv{default.family} default", observed_text(default.election, bool(report.suspicion))))
    if default.serving is not None:
        mark = "+" if default.verdict == "add" else "="
        rule = _ADOPTED if default.verdict == "adopted" else ""
        why = f"{rule}Elected: {election_reason(default.election)}"
        found.append((mark, route_text(default.serving, nics), why))
    if isinstance(default.election, NotElected) and not default.election.wanted:
        why = f"left as it is: {election_reason(default.election)}"
        found.append(("?", f"IPv{default.family} default", why))
    if not default.removals:
        why = "since the document may be partial" if report.suspicion else "as `default_mode` says"
        why = "since it can't be recorded" if report.unrecorded else why
        found += [("?", route_text(route, nics), f"one default too many; it stays, {why}") for route in default.extras]
    return found + _outside(default, report)


def _outside(default: PlannedDefault, report: Report) -> list[Entry]:
    """Defaults through NICs that are not ours to touch."""
    nics = report.before.nics
    names = {one.ignored for one in report.resolution.bindings if one.ignored}
    ignored = frozenset(nic.ifindex for nic in nics if nic.name in names)
    return [
        ("=", route_text(route, nics), f"{_outside_cause(route, ignored)}: never changed") for route in default.outside
    ]


def _outside_cause(route: Route, ignored: frozenset[int]) -> str:
    """Why a default is not ours to touch."""
    if route.unwritable == "source":
        return "for packets from a prefix only"
    through = ifindexes(route)
    if not through or not leads_out(route):
        return "it leads nowhere"
    return f"through a NIC that {'`ignore_nics` covers' if through <= ignored else 'no network of the metadata is on'}"


def _routes(report: Report, verbose: bool) -> list[str]:
    from .words.outcomes import operation_reason
    from .words.reasons import resolved_reason

    nics = report.before.nics
    failed = {id(failure.operation.reason) for failure in report.outcome.failures}

    def planned(one: PlannedRoute) -> Entry:
        rule = _ADOPTED if one.verdict == "adopted" else ""
        over = f"; wins over {route_text(one.competitor, nics)}" if one.competitor else ""
        mark = "+" if one.verdict == "add" else "="
        return mark, route_text(one.route, nics), f"{rule}{resolved_reason(one.resolved)}{over}"

    serving = report.plan.serving
    shown = [one for one in serving if id(one.resolved) not in failed] if failed else serving
    # Additions that serve no host route. A host route's reason is a value: comparing it with each takes long.
    named = [op for op in report.plan.additions if type(op[1]) is str]
    others = [op for op in named if op.reason in ("nexthops-outside", "demoted", "gateway")]
    return [
        *entries(shown, planned, verbose),
        *entries(others, lambda op: ("+", route_text(op.route, nics), operation_reason(op)), verbose),
    ]


def _removals(report: Report, verbose: bool) -> list[str]:
    from .words.outcomes import back_text, copy_reason, operation_reason, staying_cause

    nics, left = report.before.nics, report.evidence.elsewhere
    listed = {one.host.destination: one for one in reversed(report.resolution.unresolved)} if report.plan.held else {}

    def removed(operation: Operation) -> Entry:
        back = back_text(operation.route, left) if isinstance(operation, RemoveForeignDefault) else ""
        return "-", route_text(operation.route, nics), f"{operation_reason(operation)}{back}"

    def held(route: Route) -> Entry:
        why = operation_reason(Delete(route, listed.get(route.destination, "not-in-document")))
        return "=", route_text(route, nics), f"{why}; stays, since the document may be partial"

    def staying(one: StayingRoute) -> Entry:
        return "=", route_text(one.route, nics), f"{staying_cause(one)}; stays as an earlier pass programmed it"

    def copied(one: Copy) -> Entry:
        stays = "since the document may be partial" if report.suspicion else "as `default_mode` says"
        return "?", route_text(one.route, nics), f"{copy_reason(one.resolved)}; it stays, {stays}"

    going = {operation.route for operation in report.plan.removals}
    return [
        *entries([one for one in report.plan.copies if one.route not in going], copied, verbose),
        *entries(report.plan.removals, removed, verbose),
        *entries(report.plan.held, held, verbose),
        *entries(report.plan.staying, staying, verbose),
    ]


def _unprogrammed(report: Report, verbose: bool) -> list[str]:
    from .words.outcomes import LEFT_SO, there_text, unprogrammed_parts
    from .words.reasons import note_parts, unresolved_reason

    nics = report.before.nics

    def by_choice(one: Unresolved) -> Entry:
        return " ", *fitting(f"{one.host}  ({one.host.place})", f"{one.kind}: {unresolved_reason(one)}")

    there = {destination: there_text(route, nics) for destination, route in _others_routes(report).items()}
    there.update((one.route.destination, LEFT_SO) for one in report.plan.staying)

    def missed(one: Unprogrammed) -> Entry:
        what, why = unprogrammed_parts(one, nics)
        stays = there.get(one.host.destination) if isinstance(one, Unresolved) else None
        return "?" if isinstance(one, ExtraDefault) else "!", *fitting(what, f"{why}; {stays}" if stays else why)

    chosen = [one for one in report.resolution.unresolved if one.kind in BY_CHOICE]
    notes: list[Note | Problem] = [*report.evidence.notes, *report.resolution.notes] if verbose else []
    return [
        *entries(report.unprogrammed, missed, verbose),
        *entries(chosen, by_choice, verbose),
        *entries(notes, lambda note: (" ", *note_parts(note)), verbose),
    ]


def _others_routes(report: Report) -> dict[Prefix, Route]:
    """By destination, another program's route to what is not programmed: network managers read the same document."""
    plan = report.plan
    missed = {one.host.destination for one in report.unprogrammed if isinstance(one, Unresolved)}
    if not missed:
        return {}
    missed -= {planned.resolved.host.destination for planned in plan.routes}
    known = {one.route for one in (*plan.operations, *plan.staying)} | set(plan.held)
    there = (route for route in report.after.routes if route.destination in missed and route.destination.length)
    return {route.destination: route for route in there if route not in known}


def failure_text(failure: Failure, nics: Sequence[Nic]) -> str:
    """`cannot add 10.8.0.0/16 via 192.0.2.1 dev eth1: Nexthop has invalid gateway (EINVAL); ...`"""
    from errno import EPERM, errorcode

    removing = is_removal(failure.operation)
    verb = "remove" if removing else "add"
    text = f"cannot {verb} {route_text(failure.operation.route, nics)}: {failure.text}"
    text += f" ({errorcode.get(failure.errno, failure.errno)})"
    if failure.errno == EPERM:
        return text + "; this needs root (CAP_NET_ADMIN)"
    return text + ("; it stays" if removing else "; its traffic is routed as before")


_NOT_RESTORED = {
    "refused": "the kernel refused it",
    "nic-absent": "its NIC is not there",
    "nic-down": "its NIC is down",
    "no-subnet": "its gateway is in no subnet of its NIC any more",
    "expired": "its lifetime has passed",
    "advertised": "its router's next advertisement brings it",
    "no-source": "no NIC has its source address any more",
    "other-object": "its nexthop object is gone, or is another one now",
    "newcomer": "a default outside the metadata has come and wins, and would share its packets with it",
}


def withdrawal_lines(done: Withdrawal, verbose: bool = False) -> list[str]:
    """What `withdraw` did, and what it couldn't put back."""
    from .words.outcomes import operation_reason

    nics = done.before.nics
    made = _lasting(done.outcome.done)
    back: list[Entry] = [("+", route_text(op.route, nics), operation_reason(op)) for op in made if not is_removal(op)]
    gone: list[Entry] = [("-", route_text(op.route, nics), "") for op in made if is_removal(op)]
    unrestored: list[Entry] = [("?", *_unrestored_parts(one, done)) for one in done.plan.not_restored]
    lines = [*entries(back, lambda entry: entry, verbose), *entries(gone, lambda entry: entry, verbose)]
    listed = entries(unrestored, lambda entry: entry, verbose)
    by_source = done.source_outcome.done if done.source_outcome is not None else ()
    lines += _withdrawn_by_source(by_source, nics, verbose)
    if not lines:
        return listed if done.outcome.failures else [*listed, "nothing to withdraw: the table has no route of ours"]
    kept = sum(op.reason == "handed-over" for op in made)
    copies = sum(not is_removal(op) and not op.route.destination.is_default for op in made)
    restored, changes = len(back) - kept - copies, len(by_source)
    counts = [(restored, "default", "restored"), (kept, "default", "kept"), (copies, "route", "restored")]
    counts.append((changes, "change", "for source routing"))
    put = "".join(f", {counted(number, what)} {done_with}" for number, what, done_with in counts if number)
    return [*lines, *listed, "", f"withdrawn: {counted(len(gone), 'route')}{put}"]


def _withdrawn_by_source(done: Sequence[SourceOperation], nics: Sequence[Nic], verbose: bool) -> list[str]:
    """The rules and routes of source routing that have gone."""
    if not done:
        return []
    from .source_routing import source_text

    return entries(done, lambda one: ("-", source_text(one, nics), ""), verbose)


def _lasting(done: Sequence[Operation]) -> list[Operation]:
    """Without what only helps the others: routes of ours that are there for a moment, and moved ones."""
    momentary = {one.route for one in done if isinstance(one, Add)}
    return [one for one in done if not isinstance(one, MoveDefault) and one.route not in momentary]


def _unrestored_parts(one: NotRestored, done: Withdrawal) -> tuple[str, str]:
    """A recorded default that is not put back, why, and whether a later `withdraw` can."""
    again = "" if one.reason in ("advertised", "expired") else "; it stays recorded"
    return route_text(one.route, done.nics_of(one)), f"not restored: {_NOT_RESTORED[one.reason]}{again}"


def not_restored_texts(done: Withdrawal) -> list[str]:
    """The recorded defaults that `withdraw` couldn't put back."""
    return [": ".join(_unrestored_parts(one, done)) for one in done.plan.not_restored]


def left_texts(done: Withdrawal, shown: int = 0) -> list[str]:
    """What `withdraw` could not remove, how that goes by hand, and what it could not keep or forget.

    Args:
        shown: so many routes one by one, and how many more there are; 0: all.
    """
    left = [f"still there: {route_text(route, done.after.nics)}" for route in done.left]
    left = first_of(left, "routes are still there; --json has all", shown or len(left))
    places = {(one.family, one.table, one.protocol) for one in done.left}
    commands = [f"`ip -{family} route flush table {table} proto {number}`" for family, table, number in sorted(places)]
    by_hand = [f"to remove by hand what is left: {', '.join(commands)}"] if commands else []
    return [*left, *_keeping_texts(done), *by_hand, *done.state_errors]


def _keeping_texts(done: Withdrawal) -> list[str]:
    """What keeps the best default that is left, where its family has no other (R7): the removal would take it."""
    left = sorted((route for route in done.left if route.destination.is_default), key=lambda route: route.metric)
    others = {one.family for one in done.after.routes if one.destination.is_default and one not in done.left}
    best = {route.family: route for route in reversed(left) if route.family not in others}
    # On link: where rules let no packet out, Linux looks for the gateway in vain.
    kept = [one._replace(protocol=PROTOCOL_BOOT, onlink=one.gateway is not None) for one in best.values()]
    commands = [f"`ip -{one.family} route replace {route_text(one, done.after.nics)}`" for one in kept]
    keep = f"first keep the default route, there is no other: {', '.join(commands)}"
    return [f"{keep}; go on only once that has worked"] if commands else []
