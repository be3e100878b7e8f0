"""What `status` shows: the last pass, the age of its data, what is ours, and whether it is all still in place."""

from __future__ import annotations

import time

from .errors import GuestRoutesError
from .kernel import open_kernel
from .model import KernelState
from .policy import Settings
from .record import record_from_json, service_json
from .render import age_text, counted, route_text, span_text
from .rivals import process_started
from .state import State
from .text import entries, wrapped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NamedTuple

    from .record import Record
else:
    from .values import NamedTuple


class Status(NamedTuple):
    """A look at the files of the last pass and at the kernel; nothing is fetched."""

    last: dict[str, Any]
    """What the last pass left (as_json.status_json); {} when none is known."""
    state: KernelState
    ours: tuple[str, ...]
    drift: tuple[str, ...]
    """What a pass on the same document would change, as `+` or `-` and a route."""
    unknown: str
    """Why drift can't be told; "" when it can."""
    failed: dict[str, Any]
    """A later pass, that could do nothing: when, with which exit code and error; {} when there was none."""
    now: float
    withdrawn: bool = False
    """`withdraw` was asked for last: the service leaves the routes alone."""
    service: Record | None = None
    """What the service says of itself; None when none runs, or its record was of another version."""
    service_runs: bool = False
    """The process that left the record still lives."""

    @property
    def exit_code(self) -> int:
        """That of the last pass, or of one that failed since; 1 when the routes have drifted."""
        if self.failed:
            return int(self.failed["exit_code"])
        if self.drift:
            return 1
        return int(self.last.get("exit_code", 0))


def look(settings: Settings, state: State) -> Status:
    """Compares the kernel with what the last accepted document asks for.

    Raises:
        KernelError: the tables can't be read.
    """
    from .model import Delete, TakeDefault
    from .sync import sync

    drift: tuple[str, ...] = ()
    kernel = open_kernel(settings.engine)
    try:
        before = kernel.snapshot(settings.table)
        unknown = state.last_known_good(before.nics).reason
        try:
            if not unknown:
                report = sync(settings.from_documents("last-known-good"), state, write=False, kernel=kernel)
                drift = tuple(
                    f"{'-' if isinstance(op, (Delete, TakeDefault)) else '+'} {route_text(op.route, before.nics)}"
                    for op in report.plan.operations
                )
        except GuestRoutesError as error:
            unknown = str(error)
    finally:
        kernel.close()
    ours = tuple(route_text(r, before.nics) for r in before.routes if r.protocol == settings.protocol)
    last = state.read_status()
    failed = last.pop("failed", {})
    service = record_from_json(state.read_service())
    runs = service is not None and process_started(service.pid) == service.process_started
    return Status(last, before, ours, drift, unknown, failed, time.time(), state.is_withdrawn(), service, runs)


def status_lines(found: Status) -> list[str]:
    """The status for people."""
    last = found.last
    if not last:
        lines = ["last pass    none is known; `guest-routes sync` runs one"]
    else:
        metadata = last["metadata"]
        results = {0: "all in place", 1: "failed", 4: "no usable metadata", 5: "done, some routes not programmed"}
        ago = age_text(found.now - last["finished"])
        age = age_text(found.now - last["finished"] + metadata["age_seconds"])
        lines = [
            f"last pass    {ago}: {results.get(last['exit_code'], 'exit code ' + str(last['exit_code']))}",
            f"metadata     {metadata['where']}, {age}",
        ]
        lines += [f"default      {text}" for text in last["defaults"]]
    if found.failed:
        first, *rest = found.failed["error"].splitlines()
        lines += labelled("failed", f"{age_text(found.now - found.failed['finished'])}: {first}")
        for line in rest:
            lines += wrapped(line.strip(), 13)
    lines += _service_lines(found)
    lines.append(f"our routes   {len(found.ours):,} in the table" + (":" if found.ours else ""))
    lines += entries(found.ours, lambda text: ("=", text, ""))
    if last.get("unprogrammed"):
        lines.append(f"not there    {counted(last['unprogrammed_count'], 'route')} of the document not programmed:")
        lines += entries(last["unprogrammed"], lambda text: ("!", *_parted(text)))
    for lease in last.get("leases", ()):
        age = age_text(found.now - lease["obtained"])
        ended = lease["expires"] is not None and lease["expires"] < found.now
        lines += labelled("lease", f"{lease['nic']}, {lease['client']}, {age}{', expired' if ended else ''}")
    for conflict in last.get("conflicts", ()):
        lines += labelled("conflict", conflict)
    for error in last.get("errors", ()):
        lines += labelled("error", error)
    for warning in last.get("warnings", ()):
        lines += labelled("warning", warning)
    if found.unknown:
        lines += labelled("drift", f"not known: no document to compare with; {found.unknown}")
    elif found.drift:
        who = (
            "the service is about to make"
            if found.service_runs and not found.withdrawn
            else "`guest-routes sync` makes"
        )
        lines.append(f"drift        {counted(len(found.drift), 'change')} needed; {who} them")
        lines += entries(found.drift, lambda text: (text[0], text[2:], ""))
    else:
        lines.append("drift        none")
    return lines


def _service_lines(found: Status) -> list[str]:
    """What the service did and is about to do."""
    service, now = found.service, found.now
    lines = []
    if found.withdrawn:
        lines += labelled(
            "withdrawn", "by hand: the service leaves the routes alone; `guest-routes sync` programs them"
        )
    if service is None:
        return [*lines, "service      does not run"]
    if not found.service_runs:
        text = f"ended without a word (pid {service.pid}); `systemctl status guest-routes` tells more"
        return [*lines, *labelled("service", text)]
    again = span_text(max(0.0, service.next_refresh - now))
    asked = f"; asks for the metadata again in {again}" if service.next_refresh else ""
    lines += labelled("service", f"runs for {span_text(now - service.started)} (pid {service.pid}){asked}")
    if service.failures:
        since = age_text(now - service.failing_since)
        tries = counted(service.failures, "try", "tries")
        lines += labelled("no metadata", f"since {since}, {tries}: {service.failure}")
    if service.doubt:
        text = f"the last document may be partial: {service.doubt}; the last known good one stays in force"
        lines += labelled("in doubt", text)
    if service.trouble:
        lines += labelled("trouble", service.trouble)
    if service.repairs:
        lines.append(f"repairs      {service.repairs:,}, the last:")
        shown = service.recent[-3:]
        lines += entries(
            shown, lambda one: ("-+"[one.what == "added"], one.route, f"{age_text(now - one.when)}: {one.why}")
        )
    if service.fights:
        lines.append(f"fights       {len(service.fights):,}:")
        for fight in service.fights:
            lines.append(f"! {fight.destination}")
            lines += wrapped(f"changed {counted(fight.times, 'time')} by {fight.rival}; {fight.remedy}")
    return lines


def labelled(label: str, text: str) -> list[str]:
    """A label and its text, folded beside it."""
    first, *rest = wrapped(text, 13)
    return [label.ljust(13) + first.strip(), *rest]


def _parted(text: str) -> tuple[str, str]:
    what, _, why = text.partition(": ")
    return what, why


def status_json(found: Status) -> dict[str, Any]:
    """`status --json`."""
    return {
        "schema": "guest-routes/status/1",
        "exit_code": found.exit_code,
        "last_pass": found.last or None,
        "age_seconds": round(found.now - found.last["finished"], 3) if found.last else None,
        "failed": found.failed or None,
        "ours": list(found.ours),
        "drift": list(found.drift),
        "drift_unknown": found.unknown,
        "withdrawn": found.withdrawn,
        "service": found.service and {**service_json(found.service), "runs": found.service_runs},
    }
