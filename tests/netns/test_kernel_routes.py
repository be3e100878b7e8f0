"""What the kernel holds: routes of every kind are read for what they are, taken only where they can be given back,
and given back as they were; `withdraw` says what it really did.
"""

from __future__ import annotations

import json
import re
import subprocess
import time
from pathlib import Path
from typing import Any, Dict, List, Sequence, Tuple

import pytest

from tests.support.lab import MACS, Lab, document, write_document
from tests.support.passes import Ran, Watch, run, table, unfolded


@pytest.fixture(params=["rtnetlink", "pyroute2"])
def engine(request: pytest.FixtureRequest) -> str:
    """Both engines."""
    return f"--engine {request.param}"


def nics(lab: Lab) -> None:
    """eth0 and eth1 of the documented example in both families, and wg0, which no document describes."""
    lab.nic("eth0", MACS[0], "10.65.0.7/24", "fd00:65::7/64", gateways=("10.65.0.1/24", "fd00:65::1/64"))
    lab.nic("eth1", MACS[1], "11.8.0.9/24", "fd00:8::9/64", gateways=("11.8.0.1/24", "fd00:8::1/64"))
    lab.nic("wg0", MACS[2], "10.200.0.2/24", "fd00:200::2/64", gateways=("10.200.0.1/24", "fd00:200::1/64"))


def add(lab: Lab, *commands: str) -> None:
    """Runs `ip` with each of these."""
    for command in commands:
        lab.ip(*command.split())


def shown(lab: Lab) -> List[str]:
    """Both tables with every detail, protocols as numbers, remaining lifetimes left out."""
    text = lab.ip("-d", "-N", "route", "show") + lab.ip("-d", "-N", "-6", "route", "show")
    lines = [re.sub(r" expires \d+sec", " expires", line.rstrip()) for line in text.splitlines()]
    return [line for line in lines if not line.startswith(("1 fe80:", "1 ff00:", "multicast"))]


def defaults(lab: Lab, family: int = 4) -> List[str]:
    """The default routes, with the next hops of multipath ones."""
    found: List[str] = []
    for line in table(lab, family):
        if line.startswith("default") or (line.startswith("\t") and found):
            found.append(" ".join(line.split()))
    return found


def net(n: int, *routes: Tuple[str, str], family: int = 4, own: str = "") -> Dict[str, Any]:
    """One network of a document: routes as (destination, gateway)."""
    address = own or {4: ("10.65.0.7/24", "11.8.0.9/24"), 6: ("fd00:65::7/64", "fd00:8::9/64")}[family][n]
    return {
        "id": f"network{n}-{family}", "link": f"tap{n}", "type": f"ipv{family}", "ip_address": address,
        "routes": [{"network": d.split("/")[0], "netmask": d.split("/")[1], "gateway": g} for d, g in routes],
    }  # fmt: skip


def metadata(path: Path, *networks: Dict[str, Any]) -> str:
    """`--metadata` with a document of eth0 and eth1."""
    links = [{"id": f"tap{n}", "type": "tap", "ethernet_mac_address": MACS[n]} for n in (0, 1)]
    given = {"links": links, "networks": networks, "services": []}
    return f"--metadata {write_document(path / 'given.json', given)}"


@pytest.fixture
def given(tmp_path: Path) -> Dict[int, str]:
    """The documented example in each family: eth0 has the default, and eth1 would."""
    four = net(0, ("0.0.0.0/0", "10.65.0.1")), net(1, ("0.0.0.0/0", "11.8.0.1"))
    six = net(0, ("::/0", "fd00:65::1"), family=6), net(1, ("::/0", "fd00:8::1"), family=6)
    (tmp_path / "4").mkdir()
    (tmp_path / "6").mkdir()
    return {4: metadata(tmp_path / "4", *four), 6: metadata(tmp_path / "6", *six)}


def synced(lab: Lab, words: str, code: int = 0) -> Ran:
    """A pass, and a second one that writes nothing (R9)."""
    ran = run(lab, f"sync {words}")
    assert ran.code == code, ran
    again = json.loads(lab.run("sync", "--json", *words.split()).stdout)
    assert (again["changes"], again["exit_code"]) == ([], code)
    return ran


# ---- attributes: kept, taken, given back ------------------------------------------------------------

IPV4 = [
    "metric 200 congctl reno",
    "metric 200 congctl lock reno mtu lock 1400",
    "metric 200 realm 5",
    "metric 200 realm 5/7",
    "metric 200 src 11.8.0.9 advmss 1300 initcwnd 12 rto_min 5s quickack 1 fastopen_no_cookie 1 features ecn",
    "proto 99 metric 4294967295",
    "tos 0x10",
]
IPV6 = [
    "metric 200 congctl reno",
    "metric 200 congctl lock reno mtu lock 1400",
    "metric 200 expires 600",
    "metric 200 pref high src fd00:8::9 hoplimit 9",
    "proto 99 metric 4294967295",
]


@pytest.mark.parametrize("attributes", IPV4)
def test_an_ipv4_default_comes_back_with_its_attributes(
    lab: Lab, engine: str, given: Dict[int, str], attributes: str
) -> None:
    nics(lab)
    add(
        lab,
        "route add default via 10.65.0.1 dev eth0 metric 100 congctl reno",
        f"route append default via 11.8.0.1 dev eth1 {attributes}",
    )
    before = shown(lab)
    synced(lab, f"{engine} {given[4]}")
    assert defaults(lab) == ["default via 10.65.0.1 dev eth0 metric 100 congctl reno"]
    assert run(lab, f"withdraw {engine}").code == 0
    assert shown(lab) == before


@pytest.mark.parametrize("attributes", IPV6)
def test_an_ipv6_default_comes_back_with_its_attributes(
    lab: Lab, engine: str, given: Dict[int, str], attributes: str
) -> None:
    nics(lab)
    add(
        lab,
        "-6 route add default via fd00:65::1 dev eth0 metric 100 congctl reno",
        f"-6 route append default via fd00:8::1 dev eth1 {attributes}",
    )
    before = shown(lab)
    synced(lab, f"{engine} {given[6]}")
    assert defaults(lab, 6) == ["default via fd00:65::1 dev eth0 metric 100 congctl reno pref medium"]
    assert run(lab, f"withdraw {engine}").code == 0
    assert shown(lab) == before


MULTIPATH = [
    "route add default metric 9 nexthop via 10.65.0.1 dev eth0 weight 3 nexthop via 11.8.0.1 dev eth1",
    "route add default metric 9 nexthop via 10.65.0.1 dev eth0 realm 3 nexthop via 11.8.0.1 dev eth1 realm 4",
    "route add default congctl reno nexthop via 11.8.0.1 dev eth1 weight 256 nexthop via 10.200.0.1 dev wg0 onlink",
    "route add default nexthop via 11.8.0.1 dev eth1 realm 4 nexthop via 10.200.0.1 dev wg0 weight 7 realm 9",
    "-6 route add default nexthop via fd00:65::1 dev eth0 nexthop via fd00:8::1 dev eth1 weight 2",
    "-6 route add default nexthop via fd00:8::1 dev eth1 weight 4 nexthop via fd00:65::1 dev eth0 weight 3",
    "-6 route add default metric 9 nexthop via fd00:8::1 dev eth1 nexthop via fd00:200::1 dev wg0 weight 5",
]


@pytest.mark.parametrize("command", MULTIPATH)
def test_a_multipath_default_comes_back_with_its_next_hops(
    lab: Lab, engine: str, given: Dict[int, str], command: str
) -> None:
    nics(lab)
    add(lab, command)
    before = shown(lab)
    family = 6 if command.startswith("-6") else 4
    synced(lab, f"{engine} {given[family]}", 5 if "dev wg0" in command else 0)  # wg0's next hop stays, and wins (R8)
    assert not [line for line in defaults(lab, family) if "dev eth1" in line]
    assert bool([line for line in defaults(lab, family) if "dev wg0" in line]) == ("dev wg0" in command)
    assert run(lab, f"withdraw {engine}").code == 0
    assert shown(lab) == before


# ---- nexthop objects --------------------------------------------------------------------------------

OBJECTS = [
    "nexthop add id 10 via 10.65.0.1 dev eth0",
    "nexthop add id 11 via 11.8.0.1 dev eth1",
    "nexthop add id 12 via 10.200.0.1 dev wg0",
    "nexthop add id 13 group 11,2/12,5",
    "nexthop add id 14 group 10/11",
    "-6 nexthop add id 20 via fd00:65::1 dev eth0",
    "-6 nexthop add id 21 via fd00:8::1 dev eth1",
    "-6 nexthop add id 22 via fd00:200::1 dev wg0",
    "nexthop add id 23 group 21/22",
    "nexthop add id 24 group 20/21",
]


@pytest.mark.parametrize("first", [True, False])
def test_a_deletion_that_would_take_another_programs_route(
    lab: Lab, engine: str, given: Dict[int, str], first: bool
) -> None:
    """The kernel compares next hops as far as both routes have them: the VPN's default would go in its place."""
    nics(lab)
    both = "route append default nexthop via 10.200.0.1 dev wg0 nexthop via 11.8.0.1 dev eth1"
    commands = [f"route append {BY_WG0}", both]
    add(lab, *(commands if first else reversed(commands)))
    before = shown(lab)
    ran = synced(lab, f"{engine} {given[4]}", 5)
    assert BY_WG0 in defaults(lab), ran
    assert ("could delete another route in its place" in ran.out) is first, ran
    assert run(lab, f"withdraw {engine}").code == 0
    assert shown(lab) == before


@pytest.mark.parametrize("first", [True, False])
def test_a_deletion_that_would_take_the_route_that_serves(
    lab: Lab, engine: str, given: Dict[int, str], first: bool
) -> None:
    """Then it doesn't serve: both go, and come back."""
    nics(lab)
    commands = [
        "route append default via 10.65.0.1 dev eth0",
        "route append default nexthop via 10.65.0.1 dev eth0 nexthop via 11.8.0.1 dev eth1",
    ]
    add(lab, *(commands if first else reversed(commands)))
    before = shown(lab)
    synced(lab, f"{engine} {given[4]}")
    assert len(defaults(lab)) == 1
    assert run(lab, f"withdraw {engine}").code == 0
    assert shown(lab) == before


def test_a_multipath_default_whose_rest_would_be_taken_for_a_vpns(lab: Lab, engine: str, given: Dict[int, str]) -> None:
    """What a pass leaves of it could not be removed again: the VPN's multipath default would go in its place."""
    nics(lab)
    add(lab, "route append default nexthop via 10.200.0.1 dev wg0 nexthop via 10.200.0.7 dev wg0")
    add(lab, "route append default nexthop via 11.8.0.1 dev eth1 nexthop via 10.200.0.1 dev wg0")
    before = shown(lab)
    ran = synced(lab, f"{engine} {given[4]}", 5)
    assert "one default too many; it stays, since the kernel could delete another route in its place" in ran.out, ran
    assert run(lab, f"withdraw {engine}").code == 0
    assert shown(lab) == before


@pytest.mark.parametrize("metric", [100, 1023, 1024])
def test_another_programs_route_to_the_gateway_alone(lab: Lab, engine: str, tmp_path: Path, metric: int) -> None:
    """Ours on link stands in front of it: behind, IPv6 would refuse every route by that gateway."""
    nics(lab)
    add(lab, f"-6 route add fd00:8::1/128 via fd00:8::77 dev eth1 metric {metric}")
    before = shown(lab)
    given = metadata(tmp_path, net(0, family=6), net(1, ("::/0", "fd00:8::1"), ("fd00:11::/32", "fd00:8::1"), family=6))
    synced(lab, f"{engine} {given}")
    assert defaults(lab, 6) == ["default via fd00:8::1 dev eth1 proto 121 metric 1023 pref medium"]
    add(lab, "-6 route add fd00:8::1/128 via fd00:8::77 dev eth1 metric 50")
    synced(lab, f"{engine} {given}")
    add(lab, "-6 route del fd00:8::1/128 via fd00:8::77 dev eth1 metric 50")
    run(lab, f"withdraw {engine}")
    assert [line for line in shown(lab) if "default" not in line] == before


@pytest.mark.parametrize("apart", ["mtu 1400", "src 10.65.0.7"])
@pytest.mark.parametrize("first", [True, False])
def test_two_equals_that_a_deletion_cannot_tell_apart(
    lab: Lab, engine: str, given: Dict[int, str], apart: str, first: bool
) -> None:
    """To the kernel a deletion without the attribute means the first of them, which may be the one that serves."""
    nics(lab)
    commands = [f"route append default via 10.65.0.1 dev eth0 {apart}", "route append default via 10.65.0.1 dev eth0"]
    add(lab, *(commands if first else reversed(commands)), "route append default via 11.8.0.1 dev eth1")
    before = shown(lab)
    synced(lab, f"{engine} {given[4]}")
    left = defaults(lab)
    assert left and all(" dev eth0" in line for line in left)
    assert run(lab, f"withdraw {engine}").code == 0
    assert shown(lab) == before


ALIKE = [
    ["via 11.8.0.1 dev eth1", "via 11.8.0.1 dev eth1 mtu 1400", "via 11.8.0.1 dev eth1 mtu 1300"],
    ["via 11.8.0.1 dev eth1 congctl reno", "via 11.8.0.1 dev eth1"],
    [
        f"nexthop via 11.8.0.1 dev eth1 weight {weight} nexthop via 11.8.0.2 dev eth1{realm}"
        for weight, realm in ((1, ""), (3, ""), (3, " realm 4"))
    ],
]


@pytest.mark.parametrize("alike", ALIKE)
@pytest.mark.parametrize("forwards", [True, False])
def test_extras_that_differ_by_attributes_only_come_back_each(
    lab: Lab, engine: str, given: Dict[int, str], alike: List[str], forwards: bool
) -> None:
    nics(lab)
    add(lab, "route add default via 10.65.0.1 dev eth0 metric 5")
    add(lab, *(f"route append default {one}" for one in (alike if forwards else alike[::-1])))
    before = shown(lab)
    ran = synced(lab, f"{engine} {given[4]}")
    assert defaults(lab) == ["default via 10.65.0.1 dev eth0 metric 5"], ran
    ran = run(lab, f"withdraw {engine}")
    assert (ran.code, shown(lab)) == (0, before), ran
    assert f"{len(alike)} defaults restored" in ran.out


def test_an_extra_made_anew_with_another_mtu_comes_back_once(lab: Lab, engine: str, given: Dict[int, str]) -> None:
    """As a DHCP client does whose server has changed its mind: the old one is no more."""
    nics(lab)
    for mtu in ("1400", "1500"):
        add(lab, f"route append default via 11.8.0.1 dev eth1 mtu {mtu}")
        synced(lab, f"{engine} {given[4]}")
    assert run(lab, f"withdraw {engine}").code == 0
    assert defaults(lab) == ["default via 11.8.0.1 dev eth1 mtu 1500"]
    assert run(lab, f"withdraw {engine}").out == "nothing to withdraw: the table has no route of ours"


def test_a_router_serves_where_a_static_equal_cannot(lab: Lab, engine: str, given: Dict[int, str]) -> None:
    """One behind wg0's default is not adopted; the second pass would take the router's, and so does the first."""
    nics(lab)
    add(
        lab,
        "-6 route append default via fe80::65 dev eth0 metric 50",
        "-6 route append default metric 100 nexthop via fd00:65::1 dev eth0 nexthop via fd00:200::1 dev wg0",
        "-6 route append default via fd00:8::1 dev eth1 metric 60",
    )
    before = shown(lab)
    synced(lab, f"{engine} {given[6]}")
    assert run(lab, f"withdraw {engine}").code == 0
    assert shown(lab) == before


BY_WG0 = "default via 10.200.0.1 dev wg0"
LEGS = "default nexthop via 11.8.0.1 dev eth1 weight 1 nexthop via 10.200.0.1 dev wg0 weight 1"


@pytest.mark.parametrize("attributes", ["onlink advmss 1200", "mtu 1400", ""])
@pytest.mark.parametrize("first", [True, False])
def test_another_default_by_the_next_hop_that_stays(
    lab: Lab, engine: str, given: Dict[int, str], attributes: str, first: bool
) -> None:
    """A next hop of a multipath default is a route of its own already: it is no part of that, and stays."""
    nics(lab)
    commands = [f"route append {BY_WG0} {attributes}", f"route append {LEGS}"]
    add(lab, *(commands if first else reversed(commands)))
    before = shown(lab)
    synced(lab, f"{engine} {given[4]}", 5)
    assert sum(BY_WG0 in line for line in defaults(lab)) == 1
    assert run(lab, f"withdraw {engine}").code == 0
    assert shown(lab) == before


@pytest.mark.parametrize(
    ("single", "later"),
    [
        ("route append default via 11.8.0.1 dev eth1",
         "route append default nexthop via 11.8.0.1 dev eth1 nexthop via 10.200.0.1 dev wg0"),
        ("-6 route append default via fd00:8::1 dev eth1", "-6 route append default nhid 7 metric 1024"),
    ],
)  # fmt: skip
def test_one_that_was_taken_before_a_multipath_default_of_its_next_hop(
    lab: Lab, engine: str, given: Dict[int, str], single: str, later: str
) -> None:
    """Both come back, at the first try: it is nothing that a pass left of the other one."""
    family = 6 if "-6" in single else 4
    nics(lab)
    add(lab, f"-{family} route append default via {'fd00:65::1' if family == 6 else '10.65.0.1'} dev eth0")
    add(lab, "-6 nexthop add id 5 via fd00:8::1 dev eth1", "-6 nexthop add id 6 via fd00:200::1 dev wg0")
    add(lab, "nexthop add id 7 group 5/6", single)
    synced(lab, f"{engine} {given[family]}")
    add(lab, later)
    run(lab, f"sync {engine} {given[family]}")
    ran = run(lab, f"withdraw {engine}")
    assert ran.code == 0, ran
    there = " ".join(defaults(lab, family))
    assert there.count(" dev eth1") == 2 and there.count(" dev wg0") == 1, there
    assert "nothing to withdraw" in run(lab, f"withdraw {engine}").out


def test_a_multipath_default_that_goes_in_two_steps(lab: Lab, engine: str, tmp_path: Path) -> None:
    """The first document knows eth0 only; what its pass left of the route is no route of anybody's."""
    nics(lab)
    add(lab, f"route add {LEGS} nexthop via 10.65.0.1 dev eth0 weight 1")
    before = shown(lab)
    own, other = net(0, ("0.0.0.0/0", "10.65.0.1")), net(1, ("0.0.0.0/0", "11.8.0.1"))
    for networks in ((own,), (own, other)):
        links = [{"id": f"tap{n}", "type": "tap", "ethernet_mac_address": MACS[n]} for n in range(len(networks))]
        path = write_document(tmp_path / "given.json", {"links": links, "networks": networks, "services": []})
        run(lab, f"sync {engine} --metadata {path}")
    assert run(lab, f"withdraw {engine}").code == 0
    assert shown(lab) == before


@pytest.mark.parametrize("compatible", [1, 0])
@pytest.mark.parametrize("nhid", [11, 13, 14, 21, 23, 24])
def test_routes_by_nexthop_objects(lab: Lab, engine: str, given: Dict[int, str], nhid: int, compatible: int) -> None:
    """K2 and its kinds: next hops through NICs outside the metadata stay, whether the dump shows them or not."""
    nics(lab)
    Path("/proc/sys/net/ipv4/nexthop_compat_mode").write_text(str(compatible))
    add(lab, *OBJECTS)
    family, gateway = (6, "fd00:65::1") if nhid >= 20 else (4, "10.65.0.1")
    add(
        lab,
        f"-{family} route add default via {gateway} dev eth0 metric 100",
        f"-{family} route add default nhid {nhid} metric 512",
    )
    before = shown(lab)
    synced(lab, f"{engine} {given[family]}")
    left = defaults(lab, family)
    assert left[0].startswith(f"default via {gateway} dev eth0 metric 100")
    vpns = ["fd00:200::1" if family == 6 else "10.200.0.1"] if nhid in (13, 23) else []
    assert [line.split()[2:5] for line in left[1:]] == [[vpn, "dev", "wg0"] for vpn in vpns]
    assert run(lab, f"withdraw {engine}").code == 0
    assert shown(lab) == before


@pytest.mark.parametrize("compatible", [1, 0])
@pytest.mark.parametrize("nhid", [10, 20])
def test_a_default_by_a_nexthop_object_is_adopted(
    lab: Lab, engine: str, given: Dict[int, str], nhid: int, compatible: int
) -> None:
    nics(lab)
    Path("/proc/sys/net/ipv4/nexthop_compat_mode").write_text(str(compatible))
    family = 6 if nhid == 20 else 4
    add(lab, *OBJECTS, f"-{family} route add default nhid {nhid}")
    before = shown(lab)
    synced(lab, f"{engine} {given[family]}")
    assert "adopted: another program's equal route" in run(lab, f"plan --verbose {engine} {given[family]}").out
    assert [line for line in shown(lab) if " default " in line] == [line for line in before if " default " in line]


# ---- IPv4 by an IPv6 gateway ------------------------------------------------------------------------


def test_an_ipv4_default_by_an_ipv6_gateway(lab: Lab, engine: str, given: Dict[int, str]) -> None:
    nics(lab)
    add(
        lab,
        "route add default via 10.65.0.1 dev eth0",
        "route append default via inet6 fe80::a9fe:a9fe dev eth1 metric 7",
        "-4 route append default metric 8 nexthop via inet6 fe80::a9fe:a9fe dev eth1"
        " nexthop via inet6 fe80::a9fe:a9fe dev wg0",
    )
    before = shown(lab)
    synced(lab, f"{engine} {given[4]}")
    assert defaults(lab) == [
        "default via 10.65.0.1 dev eth0", "default via inet6 fe80::a9fe:a9fe dev wg0 metric 8",
    ]  # fmt: skip
    assert run(lab, f"withdraw {engine}").code == 0
    assert shown(lab) == before


# ---- what can't be given back: R17 ------------------------------------------------------------------

UNWRITABLE = [
    "route add default encap ip id 5 dst 10.65.0.9 via 11.8.0.1 dev eth1 metric 5",
    "route add default nexthop encap ip dst 10.65.0.9 via 11.8.0.1 dev eth1 nexthop via 11.8.0.2 dev eth1",
    "-6 route add default encap ip6 id 5 dst fd00:65::5 via fd00:8::1 dev eth1 metric 5",
]


@pytest.mark.parametrize("command", UNWRITABLE)
def test_a_default_that_cannot_be_given_back_stays_and_is_named(
    lab: Lab, engine: str, given: Dict[int, str], command: str
) -> None:
    nics(lab)
    family, gateway = (6, "fd00:65::1") if command.startswith("-6") else (4, "10.65.0.1")
    add(lab, command, f"-{family} route add default via {gateway} dev eth0 metric 100")
    before = shown(lab)
    ran = synced(lab, f"{engine} {given[family]}", code=5)
    assert "one default too many; it stays, since its attributes can't be written back the same (encap)" in ran.out
    # Ours is made to win (R5).
    address = "2001:db8::1" if family == 6 else "192.0.2.1"
    assert " dev eth0 " in lab.ip("route", "get", address)
    assert {line for line in before if line not in shown(lab)} == set()
    assert run(lab, f"withdraw {engine}").code == 0
    assert shown(lab) == before


TWINS = [
    "{} encap ip id 5 dst 10.65.0.9 via 11.8.0.1 dev eth1",
    "{} encap ip6 id 5 dst fd00:65::5 via 11.8.0.1 dev eth1",
    "{} encap seg6 mode encap segs fd00:65::5 via 11.8.0.1 dev eth1",
    "{} encap mpls 100 via 11.8.0.1 dev eth1",
    "{} nexthop encap ip id 5 dst 10.65.0.9 via 11.8.0.1 dev eth1",
]


def add_if_known(lab: Lab, command: str) -> None:
    """Adds an encapsulated route, where this kernel knows the encapsulation."""
    try:
        lab.ip(*command.split())
    except subprocess.CalledProcessError as refused:
        if "not supported" in refused.stderr:
            pytest.skip(f"this kernel can't: {refused.stderr.strip()}")
        raise


@pytest.mark.parametrize("encapsulated", TWINS)
@pytest.mark.parametrize("plain", ["", "nexthop"])
@pytest.mark.parametrize("first", [True, False])
def test_a_default_beside_an_encapsulated_one_by_its_next_hop(
    lab: Lab, engine: str, given: Dict[int, str], encapsulated: str, plain: str, first: bool
) -> None:
    """A request to delete the plain one fits the encapsulated one, too: the first of them would go for ever."""
    nics(lab)
    hops = "via 11.8.0.1 dev eth1" if not plain else "nexthop via 11.8.0.1 dev eth1 nexthop via 11.8.0.2 dev eth1"
    commands = [encapsulated.format("route append default"), f"route append default {hops}"]
    for command in commands if first else reversed(commands):
        add_if_known(lab, command)
    before = shown(lab)
    ran = synced(lab, f"{engine} {given[4]}", 5)
    assert [line for line in before if "encap" in line] == [line for line in shown(lab) if "encap" in line]
    assert ("could delete another route in its place" in ran.out) is first, ran
    assert "its attributes can't be written back the same (encap)" in ran.out
    assert " dev eth0 " in lab.ip("route", "get", "192.0.2.1")
    assert run(lab, f"withdraw {engine}").code == 0
    assert shown(lab) == before


@pytest.mark.parametrize("protocol", ["boot", "static", "ra"])
@pytest.mark.parametrize(
    "hops", ["via fd00:8::1 dev eth1", "nexthop via fd00:8::1 dev eth1 nexthop via fd00:8::2 dev eth1"]
)
def test_an_ipv6_default_behind_one_by_a_nexthop_object(
    lab: Lab, engine: str, given: Dict[int, str], protocol: str, hops: str
) -> None:
    """To a request without an object the VPN's fits, whatever its gateway, unless the protocol tells them apart."""
    nics(lab)
    add(lab, "-6 nexthop add id 21 via fd00:200::1 dev wg0")
    add(lab, f"-6 route append default nhid 21 metric 1024 proto {protocol}")
    add(lab, f"-6 route append default metric 1024 proto static {hops}")
    before = shown(lab)
    ran = synced(lab, f"{engine} {given[6]}", 5)
    assert [line for line in before if "nhid 21" in line and line not in shown(lab)] == [], ran
    assert ("could delete another route in its place" in ran.out) is (protocol == "static")
    assert any("fd00:8::1" in line for line in defaults(lab, 6)) is (protocol == "static")
    ran = run(lab, f"withdraw {engine}")
    assert (ran.code, shown(lab)) == (0, before), ran


ON_LINK = [
    ("-6", "via fd00:65::1 dev eth0 metric 1024", "dev eth0 metric 1024"),
    ("-6", "nexthop via fd00:200::1 dev wg0 nexthop via fd00:65::1 dev eth0", "dev eth0 metric 1024"),
    ("-4", "via 10.65.0.1 dev eth0", "dev eth0 scope global"),
    ("-4", "nexthop via 10.200.0.1 dev wg0 nexthop via 10.65.0.1 dev eth0", "dev wg0 scope global"),
    ("-4", "nexthop via 10.65.0.1 dev eth0 nexthop via 10.200.0.1 dev wg0", "dev eth0 scope global"),
]


@pytest.mark.parametrize(("family", "first", "second"), ON_LINK)
@pytest.mark.parametrize("forwards", [True, False])
def test_an_extra_on_link_beside_one_through_a_gateway(
    lab: Lab, engine: str, given: Dict[int, str], family: str, first: str, second: str, forwards: bool
) -> None:
    """A request without a gateway fits every gateway."""
    nics(lab)
    both = [f"{family} route append default proto static {one}" for one in (first, second)]
    add(lab, *(both if forwards else both[::-1]))
    before = shown(lab)
    ran = run(lab, f"sync {engine} {given[int(family[1])]}")
    assert ran.code in (0, 5), ran
    assert ("dev wg0" in "".join(shown(lab))) is ("dev wg0" in "".join(before))
    assert any("via 10.65.0.1 dev eth0" in line or "via fd00:65::1 dev eth0" in line for line in shown(lab)), ran
    assert "nothing to do" in run(lab, f"sync {engine} {given[int(family[1])]}").out
    ran = run(lab, f"withdraw {engine}")
    assert ran.code == 0, ran
    if family == "-6" and not forwards:  # The kernel has no place before others of a metric.
        assert sorted(shown(lab)) == sorted(before), ran
    else:
        assert shown(lab) == before, ran


@pytest.mark.parametrize("first", [True, False])
def test_a_copy_beside_an_encapsulated_one(lab: Lab, engine: str, tmp_path: Path, first: bool) -> None:
    """R20's removals, too, take nothing that can't be given back."""
    nics(lab)
    add(lab, "route add default via 10.65.0.1 dev eth0", "route add 11.8.0.1 dev eth0 proto dhcp")
    commands = [
        "route append 11.11.0.0/16 proto dhcp encap ip id 5 dst 10.65.0.9 via 11.8.0.1 dev eth0",
        "route append 11.11.0.0/16 proto dhcp via 11.8.0.1 dev eth0",
    ]
    add(lab, *(commands if first else reversed(commands)))
    before = shown(lab)
    listed = net(0, ("0.0.0.0/0", "10.65.0.1"), ("11.11.0.0/16", "11.8.0.1"))
    synced(lab, f"{engine} {metadata(tmp_path, listed, net(1, ('0.0.0.0/0', '11.8.0.1')))}")
    assert [line for line in before if "encap" in line] == [line for line in shown(lab) if "encap" in line]
    assert " dev eth1 " in lab.ip("route", "get", "11.11.3.4")
    assert run(lab, f"withdraw {engine}").code == 0
    assert shown(lab) == before


def test_a_pass_that_is_rolled_back_leaves_what_was(lab: Lab, engine: str) -> None:
    """K1: the metadata service can't be reached any more once the routes are written."""
    nics(lab)
    add(
        lab,
        "route add default via 10.65.0.1 dev eth0 metric 100 congctl reno",
        "route append default via 11.8.0.1 dev eth1 metric 200 congctl reno",
        "route append default metric 300 nexthop via 11.8.0.1 dev eth1 realm 4 nexthop via 10.200.0.1 dev wg0 realm 5",
        "-6 route add default via fd00:8::1 dev eth1 metric 200 expires 600",
        "-6 route append default via fe80::a9fe:a9fe dev eth1 metric 201 expires 600 proto ra",
        # The kernel refuses that today: the tunnel's prefix came later.
        "-6 route append default via fd00:8::1 dev eth1 metric 202 onlink",
        "-6 route add fd00:8::/80 dev wg0",
    )
    before = shown(lab)
    lab.metadata_server(document("dual-stack"))
    # As in test_bad_days.py: only what comes by eth0 through its gateway reaches the service.
    lab.hypervisor("sysctl", "-qw", "net.ipv4.conf.tap-eth0.arp_ignore=1")
    lab.hypervisor("ip", "rule", "add", "priority", "10", "lookup", "local")
    lab.hypervisor("ip", "rule", "delete", "priority", "0")
    for tap in ("tap-eth1", "tap-wg0"):
        lab.hypervisor("ip", "rule", "add", "priority", "5", "iif", tap, "to", "169.254.169.254", "blackhole")
    ran = run(lab, f"sync {engine} --metadata-urls http://169.254.169.254 --default nic=eth1")
    assert ran.code == 1
    assert "the metadata service can't be reached since the routes were written" in ran.err
    assert "the routes are as they were before the pass" in ran.err and "except" not in ran.err
    assert shown(lab) == before


# ---- host routes: R5 --------------------------------------------------------------------------------


@pytest.mark.parametrize("order", [0, 1])
def test_a_multipath_host_route_is_adopted_only_if_every_next_hop_is_right(
    lab: Lab, engine: str, tmp_path: Path, order: int
) -> None:
    """K9, in both families and orders, also by a nexthop object."""
    nics(lab)
    add(lab, *OBJECTS)
    hops6 = ["nexthop via fd00:8::1 dev eth1", "nexthop via fd00:65::1 dev eth0"][:: 1 - 2 * order]
    hops4 = ["nexthop via 11.8.0.1 dev eth1", "nexthop via 10.65.0.1 dev eth0"][:: 1 - 2 * order]
    add(
        lab,
        f"-6 route add fd00:11:11::/48 {' '.join(hops6)}",
        "-6 route add fd00:11:12::/48 nhid 24",
        f"route add 11.11.0.0/16 {' '.join(hops4)}",
        "route add 11.12.0.0/16 nhid 14",
    )
    before = shown(lab)
    given = metadata(
        tmp_path,
        net(0, ("0.0.0.0/0", "10.65.0.1"), ("11.11.0.0/16", "11.8.0.1"), ("11.12.0.0/16", "11.8.0.1")),
        net(1, ("0.0.0.0/0", "11.8.0.1")),
        net(0, ("::/0", "fd00:65::1"), ("fd00:11:11::/48", "fd00:8::1"), ("fd00:11:12::/48", "fd00:8::1"), family=6),
        net(1, ("::/0", "fd00:8::1"), family=6),
    )
    synced(lab, f"{engine} {given}")
    for address in ("11.11.3.4", "11.12.3.4", *(f"fd00:11:{n}::{i:x}" for n in (11, 12) for i in range(1, 20))):
        assert " dev eth1 " in lab.ip("route", "get", address), address
    assert [line for line in before if line not in shown(lab)] == []


@pytest.mark.parametrize("first", ["", " onlink"])
def test_of_two_of_ours_that_differ_by_a_flag_one_goes(lab: Lab, engine: str, first: str) -> None:
    """Asked to delete either, the kernel deletes the first one."""
    nics(lab)
    second = "" if first else " onlink"
    for line in ("default via 10.65.0.1 dev eth0", "11.11.0.0/16 via 11.8.0.1 dev eth1"):
        add(lab, f"route add {line} proto 121{first}", f"route append {line} proto 121{second}")
    command = f"sync --metadata {document('documented')} {engine}"
    assert run(lab, command).code == 0
    left = [line for line in table(lab) if "proto 121" in line]
    assert left == [
        f"default via 10.65.0.1 dev eth0 proto 121{second}",
        f"11.11.0.0/16 via 11.8.0.1 dev eth1 proto 121{second}",
    ]
    assert run(lab, command).out.startswith("nothing to do")


# ---- gateways stay reachable: R7 --------------------------------------------------------------------


def calico(lab: Lab, family: int) -> None:
    """NICs with an address of whole length, their gateways reached on link; eth0's default is there."""
    if family == 6:
        lab.nic("eth0", MACS[0], "fd00:65::7/128", gateways=("fd00:65::1/128",))
        lab.nic("eth1", MACS[1], "fd00:8::9/128", gateways=("fd00:8::1/128",))
        add(lab, "-6 route add default via fe80::a9fe:a9fe dev eth0 proto ra")
    else:
        lab.nic("eth0", MACS[0], "10.65.0.7/32", gateways=("10.65.0.1/32",))
        lab.nic("eth1", MACS[1], "11.8.0.9/32", gateways=("11.8.0.1/32",))
        add(lab, "route add default via 10.65.0.1 dev eth0 onlink")


CALICO = {
    6: (("fd00::/8", "fd00:65::1"), ("fd00:11:11::/48", "fd00:8::1"), "fd00:65::7/128", "fd00:8::9/128", "::/0"),
    4: (("11.0.0.0/8", "10.65.0.1"), ("11.11.0.0/16", "11.8.0.1"), "10.65.0.7/32", "11.8.0.9/32", "0.0.0.0/0"),
}


@pytest.mark.parametrize("stale", [False, True])
@pytest.mark.parametrize("order", [0, 1])
@pytest.mark.parametrize("family", [6, 4])
def test_host_routes_that_cover_gateways(
    lab: Lab, engine: str, tmp_path: Path, family: int, order: int, stale: bool
) -> None:
    """K11 in both families and orders, and with a covering route of ours left from an earlier document."""
    calico(lab, family)
    wide, narrow, own0, own1, every = CALICO[family]
    before = shown(lab)
    eth0, eth1 = (every, wide[1]), (every, narrow[1])
    if stale:
        given = metadata(tmp_path, net(0, eth0, wide, family=family, own=own0), net(1, eth1, family=family, own=own1))
        synced(lab, f"{engine} {given}")
    listed = [wide, narrow][:: 1 - 2 * order]
    if stale:
        listed = [narrow]
    given = metadata(tmp_path, net(0, eth0, *listed, family=family, own=own0), net(1, eth1, family=family, own=own1))
    synced(lab, f"{engine} {given}")
    inside = "fd00:11:11::5" if family == 6 else "11.11.3.4"
    assert " dev eth1 " in lab.ip("route", "get", inside)
    # The gateway itself is reached through its own NIC, without a gateway.
    if not stale:
        got = lab.ip("route", "get", narrow[1])
        assert " dev eth1 " in got and " via " not in got
    assert run(lab, f"withdraw {engine}").code == 0
    assert shown(lab) == before


@pytest.mark.parametrize("tunnel", ["-6 address add fd00:8::99/64 dev wg0 nodad", "-6 route add fd00::/8 dev wg0"])
def test_a_tunnel_on_link_that_covers_a_gateway(lab: Lab, engine: str, tmp_path: Path, tunnel: str) -> None:
    """IPv6 refuses a next hop that another device's route on link covers, with and without onlink."""
    calico(lab, 6)
    lab.nic("wg0", MACS[2], "fd00:99::2/64", gateways=("fd00:99::1/64",))
    add(lab, tunnel)
    before = shown(lab)
    _, narrow, own0, own1, every = CALICO[6]
    networks = net(0, family=6, own=own0), net(1, (every, narrow[1]), narrow, family=6, own=own1)
    given = metadata(tmp_path, *networks)
    synced(lab, f"{engine} {given}")
    assert " dev eth1 " in lab.ip("route", "get", "2001:db8::1")
    assert " dev eth1 " in lab.ip("route", "get", "fd00:11:11::5")
    assert [line for line in before if "wg0" in line and line not in shown(lab)] == []
    assert run(lab, f"withdraw {engine}").code == 0
    # The router announces its default anew.
    assert [line for line in shown(lab) if "default" not in line] == [line for line in before if "default" not in line]


@pytest.mark.parametrize("own", ["128", "64"])
@pytest.mark.parametrize("tunnel", ["fd00:8::/80 dev wg0", "fd00:8::/80 via fe80::1 dev wg0", "fd00:8::1 dev wg0"])
def test_a_tunnel_that_covers_the_gateway_of_a_recorded_default(
    lab: Lab, engine: str, tmp_path: Path, tunnel: str, own: str
) -> None:
    """The kernel would refuse it, though it would have kept it: the gateway is on link for that moment."""
    lab.nic("eth0", MACS[0], "fd00:65::7/64", gateways=("fd00:65::1/64",))
    lab.nic("eth1", MACS[1], f"fd00:8::9/{own}", gateways=("fd00:8::1/64",))
    lab.nic("wg0", MACS[2], "fd00:99::2/64", gateways=("fd00:99::1/64",))
    add(lab, "-6 route add default via fd00:8::1 dev eth1 metric 50 onlink mtu 1400")
    given = metadata(tmp_path, net(0, ("::/0", "fd00:65::1"), family=6), net(1, family=6, own=f"fd00:8::9/{own}"))
    before = shown(lab)
    synced(lab, f"{engine} {given}")
    add(lab, f"-6 route add {tunnel}")
    ran = run(lab, f"withdraw {engine}")
    assert (ran.code, ran.err) == (0, ""), ran
    assert "withdrawn: 1 route, 1 default restored" in ran.out
    add(lab, f"-6 route del {tunnel}")
    assert shown(lab) == before


def test_a_host_route_that_covers_its_own_gateway(lab: Lab, engine: str, tmp_path: Path) -> None:
    """K12: a deleted default comes back; `withdraw` succeeds at the first try."""
    nics(lab)
    add(
        lab,
        "-6 route add default via fd00:8::1 dev eth1 metric 7 proto static",
        "-6 route append default via fd00:8::77 dev eth1 metric 8 proto static",
        "-6 route append default via fd00:65::1 dev eth0 metric 9 proto static",
    )
    before = shown(lab)
    given = metadata(
        tmp_path,
        net(0, ("::/0", "fd00:8::1"), ("fd00:8::/65", "fd00:8::1"), family=6),
        net(1, ("::/0", "fd00:8::1"), family=6),
    )
    synced(lab, f"{engine} {given}")
    assert len(defaults(lab, 6)) == 1 and "via fd00:8::1 dev eth1" in defaults(lab, 6)[0]
    add(lab, "-6 route del default via fd00:8::1 dev eth1")
    synced(lab, f"{engine} {given}")
    assert len(defaults(lab, 6)) == 1 and "via fd00:8::1 dev eth1" in defaults(lab, 6)[0]
    add(lab, "-6 route add default via fd00:8::1 dev eth1 metric 7 proto static")
    synced(lab, f"{engine} {given}")
    ran = run(lab, f"withdraw {engine}")
    assert (ran.code, ran.err) == (0, "")
    assert shown(lab) == before


GATEWAYS = {
    4: ("10.65.0.1", "11.8.0.1", 32, ("10.65.0.0/25", "11.8.0.1"), "11.11.0.0/16"),
    6: ("fd00:65::1", "fd00:8::1", 128, ("fd00:65::/65", "fd00:8::1"), "fd00:11:11::/48"),
}
"""Those of eth0 and eth1, their lengths, a host route that covers eth0's, and the destination of another."""


@pytest.mark.parametrize("covered", [False, True])
@pytest.mark.parametrize("order", [0, 1])
@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("family", [6, 4])
def test_a_host_route_to_the_gateway_by_itself(
    lab: Lab, engine: str, tmp_path: Path, family: int, whole: bool, order: int, covered: bool
) -> None:
    """It never keeps the default out: at first, after a program has deleted the default, or all of ours."""
    calico(lab, family) if whole else nics(lab)
    first, second, length, around, other = GATEWAYS[family]
    own0, own1 = CALICO[family][2:4] if whole else ("", "")
    every = CALICO[family][4]
    listed = [(every, first), (f"{first}/{length}", first)][:: 1 - 2 * order]
    more = [around] if covered else []
    eth1 = net(1, (every, second), (other, second), *more, family=family, own=own1)
    networks = net(0, *listed, family=family, own=own0), eth1
    given = metadata(tmp_path, *networks)
    synced(lab, f"{engine} {given}")
    table = shown(lab)
    flag = "-6" if family == 6 else "-4"
    for deleted in ("default", "table main proto 121", "default"):
        add(lab, f"{flag} route flush {deleted}")
        synced(lab, f"{engine} {given}")
        assert any(f"via {first} dev eth0" in line for line in defaults(lab, family))
        assert " dev eth0 " in lab.ip("route", "get", first)
    assert [line for line in shown(lab) if "default" not in line] == [line for line in table if "default" not in line]


@pytest.mark.parametrize("covered", [False, True])
@pytest.mark.parametrize("order", [0, 1])
@pytest.mark.parametrize("family", [6, 4])
def test_a_host_route_to_the_gateway_by_another_nic(
    lab: Lab, engine: str, tmp_path: Path, family: int, order: int, covered: bool
) -> None:
    """IPv4 sends what is meant for the gateway as listed; IPv6 would refuse the default: it is not programmed."""
    nics(lab)
    first, second, length, around, other = GATEWAYS[family]
    every = CALICO[family][4]
    listed = [(f"{first}/{length}", second), around, (other, second)] if covered else [(f"{first}/{length}", second)]
    eth0, eth1 = net(0, (every, first), family=family), net(1, *listed[:: 1 - 2 * order], family=family)
    given = metadata(tmp_path, *[eth0, eth1][:: 1 - 2 * order])
    code, nic = (0, "eth1") if family == 4 else (5, "eth0")
    flag = "-6" if family == 6 else "-4"
    # As an earlier version left it.
    add(lab, f"{flag} route add {first}/{length} via {second} dev eth1 proto 121 metric {0 if family == 4 else 1023}")
    for deleted in ("default", "default", "table main proto 121"):
        ran = synced(lab, f"{engine} {given}", code)
        assert any(f"via {first} dev eth0" in line for line in defaults(lab, family))
        assert f" dev {nic} " in lab.ip("route", "get", first)
        assert ("fd00:65::1/128 is eth0's gateway, which IPv6 must reach on link" in ran.out) == (family == 6)
        add(lab, f"{flag} route flush {deleted}")


@pytest.mark.parametrize("known", ["document", "router"])
@pytest.mark.parametrize("order", [0, 1])
def test_a_link_local_next_hop_leads_through_the_listing_networks_nic(
    lab: Lab, engine: str, tmp_path: Path, order: int, known: str
) -> None:
    """R3: eth0's gateway has the same address, which is another router on eth1's link."""
    nics(lab)
    documented = [("::/0", "fe80::1")] if known == "document" else []
    if known == "router":
        add(lab, "-6 route add default via fe80::1 dev eth0 proto ra")
    eth0, eth1 = net(0, *documented, family=6), net(1, ("fd11::/16", "fe80::1"), family=6)
    if known == "router":
        eth0["type"] = "ipv6_slaac"
    given = metadata(tmp_path, *[eth0, eth1][:: 1 - 2 * order])
    synced(lab, f"{engine} {given}")
    assert " via fe80::1 dev eth1 " in lab.ip("route", "get", "fd11::5")
    assert " via fe80::1 dev eth0 " in lab.ip("route", "get", "2001:db8::1")


# ---- withdraw gives back what was -------------------------------------------------------------------


@pytest.mark.parametrize(
    "there",
    [
        ["via 11.8.0.1 dev eth1", "via 10.65.0.1 dev eth0"],
        ["via 11.8.0.1 dev eth1", "via 11.8.0.2 dev eth1", "via 10.65.0.1 dev eth0", "via 11.8.0.3 dev eth1"],
        ["via 10.200.0.1 dev wg0", "via 11.8.0.1 dev eth1", "via 10.65.0.1 dev eth0"],
        ["via 11.8.0.1 dev eth1", "via 10.200.0.1 dev wg0", "via 10.65.0.1 dev eth0"],
        ["via 11.8.0.1 dev eth1 metric 5", "via 10.65.0.1 dev eth0 metric 5", "via 11.8.0.1 dev eth1"],
    ],
)
def test_the_order_among_equals_comes_back(
    lab: Lab, engine: str, given: Dict[int, str], watch: Watch, there: Sequence[str]
) -> None:
    """K10."""
    nics(lab)
    add(lab, *(f"route append default {route}" for route in there))
    before = shown(lab)
    watch.changes()
    synced(lab, f"{engine} {given[4]}", 5 if "dev wg0" in there[0] else 0)  # wg0's wins (R8)
    assert run(lab, f"withdraw {engine}").code == 0
    assert shown(lab) == before
    assert watch.fewest_defaults(len(there)) >= 1


def test_the_order_among_equals_comes_back_after_several_passes(
    lab: Lab, engine: str, given: Dict[int, str], tmp_path: Path
) -> None:
    nics(lab)
    routes = ["via 11.8.0.1 dev eth1", "via 11.8.0.2 dev eth1", "via 10.65.0.1 dev eth0"]
    add(lab, *(f"route append default {route}" for route in routes))
    before = shown(lab)
    synced(lab, f"{engine} {given[4]}")
    other = metadata(tmp_path, net(1, ("0.0.0.0/0", "11.8.0.1")), net(0, ("0.0.0.0/0", "10.65.0.1")))
    synced(lab, f"{engine} {other}")
    assert run(lab, f"withdraw {engine}").code == 0
    assert shown(lab) == before


@pytest.mark.parametrize("there", [["eth1 fd00:8::1", "eth0 fd00:65::1"], ["eth0 fd00:65::1", "eth1 fd00:8::1"]])
def test_ipv6_next_hops_of_two_programs(lab: Lab, engine: str, given: Dict[int, str], there: Sequence[str]) -> None:
    """K8: what is left of a merged route shows its own protocol: that is no failure. The order comes back too."""
    nics(lab)
    for protocol, one in zip(("ra", "static"), there):
        nic, gateway = one.split()
        gateway = "fe80::a9fe:a9fe" if protocol == "ra" and nic == "eth1" else gateway
        add(lab, f"-6 route append default via {gateway} dev {nic} proto {protocol}")
    before = shown(lab)
    synced(lab, f"{engine} {given[6]}")
    assert [line.split()[4] for line in defaults(lab, 6)] == ["eth0"]
    assert run(lab, f"withdraw {engine}").code == 0
    if there[0].startswith("eth0"):  # The other way round eth1's is its router's.
        assert shown(lab) == before


@pytest.mark.parametrize(
    ("added", "code", "served"),
    [
        ("via fd00:8::1 dev eth1", 0, "via fd00:65::1 dev eth0 proto 121 metric 1023"),
        ("via fe80::9 dev eth1 proto ra", 0, "via fd00:65::1 dev eth0 proto 121 metric 1023"),
        ("via fe80::9 dev eth0 proto ra", 0, "via fe80::9 dev eth0 proto ra metric 1023"),
        ("via fd00:200::1 dev wg0", 5, "via fd00:200::1 dev wg0 metric 1023"),
    ],
)
def test_a_default_that_is_merged_into_ours(
    lab: Lab, engine: str, given: Dict[int, str], added: str, code: int, served: str
) -> None:
    """K8: IPv6 shows it with our protocol. It is another program's all the same: taken as such, or kept."""
    nics(lab)
    synced(lab, f"{engine} {given[6]}")
    add(lab, f"-6 route append default {added} metric 1023")
    assert "nexthop" in " ".join(defaults(lab, 6))
    ran = synced(lab, f"{engine} {given[6]}", code)
    assert f"default {served} pref medium" in defaults(lab, 6), ran
    assert not any("nexthop" in line for line in defaults(lab, 6))
    ran = run(lab, f"withdraw {engine}")
    assert ran.code == 0
    (default,) = defaults(lab, 6)  # Whose protocol was never shown comes back with that of a route made by hand.
    assert default.startswith(f"default {added.replace(' proto ra', '') if 'eth1' in added else added}")


@pytest.mark.parametrize("added", ["via fd00:65::1 dev eth0", "via fd00:200::1 dev wg0", "via fd00:8::2 dev eth1"])
def test_a_route_that_is_merged_into_our_host_route(lab: Lab, engine: str, tmp_path: Path, added: str) -> None:
    """The same: ours makes itself the better one, and the other stays."""
    nics(lab)
    networks = net(0, ("::/0", "fd00:65::1"), ("fd11::/48", "fd00:8::1"), family=6), net(1, family=6)
    given = metadata(tmp_path, networks[0], {**networks[1], "gateway": "fd00:8::1"})
    synced(lab, f"{engine} {given}")
    add(lab, f"-6 route append fd11::/48 {added} metric 1023")
    synced(lab, f"{engine} {given}")
    there = [line for line in table(lab, 6) if line.startswith("fd11::/48")]
    assert there == [
        "fd11::/48 via fd00:8::1 dev eth1 proto 121 metric 1022 pref medium",
        f"fd11::/48 {added} metric 1023 pref medium",
    ]
    assert run(lab, f"withdraw {engine}").code == 0
    assert [line for line in table(lab, 6) if line.startswith("fd11::/48")] == there[1:]


def test_a_default_whose_source_address_has_gone(lab: Lab, engine: str, given: Dict[int, str]) -> None:
    """K6: named and kept; given back once the address is there again."""
    nics(lab)
    add(
        lab,
        "address add 11.8.0.60/24 dev eth1",
        "route add default via 10.65.0.1 dev eth0",
        "route append default via 11.8.0.1 dev eth1 src 11.8.0.60",
    )
    before = shown(lab)
    synced(lab, f"{engine} {given[4]}")
    add(lab, "address del 11.8.0.60/24 dev eth1")
    for _ in range(2):
        ran = run(lab, f"withdraw {engine}")
        assert (ran.code, ran.err) == (0, "")
        assert "? default via 11.8.0.1 dev eth1 proto boot src 11.8.0.60" in ran.out
        assert "not restored: no NIC has its source address any more; it stays recorded" in ran.out
        assert "default restored" not in ran.out
        assert defaults(lab) == ["default via 10.65.0.1 dev eth0"]
    add(lab, "address add 11.8.0.60/24 dev eth1")
    ran = run(lab, f"withdraw {engine}")
    assert (ran.code, ran.err) == (0, "")
    assert "1 default restored" in ran.out
    assert shown(lab) == before


OTHER_OBJECTS = [
    (11, ""),
    (11, "via 10.200.0.1 dev wg0"),
    (11, "encap ip id 5 dst 10.65.0.9 via 11.8.0.1 dev eth1"),
    (11, "via 11.8.0.1 dev eth1 onlink"),
    (21, "encap ip6 id 5 dst fd00:65::5 via fd00:8::1 dev eth1"),
    (21, "via fd00:8::1 dev eth1 onlink"),
]


@pytest.mark.parametrize(("nhid", "now"), OTHER_OBJECTS)
def test_a_recorded_nexthop_object_that_is_another_now(
    lab: Lab, engine: str, given: Dict[int, str], nhid: int, now: str
) -> None:
    """K6: its id alone isn't believed, nor its next hops alone: an encapsulated one could not be taken again."""
    nics(lab)
    family, gateway, own, group = (4, "10.65.0.1", "11.8.0.1", 14) if nhid == 11 else (6, "fd00:65::1", "fd00:8::1", 24)
    add(
        lab,
        *OBJECTS,
        f"-{family} route add default via {gateway} dev eth0",
        f"-{family} route append default nhid {nhid} metric 2009",
        f"-{family} route append default nhid {group} metric 2010",
    )
    synced(lab, f"{engine} {given[family]}")
    left = defaults(lab, family)
    if now:
        add_if_known(lab, f"-{family} nexthop replace id {nhid} {now}")
    else:
        add(lab, f"nexthop del id {nhid}")
    ran = run(lab, f"withdraw {engine}")
    assert ran.code == 0, ran
    assert f"? default nhid {nhid} via {own} dev eth1 proto boot metric 2009" in ran.out
    assert "not restored: its nexthop object is gone, or is another one now; it stays recorded" in ran.out
    assert "default restored" not in ran.out
    assert "default nhid" not in ran.out.replace("? default nhid", "")
    assert defaults(lab, family) == left
    add(lab, f"-{family} nexthop {'replace' if now else 'add'} id {nhid} via {own} dev eth1")
    ran = run(lab, f"withdraw {engine}")
    back = [" ".join(line.split()[:7]) for line in defaults(lab, family) if f"nhid {nhid}" in line]
    assert (ran.code, back) == (0, [f"default nhid {nhid} via {own} dev eth1"]), ran
    # A group that has lost its member is not what it was.
    assert (f"? default nhid {group}" in ran.out) == (not now), ran


AMONG_OBJECTS = [
    ["nhid 16", "dev eth1", "nhid 16 mtu 1400"],
    ["nhid 16 mtu 1400", "via 11.8.0.1 dev eth1", "nhid 16"],
    ["nhid 16", "via 11.8.0.1 dev eth1", "nhid 16 mtu 1400", "nhid 16 mtu 1300"],
    ["nhid 11", "nhid 11 congctl reno", "via 10.200.0.1 dev wg0"],
    ["nhid 14", "nhid 14 congctl reno", "via 10.200.0.1 dev wg0"],
    ["nhid 11 mtu 1400", "nhid 11 mtu 1300", "nhid 11", "via 10.200.0.1 dev wg0"],
    ["nhid 11 mtu 1400", "nhid 11", "via 10.65.0.1 dev eth0", "nhid 11 mtu 1300"],
]


@pytest.mark.parametrize("there", AMONG_OBJECTS)
def test_twins_by_an_object_come_back_each(lab: Lab, engine: str, given: Dict[int, str], there: Sequence[str]) -> None:
    """One by a blackhole is unicast to the kernel; one without metrics would get those of its twin, or be refused."""
    nics(lab)
    add(lab, *OBJECTS, "nexthop add id 16 blackhole")
    # The one without metrics has to come first: iproute2 can't say that it has none.
    bare = next(place for place, one in enumerate(there) if one.startswith("nhid") and len(one.split()) == 2)
    add(lab, f"route add default {there[bare]}")
    add(lab, *(f"route prepend default {one}" for one in reversed(there[:bare])))
    add(lab, *(f"route append default {one}" for one in there[bare + 1 :]))
    before = shown(lab)
    ran = run(lab, f"sync {engine} {given[4]}")
    assert ran.code in (0, 5), ran
    ran = run(lab, f"withdraw {engine}")
    assert (ran.code, shown(lab)) == (0, before), ran


def test_a_renamed_nic(lab: Lab, engine: str, tmp_path: Path) -> None:
    """K7: a NIC is its MAC, and its recorded default comes back under the new name."""
    nics(lab)
    add(lab, "route add default via 10.65.0.1 dev eth0", "route append default via 11.8.0.1 dev eth1 metric 9")
    given = metadata(tmp_path, net(0, ("0.0.0.0/0", "10.65.0.1")), {**net(1), "type": "ipv4_dhcp", "routes": []})
    words = f"{engine} {given} --routes 11.11.0.0/16,11.8.0.1"
    synced(lab, words)
    add(lab, "link set eth1 down", "link set eth1 name ens4", "link set ens4 up")
    for _ in range(4):
        assert run(lab, f"sync {words}").code == 0
    assert [line for line in table(lab) if line.startswith("11.11.")] == [
        "11.11.0.0/16 via 11.8.0.1 dev ens4 proto 121"
    ]
    assert run(lab, f"withdraw {engine}").code == 0
    assert defaults(lab) == ["default via 10.65.0.1 dev eth0", "default via 11.8.0.1 dev ens4 metric 9"]


BRIDGE = ["link add br0 type bridge", "{mac}", "link set eth1 master br0", "link set br0 up"]
OTHER_MAC = "link set eth1 address fa:16:3e:00:00:77"
OWN, NEW = "address add {own} dev br0 {nodad}", "address add {new} dev br0 {nodad}"
MOVED = {
    "bridge": (["address flush dev eth1", *BRIDGE, OWN], "br0"),
    "bridge by DHCP": (["address flush dev eth1", *BRIDGE, NEW], "br0"),
    "bridge of its own MAC": (["address flush dev eth1", *(one for one in BRIDGE if one != "{mac}"), OWN], "br0"),
    "another one of its MAC": ([*BRIDGE[:2], "link set br0 up", "address add 192.0.2.1/24 dev br0"], "eth1"),
    "MAC": ([OTHER_MAC], "eth1"),
    "MAC and name": (
        ["link set eth1 down", f"{OTHER_MAC} name ens4", "link set ens4 up", "address replace {own} dev ens4 {nodad}"],
        "ens4",
    ),
}


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize("how", MOVED)
def test_a_recorded_default_follows_its_nic(
    lab: Lab, engine: str, given: Dict[int, str], how: str, family: int
) -> None:
    """Into a bridge with its address, and under another MAC: by its addresses, MAC, index and name."""
    nics(lab)
    commands, now = MOVED[how]
    gateways = ("10.65.0.1", "11.8.0.1") if family == 4 else ("fd00:65::1", "fd00:8::1")
    own, new = ("11.8.0.9/24", "11.8.0.44/24") if family == 4 else ("fd00:8::9/64", "fd00:8::44/64")
    words = {"own": own, "new": new, "nodad": "nodad" if family == 6 else "", "mac": f"link set br0 address {MACS[1]}"}
    append = f"-{family} route append default via"
    add(lab, f"{append} {gateways[0]} dev eth0 metric 100", f"{append} {gateways[1]} dev eth1 metric 2000 mtu 1400")
    synced(lab, f"{engine} {given[family]}")
    add(lab, *(one.format(**words) for one in commands))
    ran = run(lab, f"withdraw {engine}")
    assert (ran.code, ran.err) == (0, ""), ran
    assert f"+ default via {gateways[1]} dev {now} proto boot metric 2000 mtu 1400" in ran.out
    assert f"default via {gateways[1]} dev {now} metric 2000" in "\n".join(defaults(lab, family))


@pytest.mark.parametrize(
    "there", ["via 11.8.0.1 dev eth1", "nexthop via 11.8.0.1 dev eth1 nexthop via 10.200.0.1 dev wg0"]
)
def test_a_nic_that_has_gone_keeps_its_name_in_what_is_not_restored(
    lab: Lab, engine: str, given: Dict[int, str], there: str
) -> None:
    nics(lab)
    add(lab, f"route add default {there}", "route add default via 10.65.0.1 dev eth0 metric 9")
    synced(lab, f"{engine} {given[4]}", 0 if "wg0" not in there else 5)
    add(lab, "link del eth1")
    ran = run(lab, f"withdraw {engine}")
    said = "not restored: its NIC is not there; it stays recorded"
    assert re.search(rf"\? default (proto boot nexthop )?via 11.8.0.1 dev eth1 [a-z0-9. ]*{said}", ran.out), ran
    value = json.loads(lab.run("withdraw", "--json", *engine.split()).stdout)
    assert len(value["warnings"]) == 1 and " via 11.8.0.1 dev eth1 " in value["warnings"][0]


def test_a_default_too_many_that_stays_is_no_route_of_the_document(
    lab: Lab, engine: str, given: Dict[int, str]
) -> None:
    """It is in effect: it is counted and named apart, and taken out where it is configured."""
    nics(lab)
    add(lab, "route add default encap ip id 5 dst 11.8.0.1 via 11.8.0.1 dev eth1")
    words = f"{engine} {given[4]}"
    for _ in range(2):
        ran = run(lab, f"sync {words}")
        assert ran.code == 5 and "? default encap ... via 11.8.0.1 dev eth1 proto boot one default too many" in ran.out
        assert ran.out.endswith("1 default too many") and "not programmed" not in ran.out, ran
    status = run(lab, f"status {engine}")
    assert status.code == 5 and "missing" not in status.out, status
    assert "extra 1 default too many: ? default encap ... via 11.8.0.1 dev eth1 proto boot" in status.out
    doctor = run(lab, f"doctor {words} --deadline-seconds 1")
    assert "not in effect" not in doctor.out and "1 finding: ! default encap ... via 11.8.0.1 dev eth1" in doctor.out
    assert "the same (encap) -> take it out where it is configured" in doctor.out, doctor


def test_of_a_lifetime_that_has_passed_nothing_is_left(lab: Lab, engine: str, given: Dict[int, str]) -> None:
    nics(lab)
    add(lab, "-6 route add default via fd00:8::1 dev eth1 metric 2000 expires 2")
    synced(lab, f"{engine} {given[6]}")
    time.sleep(2.5)
    ran = run(lab, f"withdraw {engine}")
    assert "? default via fd00:8::1 dev eth1 proto boot metric 2000 not restored: its lifetime has passed" in ran.out, (
        ran
    )


def test_a_nic_of_another_mac_and_address_is_another_one(lab: Lab, engine: str, given: Dict[int, str]) -> None:
    nics(lab)
    add(lab, "route append default via 10.65.0.1 dev eth0", "route append default via 11.8.0.1 dev eth1")
    synced(lab, f"{engine} {given[4]}")
    add(lab, OTHER_MAC, "address flush dev eth1", "address add 11.8.0.44/24 dev eth1")
    ran = run(lab, f"withdraw {engine}")
    assert (ran.code, ran.err) == (0, ""), ran
    assert "not restored: its NIC is not there; it stays recorded" in ran.out, ran
    add(lab, f"link set eth1 address {MACS[1]}")
    assert "1 default restored" in run(lab, f"withdraw {engine}").out


@pytest.mark.parametrize("kind", ["unreachable", "blackhole", "prohibit", "throw"])
@pytest.mark.parametrize("family", [4, 6])
def test_a_default_that_rejects_is_no_heir(
    lab: Lab, engine: str, given: Dict[int, str], family: int, kind: str
) -> None:
    """K13: our only default is handed over all the same."""
    nics(lab)
    add(lab, f"-{family} route add {kind} default metric 4278198272")
    synced(lab, f"{engine} {given[family]}")
    assert run(lab, f"withdraw {engine}").code == 0
    gateway = "fd00:65::1" if family == 6 else "10.65.0.1"
    assert [line for line in defaults(lab, family) if line.startswith(f"default via {gateway} dev eth0")]


def test_an_advertised_default_is_not_said_to_be_recorded(lab: Lab, engine: str, given: Dict[int, str]) -> None:
    """K15: its router brings it back, not `withdraw`, and in front of what is kept till then."""
    nics(lab)
    advertised = "-6 route add default via fe80::a9fe:a9fe dev eth1 proto ra metric 1024 expires 600"
    add(lab, advertised)
    ran = run(lab, f"sync {engine} {given[6]}")
    assert ran.code == 0
    assert "recorded" not in ran.out
    assert "its router's next advertisement brings it back" in ran.out
    ran = run(lab, f"withdraw {engine}")
    assert ran.code == 0
    assert "default via fe80::a9fe:a9fe dev eth1" in ran.out and "next advertisement" in ran.out
    assert "default restored" not in ran.out and "1 default kept" in ran.out
    assert " dev eth0 " in lab.ip("-6", "route", "get", "2001:db8::1")
    add(lab, advertised)
    assert " dev eth1 " in lab.ip("-6", "route", "get", "2001:db8::1")


def test_a_reboot(lab: Lab, engine: str, given: Dict[int, str]) -> None:
    """The network manager writes its defaults anew, the NICs have other indexes: what this boot had comes back."""
    nics(lab)
    routes = ["route add default via 11.8.0.1 dev eth1 mtu 1400", "route append default via 10.65.0.1 dev eth0"]
    add(lab, *routes)
    before = shown(lab)
    synced(lab, f"{engine} {given[4]}")
    stored = Path("/var/lib/guest-routes/defaults")
    record = json.loads(stored.read_text())
    stored.write_text(json.dumps({**record, "boot_id": "11111111-2222-3333-4444-555555555555"}))
    add(lab, "link del eth0", "link del eth1", "link del wg0")
    nics(lab)
    add(lab, *routes)
    synced(lab, f"{engine} {given[4]}")
    ran = run(lab, f"withdraw {engine}")
    assert (ran.code, ran.err) == (0, "")
    assert shown(lab) == before


@pytest.fixture
def watch(lab: Lab) -> Any:
    """What the kernel says about its routes during the test."""
    made = Watch()
    yield made
    made.close()


__all__ = ["unfolded"]


def test_a_default_for_packets_from_a_prefix_is_another_one(lab: Lab, engine: str) -> None:
    """It stands beside the one that goes, with the same gateway and metric, and is no part of it."""
    nics(lab)
    add(
        lab,
        "-6 route add default via fd00:65::1 dev eth0",
        "-6 route add default via fd00:8::1 dev eth1 metric 2048",
        "-6 route add default from fd00:8::/64 via fd00:8::1 dev eth1 metric 2048",
    )
    ran = run(lab, f"sync {engine} --metadata {document('dual-stack')}")
    assert "still there" not in ran.out + ran.err
    left = lab.ip("-6", "route", "show", "default")
    assert "default via fd00:8::1" not in left and "default from fd00:8::/64 via fd00:8::1" in left


def test_plan_and_sync_agree_about_what_comes_first(lab: Lab, engine: str) -> None:
    """A VPN's next hop of a multipath default stays behind the elected one, and so the plan says."""
    nics(lab)
    add(
        lab,
        "route append default via 10.65.0.1 dev eth0",
        "route prepend default nexthop via 11.8.0.1 dev eth1 nexthop via 10.200.0.1 dev wg0",
    )
    planned = run(lab, f"plan {engine} --metadata {document('documented')}")
    ran = run(lab, f"sync {engine} --metadata {document('documented')}")
    assert " dev eth0 " in lab.ip("route", "get", "192.0.2.9")
    assert (planned.code, ran.code) == (0, 0)
    assert "10.200.0.1 dev wg0 wins" not in planned.out
