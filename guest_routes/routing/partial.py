"""Whether a document may be partial, so that nothing is withdrawn on its word (R6). Pure."""

from __future__ import annotations

from ..model.decision import Binding, Elected
from ..model.network import masters
from ..model.plan import Suspicion
from ..model.settings import is_ignored
from .bind import macs_of
from .compare import defaults_of, next_hops
from .elect import elect
from .ownership import is_reaching, ours_of
from .resolve import resolve

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterator, Sequence

    from ..model.decision import Election, Resolution
    from ..model.evidence import Evidence
    from ..model.network import Nic, Prefix, Route
    from ..model.settings import Settings

AGREEING_FETCHES = 3
"""So many fetches in a row must bring the same document before it is believed."""
MANY = 10


def suspicion(
    evidence: Evidence,
    resolution: Resolution,
    elections: Sequence[Election],
    settings: Settings,
    dropped: frozenset[Prefix] = frozenset(),
) -> Suspicion | None:
    """Why the document is suspicious; None when it isn't.

    A last known good document was believed when it came; of it only the omission of routes counts.

    Args:
        dropped: destinations that the settings name no more: no document has lost them.
    """
    lost = _not_dropped(evidence, dropped) if dropped else evidence
    gone, ours = _gone(lost, resolution, settings)
    defaults = _wanted_defaults(evidence, elections, settings)
    omission = _omission(evidence, resolution, elections, defaults, gone, ours)
    if evidence.source == "last-known-good":
        return omission
    return (
        _incomplete(evidence)
        or omission
        or _lost(lost, resolution, _left(defaults, elections), settings, gone)
        or _shrunk(gone, ours)
    )


def _not_dropped(evidence: Evidence, dropped: frozenset[Prefix]) -> Evidence:
    """The same evidence without the routes to these destinations."""
    routes = tuple(route for route in evidence.kernel.routes if route.destination not in dropped)
    return evidence._replace(kernel=evidence.kernel._replace(routes=routes))


def _incomplete(evidence: Evidence) -> Suspicion | None:
    """No networks at all, or a present NIC missing that was described before."""
    if not evidence.data.networks:
        return Suspicion("no-networks")
    documented = {link.mac for link in evidence.data.links}
    present = {mac: nic.name for nic in evidence.kernel.nics for mac in macs_of(nic)}
    lost = [(present[mac], mac) for mac in evidence.known_macs if mac in present and mac not in documented]
    return Suspicion("nics-lost", tuple(lost)) if lost else None


def _wanted_defaults(evidence: Evidence, elections: Sequence[Election], settings: Settings) -> set[tuple[int, int]]:
    """The ifindexes and families of our defaults, and of other programs' that the last accepted document elects.

    Those of others only where one is elected: else they stay in any case.
    """
    defaults = defaults_of(evidence.kernel.routes)
    ours = {(route.ifindex, route.family) for route in ours_of(defaults, settings)}
    theirs = {(ifindex, route.family) for route in defaults for _, ifindex in next_hops(route)}
    moving = {one.family for one in elections if isinstance(one, Elected)}
    return ours | theirs.intersection(_elected_before(evidence, moving, settings))


def _elected_before(evidence: Evidence, families: set[int], settings: Settings) -> Iterator[tuple[int, int]]:
    """The ifindexes and families of what the last accepted document elects."""
    if evidence.known_data is None or not families:
        return
    resolution = resolve(evidence._replace(data=evidence.known_data), settings)
    for family in families:
        found = elect(resolution, settings, family)
        if isinstance(found, Elected):
            yield found.nic.ifindex, family


def _lost(
    evidence: Evidence, resolution: Resolution, left: set[tuple[int, int]], settings: Settings, gone: int
) -> Suspicion | None:
    """Routes of ours, or the default, would leave a NIC described before, for its network is missing or damaged.

    A NIC that can't be used, or that the settings cover, keeps none.

    Args:
        left: the ifindexes and families of defaults that would.
    """
    if not evidence.known_macs:
        return None
    leaving = [(*place, True) for place in left]
    leaving += [(*place, False) for place in _left_by_hosts(evidence, resolution, settings)] if gone else []
    nics = {nic.ifindex: nic for nic in evidence.kernel.nics}
    found = {}
    for ifindex, family, is_default in leaving:
        nic = nics.get(ifindex)
        if nic is None or not _is_known(nic, evidence, settings):
            continue
        if _has_lost(nic, family, is_default, evidence, resolution):
            found[ifindex] = nic.name, nic.mac
    return Suspicion("networks-lost", tuple(found[ifindex] for ifindex in sorted(found))) if found else None


def _left(defaults: set[tuple[int, int]], elections: Sequence[Election]) -> set[tuple[int, int]]:
    """Those of the defaults that aren't elected; the settings' choice moves one whatever the document says."""
    kept = {(one.nic.ifindex, one.family) for one in elections if isinstance(one, Elected)}
    chosen = {one.family for one in elections if one.selector is not None}
    return {one for one in defaults if one[1] not in chosen} - kept


def _left_by_hosts(evidence: Evidence, resolution: Resolution, settings: Settings) -> set[tuple[int, int]]:
    """The ifindexes and families of our host routes that nobody wants."""
    wanted = {one.host.destination for one in resolution.resolved}
    unwanted = [one for one in _our_hosts(evidence, settings) if one.destination not in wanted]
    return {(one.ifindex, one.family) for one in _going(unwanted, resolution)}


def _is_known(nic: Nic, evidence: Evidence, settings: Settings) -> bool:
    """Whether it was described before, by any MAC of its own or of a port of it (a bridge has one of its own)."""
    if is_ignored(nic, settings.ignore_nics):
        return False
    ports = (one for one in evidence.kernel.nics if one.master == nic.ifindex)
    return any(not macs_of(one).isdisjoint(evidence.known_macs) for one in (nic, *ports))


def _has_lost(nic: Nic, family: int, is_default: bool, evidence: Evidence, resolution: Resolution) -> bool:
    """Whether a NIC that can be used has no network of a family now; of a default also: only damaged ones."""
    if not Binding(None, None, nic, known_family=family).is_usable():
        return False
    networks = [one for one in resolution.bindings if one.family == family and _is_on(one, nic, evidence.kernel.nics)]
    return all(is_default and _is_damaged(one) for one in networks)


def _is_on(binding: Binding, nic: Nic, nics: Sequence[Nic]) -> bool:
    """Whether this is a network on a NIC, on another device with its MAC or over it (a bridge), or meant for it."""
    on, link = binding.nic, binding.link
    if binding.network is None or on is None:
        return binding.network is not None and link is not None and link.mac == nic.mac
    return on.ifindex == nic.ifindex or on.mac == nic.mac or on in masters(nic, nics)


def _is_damaged(binding: Binding) -> bool:
    """Whether a network lists no default, and something that is refused and may have been it, or no list at all."""
    return binding.network is not None and bool(binding.network.lacks_default)


def _omission(
    evidence: Evidence,
    resolution: Resolution,
    elections: Sequence[Election],
    defaults: set[tuple[int, int]],
    gone: int,
    ours: int,
) -> Suspicion | None:
    """Routes of ours would go that nobody names, since the document omits a NIC's routes and no lease has them.

    So would the default, which leads through such a NIC.

    Nova 27.3 stopped describing subnets with DHCP: an upgrade of the cloud must not empty the table, nor must a lease
    that has gone.
    """
    with_lease = evidence.leases.has_routes if evidence.leases else frozenset()
    omitted = tuple(
        one for one in resolution.bindings if one.network and one.network.omits_routes and not _leased(one, with_lease)
    )
    unused = evidence.leases.problems if evidence.leases else ()
    if gone and omitted:
        return Suspicion("routes-omitted", (), omitted, gone, ours, unused)
    left = tuple(one for one in omitted if _leaves(one, defaults, elections))
    return Suspicion("default-omitted", (), left, leases=unused) if left else None


def _leaves(binding: Binding, defaults: set[tuple[int, int]], elections: Sequence[Election]) -> bool:
    """Whether the default leads through the NIC, which can be used, and is to lead through a later one."""
    nic = binding.nic
    if nic is None or not binding.is_usable() or not any(_comes_later(one, binding) for one in elections):
        return False
    return (nic.ifindex, binding.family) in defaults


def _comes_later(one: Election, binding: Binding) -> bool:
    """Whether a network behind this one is elected in its family; one before it would be in any case."""
    if not isinstance(one, Elected) or one.family != binding.family or one.selector is not None:
        return False
    other, network = one.binding, binding.network
    return other is None or other.network is None or (network is not None and other.network.index > network.index)


def _leased(binding: Binding, with_lease: frozenset[int]) -> bool:
    """Whether a lease that holds has the NIC's routes."""
    return binding.family == 4 and binding.nic is not None and binding.nic.ifindex in with_lease


def _shrunk(gone: int, ours: int) -> Suspicion | None:
    """More than half of our routes, and at least MANY, would go at once."""
    return Suspicion("many-routes", gone=gone, ours=ours) if gone >= MANY and gone * 2 > ours else None


def _gone(evidence: Evidence, resolution: Resolution, settings: Settings) -> tuple[int, int]:
    """How many routes of ours would go, of how many; not counted are those that the settings say are to be ignored."""
    ours = _our_hosts(evidence, settings)
    if not ours:
        return 0, 0
    wanted = {resolved.host.destination for resolved in resolution.resolved}
    wanted.update(one.host.destination for one in resolution.unresolved if one.kind == "ignored")
    return len(_going([one for one in ours if one.destination not in wanted], resolution)), len(ours)


def _going(unwanted: Sequence[Route], resolution: Resolution) -> Sequence[Route]:
    """Those of our routes that no resolved host route has but for those that stay in any case."""
    if not unwanted:
        return ()
    from .planning.leftovers import listed_still

    staying = listed_still(resolution.unresolved)
    return [one for one in unwanted if (one.destination, one.gateway) not in staying]


def _our_hosts(evidence: Evidence, settings: Settings) -> list[Route]:
    """Our routes but for the default and those to gateways alone."""
    routes = (route for route in ours_of(evidence.kernel.routes, settings) if route.destination.length)
    return [route for route in routes if not is_reaching(route, settings)]
