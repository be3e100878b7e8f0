"""What a pass would change, as a unified diff."""

from __future__ import annotations

from typing import List

from guest_routes.model.report import Report
from guest_routes.model.settings import Settings
from guest_routes.output.pictures.diff import diff_lines
from guest_routes.routing.decide import decide
from tests.support.reports import BOTH_DEFAULTS, IN_PLACE, NICS, evidence, report
from tests.support.situations import with_tables

SOURCE = Settings(source_routing=True)


def by_source(kernel: str = BOTH_DEFAULTS, settings: Settings = SOURCE) -> Report:
    found = with_tables(evidence("documented", kernel))
    return Report(found, decide(found, settings), found.kernel)


def test_a_pass_that_changes_something() -> None:
    assert diff_lines(report(), 254) == [
        "--- ip -4 route",
        "+++ ip -4 route, after the pass",
        "@@ -1,4 +1,4 @@",
        " default via 10.65.0.1 dev eth0 proto static",
        "-default via 11.8.0.1 dev eth1 proto static",
        " 10.65.0.0/24 dev eth0 proto kernel scope link src 10.65.0.7",
        " 11.8.0.0/24 dev eth1 proto kernel scope link src 11.8.0.9",
        "+11.11.0.0/16 via 11.8.0.1 dev eth1 proto guest-routes",
    ]


def test_nothing_where_nothing_changes() -> None:
    assert diff_lines(report(kernel=IN_PLACE), 254) == []


def test_another_table_is_named() -> None:
    settings = Settings(table=100)
    found = report(kernel=NICS, settings=settings)
    assert diff_lines(found, 100)[0] == "--- ip -4 route show table 100"


def test_each_family_has_its_own() -> None:
    kernel = (
        "nic eth0 fa:16:3e:00:00:01 10.65.0.7/24 fd00:65::7/64\nnic eth1 fa:16:3e:00:00:02 11.8.0.9/24 fd00:8::9/64\n"
    )
    heads = [line for line in diff_lines(report("dual-stack", kernel), 254) if line.startswith("---")]
    assert heads == ["--- ip -4 route", "--- ip -6 route"]


def sections(lines: List[str]) -> List[str]:
    return [line[4:] for line in lines if line.startswith("---")]


def test_tables_and_rules_of_source_routing_are_in_it() -> None:
    lines = diff_lines(by_source(), 254)
    assert sections(lines) == [
        "ip -4 route",
        "ip -4 route show table 12102",
        "ip -4 route show table 12103",
        "ip -4 rule",
    ]
    assert "+from 11.8.0.9 lookup 12103 priority 32765 proto guest-routes" in lines


def test_source_routing_that_is_in_place_has_no_diff_and_one_that_goes_has() -> None:
    first = by_source()
    plan = first.decision.source_routing
    assert plan is not None
    state = first.before._replace(
        tables=tuple(one.route for one in plan.routes),
        rules=(*first.before.rules, *(one.rule for one in plan.rules)),
    )
    found = evidence("documented", BOTH_DEFAULTS)._replace(kernel=state)
    again = Report(found, decide(found, SOURCE), state)
    assert sections(diff_lines(again, 254)) == ["ip -4 route"]
    off = Report(found, decide(found, Settings()), state)
    lines = diff_lines(off, 254)
    assert sections(lines) == sections(diff_lines(first, 254))
    removed = [line for line in lines if line.startswith("-") and "proto guest-routes" in line]
    assert len(removed) == len(plan.routes) + len(plan.rules)
