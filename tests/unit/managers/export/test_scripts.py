"""Hooks for ifupdown, and a script of `ip` commands; a shell reads them, and nothing in them runs."""

from __future__ import annotations

import subprocess

import pytest

from guest_routes.managers.export.scripts import DHCLIENT_HOOK, HOOK, ifupdown, script
from guest_routes.model.configuration import Export, ExportNote
from tests.support.nics import DHCP_ETH0, DHCP_ETH1, SLAAC_ETH1, STATIC_ETH0, STATIC_ETH1, nic_routes


def commands(path: str, text: str, *environment: str, nic: str = "eth1", mac: str = "fa:16:3e:00:00:02") -> list[str]:
    """What a script would run: `ip`, `cat` and `echo` print their words instead."""
    stubs = f"""
ip() {{
    case "$*" in
    *" route del "*) return 1 ;;
    "-o link") echo "3: {nic}: <UP> link/ether {mac} brd" ;;
    *) echo "ip $*" ;;
    esac
}}
cat() {{ echo {mac}; }}
"""
    plain = text.replace('echo 0 >"/proc/sys/net/ipv6/conf/"', 'command echo write "/proc/sys/net/ipv6/conf/"')
    ran = subprocess.run(["sh", "-c", stubs + plain], env={"PATH": "/usr/bin:/bin", "IFACE": nic, "interface": nic},
                         capture_output=True, text=True)  # fmt: skip
    assert ran.stderr == "" or "no NIC" in ran.stderr, (path, ran.stderr)
    return ran.stdout.splitlines() + ran.stderr.splitlines()


@pytest.mark.parametrize("nics", [[STATIC_ETH0, STATIC_ETH1], [DHCP_ETH0, DHCP_ETH1], [SLAAC_ETH1, nic_routes()]])
def test_a_shell_understands_them(nics: list[object]) -> None:
    for file in (*ifupdown(nics, {}).files, *script(nics, {}).files):  # type: ignore[arg-type]
        ran = subprocess.run(["sh", "-n"], input=file.text, text=True, capture_output=True)
        assert (ran.returncode, ran.stderr) == (0, ""), file.path


def test_the_hook_programs_the_routes_of_the_nic_that_came_up() -> None:
    made = ifupdown([STATIC_ETH0, STATIC_ETH1], {})
    (only,) = made.files
    assert (only.path, only.mode) == (HOOK, 0o755)
    assert commands(only.path, only.text) == [
        "ip -4 route prepend 11.11.0.0/16 via 11.8.0.1 dev eth1 proto static",
        "ip -6 route add fd00:11:11::/48 via fd00:8::1 dev eth1 proto static metric 1023 onlink",
        "write /proc/sys/net/ipv6/conf/eth1/accept_ra_defrtr",
    ]
    assert 'while ip -4 route del default dev "$IFACE" 2>/dev/null; do :; done' in only.text
    assert commands(only.path, only.text, nic="eth0", mac="fa:16:3e:00:00:01") == [
        "ip -4 route append 0.0.0.0/0 via 10.65.0.1 dev eth0 proto static",
        "ip -6 route add ::/0 via fd00:65::1 dev eth0 proto static metric 1023",
    ]
    assert commands(only.path, only.text, nic="eth7", mac="fa:16:3e:00:00:07") == []
    assert commands(only.path, only.text, nic="lo") == []
    assert made.notes == (ExportNote("apply", ("eth0", "eth1"), format_name="ifupdown"),)


def test_dhclient_is_told_no_routers() -> None:
    _, hook = ifupdown([DHCP_ETH0, DHCP_ETH1, nic_routes(STATIC_ETH0.nic._replace(mac=b"\x02" * 6))], {}).files
    assert (hook.path, hook.mode) == (DHCLIENT_HOOK, 0o644)
    assert "\nfa:16:3e:00:00:01|fa:16:3e:00:00:02)\n" in hook.text
    assert "    unset new_routers new_static_routes new_rfc3442_classless_static_routes ;;\n" in hook.text


def test_the_script_finds_the_nics_by_mac() -> None:
    made = script([STATIC_ETH0, DHCP_ETH1], {})
    (only,) = made.files
    assert (only.path, only.mode) == ("/usr/local/sbin/guest-routes-exported", 0o755)
    assert made.notes == (ExportNote("apply", ("eth0", "eth1"), format_name="ip", path=only.path),)
    assert commands(only.path, only.text, nic="ens4") == [
        "ip -4 route prepend 11.11.0.0/16 via 11.8.0.1 dev ens4 proto static",
        "no NIC has the MAC address fa:16:3e:00:00:01",
    ]


def test_a_nic_without_routes_does_nothing() -> None:
    assert "then\n    :\nelse" in script([nic_routes()], {}).files[0].text


def test_nothing_makes_nothing() -> None:
    assert ifupdown([], {}) == script([], {}) == Export(())


def test_ipv6_has_the_settings_metric_else_1023() -> None:
    chosen = STATIC_ETH1._replace(routes=tuple(route._replace(metric=7) for route in STATIC_ETH1.routes))
    assert "add -6 add 'metric 7 onlink' fd00" in script([chosen], {}).files[0].text
    assert "add -6 add 'metric 1023 onlink' fd00" in script([STATIC_ETH1], {}).files[0].text
