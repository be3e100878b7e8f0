"""What `withdraw` does to the table: recorded defaults come back first, then ours go (R4, R7). Pure.

Where our own default is the only one, it is handed over instead of taken: the same route without our protocol stays,
since a machine without any default is cut off. In another table than main it goes where main has one. A recorded
default that can't come back as it was is left out, and named.
"""

from __future__ import annotations

from itertools import chain

from ...model.network import PROTOCOL_BOOT, UNICAST, Route, contains, is_link_local
from ...model.operations import Delete, RemoveForeignDefault, RestoreDefault
from ...model.plan import NotRestored, Plan
from ..compare import (
    equals_of,
    hops_of,
    ifindexes,
    is_advertised,
    is_next_hop,
    is_present,
    key_of,
    leads_out,
    next_hops,
    nexthops_outside,
    preference,
    same_route,
)
from ..ownership import is_ours, ours_of
from .default_metrics import WORST_METRIC
from .deletions import comes_between, is_deleted_for, is_named_by_protocol
from .restoration import Equals, former_order, is_back, restorations, within_reach

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Collection, Iterable, Sequence

    from ...model.evidence import RecordedDefault
    from ...model.network import Address, KernelState, NextHop, Prefix
    from ...model.operations import Operation
    from ...model.plan import NotRestoredReason
    from ...model.settings import Settings


def plan_withdrawal(
    before: KernelState,
    recorded: Sequence[RecordedDefault],
    settings: Settings,
    refused: Sequence[Route] = (),
    main: Sequence[Route] = (),
) -> Plan:
    """Recorded defaults come back first, then ours go.

    Args:
        recorded: the last first.
        refused: recorded ones that the kernel has refused just now.
        main: the routes of main, where the settings name another table.
    """
    ours = ours_of(before.routes, settings)
    foreign = [route for route in before.routes if not is_ours(route, settings)]
    equals = Equals([one.route for one in recorded], foreign)
    restored, left = _restorable(_missing(recorded, equals), before, settings, refused)
    routes = [one.route for one in restored]
    parts = _parts(equals, restored)
    gateways = {gateway for route in routes for gateway, _ in next_hops(route) if gateway is not None}
    blocking = [route for route in ours if _blocks(route, gateways)]
    staying = [route for route in ours if route not in blocking]
    there = before._replace(routes=(*foreign, *staying))
    heirs = list(_heirs(ours, [*foreign, *routes, *main], left))
    back = within_reach((*_in_order(restored, equals, parts), *heirs), there, settings)
    first, last = _replaced(parts, back, equals)
    return Plan(
        (*_withdrawn(blocking), *first, *back),
        (*_withdrawn(staying, heirs), *last),
        not_restored=tuple(left),
    )


def _withdrawn(ours: Sequence[Route], heirs: Sequence[RestoreDefault] = ()) -> Iterable[Delete]:
    """Their removals, but for those in whose place an heir comes."""
    inherited = [route for one in heirs if one.instead for route in equals_of(one.route, ours)]
    return (Delete(route, "withdrawn") for route in ours if route not in inherited)


def _replaced(
    parts: Sequence[Route], back: Sequence[Operation], there: Equals
) -> tuple[list[RemoveForeignDefault], list[RemoveForeignDefault]]:
    """The removals of parts: those that go before the whole is back, and those that go after it."""
    removals = [
        RemoveForeignDefault(part, "whole-route-back", is_named_by_protocol(part, there.of(part))) for part in parts
    ]
    first = [one for one in removals if comes_between(back, one.route)]
    return first, [one for one in removals if one not in first]


def _restorable(
    missing: Sequence[RecordedDefault], state: KernelState, settings: Settings, refused: Sequence[Route]
) -> tuple[list[RecordedDefault], list[NotRestored]]:
    """Those that can come back as they were, behind what has come since, and the others with the reason."""
    restored, left = [], []
    reached = _reached([one.route for one in missing], state)
    for one in missing:
        newcomer = _newcomer(one, missing, state, settings)
        obstacle = _obstacle(one, state, refused) or _lacking(one.route, state, reached) or _sharing(one, newcomer)
        if obstacle is None:
            restored.append(_behind(one, newcomer))
        else:
            left.append(NotRestored(one.route, obstacle))
    return restored, left


def _newcomer(
    one: RecordedDefault, missing: Sequence[RecordedDefault], state: KernelState, settings: Settings
) -> Route | None:
    """A default of its key that packets take now, through other NICs than it and its equals of the metadata had."""
    if not one.route.destination.is_default:
        return None
    first = min(_defaults(state.routes, one.route.family), key=preference, default=None)
    if first is None or is_ours(first, settings) or not equals_of(one.route, [first]):
        return None
    managed = {ifindex for route in one.order for ifindex in ifindexes(route)} - set(one.outside)
    known = is_present(first, one.order) or any(_is_part(first, whole) for whole in missing)
    return None if known or not managed or managed & ifindexes(first) else first


def _sharing(one: RecordedDefault, newcomer: Route | None) -> NotRestoredReason | None:
    """Why one doesn't come back behind a newcomer: IPv6 would make one route of both, in front or not."""
    merges = one.route.family == 6 and is_next_hop(one.route)
    return "newcomer" if newcomer is not None and merges and is_next_hop(newcomer) else None


def _behind(one: RecordedDefault, newcomer: Route | None) -> RecordedDefault:
    """The same, as if a newcomer had always stood before it and its equals."""
    if newcomer is None:
        return one
    return one._replace(order=(newcomer, *one.order), outside=(*one.outside, *ifindexes(newcomer)))


def _parts(foreign: Equals, restored: Sequence[RecordedDefault]) -> list[Route]:
    """What passes left of the multipath defaults that come back whole, each once; not what another would go for."""
    parts = {part: None for whole in restored for part in foreign.of(whole.route) if _is_part(part, whole)}
    return [part for part in parts if not is_deleted_for(_without(parts, foreign.of(part)), part, foreign.of(part))]


def _without(parts: Collection[Route], routes: Sequence[Route]) -> list[Route]:
    return [route for route in routes if route not in parts]


def _missing(recorded: Sequence[RecordedDefault], foreign: Equals) -> list[RecordedDefault]:
    """Those that are not there, each once; what a pass left of one and a later pass took comes back with the whole."""
    missing, of_key = [], _by_key(recorded)
    known = {key: list(foreign.of(ones[0].route)) for key, ones in of_key.items()}
    for one in recorded:
        key = key_of(one.route)
        if not is_back(one, known[key]) and not any(_is_part(one.route, whole) for whole in of_key[key]):
            missing.append(one)
            known[key].append(one.route)
    return missing


def _by_key(recorded: Iterable[RecordedDefault]) -> dict[tuple[object, ...], list[RecordedDefault]]:
    """Those of each key, in their order."""
    keys: dict[tuple[object, ...], list[RecordedDefault]] = {}
    for one in recorded:
        keys.setdefault(key_of(one.route), []).append(one)
    return keys


def _in_order(restored: Sequence[RecordedDefault], foreign: Equals, parts: Sequence[Route]) -> Iterable[Operation]:
    """The recorded defaults, each in its former place; those without a gateway first: others may be reached by them."""
    managed = {ifindex for one in restored for route in one.order for ifindex in ifindexes(route)}
    managed -= {ifindex for one in restored for ifindex in one.outside}
    for of_key in _by_key(sorted(restored, key=lambda one: _has_gateway(one.route))).values():
        there = _without(parts, foreign.of(of_key[0].route))
        yield from restorations(there, former_order(there, of_key), frozenset(managed), "recorded")


def _obstacle(one: RecordedDefault, state: KernelState, refused: Sequence[Route]) -> NotRestoredReason | None:
    """Why a recorded default can't come back as it was."""
    route = one.route
    if route in refused:
        return "refused"
    if one.absent:
        return "nic-absent"
    if one.expired:
        return "expired"
    if is_advertised(route):
        return "advertised"
    if route.source is not None and not any(own.address == route.source for nic in state.nics for own in nic.addresses):
        return "no-source"
    return None if _same_object(route, state) else "other-object"


def _lacking(route: Route, state: KernelState, reached: set[NextHop]) -> NotRestoredReason | None:
    """What the NICs of a route lack, so that the kernel would refuse it; it has itself dropped such routes since.

    Args:
        reached: next hops that their NICs can reach.
    """
    nics = {nic.ifindex: nic for nic in state.nics}
    hops = hops_of(route)
    if any(hop.ifindex in nics and not nics[hop.ifindex].up for hop in hops):
        return "nic-down"
    return None if route.nexthop_id or reached.issuperset(hops) else "no-subnet"


def _reached(missing: Sequence[Route], state: KernelState) -> set[NextHop]:
    """Of the next hops of these routes those whose gateway is on the NIC's link, or which have none."""
    links = {(one.ifindex, one.destination) for one in (*state.routes, *missing) if _is_on_link(one)}
    links.update((nic.ifindex, prefix) for nic in state.nics for prefix in nic.prefixes)
    return {hop for hop in {hop for route in missing for hop in hops_of(route)} if _is_reached(hop, links)}


def _is_reached(hop: NextHop, links: Collection[tuple[int, Prefix]]) -> bool:
    """Whether a gateway is on its NIC's link, or there is none."""
    gateway = hop.gateway
    if gateway is None or hop.onlink or is_link_local(gateway):
        return True
    return any(ifindex == hop.ifindex and contains(prefix, gateway) for ifindex, prefix in links)


def _is_on_link(route: Route) -> bool:
    return route.kind == UNICAST and route.gateway is None and not route.nexthops


def _same_object(route: Route, state: KernelState) -> bool:
    """Whether the nexthop object of a route is what it was: an id may have been given to another one since."""
    if not route.nexthop_id:
        return True
    known = next((one for one in state.nexthops if one.id == route.nexthop_id), None)
    if known is None or known.encapsulated:
        return False
    return known.nexthops == hops_of(route)


def _blocks(ours: Route, gateways: Iterable[Address]) -> bool:
    """Whether IPv6 would refuse a default since a route of ours covers its gateway (R7)."""
    if ours.family == 4 or ours.gateway is None or ours.destination.is_default:
        return False
    return any(contains(ours.destination, gateway) for gateway in gateways)


def _defaults(routes: Sequence[Route], family: int) -> list[Route]:
    """Those that lead somewhere: an unreachable one, say, is no way out."""
    found = (route for route in routes if route.family == family and route.destination.is_default)
    return [route for route in found if not route.tos and leads_out(route)]


def _heirs(ours: Sequence[Route], others: Sequence[Route], left: Sequence[NotRestored]) -> Iterable[RestoreDefault]:
    """Our best default under another protocol, in each family where no other program has one.

    Args:
        left: recorded ones that are not back.
    """
    for family in (4, 6):
        own = _defaults(ours, family)
        if own and not _defaults(others, family):
            best = min(own, key=lambda route: route.metric)
            foreign = [r.metric for r in others if r.family == family and r.destination.is_default]
            awaited = [one.route.metric for one in left if one.route.family == family and one.reason != "expired"]
            metrics = {route.metric for route in own}
            heir = best._replace(protocol=PROTOCOL_BOOT, metric=_heirs_metric(best, awaited, foreign, metrics))
            yield RestoreDefault(heir, "handed-over", family == 4, family == 6 and heir.metric in metrics)


def _heirs_metric(best: Route, awaited: Sequence[int], foreign: Sequence[int], own: set[int]) -> int:
    """Behind recorded defaults that may come back, and before one that leads nowhere where ours is so.

    IPv6 would merge two of one metric: the heir stands just behind ours, or before it, or else in place of it.
    """
    end = max(best.metric, min(foreign, default=WORST_METRIC))
    if best.family == 4:
        return min(max([best.metric, *(metric + 1 for metric in awaited)]), end)
    taken = {*own, *foreign, *awaited}
    start = min(max([best.metric, *awaited]), end)
    nearest = chain(range(start + 1, end), range(start - 1, 0, -1))
    return next((free for free in nearest if free not in taken), best.metric)


def _has_gateway(route: Route) -> bool:
    return any(gateway is not None for gateway, _ in next_hops(route))


def _is_part(part: Route, one: RecordedDefault) -> bool:
    """Whether it is what a pass left of a multipath default: its next hops outside the metadata, or one as a route.

    A route that stood beside the whole is none, and no part of it was made for those next hops.
    """
    whole, hops = one.route, next_hops(part)
    if part.nexthop_id or not set(hops) < set(next_hops(whole)) or any(next_hops(other) == hops for other in one.order):
        return False
    if not ifindexes(part).issubset(one.outside):
        return False
    left = nexthops_outside(whole, ifindexes(whole) - ifindexes(part))
    return any(same_route(part, made) for made in left)
