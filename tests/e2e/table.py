"""The table that a machine must end up with, and what of `ip route` isn't so.

Stands in the machine as well (/usr/local/lib/e2e_table.py), where it waits for that table:

    python3 e2e_table.py WANTED SECONDS     WANTED: ipv4, static or ra, and +eth2 for a third NIC

prints the seconds that passed until the table was right, or what was wrong with it at the end of that time (exit code
1).
Python 3.9 and its library only.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from typing import Dict, List, NamedTuple, Sequence

DOCUMENTED = (
    "default via 10.65.0.1 dev eth0",
    "10.65.0.0/24 dev eth0",
    "11.8.0.0/24 dev eth1",
    "11.11.0.0/16 via 11.8.0.1 dev eth1",
)
ATTACHED = ("10.9.0.0/24 dev eth2", "11.12.0.0/16 via 10.9.0.1 dev eth2")
"""What a third NIC adds, with its own host route."""
CONNECTED6 = ("fd00:65::/64 dev eth0", "fd00:8::/64 dev eth1")
STATIC6 = ("default via fd00:65::1 dev eth0", *CONNECTED6, "fd00:11:11::/48 via fd00:8::1 dev eth1")
DNS = ("192.0.2.2 via 10.65.0.1 dev eth0", "192.0.2.2 via 11.8.0.1 dev eth1")
"""Each NIC's own way to the server that DHCP names, as systemd-networkd writes it from 262 on: in no document (R5)."""
GATEWAYS = ("10.65.0.1 dev eth0", "11.8.0.1 dev eth1", "10.9.0.1 dev eth2")
"""On link, as DHCP clients write them beside their default; through the right NIC they change nothing (R5)."""


class Shown(NamedTuple):
    """One route of `ip route`, a leg of a multipath route included."""

    route: str
    """Destination, gateway and NIC only."""
    metric: int
    printed: str


def shown(printed: str) -> List[Shown]:
    """The routes of that output, but for those of IPv6 that every link has."""
    found = []
    head, metric = "", 0
    for line in printed.splitlines():
        leg = line.startswith(("\t", " "))
        words = line.split()
        if not words or words[0] in ("fe80::/64", "ff00::/8", "unreachable", "anycast", "multicast"):
            continue
        if not leg:
            head = words[0]
            given = re.search(r" metric (\d+)", line)
            metric = int(given[1]) if given else 0
        if leg or "dev" in words:
            route = [head]
            for key in ("via", "dev"):
                if key in words:
                    route += [key, words[words.index(key) + 1]]
            found.append(Shown(" ".join(route), metric, f"{head} {line.strip()}" if leg else line.strip()))
    return found


def wrong(wanted: str, ipv4: str, ipv6: str) -> List[str]:
    """What is missing or too much; `wanted` as on the command line, the others as `ip route` prints them."""
    expected = [*DOCUMENTED, *(ATTACHED if "+eth2" in wanted else ())]
    found = _differences(expected, shown(ipv4))
    if wanted.startswith("static"):
        found += _differences(STATIC6, shown(ipv6))
    elif wanted.startswith("ra"):
        routes = shown(ipv6)
        found += _differences(CONNECTED6, [one for one in routes if not one.route.startswith("default")])
        found += _defaults_by_another(routes)
    return found


def _differences(expected: Sequence[str], routes: List[Shown]) -> List[str]:
    counts: Dict[str, int] = {}
    for one in routes:
        counts[one.route] = counts.get(one.route, 0) + 1
    missing = [f"missing: {route}" for route in expected if route not in counts]
    extra = [f"extra: {one.printed}" for one in routes if one.route not in (*expected, *GATEWAYS, *DNS)]
    return missing + extra


def _defaults_by_another(routes: List[Shown]) -> List[str]:
    """Defaults through another NIC than eth0 that the kernel would use."""
    defaults = [one for one in routes if one.route.startswith("default")]
    if not defaults:
        return ["missing: a default of IPv6"]
    best = min(one.metric for one in defaults)
    return [f"extra: {one.printed}" for one in defaults if one.metric == best and not one.route.endswith("dev eth0")]


def _ip(family: str) -> str:
    return subprocess.run(["ip", family, "route"], stdout=subprocess.PIPE, text=True, check=True).stdout


def main(wanted: str, seconds: float) -> int:
    """Waits; see above."""
    start = time.monotonic()
    while True:
        found = wrong(wanted, _ip("-4"), _ip("-6"))
        took = time.monotonic() - start
        if not found:
            print(f"{took:.1f}")
            return 0
        if took > seconds:
            print("; ".join(found))
            return 1
        time.sleep(0.2)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], float(sys.argv[2])))
