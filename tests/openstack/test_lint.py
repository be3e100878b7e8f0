"""`lint` on Neutron's own answer: each command, run as it is printed, leaves nothing to complain about."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Iterator

import pytest

from tests.openstack.test_chain import NEUTRON, Cloud, pytestmark  # noqa: F401
from tests.support.lab import Lab

CLOUDS = """\
clouds:
  here:
    auth_type: none
    endpoint: http://127.0.0.1:9696
    network_endpoint_override: http://127.0.0.1:9696
"""


@pytest.fixture
def cloud(lab: Lab, tmp_path: Path) -> Iterator[Cloud]:
    """One cloud."""
    yield Cloud(lab, tmp_path)


def linted(cloud: Cloud) -> subprocess.CompletedProcess[str]:
    """`openstack subnet list --long -f json | guest-routes lint`"""
    return cloud.lab.run("lint", stdin=cloud.openstack("subnet list --long -f json"))


def test_every_command_as_printed_leaves_nothing_to_find(cloud: Cloud) -> None:
    for host_route in (
        "11.11.0.0/16,gateway=11.8.0.99",
        "169.254.0.0/16,gateway=11.8.0.1",
        "11.12.0.0/16,gateway=9.9.9.9",
    ):
        cloud.openstack(f"subnet set --host-route destination={host_route} A")
    for host_route in (
        "11.11.0.0/16,gateway=11.8.0.98",
        "11.13.0.0/16,gateway=11.8.0.1",
        "11.13.0.0/16,gateway=10.65.0.1",
    ):
        cloud.openstack(f"subnet set --host-route destination={host_route} B")
    ran = linted(cloud)
    assert (ran.returncode, ran.stdout.splitlines()[-1]) == (1, "5 findings in 6 host routes of 2 subnets")
    for line in ran.stdout.splitlines():
        if line.strip().startswith("openstack "):
            cloud.openstack(line.strip()[len("openstack ") :])
    ran = linted(cloud)
    assert (ran.returncode, ran.stdout) == (0, "nothing found in 2 host routes of 2 subnets\n")


def test_the_same_by_the_clouds_api(cloud: Cloud, tmp_path: Path) -> None:
    cloud.openstack("subnet set --host-route destination=11.11.0.0/16,gateway=11.8.0.99 A")
    (tmp_path / "clouds.yaml").write_text(CLOUDS)
    environment = f"OS_CLIENT_CONFIG_FILE={tmp_path}/clouds.yaml PYTHONPATH={os.getcwd()}"
    command = f"{environment} {NEUTRON}/python -m guest_routes lint --cloud"
    told = cloud.lab.hypervisor("sh", "-c", f"{command} here; echo $?").splitlines()
    assert told[-2:] == ["1 finding in 1 host route of 2 subnets", "1"]
    refused = cloud.lab.hypervisor("sh", "-c", f"{command} there 2>&1; echo $?").splitlines()
    assert refused[-1] == "2" and refused[0].startswith("guest-routes: --cloud there: Cloud there was not found")
