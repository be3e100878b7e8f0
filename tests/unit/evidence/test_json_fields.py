"""Single values of a network_data.json, and how a wrong one is quoted."""

from __future__ import annotations

from typing import Any, Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guest_routes.evidence.json_fields import (
    SUSPECT,
    Fault,
    kind_of,
    legible,
    mac_of,
    metric_of,
    next_hop_of,
    object_of,
    refuse_ends,
    refuse_special,
    show,
    text_of,
)
from guest_routes.model.network import Prefix, address_text, parse_address, parse_prefix
from guest_routes.model.network_data import special_kind


@pytest.mark.parametrize("text", ["11.8.0.1", "fd00::1", "fe80::1"])
def test_a_gateway(text: str) -> None:
    assert next_hop_of(text) == parse_address(text)


@pytest.mark.parametrize("value, text", [
    ("11.8.0", "must be an IP address, not '11.8.0'"), (7, "must be an IP address, not 7"),
    (None, "must be an IP address, not null"), (["11.8.0.1"], "must be an IP address, not a list"),
    ("fe80::1%eth0", "must be an IP address, not 'fe80::1%eth0'"),
    ("0.0.0.0", "0.0.0.0 can't be a gateway"), ("127.0.0.1", "127.0.0.1 can't be a gateway"),
    ("ff02::1", "ff02::1 can't be a gateway"),
])  # fmt: skip
def test_what_is_no_gateway(value: object, text: str) -> None:
    with pytest.raises(Fault) as caught:
        next_hop_of(value)
    assert (caught.value.field, caught.value.text) == (".gateway", text)


@pytest.mark.parametrize("text", ["fa:16:3e:00:00:01", "FA-16-3E-00-00-01", "fa163e000001"])
def test_a_mac(text: str) -> None:
    assert mac_of(text, ".mac") == bytes.fromhex("fa163e000001")


def test_an_infiniband_address() -> None:
    assert mac_of(":".join(["0a"] * 20), ".mac") == b"\x0a" * 20


@pytest.mark.parametrize("value", [None, 7, "", "fa:16:3e:00:00", "fa:16:3e:00:00:0g", "fa:16:3e:00:00:01:02"])
def test_what_is_no_mac(value: object) -> None:
    with pytest.raises(Fault, match="must be a MAC address such as fa:16:3e:00:00:01, not ") as caught:
        mac_of(value, ".ethernet_mac_address")
    assert caught.value.field == ".ethernet_mac_address"


@pytest.mark.parametrize("value, metric", [(0, 0), (100, 100), ("100", 100), ("4294967295", 4294967295)])
def test_a_metric(value: object, metric: int) -> None:
    assert metric_of(value) == metric


@pytest.mark.parametrize("value", [-1, 1 << 32, True, 1.5, "", "low", "-1", "٣", "0" * 11, [1]])
def test_what_is_no_metric(value: object) -> None:
    with pytest.raises(Fault, match=r"^must be a number from 0 to 4294967295, not .*; ignored$") as caught:
        metric_of(value)
    assert caught.value.field == ".metric"


@given(st.binary(min_size=4, max_size=4) | st.binary(min_size=16, max_size=16), st.integers(1, 32))
def test_every_special_destination_begins_with_a_suspect_byte(address: bytes, length: int) -> None:
    """The parser asks refuse_special only about those."""
    destination = Prefix(address, length)
    if special_kind(destination) and special_kind(destination) != "link-local":
        assert address[0] in SUSPECT


def test_special_destinations_are_refused() -> None:
    refuse_special(parse_prefix("11.11.0.0/16"))
    with pytest.raises(Fault, match=r"refused: 224\.0\.0\.0/4 is multicast, no destination for a host route"):
        refuse_special(parse_prefix("224.0.0.0/4"))


def test_objects_and_text() -> None:
    assert (object_of({"a": 1}), text_of("a"), text_of(7), text_of(None)) == ({"a": 1}, "a", "", "")
    with pytest.raises(Fault, match="must be an object, not a list"):
        object_of([])


@pytest.mark.parametrize("value, kind, shown", [
    (None, "null", "null"), ([1], "a list", "a list"), ({"a": 1}, "an object", "an object"),
    (True, "true or false", "true"), (7, "a number", "7"), (10**100, "a number", "a huge number"),
    (0.5, "a number", "0.5"), ("x", "text", "'x'"),
    ("\n\x1b[31m", "text", "'\\n\\x1b[31m'"), ("ü", "text", "'\\xfc'"),
])  # fmt: skip
def test_how_values_are_shown(value: Any, kind: str, shown: str) -> None:
    assert (kind_of(value), show(value)) == (kind, shown)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists))
def test_any_value_is_shown_on_one_short_line(value: Any) -> None:
    text = show(value)
    assert 0 < len(text) <= 60 and text.isascii() and text.isprintable()


@pytest.mark.parametrize("gateway, subnet, what", [
    ("10.65.0.0", "10.65.0.7/24", "network"), ("10.65.0.255", "10.65.0.7/24", "broadcast"),
    ("10.65.0.4", "10.65.0.5/30", "network"), ("10.64.0.0", "10.65.0.7/11", "network"),
])  # fmt: skip
def test_what_no_router_has(gateway: str, subnet: str, what: str) -> None:
    with pytest.raises(Fault, match=f"^refused: {gateway} is the {what} address of 10.*, not a gateway$") as caught:
        refuse_ends(parse_address(gateway), parse_prefix(subnet))
    assert caught.value.field == ".gateway"


@pytest.mark.parametrize("gateway, subnet", [
    ("10.65.0.1", "10.65.0.7/24"), ("10.66.0.0", "10.65.0.7/24"), ("10.65.0.6", "10.65.0.7/31"),
    ("10.65.0.7", "10.65.0.7/32"), ("10.65.1.0", "10.65.0.7/16"), ("fd00::", "fd00::7/64"), ("fd00::", "10.65.0.7/24"),
    ("10.65.0.0", None),
])  # fmt: skip
def test_what_one_can_have(gateway: str, subnet: str) -> None:
    refuse_ends(parse_address(gateway), parse_prefix(subnet) if subnet else None)


@pytest.mark.parametrize(
    ("route", "destination", "next_hop"),
    [
        ({"network": "11.11.0.0", "netmask": "255.255.0.0", "gateway": "x"}, "11.11.0.0/16", None),
        ({"network": "11.11.2.3/16", "gateway": "11.8.0.1"}, "11.11.0.0/16", "11.8.0.1"),
        ({"network": "11.11.0.0", "netmask": 99, "gateway": "11.8.0.1"}, None, "11.8.0.1"),
        ({"network": "11.11.0.0", "netmask": 0, "gateway": "127.0.0.1"}, None, None),
        ({"network": "0.0.0.0", "netmask": 0, "gateway": 7}, "0.0.0.0/0", None),
        ({"network": 7, "gateway": "fd00::1"}, None, "fd00::1"),
        ({}, None, None),
        ("11.11.0.0/16", None, None),
        (None, None, None),
    ],
)
def test_what_can_be_read_of_a_route(route: object, destination: Optional[str], next_hop: Optional[str]) -> None:
    found, gateway = legible(route)
    assert (found and str(found), gateway and address_text(gateway)) == (destination, next_hop)
