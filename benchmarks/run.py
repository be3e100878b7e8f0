"""Measures the targets of docs/architecture.md's "What fast means here" for passes, in one run, as ratios.

    make bench                     these and service.py's, into RESULTS.md; about ten minutes
    python benchmarks/run.py --quick     up to 10,000 routes, fewer runs

Commands are timed as whole processes, the two sides of each ratio in turn, and the ratio is the median of the
pairs: machines are noisy, and both sides meet the same noise. Everything happens in namespaces of its own.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import statistics
import subprocess
import sys
import sysconfig
import time
from pathlib import Path
from typing import Callable, Dict, List, NamedTuple, Sequence

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import sections  # noqa: E402
from tests.support import sandbox  # noqa: E402

sandbox.enter()

from tests.support.lab import MACS, Lab, document  # noqa: E402
from tests.support.worst import worst_documents  # noqa: E402

PYTHON = sys.executable
COMMAND = str(Path(sysconfig.get_path("scripts"), "guest-routes"))
WORK = Path("/run/bench")
SETTINGS = Path("/etc/guest-routes.yaml")
RUN_DIR = Path("/run/guest-routes")
CLONE_NEWNET = 0x40000000
"""Source: include/uapi/linux/sched.h."""
ENVIRONMENT = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
"""Without PYTHONDONTWRITEBYTECODE and the like: what users have."""
FLUSHES = 10
"""So often `ip route flush` may give up: it does after 30 seconds, in which it doesn't remove a million."""
WORST = ("bad networks", "networks and next hops", "omitted routes")
"""Those of tests/support/worst.py that take the longest."""


class Row(NamedTuple):
    """One measured ratio."""

    what: str
    ours: float
    theirs: float
    ratio: float
    low: float
    high: float
    target: str
    unit: str = "ms"


def routes(count: int) -> List[Dict[str, str]]:
    """So many /24 host routes with eth1's gateway."""
    return [
        {"network": f"{20 + (n >> 16)}.{n >> 8 & 255}.{n & 255}.0", "netmask": "255.255.255.0", "gateway": "11.8.0.1"}
        for n in range(count)
    ]


def files(count: int) -> tuple[Path, Path]:
    """The document, and the same routes for `ip -batch`."""
    value = json.loads(document("documented").read_text())
    value["networks"][1]["routes"] = value["networks"][1]["routes"][:1] + routes(count)
    path, batch = WORK / f"{count}.json", WORK / f"{count}.batch"
    path.write_text(json.dumps(value))
    lines = (f"route add {r['network']}/24 via {r['gateway']} dev eth1 proto 121\n" for r in routes(count))
    batch.write_text("".join(lines))
    return path, batch


def omits_routes() -> tuple[Path, Path]:
    """A document that is silent about both NICs, with leases of four clients that have ten host routes; and a document
    that says the same."""
    hosts = routes(10)
    spoken = json.loads(document("documented").read_text())
    spoken["networks"][1]["routes"] = spoken["networks"][1]["routes"][:1] + hosts
    quiet = {**spoken, "networks": []}
    for network in spoken["networks"]:
        quiet["networks"].append({"id": network["id"], "link": network["link"], "type": "ipv4_dhcp"})
    data = ROOT / "tests" / "data" / "leases"
    entries = " ".join(f"{host['network']}/24,{host['gateway']}" for host in hosts)
    for nic, address, router in (("eth0", "10.65.0.7", "10.65.0.1"), ("eth1", "11.8.0.9", "11.8.0.1")):
        shown = subprocess.run(["ip", "-j", "link", "show", nic], check=True, capture_output=True).stdout
        ifindex = json.loads(shown)[0]["ifindex"]
        lease = f"ADDRESS={address}\nROUTER={router}\nLIFETIME=86400\nCLASSLESS_ROUTES={entries} 0.0.0.0/0,{router}\n"
        for place, content in (
            (f"/run/systemd/netif/leases/{ifindex}", lease.encode()),
            (f"/run/NetworkManager/devices/{ifindex}", (data / f"networkmanager-cross.{nic}").read_bytes()),
            (f"/var/lib/dhcp/dhclient.{nic}.leases", (data / f"dhclient-cross.{nic}").read_bytes()),
            (f"/var/lib/dhcpcd/{nic}.lease", (data / f"dhcpcd-cross.{nic}").read_bytes()),
        ):
            path = Path(place)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            os.utime(path, (time.time() - (place[1:4] == "var"),) * 2)
    paths = WORK / "silent.json", WORK / "spoken.json"
    paths[0].write_text(json.dumps(quiet))
    paths[1].write_text(json.dumps(spoken))
    return paths


def run(*command: str, codes: Sequence[int] = (0,)) -> float:
    """Seconds of one whole process, which ends with one of these exit codes."""
    began = time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=ENVIRONMENT, cwd="/")
    took = time.perf_counter() - began
    if done.returncode not in codes:
        sys.exit(f"{' '.join(command)}: exit {done.returncode}: {done.stderr.decode()}")
    return took


def flush() -> None:
    """Back to an instance without routes of ours, and without what a pass keeps."""
    for left in range(FLUSHES, 0, -1):
        flushing = ["ip", "route", "flush", "proto", "121"]
        if subprocess.run(flushing, stdout=subprocess.DEVNULL, check=left == 1).returncode == 0:
            break
    for name in ("last-known-good", "defaults"):
        Path("/var/lib/guest-routes", name).unlink(missing_ok=True)


def pairs(what: str, ours: Callable[[], float], theirs: Callable[[], float], runs: int, target: str) -> Row:
    """Both in turn, after one of each that doesn't count; the median of the ratios."""
    ours(), theirs()
    taken = [(ours(), theirs()) for _ in range(runs)]
    ratios = [a / b for a, b in taken]
    row = Row(
        what,
        statistics.median(a for a, _ in taken) * 1000,
        statistics.median(b for _, b in taken) * 1000,
        statistics.median(ratios),
        min(ratios),
        max(ratios),
        target,
    )
    print(f"{row.what}: {row.ratio:.2f} ({row.low:.2f}-{row.high:.2f}), target {target}", file=sys.stderr, flush=True)
    return row


def written(path: Path, engine: str = "rtnetlink") -> Callable[[], float]:
    """A full pass on an empty table, verification included."""

    def once() -> float:
        flush()
        return run(COMMAND, "sync", "--metadata", str(path), *(["--engine", engine] if engine != "rtnetlink" else []))

    return once


def batched(path: Path) -> Callable[[], float]:
    """`ip -batch` of the same routes on an empty table."""

    def once() -> float:
        flush()
        return run("ip", "-batch", str(path))

    return once


def programming(count: int) -> Callable[[], float]:
    """The engine alone: from operations to the kernel's last answer, timed inside its process."""
    code = (
        "import sys, time\nfrom guest_routes.kernel.rtnetlink.engine import RtnetlinkKernel\n"
        "from guest_routes.model.network import *\n"
        "from guest_routes.model.operations import *\n"
        "kernel = RtnetlinkKernel(); nic = next(n for n in kernel.nics() if n.name == 'eth1')\n"
        f"prefixes = [Prefix(bytes([20 + (n >> 16), n >> 8 & 255, n & 255, 0]), 24) for n in range({count})]\n"
        "operations = [Add(Route(prefix, parse_address('11.8.0.1'), nic.ifindex)) for prefix in prefixes]\n"
        "began = time.perf_counter(); failures = kernel.apply(operations); took = time.perf_counter() - began\n"
        "print(took); sys.exit(bool(failures))\n"
    )

    def once() -> float:
        flush()
        done = subprocess.run([PYTHON, "-c", code], check=True, capture_output=True, env=ENVIRONMENT, cwd="/")
        return float(done.stdout)

    return once


def peak_kib(code: str) -> float:
    """VmHWM of a process of its own, in KiB. (ru_maxrss would count the parent's size at fork as well.)"""
    code += "\nprint([l for l in open('/proc/self/status') if l.startswith('VmHWM')][0].split()[1])"
    done = subprocess.run([PYTHON, "-c", code], check=True, capture_output=True, env=ENVIRONMENT, cwd="/")
    return float(done.stdout.split()[-1])


def memory(path: Path) -> Row:
    """A pass that changes nothing beside bare Python."""
    run(COMMAND, "sync", "--metadata", str(path))
    ours = peak_kib(f"from guest_routes.cli.main import main; main(['sync', '--metadata', '{path}'])")
    theirs = peak_kib("pass")
    ratio = ours / theirs
    return Row("peak memory, no-op pass, 10 routes / bare Python", ours, theirs, ratio, ratio, ratio, "<= 1.30", "KiB")


def main() -> None:
    """Measures and writes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    WORK.mkdir(exist_ok=True)
    lab = Lab()
    lab.documented_nics()
    lab.ip("route", "add", "default", "via", "10.65.0.1")
    rows = measure(quick)
    lab.close()
    text = results(rows, quick)
    print(text)
    if not quick:
        sections.write("Passes", text)


def measure(quick: bool) -> List[Row]:
    """Every row."""
    ten, _ = files(10)
    run(COMMAND, "sync", "--metadata", str(ten))
    rows = [
        pairs(
            "no-op pass, 10 routes / `python3 -c pass`",
            lambda: run(COMMAND, "sync", "--metadata", str(ten)),
            lambda: run(PYTHON, "-c", "pass"),
            15 if quick else 41,
            "<= 1.9 (stretch 1.6)",
        ),
        memory(ten),
    ]
    quiet, spoken = omits_routes()
    run(COMMAND, "sync", "--metadata", str(quiet))
    what = "no-op pass, 10 routes, by the leases of two NICs / by a document that says the same"
    rows.append(pairs(what, _passed(quiet), _passed(spoken), 15 if quick else 41, "10 ms more"))
    rows.append(source_routing(15 if quick else 41))
    targets = {10: "-", 1_000: "-", 10_000: "<= 1.0", 100_000: "<= 0.75"}
    for count, target in targets.items():
        if quick and count > 10_000:
            continue
        path, batch = files(count)
        runs = {10: 21, 1_000: 21, 10_000: 15, 100_000: 5}[count]
        rows.append(pairs(f"full pass, {count:,} routes / `ip -batch`", written(path), batched(batch), runs, target))
        slow = {10: 5, 1_000: 3, 10_000: 3, 100_000: 1}[count]
        if not (quick and count > 1_000):
            what = f"full pass, {count:,} routes / the same with pyroute2"
            rows.append(pairs(what, written(path), written(path, "pyroute2"), slow, "-"))
        if count >= 1_000:
            target = "<= 0.6" if count == 10_000 else "-"
            what = f"programming alone, {count:,} routes / `ip -batch`"
            rows.append(pairs(what, programming(count), batched(batch), runs, target))
        if count == 10_000:
            run(COMMAND, "sync", "--metadata", str(path))
            what = f"no-op pass, {count:,} routes / `ip -batch` writing them"
            rows.append(pairs(what, _passed(path), _kept(batch, path), 5, "-"))
    return rows + [_worst(name) for name in WORST]


def source_routing(runs: int) -> Row:
    """A pass that changes nothing with source routing, and one without; each in a dual-stack instance of its own."""
    setns = ctypes.CDLL(None).setns
    home = os.open("/proc/self/ns/net", os.O_RDONLY)

    def instance(settings: str) -> tuple[int, Lab, Callable[[], float]]:
        lab = Lab()
        lab.nic("eth0", MACS[0], "10.65.0.7/24", "fd00:65::7/64", gateways=("10.65.0.1/24", "fd00:65::1/64"))
        lab.nic("eth1", MACS[1], "11.8.0.9/24", "fd00:8::9/64", gateways=("11.8.0.1/24", "fd00:8::1/64"))
        space = os.open("/proc/self/ns/net", os.O_RDONLY)

        state = RUN_DIR.with_suffix(f".{space}")

        def once() -> float:
            setns(space, CLONE_NEWNET)
            SETTINGS.write_text(settings)
            if state.exists():  # Each instance has a state of its own.
                state.rename(RUN_DIR)
            took = run(COMMAND, "sync", "--metadata", str(document("dual-stack")))
            RUN_DIR.rename(state)
            return took

        return space, lab, once

    instances = instance("source_routing: true\n"), instance("# source_routing: true\n")
    what = "no-op pass, two NICs, both families, with source routing / without"
    row = pairs(what, instances[0][2], instances[1][2], runs, "<= 1.15")
    SETTINGS.unlink()
    for space, lab, _ in instances:
        setns(space, CLONE_NEWNET)
        lab.close()
    setns(home, CLONE_NEWNET)
    return row


def _worst(name: str) -> Row:
    """A document of a megabyte, made to be much work."""
    path = WORK / "worst.json"
    path.write_bytes(worst_documents()[name])
    return pairs(
        f"plan, a megabyte of {name} / `json.load` of it",
        lambda: run(COMMAND, "plan", "--metadata", str(path), codes=(0, 1, 2, 4, 5)),
        lambda: run(PYTHON, "-c", f"import json; json.load(open('{path}'))"),
        3,
        "2,000 ms",
    )


def _passed(path: Path) -> Callable[[], float]:
    """A pass on the table as it is."""
    return lambda: run(COMMAND, "sync", "--metadata", str(path))


def _kept(batch: Path, path: Path) -> Callable[[], float]:
    """`ip -batch`, and then the table as a pass left it."""

    def once() -> float:
        took = batched(batch)()
        run(COMMAND, "sync", "--metadata", str(path))
        return took

    return once


def results(rows: Sequence[Row], quick: bool) -> str:
    """The table."""
    lines = [
        f"`make bench`{' (quick)' if quick else ''}: {sections.machine()}. Each ratio is the median of pairs measured",
        "in turn in one run, with the lowest and highest pair; times are medians of whole processes and are there for",
        "orientation only.",
        "",
        "| what | ours | theirs | ratio | lowest - highest | target |",
        "| --- | ---: | ---: | ---: | ---: | --- |",
    ]
    for row in rows:
        lines.append(
            f"| {row.what} | {row.ours:,.1f} {row.unit} | {row.theirs:,.1f} {row.unit} | {row.ratio:.2f} "
            f"| {row.low:.2f} - {row.high:.2f} | {row.target} |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
