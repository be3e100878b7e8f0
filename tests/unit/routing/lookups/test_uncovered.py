"""Addresses that only a certain prefix decides about."""

from __future__ import annotations

from typing import List, Optional

import pytest

from guest_routes.model.network import Prefix, address_text, contains, parse_prefix
from guest_routes.routing.lookups.uncovered import Nesting, beyond


def prefixes(*texts: str) -> List[Prefix]:
    return [parse_prefix(text) for text in texts]


def text(address: Optional[bytes]) -> Optional[str]:
    return address_text(address) if address is not None else None


@pytest.mark.parametrize(
    ("family", "taken", "address"),
    [
        (4, [], "8.0.0.1"),
        (6, [], "2000::1"),
        (4, ["0.0.0.0/0", "::/0", "2000::/3"], "8.0.0.1"),  # The default itself, and the other family.
        (4, ["8.1.0.0/16", "9.0.0.0/8"], "10.0.0.1"),
        (4, ["0.0.0.0/1"], "128.0.0.1"),
        (4, ["0.0.0.0/1", "128.0.0.0/1"], None),
        (4, ["8.0.0.7/7"], "10.0.0.1"),  # Host bits, as a NIC's own address has them.
        (6, ["2000::/4", "3000::/5"], "3800::1"),
        (6, ["2000::/3"], None),
        (6, ["::/1", "8000::/1"], None),
    ],
)
def test_an_address_beyond_every_prefix(family: int, taken: List[str], address: Optional[str]) -> None:
    assert text(beyond(family, prefixes(*taken))) == address


EVERY_BYTE = [f"{first}.0.0.0/9" for first in range(1, 224)]


def test_a_gap_is_found_where_every_first_byte_is_used() -> None:
    assert text(beyond(4, prefixes(*EVERY_BYTE))) == "8.128.0.0"
    assert text(beyond(4, prefixes(*EVERY_BYTE, "8.128.0.0/9"))) == "9.128.0.0"
    assert text(beyond(4, prefixes(*EVERY_BYTE, "0.0.0.0/2", "64.0.0.0/3", "96.0.0.0/4", "112.0.0.0/5", "120.0.0.0/6",
                                   "124.0.0.0/7", "126.0.0.0/8"))) == "128.128.0.0"  # fmt: skip
    six = [f"{first:02x}00::/9" for first in range(0x20, 0x40)]
    assert text(beyond(6, prefixes(*six))) == "2080::"


def test_no_prefix_covers_it() -> None:
    taken = prefixes(*EVERY_BYTE, "8.128.0.0/10", "8.192.0.0/11")
    found = beyond(4, taken)
    assert found is not None and not any(contains(one, found) for one in taken)


@pytest.mark.parametrize(
    ("nested", "address"),
    [
        ([], "11.11.0.1"),
        (["11.11.0.0/24"], "11.11.128.0"),
        (["11.11.0.0/24", "11.11.128.0/32"], "11.11.255.255"),
        (["11.11.0.0/24", "11.11.128.0/24", "11.11.255.0/24"], "11.11.85.85"),
        (["11.11.0.0/17", "11.11.128.0/17"], None),
        (["11.0.0.0/8", "fd00:9000::/36"], "11.11.0.1"),  # Wider, and of the other family.
    ],
)
def test_an_address_in_a_prefix(nested: List[str], address: Optional[str]) -> None:
    wanted = parse_prefix("11.11.0.0/16")
    found = Nesting([wanted, *prefixes(*nested)], ()).address_in(wanted)
    assert text(found) == address


def test_an_own_subnet_inside_is_left_out() -> None:
    assert text(Nesting((), prefixes("11.8.0.9/24")).address_in(parse_prefix("11.8.0.0/16"))) == "11.8.128.0"


def test_few_addresses() -> None:
    nested = prefixes(*(f"12.0.0.{one}/32" for one in (1, 2, 3)))
    assert text(Nesting(nested, ()).address_in(parse_prefix("12.0.0.0/30"))) == "12.0.0.0"
    assert text(Nesting((), ()).address_in(parse_prefix("12.0.0.1/32"))) == "12.0.0.1"
