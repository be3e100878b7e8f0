"""D1 in what cloud-init rendered: a default listed under eth0's network by eth1's gateway, for every manager.

cloud-init writes each entry under the NIC whose network lists it. The next hop names the NIC (R2): eth1 has the default
and the host route then, and eth0, which can't reach the gateway, neither.
"""

from __future__ import annotations

from typing import Any, Dict, List, Tuple

import pytest

from guest_routes.managers.correct import READ, correct
from guest_routes.model.configuration import Correction
from guest_routes.model.network import address_text
from guest_routes.model.settings import Selector, Settings
from guest_routes.routing.decide import decide
from guest_routes.routing.project import project
from tests.support.configs import nic_of
from tests.support.reports import ETH0, ETH1
from tests.support.situations import network, situation

DEFAULTS = Settings()
Routes = List[Tuple[str, str, str]]
MANAGERS = ["systemd-networkd", "netplan", "NetworkManager", "ifupdown", "sysconfig", "wicked"]
MAC = {"eth0": ETH0.mac.hex(":"), "eth1": ETH1.mac.hex(":")}
KERNEL = f"nic eth0 {MAC['eth0']} down\nnic eth1 {MAC['eth1']} down\n"
ADDRESSES = {4: {"eth0": "10.65.0.7/24", "eth1": "11.8.0.9/24"}, 6: {"eth0": "fd00:65::7/64", "eth1": "fd00:8::9/64"}}
GATEWAY = {4: "11.8.0.1", 6: "fd00:8::1"}
DEFAULT = {4: "0.0.0.0/0", 6: "::/0"}
HOST = {4: "11.11.0.0/16", 6: "fd00:11:11::/48"}


def rendered(manager: str, family: int, listed: Dict[str, List[str]]) -> Dict[str, str]:
    """What cloud-init makes of these destinations by eth1's gateway, listed under each NIC's network; by path."""
    if manager == "netplan":
        return {"50-cloud-init.yaml": netplan(family, listed)}
    if manager == "ifupdown":
        return {"50-cloud-init": "\n".join(ifupdown(nic, family, listed[nic]) for nic in listed)}
    if manager in ("sysconfig", "wicked"):
        two = sysconfig if manager == "sysconfig" else wicked
        return {path: text for nic in listed for path, text in two(nic, family, listed[nic]).items()}
    one = networkd if manager == "systemd-networkd" else keyfile
    return {nic: one(nic, family, listed[nic]) for nic in listed}


def networkd(nic: str, family: int, destinations: List[str]) -> str:
    """Source: cloudinit/net/networkd.py."""
    head = f"[Address]\nAddress={ADDRESSES[family][nic]}\n\n[Match]\nMACAddress={MAC[nic]}\nName={nic}\n"
    head += "\n[Network]\nDHCP=no\n"
    return head + "".join(f"\n[Route]\nDestination={to}\nGateway={GATEWAY[family]}\n" for to in destinations)


def netplan(family: int, listed: Dict[str, List[str]]) -> str:
    """Source: cloudinit/net/netplan.py."""
    text = "network:\n    version: 2\n    ethernets:\n"
    for nic, destinations in listed.items():
        text += f"        {nic}:\n            addresses:\n            - {ADDRESSES[family][nic]}\n"
        text += f"            match:\n                macaddress: {MAC[nic]}\n"
        text += "            routes:\n" * bool(destinations)
        for to in destinations:
            text += f"            -   to: {to}\n                via: {GATEWAY[family]}\n"
        text += f"            set-name: {nic}\n"
    return text


def keyfile(nic: str, family: int, destinations: List[str]) -> str:
    """Source: cloudinit/net/network_manager.py."""
    head = f"[connection]\nid=cloud-init {nic}\n\n[ethernet]\nmac-address={MAC[nic].upper()}\n"
    head += f"\n[ipv{family}]\nmethod=manual\n"
    routes = [f"route{number}={to},{GATEWAY[family]}\n" for number, to in enumerate(destinations, 1)]
    return f"{head}address1={ADDRESSES[family][nic]}\n{''.join(routes)}"


def ifupdown(nic: str, family: int, destinations: List[str]) -> str:
    """Source: cloudinit/net/eni.py."""
    inet = "inet" if family == 4 else "inet6"
    text = f"auto {nic}\niface {nic} {inet} static\n    address {ADDRESSES[family][nic]}\n"
    for to in destinations:
        what = f"-net {to.split('/')[0]} netmask 255.255.0.0" if family == 4 else f"-A inet6 {to}"
        if to == DEFAULT[family]:
            what = "default" if family == 4 else "-A inet6 default"
        for when, command in (("post-up", "add"), ("pre-down", "del")):
            text += f"    {when} route {command} {what} gw {GATEWAY[family]} || true\n"
    return text


def sysconfig(nic: str, family: int, destinations: List[str]) -> Dict[str, str]:
    """Source: cloudinit/net/sysconfig.py, as on EL."""
    head = "# Created by cloud-init automatically, do not edit.\n#\n"
    key = "GATEWAY" if family == 4 else "IPV6_DEFAULTGW"
    default = f"DEFROUTE=yes\n{key}={GATEWAY[family]}\n" if DEFAULT[family] in destinations else ""
    files = {f"ifcfg-{nic}": f"{head}{default}DEVICE={nic}\nHWADDR={MAC[nic]}\n"}
    hosts = [to for to in destinations if to != DEFAULT[family]]
    if hosts and family == 4:
        files[f"route-{nic}"] = head + "".join(
            f"ADDRESS{number}={to.split('/')[0]}\nGATEWAY{number}={GATEWAY[4]}\nNETMASK{number}=255.255.0.0\n"
            for number, to in enumerate(hosts)
        )
    elif hosts:
        files[f"route6-{nic}"] = head + "".join(f"{to} via {GATEWAY[6]}  dev {nic}\n" for to in hosts)
    return files


def wicked(nic: str, family: int, destinations: List[str]) -> Dict[str, str]:
    """Source: SUSE's cloud-init-write-routes.patch, which is to learn IPv6."""
    files = {f"ifcfg-{nic}": f"# Created by cloud-init automatically, do not edit.\n#\nLLADDR={MAC[nic]}\n"}
    names = ["default" if to == DEFAULT[family] else to for to in destinations]
    if names:
        files[f"ifroute-{nic}"] = "".join(f"{name} {GATEWAY[family]} - -\n" for name in names)
    return files


def texts(made: Correction) -> Dict[str, str]:
    """The files afterwards."""
    return {one.path: one.after for one in made.files if one.after is not None}


def routes(manager: str, files: Dict[str, str]) -> Routes:
    """What the manager will make of its files: NIC, destination, gateway."""
    found = []
    for parsed in READ[manager](
        [(path, tuple(text.splitlines(keepends=True))) for path, text in files.items()], nic_of
    ):
        assert parsed.odd is None, parsed.odd
        found += [(one.nic.name, str(one.destination), address_text(one.gateway)) for one in parsed.routes]
    return sorted(found)


def put_right(
    manager: str, files: Dict[str, str], networks: List[Dict[str, Any]], settings: Settings = DEFAULTS
) -> Correction:
    data = situation(networks, KERNEL)
    links = tuple(
        one._replace(mac=nic.mac) for one, nic in zip(data.data.links, (ETH0, ETH1))
    )  # the document's MACs are those of the files
    evidence = data._replace(data=data.data._replace(links=links))
    decision = decide(project(evidence, settings), settings)
    return correct([(manager, path, text) for path, text in files.items()], decision, settings)


def documented(family: int, own: bool) -> List[Dict[str, Any]]:
    """D1; `own`: eth1's network lists its default too."""
    entries = [f"default {GATEWAY[family]}", f"{HOST[family]} {GATEWAY[family]}"]
    mine = (
        [f"default {GATEWAY[family]}"] if own else [f"{'12.0.0.0/8' if family == 4 else 'fd12::/16'} {GATEWAY[family]}"]
    )
    addresses = ADDRESSES[family]
    return [network("eth0", addresses["eth0"], *entries), network("eth1", addresses["eth1"], *mine)]


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize("manager", MANAGERS)
def test_where_eth1_has_the_default_already(manager: str, family: int) -> None:
    """Its good default stays, and the unreachable one goes."""
    files = rendered(manager, family, {"eth0": [DEFAULT[family], HOST[family]], "eth1": [DEFAULT[family]]})
    gateway = GATEWAY[family]
    assert routes(manager, files) == sorted([
        ("eth0", DEFAULT[family], gateway),
        ("eth0", HOST[family], gateway),
        ("eth1", DEFAULT[family], gateway),
    ])  # fmt: skip
    made = put_right(manager, files, documented(family, own=True))
    after = texts(made)
    assert routes(manager, after) == sorted([("eth1", DEFAULT[family], gateway), ("eth1", HOST[family], gateway)])
    verdicts = {(one.route.nic.name, str(one.route.destination)): one.verdict for one in made.verdicts}
    assert verdicts == {
        ("eth0", DEFAULT[family]): "removed",
        ("eth0", HOST[family]): "moved",
        ("eth1", DEFAULT[family]): "kept",
    }


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize("manager", MANAGERS)
def test_where_only_eth0s_network_lists_it(manager: str, family: int) -> None:
    """Both move to the NIC that the next hop names: the machine keeps its one default."""
    files = rendered(manager, family, {"eth0": [DEFAULT[family], HOST[family]], "eth1": []})
    made = put_right(manager, files, documented(family, own=False))
    after = texts(made)
    gateway = GATEWAY[family]
    assert routes(manager, after) == sorted([("eth1", DEFAULT[family], gateway), ("eth1", HOST[family], gateway)])
    assert {one.verdict for one in made.verdicts} == {"moved"}


@pytest.mark.parametrize("manager", MANAGERS)
def test_what_is_right_is_corrected_no_more(manager: str) -> None:
    files = rendered(manager, 4, {"eth0": [DEFAULT[4], HOST[4]], "eth1": [DEFAULT[4]]})
    once = texts(put_right(manager, files, documented(4, own=True)))
    assert texts(put_right(manager, once, documented(4, own=True))) == once


@pytest.mark.parametrize("manager", MANAGERS)
def test_a_host_route_that_is_not_used_goes_where_its_nic_cannot_reach_it(manager: str) -> None:
    """Of two to one destination the first is used; the other one, under eth0, would keep the manager waiting."""
    files = rendered(manager, 4, {"eth0": [HOST[4]], "eth1": []})
    first = network("eth0", ADDRESSES[4]["eth0"], "default 10.65.0.1", f"{HOST[4]} 10.65.0.1", f"{HOST[4]} 11.8.0.1")
    networks = [first, network("eth1", ADDRESSES[4]["eth1"], "default 11.8.0.1")]
    made = put_right(manager, files, networks)
    assert [(one.verdict, one.reason) for one in made.verdicts] == [("removed", "out-of-reach")]
    assert routes(manager, texts(made)) == []


@pytest.mark.parametrize("off", [False, True])
def test_a_default_that_moves_to_the_elected_nic_counts_unless_that_is_switched_off(off: bool) -> None:
    """eth0's own default goes as eth1 gets the one that eth0's network lists for it; else it stays (R7)."""
    listed = {"eth0": [DEFAULT[4]], "eth1": []}
    files = rendered("systemd-networkd", 4, listed)
    files["eth0"] += "\n[Route]\nGateway=10.65.0.1\n"
    files["eth1"] += "\n[Link]\nUnmanaged=yes\n" * off
    first = network("eth0", ADDRESSES[4]["eth0"], "default 11.8.0.1", "default 10.65.0.1")
    networks = [first, network("eth1", ADDRESSES[4]["eth1"], "12.0.0.0/8 11.8.0.1")]
    made = put_right("systemd-networkd", files, networks, Settings(default=Selector(nic="eth1")))
    assert [f"{one.verdict}: {one.reason}" for one in made.verdicts] == [
        "moved: resolved",
        "left: only-default" if off else "removed: extra-default",
    ]
