"""The settings, and whatever else a short-lived child brings back: whole, or with the reason."""

from __future__ import annotations

import os
import resource
from pathlib import Path
from typing import Any, Dict, Optional

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guest_routes.errors import SettingsError
from guest_routes.evidence.document_file import LIMIT_BYTES
from guest_routes.model.document import Document, Provenance
from guest_routes.model.network import Prefix
from guest_routes.model.network_data import HostRoute
from guest_routes.model.settings import DEFAULT_MODES, NEXT_HOPS, SOURCES, GatewaySetting, Selector, Settings
from guest_routes.service.child import Child, result_of
from guest_routes.service.child_fetch import LINE_BYTES, taken
from guest_routes.service.child_settings import _flat, _value, read_aside
from guest_routes.settings.load import read
from tests.support import sandbox
from tests.support.examples import examples

texts = st.text(max_size=10)
addresses = st.binary(min_size=4, max_size=4) | st.binary(min_size=16, max_size=16)
prefixes = st.builds(Prefix, addresses, st.integers(0, 128))
selectors = st.builds(Selector, texts, st.binary(max_size=6), texts, st.none() | prefixes)
some = st.builds(
    Settings,
    enabled=st.booleans(),
    default=st.none() | selectors,
    default_mode=st.sampled_from(DEFAULT_MODES),
    next_hops=st.sampled_from(NEXT_HOPS),
    routes=st.lists(st.builds(HostRoute, prefixes, addresses, texts, st.integers(-3, 9), st.integers(0, 9))).map(tuple),
    gateways=st.lists(st.builds(GatewaySetting, selectors, addresses, texts), max_size=3).map(tuple),
    sources=st.lists(st.sampled_from(SOURCES)).map(tuple),
    metric=st.integers(0, (1 << 32) - 1),
    ignore_nics=st.lists(texts).map(tuple),
    ignore_destinations=st.lists(prefixes).map(tuple),
    refresh_seconds=st.floats(0.1, 1e6),
    deadline_seconds=st.floats(0.1, 1e6),
)


# ---- settings ---------------------------------------------------------------------------------------


@given(some)
def test_whatever_the_settings_are_they_come_back_the_same(wanted: Settings) -> None:
    import marshal

    back = _value(marshal.loads(marshal.dumps(_flat(wanted))))
    assert back == wanted
    assert type(back) is Settings and type(back.ignore_destinations) is tuple
    assert [type(one) for one in back.routes] == [HostRoute] * len(wanted.routes)


def test_every_key_of_a_real_file(tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text(
        "default: {subnet: 10.65.0.0/24}\nroutes: ['198.51.100.0/24,11.8.0.1']\ngateways: {eth1: 11.8.0.1}\n"
        "ignore_destinations: [192.0.2.0/24]\nignore_nics: [docker*]\nsources: [http]\nrefresh_seconds: 7\n"
    )
    direct = read({}, str(path))
    assert read_aside(lambda: read({}, str(path))) == direct
    assert direct.routes and direct.gateways and direct.default


def test_what_is_wrong_is_said_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text("default_mode: sometimes\nmetricc: 5\n")
    with pytest.raises(SettingsError) as direct:
        read({}, str(path))
    with pytest.raises(SettingsError) as aside:
        read_aside(lambda: read({}, str(path)))
    assert str(aside.value) == str(direct.value)


def test_a_child_that_fails_is_an_error_with_its_reason(capfd: pytest.CaptureFixture[str]) -> None:
    def fail() -> Settings:
        raise RuntimeError("out of luck")

    with pytest.raises(SettingsError, match="the process that reads the settings failed"):
        read_aside(fail)
    assert "guest-routes: a helper process failed: RuntimeError: out of luck" in capfd.readouterr().err


# ---- children ---------------------------------------------------------------------------------------


def descriptors() -> int:
    """How many files this process has open."""
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.parametrize("size", [0, 1, 1 << 16, 3_000_000])
def test_a_result_of_any_size(size: int) -> None:
    before = descriptors()
    assert result_of(lambda: b"x" * size, size) == b"x" * size
    assert descriptors() == before


def test_too_much_is_nothing() -> None:
    assert result_of(lambda: b"x" * 3_000_000, 1_000_000) == b""


def test_a_child_has_its_pipe_and_nothing_else_of_ours(tmp_path: Path) -> None:
    with (tmp_path / "secret").open("w"):
        shown = result_of(lambda: " ".join(os.listdir("/proc/self/fd")).encode(), 1000)
    assert set(shown.split()) <= {b"0", b"1", b"2", b"3", b"4"}  # 4: of listdir itself


def test_a_child_that_is_late_is_ended() -> None:
    import time

    def late() -> bytes:
        time.sleep(60)
        return b""

    child = Child(late, 100)
    assert not child.read()
    assert child.end() == b""
    assert not Path(f"/proc/{child.pid}").exists()


def test_where_no_process_can_be_had_nothing_leaks() -> None:
    """As a user who may have no further process, since root always may; in a child, since that can't be taken back."""

    def work() -> bytes:
        if not sandbox.in_user_namespace():
            os.setresuid(65534, 65534, 65534)
        resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
        before = descriptors()
        refused = ""
        for _ in range(5):
            try:
                Child(lambda: b"", 10)
            except OSError as error:
                refused = error.strerror or ""
        try:
            read_aside(Settings)
        except SettingsError as error:
            refused += f"; {error}"
        return f"{descriptors() - before} {refused}".encode()

    said = result_of(work, 1000).decode()
    assert said == (
        "0 Resource temporarily unavailable; cannot start a process to read the settings: "
        "Resource temporarily unavailable"
    )


# ---- what the child that asks has sent --------------------------------------------------------------

GOOD: Dict[str, Any] = {"location": "http://169.254.169.254", "nics": ["eth0"], "uuid": "u", "properties": "null"}


def line(**fields: Any) -> bytes:
    """A line of JSON as the child sends it."""
    import json

    return json.dumps({**GOOD, **fields}).encode()


def test_a_document() -> None:
    got = taken(line() + b"\n{}\n\n\x00")
    assert got == Document(b"{}\n\n\x00", Provenance("http", GOOD["location"], ("eth0",)), 0.0, "u", "null")


def test_a_child_cannot_say_where_it_is_from() -> None:
    for field in ({"source": "given"}, {"age_seconds": -5}, {"data": "x"}):
        assert "sent nonsense" in str(taken(line(**field) + b"\n{}"))


def test_a_reason_is_printable() -> None:
    assert taken(b'{"reason": "eth0: \\u001b[2J refused\\n"}\n') == "eth0: ?[2J refused?"
    assert taken(b'{"reason": ""}\n') == "no reason was given"


@pytest.mark.parametrize("answer, words", [
    (b"", "ended without an answer"),
    (b'{"reason": "half', "ended without an answer"),
    (b"[" * LINE_BYTES + b"\n", "sent nonsense"),
    (b" " * (LINE_BYTES + 1) + b"\n{}", "a line without end"),
    (b"9" * 100_000, "a line without end"),
    (b"[]\n", "sent nonsense"),
    (b"5\n", "sent nonsense"),
    (b'"reason"\n', "sent nonsense"),
    (b"{}\n{}", "sent nonsense"),
    (b'{"reason": 5}\n', "sent nonsense"),
    (line(location=["x"]) + b"\n{}", "sent nonsense"),
    (line(more="x") + b"\n{}", "sent nonsense"),
    (line(uuid=None) + b"\n{}", "sent nonsense"),
    (b'{"location": "\\ud800"}\n{}', ""),
])  # fmt: skip
def test_nonsense_is_a_reason(answer: bytes, words: str) -> None:
    got = taken(answer)
    assert words in (got if isinstance(got, str) else "")


@given(st.binary(max_size=300), st.none() | st.binary(max_size=50))
@settings(max_examples=examples(400))
def test_bytes_are_a_document_or_a_reason(answer: bytes, document: Optional[bytes]) -> None:
    got = taken(answer if document is None else line() + b"\n" + document)
    if document is None:
        assert isinstance(got, (Document, str)) and got
    else:
        assert isinstance(got, Document) and got.data == document and len(got.data) < LIMIT_BYTES
