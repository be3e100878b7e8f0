"""Source routing in words: rules as `ip rule` takes them, each conflict with what to do, and JSON by its schema."""

from __future__ import annotations

import errno
from typing import Any, Optional

import pytest

from guest_routes.model.diagnosis.comparison import Comparison
from guest_routes.model.diagnosis.status import Status
from guest_routes.model.network import Lookup, Rule, parse_address, parse_prefix
from guest_routes.model.operations import Outcome
from guest_routes.model.plan import Plan
from guest_routes.model.report import Report, Withdrawal
from guest_routes.model.settings import Settings
from guest_routes.model.source_routing import (
    AddRule,
    RemoveRoute,
    RemoveRule,
    SetRoute,
    SourceConflict,
    SourceFailure,
    SourceRoutingOutcome,
    TableRouteKey,
    rule_key,
)
from guest_routes.output.diagnosis.status import status_json as shown_json
from guest_routes.output.diagnosis.status import status_lines
from guest_routes.output.folding import laid_out
from guest_routes.output.json_documents import report_json, withdrawal_json
from guest_routes.output.report import report_lines, withdrawal_lines
from guest_routes.output.rule_text import rule_text
from guest_routes.output.service_log import contested_name, contested_text
from guest_routes.output.source_routing import (
    conflict_text,
    is_source_removal,
    remark_texts,
    source_error_texts,
    source_failure_text,
    source_text,
)
from guest_routes.output.summary import last_pass_json, summary
from guest_routes.routing.decide import decide
from tests.support.reports import BOTH_DEFAULTS, ETH0, ETH1, assert_fits, assert_valid, evidence, report, route
from tests.unit.output.diagnosis.test_status import last_pass

NICS = (ETH0, ETH1)
OWN = Rule(4, 32765, 12103, False, 121, parse_prefix("11.8.0.9/32"))
VPN = Rule(4, 32764, 51820, False, 3, restricted=True)
PREFIX = parse_prefix("11.8.0.0/24")
ON = Settings(source_routing=True)


def made(outcome: Optional[SourceRoutingOutcome] = None, kernel: str = BOTH_DEFAULTS, **more: Any) -> Report:
    """The documented pass with source routing."""
    found = evidence("wrong-subnet", kernel)
    found = found._replace(kernel=found.kernel._replace(tables=(), **more))
    return Report(found, decide(found, ON), found.kernel, source_outcome=outcome)


def test_operations() -> None:
    one = route("11.8.0.0/24 dev eth1 proto guest-routes")._replace(table=12103)
    said = {type(op).__name__: (source_text(op, NICS), is_source_removal(op)) for op in (
        SetRoute(one), RemoveRoute(one), AddRule(OWN), RemoveRule(OWN)
    )}  # fmt: skip
    text = "11.8.0.0/24 dev eth1 table 12103 proto guest-routes"
    assert said == {
        "SetRoute": (text, False), "RemoveRoute": (text, True),
        "AddRule": (f"rule {rule_text(OWN)}", False), "RemoveRule": (f"rule {rule_text(OWN)}", True),
    }  # fmt: skip


def test_what_a_conflict_is_about() -> None:
    assert contested_name(rule_key(OWN)) == f"the rule {rule_text(OWN._replace(protocol=0))}"
    key = TableRouteKey(12103, parse_prefix("11.8.0.0/24"), 0)
    assert contested_name(key) == contested_text(key) == "the route to 11.8.0.0/24 in table 12103"


ADDRESS = parse_address("11.8.0.9")
LOCAL, MAIN = Rule(4, 32765, 255, True), Rule(4, 1, 254, True)
CONFLICTS = [
    (SourceConflict("table-in-use", ETH1, 12103, route=route("10.9.0.0/16 via 11.8.0.50 dev eth1")),
     "no source routing for eth1: table 12103 is used by another program (route 10.9.0.0/16 via 11.8.0.50"),
    (SourceConflict("table-in-use", ETH1, 12103, rule=VPN), "by another program (rule from all (of some packets)"),
    (SourceConflict("foreign-route", ETH1, 12103, route=route("10.9.0.0/16 via 11.8.0.50 dev eth1")),
     "another program has added a route to eth1's table 12103, and it may decide there: 10.9.0.0/16"),
    (SourceConflict("foreign-route", ETH1, 12103, route=route("default via 11.8.0.7 dev eth1"),
                    instead=route("default via 11.8.0.1 dev eth1")),
     "another program's route stands in place of ours in eth1's table 12103: default via 11.8.0.7"),
    (SourceConflict("local-behind", ETH1, 12103, rule=LOCAL),
     "no source routing for eth1: packets to this machine's own addresses would leave it; this rule comes later: from "
     "all lookup local priority 32765"),
    (SourceConflict("shared-address", ETH1, 12103, address=ADDRESS, other=ETH0), "of both eth0 and eth1: packets that"),
    (SourceConflict("overruled", ETH1, 12103, rule=VPN, address=ADDRESS, answer=Lookup(ADDRESS, 2)),
     "leave by eth0, not by eth1; another program's rule comes first: from all (of some packets) lookup 51820"),
    (SourceConflict("overruled", ETH1, 12103, rule=VPN, address=ADDRESS, answer=Lookup(ADDRESS, 9)),
     "`source_routing_priority` below 32764 puts ours before it"),
    (SourceConflict("overruled", ETH1, 12103, address=ADDRESS, answer=Lookup(ADDRESS, 0, error="no way")),
     "leave nowhere (no way), not by eth1; see `ip rule`"),
    (SourceConflict("overruled", ETH1, 12103, rule=MAIN, address=ADDRESS, answer=Lookup(ADDRESS, 2)),
     "to 11.8.0.9 leave by eth0, not by eth1; the rule of the main table comes first: from all lookup main priority 1; "
     "give it a higher number (`ip rule`)"),
    (SourceConflict("overruled", ETH1, 12103, rule=VPN._replace(priority=50), local=LOCAL._replace(priority=100),
                    address=ADDRESS),
     "move the rule of the table local, of priority 100, to 0 (`ip rule add priority 0 lookup local`, then delete the "
     "other one); then `source_routing_priority` below 50 puts ours before it"),
    (SourceConflict("local-behind", ETH1, 12103, rule=LOCAL._replace(family=6)), "`ip -6 rule add priority 0 lookup"),
    (SourceConflict("overruled", ETH1, 12103, address=ADDRESS), "leave nowhere, not by eth1"),
    (SourceConflict("overruled", ETH1, 12103, address=ADDRESS, answer=Lookup(ADDRESS, 3, parse_address("11.8.0.1")),
                    instead=route("10.200.0.0/16 via 11.8.0.50 dev eth1")), "leave via 11.8.0.1, not via 11.8.0.50"),
    (SourceConflict("overruled", ETH1, 12103, address=ADDRESS, answer=Lookup(ADDRESS, 3),
                    instead=route("10.200.0.0/16 via 11.8.0.50 dev eth1")), "leave on link, not via 11.8.0.50"),
]  # fmt: skip


@pytest.mark.parametrize("conflict, words", CONFLICTS)
def test_conflicts(conflict: SourceConflict, words: str) -> None:
    assert words in conflict_text(conflict, NICS)


def test_failures() -> None:
    assert source_failure_text(SourceFailure(AddRule(OWN), errno.EPERM, "Operation not permitted"), NICS) == (
        f"cannot add rule {rule_text(OWN)}: Operation not permitted (EPERM); this needs root (CAP_NET_ADMIN)"
    )
    assert "cannot remove rule" in source_failure_text(SourceFailure(RemoveRule(OWN), 9999, "x"), NICS)


def test_what_failed_in_a_pass() -> None:
    assert list(source_error_texts(made())) == []
    refused = made(
        SourceRoutingOutcome(failures=(SourceFailure(AddRule(OWN), errno.EINVAL, "no"),), remaining=(AddRule(OWN),))
    )
    assert list(source_error_texts(refused)) == [
        f"cannot add rule {rule_text(OWN)}: no (EINVAL); source routing is incomplete"
    ]
    lacking = made(SourceRoutingOutcome(remaining=(AddRule(OWN), RemoveRule(OWN))))
    assert [one.partition(":")[0] for one in source_error_texts(lacking)] == [
        "missing after the pass", "still there after the pass"
    ]  # fmt: skip
    back = made(SourceRoutingOutcome(rolled_back=True))
    assert list(source_error_texts(back)) == [
        "source routing cut the way to the metadata service: its rules and tables were put back as they were"
    ]
    assert [one.exit_code for one in (refused, lacking, back, made())] == [1, 1, 1, 0]
    assert summary(refused).startswith("failed")


def test_of_many_remarks_the_first_are_shown() -> None:
    failures = tuple(SourceFailure(AddRule(OWN), errno.EINVAL, f"no {number}") for number in range(1000))
    texts = remark_texts(made(SourceRoutingOutcome(failures=failures)))
    assert (len(texts), texts[-1]) == (13, "... and 988 more errors of source routing; --json has all")
    assert remark_texts(made()) == []


def test_a_report_has_rules_before_routes_and_says_as_of_when() -> None:
    found = made()
    lines = laid_out(report_lines(found))
    assert_fits(lines)
    text = "\n".join(lines)
    assert text.index("+ rule from 11.8.0.9") < text.index("+ 11.8.0.0/24 dev eth1 table 12103")
    assert "? source routing, as of now" in text
    assert "? source routing" not in "\n".join(report_lines(found, written=False))
    assert "6 changes for source routing" in " ".join(" ".join(lines[-2:]).split())
    assert_valid("sync", {**report_json(found, "sync"), "exit_code": 0})


def test_a_report_of_what_is_in_place() -> None:
    plan = decide(made().evidence, ON).source_routing
    assert plan is not None
    rules = (*made().before.rules, *(one.rule for one in plan.rules))
    found = made(rules=rules)
    present = tuple(one.route for one in plan.routes)
    quiet = found.evidence._replace(kernel=found.before._replace(tables=present))
    standing = Report(quiet, decide(quiet, ON), quiet.kernel)
    verbose = "\n".join(report_lines(standing, verbose=True))
    assert "= from 11.8.0.9 lookup 12103" in verbose
    assert "packets that carry an IPv4 address of eth1 leave by eth1" in " ".join(verbose.split())
    assert summary(standing).endswith("source routing by 2 NICs")
    off = Report(quiet, decide(quiet, Settings()), quiet.kernel)
    assert "- rule from 11.8.0.9 lookup 12103" in "\n".join(report_lines(off))


def test_conflicts_stand_in_a_report_and_make_it_5() -> None:
    (conflict,) = (one for one, _ in CONFLICTS if one.kind == "shared-address")
    found = made(SourceRoutingOutcome(overruled=(conflict,)))
    assert found.exit_code == 5
    assert "! source routing" in report_lines(found)
    value = report_json(found, "sync")
    assert value["source_routing"]["conflicts"] == [{"kind": "shared-address", "text": conflict_text(conflict, NICS)}]
    assert last_pass_json(found, 1.0)["source_routing"]["conflicts"] == [conflict_text(conflict, NICS)]


def test_verbose_shows_every_change_of_it() -> None:
    plan = made().decision.source_routing
    assert plan is not None
    drifted = status(Comparison(by_source=plan._replace(rules=(AddRule(OWN),) * 20)), *(OWN,) * 20)
    folded, whole = status_lines(drifted), status_lines(drifted, verbose=True)
    assert [line for line in folded if line.endswith("--verbose shows all")] == [
        "= ... and 8 more; --verbose shows all", "+ ... and 12 more; --verbose shows all"
    ]  # fmt: skip
    assert not [line for line in whole if "--verbose" in line]
    assert (whole.count(f"= {rule_text(OWN)}"), whole.count(f"+ rule {rule_text(OWN)}")) == (20, 20)


def test_off_there_is_nothing_to_say() -> None:
    plain = report()
    assert report_json(plain, "sync")["source_routing"] is None
    assert last_pass_json(plain, 1.0)["source_routing"] is None


def status(comparison: Comparison, *rules: Rule) -> Status:
    return Status(last_pass(), report().before, (), comparison, {}, 100.0, own_rules=rules)


def test_status() -> None:
    plan = made().decision.source_routing
    drifted = status(Comparison(by_source=plan), OWN)
    lines = laid_out(status_lines(drifted))
    assert "rules        1 rule of ours for source routing:" in lines
    assert "drift        6 changes needed for source routing; `guest-routes sync` makes them" in lines
    off = laid_out(status_lines(drifted._replace(enabled=False)))
    assert "drift        6 changes needed for source routing; no pass makes them" in off
    assert drifted.exit_code == 1
    held = status(Comparison(source_conflicts=(CONFLICTS[3][0],)), OWN)
    assert (held.exit_code, "! source routing" in status_lines(held)) == (5, True)
    assert_valid("status", {**shown_json(drifted), "exit_code": 1})
    none = status(Comparison())
    assert shown_json(none)["source_routing"] is None
    assert shown_json(status(Comparison(), OWN))["source_routing"] is not None
    unknown = drifted._replace(compared="no metadata")
    assert (unknown.comparison.source_drift, unknown.comparison.source_conflicts) == ((), ())


def test_withdrawn() -> None:
    done = Withdrawal(
        Plan(), Outcome(), report().before, report().before, (), (), SourceRoutingOutcome((RemoveRule(OWN),))
    )
    lines = withdrawal_lines(done)
    assert (f"- rule {rule_text(OWN)}" in lines, lines[-1]) == (
        True,
        "withdrawn: 0 routes, 1 change for source routing",
    )
    assert_valid("withdraw", withdrawal_json(done))
    assert done.exit_code == 0
    failed = done._replace(
        source_outcome=SourceRoutingOutcome(failures=(SourceFailure(RemoveRule(OWN), errno.EPERM, "no"),))
    )
    assert (failed.exit_code, len(withdrawal_json(failed)["source_routing"]["errors"])) == (1, 1)
