"""cloud-init's file for netplan: block-style YAML, read by its indents. Pure.

Only what cloud-init's own writer produces is understood; anything else (flow style, anchors, tabs) is left alone.
Source: Netplan's YAML reference; cloudinit/net/netplan.py.
"""

from __future__ import annotations

import re

from ...model.configuration import ConfiguredRoute, ParsedConfig, Place
from ...model.network import DEFAULT_PREFIX, parse_address, parse_prefix
from .config import VRF, NicOf, in_main

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Sequence

    from ...model.network import Nic

_KEY = re.compile(r"( *)((?:- +)*)([\w.\"'/-]+):(?: +(.*))?")
_ODD = re.compile(r" *(routes: *\S|gateway[46]:|<<:)")
_GROUPS = ("ethernets", "bonds", "vlans", "bridges")


def read_netplan(path: str, lines: tuple[str, ...], nic_of: NicOf) -> ParsedConfig:
    """All NICs in one file, a mapping for each, with a list of routes."""
    reading = ParsedConfig(path, "netplan", lines)
    try:
        ports = _vrf_ports(lines)
        for name, body in _nics(lines, _GROUPS):
            keys = _keys(lines, body)
            nic = nic_of(keys.get("macaddress", ""), keys.get("set-name", "") or name)
            if nic is not None:
                reading = _with_nic(reading, nic, body, VRF if name in ports else "")
                off = keys.get("activation-mode") in ("manual", "off")
                reading = reading._replace(idle=(*reading.idle, *((nic.ifindex, family) for family in (4, 6) if off)))
    except ValueError as error:
        return ParsedConfig(path, "netplan", lines, odd=str(error))
    return reading


def _with_nic(reading: ParsedConfig, nic: Nic, body: Sequence[int], table: str) -> ParsedConfig:
    """What has been read so far, and the routes and places of one more NIC, whose routes are for that table."""
    lines, path = reading.lines, reading.path
    odd = [number for number in body if _ODD.match(lines[number])]
    if odd:
        raise ValueError(f"line {odd[0] + 1} is not as cloud-init writes routes")
    indent = _indent(lines[body[0]])
    head, items = _list(lines, body, indent)
    routes = [route for route in (_written(lines, item, nic, path, table) for item in items) if route is not None]
    column = _indent(lines[items[0][0]]) if items else indent
    after = items[-1][-1] if items else body[-1]
    heads = [(head, tuple(number for item in items for number in item))] if head >= 0 else []
    return reading._replace(
        routes=(*reading.routes, *routes),
        places=(
            *reading.places,
            *(Place(nic, family, path, after, column, head) for family in (4, 6) if in_main(table)),
        ),
        heads=(*reading.heads, *heads),
    )


def _list(lines: Sequence[str], body: Sequence[int], indent: int) -> tuple[int, list[list[int]]]:
    """The number of the line `routes:`, or -1, and those of the lines of each item."""
    head = next((n for n in body if lines[n].strip() == "routes:" and _indent(lines[n]) == indent), -1)
    return head, _items(lines, body, head, indent) if head >= 0 else []


def moved_netplan(texts: Sequence[str], route: ConfiguredRoute, place: Place) -> list[str]:
    """The same item at the place's indent, with the key of the list where the NIC has none."""
    shift = place.indent - _indent(texts[0])
    item = [(" " * shift + text if shift > 0 else text[-shift:]).rstrip("\n") + "\n" for text in texts]
    return item if place.head >= 0 else [" " * place.indent + "routes:\n", *item]


def _nics(lines: Sequence[str], groups: Sequence[str]) -> list[tuple[str, list[int]]]:
    """The name of each NIC in these groups, and the numbers of its lines."""
    found: list[tuple[str, list[int]]] = []
    group = -1
    column = -1
    for number, line in enumerate(lines):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        _check_plain(number, line)
        indent = _indent(line)
        if text.endswith(":") and text[:-1] in groups:
            group, column = indent, -1
        elif indent <= group:
            group = -1
        elif group >= 0 and column in (-1, indent):
            column = indent
            found.append((_name(number, line), []))
        elif group >= 0:
            found[-1][1].append(number)
    return [(name, body) for name, body in found if body]


def _vrf_ports(lines: Sequence[str]) -> set[str]:
    """The names of the NICs that VRFs have."""
    found: set[str] = set()
    for _, body in _nics(lines, ("vrfs",)):
        listing = False
        for number in body:
            text = lines[number].strip()
            key = _KEY.fullmatch(text)
            listing = listing if key is None else key[3] == "interfaces"
            words = (key[4] or "").strip("[]").split(",") if key else [text.lstrip("- ")]
            found.update(_bare(word) for word in words if listing)
    return found


def _check_plain(number: int, line: str) -> None:
    """Raises ValueError where a line has anything of YAML that cloud-init doesn't write."""
    text = line.strip()
    if "\t" in line or text[0] in "{[&*!|>%" or text == "---":
        raise ValueError(f"line {number + 1} is not as cloud-init writes YAML")


def _name(number: int, line: str) -> str:
    """The NIC's name that a line consists of."""
    key = _KEY.fullmatch(line.rstrip("\n"))
    if key is None or key[4]:
        raise ValueError(f"line {number + 1} is no NIC's name")
    return _bare(key[3])


def _keys(lines: Sequence[str], body: Sequence[int]) -> dict[str, str]:
    """The NIC's single keys, those of `match` among them."""
    matches = [_KEY.fullmatch(lines[number].rstrip("\n")) for number in body]
    return {key[3]: _bare(key[4]) for key in matches if key and key[4] and not key[2]}


def _items(lines: Sequence[str], body: Sequence[int], head: int, indent: int) -> list[list[int]]:
    """The list's items, each the numbers of its lines."""
    items: list[list[int]] = []
    for number in body:
        if number <= head:
            continue
        text, column = lines[number].strip(), _indent(lines[number])
        if column < indent or (column == indent and not text.startswith("-")):
            break
        if text.startswith("-") and (not items or column <= _indent(lines[items[0][0]])):
            items.append([number])
        elif items:
            items[-1].append(number)
        else:
            raise ValueError(f"line {number + 1} is no item of `routes`")
    return items


def _written(lines: Sequence[str], item: Sequence[int], nic: Nic, path: str, table: str) -> ConfiguredRoute | None:
    """The route of an item; None for one without a gateway."""
    found: dict[str, str] = {}
    for number in item:
        key = _KEY.fullmatch(lines[number].rstrip("\n"))
        if key is None or not key[4] or key[4][0] in "{[&*!|>":
            raise ValueError(f"line {number + 1} is no key of a route")
        found[key[3]] = _bare(key[4])
    if "via" not in found or "to" not in found:
        return None
    gateway = parse_address(found["via"])
    default = found["to"] == "default"
    prefix = DEFAULT_PREFIX[4 if len(gateway) == 4 else 6] if default else parse_prefix(found["to"])
    return ConfiguredRoute(nic, prefix, gateway, path, tuple(item), in_main(found.get("table", ""), table))


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _bare(text: str | None) -> str:
    return (text or "").strip().strip("\"'")
