"""The settings of a pass as one frozen value. The package settings reads them."""

from __future__ import annotations

from .namedtuple import NamedTuple
from .network import LOCAL_TABLE, MAIN_TABLE, OUR_PROTOCOL, Address, Prefix
from .network_data import HostRoute

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Sequence

    from .network import Nic

DOCUMENT_SOURCES = ("http", "config-drive", "last-known-good", "cloud-init")
"""Where network_data.json may come from: alternatives of each other."""
SOURCES = ("settings", "properties", *DOCUMENT_SOURCES, "leases")
"""Where host routes come from, the first before the others; the document's stand where its first source does."""
ENGINES = ("rtnetlink", "pyroute2")
DEFAULT_MODES = ("enforce", "demote", "observe")
NEXT_HOPS = ("gateway", "on-link")
METADATA_URLS = ("http://169.254.169.254", "http://[fe80::a9fe:a9fe]")
"""OpenStack's metadata addresses. Source: Nova's metadata documentation, "Metadata service"."""

SOURCE_ROUTING_TABLE = 12100
FOREIGN_PROTOCOLS = (0, 1, 2, 3, 4, *range(8, 19), 42, 84, 99, *range(186, 190), 192)
"""Route protocols of others, by name: the kernel, operators, routing daemons, DHCP clients.

Source: include/uapi/linux/rtnetlink.h, RTPROT_*; iproute2, etc/iproute2/rt_protos.
"""
IFINDEXES = 1 << 20
"""More than a machine has had NICs since it started."""
SOURCE_ROUTING_PRIORITY = 32765
"""The last before the main table's 32766: whatever a VPN puts before main comes before ours."""


def has_room_for_ours(table: object, protocol: object) -> bool:
    """Whether settings can name them: no table of the kernel's own, no protocol of other programs (R1)."""
    return (
        type(table) is int
        and 0 < table < 1 << 32
        and table != LOCAL_TABLE
        and type(protocol) is int
        and 0 < protocol < 256
        and protocol not in FOREIGN_PROTOCOLS
    )


def is_ignored(nic: Nic, patterns: Sequence[str]) -> bool:
    """Whether `ignore_nics` covers a NIC."""
    return any(_fits(nic.name, pattern) for pattern in patterns)


def _fits(name: str, pattern: str) -> bool:
    """As fnmatch has it, which brings re: half a megabyte in the service, and a fifth of a pass that changes nothing.

    A name, and the beginning of one as in docker*, go without it.
    """
    beginning = pattern.removesuffix("*")
    if not any(mark in beginning for mark in "*?["):
        return name == pattern or (beginning != pattern and name.startswith(beginning))
    from fnmatch import fnmatchcase

    return fnmatchcase(name, pattern)


def fingerprint(settings: Settings) -> str:
    """The same for equal settings, in every process and boot.

    Not hashlib: it would bring four megabytes of libcrypto into the service.
    """
    import binascii

    return f"{binascii.crc32(repr(settings).encode('utf-8', 'backslashreplace')):08x}"


class Selector(NamedTuple):
    """Names one NIC or network; exactly one field is set."""

    nic: str = ""
    """The kernel's interface name."""
    mac: bytes = b""
    network: str = ""
    """A network's `id` or `network_id` in network_data.json."""
    subnet: Prefix | None = None
    """The subnet of the NIC's address."""

    def __str__(self) -> str:
        if self.mac:
            return f"mac {self.mac.hex(':')}"
        if self.subnet is not None:
            return f"subnet {self.subnet}"
        return f"network {self.network}" if self.network else f"nic {self.nic}"


class GatewaySetting(NamedTuple):
    """An entry of `gateways`: the operator's word for a NIC's gateway, the best evidence (R2)."""

    selector: Selector
    gateway: Address
    place: str
    """`gateways[eth1] of /etc/guest-routes.yaml`"""


class Origin(NamedTuple):
    """Where a value of the settings is from."""

    source: str
    """A file's name, or settings.values.COMMAND_LINE."""
    line: int = 0
    """Of the file; 0 where it is unknown."""


class Settings(NamedTuple):
    """The merged settings; the defaults here are the documented defaults."""

    enabled: bool = True
    default: Selector | None = None
    """Which NIC has the default route; None: elected (R4)."""
    default_mode: str = "enforce"
    next_hops: str = "gateway"
    routes: tuple[HostRoute, ...] = ()
    gateways: tuple[GatewaySetting, ...] = ()
    sources: tuple[str, ...] = SOURCES
    metadata_urls: tuple[str, ...] = METADATA_URLS
    metric: int = 0
    """0: the kernel's best for IPv4, and 1023 for IPv6, just before the 1024 that everybody else gets."""
    table: int = MAIN_TABLE
    protocol: int = OUR_PROTOCOL
    ignore_nics: tuple[str, ...] = ()
    """Shell patterns of interface names that are left alone."""
    ignore_destinations: tuple[Prefix, ...] = ()
    """Host routes inside these prefixes are left alone."""
    refresh_seconds: float = 300.0
    deadline_seconds: float = 10.0
    """The overall deadline for fetching the metadata."""
    correct_rendered: bool = True
    """Whether `correct` may change what cloud-init rendered for the network manager."""
    source_routing: bool = False
    """Whether packets that carry an address of a NIC leave by that NIC (R21)."""
    source_routing_table: int = SOURCE_ROUTING_TABLE
    """The table of the NIC with ifindex 0, which none has: a NIC's is this plus its ifindex."""
    source_routing_priority: int = SOURCE_ROUTING_PRIORITY
    """Of the rules that look these tables up."""
    engine: str = "rtnetlink"

    @property
    def source_routing_tables(self) -> range:
        """The numbers that tables of source routing can have; none where it is off."""
        first = self.source_routing_table
        return range(first, first + IFINDEXES) if self.source_routing else range(0)

    @property
    def document_sources(self) -> tuple[str, ...]:
        """Those of `sources` that a network_data.json may come from, in order."""
        return tuple(source for source in self.sources if source in DOCUMENT_SOURCES)

    @property
    def precedence(self) -> tuple[str, ...]:
        """What counts first of settings, properties, metadata and leases; without those that are turned off.

        `routes` are wanted by whoever wrote them: where `sources` doesn't name the settings, they come first.
        """
        names = ["metadata" if source in DOCUMENT_SOURCES else source for source in self.sources]
        return tuple(dict.fromkeys(names if "settings" in names else ["settings", *names]))

    def from_documents(self, *sources: str) -> Settings:
        """The same with the document from these sources only, and everything else where it stands."""
        own = self.document_sources
        place = self.sources.index(own[0]) if own else len(self.sources)
        before = [source for source in self.sources[:place] if source not in own]
        behind = [source for source in self.sources[place:] if source not in own]
        return self._replace(sources=(*before, *sources, *behind))
