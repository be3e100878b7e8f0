"""The instance of the soak: NICs, documents, settings, foreign routes, and the tables that ought to come out.

The wanted tables are made from the lists below, not by the package under test.
"""

from __future__ import annotations

import ipaddress
import json
from typing import Any, Dict, List, NamedTuple, Tuple

from tests.support.lab import MACS, Lab

UUID = "b84cb1a5-3dd4-4a4e-9a1b-4c0f0a2d9e11"
VPN = "tun0"
NEAR = 16
"""See guest_routes/routing/planning/default_metrics.py."""


class Card(NamedTuple):
    """One NIC, as the hypervisor and the network manager have it."""

    name: str
    mac: str
    addresses: Tuple[str, str]
    """IPv4 and IPv6, with length."""
    gateways: Tuple[str, str]

    def gateway(self, family: int) -> str:
        """The subnet's."""
        return self.gateways[family == 6]

    def subnet(self, family: int) -> str:
        """`11.8.0.0/24`"""
        return str(ipaddress.ip_interface(self.addresses[family == 6]).network)

    @property
    def foreign(self) -> str:
        """A static route of the network manager's own through this NIC, as `ip route` takes it."""
        number = int(self.name[-1])
        neighbour = str(ipaddress.ip_interface(self.addresses[0]).network[77])
        return f"198.51.100.{16 * number}/28 via {neighbour} dev {self.name} proto static metric 7"


CARDS = (
    Card("eth0", MACS[0], ("10.65.0.7/24", "fd00:65::7/64"), ("10.65.0.1", "fd00:65::1")),
    Card("eth1", MACS[1], ("11.8.0.9/24", "fd00:8::9/64"), ("11.8.0.1", "fd00:8::1")),
    Card("eth2", MACS[2], ("12.9.0.5/24", "fd00:9::5/64"), ("12.9.0.1", "fd00:9::1")),
)
CARRIERS = {"eth0", "eth1"}
"""Described by every document of the soak, so that a default is to be expected when one of them is up."""
FOREIGN = (
    "172.20.0.0/16 dev tun0 proto static scope link",
    "172.21.0.0/16 via 10.200.0.77 dev tun0 proto static metric 3",
    "0.0.0.0/1 via 10.200.0.1 dev tun0 proto static",
    "128.0.0.0/1 via 10.200.0.1 dev tun0 proto static",
    "blackhole 192.0.2.0/24 proto static",
)
FOREIGN6 = ("fd00:77::/48 dev tun0 proto static metric 1024 pref medium",)
FOREIGN_TABLE = ("default via 10.200.0.1 dev tun0 proto static", "172.30.0.0/16 dev tun0 proto static scope link")
RULE = "from 10.200.0.0/24 lookup 100"


class HostRoute(NamedTuple):
    """One host route of a subnet."""

    destination: str
    card: Card
    """The NIC whose gateway is its next hop."""
    listed_under: int
    """Index of the NIC whose network lists it."""

    @property
    def family(self) -> int:
        """4 or 6."""
        return 6 if ":" in self.destination else 4

    @property
    def next_hop(self) -> str:
        """The gateway's address."""
        return self.card.gateway(self.family)


ALL_ROUTES = (
    HostRoute("11.11.0.0/16", CARDS[1], 0),
    *(HostRoute(f"100.64.{n}.0/24", CARDS[1 + n % 2], n % 3) for n in range(24)),
    *(HostRoute(f"fd00:11:{n}::/48", CARDS[1 + n % 2], n % 3) for n in range(1, 9)),
)
DOCUMENTS: Dict[str, Tuple[HostRoute, ...]] = {
    "full": ALL_ROUTES,
    "other": tuple(route for n, route in enumerate(ALL_ROUTES) if n % 4),
    "shrunk": ALL_ROUTES[:5] + ALL_ROUTES[-2:],
}
"""Those that may be in force at the end of the noise. The step to "shrunk" is one that R6 wants to see three times."""
SETTINGS: Dict[str, str] = {
    "plain": "",
    "metric": "metric: 50\n",
    "ignoring": "ignore_destinations: [100.64.2.0/24]\n",
    "more": "routes: ['203.0.113.0/24,11.8.0.1']\n",
}
COMMON_SETTINGS = "refresh_seconds: 2\ndeadline_seconds: 6\n"
BROKEN_SETTINGS = ("refresh_seconds: soon\n", "routes: [a, b\n", "no_such_key: 1\n", "\x00\n")


def document(name: str) -> Dict[str, Any]:
    """A network_data.json; besides DOCUMENTS' "partial", without eth2, and "empty"."""
    if name == "empty":
        return {"links": [], "networks": [], "services": []}
    links: List[Dict[str, Any]] = []
    networks: List[Dict[str, Any]] = []
    for index, card in enumerate(CARDS[:2] if name == "partial" else CARDS):
        links.append({"id": f"tap{index}", "type": "tap", "mtu": 1500, "ethernet_mac_address": card.mac})
        for family in (4, 6):
            address = ipaddress.ip_interface(card.addresses[family == 6])
            any_ = "0.0.0.0" if family == 4 else "::"
            routes = [{"network": any_, "netmask": any_, "gateway": card.gateway(family)}]
            for route in DOCUMENTS.get(name, ALL_ROUTES):
                if route.listed_under == index and route.family == family:
                    prefix = ipaddress.ip_network(route.destination)
                    routes.append(
                        {"network": str(prefix[0]), "netmask": str(prefix.netmask), "gateway": route.next_hop}
                    )
            networks.append(
                {
                    "id": f"network{len(networks)}", "network_id": f"net-{index}", "link": f"tap{index}",
                    "type": f"ipv{family}", "ip_address": str(address.ip), "netmask": str(address.netmask),
                    "routes": routes, "services": [],
                }
            )  # fmt: skip
    return {"links": links, "networks": networks, "services": []}


def wanted(document_name: str, settings_name: str, family: int) -> List[str]:
    """The main table that ought to come out, as `shown` shows it."""
    lines = [f"default via {CARDS[0].gateway(family)} dev eth0"]
    metric = " metric 50" if settings_name == "metric" else "" if family == 4 else " metric 1023"
    end = "" if family == 4 else " pref medium"
    for card in CARDS:
        own = card.addresses[family == 6].split("/")[0]
        tail = f"scope link src {own}" if family == 4 else "metric 256"
        lines.append(f"{card.subnet(family)} dev {card.name} proto kernel {tail}{end}")
        if family == 4:
            lines.append(card.foreign)
    if family == 4:
        lines += [*FOREIGN, f"10.200.0.0/24 dev {VPN} proto kernel scope link src 10.200.0.2"]
    else:
        lines += FOREIGN6
    for route in DOCUMENTS[document_name]:
        ignored = settings_name == "ignoring" and route.destination == "100.64.2.0/24"
        if route.family == family and not ignored:
            lines.append(f"{route.destination} via {route.next_hop} dev {route.card.name} proto 121{metric}{end}")
    if settings_name == "more" and family == 4:
        lines.append(f"203.0.113.0/24 via 11.8.0.1 dev eth1 proto 121{metric}")
    return sorted(lines)


def shown(lab: Lab, settings_name: str, family: int) -> List[str]:
    """The main table, the defaults without protocol and metric: whoever made them."""
    metric = 50 if settings_name == "metric" else 1023
    lines = []
    for line in lab.routes(family):
        line = line.replace("proto guest-routes", "proto 121")
        if line.startswith(("fe80:", "ff00:", "multicast")):
            continue
        if line.startswith("default"):
            line = " ".join(line.split()[:5])
        # A route that was made while its NIC had no address was made on link (R14), and works as well as another.
        if "proto 121" in line:
            line = line.replace(" onlink", "")
            # One that had to get out of the way of another program's IPv6 route stays where it is.
            words = line.split()
            if family == 6 and metric - NEAR <= int(words[words.index("metric") + 1]) < metric:
                words[words.index("metric") + 1] = str(metric)
            line = " ".join(words)
        lines.append(line)
    return sorted(lines)


def untouchable(lab: Lab) -> str:
    """What nobody may change: the other table and the rules."""
    return lab.ip("route", "show", "table", "100") + lab.ip("rule")


def build(lab: Lab) -> None:
    """NICs with the defaults that cloud-init leaves, and what is foreign."""
    for card in CARDS:
        plug(lab, card)
        for family in (4, 6):
            lab.ip("route", "append", "default", "via", card.gateway(family), "dev", card.name, "proto", "static")
        lab.ip("route", "add", *card.foreign.split())
    lab.hypervisor("ip", "address", "add", "11.11.3.4/32", "dev", "lo")
    lab.nic(VPN, "fa:16:3e:00:00:77", "10.200.0.2/24")
    for route in FOREIGN:
        lab.ip("route", "add", *route.split())
    for route in FOREIGN6:
        lab.ip("-6", "route", "add", *route.split()[:5])
    for route in FOREIGN_TABLE:
        lab.ip("route", "add", *route.split(), "table", "100")
    lab.ip("rule", "add", *RULE.split())


def plug(lab: Lab, card: Card) -> None:
    """The NIC appears, with its addresses; up."""
    gateways = tuple(f"{gateway}/{length}" for gateway, length in zip(card.gateways, (24, 64)))
    lab.nic(card.name, card.mac, *card.addresses, gateways=gateways)


def as_bytes(name: str) -> bytes:
    """The document as JSON."""
    return json.dumps(document(name)).encode()
