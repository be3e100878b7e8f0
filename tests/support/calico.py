"""A hypervisor as Calico makes it, around the documented instance, in both families.

Each tap answers ARP and neighbour solicitations for every address (proxy ARP, proxy NDP), has a route to its guest
address only, and drops what comes with another source address: strict reverse-path filter. IPv6 has none in the
kernel, so policy rules stand in for the ip6tables rule that Calico makes.

Source: Calico, felix/dataplane/linux/endpoint_mgr.go (configureInterface); felix/rules/static.go (rpfilter).
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from typing import Dict, List, NamedTuple, Sequence, Tuple

from .lab import MACS, Lab

OWN = {"eth0": ("10.65.0.7", "fd00:65::7"), "eth1": ("11.8.0.9", "fd00:8::9")}
EVERY_ADDRESS = tuple(own for both in OWN.values() for own in both)
GATEWAYS = {"eth0": ("10.65.0.1", "fd00:65::1"), "eth1": ("11.8.0.1", "fd00:8::1")}
OUTSIDE = ("203.0.113.9", "2001:db8:113::9")
"""A remote host that no host route covers."""
INSIDE = ("11.11.3.4", "fd00:11:11::4")
"""A remote host inside eth1's host routes."""
ROUTER = ("11.8.0.50", "fd00:8::50")
"""An operator's router in eth1's subnet, itself a guest of another hypervisor."""
BEHIND = ("10.200.0.9", "fd00:200::9")
"""A host behind that router."""
PORT = 7007
WAIT_SECONDS = 2.5
"""For an answer: a lost SYN is sent again after a second."""

ECHO = """
import select, socket, sys
listening, datagram = {}, set()
for local in sys.argv[2:]:
    family = socket.AF_INET6 if ":" in local else socket.AF_INET
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        one = socket.socket(family, kind)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        one.bind((local, int(sys.argv[1])))
        if kind == socket.SOCK_STREAM:
            one.listen(50)
            listening[one] = local
        else:
            datagram.add(one)
print("ready", flush=True)
open_ = set()
while True:
    for one in select.select([*listening, *datagram, *open_], [], [])[0]:
        if one in datagram:
            one.sendto(*one.recvfrom(100))
        elif one in listening:
            open_.add(one.accept()[0])
        else:
            try:
                data = one.recv(100)
                one.sendall(data) if data else None
            except OSError:
                data = b""
            if not data:
                open_.discard(one)
                one.close()
"""

ASK = """
import json, socket, sys, threading
port, wait, pairs = int(sys.argv[1]), float(sys.argv[2]), json.loads(sys.argv[3])
answered = {}
def ask(remote, local, name, kind):
    with socket.socket(socket.AF_INET6 if ":" in local else socket.AF_INET, kind) as one:
        one.bind((remote, 0))
        answered[f"{name} {remote} {local}"] = False
        tries = 1 if kind == socket.SOCK_STREAM else 5
        one.settimeout(wait / tries)
        for _ in range(tries):
            try:
                one.connect((local, port))
                one.sendall(b"hello")
                answered[f"{name} {remote} {local}"] = one.recv(100) == b"hello"
                break
            except OSError:
                continue
threads = [
    threading.Thread(target=ask, args=(remote, local, name, kind))
    for remote, local in pairs
    for name, kind in (("tcp", socket.SOCK_STREAM), ("udp", socket.SOCK_DGRAM))
]
[one.start() for one in threads], [one.join() for one in threads]
print(json.dumps(answered))
"""


class Pair(NamedTuple):
    """A remote host and an address of the instance."""

    remote: str
    local: str


PAIRS = tuple(
    Pair(remote[family], own[family]) for family in (0, 1) for remote in (OUTSIDE, INSIDE) for own in OWN.values()
)
ANSWERED_BY_MAIN = {
    Pair(OUTSIDE[0], OWN["eth0"][0]), Pair(INSIDE[0], OWN["eth1"][0]),
    Pair(OUTSIDE[1], OWN["eth0"][1]), Pair(INSIDE[1], OWN["eth1"][1]),
}  # fmt: skip
"""What the documented table alone answers: two of four in each family."""


class Calico:
    """The documented instance without any route of cloud-init's, its hypervisor, and the remote hosts behind that."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._remote = lab.namespace().pid
        hypervisor = lab.hypervisor
        for each in (hypervisor, self.remote):
            each("sysctl", "-qw", "net.ipv6.conf.default.accept_dad=0")
        uplink = ("ip", "link", "add", "uplink", "type", "veth", "peer", "name", "eth0", "netns", str(self._remote))
        hypervisor(*uplink)
        hypervisor("sysctl", "-qw", "net.ipv6.conf.uplink.forwarding=1")
        hypervisor("ip", "address", "add", "192.0.2.1/24", "dev", "uplink")
        hypervisor("ip", "address", "add", "2001:db8::1/64", "dev", "uplink", "nodad")
        hypervisor("ip", "link", "set", "uplink", "up")
        self.remote("ip", "link", "set", "lo", "up")
        self.remote("ip", "address", "add", "192.0.2.2/24", "dev", "eth0")
        self.remote("ip", "address", "add", "2001:db8::2/64", "dev", "eth0", "nodad")
        self.remote("ip", "link", "set", "eth0", "up")
        for family, via, back in (("-4", "192.0.2.1", "192.0.2.2"), ("-6", "2001:db8::1", "2001:db8::2")):
            self.remote("ip", family, "route", "add", "default", "via", via)
            hypervisor("ip", family, "route", "add", "default", "via", back)
        for address in (*OUTSIDE, *INSIDE):
            self.remote("ip", "address", "add", address, "dev", "lo", *(["nodad"] if ":" in address else []))
        for nic, mac in zip(OWN, MACS):
            self.nic(nic, mac, *OWN[nic])
            self.resolve(nic)

    def nic(self, name: str, mac: str, own: str, own6: str, lengths: Tuple[int, int] = (24, 64)) -> None:
        """A NIC of the instance, and its tap."""
        lab, tap = self._lab, f"tap-{name}"
        lab.nic(name, mac, f"{own}/{lengths[0]}", f"{own6}/{lengths[1]}")
        for key in (f"ipv4.conf.{tap}.rp_filter=1", f"ipv4.conf.{tap}.proxy_arp=1", f"ipv4.neigh.{tap}.proxy_delay=0",
                    f"ipv6.conf.{tap}.proxy_ndp=1", f"ipv6.neigh.{tap}.proxy_delay=0"):  # fmt: skip
            lab.hypervisor("sysctl", "-qw", "net." + key)
        lab.hypervisor("ip", "route", "add", f"{own}/32", "dev", tap)
        lab.hypervisor("ip", "-6", "route", "add", f"{own6}/128", "dev", tap)
        for proxied in (GATEWAYS[name][1], ROUTER[1]):
            lab.hypervisor("ip", "-6", "neighbour", "add", "proxy", proxied, "dev", tap)
        for priority, source in ((100, own6), (101, "fe80::/10")):
            of_tap = ("ip", "-6", "rule", "add", "priority", str(priority), "iif", tap, "from", source)
            lab.hypervisor(*of_tap, "lookup", "main")
        lab.hypervisor("ip", "-6", "rule", "add", "priority", "150", "iif", tap, "blackhole")

    def resolve(self, name: str, neighbours: Sequence[str] = ()) -> None:
        """Makes the link addresses of a NIC's gateways known, or of other neighbours, one of each family.

        An ARP request carries the address of the packet that it is for. The hypervisor doesn't answer one with another
        NIC's address, and packets to the neighbour wait meanwhile.
        """
        for own, neighbour in zip(OWN[name], neighbours or GATEWAYS[name]):
            family = socket.AF_INET6 if ":" in own else socket.AF_INET
            with socket.socket(family, socket.SOCK_DGRAM) as one:
                one.bind((own, 0))
                deadline = time.monotonic() + 5
                while "lladdr" not in self._lab.ip("neighbour", "show", "to", neighbour, "dev", name):
                    assert time.monotonic() < deadline, f"{neighbour} doesn't answer"
                    one.sendto(b"", (neighbour, 9))
                    time.sleep(0.01)

    def remote(self, *command: str) -> str:
        """Runs a command where the remote hosts are; its output."""
        full = ["nsenter", "-t", str(self._remote), "-n", *command]
        return subprocess.run(full, check=True, text=True, capture_output=True).stdout

    def answered(self, pairs: Sequence[Pair] = PAIRS) -> Dict[str, List[Pair]]:
        """By `tcp` and `udp`, the pairs whose remote host gets an answer from the instance's address."""
        return answered_in(self._remote, pairs)


def answered_in(process: int, pairs: Sequence[Pair]) -> Dict[str, List[Pair]]:
    """The same of hosts in the network namespace of a process."""
    asked = json.dumps([list(pair) for pair in pairs])
    command = ["nsenter", "-t", str(process), "-n", sys.executable, "-c", ASK, str(PORT), str(WAIT_SECONDS), asked]
    said = json.loads(subprocess.run(command, check=True, text=True, capture_output=True).stdout)
    return {kind: [p for p in pairs if said[f"{kind} {p.remote} {p.local}"]] for kind in ("tcp", "udp")}


def echo(lab: Lab, addresses: Sequence[str] = EVERY_ADDRESS) -> subprocess.Popen[bytes]:
    """Servers on these addresses of the instance, TCP and UDP, which send back what they get."""
    server = lab.start(sys.executable, "-c", ECHO, str(PORT), *addresses)
    assert server.stdout is not None
    assert server.stdout.readline() == b"ready\n"
    return server
