"""Which network's subnet an address is in: the longest prefix, found without looking at every network. Pure."""

from __future__ import annotations

from ..model.network import Prefix, family_of, is_link_local, network_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Sequence

    from ..model.decision import Binding
    from ..model.network import Address


class Subnets:
    """The subnets of all networks: as described, and as their NICs have them. Link-local ones are everybody's: none.

    Only those of a network's own family count: a NIC's IPv4 network is not the home of an IPv6 next hop. A subnet that
    the document has for a NIC which is there is no other NIC's that has an address in it.

    Args:
        documented: only those that the document describes count.
    """

    def __init__(self, bindings: Sequence[Binding], documented: bool = False) -> None:
        self._bindings: dict[Prefix, list[Binding]] = {}
        for binding in bindings:
            for subnet in _subnets_of(binding, documented):
                self._bindings.setdefault(subnet, []).append(binding)
        for subnet, found in self._bindings.items():
            self._bindings[subnet] = [one for one in found if one.nic and one.documented_subnet == subnet] or found
        self._lengths = {
            family: sorted({p.length for p in self._bindings if family_of(p.address) == family}, reverse=True)
            for family in (4, 6)
        }

    def home(self, address: Address) -> tuple[Prefix, list[Binding]] | None:
        """The longest subnet that an address is in, and the networks that have it, in document order."""
        for length in self._lengths[family_of(address)]:
            subnet = network_of(Prefix(address, length))
            found = self._bindings.get(subnet)
            if found is not None:
                return subnet, found
        return None


def _subnets_of(binding: Binding, documented: bool) -> list[Prefix]:
    """Those of a network that can be a next hop's."""
    subnets = filter(None, (binding.documented_subnet,)) if documented else binding.subnets
    return [one for one in subnets if family_of(one.address) == binding.family and not is_link_local(one.address)]
