"""Which route packets that carry an address should take, and whether they do."""

from __future__ import annotations

import pytest

from guest_routes.diagnose.explain import explain
from guest_routes.model.diagnosis.source_explanation import SourceExplanation
from guest_routes.model.network import MULTICAST, Lookup, parse_address
from guest_routes.model.source_routing import NicTable, SourceConflict
from tests.support.reports import ETH0, ETH1, IN_PLACE, prefix, report, route

GATEWAY, SOURCE = parse_address("11.8.0.1"), parse_address("11.8.0.9")
OURS = route("default via 11.8.0.1 dev eth1 proto guest-routes")._replace(table=12103)
THROW = route("throw 10.9.0.0/16 proto guest-routes")._replace(table=12103)
MAIN = route("10.9.0.0/16 via 10.65.0.9 dev eth0 proto static")
BY_TABLE = SourceExplanation(
    SOURCE,
    ETH1,
    NicTable(ETH1, 4, 12103, GATEWAY, (OURS,), ()),
    OURS,
    True,
    None,
    explain(prefix("9.9.9.9"), report("wrong-subnet", IN_PLACE), Lookup(prefix("9.9.9.9").address, 3, GATEWAY, 12103)),
)


def answered(one: SourceExplanation, ifindex: int, gateway: str, kind: int = 1) -> SourceExplanation:
    """With another answer of the kernel's."""
    hop = parse_address(gateway) if gateway else None
    answer = one.by_main.answer._replace(ifindex=ifindex, gateway=hop, kind=kind)
    return one._replace(by_main=one.by_main._replace(answer=answer))


@pytest.mark.parametrize(
    "ifindex, gateway, wanted", [(3, "11.8.0.1", True), (3, "11.8.0.2", False), (2, "11.8.0.1", False)]
)
def test_by_its_own_table(ifindex: int, gateway: str, wanted: bool) -> None:
    one = answered(BY_TABLE, ifindex, gateway)
    assert (one.expected, one.next_hops, one.is_thrown) == (OURS, ((GATEWAY, 3),), False)
    assert (one.as_wanted, one.exit_code) == (wanted, 0 if wanted else 1)


def test_by_main_where_the_table_throws() -> None:
    one = answered(BY_TABLE._replace(route=THROW, main=MAIN), 2, "10.65.0.9")
    assert (one.expected, one.is_thrown, one.as_wanted) == (MAIN, True, True)


def test_by_main_where_it_looks_no_table_up() -> None:
    one = answered(BY_TABLE._replace(table=None, route=None), 2, "10.65.0.1")
    assert (one.expected, one.is_thrown, one.as_wanted) == (one.by_main.route, True, True)


def test_each_next_hop_is_one() -> None:
    hops = route("default nexthop via 11.8.0.1 dev eth1 nexthop via 11.8.0.2 dev eth1")._replace(table=12103)
    one = BY_TABLE._replace(route=hops)
    wanted = [answered(one, 3, gateway).as_wanted for gateway in ("11.8.0.1", "11.8.0.2", "11.8.0.3")]
    assert wanted == [True, True, False]


def test_a_route_that_drops_has_none() -> None:
    one = BY_TABLE._replace(route=None, main=route("unreachable 9.0.0.0/8"))
    assert (one.next_hops, one.as_wanted, one.exit_code) == ((), False, 1)


def test_a_multicast_goes_to_everybody_on_the_link() -> None:
    one = answered(BY_TABLE, 3, "", MULTICAST)
    assert (one.next_hops, one.as_wanted) == (((None, 3),), True)


def test_a_conflict_keeps_packets_from_their_table() -> None:
    one = BY_TABLE._replace(conflict=SourceConflict("table-in-use", ETH1, 12103))
    assert (one.is_prevented, one.exit_code) == (False, 0)
    assert (one._replace(table=None).is_prevented, one._replace(table=None).exit_code) == (True, 1)


def test_an_address_that_is_not_this_machines_is_refused() -> None:
    answer = BY_TABLE.by_main.answer._replace(error="Network is unreachable")
    refused = BY_TABLE._replace(by_main=BY_TABLE.by_main._replace(answer=answer))
    assert not refused.is_refused
    assert refused._replace(nic=None).is_refused
    assert not BY_TABLE._replace(nic=None).is_refused


def test_what_table_local_decides_is_nobodys_fault() -> None:
    one = BY_TABLE._replace(nic=ETH0, table=None, conflict=SourceConflict("table-in-use", ETH0, 12102))
    answer = one.by_main.answer._replace(table=255, ifindex=1)
    assert one._replace(by_main=one.by_main._replace(answer=answer)).exit_code == 0
