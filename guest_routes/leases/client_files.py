"""The files of DHCP clients to leases: one function for each form, bytes in. Pure.

    networkd        /run/systemd/netif/leases/IFINDEX: KEY=VALUE; systemd's "private data", which hardly changes
    networkd_answer what networkd itself says, where it keeps no files: JSON with the server's answer in it
    network_manager /run/NetworkManager/devices/IFINDEX: a key file, whichever DHCP client it uses
    dhclient        leases one after another, of any NIC; the last of a NIC's counts. See dhclient.leases(5)
    dhcpcd          the server's answer as it came over the wire
    udhcpc          KEY=VALUE, written by packaging/udhcpc/guest-routes: udhcpc itself keeps nothing
    cloud_init      JSON, of cloud-init's own udhcpc; what it has of dhclient's and dhcpcd's is in their forms

The files of tests/data/leases were written by the clients of Debian 12. A LeaseFault says why a file can't be used.
"""

from __future__ import annotations

from ..json_codec import loads
from ..model.lease import Lease, Option
from .forms import (
    assignments,
    date_of,
    end_of,
    ifindex_of,
    needed,
    number_of,
    quoted_octets,
    statements,
    text_of,
    timespan_seconds,
)
from .options import LeaseFault, Packet, ipv4_of, ipv4s_of, routes_of_numbers, routes_of_octets, routes_of_pairs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Sequence, TypeAlias

    Read: TypeAlias = "Callable[[bytes, str, float], Sequence[Lease]]"

DHCLIENT_NAMES = {
    121: ("rfc3442-classless-static-routes", "classless-static-routes", "unknown-121"),
    249: ("ms-classless-static-routes", "unknown-249"),
}
"""How dhclient.conf of Debian, RHEL and NetworkManager, or nobody, declare the options."""


def networkd(data: bytes, path: str, mtime: float) -> list[Lease]:
    """systemd-networkd's lease; the file's name is the NIC's ifindex."""
    values = assignments(data)
    routes = values.get("CLASSLESS_ROUTES")
    return [
        Lease(
            client="systemd-networkd",
            path=path,
            address=ipv4_of(needed(values, "ADDRESS")),
            ifindex=ifindex_of(path),
            routers=ipv4s_of(values.get("ROUTER", "").split()),
            classless=None if routes is None else routes_of_pairs(routes.split()),
            obtained=mtime,
            expires=end_of(mtime, timespan_seconds(values.get("LIFETIME", ""))),
        )
    ]


def networkd_answer(data: bytes, path: str, booted: float) -> list[Lease]:
    """The lease in networkd's description of a NIC; empty where it has none, or doesn't know the question.

    `booted`: when the machine was, in seconds since the epoch.
    """
    interface = _member(_member(_object_of(data), "parameters"), "Interface")
    lease = _member(_member(interface, "DHCPv4Client"), "Lease")
    if not lease:
        return []
    message = _member(lease, "Message")
    ifindex, microseconds = interface.get("Index"), lease.get("LeaseTimestampUSec")
    if not isinstance(ifindex, int) or not isinstance(microseconds, int) or not 0 <= microseconds < 1 << 63:
        raise LeaseFault("has a lease without its NIC or its time")
    octets: dict[int, bytes] = {}
    try:
        address = bytes.fromhex(message["yiaddr"])
        for option in message["options"]:
            # What is longer than one option can be comes in several. Source: RFC 3396.
            octets[option["tag"]] = octets.get(option["tag"], b"") + bytes.fromhex(option["data"])
    except (KeyError, TypeError, ValueError) as error:
        raise LeaseFault("has a lease in a form that is not known") from error
    if len(address) != 4:
        raise LeaseFault("has a lease without an address")
    lease_of = Lease(client="systemd-networkd", path=path, address=address, ifindex=ifindex, of_this_boot=True)
    return [_with_options(lease_of, octets, booted + microseconds / 1e6)]


def network_manager(data: bytes, path: str, mtime: float) -> list[Lease]:
    """NetworkManager's state of one device; empty where it has no lease."""
    values = {key[6:]: value for key, value in assignments(data).items() if key.startswith("dhcp4.")}
    if not values:
        return []

    def option(name: str) -> Option | None:
        text = values.get(name)
        if text is None:
            return None
        return routes_of_pairs(text.split()) if "/" in text else routes_of_numbers(text)

    expires = number_of(values.get("expiry"))
    lifetime = number_of(values.get("dhcp_lease_time"))
    return [
        Lease(
            client="NetworkManager",
            path=path,
            address=ipv4_of(needed(values, "ip_address")),
            ifindex=ifindex_of(path),
            routers=ipv4s_of(values.get("routers", "").split()),
            classless=option("rfc3442_classless_static_routes"),
            microsoft=option("ms_classless_static_routes"),
            obtained=mtime if expires is None or lifetime is None else expires - lifetime,
            expires=expires,
        )
    ]


def dhclient(data: bytes, path: str, mtime: float) -> list[Lease]:
    """The last whole lease of each NIC in dhclient's file. One that is being written is not whole yet."""
    leases: dict[str, Lease] = {}
    text = text_of(data)
    # At the begin of a line: a server's text, in quotes, may have the same words in it.
    blocks = f"\n{text}".split("\nlease {")
    if len(blocks) == 1 and text.strip():
        raise LeaseFault("has no lease in it")
    for block in blocks[1:]:
        body, closed, _ = block.partition("\n}")
        values = dict(statements(body))
        if not closed or "fixed-address" not in values:
            continue
        expires = date_of(values.get("expire", ""))
        lifetime = number_of(values.get("option dhcp-lease-time"))
        nic = values.get("interface", "").strip('"')
        leases[nic] = Lease(
            client="dhclient",
            path=path,
            address=ipv4_of(values["fixed-address"]),
            nic=nic,
            routers=ipv4s_of(values.get("option routers", "").replace(",", " ").split()),
            classless=_dhclient_option(values, 121),
            microsoft=_dhclient_option(values, 249),
            obtained=mtime if expires is None or lifetime is None else expires - lifetime,
            expires=expires,
        )
    if len(blocks) > 1 and not leases:
        raise LeaseFault("is cut off: no whole lease in it")
    return list(leases.values())


def dhcpcd(data: bytes, path: str, mtime: float) -> list[Lease]:
    """dhcpcd's lease: the packet."""
    packet = Packet(data)
    nic = "" if packet.mac else path.rpartition("/")[2].partition(".lease")[0]
    lease = Lease(client="dhcpcd", path=path, address=packet.address, mac=packet.mac, nic=nic)
    return [_with_options(lease, packet.options, mtime)]


def udhcpc(data: bytes, path: str, mtime: float) -> list[Lease]:
    """What packaging/udhcpc/guest-routes wrote of udhcpc's environment."""
    values = assignments(data)

    def option(name: str) -> Option | None:
        return routes_of_pairs(values[name].split()) if values.get(name) else None

    return [
        Lease(
            client="udhcpc",
            path=path,
            address=ipv4_of(needed(values, "ip")),
            nic=needed(values, "interface"),
            routers=ipv4s_of(values.get("router", "").split()),
            classless=option("staticroutes"),
            microsoft=option("msstaticroutes"),
            obtained=mtime,
            expires=end_of(mtime, values.get("lease")),
        )
    ]


def cloud_init(data: bytes, path: str, mtime: float) -> list[Lease]:
    """The lease of the udhcpc that cloud-init runs to reach the metadata service."""
    values = _object_of(data)
    values = {key: value for key, value in values.items() if isinstance(value, str)}
    routes = values.get("static_routes")
    return [
        Lease(
            client="cloud-init",
            path=path,
            address=ipv4_of(needed(values, "fixed-address")),
            nic=needed(values, "interface"),
            routers=ipv4s_of(values.get("routers", "").split()),
            classless=routes_of_pairs(routes.split()) if routes else None,
            obtained=mtime,
        )
    ]


def _with_options(lease: Lease, options: dict[int, bytes], obtained: float) -> Lease:
    """With what the server's answer says, by the options' numbers."""
    routers, lifetime = options.get(3, b""), options.get(51, b"")
    classless, microsoft = options.get(121), options.get(249)
    return lease._replace(
        routers=tuple(routers[at : at + 4] for at in range(0, len(routers) // 4 * 4, 4)),
        classless=None if classless is None else routes_of_octets(classless),
        microsoft=None if microsoft is None else routes_of_octets(microsoft),
        obtained=obtained,
        expires=end_of(obtained, str(int.from_bytes(lifetime, "big")) if len(lifetime) == 4 else None),
    )


def _object_of(data: bytes) -> dict[str, Any]:
    try:
        values = loads(data)
    except (ValueError, RecursionError) as error:
        raise LeaseFault("is not JSON, or cut off") from error
    if not isinstance(values, dict):
        raise LeaseFault("is no JSON object")
    return values


def _member(value: dict[str, Any], name: str) -> dict[str, Any]:
    """An object in another one; {} where it isn't there."""
    found = value.get(name)
    return found if isinstance(found, dict) else {}


def _dhclient_option(values: dict[str, str], number: int) -> Option | None:
    for name in DHCLIENT_NAMES[number]:
        text = values.get("option " + name)
        if text is None:
            continue
        if text.startswith('"'):
            return routes_of_octets(quoted_octets(text))
        return routes_of_numbers(text, 16 if name.startswith("unknown") else 10)
    return None
