"""Which routes and rules are ours (R1). Pure.

A route is ours by its protocol number alone, whoever wrote it and whatever it leads through. Nothing else is added,
replaced or deleted; R4's exceptions have operation types of their own.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..model.network import Route, Rule
    from ..model.settings import Settings


def is_ours(route: Route, settings: Settings) -> bool:
    """Whether a route carries the settings' protocol number."""
    return route.protocol == settings.protocol


def is_reaching(route: Route, settings: Settings) -> bool:
    """Whether a route of ours only makes a gateway reachable (R7): on link, to one address. No host route is so."""
    if not is_ours(route, settings) or route.gateway is not None or route.nexthops:
        return False
    return route.destination.length == 8 * len(route.destination.address)


def is_our_rule(rule: Rule, settings: Settings) -> bool:
    """Whether a policy rule carries it (FRA_PROTOCOL)."""
    return rule.protocol == settings.protocol
