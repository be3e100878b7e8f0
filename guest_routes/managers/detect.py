"""Which network managers run here, and which NIC each of them has, by what they themselves leave in /run.

Nobody is asked over D-Bus: this must work before, without and beside them.
"""

from __future__ import annotations

from ..model.diagnosis.inspection import Holder
from ..state.processes import system_processes
from ..trusted import Client
from .files import ManagerFiles, names_in

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


def holders(nics: Sequence[Nic], files: ManagerFiles, run: str = "/run", etc: str = "/etc") -> tuple[Holder, ...]:
    """Every manager's claim to every NIC.

    Source: systemd's src/network/networkd-state-file.c; NetworkManager's src/core/nm-config.c (device states);
    ifupdown's /run/network/ifstate, see ifup(8).
    """
    profiles = _profiles(files, f"{run}/NetworkManager/system-connections", f"{etc}/NetworkManager/system-connections")
    states = {line.partition("=")[0] for line in files.lines(f"{run}/network/ifstate")} - {"lo"}
    found: list[Holder] = []
    for nic in nics:
        found += _networkd(nic, files, run)
        found += _network_manager(nic, files, run, profiles)
        if nic.name in states:
            found.append(Holder("ifupdown", nic.ifindex, "", ""))
    return tuple(found)


def _networkd(nic: Nic, files: ManagerFiles, run: str) -> Iterator[Holder]:
    own = Client(f"{run}/systemd/netif", "systemd-networkd")
    keys = files.assignments(f"{run}/systemd/netif/links/{nic.ifindex}", own)
    state = keys.get("ADMIN_STATE", "unmanaged")
    if state != "unmanaged":
        yield Holder("systemd-networkd", nic.ifindex, state, keys.get("NETWORK_FILE", ""))


def _network_manager(nic: Nic, files: ManagerFiles, run: str, profiles: Mapping[str, Profile]) -> Iterator[Holder]:
    keys = files.assignments(f"{run}/NetworkManager/devices/{nic.ifindex}")
    uuid = keys.get("connection-uuid", "")
    path, profile = profiles.get(uuid, ("", {}))
    # What it finds configured by others it calls external, and leaves alone.
    if keys.get("managed") in ("1", "true") and uuid and profile.get("external") != "true":
        yield Holder("NetworkManager", nic.ifindex, "", path)


def network_files(nics: Sequence[Nic], files: ManagerFiles, run: str = "/run") -> dict[int, str]:
    """The .network file that systemd-networkd has applied to each NIC, by ifindex."""
    held = holders(nics, files, run)
    return {one.ifindex: one.file for one in held if one.manager == "systemd-networkd" and one.file}


def running(proc: str = "/proc") -> tuple[str, ...]:
    """The managers and DHCP clients among the processes of this machine's system users, each once, by name."""
    return tuple(sorted({PROCESSES[name] for _, name in system_processes(proc, PROCESSES)}))


def _profiles(files: ManagerFiles, *folders: str) -> dict[str, Profile]:
    """NetworkManager's profiles that have a uuid, by it."""
    found: dict[str, Profile] = {}
    for folder in folders:
        for name in names_in(folder):
            if name.startswith("."):
                continue  # NetworkManager doesn't read it either.
            keys = files.assignments(f"{folder}/{name}")
            if "uuid" in keys:
                found[keys["uuid"]] = (f"{folder}/{name}", keys)
    return found
