"""What a pass must leave, by the text of docs/rules.md; nothing of the product is read or imported.

Where the text leaves a choice open, the expectation is left open too (`open_hosts`, `any_of`).
"""

from __future__ import annotations

import ipaddress
from typing import Any, Dict, Iterable, List, NamedTuple, Optional, Sequence, Set, Tuple, Union

from .situation import ANYWHERE, DAMAGED, Lease, Row

OURS, RA, DHCP = 121, 9, 16
Ip = Union[ipaddress.IPv4Address, ipaddress.IPv6Address]
Subnet = Union[ipaddress.IPv4Network, ipaddress.IPv6Network]


class Nic(NamedTuple):
    """A NIC as the kernel has it, in ifindex order."""

    name: str
    mac: str
    up: bool
    carrier: bool
    addresses: Tuple[str, ...]

    def subnets(self, family: int) -> List[Subnet]:
        own = [ipaddress.ip_interface(a) for a in self.addresses]
        return [one.network for one in own if one.version == family and not one.ip.is_link_local]

    def serves(self, family: int) -> bool:
        return self.up and bool(self.subnets(family))


class Net(NamedTuple):
    """A network of the document, bound."""

    nic: Optional[Nic]
    kind: str
    prefixes: Tuple[Subnet, ...]
    defaults: Tuple[Ip, ...]
    """By their metrics."""
    metrics: Dict[Ip, Optional[int]]
    hosts: Tuple[Tuple[Subnet, Ip], ...]
    described: bool
    """It lists routes; those that no machine could have don't count."""
    own: Any = None
    """The address that the document has for it."""
    unknown: str = ""
    """Its link and the addresses contradict each other: the name of the NIC with the link's MAC."""
    leased: bool = False
    """All of it is a lease's."""
    damaged: bool = False
    """It lists no default that can be read, and one that can't."""


class Given(NamedTuple):
    """What is known beside a document, the kernel and the settings."""

    guest_routes: str
    """The property."""
    leases: Dict[str, Lease]
    """Those that hold, by NIC."""


class Hop(NamedTuple):
    """Where a destination should leave: a NIC and its gateway."""

    via: str
    dev: str


class Expected(NamedTuple):
    """One family after a pass."""

    managed: Set[str]
    elected: Optional[Hop]
    why: str
    documented: bool
    hosts: Dict[str, Hop]
    listed: Dict[str, Set[str]]
    """Next hops that are listed for each destination."""
    keep: Set[Tuple[str, str]]
    """(destination, next hop) that stay where ours has them already: only the evidence is gone (R6)."""
    open_hosts: Set[str]
    """Destinations about which the text doesn't decide."""
    passed_over: bool
    """The default entry of the settings or of the property names another NIC than the elected one, or none."""
    leased: Set[Tuple[str, str, str]]
    """(NIC, destination, next hop) of its DHCP lease."""
    unsettled: Tuple[str, ...]
    """What test_known.py holds as a fault, or the text leaves open: such a pass isn't judged."""


class Oracle:
    """Of one document, one machine and one family."""

    def __init__(
        self, document: Dict[str, Any], nics: Sequence[Nic], rows: Sequence[Row], removed: Sequence[Row],
        settings: Dict[str, Any], family: int, given: Given,
    ) -> None:  # fmt: skip
        self.family, self.nics, self.settings, self.given = family, nics, settings, given
        self.every = [row for row in rows if row.family == family]
        self.rows = [row for row in self.every if row.destination == ANYWHERE[family]]
        self.removed = [row for row in removed if row.family == family]
        self.document, self.links = document, {link["id"]: link for link in reversed(document["links"])}
        self.open_hosts: Set[str] = set()
        self.described = [
            _interface(f"{n['ip_address']}/{n['netmask']}") for n in document["networks"] if "ip_address" in n
        ]
        # R2: the settings come before the property, and that before the documents.
        words = [tuple(word.split(",")) for word in (*settings.get("routes", ()), *given.guest_routes.split())]
        # A default entry that no router can be meant by (R12) is one that nobody can carry.
        self.unlisted = [(to, hop) for to, hop in self._read(words) if to.version == family]
        self.unlisted = [(to, hop) for to, hop in self.unlisted if not to.prefixlen or self._accepted(to, str(hop))]
        damaged = (ANYWHERE[family], DAMAGED) in words
        by_property = self._usable(tuple(word.split(",")) for word in given.guest_routes.split())
        self.damaged_property = damaged and ANYWHERE[family] not in (str(to) for to, _ in by_property)
        bound = [(n["type"], self._bind(n)) for n in document["networks"]]
        wrong = self._contradicted([net for _, net in bound])
        bound = [(kind, _without_nic(net) if bad else net) for (kind, net), bad in zip(bound, wrong)]
        self._bound = [net for _, net in bound]
        # The NICs of a situation are devices made in the instance: one that the document has no link or network for
        # says nothing of other networks' gateways.
        macs = described_macs(document)
        on = {net.nic.name for _, net in bound if net.nic}
        self.neighbours = [nic for nic in nics if nic.mac in macs or nic.name in on]
        self.networks = self._of_family(bound)
        # The rule says "NICs that the metadata describes"; of a NIC with a link and no network it doesn't say.
        self.managed = {net.nic.name for _, net in bound if net.nic}
        self.gateways = self._with_those_named_elsewhere([self._gateway(net) for net in self.networks])

    # -- R2: networks and their gateways -------------------------------------------------------------

    def _of_family(self, bound: Sequence[Tuple[str, Net]]) -> List[Net]:
        """The family's networks; behind the last one of a NIC with none of them, what the kernel says of that NIC."""
        there = {net.nic.name for kind, net in bound if net.nic and kind.startswith(f"ipv{self.family}")}
        last = {net.nic.name: place for place, (_, net) in enumerate(bound) if net.nic}
        found = []
        for place, (kind, net) in enumerate(bound):
            if kind.startswith(f"ipv{self.family}"):
                found.append(net)
            elif net.nic and net.nic.name not in there and last[net.nic.name] == place:
                bare = Net(net.nic, "", tuple(net.nic.subnets(self.family)), (), {}, (), False)
                found += [bare] if self._gateway(bare)[0] or self._has_default_on_link(bare) else []
        return found

    def _by_mac(self, link: Dict[str, Any]) -> Optional[Nic]:
        return next((nic for nic in self.nics if nic.mac == link["ethernet_mac_address"]), None)

    def _bind(self, entry: Dict[str, Any]) -> Net:
        link = self.links.get(entry["link"])
        address = f"{entry['ip_address']}/{entry['netmask']}" if "ip_address" in entry else ""
        own = _interface(address) if address else None
        nic = self._find(entry, link, own)
        prefixes = [own.network] if own else []
        prefixes += nic.subnets(self.family) if nic else []
        routes = [
            (ipaddress.ip_network(f"{r['network']}/{_length(r['netmask'])}", strict=False), r["gateway"])
            for r in entry.get("routes", [])
            if _is_address(r["gateway"])
        ]
        usable = [(to, ipaddress.ip_address(hop)) for to, hop in routes if self._accepted(to, hop)]
        metrics = self._metrics(entry)
        hosts = [(to, hop) for to, hop in usable if to.prefixlen]
        described = any(not _is_special(to) for to, _ in routes)
        if nic and nic.name in self.given.leases and entry["type"] == "ipv4_dhcp" and omits(entry):
            return self._leased(nic, tuple(prefixes))
        damaged = not metrics and any(not _is_address(r["gateway"]) for r in entry.get("routes", []))
        unique = tuple(sorted(metrics, key=lambda hop: metrics[hop]))
        known: Dict[Ip, Optional[int]] = {**metrics}
        return Net(nic, entry["type"], tuple(prefixes), unique, known, tuple(hosts), described, own, damaged=damaged)

    def _leased(self, nic: Nic, prefixes: Tuple[Subnet, ...]) -> Net:
        """R2, R3: a network that the document omits, as the NIC's lease has it."""
        lease = self.given.leases[nic.name]
        usable = self._usable(lease.routes)
        defaults = [hop for to, hop in usable if not to.prefixlen]
        if not lease.routes and lease.router:
            defaults = [ipaddress.ip_address(lease.router)]
        hosts = tuple((to, hop) for to, hop in usable if to.prefixlen)
        unique = tuple(dict.fromkeys(defaults))
        return Net(nic, "ipv4_dhcp", prefixes, unique, dict.fromkeys(unique), hosts, bool(hosts), leased=True)

    def _usable(self, listed: Iterable[Sequence[str]]) -> List[Tuple[Subnet, Ip]]:
        """R12: those that can be read and may be used."""
        return [(to, hop) for to, hop in self._read(listed) if self._accepted(to, str(hop))]

    def _read(self, listed: Iterable[Sequence[str]]) -> List[Tuple[Subnet, Ip]]:
        return [(ipaddress.ip_network(to), ipaddress.ip_address(hop)) for to, hop in listed if _is_address(hop)]

    def _find(self, entry: Dict[str, Any], link: Optional[Dict[str, Any]], own: Any) -> Optional[Nic]:
        """By the MAC; by the described address where that NIC hasn't it; else of one MAC's links the surest."""
        by_mac = self._by_mac(link) if link else None
        if own is None or (by_mac and _has(by_mac, own)):
            return by_mac
        others = {one["ethernet_mac_address"] for one in self.links.values() if link and one is not link}
        holder = next((n for n in self.nics if _has(n, own) and n.mac not in others), None)
        return holder or by_mac

    def _contradicted(self, nets: Sequence[Net]) -> List[bool]:
        """R2: of each network of the document whether its link and the addresses contradict each other."""
        entries = self.document["networks"]
        placed = list(zip(entries, nets))
        wrong = [self._is_contradicted(entry, net, placed) for entry, net in placed]
        settled = {e["link"] for e, net in placed if net.own and net.nic and _has(net.nic, net.own)}
        doubtful = {e["link"] for e, bad in zip(entries, wrong) if bad} - settled
        bare = [net.own is None and net.nic is not None and e["link"] in doubtful for e, net in placed]
        return [one or other for one, other in zip(wrong, bare)]

    def _is_contradicted(self, entry: Dict[str, Any], net: Net, placed: Sequence[Tuple[Dict[str, Any], Net]]) -> bool:
        link, nic, own = self.links.get(entry["link"]), net.nic, net.own
        if link is None or nic is None or own is None or _has(nic, own):
            return False
        others = [(e, o) for e, o in placed if e["link"] != entry["link"] and o.own and o.own.version == own.version]
        if any(
            self.links[e["link"]]["ethernet_mac_address"] == link["ethernet_mac_address"] and _has(nic, o.own)
            for e, o in others if e["link"] in self.links
        ):  # fmt: skip
            return True
        if _is_home(net):
            return False
        macs = {one["ethernet_mac_address"] for one in self.document["links"] if one["id"] == entry["link"]}
        if len(macs) > 1 and nic.subnets(own.version):
            return True
        for holder in (one for one in self.nics if one is not nic and _has(one, own)):
            theirs = [o for _, o in placed if o.nic == holder and o.own and o.own.version == own.version]
            same = any(o.own.ip == own.ip for o in theirs)
            moved = not nic.subnets(own.version) and any(_is_home(o) for o in theirs)
            if not same and not moved:
                return True
        for subnet in nic.subnets(own.version):
            there = [(e, o) for e, o in placed if o.own and o.own.network == subnet]
            foreign = there and all(e["link"] != entry["link"] for e, _ in there)
            if foreign and not any(_is_home(o) for _, o in there):
                return True
        return False

    def _metrics(self, entry: Dict[str, Any]) -> Dict[Ip, int]:
        """The next hops of the default entries in the order of the document, each with its best metric."""
        usual = int(entry.get("metric", _kernels(self.family)))
        found: Dict[Ip, int] = {}
        for one in entry.get("routes", []):
            to = ipaddress.ip_network(f"{one['network']}/{_length(one['netmask'])}", strict=False)
            if to.prefixlen == 0 and _is_address(one["gateway"]) and self._accepted(to, one["gateway"]):
                hop, metric = ipaddress.ip_address(one["gateway"]), int(one.get("metric", usual))
                found[hop] = min(metric, found.get(hop, metric))
        if "gateway" in entry:
            hop = ipaddress.ip_address(entry["gateway"])
            found[hop] = min(usual, found.get(hop, usual))
        return found

    def _accepted(self, to: Subnet, hop: str) -> bool:
        """R12."""
        addresses = {a.split("/")[0] for nic in self.nics for a in nic.addresses}
        addresses |= {str(one.ip) for one in self.described}
        subnets = {net for nic in self.nics for net in nic.subnets(self.family)}
        subnets |= {one.network for one in self.described}
        whole = to.prefixlen == to.max_prefixlen and str(to.network_address) in addresses
        return not (_is_special(to) or whole or to in subnets or hop in addresses)

    def _own_default(self, net: Net) -> Optional[Ip]:
        possible = [hop for hop in net.defaults if not self._is_refused(hop, net)]
        inside = [hop for hop in possible if hop.is_link_local or any(hop in p for p in net.prefixes)]
        outside = [hop for hop in possible if self._is_outside(hop)]
        return next(iter([*inside, *outside]), None)

    def _is_outside(self, hop: Ip) -> bool:
        everywhere = [one.network for one in self.described if one.version == self.family]
        everywhere += [p for nic in self.neighbours for p in nic.subnets(self.family)]
        return hop.is_link_local or not any(hop in p for p in everywhere)

    def _is_refused(self, hop: Ip, net: Net) -> bool:
        """R12: no router can have it."""
        if hop.is_link_local:
            return net.nic is not None and str(hop) in {a.split("/")[0] for a in net.nic.addresses}
        subnets = [p for p in net.prefixes if hop in p and p.version == 4 and p.prefixlen <= 30]
        ends = {end for p in subnets for end in (p.network_address, p.broadcast_address)}
        return self._is_of_this_machine(hop) or hop in ends

    def _can_be_its_own(self, row: Row, net: Net) -> bool:
        hop = ipaddress.ip_address(row.via)
        return not self._is_refused(hop, net) and (any(hop in p for p in net.prefixes) or self._is_outside(hop))

    def _gateway(self, net: Net) -> Tuple[Optional[Ip], int]:
        """A network's gateway and the rank of its evidence."""
        name = net.nic.name if net.nic else ""
        named = self.settings.get("gateways", {}).get(name)
        known = self._known(net)
        if not named or self.family != ipaddress.ip_address(named).version:
            return known
        entry = ipaddress.ip_address(named)
        return (entry, 1) if not self._is_refused(entry, net) and self._is_about(entry, net, known[0]) else known

    def _is_about(self, entry: Ip, net: Net, known: Optional[Ip]) -> bool:
        """R2: the entry is in the network's subnet, or in none of the NIC's; and not in another NIC's alone."""
        on_nic = [p for p in (net.nic.subnets(self.family) if net.nic else []) if entry in p]
        if net.own is not None and entry in net.own.network:
            return True
        if on_nic:
            return net.own is None and (known is None or known in on_nic[0] or known not in _Any(net.prefixes))
        return not any(
            entry in p for other in self._bound if other.nic and other.nic != net.nic for p in other.prefixes
        )

    def _known(self, net: Net) -> Tuple[Optional[Ip], int]:
        """The same without the settings."""
        name = net.nic.name if net.nic else ""
        own = self._own_default(net) if net.defaults else None
        if own:
            return own, 3 if net.leased else 2
        advertised, foreign = self._defaults_through(name)
        if advertised:
            return ipaddress.ip_address(advertised[0].via), 4
        foreign = [row for row in foreign if self._can_be_its_own(row, net)]
        return (ipaddress.ip_address(foreign[0].via), 5) if foreign else (None, 0)

    def _defaults_through(self, name: str) -> Tuple[List[Row], List[Row]]:
        """Those that routers advertise; and other programs', with those that passes took."""
        through = [row for row in self.rows if row.dev == name and row.via]
        removed = [row for row in self.removed if row.dev == name and row.via]
        foreign = [row for row in through if row.proto != OURS]
        if self.settings.get("default_mode") == "demote":  # One with a copy is still there.
            copies = {row.via for row in through if row.proto == OURS}
            foreign += [row for row in removed if row.via in copies]
        advertised = sorted((row for row in foreign if row.proto == RA), key=lambda row: row.metric)
        return advertised, [*sorted(foreign, key=lambda row: row.metric), *removed]

    def _has_default_on_link(self, net: Net) -> bool:
        """The kernel's own default through the NIC, present or recorded, has no gateway, and nothing else tells one."""
        there = (row for row in (*self.rows, *self.removed) if net.nic is not None and row.dev == net.nic.name)
        return not self._known(net)[0] and any(not row.via and row.proto != OURS for row in there)

    # -- R4: renumbered since the document -----------------------------------------------------------

    def _is_renumbered(self, net: Net, gateway: Optional[Ip]) -> bool:
        """None of the NIC's addresses is in the described subnet, which has the documented gateway in it."""
        if net.nic is None or net.own is None or gateway is None or gateway not in net.own.network:
            return False
        addresses = [ipaddress.ip_interface(a) for a in net.nic.addresses]
        there = [one for one in addresses if one.version == self.family and not one.ip.is_link_local]
        return bool(there) and not any(one.ip in net.own.network or net.own.ip in one.network for one in there)

    def _default_in_force(self, net: Net) -> Optional[Ip]:
        """The gateway of a default that goes with the addresses that the NIC has."""
        assert net.nic is not None
        for row in (row for rows in self._defaults_through(net.nic.name) for row in rows):
            hop = ipaddress.ip_address(row.via)
            fits = hop.is_link_local or any(hop in subnet for subnet in net.nic.subnets(self.family))
            if fits and self._can_be_its_own(row, net):
                return hop
        return None

    def _with_those_named_elsewhere(self, found: List[Tuple[Optional[Ip], int]]) -> List[Tuple[Optional[Ip], int]]:
        """Another network's default entry names a gateway in a subnet of which nothing else speaks."""
        asked: Set[Subnet] = set()
        unlisted = [hop for to, hop in self.unlisted if not to.prefixlen]
        named = [(unlisted, None), *((net.defaults, self._own_default(net)) for net in self.networks)]
        for hops, mine in named:
            for hop in (one for one in hops if one != mine and not one.is_link_local):
                around = [p for other in self.networks for p in other.prefixes if hop in p and p.version == self.family]
                subnet = max(around, key=lambda p: p.prefixlen, default=None)
                if subnet is None or subnet in asked or self._is_of_this_machine(hop):
                    continue
                asked.add(subnet)
                there = [place for place, other in enumerate(self.networks) if subnet in other.prefixes]
                if all(found[p][0] is None and self.networks[p].kind and not self.networks[p].described for p in there):
                    found[there[0]] = (hop, 6)
        return found

    def _is_of_this_machine(self, hop: Ip) -> bool:
        present = {a.split("/")[0] for nic in self.nics for a in nic.addresses}
        return str(hop) in present | {str(one.ip) for one in self.described}

    def _leaves_it_to_others(self, net: Net) -> bool:
        """The kernel has what the network's routers advertised, or its DHCP server said."""
        rank = self._known(net)[1]
        omitted = net.kind == "ipv4_dhcp" and not net.described and not net.defaults and not net.leased
        by_kernel = rank == 5 or self._has_default_on_link(net)
        return (rank == 4 and net.kind.endswith(("slaac", "dhcp"))) or (by_kernel and omitted)

    # -- R2, R3: next hops ---------------------------------------------------------------------------

    def resolve(self, net: Optional[Net], to: str, hop: Ip) -> Tuple[Optional[Hop], bool]:
        """Where it leaves, or None and whether only the evidence for its NIC is lacking (R6)."""
        pairs = list(zip(self.networks, self.gateways))
        found = [one for one, (gateway, _) in pairs if hop in (gateway, *self._further(one), self._in_force(one))]
        if hop.is_link_local:
            found = [one for one in found if one is net or (net and one.nic is not None and one.nic == net.nic)]
        found = [one for one in found if one.nic is not None] or found
        if found:
            chosen = net if net is not None and net in found else found[0]
            nic = chosen.nic
            mine = self.gateways[self.networks.index(chosen)][0]
            serving = (self._in_force(chosen) if hop == mine else None) or hop
            return (Hop(str(serving), nic.name), False) if nic and nic.serves(self.family) else (None, True)
        inside = [(one, gateway) for one, (gateway, _) in pairs if any(hop in p for p in one.prefixes)]
        if hop.is_link_local:
            inside = [(one, gateway) for one, (gateway, _) in pairs if one is net]
        inside.sort(key=lambda pair: pair[0] is not net)
        if inside and self._is_refused(hop, inside[0][0]):
            return None, False
        known = ((one, gateway) for one, gateway in inside if one.unknown and gateway and not gateway.is_link_local)
        told = any(_is_of_subnet(gateway, one, hop) for one, gateway in known)
        for one, gateway in inside:
            gateway = self._in_force(one) or gateway
            router = gateway is not None and gateway.is_link_local and not hop.is_link_local and not told
            named = gateway is not None and self.gateways[self.networks.index(one)][1] not in (4, 5)
            entry = self._set_in_force(one) if one.nic is not None else None
            named |= entry is not None and any(entry in p and hop in p for p in one.prefixes)
            if router or (one.described and not named):
                serves = one.nic is not None and one.nic.serves(self.family)
                return (Hop(str(hop), one.nic.name), False) if one.nic and serves else (None, True)
        if net is not None and to == "169.254.169.254/32" and any(hop in p for p in net.prefixes):
            serves = net.nic is not None and net.nic.serves(self.family)
            return (Hop(str(hop), net.nic.name), False) if net.nic and serves else (None, True)
        if self.settings.get("next_hops") == "on-link":
            for one in (one for one in self.networks if one.nic and one.nic.serves(self.family)):
                local = hop.is_link_local and one is net
                if one.nic and (local or any(hop in p for p in (*one.nic.subnets(self.family), *one.prefixes))):
                    return Hop(str(hop), one.nic.name), False
            if inside:
                return None, True
        return None, not any(self._knows_another(one, gateway, hop) for one, gateway in inside)

    def _knows_another(self, net: Net, gateway: Optional[Ip], hop: Ip) -> bool:
        """Whether anything names a gateway in the subnet of this network that the next hop is in (R2, R3)."""
        known = (self._in_force(net) or gateway, *self._further(net))
        return any(_is_of_subnet(one, net, hop) for one in known)

    def _in_force(self, net: Net) -> Optional[Ip]:
        """R4: what stands in for the documented gateway where the NIC has been renumbered."""
        gateway, rank = self.gateways[self.networks.index(net)]
        if rank != 2 or self._own_default(net) is None or not self._is_renumbered(net, gateway):
            return None
        return self._set_in_force(net) or self._default_in_force(net)

    def _set_in_force(self, net: Net) -> Optional[Ip]:
        """The entry of `gateways` in a subnet that the NIC has now."""
        assert net.nic is not None
        entry = self.settings.get("gateways", {}).get(net.nic.name)
        hop = ipaddress.ip_address(entry) if entry else None
        fits = hop is not None and any(hop in subnet for subnet in net.nic.subnets(self.family))
        return hop if fits and hop is not None and not self._is_refused(hop, net) else None

    def _further(self, net: Net) -> List[Ip]:
        """R2: what default routes through its NIC, and `gateways`, name beside a network's own gateway."""
        gateway, rank = self.gateways[self.networks.index(net)]
        if net.nic is None:
            return []
        entry = self._set_in_force(net)
        known = [entry] if entry is not None and entry != gateway else []
        for row in (row for rows in self._defaults_through(net.nic.name) for row in rows):
            hop = ipaddress.ip_address(row.via)
            there = next((p for p in net.nic.subnets(self.family) if hop in p), None)
            better = [gateway] if rank not in (4, 5) and gateway is not None else []
            better += known[:1] if entry is not None else []
            if there and not any(one in there for one in better) and self._can_be_its_own(row, net):
                known.append(hop)
        return known

    def hosts(self) -> Tuple[Dict[str, Hop], Dict[str, Set[str]], Set[Tuple[str, str]]]:
        wanted: Dict[str, Hop] = {}
        listed: Dict[str, Set[str]] = {}
        keep: Set[Tuple[str, str]] = set()
        first: Set[str] = set()
        spoken = [net for leased in (False, True) for net in self.networks if net.leased == leased]
        every: List[Tuple[Optional[Net], List[Tuple[Subnet, Ip]]]] = [(None, self.unlisted)]
        every += [(net, list(net.hosts)) for net in spoken]
        for net, hosts in every:
            for to, hop in (one for one in hosts if one[0].prefixlen):
                where, evidence_gone = self.resolve(net, str(to), hop)
                listed.setdefault(str(to), set()).add(str(hop))
                if where and str(to) not in wanted:
                    wanted[str(to)] = where
                if where and str(to) in first and wanted[str(to)] == where:
                    self.open_hosts.add(str(to))  # The first one listed isn't programmed: is it the next one, or none?
                if not where:
                    if str(to) not in wanted:
                        first.add(str(to))
                    if evidence_gone:
                        keep.add((str(to), str(hop)))
        return wanted, listed, keep

    # -- R4: the election ----------------------------------------------------------------------------

    def elect(self) -> Tuple[Optional[Hop], str, bool]:
        pairs = list(zip(self.networks, self.gateways))
        by_metric: Dict[str, List[Tuple[Optional[int], Tuple[Optional[Nic], Optional[Ip]]]]] = {"own": [], "named": []}
        other: List[Tuple[Optional[Nic], Optional[Ip]]] = []
        by_settings: List[Tuple[Optional[Nic], Optional[Ip]]] = []
        behind: List[Tuple[Optional[Nic], Optional[Ip]]] = []
        places = list(self.settings.get("gateways", {}))
        by_name = {nic.name: nic for nic in self.nics}
        moved: List[Tuple[Optional[int], Tuple[Optional[Nic], Optional[Ip]]]] = []
        for net, (gateway, rank) in pairs:
            mine = self._own_default(net)
            renumbered = self._is_renumbered(net, gateway)
            instead = self._in_force(net)
            by_default = self._default_in_force(net) if instead else None
            if mine or (rank != 6 and self._leaves_it_to_others(net)):
                group = moved if renumbered and not by_default else by_metric["own"]
                group.append((net.metrics[mine] if mine else None, (net.nic, instead or gateway)))
            elif gateway or self._has_default_on_link(net):
                only_set = net.nic is not None and net.nic.name in places and not self._known(net)[0]
                only_set = only_set and not self._has_default_on_link(net)
                (by_settings if only_set else other).append((net.nic, gateway))
                behind += [(net.nic, gateway)] if renumbered else []
            for hop in net.defaults:
                if hop == mine or any(hop in p for p in net.prefixes):
                    continue
                where, _ = self.resolve(net, ANYWHERE[self.family], hop)
                by_metric["named"].append((net.metrics[hop], (by_name[where.dev], hop) if where else (None, None)))
        own = [who for _, who in (*by_metric["own"], *moved)]
        named = [who for _, who in by_metric["named"]]
        # R2: of two the first is used, the others are overridden, or conflict.
        unlisted = [self._named_by(hop) for to, hop in self.unlisted if not to.prefixlen][:1]
        named = [*unlisted, *named]
        documented = bool(own or named)
        if "nic" in self.settings:
            its = [(n, g) for n, g in [*own, *other, *by_settings, *named] if n and n.name == self.settings["nic"]]
            # A default on link of the kernel's names no gateway; another entry may.
            nic, gateway = next((one for one in its if one[1]), next(iter(its), (None, None)))
            usable = nic and gateway and nic.serves(self.family)
            return (Hop(str(gateway), nic.name) if usable and nic else None), "selector", documented
        by_settings.sort(key=lambda pair: places.index(pair[0].name) if pair[0] else 0)
        by_hand: List[Tuple[Optional[int], Tuple[Optional[Nic], Optional[Ip]]]] = [(None, one) for one in unlisted]
        documented_ones = [by_metric["own"], moved, by_hand, by_metric["named"]]
        unmeasured: List[Optional[int]] = [None] * len(self.networks)
        others = [
            [
                list(zip(unmeasured, (who for who in group if (who in behind) == moved_ones)))
                for moved_ones in (False, True)
            ]
            for group in (other, by_settings)
        ]
        # One with a carrier first: of those of 2 and 3 together, and of each group of 4 by itself.
        if documented:
            order = [(carrier, group) for carrier in (True, False) for group in documented_ones]
        else:
            order = [(carrier, group) for groups in others for carrier in (True, False) for group in groups]
        if documented and self._is_unknown_first(pairs):
            return None, "contradicted", True
        if not documented and any(net.unknown for net in self.networks):
            return None, "contradicted", False
        for carrier, group in order:
            serving = [(m, (n, g)) for m, (n, g) in group if n and n.serves(self.family)]
            serving = [one for one in serving if one[1][0].carrier == carrier]
            if serving:
                nic, gateway = _by_metric(serving)[0]
                if gateway is None:
                    return None, "a default on link", False
                return Hop(str(gateway), nic.name), "documented" if documented else "other evidence", documented
        return None, "none", documented

    def _named_by(self, hop: Ip) -> Tuple[Optional[Nic], Optional[Ip]]:
        """The NIC that a default entry of the settings or of the property names: it has the next hop in a subnet."""
        where, _ = self.resolve(None, ANYWHERE[self.family], hop)
        nic = next((one for one in self.nics if where and one.name == where.dev), None)
        return (nic, hop) if nic and any(hop in subnet for subnet in nic.subnets(self.family)) else (None, None)

    def _is_unknown_first(self, pairs: Sequence[Tuple[Net, Tuple[Optional[Ip], int]]]) -> bool:
        """R4: of the networks with a documented default one whose NIC nothing tells comes before the usable ones."""
        own = []
        for net, (gateway, rank) in pairs:
            mine = self._own_default(net)
            if mine or self._leaves_it_to_others(net):
                in_place = not self._is_renumbered(net, gateway) or bool(
                    rank > 1 and mine and self._default_in_force(net)
                )
                own.append((net.metrics[mine] if mine else None, (net, in_place)))
        usable = [one for one in own if one[1][0].nic is not None and one[1][0].nic.serves(self.family)]
        usable = [one for one in usable if one[1][0].nic and one[1][0].nic.carrier] or usable
        usable = [one for one in usable if one[1][1]] or usable
        ranked = _by_metric([one for one in own if one[1][0].unknown or one in usable])
        return bool(ranked) and bool(ranked[0][0].unknown)

    def _is_held(self, elected: Hop, documented: bool) -> bool:
        """R4: the default in use may be its own network's, of which an entry can't be read, and that comes first."""
        used = self._used()
        if used in ("", elected.dev):
            return False
        for net in self.networks:
            own = not documented or self._own_default(net) or self._leaves_it_to_others(net)
            if net.nic and net.nic.name == elected.dev and own:
                return False
            if net.damaged and net.nic and net.nic.name == used:
                return net.nic.serves(self.family) and net.nic.carrier
        return False

    def _used(self) -> str:
        """The NIC of the first default in the kernel among those through the document's NICs; "" for none."""
        described = {net.nic.name for net in self.networks if net.nic and net.kind}
        used = [row.dev for row in sorted(self.rows, key=lambda row: row.metric) if row.dev in described]
        return used[0] if used else ""

    def expected(self, accept: bool = False) -> Expected:
        elected, why, documented = self.elect()
        if elected and why != "selector" and not accept and self._is_held(elected, documented):
            elected, why, documented = None, "damaged", True
        if elected and why == "other evidence" and not accept and self.damaged_property:
            used = self._used()
            if used != elected.dev:  # Else the one that is there stays, and is the elected one.
                elected, why, documented = None, "damaged", True
        wanted, listed, keep = self.hosts()
        unsettled = self._unsettled()
        first = next((hop for to, hop in self.unlisted if not to.prefixlen), None)
        named = self.resolve(None, ANYWHERE[self.family], first)[0] if first else None
        over = bool(first and elected and why != "selector" and (named is None or named.dev != elected.dev))
        leased = {(name, *one) for name, lease in self.given.leases.items() for one in lease.routes}
        return Expected(
            self.managed, elected, why, documented, wanted, listed, keep, self.open_hosts, over, leased, unsettled
        )

    def loses_a_network(self, expected: Expected, known: Set[str], accepted: Optional[Hop]) -> bool:
        """R6: ours would leave a usable NIC, described before, that has no network of the family now.

        A default does so, too, that leaves one whose networks are damaged.

        Args:
            accepted: what the last accepted document elects, where that is another; such a default of others counts.
        """
        named = [(net.nic.name if net.nic else net.unknown, net) for net in self.networks if net.kind]
        on = {name for name, _ in named if name}
        whole = {name for name, net in named if name and not net.damaged}
        serving = {nic.name for nic in self.nics if nic.mac in known and nic.serves(self.family)} - whole
        elected = expected.elected.dev if expected.elected else ""
        for row in self.every:
            is_default = row.destination == ANYWHERE[self.family]
            theirs = is_default and bool(elected) and accepted is not None and row.dev == accepted.dev
            if not (row.proto == OURS or theirs) or row.dev not in serving or not row.via:
                continue
            if row.destination != ANYWHERE[self.family]:
                stays = row.destination in expected.hosts or (row.destination, row.via) in expected.keep
                if not stays and row.dev not in on:
                    return True
            elif row.dev != elected and expected.why != "selector":
                return True
        return False

    def _unsettled(self) -> Tuple[str, ...]:
        found = []
        unlisted = [hop for to, hop in self.unlisted if not to.prefixlen]
        if len(set(unlisted)) > 1 and self._named_by(unlisted[0])[0] is None:
            found.append("two default entries that no document lists, the first of which can't be used")
        if set(self.settings.get("gateways", {})) - {net.nic.name for net in self.networks if net.nic}:
            found.append("a gateway in the settings of a NIC without a network")
        if self.damaged_property and not self._used():
            found.append("a default entry of the property that can't be read, and no default that it may be of")
        if self._is_behind_one_outside():
            found.append("a default of ours behind one outside, of the same metric")
        hops = [(row.destination, row.metric) for row in self.rows]
        if self.family == 6 and len(hops) != len(set(hops)):
            found.append("merged defaults of IPv6")
        ours = [(row.destination, row.metric) for row in self.every if row.proto == OURS]
        if self.family == 6 and len(ours) != len(set(ours)):
            found.append("two of ours in one route of IPv6, which no pass makes")
        return tuple(found)

    def _is_behind_one_outside(self) -> bool:
        rows = list(enumerate(self.rows))
        outside = [(place, row.metric) for place, row in rows if row.proto != OURS and row.dev not in self.managed]
        return any(
            row.proto == OURS and row.metric == metric and place < mine
            for place, metric in outside
            for mine, row in rows
        )


def described_macs(document: Dict[str, Any]) -> Set[str]:
    """Those of the links that count: of several with one id the first."""
    return {link["ethernet_mac_address"] for link in {one["id"]: one for one in reversed(document["links"])}.values()}


def partial(
    document: Dict[str, Any], nics: Sequence[Nic], known: Set[str], leases: Dict[str, Lease]
) -> bool:  # fmt: skip
    """R6, by NICs and omitted routes; the rule's half of ten routes is out of a situation's size.

    A NIC is described by its link: the rule doesn't say whether one that only its network's address names counts, and
    the product says no.
    """
    macs = described_macs(document)
    present = {nic.mac for nic in nics}
    told = {nic.mac for nic in nics if nic.name in leases and leases[nic.name].routes}
    links = {one["id"]: one["ethernet_mac_address"] for one in reversed(document["links"])}
    untold = [one for one in document["networks"] if one["type"] != "ipv4_dhcp" or links.get(one["link"]) not in told]
    unknown = any(omits(one) for one in untold)
    return not document["networks"] or unknown or bool((known & present) - macs)


def _is_address(text: str) -> bool:
    return text != DAMAGED


def omits(network: Dict[str, Any]) -> bool:
    return network["type"].endswith(("dhcp", "slaac")) and not network.get("routes") and "gateway" not in network


def _kernels(family: int) -> int:
    """The metric of a route that has none."""
    return 1024 if family == 6 else 0


def _by_metric(those: Sequence[Tuple[Optional[int], Any]]) -> List[Any]:
    """Those without one keep their places."""
    ranked = [place for place, (metric, _) in enumerate(those) if metric is not None]
    order = list(range(len(those)))
    for place, one in zip(ranked, sorted(ranked, key=lambda place: those[place][0] or 0)):
        order[place] = one
    return [those[place][1] for place in order]


def _interface(address: str) -> Any:
    head, _, mask = address.partition("/")
    return ipaddress.ip_interface(f"{head}/{_length(mask)}")


def _has(nic: Nic, own: Any) -> bool:
    return str(own.ip) in {a.split("/")[0] for a in nic.addresses}


class _Any:
    """An address is in it that is in one of some subnets."""

    def __init__(self, subnets: Sequence[Subnet]) -> None:
        self._subnets = subnets

    def __contains__(self, address: object) -> bool:
        return any(address in subnet for subnet in self._subnets)


def _without_nic(net: Net) -> Net:
    """A network whose NIC nothing tells."""
    prefixes = (net.own.network,) if net.own else ()
    return net._replace(nic=None, unknown=net.nic.name if net.nic else "", prefixes=prefixes)


def _is_of_subnet(gateway: Optional[Ip], net: Net, hop: Ip) -> bool:
    """R2, R3: whether a network's gateway is that of the subnet which the next hop is in: each subnet has its own.

    What is link-local belongs to all of them.
    """
    if gateway is None:
        return False
    described = hop.is_link_local or (net.own is not None and hop in net.own.network)
    return described or not any(gateway in p for p in net.prefixes if hop not in p)


def _is_home(net: Net) -> bool:
    """Its NIC has an address in its subnet."""
    if net.nic is None or net.own is None:
        return False
    own = [one for one in map(ipaddress.ip_interface, net.nic.addresses) if one.version == net.own.version]
    return any(one.ip in net.own.network or net.own.ip in one.network for one in own if not one.ip.is_link_local)


def _is_special(to: Subnet) -> bool:
    return bool(to.prefixlen) and (to.is_multicast or to.is_loopback)


def _length(mask: str) -> int:
    return bin(int(ipaddress.ip_address(mask))).count("1")
