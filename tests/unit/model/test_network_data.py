"""Host routes and where they stand; what no host route can lead to."""

from __future__ import annotations

import pytest

from guest_routes.model.network import parse_address, parse_prefix
from guest_routes.model.network_data import LEASES, PROPERTIES, SETTINGS, HostRoute, Problem, end_of, special_kind


@pytest.mark.parametrize(
    ("network", "source", "place", "origin"),
    [
        (0, "network_data.json", "networks[0].routes[3]", "metadata"),
        (12, "network_data.json", "networks[12].routes[3]", "metadata"),
        (SETTINGS, "/etc/guest-routes.yaml", "routes[3] of /etc/guest-routes.yaml", "settings"),
        (PROPERTIES, "meta_data.json", "meta.guest_routes[3] of meta_data.json", "properties"),
        (
            LEASES,
            "eth0's DHCP lease (a, /l), option 121",
            "eth0's DHCP lease (a, /l), option 121[3]",
            "leases",
        ),
    ],
)
def test_where_a_host_route_stands(network: int, source: str, place: str, origin: str) -> None:
    route = HostRoute(parse_prefix("11.11.0.0/16"), parse_address("11.8.0.1"), source, network, 3)
    assert (route.place, route.origin, str(route)) == (place, origin, "11.11.0.0/16,11.8.0.1")


def test_a_problem_names_its_place() -> None:
    assert str(Problem("networks[0].routes[1].netmask", "is odd")) == "networks[0].routes[1].netmask: is odd"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("11.11.0.0/16", ""),
        ("0.0.0.0/0", ""),
        ("0.0.0.0/1", ""),
        ("0.0.0.0/8", "unspecified"),
        ("0.0.0.0", "unspecified"),
        ("127.0.0.1", "loopback"),
        ("126.255.255.255", ""),
        ("128.0.0.0/8", ""),
        ("223.255.255.0/24", ""),
        ("224.0.0.0/4", "multicast"),
        ("239.1.2.3", "multicast"),
        ("240.0.0.0/4", "reserved"),
        ("255.255.255.255", "reserved"),
        ("169.254.169.254", ""),
        ("fd00::/8", ""),
        ("::/0", ""),
        ("::1", "loopback"),
        ("::", "unspecified"),
        ("::2", ""),
        ("::/64", ""),
        ("ff02::1", "multicast"),
        ("fe80::/10", "link-local"),
        ("fe80::1", "link-local"),
        ("fe00::/9", ""),
    ],
)
def test_special_kinds(text: str, kind: str) -> None:
    assert special_kind(parse_prefix(text)) == kind


@pytest.mark.parametrize(
    ("subnet", "address", "end"),
    [
        ("11.8.0.0/24", "11.8.0.0", "network"),
        ("11.8.0.9/24", "11.8.0.0", "network"),
        ("11.8.0.9/24", "11.8.0.255", "broadcast"),
        ("11.8.0.0/30", "11.8.0.3", "broadcast"),
        ("11.8.0.0/30", "11.8.0.0", "network"),
        ("11.8.0.0/31", "11.8.0.0", None),
        ("11.8.0.0/31", "11.8.0.1", None),
        ("11.8.0.9/32", "11.8.0.9", None),
        ("11.8.0.0/24", "11.8.0.1", None),
        ("11.8.0.0/24", "11.8.1.255", None),
        ("0.0.0.0/0", "255.255.255.255", "broadcast"),
        ("fd00::/64", "fd00::", None),
        ("11.8.0.0/24", "fd00::", None),
        ("fd00::/24", "11.8.0.0", None),
    ],
)
def test_the_ends_of_a_subnet(subnet: str, address: str, end: str | None) -> None:
    assert end_of(parse_prefix(subnet), parse_address(address)) == end
