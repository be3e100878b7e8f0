"""How addresses, host routes, gateways and NIC selectors of the settings are read. Pure.

A reader raises ValueError that says what would be right; load.py adds the place.
"""

from __future__ import annotations

from ..model.network import Address, Prefix, family_of, network_of, parse_address, parse_prefix
from ..model.network_data import SETTINGS, HostRoute, special_kind
from ..model.settings import GatewaySetting, Selector
from .values import Place, bare, did_you_mean, shown, text_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, TypeVar

    Read = TypeVar("Read")

FORMS = ("nic", "mac", "network", "subnet")
SELECTORS = "nic=eth0, mac=fa:16:3e:00:00:01, network=ID or subnet=10.65.0.0/24"


# ---- addresses --------------------------------------------------------------------------------------


def _address(text: str) -> Address:
    try:
        return parse_address(text)
    except ValueError:
        raise ValueError(f"{shown(text)} is not an IP address") from None


def _prefix(text: str) -> Prefix:
    address = _address(text.partition("/")[0])
    try:
        return parse_prefix(text)
    except ValueError:
        raise ValueError(f"prefix length must be 0 to {len(address) * 8}") from None


def _destination(text: str) -> Prefix:
    return network_of(_prefix(text))


def ignored_destination(value: object, place: Place) -> Prefix:
    return _destination(text_of(value, "a prefix such as 11.11.0.0/16"))


def _next_hop(text: str) -> Address:
    address = _address(text)
    if special_kind(Prefix(address, len(address) * 8)) not in ("", "link-local"):
        raise ValueError(f"{text} can't be a next hop")
    return address


def host_route(value: object, place: Place) -> HostRoute:
    destination_text, next_hop_text = _written_route(value)
    if destination_text == "default":
        raise ValueError("a default route is written 0.0.0.0/0 or ::/0")
    written, next_hop = _prefix(destination_text), _next_hop(next_hop_text)
    destination = network_of(written)
    if destination.is_default and any(written.address):
        raise ValueError(f"{written} is no destination; the default route is {destination}")
    if len(destination.address) != len(next_hop):
        raise ValueError(f"IPv{family_of(destination.address)} destination with an IPv{family_of(next_hop)} next hop")
    kind = special_kind(destination)
    if kind:
        raise ValueError(f"{destination} is {kind}: no destination for a host route")
    return HostRoute(destination, next_hop, place.source, SETTINGS, int(str(place.item)))


def legible_route(text: str) -> tuple[Prefix | None, Address | None]:
    """What can be read of a host route that is none: its destination and its next hop."""
    destination_text, _, next_hop_text = text.partition(",")
    return _legible(_destination, destination_text), _legible(_next_hop, next_hop_text)


def _legible(read: Callable[[str], Read], text: str) -> Read | None:
    try:
        return read(text)
    except ValueError:
        return None


def _written_route(value: object) -> tuple[str, str]:
    """The texts of destination and next hop, from either form of a host route."""
    if isinstance(value, dict):
        for key in value:
            if key not in ("destination", "nexthop"):
                raise ValueError(f"no such key: {bare(key)}; it has `destination` and `nexthop`")
        if len(value) < 2:
            raise ValueError("needs both `destination` and `nexthop`")
        return (
            text_of(value["destination"], "destination,nexthop: the destination is not text"),
            text_of(value["nexthop"], "destination,nexthop: the nexthop is not text"),
        )
    form = "destination,nexthop, such as 11.11.0.0/16,11.8.0.1"
    text = text_of(value, form)
    if "=" in text:
        parts = dict(part.strip().partition("=")[::2] for part in text.split(","))
        written = (parts.get("destination", "11.11.0.0/16"), parts.get("gateway", parts.get("nexthop", "11.8.0.1")))
        raise ValueError(f"write it as {bare(','.join(written))}")
    if text.count(",") != 1:
        raise ValueError(f"must be {form}")
    destination, next_hop = (part.strip() for part in text.split(","))
    return destination, next_hop


# ---- selectors --------------------------------------------------------------------------------------


def parse_mac(text: str) -> bytes | None:
    """The six bytes of fa:16:3e:00:00:01; None for anything else."""
    parts = text.replace("-", ":").split(":")
    if len(parts) != 6 or not all(len(part) == 2 and part.isascii() and part.isalnum() for part in parts):
        return None
    try:
        return bytes.fromhex("".join(parts))
    except ValueError:
        return None


def is_nic_name(text: str) -> bool:
    """Whether the kernel takes it for one. Source: net/core/dev.c, dev_valid_name."""
    plain = not any(character in "/:" or character.isspace() for character in text)
    return plain and text not in ("", ".", "..") and len(text.encode()) <= 15


def _quote_mac(value: int) -> str:
    """The problem of a MAC that YAML 1.1 read as a number in base 60."""
    parts: list[int] = []
    for _ in range(5):
        value, part = divmod(value, 60)
        parts.append(part)
    mac = ":".join(f"{part:02}" for part in [value, *reversed(parts)])
    return f'YAML reads an unquoted MAC of digits as a number: put it in quotes: "{mac}"'


def _chosen(form: str, value: object) -> Selector:
    """A selector of the form nic, mac, network or subnet."""
    if form not in FORMS:
        raise ValueError(f"must be {SELECTORS}" + did_you_mean(form, FORMS))
    if form == "mac":
        if isinstance(value, int) and 60**5 <= value < 100 * 60**5:
            raise ValueError(_quote_mac(value))
        mac = parse_mac(value) if isinstance(value, str) else None
        if mac is None:
            raise ValueError("mac must be 6 bytes, such as fa:16:3e:00:00:01")
        return Selector(mac=mac)
    text = text_of(value, f"{form}=TEXT")
    if form == "subnet":
        return Selector(subnet=network_of(_prefix(text)))
    if form == "nic":
        if not is_nic_name(text):
            raise ValueError("nic must be the name of a NIC: at most 15 characters, without spaces and slashes")
        return Selector(nic=text)
    return Selector(network=text)


def default(value: object, place: Place) -> Selector | None:
    if value == "auto":
        return None
    if isinstance(value, int) and 60**5 <= value < 100 * 60**5:
        raise ValueError(_quote_mac(value))
    if isinstance(value, dict):
        if len(value) != 1:
            raise ValueError("needs exactly one of nic, mac, network, subnet")
        ((form, chosen),) = value.items()
        return _chosen(str(form) if isinstance(form, str) else "", chosen)
    if not isinstance(value, str) or "=" not in value:
        raise ValueError(f"must be auto, {SELECTORS}")
    return _chosen(*(part.strip() for part in value.split("=", 1)))


def _bare_selector(value: object) -> Selector:
    """`eth1`, a MAC, a network's id or a subnet; or a form with its name in front (`network=eth1`)."""
    if isinstance(value, int) and 60**5 <= value < 100 * 60**5:
        raise ValueError(_quote_mac(value))
    text = text_of(value, "the name of a NIC, a MAC, a network's id or a subnet")
    if "=" in text:
        return _chosen(*(part.strip() for part in text.split("=", 1)))
    if "/" in text:
        return _chosen("subnet", text)
    if parse_mac(text) is not None:
        return _chosen("mac", text)
    return _chosen("network" if len(text) > 15 else "nic", text)


def gateway(value: object, place: Place) -> GatewaySetting:
    """An item of the mapping as (selector, address), or `selector=address`."""
    if isinstance(value, str):
        chosen, equals, written = (part.strip() for part in value.rpartition("="))
        if not equals:
            raise ValueError("must be selector=address, such as eth1=11.8.0.1")
        value = (chosen, written)
    if not isinstance(value, tuple):
        raise ValueError("must be selector=address, such as eth1=11.8.0.1")
    selector, address = _bare_selector(value[0]), _next_hop(text_of(value[1], "an IP address"))
    return GatewaySetting(selector, address, f"gateways[{bare(value[0])}] of {place.source}")
