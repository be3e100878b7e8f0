"""Whether a change of ours undoes what somebody did, so that it is a repair; and how that is said. Pure."""

from __future__ import annotations

from ..model.namedtuple import NamedTuple
from ..model.operations import Delete, RemoveForeignDefault
from ..model.status import Actor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Collection, Sequence, TypeAlias

    from ..model.network import Prefix, Route
    from ..model.operations import Operation

RouteKey: TypeAlias = "tuple[Prefix, bytes | None, int]"
REMOVALS = (Delete, RemoveForeignDefault)


class Change(NamedTuple):
    """Who changed the route to a destination last."""

    actor: Actor
    ifindex: int
    """The NIC that it led through; 0 for several."""
    deleted: bool
    """It was taken away, not added."""


def reverted(operation: Operation, last: Change | None, demoted: Collection[RouteKey]) -> Change | None:
    """The deed that an operation undoes; None where the operation has its own reason.

    Args:
        last: what was done to that destination last.
        worse: what `worsened` says of the same pass.
    """
    if last is None or operation.reason == "equal-serves":
        return None  # Whoever adds a route that leads where ours did takes nothing away.
    if last.deleted and last.actor.program == "kernel":
        return None  # What loses its NIC or its address the kernel deletes by itself.
    if isinstance(operation, REMOVALS):
        return last
    if last.deleted and last.ifindex not in (0, operation.route.ifindex):
        return None  # Another NIC has it from now on.
    return None if _route_key(operation.route) in demoted else last


def demoted_keys(done: Sequence[Operation]) -> frozenset[RouteKey]:
    """Defaults that a pass took: what it added in the same way is their other half, at a worse metric."""
    return frozenset(_route_key(operation.route) for operation in done if isinstance(operation, RemoveForeignDefault))


def change_text(operation: Operation, change: Change) -> str:
    """Why an operation was necessary, for people."""
    what = "deleted" if change.deleted else "added" if isinstance(operation, REMOVALS) else "replaced"
    return f"{what} by {change.actor}"


def _route_key(route: Route) -> RouteKey:
    return route.destination, route.gateway, route.ifindex
