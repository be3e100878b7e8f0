"""A report without secrets, in every form in which they are written."""

from __future__ import annotations

import time

import pytest

from guest_routes.diagnose.bundle.secrets import without_secrets
from tests.support.examples import examples


@pytest.mark.parametrize("text, hidden", [
    ("psk=abc", "psk=(hidden)"),
    ("  password: hunter2\nnext: 1", "  password: (hidden)\nnext: 1"),
    ('"admin_pass-token": "x",', '"admin_pass-token": (hidden),'),
    ("PrivateKey=abc=", "PrivateKey=(hidden)"),
    ("http://user:word@proxy/", "http://user:(hidden)@proxy/"),
    ("metric: 5", "metric: 5"),
    ('"http://admin:hunter2hun...": must be', '"http://admin:(hidden)": must be'),
    ("http://admin:123456", "http://admin:(hidden)"), ("http://admin:12...", "http://admin:(hidden)"),
    ("a http://admin:hun'ter\"2 x@h b", "a http://admin:(hidden)@h b"),
    ("http://a:x and http://b:y z", "http://a:(hidden) and http://b:(hidden) z"),
])  # fmt: skip
def test_secrets(text: str, hidden: str) -> None:
    assert without_secrets(text) == hidden


SECRETS = (
    "preshared-key=hunter2", "PresharedKey=hunter2", "pin=hunter2", "Key=hunter2", "mka-cak=hunter2", "KEY1=hunter2",
    "keys: {private: hunter2, shared: hunter2}", "  private: hunter2", "auth: {key-management: psk, password: hunter2}",
    "cert-pass=hunter2", "proxy-server-pass=hunter2", "cookie=hunter2", "apikey: hunter2", "api_key: hunter2",
    "auth-key: hunter2", "credential: hunter2", 'psk: "x\n  hunter2"', "passwords: [x,\n  hunter2]",
    "password: !!str\n  hunter2",
    "password: |\n  x\n\n  hunter2", "  Authorization: Bearer hunter2",
    "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nhunter2\n-----END RSA PRIVATE KEY-----",
    "http://user:hun/hunter2@h", "https://u:p@hunter2@h", "http://hunter2@h/",
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


def test_a_key_without_its_end_hides_the_rest() -> None:
    assert without_secrets("a\n-----BEGIN PRIVATE KEY-----\nhunter2\n") == "a\n-----BEGIN PRIVATE KEY-----(hidden)"


@pytest.mark.parametrize("text", [
    "PrivateTmp=yes", "KeyringMode=private", "method=shared", "public-key=abc", "key-management=wpa-psk",
    "wpa-key-mgmt WPA-PSK", "    key-mgmt: 1", "the token of eth0", "ipv6-privacy: true", "a key for eth0",
    "http://169.254.169.254: no answer: HTTP 500", "at http://h:80.", "http://h:80/x, http://[fe80::1%eth0]:8080/",
    '{"url":"http://h:80","b":1}', "std::vector", "(http://h:80)", "http://h:", "file:///a:b", "`http://h:80`",
])  # fmt: skip
def test_what_is_no_secret_stays(text: str) -> None:
    assert without_secrets(text) == text


@pytest.mark.parametrize("unit", [
    "psk", "\n", "psk: ", "psk:\n", 'psk:"', "://a:", "\t\n", "wpa-", " preshared-key",
    "://a:b", "://a", "://a:@", "wpa-pass", "pass", "\\\n", "a=\\\n",
])  # fmt: skip
def test_the_time_is_linear(unit: str) -> None:
    """A log or lease file may be of any size up to the report's limit, and of anything."""
    started = time.process_time()
    without_secrets("wpa-" + unit * examples(1 << 16))
    assert time.process_time() - started < 1.25


# ---- by format ----------------------------------------------------------------------------------------

NETPLAN = """\
# password hunter2
network:
  version: 2
  ethernets: {eth0: {dhcp4: true, match: {macaddress: "fa:16:3e:00:00:01"}, auth: {identity: hunter2}}}
  wifis:
    w0: {access-points: {"home": {psk: "a
      hunter2", unheard-of: hunter2}}}
  x: {? password : hunter2, addresses: [10.0.0.1/24], words: [hunter2, &k hunter2], more: *k, ? [hunter2] : 1}
"""
KEYFILE = """\
[connection]
id=eth0
[ipv4]
method=manual
address1=10.65.0.7/24
[wireguard-peer.abc]
unheard-of=hunter2
# hunter2
hunter2
[vpn-secrets]
cert-pass=hunter2
"""
NETWORKD = """\
[Match]
Name=eth0
[Route]
Gateway=10.65.0.1
[WireGuard]
Unheard=hunter2
 hunter2
[MACsecReceiveAssociation]
Code=hunter2
"""
IFUPDOWN = """\
auto eth0
iface eth0 inet static
    address 10.65.0.7/24
    up ip route add 11.11.0.0/16 via 11.8.0.1 dev eth0
    wpa-unheard-of hunter2
    up wg set wg0 private-key <(echo hunter2)
    up curl -u user:hunter2 http://x \\
       hunter2
    up /sbin/ip route add 1.0.0.0/8 via 10.65.0.1; echo hunter2
    # wpa-psk hunter2
hunter2
    mtu 1500
"""


@pytest.mark.parametrize("name, text, stays", [
    ("/etc/netplan/50-cloud-init.yaml", NETPLAN, ("dhcp4: true", "macaddress: ", "10.0.0.1/24", "version: 2",
     "password")),
    ("/etc/NetworkManager/system-connections/a.nmconnection", KEYFILE,
     ("id=eth0", "address1=10.65.0.7/24", "[vpn-secrets]\ncert-pass=(hidden)", "unheard-of=(hidden)")),
    ("/etc/systemd/network/a.netdev", NETWORKD, ("Name=eth0", "Gateway=10.65.0.1", "Unheard=(hidden)")),
    ("/etc/network/interfaces", IFUPDOWN,
     ("address 10.65.0.7/24", "up ip route add 11.11.0.0/16 via 11.8.0.1 dev eth0", "wpa-unheard-of (hidden)",
      "mtu 1500")),
])  # fmt: skip
def test_of_a_known_format_what_is_unknown_is_hidden(name: str, text: str, stays: tuple[str, ...]) -> None:
    """In the managers' files, and in the copies that `correct` keeps of them."""
    for path in (name, f"files/var/lib/guest-routes/originals{name}"):
        shown = without_secrets(text, path)
        assert "hunter2" not in shown
        for one in stays:
            assert one in shown


@pytest.mark.parametrize("text", ["a: [", "a: &a [*b]", "[" * 600, "x: \0"])
def test_what_is_not_yaml_is_hidden_wholly(text: str) -> None:
    assert without_secrets(text, "/etc/netplan/a.yaml") == "(hidden): it is not YAML\n"


def test_an_empty_one() -> None:
    assert without_secrets("", "/etc/netplan/a.yaml") == ""


WIREGUARD = "AbcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ="


@pytest.mark.parametrize("text", [
    WIREGUARD, f"[WireGuard]\n{WIREGUARD}\n", f"[WireGuard]\nPrivateKey=\\\n{WIREGUARD}\n[Match]\nName=a\n",
    f"[Match]\n# x \\\n[WireGuard]\nPrivateKey={WIREGUARD}\n", f"[WireGuard]\nx=\\\n[Match]\nPrivateKey={WIREGUARD}\n",
    f"[WireGuard]\nx=\\\nAbcdef=\n{WIREGUARD[:30]}=\\\nQ=\n",
])  # fmt: skip
def test_a_key_alone_on_a_line_is_no_name_of_a_setting(text: str) -> None:
    shown = without_secrets(text, "/etc/systemd/network/a.netdev")
    assert WIREGUARD[:40] not in shown and "Abcdef=" not in shown and "\nQ=" not in shown
