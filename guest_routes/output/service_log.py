"""The words of the service: lines of its log, systemd's status line, reasons in its record. Pure.

Values go in, one line comes out. Only a report of a bug has more lines: it ends with the traceback.
"""

from __future__ import annotations

from ..model.network import Prefix
from ..model.operations import Add
from ..model.report import ExtraDefault
from .escape import escaped
from .route_text import counted, nic_names, route_text, span_text
from .summary import is_removal, source_line, summary, unprogrammed_texts, verb_of
from .words.actors import actor_fields, actor_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal, Sequence, TypeAlias

    from ..model.diagnosis.status import Actor, Change, StatusRecord
    from ..model.network import Nic, Route
    from ..model.operations import Operation
    from ..model.plan import Suspicion
    from ..model.report import Report, Unprogrammed
    from ..model.source_routing import SourceKey

    ChildFault: TypeAlias = Literal["late", "ended", "long-line", "invalid", "no-reason", "failed"]
    """Why the child process that fetches brought neither a document nor a reason:

    late        it missed its deadline
    ended       it ended before its answer was complete
    long-line   the line before the document has no end
    invalid     the line before the document isn't what the child writes
    no-reason   it reported a failure without a reason
    failed      it met an error that it didn't expect
    """

DISABLED = "disabled by the settings (`enabled: false`); nothing is done"
STOPPED = "stopped; the routes stay as they are"
RELOADED = "the settings were reloaded"
RECOVERED = "passes succeed again"

_DESTINATION, _NIC = "GUEST_ROUTES_DESTINATION", "GUEST_ROUTES_NIC"
"""Fields of systemd's journal."""

_CHILD = "the child process that asks the metadata service"
_CHILD_FAULTS = {
    "late": f"{_CHILD} missed its deadline",
    "ended": f"{_CHILD} ended without an answer",
    "long-line": f"{_CHILD} sent an invalid answer (its first line is too long)",
    "invalid": f"{_CHILD} sent an invalid answer",
    "no-reason": f"{_CHILD} failed without a reason",
    "failed": f"{_CHILD} failed",
}


# ---- changes ------------------------------------------------------------------------------------------


def change_reason(operation: Operation, reverted: Change | None) -> str:
    """Why a pass changed a route: another program's change that it reverts, if any, and its own reason."""
    from .words.outcomes import operation_reason

    by = _reverted_text(operation, reverted) if reverted else ""
    return "; ".join(filter(None, (by, operation_reason(operation))))


def _reverted_text(operation: Operation, reverted: Change) -> str:
    """Who did what that an operation reverts."""
    actor = actor_text(reverted.actor)
    if reverted.deleted:
        return f"deleted by {actor}"
    if is_removal(operation):
        return f"added by {actor}"
    if isinstance(operation, Add) and reverted.route.metric == operation.route.metric:
        return f"replaced by {actor}"
    return f"{actor} added a route before it"


def change_line(operation: Operation, reverted: Change | None, nics: Sequence[Nic]) -> str:
    """A change of the kernel's routes, and why: "added 11.11.0.0/16 via 11.8.0.1 dev eth1: deleted by ip (pid 50)"."""
    return escaped(f"{verb_of(operation)} {route_text(operation.route, nics)}: {change_reason(operation, reverted)}")


def change_fields(route: Route, actor: Actor | None, nics: Sequence[Nic]) -> list[tuple[str, str]]:
    """The same for journalctl to select by; a multipath route has several NICs.

    Args:
        actor: who made the change necessary, where somebody did.
    """
    names = nic_names(nics)
    found = [(_DESTINATION, str(route.destination))]
    found += [(_NIC, escaped(names[hop.ifindex])) for hop in route.nexthops or (route,) if hop.ifindex in names]
    return found + actor_fields(actor)


def conflict_fields(contested: Prefix | SourceKey, actor: Actor) -> list[tuple[str, str]]:
    """The same of a conflict; a rule has no destination."""
    if isinstance(contested, Prefix):
        return [(_DESTINATION, str(contested)), *actor_fields(actor)]
    from ..model.source_routing import RuleKey

    destination = [] if isinstance(contested, RuleKey) else [(_DESTINATION, str(contested.destination))]
    return [*destination, *actor_fields(actor)]


def more_changes_line(number: int) -> str:
    """The changes of a pass that are not listed."""
    return f"... and {counted(number, 'more change')}"


# ---- passes -------------------------------------------------------------------------------------------


def over_line(lines: Sequence[str]) -> str:
    """Lines that no longer hold, the first one shown."""
    more = f"; nor {counted(len(lines) - 1, 'more line')}" if len(lines) > 1 else ""
    return f"no longer so: {lines[0]}{more}"


def unprogrammed_line(one: Unprogrammed, nics: Sequence[Nic]) -> str:
    """A route of the document that is not programmed; or a default too many that stays."""
    return f"{'' if isinstance(one, ExtraDefault) else 'not programmed: '}{unprogrammed_texts([one], nics)[0]}"


def outcome_text(report: Report) -> str:
    """A pass in one line: what it did, and with which document."""
    return f"{summary(report)} ({source_line(report)})"


def pass_failed_line(failure: str, retry_seconds: float, longest_seconds: float) -> str:
    """A pass that could not be made.

    Args:
        retry_seconds: until the next one.
        longest_seconds: the pause doubles up to this.
    """
    return f"{failure}; {_retries(retry_seconds, longest_seconds)}"


def bug_text(traceback: str) -> str:
    """An exception that no pass should raise."""
    return f"this is a bug of guest-routes: {traceback.strip()}"


def new_socket_line(failure: str) -> str:
    """The monitor's socket was lost and replaced."""
    return f"{failure}; opened a new socket"


def ignored_messages_lines(forged: int, malformed: int) -> list[str]:
    """What came to the monitor's socket and could not be used; without numbers, so that each is logged once."""
    found = []
    if forged:
        found.append("a process sends messages to this service's netlink socket as if it were the kernel; ignored")
    if malformed:
        found.append("a notification of the kernel is malformed; a pass looks at everything instead")
    return found


# ---- conflicts ----------------------------------------------------------------------------------------


def contested_name(what: Prefix | SourceKey) -> str:
    """What a conflict is about: "the route to 11.11.0.0/16", "the IPv6 default route", "the rule from 11.8.0.9 ..."."""
    if not isinstance(what, Prefix):
        return contested_text(what)
    if what.is_default:
        return "the default route" if len(what.address) == 4 else "the IPv6 default route"
    return f"the route to {what}"


def contested_text(what: Prefix | SourceKey) -> str:
    """The same for `status`: a destination alone is the route to it."""
    if isinstance(what, Prefix):
        return str(what)
    from .source_routing import key_text

    return key_text(what)


def conflict_line(
    contested: Prefix | SourceKey, actor: Actor, changes: int, seconds: float, longest_seconds: float, remedy: str
) -> str:
    """A conflict has begun: so many changes of one route or rule within so many seconds.

    Args:
        longest_seconds: the longest that a repair waits during a conflict; the first waits 1 s.
    """
    what = f"{actor_text(actor)} changed {contested_name(contested)} {counted(changes, 'time')} within {_span(seconds)}"
    waits = f"its repairs now wait 1 s, then longer, up to {_span(longest_seconds)}"
    return f"conflict: {what}; {waits}; remedy: {remedy}"


def more_conflicts_line(number: int) -> str:
    """The conflicts that began with a pass and are not listed."""
    return f"... and {counted(number, 'more conflict')} that began at the same time"


def resolved_line(contested: Sequence[Prefix | SourceKey], shown: int, seconds: float) -> str:
    """Conflicts are over, since nobody changed these for so many seconds; the first `shown` are listed."""
    names = ", ".join(map(contested_name, contested[:shown]))
    more = f" and {len(contested) - shown:,} more" if len(contested) > shown else ""
    return f"conflict over: nobody has changed {names}{more} for {seconds:.0f} s"


# ---- metadata -----------------------------------------------------------------------------------------


def no_metadata_line(reason: str, retry_seconds: float, longest_seconds: float) -> str:
    """The first of the fetches in a row that failed."""
    return f"no metadata: {reason}; the routes stay as they are; {_retries(retry_seconds, longest_seconds)}"


def metadata_back_line(seconds: float) -> str:
    """A fetch succeeded after so many seconds of failures."""
    return f"the metadata is available again after {_span(seconds)}"


def set_aside_line(suspicion: Suspicion, fetches: int) -> str:
    """A document that may be partial replaces the last known good one only when so many fetches in a row agree."""
    from .words.outcomes import suspicion_text, until_text

    stays = "the last known good one stays in force"
    return f"the document may be partial: {suspicion_text(suspicion)}; {stays} {until_text(suspicion, fetches)}"


def child_fault_text(fault: ChildFault, detail: str = "") -> str:
    """Why the child process that fetches brought neither a document nor a reason."""
    return _CHILD_FAULTS[fault] + (f" ({detail})" if detail else "")


def long_url_text(characters: int, limit_bytes: int) -> str:
    """What goes with a document doesn't fit before it: only a URL can be so long."""
    return f"its URL has {characters:,} characters: what goes with it exceeds {limit_bytes:,} bytes"


def no_child_text(error: OSError) -> str:
    """The system refused a process for a fetch."""
    return f"cannot start a process to ask the metadata service: {error.strerror}"


def no_unit_text(error: OSError) -> str:
    """systemd doesn't start the unit that asks the metadata service."""
    reason = error.strerror or str(error)
    return f"cannot reach guest-routes-fetch.socket, which starts the process that asks the metadata service: {reason}"


def not_confined_text(error: OSError) -> str:
    """The child process keeps some power that it must not have, so it asks nobody (R16)."""
    reason = error.strerror or str(error)
    return f"{_CHILD} can't be confined, so it asks nobody: {reason}"


# ---- the service itself -------------------------------------------------------------------------------


def settings_kept_line(error: Exception, withdrawn: bool) -> str:
    """A reload found settings that can't be used."""
    return f"the settings stay as they were{', and the routes withdrawn' if withdrawn else ''}: {error}"


def settings_unread_line(error: Exception, retry_seconds: float, longest_seconds: float) -> str:
    """The settings could not be read, for a reason that isn't theirs."""
    return f"the settings can't be read: {error}; {_retries(retry_seconds, longest_seconds)}"


def systemd_line(error: OSError) -> str:
    """A notification that systemd didn't take."""
    return f"cannot notify systemd: {error.strerror or error}; it may restart the service"


def child_failed_line(error: BaseException) -> str:
    """A child process failed; for standard error, where no logger adds the program's name."""
    return f"guest-routes: a child process failed: {type(error).__name__}: {escaped(str(error))}\n"


def status_line(record: StatusRecord, now: float) -> str:
    """The service in one line, for systemd. `now`: seconds since the epoch."""
    parts = [record.last_error or record.doing]
    if record.partial_reason:
        parts.append("the last document may be partial")
    if record.failures:
        parts.append(f"no metadata for {span_text(max(0.0, now - record.failing_since))}")
    if record.repairs:
        parts.append(counted(record.repairs, "repair"))
    if record.conflicts:
        parts.append(counted(len(record.conflicts), "conflict"))
    return escaped("; ".join(parts).replace("\n", " "))


def _retries(first_seconds: float, longest_seconds: float) -> str:
    if first_seconds >= longest_seconds:
        return f"retried every {_span(longest_seconds)}"
    return f"retried in {_span(first_seconds)}, then after longer pauses, up to {_span(longest_seconds)}"


def _span(seconds: float) -> str:
    """Short pauses with a decimal: 0.3 s, 1 s, 1.6 s, 40 s, 5 min."""
    return span_text(seconds) if seconds >= 10 else f"{round(max(0.0, seconds), 1):g} s"
