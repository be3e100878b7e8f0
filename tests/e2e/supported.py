"""The part of docs/support.md that machines prove: one line for each distribution, manager and cloud-init."""

from __future__ import annotations

from pathlib import Path
from typing import Dict, List, Tuple

from . import results
from .plan import MACHINES, MANAGERS, RELEASES, SUITES
from .results import Case

BEGIN, END = "<!-- make e2e: begin -->\n", "<!-- make e2e: end -->"
HEADING = (
    "| distribution | manager | cloud-init | systemd | kernel, Python | documents | table as documented |"
    " nothing wrong | when |"
)


def write(path: Path, cases: Dict[Tuple[str, str], Case]) -> None:
    """Puts the table between its marks."""
    before, _, rest = path.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    ran: Dict[Tuple[str, str], List[Case]] = {}
    for machine in MACHINES:
        ran.setdefault((machine.suite, machine.manager), []).extend(
            case for (name, boot), case in cases.items() if name == machine.name and boot != "without"
        )
    rows = [
        f"| {RELEASES[suite]} | {manager} | not run | | | | | | |" if not found else _row(found)
        for (suite, manager), found in sorted(
            ran.items(), key=lambda one: (SUITES.index(one[0][0]), MANAGERS.index(one[0][1]))
        )
    ]
    lines = [HEADING, "|" + " --- |" * HEADING.count(" | ") + " --- |", *rows]
    path.write_text(before + BEGIN + "\n" + "\n".join(lines) + "\n\n" + END + after)


def _row(cases: List[Case]) -> str:
    one = next((case for case in cases if case.report), cases[0])
    kernel = next(
        (line.split()[1] for line in one.text("packages").splitlines() if line.startswith("linux-image-")), ""
    )
    documents = sorted({case.network for case in cases})
    tables = sum(bool(case.report) and not results.wrong_table(case) for case in cases)
    right = sum(not results.faults(case) for case in cases)
    days = sorted({case.day for case in cases})
    cells = (
        RELEASES[one.suite], one.manager, one.version("cloud-init"), one.version("systemd"),
        f"{kernel}, {one.version('python3')}", ", ".join(documents), f"{tables} of {len(cases)}",
        f"{right} of {len(cases)}", ", ".join(days),
    )  # fmt: skip
    return "| " + " | ".join(cells) + " |"
