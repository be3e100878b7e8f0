"""R4, R7: recorded defaults come back first, then ours go, and never the last default."""

from __future__ import annotations

from typing import List

import pytest

from guest_routes.model.evidence import RecordedDefault
from guest_routes.model.network import NextHop, NexthopObject, parse_address
from guest_routes.model.operations import RestoreDefault
from guest_routes.model.settings import Settings
from guest_routes.routing.planning.withdrawal import _same_object, plan_withdrawal
from tests.support.iproute_text import parse_route
from tests.support.situations import THREE_NICS, recorded, situation, texts

OURS = "11.11.0.0/16 via 11.8.0.1 dev eth1 proto guest-routes"
OUR_DEFAULT = "default via 10.65.0.1 dev eth0 proto guest-routes"
STATIC = "default via 11.8.0.1 dev eth1 proto static"
MANY = "default proto static metric 9 nexthop via 10.65.0.1 dev eth0 weight 1 nexthop via 10.200.0.1 dev tun0 weight 1"
THREE = f"{MANY} nexthop via 10.200.0.9 dev tun0 weight 1"


def operations(kernel: str, protocol: int = 121) -> List[str]:
    evidence = situation([], THREE_NICS + kernel)
    made = plan_withdrawal(evidence.kernel, recorded(evidence.recorded_defaults), Settings(protocol=protocol))
    return texts(made.operations, evidence.kernel)


@pytest.mark.parametrize(
    ("kernel", "expected"),
    [
        ("", []),
        (f"{OURS}\n{STATIC}\n", [f"Delete {OURS}"]),
        # What was taken comes back, once, before ours goes.
        (
            f"{OUR_DEFAULT}\nrecorded {STATIC}\nrecorded {STATIC}\n",
            [f"RestoreDefault {STATIC}", f"Delete {OUR_DEFAULT}"],
        ),
        (f"{STATIC}\nrecorded {STATIC}\n{OURS}\n", [f"Delete {OURS}"]),
        # It is another route with another metric, and for IPv4 with another protocol.
        (
            f"{STATIC} metric 5\nrecorded {STATIC}\n",
            [f"RestoreDefault {STATIC}"],
        ),
        (
            f"{STATIC}\nrecorded default via 11.8.0.1 dev eth1 proto dhcp\n",
            ["RestoreDefault default via 11.8.0.1 dev eth1 proto dhcp"],
        ),
        # Our only default is handed over.
        (
            f"{OUR_DEFAULT}\n",
            ["RestoreDefault default via 10.65.0.1 dev eth0 proto boot", f"Delete {OUR_DEFAULT}"],
        ),
        (
            f"{OUR_DEFAULT} metric 50\ndefault via 11.8.0.1 dev eth1 proto guest-routes metric 1050\n",
            [
                "RestoreDefault default via 10.65.0.1 dev eth0 proto boot metric 50",
                f"Delete {OUR_DEFAULT} metric 50",
                "Delete default via 11.8.0.1 dev eth1 proto guest-routes metric 1050",
            ],
        ),
        # The other family's is no substitute.
        (
            f"{OUR_DEFAULT}\ndefault via fd00:8::1 dev eth1 metric 700\n",
            ["RestoreDefault default via 10.65.0.1 dev eth0 proto boot", f"Delete {OUR_DEFAULT}"],
        ),
        # Not where another program has one, or gets one back.
        (f"{OUR_DEFAULT}\ndefault via 10.200.0.1 dev tun0 metric 700\n", [f"Delete {OUR_DEFAULT}"]),
        # Those without a gateway first: others may be reached by them.
        (
            "recorded default via 11.8.0.1 dev eth1 proto static\nrecorded default dev tun0 scope link metric 9\n",
            ["RestoreDefault default dev tun0 proto boot scope link metric 9", f"RestoreDefault {STATIC}"],
        ),
        # A multipath default comes back whole, and the part that a pass left goes.
        (
            f"default via 10.200.0.1 dev tun0 proto static metric 9\nrecorded {MANY}\n",
            [f"RestoreDefault {MANY}", "RemoveForeignDefault default via 10.200.0.1 dev tun0 proto static metric 9"],
        ),
        (
            "default proto static metric 9 nexthop via 10.200.0.1 dev tun0 weight 1 nexthop via 10.200.0.9 dev tun0 "
            f"weight 1\nrecorded {THREE}\n",
            [
                f"RestoreDefault {THREE}",
                "RemoveForeignDefault default proto static metric 9 nexthop via 10.200.0.1 dev tun0 weight 1 "
                "nexthop via 10.200.0.9 dev tun0 weight 1",
            ],
        ),
        # Another route through the same NIC is no part of it.
        (f"default via 10.200.0.1 dev tun0 proto static metric 10\nrecorded {MANY}\n", [f"RestoreDefault {MANY}"]),
        (f"default via 10.200.0.7 dev tun0 proto static metric 9\nrecorded {MANY}\n", [f"RestoreDefault {MANY}"]),
        (f"12.0.0.0/8 via 10.200.0.1 dev tun0 proto static metric 9\nrecorded {MANY}\n", [f"RestoreDefault {MANY}"]),
    ],
)
def test_ipv4(kernel: str, expected: List[str]) -> None:
    assert operations(kernel) == expected


LATER_4, LATER_6 = "via 11.9.0.1 dev eth1", "via fd00:9::1 dev eth1"  # In no subnet of eth1, for now.
OURS_6 = "default via fd00:65::1 dev eth0 proto guest-routes metric 1023"


@pytest.mark.parametrize(
    ("kernel", "expected"),
    [
        # IPv6 would merge two of one metric: the heir stands just behind.
        (
            f"{OURS_6}\n",
            ["RestoreDefault default via fd00:65::1 dev eth0 proto boot metric 1024", f"Delete {OURS_6}"],
        ),
        (
            f"{OURS_6}\ndefault via fd00:8::1 dev eth1 proto guest-routes metric 1024\n",
            [
                "RestoreDefault default via fd00:65::1 dev eth0 proto boot metric 1025",
                f"Delete {OURS_6}",
                "Delete default via fd00:8::1 dev eth1 proto guest-routes metric 1024",
            ],
        ),
        # A router's announcement comes back with its next one.
        (f"{STATIC}\nrecorded default via fe80::1 dev eth1 proto ra metric 1024 expires 600\n", []),
        (
            f"{OURS_6}\nrecorded default via fe80::1 dev eth1 proto ra metric 1024 expires 600\n",
            ["RestoreDefault default via fd00:65::1 dev eth0 proto boot metric 1025", f"Delete {OURS_6}"],
        ),
        # What a program has made without a lifetime nobody need announce.
        (
            f"{STATIC}\nrecorded default via fe80::1 dev eth1 proto ra metric 1024\n",
            ["RestoreDefault default via fe80::1 dev eth1 proto ra metric 1024"],
        ),
        # IPv6 has no two that differ in their protocol only.
        (
            "default via fd00:8::1 dev eth1 proto boot metric 1024\n"
            "recorded default via fd00:8::1 dev eth1 proto static metric 1024\n",
            [],
        ),
        # A default of one family is none of the other.
        (
            f"{OURS_6}\n{STATIC}\n",
            ["RestoreDefault default via fd00:65::1 dev eth0 proto boot metric 1024", f"Delete {OURS_6}"],
        ),
    ],
)
def test_ipv6(kernel: str, expected: List[str]) -> None:
    assert operations(kernel) == expected


def test_ours_is_what_has_the_settings_protocol() -> None:
    kernel = "11.0.0.0/8 via 11.8.0.1 dev eth1 proto 90\n11.11.0.0/16 via 11.8.0.1 dev eth1 proto guest-routes\n"
    assert operations(kernel, 90) == ["Delete 11.0.0.0/8 via 11.8.0.1 dev eth1 proto 90"]


@pytest.mark.parametrize(
    ("kernel", "heir"),
    [
        (f"{OUR_DEFAULT}\nrecorded default {LATER_4} metric 100\n", "metric 101"),
        (f"{OUR_DEFAULT}\nrecorded default {LATER_4}\n", "metric 1"),
        (f"{OUR_DEFAULT} metric 200\nrecorded default {LATER_4} metric 100\n", "metric 200"),
        (f"{OUR_DEFAULT}\nunreachable default metric 50\nrecorded default {LATER_4} metric 100\n", "metric 50"),
        (f"{OUR_DEFAULT} metric 60\nunreachable default metric 50\nrecorded default {LATER_4}\n", "metric 60"),
        (f"{OUR_DEFAULT}\nrecorded default {LATER_6} metric 100\n", ""),
        (f"{OURS_6}\nrecorded default {LATER_6} metric 100\n", "metric 1024"),
        (f"{OURS_6}\nrecorded default {LATER_6} metric 2000\nrecorded default {LATER_6} metric 9\n", "metric 2001"),
        (f"{OURS_6}\nunreachable ::/0 dev lo metric 1500\nrecorded default {LATER_6} metric 2000\n", "metric 1499"),
        (f"{OURS_6}\nunreachable ::/0 dev lo metric 1024\nrecorded default {LATER_6} metric 2000\n", "metric 1022"),
        (f"{OURS_6}\nrecorded default {LATER_6} metric 4294967295\n", "metric 4294967294"),
    ],
)
def test_what_is_handed_over_stands_behind_what_may_come_back(kernel: str, heir: str) -> None:
    made = operations(kernel)[0]
    assert made.startswith("RestoreDefault default via") and made.partition(" proto boot")[2].strip() == heir


def test_where_no_metric_is_free_it_stands_in_place_of_ours() -> None:
    """IPv6 has one route of a metric: ours needs no removal then."""
    there = situation([], f"{THREE_NICS}{OURS_6.replace('1023', '1')}\nunreachable ::/0 dev lo metric 2\n").kernel
    (made,) = plan_withdrawal(there, (), Settings()).operations
    assert isinstance(made, RestoreDefault) and (made.instead, made.route.metric) == (True, 1)


IN_11_9 = "via 11.9.0.1 dev eth1 proto static"


@pytest.mark.parametrize(
    ("kernel", "route", "reason"),
    [
        ("", "default via 11.8.0.1 dev eth1", ""),
        # Its NIC has other addresses by now, or none.
        ("", f"default {IN_11_9}", "no-subnet"),
        ("", "default via fd00:9::1 dev eth1", "no-subnet"),
        ("", "default via 11.8.0.1 dev eth0", "no-subnet"),
        ("", "default nexthop via 11.8.0.1 dev eth1 weight 1 nexthop via 11.9.0.1 dev eth1 weight 1", "no-subnet"),
        ("", "default via inet6 fd00:9::1 dev eth1", "no-subnet"),
        # On link by a flag, a route, or since it needs no address.
        ("", f"default {IN_11_9} onlink", ""),
        ("11.9.0.1 dev eth1 proto static scope link\n", f"default {IN_11_9}", ""),
        ("11.9.0.1 dev eth0 proto static scope link\n", f"default {IN_11_9}", "no-subnet"),
        ("unreachable 11.9.0.1\n", f"default {IN_11_9}", "no-subnet"),
        ("", "default dev eth1 scope link", ""),
        ("", "default via fe80::1 dev eth1", ""),
        ("", "default via inet6 fe80::1 dev eth1", ""),
        # Its NIC is down: the kernel has dropped it then, whatever it leads by.
        ("down\n", "default via 11.8.0.1 dev eth1", "nic-down"),
        ("down\n", f"default {IN_11_9} onlink", "nic-down"),
        ("down\n", "default dev eth1 scope link", "nic-down"),
        ("down\n", "default via 10.65.0.1 dev eth0", ""),
        ("", "unreachable default metric 9", ""),
    ],
)
def test_what_the_kernel_would_refuse_is_named_and_not_tried(kernel: str, route: str, reason: str) -> None:
    there = situation([], THREE_NICS + kernel.replace("down\n", "")).kernel
    there = there._replace(nics=tuple(one._replace(up=one.name != "eth1" or kernel != "down\n") for one in there.nics))
    made = plan_withdrawal(there, recorded([parse_route(route, there.nics)]), Settings())
    assert [one.reason for one in made.not_restored] == [reason] * bool(reason)
    assert [type(one) for one in made.operations] == [RestoreDefault] * (not reason)


def test_one_by_another_that_comes_back_with_it() -> None:
    """A copy's own route on link (R20)."""
    there = situation([], THREE_NICS).kernel
    both = recorded(parse_route(one, there.nics) for one in (f"default {IN_11_9}", "11.9.0.1 dev eth1 scope link"))
    assert [one.route.destination.length for one in plan_withdrawal(there, both, Settings()).operations] == [32, 0]


def test_every_operation_has_its_reason() -> None:
    kernel = (
        f"{THREE_NICS}{OUR_DEFAULT}\nrecorded {MANY}\ndefault via 10.200.0.1 dev tun0 proto static metric 9\n{OURS_6}\n"
    )
    evidence = situation([], kernel)
    made = plan_withdrawal(evidence.kernel, recorded(evidence.recorded_defaults), Settings())
    assert [one.reason for one in made.operations] == [
        "recorded",
        "handed-over",
        "withdrawn",
        "withdrawn",
        "whole-route-back",
    ]


def test_what_stood_beside_a_multipath_default_is_no_part_of_it() -> None:
    """A pass took the multipath default; the other one was there before, and is another program's."""
    beside = "default via 10.200.0.1 dev tun0 proto static metric 9"
    evidence = situation([], f"{THREE_NICS}{beside}\nrecorded {MANY}\n")
    (there,) = [route for route in evidence.kernel.routes if route.destination.is_default]
    (whole,) = evidence.recorded_defaults
    recorded_whole = RecordedDefault(whole, (there, whole), outside=(4,))
    made = plan_withdrawal(evidence.kernel, [recorded_whole], Settings())
    assert [type(one) for one in made.operations] == [RestoreDefault]


def test_what_was_taken_before_a_multipath_default_of_its_next_hop_is_no_part_of_it() -> None:
    """Passes leave next hops outside the metadata alone: both come back."""
    single = "default via 10.65.0.1 dev eth0 proto static metric 9"
    evidence = situation([], f"{THREE_NICS}recorded {MANY}\nrecorded {single}\n")
    made = plan_withdrawal(evidence.kernel, recorded(evidence.recorded_defaults), Settings())
    assert sorted(texts(made.operations, evidence.kernel)) == [f"RestoreDefault {MANY}", f"RestoreDefault {single}"]


TUNNEL = "fd00:8::/80 dev tun0 proto static"
SIX = "default via fd00:8::1 dev eth1 proto static metric 1024 onlink"
ON_LINK = "fd00:8::1 dev eth1 proto guest-routes metric 1023"


@pytest.mark.parametrize(
    ("kernel", "expected"),
    [
        # The kernel would refuse it, covered as its gateway is by now.
        (f"{TUNNEL}\nrecorded {SIX}\n", [f"Add {ON_LINK}", f"RestoreDefault {SIX}", f"Delete {ON_LINK}"]),
        (
            f"{TUNNEL}\n{OURS}\nrecorded {SIX}\n",
            [f"Add {ON_LINK}", f"RestoreDefault {SIX}", f"Delete {ON_LINK}", f"Delete {OURS}"],
        ),
        (f"recorded {SIX}\n", [f"RestoreDefault {SIX}"]),
        # Ours that cover it go first.
        (
            f"fd00:8::/80 via fd00:65::1 dev eth0 proto guest-routes metric 1023\nrecorded {SIX}\n",
            [
                "Delete fd00:8::/80 via fd00:65::1 dev eth0 proto guest-routes metric 1023",
                f"RestoreDefault {SIX}",
            ],
        ),
        # There already, as long as ours are.
        (f"{TUNNEL}\n{ON_LINK}\nrecorded {SIX}\n", [f"RestoreDefault {SIX}", f"Delete {ON_LINK}"]),
        # Nothing says that it is on the NIC's link any more.
        (
            "default via fd00:77::1 dev tun0 proto static\nfd00:99::/80 dev tun0 proto static\n"
            "recorded default via fd00:99::1 dev eth1 proto static metric 9\n",
            [],
        ),
    ],
)
def test_a_gateway_that_another_route_covers_is_on_link_for_the_moment(kernel: str, expected: List[str]) -> None:
    assert operations(kernel) == expected


@pytest.mark.parametrize("other", [STATIC, OUR_DEFAULT])
@pytest.mark.parametrize("family", ["main", "nothing", "the other family"])
def test_in_another_table_our_only_default_goes_where_main_has_one(other: str, family: str) -> None:
    evidence, main = (
        situation([], f"{THREE_NICS}{OUR_DEFAULT}\n"),
        situation([], f"{THREE_NICS}{other}\n").kernel.routes,
    )
    six = situation([], f"{THREE_NICS}default via fd00:65::1 dev eth0 proto static\n").kernel.routes
    there = {"main": main, "nothing": (), "the other family": six}[family]
    made = texts(plan_withdrawal(evidence.kernel, [], Settings(table=100), main=there).operations, evidence.kernel)
    kept = [] if family == "main" else ["RestoreDefault default via 10.65.0.1 dev eth0 proto boot"]
    assert [one for one in made if one.startswith("Restore")] == kept


def with_order(kernel: str, *orders: str) -> List[str]:
    """With the equals that each recorded default, the last first, was found among: numbers of recorded ones."""
    evidence = situation([], THREE_NICS + kernel)
    routes = evidence.recorded_defaults
    written = [RecordedDefault(one, tuple(routes[int(n)] for n in order)) for one, order in zip(routes, orders)]
    return texts(plan_withdrawal(evidence.kernel, written, Settings()).operations, evidence.kernel)


def test_defaults_that_differ_by_attributes_only() -> None:
    """Two that stood beside one another come back both; one that was made anew with others is the same."""
    both = f"recorded {STATIC}\nrecorded {STATIC} mtu 1400\n"
    restored = [f"RestoreDefault {STATIC}", f"RestoreDefault {STATIC} mtu 1400"]
    assert with_order(both, "01", "01") == restored
    assert with_order(both, "0", "1") == restored[:1]
    assert with_order(f"{STATIC} mtu 1500\n{both}", "01", "01") == []
    assert with_order(f"{STATIC} mtu 1400\n{both}", "10", "10") == [f"RestoreDefault {STATIC}"]


@pytest.mark.parametrize("now, same", [
    (NexthopObject(7, (NextHop(parse_address("11.8.0.1"), 3),)), True),
    (NexthopObject(7, (NextHop(parse_address("11.8.0.2"), 3),)), False),
    (NexthopObject(7, (NextHop(parse_address("11.8.0.1"), 3),), encapsulated=True), False),
    (NexthopObject(8, (NextHop(parse_address("11.8.0.1"), 3),)), False),
])  # fmt: skip
def test_a_nexthop_object_may_be_another_one_by_now(now: NexthopObject, same: bool) -> None:
    there = situation([], THREE_NICS).kernel._replace(nexthops=(now,))
    route = parse_route("default via 11.8.0.1 dev eth1", there.nics)
    assert _same_object(route._replace(nexthop_id=7), there) == same
    assert _same_object(route, there)
