"""The lines of the service's log, as operators read them."""

from __future__ import annotations

from typing import Tuple

import pytest

from guest_routes.errors import SettingsError
from guest_routes.model.diagnosis.status import Actor, Change, ConflictRecord, Repair, RouteKey, StatusRecord
from guest_routes.model.network import NextHop, Nic, Route, parse_address, parse_prefix
from guest_routes.model.network_data import Problem
from guest_routes.model.operations import Add, Delete, Operation, Promote, RemoveForeignDefault
from guest_routes.model.plan import Suspicion
from guest_routes.output import service_log
from guest_routes.output.words.actors import actor_text

DHCLIENT = Actor("dhclient", 812)
HOST, DEFAULT, DEFAULT6 = map(parse_prefix, ("11.11.0.0/16", "0.0.0.0/0", "::/0"))
ROUTE = Route(HOST, parse_address("11.8.0.1"), 3)
KEY = RouteKey(HOST, ROUTE.gateway, 3, 0, 121)
NICS = (Nic(3, "eth1"),)
RECORD = StatusRecord(5, "", 0.0, doing="nothing to do: 2 routes in place")


@pytest.mark.parametrize("actor, text", [
    (Actor("kernel"), "the kernel"),
    (Actor(), "an unknown process"),
    (Actor(pid=77), "a process that has ended (pid 77)"),
    (DHCLIENT, "dhclient (pid 812)"),
    (Actor("ip", 5, ("bash",)), "ip (pid 5, started by bash)"),
    (Actor("ip", 5, ("bash", "sshd")), "ip (pid 5, started by bash under sshd)"),
])  # fmt: skip
def test_who_changed_a_route(actor: Actor, text: str) -> None:
    assert actor_text(actor) == text


@pytest.mark.parametrize("operation, change, text", [
    (Add(ROUTE), Change(DHCLIENT, KEY, True), "deleted by dhclient (pid 812)"),
    (Add(ROUTE), Change(DHCLIENT, KEY, False), "replaced by dhclient (pid 812)"),
    (Delete(ROUTE), Change(DHCLIENT, KEY, False), "added by dhclient (pid 812)"),
    (RemoveForeignDefault(ROUTE), Change(Actor("kernel"), KEY, False), "added by the kernel"),
    (Add(ROUTE._replace(metric=9)), Change(DHCLIENT, KEY, False), "dhclient (pid 812) added a route before it"),
    (Promote(ROUTE), Change(DHCLIENT, KEY, False), "dhclient (pid 812) added a route before it"),
    (Delete(ROUTE, "not-in-document"), Change(DHCLIENT, KEY, False),
     "added by dhclient (pid 812); nothing lists it any more"),
    (Delete(ROUTE, "not-in-document"), None, "nothing lists it any more"),
])  # fmt: skip
def test_why_a_route_was_changed(operation: Operation, change: Change, text: str) -> None:
    verb = "removed" if isinstance(operation, (Delete, RemoveForeignDefault)) else "added"
    assert service_log.change_reason(operation, change) == text
    metric = f" metric {operation.route.metric}" if operation.route.metric else ""
    line = f"{verb} 11.11.0.0/16 via 11.8.0.1 dev eth1 proto guest-routes{metric}: {text}"
    assert service_log.change_line(operation, change, NICS) == line


def test_fields_of_a_change() -> None:
    assert service_log.change_fields(ROUTE, DHCLIENT, NICS) == [
        ("GUEST_ROUTES_DESTINATION", "11.11.0.0/16"),
        ("GUEST_ROUTES_NIC", "eth1"),
        ("GUEST_ROUTES_ACTOR", "dhclient"),
    ]
    nobody = [("GUEST_ROUTES_DESTINATION", "11.11.0.0/16"), ("GUEST_ROUTES_NIC", "eth1")]
    assert service_log.change_fields(ROUTE, None, NICS) == nobody
    assert service_log.change_fields(ROUTE, Actor(pid=77), NICS) == nobody
    hops = ROUTE._replace(ifindex=0, gateway=None, nexthops=(NextHop(b"1234", 3), NextHop(b"1235", 4)))
    names = [
        value for name, value in service_log.change_fields(hops, None, (*NICS, Nic(4, "a\nb"))) if name.endswith("NIC")
    ]
    assert names == ["eth1", "a\\nb"]
    assert service_log.change_fields(ROUTE._replace(ifindex=99), None, NICS) == nobody[:1]


def test_fields_of_a_conflict() -> None:
    assert service_log.conflict_fields(DEFAULT6, Actor("kernel")) == [
        ("GUEST_ROUTES_DESTINATION", "::/0"),
        ("GUEST_ROUTES_ACTOR", "kernel"),
    ]


def test_what_is_not_listed_is_counted() -> None:
    assert service_log.more_changes_line(1) == "... and 1 more change"
    assert service_log.more_changes_line(1088) == "... and 1,088 more changes"
    assert service_log.more_conflicts_line(1) == "... and 1 more conflict that began at the same time"


def test_a_route_that_is_not_programmed() -> None:
    problem = Problem("networks[1].routes[0]", "no next hop")
    assert service_log.unprogrammed_line(problem, NICS) == "not programmed: networks[1].routes[0]: no next hop"


@pytest.mark.parametrize("pauses, text", [
    ((1.0, 60.0), "retried in 1 s, then after longer pauses, up to 60 s"),
    ((1.62, 300.0), "retried in 1.6 s, then after longer pauses, up to 5 min"),
    ((16.4, 60.0), "retried in 16 s, then after longer pauses, up to 60 s"),
    ((60.0, 60.0), "retried every 60 s"),
    ((2.0, 2.0), "retried every 2 s"),
    ((-0.1, 2.0), "retried in 0 s, then after longer pauses, up to 2 s"),
])  # fmt: skip
def test_a_failure_says_when_it_is_retried(pauses: Tuple[float, float], text: str) -> None:
    assert service_log.pass_failed_line("cannot lock it", *pauses) == f"cannot lock it; {text}"
    line = f"no metadata: HTTP 500; the routes stay as they are; {text}"
    assert service_log.no_metadata_line("HTTP 500", *pauses) == line


def test_a_bug_ends_with_its_traceback() -> None:
    assert service_log.bug_text("Traceback:\n  ...\nKeyError: 5\n") == (
        "this is a bug of guest-routes: Traceback:\n  ...\nKeyError: 5"
    )


@pytest.mark.parametrize("destination, name", [
    (HOST, "the route to 11.11.0.0/16"),
    (DEFAULT, "the default route"),
    (DEFAULT6, "the IPv6 default route"),
])  # fmt: skip
def test_a_conflict_from_its_beginning_to_its_end(destination: object, name: str) -> None:
    assert service_log.conflict_line(destination, DHCLIENT, 5, 30.0, 10.0, "edit dhclient.conf") == (  # type: ignore[arg-type]
        f"conflict: dhclient (pid 812) changed {name} 5 times within 30 s; its repairs now wait 1 s, then longer, "
        "up to 10 s; remedy: edit dhclient.conf"
    )
    over = service_log.resolved_line([destination], 3, 120.0)  # type: ignore[list-item]
    assert over == f"conflict over: nobody has changed {name} for 120 s"


def test_many_conflicts_end_in_one_line() -> None:
    assert service_log.resolved_line([HOST, DEFAULT, DEFAULT6], 2, 120.0) == (
        "conflict over: nobody has changed the route to 11.11.0.0/16, the default route and 1 more for 120 s"
    )


def test_the_metadata_goes_and_comes_back() -> None:
    assert service_log.metadata_back_line(725.0) == "the metadata is available again after 12 min"
    assert service_log.metadata_back_line(2.04) == "the metadata is available again after 2 s"
    assert service_log.set_aside_line(Suspicion("no-networks"), 3) == (
        "the document may be partial: it has no networks; the last known good one stays in force until 3 fetches in a "
        "row agree"
    )


@pytest.mark.parametrize("fault", ["late", "ended", "long-line", "invalid", "no-reason"])
def test_each_fault_of_the_child_has_words_of_its_own(fault: service_log.ChildFault) -> None:
    text = service_log.child_fault_text(fault)
    assert text.startswith("the child process that asks the metadata service ")
    others = {"late", "ended", "long-line", "invalid", "no-reason"} - {fault}
    assert text not in {service_log.child_fault_text(one) for one in others}  # type: ignore[arg-type]
    assert service_log.child_fault_text(fault, "TypeError") == f"{text} (TypeError)"


def test_refusals_of_the_system() -> None:
    refused = OSError(11, "Resource temporarily unavailable")
    assert service_log.no_child_text(refused) == (
        "cannot start a process to ask the metadata service: Resource temporarily unavailable"
    )
    assert service_log.systemd_line(refused) == (
        "cannot notify systemd: Resource temporarily unavailable; it may restart the service"
    )
    assert service_log.systemd_line(TimeoutError("timed out")) == (
        "cannot notify systemd: timed out; it may restart the service"
    )
    wrong = SettingsError("metricc: no such key")
    assert service_log.settings_kept_line(wrong, withdrawn=False) == (
        "the settings stay as they were: metricc: no such key"
    )
    assert service_log.settings_kept_line(wrong, withdrawn=True) == (
        "the settings stay as they were, and the routes withdrawn: metricc: no such key"
    )
    assert service_log.new_socket_line("the kernel's notifications ended") == (
        "the kernel's notifications ended; opened a new socket"
    )
    failed = service_log.child_failed_line(RuntimeError("out\x1b[2J\nof \ud800 luck"))
    assert failed == "guest-routes: a child process failed: RuntimeError: out\\x1b[2J\\nof \\ud800 luck\n"


@pytest.mark.parametrize("record, text", [
    (RECORD, "nothing to do: 2 routes in place"),
    (RECORD._replace(last_error="cannot lock it\nheld"), "cannot lock it held"),
    (RECORD._replace(partial_reason="x"), "nothing to do: 2 routes in place; the last document may be partial"),
    (RECORD._replace(failures=3, failing_since=900.0), "nothing to do: 2 routes in place; no metadata for 100 s"),
    (RECORD._replace(failures=3, failing_since=1100.0), "nothing to do: 2 routes in place; no metadata for 0 s"),
    (
        RECORD.repaired(Repair(1.0, "r", "added", "y")).in_conflict(ConflictRecord(1.0, "d", 5, "a", "r")),
        "nothing to do: 2 routes in place; 1 repair; 1 conflict",
    ),
])  # fmt: skip
def test_systemds_status_is_one_line(record: StatusRecord, text: str) -> None:
    assert service_log.status_line(record, 1000.0) == text
