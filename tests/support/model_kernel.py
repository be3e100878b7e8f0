"""The kernel's routing tables as plain values: the Kernel protocol without a kernel.

Every rule here was seen in the real kernel, and tests/netns/test_kernel_contract.py keeps it so: it runs the same
operations on both. What a KernelState doesn't say the model can't know: other tables than the snapshot's, cached
routes, routers' lifetimes, NICs without IPv6.

Source: net/ipv4/fib_trie.c (fib_table_insert, fib_table_delete), net/ipv4/fib_semantics.c (fib_check_nh,
fib_nh_match), net/ipv6/ip6_fib.c (fib6_add_rt2node), net/ipv6/route.c (ip6_route_del, ip6_validate_gw).
"""

from __future__ import annotations

import errno
import os
from typing import Callable, Dict, Iterable, List, NamedTuple, Optional, Sequence, Set, Tuple

from guest_routes.kernel.engine import route_to_delete
from guest_routes.kernel.hidden import first_hop
from guest_routes.kernel.nexthops import with_objects
from guest_routes.model.network import (
    IPV6_DEFAULT_METRIC,
    LOCAL_TABLE,
    MAIN_TABLE,
    UNICAST,
    Address,
    KernelState,
    Lookup,
    NextHop,
    NexthopObject,
    Nic,
    Prefix,
    Route,
    Rule,
    contains,
    network_of,
)
from guest_routes.model.operations import (
    Add,
    Delete,
    Failure,
    MoveDefault,
    Operation,
    Promote,
    RemoveForeignDefault,
    RestoreDefault,
)
from guest_routes.model.source_routing import (
    AddRule,
    RemoveRoute,
    RemoveRule,
    SetRoute,
    SourceFailure,
    SourceOperation,
)

LOOPBACK = 1
SCOPE_LINK = 253
REJECTING_KINDS = {6: errno.EINVAL, 7: errno.EHOSTUNREACH, 8: errno.EACCES}
"""blackhole, unreachable, prohibit."""
THROW = 9
NO_NIC = (*REJECTING_KINDS, THROW)
"""Kinds of routes that lead through no NIC; in IPv6 they stand on the loopback."""
ONE_HOST = {4: 32, 6: 128}
LINK_LOCAL = Prefix(bytes.fromhex("fe80") + bytes(14), 10)


class Refusal(NamedTuple):
    """The kernel's no."""

    errno: int
    text: str


INVALID_GATEWAY = Refusal(errno.ENETUNREACH, "Nexthop has invalid gateway")
DEVICE_DOWN = Refusal(errno.ENETDOWN, "Device for nexthop is not up")
GATEWAY_DEVICE_DOWN = Refusal(errno.ENETDOWN, "Nexthop device is not up")
DEVICE_MISMATCH = Refusal(errno.EINVAL, "Nexthop has invalid gateway or device mismatch")
INVALID_SOURCE = {
    4: Refusal(errno.EINVAL, "Invalid prefsrc address"),
    6: Refusal(errno.EINVAL, "Invalid source address"),
}
NO_NEXTHOP_OBJECT = Refusal(errno.EINVAL, "Nexthop id does not exist")
ONLINK_WITHOUT_DEVICE = Refusal(errno.ENODEV, "Nexthop device required for onlink")


def _plain(number: int) -> Refusal:
    return Refusal(number, os.strerror(number))


class ModelKernel:
    """Starts as the snapshot; `apply` changes it as the kernel would."""

    def __init__(self, state: KernelState) -> None:
        self._nics = state.nics
        self._by_index: Dict[int, Nic] = {nic.ifindex: nic for nic in state.nics}
        self._rules = state.rules
        self._tables: Dict[Tuple[int, Prefix], List[Route]] = {}
        for route in state.routes:
            self._tables.setdefault((route.table, route.destination), []).append(route)
        self._nexthop_objects = state.nexthops

    # -- the protocol --------------------------------------------------------------------------------

    @property
    def port(self) -> int:
        """No socket's."""
        return 0

    def nics(self) -> Tuple[Nic, ...]:
        """The NICs it was made with."""
        return self._nics

    def snapshot(self, table: int, expected: Sequence[Route] = ()) -> KernelState:
        """The routes of one table in the order of a dump."""
        filled = ((of_table, prefix, routes) for (of_table, prefix), routes in self._tables.items() if routes)
        lists = [(prefix, routes) for of_table, prefix, routes in filled if of_table == table]
        ipv4 = sorted((item for item in lists if len(item[0].address) == 4), key=_dump_order_4)
        ipv6 = sorted((item for item in lists if len(item[0].address) == 16), key=_dump_order_6)
        routes = [route for _, in_order in ipv4 for route in in_order]
        routes += [route for _, in_order in ipv6 for route in _dumped_6(in_order, self._nexthop_objects)]
        return KernelState(self._nics, tuple(routes), self._rules, self._nexthop_objects)

    def copy(self) -> ModelKernel:
        """Another one with the same routes, which changes on its own."""
        other = type(self)(KernelState(self._nics, (), self._rules, self._nexthop_objects))
        other._tables = {key: list(routes) for key, routes in self._tables.items()}
        return other

    def routes_to(self, destination: Prefix, table: int = MAIN_TABLE) -> Sequence[Route]:
        """Those of one destination, best first."""
        return self._tables.get((table, destination), ())

    def apply(self, operations: Sequence[Operation]) -> Tuple[Failure, ...]:
        """The refused ones, with the kernel's words."""
        refusals = ((operation, self._carry_out(operation)) for operation in operations)
        return tuple(Failure(operation, *refusal) for operation, refusal in refusals if refusal is not None)

    def lookup(self, addresses: Sequence[Address], source: Optional[Address] = None) -> Tuple[Lookup, ...]:
        """By the plain rules, and those for the source, in their order; within a table the longest prefix, its best
        metric, its first route."""
        return tuple(self._lookup(address, source) for address in addresses)

    def tables(self, numbers: Sequence[int]) -> Tuple[Route, ...]:
        """The routes of these tables."""
        return tuple(route for number in numbers for route in self.snapshot(number).routes)

    def routes_of(self, table: int, protocol: int) -> Tuple[Route, ...]:
        """All of the table: nothing is filtered."""
        return self.snapshot(table).routes

    def apply_source(self, operations: Sequence[SourceOperation]) -> Tuple[SourceFailure, ...]:
        """The refused ones, with the kernel's words."""
        refusals = ((operation, self._carry_out_source(operation)) for operation in operations)
        return tuple(SourceFailure(operation, *refusal) for operation, refusal in refusals if refusal is not None)

    def _carry_out_source(self, operation: SourceOperation) -> Optional[Refusal]:
        if isinstance(operation, RemoveRule):
            self._rules = tuple(rule for rule in self._rules if rule != operation.rule)
        elif isinstance(operation, AddRule):
            self._add_rule(operation.rule)
        elif isinstance(operation, RemoveRoute):
            for route in _legs_6(operation.route):
                self._delete(route)
        else:
            return self._set(operation)
        return None

    def _add_rule(self, new: Rule) -> None:
        """Behind others of its priority, each family for itself. Its protocol counts."""
        own = [rule for rule in self._rules if rule.family == new.family]
        if new in own:
            return
        own.insert(sum(rule.priority <= new.priority for rule in own), new)
        others = [rule for rule in self._rules if rule.family != new.family]
        self._rules = tuple(own + others if new.family == 4 else others + own)

    def _set(self, operation: SetRoute) -> Optional[Refusal]:
        """A new route, or one in place of the first of its key."""
        route = self._as_stored(operation.route)
        refusal = self._refusal(route)
        if refusal is not None:
            return refusal
        routes = self._tables.setdefault((route.table, route.destination), [])
        there = [index for index, one in enumerate(routes) if (one.tos, one.metric) == (route.tos, route.metric)]
        if not there:
            return self._insert_source(route)
        if not operation.replaces:
            return _plain(errno.EEXIST)
        if route.family == 6 and _can_be_leg(routes[there[0]]):
            routes[:] = [one for one in routes if not (_can_be_leg(one) and one.metric == route.metric)]
        else:
            del routes[there[0]]
        return self._insert_source(route)

    def _insert_source(self, route: Route) -> Optional[Refusal]:
        """A route of a key that nothing has."""
        if route.family == 4:
            return self._insert_4(route, False)
        for leg in _legs_6(route):
            self._insert_6(leg, True)
        return None

    def close(self) -> None:
        """Nothing to release."""

    # -- operations ----------------------------------------------------------------------------------

    def _carry_out(self, operation: Operation) -> Optional[Refusal]:
        route = operation.route
        if isinstance(operation, (Delete, RemoveForeignDefault)):
            self._delete(route_to_delete(operation))
            return None
        if isinstance(operation, (Promote, MoveDefault)):
            self._delete(route)
        assert isinstance(operation, (Add, Promote, RestoreDefault, MoveDefault))
        route = self._as_stored(route)
        refusal = self._refusal(route)
        if refusal is not None:
            return refusal
        insert = self._insert_4 if route.family == 4 else self._insert_6
        if isinstance(operation, RestoreDefault) and operation.instead:
            return self._replace_6(route)
        place = operation.place if isinstance(operation, Add) else ""
        if place == "alone" and any(_rank(one) == _rank(route) for one in self._equals(route)):
            return _plain(errno.EEXIST)
        restored = isinstance(operation, (RestoreDefault, MoveDefault)) and not operation.before
        return insert(route, restored or place == ("behind" if route.family == 4 else "among"))

    def _equals(self, route: Route) -> List[Route]:
        return self._tables.get((route.table, route.destination), [])

    def _as_stored(self, route: Route) -> Route:
        destination = network_of(route.destination)
        route = next(iter(with_objects([route], self._nexthop_objects)), route)
        if route.family == 4:
            return route._replace(destination=destination, preference=0)
        ifindex = LOOPBACK if route.kind in NO_NIC else route.ifindex
        return route._replace(
            destination=destination, metric=route.metric or IPV6_DEFAULT_METRIC, ifindex=ifindex, scope=0
        )

    def _insert_4(self, new: Route, append: bool) -> Optional[Refusal]:
        """Aliases stand by falling TOS, then rising metric; of one key, before or behind the others."""
        routes = self._tables.setdefault((new.table, new.destination), [])
        if new in routes:
            return _plain(errno.EEXIST)
        rank = _rank(new)
        before: Callable[[Tuple[int, int]], bool] = (lambda r: r <= rank) if append else (lambda r: r < rank)
        routes.insert(sum(before(_rank(route)) for route in routes), new)
        return None

    def _insert_6(self, new: Route, append: bool) -> Optional[Refusal]:
        """Routes stand by rising metric; an equal metric is refused, or with append made a leg of the same route."""
        routes = self._tables.setdefault((new.table, new.destination), [])
        equals = [route for route in routes if route.metric == new.metric]
        if equals and (not append or any(_same_hop(route, new) for route in equals)):
            return _plain(errno.EEXIST)
        routes.insert(sum(route.metric <= new.metric for route in routes), new)
        return None

    def _replace_6(self, whole: Route) -> Optional[Refusal]:
        """The next hops of that metric make room for the whole multipath route."""
        routes = self._tables.setdefault((whole.table, whole.destination), [])
        routes[:] = [there for there in routes if not (_can_be_leg(there) and there.metric == whole.metric)]
        for leg in _legs_6(whole):
            self._insert_6(leg, True)
        return None

    def _delete(self, route: Route) -> None:
        routes = self._tables.get((route.table, network_of(route.destination)), [])
        matches = _matches_4 if route.family == 4 else _matches_6
        found = next((index for index, there in enumerate(routes) if matches(route, there)), None)
        if found is None:
            return
        there = routes.pop(found)
        if route.family == 6 and route.gateway is None and _can_be_leg(there):
            routes[:] = [other for other in routes if not (_can_be_leg(other) and other.metric == there.metric)]

    # -- what is refused -----------------------------------------------------------------------------

    def _refusal(self, route: Route) -> Optional[Refusal]:
        if route.nexthop_id:
            known = any(one.id == route.nexthop_id for one in self._nexthop_objects)
            return None if known else NO_NEXTHOP_OBJECT
        if route.kind in NO_NIC:
            return None
        nexthops = route.nexthops or (NextHop(route.gateway, route.ifindex, 1, route.onlink),)
        refusals = (self._leg_refusal(route, nexthop) for nexthop in nexthops)
        refusal = next((refusal for refusal in refusals if refusal is not None), None)
        if refusal is None and route.source is not None and not self._is_own(route.source):
            return INVALID_SOURCE[route.family]
        return refusal

    def _leg_refusal(self, route: Route, nexthop: NextHop) -> Optional[Refusal]:
        nic = self._by_index.get(nexthop.ifindex)
        if route.family == 4 and (nexthop.gateway is None or len(nexthop.gateway) == 4):
            return self._leg_refusal_4(route, nexthop, nic)
        if nic is None:
            return _plain(errno.ENODEV)
        if nexthop.onlink and not nic.up:
            return GATEWAY_DEVICE_DOWN
        if nexthop.gateway is not None and nexthop.onlink and not self._leaves_by_6(nexthop.gateway, nic):
            return DEVICE_MISMATCH
        if (
            nexthop.gateway is not None
            and not nexthop.onlink
            and not self._reaches_6(nexthop.gateway, nic, route.table)
        ):
            return _plain(errno.EHOSTUNREACH)
        return None if nic.up else GATEWAY_DEVICE_DOWN

    def _leg_refusal_4(self, route: Route, nexthop: NextHop, nic: Optional[Nic]) -> Optional[Refusal]:
        if nexthop.gateway is None:
            if nic is None:
                return _plain(errno.ENODEV)
            return None if nic.up else DEVICE_DOWN
        if nexthop.onlink:
            if nic is None:
                return ONLINK_WITHOUT_DEVICE
            if not nic.up:
                return GATEWAY_DEVICE_DOWN
            return INVALID_GATEWAY._replace(errno=errno.EINVAL) if self._is_own(nexthop.gateway) else None
        if nic is None or not nic.up or not self._reaches_4(nexthop.gateway, nic):
            return INVALID_GATEWAY
        return None

    def _is_own(self, address: Address) -> bool:
        return any(own.address == address for nic in self._nics for own in nic.addresses)

    def _reaches_4(self, gateway: Address, nic: Nic) -> bool:
        """Whether the NIC has an address with it in its prefix, or a route of link scope to it."""
        return any(contains(own, gateway) for own in nic.addresses) or any(
            there.scope >= SCOPE_LINK and there.tos == 0 and nic.ifindex in _ifindexes(there)
            for there in self._covering(gateway)
        )

    def _leaves_by_6(self, gateway: Address, nic: Nic) -> bool:
        """Whether main's best routes to it, defaults left out, include one by the NIC, or there are none."""
        covering = [there for there in self._covering(gateway, MAIN_TABLE) if not there.destination.is_default]
        equals = [t for t in covering if (t.destination, t.metric) == (covering[0].destination, covering[0].metric)]
        return not equals or equals[0].kind in REJECTING_KINDS or any(there.ifindex == nic.ifindex for there in equals)

    def _reaches_6(self, gateway: Address, nic: Nic, table: int) -> bool:
        """Whether the best route to it that leaves by the NIC is one without a gateway; link-local always is.

        The route's own table is asked, and where that says no, main.
        """
        if contains(LINK_LOCAL, gateway):
            return True
        if any(own.address == gateway for own in nic.addresses):
            return False
        for of_table in dict.fromkeys((table, MAIN_TABLE)):
            by_nic = (there for there in self._covering(gateway, of_table) if there.ifindex == nic.ifindex)
            best = next(by_nic, None)
            if best is not None and best.gateway is None:
                return True
        return best is None and any(contains(own, gateway) for own in nic.addresses)

    # -- looking up ----------------------------------------------------------------------------------

    def _covering(self, address: Address, table: Optional[int] = None) -> Iterable[Route]:
        """Routes whose destination holds the address, the longest first, in the kernel's order of each."""
        bits = len(address) * 8
        tables = {of_table for of_table, _ in self._tables} if table is None else {table}
        for length in sorted(self._lengths(bits), reverse=True):
            prefix = network_of(Prefix(address, length))
            for of_table in tables:
                yield from self._tables.get((of_table, prefix), ())

    def _lengths(self, bits: int) -> Set[int]:
        return {prefix.length for _, prefix in self._tables if len(prefix.address) * 8 == bits}

    def _lookup(self, address: Address, source: Optional[Address]) -> Lookup:
        family = 4 if len(address) == 4 else 6
        if self._is_own(address):
            return Lookup(address, LOOPBACK, None, LOCAL_TABLE)
        rules = [rule for rule in self._rules if rule.family == family and _matches_rule(rule, source)]
        found = (self._best(address, rule.table) for rule in rules)
        best = next((route for route in found if route is not None and route.kind != THROW), None)
        if best is None:
            return Lookup(address, 0, error=os.strerror(errno.ENETUNREACH))
        if best.kind in REJECTING_KINDS:
            return Lookup(address, 0, error=os.strerror(REJECTING_KINDS[best.kind]))
        hop = best.nexthops[0] if best.nexthops else NextHop(best.gateway, best.ifindex)
        return Lookup(address, hop.ifindex, hop.gateway, best.table)

    def _best(self, address: Address, table: int) -> Optional[Route]:
        """The route that decides in a table; one of kind throw sends the lookup to the next rule."""
        return next((route for route in self._covering(address, table) if route.tos == 0), None)


# ---- order and equality -----------------------------------------------------------------------------


def _dump_order_4(item: Tuple[Prefix, List[Route]]) -> Tuple[bytes, int]:
    """The trie's: by address, the longest prefix of an address first."""
    prefix, _ = item
    return prefix.address, -prefix.length


def _dump_order_6(item: Tuple[Prefix, List[Route]]) -> Tuple[int, int]:
    """The tree's, leaves before their node: by the last address of each prefix, the longest first."""
    prefix, _ = item
    host_bits = 128 - prefix.length
    return int.from_bytes(prefix.address, "big") | (1 << host_bits) - 1, -prefix.length


def _dumped_6(routes: List[Route], objects: Sequence[NexthopObject]) -> Iterable[Route]:
    """Legs of one multipath route appear together, where its first stands, under that one's protocol and metrics.

    What stands between two of them a dump leaves out; a default by a nexthop object is hidden there.
    """
    heads: Dict[int, List[Route]] = {}
    shown: List[List[Route]] = []
    last = {route.metric: route for route in routes if _can_be_leg(route)}
    for route in routes:
        if not _can_be_leg(route):
            if route.metric not in heads or last[route.metric] is heads[route.metric][-1]:
                shown.append([route])
            elif route.nexthop_id and route.destination.is_default:
                heads[route.metric].append(_hidden(route, objects))
        elif route.metric in heads:
            heads[route.metric].append(route)
        else:
            shown.append(heads.setdefault(route.metric, [route]))
    for first, *others in shown:
        yield first if others else first._replace(weight=1)  # Kept, and not shown.
        for nexthop in others:
            if nexthop.unwritable == "hidden":
                yield nexthop
                continue
            own = nexthop.kind, nexthop.unwritable
            shown_as = first._replace(kind=own[0], unwritable=own[1], weight=nexthop.weight)
            yield shown_as._replace(gateway=nexthop.gateway, ifindex=nexthop.ifindex, onlink=nexthop.onlink)


def _hidden(route: Route, objects: Sequence[NexthopObject]) -> Route:
    """One of which the gateway and NIC of the first next hop alone are known, and so an object."""
    if route.unwritable == "hidden":
        return route
    used = next(one for one in objects if one.id == route.nexthop_id)
    hop = first_hop(used)
    known = next(one.id for one in objects if first_hop(one) == hop)
    hidden = Route(route.destination, *hop, route.metric, 0, route.table, 0)
    return hidden._replace(nexthop_id=known, unwritable="hidden")


def _legs_6(route: Route) -> List[Route]:
    """The routes that IPv6 makes of one; the route itself where it is no multipath route."""
    if route.family == 4 or not route.nexthops:
        return [route]
    return [
        route._replace(gateway=hop.gateway, ifindex=hop.ifindex, onlink=hop.onlink, weight=hop.weight, nexthops=())
        for hop in route.nexthops
    ]


def _matches_rule(rule: Rule, source: Optional[Address]) -> bool:
    return rule.plain or (rule.source is not None and source is not None and contains(rule.source, source))


def _rank(route: Route) -> Tuple[int, int]:
    return -route.tos, route.metric


def _can_be_leg(route: Route) -> bool:
    return route.gateway is not None and not route.nexthop_id


def _same_hop(one: Route, other: Route) -> bool:
    return (one.gateway, one.ifindex) == (other.gateway, other.ifindex)


def _ifindexes(route: Route) -> Tuple[int, ...]:
    return tuple(nexthop.ifindex for nexthop in route.nexthops) or (route.ifindex,)


def _matches_4(spec: Route, there: Route) -> bool:
    """Whether a deletion's spec names this route: metric 0, no source, gateway and encapsulation match any."""
    return (
        (spec.tos, spec.scope, spec.kind, spec.protocol)
        == (there.tos, there.scope, there.kind or UNICAST, there.protocol)
        and spec.metric in (0, there.metric)
        and spec.source in (None, there.source)
        and (not spec.metrics or spec.metrics == there.metrics)
        and _matches_hops_4(spec, there)
    )


def _matches_hops_4(spec: Route, there: Route) -> bool:
    if spec.nexthop_id or there.nexthop_id:
        return spec.nexthop_id == there.nexthop_id
    hops = there.nexthops or (NextHop(there.gateway, there.ifindex),)
    if (
        spec.nexthops
    ):  # Each leg of the route has to be in its place in the spec; weights, flags and further legs don't count.
        return len(spec.nexthops) >= len(hops) and all(s[:2] == hop[:2] for s, hop in zip(spec.nexthops, hops))
    first = hops[0]
    return spec.ifindex in (0, first.ifindex) and spec.gateway in (None, first.gateway)


def _matches_6(spec: Route, there: Route) -> bool:
    """Protocol 0, metric 0 and no gateway match any, no nexthop object every route by one; kind, source and metrics
    aren't looked at."""
    if spec.protocol not in (0, there.protocol) or spec.metric not in (0, there.metric):
        return False
    if there.nexthop_id:
        return spec.nexthop_id in (0, there.nexthop_id)
    if spec.nexthop_id:
        return False
    return spec.ifindex in (0, there.ifindex) and spec.gateway in (None, there.gateway)
