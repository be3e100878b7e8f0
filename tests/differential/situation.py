"""Made-up situations: NICs, a kernel's table, settings, and one to three documents; the same for the same seed."""

from __future__ import annotations

import ipaddress
import random
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Tuple

FAMILIES = (4, 6)
ANYWHERE = {4: "0.0.0.0/0", 6: "::/0"}
NICS = ("e0", "e1", "e2", "e3")
OTHERS = ("v0", "v1")
"""NICs that no document describes."""
MACS = {name: f"fa:16:3e:00:00:{number:02x}" for number, name in enumerate((*NICS, *OTHERS), 1)}
ABSENT_MAC = "fa:16:3e:00:00:99"
DESTINATIONS = {
    4: ["11.0.0.0/8", "11.11.0.0/16", "11.11.3.4/32", "12.0.0.0/16", "192.168.0.0/16", "169.254.169.254/32"],
    6: ["fd11::/16", "fd11:11::/32", "fd11:11:3::4/128", "fd12::/48", "fd13::/48"],
}
DAMAGED = "none"
"""The next hop of an entry that can't be read."""
REFUSED = {4: ["224.0.0.0/8", "127.0.0.0/8", "10.1.0.0/24", "10.2.0.7/32"], 6: ["ff00::/8", "fd00:1::/64", "::1/128"]}


class NicSpec(NamedTuple):
    """A NIC before the first pass."""

    name: str
    up: bool
    carrier: bool
    addresses: Tuple[str, ...]


class Row(NamedTuple):
    """A next hop of a route in the kernel's main table."""

    family: int
    destination: str
    via: str
    """"" for on link."""
    dev: str
    metric: int
    proto: int
    onlink: bool = False

    def __str__(self) -> str:
        via = f"via {self.via} " if self.via else ""
        onlink = " onlink" if self.onlink else ""
        return f"{self.destination} {via}dev {self.dev} proto {self.proto} metric {self.metric}{onlink}"


class Change(NamedTuple):
    """What becomes of a NIC between two documents."""

    nic: str
    addresses: Tuple[str, ...]
    """() for those that it has."""
    mac: str = ""
    """"" for the one that it has."""
    defaults: Tuple[Row, ...] = ()
    """Those that come with its new addresses, behind what is there."""


class Lease(NamedTuple):
    """What a NIC's DHCP server says; it is for the NIC's own address in its first subnet."""

    router: str
    """Option 3."""
    routes: Tuple[Tuple[str, str], ...]
    """Option 121: destination and next hop."""


class Situation(NamedTuple):
    """What a run of passes starts from."""

    seed: int
    nics: Tuple[NicSpec, ...]
    rows: Tuple[Row, ...]
    documents: Tuple[Dict[str, Any], ...]
    accept: Tuple[bool, ...]
    """--accept-withdrawals, a pass each."""
    settings: Dict[str, Any]
    """nic (the selector), gateways (a NIC's name: address), default_mode, next_hops, routes (destination,nexthop)."""
    changes: Tuple[Tuple[Change, ...], ...] = ()
    """Before each pass but the first."""
    properties: Tuple[Optional[str], ...] = ()
    """The property guest_routes beside each document; "" for none of it, None for no meta_data.json."""
    leases: Tuple[Tuple[str, Lease], ...] = ()
    """By NIC."""


def gateway(number: int, family: int) -> str:
    return f"10.{number + 1}.0.1" if family == 4 else f"fd00:{number + 1}::1"


def own(number: int, family: int) -> str:
    return f"10.{number + 1}.0.7" if family == 4 else f"fd00:{number + 1}::7"


def renumbered(number: int, family: int) -> str:
    """The beginning of the addresses in another subnet."""
    return f"10.{number + 101}.0." if family == 4 else f"fd00:{number + 101}::"


def further(number: int, family: int) -> str:
    """The beginning of the addresses in a subnet that no document describes."""
    return f"10.{number + 201}.0." if family == 4 else f"fd00:{number + 201}::"


def make(seed: int) -> Situation:
    return _Maker(seed).situation()


class _Maker:
    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.r = random.Random(seed)
        self.m = random.Random(f"metrics of {seed}")
        self.c = random.Random(f"changes of {seed}")
        self.w = random.Random(f"wrong links of {seed}")
        self.l = random.Random(f"link-local next hops of {seed}")
        self.o = random.Random(f"defaults on link of {seed}")
        self.f = random.Random(f"further subnets of {seed}")
        self.d = random.Random(f"damage of {seed}")
        self.p = random.Random(f"routes of no document of {seed}")
        self.s = random.Random(f"leases of {seed}")
        self.count = self.r.randint(2, 4)
        self.further = self.f.randrange(self.count) if self.f.random() < 0.15 else None
        self.on_link = self.o.randrange(self.count) if self.o.random() < 0.1 else None
        self.lengths = {4: 32 if self.chance(0.12) else 24, 6: 128 if self.chance(0.08) else 64}
        numbers = list(range(self.count))
        self.r.shuffle(numbers)
        self.order = numbers
        self.families = {n: self.r.choice([(4,), (4,), (4, 6), (4, 6), (6,)]) for n in numbers}
        if self.chance(0.5):
            self.families = dict.fromkeys(numbers, (4,))
        asking = [n for n in range(self.count) if 4 in self.families[n] and self.s.random() < 0.5]
        self.leases = {NICS[n]: self.lease(n) for n in asking if self.s.random() < 0.8}
        self.asking = set(asking) if self.s.random() < 0.3 else set()
        self.leases = self.leases if self.asking else {}

    def chance(self, share: float) -> bool:
        return self.r.random() < share

    def situation(self) -> Situation:
        nics = [self.nic(n) for n in range(self.count)]
        others = OTHERS[: self.r.randint(1, 2)]
        nics += [
            NicSpec(name, True, True, (f"172.{16 + i}.0.2/24", f"fd99:{i}::2/64")) for i, name in enumerate(others)
        ]
        document = self.document()
        documents = [document]
        for _ in range(self.r.choice([0, 0, 1, 2])):
            documents.append(self.document() if self.r.choice([True, False]) else document)
        settings: Dict[str, Any] = {}
        if self.chance(0.06):
            settings["nic"] = self.r.choice(NICS[: self.count])
        if self.chance(0.1):
            n = self.r.randrange(self.count)
            settings["gateways"] = {NICS[n]: self.r.choice([gateway(n, 4), gateway(n, 4), f"10.{n + 1}.0.2"])}
        if self.chance(0.1):
            settings["default_mode"] = self.r.choice(["demote", "observe"])
        if self.chance(0.08):
            settings["next_hops"] = "on-link"
        if self.further is not None and self.f.random() < 0.6:
            settings.setdefault("gateways", {})[NICS[self.further]] = f"{further(self.further, 4)}1"
        if self.p.random() < 0.3:
            settings["routes"] = [",".join(one) for one in self.listed(0.0)]
        rows = tuple(self.rows(others))
        accept = tuple(self.chance(0.6) for _ in documents)
        changes = tuple(tuple(self.changes()) for _ in documents[1:])
        given = tuple(self.properties(documents))
        leases = tuple(self.leases.items())
        return Situation(self.seed, tuple(nics), rows, tuple(documents), accept, settings, changes, given, leases)

    # -- what no document lists ----------------------------------------------------------------------

    def listed(self, damaged: float) -> Iterator[Tuple[str, str]]:
        """Routes of the settings or of the property, a default entry among most of them."""
        for _ in range(self.p.choice([1, 1, 2, 3])):
            n = self.p.randrange(self.count)
            family = self.p.choice(self.families[n])
            hop = self.p.choice([gateway(n, family)] * 8 + [gateway(n, family)[:-1] + "3", own(n, family)[:-1] + "9"])
            if self.p.random() < 0.06:
                hop = self.p.choice([own(n, family), "203.0.113.1" if family == 4 else "fd77::1"])
            to = ANYWHERE[family] if self.p.random() < 0.5 else self.p.choice(DESTINATIONS[family])
            yield to, DAMAGED if to == ANYWHERE[family] and self.p.random() < damaged else hop

    def properties(self, documents: List[Dict[str, Any]]) -> Iterator[Optional[str]]:
        """With a document that is another one it may be another one, too."""
        there: Optional[str] = " ".join(map(",".join, self.listed(0.1))) if self.p.random() < 0.3 else None
        never = there is None
        for nth, document in enumerate(documents):
            if nth and not never and document is not documents[nth - 1] and self.p.random() < 0.5:
                there = self.p.choice([" ".join(map(",".join, self.listed(0.3))), "", None])
            yield there

    def lease(self, n: int) -> Lease:
        mine, other = gateway(n, 4), gateway(self.s.randrange(self.count), 4)
        hosts = [
            (self.s.choice(DESTINATIONS[4][:-1]), self.s.choice([mine, gateway(self.s.randrange(self.count), 4)]))
            for _ in range(self.s.choice([0, 1, 1, 2]))
        ]
        how = self.s.choice(["router", "router", "own", "own", "own", "other", "none", "none"])
        listed = {"own": [mine], "other": [other]}
        hosts += [(ANYWHERE[4], hop) for hop in listed.get(how, [])]
        return Lease(mine if how != "none" or not hosts else "", tuple(hosts))

    def nic(self, number: int) -> NicSpec:
        state = self.r.choice(["up"] * 25 + ["down", "no carrier", "no address"])
        addresses = tuple(f"{own(number, f)}/{self.lengths[f]}" for f in self.families[number])
        if number == self.further:
            addresses += tuple(f"{further(number, f)}7/{24 if f == 4 else 64}" for f in self.families[number])
        return NicSpec(NICS[number], state != "down", state != "no carrier", () if state == "no address" else addresses)

    def changes(self) -> Iterator[Change]:
        """NICs that get another address, by DHCP say, or another MAC."""
        for number in range(self.count):
            families = self.families[number]
            if self.c.random() < 0.2:
                addresses = tuple(f"{renumbered(number, f)}7/{24 if f == 4 else 64}" for f in families)
                defaults = tuple(
                    Row(f, ANYWHERE[f], f"{renumbered(number, f)}1", NICS[number], self.c.choice([20, 3000]), 16)
                    for f in families if self.c.random() < 0.6
                )  # fmt: skip
                yield Change(NICS[number], addresses, "", defaults)
            if self.c.random() < 0.05:
                yield Change(NICS[number], (), f"fa:16:3e:00:01:{number:02x}")

    # -- documents -----------------------------------------------------------------------------------

    def document(self) -> Dict[str, Any]:
        links, networks = [], []
        order = [n for n in self.order if not self.chance(0.06)]
        for n in order:
            mac = ABSENT_MAC if self.chance(0.03) else MACS[NICS[n]]
            if not self.chance(0.04):
                links.append({"id": f"tap{n}", "type": "ovs", "ethernet_mac_address": mac})
            for family in self.families[n]:
                if not self.chance(0.04):
                    networks.append(self.network(n, family))
        if self.chance(0.02):
            networks = []
        self.with_metrics(networks)
        self.with_wrong_links(links, networks)
        self.with_link_local_next_hops(networks)
        self.with_next_hops_beyond(networks)
        if self.on_link is not None and self.o.random() < 0.7:
            self.without_defaults(networks)
        self.with_damage(networks)
        return {"links": links, "networks": networks, "services": []}

    def with_wrong_links(self, links: List[Dict[str, Any]], networks: List[Dict[str, Any]]) -> None:
        """In some documents two links are swapped, or have one MAC, one id, or one's networks."""
        if len(links) < 2 or self.w.random() > 0.12:
            return
        one, other = self.w.sample(links, 2)
        how = self.w.random()
        if how < 0.25:
            one["ethernet_mac_address"], other["ethernet_mac_address"] = (
                other["ethernet_mac_address"], one["ethernet_mac_address"],
            )  # fmt: skip
            return
        if how < 0.4:
            for network in networks:
                network["link"] = other["id"] if network["link"] == one["id"] else network["link"]
            return
        if how < 0.8:
            one["ethernet_mac_address"] = other["ethernet_mac_address"]
            return
        for network in networks:
            network["link"] = other["id"] if network["link"] == one["id"] else network["link"]
        one["id"] = other["id"]

    def with_link_local_next_hops(self, networks: List[Dict[str, Any]]) -> None:
        """Some IPv6 documents name routers by link-local addresses, which several NICs may have."""
        if self.l.random() > 0.5:
            return
        for network in (one for one in networks if one["type"].startswith("ipv6")):
            for entry in network.get("routes", []):
                if self.l.random() < 0.5:
                    entry["gateway"] = f"fe80::{self.l.randint(1, 2)}"

    def with_next_hops_beyond(self, networks: List[Dict[str, Any]]) -> None:
        """Host routes by a router of the further subnet, under any network."""
        for network in networks if self.further is not None else ():
            family = 6 if network["type"].startswith("ipv6") else 4
            if "routes" in network and self.further is not None and self.f.random() < 0.5:
                hop = f"{further(self.further, family)}{self.f.choice([1, 1, 3])}"
                network["routes"].append(route(self.f.choice(DESTINATIONS[family]), hop))

    def without_defaults(self, networks: List[Dict[str, Any]]) -> None:
        """What the kernel has counts where nothing is documented."""
        for network in networks:
            network.pop("gateway", None)
            if "routes" in network:
                network["routes"] = [one for one in network["routes"] if one["network"] not in ("0.0.0.0", "::")]

    def with_damage(self, networks: List[Dict[str, Any]]) -> None:
        """Default entries whose next hop can't be read."""
        for network in networks if self.d.random() < 0.2 else ():
            entries = [one for one in network.get("routes", []) if one["network"] in ("0.0.0.0", "::")]
            for one in entries if self.d.random() < 0.5 else ():
                one["gateway"] = DAMAGED

    def with_metrics(self, networks: List[Dict[str, Any]]) -> None:
        """Some documents order their default entries."""
        if self.m.random() > 0.15:
            return
        for network in networks:
            entries = [one for one in network.get("routes", []) if one["network"] in ("0.0.0.0", "::")]
            for one in [*entries, network]:
                metric = self.m.choice([None, None, 10, "20", 1024, 2000])
                one.update({} if metric is None else {"metric": metric})

    def network(self, n: int, family: int) -> Dict[str, Any]:
        made: Dict[str, Any] = {"id": f"network{n}-{family}", "link": f"tap{n}", "type": f"ipv{family}"}
        if family == 4 and (self.chance(0.06) or (n in self.asking and self.s.random() < 0.9)):
            return {**made, "type": "ipv4_dhcp"}
        if family == 6 and self.chance(0.15):
            made["type"] = "ipv6_slaac"
        prefix = ipaddress.ip_interface(f"{own(n, family)}/{self.lengths[family]}")
        routes = [self.entry(n, family) for _ in range(self.r.choice([0, 0, 1, 1, 2, 3]))]
        how = self.r.choice(["own"] * 7 + ["other", "other", "other and own", "key", "none", "none", "outside", "host"])
        mine, other = gateway(n, family), gateway(self.r.randrange(self.count), family)
        listed = {"own": [mine], "other": [other], "other and own": [other, mine], "outside": ["203.0.113.9"]}
        for hop in listed.get(how, []):
            if ":" in mine and ":" not in hop:
                hop = mine
            routes.insert(self.r.randint(0, len(routes)), route(ANYWHERE[family], hop))
        if how == "host":
            routes.append(route(ANYWHERE[family], f"10.{n + 1}.0.9" if family == 4 else f"fd00:{n + 1}::9"))
        if how == "key":
            made["gateway"] = mine
        return {**made, "ip_address": str(prefix.ip), "netmask": str(prefix.netmask), "routes": routes}

    def entry(self, n: int, family: int) -> Dict[str, Any]:
        to = self.r.choice(REFUSED[family] if self.chance(0.05) else DESTINATIONS[family])
        other = self.r.randrange(self.count)
        hop = self.r.choice([gateway(other, family)] * 7 + [gateway(n, family)] * 3 + [own(other, family)[:-1] + "9"])
        if self.chance(0.05):
            hop = self.r.choice([own(n, family), "203.0.113.1" if family == 4 else "fd77::1"])
        return route(to, hop)

    # -- the kernel's table --------------------------------------------------------------------------

    def rows(self, others: Tuple[str, ...]) -> List[Row]:
        rows: List[Row] = []
        for n in range(self.count):
            for family in self.families[n]:
                rows += self.defaults(n, family)
        for i, name in enumerate(others):
            if self.chance(0.25):
                rows.append(Row(4, ANYWHERE[4], f"172.{16 + i}.0.1", name, self.r.choice([0, 50, 2000]), 4))
            if self.chance(0.15):
                rows.append(Row(6, ANYWHERE[6], f"fd99:{i}::1", name, self.r.choice([50, 2000]), 4))
        for _ in range(self.r.choice([0, 1, 2, 3, 5])):
            rows.append(self.host_row())
        self.r.shuffle(rows)
        there = self.further
        for family in self.families[there] if there is not None else ():
            if there is not None and self.f.random() < 0.4:
                hop, metric = f"{further(there, family)}{self.f.choice([1, 3])}", self.f.choice([300, 5])
                rows.append(Row(family, ANYWHERE[family], hop, NICS[there], metric, 16))
        if self.on_link is not None:
            name = NICS[self.on_link]
            rows = [row for row in rows if (row.destination, row.dev) != (ANYWHERE[4], name)]
            rows.append(Row(4, ANYWHERE[4], "", name, self.o.choice([10, 3001]), 3))
        return rows

    def defaults(self, n: int, family: int) -> List[Row]:
        made = []
        short = self.lengths[family] > 100 or (family == 4 and self.lengths[4] == 32)
        for _ in range(self.r.choice([0, 1, 1, 1, 2])):
            hop, onlink = gateway(n, family), short
            proto = self.r.choice([3, 4, 16])
            if self.chance(0.1):
                hop = hop[:-1] + "3"
            elif self.chance(0.08):  # A manager has made what the document lists under the wrong network.
                hop, onlink = gateway(self.r.randrange(self.count), family), True
            if self.chance(0.2):
                proto = 121
            elif family == 6 and self.chance(0.3):
                hop, proto = f"fe80::{n + 1}", 9
            metric = self.r.choice([0, 0, 100, 100 + n, 1024] if family == 4 else [100 + n, 512 + n, 1020 + n])
            made.append(Row(family, ANYWHERE[family], hop, NICS[n], metric, proto, onlink))
        return made

    def host_row(self) -> Row:
        n = self.r.randrange(self.count)
        family = self.r.choice(self.families[n])
        hop = gateway(n, family)
        if self.chance(0.2):
            hop = hop[:-1] + "3"
        proto = self.r.choice([121, 121, 4, 16])
        metrics = [0, 0, 100] if family == 4 else [1023] if proto == 121 else [1024, 512]
        onlink = (family == 4 and self.lengths[4] == 32) or (family == 6 and self.lengths[6] == 128)
        to = self.r.choice(DESTINATIONS[family])
        return Row(
            family, to, hop, NICS[n], 0 if proto == 121 and family == 4 else self.r.choice(metrics), proto, onlink
        )


def route(destination: str, hop: str) -> Dict[str, Any]:
    to = ipaddress.ip_network(destination)
    return {"network": str(to.network_address), "netmask": str(to.netmask), "gateway": hop}
