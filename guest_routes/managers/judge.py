"""What becomes of each route in the files that cloud-init rendered. Pure.

Touched are only routes of the document: a host route under a NIC whose gateway is not its next hop moves to the NIC
whose gateway it is (R2), one that its NIC can't reach at all goes (R3), and so does a default route through another
NIC than the elected one (R4). Time grows with the number of routes: whatever is asked for each of them has an index.
"""

from __future__ import annotations

from ..model.configuration import ConfiguredRoute, ParsedConfig, Place, RouteVerdict
from ..model.decision import Binding, Elected, Resolved, Unresolved
from ..model.namedtuple import NamedTuple
from ..model.network import MAIN_TABLE, Address, Prefix, contains

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterable, Mapping, Sequence, TypeVar

    from ..model.plan import Decision
    from ..model.settings import Settings

    One = TypeVar("One", Resolved, Unresolved)


class _Known(NamedTuple):
    """What is decided and what the files have; the first one counts of those with one key."""

    decision: Decision
    settings: Settings
    resolved: Mapping[tuple[Prefix, Address], Resolved]
    """By destination and next hop, as the two below."""
    unresolved: Mapping[tuple[Prefix, Address], Unresolved]
    there: Mapping[tuple[Prefix, Address], Sequence[ConfiguredRoute]]
    """What the files have in main."""
    bindings: Mapping[int, Sequence[Binding]]
    """The document's networks, by their NIC's ifindex."""
    places: Mapping[tuple[int, int, bool], Place]
    """By ifindex, family, and whether it is for a default."""
    idle: frozenset[tuple[int, int]]
    made: frozenset[str]
    """Paths of files that `correct` has made."""


def judged(parsed: Sequence[ParsedConfig], decision: Decision, settings: Settings) -> list[RouteVerdict]:
    """A verdict for each route of one manager's files, in their order."""
    readable = [one for one in parsed if one.odd is None]
    known = _known(readable, decision, settings)
    return [_feasible(_judge(route, known)) for one in readable for route in one.routes]


def _known(readable: Sequence[ParsedConfig], decision: Decision, settings: Settings) -> _Known:
    there: dict[tuple[Prefix, Address], list[ConfiguredRoute]] = {}
    for route in (route for one in readable for route in one.judged):
        there.setdefault((route.destination, route.gateway), []).append(route)
    bindings: dict[int, list[Binding]] = {}
    for binding in decision.resolution.bindings:
        if binding.nic is not None:
            bindings.setdefault(binding.nic.ifindex, []).append(binding)
    resolution = decision.resolution
    return _Known(
        decision, settings, _by_next_hop(resolution.resolved), _by_next_hop(resolution.unresolved), there, bindings,
        _places(readable), frozenset(key for one in readable for key in one.idle),
        frozenset(one.path for one in readable if one.origin == "correct"),
    )  # fmt: skip


def _places(readable: Sequence[ParsedConfig]) -> dict[tuple[int, int, bool], Place]:
    places: dict[tuple[int, int, bool], Place] = {}
    for place in (place for one in readable for place in one.places):
        for default in (False, True):
            if place.takes in ("any", "default" if default else "host"):
                places.setdefault((place.nic.ifindex, place.family, default), place)
    return places


def _by_next_hop(found: Iterable[One]) -> dict[tuple[Prefix, Address], One]:
    first: dict[tuple[Prefix, Address], One] = {}
    for one in found:
        first.setdefault((one.host.destination, one.host.next_hop), one)
    return first


def _feasible(one: RouteVerdict) -> RouteVerdict:
    """A route moves and goes with its lines: one that has none for itself stays."""
    if one.verdict in ("moved", "removed") and not one.route.lines:
        return RouteVerdict(one.route, "left", "in-other-line", one.basis)
    return one


def _judge(route: ConfiguredRoute, known: _Known) -> RouteVerdict:
    if not route.in_main:
        return RouteVerdict(route, "kept", "not-main")
    if route.destination.is_default:
        return _judge_default(route, known)
    resolved = known.resolved.get((route.destination, route.gateway))
    if resolved is not None:
        return _judge_resolved(route, resolved, known)
    unresolved = known.unresolved.get((route.destination, route.gateway))
    if unresolved is None:
        return _judge_unlisted(route, known)
    own = known.bindings.get(route.nic.ifindex, ())
    reachable = any(contains(subnet, route.gateway) for one in own for subnet in one.subnets)
    uncertain = unresolved.binding is not None and unresolved.binding.contradiction is not None
    if unresolved.kind != "ignored" and not reachable and not uncertain:
        return RouteVerdict(route, "removed", "out-of-reach", unresolved)
    return RouteVerdict(route, "kept", "unresolved", unresolved)


def _judge_unlisted(route: ConfiguredRoute, known: _Known) -> RouteVerdict:
    """A route that the document lacks: somebody else's, or one that `correct` had moved, and cloud-init leaves."""
    if route.path in known.made:
        return RouteVerdict(route, "removed", "no-longer-listed")
    return RouteVerdict(route, "kept", "not-in-document")


def _judge_resolved(route: ConfiguredRoute, resolved: Resolved, known: _Known) -> RouteVerdict:
    """A host route that has a NIC: it stays there, or goes there unless it is there already."""
    nic = resolved.next_hop.nic
    if nic.ifindex == route.nic.ifindex:
        return RouteVerdict(route, "kept", "resolved", resolved)
    equal = known.there.get((route.destination, route.gateway), ())
    if any(other.nic.ifindex == nic.ifindex for other in equal):
        return RouteVerdict(route, "removed", "there-already", resolved)
    place = known.places.get((nic.ifindex, route.family, route.destination.is_default))
    if place is None:
        return RouteVerdict(route, "left", "no-file", resolved)
    return RouteVerdict(route, "moved", "resolved", resolved, place)


def _judge_default(route: ConfiguredRoute, known: _Known) -> RouteVerdict:
    """R4, for what stands in files."""
    elections = known.decision.elections
    elected = next((e for e in elections if isinstance(e, Elected) and e.family == route.family), None)
    if elected is None:
        return RouteVerdict(route, "kept", "none-elected")
    if not _is_documented(route, known):
        return _judge_unlisted(route, known)
    if (route.nic.ifindex, route.gateway) == (elected.nic.ifindex, elected.gateway):
        return RouteVerdict(route, "kept", "elected", elected)
    if known.settings.table != MAIN_TABLE:
        return RouteVerdict(route, "left", "other-table", elected)
    named = _named_elsewhere(route, elected, known)
    if named is not None:
        return _judge_resolved(route, named, known)
    if known.settings.default_mode != "enforce":
        return RouteVerdict(route, "left", "default-mode", elected)
    if not _will_have(elected, route.destination, known):
        return RouteVerdict(route, "left", "only-default", elected)
    return RouteVerdict(route, "removed", "extra-default", elected)


def _named_elsewhere(route: ConfiguredRoute, elected: Elected, known: _Known) -> Resolved | None:
    """The default entry behind a file's default, where its next hop names the elected NIC and not the file's."""
    defaults = known.decision.resolution.defaults
    found = (one for one in defaults if one.host.next_hop == route.gateway == elected.gateway)
    return next((one for one in found if one.next_hop.nic.ifindex == elected.nic.ifindex), None)


def _is_documented(route: ConfiguredRoute, known: _Known) -> bool:
    """Whether a network on the route's NIC lists this default."""
    networks = [one.network for one in known.bindings.get(route.nic.ifindex, ()) if one.network]
    return any(entry.gateway == route.gateway for network in networks for entry in network.defaults)


def _will_have(elected: Elected, anywhere: Prefix, known: _Known) -> bool:
    """Whether a file that can be read has the elected default or gets it, and no file switches it off (R7)."""
    if (elected.nic.ifindex, elected.family) in known.idle:
        return False
    for other in known.there.get((anywhere, elected.gateway), ()):
        if other.nic.ifindex == elected.nic.ifindex:
            return True
        named = _named_elsewhere(other, elected, known) if _is_documented(other, known) else None
        if named is not None and _feasible(_judge_resolved(other, named, known)).verdict == "moved":
            return True
    return False
