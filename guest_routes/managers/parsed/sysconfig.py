"""cloud-init's files below /etc/sysconfig/network-scripts: each NIC's ifcfg file and the two for its routes. Pure.

The ifcfg file has the defaults, as GATEWAY= and IPV6_DEFAULTGW=. route-NIC has IPv4's host routes, as ADDRESSn=,
NETMASKn= and GATEWAYn=, numbered from 0 without a gap: network-scripts read up to the first one. route6-NIC has a line
for each, as `ip route add` takes it. cloud-init writes those two only for a NIC that has host routes.
Source: cloudinit/net/sysconfig.py; ifup-routes and ifup-eth of initscripts; nm-settings-ifcfg-rh(5).
"""

from __future__ import annotations

import re

from ...model.configuration import ConfiguredRoute, ParsedConfig, Place
from ...model.network import DEFAULT_PREFIX, Prefix, address_text, family_of, parse_address, parse_prefix
from .config import BEGINS, COMMON, CREATED, FOREIGN, NO, VRF, NicOf, in_main, named_table, none_of_ours

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterator, Mapping, Sequence

    from ...model.network import Nic

_ASSIGNMENT = re.compile(r"(\w+)=(?:\"([^\"$`\\]*)\"|([^\s\"'$`\\;&|<>()]*))\s*")
_NUMBERED = re.compile(r"(ADDRESS|NETMASK|GATEWAY|METRIC|OPTIONS)(\d+)(?==)")
_ROUTE6 = re.compile(r"(?P<to>\S+) via (?P<gateway>\S+)\s+(?:(?:metric|table) \w+\s+)*dev (?P<nic>\S+)\s*")
_BACKUP = re.compile(r".*(?:~|\.(?:bak|old|orig|rej|rpmnew|rpmorig|rpmsave))")
_GATEWAYS = {4: "GATEWAY", 6: "IPV6_DEFAULTGW"}
"""The ifcfg file's keys for the default of each family."""
_SWITCHES = {4: ("ONBOOT", "DEFROUTE"), 6: ("ONBOOT", "IPV6INIT", "IPV6_DEFROUTE")}
"""What takes the default away with `no`."""
_DEVICES = {4: "GATEWAYDEV", 6: "IPV6_DEFAULTDEV"}
"""The one NIC that has the default."""
_DEVICE = re.compile(r"^\s*(\w+)=[\"']?([^\"'\s#;]*)", re.MULTILINE)
_TABLES = {4: "IPV4_ROUTE_TABLE", 6: "IPV6_ROUTE_TABLE"}
"""And for the table of the NIC's routes."""
NAMED_BY_NIC = ("sysconfig", "wicked")
"""The managers whose files are named after nothing but their NICs."""


def own_files(files: Sequence[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    """Of these files (manager, path, text), those that cloud-init has written where the name doesn't say so.

    Below /etc/sysconfig a NIC's ifcfg file tells for all of its files, and no manager reads backup copies.
    """
    headed = {path for _, path, text in files if "cloud-init" in text.partition("\n")[0]}

    def is_own(manager: str, path: str, text: str) -> bool:
        if manager in NAMED_BY_NIC:
            return sibling(path, "ifcfg") in headed and not _BACKUP.fullmatch(path)
        return text.startswith(BEGINS.get(path, ""))

    return [one for one in files if is_own(*one)]


def sibling(path: str, kind: str) -> str:
    """The path of another of the NIC's files."""
    folder, slash, name = path.rpartition("/")
    return f"{folder}{slash}{kind}-{name.partition('-')[2]}"


def nic_name(path: str) -> str:
    """The NIC that the file is named after."""
    return path.rpartition("/")[2].partition("-")[2]


def assignments(lines: Sequence[str]) -> dict[str, tuple[str, int]]:
    """The value and the line of each key; raises ValueError for a line that is none, or a key's second."""
    found: dict[str, tuple[str, int]] = {}
    for number, line in enumerate(lines):
        if not line.strip() or line.startswith("#"):
            continue
        one = _ASSIGNMENT.fullmatch(line)
        if one is None or one[1] in found:
            raise ValueError(f"line {number + 1} is not as cloud-init writes it")
        found[one[1]] = (one[2] if one[2] is not None else one[3], number)
    return found


def read_sysconfig(files: Sequence[tuple[str, tuple[str, ...]]], nic_of: NicOf) -> list[ParsedConfig]:
    """Each NIC's three files; those that aren't there can be made."""
    texts = dict(files)
    common = dict(_DEVICE.findall("".join(line for path in COMMON["sysconfig"] for line in texts.get(path, ()))))
    found: list[ParsedConfig] = []
    for path, lines in files:
        if path == sibling(path, "ifcfg"):
            parsed, nic, tables = _ifcfg(path, lines, nic_of)
            found.append(parsed if nic is None else parsed._replace(idle=tuple(_idle(parsed, nic, common))))
            for family, kind, read in ((4, "route", _route4), (6, "route6", _route6)):
                other = sibling(path, kind)
                found.append(routes_file(other, texts.get(other), "sysconfig", nic))
                if nic is not None and found[-1].odd is None:
                    found[-1] = read(found[-1], nic, tables[family])
    return [one for one in found if one.origin != "absent" or one.places]


def _ifcfg(path: str, lines: tuple[str, ...], nic_of: NicOf) -> tuple[ParsedConfig, Nic | None, Mapping[int, str]]:
    """The file that has the NIC's addresses and defaults, the NIC, and the table of each family's routes.

    The NIC is None where the file is left alone.
    """
    reading = ParsedConfig(path, "sysconfig", lines)
    try:
        keys = assignments(lines)
        nic = nic_of(keys.get("HWADDR", ("",))[0], keys.get("DEVICE", (nic_name(path),))[0])
        if nic is None:
            return none_of_ours(reading), None, {}
        tables = {family: _nic_table(keys, family) for family in _TABLES}
        routes = [
            _default(nic, family, *keys[key], path)._replace(in_main=in_main(tables[family]))
            for family, key in _GATEWAYS.items() if key in keys
        ]  # fmt: skip
    except ValueError as error:
        return reading._replace(odd=str(error)), None, {}
    # Without the key, a gateway makes a default route all the same.
    head = keys["DEFROUTE"][1] if "DEFROUTE" in keys else -1
    free = [family for family, key in _GATEWAYS.items() if key not in keys and in_main(tables[family])]
    places = [Place(nic, family, path, len(lines) - 1, head=head, takes="default") for family in free]
    heads = ((head, tuple(route.lines[0] for route in routes)),) if head >= 0 else ()
    return reading._replace(routes=tuple(routes), places=tuple(places), heads=heads), nic, tables


def _idle(parsed: ParsedConfig, nic: Nic, common: Mapping[str, str]) -> Iterator[tuple[int, int]]:
    """The NIC and each family of which it gets no default, by its own file and the one for all NICs."""
    keys = {key: value for key, (value, _) in assignments(parsed.lines).items()}
    for family, switches in _SWITCHES.items():
        device = keys.get(_DEVICES[family], common.get(_DEVICES[family], ""))
        off = any(keys.get(switch, "").lower() in NO for switch in switches)
        if off or device not in ("", keys.get("DEVICE", nic_name(parsed.path))):
            yield nic.ifindex, family


def _nic_table(keys: Mapping[str, tuple[str, int]], family: int) -> str:
    """The table of all of the NIC's routes; "" where the file names none."""
    table = keys.get(_TABLES[family], ("",))[0]
    return table or (VRF if "VRF" in keys or "VRF_UUID" in keys else "")


def _default(nic: Nic, family: int, value: str, line: int, path: str) -> ConfiguredRoute:
    gateway = parse_address(value)
    if family_of(gateway) != family:
        raise ValueError(f"line {line + 1} has a gateway of the other family")
    return ConfiguredRoute(nic, DEFAULT_PREFIX[family], gateway, path, (line,))


def routes_file(path: str, lines: tuple[str, ...] | None, manager: str, nic: Nic | None) -> ParsedConfig:
    """A file for the routes of a NIC before they are read.

    Args:
        lines: None where there is no such file.
        nic: None where the NIC's ifcfg file is left alone.
    """
    if lines is None:
        return ParsedConfig(path, manager, CREATED, origin="absent")
    if nic is None and any(line.strip() and not line.startswith("#") for line in lines):
        return none_of_ours(ParsedConfig(path, manager, lines))
    created = bool(lines) and lines[0] == CREATED[0]
    return ParsedConfig(path, manager, lines, origin="correct" if created else "cloud-init")


def _route4(reading: ParsedConfig, nic: Nic, table: str) -> ParsedConfig:
    """Keys with numbers."""
    if not _is_expected(reading):
        return none_of_ours(reading, FOREIGN)
    numbered: dict[int, dict[str, tuple[str, int]]] = {}
    try:
        for key, value in assignments(reading.lines).items():
            one = _NUMBERED.match(key + "=")
            if one is None:
                raise ValueError(f"line {value[1] + 1} is not as cloud-init writes routes")
            numbered.setdefault(int(one[2]), {})[one[1]] = value
        routes = [_numbered_route(nic, keys, reading.path, table) for keys in numbered.values() if "GATEWAY" in keys]
    except ValueError as error:
        return reading._replace(odd=str(error))
    last = len(reading.lines) - 1
    place = Place(nic, 4, reading.path, last, number=max(numbered, default=-1), takes="host")
    return reading._replace(routes=tuple(routes), places=(place,) if in_main(table) else ())


def _numbered_route(nic: Nic, keys: dict[str, tuple[str, int]], path: str, table: str) -> ConfiguredRoute:
    lines = tuple(sorted(line for _, line in keys.values()))
    if "ADDRESS" not in keys or "NETMASK" not in keys:
        raise ValueError(f"line {lines[0] + 1} is of a route without an address or a netmask")
    bits = int.from_bytes(parse_address(keys["NETMASK"][0]), "big")
    destination = parse_prefix(f"{keys['ADDRESS'][0]}/{bin(bits).count('1')}")
    own = named_table(keys.get("OPTIONS", ("",))[0])
    return ConfiguredRoute(nic, destination, parse_address(keys["GATEWAY"][0]), path, lines, in_main(own, table))


def _route6(reading: ParsedConfig, nic: Nic, table: str) -> ParsedConfig:
    """A line for each route."""
    if not _is_expected(reading):
        return none_of_ours(reading, FOREIGN)
    routes: list[ConfiguredRoute] = []
    for number, line in enumerate(reading.lines):
        if not line.strip() or line.startswith("#") or not in_main(named_table(line)):
            continue
        one = _ROUTE6.fullmatch(line)
        try:
            if one is None or one["nic"] != nic_name(reading.path):
                raise ValueError(f"line {number + 1} is not as cloud-init writes routes")
            gateway = parse_address(one["gateway"])
            main = in_main(named_table(line), table)
            routes.append(ConfiguredRoute(nic, _prefix(one["to"]), gateway, reading.path, (number,), main))
        except ValueError as error:
            return reading._replace(odd=str(error))
    place = Place(nic, 6, reading.path, len(reading.lines) - 1, takes="host")
    return reading._replace(routes=tuple(routes), places=(place,) if in_main(table) else ())


def _prefix(text: str) -> Prefix:
    return DEFAULT_PREFIX[6] if text == "default" else parse_prefix(text)


def _is_expected(reading: ParsedConfig) -> bool:
    """Whether cloud-init or `correct` has written the file, by its first line."""
    return reading.origin != "cloud-init" or "cloud-init" in "".join(reading.lines[:1])


def moved_sysconfig(texts: Sequence[str], route: ConfiguredRoute, place: Place) -> list[str]:
    """The same keys with the next number, the same line for the other NIC, or the key of a default."""
    if place.takes == "default":
        return [f"{_GATEWAYS[route.family]}={address_text(route.gateway)}\n"]
    if route.family == 4:
        number = place.number + 1
        return [_NUMBERED.sub(rf"\g<1>{number}", text.rstrip("\n")) + "\n" for text in texts]
    return [re.sub(r"dev \S+\s*$", f"dev {nic_name(place.path)}\n", text) for text in texts]


def renumbered(lines: Sequence[str]) -> list[str]:
    """The routes numbered from 0 without a gap, in the order of the lines."""
    numbers: dict[str, int] = {}
    for line in lines:
        one = _NUMBERED.match(line)
        if one:
            numbers.setdefault(one[2], len(numbers))
    return [_NUMBERED.sub(lambda one: f"{one[1]}{numbers[one[2]]}", line) for line in lines]
