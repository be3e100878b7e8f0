"""The config drive: a block device labelled config-2, mounted for a moment where nobody else sees it.

Only iso9660 and vfat, which Nova makes: no image from outside reaches the kernel's drivers of other filesystems. No
link on a drive is followed. The file of a loop device must be root's (backing_file.py): else nothing is read of it, not
even its label, since such a file may be of a filesystem that never answers.
Source: Nova's documentation, "Config drives".
"""

from __future__ import annotations

import os

from ..json_codec import loads
from ..model.document import Document, NoDocument, Progress, Provenance
from ..model.namedtuple import NamedTuple
from ..model.network_data import NETWORK_DATA, Problem
from ..state.files import read_pseudo
from ..trusted import File
from .backing_file import untrusted_backing
from .document_file import LATEST, LIMIT_BYTES, META_DATA, about, age_of, read_below, too_many

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterator, Sequence

    from .document_file import Tell

FILESYSTEMS = ("iso9660", "vfat")
MOUNT_OPTIONS = "ro,nosuid,nodev,noexec"
LABELS = ("config-2", "CONFIG-2")
"""In capitals is what vfat makes of the label."""
SHOWN = 3
"""So many devices that are not looked into are named; a user may have made hundreds."""
_READ_DRIVE = """
mount -t "$1" -o "$7" "$2" "$3" || exit 42
cd "$3" || exit 43
for part in openstack latest; do
    [ -h "$part" ] && exit 44
    [ -d "$part" ] || exit 43
    cd "$part" || exit 43
done
[ -h "$4" ] && exit 44
for name in "$4" "$5"; do
    [ -f "$name" ] && ! [ -h "$name" ] && stat -c "%n %s %Y" "$name" && head -c "$6" "$name"
done
exit 0
"""
"""Each file as a line with its name, size and mtime, and then its bytes. The folders are those of LATEST."""


def fetch(deadline_seconds: float, tell: Tell, uuid: str = "") -> Document | NoDocument | str:
    """The first device labelled config-2 that holds the document, or why there is none.

    Args:
        uuid: this instance's, in lower case; "" when unknown. A drive of another one comes after the others.
    """
    unused: list[Problem] = []
    others: list[Document] = []
    devices = _Devices(deadline_seconds)
    for device in devices.labelled():
        tell(Progress("config-drive", device))
        got = _from_device(device, deadline_seconds)
        if isinstance(got, str):
            unused.append(Problem(device, f"not used as a config drive: {got}"))
        elif uuid and got.uuid and got.uuid.lower() != uuid:
            others.append(got._replace(expected_uuid=uuid))
        else:
            return got._replace(unused=(*unused, *map(others_drive, others)))
    if others:
        return others[0]._replace(unused=(*unused, *map(others_drive, others[1:])))
    if unused:
        return NoDocument("no-drive", problems=tuple(unused))
    unseen = "" if os.geteuid() == 0 else " (only root can look into all of them)"
    return f"no block device is labelled config-2{unseen}{devices.unasked()}"


def drives(deadline_seconds: float) -> Iterator[tuple[str, str]]:
    """The devices that may be read and aren't mounted yet, each with its filesystem: "/dev/sr0", "iso9660"."""
    for device in _Devices(deadline_seconds).labelled():
        found = _readable(device, deadline_seconds)
        if not isinstance(found, str) and not found[0]:
            yield device, found[1]


def others_drive(found: Document) -> Problem:
    """Why another instance's drive is not used."""
    theirs = ascii(found.uuid)[1:-1][:60]
    reason = f"it is instance {theirs}'s, and this is instance {found.expected_uuid}"
    return Problem(found.provenance.location, f"not used as a config drive: {reason}")


def _readable(device: str, deadline_seconds: float) -> tuple[str, str] | str:
    """Where a device that may be read is mounted, "" for nowhere, and its filesystem; or why it is not used."""
    backing = untrusted_backing(device)
    if backing is not None:
        return backing
    mounted, kind = _mount(device)
    kind = kind or _filesystem(device, deadline_seconds)
    if kind not in FILESYSTEMS:
        return f"its filesystem is {kind or 'unknown'}, and a config drive's is iso9660 or vfat"
    return mounted, kind


def _from_device(device: str, deadline_seconds: float) -> Document | str:
    """The document of one device, or why it is not used."""
    found = _readable(device, deadline_seconds)
    if isinstance(found, str):
        return found
    mounted, kind = found
    files = read_mounted(mounted) if mounted else read_drive(device, kind, deadline_seconds)
    if isinstance(files, str):
        return files
    for name, file in files.items():
        if excess := too_many(file.data):
            return f"its {name} has {excess}"
    data, meta = files[NETWORK_DATA], files.get(META_DATA)
    if not _is_json_object(data.data):
        return f"its {NETWORK_DATA} is no JSON object, or cut off ({len(data.data):,} bytes)"
    provenance = Provenance("config-drive", device)
    return Document(data.data, provenance, age_of(data.mtime), *about(meta.data if meta else b""))


def _is_json_object(data: bytes) -> bool:
    try:
        return isinstance(loads(data), dict)
    except (ValueError, RecursionError):
        return False


def _filesystem(device: str, deadline_seconds: float) -> str:
    """The type of a device's filesystem; "" when unknown."""
    return next((_tag(line, "TYPE") for line in _blkid([device], deadline_seconds)), "")


class _Devices:
    """The block devices of this machine."""

    def __init__(self, deadline_seconds: float) -> None:
        self._deadline_seconds = deadline_seconds
        self._untrusted: list[str] = []

    def labelled(self) -> Iterator[str]:
        """Those that udev names first, then all others: of several it names a single one, which may be a user's."""
        links = [f"/dev/disk/by-label/{label}" for label in LABELS]
        named = [os.path.realpath(link) for link in links if os.path.exists(link)]
        yield from named
        others = [device for device in _with_a_size() if device not in named]
        self._untrusted = [device for device in others if untrusted_backing(device) is not None]
        trusted = [device for device in others if device not in self._untrusted]
        lines = sorted(_blkid(trusted, self._deadline_seconds))
        for label in LABELS:
            yield from (line.partition(":")[0] for line in lines if _tag(line, "LABEL") == label)

    def unasked(self) -> str:
        """Behind the words that there is none: the devices whose label was not read."""
        if not self._untrusted:
            return ""
        more = f" and {len(self._untrusted) - SHOWN:,} more" if len(self._untrusted) > SHOWN else ""
        return f"; not looked into, since the file behind it is not root's: {', '.join(self._untrusted[:SHOWN])}{more}"


def _with_a_size(block: str = "/sys/class/block") -> Iterator[str]:
    """Every block device that has a size. Source: Linux, Documentation/ABI/stable/sysfs-block."""
    try:
        names = sorted(os.listdir(block))
    except OSError:
        return
    for name in names:
        device = "/dev/" + name.replace("!", "/")
        if read_pseudo(f"{block}/{name}/size").strip() not in (b"", b"0") and os.path.exists(device):
            yield device


def _blkid(devices: list[str], deadline_seconds: float) -> list[str]:
    """A line `DEVICE: TAG="VALUE" ...` for each device whose content is known.

    Only with arguments that serve for util-linux's and busybox's, which takes each for a device and passes over what is
    none. -c: the cache knows drives that were there once.
    """
    ran = _run(["blkid", "-c", "/dev/null", *devices], deadline_seconds) if devices else ""
    return [] if isinstance(ran, str) else ran.output.decode("utf-8", "replace").splitlines()


def _tag(line: str, name: str) -> str:
    """A tag's value in a line of blkid; util-linux writes a quote in a value as `\\"`."""
    return line.partition(f' {name}="')[2].partition('"')[0]


def _mount(device: str) -> tuple[str, str]:
    """Where a device is mounted already, as a whole, and as which filesystem; "" when it isn't.

    Source: proc_pid_mountinfo(5).
    """
    try:
        number = os.stat(device).st_rdev
        with open("/proc/self/mountinfo", "rb") as file:
            lines = [line.split() for line in file]
    except OSError:
        return "", ""
    wanted = b"%d:%d" % (os.major(number), os.minor(number))
    mount = next((fields for fields in lines if fields[2:4] == [wanted, b"/"]), [])
    if not mount:
        return "", ""
    point = mount[4]
    for character in b" \t\n\\":
        point = point.replace(b"\\%03o" % character, bytes((character,)))
    return os.fsdecode(point), mount[mount.index(b"-", 6) + 1].decode("ascii", "replace")


def read_mounted(folder: str) -> dict[str, File] | str:
    """The files of a drive that is mounted already, by their names, or why there are none."""
    found = {name: read_below(folder, f"{LATEST}/{name}") for name in (NETWORK_DATA, META_DATA)}
    data = found[NETWORK_DATA]
    return data if isinstance(data, str) else {name: one for name, one in found.items() if not isinstance(one, str)}


def read_drive(device: str, kind: str, deadline_seconds: float) -> dict[str, File] | str:
    """The files of a drive, by their names, or why there are none.

    It is mounted in a mount namespace that ends with the child, so that not even kill -9 leaves it mounted.

    Args:
        kind: the filesystem that it is mounted as, whatever is on it.
    """
    point = "/mnt" if os.path.isdir("/mnt") else "/tmp"  # noqa: S108  # hidden in the child's namespace only
    command = ["unshare", "--mount", "sh", "-c", _READ_DRIVE, "sh"]
    command += [kind, device, point, NETWORK_DATA, META_DATA, str(LIMIT_BYTES + 1), MOUNT_OPTIONS]
    ran = _run(command, deadline_seconds)
    if isinstance(ran, str):
        return f"cannot be read: {ran}"
    words = ran.words
    if ran.returncode == 43:
        return f"no {LATEST} on it"
    if ran.returncode == 44:
        return f"{LATEST}/{NETWORK_DATA} is a link, or is behind one, which is not followed"
    _, unknown, remaining = words.partition("unknown filesystem type '")
    if unknown:
        kind = remaining.partition("'")[0]
        return f"cannot be mounted: this kernel has no driver for its filesystem type {kind} (modprobe {kind})"
    if ran.returncode:
        return f"cannot be mounted or read: {words or 'exit code ' + str(ran.returncode)}"
    files = _drive_files(ran.output)
    got = files.get(NETWORK_DATA)
    if got is None:
        return f"no {LATEST}/{NETWORK_DATA} on it" + (f", or only a part: {words}" if words else "")
    return f"more than {LIMIT_BYTES >> 20} MiB" if len(got.data) > LIMIT_BYTES else files


def _drive_files(output: bytes) -> dict[str, File]:
    files: dict[str, File] = {}
    while output:
        line, _, output = output.partition(b"\n")
        try:
            name, size_text, mtime_text = line.decode("ascii").split(" ")
            size, mtime = int(size_text), float(int(mtime_text))
        except (ValueError, OverflowError):
            break  # A file that could not be read to its end is in front.
        length = min(size, LIMIT_BYTES + 1)
        if not 0 <= length <= len(output):
            break
        files[name] = File(output[:length], mtime)
        output = output[length:]
    return files


class _Ran(NamedTuple):
    returncode: int
    output: bytes
    words: str


def _run(command: Sequence[str], deadline_seconds: float) -> _Ran | str:
    """Run one of the system's tools; why it brought nothing. One that hangs on a dead device isn't waited for."""
    import signal
    import subprocess

    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}
    pipe, null = subprocess.PIPE, subprocess.DEVNULL
    try:
        child = subprocess.Popen(command, stdin=null, stdout=pipe, stderr=pipe, env=environment, start_new_session=True)
    except OSError as error:
        return f"{command[0]}: {error.strerror}"
    try:
        output, words = child.communicate(timeout=deadline_seconds)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        return f"{command[0]}: nothing came within {deadline_seconds:g} s"
    return _Ran(child.returncode, output, " ".join(words.decode("utf-8", "replace").split()))
