"""R14: an address without a route on link to its subnet: the kernel refuses gateways there that aren't said to be on
link.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.netns.test_kernel_routes import add, engine, metadata, net, nics, synced
from tests.support.lab import Lab
from tests.support.passes import run

__all__ = ["engine"]  # A fixture.

SIX = "fd00:8::/64"
WITHOUT = {
    "noprefixroute": [
        "address del 11.8.0.9/24 dev eth1", "address add 11.8.0.9/24 dev eth1 noprefixroute",
        "address del fd00:8::9/64 dev eth1", "address add fd00:8::9/64 dev eth1 nodad noprefixroute",
    ],
    "deleted": ["route del 11.8.0.0/24 dev eth1", f"-6 route del {SIX} dev eth1"],
}  # fmt: skip


def both_families(path: Path, *covering: str) -> str:
    """eth1 with a default and a host route in both families, and these host routes by eth0."""
    four = [(one, "10.65.0.1") for one in covering if ":" not in one]
    six = [(one, "fd00:65::1") for one in covering if ":" in one]
    return metadata(
        path, net(0, *four), net(0, *six, family=6),
        net(1, ("0.0.0.0/0", "11.8.0.1"), ("11.11.0.0/16", "11.8.0.1")),
        net(1, ("::/0", "fd00:8::1"), ("fd00:11::/48", "fd00:8::1"), family=6),
    )  # fmt: skip


@pytest.mark.parametrize("how", WITHOUT)
def test_what_plan_says_is_what_the_pass_does(lab: Lab, engine: str, tmp_path: Path, how: str) -> None:
    nics(lab)
    add(lab, *WITHOUT[how])
    given = both_families(tmp_path)
    planned = run(lab, f"plan {engine} {given}")
    assert planned.out.count("on link: eth1 has no route to its subnet") == 4, planned
    assert synced(lab, f"{engine} {given}").out.count("onlink") == 4
    for address in ("11.11.3.4", "8.8.8.8", "fd00:11::1", "2001:db8::1"):
        assert " dev eth1 " in lab.ip("route", "get", address)
    assert "nothing to change" in run(lab, f"plan {engine} {given}").out
    add(lab, "route add 11.8.0.0/24 dev eth1", f"-6 route add {SIX} dev eth1")
    assert "nothing to do" in run(lab, f"sync {engine} {given}").out
    assert run(lab, f"withdraw {engine}").code == 0


@pytest.mark.parametrize(("covering", "gateway"), [("11.0.0.0/8", "11.8.0.1"), ("fd00::/16", "fd00:8::1")])
def test_a_host_route_that_covers_the_subnet(
    lab: Lab, engine: str, tmp_path: Path, covering: str, gateway: str
) -> None:
    """R7: the gateway gets a route of its own, since nothing narrower stands before the host route."""
    nics(lab)
    add(lab, *WITHOUT["noprefixroute"])
    assert f"+ {gateway} dev eth1" in synced(lab, f"{engine} {both_families(tmp_path, covering)}").out
    assert " dev eth1 " in lab.ip("route", "get", gateway)
    assert run(lab, f"withdraw {engine}").code == 0


def test_the_managers_own_route_on_link(lab: Lab, engine: str, tmp_path: Path) -> None:
    """As NetworkManager and systemd-networkd make it, with a metric of their own."""
    nics(lab)
    add(lab, *WITHOUT["noprefixroute"])
    add(lab, "route add 11.8.0.0/24 dev eth1 proto kernel scope link src 11.8.0.9 metric 101")
    add(lab, f"-6 route add {SIX} dev eth1 proto ra metric 101")
    assert "onlink" not in synced(lab, f"{engine} {both_families(tmp_path)}").out


@pytest.mark.parametrize("suppress", ["", " suppress_prefixlength 0"])
def test_another_table_that_ipv6_looks_up_before_main(lab: Lab, engine: str, tmp_path: Path, suppress: str) -> None:
    """R7: a default there covers the gateways, which only main has on link: no host route could be added any more."""
    nics(lab)
    add(lab, f"-6 rule add lookup 100{suppress} priority 100")
    add(lab, "-6 route append default via fd00:8::2 dev eth1 metric 2000 table 100")
    words = f"--table 100 {engine} {both_families(tmp_path)}"
    assert run(lab, f"plan {words}").code == 0
    synced(lab, words)
    synced(lab, f"{words} --routes fd00:77::/48,fd00:8::1")
    assert "fd00:8::1 dev eth1 proto 121" in lab.ip("-N", "-6", "route", "show", "table", "100")
    ran = run(lab, f"withdraw {engine}")
    assert ran.code == 0, ran
    left = lab.ip("-6", "route", "show", "table", "100").split("\n")
    assert [line.split(" pref")[0] for line in left if line] == ["default via fd00:8::2 dev eth1 metric 2000"]


def test_the_default_that_stays_there(lab: Lab, engine: str, tmp_path: Path) -> None:
    """The only one is handed over, also where the rule came after it."""
    nics(lab)
    synced(lab, f"--table 100 {engine} {both_families(tmp_path)}")
    add(lab, "-6 rule add lookup 100 priority 100")
    ran = run(lab, f"withdraw {engine}")
    assert ran.code == 0, ran
    left = lab.ip("-6", "route", "show", "table", "100").split("\n")
    assert [line.split(" pref")[0] for line in left if line] == ["default via fd00:8::1 dev eth1 metric 1024"]
