"""Which default routes of a family go, come or stay (R4, R7). Pure.

Only routes through NICs that the metadata describes are touched, and ours never gets in front of another NIC's
default (a VPN's, a container's). Nothing is taken unless the elected default is there or is added before. Three steps:
classify what is there, choose the one that serves, and take or demote the rest.
"""

from __future__ import annotations

from ...model.decision import Elected
from ...model.network import DEFAULT_PREFIX, Route
from ...model.operations import Add, Delete, Promote, RemoveForeignDefault, RestoreDefault
from ...model.plan import PlannedDefault
from ..compare import begins_with, equals_of, leads_there, next_hops
from ..next_hops import needs_onlink
from .default_metrics import default_metrics, first_outside, free_metrics, keeps_its_place, stands_behind
from .deletions import is_named_by_protocol, parts_left
from .present import classify, outside_of, without

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterator, Sequence

    from ...model.decision import Election
    from ...model.network import Nic
    from ...model.operations import Operation, Place, RemovalReason
    from ...model.plan import DefaultVerdict
    from ...model.settings import Settings
    from .present import Present

DEMOTED_BY = 1000
"""default_mode demote: what is added to the elected default's metric for the others."""


def plan_default(
    election: Election,
    there: Sequence[Route],
    managed: frozenset[int],
    settings: Settings,
    metric: int,
    withdraw: bool = True,
    nics: Sequence[Nic] = (),
) -> PlannedDefault:
    """R4 for one family.

    Args:
        there: the family's default routes, in the kernel's order.
        managed: ifindexes of the NICs that the metadata describes.
        metric: ours, where nothing speaks against it.
        withdraw: False when the document may be partial (R6): a default is added only where there is none at all.
        nics: those that there are.
    """
    if not isinstance(election, Elected):
        outside = outside_of(there, managed, settings)
        return PlannedDefault(election, "left", outside=outside, staying=without(there, outside))
    destination = DEFAULT_PREFIX[election.family]
    nic, protocol, table = election.nic.ifindex, settings.protocol, settings.table
    wanted = Route(destination, election.gateway, nic, metric, protocol, table, onlink=election.onlink)
    present = classify(there, wanted, managed, settings)._replace(nics=nics)
    if settings.default_mode == "observe" or (there and not withdraw):
        mine = next((route for route in present.ours if leads_there(route, wanted)), None)
        serving = present.equal or mine
        verdict: DefaultVerdict = "adopted" if present.equal else "kept" if mine else "observed"
        extras = (*present.extras, *present.unwritable, *without(present.ours, (serving,) if serving else ()))
        return PlannedDefault(election, verdict, serving, extras, present.outside)
    return _enforced(election, wanted, present, managed, settings)


# ---- what is done -------------------------------------------------------------------------------------


def _enforced(
    election: Elected, wanted: Route, present: Present, managed: frozenset[int], settings: Settings
) -> PlannedDefault:
    """The elected default in place, and the others gone or demoted."""
    serving, verdict = _serving(wanted, present, managed, settings)
    if verdict == "shadowed":
        return _shadowed(election, serving, present, managed, settings)
    additions: list[Operation] = []
    stale = [route for route in present.ours if route is not serving]
    going: Sequence[Route] = present.extras
    behind = False
    if verdict == "add":
        behind = stands_behind(serving.metric, present.every, managed, settings)
        additions.append(Add(serving, election, _place(serving, present.every, (*stale, *going), behind)))
    elif serving.family == 4 and not keeps_its_place(serving, present.every, managed, settings):
        # Behind one outside the metadata of the same metric, which would come to the front as others go (R8).
        additions.append(Promote(serving, election))
        verdict = "add"
    if settings.default_mode == "demote":
        copies, going, stale = _demote(present, stale, serving, managed, settings)
        additions += copies
    removals: list[Operation] = []
    for route in stale:
        doubled: RemovalReason = "equal-serves" if present.equal is not None else "ours-serves"
        removals.append(Delete(route, doubled if leads_there(route, wanted) else "not-elected"))
    parts = list(_staying_parts(serving, behind, going, present.every, managed))
    for route in going:
        removals.append(RemoveForeignDefault(route, election, is_named_by_protocol(route, present.every)))
    return PlannedDefault(
        election, verdict, serving, tuple(going), present.outside, _added(additions, parts, behind), tuple(removals),
        present.unwritable, displaced=present.displaced,
    )  # fmt: skip


def _added(additions: Sequence[Operation], parts: Sequence[Operation], behind: bool) -> tuple[Operation, ...]:
    """Where ours goes behind, it goes behind what stays of others, too."""
    return (*parts, *additions) if behind else (*additions, *parts)


def _shadowed(
    election: Elected, wanted: Route, present: Present, managed: frozenset[int], settings: Settings
) -> PlannedDefault:
    """Ours can't be there, so nobody's is taken in its place."""
    removals = tuple(Delete(route, "shadowed") for route in present.ours)
    by = first_outside(present.every, managed, settings)
    return PlannedDefault(election, "shadowed", wanted, outside=present.outside, removals=removals, competitor=by)


def _staying_parts(
    serving: Route, behind: bool, going: Sequence[Route], there: Sequence[Route], managed: frozenset[int]
) -> Iterator[RestoreDefault]:
    """What stays of each default that goes: in front of others that stay, but not where it would be deleted for one.

    Args:
        behind: whether the route that serves is added, behind those of its metric.
    """
    for whole, left in _remaining(going, there, managed):
        ahead = (behind or serving.metric != whole.metric) and _stands_first(whole, there)
        taken = any(begins_with(one, left) for one in equals_of(whole, going))
        yield RestoreDefault(left, "nexthops-outside", ahead and not taken)


def _stands_first(route: Route, there: Sequence[Route]) -> bool:
    """Whether it is the first of its key (IPv4): what stays of it stays in front of others that stay."""
    first = next(one for one in there if (one.metric, one.tos) == (route.metric, route.tos))
    return route.family == 4 and route == first


def _place(added: Route, there: Sequence[Route], going: Sequence[Route], behind: bool) -> Place:
    """Where ours goes, so that it overtakes no default that comes between the snapshot and the addition."""
    equals = [route for route in there if route.metric == added.metric and not route.tos]
    if not equals:
        return "alone"
    return "behind" if behind or all(route in going for route in equals) else "before"


def _serving(
    wanted: Route, present: Present, managed: frozenset[int], settings: Settings
) -> tuple[Route, DefaultVerdict]:
    """The route that is the elected default: another program's equal, ours that is there, or a new one."""
    if present.equal is not None:
        return present.equal, "adopted"
    metric, fitting = default_metrics(wanted, present.every, managed, settings, present.unwritable)
    # Of two of one metric (one is `onlink`) the last one: asked for either, the kernel deletes the first.
    there = (route for route in reversed(present.ours) if leads_there(route, wanted) and route.metric in fitting)
    mine = min(there, key=lambda route: route.metric, default=None)
    if mine is not None:
        return mine, "kept"
    return (wanted, "shadowed") if metric is None else (wanted._replace(metric=metric), "add")


def _remaining(going: Sequence[Route], there: Sequence[Route], managed: frozenset[int]) -> list[tuple[Route, Route]]:
    """Each default that goes, and what stays of it; it is there, too, where a pass was killed."""
    found: list[tuple[Route, Route]] = []
    for route in going:
        found += [(route, part) for part in parts_left(route, (*there, *(left for _, left in found)), managed)]
    return found


def _demote(
    present: Present, stale: Sequence[Route], kept: Route, managed: frozenset[int], settings: Settings
) -> tuple[list[Operation], list[Route], list[Route]]:
    """default_mode demote: a copy of each extra behind the elected default, as long as there is a metric for it.

    Returns:
        The copies; the extras that go all the same; and the routes of ours that do.
    """
    have = {hop for route in present.extras if route.metric > kept.metric for hop in next_hops(route)}
    have.add((kept.gateway, kept.ifindex))
    staying = _demoted_before(stale, kept, managed, have)
    # Nor where one stands that goes later: IPv6 takes no second route of a metric, and IPv4 would put it in front.
    free = free_metrics(kept.metric + DEMOTED_BY, {route.metric for route in present.every})
    going = [route for route in present.extras if route.metric <= kept.metric]
    copies: list[Operation] = []
    for (route, hop), metric in zip(_worth_a_copy(going, managed, have), free):
        onlink = route.onlink or _is_outside(hop, present.nics)
        copy = Route(route.destination, *hop, metric, settings.protocol, settings.table, onlink=onlink)
        copies.append(Add(copy, "demoted"))
    return copies, going, [route for route in stale if route not in staying]


def _is_outside(hop: tuple[bytes | None, int], nics: Sequence[Nic]) -> bool:
    """Whether a gateway is outside its NIC's prefixes: the NIC has got another address since the route was made."""
    gateway, ifindex = hop
    return gateway is not None and any(nic.ifindex == ifindex and needs_onlink(nic, gateway) for nic in nics)


def _worth_a_copy(
    going: Sequence[Route], managed: frozenset[int], have: set[tuple[bytes | None, int]]
) -> Iterator[tuple[Route, tuple[bytes | None, int]]]:
    """Each next hop through a NIC of the metadata that no other route leads to, once; adds it to `have`."""
    for route in going:
        for hop in next_hops(route):
            gateway, ifindex = hop
            if hop not in have and gateway is not None and ifindex in managed:
                have.add(hop)
                yield route, hop


def _demoted_before(
    stale: Sequence[Route], kept: Route, managed: frozenset[int], have: set[tuple[bytes | None, int]]
) -> list[Route]:
    """Copies that an earlier pass made, one for each next hop; adds theirs to `have`."""
    staying = []
    for route in stale:
        hop = (route.gateway, route.ifindex)
        if route.metric > kept.metric and route.ifindex in managed and hop not in have:
            staying.append(route)
            have.add(hop)
    return staying
