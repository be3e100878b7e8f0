"""The default engine: rtnetlink over a plain socket, batched, filtered by the kernel.

Known hazards, each dealt with below:
- A receive buffer that overflows raises ENOBUFS: every request has been carried out, but answers are lost. Answers
  are therefore read without blocking, and after a loss the tables tell which operations to repeat, one by one.
- One send must stay below the send buffer (EMSGSIZE).
- Without NLM_F_ACK only refusals are answered; the sequence number identifies the operation.
- RTM_GETROUTE ignores the table filter without NETLINK_GET_STRICT_CHK (Linux 4.20); routes are checked again.

Source: netlink(7), rtnetlink(7), include/uapi/linux/netlink.h.
"""

from __future__ import annotations

import _socket
from _operator import itemgetter
from _socket import AF_INET, AF_INET6
from errno import EAGAIN, ENOBUFS, ENOENT, ESRCH
from os import strerror

from ...errors import KernelError
from ...model.network import IPV6_DEFAULT_METRIC, Address, KernelState, Lookup, NexthopObject, Nic, Prefix, Route, Rule
from ...model.operations import Add, Delete, Failure, Operation, RemoveForeignDefault, RestoreDefault
from ..netlink import (
    NLMSG_ERROR,
    REJECTING_KINDS,
    RTM_NEWADDR,
    RTM_NEWLINK,
    RTM_NEWNEXTHOP,
    RTM_NEWROUTE,
    RTM_NEWRULE,
    messages,
)
from . import decode, nics, requests
from .dump import NOTHING_KNOWN, RouteDump
from .socket import RequestSocket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Mapping, Sequence

    from ...model.source_routing import SourceFailure, SourceOperation
    from ..nexthops import NexthopMessage

_SEND_BYTES = 128 * 1024
"""Of messages in one send, but for the last piece of them: 2,000 routes, below the default send buffer of 208 KiB."""
_FAMILIES = (AF_INET, AF_INET6)
_NEXTHOP_ID = itemgetter(Route._fields.index("nexthop_id"))


class RtnetlinkKernel:
    """The Kernel protocol over one netlink socket, in the network namespace it was made in."""

    def __init__(self) -> None:
        self._socket = RequestSocket()

    @property
    def port(self) -> int:
        """See Kernel."""
        return self._socket.port

    def close(self) -> None:
        """See Kernel."""
        self._socket.close()

    def nics(self) -> tuple[Nic, ...]:
        """See Kernel."""
        links: list[Nic] = []
        addresses: dict[int, list[Prefix]] = {}
        limited: dict[int, list[Prefix]] = {}
        peers: dict[int, list[Prefix]] = {}

        def link(data: bytes, start: int, end: int) -> None:
            nic = nics.decode_link(data, start, end)
            if nic is not None:
                links.append(nic)

        def address(data: bytes, start: int, end: int) -> None:
            found = nics.decode_address(data, start, end)
            if found is None:
                return
            ifindex, own, peer, is_limited = found
            addresses.setdefault(ifindex, []).append(own)
            if peer is not None:
                peers.setdefault(ifindex, []).append(peer)
            if is_limited:
                limited.setdefault(ifindex, []).append(own)

        def anew() -> None:
            for found in (addresses, limited, peers):
                found.clear()

        self._socket.dump(requests.dump_links, RTM_NEWLINK, link, links.clear)
        self._socket.dump(requests.dump_addresses, RTM_NEWADDR, address, anew)
        found = (
            nic._replace(
                addresses=tuple(addresses.get(nic.ifindex, ())),
                limited=tuple(limited.get(nic.ifindex, ())),
                peers=tuple(peers.get(nic.ifindex, ())),
            )
            for nic in links
        )
        return tuple(sorted(found, key=lambda nic: nic.ifindex))

    def snapshot(self, table: int, expected: Sequence[Route] = ()) -> KernelState:
        """See Kernel."""
        rules = self._rules(AF_INET) + self._rules(AF_INET6)
        known = dict(zip(map(itemgetter(0), expected), expected))
        routes = self._routes(AF_INET, table, known) + self._routes(AF_INET6, table, known)
        nics, objects = self.nics(), self._nexthops()
        if any(map(_NEXTHOP_ID, routes)):
            from ..nexthops import with_objects

            routes = with_objects(routes, objects)
        if objects:
            from ..hidden import with_hidden

            routes = with_hidden(routes, objects, nics)
        return KernelState(nics, tuple(routes), tuple(rules), objects)

    def _nexthops(self) -> tuple[NexthopObject, ...]:
        found: list[NexthopMessage] = []

        def nexthop(data: bytes, start: int, end: int) -> None:
            from ..nexthops import decode_nexthop

            found.append(decode_nexthop(data, start, end))

        self._socket.dump(requests.dump_nexthops, RTM_NEWNEXTHOP, nexthop, found.clear)
        if not found:
            return ()
        from ..nexthops import nexthop_objects

        return nexthop_objects(found)

    def _rules(self, family: int) -> list[Rule]:
        rules: list[Rule] = []
        self._socket.dump(
            lambda sequence: requests.dump_rules(sequence, family),
            RTM_NEWRULE,
            lambda data, start, end: rules.append(decode.decode_rule(data, start, end)),
            rules.clear,
        )
        return rules

    def _routes(
        self, family: int, table: int, known: Mapping[Prefix, Route] = NOTHING_KNOWN, protocol: int = 0
    ) -> list[Route]:
        read = RouteDump(family, table, known)
        self._socket.dump(
            lambda sequence: requests.dump_routes(sequence, family, table, protocol),
            RTM_NEWROUTE,
            read.decode,
            read.routes.clear,
            read.others,
        )
        return read.routes

    def tables(self, numbers: Sequence[int]) -> tuple[Route, ...]:
        """See Kernel."""
        return tuple(route for table in numbers for family in _FAMILIES for route in self._routes(family, table))

    def routes_of(self, table: int, protocol: int) -> tuple[Route, ...]:
        """See Kernel."""
        return tuple(route for family in _FAMILIES for route in self._routes(family, table, protocol=protocol))

    def lookup(self, addresses: Sequence[Address], source: Address | None = None) -> tuple[Lookup, ...]:
        """See Kernel."""
        return tuple(self._look_up(address, source) for address in addresses)

    def _look_up(self, address: Address, source: Address | None) -> Lookup:
        self._socket.sequence += 1
        self._socket.send(requests.look_up(self._socket.sequence, address, source))
        while True:
            try:
                received = self._socket.receive()
            except OSError as error:
                raise KernelError(f"the kernel gave no answer: {error}") from error
            for kind, flags, sequence, _, start, end in messages(self._socket.buffer, received):
                if sequence != self._socket.sequence:
                    continue
                data = bytes(memoryview(self._socket.buffer)[:end])
                if kind == NLMSG_ERROR:
                    answer = decode.decode_error(data, start, end, flags)
                    return Lookup(address, 0, None, 0, answer.text or strerror(answer.errno))
                found = decode.decode_lookup(data, start, end)
                if found.kind in REJECTING_KINDS:
                    return Lookup(address, 0, None, found.table, strerror(REJECTING_KINDS[found.kind]))
                return Lookup(address, found.ifindex, found.gateway, found.table, kind=found.kind)

    # -- writing -----------------------------------------------------------------------------------------

    def apply(self, operations: Sequence[Operation]) -> tuple[Failure, ...]:
        """See Kernel."""
        from .encode import encoded

        first = self._socket.sequence + 1
        refused: dict[int, decode.Answer] = {}
        lost = False
        batch: list[bytes] = []
        size = 0
        last = first + len(operations) - 1
        for sequence, piece in encoded(operations, first):
            batch.append(piece)
            size += len(piece)
            if size >= _SEND_BYTES or sequence == last:
                self._socket.sequence = sequence
                lost = self._send(batch, refused) or lost
                batch, size = [], 0
        if lost:
            refused.update(self._ask_again(operations, first, refused))
        failures = []
        for sequence in sorted(refused):
            operation, answer = operations[sequence - first], refused[sequence]
            gone = not isinstance(operation, (Add, RestoreDefault)) and answer.errno in (ESRCH, ENOENT)
            if not gone:
                failures.append(Failure(operation, answer.errno, answer.text or strerror(answer.errno)))
        return tuple(failures)

    def apply_source(self, operations: Sequence[SourceOperation]) -> tuple[SourceFailure, ...]:
        """See Kernel."""
        from .source import carry_out

        first = self._socket.sequence + 1
        self._socket.sequence += 2 * len(operations)
        return carry_out(operations, first, self._send)

    def _send(self, batch: list[bytes], refused: dict[int, decode.Answer]) -> bool:
        """Sends one batch and reads its refusals; True when answers were lost (ENOBUFS).

        The kernel carries a batch out within send(2), so every answer can be read when it returns.
        """
        self._socket.send(b"".join(batch))
        lost = False
        while True:
            try:
                received = self._socket.receive(_socket.MSG_DONTWAIT)
            except OSError as error:
                if error.errno == ENOBUFS:
                    lost = True
                    continue
                if error.errno == EAGAIN:
                    return lost
                raise KernelError(f"cannot read the kernel's answers: {error.strerror}") from error
            self._read_refusals(received, refused)

    def _read_refusals(self, received: int, refused: dict[int, decode.Answer]) -> None:
        for kind, flags, sequence, _, start, end in messages(self._socket.buffer, received):
            if kind != NLMSG_ERROR:
                continue
            answer = decode.decode_error(bytes(memoryview(self._socket.buffer)[:end]), start, end, flags)
            # A Promote's first half may find nothing to delete; only its second half counts.
            if answer.errno and answer.errno != ESRCH:
                refused[sequence] = answer
            elif answer.errno:
                refused.setdefault(sequence, answer)

    def _ask_again(
        self, operations: Sequence[Operation], first: int, refused: dict[int, decode.Answer]
    ) -> dict[int, decode.Answer]:
        """After lost answers: repeats, one by one, each operation that the tables show was not carried out."""
        from .encode import encode

        tables = {operation.route.table for operation in operations}
        have = {route for table in tables for route in self.snapshot(table).routes}
        again: dict[int, decode.Answer] = {}
        for sequence, operation in enumerate(operations, first):
            if sequence in refused or _is_carried_out(operation, have):
                continue
            self._socket.sequence += 1
            answers: dict[int, decode.Answer] = {}
            self._send([encode(operation, self._socket.sequence)], answers)
            again.update((sequence, answer) for answer in answers.values())
        return again


def _is_carried_out(operation: Operation, have: set[Route]) -> bool:
    """Whether the routes of the tables are as an operation leaves them."""
    route = operation.route
    stored = route if route.metric or route.family == 4 else route._replace(metric=IPV6_DEFAULT_METRIC)
    return (stored in have) != isinstance(operation, (Delete, RemoveForeignDefault))
