"""RESULTS.md: every planned machine in one table, and the causes of what isn't right below it."""

from __future__ import annotations

import textwrap
from math import isnan
from pathlib import Path
from typing import Callable, Dict, List, Optional, Tuple

from . import glance, results, table
from .hypervisor import ELSEWHERE, REMOTE
from .plan import BOOTS, LEFT_OUT, MACHINES, NETWORKS, RELEASES, Machine
from .results import Case

Cases = Dict[Tuple[str, str], Case]
COLUMNS = (
    "machine", "told by", *BOOTS[:4], "NIC attached, detached", "manager told again", "table with us",
    "table without us", "wait-online, with us / without", "cloud-init", "boot in s, with us / without",
)  # fmt: skip
INTRODUCTION = (
    "Written by `make e2e`; not by hand. Debian images made from nothing, booted under software emulation, so"
    " that a second here is a tenth of a second of a real machine or less, and differs with what else the machine"
    " under them does. The hypervisor is Calico's way: a tap per NIC, proxy ARP, strict reverse-path filter. The"
    " units may take ten minutes to start here; else they are as packaged."
)
LEGEND = (
    "`ok` under a boot: the documented table in each family and nothing beside it but a gateway's own on-link"
    f" route; five of five pings to {REMOTE} by eth1's tap and five of five to {ELSEWHERE} by eth0's; `cloud-init"
    " status` done, not degraded; no unit failed; no boot waited for the metadata service; `guest-routes status` 0."
    " `NIC attached`: a third one by QEMU while the machine runs, configured in the manager's own way, its host"
    " route programmed, its traffic answered, and all as before once it is detached. `manager told again`: each of"
    " its ways to configure the NICs anew, beside our service; with static networks also with our routes withdrawn"
    " and the service stopped. A number: a note below. `not run`: planned, and no result is kept. Empty: not planned."
)
MODULE = (
    "Put into cloud.cfg by `guest-routes module --add` in the boot before, and taken out again by `--remove` at"
    " the end, which must leave the file as it was, byte for byte. All four stages of cloud-init ran."
)
COST = (
    "Emulated seconds: both oneshot units; until guest-routes.service is ready, which is after a pass with what"
    " is on the machine; the whole boot by systemd-analyze. MB: the service's resident memory, and that of a"
    " Python that does nothing. Requests to the metadata service, cloud-init's included."
)
AGAIN = "From three seconds after the manager said that it was done, in emulated seconds."
SOURCE_ROUTING = "Three pings from an address of the machine's own; a tap drops what comes by the wrong NIC."
PACKAGES = (
    "cloud-init",
    "systemd",
    "netplan.io",
    "network-manager",
    "ifupdown",
    "isc-dhcp-client",
    "dhcpcd-base",
    "python3",
)


def write(path: Path, cases: Cases) -> None:
    """RESULTS.md, from all the boots that are kept."""
    notes: List[str] = []
    begun = {name for name, _ in cases}
    rows = [_row(machine, cases, notes) for machine in MACHINES if machine.name in begun]
    not_run = [[*_heading(machine), ", ".join(machine.boots)] for machine in MACHINES if machine.name not in begun]
    judged = [case for (_, boot), case in cases.items() if boot != "without"]
    right = sum(not results.faults(case) for case in judged)
    text = [
        "# What virtual machines booted with guest-routes did",
        "",
        *_paragraph(INTRODUCTION),
        f"{len(begun)} of the {len(MACHINES)} planned machines ran; {right} of their {len(judged)} boots are right.",
        "",
        "## At a glance",
        "",
        *_paragraph(glance.LEGEND),
        *_table(glance.rows(cases)),
        "",
        "## Each machine",
        "",
        *_paragraph(LEGEND),
        *_table([list(COLUMNS), *rows]),
        "",
        *(["## Notes", "", *(f"{number}. {note}" for number, note in enumerate(notes, 1)), ""] if notes else []),
        *_told_again(cases),
        *_source_routing(cases),
        *_module(cases),
        *_without(cases),
        *_cost(cases),
        *_inside(cases),
        *(["## Planned, not run", "", *_table([["machine", "told by", "boots"], *not_run]), ""] if not_run else []),
        "## Left out",
        "",
        *(f"- {what}: {why}." for what, why in LEFT_OUT.items()),
        "",
        *_versions(cases),
    ]
    path.write_text("\n".join(text).rstrip() + "\n")


def _row(machine: Machine, cases: Cases, notes: List[str]) -> List[str]:
    found = {boot: cases.get((machine.name, boot)) for boot in BOOTS}
    shown = [_boot_cell(machine, boot, found[boot], notes) for boot in BOOTS[:4]]
    first, without = found["first"], found["without"]
    attached = ""
    if NETWORKS[machine.network].served:
        attached = _part(first, "attached.exit", results.wrong_attachment(first) if first else [])
    again = _part(first, "beside.txt", results.wrong_manager(first) if first else [])
    return [
        *_heading(machine), *shown, attached, again, _with_cell(found), _without_cell(machine, without),
        _pair(first, without, results.wait_online), results.cloud_init_state(first) if first else "not run",
        _pair(first, without, _boot_seconds),
    ]  # fmt: skip


def _heading(machine: Machine) -> List[str]:
    return [f"{RELEASES[machine.suite]}, {machine.manager}", NETWORKS[machine.network].shown]


def _boot_cell(machine: Machine, boot: str, case: Optional[Case], notes: List[str]) -> str:
    if case is None:
        return "not run" if boot in machine.boots else ""
    faults = results.faults(case)
    if not faults:
        return "ok"
    notes.append(f"{', '.join([*_heading(machine), boot])}: {'; '.join(faults)}")
    return f"NO ({len(notes)})"


def _part(case: Optional[Case], needs: str, wrong: List[str]) -> str:
    """Something that one boot did at its end; what was wrong stands in the note of that boot."""
    if case is None or needs not in case.report:
        return "not run"
    return "NO" if wrong else "ok"


def _with_cell(found: Dict[str, Optional[Case]]) -> str:
    """Of every boot that reported."""
    ran = [case for boot, case in found.items() if case is not None and case.report and boot != "without"]
    wrong = sum(bool(results.wrong_table(case)) for case in ran)
    return f"{wrong} of {len(ran)} wrong" if wrong else "ok" if ran else "no report"


def _without_cell(machine: Machine, case: Optional[Case]) -> str:
    if case is None:
        return "not run" if "without" in machine.boots else ""
    wrong = results.wrong_table(case)
    return f"{len(wrong)} wrong" if wrong else "ok"


def _pair(ours: Optional[Case], without: Optional[Case], of: Callable[[Case], str]) -> str:
    return " / ".join(of(case) for case in (ours, without) if case) or "not run"


def _boot_seconds(case: Case) -> str:
    return _seconds(results.boot_seconds(case))


def _seconds(value: float) -> str:
    return "-" if isnan(value) else f"{value:.0f}" if value >= 10 else f"{value:.1f}"


def _paragraph(text: str) -> List[str]:
    return [*textwrap.wrap(text, 118), ""]


def _table(rows: List[List[str]]) -> List[str]:
    shown = ["| " + " | ".join(row) + " |" for row in rows]
    return [shown[0], "| " + " | ".join("---" for _ in rows[0]) + " |", *shown[1:]]


def _each(cases: Cases, boot: str) -> List[Tuple[Machine, Case]]:
    return [(one, cases[one.name, boot]) for one in MACHINES if (one.name, boot) in cases]


def _told_again(cases: Cases) -> List[str]:
    rows = []
    for machine, case in _each(cases, "first"):
        for name, service in (("beside", "runs"), ("alone", "stopped, withdrawn")):
            for one in results.reconfigured(case, name):
                seconds = one.said if isnan(one.seconds) else f"{one.seconds:.1f}"
                rows.append([machine.name, f"`{one.command}`", service, seconds])
    if not rows:
        return []
    heading = ["machine", "command", "our service", "documented table after"]
    return ["## The manager told again", "", *_paragraph(AGAIN), *_table([heading, *rows]), ""]


def _source_routing(cases: Cases) -> List[str]:
    text: List[str] = []
    for machine, case in _each(cases, "first"):
        if "by-source-sync.exit" not in case.report:
            continue
        rows = []
        for pair in results.PAIRS:
            answers = ["yes" if pair in results.answered(case, name) else "no" for name in ("by-main", "by-source")]
            rows.append([*pair, *answers])
        text += [f"## Source routing: {machine.name}", "", *_paragraph(SOURCE_ROUTING)]
        text += [*_table([["from", "to", "answered by table main alone", "with `source_routing: true`"], *rows]), ""]
        text += [
            "    $ ip rule",
            *_quoted(case, "by-source-rules"),
            "    $ ip route show table guest-routes-2; ... guest-routes-3",
        ]
        text += [*_quoted(case, "by-source-table"), ""]
    return text


def _module(cases: Cases) -> List[str]:
    rows = [
        [
            machine.name,
            case.version("cloud-init"),
            _seconds(results.module_seconds(case)),
            "ok" if not results.faults(case) else "NO",
        ]
        for machine, case in _each(cases, "module")
    ]
    if not rows:
        return []
    heading = ["machine", "cloud-init", "seconds in the module", "came out right"]
    return ["## cloud-init's module in place of the units", "", *_paragraph(MODULE), *_table([heading, *rows]), ""]


def _without(cases: Cases) -> List[str]:
    text = []
    for machine, case in _each(cases, "without"):
        text += [f"{machine.name}; {REMOTE} left by {_by(case, REMOTE)}, {ELSEWHERE} by"
                 f" {_by(case, ELSEWHERE)}:", "", *_quoted(case, "route")]  # fmt: skip
        if case.cloud.ipv6:
            text += [f"    {one.printed}" for one in table.shown(case.text("route6"))]
        text.append("")
    return ["## The same without guest-routes", "", "The last boot, our units masked.", "", *text] if text else []


def _by(case: Case, destination: str) -> str:
    return ", ".join(f"{nic} ({count})" for nic, count in results.by_tap(case, destination).items()) or "no NIC"


def _cost(cases: Cases) -> List[str]:
    rows = []
    for boot in BOOTS[:3]:
        for machine, case in _each(cases, boot):
            correct, early, late = results.UNITS
            figures = (
                results.unit_seconds(case, correct), results.unit_seconds(case, early), results.waited_for(case, late),
                results.boot_seconds(case),
            )  # fmt: skip
            memory = (results.memory_megabytes(case), results.memory_megabytes(case, "bare-memory"))
            sizes = ["-" if isnan(size) else f"{size:.1f}" for size in memory]
            rows.append([machine.name, boot, *map(_seconds, figures), *sizes, results.source(case), str(case.requests)])
    heading = [
        "machine", "boot", "correct unit", "early unit", "service ready", "whole boot", "MB", "Python's", "data from",
        "requests",
    ]  # fmt: skip
    if not rows:
        return []
    return ["## What each boot took", "", *_paragraph(COST), *_table([heading, *rows]), ""]


def _inside(cases: Cases) -> List[str]:
    text: List[str] = []
    for machine, case in _each(cases, "reboot"):
        if "links-made.exit" not in case.report:
            continue
        text += [f"## Seen inside: {machine.name}, reboot", "", "    $ ip route", *_quoted(case, "route"), ""]
        text += ["    $ journalctl -u 'guest-routes*'", *_quoted(case, "journal-ours"), ""]
        scores = ", ".join(f"{unit} {score}" for unit, score in results.security(case).items())
        text += [f"`systemd-analyze security`: {scores}.", ""]
        compared = results.start_up(case)
        bare = compared.get("python3 -c pass")
        if bare:
            rows = [[f"`{name}`", f"{took:.2f}", f"{took / bare:.1f}"] for name, took in compared.items()]
            text += [*_table([["command", "seconds", "times `python3 -c pass`"], *rows]), ""]
        text += ["A bond of two NICs, a VLAN on a NIC and a VLAN on the bond, in a namespace in the machine:", ""]
        text += ["    $ ip route", *_quoted(case, "links-route-before")]
        text += ["    $ guest-routes sync --metadata links.json --verbose", *_quoted(case, "links-sync")]
        text += ["    $ ip route", *_quoted(case, "links-route"), ""]
    return text


def _versions(cases: Cases) -> List[str]:
    rows = []
    for machine in MACHINES:
        ran = [cases[machine.name, boot] for boot in BOOTS if (machine.name, boot) in cases]
        if ran:
            versions = ", ".join(f"{name} {ran[0].version(name)}" for name in PACKAGES if ran[0].version(name))
            rows.append(
                [
                    machine.name,
                    ran[-1].day,
                    ", ".join(case.boot for case in ran),
                    versions,
                    "; ".join(dict.fromkeys(case.package for case in ran)),
                ]
            )
    return ["## What ran", "", *_table([["machine", "day", "boots", "with", "package"], *rows])] if rows else []


def _quoted(case: Case, name: str) -> List[str]:
    return ["    " + printed.rstrip() for printed in case.text(name).splitlines()]
