"""The one default route of each family (R4). Pure.

Who may have it, best first: the settings' choice; networks with a documented default of their own, by the document's
metrics, then in metadata order; NICs that another network's default entry names; and only where nothing of this is
documented in the family, NICs with the kernel's own default, then those of `gateways`. A default that is documented and
that no NIC can carry elects none.
"""

from __future__ import annotations

from itertools import takewhile

from ..model.decision import Elected, NotElected
from ..model.namedtuple import NamedTuple
from ..model.network import contains, family_of, masters
from .next_hops import needs_onlink

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterator, Protocol, Sequence, TypeVar

    from ..model.decision import Binding, Election, NotElectedKind, Resolution, Resolved, Unresolved
    from ..model.network import Nic
    from ..model.settings import Selector, Settings

    class Ranked(Protocol):
        """A documented default, in metadata order."""

        @property
        def metric(self) -> int | None:
            """The document's; None where it says nothing of the default itself."""

    One = TypeVar("One", bound=Ranked)


class Damage(NamedTuple):
    """What can't be read of a family's default entries, beside the defaults that are there."""

    in_use: Sequence[int]
    """The ifindexes of the NICs that the family's defaults lead through, in the kernel's order."""
    place: str
    """Of the property's entry; "" where only networks have one."""


def elect(
    resolution: Resolution,
    settings: Settings,
    family: int,
    unaddressed: bool = False,
    in_use: Sequence[int] = (),
    damage: Damage | None = None,
) -> Election:
    """The NIC of a family's default route, or why there is none.

    A NIC without an address is as good as down: DHCP may never bring one. A NIC without a carrier is passed over as
    long as another of its group has one: documented, by the kernel's own default, or of `gateways` alone. A selector
    that means no usable NIC elects nothing: the defaults stay as they are until it does.

    Args:
        unaddressed: NICs serve without an address, too: the network manager is going to give them one.
        in_use: the ifindexes of NICs that come first, in place of metadata order: no working default moves.
        damage: what can't be read and may be the entry of a default that is there: that one doesn't move meanwhile.
    """
    own = [binding for binding in resolution.bindings if binding.family == family]
    if in_use:
        found = _elect(sorted(own, key=lambda one: _place(one, in_use)), resolution, settings, family, unaddressed)
        return found._replace(in_use=found.nic.ifindex in in_use) if isinstance(found, Elected) else found
    found = _elect(own, resolution, settings, family, unaddressed)
    if damage is None or not isinstance(found, Elected):
        return found
    return _held(found, own, damage) or found


def _held(found: Elected, own: Sequence[Binding], damage: Damage) -> NotElected | None:
    """None elected, where the default in use comes before the elected one, and its entry may be one that can't be read.

    That is an entry of its network, or one of the property, which comes before what nobody has documented.
    """
    managed = managed_ifindexes(own)
    there = next((one for one in damage.in_use if one in managed), found.nic.ifindex)
    if found.selector is not None or there == found.nic.ifindex:
        return None
    serving = ((one, place) for one, place in _damaged(found, own, damage) if place and _may_serve(one, there))
    reasons = (NotElected(found.family, "damaged", wanted=True, binding=one, place=place) for one, place in serving)
    return next(reasons, None)


def _damaged(found: Elected, own: Sequence[Binding], damage: Damage) -> Iterator[tuple[Binding, str]]:
    """The networks that a default may be meant for in place of the elected one, and where its entry would stand."""
    for one in takewhile(lambda one: one is not found.binding, own):
        if one.network is not None:
            yield one, one.network.lacks_default
    if found.binding is not None and found.binding.offers != "documented":
        yield from ((one, damage.place) for one in own)


def _may_serve(binding: Binding, ifindex: int) -> bool:
    """Whether a network is on this NIC, which can carry the default."""
    nic = binding.nic
    return nic is not None and nic.ifindex == ifindex and nic.running and binding.is_usable()


def _place(binding: Binding, in_use: Sequence[int]) -> int:
    ifindex = binding.nic.ifindex if binding.nic is not None else 0
    return in_use.index(ifindex) if ifindex in in_use else len(in_use)


def _elect(
    own: Sequence[Binding], resolution: Resolution, settings: Settings, family: int, unaddressed: bool
) -> Election:
    """Of the family's networks in the order that counts."""
    named = [one for one in resolution.defaults if family_of(one.host.next_hop) == family]
    if settings.default is not None and _decides(settings.default, family):
        return _chosen(settings.default, own, named, family, unaddressed)
    by_document = _documented(resolution, own, named, family, unaddressed)
    if by_document is not None:
        return by_document
    return _undocumented(own, settings, family, unaddressed)


def _decides(selector: Selector, family: int) -> bool:
    """Whether a selector is about a family: a subnet is about its own."""
    return selector.subnet is None or family_of(selector.subnet.address) == family


def _undocumented(own: Sequence[Binding], settings: Settings, family: int, unaddressed: bool) -> Election:
    """What other evidence elects; nothing where it may speak of a network whose NIC nothing tells."""
    unknown = next((one for one in own if one.contradiction is not None), None)
    if unknown is not None:
        return NotElected(family, "contradicted", binding=unknown)
    by_settings = sorted(_offering(own, "settings"), key=lambda one: _place_in_settings(one, settings))
    found = (_first(rank, family, unaddressed) for rank in (_offering(own, "undocumented"), by_settings))
    return next((one for one in found if one is not None), NotElected(family, "no-gateway"))


def _documented(
    resolution: Resolution, own: Sequence[Binding], named: Sequence[Resolved], family: int, unaddressed: bool
) -> Election | None:
    """What the document's default entries elect; None where it has none of the family."""
    networks, missed = _offering(own, "documented"), _missed(resolution, family)
    if not (networks or named or missed):
        return None
    return _contradicted_before(networks, family, unaddressed) or _first_documented(
        networks, named, missed, family, unaddressed
    )


def _first_documented(
    networks: Sequence[Binding],
    named: Sequence[Resolved],
    missed: tuple[Unresolved, ...],
    family: int,
    unaddressed: bool,
) -> Election:
    """The first of them that can be used; of those named by others one with a carrier before one without."""
    first = _first(networks, family, unaddressed)
    if first is not None and _is_running(first):
        return first
    others = [_by_name(one, family) for one in named]
    running = next((one for one in others if one.nic.running), None)
    found = running or first or next(iter(others), None)
    return found or NotElected(family, "unusable", wanted=True, bindings=tuple(networks), missed=missed)


def _offering(own: Sequence[Binding], rank: str) -> list[Binding]:
    """The networks whose gateway has this rank."""
    return [binding for binding in own if binding.offers == rank]


def _place_in_settings(binding: Binding, settings: Settings) -> int:
    """A NIC that only `gateways` speaks of comes in the settings' order: an entry added there moves no default."""
    setting = binding.evidence.setting if binding.evidence else None
    return settings.gateways.index(setting) if setting else len(settings.gateways)


def _missed(resolution: Resolution, family: int) -> tuple[Unresolved, ...]:
    """The default entries that name another NIC, where none that can be used has that gateway."""
    defaults = (one for one in resolution.unresolved if one.host.destination.is_default)
    missed = (one for one in defaults if one.kind != "ignored" or one.binding is not None)  # Not by its destination.
    return tuple(one for one in missed if family_of(one.host.next_hop) == family)


def _is_running(first: Election) -> bool:
    """Whether the NIC of the first network has a carrier."""
    nic = first.nic if isinstance(first, Elected) else first.binding.nic if first.binding is not None else None
    return nic is not None and nic.running


def _first(rank: Sequence[Binding], family: int, unaddressed: bool) -> Election | None:
    """The first usable network by the document's metrics, of those that can serve best.

    Where the kernel's own default of that one has no gateway, nothing better is known, and nothing is elected.
    """
    candidates = _serving_best([binding for binding in rank if binding.is_usable(unaddressed)])
    if not candidates:
        return None
    chosen = in_order(candidates)[0]
    if chosen.gateway is None:
        return NotElected(family, "on-link", binding=chosen)
    earlier = rank[: rank.index(chosen)]
    waiting = tuple(one for one in earlier if one.is_usable(True) and not one.is_in_place)
    return _elected(chosen, family)._replace(waiting=waiting, by_metric=chosen is not candidates[0])


def _contradicted_before(networks: Sequence[Binding], family: int, unaddressed: bool) -> NotElected | None:
    """None elected, where a network whose NIC nothing tells comes before those that can be used.

    The default that is there may be its own, and the next one in order would take its place.
    """
    unknown = [one for one in networks if one.contradiction is not None]
    if not unknown:
        return None
    serving = _serving_best([one for one in networks if one.is_usable(unaddressed)])
    counting = {*map(id, serving), *map(id, unknown)}
    first = in_order([one for one in networks if id(one) in counting])[0]
    return NotElected(family, "contradicted", wanted=True, binding=first) if first.contradiction is not None else None


def in_order(those: Sequence[One]) -> list[One]:
    """Those with a metric by it among themselves, the first of equals first; the others keep their places."""
    ranked = iter(sorted((one for one in those if one.metric is not None), key=lambda one: one.metric or 0))
    return [one if one.metric is None else next(ranked) for one in those]


def _serving_best(usable: list[Binding]) -> list[Binding]:
    """Those whose NIC has a carrier, else all; of these the ones that have not been renumbered, else all."""
    running = [one for one in usable if one.nic and one.nic.running] or usable
    return [one for one in running if one.is_in_place] or running


def _by_name(named: Resolved, family: int) -> Elected:
    """The NIC that another network's default entry names."""
    next_hop = named.next_hop
    return Elected(family, None, next_hop.nic, next_hop.gateway, next_hop.onlink, named=named)


def _chosen(
    selector: Selector, own: Sequence[Binding], named: Sequence[Resolved], family: int, unaddressed: bool
) -> Election:
    """The network that the settings choose, or why it can't have the default; each subnet of a NIC has its gateway."""
    chosen = [binding for binding in own if binding.chosen_by(selector)]
    subnet = selector.subnet
    if subnet is not None:
        chosen.sort(key=lambda one: one.gateway is None or not contains(subnet, one.gateway))
    first = next((one for one in chosen if one.gateway and one.is_usable(unaddressed)), None)
    if first is not None:
        return _elected(first, family)._replace(selector=selector)
    by_name = _naming_one_of(chosen, named)
    if by_name is not None:
        return _by_name(by_name, family)._replace(selector=selector)
    meant = next(iter(chosen), None)
    return NotElected(family, _unusable(meant), selector, meant, bool(named) or _may_have_one(own, meant))


def _may_have_one(own: Sequence[Binding], meant: Binding | None) -> bool:
    """Whether a family has a gateway, or nobody says that the chosen network has none: it is left to an IPv4 lease."""
    network = meant.network if meant is not None else None
    left = network is not None and network.family == 4 and network.omits_routes
    return left or any(binding.gateway for binding in own)


def _naming_one_of(chosen: Sequence[Binding], named: Sequence[Resolved]) -> Resolved | None:
    """The first default entry that names the NIC of one of these networks."""
    nics = {binding.nic.ifindex for binding in chosen if binding.nic is not None}
    return next((one for one in named if one.next_hop.nic.ifindex in nics), None)


def _unusable(meant: Binding | None) -> NotElectedKind:
    """Why a network that the settings choose can't have the default."""
    if meant is None:
        return "no-network"
    if meant.nic is None:
        return "absent"
    if not meant.nic.up:
        return "down"
    return "no-address" if meant.gateway and not meant.addressed else "unknown-gateway"


def _elected(chosen: Binding, family: int) -> Elected:
    nic, gateway = chosen.nic, chosen.gateway_in_force
    assert nic is not None and gateway is not None
    return Elected(family, chosen, nic, gateway, needs_onlink(nic, gateway))


def managed_ifindexes(bindings: Sequence[Binding], nics: Sequence[Nic] = ()) -> frozenset[int]:
    """The ifindexes of NICs that the metadata describes: the only ones whose default routes R4 may touch.

    Of all the NICs also those with the MAC of a network's link whose place a bridge or bond over them has taken.
    """
    bound = [one for one in bindings if one.nic is not None and one.network is not None]
    found = frozenset(one.nic.ifindex for one in bound if one.nic is not None)
    return found.union(port.ifindex for port in nics if port.master and _is_port_of_any(port, bound, nics))


def _is_port_of_any(port: Nic, bound: Sequence[Binding], nics: Sequence[Nic]) -> bool:
    """Whether a bridge or bond over a NIC has the place that the NIC's MAC has in the document."""
    over, macs = masters(port, nics), (port.mac, port.permanent_mac)
    return any(one.nic in over and one.link is not None and one.link.mac in macs for one in bound)
