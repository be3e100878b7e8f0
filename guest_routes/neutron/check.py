"""Host routes that would go wrong on an instance, found among the subnets that it may have. Pure.

Subnets are compared within their project. Other projects' count where they may be of a network that is shared with it,
which a list of subnets doesn't tell: a next hop that is their gateway is right, and beside them no subnet is alone.
What is right is docs/rules.md's R2, R3 and R12: the next hop of a host route is the gateway of the subnet that the
traffic should leave by, and names it.
"""

from __future__ import annotations

from ..model.namedtuple import NamedTuple
from ..model.network import Prefix, contains, family_of, network_of, parse_address
from ..model.subnet import Correction, Subnet, SubnetFinding, SubnetRoute

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterator, Sequence

    from ..model.network import Address
    from ..model.subnet import SubnetFindingKind

METADATA = tuple(map(parse_address, ("169.254.169.254", "fe80::a9fe:a9fe")))
"""Where an instance asks for its metadata. Source: Nova's documentation, "Metadata service"."""


def check(subnets: Sequence[Subnet]) -> list[SubnetFinding]:
    """Every finding, in the subnets' order; a host route has at most one."""
    projects: dict[str, list[Subnet]] = {}
    for subnet in subnets:
        projects.setdefault(subnet.project, []).append(subnet)
    gateways = [subnet.gateway for subnet in subnets if subnet.gateway is not None]
    families = list(map(family_of, gateways))
    alone = {family for family in (4, 6) if families.count(family) == 1}
    known = {project: _Project(members, frozenset(gateways), alone) for project, members in projects.items()}
    return [
        finding
        for subnet in subnets
        for route in subnet.routes
        for finding in known[subnet.project].findings(subnet, route)
    ]


class _Wrong(NamedTuple):
    """What is wrong with a host route, whatever others there are."""

    kind: SubnetFindingKind
    home: Subnet | None = None
    """The subnet that its next hop is in."""


class _Project:
    """The subnets that one instance may have.

    Args:
        everyones: the gateways of all projects, whose networks may be shared with this one.
        alone: families of which there is one gateway only: the default leaves by it anyway.
    """

    def __init__(self, subnets: Sequence[Subnet], everyones: frozenset[Address], alone: set[int]) -> None:
        self._homes: dict[Prefix, Subnet] = {}
        self._gateways: dict[Address, Subnet] = {}
        for subnet in subnets:
            self._homes.setdefault(subnet.prefix, subnet)
            if subnet.gateway is not None:
                self._gateways.setdefault(subnet.gateway, subnet)
        self._lengths = sorted({prefix.length for prefix in self._homes}, reverse=True)
        self._everyones, self._alone = everyones, alone
        self._first: dict[Prefix, tuple[Subnet, SubnetRoute]] = {}
        """By destination, the first host route that is right in itself: it counts."""
        replaced: dict[Prefix, tuple[Subnet, SubnetRoute]] = {}
        for subnet in subnets:
            for route in subnet.routes:
                known = replaced if self._wrong(subnet, route) else self._first
                known.setdefault(route.destination, (subnet, route))
        self._replaced = {one for destination, one in replaced.items() if destination not in self._first}
        """By destination, the first wrong one where none is right: it is replaced, and others only go."""

    def findings(self, subnet: Subnet, route: SubnetRoute) -> Iterator[SubnetFinding]:
        """What is wrong with one host route: nothing, or one thing."""
        gone = Correction(False, subnet, route)
        wrong = self._wrong(subnet, route)
        if wrong is not None:
            yield SubnetFinding(
                wrong.kind, subnet, route, wrong.home, None, (*self._replacement(subnet, route, wrong), gone)
            )
            return
        other, first = self._first[route.destination]
        if other is subnet and first is route:
            return
        kind: SubnetFindingKind = "duplicate" if first.next_hop == route.next_hop else "conflict"
        yield SubnetFinding(kind, subnet, route, other, first, (gone,))

    def _wrong(self, subnet: Subnet, route: SubnetRoute) -> _Wrong | None:
        if _is_metadata_route(route):
            return None  # Neutron's DHCP port lists it of itself, and it can't be unset.
        if any(contains(route.destination, address) for address in METADATA) and not route.destination.is_default:
            return _Wrong("metadata")
        target = self._gateways.get(route.next_hop)
        if target is not None:
            return _Wrong("no-effect") if target is subnet and family_of(route.next_hop) in self._alone else None
        home = self._home(route.next_hop)
        if home is None:
            return None if route.next_hop in self._everyones else _Wrong("no-subnet")
        return None if home.gateway is None else _Wrong("no-gateway", home)

    def _replacement(self, subnet: Subnet, route: SubnetRoute, wrong: _Wrong) -> Iterator[Correction]:
        """The same destination by the right gateway, where that leaves nothing wrong."""
        if wrong.home is not None and wrong.home.gateway is not None and (subnet, route) in self._replaced:
            right = SubnetRoute(route.destination, wrong.home.gateway)
            if self._wrong(subnet, right) is None:
                yield Correction(True, subnet, right)

    def _home(self, address: Address) -> Subnet | None:
        """The subnet that an address is in: the longest prefix."""
        lengths = (length for length in self._lengths if length <= len(address) * 8)
        homes = (self._homes.get(network_of(Prefix(address, length))) for length in lengths)
        return next((home for home in homes if home is not None), None)


def _is_metadata_route(route: SubnetRoute) -> bool:
    return route.destination.address in METADATA and route.destination.length == len(route.destination.address) * 8
