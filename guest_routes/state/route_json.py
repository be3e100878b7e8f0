"""A route as JSON and back, strictly: what reads back is what was written, or no route at all. Pure."""

from __future__ import annotations

from ..model.network import NextHop, Route, address_text, parse_address, parse_prefix

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Mapping

_ROUTE_NUMBERS = ("ifindex", "metric", "protocol", "table", "kind", "scope", "tos", "nexthop_id", "preference",
                  "weight", "realms", "expires")  # fmt: skip
_MOST = {
    "ifindex": (1 << 31) - 1,
    "weight": 256,
    **dict.fromkeys(("protocol", "kind", "scope", "tos", "preference"), 255),
}
"""The kernel's fields are unsigned, of 32 bits or these. Source: include/uapi/linux/rtnetlink.h, struct rtmsg."""


def route_to_json(route: Route) -> dict[str, Any]:
    """Every field of a route, addresses as text; the inverse of `route_from_json`."""
    return {
        **route._asdict(),
        "destination": str(route.destination),
        "gateway": _address_json(route.gateway),
        "source": _address_json(route.source),
        "metrics": [list(pair) for pair in route.metrics],
        "nexthops": [{**nexthop._asdict(), "gateway": _address_json(nexthop.gateway)} for nexthop in route.nexthops],
    }


def route_from_json(value: Mapping[str, Any]) -> Route:
    """The route of `route_to_json`.

    Raises:
        ValueError: it is no such object: a field is missing, unknown, or not as it would be written.
    """
    try:
        nexthops = tuple(
            NextHop(**{**nexthop, "gateway": _address_of(nexthop["gateway"])}) for nexthop in value["nexthops"]
        )
        changed = {
            "destination": parse_prefix(value["destination"]),
            "gateway": _address_of(value["gateway"]),
            "source": _address_of(value["source"]),
            "metrics": tuple((number, setting) for number, setting in value["metrics"]),
            "nexthops": nexthops,
        }
        route = Route(**{**value, **changed})
        written = route_to_json(route)
        exact = written == value and _has_exact_types(route) and _fits(route)
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"not a route: {error}") from error
    if not exact:
        raise ValueError("not a route as it is written here")
    return route


def _has_exact_types(route: Route) -> bool:
    """Whether numbers are int and flags bool: to == True is 1, and 5.0 is 5."""
    numbers = [getattr(route, name) for name in _ROUTE_NUMBERS]
    numbers += [number for pair in route.metrics for number in pair if not isinstance(number, str)]
    numbers += [number for hop in route.nexthops for number in (hop.ifindex, hop.weight, hop.realms)]
    flags = [route.onlink, *(nexthop.onlink for nexthop in route.nexthops)]
    texts: list[object] = [route.unwritable]
    return (
        all(type(number) is int for number in numbers)
        and all(type(flag) is bool for flag in flags)
        and all(type(text) is str for text in texts)
    )


def _fits(route: Route) -> bool:
    """Whether the kernel has room for each number."""
    fields = [
        (name, getattr(one, name)) for one in (route, *route.nexthops) for name in _ROUTE_NUMBERS if hasattr(one, name)
    ]
    fields += [("metrics", number) for pair in route.metrics for number in pair if not isinstance(number, str)]
    return all(0 <= number <= _MOST.get(name, (1 << 32) - 1) for name, number in fields)


def _address_json(address: bytes | None) -> str | None:
    return None if address is None else address_text(address)


def _address_of(text: str | None) -> bytes | None:
    return None if text is None else parse_address(text)
