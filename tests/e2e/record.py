"""What is kept of a boot: all that RESULTS.md and docs/support.md say of it, in a file of the repository.

The reports themselves are megabytes and stay in .cache/e2e/runs of whoever ran them.
"""

from __future__ import annotations

import json
from math import isnan
from pathlib import Path
from typing import Dict, List, NamedTuple, Tuple

from . import results, table
from .hypervisor import ELSEWHERE, REMOTE
from .plan import Machine
from .results import Case

PACKAGES = (
    "cloud-init", "systemd", "netplan.io", "network-manager", "ifupdown", "isc-dhcp-client", "dhcpcd-base", "python3",
)  # fmt: skip
"""Whose versions are kept, beside the kernel's."""


class Record(NamedTuple):
    """One boot of one machine. Seconds and megabytes are as RESULTS.md shows them; `-`: not known."""

    suite: str
    manager: str
    network: str
    boot: str
    day: str
    package: str
    versions: Dict[str, str]
    reported: bool
    """The machine handed its report over."""
    faults: List[str]
    wrong_routes: int
    """Missing, or too much."""
    attached: str
    """A NIC attached and detached: `ok`, `NO`, or `not run`."""
    told_again: str
    """The manager told to configure the NICs anew: the same."""
    wait_online: str
    cloud_init: str
    boot_seconds: str
    unit_seconds: List[str]
    """Of the correcting and the early unit, and until the service was ready."""
    megabytes: List[str]
    """Of the service, and of a Python that does nothing."""
    source: str
    requests: str
    module_seconds: str
    again: List[List[str]]
    """For each command to the manager: the command, what our service did, and the seconds or what was wrong."""
    text: Dict[str, List[str]]
    """By section of RESULTS.md, its lines as Markdown."""

    @property
    def key(self) -> Tuple[str, str]:
        """The machine's name, and the boot's."""
        return Machine(self.suite, self.manager, self.network).name, self.boot


Records = Dict[Tuple[str, str], Record]


def load(folder: Path) -> Records:
    """All that are kept there."""
    found = [Record(**entry) for path in sorted(folder.glob("*.json")) for entry in json.loads(path.read_text())]
    return {one.key: one for one in found}


def keep(folder: Path, cases: Dict[Tuple[str, str], Case]) -> None:
    """Adds these boots, judged as of now, to those that are kept; a kept one of a later day stays."""
    kept = load(folder)
    for key, case in cases.items():
        if key not in kept or kept[key].day <= case.day:
            kept[key] = of(case)
    by_machine: Dict[str, List[Record]] = {}
    for (name, _), one in sorted(kept.items()):
        by_machine.setdefault(name, []).append(one)
    folder.mkdir(exist_ok=True)
    for name, boots in by_machine.items():
        (folder / f"{name}.json").write_text(json.dumps([one._asdict() for one in boots], indent=1) + "\n")


def of(case: Case) -> Record:
    """What is kept of that boot."""
    correct, early, late = results.UNITS
    unit_seconds = (
        results.unit_seconds(case, correct),
        results.unit_seconds(case, early),
        results.waited_for(case, late),
    )
    memory = (results.memory_megabytes(case), results.memory_megabytes(case, "bare-memory"))
    versions = {name: case.version(name) for name in PACKAGES if case.version(name)}
    kernels = [line.split()[1] for line in case.text("packages").splitlines() if line.startswith("linux-image-")]
    first = case.boot == "first"
    return Record(
        suite=case.suite, manager=case.manager, network=case.network, boot=case.boot, day=case.day,
        package=case.package, versions={**versions, **({"kernel": kernels[0]} if kernels else {})},
        reported=bool(case.report), faults=results.faults(case),
        wrong_routes=len(results.wrong_table(case)) if case.report else 0,
        attached=_part(case, "attached.exit", results.wrong_attachment(case)),
        told_again=_part(case, "beside.txt", results.wrong_manager(case)), wait_online=results.wait_online(case),
        cloud_init=results.cloud_init_state(case), boot_seconds=_seconds(results.boot_seconds(case)),
        unit_seconds=[_seconds(one) for one in unit_seconds],
        megabytes=["-" if isnan(size) else f"{size:.1f}" for size in memory], source=results.source(case),
        requests=str(case.requests), module_seconds=_seconds(results.module_seconds(case)),
        again=_again(case) if first else [], text=_text(case),
    )  # fmt: skip


def _part(case: Case, needs: str, wrong: List[str]) -> str:
    """Something that a boot did at its end; what was wrong is among its faults."""
    if needs not in case.report:
        return "not run"
    return "NO" if wrong else "ok"


def _seconds(value: float) -> str:
    return "-" if isnan(value) else f"{value:.0f}" if value >= 10 else f"{value:.1f}"


def _again(case: Case) -> List[List[str]]:
    return [
        [one.command, service, one.said if isnan(one.seconds) else f"{one.seconds:.1f}"]
        for name, service in (("beside", "runs"), ("alone", "stopped, withdrawn"))
        for one in results.reconfigured(case, name)
    ]


def _text(case: Case) -> Dict[str, List[str]]:
    sections = {
        "source routing": _source_routing(case) if "by-source-sync.exit" in case.report else [],
        "inside": _inside(case) if "links-made.exit" in case.report else [],
        "without": _without(case) if case.boot == "without" else [],
    }
    return {name: lines for name, lines in sections.items() if lines}


def _source_routing(case: Case) -> List[str]:
    rows = []
    for pair in results.PAIRS:
        answers = ["yes" if pair in results.answered(case, name) else "no" for name in ("by-main", "by-source")]
        rows.append([*pair, *answers])
    return [
        *rows_of([["from", "to", "answered by table main alone", "with `source_routing: true`"], *rows]), "",
        "    $ ip rule", *_quoted(case, "by-source-rules"),
        "    $ ip route show table guest-routes-2; ... guest-routes-3", *_quoted(case, "by-source-table"),
    ]  # fmt: skip


def _without(case: Case) -> List[str]:
    text = [
        f"{REMOTE} left by {_by(case, REMOTE)}, {ELSEWHERE} by {_by(case, ELSEWHERE)}:", "", *_quoted(case, "route")
    ]  # fmt: skip
    if case.cloud.ipv6:
        text += [f"    {one.printed}" for one in table.shown(case.text("route6"))]
    return text


def _by(case: Case, destination: str) -> str:
    return ", ".join(f"{nic} ({count})" for nic, count in results.by_tap(case, destination).items()) or "no NIC"


def _inside(case: Case) -> List[str]:
    text = ["    $ ip route", *_quoted(case, "route"), ""]
    text += ["    $ journalctl -u 'guest-routes*'", *_quoted(case, "journal-ours"), ""]
    scores = ", ".join(f"{unit} {score}" for unit, score in results.security(case).items())
    text += [f"`systemd-analyze security`: {scores}.", ""]
    compared = results.start_up(case)
    bare = compared.get("python3 -c pass")
    if bare:
        rows = [[f"`{name}`", f"{took:.2f}", f"{took / bare:.1f}"] for name, took in compared.items()]
        text += [*rows_of([["command", "seconds", "times `python3 -c pass`"], *rows]), ""]
    text += ["A bond of two NICs, a VLAN on a NIC and a VLAN on the bond, in a namespace in the machine:", ""]
    text += ["    $ ip route", *_quoted(case, "links-route-before")]
    text += ["    $ guest-routes sync --metadata links.json --verbose", *_quoted(case, "links-sync")]
    return [*text, "    $ ip route", *_quoted(case, "links-route")]


def _quoted(case: Case, name: str) -> List[str]:
    return ["    " + printed.rstrip() for printed in case.text(name).splitlines()]


def rows_of(rows: List[List[str]]) -> List[str]:
    """A table in Markdown; the first row is its heading."""
    shown = ["| " + " | ".join(row) + " |" for row in rows]
    return [shown[0], "| " + " | ".join("---" for _ in rows[0]) + " |", *shown[1:]]
