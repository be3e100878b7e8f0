"""decide() composes the parts; what each part decides is its own test's."""

from __future__ import annotations

from typing import Any, Dict, List, Tuple

import pytest

from guest_routes.model.decision import Elected, NotElected
from guest_routes.model.evidence import Evidence
from guest_routes.model.network import DEFAULT_PREFIX, parse_address, parse_prefix
from guest_routes.model.network_data import PROPERTIES, SETTINGS, HostRoute, Problem
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


# ---- default entries that no network lists ------------------------------------------------------------

PRIVATE = [
    network("eth0", "10.65.0.7/24", "10.2.0.0/16 10.65.0.1"),
    network("eth1", "11.8.0.9/24", "11.11.0.0/16 11.8.0.1"),
]
ETH0_DEFAULT = f"{TWO_NICS}default via 10.65.0.1 dev eth0 proto static\n"
PLACE = "meta.guest_routes[0] of meta_data.json"


def listed(next_hop: str, origin: int = SETTINGS, index: int = 0) -> HostRoute:
    source = "meta_data.json" if origin == PROPERTIES else "x.yaml"
    return HostRoute(DEFAULT_PREFIX[4], parse_address(next_hop), source, origin, index)


def with_property(networks: List[Dict[str, Any]], next_hop: str, kernel: str = ETH0_DEFAULT) -> Evidence:
    return situation(networks, kernel)._replace(properties=(listed(next_hop, PROPERTIES),))


DEFAULTS = Settings()


def leads(evidence: Evidence, settings: Settings = DEFAULTS) -> Tuple[str, List[Tuple[str, str]]]:
    """The NIC of the IPv4 default, and what is unresolved."""
    decision = decide(evidence, settings)
    (four, _), missed = decision.elections, decision.resolution.unresolved
    nic = four.nic.name if isinstance(four, Elected) else four.kind
    return nic, [(str(one.host).partition(",")[2], one.kind) for one in missed]


def test_a_listed_default_comes_before_what_nobody_documents() -> None:
    assert leads(situation(PRIVATE, ETH0_DEFAULT)) == ("eth0", [])
    assert leads(with_property(PRIVATE, "11.8.0.1")) == ("eth1", [])
    settings = Settings(routes=(listed("11.8.0.1"),))
    assert leads(situation(PRIVATE, ETH0_DEFAULT), settings) == ("eth1", [])


def test_a_listed_default_comes_behind_a_networks_own() -> None:
    evidence = with_property(NETWORKS, "11.8.0.1", KERNEL)
    assert leads(evidence) == ("eth0", [("11.8.0.1", "not-elected")])
    assert leads(evidence, Settings(default=Selector(nic="eth0"))) == ("eth0", [])
    assert leads(with_property(NETWORKS, "10.65.0.1", KERNEL)) == ("eth0", [])
    (one,) = decide(evidence, Settings()).resolution.unresolved
    assert one.binding is not None and one.binding.network is not None
    assert (one.binding.network.index, one.owner, one.winner) == (0, "eth1", None)


@pytest.mark.parametrize("sources, nic", [("properties,http", "eth0"), ("http,properties", "eth1")])
def test_listed_defaults_have_their_place_in_the_sources(sources: str, nic: str) -> None:
    """eth0's network names eth1, the property names eth0."""
    networks = [network("eth0", "10.65.0.7/24", "default 11.8.0.1", "10.2.0.0/16 10.65.0.1"), PRIVATE[1]]
    evidence = with_property(networks, "10.65.0.1")
    found, missed = leads(evidence, Settings(sources=tuple(sources.split(","))))
    assert (found, missed) == (nic, [("10.65.0.1", "not-elected")] if nic == "eth1" else [])
    settings = Settings(sources=tuple(sources.split(",")))
    assert [one.winner and one.winner.place for one in decide(evidence, settings).resolution.unresolved] == (
        ["networks[0].routes[0]"] if nic == "eth1" else []
    )


def test_of_two_listed_defaults_the_first_counts() -> None:
    settings = Settings(routes=(listed("11.8.0.1"), listed("10.65.0.1", index=1)))
    assert leads(situation(PRIVATE, ETH0_DEFAULT), settings) == ("eth1", [("10.65.0.1", "conflict")])


def test_a_listed_default_by_a_gateway_that_is_on_no_subnet() -> None:
    moved = f"{TWO_NICS.replace('11.8.0.9', '11.9.0.9')}default via 10.65.0.1 dev eth0 proto static\n"
    for next_hop in ("11.8.0.1", "192.0.2.1"):
        assert leads(with_property(PRIVATE, next_hop, moved)) == ("unusable", [(next_hop, "no-subnet")])


def test_a_destination_that_is_ignored_elects_nothing_and_keeps_nothing_out() -> None:
    settings = Settings(ignore_destinations=(DEFAULT_PREFIX[4],))
    kinds = {kind for _, kind in leads(with_property(PRIVATE, "11.8.0.1"), settings)[1]}
    assert (leads(with_property(PRIVATE, "11.8.0.1"), settings)[0], kinds) == ("eth0", {"ignored"})


DAMAGE = Problem(PLACE, "is odd", True)


@pytest.mark.parametrize("damage, nic", [
    (DAMAGE, "damaged"),
    (DAMAGE._replace(destination=DEFAULT_PREFIX[4]), "damaged"),
    (DAMAGE._replace(next_hop=parse_address("11.8.0.1")), "damaged"),
    (DAMAGE._replace(next_hop=parse_address("fe80::1")), "eth0"),
    (DAMAGE._replace(destination=parse_prefix("12.0.0.0/8")), "eth0"),
])  # fmt: skip
def test_a_listed_default_that_cannot_be_read(damage: Problem, nic: str) -> None:
    kernel = f"{TWO_NICS}default via 11.8.0.1 dev eth1 proto guest-routes\ndefault via 10.65.0.1 dev eth0 metric 9\n"
    evidence = situation(PRIVATE, kernel)._replace(property_damage=(damage,), problems=(damage,))
    four = decide(evidence, Settings()).elections[0]
    assert (four.kind if isinstance(four, NotElected) else four.nic.name) == nic
    assert isinstance(four, Elected) or four.place == PLACE
    # What is documented, listed or chosen is not kept out.
    accepted = decide(evidence, Settings(), accept_withdrawals=True).elections[0]
    assert isinstance(accepted, Elected)
    for other in (
        evidence._replace(properties=(listed("10.65.0.1", PROPERTIES),)),
        situation([NETWORKS[0], PRIVATE[1]], kernel)._replace(property_damage=(damage,)),
    ):
        found = decide(other, Settings()).elections[0]
        assert isinstance(found, Elected) and found.nic.name == "eth0"
