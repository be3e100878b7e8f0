"""The kernel's notifications of links, addresses, routes, rules and nexthop objects. They only mean: reconcile again.

Known hazards, each dealt with below:
- The kernel tells once that the queue overran (ENOBUFS), and drops without a word until the queue is empty. So after an
  overrun the queue is read to its end before a pass looks.
- The deletion of a nexthop object takes IPv4 routes with it, of which no notification tells but the object's own.

Any process with CAP_NET_ADMIN can send a datagram to the socket's port: only those of port 0, the kernel's own, are
read. What is malformed counts as a change of anything, so that a pass looks at everything.

A notification names the port of the netlink socket that asked for the change, mostly a process id. The port and what
tells the route from others are kept, so that a repair can say who made it necessary. Source: rtnetlink(7), netlink(7).
"""

from __future__ import annotations

import _socket
from _socket import AF_INET
from errno import EAGAIN, EINTR, EINVAL, ENOBUFS
from sys import byteorder

from ..errors import KernelError
from ..model.namedtuple import NamedTuple
from ..model.network import MAIN_TABLE, Prefix, Rule
from .netlink import (
    NETLINK_ADD_MEMBERSHIP,
    RTA_DST,
    RTA_GATEWAY,
    RTA_OIF,
    RTA_PRIORITY,
    RTA_TABLE,
    RTM_DELROUTE,
    RTM_DELRULE,
    RTM_F_CLONED,
    RTM_NEWROUTE,
    RTM_NEWRULE,
    RTMSG,
    RTNLGRP_IPV4_IFADDR,
    RTNLGRP_IPV4_ROUTE,
    RTNLGRP_IPV4_RULE,
    RTNLGRP_IPV6_IFADDR,
    RTNLGRP_IPV6_ROUTE,
    RTNLGRP_IPV6_RULE,
    RTNLGRP_LINK,
    RTNLGRP_NEXTHOP,
    SOL_NETLINK,
    Attributes,
    attributes,
    messages,
)
from .rtnetlink.decode import UNDECODABLE, decode_rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal, TypeAlias

    from ..model.network import Address

GROUPS = (
    RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV4_RULE,
    RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV6_RULE,
)  # fmt: skip
_QUEUE_BYTES = 1 << 20
READ_AT_ONCE = 256
"""Datagrams read in one go, so that the service stays responsive in a storm of changes."""
_DRAINED_AT_ONCE = 1 << 16
"""Datagrams dropped in one go after an overrun: many times what the queue holds, since a storm refills it meanwhile."""


class Event(NamedTuple):
    """A change of a route in a table that matters, and who made it."""

    destination: Prefix
    ifindex: int
    """The NIC it leads through; 0 for a multipath route."""
    port: int
    """Of the netlink socket that asked for it; 0 for the kernel itself."""
    deleted: bool
    protocol: int
    gateway: Address | None = None
    """None: on link, a multipath route, or a gateway of the other family."""
    metric: int = 0
    table: int = MAIN_TABLE


class RuleEvent(NamedTuple):
    """A change of a policy rule, where source routing makes some, and who made it."""

    rule: Rule
    port: int
    deleted: bool


Change: TypeAlias = 'Event | RuleEvent | Literal["malformed"] | None'
"""A route's or rule's change, a message that can't be read, or a change of anything else."""


class Notifications(NamedTuple):
    """The notifications of one read."""

    number: int = 0
    """How many of them are of changes by somebody else that can concern a pass."""
    routes: tuple[Event, ...] = ()
    """Of the settings' table."""
    by_source: tuple[Event | RuleEvent, ...] = ()
    """Rules, and routes of the further tables, where there are any."""
    elsewhere: bool = False
    """A link, an address, a route of a table that is followed or, without further tables, a rule changed too, or
    notifications were lost (the queue overran)."""
    forged: int = 0
    """Datagrams of other processes, which were ignored."""
    malformed: int = 0
    lost: bool = False
    """The queue overran."""

    @property
    def changed(self) -> bool:
        """Whether there was any."""
        return self.number > 0


class Monitor:
    """A socket that receives every change in the network namespace it was made in.

    Args:
        own_port: of the engine's socket, whose changes of routes and rules are left out.
        others: numbers of further tables that matter: those of source routing (R21).
    """

    def __init__(self, table: int, own_port: int, others: range = range(0)) -> None:
        self._table, self._own_port, self._others = table, own_port, others
        self._followed: frozenset[int] = frozenset()
        try:
            self._socket = _socket.socket(
                _socket.AF_NETLINK, _socket.SOCK_RAW | _socket.SOCK_CLOEXEC | _socket.SOCK_NONBLOCK, 0
            )
            self._socket.bind((0, 0))
            for group in GROUPS:
                self._socket.setsockopt(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, group)
            self._join_nexthops()
        except OSError as error:
            raise KernelError(f"cannot listen to the kernel's notifications: {error.strerror}") from error
        self._socket.setsockopt(_socket.SOL_SOCKET, _socket.SO_RCVBUF, _QUEUE_BYTES)
        self._buffer = bytearray(32 * 1024)
        self._overrun = False
        """Notifications were lost, and the queue has not been empty since."""

    def fileno(self) -> int:
        """For poll(2)."""
        return self._socket.fileno()

    def close(self) -> None:
        """Releases the socket."""
        self._socket.close()

    def follow(self, tables: frozenset[int]) -> None:
        """From now on a change in these tables of other programs' counts as one of anything."""
        self._followed = tables

    def _join_nexthops(self) -> None:
        """Nexthop objects are of Linux 5.3: on an older kernel there is no such group."""
        try:
            self._socket.setsockopt(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, RTNLGRP_NEXTHOP)
        except OSError as error:
            if error.errno != EINVAL:
                raise

    def read(self) -> Notifications:
        """The notifications received so far, of at most READ_AT_ONCE datagrams; never waits.

        After an overrun the rest of the queue is dropped, so that a pass from now on misses nothing.

        Raises:
            KernelError: the socket is lost.
        """
        changes: list[Change] = []
        forged = 0
        for _ in range(READ_AT_ONCE):
            found = self._receive()
            if found is None:
                break
            received, sender = found
            if sender:
                forged += 1
            elif received:
                datagram = bytes(memoryview(self._buffer)[:received])
                changes += changes_in(datagram, self._table, self._own_port, self._others, self._followed)
        lost = self._overrun
        if lost:
            changes.append(None)  # A pass looks at everything.
            self._drain()
        routes = tuple(one for one in changes if isinstance(one, Event) and one.table == self._table)
        events = [one for one in changes if isinstance(one, (Event, RuleEvent))]
        by_source = tuple(one for one in events if isinstance(one, RuleEvent) or one.table != self._table)
        elsewhere = None in changes or "malformed" in changes
        return Notifications(len(changes), routes, by_source, elsewhere, forged, changes.count("malformed"), lost)

    def _drain(self) -> None:
        """Drops what is in the queue: it stays overrun where even this doesn't come to the end."""
        for _ in range(_DRAINED_AT_ONCE):
            if self._receive() is None:
                break

    def _receive(self) -> tuple[int, int] | None:
        """The length and sender's port of the next datagram, in the buffer; None: the queue is empty."""
        try:
            received, (sender, _) = self._socket.recvfrom_into(self._buffer)
            return received, sender
        except OSError as error:
            if error.errno == EAGAIN:
                self._overrun = False
                return None
            if error.errno not in (ENOBUFS, EINTR):
                raise KernelError(f"the kernel's notifications ended: {error.strerror}") from error
            self._overrun = self._overrun or error.errno == ENOBUFS
            return 0, 0


def changes_in(
    datagram: bytes,
    table: int,
    own_port: int,
    others: range = range(0),
    followed: frozenset[int] = frozenset(),
) -> list[Change]:
    """What a datagram says has changed, in order: an Event for a route, a RuleEvent for a rule, None for anything else.

    Routes of no table that matters, cached ones, and what `own_port` asked for are left out; a route of a table in
    `followed` counts as anything else, and so does a rule where there are no further tables. "malformed" stands for a
    message that can't be read, or the bytes after the last whole one.
    """
    changes: list[Change] = []
    read = 0
    for kind, _, _, port, start, end in messages(datagram, len(datagram)):
        read = end + 3 & ~3
        if kind not in (RTM_NEWROUTE, RTM_DELROUTE):
            if kind not in (RTM_NEWRULE, RTM_DELRULE):
                changes.append(None)
            elif port != own_port:
                changes.append(_rule_event(datagram, start, end, port, kind == RTM_DELRULE) if others else None)
        elif end - start < RTMSG.size:
            changes.append("malformed")
        elif port != own_port:
            event = _event(datagram[start:end], port, kind == RTM_DELROUTE, {table, *followed}, others)
            if event is not None:
                changes.append(event if event == "malformed" or event.table not in followed else None)
    if read < len(datagram):
        changes.append("malformed")
    return changes


def _event(
    body: bytes, port: int, deleted: bool, tables: set[int], others: range
) -> Event | Literal["malformed"] | None:
    """The event of an RTM_NEWROUTE or RTM_DELROUTE body; None for a cached route or one of a table of nobody's here."""
    family, length, _, _, table, protocol, _, _, flags = RTMSG.unpack_from(body)
    found = attributes(body, RTMSG.size, len(body))
    table = _number(found, RTA_TABLE, table)  # It names every table, struct rtmsg only those up to 255.
    if flags & RTM_F_CLONED or (table not in tables and table not in others):
        return None
    address_bytes = 4 if family == AF_INET else 16
    address = found.get(RTA_DST, bytes(address_bytes))
    if len(address) != address_bytes or length > 8 * address_bytes:
        return "malformed"
    ifindex, metric = _number(found, RTA_OIF, 0), _number(found, RTA_PRIORITY, 0)
    return Event(Prefix(address, length), ifindex, port, deleted, protocol, found.get(RTA_GATEWAY), metric, table)


def _rule_event(datagram: bytes, start: int, end: int, port: int, deleted: bool) -> RuleEvent | Literal["malformed"]:
    """The event of an RTM_NEWRULE or RTM_DELRULE."""
    try:
        rule = decode_rule(datagram, start, end)
    except UNDECODABLE:
        return "malformed"
    size = 4 if rule.family == 4 else 16
    if rule.source is not None and (len(rule.source.address) != size or rule.source.length > 8 * size):
        return "malformed"
    return RuleEvent(rule, port, deleted)


def _number(found: Attributes, kind: int, absent: int) -> int:
    return int.from_bytes(found[kind], byteorder) if kind in found else absent
