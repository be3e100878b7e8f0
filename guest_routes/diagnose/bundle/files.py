"""Which files `report` copies: those that decide, and those that tell what others decided."""

from __future__ import annotations

from fnmatch import fnmatchcase

from .collect import Entry
from .opening import LeftOut, names_in, read_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, Iterator, Sequence, TypeAlias

Found: TypeAlias = "tuple[str, str]"
"""A path, and why it is not copied; "" where it is to be."""
FILE_BYTES = 8 << 20
"""Of one file; what is longer is cut off."""
ALL_BYTES = 32 << 20
"""Of all files together."""
DEPTH = 8
"""So many folders below each other are looked at for `**`."""
FILES = (
    "/usr/lib/os-release", "/etc/guest-routes.yaml", "/etc/guest-routes.d/*.yaml", "/run/guest-routes/*",
    "/var/lib/guest-routes/*", "/var/lib/guest-routes/originals/**", "/var/lib/guest-routes/corrected/**",
    "/etc/cloud/cloud.cfg.d/*guest-routes*.cfg", "/etc/systemd/network/*.network", "/etc/systemd/network/*.netdev",
    "/etc/systemd/network/*.link", "/etc/systemd/network/*.d/*.conf", "/run/systemd/network/*.network",
    "/run/systemd/network/*.netdev", "/run/systemd/network/*.link", "/run/systemd/network/*.d/*.conf",
    "/etc/netplan/*.yaml", "/etc/network/interfaces", "/etc/network/interfaces.d/*",
    "/etc/NetworkManager/conf.d/*.conf", "/etc/NetworkManager/system-connections/*", "/etc/iproute2/rt_protos.d/*.conf",
    "/run/cloud-init/.instance-id", "/proc/sys/net/ipv4/conf/*/rp_filter", "/proc/net/dev", "/var/log/guest-routes.log",
    "/var/lib/NetworkManager/*.lease", "/var/lib/dhcp/dhclient*.lease", "/var/lib/dhcp/dhclient*.leases",
    "/var/lib/dhclient/dhclient*.lease", "/var/lib/dhclient/dhclient*.leases", "/var/lib/dhcpcd/*.lease6",
    "/var/lib/dhcpcd5/*.lease6",
)  # fmt: skip
"""The metadata's own documents are in the last known good; user-data, which may hold secrets, is not looked at.

Where others keep more than that in the same folder (dhcpcd its secret, an administrator the keys that a .netdev names),
the files of a known kind. Beside these, whatever a pass reads leases from (leases/find.py).
"""
NAMED = (
    "/etc/guest-routes.d", "/etc/systemd/network", "/run/systemd/network", "/etc/netplan", "/etc/NetworkManager/conf.d",
    "/run/systemd/netif/leases", "/run/NetworkManager/devices", "/var/lib/dhcp", "/var/lib/dhclient", "/var/lib/dhcpcd",
    "/var/lib/dhcpcd5",
)  # fmt: skip
"""Folders of which a file that is no such one is named."""


def file_entries(patterns: Sequence[str] = FILES) -> Iterator[Entry]:
    """The files that the patterns find, and the leases, each under its own path, or why it is not copied."""
    seen: set[str] = set()
    size = 0
    for path, failed in _all_found(patterns):
        if path in seen:
            continue
        seen.add(path)
        try:
            content = b"" if failed or size >= ALL_BYTES else read_file(path, FILE_BYTES)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            continue
        except (OSError, LeftOut) as error:
            content, failed = b"", _reason(error)
        if size >= ALL_BYTES:
            failed = failed or f"left out: the files before it have {ALL_BYTES >> 20} MiB"
        size += len(content)
        content = content[:FILE_BYTES] + b"\n(cut off)\n" if len(content) > FILE_BYTES else content
        yield Entry(f"files{path}", content, failed)


def _all_found(patterns: Sequence[str]) -> Iterator[Found]:
    """What others can fill comes last, and what is in it and isn't known after that."""
    from ...leases.find import lease_files

    for pattern in patterns:
        yield from _expanded("", pattern.strip("/").split("/"))
    for folder, fits in lease_files():
        yield from _matching(folder, fits)
    for folder in NAMED:
        for path, failed in _matching(folder, lambda name: True):
            yield path, failed or "left out: no file of a known kind"


def _expanded(folder: str, parts: Sequence[str]) -> Iterator[Found]:
    part, below = parts[0], parts[1:]
    if part == "**":
        yield from _tree(folder, DEPTH)
    elif not below:
        yield from (
            _matching(folder, lambda name: fnmatchcase(name, part)) if "*" in part else ((f"{folder}/{part}", ""),)
        )
    elif "*" not in part:
        yield from _expanded(f"{folder}/{part}", below)
    else:
        for path, failed in _matching(folder, lambda name: fnmatchcase(name, part), folders=True):
            yield from ((path, failed),) if failed else _expanded(path, below)


def _tree(folder: str, depth: int) -> Iterator[Found]:
    yield from _matching(folder, lambda name: True)
    for path, failed in _matching(folder, lambda name: True, folders=True):
        if not failed:
            yield from _tree(path, depth - 1) if depth else ((path, "left out: too many folders above it"),)


def _matching(folder: str, fits: Callable[[str], bool], folders: bool = False) -> Iterator[Found]:
    """The files of a folder, or the folders, whose names fit; and the folder itself where it can't be looked at."""
    try:
        found = names_in(folder)
    except (FileNotFoundError, NotADirectoryError):
        return
    except (OSError, LeftOut) as error:
        yield folder, _reason(error)
        return
    yield from ((f"{folder}/{one.name}", "") for one in found.names if one.is_folder == folders and fits(one.name))
    if found.more:
        yield folder, f"has more names than are looked at: {len(found.names):,}"


def _reason(error: OSError | LeftOut) -> str:
    return str(error) if isinstance(error, LeftOut) else error.strerror or str(error)
