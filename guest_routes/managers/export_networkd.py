"""Routes for systemd-networkd, and for netplan, which configures it. Pure.

A drop-in adds to a .network file and overrides its single keys; it can't take a [Route] section away. So a NIC that
DHCP or router advertisements configure gets a drop-in, and one with static routes a file of its own that comes before.
Source: systemd.network(5), systemd 250 and later ([IPv6AcceptRA] UseGateway=); Netplan's YAML reference.
"""

from __future__ import annotations

from ..model.configuration import Export, ExportFile
from ..model.network import address_text, mac_text
from ..routing.per_nic import GatewayRoute, NicRoutes
from .export_file import destination_text, header, what_for

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Mapping, Sequence

FOLDER = "/etc/systemd/network"


def networkd(nics: Sequence[NicRoutes], network_files: Mapping[int, str]) -> Export:
    """A drop-in beside the file in charge of each dynamic NIC, a whole file for each other."""
    files: list[ExportFile] = []
    notes: list[str] = []
    for one in nics:
        name, present = one.nic.name, network_files.get(one.nic.ifindex, "")
        if one.dynamic and not one.addresses and present:
            path = f"{FOLDER}/{present.rpartition('/')[2]}.d/50-guest-routes.conf"
            text = [*header(one, what_for(one)), *_dynamic(one), *_routes(one)]
        else:
            path = f"{FOLDER}/05-guest-routes-{name}.network"
            text = [*header(one, what_for(one)), *_whole(one), *_dynamic(one), *_routes(one)]
            replaced = f"{path} takes the place of {present or 'whatever configured ' + name}"
            notes.append(f"{replaced}: copy what else is in there, DNS= and MTUBytes=, say")
        files.append(ExportFile(path, "\n".join(text) + "\n"))
    if files:
        notes.append(
            "then: `networkctl reload`, and `networkctl reconfigure " + " ".join(n.nic.name for n in nics) + "`"
        )
    return Export(tuple(files), tuple(notes))


def _whole(one: NicRoutes) -> list[str]:
    """The sections that a .network file must have of its own."""
    dhcp = {(4,): "ipv4", (6,): "ipv6", (4, 6): "yes"}.get(one.dynamic, "no")
    if one.advertised and dhcp in ("ipv6", "yes"):
        # Whether there is a DHCPv6 server is what the router's advertisement says.
        dhcp = "ipv4" if 4 in one.dynamic else "no"
    lines = ["[Match]", f"MACAddress={mac_text(one.nic.mac)}", "", "[Network]", f"DHCP={dhcp}"]
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
    for route in (*one.default, *one.routes):
        if not route.destination.length and route.family == 6 and one.advertised:
            continue  # The router announces itself.
        lines += ["[Route]", f"Destination={destination_text(route)}", f"Gateway={address_text(route.gateway)}"]
        lines += [*(["GatewayOnLink=yes"] if route.onlink else []), ""]
    return lines[:-1]


def netplan(nics: Sequence[NicRoutes], network_files: Mapping[int, str]) -> Export:
    """One file that is merged over the others: single keys override, lists are put together."""
    lines = ["# By guest-routes export. Lists are added to those of other files: routes in there stay."]
    lines += ["network:", "  version: 2", "  ethernets:"]
    notes: list[str] = []
    for one in nics:
        lines += [f"    {one.nic.name}:  # {what_for(one)}"]
        lines += ["      match:", f'        macaddress: "{mac_text(one.nic.mac)}"', f"      set-name: {one.nic.name}"]
        if 4 in one.dynamic:
            lines += ["      dhcp4: true", "      dhcp4-overrides:", "        use-routes: false"]
        if one.advertised and 6 in one.barred:
            notes.append(
                f"netplan can't stop the default route that {one.nic.name}'s router advertises: "
                f"take `guest-routes export --format networkd` for its drop-in"
            )
        if one.addresses:
            lines += ["      addresses:", *(f'        - "{address}"' for address in one.addresses)]
        lines += _netplan_routes(one)
        if not one.dynamic:
            notes.append(
                f"routes and gateway4 of {one.nic.name} in other files of /etc/netplan stay: "
                "take them out there, or let `guest-routes correct` do it where cloud-init wrote them"
            )
    if len(lines) == 4:
        return Export(())
    notes.append("then: `netplan apply`")
    return Export((ExportFile("/etc/netplan/90-guest-routes.yaml", "\n".join(lines) + "\n", 0o600),), tuple(notes))


def _netplan_routes(one: NicRoutes) -> list[str]:
    def announced(route: GatewayRoute) -> bool:
        """By the router itself."""
        return not route.destination.length and route.family == 6 and one.advertised

    wanted = [route for route in (*one.default, *one.routes) if not announced(route)]
    lines = ["      routes:"] if wanted else []
    for route in wanted:
        lines += [f'        - to: "{destination_text(route)}"', f'          via: "{address_text(route.gateway)}"']
        lines += ["          on-link: true"] if route.onlink else []
    return lines
