"""cloud-init's file for ifupdown: stanzas with `route add` and `route del` commands. Pure.

Source: interfaces(5); cloudinit/net/eni.py, which writes `post-up route add ... || true` and its `pre-down route del`,
or (26.2) `post-up ip route add ...`.
"""

from __future__ import annotations

import re

from ...model.configuration import ConfiguredRoute, ParsedConfig, Place
from ...model.network import DEFAULT_PREFIX, Prefix, parse_address, parse_prefix
from .config import NicOf, in_main, named_table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Sequence

_COMMAND = re.compile(
    r"\s+(?:post-up|up|pre-down|down)\s+(?:ip(?:\s+-family\s+inet6)?\s+)?route\s+(?:add|del)(?:\s+-A\s+inet6)?"
    r"\s+(?:-net\s+|-host\s+)?(?P<to>[\w.:/]+)(?:\s+netmask\s+(?P<mask>[\d.]+))?"
    r"\s+(?:gw|via)\s+(?P<gateway>[\w.:]+)(?:\s+(?:metric|table)\s+\w+)*\s*(?:\|\|\s*true)?\s*"
)
_CALLS_ROUTE = re.compile(r"\s+(?:post-up|up|pre-down|down)\s+route\s")
_IFACE = re.compile(r"iface\s+(\S+)\s+(inet6?)\s+\S+\s*")


def read_ifupdown(path: str, lines: tuple[str, ...], nic_of: NicOf) -> ParsedConfig:
    """All NICs in one file, a stanza for each NIC and family."""
    reading = ParsedConfig(path, "ifupdown", lines, calls_route=any(map(_CALLS_ROUTE.match, lines)))
    found: dict[tuple[int, Prefix, bytes], ConfiguredRoute] = {}
    places: list[Place] = []
    inside = False
    for number, line in enumerate(lines):
        stanza = _IFACE.fullmatch(line)
        if stanza:
            # A name may carry a label (`eth0:1`).
            nic = nic_of("", stanza[1].partition(":")[0])
            if nic is not None:
                places.append(Place(nic, 6 if stanza[2] == "inet6" else 4, path, number))
            inside = nic is not None
        elif not line[:1].isspace() or not line.strip():
            inside = inside and not line.strip() if places else False
        elif inside:
            place = places[-1] = places[-1]._replace(after=number)
            try:
                configured = _route(line, place.family)
            except ValueError as error:
                return reading._replace(odd=f"line {number + 1}: {error}")
            if configured is None:
                continue
            destination, gateway = configured
            key = (place.nic.ifindex, destination, gateway)
            one = found.get(key) or ConfiguredRoute(place.nic, destination, gateway, path, ())
            found[key] = one._replace(lines=(*one.lines, number))
    return reading._replace(routes=tuple(found.values()), places=tuple(places))


def _route(line: str, family: int) -> tuple[Prefix, bytes] | None:
    """Destination and gateway of a line of a stanza; None where it is about something else, or for another table."""
    if not in_main(named_table(line)):
        return None
    command, words = _COMMAND.fullmatch(line), line.split()
    if command:
        gateway = parse_address(command["gateway"])
        return _destination(command["to"], command["mask"], len(gateway)), gateway
    if words[0] == "gateway" and len(words) == 2:
        return DEFAULT_PREFIX[family], parse_address(words[1])
    if "route" in words:
        raise ValueError("it is not as cloud-init writes routes")
    return None


def _destination(to: str, mask: str | None, size: int) -> Prefix:
    if to == "default":
        return DEFAULT_PREFIX[4 if size == 4 else 6]
    if mask:
        bits = int.from_bytes(parse_address(mask), "big")
        return parse_prefix(f"{to}/{bin(bits).count('1')}")
    return parse_prefix(to)


def moved_ifupdown(texts: Sequence[str], route: ConfiguredRoute, place: Place) -> list[str]:
    """The same commands."""
    return [text.rstrip("\n") + "\n" for text in texts]
