"""Which network managers run here, and which NIC each of them has, by what they themselves leave in /run.

Nobody is asked over D-Bus: this must work before, without and beside them.
"""

from __future__ import annotations

import os

from ..model.inspection import Holder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterator, Mapping, Sequence, TypeAlias

    from ..model.network import Nic

Profile: TypeAlias = "tuple[str, dict[str, str]]"
"""The path of a NetworkManager profile, and the keys of all its sections together."""
PROCESSES = {
    "systemd-network": "systemd-networkd",
    "NetworkManager": "NetworkManager",
    "dhclient": "dhclient",
    "dhcpcd": "dhcpcd",
    "udhcpc": "udhcpc",
    "connmand": "ConnMan",
    "wickedd": "wicked",
}
"""The kernel's name of a process, 15 characters at most, and what it is called."""


def holders(nics: Sequence[Nic], run: str = "/run", etc: str = "/etc") -> tuple[Holder, ...]:
    """Every manager's claim to every NIC.

    Source: systemd's src/network/networkd-state-file.c; NetworkManager's src/core/nm-config.c (device states);
    ifupdown's /run/network/ifstate, see ifup(8).
    """
    profiles = _profiles(f"{run}/NetworkManager/system-connections", f"{etc}/NetworkManager/system-connections")
    states = {line.partition("=")[0] for line in _lines(f"{run}/network/ifstate")} - {"lo"}
    found: list[Holder] = []
    for nic in nics:
        found += _networkd(nic, run)
        found += _network_manager(nic, run, profiles)
        if nic.name in states:
            found.append(Holder("ifupdown", nic.ifindex, "", ""))
    return tuple(found)


def _networkd(nic: Nic, run: str) -> Iterator[Holder]:
    keys = _assignments(f"{run}/systemd/netif/links/{nic.ifindex}")
    state = keys.get("ADMIN_STATE", "unmanaged")
    if state != "unmanaged":
        yield Holder("systemd-networkd", nic.ifindex, state, keys.get("NETWORK_FILE", ""))


def _network_manager(nic: Nic, run: str, profiles: Mapping[str, Profile]) -> Iterator[Holder]:
    keys = _assignments(f"{run}/NetworkManager/devices/{nic.ifindex}")
    uuid = keys.get("connection-uuid", "")
    path, profile = profiles.get(uuid, ("", {}))
    # What it finds configured by others it calls external, and leaves alone.
    if keys.get("managed") in ("1", "true") and uuid and profile.get("external") != "true":
        yield Holder("NetworkManager", nic.ifindex, "", path)


def network_files(nics: Sequence[Nic], run: str = "/run") -> dict[int, str]:
    """The .network file that systemd-networkd has applied to each NIC, by ifindex."""
    return {one.ifindex: one.file for one in holders(nics, run) if one.manager == "systemd-networkd" and one.file}


def running(proc: str = "/proc") -> tuple[str, ...]:
    """The managers and DHCP clients among this machine's processes, each once, by name."""
    return tuple(sorted({PROCESSES[name] for name in _processes(proc) if name in PROCESSES}))


def _processes(proc: str) -> Iterator[str]:
    for entry in os.listdir(proc):
        if entry.isdigit():
            yield "".join(_lines(f"{proc}/{entry}/comm"))


def _profiles(*folders: str) -> dict[str, Profile]:
    """NetworkManager's profiles that have a uuid, by it."""
    found: dict[str, Profile] = {}
    for folder in folders:
        try:
            names = sorted(os.listdir(folder))
        except OSError:
            continue  # There is no NetworkManager, or only root may look.
        for name in names:
            keys = _assignments(f"{folder}/{name}")
            if "uuid" in keys:
                found[keys["uuid"]] = (f"{folder}/{name}", keys)
    return found


def _assignments(path: str) -> dict[str, str]:
    return {key: value for key, _, value in (line.partition("=") for line in _lines(path)) if value}


def _lines(path: str) -> list[str]:
    """A file's lines; none where there is no such file: that manager isn't here, or that process has ended."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read().splitlines()
    except OSError:
        return []
