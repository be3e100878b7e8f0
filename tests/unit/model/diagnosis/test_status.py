"""The service's record comes back from its file as it was, or not at all; what it holds is bounded."""

from __future__ import annotations

import json
from typing import Any, Dict, List

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guest_routes.model.diagnosis.comparison import Comparison
from guest_routes.model.diagnosis.record_forms import status_record_from_json
from guest_routes.model.diagnosis.status import (
    RECENT,
    SCHEMA,
    ConflictRecord,
    ForeignRoute,
    Repair,
    Status,
    StatusRecord,
    status_record_json,
)
from guest_routes.model.document import Unusable
from guest_routes.model.network import KernelState, Route, parse_address, parse_prefix
from guest_routes.model.network_data import Problem
from guest_routes.model.operations import Add

texts = st.text(max_size=20)
times = st.floats(0, 1e10)
words = st.text(min_size=1, max_size=20)
repairs = st.builds(Repair, times, words, st.sampled_from(["added", "removed"]), texts)
conflicts = st.builds(ConflictRecord, times, words, st.integers(0, 99), texts, texts)
records = st.builds(
    StatusRecord, st.integers(1, 1 << 22), texts, times, texts, times, times, times, st.integers(0, 99), texts, texts,
    st.integers(0, 10**12), st.integers(0, 10**12), st.integers(0, 10**12), st.lists(repairs, max_size=3).map(tuple),
    st.lists(conflicts, max_size=3).map(tuple), texts, st.integers(0, 10**12), st.integers(0, 10**12), st.booleans(),
    texts, st.lists(st.builds(ForeignRoute, words, words), max_size=3).map(tuple), times,
)  # fmt: skip
junk = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


@given(records)
def test_it_comes_back_as_it_was(record: StatusRecord) -> None:
    assert status_record_from_json(json.loads(json.dumps(status_record_json(record)))) == record


@given(records, st.sampled_from(StatusRecord._fields), st.sampled_from(["recent", "conflicts", "foreign_routes"]), junk)
def test_damage_is_nothing_or_harmless(record: StatusRecord, missing: str, field: str, value: Any) -> None:
    whole = status_record_json(record)
    assert status_record_from_json({name: one for name, one in whole.items() if name != missing}) is None
    assert status_record_from_json({**whole, "schema": "guest-routes/service/2"}) is None
    found = status_record_from_json({**whole, field: value})
    assert found is None or isinstance(found, StatusRecord)


@pytest.mark.parametrize("value", [{}, {"schema": SCHEMA}, {"schema": None}])
def test_nothing_is_nothing(value: Any) -> None:
    assert status_record_from_json(value) is None


@given(st.lists(repairs, max_size=30))
def test_the_last_repairs_are_kept_and_all_are_counted(each: List[Repair]) -> None:
    record = StatusRecord(1, "", 0.0)
    for one in each:
        record = record.repaired(one)
    assert (record.repairs, record.recent) == (len(each), tuple(each[-RECENT:]))


def test_a_conflict_keeps_its_beginning_until_it_is_over() -> None:
    record = StatusRecord(1, "", 0.0)
    for when in (10.0, 20.0):
        record = record.in_conflict(ConflictRecord(when, "0.0.0.0/0", int(when), "dhclient", "remedy"))
    record = record.in_conflict(ConflictRecord(30.0, "11.11.0.0/16", 5, "ip", "remedy"))
    assert [(one.since, one.destination, one.times) for one in record.conflicts] == [
        (10.0, "0.0.0.0/0", 20),
        (30.0, "11.11.0.0/16", 5),
    ]
    assert [one.destination for one in record.resolved("0.0.0.0/0").conflicts] == ["11.11.0.0/16"]


def test_not_all_conflicts_are_kept() -> None:
    record = StatusRecord(1, "", 0.0)
    for number in range(RECENT + 5):
        record = record.in_conflict(ConflictRecord(1.0, str(number), 5, "ip", "remedy"))
    assert [one.destination for one in record.conflicts] == [str(number) for number in range(5, RECENT + 5)]


DRIFT = (Add(Route(parse_prefix("11.11.0.0/16"), parse_address("11.8.0.1"), 3)),)
FINE: Dict[str, Any] = {
    "last": {"exit_code": 0}, "state": KernelState((), ()), "ours": (), "compared": Comparison(), "failed": {},
    "now": 0.0,
}  # fmt: skip
SERVICE = StatusRecord(7, "1", 0.0)


@pytest.mark.parametrize("fields, code", [
    ({}, 0),
    ({"last": {"exit_code": 5}, "compared": Comparison((), (Problem("a", "odd"),))}, 5),
    ({"last": {"exit_code": 1}}, 1),
    ({"last": {}}, 4),
    ({"last": {}, "compared": "none was kept"}, 4),
    ({"last": {"exit_code": 5}, "compared": Comparison(DRIFT)}, 1),
    ({"compared": "none was kept"}, 1),
    ({"withdrawn": True}, 1),
    ({"service": SERVICE, "service_runs": True, "unit": "enabled"}, 0),
    ({"service": SERVICE}, 1),  # it ended without a word
    ({"service": SERVICE, "service_runs": True, "service_overdue": True}, 1),
    ({"unit": "enabled"}, 1),
    ({"unit": "not-enabled"}, 0),
    ({"failed": {"exit_code": 4}}, 4),
    ({"failed": {"exit_code": 4}, "compared": Comparison(DRIFT)}, 4),  # the failure may be why
    ({"enabled": False, "compared": Comparison(DRIFT), "last": {}}, 0),
    ({"enabled": False, "service": SERVICE, "service_runs": True}, 1),  # it goes on with other settings
    ({"enabled": False, "service": SERVICE, "service_runs": True, "withdrawn": True}, 0),
    ({"enabled": False, "service": SERVICE._replace(enabled=False), "service_runs": True}, 0),
    ({"settings_unread": True, "service": SERVICE, "service_runs": True}, 0),
    ({"settings_problems": ("wrong",), "enabled": False, "failed": {"exit_code": 4}}, 2),
])  # fmt: skip
def test_the_exit_code_of_status(fields: Any, code: int) -> None:
    assert Status(**{**FINE, **fields}).exit_code == code


def test_what_this_user_alone_can_not_know() -> None:
    assert Status(**{**FINE, "compared": Unusable("not-permitted", "/kept")}).hidden is True
    assert Status(**{**FINE, "compared": Unusable("absent", "/kept")}).hidden is False
    assert Status(**{**FINE, "compared": Comparison()}).hidden is False
