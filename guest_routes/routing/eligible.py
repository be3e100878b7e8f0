"""Which addresses can be a gateway at all, whatever names them (R12). Pure."""

from __future__ import annotations

from ..model.namedtuple import NamedTuple
from ..model.network import is_link_local
from ..model.network_data import end_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal, Sequence

    from ..model.decision import Binding
    from ..model.network import Address, Nic


class Refusal(NamedTuple):
    """Why an address is no gateway: the last two fields of an Unresolved."""

    own: Literal["next-hop", "network", "broadcast"]
    owner: str
    """A NIC's name or `networks[0]`; of the others the subnet."""


class Eligible:
    """Tells gateways from addresses of this machine and of whole subnets. A link-local one is known by its NIC only."""

    def __init__(self, bindings: Sequence[Binding], nics: Sequence[Nic]) -> None:
        self._owners: dict[Address, str] = {}
        present = [(nic.name, own) for nic in nics for own in nic.addresses]
        networks = (one.network for one in bindings if one.network is not None)
        documented = [(f"networks[{one.index}]", one.address) for one in networks if one.address is not None]
        for name, own in [*present, *documented]:
            if not is_link_local(own.address):
                self._owners.setdefault(own.address, name)

    def refusal(self, gateway: Address, binding: Binding) -> Refusal | None:
        """Why an address can't be a gateway through the NIC of a network; None where it can."""
        owner = self._owners.get(gateway)
        if owner is None and is_link_local(gateway) and binding.nic is not None:
            owner = next((binding.nic.name for own in binding.nic.addresses if own.address == gateway), None)
        if owner is not None:
            return Refusal("next-hop", owner)
        ends = ((end_of(subnet, gateway), subnet) for subnet in binding.subnets)
        return next((Refusal(end, str(subnet)) for end, subnet in ends if end is not None), None)
