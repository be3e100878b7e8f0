"""What notifications say has changed, in datagrams built by hand. The socket is tests/netns/test_monitor.py's."""

from __future__ import annotations

from typing import Any, Dict, List

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guest_routes.kernel.monitor import Change, Event, Notifications, RuleEvent, changes_in
from guest_routes.model.network import Rule, parse_prefix
from tests.support.netlink_bytes import attribute, message, nexthop, number, rtmsg

NEWLINK, NEWADDR, NEWROUTE, DELROUTE, NEWRULE = 16, 20, 24, 25, 32
INET, INET6 = 2, 10
MAIN, OWN_PORT, PORT = 254, 4711, 815
DST, OIF = attribute(1, bytes([11, 11, 0, 0])), number(4, 3)
EVENT = Event(parse_prefix("11.11.0.0/16"), 3, PORT, False, 121)


def a_route(
    kind: int = NEWROUTE, attributes: bytes = DST + OIF, family: int = INET, port: int = PORT, **fields: int
) -> bytes:
    """The notification of a route to 11.11.0.0/16, or of what the attributes say."""
    return message(kind, rtmsg(family, attributes, **{"dst_len": 16, "protocol": 121, **fields}), port=port)


def changes(datagram: bytes, table: int = MAIN) -> List[Change]:
    return changes_in(datagram, table, OWN_PORT)


def test_a_route_that_comes_and_goes() -> None:
    assert changes(a_route() + a_route(DELROUTE)) == [EVENT, EVENT._replace(deleted=True)]


def test_who_asked_for_it() -> None:
    assert changes(a_route(port=0) + a_route(port=99)) == [EVENT._replace(port=0), EVENT._replace(port=99)]


@pytest.mark.parametrize("family, gateway", [(INET, bytes([11, 8, 0, 1])), (INET6, bytes(15) + b"\1")])
def test_which_of_the_routes_to_a_destination(family: int, gateway: bytes) -> None:
    attributes = OIF + attribute(5, gateway) + number(6, 100)
    (found,) = changes(a_route(attributes=attributes, family=family, dst_len=0))
    assert isinstance(found, Event)
    assert (found.gateway, found.ifindex, found.metric, found.protocol) == (gateway, 3, 100, 121)


def test_our_own_routes_are_left_out() -> None:
    assert changes(a_route(port=OWN_PORT) + a_route(DELROUTE, port=OWN_PORT)) == []


def test_cached_routes_are_left_out() -> None:
    assert changes(a_route(flags=0x200)) == []


@pytest.mark.parametrize("in_header, attributes, table, counts", [
    (254, b"", 254, True), (99, b"", 254, False), (255, b"", 254, False),
    (254, number(15, 254), 254, True), (254, number(15, 99), 254, False),
    (252, number(15, 70000), 70000, True), (0, number(15, 70000), 70000, True), (252, number(15, 70000), 252, False),
])  # fmt: skip
def test_only_one_table_counts(in_header: int, attributes: bytes, table: int, counts: bool) -> None:
    """RTA_TABLE names every table; struct rtmsg has one byte for it."""
    found = changes(a_route(attributes=DST + OIF + attributes, table=in_header), table)
    assert found == ([EVENT._replace(table=table)] if counts else [])


def test_a_route_of_a_table_that_is_followed_counts_as_anything_else() -> None:
    both = a_route(attributes=DST + OIF + number(15, 220)) + a_route(attributes=DST + OIF + number(15, 221))
    assert changes_in(both + a_route(), MAIN, OWN_PORT, followed=frozenset((220,))) == [None, EVENT]
    assert changes_in(a_route(port=OWN_PORT, table=220), MAIN, OWN_PORT, followed=frozenset((220,))) == []


@pytest.mark.parametrize("family, text", [(INET, "0.0.0.0/0"), (INET6, "::/0")])
def test_a_default_route_has_no_destination(family: int, text: str) -> None:
    (found,) = changes(a_route(attributes=OIF, family=family, dst_len=0))
    assert isinstance(found, Event) and found.destination == parse_prefix(text)


def test_a_multipath_route_has_no_nic_of_its_own() -> None:
    (found,) = changes(a_route(attributes=DST + attribute(9, nexthop(3) + nexthop(2))))
    assert found == EVENT._replace(ifindex=0)


@pytest.mark.parametrize("kind", [NEWLINK, 17, NEWADDR, 21, NEWRULE, 33])
@pytest.mark.parametrize("port", [PORT, OWN_PORT])
def test_whatever_else_changes_counts_without_an_event(kind: int, port: int) -> None:
    """The engine changes routes and rules only: a link or address that names its port is still a change."""
    own_rule = port == OWN_PORT and kind in (NEWRULE, 33)
    assert changes(message(kind, bytes(16), port=port)) == ([] if own_rule else [None])


TABLES = range(12100, 12200)
RULE = Rule(4, 32765, 12103, False, 121, parse_prefix("11.8.0.9/32"))


def a_rule(kind: int = NEWRULE, source: bytes = bytes([11, 8, 0, 9]), length: int = 32, port: int = PORT) -> bytes:
    """The notification of RULE, which looks a table up (FR_ACT_TO_TBL)."""
    body = rtmsg(INET, number(6, 32765) + number(15, 12103) + attribute(21, b"\x79") + attribute(2, source),
                 src_len=length, kind=1)  # fmt: skip
    return message(kind, body, port=port)


def test_a_rule_that_comes_and_goes_beside_source_routing_s() -> None:
    found = changes_in(a_rule() + a_rule(33), 254, OWN_PORT, TABLES)
    assert found == [RuleEvent(RULE, PORT, False), RuleEvent(RULE, PORT, True)]
    assert changes_in(a_rule(), 254, PORT, TABLES) == []  # The engine's own.
    assert changes_in(a_rule(), 254, OWN_PORT) == [None]  # Without source routing's it is a change of anything.


@pytest.mark.parametrize("source, length", [(bytes(3), 32), (bytes(16), 32), (bytes(4), 33)])
def test_a_rule_for_no_address_is_malformed(source: bytes, length: int) -> None:
    assert changes_in(a_rule(source=source, length=length), 254, OWN_PORT, TABLES) == ["malformed"]
    assert changes_in(message(NEWRULE, bytes(3), port=PORT), 254, OWN_PORT, TABLES) == ["malformed"]


def test_a_route_of_source_routing_s_tables_names_its_table() -> None:
    tables = TABLES
    there = a_route(attributes=DST + OIF + number(15, 12103), table=0)
    assert changes_in(there, 254, OWN_PORT, tables) == [EVENT._replace(table=12103)]
    assert changes_in(there, 254, OWN_PORT) == []
    assert changes_in(there, 254, PORT, tables) == []  # The engine's own.
    assert changes_in(a_route(), 254, OWN_PORT, tables) == [EVENT]


def test_several_in_one_datagram_keep_their_order() -> None:
    assert changes(message(NEWADDR, bytes(8)) + a_route() + message(NEWRULE, bytes(12))) == [None, EVENT, None]


@pytest.mark.parametrize("length", [0, 4, 11])
def test_a_route_without_its_header_is_malformed(length: int) -> None:
    assert changes(message(NEWROUTE, bytes(length), port=PORT)) == ["malformed"]


@pytest.mark.parametrize("family, destination, length", [
    (INET, bytes(3), 16), (INET, bytes(16), 16), (INET, b"", 0), (INET, bytes(4), 33),
    (INET6, bytes(4), 16), (INET6, bytes(17), 64), (INET6, bytes(16), 129),
])  # fmt: skip
def test_a_destination_that_is_no_address_is_malformed(family: int, destination: bytes, length: int) -> None:
    """Printed, it would raise."""
    assert changes(a_route(attributes=attribute(1, destination), family=family, dst_len=length)) == ["malformed"]


def test_after_what_is_malformed_the_next_message_is_read() -> None:
    assert changes(message(NEWROUTE, b"", port=PORT) + a_route()) == ["malformed", EVENT]


def test_a_datagram_that_is_cut_off_ends_with_the_last_whole_message() -> None:
    whole = a_route() + a_route(DELROUTE)
    for cut in range(len(whole)):
        whole_ones = [EVENT] if cut >= len(a_route()) else []
        assert changes(whole[:cut]) == [*whole_ones, *(["malformed"] if cut % len(a_route()) else [])]


@given(st.binary(max_size=200))
def test_any_bytes_are_read_without_an_error(rest: bytes) -> None:
    assert changes(a_route() + rest)[0] == EVENT


@given(st.sampled_from([NEWROUTE, DELROUTE]), st.binary(max_size=100))
def test_any_body_is_read_without_an_error(kind: int, body: bytes) -> None:
    assert len(changes(message(kind, body, port=PORT))) <= 1


@pytest.mark.parametrize("fields, changed", [({}, False), ({"number": 1}, True)])
def test_whether_anything_has_changed(fields: Dict[str, Any], changed: bool) -> None:
    assert Notifications(**fields).changed is changed
