"""The evidence as it will be once the document's NICs are configured, whether or not they are yet. Pure.

A pass looks at NICs as they are; a configuration is for NICs as they will be: up, with the document's addresses.
"""

from __future__ import annotations

from .bind import bind

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..model.evidence import Evidence
    from ..model.network import Prefix
    from ..model.settings import Settings


def project(evidence: Evidence, settings: Settings) -> Evidence:
    """The same evidence with every NIC up, and with the addresses that the document has for it."""
    documented: dict[int, list[Prefix]] = {}
    bindings, _ = bind(evidence, settings)
    for binding in bindings:
        if binding.nic is not None and binding.network is not None and binding.network.address is not None:
            documented.setdefault(binding.nic.ifindex, []).append(binding.network.address)
    nics = tuple(
        nic._replace(
            up=True,
            running=True,
            peers=(),
            addresses=tuple(dict.fromkeys([*nic.addresses, *documented.get(nic.ifindex, ())])),
            unrouted=(),
        )
        for nic in evidence.kernel.nics
    )
    return evidence._replace(kernel=evidence.kernel._replace(nics=nics), projected=True)
