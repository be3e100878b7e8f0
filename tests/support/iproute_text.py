"""`ip route` text to values, and whole kernels written down as text. Strict: what isn't understood is an error.

    # The documented instance after a boot with NetworkManager.
    nic eth0 fa:16:3e:00:00:01 10.65.0.7/24 fd00:65::7/64
    nic eth1 fa:16:3e:00:00:02 down
    nic eth3 fa:16:3e:00:00:06 10.66.0.7/32 peer 10.66.0.1/32
    nic bond0 fa:16:3e:00:00:03 kind bond
    nic eth2 fa:16:3e:00:00:03 perm fa:16:3e:00:00:04 master bond0
    nic bond0.5 fa:16:3e:00:00:05 kind vlan id 5 on bond0 10.77.0.7/24
    known fa:16:3e:00:00:02
    recorded default via 11.8.0.1 dev eth1 proto dhcp metric 101
    default via 10.65.0.1 dev eth0 proto dhcp metric 100
    11.8.0.1 dev eth0 proto static scope link

`known` is a MAC that the last accepted document described, `recorded` a default that an earlier pass took away. The
routes that the kernel makes itself for the addresses of a NIC that is up are there without being written.

In a route, as in the output of `ip route`: no `proto` is boot, no `metric` is 0 for IPv4 and 1024 for IPv6, no `scope`
is global. The family is that of the addresses; `-6` in front says it where there are none.
"""

from __future__ import annotations

from typing import Any, Dict, Iterable, List, NamedTuple, Optional, Tuple

from guest_routes.model.network import (
    DEFAULT_PREFIX,
    IPV6_DEFAULT_METRIC,
    LOOPBACK,
    MAIN_TABLE,
    PROTOCOL_BOOT,
    UNICAST,
    Address,
    KernelState,
    NextHop,
    Nic,
    Prefix,
    Route,
    Rule,
    family_of,
    network_of,
    parse_address,
    parse_prefix,
)

PROTOCOLS = {"redirect": 1, "kernel": 2, "boot": 3, "static": 4, "ra": 9, "dhcp": 16, "guest-routes": 121}
SCOPES = {"site": 200, "link": 253, "host": 254, "nowhere": 255}
KINDS = {"unknown": 0, "unicast": 1, "local": 2, "broadcast": 3, "multicast": 5, "blackhole": 6, "unreachable": 7}
KINDS.update(prohibit=8, throw=9)
METRICS = {"mtu": 2, "window": 3, "rtt": 4, "rttvar": 5, "ssthresh": 6, "cwnd": 7, "advmss": 8, "reordering": 9}
METRICS.update(hoplimit=10, initcwnd=11, features=12, rto_min=13, initrwnd=14, quickack=15, congctl=16)
METRICS["fastopen_no_cookie"] = 17
LOCK = 1
PREFERENCES = {"medium": 0, "high": 1, "low": 3}
KERNEL_PROTOCOL = 2
CONNECTED_IPV6_METRIC = 256
KERNELS_OWN_RULES = tuple(
    Rule(family, priority, table, True)
    for family, priority, table in ((4, 0, 255), (4, 32766, 254), (4, 32767, 253), (6, 0, 255), (6, 32766, 254))
)


class Written(NamedTuple):
    """A kernel as written down, and what earlier passes left behind."""

    state: KernelState
    recorded: Tuple[Route, ...] = ()
    known_macs: Tuple[bytes, ...] = ()


class Words:
    """The words of a line, taken from the left."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._rest = text.split()

    def __bool__(self) -> bool:
        return bool(self._rest)

    def take(self) -> str:
        if not self._rest:
            raise ValueError(f"ends too early: {self.text}")
        return self._rest.pop(0)

    def has(self, word: str) -> bool:
        """Takes the word if it is the next."""
        found = self._rest[:1] == [word]
        if found:
            del self._rest[0]
        return found

    def unknown(self, word: str) -> ValueError:
        return ValueError(f"{word} is not understood: {self.text}")


# ---- routes -----------------------------------------------------------------------------------------


def parse_route(text: str, nics: Iterable[Nic], family: int = 0) -> Route:
    """One route as `ip route` shows it.

    Args:
        family: 4 or 6 where the text doesn't tell, as in `default dev tun0`; 4 without.

    Raises:
        ValueError: for anything that is not one whole route.
    """
    names = {"lo": LOOPBACK, **{nic.name: nic.ifindex for nic in nics}}  # IPv6's unreachable routes stand on it.
    words = Words(text)
    if words.has("-6"):
        family = 6
    head, kind = words.take(), UNICAST
    if head in KINDS or head.isdigit():
        kind, head = _number(head, KINDS, words), words.take()
    if head == "default":
        destination = DEFAULT_PREFIX[family or (6 if _first_gateway_is_ipv6(text) else 4)]
    else:
        destination = parse_prefix(head)
        if network_of(destination) != destination:
            raise ValueError(f"{head} has host bits: {text}")
    if family and family != family_of(destination.address):
        raise ValueError(f"not IPv{family}: {text}")
    return _attributes(Route(destination, None, 0, protocol=PROTOCOL_BOOT, kind=kind), words, names)


def _first_gateway_is_ipv6(text: str) -> bool:
    words = text.partition(" via ")[2].split() or [""]
    return words[0] == "inet" or ":" in words[0]


def _metric(word: str) -> int | str:
    if word == "ecn":
        return 1
    return word if word.isalpha() else int(word[:-2] if word.endswith("ms") else word)


def _realms(text: str) -> int:
    source, _, destination = text.rpartition("/")
    return int(source or 0) << 16 | int(destination)


def _attributes(route: Route, words: Words, names: Dict[str, int]) -> Route:
    tos = int(words.take(), 16) if words.has("tos") else 0
    nexthop_id = int(words.take()) if words.has("nhid") else 0
    gateway, ifindex = _way(words, names, route.family)
    onlink, locked = False, 0
    fields: Dict[str, Any] = {"metric": IPV6_DEFAULT_METRIC if route.family == 6 else 0}
    metrics: List[Tuple[int, int | str]] = []
    nexthops: List[NextHop] = []
    seen = set()
    while words:
        word = words.take()
        if word in seen and word != "nexthop":
            raise ValueError(f"{word} stands there twice: {words.text}")
        seen.add(word)
        if word == "table":
            fields["table"] = int(words.take())
        elif word == "proto":
            fields["protocol"] = _number(words.take(), PROTOCOLS, words)
        elif word == "scope":
            fields["scope"] = _number(words.take(), SCOPES, words)
        elif word == "src":
            fields["source"] = _of_family(words.take(), route.family)
        elif word == "metric":
            fields["metric"] = int(words.take())
        elif word == "onlink":
            onlink = True
        elif word == "pref":
            fields["preference"] = _number(words.take(), PREFERENCES, words)
        elif word == "nexthop":
            nexthops.append(_nexthop_words(words, names, route.family))
        elif word in ("weight", "expires"):
            fields[word] = int(words.take())
        elif word == "realms":
            fields[word] = _realms(words.take())
        elif word in METRICS:
            locked |= words.has("lock") << METRICS[word]
            metrics.append((METRICS[word], _metric(words.take())))
        elif word.startswith("metric-"):
            metrics.append((int(word[7:]), int(words.take())))
        else:
            raise words.unknown(word)
    if locked:
        metrics.insert(0, (LOCK, locked))
    if route.kind == UNICAST and not ifindex and not nexthops:
        raise ValueError(f"leads nowhere: {words.text}")
    if nexthops and (gateway is not None or ifindex):
        raise ValueError(f"has legs and a way of its own: {words.text}")
    route = route._replace(tos=tos, **fields)
    return route._replace(
        gateway=gateway, ifindex=ifindex, onlink=onlink, metrics=tuple(metrics), nexthops=tuple(nexthops),
        nexthop_id=nexthop_id,
    )  # fmt: skip


def _nexthop_words(words: Words, names: Dict[str, int], family: int) -> NextHop:
    gateway, ifindex = _way(words, names, family)
    weight = int(words.take()) if words.has("weight") else 1
    if not ifindex:
        raise ValueError(f"a leg without a NIC: {words.text}")
    realms = _realms(words.take()) if words.has("realms") else 0
    return NextHop(gateway, ifindex, weight, words.has("onlink"), realms)


def _way(words: Words, names: Dict[str, int], family: int) -> Tuple[Optional[Address], int]:
    gateway, ifindex = None, 0
    if words.has("via"):
        other = "inet6" if family == 4 else "inet"
        gateway = _of_family(words.take(), 10 - family) if words.has(other) else _of_family(words.take(), family)
    if words.has("dev"):
        name = words.take()
        known = name in names or (name.startswith("if") and name[2:].isdigit())
        if not known:
            raise ValueError(f"no NIC is called {name}: {words.text}")
        ifindex = names[name] if name in names else int(name[2:])
    return gateway, ifindex


def _of_family(text: str, family: int) -> Address:
    address = parse_address(text)
    if family_of(address) != family:
        raise ValueError(f"{text} is not IPv{family}")
    return address


def _number(word: str, names: Dict[str, int], words: Words) -> int:
    if word.isdigit():
        return int(word)
    if word not in names:
        raise words.unknown(word)
    return names[word]


# ---- kernels ----------------------------------------------------------------------------------------


def parse_kernel(text: str) -> Written:
    """NICs (ifindexes from 2 on, in the order written), routes in the order written, recorded defaults, known MACs.

    Raises:
        ValueError: with the line that is wrong.
    """
    nics: List[Nic] = []
    routes: List[Route] = []
    recorded: List[Route] = []
    known: List[bytes] = []
    for line in text.splitlines():
        words = Words(line.partition("#")[0])
        if not words:
            continue
        if words.has("nic"):
            nics.append(_nic(words, nics))
        elif words.has("known"):
            known.append(_mac(words.take()))
        elif words.has("recorded"):
            recorded.append(parse_route(words.text.partition("recorded ")[2], nics))
        else:
            routes.append(parse_route(words.text, nics))
    connected = [route for nic in nics for route in connected_routes(nic)]
    return Written(KernelState(tuple(nics), (*connected, *routes), KERNELS_OWN_RULES), tuple(recorded), tuple(known))


def connected_routes(nic: Nic) -> List[Route]:
    """What the kernel itself programs for the addresses of a NIC that is up."""
    found = []
    for own in nic.addresses if nic.up else ():
        bits = len(own.address) * 8
        route = Route(network_of(own), None, nic.ifindex, protocol=KERNEL_PROTOCOL, table=MAIN_TABLE)
        if bits == 128:
            found.append(route._replace(metric=CONNECTED_IPV6_METRIC))
        elif own.length < bits:
            found.append(route._replace(scope=SCOPES["link"], source=own.address))
    for peer in nic.peers if nic.up else ():
        route = Route(network_of(peer), None, nic.ifindex, protocol=KERNEL_PROTOCOL, table=MAIN_TABLE)
        six = len(peer.address) == 16
        found.append(route._replace(metric=CONNECTED_IPV6_METRIC) if six else route._replace(scope=SCOPES["link"]))
    return found


def _nic(words: Words, before: List[Nic]) -> Nic:
    names = {nic.name: nic.ifindex for nic in before}
    nic = Nic(len(before) + 2, words.take(), _mac(words.take()))
    if nic.name in names:
        raise ValueError(f"there are two of that name: {words.text}")
    addresses: List[Prefix] = []
    while words:
        word = words.take()
        if word == "down":
            nic = nic._replace(up=False, running=False)
        elif word == "no-carrier":
            nic = nic._replace(running=False)
        elif word == "kind":
            nic = nic._replace(kind=words.take())
        elif word == "id":
            nic = nic._replace(vlan_id=int(words.take()))
        elif word == "on":
            nic = nic._replace(parent=names[words.take()])
        elif word == "master":
            nic = nic._replace(master=names[words.take()])
        elif word == "perm":
            nic = nic._replace(permanent_mac=_mac(words.take()))
        elif word == "peer":
            nic = nic._replace(peers=(*nic.peers, parse_prefix(words.take())))
        elif "/" in word:
            addresses.append(parse_prefix(word))
        else:
            raise words.unknown(word)
    return nic._replace(addresses=tuple(addresses))


def _mac(text: str) -> bytes:
    mac = b"" if text == "none" else bytes.fromhex(text.replace(":", ""))
    if text != "none" and len(mac) != 6:
        raise ValueError(f"not a MAC address: {text}")
    return mac
