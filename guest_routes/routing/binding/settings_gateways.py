"""What the entries of `gateways` come to: a network's gateway, a NIC's outside the document, or nothing (R2). Pure."""

from __future__ import annotations

from ...model.decision import Binding, UnusedGateway
from ...model.evidence import GatewayEvidence
from ...model.network import contains, family_of
from ..subnets import Subnets

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterator, Sequence

    from ...model.network import Address, Nic, Prefix
    from ...model.settings import GatewaySetting
    from ..eligible import Eligible


def _known_from(setting: GatewaySetting) -> GatewayEvidence:
    """An entry as the evidence for a gateway."""
    return GatewayEvidence("settings", setting.place, gateway=setting.gateway, setting=setting)


class SettingsGateways:
    """The entries of `gateways`, for the networks of one document."""

    def __init__(self, settings: Sequence[GatewaySetting], bindings: Sequence[Binding], eligible: Eligible) -> None:
        self._settings, self._eligible = settings, eligible
        self._subnets = Subnets(bindings)

    def about_nic(self, binding: Binding) -> Iterator[GatewayEvidence]:
        """Those about the NIC of a network, by an address that a router on it can have."""
        for setting in self._settings:
            meant = family_of(setting.gateway) == binding.family and binding.chosen_by(setting.selector)
            if meant and self._unused(setting, binding) is None:
                yield _known_from(setting)

    def of(self, binding: Binding, known: Address | None) -> GatewayEvidence | None:
        """The entry that is about a network itself.

        Args:
            known: its gateway by other evidence.
        """
        meant = self.about_nic(binding)
        return next((one for one in meant if _is_about(one.gateway, binding, known)), None)

    def unused(self, bindings: Sequence[Binding], nics: Sequence[Nic]) -> tuple[UnusedGateway, ...]:
        """The entries that name no gateway, each with the reason; not those that repeat another's word.

        Args:
            bindings: with their gateways.
        """
        found = []
        for setting in self._settings:
            named = (one for one in bindings if setting.gateway in (one.gateway, one.gateway_in_force))
            if not any(one.chosen_by(setting.selector) or _is_from(setting, one) for one in named):
                found.append(self._why(setting, bindings, nics))
        return tuple(found)

    def _why(self, setting: GatewaySetting, bindings: Sequence[Binding], nics: Sequence[Nic]) -> UnusedGateway:
        family = family_of(setting.gateway)
        bare = (Binding(None, None, nic, known_family=family) for nic in nics)
        meant = [one for one in (*bindings, *bare) if one.family == family and one.chosen_by(setting.selector)]
        reasons = (self._unused(setting, one) for one in meant)
        found = next(filter(None, reasons), None)
        return found or UnusedGateway(setting, "another-entry" if meant else "nothing-fits")

    def _unused(self, setting: GatewaySetting, binding: Binding) -> UnusedGateway | None:
        """Why no router on the NIC can have the address (R12), or that it is in another NIC's subnet."""
        refusal = self._eligible.refusal(setting.gateway, binding)
        if refusal is not None:
            return UnusedGateway(setting, refusal.own, refusal.owner)
        if any(contains(subnet, setting.gateway) for subnet in binding.subnets):
            return None
        home = self._subnets.home(setting.gateway)
        nics = [one.nic for one in home[1] if one.nic is not None] if home is not None else []
        return UnusedGateway(setting, "other-subnet", nics[0].name) if nics else None


def _is_from(setting: GatewaySetting, binding: Binding) -> bool:
    """Whether a binding's gateway is known from an entry."""
    known = binding.instead or binding.evidence
    return known is not None and known.setting == setting


def subnet_on_nic(address: Address, binding: Binding) -> Prefix | None:
    """The narrowest prefix of the NIC that an address is in."""
    peers = binding.nic.peers if binding.nic is not None else ()
    own = [one for one in (*binding.own_addresses, *peers) if contains(one, address)]
    return max(own, key=lambda one: one.length, default=None)


def _is_about(gateway: Address, binding: Binding, known: Address | None) -> bool:
    """Whether an entry is about a network itself, and not about a further subnet of its NIC."""
    documented, there = binding.documented_subnet, subnet_on_nic(gateway, binding)
    if there is None or (documented is not None and contains(documented, gateway)):
        return True
    # What the document doesn't say is the subnet of the gateway that is known.
    return documented is None and (known is None or subnet_on_nic(known, binding) in (None, there))
