"""What an explanation comes to: the route that should serve, its next hops, and whether the kernel goes that way."""

from __future__ import annotations

from typing import Any, Dict

import pytest

from guest_routes.diagnose.explain import explain
from guest_routes.model.diagnosis.explanation import Explanation
from guest_routes.model.network import BROADCAST, Lookup, parse_address
from tests.support.reports import IN_PLACE, NICS, prefix, report, route

BY_ETH0, BY_ETH1 = (2, "10.65.0.1"), (3, "11.8.0.1")
TWO_HOPS = "nexthop via 11.8.0.1 dev eth1 nexthop via 11.8.0.2 dev eth1"


def explained(
    asked: str, by: tuple[int, str] = BY_ETH1, name: str = "wrong-subnet", kernel: str = IN_PLACE
) -> Explanation:
    address = prefix(asked).address
    answer = Lookup(address, by[0], parse_address(by[1]) if by[1] else None, 254)
    return explain(prefix(asked), report(name, kernel), answer)


@pytest.mark.parametrize("asked, by, hop, wanted", [
    ("11.11.3.4", BY_ETH1, (3, "11.8.0.1"), True),
    ("11.11.3.4", BY_ETH0, (3, "11.8.0.1"), False),
    ("11.11.3.4", (3, "11.8.0.2"), (3, "11.8.0.1"), False),
    ("9.9.9.9", BY_ETH0, (2, "10.65.0.1"), True),
    ("9.9.9.9", BY_ETH1, (2, "10.65.0.1"), False),
])  # fmt: skip
def test_by_the_route_that_should_serve_it(asked: str, by: tuple[int, str], hop: tuple[int, str], wanted: bool) -> None:
    one = explained(asked, by)
    assert one.next_hops == ((hop[0], parse_address(hop[1])),)
    assert one.as_wanted is wanted
    assert one.exit_code == (0 if wanted else 1)


def test_any_router_on_the_defaults_nic_is_one() -> None:
    """A link-local one has been advertised (R4)."""
    assert explained("9.9.9.9", (2, "fe80::5")).as_wanted
    assert not explained("9.9.9.9", (3, "fe80::5")).as_wanted
    assert not explained("11.11.3.4", (3, "fe80::5")).as_wanted


@pytest.mark.parametrize("by, wanted", [((3, "11.8.0.1"), True), ((3, "11.8.0.2"), True), ((2, "11.8.0.2"), False)])
def test_each_next_hop_of_a_multipath_route(by: tuple[int, str], wanted: bool) -> None:
    one = explained("11.11.3.4", by)._replace(nearer=route(f"11.11.3.0/24 {TWO_HOPS}"))
    assert len(one.next_hops) == 2
    assert one.as_wanted is wanted


def test_a_route_that_drops_leads_nowhere() -> None:
    one = explained("11.11.3.4", (0, ""))._replace(nearer=route("unreachable 11.11.3.0/24"))
    assert (one.next_hops, one.as_wanted) == ((), False)


def test_a_broadcast_goes_to_everybody_on_the_link() -> None:
    one = explained("11.11.3.4", (3, ""))
    assert not one.as_wanted
    assert one._replace(answer=one.answer._replace(kind=BROADCAST)).next_hops == ((3, None),)


@pytest.mark.parametrize("changed", [{"ifindex": 1}, {"table": 255}, {"kind": BROADCAST}])
def test_what_table_local_decides_is_nobodys_fault(changed: Dict[str, Any]) -> None:
    one = explained("11.11.3.4", BY_ETH0)
    assert (one.by_local, one.exit_code) == (False, 1)
    local = one._replace(answer=one.answer._replace(**changed))
    assert (local.by_local, local.exit_code) == (True, 0)


def test_a_host_route_that_is_not_programmed_is_missed() -> None:
    one = explained("11.11.3.4", BY_ETH0, "not-a-gateway", f"{NICS}\ndefault via 10.65.0.1 dev eth0\n")
    assert (one.as_wanted, len(one.unresolved), one.exit_code) == (True, 1, 1)


def test_a_family_without_a_default() -> None:
    one = explained("fd00::1", (0, ""))
    assert (one.default, one.route, one.not_elected, one.exit_code) == (None, None, None, 1)
