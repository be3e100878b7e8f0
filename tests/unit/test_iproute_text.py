"""The reader of `ip route` text that the scenarios are written in: it understands all that route_text.py writes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guest_routes.model.network import UNICAST, NextHop, Nic, Prefix, Route, network_of, parse_address, parse_prefix
from guest_routes.output.route_text import route_text
from tests.support.iproute_text import METRICS, parse_kernel, parse_route

NICS = (Nic(2, "eth0"), Nic(3, "eth1"), Nic(4, "bond0.5"))


def addresses(family: int) -> st.SearchStrategy[bytes]:
    size = 4 if family == 4 else 16
    return st.binary(min_size=size, max_size=size)


@st.composite
def routes(draw: st.DrawFn) -> Route:
    """Every route that text can tell from every other: an IPv6 metric as in the kernel."""
    family = draw(st.sampled_from((4, 6)))
    length = draw(st.integers(0, 32 if family == 4 else 128))
    destination = network_of(Prefix(draw(addresses(family)), length))
    kind = draw(st.sampled_from((UNICAST, 0, 2, 3, 4, 5, 6, 7, 8, 9, 10)))
    ifindexes, weights = st.integers(1, 9), st.integers(1, 256)
    realms = st.just(0) | st.integers(1, 2**32 - 1)
    either = st.sampled_from((4, 6)).flatmap(addresses)
    nexthops = draw(
        st.lists(st.builds(NextHop, st.none() | either, ifindexes, weights, st.booleans(), realms), max_size=3)
    )
    nexthops = nexthops if len(nexthops) > 1 and family == 4 else []
    numbers = [*(number for number in METRICS.values() if number != METRICS["congctl"]), 18]
    needs_nic = kind == UNICAST and not nexthops
    return Route(
        destination,
        None if nexthops else draw(st.none() | either),
        0 if nexthops else draw(ifindexes) if needs_nic else draw(st.integers(0, 9)),
        metric=draw(st.integers(family == 6, 2**32 - 1)),
        protocol=draw(st.integers(0, 255)),
        table=draw(st.sampled_from((254, 100, 2**32 - 1))),
        kind=kind,
        scope=draw(st.integers(0, 255)),
        tos=draw(st.sampled_from((0, 0x10, 0x20))),
        onlink=draw(st.booleans()),
        source=draw(st.none() | addresses(family)),
        metrics=tuple(draw(st.dictionaries(st.sampled_from(numbers), st.integers(2, 99999))).items()),
        nexthops=tuple(nexthops),
        preference=draw(st.sampled_from((0, 1, 3))),
        nexthop_id=draw(st.sampled_from((0, 7))),
        weight=draw(st.just(1) | weights),
        realms=draw(realms),
        expires=draw(st.integers(0, 99)),
    )


@given(routes())
def test_reads_all_that_is_written(route: Route) -> None:
    assert parse_route(route_text(route, NICS), NICS, route.family) == route


@given(routes().filter(lambda route: not route.destination.is_default or (route.gateway and not route.nexthops)))
def test_the_family_is_told_by_the_addresses(route: Route) -> None:
    assert parse_route(route_text(route, NICS), NICS).family == route.family


@pytest.mark.parametrize(
    "text",
    [
        "",
        "default",
        "default via 10.65.0.1",
        "default via 10.65.0.1 dev eth9",
        "default via fd00::1 dev eth0 proto nobody",
        "11.11.0.0/16 via fd00::1 dev eth0",
        "11.11.0.1/16 dev eth0",
        "11.11.0.0/16 dev eth0 metric",
        "11.11.0.0/16 dev eth0 metric 1 metric 2",
        "11.11.0.0/16 dev eth0 sometimes",
        "default via 10.65.0.1 dev eth0 nexthop via 10.65.0.1 dev eth0 weight 1",
        "-6 11.11.0.0/16 dev eth0",
    ],
)
def test_strict(text: str) -> None:
    with pytest.raises(ValueError):
        parse_route(text, NICS)


def test_a_kernel_written_down() -> None:
    written = parse_kernel(
        """
        nic eth0 fa:16:3e:00:00:01 10.65.0.7/24 fd00:65::7/64   # the first
        nic eth1 fa:16:3e:00:00:02 down 11.8.0.9/24
        nic eth0.5 fa:16:3e:00:00:01 kind vlan id 5 on eth0 perm fa:16:3e:00:00:09 no-carrier 10.5.0.7/32
        known fa:16:3e:00:00:02
        recorded default via 11.8.0.1 dev eth1 proto dhcp metric 101
        -6 default dev eth0 proto ra
        """
    )
    eth0, eth1, vlan = written.state.nics
    assert (eth0.name, eth0.ifindex, eth0.up, eth0.running, eth0.mac.hex()) == ("eth0", 2, True, True, "fa163e000001")
    assert (eth1.up, eth1.running, eth1.addresses) == (False, False, (parse_prefix("11.8.0.9/24"),))
    assert (vlan.kind, vlan.vlan_id, vlan.parent, vlan.up, vlan.running) == ("vlan", 5, 2, True, False)
    assert vlan.permanent_mac.hex() == "fa163e000009"
    assert written.known_macs == (eth1.mac,)
    assert written.recorded[0] == Route(Prefix(bytes(4), 0), parse_address("11.8.0.1"), 3, 101, 16)
    assert [route_text(route, written.state.nics) for route in written.state.routes] == [
        "10.65.0.0/24 dev eth0 proto kernel scope link src 10.65.0.7",
        "fd00:65::/64 dev eth0 proto kernel metric 256",
        "default dev eth0 proto ra metric 1024",
    ]
    assert written.state.routes[-1].family == 6


@pytest.mark.parametrize("text", ["nic eth0", "nic eth0 fa:16", "nic eth0 fa:16:3e:00:00:01 sideways", "known", "nics"])
def test_a_kernel_is_strict_too(text: str) -> None:
    with pytest.raises(ValueError):
        parse_kernel(text)
