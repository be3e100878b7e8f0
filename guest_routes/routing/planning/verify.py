"""Whether the kernel now has what the plan meant it to have (R8). Pure: the second snapshot is given."""

from __future__ import annotations

from operator import itemgetter

from ...model.operations import Add, Promote, RestoreDefault
from ...model.report import Discrepancy
from ..compare import destinations_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, Mapping, Sequence

    from ...model.network import KernelState, Route
    from ...model.operations import Outcome
    from ...model.plan import Plan

_keys = {4: itemgetter(0, 1, 2, 3, 4, 8, 12), 6: itemgetter(0, 1, 2, 3, 12, 18)}
"""Destination, gateway, ifindex, metric, protocol, TOS and nexthops of a Route; compared at C speed. IPv6 has no TOS,
and shows all next hops of a multipath route with the first one's protocol, and so with another one when that has gone;
one for packets from a prefix (Route.unwritable) stands beside the same for all."""

_identities = {4: itemgetter(0, 1, 2, 3, 4, 6, 8, 9, 10, 11, 12, 13, 16, 18), 6: itemgetter(0, 1, 2, 3, 12, 13, 18)}
"""Of a route that was removed: one that differs from it by IPv4 attributes or nexthop object only is another one."""


def discrepancies(plan: Plan, outcome: Outcome, after: KernelState) -> tuple[Discrepancy, ...]:
    """What the second snapshot says otherwise than the plan's end; () when it all came true."""
    odd = _not_as_planned(serving(plan), after.routes)
    removed = _removed(outcome) if plan.removals else []
    if not (odd or removed):
        return ()
    have = _present(after.routes, _keys)
    left = _present(after.routes, _identities) if removed else set()
    return (
        *(Discrepancy("missing", route) for route in _missing(odd, have, outcome)),
        *(Discrepancy("still-there", route) for route in removed if _identities[route.family](route) in left),
    )


def _not_as_planned(wanted: Sequence[Route], there: Sequence[Route]) -> list[Route]:
    """Those that aren't there to the letter, of which the default engine makes the same values; or not alone."""
    found = dict(zip(destinations_of(there), there))
    pairs = zip(wanted, map(found.get, destinations_of(wanted)))
    return [route for route, same in pairs if same is not route and same != route]


def _removed(outcome: Outcome) -> list[Route]:
    return [op.route for op in outcome.done if not isinstance(op, (Add, Promote, RestoreDefault))]


def _missing(wanted: Sequence[Route], have: set[object], outcome: Outcome) -> list[Route]:
    """Those that are not there, though the kernel refused nothing at their destination."""
    refused = {failure.operation.route.destination for failure in outcome.failures}
    return [route for route in wanted if _key(route) not in have and route.destination not in refused]


def _present(routes: Sequence[Route], keys: Mapping[int, Callable[[Route], object]]) -> set[object]:
    """The keys of all of them, by family."""
    have: set[object] = set()
    for family, size in ((4, 4), (6, 16)):
        have.update(map(keys[family], [route for route in routes if len(route[0][0]) == size]))
    return have


def _key(route: Route) -> object:
    return _keys[route.family](route)


def serving(plan: Plan) -> list[Route]:
    """The routes that serve after the pass."""
    return [
        *map(itemgetter(1), plan.serving),
        *(one.serving for one in plan.defaults if one.serving is not None),
        *plan.reaching,
    ]
