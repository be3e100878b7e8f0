"""What a lease names: its gateway, and whether it tells routes."""

from __future__ import annotations

from typing import Any, Dict, Optional

import pytest

from guest_routes.model.lease import Lease, LeaseRoute, LeaseSet, Option, RouterOption
from guest_routes.model.network import parse_address, parse_prefix

ROUTER = parse_address("10.65.0.1")


def option(*routes: str, fault: Optional[str] = None) -> Option:
    pairs = [text.split(",") for text in routes]
    return Option(tuple(LeaseRoute(parse_prefix(where), parse_address(hop)) for where, hop in pairs), fault)


def lease(**fields: object) -> Lease:
    return Lease("dhcpcd", "/l", parse_address("10.65.0.7"), "eth0", ifindex=2)._replace(**fields)  # type: ignore[arg-type]


ANYWHERE, SOMEWHERE, ON_LINK = "0.0.0.0/0,10.65.0.254", "11.0.0.0/8,10.65.0.1", "0.0.0.0/0,0.0.0.0"


@pytest.mark.parametrize(
    ("fields", "router"),
    [
        ({}, None),
        ({"routers": (ROUTER, parse_address("10.65.0.2"))}, RouterOption(ROUTER, 3)),
        # Option 121 does away with option 3 (RFC 3442), unless it can't be read to its end.
        ({"routers": (ROUTER,), "classless": option(SOMEWHERE)}, None),
        ({"routers": (ROUTER,), "classless": option(SOMEWHERE, fault="cut off")}, RouterOption(ROUTER, 3)),
        ({"classless": option(SOMEWHERE, ANYWHERE)}, RouterOption(parse_address("10.65.0.254"), 121, 1)),
        ({"classless": option(ON_LINK), "routers": (ROUTER,)}, None),
        ({"microsoft": option(ANYWHERE), "routers": (ROUTER,)}, RouterOption(parse_address("10.65.0.254"), 249, 0)),
        ({"microsoft": option(SOMEWHERE), "routers": (ROUTER,)}, RouterOption(ROUTER, 3)),
        ({"classless": option(SOMEWHERE), "microsoft": option(ANYWHERE)}, None),
    ],
)
def test_the_router(fields: Dict[str, Any], router: Optional[RouterOption]) -> None:
    assert next(iter(lease(**fields).default_routers), None) == router


def test_every_default_of_an_option_counts() -> None:
    both = lease(classless=option(ANYWHERE, "0.0.0.0/0,11.8.0.1"))
    assert [(one.option, one.index) for one in both.default_routers] == [(121, 0), (121, 1)]


def test_where_it_stands() -> None:
    assert lease().place == "eth0's DHCP lease (dhcpcd, /l)"
    assert lease().label == "DHCP lease (dhcpcd, /l)"


def test_expiry() -> None:
    assert [lease(expires=when).expired(100.0) for when in (None, 99.0, 100.0, 101.0)] == [False, True, False, False]


def test_which_leases_tell_routes() -> None:
    tells = lease(classless=option(SOMEWHERE))
    empty = lease(classless=option())
    faulty = lease(classless=option(SOMEWHERE, fault="cut off"))
    microsoft = lease(microsoft=option(SOMEWHERE))
    assert [one.tells_routes for one in (lease(), tells, empty, faulty, microsoft)] == [False, True, True, False, True]
    for one, known in ((tells, {2}), (tells._replace(expires=1.0), set()), (lease(), set())):
        assert LeaseSet((one,), now=50.0).has_routes == known


def test_a_nics_lease() -> None:
    found = LeaseSet((lease(), lease(ifindex=3, nic="eth1")))
    assert [found.of(index) for index in (2, 3, 4)] == [*found.leases, None]
