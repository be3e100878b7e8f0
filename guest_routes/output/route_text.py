"""Values to `ip route` text and tables. Pure."""

from __future__ import annotations

from ..model.network import LOOPBACK, MAIN_TABLE, OUR_PROTOCOL, UNICAST, NextHop, Nic, Route, address_text
from .escape import shell_word

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterable, Sequence

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
_METRICS = {
    2: "mtu", 3: "window", 4: "rtt", 5: "rttvar", 6: "ssthresh", 7: "cwnd", 8: "advmss", 9: "reordering",
    10: "hoplimit", 11: "initcwnd", 12: "features", 13: "rto_min", 14: "initrwnd", 15: "quickack", 16: "congctl",
    17: "fastopen_no_cookie",
}  # fmt: skip
_LOCK, _ECN, _IN_MILLISECONDS = 1, 1, (13,)
_UNWRITABLE = {"encap": ["encap", "..."], "source": ["from", "..."], "attributes": ["..."]}
"""What is left out of the text of a route, where it stands in that."""
_PREFERENCES = {1: "high", 3: "low"}


def nic_names(nics: Sequence[Nic]) -> dict[int, str]:
    """By ifindex; the loopback's, too, which a snapshot leaves out: IPv6's unreachable routes are shown with it."""
    return {LOOPBACK: "lo", **{nic.ifindex: nic.name for nic in nics}}


def route_text(route: Route, nics: Sequence[Nic]) -> str:
    """A route as `ip route` prints it, so that it can be pasted behind `ip route add`."""
    names = nic_names(nics)
    bits = len(route.destination.address) * 8
    words = [_destination_text(route)]
    if route.kind != UNICAST and not route.unwritable:
        words.insert(0, kind_text(route.kind))
    if route.tos:
        words += ["tos", f"{route.tos:#04x}"]
    words += _UNWRITABLE.get(route.unwritable, [])
    if route.nexthop_id and route.unwritable != "hidden":
        words += ["nhid", str(route.nexthop_id)]
    words += _next_hop_words(route.gateway, route.ifindex, names, bits // 8)
    if route.table != MAIN_TABLE:
        words += ["table", str(route.table)]
    if route.unwritable != "hidden":
        words += ["proto", protocol_text(route.protocol)]
    if route.scope:
        words += ["scope", _scope_text(route.scope)]
    if route.source is not None:
        words += ["src", address_text(route.source)]
    if route.metric:
        words += ["metric", str(route.metric)]
    words += _attribute_words(route)
    for nexthop in route.nexthops:
        words += ["nexthop", *_nexthop_words(nexthop, names, bits // 8)]
    return " ".join(words)


def lasting_text(route: Route, nics: Sequence[Nic]) -> str:
    """The same without what is left of its lifetime: said again later, it is the same sentence."""
    return route_text(route._replace(expires=0), nics)


def route_json(route: Route, nics: Sequence[Nic]) -> dict[str, Any]:
    """A route with the keys of `ip -j route`, its family, and its text; what few routes have stands where it is."""
    names, size = nic_names(nics), len(route.destination.address)
    rejects = route.kind != UNICAST and not route.unwritable
    made: dict[str, Any] = {
        "text": route_text(route, nics),
        "family": route.family,
        "dst": _destination_text(route),
        **_hop_json(route.gateway, route.ifindex, names, size),
        "protocol": protocol_text(route.protocol),
        "metric": route.metric,
        "flags": ["onlink"] if route.onlink else [],
    }
    if rejects:
        made["type"] = kind_text(route.kind)
    if route.table != MAIN_TABLE:
        made["table"] = str(route.table)
    if route.scope:
        made["scope"] = _scope_text(route.scope)
    if route.source is not None:
        made["prefsrc"] = address_text(route.source)
    if route.nexthop_id:
        made["nhid"] = route.nexthop_id
    if route.nexthops:
        made["nexthops"] = [_nexthop_json(hop, names, size) for hop in route.nexthops]
    return made


def _nexthop_json(hop: NextHop, names: dict[int, str], size: int) -> dict[str, Any]:
    flags = ["onlink"] if hop.onlink else []
    return {**_hop_json(hop.gateway, hop.ifindex, names, size), "weight": hop.weight, "flags": flags}


def _hop_json(gateway: bytes | None, ifindex: int, names: dict[int, str], size: int) -> dict[str, Any]:
    """`gateway` and `dev`, null where there is none; `via` for a gateway of the other family."""
    dev = names.get(ifindex, f"if{ifindex}") if ifindex else None
    if gateway is None or len(gateway) == size:
        return {"gateway": address_text(gateway) if gateway is not None else None, "dev": dev}
    via = {"family": "inet6" if size == 4 else "inet", "host": address_text(gateway)}
    return {"gateway": None, "via": via, "dev": dev}


def _destination_text(route: Route) -> str:
    """`default`, an address alone, or a prefix."""
    if route.destination.is_default:
        return "default"
    whole = route.destination.length == len(route.destination.address) * 8
    return address_text(route.destination.address) if whole else str(route.destination)


def protocol_text(protocol: int) -> str:
    """A protocol as iproute2 names it."""
    return _PROTOCOLS.get(protocol, str(protocol))


def _scope_text(scope: int) -> str:
    return _SCOPES.get(scope, str(scope))


def _attribute_words(route: Route) -> list[str]:
    """What few routes have."""
    words = ["realms", _realms_text(route.realms)] if route.realms else []
    if route.weight != 1:
        words += ["weight", str(route.weight)]
    words += metric_words(route.metrics)
    if route.onlink:
        words.append("onlink")
    if route.expires:
        words += ["expires", str(route.expires)]
    if route.preference:
        words += ["pref", _PREFERENCES.get(route.preference, str(route.preference))]
    return words


def metric_words(metrics: Sequence[tuple[int, int | str]]) -> list[str]:
    """`mtu lock 1400 advmss 1360`: RTA_METRICS as `ip route` takes them."""
    locked, words = dict(metrics).get(_LOCK, 0), []
    for number, value in metrics:
        if number != _LOCK:
            lock = ["lock"] if isinstance(locked, int) and locked >> number & 1 else []
            words += [_METRICS.get(number, f"metric-{number}"), *lock, _metric_text(number, value)]
    return words


def _metric_text(number: int, value: int | str) -> str:
    if _METRICS.get(number) == "features" and value == _ECN:
        return "ecn"
    return f"{value}ms" if number in _IN_MILLISECONDS else str(value)


def _realms_text(realms: int) -> str:
    """SOURCE/DESTINATION, or the destination's alone."""
    return f"{realms >> 16}/{realms & 0xFFFF}" if realms >> 16 else str(realms)


def _nexthop_words(nexthop: NextHop, names: dict[int, str], size: int) -> list[str]:
    return [
        *_next_hop_words(nexthop.gateway, nexthop.ifindex, names, size),
        "weight",
        str(nexthop.weight),
        *(["realms", _realms_text(nexthop.realms)] if nexthop.realms else []),
        *(["onlink"] if nexthop.onlink else []),
    ]


def _next_hop_words(gateway: bytes | None, ifindex: int, names: dict[int, str], size: int) -> list[str]:
    words = []
    if gateway is not None:
        words += ["via", *([] if len(gateway) == size else ["inet6" if size == 4 else "inet"]), address_text(gateway)]
    if ifindex:
        words += ["dev", shell_word(names.get(ifindex, f"if{ifindex}"))]
    return words


def is_shown(route: Route) -> bool:
    """Whether a table of routes shows it: IPv6's own housekeeping (link-local, multicast) is left out."""
    return route.family == 4 or route.destination.address[:1] not in (b"\xfe", b"\xff")


def kind_text(kind: int) -> str:
    """What `ip route` calls a kind of route: blackhole, unreachable, throw."""
    return _KINDS.get(kind, str(kind))


def table_routes(routes: Iterable[Route]) -> list[Route]:
    """The routes of a table in the order in which it is shown: defaults first, then by destination."""
    shown = filter(is_shown, routes)
    return sorted(shown, key=lambda r: (r.family, r.destination.length > 0, r.destination, r.metric))


def table_text(routes: Iterable[Route], nics: Sequence[Nic]) -> str:
    """A routing table, one route a line."""
    return "\n".join(route_text(route, nics) for route in table_routes(routes))


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
