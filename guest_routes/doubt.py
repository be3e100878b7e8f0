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
    data: NetworkData, resolution: Resolution, state: KernelState, known_macs: Sequence[bytes], protocol: int
) -> str:
    """Why the document is suspicious; "" when it isn't.

    Args:
        known_macs: what the last accepted document described.
    """
    if not data.networks:
        return "it has no networks"
    described = {link.mac for link in data.links}
    present = {mac: nic.name for nic in state.nics for mac in (nic.mac, nic.permanent_mac) if mac}
    lost = [f"{present[mac]} ({mac_text(mac)})" for mac in known_macs if mac in present and mac not in described]
    if lost:
        return f"it no longer describes {', '.join(lost)}, which is present"
    wanted = {resolved.host.destination for resolved in resolution.resolved}
    ours = [r.destination for r in state.routes if r.protocol == protocol and r.destination.length]
    gone = sum(1 for destination in ours if destination not in wanted)
    silent = [binding.label for binding in resolution.bindings if binding.network and binding.network.silent]
    if gone and silent:
        # Nova 27.3 stopped describing subnets with DHCP: an upgrade of the cloud must not empty the table.
        return f"it is silent about {', '.join(silent)}, and {gone} of our routes would go"
    if gone >= MANY and gone * 2 > len(ours):
        return f"{gone} of our {len(ours)} routes would go at once"
    return ""
