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
    from typing import Iterator, Sequence

_COMMAND = re.compile(
    r"\s*(?:post-up|up|pre-down|down)\s+(?:ip(?:\s+-family\s+inet6)?\s+)?route\s+(?:add|del)(?:\s+-A\s+inet6)?"
    r"\s+(?:-net\s+|-host\s+)?(?P<to>[\w.:/]+)(?:\s+netmask\s+(?P<mask>[\d.]+))?"
    r"\s+(?:gw|via)\s+(?P<gateway>[\w.:]+)(?:\s+(?:metric|table)\s+\w+)*\s*(?:\|\|\s*true)?\s*"
)
_CALLS_ROUTE = re.compile(r"\s*(?:post-up|up|pre-down|down)\s+route\s")
_STANZAS = (
    "iface", "mapping", "auto", "rename", "source", "source-directory", "no-auto-down", "no-scripts", "template",
)  # fmt: skip
"""What begins a stanza, and so ends the one before, beside `allow-...`; indents mean nothing."""


def read_ifupdown(path: str, lines: tuple[str, ...], nic_of: NicOf) -> ParsedConfig:
    """All NICs in one file, a stanza for each NIC and family."""
    reading = ParsedConfig(path, "ifupdown", lines, calls_route=any(map(_CALLS_ROUTE.match, lines)))
    found: dict[tuple[int, Prefix, bytes], ConfiguredRoute] = {}
    places: list[Place] = []
    try:
        for place, number in _options(path, lines, nic_of, places):
            configured = _route(number, lines[number], place.family)
            if configured is None:
                continue
            destination, gateway = configured
            key = (place.nic.ifindex, destination, gateway)
            one = found.get(key) or ConfiguredRoute(place.nic, destination, gateway, path, ())
            found[key] = one._replace(lines=(*one.lines, number))
    except ValueError as error:
        return reading._replace(odd=str(error))
    idle = tuple(sorted(_waiting(lines, places)))
    return reading._replace(routes=tuple(found.values()), places=tuple(places), idle=idle)


def _options(path: str, lines: Sequence[str], nic_of: NicOf, places: list[Place]) -> Iterator[tuple[Place, int]]:
    """Each line of the document's NICs' stanzas, with its stanza, which is added to the places.

    Raises:
        ValueError: a line goes on in the next one.
    """
    inside = False
    for number, line in enumerate(lines):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if words[-1].endswith("\\"):
            raise ValueError(f"line {number + 1} goes on in the next one")
        if _begins(words[0]):
            # A name may carry a label (`eth0:1`).
            nic = nic_of("", words[1].partition(":")[0]) if _is_iface(words) else None
            places += [Place(nic, 6 if words[2] == "inet6" else 4, path, number)] if nic is not None else []
            inside = nic is not None
        elif inside:
            places[-1] = places[-1]._replace(after=number)
            yield places[-1], number


def _begins(word: str) -> bool:
    return word in _STANZAS or word.startswith("allow-")


def _is_iface(words: Sequence[str]) -> bool:
    return words[0] == "iface" and len(words) > 3 and words[2] in ("inet", "inet6")


def _waiting(lines: Sequence[str], places: Sequence[Place]) -> set[tuple[int, int]]:
    """The NICs and families of the stanzas that nothing in the file starts."""
    started: set[str] = set()
    for words in map(str.split, lines):
        if words and (words[0] == "auto" or words[0].startswith("allow-")):
            started.update(words[1:])
    if any(name.startswith("/") for name in started):  # A pattern.
        return set()
    names = {name.partition(":")[0] for name in started}
    return {(place.nic.ifindex, place.family) for place in places if place.nic.name not in names}


def _route(number: int, line: str, family: int) -> tuple[Prefix, bytes] | None:
    """Destination and gateway of a line of a stanza; None where it is about something else, or for another table."""
    if not in_main(named_table(line)):
        return None
    command, words = _COMMAND.fullmatch(line), line.split()
    try:
        if command:
            gateway = parse_address(command["gateway"])
            return _destination(command["to"], command["mask"], len(gateway)), gateway
        if words[0] == "gateway" and len(words) == 2:
            return DEFAULT_PREFIX[family], parse_address(words[1])
        if "route" in words:
            raise ValueError("it is not as cloud-init writes routes")
    except ValueError as error:
        raise ValueError(f"line {number + 1}: {error}") from error
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
