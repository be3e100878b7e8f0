"""cloud-init's files for systemd-networkd and NetworkManager: sections of keys. Pure.

Source: systemd.network(5), systemd.syntax(7); nm-settings-keyfile(5).
"""

from __future__ import annotations

import re

from ...model.configuration import ConfiguredRoute, ParsedConfig, Place
from ...model.namedtuple import NamedTuple
from ...model.network import DEFAULT_PREFIX, address_text, family_of, parse_address, parse_prefix
from .config import OTHER_NIC, NicOf

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterator, Sequence

    from ...model.network import Nic

_ROUTE = re.compile(r"route(\d+)")


class Section(NamedTuple):
    """A section's name, its own lines, and its keys with their values, last one first served."""

    name: str
    first: int
    end: int
    """One behind its last line."""
    keys: tuple[tuple[str, str, int], ...]
    """Key, value and line."""

    def get(self, key: str) -> str:
        """A key's value; "" when it isn't there."""
        return next((value for name, value, _ in reversed(self.keys) if name == key), "")


def sections(lines: Sequence[str]) -> list[Section]:
    """The file's sections in order; raises ValueError for a line that belongs to none."""
    found: list[Section] = []
    for number, line in enumerate(lines):
        text = line.strip()
        if text.startswith("[") and text.endswith("]"):
            found.append(Section(text[1:-1], number, number + 1, ()))
        elif text and not text.startswith(("#", ";")):
            key, equals, value = text.partition("=")
            if not found or not equals or text.endswith("\\"):
                raise ValueError(f"line {number + 1} is no KEY=VALUE of a section")
            last = found[-1]
            found[-1] = last._replace(end=number + 1, keys=(*last.keys, (key.strip(), value.strip(), number)))
    return found


def read_networkd(path: str, lines: tuple[str, ...], nic_of: NicOf) -> ParsedConfig:
    """A .network file: one NIC, a [Route] section for each route."""
    reading = ParsedConfig(path, "systemd-networkd", lines)
    try:
        found = sections(lines)
        match = next((one for one in found if one.name == "Match"), None)
        mac = match.get("MACAddress") or match.get("PermanentMACAddress") if match else ""
        nic = nic_of(mac, match.get("Name") if match else "")
        if nic is None:
            raise ValueError(OTHER_NIC)
        ends = [*(one.first for one in found[1:]), len(lines)]
        routes = [
            _route_section(nic, one, end, lines, path)
            for one, end in zip(found, ends) if one.name == "Route" and one.get("Gateway")
        ]  # fmt: skip
    except ValueError as error:
        return reading._replace(odd=str(error))
    last = max((one.lines[-1] for one in routes), default=len(lines) - 1)
    return reading._replace(routes=tuple(routes), places=tuple(Place(nic, family, path, last) for family in (4, 6)))


def _route_section(nic: Nic, one: Section, end: int, lines: Sequence[str], path: str) -> ConfiguredRoute:
    """The route of a section, with the blank lines up to the next one, which begins at `end`."""
    gateway = parse_address(one.get("Gateway"))
    destination = one.get("Destination")
    prefix = parse_prefix(destination) if destination else DEFAULT_PREFIX[family_of(gateway)]
    while any(line.strip() for line in lines[one.end : end]):
        end -= 1
    return ConfiguredRoute(nic, prefix, gateway, path, tuple(range(one.first, end)))


def moved_networkd(texts: Sequence[str], route: ConfiguredRoute, place: Place) -> list[str]:
    """The section as it was, set apart by a blank line."""
    ended = [text if text.endswith("\n") else text + "\n" for text in texts]
    return ended if ended and not ended[-1].strip() else [*ended, "\n"]


def read_keyfile(path: str, lines: tuple[str, ...], nic_of: NicOf) -> ParsedConfig:
    """A connection profile: one NIC, routes numbered in [ipv4] and [ipv6]."""
    reading = ParsedConfig(path, "NetworkManager", lines)
    routes: list[ConfiguredRoute] = []
    places: list[Place] = []
    try:
        names = {one.name: one for one in sections(lines)}
        mac = names["ethernet"].get("mac-address") if "ethernet" in names else ""
        nic = nic_of(mac, names["connection"].get("interface-name") if "connection" in names else "")
        if nic is None:
            raise ValueError(OTHER_NIC)
        for family, name in ((4, "ipv4"), (6, "ipv6")):
            if name in names:
                routes += _numbered_routes(nic, family, names[name], path)
                numbers = [
                    int(numbered[1])
                    for numbered in (_ROUTE.fullmatch(key) for key, _, _ in names[name].keys)
                    if numbered
                ]
                places.append(Place(nic, family, path, names[name].end - 1, number=max(numbers, default=0)))
    except ValueError as error:
        return reading._replace(odd=str(error))
    return reading._replace(routes=tuple(routes), places=tuple(places))


def _numbered_routes(nic: Nic, family: int, section: Section, path: str) -> Iterator[ConfiguredRoute]:
    """The routes of [ipv4] or [ipv6] that have a gateway, each with its options' lines."""
    for key, value, line in section.keys:
        if key == "gateway":
            yield ConfiguredRoute(nic, DEFAULT_PREFIX[family], parse_address(value), path, (line,))
        elif _ROUTE.fullmatch(key):
            destination, _, rest = value.partition(",")
            gateway = rest.partition(",")[0]
            options = [at for other, _, at in section.keys if other == key + "_options"]
            if gateway:
                prefix = parse_prefix(destination)
                yield ConfiguredRoute(nic, prefix, parse_address(gateway), path, (line, *options))


def moved_keyfile(texts: Sequence[str], route: ConfiguredRoute, place: Place) -> list[str]:
    """The same route with the next number."""
    name = f"route{place.number + 1}"
    lines = [re.sub(r"^route\d+", name, text.rstrip("\n")) + "\n" for text in texts if text.startswith("route")]
    return lines or [f"{name}={route.destination},{address_text(route.gateway)}\n"]
