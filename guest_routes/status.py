"""What `status` shows: the last pass, the age of its data, what is ours, and whether it is all still in place."""

from __future__ import annotations

import time
from typing import Any, Dict, List, NamedTuple, Tuple

from .errors import GuestRoutesError
from .kernel import open_kernel
from .model import KernelState
from .policy import Settings
from .render import age_text, counted, route_text
from .state import State
from .text import entries, wrapped


class Status(NamedTuple):
    """A look at the files of the last pass and at the kernel; nothing is fetched."""

    last: Dict[str, Any]
    """What the last pass left (as_json.status_json); {} when none is known."""
    state: KernelState
    ours: Tuple[str, ...]
    drift: Tuple[str, ...]
    """What a pass on the same document would change, as `+` or `-` and a route."""
    unknown: str
    """Why drift can't be told; "" when it can."""
    now: float

    @property
    def exit_code(self) -> int:
        """That of the last pass, or 1 when the routes have drifted from it since."""
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

    drift: Tuple[str, ...] = ()
    unknown = ""
    kernel = open_kernel(settings.engine)
    try:
        before = kernel.snapshot(settings.table)
        try:
            report = sync(settings._replace(sources=("last-known-good",)), state, write=False, kernel=kernel)
            drift = tuple(
                f"{'-' if isinstance(op, (Delete, TakeDefault)) else '+'} {route_text(op.route, before.nics)}"
                for op in report.plan.operations
            )
        except GuestRoutesError as error:
            unknown = str(error)
    finally:
        kernel.close()
    ours = tuple(route_text(r, before.nics) for r in before.routes if r.protocol == settings.protocol)
    return Status(state.read_status(), before, ours, drift, unknown, time.time())


def status_lines(found: Status) -> List[str]:
    """The status for people."""
    last = found.last
    if not last:
        lines = ["last pass    none known of; `guest-routes sync` runs one"]
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
    lines.append(f"our routes   {counted(len(found.ours), 'route')} in the table")
    lines += entries(("=", text, "") for text in found.ours)
    if last.get("unprogrammed"):
        lines.append(f"unresolved   {counted(last['unprogrammed_count'], 'route')} of the document not programmed")
        lines += entries(("!", *_parted(text)) for text in last["unprogrammed"])
    for error in last.get("errors", ()):
        lines += ["error", *wrapped(error)]
    for warning in last.get("warnings", ()):
        lines += ["warning", *wrapped(warning)]
    if found.unknown:
        lines += ["drift        not known:", *wrapped(found.unknown, 13)]
    elif found.drift:
        lines.append(f"drift        {counted(len(found.drift), 'change')} needed; `guest-routes sync` makes them")
        lines += entries((text[0], text[2:], "") for text in found.drift)
    else:
        lines.append("drift        none")
    return lines


def _parted(text: str) -> Tuple[str, str]:
    what, _, why = text.partition(": ")
    return what, why


def status_json(found: Status) -> Dict[str, Any]:
    """`status --json`."""
    return {
        "schema": "guest-routes/status/1",
        "exit_code": found.exit_code,
        "last_pass": found.last or None,
        "age_seconds": round(found.now - found.last["finished"], 3) if found.last else None,
        "ours": list(found.ours),
        "drift": list(found.drift),
        "drift_unknown": found.unknown,
    }
