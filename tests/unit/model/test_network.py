"""Addresses, prefixes and what the kernel says, as values."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guest_routes.model.network import (
    Prefix,
    Route,
    address_text,
    contains,
    family_of,
    is_link_local,
    mac_text,
    network_of,
    parse_address,
    parse_prefix,
)

addresses = st.binary(min_size=4, max_size=4) | st.binary(min_size=16, max_size=16)


@st.composite
def prefixes(draw: st.DrawFn) -> Prefix:
    address = draw(addresses)
    return Prefix(address, draw(st.integers(0, len(address) * 8)))


@given(addresses)
def test_an_address_survives_its_text(address: bytes) -> None:
    assert parse_address(address_text(address)) == address
    assert family_of(address) == (4 if len(address) == 4 else 6)


@pytest.mark.parametrize("text", ["", "x", "10.0.0", "10.0.0.256", "fe80::1%eth0", "10.0.0.1/24", "1:2", "010.0.0.1"])
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(ValueError, match="not an IP address"):
        parse_address(text)


@given(prefixes())
def test_a_prefix_survives_its_text(prefix: Prefix) -> None:
    assert parse_prefix(str(prefix)) == prefix


@given(prefixes(), addresses)
def test_a_network_is_what_all_its_addresses_share(prefix: Prefix, other: bytes) -> None:
    network = network_of(prefix)
    assert network_of(network) == network
    assert contains(prefix, prefix.address)
    assert contains(network, prefix.address)
    same = len(other) == len(prefix.address) and network_of(Prefix(other, prefix.length)) == network
    assert contains(prefix, other) is same


def test_prefixes_by_hand() -> None:
    assert network_of(parse_prefix("10.65.0.7/24")) == parse_prefix("10.65.0.0/24")
    assert network_of(parse_prefix("fd00:65::7/64")) == parse_prefix("fd00:65::/64")
    assert contains(parse_prefix("10.65.0.0/24"), parse_address("10.65.0.255"))
    assert not contains(parse_prefix("10.65.0.0/24"), parse_address("10.65.1.0"))
    assert not contains(parse_prefix("0.0.0.0/0"), parse_address("::1"))
    assert parse_prefix("default") == parse_prefix("0.0.0.0/0")
    assert parse_prefix("11.11.3.4") == Prefix(bytes((11, 11, 3, 4)), 32)
    assert parse_prefix("fd00::1").length == 128
    assert (parse_prefix("::/0").is_default, parse_prefix("0.0.0.0/1").is_default) == (True, False)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("10.0.0.0/33", "0 to 32"),
        ("fd00::/129", "0 to 128"),
        ("10.0.0.0/", "0 to 32"),
        ("10.0.0.0/-1", "0 to 32"),
        ("10.0.0.0/0008", "0 to 32"),
        ("10.0.0.0/\u0661", "0 to 32"),
        ("ten/8", "not an IP address"),
    ],
)
def test_what_is_no_prefix(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_prefix(text)


@pytest.mark.parametrize(
    ("text", "link_local"),
    [("fe80::1", True), ("febf:ffff::1", True), ("fec0::1", False), ("fd00::1", False), ("169.254.1.1", False)],
)
def test_link_local(text: str, link_local: bool) -> None:
    assert is_link_local(parse_address(text)) is link_local


def test_no_address_is_not_link_local() -> None:
    assert not is_link_local(None)


def test_macs() -> None:
    assert mac_text(bytes.fromhex("fa163e000001")) == "fa:16:3e:00:00:01"
    assert mac_text(b"") == "none"


def test_the_family_of_a_route_is_that_of_its_destination() -> None:
    assert Route(parse_prefix("10.0.0.0/8"), parse_address("fe80::1"), 2).family == 4
    assert Route(parse_prefix("::/0"), None, 2).family == 6
