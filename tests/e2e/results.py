"""What a boot showed, judged, and RESULTS.md written from it."""

from __future__ import annotations

import json
import re
from math import isnan, nan
from pathlib import Path
from typing import Dict, List, NamedTuple

from .hypervisor import ELSEWHERE, REMOTE
from .machine import VARIANTS

DOCUMENTED = [
    "default via 10.65.0.1 dev eth0",
    "10.65.0.0/24 dev eth0",
    "11.8.0.0/24 dev eth1",
    "11.11.0.0/16 via 11.8.0.1 dev eth1",
]
OVER_LINKS = [
    "default via 10.65.0.1 dev bond0",
    "10.65.0.0/24 dev bond0",
    "11.8.0.0/24 dev p2.101",
    "11.9.0.0/24 dev bond0.102",
    "11.11.0.0/16 via 11.8.0.1 dev p2.101",
    "11.12.0.0/16 via 11.9.0.1 dev bond0.102",
    "11.13.0.0/16 via 10.65.0.1 dev bond0",
]
"""What image/usr/local/lib/e2e-links asks for."""
MOST_MEGABYTES = 14.0
UNITS = ("guest-routes-correct.service", "guest-routes-early.service", "guest-routes.service")
SUBNETS = {"wrong-subnet": "eth0's subnet", "documented": "eth1's subnet"}
"""Where each document lists the host route."""


class Case(NamedTuple):
    """One boot of one variant with one document."""

    variant: str
    document: str
    boot: str
    report: Dict[str, str]
    pings: Dict[str, Dict[str, int]]
    requests: int
    seconds: float
    """From power on to power off."""
    package: str = ""
    """The file that was installed, and the start of its SHA-256."""

    def save(self, folder: Path) -> None:
        """Keeps it, so that RESULTS.md can be written again."""
        (folder / "case.json").write_text(json.dumps(self._asdict()))

    def exit_code(self, name: str) -> int:
        """Of a command of the report; -1 when it isn't there."""
        return int(self.report.get(f"{name}.exit", "-1"))


def load(folder: Path) -> List[Case]:
    """All cases kept below that folder."""
    return [Case(**json.loads(path.read_text())) for path in sorted(folder.glob("*/*/*/case.json"))]


def routes_of(case: Case, name: str = "route") -> List[str]:
    """That file of the report, sorted, with only what the documented table shows."""
    return sorted(_shown(printed) for printed in case.report.get(f"{name}.txt", "").splitlines())


def _shown(printed: str) -> str:
    """Destination, gateway and NIC of a line of `ip route`."""
    words = printed.split()
    shown = words[:1]
    for key in ("via", "dev"):
        if key in words:
            shown += [key, words[words.index(key) + 1]]
    return " ".join(shown)


def supplements(case: Case) -> List[str]:
    """Another program's routes that stay beside the documented ones (R5) and do not win over any of them."""
    best: Dict[str, int] = {}
    extras = []
    for printed in case.report.get("route.txt", "").splitlines():
        metric = re.search(r" metric (\d+)", printed)
        rank = int(metric[1]) if metric else 0
        destination = printed.split()[0]
        if _shown(printed) in DOCUMENTED:
            best[destination] = rank
        else:
            extras.append((printed.strip(), destination, rank))
    return [
        printed
        for printed, destination, rank in extras
        if destination != "default" and "proto guest-routes" not in printed and rank > best.get(destination, -1)
    ]


def faults(case: Case) -> List[str]:
    """What isn't as it must be; a boot without our units is there to be looked at, and has none."""
    if not case.report:
        return ["no report"]
    if case.boot == "without":
        return []
    left_by = {name: counts.get(REMOTE, 0) for name, counts in case.pings.items()}
    default_by = {name: counts.get(ELSEWHERE, 0) for name, counts in case.pings.items()}
    cloud_init = case.report["cloud-init-status.txt"]
    checks = [
        (
            routes_of(case) == sorted([*DOCUMENTED, *(_shown(printed) for printed in supplements(case))]),
            f"the table is {routes_of(case)}",
        ),
        (case.exit_code("ping") == 0 and left_by == {"tap-eth0": 0, "tap-eth1": 5}, f"{REMOTE} left by {left_by}"),
        (
            case.exit_code("ping-elsewhere") == 0 and default_by == {"tap-eth0": 5, "tap-eth1": 0},
            f"{ELSEWHERE} left by {default_by}",
        ),
        (
            case.exit_code("cloud-init-status") == 0 and "status: done" in cloud_init and "degraded" not in cloud_init,
            f"cloud-init: {cloud_init.splitlines()[:1]}, exit {case.exit_code('cloud-init-status')}",
        ),
        (case.exit_code("status") == 0, f"guest-routes status: exit {case.exit_code('status')}"),
        ("guest-routes" not in case.report["failed.txt"], f"failed: {case.report['failed.txt']}"),
    ]
    if case.boot == "module":
        checks.append((not isnan(module_seconds(case)), "cloud-init analyze doesn't know of the module guest_routes"))
        return [fault for fine, fault in checks if not fine]
    checks += [
        ("Result=success" in case.report["show-guest-routes.service.txt"], "guest-routes.service failed"),
        (not isnan(waited_for(case, "guest-routes.service")), "guest-routes.service was never started"),
        (not waited_for_metadata(case), "the boot waited for guest-routes.service until it had given the metadata up"),
        (memory_megabytes(case) < MOST_MEGABYTES, f"the service has {memory_megabytes(case):.1f} MB"),
        (
            "ExecMainStatus=0" in case.report["show-guest-routes-early.service.txt"] or too_early(case),
            "guest-routes-early.service had neither the config drive nor last known good metadata",
        ),
    ]
    if "by-source-sync.exit" in case.report:
        by_main = [case.exit_code(f"by-main-{nic}") for nic in ("eth0", "eth1")]
        by_source = [case.exit_code(f"by-source-{nic}") for nic in ("sync", "eth0", "eth1")]
        checks.append((0 not in by_main and by_source == [0, 0, 0], f"source routing: before {by_main}, {by_source}"))
    if case.variant != "ifupdown":  # That one has no `route` command, so that its own file comes to nothing.
        checks.append((case.report["alone.txt"] == "", f"{case.variant} by itself: {case.report['alone.txt']}"))
    if case.variant in ("networkd", "netplan"):
        reverted = [
            line for line in case.report["networkctl.txt"].splitlines() if "configuring" in line or "failed" in line
        ]
        checks += [
            (not reverted, f"systemd-networkd isn't done: {reverted}"),
            ("wait-online" not in case.report["failed.txt"], "systemd-networkd-wait-online failed"),
        ]
    if "links-made.exit" in case.report:
        checks += [
            (case.exit_code("plan-check") == 0, f"plan --check: exit {case.exit_code('plan-check')}"),
            (case.exit_code("links-sync") == 0, f"a bond and VLANs: exit {case.exit_code('links-sync')}"),
            (
                routes_of(case, "links-route") == sorted(OVER_LINKS),
                f"over a bond and VLANs: {routes_of(case, 'links-route')}",
            ),
        ]
        checks += [(score < 2.0, f"{unit}: security {score}") for unit, score in security(case).items()]
    return [fault for fine, fault in checks if not fine]


def security(case: Case) -> Dict[str, float]:
    """What systemd-analyze says of our units, from 0 (confined) to 10."""
    scores = {}
    for unit in UNITS:
        found = re.search(r"exposure level for \S+: ([\d.]+)", case.report.get(f"security-{unit}.txt", ""))
        if found:
            scores[unit] = float(found[1])
    return scores


def boot_seconds(case: Case) -> float:
    """From the kernel's start until the default target is reached, as systemd-analyze has it; nan when not known."""
    found = re.search(r"= (?:(\d+)min )?([\d.]+)s", case.report.get("time.txt", ""))
    return int(found[1] or 0) * 60 + float(found[2]) if found else nan


def unit_seconds(case: Case, unit: str) -> float:
    """From a oneshot unit's start to its end; nan when it didn't run."""
    return _between(case, unit, "InactiveExitTimestampMonotonic", "ExecMainExitTimestampMonotonic")


def waited_for(case: Case, unit: str) -> float:
    """From a unit's start until systemd called it started: what the boot may wait for it; nan when it didn't run."""
    return _between(case, unit, "InactiveExitTimestampMonotonic", "ActiveEnterTimestampMonotonic")


def too_early(case: Case) -> bool:
    """Whether the early unit had data, but the network manager hadn't given the NICs their addresses yet."""
    shown = case.report["show-guest-routes-early.service.txt"]
    said = case.report["journal-ours.txt"].partition("Finished guest-routes-early.service")[0]
    return "ExecMainStatus=5" in shown and "has no IPv4 address (yet)" in said


def waited_for_metadata(case: Case) -> bool:
    """Whether systemd called the service started only after it had said that there is no metadata."""
    journal = case.report.get("journal-ours.txt", "")
    return "Started guest-routes.service" not in journal.partition("no metadata: ")[0]


def _between(case: Case, unit: str, earlier: str, later: str) -> float:
    shown = dict(entry.split("=", 1) for entry in case.report.get(f"show-{unit}.txt", "").splitlines() if "=" in entry)
    start, end = int(shown.get(earlier) or 0), int(shown.get(later) or 0)
    return (end - start) / 1e6 if end > start > 0 else nan


def memory_megabytes(case: Case) -> float:
    """What the service has resident; nan when it didn't run."""
    found = re.search(r"VmRSS:\s*(\d+) kB", case.report.get("service-memory.txt", ""))
    return int(found[1]) / 1024 if found else nan


def module_seconds(case: Case) -> float:
    """What cloud-init says that our module took; nan when it didn't run."""
    found = re.search(r"([\d.]+)s \(modules-config/config-guest_routes\)", case.report.get("cloud-init-blame.txt", ""))
    return float(found[1]) if found else nan


def start_up(case: Case) -> Dict[str, float]:
    """Seconds that commands took, the median of three."""
    pairs = (entry.split("\t") for entry in case.report.get("start-up.txt", "").splitlines() if "\t" in entry)
    return {command: float(seconds) for seconds, command in pairs}


def source(case: Case) -> str:
    """Where the data of the last pass came from."""
    try:
        metadata = json.loads(case.report.get("status.txt", "{}"))["last_pass"]["metadata"]
        return str(metadata.get("source") or metadata.get("origin"))
    except (ValueError, KeyError, TypeError):
        return "-"


def by_tap(case: Case, destination: str) -> str:
    """The NICs that the echo requests left by."""
    used = [f"{name[4:]}: {counts[destination]}" for name, counts in case.pings.items() if destination in counts]
    return ", ".join(used) or "none"


def line(case: Case) -> str:
    """One boot, for the terminal."""
    found = faults(case)
    verdict = "; ".join(found) if found else ("looked at" if case.boot == "without" else "as it must be")
    return f"{case.variant}, {case.document}, {case.boot} ({case.seconds:.0f} s): {verdict}"


def write(path: Path, cases: List[Case]) -> None:
    """RESULTS.md, from all the boots."""
    order = {name: place for place, name in enumerate(VARIANTS)}
    boots = {name: place for place, name in enumerate(("first", "reboot", "metadata down", "module", "without"))}
    cases = sorted(cases, key=lambda c: (order[c.variant], c.document, boots[c.boot]))
    passed = sum(not faults(case) for case in cases if case.boot != "without")
    judged = sum(case.boot != "without" for case in cases)
    text = [
        "# What virtual machines booted with guest-routes did",
        "",
        "Written by `make e2e`; not by hand. Debian 12 images made from nothing, booted under software emulation, so",
        "that a second here is about a tenth of a second of a real machine: compare them with each other and with",
        "`python3 -c pass`. The hypervisor is Calico's way: a tap per NIC, proxy ARP, strict reverse-path filter.",
        "cloud-init has a config drive, guest-routes the metadata service.",
        "",
        f"{passed} of {judged} boots came out as they must: the documented table, five of five pings to {REMOTE}",
        f"through eth1's tap and five of five to {ELSEWHERE} through eth0's, `cloud-init status` done, not degraded,",
        "our units without failure, the early one with data (which may have been too early: before NetworkManager gave",
        "the NICs their addresses), no boot waiting for the metadata service, `guest-routes status` without drift.",
        "In the boots called module, cloud-init's module stands in for the units.",
        "",
        *_boot_table(cases),
        "",
        *_added(cases),
        "",
        *_without(cases),
        "",
        *_details(cases),
    ]
    path.write_text("\n".join(text).rstrip() + "\n")


def _verdict(case: Case) -> str:
    losing = "; ".join(f"`{printed}`" for printed in supplements(case))
    also = f"; beside it {case.variant}'s, which stay (R5): {losing}" if losing else ""
    return "; ".join(faults(case)) or "as documented" + also


def _rows(*rows: List[str]) -> List[str]:
    shown = ["| " + " | ".join(row) + " |" for row in rows]
    return [shown[0], "| " + " | ".join("---" for _ in rows[0]) + " |", *shown[1:]]


def _boot_table(cases: List[Case]) -> List[str]:
    rows = [
        ["variant", "host route in", "boot", "result", f"{REMOTE} by", f"{ELSEWHERE} by", "data from", "failed units"]
    ]
    for case in cases:
        if case.boot == "without":
            continue
        failed = ", ".join(
            entry.split()[0].replace(".service", "") for entry in case.report.get("failed.txt", "").splitlines()
        )
        rows.append(
            [
                case.variant,
                SUBNETS[case.document],
                case.boot,
                _verdict(case),
                by_tap(case, REMOTE),
                by_tap(case, ELSEWHERE),
                source(case),
                failed or "none",
            ]
        )
    return ["## Boots", "", *_rows(*rows)]


def _seconds(value: float) -> str:
    return "-" if isnan(value) else f"{value:.1f}"


def _added(cases: List[Case]) -> List[str]:
    rows = [["variant", "host route in", "boot", "correct unit", "early unit", "service", "module", "whole boot", "MB"]]
    for case in cases:
        correct, early, late = UNITS
        times = (
            unit_seconds(case, correct), unit_seconds(case, early), waited_for(case, late), module_seconds(case),
            boot_seconds(case), memory_megabytes(case),
        )  # fmt: skip
        rows.append([case.variant, SUBNETS[case.document], case.boot, *map(_seconds, times)])
    return [
        "## Boot time",
        "",
        "In seconds under emulation: what the unit takes that corrects, and the early one;",
        "until guest-routes.service is ready, which is after a",
        "pass with what is on the machine, not the metadata's answer; what `cloud-init analyze` says of the module,",
        "the metadata's answer included. Whole boots (systemd-analyze) differ by tens of seconds from one to the",
        "next, with what else the machine under them does; `without` is the one without units and module. MB: the",
        "service's resident memory (VmRSS).",
        "",
        *_rows(*rows),
    ]


def _without(cases: List[Case]) -> List[str]:
    text = ["## The same without guest-routes", "", "The last boot of each case, our units masked:", ""]
    heading = len(text)
    for case in cases:
        if case.boot == "without":
            text += [
                f"{case.variant}, host route in {SUBNETS[case.document]}; {REMOTE} by {by_tap(case, REMOTE)};"
                f" {ELSEWHERE} by {by_tap(case, ELSEWHERE)}:",
                "",
                *("    " + printed.rstrip() for printed in case.report.get("route.txt", "no report").splitlines()),
                "",
            ]
    return text[:-1] if len(text) > heading else []


def _details(cases: List[Case]) -> List[str]:
    text: List[str] = []
    for case in cases:
        if "links-made.exit" in case.report:
            text += [f"## Seen inside: {case.variant}, host route in {SUBNETS[case.document]}, {case.boot}", ""]
            text += ["    $ ip route", *_quoted(case, "route"), ""]
            text += ["    $ journalctl -u 'guest-routes*'", *_quoted(case, "journal-ours"), ""]
            scores = ", ".join(f"{unit} {score}" for unit, score in security(case).items())
            text += [f"`systemd-analyze security`: {scores}.", ""]
            compared = start_up(case)
            bare = compared.get("python3 -c pass")
            if bare:
                rows = [[f"`{name}`", f"{took:.2f}", f"{took / bare:.1f}"] for name, took in compared.items()]
                text += [*_rows(["command", "seconds", "times `python3 -c pass`"], *rows), ""]
            text += ["A bond of two NICs, a VLAN on a NIC and a VLAN on the bond, in a namespace in the machine:", ""]
            text += ["    $ ip route", *_quoted(case, "links-route-before")]
            text += ["    $ guest-routes sync --metadata links.json --verbose", *_quoted(case, "links-sync")]
            text += ["    $ ip route", *_quoted(case, "links-route"), ""]
    packages = sorted({entry for case in cases for entry in case.report.get("packages.txt", "").splitlines()})
    installed: Dict[str, List[str]] = {}
    for case in cases:
        installed.setdefault(case.package, []).append(f"{case.variant}/{case.document}/{case.boot}")
    text += ["## What ran", "", ", ".join(packages) + ".", ""]
    return [*text, *(f"- {package or 'not noted'}: {', '.join(where)}" for package, where in installed.items())]


def _quoted(case: Case, name: str) -> List[str]:
    return ["    " + printed.rstrip() for printed in case.report.get(f"{name}.txt", "").splitlines()]
