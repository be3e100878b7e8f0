"""Real DHCP: dnsmasq on the hypervisor as Neutron's agent runs it, and Debian's clients in the instance.

The servers' options are those of neutron/agent/linux/dhcp.py: routes in 121 and again in 249, each with the subnet's
own default last, and the router in option 3. The clients come from tests/make-dhcp-clients and run by chroot.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from typing import Callable, Dict, List, NamedTuple, Sequence

import pytest

from . import sandbox
from .debian import LIMITS, PATH, ROOT, Debian
from .lab import MACS, Lab

USERS = (
    "messagebus:x:990:990::/nonexistent:/usr/sbin/nologin",
    "dhcpcd:x:991:991::/usr/lib/dhcpcd:/bin/false",
    "dnsmasq:x:992:65534::/var/lib/misc:/usr/sbin/nologin",
)
GROUPS = ("messagebus:x:990:", "dhcpcd:x:991:", "netdev:x:989:")
LEASE_SECONDS = 3600


class Subnet(NamedTuple):
    """A Neutron subnet with DHCP enabled and one port on it."""

    nic: str
    mac: str
    network: str
    netmask: str
    address: str
    gateway: str
    host_routes: Sequence[str] = ()
    """`11.11.0.0/16,11.8.0.1`, as Neutron takes them."""

    @property
    def option_121(self) -> str:
        """What Neutron's agent makes of them: its own default comes last."""
        return ",".join([*self.host_routes, f"0.0.0.0/0,{self.gateway}"])


ETH0 = Subnet("eth0", MACS[0], "10.65.0.0", "255.255.255.0", "10.65.0.7", "10.65.0.1")
ETH1 = Subnet("eth1", MACS[1], "11.8.0.0", "255.255.255.0", "11.8.0.9", "11.8.0.1")
ROUTE = "11.11.0.0/16,11.8.0.1"


class DhcpLab:
    """The lab's instance without addresses, a DHCP server behind each NIC, and a Debian to run clients from."""

    def __init__(self, lab: Lab, *subnets: Subnet) -> None:
        if not (ROOT / ".cache/bookworm-dhcp/.made").exists():
            pytest.fail("there is no .cache/bookworm-dhcp; `make test-packages` makes it (in here there is no network)")
        self.lab, self.subnets = lab, subnets
        self.debian = Debian("bookworm", "bookworm-dhcp")
        self._children: List[subprocess.Popen[bytes]] = []
        for name, lines in (("passwd", USERS), ("group", GROUPS)):
            path = self.debian.path("/etc/" + name)
            path.write_text(path.read_text() + "".join(f"{line}\n" for line in lines))
        for folder in (
            "/run/dhcp",
            "/run/dbus",
            "/run/lock",
            "/var/lib/dhcp",
            "/var/lib/dhcpcd",
            "/var/lib/NetworkManager",
        ):
            self.debian.path(folder).mkdir(parents=True, exist_ok=True)
        for subnet in subnets:
            length = bin(int.from_bytes(bytes(map(int, subnet.netmask.split("."))), "big")).count("1")
            lab.nic(subnet.nic, subnet.mac, gateways=(f"{subnet.gateway}/{length}",))
            self.serve(subnet)

    # -- the server ----------------------------------------------------------------------------------

    def serve(self, subnet: Subnet) -> subprocess.Popen[bytes]:
        """dnsmasq for one subnet, as Neutron's agent runs it."""
        tag = f"subnet-{subnet.nic}"
        options = [
            f"tag:{tag},option:dns-server,{subnet.gateway}",
            f"tag:{tag},option:classless-static-route,{subnet.option_121}",
            f"tag:{tag},249,{subnet.option_121}",
            f"tag:{tag},option:router,{subnet.gateway}",
        ]
        folder = f"/run/dhcp/{subnet.nic}"
        self.debian.write(f"{folder}/opts", "".join(f"{option}\n" for option in options))
        host = "host-" + subnet.address.replace(".", "-")
        self.debian.write(f"{folder}/host", f"{subnet.mac},{host}.openstacklocal,{subnet.address}\n")
        command = f"""dnsmasq --keep-in-foreground --no-hosts --no-resolv --port=0 --conf-file=/dev/null --user=root
            --pid-file={folder}/pid --dhcp-leasefile={folder}/leases --dhcp-optsfile={folder}/opts
            --dhcp-hostsfile={folder}/host --dhcp-authoritative --bind-dynamic --interface=tap-{subnet.nic}
            --except-interface=lo --dhcp-range=set:{tag},{subnet.network},static,{subnet.netmask},{LEASE_SECONDS}s
            --dhcp-option-force=option:mtu,1450 --dhcp-lease-max=256 --domain=openstacklocal"""
        return self.start(*command.split(), hypervisor=True)

    # -- clients -------------------------------------------------------------------------------------

    def networkd(self) -> subprocess.Popen[bytes]:
        """systemd-networkd with DHCP on every NIC."""
        netif = self.debian.path("/run/systemd/netif")
        for folder in (netif, netif / "leases", netif / "links", netif / "lldp"):
            folder.mkdir(parents=True, exist_ok=True)
            os.chown(folder, 998, 998)
        for subnet in self.subnets:
            text = f"[Match]\nName={subnet.nic}\n[Network]\nDHCP=ipv4\nLinkLocalAddressing=no\nIPv6AcceptRA=no\n"
            self.debian.write(f"/run/systemd/network/10-{subnet.nic}.network", text)
        return self.start("/usr/lib/systemd/systemd-networkd")

    def network_manager(self, helper: str = "internal") -> subprocess.Popen[bytes]:
        """NetworkManager, and the D-Bus it needs; `helper` is its own DHCP client or dhclient."""
        self.debian.write("/etc/machine-id", "0123456789abcdef0123456789abcdef\n")
        self.debian.write(
            "/etc/NetworkManager/NetworkManager.conf", f"[main]\nplugins=keyfile\ndhcp={helper}\nauth-polkit=false\n"
        )
        for number, subnet in enumerate(self.subnets):
            text = (
                f"[connection]\nid={subnet.nic}\nuuid=00000000-0000-4000-8000-00000000000{number}\ntype=ethernet\n"
                f"interface-name={subnet.nic}\n[ipv4]\nmethod=auto\n[ipv6]\nmethod=disabled\n"
            )
            self.debian.write(f"/etc/NetworkManager/system-connections/{subnet.nic}.nmconnection", text, 0o600)
        self.start("dbus-daemon", "--system", "--nofork", "--nopidfile")
        self.wait(lambda: self.debian.path("/run/dbus/system_bus_socket").exists(), "D-Bus")
        return self.start("NetworkManager", "--no-daemon")

    def dhclient(self, subnet: Subnet) -> subprocess.Popen[bytes]:
        """ISC dhclient as ifupdown runs it."""
        nic = subnet.nic
        return self.start("dhclient", "-4", "-v", "-d", "-pf", f"/run/dhclient.{nic}.pid",
                          "-lf", f"/var/lib/dhcp/dhclient.{nic}.leases", nic)  # fmt: skip

    def dhcpcd(self, subnet: Subnet) -> subprocess.Popen[bytes]:
        """dhcpcd for one NIC."""
        return self.start("dhcpcd", "-4", "-B", "--noarp", subnet.nic)

    def udhcpc(self, subnet: Subnet, *options: str) -> subprocess.Popen[bytes]:
        """busybox udhcpc with Debian's script, or another."""
        return self.start("udhcpc", "-f", "-i", subnet.nic, *options)

    # -- processes -----------------------------------------------------------------------------------

    def start(self, *command: str, hypervisor: bool = False, **more: str) -> subprocess.Popen[bytes]:
        """A program of the Debian, in the instance or on the hypervisor; it ends with the test."""
        sandbox.assert_private()
        prefix = ["nsenter", "-t", str(self.lab._holder.pid), "-n"] if hypervisor else []
        environment = {"PATH": PATH, "LC_ALL": "C.UTF-8", "HOME": "/root", **more}
        log = os.open(self.debian.root.parent / f"log.{len(self._children)}", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        inside = ["unshare", "--uts", "--ipc", "--pid", "--kill-child", *LIMITS, "chroot", str(self.debian.root)]
        child = subprocess.Popen(
            [*prefix, *inside, *command],
            stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, env=environment, start_new_session=True,
        )  # fmt: skip
        os.close(log)
        self._children.append(child)
        return child

    def stop(self, child: subprocess.Popen[bytes]) -> None:
        """Ends one program, and all that it started: they have a process namespace of their own."""
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
        child.wait(20)
        self._children.remove(child)

    def logs(self) -> str:
        """What the programs said."""
        texts = [path.read_text(errors="replace") for path in sorted(self.debian.root.parent.glob("log.*"))]
        return "\n----\n".join(texts)

    def wait(self, done: Callable[[], object], what: str, seconds: float = 40) -> None:
        """Waits until something is so."""
        deadline = time.monotonic() + seconds
        while not done():
            assert time.monotonic() < deadline, f"{what} never came:\n{self.logs()}"
            time.sleep(0.05)

    def wait_for_addresses(self) -> None:
        """Waits until every NIC has its lease, and the table has come to rest."""
        self.wait(lambda: all(s.address in self.lab.ip("-4", "address") for s in self.subnets), "a lease")
        seen: Dict[str, float] = {}
        self.wait(
            lambda: time.monotonic() - seen.setdefault("\n".join(self.lab.routes()), time.monotonic()) > 1, "rest"
        )

    def close(self) -> None:
        """Ends everything."""
        for child in list(reversed(self._children)):
            self.stop(child)
        # The kernel ends what they had started a moment later.
        self.wait(self._closed, "the end of all programs")

    def _closed(self) -> bool:
        try:
            self.debian.close()
        except subprocess.CalledProcessError:
            return False
        return True
