"""The config drive: a block device labelled config-2, mounted for a moment where nobody else sees it.

Source: Nova's documentation, "Config drives".
"""

from __future__ import annotations

import os

from ..model.document import Document, Provenance
from ..model.namedtuple import NamedTuple
from .document_file import LATEST, LIMIT_BYTES, META_DATA, NETWORK_DATA, File, about, age_of, document_from_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Sequence

    from .document_file import Tell

_READ_DRIVE = """
mount -o ro,nosuid,nodev,noexec "$1" "$2" || exit 42
cd "$2/$3" || exit 43
for name in "$4" "$5"; do
    stat -L -c "%n %s %Y" "$name" && head -c "$6" "$name"
done
"""
"""Each file as a line with its name, size and mtime, and then its bytes."""


def fetch(deadline_seconds: float, tell: Tell) -> Document | str:
    """The first device labelled config-2 that holds the document, or why there is none."""
    devices = _labelled_devices(deadline_seconds)
    if not devices:
        unseen = "" if os.geteuid() == 0 else " (only root can look into all of them)"
        return "no block device is labelled config-2" + unseen
    reasons: list[str] = []
    for device in devices:
        tell(f"reading config drive {device}")
        mounted = _mount_point(device)
        path = os.path.join(mounted, LATEST, NETWORK_DATA)
        provenance = Provenance("config-drive", device)
        by_path = mounted != ""
        got = document_from_file(path, provenance) if by_path else _read_drive(device, provenance, deadline_seconds)
        if isinstance(got, Document):
            return got
        reasons.append(got)
    return "; ".join(reasons)


def _labelled_devices(deadline_seconds: float) -> tuple[str, ...]:
    """In capitals is what vfat makes of the label."""
    links = [f"/dev/disk/by-label/{label}" for label in ("config-2", "CONFIG-2")]
    found = [os.path.realpath(link) for link in links if os.path.exists(link)]
    if found:
        return tuple(found)
    for label in ("config-2", "CONFIG-2"):
        # -c: the cache knows drives that were there once.
        ran = _run(["blkid", "-c", "/dev/null", "-t", f"LABEL={label}", "-o", "device"], deadline_seconds)
        if isinstance(ran, _Ran):
            found += sorted(os.fsdecode(line) for line in ran.output.splitlines())
    return tuple(found)


def _mount_point(device: str) -> str:
    """Where a device is mounted already, as a whole; "" when it isn't. Source: proc_pid_mountinfo(5)."""
    try:
        number = os.stat(device).st_rdev
        with open("/proc/self/mountinfo", "rb") as file:
            lines = [line.split() for line in file]
    except OSError:
        return ""
    wanted = b"%d:%d" % (os.major(number), os.minor(number))
    point = next((fields[4] for fields in lines if fields[2:4] == [wanted, b"/"]), b"")
    for character in b" \t\n\\":
        point = point.replace(b"\\%03o" % character, bytes((character,)))
    return os.fsdecode(point)


def _read_drive(device: str, provenance: Provenance, deadline_seconds: float) -> Document | str:
    """Mount the drive in a mount namespace that ends with the child, so that not even kill -9 leaves it mounted."""
    point = "/mnt" if os.path.isdir("/mnt") else "/tmp"  # noqa: S108  # hidden in the child's namespace only
    command = ["unshare", "--mount", "sh", "-c", _READ_DRIVE, "sh"]
    command += [device, point, LATEST, NETWORK_DATA, META_DATA, str(LIMIT_BYTES + 1)]
    ran = _run(command, deadline_seconds)
    if isinstance(ran, str):
        return f"cannot read {device}: {ran}"
    words = ran.words
    if ran.returncode == 43:
        return f"{device} has no {LATEST}"
    _, unknown, remaining = words.partition("unknown filesystem type '")
    if unknown:
        kind = remaining.partition("'")[0]
        return f"cannot mount {device}: this kernel has no driver for its filesystem type {kind} (modprobe {kind})"
    if ran.returncode == 42 or not ran.output:
        return f"cannot mount or read {device}: {words or 'exit code ' + str(ran.returncode)}"
    files = _drive_files(ran.output)
    got = files.get(NETWORK_DATA)
    if got is None:
        return f"{device} has no {LATEST}/{NETWORK_DATA}"
    if len(got.data) > LIMIT_BYTES:
        return f"{device}: more than {LIMIT_BYTES >> 20} MiB"
    meta = files.get(META_DATA)
    return Document(got.data, provenance, age_of(got.mtime), *about(meta.data if meta else b""))


def _drive_files(output: bytes) -> dict[str, File]:
    files: dict[str, File] = {}
    while output:
        line, _, output = output.partition(b"\n")
        name, size, mtime = line.decode().split(" ")
        length = min(int(size), LIMIT_BYTES + 1)
        if len(output) < length:
            break
        files[name] = File(output[:length], float(mtime))
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
