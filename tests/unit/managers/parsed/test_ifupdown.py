"""cloud-init's file for ifupdown, line by line."""

from __future__ import annotations

import pytest

from guest_routes.managers.parsed.ifupdown import moved_ifupdown, read_ifupdown
from guest_routes.model.configuration import ConfiguredRoute, Place
from guest_routes.model.network import parse_address
from tests.support.configs import lines, nic_of, routes
from tests.support.reports import ETH0, ETH1, prefix

TEXT = """auto lo
iface lo inet loopback
    gateway 1.2.3.4

auto eth0
iface eth0 inet static
    address 10.65.0.7/24
    gateway 10.65.0.1
    post-up route add -net 11.11.0.0 netmask 255.255.0.0 gw 11.8.0.1 || true

    pre-down route del -net 11.11.0.0 netmask 255.255.0.0 gw 11.8.0.1 || true
# of eth1
iface eth1:1 inet6 static
    up route add -A inet6 fd00:11:11::/48 gw fd00:8::1 metric 5
    post-up route add -host 11.12.3.4 gw 11.8.0.1
    post-up route add default gw 11.8.0.1
    post-up echo hello
    gateway fd00:8::1
"""


def test_commands_in_pairs_and_gateways() -> None:
    parsed = read_ifupdown("/a", lines(TEXT), nic_of)
    assert parsed.odd is None
    assert routes(parsed) == [
        ("default via 10.65.0.1 dev eth0", (7,)),
        ("11.11.0.0/16 via 11.8.0.1 dev eth0", (8, 10)),
        ("fd00:11:11::/48 via fd00:8::1 dev eth1", (13,)),
        ("11.12.3.4/32 via 11.8.0.1 dev eth1", (14,)),
        ("default via 11.8.0.1 dev eth1", (15,)),
        ("default via fd00:8::1 dev eth1", (17,)),
    ]
    assert [(place.nic.name, place.family, place.after) for place in parsed.places] == [
        ("eth0", 4, 10),
        ("eth1", 6, 17),
    ]


def test_lines_outside_the_documented_nics_are_not_read() -> None:
    text = "    gateway 1.2.3.4\niface eth9 inet static\n    up route nonsense\nmapping eth0\n    gateway 10.65.0.1\n"
    assert read_ifupdown("/a", lines(text), nic_of).routes == ()


def test_comments_and_indents_mean_nothing() -> None:
    """interfaces(5): a stanza goes on to the next one's first word, wherever that stands."""
    text = TEXT.replace("    gateway 10", "# mine\n    gateway 10").replace("# of eth1\n", "# of eth1\n    auto eth1\n")
    before = [one for one, _ in routes(read_ifupdown("/a", lines(TEXT), nic_of))]
    assert [one for one, _ in routes(read_ifupdown("/a", lines(text), nic_of))] == before
    bare = "".join(line.lstrip() for line in lines(text))
    parsed = read_ifupdown("/a", lines(bare), nic_of)
    assert [one for one, _ in routes(parsed)] == before
    assert [lines(bare)[place.after].split()[0] for place in parsed.places] == ["pre-down", "gateway"]
    assert read_ifupdown("/a", lines("iface eth0 inet static\npost-up route add x\n"), nic_of).calls_route


@pytest.mark.parametrize(
    "word", ["mapping", "auto", "allow-hotplug", "source", "source-directory", "rename", "template"]
)
def test_what_ends_a_stanza(word: str) -> None:
    text = f"iface eth0 inet static\n{word} eth0\n    gateway 10.65.0.1\n"
    assert routes(read_ifupdown("/a", lines(text), nic_of)) == []


@pytest.mark.parametrize(
    "text, idle",
    [
        ("auto eth0\niface eth0 inet static\niface eth0 inet6 static\n", ()),
        ("iface eth0 inet static\niface eth0 inet6 static\n", ((2, 4), (2, 6))),
        ("iface eth0:1 inet static\nallow-hotplug lo eth0:1\n", ()),
        ("auto eth1\niface eth0 inet static\niface eth1 inet static\n", ((2, 4),)),
        ("auto /eth*\niface eth0 inet static\n", ()),
    ],
)
def test_the_nics_that_nothing_starts(text: str, idle: tuple[tuple[int, int], ...]) -> None:
    assert read_ifupdown("/a", lines(text), nic_of).idle == idle


def test_a_default_of_ipv6_by_a_command() -> None:
    text = "iface eth0 inet6 static\n    post-up route add -A inet6 default gw fd00:65::1 || true\n"
    assert routes(read_ifupdown("/a", lines(text), nic_of)) == [("default via fd00:65::1 dev eth0", (1,))]


@pytest.mark.parametrize(
    "words, family, route",
    [
        ("ip route add default via 10.65.0.1", "inet", "default via 10.65.0.1 dev eth0"),
        ("ip route add 11.11.0.0/16 via 11.8.0.1 metric 7", "inet", "11.11.0.0/16 via 11.8.0.1 dev eth0"),
        ("ip -family inet6 route add default via fd00:65::1", "inet6", "default via fd00:65::1 dev eth0"),
        ("ip -family inet6 route add fd00:11::/48 via fd00:8::1", "inet6", "fd00:11::/48 via fd00:8::1 dev eth0"),
    ],
)
def test_commands_of_ip(words: str, family: str, route: str) -> None:
    """As cloud-init 26.2 writes them."""
    deleted = words.replace(" add ", " del ")
    text = f"iface eth0 {family} static\n    post-up {words} || true\n    pre-down {deleted} || true\n"
    assert routes(read_ifupdown("/a", lines(text), nic_of)) == [(route, (1, 2))]


@pytest.mark.parametrize(
    "line, odd",
    [
        ("post-up ip route add 11.11.0.0/16 dev eth1", "line 2: it is not as cloud-init writes routes"),
        ("gateway \\", "line 2 goes on in the next one"),
        ("gateway nowhere", "line 2: not an IP address: 'nowhere'"),
        ("post-up route add -net 11.11.0.0 netmask 255.255.0.0.0 gw 11.8.0.1", "line 2: not an IP address"),
    ],
)
def test_files_that_are_left_alone(line: str, odd: str) -> None:
    parsed = read_ifupdown("/a", lines(f"iface eth0 inet static\n    {line}\n"), nic_of)
    assert (parsed.odd or "").startswith(odd)
    assert parsed.routes == ()


def test_commands_move_as_they_are() -> None:
    route = ConfiguredRoute(ETH0, prefix("11.11.0.0/16"), parse_address("11.8.0.1"), "/a", (1,))
    assert moved_ifupdown(["    up a\n", "    down b"], route, Place(ETH1, 4, "/a", 9)) == [
        "    up a\n",
        "    down b\n",
    ]


@pytest.mark.parametrize("line, calls", [
    ("post-up route add -net 11.11.0.0 netmask 255.255.0.0 gw 11.8.0.1 || true", True), ("up route add x", True),
    ("post-up ip route add 11.11.0.0/16 via 11.8.0.1", False), ("gateway 11.8.0.1", False), ("# up route add", False),
])  # fmt: skip
def test_whether_it_calls_the_route_command(line: str, calls: bool) -> None:
    """Whatever else is in the file, and whether or not it is as cloud-init writes it."""
    assert read_ifupdown("/a", lines(f"iface eth0 inet static\n    {line}\n"), nic_of).calls_route == calls
