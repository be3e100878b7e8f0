"""The gateways of a NIC's further subnets: Nova describes one subnet a family of a port, and a NIC can have more. Pure.

R2. Each subnet of a NIC has its own gateway by the best evidence for it. The further ones resolve next hops, and have
no part in the election (R4).
"""

from __future__ import annotations

from ...model.decision import Binding
from ...model.evidence import BY_DEFAULTS
from ...model.namedtuple import NamedTuple
from ...model.network import network_of
from .settings_gateways import subnet_on_nic

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterator, Sequence

    from ...model.evidence import GatewayEvidence
    from ...model.network import Address, Prefix
    from .settings_gateways import SettingsGateways


def further_gateways(
    bindings: Sequence[Binding], offered: Sequence[Sequence[GatewayEvidence]], settings: SettingsGateways | None
) -> list[Binding]:
    """A binding without a network for each further gateway.

    Of one subnet all those that default routes name count, unless anything better names one: a default that was there
    for a moment doesn't undo what an earlier one proved.

    Args:
        offered: by default routes through the NIC of each binding, best first.
        settings: the entries of `gateways`.
    """
    nics: dict[tuple[int, int], _Known] = {}
    for binding in bindings:
        if binding.nic is not None:
            nics.setdefault((binding.nic.ifindex, binding.family), _Known({}, {})).add(binding)
    found = []
    for binding, offers in zip(bindings, offered):
        if binding.nic is None:
            continue
        known = nics[binding.nic.ifindex, binding.family]
        for evidence in _candidates(binding, offers, settings):
            if known.takes(evidence, binding):
                further = Binding(None, binding.link, binding.nic, evidence.gateway, evidence)
                known.add(further)
                found.append(further)
    return found


def _candidates(
    binding: Binding, offers: Sequence[GatewayEvidence], settings: SettingsGateways | None
) -> Iterator[GatewayEvidence]:
    """What else is known of gateways on a network's NIC, best first."""
    yield from settings.about_nic(binding) if settings is not None else ()
    yield from offers


class _Known(NamedTuple):
    """What is known of one NIC's gateways of a family."""

    kinds: dict[Prefix, str]
    """Of each subnet of the NIC the kind of evidence for its gateway."""
    gateways: dict[Address, str]
    """The same of each gateway."""

    def add(self, binding: Binding) -> None:
        """What is known of one more network."""
        known = binding.instead or binding.evidence
        for gateway in filter(None, (binding.gateway, binding.gateway_in_force)):
            there, kind = subnet_on_nic(gateway, binding), known.kind if known is not None else ""
            self.gateways[gateway] = kind
            if there is None or not kind:
                continue
            if kind not in BY_DEFAULTS or network_of(there) not in self.kinds:
                self.kinds[network_of(there)] = kind

    def takes(self, evidence: GatewayEvidence, binding: Binding) -> bool:
        """Whether a gateway is a further one, or only default routes have named it, and this is better evidence."""
        there, by_default = subnet_on_nic(evidence.gateway, binding), evidence.kind in BY_DEFAULTS
        if there is None:
            return False
        if evidence.gateway in self.gateways:
            return self.gateways[evidence.gateway] in BY_DEFAULTS and not by_default
        kind = self.kinds.get(network_of(there))
        return kind is None or kind in BY_DEFAULTS
