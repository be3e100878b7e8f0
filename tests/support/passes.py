"""What the tests of whole passes share: the documented table, a watch on the kernel, and the schemas."""

from __future__ import annotations

import json
import socket
import struct
import subprocess
from pathlib import Path
from typing import Any, List, NamedTuple

from . import sandbox
from .lab import Lab

SCHEMAS = Path(__file__).parents[2] / "docs" / "schema"
SO_RCVBUFFORCE = 33
GATEWAYS = {"eth0": "10.65.0.1", "eth1": "11.8.0.1"}
CONNECTED = [
    "10.65.0.0/24 dev eth0 proto kernel scope link src 10.65.0.7",
    "11.8.0.0/24 dev eth1 proto kernel scope link src 11.8.0.9",
]
HOST_ROUTE = "11.11.0.0/16 via 11.8.0.1 dev eth1 proto 121"
DOCUMENTED = ["default via 10.65.0.1 dev eth0 proto static", *CONNECTED, HOST_ROUTE]
"""The documented example's table, where eth0's default was there already."""


def documented(lab: Lab, defaults: str = "eth0 eth1") -> List[str]:
    """The documented NICs, with these NICs' defaults as cloud-init and networkd leave them; the table."""
    lab.documented_nics()
    for nic in defaults.split():
        lab.ip("route", "append", "default", "via", GATEWAYS[nic], "dev", nic, "proto", "static")
    return table(lab)


def table(lab: Lab, family: int = 4) -> List[str]:
    """The main table, our protocol as a number whether or not it has a name here; IPv6's own housekeeping left out."""
    lines = [line.replace("proto guest-routes", "proto 121") for line in lab.routes(family)]
    return [line for line in lines if not line.startswith(("fe80:", "ff00:", "multicast"))]


class Ran(NamedTuple):
    """What came of a command, its output unfolded so that a sentence can be looked for."""

    code: int
    out: str
    err: str


def run(lab: Lab, command: str, **options: Any) -> Ran:
    """Runs `guest-routes` with these words."""
    return unfolded(lab.run(*command.split(), **options))


def unfolded(ran: subprocess.CompletedProcess[str]) -> Ran:
    """The output without line breaks."""
    assert "Traceback" not in ran.stderr, ran.stderr
    return Ran(ran.returncode, " ".join(ran.stdout.split()), " ".join(ran.stderr.split()))


def after_a_pass(planned: str) -> str:
    """What `plan` says of a route that isn't programmed yet, as the pass says it that has programmed it."""
    return planned.replace("not programmed yet, and", "programmed, but")


def valid_json(command: str, ran: subprocess.CompletedProcess[str]) -> Any:
    """The one JSON document on standard output, which fits the command's published schema and the exit code."""
    import jsonschema

    value = json.loads(ran.stdout)
    jsonschema.Draft202012Validator(json.loads((SCHEMAS / f"{command}.json").read_text())).validate(value)
    assert value["exit_code"] == ran.returncode
    return value


class Change(NamedTuple):
    """One route notification."""

    new: bool
    replaced: bool
    family: int
    length: int
    table: int
    protocol: int
    kind: int


class Watch:
    """Every change of this namespace's routes, by the kernel's own notifications, from now on."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.NETLINK_ROUTE)
        # Past the system's limit only the machine's root may go; a loss is an error of `recv`.
        size = socket.SO_RCVBUF if sandbox.in_user_namespace() else SO_RCVBUFFORCE
        self._socket.setsockopt(socket.SOL_SOCKET, size, 64 << 20)
        self._socket.bind((0, 0x40 | 0x400))  # RTMGRP_IPV4_ROUTE, RTMGRP_IPV6_ROUTE

    def changes(self) -> List[Change]:
        """Those since the last call."""
        found: List[Change] = []
        while True:
            try:
                data = self._socket.recv(1 << 20)
            except BlockingIOError:
                return found
            while data:
                length, kind, flags = struct.unpack_from("=IHH", data)
                if kind in (24, 25):  # RTM_NEWROUTE, RTM_DELROUTE
                    family, bits, _, _, table_, protocol, _, type_ = struct.unpack_from("8B", data, 16)
                    found.append(Change(kind == 24, bool(flags & 0x100), family, bits, table_, protocol, type_))
                data = data[(length + 3) & ~3 :]

    def fewest_defaults(self, there: int) -> int:
        """The smallest number of IPv4 defaults in the main table at any instant, `there` of them at the beginning."""
        fewest = there
        for change in self.changes():
            if change.family == socket.AF_INET and change.length == 0 and change.table == 254:
                there += 0 if change.replaced else 1 if change.new else -1
                fewest = min(fewest, there)
        return fewest

    def close(self) -> None:
        """Ends the watch."""
        self._socket.close()
