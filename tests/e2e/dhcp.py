"""DHCP and router advertisements on the hypervisor's taps: dnsmasq, as Calico's and Neutron's agents run it.

The gateway's address is on a device of its own beside each tap, which dnsmasq answers for (`--bridge-interface`); the
options are those of neutron/agent/linux/dhcp.py: routes in 121 and again in 249, each with the subnet's own default
last, and the router in option 3.

Source: networking-calico, networking_calico/agent/linux/dhcp.py (DnsmasqRouted).
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import List, NamedTuple, Sequence

LEASE_SECONDS = 3600
UNPACKED = Path(__file__).parent.parent.parent / ".cache" / "e2e" / "dnsmasq"
PROGRAM = UNPACKED / "usr" / "sbin" / "dnsmasq"


class Subnet(NamedTuple):
    """A subnet with DHCP enabled, and the machine's port on it."""

    tap: str
    mac: str
    address: str
    gateway: str
    prefix6: str
    """Announced to it, 64 bits; "" for none."""
    host_routes: List[str]
    """`11.11.0.0/16,11.8.0.1`, as Neutron takes them."""


def unpack() -> None:
    """Debian's dnsmasq and the libraries that this machine lacks, unpacked: a DHCP server is not installed into it."""
    if PROGRAM.exists():
        return
    debs = UNPACKED.with_name("dnsmasq.debs")
    (debs / "partial").mkdir(parents=True, exist_ok=True)
    subprocess.run(
        ["apt-get", "install", "-qq", "-y", "--no-install-recommends", "--reinstall", "--download-only",
         "-o", f"Dir::Cache::archives={debs}", "dnsmasq-base"],
        check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    for package in sorted(debs.glob("*.deb")):
        subprocess.run(["dpkg", "-x", package, UNPACKED], check=True)


def serve(subnets: Sequence[Subnet], folder: Path) -> List[subprocess.Popen[bytes]]:
    """Starts the servers for these subnets; they keep what they keep in the folder."""
    routers = [_router(subnet, folder / f"router-{subnet.tap}") for subnet in subnets if subnet.prefix6]
    return [_dhcp(subnets, folder / "dhcp"), *routers]


def _dhcp(subnets: Sequence[Subnet], folder: Path) -> subprocess.Popen[bytes]:
    """One for all of them: two programs on one port would each get a part of what is sent to the server's address."""
    hosts, options, ranges = "", "", []
    for subnet in subnets:
        nic = subnet.tap[4:]
        _give_gateway(f"ns-{nic}", subnet.gateway)
        routes = ",".join([*subnet.host_routes, f"0.0.0.0/0,{subnet.gateway}"])
        for option in (f"option:classless-static-route,{routes}", f"249,{routes}", f"option:router,{subnet.gateway}",
                       "option:dns-server,192.0.2.2"):  # fmt: skip
            options += f"tag:{nic},{option}\n"
        network = subnet.address.rpartition(".")[0] + ".0"
        hosts += f"{subnet.mac},{subnet.address}\n"
        ranges += [f"--dhcp-range=set:{nic},{network},static,255.255.255.0,{LEASE_SECONDS}s",
                   f"--bridge-interface=ns-{nic},{subnet.tap}"]  # fmt: skip
    folder.mkdir()
    (folder / "hosts").write_text(hosts)
    (folder / "options").write_text(options)
    # A pattern: with a plain name it would bind its socket to that device, and hear nothing of the tap.
    return _dnsmasq(
        folder, "--interface=ns-eth*", *ranges, "--dhcp-authoritative", f"--dhcp-hostsfile={folder}/hosts",
        f"--dhcp-optsfile={folder}/options", "--dhcp-option-force=option:mtu,1450",
    )  # fmt: skip


def _give_gateway(name: str, gateway: str) -> None:
    # Calico has a dummy there; not every kernel that this runs on has them.
    _ip("link", "add", name, "type", "veth", "peer", "name", f"{name}-peer")
    _ip("link", "set", f"{name}-peer", "up")
    _ip("address", "add", f"{gateway}/24", "dev", name, "noprefixroute")
    _ip("link", "set", name, "up")


def _router(subnet: Subnet, folder: Path) -> subprocess.Popen[bytes]:
    """Announces the prefix and itself, as often and for as long as radvd does in Neutron's router.

    NetworkManager 1.42, started again beside NICs that are configured, waits for the advertisement after the one it
    has asked for. Source: neutron/conf/agent/common.py, max_rtr_adv_interval.
    """
    folder.mkdir()
    often = f"--ra-param={subnet.tap},100,300"
    return _dnsmasq(folder, f"--interface={subnet.tap}", "--enable-ra", often, f"--dhcp-range={subnet.prefix6},ra-only")


def _dnsmasq(folder: Path, *options: str) -> subprocess.Popen[bytes]:
    libraries = ":".join(str(path) for path in sorted(UNPACKED.glob("**/*-linux-gnu")))
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(
            [PROGRAM, "--keep-in-foreground", "--conf-file=/dev/null", "--no-hosts", "--no-resolv", "--port=0",
             "--user=root", "--group=root", "--bind-dynamic", "--except-interface=lo", f"--pid-file={folder}/pid",
             f"--dhcp-leasefile={folder}/leases", "--log-facility=-", "--log-dhcp", *options],
            stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
            env={**os.environ, "LD_LIBRARY_PATH": libraries},
        )  # fmt: skip


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True)
