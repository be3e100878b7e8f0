"""Boots real virtual machines against a Calico-like hypervisor and a metadata server, and looks at what they did.

    python3 -m tests.e2e.run --package dist/guest-routes_0.1.0_all.deb --suites bookworm --managers networkd

As root on Debian or Ubuntu. The machines are those of plan.py, in its order; all their networking is in namespaces
made here. Each is a disk never booted before, and its boots: the first, at the end of which a NIC is attached and
detached and the network manager does it all again; a second; one with the metadata service down; one with cloud-init's
module instead of our units; and, on a disk of its own, a first one without either, which tells what the table is
without us. What each boot came to is kept in kept/ beside this file; RESULTS.md and the table of
docs/support.md are written from that after every boot, so that a run can be ended at any time. The next one leaves out
the boots that are kept of the same package, and begins with the machines that have none of any. The reports themselves
are in .cache/e2e/runs.

From the environment: ACCEL=kvm where KVM works (software emulation, the default, takes two to five minutes a boot),
CPUS=2, KERNEL=cloud-amd64 or amd64, MIRROR=the Debian mirror that debootstrap is to use instead of apt's.
"""

from __future__ import annotations

import argparse
import copy
import fcntl
import json
import multiprocessing
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Callable, Collection, Dict, List, Mapping, Sequence, Tuple

from tests.support import sandbox

from . import dhcp, matrix, record, results, supported
from .hypervisor import LATER, Hypervisor
from .machine import CACHE, HERE, TOP, Disk, Monitor, boot, build, named, overlay, write_metadata
from .plan import BOOTS, MACHINES, MANAGERS, NETWORKS, SUITES, Machine

RUNS = CACHE / "runs"
KEPT = HERE / "kept"
WITHOUT_UNITS = tuple(f"systemd.mask={unit}" for unit in results.UNITS)
TOOLS = {
    "debootstrap": "debootstrap", "qemu-system-x86_64": "qemu-system-x86", "qemu-img": "qemu-utils",
    "genisoimage": "genisoimage", "mkfs.ext4": "e2fsprogs", "mkfs.vfat": "dosfstools", "mcopy": "mtools",
}  # fmt: skip


def main() -> int:
    """Builds, boots, judges; 0 when everything came out as it must."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--package", type=Path, required=True, help="the .deb to install")
    parser.add_argument("--suites", nargs="+", choices=SUITES, default=list(SUITES))
    parser.add_argument("--managers", nargs="+", choices=MANAGERS, default=list(MANAGERS))
    parser.add_argument("--networks", nargs="+", choices=list(NETWORKS), default=list(NETWORKS))
    parser.add_argument("--boots", nargs="+", choices=BOOTS, default=list(BOOTS))
    parser.add_argument("--short", action="store_true", help="no NIC is attached, no manager told again")
    parser.add_argument("--jobs", type=int, default=2, help="machines at the same time")
    parser.add_argument("--results", type=Path, default=HERE / "RESULTS.md")
    options = parser.parse_args()
    chosen = [
        one
        for one in MACHINES
        if one.suite in options.suites and one.manager in options.managers and one.network in options.networks
    ]
    install_tools()
    RUNS.mkdir(parents=True, exist_ok=True)
    todo = [
        (one, boots, not options.short, options.package, options.results)
        for one, boots in left(chosen, options.boots, record.load(KEPT), named(options.package))
    ]
    # Each in a process of its own: its hypervisor is that process's network namespace.
    with multiprocessing.Pool(options.jobs, maxtasksperchild=1) as pool:
        faulty = sum(pool.imap_unordered(_run, todo, chunksize=1))
    return 1 if faulty else 0


def left(
    machines: Sequence[Machine], wanted: Collection[str], kept: record.Records, package: str
) -> List[Tuple[Machine, Tuple[str, ...]]]:
    """The wanted boots of each machine that are not kept of that package.

    First come the machines of which no boot is kept, then those of which one never ran, then the others. A boot that
    works on what the first one has left brings that one with it.
    """
    found: List[Tuple[int, Machine, Tuple[str, ...]]] = []
    for machine in machines:
        ran = {boot: kept[machine.name, boot].package for boot in machine.boots if (machine.name, boot) in kept}
        missing = {boot for boot in machine.boots if boot in wanted and ran.get(boot) != package}
        if missing - {"first", "without"}:
            missing.add("first")
        if missing:
            rank = 0 if not ran else 1 if missing - set(ran) else 2
            found.append((rank, machine, tuple(boot for boot in BOOTS if boot in missing)))
    return [(machine, boots) for _, machine, boots in sorted(found, key=lambda one: one[0])]


def _run(task: Tuple[Machine, Tuple[str, ...], bool, Path, Path]) -> int:
    """One machine's boots; how many were not as they must be. What ends them here ends no other machine's."""
    try:
        return _boots(*task)
    except (OSError, subprocess.SubprocessError, RuntimeError) as error:
        print(f"{task[0].name}: {error}", flush=True)
        return 1


def _boots(machine: Machine, boots: Tuple[str, ...], more: bool, package: Path, report: Path) -> int:
    disk = build(machine.suite, machine.manager, package)
    sandbox.enter()
    folder = RUNS / machine.name
    # What other boots showed, as "without", stays.
    others = [_folder(folder, name) for name in machine.boots if name not in boots]
    for path in folder.glob("*"):
        if path not in others:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    folder.mkdir(exist_ok=True)
    installed = named(package)
    faulty = 0
    cloud = Cloud(machine, disk, folder)
    try:
        for name in boots:
            case = cloud.boot(name, _kernel_options(machine, boots, name, more), installed)
            print(results.line(case), flush=True)
            faulty += bool(results.faults(case))
            _write(report)
    finally:
        cloud.close()
    return faulty


class Cloud:
    """One machine's hypervisor, metadata and disk."""

    def __init__(self, machine: Machine, disk: Disk, folder: Path) -> None:
        self._machine, self._folder, self._network = machine, folder, NETWORKS[machine.network]
        self._document = folder / "network_data.json"
        self._written = _with_dns((TOP / "tests" / "data" / f"{self._network.document}.network_data.json").read_text())
        self._document.write_text(self._written)
        self._drive = write_metadata(folder, self._document)
        # Another machine's run may build the disk anew: under this name it stays what it was.
        self._disk = disk._replace(image=folder / "never-booted.ext4")
        os.link(disk.image, self._disk.image)
        self._root = folder / "root.qcow2"
        self._pings: Dict[str, Dict[str, int]] = {}
        self._hypervisor = Hypervisor(folder / "requests.log", self._network)

    def close(self) -> None:
        """Ends the hypervisor; the disk goes with it."""
        self._hypervisor.close()
        self._root.unlink(missing_ok=True)
        self._disk.image.unlink()

    def boot(self, name: str, kernel_options: List[str], installed: str) -> results.Case:
        """One boot, and what it showed, which is kept."""
        own = _folder(self._folder, name)
        own.mkdir()
        if self._network.served and name != "metadata down":
            self._hypervisor.serve(self._document, self._folder / "drive/openstack/latest/meta_data.json")
        else:
            self._hypervisor.end_service()
        self._hypervisor.forget()
        self._pings = {}
        if name in ("first", "without"):
            # What cloud-init has rendered on the other disk has been corrected there.
            self._root.unlink(missing_ok=True)
            overlay(self._disk.image, self._root)
        drive = self._drive if self._network.drive else None
        booted = boot(self._disk, self._root, drive, own, *kernel_options, answers=self._answers)
        case = results.Case(
            self._machine.suite, self._machine.manager, self._machine.network, name, booted.report, self._pings,
            self._hypervisor.requests(), booted.seconds, installed, time.strftime("%Y-%m-%d"),
        )  # fmt: skip
        case.save(own)
        return case

    def _answers(self, monitor: Monitor) -> Mapping[str, Callable[[], None]]:
        """What the machine may ask for while it runs."""

        def count() -> None:
            self._pings = copy.deepcopy(self._hypervisor.pings)

        def attach() -> None:
            self._document.write_text(_with_eth2(self._written))
            monitor.attach(LATER)

        def detach() -> None:
            self._document.write_text(self._written)
            monitor.detach(LATER)

        return {"count": count, "attach": attach, "detach": detach}


def _folder(machine: Path, boot: str) -> Path:
    return machine / boot.replace(" ", "-")


def _kernel_options(machine: Machine, boots: Tuple[str, ...], name: str, more: bool) -> List[str]:
    network = NETWORKS[machine.network]
    options = [f"e2e.wanted={network.wanted}"]
    if network.option_121:
        options.append("e2e.dhcp")
    if name == "first" and machine == MACHINES[0]:
        options.append("e2e.source-routing")
    if name == "first" and more:
        options += ["e2e.attach", "e2e.manager"] if network.served else ["e2e.manager"]
    elif name == "reboot" and more and machine == MACHINES[0]:
        options.append("e2e.more")
    elif name == "module":
        options += ["e2e.module", *WITHOUT_UNITS]
    elif name == "without":
        options += WITHOUT_UNITS
    if boots[boots.index(name) + 1 :][:1] == ("module",):
        options.append("e2e.add-module")
    return options


def _with_dns(written: str) -> str:
    """The document with a DNS server in each network: netplan 1.2 has wait-online wait for one."""
    document = json.loads(written)
    for network in document["networks"]:
        network["services"] = network.get("services") or [{"type": "dns", "address": "192.0.2.2"}]
    return json.dumps(document)


def _with_eth2(written: str) -> str:
    """The document once a third port is attached, with a host route of its own."""
    document = json.loads(written)
    link = {"id": "tap-later", "type": "tap", "mtu": 1500, "ethernet_mac_address": LATER.mac}
    routes = [
        {"network": "0.0.0.0", "netmask": "0.0.0.0", "gateway": LATER.gateway},
        {"network": "11.12.0.0", "netmask": "255.255.0.0", "gateway": LATER.gateway},
    ]
    network: Dict[str, object] = {
        "id": "network-later", "type": "ipv4", "link": "tap-later", "ip_address": LATER.address,
        "netmask": "255.255.255.0", "routes": routes, "services": [],
        "network_id": "5f1ae54c-7b1e-4d7c-a3f5-6cfb1b8a9a11",
    }  # fmt: skip
    document["links"].append(link)
    document["networks"].append(network)
    return json.dumps(document)


def _write(report: Path) -> None:
    with (RUNS / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        record.keep(KEPT, results.load(RUNS))
        kept = record.load(KEPT)
        matrix.write(report, kept)
        supported.write(TOP / "docs" / "support.md", kept)


def install_tools() -> None:
    """Installs the programs this needs, with the tests' own script; the DHCP server is unpacked only."""
    path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    missing = [package for program, package in TOOLS.items() if not shutil.which(program, path=path)]
    subprocess.run([TOP / "tests" / "install-tools", *missing], check=True)
    dhcp.unpack()


if __name__ == "__main__":
    sys.exit(main())
