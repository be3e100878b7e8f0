"""From the tables and rules that are there to those that should be: what is added, replaced, adopted and removed."""

from __future__ import annotations

import time
from typing import List, Sequence, Tuple

from guest_routes.model.evidence import Evidence
from guest_routes.model.network import Nic, Route, Rule, parse_prefix
from guest_routes.model.operations import Add, Delete
from guest_routes.model.plan import Plan
from guest_routes.model.settings import Settings
from guest_routes.model.source_routing import RemoveRoute, RemoveRule, SourceRoutingPlan
from guest_routes.output.source_routing import source_text
from guest_routes.routing.decide import decide
from guest_routes.routing.source_routing.plan import connected, main_after
from tests.support.iproute_text import parse_route
from tests.support.situations import THREE_NICS, TWO_NICS, network, nic, situation, with_tables

BOTH = [
    network("eth0", "10.65.0.7/24", "default 10.65.0.1"),
    network("eth1", "11.8.0.9/24", "default 11.8.0.1", "11.11.0.0/16 11.8.0.1"),
]
ON = Settings(source_routing=True)
FOUR = TWO_NICS.replace(" fd00:65::7/64", "").replace(" fd00:8::9/64", "")


def made(evidence: Evidence, settings: Settings = ON, **more: bool) -> SourceRoutingPlan:
    plan = decide(evidence, settings, **more).source_routing
    assert plan is not None
    return plan


def bare(kernel: str = FOUR) -> Evidence:
    """The documented instance before source routing."""
    return with_tables(situation(BOTH, kernel))


def whole(kernel: str = FOUR) -> Evidence:
    """The same with all that it should have."""
    evidence = bare(kernel)
    plan = made(evidence)
    return having(evidence, [route for one in plan.tables for route in one.routes], [one.rule for one in plan.rules])


def having(evidence: Evidence, routes: Sequence[Route], rules: Sequence[Rule]) -> Evidence:
    """The same evidence with these tables, and these rules among the kernel's own."""
    there = (*evidence.kernel.rules[:1], *rules, *evidence.kernel.rules[1:])
    return with_tables(evidence, routes, there)


def texts(plan: SourceRoutingPlan, evidence: Evidence) -> List[Tuple[str, str]]:
    return [(type(one).__name__, source_text(one, evidence.kernel.nics)) for one in plan.operations]


def route(text: str, evidence: Evidence, table: int = 12103) -> Route:
    return parse_route(text, evidence.kernel.nics)._replace(table=table)


def rules_of(evidence: Evidence) -> List[Rule]:
    return [rule for rule in evidence.kernel.rules if rule.protocol == 121]


def test_from_nothing_routes_come_before_rules() -> None:
    evidence = bare()
    assert texts(made(evidence), evidence) == [
        ("SetRoute", "10.65.0.0/24 dev eth0 table 12102 proto guest-routes scope link"),
        ("SetRoute", "default via 10.65.0.1 dev eth0 table 12102 proto guest-routes metric 1024"),
        ("SetRoute", "11.8.0.0/24 dev eth1 table 12103 proto guest-routes scope link"),
        ("SetRoute", "default via 11.8.0.1 dev eth1 table 12103 proto guest-routes metric 1024"),
        ("AddRule", "rule from 10.65.0.7 lookup 12102 priority 32765 proto guest-routes"),
        ("AddRule", "rule from 11.8.0.9 lookup 12103 priority 32765 proto guest-routes"),
    ]


def test_nothing_to_do_where_all_is_there() -> None:
    assert made(whole()).operations == ()
    kernels = [one._replace(scope=0) if one.gateway else one for one in whole().kernel.tables or ()]
    assert made(with_tables(whole(), kernels)).operations == ()


def test_off_all_goes_rules_first() -> None:
    evidence = whole()
    plan = made(evidence, Settings())
    assert not plan.enabled
    kinds = [type(one) for one in plan.operations]
    assert kinds == [RemoveRule, RemoveRule, RemoveRoute, RemoveRoute, RemoveRoute, RemoveRoute]
    assert decide(situation(BOTH), ON).source_routing is None  # Nothing was read of it.


def test_another_gateway_replaces_the_route_at_once() -> None:
    evidence = whole()
    moved = [network("eth0", "10.65.0.7/24", "default 10.65.0.1"), network("eth1", "11.8.0.9/24", "default 11.8.0.2")]
    now = having(situation(moved, FOUR), evidence.kernel.tables or (), rules_of(evidence))
    (operation,) = made(now).operations
    assert (operation in made(now).routes, made(now).routes[0].replaces) == (True, True)
    assert "default via 11.8.0.2 dev eth1 table 12103" in source_text(operation, now.kernel.nics)


def test_what_main_no_longer_has_goes_throws_first() -> None:
    evidence = whole(FOUR + "10.9.0.0/16 via 11.8.0.50 dev eth1\nblackhole 10.8.0.0/16")
    now = with_tables(bare(), evidence.kernel.tables or (), evidence.kernel.rules)
    removed = [source_text(one, now.kernel.nics) for one in made(now).removals]
    assert removed == [
        "throw 10.8.0.0/16 table 12102 proto guest-routes", "throw 10.8.0.0/16 table 12103 proto guest-routes",
        "10.9.0.0/16 via 11.8.0.50 dev eth1 table 12103 proto guest-routes",
    ]  # fmt: skip


def test_another_table_and_another_priority() -> None:
    evidence = whole()
    plan = made(evidence, ON._replace(source_routing_table=500, source_routing_priority=99))
    assert [one.rule.table for one in plan.rules] == [502, 503]
    assert [one.rule.table for one in plan.removals if isinstance(one, RemoveRule)] == [12102, 12103]
    assert {one.route.table for one in plan.removals if isinstance(one, RemoveRoute)} == {12102, 12103}


def test_equal_ones_of_others_are_adopted() -> None:
    evidence = whole()
    theirs = having(bare(), [one._replace(protocol=4) for one in evidence.kernel.tables or ()], [
        rule._replace(protocol=3) for rule in rules_of(evidence)
    ])  # fmt: skip
    assert (made(theirs).operations, made(theirs).conflicts) == ((), ())


def test_a_partial_document_takes_no_table_away() -> None:
    evidence = whole()
    partial = having(situation(BOTH[:1], FOUR), evidence.kernel.tables or (), rules_of(evidence))
    lost = partial._replace(known_macs=tuple(one.mac for one in partial.kernel.nics))
    assert made(lost).operations == ()
    ruleless = with_tables(lost, evidence.kernel.tables or (), situation(BOTH, FOUR).kernel.rules)
    assert [one for one in made(ruleless).removals if isinstance(one, RemoveRoute)] == []
    accepted = made(lost, accept_withdrawals=True)
    assert {source_text(one, ())[:28] for one in accepted.removals if isinstance(one, RemoveRule)} == {
        "rule from 11.8.0.9 lookup 12"
    }


def test_a_partial_document_doesn_t_hold_what_is_nobody_s() -> None:
    evidence = whole()
    gone = situation(BOTH[:1], FOUR.splitlines()[1] + "\nnic eth9 fa:16:3e:00:00:09 10.99.0.2/24")
    now = having(gone, evidence.kernel.tables or (), rules_of(evidence))
    now = now._replace(known_macs=(bytes.fromhex("fa163e000009"),))
    assert decide(now, ON).suspicion is not None
    removed = [source_text(one, now.kernel.nics) for one in made(now).removals if isinstance(one, RemoveRule)]
    assert removed == ["rule from 11.8.0.9 lookup 12103 priority 32765 proto guest-routes"]


def test_a_network_that_omits_its_routes_keeps_its_table() -> None:
    """Nothing but the table itself tells eth1's gateway any more (R6)."""
    evidence = whole()
    omitted = {"link": "eth1", "type": "ipv4_dhcp"}
    now = having(situation([BOTH[0], omitted], FOUR), evidence.kernel.tables or (), rules_of(evidence))
    plan = made(now)
    assert [one.nic.name for one in plan.tables] == ["eth0", "eth1"]
    assert plan.operations == ()


def test_with_other_numbers_a_partial_document_keeps_the_table_that_a_rule_which_stays_looks_up() -> None:
    evidence = whole()
    partial = having(situation(BOTH[:1], FOUR), evidence.kernel.tables or (), rules_of(evidence))
    lost = partial._replace(known_macs=tuple(one.mac for one in partial.kernel.nics))
    plan = made(lost, ON._replace(source_routing_table=13000))
    assert [source_text(one, ()) for one in plan.removals if isinstance(one, RemoveRule)] == [
        "rule from 10.65.0.7 lookup 12102 priority 32765 proto guest-routes"
    ]
    assert {one.route.table for one in plan.removals if isinstance(one, RemoveRoute)} == {12102}


def test_main_after_a_plan() -> None:
    evidence = situation(BOTH, FOUR + "default via 11.8.0.1 dev eth1 proto static")
    decision = decide(evidence, ON)
    after = main_after(evidence.kernel.routes, decision.plan)
    assert len(after) == len(evidence.kernel.routes) + len(decision.plan.additions) - len(decision.plan.removals)
    assert after[0] == decision.plan.additions[0].route
    assert main_after(evidence.kernel.routes, Plan()) is evidence.kernel.routes
    one = parse_route("10.9.0.0/16 via 11.8.0.50 dev eth1", evidence.kernel.nics)
    assert main_after([one], Plan((Add(one),), (Delete(one),))) == [one]


def test_routes_that_the_kernel_will_make() -> None:
    evidence = situation(BOTH, THREE_NICS)
    own: Nic = nic(evidence.kernel, "eth1")
    assert list(connected([own], evidence.kernel.routes)) == []
    new = own._replace(addresses=(parse_prefix("11.9.0.9/24"), parse_prefix("11.9.1.9/32"), parse_prefix("fd09::1/64")))
    assert [(str(one.destination), one.ifindex, one.scope) for one in connected([new], evidence.kernel.routes)] == [
        ("11.9.0.0/24", 3, 253), ("fd09::/64", 3, 0),
    ]  # fmt: skip


def seconds(evidence: Evidence) -> float:
    """Of processor time that the tables and rules of a machine take, the least of three times."""
    times = []
    for _ in range(3):
        started = time.process_time()
        assert made(evidence).operations == ()
        times.append(time.process_time() - started)
    return min(times)


def test_four_times_the_addresses_take_about_four_times_as_long() -> None:
    def having_many(number: int) -> Evidence:
        more = " ".join(f"11.20.{one // 250}.{one % 250 + 1}/32" for one in range(number))
        return whole(FOUR.replace("11.8.0.9/24", f"11.8.0.9/24 {more}"))

    assert seconds(having_many(4000)) < 9 * seconds(having_many(1000))
