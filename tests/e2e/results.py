"""What a boot showed, judged, and RESULTS.md written from it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Dict, List, NamedTuple

from .hypervisor import ELSEWHERE, REMOTE

DOCUMENTED = [
    "default via 10.65.0.1 dev eth0",
    "10.65.0.0/24 dev eth0",
    "11.8.0.0/24 dev eth1",
    "11.11.0.0/16 via 11.8.0.1 dev eth1",
]


class Case(NamedTuple):
    """One boot of one variant with one document."""

    variant: str
    document: str
    boot: str
    report: Dict[str, str]
    pings: Dict[str, Dict[str, int]]
    requests: int
    seconds: float

    def save(self, folder: Path) -> None:
        """Keeps it, so that RESULTS.md can be written again."""
        (folder / "case.json").write_text(json.dumps(self._asdict()))

    def exit_code(self, name: str) -> int:
        """Of a command of the report; -1 when it isn't there."""
        return int(self.report.get(f"{name}.exit", "-1"))


def load(folder: Path) -> List[Case]:
    """All cases kept below that folder."""
    return [Case(**json.loads(path.read_text())) for path in sorted(folder.glob("*/*/*/case.json"))]


def table(text: str) -> List[str]:
    """`ip route` with only what the documented table shows: destination, gateway, NIC."""
    routes = []
    for line in text.splitlines():
        words = line.split()
        shown = words[:1]
        for key in ("via", "dev"):
            if key in words:
                shown += [key, words[words.index(key) + 1]]
        routes.append(" ".join(shown))
    return routes


def faults(case: Case) -> List[str]:
    """What isn't as it must be."""
    return []


def line(case: Case) -> str:
    return f"{case.variant} {case.document} {case.boot}: {case.seconds:.0f} s {case.pings} {table(case.report.get('route.txt', ''))}"


def write(path: Path, cases: List[Case]) -> None:
    pass
