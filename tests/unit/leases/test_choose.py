"""Which lease is whose, its host routes and gateway, and the document that replaces a missing one."""

from __future__ import annotations

import json
from typing import Any, Optional, Tuple

import pytest

from guest_routes.evidence.network_data import parse
from guest_routes.leases.choose import choose, document_of, host_routes
from guest_routes.model.lease import Lease, LeaseRoute, Option, RouterOption
from guest_routes.model.network import Nic, parse_address, parse_prefix
from guest_routes.model.network_data import HostRoute


def route(text: str) -> LeaseRoute:
    destination, _, next_hop = text.partition(",")
    return LeaseRoute(parse_prefix(destination), parse_address(next_hop))


def lease(classless: Tuple[str, ...] = (), fault: Optional[str] = None, **more: Any) -> Lease:
    option = Option(tuple(map(route, classless)), fault) if classless or fault else None
    made = Lease("dhclient", "/l", parse_address("10.65.0.7"), nic="eth0", ifindex=2, classless=option)
    return made._replace(**more)


ROUTERS = (parse_address("10.65.0.1"),)


def test_option_3_is_ignored_where_option_121_is_there() -> None:
    """RFC 3442, "DHCP Client Behavior"."""
    both = lease(("0.0.0.0/0,10.65.0.254",), routers=ROUTERS)
    assert both.default_routers == (RouterOption(parse_address("10.65.0.254"), 121, 0),)
    assert lease(("11.11.0.0/16,11.8.0.1",), routers=ROUTERS).default_routers == ()
    assert lease(routers=ROUTERS).default_routers == (RouterOption(ROUTERS[0], 3),)
    cut_off = lease(("11.11.0.0/16,11.8.0.1",), "entry 1 is cut off", routers=ROUTERS)
    assert cut_off.default_routers[0].gateway == ROUTERS[0]


def test_entries_that_are_none_of_ours() -> None:
    written = (
        "10.66.0.0/24,0.0.0.0", "169.254.169.254/32,10.65.0.2", "224.0.0.0/4,10.65.0.1", "12.0.0.0/8,127.0.0.1",
        "11.11.3.4/16,11.8.0.1",
    )  # fmt: skip
    routes, notes = host_routes(lease(written))
    place = "eth0's DHCP lease (dhclient, /l), option 121"
    assert routes == [HostRoute(parse_prefix("11.11.0.0/16"), parse_address("11.8.0.1"), place, -3, 4)]
    assert routes[0].place == f"{place}[4]" and routes[0].origin == "leases"
    assert [str(note) for note in notes] == [
        f"{place}[0]: 10.66.0.0/24 on link: the DHCP client's own, not ours",
        f"{place}[1]: 169.254.169.254/32, the metadata service: left to the DHCP client",
        f"{place}[2]: refused: 224.0.0.0/4 is multicast, no destination for a host route",
        f"{place}[3]: refused: 127.0.0.1 can't be a gateway",
        f"{place}[4]: host bits masked off: 11.11.3.4/16 is 11.11.0.0/16",
    ]


def test_option_249_adds_what_121_does_not_have() -> None:
    both = lease(
        ("11.11.0.0/16,11.8.0.1",), microsoft=Option((route("11.11.0.0/16,11.8.0.1"), route("12.0.0.0/8,11.8.0.1")))
    )
    assert [(str(host), host.place[-6:]) for host in host_routes(both)[0]] == [
        ("11.11.0.0/16,11.8.0.1", "121[0]"), ("12.0.0.0/8,11.8.0.1", "249[1]"),
    ]  # fmt: skip


NICS = (
    Nic(2, "eth0", bytes.fromhex("fa163e000001"), addresses=(parse_prefix("10.65.0.7/24"),)),
    Nic(3, "eth1", bytes.fromhex("fa163e000002"), addresses=(parse_prefix("11.8.0.9/24"),)),
)


def test_the_newest_lease_of_each_nic_whose_address_it_has() -> None:
    old = lease(nic="eth0", ifindex=0, obtained=5.0)
    new = lease(nic="eth0", ifindex=0, obtained=6.0, client="dhcpcd")
    captured = lease(nic="eth0", ifindex=0, obtained=9.0, address=parse_address("10.65.0.99"))
    told = choose([new, captured, old], NICS, 7.0)
    assert [(found.nic, found.ifindex, found.client) for found in told.leases] == [("eth0", 2, "dhcpcd")]


@pytest.mark.parametrize("older, newer", [
    ({"obtained": 60.0}, {"obtained": 90.0, "of_this_boot": True}),  # the clock was right all the time
    ({"obtained": 150.0}, {"obtained": 90.0, "of_this_boot": True}),  # an earlier boot's clock was ahead
    ({"obtained": 60.0}, {"obtained": 3.0, "of_this_boot": True}),  # this boot's was behind, and is right now
    ({"obtained": 120.0, "of_this_boot": True}, {"obtained": 90.0}),  # it was ahead, and a renewal came since
    ({"obtained": 120.0, "of_this_boot": True}, {"obtained": 130.0, "of_this_boot": True}),  # both before the step
])  # fmt: skip
def test_the_newer_of_two_although_the_clock_was_set(older: Any, newer: Any) -> None:
    """It is 100, and the machine has run since 80."""
    found = [lease(client="older", **older), lease(client="newer", **newer)]
    for both in (found, found[::-1]):
        (one,) = choose(both, NICS, 100.0, 80.0).leases
        assert one.client == "newer"
        assert one.obtained <= 100.0


@pytest.mark.parametrize("obtained, expires, booted, limited, shown, holds", [
    (90.0, 150.0, 80.0, False, 150.0, True),
    (20.0, 50.0, 0.0, False, 50.0, False),
    (20.0, 50.0, 0.0, True, None, True),  # the kernel has its address for a time, which is not over
    (20.0, 50.0, 80.0, False, 110.0, True),  # written since the boot, so not as long ago as it says
    (500.0, 530.0, 80.0, False, 130.0, True),  # a time to come
])  # fmt: skip
def test_when_a_lease_ends_although_the_clock_was_set(
    obtained: float, expires: float, booted: float, limited: bool, shown: Optional[float], holds: bool
) -> None:
    nic = NICS[0]._replace(limited=NICS[0].addresses if limited else ())
    one = lease(("0.0.0.0/0,10.65.0.1",), obtained=obtained, expires=expires, of_this_boot=True)
    found = choose([one], [nic], 100.0, booted)
    assert found.leases[0].expires == shown
    assert bool(found.has_routes) is holds


def test_only_a_lease_that_holds_and_speaks_of_routes_tells_them() -> None:
    spoken = lease(("0.0.0.0/0,10.65.0.1",), expires=10.0)
    assert choose([spoken], NICS, 9.0).has_routes == {2}
    assert choose([spoken], NICS, 11.0).has_routes == frozenset()
    assert choose([lease(routers=ROUTERS)], NICS, 9.0).has_routes == frozenset()
    assert choose([lease(("0.0.0.0/0,10.65.0.1",), "entry 1 is cut off")], NICS, 9.0).has_routes == frozenset()


def test_the_document_in_place_of_one_omits_the_routes_of_each_nic() -> None:
    vlan = Nic(4, "eth0.5", NICS[0].mac, kind="vlan", parent=2, vlan_id=5, addresses=(parse_prefix("10.5.0.7/24"),))
    leases = [lease(), lease(nic="eth0.5", ifindex=4, address=parse_address("10.5.0.7"))]
    data = parse(document_of(leases, (*NICS, vlan)))
    assert [(network.link, network.omits_routes, network.family) for network in data.networks] == [
        ("eth0", True, 4), ("eth0.5", True, 4),
    ]  # fmt: skip
    assert [link.vlan_id for link in data.links] == [None, 5]
    assert data.problems == ()
    json.loads(document_of([], ()))


@pytest.mark.parametrize("fields, whose", [
    ({"ifindex": 3}, ["eth1"]), ({"ifindex": 2}, []),  # eth0 has another address
    ({"ifindex": 0, "mac": NICS[1].mac}, ["eth1"]), ({"ifindex": 0, "mac": NICS[0].mac}, []),
    ({"ifindex": 0, "nic": "eth1"}, ["eth1"]), ({"ifindex": 0, "nic": "eth9"}, []),
    ({"ifindex": 3, "mac": NICS[0].mac, "nic": "eth0"}, ["eth1"]),  # the ifindex first
    ({"ifindex": 0, "mac": NICS[1].mac, "nic": "eth0"}, ["eth1"]),  # then the MAC: NICs are renamed
    ({"ifindex": 0, "mac": bytes(6)}, []),
])  # fmt: skip
def test_whose_a_lease_is(fields: Any, whose: Any) -> None:
    found = choose([lease(address=parse_address("11.8.0.9"), **fields)], NICS, 7.0)
    assert [one.nic for one in found.leases] == whose
    assert [(one.ifindex, one.mac) for one in found.leases] == [(3, NICS[1].mac) for _ in whose]


def test_a_bonds_port_is_known_by_its_permanent_mac() -> None:
    port = Nic(2, "eth0", b"bonded", permanent_mac=NICS[0].mac, addresses=NICS[0].addresses)
    assert [one.nic for one in choose([lease(ifindex=0, mac=NICS[0].mac)], [port], 7.0).leases] == ["eth0"]


def test_damaged_options_are_problems_of_the_chosen_lease_only() -> None:
    damaged = lease(("11.11.0.0/16,11.8.0.1",), "entry 1 is cut off", obtained=2.0)
    damaged = damaged._replace(microsoft=Option((), "is empty"))
    assert [str(problem) for problem in choose([damaged, lease(("12.0.0.0/8,11.8.0.1",))], NICS, 7.0).problems] == [
        "eth0's DHCP lease (dhclient, /l), option 121: entry 1 is cut off; what follows is not read",
        "eth0's DHCP lease (dhclient, /l), option 249: is empty; what follows is not read",
    ]
    assert choose([damaged, lease(obtained=3.0)], NICS, 7.0).problems == ()
