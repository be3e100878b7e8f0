"""The child process that fetches: what it sends, and what becomes of an answer that is cut, too long or invalid."""

from __future__ import annotations

import json
from typing import Any, Dict, Optional

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guest_routes.evidence.document_file import LIMIT_BYTES
from guest_routes.model.document import PROPERTY_CHARACTERS, UUID_CHARACTERS, Document, Provenance, ServerProperty
from guest_routes.service.child.confined_fetch import REASON_CHARACTERS, framed
from guest_routes.service.child.fetch import parse_answer
from guest_routes.service.child.process import LINE_BYTES
from tests.support.examples import examples

UNSET = ServerProperty(True)
GOOD: Dict[str, Any] = {
    "location": "http://169.254.169.254",
    "nics": ["eth0"],
    "uuid": "u",
    "properties": "null",
    "expected_uuid": "",
}


def line(**fields: Any) -> bytes:
    """A line of JSON as the child sends it."""
    return json.dumps({**GOOD, **fields}).encode()


def test_a_document() -> None:
    got = parse_answer(line() + b"\n{}\n\n\x00")
    assert got == Document(
        b"{}\n\n\x00", Provenance("http", GOOD["location"], ("eth0",)), 0.0, "u", ServerProperty(True)
    )


def test_a_child_cannot_say_where_it_is_from() -> None:
    for field in ({"source": "argument"}, {"age_seconds": -5}, {"data": "x"}):
        assert "sent an invalid answer" in str(parse_answer(line(**field) + b"\n{}"))


def test_a_reason_is_printable() -> None:
    assert parse_answer(b'{"reason": "eth0: \\u001b[2J refused\\n"}\n') == "eth0: ?[2J refused?"
    assert (
        parse_answer(b'{"reason": ""}\n') == "the child process that asks the metadata service failed without a reason"
    )


@pytest.mark.parametrize("answer, words", [
    (b"", "ended without an answer"),
    (b'{"reason": "half', "ended without an answer"),
    (b"[" * LINE_BYTES + b"\n", "sent an invalid answer"),
    (b" " * (LINE_BYTES + 1) + b"\n{}", "its first line is too long"),
    (b"9" * 100_000, "its first line is too long"),
    (b"[]\n", "sent an invalid answer"),
    (b"5\n", "sent an invalid answer"),
    (b'"reason"\n', "sent an invalid answer"),
    (b"{}\n{}", "sent an invalid answer"),
    (b'{"reason": 5}\n', "sent an invalid answer"),
    (line(location=["x"]) + b"\n{}", "sent an invalid answer"),
    (line(more="x") + b"\n{}", "sent an invalid answer"),
    (line(uuid=None) + b"\n{}", "sent an invalid answer"),
    (b'{"location": "\\ud800"}\n{}', ""),
])  # fmt: skip
def test_an_invalid_answer_is_a_reason(answer: bytes, words: str) -> None:
    got = parse_answer(answer)
    assert words in (got if isinstance(got, str) else "")


@given(st.binary(max_size=300), st.none() | st.binary(max_size=50))
@settings(max_examples=examples(400))
def test_bytes_are_a_document_or_a_reason(answer: bytes, document: Optional[bytes]) -> None:
    got = parse_answer(answer if document is None else line() + b"\n" + document)
    if document is None:
        assert isinstance(got, (Document, str)) and got
    else:
        assert isinstance(got, Document) and got.data == document and len(got.data) < LIMIT_BYTES


# ---- what it sends ----------------------------------------------------------------------------------


@given(st.binary(max_size=50), st.text(max_size=50), st.text(max_size=20))
def test_a_document_arrives_as_it_was_sent(data: bytes, location: str, uuid: str) -> None:
    """But for characters that must not reach the log."""
    sent = Document(data, Provenance("http", location, ("eth0", "eth1")), 0.0, uuid, UNSET)
    got = parse_answer(framed(sent))
    assert isinstance(got, Document)
    assert (got.data, got.provenance.nics, got.properties) == (data, ("eth0", "eth1"), UNSET)
    assert [len(got.provenance.location), len(got.uuid)] == [len(location), len(uuid)]
    assert (got.provenance.location + got.uuid).isprintable()


def test_a_reason_arrives_cut_to_its_limit() -> None:
    assert parse_answer(framed("eth0: HTTP 500")) == "eth0: HTTP 500"
    assert parse_answer(framed("x" * (REASON_CHARACTERS + 1))) == "x" * REASON_CHARACTERS


def test_the_longest_uuid_and_property_fit_whatever_is_in_them() -> None:
    """A quote takes two bytes in a line of JSON, and any other character no more: a property is JSON already."""
    longest = ServerProperty(True, '"' * (PROPERTY_CHARACTERS + 1))
    uuid = "\U0001f600" * (UUID_CHARACTERS + 1)
    got = parse_answer(framed(Document(b"{}", Provenance("http", "http://[fe80::1]"), 0.0, uuid, longest, uuid)))
    assert isinstance(got, Document)
    assert (got.uuid, got.properties) == (uuid, longest)


def test_what_is_longer_than_the_line_is_named() -> None:
    got = parse_answer(framed(Document(b"{}", Provenance("http", "x" * LINE_BYTES))))
    assert got == "its URL has 65,536 characters: what goes with it exceeds 65,536 bytes"


def test_a_process_that_was_taken_over_can_not_send_more_either() -> None:
    got = parse_answer(line(uuid="x" * 999, properties="y" * 20_000) + b"\n{}")
    assert isinstance(got, Document)
    assert (len(got.uuid), len(str(got.properties))) == (UUID_CHARACTERS + 1, PROPERTY_CHARACTERS + 1)
