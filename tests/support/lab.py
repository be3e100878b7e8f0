"""An instance and its hypervisor in namespaces: veth NICs, gateways, a remote host, a metadata server.

The test process itself stands in the instance's network namespace (a fresh one for each test). The
hypervisor's side is a second namespace: it holds every gateway address, 169.254.169.254, fe80::a9fe:a9fe on
each tap, and the documented remote host 11.11.3.4.
"""

from __future__ import annotations

import glob
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Dict, Iterator, List, Optional, Set, Tuple

from guest_routes.managers.parsed.config import PATTERNS

from . import sandbox

DATA = Path(__file__).parent.parent / "data"
SERVER = Path(__file__).parent / "metadata_server.py"
STATE_PATHS = ("/run/guest-routes", "/var/lib/guest-routes", "/etc/guest-routes.d", "/run/cloud-init")
LEASE_PATHS = (
    "/run/systemd/netif/leases", "/run/NetworkManager/devices", "/run/cloud-init/tmp", "/var/lib/NetworkManager",
    "/var/lib/dhcp", "/var/lib/dhclient", "/var/lib/dhcpcd", "/var/lib/dhcpcd5",
)  # fmt: skip
"""Where DHCP clients keep their leases: those of the machine itself and of earlier tests are not this instance's."""
MACS = ("fa:16:3e:00:00:01", "fa:16:3e:00:00:02", "fa:16:3e:00:00:03")


def document(name: str) -> Path:
    """A network_data.json made by Nova, by the name of its case."""
    return DATA / f"{name}.network_data.json"


def clean_machine() -> None:
    """Takes away what earlier tests have left: settings, state, leases, and what cloud-init renders."""
    sandbox.assert_private()
    for path in (*STATE_PATHS, *LEASE_PATHS):
        shutil.rmtree(path, ignore_errors=True)
    rendered = [path for patterns in PATTERNS.values() for pattern in patterns for path in glob.glob(pattern)]
    for path in ("/etc/guest-routes.yaml", *rendered):
        Path(path).unlink(missing_ok=True)


def _address(address: str, device: str) -> str:
    """For `ip -batch`."""
    return f"address add {address} dev {device}" + " nodad" * (":" in address)


def _output(command: List[str], given: str) -> str:
    return subprocess.run(command, check=True, text=True, capture_output=True, input=given).stdout


class Lab:
    """One instance; everything in it ends with `close`."""

    def __init__(self) -> None:
        sandbox.fresh_netns()
        clean_machine()
        self._children: List[subprocess.Popen[bytes]] = []
        self._holder = self.namespace()
        lines = ["link set lo up", "address add 169.254.169.254/32 dev lo"]
        self.hypervisor("ip", "-batch", "-", given="\n".join(lines))
        forwarding = ("net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")
        self.hypervisor("sysctl", "-qw", *forwarding, "net.ipv6.conf.default.accept_dad=0")

    # -- building ------------------------------------------------------------------------------------

    def nic(self, name: str, mac: str, *addresses: str, gateways: tuple[str, ...] = (), up: bool = True) -> None:
        """A NIC with its addresses, and a tap on the hypervisor with the gateways' addresses (with length)."""
        tap = f"tap-{name}"
        self.ip(
            "link", "add", name, "address", mac, "type", "veth", "peer", "name", tap, "netns", str(self._holder.pid)
        )
        Path(f"/proc/sys/net/ipv6/conf/{name}/accept_dad").write_text("0")
        lines = [_address(gateway, tap) for gateway in (*gateways, "fe80::a9fe:a9fe/64")]
        self.hypervisor("ip", "-batch", "-", given="\n".join([*lines, f"link set {tap} up"]))
        self.ip("-batch", "-", given="\n".join(_address(address, name) for address in addresses))
        if up:
            self.up(name)

    def up(self, name: str) -> None:
        """Sets a device up; it has a carrier then."""
        self.ip("link", "set", name, "up")
        deadline = time.monotonic() + 5
        while "state UP" not in self.ip("link", "show", name):
            assert time.monotonic() < deadline, f"{name} has no carrier"
            time.sleep(0.005)

    def documented_nics(self) -> None:
        """eth0 and eth1 of the documented example, both defaults as cloud-init writes them."""
        self.nic("eth0", MACS[0], "10.65.0.7/24", gateways=("10.65.0.1/24",))
        self.nic("eth1", MACS[1], "11.8.0.9/24", gateways=("11.8.0.1/24",))
        self.hypervisor("ip", "address", "add", "11.11.3.4/32", "dev", "lo")

    def namespace(self) -> subprocess.Popen[bytes]:
        """One more network namespace: the process that holds it, which ends with the lab."""
        holder = self._start("unshare", "-n", "sleep", "3600")
        own = os.stat("/proc/self/ns/net").st_ino
        while os.stat(f"/proc/{holder.pid}/ns/net").st_ino == own:
            time.sleep(0.001)
        return holder

    # -- running -------------------------------------------------------------------------------------

    def ip(self, *arguments: str, given: str = "") -> str:
        """Runs `ip` in the instance; its output."""
        sandbox.assert_private()
        return _output(["ip", *arguments], given)

    def hypervisor(self, *command: str, given: str = "") -> str:
        """Runs a command in the hypervisor's namespace; its output."""
        return _output(["nsenter", "-t", str(self._holder.pid), "-n", *command], given)

    def routes(self, family: int = 4, table: str = "main") -> List[str]:
        """The instance's table as `ip route` prints it."""
        return [line.rstrip() for line in self.ip(f"-{family}", "route", "show", "table", table).splitlines()]

    def run(
        self,
        *arguments: str,
        stdin: Optional[str] = None,
        environment: Optional[Dict[str, str]] = None,
        timeout: float = 60,
    ) -> subprocess.CompletedProcess[str]:
        """Runs the `guest-routes` command in the instance."""
        sandbox.assert_private()
        return subprocess.run(
            [sys.executable, "-m", "guest_routes", *arguments],
            text=True, capture_output=True, input=stdin, env=environment, timeout=timeout,
        )  # fmt: skip

    def metadata_server(self, network_data: Optional[Path] = None, *options: str) -> subprocess.Popen[bytes]:
        """Starts the metadata service on the hypervisor, answering with that document; see metadata_server.py."""
        arguments = ["--network-data", str(network_data)] if network_data else []
        return self.serve(sys.executable, str(SERVER), *arguments, *options)

    def serve(self, *command: str) -> subprocess.Popen[bytes]:
        """Starts a server on the hypervisor; it has printed "ready"."""
        server = self._start("nsenter", "-t", str(self._holder.pid), "-n", *command, pipe=True)
        assert server.stdout is not None
        assert server.stdout.readline() == b"ready\n", f"{command[1]} didn't start"
        return server

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        """Starts a command in the instance, with a pipe to its output."""
        return self._start(*command, pipe=True)

    def stop(self, child: subprocess.Popen[bytes]) -> None:
        """Ends one process that this lab started."""
        child.send_signal(signal.SIGKILL)
        child.wait()
        if child.stdout is not None:
            child.stdout.close()
        self._children.remove(child)

    def close(self) -> None:
        """Ends what was started; the namespaces go with it.

        Raises:
            AssertionError: a process is left in one of them; it would go on writing this instance's files.
        """
        # Held open: the number of a namespace that has gone is given to the next one, which may be another lab's.
        held = [os.open(f"/proc/{pid}/ns/net", os.O_RDONLY) for pid in (os.getpid(), self._holder.pid)]
        try:
            self._end({os.fstat(one).st_ino for one in held})
        finally:
            for one in held:
                os.close(one)

    def _end(self, namespaces: Set[int]) -> None:
        for child in list(self._children):
            self.stop(child)
        deadline = time.monotonic() + 5
        while left := {pid: words for pid, words in _processes_in(namespaces) if pid != os.getpid()}:
            if time.monotonic() > deadline:  # Those whose parent was killed end a moment later.
                for pid in left:
                    os.kill(pid, signal.SIGKILL)
                raise AssertionError(f"the test has left these processes behind: {left}")
            time.sleep(0.01)

    def _start(self, *command: str, pipe: bool = False) -> subprocess.Popen[bytes]:
        child = subprocess.Popen(command, stdout=subprocess.PIPE if pipe else subprocess.DEVNULL)
        self._children.append(child)
        return child


def _processes_in(namespaces: Set[int]) -> Iterator[Tuple[int, str]]:
    """Processes in these network namespaces, and their command lines; those that end meanwhile are left out."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if os.stat(process / "ns/net").st_ino in namespaces:
                words = (process / "cmdline").read_text().replace("\0", " ").strip()
                if words:  # Else it has ended and waits for its parent.
                    yield int(process.name), words
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue


def write_document(path: Path, value: object) -> Path:
    """Writes a JSON document; its path."""
    path.write_text(json.dumps(value))
    return path
