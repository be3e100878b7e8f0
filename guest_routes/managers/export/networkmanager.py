"""Routes for NetworkManager: a connection profile for each NIC, before cloud-init's own. Pure.

Source: nm-settings-keyfile(5). cloud-init gives its profiles an autoconnect-priority of 120 at most.
"""

from __future__ import annotations

from ...model.configuration import Export, ExportFile, ExportNote, profile_name
from ...model.network import address_text, family_of, mac_text
from ...output.escape import escaped
from ...routing.per_nic import NicRoutes
from .file import destination_text, header, what_for, written_routes
from .source_routing import networkmanager_source

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Mapping, Sequence

FOLDER = "/etc/NetworkManager/system-connections"
PRIORITY = 200


def networkmanager(nics: Sequence[NicRoutes], network_files: Mapping[int, str]) -> Export:
    """A keyfile for each NIC, which NetworkManager reads only when nobody else may (mode 600)."""
    files = []
    for one in nics:
        name = one.nic.name
        lines = [*header(one, what_for(one)), "[connection]", f"id={escaped(profile_name(name))}", "type=ethernet"]
        lines += [f"autoconnect-priority={PRIORITY}", "", "[ethernet]", f"mac-address={mac_text(one.nic.mac).upper()}"]
        for family in (4, 6):
            lines += ["", *_family(one, family)]
        files.append(ExportFile(f"{FOLDER}/guest-routes-{name}.nmconnection", "\n".join(lines) + "\n", 0o600))
    if not files:
        return Export(())
    names = tuple(one.nic.name for one in nics)
    return Export(
        tuple(files), (ExportNote("precedes-profiles", names), ExportNote("apply", names, format_name="networkmanager"))
    )


def _family(one: NicRoutes, family: int) -> list[str]:
    addresses = [address for address in one.addresses if family_of(address.address) == family]
    dynamic = family in one.dynamic
    unused = "disabled" if family == 4 else "link-local"
    lines = [f"[ipv{family}]", f"method={'auto' if dynamic else 'manual' if addresses else unused}"]
    lines += [f"address{number}={address}" for number, address in enumerate(addresses, 1)]
    if family in one.barred:
        lines.append("never-default=true")
    if dynamic and family == 4:
        lines.append("ignore-auto-routes=true")
    routes = [route for route in written_routes(one) if route.family == family]
    for number, route in enumerate(routes, 1):
        metric = f",{route.metric}" if route.metric else ""
        lines.append(f"route{number}={destination_text(route)},{address_text(route.gateway)}{metric}")
        if route.onlink:
            lines.append(f"route{number}_options=onlink=true")
    return [*lines, *networkmanager_source(one, family, len(routes) + 1)]
