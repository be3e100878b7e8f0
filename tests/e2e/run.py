"""Boots real virtual machines against a Calico-like hypervisor and a metadata server, and looks at what they did.

    python3 -m tests.e2e.run --package dist/guest-routes_0.1.0_all.deb --variants networkd --documents wrong-subnet

As root on Debian or Ubuntu. One machine at a time; all its networking is in namespaces made here. Each case is a
disk never booted before, and these boots: the first, a second, one with the metadata service down, one with
cloud-init's module instead of our units, and, on a disk of its own, a first one without either, which tells what we add
to the boot and what the table is without us. What each boot reported is kept
in .cache/e2e/runs; RESULTS.md beside this file is written from it.

From the environment: ACCEL=kvm where KVM works (software emulation, the default, takes two to five minutes a boot),
CPUS=2, KERNEL=cloud-amd64 or amd64, MIRROR=the Debian mirror that debootstrap is to use instead of apt's.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from tests.support import sandbox

from . import results
from .hypervisor import Hypervisor
from .machine import CACHE, HERE, TOP, VARIANTS, boot, build, overlay, write_metadata

DOCUMENTS = ("wrong-subnet", "documented")
WITHOUT_UNITS = tuple(f"systemd.mask={unit}" for unit in results.UNITS)
BOOTS = {
    "first": (),
    "reboot": ("e2e.more",),
    "metadata down": (),
    # The first is enough to see what the module does and costs; a drop-in can only replace the list.
    "module": ("cc:cloud_config_modules:%20[[guest_routes,always],runcmd]end_cc", *WITHOUT_UNITS),
    "without": WITHOUT_UNITS,
}
TOOLS = {
    "debootstrap": "debootstrap", "qemu-system-x86_64": "qemu-system-x86", "qemu-img": "qemu-utils",
    "genisoimage": "genisoimage", "mkfs.ext4": "e2fsprogs", "mkfs.vfat": "dosfstools", "mcopy": "mtools",
}  # fmt: skip


def main() -> int:
    """Builds, boots, judges; 0 when everything came out as it must."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--package", type=Path, required=True, help="the .deb to install")
    parser.add_argument("--variants", nargs="+", choices=VARIANTS, default=list(VARIANTS))
    parser.add_argument("--documents", nargs="+", choices=DOCUMENTS, default=list(DOCUMENTS))
    parser.add_argument("--boots", nargs="+", choices=list(BOOTS), default=list(BOOTS))
    parser.add_argument("--results", type=Path, default=HERE / "RESULTS.md")
    options = parser.parse_args()
    install_tools()
    disks = {variant: build(variant, options.package) for variant in options.variants}
    digest = hashlib.sha256(options.package.read_bytes()).hexdigest()
    installed = f"{options.package.name} (sha256 {digest[:12]})"
    sandbox.enter()
    cases = []
    for variant in options.variants:
        for document in options.documents:
            folder = CACHE / "runs" / variant / document
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            network_data = TOP / "tests" / "data" / f"{document}.network_data.json"
            drive = write_metadata(folder, network_data)
            root = overlay(disks[variant], folder / "root.qcow2")
            hypervisor = Hypervisor(folder / "requests.log")
            try:
                for name in options.boots:
                    own = folder / name.replace(" ", "-")
                    own.mkdir()
                    if name == "metadata down":
                        hypervisor.omission_reason()
                    else:
                        hypervisor.serve(network_data, folder / "drive/openstack/latest/meta_data.json")
                    hypervisor.forget()
                    if name == "without":
                        # What cloud-init has rendered on the other disk has been corrected there.
                        root.unlink()
                        root = overlay(disks[variant], folder / "root.qcow2")
                    booted = boot(disks[variant], root, drive, own, *BOOTS[name])
                    case = results.Case(
                        variant, document, name, booted.report, hypervisor.pings, hypervisor.requests(),
                        booted.seconds, installed,
                    )  # fmt: skip
                    case.save(own)
                    print(results.line(case), flush=True)
                    cases.append(case)
            finally:
                hypervisor.close()
            root.unlink()
    results.write(options.results, results.load(CACHE / "runs"))
    return 1 if any(results.faults(case) for case in cases) else 0


def install_tools() -> None:
    """Installs the programs this needs, with the tests' own script."""
    path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    missing = [package for program, package in TOOLS.items() if not shutil.which(program, path=path)]
    subprocess.run([TOP / "tests" / "install-tools", *missing], check=True)


if __name__ == "__main__":
    sys.exit(main())
