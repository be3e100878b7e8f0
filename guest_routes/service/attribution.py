"""Which other program's change an operation of a pass reverts, if any: that makes it a repair. Pure."""

from __future__ import annotations

from ..model.operations import Delete, RemoveForeignDefault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Collection, Mapping, Sequence, TypeAlias

    from ..model.network import Prefix, Route
    from ..model.operations import Operation
    from ..model.status import Change

RouteKey: TypeAlias = "tuple[Prefix, bytes | None, int]"
REMOVALS = (Delete, RemoveForeignDefault)


def attribute(done: Sequence[Operation], changes: Mapping[Prefix, Change]) -> tuple[Change | None, ...]:
    """For each operation the change that it reverts; None where it has its own reason.

    Args:
        done: the operations of one pass.
        changes: the last change of each destination by another program or the kernel.
    """
    demoted = demoted_keys(done)
    return tuple(reverted(one, changes.get(one.route.destination), demoted) for one in done)


def reverted(operation: Operation, last: Change | None, demoted: Collection[RouteKey]) -> Change | None:
    """The change that one operation reverts; None where it has its own reason.

    Args:
        last: the last change of that destination by another program or the kernel.
        demoted: `demoted_keys` of the same pass.
    """
    if last is None or operation.reason == "equal-serves":
        return None  # A program that adds a route that leads where ours did removes nothing.
    if last.deleted and last.actor.program == "kernel":
        return None  # The kernel itself deletes the routes of a NIC or an address that goes.
    if isinstance(operation, REMOVALS):
        return last
    if last.deleted and last.ifindex not in (0, operation.route.ifindex):
        return None  # The route moves to another NIC.
    return None if _route_key(operation.route) in demoted else last


def demoted_keys(done: Sequence[Operation]) -> frozenset[RouteKey]:
    """The foreign defaults that a pass removed: an addition of the same key is its copy at a worse metric."""
    return frozenset(_route_key(operation.route) for operation in done if isinstance(operation, RemoveForeignDefault))


def _route_key(route: Route) -> RouteKey:
    return route.destination, route.gateway, route.ifindex
