"""The records of other programs' defaults (R4) and copies (R20) that passes took away, as JSON objects and back.

A record has the route, its NICs, the order of its equals as that pass found them, and when that was. A NIC is known by
its addresses, its MAC, its index and its name: any of them may be another one's by now. Records are of one boot, which
`at` counts the seconds of, as the kernel counts a route's lifetime: without those in which the machine was suspended.
"""

from __future__ import annotations

from ..clocks import seconds_awake
from ..errors import StateError
from ..model.evidence import RecordedDefault
from ..model.network import Nic, Route, address_text, family_of, is_link_local, masters
from .route_json import route_from_json, route_to_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterator, Mapping, Sequence

    Record = dict[str, Any]


SCHEMA = "guest-routes/defaults/2"
UNRECORDED = "a default route that isn't recorded can't be put back, so none is taken away"
NO_BOOT = "records are of one boot, and /proc/sys/kernel/random/boot_id, which names this one, can't be read"


def document_of(records: Sequence[Mapping[str, Any]], boot: str) -> dict[str, Any]:
    """The file with these records.

    Raises:
        StateError: it is unknown which boot this is.
    """
    if not boot:
        raise StateError(f"{NO_BOOT}; {UNRECORDED}")
    return {"schema": SCHEMA, "boot_id": boot, "records": records}


def of_boot(document: Mapping[str, Any], boot: str) -> tuple[list[Record], str]:
    """The records of this boot, since an ifindex means nothing in another, and what is wrong with them."""
    if not boot:
        return [], NO_BOOT
    if isinstance(document.get("boot_id"), str) and document["boot_id"] != boot:
        return [], ""
    if document.get("schema") != SCHEMA:
        return [], f"is not of the form {SCHEMA}"
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
    now = {
        int(ifindex): _find(int(ifindex), *names, family=route.family, nics=nics) for ifindex, names in known.items()
    }
    absent = tuple(Nic(index, str(known[str(index)][0])) for index in _ifindexes(route) if now[index] is None)
    order = tuple(_moved(route_from_json(one), now) for one in record["order"])
    left = int(route.expires - (seconds_awake() - record["at"])) if route.expires else 0
    if route.expires:
        order = tuple(one._replace(expires=max(1, left)) if one.expires else one for one in order)
    moved = _moved(route, now)
    expired = bool(route.expires) and left <= 0
    outside = tuple(nic.ifindex for nic in (now.get(ifindex) for ifindex in record["outside"]) if nic)
    return RecordedDefault(moved._replace(expires=max(0, left)), order, absent, expired, outside)


def _moved(route: Route, now: Mapping[int, Nic | None]) -> Route:
    """The route with the present indexes of its NICs; those that are not there keep theirs."""

    def index(ifindex: int) -> int:
        nic = now.get(ifindex)
        return ifindex if nic is None else nic.ifindex

    hops = tuple(hop._replace(ifindex=index(hop.ifindex)) for hop in route.nexthops)
    return route._replace(ifindex=index(route.ifindex), nexthops=hops)


def _find(
    ifindex: int, name: str, mac: str, addresses: Sequence[str] = (), *, family: int, nics: Sequence[Nic]
) -> Nic | None:
    """The NIC that a recorded one is now: where one of its addresses is, else by its MAC; without, by index and name.

    A bridge, a bond or a new name takes a NIC's addresses, another MAC leaves them. With neither it may be another NIC:
    none, as where several fit alike.
    """

    def likeness(nic: Nic) -> tuple[bool, bool, bool]:
        return bool(mac) and nic.mac.hex(":") == mac, nic.ifindex == ifindex, nic.name == name

    there = [nic for nic in nics if _lasting(nic, family).intersection(addresses)]
    if not there:
        there = [nic for nic in nics if (likeness(nic)[0] if mac else all(likeness(nic)[1:]))]
    best = max(map(likeness, there), default=None)
    alike = [nic for nic in there if likeness(nic) == best]
    return _in_use(alike[0], family, nics) if len(alike) == 1 else None


def _in_use(nic: Nic, family: int, nics: Sequence[Nic]) -> Nic:
    """The nearest bridge or bond over a NIC without an address that has one: it has become a port."""
    if _lasting(nic, family):
        return nic
    return next((one for one in masters(nic, nics) if _lasting(one, family)), nic)


def _lasting(nic: Nic, family: int) -> set[str]:
    """The addresses of a family that tell a NIC from others."""
    own = [one.address for one in nic.addresses if family_of(one.address) == family]
    return {address_text(one) for one in own if not is_link_local(one)}


def _nics_of(routes: Sequence[Route], nics: Sequence[Nic]) -> dict[str, list[object]]:
    """Which NICs routes use, by ifindex: an ifindex alone is given to another NIC some day."""
    family = routes[0].family
    known: dict[int, list[object]] = {
        nic.ifindex: [nic.name, nic.mac.hex(":"), sorted(_lasting(nic, family))] for nic in nics
    }
    used = {ifindex for route in routes for ifindex in _ifindexes(route)}
    return {str(ifindex): known.get(ifindex, [f"if{ifindex}", ""]) for ifindex in sorted(used)}


def _ifindexes(route: Route) -> set[int]:
    return {route.ifindex, *(nexthop.ifindex for nexthop in route.nexthops)} - {0}


def _keyed(record: Record) -> Record:
    """The record with what tells its route from others, whatever time it has left."""
    route = {**record["route"], "expires": 0} if isinstance(record.get("route"), dict) else {}
    return {**record, "key": repr(sorted(route.items()))}
