"""The routes of a dump, fast where they are alike. Pure: bytes in, values out.

Nearly all routes of a table share all but their destination with one that came before, or where there are many next
hops, all but destination and gateway. decode.py decodes the first of such; the others need a comparison of bytes and
two tuples.
"""

from __future__ import annotations

from _socket import AF_INET
from _struct import Struct

from ...model.namedtuple import NamedTuple
from ...model.network import Prefix, Route
from ..netlink import DST_HEAD, GATEWAY_HEAD, TABLE_HEAD, U32, messages
from .decode import decode_route

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterator, Mapping

    from ..netlink import Message

_TABLE, _DST = 28, 36
"""Where a message has RTA_TABLE and RTA_DST, behind nlmsghdr and rtmsg: the kernel dumps them first."""

_FEW = 64
"""So many different next hops are distinguished by all their bytes; of more, gateways are read one by one."""
_ATTRIBUTE = Struct("=HH")
"""struct rtattr: length and type."""
NOTHING_KNOWN: Mapping[Prefix, Route] = {}


class RouteDump:
    """Reads the datagrams of one dump of a family's routes of a table.

    Args:
        table: kernels before 4.20 dump every table, of which the others are left out.
        known: routes by destination. Those that the dump has, too, are the same values.

    Attributes:
        routes: those that have been read, in the kernel's order.
    """

    def __init__(self, family: int, table: int, known: Mapping[Prefix, Route] = NOTHING_KNOWN) -> None:
        self._table = table
        self._known: Mapping[Any, Route] = known
        self.routes: list[Route] = []
        self._address_bytes = 4 if family == AF_INET else 16
        self._dst_head = DST_HEAD[self._address_bytes]
        self._alike: dict[int, _Alike] = {}
        """By a message's length."""

    def others(self, data: bytes) -> Iterator[Message]:
        """The messages of a datagram, but for routes like earlier ones: those are read on the way.

        Also alike is the header: the request's number, and that nothing has interrupted the dump.
        """
        start = 0
        while True:
            start = self._read_alike(data, start)
            other = next(messages(data, len(data), start), None)
            if other is None:
                return
            yield other
            start = other[-1] + 3 & ~3

    def decode(self, data: bytes, start: int, end: int) -> None:
        """Reads an RTM_NEWROUTE body, whose routes those of later messages may be like."""
        found = [route for route in decode_route(data, start, end) if route.table == self._table]
        for route in found:
            same = self._known.get(route.destination)
            self.routes.append(same if same is not None and same == route else route)
        message, size = start - 16, end - start + 16
        if len(found) != 1 or size < _DST + 4 + self._address_bytes:
            return
        heads = U32.unpack_from(data, message + _TABLE)[0], U32.unpack_from(data, message + _DST)[0]
        if heads == (TABLE_HEAD, self._dst_head):
            self._remember(found[0], data[message:end])

    def _remember(self, route: Route, message: bytes) -> None:
        size, own = len(message), _place_of_gateway(message, self._address_bytes)
        alike = self._alike.get(size)
        if alike is None:
            alike = self._alike[size] = _Alike(_pieces(size, self._address_bytes), {}, 0)
        elif own and not alike.gateway and len(alike.rests) >= _FEW:
            alike = self._alike[size] = _Alike(_pieces(size, self._address_bytes, own), {}, own)
        if alike.gateway in (0, own):
            head, _, middle, _, between, _, tail = alike.pieces.unpack(message)
            alike.rests[head, middle, between, tail] = route[2:] if alike.gateway else route[1:]

    def _read_alike(self, data: bytes, start: int) -> int:
        """Reads what is known from there on; where another message begins."""
        while start + U32.size <= len(data):
            size = U32.unpack_from(data, start)[0]
            if size not in self._alike:
                break
            end = len(data) - (len(data) - start) % size
            count = self._read_alike_of_a_size(memoryview(data)[start:end], self._alike[size])
            if not count:
                break
            start += count * size
        return start

    def _read_alike_of_a_size(self, data: memoryview, alike: _Alike) -> int:
        """Reads as many as there are, and counts them."""
        routes, make, before, known = self.routes, tuple.__new__, len(self.routes), self._known
        last_head = last_middle = last_between = last_tail = b""
        rest: tuple[Any, ...] = ()
        for head, length, middle, destination, between, gateway, tail in alike.pieces.iter_unpack(data):
            if middle != last_middle or tail != last_tail or between != last_between or head != last_head:
                found = alike.rests.get((head, middle, between, tail))
                if found is None:
                    break
                last_head, last_middle, last_between, last_tail, rest = head, middle, between, tail, found
            whole = (gateway,) + rest if gateway else rest  # noqa: RUF005  # half as long as with a star
            if known:
                same = known.get((destination, length))
                if same is not None and same[1:] == whole:
                    routes.append(same)
                    continue
            first = (make(Prefix, (destination, length)),)
            routes.append(make(Route, first + whole))
        return len(routes) - before


class _Alike(NamedTuple):
    """What is known of messages of a length."""

    pieces: Struct
    """How they are cut, as _pieces has it."""
    rests: dict[tuple[bytes, bytes, bytes, bytes], tuple[Any, ...]]
    """By all pieces that may not differ, what a Route has beside those that may."""
    gateway: int
    """Where the gateway is that may differ, too; 0 for none."""


def _pieces(size: int, address_bytes: int, gateway: int = 0) -> Struct:
    """A message of this length: up to the family, the prefix length, up to the destination, that, up to the gateway,
    that, and the rest."""
    start = _DST + 4
    end = start + address_bytes
    between, width = (gateway - end, address_bytes) if gateway else (0, 0)
    return Struct(f"=17sB{start - 18}s{address_bytes}s{between}s{width}s{size - end - between - width}s")


def _place_of_gateway(message: bytes, address_bytes: int) -> int:
    """Where the address of RTA_GATEWAY stands; 0 without one of the family."""
    place = _TABLE
    while place + 4 + address_bytes <= len(message):
        if U32.unpack_from(message, place) == (GATEWAY_HEAD[address_bytes],):
            return place + 4
        length, _ = _ATTRIBUTE.unpack_from(message, place)
        if length < U32.size:
            break
        place += length + 3 & ~3
    return 0
