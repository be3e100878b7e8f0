"""R1: which routes are ours."""

from __future__ import annotations

from typing import Optional, Sequence

import pytest

from guest_routes.model.network import KernelState
from guest_routes.model.settings import Settings
from guest_routes.routing.ownership import (
    foreign_of,
    is_of,
    is_ours,
    others_of,
    ours_of,
    ours_or_to,
    separated,
    without_left,
)
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


def test_none_for_packets_from_a_prefix() -> None:
    route = parse_route("default via fd00:8::1 dev eth1 proto guest-routes", NICS)
    assert not is_ours(route._replace(kind=0, unwritable="source"), Settings())
    assert is_ours(route._replace(kind=0, unwritable="encap"), Settings())
    assert not is_of(route._replace(kind=0, unwritable="source"), 121)


def test_what_passes_with_other_settings_have_left_is_nobody_elses() -> None:
    left = parse_route("default via 10.65.0.1 dev eth0 proto 90", NICS)
    foreign = [
        left._replace(table=220), left._replace(protocol=4), left._replace(protocol=121),
        left._replace(unwritable="source"),
    ]  # fmt: skip
    assert without_left([left, *foreign], [(254, 90), (220, 121)]) == foreign
    assert without_left(iter(foreign), iter([(254, 121), (254, 4)])) == [foreign[0], foreign[3]]


def test_of_many_routes_those_of_a_kind_in_their_order() -> None:
    texts = [
        "10.65.0.0/24 dev eth0 proto kernel scope link", "11.0.0.0/8 via 11.8.0.1 dev eth1 proto guest-routes",
        "12.0.0.0/8 via 11.8.0.1 dev eth1 proto dhcp", "13.0.0.0/8 via 11.8.0.1 dev eth1 proto static",
        "14.0.0.0/8 via 11.8.0.1 dev eth1 proto guest-routes",
    ]  # fmt: skip
    kernels, ours, dhcp, static, last = (parse_route(text, NICS) for text in texts)
    source, encap = (last._replace(kind=0, unwritable=why) for why in ("source", "encap"))
    routes = [kernels, ours, dhcp, static, source, encap]
    assert ours_of(routes, Settings()) == [one for one in routes if is_ours(one, Settings())] == [ours, encap]
    assert ours_or_to({static.destination}, routes, Settings()) == [ours, static, source, encap]
    assert others_of(routes, Settings()) == [dhcp, static]
    assert others_of(routes, Settings(), dhcp.protocol) == [static]
    assert foreign_of(routes, 121) == [kernels, dhcp, static, source, encap]


OURS, MADE_BY_HAND = "proto guest-routes", "proto boot"


@pytest.mark.parametrize(
    ("shown", "told"),
    [
        # The kernel shows what another program has added to ours with our protocol.
        (
            [
                f"default via fd00:65::1 dev eth0 {OURS} metric 1023",
                f"default via fd00:8::1 dev eth1 {OURS} metric 1023",
            ],
            [
                f"default via fd00:65::1 dev eth0 {OURS} metric 1023",
                f"default via fd00:8::1 dev eth1 {MADE_BY_HAND} metric 1023",
            ],
        ),
        (
            [
                f"fd11::/48 via fd00:8::1 dev eth1 {OURS} metric 9",
                f"fd11::/48 via fe80::1 dev eth1 {OURS} metric 9",
                f"fd11::/48 via fe80::2 dev eth0 {OURS} metric 9",
            ],
            [
                f"fd11::/48 via fd00:8::1 dev eth1 {OURS} metric 9",
                f"fd11::/48 via fe80::1 dev eth1 {MADE_BY_HAND} metric 9",
                f"fd11::/48 via fe80::2 dev eth0 {MADE_BY_HAND} metric 9",
            ],
        ),
        # These are routes of their own.
        ([f"fd11::/48 via fd00:8::1 dev eth1 {OURS} metric {metric}" for metric in (8, 9)], None),
        ([f"fd1{n}::/48 via fd00:8::1 dev eth1 {OURS} metric 9" for n in (1, 2)], None),
        ([f"fd11::1 dev eth0 {OURS} metric 9", f"fd11::1 via fd00:8::1 dev eth1 {OURS} metric 9"], None),
        ([f"default via {hop} {OURS}" for hop in ("10.65.0.1 dev eth0", "11.8.0.1 dev eth1")], None),
        ([f"default via {hop} proto static metric 9" for hop in ("fd00:65::1 dev eth0", "fd00:8::1 dev eth1")], None),
    ],
)  # fmt: skip
def test_next_hops_that_others_added_to_ours(shown: Sequence[str], told: Optional[Sequence[str]]) -> None:
    state = KernelState(NICS, tuple(parse_route(text, NICS) for text in shown))
    expected = state.routes if told is None else tuple(parse_route(text, NICS) for text in told)
    assert separated(state, Settings()).routes == expected
    assert separated(state, Settings(protocol=77)) is state
