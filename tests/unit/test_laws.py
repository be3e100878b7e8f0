"""Laws of a pass, for whatever document, kernel and settings: hypothesis looks for a world that breaks one.

A world has two to four NICs of the metadata (one may be missing, down, or without a carrier), a VPN and a bridge that
the metadata doesn't know, and routes of other programs and of earlier passes with few destinations, so that they
often meet. All of it goes through the pure core and the model of the kernel.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Dict, List, NamedTuple, Sequence, Set, Tuple

from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st

from guest_routes.evidence.gather import gather
from guest_routes.kernel.apply import apply
from guest_routes.model.decision import Elected
from guest_routes.model.document import Document, Provenance
from guest_routes.model.evidence import Evidence, RecordedDefault
from guest_routes.model.network import (
    DEFAULT_PREFIX,
    MAIN_TABLE,
    OUR_PROTOCOL,
    UNICAST,
    Address,
    KernelState,
    Lookup,
    NextHop,
    Nic,
    Prefix,
    Route,
    contains,
    is_link_local,
    parse_address,
    parse_prefix,
)
from guest_routes.model.network_data import NetworkData
from guest_routes.model.operations import Add, Delete, Operation, Outcome, Promote, RemoveForeignDefault, RestoreDefault
from guest_routes.model.plan import Decision
from guest_routes.model.settings import GatewaySetting, Selector, Settings
from guest_routes.output.words.reasons import resolved_reason, unresolved_reason
from guest_routes.routing.compare import ifindexes
from guest_routes.routing.decide import decide
from guest_routes.routing.elect import managed_ifindexes
from guest_routes.routing.planning.verify import discrepancies
from guest_routes.routing.planning.withdrawal import plan_withdrawal
from guest_routes.state.store import State
from tests.support.boots import write_boot_id
from tests.support.examples import examples
from tests.support.iproute_text import KERNELS_OWN_RULES, connected_routes
from tests.support.model_kernel import ModelKernel

FAMILIES = (4, 6)
STATIC, RA, DHCP, BIRD, MULTIPATH = 4, 9, 16, 12, 18
VPN, BRIDGE = 8, 9
BRIDGE_MAC = b"\x02\x42\x00\x00\x00\x09"
"""ifindexes that the metadata doesn't know; eth0 is 2."""
UNREACHABLE, BLACKHOLE = 7, 6
DESTINATIONS = {
    4: [
        "11.0.0.0/8",
        "11.11.0.0/16",
        "11.11.3.0/24",
        "11.11.3.4/32",
        "12.0.0.0/16",
        "10.1.0.0/16",
        "169.254.169.254/32",
    ],
    6: ["fd11::/16", "fd11:11::/32", "fd11:11:3::/48", "fd11:11:3::4/128", "fd12::/48"],
}
"""None covers a gateway of IPv6, where the kernel refuses an on-link gateway that a route leads elsewhere."""
FAR_AWAY = {4: parse_address("8.8.8.8"), 6: parse_address("2620:fe::fe")}
"""Only a default route covers these."""
many = settings(max_examples=examples(120), deadline=None, suppress_health_check=[HealthCheck.too_slow])


def gateway(number: int, family: int) -> str:
    return f"10.{number}.0.1" if family == 4 else f"fd00:{number}::1"


def own(number: int, family: int, host_only: bool = False) -> str:
    if family == 4:
        return f"10.{number}.0.7/{32 if host_only else 24}"
    return f"fd00:{number}::7/{128 if host_only else 64}"


class World(NamedTuple):
    """What a pass starts from."""

    document: str
    state: KernelState
    settings: Settings


class Machine:
    """The model of the kernel, and the files of State; evidence and decision are the product's own."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.kernel = ModelKernel(world.state)
        self.recorded: List[Route] = []
        self._folder = TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None)
        write_boot_id(Path(self._folder.name))
        self._state = State(f"{self._folder.name}/run", f"{self._folder.name}/lib", root=self._folder.name)

    def snapshot(self) -> KernelState:
        return self.kernel.snapshot(MAIN_TABLE)

    def evidence(self) -> Evidence:
        document = Document(self.world.document.encode(), Provenance("argument", "a law"))
        found = gather(document, self.world.settings, self._state, self.kernel.snapshot(self.world.settings.table))
        return found._replace(recorded_defaults=tuple(self.recorded))

    def decide(self, believed: bool = True) -> Decision:
        """A pass up to the plan; `believed` False: the document lacks a NIC that was described before (R6)."""
        evidence = self.evidence()
        if believed:
            return decide(evidence, self.world.settings, accept_withdrawals=True)
        return decide(evidence._replace(known_macs=(BRIDGE_MAC,)), self.world.settings)

    def sync(self, believed: bool = True) -> Tuple[Decision, Outcome]:
        decision = self.decide(believed)
        return decision, apply(decision.plan, self.kernel, self.record)

    def record(self, routes: Sequence[Route]) -> None:
        self.recorded += [route for route in routes if route not in self.recorded]

    def withdraw(self) -> Outcome:
        recorded = [RecordedDefault(route) for route in self.recorded]
        made = plan_withdrawal(self.snapshot(), recorded, self.world.settings)
        return apply(made, self.kernel, lambda routes: None)

    def defaults(self, family: int) -> List[Route]:
        return [r for r in self.snapshot().routes if r.destination == DEFAULT_PREFIX[family]]

    def lookup(self, address: Address) -> Lookup:
        return self.kernel.lookup([address])[0]


# ---- worlds -----------------------------------------------------------------------------------------


@st.composite
def worlds(draw: st.DrawFn) -> World:
    count = draw(st.integers(2, 4))
    subnets = [draw(st.sampled_from([number] * 5 + [0])) for number in range(count)]
    host_only = draw(st.integers(0, 5)) == 0
    links, networks, nics = [], [], []
    for number in range(count):
        mac = f"fa:16:3e:00:00:{number:02x}"
        links.append({"id": f"tap{number}", "type": "tap", "ethernet_mac_address": mac})
        families = draw(st.sampled_from([(4, 6), (4,), (6,)]))
        for family in families:
            networks.append(draw(network(number, subnets[number], family, host_only, count)))
        state = draw(st.sampled_from(["up"] * 8 + ["down", "no carrier", "missing"]))
        addresses = tuple(parse_prefix(own(subnets[number], family, host_only)) for family in families)
        nic = Nic(number + 2, f"eth{number}", bytes.fromhex(mac.replace(":", "")), addresses=addresses)
        if state == "down":
            nic = nic._replace(up=False, running=False, addresses=())
        if state == "no carrier":
            nic = nic._replace(running=False)
        if state != "missing":
            nics.append(nic)
    for index, name in ((VPN, "tun0"), (BRIDGE, "cni0")):
        own_mac = BRIDGE_MAC if index == BRIDGE else b""
        nics.append(Nic(index, name, own_mac, addresses=tuple(parse_prefix(own(index, family)) for family in FAMILIES)))
    connected = [route for nic in nics for route in connected_routes(nic)]
    kernel = ModelKernel(KernelState(tuple(nics), tuple(connected), KERNELS_OWN_RULES))
    # By the kernel's own rules: what can't be there isn't.
    there = draw(st.lists(kernel_routes(count), max_size=12))
    multipath = [route for route in there if route.nexthops and is_default(route)]
    kernel.apply([RestoreDefault(route) for route in there if route not in multipath[1:]])
    return World(
        json.dumps({"links": links, "networks": networks, "services": []}),
        kernel.snapshot(MAIN_TABLE),
        draw(told(count)),
    )


@st.composite
def network(draw: st.DrawFn, number: int, subnet: int, family: int, host_only: bool, count: int) -> Dict[str, object]:
    if draw(st.integers(0, 7)) == 0:
        return {"id": f"n{number}.{family}", "link": f"tap{number}", "type": f"ipv{family}_dhcp"}
    listed = draw(st.lists(st.tuples(st.sampled_from(DESTINATIONS[family]), next_hops(family, count)), max_size=4))
    routes = [dict(zip(("network", "netmask"), where.split("/")), gateway=hop) for where, hop in listed]
    if draw(st.integers(0, 7)):
        anywhere = "0.0.0.0" if family == 4 else "::"
        routes.insert(0, {"network": anywhere, "netmask": anywhere, "gateway": gateway(subnet, family)})
    address, _, length = own(subnet, family, host_only).partition("/")
    return {
        "id": f"n{number}.{family}",
        "link": f"tap{number}",
        "type": f"ipv{family}",
        "ip_address": address,
        "netmask": length,
        "routes": routes,
    }


def next_hops(family: int, count: int) -> st.SearchStrategy[str]:
    """Mostly gateways; and an address that is none, an own one, one in no subnet."""
    right = [gateway(number, family) for number in range(count)]
    wrong = ["10.0.0.99", "10.1.0.7", "192.0.2.1"] if family == 4 else ["fd00:0::99", "fd00:1::7", "2001:db8::1"]
    return st.sampled_from(right * 3 + wrong)


@st.composite
def kernel_routes(draw: st.DrawFn, count: int) -> Route:
    """A route of another program or of ours, right or wrong, default or not."""
    family = draw(st.sampled_from(FAMILIES))
    is_default = draw(st.booleans())
    destination = DEFAULT_PREFIX[family]
    if not is_default:
        destination = parse_prefix(draw(st.sampled_from(DESTINATIONS[family])))
    metrics = (0, 0, 1, 50, 100, 1000, 1001) if family == 4 else (1, 2, 512, 1021, 1022, 1023, 1023, 1024, 1024, 1025)
    metric = draw(st.sampled_from(metrics))
    protocol = draw(st.sampled_from((STATIC, DHCP, RA if family == 6 else BIRD, OUR_PROTOCOL, OUR_PROTOCOL)))
    if protocol == OUR_PROTOCOL and family == 6 and not is_default and metric == 1:
        metric = 3  # Before a rival's 2 there would be no room for another: docs/limits.md.
    number = draw(st.sampled_from([*range(count), *range(count), VPN]))
    ifindex = VPN if number == VPN else number + 2
    hop = parse_address("fe80::1" if protocol == RA else gateway(number, family))
    route = Route(destination, hop, ifindex, metric, protocol)
    shape = draw(st.sampled_from(["plain"] * 8 + ["reject", "multipath", "on link", "tos", "wrong way"]))
    if shape == "reject" and protocol != OUR_PROTOCOL:
        return route._replace(gateway=None, ifindex=0, kind=draw(st.sampled_from((BLACKHOLE, UNREACHABLE))))
    if shape == "multipath" and family == 4 and protocol != OUR_PROTOCOL:
        through = draw(st.lists(st.sampled_from([*range(count), VPN, BRIDGE]), min_size=2, max_size=3, unique=True))
        nexthops = tuple(NextHop(parse_address(gateway(n, 4)), n if n in (VPN, BRIDGE) else n + 2) for n in through)
        # Of one key and protocol, the kernel may take a route with the same first leg for the one to be deleted.
        return route._replace(gateway=None, ifindex=0, nexthops=nexthops, protocol=MULTIPATH)
    if shape == "on link" and protocol != OUR_PROTOCOL:
        # To delete an IPv6 route without a gateway takes any of its metric: it has one of its own.
        on_link = route._replace(gateway=None)
        return on_link._replace(scope=253) if family == 4 else on_link._replace(metric=700)
    if shape == "tos" and family == 4 and protocol != OUR_PROTOCOL:
        return route._replace(tos=0x10)
    if shape == "wrong way":
        return route._replace(ifindex=2 + (ifindex - 1) % count, onlink=True)
    return route


@st.composite
def told(draw: st.DrawFn, count: int) -> Settings:
    selectors = [
        Selector(nic="eth1"),
        Selector(mac=bytes.fromhex("fa163e000001")),
        Selector(subnet=parse_prefix(own(1, 4))),
    ]
    gateways = (GatewaySetting(Selector(nic="eth1"), parse_address(gateway(1, 4)), "gateways[eth1] of settings"),)
    return Settings(
        default=draw(st.sampled_from([None] * 6 + selectors)),
        default_mode=draw(st.sampled_from(("enforce", "enforce", "demote", "observe"))),
        next_hops=draw(st.sampled_from(("gateway", "gateway", "on-link"))),
        metric=draw(st.sampled_from((0, 0, 0, 20, 1023, 1024))),
        gateways=draw(st.sampled_from(((), (), gateways))),
        ignore_nics=draw(st.sampled_from(((), (), (), ("eth1",)))),
        ignore_destinations=draw(st.sampled_from(((), (), (parse_prefix("11.11.0.0/16"),)))),
    )


# ---- what the laws speak of -------------------------------------------------------------------------


def is_default(route: Route) -> bool:
    return route.destination.length == 0


def foreign_routes(state: KernelState) -> List[Route]:
    """Other programs' routes that are no defaults, in the kernel's order."""
    return [route for route in state.routes if route.protocol != OUR_PROTOCOL and not is_default(route)]


def deciding_address(destination: Prefix, state: KernelState) -> Address | None:
    """An address that no longer prefix and no NIC's own covers."""
    size = len(destination.address)
    low, span = int.from_bytes(destination.address, "big"), 1 << size * 8 - destination.length
    for offset in (0, 1, span // 2 + 1, span - 1):
        if offset < span:
            address = (low + offset).to_bytes(size, "big")
            covering = [route.destination for route in state.routes if contains(route.destination, address)]
            owned = any(mine.address == address for nic in state.nics for mine in nic.addresses)
            if not owned and max(prefix.length for prefix in covering) == destination.length:
                return address
    return None


def one_by_one(machine: Machine, operations: Sequence[Operation]) -> None:
    for operation in operations:
        machine.kernel.apply([operation])


# ---- the laws ---------------------------------------------------------------------------------------


@many
@given(worlds())
def test_a_second_pass_writes_nothing(world: World) -> None:
    """R9; and R8: the kernel refuses nothing, and has what the plan meant."""
    machine = Machine(world)
    decision, outcome = machine.sync()
    event(f"{len(decision.plan.operations) > 0} something to do")
    assert outcome.failures == ()
    assert discrepancies(decision.plan, outcome, machine.snapshot()) == ()
    again = machine.decide()
    assert again.plan.operations == ()
    assert [one.route for one in again.plan.routes] == [one.route for one in decision.plan.routes]


@many
@given(worlds())
def test_foreign_routes_are_untouched(world: World) -> None:
    """R1: byte for byte, in their order."""
    machine = Machine(world)
    before = machine.snapshot()
    decision, _ = machine.sync()
    assert foreign_routes(machine.snapshot()) == foreign_routes(before)
    for operation in decision.plan.operations:
        if isinstance(operation, (Add, Delete, Promote)):
            assert operation.route.protocol == OUR_PROTOCOL
        else:
            assert is_default(operation.route)
            assert operation.route.protocol != OUR_PROTOCOL


@many
@given(worlds())
def test_one_default_for_each_family(world: World) -> None:
    """R4: the elected one is there, and in mode enforce no other through the metadata's NICs."""
    machine = Machine(world)
    decision, _ = machine.sync()
    for election in decision.elections:
        if not isinstance(election, Elected) or world.settings.default_mode == "observe":
            continue
        inside = [
            r
            for r in machine.defaults(election.family)
            if managed_ifindexes(decision.resolution.bindings) & ifindexes(r)
        ]
        elected = [
            r for r in inside
            if r.ifindex == election.nic.ifindex and (r.gateway == election.gateway or is_link_local(r.gateway))
        ]  # fmt: skip
        assert elected
        best = min(inside, key=lambda route: (route.metric, route.tos))
        if world.settings.default_mode == "enforce":
            static = [route for route in inside if route.protocol != RA and not is_link_local(route.gateway)]
            assert len(static) <= 1
            assert set(inside) == set(elected)
        elif not best.tos:
            assert best.metric == min(route.metric for route in elected)


@many
@given(worlds())
def test_defaults_stay_where_none_is_elected_or_all_are_observed(world: World) -> None:
    machine = Machine(world)
    before = machine.snapshot()
    decision, _ = machine.sync()
    for election in decision.elections:
        if not isinstance(election, Elected) or world.settings.default_mode == "observe":
            kept = [route for route in before.routes if route.destination == DEFAULT_PREFIX[election.family]]
            assert machine.defaults(election.family) == kept


@many
@given(worlds())
def test_make_before_break(world: World) -> None:
    """R7: additions first; no instant without a default, or without a way to a destination that has one all along."""
    machine = Machine(world)
    before = machine.snapshot()
    decision = machine.decide()
    kinds = [isinstance(operation, (Delete, RemoveForeignDefault)) for operation in decision.plan.operations]
    assert kinds == sorted(kinds)
    wanted = {planned.route.destination for planned in decision.plan.routes}
    had = {route.destination for route in before.routes}
    held = (had & wanted) | {DEFAULT_PREFIX[family] for family in FAMILIES if DEFAULT_PREFIX[family] in had}
    for operation in decision.plan.operations:
        machine.kernel.apply([operation])
        assert held <= {route.destination for route in machine.snapshot().routes}, operation


@many
@given(worlds())
def test_defaults_outside_the_metadata(world: World) -> None:
    """R4: untouched, at every step, and the way of the rest of the world if it was theirs."""
    machine = Machine(world)
    decision = machine.decide()
    foreign = [route for route in machine.snapshot().routes if route.protocol != OUR_PROTOCOL and is_default(route)]
    outside = {route for route in foreign if not managed_ifindexes(decision.resolution.bindings) & ifindexes(route)}
    winners = {}
    for family in FAMILIES:
        first = next((route for route in machine.defaults(family) if not route.tos), None)
        if first in outside and first.kind == 1:
            winners[family] = machine.lookup(FAR_AWAY[family])
    for operation in decision.plan.operations:
        machine.kernel.apply([operation])
        assert outside <= set(machine.snapshot().routes)
        for family, winner in winners.items():
            assert machine.lookup(FAR_AWAY[family]) == winner


@many
@given(worlds())
def test_each_resolved_destination_leaves_as_decided(world: World) -> None:
    """R2, R5: the kernel's own lookup names the NIC and the gateway, unless another program's route is reported."""
    machine = Machine(world)
    decision, _ = machine.sync()
    after = machine.snapshot()
    for planned in decision.plan.routes:
        hop = planned.resolved.next_hop
        address = deciding_address(planned.resolved.host.destination, after)
        if address is None:
            continue
        answer = machine.lookup(address)
        if planned.verdict == "shadowed":
            assert planned.competitor is not None
            assert planned.competitor.protocol != OUR_PROTOCOL
            assert planned.competitor in after.routes
            assert (answer.ifindex, answer.gateway) != (hop.nic.ifindex, hop.gateway)
        else:
            assert (answer.ifindex, answer.gateway) == (hop.nic.ifindex, hop.gateway)


@many
@given(worlds(), st.data())
def test_killed_at_any_point(world: World, data: st.DataObject) -> None:
    """R7: after any part of a pass the next one ends in the same table."""
    whole, cut = Machine(world), Machine(world)
    decision, _ = whole.sync()
    operations = decision.plan.operations
    assume(len(operations) > 1)
    # Defaults are recorded before anything is written.
    cut.record([operation.route for operation in operations if isinstance(operation, RemoveForeignDefault)])
    one_by_one(cut, operations[: data.draw(st.integers(1, len(operations) - 1))])
    _, outcome = cut.sync()
    assert outcome.failures == ()
    assert cut.decide().plan.operations == ()
    assert cut.snapshot().routes == whole.snapshot().routes


@many
@given(worlds())
def test_withdrawn_after_a_pass(world: World) -> None:
    """R4: no route of ours is left, other programs' defaults are back, and there is a default if there was one."""
    machine = Machine(world)
    before = machine.snapshot()
    machine.sync()
    had = {family for family in FAMILIES if machine.defaults(family)}
    outcome = machine.withdraw()
    assert outcome.failures == ()
    after = machine.snapshot()
    assert [route for route in after.routes if route.protocol == OUR_PROTOCOL] == []
    assert foreign_routes(after) == foreign_routes(before)
    for family in had:
        assert machine.defaults(family)
    lost = [r for r in before.routes if is_default(r) and r.protocol not in (OUR_PROTOCOL, RA)]
    for route in lost:
        assert any(same_but_leader(route, there) for there in after.routes), route
    if any(route.family == 4 and route.kind == UNICAST and not route.tos for route in lost):
        assert {route for route in after.routes if is_default(route) and route.family == 4} <= set(lost)
    assert machine.withdraw().done == ()


def same_but_leader(one: Route, other: Route) -> bool:
    """Equal; but the legs of an IPv6 multipath route are shown with the protocol of whichever comes first."""
    if one.family == 6:
        one, other = one._replace(protocol=0), other._replace(protocol=0)
    return one == other


@many
@given(worlds())
def test_nothing_is_withdrawn_on_a_partial_document(world: World) -> None:
    """R6: every default stays, and every destination of ours keeps a route."""
    machine = Machine(world)
    before = machine.snapshot()
    decision, outcome = machine.sync(believed=False)
    assert outcome.failures == ()
    after = machine.snapshot()
    assert {route for route in before.routes if is_default(route)} <= set(after.routes)
    mine = {route.destination for route in before.routes if route.protocol == OUR_PROTOCOL}
    assert mine <= {route.destination for route in after.routes}
    assert set(decision.plan.held) <= set(after.routes)
    assert machine.decide(believed=False).plan.operations == ()


@many
@given(worlds(), st.sets(st.integers(0, 3)))
def test_partial_documents(world: World, known: Set[int]) -> None:
    """R6: no networks, a NIC that is there and was described, many routes gone, or none told when some would go."""
    machine = Machine(world)
    evidence, state = machine.evidence(), machine.snapshot()
    data = evidence.data
    macs = tuple(bytes.fromhex(f"fa163e0000{number:02x}") for number in known)
    present = {nic.mac for nic in state.nics}

    def kind(data: NetworkData) -> str:
        found = decide(evidence._replace(data=data, known_macs=macs), world.settings).suspicion
        return found.kind if found else ""

    if data.links[0].mac in present and data.links[0].mac in macs:
        assert kind(data._replace(links=data.links[1:])) == "nics-lost"
    assert kind(data._replace(networks=())) == "no-networks"
    leaving = {route.destination for route in state.routes if route.protocol == OUR_PROTOCOL and not is_default(route)}
    leaving -= {resolved.host.destination for resolved in machine.decide().resolution.resolved}
    if not leaving:
        lost = any(mac in present for mac in set(macs) - {link.mac for link in data.links})
        ours = any(route.protocol == OUR_PROTOCOL and is_default(route) for route in state.routes)
        omitted = any(network.omits_routes for network in data.networks)
        # Our default may lead through a NIC whose routes the document omits, or that it has no network on.
        possible = ["", *(["default-omitted"] if ours and omitted else []), *(["networks-lost"] if ours else [])]
        assert kind(data) in (["nics-lost"] if lost else possible)


@many
@given(worlds())
def test_every_route_of_the_document_has_an_answer(world: World) -> None:
    """R3, R15: programmed or not, with a place and a reason; never lost, never twice."""
    machine = Machine(world)
    decision = machine.decide()
    data = machine.evidence().data
    resolution = decision.resolution
    noted = [note.host.place for note in resolution.notes if note.host is not None]
    answered = [one.host.place for one in resolution.resolved] + [one.host.place for one in resolution.unresolved]
    assert sorted(answered + noted) == sorted(route.place for route in data.routes)
    assert [one.resolved for one in decision.plan.routes] == list(resolution.resolved)
    for resolved in resolution.resolved:
        assert resolved.host.place in resolved_reason(resolved)
        assert resolved.next_hop.nic.name in resolved_reason(resolved)
    assert all(unresolved_reason(one) for one in resolution.unresolved)
