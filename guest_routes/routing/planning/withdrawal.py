"""What `withdraw` does to the table: recorded defaults come back first, then ours go (R4, R7). Pure.

Where our own default is the only one, it is handed over instead of taken: the same route without our protocol stays,
since a machine without any default is cut off.
"""

from __future__ import annotations

from ...model.network import PROTOCOL_BOOT, PROTOCOL_RA, NextHop, Prefix, Route
from ...model.operations import Delete, RemoveForeignDefault, RestoreDefault
from ...model.plan import Plan
from ..compare import next_hops
from ..ownership import is_ours

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterable, Sequence, TypeAlias

    from ...model.network import Address, KernelState
    from ...model.settings import Settings

    Key: TypeAlias = tuple[Prefix, Address | None, int, int, int, int, tuple[NextHop, ...]]


def plan_withdrawal(before: KernelState, recorded: Sequence[Route], settings: Settings) -> Plan:
    """Recorded defaults come back first, then ours go."""
    ours = [route for route in before.routes if is_ours(route, settings)]
    foreign = [route for route in before.routes if not is_ours(route, settings)]
    restored = _restored(foreign, recorded)
    heirs = (_handed_over(_defaults(ours, family), _defaults([*foreign, *restored], family)) for family in (4, 6))
    return Plan(
        (
            *(RestoreDefault(route, "recorded") for route in restored),
            *(RestoreDefault(heir, "handed-over") for heir in heirs if heir is not None),
        ),
        (
            *(Delete(route, "withdrawn") for route in ours),
            *(RemoveForeignDefault(part, "whole-route-back") for part in _parts(foreign, restored)),
        ),
    )


def _parts(foreign: Sequence[Route], restored: Sequence[Route]) -> Iterable[Route]:
    """What passes left of the multipath defaults that come back whole, each once."""
    return dict.fromkeys(part for whole in restored for part in foreign if _is_part(part, whole))


def _defaults(routes: Sequence[Route], family: int) -> list[Route]:
    return [route for route in routes if route.family == family and route.destination.is_default]


def _restored(foreign: Sequence[Route], recorded: Sequence[Route]) -> list[Route]:
    """The recorded defaults that are not there, those without a gateway first: others may be reached by them.

    A router's announcement would come back without its lifetime; its next one brings it.
    """
    present = {_key(route) for route in foreign}
    restored = []
    for route in sorted(recorded, key=_has_gateway):
        if route.protocol != PROTOCOL_RA and _key(route) not in present:
            restored.append(route)
            present.add(_key(route))
    return restored


def _handed_over(ours: Sequence[Route], others: Sequence[Route]) -> Route | None:
    """Our best default of a family under another protocol, where no other program has one."""
    if others or not ours:
        return None
    best = min(ours, key=lambda route: route.metric)
    metric = best.metric
    while best.family == 6 and metric in {route.metric for route in ours}:
        metric += 1  # IPv6 would merge two of one metric: the heir stands just behind.
    return best._replace(protocol=PROTOCOL_BOOT, metric=metric)


def _has_gateway(route: Route) -> bool:
    return any(gateway is not None for gateway, _ in next_hops(route))


def _is_part(route: Route, whole: Route) -> bool:
    """Whether it is what a pass left of an IPv4 multipath default: some of its next hops, or one as a route."""
    hops = {(hop.gateway, hop.ifindex) for hop in whole.nexthops}
    same = _key(route)[3:-1] == _key(whole)[3:-1] and route.destination == whole.destination
    return same and set(next_hops(route)) < hops


def _key(route: Route) -> Key:
    """What tells routes apart. IPv6 has no two that differ in their protocol only."""
    protocol = route.protocol if route.family == 4 else 0
    return route.destination, route.gateway, route.ifindex, route.metric, protocol, route.tos, route.nexthops
