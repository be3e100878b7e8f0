"""Which packets the kernel is asked about, and what its answers say."""

from __future__ import annotations

from typing import List

import pytest

from guest_routes.model.evidence import Evidence
from guest_routes.model.network import Lookup, NextHop, Prefix, Route, Rule, address_text, parse_address, parse_prefix
from guest_routes.model.settings import Settings
from guest_routes.model.source_routing import SourceRoutingPlan
from guest_routes.routing.decide import decide
from guest_routes.routing.source_routing.verify import (
    ASKED,
    _through,
    deciding_tables,
    outside,
    overruled_sources,
    source_probes,
)
from tests.support.iproute_text import parse_route
from tests.support.situations import THREE_NICS, network, situation, with_tables

ON = Settings(source_routing=True)
VPN = Rule(4, 32764, 51820, False, 3)
"""Of some packets only, as wg-quick's."""


def made(*rules: Rule, main: str = "") -> tuple[SourceRoutingPlan, Evidence]:
    networks = [
        network("eth0", "10.65.0.7/24", "default 10.65.0.1"), network("eth1", "11.8.0.9/24", "default 11.8.0.1")
    ]  # fmt: skip
    found = situation(networks, THREE_NICS + main)
    found = with_tables(found, (), (*found.kernel.rules, *rules))
    plan = decide(found, ON).source_routing
    assert plan is not None
    return plan, found


def asked(*rules: Rule, main: str = "") -> List[str]:
    plan, found = made(*rules, main=main)
    probes = source_probes(plan, found.kernel, ON)
    return [f"{address_text(one.destination)} from {address_text(one.source)}" for one in probes]


def test_nothing_is_asked_where_the_tables_prove_it() -> None:
    ours = Rule(4, 32765, 12102, False, 121, parse_prefix("10.65.0.7/32"))
    assert asked() == asked(ours) == []
    assert asked(Rule(4, 32766, 77, True, 4)) == []  # Behind ours.
    assert asked(VPN._replace(family=6)) == []


def test_hosts_behind_routers_of_the_nics_own_subnet_are_asked_about() -> None:
    """cloud-init's tables have a subnet and a default, and no operator's route."""
    main = "10.210.0.0/16 via 11.8.0.50 dev eth1\n10.201.0.0/16 via 11.8.0.1 dev eth1\n10.202.0.0/16 dev eth1"
    more = set(asked(VPN, main=main)) - set(asked(VPN))
    assert {one for one in more if one.endswith("from 11.8.0.9")} == {"10.210.0.1 from 11.8.0.9"}


def test_each_address_is_asked_about_where_another_rule_comes_first() -> None:
    assert asked(VPN) == [
        "203.0.113.9 from 10.65.0.7", "11.8.0.1 from 10.65.0.7",
        "203.0.113.9 from 11.8.0.9", "10.65.0.1 from 11.8.0.9",
    ]  # fmt: skip
    # Main decides about hosts outside anyway.
    assert asked(VPN, main="default dev tun0 scope link") == ["11.8.0.1 from 10.65.0.7", "10.65.0.1 from 11.8.0.9"]


def test_a_host_that_a_table_sends_nowhere_is_not_asked_about() -> None:
    """A table that has lost its default, as one that waits for its NIC's gateway has."""
    plan, found = made(VPN)
    bare = plan._replace(tables=tuple(one._replace(routes=()) for one in plan.tables))
    assert not list(source_probes(bare, found.kernel, ON))


def test_main_s_own_rule_before_ours_is_asked_about_too() -> None:
    main = Rule(4, 100, 254, True, 2)
    assert asked(main) == asked(VPN)
    assert asked(main._replace(table=255)) == []  # The machine's own addresses come first.


def test_a_host_that_main_sends_through_the_other_nic_is_asked_about() -> None:
    """A rule that looks main up without its default decides there only."""
    for route in (
        "via 11.8.0.1 dev eth1",
        "dev eth1 scope link",
        "nexthop via 11.8.0.1 dev eth1 nexthop via 11.8.0.2 dev eth1",
    ):
        assert set(asked(VPN, main=f"11.11.0.0/16 {route}")) - set(asked(VPN)) == {"11.11.0.1 from 10.65.0.7"}
    # What goes through a NIC of another program follows main.
    assert asked(VPN, main="11.11.0.0/16 via 10.200.0.1 dev tun0") == asked(VPN)
    # Of a prefix that is thrown in part the rest is asked about.
    thrown = asked(VPN, main="11.11.0.0/16 via 11.8.0.1 dev eth1\n11.11.0.0/24 dev tun0 scope link")
    assert set(thrown) - set(asked(VPN)) == {"11.11.128.0 from 10.65.0.7"}


def test_a_few_hosts_stand_for_all() -> None:
    many = "\n".join(f"11.{number}.0.0/16 via 11.8.0.1 dev eth1" for number in range(11, 200))
    assert len(asked(VPN, main=many)) == ASKED + 3  # eth1's own are one outside, and eth0's gateway.


def test_where_main_covers_every_host_outside_one_is_asked_about_all_the_same() -> None:
    halves = "0.0.0.0/1 via 11.8.0.1 dev eth1\n128.0.0.0/1 via 11.8.0.1 dev eth1"
    assert {"203.0.113.9 from 10.65.0.7", "203.0.113.9 from 11.8.0.9"} <= set(asked(VPN, main=halves))


def test_what_another_programs_table_sends_otherwise_is_asked_about() -> None:
    plan, found = made(VPN)
    texts = ("10.50.0.0/16 via 11.8.0.5 dev eth1", "10.51.0.0/16 via 10.65.0.5 dev eth0", "blackhole 10.52.0.0/16",
             "throw 10.53.0.0/16", "default via 10.65.0.5 dev eth0", "10.54.0.0/16 dev tun0 scope link",
             "10.55.0.0/16 nexthop via 10.65.0.5 dev eth0 nexthop via 10.200.0.1 dev tun0")  # fmt: skip
    others = [parse_route(text, found.kernel.nics)._replace(table=VPN.table) for text in texts]
    more = {(one.destination, one.source) for one in source_probes(plan, found.kernel, ON, others)}
    less = {(one.destination, one.source) for one in source_probes(plan, found.kernel, ON)}
    (tun0,) = (one.ifindex for one in found.kernel.nics if one.name == "tun0")
    managed = {one.destination for one in source_probes(plan, found.kernel, ON, others, frozenset({tun0}))}
    assert managed - {host for host, _ in more} == {parse_address("10.54.0.1"), parse_address("10.55.0.1")}
    assert {f"{address_text(host)} from {address_text(source)}" for host, source in more - less} == {
        "10.50.0.1 from 10.65.0.7", "10.52.0.1 from 10.65.0.7",
        "10.51.0.1 from 11.8.0.9", "10.52.0.1 from 11.8.0.9",
    }  # fmt: skip


def test_which_tables_are_other_programs() -> None:
    plan, found = made(
        VPN, VPN._replace(table=77), VPN, VPN._replace(table=0, action=2), VPN._replace(table=254),
        VPN._replace(table=255),
        VPN._replace(table=90, priority=32766), Rule(4, 32765, 12102, False, 121, parse_prefix("10.65.0.7/32")),
    )  # fmt: skip
    assert deciding_tables(plan, found.kernel, ON) == (51820, 77)
    others = Rule(4, 100, 90, False, source=parse_prefix("192.0.2.0/24"))
    plan, found = made(others, VPN._replace(family=6, table=91), others._replace(table=92, source=parse_prefix("::/0")))
    assert deciding_tables(plan, found.kernel, ON) == ()


def test_any_next_hop_of_a_multipath_route_is_right() -> None:
    plan, found = made(VPN, main="11.11.0.0/16 via 11.8.0.1 dev eth1")
    probe = next(one for one in source_probes(plan, found.kernel, ON) if one.destination == parse_address("11.11.0.1"))
    hops = tuple(NextHop(parse_address(one), 2) for one in ("10.65.0.50", "10.65.0.51"))
    probe = probe._replace(route=probe.route._replace(gateway=None, ifindex=0, nexthops=hops))
    answers = [Lookup(probe.destination, 2, parse_address(one)) for one in ("10.65.0.51", "10.65.0.1")]
    assert [len(overruled_sources([probe], [one], found.kernel, ON)) for one in answers] == [0, 1]


@pytest.mark.parametrize(
    "covered, expected",
    [
        ([], "203.0.113.9"),
        (["203.0.113.0/24"], "198.51.100.9"),
        (["0.0.0.0/1", "128.0.0.0/1"], "203.0.113.9"),
        (["0.0.0.0/1", "128.0.0.0/1", "192.0.0.0/3"], "8.8.8.8"),
        (["::/1"], "203.0.113.9"),
    ],
)
def test_a_host_outside(covered: List[str], expected: str) -> None:
    """The first is one that no route but the default covers, else one of the widest prefix."""
    routes = [Route(parse_prefix(one), None, 3) for one in covered] + [Route(Prefix(bytes(4), 0), None, 3)]
    assert address_text(outside(4, routes)[0]) == expected


def test_an_answer_by_another_nic_names_the_rule_that_may_be_why() -> None:
    other, of_source = Rule(4, 100, 77, True, 4), Rule(4, 90, 78, False, 4, parse_prefix("11.8.0.9/32"))
    plan, found = made(of_source, other, VPN)
    probes = tuple(source_probes(plan, found.kernel, ON))
    probes = (probes[0], next(one for one in probes if one.table.nic.name == "eth1"))
    wrong = Lookup(probes[1].destination, 8, None, 51820)
    right = Lookup(probes[0].destination, 2, parse_address("10.65.0.1"), 12102)
    (conflict,) = overruled_sources(probes, [right, wrong], found.kernel, ON)
    assert (conflict.kind, conflict.nic.name, conflict.rule) == ("overruled", "eth1", VPN)
    (unknown,) = overruled_sources(probes[1:], [wrong._replace(table=5)], found.kernel, ON)
    assert unknown.rule == of_source
    plan, found = made(of_source)
    (first,) = overruled_sources(tuple(source_probes(plan, found.kernel, ON))[:1], [wrong], found.kernel, ON)
    assert first.rule is None  # The rule is for another address.


@pytest.mark.parametrize("answer", [Lookup(b"", 2, table=77), Lookup(b"", 0)], ids=["a way", "none"])
def test_a_rule_for_all_packets_of_the_address_is_rather_blamed(answer: Lookup) -> None:
    some, own = (
        Rule(4, 50, 77, False, restricted=True, chosen=True),
        Rule(4, 100, 77, False, source=parse_prefix("11.8.0.0/24")),
    )
    plan, found = made(Rule(4, 40, 90, True), some, Rule(4, 60, 0, True, action=3), own)
    probe = next(one for one in source_probes(plan, found.kernel, ON) if one.source == parse_address("11.8.0.9"))
    (conflict,) = overruled_sources([probe], [answer], found.kernel, ON)
    assert conflict.rule == (own if answer.ifindex else Rule(4, 40, 90, True))


@pytest.mark.parametrize("local, priority, moved", [(0, 50, False), (0, 1, True), (49, 50, True), (48, 50, False)])
def test_where_the_table_local_leaves_no_room_before_a_rule(local: int, priority: int, moved: bool) -> None:
    plan, found = made(Rule(4, priority, 77, True))
    rules = tuple(one._replace(priority=local) if one.table == 255 else one for one in found.kernel.rules)
    there = found.kernel._replace(rules=rules)
    probe = next(iter(source_probes(plan, there, ON)))
    (conflict,) = overruled_sources([probe], [Lookup(b"", 9, table=77)], there, ON)
    assert conflict.local == (rules[[one.table for one in rules].index(255)] if moved else None)


def test_routes_by_a_gateway_say_more_than_a_neighbour() -> None:
    nics = situation([], THREE_NICS).kernel.nics
    near, far, default, elsewhere = (
        parse_route(text, nics)
        for text in ("10.7.0.0/16 dev eth0", "10.9.0.0/16 via 10.65.0.50 dev eth0", "default via 10.65.0.1 dev eth0",
                     "10.8.0.0/16 dev tun0")
    )  # fmt: skip
    assert _through(frozenset({2}), [near, default, far, elsewhere]) == [far, near]
