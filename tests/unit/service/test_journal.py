"""What the journal logs once, what again, and what `status` and systemd are told meanwhile."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import List, Sequence, Tuple

import pytest

from guest_routes.clocks import seconds_awake
from guest_routes.errors import KernelError, LockError
from guest_routes.model.diagnosis.status import Actor, Change, RouteKey, SourceChange
from guest_routes.model.network import Route, Rule, parse_address, parse_prefix
from guest_routes.model.plan import Suspicion
from guest_routes.model.settings import Settings
from guest_routes.model.source_routing import (
    AddRule,
    SetRoute,
    SourceConflict,
    SourceFailure,
    SourceRoutingOutcome,
    TableRouteKey,
    key_of,
)
from guest_routes.service.conflicts import Conflict
from guest_routes.service.error_kind import ErrorKind
from guest_routes.service.journal import CONFLICTS_SHOWN, ERRORS_SHOWN, OVERDUE_SECONDS, SHOWN, Journal
from guest_routes.service.sd_notify import Notifier
from guest_routes.state.store import State
from tests.support.journal import KERNEL, Bench

HOST = parse_prefix("11.11.0.0/16")
DHCLIENT = Actor("dhclient", 812)
KEY = RouteKey(HOST, parse_address("11.8.0.1"), 3, 0, 121)
REASON = "networks[1].routes[1]: 11.8.0.1 is eth1's gateway (networks[1].routes[0])"
LOCKED = ErrorKind(LockError)


def texts(lines: Sequence[Tuple[str, str]]) -> List[str]:
    return [text for _, text in lines]


# ---- passes -----------------------------------------------------------------------------------------


def test_each_change_is_a_line_with_its_reason(bench: Bench) -> None:
    report = bench.report()
    changes = [Change(DHCLIENT, KEY, True) if one.route.destination == HOST else None for one in report.outcome.done]
    bench.journal.changes(report.outcome.done, report.after.nics, changes)
    lines = bench.logged()
    assert [level for level, _ in lines] == ["info"] * len(report.outcome.done) == ["info", "info"]
    (host,) = (text for text in texts(lines) if "11.11.0.0/16" in text)
    added = "added 11.11.0.0/16 via 11.8.0.1 dev eth1 proto guest-routes"
    assert host == f"{added}: deleted by dhclient (pid 812); {REASON}"


def test_many_changes_are_few_lines(bench: Bench) -> None:
    report = bench.report(more_routes=40)
    count = len(report.outcome.done)
    bench.journal.changes(report.outcome.done, report.after.nics, [None] * count)
    lines = texts(bench.logged())
    assert len(lines) == SHOWN + 1 and lines[-1] == f"... and {count - SHOWN} more changes"


def test_what_holds_is_logged_once(bench: Bench) -> None:
    """Without eth1 its route can't be programmed: said on the transition, and again when it holds again."""
    without_eth1, whole = bench.report(KERNEL.splitlines()[0]), bench.report()
    bench.journal.outcome(without_eth1)
    ((level, text),) = bench.logged()
    assert level == "warning" and text.startswith("not programmed: 11.11.0.0/16,11.8.0.1")
    bench.journal.outcome(without_eth1)
    assert bench.logged() == []
    bench.journal.outcome(whole)
    assert bench.logged() == [("info", f"no longer so: {text}")]
    bench.journal.outcome(whole)
    assert bench.logged() == []
    bench.journal.outcome(without_eth1)
    assert bench.logged() == [(level, text)]


def test_lines_that_no_longer_hold_are_one_line_and_errors_end_without(bench: Bench) -> None:
    bench.journal.hold("warning", "source-conflicts", "a", "b", "c", lines=["a; added by ip", "b", "c"])
    bench.journal.hold("error", "errors", "d")
    assert texts(bench.logged()) == ["a; added by ip", "b", "c", "d"]
    bench.journal.hold("warning", "source-conflicts", "a", lines=["a; added by nft"])
    bench.journal.hold("error", "errors")
    assert bench.logged() == [("info", "no longer so: b; nor 1 more line")]


def test_many_refusals_of_source_routing_are_few_lines(bench: Bench) -> None:
    """Without CAP_NET_ADMIN the kernel refuses each rule and route of each NIC."""
    rules = (AddRule(Rule(4, 32765, 12100 + one, False, source=parse_prefix("11.8.0.9/32"))) for one in range(99))
    outcome = SourceRoutingOutcome(failures=tuple(SourceFailure(one, 1, "Operation not permitted") for one in rules))
    bench.journal.source_routing(bench.report()._replace(source_outcome=outcome), [], [])
    assert [level for level, _ in bench.logged()] == ["error"] * ERRORS_SHOWN


def test_who_added_a_route_to_a_nic_s_table_is_remembered_while_it_stands(bench: Bench) -> None:
    theirs = Route(parse_prefix("0.0.0.0/0"), parse_address("11.8.0.50"), 3, 1024, 4, 12103)
    report, made = bench.report(), SourceChange(Actor("ip", 50), TableRouteKey(12103, theirs.destination, 1024), False)
    conflict = SourceConflict("foreign-route", report.before.nics[1], 12103, route=theirs)
    standing = report._replace(source_outcome=SourceRoutingOutcome(overruled=(conflict,)))
    known = {"route": "default via 11.8.0.50 dev eth1 table 12103 proto static metric 1024", "actor": "ip (pid 50)"}
    for changes, lines in (([made], 1), ([None], 0), ([None], 0)):
        bench.journal.source_routing(standing, [], changes)
        assert [text.endswith("; added by ip (pid 50)") for text in texts(bench.logged())] == [True] * lines
        bench.journal.publish()
        assert bench.record["foreign_routes"] == [known]
    bench.journal.source_routing(report, [], [])
    bench.journal.publish()
    assert bench.record["foreign_routes"] == []


def test_only_changes_have_fields(bench: Bench) -> None:
    report = bench.report()
    bench.journal.info("a line")
    bench.journal.outcome(bench.report(KERNEL.splitlines()[0]))
    assert bench.fields == []
    bench.journal.changes(report.outcome.done, report.before.nics, [None] * len(report.outcome.done))
    assert ("GUEST_ROUTES_DESTINATION=11.11.0.0/16", "GUEST_ROUTES_NIC=eth1") in bench.fields


def test_the_routes_of_source_routing_have_fields_and_its_rules_their_actor(bench: Bench) -> None:
    route = Route(parse_prefix("11.11.0.0/16"), parse_address("11.8.0.1"), 3, table=12103)
    rule = Rule(4, 32765, 12103, False, source=parse_prefix("11.8.0.9/32"))
    outcome = SourceRoutingOutcome((SetRoute(route), AddRule(rule)))
    report = bench.report()._replace(source_outcome=outcome)
    bench.journal.source_routing(report, [None, None], [])
    assert len(bench.logged()) == 2
    route_fields = ("GUEST_ROUTES_DESTINATION=11.11.0.0/16", "GUEST_ROUTES_NIC=eth1")
    assert bench.fields == [route_fields]
    changes = [SourceChange(Actor("ip", 50), key_of(one), True) for one in outcome.done]
    bench.journal.source_routing(report, changes, [])
    assert bench.fields[1:] == [(*route_fields, "GUEST_ROUTES_ACTOR=ip"), ("GUEST_ROUTES_ACTOR=ip",)]


def test_a_pass_that_left_something_out_is_published_as_degraded(bench: Bench) -> None:
    bench.journal.publish(bench.report(KERNEL.splitlines()[0]))
    published = [bench.journal.degraded]
    bench.journal.publish(bench.report())
    assert [*published, bench.journal.degraded] == [True, False]
    assert bench.state.read_status()["exit_code"] == 0


@pytest.mark.parametrize("again", [LOCKED, LOCKED._replace()])
def test_a_failure_is_logged_once_until_a_pass_is_made(bench: Bench, again: ErrorKind) -> None:
    bench.journal.pass_failed("cannot lock it: held by pid 7", LOCKED, 1.0)
    assert bench.logged() == [
        ("error", "cannot lock it: held by pid 7; retried in 1 s, then after longer pauses, up to 10 s")
    ]
    bench.journal.pass_failed("cannot lock it: held by pid 8 (guest-routes plan)", again, 2.0)
    assert bench.logged() == []
    assert bench.record["last_error"] == "cannot lock it: held by pid 8 (guest-routes plan)"
    assert bench.journal.degraded
    bench.journal.outcome(bench.report())
    assert bench.logged() == [("info", "passes succeed again")]
    assert (bench.record["last_error"], bench.record["passes"], bench.journal.degraded) == ("", 1, False)
    bench.journal.pass_failed("cannot lock it: held by pid 9", LOCKED, 1.0)
    assert len(bench.logged()) == 1


def test_two_failures_in_turn_are_logged_once_each(bench: Bench) -> None:
    """A lost engine, and a socket that can't be opened in its place: both come with every retry."""
    for _ in range(3):
        bench.journal.pass_failed("the kernel refused a dump", ErrorKind(KernelError, 9), 1.0)
        bench.journal.pass_failed("cannot open a netlink socket", ErrorKind(KernelError, 24), 1.0)
    assert len(bench.logged()) == 2


def test_a_withdrawal_is_logged_once_and_is_no_failure(bench: Bench) -> None:
    bench.journal.pass_failed("cannot lock it", LOCKED, 1.0)
    bench.logged()
    bench.journal.withdrawn("withdrawn by hand")
    bench.journal.withdrawn("withdrawn by hand")
    assert bench.logged() == [("info", "withdrawn by hand")]
    assert (bench.record["last_error"], bench.record["doing"], bench.journal.degraded) == (
        "",
        "withdrawn by hand",
        False,
    )
    bench.journal.outcome(bench.report())
    # "passes succeed again" would be news of a failure that was over already.
    assert bench.logged() == [("info", "no longer so: withdrawn by hand")]
    bench.journal.withdrawn("withdrawn by hand")
    assert bench.logged() == [("info", "withdrawn by hand")]


# ---- other programs ---------------------------------------------------------------------------------


def test_repairs_are_in_the_record(bench: Bench) -> None:
    report = bench.report()
    host = next(one for one in report.outcome.done if one.route.destination == HOST)
    bench.journal.read(3)
    bench.journal.repaired(host, Change(DHCLIENT, KEY, True), report.after.nics)
    record = bench.record
    (repair,) = record["recent"]
    assert (record["repairs"], record["events"]) == (1, 3)
    assert (repair["what"], repair["why"]) == ("added", f"deleted by dhclient (pid 812); {REASON}")
    assert repair["route"] == "11.11.0.0/16 via 11.8.0.1 dev eth1 proto guest-routes"
    assert bench.logged() == []


def test_a_conflict_is_logged_when_it_begins_and_when_it_ends(bench: Bench) -> None:
    begins = Conflict((0.0,) * 5, 5, DHCLIENT, 1)
    bench.journal.in_conflict([(HOST, begins, "edit dhclient.conf")])
    ((level, text),) = bench.logged()
    assert level == "warning" and text.startswith(
        "conflict: dhclient (pid 812) changed the route to 11.11.0.0/16 5 times"
    )
    assert text.endswith("remedy: edit dhclient.conf")
    bench.journal.in_conflict([(HOST, begins._replace(rounds=2, total=6), "edit dhclient.conf")])
    assert bench.logged() == []
    (conflict,) = bench.record["conflicts"]
    assert (conflict["destination"], conflict["times"], conflict["actor"]) == ("11.11.0.0/16", 6, "dhclient (pid 812)")
    bench.journal.resolved([HOST])
    assert texts(bench.logged()) == ["conflict over: nobody has changed the route to 11.11.0.0/16 for 120 s"]
    assert bench.record["conflicts"] == []


def test_many_conflicts_at_once_are_few_lines(bench: Bench) -> None:
    begins = Conflict((0.0,) * 5, 5, DHCLIENT, 1)
    many = [(parse_prefix(f"198.51.{number}.0/24"), begins, "remedy") for number in range(CONFLICTS_SHOWN + 2)]
    bench.journal.in_conflict(many)
    lines = texts(bench.logged())
    assert len(lines) == CONFLICTS_SHOWN + 1 and lines[-1] == "... and 2 more conflicts that began at the same time"
    assert len(bench.record["conflicts"]) == CONFLICTS_SHOWN + 2


# ---- metadata ---------------------------------------------------------------------------------------


def test_failed_fetches_are_logged_once_and_counted(bench: Bench) -> None:
    bench.journal.fetch_failed("HTTP 500", 1.5, 300.0)
    first = bench.record
    bench.journal.fetch_failed("no answer within 2 s", 3.0, 300.0)
    ((level, text),) = bench.logged()
    assert (level, text) == (
        "warning",
        "no metadata: HTTP 500; the routes stay as they are; retried in 1.5 s, then after longer pauses, up to 5 min",
    )
    record = bench.record
    assert (record["failures"], record["failure"]) == (2, "no answer within 2 s")
    assert record["failing_since"] == pytest.approx(first["failing_since"], abs=0.01)
    assert 2 < record["next_refresh"] - first["next_refresh"] + 1.5 < 60
    bench.journal.fetched(300.0)
    bench.journal.fetched(300.0)
    (text,) = texts(bench.logged())
    assert text.startswith("the metadata is available again after ")
    record = bench.record
    assert (record["failures"], record["failure"], record["failing_since"]) == (0, "", 0)


def test_the_record_tells_until_when_it_is_renewed(bench: Bench) -> None:
    """By a clock that stands still in suspension; a service that makes no pass promises nothing."""
    bench.journal.uses(Settings(deadline_seconds=20.0))
    assert bench.record["overdue_from"] == 0
    bench.journal.fetched(300.0)
    assert bench.record["overdue_from"] == pytest.approx(seconds_awake() + 300 + 20 + OVERDUE_SECONDS, abs=5)
    bench.journal.fetch_failed("HTTP 500", 2.0, 300.0)
    assert bench.record["overdue_from"] == pytest.approx(seconds_awake() + 2 + 20 + OVERDUE_SECONDS, abs=5)
    bench.journal.uses(Settings(enabled=False))
    assert bench.record["overdue_from"] == 0


def test_a_partial_document_is_logged_once_while_it_is_set_aside(bench: Bench) -> None:
    suspicion = Suspicion("no-networks")
    for _ in range(2):
        bench.journal.refreshed(suspicion, set_aside=True)
    (text,) = texts(bench.logged())
    assert text.startswith("the document may be partial: it has no networks; ")
    assert (bench.record["partial_reason"], bench.record["refreshed"] > 0) == ("it has no networks", True)
    bench.journal.refreshed(None, set_aside=False)
    assert (bench.record["partial_reason"], bench.logged()) == ("", [])
    bench.journal.refreshed(suspicion, set_aside=False)  # a pass on it: `warnings` has it
    assert bench.logged() == []


# ---- where it can't be written -------------------------------------------------------------------------


def test_a_log_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    def full(level: str, text: str, fields: object) -> None:
        raise OSError(28, "No space left on device")

    state = State(str(tmp_path / "run"), str(tmp_path / "lib"))
    journal = Journal(state, full, Notifier({}))
    journal.info("a line")
    journal.pass_failed("cannot lock it", LOCKED, 1.0)
    journal.publish()
    assert state.read_service()["last_error"] == "cannot lock it"


def test_a_record_that_cannot_be_written_is_logged_once(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("a file where the directory should be")
    bench = Bench(tmp_path)
    bench.journal.publish()
    bench.journal.publish()
    ((level, text),) = bench.logged()
    assert level == "error" and text.startswith(f"cannot write {tmp_path}/run/service")


def test_a_systemd_that_takes_nothing_is_logged_once_until_it_does(tmp_path: Path) -> None:
    path = tmp_path / "notify"
    bench = Bench(tmp_path, Notifier({"NOTIFY_SOCKET": str(path)}))
    bench.journal.notify_systemd("READY=1")
    bench.journal.notify_systemd("WATCHDOG=1")
    assert texts(bench.logged()) == ["cannot notify systemd: No such file or directory; it may restart the service"]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(path))
        bench.journal.publish(doing="idle")
        assert listener.recv(1000).decode() == "STATUS=idle"
    path.unlink()
    bench.journal.notify_systemd("STOPPING=1")
    assert len(bench.logged()) == 1
