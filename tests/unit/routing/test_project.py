"""The evidence as it will be once the document's NICs are configured."""

from __future__ import annotations

from typing import List

import pytest

from guest_routes.model.settings import Settings
from guest_routes.routing.project import project
from tests.support.reports import evidence
from tests.support.situations import network, nic, situation

NETWORKS = [
    network("eth0", "10.65.0.7/24", "default 10.65.0.1"),
    network("eth0", "fd00:65::7/64", "default fd00:65::1"),
    network("eth1", "11.8.0.9/24"),
]
KERNEL = """
nic eth0 fa:16:3e:00:00:00 10.65.0.200/24 down
nic eth1 fa:16:3e:00:00:01 11.8.0.9/24 no-carrier
nic tun0 02:00:00:00:00:07 down
"""


def test_nics_are_up_and_have_the_documents_addresses() -> None:
    evidence = situation(NETWORKS, KERNEL)
    found = project(evidence, Settings())
    assert found.projected
    assert not evidence.projected
    assert all(one.up and one.running for one in found.kernel.nics)
    assert [str(a) for a in nic(found.kernel, "eth0").addresses] == ["10.65.0.200/24", "10.65.0.7/24", "fd00:65::7/64"]
    assert [str(a) for a in nic(found.kernel, "eth1").addresses] == ["11.8.0.9/24"]
    assert nic(found.kernel, "tun0").addresses == ()


def test_all_else_stays() -> None:
    evidence = situation(
        NETWORKS, f"{KERNEL}11.0.0.0/8 via 11.8.0.1 dev eth1\nrecorded default via 11.8.0.1 dev eth1\n"
    )
    found = project(evidence, Settings())
    assert found._replace(kernel=evidence.kernel, projected=False) == evidence
    assert (found.kernel.routes, found.kernel.rules) == (evidence.kernel.routes, evidence.kernel.rules)


def test_an_ignored_nic_gets_no_address() -> None:
    found = project(situation(NETWORKS, KERNEL), Settings(ignore_nics=("eth0",)))
    assert [str(a) for a in nic(found.kernel, "eth0").addresses] == ["10.65.0.200/24"]


@pytest.mark.parametrize(
    "ports, left",
    [
        ("nic eth0 fa:16:3e:00:00:01\nnic eth1 fa:16:3e:00:00:02\n", ["eth2"]),
        ("nic eth0 fa:16:3e:00:00:01 fe80::1/64\nnic eth1 fa:16:3e:00:00:02\n", ["eth2"]),
        ("nic eth0 fa:16:3e:00:00:01 11.8.0.9/24\nnic eth1 fa:16:3e:00:00:02\n", ["eth0", "eth1", "eth2"]),
        (
            "nic bond0 fa:16:3e:00:00:01 kind bond\nnic eth0 fa:16:3e:00:00:01 master bond0\n",
            ["bond0", "eth0", "eth2"],
        ),
    ],
)
def test_a_port_is_not_the_bond_that_is_yet_to_be_made_of_it(ports: str, left: List[str]) -> None:
    found = project(evidence("bond", f"{ports}nic eth2 fa:16:3e:00:00:03\n"), Settings())
    assert [one.name for one in found.kernel.nics] == left
