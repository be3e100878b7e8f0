"""The scope: every table of up to three routes, and every document of two networks, that differ for the decision.

Two NICs that the metadata describes (eth0, eth1) and one that it doesn't (tun0). The metadata's order breaks their
symmetry, so network 0 is always eth0's: to exchange the NICs would be to exchange what the documents say of them.
Families don't meet in a decision: each is a scope of its own.
"""

from __future__ import annotations

import json
from itertools import combinations, islice, permutations, product
from typing import Dict, Iterator, List, NamedTuple, Optional, Set, Tuple

from guest_routes.evidence import network_data
from guest_routes.model.document import Document, Provenance
from guest_routes.model.evidence import Evidence
from guest_routes.model.network import (
    DEFAULT_PREFIX,
    OUR_PROTOCOL,
    PROTOCOL_DHCP,
    PROTOCOL_RA,
    Address,
    KernelState,
    NextHop,
    Nic,
    Prefix,
    Route,
    parse_address,
    parse_prefix,
)
from guest_routes.model.operations import RestoreDefault
from guest_routes.model.settings import Settings
from guest_routes.routing.elect import elect
from guest_routes.routing.resolve import resolve
from tests.support.iproute_text import KERNELS_OWN_RULES, connected_routes
from tests.support.model_kernel import ModelKernel
from tests.support.situations import document, mac, network

ETH0, ETH1, TUN0 = 2, 3, 4
DESCRIBED = frozenset((ETH0, ETH1))
STATIC, UNREACHABLE = 4, 7
PREFIXES = {4: ("10.65.0.", "11.8.0.", "10.200.0."), 6: ("fd00:65::", "fd00:8::", "fd00:200::")}
LENGTH = {4: 24, 6: 64}
DESTINATION = {4: parse_prefix("11.11.0.0/16"), 6: parse_prefix("fd11:11::/32")}


class Scope(NamedTuple):
    """A family, the metric of the settings, and the metrics that others have: below, equal to and above ours."""

    name: str
    family: int
    metric: int
    metrics: Tuple[int, ...]

    @property
    def settings(self) -> Settings:
        return Settings(metric=self.metric)


SCOPES = (
    Scope("ipv4", 4, 0, (0, 1)),
    Scope("ipv4-metric-100", 4, 100, (50, 100, 200)),
    Scope("ipv6", 6, 0, (1022, 1023, 1024)),
    Scope("ipv6-metric-1", 6, 1, (1, 2, 1024)),
)
"""What wins over IPv4's metric 0 stands in front of it; IPv6's 1 is the lowest there is."""


# ---- addresses and NICs -----------------------------------------------------------------------------


def gateway(family: int, nic: int) -> Address:
    return parse_address(f"{PREFIXES[family][nic - ETH0]}1")


def no_gateway(family: int) -> Address:
    """In eth1's subnet, and not its gateway."""
    return parse_address(f"{PREFIXES[family][1]}99")


def nics(family: int) -> Tuple[Nic, ...]:
    own = [parse_prefix(f"{prefix}7/{LENGTH[family]}") for prefix in PREFIXES[family]]
    macs = [bytes.fromhex(mac(name).replace(":", "")) for name in ("eth0", "eth1")] + [b"\x02\0\0\0\0\x07"]
    return tuple(
        Nic(index, name, macs[index - ETH0], addresses=(own[index - ETH0],))
        for index, name in ((ETH0, "eth0"), (ETH1, "eth1"), (TUN0, "tun0"))
    )


def nothing(family: int) -> KernelState:
    """A kernel with the NICs and their own routes."""
    there = nics(family)
    return KernelState(there, tuple(route for nic in there for route in connected_routes(nic)), KERNELS_OWN_RULES)


# ---- kinds of routes --------------------------------------------------------------------------------


def kinds(scope: Scope) -> List[Route]:
    """Each kind of route to either destination at each metric."""
    family = scope.family
    shapes = _defaults(family) + _host_routes(family)
    return [shape._replace(metric=metric) for shape in shapes for metric in scope.metrics] + _of_one_metric(scope)


def _via(destination: Prefix, nic: int, protocol: int, hop: Optional[Address] = None) -> Route:
    return Route(destination, hop or gateway(_family(destination), nic), nic, protocol=protocol)


def _family(destination: Prefix) -> int:
    return 4 if len(destination.address) == 4 else 6


def _defaults(family: int) -> List[Route]:
    to = DEFAULT_PREFIX[family]
    theirs = [_via(to, nic, STATIC) for nic in (ETH0, ETH1, TUN0)]
    elsewhere = [_via(to, ETH1, protocol, no_gateway(family)) for protocol in (STATIC, OUR_PROTOCOL)]
    ours = [_via(to, nic, OUR_PROTOCOL) for nic in (ETH0, ETH1)]
    return [*theirs, *elsewhere, *ours, *_multipath(to), *_unwritable(to)]


def _host_routes(family: int) -> List[Route]:
    to = DESTINATION[family]
    theirs = [_via(to, nic, STATIC) for nic in (ETH0, ETH1, TUN0)]
    ours = [_via(to, nic, OUR_PROTOCOL) for nic in (ETH0, ETH1)]
    return [*theirs, *ours, *_multipath(to)[:1], *_unwritable(to)[1:2]]


def _multipath(to: Prefix) -> List[Route]:
    """Of IPv4; those of IPv6 are routes of one metric."""
    family = _family(to)
    legs = ((ETH0, ETH1), (ETH0, TUN0), (TUN0, ETH1)) if family == 4 else ()
    hops = [tuple(NextHop(gateway(family, nic), nic) for nic in pair) for pair in legs]
    return [Route(to, None, 0, protocol=STATIC, nexthops=pair) for pair in hops]


def _unwritable(to: Prefix) -> List[Route]:
    """Encapsulated; for IPv6 without a gateway, which is no next hop of a multipath route."""
    plain = [_via(to, nic, STATIC)._replace(kind=0, unwritable="encap") for nic in (ETH0, ETH1, TUN0)]
    return plain if _family(to) == 4 else [route._replace(gateway=None) for route in plain]


def _of_one_metric(scope: Scope) -> List[Route]:
    """A default that leads nowhere, a router's, and a DHCP client's copy of a host route through the wrong NIC."""
    family = scope.family
    to, last = DEFAULT_PREFIX[family], scope.metrics[-1]
    nowhere = Route(to, None, 1 if family == 6 else 0, last, STATIC, kind=UNREACHABLE)
    copies = [
        Route(DESTINATION[family], gateway(family, other), nic, last, PROTOCOL_DHCP, onlink=True)
        for nic, other in ((ETH0, ETH1), (ETH1, ETH0))
    ]
    announced = [Route(to, parse_address("fe80::1"), nic, last, PROTOCOL_RA) for nic in (ETH0, ETH1)]
    return [nowhere, *copies, *(announced if family == 6 else ())]


# ---- tables -----------------------------------------------------------------------------------------


class Table(NamedTuple):
    """A kernel, and what of the scope is in it."""

    kernel: ModelKernel
    routes: Tuple[Route, ...]
    """Those of the scope, as they were added."""

    @property
    def has_defaults(self) -> bool:
        """Whether there is a default route."""
        return any(not route.destination.length for route in self.routes)

    @property
    def has_host_routes(self) -> bool:
        """Whether there is one to the destination that documents may list."""
        return any(route.destination.length for route in self.routes)


def tables(scope: Scope, most: int = 3, share: Tuple[int, int] = (1, 1)) -> Iterator[Table]:
    """Every table of up to so many routes, each once, made by the kernel's own rules: what can't be there isn't.

    Args:
        share: (N, M) for the Nth of M equal parts.
    """
    empty, (number, of) = nothing(scope.family), share
    for order in islice(_orders(kinds(scope), most), number - 1, None, of):
        kernel = ModelKernel(empty)
        if not kernel.apply([RestoreDefault(route) for route in order]):
            yield Table(kernel, order)


def _orders(of_scope: List[Route], most: int) -> Iterator[Tuple[Route, ...]]:
    """What is added, in its order, which tells tables apart only among routes to one destination at one metric."""
    for count in range(most + 1):
        for chosen in combinations(of_scope, count):
            for order in permutations(chosen):
                keys = [(route.destination, route.metric) for route in order]
                if all(one <= other for one, other in zip(keys, keys[1:])):
                    yield order


# ---- documents --------------------------------------------------------------------------------------


class Written(NamedTuple):
    """A document, and the evidence of it beside an empty table."""

    name: str
    evidence: Evidence
    about_host_routes: int
    """0: it lists none; 1: one, by eth1's gateway under network 0; 2: otherwise."""
    elected: object = None
    host_routes: object = None
    """What is decided about either, beside an empty table."""
    by_itself: bool = False
    """What it decides doesn't depend on the kernel's defaults."""


def documents(scope: Scope) -> List[Written]:
    """Every document whose decision differs from those of all before it, beside no default or one of any kind."""
    found: Dict[object, Written] = {}
    alone = (table for table in tables(scope._replace(metrics=scope.metrics[-1:]), 1) if not table.has_host_routes)
    states = [table.kernel.snapshot(254) for table in alone]
    for written in _every_document(scope.family):
        decisions = _decisions(written, scope, states)
        elected, host_routes = decisions[0]
        by_itself = len(set(decisions)) == 1
        found.setdefault(decisions, written._replace(elected=elected, host_routes=host_routes, by_itself=by_itself))
    return list(found.values())


def _decisions(written: Written, scope: Scope, states: List[KernelState]) -> Tuple[Tuple[object, object], ...]:
    """What the plan goes by; where in the document it stands makes no difference."""
    every: List[Tuple[object, object]] = []
    for state in states:
        evidence = written.evidence._replace(kernel=state)
        resolution = resolve(evidence, scope.settings)
        elected = elect(resolution, scope.settings, scope.family)
        nic = getattr(elected, "nic", None)
        default = (type(elected).__name__, nic and nic.ifindex, getattr(elected, "gateway", b""))
        every.append(((*default, getattr(elected, "wanted", None)), (
            tuple((one.host.destination, *one.next_hop.nic[:1], one.next_hop.gateway) for one in resolution.resolved),
            tuple((one.host.destination, one.kind) for one in resolution.unresolved),
        )))  # fmt: skip
    return tuple(every)


def _every_document(family: int) -> Iterator[Written]:
    """Default entries of either network, and the host route under either, both or none of them."""
    prefixes = PREFIXES[family]
    hops = {"gateway0": f"{prefixes[0]}1", "gateway1": f"{prefixes[1]}1", "no gateway": f"{prefixes[1]}99"}
    to = str(DESTINATION[family])
    named = [("none", ""), *hops.items()]
    for listed in product(named, named, named, named):
        (name0, default0), (name1, default1), (host_name0, host0), (host_name1, host1) = listed
        networks = [
            network(nic, f"{prefix}7/{LENGTH[family]}", *_entries(default, to, host))
            for nic, prefix, default, host in (
                ("eth0", prefixes[0], default0, host0), ("eth1", prefixes[1], default1, host1)
            )
        ]  # fmt: skip
        text = f"defaults by {name0}, {name1}; host route by {host_name0}, {host_name1}"
        about = 0 if not (host0 or host1) else 1 if (host_name0, host_name1) == ("gateway1", "none") else 2
        data = document(networks)
        evidence = Evidence(
            Document(data, Provenance("argument", "a document of the scope")),
            network_data.parse(data),
            nothing(family),
            known_macs=tuple(bytes.fromhex(mac(nic).replace(":", "")) for nic in ("eth0", "eth1")),
        )
        yield Written(text, evidence, about)


def _entries(default: str, to: str, host: str) -> List[str]:
    return [f"default {default}"] * bool(default) + [f"{to} {host}"] * bool(host)


def listed(written: Written) -> str:
    """The document itself, for a report."""
    return json.dumps(json.loads(written.evidence.document.data)["networks"])


def situations(scope: Scope, most: int = 3, share: Tuple[int, int] = (1, 1)) -> Iterator[Tuple[Table, List[Written]]]:
    """Every situation: each table with its documents, but for those that repeat others.

    Where a table has no route to the destination, that of the document can only be added: whether it lists one makes a
    difference, and which doesn't. Where it has defaults as well as host routes, and the document decides by itself,
    each decision about either meets each table, not each decision about the other: they don't meet in a plan.
    """
    every = documents(scope)
    few = [written for written in every if written.about_host_routes < 2]
    mixed = list(_one_of_each(every))
    for table in tables(scope, most, share):
        yield table, few if not table.has_host_routes else mixed if table.has_defaults else every


def _one_of_each(every: List[Written]) -> Iterator[Written]:
    """Those that depend on the kernel's defaults; of the others one of each decision about either."""
    seen: Set[object] = set()
    for written in every:
        parts = {("default", written.elected), ("host routes", written.host_routes)}
        if not written.by_itself or parts - seen:
            seen |= parts
            yield written
