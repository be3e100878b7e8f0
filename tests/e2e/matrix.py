"""RESULTS.md: every planned machine in one table, and the causes of what isn't right below it."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Callable, Dict, List, Optional, Tuple

from . import glance
from .hypervisor import ELSEWHERE, REMOTE
from .plan import BOOTS, LEFT_OUT, MACHINES, NETWORKS, RELEASES, Machine
from .record import PACKAGES, Record, Records, rows_of

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
PAIRS = (
    "`with us / without` are two boots, hours or days apart (`What ran` has the days), with other work on the machine"
    " under them: how far their seconds differ doesn't tell what guest-routes adds to a boot. `What each boot took`"
    " does: it has the time of its own units."
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
WITHOUT = "With our units masked, on a disk that was never booted."
SOURCE_ROUTING = "Three pings from an address of the machine's own; a tap drops what comes by the wrong NIC."


def write(path: Path, records: Records) -> None:
    """RESULTS.md, from all the boots that are kept."""
    notes: List[str] = []
    begun = {name for name, _ in records}
    rows = [_row(machine, records, notes) for machine in MACHINES if machine.name in begun]
    left = [[*_heading(one), ", ".join(boots)] for one in MACHINES for boots in [_not_run(one, records)] if boots]
    judged = [one for (_, boot), one in records.items() if boot != "without"]
    right = sum(not one.faults for one in judged)
    text = [
        "# What virtual machines booted with guest-routes did",
        "",
        *_paragraph(INTRODUCTION),
        f"{len(begun)} of the {len(MACHINES)} planned machines ran; {right} of their {len(judged)} boots are right.",
        "",
        "## At a glance",
        "",
        *_paragraph(glance.LEGEND),
        *rows_of(glance.rows(records)),
        "",
        "## Each machine",
        "",
        *_paragraph(LEGEND),
        *_paragraph(PAIRS),
        *rows_of([list(COLUMNS), *rows]),
        "",
        *(["## Notes", "", *(f"{number}. {note}" for number, note in enumerate(notes, 1)), ""] if notes else []),
        *_told_again(records),
        *_quoted(records, "source routing", "first", "Source routing: {}", SOURCE_ROUTING),
        *_module(records),
        *_quoted(records, "without", "without", "{}, without guest-routes", WITHOUT),
        *_cost(records),
        *_quoted(records, "inside", "reboot", "Seen inside: {}, reboot", ""),
        *(["## Planned, not run", "", *rows_of([["machine", "told by", "boots"], *left]), ""] if left else []),
        "## Left out",
        "",
        *(f"- {what}: {why}." for what, why in LEFT_OUT.items()),
        "",
        *_versions(records),
    ]
    path.write_text("\n".join(text).rstrip() + "\n")


def _not_run(machine: Machine, records: Records) -> Tuple[str, ...]:
    return tuple(boot for boot in machine.boots if (machine.name, boot) not in records)


def _row(machine: Machine, records: Records, notes: List[str]) -> List[str]:
    found = {boot: records.get((machine.name, boot)) for boot in BOOTS}
    shown = [_boot_cell(machine, boot, found[boot], notes) for boot in BOOTS[:4]]
    first, without = found["first"], found["without"]
    attached = ""
    if NETWORKS[machine.network].served:
        attached = first.attached if first else "not run"
    return [
        *_heading(machine), *shown, attached, first.told_again if first else "not run", _with_cell(found),
        _without_cell(machine, without), _pair(first, without, lambda one: one.wait_online),
        first.cloud_init if first else "not run", _pair(first, without, lambda one: one.boot_seconds),
    ]  # fmt: skip


def _heading(machine: Machine) -> List[str]:
    return [f"{RELEASES[machine.suite]}, {machine.manager}", NETWORKS[machine.network].shown]


def _boot_cell(machine: Machine, boot: str, one: Optional[Record], notes: List[str]) -> str:
    if one is None:
        return "not run" if boot in machine.boots else ""
    if not one.faults:
        return "ok"
    notes.append(f"{', '.join([*_heading(machine), boot])}: {'; '.join(one.faults)}")
    return f"NO ({len(notes)})"


def _with_cell(found: Dict[str, Optional[Record]]) -> str:
    """Of every boot that reported."""
    ran = [one for boot, one in found.items() if one is not None and one.reported and boot != "without"]
    wrong = sum(bool(one.wrong_routes) for one in ran)
    return f"{wrong} of {len(ran)} wrong" if wrong else "ok" if ran else "no report"


def _without_cell(machine: Machine, one: Optional[Record]) -> str:
    if one is None:
        return "not run" if "without" in machine.boots else ""
    return f"{one.wrong_routes} wrong" if one.wrong_routes else "ok"


def _pair(ours: Optional[Record], without: Optional[Record], of: Callable[[Record], str]) -> str:
    return " / ".join(of(one) for one in (ours, without) if one) or "not run"


def _paragraph(text: str) -> List[str]:
    return [*textwrap.wrap(text, 118), ""]


def _each(records: Records, boot: str) -> List[Tuple[Machine, Record]]:
    return [(one, records[one.name, boot]) for one in MACHINES if (one.name, boot) in records]


def _told_again(records: Records) -> List[str]:
    rows = [
        [machine.name, f"`{command}`", service, took]
        for machine, one in _each(records, "first")
        for command, service, took in one.again
    ]
    if not rows:
        return []
    heading = ["machine", "command", "our service", "documented table after"]
    return ["## The manager told again", "", *_paragraph(AGAIN), *rows_of([heading, *rows]), ""]


def _quoted(records: Records, section: str, boot: str, heading: str, introduction: str) -> List[str]:
    """A section for each machine whose boot has that text."""
    text: List[str] = []
    for machine, one in _each(records, boot):
        if section in one.text:
            text += [f"## {heading.format(machine.name)}", "", *(_paragraph(introduction) if introduction else [])]
            text += [*one.text[section], ""]
    return text


def _module(records: Records) -> List[str]:
    rows = [
        [machine.name, one.versions.get("cloud-init", ""), one.module_seconds, "NO" if one.faults else "ok"]
        for machine, one in _each(records, "module")
    ]
    if not rows:
        return []
    heading = ["machine", "cloud-init", "seconds in the module", "came out right"]
    return ["## cloud-init's module in place of the units", "", *_paragraph(MODULE), *rows_of([heading, *rows]), ""]


def _cost(records: Records) -> List[str]:
    rows = [
        [machine.name, boot, *one.unit_seconds, one.boot_seconds, *one.megabytes, one.source, one.requests]
        for boot in BOOTS[:3]
        for machine, one in _each(records, boot)
    ]
    heading = [
        "machine", "boot", "correct unit", "early unit", "service ready", "whole boot", "MB", "Python's", "data from",
        "requests",
    ]  # fmt: skip
    if not rows:
        return []
    return ["## What each boot took", "", *_paragraph(COST), *rows_of([heading, *rows]), ""]


def _versions(records: Records) -> List[str]:
    rows = []
    for machine in MACHINES:
        ran = [records[machine.name, boot] for boot in BOOTS if (machine.name, boot) in records]
        packages: Dict[str, List[str]] = {}
        for one in ran:
            packages.setdefault(f"{one.day} | {one.package}", []).append(one.boot)
        for package, boots in packages.items():
            versions = ran[0].versions
            shown = ", ".join(f"{name} {versions[name]}" for name in PACKAGES if name in versions)
            day, installed = package.split(" | ")
            rows.append([machine.name, day, ", ".join(boots), shown, installed])
    heading = ["machine", "day", "boots", "with", "package"]
    return ["## What ran", "", *rows_of([heading, *rows])] if rows else []
