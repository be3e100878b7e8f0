"""The kernel's answers, built by hand from its headers, as values; and round trips through the encoder."""

from __future__ import annotations

import errno
import struct
from typing import Any, Dict, List, Optional, Sequence, Tuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg

from guest_routes.kernel.pyroute2.decode import nic_of
from guest_routes.kernel.rtnetlink.decode import (
    Answer,
    decode_error,
    decode_lookup,
    decode_route,
    decode_rule,
)
from guest_routes.kernel.rtnetlink.dump import RouteDump
from guest_routes.kernel.rtnetlink.encode import encode
from guest_routes.kernel.rtnetlink.nics import decode_address, decode_link
from guest_routes.model.network import NextHop, Nic, Prefix, Route, Rule, parse_address, parse_prefix
from guest_routes.model.operations import Add
from tests.support.any_route import any_route
from tests.support.netlink_bytes import attribute, message, nexthop, number, rtmsg

INET, INET6 = 2, 10
GATEWAY, OTHER = bytes([11, 8, 0, 1]), bytes([10, 65, 0, 1])
GATEWAY6, OTHER6 = parse_address("fe80::1"), parse_address("fe80::2")
DST, PRIORITY, TABLE = attribute(1, bytes([11, 11, 0, 0])), number(6, 5), number(15, 254)
VIA, OIF = attribute(5, GATEWAY), number(4, 3)


def decoded(body: bytes) -> List[Route]:
    """The routes of an RTM_NEWROUTE body; a dump with others like it has to come to the same."""
    data = message(24, body)
    found = decode_route(data, 16, 16 + len(body))
    other = with_destination(data, b"\xfd")
    like = [one for one in decoded_by_itself(other) if one.table in {route.table for route in found}]
    assert dumped(body[0], (data, data, other, data)) == [*found, *found, *like, *found]
    return found


def decoded_by_itself(data: bytes) -> List[Route]:
    """The routes of one message."""
    return decode_route(data, 16, len(data))


def dumped(family: int, messages: Sequence[bytes]) -> List[Route]:
    """The routes of these messages in one datagram, of the first one's table."""
    tables = [route.table for route in decoded_by_itself(messages[0])]
    dump, data = RouteDump(family, tables[0] if tables else 0), b"".join(messages)
    for _, _, _, _, start, end in dump.others(data):
        dump.decode(data, start, end)
    return dump.routes


def with_destination(data: bytes, byte: bytes) -> bytes:
    """The message with another byte where RTA_DST mostly begins, and a prefix one bit longer."""
    if len(data) <= 40:
        return data
    return data[:17] + bytes([data[17] + 1 & 255]) + data[18:40] + byte + data[41:]


# ---- round trips ------------------------------------------------------------------------------------


@given(any_route())
def test_what_is_encoded_comes_back(route: Route) -> None:
    data = encode(Add(route), 1)
    assert decode_route(data, 16, len(data)) == [route]
    family = INET if route.family == 4 else INET6
    assert dumped(family, (data, data)) == [route, route]
    if route.destination.length:
        other = with_destination(data, b"\xfd")
        assert dumped(family, (data, other, data)) == [route, *decoded_by_itself(other), route]


# ---- routes as the kernel dumps them ----------------------------------------------------------------


def test_a_plain_route() -> None:
    expected = Route(parse_prefix("11.11.0.0/16"), GATEWAY, 3, metric=5, protocol=121)
    assert decoded(rtmsg(INET, TABLE + DST + PRIORITY + VIA + OIF, dst_len=16, protocol=121)) == [expected]


def test_a_plain_route_without_metric() -> None:
    expected = Route(parse_prefix("11.11.0.0/16"), GATEWAY, 3, metric=0, protocol=4, onlink=True)
    assert decoded(rtmsg(INET, TABLE + DST + VIA + OIF, dst_len=16, flags=4)) == [expected]


def test_a_route_on_link() -> None:
    expected = Route(parse_prefix("11.11.0.0/16"), None, 3, protocol=4, scope=253)
    assert decoded(rtmsg(INET, TABLE + DST + OIF, dst_len=16, scope=253)) == [expected]


def test_a_plain_ipv6_route() -> None:
    destination = parse_address("fd01::")
    body = rtmsg(INET6, TABLE + attribute(1, destination) + number(6, 1024) + attribute(5, GATEWAY6) + OIF, dst_len=32)
    assert decoded(body) == [Route(Prefix(destination, 32), GATEWAY6, 3, metric=1024, protocol=4)]


@pytest.mark.parametrize("order", [
    TABLE + VIA + PRIORITY + DST + OIF, DST + TABLE + VIA + OIF, TABLE + DST + PRIORITY + OIF + VIA,
    TABLE + DST + VIA + PRIORITY + OIF,
])  # fmt: skip
def test_attributes_in_another_order(order: bytes) -> None:
    """Messages as long as the usual ones, which a single unpack must not take for them."""
    metric = 5 if PRIORITY in order else 0
    expected = Route(parse_prefix("11.11.0.0/16"), GATEWAY, 3, metric=metric, protocol=4)
    assert decoded(rtmsg(INET, order, dst_len=16)) == [expected]


@pytest.mark.parametrize("swapped, expected", [
    # RTA_PREFSRC where the gateway stands, RTA_FLOW where the metric does.
    (TABLE + DST + PRIORITY + attribute(7, GATEWAY) + OIF, {"gateway": None, "source": GATEWAY}),
    (TABLE + DST + number(11, 5) + VIA + OIF, {"metric": 0, "realms": 5}),
    (TABLE + DST + attribute(7, GATEWAY) + OIF, {"gateway": None, "metric": 0, "source": GATEWAY}),
    (number(11, 254) + DST + VIA + OIF, {"metric": 0, "realms": 254}),
    (TABLE + number(8, 0) + VIA + OIF, {"metric": 0, "destination": Prefix(bytes(4), 16)}),
    (TABLE + DST + VIA + number(20, 3), {"metric": 0, "ifindex": 0, "preference": 3}),
])  # fmt: skip
def test_other_attributes_of_the_same_length(swapped: bytes, expected: Dict[str, Any]) -> None:
    usual = Route(parse_prefix("11.11.0.0/16"), GATEWAY, 3, metric=5, protocol=4)
    assert decoded(rtmsg(INET, swapped, dst_len=16)) == [usual._replace(**expected)]


def test_a_default_route_has_no_destination() -> None:
    assert decoded(rtmsg(INET, TABLE + VIA + OIF)) == [Route(parse_prefix("0.0.0.0/0"), GATEWAY, 3, protocol=4)]
    body = rtmsg(INET6, TABLE + attribute(5, GATEWAY6) + OIF + attribute(20, b"\3"), protocol=9)
    assert decoded(body) == [Route(parse_prefix("::/0"), GATEWAY6, 3, protocol=9, preference=3)]


@pytest.mark.parametrize("in_header, attributes, table", [
    (254, b"", 254), (252, number(15, 70000), 70000), (0, number(15, 1000), 1000),
])  # fmt: skip
def test_tables_over_255_are_named_by_an_attribute(in_header: int, attributes: bytes, table: int) -> None:
    (found,) = decoded(rtmsg(INET, attributes + VIA + OIF, table=in_header))
    assert found.table == table


def test_a_gateway_of_the_other_family() -> None:
    via = attribute(18, struct.pack("=H", INET6) + GATEWAY6)
    (found,) = decoded(rtmsg(INET, TABLE + DST + via + OIF, dst_len=16))
    assert (found.gateway, found.ifindex) == (GATEWAY6, 3)


def test_metrics_source_and_the_cache() -> None:
    metrics = attribute(8, number(2, 1400) + number(8, 1300))
    cache = attribute(12, bytes(32))
    (found,) = decoded(rtmsg(INET, TABLE + DST + metrics + attribute(7, OTHER) + VIA + OIF + cache, dst_len=16))
    assert (found.metrics, found.source, found.kind) == (((2, 1400), (8, 1300)), OTHER, 1)


def test_an_ipv4_multipath_route_is_one_route() -> None:
    hops = nexthop(3, attribute(5, GATEWAY), hops=3) + nexthop(2, attribute(5, OTHER), flags=4) + nexthop(4)
    assert decoded(rtmsg(INET, TABLE + attribute(9, hops))) == [
        Route(
            parse_prefix("0.0.0.0/0"), None, 0, protocol=4,
            nexthops=(NextHop(GATEWAY, 3, 4), NextHop(OTHER, 2, 1, True), NextHop(None, 4)),
        )
    ]  # fmt: skip


def test_an_ipv6_multipath_route_is_a_route_for_each_next_hop() -> None:
    hops = nexthop(3, attribute(5, GATEWAY6)) + nexthop(2, attribute(5, OTHER6), flags=4)
    expected = Route(parse_prefix("::/0"), GATEWAY6, 3, metric=1024, protocol=4)
    assert decoded(rtmsg(INET6, TABLE + number(6, 1024) + attribute(9, hops))) == [
        expected, expected._replace(gateway=OTHER6, ifindex=2, onlink=True),
    ]  # fmt: skip


def test_a_route_of_a_nexthop_object() -> None:
    """Whether the kernel shows the object's gateway and NIC beside its id depends on a sysctl: the object says them."""
    for shown in (VIA + OIF, b"", attribute(9, nexthop(3, attribute(5, GATEWAY)) + nexthop(2))):
        (found,) = decoded(rtmsg(INET, TABLE + DST + number(30, 7) + shown, dst_len=16))
        assert (found.nexthop_id, found.gateway, found.ifindex, found.nexthops, found.kind) == (7, None, 0, (), 1)


def test_what_a_route_has_beside_its_next_hop() -> None:
    metrics = attribute(8, number(2, 1400) + attribute(16, b"cubic\0") + number(17, 1))
    cache = attribute(12, struct.pack("=IIiIIIII", 0, 0, 59_950, 0, 0, 0, 0, 0))
    (found,) = decoded(rtmsg(INET, TABLE + DST + VIA + OIF + number(11, 5 << 16 | 7) + metrics + cache, dst_len=16))
    assert (found.kind, found.unwritable) == (1, "")
    assert (found.realms, found.expires) == (5 << 16 | 7, 599)
    assert found.metrics == ((2, 1400), (16, "cubic"), (17, 1))


@pytest.mark.parametrize("ticks, seconds", [(0, [0]), (1, [1]), (99, [1]), (250, [2]), (-1, []), (-250, [])])
def test_the_time_that_a_route_still_has(ticks: int, seconds: List[int]) -> None:
    """One that has expired is none."""
    cache = attribute(12, struct.pack("=IIiIIIII", 0, 0, ticks, 0, 0, 0, 0, 0))
    found = decoded(rtmsg(INET6, TABLE + attribute(5, GATEWAY6) + OIF + cache))
    assert [route.expires for route in found] == seconds


def test_next_hops_have_realms_and_those_of_ipv6_weights() -> None:
    realms = nexthop(3, attribute(5, GATEWAY) + number(11, 4))
    (found,) = decoded(rtmsg(INET, TABLE + DST + attribute(9, realms), dst_len=16))
    assert found.nexthops == (NextHop(GATEWAY, 3, realms=4),)
    (only,) = decoded(rtmsg(INET6, TABLE + attribute(9, struct.pack("=HBBi", 28, 0, 4, 3) + attribute(5, GATEWAY6))))
    assert (only.gateway, only.ifindex, only.weight, only.nexthops) == (GATEWAY6, 3, 5, ())


@pytest.mark.parametrize("attributes, src_len, why", [
    (attribute(22, b"") + attribute(21, struct.pack("=H", 1)), 0, "encap"),  # RTA_ENCAP, RTA_ENCAP_TYPE
    (attribute(8, number(2, 1400) + number(18, 1)), 0, "attributes"),  # After RTAX_FASTOPEN_NO_COOKIE.
    (number(31, 9), 0, "attributes"),
    (attribute(9, nexthop(3) + nexthop(2, attribute(21, struct.pack("=H", 1)))), 0, "encap"),
    (b"", 64, "source"),
])  # fmt: skip
def test_what_a_route_cannot_hold_has_kind_0(attributes: bytes, src_len: int, why: str) -> None:
    (found,) = decoded(rtmsg(INET, TABLE + DST + attributes, dst_len=16, src_len=src_len))
    assert (found.kind, found.unwritable, found.destination) == (0, why, parse_prefix("11.11.0.0/16"))


@pytest.mark.parametrize("body", [
    rtmsg(INET, TABLE + DST + VIA + OIF, dst_len=16, flags=0x200),  # RTM_F_CLONED
    rtmsg(INET6, TABLE + attribute(1, GATEWAY6) + OIF, dst_len=128, kind=2, protocol=2),
    rtmsg(128, b""),  # RTNL_FAMILY_IPMR
])  # fmt: skip
def test_cached_local_and_other_families_routes_are_none(body: bytes) -> None:
    assert decode_route(body, 0, len(body)) == []


def test_local_routes_of_ipv4_and_of_others_are_routes() -> None:
    assert len(decoded(rtmsg(INET, TABLE + DST, dst_len=16, kind=2, protocol=2))) == 1
    assert len(decoded(rtmsg(INET6, TABLE + OIF, kind=2, protocol=4))) == 1


@pytest.mark.parametrize("hops", [
    struct.pack("=HBBi", 7, 0, 0, 2), struct.pack("=HBBi", 0, 0, 0, 2), struct.pack("=HBBi", 200, 0, 0, 2), b"\x08\0",
])  # fmt: skip
def test_a_lying_length_ends_the_next_hops(hops: bytes) -> None:
    (found,) = decoded(rtmsg(INET, TABLE + attribute(9, nexthop(3, attribute(5, GATEWAY)) + hops)))
    assert found.nexthops == (NextHop(GATEWAY, 3),)


@pytest.mark.parametrize("cut", range(12, 56, 4))
def test_a_route_that_is_cut_off_is_what_is_left_of_it(cut: int) -> None:
    body = rtmsg(INET, TABLE + DST + PRIORITY + VIA + OIF, dst_len=16)[:cut]
    (found,) = decoded(body)
    assert found.gateway == (GATEWAY if cut >= 44 else None)
    assert found.ifindex == (3 if cut >= 52 else 0)


@given(st.sampled_from([INET, INET6]), st.binary(min_size=11, max_size=150))
def test_any_bytes_are_read_without_an_error(family: int, rest: bytes) -> None:
    """And the same by both ways, which `decoded` compares."""
    assert len(decoded(bytes([family]) + rest)) <= len(rest)


def test_a_lookups_answer_may_be_cached() -> None:
    attributes = number(15, 254) + attribute(1, bytes([11, 8, 0, 77])) + OIF + VIA
    body = rtmsg(INET, attributes, dst_len=32, flags=0x200)
    found = decode_lookup(body, 0, len(body))
    assert (found.destination, found.gateway, found.ifindex) == (parse_prefix("11.8.0.77"), GATEWAY, 3)
    assert (found.table, found.kind) == (254, 1)


# ---- links, addresses, rules ------------------------------------------------------------------------


def link(attributes: bytes, flags: int = 0x41, ifindex: int = 7) -> bytes:
    """struct ifinfomsg and attributes."""
    return struct.pack("=BxHiII", 0, 1, ifindex, flags, 0) + attributes


NAME, MAC = attribute(3, b"x0\0"), bytes.fromhex("fa163e000004")


@pytest.mark.parametrize("flags, up, running", [(0x41, True, True), (0x1, True, False), (0x1002, False, False)])
def test_a_nic(flags: int, up: bool, running: bool) -> None:
    body = link(NAME + attribute(1, MAC) + number(10, 3), flags)
    assert decode_link(body, 0, len(body)) == Nic(7, "x0", MAC, up, running, master=3)


def test_the_loopback_is_none() -> None:
    body = link(attribute(3, b"lo\0"), 0x49, 1)
    assert decode_link(body, 0, len(body)) is None


def test_a_permanent_mac() -> None:
    body = link(NAME + attribute(1, MAC) + attribute(54, MAC[::-1]))
    found = decode_link(body, 0, len(body))
    assert found is not None and found.permanent_mac == MAC[::-1]


def test_a_name_that_is_no_utf_8() -> None:
    body = link(attribute(3, b"x\xff\0"))
    found = decode_link(body, 0, len(body))
    assert found is not None and found.name == "x\ufffd"


def test_a_veths_peer_is_no_parent() -> None:
    body = link(NAME + number(5, 9) + attribute(18, attribute(1, b"veth\0")))
    found = decode_link(body, 0, len(body))
    assert found is not None and (found.kind, found.parent) == ("veth", 0)


LINKS: Dict[str, List[Tuple[str, Any]]] = {
    "vlan": [
        ("IFLA_LINK", 2),
        (
            "IFLA_LINKINFO",
            {"attrs": [("IFLA_INFO_KIND", "vlan"), ("IFLA_INFO_DATA", {"attrs": [("IFLA_VLAN_ID", 7)]})]},
        ),
    ],
    "vlan of another namespace's NIC": [
        ("IFLA_LINK", 2),
        ("IFLA_LINK_NETNSID", 0),
        (
            "IFLA_LINKINFO",
            {"attrs": [("IFLA_INFO_KIND", "vlan"), ("IFLA_INFO_DATA", {"attrs": [("IFLA_VLAN_ID", 7)]})]},
        ),
    ],
    "bond port": [
        ("IFLA_MASTER", 3),
        (
            "IFLA_LINKINFO",
            {
                "attrs": [
                    ("IFLA_INFO_SLAVE_KIND", "bond"),
                    ("IFLA_INFO_SLAVE_DATA", {"attrs": [("IFLA_BOND_SLAVE_PERM_HWADDR", "fa:16:3e:00:00:09")]}),
                ]
            },
        ),
    ],
}


@pytest.mark.parametrize("attributes", LINKS.values(), ids=list(LINKS))
def test_links_that_not_every_kernel_can_make(attributes: List[Tuple[str, Any]]) -> None:
    """Bytes made by pyroute2, read by both."""
    message = ifinfmsg()
    message["index"], message["flags"] = 7, 0x41
    message["attrs"] = [("IFLA_IFNAME", "x0"), ("IFLA_ADDRESS", "fa:16:3e:00:00:04"), *attributes]
    message.encode()
    data = bytes(message.data)
    again = ifinfmsg(data)
    again.decode()
    nic = decode_link(data, 16, len(data))
    assert nic == nic_of(again, ())
    assert nic is not None
    named = dict(attributes)
    assert (nic.parent, nic.master) == (
        0 if "IFLA_LINK_NETNSID" in named else named.get("IFLA_LINK", 0),
        named.get("IFLA_MASTER", 0),
    )
    assert (nic.vlan_id == 7) == (nic.kind == "vlan")
    assert nic.permanent_mac == (bytes.fromhex("fa163e000009") if nic.master else b"")


@pytest.mark.parametrize("own", [True, False])
def test_an_address(own: bool) -> None:
    """IFA_ADDRESS is the peer's where there is IFA_LOCAL."""
    attributes = attribute(1, OTHER if own else GATEWAY) + (attribute(2, GATEWAY) if own else b"")
    expected = (Prefix(GATEWAY, 32), Prefix(OTHER, 24)) if own else (Prefix(GATEWAY, 24), None)
    for flags in (0x80, 0, 0xC0, 0x40, 0x04):  # Permanent, of a lease, tentative, optimistic.
        body = struct.pack("=4BI", INET, 24, flags, 0, 70000) + attributes
        assert decode_address(body, 0, len(body)) == (70000, *expected, not flags & 0x80)


@pytest.mark.parametrize(
    ("own", "peer", "expected"),
    [
        ("10.65.0.7", "10.65.0.1/32", ("10.65.0.7/32", "10.65.0.1/32")),
        ("10.65.0.7", "10.65.0.1/24", ("10.65.0.7/24", None)),
        ("10.99.0.7", "10.65.0.1/24", ("10.99.0.7/32", "10.65.0.1/24")),
        ("10.65.0.7", "10.65.0.7/32", ("10.65.0.7/32", None)),
        ("fd00:65::7", "fd00:65::1/128", ("fd00:65::7/128", "fd00:65::1/128")),
    ],
)
def test_an_address_with_a_peer(own: str, peer: str, expected: Tuple[str, Optional[str]]) -> None:
    """The prefix length is the peer's."""
    there = parse_prefix(peer)
    body = struct.pack("=4BI", INET, there.length, 0x80, 0, 3)
    body += attribute(1, there.address) + attribute(2, parse_address(own))
    found = decode_address(body, 0, len(body))
    assert found is not None
    assert (str(found[1]), found[2] and str(found[2])) == expected


def test_an_address_that_another_machine_has() -> None:
    body = struct.pack("=4BI", INET, 64, 0xC8, 0, 3) + attribute(1, bytes(16))
    assert decode_address(body, 0, len(body)) is None


PRIORITY_OF_RULE, UNSUPPRESSED = number(6, 32766), number(14, 0xFFFFFFFF)


@pytest.mark.parametrize("attributes, protocol", [
    (PRIORITY_OF_RULE + UNSUPPRESSED + attribute(21, b"\2"), 2),
    (PRIORITY_OF_RULE, 0),
])  # fmt: skip
def test_a_plain_rule(attributes: bytes, protocol: int) -> None:
    body = rtmsg(INET, attributes, protocol=0)
    assert decode_rule(body, 0, len(body)) == Rule(4, 32766, 254, True, protocol)


FROM = attribute(2, bytes([11, 8, 0, 9]))


@pytest.mark.parametrize("attributes, fields, source", [
    (FROM, {"src_len": 32}, "11.8.0.9/32"),
    (FROM, {"src_len": 32, "dst_len": 8}, ""), (FROM, {"src_len": 32, "flags": 2}, ""),
    (FROM + number(10, 5), {"src_len": 32}, ""), (FROM, {"src_len": 32, "kind": 6}, ""), (b"", {"src_len": 32}, ""),
])  # fmt: skip
def test_a_rule_that_matches_by_its_source_alone(attributes: bytes, fields: Dict[str, int], source: str) -> None:
    body = rtmsg(INET, PRIORITY_OF_RULE + attributes, **{"protocol": 0, **fields})
    found = decode_rule(body, 0, len(body))
    assert (found.source, found.plain) == (parse_prefix(source) if source else None, False)


def test_a_rules_table_over_255() -> None:
    body = rtmsg(INET6, number(15, 70000), table=252, protocol=0)
    assert decode_rule(body, 0, len(body)) == Rule(6, 0, 70000, True)


@pytest.mark.parametrize("attributes, fields", [
    (b"", {"dst_len": 16}), (b"", {"src_len": 16}), (b"", {"tos": 16}), (b"", {"flags": 2}), (b"", {"kind": 7}),
    (number(10, 1), {}),  # FRA_FWMARK
    (number(14, 0), {}),  # suppress_prefixlength 0
])  # fmt: skip
def test_a_rule_that_does_not_match_everything(attributes: bytes, fields: Dict[str, int]) -> None:
    body = rtmsg(INET, PRIORITY_OF_RULE + attributes, **{"protocol": 0, **fields})
    assert decode_rule(body, 0, len(body)).plain is False


@pytest.mark.parametrize("attributes, fields, chosen", [
    (b"", {}, False), (b"", {"tos": 16}, True), (number(10, 1) + number(16, 0xFF), {}, True), (number(10, 1), {}, True),
    (number(16, 0xFF), {}, False), (number(10, 1) + number(16, 2), {}, False), (attribute(3, b"lo\0"), {}, False),
    (attribute(3, b"eth1\0"), {}, True), (attribute(17, b"eth1\0"), {}, True),
    (attribute(20, struct.pack("=II", 0, 0)), {}, False), (attribute(20, struct.pack("=II", 5, 9)), {}, True),
    (attribute(22, b"\6"), {}, True), (attribute(19, b"\1"), {}, True), (number(99, 1), {}, True),
    (number(11, 1) + number(13, 1) + number(14, 0), {}, False),
])  # fmt: skip
def test_a_rule_for_packets_with_more_than_addresses(attributes: bytes, fields: Dict[str, int], chosen: bool) -> None:
    """A mark, an incoming or outgoing NIC, users without root, a protocol, a VRF, what is unknown here."""
    body = rtmsg(INET, PRIORITY_OF_RULE + attributes, **{"protocol": 0, **fields})
    assert decode_rule(body, 0, len(body)).chosen is chosen


# ---- refusals ---------------------------------------------------------------------------------------

REQUEST = message(24, bytes(40))
"""What is refused; the kernel repeats all of it, or with NETLINK_CAP_ACK its header only."""
WORDS = attribute(1, b"Nexthop has invalid gateway\0")
CAPPED, WITH_WORDS = 0x100, 0x200


@pytest.mark.parametrize("echo, flags, text", [
    (REQUEST, 0, ""), (REQUEST[:16], CAPPED, ""),
    (REQUEST + WORDS, WITH_WORDS, "Nexthop has invalid gateway"),
    (REQUEST[:16] + WORDS, WITH_WORDS | CAPPED, "Nexthop has invalid gateway"),
    (REQUEST[:16] + number(2, 12), WITH_WORDS | CAPPED, ""),  # NLMSGERR_ATTR_OFFS alone
    (REQUEST[:16] + number(2, 12) + WORDS, WITH_WORDS | CAPPED, "Nexthop has invalid gateway"),
])  # fmt: skip
def test_a_refusal_and_its_words(echo: bytes, flags: int, text: str) -> None:
    body = struct.pack("=i", -errno.ENETUNREACH) + echo
    assert decode_error(body, 0, len(body), flags) == Answer(errno.ENETUNREACH, text)


def test_an_acknowledgement_has_errno_0() -> None:
    body = struct.pack("=i", 0) + REQUEST[:16]
    assert decode_error(body, 0, len(body), CAPPED) == Answer(0, "")


def test_a_request_of_an_odd_length_is_repeated_padded() -> None:
    request = struct.pack("=IHHII", 17, 26, 1, 1, 0) + b"x"
    body = struct.pack("=i", -errno.EINVAL) + request + bytes(3) + WORDS
    assert decode_error(body, 0, len(body), WITH_WORDS).text == "Nexthop has invalid gateway"
