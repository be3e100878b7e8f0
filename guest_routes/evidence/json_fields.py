"""Single values of a network_data.json: each a value of ours, or a Fault that says what would be right (R12). Pure."""

from __future__ import annotations

from _operator import itemgetter
from _socket import AF_INET, AF_INET6, inet_pton
from itertools import repeat

from ..model.network import Address, Prefix, address_text, family_of, network_of, parse_address
from ..model.network_data import end_of, special_kind

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterator, Mapping, Sequence


class Fault(Exception):  # noqa: N818  # never leaves the parser
    """What is wrong with one value, and in which field below the place at hand."""

    def __init__(self, field: str, text: str) -> None:
        super().__init__(text)
        self.field = field
        self.text = text


SUSPECT = frozenset([0, 127, *range(224, 256)])
"""First bytes of destinations that need a second look: unspecified, loopback, multicast, and IPv6's ::/8."""

_NETWORK, _NETMASK, _GATEWAY = map(itemgetter, ("network", "netmask", "gateway"))
_HOST_BITS = {
    size: [((1 << 8 * size - length) - 1).to_bytes(size, "big") for length in range(8 * size + 1)] for size in (4, 16)
}
"""By address size in bytes and prefix length: the mask of the host's part."""


def usual_routes(
    entries: Sequence[Any], lengths: Mapping[tuple[str, int], int], gateways: Mapping[str, Address]
) -> tuple[Iterator[Prefix], list[Address]] | None:
    """Destinations and next hops of host routes about which there is nothing to say; None where there is of any.

    A hundred thousand are alike: all that is done for each of them is done by C functions.

    Args:
        lengths: of netmasks that were read before, by text and the size of an address in bytes.
        gateways: that were read before, by text.
    """
    try:
        next_hops = list(map(gateways.__getitem__, map(_GATEWAY, entries)))
        size = len(next_hops[0])
        known = list(map(lengths.__getitem__, zip(map(_NETMASK, entries), repeat(size))))
        addresses = list(map(inet_pton, repeat(AF_INET if size == 4 else AF_INET6), map(_NETWORK, entries)))
    except (LookupError, TypeError, ValueError, OSError):
        return None
    joined, masks = b"".join(addresses), b"".join(map(_HOST_BITS[size].__getitem__, known))
    has_host_bits = int.from_bytes(joined, "big") & int.from_bytes(masks, "big")
    if has_host_bits or 0 in known or not SUSPECT.isdisjoint(joined[::size]) or set(map(len, next_hops)) != {size}:
        return None
    return map(tuple.__new__, repeat(Prefix), zip(addresses, known)), next_hops


def refuse_special(destination: Prefix) -> None:
    """Raises Fault for destinations that no gateway can be the way to (R12)."""
    kind = special_kind(destination)
    if kind:
        raise Fault(".network", f"refused: {destination} is {kind}, no destination for a host route")


def refuse_ends(gateway: Address, address: Prefix | None) -> None:
    """Raises Fault for the first and the last address of the network's own IPv4 subnet: no router has them."""
    end = end_of(address, gateway) if address is not None else None
    if address is not None and end is not None:
        subnet = network_of(address)
        raise Fault(".gateway", f"refused: {address_text(gateway)} is the {end} address of {subnet}, not a gateway")


def next_hop_of(value: object) -> Address:
    """A gateway; raises Fault for what can't be one."""
    try:
        address = parse_address(value)  # type: ignore[arg-type]
    except (ValueError, TypeError):
        raise Fault(".gateway", f"must be an IP address, not {show(value)}") from None
    if special_kind(Prefix(address, len(address) * 8)) not in ("", "link-local"):
        raise Fault(".gateway", f"{address_text(address)} can't be a gateway")
    return address


def length_of(netmask: object, bits: int) -> int:
    """A netmask as the prefix length: dotted, IPv6, or a number of bits."""
    if isinstance(netmask, int) and not isinstance(netmask, bool) and 0 <= netmask <= bits:
        return netmask
    if isinstance(netmask, str):
        if netmask.isascii() and netmask.isdigit() and len(netmask) <= 3 and int(netmask) <= bits:
            return int(netmask)
        try:
            mask = parse_address(netmask)
        except ValueError:
            mask = b""
        if len(mask) * 8 == bits:
            number = int.from_bytes(mask, "big")
            length = bin(number).count("1")
            if number == (1 << bits) - (1 << bits - length):
                return length
            raise Fault(".netmask", f"{show(netmask)} has ones after zeros; write a prefix length or a netmask")
    example = "255.255.0.0 or 16" if bits == 32 else "ffff:ffff:ffff:: or 48"
    raise Fault(".netmask", f"must be a netmask or prefix length such as {example}, not {show(netmask)}")


def legible(route: object) -> tuple[Prefix | None, Address | None]:
    """What can be read of a route that is refused: its destination and its next hop."""
    if not isinstance(route, dict):
        return None, None
    try:
        next_hop = next_hop_of(route.get("gateway"))
    except Fault:
        return _legible_destination(route), None
    return _legible_destination(route), next_hop


def _legible_destination(values: dict[str, object]) -> Prefix | None:
    text, slash, tail = text_of(values.get("network")).partition("/")
    try:
        address = parse_address(text)
        length = length_of(tail if slash else values.get("netmask"), len(address) * 8)
    except (Fault, ValueError):
        return None
    is_default = not any(address)  # Another one of no length has a wrong netmask.
    return network_of(Prefix(address, length)) if length or is_default else None


def family_of_gateways(entry: dict[str, object]) -> int:
    """The family of the first gateway that can be read; IPv4 where there is none."""
    routes = entry.get("routes")
    listed = [route.get("gateway") for route in routes if isinstance(route, dict)] if isinstance(routes, list) else []
    for value in [*listed, entry.get("gateway")]:
        if value is None:
            continue
        try:
            return family_of(next_hop_of(value))
        except Fault:
            continue
    return 4


def mac_of(value: object, field: str) -> bytes:
    """A MAC of 6 bytes (or InfiniBand's 20), in either case, with colons or dashes."""
    try:
        mac = bytes.fromhex(value.replace(":", "").replace("-", ""))  # type: ignore[attr-defined]
    except (AttributeError, ValueError):
        mac = b""
    if len(mac) not in (6, 20):
        raise Fault(field, f"must be a MAC address such as fa:16:3e:00:00:01, not {show(value)}")
    return mac


def metric_of(value: object) -> int:
    """A route's metric, a number or its digits; raises Fault for anything else."""
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if isinstance(text, str) and text.isascii() and text.isdigit() and len(text) <= 10 and int(text) < 1 << 32:
        return int(text)
    raise Fault(".metric", f"must be a number from 0 to 4294967295, not {show(value)}; ignored")


def object_of(value: object) -> dict[str, object]:
    """A JSON object; raises Fault for anything else."""
    if not isinstance(value, dict):
        raise Fault("", f"must be an object, not {show(value)}")
    return value


def text_of(value: object) -> str:
    """Text, or "" for anything else."""
    return value if isinstance(value, str) else ""


def kind_of(value: object) -> str:
    """What a JSON value is, for people."""
    names = {list: "a list", str: "text", bool: "true or false", int: "a number", float: "a number", type(None): "null"}
    return names.get(type(value), "an object")


def show(value: object) -> str:
    """A value as a problem quotes it: one line of plain ASCII, shortened, whatever the document holds."""
    if value is None:
        return "null"
    if isinstance(value, (list, dict)):
        return kind_of(value)
    text = _number(value) if isinstance(value, int) else ascii(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _number(value: int) -> str:
    return str(value).lower() if value.bit_length() < 200 else "a huge number"
