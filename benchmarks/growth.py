"""How time and memory grow with routes and with NICs: ours, `ip -batch` of the same routes, and the engine pyroute2.

    make bench-growth              benchmarks/growth.svg, both axes logarithmic; half an hour
    python benchmarks/growth.py --routes 10000 --nics 100     up to so many; a minute

Each point is the best of RUNS whole processes on a table without routes of ours: processor time (user and system),
which other programs on the machine disturb least, and the most memory that the process had at a time.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import os
import shutil
import sys
import time
from pathlib import Path
from typing import Any, Callable, Dict, List, NamedTuple, Sequence, Tuple

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import run as passes  # noqa: E402  # it enters the namespaces
from benchmarks import sections  # noqa: E402
from tests.support.lab import Lab  # noqa: E402

SVG = Path(__file__).with_name("growth.svg")
RUNS = 2
SLOW = {"pyroute2": 10_000}
"""Beyond so many routes, or NICs, it takes minutes: left out."""
COLOURS = {"guest-routes": "#0b6e4f", "ip -batch": "#555555", "pyroute2": "#c8553d"}
WIDTH, HEIGHT, MARGIN = 420, 300, 60


class Point(NamedTuple):
    """One measurement."""

    number: int
    seconds: float
    mib: float


Curves = Dict[str, List[Point]]


def measured(command: Sequence[str]) -> Tuple[float, float]:
    """Processor seconds and the peak of memory in MiB of one process, which must succeed."""
    null = os.open(os.devnull, os.O_WRONLY)
    child = os.posix_spawn(command[0], list(command), passes.ENVIRONMENT, file_actions=[(os.POSIX_SPAWN_DUP2, null, 1)])
    os.close(null)
    peak = 0  # Not ru_maxrss, which counts this process's size at the fork.
    while not (ended := os.wait4(child, os.WNOHANG))[0]:
        with contextlib.suppress(OSError):
            lines = Path(f"/proc/{child}/status").read_text().splitlines()
            peak = max(0, peak, *(int(line.split()[1]) for line in lines if line.startswith("VmHWM")))
        time.sleep(0.0005)
    _, status, usage = ended
    if status:
        sys.exit(f"{' '.join(command)}: status {status}")
    return usage.ru_utime + usage.ru_stime, peak / 1024


def best(count: int, command: Sequence[str]) -> Point:
    """The best of RUNS on an empty table."""
    found: List[Tuple[float, float]] = []
    while len(found) < (RUNS if count <= 10_000 else 1):
        passes.flush()
        seconds, mib = measured(command)
        if mib:  # It may end before its memory is looked at.
            found.append((seconds, mib))
    return Point(count, max(0.001, min(seconds for seconds, _ in found)), max(mib for _, mib in found))


def curves(counts: Sequence[int], files: Callable[[int], Tuple[Path, Path]]) -> Curves:
    """Every program's points."""
    found: Curves = {name: [] for name in COLOURS}
    ip = shutil.which("ip")
    assert ip is not None
    for count in counts:
        document, batch = files(count)
        ours = [passes.COMMAND, "sync", "--metadata", str(document)]
        commands = {"guest-routes": ours, "ip -batch": [ip, "-batch", str(batch)]}
        if count <= SLOW["pyroute2"]:
            commands["pyroute2"] = [*ours, "--engine", "pyroute2"]
        for name, command in commands.items():
            found[name].append(best(count, command))
            print(f"{name}: {found[name][-1]}", file=sys.stderr, flush=True)
        passes.flush()
    return found


def route_files(count: int) -> Tuple[Path, Path]:
    """The document and the batch of so many routes; with dotted netmasks a million are more than a file may have."""
    paths = passes.files(count)
    value = json.loads(paths[0].read_text())
    for route in value["networks"][1]["routes"][1:]:
        route["netmask"] = 24
    paths[0].write_text(json.dumps(value, separators=(",", ":")))
    return paths


def nic_files(lab: Lab, made: List[int]) -> Callable[[int], Tuple[Path, Path]]:
    """Documents and batches of so many NICs with a host route each; makes those that are lacking."""

    def files(count: int) -> Tuple[Path, Path]:
        links, networks, lines = [], [], []
        for n in range(count):
            mac, subnet = f"fa:16:3f:00:{n >> 8:02x}:{n & 255:02x}", f"172.{16 + (n >> 8)}.{n & 255}"
            if n >= len(made):
                lab.ip("link", "add", f"n{n}", "address", mac, "type", "veth", "peer", "name", f"p{n}")
                lab.ip("link", "set", f"p{n}", "up")
                lab.ip("link", "set", f"n{n}", "up")
                lab.ip("address", "add", f"{subnet}.9/24", "dev", f"n{n}")
                made.append(n)
            links.append({"id": f"l{n}", "type": "phy", "ethernet_mac_address": mac})
            routes = [{"network": f"20.{n >> 8}.{n & 255}.0", "netmask": "255.255.255.0", "gateway": f"{subnet}.1"}]
            default = {"network": "0.0.0.0", "netmask": "0.0.0.0", "gateway": f"{subnet}.1"}
            network: Dict[str, Any] = {"id": f"n{n}", "type": "ipv4", "link": f"l{n}", "ip_address": f"{subnet}.9"}
            networks.append({**network, "netmask": "255.255.255.0", "routes": [default, *routes]})
            lines.append(f"route add 20.{n >> 8}.{n & 255}.0/24 via {subnet}.1 dev n{n} proto 121\n")
        paths = passes.WORK / f"nics-{count}.json", passes.WORK / f"nics-{count}.batch"
        paths[0].write_text(json.dumps({"links": links, "networks": networks}))
        paths[1].write_text("".join(lines))
        return paths

    return files


# ---- the chart ------------------------------------------------------------------------------------------


def panel(title: str, unit: str, found: Curves, value: Callable[[Point], float], left: int, top: int) -> List[str]:
    """One chart with logarithmic axes."""
    points = [point for curve in found.values() for point in curve]
    x_decades = 0, math.ceil(math.log10(max(point.number for point in points)))
    values = [math.log10(value(point)) for point in points]
    y_decades = math.floor(min(values)), math.ceil(max(values))

    def x(count: float) -> float:
        return (
            left + MARGIN + (math.log10(count) - x_decades[0]) / (x_decades[1] - x_decades[0]) * (WIDTH - MARGIN - 90)
        )

    def y(amount: float) -> float:
        whole = HEIGHT - 2 * MARGIN + 20
        return top + MARGIN - 20 + whole - (math.log10(amount) - y_decades[0]) / (y_decades[1] - y_decades[0]) * whole

    lines = [f'<text x="{left + MARGIN}" y="{top + 22}" font-weight="bold">{title}</text>']
    for power in range(x_decades[0], x_decades[1] + 1):
        at, bottom = x(10.0**power), y(10.0 ** y_decades[0])
        lines.append(f'<path d="M{at:.1f} {bottom:.1f}V{y(10.0 ** y_decades[1]):.1f}" stroke="#ddd"/>')
        lines.append(f'<text x="{at:.1f}" y="{bottom + 16:.1f}" text-anchor="middle">{10**power:,}</text>')
    for power in range(y_decades[0], y_decades[1] + 1):
        at = y(10.0**power)
        lines.append(f'<path d="M{x(1):.1f} {at:.1f}H{x(10.0 ** x_decades[1]):.1f}" stroke="#ddd"/>')
        lines.append(f'<text x="{left + MARGIN - 6}" y="{at + 4:.1f}" text-anchor="end">{10.0**power:g} {unit}</text>')
    for name, curve in found.items():
        if curve:
            path = "L".join(f"{x(point.number):.1f} {y(value(point)):.1f}" for point in curve)
            lines.append(f'<path d="M{path}" fill="none" stroke="{COLOURS[name]}" stroke-width="2"/>')
            end = curve[-1]
            lines.append(
                f'<text x="{x(end.number) + 5:.1f}" y="{y(value(end)) + 4:.1f}" fill="{COLOURS[name]}">{name}</text>'
            )
    return lines


def chart(routes: Curves, nics: Curves) -> str:
    """The SVG."""
    body = [f'<text x="{MARGIN}" y="18">{sections.machine()}; processor time and peak memory of whole processes</text>']
    for row, (what, found) in enumerate((("routes", routes), ("NICs, a host route each", nics))):
        top = 24 + row * HEIGHT
        body += panel(f"Time by {what}", "s", found, lambda point: point.seconds, 0, top)
        body += panel(f"Memory by {what}", "MiB", found, lambda point: point.mib, WIDTH, top)
    size = f'width="{2 * WIDTH}" height="{2 * HEIGHT + 24}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="11">'
    return "\n".join([head, '<rect width="100%" height="100%" fill="white"/>', *body, "</svg>"]) + "\n"


def main() -> None:
    """Measures and draws."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--routes", type=int, default=1_000_000)
    parser.add_argument("--nics", type=int, default=1_000)
    most = parser.parse_args()
    passes.WORK.mkdir(exist_ok=True)
    lab = Lab()
    lab.documented_nics()
    lab.ip("route", "add", "default", "via", "10.65.0.1")
    by_routes = curves([n for n in (10, 100, 1_000, 10_000, 100_000, 1_000_000) if n <= most.routes], route_files)
    lab.ip("route", "delete", "default")  # The first of the described NICs has it now.
    by_nics = curves([n for n in (1, 10, 100, 1_000) if n <= most.nics], nic_files(lab, []))
    SVG.write_text(chart(by_routes, by_nics))
    lab.close()


if __name__ == "__main__":
    main()
