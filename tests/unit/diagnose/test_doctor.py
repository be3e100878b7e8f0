"""doctor shows the leases that the settings let a pass go by, of every NIC; from where the pass reads them."""

from __future__ import annotations

from pathlib import Path
from typing import List, Tuple

import pytest

from guest_routes.diagnose.doctor import inspect
from guest_routes.diagnose.rehearse import EXAMPLE
from guest_routes.model.network import KernelState, Nic, parse_prefix
from guest_routes.model.settings import SOURCES, Settings
from guest_routes.state.store import State
from tests.support.model_kernel import ModelKernel

NICS = (
    Nic(2, "eth0", bytes.fromhex("fa163e000001"), addresses=(parse_prefix("10.65.0.7/24"),)),
    Nic(3, "eth1", bytes.fromhex("fa163e000002"), addresses=(parse_prefix("11.8.0.9/24"),)),
)
OMITTED = b"""{"links": [{"id": "a", "type": "phy", "ethernet_mac_address": "fa:16:3e:00:00:01"}],
 "networks": [{"id": "n", "type": "ipv4_dhcp", "link": "a"}]}"""
NONE = tuple(source for source in SOURCES if source != "leases")


def leases(tmp_path: Path, sources: Tuple[str, ...], document: bytes) -> Tuple[List[str], List[str]]:
    """The NICs whose lease is shown, and the files that are not used."""
    folder = tmp_path / "run/systemd/netif/leases"
    folder.mkdir(parents=True)
    (folder / "2").write_text("ADDRESS=10.65.0.7\n")
    (folder / "3").write_text("ADDRESS=11.8.0.9\n")
    (tmp_path / "run/NetworkManager/devices").mkdir(parents=True)
    (tmp_path / "run/NetworkManager/devices/3").write_text("[dhcp4]\ndhcp4.ip_address=x\n")
    given = tmp_path / "network_data.json"
    given.write_bytes(document)
    state = State(str(tmp_path / "state"), str(tmp_path / "lib"), root=str(tmp_path))
    settings = Settings(sources=sources, ignore_nics=("eth1",), deadline_seconds=0.1)
    found = inspect(settings, state, ModelKernel(KernelState(NICS, ())), str(given), lambda text: None)
    return [view.nic.name for view in found.nics if view.lease], [str(one) for one in found.unused]


@pytest.mark.parametrize("document", [EXAMPLE, OMITTED, b"no document"])
def test_the_leases_of_every_nic(tmp_path: Path, document: bytes) -> None:
    """Whether or not the document omits the NIC's routes, and once each."""
    shown, unused = leases(tmp_path, SOURCES, document)
    assert shown == ["eth0", "eth1"]
    assert [one.partition(": ")[0] for one in unused] == [f"{tmp_path}/run/NetworkManager/devices/3"]


@pytest.mark.parametrize("document", [EXAMPLE, OMITTED, b"no document"])
def test_none_where_the_settings_turn_leases_off(tmp_path: Path, document: bytes) -> None:
    assert leases(tmp_path, NONE, document) == ([], [])
