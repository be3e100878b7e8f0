"""What a boot showed, and whether it is as it must be."""

from __future__ import annotations

import json
import re
from math import isnan, nan
from pathlib import Path
from typing import Dict, List, NamedTuple, Tuple

from . import table
from .hypervisor import BEHIND_ETH2, ELSEWHERE, ELSEWHERE6, LATER, PORTS, REMOTE, REMOTE6
from .plan import NETWORKS, Machine, Network

OVER_LINKS = (
    "10.65.0.0/24 dev bond0",
    "11.11.0.0/16 via 11.8.0.1 dev p2.101",
    "11.12.0.0/16 via 11.9.0.1 dev bond0.102",
    "11.13.0.0/16 via 10.65.0.1 dev bond0",
    "11.8.0.0/24 dev p2.101",
    "11.9.0.0/24 dev bond0.102",
    "default via 10.65.0.1 dev bond0",
)
"""What image/usr/local/lib/e2e-links asks for."""
MOST_MEMORY = 2.0
"""Of the service, times that of a Python that does nothing; benchmarks/RESULTS.md has the bound for one Python."""
UNITS = ("guest-routes-correct.service", "guest-routes-early.service", "guest-routes.service")
GIVES_UP = re.compile(r"'route', 'append', .*\n(.*\n){0,4}.*Nexthop has invalid gateway")
"""cloud-init's own DHCP, before there is any network: one route of option 121 that its NIC can't have ends it."""
WAIT_ONLINE = {
    "networkd": "systemd-networkd-wait-online.service",
    "netplan": "systemd-networkd-wait-online.service",
    "netplan-ubuntu": "systemd-networkd-wait-online.service",
    "NetworkManager": "NetworkManager-wait-online.service",
    "ifupdown": "networking.service",
}
"""What a boot waits for before network-online.target."""


class Case(NamedTuple):
    """One boot of one machine."""

    suite: str
    manager: str
    network: str
    boot: str
    report: Dict[str, str]
    pings: Dict[str, Dict[str, int]]
    """Echo requests by tap and destination."""
    requests: int
    """To the metadata service."""
    seconds: float
    """From power on to power off."""
    package: str
    """The file that was installed, and the start of its SHA-256."""
    day: str

    def save(self, folder: Path) -> None:
        """Keeps it, so that RESULTS.md can be written again."""
        (folder / "case.json").write_text(json.dumps(self._asdict()))

    @property
    def cloud(self) -> Network:
        """What it was told."""
        return NETWORKS[self.network]

    def text(self, name: str) -> str:
        """That file of the report; "" when it isn't there."""
        return self.report.get(f"{name}.txt", "")

    def exit_code(self, name: str) -> int:
        """Of a command of the report; -1 when it isn't there."""
        return int(self.report.get(f"{name}.exit", "-1"))

    def version(self, package: str) -> str:
        """Of a Debian package in the machine; "" when it isn't there."""
        found = re.search(rf"^{re.escape(package)} (\S+)", self.text("packages"), re.MULTILINE)
        return found[1] if found else ""


def load(folder: Path) -> Dict[Tuple[str, str], Case]:
    """All boots kept below that folder, by the machine's name and the boot's."""
    cases = [Case(**json.loads(path.read_text())) for path in sorted(folder.glob("*/*/case.json"))]
    return {(Machine(case.suite, case.manager, case.network).name, case.boot): case for case in cases}


def wrong_table(case: Case, name: str = "route", more: str = "") -> List[str]:
    """What of that file of the report isn't the documented table."""
    return table.wrong(case.cloud.wanted + more, case.text(name), case.text("route6"))


def faults(case: Case) -> List[str]:
    """What isn't as it must be; a boot without our units is there to be looked at, and has none."""
    if not case.report:
        return [f"no report after {case.seconds / 60:.0f} minutes; its console.log ends in the middle"]
    if case.boot == "without":
        return []
    found = [*wrong_table(case), *_wrong_pings(case), *_wrong_cloud_init(case)]
    if case.exit_code("status") != 0:
        found.append(f"guest-routes status: exit {case.exit_code('status')}{_why_status(case)}")
    found += [f"failed: {line.split()[0]}" for line in case.text("failed").splitlines()]
    denied = [line for line in case.text("journal").splitlines() if 'apparmor="DENIED"' in line]
    found += [f"AppArmor: {line.partition('apparmor=')[2]}" for line in denied if "guest-routes" in line]
    if case.boot == "module":
        return [*found, *_wrong_module(case)]
    return [
        *found, *_wrong_units(case), *wrong_attachment(case), *wrong_manager(case), *_wrong_source_routing(case),
        *_wrong_links(case), *_wrong_addition(case),
    ]  # fmt: skip


def _why_status(case: Case) -> str:
    """What `guest-routes status` says is not as it should be."""
    try:
        status = json.loads(case.text("status"))
        reasons = [(status["service"] or {}).get("failure", ""), *status["last_pass"]["unprogrammed"]]
    except (ValueError, KeyError, TypeError):
        return ""
    return f" ({'; '.join(filter(None, reasons))})"


def _wrong_pings(case: Case) -> List[str]:
    """Five echo requests to each remote host, each by its NIC and answered."""
    sent = {"ping": (REMOTE, "eth1"), "ping-elsewhere": (ELSEWHERE, "eth0")}
    if case.cloud.ipv6:
        # No advertisement carries a host route: with RA the default's NIC is the right one for both.
        sent["ping6"] = (REMOTE6, "eth1" if case.cloud.ipv6 == "static" else "eth0")
        sent["ping6-elsewhere"] = (ELSEWHERE6, "eth0")
    found = []
    for name, (remote, nic) in sent.items():
        if case.exit_code(name) != 0 or by_tap(case, remote) != {nic: 5}:
            found.append(f"{remote} left by {by_tap(case, remote) or 'no NIC'}, {_lost(case.text(name))}")
    return found


def by_tap(case: Case, destination: str) -> Dict[str, int]:
    """How many echo requests to it left by each NIC."""
    return {name[4:]: counts[destination] for name, counts in case.pings.items() if destination in counts}


def _lost(printed: str) -> str:
    found = re.search(r"[\d.]+% packet loss", printed)
    return found[0] if found else "no answer"


def _wrong_cloud_init(case: Case) -> List[str]:
    said = case.text("cloud-init-status")
    if case.exit_code("cloud-init-status") == 0 and "status: done" in said and "degraded" not in said:
        return []
    if GIVES_UP.search(case.report.get("cloud-init.log", "")):
        why = "by itself it gives up on option 121: Nexthop has invalid gateway"
        if "Expected NetworkManager SubState=running" in said:
            why += "; Debian starts its network stage before NetworkManager, and it ends without a datasource"
        return [f"cloud-init: {cloud_init_state(case)} ({why})"]
    reason = re.search(r"^\t- (\S.*)", said, re.MULTILINE)
    return [f"cloud-init: {cloud_init_state(case)}" + (f" ({reason[1]})" if reason else "")]


def cloud_init_state(case: Case) -> str:
    """`done`, or what it says in its place."""
    said = case.text("cloud-init-status")
    found = re.search(r"^extended_status: (.+)", said, re.MULTILINE) or re.search(r"^status: (.+)", said, re.MULTILINE)
    return found[1].strip() if found else "unknown"


def _wrong_units(case: Case) -> List[str]:
    checks = [
        ("Result=success" in case.text("show-guest-routes.service"), "guest-routes.service failed"),
        (not isnan(waited_for(case, "guest-routes.service")), "guest-routes.service was never started"),
        (
            "`netplan generate` could not be run" not in case.text("journal-ours"),
            "guest-routes-correct.service: `netplan generate` had not ended in time",
        ),
        (not waited_for_metadata(case), "the boot waited for guest-routes.service until it had given the metadata up"),
        (
            not memory_megabytes(case) >= MOST_MEMORY * memory_megabytes(case, "bare-memory"),
            f"the service has {memory_megabytes(case):.1f} MB, Python {memory_megabytes(case, 'bare-memory'):.1f}",
        ),
        (
            not has_early_data(case)
            or "ExecMainStatus=0" in case.text("show-guest-routes-early.service")
            or too_early(case)
            or knows_detached(case),
            "guest-routes-early.service had neither the config drive nor last known good metadata",
        ),
    ]
    return [fault for fine, fault in checks if not fine]


def has_early_data(case: Case) -> bool:
    """Whether a document is on the machine before the network is."""
    return case.cloud.drive or case.boot != "first"


def wrong_attachment(case: Case) -> List[str]:
    if "attached.exit" not in case.report:
        return []
    found = [f"{name}: {case.text(name).strip()}" for name in ("attach-nic", "detach-nic") if case.exit_code(name) != 0]
    if case.exit_code("attached") != 0:
        found.append(f"with eth2: {case.text('attached').strip()}")
    elif case.exit_code("attached-ping") != 0:
        found.append(f"{BEHIND_ETH2} by eth2: {_lost(case.text('attached-ping'))}")
    if case.exit_code("detached") != 0:
        found.append(f"without eth2 again: {case.text('detached').strip()}")
    return found


class Reconfigured(NamedTuple):
    """What came of one command to the manager."""

    command: str
    seconds: float
    """Until the table was right; nan when it wasn't."""
    said: str


def reconfigured(case: Case, name: str) -> List[Reconfigured]:
    """The lines of beside.txt or alone.txt."""
    found = []
    for line in case.text(name).splitlines():
        command, _, said = line.partition("\t")
        found.append(Reconfigured(command, float(said) if re.fullmatch(r"[\d.]+", said) else nan, said))
    return found


def wrong_manager(case: Case) -> List[str]:
    wrong = [
        f"after {one.command}{also}: {one.said}"
        for name, also in (("beside", ""), ("alone", ", without our service"))
        for one in reconfigured(case, name)
        if isnan(one.seconds)
    ]
    if WAIT_ONLINE[case.manager] == "systemd-networkd-wait-online.service":
        left = [line for line in case.text("networkctl").splitlines() if "configuring" in line or "failed" in line]
        wrong += [f"systemd-networkd isn't done: {' '.join(line.split())}" for line in left]
    return wrong


SOURCES = {port.name: port.address for port in PORTS}
PAIRS = [(source, remote) for source in SOURCES.values() for remote in (REMOTE, ELSEWHERE)]
BY_MAIN = {(SOURCES["eth0"], ELSEWHERE), (SOURCES["eth1"], REMOTE)}
"""The pairs that the documented table alone serves."""


def answered(case: Case, name: str) -> List[Tuple[str, str]]:
    """The pairs of own address and remote host with an answer, `by-main` alone or `by-source` routing."""
    return [(source, remote) for source, remote in PAIRS if case.exit_code(f"{name}-{source}-{remote}") == 0]


def _wrong_source_routing(case: Case) -> List[str]:
    if "by-source-sync.exit" not in case.report:
        return []
    checks = [
        (set(answered(case, "by-main")) == BY_MAIN, f"by table main alone: {answered(case, 'by-main')}"),
        (answered(case, "by-source") == PAIRS, f"with source routing: {answered(case, 'by-source')}"),
        (case.exit_code("by-source-sync") == 0, f"sync with source routing: exit {case.exit_code('by-source-sync')}"),
        (case.text("by-source-main") == case.text("route"), "source routing changed table main"),
        ("guest-routes" not in case.text("by-source-rules-after"), "a rule was left"),
    ]
    return [fault for fine, fault in checks if not fine]


def _wrong_links(case: Case) -> List[str]:
    if "links-made.exit" not in case.report:
        return []
    routes = sorted(one.route for one in table.shown(case.text("links-route")))
    checks = [
        (case.exit_code("plan-check") == 0, f"plan --check: exit {case.exit_code('plan-check')}"),
        (case.exit_code("links-sync") == 0, f"a bond and VLANs: exit {case.exit_code('links-sync')}"),
        (routes == list(OVER_LINKS), f"over a bond and VLANs: {routes}"),
        *((score < 2.2, f"{unit}: security {score}") for unit, score in security(case).items()),
    ]
    return [fault for fine, fault in checks if not fine]


def _wrong_addition(case: Case) -> List[str]:
    """`guest-routes module --add`: one line more, and nothing else."""
    if "module-add.exit" not in case.report:
        return []
    changed = [line for line in case.text("module-diff").splitlines() if line.startswith(("<", ">"))]
    one_line = len(changed) == 1 and re.fullmatch(r"> +- \[guest_routes, always\]", changed[0])
    return [] if case.exit_code("module-add") == 0 and one_line else [f"module --add: {changed}"]


def _wrong_module(case: Case) -> List[str]:
    checks = [
        (not isnan(module_seconds(case)), "cloud-init analyze doesn't know of the module guest_routes"),
        (case.exit_code("module-check") == 0, f"module --check: exit {case.exit_code('module-check')}"),
        (case.exit_code("module-remove") == 0, f"module --remove: exit {case.exit_code('module-remove')}"),
        (case.exit_code("module-restored") == 0, "module --remove left another cloud.cfg than there was"),
    ]
    return [fault for fine, fault in checks if not fine]


def security(case: Case) -> Dict[str, float]:
    """What systemd-analyze says of our units, from 0 (confined) to 10."""
    scores = {}
    for unit in UNITS:
        found = re.search(r"exposure level for \S+: ([\d.]+)", case.text(f"security-{unit}"))
        if found:
            scores[unit] = float(found[1])
    return scores


def boot_seconds(case: Case) -> float:
    """From the kernel's start until the default target is reached, as systemd-analyze has it; nan when not known."""
    found = re.search(r"^Startup finished in .* = (.+)$", case.text("time"), re.MULTILINE)
    units = {"h": 3600, "min": 60, "s": 1, "ms": 0.001}
    parts = re.findall(r"([\d.]+)(h|min|s|ms)\b", found[1]) if found else []
    return sum(float(number) * units[unit] for number, unit in parts) if parts else nan


def unit_seconds(case: Case, unit: str) -> float:
    """From a oneshot unit's start to its end; nan when it didn't run."""
    return _between(case, unit, "InactiveExitTimestampMonotonic", "ExecMainExitTimestampMonotonic")


def waited_for(case: Case, unit: str) -> float:
    """From a unit's start until systemd called it started: what the boot may wait for it; nan when it didn't run."""
    return _between(case, unit, "InactiveExitTimestampMonotonic", "ActiveEnterTimestampMonotonic")


def wait_online(case: Case) -> str:
    """`failed`, or the seconds that the boot waited for the network; `-` when it didn't or that isn't known."""
    unit = WAIT_ONLINE[case.manager]
    if f"show-{unit}.txt" not in case.report:
        return "-"
    if "Result=success" not in case.text(f"show-{unit}"):
        return "failed"
    seconds = waited_for(case, unit)
    return "-" if isnan(seconds) else f"{seconds:.0f} s"


def too_early(case: Case) -> bool:
    """Whether the early unit had data, but the network manager hadn't brought the NICs up, or addressed them, yet."""
    return _early_left_out(case, "has no IPv4 address (yet)") or _early_left_out(case, "'s gateway, and eth1 is down")


def knows_detached(case: Case) -> bool:
    """Whether the early unit's data is from before the third NIC was detached, in the boot before."""
    return _early_left_out(case, f"is the gateway of the NIC with MAC {LATER.mac}, which is not present (yet)")


def _early_left_out(case: Case, because: str) -> bool:
    """Whether the early unit ended with 5, and said this of a host route."""
    said = case.text("journal-ours").partition("Finished guest-routes-early.service")[0]
    # A line of the journal has its time, host and process before the folded text.
    unfolded = " ".join(line.partition("]: ")[2].strip() for line in said.splitlines())
    return "ExecMainStatus=5" in case.text("show-guest-routes-early.service") and because in unfolded


def waited_for_metadata(case: Case) -> bool:
    """Whether systemd called the service started only after it had given the metadata up."""
    said = case.text("journal-ours").partition("Starting guest-routes.service")[2]
    # Its first pass, with what is on the machine, says what stands in for the metadata.
    return "Started guest-routes.service" not in re.split("no metadata: (?!using)", said)[0]


def _between(case: Case, unit: str, earlier: str, later: str) -> float:
    shown = dict(entry.split("=", 1) for entry in case.text(f"show-{unit}").splitlines() if "=" in entry)
    start, end = int(shown.get(earlier) or 0), int(shown.get(later) or 0)
    return (end - start) / 1e6 if end > start > 0 else nan


def memory_megabytes(case: Case, name: str = "service-memory") -> float:
    """What the service has resident, or a bare Python (`bare-memory`); nan when it didn't run."""
    found = re.search(r"VmRSS:\s*(\d+) kB", case.text(name))
    return int(found[1]) / 1024 if found else nan


def module_seconds(case: Case) -> float:
    """What cloud-init says that our module took; nan when it didn't run."""
    found = re.search(r"([\d.]+)s \(modules-config/config-guest_routes\)", case.text("cloud-init-blame"))
    return float(found[1]) if found else nan


def start_up(case: Case) -> Dict[str, float]:
    """Seconds that commands took, the median of three."""
    pairs = (entry.split("\t") for entry in case.text("start-up").splitlines() if "\t" in entry)
    return {command: float(seconds) for seconds, command in pairs}


def source(case: Case) -> str:
    """Where the data of the last pass came from."""
    try:
        metadata = json.loads(case.text("status") or "{}")["last_pass"]["metadata"]
        return str(metadata.get("source") or metadata.get("origin"))
    except (ValueError, KeyError, TypeError):
        return "-"


def line(case: Case) -> str:
    """One boot, for the terminal."""
    found = faults(case)
    verdict = "; ".join(found) if found else ("looked at" if case.boot == "without" else "as it must be")
    name = Machine(case.suite, case.manager, case.network).name
    return f"{name}, {case.boot} ({case.seconds:.0f} s): {verdict}"
