"""What `report` collects of what `ip` and the managers say, and the archive that is made of all entries.

Nothing that fails ends it: an entry that can't be had says why.
"""

from __future__ import annotations

import os
import time

from ...model.namedtuple import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterator, Sequence

COMMAND_SECONDS = 20
COMMANDS = (
    "uname -a", "ip -d link show", "ip -d address show", "ip -4 -d route show table all",
    "ip -6 -d route show table all", "ip -4 rule show", "ip -6 rule show", "ip -d nexthop show", "ip neighbour show",
    "networkctl --no-pager status --all", "nmcli --terse device show", "resolvectl status --no-pager",
    "systemctl --no-pager status guest-routes*", "systemctl --no-pager cat guest-routes*",
    "journalctl --no-pager --boot --lines 5000 --unit guest-routes*", "cloud-init status --long",
    "cloud-init --version",
)  # fmt: skip


class Entry(NamedTuple):
    """One file of the report."""

    name: str
    """With names as the system has them: what is no UTF-8 stands there as lone surrogates."""
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
