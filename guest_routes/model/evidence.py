"""Everything that a pass knows before it decides, each item with where it is from, as values."""

from __future__ import annotations

from .namedtuple import NamedTuple
from .network import Address, KernelState, Prefix, Route
from .network_data import NetworkData

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal, TypeAlias

    from .document import Document
    from .lease import Lease, LeaseSet
    from .network import Nic
    from .network_data import HostRoute, Problem
    from .settings import GatewaySetting

GatewayKind: TypeAlias = "Literal['settings', 'property', 'document', 'lease', 'advertised', 'kernel', 'recorded']"
"""What a NIC's gateway is known from (R2)."""
BY_DEFAULTS: tuple[GatewayKind, ...] = ("advertised", "kernel", "recorded")
"""Those of default routes in the kernel, present or recorded, which say nothing of a network by themselves."""


class GatewayEvidence(NamedTuple):
    """How a NIC's gateway is known."""

    kind: GatewayKind
    place: str = ""
    """settings, property, document: `gateways[eth1] of /etc/guest-routes.yaml`, `networks[1].routes[0]`."""
    lease: Lease | None = None
    option: int = 0
    """lease: the DHCP option that names it, 3, 121 or 249."""
    index: int = 0  # type: ignore[assignment]  # tuple.index is of no use here
    """lease: which entry of option 121 or 249."""
    expired: bool = False
    """lease: it has run out."""
    gateway: Address = b""
    """advertised, kernel, recorded: of that default route; settings: the entry's."""
    nic: str = ""
    """advertised, kernel, recorded: the name of the NIC that the route leads through; settings: the same of the route
    that an entry corrects, where the NIC has been renumbered."""
    setting: GatewaySetting | None = None
    """settings: the entry of `gateways`; None for a default entry of `routes`."""


class Contradiction(NamedTuple):
    """Why nothing tells a network's NIC, although one has the MAC of its link (R2)."""

    kind: Literal["doubled-mac", "doubled-id", "address-elsewhere", "subnet-elsewhere", "other-network"]
    """doubled-mac: another link has the MAC, and its network's address is there. doubled-id: one has the id, and other
    addresses are there. address-elsewhere: another link's NIC has the network's address. subnet-elsewhere: the NIC is
    in the subnet of another network, which isn't on its own. other-network: it has no address, and another network of
    its link is contradicted."""
    nic: str
    """The name of the NIC with the MAC."""
    other: str = ""
    """address-elsewhere: the name of the NIC with the address; subnet-elsewhere: `networks[1]`."""


class RecordedDefault(NamedTuple):
    """A default of another program that a pass took away (R4)."""

    route: Route
    """With the indexes that its NICs have now."""
    order: tuple[Route, ...] = ()
    """The routes of its key as that pass found them, itself among them, in the kernel's order; () where unknown."""
    absent: tuple[Nic, ...] = ()
    """Its NICs that are not there, with the index and name that they had."""
    expired: bool = False
    """It had a lifetime, which has passed."""
    outside: tuple[int, ...] = ()
    """The indexes of NICs in `order` that the metadata didn't describe."""


class Elsewhere(NamedTuple):
    """Routes of ours in a table, or with a protocol, that the settings don't name any more."""

    table: int
    protocol: int
    routes: int
    rules: int = 0
    """Source routing's of that protocol, where the settings name another one: packets go by them (R21)."""


class Evidence(NamedTuple):
    """What one pass goes by. evidence.gather() gathers it; routing.decide() decides on it."""

    document: Document
    data: NetworkData
    """What the document says."""
    kernel: KernelState
    """The NICs, the routes of the settings' table, and the rules."""
    recorded_defaults: tuple[Route, ...] = ()
    """Foreign defaults that passes took away (R4), the last first."""
    properties: tuple[HostRoute, ...] = ()
    """The host routes of the instance's property guest_routes."""
    property_damage: tuple[Problem, ...] = ()
    """What in it can't be read; also among `problems`."""
    leases: LeaseSet | None = None
    """The DHCP leases of NICs that the document omits; None where it omits none."""
    lease_routes: tuple[HostRoute, ...] = ()
    """The host routes of these leases."""
    copied_leases: LeaseSet | None = None
    """The leases of NICs with routes that may be copies of host routes (R20); None where there are none."""
    notes: tuple[Problem, ...] = ()
    """Oddities that nobody has to do anything about."""
    problems: tuple[Problem, ...] = ()
    """What is wrong in the document, the property, the leases and the files of state."""
    elsewhere: tuple[Elsewhere, ...] = ()
    """Where passes of this boot with other settings have left routes (R18)."""
    settings_routes: frozenset[Prefix] = frozenset()
    """Destinations of routes of ours that the settings named in the passes of this boot before (R6)."""
    known_macs: tuple[bytes, ...] = ()
    """What the last accepted document described (R6)."""
    known_data: NetworkData | None = None
    """What it said, where this one says something else and another program has a default: it may have elected that."""
    replaceable: bool = False
    """The last known good document is there to stay in force in place of this one (R6)."""
    agreeing_fetches: int = 0
    """How many fetches in a row brought this same evidence, this one included; 0 where it wasn't fetched (R6)."""
    projected: bool = False
    """The NICs are as the document will have them configured, not as they are (routing.project)."""

    @property
    def source(self) -> str:
        """What kind of place the document is from."""
        return self.document.source
