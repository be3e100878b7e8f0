"""Files for a network manager, as values, and what their texts share. Pure."""

from __future__ import annotations

from ...model.network import DEFAULT_PREFIX, mac_text
from ...output.escape import escaped
from ...routing.per_nic import GatewayRoute, NicRoutes


def header(one: NicRoutes, what: str) -> list[str]:
    """The first lines of a file, as comments."""
    return [f"# By guest-routes export, for {escaped(one.nic.name)} ({mac_text(one.nic.mac)}): {what}"]


def what_for(one: NicRoutes) -> str:
    """What a NIC's files are for, in a few words."""
    parts = [f"the IPv{route.family} default route" for route in one.default]
    parts += [f"no IPv{family} default route" for family in one.barred]
    if one.routes:
        parts.append(f"{len(one.routes):,} host route{'s' * (len(one.routes) > 1)}")
    parts += [f"source routing by table {table}" for table in dict.fromkeys(one.table for one in one.by_source)]
    return ", ".join(parts) or "nothing of its own"


def destination_text(route: GatewayRoute) -> str:
    """0.0.0.0/0 or 11.11.0.0/16."""
    return str(route.destination)


def written_routes(one: NicRoutes) -> tuple[GatewayRoute, ...]:
    """The NIC's routes without the IPv6 default that its router advertises: the NIC gets that one from the router."""
    routes = (*one.default, *one.routes)
    return tuple(route for route in routes if not (route.destination == DEFAULT_PREFIX[6] and one.advertised))
