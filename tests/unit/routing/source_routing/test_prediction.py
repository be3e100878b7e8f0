"""Which rules will come before source routing's, by the kernel's answers before they are there."""

from __future__ import annotations

from typing import List, Optional, Sequence

import pytest

from guest_routes.model.network import Lookup, Rule, parse_address, parse_prefix
from guest_routes.model.source_routing import SourceConflict
from guest_routes.routing.source_routing.prediction import overruled_after_plan
from guest_routes.routing.source_routing.verify import source_probes
from tests.support.iproute_text import parse_route

from .test_verify import ON, made

TABLE = Rule(4, 100, 77, False, source=parse_prefix("11.8.0.9/32"))
MAIN = Rule(4, 100, 254, True)
SOME = Rule(4, 100, 254, False, restricted=True, chosen=True)
BY_ETH0, NOWHERE = ("10.65.0.1", 2), (None, 0)
AFTER = ("default via 10.65.0.1 dev eth0", "11.8.0.0/24 dev eth1 scope link")


def predicted(
    rule: Rule, by: tuple[Optional[str], int], table: int, main: Sequence[str] = AFTER, others: Sequence[str] = ()
) -> List[SourceConflict]:
    """What is told of packets from eth1's address to a host outside, which leave so today."""
    plan, found = made(rule)
    nics = found.kernel.nics
    (probe,) = [
        one for one in source_probes(plan, found.kernel, ON)
        if (one.source, one.destination) == (parse_address("11.8.0.9"), parse_address("203.0.113.9"))
    ]  # fmt: skip
    today = Lookup(probe.destination, by[1], parse_address(by[0]) if by[0] else None, table)
    routes = [parse_route(text, nics)._replace(table=254) for text in main]
    tables = [parse_route(text, nics)._replace(table=77) for text in others]
    return list(overruled_after_plan([probe], [today], routes, tables, found.kernel, ON))


def test_another_table_that_decides_today_decides_then() -> None:
    (conflict,) = predicted(TABLE, BY_ETH0, 77)
    assert (conflict.rule, conflict.nic.name) == (TABLE, "eth1")
    assert predicted(TABLE, ("11.8.0.1", 3), 77) == []  # The same way.
    assert predicted(TABLE, BY_ETH0, 254) == []  # It has nothing for the host.


@pytest.mark.parametrize(
    "rule, overruled",
    [
        (MAIN, True),
        (MAIN._replace(plain=False, source=parse_prefix("11.8.0.0/24")), True),
        (MAIN._replace(plain=False, source=parse_prefix("10.65.0.7/32")), False),
        (MAIN._replace(plain=False, restricted=True, suppresses=0), False),
        (SOME, False),
        (Rule(4, 90, 0, False, action=2, target=32766), True),
        (Rule(4, 90, 0, False, action=2, target=95), False),
        (Rule(4, 90, 0, False, action=3), False),
    ],
    ids=["main", "a subnet", "another address", "without its default", "some packets", "goto main", "goto", "nop"],
)
def test_what_main_says_then_is_known(rule: Rule, overruled: bool) -> None:
    """Today it has no default at all."""
    found = predicted(rule, NOWHERE, 0)
    assert [one.rule for one in found] == ([rule] if overruled else [])
    assert predicted(rule, NOWHERE, 0, main=("default via 11.8.0.1 dev eth1",)) == []


def test_a_route_of_main_that_drops() -> None:
    (conflict,) = predicted(MAIN, BY_ETH0, 254, main=("unreachable default",))
    assert conflict.answer is not None
    assert (conflict.answer.ifindex, conflict.answer.table) == (0, 254)


def test_what_drops_today_drops_then() -> None:
    """Where the kernel names no table, it is a rule that drops, or the table of one that does."""
    prohibit = Rule(4, 5, 0, False, among=parse_prefix("11.8.0.0/24"), action=8)
    assert [one.rule for one in predicted(prohibit, NOWHERE, 0)] == [prohibit]
    assert [one.rule for one in predicted(TABLE, NOWHERE, 0, others=["prohibit 203.0.113.0/24"])] == [TABLE]
    assert predicted(TABLE, NOWHERE, 0, others=["throw 203.0.113.0/24"]) == []
    assert predicted(TABLE, NOWHERE, 0) == []
