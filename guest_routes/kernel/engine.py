"""The Kernel protocol: what a pass asks of the kernel; and what its two engines share.

Both engines and the tests' value model of the kernel pass the same contract suite
(tests/netns/test_kernel_contract.py). An engine works in the network namespace it was opened in.
"""

from __future__ import annotations

from ..model.network import UNICAST, Address, KernelState, Lookup, Nic, Route
from ..model.operations import Add, Failure, Operation, RemoveForeignDefault, RestoreDefault
from .netlink import NLM_F_APPEND, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol, Sequence

    from ..model.source_routing import SourceFailure, SourceOperation
else:
    Protocol = object


class Kernel(Protocol):
    """The kernel's routing tables and NICs, in one network namespace."""

    def nics(self) -> tuple[Nic, ...]:
        """Every NIC with its addresses, by ifindex, the loopback left out."""

    def snapshot(self, table: int, expected: Sequence[Route] = ()) -> KernelState:
        """NICs, rules, and both families' routes of one table, IPv4's first, in the kernel's order.

        Cached routes and IPv6 routes of the kernel's own kind `local` are left out. Routes with attributes
        that can't be written back the same (encapsulation) have kind 0, so that nothing changes them. Routes by a
        nexthop object have its next hops, whatever the dump shows.

        Args:
            expected: routes that should be there. Those that are may be the same values, which takes less memory.

        Raises:
            KernelError: the kernel refused a dump, or each of several tries was interrupted.
        """

    def apply(self, operations: Sequence[Operation]) -> tuple[Failure, ...]:
        """Carry the operations out in order; returns each refused one with the kernel's own text.

        A refused operation doesn't stop the others. A Delete or RemoveForeignDefault of a route that is gone
        already succeeds.
        """

    def lookup(self, addresses: Sequence[Address], source: Address | None = None) -> tuple[Lookup, ...]:
        """Where the kernel would send a packet for each address now, policy rules included.

        Args:
            source: an address of this machine that the packets carry; None: the kernel chooses it by the route.
        """

    def tables(self, numbers: Sequence[int]) -> tuple[Route, ...]:
        """Both families' routes of these tables, each table's in the kernel's order, as `snapshot` has them.

        Raises:
            KernelError: as `snapshot`.
        """

    def routes_of(self, table: int, protocol: int) -> tuple[Route, ...]:
        """Both families' routes of one table that carry this protocol number, as fast as can be.

        Others may be among them: a kernel before 4.20 filters nothing.

        Raises:
            KernelError: as `snapshot`.
        """

    def apply_source(self, operations: Sequence[SourceOperation]) -> tuple[SourceFailure, ...]:
        """Carry out operations on source routing's tables and rules, in order (R21); returns each refused one.

        A refused operation doesn't stop the others. Removing what has gone, and adding a rule that is there, succeed.
        """

    @property
    def port(self) -> int:
        """The port of its netlink socket, which notifications of its own changes name."""

    def close(self) -> None:
        """Release the socket."""


def stored_kind(route: Route) -> int:
    """The kind that the kernel keeps of a route: one by a nexthop object is unicast, also where a dump says blackhole.

    Source: net/ipv4/fib_semantics.c, fib_dump_info.
    """
    return UNICAST if route.nexthop_id else route.kind


def names_no_metrics(route: Route) -> bool:
    """Whether a message needs an RTA_METRICS without any in it, to mean none.

    Without the attribute IPv4 takes what it has of the same object, protocol and metric already, with metrics and all:
    the route gets those, or is refused as being there (EEXIST). Source: net/ipv4/fib_semantics.c, fib_find_info_nh.
    """
    return bool(route.nexthop_id) and not route.metrics and route.family == 4


def route_to_delete(operation: Operation) -> Route:
    """The route that RTM_DELROUTE names for a Delete or RemoveForeignDefault; a weight identifies nothing.

    The kernel shows each next hop of an IPv6 multipath route with the first one's protocol, so the protocol of another
    program's next hop is unknown: its gateway and NIC identify it, unless a nexthop object's route stands before it.
    """
    route = operation.route
    if route.family == 4:
        return route
    unnamed = isinstance(operation, RemoveForeignDefault) and not operation.by_protocol
    protocol = 0 if unnamed else route.protocol
    return route._replace(protocol=protocol, weight=1)


def restore_flags(operation: RestoreDefault) -> int:
    """The flags of the RTM_NEWROUTE that puts a default back: behind, before, or in place of others of its key."""
    if operation.instead:
        return NLM_F_CREATE | NLM_F_REPLACE
    return NLM_F_CREATE if operation.before else NLM_F_CREATE | NLM_F_APPEND


def addition_flags(operation: Add) -> int:
    """Those of RTM_NEWROUTE that put a route of ours into its place."""
    if operation.place == "among":
        return NLM_F_CREATE | NLM_F_APPEND
    if operation.route.family == 6 or operation.place == "alone":
        return NLM_F_CREATE | NLM_F_EXCL
    return NLM_F_CREATE | NLM_F_APPEND if operation.place == "behind" else NLM_F_CREATE
