"""The order of the sources, and what is said when none has a document. HTTP is asked nowhere here."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Tuple

import pytest

from guest_routes.errors import MetadataError
from guest_routes.evidence.find import find
from guest_routes.model.document import Document, Provenance, ServerProperty
from guest_routes.model.network import Nic, parse_prefix
from guest_routes.model.settings import Settings
from guest_routes.state.store import State

NICS = (Nic(2, "eth0", bytes.fromhex("fa163e000001"), addresses=(parse_prefix("10.65.0.7/24"),)),)
FROM_HTTP = Document(b"{}", Provenance("http", "http://169.254.169.254", ("eth0",)))
KEPT = Document(b'{"kept": 1}', Provenance("http", "http://169.254.169.254"), properties=ServerProperty(True, '"x"'))


@pytest.fixture
def state(tmp_path: Path) -> State:
    return State(str(tmp_path / "run"), str(tmp_path / "lib"), root=str(tmp_path))


def nics() -> Tuple[Nic, ...]:
    return NICS


def sources(*names: str) -> Settings:
    return Settings(sources=names)


def test_the_first_source_that_has_one_wins(state: State) -> None:
    state.keep(KEPT, (NICS[0].mac,), 1.0)
    assert find(sources("http", "last-known-good"), nics, state, http=FROM_HTTP) == FROM_HTTP
    got = find(sources("last-known-good", "http"), nics, state, http=FROM_HTTP)
    assert got._replace(age_seconds=0.0) == Document(
        KEPT.data, Provenance("last-known-good", first=KEPT.provenance), 0.0, "", KEPT.properties
    )
    assert got.age_seconds > 1_000_000


def test_the_next_one_is_asked_when_it_has_none(state: State) -> None:
    state.keep(KEPT, (NICS[0].mac,), 1.0)
    assert find(sources("http", "last-known-good"), nics, state, http="no answer").data == KEPT.data


def test_sources_that_are_turned_off_are_not_asked(state: State) -> None:
    state.keep(KEPT, (NICS[0].mac,), 1.0)
    with pytest.raises(MetadataError) as caught:
        find(sources("http"), nics, state, http="refused")
    assert "last-known-good" not in str(caught.value) and "leases" not in str(caught.value)


def test_every_source_says_why_it_has_nothing(state: State) -> None:
    with pytest.raises(MetadataError) as caught:
        find(sources("settings", "http", "last-known-good", "leases"), nics, state, http="eth0: refused\nagain")
    first, http, kept, leases, last = str(caught.value).splitlines()
    assert first == "cannot find network_data.json; nothing was changed"
    assert http == (
        "  http: eth0: refused again; `ip route get 169.254.169.254` shows the way the kernel would take"
    )  # fmt: skip
    assert kept == f"  last-known-good: none was kept in {state.lib_dir}; a pass that reaches another source keeps it"
    assert leases.startswith("  leases: no NIC has a DHCP lease of ")
    assert last == "name one yourself: --metadata FILE, DIR or URL"


LEASE = "ADDRESS=10.65.0.7\n"


def with_a_lease(state: State) -> None:
    path = Path(state.root, "run/systemd/netif/leases/2")
    path.parent.mkdir(parents=True)
    path.write_text(LEASE)


def test_leases_replace_a_document_at_last(state: State) -> None:
    with_a_lease(state)
    got = find(sources("leases", "http"), nics, state, http="refused")
    assert got.provenance == Provenance("leases", nics=("eth0",))
    assert find(sources("leases", "http"), nics, state, http=FROM_HTTP) == FROM_HTTP


@pytest.mark.parametrize("options", [{"fallback": False}, {"settings": sources("http")}])
def test_leases_only_where_they_are_wanted(state: State, options: Any) -> None:
    with_a_lease(state)
    wanted = {"settings": sources("leases", "http"), "fallback": True, **options}
    with pytest.raises(MetadataError):
        find(wanted["settings"], nics, state, http="refused", fallback=wanted["fallback"])


def test_a_lease_of_an_ignored_nic_does_not_count(state: State) -> None:
    with_a_lease(state)
    with pytest.raises(MetadataError, match="no NIC has a DHCP lease"):
        find(sources("leases")._replace(ignore_nics=("eth*",)), nics, state)


@pytest.mark.parametrize("below", ["", "openstack/latest", "latest"])
def test_what_the_command_line_names_comes_first(state: State, tmp_path: Path, below: str) -> None:
    path = tmp_path / "given" / below / "network_data.json"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"not even JSON")
    got = find(sources("http"), nics, state, str(tmp_path / "given"), http=FROM_HTTP)
    assert (got.data, os.path.normpath(got.provenance.location)) == (b"not even JSON", str(path))


@pytest.mark.parametrize("argument, reason", [
    ("http://me:secret@192.0.2.1/", "a user name or password in a URL is not taken, since reports show the URL"),
    ("ftp://x/", "only http and https are supported"), ("/nowhere/x", "/nowhere/x: no such file or directory"),
])  # fmt: skip
def test_what_it_names_and_is_not_there(state: State, argument: str, reason: str) -> None:
    """No other source replaces it."""
    with pytest.raises(MetadataError) as caught:
        find(sources("http"), nics, state, argument, http=FROM_HTTP)
    assert str(caught.value) == f"cannot get the metadata given as {argument}: {reason}; nothing was changed"


TRUE, FALSE = "7c6f0d2e-5b6a-4c9e-9a3f-0f6c6a5b1e11", "0badc0de-5b6a-4c9e-9a3f-0f6c6a5b1e11"
OF_ANOTHER = FROM_HTTP._replace(uuid=FALSE, expected_uuid=TRUE)


def found_by_cloud_init(state: State, uuid: str) -> None:
    folder = Path(state.root, "run/cloud-init")
    folder.mkdir(parents=True)
    (folder / ".instance-id").write_text(uuid)


def test_what_is_another_instances_comes_after_the_last_known_good(state: State) -> None:
    """A neighbour alone, while the metadata service is away."""
    found_by_cloud_init(state, TRUE)
    state.keep(KEPT, (NICS[0].mac,), 1.0)
    got = find(sources("http", "last-known-good", "leases"), nics, state, http=OF_ANOTHER)
    assert (got.data, got.expected_uuid) == (KEPT.data, "")
    why = f"the metadata of http://169.254.169.254 through eth0 is of instance {FALSE}, and this is instance {TRUE}"
    assert got.passed_over == (("http", why),)


def test_but_before_leases(state: State) -> None:
    found_by_cloud_init(state, TRUE)
    assert find(sources("http", "last-known-good", "leases"), nics, state, http=OF_ANOTHER) == OF_ANOTHER


def test_what_only_the_last_known_good_contradicts_is_used_before_it(state: State) -> None:
    """A disk and MACs that were moved to another instance: nothing proves which of both it is."""
    state.keep(KEPT._replace(uuid=TRUE), (NICS[0].mac,), 1.0)
    assert find(sources("http", "last-known-good"), nics, state, http=OF_ANOTHER) == OF_ANOTHER
