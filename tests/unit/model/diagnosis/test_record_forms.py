"""What is taken for the record of a pass or of the service is valid in `status --json`; whatever else is damaged."""

from __future__ import annotations

import copy
import json
from typing import Any, Dict, Iterator, List, Tuple

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from guest_routes.model.diagnosis.record_forms import is_failed_pass, is_last_pass, status_record_from_json
from guest_routes.model.diagnosis.status import RECENT, SCHEMA, ConflictRecord, Repair, StatusRecord, service_json
from guest_routes.model.lease import Lease, LeaseSet
from guest_routes.model.network import parse_address
from guest_routes.model.report import KEPT_TEXTS
from guest_routes.output.summary import last_pass_json
from tests.support.reports import IN_PLACE, SCHEMAS, report

LEASE = Lease("dhclient", "/a", parse_address("11.8.0.9"), "eth1", ifindex=3, obtained=1.0, expires=None)
LAST = last_pass_json(report("not-a-gateway", IN_PLACE, leases=LeaseSet((LEASE,), now=9.0)), 7.5)
LAST["source_routing"] = {"nics": ["eth0"], "conflicts": [], "errors": ["refused"]}
FAILED = {"finished": 7, "exit_code": 2, "error": "cannot import pyroute2"}
SERVICE = service_json(
    StatusRecord(
        7, "1", 1.5, recent=(Repair(1.0, "default", "added", ""),), conflicts=(ConflictRecord(1.0, "x", 3, "", ""),)
    )
)


def is_service_record(value: Any) -> bool:
    """Whether it is taken for a record of the service."""
    return isinstance(value, dict) and status_record_from_json({"schema": SCHEMA, **value}) is not None


FORMS = {
    "last_pass": (is_last_pass, LAST),
    "failed": (is_failed_pass, FAILED),
    "service": (is_service_record, SERVICE),
}
STATUS = json.loads((SCHEMAS / "status.json").read_text())
ODD: List[Any] = [
    None, True, False, 0, -1, 1, 3, 256, 10**30, 0.5, -0.5, float("nan"), float("inf"), 1e16, "", "x", [], {}, [7],
    [""], ["x"], {"a": 1}, ["x"] * 99, [{}], {"add": 0}, {"add": 1}, {"add": True}, "\udc80",
]  # fmt: skip


def places(value: Any, path: Tuple[Any, ...] = ()) -> Iterator[Tuple[Any, ...]]:
    """Every place in a document, the whole of it first."""
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        yield from places(one, (*path, key))


def fits(name: str, value: Any) -> bool:
    """Whether the published schema has such a value at this member of `status --json`."""
    part = STATUS["$defs"]["status"]["properties"][name]
    shown = {**value, "runs": True, "overdue": False} if name == "service" and isinstance(value, dict) else value
    schema = {"$defs": STATUS["$defs"], "type": "object", "properties": {"it": part}, "required": ["it"]}
    try:
        json.dumps(value, allow_nan=False)
    except ValueError:
        return False
    return value is not None and jsonschema.Draft202012Validator(schema).is_valid({"it": shown})


@pytest.mark.parametrize("name", FORMS)
def test_what_is_written_is_taken(name: str) -> None:
    check, whole = FORMS[name]
    assert check(json.loads(json.dumps(whole)))
    assert fits(name, whole)


@pytest.mark.parametrize("name", FORMS)
def test_whatever_is_taken_is_valid(name: str) -> None:
    check, whole = FORMS[name]
    tried = 0
    for path in places(whole):
        for odd in ODD:
            if path[-1:] == ("client",) and isinstance(odd, str) and odd:
                continue  # Only the schema has their names.
            taken = check(put(whole, path, odd))
            assert not taken or fits(name, put(whole, path, odd)), (path, odd)
            tried += not taken
    assert tried > 100


@pytest.mark.parametrize(
    "name, path",
    [
        ("last_pass", ("metadata", "source")),
        ("last_pass", ("exit_code",)),
        ("failed", ("exit_code",)),
        ("service", ("recent", 0, "what")),
    ],
)
def test_every_value_that_the_schema_has_is_taken(name: str, path: Tuple[Any, ...]) -> None:
    check, whole = FORMS[name]
    part: Any = STATUS["$defs"]["status"]["properties"][name]
    for key in path:
        part = STATUS["$defs"][part["$ref"].rpartition("/")[2]] if "$ref" in part else part
        part = part["items"] if isinstance(key, int) else part["properties"][key]
    assert part["enum"] and all(check(put(whole, path, one)) for one in part["enum"])


def test_every_verdict_of_a_route_is_taken() -> None:
    verdicts = STATUS["$defs"]["status"]["properties"]["last_pass"]["properties"]["routes"]["properties"]
    assert is_last_pass({**LAST, "routes": dict.fromkeys(verdicts, 1)})


@pytest.mark.parametrize("name", FORMS)
@given(data=st.data())
def test_a_record_that_lacks_something_or_has_more_is_not_taken(name: str, data: st.DataObject) -> None:
    check, whole = FORMS[name]
    key = data.draw(st.sampled_from(sorted(whole)))
    assert not check({one: value for one, value in whole.items() if one != key})
    assert not check({**whole, "another": 1})


@pytest.mark.parametrize("code", [2, 3, 256, 10**30, -1, True, "0", 0.0, None])
def test_exit_codes_that_no_pass_has(code: Any) -> None:
    assert not is_last_pass({**LAST, "exit_code": code})
    assert is_failed_pass({**FAILED, "exit_code": code}) == (code == 2)
    assert not is_failed_pass({**FAILED, "exit_code": 0})


def test_records_are_bounded() -> None:
    assert is_last_pass({**LAST, "warnings": ["x"] * KEPT_TEXTS}) and not is_last_pass({**LAST, "warnings": ["x"] * 21})
    repairs = [SERVICE["recent"][0]] * (RECENT + 1)
    assert is_service_record({**SERVICE, "recent": repairs[1:]}) and not is_service_record(
        {**SERVICE, "recent": repairs}
    )


def put(whole: Dict[str, Any], path: Tuple[Any, ...], value: Any) -> Any:
    """The document with another value at one place."""
    if not path:
        return value
    made = copy.deepcopy(whole)
    inner: Any = made
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return made
