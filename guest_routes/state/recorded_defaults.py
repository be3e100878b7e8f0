"""The records of foreign defaults that passes took away (R4), as JSON objects and back.

A record has the route, its NICs, the order of its equals as that pass found them, and when that was. A NIC is its MAC:
it may have got another name or index since. Records are of one boot, which `at` counts the seconds of, as the kernel
counts a route's lifetime: without those in which the machine was suspended.
"""

from __future__ import annotations

from ..clocks import seconds_awake
from ..model.evidence import RecordedDefault
from ..model.network import Nic, Route
from .route_json import route_from_json, route_to_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterator, Mapping, Sequence

    Record = dict[str, Any]


def of_boot(document: Mapping[str, Any], schema: str, boot: str) -> tuple[list[Record], str]:
    """The records of this boot, since an ifindex means nothing in another, and what is wrong with them."""
    if isinstance(document.get("boot_id"), str) and document["boot_id"] != boot:
        return [], ""
    if document.get("schema") != schema:
        return [], f"is not of the form {schema}"
    records = document.get("records")
    if not isinstance(records, list) or document.get("boot_id") != boot:
        return [], "is damaged: no list of records, or not of which boot"
    found = [record for record in records if isinstance(record, dict)]
    damaged = len(found) < len(records) or len(list(read(found, ()))) < len(found)
    return found, "is damaged: a record is no route" if damaged else ""


def added(taken: Sequence[RecordedDefault], nics: Sequence[Nic], records: Sequence[Record]) -> list[Record]:
    """The records of a pass, and those of earlier passes behind them."""
    made = [_written(one, nics) for one in taken]
    again = {record["key"] for record in map(_keyed, made)}
    return made + [record for record in records if _keyed(record)["key"] not in again]


def _written(one: RecordedDefault, nics: Sequence[Nic]) -> Record:
    return {
        "route": route_to_json(one.route),
        "nics": _nics_of((one.route, *one.order), nics),
        "order": [route_to_json(route) for route in one.order],
        "outside": list(one.outside),
        "at": round(seconds_awake(), 3),
    }


def read(records: Sequence[Record], nics: Sequence[Nic]) -> Iterator[RecordedDefault]:
    """Their routes, each with the indexes that its NICs have now; a record that is none is left out."""
    for record in records:
        try:
            yield _read(record, nics)
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
            continue


def only(records: Sequence[Record], routes: Sequence[Route], nics: Sequence[Nic]) -> list[Record]:
    """The records of these routes, which `read` gave, whatever time they had left then."""
    kept = {route._replace(expires=0) for route in routes}
    return [
        record for record in records if any(one.route._replace(expires=0) in kept for one in read([record], nics))
    ]  # fmt: skip


def _read(record: Record, nics: Sequence[Nic]) -> RecordedDefault:
    route, known = route_from_json(record["route"]), record["nics"]
    now = {int(ifindex): _find(int(ifindex), *names, nics=nics) for ifindex, names in known.items()}
    absent = tuple(known[str(ifindex)][0] for ifindex in _ifindexes(route) if now[ifindex] is None)
    order = tuple(_moved(route_from_json(one), now) for one in record["order"])
    left = int(route.expires - (seconds_awake() - record["at"]))
    if route.expires:
        order = tuple(one._replace(expires=max(1, left)) if one.expires else one for one in order)
    moved = _moved(route, now)
    expired = bool(route.expires) and left <= 0
    outside = tuple(nic.ifindex for nic in (now.get(ifindex) for ifindex in record["outside"]) if nic)
    return RecordedDefault(moved._replace(expires=left if route.expires else 0), order, absent, expired, outside)


def _moved(route: Route, now: Mapping[int, Nic | None]) -> Route:
    """The route with the present indexes of its NICs; those that are not there keep theirs."""

    def index(ifindex: int) -> int:
        nic = now.get(ifindex)
        return ifindex if nic is None else nic.ifindex

    hops = tuple(hop._replace(ifindex=index(hop.ifindex)) for hop in route.nexthops)
    return route._replace(ifindex=index(route.ifindex), nexthops=hops)


def _find(ifindex: int, name: str, mac: str, *, nics: Sequence[Nic]) -> Nic | None:
    """The NIC of a MAC: at the same index, under the same name, or the only one of it."""
    same = [nic for nic in nics if nic.mac.hex(":") == mac]
    if not mac:
        return next((nic for nic in same if (nic.ifindex, nic.name) == (ifindex, name)), None)
    exact = [nic for nic in same if nic.ifindex == ifindex] or [nic for nic in same if nic.name == name]
    return exact[0] if exact else same[0] if len(same) == 1 else None


def _nics_of(routes: Sequence[Route], nics: Sequence[Nic]) -> dict[str, list[str]]:
    """Which NICs routes use, by ifindex: an ifindex alone is given to another NIC some day."""
    known = {nic.ifindex: [nic.name, nic.mac.hex(":")] for nic in nics}
    used = {ifindex for route in routes for ifindex in _ifindexes(route)}
    return {str(ifindex): known.get(ifindex, [f"if{ifindex}", ""]) for ifindex in sorted(used)}


def _ifindexes(route: Route) -> set[int]:
    return {route.ifindex, *(nexthop.ifindex for nexthop in route.nexthops)} - {0}


def _keyed(record: Record) -> Record:
    """The record with what tells its route from others, whatever time it has left."""
    route = {**record["route"], "expires": 0} if isinstance(record.get("route"), dict) else {}
    return {**record, "key": repr(sorted(route.items()))}
