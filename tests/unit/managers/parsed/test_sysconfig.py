"""EL's ifcfg, route and route6 files, line by line."""

from __future__ import annotations

from typing import Dict, List

import pytest

from guest_routes.managers.parsed.config import CREATED, FOREIGN, OTHER_NIC
from guest_routes.managers.parsed.sysconfig import (
    assignments,
    moved_sysconfig,
    own_files,
    read_sysconfig,
    renumbered,
)
from guest_routes.model.configuration import ConfiguredRoute, ParsedConfig, Place
from guest_routes.model.network import parse_address
from tests.support.configs import lines, nic_of, routes
from tests.support.reports import ETH0, ETH1, prefix

HEAD = "# Created by cloud-init automatically, do not edit.\n#\n"
IFCFG = HEAD + 'BOOTPROTO=none\nDEFROUTE=yes\nGATEWAY=10.65.0.1\nHWADDR=FA:16:3E:00:00:01\nETHTOOL_OPTS="wol g"\n'
ROUTE = HEAD + "ADDRESS0=11.11.0.0\nGATEWAY0=11.8.0.1\nNETMASK0=255.255.0.0\nMETRIC0=5\n"
ROUTE6 = HEAD + "fd00:11:11::/48 via fd00:8::1 metric 5 dev eth0\n::/0 via fd00:65::1  dev eth0\n"


def read(files: Dict[str, str]) -> List[ParsedConfig]:
    return read_sysconfig([(path, lines(text)) for path, text in files.items()], nic_of)


def test_the_routes_of_a_nic_s_three_files() -> None:
    first, second, third = read({"/d/ifcfg-eth0": IFCFG, "/d/route-eth0": ROUTE, "/d/route6-eth0": ROUTE6})
    assert routes(first) == [("default via 10.65.0.1 dev eth0", (4,))]
    assert first.heads == ((3, (4,)),)
    assert [(one.family, one.after, one.head, one.takes) for one in first.places] == [(6, 6, 3, "default")]
    assert routes(second) == [("11.11.0.0/16 via 11.8.0.1 dev eth0", (2, 3, 4, 5))]
    assert [(one.family, one.after, one.number, one.takes) for one in second.places] == [(4, 5, 0, "host")]
    assert routes(third) == [
        ("fd00:11:11::/48 via fd00:8::1 dev eth0", (2,)),
        ("default via fd00:65::1 dev eth0", (3,)),
    ]
    assert [(one.origin, one.odd) for one in (first, second, third)] == [("cloud-init", None)] * 3


def test_files_that_are_not_there_can_be_made() -> None:
    _, four, six = read({"/d/ifcfg-eth1": HEAD + "DEVICE=eth1\n"})
    assert [(one.path, one.origin, one.lines) for one in (four, six)] == [
        ("/d/route-eth1", "absent", CREATED),
        ("/d/route6-eth1", "absent", CREATED),
    ]
    assert [(place.nic, place.family, place.after, place.number) for place in four.places] == [(ETH1, 4, 1, -1)]


def test_a_file_that_correct_has_made() -> None:
    text = "".join(CREATED) + ROUTE[len(HEAD) :]
    _, four, _ = read({"/d/ifcfg-eth0": IFCFG, "/d/route-eth0": text})
    assert (four.origin, four.odd, len(four.routes)) == ("correct", None, 1)


def test_the_name_says_the_nic_where_no_mac_does() -> None:
    parsed = read({"/d/ifcfg-eth1": HEAD + "IPADDR=11.8.0.9\nGATEWAY=11.8.0.1\n"})
    assert routes(parsed[0]) == [("default via 11.8.0.1 dev eth1", (3,))]
    assert (parsed[0].heads, parsed[0].places[0].head) == ((), -1)


def test_the_routes_of_a_nic_that_is_unknown() -> None:
    parsed = read({"/d/ifcfg-eth9": HEAD, "/d/route-eth9": ROUTE, "/d/route6-eth9": HEAD})
    assert [(one.path, one.odd) for one in parsed] == [
        ("/d/ifcfg-eth9", OTHER_NIC),
        ("/d/route-eth9", OTHER_NIC),
        ("/d/route6-eth9", None),
    ]


@pytest.mark.parametrize(
    "name, text, odd",
    [
        ("ifcfg", IFCFG + "GATEWAY=10.65.0.2\n", "line 8 is not as cloud-init writes it"),
        ("ifcfg", IFCFG + "export X\n", "line 8 is not as cloud-init writes it"),
        ("ifcfg", IFCFG + "X=$(id)\n", "line 8 is not as cloud-init writes it"),
        ("ifcfg", IFCFG.replace("10.65.0.1", "x"), "not an IP address: 'x'"),
        ("ifcfg", IFCFG.replace("10.65.0.1", "fd00::1"), "line 5 has a gateway of the other family"),
        ("route", ROUTE.replace("cloud-init", "me"), FOREIGN),
        ("route", "11.11.0.0/16 via 11.8.0.1\n", FOREIGN),
        ("route", ROUTE + "11.12.0.0/16 via 11.8.0.1\n", "line 7 is not as cloud-init writes it"),
        ("route", ROUTE + "X=1\n", "line 7 is not as cloud-init writes routes"),
        ("route", ROUTE.replace("NETMASK0=255.255.0.0\n", ""), "line 3 is of a route without an address or a netmask"),
        ("route6", ROUTE6.replace("cloud-init", "me"), FOREIGN),
        ("route6", ROUTE6 + "fd00::/48 dev eth0\n", "line 5 is not as cloud-init writes routes"),
        ("route6", ROUTE6 + "fd00::/48 via fd00:8::1 dev eth7\n", "line 5 is not as cloud-init writes routes"),
        ("route6", ROUTE6 + "x via fd00:8::1 dev eth0\n", "not an IP address: 'x'"),
    ],
)
def test_files_that_are_left_alone(name: str, text: str, odd: str) -> None:
    files = {"/d/ifcfg-eth0": IFCFG, f"/d/{name}-eth0": text}
    one = next(one for one in read(files) if one.path == f"/d/{name}-eth0")
    assert (one.odd, one.places) == (odd, ())


def test_a_route_without_a_gateway_is_nobody_s() -> None:
    text = ROUTE + "ADDRESS1=11.12.0.0\nNETMASK1=255.255.0.0\n"
    _, four, _ = read({"/d/ifcfg-eth0": IFCFG, "/d/route-eth0": text})
    assert (len(four.routes), four.places[0].number) == (1, 1)


def test_values_as_cloud_init_writes_them() -> None:
    found = assignments(lines('# x=1\n\nA=\nB="a b"\nC=fd00::1/64\n'))
    assert found == {"A": ("", 2), "B": ("a b", 3), "C": ("fd00::1/64", 4)}


def test_only_files_of_nics_that_cloud_init_has_configured() -> None:
    files = [
        ("netplan", "/etc/netplan/50-cloud-init.yaml", "x"),
        ("sysconfig", "/d/ifcfg-lo", "DEVICE=lo\n"),
        ("sysconfig", "/d/ifcfg-eth0", IFCFG),
        ("sysconfig", "/d/ifcfg-eth0.bak", IFCFG),
        ("sysconfig", "/d/ifcfg-eth0.rpmsave", IFCFG),
        ("sysconfig", "/d/route-eth0", "1.0.0.0/8 via 10.65.0.1\n"),
        ("sysconfig", "/d/route-eth5", ROUTE),
        ("wicked", "/e/ifroute-eth0", "default 10.65.0.1 - -\n"),
    ]
    own = [path for _, path, _ in own_files(files)]
    assert own == ["/etc/netplan/50-cloud-init.yaml", "/d/ifcfg-eth0", "/d/route-eth0"]


FOUR = ConfiguredRoute(ETH0, prefix("11.11.0.0/16"), parse_address("11.8.0.1"), "/d/route-eth0", (2, 3, 4))
SIX = ConfiguredRoute(ETH0, prefix("fd00:11::/32"), parse_address("fd00:8::1"), "/d/route6-eth0", (2,))


@pytest.mark.parametrize(
    "route, place, texts, moved",
    [
        (FOUR, Place(ETH1, 4, "/d/route-eth1", 3, number=4, takes="host"),
         ["ADDRESS0=11.11.0.0\n", "GATEWAY0=11.8.0.1\n", "NETMASK0=255.255.0.0"],
         ["ADDRESS5=11.11.0.0\n", "GATEWAY5=11.8.0.1\n", "NETMASK5=255.255.0.0\n"]),
        (SIX, Place(ETH1, 6, "/d/route6-eth1", 3, takes="host"),
         ["fd00:11::/32 via fd00:8::1 metric 5 dev eth0"], ["fd00:11::/32 via fd00:8::1 metric 5 dev eth1\n"]),
        (FOUR, Place(ETH1, 4, "/d/ifcfg-eth1", 3, takes="default"), ["GATEWAY=11.8.0.1\n"], ["GATEWAY=11.8.0.1\n"]),
        (SIX, Place(ETH1, 6, "/d/ifcfg-eth1", 3, takes="default"),
         ["::/0 via fd00:8::1  dev eth0\n"], ["IPV6_DEFAULTGW=fd00:8::1\n"]),
    ],
)  # fmt: skip
def test_what_a_route_becomes_elsewhere(
    route: ConfiguredRoute, place: Place, texts: List[str], moved: List[str]
) -> None:
    assert moved_sysconfig(texts, route, place) == moved


def test_numbers_without_a_gap_in_the_order_of_the_lines() -> None:
    before = ["# x\n", "ADDRESS4=a\n", "GATEWAY4=b\n", "ADDRESS2=c\n", "MTU2=x\n", "METRIC4=1\n", "IPADDR1=d\n"]
    assert renumbered(before) == [
        "# x\n", "ADDRESS0=a\n", "GATEWAY0=b\n", "ADDRESS1=c\n", "MTU2=x\n", "METRIC0=1\n", "IPADDR1=d\n"
    ]  # fmt: skip
