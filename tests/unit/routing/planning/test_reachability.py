"""R7: gateways that other routes cover get a route of their own, and lose it with the last of those."""

from __future__ import annotations

from typing import List, Sequence

import pytest

from guest_routes.model.settings import Settings
from guest_routes.routing.decide import decide
from guest_routes.routing.planning.reachability import gateways_alone
from tests.support.situations import network, situation, texts

WHOLE = """
nic eth0 fa:16:3e:00:00:00 10.65.0.7/32 fd00:65::7/128
nic eth1 fa:16:3e:00:00:01 11.8.0.9/32 fd00:8::9/128
"""
SUBNETS = """
nic eth0 fa:16:3e:00:00:00 10.65.0.7/24 fd00:65::7/64
nic eth1 fa:16:3e:00:00:01 11.8.0.9/24 fd00:8::9/64
"""
ETH0_6 = network("eth0", "fd00:65::7/128", "default fd00:65::1", "fd00::/8 fd00:65::1", "fd00:11:11::/48 fd00:8::1")
ETH1_6 = network("eth1", "fd00:8::9/128", "default fd00:8::1")
ETH0_4 = network("eth0", "10.65.0.7/32", "default 10.65.0.1", "11.0.0.0/8 10.65.0.1", "11.11.0.0/16 11.8.0.1")
ETH1_4 = network("eth1", "11.8.0.9/32", "default 11.8.0.1")
TO_0, TO_1 = (f"fd00:{n}::1 dev eth{e} proto guest-routes metric 1023" for n, e in ((65, 0), (8, 1)))


def planned(networks: Sequence[object], kernel: str, withdraw: bool = True) -> List[str]:
    evidence = situation(networks, kernel)  # type: ignore[arg-type]
    plan = decide(evidence, Settings(), accept_withdrawals=withdraw).plan
    return texts(plan.operations, evidence.kernel)


def test_covered_gateways_come_first() -> None:
    """IPv6 refuses what is routed by them otherwise; both of these lie in fd00::/8."""
    made = planned([ETH0_6, ETH1_6], WHOLE)
    assert sorted(made[:2]) == [f"Add {TO_0}", f"Add {TO_1}"]
    assert [one.split()[1] for one in made[2:]] == ["fd00::/8", "fd00:11:11::/48", "default"]


def test_one_that_is_covered_by_another_gateways_own_route_goes_with_that() -> None:
    """eth1's has become eth0's gateway: the former route to it hides it for as long as it is there."""
    kernel = f"{WHOLE}fd00:65::1 dev eth1 proto guest-routes metric 1023\n"
    made = planned([network("eth0", "fd00:65::7/128", "default fd00:65::1")], kernel)
    assert made == [
        "Add fd00:65::1 dev eth0 proto guest-routes metric 1022",
        "Add default via fd00:65::1 dev eth0 proto guest-routes metric 1023 onlink",
        "Delete fd00:65::1 dev eth1 proto guest-routes metric 1023",
        "Delete fd00:65::1 dev eth0 proto guest-routes metric 1022",
    ]
    assert planned([network("eth0", "fd00:65::7/128", "default fd00:65::1")], f"{WHOLE}{made[1][4:]}\n") == []


def test_those_of_ipv4_are_on_link_too() -> None:
    made = planned([ETH0_4, ETH1_4], WHOLE)
    assert made[0] == "Add 11.8.0.1 dev eth1 proto guest-routes scope link"
    assert [one for one in made if "scope link" in one] == made[:1]


@pytest.mark.parametrize("networks", [[ETH0_6, ETH1_6], [ETH0_4, ETH1_4]])
def test_a_nics_own_prefix_is_more_specific(networks: Sequence[object]) -> None:
    assert not [one for one in planned(networks, SUBNETS) if " via " not in one]


def test_so_is_a_prefix_that_a_router_announces() -> None:
    """An address by DHCPv6 has 128 bits, and the prefix comes by the advertisement."""
    kernel = f"{WHOLE}fd00:65::/64 dev eth0 proto kernel metric 256\nfd00:8::/64 dev eth1 proto kernel metric 256\n"
    assert not [one for one in planned([ETH0_6, ETH1_6], kernel) if " via " not in one]


def test_on_link_through_another_device_counts_for_ipv6_alone() -> None:
    """IPv6 refuses a gateway that is on link elsewhere; IPv4 takes it with onlink. A reject route hinders neither."""
    there = "fd00:8::/64 dev eth0 proto static metric 9\n11.8.0.0/24 dev eth0 proto static scope link\n"
    made = planned([ETH1_6, ETH1_4], WHOLE + there)
    assert made[0] == f"Add {TO_1}" and not [one for one in made[1:] if " via " not in one]
    rejected = WHOLE + "unreachable fd00:8::/64 dev lo metric 9\n"
    assert not [one for one in planned([ETH1_6], rejected) if " via " not in one]


def test_they_stay_as_long_as_they_are_needed() -> None:
    there = (
        "fd00::/8 via fd00:65::1 dev eth0 proto guest-routes metric 1023 onlink\n"
        "fd00:11:11::/48 via fd00:8::1 dev eth1 proto guest-routes metric 1023 onlink\n"
        "default via fd00:65::1 dev eth0 proto guest-routes metric 1023 onlink\n"
    )
    kernel = f"{WHOLE}{TO_0}\n{TO_1}\n{there}"
    assert planned([ETH0_6, ETH1_6], kernel) == []
    without = network("eth0", "fd00:65::7/128", "default fd00:65::1", "fd00:11:11::/48 fd00:8::1")
    assert sorted(planned([without, ETH1_6], kernel)) == [
        "Delete fd00:65::1 dev eth0 proto guest-routes metric 1023",
        "Delete fd00:8::1 dev eth1 proto guest-routes metric 1023",
        "Delete fd00::/8 via fd00:65::1 dev eth0 proto guest-routes metric 1023 onlink",
    ]


def test_one_that_covers_only_until_the_end_of_the_pass() -> None:
    """The stale route goes last (R7), and the new one would be refused as long as it is there."""
    kernel = f"{WHOLE}fd00::/8 via fd00:65::1 dev eth0 proto guest-routes metric 1023 onlink\n"
    narrow = network("eth0", "fd00:65::7/128", "default fd00:65::1", "fd00:11:11::/48 fd00:8::1")
    made = planned([narrow, ETH1_6], kernel)
    own = [f"{verb} {route}" for verb in ("Add", "Delete") for route in (TO_0, TO_1)]
    assert sorted(one for one in made if " via " not in one) == sorted(own)
    assert max(made.index(one) for one in own[:2]) < made.index(next(one for one in made if "fd00:11:11" in one))


def test_of_ipv4_only_ours_count() -> None:
    """Another program's route is its own affair; IPv6 refuses ours because of it, IPv4 doesn't."""
    kernel = f"{WHOLE}11.0.0.0/8 via 10.65.0.9 dev eth0 proto static onlink\n"
    networks = [network("eth0", "10.65.0.7/32", "default 10.65.0.1", "12.0.0.0/8 11.8.0.1"), ETH1_4]
    assert not [one for one in planned(networks, kernel) if "scope link" in one]
    kernel = f"{WHOLE}fd00::/8 via fd00:65::9 dev eth0 proto static metric 5\n"
    networks = [network("eth0", "fd00:65::7/128", "default fd00:65::1", "fc11::/48 fd00:8::1"), ETH1_6]
    assert f"Add {TO_1}" in planned(networks, kernel)


@pytest.mark.parametrize(("metric", "ours"), [(2000, 1023), (1023, 1022), (100, 99), (1, 1)])
def test_it_stands_in_front_of_another_programs(metric: int, ours: int) -> None:
    """IPv6 refuses routes by the gateway as long as that one leads to it by another."""
    foreign = f"fd00:8::1 via fd00:8::77 dev eth1 proto static metric {metric}\n"
    own = f"fd00:8::1 dev eth1 proto guest-routes metric {ours}"
    networks = [network("eth0", "fd00:65::7/64"), network("eth1", "fd00:8::9/64", "default fd00:8::1")]
    assert planned(networks, f"{SUBNETS}{foreign}")[0] == f"Add {own}"


def test_one_that_has_come_to_stand_behind_is_replaced() -> None:
    networks = [network("eth0", "fd00:65::7/64"), network("eth1", "fd00:8::9/64", "default fd00:8::1")]
    there = (
        "fd00:8::1 via fd00:8::77 dev eth1 proto static metric 100\n"
        "fd00:8::1 dev eth1 proto guest-routes metric 1023\n"
        "default via fd00:8::1 dev eth1 proto guest-routes metric 1023\n"
    )
    assert planned(networks, f"{SUBNETS}{there}") == [
        "Add fd00:8::1 dev eth1 proto guest-routes metric 99",
        "Delete fd00:8::1 dev eth1 proto guest-routes metric 1023",
    ]


def test_a_host_route_to_the_gateway_by_itself_stands_behind_its_own() -> None:
    """IPv6 would refuse the default by a gateway that is reached by a gateway, itself included (R7)."""
    networks = [network("eth0", "fd00:65::7/64", "default fd00:65::1", "fd00:65::1/128 fd00:65::1")]
    made = planned(networks, SUBNETS)
    assert made[0] == "Add fd00:65::1 dev eth0 proto guest-routes metric 1022"
    end = "\n".join(one.split(" ", 1)[1] for one in made)
    assert len(made) == 3 and planned(networks, f"{SUBNETS}{end}\n") == []


@pytest.mark.parametrize("order", [1, -1])
def test_of_ipv4_a_host_route_to_the_gateway_alone_decides(order: int) -> None:
    """No route of the gateway's own is added beside it, and one that is there goes (R9)."""
    listed = ["10.65.0.1/32 11.8.0.1", "10.65.0.0/25 11.8.0.1"][::order]
    networks = [
        network("eth0", "10.65.0.7/24", "default 10.65.0.1"),
        network("eth1", "11.8.0.9/24", "default 11.8.0.1", *listed),
    ]
    made = planned(networks, SUBNETS)
    assert not [one for one in made if "scope link" in one]
    end = "\n".join(one.split(" ", 1)[1] for one in made)
    own = "10.65.0.1 dev eth0 proto guest-routes scope link"
    assert planned(networks, f"{SUBNETS}{end}\n") == []
    assert planned(networks, f"{SUBNETS}{end}\n{own}\n") == [f"Delete {own}"]


def test_of_ipv6_a_host_route_to_another_nics_gateway_goes_after_the_default() -> None:
    """An earlier version's: the default is taken as the gateway is on link for the pass."""
    networks = [
        network("eth0", "fd00:65::7/64", "default fd00:65::1"),
        network("eth1", "fd00:8::9/64", "default fd00:8::1", "fd00:65::1/128 fd00:8::1"),
    ]
    left = "fd00:65::1 via fd00:8::1 dev eth1 proto guest-routes metric 1023"
    own = "fd00:65::1 dev eth0 proto guest-routes metric 1022"
    made = planned(networks, f"{SUBNETS}{left}\n")
    assert made[0] == f"Add {own}" and made[1].startswith("Add default via fd00:65::1 dev eth0")
    assert sorted(made[2:]) == sorted([f"Delete {left}", f"Delete {own}"])


def test_destinations_that_are_a_gateway_alone_are_ipv6s() -> None:
    """Those that host routes lead by, and those of NICs whose gateway nothing leads by."""
    networks = [ETH0_4, ETH1_4, network("eth0", "fd00:65::7/128", "default fd00:65::1"), ETH1_6]
    resolution = decide(situation(networks, WHOLE), Settings()).resolution
    assert {str(one) for one in gateways_alone(resolution)} == {"fd00:65::1/128", "fd00:8::1/128"}
    by_link_local = [network("eth0", "fd00:65::7/128", "fd00:11::/48 fe80::1", "default fe80::1")]
    alone = gateways_alone(decide(situation(by_link_local, WHOLE), Settings()).resolution)
    assert {str(one) for one in alone} == {"fe80::1/128"}


@pytest.mark.parametrize("covering", ["fd00:65::/64 via fe80::9 dev eth0", "fd00:65::/64 dev eth0"])
def test_each_of_two_nics_with_one_gateway_address_gets_its_own(covering: str) -> None:
    """One's covers the other's; of those with one metric the kernel finds each NIC's."""
    networks = [
        network("eth0", "fd00:65::7/128", "default fd00:65::1", "fd00:12::/32 fd00:65::1"),
        network("eth1", "fd00:8::9/128", "default fd00:65::1", "fd00:13::/32 fd00:65::1"),
    ]
    kernel = f"{WHOLE}{covering} proto static metric 256\n"
    made = planned(networks, kernel)
    own = [f"fd00:65::1 dev eth{nic} proto guest-routes metric {metric}" for nic, metric in ((0, 1023), (1, 1023))]
    assert made[:2] == [f"Add {one}" for one in own]
    there = "".join(one.replace("Add ", "") + "\n" for one in made)
    assert planned(networks, kernel + there) == []
    alone = planned(networks, WHOLE + there)
    assert alone == [f"Delete {one}" for one in own]
