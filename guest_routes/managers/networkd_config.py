"""Whether systemd-networkd takes a default route for a NIC from a DHCP server, by its own files.

Source: systemd.network(5).
"""

from __future__ import annotations

import os

from .files import names_in, owner_of
from .parsed.ini import sections

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..model.diagnosis.inspection import Holder
    from .files import ManagerFiles

FOLDERS = ("/etc", "/run", "/usr/local/lib", "/usr/lib")
"""Where it looks for drop-ins; the first folder that has one of a name wins."""
_YES = ("1", "yes", "y", "true", "t", "on")


def takes_default_route(holder: Holder, files: ManagerFiles, root: str = "") -> bool:
    """Whether it is configured to take a default route for the NIC from a DHCP server.

    Args:
        root: stands before the folders of drop-ins.
    """
    if holder.manager != "systemd-networkd" or not holder.file:
        return False
    name = os.path.basename(holder.file)
    drop_ins = {
        entry: f"{root}{folder}/systemd/network/{name}.d/{entry}"
        for folder in reversed(FOLDERS)
        for entry in names_in(f"{root}{folder}/systemd/network/{name}.d")
        if entry.endswith(".conf")
    }
    configured: dict[str, str] = {}
    for path in (holder.file, *(drop_ins[entry] for entry in sorted(drop_ins))):
        if os.path.realpath(path) == os.devnull:
            continue  # A drop-in that is masked.
        try:
            found = sections(files.lines(path, owner_of(path, holder.manager)))
        except ValueError:
            continue  # networkd itself says so in its journal.
        for section in found:
            if section.name in ("Network", "DHCP", "DHCPv4"):
                configured.update((key, value.lower()) for key, value, _ in section.keys)
    routes = configured.get("UseRoutes", "yes")
    return (
        configured.get("DHCP", "no") in ("yes", "ipv4", "true", "both", "v4")
        and configured.get("UseGateway", routes) in _YES
    )
