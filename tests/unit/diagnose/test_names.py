"""What `explain` is asked about: addresses and prefixes as they are, host names by their first address."""

from __future__ import annotations

from pathlib import Path
from typing import Iterator

import pytest

from guest_routes.diagnose.names import Target, target
from guest_routes.errors import SettingsError
from guest_routes.model.network import parse_address, parse_prefix

V4, V6 = parse_address("11.8.0.9"), parse_address("2001:db8::1")


@pytest.fixture(autouse=True)
def hosts() -> Iterator[None]:
    """Names in this namespace's own /etc/hosts."""
    path = Path("/etc/hosts")
    before = path.read_text()
    path.write_text(before + "\n11.11.3.4 mirror.internal\n2001:db8::9 six\n11.11.3.5 2x\n203.0.113.9 two\n::9 two\n")
    yield
    path.write_text(before)


@pytest.mark.parametrize("text", ["11.11.3.4", "11.11.0.0/16", "2001:db8::/32", "default"])
def test_addresses_and_prefixes_are_not_looked_up(text: str) -> None:
    assert target(text, None) == Target(parse_prefix(text))


@pytest.mark.parametrize(
    "name, source, address",
    [("mirror.internal", None, "11.11.3.4"), ("mirror.internal", V4, "11.11.3.4"), ("six", None, "2001:db8::9"),
     ("six", V6, "2001:db8::9"), ("2x", None, "11.11.3.5"), ("two", V4, "203.0.113.9"), ("two", V6, "::9")],
)  # fmt: skip
def test_a_name_is_its_first_address_of_the_source_s_family(name: str, source: bytes | None, address: str) -> None:
    assert target(name, source) == Target(parse_prefix(address), name)


@pytest.mark.parametrize(
    "text", ["", "11.11.3", "11.11.0.0/33", "a/16", "a b", "fe80::1%eth0", "x" * 254, "1.2.3.4.5", "ü"]
)
def test_what_can_be_no_name_is_told_at_once(text: str) -> None:
    with pytest.raises(SettingsError, match="or a host name"):
        target(text, None)


@pytest.mark.parametrize("name, source", [("no-such-host.invalid", None), ("six", V4), ("a..b", None)])
def test_a_name_without_address_is_told(name: str, source: bytes | None) -> None:
    with pytest.raises(SettingsError, match="its address is not found: "):
        target(name, source)


def test_a_mapped_address_is_ipv4s() -> None:
    assert target("::ffff:11.11.3.4", None) == Target(parse_prefix("11.11.3.4"), "::ffff:11.11.3.4")
    assert target("::ffff:0:0/96", None) == Target(parse_prefix("::ffff:0:0/96"))
