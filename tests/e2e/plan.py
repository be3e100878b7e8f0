"""Which machines are booted, with which documents, and what was left out and why."""

from __future__ import annotations

from typing import Dict, List, NamedTuple, Tuple

SUITES = ("bookworm", "trixie", "forky")
RELEASES = {"bookworm": "Debian 12", "trixie": "Debian 13", "forky": "Debian testing"}
MANAGERS = ("networkd", "netplan", "netplan-ubuntu", "NetworkManager", "ifupdown")
"""netplan-ubuntu: with what Ubuntu's images have otherwise; build-root has it."""
BOOTS = ("first", "reboot", "metadata down", "module", "without")
"""In this order: each works on the disk that the one before has left, and "without" on a new one."""


class Network(NamedTuple):
    """What the cloud tells the machine, and how."""

    shown: str
    document: str
    """Of tests/data: what metadata service and config drive have."""
    drive: bool
    """There is a config drive: cloud-init reads that, and nothing by DHCP."""
    served: bool = True
    """There is a metadata service at all."""
    option_121: str = ""
    """The NIC whose DHCP server names the host route; "" without DHCP."""
    ipv6: str = ""
    """"static" with gateways of the document's, "ra" with routers that announce themselves."""

    @property
    def wanted(self) -> str:
        """The table, as table.py takes it."""
        return self.ipv6 or "ipv4"


NETWORKS = {
    "static-right": Network("static, host route under eth1's subnet", "documented", True),
    "static-wrong": Network("static, host route under eth0's subnet", "wrong-subnet", True),
    "drive": Network("config drive only, host route under eth0's subnet", "wrong-subnet", True, served=False),
    "dhcp-right": Network("silent DHCP, option 121 under eth1's subnet", "dhcp", False, option_121="eth1"),
    "dhcp-wrong": Network("silent DHCP, option 121 under eth0's subnet", "dhcp", False, option_121="eth0"),
    "dual-static": Network("dual stack, static", "dual-stack", True, ipv6="static"),
    "dual-ra": Network("dual stack, DHCP and RA", "dual-stack-dhcp", False, option_121="eth1", ipv6="ra"),
    "chain": Network("Neutron's and Nova's own, static", "openstack-chain", True),
}


class Machine(NamedTuple):
    """One disk that was never booted, and its boots."""

    suite: str
    manager: str
    network: str
    boots: Tuple[str, ...] = ("first", "reboot", "without")

    @property
    def name(self) -> str:
        """Of its folder."""
        return f"{self.suite}-{self.manager}-{self.network}"


ALL = BOOTS
DOWN = ("first", "reboot", "metadata down", "without")
SHORT = ("first", "reboot")

MACHINES: List[Machine] = [
    # In the order of what can differ most.
    Machine("bookworm", "networkd", "static-wrong", ALL),
    Machine("trixie", "netplan", "dhcp-wrong", DOWN),
    Machine("forky", "netplan", "dhcp-wrong", DOWN),
    Machine("bookworm", "ifupdown", "dhcp-wrong"),
    Machine("bookworm", "NetworkManager", "dhcp-wrong"),
    Machine("trixie", "networkd", "static-wrong", ALL),
    Machine("forky", "networkd", "static-wrong", ALL),
    Machine("trixie", "NetworkManager", "static-wrong"),
    Machine("forky", "NetworkManager", "dhcp-wrong"),
    Machine("bookworm", "netplan", "dual-static"),
    Machine("trixie", "networkd", "dual-ra"),
    Machine("bookworm", "networkd", "dual-ra"),
    Machine("forky", "NetworkManager", "dual-ra"),
    Machine("bookworm", "NetworkManager", "static-wrong"),
    Machine("bookworm", "ifupdown", "static-wrong"),
    Machine("trixie", "netplan", "static-wrong"),
    Machine("bookworm", "networkd", "drive", SHORT),
    Machine("forky", "netplan", "static-wrong", SHORT),
    Machine("trixie", "NetworkManager", "dhcp-wrong", SHORT),
    Machine("forky", "NetworkManager", "static-wrong", SHORT),
    Machine("bookworm", "netplan", "dhcp-wrong", SHORT),
    Machine("trixie", "NetworkManager", "dual-static", SHORT),
    Machine("forky", "networkd", "dual-static", SHORT),
    Machine("bookworm", "netplan", "chain", ("first",)),
    Machine("bookworm", "ifupdown", "dual-static", SHORT),
    Machine("bookworm", "NetworkManager", "dual-ra", SHORT),
    Machine("forky", "netplan", "dual-ra", SHORT),
    Machine("bookworm", "networkd", "dhcp-wrong", SHORT),
    Machine("bookworm", "ifupdown", "dual-ra", SHORT),
    Machine("trixie", "networkd", "dhcp-right", SHORT),
    Machine("bookworm", "ifupdown", "dhcp-right", SHORT),
    Machine("forky", "netplan", "dhcp-right", SHORT),
    Machine("bookworm", "NetworkManager", "dhcp-right", SHORT),
    Machine("trixie", "netplan", "drive", SHORT),
    Machine("bookworm", "NetworkManager", "drive", SHORT),
    Machine("forky", "NetworkManager", "dual-static", SHORT),
    Machine("bookworm", "networkd", "static-right", SHORT),
    Machine("trixie", "netplan", "static-right", SHORT),
    Machine("bookworm", "ifupdown", "static-right", SHORT),
    Machine("forky", "NetworkManager", "static-right", SHORT),
    Machine("forky", "netplan-ubuntu", "static-wrong", SHORT),
    Machine("forky", "netplan-ubuntu", "dhcp-wrong", SHORT),
]

LEFT_OUT: Dict[str, str] = {
    "ifupdown on Debian 13 and testing": "their cloud images have netplan; cloud-init's file and the program are those"
    " of Debian 12",
    "networkd and netplan both, for each document and suite": "netplan writes networkd's files; what differs is who"
    " reads cloud-init's file and what `netplan apply` does, and each suite has one machine of both at least",
    "`drive` for each": "the config drive is read by guest-routes itself, the same way beside every manager",
    "`metadata down` for each": "the last known good document is read without the manager; one with DHCP and one with"
    " static networks on each suite",
    "`module` for each": "cloud-init runs it after the network is up; one of each version of cloud-init",
    "host route under eth1's subnet for each": "the manager has it right then by itself; what is left to us is the"
    " second default, which the wrong subnet has as well",
    "dual stack with DHCPv6": "it carries no routes: the router's advertisement has the default, as with SLAAC",
}
"""What no machine is planned for, and why."""
