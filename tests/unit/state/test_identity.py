"""Which instance this is, and whether what was kept is of it (R10)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from guest_routes.model.document import OtherInstance
from guest_routes.model.network import Nic
from guest_routes.state.identity import Identity, boot_id, identity_here, instance_uuid, machine_uuid, other_instance

from .machine import CLONE, MACHINE, MACS, write

HERE = Identity(MACHINE, MACHINE, MACS, "boot-1")
INSTANCE_ID, INSTANCE_DATA = "run/cloud-init/.instance-id", "run/cloud-init/instance-data.json"


@pytest.mark.parametrize("kept, here", [
    (HERE, HERE),
    (HERE._replace(macs=MACS[:1]), HERE),  # a NIC was added
    (HERE, HERE._replace(macs=MACS[:1])),  # one was unplugged, and the DMI uuid proves the machine
    (HERE._replace(machine=""), HERE._replace(macs=MACS[:1])),  # the boot proves it
    (HERE._replace(machine="", uuid=""), HERE._replace(boot="boot-2")),  # all MACs are here
    (HERE._replace(uuid=""), HERE), (HERE, HERE._replace(uuid="", boot="boot-2")),
])  # fmt: skip
def test_what_was_kept_is_of_this_instance(kept: Identity, here: Identity) -> None:
    assert other_instance(kept, here) is None


@pytest.mark.parametrize("kept, here, other", [
    (HERE, HERE._replace(machine=CLONE, uuid=""), OtherInstance("machine", MACHINE, CLONE)),
    (HERE, HERE._replace(uuid=CLONE), OtherInstance("instance", MACHINE, CLONE)),
    (HERE._replace(macs=()), HERE, OtherInstance("no-macs")),
    (HERE, HERE._replace(macs=()), OtherInstance("macs", macs=MACS)),
    (HERE._replace(machine=""), HERE._replace(macs=MACS[:1], boot="boot-2"), OtherInstance("unproven", macs=MACS[1:])),
    (
        HERE._replace(machine="", boot=""), HERE._replace(macs=MACS[:1], boot=""),
        OtherInstance("unproven", macs=MACS[1:]),
    ),
])  # fmt: skip
def test_what_was_kept_is_of_another(kept: Identity, here: Identity, other: OtherInstance) -> None:
    assert other_instance(kept, here) == other


@pytest.mark.parametrize("text", [
    "", "i-0001", "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff", MACHINE[:-1],
    MACHINE + "0", "g" + MACHINE[1:], MACHINE.replace("-", "") + "0000",
])  # fmt: skip
def test_placeholders_are_no_uuid(tmp_path: Path, text: str) -> None:
    """Virtual machines of other clouds have such DMI uuids, each the same."""
    write(tmp_path / INSTANCE_ID, text)
    write(tmp_path / "sys/class/dmi/id/product_uuid", text)
    assert (instance_uuid(str(tmp_path)), machine_uuid(str(tmp_path))) == ("", "")


def test_a_uuid_in_capitals_is_the_same(tmp_path: Path) -> None:
    write(tmp_path / "sys/class/dmi/id/product_uuid", MACHINE.upper() + "\n")
    assert machine_uuid(str(tmp_path)) == MACHINE


@pytest.mark.parametrize("data, uuid", [
    ({"ds": {"meta_data": {"uuid": CLONE}}}, CLONE), ({"ds": {"meta_data": {"uuid": 7}}}, ""), ({"ds": []}, ""),
    ({"ds": {"meta_data": None}}, ""), ({}, ""),
])  # fmt: skip
def test_cloud_inits_instance_data(tmp_path: Path, data: object, uuid: str) -> None:
    write(tmp_path / INSTANCE_ID, "i-0001")
    write(tmp_path / INSTANCE_DATA, json.dumps(data))
    assert instance_uuid(str(tmp_path)) == uuid


def test_cloud_inits_instance_id_comes_first(tmp_path: Path) -> None:
    write(tmp_path / INSTANCE_ID, MACHINE + "\n")
    write(tmp_path / INSTANCE_DATA, json.dumps({"ds": {"meta_data": {"uuid": CLONE}}}))
    assert instance_uuid(str(tmp_path)) == MACHINE


def test_this_instance(root: Path) -> None:
    """A bond's ports have the bond's MAC; their own is the permanent one."""
    nics = (Nic(1, "tun0"), Nic(2, "eth0", MACS[0], permanent_mac=MACS[1]))
    assert identity_here(str(root), nics) == Identity("", MACHINE, (MACS[0], MACS[1]), "boot-1")
    assert (boot_id(str(root)), boot_id("/nowhere")) == ("boot-1", "")
