"""cloud-init's files for systemd-networkd and NetworkManager: sections of keys. Pure.

Source: systemd.network(5), systemd.syntax(7); nm-settings-keyfile(5).
"""

from __future__ import annotations

import re

from ...model.configuration import ConfiguredRoute, ParsedConfig, Place
from ...model.namedtuple import NamedTuple
from ...model.network import DEFAULT_PREFIX, address_text, family_of, parse_address, parse_prefix
from .config import NO, VRF, YES, NicOf, in_main, none_of_ours

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterator, Sequence

    from ...model.network import Nic

_ROUTE = re.compile(r"route(\d+)")
_ADDRESS = re.compile(r"address\d+")


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
    heads: list[tuple[str, int]] = []
    keys: list[list[tuple[str, str, int]]] = []
    for number, line in enumerate(lines):
        text = line.strip()
        if text.startswith("[") and text.endswith("]"):
            heads.append((text[1:-1], number))
            keys.append([])
        elif text and not text.startswith(("#", ";")):
            key, equals, value = text.partition("=")
            if not keys or not equals or text.endswith("\\"):
                raise ValueError(f"line {number + 1} is no KEY=VALUE of a section")
            keys[-1].append((key.strip(), value.strip(), number))
    return [
        Section(name, first, (own[-1][2] if own else first) + 1, tuple(own)) for (name, first), own in zip(heads, keys)
    ]


def read_networkd(path: str, lines: tuple[str, ...], nic_of: NicOf) -> ParsedConfig:
    """A .network file: one NIC, a [Route] section for each route."""
    reading = ParsedConfig(path, "systemd-networkd", lines)
    try:
        found = sections(lines)
        mac = _value(found, "Match", "MACAddress") or _value(found, "Match", "PermanentMACAddress")
        nic = nic_of(mac, _value(found, "Match", "Name"))
        if nic is None:
            return none_of_ours(reading)
        table = VRF if _value(found, "Network", "VRF") else ""
        routes = _route_sections(nic, found, lines, path, table)
        short = list(_network_gateways(nic, found, path, in_main(table)))
    except ValueError as error:
        return reading._replace(odd=str(error))
    last = max((one.lines[-1] for one in routes), default=len(lines) - 1)
    places = tuple(Place(nic, family, path, last) for family in (4, 6) if in_main(table))
    idle = tuple((nic.ifindex, family) for family in (4, 6) if _is_off(found))
    return reading._replace(routes=(*short, *routes), places=places, idle=idle)


def _network_gateways(nic: Nic, found: Sequence[Section], path: str, main: bool) -> Iterator[ConfiguredRoute]:
    """The defaults by Gateway= in [Network], short for a section; an empty one takes back those before it."""
    keys = [
        (value, line) for one in found if one.name == "Network" for key, value, line in one.keys if key == "Gateway"
    ]
    first = max((index + 1 for index, (value, _) in enumerate(keys) if not value), default=0)
    for value, line in keys[first:]:
        gateway = parse_address(value)
        yield ConfiguredRoute(nic, DEFAULT_PREFIX[family_of(gateway)], gateway, path, (line,), main)


def _is_off(found: Sequence[Section]) -> bool:
    """Whether networkd doesn't manage the NIC, or doesn't bring it up by itself."""
    unmanaged, activation = _value(found, "Link", "Unmanaged"), _value(found, "Link", "ActivationPolicy")
    return unmanaged.lower() in YES or activation in ("down", "always-down", "manual")


def _value(found: Sequence[Section], name: str, key: str) -> str:
    """The last value that sections of one name give a key; "" when none does."""
    return next((one.get(key) for one in reversed(found) if one.name == name and one.get(key)), "")


def _route_sections(
    nic: Nic, found: Sequence[Section], lines: Sequence[str], path: str, table: str
) -> list[ConfiguredRoute]:
    """The routes of the sections that have a gateway; those that name no table are for that one."""
    ends = (*(one.first for one in found[1:]), len(lines))
    routes = [(one, end) for one, end in zip(found, ends) if one.name == "Route" and one.get("Gateway")]
    return [
        _route_section(nic, one, end, lines, path)._replace(in_main=in_main(one.get("Table"), table))
        for one, end in routes
    ]


def _route_section(nic: Nic, one: Section, end: int, lines: Sequence[str], path: str) -> ConfiguredRoute:
    """The route of a section, with the blank lines up to the next one, which begins at `end`."""
    gateway = parse_address(one.get("Gateway"))
    destination = one.get("Destination")
    prefix = parse_prefix(destination) if destination else DEFAULT_PREFIX[family_of(gateway)]
    while any(line.strip() for line in lines[one.end : end]):
        end -= 1
    return ConfiguredRoute(nic, prefix, gateway, path, tuple(range(one.first, end)))


def moved_networkd(texts: Sequence[str], route: ConfiguredRoute, place: Place) -> list[str]:
    """The section as it was, or one for what was short for it, set apart by a blank line."""
    if not texts[0].lstrip().startswith("["):
        texts = ["[Route]\n", *texts]
    ended = [text if text.endswith("\n") else text + "\n" for text in texts]
    return ended if ended and not ended[-1].strip() else [*ended, "\n"]


def read_keyfile(path: str, lines: tuple[str, ...], nic_of: NicOf) -> ParsedConfig:
    """A connection profile: one NIC, routes numbered in [ipv4] and [ipv6]."""
    reading = ParsedConfig(path, "NetworkManager", lines)
    routes: list[ConfiguredRoute] = []
    places: list[Place] = []
    idle: list[tuple[int, int]] = []
    try:
        names = {one.name: one for one in sections(lines)}
        mac = names["ethernet"].get("mac-address") if "ethernet" in names else ""
        nic = nic_of(mac, names["connection"].get("interface-name") if "connection" in names else "")
        if nic is None:
            return none_of_ours(reading)
        for family, section in ((4, names.get("ipv4")), (6, names.get("ipv6"))):
            if section is not None:
                tables = (section.get("route-table"), _vrf(names.get("connection")))
                routes += _numbered_routes(nic, family, section, path, tables)
                places += [_numbered_place(nic, family, section, path)] if in_main(*tables) else []
                idle += [(nic.ifindex, family)] if _makes_none(section, names.get("connection")) else []
    except ValueError as error:
        return reading._replace(odd=str(error))
    return reading._replace(routes=tuple(routes), places=tuple(places), idle=tuple(idle))


def _makes_none(section: Section, connection: Section | None) -> bool:
    """Whether NetworkManager makes no default of [ipv4] or [ipv6], or doesn't start the profile."""
    waits = connection is not None and connection.get("autoconnect").lower() in NO
    return waits or section.get("never-default").lower() in YES or section.get("method") in ("disabled", "ignore")


def _vrf(connection: Section | None) -> str:
    """The table of a VRF, where the profile is for a port of one."""
    return VRF if connection is not None and "vrf" in map(connection.get, ("port-type", "slave-type")) else ""


def _numbered_place(nic: Nic, family: int, section: Section, path: str) -> Place:
    numbered = (_ROUTE.fullmatch(key) for key, _, _ in section.keys)
    return Place(nic, family, path, section.end - 1, number=max((int(one[1]) for one in numbered if one), default=0))


def _numbered_routes(
    nic: Nic, family: int, section: Section, path: str, tables: Sequence[str]
) -> Iterator[ConfiguredRoute]:
    """The routes of [ipv4] or [ipv6] that have a gateway, each with its options' lines."""
    options: dict[str, list[int]] = {}
    values: dict[str, str] = {}
    for key, value, line in section.keys:
        options.setdefault(key, []).append(line)
        values[key] = value
    for key, value, line in section.keys:
        if key == "gateway":
            yield ConfiguredRoute(nic, DEFAULT_PREFIX[family], parse_address(value), path, (line,), in_main(*tables))
        elif _ADDRESS.fullmatch(key) and any(router := _gateway_of(value)):
            yield ConfiguredRoute(nic, DEFAULT_PREFIX[family], router, path, (), in_main(*tables))
        elif _ROUTE.fullmatch(key):
            destination, _, rest = value.partition(",")
            gateway = rest.partition(",")[0]
            if gateway:
                prefix, lines = parse_prefix(destination), (line, *options.get(key + "_options", ()))
                main = in_main(_table_option(values.get(key + "_options", "")), *tables)
                yield ConfiguredRoute(nic, prefix, parse_address(gateway), path, lines, main)


def _gateway_of(address: str) -> bytes:
    """The gateway that stands with an address (`10.65.0.7/24,10.65.0.1`); zeros, or nothing, where none does."""
    gateway = address.partition(",")[2].strip()
    return parse_address(gateway) if gateway else b""


def _table_option(options: str) -> str:
    """The table among the options of a route."""
    return next((option[len("table=") :] for option in options.split(",") if option.startswith("table=")), "")


def moved_keyfile(texts: Sequence[str], route: ConfiguredRoute, place: Place) -> list[str]:
    """The same route with the next number."""
    name = f"route{place.number + 1}"
    lines = [re.sub(r"^route\d+", name, text.rstrip("\n")) + "\n" for text in texts if text.startswith("route")]
    return lines or [f"{name}={route.destination},{address_text(route.gateway)}\n"]
