"""Whether a change of ours undoes what somebody did, so that it is a repair; and how that is said. Pure."""

from __future__ import annotations

from .fights import Rival
from .model import Delete, TakeDefault
from .plan_default import EQUAL_SERVES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Collection, NamedTuple, Sequence, TypeAlias

    from .model import Operation, Prefix, Route
else:
    from .values import NamedTuple

Way: TypeAlias = "tuple[Prefix, bytes | None, int]"
REMOVALS = (Delete, TakeDefault)


class Deed(NamedTuple):
    """Who changed the route to a destination last."""

    rival: Rival
    ifindex: int
    """The NIC that it led through; 0 for several."""
    deleted: bool
    """It was taken away, not added."""


def undone(operation: Operation, last: Deed | None, worse: Collection[Way]) -> Deed | None:
    """The deed that an operation undoes; None where the operation has its own reason.

    Args:
        last: what was done to that destination last.
        worse: what `worsened` says of the same pass.
    """
    if last is None or operation.because == EQUAL_SERVES:
        return None  # Whoever adds a route that leads where ours did takes nothing away.
    if last.deleted and last.rival.program == "kernel":
        return None  # What loses its NIC or its address the kernel deletes by itself.
    if isinstance(operation, REMOVALS):
        return last
    if last.deleted and last.ifindex not in (0, operation.route.ifindex):
        return None  # Another NIC has it from now on.
    return None if _way(operation.route) in worse else last


def worsened(done: Sequence[Operation]) -> frozenset[Way]:
    """Defaults that a pass took: what it added in the same way is their other half, at a worse metric."""
    return frozenset(_way(operation.route) for operation in done if isinstance(operation, TakeDefault))


def deed_text(operation: Operation, deed: Deed) -> str:
    """Why an operation was necessary, for people."""
    what = "deleted" if deed.deleted else "added" if isinstance(operation, REMOVALS) else "replaced"
    return f"{what} by {deed.rival}"


def _way(route: Route) -> Way:
    return route.destination, route.gateway, route.ifindex
