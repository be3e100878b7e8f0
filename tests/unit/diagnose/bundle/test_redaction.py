"""A report without addresses: what stays, what goes, and that it still tells the same story."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guest_routes.diagnose.bundle.redaction import Redaction
from guest_routes.model.network import address_text, parse_address
from tests.support.examples import examples

KEY = bytes(range(32))
four, six = st.binary(min_size=4, max_size=4), st.binary(min_size=16, max_size=16)


def common(first: bytes, second: bytes) -> int:
    """How many bits two addresses have in common."""
    size = len(first) * 8
    return size - (int.from_bytes(first, "big") ^ int.from_bytes(second, "big")).bit_length()


@given(st.one_of(st.tuples(four, four), st.tuples(six, six)))
def test_a_common_prefix_stays_one(pair: tuple[bytes, bytes]) -> None:
    redaction = Redaction(KEY)
    first, second = map(redaction.address, pair)
    assert common(first, second) == common(*pair)


STAYS = (
    "netmask 255.255.240.0", "http://169.254.169.254", "default via 0.0.0.0", "127.0.0.1", "fe80::1 dev eth0",
    "ff02::1", "::/0", "version 1.2.3", "1.2.3.4.5", "at 12:34:56", "std::vector", "2026-11-25T19:00:00", "a::b::c",
    "11.8.0.300",
)  # fmt: skip


@pytest.mark.parametrize("text", STAYS)
def test_what_tells_nothing_of_the_site_stays(text: str) -> None:
    assert Redaction(KEY).text(text) == text


def test_what_does_goes_the_same_by_the_same() -> None:
    text = (
        "11.11.0.0/16 via 11.8.0.1 dev eth1\n11.8.0.9/24 fd00:8::9/64 fa:16:3e:aB:00:01\n"
        "uuid 2f1c9a1e-6f1b-4a53-9c35-aaaaaaaaaaaa on web1.example\n[fd00:8::9]:80 11.8.0.1:80\n"
    )
    redaction = Redaction(KEY, "web1")
    shown = redaction.text(text)
    for gone in ("11.8.0", "11.11", "fd00:8", "aB:00:01", "2f1c9a1e", "web1"):
        assert gone not in shown
    gateway = address_text(redaction.address(parse_address("11.8.0.1")))
    assert shown.count(gateway) == 2
    assert shown.count(address_text(redaction.address(parse_address("fd00:8::9")))) == 2
    assert "fa:16:3e:" in shown
    assert "/16 via" in shown
    assert Redaction(bytes(32), "web1").text(text) != shown
    assert redaction.text(text) == shown


MAC = "fa:16:3e:aa:bb:cc"
FORMS = (
    MAC, MAC.upper(), "FA-16-3E-AA-BB-CC", "fa16.3eaa.bbcc", "fa163eaabbcc", "0xfa163eaabbcc", f"1:{MAC}", f"01:{MAC}",
    "01fa163eaabbcc",
    f"00:01:00:01:2b:3c:4d:5e:{MAC}", "80:00:02:08:fe:80:00:00:00:00:00:00:fa:16:3e:ff:fe:aa:bb:cc",
    "ff3eaabbcc00020000ab11fa163eaabbcc", "fe80::f816:3eff:feaa:bbcc", "2a01:4f8:1:2:f816:3eff:feaa:bbcc/64",
    "ff02::1:ffaa:bbcc", "fe80::f816:3eff:feaa:bbcc%eth0", f"x-{MAC}", f"nic_{MAC}",
    "nic-fa-16-3e-aa-bb-cc", "fa-16-3e-aa-bb-cc-1x", "host-2001-db8-1-2-f816-3eff-feaa-bbcc",
    "host-fd00--f816-3eff-feaa-bbcc.openstacklocal",
)  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_no_form_of_a_mac_stays(form: str) -> None:
    """As ip, dhclient, dhcpcd, networkd, NetworkManager, InfiniBand and IPv6 (EUI-64, solicited nodes) write it."""
    shown = Redaction(KEY).text(f"a {form} b").lower()
    digits = "".join(letter for letter in shown if letter in "0123456789abcdef")
    assert "aabbcc" not in digits, shown
    assert shown.startswith("a ") and shown.endswith(" b")


def test_the_same_mac_is_the_same_in_its_forms() -> None:
    shown = Redaction(KEY).text(f"{MAC} FA-16-3E-AA-BB-CC fa163eaabbcc 1:{MAC} 01fa163eaabbcc").split()
    new = shown[0].replace(":", "")
    assert new.startswith("fa163e") and new != "fa163eaabbcc"
    assert [one.replace("-", "").replace(":", "") for one in shown[1:]] == [new, new, f"1{new}", f"01{new}"]


def test_a_link_local_address_is_made_of_the_mac_in_its_place() -> None:
    mac, address = Redaction(KEY).text(f"{MAC} fe80::f816:3eff:feaa:bbcc").split()
    octets = parse_address(address)
    assert octets[:8] == parse_address("fe80::")[:8]
    assert bytes((octets[8] ^ 2, *octets[9:11], *octets[13:])).hex(":") == mac


@pytest.mark.parametrize("text", [
    "ff:ff:ff:ff:ff:ff", "00:00:00:00:00:00", "fe80::1", "ff02::1:ff00:1", "at 1764148297123456 us",
    "2026-11-26 09:10:11",
    "metric 4294967295", "0000:00:1f.6", "crc32 3323070217",
])  # fmt: skip
def test_numbers_and_what_every_machine_has_stay(text: str) -> None:
    assert Redaction(KEY).text(text) == text


@pytest.mark.parametrize("text", [
    "fe80::1c2d:3e4f:5a6b:7c8d", "::ffff:198.18.7.9", "x198.18.7.9", "nic_198.18.7.9", "198.018.007.009", "v198.18.7.9",
    "198.18.7.9-x", "WEB1", "HOSTNAME=web1", "web1", "11111111-2222-3333-4444-555555555555",
    "11111111222233334444555555555555",
])  # fmt: skip
def test_no_other_form_of_an_address_or_name_stays(text: str) -> None:
    shown = Redaction(KEY, "web1").text(text).lower()
    for gone in ("1c2d", "198.18.7.9", "007.009", "web1", "2222", "5555"):
        assert gone not in shown


def test_uuids_are_the_same_with_dashes_and_without() -> None:
    one, other = Redaction(KEY).text("11111111-2222-3333-4444-555555555555 11111111222233334444555555555555").split()
    assert one == other


def test_option_121_tells_the_same_story() -> None:
    redaction = Redaction(KEY)
    shown = redaction.text("option rfc3442-classless-static-routes 16,11,11,11,8,0,1,0,11,8,0,1;")
    gateway = address_text(redaction.address(parse_address("11.8.0.1"))).replace(".", ",")
    assert shown.startswith("option rfc3442-classless-static-routes 16,") and shown.endswith(f",0,{gateway};")
    assert shown.count(gateway) == 2 and "11,11,11,8" not in shown
    assert redaction.text("classless-static-routes=99,1,2,3,4,5") == "classless-static-routes=(hidden)"


@pytest.mark.parametrize("text, address, sign", [
    ("HOSTNAME=host-11-8-0-9", "11.8.0.9", "."), ('"host-11-8-0-9.openstacklocal";', "11.8.0.9", "."),
    ("ip-11-8-0-9-2", "11.8.0.9", "."), ("x11-8-0-9", "11.8.0.9", "."),
    ("host-fd00-8--9", "fd00:8::9", ":"), ("host-fd00-8--", "fd00:8::", ":"), ("HOST-FD00-8--9", "fd00:8::9", ":"),
    ("host-2a01-4f8-1-2-3-4-5-6.a", "2a01:4f8:1:2:3:4:5:6", ":"), ("host-1-2-3-4-5-6-7-8", "1:2:3:4:5:6:7:8", ":"),
])  # fmt: skip
def test_an_address_in_a_host_name_is_the_one_outside(text: str, address: str, sign: str) -> None:
    redaction = Redaction(KEY)
    other = address_text(redaction.address(parse_address(address)))
    shown = redaction.text(text)
    assert other.replace(sign, "-") in shown and address.replace(sign, "-") not in shown.lower()
    assert redaction.text(address) == other


@pytest.mark.parametrize("text", [
    "host-169-254-169-254", "2026-11-26-10-11-12", "host-127-0-0-1", "1-2-3", "ip route --no-pager",
    "a host-11-8-0-900", "20261126-10-11-12-13",
])  # fmt: skip
def test_other_numbers_with_dashes_stay(text: str) -> None:
    assert Redaction(KEY).text(text) == text


def test_groups_that_are_more_than_an_address_are_hidden() -> None:
    assert Redaction(KEY).text("db-2001-db8-1-2-3-4-5-abcd") == "(hidden)"


def test_an_option_121_longer_than_any_packet_is_hidden() -> None:
    """What the work grows with is bounded."""
    shown = Redaction(KEY).text("routes " + "0,1,1,1,1," * 10_000 + "0,1,1,1,1;")
    assert shown == "routes (hidden);"
    assert "hidden" not in Redaction(KEY).text("routes " + ",".join(["0,1,1,1,1"] * 800))


def test_what_is_binary_can_not_be_read_for_addresses() -> None:
    assert Redaction(KEY).text("\x02\x01\0\x0b\x08") == "(binary: which bytes of it are addresses is unknown)\n"


@pytest.mark.parametrize("unit", [
    "a", "12:", "1-", "1.", "f", ":", "aaaa.", "routes 1,2,",
    "0,1,1,1,1,", "a-", "a--", "-a--", "aaaa-", ":a", "::", "0x", "1,",
])  # fmt: skip
def test_the_time_is_linear(unit: str) -> None:
    started = time.process_time()
    Redaction(KEY).text("routes " + unit * examples(1 << 15))
    assert time.process_time() - started < 1
