"""Each settings key, once: its name, help, default, and how its value is read. Pure.

The same readers serve YAML, the cloud-init stanza and flags, so every value has the same shape in all three.
A reader raises ValueError with what would be right; settings.py says where.
"""

from __future__ import annotations

from typing import Callable, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple, TypeVar

from .kernel import ENGINES
from .model import Address, HostRoute, Prefix, address_text, family_of, network_of, parse_address, parse_prefix
from .policy import DEFAULT_MODES, METADATA_URLS, NEXT_HOPS, SOURCES, GatewaySetting, Selector

T = TypeVar("T")
MAX_SECONDS = 1_000_000_000
FOREIGN_PROTOCOLS = (0, 1, 2, 3, 4, 9)
"""Route protocols the kernel, administrators and router advertisements use: unspec, redirect, kernel, boot, static, ra."""
_SELECTORS = "nic=eth0, mac=fa:16:3e:00:00:01, network=ID or subnet=10.65.0.0/24"
_SCALARS = (str, bool, int, float, type(None))


class Place(NamedTuple):
    """Where a value stands."""

    source: str
    """A file's name, or "the command line"."""
    key: str
    item: object = ""
    """An index or a mapping's key; "" for the whole value."""

    def __str__(self) -> str:
        if self.source == "the command line":
            return "--" + self.key.replace("_", "-")
        item = "" if self.item == "" else f"[{bare(self.item)}]"
        return f"{self.source}: {self.key}{item}"


class Key(NamedTuple):
    """One key of the settings."""

    name: str
    help: str
    metavar: str
    """The type, as help texts show it."""
    default: str
    read: Callable[[object, Place], object]
    """Reads the value, or one item of it where `many`; raises ValueError."""
    many: bool = False
    """A list; its flag can be given more than once, and later lists replace earlier ones."""
    commas: bool = False
    """Text is split at commas into items."""

    @property
    def flag(self) -> str:
        """`--deadline-seconds`"""
        return "--" + self.name.replace("_", "-")


# ---- showing what was found -------------------------------------------------------------------------


def bare(value: object) -> str:
    """A value on one line of plain ASCII, shortened, without quotes."""
    text = (
        _short_int(value) if isinstance(value, int) else ascii(value)[1:-1] if isinstance(value, str) else ascii(value)
    )
    return text if len(text) <= 80 else text[:77] + "..."


def shown(value: object) -> str:
    """A value as a complaint quotes it, in YAML's spelling."""
    if isinstance(value, str):
        return f'"{bare(value)}"'
    if value is None:
        return "null"
    if isinstance(value, Mapping):
        if value and len(value) <= 4 and all(isinstance(part, _SCALARS) for pair in value.items() for part in pair):
            return "{" + ", ".join(f"{bare(key)}: {bare(item)}" for key, item in value.items()) + "}"
        return "a mapping"
    return "a list" if isinstance(value, (list, tuple)) else bare(value)


def _short_int(value: int) -> str:
    return str(value).lower() if value.bit_length() < 200 else "a huge number"


# ---- single values ----------------------------------------------------------------------------------


def _text(value: object, what: str) -> str:
    if isinstance(value, str) and value.strip():
        return value.strip()
    if isinstance(value, int) and not isinstance(value, bool) and value >= 60:
        raise ValueError(f"must be {what}; YAML reads unquoted digits and colons as a number: put it in quotes")
    raise ValueError(f"must be {what}")


def _boolean(value: object, place: Place) -> bool:
    words = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
    word = value.lower() if isinstance(value, str) else value
    if isinstance(word, bool):
        return word
    if isinstance(word, str) and word in words:
        return words[word]
    raise ValueError("must be true or false")


def _one_of(names: Sequence[str]) -> Callable[[object, Place], str]:
    def read(value: object, place: Place) -> str:
        if value in names:
            return str(value)
        raise ValueError(f"must be {' or '.join(names)}" + did_you_mean(value, names))

    return read


def _whole(value: object, low: int, high: int, what: str) -> int:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 10:
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
        return value
    raise ValueError(f"must be {what}")


def _metric(value: object, place: Place) -> int:
    return _whole(value, 0, 2**32 - 1, "a number from 0 to 4294967295")


def _table(value: object, place: Place) -> int:
    if value == "main":
        return 254
    table = _whole(value, 1, 2**32 - 1, "main, or a number from 1 to 4294967295")
    if table == 255:
        raise ValueError("is the kernel's own table `local`; 254 is main")
    return table


def _protocol(value: object, place: Place) -> int:
    protocol = _whole(value, 1, 255, "a number from 1 to 255")
    if protocol in FOREIGN_PROTOCOLS:
        raise ValueError(
            "marks routes of the kernel or of other programs, which would be taken for ours; 121 is the default"
        )
    return protocol


def _seconds(value: object, place: Place) -> float:
    if isinstance(value, str) and value.isascii() and value.replace(".", "", 1).isdigit() and len(value) <= 20:
        value = float(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value <= MAX_SECONDS:
        return float(value)
    raise ValueError("must be a number of seconds above 0, such as 10")


def _nic_pattern(value: object, place: Place) -> str:
    pattern = _text(value, "the name of a NIC, or a pattern such as docker*")
    if "/" in pattern or any(character.isspace() for character in pattern):
        raise ValueError("must be the name of a NIC, or a pattern such as docker*, without spaces and slashes")
    return pattern


def _url(value: object, place: Place) -> str:
    from urllib.parse import urlsplit

    text = _text(value, "an http:// or https:// URL")
    try:
        parts = urlsplit(text)
        fine = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        fine = False
    if not fine or not text.isprintable() or any(character in text for character in " ?#@\\"):
        raise ValueError("must be an http:// or https:// URL, such as http://169.254.169.254")
    return text.rstrip("/")


# ---- addresses --------------------------------------------------------------------------------------


def _address(text: str) -> Address:
    try:
        return parse_address(text)
    except ValueError:
        raise ValueError(f"{shown(text)} is not an IP address") from None


def _prefix(text: str) -> Prefix:
    _address(text.partition("/")[0])
    try:
        return parse_prefix(text)
    except ValueError as error:
        raise ValueError(str(error).partition(": ")[0]) from None


def _ignored_destination(value: object, place: Place) -> Prefix:
    return network_of(_prefix(_text(value, "a prefix such as 11.11.0.0/16")))


def _next_hop(text: str) -> Address:
    address = _address(text)
    if _special(Prefix(address, len(address) * 8)):
        raise ValueError(f"{text} can't be a next hop")
    return address


def _special(prefix: Prefix) -> bool:
    """Whether it is multicast, reserved, loopback or unspecified (R12)."""
    first = prefix.address[0]
    if len(prefix.address) == 4:
        return first in (0, 127) or first >= 224
    return first == 0xFF or (prefix.length == 128 and prefix.address[:15] == bytes(15) and prefix.address[15] < 2)


def _host_route(value: object, place: Place) -> HostRoute:
    right = "must be destination,nexthop, such as 11.11.0.0/16,11.8.0.1"
    if isinstance(value, Mapping):
        for key in value:
            if key not in ("destination", "nexthop"):
                raise ValueError(f"no such key: {bare(key)}; it has `destination` and `nexthop`")
        if len(value) < 2:
            raise ValueError("needs both `destination` and `nexthop`")
        destination_text = _text(value["destination"], "destination,nexthop: the destination is not text")
        next_hop_text = _text(value["nexthop"], "destination,nexthop: the nexthop is not text")
    else:
        text = _text(value, right[8:])
        if "=" in text:
            parts = dict(part.strip().partition("=")[::2] for part in text.split(","))
            written = (parts.get("destination", "11.11.0.0/16"), parts.get("gateway", parts.get("nexthop", "11.8.0.1")))
            raise ValueError(f"write it as {bare(','.join(written))}")
        if text.count(",") != 1:
            raise ValueError(right)
        destination_text, next_hop_text = (part.strip() for part in text.split(","))
    if destination_text == "default":
        raise ValueError("a default route is no host route: use the setting `default`")
    destination, next_hop = network_of(_prefix(destination_text)), _next_hop(next_hop_text)
    if destination.is_default:
        raise ValueError("a default route is no host route: use the setting `default`")
    if len(destination.address) != len(next_hop):
        raise ValueError(f"IPv{family_of(destination.address)} destination with an IPv{family_of(next_hop)} next hop")
    if _special(destination):
        raise ValueError(
            f"{destination} is multicast, reserved, loopback or unspecified: no destination for a host route"
        )
    return HostRoute(destination, next_hop, place.source, -1, int(str(place.item)))


# ---- selectors --------------------------------------------------------------------------------------


def _mac(text: str) -> Optional[bytes]:
    parts = text.replace("-", ":").split(":")
    if len(parts) != 6 or not all(len(part) == 2 and part.isascii() and part.isalnum() for part in parts):
        return None
    try:
        return bytes.fromhex("".join(parts))
    except ValueError:
        return None


def _quote_mac(value: int) -> str:
    """What to say to a MAC that YAML 1.1 read as a number in base 60."""
    parts: List[int] = []
    for _ in range(5):
        value, part = divmod(value, 60)
        parts.append(part)
    mac = ":".join(f"{part:02}" for part in [value, *reversed(parts)])
    return f'YAML reads an unquoted MAC of digits as a number: put it in quotes: "{mac}"'


def _chosen(form: str, value: object) -> Selector:
    """A selector of the form nic, mac, network or subnet."""
    if form == "mac":
        if isinstance(value, int) and 60**5 <= value < 100 * 60**5:
            raise ValueError(_quote_mac(value))
        mac = _mac(value) if isinstance(value, str) else None
        if mac is None:
            raise ValueError("mac must be 6 bytes, such as fa:16:3e:00:00:01")
        return Selector(mac=mac)
    text = _text(value, f"{form}=TEXT")
    if form == "subnet":
        return Selector(subnet=network_of(_prefix(text)))
    if form == "nic":
        if len(text) > 15 or "/" in text or any(character.isspace() for character in text):
            raise ValueError("nic must be the name of a NIC: at most 15 characters, without spaces and slashes")
        return Selector(nic=text)
    if form == "network":
        return Selector(network=text)
    raise ValueError(f"must be {_SELECTORS}" + did_you_mean(form, ("nic", "mac", "network", "subnet")))


def _default(value: object, place: Place) -> Optional[Selector]:
    if value == "auto":
        return None
    if isinstance(value, int) and 60**5 <= value < 100 * 60**5:
        raise ValueError(_quote_mac(value))
    if isinstance(value, Mapping):
        if len(value) != 1:
            raise ValueError("needs exactly one of nic, mac, network, subnet")
        ((form, chosen),) = value.items()
        return _chosen(str(form) if isinstance(form, str) else "", chosen)
    if not isinstance(value, str) or "=" not in value:
        raise ValueError(f"must be auto, {_SELECTORS}")
    return _chosen(*(part.strip() for part in value.split("=", 1)))


def _bare_selector(value: object) -> Selector:
    """`eth1`, a MAC, a network's id or a subnet; or a form with its name in front (`network=eth1`)."""
    if isinstance(value, int) and 60**5 <= value < 100 * 60**5:
        raise ValueError(_quote_mac(value))
    text = _text(value, "the name of a NIC, a MAC, a network's id or a subnet")
    if "=" in text:
        return _chosen(*(part.strip() for part in text.split("=", 1)))
    if "/" in text:
        return _chosen("subnet", text)
    if _mac(text) is not None:
        return _chosen("mac", text)
    return _chosen("network" if len(text) > 15 else "nic", text)


def _gateway(value: object, place: Place) -> GatewaySetting:
    """An item of the mapping as (selector, address), or `selector=address`."""
    if isinstance(value, str):
        chosen, equals, written = (part.strip() for part in value.rpartition("="))
        if not equals:
            raise ValueError("must be selector=address, such as eth1=11.8.0.1")
        value = (chosen, written)
    if not isinstance(value, tuple):
        raise ValueError("must be selector=address, such as eth1=11.8.0.1")
    selector, address = _bare_selector(value[0]), _next_hop(_text(value[1], "an IP address"))
    return GatewaySetting(selector, address, f"gateways[{bare(value[0])}] of {place.source}")


def did_you_mean(value: object, names: Sequence[str]) -> str:
    """`; did you mean "default"?`, or nothing when nothing is close."""
    from difflib import get_close_matches

    close = get_close_matches(value.lower().replace("-", "_"), [name.replace("-", "_") for name in names], 1, 0.6) if (
        isinstance(value, str)
    ) else []  # fmt: skip
    return next((f'; did you mean "{name}"?' for name in names if [name.replace("-", "_")] == close), "")


KEYS: Tuple[Key, ...] = (
    Key("enabled", "whether to do anything at all", "BOOLEAN", "true", _boolean),
    Key("default", f"the NIC with the default route: auto, {_SELECTORS}", "SELECTOR", "auto", _default),
    Key("default_mode", "extra default routes: enforce removes, demote worsens, observe reports", "MODE", "enforce",
        _one_of(DEFAULT_MODES)),
    Key("next_hops", "gateway: only NICs' gateways as next hops; on-link: any address in a NIC's subnet", "WHICH",
        "gateway", _one_of(NEXT_HOPS)),
    Key("routes", "host routes beside the metadata's, as destination,nexthop", "ROUTE", "none", _host_route, many=True),
    Key("gateways", "a NIC's gateway, by NIC name, MAC, network id or subnet", "NIC=ADDRESS", "none", _gateway, many=True),
    Key("sources", "where the metadata may come from, in this order", "SOURCES", ",".join(SOURCES), _one_of(SOURCES),
        many=True, commas=True),
    Key("metadata_urls", "base addresses of the metadata service", "URLS", ",".join(METADATA_URLS), _url, many=True,
        commas=True),
    Key("metric", "metric of our routes; IPv6 has 1024 for 0", "NUMBER", "0", _metric),
    Key("table", "routing table of our routes, main or a number", "TABLE", "main", _table),
    Key("protocol", "route protocol that marks our routes", "NUMBER", "121", _protocol),
    Key("ignore_nics", "NICs to leave alone, by name or pattern (docker*)", "NICS", "none", _nic_pattern, many=True,
        commas=True),
    Key("ignore_destinations", "prefixes whose host routes are left alone", "PREFIXES", "none", _ignored_destination,
        many=True, commas=True),
    Key("refresh_seconds", "how often the service fetches the metadata again", "SECONDS", "300", _seconds),
    Key("deadline_seconds", "how long fetching the metadata may take in all", "SECONDS", "10", _seconds),
    Key("engine", "how the kernel is spoken to: rtnetlink or pyroute2", "ENGINE", "rtnetlink", _one_of(ENGINES)),
)  # fmt: skip
BY_NAME: Dict[str, Key] = {key.name: key for key in KEYS}
