"""Networks whose link names one NIC and whose address names another, so that nothing tells which is theirs. Pure.

R2. A document with two swapped links has such networks; so has one that has a link's id, or its MAC, twice. Which half
is wrong is unknown, so the network is on no NIC: nothing is programmed for it, and no default is taken.
"""

from __future__ import annotations

from ...model.evidence import Contradiction
from ..subnets import Subnets

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Sequence

    from ...model.decision import Binding
    from ...model.network import Address, Nic, Prefix


def with_contradictions(bindings: Sequence[Binding], nics: Sequence[Nic], doubled: frozenset[bytes]) -> list[Binding]:
    """The bindings; those of networks that are contradicted without their NIC.

    A network without an address goes with the others of its link.

    Args:
        bindings: on the NICs that their links name, without gateways.
        nics: those that can have an address of a network.
        doubled: the MACs of several links.
    """
    places = _Places(bindings, nics, doubled)
    found = [places.contradiction(one) for one in bindings]
    right = {one.link.id for one in bindings if one.link is not None and _is_there(one)}
    wrong = {one.link.id for one, why in zip(bindings, found) if why is not None and one.link is not None} - right
    return [_without_nic(one, why or _by_its_link(one, wrong)) for one, why in zip(bindings, found)]


def _without_nic(binding: Binding, why: Contradiction | None) -> Binding:
    return binding if why is None else binding._replace(nic=None, contradiction=why)


def _by_its_link(binding: Binding, wrong: set[str]) -> Contradiction | None:
    """Of a network without an address: that another one of its link is contradicted."""
    if binding.nic is None or binding.link is None or binding.link.id not in wrong or _address(binding) is not None:
        return None
    return Contradiction("other-network", binding.nic.name)


class _Places:
    """Where the networks and their addresses are."""

    def __init__(self, bindings: Sequence[Binding], nics: Sequence[Nic], doubled: frozenset[bytes]) -> None:
        self._doubled = doubled
        self._documented = Subnets(bindings, documented=True)
        self._confirmed = {(one.nic.ifindex, one.family) for one in bindings if one.nic is not None and _is_home(one)}
        self._links_there: dict[tuple[int, int], set[str]] = {}
        self._explained: set[tuple[int, Address]] = set()
        for one in bindings:
            address = _address(one)
            if one.nic is not None and one.link is not None and address is not None and _is_there(one):
                self._links_there.setdefault((one.nic.ifindex, one.family), set()).add(one.link.id)
                self._explained.add((one.nic.ifindex, address.address))
        self._holders: dict[Address, list[Nic]] = {}
        for nic in nics:
            for own in nic.addresses:
                self._holders.setdefault(own.address, []).append(nic)

    def contradiction(self, binding: Binding) -> Contradiction | None:
        """What contradicts the link of a network; None where nothing does."""
        nic, address = binding.nic, _address(binding)
        if nic is None or binding.link is None or address is None or _is_there(binding):
            return None
        others = self._links_there.get((nic.ifindex, binding.family), set()) - {binding.link.id}
        if binding.link.mac in self._doubled and others:
            return Contradiction("doubled-mac", nic.name)
        if not binding.is_off_subnet:
            return None
        if binding.link.doubled and binding.addressed:
            return Contradiction("doubled-id", nic.name)
        holder = self._holder(binding, nic, address)
        if holder is not None:
            return Contradiction("address-elsewhere", nic.name, holder.name)
        other = self._network_there(binding)
        return Contradiction("subnet-elsewhere", nic.name, other) if other else None

    def _holder(self, binding: Binding, nic: Nic, address: Prefix) -> Nic | None:
        """Another link's NIC that has the network's address, and that this address may be all there is to say of.

        Not where a network of that link has the same one; nor where the MAC's NIC has no address at all and the other
        is where its own network is: an address that moves between two NICs of one network.
        """
        for one in self._holders.get(address.address, ()):
            explained = (one.ifindex, address.address) in self._explained
            moved = not binding.addressed and (one.ifindex, binding.family) in self._confirmed
            if one.ifindex != nic.ifindex and not explained and not moved:
                return one
        return None

    def _network_there(self, binding: Binding) -> str:
        """The network of another link in whose subnet the NIC is, and whose own NIC isn't; "" where there is none."""
        for own in binding.own_addresses:
            home = self._documented.home(own.address)
            there = home[1] if home is not None else []
            if there and not any(_is_home(one) or one.ignored or one.link == binding.link for one in there):
                return f"networks[{there[0].network.index}]" if there[0].network is not None else ""
        return ""


def _address(binding: Binding) -> Prefix | None:
    """The address that the document has for a network."""
    return binding.network.address if binding.network is not None else None


def _is_home(binding: Binding) -> bool:
    """Whether the NIC has an address in the network's subnet, which the document describes."""
    return binding.nic is not None and _address(binding) is not None and not binding.is_off_subnet


def _is_there(binding: Binding) -> bool:
    """Whether the NIC has the network's described address."""
    address = _address(binding)
    own = binding.nic.addresses if binding.nic is not None else ()
    return address is not None and any(one.address == address.address for one in own)
