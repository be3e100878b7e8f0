"""A report without secrets and addresses: what stays, what goes, and that it still tells the same story."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guest_routes.diagnose.redaction import Redaction, without_secrets
from guest_routes.model.network import address_text, parse_address

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


@pytest.mark.parametrize("text, hidden", [
    ("psk=abc", "psk=(hidden)"),
    ("  password: hunter2\nnext: 1", "  password: (hidden)\nnext: 1"),
    ('"admin_pass-token": "x",', '"admin_pass-token": (hidden),'),
    ("PrivateKey=abc=", "PrivateKey=(hidden)"),
    ("http://user:word@proxy/", "http://user:(hidden)@proxy/"),
    ("metric: 5", "metric: 5"),
])  # fmt: skip
def test_secrets(text: str, hidden: str) -> None:
    assert without_secrets(text) == hidden


SECRETS = (
    "preshared-key=hunter2", "PresharedKey=hunter2", "pin=hunter2", "Key=hunter2", "mka-cak=hunter2", "KEY1=hunter2",
    "keys: {private: hunter2, shared: hunter2}", "  private: hunter2", "auth: {key-management: psk, password: hunter2}",
    'access-points: {"home": {password: "hunter2", hidden: true}}', '{"a": 1, "token": "hunter2"}',
    "  - password: hunter2",
    "password: |-\n  hunter2\n  hunter2\n", "password:\n  'hunter2'\nnext: 1", "Xauth password=hunter2",
    "secret = hunter2",
    "    wpa-psk hunter2", "\twireless-key s:hunter2", "up wg set wg0 private-key /x preshared-key hunter2",
    'password: "a\\" hunter2"', "psk='hunter2", "-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----",
)  # fmt: skip
"""As netplan, systemd-networkd, NetworkManager, ifupdown and our own JSON would have them."""


@pytest.mark.parametrize("text", SECRETS)
def test_no_form_of_a_secret_stays(text: str) -> None:
    assert "hunter2" not in without_secrets(f"first: 1\n{text}\nlast: 1")
    assert without_secrets(f"first: 1\n{text}\nlast: 1").endswith("\nlast: 1")


@pytest.mark.parametrize("text", [
    "PrivateTmp=yes", "KeyringMode=private", "method=shared", "public-key=abc", "key-management=wpa-psk",
    "wpa-key-mgmt WPA-PSK", "    key-mgmt: 1", "the token of eth0", "ipv6-privacy: true", "a key for eth0",
])  # fmt: skip
def test_what_is_no_secret_stays(text: str) -> None:
    assert without_secrets(text) == text


@pytest.mark.parametrize("unit", ["psk", "\n", "psk: ", "psk:\n", 'psk:"', "://a:", "\t\n", "wpa-", " preshared-key"])
def test_the_time_is_linear(unit: str) -> None:
    """A log or lease file may be of any size up to the report's limit, and of anything."""
    started = time.process_time()
    without_secrets(unit * (1 << 18))
    assert time.process_time() - started < 5
