"""The hypervisor's side of one virtual machine, as Calico has it: a tap per NIC and no bridge.

It stands in network namespaces of its own (`sandbox.enter` first). No gateway address exists anywhere: the
hypervisor answers for every address by proxy ARP and routes, with /32 routes to the machine's addresses and a strict
reverse-path filter, so that a packet through the wrong NIC is lost as it is there. The remote hosts are in a second
namespace behind it. 169.254.169.254 is the hypervisor's own. With DHCP, each gateway's address is on a device beside
its tap, as in Calico; with IPv6 it is on the tap, and rules stand in for the reverse-path filter that IPv6 has only in
ip6tables.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional

from tests.support import sandbox

from . import dhcp
from .plan import NETWORKS, Network

SERVER = Path(__file__).parent.parent / "support" / "metadata_server.py"
REMOTE = "11.11.3.4"
"""In the documented host route."""
ELSEWHERE = "198.51.100.7"
"""Reached by the default route."""
REMOTE6, ELSEWHERE6 = "fd00:11:11::4", "2001:db8:113::9"
BEHIND_ETH2 = "11.12.0.4"
"""In the host route that the third NIC brings."""
HOST_ROUTE = "11.11.0.0/16,11.8.0.1"


class Port(NamedTuple):
    """One NIC of the machine and its tap."""

    name: str
    mac: str
    address: str
    prefix6: str

    @property
    def gateway(self) -> str:
        """The first address of its subnet."""
        return self.address.rpartition(".")[0] + ".1"

    @property
    def tap(self) -> str:
        """The tap's name on the hypervisor."""
        return f"tap-{self.name}"


PORTS = (
    Port("eth0", "fa:16:3e:00:00:01", "10.65.0.7", "fd00:65::"),
    Port("eth1", "fa:16:3e:00:00:02", "11.8.0.9", "fd00:8::"),
)
LATER = Port("eth2", "fa:16:3e:00:00:03", "10.9.0.7", "fd00:9::")
"""Attached while the machine runs."""


class Hypervisor:
    """The taps, the remote hosts, the metadata server, and a count of what leaves by which tap."""

    def __init__(self, log: Path, network: Network = NETWORKS["static-right"]) -> None:
        sandbox.assert_private()
        sandbox.fresh_netns()
        self.log = log
        self.network = network
        self.pings: Dict[str, Dict[str, int]] = {}
        """Echo requests seen on each tap, by destination."""
        self._server: Optional[subprocess.Popen[bytes]] = None
        self._remote = subprocess.Popen(["unshare", "-n", "sleep", "86400"])
        own = os.stat("/proc/self/ns/net").st_ino
        while os.stat(f"/proc/{self._remote.pid}/ns/net").st_ino == own:
            time.sleep(0.001)
        _run("ip", "address", "add", "169.254.169.254/32", "dev", "lo")
        _run("ip", "link", "add", "fabric", "type", "veth", "peer", "name", "fabric", "netns", str(self._remote.pid))
        _run("ip", "address", "add", "192.0.2.1/30", "dev", "fabric")
        _run("ip", "link", "set", "fabric", "up")
        _run("ip", "route", "add", "default", "via", "192.0.2.2")
        _run("sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv4.conf.all.rp_filter=1")
        self._in_remote("ip", "link", "set", "lo", "up")
        self._in_remote("ip", "address", "add", "192.0.2.2/30", "dev", "fabric")
        for address in (REMOTE, ELSEWHERE, BEHIND_ETH2):
            self._in_remote("ip", "address", "add", f"{address}/32", "dev", "lo")
        self._in_remote("ip", "link", "set", "fabric", "up")
        self._in_remote("ip", "route", "add", "default", "via", "192.0.2.1")
        if network.ipv6:
            self._fabric6()
        for port in (*PORTS, LATER):
            _make_tap(port)
            if network.ipv6:
                _give_ipv6(port)
        self._programs: List[subprocess.Popen[bytes]] = []
        if network.option_121:
            self._programs = dhcp.serve([self._subnet(port) for port in PORTS], log.parent)
        # Bound now, in this namespace; the thread only reads.
        self._sockets = {port.tap: _listener(port.tap) for port in (*PORTS, LATER)}
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self.forget()
        self._watcher.start()

    def serve(self, network_data: Path, meta_data: Path) -> None:
        """Starts the metadata service; ends the one before."""
        self.end_service()
        self._server = subprocess.Popen(
            [sys.executable, str(SERVER), "--network-data", str(network_data), "--meta-data", str(meta_data),
             "--log", str(self.log)],
            stdout=subprocess.PIPE,
        )  # fmt: skip
        assert self._server.stdout is not None
        if self._server.stdout.readline() != b"ready\n":
            raise RuntimeError("the metadata server didn't start")

    def end_service(self) -> None:
        """Ends the metadata service, if it runs."""
        if self._server is not None:
            self._server.send_signal(signal.SIGKILL)
            self._server.wait()
            self._server = None

    def forget(self) -> None:
        """Starts counting, and the log of requests, anew."""
        self.pings = {port.tap: {} for port in (*PORTS, LATER)}
        self.log.write_text("")

    def requests(self) -> int:
        """How many requests the metadata service has had since `forget`."""
        return len(self.log.read_text().splitlines())

    def close(self) -> None:
        """Ends what was started; the namespaces go with it."""
        self.end_service()
        for program in (*self._programs, self._remote):
            program.kill()
            program.wait()

    def _subnet(self, port: Port) -> dhcp.Subnet:
        routes = [HOST_ROUTE] if port.name == self.network.option_121 else []
        prefix6 = port.prefix6 if self.network.ipv6 == "ra" else ""
        return dhcp.Subnet(port.tap, port.mac, port.address, port.gateway, prefix6, routes)

    def _fabric6(self) -> None:
        _run("sysctl", "-qw", "net.ipv6.conf.all.forwarding=1")
        _run("ip", "address", "add", "2001:db8::1/64", "dev", "fabric", "nodad")
        _run("ip", "-6", "route", "add", "default", "via", "2001:db8::2")
        self._in_remote("ip", "address", "add", "2001:db8::2/64", "dev", "fabric", "nodad")
        self._in_remote("ip", "-6", "route", "add", "default", "via", "2001:db8::1")
        for address in (REMOTE6, ELSEWHERE6):
            self._in_remote("ip", "address", "add", f"{address}/128", "dev", "lo", "nodad")

    def _in_remote(self, *command: str) -> None:
        _run("nsenter", "-t", str(self._remote.pid), "-n", *command)

    def _watch(self) -> None:
        by_socket = {sock: tap for tap, sock in self._sockets.items()}
        while True:
            for sock in select.select(list(by_socket), [], [])[0]:
                frame, (_, _, packet_type, *_) = sock.recvfrom(2048)
                destination = _echo_request(frame)
                if destination and packet_type != socket.PACKET_OUTGOING:
                    counts = self.pings[by_socket[sock]]
                    counts[destination] = counts.get(destination, 0) + 1


def _make_tap(port: Port) -> None:
    _run("ip", "tuntap", "add", port.tap, "mode", "tap")
    per_nic = f"net.ipv4.conf.{port.tap}"
    _run("sysctl", "-qw", f"{per_nic}.proxy_arp=1", f"{per_nic}.rp_filter=1", f"{per_nic}.forwarding=1")
    _run("sysctl", "-qw", f"net.ipv4.neigh.{port.tap}.proxy_delay=0")
    _run("ip", "link", "set", port.tap, "address", "ee:ee:ee:ee:ee:ee", "up")
    _run("ip", "address", "add", "fe80::a9fe:a9fe/64", "dev", port.tap, "nodad")
    _run("ip", "route", "add", f"{port.address}/32", "dev", port.tap)


def _give_ipv6(port: Port) -> None:
    """The gateway, and the rule that only addresses of the port's own subnet may come by its tap."""
    _run("ip", "address", "add", f"{port.prefix6}1/64", "dev", port.tap, "nodad")
    for priority, source in (("100", f"{port.prefix6}/64"), ("101", "fe80::/10")):
        _run("ip", "-6", "rule", "add", "priority", priority, "iif", port.tap, "from", source, "lookup", "main")
    _run("ip", "-6", "rule", "add", "priority", "150", "iif", port.tap, "blackhole")


def _listener(tap: str) -> socket.socket:
    every_protocol = 0x0003
    listener = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(every_protocol))
    listener.bind((tap, every_protocol))
    return listener


def _echo_request(frame: bytes) -> str:
    """The destination of an echo request in an Ethernet frame; "" for anything else."""
    packet = frame[14:]
    if frame[12:14] == b"\x86\xdd" and len(packet) >= 48:
        return socket.inet_ntop(socket.AF_INET6, packet[24:40]) if packet[6] == 58 and packet[40] == 128 else ""
    if frame[12:14] != b"\x08\x00" or len(packet) < 28 or packet[9] != 1:
        return ""
    header = (packet[0] & 15) * 4
    return socket.inet_ntoa(packet[16:20]) if packet[header] == 8 else ""


def _run(*command: str) -> None:
    subprocess.run(command, check=True)
