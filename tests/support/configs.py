"""What the readers of network configuration need: the documented NICs by MAC or name."""

from __future__ import annotations

from typing import List, Optional, Tuple

from guest_routes.model.configuration import ParsedConfig
from guest_routes.model.network import Nic

from .reports import ETH0, ETH1


def nic_of(mac: str, name: str) -> Optional[Nic]:
    """The documented NIC with that MAC, else with that name."""
    for nic in (ETH0, ETH1):
        if nic.mac.hex(":") == mac.lower() if mac else nic.name == name:
            return nic
    return None


def lines(text: str) -> Tuple[str, ...]:
    """A file's lines as the readers get them."""
    return tuple(text.splitlines(keepends=True))


def routes(parsed: ParsedConfig) -> List[Tuple[str, Tuple[int, ...]]]:
    """The routes that were read, each with its lines."""
    return [(str(one), one.lines) for one in parsed.routes]
