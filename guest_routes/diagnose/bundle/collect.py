"""What `report` collects: what our own commands, `ip` and the managers say, and the files that decide.

Nothing that fails ends it: an entry that can't be had says why.
"""

from __future__ import annotations

import os
import time

from ...model.namedtuple import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from io import FileIO
    from typing import Iterator, Sequence

COMMAND_SECONDS = 20
FILE_BYTES = 8 << 20
"""Of one file; what is longer is cut off."""
COMMANDS = (
    "uname -a", "ip -d link show", "ip -d address show", "ip -4 -d route show table all",
    "ip -6 -d route show table all", "ip -4 rule show", "ip -6 rule show", "ip -d nexthop show", "ip neighbour show",
    "networkctl --no-pager status --all", "nmcli --terse device show", "resolvectl status --no-pager",
    "systemctl --no-pager status guest-routes*", "systemctl --no-pager cat guest-routes*",
    "journalctl --no-pager --boot --lines 5000 --unit guest-routes*", "cloud-init status --long",
    "cloud-init --version",
)  # fmt: skip
FILES = (
    "/usr/lib/os-release", "/etc/guest-routes.yaml", "/etc/guest-routes.d/*", "/run/guest-routes/*",
    "/var/lib/guest-routes/*", "/var/lib/guest-routes/originals/**", "/var/lib/guest-routes/corrected/**",
    "/etc/cloud/cloud.cfg.d/*guest-routes*",
    "/etc/systemd/network/*", "/run/systemd/network/*", "/etc/systemd/network/*.d/*", "/etc/netplan/*",
    "/etc/network/interfaces", "/etc/network/interfaces.d/*", "/etc/NetworkManager/conf.d/*",
    "/etc/NetworkManager/system-connections/*", "/etc/iproute2/rt_protos.d/*", "/run/systemd/netif/leases/*",
    "/run/NetworkManager/devices/*", "/var/lib/NetworkManager/*lease*", "/var/lib/dhcp/*", "/var/lib/dhclient/*",
    "/var/lib/dhcpcd/*", "/run/cloud-init/.instance-id", "/proc/sys/net/ipv4/conf/*/rp_filter", "/proc/net/dev",
    "/var/log/guest-routes.log",
)  # fmt: skip
"""The metadata's own documents are in the last known good; user-data, which may hold secrets, is not looked at."""


class Entry(NamedTuple):
    """One file of the report."""

    name: str
    content: bytes
    failed: str = ""
    """Why there is nothing; "" where there is."""


def command_entries(commands: Sequence[str] = COMMANDS) -> Iterator[Entry]:
    """What each command writes; one that isn't installed is named."""
    import subprocess

    for command in commands:
        name = "commands/" + command.replace("--no-pager ", "").replace("/", "_").replace(" ", "_")
        try:
            ran = subprocess.run(
                command.split(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=COMMAND_SECONDS,
                env={**os.environ, "LC_ALL": "C.UTF-8"},
            )
        except FileNotFoundError:
            yield Entry(name, b"", "not installed")
        except (OSError, subprocess.TimeoutExpired) as error:
            yield Entry(name, b"", str(error))
        else:
            yield Entry(
                name, ran.stdout if ran.returncode == 0 else ran.stdout + b"\n(exit code %d)\n" % ran.returncode
            )


def file_entries(patterns: Sequence[str] = FILES) -> Iterator[Entry]:
    """The regular files that the patterns find, each under its own path."""
    from glob import glob

    for path in dict.fromkeys(path for pattern in patterns for path in sorted(glob(pattern, recursive=True))):
        if not os.path.isfile(path):
            continue
        name = "files" + path
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
            with open(descriptor, "rb", buffering=0) as file:
                # Piece by piece: a file of /proc/sys refuses to be read by 4 MiB at once.
                content = b"".join(_pieces(file))
        except OSError as error:
            yield Entry(name, b"", error.strerror or str(error))
            continue
        yield Entry(name, content[:FILE_BYTES] + b"\n(cut off)\n" if len(content) > FILE_BYTES else content)


def _pieces(file: FileIO) -> Iterator[bytes]:
    """The content, and a piece more than the limit where there is one."""
    size = 0
    while size <= FILE_BYTES and (piece := file.read(1 << 16)):
        yield piece
        size += len(piece)


def archive(entries: Sequence[Entry], folder: str) -> bytes:
    """The entries as one tar.gz, below one folder."""
    import gzip
    import io
    import tarfile

    buffer = io.BytesIO()
    with gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0) as packed, tarfile.open(fileobj=packed, mode="w") as tar:
        for entry in entries:
            about = tarfile.TarInfo(f"{folder}/{entry.name}")
            about.size, about.mtime, about.mode = len(entry.content), int(time.time()), 0o600
            tar.addfile(about, io.BytesIO(entry.content))
    return buffer.getvalue()
