"""The evidence of one pass: what is gathered, and what for a document that needs nothing more is not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Tuple

import pytest

from guest_routes.errors import NetworkDataError
from guest_routes.evidence.gather import disputable, gather, gather_again
from guest_routes.model.document import Document, Provenance, ServerProperty, Source
from guest_routes.model.evidence import Evidence, RecordedDefault
from guest_routes.model.network import KernelState, Nic, Route, parse_address, parse_prefix
from guest_routes.model.settings import Settings
from guest_routes.state.store import State
from tests.support.boots import write_boot_id
from tests.support.model_kernel import ModelKernel

MACS = ("fa:16:3e:00:00:01", "fa:16:3e:00:00:02")
NICS = (
    Nic(2, "eth0", bytes.fromhex("fa163e000001"), addresses=(parse_prefix("10.65.0.7/24"),)),
    Nic(3, "eth1", bytes.fromhex("fa163e000002"), addresses=(parse_prefix("11.8.0.9/24"),)),
)
DEFAULT = Route(parse_prefix("0.0.0.0/0"), parse_address("10.65.0.1"), 2, protocol=4)
IN_TABLE_99 = DEFAULT._replace(table=99)
LEASE = "ADDRESS=11.8.0.9\nROUTER=11.8.0.1\nCLASSLESS_ROUTES=12.0.0.0/8,11.8.0.1 224.0.0.0/4,11.8.0.1\n"


BEFORE = ModelKernel(KernelState(NICS, (DEFAULT, IN_TABLE_99)))


@pytest.fixture
def state(tmp_path: Path) -> State:
    path = tmp_path / "run/systemd/netif/leases/3"
    path.parent.mkdir(parents=True)
    path.write_text(LEASE)
    write_boot_id(tmp_path)
    return State(str(tmp_path / "guest-routes"), str(tmp_path / "lib"), root=str(tmp_path))


def document(
    kind: str = "ipv4",
    properties: ServerProperty = ServerProperty(),  # noqa: B008
    source: Source = "http",
    **subnet: Any,
) -> Document:
    links = [{"id": f"tap{n}", "type": "tap", "ethernet_mac_address": mac} for n, mac in enumerate(MACS)]
    first = {"id": "n0", "link": "tap0", "type": "ipv4", "ip_address": "10.65.0.7", "netmask": "24"}
    second = {"id": "n1", "link": "tap1", "type": kind, **subnet}
    if kind == "ipv4":
        second.update(ip_address="11.8.0.9", netmask="24")
    data = json.dumps({"links": links, "networks": [first, second]}).encode()
    return Document(data, Provenance(source, "x"), properties=properties)


def gathered(state: State, found: Document, settings: Settings = Settings(), **options: Any) -> Evidence:  # noqa: B008
    return gather(found, settings, state, BEFORE.snapshot(settings.table), **options)


def test_the_document_and_one_snapshot_of_the_settings_table(state: State) -> None:
    found = document()
    evidence = gathered(state, found)
    assert (evidence.document, len(evidence.data.networks), evidence.kernel.routes) == (found, 2, (DEFAULT,))
    assert gathered(state, found, Settings(table=99)).kernel.routes == (IN_TABLE_99,)


def test_a_document_that_is_complete_needs_no_leases(state: State) -> None:
    evidence = gathered(state, document())
    assert (evidence.leases, evidence.lease_routes, evidence.properties) == (None, (), ())


def test_leases_of_the_nics_whose_routes_it_omits(state: State) -> None:
    """eth0's routes are known; what a lease has that is no host route is a note."""
    evidence = gathered(state, document("ipv4_dhcp"))
    assert evidence.leases is not None and [lease.nic for lease in evidence.leases.leases] == ["eth1"]
    assert [str(route) for route in evidence.lease_routes] == ["12.0.0.0/8,11.8.0.1"]
    assert len(evidence.notes) == 1 and "224.0.0.0/4 is multicast" in str(evidence.notes[0])


@pytest.mark.parametrize("settings", [Settings(sources=("http",)), Settings(ignore_nics=("eth1",))])
def test_leases_only_where_they_are_wanted(state: State, settings: Settings) -> None:
    assert gathered(state, document("ipv4_dhcp"), settings).leases is None


@pytest.mark.parametrize("kind, subnet", [("ipv6_slaac", {}), ("ipv4_dhcp", {"link": "elsewhere"})])
def test_networks_that_no_lease_can_be_for(state: State, kind: str, subnet: Any) -> None:
    assert gathered(state, document(kind, **subnet)).leases is None


PROPERTY = ServerProperty(True, '"13.0.0.0/8,11.8.0.1 nonsense"')


def test_the_property_that_came_with_it(state: State) -> None:
    evidence = gathered(state, document(properties=PROPERTY))
    assert [str(route) for route in evidence.properties] == ["13.0.0.0/8,11.8.0.1"]
    assert [problem.place for problem in evidence.problems if problem.refused] == [
        "meta.guest_routes[1] of meta_data.json"
    ]
    assert gathered(state, document(properties=PROPERTY), Settings(sources=("http",))).properties == ()


@pytest.mark.parametrize("found, known", [
    (document(), True), (document(properties=ServerProperty(True)), False), (document(source="config-drive"), True),
    (document(source="argument"), True), (document(source="leases"), False),
])  # fmt: skip
def test_the_property_of_the_last_known_good(state: State, found: Document, known: bool) -> None:
    """Only where meta_data.json didn't come: where it came without the property, that is its last word."""
    state.keep(document(properties=PROPERTY), tuple(nic.mac for nic in NICS), 1.0)
    assert (len(gathered(state, found).properties) == 1) == known


def test_what_the_last_accepted_document_described(state: State) -> None:
    macs = tuple(nic.mac for nic in NICS)
    assert gathered(state, document()).known_macs == ()
    state.keep(document(), macs, 1.0)
    assert gathered(state, document()).known_macs == macs
    assert gathered(state, document(source="last-known-good")).known_macs == ()


def test_recorded_defaults(state: State) -> None:
    state.record_defaults([RecordedDefault(DEFAULT)], NICS)
    assert gathered(state, document()).recorded_defaults == (DEFAULT,)


def _counts(state: State, found: Document) -> Tuple[int, int]:
    return gathered(state, found).agreeing_fetches, gathered(state, found, fetched=True).agreeing_fetches


def test_only_fetched_documents_agree_with_each_other(state: State) -> None:
    found = document("ipv4_dhcp")
    assert _counts(state, found) == (0, 1)
    state.count_agreement(disputable(gathered(state, found)), 1)
    assert _counts(state, found) == (0, 2)
    Path(state.root, "run/systemd/netif/leases/3").write_text("ADDRESS=11.8.0.9\n")
    assert _counts(state, found) == (0, 1)  # the same document with other leases


def test_again_after_the_kernel_has_changed(state: State) -> None:
    """A copy of a host route that came meanwhile has its lease (R20), and the document has been fetched once (R6)."""
    found = document(ip_address="11.8.0.9", netmask="24", routes=[{"network": "12.0.0.0/8", "gateway": "11.8.0.1"}])
    before = gathered(state, found, fetched=True)
    state.count_agreement(disputable(before), before.agreeing_fetches)
    state.record_defaults([RecordedDefault(DEFAULT)], NICS)
    copy = Route(parse_prefix("12.0.0.0/8"), parse_address("11.8.0.1"), 3, protocol=4)
    now = KernelState(NICS, (copy,))
    again = gather_again(before, Settings(), state, now)
    assert (before.copied_leases, before.recorded_defaults, before.agreeing_fetches) == (None, (), 1)
    assert (again.kernel, again.recorded_defaults, again.agreeing_fetches) == (now, (DEFAULT,), 1)
    assert again.copied_leases is not None and [lease.ifindex for lease in again.copied_leases.leases] == [3]
    assert again == gather(found, Settings(), state, now, fetched=True)._replace(
        agreeing_fetches=1, copied_leases=again.copied_leases
    )


def test_a_document_that_is_none(state: State) -> None:
    with pytest.raises(NetworkDataError):
        gathered(state, Document(b"[]", Provenance("argument", "x")))


@pytest.mark.parametrize("sources, used", [
    (Settings().sources, True), (("properties", "http", "leases"), False),
])  # fmt: skip
def test_a_last_known_good_that_is_turned_off_is_no_evidence(state: State, sources: Any, used: bool) -> None:
    macs = tuple(nic.mac for nic in NICS)
    state.keep(document(properties=PROPERTY), macs, 1.0)
    evidence = gathered(state, document(), Settings(sources=sources))
    assert (bool(evidence.known_macs), bool(evidence.properties), evidence.replaceable) == (used, used, used)


def test_what_the_command_line_names_is_compared_with_it_all_the_same(state: State) -> None:
    macs = tuple(nic.mac for nic in NICS)
    state.keep(document(), macs, 1.0)
    assert gathered(state, document(source="argument"), Settings(sources=())).known_macs == macs
