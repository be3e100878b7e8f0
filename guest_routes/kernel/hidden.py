"""IPv6 defaults by a nexthop object that a dump of routes leaves out: between two next hops of a multipath route.

A dump goes from the first next hop to what stands behind the last one. The kernel's list of routes under /proc doesn't.
It names a route's gateway and NIC, by which the object is known, and no protocol.

Source: Linux, net/ipv6/ip6_fib.c, fib6_dump_node and ipv6_route_native_seq_show.
"""

from __future__ import annotations

from ..model.network import Route

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterable, Iterator, Sequence, TypeAlias

    from ..model.network import Address, NexthopObject, Nic

    Hop: TypeAlias = "tuple[Address | None, int]"
    """A gateway and an ifindex."""

IPV6_ROUTES = "/proc/thread-self/net/ipv6_route"
_OF_ALL = (b"0" * 32, b"00") * 2
"""What a default's line begins with: its destination and its source, each with the length."""
_REJECTS = 0x200
"""RTF_REJECT: by no object. Source: include/uapi/linux/route.h."""


def with_hidden(routes: Sequence[Route], objects: Sequence[NexthopObject], nics: Sequence[Nic]) -> list[Route]:
    """The routes with the hidden ones where they stand; as dumped where nothing can be hidden, or the list be read.

    A group is shown as its first member, and has the id of the first object that leads there.
    """
    ids = {first_hop(one): one.id for one in reversed(objects)}
    found: dict[int, list[Route]] = {}
    for siblings in _multipath(routes) if ids else ():
        metric, hops = siblings[0].metric, [(one.gateway, one.ifindex) for one in siblings]
        for behind, hop in _between(_listed(metric, nics), hops):
            if hop in ids:
                hidden = Route(siblings[behind].destination, *hop, metric, 0, siblings[behind].table, 0)
                hidden = hidden._replace(nexthop_id=ids[hop], unwritable="hidden")
                found.setdefault(id(siblings[behind]), []).append(hidden)
    return [one for route in routes for one in (route, *found.get(id(route), ()))] if found else [*routes]


def first_hop(used: NexthopObject) -> Hop:
    """What the list names of a route by an object; of a blackhole the loopback, by no number here."""
    return (used.nexthops[0].gateway, used.nexthops[0].ifindex) if used.nexthops else (None, 0)


def _multipath(routes: Sequence[Route]) -> list[list[Route]]:
    """The IPv6 defaults that may be next hops of one multipath route: a dump has those in a row."""
    found: list[list[Route]] = []
    metric = 0
    for route in [one for one in routes if not one[0][1] and len(one[0][0]) == 16]:
        if route.gateway is None or route.nexthop_id or route.unwritable == "source":
            metric = 0  # Which none of IPv6's routes has.
        elif route.metric == metric:
            found[-1].append(route)
        else:
            found.append([route])
            metric = route.metric
    return [siblings for siblings in found if len(siblings) > 1]


def _between(listed: Iterable[Hop], siblings: Sequence[Hop]) -> list[tuple[int, Hop]]:
    """What is listed behind one of the siblings and before another, each with the place of the one before it.

    Other tables' defaults are listed, too; what is between the same siblings there counts as well.
    """
    passed = 0
    found: list[tuple[int, Hop]] = []
    some: list[tuple[int, Hop]] = []
    for hop in listed:
        if hop == siblings[0]:
            passed, some = 1, []
        elif 0 < passed < len(siblings) and hop == siblings[passed]:
            passed += 1
            found += some if passed == len(siblings) else []
        elif 0 < passed < len(siblings):
            some.append((passed - 1, hop))
    return list(dict.fromkeys(found))


def _listed(metric: int, nics: Sequence[Nic]) -> Iterator[Hop]:
    """Where the defaults of this metric lead that reject nothing, in the kernel's order, every table's."""
    numbers = {nic.name: nic.ifindex for nic in nics}
    for line in _lines():
        fields = line.split()
        if tuple(fields[:4]) == _OF_ALL and int(fields[5], 16) == metric and not int(fields[8], 16) & _REJECTS:
            gateway = bytes.fromhex(fields[4].decode())
            yield (gateway if any(gateway) else None), numbers.get(fields[9].decode("utf-8", "replace"), 0)


def _lines() -> list[bytes]:
    try:
        with open(IPV6_ROUTES, "rb") as file:
            return [line for line in file if line.startswith(_OF_ALL[0])]
    except OSError:
        return []
