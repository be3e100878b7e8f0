"""cloud-init's file for netplan, line by line."""

from __future__ import annotations

import pytest

from guest_routes.managers.parsed.netplan import moved_netplan, read_netplan
from guest_routes.model.configuration import ConfiguredRoute, Place
from guest_routes.model.network import parse_address
from tests.support.configs import lines, nic_of, routes
from tests.support.reports import ETH0, ETH1, prefix

TEXT = """# by cloud-init
network:
  version: 2
  ethernets:
    eth9:
      dhcp4: true
    ens3:
      match:
        macaddress: "fa:16:3e:00:00:01"
      routes:
      - to: default
        via: "10.65.0.1"

      - via: fd00:65::1
        to: default
      - to: 11.12.0.0/16
        scope: link
      set-name: eth0
    eth1:
      addresses:
      - 11.8.0.9/24
  bonds:
    bond0:
      interfaces: []
  other:
    eth1:
      routes: []
"""


def test_nics_with_their_lists() -> None:
    parsed = read_netplan("/a", lines(TEXT), nic_of)
    assert parsed.odd is None
    assert routes(parsed) == [
        ("default via 10.65.0.1 dev eth0", (10, 11)),
        ("default via fd00:65::1 dev eth0", (13, 14)),
    ]
    assert parsed.heads == ((9, (10, 11, 13, 14, 15, 16)),)
    first, _, other, _ = parsed.places
    assert (first.nic.name, first.after, first.indent, first.head) == ("eth0", 16, 6, 9)
    assert (other.nic.name, other.after, other.indent, other.head) == ("eth1", 20, 6, -1)


def test_a_list_without_items() -> None:
    text = "network:\n  ethernets:\n    eth0:\n      routes:\n"
    parsed = read_netplan("/a", lines(text), nic_of)
    assert (parsed.heads, parsed.places[0].after, parsed.routes) == (((3, ()),), 3, ())


@pytest.mark.parametrize(
    "text, odd",
    [
        ("network: {ethernets: {}}\n---\n", "line 2 is not as cloud-init writes YAML"),
        ("network:\n\tversion: 2\n", "line 2 is not as cloud-init writes YAML"),
        ("network:\n  ethernets:\n    eth0: {dhcp4: true}\n", "line 3 is no NIC's name"),
        ("network:\n  ethernets:\n    eth0\n", "line 3 is no NIC's name"),
        ("network:\n  ethernets:\n    eth0:\n      gateway4: 10.65.0.1\n", "line 4 is not as cloud-init writes routes"),
        ("network:\n  ethernets:\n    eth0:\n      <<: *base\n", "line 4 is not as cloud-init writes routes"),
        ("network:\n  ethernets:\n    eth0:\n      routes:\n        to: default\n", "line 5 is no item of `routes`"),
        ("network:\n  ethernets:\n    eth0:\n      routes:\n      - to:\n", "line 5 is no key of a route"),
        ("network:\n  ethernets:\n    eth0:\n      routes:\n      - to: &all default\n", "line 5 is no key of a route"),
        (
            "network:\n  ethernets:\n    eth0:\n      routes:\n      - to: 11.0.0.0/99\n        via: 10.65.0.1\n",
            "prefix length must be 0 to 32: '11.0.0.0/99'",
        ),
    ],
)
def test_files_that_are_left_alone(text: str, odd: str) -> None:
    parsed = read_netplan("/a", lines(text), nic_of)
    assert (parsed.odd, parsed.routes) == (odd, ())


@pytest.mark.parametrize(
    "indent, head, moved",
    [
        (8, 5, ["        - to: 11.11.0.0/16\n", "          via: 11.8.0.1\n"]),
        (2, 5, ["  - to: 11.11.0.0/16\n", "    via: 11.8.0.1\n"]),
        (6, -1, ["      routes:\n", "      - to: 11.11.0.0/16\n", "        via: 11.8.0.1\n"]),
    ],
)
def test_an_item_moves_to_the_indent_of_its_place(indent: int, head: int, moved: list[str]) -> None:
    route = ConfiguredRoute(ETH0, prefix("11.11.0.0/16"), parse_address("11.8.0.1"), "/a", (1, 2))
    texts = ["      - to: 11.11.0.0/16\n", "        via: 11.8.0.1"]
    assert moved_netplan(texts, route, Place(ETH1, 4, "/a", 9, indent, head)) == moved
