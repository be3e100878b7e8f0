"""A process of its own that sees defaults and foreign routes come and go, by the kernel's notifications.

    monitor.py MAC=NAME... FOREIGN-NIC

Knows nothing of guest-routes. It keeps its own account of the defaults through the described NICs, and of which of
those NICs could carry one (up, with a carrier and an address of the family), and writes a JSON line whenever
either changes, with the port of whoever did it. What it has in mind is compared with the kernel in each quiet moment.
"""

from __future__ import annotations

import json
import select
import socket
import struct
import subprocess
import sys
import time
from typing import Dict, Iterator, List, NamedTuple, Set, Tuple

GROUPS = (1, 5, 7, 9, 11)
"""RTNLGRP_LINK, IPV4_IFADDR, IPV4_ROUTE, IPV6_IFADDR, IPV6_ROUTE. Source: linux/rtnetlink.h."""
NEWLINK, DELLINK, NEWADDR, DELADDR, NEWROUTE, DELROUTE = 16, 17, 20, 21, 24, 25
UP_AND_RUNNING = 0x1 | 0x40
REPLACE = 0x100
MAIN, FOREIGN_TABLE = 254, 100
STATIC, BLACKHOLE = 4, 6
GLOBAL_SCOPE = 0
IDLE_SECONDS = 0.3
"""After so long without a notification the account is compared with the kernel."""

NextHop = Tuple[int, bytes]
"""ifindex and gateway."""


class Default(NamedTuple):
    """One default route, or one leg of an IPv6 one."""

    family: int
    metric: int
    nexthops: Tuple[NextHop, ...]


def attributes(data: bytes) -> Dict[int, bytes]:
    """The attributes in a message's body, the last of each kind."""
    found = {}
    while len(data) >= 4:
        length, kind = struct.unpack_from("=HH", data)
        if length < 4:
            break
        found[kind & 0x3FFF] = data[4:length]
        data = data[(length + 3) & ~3 :]
    return found


def legs_of(found: Dict[int, bytes]) -> Tuple[NextHop, ...]:
    """Where a route goes: RTA_OIF and RTA_GATEWAY, or RTA_MULTIPATH."""
    if 9 not in found:
        return ((struct.unpack("=I", found[4])[0] if 4 in found else 0, found.get(5, b"")),)
    nexthops, data = [], found[9]
    while len(data) >= 8:
        length, _, _, ifindex = struct.unpack_from("=HBBi", data)
        nexthops.append((ifindex, attributes(data[8:length]).get(5, b"")))
        data = data[(length + 3) & ~3 :]
    return tuple(nexthops)


class Account:
    """What the monitor has in mind."""

    def __init__(self, nics: Dict[str, str], foreign_nic: str) -> None:
        self._described, self._foreign_name = nics, foreign_nic
        self._names: Dict[int, str] = {}
        self._running: Set[int] = set()
        self._addresses: Dict[int, Set[Tuple[int, bytes]]] = {}
        self._foreign = 0
        self.defaults: List[Default] = []
        self.said: Dict[int, Tuple[int, Tuple[str, ...]]] = {}

    # -- reading -------------------------------------------------------------------------------------------

    def message(self, kind: int, flags: int, port: int, body: bytes) -> Iterator[Dict[str, object]]:
        """Takes one notification; what there is to tell of it."""
        if kind in (NEWLINK, DELLINK):
            self._link(kind, body)
        elif kind in (NEWADDR, DELADDR):
            self._address(kind, body)
        elif kind in (NEWROUTE, DELROUTE):
            family, length, _, _, table, protocol, _, type_ = struct.unpack_from("8B", body)
            found = attributes(body[12:])
            table = struct.unpack("=I", found[15])[0] if 15 in found else table
            nexthops = legs_of(found)
            mine = protocol == STATIC and table == MAIN and any(ifindex == self._foreign for ifindex, _ in nexthops)
            protected = mine or (table == FOREIGN_TABLE) or (type_ == BLACKHOLE and table == MAIN)
            if protected and (kind == DELROUTE or flags & REPLACE):
                verb = "deleted" if kind == DELROUTE else "replaced"
                what = f"{found.get(1, b'').hex()}/{length} in table {table}"
                yield {"foreign": f"a foreign route was {verb}: {what}", "port": port}
            if table == MAIN and not length and type_ == 1:
                self._route(kind, flags, family, found, nexthops)
        yield from self._news(kind, port)

    def _link(self, kind: int, body: bytes) -> None:
        _, _, ifindex, flags, _ = struct.unpack_from("=BxHiII", body)
        found = attributes(body[16:])
        mac = found.get(1, b"").hex(":")
        if found.get(3, b"").rstrip(b"\0").decode() == self._foreign_name:
            self._foreign = ifindex
        if mac in self._described:
            self._names[ifindex] = self._described[mac]
        up = kind == NEWLINK and flags & 0x1
        self._running.discard(ifindex)
        if kind == NEWLINK and flags & UP_AND_RUNNING == UP_AND_RUNNING:
            self._running.add(ifindex)
        if not up:  # Of IPv4's routes that go with their link the kernel tells nothing.
            self._drop_legs(ifindex, (4, 6))
        if kind == DELLINK:
            self._names.pop(ifindex, None)
            self._addresses.pop(ifindex, None)

    def _address(self, kind: int, body: bytes) -> None:
        family, _, _, scope, ifindex = struct.unpack_from("=BBBBI", body)
        found = attributes(body[8:])
        own = self._addresses.setdefault(ifindex, set())
        if scope != GLOBAL_SCOPE:
            return
        one = (4 if family == socket.AF_INET else 6, found.get(2, found.get(1, b"")))
        if kind == NEWADDR:
            own.add(one)
            return
        own.discard(one)
        if one[0] == 4 and not any(version == 4 for version, _ in own):
            self._drop_legs(ifindex, (4,))

    def _route(self, kind: int, flags: int, af: int, found: Dict[int, bytes], nexthops: Tuple[NextHop, ...]) -> None:
        family = 4 if af == socket.AF_INET else 6
        metric = struct.unpack("=I", found[6])[0] if 6 in found else 0
        made = (
            [Default(family, metric, nexthops)]
            if family == 4
            else [Default(6, metric, (nexthop,)) for nexthop in nexthops]
        )
        same = [one for one in self.defaults if one.family == family and one.metric == metric]
        if kind == DELROUTE:
            gone = [one for one in made if one in self.defaults]
        elif flags & REPLACE:
            gone = same[:1] if family == 4 else same
        else:
            gone = [one for one in made if one in self.defaults and family == 6]
        for one in gone:
            self.defaults.remove(one)
        if kind == NEWROUTE:
            self.defaults += made

    def _drop_legs(self, ifindex: int, families: Tuple[int, ...]) -> None:
        left = []
        for one in self.defaults:
            nexthops = tuple(nexthop for nexthop in one.nexthops if nexthop[0] != ifindex or one.family not in families)
            if nexthops:
                left.append(one._replace(nexthops=nexthops))
        self.defaults = left

    # -- telling -------------------------------------------------------------------------------------------

    def counted(self, family: int) -> Tuple[int, Tuple[str, ...]]:
        """How many defaults through described NICs there are, and which of these NICs could carry one."""
        able = [
            name for ifindex, name in self._names.items()
            if ifindex in self._running and any(one[0] == family for one in self._addresses.get(ifindex, ()))
        ]  # fmt: skip
        through = [
            one for one in self.defaults if one.family == family and any(i in self._names for i, _ in one.nexthops)
        ]
        return len(through), tuple(sorted(able))

    def _news(self, kind: int, port: int) -> Iterator[Dict[str, object]]:
        for family in (4, 6):
            counted = self.counted(family)
            if counted != self.said.get(family):
                self.said[family] = counted
                yield {"family": family, "count": counted[0], "able": counted[1], "port": port, "kind": kind}

    def differs(self) -> str:
        """How the account differs from the kernel, which is right; "" when it doesn't."""
        ours = [
            sorted(nexthop[0] for one in self.defaults if one.family == f for nexthop in one.nexthops) for f in (4, 6)
        ]
        theirs = []
        for family in (4, 6):
            done = subprocess.run(
                ["ip", f"-{family}", "-j", "route", "show", "default"], capture_output=True, check=True
            )
            ways = [way for r in json.loads(done.stdout or b"[]") for way in r.get("nexthops", [r])]
            theirs.append(sorted(socket.if_nametoindex(way["dev"]) for way in ways))
        return "" if ours == theirs else f"accounted {ours}, in the kernel {theirs}"


def dumps() -> Iterator[Tuple[int, int, int, bytes]]:
    """What is there at the beginning: links, addresses, routes."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as asking:
        for kind in (18, 22, 26):  # RTM_GETLINK, RTM_GETADDR, RTM_GETROUTE
            asking.send(struct.pack("=IHHII", 32, kind, 0x301, 0, 0) + bytes(16))
            ended = False
            while not ended:
                for message in messages(asking.recv(1 << 20)):
                    ended = message[0] == 3  # NLMSG_DONE
                    yield message


def messages(data: bytes) -> Iterator[Tuple[int, int, int, bytes]]:
    """Type, flags, port and body of each."""
    while len(data) >= 16:
        length, kind, flags, _, port = struct.unpack_from("=IHHII", data)
        yield kind, flags, port, data[16:length]
        data = data[(length + 3) & ~3 :]


def tell(**facts: object) -> None:
    """A JSON line."""
    print(json.dumps({"t": time.monotonic(), **facts}), flush=True)


def main() -> None:
    """Until it is killed."""
    account = Account(dict(word.split("=") for word in sys.argv[1:-1]), sys.argv[-1])
    hearing = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.NETLINK_ROUTE)
    hearing.setsockopt(socket.SOL_SOCKET, 33, 256 << 20)  # SO_RCVBUFFORCE
    hearing.bind((0, 0))
    for group in GROUPS:
        hearing.setsockopt(270, 1, group)
    for kind, _, _, body in dumps():
        for _ in account.message(kind, 0, 0, body):
            pass
    for family, (count, able) in account.said.items():
        tell(family=family, count=count, able=able, port=0, kind=0)
    tell(ready=True)
    compared = False
    while True:
        if not select.select([hearing], [], [], None if compared else IDLE_SECONDS)[0]:
            try:
                difference = account.differs()
            except (OSError, subprocess.CalledProcessError):
                continue  # A NIC went while it was looked at.
            if select.select([hearing], [], [], 0)[0]:
                continue
            if difference:
                tell(astray=difference)
                account.defaults = []
                for kind, _, _, body in dumps():
                    for news in account.message(kind, 0, 0, body):
                        tell(**news)
            compared = True
            continue
        compared = False
        try:
            data = hearing.recv(1 << 20)
        except OSError as error:
            tell(lost=str(error))
            continue
        for kind, flags, port, body in messages(data):
            for news in account.message(kind, flags, port, body):
                tell(**news)


if __name__ == "__main__":
    main()
