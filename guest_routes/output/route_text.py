"""Values to `ip route` text and tables. Pure."""

from __future__ import annotations

from ..model.network import MAIN_TABLE, OUR_PROTOCOL, UNICAST, NextHop, Nic, Route, address_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterable, Sequence

_PROTOCOLS = {1: "redirect", 2: "kernel", 3: "boot", 4: "static", 9: "ra", 16: "dhcp", OUR_PROTOCOL: "guest-routes"}
_SCOPES = {253: "link", 254: "host", 200: "site", 255: "nowhere"}
_KINDS = {
    0: "unknown",
    2: "local",
    3: "broadcast",
    5: "multicast",
    6: "blackhole",
    7: "unreachable",
    8: "prohibit",
    9: "throw",
}
_METRICS = {2: "mtu", 3: "window", 4: "rtt", 7: "cwnd", 8: "advmss", 10: "hoplimit", 11: "initcwnd", 14: "initrwnd"}
_PREFERENCES = {1: "high", 3: "low"}


def route_text(route: Route, nics: Sequence[Nic]) -> str:
    """A route as `ip route` prints it, so that it can be pasted behind `ip route add`."""
    names = {nic.ifindex: nic.name for nic in nics}
    bits = len(route.destination.address) * 8
    if route.destination.is_default:
        words = ["default"]
    elif route.destination.length == bits:
        words = [address_text(route.destination.address)]
    else:
        words = [str(route.destination)]
    if route.kind != UNICAST:
        words.insert(0, _KINDS.get(route.kind, str(route.kind)))
    if route.tos:
        words += ["tos", f"{route.tos:#04x}"]
    words += _next_hop_words(route.gateway, route.ifindex, names, bits // 8)
    if route.table != MAIN_TABLE:
        words += ["table", str(route.table)]
    words += ["proto", _PROTOCOLS.get(route.protocol, str(route.protocol))]
    if route.scope:
        words += ["scope", _SCOPES.get(route.scope, str(route.scope))]
    if route.source is not None:
        words += ["src", address_text(route.source)]
    if route.metric:
        words += ["metric", str(route.metric)]
    for number, value in route.metrics:
        words += [_METRICS.get(number, f"metric-{number}"), str(value)]
    if route.onlink:
        words.append("onlink")
    if route.preference:
        words += ["pref", _PREFERENCES.get(route.preference, str(route.preference))]
    for nexthop in route.nexthops:
        words += ["nexthop", *_nexthop_words(nexthop, names, bits // 8)]
    return " ".join(words)


def _nexthop_words(nexthop: NextHop, names: dict[int, str], size: int) -> list[str]:
    return [
        *_next_hop_words(nexthop.gateway, nexthop.ifindex, names, size),
        "weight",
        str(nexthop.weight),
        *(["onlink"] if nexthop.onlink else []),
    ]


def _next_hop_words(gateway: bytes | None, ifindex: int, names: dict[int, str], size: int) -> list[str]:
    words = []
    if gateway is not None:
        words += ["via", *([] if len(gateway) == size else ["inet6" if size == 4 else "inet"]), address_text(gateway)]
    if ifindex:
        words += ["dev", names.get(ifindex, f"if{ifindex}")]
    return words


def table_text(routes: Iterable[Route], nics: Sequence[Nic]) -> str:
    """A routing table, one route a line, defaults first, IPv6's local housekeeping left out."""
    shown = [r for r in routes if not (r.family == 6 and r.destination.address[:1] in (b"\xfe", b"\xff"))]
    shown.sort(key=lambda r: (r.family, r.destination.length > 0, r.destination, r.metric))
    return "\n".join(route_text(route, nics) for route in shown)


def counted(number: int, singular: str, plural: str = "") -> str:
    """1 route, 2 routes."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


def age_text(seconds: float) -> str:
    """An age as people say it: just now, 40 s, 12 min, 3 h, 5 days."""
    return "just now" if seconds < 2 else f"{span_text(seconds)} ago"


def span_text(seconds: float) -> str:
    """A span of time as people say it: 0 s, 40 s, 12 min, 3 h, 5 days."""
    for limit, divisor, unit in ((120, 1, "s"), (7200, 60, "min"), (172800, 3600, "h")):
        if seconds < limit:
            return f"{seconds / divisor:.0f} {unit}"
    return f"{seconds / 86400:.0f} days"
