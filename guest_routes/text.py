"""A pass for people, at 80 columns. Pure: values in, lines out.

The first column tells what becomes of a route: `+` added, `-` removed, `=` in place, `!` not programmed, `?` left
alone though it is one too many. Routes are in `ip route` syntax.
"""

from __future__ import annotations

from .elect import NotElected
from .model import Address, Delete, Failure, Front, GiveDefault, Nic, TakeDefault, address_text
from .render import age_text, counted, route_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, Sequence, TypeVar

    from .model import Operation
    from .plan import Decision
    from .report import Report
    from .resolve import Unresolved
    from .withdraw import Withdrawal

    T = TypeVar("T")


WIDTH = 80
SHOWN = 12
"""So many entries of a kind are shown without --verbose."""

Entry = tuple[str, str, str]
"""Mark, what, and why."""


def source_line(report: Report) -> str:
    """Where the document is from and how old it is."""
    return f"metadata: {report.document.where}, {age_text(report.document.age_seconds)}"


def source_lines(report: Report) -> list[str]:
    """The same, and the leases that stand in where it is silent."""
    lines = [source_line(report)]
    told = report.beside.told
    for lease in told.leases if told else ():
        assert told is not None
        age = "expired " + age_text(told.now - (lease.expires or 0)) if lease.expired(told.now) else ""
        age = age or age_text(told.now - lease.obtained)
        lines += wrapped(f"lease:    {lease.nic}, {lease.client}, {age} ({lease.path})", 10, 0)
    return lines


def report_lines(report: Report, verbose: bool = False, written: bool = True) -> list[str]:
    """What a pass did, or with `written` False would do, and why."""
    said = report.unprogrammed or report.plan.held or report.resolution.conflicts
    if not (verbose or report.changes or said):
        return [summary(report, written), *source_lines(report)]
    lines = [*source_lines(report), ""]
    for group in (
        _defaults(report),
        _routes(report, verbose),
        _gone(report, verbose),
        _unprogrammed(report, verbose),
    ):
        lines += group
    lines += [*([""] if lines[-1] else []), summary(report, written)]
    return lines


def entries(group: Sequence[T], show: Callable[[T], Entry], verbose: bool = False) -> list[str]:
    """The lines of some entries; beyond SHOWN only their number, unless `verbose`."""
    shown = group if verbose or len(group) <= SHOWN + 1 else group[:SHOWN]
    lines = []
    mark = ""
    for mark, what, why in map(show, shown):
        lines.append(f"{mark} {what}")
        lines += wrapped(why)
    if len(shown) < len(group):
        lines.append(f"{mark} ... and {len(group) - len(shown):,} more; --verbose shows all")
    return lines


def wrapped(text: str, indent: int = 6, first: int | None = None) -> list[str]:
    """Text folded to WIDTH; commands in backquotes stay whole, so that they can be pasted.

    Args:
        indent: of every line, in columns.
        first: of the first line, where that is another.
    """
    from textwrap import TextWrapper

    parts = text.split("`")
    commands = "`".join(part.replace(" ", "\0") if number % 2 else part for number, part in enumerate(parts))
    fold = TextWrapper(WIDTH, break_long_words=False, break_on_hyphens=False, subsequent_indent=" " * indent)
    fold.initial_indent = " " * (indent if first is None else first)
    return [line.replace("\0", " ") for line in fold.wrap(commands)]


def complaint_lines(text: str) -> list[str]:
    """An error or warning folded for a terminal, its own line breaks and indents kept."""
    found = []
    for line in f"guest-routes: {text}".splitlines():
        margin = len(line) - len(line.lstrip())
        found += wrapped(line.lstrip(), margin + 4, margin)
    return found


def summary(report: Report, written: bool = True) -> str:
    """The last line: what was done, in numbers."""
    added = sum(1 for op in report.plan.additions if not isinstance(op, (GiveDefault, Front)))
    removed = len(report.plan.removals)
    placed = sum(1 for one in report.plan.decisions if one.verdict in ("kept", "adopted"))
    placed += sum(1 for one in report.plan.defaults if one.verdict in ("kept", "adopted") and one.route)
    if report.outcome.failures:
        return f"failed: {len(report.outcome.failures):,} of {counted(report.changes, 'change')} refused by the kernel"
    if report.errors:
        return "failed; above is what was planned"
    if report.exit_code == 4:
        return "nothing done: the document has no networks"
    parts = [f"{counted(placed, 'route')} in place"] if placed or not report.changes else []
    if report.unprogrammed:
        parts.append(f"{len(report.unprogrammed):,} not programmed")
    if not report.changes:
        return f"nothing to {'do' if written else 'change'}: " + ", ".join(parts)
    moved = [f"{added:,} added" if written else f"{added:,} to add"] if added else []
    moved += [f"{removed:,} removed" if written else f"{removed:,} to remove"] if removed else []
    return ("done, verified: " if written else "would change: ") + ", ".join(moved + parts)


def _defaults(report: Report) -> list[str]:
    found: list[Entry] = []
    missed = {one.family for one in report.elections if isinstance(one, NotElected) and one.wanted}
    nics = report.before.nics
    for default in report.plan.defaults:
        if default.route is not None:
            mark = "+" if default.verdict == "add" else "="
            rule = "another program's, equal; adopted. " if default.verdict == "adopted" else ""
            found.append((mark, route_text(default.route, nics), f"{rule}Elected: {default.because}"))
        if default.reason and default.family not in missed:
            found.append(("?", f"IPv{default.family} default", f"left as it is: {default.reason}"))
        if not default.removals:
            why = "since the document may be partial" if report.doubt else "as default_mode says"
            for route in default.extras:
                found.append(("?", route_text(route, nics), f"one default too many; left, {why}"))
        for route in default.outside:
            text = "through a NIC that the metadata doesn't describe: never touched"
            found.append(("=", route_text(route, nics), text))
    return entries(found, lambda entry: entry)


def _routes(report: Report, verbose: bool) -> list[str]:
    marks = {"add": "+", "kept": "=", "adopted": "="}
    nics = report.before.nics
    failed = {id(failure.operation.because) for failure in report.outcome.failures}

    def decided(one: Decision) -> Entry:
        rule = "another program's, equal; adopted. " if one.verdict == "adopted" else ""
        over = f"; wins over {route_text(one.rival, nics)}" if one.rival else ""
        return marks[one.verdict], route_text(one.route, nics), f"{rule}{one.resolved}{over}"

    decisions = [one for one in report.plan.decisions if one.verdict != "shadowed" and id(one.resolved) not in failed]
    # Additions that serve no host route: legs and demoted defaults.
    others = [op for op in report.plan.additions if isinstance(op.because, str)]
    return [
        *entries(decisions, decided, verbose),
        *entries(others, lambda op: ("+", route_text(op.route, nics), str(op.because)), verbose),
    ]


def _gone(report: Report, verbose: bool) -> list[str]:
    nics = report.before.nics

    def removed(operation: Operation) -> Entry:
        recorded = "; recorded: `guest-routes withdraw` puts it back" if isinstance(operation, TakeDefault) else ""
        return "-", route_text(operation.route, nics), f"{operation.because}{recorded}"

    stays = "not in this document; stays, since the document may be partial"
    return [
        *entries(report.plan.removals, removed, verbose),
        *entries(report.plan.held, lambda route: ("=", route_text(route, nics), stays), verbose),
    ]


def _unprogrammed(report: Report, verbose: bool) -> list[str]:
    from .resolve import BY_CHOICE

    def chosen(one: Unresolved) -> Entry:
        return " ", *_fitting(f"{one.host}  ({one.host.place})", f"{one.kind}: {one.reason}")

    def missed(text: str) -> Entry:
        what, _, why = text.partition(": ")
        return "!", *_fitting(what, why)

    by_choice = [one for one in report.resolution.unresolved if one.kind in BY_CHOICE]
    notes = report.resolution.notes if verbose else ()
    return [
        *entries(report.unprogrammed, missed, verbose),
        *entries(by_choice, chosen, verbose),
        *entries(notes, lambda note: (" ", note.place, note.text), verbose),
    ]


def _fitting(what: str, why: str) -> tuple[str, str]:
    """A place that is too long for the line of its route stands below it."""
    route, parted, place = what.partition("  (")
    return (route, f"{place[:-1]}: {why}") if parted and len(what) > WIDTH - 2 else (what, why)


def failure_text(failure: Failure, nics: Sequence[Nic]) -> str:
    """`cannot add 10.8.0.0/16 via 192.0.2.1 dev eth1: Nexthop has invalid gateway (EINVAL); ...`"""
    from errno import EPERM, errorcode

    removing = isinstance(failure.operation, (Delete, TakeDefault))
    verb = "remove" if removing else "add"
    text = f"cannot {verb} {route_text(failure.operation.route, nics)}: {failure.text}"
    text += f" ({errorcode.get(failure.errno, failure.errno)})"
    if failure.errno == EPERM:
        return text + "; it takes root (CAP_NET_ADMIN)"
    return text + ("; it stays" if removing else "; its traffic goes the way it went before")


def withdrawal_lines(done: Withdrawal, verbose: bool = False) -> list[str]:
    """What `withdraw` did."""
    nics = done.before.nics
    back: list[Entry] = [("+", route_text(op.route, nics), str(op.because)) for op in done.plan.additions]
    gone: list[Entry] = [("-", route_text(op.route, nics), "") for op in done.plan.removals]
    lines = entries(back, lambda entry: entry, verbose) + entries(gone, lambda entry: entry, verbose)
    if not lines:
        return ["nothing to withdraw: no route of ours is in the table"]
    put = f", {counted(len(back), 'default')} put back" if back else ""
    return [*lines, "", f"withdrawn: {counted(len(gone), 'route')}{put}"]


def kernel_line(answer: tuple[int, Address | None, str], nics: Sequence[Nic]) -> str:
    """What the kernel does with an address now."""
    ifindex, gateway, error = answer
    if not ifindex:
        return error
    name = next((nic.name for nic in nics if nic.ifindex == ifindex), "lo")
    return f"{'via ' + address_text(gateway) + ' ' if gateway else ''}dev {name}"
