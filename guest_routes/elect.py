"""The one default route of each family (R4). Pure."""

from __future__ import annotations

from .bind import Binding
from .model import Address, Nic, address_text
from .policy import Settings
from .resolve import needs_onlink

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple, Sequence, TypeAlias
else:
    from .values import NamedTuple


class Elected(NamedTuple):
    """The NIC and gateway that the family's default route is to have. str() is its because (R15)."""

    family: int
    nic: Nic
    gateway: Address
    onlink: bool
    because: str

    def __str__(self) -> str:
        return self.because


class NotElected(NamedTuple):
    """No default can be chosen, so those of the kernel are left as they are."""

    family: int
    reason: str
    wanted: bool
    """The settings ask for one that isn't to be had, though the family has gateways."""


Election: TypeAlias = "Elected | NotElected"


def elect(bindings: Sequence[Binding], settings: Settings, family: int, unaddressed: bool = False) -> Election:
    """The settings' choice, else the first network in document order with a gateway on a NIC that is up.

    A NIC without an address is as good as down: DHCP may never bring one. A NIC without a carrier is passed over as
    long as another has one. A selector that means no usable NIC elects nothing: the defaults stay as they are until
    it does.

    Args:
        unaddressed: as in resolve.
    """
    usable = [b for b in bindings if b.family == family and b.gateway and b.is_usable(unaddressed)]
    selector = settings.default
    if selector is not None:
        chosen = next((binding for binding in usable if binding.chosen_by(selector)), None)
        if chosen is None:
            return NotElected(family, _not_chosen(bindings, settings, family), wanted=_speaks_of(bindings, family))
        return _elected(chosen, family, f"the settings choose {selector}")
    chosen = next((b for b in usable if b.nic and b.nic.running), usable[0] if usable else None)
    if chosen is None:
        reason = f"no network has an IPv{family} gateway on a NIC that is up and has an address"
        return NotElected(family, reason, wanted=False)
    elected = _elected(chosen, family, "the first network with a gateway on a NIC that is up")
    before = bindings[: bindings.index(chosen)]
    waiting = [b.label for b in before if b.family == family and b.gateway and b.is_usable(True) and not b.addressed]
    if waiting:
        elected = elected._replace(because=f"{elected.because}; {', '.join(waiting)} has no IPv{family} address (yet)")
    return elected


def _elected(chosen: Binding, family: int, rule: str) -> Elected:
    nic, gateway = chosen.nic, chosen.gateway
    assert nic is not None and gateway is not None
    onlink = needs_onlink(nic, gateway)
    place = f"networks[{chosen.network.index}]" if chosen.network else nic.name
    because = f"{rule}: {place}, {nic.name}; its gateway: {chosen.evidence}"
    if onlink:
        because += f"; on link: {address_text(gateway)} is outside every prefix of {nic.name}"
    return Elected(family, nic, gateway, onlink, because)


def _speaks_of(bindings: Sequence[Binding], family: int) -> bool:
    """Whether the family has any gateway, so that a choice was to be expected."""
    return any(binding.family == family and binding.gateway for binding in bindings)


def _not_chosen(bindings: Sequence[Binding], settings: Settings, family: int) -> str:
    selector = settings.default
    assert selector is not None
    meant = next((b for b in bindings if b.family == family and b.chosen_by(selector)), None)
    if meant is None:
        why = f"no IPv{family} network of the metadata fits"
    elif meant.nic is None:
        why = f"{meant.label} is not present"
    elif not meant.nic.up:
        why = f"{meant.label} is down"
    elif meant.gateway and not meant.addressed:
        why = f"{meant.label} has no IPv{family} address (yet)"
    else:
        why = f"{meant.label} has no known IPv{family} gateway"
    return f"the settings choose {selector} for the default route, but {why}; the default routes stay as they are"


def described(bindings: Sequence[Binding]) -> frozenset[int]:
    """The ifindexes of NICs that the metadata describes: the only ones whose default routes R4 may touch."""
    return frozenset(b.nic.ifindex for b in bindings if b.nic is not None and b.network is not None)
