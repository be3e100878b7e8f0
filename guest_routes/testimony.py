"""What a pass goes by beside the document and the settings: the instance's properties, and DHCP leases.

A pass on a document that has no properties and is silent about no NIC asks nobody and imports nothing here.
"""

from __future__ import annotations

from .bind import find_nic, is_ignored
from .document import Beside, Complaint, HostRoute, NetworkData
from .model import Nic
from .policy import Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Sequence

    from .fetched import Document
    from .lease import Told


def gather(settings: Settings, document: Document, data: NetworkData, nics: Sequence[Nic], root: str) -> Beside:
    """The properties that came with the document, and the leases of the NICs that it is silent about.

    Args:
        root: where the leases' files are looked for.
    """
    complaints: list[Complaint] = []
    notes: list[Complaint] = []
    properties: list[HostRoute] = []
    leased: list[HostRoute] = []
    told: Told | None = None
    if document.properties not in ("", "null") and "properties" in settings.sources:
        from .properties import host_routes as routes_of_property

        properties, faults = routes_of_property(document.properties)
        complaints += faults
    silent = _silent(settings, data, nics) if "leases" in settings.sources else []
    if silent:
        from . import leases
        from .lease import host_routes

        told = leases.told(silent, root)
        complaints += told.complaints
        for lease in told.leases:
            routes, remarks = host_routes(lease)
            leased += routes
            notes += remarks
    return Beside(tuple(properties), told, tuple(leased), tuple(notes), tuple(complaints))


def _silent(settings: Settings, data: NetworkData, nics: Sequence[Nic]) -> list[Nic]:
    """The NICs of IPv4 networks that the document says nothing of."""
    silent = [network for network in data.networks if network.silent and network.family == 4]
    if not silent:
        return []
    links = {link.id: link for link in data.links}
    found = [find_nic(links[one.link], links, nics, one.address) for one in silent if one.link in links]
    unlike = {nic.ifindex: nic for nic in found if nic is not None and not is_ignored(nic, settings.ignore_nics)}
    return list(unlike.values())
