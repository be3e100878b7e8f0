"""Options 121 and 249 in every spelling that DHCP clients keep them in, strictly; and a whole DHCP packet. Pure.

A fault ends the reading: behind an entry of the wrong length nothing can be read. What stands before it counts.

Source: RFC 3442, "Classless Route Option Format"; RFC 2131, section 2 and RFC 2132, section 2 for packets; RFC 3396
for options in several parts.
"""

from __future__ import annotations

from ..model.lease import LeaseRoute, Option
from ..model.network import Address, Prefix, parse_address, parse_prefix

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterable, Sequence

ADDRESSES_AT = 16
"""Where a packet has yiaddr."""
MAC_AT = 28
OPTIONS_AT = 236
COOKIE = bytes([99, 130, 83, 99])
PAD, END = 0, 255


class LeaseFault(ValueError):  # noqa: N818  # never leaves the readers of leases
    """A file or value that is no lease; says what is wrong."""


def routes_of_octets(octets: bytes) -> Option:
    """The option as it comes over the wire: width, as many octets as are significant, next hop; and again."""
    routes: list[LeaseRoute] = []
    at = 0
    while at < len(octets):
        width = octets[at]
        if width > 32:
            return Option(tuple(routes), f"entry {len(routes)} has a prefix length of {width}, and 32 is the most")
        significant = (width + 7) // 8
        end = at + 1 + significant + 4
        if end > len(octets):
            return Option(
                tuple(routes), f"entry {len(routes)} is cut off: it has {len(octets) - at} of {end - at} octets"
            )
        subnet = octets[at + 1 : at + 1 + significant] + bytes(4 - significant)
        routes.append(LeaseRoute(Prefix(subnet, width), octets[end - 4 : end]))
        at = end
    return Option(tuple(routes), None if routes else "is empty")


def routes_of_numbers(text: str, base: int = 10) -> Option:
    """`16,11,11,11,8,0,1` as dhclient keeps it, `16 11 ...` as NetworkManager has it from dhclient, `10:b:b:...`."""
    parts = text.replace(",", " ").replace(":", " ").split()
    digits = set("0123456789abcdef"[:base])
    octets = bytearray()
    for part in parts:
        value = int(part, base) if len(part) <= 3 and set(part.lower()) <= digits else 256
        if value > 255:
            read = routes_of_octets(bytes(octets))
            return Option(read.routes, f"{part[:20]!a} is no octet")
        octets.append(value)
    return routes_of_octets(bytes(octets))


def routes_of_pairs(words: Sequence[str]) -> Option:
    """`11.11.0.0/16,11.8.0.1 ...` as systemd-networkd keeps it, or destination and next hop as words of their own."""
    flat = [part for word in words for part in word.split(",")]
    routes: list[LeaseRoute] = []
    for index in range(0, len(flat), 2):
        try:
            destination, next_hop = parse_prefix(flat[index]), parse_address(flat[index + 1])
            if "/" not in flat[index] or len(destination.address) != 4 or len(next_hop) != 4:
                raise ValueError
        except (ValueError, IndexError):
            written = ",".join(flat[index : index + 2])
            return Option(tuple(routes), f"entry {len(routes)} is no destination/length,nexthop: {written[:40]!a}")
        routes.append(LeaseRoute(destination, next_hop))
    return Option(tuple(routes), None if routes else "is empty")


def ipv4_of(text: str) -> Address:
    """An IPv4 address; raises LeaseFault for anything else."""
    try:
        address = parse_address(text)
    except ValueError:
        address = b""
    if len(address) != 4:
        raise LeaseFault(f"{text[:40]!a} is no IPv4 address")
    return address


def ipv4s_of(words: Iterable[str]) -> tuple[Address, ...]:
    """Several of them, such as option 3's."""
    return tuple(ipv4_of(word) for word in words)


class Packet:
    """A DHCP message as it came over the wire.

    Raises:
        LeaseFault: it is none, or it ends before it should.
    """

    def __init__(self, data: bytes) -> None:
        if len(data) < OPTIONS_AT + len(COOKIE):
            raise LeaseFault(f"is cut off: {len(data)} bytes, and a DHCP message has {OPTIONS_AT + 4} at least")
        if data[OPTIONS_AT : OPTIONS_AT + len(COOKIE)] != COOKIE or data[0] != 2:
            raise LeaseFault("is no answer of a DHCP server")
        self.address = data[ADDRESSES_AT : ADDRESSES_AT + 4]
        self.mac = data[MAC_AT : MAC_AT + 6] if data[1:3] == bytes([1, 6]) else b""
        self.options: dict[int, bytes] = {}
        at = OPTIONS_AT + len(COOKIE)
        while at < len(data) and data[at] != END:
            if data[at] == PAD:
                at += 1
                continue
            length = data[at + 1] if at + 1 < len(data) else 256
            if at + 2 + length > len(data):
                raise LeaseFault(f"is cut off: option {data[at]} goes beyond its end")
            self.options[data[at]] = self.options.get(data[at], b"") + data[at + 2 : at + 2 + length]
            at += 2 + length
        if at >= len(data):
            raise LeaseFault("is cut off: no end of its options")
