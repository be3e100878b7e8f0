"""What ends a conflict over a route, program by program: the exact drop-in or setting. Pure.

Sources: systemd.network(5), nm-settings-nmcli(5), dhclient.conf(5), dhclient-script(8),
dhcpcd.conf(5), netplan(5), the kernel's Documentation/networking/ip-sysctl.rst.
"""

from __future__ import annotations

from ..model.network import Prefix
from ..model.status import Actor

NETWORKD, NETWORK_MANAGER = "systemd-networkd", "NetworkManager"
_SHELLS = ("bash", "dash", "sh", "zsh", "fish", "ash", "busybox")


def remedy(actor: Actor, destination: Prefix, deleted: bool, nic: str) -> str:
    """What an operator can do so that the other program leaves this route alone.

    Args:
        deleted: it removed our route; otherwise it added a competing one.
        nic: the name of the NIC that the route goes through, for the text.
    """
    family = 4 if len(destination.address) == 4 else 6
    names = (actor.program, *actor.ancestors)
    extra_default = destination.is_default and not deleted
    if actor.program == "kernel":
        return f"`sysctl -w net.ipv6.conf.{nic}.accept_ra_defrtr=0`, kept in /etc/sysctl.d, ends it"
    if any(name.startswith("systemd-network") for name in names):
        if extra_default:
            section = "DHCPv4" if family == 4 else "IPv6AcceptRA"
            return (
                f"put `[{section}]` `UseGateway=no` into a drop-in of {nic}'s .network file (`guest-routes export "
                f"--format networkd` prints it; remove a static Gateway= from the file), then `networkctl reload`"
            )
        # Not ManageForeignRoutes=no: a reconfigured NIC loses the routes of others all the same.
        return (
            "let it write the routes itself: `guest-routes export --format networkd` prints the files; then "
            "`networkctl reload`"
        )
    if any(name.startswith(("NetworkManager", "nm-")) for name in names):
        key = f"ipv{family}.never-default" if extra_default else f"ipv{family}.ignore-auto-routes"
        return (
            f"`nmcli connection modify CONNECTION {key} yes`, for the connection of {nic} (`nmcli device`), or the "
            "profiles of `guest-routes export --format networkmanager`"
        )
    if any(name.startswith("dhclient") for name in names):
        option = "routers" if extra_default else "rfc3442-classless-static-routes"
        return (
            f'in /etc/dhcp/dhclient.conf: leave {option} out of the `request` of `interface "{nic}" {{ ... }}`, or '
            f"`unset new_{option.replace('-', '_')}` in a script in /etc/dhcp/dhclient-enter-hooks.d"
        )
    if any(name.startswith("dhcpcd") for name in names):
        return f"in /etc/dhcpcd.conf: `interface {nic}` and below it `nogateway`, or `nooption classless_static_routes`"
    if "netplan" in names:
        return "in /etc/netplan: `dhcp4-overrides: {use-routes: false}` for that NIC, then `netplan apply`"
    # To ignore 0.0.0.0/0 would be to ignore every host route.
    leave = f"`ignore_destinations: [{destination}]`" if not destination.is_default else "`default_mode: observe`"
    instead = f", or leave the route to it: {leave}" if extra_default or not destination.is_default else ""
    if any(name in _SHELLS for name in names[:2]):
        return f"a shell or a script does it: stop it{instead}"
    return (
        "find the program (`ip monitor route` shows when it happens; often a DHCP client's hook script) and stop "
        f"it{instead}"
    )
