"""What the kernel has and is asked to do, as values. Frozen; no behaviour beyond formatting and parsing text.

Addresses are packed bytes in network order, 4 for IPv4 and 16 for IPv6, so that the family of an
address is its length, a hundred thousand of them are cheap, and rtnetlink takes them as they are.
"""

from __future__ import annotations

# The C module itself: `import socket` brings enum and selectors and costs a third of Python's own start.
from _socket import AF_INET, AF_INET6, inet_ntop, inet_pton

from .namedtuple import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterable, Literal, TypeAlias

    Unwritable: TypeAlias = Literal["", "encap", "source", "attributes", "hidden"]
    """encap: encapsulation; source: for packets from a prefix only; attributes: some that are not known here;
    hidden: no dump shows it (kernel/hidden.py), and its protocol isn't known: 0."""

Address = bytes
"""A packed IPv4 (4 bytes) or IPv6 (16 bytes) address."""

MAIN_TABLE, LOCAL_TABLE = 254, 255
"""RT_TABLE_MAIN; RT_TABLE_LOCAL, with the machine's own addresses. Source: include/uapi/linux/rtnetlink.h."""
LOOPBACK = 1
"""The loopback's ifindex in every network namespace: what is sent to an address of its own stays in the machine."""
OUR_PROTOCOL = 121
"""The route protocol of what we program, after the DHCP option it stands in for (R1)."""
TO_TABLE, GOTO, NOP = 1, 2, 3
"""FR_ACT_*: looks a table up, jumps to a later rule, does nothing. Source: include/uapi/linux/fib_rules.h."""
UNICAST, BROADCAST, MULTICAST, THROW = 1, 3, 5, 9
"""RTN_*; with a throw the lookup goes on with the next rule. Source: include/uapi/linux/rtnetlink.h."""
PROTOCOL_KERNEL, PROTOCOL_BOOT, PROTOCOL_STATIC = 2, 3, 4
PROTOCOL_RA = 9
"""RTPROT_RA: set by the kernel or a manager for what a router advertised."""
PROTOCOL_DHCP = 16
"""RTPROT_DHCP: what systemd-networkd, NetworkManager and dhcpcd give a lease's routes."""
IPV6_DEFAULT_METRIC = 1024
"""What the kernel makes of metric 0 for IPv6 (IP6_RT_PRIO_USER)."""


def parse_address(text: str) -> Address:
    """The packed form of an address; raises ValueError for anything else, zones included."""
    try:
        return inet_pton(AF_INET6 if ":" in text else AF_INET, text)
    except (OSError, TypeError) as error:
        raise ValueError("not an IP address: " + ascii(text)) from error


def address_text(address: Address) -> str:
    """The usual text of a packed address."""
    return inet_ntop(AF_INET if len(address) == 4 else AF_INET6, address)


def family_of(address: Address) -> int:
    """4 or 6."""
    return 4 if len(address) == 4 else 6


def is_link_local(address: Address | None) -> bool:
    """Whether this is an IPv6 link-local address, fe80::/10 (RFC 4291, section 2.4)."""
    return address is not None and len(address) == 16 and address[0] == 0xFE and address[1] & 0xC0 == 0x80


def is_self_assigned(address: Prefix) -> bool:
    """Whether this is an IPv4 address that a NIC has given itself: 169.254.x.y/16 (RFC 3927, section 2.6.1)."""
    return address.length == 16 and len(address.address) == 4 and address.address[:2] == b"\xa9\xfe"


def mac_text(mac: bytes) -> str:
    """fa:16:3e:00:00:01"""
    return mac.hex(":") if mac else "none"


class Prefix(NamedTuple):
    """An address and a prefix length in bits; with host bits only where it stands for a NIC's own address."""

    address: Address
    length: int

    def __str__(self) -> str:
        return f"{address_text(self.address)}/{self.length}"

    @property
    def is_default(self) -> bool:
        """Whether this is 0.0.0.0/0 or ::/0."""
        return self.length == 0


DEFAULT_PREFIX: dict[int, Prefix] = {4: Prefix(bytes(4), 0), 6: Prefix(bytes(16), 0)}


def network_of(prefix: Prefix) -> Prefix:
    """The prefix with its host bits masked off."""
    bits = len(prefix.address) * 8
    shift = bits - prefix.length
    number = int.from_bytes(prefix.address, "big") >> shift << shift
    return Prefix(number.to_bytes(len(prefix.address), "big"), prefix.length)


def contains(prefix: Prefix, address: Address) -> bool:
    """Whether the address lies in the prefix; False across families."""
    if len(prefix.address) != len(address):
        return False
    shift = len(address) * 8 - prefix.length
    return int.from_bytes(prefix.address, "big") >> shift == int.from_bytes(address, "big") >> shift


def parse_prefix(text: str) -> Prefix:
    """`11.11.0.0/16`, `default`, or an address alone (its whole length). Host bits are kept.

    Raises:
        ValueError: with what is wrong.
    """
    if text == "default":
        return DEFAULT_PREFIX[4]
    head, slash, tail = text.partition("/")
    address = parse_address(head)
    bits = len(address) * 8
    if not slash:
        return Prefix(address, bits)
    if not (tail.isascii() and tail.isdigit() and len(tail) <= 3 and int(tail) <= bits):
        raise ValueError(f"prefix length must be 0 to {bits}: {text!a}")
    return Prefix(address, int(tail))


class Nic(NamedTuple):
    """A network interface as the kernel has it."""

    ifindex: int
    name: str
    mac: bytes = b""
    up: bool = True
    """IFF_UP: routes can be programmed through it."""
    running: bool = True
    """IFF_RUNNING: it has a carrier too."""
    kind: str = ""
    """IFLA_INFO_KIND: vlan, bond, bridge, veth, ...; "" for a plain device."""
    parent: int = 0
    """IFLA_LINK: the ifindex a VLAN stands on; 0 for none."""
    master: int = 0
    """IFLA_MASTER: the bond, bridge or VRF this is a port of; 0 for none."""
    vlan_id: int | None = None
    permanent_mac: bytes = b""
    addresses: tuple[Prefix, ...] = ()
    """Its own addresses, each with its prefix length; without those that another machine on the link has (IPv6's
    duplicate address detection)."""
    limited: tuple[Prefix, ...] = ()
    """Those that the kernel takes away when their lifetime ends, a DHCP lease's say; by a clock that nobody sets."""
    peers: tuple[Prefix, ...] = ()
    """On link in place of an address's own subnet, which is that address alone (`10.65.0.7 peer 10.65.0.1/32`)."""
    unrouted: tuple[Prefix, ...] = ()
    """Those to whose subnet no route on link leads: the kernel refuses gateways in it without the flag onlink."""

    @property
    def prefixes(self) -> tuple[Prefix, ...]:
        """What is on the NIC's link by its addresses: their subnets, and their peers."""
        return self.addresses + self.peers


def masters(nic: Nic, nics: Iterable[Nic]) -> list[Nic]:
    """The bridge, bond or team that a NIC is a port of, and those over it; without VRFs, whose ports keep addresses."""
    found: list[Nic] = []
    by_index = {one.ifindex: one for one in nics} if nic.master else {}
    master = by_index.get(nic.master)
    while master is not None and master not in found and leads_somewhere(master):
        found.append(master)
        master = by_index.get(master.master)
    return found


def leads_somewhere(nic: Nic) -> bool:
    """Whether packets leave by a device to a link: an address of a dummy, VRF or tunnel says nothing of networks."""
    return any(nic.mac) and nic.kind not in ("dummy", "vrf")


class NextHop(NamedTuple):
    """One next hop of a multipath route, or of a nexthop object."""

    gateway: Address | None
    ifindex: int
    weight: int = 1
    onlink: bool = False
    realms: int = 0
    """RTA_FLOW: source realm << 16 | destination realm; 0 for none."""


class Route(NamedTuple):
    """A route as the kernel keeps it.

    An IPv6 multipath route appears as one Route for each next hop, which is how the kernel stores and deletes it: all
    with the attributes of the first, which are all that it shows. An IPv4 one is one Route with `nexthops`, and without
    gateway and ifindex of its own; so is a route of either family by a nexthop group, which goes as a whole.
    """

    destination: Prefix
    gateway: Address | None
    """None: on link. May be of the other family (RTA_VIA)."""
    ifindex: int
    metric: int = 0
    """0 is the best for IPv4; IPv6 routes in the kernel have 1 or more."""
    protocol: int = OUR_PROTOCOL
    table: int = MAIN_TABLE
    kind: int = UNICAST
    scope: int = 0
    tos: int = 0
    onlink: bool = False
    source: Address | None = None
    """Preferred source address."""
    metrics: tuple[tuple[int, int | str], ...] = ()
    """RTA_METRICS as (RTAX_ number, value): mtu, advmss, ...; the congestion algorithm is a name."""
    nexthops: tuple[NextHop, ...] = ()
    nexthop_id: int = 0
    """RTA_NH_ID of a nexthop object; 0 for none. Gateway, ifindex, onlink and nexthops are then the object's."""
    preference: int = 0
    """RTA_PREF of IPv6 (RFC 4191): 0 medium, 1 high, 3 low."""
    weight: int = 1
    """Of an IPv6 route as a next hop of its multipath route; the kernel shows it only there."""
    realms: int = 0
    """RTA_FLOW of IPv4: source realm << 16 | destination realm; 0 for none."""
    expires: int = 0
    """Seconds that an IPv6 route still has to live; 0 for ever."""
    unwritable: Unwritable = ""
    """Why it can't be written back the same; its kind is then 0, so that nothing changes or adopts it."""

    @property
    def family(self) -> int:
        """4 or 6."""
        return 4 if len(self.destination.address) == 4 else 6


class NexthopObject(NamedTuple):
    """A nexthop object or group (`ip nexthop`), as routes use it by its id."""

    id: int
    nexthops: tuple[NextHop, ...] = ()
    """One for an object, one for each member of a group; () for a blackhole."""
    group: bool = False
    encapsulated: bool = False


class Rule(NamedTuple):
    """A policy routing rule, as far as it matters here."""

    family: int
    priority: int
    table: int
    plain: bool
    """It matches everything and looks up a table (as the kernel's own three do)."""
    protocol: int = 0
    """FRA_PROTOCOL: who made it, as for routes; 0 from a kernel before 4.17."""
    source: Prefix | None = None
    """Packets from this prefix, of a rule that matches by it alone and looks up a table; None for any other rule."""
    among: Prefix | None = None
    """The same of any other rule that has one: it matches by more or does something else. None where it is negated."""
    restricted: bool = False
    """It matches by more than a source, or leaves routes of its table out."""
    action: int = TO_TABLE
    """FR_ACT_: TO_TABLE, unless it does something else: goto, nop, blackhole, unreachable, prohibit."""
    target: int = 0
    """goto: the priority of the rule that comes next."""
    suppresses: int = -1
    """Routes of its table up to this prefix length don't count (suppress_prefixlength); -1: all do, or it matches by
    more than a source."""
    destination: Prefix | None = None
    """It matches packets to this prefix; None: to any."""
    chosen: bool = False
    """It matches by more than addresses: a mark, a port, a NIC that a packet came by, a user other than root."""
    negated: bool = False
    """It matches the packets that all this, and a source, don't fit; a source counts as `chosen` then."""


class KernelState(NamedTuple):
    """One snapshot: the NICs, and the routes of one table in the kernel's order."""

    nics: tuple[Nic, ...]
    routes: tuple[Route, ...]
    rules: tuple[Rule, ...] = ()
    nexthops: tuple[NexthopObject, ...] = ()
    """The nexthop objects, by id."""
    tables: tuple[Route, ...] | None = None
    """The routes of source routing's tables (R21); None where they were not read: it is off, and nothing is left."""


class Lookup(NamedTuple):
    """The kernel's own answer for one address (RTM_GETROUTE)."""

    address: Address
    ifindex: int
    """0 when there is no route."""
    gateway: Address | None = None
    table: int = 0
    error: str = ""
    """The kernel's text when there is no route: "Network is unreachable"."""
    kind: int = UNICAST
    """RTN_*: that of the address, where it is a broadcast or multicast one; such a packet goes to no next hop."""
