"""Which other program's change an operation of a pass reverts, if any: that makes it a repair. Pure.

A change is of one route, by destination, next hop, NIC, metric and protocol as the kernel's notification has them. What
another program did to another route to the same destination is no reason for an operation.
"""

from __future__ import annotations

from ..model.operations import Delete, RemoveForeignDefault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Collection, Iterable, Iterator, Sequence, TypeAlias

    from ..model.diagnosis.status import Change, SourceChange
    from ..model.network import Address, Prefix, Route
    from ..model.operations import Operation
    from ..model.source_routing import SourceConflict, SourceOperation

Via: TypeAlias = "tuple[Prefix, Address | None, int]"
"""Destination, gateway and ifindex of a route."""
REMOVALS = (Delete, RemoveForeignDefault)


def attribute(done: Sequence[Operation], changes: Iterable[Change]) -> tuple[Change | None, ...]:
    """For each operation the change that it reverts; None where it has its own reason.

    Args:
        done: the operations of one pass.
        changes: the last change of each route by another program or the kernel, oldest first.
    """
    destinations = {one.route.destination for one in done}
    known: dict[Prefix, list[Change]] = {}
    for change in changes:
        if change.route.destination in destinations:
            known.setdefault(change.route.destination, []).append(change)
    demoted = {_via(one.route) for one in done if isinstance(one, RemoveForeignDefault)}
    moved = {_via(one.route) for one in done if isinstance(one, Delete)}
    return tuple(_reverted(one, known.get(one.route.destination, ()), demoted, moved) for one in done)


def _reverted(
    operation: Operation, changes: Sequence[Change], demoted: Collection[Via], moved: Collection[Via]
) -> Change | None:
    """The change that one operation reverts; None where it has its own reason.

    Args:
        changes: those of routes to the same destination, oldest first.
        demoted: foreign defaults that the pass removed: an addition that leads the same way is a copy behind ours.
        moved: routes of ours that the pass removed: an addition that leads the same way moves one to another metric.
    """
    route, latest = operation.route, changes[::-1]
    if operation.reason == "equal-serves":
        return None  # A program that adds a route that leads where ours did removes nothing.
    if isinstance(operation, REMOVALS):
        return next((one for one in latest if not one.deleted and _is_of(one, route)), None)
    if _via(route) in demoted:
        return None
    gone = next(_deletions(latest, route), None)
    if gone is None:
        return next(_got_ahead(latest, route, _via(route) in moved), None)
    # The kernel itself deletes the routes of a NIC or an address that goes.
    return None if gone.actor.program == "kernel" else gone


def _got_ahead(latest: Sequence[Change], route: Route, moved: bool) -> Iterator[Change]:
    """Additions of routes that lead elsewhere and stood where ours now stands, or before it."""
    others = (one for one in latest if not one.deleted and not _leads_as(one, route))
    return (one for one in others if moved or one.route.metric <= route.metric)


def _deletions(latest: Sequence[Change], route: Route) -> Iterator[Change]:
    """Of the very route, then of those that led the same way (an adopted one of another program)."""
    yield from (one for one in latest if one.deleted and _is_of(one, route))
    yield from (one for one in latest if one.deleted and _leads_as(one, route))


def _is_of(change: Change, route: Route) -> bool:
    """Whether a change is of this very route."""
    same = (change.route.metric, change.route.protocol) == (route.metric, route.protocol)
    return same and _leads_as(change, route)


def _leads_as(change: Change, route: Route) -> bool:
    """Whether the changed route leads the same way. A notification of a multipath route is about each next hop."""
    return not change.route.ifindex or (change.route.gateway, change.route.ifindex) == (route.gateway, route.ifindex)


def _via(route: Route) -> Via:
    return route.destination, route.gateway, route.ifindex


def attribute_source(
    done: Sequence[SourceOperation], changes: Iterable[SourceChange]
) -> tuple[SourceChange | None, ...]:
    """The same for operations of source routing (R21): on rules, and on routes of the NICs' tables.

    Args:
        changes: the last change of each rule and route, oldest first.
    """
    from ..model.source_routing import key_of

    known = {change.key: change for change in changes}
    return tuple(_source_reverted(one, known.get(key_of(one))) for one in done)


def _source_reverted(operation: SourceOperation, change: SourceChange | None) -> SourceChange | None:
    """The change, if the operation reverts it: an addition a deletion (a route's a replacement), a removal an addition.

    The kernel itself deletes the routes of a NIC or an address that goes.
    """
    from ..model.source_routing import AddRule, RemoveRoute, RemoveRule

    if change is None or change.actor.program == "kernel":
        return None
    if isinstance(operation, (RemoveRule, RemoveRoute)):
        return None if change.deleted else change
    return change if change.deleted or not isinstance(operation, AddRule) else None


def attribute_conflicts(
    conflicts: Sequence[SourceConflict], changes: Iterable[SourceChange]
) -> tuple[SourceChange | None, ...]:
    """For each conflict the addition of the other program's route in a table of ours, where it is one about that.

    Args:
        changes: the last change of each rule and route, oldest first.
    """
    from ..model.source_routing import route_key

    added = {change.key: change for change in changes if not change.deleted}
    return tuple(added.get(route_key(one.route)) if one.route is not None else None for one in conflicts)
