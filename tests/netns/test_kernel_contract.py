"""One contract for both engines and for the value model of the kernel.

Each test runs on each engine. The model starts from the engine's snapshot, is given the same operations, and
has to end with the same failures (the kernel's words included), the same snapshot and the same lookups; the
other engine reads the result as a second witness.
"""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Iterator, List, Optional, Sequence, Tuple

import netifaces
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from guest_routes.kernel.engine import Kernel
from guest_routes.kernel.open import open_kernel
from guest_routes.model.network import (
    MAIN_TABLE,
    OUR_PROTOCOL,
    Address,
    NextHop,
    Prefix,
    Route,
    Rule,
    address_text,
    mac_text,
    parse_address,
    parse_prefix,
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
from guest_routes.model.settings import ENGINES
from guest_routes.model.source_routing import AddRule, RemoveRoute, RemoveRule, SetRoute, SourceOperation
from guest_routes.routing.planning.deletions import is_deleted_for, is_named_by_protocol
from guest_routes.routing.source_routing.equal import joined
from tests.support import sandbox
from tests.support.lab import MACS, Lab
from tests.support.model_kernel import ModelKernel

STATIC = 4


def route(destination: str, via: Optional[str], ifindex: int, **fields: Any) -> Route:
    """`route("11.11.0.0/16", "11.8.0.1", 3, metric=5)`"""
    prefix = parse_prefix("::/0") if destination == "default6" else parse_prefix(destination)
    return Route(prefix, parse_address(via) if via else None, ifindex)._replace(**fields)


class World:
    """An engine, the other one as witness, and the model, in one namespace."""

    def __init__(self, engine: str, table: int = MAIN_TABLE) -> None:
        (other,) = (name for name in ENGINES if name != engine)
        self.kernel: Kernel = open_kernel(engine)
        self.witness: Kernel = open_kernel(other)
        self.table = table
        self.model = ModelKernel(self.kernel.snapshot(table))

    def follow(self) -> None:
        """Begins anew from what somebody else changed."""
        self.model = ModelKernel(self.kernel.snapshot(self.table))

    def apply(self, *operations: Operation) -> Tuple[Failure, ...]:
        failures = self.apply_unwitnessed(*operations)
        self.compare()
        return failures

    def apply_unwitnessed(self, *operations: Operation) -> Tuple[Failure, ...]:
        failures = self.kernel.apply(operations)
        assert self.model.apply(operations) == failures
        assert self.model.snapshot(self.table) == self.kernel.snapshot(self.table)
        return failures

    def compare(self) -> None:
        seen = self.kernel.snapshot(self.table)
        assert self.witness.snapshot(self.table) == seen
        assert self.model.snapshot(self.table) == seen

    def routes(self, protocol: int = OUR_PROTOCOL) -> List[Route]:
        return [found for found in self.kernel.snapshot(self.table).routes if found.protocol == protocol]

    def lookup(self, *addresses: str) -> List[Tuple[int, Optional[str]]]:
        """NIC and gateway for each address, as all three say."""
        asked = [parse_address(address) for address in addresses]
        answers = [engine.lookup(asked) for engine in (self.kernel, self.witness, self.model)]
        for each in answers:
            assert all(bool(answer.error) == (answer.ifindex == 0) for answer in each)
        said = [[(a.ifindex, address_text(a.gateway) if a.gateway else None) for a in each] for each in answers]
        assert said[0] == said[1] == said[2]
        assert [a.table for a in answers[0] if not a.error] == [a.table for a in answers[1] if not a.error]
        return said[0]

    def close(self) -> None:
        self.kernel.close()
        self.witness.close()


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def world(lab: Lab, engine: str) -> Iterator[World]:
    """The documented NICs (eth0 is 2, eth1 is 3) with both families, and eth2 (4), which is down."""
    lab.nic("eth0", MACS[0], "10.65.0.7/24", "fd00:65::7/64", gateways=("10.65.0.1/24", "fd00:65::1/64"))
    lab.nic("eth1", MACS[1], "11.8.0.9/24", "fd00:8::9/64", gateways=("11.8.0.1/24", "fd00:8::1/64"))
    lab.nic("eth2", MACS[2], "10.99.0.2/24", up=False)
    made = World(engine)
    assert [nic.ifindex for nic in made.kernel.nics()] == [2, 3, 4]
    yield made
    made.close()


def errnos(failures: Sequence[Failure]) -> List[int]:
    return [failure.errno for failure in failures]


# ---- adding and deleting ----------------------------------------------------------------------------


def test_the_documented_route(world: World, lab: Lab) -> None:
    assert world.apply(Add(route("11.11.0.0/16", "11.8.0.1", 3))) == ()
    assert "11.11.0.0/16 via 11.8.0.1 dev eth1 proto 121" in lab.routes()
    assert world.lookup("11.11.3.4", "11.8.0.77", "10.65.0.7", "192.0.2.1") == [
        (3, "11.8.0.1"), (3, None), (1, None), (0, None),
    ]  # fmt: skip
    assert world.apply(Delete(route("11.11.0.0/16", "11.8.0.1", 3))) == ()
    assert world.routes() == []


def test_an_ipv4_route_goes_before_others_of_its_key(world: World, lab: Lab) -> None:
    lab.ip("route", "add", "10.9.0.0/16", "via", "10.65.0.1", "proto", "static")
    lab.ip("route", "add", "10.9.0.0/16", "via", "10.65.0.2", "metric", "7")
    world.follow()
    ours = route("10.9.0.0/16", "11.8.0.1", 3)
    assert world.apply(Add(ours)) == ()
    lines = [line for line in lab.routes() if line.startswith("10.9.")]
    assert lines == [
        "10.9.0.0/16 via 11.8.0.1 dev eth1 proto 121",
        "10.9.0.0/16 via 10.65.0.1 dev eth0 proto static",
        "10.9.0.0/16 via 10.65.0.2 dev eth0 metric 7",
    ]
    assert world.lookup("10.9.1.1") == [(3, "11.8.0.1")]
    assert world.apply(Delete(ours)) == ()
    assert world.lookup("10.9.1.1") == [(2, "10.65.0.1")]


def test_front_moves_our_route_before_a_later_one(world: World, lab: Lab) -> None:
    ours = route("10.9.0.0/16", "11.8.0.1", 3)
    world.apply(Add(ours))
    lab.ip("route", "prepend", "10.9.0.0/16", "via", "10.65.0.1", "proto", "static")
    world.follow()
    assert world.lookup("10.9.1.1") == [(2, "10.65.0.1")]
    assert world.apply(Promote(ours)) == ()
    assert world.lookup("10.9.1.1") == [(3, "11.8.0.1")]
    assert len([line for line in lab.routes() if line.startswith("10.9.")]) == 2


def test_front_of_a_route_that_is_gone_just_adds_it(world: World) -> None:
    assert world.apply(Promote(route("10.9.0.0/16", "11.8.0.1", 3))) == ()
    assert world.lookup("10.9.1.1") == [(3, "11.8.0.1")]


def test_equal_routes_exist_already(world: World) -> None:
    for ours in (route("10.9.0.0/16", "11.8.0.1", 3), route("fd01::/32", "fd00:8::1", 3)):
        assert world.apply(Add(ours)) == ()
        assert errnos(world.apply(Add(ours), Add(ours))) == [errno.EEXIST, errno.EEXIST]


def test_an_ipv6_route_of_an_equal_key_is_refused_never_merged(world: World, lab: Lab) -> None:
    lab.ip("-6", "route", "add", "fd01::/32", "via", "fd00:65::1")
    world.follow()
    assert errnos(world.apply(Add(route("fd01::/32", "fd00:8::1", 3)))) == [errno.EEXIST]
    assert world.apply(Add(route("fd01::/32", "fd00:8::1", 3, metric=512))) == ()
    assert [found.metric for found in world.routes()] == [512]
    assert world.lookup("fd01::1") == [(3, "fd00:8::1")]


def test_ipv6_metric_0_is_1024(world: World) -> None:
    world.apply(Add(route("fd01::/32", "fd00:8::1", 3)))
    assert [found.metric for found in world.routes()] == [1024]


def test_a_link_local_gateway(world: World) -> None:
    assert world.apply(Add(route("fd01::/32", "fe80::a9fe:a9fe", 2))) == ()
    assert world.lookup("fd01::1") == [(2, "fe80::a9fe:a9fe")]


def test_dump_order_of_nested_prefixes(world: World) -> None:
    ipv4 = ("10.0.0.0/8", "10.0.0.0/16", "10.128.0.0/9", "0.0.0.0/0", "10.0.0.0/32", "128.0.0.0/1", "0.0.0.0/1")
    ipv6 = ("fd00::/8", "fd01::/16", "fd01::/64", "::/0", "fdff::/16", "fd01:0:0:1::/64", "8000::/1", "fd01::1/128")
    operations = [Add(route(prefix, "10.65.0.1", 2)) for prefix in ipv4]
    operations += [Add(Route(parse_prefix(prefix), parse_address("fd00:65::1"), 2)) for prefix in ipv6]
    assert world.apply(*operations) == ()
    assert len(world.routes()) == len(ipv4) + len(ipv6)


def test_tos_and_metric_are_part_of_an_ipv4_key(world: World) -> None:
    routes = [
        route("10.9.0.0/16", gateway, 2, tos=tos, metric=metric)
        for gateway in ("10.65.0.1", "10.65.0.2") for tos in (0, 16, 8) for metric in (0, 9, 3)
    ]  # fmt: skip
    assert world.apply(*map(Add, routes)) == ()
    assert world.apply(*map(Delete, routes[::2])) == ()


def test_deleting_what_is_gone_is_no_failure(world: World) -> None:
    for gone in (route("10.9.0.0/16", "11.8.0.1", 3), route("fd01::/32", "fd00:8::1", 3)):
        assert world.apply(Delete(gone), RemoveForeignDefault(gone), Delete(gone._replace(table=77))) == ()


def test_foreign_routes_are_untouched(world: World, lab: Lab) -> None:
    lab.ip("route", "add", "10.9.0.0/16", "via", "11.8.0.1", "proto", "static")
    lab.ip("-6", "route", "add", "fd01::/32", "via", "fd00:8::1", "proto", "static")
    world.follow()
    before = lab.routes(), lab.routes(6)
    assert world.apply(Delete(route("10.9.0.0/16", "11.8.0.1", 3)), Delete(route("fd01::/32", "fd00:8::1", 3))) == ()
    assert (lab.routes(), lab.routes(6)) == before


def test_deleting_metric_0_takes_the_best_of_that_hop(world: World) -> None:
    world.apply(Add(route("10.9.0.0/16", "11.8.0.1", 3, metric=9)))
    world.apply(Delete(route("10.9.0.0/16", "11.8.0.1", 3)))
    assert world.routes() == []


# ---- what the kernel refuses ------------------------------------------------------------------------


def test_a_gateway_through_the_wrong_nic(world: World) -> None:
    (failure,) = world.apply(Add(route("11.11.0.0/16", "11.8.0.1", 2)))
    assert (failure.errno, failure.text) == (errno.ENETUNREACH, "Nexthop has invalid gateway")
    (failure,) = world.apply(Add(route("fd01::/32", "fd00:8::1", 2)))
    assert (failure.errno, failure.text) == (errno.EHOSTUNREACH, "No route to host")


def test_onlink_reaches_any_gateway(world: World, lab: Lab) -> None:
    assert world.apply(Add(route("11.11.0.0/16", "192.0.2.1", 3, onlink=True))) == ()
    assert world.apply(Add(route("fd01::/32", "fd99::1", 3, onlink=True))) == ()
    assert "11.11.0.0/16 via 192.0.2.1 dev eth1 proto 121 onlink" in lab.routes()
    assert "fd01::/32 via fd99::1 dev eth1 proto 121 metric 1024 onlink pref medium" in lab.routes(6)
    assert [found.onlink for found in world.routes()] == [True, True]


def test_a_gateway_behind_a_link_route(world: World, lab: Lab) -> None:
    lab.ip("route", "add", "192.0.2.1", "dev", "eth1")
    world.follow()
    assert world.apply(Add(route("11.11.0.0/16", "192.0.2.1", 3))) == ()
    assert errnos(world.apply(Add(route("11.11.0.0/16", "192.0.2.1", 2)))) == [errno.ENETUNREACH]


def test_a_nic_that_is_down(world: World) -> None:
    failures = world.apply(
        Add(route("11.11.0.0/16", "10.99.0.1", 4, onlink=True)),
        Add(route("11.12.0.0/16", None, 4, scope=253)),
        Add(route("fd01::/32", "fe80::1", 4)),
    )
    assert errnos(failures) == [errno.ENETDOWN] * 3


def test_a_nic_that_vanished(world: World, lab: Lab) -> None:
    lab.ip("link", "delete", "eth1")
    world.follow()
    failures = world.apply(
        Add(route("11.11.0.0/16", None, 3, scope=253)),
        Add(route("11.11.0.0/16", "11.8.0.1", 3, onlink=True)),
        Add(route("fd01::/32", "fd00:8::1", 3)),
        Add(route("fd01::/32", None, 3)),
        Add(route("11.11.0.0/16", "11.8.0.1", 3)),
    )
    assert errnos(failures) == [errno.ENODEV] * 4 + [errno.ENETUNREACH]


def test_a_source_that_is_no_own_address(world: World) -> None:
    failures = world.apply(
        Add(route("11.11.0.0/16", "11.8.0.1", 3, source=parse_address("192.0.2.9"))),
        Add(route("fd01::/32", "fd00:8::1", 3, source=parse_address("fd99::9"))),
    )
    assert errnos(failures) == [errno.EINVAL] * 2


def test_without_privileges_every_operation_fails(lab: Lab) -> None:
    lab.documented_nics()
    code = (
        "from guest_routes.kernel.open import open_kernel; from guest_routes.model.network import *; import sys;"
        "from guest_routes.model.operations import *;"
        "r = Route(parse_prefix('11.11.0.0/16'), parse_address('11.8.0.1'), 3);"
        "print([f.errno for f in open_kernel(sys.argv[1]).apply([Add(r), Delete(r)])])"
    )
    for engine in ENGINES:
        command = [
            "setpriv",
            "--bounding-set",
            "-net_admin",
            "--inh-caps",
            "-net_admin",
            "--",
            sys.executable,
            "-c",
            code,
        ]
        done = subprocess.run([*command, engine], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == f"[{errno.EPERM}, {errno.EPERM}]"


# ---- defaults ---------------------------------------------------------------------------------------


SIX_HOPS = "-6 route add default nexthop via fd00:65::1 dev eth0 nexthop via fd00:8::1 dev eth1"
SIX = "-6 route add default via fd00:8::1 dev eth1 proto static mtu 1400"
DEFAULTS = [
    "route add default via 11.8.0.1 dev eth1",
    "route add default via 11.8.0.1 dev eth1 proto dhcp src 11.8.0.9 metric 100 mtu 1400 advmss 1300",
    "route add default via 11.8.0.1 dev eth1 proto static mtu lock 1400 window 9000",
    "route add default via 192.0.2.1 dev eth1 onlink proto static",
    "route add default dev eth1 scope link metric 5",
    "route add default tos 0x10 via 11.8.0.1 dev eth1",
    "route add default via inet6 fe80::1 dev eth1",
    "route add default nexthop via 10.65.0.1 dev eth0 weight 3 nexthop via 11.8.0.1 dev eth1 onlink",
    "route add default via 11.8.0.1 dev eth1 congctl lock reno mtu lock 1400",
    "route add default via 11.8.0.1 dev eth1 realms 3/4 quickack 1 fastopen_no_cookie 1",
    "route add default nexthop via 10.65.0.1 dev eth0 realm 3 nexthop via 11.8.0.1 dev eth1 weight 256 realms 4/5",
    "route add default nexthop via inet6 fe80::1 dev eth1 nexthop via inet6 fe80::1 dev eth0 weight 2",
    "route add blackhole default metric 4000",
    SIX,
    "-6 route add default via fe80::1 dev eth1 proto ra metric 100 pref high",
    "-6 route add default via fe80::1 dev eth1 pref low src fd00:8::9 hoplimit 9",
    "-6 route add default dev eth1 metric 7",
    SIX_HOPS,
    "-6 route add default nexthop via fd00:65::1 dev eth0 weight 3 nexthop via fd00:8::1 dev eth1 weight 256",
    "-6 route add default via fd00:8::1 dev eth1 congctl reno",
    "-6 route add unreachable default metric 4000",
]


@pytest.mark.parametrize("command", DEFAULTS)
def test_a_default_taken_and_given_back_is_the_same_to_the_byte(world: World, lab: Lab, command: str) -> None:
    lab.ip(*command.split())
    world.follow()
    before = lab.routes(), lab.routes(6)
    defaults = [found for found in world.kernel.snapshot(MAIN_TABLE).routes if found.destination.is_default]
    assert defaults
    assert all(found.kind for found in defaults)
    assert world.apply(*map(RemoveForeignDefault, defaults)) == ()
    assert not any(found.destination.is_default for found in world.kernel.snapshot(MAIN_TABLE).routes)
    assert world.apply(*map(RestoreDefault, defaults)) == ()
    assert (lab.routes(), lab.routes(6)) == before


def test_of_two_equal_defaults_one_is_taken(world: World, lab: Lab) -> None:
    lab.ip("route", "add", "default", "via", "10.65.0.1")
    lab.ip("route", "append", "default", "via", "11.8.0.1")
    lab.ip("-6", "route", "add", "default", "via", "fd00:65::1")
    lab.ip("-6", "route", "append", "default", "via", "fd00:8::1")
    world.follow()
    before = lab.routes(), lab.routes(6)
    second = [found for found in world.kernel.snapshot(MAIN_TABLE).routes if found.destination.is_default][1::2]
    assert [found.ifindex for found in second] == [3, 3]
    assert world.apply(*map(RemoveForeignDefault, second)) == ()
    assert world.lookup("192.0.2.1", "2001:db8::1") == [(2, "10.65.0.1"), (2, "fd00:65::1")]
    assert world.apply(*map(RestoreDefault, second)) == ()
    assert (lab.routes(), lab.routes(6)) == before


def test_where_a_default_of_ours_goes_among_its_equals(world: World, lab: Lab) -> None:
    lab.ip("route", "add", "default", "via", "11.8.0.1")
    world.follow()
    ours = route("0.0.0.0/0", "10.65.0.1", 2)
    refused = world.apply(Add(ours, "", "alone"))
    assert [failure.errno for failure in refused] == [errno.EEXIST]
    assert world.apply(Add(ours, "", "behind")) == ()
    assert world.lookup("192.0.2.1") == [(3, "11.8.0.1")]
    assert world.apply(Delete(ours), Add(ours, "", "before")) == ()
    assert world.lookup("192.0.2.1") == [(2, "10.65.0.1")]
    assert world.apply(Add(ours._replace(metric=5), "", "alone"), Add(ours._replace(metric=6), "", "behind")) == ()


def test_an_ipv4_multipath_default_is_one_route_with_legs(world: World, lab: Lab) -> None:
    lab.ip(*DEFAULTS[7].split())
    world.follow()
    (found,) = (found for found in world.kernel.snapshot(MAIN_TABLE).routes if found.destination.is_default)
    assert (found.gateway, found.ifindex) == (None, 0)
    assert found.nexthops == (
        NextHop(parse_address("10.65.0.1"), 2, 3),
        NextHop(parse_address("11.8.0.1"), 3, 1, onlink=True),
    )
    single = found._replace(gateway=found.nexthops[0].gateway, ifindex=2, nexthops=())
    assert world.apply(RemoveForeignDefault(found), RestoreDefault(single)) == ()
    assert world.lookup("192.0.2.1") == [(2, "10.65.0.1")]


def test_a_default_comes_back_before_or_behind_its_equals_and_moves(world: World, lab: Lab) -> None:
    lab.ip("route", "add", "default", "via", "10.65.0.1", "proto", "static")
    world.follow()
    first = route("0.0.0.0/0", "11.8.0.1", 3, protocol=STATIC)
    last, there = first._replace(gateway=parse_address("11.8.0.2")), route("0.0.0.0/0", "10.65.0.1", 2, protocol=STATIC)
    assert world.apply(RestoreDefault(last), RestoreDefault(first, before=True)) == ()
    defaults = [found for found in world.routes(STATIC) if found.destination.is_default]
    assert defaults == [first, there, last]
    assert world.apply(MoveDefault(first), MoveDefault(last, before=True)) == ()
    assert [found for found in world.routes(STATIC) if found.destination.is_default] == [last, there, first]
    # What is gone meanwhile is put there all the same.
    assert world.apply(RemoveForeignDefault(there), MoveDefault(there)) == ()
    assert [found for found in world.routes(STATIC) if found.destination.is_default] == [last, first, there]


def test_an_ipv6_multipath_default_is_replaced_at_once(world: World, lab: Lab) -> None:
    lab.ip("-6", "route", "add", "default", "via", "fd00:65::1", "proto", "static")
    world.follow()
    hops = NextHop(parse_address("fd00:8::1"), 3, 2), NextHop(parse_address("fd00:65::1"), 2, 3)
    whole = Route(Prefix(bytes(16), 0), None, 0, 1024, STATIC, nexthops=hops)
    assert world.apply(RestoreDefault(whole, instead=True)) == ()
    shown = [line.split() for line in lab.routes(6) if "nexthop" in line]
    assert [(words[2], words[6]) for words in shown] == [("fd00:8::1", "2"), ("fd00:65::1", "3")]


def test_a_deletion_by_legs_looks_at_neither_weights_nor_further_legs(world: World, lab: Lab) -> None:
    """A hazard of the kernel's: only protocol, scope and the like keep such a deletion from a foreign route."""
    nexthops = NextHop(parse_address("10.65.0.1"), 2, 2), NextHop(parse_address("11.8.0.1"), 3)
    single = route("0.0.0.0/0", "10.65.0.1", 2)
    both = route("0.0.0.0/0", None, 0, nexthops=nexthops)
    world.apply(Add(both), RemoveForeignDefault(both._replace(nexthops=(nexthops[0]._replace(weight=1), nexthops[1]))))
    assert world.routes() == []
    world.apply(Add(single), RemoveForeignDefault(both))
    assert world.routes() == []
    world.apply(Add(both), RemoveForeignDefault(single))
    assert world.routes() == []


def test_an_ipv6_multipath_default_is_a_route_per_leg(world: World, lab: Lab) -> None:
    lab.ip(*SIX_HOPS.split())
    world.follow()
    nexthops = [found for found in world.kernel.snapshot(MAIN_TABLE).routes if found.destination.is_default]
    assert [(found.ifindex, found.nexthops) for found in nexthops] == [(2, ()), (3, ())]
    assert world.apply(RemoveForeignDefault(nexthops[0])) == ()
    assert world.lookup("2001:db8::1") == [(3, "fd00:8::1")]


def test_legs_of_two_programs_show_the_first_ones_protocol(world: World, lab: Lab) -> None:
    """The kernel keeps a leg's own protocol, shows the first's, and deletes by its own."""
    lab.ip("-6", "route", "add", "default", "via", "fd00:65::1", "proto", "static")
    world.follow()
    ours = Route(Prefix(bytes(16), 0), parse_address("fd00:8::1"), 3)
    assert world.apply(RestoreDefault(ours)) == ()
    assert [f.protocol for f in world.kernel.snapshot(MAIN_TABLE).routes if f.destination.is_default] == [
        STATIC,
        STATIC,
    ]
    assert world.apply(Delete(ours._replace(protocol=STATIC))) == ()
    assert world.apply(Delete(ours)) == ()


# ---- nexthop objects, tables, kinds, rules ----------------------------------------------------------


@pytest.mark.parametrize("compatible", ["1", "0"])
def test_nexthop_groups(world: World, lab: Lab, compatible: str) -> None:
    """A group is one route of either family, with its next hops whatever the dump shows, and goes as a whole."""
    Path("/proc/sys/net/ipv4/nexthop_compat_mode").write_text(compatible)
    for family, first, second in ((4, "10.65.0.1", "11.8.0.1"), (6, "fd00:65::1", "fd00:8::1")):
        lab.ip(*f"-{family} nexthop add id {family}1 via {first} dev eth0".split())
        lab.ip(*f"-{family} nexthop add id {family}2 via {second} dev eth1".split())
        lab.ip(*f"nexthop add id {family}0 group {family}1,3/{family}2".split())
        lab.ip(*f"-{family} route add default nhid {family}0 metric 7".split())
    lab.ip("nexthop", "add", "id", "9", "blackhole")
    lab.ip("route", "add", "default", "nhid", "9", "metric", "8")
    world.follow()
    before = lab.routes(), lab.routes(6)
    found = [one for one in world.kernel.snapshot(MAIN_TABLE).routes if one.nexthop_id]
    assert [(one.nexthop_id, one.ifindex, [hop[1:3] for hop in one.nexthops]) for one in found] == [
        (40, 0, [(2, 3), (3, 1)]), (9, 0, []), (60, 0, [(2, 3), (3, 1)]),
    ]  # fmt: skip
    found = [one for one in found if one.kind == 1]  # A blackhole leads through no NIC, and stays.
    assert world.apply(*map(RemoveForeignDefault, found)) == ()
    assert not [one for one in world.kernel.snapshot(MAIN_TABLE).routes if one.nexthop_id and one.kind == 1]
    assert world.apply(*map(RestoreDefault, found)) == ()
    assert (lab.routes(), lab.routes(6)) == before


def test_nexthop_objects(world: World, lab: Lab) -> None:
    lab.ip("nexthop", "add", "id", "7", "via", "11.8.0.1", "dev", "eth1")
    lab.ip("nexthop", "add", "id", "8", "via", "fd00:8::1", "dev", "eth1")
    lab.ip("route", "add", "default", "nhid", "7", "proto", "static")
    lab.ip("-6", "route", "add", "default", "nhid", "8", "proto", "static")
    world.follow()
    before = lab.routes(), lab.routes(6)
    objects = [found for found in world.kernel.snapshot(MAIN_TABLE).routes if found.nexthop_id]
    assert [(found.nexthop_id, found.ifindex) for found in objects] == [(7, 3), (8, 3)]
    assert world.apply(*map(RemoveForeignDefault, objects)) == ()
    assert world.apply(*map(RestoreDefault, objects)) == ()
    assert (lab.routes(), lab.routes(6)) == before
    assert errnos(world.apply(Add(route("11.11.0.0/16", None, 0, nexthop_id=99)))) == [errno.EINVAL]


@pytest.mark.parametrize(
    "hop", ["via fd00:8::2 dev eth1", "via fd00:65::2 dev eth0", "via fe80::2 dev eth1", "dev eth1", "group 6/5"]
)
def test_what_a_dump_leaves_out(world: World, lab: Lab, hop: str) -> None:
    """A default by a nexthop object between two next hops; a request to delete the second of these would delete it."""
    lab.ip(*"-6 nexthop add id 5 via fd00:65::3 dev eth0".split())
    lab.ip(*"-6 nexthop add id 6 via fd00:8::3 dev eth1".split())
    lab.ip(*([] if "group" in hop else ["-6"]), "nexthop", "add", "id", "7", *hop.split())
    lab.ip(*"-6 route add default nhid 7 metric 9".split())
    world.follow()
    (by_object,) = (one for one in world.kernel.snapshot(MAIN_TABLE).routes if one.destination.is_default)
    first, second = (route("default6", via, 3, metric=9, protocol=STATIC) for via in ("fd00:8::1", "fd00:8::a"))
    elsewhere = [one._replace(table=77) for one in (first, second)]
    world.kernel.apply([*map(RestoreDefault, elsewhere), RemoveForeignDefault(by_object)])
    world.follow()
    assert world.apply(RestoreDefault(first)) == ()
    assert world.apply(RestoreDefault(by_object)) == ()
    assert world.apply(RestoreDefault(second)) == ()
    shown = [one for one in world.kernel.snapshot(MAIN_TABLE).routes if one.destination.is_default]
    assert [(one.unwritable, bool(one.nexthop_id)) for one in shown] == [("", False), ("hidden", True), ("", False)]
    assert is_deleted_for([shown[1]], shown[2], shown) and not is_deleted_for(shown[1:], shown[0], shown)
    assert world.apply(RemoveForeignDefault(first)) == ()
    assert [one for one in world.kernel.snapshot(MAIN_TABLE).routes if one.nexthop_id] == [by_object]


@pytest.mark.parametrize("hop", ["via 11.8.0.1 dev eth1", "blackhole"])
def test_twins_by_a_nexthop_object(world: World, lab: Lab, hop: str) -> None:
    """One without metrics beside one that has some; a blackhole's are unicast to the kernel, and can be moved."""
    lab.ip("nexthop", "add", "id", "7", *hop.split())
    lab.ip(*"route add default nhid 7 proto static".split())
    lab.ip(*"route append default nhid 7 proto static mtu 1400".split())
    lab.ip(*"route append 10.9.0.0/16 nhid 7 proto static mtu 1300".split())
    world.follow()
    bare, other = (one for one in world.kernel.snapshot(MAIN_TABLE).routes if one.destination.is_default)

    def there() -> List[Route]:
        return [one for one in world.kernel.snapshot(MAIN_TABLE).routes if one.nexthop_id]

    narrower = there()[-1]
    assert world.apply(RemoveForeignDefault(bare)) == ()
    assert there() == [other, narrower]
    assert world.apply(RestoreDefault(bare)) == ()
    assert there() == [other, bare, narrower]
    assert errnos(world.apply(RestoreDefault(bare))) == [errno.EEXIST]
    assert world.apply(MoveDefault(other)) == ()
    assert there() == [bare, other, narrower]
    assert world.apply(MoveDefault(bare, before=False)) == ()  # The first by the object goes, which it is.
    assert there() == [other, bare, narrower]
    assert is_deleted_for([other], bare, there())
    assert world.apply(RemoveForeignDefault(bare)) == ()
    assert there() == [bare, narrower]


@pytest.mark.parametrize("table", [100, 1000])
def test_another_table(lab: Lab, engine: str, table: int) -> None:
    lab.documented_nics()
    world = World(engine, table)
    main = lab.routes()
    assert world.kernel.snapshot(table).routes == ()
    ours = route("11.11.0.0/16", "11.8.0.1", 3, table=table), route("fd01::/32", "fe80::1", 3, table=table)
    assert world.apply(*map(Add, ours)) == ()
    assert [found.table for found in world.routes()] == [table, table]
    assert (lab.routes(), len(lab.routes(4, str(table)))) == (main, 1)
    assert world.lookup("11.11.3.4") == [(0, None)]
    lab.ip("rule", "add", "lookup", str(table), "priority", "100")
    world.follow()
    assert world.lookup("11.11.3.4") == [(3, "11.8.0.1")]
    assert [answer.table for answer in world.kernel.lookup([parse_address("11.11.3.4")])] == [table]
    assert world.apply(*map(Delete, ours)) == ()
    world.close()


def test_blackholes_and_their_like(world: World, lab: Lab) -> None:
    for number, kind in enumerate(("blackhole", "unreachable", "prohibit", "throw")):
        lab.ip("route", "add", kind, f"10.9.{number}.0/24")
        lab.ip("-6", "route", "add", kind, f"fd01:{number}::/64")
    world.follow()
    world.compare()
    kinds = [found.kind for found in world.routes(protocol=3)]
    assert kinds == [6, 7, 8, 9] * 2
    assert world.apply(Add(route("10.9.0.0/16", "11.8.0.1", 3)), Add(route("fd01::/16", "fd00:8::1", 3))) == ()
    said = world.lookup(
        "10.9.0.1", "10.9.1.1", "10.9.2.1", "10.9.9.1", "fd01:0::1", "fd01:1::1", "fd01:2::1", "fd01:9::1"
    )
    assert said == [(0, None)] * 3 + [(3, "11.8.0.1")] + [(0, None)] * 3 + [(3, "fd00:8::1")]


UNREPLAYABLE = [
    "route add 10.9.0.0/16 encap ip id 1 dst 10.65.0.1 dev eth0",
    "-6 route add fd01::/32 from fd02::/32 via fd00:8::1",
    "-6 route add fd01::/32 encap seg6 mode encap segs fd00:8::1 dev eth1",
    "-6 route add fd01::/32 encap mpls 100 via fd00:8::1 dev eth1",
]


@pytest.mark.parametrize("command", UNREPLAYABLE)
def test_what_cannot_be_written_back_the_same_has_kind_0(world: World, lab: Lab, command: str) -> None:
    try:
        lab.ip(*command.split())
    except subprocess.CalledProcessError as refused:
        pytest.skip(f"this kernel can't: {refused.stderr.strip()}")
    (found,) = world.routes(protocol=3)
    assert found.kind == 0
    assert world.witness.snapshot(MAIN_TABLE) == world.kernel.snapshot(MAIN_TABLE)


@pytest.mark.parametrize("order", [1, -1])
def test_a_next_hop_of_an_ipv6_route_is_encapsulated_by_itself(world: World, lab: Lab, order: int) -> None:
    for text in ("encap ip6 id 1 dst fd00:65::5 via fd00:8::1 dev eth1", "via fd00:8::1 dev eth1")[::order]:
        lab.ip("-6", "route", "append", "fd01::/32", "proto", "static", *text.split())
    world.follow()
    world.compare()
    assert [one.unwritable for one in world.routes(protocol=4)] == ["encap", ""][::order]
    plain = next(one for one in world.routes(protocol=4) if not one.unwritable)
    world.apply(RemoveForeignDefault(plain))  # The request can't say: not encapsulated.
    assert [one.unwritable for one in world.routes(protocol=4)] == [["", "encap"][::order][0]]


@pytest.mark.parametrize(
    "hops", ["via 11.8.0.1 dev eth1", "nexthop via 11.8.0.1 dev eth1 nexthop via 11.8.0.2 dev eth1"]
)
def test_a_deletion_takes_an_encapsulated_route_that_fits(world: World, lab: Lab, hops: str) -> None:
    """The request has no way to say: not encapsulated."""
    for text in ("encap ip id 1 dst 10.65.0.1 via 11.8.0.1 dev eth1", hops):
        lab.ip("route", "append", "10.9.0.0/16", "proto", "static", *text.split())
    world.follow()
    _, plain = world.routes(protocol=4)
    assert world.apply(RemoveForeignDefault(plain)) == ()
    assert world.routes(protocol=4) == [plain]


BOTH = [
    ("10.9.0.0/16", "via 11.8.0.1 dev eth1", "dev eth1 scope global"),
    ("10.9.0.0/16", "nexthop via 11.8.0.1 dev eth1 nexthop via 10.65.0.1 dev eth0", "dev eth1 scope global"),
    ("10.9.0.0/16", "nhid 11", "via 11.8.0.1 dev eth1"),
    ("fd01::/32", "via fd00:8::1 dev eth1", "dev eth1"),
    ("fd01::/32", "nhid 21", "via fd00:8::1 dev eth1"),
    ("fd01::/32", "nhid 21", "dev eth1"),
]


@pytest.mark.parametrize(("destination", "first", "second"), BOTH)
@pytest.mark.parametrize("forwards", [True, False])
@pytest.mark.parametrize("protocol", ["static", "boot"])
def test_which_of_two_a_deletion_takes(
    world: World, lab: Lab, destination: str, first: str, second: str, forwards: bool, protocol: str
) -> None:
    """The first that fits: the model agrees, and so does what the plan goes by."""
    lab.ip("nexthop", "add", "id", "11", "via", "10.65.0.1", "dev", "eth0")
    lab.ip("nexthop", "add", "id", "21", "via", "fd00:65::1", "dev", "eth0")
    metric = "metric 1024" if ":" in destination else "metric 0"
    written = [f"{destination} {metric} proto {protocol} {first}", f"{destination} {metric} proto static {second}"]
    for text in written if forwards else written[::-1]:
        lab.ip("-6" if ":" in text else "-4", "route", "append", *text.split())
    world.follow()
    there = [one for one in world.kernel.snapshot(MAIN_TABLE).routes if one.protocol in (3, 4)]
    wanted = next(one for one in there[:: -1 if forwards else 1] if one.protocol == 4)
    predicted = is_deleted_for([one for one in there if one is not wanted], wanted, there)
    assert world.apply(RemoveForeignDefault(wanted, by_protocol=is_named_by_protocol(wanted, there))) == ()
    assert (wanted in world.kernel.snapshot(MAIN_TABLE).routes) is predicted


def test_policy_rules(world: World, lab: Lab) -> None:
    lab.ip("rule", "add", "lookup", "1000", "priority", "90")
    lab.ip("rule", "add", "from", "11.8.0.9", "lookup", "100", "priority", "100")
    lab.ip("rule", "add", "lookup", "main", "suppress_prefixlength", "0", "priority", "110")
    lab.ip("rule", "add", "fwmark", "7", "lookup", "101", "priority", "120")
    lab.ip("rule", "add", "not", "from", "10.0.0.0/8", "lookup", "102", "priority", "130")
    lab.ip("rule", "add", "iif", "eth0", "lookup", "103", "priority", "140")
    lab.ip("rule", "add", "oif", "eth0", "lookup", "104", "priority", "150")
    lab.ip("-6", "rule", "add", "to", "fd01::/32", "lookup", "105", "priority", "160")
    lab.ip("-6", "rule", "add", "unreachable", "priority", "170")
    lab.ip("-6", "rule", "add", "tos", "0x10", "lookup", "106", "priority", "180")
    world.follow()
    world.compare()
    rules = world.kernel.snapshot(MAIN_TABLE).rules
    assert [(rule.family, rule.priority, rule.table) for rule in rules if rule.plain] == [
        (4, 0, 255), (4, 90, 1000), (4, 32766, 254), (4, 32767, 253), (6, 0, 255), (6, 32766, 254),
    ]  # fmt: skip
    assert [(rule.family, rule.priority) for rule in rules if not rule.plain] == [
        *((4, priority) for priority in (100, 110, 120, 130, 140, 150)), (6, 160), (6, 170), (6, 180),
    ]  # fmt: skip


# ---- large batches ----------------------------------------------------------------------------------


def _many(count: int) -> List[Route]:
    gateways = parse_address("10.65.0.1"), parse_address("11.8.0.1")
    base = int.from_bytes(parse_address("100.64.0.0"), "big")
    return [
        Route(Prefix((base + number * 4).to_bytes(4, "big"), 30), gateways[number % 2], 2 + number % 2)
        for number in range(count)
    ]


def test_an_invalid_route_amid_thousands(world: World) -> None:
    routes = _many(5000)
    routes[2500] = routes[2500]._replace(gateway=parse_address("192.0.2.1"))
    operations = [*map(Add, routes)]
    (failure,) = world.apply(*operations)
    assert failure.operation is operations[2500]
    assert failure.text == "Nexthop has invalid gateway"
    assert len(world.routes()) == 4999


def test_a_batch_larger_than_any_socket_buffer(world: World, engine: str) -> None:
    routes = _many(20_000 if engine == "rtnetlink" else 1_000)
    assert world.kernel.apply([*map(Add, routes)]) == ()
    assert set(world.routes()) == set(routes)
    assert errnos(world.kernel.apply([*map(Add, routes)])) == [errno.EEXIST] * len(routes)
    assert world.kernel.apply([*map(Delete, routes)]) == ()
    assert world.kernel.apply([*map(Delete, routes)]) == ()
    assert world.routes() == []


# ---- NICs -------------------------------------------------------------------------------------------


def test_nics(world: World, lab: Lab) -> None:
    lab.ip("link", "add", "br0", "type", "bridge")
    lab.ip("link", "add", "port0", "type", "veth", "peer", "name", "peer0")
    lab.ip("link", "set", "port0", "master", "br0")
    lab.ip("link", "add", "unplugged0", "type", "veth", "peer", "name", "down0")
    lab.ip("link", "set", "unplugged0", "up")
    lab.ip("address", "add", "192.0.2.1", "peer", "192.0.2.2/32", "dev", "eth1")
    lab.ip("address", "add", "10.65.0.8/32", "dev", "eth0")
    world.follow()
    world.compare()
    nics = {nic.name: nic for nic in world.kernel.nics()}
    assert (nics["eth0"].up, nics["eth0"].running, nics["eth0"].mac) == (True, True, bytes.fromhex("fa163e000001"))
    assert (nics["eth2"].up, nics["eth2"].running) == (False, False)
    assert (nics["unplugged0"].up, nics["unplugged0"].running) == (True, False)
    assert nics["port0"].master == nics["br0"].ifindex
    assert nics["br0"].kind == "bridge"
    assert nics["eth0"].parent == 0
    assert [str(own) for own in nics["eth0"].addresses if len(own.address) == 4] == ["10.65.0.7/24", "10.65.0.8/32"]
    assert "192.0.2.1/32" in [str(own) for own in nics["eth1"].addresses]
    assert list(nics) == sorted(nics, key=lambda name: nics[name].ifindex)
    assert "lo" not in nics


def test_an_address_that_another_machine_has(world: World, lab: Lab) -> None:
    """Duplicate address detection has failed: the kernel sends nothing from it, and answers for it to nobody."""
    lab.hypervisor("ip", "address", "add", "fd00:65::70/64", "dev", "tap-eth0", "nodad")
    subprocess.run(["sysctl", "-qw", "net.ipv6.conf.eth0.accept_dad=1"], check=True)
    lab.ip("address", "add", "fd00:65::70/64", "dev", "eth0")
    lab.ip("address", "add", "fd00:65::80/64", "dev", "eth0", "nodad")
    deadline = time.monotonic() + 10
    while "dadfailed" not in lab.ip("address", "show", "eth0"):
        assert time.monotonic() < deadline, "no duplicate was detected"
        time.sleep(0.05)
    own = {nic.name: [str(one) for one in nic.addresses] for nic in world.kernel.nics()}["eth0"]
    assert "fd00:65::80/64" in own
    assert "fd00:65::70/64" not in own


@pytest.mark.skipif(not os.access("/dev/net/tun", os.R_OK | os.W_OK), reason="this user can't open /dev/net/tun")
def test_a_tap_that_no_program_has_open(world: World, lab: Lab) -> None:
    lab.ip("tuntap", "add", "tap0", "mode", "tap")
    lab.ip("link", "set", "tap0", "up")
    world.follow()
    world.compare()
    nics = {nic.name: nic for nic in world.kernel.nics()}
    assert (nics["tap0"].up, nics["tap0"].running) == (True, False)


def test_vlans(world: World, lab: Lab) -> None:
    try:
        lab.ip("link", "add", "link", "eth0", "name", "eth0.7", "type", "vlan", "id", "7")
    except subprocess.CalledProcessError as refused:
        pytest.skip(f"this kernel can't: {refused.stderr.strip()}")
    world.follow()
    world.compare()
    (vlan,) = (nic for nic in world.kernel.nics() if nic.name == "eth0.7")
    assert (vlan.kind, vlan.vlan_id, vlan.parent) == ("vlan", 7, 2)


def test_a_nic_without_carrier(world: World, lab: Lab) -> None:
    lab.hypervisor("ip", "link", "set", "tap-eth1", "down")
    deadline = time.monotonic() + 5
    while world.kernel.nics()[1].running:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    world.follow()
    world.compare()
    assert (world.kernel.nics()[1].up, world.kernel.nics()[1].running) == (True, False)
    assert world.apply(Add(route("11.11.0.0/16", "11.8.0.1", 3))) == ()


def test_getifaddrs_says_the_same_of_the_nics(world: World) -> None:
    """netifaces reads the C library, not netlink."""
    for nic in world.kernel.nics():
        said = netifaces.ifaddresses(nic.name)
        assert [entry["addr"] for entry in said[netifaces.AF_LINK]] == [mac_text(nic.mac)]
        for family, number in ((netifaces.AF_INET, 4), (netifaces.AF_INET6, 6)):
            own = sorted(
                (address_text(p.address), _netmask(p)) for p in nic.addresses if (len(p.address) == 4) == (number == 4)
            )
            theirs = sorted((e["addr"].partition("%")[0], e["netmask"].partition("/")[0]) for e in said.get(family, ()))
            assert theirs == own


def _netmask(prefix: Prefix) -> str:
    bits = len(prefix.address) * 8
    return address_text((((1 << prefix.length) - 1) << (bits - prefix.length)).to_bytes(bits // 8, "big"))


# ---- the text of ip route ---------------------------------------------------------------------------


def test_ip_route_shows_the_snapshot(world: World, lab: Lab) -> None:
    for command in (DEFAULTS[1], SIX, "route add 10.9.0.0/16 via 10.65.0.1 metric 9"):
        lab.ip(*command.split())
    world.follow()
    world.apply(Add(route("11.11.0.0/16", "11.8.0.1", 3)), Add(route("fd01::/32", "fd00:8::1", 3, metric=7)))
    names = {nic.ifindex: nic.name for nic in world.kernel.nics()}
    for family in (4, 6):
        shown = [_shown(line) for line in lab.routes(family)]
        state = [found for found in world.kernel.snapshot(MAIN_TABLE).routes if found.family == family]
        assert shown == [
            (
                "default" if found.destination.is_default else str(found.destination),
                found.gateway and address_text(found.gateway),
                names[found.ifindex],
                found.metric,
            )
            for found in state
        ]


def _shown(line: str) -> Tuple[str, Optional[str], str, int]:
    words = line.split()
    after = {word: words[index + 1] for index, word in enumerate(words[:-1])}
    return words[0], after.get("via"), after["dev"], int(after.get("metric", 0))


# ---- random sequences -------------------------------------------------------------------------------


def _small_world() -> None:
    """Three NICs at 2, 3 and 4 (down), in a namespace of their own, without routers and link-local addresses."""
    sandbox.fresh_netns()
    script = "".join(
        f"link add {name} index {index} type veth peer name {name}p index {index + 10}\n"
        f"link set {name} addrgenmode none\nlink set {name}p addrgenmode none up\n"
        for index, name in ((2, "eth0"), (3, "eth1"), (4, "eth2"))
    )
    script += (
        "address add 10.65.0.7/24 dev eth0\naddress add 11.8.0.9/24 dev eth1\naddress add 10.99.0.2/24 dev eth2\n"
        "address add fd00:65::7/64 dev eth0 nodad\naddress add fd00:8::9/64 dev eth1 nodad\n"
        "link set eth0 up\nlink set eth1 up\n"
    )
    subprocess.run(["ip", "-batch", "-"], input=script, text=True, check=True)
    kernel = open_kernel("rtnetlink")
    deadline = time.monotonic() + 5
    while sum(nic.running for nic in kernel.nics()) < 4:
        assert time.monotonic() < deadline, "no carrier"
        time.sleep(0.001)
    kernel.close()


def _addresses(texts: Sequence[str]) -> st.SearchStrategy[Address]:
    return st.sampled_from([parse_address(text) for text in texts])


_NICS = st.sampled_from([2, 2, 3, 3, 4, 99])


@st.composite
def _a_route(draw: st.DrawFn) -> Route:
    family = draw(st.sampled_from([4, 4, 6]))
    if family == 4:
        prefixes = [
            "0.0.0.0/0",
            "0.0.0.0/0",
            "10.1.0.0/16",
            "10.1.0.0/24",
            "10.1.2.0/24",
            "10.65.0.0/24",
            "192.0.2.0/24",
        ]
        gateways = _addresses(["10.65.0.1", "10.65.0.2", "11.8.0.1", "192.0.2.1", "10.99.0.1"])
        own = _addresses(["10.65.0.7", "11.8.0.9", "192.0.2.9"])
    else:
        prefixes = ["::/0", "::/0", "fd01::/32", "fd01::/64", "fd01:0:1::/48", "fd00:65::/64"]
        gateways = _addresses(["fd00:65::1", "fd00:65::2", "fd00:8::1", "fe80::1", "fd99::1"])
        own = _addresses(["fd00:65::7", "fd00:8::9", "fd99::9"])
    prefix = parse_prefix(draw(st.sampled_from(prefixes)))
    gateway = draw(gateways) if draw(st.integers(0, 9)) else None
    matching = {"10.65.0.1": 2, "10.65.0.2": 2, "11.8.0.1": 3, "fd00:65::1": 2, "fd00:65::2": 2, "fd00:8::1": 3}
    ifindex = draw(_NICS)
    if gateway is not None and draw(st.booleans()):
        ifindex = matching.get(address_text(gateway), ifindex)
    return Route(
        destination=prefix,
        gateway=gateway,
        ifindex=ifindex,
        metric=draw(st.sampled_from([0, 0, 100, 1024])),
        protocol=draw(st.sampled_from([OUR_PROTOCOL, OUR_PROTOCOL, STATIC])),
        scope=253 if family == 4 and gateway is None else 0,
        tos=draw(st.sampled_from([0, 0, 0, 16])) if family == 4 else 0,
        onlink=gateway is not None and draw(st.integers(0, 4)) == 0,
        source=draw(own) if draw(st.integers(0, 5)) == 0 else None,
        metrics=((2, 1400),) if draw(st.integers(0, 5)) == 0 else (),
    )


@st.composite
def _a_multipath_route(draw: st.DrawFn) -> Route:
    hops = [
        NextHop(parse_address("10.65.0.1"), 2),
        NextHop(parse_address("11.8.0.1"), 3),
        NextHop(parse_address("192.0.2.1"), 3, 1, True),
    ]
    nexthops = draw(st.lists(st.sampled_from(hops), min_size=2, max_size=3, unique=True))
    weighted = tuple(nexthop._replace(weight=draw(st.integers(1, 3))) for nexthop in nexthops)
    return Route(
        parse_prefix("0.0.0.0/0"), None, 0, protocol=draw(st.sampled_from([OUR_PROTOCOL, STATIC])), nexthops=weighted
    )


_OPERATIONS = st.lists(
    st.builds(
        lambda verb, ours: verb(ours),
        st.sampled_from([Add, Add, Add, Delete, Promote, RemoveForeignDefault, RestoreDefault]),
        st.one_of(_a_route(), _a_route(), _a_route(), _a_multipath_route()),
    ),
    min_size=1,
    max_size=14,
)


def _agree(engine: str, operations: Sequence[Operation]) -> None:
    _small_world()
    world = World(engine)
    try:
        world.apply_unwitnessed(*operations)
        for operation in operations:
            world.apply_unwitnessed(operation)
        world.compare()
    finally:
        world.close()


_QUIET = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]


@settings(max_examples=150, deadline=None, suppress_health_check=_QUIET)
@given(_OPERATIONS)
def test_random_operations_on_rtnetlink(operations: Sequence[Operation]) -> None:
    _agree("rtnetlink", operations)


@settings(max_examples=30, deadline=None, suppress_health_check=_QUIET)
@given(_OPERATIONS)
def test_random_operations_on_pyroute2(operations: Sequence[Operation]) -> None:
    _agree("pyroute2", operations)


# ---- source routing's tables and rules ----------------------------------------------------------------

OWN_TABLE = 12103


class SourceWorld:
    """An engine, the other one, and the model, which all have to say the same of tables and rules."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.model = ModelKernel(world.kernel.snapshot(MAIN_TABLE))

    def apply(self, *operations: SourceOperation) -> List[int]:
        """The refusals, the same in the engine and the model."""
        failures = self.world.kernel.apply_source(operations)
        modelled = self.model.apply_source(operations)
        assert [(one.operation, one.errno) for one in modelled] == [(one.operation, one.errno) for one in failures]
        kernels: List[Kernel] = [self.world.kernel, self.world.witness, self.model]
        tables = [kernel.tables([OWN_TABLE]) for kernel in kernels]
        assert tables[0] == tables[1] == tables[2]
        rules = [kernel.snapshot(MAIN_TABLE).rules for kernel in kernels]
        assert rules[0] == rules[1] == rules[2]
        return [one.errno for one in failures]

    def lookup(self, address: str, source: str) -> Tuple[int, Optional[str], int]:
        """NIC, gateway and table."""
        asked, own = [parse_address(address)], parse_address(source)
        answers = [one.lookup(asked, own)[0] for one in (self.world.kernel, self.world.witness, self.model)]
        said = {(one.ifindex, address_text(one.gateway) if one.gateway else None, one.table) for one in answers}
        assert len(said) == 1
        return said.pop()


def own_rule(source: str, table: int = OWN_TABLE, priority: int = 32765, protocol: int = OUR_PROTOCOL) -> Rule:
    prefix = parse_prefix(source)
    return Rule(4 if len(prefix.address) == 4 else 6, priority, table, False, protocol, prefix)


FAMILY_CASES = [
    pytest.param("11.8.0.0/24", "11.8.0.1", "11.8.0.9", "0.0.0.0/0", "172.17.0.0/16", "10.65.0.1", id="ipv4"),
    pytest.param("fd00:8::/64", "fd00:8::1", "fd00:8::9", "::/0", "fd17::/64", "fd00:65::1", id="ipv6"),
]


@pytest.mark.parametrize("subnet, gateway, own, default, thrown, other", FAMILY_CASES)
def test_a_table_of_source_routing(
    world: World, lab: Lab, subnet: str, gateway: str, own: str, default: str, thrown: str, other: str
) -> None:
    family = "-6" if ":" in own else "-4"
    scope, metric = (253, 0) if family == "-4" else (0, 1023)
    lab.ip(family, "route", "add", "default", "via", other, "dev", "eth0")
    both = SourceWorld(world)
    on_link = route(subnet, None, 3, table=OWN_TABLE, scope=scope, metric=metric)
    way_out = Route(parse_prefix(default), parse_address(gateway), 3, 1024, table=OWN_TABLE)
    throw = route(thrown, None, 0, table=OWN_TABLE, kind=9, metric=metric)
    rule = own_rule(own)
    assert both.apply(SetRoute(on_link), SetRoute(throw), SetRoute(way_out)) == []
    outside, inside = ("203.0.113.9", "172.17.0.5") if family == "-4" else ("2001:db8::9", "fd17::5")
    before = both.lookup(outside, own)
    assert before[::2] == (2, MAIN_TABLE)
    assert both.apply(AddRule(rule), AddRule(rule)) == []
    assert both.lookup(outside, own) == (3, gateway, OWN_TABLE)
    assert both.lookup(own[:-1] + "7", own) == (3, None, OWN_TABLE)
    assert both.lookup(inside, own) == before
    assert both.lookup(outside, {"-4": "10.65.0.7", "-6": "fd00:65::7"}[family]) == before
    assert both.apply(SetRoute(way_out)) == [errno.EEXIST]
    router = way_out._replace(gateway=parse_address(own[:-1] + "50"))
    assert both.apply(SetRoute(router, replaces=True)) == []
    assert both.lookup(outside, own) == (3, own[:-1] + "50", OWN_TABLE)
    assert both.apply(RemoveRule(rule), RemoveRule(rule)) == []
    assert both.lookup(outside, own) == before
    assert both.apply(*map(RemoveRoute, (throw, router, on_link)), RemoveRoute(on_link)) == []
    assert world.kernel.tables([OWN_TABLE]) == ()


MULTIPATH_CASES = [
    pytest.param("10.201.0.0/16", ("11.8.0.50", "11.8.0.51", "11.8.0.52"), 0, id="ipv4"),
    pytest.param("fd00:201::/48", ("fd00:8::50", "fd00:8::51", "fd00:8::52"), 1023, id="ipv6"),
]


@pytest.mark.parametrize("destination, routers, metric", MULTIPATH_CASES)
def test_a_multipath_route_in_a_table_of_source_routing(
    world: World, destination: str, routers: Tuple[str, str, str], metric: int
) -> None:
    """IPv6 takes it whole, shows it hop by hop, and replaces it whole, by one next hop too."""
    both = SourceWorld(world)
    hops = tuple(NextHop(parse_address(one), 3, weight) for weight, one in enumerate(routers, 1))
    blank = route(destination, None, 0, table=OWN_TABLE, metric=metric)
    wholes = [blank._replace(nexthops=hops[:2]), blank._replace(nexthops=hops[1:]), blank._replace(nexthops=hops)]
    single = blank._replace(gateway=hops[0].gateway, ifindex=3)
    assert both.apply(SetRoute(wholes[0])) == []
    assert joined(world.kernel.tables([OWN_TABLE])) == [wholes[0]]
    assert both.apply(SetRoute(wholes[1])) == [errno.EEXIST]
    for one in (*wholes[1:], single, wholes[0], wholes[2]):
        assert both.apply(SetRoute(one, replaces=True)) == []
        assert joined(world.kernel.tables([OWN_TABLE])) == [one]
    assert both.apply(RemoveRoute(wholes[2])) == []
    assert world.kernel.tables([OWN_TABLE]) == ()


def test_the_routes_of_one_protocol_are_those_of_the_snapshot(world: World, lab: Lab) -> None:
    """Of one table, both families', with others to the same destinations."""
    for family, router, place in (("-4", "11.8.0.1", "10.200.0.0/16"), ("-6", "fd00:8::1", "fd00:200::/48")):
        for metric, protocol, table in ((1, 121, "main"), (2, 99, "main"), (3, 121, "main"), (4, 121, str(OWN_TABLE))):
            of = ("proto", str(protocol), "metric", str(metric), "table", table)
            lab.ip(family, "route", "add", place, "via", router, "dev", "eth1", *of)
    world.follow()
    assert len(world.routes()) == 4
    for kernel in (world.kernel, world.witness, world.model):
        for protocol in (OUR_PROTOCOL, 99, 77):
            found = kernel.routes_of(MAIN_TABLE, protocol)
            assert [one for one in found if one.protocol == protocol] == world.routes(protocol)
    assert len(world.kernel.routes_of(OWN_TABLE, OUR_PROTOCOL)) == 2
    assert world.kernel.routes_of(OWN_TABLE + 1, OUR_PROTOCOL) == ()


def test_a_rule_of_ours_among_others(world: World, lab: Lab) -> None:
    lab.ip("rule", "add", "from", "10.65.0.7", "priority", "32765", "lookup", "77", "protocol", "static")
    lab.ip("rule", "add", "not", "from", "10.65.0.0/24", "priority", "300", "lookup", "77")
    lab.ip("rule", "add", "from", "10.65.0.7", "fwmark", "5", "priority", "301", "lookup", "77")
    lab.ip("-6", "rule", "add", "from", "fd00:65::/64", "priority", "302", "suppress_prefixlength", "0", "lookup", "77")
    both = SourceWorld(world)
    seen = [(one.priority, one.source) for one in world.kernel.snapshot(MAIN_TABLE).rules if one.table == 77]
    assert seen == [(300, None), (301, None), (32765, parse_prefix("10.65.0.7/32")), (302, None)]
    same = own_rule("10.65.0.7/32", 77)
    assert both.apply(AddRule(same), AddRule(own_rule("10.65.0.7/32"))) == []
    mine = [one for one in world.kernel.snapshot(MAIN_TABLE).rules if one.protocol == OUR_PROTOCOL]
    assert mine == [same, own_rule("10.65.0.7/32")]
    assert both.apply(RemoveRule(same), RemoveRule(mine[1])) == []
    assert len([one for one in world.kernel.snapshot(MAIN_TABLE).rules if one.table == 77]) == 4
