"""What a DHCP server sent to a client on this machine, as values."""

from __future__ import annotations

from .namedtuple import NamedTuple
from .network import Address, Prefix
from .network_data import Problem

NOWHERE = bytes(4)
"""0.0.0.0 as a next hop: on link. Source: RFC 3442, "Local Subnet Routes"."""


class LeaseRoute(NamedTuple):
    """One entry of option 121 or 249, as the server wrote it: perhaps with host bits."""

    destination: Prefix
    next_hop: Address


class Option(NamedTuple):
    """Option 121 or 249 as a client kept it."""

    routes: tuple[LeaseRoute, ...]
    fault: str | None = None
    """Why what follows these routes can't be read; None when all was read."""


class RouterOption(NamedTuple):
    """The gateway that a lease names."""

    gateway: Address
    option: int
    """3, 121 or 249."""
    index: int = 0  # type: ignore[assignment]  # tuple.index is of no use here
    """Which entry of option 121 or 249."""


class Lease(NamedTuple):
    """One lease of one NIC."""

    client: str
    """Who keeps it: "systemd-networkd", "NetworkManager", "dhclient", "dhcpcd", "udhcpc", "cloud-init"."""
    path: str
    address: Address
    """The address leased: it tells whether the lease is the NIC's own, and not of a captured image."""
    nic: str = ""
    """The NIC's name as the client knew it; "" where it is known otherwise."""
    mac: bytes = b""
    ifindex: int = 0
    routers: tuple[Address, ...] = ()
    """Option 3, in the server's order of preference."""
    classless: Option | None = None
    """Option 121; None when the server sent none."""
    microsoft: Option | None = None
    """Option 249."""
    obtained: float = 0.0
    """When it was got or renewed, in seconds since the epoch."""
    expires: float | None = None
    """In seconds since the epoch; None: never, or not known."""
    of_this_boot: bool = False
    """Its file is under /run, or the client itself said it."""

    @property
    def place(self) -> str:
        """`eth0's DHCP lease (systemd-networkd, /run/systemd/netif/leases/2)`, once its NIC is known."""
        return f"{self.nic}'s {self.label}"

    @property
    def label(self) -> str:
        """`DHCP lease (systemd-networkd, /run/systemd/netif/leases/2)`."""
        return f"DHCP lease ({self.client}, {self.path})"

    def option_place(self, number: int) -> str:
        """`eth0's DHCP lease (dhclient, /var/lib/dhcp/dhclient.leases), option 121`."""
        return f"{self.place}, option {number}"

    @property
    def default_routers(self) -> tuple[RouterOption, ...]:
        """The gateways of its default routes, in order, and which option names each.

        Option 3 counts only where option 121 is absent, or can't be read to its end (RFC 3442, "DHCP Client Behavior").
        """
        for option, number in ((self.classless, 121), (self.microsoft, 249)):
            if option is None:
                continue
            found = tuple(
                RouterOption(route.next_hop, number, index)
                for index, route in enumerate(option.routes)
                if route.destination.is_default and route.next_hop != NOWHERE
            )
            if found or (number == 121 and option.fault is None):
                return found
        return (RouterOption(self.routers[0], 3),) if self.routers else ()

    @property
    def lists_routes(self) -> bool:
        """Whether the server lists one, and all that it sent can be read."""
        options = [option for option in (self.classless, self.microsoft) if option is not None]
        listed = any(not route.destination.is_default for option in options for route in option.routes)
        return listed and all(option.fault is None for option in options)

    @property
    def tells_routes(self) -> bool:
        """Whether the server spoke of host routes at all, so that one that is missing is wanted no more."""
        return any(option is not None and option.fault is None for option in (self.classless, self.microsoft))

    def expired(self, now: float) -> bool:
        """Whether it has run out, by this machine's clock."""
        return self.expires is not None and self.expires < now


class LeaseSet(NamedTuple):
    """What the leases of this machine come to."""

    leases: tuple[Lease, ...] = ()
    """At most one for each NIC, with the NIC's name and ifindex."""
    problems: tuple[Problem, ...] = ()
    """Files that are of no use, and entries that can't be host routes."""
    now: float = 0.0
    """When they were read, in seconds since the epoch."""

    def of(self, ifindex: int) -> Lease | None:
        """A NIC's lease."""
        return next((lease for lease in self.leases if lease.ifindex == ifindex), None)

    @property
    def has_routes(self) -> frozenset[int]:
        """ifindexes of NICs whose routes are known from a lease that still holds."""
        return frozenset(one.ifindex for one in self.leases if one.tells_routes and not one.expired(self.now))
