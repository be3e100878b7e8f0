"""`status` for people and as JSON. Pure."""

from __future__ import annotations

from ...model.diagnosis.status import service_json
from ...model.report import ExtraDefault
from ..folding import entries, labelled, wrapped
from ..route_text import age_text, counted, route_json, route_text, span_text
from ..summary import is_removal
from ..words.evidence import missing_text
from ..words.obstacles import RELOAD, settings_wrong_words, sync_text
from ..words.outcomes import unprogrammed_parts, unprogrammed_text
from ..words.warnings import left_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Sequence

    from ...model.diagnosis.status import Status, StatusRecord
    from ...model.network import Route
    from ...model.operations import Operation
    from ..folding import Entry

_RESULTS = {
    0: "all in place",
    1: "failed",
    4: "no usable metadata",
    5: "done, but not everything is in effect",
}


def status_lines(found: Status, verbose: bool = False) -> list[str]:
    """The status for people; beyond a dozen routes of a kind only their number, unless `verbose`."""
    return [
        *_settings(found),
        *_last_pass(found),
        *_failed(found),
        *_withdrawn(found),
        *_service(found),
        *_our_routes(found, verbose),
        *_remarks(found, verbose),
        *(line for one in found.problems for line in labelled("not used", str(one))),
        *_drift(found, verbose),
        *_by_source(found, verbose),
    ]


def live_lines(now: str, code: int, lines: Sequence[str]) -> list[str]:
    """What `status --watch` shows.

    Args:
        now: the time of day.
        lines: the status, or why there is none.
    """
    return [f"{now}  exit code {code}  (^C ends it)", "", *lines]


def unseen_text(lines: int) -> str:
    """What a terminal has no lines for."""
    return f"... {counted(lines, 'line')} more: no room here"


def waiting_text(found: Status) -> str:
    """What `status --wait` waits for."""
    if not found.enabled:
        return f"waiting for {RELOAD}: the service goes on with other settings"
    if found.failed or not found.last:
        return "waiting for a pass that succeeds"
    if found.withdrawn:
        return "waiting for `guest-routes sync`: the routes are withdrawn by hand"
    if found.comparison.changes:
        return f"waiting for {counted(found.comparison.changes, 'change')}"
    return "waiting for the service" if found.service_missing else "waiting until all is in place"


def _settings(found: Status) -> list[str]:
    """What keeps passes from running, or from going by these settings."""
    fault = "unknown" if found.settings_hidden else "wrong"
    lines = [line for text in found.settings_problems for line in labelled("settings", f"{fault}: {text}")]
    if found.settings_problems and not found.settings_hidden:
        lines += labelled("", settings_wrong_words(found.service_goes_on))
    if not found.enabled:
        passes = f"the service goes on with those that it has read; {RELOAD} ends that"
        passes = passes if found.service_goes_on else "no pass runs"
        lines += labelled("settings", f"disabled (`enabled: false`): {passes}")
    elif found.settings_unread:
        lines += labelled("settings", f"other ones than the service goes by; {RELOAD} puts them in force")
    return lines


def _last_pass(found: Status) -> list[str]:
    last = found.last
    if found.last_unknown:
        text = f"unknown: its record is missing or can't be used; {sync_text(found.obstacle)} runs one"
        return labelled("last pass", text)
    if not last:
        return labelled("last pass", f"none yet; {sync_text(found.obstacle)} runs one")
    metadata, ago = last["metadata"], found.now - last["finished"]
    result = _RESULTS[last["exit_code"]]
    return [
        f"last pass    {age_text(ago)}: {result}",
        f"metadata     {metadata['where']}, {age_text(ago + metadata['age_seconds'])}",
        *(f"elected      {text}" for text in last["defaults"]),
    ]


def _failed(found: Status) -> list[str]:
    """A pass after the last one that could do nothing."""
    if not found.failed:
        return []
    first, *others = found.failed["error"].splitlines() or [""]
    lines = labelled("failed", f"{age_text(found.now - found.failed['finished'])}: {first}")
    for line in others:
        lines += wrapped(line.strip(), 13)
    return lines


def _withdrawn(found: Status) -> list[str]:
    if not found.withdrawn:
        return []
    again = f"{sync_text(found.obstacle)} programs them again"
    return labelled("withdrawn", f"by hand: the service programs no routes; {again}")


def _our_routes(found: Status, verbose: bool) -> list[str]:
    def ours(route: Route) -> Entry:
        return "=", route_text(route, found.state.nics), ""

    head = f"our routes   {len(found.ours):,} in the table" + (":" if found.ours else "")
    return [head, *entries(found.ours, ours, verbose)]


def _remarks(found: Status, verbose: bool) -> list[str]:
    """What the last pass could not do, or wants to be known."""
    last, nics = found.last, found.state.nics
    lines = []
    extras = [one for one in found.unprogrammed if isinstance(one, ExtraDefault)]
    missing = [one for one in found.unprogrammed if not isinstance(one, ExtraDefault)]
    if missing:
        lines.append(f"missing      {counted(len(missing), 'route')} of the document not in effect:")
        lines += entries(missing, lambda one: ("!", *unprogrammed_parts(one, nics)), verbose)
    if extras:
        lines.append(f"extra        {counted(len(extras), 'default')} too many:")
        lines += entries(extras, lambda one: ("?", *unprogrammed_parts(one, nics)), verbose)
    if found.unknown is not None and last.get("unprogrammed"):
        lines.append(f"missing      {counted(last['unprogrammed_count'], 'route')} when the last pass ended:")
        lines += entries(last["unprogrammed"], lambda text: ("!", *_parted(text)), verbose)
    for lease in last.get("leases", ()):
        age = age_text(found.now - lease["obtained"])
        ended = lease["expires"] is not None and lease["expires"] < found.now
        lines += labelled("lease", f"{lease['nic']}, {lease['client']}, {age}{', expired' if ended else ''}")
    for label, key in (("override", "overrides"), ("error", "errors"), ("warning", "warnings")):
        for text in last.get(key, ()):
            lines += labelled(label, text)
    for one in found.elsewhere:
        lines += labelled("warning", left_text(one))
    return lines


def _parted(text: str) -> tuple[str, str]:
    what, _, why = text.partition(": ")
    return what, why


def drift_heads(found: Status) -> list[str]:
    """How much a pass would change, source routing's part in a line of its own; or why that is unknown."""
    if found.settings_problems:
        return labelled(
            "drift", f"unknown: {missing_text(found.unknown) if found.unknown else 'the settings are wrong'}"
        )
    if found.unknown is not None:
        return labelled("drift", f"unknown: no document to compare with; {missing_text(found.unknown)}")
    changes, by_source = len(found.drift), len(found.comparison.source_drift)
    heads = [f"drift        {counted(changes, 'change')} needed; {_made_by(found, changes)}"] if changes else []
    if by_source:
        from ..source_routing import source_drift_line

        heads.append(source_drift_line(by_source, _made_by(found, by_source)))
    return heads or ["drift        none"]


def _drift(found: Status, verbose: bool) -> list[str]:
    """What a pass would change of the table, with how much; source routing's part is _by_source's."""

    def change(operation: Operation) -> Entry:
        return "-" if is_removal(operation) else "+", route_text(operation.route, found.state.nics), ""

    heads = drift_heads(found)
    if found.drift:
        return [heads[0], *entries(found.drift, change, verbose)]
    return [] if found.comparison.source_drift else heads


def _made_by(found: Status, changes: int) -> str:
    """Who makes the changes that a pass would make now."""
    them = "it" if changes == 1 else "them"
    if not found.enabled:
        return f"no pass {'by these settings ' if found.service_goes_on else ''}makes {them}"
    if not found.service_goes_on:
        return f"`guest-routes sync` makes {them}"
    return (
        f"the service makes {them} after {RELOAD}" if found.settings_unread else f"the service is about to make {them}"
    )


def _has_source_routing(found: Status) -> bool:
    """Whether it is on, or something of it is left."""
    return found.comparison.by_source is not None or bool(found.own_rules)


def _by_source(found: Status, verbose: bool) -> list[str]:
    """Source routing: its rules, what a pass would change, and what speaks against it."""
    if not _has_source_routing(found):
        return []
    from ..source_routing import status_source_lines

    return status_source_lines(found, _made_by(found, len(found.comparison.source_drift)), verbose)


def _source_json(found: Status) -> dict[str, Any] | None:
    if not _has_source_routing(found):
        return None
    from ..source_routing import status_source_json

    return status_source_json(found)


def _service(found: Status) -> list[str]:
    """What the service did and is about to do."""
    service, now = found.service, found.now
    if service is None:
        return ["service      not running" + (", but enabled" if found.unit == "enabled" else "")]
    if not found.service_runs:
        text = f"not running: it ended unexpectedly (pid {service.pid}); see `systemctl status guest-routes`"
        return labelled("service", text)
    again = span_text(max(0.0, service.next_refresh - now))
    asked = f"; fetches the metadata again in {again}" if service.next_refresh else ""
    asked = asked if service.enabled else "; idle: the settings that it has read switch it off"
    asked = "; its record is overdue: it hangs, or can't write it" if found.service_overdue else asked
    lines = labelled("service", f"running for {span_text(now - service.started)} (pid {service.pid}){asked}")
    if service.failures:
        since = age_text(now - service.failing_since)
        tries = counted(service.failures, "try", "tries")
        lines += labelled("no metadata", f"since {since}, {tries}: {service.failure}")
    if service.partial_reason:
        text = f"the last document may be partial: {service.partial_reason}; the last known good one is used"
        lines += labelled("partial", text)
    if service.last_error:
        lines += labelled("last error", service.last_error)
    if service.foreign_messages or service.malformed_messages:
        text = f"{service.foreign_messages:,} of other processes ignored, {service.malformed_messages:,} malformed"
        lines += labelled("netlink", text)
    return lines + _repairs(service, now) + _conflicts(service)


def _repairs(service: StatusRecord, now: float) -> list[str]:
    if not service.repairs:
        return []
    shown = [
        ("-+"[one.what == "added"], one.route, f"{age_text(now - one.when)}: {one.why}") for one in service.recent[-3:]
    ]
    return [f"repairs      {service.repairs:,}, the last:", *entries(shown, lambda entry: entry)]


def _conflicts(service: StatusRecord) -> list[str]:
    lines = [f"conflicts    {len(service.conflicts):,}:"] if service.conflicts else []
    for conflict in service.conflicts:
        lines.append(f"! {conflict.destination}")
        lines += wrapped(f"changed {counted(conflict.times, 'time')} by {conflict.actor}; {conflict.remedy}")
    return lines


def status_json(found: Status) -> dict[str, Any]:
    """`status --json`."""
    nics = found.state.nics
    return {
        "schema": "guest-routes/status/1",
        "exit_code": found.exit_code,
        "last_pass": found.last or None,
        "age_seconds": round(found.now - found.last["finished"], 3) if found.last else None,
        "failed": found.failed or None,
        "ours": [route_json(route, nics) for route in found.ours],
        "drift": [
            {"operation": "remove" if is_removal(one) else "add", "route": route_json(one.route, nics)}
            for one in found.drift
        ],
        "drift_unknown": "" if found.unknown is None else missing_text(found.unknown),
        "unprogrammed": [unprogrammed_text(one, nics) for one in found.unprogrammed],
        "problems": [str(one) for one in found.problems],
        "source_routing": _source_json(found),
        "settings_problems": list(found.settings_problems),
        "enabled": found.enabled,
        "unit": found.unit,
        "settings_unread": found.settings_unread,
        "left": [left_text(one) for one in found.elsewhere],
        "withdrawn": found.withdrawn,
        "service": found.service
        and {**service_json(found.service), "runs": found.service_runs, "overdue": found.service_overdue},
    }
