"""Which NICs have source routing, with their gateways and table numbers. Pure."""

from __future__ import annotations

from ...model.decision import Elected
from ...model.namedtuple import NamedTuple
from ...model.network import family_of, is_link_local
from ..ownership import is_our_rule, is_ours

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterable, Sequence

    from ...model.decision import Binding, Election
    from ...model.network import Address, KernelState, Nic, Route
    from ...model.settings import Settings


LOOPBACK = 127
"""The first byte of addresses that never leave a machine (RFC 1122, 3.2.1.3)."""


class Gateway(NamedTuple):
    """One NIC of the document in one family, and where its packets go that no route of its own is for."""

    nic: Nic
    family: int
    gateway: Address


def table_of(nic: Nic, settings: Settings) -> int:
    """The number of a NIC's table. An ifindex is never used twice, so the number never moves to another NIC."""
    return settings.source_routing_table + nic.ifindex


def tables_to_read(state: KernelState, settings: Settings, written: Iterable[int]) -> tuple[int, ...]:
    """The tables that matter: NICs' that have an address, those that rules of ours look up, and what passes wrote."""
    ours = {rule.table for rule in state.rules if is_our_rule(rule, settings)}
    ours.update(written)
    ours.update(table_of(nic, settings) for nic in state.nics if nic.addresses)
    return tuple(sorted(ours - {settings.table}))


def is_for_its_link(address: Address) -> bool:
    """Whether an address is link-local: no router forwards its packets, and it has no rule (RFC 3927, RFC 4291)."""
    return is_link_local(address) or address[:2] == b"\xa9\xfe"


def sources(nic: Nic, family: int) -> list[Address]:
    """The addresses of a NIC that its packets can carry past its own link: none of the loopback's (127.0.0.0/8)."""
    own = (prefix.address for prefix in nic.addresses if family_of(prefix.address) == family)
    usable = (address for address in own if family == 6 or address[0] != LOOPBACK)
    return list(dict.fromkeys(address for address in usable if not is_for_its_link(address)))


def gateways(
    bindings: Sequence[Binding], elections: Sequence[Election], present: Iterable[Route], settings: Settings
) -> tuple[Gateway, ...]:
    """Each usable NIC of the document with a gateway, once a family, in document order.

    The elected default's gateway comes before others of that NIC. Where the document omits the NIC's routes and nothing
    else names a gateway any more, the one that its table has stays, whatever that one's number (R6).

    Args:
        present: the routes of the NICs' tables.
    """
    elected = _elected(elections)
    had = {(route.family, route.ifindex): route.gateway for route in present if _is_gateways(route, settings)}
    found: dict[tuple[int, int], Gateway] = {}
    for binding in bindings:
        nic = binding.nic
        if nic is None or binding.network is None or not binding.is_usable():
            continue
        key = binding.family, nic.ifindex
        gateway = elected.get(key) or _gateway(binding, had.get(key))
        if gateway is not None:
            found.setdefault(key, Gateway(nic, binding.family, gateway))
    return tuple(one for one in found.values() if family_of(one.gateway) == one.family)


def _elected(elections: Sequence[Election]) -> dict[tuple[int, int], Address]:
    """The gateway of each family's default, by family and ifindex."""
    return {(one.family, one.nic.ifindex): one.gateway for one in elections if isinstance(one, Elected)}


def _gateway(binding: Binding, had: Address | None) -> Address | None:
    """A network's gateway; where the document omits its routes, the one that its NIC's table has."""
    omits = binding.network is not None and binding.network.omits_routes
    return had if binding.gateway is None and omits else binding.gateway_in_force


def _is_gateways(route: Route, settings: Settings) -> bool:
    return route.destination.is_default and route.gateway is not None and is_ours(route, settings)
