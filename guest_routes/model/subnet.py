"""Neutron's subnets and what is wrong with their host routes, as values."""

from __future__ import annotations

from .namedtuple import NamedTuple
from .network import Address, Prefix

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal, TypeAlias

SubnetFindingKind: TypeAlias = "Literal['no-gateway', 'no-subnet', 'metadata', 'conflict', 'duplicate', 'no-effect']"
"""What is wrong with a host route of a subnet."""


class SubnetRoute(NamedTuple):
    """A host route as a subnet lists it."""

    destination: Prefix
    next_hop: Address


class Subnet(NamedTuple):
    """One subnet, by whichever of Neutron's faces it was read."""

    id: str
    name: str
    project: str
    prefix: Prefix
    gateway: Address | None
    routes: tuple[SubnetRoute, ...] = ()

    def __str__(self) -> str:
        return self.name or self.id


class Correction(NamedTuple):
    """One `openstack subnet set` or `unset` of a host route."""

    add: bool
    subnet: Subnet
    route: SubnetRoute


class SubnetFinding(NamedTuple):
    """One host route that would go wrong, or do nothing."""

    kind: SubnetFindingKind
    """no-gateway: its next hop is in a subnet, and is not its gateway; no-subnet: it is in no subnet; metadata: it
    leads the metadata address away; conflict: another subnet, or this one, has the destination by another gateway;
    duplicate: another subnet has the same route; no-effect: where it is listed there is one gateway only."""
    subnet: Subnet
    route: SubnetRoute
    other: Subnet | None = None
    """The subnet that the next hop is in (no-gateway), or that has the other route."""
    other_route: SubnetRoute | None = None
    corrections: tuple[Correction, ...] = ()
    """What removes the finding, in order."""
