"""R8: host routes that the kernel uses for no address: table local, narrower routes, a NIC without a carrier."""

from __future__ import annotations

import json
import subprocess
import time
from typing import List

import pytest

from tests.netns.test_default_in_use import DUAL, PLAIN, dual_stack, engine, everywhere, tun
from tests.support.lab import Lab
from tests.support.passes import after_a_pass, documented, run, table

__all__ = ["engine"]  # A fixture.


UNRELATED = "rule add priority 400 from 192.0.2.1 lookup main".split()
"""From the first rule of somebody's on IPv4 looks table local up by itself, and main after it."""


@pytest.mark.parametrize(
    ("kind", "wide", "ruled"),
    [
        ("local", "11.0.0.0/8", True), ("blackhole", "11.0.0.0/8", True), ("unicast", "11.11.0.0/16", True),
        ("local", "11.11.0.0/16", False), ("unicast", "11.11.0.0/16", False),
    ],
)  # fmt: skip
def test_a_route_of_table_local(lab: Lab, engine: str, kind: str, wide: str, ruled: bool) -> None:
    documented(lab)
    if ruled:
        lab.ip(*UNRELATED)
    where = {"local": ["dev", "lo"], "unicast": ["via", "10.65.0.1", "dev", "eth0"], "blackhole": []}[kind]
    lab.ip("route", "add", kind, wide, *where, "table", "local")
    wins = f"{'' if kind == 'unicast' else f'{kind} '}{wide} {' '.join([*where, 'table', '255'])}"
    everywhere(lab, PLAIN, engine, f"programmed, but {wins}", "11.11.0.0/16")
    ran = run(lab, f"sync {PLAIN} {engine}")
    assert "ip rule" not in ran.out, ran


def test_a_wider_route_of_table_local_beside_no_rule(lab: Lab, engine: str) -> None:
    """IPv4 has main and local in one tree then, and the longest prefix of both decides."""
    documented(lab)
    lab.ip("route", "add", "local", "11.0.0.0/8", "dev", "lo", "table", "local")
    ran = run(lab, f"sync {PLAIN} {engine}")
    assert (ran.code, run(lab, f"plan {PLAIN} {engine}").code) == (0, 0), ran
    assert " dev eth1 " in lab.ip("route", "get", "11.11.3.4")


def test_the_same_for_ipv6(lab: Lab, engine: str) -> None:
    dual_stack(lab)
    lab.ip("-6", "route", "add", "local", "fd00:11::/32", "dev", "lo", "table", "local")
    everywhere(lab, DUAL, engine, "programmed, but local fd00:11::/32 dev lo table 255", "fd00:11:11::/48")


@pytest.mark.parametrize("ruled", [True, False])
@pytest.mark.parametrize("default", ["local default dev lo", "default via 11.8.0.1 dev eth1", "default dev eth1"])
def test_table_local_has_the_default(lab: Lab, engine: str, default: str, ruled: bool) -> None:
    """It comes before main's, whatever its metric, in one tree with it, too."""
    documented(lab)
    if ruled:
        lab.ip(*UNRELATED)
    lab.ip("route", "add", *default.split(), "table", "local", "metric", "9")
    everywhere(lab, PLAIN, engine, f"programmed, but {default} table 255", "IPv4 default")


@pytest.mark.parametrize("ruled", [True, False])
@pytest.mark.parametrize("route", ["unreachable default", "throw default", "prohibit 11.0.0.0/8", "throw 11.11.0.0/16"])
def test_what_leads_nowhere_in_table_local_is_foreseen(lab: Lab, engine: str, route: str, ruled: bool) -> None:
    """In one tree with main a throw keeps main's route of its prefix out, too, and what is wider decides nothing."""
    documented(lab)
    if ruled:
        lab.ip(*UNRELATED)
    lab.ip("route", "add", *route.split(), "table", "local")
    planned, done, again = (
        json.loads(lab.run(command, *PLAIN.split(), *engine.split(), "--json").stdout)
        for command in ("plan", "sync", "plan")
    )
    said = [after_a_pass(one) for one in planned["unprogrammed"]]
    assert (said, planned["exit_code"]) == (done["unprogrammed"], done["exit_code"])
    assert (again["unprogrammed"], again["changes"]) == (done["unprogrammed"], [])
    decides = not route.startswith("throw") if ruled else not route.startswith("prohibit")
    assert done["exit_code"] == (5 if decides else 0), done
    assert all(f"programmed, but {route}" in json.dumps(one) for one in done["unprogrammed"]), done


def test_a_throw_in_front_of_the_default_is_named(lab: Lab, engine: str) -> None:
    """Nothing comes behind main."""
    dual_stack(lab)
    lab.ip("-6", "route", "add", "throw", "default", "metric", "9")
    run(lab, f"sync {DUAL} {engine}")
    everywhere(lab, DUAL, engine, "programmed, but throw default", "IPv6 default")


def test_table_local_behind_main_decides_nothing(lab: Lab, engine: str) -> None:
    documented(lab)
    lab.ip("route", "add", "local", "11.0.0.0/8", "dev", "lo", "table", "local")
    lab.ip("rule", "add", "priority", "40000", "lookup", "local")
    lab.ip("rule", "del", "priority", "0")
    ran = run(lab, f"sync {PLAIN} {engine}")
    assert ran.code == 0, ran


@pytest.mark.parametrize(("family", "own"), [(4, "11.11.0.1/32"), (4, "11.11.0.9/24"), (6, "fd00:11:11::1/128")])
def test_an_address_on_the_loopback_inside_a_host_route(lab: Lab, engine: str, family: int, own: str) -> None:
    """It is the machine's own, and no other program's route."""
    dual_stack(lab)
    lab.ip(f"-{family}", "address", "add", own, "dev", "lo")
    lab.ip("link", "set", "lo", "up")
    lab.ip(f"-{family}", "rule", "add", "priority", "220", "lookup", "220")  # All is asked about.
    ran = run(lab, f"sync {DUAL} {engine}")
    assert ran.code == 0, ran
    assert run(lab, f"plan {DUAL} {engine}").code == 0


HALVES = ["11.11.0.0/17", "11.11.128.0/17"]


@pytest.mark.parametrize("pieces", [HALVES, ["11.11.0.0/18", "11.11.64.0/18", HALVES[1]]])
def test_narrower_routes_that_leave_nothing(lab: Lab, engine: str, pieces: List[str]) -> None:
    documented(lab)
    for piece in pieces:
        lab.ip("route", "add", piece, "via", "10.65.0.1", "dev", "eth0")
    everywhere(lab, PLAIN, engine, "via 10.65.0.1 dev eth0 proto boot wins", "11.11.0.0/16")
    ran = run(lab, f"explain 11.11.3.4 {PLAIN} {engine}")
    assert ran.code == 1 and "11.11.3.4 should leave by eth1, via 11.8.0.1" in ran.out, ran
    assert f"NOT as wanted: {pieces[0]} via 10.65.0.1 dev eth0 proto boot wins" in ran.out, ran


def test_one_that_leads_there_and_is_not_used(lab: Lab, engine: str) -> None:
    documented(lab)
    for piece in HALVES:
        lab.ip("route", "add", piece, "via", "10.65.0.1", "dev", "eth0")
    lab.ip("route", "add", HALVES[1], "via", "11.8.0.1", "dev", "eth1", "metric", "9")
    everywhere(lab, PLAIN, engine, "via 10.65.0.1 dev eth0 proto boot wins", "11.11.0.0/16")


def test_the_same_of_ipv6(lab: Lab, engine: str) -> None:
    dual_stack(lab)
    for piece in ("fd00:11:11::/49", "fd00:11:11:8000::/49"):
        lab.ip("-6", "route", "add", piece, "via", "fd00:65::1", "dev", "eth0")
    everywhere(lab, DUAL, engine, "via fd00:65::1 dev eth0 proto boot metric 1024 wins", "fd00:11:11::/48")


@pytest.mark.parametrize(
    "pieces",
    [
        ["11.11.0.0/17 via 10.65.0.1 dev eth0"],
        ["11.11.0.0/17 via 10.65.0.1 dev eth0", "11.11.192.0/18 via 10.65.0.1 dev eth0"],
        ["11.11.0.0/17 via 10.65.0.1 dev eth0", "11.11.128.0/17 via 11.8.0.1 dev eth1"],
    ],
)
def test_an_operators_narrower_routes_are_his_own(lab: Lab, engine: str, pieces: List[str]) -> None:
    documented(lab)
    for piece in pieces:
        lab.ip("route", "add", *piece.split())
    ran = run(lab, f"sync {PLAIN} {engine}")
    assert (ran.code, run(lab, f"plan {PLAIN} {engine}").code) == (0, 0), ran
    asked = run(lab, f"explain 11.11.3.4 {PLAIN} {engine}")
    assert asked.code == 0 and "another program's route: more specific than the host route" in asked.out, asked


def test_a_nic_without_a_carrier(lab: Lab, engine: str) -> None:
    """Its routes are left out where the machine is set so."""
    documented(lab)
    assert run(lab, f"sync {PLAIN} {engine}").code == 0
    lab.hypervisor("ip", "link", "set", "tap-eth1", "down")
    deadline = time.monotonic() + 10
    while "linkdown" not in "".join(table(lab)):  # The kernel takes up to a second.
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert run(lab, f"sync {PLAIN} {engine}").code == 0

    subprocess.run(["sysctl", "-qw", "net.ipv4.conf.eth1.ignore_routes_with_linkdown=1"], check=True)
    everywhere(lab, PLAIN, engine, "default via 10.65.0.1 dev eth0", "11.11.0.0/16")


def test_a_throw_is_not_blamed(lab: Lab, engine: str) -> None:
    """It sends the lookup on: the rule behind it rejects."""
    documented(lab)
    lab.ip("rule", "add", "priority", "100", "lookup", "220")
    lab.ip("route", "add", "throw", "11.11.0.0/16", "table", "220")
    lab.ip("rule", "add", "priority", "200", "to", "11.11.0.0/16", "unreachable")
    everywhere(lab, PLAIN, engine, "programmed, but rule 200 (`ip rule`) for 11.11.0.0/16 wins")


def test_a_route_for_some_sources_is_foreseen(lab: Lab, engine: str) -> None:
    """The kernel passes over ours beside it, for other sources."""
    dual_stack(lab)
    tun(lab)
    lab.ip("-6", "route", "add", "default", "via", "fd00:65::1", "dev", "eth0")
    lab.ip("-6", "route", "add", "fd00:11:11::/48", "from", "fd00:99::/64", "via", "fd00:200::1", "dev", "tun0")
    planned = run(lab, f"plan {DUAL} {engine}")
    assert planned.code == 5 and "! fd00:11:11::/48 not programmed yet, and default via fd00:65::1" in planned.out, (
        planned
    )
    everywhere(lab, DUAL, engine, "programmed, but default via fd00:65::1 dev eth0", "fd00:11:11::/48")
