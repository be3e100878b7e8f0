"""What a document means for its NICs once they are configured, whether or not they are yet. Pure.

A pass looks at NICs as they are; a configuration is for NICs as they will be: up, with the document's addresses.
"""

from __future__ import annotations

from .bind import bind
from .elect import Election, NotElected, elect
from .resolve import BY_CHOICE, NOTHING_BESIDE, Resolution, resolve

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple, Sequence

    from .document import Beside, NetworkData
    from .model import Nic, Prefix, Route
    from .policy import Settings
else:
    from .values import NamedTuple


class Foreseen(NamedTuple):
    """Each host route with its NIC or the reason why it has none, and each family's elected default."""

    data: NetworkData
    resolution: Resolution
    elections: tuple[Election, ...]

    @property
    def unprogrammed(self) -> tuple[str, ...]:
        """Each route of the document that goes nowhere, with the reason."""
        return (
            *(f"{one.place}: {one.text}" for one in self.data.complaints if one.refused),
            *(f"IPv{e.family} default: {e.reason}" for e in self.elections if isinstance(e, NotElected) and e.wanted),
            *(str(one) for one in self.resolution.unresolved if one.kind not in BY_CHOICE),
        )


def foresee(
    data: NetworkData,
    nics: Sequence[Nic],
    settings: Settings,
    defaults: Sequence[Route] = (),
    recorded: Sequence[Route] = (),
    beside: Beside = NOTHING_BESIDE,
) -> Foreseen:
    """Resolves and elects for NICs as they will be; the arguments are resolve's."""
    described: dict[int, list[Prefix]] = {}
    for binding in bind(data, nics, settings):
        if binding.nic is not None and binding.network is not None and binding.network.address is not None:
            described.setdefault(binding.nic.ifindex, []).append(binding.network.address)
    future = [
        nic._replace(
            up=True,
            running=True,
            addresses=tuple(dict.fromkeys([*nic.addresses, *described.get(nic.ifindex, ())])),
        )
        for nic in nics
    ]
    resolution = resolve(data, future, settings, defaults, recorded, beside, unaddressed=True)
    elections = tuple(elect(resolution.bindings, settings, family, unaddressed=True) for family in (4, 6))
    return Foreseen(data, resolution, elections)
