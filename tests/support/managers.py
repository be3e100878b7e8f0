"""The network managers of Debian 12, each really running on the lab's NICs, in a Debian of its own.

Made by tests/make-managers-chroot. What is started shares a process namespace that ends with `close`, so that a
daemon that goes into the background, or a client that a manager starts, goes too. /sys is read-only, which
networkd and NetworkManager take for a container: they don't wait for udev. Nothing starts by itself.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Callable, Dict, List, Optional

from . import debian, sandbox
from .debian import PATH, ROOT, Debian
from .lab import DATA, MACS, Lab

UUID = "8f2a6f5e-0000-4000-8000-000000000001"
PACKAGES = "/usr/lib/python3/dist-packages"
SEED = "/var/lib/cloud/seed/config_drive/openstack/latest"
RENDERERS = {"networkd": "networkd", "netplan": "netplan", "networkmanager": "network-manager", "ifupdown": "eni"}
"""The managers, and what cloud-init calls each."""
LIMITS = [word.replace(",-sys_ptrace", "") for word in debian.LIMITS]
"""A Debian's but for sys_ptrace: every process seen in there is its own, and doctor asks which programs they run."""
NETWORKD = "/lib/systemd/systemd-networkd"
ACTIVATOR = f"""
import os, socket
made = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
made.bind((1, 0x551))  # ListenNetlink=route 1361, by process 1
os.dup2(made.fileno(), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
os.execv("{NETWORKD}", ["systemd-networkd"])
"""
"""What systemd does for systemd-networkd.socket. Source: sd_listen_fds(3)."""


class Managers(Debian):
    """A Debian with the managers, and guest-routes in it.

    Args:
        suite: the folder of .cache that has it.
    """

    def __init__(self, lab: Lab, suite: str = "managers") -> None:
        super().__init__(suite)
        self.lab = lab
        self._logs: Dict[str, Path] = {}
        self._daemons: Dict[str, subprocess.Popen[bytes]] = {}
        # The first process of the namespace; the others end with it.
        self._first = subprocess.Popen(
            ["unshare", "--pid", "--fork", "--kill-child=KILL", "sleep", "infinity"], stderr=subprocess.DEVNULL
        )
        children = Path(f"/proc/{self._first.pid}/task/{self._first.pid}/children")
        wait_for(lambda: children.read_text().strip() != "", "the process namespace")
        self._init = int(children.read_text())
        self._enter = ["nsenter", "-t", str(self._init), "--pid"]
        subprocess.run([*self._enter, "mount", "-t", "proc", "proc", str(self.root / "proc")], check=True)
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / "guest_routes", self.path(f"{PACKAGES}/guest_routes"), ignore=ignored)
        shutil.copy(ROOT / "packaging/guest-routes", self.path("/usr/bin/guest-routes"))
        self.path("/usr/bin/guest-routes").chmod(0o755)

    # -- running -------------------------------------------------------------------------------------

    def command(self, *words: str) -> List[str]:
        """What runs these words in it."""
        sandbox.assert_private()
        return [*self._enter, "unshare", "--uts", "--ipc", *LIMITS, "chroot", str(self.root), *words]

    def run(
        self, *command: str, check: bool = True, timeout: float = 60, **more: str
    ) -> subprocess.CompletedProcess[str]:
        """Runs a command in it."""
        environment = {"PATH": PATH, "LC_ALL": "C.UTF-8", "HOME": "/root", **more}
        done = subprocess.run(
            self.command(*command), text=True, capture_output=True, env=environment, timeout=timeout,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
        assert not check or done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def start(self, name: str, *command: str, hypervisor: bool = False, **more: str) -> None:
        """Starts a daemon, in the foreground as far as it is concerned; its output goes to `said(name)`."""
        full = self.command(*command)
        if hypervisor:
            full = ["nsenter", "-t", str(self.lab._holder.pid), "-n", *full]
        self._logs[name] = self.root.parent / f"{name}.log"
        environment = {"PATH": PATH, "LC_ALL": "C.UTF-8", "HOME": "/root", **more}
        with open(self._logs[name], "ab") as log:
            self._daemons[name] = subprocess.Popen(
                full, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=environment
            )

    def stop(self, name: str) -> None:
        """Ends a daemon as its service manager would."""
        daemon = self._daemons.pop(name)
        for child in Path(f"/proc/{daemon.pid}/task/{daemon.pid}/children").read_text().split():
            os.kill(int(child), signal.SIGTERM)  # nsenter's child, which it waits for
        daemon.wait(20)

    def said(self, name: str) -> str:
        """All that a daemon has said."""
        return self._logs[name].read_text(errors="replace")

    def close(self) -> None:
        """Ends everything, and takes it away."""
        os.kill(self._init, signal.SIGKILL)  # Its parent has ended when all of them have.
        self._first.wait(20)
        for daemon in self._daemons.values():
            daemon.wait(20)
        subprocess.run(["umount", str(self.root / "proc")], check=True)
        super().close()

    # -- the managers --------------------------------------------------------------------------------

    def dbus(self) -> None:
        """The system's message bus, for networkctl and NetworkManager."""
        if "dbus" not in self._daemons:
            self.path("/run/dbus").mkdir(parents=True, exist_ok=True)
            self.run("dbus-uuidgen", "--ensure=/etc/machine-id")
            self.start("dbus", "dbus-daemon", "--system", "--nofork", "--nopidfile")
            wait_for(self.path("/run/dbus/system_bus_socket").exists, "dbus")

    def networkd(self, activated: bool = False) -> bool:
        """systemd-networkd; whether it came to configure every NIC.

        Args:
            activated: its socket is made by the first process, as systemd does (systemd-networkd.socket).
        """
        self.dbus()
        owner = ["--owner=systemd-network", "--group=systemd-network"]
        folders = [f"/run/systemd/netif{folder}" for folder in ("", "/links", "/leases", "/lldp")]
        self.run("install", "-d", *owner, *folders)
        command = ["python3", "-c", ACTIVATOR] if activated else [NETWORKD]
        self.start("networkd", *command, SYSTEMD_LOG_LEVEL="info", SYSTEMD_LOG_TARGET="console")
        return self.networkd_configured()

    def networkd_configured(self, seconds: float = 20) -> bool:
        """Waits until every NIC it manages is configured; whether that came. No router answers: that takes 12 s."""

        def configured() -> bool:
            states = set(self.networkd_states().values())
            return "configured" in states and states <= {"configured", "unmanaged"}

        deadline = time.monotonic() + seconds
        while not configured():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True

    def networkd_states(self) -> Dict[str, str]:
        """What `networkctl list` says of each NIC: configured, configuring, unmanaged, ..."""
        listed = self.run("networkctl", "--no-legend", "--no-pager", "list", check=False).stdout
        fields = [line.split() for line in listed.splitlines()]
        return {found[1]: found[4] for found in fields if len(found) > 4 and found[1] != "lo"}

    def networkmanager(self) -> None:
        """NetworkManager, until it has done its work."""
        self.dbus()
        self.write("/etc/NetworkManager/conf.d/test.conf", "[main]\nauth-polkit=root-only\ndhcp=internal\n")
        self.start("NetworkManager", "NetworkManager", "--debug", "--log-level=INFO")
        wait_for(lambda: self.run("nmcli", "general", check=False).returncode == 0, "NetworkManager")
        self.run("nm-online", "-s", "-t", "30", check=False)
        self.settled_networkmanager()

    def settled_networkmanager(self, seconds: float = 20) -> None:
        """Waits until no NIC is being connected any more."""

        def settled() -> bool:
            states = self.run("nmcli", "-g", "STATE", "device", check=False).stdout
            return bool(states) and "connecting" not in states

        wait_for(settled, "NetworkManager", seconds, self, "NetworkManager")

    def ifupdown(self) -> str:
        """`ifup --all`, as networking.service runs it; what it said."""
        self.path("/run/network").mkdir(parents=True, exist_ok=True)
        done = self.run("ifup", "--all", "--verbose", check=False)
        return done.stdout + done.stderr

    def netplan(self) -> str:
        """`netplan generate`, as systemd's generator runs it, then networkd; what netplan said.

        A NIC of a namespace has no permanent MAC address, which netplan matches by; its only one stands in for it.
        """
        done = self.run("netplan", "generate")
        for made in self.path("/run/systemd/network").glob("*.network"):
            made.write_text(made.read_text().replace("PermanentMACAddress=", "MACAddress="))
        self.networkd()
        return done.stdout + done.stderr

    def bring_up(self, manager: str) -> None:
        """Starts the manager of that name."""
        getattr(self, manager)()

    def dhcp_server(self, lists: str = "eth0") -> None:
        """dnsmasq on the hypervisor, as Neutron has it: a router and option 121 for each of the documented NICs.

        Args:
            lists: the NIC whose subnet lists the host route; eth0's is the wrong one.
        """
        options = []
        for nic, address, router in (("eth0", "10.65.0.7", "10.65.0.1"), ("eth1", "11.8.0.9", "11.8.0.1")):
            more = ",11.11.0.0/16,11.8.0.1" if nic == lists else ""
            options += [f"--dhcp-range=set:{nic},{address},{address},255.255.255.0,2m"]
            options += [f"--dhcp-option-force=tag:{nic},option:router,{router}"]
            options += [f"--dhcp-option-force=tag:{nic},option:classless-static-route,0.0.0.0/0,{router}{more}"]
        self.start(
            "dnsmasq", "dnsmasq", "--keep-in-foreground", "--port=0", "--bind-dynamic", "--conf-file=/dev/null",
            "--leasefile-ro", "--user=root", "--log-facility=-", "--pid-file=", "--interface=tap-*", *options,
            hypervisor=True,
        )  # fmt: skip
        wait_for(lambda: self.said("dnsmasq").count("DHCP, IP range") == 2, "dnsmasq", what=self, log="dnsmasq")

    def routers(self) -> None:
        """Both gateways announce themselves as IPv6 routers, each for its own subnet."""
        ranges = [f"--dhcp-range=::,constructor:tap-{nic},ra-only" for nic in ("eth0", "eth1")]
        self.start(
            "routers", "dnsmasq", "--keep-in-foreground", "--port=0", "--bind-dynamic", "--conf-file=/dev/null",
            "--leasefile-ro", "--user=root", "--log-facility=-", "--pid-file=", "--interface=tap-*", "--enable-ra",
            "--ra-param=*,4,600", *ranges, hypervisor=True,
        )  # fmt: skip
        wait_for(
            lambda: self.said("routers").count("router advertisement on") >= 2, "dnsmasq", what=self, log="routers"
        )

    # -- cloud-init ----------------------------------------------------------------------------------

    def render(self, document: str, manager: str) -> None:
        """What cloud-init's local stage makes of that document (by its name, or JSON text) for that manager."""
        text = document if document.startswith("{") else (DATA / f"{document}.network_data.json").read_text()
        self.write(f"{SEED}/meta_data.json", json.dumps({"uuid": UUID}))
        self.write(f"{SEED}/network_data.json", text)
        settings = {
            "datasource_list": ["ConfigDrive"],
            "system_info": {"network": {"renderers": [RENDERERS[manager]], "activators": []}},
        }
        self.write("/etc/cloud/cloud.cfg.d/99-test.cfg", json.dumps(settings))
        if manager == "networkmanager":
            self.write("/etc/NetworkManager/NetworkManager.conf", "[main]\nplugins=keyfile\n")
        self.run("cloud-init", "init", "--local")


def wait_for(
    there: Callable[[], object], name: str, seconds: float = 20, what: Optional[Managers] = None, log: str = ""
) -> None:
    """Waits until it is so; how long it may take is only a limit for when it never comes."""
    deadline = time.monotonic() + seconds
    while not there():
        if time.monotonic() > deadline:
            raise AssertionError(f"{name}: not within {seconds:g} s\n{what.said(log) if what else ''}")
        time.sleep(0.05)


def wait_same(look: Callable[[], object], wanted: object, name: str) -> None:
    """Waits until one sees what is wanted; a failure tells what was seen last."""
    deadline = time.monotonic() + 20
    seen = look()
    while seen != wanted:
        assert time.monotonic() < deadline, f"{name}: not within 20 s\nwanted: {wanted}\nseen last: {seen}"
        time.sleep(0.05)
        seen = look()


def bare_nics(lab: Lab) -> None:
    """eth0 and eth1 of the documented example as they are before any manager has run: down, and without addresses."""
    lab.nic("eth0", MACS[0], gateways=("10.65.0.1/24", "fd00:65::1/64"), up=False)
    lab.nic("eth1", MACS[1], gateways=("11.8.0.1/24", "fd00:8::1/64"), up=False)
    lab.hypervisor("ip", "address", "add", "11.11.3.4/32", "dev", "lo")
