"""The evidence as it will be once the document's NICs are configured, whether or not they are yet. Pure.

A pass looks at NICs as they are; a configuration is for NICs as they will be: up, with the document's addresses.
"""

from __future__ import annotations

from .bind import BONDS, Present, bind, find_nic, has_mac, has_own_address, macs_of_link

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..model.evidence import Evidence
    from ..model.network import Nic, Prefix
    from ..model.settings import Settings


def project(evidence: Evidence, settings: Settings) -> Evidence:
    """The same evidence with every NIC up, and with the addresses that the document has for it.

    Without those that will be ports of a bond that the manager has yet to make: a route through them leads nowhere.
    """
    nics = _without_ports_to_be(evidence)
    evidence = evidence._replace(kernel=evidence.kernel._replace(nics=nics))
    documented: dict[int, list[Prefix]] = {}
    bindings, _ = bind(evidence, settings)
    for binding in bindings:
        if binding.nic is not None and binding.network is not None and binding.network.address is not None:
            documented.setdefault(binding.nic.ifindex, []).append(binding.network.address)
    configured = tuple(
        nic._replace(
            up=True,
            running=True,
            peers=(),
            addresses=tuple(dict.fromkeys([*nic.addresses, *documented.get(nic.ifindex, ())])),
            unrouted=(),
        )
        for nic in nics
    )
    return evidence._replace(kernel=evidence.kernel._replace(nics=configured), projected=True)


def _without_ports_to_be(evidence: Evidence) -> tuple[Nic, ...]:
    """The NICs; without those of a document's bond that isn't there, unless one with an address stands for it (R2)."""
    links, nics = {link.id: link for link in evidence.data.links}, evidence.kernel.nics
    for link in links.values():
        found = find_nic(link, links, Present(nics)) if link.kind == "bond" else None
        if found is not None and found.kind not in BONDS and not has_own_address(found):
            macs = macs_of_link(link, links)
            nics = tuple(nic for nic in nics if not has_mac(nic, macs))
    return nics
