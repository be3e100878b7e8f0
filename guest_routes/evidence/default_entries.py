"""A network's default entries: which of them can be, and in what order they count. Pure."""

from __future__ import annotations

from ..model.network import Prefix, address_text, network_of
from .json_fields import Fault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterable

    from ..model.network import Address
    from ..model.network_data import DefaultEntry


def by_metric(entries: Iterable[DefaultEntry]) -> tuple[DefaultEntry, ...]:
    """Those of the best metric first, else in their order; each gateway once."""
    found: dict[Address, DefaultEntry] = {}
    for one in sorted(entries, key=lambda entry: entry.metric):
        found.setdefault(one.gateway, one)
    return tuple(found.values())


def refuse_ends(gateway: Address, address: Prefix | None) -> None:
    """Raises Fault for the first and the last address of the network's own IPv4 subnet: no router has them.

    Linux takes the first one for a host's, and refuses the last one as a gateway.
    Source: Neutron, check_gateway_invalid_in_subnet; RFC 3021 for 31 bits.
    """
    if address is None or len(address.address) == 16 or len(gateway) == 16 or address.length > 30:
        return
    subnet = network_of(address)
    number = int.from_bytes(gateway, "big") - int.from_bytes(subnet.address, "big")
    what = {0: "network", (1 << 32 - subnet.length) - 1: "broadcast"}.get(number)
    if what:
        raise Fault(".gateway", f"refused: {address_text(gateway)} is the {what} address of {subnet}, not a gateway")
