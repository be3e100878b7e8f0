"""Everything known to everything decided: the one way from an Evidence to a Decision. Pure."""

from __future__ import annotations

from ..model.decision import Elected, NotElected, Unresolved
from ..model.network import DEFAULT_PREFIX, family_of
from ..model.plan import Decision, Unlisted
from .elect import Damage, elect
from .offers import nics_in_use
from .ownership import ours_of
from .partial import AGREEING_FETCHES, suspicion
from .planning.plan import plan
from .resolve import resolve

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Sequence

    from ..model.decision import Election, Resolution
    from ..model.evidence import Evidence
    from ..model.network import Prefix
    from ..model.settings import Settings
    from ..model.source_routing import SourceRoutingPlan

FAMILIES = (4, 6)


def decide(evidence: Evidence, settings: Settings, accept_withdrawals: bool = False) -> Decision:
    """Binds, resolves, elects and plans.

    Args:
        accept_withdrawals: routes of ours go although the document may be partial (R6).
    """
    resolution = resolve(evidence, settings)
    elections = tuple(_elected(resolution, evidence, settings, family, accept_withdrawals) for family in FAMILIES)
    resolution = _with_outdone_defaults(resolution, elections)
    unlisted = _unlisted(evidence, settings)
    suspected = suspicion(evidence, resolution, elections, settings, unlisted.dropped)
    agreed = evidence.agreeing_fetches >= AGREEING_FETCHES and not (suspected and suspected.leases)
    standing = None if accept_withdrawals or agreed else suspected
    unlisted = unlisted._replace(damaged=()) if accept_withdrawals else unlisted
    made = plan(resolution, elections, evidence.kernel, settings, standing is None, evidence.copied_leases, unlisted)
    decision = Decision(resolution, elections, made, evidence.problems, standing, suspected is not None)
    if evidence.kernel.tables is None:
        return decision
    return with_source_routing(decision, evidence, settings)


def _elected(
    resolution: Resolution, evidence: Evidence, settings: Settings, family: int, accept_withdrawals: bool
) -> Election:
    damage = None if accept_withdrawals else _damage(evidence, family)
    found = elect(resolution, settings, family, evidence.projected, _in_use(evidence, family), damage)
    return found._replace(by_leases=evidence.source == "leases") if isinstance(found, Elected) else found


def _in_use(evidence: Evidence, family: int) -> list[int]:
    """What orders NICs where leases take the metadata's place, and nothing else does (R4)."""
    return nics_in_use(evidence, family) if evidence.source == "leases" else []


def _with_outdone_defaults(resolution: Resolution, elections: Sequence[Election]) -> Resolution:
    """The default entries of the settings and the property that don't decide aren't programmed: somebody wants them."""
    elected = {one.family: one for one in elections if isinstance(one, Elected)}
    outdone: list[Unresolved] = []
    for one in resolution.defaults:
        by, nic = elected.get(family_of(one.host.next_hop)), one.next_hop.nic
        if one.host.origin in ("metadata", "leases") or by is None or by.selector is not None:
            continue
        if by.nic.ifindex != nic.ifindex:
            winner = by.named.host if by.named is not None else None
            outdone.append(Unresolved(one.host, "not-elected", by.binding, owner=nic.name, winner=winner))
    return resolution._replace(unresolved=(*resolution.unresolved, *outdone)) if outdone else resolution


def _damage(evidence: Evidence, family: int) -> Damage | None:
    """The default entries of a family that can't be read; None where there are none."""
    place = _damaged_property(evidence, family)
    if not place and not any(one.lacks_default for one in evidence.data.networks if one.family == family):
        return None
    return Damage(nics_in_use(evidence, family), place)


def _damaged_property(evidence: Evidence, family: int) -> str:
    """Where the property's default entry of a family may be, if it can't be read; else ""."""
    if any(not one.destination.length and family_of(one.next_hop) == family for one in evidence.properties):
        return ""
    for one in evidence.property_damage:
        default = one.destination is None or one.destination == DEFAULT_PREFIX[family]
        if default and (one.next_hop is None or family_of(one.next_hop) == family):
            return one.place
    return ""


def _unlisted(evidence: Evidence, settings: Settings) -> Unlisted:
    """Why no source may list a route of ours any more (R6): settings are read whole or not at all."""
    damaged = tuple(one for one in evidence.problems if one.refused)
    dropped = evidence.settings_routes.difference(host.destination for host in settings.routes)
    return Unlisted(damaged, dropped)


def settings_routes(decision: Decision, evidence: Evidence, settings: Settings) -> frozenset[Prefix]:
    """The destinations for which the settings name a route of ours, and those that they did, while it is there (R6)."""
    if not settings.routes and not evidence.settings_routes:
        return frozenset()
    origins = {one.host.destination: one.host.origin for one in decision.resolution.resolved}
    ours = {route.destination for route in ours_of(evidence.kernel.routes, settings)}
    left = (one for one in evidence.settings_routes if one in ours and one not in origins)
    return frozenset([*left, *(one for one, origin in origins.items() if origin == "settings")])


def with_source_routing(decision: Decision, evidence: Evidence, settings: Settings) -> Decision:
    """The same decision with source routing's part, which nothing of the rest depends on."""
    return decision._replace(source_routing=_by_source(decision, evidence, settings))


def _by_source(decision: Decision, evidence: Evidence, settings: Settings) -> SourceRoutingPlan:
    """Source routing (R21), for the main table as the plan leaves it."""
    from .source_routing.plan import connected, main_after, plan_source_routing

    main, state = main_after(evidence.kernel.routes, decision.plan), evidence.kernel
    if evidence.projected:
        main = (*main, *connected(state.nics, main))
    contradicted = any(one.contradiction is not None for one in decision.resolution.bindings)
    damaged = any(isinstance(one, NotElected) and one.kind == "damaged" for one in decision.elections)
    withdraw = decision.suspicion is None and not contradicted and not damaged
    return plan_source_routing(decision.resolution, decision.elections, main, state, settings, withdraw)
