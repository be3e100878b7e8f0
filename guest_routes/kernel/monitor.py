"""The kernel's notifications of links, addresses, routes and rules. They only mean: look again.

Who asked for a change stands in a notification as the port of their netlink socket, mostly their process id; that and
the route's destination are kept so that a repair can say who made it necessary. Source: rtnetlink(7), netlink(7).
"""

from __future__ import annotations

import _socket
from errno import EAGAIN, EINTR, ENOBUFS
from struct import unpack_from

from ..errors import KernelError
from ..model.namedtuple import NamedTuple
from ..model.network import Prefix
from . import rtnetlink_encode as wire

_AF_NETLINK, _SOL_NETLINK, _ADD_MEMBERSHIP = 16, 270, 1
GROUPS = (1, 5, 7, 8, 9, 11, 19)
"""RTNLGRP_LINK, IPV4_IFADDR, IPV4_ROUTE, IPV4_RULE, IPV6_IFADDR, IPV6_ROUTE, IPV6_RULE."""
_QUEUE_BYTES = 1 << 20
READ_AT_ONCE = 256
"""Datagrams read in one go, so that a storm can't keep the service from anything else."""


class Event(NamedTuple):
    """A change of a route in the table that matters, and who made it."""

    destination: Prefix
    ifindex: int
    """The NIC it leads through; 0 for a multipath route."""
    port: int
    """Of the netlink socket that asked for it; 0 for the kernel itself."""
    deleted: bool
    protocol: int


class Notifications(NamedTuple):
    """What came in one go."""

    number: int = 0
    """So many notifications of changes that a pass may care for, by somebody else."""
    routes: tuple[Event, ...] = ()
    elsewhere: bool = False
    """Not only routes: a link, an address or a rule changed, or nobody knows what (the queue overran)."""

    @property
    def changed(self) -> bool:
        """There was any."""
        return self.number > 0


class Monitor:
    """A socket that hears every change in the network namespace it was made in.

    Args:
        own_port: of the engine's socket, whose changes are no news.
    """

    def __init__(self, table: int, own_port: int) -> None:
        self._table, self._own_port = table, own_port
        try:
            self._socket = _socket.socket(
                _AF_NETLINK, _socket.SOCK_RAW | _socket.SOCK_CLOEXEC | _socket.SOCK_NONBLOCK, 0
            )
            self._socket.bind((0, 0))
            for group in GROUPS:
                self._socket.setsockopt(_SOL_NETLINK, _ADD_MEMBERSHIP, group)
        except OSError as error:
            raise KernelError(f"cannot listen to the kernel's notifications: {error.strerror}") from error
        self._socket.setsockopt(_socket.SOL_SOCKET, _socket.SO_RCVBUF, _QUEUE_BYTES)
        self._buffer = bytearray(32 * 1024)

    def fileno(self) -> int:
        """For poll(2)."""
        return self._socket.fileno()

    def close(self) -> None:
        """Releases the socket."""
        self._socket.close()

    def read(self) -> Notifications:
        """What has come, at most READ_AT_ONCE datagrams of it; never waits.

        Raises:
            KernelError: the socket is lost.
        """
        count = 0
        elsewhere = False
        routes: list[Event] = []
        for _ in range(READ_AT_ONCE):
            try:
                received = self._socket.recv_into(self._buffer)
            except OSError as error:
                if error.errno == ENOBUFS:  # Events were lost: whatever they were, a pass looks at everything.
                    count += 1
                    elsewhere = True
                    continue
                if error.errno == EINTR:
                    continue
                if error.errno == EAGAIN:
                    break
                raise KernelError(f"the kernel's notifications ended: {error.strerror}") from error
            for kind, port, start, end in _messages(self._buffer, received):
                if kind not in (wire.NEWROUTE, wire.DELROUTE):
                    count += 1
                    elsewhere = True
                    continue
                event = self._route(kind, port, start, end)
                if event is not None:
                    count += 1
                    routes.append(event)
        return Notifications(count, tuple(routes), elsewhere)

    def _route(self, kind: int, port: int, start: int, end: int) -> Event | None:
        """The event of a route; None for one in another table, or by ourselves."""
        family, length, _, _, table, protocol, _, _, flags = wire.RTMSG.unpack_from(self._buffer, start)
        if port == self._own_port or flags & wire.CLONED:
            return None
        found = wire.attributes(bytes(memoryview(self._buffer)[:end]), start + 12, end)
        if (wire.U32.unpack(found[15])[0] if 15 in found else table) != self._table:
            return None
        destination = Prefix(found.get(1, bytes(4 if family == wire.AF_INET else 16)), length)
        ifindex = wire.U32.unpack(found[4])[0] if 4 in found else 0
        return Event(destination, ifindex, port, kind == wire.DELROUTE, protocol)


def _messages(data: bytearray, end: int) -> list[tuple[int, int, int, int]]:
    """Each message's type, port, and the span of its body."""
    found = []
    start = 0
    while start + 16 <= end:
        length, kind, _, _, port = unpack_from("=IHHII", data, start)
        if length < 16 or start + length > end:
            break
        found.append((kind, port, start + 16, start + length))
        start += length + 3 & ~3
    return found
