"""The virtual machine: its disk from nothing, its boots, and what it reports at the end of each."""

from __future__ import annotations

import fcntl
import hashlib
import io
import json
import os
import re
import shutil
import socket
import subprocess
import tarfile
import time
from pathlib import Path
from typing import Callable, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from .hypervisor import PORTS, Port

HERE = Path(__file__).parent
TOP = HERE.parent.parent
CACHE = TOP / ".cache" / "e2e"
NOT_RUN_OF_CONTROL = r"^\./(control|md5sums)$"
NOT_RUN_OF_FILES = r"^\./usr/share/(doc|man)/|\.(egg|dist)-info(/|$)"
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


def build(suite: str, manager: str, package: Path) -> Disk:
    """A disk of that suite and manager with the package installed; the root folders are kept for the next time."""
    folder = CACHE / "roots" / suite
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        # Machines of one suite share the roots, and may be run at the same time.
        fcntl.flock(lock, fcntl.LOCK_EX)
        return _build(folder, suite, manager, package)


def _build(folder: Path, suite: str, manager: str, package: Path) -> Disk:
    base = _kept(suite, "base", folder / "base")
    root = _kept(suite, manager, folder / manager, base)
    image, kernel, initrd = (folder / f"{manager}.{kind}" for kind in ("ext4", "vmlinuz", "initrd"))
    stamp, recipe = folder / f"{manager}.installed.stamp", _recipe(package)
    if stamp.exists() and stamp.read_text() == recipe:
        return Disk(image, kernel, initrd)
    made = folder / f"{manager}.installed"
    shutil.rmtree(made, ignore_errors=True)
    subprocess.run(["cp", "-a", "--reflink=auto", root, made], check=True)
    shutil.copytree(HERE / "image", made, dirs_exist_ok=True)
    shutil.copy(HERE / "table.py", made / "usr/local/lib/e2e_table.py")
    wanted = made / "etc/systemd/system/multi-user.target.wants/e2e-report.service"
    wanted.symlink_to("/etc/systemd/system/e2e-report.service")
    shutil.copy(package, made / "root" / package.name)
    inside = 'mount -t proc proc "$1/proc" && exec chroot "$1" dpkg --install "/root/$2"'
    subprocess.run(
        ["unshare", "--mount", "--propagation", "private", "sh", "-c", inside, "sh", made, package.name],
        check=True, stdout=subprocess.DEVNULL, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"},
    )  # fmt: skip
    (made / "root" / package.name).unlink()
    image.unlink(missing_ok=True)
    with image.open("wb") as file:
        file.truncate(2 << 30)
    subprocess.run(["mkfs.ext4", "-q", "-d", made, image], check=True)
    shutil.copy(next((made / "boot").glob("vmlinuz-*")), kernel)
    shutil.copy(next((made / "boot").glob("initrd.img-*")), initrd)
    shutil.rmtree(made)
    stamp.write_text(recipe)
    return Disk(image, kernel, initrd)


def named(package: Path) -> str:
    """A .deb as results name it: by a checksum of what a machine runs of it.

    Not of the file: the time of the commit is in that, and pages that these machines' own results are written into.
    """
    found = hashlib.sha256()
    for part, left_out in (("--ctrl-tarfile", NOT_RUN_OF_CONTROL), ("--fsys-tarfile", NOT_RUN_OF_FILES)):
        unpacked = subprocess.run(["dpkg-deb", part, package], check=True, stdout=subprocess.PIPE).stdout
        with tarfile.open(fileobj=io.BytesIO(unpacked)) as archive:
            for member in sorted(archive.getmembers(), key=lambda one: one.name):
                if not re.search(left_out, member.name):
                    content = archive.extractfile(member) if member.isfile() else None
                    said = f"{member.name} {member.mode:o} {member.linkname}\0".encode()
                    found.update(said + (hashlib.sha256(content.read()).digest() if content else b""))
    return f"{package.name} (contents {found.hexdigest()[:12]})"


def _recipe(package: Path) -> str:
    """What a disk is made of beside its root folder, and that too."""
    recipe = hashlib.sha256(named(package).encode())
    for path in (HERE / "build-root", HERE / "table.py", *sorted((HERE / "image").rglob("*"))):
        if path.is_file():
            recipe.update(path.name.encode() + b"\0" + path.read_bytes())
    return recipe.hexdigest()


def _kept(suite: str, kind: str, folder: Path, base: Optional[Path] = None) -> Path:
    """The root folder of that kind, built anew when what it is built from has changed."""
    recipe = hashlib.sha256()
    recipe.update((HERE / "build-root").read_bytes())
    recipe.update(os.environ.get("KERNEL", "").encode())
    stamp = folder.with_name(f"{kind}.stamp")
    if stamp.exists() and stamp.read_text() == recipe.hexdigest() and folder.exists():
        return folder
    print(f"building {suite}, {kind}", flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    if base is not None:
        subprocess.run(["cp", "-a", "--reflink=auto", base, folder], check=True)
    subprocess.run([HERE / "build-root", suite, kind, folder], check=True)
    stamp.write_text(recipe.hexdigest())
    return folder


def overlay(image: Path, path: Path) -> Path:
    """A copy-on-write disk on the one that was never booted."""
    subprocess.run(
        ["qemu-img", "create", "-q", "-f", "qcow2", "-b", image, "-F", "raw", path], check=True
    )  # fmt: skip
    return path


def write_metadata(folder: Path, network_data: Path) -> Path:
    """An openstack/latest tree as Nova has it, and a disk labelled config-2 of it; the path of that disk."""
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


class Monitor:
    """QEMU's own control socket, as far as it is needed to attach and detach a NIC.

    Source: QEMU, docs/interop/qmp-spec.rst.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def attach(self, port: Port) -> None:
        """A NIC on the tap of that port."""
        tap = {"type": "tap", "id": port.name, "ifname": port.tap, "script": "no", "downscript": "no"}
        nic = {
            "driver": "virtio-net-pci",
            "netdev": port.name,
            "mac": port.mac,
            "id": f"nic-{port.name}",
            "romfile": "",
        }
        self._execute(("netdev_add", tap), ("device_add", nic))

    def detach(self, port: Port) -> None:
        """Asks the machine to let go of it."""
        self._execute(("device_del", {"id": f"nic-{port.name}"}))

    def _execute(self, *commands: Tuple[str, Dict[str, str]]) -> None:
        with socket.socket(socket.AF_UNIX) as one:
            one.connect(str(self._path))
            lines = one.makefile("rw")
            lines.readline()
            for name, arguments in (("qmp_capabilities", {}), *commands):
                lines.write(json.dumps({"execute": name, "arguments": arguments}) + "\n")
                lines.flush()
                answer = json.loads(lines.readline())
                while "event" in answer:
                    answer = json.loads(lines.readline())
                if "error" in answer:
                    raise RuntimeError(f"{name}: {answer['error']['desc']}")


def _run(command: List[str], console: Path, most_seconds: float, answers: Mapping[str, Callable[[], None]]) -> float:
    """Runs the machine until it has powered itself off, is stuck, or has had its time; the seconds that took.

    A line `e2e-asks: NAME` of its console is answered by calling that one of `answers`.
    """
    start = time.monotonic()
    console.unlink(missing_ok=True)
    answered: List[str] = []
    with subprocess.Popen(command) as machine:
        while machine.poll() is None:
            if time.monotonic() - start > most_seconds:
                print(f"not powered off after {most_seconds / 60:.0f} minutes; see {console}", flush=True)
                machine.kill()
            elif _lost(console):
                machine.kill()
            asked = re.findall(r"^e2e-asks: (\S+)", _text(console), re.MULTILINE)
            for name in asked[len(answered) :]:
                answered.append(name)
                if name in answers:
                    answers[name]()
            time.sleep(0.5)
    if machine.returncode > 0:
        raise subprocess.CalledProcessError(machine.returncode, command)
    return time.monotonic() - start


def _text(console: Path) -> str:
    return console.read_text(errors="replace") if console.exists() else ""


def _lost(console: Path) -> bool:
    """Whether the kernel has said that a processor was stuck for minutes, or that it gives up."""
    return re.search(r"soft lockup - CPU#\d+ stuck for [1-9]\d\ds!|Kernel panic - ", _text(console)) is not None


def boot(
    disk: Disk, root: Path, config_drive: Optional[Path], folder: Path, *kernel_options: str,
    minutes: float = 45, more_drives: Sequence[Path] = (),
    answers: Callable[[Monitor], Mapping[str, Callable[[], None]]] = lambda monitor: {},
) -> Boot:  # fmt: skip
    """Boots, waits until the machine powers itself off, and reads its report.

    `answers`: what is done when the machine asks for it, by the name it asks by.
    """
    console, answer, control = folder / "console.log", folder / "report.tar", folder / "qmp"
    with answer.open("wb") as file:
        file.truncate(64 << 20)
    append = [
        "root=/dev/vda", "rw", "console=ttyS0", "net.ifnames=0", "quiet", "mitigations=off", "random.trust_cpu=on",
        "panic=-1", "no_timer_check", *kernel_options,
    ]  # fmt: skip
    command: List[str] = [
        "nice", "-n", "10", "qemu-system-x86_64", "-nodefaults", "-display", "none", "-no-reboot",
        "-accel", os.environ.get("ACCEL", "tcg,thread=multi"), "-machine", "pc", "-m", "1024",
        "-smp", os.environ.get("CPUS", "2"), "-uuid", UUID, "-qmp", f"unix:{control},server=on,wait=off",
        "-smbios", "type=1,manufacturer=OpenStack Foundation,product=OpenStack Nova",
        "-kernel", str(disk.kernel), "-initrd", str(disk.initrd), "-append", " ".join(append),
        "-serial", f"file:{console}", "-device", "virtio-rng-pci",
        "-drive", f"file={root},if=virtio,format=qcow2,cache=unsafe",
        "-drive", f"file={answer},if=virtio,format=raw,cache=unsafe",
    ]  # fmt: skip
    for image in (*([config_drive] if config_drive else []), *more_drives):
        command += ["-drive", f"file={image},if=virtio,format=raw,readonly=on"]
    for number, port in enumerate(PORTS):
        command += ["-netdev", f"tap,id=n{number},ifname={port.tap},script=no,downscript=no"]
        command += ["-device", f"virtio-net-pci,netdev=n{number},mac={port.mac},romfile="]
    asked = answers(Monitor(control))
    seconds = _run(command, console, minutes * 60, asked)
    if _lost(console):
        # Seen once in thirty boots, before anything of ours: two emulated processors that wait for each other; and once
        # in fifteen a panic of Debian 13's kernel within two seconds.
        print(f"the emulated kernel is lost; once more, see {console}.lost", flush=True)
        shutil.copy(console, f"{console}.lost")
        seconds = _run(command, console, minutes * 60, asked)
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
