"""The routes that cover an address, found without a look at each of many. Pure."""

from __future__ import annotations

from ...model.network import Prefix, family_of, network_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterable

    from ...model.network import Address, Route


class Covering:
    """Routes of a table by their destinations; those for packets with a TOS are left out."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._to: dict[Prefix, list[Route]] = {}
        for route in routes:
            if not route.tos:
                self._to.setdefault(route.destination, []).append(route)
        self._lengths = {family: {p.length for p in self._to if family_of(p.address) == family} for family in (4, 6)}

    def of(self, address: Address) -> list[Route]:
        """Those that cover an address; of one destination in the order in which they were given."""
        networks = (network_of(Prefix(address, length)) for length in self._lengths[family_of(address)])
        return [route for network in networks for route in self._to.get(network, ())]
