"""cloud-init's files below /etc/sysconfig/network, on SUSE: each NIC's ifcfg file and the one for its routes. Pure.

The ifcfg file has no routes. ifroute-NIC has a line for each, defaults among them: destination, gateway, netmask and
NIC, where the last two are `-`. cloud-init itself writes no route there; SUSE's packages patch it to.
Source: ifroute(5) of wicked; cloud-init-write-routes.patch of SUSE's cloud-init.
"""

from __future__ import annotations

import re

from ...model.configuration import ConfiguredRoute, ParsedConfig, Place
from ...model.network import DEFAULT_PREFIX, family_of, parse_address, parse_prefix
from .config import CREATED, NicOf, in_main, named_table, none_of_ours
from .sysconfig import assignments, nic_name, routes_file, sibling

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Sequence

    from ...model.network import Nic

_ROUTE = re.compile(r"(?P<to>\S+) (?P<gateway>\S+) - -(?: (?:metric|table) \w+)*\s*")


def read_wicked(files: Sequence[tuple[str, tuple[str, ...]]], nic_of: NicOf) -> list[ParsedConfig]:
    """Each NIC's two files; the one for routes can be made."""
    texts = dict(files)
    found: list[ParsedConfig] = []
    for path, lines in files:
        if path == sibling(path, "ifcfg"):
            parsed, nic = _ifcfg(path, lines, nic_of)
            other = sibling(path, "ifroute")
            routes = routes_file(other, texts.get(other), "wicked", nic)
            found += [parsed, _routes(routes, nic) if nic is not None and routes.odd is None else routes]
    return [one for one in found if one.origin != "absent" or one.places]


def _ifcfg(path: str, lines: tuple[str, ...], nic_of: NicOf) -> tuple[ParsedConfig, Nic | None]:
    reading = ParsedConfig(path, "wicked", lines)
    try:
        keys = assignments(lines)
        nic = nic_of(keys.get("LLADDR", ("",))[0], nic_name(path))
    except ValueError as error:
        return reading._replace(odd=str(error)), None
    if nic is None:
        return none_of_ours(reading), None
    off = keys.get("STARTMODE", ("",))[0] in ("off", "manual")
    return reading._replace(idle=tuple((nic.ifindex, family) for family in (4, 6) if off)), nic


def _routes(reading: ParsedConfig, nic: Nic) -> ParsedConfig:
    routes: list[ConfiguredRoute] = []
    for number, line in enumerate(reading.lines):
        if line in CREATED or not line.strip() or not in_main(named_table(line)):
            continue
        one = _ROUTE.fullmatch(line)
        try:
            if one is None:
                raise ValueError(f"line {number + 1} is not as cloud-init writes routes")
            gateway = parse_address(one["gateway"])
            default = DEFAULT_PREFIX[family_of(gateway)]
            destination = default if one["to"] == "default" else parse_prefix(one["to"])
        except ValueError as error:
            return reading._replace(odd=str(error))
        routes.append(ConfiguredRoute(nic, destination, gateway, reading.path, (number,)))
    places = tuple(Place(nic, family, reading.path, len(reading.lines) - 1) for family in (4, 6))
    return reading._replace(routes=tuple(routes), places=places)


def moved_wicked(texts: Sequence[str], route: ConfiguredRoute, place: Place) -> list[str]:
    """The same line."""
    return [text.rstrip("\n") + "\n" for text in texts]
