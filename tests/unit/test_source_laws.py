"""Laws of source routing (R21), in the worlds of test_laws.py: each address' packets go as the rule's text says."""

from __future__ import annotations

from typing import Dict, List, Optional, Sequence, Tuple

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from guest_routes.kernel.apply_source import apply_source
from guest_routes.model.network import (
    MAIN_TABLE,
    OUR_PROTOCOL,
    Address,
    KernelState,
    Lookup,
    Nic,
    Prefix,
    Route,
    contains,
)
from guest_routes.model.plan import Decision
from guest_routes.model.settings import Settings
from guest_routes.model.source_routing import NicTable, SourceRoutingPlan
from guest_routes.routing.compare import ifindexes
from guest_routes.routing.elect import managed_ifindexes
from guest_routes.routing.source_routing.plan import plan_source_routing
from guest_routes.routing.source_routing.stages import stages
from tests.support.examples import examples
from tests.unit.test_laws import FAMILIES, FAR_AWAY, Machine, World, worlds

some = settings(max_examples=examples(40), deadline=None, suppress_health_check=[HealthCheck.too_slow])
Hops = List[Tuple[Optional[Address], int]]


def on(world: World) -> World:
    """The same with source routing."""
    return world._replace(settings=world.settings._replace(source_routing=True))


def plan_now(machine: Machine, decision: Decision, chosen: Settings, withdraw: bool = True) -> SourceRoutingPlan:
    """The plan for what is there."""
    state = machine.snapshot()
    looked_up = {rule.table for rule in state.rules} - {255, 253, MAIN_TABLE}
    numbers = sorted(looked_up | {chosen.source_routing_table + nic.ifindex for nic in state.nics})
    state = state._replace(tables=machine.kernel.tables(numbers))
    return plan_source_routing(decision.resolution, decision.elections, state.routes, state, chosen, withdraw)


def synced(machine: Machine) -> Tuple[Decision, SourceRoutingPlan]:
    """A whole pass; the model of the kernel refuses none of it."""
    decision, _ = machine.sync()
    plan = plan_now(machine, decision, machine.world.settings)
    assert apply_source(stages(plan), machine.kernel).failures == ()
    return decision, plan


def destinations(state: KernelState, family: int) -> List[Address]:
    """Addresses around every prefix that is there, and one far away."""
    found = {FAR_AWAY[family]}
    for route in state.routes:
        if route.family == family:
            size = len(route.destination.address)
            low = int.from_bytes(route.destination.address, "big")
            found |= {low.to_bytes(size, "big"), (low + 1).to_bytes(size, "big")} if low else set()
    return sorted(one for one in found if one[:1] not in (b"\xfe", b"\xff"))


def winners(state: KernelState, address: Address) -> List[List[Route]]:
    """Main's routes for an address by destination, the longest first, the best of each first."""
    groups: Dict[Prefix, List[Route]] = {}
    for route in state.routes:
        if contains(route.destination, address) and not route.tos:
            groups.setdefault(route.destination, []).append(route)
    return [sorted(groups[one], key=lambda route: route.metric) for one in sorted(groups, key=lambda one: -one.length)]


def expected(table: NicTable, state: KernelState, address: Address, managed: Sequence[int]) -> Optional[Hops]:
    """Where a packet with the NIC's address goes, from the rule's text alone; None: as main says."""
    nic = table.nic
    groups = winners(state, address)
    if groups and whose(groups[0][0], nic, managed) == "main":
        return None
    for group in groups:
        if group[0].destination.length and whose(group[0], nic, managed) != "main":
            for route in group:
                if whose(route, nic, managed) == "own":
                    return [hop for hop in hops(route) if hop[1] == nic.ifindex]
    return [(table.gateway, nic.ifindex)]


def hops(route: Route) -> Hops:
    return [(hop.gateway, hop.ifindex) for hop in route.nexthops] or [(route.gateway, route.ifindex)]


def whose(route: Route, nic: Nic, managed: Sequence[int]) -> str:
    through = ifindexes(route)
    if route.kind == 1 and nic.ifindex in through:
        return "own"
    if route.kind == 1 and through <= set(managed) and route.source not in [own.address for own in nic.addresses]:
        return "other"
    return "main"


def asked(machine: Machine, address: Address, source: Optional[Address] = None) -> Lookup:
    return machine.kernel.lookup([address], source)[0]


@some
@given(worlds())
def test_packets_with_a_nic_s_address_go_as_the_rule_says(world: World) -> None:
    machine = Machine(on(world))
    decision, plan = synced(machine)
    state = machine.snapshot()
    managed = sorted(managed_ifindexes(decision.resolution.bindings))
    event(f"{len(plan.tables)} tables")
    for table in plan.tables:
        for address in destinations(state, table.family):
            if any(own.address == address for nic in state.nics for own in nic.addresses):
                continue
            wanted, gateway = expected(table, state, address, managed), Prefix(table.gateway, len(table.gateway) * 8)
            if address in (gateway.address, *(route.gateway for route in table.routes)):
                continue  # They are always on link.
            for rule in table.rules:
                assert rule.source is not None
                answer = asked(machine, address, rule.source.address)
                if wanted is None:
                    assert answer._replace(table=0) == asked(machine, address)._replace(table=0)
                else:
                    assert (answer.gateway, answer.ifindex) in wanted, (table, address, wanted)


@some
@given(worlds())
def test_main_and_what_has_no_source_are_as_without_it(world: World) -> None:
    machine, other = Machine(on(world)), Machine(world)
    synced(machine)
    other.sync()
    assert machine.snapshot().routes == other.snapshot().routes
    for family in FAMILIES:
        for address in destinations(other.snapshot(), family):
            assert asked(machine, address) == asked(other, address)


@some
@given(worlds())
def test_a_second_plan_is_empty_and_off_takes_all_away(world: World) -> None:
    machine = Machine(on(world))
    decision, plan = synced(machine)
    assert plan_now(machine, decision, machine.world.settings).operations == ()
    assert len({one.nic.ifindex for one in plan.tables}) <= len(decision.resolution.bindings)
    assert apply_source(stages(plan_now(machine, decision, world.settings)), machine.kernel).failures == ()
    assert not [rule for rule in machine.snapshot().rules if rule.protocol == OUR_PROTOCOL]
    assert machine.kernel.tables([table.table for table in plan.tables]) == ()


@some
@given(worlds(), st.data())
def test_killed_anywhere_it_is_never_half(world: World, data: st.DataObject) -> None:
    """No packet goes otherwise than before or after, wherever the pass ends; and the next one completes it."""
    machine = Machine(on(world))
    decision, _ = machine.sync()
    plan = plan_now(machine, decision, machine.world.settings)
    lives = data.draw(st.integers(0, len(plan.operations)))
    state = machine.snapshot()
    sources = [(rule.source.address, table) for table in plan.tables for rule in table.rules if rule.source]
    pairs = [(address, source) for source, table in sources for address in destinations(state, table.family)]
    before = [asked(machine, address, source) for address, source in pairs]
    in_order = [one for stage in stages(plan) for part in stage for one in part]
    assert sorted(in_order, key=repr) == sorted(plan.operations, key=repr)
    for operation in in_order[:lives]:
        machine.kernel.apply_source([operation])
    between = [asked(machine, address, source) for address, source in pairs]
    rest = plan_now(machine, decision, machine.world.settings)
    apply_source(stages(rest), machine.kernel)
    assert plan_now(machine, decision, machine.world.settings).operations == ()
    after = [asked(machine, address, source) for address, source in pairs]
    assert all(now in (old, new) for old, now, new in zip(before, between, after))


@some
@given(worlds(), st.integers(-2, 2), st.data())
def test_killed_while_the_numbers_move_it_is_never_half(world: World, by: int, data: st.DataObject) -> None:
    """Each address looks up a whole table, its NIC's, all the time: the old one or the new one."""
    machine = Machine(on(world))
    decision, plan = synced(machine)
    moved = machine.world.settings._replace(source_routing_table=12100 + by)
    state = machine.snapshot()
    sources = [(rule.source.address, table) for table in plan.tables for rule in table.rules if rule.source]
    pairs = [(address, source) for source, table in sources for address in destinations(state, table.family)]

    def answers() -> List[Lookup]:
        return [asked(machine, address, source)._replace(table=0) for address, source in pairs]

    before, now = answers(), plan_now(machine, decision, moved)
    in_order = [one for stage in stages(now) for part in stage for one in part]
    assert sorted(in_order, key=repr) == sorted(now.operations, key=repr)
    for operation in in_order[: data.draw(st.integers(0, len(in_order)))]:
        machine.kernel.apply_source([operation])
    assert answers() == before
    apply_source(stages(plan_now(machine, decision, moved)), machine.kernel)
    assert plan_now(machine, decision, moved).operations == ()
    assert answers() == before


@some
@given(worlds())
def test_a_partial_document_takes_nothing_away(world: World) -> None:
    """R6: with no network at all, what is there for NICs that are there stays."""
    machine = Machine(on(world))
    decision, plan = synced(machine)
    nothing = decision.resolution._replace(bindings=(), resolved=())
    held = plan_now(machine, decision._replace(resolution=nothing, elections=()), machine.world.settings, False)
    assert held.operations == ()
    del plan
