"""R1: which routes are ours."""

from __future__ import annotations

import pytest

from guest_routes.model.settings import Settings
from guest_routes.routing.ownership import is_ours
from tests.support.iproute_text import parse_route
from tests.support.situations import situation

NICS = situation([]).kernel.nics


@pytest.mark.parametrize(
    ("text", "protocol", "ours"),
    [
        ("11.0.0.0/8 via 11.8.0.1 dev eth1 proto guest-routes", 121, True),
        ("default via 10.65.0.1 dev eth0 proto guest-routes metric 50", 121, True),
        ("unreachable 11.0.0.0/8 proto guest-routes", 121, True),
        ("11.0.0.0/8 via 11.8.0.1 dev eth1 proto static", 121, False),
        ("11.0.0.0/8 via 11.8.0.1 dev eth1 proto guest-routes", 90, False),
        ("11.0.0.0/8 via 11.8.0.1 dev eth1 proto 90", 90, True),
    ],
)
def test_by_protocol_alone(text: str, protocol: int, ours: bool) -> None:
    assert is_ours(parse_route(text, NICS), Settings(protocol=protocol)) is ours
