"""Whether a document may be partial, so that nothing is to be withdrawn on its word (R6). Pure."""

from __future__ import annotations

from .document import NetworkData
from .model import KernelState, mac_text
from .resolve import Resolution

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Sequence

AGREEING_FETCHES = 3
"""So many fetches in a row must bring the same document before it is believed."""
MANY = 10


def doubt(
    data: NetworkData,
    resolution: Resolution,
    state: KernelState,
    known_macs: Sequence[bytes],
    protocol: int,
    speaking: frozenset[int] = frozenset(),
) -> str:
    """Why the document is suspicious; "" when it isn't.

    Args:
        known_macs: what the last accepted document described.
        speaking: ifindexes of the NICs whose leases tell the routes that the document is silent about.
    """
    if not data.networks:
        return "it has no networks"
    described = {link.mac for link in data.links}
    present = {mac: nic.name for nic in state.nics for mac in (nic.mac, nic.permanent_mac) if mac}
    lost = [f"{present[mac]} ({mac_text(mac)})" for mac in known_macs if mac in present and mac not in described]
    if lost:
        return f"it no longer describes {', '.join(lost)}, which is present"
    suspicion = silence(resolution, state, protocol, speaking)
    if suspicion:
        return suspicion
    gone, ours = _gone(resolution, state, protocol)
    return f"{gone} of our {ours} routes would go at once" if gone >= MANY and gone * 2 > ours else ""


def silence(resolution: Resolution, state: KernelState, protocol: int, speaking: frozenset[int]) -> str:
    """Why routes of ours are not to go although nothing names them: nobody tells what a silent NIC's are.

    Nova 27.3 stopped describing subnets with DHCP: an upgrade of the cloud must not empty the table, nor must a lease
    that has gone.
    """
    gone, _ = _gone(resolution, state, protocol)
    if not gone:
        return ""
    silent = [
        one.label for one in resolution.bindings
        if one.network and one.network.silent and not (one.family == 4 and one.nic and one.nic.ifindex in speaking)
    ]  # fmt: skip
    return f"it is silent about {', '.join(silent)}, and {gone} of our routes would go" if silent else ""


def _gone(resolution: Resolution, state: KernelState, protocol: int) -> tuple[int, int]:
    """How many routes of ours would go, of how many."""
    wanted = {resolved.host.destination for resolved in resolution.resolved}
    ours = [r.destination for r in state.routes if r.protocol == protocol and r.destination.length]
    gone = sum(1 for destination in ours if destination not in wanted)
    return gone, len(ours)
