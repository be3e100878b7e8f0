"""Routes as cloud-init has written them into a network manager's files: values, and the files' names. Pure.

What a file says is found line by line, and lines are moved or taken away whole: nothing is ever formatted anew. A file
that isn't as cloud-init writes it is left alone, with the reason.
"""

from __future__ import annotations

from ..model.network import Nic

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, TypeAlias

PATTERNS = {
    "systemd-networkd": (
        "/etc/systemd/network/10-cloud-init-*.network",
        "/run/systemd/network/10-cloud-init-*.network",
    ),
    "netplan": ("/etc/netplan/50-cloud-init.yaml",),
    "NetworkManager": ("/etc/NetworkManager/system-connections/cloud-init-*.nmconnection",),
    "ifupdown": ("/etc/network/interfaces.d/50-cloud-init", "/etc/network/interfaces.d/50-cloud-init.cfg"),
}
"""Where cloud-init writes, by manager.

Source: cloudinit/net/{networkd,netplan,network_manager,eni}.py, 22.4 to 25.1.
"""

NicOf: TypeAlias = "Callable[[str, str], Nic | None]"
"""The NIC of the document with that MAC, else, where no MAC is given, with that name."""
