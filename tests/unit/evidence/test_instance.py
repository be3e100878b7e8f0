"""Which uuid is known before anybody is asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from guest_routes.evidence.instance import KnownInstance, known_instance
from guest_routes.state.store import State
from tests.unit.state.machine import FETCHED, MACHINE, MACS, NICS, write

KEPT = "aaaaaaaa-5b6a-4c9e-9a3f-0f6c6a5b1e11"
DMI = "sys/class/dmi/id"


def known(
    tmp_path: Path, product: str = "", machine: str = "", keep: bool = False, cloud_init: str = ""
) -> KnownInstance:
    """What is known on a machine of that product, with a last known good document or none."""
    if cloud_init:
        write(tmp_path / "run/cloud-init/.instance-id", cloud_init + "\n")
    for name, text in (("product_name", product), ("product_uuid", machine)):
        if text:
            write(tmp_path / DMI / name, text + "\n")
    state = State(str(tmp_path / "run"), str(tmp_path / "lib"), root=str(tmp_path))
    if keep:
        state.keep(FETCHED._replace(uuid=KEPT.upper()), list(MACS), 1.0)
    return known_instance(state, NICS)


FROM = ("http://169.254.169.254", ("eth0",))


@pytest.mark.parametrize("product, machine, keep, expected", [
    ("OpenStack Nova", MACHINE.upper(), True, KnownInstance(MACHINE, *FROM)),
    ("", MACHINE, True, KnownInstance(MACHINE, *FROM)),
    ("PowerEdge R640", MACHINE, True, KnownInstance(KEPT, *FROM)),
    ("PowerEdge R640", MACHINE, False, KnownInstance()),
    ("OpenStack Nova", "", True, KnownInstance(KEPT, *FROM)),
    ("OpenStack Nova", MACHINE, False, KnownInstance(MACHINE)),
    ("", "", False, KnownInstance()),
])  # fmt: skip
def test_dmi_where_nova_wrote_it_else_what_was_kept(
    tmp_path: Path, product: str, machine: str, keep: bool, expected: KnownInstance
) -> None:
    """Hardware has a uuid of its own: there it says nothing about the instance."""
    assert known(tmp_path, product, machine, keep) == expected


FOUND = "bbbbbbbb-5b6a-4c9e-9a3f-0f6c6a5b1e11"


@pytest.mark.parametrize("product, machine, cloud_init, expected", [
    ("PowerEdge R640", MACHINE, FOUND.upper(), KnownInstance(FOUND)), ("", "", FOUND, KnownInstance(FOUND)),
    ("OpenStack Nova", MACHINE, FOUND, KnownInstance(MACHINE)), ("", "", "iid-datasource-none", KnownInstance()),
])  # fmt: skip
def test_else_what_cloud_init_found(
    tmp_path: Path, product: str, machine: str, cloud_init: str, expected: KnownInstance
) -> None:
    assert known(tmp_path, product, machine, cloud_init=cloud_init) == expected
