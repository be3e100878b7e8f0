"""What an operator can do: the exact setting, command or drop-in. Pure.

For a host route that can't be used, a gateway that no source names, and a conflict over a route, program by program.
Sources: the `openstack subnet` commands (`set` adds host routes, `unset` removes one), systemd.network(5),
nm-settings-nmcli(5), dhclient.conf(5), dhclient-script(8), dhcpcd.conf(5), netplan(5), the kernel's
Documentation/networking/ip-sysctl.rst.
"""

from __future__ import annotations

from ...model.diagnosis.status import Actor
from ...model.namedtuple import NamedTuple
from ...model.network import Prefix, address_text, contains, family_of, is_link_local, mac_text
from ..escape import dhclient_text, sysctl_key, yaml_text
from .evidence import binding_label

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable

    from ...model.decision import Binding, Unresolved
    from ...model.network_data import HostRoute

SHOWN = 4
"""So many gateways are named for a next hop in no subnet."""
OF_A_KEY = "take the key gateway out where the document is made; Neutron writes none"
_HEXADECIMAL = frozenset("0123456789abcdefABCDEF")
_SHELLS = ("bash", "dash", "sh", "zsh", "fish", "ash", "busybox")


def in_neutron(host: HostRoute) -> bool:
    """Whether a host route came from Neutron, through the metadata or a DHCP server, so that it is corrected there."""
    return host.origin in ("metadata", "leases")


def removal(one: Unresolved) -> str:
    """The commands that take a host route out of Neutron, where it came from there."""
    if not in_neutron(one.host):
        return "take the other out"
    if _is_key(one.host):
        return OF_A_KEY
    find, subnet = _subnet(one)
    return f"{find}, then {_unset(one, subnet)}" if find else _unset(one, subnet)


def in_subnets(one: Unresolved, binding: Binding) -> str:
    """What fixes a host route of Neutron's whose next hop is in this network's subnet and isn't its gateway."""
    if _is_key(one.host) or (one.host.destination.is_default and not _inside(binding)):
        return removal(one)
    find, subnet = _subnet(one)
    route = f"destination={one.host.destination},gateway={address_text(binding.gateway or b'')}"
    right = f"`openstack subnet set --host-route {route} {subnet}`"
    return f"fix it in Neutron: {', '.join(filter(None, (find, right)))}, then {_unset(one, subnet)}"


def _is_key(host: HostRoute) -> bool:
    """Whether it is a network's key `gateway` in the document."""
    return host.destination.is_default and host.network >= 0 and host.index < 0


def _unset(one: Unresolved, subnet: str) -> str:
    """A default entry may be the subnet's own gateway, which is no host route to Neutron; a document doesn't tell."""
    route = f"destination={one.host.destination},gateway={address_text(one.host.next_hop)}"
    text = f"`openstack subnet unset --host-route {route} {subnet}` removes this one"
    if one.host.destination.is_default:
        text += f"; where it is the subnet's own gateway, `openstack subnet set --no-gateway {subnet}` does"
    return text


def _subnet(one: Unresolved) -> tuple[str, str]:
    """The command that finds the Neutron subnet which lists a host route, and what stands for the subnet after it.

    A document names the network of a port and its address, never the subnet's id.
    """
    network = one.listing.network if one.listing is not None else None
    if one.listing is None or network is None:
        return "", "SUBNET"
    options = [f"--network {network.network_id}"] if _is_uuid(network.network_id) else []
    documented = one.listing.documented_subnet  # A NIC can have others, too, which are other subnets of Neutron's.
    possible = one.listing.subnets if documented is None else (documented,)
    subnet = next((p for p in possible if _is_neutrons(p, network.family)), None)
    options += [f"--subnet-range {subnet}"] if subnet is not None else []
    if not options:
        return "", "SUBNET"
    options += [f"--ip-version {network.family}"] if subnet is None else []
    return f"`SUBNET=$(openstack subnet list {' '.join(options)} -f value -c ID)`", "$SUBNET"


def _is_uuid(network_id: str) -> bool:
    """Whether it is a network's id of Neutron; any other is another maker's, and not for a command line."""
    parts = network_id.split("-")
    return [len(part) for part in parts] == [8, 4, 4, 4, 12] and _HEXADECIMAL.issuperset("".join(parts))


def _is_neutrons(subnet: Prefix, family: int) -> bool:
    """Whether a NIC's prefix can be a Neutron subnet's: one of a single address is somebody else's way of writing."""
    bits = len(subnet.address) * 8
    return family_of(subnet.address) == family and subnet.length < bits and not is_link_local(subnet.address)


def gateways_to_use(one: Unresolved) -> str:
    """The gateways that could be meant by a next hop in no subnet, each with its NIC."""
    default = one.host.destination.is_default
    usable = [
        binding for binding in one.gateways
        if (_is_for(binding, one.host) if is_link_local(binding.gateway) else not default or _inside(binding))
    ]  # fmt: skip
    known = [f"{address_text(b.gateway)} ({binding_label(b)})" for b in usable[:SHOWN] if b.gateway]
    known += [f"{len(usable) - SHOWN:,} more"] if len(usable) > SHOWN else []
    which = "that is in its subnet" if default else "but link-local ones"
    return " or ".join(known) or f"a NIC (none {which} is known)" if one.gateways else "a NIC (none is known)"


def _is_for(binding: Binding, host: HostRoute) -> bool:
    """Whether a link-local gateway may be the next hop: of a route that a network lists only that network's own."""
    return host.network < 0 or (binding.network is not None and binding.network.index == host.network)


def _inside(binding: Binding) -> bool:
    """Whether the gateway is in the network's subnet: as a default entry of another network, one in no subnet would be
    that network's own."""
    return any(contains(subnet, binding.gateway or b"") for subnet in binding.subnets)


def gateways_setting(binding: Binding, gateway: bytes = b"") -> str:
    """An entry of `gateways`, to be completed where no address is given: by the NIC's name, else by its MAC."""
    key = binding.nic.name if binding.nic else binding.ignored
    mac = binding.nic.mac if binding.nic else binding.link.mac if binding.link is not None else b""
    if "=" in key:  # It would be read as the form of a selector.
        key = f"nic={key}"
    if mac and not (key and key.isprintable() and "\ufffd" not in key):  # It can't be typed, or isn't the whole name.
        key = mac_text(mac)
    address = address_text(gateway) if gateway else "ADDRESS"
    quoted = f'"{address}"' if ":" in address else address
    return f"`gateways: {{{yaml_text(key or 'NIC')}: {quoted}}}`"


class _Contested(NamedTuple):
    """The route that both write."""

    family: int
    nic: str
    """The name of the NIC that the route leads through."""
    extra_default: bool
    """The program added a default route beside ours."""


def remedy(actor: Actor, destination: Prefix, deleted: bool, nic: str) -> str:
    """What an operator can do so that the other program leaves this route alone.

    Args:
        deleted: it removed our route; otherwise it added a competing one.
        nic: the name of the NIC that the route leads through, for the text.
    """
    names = (actor.program, *actor.ancestors)
    route = _Contested(family_of(destination.address), nic, destination.is_default and not deleted)
    if actor.program == "kernel":
        key = sysctl_key("net", "ipv6", "conf", nic, "accept_ra_defrtr")
        return f"`sysctl -w {key}=0`, kept in /etc/sysctl.d, ends it"
    for starts, words in _PROGRAMS:
        if any(name.startswith(starts) for name in names):
            return words(route)
    instead = _instead(destination, route)
    if any(name in _SHELLS for name in names[:2]):
        return f"a shell or a script does it: stop it{instead}"
    return (
        "find the program (`ip monitor route` shows when it happens; often a DHCP client's hook script) and stop "
        f"it{instead}"
    )


def source_remedy(actor: Actor) -> str:
    """What an operator can do so that the other program leaves our rules and the NICs' tables alone (R21)."""
    names = (actor.program, *actor.ancestors)
    if any(name.startswith("systemd-network") for name in names):
        return "`ManageForeignRoutingPolicyRules=no` and `ManageForeignRoutes=no` in a drop-in of networkd.conf"
    if any(name in _SHELLS for name in names[:2]):
        return "a shell or a script does it: stop it"
    return (
        "find the program (`ip monitor rule route` shows when it happens) and stop it, or set `source_routing: false`"
    )


def _instead(destination: Prefix, route: _Contested) -> str:
    """How the route can be left to the program; "" where that can't be."""
    if not destination.is_default:
        return f", or leave the route to it: `ignore_destinations: [{destination}]`"
    # To ignore 0.0.0.0/0 would be to ignore every host route.
    return ", or leave the route to it: `default_mode: observe`" if route.extra_default else ""


def _networkd(route: _Contested) -> str:
    if not route.extra_default:
        # Not ManageForeignRoutes=no: a reconfigured NIC loses the routes of others all the same.
        return (
            "let it write the routes itself: `guest-routes export --format networkd` prints the files; then "
            "`networkctl reload`"
        )
    section = "DHCPv4" if route.family == 4 else "IPv6AcceptRA"
    return (
        f"put `[{section}]` `UseGateway=no` into a drop-in of {route.nic}'s .network file (`guest-routes export "
        f"--format networkd` prints it; remove a static Gateway= from the file), then `networkctl reload`"
    )


def _network_manager(route: _Contested) -> str:
    key = f"ipv{route.family}.{'never-default' if route.extra_default else 'ignore-auto-routes'}"
    return (
        f"`nmcli connection modify CONNECTION {key} yes`, for the connection of {route.nic} (`nmcli device`), or the "
        "profiles of `guest-routes export --format networkmanager`"
    )


def _dhclient(route: _Contested) -> str:
    nic = dhclient_text(route.nic)
    option = "routers" if route.extra_default else "rfc3442-classless-static-routes"
    return (
        f"in /etc/dhcp/dhclient.conf: leave {option} out of the `request` of `interface {nic} {{ ... }}`, or "
        f"`unset new_{option.replace('-', '_')}` in a script in /etc/dhcp/dhclient-enter-hooks.d"
    )


def _dhcpcd(route: _Contested) -> str:
    setting = f"`interface {route.nic}` and below it `nogateway`, or `nooption classless_static_routes`"
    return f"in /etc/dhcpcd.conf: {setting}"


def _netplan(route: _Contested) -> str:
    return "in /etc/netplan: `dhcp4-overrides: {use-routes: false}` for that NIC, then `netplan apply`"


_PROGRAMS: tuple[tuple[tuple[str, ...], Callable[[_Contested], str]], ...] = (
    (("systemd-network",), _networkd),
    (("NetworkManager", "nm-"), _network_manager),
    (("dhclient",), _dhclient),
    (("dhcpcd",), _dhcpcd),
    (("netplan",), _netplan),
)
"""What the names of a manager's or client's processes begin with; the first that fits counts."""
