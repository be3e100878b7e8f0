"""R8: what the kernel's answers say."""

from __future__ import annotations

from typing import Dict, List, Tuple

from guest_routes.model.evidence import Evidence
from guest_routes.model.network import Lookup, Route, Rule, address_text, parse_address
from guest_routes.model.plan import Plan
from guest_routes.model.report import Overruled
from guest_routes.model.settings import Settings
from guest_routes.output.route_text import route_text
from guest_routes.routing.decide import decide
from guest_routes.routing.lookups.answers import (
    Contradiction,
    contradictions,
    overruled,
    unread_tables,
    with_shared,
)
from guest_routes.routing.lookups.probes import Probe, probes
from tests.support.iproute_text import parse_route
from tests.support.situations import THREE_NICS, network, situation

MAIN = 254
PLAIN = Settings()
NONE_READ: Dict[int, List[Route]] = {}
NETWORKS = [
    network("eth0", "10.65.0.7/24", "default 10.65.0.1"),
    network("eth1", "11.8.0.9/24", "default 11.8.0.1", "11.11.0.0/16 11.8.0.1"),
]
DEFAULT = "default via 10.65.0.1 dev eth0 proto static"
OURS = "11.11.0.0/16 via 11.8.0.1 dev eth1 proto guest-routes"
RIVAL = "11.11.0.0/16 via 10.65.0.9 dev eth0 metric 9"
SIX = [network("eth0", "fd00:65::7/64", "default fd00:65::1")]
KERNELS = (Rule(4, 0, 255, True), Rule(4, 32766, 254, True), Rule(4, 32767, 253, True))
"""The kernel's own three."""
STRONGSWAN = Rule(4, 220, 220, True)


def kernel(*routes: str, rules: Tuple[Rule, ...] = KERNELS) -> Evidence:
    found = situation(NETWORKS, THREE_NICS + "".join(f"{route}\n" for route in routes))
    return found._replace(kernel=found.kernel._replace(rules=rules))


def plan_of(evidence: Evidence, settings: Settings = PLAIN) -> Plan:
    return decide(evidence, settings).plan


def asked(evidence: Evidence, others: Dict[int, List[Route]] = NONE_READ, settings: Settings = PLAIN) -> List[str]:
    return [address_text(one.address) for one in probes(plan_of(evidence, settings), evidence.kernel, MAIN, others)]


def other(evidence: Evidence, *texts: str) -> List[Route]:
    return [parse_route(text, evidence.kernel.nics) for text in texts]


def won(
    evidence: Evidence,
    answer: Lookup,
    others: Dict[int, List[Route]] = NONE_READ,
    settings: Settings = PLAIN,
) -> List[Overruled]:
    """What is reported where the kernel gives this answer for its address."""
    plan = plan_of(evidence, settings)
    found = [one for one in probes(plan, evidence.kernel, MAIN, others) if one.address == answer.address]
    wrong = contradictions(found, [answer] * len(found))
    return list(overruled(wrong, plan, evidence.kernel, MAIN, others))


def named(evidence: Evidence, found: List[Overruled]) -> List[Tuple[str, int]]:
    nics = evidence.kernel.nics
    return [(route_text(o.by, nics) if o.by else "", o.rule.priority if o.rule else -1) for o in found]


def test_an_answer_that_agrees() -> None:
    evidence = kernel(DEFAULT, OURS, RIVAL)
    default, host = probes(plan_of(evidence), evidence.kernel, MAIN, {})
    right = [Lookup(default.address, 2, bytes((10, 65, 0, 1)), 254), Lookup(host.address, 3, bytes((11, 8, 0, 1)), 254)]
    assert contradictions([default, host], right) == []
    for wrong in (
        right[1]._replace(ifindex=2),
        right[1]._replace(gateway=bytes((11, 8, 0, 2))),
        Lookup(host.address, 0),
    ):
        assert contradictions([default, host], [right[0], wrong]) == [Contradiction(host, wrong)]


def test_a_router_on_the_elected_nic_is_as_good_as_its_gateway() -> None:
    evidence = situation(SIX, f"{THREE_NICS}default via fd00:65::1 dev eth0\n")
    (probe,) = probes(plan_of(evidence), evidence.kernel, MAIN, {})
    router = parse_address("fe80::1")
    assert contradictions([probe], [Lookup(probe.address, 2, router, 254)]) == []
    assert len(contradictions([probe], [Lookup(probe.address, 3, router, 254)])) == 1
    host = Probe(probe.route._replace(destination=probe.route.destination._replace(length=16)), probe.address)
    assert len(contradictions([host], [Lookup(probe.address, 2, router, 254)])) == 1


def test_each_next_hop_of_an_adopted_route_agrees() -> None:
    twice = "default nexthop via 10.65.0.1 dev eth0 nexthop via 10.65.0.1 dev eth0"
    evidence = kernel(twice, OURS)
    (probe,) = probes(plan_of(evidence), evidence.kernel, MAIN, {})
    assert probe.route.nexthops
    assert contradictions([probe], [Lookup(probe.address, 2, parse_address("10.65.0.1"), 254)]) == []
    assert len(contradictions([probe], [Lookup(probe.address, 2, parse_address("10.65.0.2"), 254)])) == 1


def test_a_next_hop_of_the_same_route_gets_a_part_whatever_the_answer_is() -> None:
    nexthops = "default via fd00:65::1 dev eth0 metric 9\ndefault via fd00:200::1 dev tun0 metric 9\n"
    for there, by_choice in ((nexthops, False), (nexthops.replace("tun0", "eth1").replace("200", "8"), True)):
        two = [*SIX, network("eth1", "fd00:8::9/64")] if by_choice else SIX
        evidence = situation(two, f"{THREE_NICS}{there}")
        plan = plan_of(evidence, Settings(default_mode="observe"))
        asked_for = probes(plan, evidence.kernel, MAIN, {})
        for ifindex, gateway in ((2, "fd00:65::1"), (3, "fd00:8::1") if by_choice else (4, "fd00:200::1")):
            answers = [Lookup(one.address, ifindex, parse_address(gateway), 254) for one in asked_for]
            found = overruled(contradictions(asked_for, answers), plan, evidence.kernel, MAIN, {})
            found = with_shared(found, asked_for, answers, plan, evidence.kernel)
            assert [(one.by and one.by.ifindex, one.shares) for one in found] == ([] if by_choice else [(4, True)])


def test_an_extra_default_of_which_less_lifetime_is_left_stays_by_choice_all_the_same() -> None:
    hops = ("fd00:65::1 dev eth0", "fd00:8::1 dev eth1")
    there = "".join(f"default via {hop} proto ra metric 9 expires 600\n" for hop in hops)
    networks = [*SIX, network("eth1", "fd00:8::7/64", "default fd00:8::1")]
    evidence = situation(networks, f"{THREE_NICS}{there}")
    plan = plan_of(evidence, Settings(default_mode="observe"))
    after = evidence.kernel._replace(routes=tuple(one._replace(expires=599) for one in evidence.kernel.routes))
    asked_for = probes(plan, after, MAIN, {})
    answers = [Lookup(one.address, 2, parse_address("fd00:65::1"), 254) for one in asked_for]
    assert asked_for and not with_shared((), asked_for, answers, plan, after)


def test_a_route_that_wins_is_named_before_one_that_shares() -> None:
    there = "".join(
        f"default via {hop}\n"
        for hop in ("fd00:200::9 dev tun0 metric 5", "fd00:65::1 dev eth0 metric 9", "fd00:200::1 dev tun0 metric 9")
    )
    evidence = situation(SIX, f"{THREE_NICS}{there}")
    plan = plan_of(evidence)
    asked_for = probes(plan, evidence.kernel, MAIN, {})
    answers = [Lookup(one.address, 4, parse_address("fd00:200::9"), 254) for one in asked_for]
    found = overruled(contradictions(asked_for, answers), plan, evidence.kernel, MAIN, {})
    (only,) = with_shared(found, asked_for, answers, plan, evidence.kernel)
    assert (only.by and only.by.metric, only.shares) == (5, False)


EIGHT = parse_address("8.0.0.1")
TUN0 = 4


def test_a_default_of_the_same_table_that_comes_first() -> None:
    vpn = "default dev tun0 metric 7"
    evidence = kernel(vpn, "default via 10.65.0.1 dev eth0 metric 100", OURS)
    assert named(evidence, won(evidence, Lookup(EIGHT, TUN0, None, 254))) == [
        ("default dev tun0 proto boot metric 7", -1)
    ]


def test_the_best_of_several_is_named() -> None:
    evidence = kernel(
        "default dev tun0 metric 9", "default dev tun0 metric 7", "default via 10.65.0.1 dev eth0 metric 100"
    )
    assert named(evidence, won(evidence, Lookup(EIGHT, TUN0, None, 254))) == [
        ("default dev tun0 proto boot metric 7", -1)
    ]


def test_a_route_of_another_table_and_its_rule() -> None:
    evidence = kernel(DEFAULT, OURS, rules=(*KERNELS, STRONGSWAN, Rule(4, 300, 220, True)))
    answer = Lookup(parse_address("11.11.0.1"), 2, parse_address("10.65.0.1"), 220)
    (probe,) = (one for one in probes(plan_of(evidence), evidence.kernel, MAIN, {}) if one.address == answer.address)
    assert unread_tables([Contradiction(probe, answer)], evidence.kernel, MAIN, {}) == {220}
    assert unread_tables([Contradiction(probe, answer)], evidence.kernel, MAIN, {220: []}) == set()
    wider = {220: other(evidence, "11.0.0.0/8 via 10.65.0.1 dev eth0 table 220")}
    assert named(evidence, won(evidence, answer, wider)) == [
        ("11.0.0.0/8 via 10.65.0.1 dev eth0 table 220 proto boot", 220)
    ]
    assert named(evidence, won(evidence, answer, {220: []})) == [("", 220)]  # It has gone since.


def test_what_rejects() -> None:
    evidence = kernel(
        DEFAULT, OURS, rules=(*KERNELS, STRONGSWAN, Rule(4, 250, 0, False, action=3), Rule(4, 300, 0, False, action=8))
    )
    nowhere = Lookup(EIGHT, 0, error="No route to host")
    (probe, *_) = probes(plan_of(evidence), evidence.kernel, MAIN, {})
    assert unread_tables([Contradiction(probe, nowhere)], evidence.kernel, MAIN, {}) == {220}
    rejecting = {220: other(evidence, "unreachable default table 220")}
    assert named(evidence, won(evidence, nowhere, rejecting)) == [("unreachable default table 220 proto boot", 220)]
    assert named(evidence, won(evidence, nowhere, {220: []})) == [("", 300)]
    no_rule = kernel(DEFAULT, "unreachable default metric 4")
    assert named(no_rule, won(no_rule, nowhere)) == [("unreachable default proto boot metric 4", -1)]


def test_what_nobody_knows() -> None:
    evidence = kernel(DEFAULT, OURS)
    assert named(evidence, won(evidence, Lookup(EIGHT, 9, None, 77))) == [("", -1)]


def test_what_stays_by_choice_and_what_goes_is_no_news() -> None:
    extra = "default via 11.8.0.1 dev eth1"
    evidence = kernel(extra, DEFAULT, OURS)
    answer = Lookup(EIGHT, 3, parse_address("11.8.0.1"), 254)
    assert won(evidence, answer) == []  # It is about to be removed.
    assert won(evidence, answer, settings=Settings(default_mode="observe")) == []


def test_a_default_that_is_yet_to_be_added() -> None:
    evidence = kernel("default dev tun0 metric 7", OURS)
    assert named(evidence, won(evidence, Lookup(EIGHT, TUN0, None, 254))) == [
        ("default dev tun0 proto boot metric 7", -1)
    ]
    nowhere = Lookup(EIGHT, 0, error="Network is unreachable")
    assert won(kernel(OURS), nowhere) == []
    # Where no rule looks the table up it is of no use then, either.
    (found,) = won(kernel(OURS, rules=(KERNELS[0], KERNELS[2])), nowhere)
    assert (found.unruled, found.by_rules, found.by, found.rule) == (True, True, None, None)
