"""Routes for nmstate, as EL has it over NetworkManager: a part of a state, merged with what is there. Pure.

nmstate takes away only what a state says to be absent, which goes before what the same state adds. DNS, MTU and routes
that aren't named stay. A next hop outside every prefix needs no word: NetworkManager adds the route to it.
Source: nmstate.io/devel/yaml_api.html; nmstate's rust/src/lib/route.rs (MergedRoutes) and ifaces/base.rs (identifier).
"""

from __future__ import annotations

from ...model.configuration import Export, ExportFile, ExportNote
from ...model.network import DEFAULT_PREFIX, address_text, family_of, mac_text
from ...output.escape import yaml_text
from ...routing.per_nic import NicRoutes
from .file import destination_text, what_for, written_routes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Mapping, Sequence

PATH = "/etc/nmstate/guest-routes.yml"
"""nmstate.service applies what is there at boot."""


def nmstate(nics: Sequence[NicRoutes], network_files: Mapping[int, str]) -> Export:
    """One state for all NICs."""
    if not nics:
        return Export(())
    lines = ["# By guest-routes export.", "interfaces:"]
    for one in nics:
        lines += _interface(one)
    absent = [line for one in nics for line in _absent(one)]
    routes = [line for one in nics for line in _routes(one)]
    if absent or routes:
        lines += ["routes:", "  config:", *absent, *routes]
    names = tuple(one.nic.name for one in nics)
    file = ExportFile(PATH, "\n".join(lines) + "\n", 0o600)
    return Export((file,), (ExportNote("apply", names, format_name="nmstate", path=PATH),))


def _interface(one: NicRoutes) -> list[str]:
    lines = [
        f"  - name: {yaml_text(one.nic.name)}  # {what_for(one._replace(by_source=()))}",
        "    type: ethernet",
        "    state: up",
    ]
    lines += ["    identifier: mac-address", f'    mac-address: "{mac_text(one.nic.mac).upper()}"']
    for family in (4, 6):
        lines += [f"    ipv{family}:", *(f"      {line}" for line in _family(one, family))]
    return lines


def _family(one: NicRoutes, family: int) -> list[str]:
    """Whether the NIC has the family, its addresses, and what it takes of a DHCP server or a router."""
    addresses = [address for address in one.addresses if family_of(address.address) == family]
    dynamic = family in one.dynamic
    # A NIC has a link-local address of IPv6 all the same.
    if family == 4 and not addresses and not dynamic:
        return ["enabled: false"]
    yes = "true" if dynamic else "false"
    lines = ["enabled: true", f"dhcp: {yes}", *([f"autoconf: {yes}"] if family == 6 else [])]
    if addresses:
        lines.append("address:")
        for address in addresses:
            lines += [f'  - ip: "{address_text(address.address)}"', f"    prefix-length: {address.length}"]
    if dynamic and family == 4:
        lines.append("auto-routes: false")
    if dynamic and family in one.barred:
        lines.append("auto-gateway: false")
    return lines


def _absent(one: NicRoutes) -> list[str]:
    """The other NICs' defaults, and each host route wherever it is now."""
    lines: list[str] = []
    for family in one.barred:
        lines += ["    - state: absent", f'      destination: "{DEFAULT_PREFIX[family]}"']
        lines.append(f"      next-hop-interface: {yaml_text(one.nic.name)}")
    for route in one.routes:
        lines += ["    - state: absent", f'      destination: "{destination_text(route)}"']
        lines.append(f'      next-hop-address: "{address_text(route.gateway)}"')
    return lines


def _routes(one: NicRoutes) -> list[str]:
    lines: list[str] = []
    for route in written_routes(one):
        lines.append(f'    - destination: "{destination_text(route)}"')
        lines.append(f'      next-hop-address: "{address_text(route.gateway)}"')
        lines.append(f"      next-hop-interface: {yaml_text(one.nic.name)}")
        lines += [f"      metric: {route.metric}"] if route.metric else []
    return lines
