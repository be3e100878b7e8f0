"""What the texts of exported files share."""

from __future__ import annotations

import pytest

from guest_routes.managers.export.file import destination_text, header, what_for, written_routes
from guest_routes.routing.per_nic import GatewayRoute, NicRoutes
from tests.support.nics import DEFAULT_4, DEFAULT_6, HOST, SLAAC_ETH0, STATIC_ETH0, STATIC_ETH1, nic_routes


@pytest.mark.parametrize(
    "one, text",
    [
        (STATIC_ETH0, "the IPv4 default route, the IPv6 default route"),
        (STATIC_ETH1, "no IPv4 default route, no IPv6 default route, 2 host routes"),
        (nic_routes(routes=(HOST,)), "1 host route"),
        (nic_routes(), "nothing of its own"),
        (nic_routes(routes=(HOST,) * 1000), "1,000 host routes"),
    ],
)
def test_what_a_file_is_for(one: NicRoutes, text: str) -> None:
    assert what_for(one) == text


def test_a_file_names_its_nic_and_mac() -> None:
    assert header(STATIC_ETH0, "this") == ["# By guest-routes export, for eth0 (fa:16:3e:00:00:01): this"]


@pytest.mark.parametrize("route, text", [(DEFAULT_4, "0.0.0.0/0"), (DEFAULT_6, "::/0"), (HOST, "11.11.0.0/16")])
def test_destinations(route: GatewayRoute, text: str) -> None:
    assert destination_text(route) == text


def test_a_default_that_the_router_advertises_is_not_written() -> None:
    assert written_routes(SLAAC_ETH0) == (DEFAULT_4,)
    assert written_routes(STATIC_ETH0) == (DEFAULT_4, DEFAULT_6)
