"""The part of docs/support.md that machines prove: one line for each distribution, manager and cloud-init."""

from __future__ import annotations

from pathlib import Path
from typing import Dict, List, Tuple

from .plan import MACHINES, MANAGERS, RELEASES, SUITES
from .record import Record, Records

BEGIN, END = "<!-- make e2e: begin -->\n", "<!-- make e2e: end -->"
HEADING = (
    "| distribution | manager | cloud-init | systemd | kernel, Python | documents | table as documented |"
    " nothing wrong | boots not run | when |"
)


def write(path: Path, records: Records) -> None:
    """Puts the table between its marks."""
    before, _, rest = path.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    planned: Dict[Tuple[str, str], List[Tuple[str, str]]] = {}
    for machine in MACHINES:
        boots = [(machine.name, boot) for boot in machine.boots if boot != "without"]
        planned.setdefault((machine.suite, machine.manager), []).extend(boots)
    kinds = sorted(planned, key=lambda one: (SUITES.index(one[0]), MANAGERS.index(one[1])))
    rows = []
    for suite, manager in kinds:
        boots = planned[suite, manager]
        ran = [records[boot] for boot in boots if boot in records]
        cells = _cells(ran) if ran else ["not run", *[""] * 6]
        rows.append(f"| {' | '.join([RELEASES[suite], manager, *cells[:-1], str(len(boots) - len(ran)), cells[-1]])} |")
    lines = [HEADING, "|" + " --- |" * HEADING.count(" | ") + " --- |", *rows]
    path.write_text(before + BEGIN + "\n" + "\n".join(lines) + "\n\n" + END + after)


def _cells(ran: List[Record]) -> List[str]:
    """From cloud-init's version on, but for the boots that were not run."""
    latest = max((one for one in ran if one.reported), key=lambda one: one.day, default=ran[0])
    versions = [latest.versions.get(name, "") for name in ("cloud-init", "systemd", "kernel", "python3")]
    cloud_init, systemd, kernel, python = versions
    tables = sum(one.reported and not one.wrong_routes for one in ran)
    right = sum(not one.faults for one in ran)
    return [
        cloud_init, systemd, f"{kernel}, {python}", ", ".join(sorted({one.network for one in ran})),
        f"{tables} of {len(ran)}", f"{right} of {len(ran)}", ", ".join(sorted({one.day for one in ran})),
    ]  # fmt: skip
