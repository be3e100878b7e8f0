"""Source routing's requests, byte for byte by the kernel's headers, and what its refusals mean."""

from __future__ import annotations

import errno
from typing import Dict, List

import pytest

from guest_routes.kernel.rtnetlink.decode import Answer, decode_rule
from guest_routes.kernel.rtnetlink.source import BATCH, carry_out, request
from guest_routes.model.network import Route, Rule, parse_prefix
from guest_routes.model.source_routing import AddRule, RemoveRoute, RemoveRule, SetRoute, SourceOperation
from tests.support.netlink_bytes import attribute, message, number, rtmsg

RULE = Rule(4, 32765, 12103, False, 121, parse_prefix("11.8.0.9/32"))
SIX = Rule(6, 32765, 12103, False, 121, parse_prefix("fd00:8::9/128"))
ROUTE = Route(parse_prefix("11.8.0.0/24"), None, 3, table=12103, scope=253)
FRA_SRC, FRA_PRIORITY, FRA_TABLE, FRA_PROTOCOL = 2, 6, 15, 21


@pytest.mark.parametrize(
    "operation, kind, flags",
    [
        (SetRoute(ROUTE), 24, 0x1 | 0x400 | 0x200),
        (SetRoute(ROUTE, replaces=True), 24, 0x1 | 0x400 | 0x100),
        (RemoveRoute(ROUTE), 25, 0x1),
        (AddRule(RULE), 32, 0x1 | 0x400 | 0x200),
        (RemoveRule(RULE), 33, 0x1),
    ],
)
def test_each_operation_has_its_message_and_flags(operation: SourceOperation, kind: int, flags: int) -> None:
    sent = request(operation, 7)
    assert (int.from_bytes(sent[4:6], "little"), int.from_bytes(sent[6:8], "little"), sent[8]) == (kind, flags, 7)


@pytest.mark.parametrize("rule, family", [(RULE, 2), (SIX, 10)])
def test_a_rule_in_bytes(rule: Rule, family: int) -> None:
    assert rule.source is not None
    attributes = number(FRA_PRIORITY, 32765) + number(FRA_TABLE, 12103) + attribute(FRA_PROTOCOL, b"\x79")
    body = rtmsg(
        family,
        attributes + attribute(FRA_SRC, rule.source.address),
        src_len=rule.source.length,
        table=0,
        protocol=0,
    )
    assert request(AddRule(rule), 7) == message(32, body, flags=0x601, sequence=7)
    assert decode_rule(body, 0, len(body)) == rule


def test_a_rule_without_a_source_can_be_removed() -> None:
    sent = request(RemoveRule(Rule(4, 5, 77, True, 121)), 7)
    assert decode_rule(sent, 16, len(sent)) == Rule(4, 5, 77, True, 121)


def test_the_source_tells_of_one_that_matches_by_more() -> None:
    """A request to delete it mustn't fit rules of other addresses."""
    found = Rule(4, 32765, 12102, False, 121, among=parse_prefix("11.8.0.0/24"), restricted=True)
    sent = request(RemoveRule(found), 7)
    assert decode_rule(sent, 16, len(sent)) == found._replace(action=0, restricted=False)


class Wire:
    """Takes requests; refuses those with these sequence numbers, and may lose the first answers."""

    def __init__(self, *refuses: int, loses: bool = False) -> None:
        self.refuses, self.loses = refuses, loses
        self.sent: List[List[int]] = []

    def __call__(self, requests: List[bytes], refused: Dict[int, Answer]) -> bool:
        numbers = [int.from_bytes(one[8:12], "little") for one in requests]
        self.sent.append(numbers)
        lost, self.loses = self.loses, False
        if not lost:
            refused.update((one, Answer(errno.EINVAL, "no")) for one in numbers if one in self.refuses)
        return lost


def test_refusals_are_of_their_operations() -> None:
    wire = Wire(11)
    (failure,) = carry_out([AddRule(RULE), SetRoute(ROUTE), AddRule(SIX)], 10, wire)
    assert (failure.operation, failure.text, wire.sent) == (SetRoute(ROUTE), "no", [[10, 11, 12]])


def test_where_answers_are_lost_all_is_sent_again_one_by_one() -> None:
    wire = Wire(14, loses=True)
    (failure,) = carry_out([AddRule(RULE), SetRoute(ROUTE), AddRule(SIX)], 10, wire)
    assert (failure.operation, wire.sent) == (SetRoute(ROUTE), [[10, 11, 12], [13], [14], [15]])


def test_many_are_sent_in_parts() -> None:
    wire = Wire()
    assert carry_out([AddRule(RULE)] * (BATCH + 1), 1, wire) == ()
    assert [len(one) for one in wire.sent] == [BATCH, 1]
