"""Source routing in the words of each format: the tables and rules of a NIC as they are now (R21). Pure.

A manager writes them once and doesn't follow the main table. What its rules can't say is our protocol; a pass with the
setting adopts them all the same, since they are equal in everything else.

Source: systemd.network(5), [Route] and [RoutingPolicyRule]; Netplan's YAML reference, `routes` and `routing-policy`;
nm-settings-keyfile(5), `routeN_options` and `routing-ruleN`; ip-route(8), ip-rule(8).
"""

from __future__ import annotations

from ...model.network import THROW, NextHop, Route, address_text
from ...output.route_text import metric_words
from ...routing.source_routing.tables import LINK_SCOPE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterator

    from ...model.network import Address, Rule
    from ...model.source_routing import NicTable
    from ...routing.per_nic import NicRoutes

LOCK, MTU = 1, 2
"""RTAX_LOCK, RTAX_MTU. Source: include/uapi/linux/rtnetlink.h."""
FORMER = r"sed -n 's/^%d:[[:space:]]*from \([^ /]*\) lookup .* proto static.*/\1/p'"
"""The addresses of rules of a priority that an earlier script has made."""
TOS = ("networkmanager", "ifupdown", "ip")
"""Formats whose routes can be for packets of a TOS."""
METRICS = ("ifupdown", "ip")
"""Formats whose routes can have every metric that the kernel knows; the others' have an MTU."""
LOCKS = ("networkmanager",)
"""Of the others those that can lock it."""
OTHER_FAMILY = ("networkd", "ifupdown", "ip")
"""Formats whose IPv4 routes can have a gateway of IPv6 (RFC 5549)."""


def without_unsayable(one: NicRoutes, format_name: str) -> tuple[NicRoutes, bool]:
    """The NIC's tables as far as the format's routes can say them, and whether that is not all.

    A route of a TOS without it would be for all packets, in place of the one that is.
    """
    tables = tuple(
        table._replace(routes=tuple(route for route in table.routes if _is_sayable(route, format_name)))
        for table in one.by_source
    )
    return one._replace(by_source=tables), tables != one.by_source


def _is_sayable(route: Route, format_name: str) -> bool:
    hops = [hop.gateway for hop in route.nexthops or (route,)]
    mixed = any(gateway is not None and len(gateway) != len(route.destination.address) for gateway in hops)
    return (not route.tos or format_name in TOS) and (not mixed or format_name in OTHER_FAMILY)


def single(route: Route) -> Route:
    """The first next hop of a multipath route, which netplan and NetworkManager's profiles can't say."""
    if not route.nexthops:
        return route
    hop = route.nexthops[0]
    return route._replace(gateway=hop.gateway, ifindex=hop.ifindex, onlink=hop.onlink, nexthops=())


def _mtu(route: Route) -> int:
    """RTAX_MTU; 0 where there is none."""
    return next((value for number, value in route.metrics if number == MTU and isinstance(value, int)), 0)


def _has_locked_mtu(route: Route) -> bool:
    """Whether path MTU discovery leaves the MTU alone: a bit of RTAX_LOCK."""
    locked = next((value for number, value in route.metrics if number == LOCK and isinstance(value, int)), 0)
    return bool(locked & 1 << MTU)


def has_unsayable_metrics(one: NicRoutes, format_name: str) -> bool:
    """Whether routes of the NIC's tables have metrics that the format has no words for."""
    routes = (route for table in one.by_source for route in table.routes)
    return format_name not in METRICS and any(
        set(route.metrics) - _sayable_metrics(route, format_name) for route in routes
    )


def _sayable_metrics(route: Route, format_name: str) -> set[tuple[int, int]]:
    locked = {(LOCK, 1 << MTU)} if format_name in LOCKS and _mtu(route) else set()
    return {(MTU, _mtu(route)), *locked}


def _via(gateway: Address | None, family: int) -> list[str]:
    """The gateway as `ip route` takes it."""
    if gateway is None:
        return []
    return ["via", *(["inet6"] if len(gateway) * 8 == 128 and family == 4 else []), address_text(gateway)]


def _source(rule: Rule) -> str:
    assert rule.source is not None
    return str(rule.source)


def networkd_source(one: NicRoutes) -> list[str]:
    """[Route] and [RoutingPolicyRule] sections."""
    lines: list[str] = []
    for table in one.by_source:
        for route in table.routes:
            lines += ["", "[Route]", f"Destination={route.destination}", f"Table={route.table}"]
            lines += [f"MultiPathRoute={_networkd_hop(hop, one.nic.name)}" for hop in route.nexthops]
            lines += [f"Gateway={address_text(route.gateway)}"] if route.gateway else []
            lines += ["Type=throw"] if route.kind == THROW else []
            lines += ["Scope=link"] if route.scope == LINK_SCOPE else []
            lines += ["GatewayOnLink=yes"] if route.onlink else []
            lines += [f"Metric={route.metric}"] if route.metric else []
            lines += [f"MTUBytes={_mtu(route)}"] if _mtu(route) else []
        for rule in table.rules:
            lines += ["", "[RoutingPolicyRule]", f"From={_source(rule)}", f"Table={rule.table}"]
            lines.append(f"Priority={rule.priority}")
    return lines


def _networkd_hop(hop: NextHop, nic: str) -> str:
    return f"{address_text(hop.gateway)}@{nic} {hop.weight}" if hop.gateway else f"@{nic} {hop.weight}"


def netplan_source_routes(one: NicRoutes) -> list[str]:
    """Further items of a NIC's `routes`."""
    lines: list[str] = []
    for route in (single(route) for table in one.by_source for route in table.routes):
        lines += [f'        - to: "{route.destination}"', f"          table: {route.table}"]
        lines += [f'          via: "{address_text(route.gateway)}"'] if route.gateway else []
        lines += ["          type: throw"] if route.kind == THROW else []
        # Netplan takes a route without `via` only with this scope, in IPv6 too, where it means nothing.
        lines += ["          scope: link"] if route.gateway is None and route.kind != THROW else []
        lines += ["          on-link: true"] if route.onlink else []
        lines += [f"          metric: {route.metric}"] if route.metric else []
        lines += [f"          mtu: {_mtu(route)}"] if _mtu(route) else []
    return lines


def netplan_source_rules(one: NicRoutes) -> list[str]:
    """The NIC's `routing-policy`."""
    rules = [rule for table in one.by_source for rule in table.rules]
    lines = ["      routing-policy:"] if rules else []
    for rule in rules:
        lines += [f'        - from: "{_source(rule)}"', f"          table: {rule.table}"]
        lines.append(f"          priority: {rule.priority}")
    return lines


def networkmanager_source(one: NicRoutes, family: int, first: int) -> list[str]:
    """Further routes, from that number on, and rules of [ipv4] or [ipv6]."""
    lines: list[str] = []
    tables = [table for table in one.by_source if table.family == family]
    for number, route in enumerate((single(route) for table in tables for route in table.routes), first):
        gateway = f",{address_text(route.gateway)}" if route.gateway else ",::" if family == 6 else ",0.0.0.0"
        lines.append(f"route{number}={route.destination}{gateway},{route.metric}")
        lines.append(f"route{number}_options={','.join(_networkmanager_options(route))}")
    rules = [rule for table in tables for rule in table.rules]
    for number, rule in enumerate(rules, 1):
        lines.append(f"routing-rule{number}=priority {rule.priority} from {_source(rule)} table {rule.table}")
    return lines


def _networkmanager_options(route: Route) -> list[str]:
    options = [f"table={route.table}"]
    options += ["type=throw"] if route.kind == THROW else []
    options += [f"tos={route.tos}"] if route.tos else []
    options += ["onlink=true"] if route.onlink else []
    options += [f"mtu={_mtu(route)}"] if _mtu(route) else []
    return options + (["lock-mtu=true"] if _has_locked_mtu(route) else [])


def ip_source(one: NicRoutes, nic: str) -> Iterator[str]:
    """`ip` commands: a table's routes, then its rules, then without those of former addresses."""
    for table in one.by_source:
        family = f"ip -{table.family}"
        for route in table.routes:
            words = [f"{family} route replace"]
            if route.kind == THROW:
                words += ["throw", str(route.destination)]
            elif route.nexthops:
                words.append(str(route.destination))
            else:
                words += [str(route.destination), *_via(route.gateway, table.family)]
                words += ["dev", nic, *(["scope link"] if route.scope == LINK_SCOPE else [])]
            words += [f"tos {route.tos:#x}"] if route.tos else []
            words += [f"table {route.table} proto static", *([f"metric {route.metric}"] if route.metric else [])]
            words += [*(["onlink"] if route.onlink else []), *metric_words(route.metrics)]
            for hop in route.nexthops:
                words += ["nexthop", *_via(hop.gateway, table.family), "dev", nic]
                words += [f"weight {hop.weight}", *(["onlink"] if hop.onlink else [])]
            yield " ".join(words)
        for rule in table.rules:  # One that is there already is refused, and stays.
            what = f"from {_source(rule)} lookup {rule.table} priority {rule.priority}"
            yield f"{family} rule add {what} protocol static 2>/dev/null"
        yield from _without_former(table)


def _without_former(table: NicTable) -> Iterator[str]:
    """Removes the rules that an earlier script has made for addresses that the NIC has no longer."""
    if not table.rules:
        return
    own = "|".join(address_text(rule.source.address) for rule in table.rules if rule.source)
    priority = table.rules[0].priority
    of_table = f"ip -{table.family} rule"
    yield f"{of_table} show table {table.table} | {FORMER % priority} | while read -r source; do"
    yield f'    case "$source" in {own}) ;;'
    yield f'    *) {of_table} del from "$source" table {table.table} priority {priority} protocol static ;; esac'
    yield "done"
