"""The first table of RESULTS.md: a row for each distribution and manager, a column for each document."""

from __future__ import annotations

from typing import Dict, List, Tuple

from .plan import MACHINES, MANAGERS, NETWORKS, RELEASES, SUITES, Machine
from .record import Records

SHORT = {
    "static-right": "static, eth1's subnet", "static-wrong": "static, eth0's subnet", "drive": "drive, eth0's subnet",
    "dhcp-right": "DHCP, eth1's subnet", "dhcp-wrong": "DHCP, eth0's subnet", "dual-static": "dual stack, static",
    "dual-ra": "dual stack, DHCP and RA", "chain": "Neutron's and Nova's",
}  # fmt: skip
LEGEND = (
    "Boots with guest-routes that came out right, of those that ran: `2 of 2`; `2 of 2, 1 not run` where more are"
    " planned; `NO 1 of 2`, when not all are right, whose causes are in the notes. `not run`: planned, and no boot is"
    " kept. Empty: not planned. The subnet is the one that lists the host route: its next hop is in eth1's."
)


def rows(records: Records) -> List[List[str]]:
    """The table with its heading."""
    planned: Dict[Tuple[str, str], Dict[str, Machine]] = {}
    for machine in MACHINES:
        planned.setdefault((machine.suite, machine.manager), {})[machine.network] = machine
    found = [["", *(SHORT[network] for network in NETWORKS)]]
    for suite in SUITES:
        for manager in MANAGERS:
            by_network = planned.get((suite, manager), {})
            cells = [_cell(by_network[name], records) if name in by_network else "" for name in NETWORKS]
            if by_network:
                found.append([f"{RELEASES[suite]}, {manager}", *cells])
    return found


def _cell(machine: Machine, records: Records) -> str:
    boots = [boot for boot in machine.boots if boot != "without"]
    ran = [records[machine.name, boot] for boot in boots if (machine.name, boot) in records]
    if not ran:
        return "not run"
    right = sum(not one.faults for one in ran)
    missing = f", {len(boots) - len(ran)} not run" if len(ran) < len(boots) else ""
    return f"{'' if right == len(ran) else 'NO '}{right} of {len(ran)}{missing}"
