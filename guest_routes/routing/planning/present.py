"""A family's default routes, by what they are to the elected one (R4, R17). Pure."""

from __future__ import annotations

from ...model.namedtuple import NamedTuple
from ...model.network import PROTOCOL_RA, Route
from ..compare import equals_of, ifindexes, leads_there, next_hops, preference
from ..ownership import is_ours, ours_of
from .default_metrics import keeps_its_place
from .deletions import displaced, takes_for_itself, undeletable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Sequence

    from ...model.network import Nic
    from ...model.settings import Settings


class Present(NamedTuple):
    """What is there."""

    every: tuple[Route, ...]
    """In the kernel's order."""
    ours: tuple[Route, ...]
    equal: Route | None
    """Another program's that leads where the elected one should, and is adopted."""
    extras: tuple[Route, ...]
    """Other programs', through NICs of the metadata, that should not be there."""
    outside: tuple[Route, ...]
    """Through NICs that the metadata doesn't describe, or for packets from a prefix only."""
    unwritable: tuple[Route, ...]
    """Extras that could not be given back, or be removed without harm to another route (R17)."""
    displaced: tuple[Route, ...] = ()
    """Those of them, and perhaps others, that would come back behind another one."""
    nics: Sequence[Nic] = ()


def outside_of(there: Sequence[Route], managed: frozenset[int], settings: Settings) -> tuple[Route, ...]:
    """Through NICs outside the metadata, or for packets from a prefix only."""
    foreign = [route for route in there if not is_ours(route, settings)]
    return tuple(route for route in foreign if route.unwritable == "source" or not managed & ifindexes(route))


def classify(there: Sequence[Route], wanted: Route, managed: frozenset[int], settings: Settings) -> Present:
    """What is there, beside the route that is wanted; one that leads where it does is none too many."""
    outside = outside_of(there, managed, settings)
    ours = tuple(ours_of(there, settings))
    theirs = [route for route in there if route not in (*outside, *ours)]
    moved = displaced(theirs, outside, there)
    bound = (*moved, *undeletable(without(theirs, moved), (*outside, *moved), there, managed))
    static, announced = _equals(theirs, wanted)
    too_many = without(bound, (*static, *announced))
    winning = [one for one in (*static, *announced) if not _loses(one, too_many, there)]
    going = [route for route in theirs if route not in (*winning, *bound)]
    equal = _adopted(winning, going, there, managed, settings)
    kept = (*announced, *bound, *_harmless(static, winning), *_twins(equal, theirs))
    extras = without(theirs, kept)
    staying = undeletable(extras, (*outside, *kept), there, managed)
    unwritable = (*too_many, *without(staying, static))
    return Present(tuple(there), ours, equal, without(extras, staying), outside, unwritable, moved)


def without(routes: Sequence[Route], others: Sequence[Route]) -> tuple[Route, ...]:
    """The routes that are none of the others."""
    return tuple(route for route in routes if route not in others)


def _harmless(static: Sequence[Route], winning: Sequence[Route]) -> Sequence[Route]:
    """Equals that all lose to one that stays: beside ours, which wins, they do no harm."""
    return () if any(one in winning for one in static) else static


def _adopted(
    winning: Sequence[Route],
    going: Sequence[Route],
    there: Sequence[Route],
    managed: frozenset[int],
    settings: Settings,
) -> Route | None:
    """The first equal route that may serve as it stands; none that would go in place of one that goes."""
    serving = (one for one in winning if not any(takes_for_itself((one,), route, there, managed) for route in going))
    return next((one for one in serving if keeps_its_place(one, there, managed, settings)), None)


def _twins(serving: Route | None, theirs: Sequence[Route]) -> list[Route]:
    """The route that serves, and those that differ from it by IPv4 attributes only: one may be deleted for another."""
    if serving is None:
        return []
    alike = (one for one in equals_of(serving, theirs) if next_hops(one) == next_hops(serving) and one.family == 4)
    return [serving, *(one for one in alike if one.protocol == serving.protocol)]


def _loses(route: Route, others: Sequence[Route], there: Sequence[Route]) -> bool:
    """Whether the kernel would use one of the others before this route."""
    place = {id(one): number for number, one in enumerate(there)}
    return any((preference(one), place[id(one)]) < (preference(route), place[id(route)]) for one in others)


def _equals(theirs: Sequence[Route], wanted: Route) -> tuple[list[Route], list[Route]]:
    """Routes that lead where the elected one should, best first: written by programs, and announced by routers.

    A router's own announcement comes back with the next one: it stays beside a static equal.
    """
    equal = sorted((route for route in theirs if leads_there(route, wanted)), key=preference)
    static = [route for route in equal if route.gateway == wanted.gateway and route.protocol != PROTOCOL_RA]
    return static, [route for route in equal if route not in static]
