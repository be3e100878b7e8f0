"""Taking our routes away again and putting recorded defaults back (R4, R7). The plan is pure.

Where our own default is the only one, it is handed over instead of taken: the same route without our
protocol stays, since a machine without any default is cut off.
"""

from __future__ import annotations

from .apply import Outcome, apply
from .kernel import Kernel
from .model import (
    PROTOCOL_BOOT,
    PROTOCOL_RA,
    Address,
    Delete,
    GiveDefault,
    KernelState,
    Leg,
    Operation,
    Prefix,
    Route,
    TakeDefault,
)
from .plan import Plan
from .policy import Settings
from .render import route_text
from .state import State

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple, Sequence
else:
    from .values import NamedTuple


class Withdrawal(NamedTuple):
    """What `withdraw` did."""

    plan: Plan
    outcome: Outcome
    before: KernelState
    after: KernelState
    warnings: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """0, or 1 when something was refused or is left."""
        return 1 if self.outcome.failures or self.warnings else 0


def plan_withdrawal(before: KernelState, recorded: Sequence[Route], protocol: int) -> Plan:
    """Recorded defaults come back first, then ours go."""
    additions: list[Operation] = []
    rests: list[Route] = []
    ours = [route for route in before.routes if route.protocol == protocol]
    staying = {_key(route) for route in before.routes if route.protocol != protocol}
    # The gateway of one may be reached by another that needs none.
    for route in sorted(recorded, key=_has_gateway):
        # A router's announcement would come back without its lifetime; its next one brings it.
        if route.protocol != PROTOCOL_RA and _key(route) not in staying:
            additions.append(GiveDefault(route, "recorded when it was taken away"))
            staying.add(_key(route))
            rests += [rest for rest in before.routes if _is_rest(rest, route) and rest.protocol != protocol]
    for family in (4, 6):
        defaults = [r for r in ours if r.family == family and not r.destination.length]
        others = [key for key in staying if key[0].length == 0 and len(key[0].address) == (4 if family == 4 else 16)]
        if defaults and not others:
            best = min(defaults, key=lambda route: route.metric)
            metric = best.metric
            while family == 6 and metric in {route.metric for route in defaults}:
                metric += 1  # IPv6 would merge two of one metric: the heir stands just behind.
            heir = best._replace(protocol=PROTOCOL_BOOT, metric=metric)
            additions.append(GiveDefault(heir, "handed over: the only default route there is"))
    removals: list[Operation] = [Delete(route, "withdrawn") for route in ours]
    removals += [TakeDefault(rest, "the whole multipath route is back") for rest in dict.fromkeys(rests)]
    return Plan(tuple(additions), tuple(removals), (), ())


def withdraw(settings: Settings, state: State, kernel: Kernel) -> Withdrawal:
    """Withdraws everything of ours from the table; the recorded defaults are forgotten once they are back.

    Raises:
        GuestRoutesError: no lock, or the kernel refused a dump.
    """
    with state.lock():
        state.set_withdrawn()
        before = kernel.snapshot(settings.table)
        recorded = state.recorded_defaults(before.nics)
        made = plan_withdrawal(before, recorded, settings.protocol)
        outcome = apply(made, kernel, lambda routes: None)
        after = kernel.snapshot(settings.table)
        left = [route for route in after.routes if route.protocol == settings.protocol]
        warnings = tuple(f"still there: {route_text(route, after.nics)}" for route in left)
        if not outcome.failures and not left:
            state.forget_defaults()
    return Withdrawal(made, outcome, before, after, warnings)


def _has_gateway(route: Route) -> bool:
    return route.gateway is not None or any(leg.gateway is not None for leg in route.legs)


def _is_rest(route: Route, whole: Route) -> bool:
    """Whether it is what a pass left of this IPv4 multipath default: some of its legs, or one as a route of its own."""
    legs = {(leg.gateway, leg.ifindex) for leg in whole.legs}
    some = {(leg.gateway, leg.ifindex) for leg in route.legs} or {(route.gateway, route.ifindex)}
    return some < legs and _key(route)[3:-1] == _key(whole)[3:-1] and route.destination == whole.destination


def _key(route: Route) -> tuple[Prefix, Address | None, int, int, int, int, tuple[Leg, ...]]:
    """What tells routes apart. IPv6 has no two that differ in their protocol only."""
    protocol = route.protocol if route.family == 4 else 0
    return route.destination, route.gateway, route.ifindex, route.metric, protocol, route.tos, route.legs
