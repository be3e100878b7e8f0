"""`status` for people and as JSON."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Tuple

import pytest

from guest_routes.model.diagnosis.comparison import Comparison
from guest_routes.model.diagnosis.status import ConflictRecord, Repair, Status, StatusRecord
from guest_routes.model.evidence import Elsewhere
from guest_routes.model.lease import Lease, LeaseSet
from guest_routes.model.network import parse_address
from guest_routes.model.operations import Delete
from guest_routes.model.settings import Settings
from guest_routes.output.diagnosis.status import live_lines, status_json, status_lines, unseen_text, waiting_text
from guest_routes.output.folding import laid_out
from guest_routes.output.summary import last_pass_json as pass_json
from guest_routes.routing.ownership import is_ours
from tests.support.reports import BOTH_DEFAULTS, IN_PLACE, assert_fits, assert_valid, report, route

NOW = 10_000.0
SERVICE = StatusRecord(pid=77, process_started="5", started=NOW - 7300, next_refresh=NOW + 250)
GONE = Delete(route("11.12.0.0/16 via 11.8.0.1 dev eth1 proto guest-routes"), "not-in-document")


def last_pass(**more: Any) -> Dict[str, Any]:
    return {**pass_json(report("wrong-subnet", IN_PLACE), NOW - 300), **more}


def status(**fields: Any) -> Status:
    state = report("wrong-subnet", IN_PLACE).before
    ours = tuple(one for one in state.routes if is_ours(one, Settings()))
    found: Dict[str, Any] = {
        "last": last_pass(), "state": state, "ours": ours, "compared": Comparison(), "failed": {}, "now": NOW
    }  # fmt: skip
    return Status(**{**found, **fields})


def lines_of(found: Status) -> List[str]:
    lines = laid_out(status_lines(found))
    assert_fits(lines)
    assert_valid("status", status_json(found))
    return lines


def test_all_is_in_place() -> None:
    assert lines_of(status()) == [
        "last pass    5 min ago: all in place",
        "metadata     http://169.254.169.254 through eth0, 5 min ago",
        "elected      default via 10.65.0.1 dev eth0 proto static",
        "service      not running",
        "our routes   1 in the table:",
        "= 11.11.0.0/16 via 11.8.0.1 dev eth1 proto guest-routes",
        "drift        none",
    ]
    value = status_json(status())
    assert (value["exit_code"], value["age_seconds"], value["service"]) == (0, 300.0, None)
    assert [one["text"] for one in value["ours"]] == ["11.11.0.0/16 via 11.8.0.1 dev eth1 proto guest-routes"]


def test_settings_that_keep_every_pass_from_running() -> None:
    shown = lines_of(status(settings_problems=("/etc/a.yaml: x: no such setting",)))
    assert shown[:2] == [
        "settings     wrong: /etc/a.yaml: x: no such setting",
        "             no pass runs until they are corrected",
    ]
    running = lines_of(status(settings_problems=("a: b",), service=SERVICE, service_runs=True))
    assert running[1:3] == [
        "             the service goes on with those that it has read; correct these,",
        "             then `systemctl reload guest-routes`",
    ]
    for idle in ({"service_runs": False}, {"withdrawn": True}, {"service": SERVICE._replace(enabled=False)}):
        found = status(**{"settings_problems": ("a: b",), "service": SERVICE, "service_runs": True, **idle})
        assert lines_of(found)[1] == shown[1]
    assert lines_of(status(enabled=False))[0] == "settings     disabled (`enabled: false`): no pass runs"
    assert "service      not running, but enabled" in lines_of(status(unit="enabled"))


def test_before_the_first_pass() -> None:
    found = status(last={}, ours=(), compared="none was kept")
    assert lines_of(found) == [
        "last pass    none yet; `guest-routes sync` runs one",
        "service      not running",
        "our routes   0 in the table",
        "drift        unknown: no document to compare with; none was kept",
    ]
    value = status_json(found)
    assert (value["last_pass"], value["age_seconds"], value["drift_unknown"]) == (None, None, "none was kept")


@pytest.mark.parametrize(
    "code, text",
    [
        (1, "failed"),
        (4, "no usable metadata"),
        (5, "done, but not everything is in effect"),
    ],
)
def test_how_the_last_pass_ended(code: int, text: str) -> None:
    assert status_lines(status(last=last_pass(exit_code=code)))[0] == f"last pass    5 min ago: {text}"


def test_a_pass_that_failed_since() -> None:
    error = "cannot find network_data.json; nothing was changed\n  http: eth0: no answer within 10 s"
    lines = lines_of(status(failed={"finished": NOW - 60, "exit_code": 4, "error": error}))
    assert lines[3:5] == [
        "failed       60 s ago: cannot find network_data.json; nothing was changed",
        "             http: eth0: no answer within 10 s",
    ]


def test_withdrawn_by_hand() -> None:
    text = " ".join(
        " ".join(
            lines_of(status(withdrawn=True, compared=Comparison((GONE,)), service=SERVICE, service_runs=True))
        ).split()
    )
    assert "withdrawn by hand: the service programs no routes; `guest-routes sync` programs them again" in text
    assert "drift 1 change needed; `guest-routes sync` makes it - 11.12.0.0/16 via 11.8.0.1 dev eth1" in text


@pytest.mark.parametrize("service", [None, SERVICE._replace(enabled=False)])
def test_drift_that_nobody_repairs_while_passes_are_switched_off(service: Optional[StatusRecord]) -> None:
    found = status(enabled=False, compared=Comparison((GONE,)), service=service, service_runs=service is not None)
    lines = lines_of(found)
    assert "drift        1 change needed; no pass makes it" in lines
    text = " ".join(" ".join(lines).split())
    assert "fetches the metadata again" not in text
    assert ("(pid 77); idle: the settings that it has read switch it off" in text) == (service is not None)
    assert status_json(found)["exit_code"] == 0


def test_a_service_that_has_not_read_the_settings() -> None:
    off = status(enabled=False, settings_unread=True, service=SERVICE, service_runs=True, compared=Comparison((GONE,)))
    shown = lines_of(off)
    text = " ".join(" ".join(shown).split())
    goes_on = "the service goes on with those that it has read; `systemctl reload guest-routes` ends that"
    assert f"settings disabled (`enabled: false`): {goes_on}" in text
    assert "drift        1 change needed; no pass by these settings makes it" in shown
    assert (status_json(off)["exit_code"], status_json(off)["settings_unread"]) == (1, True)
    assert waiting_text(off).startswith("waiting for `systemctl reload guest-routes`: the service goes on")
    other = status(settings_unread=True, service=SERVICE, service_runs=True, compared=Comparison((GONE,)))
    text = " ".join(" ".join(lines_of(other)).split())
    assert "settings other ones than the service goes by; `systemctl reload guest-routes` puts them in force" in text
    assert "drift 1 change needed; the service makes it after `systemctl reload guest-routes`" in text


def test_what_passes_with_other_settings_have_left() -> None:
    found = status(elsewhere=(Elsewhere(100, 121, 2),))
    text = " ".join(" ".join(lines_of(found)).split())
    (left,) = status_json(found)["left"]
    assert f"warning {left}" in text and left.startswith("table 100: 2 routes of protocol 121 left by a pass")


def test_what_needs_a_pass_says_what_keeps_it_from_running() -> None:
    cases: List[Tuple[Dict[str, Any], str]] = [
        ({"enabled": False}, "with `enabled: true` `guest-routes sync`"),
        ({"settings_problems": ("a: b",)}, "with correct settings `guest-routes sync`"),
        ({"settings_problems": ("a: b",), "settings_hidden": True}, "; `guest-routes sync`"),
    ]
    states: List[Dict[str, Any]] = [{"last": {}}, {"last": {}, "last_unknown": True}, {"withdrawn": True}]
    for fields, first in cases:
        for more in states:
            text = " ".join(" ".join(lines_of(status(**fields, **more))).split())
            assert first in text, (fields, more)


def test_drift_that_the_service_repairs() -> None:
    changes = report("wrong-subnet", BOTH_DEFAULTS).plan.operations
    found = status(compared=Comparison(changes), service=SERVICE, service_runs=True)
    lines = lines_of(found)
    assert lines[-3:] == [
        "drift        2 changes needed; the service is about to make them",
        "+ 11.11.0.0/16 via 11.8.0.1 dev eth1 proto guest-routes",
        "- default via 11.8.0.1 dev eth1 proto static",
    ]
    drift = [(one["operation"], one["route"]["text"]) for one in status_json(found)["drift"]]
    assert drift == [("add", lines[-2][2:]), ("remove", lines[-1][2:])]
    assert status_json(found)["exit_code"] == 1


def test_what_the_last_pass_could_not_do() -> None:
    lease = Lease("dhclient", "/a", parse_address("11.8.0.9"), "eth1", ifindex=3, obtained=NOW - 7300, expires=NOW - 5)
    other = lease._replace(nic="eth0", ifindex=2, expires=None)
    made = pass_json(report("not-a-gateway", IN_PLACE, leases=LeaseSet((lease, other), now=NOW)), NOW - 300)
    made.update(overrides=["a  (b): not used"], errors=["missing after the pass: x"], warnings=["the document is odd"])
    missed = report("not-a-gateway", IN_PLACE).unprogrammed
    lines = lines_of(status(last=made, compared=Comparison((), missed)))
    at = lines.index("missing      1 route of the document not in effect:")
    assert lines[at + 1] == "! 11.11.0.0/16,11.8.0.99  (networks[1].routes[1])"
    assert lines[at + 2].startswith("      11.8.0.99 is in eth1's subnet")
    assert lines[-6:-1] == [
        "lease        eth1, dhclient, 2 h ago, expired",
        "lease        eth0, dhclient, 2 h ago",
        "override     a  (b): not used",
        "error        missing after the pass: x",
        "warning      the document is odd",
    ]


def test_what_the_last_pass_could_not_do_is_all_that_is_known_without_a_document() -> None:
    made = pass_json(report("not-a-gateway", IN_PLACE), NOW - 300)
    lines = lines_of(status(last=made, compared="none was kept"))
    assert "missing      1 route when the last pass ended:" in lines
    assert not [line for line in lines_of(status(last=made)) if line.startswith("missing")]


def test_what_is_missing_now_decides_the_exit_code() -> None:
    missed = report("not-a-gateway", IN_PLACE).unprogrammed
    assert [status(compared=Comparison((), one)).exit_code for one in ((), missed)] == [0, 5]


# ---- the service ------------------------------------------------------------------------------------


def service_lines(record: StatusRecord, runs: bool = True) -> List[str]:
    lines = lines_of(status(service=record, service_runs=runs))
    return lines[3 : lines.index("our routes   1 in the table:")]


def test_the_service_runs() -> None:
    assert service_lines(SERVICE) == ["service      running for 2 h (pid 77); fetches the metadata again in 4 min"]
    assert service_lines(SERVICE._replace(next_refresh=0.0)) == ["service      running for 2 h (pid 77)"]
    assert service_lines(SERVICE._replace(next_refresh=NOW - 5))[0].endswith("again in 0 s")


def test_the_service_is_overdue() -> None:
    found = status(service=SERVICE, service_runs=True, service_overdue=True)
    line = "service running for 2 h (pid 77); its record is overdue: it hangs, or can't write it"
    assert line in " ".join(" ".join(lines_of(found)).split())
    assert (status_json(found)["service"]["overdue"], found.exit_code) == (True, 1)


def test_the_service_was_killed() -> None:
    assert " ".join(" ".join(service_lines(SERVICE, runs=False)).split()) == (
        "service not running: it ended unexpectedly (pid 77); see `systemctl status guest-routes`"
    )


def test_the_service_has_no_metadata() -> None:
    failing = SERVICE._replace(failures=1, failing_since=NOW - 90, failure="http: no answer")
    assert service_lines(failing)[1] == "no metadata  since 90 s ago, 1 try: http: no answer"
    assert "since 90 s ago, 3 tries" in service_lines(failing._replace(failures=3))[1]


def test_the_service_distrusts_a_document_and_failed() -> None:
    lines = service_lines(SERVICE._replace(partial_reason="it has no networks", last_error="cannot lock it"))
    assert " ".join(" ".join(lines[1:3]).split()) == (
        "partial the last document may be partial: it has no networks; the last known good one is used"
    )
    assert lines[3] == "last error   cannot lock it"


def test_repairs_and_conflicts() -> None:
    record = SERVICE
    for number, what in enumerate(["removed", "added", "removed", "added"]):
        record = record.repaired(Repair(NOW - 60, f"route {number}", what, "deleted by ip (pid 5)"))
    record = record.in_conflict(ConflictRecord(NOW - 90, "11.11.0.0/16", 5, "ip (pid 5)", "`ip monitor`, then end it"))
    assert service_lines(record)[1:] == [
        "repairs      4, the last:",
        "+ route 1",
        "      60 s ago: deleted by ip (pid 5)",
        "- route 2",
        "      60 s ago: deleted by ip (pid 5)",
        "+ route 3",
        "      60 s ago: deleted by ip (pid 5)",
        "conflicts    1:",
        "! 11.11.0.0/16",
        "      changed 5 times by ip (pid 5); `ip monitor`, then end it",
    ]
    value = status_json(status(service=record, service_runs=True))
    assert (value["service"]["runs"], value["service"]["repairs"]) == (True, 4)
    assert value["service"]["conflicts"][0]["destination"] == "11.11.0.0/16"


def test_what_a_live_status_shows() -> None:
    assert live_lines("12:00:00", 5, ["one", "two"]) == ["12:00:00  exit code 5  (^C ends it)", "", "one", "two"]
    assert unseen_text(1) == "... 1 line more: no room here"
    assert unseen_text(12) == "... 12 lines more: no room here"


FAILED = {"finished": NOW - 5, "exit_code": 4, "error": "no metadata"}


@pytest.mark.parametrize(
    "fields, text",
    [
        ({"last": {}}, "waiting for a pass that succeeds"),
        ({"failed": FAILED, "compared": Comparison(drift=(GONE,))}, "waiting for a pass that succeeds"),
        ({"withdrawn": True}, "waiting for `guest-routes sync`: the routes are withdrawn by hand"),
        ({"compared": Comparison(drift=(GONE,))}, "waiting for 1 change"),
        ({"unit": "enabled"}, "waiting for the service"),
        ({"compared": "none was kept"}, "waiting until all is in place"),
    ],
)
def test_what_is_waited_for(fields: Dict[str, Any], text: str) -> None:
    assert waiting_text(status(**fields)) == text
