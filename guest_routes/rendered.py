"""Routes as cloud-init has written them into a network manager's files: values, and the files' names. Pure.

What a file says is found line by line, and lines are moved or taken away whole: nothing is ever formatted anew. A file
that isn't as cloud-init writes it is left alone, with the reason.
"""

from __future__ import annotations

from .model import Address, Nic, Prefix, address_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, NamedTuple, TypeAlias
else:
    from .values import NamedTuple

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


class Said(NamedTuple):
    """One route that a file says, and the lines that say it and nothing else."""

    nic: Nic
    destination: Prefix
    gateway: Address
    path: str
    lines: tuple[int, ...]
    """Counted from 0."""

    @property
    def family(self) -> int:
        """4 or 6."""
        return 4 if len(self.gateway) == 4 else 6

    def __str__(self) -> str:
        what = "default" if self.destination.is_default else str(self.destination)
        return f"{what} via {address_text(self.gateway)} dev {self.nic.name}"


class Place(NamedTuple):
    """Where further routes of a NIC and family can be put."""

    nic: Nic
    family: int
    path: str
    after: int
    """Behind this line."""
    indent: int = 0
    """Columns, where the form has any."""
    head: int = -1
    """The line that begins the list of routes; -1: there is none (yet)."""
    number: int = 0
    """The highest number of a route there, where the form has any."""


class Reading(NamedTuple):
    """What one file says."""

    path: str
    manager: str
    lines: tuple[str, ...]
    """With their ends."""
    said: tuple[Said, ...] = ()
    places: tuple[Place, ...] = ()
    heads: tuple[tuple[int, tuple[int, ...]], ...] = ()
    """Lines that go when all the lines behind them go."""
    odd: str = ""
    """Why it is left alone; "" when it is as expected."""
