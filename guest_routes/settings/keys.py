"""Each settings key, once: its name, help, default, and how its value is read. Pure.

The same readers serve YAML, the cloud-init stanza and flags, so every value has the same shape in all three.
"""

from __future__ import annotations

from ..model.namedtuple import NamedTuple
from ..model.settings import (
    DEFAULT_MODES,
    ENGINES,
    METADATA_URLS,
    NEXT_HOPS,
    SOURCE_ROUTING_PRIORITY,
    SOURCE_ROUTING_TABLE,
    SOURCES,
)
from .route_values import SELECTORS, default, gateway, host_route, ignored_destination
from .values import (
    Place,
    boolean,
    metric,
    nic_pattern,
    one_of,
    protocol,
    seconds,
    source_routing_priority,
    source_routing_table,
    table,
    url,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable


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


KEYS: tuple[Key, ...] = (
    Key("enabled", "whether to do anything at all", "BOOLEAN", "true", boolean),
    Key("default", f"the NIC with the default route: auto, {SELECTORS}", "SELECTOR", "auto", default),
    Key("default_mode", "extra default routes: enforce removes, demote worsens, observe reports", "MODE", "enforce",
        one_of(DEFAULT_MODES)),
    Key("next_hops", "gateway: only NICs' gateways as next hops; on-link: any address in a NIC's subnet", "WHICH",
        "gateway", one_of(NEXT_HOPS)),
    Key("routes", "host routes beside the metadata's, as destination,nexthop", "ROUTE", "none", host_route, many=True),
    Key("gateways", "a NIC's gateway, by its name, MAC, network id or subnet", "NIC=IP", "none", gateway, many=True),
    Key("sources", "where routes may come from, the first before the others", "SOURCES", ",".join(SOURCES),
        one_of(SOURCES), many=True, commas=True),
    Key("metadata_urls", "base addresses of the metadata service", "URLS", ",".join(METADATA_URLS), url, many=True,
        commas=True),
    Key("metric", "metric of our routes; 0 is 1023 for IPv6", "NUMBER", "0", metric),
    Key("table", "routing table of our routes, main or a number", "TABLE", "main", table),
    Key("protocol", "route protocol that marks our routes", "NUMBER", "121", protocol),
    Key("ignore_nics", "NICs to leave alone, by name or pattern (docker*)", "NICS", "none", nic_pattern, many=True,
        commas=True),
    Key("ignore_destinations", "prefixes whose host routes are left alone", "PREFIXES", "none", ignored_destination,
        many=True, commas=True),
    Key("refresh_seconds", "how often the service fetches the metadata again", "SECONDS", "300", seconds),
    Key("deadline_seconds", "how long fetching the metadata may take in all", "SECONDS", "10", seconds),
    Key("correct_rendered", "whether what cloud-init rendered for the network manager is corrected", "BOOLEAN", "true",
        boolean),
    Key("source_routing", "whether packets that carry a NIC's address leave by that NIC", "BOOLEAN", "false", boolean),
    Key("source_routing_table", "a NIC's table for source_routing is this and its ifindex", "NUMBER",
        str(SOURCE_ROUTING_TABLE), source_routing_table),
    Key("source_routing_priority", "priority of the rules of source_routing", "NUMBER", str(SOURCE_ROUTING_PRIORITY),
        source_routing_priority),
    Key("engine", "how the kernel is spoken to: rtnetlink or pyroute2", "ENGINE", "rtnetlink", one_of(ENGINES)),
)  # fmt: skip
BY_NAME: dict[str, Key] = {key.name: key for key in KEYS}
