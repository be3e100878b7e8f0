"""The virtual machine: its disk from nothing, its boots, and what it reports at the end of each."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import tarfile
import time
from pathlib import Path
from typing import Dict, List, NamedTuple, Sequence

from .hypervisor import PORTS

HERE = Path(__file__).parent
TOP = HERE.parent.parent
CACHE = TOP / ".cache" / "e2e"
VARIANTS = ("networkd", "netplan", "NetworkManager", "ifupdown")
UUID = "6f1d2c3b-4a59-4e68-8877-665544332211"


class Disk(NamedTuple):
    """A root file system that was never booted, and what boots it."""

    image: Path
    kernel: Path
    initrd: Path


class Boot(NamedTuple):
    """One run of the machine, from power on to power off."""

    report: Dict[str, str]
    """What each file of the report says; see image/usr/local/lib/e2e-report."""
    console: Path
    seconds: float
    """From qemu's start to its end."""


def build(variant: str, package: Path) -> Disk:
    """A disk of that variant with the package installed; the root folders are kept for the next time."""
    CACHE.mkdir(parents=True, exist_ok=True)
    base = _kept("base", CACHE / "base")
    root = _kept(variant, CACHE / variant, base)
    made = CACHE / f"{variant}.installed"
    shutil.rmtree(made, ignore_errors=True)
    subprocess.run(["cp", "-a", "--reflink=auto", root, made], check=True)
    shutil.copytree(HERE / "image", made, dirs_exist_ok=True)
    wanted = made / "etc/systemd/system/multi-user.target.wants/e2e-report.service"
    wanted.symlink_to("/etc/systemd/system/e2e-report.service")
    shutil.copy(package, made / "root" / package.name)
    inside = 'mount -t proc proc "$1/proc" && exec chroot "$1" dpkg --install "/root/$2"'
    subprocess.run(
        ["unshare", "--mount", "--propagation", "private", "sh", "-c", inside, "sh", made, package.name],
        check=True, stdout=subprocess.DEVNULL, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"},
    )  # fmt: skip
    (made / "root" / package.name).unlink()
    image = CACHE / f"{variant}.ext4"
    image.unlink(missing_ok=True)
    with image.open("wb") as file:
        file.truncate(2 << 30)
    subprocess.run(["mkfs.ext4", "-q", "-d", made, image], check=True)
    kernel, initrd = CACHE / f"{variant}.vmlinuz", CACHE / f"{variant}.initrd"
    shutil.copy(next((made / "boot").glob("vmlinuz-*")), kernel)
    shutil.copy(next((made / "boot").glob("initrd.img-*")), initrd)
    shutil.rmtree(made)
    return Disk(image, kernel, initrd)


def _kept(kind: str, folder: Path, base: Path | None = None) -> Path:
    """The root folder of that kind, built anew when what it is built from has changed."""
    recipe = hashlib.sha256()
    recipe.update((HERE / "build-root").read_bytes())
    recipe.update(os.environ.get("KERNEL", "").encode())
    stamp = CACHE / f"{kind}.stamp"
    if stamp.exists() and stamp.read_text() == recipe.hexdigest() and folder.exists():
        return folder
    print(f"building the {kind} root", flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    if base is not None:
        subprocess.run(["cp", "-a", "--reflink=auto", base, folder], check=True)
    subprocess.run([HERE / "build-root", kind, folder], check=True)
    stamp.write_text(recipe.hexdigest())
    return folder


def overlay(disk: Disk, path: Path) -> Path:
    """A copy-on-write disk on the one that was never booted."""
    subprocess.run(
        ["qemu-img", "create", "-q", "-f", "qcow2", "-b", disk.image, "-F", "raw", path], check=True
    )  # fmt: skip
    return path


def write_metadata(folder: Path, network_data: Path) -> Path:
    """An openstack/latest tree as Nova has it, on a disk labelled config-2; the path of that disk."""
    latest = folder / "drive" / "openstack" / "latest"
    latest.mkdir(parents=True)
    shutil.copy(network_data, latest / "network_data.json")
    meta = {
        "uuid": UUID,
        "name": "e2e",
        "hostname": "e2e",
        "launch_index": 0,
        "availability_zone": "nova",
        "devices": [],
    }
    (latest / "meta_data.json").write_text(json.dumps(meta))
    image = folder / "config-2.iso"
    subprocess.run(["genisoimage", "-quiet", "-V", "config-2", "-J", "-r", "-o", image, folder / "drive"], check=True)
    return image


def _run(command: List[str], console: Path, most_seconds: float) -> float:
    """Runs the machine until it has powered itself off, is stuck, or has had its time; the seconds that took."""
    start = time.monotonic()
    with subprocess.Popen(command) as machine:
        while machine.poll() is None:
            if time.monotonic() - start > most_seconds:
                print(f"not powered off after {most_seconds / 60:.0f} minutes; see {console}", flush=True)
                machine.kill()
            elif _wedged(console):
                machine.kill()
            time.sleep(0.5)
    if machine.returncode > 0:
        raise subprocess.CalledProcessError(machine.returncode, command)
    return time.monotonic() - start


def _wedged(console: Path) -> bool:
    """Whether the kernel has said that a processor was stuck for minutes."""
    text = console.read_text(errors="replace") if console.exists() else ""
    return re.search(r"soft lockup - CPU#\d+ stuck for [1-9]\d\ds!", text) is not None


def boot(
    disk: Disk, root: Path, config_drive: Path, folder: Path, *kernel_options: str,
    minutes: float = 20, more_drives: Sequence[Path] = (),
) -> Boot:  # fmt: skip
    """Boots, waits until the machine powers itself off, and reads its report."""
    console, answer = folder / "console.log", folder / "report.tar"
    with answer.open("wb") as file:
        file.truncate(64 << 20)
    append = [
        "root=/dev/vda", "rw", "console=ttyS0", "net.ifnames=0", "quiet", "mitigations=off", "random.trust_cpu=on",
        "panic=-1", "no_timer_check", *kernel_options,
    ]  # fmt: skip
    command: List[str] = [
        "nice", "-n", "10", "qemu-system-x86_64", "-nodefaults", "-display", "none", "-no-reboot",
        "-accel", os.environ.get("ACCEL", "tcg,thread=multi"), "-machine", "pc", "-m", "1024",
        "-smp", os.environ.get("CPUS", "2"),
        "-smbios", "type=1,manufacturer=OpenStack Foundation,product=OpenStack Nova",
        "-kernel", str(disk.kernel), "-initrd", str(disk.initrd), "-append", " ".join(append),
        "-serial", f"file:{console}", "-device", "virtio-rng-pci",
        "-drive", f"file={root},if=virtio,format=qcow2,cache=unsafe",
        "-drive", f"file={answer},if=virtio,format=raw,cache=unsafe",
        "-drive", f"file={config_drive},if=virtio,format=raw,readonly=on",
    ]  # fmt: skip
    for image in more_drives:
        command += ["-drive", f"file={image},if=virtio,format=raw,readonly=on"]
    for number, port in enumerate(PORTS):
        command += ["-netdev", f"tap,id=n{number},ifname={port.tap},script=no,downscript=no"]
        command += ["-device", f"virtio-net-pci,netdev=n{number},mac={port.mac},romfile="]
    seconds = _run(command, console, minutes * 60)
    if _wedged(console):
        # Seen once in thirty boots, before anything of ours: two emulated processors that wait for each other.
        print(f"the emulator's processors are stuck; once more, see {console}.stuck", flush=True)
        shutil.copy(console, f"{console}.stuck")
        seconds = _run(command, console, minutes * 60)
    report: Dict[str, str] = {}
    try:
        with tarfile.open(answer) as archive:
            for member in archive.getmembers():
                content = archive.extractfile(member) if member.isfile() else None
                if content is not None:
                    report[Path(member.name).name] = content.read().decode(errors="replace")
    except tarfile.TarError as error:
        print(f"no report ({error}); see {console}", flush=True)
    for name, text in report.items():
        (folder / name).write_text(text)
    answer.unlink()
    return Boot(report, console, seconds)
