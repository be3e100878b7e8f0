"""Which network managers run here, and which NIC each of them has, by what they themselves leave in /run.

Nobody is asked over D-Bus: this must work before, without and beside them.
"""

from __future__ import annotations

import os

from ..model.inspection import Holder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterator, Sequence

    from ..model.network import Nic

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
    found: list[Holder] = []
    states = _lines(f"{run}/network/ifstate")
    profiles = _profiles(f"{run}/NetworkManager/system-connections", f"{etc}/NetworkManager/system-connections")
    for nic in nics:
        networkd = _assignments(f"{run}/systemd/netif/links/{nic.ifindex}")
        if networkd.get("ADMIN_STATE", "unmanaged") != "unmanaged":
            file = networkd.get("NETWORK_FILE", "")
            found.append(Holder("systemd-networkd", nic.ifindex, networkd["ADMIN_STATE"], file))
        manager = _assignments(f"{run}/NetworkManager/devices/{nic.ifindex}")
        uuid = manager.get("connection-uuid", "")
        if manager.get("managed") in ("1", "true") and uuid:
            path, profile = profiles.get(uuid, ("", {}))
            # What it finds configured by others it calls external, and leaves alone.
            if profile.get("external") != "true":
                found.append(Holder("NetworkManager", nic.ifindex, "", path))
        if nic.name != "lo" and any(line.partition("=")[0] == nic.name for line in states):
            found.append(Holder("ifupdown", nic.ifindex, "", ""))
    return tuple(found)


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


def _profiles(*folders: str) -> dict[str, tuple[str, dict[str, str]]]:
    """NetworkManager's profiles that have a uuid, by it: path, and the keys of all sections together."""
    found: dict[str, tuple[str, dict[str, str]]] = {}
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
