"""The one default route of each family (R4). Pure."""

from __future__ import annotations

from ..model.decision import Elected, NotElected
from .resolve import needs_onlink

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Sequence

    from ..model.decision import Binding, Election, NotElectedKind
    from ..model.settings import Selector, Settings


def elect(bindings: Sequence[Binding], settings: Settings, family: int, unaddressed: bool = False) -> Election:
    """The settings' choice, else the first network in document order with a gateway on a NIC that is up.

    A NIC without an address is as good as down: DHCP may never bring one. A NIC without a carrier is passed over as
    long as another has one. A selector that means no usable NIC elects nothing: the defaults stay as they are until
    it does.

    Args:
        unaddressed: NICs serve without an address, too: the network manager is going to give them one.
    """
    own = [binding for binding in bindings if binding.family == family]
    usable = [binding for binding in own if binding.gateway and binding.is_usable(unaddressed)]
    if settings.default is not None:
        return _chosen(settings.default, own, usable, family)
    if not usable:
        return NotElected(family, "no-gateway")
    chosen = next((one for one in usable if one.nic and one.nic.running), usable[0])
    return _elected(chosen, family)._replace(waiting=_waiting(own[: own.index(chosen)]))


def _waiting(earlier: Sequence[Binding]) -> tuple[Binding, ...]:
    """Networks that would have been elected if their NIC had an address."""
    return tuple(one for one in earlier if one.gateway and one.is_usable(True) and not one.addressed)


def _chosen(selector: Selector, own: Sequence[Binding], usable: Sequence[Binding], family: int) -> Election:
    """The network that the settings choose, or why it can't have the default."""
    chosen = next((binding for binding in usable if binding.chosen_by(selector)), None)
    if chosen is not None:
        return _elected(chosen, family)._replace(selector=selector)
    expected = any(binding.gateway for binding in own)
    meant = next((binding for binding in own if binding.chosen_by(selector)), None)
    return NotElected(family, _unusable(meant), selector, meant, expected)


def _unusable(meant: Binding | None) -> NotElectedKind:
    """Why a network that the settings choose can't have the default."""
    if meant is None:
        return "no-network"
    if meant.nic is None:
        return "absent"
    if not meant.nic.up:
        return "down"
    return "no-address" if meant.gateway and not meant.addressed else "unknown-gateway"


def _elected(chosen: Binding, family: int) -> Elected:
    nic, gateway = chosen.nic, chosen.gateway
    assert nic is not None and gateway is not None
    return Elected(family, chosen, nic, gateway, needs_onlink(nic, gateway))


def managed_ifindexes(bindings: Sequence[Binding]) -> frozenset[int]:
    """The ifindexes of NICs that the metadata describes: the only ones whose default routes R4 may touch."""
    return frozenset(b.nic.ifindex for b in bindings if b.nic is not None and b.network is not None)
