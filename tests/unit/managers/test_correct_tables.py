"""Routes of other tables in files of cloud-init's: `correct` leaves them, and takes none of them for main's."""

from __future__ import annotations

from typing import Dict, List, Tuple

import pytest

from guest_routes.managers.correct import correct
from guest_routes.model.configuration import Correction
from guest_routes.model.settings import Settings
from tests.support.lab import MACS
from tests.support.reports import projected

NETPLAN = f"""network:
  version: 2
  ethernets:
    eth0:
      match:
        macaddress: {MACS[0]}
      routes:
      - to: default
        via: 10.65.0.1
    eth1:
      match:
        macaddress: {MACS[1]}
      routes:
      - to: default
        via: 11.8.0.1
        table: 101
      - to: 11.11.0.0/16
        via: 11.8.0.1
      routing-policy:
      - from: 11.8.0.9
        table: 101
"""
MATCH = "[Match]\nMACAddress={}\n\n"
NETWORKD = {
    "0": MATCH.format(MACS[0]) + "[Route]\nGateway=10.65.0.1\n",
    "1": MATCH.format(MACS[1]) + "[Route]\nGateway=11.8.0.1\nTable=101\n\n[Route]\nDestination=11.11.0.0/16\n"
    "Gateway=11.8.0.1\n",
}
KEYFILE = "[ethernet]\nmac-address={}\n\n[ipv4]\nmethod=manual\n{}"
KEYFILES = {
    "0": KEYFILE.format(MACS[0], "route1=0.0.0.0/0,10.65.0.1\n"),
    "1": KEYFILE.format(
        MACS[1], "route1=0.0.0.0/0,11.8.0.1\nroute1_options=onlink=true,table=101\nroute2=11.11.0.0/16,11.8.0.1\n"
    ),
}
HEAD = "# Created by cloud-init automatically, do not edit.\n#\n"
EL = {
    "ifcfg-eth0": f"{HEAD}GATEWAY=10.65.0.1\nHWADDR={MACS[0]}\n",
    "ifcfg-eth1": f"{HEAD}HWADDR={MACS[1]}\n",
    "route-eth1": f"{HEAD}ADDRESS0=0.0.0.0\nNETMASK0=0.0.0.0\nGATEWAY0=11.8.0.1\nOPTIONS0=\"onlink table 101\"\n"
    "ADDRESS1=11.11.0.0\nNETMASK1=255.255.0.0\nGATEWAY1=11.8.0.1\n",
    "route6-eth1": f"{HEAD}::/0 via fe80::1 table 101 dev eth1\nfd00::/16 dev eth1 table 101\n",
}  # fmt: skip
WICKED = {
    "ifcfg-eth0": f"{HEAD}LLADDR={MACS[0]}\n",
    "ifroute-eth0": "default 10.65.0.1 - -\n",
    "ifcfg-eth1": f"{HEAD}LLADDR={MACS[1]}\n",
    "ifroute-eth1": "default 11.8.0.1 - - table 101\n11.8.0.0/24 - - eth1 table 101\n11.11.0.0/16 11.8.0.1 - -\n",
}
IFUPDOWN = """auto eth0
iface eth0 inet static
    address 10.65.0.7/24
    gateway 10.65.0.1
auto eth1
iface eth1 inet static
    address 11.8.0.9/24
    post-up ip route add default via 11.8.0.1 dev eth1 table 101
    post-up ip route add 11.8.0.0/24 dev eth1 table 101
    post-up ip rule add from 11.8.0.9 lookup 101
    post-up ip route add 11.11.0.0/16 via 11.8.0.1
"""
EVERY: Dict[str, Dict[str, str]] = {
    "netplan": {"p": NETPLAN},
    "systemd-networkd": NETWORKD,
    "NetworkManager": KEYFILES,
    "sysconfig": EL,
    "wicked": WICKED,
    "ifupdown": {"p": IFUPDOWN},
}


def corrected(manager: str, files: Dict[str, str], document: str = "documented") -> Correction:
    return correct([(manager, path, text) for path, text in files.items()], projected(document), Settings())


def verdicts(made: Correction) -> List[Tuple[str, str, str]]:
    return [(str(one.route), one.verdict, one.reason) for one in made.verdicts]


@pytest.mark.parametrize("manager", sorted(EVERY))
def test_the_operators_source_routing_stays(manager: str) -> None:
    """The document's routes are right in these files; what is in table 101 is nothing of the document's."""
    made = corrected(manager, EVERY[manager])
    assert [one.odd for one in made.files] == [None] * len(made.files)
    assert made.changed == ()
    judged = [one for one in verdicts(made) if one[2] != "not-main"]
    assert judged == [
        ("default via 10.65.0.1 dev eth0", "kept", "elected"),
        ("11.11.0.0/16 via 11.8.0.1 dev eth1", "kept", "resolved"),
    ]
    assert {one[:2] for one in verdicts(made) if one[2] == "not-main"} <= {("default via 11.8.0.1 dev eth1", "kept")}


@pytest.mark.parametrize("table", ["main", "254", "0xfe"])
def test_main_by_its_name_and_numbers_is_main(table: str) -> None:
    made = corrected("systemd-networkd", {**NETWORKD, "1": NETWORKD["1"].replace("101", table)})
    assert verdicts(made)[1] == ("default via 11.8.0.1 dev eth1", "removed", "extra-default")


@pytest.mark.parametrize("table", ["default", "253", "local", "mine"])
def test_other_names_are_no_main(table: str) -> None:
    made = corrected("systemd-networkd", {**NETWORKD, "1": NETWORKD["1"].replace("101", table)})
    assert verdicts(made)[1] == ("default via 11.8.0.1 dev eth1", "kept", "not-main")


@pytest.mark.parametrize("manager", ["netplan", "systemd-networkd", "NetworkManager"])
def test_the_elected_default_in_another_table_does_not_count(manager: str) -> None:
    """Without it, main has the other one alone, which stays (R7)."""
    swapped = {"10.65.0.1": "11.8.0.1", "11.8.0.1": "10.65.0.1", MACS[0]: MACS[1], MACS[1]: MACS[0]}
    files = {path: _swapped(text, swapped).replace("11.11.0.0/16", "12.12.0.0/16")
             for path, text in EVERY[manager].items()}  # fmt: skip
    made = corrected(manager, files)
    assert ("default via 11.8.0.1 dev eth1", "left", "only-default") in verdicts(made)
    assert ("default via 10.65.0.1 dev eth0", "kept", "not-main") in verdicts(made)
    assert made.changed == ()


def _swapped(text: str, pairs: Dict[str, str]) -> str:
    """Each of these texts by the other, all at once."""
    for number, old in enumerate(pairs):
        text = text.replace(old, f"<{number}>")
    for number, new in enumerate(pairs.values()):
        text = text.replace(f"<{number}>", new)
    return text


@pytest.mark.parametrize("manager", ["netplan", "systemd-networkd", "NetworkManager"])
def test_a_host_route_of_another_table_neither_moves_nor_is_there_already(manager: str) -> None:
    """The document lists 11.11.0.0/16 under eth0; main's goes to eth1, where table 100 has one."""
    files = {
        "netplan": {"p": NETPLAN.replace("table: 101", "table: 100", 1).replace("to: default\n        via: 11", "to: "
                    "11.11.0.0/16\n        via: 11")},
        "systemd-networkd": {**NETWORKD, "1": NETWORKD["1"].replace(
            "[Route]\n", "[Route]\nDestination=11.11.0.0/16\n", 1)},
        "NetworkManager": {**KEYFILES, "1": KEYFILES["1"].replace("0.0.0.0/0", "11.11.0.0/16")},
    }[manager]  # fmt: skip
    made = corrected(manager, files, "wrong-subnet")
    host = "11.11.0.0/16 via 11.8.0.1 dev eth1"
    assert verdicts(made)[1:] == [(host, "kept", "not-main"), (host, "kept", "resolved")]


@pytest.mark.parametrize(
    "manager, files",
    [
        ("netplan", {"p": NETPLAN.replace("        table: 101\n", "", 1) + "  vrfs:\n    blue:\n      table: 101\n"
                     "      interfaces: [eth1]\n"}),
        ("netplan", {"p": NETPLAN.replace("        table: 101\n", "", 1) + "  vrfs:\n    blue:\n      interfaces:\n"
                     "      - eth2\n      - \"eth1\"\n      table: 101\n"}),
        ("systemd-networkd", {**NETWORKD, "1": NETWORKD["1"].replace("Table=101\n", "") + "\n[Network]\nVRF=blue\n"}),
        ("NetworkManager", {**KEYFILES, "1": "[connection]\nport-type=vrf\ncontroller=blue\n\n" + KEYFILES["1"].replace(
            "route1_options=onlink=true,table=101\n", "")}),
        ("NetworkManager", {**KEYFILES, "1": "[connection]\nslave-type=vrf\nmaster=blue\n\n" + KEYFILES["1"].replace(
            "route1_options=onlink=true,table=101\n", "")}),
        ("NetworkManager", {**KEYFILES, "1": KEYFILES["1"].replace("onlink=true,table=101", "onlink=true").replace(
            "method", "route-table=101\nmethod")}),
        ("sysconfig", {**EL, "ifcfg-eth1": EL["ifcfg-eth1"] + "GATEWAY=11.8.0.1\nIPV4_ROUTE_TABLE=101\n"}),
        ("sysconfig", {**EL, "ifcfg-eth1": EL["ifcfg-eth1"] + "GATEWAY=11.8.0.1\nVRF=blue\n"}),
    ],
)  # fmt: skip
def test_a_vrf_and_a_table_of_all_routes(manager: str, files: Dict[str, str]) -> None:
    made = corrected(manager, files)
    assert [one.odd for one in made.files] == [None] * len(made.files)
    assert made.changed == ()
    assert {one[1:] for one in verdicts(made) if one[0].endswith("eth1")} == {("kept", "not-main")}
