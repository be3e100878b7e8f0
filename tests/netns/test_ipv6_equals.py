"""IPv6 defaults of one metric: what merges into a multipath route, what the kernel hides behind it, and what
`withdraw` says of both.
"""

from __future__ import annotations

from typing import Dict, List, Sequence

import pytest

from tests.netns.test_kernel_routes import add, engine, given, nics, shown, synced
from tests.support.lab import Lab
from tests.support.passes import Ran, run, table, valid_json

__all__ = ["engine", "given"]  # Fixtures.

BY_OBJECT = ["-6 nexthop add id 7 via fd00:8::2 dev eth1", "-6 route append default nhid 7 metric 1024"]
PLAIN = "-6 route append default via fd00:8::1 dev eth1 metric 1024"
VPN = "-6 route append default via fd00:200::1 dev wg0 metric 1024"
ENCAPSULATED = "-6 route append default encap ip6 id 5 dst fd00:65::5 via {} metric 1024"


def withdrawn(lab: Lab, engine: str) -> Ran:
    """A `withdraw` that says of each default one thing, and a second one that has nothing to do."""
    ran = run(lab, f"withdraw {engine}")
    assert ran.code == 0 and "not restored" not in ran.out, ran
    assert "nothing to withdraw" in run(lab, f"withdraw {engine}").out
    return ran


def by_kernel(lab: Lab) -> List[str]:
    """The defaults with their next hops, each in a line."""
    return " ".join(lab.ip("-6", "route", "show", "default").split()).replace(" default", "\ndefault").split("\n")


@pytest.mark.parametrize("routers", [["fd00:65::1", "fe80::a9fe:a9fe"], ["fe80::a9fe:a9fe", "fd00:65::1"]])
def test_the_gateway_and_a_router_of_the_elected_nic_share_the_traffic(
    lab: Lab, engine: str, given: Dict[int, str], routers: Sequence[str]
) -> None:
    """Each equals the elected default (R5), whichever stands first."""
    nics(lab)
    add(lab, *(f"-6 route append default via {router} dev eth0 proto ra metric 1024" for router in routers))
    for command in ("plan", "sync"):
        ran = run(lab, f"{command} {engine} {given[6]}")
        assert (ran.code, "part of the traffic" in ran.out) == (0, False), ran
    assert len(by_kernel(lab)[0].split("nexthop")) == 3


@pytest.mark.parametrize(("there", "later"), [([VPN, *BY_OBJECT], [PLAIN]), ([*BY_OBJECT, PLAIN], [VPN])])
def test_one_by_an_object_comes_back_behind_the_next_hops(
    lab: Lab, engine: str, given: Dict[int, str], there: Sequence[str], later: Sequence[str]
) -> None:
    """Between two of them the kernel would not show it."""
    nics(lab)
    add(lab, *there)
    run(lab, f"sync {engine} {given[6]}")
    add(lab, *later)
    assert "restored" in withdrawn(lab, engine).out
    hops, by_object = by_kernel(lab)
    assert "dev wg0" in hops and "via fd00:8::1 dev eth1" in hops
    assert by_object.startswith("default nhid 7 via fd00:8::2 dev eth1")


@pytest.mark.parametrize("family, gateway", [(4, "10.65.0.1"), (6, "fd00:65::1")])
def test_one_by_an_object_goes_beside_its_twin_without_one(
    lab: Lab, engine: str, given: Dict[int, str], family: int, gateway: str
) -> None:
    """The one that stays is not what was removed."""
    nics(lab)
    add(
        lab,
        f"-{family} nexthop add id 7 via {gateway} dev eth0",
        f"-{family} route append default via {gateway} dev eth0 metric 1024",
        f"-{family} route append default nhid 7 metric 1024",
    )
    before = table(lab, family)
    ran = run(lab, f"sync {engine} {given[family]}")
    assert ran.code == 0, ran
    withdrawn(lab, engine)
    assert table(lab, family) == before


ON_LINK = "-6 route append default dev {} metric 1024"
ELECTED = "-6 route append default via fd00:65::1 dev eth0 metric 1024"
BY_VPNS_OBJECT = [BY_OBJECT[0].replace("fd00:8::2 dev eth1", "fd00:200::3 dev wg0"), BY_OBJECT[1]]
WINNERS = [
    [PLAIN, "-6 route append unreachable default metric 1024"],
    [PLAIN, ON_LINK.format("wg0")],
    [PLAIN, *BY_VPNS_OBJECT],
    [PLAIN, *BY_VPNS_OBJECT, PLAIN.replace("::1", "::a")],
    [ON_LINK.format("eth1"), VPN],
    [*BY_OBJECT, VPN, PLAIN],
]


@pytest.mark.parametrize("there", WINNERS)
def test_one_that_would_come_back_behind_another_programs_is_not_taken(
    lab: Lab, engine: str, given: Dict[int, str], there: Sequence[str]
) -> None:
    """Packets would go by the other one then, or nowhere: IPv6 has no place before others of a metric."""
    nics(lab)
    add(lab, *there)
    before = shown(lab)
    first = lab.ip("-6", "route", "get", "2001:db8::1").split(" src ")[0]
    assert " dev eth1" in first
    ran = synced(lab, f"{engine} {given[6]}", 5)
    assert "one default too many; it stays, since it would come back behind another one of its metric" in ran.out
    assert by_kernel(lab)[0].startswith("default via fd00:65::1 dev eth0 proto"), ran
    assert set(before) <= set(shown(lab))
    valid_json("sync", lab.run("sync", "--json", *f"{engine} {given[6]}".split()))
    run(lab, f"withdraw {engine}")
    assert shown(lab) == before
    assert lab.ip("-6", "route", "get", "2001:db8::1").startswith(first)


def test_a_next_hop_behind_one_by_an_object_gets_nothing(lab: Lab, engine: str, given: Dict[int, str]) -> None:
    nics(lab)
    add(lab, BY_OBJECT[0].replace("fd00:8::2 dev eth1", "fd00:65::1 dev eth0"), BY_OBJECT[1], VPN)
    assert "1 route in place" in synced(lab, f"{engine} {given[6]}").out
    assert all(" dev eth0 " in lab.ip("-6", "route", "get", f"2001:db8::{n}") for n in range(1, 20))


@pytest.mark.parametrize("hop", ["fd00:200::3 dev wg0", "fd00:8::2 dev eth1"])
def test_a_router_beside_the_elected_default_is_none_too_many(
    lab: Lab, engine: str, given: Dict[int, str], hop: str
) -> None:
    """It can't be deleted behind one that no dump shows, and leads the same way."""
    nics(lab)
    router = "-6 route append default via fe80::65 dev eth0 metric 1024"
    add(
        lab, BY_OBJECT[0].replace("fd00:8::2 dev eth1", hop), PLAIN.replace("fd00:8::1 dev eth1", "fd00:65::1 dev eth0")
    )
    add(lab, BY_OBJECT[1], router)
    ran = synced(lab, f"{engine} {given[6]}", 0 if "wg0" in hop else 5)
    assert "? default via fe80::65" not in ran.out


def test_one_that_its_program_has_brought_back_out_of_sight(lab: Lab, engine: str, given: Dict[int, str]) -> None:
    nics(lab)
    add(lab, *BY_OBJECT)
    synced(lab, f"{engine} {given[6]}")
    add(lab, VPN, BY_OBJECT[1], VPN.replace("::1", "::3"))
    assert "nhid" not in "".join(by_kernel(lab))
    withdrawn(lab, engine)
    lab.ip(*VPN.replace("append", "del").split())
    assert "default nhid 7 via fd00:8::2 dev eth1" in "".join(by_kernel(lab))


@pytest.mark.parametrize("by", ["fd00:200::1 dev wg0", "fd00:8::1 dev eth1"])
def test_a_plain_one_beside_an_encapsulated_one(lab: Lab, engine: str, given: Dict[int, str], by: str) -> None:
    """Each next hop of a multipath route has its own encapsulation, or none."""
    nics(lab)
    add(lab, PLAIN)
    synced(lab, f"{engine} {given[6]}")
    add(lab, ENCAPSULATED.format(by))
    assert "1 default restored" in withdrawn(lab, engine).out
    (hops,) = by_kernel(lab)
    assert hops.count("nexthop") == 2 and hops.count("encap") == 1


@pytest.mark.parametrize(("by", "taken"), [("fd00:8::2 dev eth1", True), ("fd00:8::1 dev eth1", False)])
def test_of_a_multipath_route_the_plain_next_hops_are_taken(
    lab: Lab, engine: str, given: Dict[int, str], by: str, taken: bool
) -> None:
    """But where the kernel would delete the encapsulated one in its place."""
    nics(lab)
    add(lab, ENCAPSULATED.format(by), PLAIN)
    before = shown(lab)
    ran = synced(lab, f"{engine} {given[6]}", 5)
    assert "its attributes can't be written back the same (encap)" in ran.out
    assert ("could delete another route in its place" in ran.out) is not taken
    assert ("encap" in "".join(by_kernel(lab))) and ("nexthop" in "".join(by_kernel(lab))) is not taken
    withdrawn(lab, engine)
    assert shown(lab) == before


ANOTHER = "-6 route append default via fd00:8::a dev eth1 metric 1024"


def test_one_by_an_object_between_two_next_hops(lab: Lab, engine: str, given: Dict[int, str]) -> None:
    """No dump shows it. Once the first next hop has gone it is seen, taken and given back as any other."""
    nics(lab)
    add(lab, BY_OBJECT[0], PLAIN, BY_OBJECT[1], ANOTHER)
    ran = synced(lab, f"{engine} {given[6]}")
    assert ran.out.split("networks[0].routes[0]")[0].count("+ default via fd00:65::1 dev eth0") == 1, ran
    assert "1 added, 3 removed" in ran.out and "- default nhid 7 via fd00:8::2 dev eth1 proto boot" in ran.out
    assert len(by_kernel(lab)) == 1
    assert "3 defaults restored" in withdrawn(lab, engine).out
    assert by_kernel(lab)[1].startswith("default nhid 7 via fd00:8::2 dev eth1")


def test_one_on_link_between_two_next_hops(lab: Lab, engine: str, given: Dict[int, str]) -> None:
    """No dump shows it, and nothing else does. The pass that has made it show takes it, too: it would win over ours."""
    nics(lab)
    add(lab, PLAIN.replace("1024", "9"), ON_LINK.format("eth1").replace("1024", "9"), ANOTHER.replace("1024", "9"))
    ran = synced(lab, f"{engine} {given[6]}")
    assert "1 added, 3 removed" in ran.out, ran
    assert len(by_kernel(lab)) == 1
    assert "3 defaults restored" in withdrawn(lab, engine).out
    assert by_kernel(lab)[1].startswith("default dev eth1")


def test_a_vpns_between_two_next_hops(lab: Lab, engine: str, given: Dict[int, str]) -> None:
    """It wins once the next hop before it has gone, and the report says so."""
    nics(lab)
    add(lab, PLAIN, ON_LINK.format("wg0"), ELECTED)
    assert "wg0" not in run(lab, f"plan {engine} {given[6]}").out
    ran = synced(lab, f"{engine} {given[6]}", 5)
    assert "programmed, but default dev wg0 proto boot metric 1024 wins" in ran.out


@pytest.mark.parametrize(
    ("first", "hop"),
    [
        ("fd00:65::1 dev eth0", "via fd00:8::2 dev eth1"),
        ("fd00:65::1 dev eth0", "via fd00:200::3 dev wg0"),
        ("fd00:200::1 dev wg0", "via fd00:8::2 dev eth1"),
    ],
)
def test_one_that_would_be_deleted_unseen(lab: Lab, engine: str, given: Dict[int, str], first: str, hop: str) -> None:
    """Where the first next hop stays, so do the others, and the report says so."""
    nics(lab)
    add(lab, BY_OBJECT[0].replace("via fd00:8::2 dev eth1", hop), PLAIN.replace("fd00:8::1 dev eth1", first))
    add(lab, BY_OBJECT[1], PLAIN)
    ran = synced(lab, f"{engine} {given[6]}", 5)
    assert (
        "default via fd00:8::1 dev eth1 proto boot metric 1024 one default too many; it stays, since the kernel"
        in ran.out
    )
    assert ("it stands between two next hops of another one" in ran.out) is ("eth1" in hop)
    valid_json("sync", lab.run("sync", "--json", *f"{engine} {given[6]}".split()))
    run(lab, f"withdraw {engine}")
    lab.ip(*PLAIN.replace("append", "del").split())
    assert PLAIN.split()[5] in "".join(table(lab, 6)), "the kernel has deleted the one by the object in its place"


def test_a_group_of_routers_comes_back(lab: Lab, engine: str, given: Dict[int, str]) -> None:
    """Whatever its protocol: no router announces one."""
    nics(lab)
    add(lab, "-6 nexthop add id 1 via fe80::a dev eth0", "-6 nexthop add id 2 via fe80::b dev eth1")
    add(lab, "nexthop add id 3 group 1/2 type resilient buckets 8", "-6 route add default nhid 3 proto ra")
    before = shown(lab)
    synced(lab, f"{engine} {given[6]}")
    withdrawn(lab, engine)
    assert shown(lab) == before


@pytest.mark.parametrize("first", [ELECTED, PLAIN])
def test_a_next_hop_too_many_is_what_sync_takes_away(lab: Lab, engine: str, given: Dict[int, str], first: str) -> None:
    """What goes by it goes by the elected one afterwards: `explain` says so, and speaks of no rule."""
    nics(lab)
    add(lab, first, PLAIN if first == ELECTED else ELECTED)
    wrong = next(
        address
        for address in (f"2001:db8::{n:x}" for n in range(1, 99))
        if " dev eth1 " in lab.ip("-6", "route", "get", address)
    )
    ran = run(lab, f"explain {wrong} {engine} {given[6]}")
    assert ran.code == 1 and "(NOT as wanted; `guest-routes sync` fixes it)" in ran.out, ran
    synced(lab, f"{engine} {given[6]}")
    ran = run(lab, f"explain {wrong} {engine} {given[6]}")
    assert ran.code == 0 and "(as wanted)" in ran.out, ran


def test_beside_a_vpns_that_keeps_ours_out_the_one_that_decides_is_named(
    lab: Lab, engine: str, given: Dict[int, str]
) -> None:
    """At the worst metric nobody's is taken: the kernel shares the traffic out between the VPN's and eth1's."""
    nics(lab)
    worst = "metric 4294967295"
    add(lab, VPN.replace("metric 1024", worst), PLAIN.replace("metric 1024", worst))
    synced(lab, f"{engine} {given[6]}", 5)
    seen = set()
    for address in (f"2001:db8::{n:x}" for n in range(1, 99)):
        by = "fd00:200::1 dev wg0" if " dev wg0 " in lab.ip("-6", "route", "get", address) else "fd00:8::1 dev eth1"
        if by not in seen:
            ran = run(lab, f"explain {address} {engine} {given[6]}")
            said = f"kernel now via {by} (NOT as wanted: default via {by} proto boot {worst} wins)"
            assert ran.code == 1 and said in ran.out, ran
            seen.add(by)
    assert len(seen) == 2


@pytest.mark.parametrize("nics_of", [("eth1", "eth0"), ("eth0", "eth1"), ("eth1", "eth1")])
def test_routers_that_no_lifetime_speaks_for_come_back(
    lab: Lab, engine: str, given: Dict[int, str], nics_of: Sequence[str]
) -> None:
    """Nobody announces what was made by hand; the kernel gives each router its lifetime."""
    nics(lab)
    add(lab, *(f"-6 route append default via fe80::{n} dev {nic} proto ra" for n, nic in enumerate(nics_of, 1)))
    before = shown(lab)
    ran = synced(lab, f"{engine} {given[6]}")
    assert "next advertisement" not in ran.out and " dev eth1" not in "".join(by_kernel(lab))
    withdrawn(lab, engine)
    assert shown(lab) == before


def test_one_for_some_sources_among_others(lab: Lab, engine: str, given: Dict[int, str]) -> None:
    """It is a route of its own to the kernel, and the order of the others comes back."""
    nics(lab)
    add(lab, "-6 route add default from fd00:8::/64 via fd00:8::1 dev eth1 metric 1024", PLAIN)
    add(lab, "-6 route append default via fd00:65::1 dev eth0 metric 1024")
    before = shown(lab)
    synced(lab, f"{engine} {given[6]}")
    assert len(by_kernel(lab)) == 2
    withdrawn(lab, engine)
    assert shown(lab) == before


def test_routes_for_some_sources_with_our_number(lab: Lab, engine: str, given: Dict[int, str]) -> None:
    """No pass makes any, and a deletion can't name them."""
    nics(lab)
    add(
        lab,
        "-6 route add fd12::/48 from fd00:99::/64 via fd00:8::1 dev eth1 proto 121",
        "-6 route add default from fd00:99::/64 via fd00:8::1 dev eth1 proto 121",
    )
    before = shown(lab)
    synced(lab, f"{engine} {given[6]}")
    withdrawn(lab, engine)
    assert [line for line in before if line not in shown(lab)] == []


# ---- router preference: of those with one metric the kernel goes by the best (RFC 4191) -------------

ELECTED = "-6 route append default via fd00:65::1 dev eth0 metric 1024"
PREFERENCES = [
    # Whether the VPN's has the first place before a pass; of each pair the second stands behind the first.
    ([PLAIN, ON_LINK.format("wg0") + " pref high"], True),
    ([ON_LINK.format("wg0") + " pref low", PLAIN], False),
    ([BY_OBJECT[0], BY_OBJECT[1], BY_VPNS_OBJECT[0].replace("7", "8"), BY_VPNS_OBJECT[1].replace("7", "8 pref high")],
     True),
    ([ELECTED, ON_LINK.format("wg0") + " pref high"], True),
    ([*BY_VPNS_OBJECT, ELECTED + " pref high"], False),
    ([ELECTED, BY_VPNS_OBJECT[0], BY_VPNS_OBJECT[1] + " pref high"], True),
    ([ELECTED + " pref low", ON_LINK.format("wg0")], True),
    ([ON_LINK.format("wg0") + " pref low", ELECTED], False),
]  # fmt: skip


@pytest.mark.parametrize(("there", "vpn"), PREFERENCES)
def test_a_vpns_default_wins_or_loses_by_its_preference_as_before(
    lab: Lab, engine: str, given: Dict[int, str], there: Sequence[str], vpn: bool
) -> None:
    """`plan` says so ahead, `sync` then, and the kernel has the last word."""
    nics(lab)
    add(lab, *there)
    before = shown(lab)
    assert (" dev wg0" in lab.ip("-6", "route", "get", "2001:db8::1")) == vpn
    code = 5 if vpn else 0
    words = f"{engine} {given[6]} --routes fd00:11:11::/48,fd00:8::1"  # So that there is something to do.
    ahead = run(lab, f"plan {words}")
    ran = synced(lab, words, code)
    assert ahead.code == code, ahead
    assert [("IPv6 default" in one.out and " wins; the kernel sends" in one.out) for one in (ahead, ran)] == [vpn, vpn]
    assert (" dev wg0" in lab.ip("-6", "route", "get", "2001:db8::1")) == vpn, ran
    withdrawn(lab, engine)
    assert sorted(shown(lab)) == sorted(before)


def test_what_stays_of_a_group_does_not_become_a_next_hop_of_the_default(
    lab: Lab, engine: str, given: Dict[int, str]
) -> None:
    """The VPN's had nothing of the traffic."""
    nics(lab)
    group = ["-6 nexthop add id 7 via fd00:8::2 dev eth1", "-6 nexthop add id 8 via fd00:200::3 dev wg0"]
    add(lab, ELECTED, *group, "nexthop add id 9 group 8/7", "-6 route append default nhid 9 metric 1024")
    before = shown(lab)
    synced(lab, f"{engine} {given[6]}")
    assert all(" dev eth0 " in lab.ip("-6", "route", "get", f"2001:db8::{n}") for n in range(1, 20))
    withdrawn(lab, engine)
    assert shown(lab) == before


PARTLY_A_VPNS = [
    "-6 nexthop add id 17 via fd00:8::1 dev eth1", "-6 nexthop add id 18 via fd00:200::1 dev wg0",
    "nexthop add id 19 group 17/18", "-6 route append default nhid 19 metric 1024",
]  # fmt: skip
BY_ANOTHER_OBJECT = ["-6 nexthop add id 8 via {}", "-6 route append default nhid 8 metric 1024 proto {}"]


@pytest.mark.parametrize(
    ("by", "protocol", "code"),
    [
        ("fd00:65::1 dev eth0", "boot", 0),
        ("fd00:65::1 dev eth0", "static", 0),
        ("fd00:200::7 dev wg0", "boot", 5),  # A VPN's stays: so does the group.
        ("fd00:200::7 dev wg0", "static", 5),
    ],
)
def test_what_stays_of_a_group_is_never_removed_in_place_of_another(
    lab: Lab, engine: str, given: Dict[int, str], by: str, protocol: str, code: int
) -> None:
    """To the kernel one by an object of its protocol fits the request, whatever its gateway."""
    nics(lab)
    add(lab, *(one.format(by if "id 8 via" in one else protocol) for one in BY_ANOTHER_OBJECT), *PARTLY_A_VPNS)
    before = shown(lab)
    synced(lab, f"{engine} {given[6]}", code)
    withdrawn(lab, engine)
    assert shown(lab) == before


def test_a_host_route_by_its_preference(lab: Lab, engine: str, given: Dict[int, str]) -> None:
    """Nothing is in front of the right one, whatever has its metric."""
    nics(lab)
    add(lab, "-6 route append fd00:11:11::/48 dev wg0 metric 1 pref low")
    add(lab, "-6 route append fd00:11:11::/48 via fd00:8::1 dev eth1 metric 1 pref high")
    words = f"{engine} {given[6]} --routes fd00:11:11::/48,fd00:8::1"
    assert "adopted" in synced(lab, words).out
    assert " dev eth1 " in lab.ip("-6", "route", "get", "fd00:11:11::1")
