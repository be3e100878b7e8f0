"""Default entries of a document that name another NIC than their network's. Pure."""

from __future__ import annotations

from ...model.decision import Resolved, ResolvedNextHop, Unresolved
from ...model.network_data import default_route

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Sequence

    from ...model.decision import Binding, UnresolvedKind
    from ...model.network_data import HostRoute, Network
    from ..next_hops import NextHops


def named_defaults(
    elsewhere: Sequence[HostRoute], bindings: Sequence[Binding], next_hops: NextHops, own: dict[object, str]
) -> tuple[tuple[Resolved, ...], list[Unresolved]]:
    """Those that resolve to a NIC, for the election; and those that don't, with the reason."""
    found: list[Resolved] = []
    missed: list[Unresolved] = []
    own_defaults = {
        binding.network.index: _own_default(binding, binding.network)
        for binding in bindings if binding.network is not None
    }  # fmt: skip
    for host in elsewhere:
        winner, behind = own_defaults.get(host.network, (None, frozenset()))
        answer = next_hops.answer(host)
        if host.next_hop in own:
            missed.append(Unresolved(host, "refused", own="next-hop", owner=own[host.next_hop]))
        elif isinstance(answer, ResolvedNextHop):
            found.append(Resolved(host, answer))
        elif winner is not None and answer.kind in ("not-a-gateway", "no-subnet"):
            kind: UnresolvedKind = "overridden" if host.index in behind else "conflict"
            missed.append(Unresolved(host, kind, winner=winner))
        else:
            missed.append(Unresolved(host, *answer))
    return tuple(found), missed


def _own_default(binding: Binding, network: Network) -> tuple[HostRoute | None, frozenset[int]]:
    """The default entry of a network's document that is its own; and the indexes of those with a worse metric."""
    if binding.evidence is None or binding.evidence.kind != "document":
        return None, frozenset()
    own = next((one for one in network.defaults if one.gateway == binding.gateway), None)
    if own is None:  # Another network's entry names its gateway.
        return None, frozenset()
    return default_route(network, own), frozenset(one.index for one in network.defaults if one.metric > own.metric)
