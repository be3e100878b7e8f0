"""What other libraries read of the same NICs and routes: netifaces by getifaddrs(3), pyroute2 by its own decoder.

Both are optional; without them there is no opinion.
"""

from __future__ import annotations

from ..model.inspection import CrossCheck
from ..model.network import address_text
from ..output.route_text import counted, route_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Sequence

    from ..kernel.engine import Kernel
    from ..model.network import Nic


def netifaces_check(nics: Sequence[Nic]) -> CrossCheck:
    """Names, MACs and addresses; netifaces-plus from PyPI comes under the same name."""
    try:
        import netifaces
    except ImportError:
        return CrossCheck("netifaces", "", ())
    differs = []
    names = set(netifaces.interfaces())
    # getifaddrs(3) leaves out NICs that have no address of any kind, and has labels (`eth0:1`).
    for name in sorted({name.partition(":")[0] for name in names} - {"lo", *(nic.name for nic in nics)}):
        differs.append(f"there is a NIC {name}, which netlink doesn't show")
    for nic in nics:
        found = netifaces.ifaddresses(nic.name) if nic.name in names else {}
        macs = {entry.get("addr", "").lower() for entry in found.get(netifaces.AF_LINK, ())}
        if macs and any(nic.mac) and nic.mac.hex(":") not in macs:
            differs.append(f"{nic.name} has the MAC {' '.join(sorted(macs))}, netlink says {nic.mac.hex(':')}")
        entries = [*found.get(netifaces.AF_INET, ()), *found.get(netifaces.AF_INET6, ())]
        theirs = {entry["addr"].partition("%")[0] for entry in entries if "addr" in entry}
        ours = {address_text(address.address) for address in nic.addresses}
        if found and theirs != ours:
            odd = " ".join(sorted(theirs ^ ours))
            differs.append(f"{nic.name}'s addresses are told differently: {odd}")
    return CrossCheck("netifaces", counted(len(nics), "NIC"), tuple(differs))


def pyroute2_check(kernel: Kernel, table: int) -> CrossCheck:
    """The routes of our table, as the reference engine reads them."""
    from ..errors import KernelError
    from ..kernel.engine import open_kernel

    try:
        other = open_kernel("pyroute2")
    except KernelError:
        return CrossCheck("pyroute2", "", ())
    try:
        theirs = other.snapshot(table)
    finally:
        other.close()
    mine = kernel.snapshot(table)
    odd = [
        *(f"it has no {route_text(route, mine.nics)}" for route in mine.routes if route not in theirs.routes),
        *(f"it has {route_text(route, mine.nics)} besides" for route in theirs.routes if route not in mine.routes),
    ]
    return CrossCheck("pyroute2", counted(len(mine.routes), "route"), tuple(odd))
