"""The order that default routes had among their equals, and what puts those that are missing back into it. Pure.

IPv4 uses the first of equal destination, TOS and metric; an addition goes before or behind all of them. What stands in
between is moved, unless it leads through a NIC outside the metadata, or could not be written back. IPv6 makes next hops
of one multipath route of them, new ones last; the whole route is replaced at once where that is not the place.
"""

from __future__ import annotations

from ...model.evidence import RecordedDefault
from ...model.operations import Add, Delete, MoveDefault, RemoveForeignDefault, RestoreDefault
from ..compare import (
    defaults_of,
    destinations_of,
    ifindexes,
    is_advertised,
    is_next_hop,
    is_present,
    key_of,
    next_hops,
    routers_first,
    same_but_for_attributes,
    same_route,
    to_any,
    whole,
)
from .deletions import comes_between, is_deleted_for
from .host_routes import our_metric
from .reachability import reach_restored

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Collection, Iterable, Sequence

    from ...model.network import KernelState, Route
    from ...model.operations import Operation, Outcome, RestoreReason
    from ...model.settings import Settings


class Equals:
    """As compare.equals_of, for several routes in one go.

    Args:
        some: those whose equals are asked for.
        routes: among these, of which there may be many.
    """

    def __init__(self, some: Iterable[Route], routes: Sequence[Route]) -> None:
        self._by_key: dict[tuple[object, ...], list[Route]] = {}
        for route in to_any(set(destinations_of(some)), routes):
            self._by_key.setdefault(key_of(route), []).append(route)

    def of(self, route: Route) -> tuple[Route, ...]:
        """Those of its key, in their order."""
        return tuple(self._by_key.get(key_of(route), ()))


def recorded_defaults(
    taken: Sequence[Route], before: KernelState, managed: frozenset[int]
) -> tuple[RecordedDefault, ...]:
    """Defaults that a pass takes away, with the order that it found, the best first.

    Args:
        managed: NICs that the metadata describes.
    """
    found, equals = [], Equals(taken, before.routes)
    for route in sorted(taken, key=routers_first):
        order = equals.of(route)
        used = {ifindex for one in order for ifindex in ifindexes(one)}
        found.append(RecordedDefault(route, order, outside=tuple(sorted(used - managed))))
    return tuple(found)


def is_back(one: RecordedDefault, routes: Iterable[Route]) -> bool:
    """Whether a recorded default is there, or has been made anew with other attributes since.

    One that stood beside it then is another one.

    Args:
        routes: those of its key at least.
    """
    alike = [route for route in routes if same_but_for_attributes(route, one.route)]
    return any(same_route(route, one.route) or not is_present(route, one.order) for route in alike)


def former_order(there: Sequence[Route], recorded: Sequence[RecordedDefault]) -> list[Route]:
    """Other programs' routes of one key with the recorded ones in the places that they had.

    Args:
        there: in the kernel's order.
        recorded: newest first: each pass saw the order that the passes before it had left.
    """
    order = list(there)
    for one in recorded:
        ahead: list[Route] = []
        for other in one.order:
            if same_route(other, one.route):
                break
            ahead.append(other)
        before = [place for place, route in enumerate(order) if any(same_route(route, other) for other in ahead)]
        known = any(same_route(other, one.route) for other in one.order)
        order.insert(max(before, default=-1) + 1 if known else len(order), one.route)
        order = [_with_weight(route, one.order) for route in order]
    return order


def undoable(outcome: Outcome, before: KernelState, there: KernelState) -> Outcome:
    """What a roll-back undoes: all but a default of ours that others have made the last one of its family (R7).

    Args:
        there: after the pass, in which other programs may have taken away what was there before it.
    """
    ours = defaults_of([one.route for one in outcome.done if isinstance(one, Add)])
    taken = defaults_of([one.route for one in outcome.done if isinstance(one, (Delete, RemoveForeignDefault))])
    others = [route for route in defaults_of(there.routes) if not is_present(route, ours)]
    families = _families(defaults_of(before.routes)) - _families(others) - _families(taken)  # Those taken come back.
    last = {route for route in ours if route.family in families}
    return outcome._replace(done=tuple(one for one in outcome.done if one.route not in last))


def _families(routes: Sequence[Route]) -> set[int]:
    return {route.family for route in routes}


def as_before(done: Sequence[Operation], there: KernelState, before: KernelState) -> list[Operation]:
    """What puts other programs' defaults, and ours among their equals, back into the order that a pass found.

    What the pass had left of a default goes first where that would be deleted in its place.
    """
    managed = frozenset(nic.ifindex for nic in before.nics)
    ours = {one.route for one in done if isinstance(one, Delete)}
    former = Equals([one.route for one in done], before.routes)
    taken = {one.route: former.of(one.route) for one in done if _may_have_a_place(one, former)}
    equals = Equals(taken, there.routes)
    operations: list[Operation] = []
    for order in dict.fromkeys(taken.values()):
        now = equals.of(order[0])
        operations += restorations(now, _with_place(order, taken, now), managed, "rolled-back")
    own = [_as_ours(one) if one.route in ours else one for one in operations]
    return [*_blocking_parts(done, operations), *own]


def _may_have_a_place(one: Operation, former: Equals) -> bool:
    """Whether it removed another program's route, or one of ours that had equals, so that the order counts."""
    if isinstance(one, Delete):
        return one.route.family == 4 and len(former.of(one.route)) > 1
    return isinstance(one, RemoveForeignDefault)


def _with_place(order: Sequence[Route], taken: Collection[Route], now: Sequence[Route]) -> list[Route]:
    """Of an order those that were taken, and those that are there."""
    return [route for route in order if route in taken or is_present(route, now)]


def _blocking_parts(done: Sequence[Operation], operations: Sequence[Operation]) -> list[RemoveForeignDefault]:
    parts = [one.route for one in done if isinstance(one, RestoreDefault) and comes_between(operations, one.route)]
    return [RemoveForeignDefault(part, "rolled-back") for part in parts]


def within_reach(operations: Sequence[Operation], there: KernelState, settings: Settings) -> list[Operation]:
    """The same operations, with their gateways on link for the moment where IPv6 would refuse them otherwise (R7)."""
    restored = [one.route for one in operations if isinstance(one, RestoreDefault)]
    reaching = reach_restored(restored, there, settings, {6: our_metric(6, settings)})
    return [*reaching, *operations, *(Delete(one.route, "gateway-no-more") for one in reaching)]


def _as_ours(operation: Operation) -> Operation:
    """A route of ours is added, not restored."""
    if not isinstance(operation, RestoreDefault):
        return operation
    return Add(operation.route, "rolled-back", "before" if operation.before else "behind")


def _with_weight(route: Route, order: Sequence[Route]) -> Route:
    """The route with the weight that it had among others: IPv6 keeps it, and doesn't show that of a single one."""
    weight = next((other.weight for other in order if same_route(other, route)), route.weight)
    return route._replace(weight=weight)


def restorations(
    there: Sequence[Route], order: Sequence[Route], managed: frozenset[int], reason: RestoreReason
) -> list[Operation]:
    """What makes routes of one key stand in this order.

    Args:
        there: other programs' routes of the key that are present, in the kernel's order.
        order: those of them that have a place, and the missing ones.
        managed: NICs through which a route may be moved.
    """
    missing = [route for route in order if not is_present(route, there)]
    if not missing:
        return []
    if missing[0].family == 6:
        at_once = _whole_ipv6(there, order)
        if at_once:
            return [at_once._replace(reason=reason)]
        return [RestoreDefault(route, reason) for route in _in_turn_ipv6(missing, there, order)]
    start, end = _staying(there, order, managed)
    before = [_to(route, there, reason, True) for route in reversed(order[:start])]
    between = [RestoreDefault(route, reason) for route in order[start:end] if route in missing]
    behind = [_to(route, there, reason, False) for route in order[end:]]
    return [*before, *between, *behind]


def _to(route: Route, there: Sequence[Route], reason: RestoreReason, before: bool) -> Operation:
    """Puts one before or behind all others."""
    if is_present(route, there):
        return MoveDefault(route, reason, before)
    return RestoreDefault(route, reason, before)


def _staying(there: Sequence[Route], order: Sequence[Route], managed: frozenset[int]) -> tuple[int, int]:
    """The span of the order that is left where it is; the others come before and behind it."""
    present = [place for place, route in enumerate(order) if is_present(route, there)]
    if not present:
        return 0, 0
    pinned = [place for place in present if not _is_movable(order[place], there, managed)]
    start, end = (min(pinned), max(pinned) + 1) if pinned else (present[0], present[0] + 1)
    while start and start - 1 in present:
        start -= 1
    while end in present:
        end += 1
    return start, end


def _is_movable(route: Route, there: Sequence[Route], managed: frozenset[int]) -> bool:
    """Whether a route may be taken for a moment: it leads through NICs of the metadata, and can be written back."""
    lost = route.unwritable or route.expires or is_advertised(route)
    return ifindexes(route) <= managed and not lost and not is_deleted_for(there, route, there)


# ---- IPv6 -----------------------------------------------------------------------------------------------


def _whole_ipv6(there: Sequence[Route], order: Sequence[Route]) -> RestoreDefault | None:
    """The multipath route of all next hops at once, where adding the missing ones would not give the same."""
    first, present = order[0], [route for route in there if is_next_hop(route)]
    added = [*present, *(route for route in order if not is_present(route, present))]
    if not present or not all(map(is_next_hop, order)) or _hops(added) == _hops(order):
        return None
    if not all(is_present(route, order) and _alike(route, first) for route in present):
        return None  # Something else of that metric is there, or one has attributes that it would lose.
    return RestoreDefault(whole(order), instead=True)


def _in_turn_ipv6(missing: Sequence[Route], there: Sequence[Route], order: Sequence[Route]) -> list[Route]:
    """What stands before all next hops, then those: the kernel shows nothing that stands between two of them."""
    hops = [] if any(map(is_next_hop, there)) else [*filter(is_next_hop, order)]
    ahead = order[: order.index(hops[0])] if hops else ()
    return sorted(missing, key=lambda route: (route not in ahead, not is_next_hop(route)))


def _hops(routes: Sequence[Route]) -> list[object]:
    return [next_hops(route) for route in routes]


def _alike(route: Route, first: Route) -> bool:
    """Whether a next hop has the attributes that all of a multipath route are shown with, and nothing else."""
    same = (route.protocol, route.source, route.metrics, route.preference, route.expires, route.unwritable)
    return same == (first.protocol, first.source, first.metrics, first.preference, first.expires, "")
