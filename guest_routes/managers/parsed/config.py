"""Routes as cloud-init has written them into a network manager's files: values, and the files' names. Pure.

What a file says is found line by line, and lines are moved or taken away whole: nothing is ever formatted anew. A file
that isn't as cloud-init writes it is left alone, with the reason.
"""

from __future__ import annotations

from ...model.configuration import ParsedConfig
from ...model.network import MAIN_TABLE, Nic

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, Sequence, TypeAlias

PATTERNS = {
    "systemd-networkd": (
        "/etc/systemd/network/10-cloud-init-*.network",
        "/run/systemd/network/10-cloud-init-*.network",
    ),
    "netplan": ("/etc/netplan/50-cloud-init.yaml",),
    "NetworkManager": ("/etc/NetworkManager/system-connections/cloud-init-*.nmconnection",),
    "ifupdown": (
        "/etc/network/interfaces",
        "/etc/network/interfaces.d/50-cloud-init",
        "/etc/network/interfaces.d/50-cloud-init.cfg",
    ),
    "sysconfig": tuple(f"/etc/sysconfig/network-scripts/{kind}-*" for kind in ("ifcfg", "route", "route6")),
    "wicked": ("/etc/sysconfig/network/ifcfg-*", "/etc/sysconfig/network/ifroute-*"),
}
"""Where cloud-init writes, by manager; sysconfig: EL's, which NetworkManager's ifcfg-rh or network-scripts reads.

Source: cloudinit/net/{networkd,netplan,network_manager,eni,sysconfig}.py and
cloudinit/distros/{rhel,opensuse,alpine}.py, 22.4 to 26.2.
"""
BEGINS = {"/etc/network/interfaces": "# This file is generated from information provided by the datasource."}
"""What a file of cloud-init's begins with whose name doesn't say so: but on Alpine it is the operator's."""
COMMON = {"sysconfig": ("/etc/sysconfig/network",)}
"""What says for all NICs how a manager takes these files, by manager; nobody changes it."""
CREATED = (
    "# Created by `guest-routes correct`: routes that cloud-init wrote for another NIC.\n",
    "# cloud-init does not rewrite this file; when its last route goes, it goes.\n",
)
"""What a file begins with that cloud-init has not written."""
FOREIGN = "cloud-init has not written it"
OTHER_NIC = "it is for no NIC that is there and that the document describes"

YES = ("1", "yes", "y", "true", "t", "on")
NO = ("0", "no", "n", "false", "f", "off")
"""Of what is on or off, in small letters, for every manager."""
VRF = "a VRF's"
"""A table that is not main, as in_main takes it, of a NIC that is a VRF's port."""

NicOf: TypeAlias = "Callable[[str, str], Nic | None]"
"""The NIC of the document with that MAC, else, where no MAC is given, with that name."""
Read: TypeAlias = "Callable[[str, tuple[str, ...], NicOf], ParsedConfig]"
"""Reads one file: its path and its lines with their ends."""
ReadAll: TypeAlias = "Callable[[Sequence[tuple[str, tuple[str, ...]]], NicOf], list[ParsedConfig]]"
"""Reads all files of a manager; those that can be made are among what it returns."""


def none_of_ours(reading: ParsedConfig, odd: str = OTHER_NIC) -> ParsedConfig:
    """The file left alone as one in which nothing is to be corrected."""
    return reading._replace(odd=odd, others=True)


def in_main(*tables: str) -> bool:
    """Whether a route is main's, by the first of these that names a table: its own words, then those of its NIC.

    Args:
        tables: numbers, or names as in rt_tables; "" and 0 name none.
    """
    numbers = (_number(table) for table in tables)
    return next((number for number in numbers if number), MAIN_TABLE) == MAIN_TABLE


def _number(table: str) -> int:
    """A table's number; -1 for a name of another one than main, 0 for none."""
    if table in ("", "main"):
        return MAIN_TABLE if table else 0
    try:
        return int(table, 0)
    except ValueError:
        return -1


def named_table(command: str) -> str:
    """The table that a route names in the words of `ip route`; "" where it names none."""
    words = command.split()
    return words[words.index("table") + 1] if "table" in words[:-1] else ""
