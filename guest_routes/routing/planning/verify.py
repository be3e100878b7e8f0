"""Whether the kernel now has what the plan meant it to have (R8). Pure: the snapshots and lookups are given."""

from __future__ import annotations

from operator import itemgetter

from ...model.namedtuple import NamedTuple
from ...model.network import Prefix, contains
from ...model.operations import Add, Promote, RestoreDefault
from ...model.report import Discrepancy, Overruled

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, Iterator, Sequence

    from ...model.network import Address, KernelState, Lookup, Route
    from ...model.operations import Outcome
    from ...model.plan import Plan, PlannedRoute

_keys = {4: itemgetter(0, 1, 2, 3, 4, 8, 12), 6: itemgetter(0, 1, 2, 3, 8, 12)}
"""Destination, gateway, ifindex, metric, protocol, TOS and nexthops of a Route; compared at C speed. IPv6 shows all
next hops of a multipath route with the first one's protocol, and so with another one when that has gone."""


class Probe(NamedTuple):
    """An address that the kernel is asked for, on behalf of a planned route."""

    planned: PlannedRoute
    address: Address


def discrepancies(plan: Plan, outcome: Outcome, after: KernelState) -> tuple[Discrepancy, ...]:
    """What the second snapshot says otherwise than the plan's end; () when it all came true."""
    have = _present(after.routes)
    refused = {failure.operation.route.destination for failure in outcome.failures}
    missing = [route for route in _wanted(plan) if _key(route) not in have and route.destination not in refused]
    left = [
        operation.route for operation in outcome.done
        if not isinstance(operation, (Add, Promote, RestoreDefault)) and _key(operation.route) in have
    ]  # fmt: skip
    return (
        *(Discrepancy("missing", route) for route in missing),
        *(Discrepancy("still-there", route) for route in left),
    )


def _present(routes: Sequence[Route]) -> set[object]:
    """The keys of all of them."""
    have: set[object] = set()
    for family, size in ((4, 4), (6, 16)):
        have.update(map(_keys[family], [route for route in routes if len(route[0][0]) == size]))
    return have


def _key(route: Route) -> object:
    return _keys[route.family](route)


def _wanted(plan: Plan) -> Iterator[Route]:
    """The routes that serve after the pass."""
    for planned in plan.routes:
        if planned.verdict != "shadowed":
            yield planned.route
    for default in plan.defaults:
        if default.route is not None:
            yield default.route
    yield from plan.reaching


def probes(plan: Plan, state: KernelState) -> tuple[Probe, ...]:
    """What to ask the kernel for: routes with a competitor, and all of them where a policy rule could decide.

    For the rest the snapshot proves it: the longest prefix with the best metric wins.
    """
    ruled = {rule.family for rule in state.rules if not rule.plain and rule.source is None}
    asked = [one for one in plan.routes if _contested(one, ruled)]
    if not asked:
        return ()
    find = _finder(state)
    found = ((planned, find(planned.route.destination)) for planned in asked)
    return tuple(Probe(planned, address) for planned, address in found if address is not None)


def _finder(state: KernelState) -> Callable[[Prefix], Address | None]:
    """Finds an address that a destination's route decides."""
    nested = {route.destination for route in state.routes}
    own = [address for nic in state.nics for address in nic.addresses]
    lengths = sorted({prefix.length for prefix in nested}, reverse=True)
    return lambda destination: _address_in(destination, nested, lengths, own)


def _contested(planned: PlannedRoute, ruled: set[int]) -> bool:
    """Whether something else could decide about a route that should serve."""
    if planned.verdict == "shadowed":
        return False
    return planned.competitor is not None or (bool(ruled) and planned.route.family in ruled)


def overruled(asked: Sequence[Probe], answers: Sequence[Lookup]) -> tuple[Overruled, ...]:
    """Destinations that the kernel sends by another NIC than planned, each with its answer (R5)."""
    return tuple(
        Overruled(planned.route.destination, address, answer)
        for (planned, address), answer in zip(asked, answers)
        if (answer.ifindex, answer.gateway) != (planned.route.ifindex, planned.route.gateway)
    )


def _address_in(
    destination: Prefix, nested: set[Prefix], lengths: Sequence[int], own: Sequence[Prefix]
) -> Address | None:
    """An address that this destination's route decides: no longer prefix of the table and no own subnet covers it."""
    size = len(destination.address)
    low = int.from_bytes(destination.address, "big")
    span = 1 << size * 8 - destination.length
    longer = [length for length in lengths if destination.length < length <= size * 8]
    for offset in dict.fromkeys((min(1, span - 1), span // 2, span - 1, 0, span // 3)):
        address = (low + offset).to_bytes(size, "big")
        if any(contains(prefix, address) for prefix in own):
            continue
        if not any(_prefix_of(low + offset, length, size) in nested for length in longer):
            return address
    return None


def _prefix_of(number: int, length: int, size: int) -> Prefix:
    """The prefix of that length which an address, as a number, lies in."""
    shift = size * 8 - length
    return Prefix((number >> shift << shift).to_bytes(size, "big"), length)
