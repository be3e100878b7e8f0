"""The reference engine: the Kernel protocol through pyroute2, one request at a time.

The contract tests compare it with the default engine; an operator can choose it to rule out the packed bytes of
rtnetlink/ as a cause. Law: this module knows the kernel's numbers and names, but no byte of the wire format.

`nlm_request_batch` with a single message is the one call for own messages that works in pyroute2 0.7.2 and
0.9.7 (IPRoute.nlm_request fails in 0.9.7: no `nlm_generator`).
"""

from __future__ import annotations

import errno
import os
import sys
from typing import Any, Dict, List, Optional, Sequence, Tuple

from pyroute2 import IPRoute
from pyroute2.netlink.exceptions import NetlinkDumpInterrupted, NetlinkError

from ...errors import KernelError
from ...model.network import Address, KernelState, Lookup, Nic, Prefix, Route, Rule, address_text, parse_address
from ...model.operations import Failure, Operation
from ...model.source_routing import AddRule, RemoveRule, SourceFailure, SourceOperation
from ..apply_source import failure_of
from ..hidden import with_hidden
from ..netlink import (
    IFA_F_DADFAILED,
    IFA_F_PERMANENT,
    IFF_LOOPBACK,
    NLM_F_ACK,
    NLM_F_REQUEST,
    REJECTING_KINDS,
    RTM_DELROUTE,
    RTM_F_LOOKUP_TABLE,
    RTM_GETROUTE,
    RTM_NEWNEXTHOP,
    RTM_NEWROUTE,
    own_and_peer,
)
from ..nexthops import nexthop_objects, with_objects
from .decode import FAMILIES, hop_of, nexthop_of, nic_of, routes_of, rule_of
from .encode import (
    NexthopObjectMessage,
    RouteMessage,
    nexthop_dump,
    request,
    requests_of,
    rule_fields,
    table_dump,
    table_route,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket

DUMP_TRIES = 10


class Pyroute2Kernel:
    """The kernel as pyroute2 shows it."""

    def __init__(self) -> None:
        self._socket = _opened()
        try:
            self._socket.register_policy({RTM_NEWROUTE: RouteMessage, RTM_NEWNEXTHOP: NexthopObjectMessage})
            self._socket.get_links(1)  # pyroute2 0.9 binds its socket with the first request: no port before.
            with self._same_socket() as same:
                same.connect((0, 0))  # Linux refuses what other processes send to it; see rtnetlink/.
        except (OSError, NetlinkError) as error:
            raise KernelError(f"cannot open a netlink socket: {error}") from error

    @property
    def port(self) -> int:
        """Of its netlink socket: what the kernel's notifications of its own changes name."""
        with self._same_socket() as same:
            return int(same.getsockname()[0])

    def _same_socket(self) -> socket.socket:
        """pyroute2's socket as Python's own, with a descriptor of its own."""
        import socket

        return socket.socket(fileno=os.dup(self._socket.fileno()))

    def nics(self) -> Tuple[Nic, ...]:
        """Every NIC with its addresses, by ifindex, the loopback left out."""
        addresses: Dict[int, List[Prefix]] = {}
        limited: Dict[int, List[Prefix]] = {}
        peers: Dict[int, List[Prefix]] = {}
        for message in self._dump("addresses", lambda: self._socket.get_addr()):
            text = message.get_attr("IFA_ADDRESS")
            if text and not message["flags"] & IFA_F_DADFAILED:
                local = parse_address(message.get_attr("IFA_LOCAL") or text)
                own, peer = own_and_peer(local, parse_address(text), message["prefixlen"])
                if peer is not None:
                    peers.setdefault(message["index"], []).append(peer)
                addresses.setdefault(message["index"], []).append(own)
                if not message["flags"] & IFA_F_PERMANENT:
                    limited.setdefault(message["index"], []).append(own)
        links = self._dump("links", lambda: self._socket.get_links())
        nics = (
            nic_of(link, *(tuple(of.get(link["index"], ())) for of in (addresses, limited, peers)))
            for link in links
            if not link["flags"] & IFF_LOOPBACK
        )
        return tuple(sorted(nics, key=lambda nic: nic.ifindex))

    def snapshot(self, table: int, expected: Sequence[Route] = ()) -> KernelState:
        """NICs, rules, and both families' routes of one table, in the kernel's order."""
        routes: List[Route] = []
        rules: List[Rule] = []
        for family in FAMILIES:
            routes += self._routes(family, table)
            for message in self._dump("rules", lambda: self._socket.get_rules(family=family)):  # noqa: B023
                rules.append(rule_of(message))
        nics = self.nics()
        messages = self._dump("nexthops", lambda: self._send(nexthop_dump()))
        objects = nexthop_objects([nexthop_of(message) for message in messages])
        routes = with_hidden(with_objects(routes, objects), objects, nics)
        return KernelState(nics, tuple(routes), tuple(rules), objects)

    def _routes(self, family: int, table: int) -> List[Route]:
        """A family's routes of one table."""
        messages = self._dump("routes", lambda: self._send(table_dump(family, table)))
        return [route for message in messages for route in routes_of(message)]

    def apply(self, operations: Sequence[Operation]) -> Tuple[Failure, ...]:
        """Carry the operations out in order; each refused one comes back with the kernel's own words."""
        failures: List[Failure] = []
        for operation in operations:
            try:
                for message in requests_of(operation):
                    self._write(message)
            except NetlinkError as error:
                failures.append(Failure(operation, error.code, error.args[1]))
        return tuple(failures)

    def lookup(self, addresses: Sequence[Address], source: Optional[Address] = None) -> Tuple[Lookup, ...]:
        """Where the kernel would send a packet for each address now, policy rules included."""
        return tuple(self._lookup(address, source) for address in addresses)

    def tables(self, numbers: Sequence[int]) -> Tuple[Route, ...]:
        """Both families' routes of these tables."""
        return tuple(route for table in numbers for family in FAMILIES for route in self._routes(family, table))

    def routes_of(self, table: int, protocol: int) -> Tuple[Route, ...]:
        """All of the table: nothing is filtered."""
        return self.tables((table,))

    def apply_source(self, operations: Sequence[SourceOperation]) -> Tuple[SourceFailure, ...]:
        """Carry operations on source routing's tables and rules out, in order."""
        failures: List[SourceFailure] = []
        for operation in operations:
            try:
                if isinstance(operation, (AddRule, RemoveRule)):
                    self._socket.rule("add" if isinstance(operation, AddRule) else "del", **rule_fields(operation.rule))
                else:
                    self._send(table_route(operation))
            except NetlinkError as error:
                failure = failure_of(operation, error.code, error.args[1])
                failures += [failure] if failure else []
        return tuple(failures)

    def close(self) -> None:
        """Release the socket."""
        self._socket.close()

    def _lookup(self, address: Address, source: Optional[Address]) -> Lookup:
        flags = RTM_F_LOOKUP_TABLE if len(address) == 4 else 0  # IPv6 names the table unasked, and refuses the flag
        question = request(RTM_GETROUTE, NLM_F_REQUEST | NLM_F_ACK, address, len(address) * 8, flags=flags)
        if source is not None:
            question["src_len"] = len(source) * 8
            question["attrs"].append(("RTA_SRC", address_text(source)))
        try:
            answers = [answer for answer in self._send(question) if answer["header"]["type"] == RTM_NEWROUTE]
        except NetlinkError as error:
            return Lookup(address, 0, error=error.args[1])
        (answer,) = answers
        if answer["type"] in REJECTING_KINDS:
            return Lookup(address, 0, error=os.strerror(REJECTING_KINDS[answer["type"]]))
        hop = hop_of(answer)
        table = answer.get_attr("RTA_TABLE") or answer["table"]
        return Lookup(address, hop.ifindex, hop.gateway, table, kind=answer["type"])

    def _write(self, message: RouteMessage) -> None:
        deleting = message["header"]["type"] == RTM_DELROUTE
        try:
            self._send(message)
        except NetlinkError as error:
            if not (deleting and error.code == errno.ESRCH):
                raise

    def _send(self, message: Any) -> Tuple[Any, ...]:
        try:
            return tuple(self._socket.nlm_request_batch([message]))
        except OSError as error:
            raise KernelError(f"cannot send a request to the kernel: {error.strerror}; try again") from error

    def _dump(self, what: str, ask: Any) -> Tuple[Any, ...]:
        """One dump, asked for again when it was interrupted; a table that nobody filled yet is empty."""
        for _ in range(DUMP_TRIES):
            try:
                return tuple(ask())
            except NetlinkDumpInterrupted:
                continue
            except NetlinkError as error:
                # Nexthop objects are of Linux 5.3.
                if error.code in (errno.ENOENT, errno.EOPNOTSUPP):
                    return ()
                raise KernelError(f"cannot list the {what}: {error.args[1]}") from error
            except OSError as error:
                raise KernelError(f"cannot list the {what}: {error}") from error
        raise KernelError(f"cannot list the {what}: interrupted {DUMP_TRIES} times by other changes")


def _opened() -> IPRoute:
    """pyroute2's socket.

    Without a descriptor to spare it leaves an event loop half made, whose destructor fails and would print a traceback.

    Raises:
        KernelError: there is none to be had.
    """
    hook = sys.unraisablehook
    sys.unraisablehook = lambda unraisable: None
    try:
        return IPRoute(ext_ack=True, strict_check=True)
    except (OSError, NetlinkError) as error:
        reason = error.args[1] if len(error.args) > 1 else str(error)
    finally:  # The error has gone by now, and with it what it kept alive.
        sys.unraisablehook = hook
    raise KernelError(f"cannot open a netlink socket: {reason}")
