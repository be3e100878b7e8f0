"""Source routing's operations as rtnetlink requests, and what a refusal means (R21). Pure.

Source: include/uapi/linux/fib_rules.h; net/core/fib_rules.c (fib_nl_newrule, fib_nl_delrule).
"""

from __future__ import annotations

from _socket import AF_INET, AF_INET6
from os import strerror

from ...model.network import Rule
from ...model.source_routing import AddRule, RemoveRoute, SetRoute
from ..apply_source import failure_of
from ..netlink import (
    FR_ACT_TO_TBL,
    FRA_PRIORITY,
    FRA_PROTOCOL,
    FRA_SRC,
    FRA_TABLE,
    NLM_F_CREATE,
    NLM_F_EXCL,
    NLM_F_REPLACE,
    NLM_F_REQUEST,
    RTM_DELROUTE,
    RTM_DELRULE,
    RTM_NEWROUTE,
    RTM_NEWRULE,
    RTMSG,
    U32,
    attribute,
    message,
)
from .encode import encode_route

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, Sequence

    from ...model.source_routing import SourceFailure, SourceOperation
    from .decode import Answer

BATCH = 500
"""So many operations in one send: most of a hundred bytes each."""


def carry_out(
    operations: Sequence[SourceOperation], first: int, send: Callable[[list[bytes], dict[int, Answer]], bool]
) -> tuple[SourceFailure, ...]:
    """Sends the operations in order; the refused ones.

    Args:
        first: of the sequence numbers that are free; twice as many as operations.
        send: sends requests and collects refusals by sequence number; True when answers were lost.
    """
    refused: dict[int, Answer] = {}
    lost = False
    requests = [request(one, number) for number, one in enumerate(operations, first)]
    for start in range(0, len(requests), BATCH):
        lost = send(requests[start : start + BATCH], refused) or lost
    if lost:  # All of it again, one by one: where it was done, that changes nothing.
        refused.clear()
        for number, one in enumerate(operations, first + len(operations)):
            send([request(one, number)], refused)
    size = len(operations)
    found = (refusal(operations[(number - first) % size], refused[number]) for number in sorted(refused))
    return tuple(one for one in found if one is not None)


def request(operation: SourceOperation, sequence: int) -> bytes:
    """The message that carries an operation out."""
    if isinstance(operation, SetRoute):
        flags = NLM_F_CREATE | (NLM_F_REPLACE if operation.replaces else NLM_F_EXCL)
        return encode_route(operation.route, RTM_NEWROUTE, NLM_F_REQUEST | flags, sequence)
    if isinstance(operation, RemoveRoute):
        return encode_route(operation.route, RTM_DELROUTE, NLM_F_REQUEST, sequence)
    if isinstance(operation, AddRule):
        return _rule(operation.rule, RTM_NEWRULE, NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL, sequence)
    return _rule(operation.rule, RTM_DELRULE, NLM_F_REQUEST, sequence)


def _rule(rule: Rule, kind: int, flags: int, sequence: int) -> bytes:
    """RTM_NEWRULE of a rule that matches by its source, RTM_DELRULE of any; in that what isn't said matches all."""
    source = rule.source or rule.among
    length = source.length if source else 0
    family = AF_INET if rule.family == 4 else AF_INET6
    body = RTMSG.pack(family, 0, length, 0, 0, 0, 0, FR_ACT_TO_TBL if rule.source or rule.plain else 0, 0)
    body += attribute(FRA_PRIORITY, U32.pack(rule.priority)) + attribute(FRA_TABLE, U32.pack(rule.table))
    body += attribute(FRA_PROTOCOL, bytes([rule.protocol]))
    if source:
        body += attribute(FRA_SRC, source.address)
    return message(kind, flags, sequence, body)


def refusal(operation: SourceOperation, answer: Answer) -> SourceFailure | None:
    """The failure that the kernel's answer is; None where what is asked for is so already."""
    return failure_of(operation, answer.errno, answer.text or strerror(answer.errno))
