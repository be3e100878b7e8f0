"""R8: the kernel's own lookup has the last word about defaults and host routes; what wins is named, and by what."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import List

import pytest

from tests.netns.test_kernel_routes import metadata, net
from tests.support.lab import MACS, Lab, document
from tests.support.passes import GATEWAYS, after_a_pass, documented, run, table, valid_json

PLAIN = f"--metadata {document('documented')}"
DUAL = f"--metadata {document('dual-stack')}"


@pytest.fixture(params=["rtnetlink", "pyroute2"])
def engine(request: pytest.FixtureRequest) -> str:
    """Both engines."""
    return f"--engine {request.param}"


def tun(lab: Lab) -> None:
    """A VPN's NIC."""
    lab.nic("tun0", MACS[2], "10.200.0.2/24", "fd00:200::2/64", gateways=("10.200.0.1/24", "fd00:200::1/64"))


def dual_stack(lab: Lab) -> None:
    """Both families, without defaults."""
    lab.nic("eth0", MACS[0], "10.65.0.7/24", "fd00:65::7/64", gateways=("10.65.0.1/24", "fd00:65::1/64"))
    lab.nic("eth1", MACS[1], "11.8.0.9/24", "fd00:8::9/64", gateways=("11.8.0.1/24", "fd00:8::1/64"))


def everywhere(lab: Lab, option: str, engine: str, what: str, *names: str) -> None:
    """sync, plan, status, doctor and their JSON name what wins, and say so by their exit codes."""
    for command, code in (("sync", 5), ("plan", 5), ("status", 5), ("doctor", 1)):
        option_of = "" if command == "status" else option
        ran = run(lab, f"{command} {option_of} {engine}")
        assert ran.code == code, (command, ran)
        assert what in ran.out, (command, ran.out)
        assert [name for name in names if name not in ran.out] == [], (command, ran.out)
    for command in ("sync", "plan", "status"):
        value = valid_json(command, lab.run(command, *option.split()[: 0 if command == "status" else 2], "--json"))
        assert all(name in json.dumps(value["unprogrammed"]) for name in names), value["unprogrammed"]


# ---- rules and other tables -------------------------------------------------------------------------


def test_a_plain_rule_to_a_table_with_a_wider_route(lab: Lab, engine: str) -> None:
    """K4, as strongSwan has it."""
    documented(lab)
    lab.ip("rule", "add", "priority", "220", "lookup", "220")
    lab.ip("route", "add", "11.0.0.0/8", "via", "10.65.0.1", "dev", "eth0", "table", "220")
    wins = "11.0.0.0/8 via 10.65.0.1 dev eth0 table 220"
    ahead = run(lab, f"plan {PLAIN} {engine}")  # The host route isn't there yet.
    assert ahead.code == 5 and wins in ahead.out and "rule 220" in ahead.out
    assert run(lab, f"sync {PLAIN} {engine}").code == 5
    everywhere(lab, PLAIN, engine, wins, "rule 220", "11.11.0.0/16")
    told = run(lab, f"explain 11.11.3.4 {PLAIN} {engine}")
    assert "NOT as wanted" in told.out
    assert wins in told.out and "rule 220" in told.out
    assert "as wanted" in run(lab, f"explain 8.8.8.8 {PLAIN} {engine}").out


def test_the_same_for_ipv6(lab: Lab, engine: str) -> None:
    dual_stack(lab)
    lab.ip("-6", "rule", "add", "priority", "220", "lookup", "220")
    lab.ip("-6", "route", "add", "fd00:11::/32", "via", "fd00:65::1", "dev", "eth0", "table", "220")
    run(lab, f"sync {DUAL} {engine}")
    everywhere(lab, DUAL, engine, "fd00:11::/32 via fd00:65::1 dev eth0 table 220", "rule 220", "fd00:11:11::/48")


def test_what_another_table_has_of_narrower_routes_is_its_own_affair(lab: Lab, engine: str) -> None:
    documented(lab)
    lab.ip("rule", "add", "priority", "220", "lookup", "220")
    for number in (*range(8, 127), *range(128, 224)):
        lab.ip("route", "add", f"{number}.0.0.0/9", "via", "10.65.0.1", "dev", "eth0", "table", "220")
    lab.ip("route", "add", "11.11.0.0/24", "via", "10.65.0.1", "dev", "eth0", "table", "220")
    lab.ip("route", "del", "11.0.0.0/9", "table", "220")
    ran = run(lab, f"sync {PLAIN} {engine}")
    assert (ran.code, run(lab, "status").code) == (0, 0), ran


def test_a_default_in_another_table(lab: Lab, engine: str) -> None:
    """As wg-quick sets it up: what isn't marked goes there, but for routes of the main table that are no default."""
    documented(lab)
    tun(lab)
    lab.ip("route", "add", "default", "dev", "tun0", "table", "51820")
    lab.ip("rule", "add", "not", "fwmark", "51820", "lookup", "51820", "priority", "32765")
    lab.ip("rule", "add", "lookup", "main", "suppress_prefixlength", "0", "priority", "32764")
    told = run(lab, f"plan {PLAIN} {engine}")
    assert "! 11.11.0.0/16" not in told.out and "1 not programmed" in told.out, "the host route isn't there yet"
    run(lab, f"sync {PLAIN} {engine}")
    everywhere(lab, PLAIN, engine, "default dev tun0 table 51820", "rule 32765", "IPv4 default")
    told = run(lab, f"explain 8.8.8.8 {PLAIN} {engine}")
    assert "default dev tun0 table 51820" in told.out and "rule 32765" in told.out
    assert "as wanted" in run(lab, f"explain 11.11.3.4 {PLAIN} {engine}").out


@pytest.mark.parametrize("which", ["", "to 8.0.0.0/7"])
def test_a_rule_that_jumps_over_mains(lab: Lab, engine: str, which: str) -> None:
    """What is looked up in place of main is named with its rule."""
    documented(lab)
    lab.ip("route", "add", "default", "via", "10.65.0.9", "dev", "eth0", "table", "220")
    lab.ip("rule", "add", "priority", "300", "lookup", "220")
    lab.ip("rule", "add", "priority", "200", "lookup", "main")
    lab.ip("rule", "add", "priority", "100", *which.split(), "goto", "300")
    assert run(lab, f"sync {PLAIN} {engine}").code == 5
    everywhere(lab, PLAIN, engine, "default via 10.65.0.9 dev eth0 table 220", "rule 300", "IPv4 default")
    assert "rule 300 (`ip rule`)" in run(lab, f"explain 8.8.8.8 {PLAIN} {engine}").out


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize(
    ("first", "named"),
    [
        ("to {other}", 300), ("iif eth1", 300), ("oif eth1", 300), ("fwmark 1", 300), ("uidrange 5-5", 300),
        ("ipproto tcp dport 443", 300), ("tos 0x10", 300), ("from {own}", 300), ("not from all to {asked}", 300),
        ("to {asked}", 100), ("iif lo", 100), ("fwmark 0/0xff", 100), ("uidrange 0-0", 100), ("not fwmark 1", 100),
        ("not from {own}", 100),
    ],
)  # fmt: skip
def test_the_rule_that_is_named_is_about_the_packet(
    lab: Lab, engine: str, family: int, first: str, named: int
) -> None:  # fmt: skip
    """Of two that lead to the table of the route that wins, the one that the kernel goes by."""
    dual_stack(lab)
    run(lab, f"sync {DUAL} {engine}")
    prefixes = {
        4: {"asked": "8.0.0.0/8", "other": "192.0.0.0/8", "own": "10.65.0.7"},
        6: {"asked": "2000::/3", "other": "fc00::/7", "own": "fd00:65::7"},
    }[family]
    gateway = {4: "10.65.0.9", 6: "fd00:65::9"}[family]
    asked = {4: "8.8.8.8", 6: "2001:4860::8"}[family]
    lab.ip(f"-{family}", "route", "add", "default", "via", gateway, "dev", "eth0", "table", "220")
    for rule in ("priority 300", f"priority 100 {first.format(**prefixes)}"):
        lab.ip(f"-{family}", "rule", "add", *rule.split(), "lookup", "220")
    for command in (f"plan {DUAL} {engine}", f"sync {DUAL} {engine}", f"explain {asked} {DUAL} {engine}"):
        out = run(lab, command).out
        what = "NOT as wanted:" if command.startswith("explain") else f"IPv{family} default programmed, but"
        found = re.search(what + r" default via (\S+) dev eth0 table 220 .*? wins by rule (\d+) ", out)
        assert found is not None and found.groups() == (gateway, str(named)), out


def test_explain_goes_by_the_rule_of_the_address_that_it_is_asked_about(lab: Lab, engine: str) -> None:
    documented(lab, "eth0")
    lab.ip(*"route add default via 10.65.0.9 dev eth0 table 220".split())
    for number, prefix in ((95, "192.0.0.0/8"), (96, "8.0.0.0/8")):
        lab.ip(*f"rule add priority {number} to {prefix} lookup 220".split())
    for asked, rule in (("192.0.2.1", "rule 95 (`ip rule`) for 192.0.0.0/8"), ("8.8.8.8", "rule 96 (`ip rule`) for 8")):
        out = run(lab, f"explain {asked} {PLAIN} {engine}").out
        assert f"wins by {rule}" in out and f"the kernel sends {asked} via 10.65.0.9 dev eth0" in out, out


@pytest.mark.parametrize("kind", ["unreachable", "blackhole", "prohibit"])
def test_a_rule_that_rejects(lab: Lab, engine: str, kind: str) -> None:
    documented(lab)
    run(lab, f"sync {PLAIN} {engine}")
    lab.ip("rule", "add", "priority", "300", "to", "11.11.0.0/16", kind)
    ran = run(lab, f"sync {PLAIN} {engine}")
    assert ran.code == 5
    assert "programmed, but rule 300 (`ip rule`) for 11.11.0.0/16 wins" in ran.out


def test_what_the_kernel_has_refused_is_not_called_programmed(lab: Lab, engine: str) -> None:
    """A rule that rejects everything rejects the gateways, too."""
    documented(lab)
    lab.ip("route", "delete", "default")
    lab.ip("rule", "add", "priority", "90", "unreachable")
    ran = run(lab, f"sync {PLAIN} {engine}")
    assert ran.code == 1 and "programmed" not in ran.out
    assert "cannot add default via 10.65.0.1 dev eth0 proto guest-routes: Nexthop has invalid gateway" in ran.err


def test_a_route_that_rejects_in_another_table(lab: Lab, engine: str) -> None:
    documented(lab)
    lab.ip("rule", "add", "priority", "220", "lookup", "220")
    lab.ip("route", "add", "unreachable", "default", "table", "220")
    run(lab, f"sync {PLAIN} {engine}")
    everywhere(lab, PLAIN, engine, "unreachable default", "rule 220", "IPv4 default", "table 220")


# ---- the same table ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "vpn", ["default via 10.200.0.1 dev tun0 proto static", "default dev tun0 scope link metric 7"]
)
def test_a_vpns_default_that_comes_first(lab: Lab, engine: str, vpn: str) -> None:
    documented(lab, "")
    tun(lab)
    lab.ip("route", "add", *vpn.split())
    lab.ip("route", "add", "default", "via", "10.65.0.1", "dev", "eth0", "proto", "static", "metric", "100")
    assert run(lab, f"sync {PLAIN} {engine}").code == 5
    everywhere(lab, PLAIN, engine, vpn.partition(" proto")[0].partition(" scope")[0], "tun0", "IPv4 default")
    told = run(lab, f"explain 8.8.8.8 {PLAIN} {engine}")
    assert "NOT as wanted" in told.out and "tun0" in told.out


def test_a_vpns_default_of_ipv6(lab: Lab, engine: str) -> None:
    dual_stack(lab)
    tun(lab)
    lab.ip("-6", "route", "add", "default", "via", "fd00:200::1", "dev", "tun0", "metric", "50")
    run(lab, f"sync {DUAL} {engine}")
    everywhere(lab, DUAL, engine, "default via fd00:200::1 dev tun0", "metric 50", "IPv6 default")


@pytest.mark.parametrize("family, halves", [(4, ["0.0.0.0/1", "128.0.0.0/1"]), (6, ["::/1", "8000::/1"])])
def test_a_vpn_in_two_halves(lab: Lab, engine: str, family: int, halves: List[str]) -> None:
    """As OpenVPN's def1: no address is left to the default."""
    dual_stack(lab)
    tun(lab)
    gateway = {4: "10.200.0.1", 6: "fd00:200::1"}[family]
    for half in halves:
        lab.ip(f"-{family}", "route", "add", half, "via", gateway, "dev", "tun0")
    run(lab, f"sync {DUAL} {engine}")
    everywhere(lab, DUAL, engine, f"{halves[0]} via {gateway} dev tun0", f"IPv{family} default")


def test_one_half_leaves_the_other_to_the_default(lab: Lab, engine: str) -> None:
    documented(lab)
    tun(lab)
    lab.ip("route", "add", "0.0.0.0/1", "via", "10.200.0.1", "dev", "tun0")
    assert run(lab, f"sync {PLAIN} {engine}").code == 0


def test_a_vpn_that_stands_behind_stays_behind(lab: Lab, engine: str) -> None:
    """D12: eth0's default is there, and behind the VPN's; eth1's stood before both."""
    documented(lab, "")
    tun(lab)
    for nic, gateway, metric in (
        ("eth1", "11.8.0.1", "50"),
        ("tun0", "10.200.0.1", "75"),
        ("eth0", "10.65.0.1", "100"),
    ):
        lab.ip("route", "add", "default", "via", gateway, "dev", nic, "metric", metric)
    ran = run(lab, f"sync {PLAIN} {engine}")
    assert ran.code == 0, ran
    assert "via 10.65.0.1 dev eth0" in lab.ip("route", "get", "8.8.8.8")
    assert "default via 10.200.0.1 dev tun0 metric 75" in table(lab)
    assert "nothing to do" in run(lab, f"sync {PLAIN} {engine}").out
    assert run(lab, "withdraw").code == 0
    assert "via 11.8.0.1 dev eth1" in lab.ip("route", "get", "8.8.8.8")


@pytest.mark.parametrize("vpn", ["via 10.200.0.1 dev tun0", "dev tun0 scope link"])
@pytest.mark.parametrize("extra", ["", "via 11.8.0.1 dev eth1"])
def test_a_vpn_at_the_worst_metric_wins_over_ours_behind_it(lab: Lab, engine: str, vpn: str, extra: str) -> None:
    """There is no metric behind 4294967295: ours goes behind it at the same."""
    documented(lab, "")
    tun(lab)
    for route in filter(None, (vpn, extra)):
        lab.ip(*f"route append default {route} metric 4294967295".split())
    before = table(lab)
    ran = run(lab, f"sync {PLAIN} {engine}")
    assert ran.code == 5 and "tun0 proto boot" in ran.out and " wins" in ran.out, ran
    assert " dev tun0 " in lab.ip("route", "get", "8.8.8.8")
    assert [" ".join(one.split()[-3:]) for one in table(lab) if "proto 121" in one and "default" in one] == [
        "121 metric 4294967295"
    ]
    ran = run(lab, f"plan --check {PLAIN} {engine}")
    assert ran.code == 5 and "nothing to change" in ran.out, ran
    assert run(lab, "withdraw").code == 0
    assert table(lab) == before


@pytest.mark.parametrize("vpns", ["", "route add default dev tun0 metric 5"])
@pytest.mark.parametrize(
    "there",
    [
        "nexthop via 11.8.0.1 dev eth1 weight 3 nexthop via 10.200.0.1 dev tun0",
        "nexthop via 10.200.0.1 dev tun0 nexthop via 11.8.0.1 dev eth1",
        "nhid 23",
    ],
)
def test_what_stays_of_a_multipath_default_at_the_worst_metric_stays_ahead(
    lab: Lab, engine: str, there: str, vpns: str
) -> None:
    """As at any other metric: ours comes behind a VPN's next hop, and a second pass moves nothing."""
    documented(lab, "")
    tun(lab)
    for one in (*(one.format("", "11.8.0.1", "10.200.0.1") for one in GROUP), vpns):
        if one:
            lab.ip(*one.split())
    lab.ip("route", "append", "default", "metric", "4294967295", *there.split())
    before = table(lab)
    assert run(lab, f"plan {PLAIN} {engine}").code == 5
    ran = run(lab, f"sync {PLAIN} {engine}")
    assert (ran.code, "dev tun0" in lab.ip("route", "get", "8.8.8.8")) == (5, True), ran
    done = table(lab)
    ran = run(lab, f"sync {PLAIN} {engine}")
    assert (ran.code, table(lab)) == (5, done), ran
    assert run(lab, "withdraw").code == 0
    assert table(lab) == before


@pytest.mark.parametrize("vpn", ["via fd00:200::1 dev tun0", "dev tun0"])
def test_nothing_stands_behind_an_ipv6_vpn_at_the_worst_metric(lab: Lab, engine: str, vpn: str) -> None:
    """IPv6 would make one route of two: ours is left out as long as the VPN's is there, by each pass the same."""
    dual_stack(lab)
    tun(lab)
    lab.ip(*f"-6 route add default {vpn} metric 4294967295".split())
    before = lab.ip("-6", "route", "show", "default")
    wins = f"shadowed by default {vpn} proto boot metric 4294967295"
    run(lab, f"sync {DUAL} {engine}")
    everywhere(lab, DUAL, engine, wins)
    assert lab.ip("-6", "route", "show", "default") == before
    told = run(lab, f"explain 2001:db8::1 {DUAL} {engine}")
    assert f"NOT as wanted: default {vpn} proto boot metric 4294967295 wins" in told.out, told
    assert "should leave by eth0, via fd00:65::1" in told.out
    lab.ip("-6", "route", "del", "default", "dev", "tun0")
    assert run(lab, f"sync {DUAL} {engine}").code == 0
    assert " dev eth0 " in lab.ip("-6", "route", "get", "2001:db8::1")
    lab.ip(*f"-6 route add default {vpn} metric 4294967295".split())
    assert run(lab, f"sync {DUAL} {engine}").code == 0  # It came behind.


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("mode", ["enforce", "demote"])
@pytest.mark.parametrize("metric", [1024, 100])
def test_an_ipv6_vpn_on_link_keeps_its_place(lab: Lab, engine: str, first: bool, mode: str, metric: int) -> None:
    """It is no next hop of another route of its metric: the first of them is used. One before it would come back
    behind it, and stays (R17)."""
    dual_stack(lab)
    tun(lab)
    routes = ["dev tun0", "via fd00:8::1 dev eth1"]
    for route in routes if first else reversed(routes):
        lab.ip(*f"-6 route append default {route} metric {metric}".split())
    before = lab.ip("-6", "route", "show", "default")
    ran = run(lab, f"sync {DUAL} {engine} --default-mode {mode}")
    assert ran.code == 5, ran
    assert ("it stays, since it would come back behind another one of its metric" in ran.out) == (not first), ran
    assert f" dev {'tun0' if first else 'eth0'} " in lab.ip("-6", "route", "get", "2001:db8::1")
    ran = run(lab, f"plan --check {DUAL} {engine} --default-mode {mode}")
    assert ran.code == 5, ran
    assert run(lab, f"withdraw {engine}").code == 0
    assert lab.ip("-6", "route", "show", "default") == before


def test_a_demoted_default_goes_where_no_other_stands(lab: Lab, engine: str) -> None:
    """IPv6 takes no second route of a metric; IPv4 would put it in front of the VPN's."""
    dual_stack(lab)
    tun(lab)
    vpns = ["default via 10.200.0.1 dev tun0 metric 1000", "default via fd00:200::1 dev tun0 metric 2023"]
    for line in (*vpns, "default via 11.8.0.1 dev eth1", "default via fd00:8::1 dev eth1 metric 100"):
        lab.ip("-6" if "fd00" in line else "-4", "route", "add", *line.split())
    assert run(lab, f"sync {DUAL} --default-mode demote {engine}").code == 0
    found = [line for family in (4, 6) for line in table(lab, family) if line.startswith("default")]
    assert [line.replace(" pref medium", "") for line in found] == [
        "default via 10.65.0.1 dev eth0 proto 121", vpns[0], "default via 11.8.0.1 dev eth1 proto 121 metric 1001",
        "default via fd00:65::1 dev eth0 proto 121 metric 1023", vpns[1],
        "default via fd00:8::1 dev eth1 proto 121 metric 2024",
    ]  # fmt: skip
    assert run(lab, f"sync {DUAL} --default-mode demote {engine}").out.startswith("nothing to do")


def test_observed_defaults_are_reported_as_such(lab: Lab, engine: str) -> None:
    documented(lab, "eth1 eth0")
    ran = run(lab, f"sync {PLAIN} {engine} --default-mode observe")
    assert ran.code == 0
    assert "one default too many; it stays, as `default_mode` says" in ran.out


def test_observed_defaults_of_an_earlier_pass_are_reported(lab: Lab, engine: str) -> None:
    """Ours by eth0 stay where the settings choose eth1 meanwhile; IPv6's has gone."""
    dual_stack(lab)
    assert run(lab, f"sync {DUAL} {engine}").code == 0
    lab.ip("-6", "route", "del", "default")
    for command in ("plan", "sync"):
        ran = run(lab, f"{command} {DUAL} {engine} --default-mode observe --default nic=eth1")
        assert "? default via 10.65.0.1 dev eth0 proto guest-routes one default too many; it stays, as" in ran.out, ran
        for family in (4, 6):
            assert f"? IPv{family} default the settings choose nic eth1: " in ran.out, ran
        assert (ran.code, ran.out.count("; not programmed: `default_mode` leaves the default routes as")) == (0, 2), ran


def test_of_an_elected_default_that_is_only_observed_all_say_the_same(lab: Lab, engine: str) -> None:
    """Neither is there, so none is programmed: IPv4's is a multipath route, IPv6 has none at all."""
    dual_stack(lab)
    lab.ip(*"route add default nexthop via 10.65.0.1 dev eth0 nexthop via 11.8.0.1 dev eth1".split())
    before = table(lab), table(lab, 6)
    words = f"{DUAL} {engine} --default-mode observe"
    run(lab, f"sync {words}")
    assert [line for line in table(lab) + table(lab, 6) if "default" in line] == [
        line for line in before[0] + before[1] if "default" in line
    ]
    reason = "; not programmed: `default_mode` leaves the default routes as they are"
    doctor = run(lab, f"doctor {words} --deadline-seconds 1").out
    for family, address in ((4, "8.8.8.8"), (6, "2001:db8::1")):
        ran = run(lab, f"explain {address} {words}")
        head = f"{address}: no host route, and the elected default is not programmed rule "
        assert ran.code == 1 and ran.out.startswith(head) and reason in ran.out, ran
        why = ran.out[len(head) :].partition(reason)[0]
        assert (
            f"default IPv{family} {GATEWAYS['eth0'] if family == 4 else 'fd00:65::1'} dev eth0: {why}{reason}" in doctor
        )
    assert (
        "from fd00:65::7 to 2001:db8::9 leave nowhere: Network is unreachable; `source_routing: true` sends" in doctor
    )


def test_a_plan_foresees_what_wins(lab: Lab, engine: str) -> None:
    """Before anything is written, too."""
    documented(lab, "")
    tun(lab)
    lab.ip("route", "add", "default", "via", "10.200.0.1", "dev", "tun0", "metric", "7")
    ran = run(lab, f"plan {PLAIN} {engine}")
    assert ran.code == 5 and "default via 10.200.0.1 dev tun0 metric 7 wins" in ran.out.replace("proto boot ", "")
    documented_only = [line for line in table(lab) if line.startswith("default")]
    assert len(documented_only) == 1


GROUP = ["nexthop add id 21 via {1} dev eth1", "nexthop add id 22 via {2} dev tun0", "nexthop add id 23 group 21/22"]
BEFORE_A_PASS = {
    "a VPN's next hop stays in front of one that is adopted": [
        "route add default metric 50 nexthop via 11.8.0.1 dev eth1 nexthop via 10.200.0.1 dev tun0",
        "route append default via 10.65.0.1 dev eth0 metric 100",
    ],
    "the same by a nexthop group": [
        *(one.format("", "11.8.0.1", "10.200.0.1") for one in GROUP),
        "route add default nhid 23 metric 50",
        "route append default via 10.65.0.1 dev eth0 metric 100",
    ],
    "the same of IPv6": [
        *(one.format("", "fd00:8::1", "fd00:200::1") for one in GROUP),
        "-6 route add default nhid 23 metric 50",
        "-6 route append default via fd00:65::1 dev eth0 metric 100",
    ],
    "ours goes before what rejects": ["route add prohibit default", "route append default via 11.8.0.1 dev eth1"],
    "ours wins over what can't be taken": ["route add default encap ip id 5 dst 11.8.0.1 via 11.8.0.1 dev eth1"],
    "a VPN's is a next hop of one that is adopted": [
        "-6 route append default via fd00:65::1 dev eth0 metric 9",
        "-6 route append default via fd00:200::1 dev tun0 metric 9",
    ],
    "a VPN's rules, one to main for marked packets, as tailscale's without an exit node": [
        *(f"-{family} rule add priority 5210 fwmark 0x80000/0xff0000 lookup main" for family in (4, 6)),
        *(f"-{family} rule add priority 5250 fwmark 0x80000/0xff0000 unreachable" for family in (4, 6)),
        *(f"-{family} rule add priority 5270 lookup 52" for family in (4, 6)),
        "route add 100.64.0.5 dev tun0 table 52",
        "-6 route add fd7a:115c::/48 dev tun0 table 52",
    ],
    "a rule to main that leaves out its default, and a VPN's two halves there": [
        "rule add priority 300 lookup main suppress_prefixlength 0",
        "route add 0.0.0.0/1 dev tun0",
        "route add 128.0.0.0/1 dev tun0",
    ],
    "a VPN's two halves": ["route add 0.0.0.0/1 dev tun0", "route add 128.0.0.0/1 dev tun0"],
    "two of equal next hops": ["route add default nexthop via 10.65.0.1 dev eth0 nexthop via 10.65.0.1 dev eth0"],
}


@pytest.mark.parametrize("there", BEFORE_A_PASS.values(), ids=BEFORE_A_PASS.keys())
def test_a_plan_says_what_the_pass_will_say(lab: Lab, there: List[str]) -> None:
    """Which default wins then, too: today's table is not the one that the pass leaves."""
    dual_stack(lab)
    tun(lab)
    for one in there:
        lab.ip(*one.split())
    planned, done, again = (
        json.loads(lab.run(command, *DUAL.split(), "--json").stdout) for command in ("plan", "sync", "plan")
    )
    said = [after_a_pass(one) for one in planned["unprogrammed"]]
    assert (said, planned["exit_code"]) == (done["unprogrammed"], done["exit_code"])
    assert (again["unprogrammed"], again["changes"]) == (done["unprogrammed"], [])


@pytest.mark.parametrize("how", ["fwmark 7", "suppress_prefixlength 0", "iif eth0"])
def test_a_rule_to_the_settings_table_is_not_what_wins(lab: Lab, engine: str, how: str) -> None:
    """It leads where the table's own rule does; the route that wins there is named."""
    documented(lab)
    tun(lab)
    lab.ip("rule", "add", "priority", "300", *how.split(), "lookup", "main")
    assert run(lab, f"plan {PLAIN} {engine}").code == 0
    assert run(lab, f"sync {PLAIN} {engine}").code == 0
    for half in ("0.0.0.0/1", "128.0.0.0/1"):
        lab.ip("route", "add", half, "dev", "tun0")
    everywhere(lab, PLAIN, engine, "0.0.0.0/1 dev tun0", "IPv4 default")
    assert "rule 300" not in run(lab, f"sync {PLAIN} {engine}").out


def test_a_rule_that_leaves_mains_default_out_is_not_what_wins(lab: Lab, engine: str) -> None:
    """The settings' table is looked up next: main's default decides only until it has one."""
    dual_stack(lab)
    tun(lab)
    for family, gateway in (("-4", "10.200.0.1"), ("-6", "fd00:200::1")):
        lab.ip(family, "rule", "add", "priority", "50", "lookup", "main", "suppress_prefixlength", "0")
        lab.ip(family, "rule", "add", "priority", "100", "lookup", "100")
        lab.ip(family, "route", "add", "default", "via", gateway, "dev", "tun0")
    words = f"{DUAL} {engine} --table 100"
    assert run(lab, f"plan {words}").code == 0
    assert run(lab, f"sync {words}").code == 0
    assert " table 100 " in lab.ip("route", "get", "8.8.8.8") + lab.ip("-6", "route", "get", "2001:db8::1")
    for family, half in (("-4", "11.0.0.0/8"), ("-6", "fd00::/16")):
        lab.ip(family, "route", "add", half, "dev", "tun0")
    for command in ("plan", "sync"):
        ran = run(lab, f"{command} {words}")
        assert (ran.code, ran.out.count("wins by rule 50 (`ip rule`)")) == (5, 2), ran


@pytest.mark.parametrize("last", range(2, 6))
def test_a_next_hop_of_the_same_route_takes_its_part(lab: Lab, last: int) -> None:
    """IPv6 chooses between next hops of one metric by the addresses of a packet: no lookup of one of them tells."""
    dual_stack(lab)
    tun(lab)
    lab.ip(*"-6 route append default via fd00:65::1 dev eth0 metric 9".split())
    lab.ip(*f"-6 route append default via fd00:200::{last + 1} dev tun0 metric 9".split())
    ran = run(lab, f"sync {DUAL}")
    what = f"default via fd00:200::{last + 1} dev tun0 proto boot metric 9 is a next hop of the same route, and gets a"
    assert (ran.code, what in ran.out) == (5, True), ran
    for asked in ("2001:db8::1", "2001:db8::2"):
        ran = run(lab, f"explain {asked} {DUAL}")
        assert (ran.code, f"NOT as wanted: {what}" in ran.out) == (1, True), ran


@pytest.mark.parametrize(
    "there",
    [
        ["-6 route add 2000::/3 via fd00:65::1 dev eth0 metric 1"],
        ["route add 0.0.0.0/1 via 10.65.0.1 dev eth0", "route add 128.0.0.0/1 via 10.65.0.1 dev eth0"],
    ],
)
def test_wider_routes_the_same_way_as_the_default_win_nothing(lab: Lab, engine: str, there: List[str]) -> None:
    dual_stack(lab)
    for command in there:
        lab.ip(*command.split())
    assert [run(lab, f"{command} {DUAL} {engine}").code for command in ("plan", "sync", "plan")] == [0, 0, 0]


@pytest.mark.parametrize("there", ["nexthop via 10.65.0.1 dev eth0 nexthop via 10.65.0.1 dev eth0", "nhid 22"])
def test_an_adopted_route_of_equal_next_hops_is_in_use(lab: Lab, there: str) -> None:
    """It has no NIC of its own to be compared with the kernel's answer."""
    dual_stack(lab)
    lab.ip(*"nexthop add id 21 via 10.65.0.1 dev eth0".split())
    lab.ip(*"nexthop add id 22 group 21".split())
    lab.ip("route", "add", "default", *there.split())
    ran = run(lab, f"sync {DUAL}")
    assert ran.code == 0, ran
    ran = run(lab, f"explain 8.8.8.8 {DUAL}")
    assert (ran.code, "8.8.8.8 should leave by eth0, via 10.65.0.1 host route" in ran.out) == (0, True), ran


def test_explain_takes_an_advertised_router_for_the_elected_nics(lab: Lab) -> None:
    dual_stack(lab)
    lab.ip(*"-6 route add default via fe80::a9fe:a9fe dev eth0 proto ra metric 100".split())
    lab.ip(*"-6 route append default via fd00:65::1 dev eth0 proto static metric 1024".split())
    assert run(lab, f"sync {DUAL}").code == 0
    ran = run(lab, f"explain 2001:db8::1 {DUAL}")
    assert (ran.code, "kernel now via fe80::a9fe:a9fe dev eth0 (as wanted)" in ran.out) == (0, True), ran


def test_explain_promises_nothing_that_a_pass_does_not_do(lab: Lab) -> None:
    """The VPN's default wins before the pass and after it."""
    dual_stack(lab)
    tun(lab)
    lab.ip(*"route add default via 10.200.0.1 dev tun0 metric 5".split())
    ran = run(lab, f"explain 8.8.8.8 {DUAL}")
    wins = "(NOT as wanted: default via 10.200.0.1 dev tun0 proto boot metric 5 wins;"
    assert (ran.code, wins in ran.out, "fixes it" in ran.out) == (1, True, False), ran


@pytest.mark.parametrize("asked, leaves, kernel", [
    ("224.0.0.251", "should leave by eth0", "multicast dev eth0 (as wanted)"),
    ("255.255.255.255", "should leave by eth0", "broadcast dev eth0 (as wanted)"),
    ("10.65.0.255", "is a broadcast address", "broadcast dev eth0 (table local decides before every route)"),
    ("11.8.0.255", "is a broadcast address", "broadcast dev eth1 (table local decides before every route)"),
    ("ff02::1", "is a multicast address", "multicast dev eth0 (table local decides before every route)"),
    ("ff05::5", "is a multicast address", "multicast dev eth0 (table local decides before every route)"),
    ("10.65.0.7", "is this machine's own address", "dev lo (this machine itself)"),
    ("fd00:8::9", "is this machine's own address", "dev lo (this machine itself)"),
])  # fmt: skip
def test_explain_an_address_of_everybodys(lab: Lab, engine: str, asked: str, leaves: str, kernel: str) -> None:
    """No next hop gets a broadcast or multicast packet; nothing is said of routes that have no say."""
    dual_stack(lab)
    run(lab, f"sync {DUAL}")
    ran = run(lab, f"explain {asked} {DUAL} {engine}")
    assert ran.code == 0 and f"{asked} {leaves}" in ran.out
    assert f"kernel now {kernel}" in ran.out
    assert "as wanted" in kernel or " rule " not in ran.out


def test_explain_a_broadcast_address_inside_a_host_route(lab: Lab, engine: str, tmp_path: Path) -> None:
    """Table local keeps it from the host route, which is right all the same."""
    dual_stack(lab)
    first = net(0, ("0.0.0.0/0", "10.65.0.1"), ("11.8.0.128/25", "10.65.0.1"))
    option = metadata(tmp_path, first, net(1, ("0.0.0.0/0", "11.8.0.1")))
    run(lab, f"sync {option}")
    ran = run(lab, f"explain 11.8.0.255 {option} {engine}")
    assert ran.code == 0 and "11.8.0.255 is a broadcast address" in ran.out
    assert "broadcast dev eth1 (table local decides before every route)" in ran.out


def test_explain_says_why_there_is_no_default(lab: Lab) -> None:
    dual_stack(lab)
    lab.ip(*"address flush dev eth0 scope global".split())
    lab.ip(*"address flush dev eth1 scope global".split())
    ran = run(lab, f"explain 8.8.8.8 {DUAL}")
    why = "why not no default: it is documented, and no NIC can carry it (eth0 has no IPv4 address, eth1 has no IPv4"
    assert (ran.code, why in ran.out) == (1, True), ran


@pytest.mark.parametrize(
    ("route", "code", "leaves"),
    [
        ("unreachable 9.9.0.0/16", 1, "leaves by no NIC"),
        ("9.9.0.0/16 nexthop via 11.8.0.1 dev eth1 nexthop via 10.65.0.1 dev eth0", 0,
         "should leave by eth1, via 11.8.0.1, or by eth0, via 10.65.0.1"),
    ],
)  # fmt: skip
def test_explain_a_narrower_route_of_any_kind(lab: Lab, route: str, code: int, leaves: str) -> None:
    dual_stack(lab)
    lab.ip("route", "add", *route.split())
    assert run(lab, f"sync {DUAL}").code == 0
    ran = run(lab, f"explain 9.9.9.9 {DUAL}")
    assert (ran.code, "another program's route: more specific" in ran.out) == (code, True), ran
    assert f"9.9.9.9 {leaves} route" in ran.out


@pytest.mark.parametrize("rules", [["del pref 32766"], ["del pref 32766", "add pref 300 lookup 220"]])
def test_no_rule_for_the_table(lab: Lab, rules: List[str]) -> None:
    """sync changes nothing about that: explain and doctor name the rule that is missing."""
    documented(lab, "eth0")
    lab.ip("route", "add", "11.11.0.0/16", "via", "10.65.0.1", "dev", "eth0", "table", "220")
    for rule in rules:
        lab.ip("rule", *rule.split())
    ran = run(lab, f"plan {PLAIN}")
    assert (
        ran.code == 5 and "no rule looks up table main for IPv4: none of its routes is used; the kernel" in ran.out
    ), ran
    for asked in ("11.11.3.4", "8.8.8.8"):
        ran = run(lab, f"explain {asked} {PLAIN}")
        assert ran.code == 1 and "guest-routes sync" not in ran.out, ran
        assert "no rule looks up table main for IPv4: none of its routes is used" in ran.out, ran
    ran = run(lab, f"doctor {PLAIN}")
    assert ran.code == 1, ran
    both = "1 route of the document not in place -> `ip -4 rule add priority 32766 lookup main`, then"
    assert both in ran.out and "! 1 route of" not in ran.out, ran
    lab.ip(*"-4 rule add priority 32766 lookup main".split())
    assert run(lab, f"sync {PLAIN}").code == (5 if len(rules) > 1 else 0)
    lab.ip(*"-4 rule del priority 32766".split())
    ran = run(lab, f"plan {PLAIN}")
    assert ran.code == 5 and "no rule looks up table main for IPv4" in ran.out, ran
    ran = run(lab, f"doctor {PLAIN}")
    assert "used -> `ip -4 rule add priority 32766 lookup main`" in ran.out, ran
    assert ("not in effect" in ran.out) == (len(rules) > 1), ran
    lab.ip(*"-4 rule add priority 32766 lookup main".split())
    assert run(lab, f"sync {PLAIN}").code == (5 if len(rules) > 1 else 0)
    assert "no rule" not in run(lab, f"doctor {PLAIN}").out


@pytest.mark.parametrize("rule", ["goto 32767", "unreachable"])
def test_a_rule_that_keeps_all_packets_from_the_table(lab: Lab, engine: str, rule: str) -> None:
    """The kernel checks gateways by the rules: it refuses what a pass adds, so that `sync` is no advice."""
    documented(lab, "eth0")
    lab.ip(*f"rule add priority 100 {rule}".split())
    keeps = "rule 100 (`ip -4 rule`) keeps all packets from table main: none of its routes is used"
    for _ in range(2):
        for asked in ("11.11.3.4", "8.8.8.8"):
            ran = run(lab, f"explain {asked} {PLAIN} {engine}")
            assert (ran.code, keeps in ran.out, "guest-routes sync" in ran.out) == (1, True, False), ran
        ran = run(lab, f"doctor {PLAIN} {engine}")
        assert f"{keeps}; 1 route of the document not in place -> see `ip -4 rule`, then `guest-routes sync`" in ran.out
        assert "! 1 route of" not in ran.out, ran
        assert run(lab, f"sync {PLAIN} {engine}").code == 1
    lab.ip(*"rule delete priority 100".split())
    assert "keeps all packets" not in run(lab, f"doctor {PLAIN} {engine}").out


def test_a_route_that_is_not_there_is_not_called_programmed(lab: Lab, engine: str) -> None:
    """Another program has taken it away since."""
    dual_stack(lab)
    tun(lab)
    assert run(lab, f"sync {DUAL} {engine}").code == 0
    lab.ip("-6", "route", "delete", "default")
    lab.ip("-6", "route", "add", "default", "dev", "tun0")
    for command in (f"status {engine}", f"plan {DUAL} {engine}", f"doctor {DUAL} {engine}"):
        ran = run(lab, command)
        assert re.search("IPv6 default:? not programmed yet, and default dev tun0 proto boot metric 1024 wins", ran.out)
        assert "programmed, but" not in ran.out, ran


def test_nor_is_one_that_the_kernel_has_refused(lab: Lab, engine: str) -> None:
    documented(lab, "eth0")
    lab.ip("rule", "delete", "priority", "32766")
    assert run(lab, f"sync {PLAIN} {engine}").code == 1
    for command in (f"status {engine}", f"plan {PLAIN} {engine}"):
        ran = run(lab, command)
        assert "! 11.11.0.0/16 not programmed yet, and no rule looks up table main for IPv4" in ran.out, ran
        assert "programmed, but" not in ran.out.replace("IPv4 default programmed, but", ""), ran


def test_explain_speaks_of_the_address_that_it_is_asked_about(lab: Lab) -> None:
    """A rule by destination decides about a part of a host route: another rule's table about the rest."""
    documented(lab, "eth0")
    tun(lab)
    for command in (
        "route add 11.11.0.0/17 via 10.65.0.1 dev eth0 table 220",
        "route add default via 10.200.0.1 dev tun0 table 221",
        "rule add pref 100 to 11.11.0.0/16 lookup 220",
        "rule add pref 102 lookup 221",
    ):
        lab.ip(*command.split())
    for _ in range(2):
        ran = run(lab, f"explain 11.11.3.4 {PLAIN}")
        assert "kernel now via 10.65.0.1 dev eth0 (NOT as wanted: another route or a policy rule decides" in ran.out, (
            ran
        )
        ran = run(lab, f"explain 11.11.200.4 {PLAIN}")
        assert "kernel now via 10.200.0.1 dev tun0 (NOT as wanted: " in ran.out, ran
        assert "sync` fixes" not in ran.out, ran
        run(lab, f"sync {PLAIN}")
    assert "default via 10.200.0.1 dev tun0 table 221 proto boot wins by rule 102" in ran.out, ran


def test_a_route_for_some_sources_beside_ours(lab: Lab, engine: str) -> None:
    """The kernel passes over both for other sources, and takes a wider one."""
    dual_stack(lab)
    lab.ip("-6", "route", "add", "default", "via", "fd00:65::1", "dev", "eth0")
    lab.ip("-6", "route", "add", "fd00:11:11::/48", "from", "fd00:99::/64", "via", "fd00:65::1", "dev", "eth0")
    assert run(lab, f"sync {DUAL} {engine}").code == 5
    everywhere(lab, DUAL, engine, "fd00:11:11::/48 from ... via fd00:65::1 dev eth0", "fd00:11:11::/48")
