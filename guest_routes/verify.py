"""Whether the kernel now has what the plan meant it to have (R8). Pure: the snapshots and lookups are given."""

from __future__ import annotations

from operator import itemgetter

from .apply import Outcome
from .model import Add, Address, Front, GiveDefault, KernelState, Lookup, Prefix, Route, address_text, contains
from .plan import Decision, Plan
from .render import route_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple, Sequence
else:
    from .values import NamedTuple

_key = itemgetter(0, 1, 2, 3, 4, 8, 12)
"""Destination, gateway, ifindex, metric, protocol, TOS and legs of a Route; compared at C speed."""


class Probe(NamedTuple):
    """An address whose way the kernel is asked for, on behalf of a decision."""

    decision: Decision
    address: Address


def discrepancies(plan: Plan, outcome: Outcome, after: KernelState) -> tuple[str, ...]:
    """What the second snapshot says otherwise than the plan's end; one line each, () when it all came true."""
    have = set(map(_key, after.routes))
    found: list[str] = []
    missing: list[Route] = []
    refused = {failure.operation.route.destination for failure in outcome.failures}
    for decision in plan.decisions:
        if decision.verdict != "shadowed" and _key(decision.route) not in have:
            missing.append(decision.route)
    missing += [one.route for one in plan.defaults if one.route is not None and _key(one.route) not in have]
    found += [
        f"missing after the pass: {route_text(route, after.nics)}"
        for route in missing
        if route.destination not in refused
    ]
    for operation in outcome.done:
        if not isinstance(operation, (Add, Front, GiveDefault)) and _key(operation.route) in have:
            found.append(f"still there after the pass: {route_text(operation.route, after.nics)}")
    return tuple(found)


def probes(plan: Plan, state: KernelState) -> tuple[Probe, ...]:
    """What to ask the kernel for: routes with a rival, and all of them where a policy rule could decide.

    For the rest the snapshot proves it: the longest prefix with the best metric wins.
    """
    ruled = {rule.family for rule in state.rules if not rule.plain}
    asked = [
        decision for decision in plan.decisions
        if decision.verdict != "shadowed" and (decision.rival is not None or (ruled and decision.route.family in ruled))
    ]  # fmt: skip
    if not asked:
        return ()
    nested = {route.destination for route in state.routes}
    own = [address for nic in state.nics for address in nic.addresses]
    lengths = sorted({prefix.length for prefix in nested}, reverse=True)
    found = []
    for decision in asked:
        address = _address_in(decision.route.destination, nested, lengths, own)
        if address is not None:
            found.append(Probe(decision, address))
    return tuple(found)


def overruled(asked: Sequence[Probe], answers: Sequence[Lookup], state: KernelState) -> tuple[tuple[Prefix, str], ...]:
    """Destinations that the kernel sends by another NIC than decided, each with what it does instead (R5)."""
    found = []
    for (decision, address), answer in zip(asked, answers):
        if answer.ifindex == decision.route.ifindex and answer.gateway == decision.route.gateway:
            continue
        nic = state.nic(answer.ifindex)
        way = f"via {address_text(answer.gateway)} " if answer.gateway else ""
        does = (
            f"{way}dev {nic.name if nic else answer.ifindex} (table {answer.table})" if answer.ifindex else answer.error
        )
        found.append((decision.route.destination, f"the kernel sends {address_text(address)} {does}; see `ip rule`"))
    return tuple(found)


def _address_in(
    destination: Prefix, nested: set[Prefix], lengths: Sequence[int], own: Sequence[Prefix]
) -> Address | None:
    """An address that this destination's route decides: no longer prefix of the table and no own subnet covers it."""
    size = len(destination.address)
    low = int.from_bytes(destination.address, "big")
    span = 1 << size * 8 - destination.length
    for offset in dict.fromkeys((min(1, span - 1), span // 2, span - 1, 0, span // 3)):
        address = (low + offset).to_bytes(size, "big")
        if any(contains(prefix, address) for prefix in own):
            continue
        for length in lengths:
            if length <= destination.length:
                return address
            shift = size * 8 - length
            if shift >= 0 and Prefix(((low + offset) >> shift << shift).to_bytes(size, "big"), length) in nested:
                break
    return None
