"""What a child process reads comes back the same, or as the same error."""

from __future__ import annotations

import marshal
import time
from pathlib import Path
from typing import Any, Tuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guest_routes.errors import ChildError, MetadataError, SettingsError
from guest_routes.evidence.find import find
from guest_routes.model.document import Document, Provenance, ServerProperty
from guest_routes.model.network import Nic, Prefix
from guest_routes.model.network_data import HostRoute
from guest_routes.model.settings import DEFAULT_MODES, NEXT_HOPS, SOURCES, GatewaySetting, Selector, Settings
from guest_routes.service.child.files import _flat, _value, find_in_child, local_document, read_settings_in_child
from guest_routes.settings.load import read
from guest_routes.state.store import State

UNSET = ServerProperty(True)
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


@given(some)
def test_whatever_the_settings_are_they_come_back_the_same(wanted: Settings) -> None:
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
    assert read_settings_in_child(lambda: read({}, str(path))) == direct
    assert direct.routes and direct.gateways and direct.default


def test_an_error_of_the_settings_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text("default_mode: sometimes\nmetricc: 5\n")
    with pytest.raises(SettingsError) as direct:
        read({}, str(path))
    with pytest.raises(SettingsError) as in_child:
        read_settings_in_child(lambda: read({}, str(path)))
    assert str(in_child.value) == str(direct.value)


def test_a_child_that_fails_is_an_error_with_its_reason(capfd: pytest.CaptureFixture[str]) -> None:
    def fail() -> Settings:
        raise RuntimeError("out of luck")

    with pytest.raises(ChildError, match="the process that was started to read the settings ended without an answer"):
        read_settings_in_child(fail)
    assert "guest-routes: a child process failed: RuntimeError: out of luck" in capfd.readouterr().err


def test_a_document_comes_back_with_its_first_provenance(tmp_path: Path) -> None:
    """One that was kept has two: values within values."""
    eth0 = Nic(2, "eth0", bytes.fromhex("fa163e000001"))
    state = State(str(tmp_path / "run"), str(tmp_path / "lib"))
    kept = Document(
        b'{"links": []}', Provenance("http", "http://192.0.2.1", ("eth0",)), 0.0, "a-uuid", ServerProperty(True)
    )
    state.keep(kept, [eth0.mac], time.time())
    found = find_in_child(Settings(sources=("last-known-good",)), [eth0], state)
    assert (found.data, found.uuid, found.properties) == (kept.data, kept.uuid, kept.properties)
    assert found.provenance.source == "last-known-good" and found.provenance.first == kept.provenance
    assert type(found) is Document and type(found.provenance.first) is Provenance


def test_no_document_is_the_same_error(tmp_path: Path) -> None:
    state, settings = State(str(tmp_path / "run"), str(tmp_path / "lib")), Settings(sources=("last-known-good",))
    with pytest.raises(MetadataError) as direct:
        find(settings, lambda: (), state)
    with pytest.raises(MetadataError) as in_child:
        find_in_child(settings, (), state)
    assert str(in_child.value) == str(direct.value) and "last-known-good: " in str(direct.value)


# ---- the document that a pass of the service's own uses ---------------------------------------------


class Nics:
    """Of an engine, all that is asked for here."""

    def __init__(self, *nics: Nic) -> None:
        self._nics = nics

    def nics(self) -> Tuple[Nic, ...]:
        return self._nics


def test_a_file_is_read_until_a_document_was_accepted(tmp_path: Path) -> None:
    """Then the accepted one is in force, whatever the file has become (R6)."""
    kernel: Any = Nics(Nic(2, "eth0", bytes.fromhex("fa163e000001")))
    state, path = State(str(tmp_path / "run"), str(tmp_path / "lib")), tmp_path / "network_data.json"
    path.write_bytes(b'{"links": [1]}')
    found = local_document(Settings(), kernel, state, str(path))
    assert (found.data, found.source) == (b'{"links": [1]}', "argument")
    state.keep(found, [kernel.nics()[0].mac], time.time())
    path.write_bytes(b'{"links": [2]}')
    found = local_document(Settings(), kernel, state, str(path))
    assert (found.data, found.source) == (b'{"links": [1]}', "last-known-good")


def test_a_url_is_not_asked(tmp_path: Path) -> None:
    kernel: Any = Nics(Nic(2, "eth0", bytes.fromhex("fa163e000001")))
    state = State(str(tmp_path / "run"), str(tmp_path / "lib"))
    url, settings = "http://192.0.2.1", Settings(sources=("last-known-good",))
    with pytest.raises(MetadataError):
        local_document(settings, kernel, state, url)
    kept = Document(b"{}", Provenance("http", url))
    state.keep(kept, [kernel.nics()[0].mac], time.time())
    assert local_document(settings, kernel, state, url).data == b"{}"
