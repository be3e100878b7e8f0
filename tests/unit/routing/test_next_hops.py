"""What a next hop stands for: which NIC, by which rule; or why none."""

from __future__ import annotations

from typing import Any, Dict, Iterator, List, Tuple

import pytest

from guest_routes.model.decision import Binding, ResolvedNextHop
from guest_routes.model.network import parse_address, parse_prefix
from guest_routes.model.network_data import HostRoute
from guest_routes.model.settings import Settings
from guest_routes.routing.bind import bind
from guest_routes.routing.next_hops import Miss, NextHops, needs_onlink
from guest_routes.routing.resolve import resolve
from tests.support.situations import TWO_NICS, network, nic, situation, wanted

DEFAULT = network("eth0", "10.65.0.7/24", "default 10.65.0.1")
OTHER = network("eth1", "11.8.0.9/24", "default 11.8.0.1")
NO_GATEWAY = network("eth1", "11.8.0.9/24", "12.0.0.0/8 11.8.0.254")
NOTHING = network("eth1", "11.8.0.9/24")


def answered(
    networks: List[Dict[str, Any]],
    next_hop: str,
    listing: int = 0,
    destination: str = "11.11.0.0/16",
    kernel: str = TWO_NICS,
    **settings: Any,
) -> Tuple[str, str]:
    """The NIC and the rule, or the reason and the NIC that it is about."""
    chosen = Settings(**settings)
    evidence = situation(networks, kernel)
    bindings, _ = bind(evidence, chosen)
    host = HostRoute(parse_prefix(destination), parse_address(next_hop), "network_data.json", listing, 0)
    found = NextHops(bindings, chosen, evidence.kernel.nics).answer(host)
    if isinstance(found, ResolvedNextHop):
        return found.nic.name, found.rule
    return found.kind, found.binding.nic.name if found.binding and found.binding.nic else ""


@pytest.mark.parametrize(
    "networks, next_hop, expected",
    [
        ([DEFAULT, OTHER], "10.65.0.1", ("eth0", "gateway")),
        ([DEFAULT, OTHER], "11.8.0.1", ("eth1", "gateway")),  # whichever network lists it
        ([DEFAULT, OTHER], "11.8.0.99", ("not-a-gateway", "eth1")),
        ([DEFAULT, OTHER], "12.0.0.1", ("no-subnet", "")),
        ([DEFAULT], "11.8.0.1", ("no-subnet", "eth1")),  # which no network is on
        ([DEFAULT, NO_GATEWAY], "11.8.0.254", ("eth1", "no-gateway")),
        ([DEFAULT, NO_GATEWAY], "11.8.0.99", ("eth1", "no-gateway")),
        ([DEFAULT, NOTHING], "11.8.0.99", ("unknown-gateway", "eth1")),
    ],
)
def test_by_which_rule(networks: List[Dict[str, Any]], next_hop: str, expected: Tuple[str, str]) -> None:
    assert answered(networks, next_hop) == expected


@pytest.mark.parametrize(
    "changes, named",
    [
        ({}, ["eth1"]),
        ({"addresses": (parse_prefix("fe80::1/64"), parse_prefix("fd00:8::9/64"))}, ["eth1"]),  # of the other family
        ({"addresses": (parse_prefix("11.8.0.9/24"),)}, []),
        ({"kind": "dummy"}, []),
        ({"master": 9}, []),
    ],
)
def test_a_next_hop_may_be_in_the_subnet_that_a_nic_without_an_address_gets(
    changes: Dict[str, Any], named: List[str]
) -> None:
    evidence = situation([DEFAULT], TWO_NICS)
    eth0, eth1 = (one._replace(kind="") for one in evidence.kernel.nics)
    bindings, _ = bind(evidence, Settings())
    hops = NextHops(bindings, Settings(), (eth0, eth1._replace(**{"addresses": (), **changes})))
    host = HostRoute(parse_prefix("11.11.0.0/16"), parse_address("12.0.0.1"), "network_data.json", 0, 0)
    found = hops.answer(host)
    assert isinstance(found, Miss)
    assert [one.name for one in found.unaddressed] == named


def test_any_next_hop_of_a_subnet_where_the_settings_say_so() -> None:
    assert answered([DEFAULT, OTHER], "11.8.0.99", next_hops="on-link") == ("eth1", "on-link")
    without = TWO_NICS.replace("11.8.0.9/24", "")
    assert answered([DEFAULT, OTHER], "11.8.0.99", kernel=without, next_hops="on-link") == ("no-address", "eth1")


@pytest.mark.parametrize("next_hops, expected", [("on-link", ("eth1", "on-link")), ("gateway", ("not-a-gateway", ""))])
def test_on_link_through_the_nic_that_is_in_the_subnet_of_a_network_whose_nic_nothing_tells(
    next_hops: str, expected: Tuple[str, str]
) -> None:
    """The document has eth1's subnet for the NIC that has eth0's MAC, and leaves eth1's own network to DHCP."""
    networks = [{"type": "ipv4_dhcp", "link": OTHER["link"]}, {**OTHER, "link": DEFAULT["link"]}]
    assert answered(networks, "11.8.0.99", -1, next_hops=next_hops) == expected


def test_the_route_to_the_metadata_service_leads_as_it_is_listed() -> None:
    service = "169.254.169.254/32"
    assert answered([DEFAULT, OTHER], "11.8.0.2", 1, service) == ("eth1", "as-listed")
    assert answered([DEFAULT, OTHER], "11.8.0.2", 0, service) == ("not-a-gateway", "eth1")
    assert answered([DEFAULT, OTHER], "11.8.0.2", 1, "169.254.169.253/32") == ("not-a-gateway", "eth1")


@pytest.mark.parametrize(
    "kernel, kind",
    [
        (TWO_NICS.replace("11.8.0.9/24", "down 11.8.0.9/24"), "down"),
        (TWO_NICS.replace("11.8.0.9/24 fd00:8::9/64", ""), "no-address"),
        (TWO_NICS.split("nic eth1")[0], "absent"),
    ],
)
@pytest.mark.parametrize("other, next_hop", [(OTHER, "11.8.0.1"), (NO_GATEWAY, "11.8.0.254")])
def test_a_nic_that_cannot_be_used(kernel: str, kind: str, other: Dict[str, Any], next_hop: str) -> None:
    assert answered([DEFAULT, other], next_hop, kernel=kernel)[0] == kind


def test_a_nic_that_is_ignored() -> None:
    assert answered([DEFAULT, OTHER], "11.8.0.1", ignore_nics=("eth1",))[0] == "ignored"


def test_a_link_local_next_hop_is_on_the_nic_of_the_network_that_lists_it() -> None:
    networks = [network("eth0", "fd00:65::7/64", "default fe80::1"), network("eth1", "fd00:8::9/64", "default fe80::1")]
    for listing, name in enumerate(("eth0", "eth1")):
        assert answered(networks, "fe80::1", listing, "fd00:11::/32") == (name, "gateway")
    without = [networks[0], network("eth1", "fd00:8::9/64", "fd00:12::/32 fe80::9")]
    assert answered(without, "fe80::9", 1, "fd00:12::/32") == ("eth1", "no-gateway")
    assert answered(without, "fe80::9", -1, "fd00:12::/32") == ("no-subnet", "")


@pytest.mark.parametrize("order", [1, -1])
def test_a_link_local_gateway_of_another_nic_is_another_router(order: int) -> None:
    """R3: one address on each link; the network that lists it says on which."""
    own = network("eth0", "fd00:65::7/64", "default fe80::1")
    for routes, found in ((("default fd00:8::1",), ("not-a-gateway", "eth1")), ((), ("eth1", "no-gateway"))):
        networks = [own, network("eth1", "fd00:8::9/64", *routes, "fd00:11::/32 fe80::1")][::order]
        index = [0, 1][::order][1]
        assert answered(networks, "fe80::1", index, "fd00:11::/32") == found
        assert answered(networks, "fe80::1", -1, "fd00:11::/32") == ("eth0", "gateway")
    second = network("eth1", "fd00:9::9/64", "fd00:11::/32 fe80::2")
    networks = [own, network("eth1", "fd00:8::9/64", "default fe80::2"), second]
    assert answered(networks, "fe80::2", 2, "fd00:11::/32") == ("eth1", "gateway")


def test_a_router_known_by_its_link_local_address_has_a_global_one_too() -> None:
    """Neutron's subnet says fd00:8::1, the router advertises itself by fe80::1."""
    kernel = f"{TWO_NICS}default via fe80::1 dev eth1 proto ra\n"
    slaac = network("eth1", kind="ipv6_slaac")
    listing = network("eth0", "fd00:65::7/64", "default fd00:65::1", "fd00:11::/32 fd00:8::1")
    assert answered([listing, slaac], "fd00:8::1", 0, "fd00:11::/32", kernel) == ("eth1", "link-local-gateway")
    assert answered([listing, slaac], "fe80::2", 1, "fd00:11::/32", kernel) == ("not-a-gateway", "eth1")
    static = network("eth1", "fd00:8::9/64", "default fd00:8::1")
    assert answered([listing, static], "fd00:8::2", 0, "fd00:11::/32", kernel) == ("not-a-gateway", "eth1")


def test_the_subnet_of_a_link_local_next_hop() -> None:
    bindings, _ = bind(situation([network("eth1", "fd00:8::9/64", "fd00:12::/32 fe80::9")]), Settings())
    host = HostRoute(parse_prefix("fd00:12::/32"), parse_address("fe80::9"), "network_data.json", 0, 0)
    found = NextHops(bindings, Settings()).answer(host)
    assert isinstance(found, ResolvedNextHop) and found.subnet == parse_prefix("fe80::/10")


def test_a_subnet_of_two_networks_is_that_of_the_one_whose_gateway_is_known() -> None:
    twice = [network("eth1", "11.8.0.10/24"), OTHER]
    assert answered(twice, "11.8.0.99", 1) == ("not-a-gateway", "eth1")
    assert answered([network("eth0", "11.8.0.10/24", "12.0.0.0/8 11.8.0.2"), NO_GATEWAY], "11.8.0.99", 1)[0] == "eth1"


def test_a_subnet_of_two_nics_is_that_of_the_network_that_lists_the_route() -> None:
    kernel = TWO_NICS.replace("11.8.0.9/24", "10.65.0.9/24")
    both = [DEFAULT, network("eth1", "10.65.0.9/24", "default 10.65.0.2")]
    assert answered(both, "10.65.0.99", 0, kernel=kernel) == ("not-a-gateway", "eth0")
    assert answered(both, "10.65.0.99", 1, kernel=kernel) == ("not-a-gateway", "eth1")
    # Of one without a gateway nothing is known that could be wrong.
    half = [network("eth0", "10.65.0.7/24"), both[1]]
    assert answered(half, "10.65.0.99", 0, kernel=kernel) == ("not-a-gateway", "eth1")


def test_a_default_in_a_further_subnet_of_a_nic_doesn_t_undo_that_its_network_has_no_gateway() -> None:
    """R3: the document names none for the NIC; that somebody has made defaults for a moment names none either."""
    kernel = TWO_NICS.replace("11.8.0.9/24", "11.8.0.9/24 11.9.0.9/24")
    kernel += "default via 11.8.0.1 dev eth1 metric 200\ndefault via 11.9.0.1 dev eth1 metric 300\n"
    assert answered([DEFAULT, NO_GATEWAY], "11.9.0.5", 1, kernel=kernel) == ("eth1", "no-gateway")


def test_which_gateway_is_outside_every_prefix() -> None:
    eth0 = nic(situation([]).kernel, "eth0")
    assert [needs_onlink(eth0, parse_address(one)) for one in ("10.65.0.1", "10.66.0.1", "fe80::1", "fd00:9::1")] == [
        False,
        True,
        False,
        True,
    ]


def test_of_two_nics_with_one_gateway_that_of_the_network_that_lists_the_route_else_the_first() -> None:
    kernel = TWO_NICS.replace("11.8.0.9/24", "10.65.0.8/24")
    both = [DEFAULT, network("eth1", "10.65.0.8/24", "default 10.65.0.1")]
    found = [answered(both, "10.65.0.1", listing, kernel=kernel)[0] for listing in (0, 1, -1)]
    assert found == ["eth0", "eth1", "eth0"]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_what_one_network_lists_for_the_metadata_service_is_no_answer_for_another(order: Tuple[int, int]) -> None:
    """Whichever asks first: an answer is kept for the next hop, and here for the network, too."""
    bindings, _ = bind(situation([DEFAULT, OTHER]), Settings())
    next_hops = NextHops(bindings, Settings())
    found: Dict[int, str] = {}
    for listing in order:
        service, next_hop = parse_prefix("169.254.169.254/32"), parse_address("10.65.0.2")
        answer = next_hops.answer(HostRoute(service, next_hop, "network_data.json", listing, 0))
        found[listing] = answer.rule if isinstance(answer, ResolvedNextHop) else answer.kind
    assert found == {0: "as-listed", 1: "not-a-gateway"}


@pytest.mark.parametrize("networks, others", [
    ([DEFAULT, OTHER], ()),
    ([DEFAULT, network("eth1", "10.65.0.8/24", "default 10.65.0.1")], ("eth1",)),
    ([DEFAULT, network("eth0", "10.66.0.7/24", "default 10.65.0.1")], ()),  # another network of the same NIC
])  # fmt: skip
def test_which_other_nics_have_the_same_gateway(networks: List[Dict[str, Any]], others: Tuple[str, ...]) -> None:
    kernel = TWO_NICS.replace("11.8.0.9/24", "11.8.0.9/24 10.65.0.8/24").replace("65.0.7/24", "65.0.7/24 10.66.0.7/24")
    bindings, _ = bind(situation(networks, kernel), Settings())
    host = HostRoute(parse_prefix("11.11.0.0/16"), parse_address("10.65.0.1"), "network_data.json", 0, 0)
    found = NextHops(bindings, Settings()).answer(host)
    assert isinstance(found, ResolvedNextHop)
    assert (found.nic.name, found.shared_with) == ("eth0", others)


class Counted(List[Binding]):
    """Counts how often somebody goes through it."""

    turns = 0

    def __iter__(self) -> Iterator[Binding]:
        self.turns += 1
        return super().__iter__()


def test_many_next_hops_in_no_subnet_are_answered_without_a_look_at_every_network_for_each() -> None:
    evidence = situation([DEFAULT, OTHER], TWO_NICS)
    bindings = Counted(bind(evidence, Settings())[0])
    next_hops = NextHops(bindings, Settings(), evidence.kernel.nics)
    before = bindings.turns
    for number in range(200):
        destination, next_hop = parse_prefix("11.11.0.0/16"), parse_address(f"12.0.0.{number}")
        assert isinstance(next_hops.answer(HostRoute(destination, next_hop, "network_data.json", 0, number)), Miss)
    assert bindings.turns - before <= 2


def test_a_nic_of_a_network_that_dhcp_has_yet_to_address_may_have_the_subnet() -> None:
    """Where the document has the network's address, it is known which subnet that is."""
    first = network("eth0", "10.65.0.7/24", "default 10.65.0.1")
    nics = "nic eth0 fa:16:3e:00:00:00 10.65.0.7/24\nnic eth1 fa:16:3e:00:00:01\n"
    settings = Settings(routes=wanted("11.11.0.0/16,11.8.0.1"))
    for second, names in ((network("eth1", kind="ipv4_dhcp"), ["eth1"]), (network("eth1", "11.9.0.9/24"), [])):
        (one,) = resolve(situation([first, second], nics), settings).unresolved
        assert (one.kind, [nic.name for nic in one.unaddressed]) == ("no-subnet", names)
