"""R4, R7: which default routes of a family go, come or stay."""

from __future__ import annotations

from typing import List, Optional, Tuple

import pytest

from guest_routes.model.operations import RestoreDefault
from guest_routes.model.plan import PlannedDefault
from guest_routes.model.settings import Selector, Settings
from guest_routes.output.route_text import route_text
from guest_routes.routing.elect import elect, managed_ifindexes
from guest_routes.routing.planning.host_routes import our_metric
from guest_routes.routing.planning.plan_default import plan_default
from guest_routes.routing.resolve import resolve
from tests.support.iproute_text import parse_route
from tests.support.situations import THREE_NICS, network, situation, texts

FOUR = [network("eth0", "10.65.0.7/24", "default 10.65.0.1"), network("eth1", "11.8.0.9/24", "default 11.8.0.1")]
SIX = [network("eth0", "fd00:65::7/64", "default fd00:65::1"), network("eth1", "fd00:8::9/64", "default fd00:8::1")]
ETH0, ETH1 = "default via 10.65.0.1 dev eth0 proto static", "default via 11.8.0.1 dev eth1 proto static"
OURS = "default via 10.65.0.1 dev eth0 proto guest-routes"
VPN = "default via 10.200.0.1 dev tun0"


def planned(
    *kernel: str, family: int = 4, settings: Optional[Settings] = None, withdraw: bool = True
) -> Tuple[PlannedDefault, List[str]]:  # fmt: skip
    """What becomes of these defaults, eth0's being elected; and the operations."""
    settings = settings or Settings()
    text = THREE_NICS + "".join(f"{line}\n" for line in kernel)
    evidence = situation(FOUR if family == 4 else SIX, text)
    resolution = resolve(evidence, settings)
    there = [one for one in evidence.kernel.routes if one.destination.is_default and one.family == family]
    election = elect(resolution, settings, family)
    metric = our_metric(family, settings)
    managed, nics = managed_ifindexes(resolution.bindings), evidence.kernel.nics
    found = plan_default(election, there, managed, settings, metric, withdraw, nics)
    return found, texts((*found.additions, *found.removals), evidence.kernel)


@pytest.mark.parametrize(
    ("kernel", "verdict", "operations"),
    [
        ([], "add", [f"Add {OURS}"]),
        ([OURS], "kept", []),
        ([ETH0], "adopted", []),
        ([f"{ETH0} metric 100"], "adopted", []),
        ([ETH0, ETH1], "adopted", [f"RemoveForeignDefault {ETH1}"]),
        ([ETH1], "add", [f"Add {OURS}", f"RemoveForeignDefault {ETH1}"]),
        ([ETH0, OURS], "adopted", [f"Delete {OURS}"]),
        # A better one of the same kind is adopted, the other is one too many.
        (
            [f"{ETH0} metric 100", f"{ETH0} metric 50"],
            "adopted",
            [f"RemoveForeignDefault {ETH0} metric 100"],
        ),
        # Ours by another NIC or gateway is not the elected one.
        (
            ["default via 11.8.0.1 dev eth1 proto guest-routes"],
            "add",
            [f"Add {OURS}", "Delete default via 11.8.0.1 dev eth1 proto guest-routes"],
        ),
        (
            ["default via 10.65.0.9 dev eth0 proto guest-routes"],
            "add",
            [f"Add {OURS}", "Delete default via 10.65.0.9 dev eth0 proto guest-routes"],
        ),
        # Another default of the elected NIC is one too many.
        (
            ["default via 10.65.0.9 dev eth0 proto dhcp"],
            "add",
            [f"Add {OURS}", "RemoveForeignDefault default via 10.65.0.9 dev eth0 proto dhcp"],
        ),
        # A VPN's is never touched, and wins on.
        ([VPN, ETH0], "adopted", []),
        ([VPN], "add", [f"Add {OURS} metric 1"]),
        ([f"{VPN} metric 50"], "add", [f"Add {OURS} metric 51"]),
        # One that loses to the metadata's goes on losing.
        (
            [ETH1, f"{VPN} metric 50"],
            "add",
            [f"Add {OURS}", f"RemoveForeignDefault {ETH1}"],
        ),
    ],
)
def test_ipv4(kernel: List[str], verdict: str, operations: List[str]) -> None:
    found, made = planned(*kernel)
    assert (found.verdict, made) == (verdict, operations)
    assert found.election.family == found.family == 4


WORST_VPN = "default via fd00:200::1 dev tun0 proto boot metric 4294967295"
ON_LINK = "default dev eth1 proto static metric 4294967295"


@pytest.mark.parametrize(
    ("kernel", "operations"),
    [
        ([WORST_VPN], []),
        ([WORST_VPN, ON_LINK], []),
        # What of ours another program has made a next hop of.
        (
            [WORST_VPN, "default via fd00:8::1 dev eth1 proto guest-routes metric 4294967295"],
            ["Delete default via fd00:8::1 dev eth1 proto guest-routes metric 4294967295"],
        ),
    ],
)
@pytest.mark.parametrize("mode", ["enforce", "demote"])
def test_ipv6_has_no_metric_behind_a_vpn_at_the_worst(kernel: List[str], operations: List[str], mode: str) -> None:
    """Nobody's is taken for ours, which can't be there."""
    found, made = planned(*kernel, family=6, settings=Settings(default_mode=mode))
    assert (found.verdict, found.serving, found.extras, made) == ("shadowed", None, (), operations)
    assert found.competitor is not None and found.competitor == found.outside[0]
    nics = situation([], THREE_NICS).kernel.nics
    assert found.route is not None and route_text(found.route, nics) == OURS_6
    assert route_text(found.competitor, nics) == WORST_VPN


def test_what_is_inside_and_outside() -> None:
    found, _ = planned(VPN, ETH0, ETH1)
    nics = situation([], THREE_NICS).kernel.nics
    assert [route_text(one, nics) for one in found.outside] == [f"{VPN} proto boot"]
    assert [route_text(one, nics) for one in found.extras] == [ETH1]
    assert found.route is not None
    assert route_text(found.route, nics) == ETH0


OURS_6 = "default via fd00:65::1 dev eth0 proto guest-routes metric 1023"
STATIC_6 = "default via fd00:65::1 dev eth0 proto static metric 1024"
RA = "default via fe80::1 dev eth0 proto ra metric 1024"


@pytest.mark.parametrize(
    ("kernel", "verdict", "operations"),
    [
        ([], "add", [f"Add {OURS_6}"]),
        ([OURS_6], "kept", []),
        ([STATIC_6], "adopted", []),
        # What a router announced on the elected NIC serves, and stays beside a static equal.
        ([RA], "adopted", []),
        ([RA, STATIC_6], "adopted", []),
        (["default via fe80::9 dev eth0 proto static metric 500", STATIC_6], "adopted", []),
        (
            ["default via fd00:8::1 dev eth1 proto ra metric 100", STATIC_6],
            "adopted",
            ["RemoveForeignDefault default via fd00:8::1 dev eth1 proto ra metric 100"],
        ),
        # The announced router alone serves; ours gives way to it.
        ([RA, OURS_6], "adopted", [f"Delete {OURS_6}"]),
    ],
)
def test_ipv6(kernel: List[str], verdict: str, operations: List[str]) -> None:
    found, made = planned(*kernel, family=6)
    assert (found.verdict, made) == (verdict, operations)


def test_the_announcement_is_adopted_where_no_static_equal_is() -> None:
    found, _ = planned(RA, "default via fe80::2 dev eth0 proto ra metric 512", family=6)
    assert found.route is not None
    assert found.route.metric == 512
    both, _ = planned(RA, STATIC_6, family=6)
    assert both.route is not None
    assert both.route.protocol == 4
    assert both.extras == ()


MANY = "default proto static nexthop via 10.65.0.1 dev eth0 weight 1 nexthop via 11.8.0.1 dev eth1 weight 1"
MIXED = "default proto static nexthop via 11.8.0.1 dev eth1 weight 1 nexthop via 10.200.0.1 dev tun0 weight 1"


def test_a_multipath_default_is_no_single_one() -> None:
    found, made = planned(MANY)
    assert found.verdict == "add"
    assert made == [f"Add {OURS}", f"RemoveForeignDefault {MANY}"]


def test_next_hops_outside_stay() -> None:
    rest = "default via 10.200.0.1 dev tun0 proto static"
    assert planned(MIXED)[1] == [
        f"Add {OURS} metric 1",
        f"RestoreDefault {rest}",
        f"RemoveForeignDefault {MIXED}",
    ]
    # What a killed pass left is not added again.
    assert planned(MIXED, rest)[1] == [f"Add {OURS} metric 1", f"RemoveForeignDefault {MIXED}"]


def test_none_elected_leaves_everything() -> None:
    found, made = planned(ETH1, VPN, settings=Settings(default=Selector(nic="eth7")))
    assert (found.verdict, found.route, found.extras, made) == ("left", None, (), [])
    assert [one.ifindex for one in found.outside] == [4]


@pytest.mark.parametrize(
    ("kernel", "verdict", "extras"),
    [
        ([ETH0, ETH1], "adopted", 1),
        ([ETH1, OURS], "kept", 1),
        ([ETH1], "observed", 1),
        ([], "observed", 0),
        (["default via 11.8.0.1 dev eth1 proto guest-routes"], "observed", 1),
    ],
)
def test_observe_changes_nothing(kernel: List[str], verdict: str, extras: int) -> None:
    found, made = planned(*kernel, settings=Settings(default_mode="observe"))
    assert (found.verdict, len(found.extras), made) == (verdict, extras, [])


def test_a_partial_document_only_adds_where_there_is_none() -> None:
    assert planned(ETH1, withdraw=False)[1] == []
    assert planned(VPN, withdraw=False)[1] == []
    assert planned(withdraw=False)[1] == [f"Add {OURS}"]


VPN_FIRST = "default proto boot nexthop via 10.200.0.1 dev tun0 weight 1 nexthop via 11.8.0.1 dev eth1 weight 1"
ETH0_FIRST = "default proto static nexthop via 10.65.0.1 dev eth0 weight 1 nexthop via 11.8.0.1 dev eth1 weight 1"


@pytest.mark.parametrize("vpn", [VPN, f"{VPN} mtu 1400"])
def test_a_deletion_that_could_take_a_vpns_route_is_not_tried(vpn: str) -> None:
    """The kernel deletes the first that fits, and compares next hops as far as both have them."""
    found, operations = planned(vpn, VPN_FIRST)
    assert ([len(found.unwritable), len(found.extras)], operations) == ([1, 0], [f"Add {OURS} metric 1"])
    found, operations = planned(VPN_FIRST, vpn)
    assert ([len(found.unwritable), len(found.extras)], operations[-1]) == ([0, 1], f"RemoveForeignDefault {VPN_FIRST}")


def test_nor_one_that_could_take_an_equal_that_does_no_harm() -> None:
    """Ours wins over the unwritable one, which wins over the equal: that stays, and so does what stands behind it."""
    evidence = situation(FOUR, THREE_NICS)
    routes = [parse_route(one, evidence.kernel.nics) for one in (ETH0, f"{ETH0} metric 1", f"{ETH0_FIRST} metric 1")]
    routes[0] = routes[0]._replace(kind=0, unwritable="encap")
    resolution = resolve(evidence, Settings())
    election, managed = elect(resolution, Settings(), 4), managed_ifindexes(resolution.bindings)
    found = plan_default(election, routes, managed, Settings(), 0)
    assert (found.extras, found.unwritable) == ((), (routes[0], routes[2]))
    assert texts((*found.additions, *found.removals), evidence.kernel) == [f"Add {OURS}"]


def test_nor_is_one_adopted_that_it_could_take() -> None:
    assert planned(ETH0_FIRST, ETH0)[0].verdict == "adopted"
    found, operations = planned(ETH0, ETH0_FIRST)
    removed = [f"RemoveForeignDefault {ETH0}", f"RemoveForeignDefault {ETH0_FIRST}"]
    assert (found.verdict, operations) == ("add", [f"Add {OURS}", *removed])


DEMOTE = Settings(default_mode="demote")
COPY = "default via 11.8.0.1 dev eth1 proto guest-routes"
ETH0_DHCP = "default via 10.65.0.1 dev eth0 proto dhcp"


@pytest.mark.parametrize(
    ("kernel", "operations"),
    [
        # An extra that would win gets a copy behind, and goes.
        ([ETH0, ETH1], [f"Add {COPY} metric 1000", f"RemoveForeignDefault {ETH1}"]),
        # One that is behind already stays.
        ([ETH0, f"{ETH1} metric 50"], []),
        # The second pass changes nothing.
        ([ETH0, f"{COPY} metric 1000"], []),
        # Two copies have two metrics, and a copy that is there is not made again.
        (
            [ETH0, ETH1, "default via 11.8.0.2 dev eth1 proto dhcp"],
            [
                f"Add {COPY} metric 1000",
                "Add default via 11.8.0.2 dev eth1 proto guest-routes metric 1001",
                f"RemoveForeignDefault {ETH1}",
                "RemoveForeignDefault default via 11.8.0.2 dev eth1 proto dhcp",
            ],
        ),
        ([ETH0, ETH1, f"{COPY} metric 1000"], [f"RemoveForeignDefault {ETH1}"]),
        ([ETH0, f"{COPY} metric 1000", f"{COPY} metric 1001"], [f"Delete {COPY} metric 1001"]),
        # Where any other stands there is no room for one: nor where one does that goes.
        (
            [ETH0, ETH1, f"{VPN} metric 1000", f"{OURS} metric 1001"],
            [f"Add {COPY} metric 1002", f"Delete {OURS} metric 1001", f"RemoveForeignDefault {ETH1}"],
        ),
        # What leads where the elected one does needs no copy.
        ([f"{ETH0} metric 50", f"{ETH0_DHCP} metric 50"], [f"RemoveForeignDefault {ETH0_DHCP} metric 50"]),
        # The kernel may delete the one for the other.
        ([f"{ETH0} metric 50", f"{ETH0} metric 50 mtu 1400"], []),
        ([f"{ETH0} metric 50 mtu 1400", f"{ETH0} metric 50"], []),
        # Next hops of a multipath route get a copy each; those outside stay as they are.
        (
            [ETH0, MIXED],
            [
                f"Add {COPY} metric 1000",
                "RestoreDefault default via 10.200.0.1 dev tun0 proto static",
                f"RemoveForeignDefault {MIXED}",
            ],
        ),
        # The kernel takes no copy by a gateway that none of the NIC's addresses goes with, but on link (R14).
        (
            [ETH0, "default via 11.99.0.1 dev eth1 proto dhcp"],
            [
                "Add default via 11.99.0.1 dev eth1 proto guest-routes metric 1000 onlink",
                "RemoveForeignDefault default via 11.99.0.1 dev eth1 proto dhcp",
            ],
        ),
        # Behind the worst metric there is no room for one.
        (
            [f"{ETH0} metric 4294966295", f"{ETH1} metric 50", "default via 11.8.0.2 dev eth1 proto dhcp"],
            [
                f"Add {COPY} metric 4294967295",
                f"RemoveForeignDefault {ETH1} metric 50",
                "RemoveForeignDefault default via 11.8.0.2 dev eth1 proto dhcp",
            ],
        ),
        ([f"{ETH0} metric 4294967295", f"{ETH1} metric 50"], [f"RemoveForeignDefault {ETH1} metric 50"]),
        # A default without a gateway has no copy.
        (
            [ETH0, "default dev eth1 proto static scope link"],
            ["RemoveForeignDefault default dev eth1 proto static scope link"],
        ),
    ],
)
def test_demote(kernel: List[str], operations: List[str]) -> None:
    assert planned(*kernel, settings=DEMOTE)[1] == operations


def test_of_two_of_ours_that_differ_by_a_flag_the_kernel_deletes_the_first() -> None:
    for order in ([OURS, f"{OURS} onlink"], [f"{OURS} onlink", OURS]):
        found, operations = planned(*order)
        assert (found.verdict, operations) == ("kept", [f"Delete {order[0]}"])


def test_reasons() -> None:
    found, _ = planned(ETH0, OURS, ETH1)
    assert [one.reason for one in found.removals] == ["equal-serves", found.election]
    other, _ = planned("default via 11.8.0.1 dev eth1 proto guest-routes")
    assert [one.reason for one in other.additions] == [other.election]
    assert [one.reason for one in other.removals] == ["not-elected"]
    moved, _ = planned(f"{OURS} metric 40", OURS)
    assert [one.reason for one in moved.removals] == ["ours-serves"]
    demoted, _ = planned(ETH0, ETH1, settings=DEMOTE)
    assert [one.reason for one in demoted.additions] == ["demoted"]
    mixed, _ = planned(MIXED, ETH0)
    assert [one.reason for one in mixed.additions] == ["nexthops-outside"]


def test_on_link_and_table_of_the_elected_default() -> None:
    settings = Settings(table=100, metric=7)
    evidence = situation(
        [network("eth0", "10.65.0.7/32", "default 10.65.0.1")], "nic eth0 fa:16:3e:00:00:00 10.65.0.7/32\n"
    )
    resolution = resolve(evidence, settings)
    managed = managed_ifindexes(resolution.bindings)
    found = plan_default(elect(resolution, settings, 4), (), managed, settings, 7)
    assert texts(found.additions, evidence.kernel) == [
        "Add default via 10.65.0.1 dev eth0 table 100 proto guest-routes metric 7 onlink"
    ]


def test_the_same_next_hop_outside_is_left_once() -> None:
    both = [line.replace("11.8.0.1 dev eth1", "10.65.0.9 dev eth0") for line in (MIXED,)]
    _, operations = planned(MIXED, *both)
    assert operations.count(f"RestoreDefault {VPN} proto static") == 1


@pytest.mark.parametrize(("kernel", "before"), [
    # What wins goes on winning over an extra default that can't be given back, and stays.
    ((f"{MIXED}", "default via 11.8.0.9 dev eth1 proto static"), True),
    # It stood behind another: ours, of the same metric, goes in front of it.
    (("default via 11.8.0.9 dev eth1 proto static", f"{MIXED}"), False),
])  # fmt: skip
def test_what_is_left_of_a_multipath_default_keeps_its_place(kernel: Tuple[str, ...], before: bool) -> None:
    found, _ = planned(*kernel)
    assert found.route is not None
    assert found.route.metric == (1 if before else 0)
    assert [one.before for one in found.additions if isinstance(one, RestoreDefault)] == [before]


def test_a_default_outside_that_cannot_be_written_wins_on() -> None:
    nics = situation(FOUR, THREE_NICS).kernel.nics
    outside = parse_route(f"{VPN} proto static", nics)._replace(kind=0, unwritable="encap")
    evidence = situation(FOUR, THREE_NICS)
    resolution = resolve(evidence, Settings())
    election, managed = elect(resolution, Settings(), 4), managed_ifindexes(resolution.bindings)
    found = plan_default(election, [outside], managed, Settings(), 0)
    assert found.route is not None
    assert found.route.metric == 1


def test_ours_behind_one_outside_of_its_metric_is_moved_before_it() -> None:
    """R8: else the VPN would come to the front as the better one goes."""
    extra = ETH1
    behind = [f"{VPN} proto static metric 100", f"{OURS} metric 100"]
    _, operations = planned(f"{extra} metric 50", *behind, settings=Settings(metric=100))
    assert operations == [f"Promote {OURS} metric 100", f"RemoveForeignDefault {extra} metric 50"]
    _, settled = planned(*behind, settings=Settings(metric=101))
    assert not any(one.startswith("Promote") for one in settled)
