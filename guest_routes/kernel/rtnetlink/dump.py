"""The routes of a dump, fast where they are alike. Pure: bytes in, values out.

Nearly all routes of a table share all but their destination with one that came before. decode.py decodes the first of
such; the others need a comparison of bytes and two tuples.
"""

from __future__ import annotations

from _socket import AF_INET
from _struct import Struct

from ...model.network import Prefix, Route
from ..netlink import DST_HEAD, TABLE_HEAD, U32, messages
from .decode import decode_route

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterator, Mapping

    from ..netlink import Message

_TABLE, _DST = 28, 36
"""Where a message has RTA_TABLE and RTA_DST, behind nlmsghdr and rtmsg: the kernel dumps them first."""

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
        self._rests: dict[int, tuple[Struct, dict[tuple[bytes, bytes, bytes], tuple[Any, ...]]]] = {}
        """By a message's length: how it is cut around the prefix length and the destination, and of each one with
        these pieces what its Route has beside the destination."""

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
            if size not in self._rests:
                self._rests[size] = _pieces(size, self._address_bytes), {}
            pieces, rests = self._rests[size]
            head, _, middle, _, tail = pieces.unpack_from(data, message)
            rests[head, middle, tail] = found[0][1:]

    def _read_alike(self, data: bytes, start: int) -> int:
        """Reads what is known from there on; where another message begins."""
        while start + U32.size <= len(data):
            size = U32.unpack_from(data, start)[0]
            if size not in self._rests:
                break
            end = len(data) - (len(data) - start) % size
            count = self._read_alike_of_a_size(memoryview(data)[start:end], *self._rests[size])
            if not count:
                break
            start += count * size
        return start

    def _read_alike_of_a_size(
        self, data: memoryview, pieces: Struct, rests: dict[tuple[bytes, bytes, bytes], tuple[Any, ...]]
    ) -> int:
        """Reads as many as there are, and counts them."""
        routes, make, before, known = self.routes, tuple.__new__, len(self.routes), self._known
        last_head = last_middle = last_tail = b""
        rest: tuple[Any, ...] = ()
        for head, length, middle, destination, tail in pieces.iter_unpack(data):
            if middle != last_middle or tail != last_tail or head != last_head:
                found = rests.get((head, middle, tail))
                if found is None:
                    break
                last_head, last_middle, last_tail, rest = head, middle, tail, found
            if known:
                same = known.get((destination, length))
                if same is not None and same[1:] == rest:
                    routes.append(same)
                    continue
            first = (make(Prefix, (destination, length)),)
            routes.append(make(Route, first + rest))
        return len(routes) - before


def _pieces(size: int, address_bytes: int) -> Struct:
    """A message of this length: up to the family, the prefix length, up to the destination, that, and the rest."""
    start = _DST + 4
    return Struct(f"=17sB{start - 18}s{address_bytes}s{size - start - address_bytes}s")
