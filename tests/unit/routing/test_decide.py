"""decide() composes the parts; what each part decides is its own test's."""

from __future__ import annotations

from guest_routes.model.decision import Elected, NotElected
from guest_routes.model.network_data import Problem
from guest_routes.model.settings import Selector, Settings
from guest_routes.routing.decide import decide
from guest_routes.routing.partial import AGREEING_FETCHES
from tests.support.situations import TWO_NICS, network, situation, texts

NETWORKS = [
    network("eth0", "10.65.0.7/24", "default 10.65.0.1", "11.11.0.0/16 11.8.0.1"),
    network("eth1", "11.8.0.9/24", "default 11.8.0.1"),
]
KERNEL = f"""{TWO_NICS}default via 10.65.0.1 dev eth0 proto static
default via 11.8.0.1 dev eth1 proto static metric 5
20.0.0.0/8 via 11.8.0.1 dev eth1 proto guest-routes
"""


def test_the_documented_example() -> None:
    evidence = situation(NETWORKS, KERNEL)
    decision = decide(evidence, Settings())
    assert texts(decision.plan.operations, evidence.kernel) == [
        "Add 11.11.0.0/16 via 11.8.0.1 dev eth1 proto guest-routes",
        "Delete 20.0.0.0/8 via 11.8.0.1 dev eth1 proto guest-routes",
        "RemoveForeignDefault default via 11.8.0.1 dev eth1 proto static metric 5",
    ]
    four, six = decision.elections
    assert isinstance(four, Elected)
    assert four.nic.name == "eth0"
    assert six == NotElected(6, "no-gateway")
    assert (decision.suspicion, decision.disputed, decision.plan.held) == (None, False, ())


def test_a_partial_document_withdraws_nothing_until_it_is_believed() -> None:
    lost = situation(NETWORKS[1:], KERNEL)._replace(known_macs=(bytes.fromhex("fa163e000000"),))
    for agreeing in range(AGREEING_FETCHES):
        decision = decide(lost._replace(agreeing_fetches=agreeing), Settings())
        assert decision.suspicion is not None
        assert decision.disputed
        assert decision.plan.removals == ()
        assert [route.destination for route in decision.plan.held] == [lost.kernel.routes[-1].destination]
    agreed = decide(lost._replace(agreeing_fetches=AGREEING_FETCHES), Settings())
    accepted = decide(lost, Settings(), accept_withdrawals=True)
    for decision in (agreed, accepted):
        assert (decision.suspicion, decision.disputed, decision.plan.held) == (None, True, ())
        assert texts(decision.plan.removals, lost.kernel) == [
            "Delete 20.0.0.0/8 via 11.8.0.1 dev eth1 proto guest-routes"
        ]


def test_what_cannot_be_programmed() -> None:
    networks = [
        NETWORKS[0],
        network("eth1", "11.8.0.9/24", "default 11.8.0.1", "12.0.0.0/8 11.8.0.99", "13.0.0.0/8 1.1.1.1"),
    ]
    evidence = situation(networks, KERNEL)
    refused, noted = Problem("networks[9]", "is odd", True), Problem("networks[8]", "is odd")
    settings = Settings(default=Selector(nic="eth7"), ignore_destinations=())
    decision = decide(evidence._replace(problems=(refused, noted)), settings)
    problem, election, not_a_gateway, no_subnet = decision.unprogrammable
    assert problem == refused
    assert isinstance(election, NotElected)
    assert election.family == 4
    assert [one.kind for one in (not_a_gateway, no_subnet)] == ["not-a-gateway", "no-subnet"]  # type: ignore[union-attr]


def test_what_the_settings_leave_out_is_no_failure() -> None:
    settings = Settings(ignore_nics=("eth1",))
    assert decide(situation(NETWORKS, KERNEL), settings).unprogrammable == ()


def test_a_projection_serves_nics_without_an_address() -> None:
    bare = "nic eth0 fa:16:3e:00:00:00\nnic eth1 fa:16:3e:00:00:01\n"
    evidence = situation(NETWORKS, bare)
    assert decide(evidence, Settings()).resolution.resolved == ()
    assert len(decide(evidence._replace(projected=True), Settings()).resolution.resolved) == 1
    assert isinstance(decide(evidence._replace(projected=True), Settings()).elections[0], Elected)
