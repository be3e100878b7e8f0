"""Routes for systemd-networkd, and for netplan, which configures it. Pure.

A drop-in adds to a .network file and overrides its single keys; it can't take a [Route] section away. So a NIC that
DHCP or router advertisements configure gets a drop-in, and one with static routes a file of its own that comes before.
Source: systemd.network(5), systemd 250 and later ([IPv6AcceptRA] UseGateway=); Netplan's YAML reference.
"""

from __future__ import annotations

from ...model.configuration import Export, ExportFile, ExportNote
from ...model.network import address_text, mac_text
from ...output.escape import yaml_text
from ...routing.per_nic import NicRoutes
from .file import destination_text, header, what_for, written_routes
from .source_routing import netplan_source_routes, netplan_source_rules, networkd_source

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Mapping, Sequence

FOLDER = "/etc/systemd/network"


def networkd(nics: Sequence[NicRoutes], network_files: Mapping[int, str]) -> Export:
    """A drop-in beside the file in charge of each dynamic NIC, a whole file for each other."""
    files: list[ExportFile] = []
    notes: list[ExportNote] = []
    for one in nics:
        name, present = one.nic.name, network_files.get(one.nic.ifindex, "")
        if one.dynamic and not one.addresses and present:
            path, whole = f"{FOLDER}/{present.rpartition('/')[2]}.d/50-guest-routes.conf", []
        else:
            path, whole = f"{FOLDER}/05-guest-routes-{name}.network", _whole(one)
            notes.append(ExportNote("replaces-file", (name,), path=path, replaced=present))
        text = [*header(one, what_for(one)), *whole, *_dynamic(one), *_routes(one), *networkd_source(one)]
        files.append(ExportFile(path, "\n".join(text) + "\n"))
    if files:
        notes.append(ExportNote("apply", tuple(one.nic.name for one in nics), format_name="networkd"))
    return Export(tuple(files), tuple(notes))


def _whole(one: NicRoutes) -> list[str]:
    """The sections that a .network file must have of its own."""
    dhcp = {(4,): "ipv4", (6,): "ipv6", (4, 6): "yes"}.get(one.dynamic, "no")
    if one.advertised and dhcp in ("ipv6", "yes"):
        # Whether there is a DHCPv6 server is what the router's advertisement says.
        dhcp = "ipv4" if 4 in one.dynamic else "no"
    lines = ["[Match]", f"MACAddress={mac_text(one.nic.mac)}"]
    lines += ["Type=ether"] if len(one.nic.mac) == 6 else []  # VLANs and bridges may have that address, too.
    lines += ["", "[Network]", f"DHCP={dhcp}"]
    lines.append(f"IPv6AcceptRA={'yes' if one.advertised else 'no'}")
    return [*lines, *(f"Address={address}" for address in one.addresses), ""]


def _dynamic(one: NicRoutes) -> list[str]:
    """Nothing of the routes that a DHCP server or a router offers: they are all said here."""
    lines: list[str] = []
    if 4 in one.dynamic:
        lines += ["[DHCPv4]", "UseRoutes=no", "UseGateway=no", ""]
    if one.advertised and 6 in one.barred:
        lines += ["[IPv6AcceptRA]", "UseGateway=no", ""]
    return lines


def _routes(one: NicRoutes) -> list[str]:
    lines: list[str] = []
    for route in written_routes(one):
        lines += ["[Route]", f"Destination={destination_text(route)}", f"Gateway={address_text(route.gateway)}"]
        lines += ["GatewayOnLink=yes"] if route.onlink else []
        lines += [f"Metric={route.metric}"] if route.metric else []
        lines.append("")
    return lines[:-1]


def netplan(nics: Sequence[NicRoutes], network_files: Mapping[int, str]) -> Export:
    """One file that is merged over the others: single keys override, lists are put together."""
    if not nics:
        return Export(())
    lines = ["# By guest-routes export. Lists are added to those of other files: routes in there stay."]
    lines += ["network:", "  version: 2", "  ethernets:"]
    notes: list[ExportNote] = []
    for one in nics:
        lines += _netplan_nic(one)
        if one.advertised and 6 in one.barred:
            notes.append(ExportNote("router-default", (one.nic.name,)))
        if not one.dynamic:
            notes.append(ExportNote("other-files", (one.nic.name,)))
    notes.append(ExportNote("apply", tuple(one.nic.name for one in nics), format_name="netplan"))
    return Export((ExportFile("/etc/netplan/90-guest-routes.yaml", "\n".join(lines) + "\n", 0o600),), tuple(notes))


def _netplan_nic(one: NicRoutes) -> list[str]:
    name = yaml_text(one.nic.name)
    lines = [f"    {name}:  # {what_for(one)}"]
    lines += ["      match:", f'        macaddress: "{mac_text(one.nic.mac)}"', f"      set-name: {name}"]
    if 4 in one.dynamic:
        lines += ["      dhcp4: true", "      dhcp4-overrides:", "        use-routes: false"]
    if one.addresses:
        lines += ["      addresses:", *(f'        - "{address}"' for address in one.addresses)]
    routes, by_source = written_routes(one), netplan_source_routes(one)
    lines += ["      routes:"] if routes or by_source else []
    for route in routes:
        lines += [f'        - to: "{destination_text(route)}"', f'          via: "{address_text(route.gateway)}"']
        lines += ["          on-link: true"] if route.onlink else []
        lines += [f"          metric: {route.metric}"] if route.metric else []
    return [*lines, *by_source, *netplan_source_rules(one)]
