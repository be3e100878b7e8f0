"""`explain --from` in words, for each way that a packet can be decided, and as JSON."""

from __future__ import annotations

import pytest

from guest_routes.diagnose.explain_source import explain_source
from guest_routes.model.diagnosis.source_explanation import SourceExplanation
from guest_routes.model.network import Lookup, Rule, parse_address, parse_prefix
from guest_routes.model.report import Report
from guest_routes.model.settings import Settings
from guest_routes.model.source_routing import SourceConflict, SourceRoutingOutcome
from guest_routes.output.diagnosis.source_explanation import (
    source_explanation_json,
    source_explanation_lines,
    source_reason,
)
from guest_routes.output.folding import laid_out
from guest_routes.routing.decide import decide
from tests.support.reports import ETH1 as NIC1
from tests.support.reports import NICS, assert_fits, assert_valid, evidence, route

KERNEL = f"""{NICS}nic docker0 02:42:00:00:00:01 172.17.0.1/16
default via 10.65.0.1 dev eth0 proto static
10.9.0.0/16 via 11.8.0.50 dev eth1 proto static
10.7.0.0/16 nexthop via 10.65.0.50 dev eth0 nexthop via 172.17.0.9 dev docker0
10.8.0.0/16 nexthop via 11.8.0.51 dev eth1 nexthop via 11.8.0.52 dev eth1
"""
ETH0, ETH1, DOCKER = 2, 3, 4


def explained(
    asked: str,
    source: str,
    answer: tuple[int, str],
    on: bool = True,
    in_place: bool = True,
    kernel: str = KERNEL,
    others: str = "",
    overruled: tuple[SourceConflict, ...] = (),
    error: str = "",
) -> SourceExplanation:
    """What is said of a packet.

    Args:
        answer: the kernel's, as NIC and gateway.
        others: another program's route in eth1's table.
        overruled: what the kernel's lookups of the pass found.
        error: why the kernel gives no way.
    """
    found = evidence("documented", kernel)
    foreign = (route(others)._replace(table=12103),) if others else ()
    found = found._replace(kernel=found.kernel._replace(tables=foreign))
    plan = decide(found, Settings(source_routing=True)).source_routing
    assert plan is not None
    if in_place:
        in_force = (*found.kernel.rules, *(one.rule for one in plan.rules))
        found = found._replace(
            kernel=found.kernel._replace(tables=(*foreign, *(one.route for one in plan.routes)), rules=in_force)
        )
    if not on:
        found = found._replace(kernel=found.kernel._replace(tables=None))
    report = Report(found, decide(found, Settings(source_routing=on)), found.kernel)
    report = report._replace(source_outcome=SourceRoutingOutcome(overruled=overruled))
    nic, gateway = answer
    given = Lookup(parse_address(asked), nic, parse_address(gateway) if gateway else None, 12103, error)
    return explain_source(parse_prefix(asked), parse_address(source), report, given)


def unfolded(one: SourceExplanation) -> str:
    """The whole text on one line."""
    return " ".join(" ".join(source_explanation_lines(one)).split())


@pytest.mark.parametrize(
    "asked, source, answer, headline, reason",
    [
        ("203.0.113.9", "11.8.0.9", (ETH1, "11.8.0.1"), "203.0.113.9 from 11.8.0.9 should leave by eth1, via 11.8.0.1",
         "no route of the main table leads there through eth1, so eth1's gateway does"),
        ("10.9.0.1", "11.8.0.9", (ETH1, "11.8.0.50"), "10.9.0.1 from 11.8.0.9 should leave by eth1, via 11.8.0.50",
         "a route of the main table leads there through eth1"),
        ("10.8.0.1", "11.8.0.9", (ETH1, "11.8.0.52"), "10.8.0.1 from 11.8.0.9 should leave by eth1, via 11.8.0.52",
         "a route of the main table leads there through eth1"),
        ("11.8.0.77", "11.8.0.9", (ETH1, ""), "11.8.0.77 from 11.8.0.9 should leave by eth1",
         "a route of the main table leads there through eth1"),
        ("10.7.0.1", "11.8.0.9", (DOCKER, "172.17.0.9"),
         "10.7.0.1 from 11.8.0.9 should leave by docker0, via 172.17.0.9",
         "the main table's route leads through eth0 and docker0, and the metadata doesn't describe docker0; so it "
         "decides about this packet, too"),
        ("172.17.0.5", "11.8.0.9", (DOCKER, ""), "172.17.0.5 from 11.8.0.9 should leave by docker0",
         "the main table sends it through docker0, which the metadata doesn't describe, and so this packet"),
    ],
)  # fmt: skip
def test_by_the_table_of_the_address(
    asked: str, source: str, answer: tuple[int, str], headline: str, reason: str
) -> None:
    one = explained(asked, source, answer)
    lines = laid_out(source_explanation_lines(one))
    assert_fits(lines)
    assert (lines[0], source_reason(one), one.as_wanted, one.in_place) == (headline, reason, True, True)
    assert "  rule       from 11.8.0.9 lookup 12103 priority 32765 proto guest-routes" in lines
    assert "  state      in place" in lines
    assert "(as wanted)" in lines[-3]
    value = source_explanation_json(one)
    assert_valid("explain", value)
    assert (value["exit_code"], value["nic"], value["table"], value["in_place"]) == (0, "eth1", 12103, True)


def test_not_there_yet() -> None:
    one = explained("203.0.113.9", "11.8.0.9", (ETH0, "10.65.0.1"), in_place=False)
    text = unfolded(one)
    assert "not there yet; `guest-routes sync` adds it" in text
    assert "(NOT as wanted; `guest-routes sync` fixes it)" in text
    assert source_explanation_json(one)["exit_code"] == 1


@pytest.mark.parametrize("in_place", [True, False])
def test_a_nic_that_can_have_no_table_says_why(in_place: bool) -> None:
    taken = "198.51.100.0/24 via 11.8.0.1 dev eth1 proto static"
    one = explained("203.0.113.9", "11.8.0.9", (ETH0, "10.65.0.1"), in_place=in_place, others=taken)
    reason = source_reason(one)
    assert "no source routing for eth1: table 12103 is used by another program (route 198.51.100.0/24" in reason
    assert "set `source_routing_table` to a number" in reason
    assert "(as main says, not by source routing)" in unfolded(one)
    value = source_explanation_json(one)
    assert (value["exit_code"], value["as_wanted"], value["table"]) == (1, True, None)
    assert_valid("explain", value)
    other = explained("203.0.113.9", "10.65.0.7", (ETH0, "10.65.0.1"), others=taken)
    assert (other.conflict, other.exit_code) == (None, 0)


def test_the_rule_that_decides_before_ours_is_named() -> None:
    first = Rule(4, 100, 254, True)
    answer = Lookup(parse_address("203.0.113.9"), ETH0)
    found = SourceConflict(
        "overruled", NIC1, 12103, rule=first, address=parse_address("11.8.0.9"), answer=answer
    )  # fmt: skip
    one = explained("203.0.113.9", "11.8.0.9", (ETH0, "10.65.0.1"), overruled=(found,))
    assert (
        "(NOT as wanted: the rule of the main table comes first: from all lookup main priority 100; "
        "`source_routing_priority` below 100 puts ours before it)"
    ) in unfolded(one)
    second = explained(
        "203.0.113.9", "11.8.0.9", (ETH0, "10.65.0.1"), overruled=(found._replace(address=parse_address("11.8.0.8")),)
    )
    assert "another program's rule or route decides; see `ip rule`" in unfolded(second)


def test_another_programs_route_in_the_table_is_named() -> None:
    added = route("203.0.113.0/24 via 11.8.0.77 dev eth1 proto static")._replace(table=12103)
    found = SourceConflict("foreign-route", NIC1, 12103, route=added)
    one = explained("203.0.113.9", "11.8.0.9", (ETH1, "11.8.0.77"), overruled=(found,))
    assert "NOT as wanted: another program has added a route to eth1's table 12103" in unfolded(one)
    six = found._replace(route=route("2001:db8::/32 via fd00:8::77 dev eth1 proto static"))
    one = explained("203.0.113.9", "11.8.0.9", (ETH0, "10.65.0.1"), overruled=(six,))
    assert one.conflict is None


def test_an_address_that_the_machine_does_not_have() -> None:
    one = explained("203.0.113.9", "11.8.0.99", (0, ""), error="Network is unreachable")
    lines = source_explanation_lines(one)
    assert lines[0] == "203.0.113.9 from 11.8.0.99: this machine sends no such packet"
    assert "(11.8.0.99 is not an address of this machine)" in unfolded(one)
    assert not [line for line in lines if line.startswith(("  route", "  why"))]
    assert one.exit_code == 1


def test_another_rule_decides() -> None:
    one = explained("203.0.113.9", "11.8.0.9", (ETH0, "10.65.0.1"))
    assert "NOT as wanted: another program's rule or route decides" in unfolded(one)


def test_off_it_is_main_that_decides() -> None:
    one = explained("203.0.113.9", "11.8.0.9", (ETH0, "10.65.0.1"), on=False)
    assert (one.table, one.as_wanted) == (None, True)
    assert source_reason(one).startswith(
        "source routing is off (`source_routing: true` turns it on); so the main table"
    )
    assert_valid("explain", source_explanation_json(one))


def test_addresses_without_a_table() -> None:
    nobody = explained("203.0.113.9", "192.0.2.1", (ETH0, "10.65.0.1"))
    assert "192.0.2.1, of no NIC here" in "\n".join(source_explanation_lines(nobody))
    assert source_reason(nobody).startswith("no NIC has the address")
    docker = explained("203.0.113.9", "172.17.0.1", (ETH0, "10.65.0.1"))
    assert source_reason(docker).startswith("this address has no rule: the metadata doesn't describe docker0; so the")


def test_this_machine_itself_and_nowhere() -> None:
    own = explained("10.65.0.7", "11.8.0.9", (1, ""))
    lines = source_explanation_lines(own)
    assert lines[0] == "10.65.0.7 from 11.8.0.9: this machine's own address"
    assert "(this machine itself)" in lines[-3]
    lost = explained("203.0.113.9", "192.0.2.1", (0, ""), kernel="nic eth9 fa:16:3e:00:00:09", in_place=False)
    assert (lost.expected, lost.as_wanted) == (None, False)
    assert source_explanation_lines(lost)[0] == "203.0.113.9 from 192.0.2.1: nothing decides"
    assert_valid("explain", source_explanation_json(lost))


def test_a_prefix_is_shown_as_one() -> None:
    one = explained("203.0.113.9", "11.8.0.9", (ETH1, "11.8.0.1"))
    asked = one._replace(by_main=one.by_main._replace(asked=parse_prefix("203.0.113.0/24")))
    assert source_explanation_lines(asked)[0].startswith("203.0.113.0/24 from 11.8.0.9 should leave by eth1")
