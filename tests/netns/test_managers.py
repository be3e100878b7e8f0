"""Beside the real network managers of Debian 12, with what the real cloud-init renders for them."""

from __future__ import annotations

from typing import List

import pytest

from tests.support.lab import Lab
from tests.support.managers import RENDERERS, SEED, Managers
from tests.support.passes import table

pytestmark = pytest.mark.packages


def wherefrom(lab: Lab) -> List[str]:
    """The NICs of the IPv4 defaults in the table, and the one that the documented remote host is reached by."""
    defaults = [line.split()[line.split().index("dev") + 1] for line in lab.routes() if line.startswith("default")]
    remote = lab.ip("route", "get", "11.11.3.4").split()
    return [*sorted(defaults), remote[remote.index("dev") + 1]]


LEFT = {
    ("networkd", "documented"): ["eth0", "eth1", "eth1"],
    ("netplan", "documented"): ["eth0", "eth1", "eth1"],
    ("networkmanager", "documented"): ["eth0", "eth1", "eth1"],
    ("networkmanager", "wrong-subnet"): ["eth0", "eth1", "eth0"],
}
"""What a manager alone ends with, where that isn't a matter of chance: see docs/network-managers.md."""


@pytest.mark.parametrize("document", ["documented", "wrong-subnet"])
@pytest.mark.parametrize("manager", RENDERERS)
def test_one_pass_puts_right_what_a_manager_has_left(lab: Lab, managers: Managers, manager: str, document: str) -> None:
    managers.render(document, manager)
    managers.bring_up(manager)
    if (manager, document) in LEFT:
        assert wherefrom(lab) == LEFT[manager, document]
    ran = lab.run("sync", "--metadata", str(managers.path(f"{SEED}/network_data.json")))
    assert ran.returncode == 0, ran.stderr
    assert wherefrom(lab) == ["eth0", "eth1"], "\n".join(table(lab))
