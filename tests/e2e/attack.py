"""Boots one virtual machine and attacks it from inside the process that asks the metadata service.

    python3 -m tests.e2e.attack --package dist/guest-routes_0.1.0_all.deb

As root on Debian or Ubuntu; a boot, two to five minutes under software emulation. The unit is the packaged one on a
real systemd; in place of the fetch it runs image/usr/local/lib/e2e-attacks. Each attack must be refused to the confined
process, and must succeed for root outside of it, else it proves nothing. ATTACKS.md beside this file is made of it.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, List, NamedTuple

from guest_routes.output.route_text import counted
from tests.support import sandbox

from .hypervisor import Hypervisor
from .machine import CACHE, HERE, TOP, boot, build, named, overlay, write_metadata
from .run import install_tools

METADATA = "ask the metadata service"
NOT_FOR_ROOT = ("connect to another machine", "connect to the gateway", "read DMI's uuid")
"""What may fail for root too: nobody listens there; this machine has no uuid of its own."""


def main() -> int:
    """Builds, boots, judges; 0 when every attack was refused."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--package", type=Path, required=True, help="the .deb to install")
    parser.add_argument("--results", type=Path, default=HERE / "ATTACKS.md")
    options = parser.parse_args()
    install_tools()
    disk = build("bookworm", "networkd", options.package)
    sandbox.enter()
    folder = CACHE / "attacks"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    network_data = TOP / "tests" / "data" / "documented.network_data.json"
    drive = write_metadata(folder, network_data)
    root = overlay(disk.image, folder / "root.qcow2")
    drives = hostile_drives(folder / "drives", folder / "drive")
    hypervisor = Hypervisor(folder / "requests.log")
    try:
        hypervisor.serve(network_data, folder / "drive/openstack/latest/meta_data.json")
        booted = boot(disk, root, drive, folder, "e2e.attacks", more_drives=[one.image for one in drives])
    finally:
        hypervisor.close()
    root.unlink()
    report = booted.report
    wrong = [*faults(report), *drive_faults(report, drives)]
    options.results.write_text(text(report, named(options.package), wrong, drives))
    for line in wrong:
        print(line)
    print(f"{len(wrong)} faults; {options.results}")
    return 1 if wrong else 0


class Drive(NamedTuple):
    """A config drive that is attached, and what must come of it."""

    what: str
    image: Path
    expected: str
    """A part of the reason; "" where the document is read."""


def hostile_drives(folder: Path, good: Path) -> List[Drive]:
    """Drives as Nova makes them, and as nobody should."""
    folder.mkdir()
    linked, behind = folder / "linked", folder / "behind"
    for one in (linked, behind):
        shutil.copytree(good, one)
    (linked / "openstack/latest/network_data.json").unlink()
    (linked / "openstack/latest/network_data.json").symlink_to("/proc/self/status")
    (behind / "openstack/latest").rename(behind / "openstack/real")
    (behind / "openstack/latest").symlink_to("real")
    vfat, ext4 = folder / "vfat", folder / "ext4"
    _run("mkfs.vfat", "-n", "config-2", "-C", vfat, "4096")
    _run("mcopy", "-i", vfat, "-s", good / "openstack", "::")
    _run("mkfs.ext4", "-q", "-L", "config-2", "-d", good, ext4, "4M")
    cut = folder / "cut"
    cut.write_bytes(_iso(good, folder / "whole").read_bytes()[:45_056])
    return [
        Drive("iso9660", _iso(good, folder / "iso"), ""),
        Drive("vfat", vfat, ""),
        Drive("ext4, labelled config-2", ext4, "its filesystem is ext4, and a config drive's is iso9660 or vfat"),
        Drive("network_data.json is a link", _iso(linked, folder / "linked.iso"), "is a link"),
        Drive("latest is a link", _iso(behind, folder / "behind.iso"), "is a link, or is behind one"),
        Drive("an iso9660 that is cut off", cut, "/dev/vd"),
    ]


def _iso(tree: Path, image: Path) -> Path:
    _run("genisoimage", "-quiet", "-V", "config-2", "-J", "-r", "-o", image, tree)
    return image


def _run(*command: str | Path) -> None:
    path = "/usr/sbin:/usr/bin:/sbin:/bin"
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env={"PATH": path, "MTOOLS_SKIP_CHECK": "1"})


def drive_faults(report: Dict[str, str], drives: List[Drive]) -> List[str]:
    """Drives of which something else came."""
    try:
        found = json.loads(report.get("drives.txt", ""))
    except ValueError:
        return [f"no drive was read: {report.get('drives.txt', 'no report')[-500:]}"]
    wrong = [f"{one.what}: a mount was left" for one, got in zip(drives, found) if got["left mounted"]]
    for one, got in zip(drives, found):
        read = got["read"]
        if isinstance(read, str) != bool(one.expected) or (one.expected and one.expected not in read):
            wrong.append(f"{one.what}: {read}")
    return wrong + ["not every drive was read"] * (len(found) != len(drives))


def faults(report: Dict[str, str]) -> List[str]:
    """What isn't as it must be."""
    if report.get("attacks.exit", "").strip() != "0":
        return [f"the attacks did not come to an end: {report.get('attacks.txt', 'no report')[-2000:]}"]
    found: Dict[str, Any] = json.loads(report["attacks.txt"])
    confined, outside = found["confined"], found["root outside"]
    wrong = [f"{name}: {got}" for name, got in confined.items() if str(got).startswith("SUCCEEDED")]
    wrong += [f"{name}: not tried" for name in outside if name not in confined]
    wrong += [
        f"{name}: {got} to root as well, so that it proves nothing"
        for name, got in outside.items()
        if str(got).startswith("refused") and name not in NOT_FOR_ROOT
    ]
    if confined.get(METADATA) != "connected":
        wrong.append(f"{METADATA}: {confined.get(METADATA)}")
    if found["victim was started"] or not found["the service still runs"]:
        wrong.append("the attacked machine is not as it was")
    if '"source": "http"' not in report.get("status.txt", "") and '"http"' not in report.get("status.txt", ""):
        wrong.append("the service itself had no answer through the unit")
    if report.get("removal.exit", "").strip() != "0":
        wrong.append(f"removal left something running: {report.get('removal.txt', '')[-500:]}")
    return wrong


def text(report: Dict[str, str], installed: str, wrong: List[str], drives: List[Drive]) -> str:
    """ATTACKS.md."""
    try:
        found: Dict[str, Any] = json.loads(report.get("attacks.txt", "{}"))
    except ValueError:
        found = {}
    unit, confined, outside = (found.get(name, {}) for name in ("unit", "confined", "root outside"))
    refused = sum(str(one).startswith("refused") for one in confined.values())
    rows = [
        f"| {name} | {got} | {unit.get(name, '')} | {outside.get(name, '')} |"
        for name, got in confined.items()
        if name != "status"
    ]
    lines = [
        "# What a process could do that is taken over while it asks the metadata service", "",
        "Written by `make e2e-attacks`; not by hand. A Debian 12 virtual machine with its own systemd, the package as",
        f"it is built: {installed}. In place of the fetch, guest-routes-fetch@.service",
        "ran each attack: after the process has confined itself, which is before its first packet, and as the unit",
        "alone permits it. Then root tried the same outside.", "",
        f"{refused} attacks refused to the confined process; {counted(len(wrong), 'fault')}.", "",
        "| attack | confined | by the unit alone | root, outside |", "| --- | --- | --- | --- |", *rows, "",
        "The confined process, as /proc/self/status has it:", "",
        *(f"    {line.expandtabs()}" for line in confined.get("status", [])), "",
    ]  # fmt: skip
    for name in ("guest-routes.service", "guest-routes-fetch@e2e.service"):
        shown = report.get(f"security-{name}.txt", "").strip().splitlines()
        level = shown[-1].rpartition("level for ")[2] if shown else f"{name}: not measured"
        lines.append(f"    {level.encode('ascii', 'ignore').decode().strip()}")
    lines += ["", "Config drives, each attached as a disk of its own; no mount was left unless it says so below:", ""]
    lines += ["| drive | what came of it |", "| --- | --- |"]
    for one, got in zip(drives, json.loads(report.get("drives.txt") or "[]")):
        read = got["read"]
        lines.append(f"| {one.what} | {read if isinstance(read, str) else 'read, with its uuid'} |")
    lines += ["", *(f"- {one}" for one in wrong)]
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    sys.exit(main())
