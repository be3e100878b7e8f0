"""Which default entries of a network can be, and in what order they count."""

from __future__ import annotations

import pytest

from guest_routes.evidence.default_entries import by_metric, refuse_ends
from guest_routes.evidence.json_fields import Fault
from guest_routes.model.network import parse_address, parse_prefix
from guest_routes.model.network_data import DefaultEntry

A, B = parse_address("10.65.0.1"), parse_address("10.65.0.2")


def test_by_their_metrics_then_in_their_order() -> None:
    first, second, third = DefaultEntry(A, "a", 0, 5), DefaultEntry(B, "b", 1, 0), DefaultEntry(A, "c", 2, 0)
    assert by_metric([first, second, third]) == (second, third)
    assert by_metric([third, second, first]) == (third, second)
    assert by_metric([]) == ()


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
