"""Source routing on the real kernel, on a hypervisor as Calico makes it: every address answers every host (R21)."""

from __future__ import annotations

import json
import re
import subprocess
import time
from pathlib import Path
from typing import Any, Dict, List, Set, Tuple

import pytest

from guest_routes.kernel.rtnetlink.engine import RtnetlinkKernel
from guest_routes.model.settings import Settings
from guest_routes.state.store import State
from guest_routes.sync import sync
from tests.support.by_source import (
    ETH0,
    ETH1,
    FILE,
    ON,
    TABLES,
    killed_after,
    mains,
    own_rules,
    own_table,
    synced,
    way,
)
from tests.support.calico import (
    ANSWERED_BY_MAIN,
    BEHIND,
    GATEWAYS,
    INSIDE,
    OUTSIDE,
    OWN,
    PAIRS,
    ROUTER,
    Calico,
    Pair,
    answered_in,
    echo,
)
from tests.support.lab import Lab, document, write_document
from tests.support.passes import Watch, run, valid_json
from tests.support.service import Service, Start, write_settings


@pytest.fixture(params=["rtnetlink", "pyroute2"])
def engine(request: pytest.FixtureRequest) -> str:
    """Both engines."""
    return f"--engine {request.param}"


# ---- the proof ----------------------------------------------------------------------------------------


def test_every_address_answers_every_host(lab: Lab, engine: str) -> None:
    calico = Calico(lab)
    synced(lab, f"{FILE} {engine}")
    echo(lab)
    before = calico.answered()
    assert set(before["tcp"]) == set(before["udp"]) == ANSWERED_BY_MAIN
    main = mains(lab)
    synced(lab, f"{ON} {engine}")
    after = calico.answered()
    assert set(after["tcp"]) == set(after["udp"]) == set(PAIRS)
    assert mains(lab) == main
    pairs = [(owns[family], TABLES[nic]) for family in (0, 1) for nic, owns in OWN.items()]
    assert own_rules(lab) == [f"from {own} lookup {number}" for own, number in pairs]
    assert own_table(lab, "eth1") == ["default via 11.8.0.1 dev eth1 metric 1024", "11.8.0.0/24 dev eth1 scope link"]
    synced(lab, f"{FILE} {engine}")
    assert (own_rules(lab), own_table(lab, "eth0"), own_table(lab, "eth1", 6), mains(lab)) == ([], [], [], main)


def test_the_instance_s_own_strict_reverse_path_filter_agrees(lab: Lab) -> None:
    calico = Calico(lab)
    for nic in OWN:
        subprocess.run(["sysctl", "-qw", f"net.ipv4.conf.{nic}.rp_filter=1"], check=True)
    synced(lab, FILE)
    echo(lab)
    pairs = [pair for pair in PAIRS if ":" not in pair.remote]
    assert set(calico.answered(pairs)["tcp"]) < set(pairs)
    synced(lab)
    assert set(calico.answered(pairs)["tcp"]) == set(pairs)


def test_a_second_pass_writes_nothing(lab: Lab, engine: str) -> None:
    Calico(lab)
    synced(lab, f"{ON} {engine}")
    watch = Watch()
    assert "nothing to do" in synced(lab, f"{ON} {engine}")
    other = {"--engine rtnetlink": "--engine pyroute2", "--engine pyroute2": "--engine rtnetlink"}[engine]
    assert "nothing to do" in synced(lab, f"{ON} {other}")
    assert watch.changes() == []
    watch.close()


def test_an_operators_route_through_a_router_keeps_working(lab: Lab) -> None:
    calico = Calico(lab)
    for address in BEHIND:
        calico.remote("ip", "address", "add", address, "dev", "lo", *(["nodad"] if ":" in address else []))
    for six, behind, router in (("-4", "10.200.0.0/16", ROUTER[0]), ("-6", "fd00:200::/48", ROUTER[1])):
        lab.ip(six, "route", "add", behind, "via", router, "dev", "eth1", "mtu", "1400")
    calico.resolve("eth1", ROUTER)  # Else eth0's answers, which go there too, would ask for it in vain.
    synced(lab, FILE)
    echo(lab)
    pairs = [Pair(behind, own[family]) for family, behind in enumerate(BEHIND) for own in OWN.values()]
    ours = [pair for pair in pairs if pair.local in ETH1]
    assert set(calico.answered(pairs)["tcp"]) == set(ours)
    synced(lab)
    assert set(calico.answered(pairs)["tcp"]) == set(pairs)
    for family in (0, 1):
        assert way(lab, BEHIND[family], ETH1[family]) == f"via {ROUTER[family]} dev eth1"
        assert way(lab, BEHIND[family], ETH0[family]) == f"via {GATEWAYS['eth0'][family]} dev eth0"
        assert way(lab, BEHIND[family]) == f"via {ROUTER[family]} dev eth1"
    assert "10.200.0.0/16 via 11.8.0.50 dev eth1 mtu 1400" in own_table(lab, "eth1")
    assert not [line for line in own_table(lab, "eth0") if line.startswith("10.200.")]


MULTIPATH = [
    pytest.param(4, "10.201.0.0/16", ("11.8.0.50", "11.8.0.51", "10.65.0.50"), id="ipv4"),
    pytest.param(6, "fd00:201::/48", ("fd00:8::50", "fd00:8::51", "fd00:65::50"), id="ipv6"),
]


@pytest.mark.parametrize("family, destination, routers", MULTIPATH)
def test_a_multipath_route_is_copied_with_every_next_hop_by_the_nic(
    lab: Lab, engine: str, family: int, destination: str, routers: Tuple[str, str, str]
) -> None:
    Calico(lab)
    hops = [["nexthop", "via", one, "dev", nic] for one, nic in zip(routers, ("eth1", "eth1", "eth0"))]
    version = f"-{family}"

    def copied(nic: str) -> List[str]:
        synced(lab, f"{ON} {engine}")
        watch = Watch()
        assert "nothing to do" in synced(lab, f"{ON} {engine}")
        assert watch.changes() == []
        watch.close()
        lines = " ".join(own_table(lab, nic, family)).split("default via")
        (text,) = [one[one.index(destination) :] for one in lines if destination in one]
        words = text.split()
        return [f"{words[at + 1]} {'weight ' + words[at + 5] if 'weight' in words else ''}".strip()
                for at, word in enumerate(words) if word == "via"]  # fmt: skip

    both = [*hops[0], "weight", "3", *hops[1]]
    lab.ip(version, "route", "add", destination, *both)
    assert copied("eth1") == [f"{routers[0]} weight 3", f"{routers[1]} weight 1"]
    lab.ip(version, "route", "replace", destination, *both, *hops[2])
    assert copied("eth1") == [f"{routers[0]} weight 3", f"{routers[1]} weight 1"]
    assert copied("eth0") == [routers[2]]
    lab.ip(version, "route", "replace", destination, *hops[1], *hops[2])
    assert copied("eth1") == [routers[1]]
    lab.ip(version, "route", "delete", destination)
    for number, router in enumerate(routers[:2], 1):
        lab.ip(version, "nexthop", "add", "id", str(number), "via", router, "dev", "eth1")
    lab.ip("nexthop", "add", "id", "3", "group", "1,7/2")
    lab.ip(version, "route", "add", destination, "nhid", "3")
    assert copied("eth1") == [f"{routers[0]} weight 7", f"{routers[1]} weight 1"]
    assert not [line for line in own_table(lab, "eth0", family) if destination in line]
    lab.ip(version, "route", "delete", destination)
    synced(lab, f"{ON} {engine}")
    assert not [line for line in own_table(lab, "eth1", family) if destination in line]


# ---- containers and VPNs ------------------------------------------------------------------------------


def beside(lab: Lab, name: str, own: str, own6: str, peer: str, peer6: str) -> int:
    """A NIC that the document doesn't describe, and what is at its other end; the id of that namespace's process."""
    holder = lab.namespace().pid
    lab.ip("link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", str(holder))
    inside = ["nsenter", "-t", str(holder), "-n", "ip"]
    lab.ip("address", "add", own, "dev", name)
    lab.ip("address", "add", own6, "dev", name, "nodad")
    lab.ip("link", "set", name, "up")
    for command in (["address", "add", peer, "dev", "eth0"], ["address", "add", peer6, "dev", "eth0", "nodad"],
                    ["link", "set", "eth0", "up"], ["link", "set", "lo", "up"],
                    ["route", "add", "default", "via", own.partition("/")[0]],
                    ["-6", "route", "add", "default", "via", own6.partition("/")[0]]):  # fmt: skip
        subprocess.run([*inside, *command], check=True)
    return holder


def ways(lab: Lab, sources: List[str], destinations: List[str]) -> Dict[str, str]:
    """Where packets go, by destination and source, both of one family."""
    pairs = [(d, s) for d in destinations for s in ["", *sources] if not s or (":" in d) == (":" in s)]
    return {f"{d} from {s}": way(lab, d, s) for d, s in pairs}


def test_a_container_network_goes_where_it_went(lab: Lab) -> None:
    Calico(lab)
    container = beside(lab, "docker0", "172.17.0.1/16", "fd17::1/64", "172.17.0.5/16", "fd17::5/64")
    synced(lab, FILE)
    inside, sources = ["172.17.0.5", "fd17::5"], [*ETH0, *ETH1, "172.17.0.1", "fd17::1"]
    before = ways(lab, sources, inside), ways(lab, ["172.17.0.1", "fd17::1"], [*OUTSIDE, *INSIDE])
    forwarded = [["route", "get", to, "from", own, "iif", "docker0"] for own, to in zip(inside, OUTSIDE)]
    for key in ("ipv4.ip_forward", "ipv6.conf.all.forwarding"):
        subprocess.run(["sysctl", "-qw", f"net.{key}=1"], check=True)
    passed = [lab.ip(*command) for command in forwarded]
    synced(lab)
    after = ways(lab, sources, inside), ways(lab, ["172.17.0.1", "fd17::1"], [*OUTSIDE, *INSIDE])
    assert after == before
    assert [lab.ip(*command) for command in forwarded] == passed
    assert own_table(lab, "eth1")[1:] == ["11.8.0.0/24 dev eth1 scope link", "throw 172.17.0.0/16"]
    echo(lab)
    pairs = [Pair(one, own[family]) for family, one in enumerate(inside) for own in OWN.values()]
    assert answered_in(container, pairs) == {"tcp": pairs, "udp": pairs}


def wg_quick(lab: Lab) -> None:
    """The rules and the table that wg-quick makes for AllowedIPs = 0.0.0.0/0, ::/0."""
    for family in ("-4", "-6"):
        lab.ip(family, "route", "add", "default", "dev", "wg0", "table", "51820")
        lab.ip(family, "rule", "add", "not", "fwmark", "51820", "table", "51820")
        lab.ip(family, "rule", "add", "table", "main", "suppress_prefixlength", "0")


def strongswan(lab: Lab) -> None:
    """The table 220 of an IPsec client, looked up before everything."""
    for family in ("-4", "-6"):
        lab.ip(family, "route", "add", "default", "dev", "wg0", "table", "220")
        lab.ip(family, "rule", "add", "priority", "220", "lookup", "220")


def openvpn(lab: Lab) -> None:
    """`redirect-gateway def1`: two halves before the default, and the server by the NIC."""
    for half in ("0.0.0.0/1", "128.0.0.0/1", "::/1", "8000::/1"):
        lab.ip(*(["-6"] if ":" in half else []), "route", "add", half, "dev", "wg0")
    lab.ip("route", "add", "198.18.0.1", "via", "10.65.0.1", "dev", "eth0")


def better_default(lab: Lab) -> None:
    """A VPN's default route before ours, which R4 never touches."""
    lab.ip("route", "replace", "default", "via", "10.65.0.1", "dev", "eth0", "metric", "100")
    lab.ip("route", "prepend", "default", "dev", "wg0")
    lab.ip("-6", "route", "add", "default", "dev", "wg0", "metric", "5")


@pytest.mark.parametrize("vpn", [wg_quick, strongswan, openvpn, better_default])
@pytest.mark.parametrize("first", ["vpn", "ours"])
def test_a_full_tunnel_vpns_traffic_goes_where_it_went(lab: Lab, vpn: Any, first: str) -> None:
    Calico(lab)
    beside(lab, "wg0", "10.9.0.2/24", "fd09::2/64", "10.9.0.1/24", "fd09::1/64")
    sources, destinations = [*ETH0, "10.9.0.2", "fd09::2"], [*OUTSIDE, "10.9.0.1", "fd09::1", "198.18.0.1"]
    if first == "ours":
        run(lab, f"sync {ON}")
        vpn(lab)
        run(lab, f"sync {ON}")
        after = ways(lab, sources, destinations)
        run(lab, f"sync {FILE}")
        assert after == ways(lab, sources, destinations)
    else:
        vpn(lab)
        run(lab, f"sync {FILE}")
        before = ways(lab, sources, destinations)
        assert before[f"{OUTSIDE[0]} from "].endswith("dev wg0")
        ran = run(lab, f"sync {ON}")
        assert ways(lab, sources, destinations) == before
        ruled = vpn in (wg_quick, strongswan)
        assert ("11.8.0.9" in ran.err) == ruled, ran.err
    if first == "vpn" and vpn in (wg_quick, strongswan):
        assert ran.code == 5
        assert "lookup 51820" in ran.err or "lookup 220" in ran.err


def test_another_programs_plain_rule_at_our_priority(lab: Lab) -> None:
    """Of equals the older one comes first: it is named, and its remedy works when followed."""
    Calico(lab)
    lab.ip("route", "add", "198.51.100.0/24", "via", "11.8.0.1", "dev", "eth1", "table", "300")
    lab.ip("route", "add", "default", "via", "11.8.0.1", "dev", "eth1", "table", "300")
    lab.ip("rule", "add", "priority", "32765", "lookup", "300")
    told = synced(lab, code=5)
    assert "another program's rule comes first: from all lookup 300 priority 32765" in " ".join(told.split())
    assert "`source_routing_priority` below 32765 puts ours before it" in " ".join(told.split())
    write_settings(source_routing=True, source_routing_priority=32764)
    told = synced(lab, FILE, code=5)  # The other program's table still has the default of what carries no address.
    assert "comes first" not in told
    assert " dev eth0 table 12102" in lab.ip("route", "get", OUTSIDE[0], "from", "10.65.0.7")
    assert "from all lookup 300" in lab.ip("rule")


def test_each_rule_says_what_it_is_for(lab: Lab) -> None:
    """A table has routes of both families: each rule names its own."""
    Calico(lab)
    told = " ".join(synced(lab).split())
    for nic, addresses, gateways in (
        ("eth0", ETH0, ("10.65.0.1", "fd00:65::1")),
        ("eth1", ETH1, ("11.8.0.1", "fd00:8::1")),
    ):
        for family, address, gateway in zip((4, 6), addresses, gateways):
            _, _, reason = told.partition(f"+ rule from {address} ")
            assert f"packets that carry an IPv{family} address of {nic} leave by {nic};" in reason.partition(" + ")[0]
            assert f"by its gateway {gateway}" in reason.partition(" + ")[0]


# ---- addresses and gateways ---------------------------------------------------------------------------


def single(path: Path, **gateways: str) -> str:
    """`--metadata` with /32 and /128 addresses and these gateways, outside of them."""
    value: Dict[str, Any] = json.loads(document("dual-stack").read_text())
    for network in value["networks"]:
        nic = "eth0" if network["ip_address"] in ETH0 else "eth1"
        six = ":" in network["ip_address"]
        network["netmask"] = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" if six else "255.255.255.255"
        for entry in network["routes"]:
            entry["gateway"] = gateways[f"{nic}_{6 if six else 4}"]
    return f"--metadata {write_document(path / 'single.json', value)} --source-routing true"


def single_nics(lab: Lab) -> None:
    """NICs with whole-length addresses."""
    for nic, mac in (("eth0", "fa:16:3e:00:00:01"), ("eth1", "fa:16:3e:00:00:02")):
        lab.nic(nic, mac, f"{OWN[nic][0]}/32", f"{OWN[nic][1]}/128", gateways=("fe80::1/64",))


@pytest.mark.parametrize("shared", [True, False], ids=["one-gateway", "a-gateway-each"])
def test_gateways_outside_of_whole_length_addresses(lab: Lab, tmp_path: Path, engine: str, shared: bool) -> None:
    single_nics(lab)
    gateways = {"eth0_4": "169.254.1.1", "eth1_4": "169.254.1.1", "eth0_6": "fd00:1::1", "eth1_6": "fd00:1::1"}
    if not shared:
        gateways.update(eth1_4="169.254.1.2", eth1_6="fd00:1::2")
    synced(lab, f"{single(tmp_path, **gateways)} {engine}")
    for nic in OWN:
        for family, own in ((4, OWN[nic][0]), (6, OWN[nic][1])):
            gateway = gateways[f"{nic}_{family}"]
            for destination in (OUTSIDE[family == 6], INSIDE[family == 6]):
                assert way(lab, destination, own) == f"via {gateway} dev {nic}"
            assert way(lab, gateway, own) == f"dev {nic}"
    assert "nothing to do" in synced(lab, f"{single(tmp_path, **gateways)} {engine}")


def test_link_local_gateways_sources_and_destinations(lab: Lab, tmp_path: Path, engine: str) -> None:
    single_nics(lab)
    gateways = {"eth0_4": "169.254.1.1", "eth1_4": "169.254.1.1", "eth0_6": "fe80::1", "eth1_6": "fe80::1"}
    before = lab.ip("-6", "route", "get", "fe80::5", "oif", "eth0")
    synced(lab, f"{single(tmp_path, **gateways)} {engine}")
    for nic, (_, own) in OWN.items():
        assert way(lab, OUTSIDE[1], own) == f"via fe80::1 dev {nic}"
        for other in OWN:  # A link-local destination stays on the link that it is asked for.
            answer = lab.ip("-6", "route", "get", "fe80::5", "from", own, "oif", other)
            assert "via" not in answer
            assert f"dev {other}" in answer
    assert not any("fe80" in rule for rule in own_rules(lab))
    assert lab.ip("-6", "route", "get", "fe80::5", "oif", "eth0") == before


def test_several_addresses_and_renumbering(lab: Lab, engine: str) -> None:
    Calico(lab)
    lab.ip("address", "add", "11.8.0.10/24", "dev", "eth1")
    lab.ip("address", "add", "172.30.0.1/32", "dev", "eth1")
    synced(lab, f"{ON} {engine}")
    for own in ("11.8.0.9", "11.8.0.10", "172.30.0.1"):
        assert way(lab, OUTSIDE[0], own) == "via 11.8.0.1 dev eth1"
    lab.ip("address", "delete", "172.30.0.1/32", "dev", "eth1")
    lab.ip("address", "add", "172.30.0.1/32", "dev", "eth0")
    lab.ip("address", "delete", "11.8.0.10/24", "dev", "eth1")
    synced(lab, f"{ON} {engine}")
    assert {rule for rule in own_rules(lab) if ":" not in rule} == {
        "from 10.65.0.7 lookup 12102", "from 172.30.0.1 lookup 12102", "from 11.8.0.9 lookup 12103",
    }  # fmt: skip
    assert way(lab, OUTSIDE[0], "172.30.0.1") == "via 10.65.0.1 dev eth0"


def test_a_nic_that_goes_and_comes(lab: Lab, engine: str) -> None:
    calico = Calico(lab)
    beside(lab, "docker0", "172.17.0.1/16", "fd17::1/64", "172.17.0.5/16", "fd17::5/64")
    synced(lab, f"{ON} {engine}")
    lab.ip("link", "delete", "eth1")
    run(lab, f"sync {ON} {engine}")  # The documented routes through it can't be programmed.
    assert own_rules(lab) == ["from 10.65.0.7 lookup 12102", "from fd00:65::7 lookup 12102"]
    assert own_table(lab, "eth1") == own_table(lab, "eth1", 6) == []
    lab.ip("link", "set", "eth0", "down")
    run(lab, f"sync {ON} {engine}")
    assert own_rules(lab) == []
    lab.ip("link", "set", "eth0", "up")
    lab.hypervisor("ip", "-6", "rule", "flush")
    lab.ip("address", "replace", "fd00:65::7/64", "dev", "eth0", "nodad")
    del calico
    lab.nic("eth1", "fa:16:3e:00:00:02", "11.8.0.9/24", "fd00:8::9/64")
    synced(lab, f"{ON} {engine}")
    index = lab.ip("-o", "link", "show", "eth1").split(":")[0]
    assert f"from 11.8.0.9 lookup {12100 + int(index)}" in own_rules(lab)
    assert way(lab, OUTSIDE[0], "11.8.0.9") == "via 11.8.0.1 dev eth1"


# ---- others' tables and rules -------------------------------------------------------------------------


def test_a_table_that_another_program_uses_is_left_to_it(lab: Lab, engine: str) -> None:
    Calico(lab)
    lab.ip("route", "add", "default", "via", "10.65.0.1", "dev", "eth0", "table", "12103", "proto", "static")
    lab.ip("-6", "rule", "add", "from", "fd00:9::/64", "lookup", "12102", "priority", "400")
    ran = run(lab, f"sync {ON} {engine}")
    assert ran.code == 5
    assert "no source routing for eth1: table 12103 is used by another program (route default via 10.65.0.1" in ran.err
    assert "no source routing for eth0: table 12102 is used by another program (rule from fd00:9::/64" in ran.err
    explained = run(lab, f"explain {OUTSIDE[0]} --from 11.8.0.9 {ON} {engine}")
    assert (explained.code, "table 12103 is used by another program" in explained.out) == (1, True), explained
    assert own_rules(lab)[1:] == ["from fd00:9::/64 lookup 12102", "from fd00:8::9 lookup 12103"]
    assert lab.routes(4, "12103") == ["default via 10.65.0.1 dev eth0 proto static"]
    assert run(lab, f"sync {ON} {engine} --source-routing-table 13000").code == 0
    assert way(lab, OUTSIDE[0], "11.8.0.9") == "via 11.8.0.1 dev eth1"
    assert lab.routes(4, "12103") == ["default via 10.65.0.1 dev eth0 proto static"]
    assert "from fd00:9::/64 lookup 12102" in lab.ip("-6", "rule")


def test_what_another_program_adds_later_is_named_and_left(lab: Lab, engine: str) -> None:
    Calico(lab)
    synced(lab, f"{ON} {engine}")
    lab.ip("route", "add", "10.77.0.0/16", "via", "11.8.0.50", "dev", "eth1", "table", "12103")
    lab.ip("rule", "add", "from", "11.8.0.9", "lookup", "77", "priority", "100")
    lab.ip("route", "add", "default", "via", "10.65.0.1", "dev", "eth0", "table", "77")
    ran = run(lab, f"sync {ON} {engine}")
    assert ran.code == 5
    assert (
        "another program has added a route to eth1's table 12103, and it may decide there: 10.77.0.0/16 via" in ran.err
    )
    assert "packets that carry eth1's address 11.8.0.9 to 203.0.113.9 leave by eth0, not by eth1" in ran.err
    assert "from 11.8.0.9 lookup 77 priority 100" in ran.err
    assert "10.77.0.0/16 via 11.8.0.50 dev eth1" in own_table(lab, "eth1")
    assert "lookup 77" in lab.ip("rule")
    assert run(lab, f"sync {ON} {engine} --source-routing-priority 99").code == 5  # The foreign route is still there.
    assert way(lab, OUTSIDE[0], "11.8.0.9") == "via 11.8.0.1 dev eth1"


def test_equal_rules_and_routes_of_another_program_are_adopted(lab: Lab, engine: str) -> None:
    Calico(lab)
    synced(lab, f"{FILE} {engine}")
    lab.ip("rule", "add", "from", "11.8.0.9", "lookup", "12103", "priority", "32765")
    for route in ("11.8.0.0/24 dev eth1 scope link", "default via 11.8.0.1 dev eth1 metric 1024"):
        lab.ip("route", "add", *route.split(), "table", "12103")
    synced(lab, f"{ON} {engine}")
    assert [line for line in lab.ip("rule").splitlines() if "11.8.0.9" in line] == [
        "32765:	from 11.8.0.9 lookup 12103"
    ]
    assert len(own_table(lab, "eth1")) == 2
    run(lab, "withdraw")
    assert "from 11.8.0.9 lookup 12103" in lab.ip("rule")
    assert (len(own_table(lab, "eth1")), own_table(lab, "eth0")) == (2, [])


def test_rules_with_our_protocol_that_somebody_made_go_and_ours_stay(lab: Lab, engine: str) -> None:
    Calico(lab)
    synced(lab, f"{ON} {engine}")
    for rule in ("fwmark 7 lookup 12103 priority 200", "from all lookup 300 priority 301",
                 "from 11.8.0.9 to 203.0.113.0/24 lookup 12103 priority 32765"):  # fmt: skip
        lab.ip("rule", "add", *rule.split(), "protocol", "121")
    synced(lab, f"{ON} {engine}")
    left = [line.partition(":")[2].split(" proto")[0].strip() for line in lab.ip("-4", "rule").splitlines()]
    # A request to delete the last one would fit ours; it leads the same way.
    assert left[1:-2] == ["from 10.65.0.7 lookup 12102", "from 11.8.0.9 lookup 12103",
                          "from 11.8.0.9 to 203.0.113.0/24 lookup 12103"]  # fmt: skip
    assert "nothing to do" in synced(lab, f"{ON} {engine}")
    assert run(lab, f"withdraw {engine}").code == 0
    assert len(lab.ip("-4", "rule").splitlines()) == 3


@pytest.mark.parametrize("selector", ["from 11.8.0.9 iif lo", "from 11.8.0.0/24 iif lo"])
def test_a_rule_with_our_protocol_that_would_misroute_goes(lab: Lab, engine: str, selector: str) -> None:
    Calico(lab)
    synced(lab, f"{ON} {engine}")
    there = lab.ip("-4", "rule")
    lab.ip("rule", "del", "from", "11.8.0.9")
    lab.ip("rule", "add", *selector.split(), "lookup", "12102", "priority", "32765", "protocol", "121")
    synced(lab, f"{ON} {engine}")
    assert lab.ip("-4", "rule") == there
    assert way(lab, OUTSIDE[0], ETH1[0]) == "via 11.8.0.1 dev eth1"


def test_one_that_cannot_be_told_from_ours_is_named(lab: Lab, engine: str) -> None:
    """A request to delete it fits eth0's rule, too."""
    Calico(lab)
    synced(lab, f"{ON} {engine}")
    lab.ip("rule", "del", "from", "11.8.0.9")
    lab.ip("rule", "add", "iif", "lo", "lookup", "12102", "priority", "32765", "protocol", "121")
    out = synced(lab, f"{ON} {engine}", 5)
    assert "another program's rule comes first: from all (of some packets) lookup 12102 priority 32765" in out
    assert way(lab, OUTSIDE[0], ETH0[0]) == "via 10.65.0.1 dev eth0"
    synced(lab, f"{ON} {engine} --source-routing-priority 32764")
    assert way(lab, OUTSIDE[0], ETH1[0]) == "via 11.8.0.1 dev eth1"
    assert len(own_rules(lab)) == 4


def test_withdraw_takes_all_of_it_away(lab: Lab, engine: str) -> None:
    Calico(lab)
    rules = lab.ip("-4", "rule"), lab.ip("-6", "rule")
    synced(lab, f"{ON} {engine}")
    ran = run(lab, f"withdraw {engine}")
    assert (ran.code, ran.err) == (0, "")
    assert "- rule from 11.8.0.9 lookup 12103 priority 32765 proto guest-routes" in ran.out
    assert (lab.ip("-4", "rule"), lab.ip("-6", "rule")) == rules
    assert own_table(lab, "eth0") == own_table(lab, "eth1") == own_table(lab, "eth1", 6) == []


def test_the_way_by_hand_takes_all_of_it_away(lab: Lab) -> None:
    """The commands of docs/how-to/undo.md for a machine on which the program doesn't start."""
    Calico(lab)
    for nic, gateway in zip(OWN, (GATEWAYS["eth0"][0], GATEWAYS["eth1"][0])):
        lab.ip("route", "append", "default", "via", gateway, "dev", nic, "proto", "static")
    lab.ip("rule", "add", "from", "192.0.2.9", "lookup", "main", "priority", "32765")
    before = [lab.ip("-4", "rule"), lab.ip("-6", "rule"), *mains(lab)[:1]]
    synced(lab)
    assert own_rules(lab) != []
    page = (document("documented").parents[2] / "docs/how-to/undo.md").read_text()
    for command in (line[2:] for line in page.splitlines() if line.startswith("$ ip") and " flush " in line):
        assert lab.ip(*command.split()[1:]) == ""
    lab.ip("route", "append", "default", "via", GATEWAYS["eth1"][0], "dev", "eth1", "proto", "static")
    assert [lab.ip("-4", "rule"), lab.ip("-6", "rule"), *mains(lab)[:1]] == before
    assert own_table(lab, "eth0") == own_table(lab, "eth1") == own_table(lab, "eth1", 6) == []


MOVED = [
    pytest.param(["rule add priority 100 lookup main"], "the rule of the main table", id="main before ours"),
    pytest.param(["rule add priority 100 lookup main", "rule delete priority 32766"], "the rule of the main table",
                 id="main moved before ours"),
    pytest.param(["rule add priority 100 lookup main suppress_prefixlength 0"], "another program's rule",
                 id="main without its default"),
    pytest.param(["rule add from 10.0.0.0/7 lookup main suppress_prefixlength 0 priority 100"],
                 "another program's rule", id="of some packets"),
]  # fmt: skip


@pytest.mark.parametrize("commands, whose", MOVED)
@pytest.mark.parametrize("family", [4, 6])
def test_main_looked_up_before_ours_is_named(
    lab: Lab, engine: str, commands: List[str], whose: str, family: int
) -> None:
    """Then eth0's answers to hosts inside eth1's host routes leave by eth1, whatever our tables say."""
    Calico(lab)
    for command in commands:
        lab.ip(f"-{family}", *command.replace("10.0.0.0/7", "10.0.0.0/7" if family == 4 else "fd00::/16").split())
    own, host = ETH0[family == 6], {4: "11.11.0.1", 6: "fd00:11:11::1"}[family]
    ran = run(lab, f"sync {ON} {engine}")
    assert ran.code == 5
    assert f"packets that carry eth0's address {own} to {host} leave by eth1, not by eth0; {whose} comes" in ran.err
    assert "`source_routing_priority` below 100 puts ours before it" in ran.err
    explained = run(lab, f"explain {INSIDE[family == 6]} --from {own} {ON} {engine}")
    assert (explained.code, f"(NOT as wanted: {whose} comes first: " in explained.out) == (1, True), explained
    assert way(lab, INSIDE[family == 6], own).endswith("dev eth1")
    assert "`source_routing: true` sends" not in run(lab, f"doctor {ON} {engine}").out
    synced(lab, f"{ON} {engine} --source-routing-priority 99")
    assert way(lab, INSIDE[family == 6], own).endswith("dev eth0")


def test_own_addresses_looked_up_after_ours_would_leave_the_machine(lab: Lab, engine: str) -> None:
    """The order that the kernel's documentation of VRFs advises."""
    Calico(lab)
    synced(lab, f"{ON} {engine}")
    lab.ip("rule", "add", "priority", "32765", "lookup", "local")
    lab.ip("rule", "delete", "priority", "0")
    assert not way(lab, "10.65.0.7", "11.8.0.9").endswith("dev lo")
    ran = run(lab, f"sync {ON} {engine}")
    assert ran.code == 5
    assert "no source routing for eth1: packets to this machine's own addresses would leave it" in ran.err
    assert way(lab, "10.65.0.7", "11.8.0.9") == "dev lo"
    assert [rule for rule in own_rules(lab) if ":" not in rule] == []
    assert len(own_rules(lab)) == 2  # IPv6's order is the usual one.
    lab.ip("rule", "add", "priority", "0", "lookup", "local")
    lab.ip("rule", "delete", "priority", "32765", "lookup", "local")
    synced(lab, f"{ON} {engine}")
    assert len(own_rules(lab)) == 4


# ---- killed, and rolled back --------------------------------------------------------------------------


def test_killed_anywhere_the_next_pass_completes_it(lab: Lab) -> None:
    Calico(lab)
    beside(lab, "docker0", "172.17.0.1/16", "fd17::1/64", "172.17.0.5/16", "fd17::5/64")
    off, on = Settings(), Settings(source_routing=True)
    synced(lab, FILE)
    bare = own_rules(lab), [own_table(lab, nic, family) for nic in OWN for family in (4, 6)]
    sources = [*ETH0, *ETH1]
    before = ways(lab, sources, ["172.17.0.5", "fd17::5"])
    synced(lab)
    whole = own_rules(lab), [own_table(lab, nic, family) for nic in OWN for family in (4, 6)]
    deaths = 0

    def passed(options: Settings) -> None:
        kernel = RtnetlinkKernel()
        assert sync(options, State(), kernel, str(document("dual-stack"))).exit_code == 0
        kernel.close()

    for lives in range(100):
        passed(off)
        killed = killed_after(lives, on)
        assert ways(lab, sources, ["172.17.0.5", "fd17::5"]) == before  # No rule looks up half a table.
        passed(on)
        assert (own_rules(lab), [own_table(lab, nic, family) for nic in OWN for family in (4, 6)]) == whole
        killed = killed_after(lives, off) and killed
        assert ways(lab, sources, ["172.17.0.5", "fd17::5"]) == before
        passed(on)
        passed(off)
        assert (own_rules(lab), [own_table(lab, nic, family) for nic in OWN for family in (4, 6)]) == bare
        deaths += killed
        if not killed:
            break
    assert deaths >= 15


# ---- the service --------------------------------------------------------------------------------------


def serving(lab: Lab, start: Start, engine: str) -> Service:
    """A service with source routing that has made everything."""
    Calico(lab)
    name = engine.split()[1]
    service = start("--metadata", str(document("dual-stack")), settings={"engine": name, "source_routing": True})
    service.wait(lambda: len(own_rules(lab)) == 4)
    service.wait(lambda: service.record.get("refreshed"))  # A pass on a fetched document repairs nothing.
    return service


def test_the_service_repairs_rules_and_tables_and_follows_main(lab: Lab, start: Start, engine: str) -> None:
    service = serving(lab, start, engine)
    rules, tables = own_rules(lab), [own_table(lab, nic) for nic in OWN]
    lab.ip("rule", "delete", "from", "11.8.0.9")
    service.wait(lambda: own_rules(lab) == rules)
    lab.ip("route", "flush", "table", "12103")
    service.wait(lambda: [own_table(lab, nic) for nic in OWN] == tables)
    service.wait_said("added rule from 11.8.0.9 lookup 12103 priority 32765 proto guest-routes: deleted by ")
    service.wait_said("added default via 11.8.0.1 dev eth1 table 12103 proto guest-routes metric 1024: deleted by ")
    deleted = service.wait(lambda: [one["route"] for one in service.record["recent"] if "deleted by" in one["why"]])
    assert deleted[0].startswith("rule from")
    for number in range(5):
        lab.ip("route", "add", f"10.200.{number}.0/24", "via", "11.8.0.50", "dev", "eth1")
        service.wait(lambda: any(f"10.200.{number}.0/24" in line for line in own_table(lab, "eth1")))  # noqa: B023
    for number in range(5):
        lab.ip("route", "delete", f"10.200.{number}.0/24")
    service.wait(lambda: [own_table(lab, nic) for nic in OWN] == tables)
    assert service.stop() == 0


def test_a_rule_that_somebody_deletes_again_and_again_is_a_conflict(lab: Lab, start: Start, engine: str) -> None:
    service = serving(lab, start, engine)
    for times in range(1, 8):
        started = time.monotonic()
        lab.ip("rule", "delete", "from", "11.8.0.9")
        service.wait_said("rule from 11.8.0.9 lookup 12103 priority 32765 proto guest-routes: deleted by ", times)
    assert time.monotonic() - started > 0.5  # The seventh repair waits two seconds.
    assert len(own_rules(lab)) == 4
    service.wait_said("changed the rule from 11.8.0.9 lookup 12103 priority 32765 5 times within")
    shown = run(lab, "status").out
    assert "! the rule from 11.8.0.9 lookup 12103 priority 32765 changed 7 times by " in shown
    assert service.stop() == 0


def test_the_service_follows_addresses_and_nics(lab: Lab, start: Start, engine: str) -> None:
    service = serving(lab, start, engine)
    lab.ip("address", "add", "11.8.0.10/24", "dev", "eth1")
    service.wait(lambda: "from 11.8.0.10 lookup 12103" in own_rules(lab))
    lab.ip("address", "flush", "dev", "eth1", "scope", "global")
    service.wait(lambda: not any("12103" in rule for rule in own_rules(lab)))
    service.wait(lambda: own_table(lab, "eth1") == [])
    lab.ip("address", "add", "11.8.0.9/24", "dev", "eth1")
    service.wait(lambda: "from 11.8.0.9 lookup 12103" in own_rules(lab))
    lab.ip("link", "delete", "eth1")
    service.wait(lambda: not any("12103" in rule for rule in own_rules(lab)))
    lab.nic("eth1", "fa:16:3e:00:00:02", "11.8.0.9/24", "fd00:8::9/64")
    number = 12100 + int(lab.ip("-o", "link", "show", "eth1").split(":")[0])
    service.wait(lambda: f"from 11.8.0.9 lookup {number}" in own_rules(lab))
    service.reload(engine=engine.split()[1])
    service.wait(lambda: own_rules(lab) == [])
    assert service.stop() == 0


# ---- what is said of it -------------------------------------------------------------------------------


def test_plan_status_explain_and_json(lab: Lab) -> None:
    Calico(lab)
    lab.ip("route", "add", "10.200.0.0/16", "via", "11.8.0.50", "dev", "eth1")
    synced(lab, FILE)
    planned = run(lab, f"plan {ON}")
    assert "+ rule from 11.8.0.9 lookup 12103 priority 32765 proto guest-routes" in planned.out
    assert "+ default via 11.8.0.1 dev eth1 table 12103 proto guest-routes metric 1024" in planned.out
    assert run(lab, f"plan {ON} --check").code == 3
    assert own_rules(lab) == []
    said = valid_json("plan", lab.run("plan", *ON.split(), "--json"))["source_routing"]
    assert [(one["nic"], one["family"], one["table"]) for one in said["tables"]][:2] == [
        ("eth0", 4, 12102),
        ("eth0", 6, 12102),
    ]
    assert "source routing, as of now" in synced(lab)
    assert "source routing by 2 NICs" in synced(lab)
    assert valid_json("sync", lab.run("sync", *ON.split(), "--json"))["source_routing"]["changes"] == []

    for asked, wanted in (
        ("203.0.113.9 --from 11.8.0.9", "203.0.113.9 from 11.8.0.9 should leave by eth1, via 11.8.0.1"),
        ("11.11.3.4 --from 10.65.0.7", "11.11.3.4 from 10.65.0.7 should leave by eth0, via 10.65.0.1"),
        ("10.200.0.9 --from 11.8.0.9", "should leave by eth1, via 11.8.0.50"),
        ("2001:db8:113::9 --from fd00:8::9", "should leave by eth1, via fd00:8::1"),
    ):
        ran = run(lab, f"explain {asked} {ON}")
        assert (ran.code, wanted in ran.out, "(as wanted)" in ran.out) == (0, True, True), ran
    value = valid_json("explain", lab.run("explain", "203.0.113.9", "--from", "11.8.0.9", *ON.split(), "--json"))
    assert (value["nic"], value["table"], value["rule"]["src"], value["as_wanted"]) == ("eth1", 12103, "11.8.0.9", True)
    off = run(lab, f"explain 203.0.113.9 --from 10.65.0.7 {FILE}")
    assert "source routing is off (`source_routing: true` turns it on)" in off.out
    nobody = run(lab, f"explain 203.0.113.9 --from 11.8.0.77 {ON}")
    assert (nobody.code, "11.8.0.77 is not an address of this machine" in nobody.out) == (1, True), nobody
    assert run(lab, f"explain 203.0.113.9 --from fd00::1 {ON}").code == 2


def test_status_shows_the_rules_and_their_drift(lab: Lab, tmp_path: Path) -> None:
    Calico(lab)
    write_settings(source_routing=True)
    lab.metadata_server(document("dual-stack"))
    assert run(lab, "sync").code == 0
    status = run(lab, "status")
    assert (status.code, "from 11.8.0.9 lookup 12103 priority 32765" in status.out) == (0, True)
    lab.ip("rule", "delete", "from", "11.8.0.9")
    status = run(lab, "status")
    assert (status.code, "+ rule from 11.8.0.9 lookup 12103" in status.out) == (1, True)
    assert "1 change needed for source routing; `guest-routes sync` makes it" in status.out
    value = valid_json("status", lab.run("status", "--json"))
    (change,) = value["source_routing"]["changes"]
    assert (change["operation"], change["route"], change["rule"]["src"]) == ("add", None, "11.8.0.9")
    assert change["what"] == "rule from 11.8.0.9 lookup 12103 priority 32765 proto guest-routes"


def test_doctor_does_promise_what_a_rule_for_long_prefixes_leaves_to_source_routing(lab: Lab) -> None:
    """As wg-quick has it, while its interface is away: what main's default serves is not its affair."""
    Calico(lab)
    lab.metadata_server(document("dual-stack"))
    synced(lab, FILE)
    lab.ip(*"rule add table main suppress_prefixlength 0 priority 32000".split())
    said = "answers from 11.8.0.9 to 203.0.113.9 leave by eth0: a network that checks source addresses (Calico) drops "
    assert f"{said}them; `source_routing: true` sends them by eth1" in run(lab, f"doctor {FILE}").out
    ran = run(lab, f"explain 203.0.113.9 --from 11.8.0.9 {ON}")
    assert "(NOT as wanted; `guest-routes sync` fixes it)" in ran.out, ran
    run(lab, f"sync {ON}")
    assert way(lab, "203.0.113.9", "11.8.0.9").endswith("dev eth1")


@pytest.mark.parametrize("commands, why", [
    (["rule add priority 100 lookup 77", "route add default via 10.65.0.1 dev eth0 table 77"],
     "another program's rule comes first: from all lookup 77 priority 100; `source_routing_priority` below 100"),
    (["rule add priority 100 lookup main"],
     "the rule of the main table comes first: from all lookup main priority 100"),
    (["rule add priority 32765 lookup local", "rule del priority 0"],
     "no source routing for eth1: packets to this machine's own addresses would leave it"),
    (["route add 198.51.100.0/24 via 11.8.0.5 dev eth1 table 12103"],
     "no source routing for eth1: table 12103 is used by another program"),
    (["rule add from 11.8.0.0/24 lookup main priority 3000"],
     "another program's rule comes first: from 11.8.0.0/24 lookup main priority 3000"),
], ids=["vpn", "main", "local", "table", "subnet"])  # fmt: skip
def test_doctor_does_not_promise_what_source_routing_alone_cannot_do(lab: Lab, commands: List[str], why: str) -> None:
    Calico(lab)
    lab.metadata_server(document("dual-stack"))
    synced(lab, FILE)
    for command in commands:
        lab.ip(*command.split())
    answers = re.findall(
        r"answers from 11\.8\.0\.9 to \S+ leave by eth0: (.*?) answers", run(lab, f"doctor {FILE}").out
    )
    assert len(answers) == 1
    assert f"`source_routing: true` alone would not send them by eth1: {why}" in answers[0]
    assert why in synced(lab, ON, 5)  # As it turns out.


def test_doctor_says_which_answers_leave_by_another_nic(lab: Lab) -> None:
    Calico(lab)
    lab.metadata_server(document("dual-stack"))
    synced(lab, FILE)
    off = run(lab, f"doctor {FILE}")
    assert "from 11.8.0.9 to 203.0.113.9 leave by eth0" in off.out
    assert "`source_routing: true` sends them by eth1" in off.out
    assert "from 10.65.0.7" not in off.out
    synced(lab)
    on = run(lab, f"doctor {ON}")
    assert "leave by eth" not in on.out
    value = valid_json("doctor", lab.run("doctor", *ON.split(), "--json"))
    answers = {one["from"]: one["nic"] for nic in value["nics"] for one in nic["answers"]}
    assert answers == {own: nic for nic, owns in OWN.items() for own in owns}
    lab.ip("rule", "add", "from", "11.8.0.9", "lookup", "77", "priority", "100")
    lab.ip("route", "add", "default", "via", "10.65.0.1", "dev", "eth0", "table", "77")
    lab.ip("rule", "delete", "from", "10.65.0.7")
    found = run(lab, f"doctor {ON}")
    assert found.code == 1
    assert "1 change needed for source routing" in found.out
    synced(lab, ON, 5)
    found = run(lab, f"doctor {ON}")
    assert "`source_routing_priority` below 100 puts ours before it" in found.out


BEFORE_OURS = {
    "fwmark": (["rule add fwmark 7 lookup 500 priority 100"], 0),
    "another table": (["rule add from 11.8.0.9 lookup 77 priority 100",
                       "route add default via 10.65.0.1 dev eth0 table 77"], 5),
    "main without its default": (["rule add priority 100 lookup main suppress_prefixlength 0"], 5),
    "main": (["rule add priority 100 lookup main"], 5),
    "main for a subnet": (["rule add from 11.8.0.0/24 lookup main priority 3000"], 5),
    "prohibit": (["rule add from 11.8.0.0/24 prohibit priority 5"], 5),
    "goto": (["rule add priority 90 goto 32766"], 5),
    "nop": (["rule add from 11.8.0.9 nop priority 90"], 0),
    "uid": (["rule add uidrange 0-0 lookup 77 priority 80", "route add default via 10.65.0.1 dev eth0 table 77"], 5),
    "protocol": (["rule add ipproto tcp dport 22 lookup 77 priority 80"], 0),
    "l3mdev": (["rule add l3mdev priority 1000"], 0),
}  # fmt: skip


@pytest.mark.parametrize("commands, code", BEFORE_OURS.values(), ids=BEFORE_OURS)
def test_plan_says_what_sync_will(lab: Lab, commands: List[str], code: int) -> None:
    """Which rules will decide before ours: with main as it is to be, too."""
    Calico(lab)
    for command in commands:
        lab.ip(*command.split())

    def named(command: str) -> Tuple[int, Set[str]]:
        ran = run(lab, f"{command} {ON}")
        return ran.code, set(re.findall(r"carry eth\d's address \S+ to .*? comes first: .*? priority \d+", ran.err))

    fresh = named("plan")
    run(lab, f"sync {FILE}")
    planned, done = named("plan"), named("sync")
    assert (fresh[0], planned[0], done[0], named("sync")) == (code, code, code, done)
    assert planned == done
