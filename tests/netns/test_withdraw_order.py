"""`withdraw` where another program's default has come since, or stood in the same multipath route."""

from __future__ import annotations

from typing import Dict, List

import pytest

from tests.netns.test_kernel_routes import add, engine, given, nics, shown, synced
from tests.support.lab import Lab
from tests.support.passes import run

__all__ = ["engine", "given"]  # Fixtures.

SINCE = "not restored: a default outside the metadata has come and wins, and would share its packets with it"


def ways(lab: Lab, family: int) -> List[str]:
    """How the packets to each of some addresses leave."""
    host = {4: "192.0.2.{}", 6: "2001:db8::{}"}[family]
    asked = (lab.ip(f"-{family}", "route", "get", host.format(n)) for n in range(1, 9))
    return [answer.split(" dev ")[1].split()[0] for answer in asked]


def test_a_default_comes_back_behind_a_vpns_that_has_replaced_the_first(
    lab: Lab, engine: str, given: Dict[int, str]
) -> None:
    nics(lab)
    add(lab, "route add default via 10.65.0.1 dev eth0", "route append default via 11.8.0.1 dev eth1")
    synced(lab, f"{engine} {given[4]}")
    add(lab, "route replace default via 10.200.0.1 dev wg0")
    synced(lab, f"{engine} {given[4]}", 5)
    assert set(ways(lab, 4)) == {"wg0"}
    ran = run(lab, f"withdraw {engine}")
    assert ran.code == 0 and "+ default via 11.8.0.1 dev eth1" in ran.out, ran
    assert set(ways(lab, 4)) == {"wg0"}
    lab.ip("route", "del", "default", "dev", "wg0")
    assert set(ways(lab, 4)) == {"eth1"}


def test_a_default_comes_back_before_a_vpns_that_has_come_behind_ours(
    lab: Lab, engine: str, given: Dict[int, str]
) -> None:
    """It doesn't come to the front by what we do."""
    nics(lab)
    add(lab, "route add default via 11.8.0.1 dev eth1")
    synced(lab, f"{engine} {given[4]}")
    add(lab, "route append default via 10.200.0.1 dev wg0")
    run(lab, f"withdraw {engine}")
    assert set(ways(lab, 4)) == {"eth1"}


def test_ipv6_makes_no_next_hop_of_a_vpns_route_that_has_come_since(
    lab: Lab, engine: str, given: Dict[int, str]
) -> None:
    """It waits until that one has gone."""
    nics(lab)
    add(lab, "-6 route add default via fd00:65::1 dev eth0", "-6 route append default via fd00:8::1 dev eth1")
    synced(lab, f"{engine} {given[6]}")
    add(lab, "-6 route del default", "-6 route add default via fd00:200::1 dev wg0")
    synced(lab, f"{engine} {given[6]}", 5)
    vpns = [line for line in shown(lab) if "wg0" in line]
    ran = run(lab, f"withdraw {engine}")
    assert ran.code == 0 and f"{SINCE}; it stays recorded" in ran.out, ran
    assert set(ways(lab, 6)) == {"wg0"} and [line for line in shown(lab) if "wg0" in line] == vpns
    lab.ip("-6", "route", "del", "default")
    assert "+ default via fd00:8::1 dev eth1" in run(lab, f"withdraw {engine}").out
    assert set(ways(lab, 6)) == {"eth1"}


@pytest.mark.parametrize("vpns", ["dev wg0", "nhid 7"])
def test_ipv6_puts_one_behind_a_vpns_that_is_no_next_hop(
    lab: Lab, engine: str, given: Dict[int, str], vpns: str
) -> None:
    nics(lab)
    add(lab, "-6 nexthop add id 7 via fd00:200::1 dev wg0")
    add(lab, "-6 route add default via fd00:65::1 dev eth0", "-6 route append default via fd00:8::1 dev eth1")
    synced(lab, f"{engine} {given[6]}")
    add(lab, "-6 route del default", f"-6 route add default {vpns} metric 1024")
    synced(lab, f"{engine} {given[6]}", 5)
    assert "+ default via fd00:8::1 dev eth1" in run(lab, f"withdraw {engine}").out
    assert set(ways(lab, 6)) == {"wg0"}


BY_GROUP = [
    "-6 nexthop add id 70 via fd00:200::1 dev wg0",
    "-6 nexthop add id 71 via fd00:8::1 dev eth1",
    "nexthop add id 72 group 71/70",
    "-6 route add default nhid 72 metric 1024",
]


def test_a_vpns_next_hop_of_a_group_becomes_none_of_a_default_behind_it(
    lab: Lab, engine: str, given: Dict[int, str]
) -> None:
    """Nor does the group come back behind that default, which is taken with it."""
    nics(lab)
    add(lab, *BY_GROUP, "-6 route append default via fd00:65::1 dev eth0 proto static metric 1024")
    before, left = shown(lab), ways(lab, 6)
    ran = synced(lab, f"{engine} {given[6]}", 5)
    assert "default via fd00:200::1 dev wg0 proto boot metric 1024 wins" in ran.out, ran
    assert set(ways(lab, 6)) == {"wg0"}
    assert run(lab, f"withdraw {engine}").code == 0
    assert shown(lab) == before and ways(lab, 6) == left


@pytest.mark.parametrize("first", ["nhid 7 metric 1024", "dev eth1 metric 1024"])
def test_what_stood_before_next_hops_that_were_taken_too_comes_back_before_them(
    lab: Lab, engine: str, given: Dict[int, str], first: str
) -> None:
    nics(lab)
    add(lab, "-6 nexthop add id 7 via fd00:8::2 dev eth1", f"-6 route add default {first}")
    add(lab, "-6 route append default via fd00:8::1 dev eth1 metric 1024")
    before = shown(lab)
    synced(lab, f"{engine} {given[6]}")
    assert run(lab, f"withdraw {engine}").code == 0
    assert shown(lab) == before
