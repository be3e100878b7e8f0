"""The metric of our own default route among the others of its family (R4). Pure.

Defaults of NICs outside the metadata that win over all of ours and the metadata's go on winning, and those that lose
go on losing. IPv6 merges routes of one metric into one multipath route, so there nobody else may have ours.
"""

from __future__ import annotations

from itertools import chain

from ...model.namedtuple import NamedTuple
from ...model.network import Route
from ..compare import ifindexes, is_next_hop, leads_out, leads_there, nexthops_outside, preference
from ..ownership import is_ours

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterator, Sequence

    from ...model.settings import Settings

WORST_METRIC = 0xFFFFFFFF
NEAR = 16
"""So far from the wanted IPv6 metric ours may stand, where others had that when it was added."""


_REJECTING = (6, 7, 8)
"""RTN_BLACKHOLE, RTN_UNREACHABLE, RTN_PROHIBIT. Source: include/uapi/linux/rtnetlink.h."""


class _Default(NamedTuple):
    """A default route that the kernel may use."""

    route: Route
    metric: int
    inside: bool
    """Ours, or through a NIC of the metadata; but for one that leaves next hops outside the metadata behind others."""
    stays_ahead: bool
    """It has next hops outside the metadata that would stay."""


def default_metrics(
    wanted: Route,
    there: Sequence[Route],
    managed: frozenset[int],
    settings: Settings,
    beaten: Sequence[Route] = (),
) -> tuple[int | None, range]:
    """The metric for our own default, and those at which it may stay when it is there already.

    None where IPv6 has none left behind a default outside the metadata that wins.

    Args:
        beaten: routes that stay, and that ours has to win over (R5).
    """
    six = wanted.family == 6
    low = _lowest(_in_order(there, managed, settings, ()), six)
    order = _in_order(there, managed, settings, _REJECTING)  # One that rejects and loses today goes on losing, too.
    bound = min((route.metric - six for route in beaten), default=WORST_METRIC)
    wanted = wanted._replace(metric=min(wanted.metric, bound))
    if not six:
        metric = min(max(wanted.metric, low), _highest(order, low, six))
        return metric, range(metric, metric + 1)
    free, near = _free_ipv6_metric(wanted, there, order, low, settings)
    return free, range(near.start, max(free or 0, min(near.stop - 1, bound)) + 1)


def keeps_its_place(route: Route, there: Sequence[Route], managed: frozenset[int], settings: Settings) -> bool:
    """Whether a default may serve as it stands: none outside the metadata then comes forward, as others are removed."""
    order = _in_order(there, managed, settings, _REJECTING)
    own = next((place for place, one in enumerate(order) if one.route == route), 0)
    first = next((place for place, one in enumerate(order) if one.inside), own)
    if route.family == 4:
        # Those that ours would stand behind as well are no reason to add it.
        low = _lowest(_in_order(there, managed, settings, ()), six=False)
        return all(one.inside or one.metric < low for one in order[first:own])
    return not any(
        (first < place < own or any(_shares(part, route) for part in _staying(one, managed)))
        and not _shares(one, order[first].route)
        for place, one in _outside_from(order, first)
    )


def _outside_from(order: Sequence[_Default], first: int) -> Iterator[tuple[int, Route]]:
    """The defaults outside the metadata from a place on, each with its own; the one there where it leaves some."""
    return (
        (place, one.route) for place, one in enumerate(order)
        if (place > first and not one.inside) or (place == first and one.stays_ahead)
    )  # fmt: skip


def _staying(route: Route, managed: frozenset[int]) -> tuple[Route, ...]:
    """What is left of a default: of a group its next hops outside the metadata, where it goes for its others."""
    return nexthops_outside(route, managed) if ifindexes(route) & managed else (route,)


def stands_behind(metric: int, there: Sequence[Route], managed: frozenset[int], settings: Settings) -> bool:
    """Whether a default outside the metadata that wins today has this metric, the worst: ours comes behind it there.

    So it does behind what stays of a multipath default that is the first of the metadata's.
    """
    order = _in_order(there, managed, settings, ())
    first = next((place for place, one in enumerate(order) if one.inside), len(order))
    return any(one.metric == metric and (one.stays_ahead or not one.inside) for one in order[: first + 1])


def first_outside(there: Sequence[Route], managed: frozenset[int], settings: Settings) -> Route | None:
    """The first of the defaults outside the metadata that lead somewhere."""
    order = _in_order(there, managed, settings, ())
    return next((one.route for one in order if not one.inside), None)


def _shares(one: Route, other: Route) -> bool:
    """Whether both are next hops of one IPv6 route, encapsulated ones, too.

    Of a metric's routes on link, or by an object, the first is used.
    """
    return one.metric == other.metric and is_next_hop(one) and is_next_hop(other)


def _in_order(
    there: Sequence[Route], managed: frozenset[int], settings: Settings, kinds: Sequence[int]
) -> list[_Default]:
    """The defaults that the kernel may use, those of these kinds among them, first the one that it uses."""
    found = []
    for route in there:
        if (leads_out(route) or route.kind in kinds) and not route.tos:
            nics = ifindexes(route)
            partly = bool(route.nexthops) and not nics <= managed
            inside = is_ours(route, settings) or bool(nics & managed)
            found.append(_Default(route, route.metric, inside, partly))
    order = sorted(found, key=lambda default: preference(default.route))
    first = next((one for one in order if one.inside), None)
    # What would stay of a multipath default stays ahead only where the whole route is the one that wins.
    return [one._replace(inside=False) if one.stays_ahead and one is not first else one for one in order]


def _lowest(order: Sequence[_Default], six: bool) -> int:
    """The first metric behind every default outside the metadata that wins today."""
    first = next((place for place, one in enumerate(order) if one.inside), len(order))
    winner = order[first].route if six and first < len(order) else None
    # Of a multipath route those outside the metadata stay ahead.
    ahead = [
        one.metric for place, one in enumerate(order)
        if place < first or (one.stays_ahead if one.inside else winner is not None and _shares(one.route, winner))
    ]  # fmt: skip
    return min(max(ahead) + 1, WORST_METRIC) if ahead else int(six)


def _highest(order: Sequence[_Default], low: int, six: bool) -> int:
    """The last metric before every default outside the metadata that loses today."""
    behind = [one.metric - six for one in order if not one.inside]
    return min([WORST_METRIC, *(metric for metric in behind if metric >= low)])


def _free_ipv6_metric(
    wanted: Route, there: Sequence[Route], order: Sequence[_Default], low: int, settings: Settings
) -> tuple[int | None, range]:
    """Where nobody else stands; where there is no room before the next one outside, behind it."""
    taken = {route.metric for route in there if not (is_ours(route, settings) and leads_there(route, wanted))}
    while True:
        high = _highest(order, low, six=True)
        metric = min(max(wanted.metric, low), high)
        below = range(metric, low - 1, -1)
        every = chain(below[:NEAR], range(metric + 1, high + 1), below[NEAR:])
        free = next((one for one in every if one not in taken), None)
        if free is not None or high == WORST_METRIC:
            start = min(metric if free is None else free, max(low, metric - NEAR))
            return free, range(start, min(high, metric + NEAR) + 1)
        low = high + 2


def free_metrics(metric: int, used: set[int]) -> Iterator[int]:
    """The metrics from this one on that aren't used."""
    return (one for one in range(metric, WORST_METRIC + 1) if one not in used)
