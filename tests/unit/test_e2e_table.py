"""What the virtual machines' tests call the documented table."""

from __future__ import annotations

import pytest

from tests.e2e import table

RIGHT = """\
default via 10.65.0.1 dev eth0 proto static
10.65.0.0/24 dev eth0 proto kernel scope link src 10.65.0.7
11.8.0.0/24 dev eth1 proto kernel scope link src 11.8.0.9
11.11.0.0/16 via 11.8.0.1 dev eth1 proto guest-routes
"""
STATIC6 = """\
fd00:65::/64 dev eth0 proto kernel metric 256 pref medium
fd00:8::/64 dev eth1 proto kernel metric 256 pref medium
fd00:11:11::/48 via fd00:8::1 dev eth1 proto guest-routes metric 1024 pref medium
fe80::/64 dev eth0 proto kernel metric 256 pref medium
default via fd00:65::1 dev eth0 proto static metric 1024 pref medium
"""
RA = """\
fd00:65::/64 dev eth0 proto ra metric 100 pref medium
fd00:8::/64 dev eth1 proto ra metric 100 pref medium
default via fe80::1 dev eth0 proto ra metric 100 pref medium
"""
SECOND_DEFAULT = "default via 11.8.0.1 dev eth1 proto dhcp src 11.8.0.9 metric 1024\n"
ON_LINK = "10.65.0.1 dev eth0 proto dhcp scope link src 10.65.0.7 metric 1024\n"
COPY = "11.8.0.1 dev eth0 proto dhcp scope link src 10.65.0.7 metric 1024\n"
MULTIPATH = """\
default proto static metric 1024 pref medium
\tnexthop via fd00:65::1 dev eth0 weight 1
\tnexthop via fd00:8::1 dev eth1 weight 1
"""


@pytest.mark.parametrize(
    ("wanted", "ipv4", "ipv6"),
    [("ipv4", RIGHT, ""), ("ipv4", RIGHT + ON_LINK, ""), ("static", RIGHT, STATIC6), ("ra", RIGHT, RA)],
)
def test_the_documented_table_is_right(wanted: str, ipv4: str, ipv6: str) -> None:
    assert table.wrong(wanted, ipv4, ipv6) == []


@pytest.mark.parametrize("missing", range(4))
def test_each_of_its_routes_is_needed(missing: int) -> None:
    lines = RIGHT.splitlines()
    del lines[missing]
    assert table.wrong("ipv4", "\n".join(lines), "") == [f"missing: {table.DOCUMENTED[missing]}"]


@pytest.mark.parametrize("extra", [SECOND_DEFAULT, COPY, "11.11.0.0/16 via 11.8.0.1 dev eth0 metric 5\n"])
def test_nothing_else_may_be_there(extra: str) -> None:
    assert table.wrong("ipv4", RIGHT + extra, "") == [f"extra: {extra.strip()}"]


def test_a_leg_through_another_nic_is_one_default_too_many() -> None:
    without_default = "".join(line for line in STATIC6.splitlines(True) if not line.startswith("default"))
    found = table.wrong("static", RIGHT, without_default + MULTIPATH)
    assert found == ["extra: default nexthop via fd00:8::1 dev eth1 weight 1"]


def test_an_advertised_default_of_another_nic_may_stay_behind() -> None:
    behind = "default via fe80::2 dev eth1 proto ra metric 1024 pref medium\n"
    assert table.wrong("ra", RIGHT, RA + behind) == []
    assert table.wrong("ra", RIGHT, RA + behind.replace("1024", "100")) != []
    no_default = "".join(line for line in RA.splitlines(True) if not line.startswith("default"))
    assert table.wrong("ra", RIGHT, no_default) == ["missing: a default of IPv6"]


def test_a_third_nic_brings_its_own_routes() -> None:
    with_eth2 = RIGHT + "".join(f"{route}\n" for route in table.ATTACHED)
    assert table.wrong("ipv4+eth2", with_eth2, "") == []
    assert len(table.wrong("ipv4", with_eth2, "")) == 2
    assert len(table.wrong("ipv4+eth2", RIGHT, "")) == 2
