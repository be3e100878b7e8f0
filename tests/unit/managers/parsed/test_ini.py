"""Files of systemd-networkd and NetworkManager, line by line."""

from __future__ import annotations

import pytest

from guest_routes.managers.parsed.ini import (
    moved_keyfile,
    moved_networkd,
    read_keyfile,
    read_networkd,
    sections,
)
from guest_routes.model.configuration import ConfiguredRoute, Place
from guest_routes.model.network import parse_address
from tests.support.configs import lines, nic_of, routes
from tests.support.reports import ETH0, ETH1, prefix

ROUTE = ConfiguredRoute(ETH0, prefix("11.11.0.0/16"), parse_address("11.8.0.1"), "/a", (1,))
NETWORKD = """[Match]
MACAddress=FA:16:3E:00:00:01

[Network]
DHCP=no

[Route]
Destination=11.11.0.0/16
Gateway=11.8.0.1

# a remark
[Route]
Gateway=fd00:65::1

[Route]
Destination=11.12.0.0/16
Scope=link
"""


def test_sections_with_their_lines() -> None:
    first, second = sections(lines("# head\n[A]\nx=1\n; remark\nx = 2 \n\n[B]\n"))
    assert (first.name, first.first, first.end) == ("A", 1, 5)
    assert (first.get("x"), first.get("y")) == ("2", "")
    assert first.keys == (("x", "1", 2), ("x", "2", 4))
    assert (second.name, second.keys) == ("B", ())


@pytest.mark.parametrize("text", ["x=1\n", "[A]\nnonsense\n", "[A]\nx=1\\\n"])
def test_a_line_that_belongs_nowhere(text: str) -> None:
    with pytest.raises(ValueError, match=rf"line {len(text.splitlines())} is no KEY=VALUE of a section"):
        sections(lines(text))


def test_a_route_is_a_section_with_the_blank_lines_behind_it() -> None:
    parsed = read_networkd("/a", lines(NETWORKD), nic_of)
    assert routes(parsed) == [
        ("11.11.0.0/16 via 11.8.0.1 dev eth0", (6, 7, 8, 9)),
        ("default via fd00:65::1 dev eth0", (11, 12, 13)),
    ]
    assert [(place.nic.name, place.family, place.after) for place in parsed.places] == [
        ("eth0", 4, 13),
        ("eth0", 6, 13),
    ]
    assert parsed.odd is None


def test_a_gateway_of_the_network_section_is_short_for_a_section() -> None:
    text = (
        "[Match]\nName=eth0\n\n[Network]\nGateway=10.65.0.9\nGateway=\nGateway=10.65.0.1\nDHCP=no\nGateway=fd00:65::1\n"
    )
    parsed = read_networkd(
        "/a", lines(text + "\n[Route]\nGateway=10.65.0.2\n\n[Address]\nAddress=10.65.0.7/24\n"), nic_of
    )
    assert routes(parsed) == [
        ("default via 10.65.0.1 dev eth0", (6,)),
        ("default via fd00:65::1 dev eth0", (8,)),
        ("default via 10.65.0.2 dev eth0", (10, 11, 12)),
    ]
    assert {place.after for place in parsed.places} == {12}
    alone = read_networkd("/a", lines(text), nic_of)
    assert {place.after for place in alone.places} == {8}
    assert read_networkd("/a", lines(text.replace("10.65.0.1", "_dhcp4")), nic_of).odd == "not an IP address: '_dhcp4'"


def test_without_routes_further_ones_come_last() -> None:
    parsed = read_networkd("/a", lines("[Match]\nName=eth1\nPermanentMACAddress=\n"), nic_of)
    assert (parsed.routes, parsed.places[0].nic.name, parsed.places[0].after) == ((), "eth1", 2)


@pytest.mark.parametrize(
    "text, odd",
    [
        ("[Network]\nDHCP=no\n", "it is for no NIC that is there and that the document describes"),
        ("[Match]\nName=eth9\n", "it is for no NIC that is there and that the document describes"),
        ("[Match]\nName=eth0\n[Route]\nGateway=x\n", "not an IP address: 'x'"),
    ],
)
def test_files_that_are_left_alone(text: str, odd: str) -> None:
    parsed = read_networkd("/a", lines(text), nic_of)
    assert (parsed.odd, parsed.routes) == (odd, ())


@pytest.mark.parametrize(
    "texts, moved",
    [
        (["[Route]\n", "Gateway=11.8.0.1\n", "\n"], ["[Route]\n", "Gateway=11.8.0.1\n", "\n"]),
        (["Gateway=11.8.0.1\n"], ["[Route]\n", "Gateway=11.8.0.1\n", "\n"]),
        (["[Route]\n", "Gateway=11.8.0.1"], ["[Route]\n", "Gateway=11.8.0.1\n", "\n"]),
    ],
)
def test_a_section_moves_as_it_is_and_ends_with_a_blank_line(texts: list[str], moved: list[str]) -> None:
    assert moved_networkd(texts, ROUTE, Place(ETH1, 4, "/b", 3)) == moved


KEYFILE = """[connection]
interface-name=eth1

[ipv4]
method=manual
route7_options=mtu=1400
route7=11.11.0.0/16,11.8.0.1,5
route8=11.12.0.0/16
route9=11.13.0.0/16,
gateway=11.8.0.1

[ipv6]
gateway=fd00:8::1
"""


def test_the_routes_of_a_profile() -> None:
    parsed = read_keyfile("/a", lines(KEYFILE), nic_of)
    assert routes(parsed) == [
        ("11.11.0.0/16 via 11.8.0.1 dev eth1", (6, 5)),
        ("default via 11.8.0.1 dev eth1", (9,)),
        ("default via fd00:8::1 dev eth1", (12,)),
    ]
    assert [(place.family, place.after, place.number) for place in parsed.places] == [(4, 9, 9), (6, 12, 0)]


def test_a_gateway_beside_an_address_has_no_line_of_its_own() -> None:
    text = (
        "[connection]\ninterface-name=eth1\n[ipv4]\naddress1=11.8.0.9/24,11.8.0.1\naddress2=11.8.0.8/24\n"
        "address3=11.8.0.7/24,0.0.0.0\naddress4=11.8.0.6/24,\n[ipv6]\naddress1=fd00:8::9/64,fd00:8::1\n"
    )
    assert routes(read_keyfile("/a", lines(text), nic_of)) == [
        ("default via 11.8.0.1 dev eth1", ()),
        ("default via fd00:8::1 dev eth1", ()),
    ]
    assert read_keyfile("/a", lines(text.replace(",11.8.0.1", ",x")), nic_of).odd == "not an IP address: 'x'"


def test_a_profile_is_for_the_nic_of_its_mac() -> None:
    text = "[connection]\ninterface-name=eth1\n[ethernet]\nmac-address=FA:16:3E:00:00:01\n[ipv4]\ngateway=10.65.0.1\n"
    parsed = read_keyfile("/a", lines(text), nic_of)
    assert [one.nic.name for one in parsed.routes] == ["eth0"]
    assert [place.family for place in parsed.places] == [4]


@pytest.mark.parametrize(
    "text, odd",
    [
        ("[ipv4]\ngateway=10.65.0.1\n", "it is for no NIC that is there and that the document describes"),
        ("[connection]\ninterface-name=eth0\n[ipv4]\nroute1=x,10.65.0.1\n", "not an IP address: 'x'"),
    ],
)
def test_profiles_that_are_left_alone(text: str, odd: str) -> None:
    assert read_keyfile("/a", lines(text), nic_of).odd == odd


def test_a_numbered_route_moves_with_its_options() -> None:
    place = Place(ETH1, 4, "/b", 3, number=4)
    texts = ["route1_options=mtu=1400", "route1=11.11.0.0/16,11.8.0.1\n"]
    assert moved_keyfile(texts, ROUTE, place) == ["route5_options=mtu=1400\n", "route5=11.11.0.0/16,11.8.0.1\n"]
    assert moved_keyfile(["gateway=11.8.0.1\n"], ROUTE, place) == ["route5=11.11.0.0/16,11.8.0.1\n"]
