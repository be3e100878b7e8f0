"""What `correct` makes of the files that cloud-init's own code renders old and new."""

from __future__ import annotations

import json
import re
from typing import Dict, List

import pytest

from guest_routes.managers.correct import correct
from guest_routes.managers.parsed.config import CREATED, PATTERNS
from guest_routes.model.configuration import Correction
from guest_routes.model.settings import Settings
from guest_routes.routing.decide import decide
from guest_routes.routing.project import project
from tests.support.lab import MACS, document
from tests.support.rendered import rendered, said
from tests.support.reports import evidence

NICS = "".join(f"nic eth{number} {mac}\n" for number, mac in enumerate(MACS))
SCRIPTS, WICKED = "/etc/sysconfig/network-scripts", "/etc/sysconfig/network"
EL = ("el-22.4.2", "el-26.2", "el-networkmanager-22.4.2", "el-networkmanager-26.2")
OTHERS = ("netplan-22.4.2", "netplan-26.2", "networkd-22.4.2", "networkd-25.1.4", "networkd-26.2")
SUSE = "suse-23.3.1-patched"
ETH0, ETH1 = "default 10.65.0.1 eth0", "11.11.0.0/16 11.8.0.1 eth1"
BOTH_6 = {"default fd00:65::1 eth0", "fd00:11:11::/48 fd00:8::1 eth1"}
CROSSED = {
    ETH0, ETH1, "11.12.0.0/16 10.65.0.1 eth0", "11.13.0.0/16 11.8.0.1 eth1", "11.14.0.0/16 10.65.0.1 eth0",
    "11.15.0.0/16 10.65.0.1 eth0", "11.16.0.0/16 11.8.0.1 eth1", *BOTH_6, "fd00:11:12::/48 fd00:65::1 eth0",
    "fd00:11:13::/48 fd00:65::1 eth0",
}  # fmt: skip
WANTED = {
    "documented": {ETH0, ETH1},
    "wrong-subnet": {ETH0, ETH1},
    "dual-stack": {ETH0, ETH1, *BOTH_6},
    "dhcp": set(),
    "not-a-gateway": {ETH0, "11.11.0.0/16 11.8.0.99 eth1"},
    "foreign-default": {"default 11.8.0.1 eth1", ETH1},
    "crossed": CROSSED,
}
"""The routes afterwards. A next hop that is no gateway, but in reach of its NIC, is nobody's to take away."""


def manager_of(path: str) -> str:
    return next(manager for manager, patterns in PATTERNS.items() for p in patterns if path.startswith(p.split("*")[0]))


def corrected(files: Dict[str, str], name: object, nics: str = NICS) -> Correction:
    decision = decide(project(evidence(name, nics), Settings()), Settings())
    return correct([(manager_of(path), path, text) for path, text in files.items()], decision, Settings())


def after(made: Correction) -> Dict[str, str]:
    return {one.path: one.after for one in made.files if one.after is not None}


ABOUT_ROUTES = re.compile(
    r"(ADDRESS|GATEWAY|NETMASK|METRIC)\d+=|(GATEWAY|IPV6_DEFAULTGW|DEFROUTE|route\d+)=|\S+ via |\S+ \S+ - -"
    r"|\s+(routes:|-   to:|    via:)|(\[Route\]|Destination=|Gateway=|$)"
)


def others(files: Dict[str, str]) -> Dict[str, List[str]]:
    """Each file's lines that are about no route."""
    return {path: [line for line in text.splitlines() if not ABOUT_ROUTES.match(line)] for path, text in files.items()}


TRIED = [(made, name) for name in WANTED for made in (*EL, *OTHERS)] + [
    (SUSE, name) for name in WANTED if not WANTED[name] & BOTH_6
]
"""SUSE's patch ends with an error for a host route of IPv6."""


@pytest.mark.parametrize("made, name", TRIED)
def test_the_routes_are_the_documented_ones(made: str, name: str) -> None:
    files = rendered(made, name)
    correction = corrected(files, name)
    assert [one.odd for one in correction.files if one.odd is not None] == []
    now = after(correction)
    assert said(now) == WANTED[name]
    assert set(files) <= set(now)
    # All the rest stays, and a second time changes nothing.
    before, rest = others(files), others(now)
    assert {path: rest[path] for path in before} == before
    assert corrected(now, name).changed == ()


@pytest.mark.parametrize("made", ["el-22.4.2", "el-26.2"])
def test_lines_are_not_formatted_anew(made: str) -> None:
    files = rendered(made, "wrong-subnet")
    now = after(corrected(files, "wrong-subnet"))
    assert now[f"{SCRIPTS}/ifcfg-eth0"] == files[f"{SCRIPTS}/ifcfg-eth0"]
    gone = [line for line in files[f"{SCRIPTS}/ifcfg-eth1"].splitlines() if line not in now[f"{SCRIPTS}/ifcfg-eth1"]]
    assert gone == ["DEFROUTE=yes", "GATEWAY=11.8.0.1"]
    route = "ADDRESS0=11.11.0.0\nGATEWAY0=11.8.0.1\nNETMASK0=255.255.0.0\n"
    assert now[f"{SCRIPTS}/route-eth0"] == files[f"{SCRIPTS}/route-eth0"].replace(route, "")
    assert now[f"{SCRIPTS}/route-eth1"] == "".join(CREATED) + route


def test_routes_are_numbered_without_a_gap() -> None:
    now = after(corrected(rendered("el-26.2", "crossed"), "crossed"))
    head = "# Created by cloud-init automatically, do not edit.\n#\n"
    assert now[f"{SCRIPTS}/route-eth0"] == head + "".join(
        f"ADDRESS{n}=11.{second}.0.0\nGATEWAY{n}=10.65.0.1\nNETMASK{n}=255.255.0.0\n"
        for n, second in enumerate((12, 14, 15))
    )
    assert now[f"{SCRIPTS}/route6-eth0"] == head + "".join(
        f"fd00:11:{third}::/48 via fd00:65::1  dev eth0\n" for third in (12, 13)
    )


def test_cloud_init_without_the_patch_writes_no_route_on_suse() -> None:
    files = rendered("suse-26.2", "wrong-subnet")
    assert set(files) == {f"{WICKED}/ifcfg-eth0", f"{WICKED}/ifcfg-eth1"}
    made = corrected(files, "wrong-subnet")
    assert (made.changed, made.verdicts, [one.odd for one in made.files]) == ((), (), [None, None])


# ---- a bond that the manager has yet to make ---------------------------------------------------------


def test_no_route_goes_to_a_port_of_a_bond_that_is_not_there_yet() -> None:
    """Its ports have its MAC until then; a route in a port's own file would keep the manager waiting for it."""
    nics = "".join(f"nic eth{number} fa:16:3e:00:00:0{number + 1}\n" for number in range(3))
    for made in (*EL, *OTHERS):
        files = rendered(made, "bond")
        correction = corrected(files, "bond", nics)
        removed = [one.route for one in correction.verdicts if one.verdict == "removed"]
        assert [(str(one.destination), one.nic.name) for one in removed] == [("11.11.0.0/16", "eth2")], made
        assert {one.verdict for one in correction.verdicts} == {"kept", "removed"}, made
        assert said(after(correction)) == {"default 10.65.0.1 eth2", "default 11.8.0.1 bond0"}, made


def test_a_bond_that_is_there_has_its_routes() -> None:
    nics = (
        "nic bond0 fa:16:3e:00:00:01 kind bond\nnic eth0 fa:16:3e:00:00:01 master bond0\n"
        "nic eth1 fa:16:3e:00:00:01 perm fa:16:3e:00:00:02 master bond0\nnic eth2 fa:16:3e:00:00:03\n"
    )
    for made in (*EL, *OTHERS):
        now = after(corrected(rendered(made, "bond"), "bond", nics))
        assert said(now) == {"default 10.65.0.1 eth2", "11.11.0.0/16 11.8.0.1 bond0"}, made


# ---- a VLAN with the MAC of the NIC that it stands on --------------------------------------------------

VLAN_RIGHT = {"default 10.65.0.1 eth0", "11.12.0.0/16 10.65.0.1 eth0", "11.11.0.0/16 11.8.0.1 eth1"}


@pytest.mark.parametrize("made", [*EL, *OTHERS])
def test_a_route_never_goes_to_a_vlan_of_its_nic(made: str) -> None:
    files = rendered(made, "vlan")
    now = after(corrected(files, "vlan"))
    assert said(now) == VLAN_RIGHT | {"default 12.8.0.1 eth0.7"}, "the VLAN isn't there: its route can go nowhere yet"
    assert {path: text for path, text in now.items() if "eth0.7" in path} == {
        path: text for path, text in files.items() if "eth0.7" in path
    }
    there = "nic eth0.7 fa:16:3e:00:00:01 kind vlan id 7 on eth0\n"
    assert said(after(corrected(files, "vlan", NICS + there))) == VLAN_RIGHT | {"11.13.0.0/16 12.8.0.1 eth0.7"}


# ---- files that correct has made ---------------------------------------------------------------------


def made_before() -> Dict[str, str]:
    return after(corrected(rendered("el-26.2", "wrong-subnet"), "wrong-subnet"))


def test_a_file_is_made_only_where_a_route_needs_it() -> None:
    made = corrected(rendered("el-26.2", "wrong-subnet"), "wrong-subnet")
    assert [(one.path, one.before) for one in made.files if one.before is None] == [(f"{SCRIPTS}/route-eth1", None)]


def test_when_cloud_init_renders_again_the_file_that_was_made_takes_no_second_copy() -> None:
    again = {**made_before(), **rendered("el-26.2", "wrong-subnet")}
    made = corrected(again, "wrong-subnet")
    assert [one.reason for one in made.verdicts if one.verdict == "removed"] == ["there-already", "extra-default"]
    assert after(made) == made_before()


def test_a_route_that_the_document_lost_goes_and_so_does_the_file_that_was_made_for_it() -> None:
    lost = json.loads(document("wrong-subnet").read_text())
    del lost["networks"][0]["routes"][1:]
    made = corrected(made_before(), lost)
    assert [(one.route.path, one.verdict) for one in made.verdicts if one.reason == "no-longer-listed"] == [
        (f"{SCRIPTS}/route-eth1", "removed")
    ]
    assert [one.path for one in made.files if one.after is None] == [f"{SCRIPTS}/route-eth1"]


def test_cloud_init_s_own_file_stays_when_its_last_route_has_gone_and_keeps_what_is_not_listed() -> None:
    files = rendered("el-26.2", "wrong-subnet")
    files[f"{SCRIPTS}/route-eth1"] = files[f"{SCRIPTS}/route-eth0"].replace("11.11", "12.12")
    now = after(corrected(files, "wrong-subnet"))
    assert now[f"{SCRIPTS}/route-eth0"] == "# Created by cloud-init automatically, do not edit.\n#\n"
    assert "12.12.0.0/16 11.8.0.1 eth1" in said(now)
