"""Which device a link of the document is, where a MAC alone doesn't tell (R2)."""

from __future__ import annotations

from typing import Dict, Optional

import pytest

from guest_routes.model.network import Nic, Prefix, parse_address
from guest_routes.model.network_data import Link
from guest_routes.routing.bind import find_nic

ONE, TWO, OTHER = (bytes.fromhex(f"fa163e00000{n}") for n in (1, 2, 9))
ADDRESS = Prefix(parse_address("10.65.0.7"), 24)
PHYSICAL = Link(0, "tap0", "tap", ONE)
MEMBERS = Link(1, "tap1", "phy", TWO)
BOND = Link(2, "bond0", "bond", b"", bond_links=("tap0", "tap1"))
VLAN = Link(3, "vlan5", "vlan", OTHER, vlan_id=5, vlan_link="bond0")
LINKS: Dict[str, Link] = {link.id: link for link in (PHYSICAL, MEMBERS, BOND, VLAN)}


@pytest.mark.parametrize(
    ("link", "nics", "found"),
    [
        pytest.param(PHYSICAL, [Nic(2, "eth0", ONE), Nic(3, "eth1", TWO)], "eth0", id="by MAC"),
        pytest.param(PHYSICAL, [Nic(2, "eth0", TWO)], None, id="absent"),
        pytest.param(PHYSICAL, [Nic(2, "eth0", OTHER, permanent_mac=ONE)], "eth0", id="its MAC was changed"),
        pytest.param(
            PHYSICAL,
            [Nic(2, "eth0", ONE, master=3), Nic(3, "br0", ONE, kind="bridge", addresses=(ADDRESS,))],
            "br0",
            id="a bridge over it has the address",
        ),
        pytest.param(
            PHYSICAL,
            [Nic(2, "eth0", ONE), Nic(3, "eth0.5", ONE, kind="vlan", vlan_id=5, parent=2, addresses=(ADDRESS,))],
            "eth0",
            id="a VLAN on it is another link",
        ),
        pytest.param(
            BOND,
            [
                Nic(2, "eth0", ONE, master=4),
                Nic(3, "eth1", ONE, master=4, permanent_mac=TWO),
                Nic(4, "bond0", ONE, kind="bond"),
            ],
            "bond0",
            id="a bond with its first member's MAC",
        ),
        pytest.param(
            VLAN,
            [
                Nic(4, "bond0", ONE, kind="bond"),
                Nic(5, "bond0.5", OTHER, kind="vlan", vlan_id=5, parent=4),
                Nic(6, "eth7.5", OTHER, kind="vlan", vlan_id=5, parent=7),
            ],
            "bond0.5",
            id="a VLAN by its id and what it stands on",
        ),
        pytest.param(
            VLAN, [Nic(4, "bond0", ONE, kind="bond"), Nic(5, "v", ONE, kind="vlan", vlan_id=5, parent=4)], "v",
            id="a VLAN with its parent's MAC",
        ),
        pytest.param(VLAN, [Nic(5, "v", OTHER, kind="vlan", vlan_id=6, parent=4)], None, id="another VLAN id"),
    ],
)  # fmt: skip
def test_find_nic(link: Link, nics: list[Nic], found: Optional[str]) -> None:
    nic = find_nic(link, LINKS, nics, ADDRESS)
    assert (nic.name if nic else None) == found


def test_a_vlan_on_itself_is_no_endless_search() -> None:
    loop = Link(0, "loop", "vlan", OTHER, vlan_id=5, vlan_link="loop")
    assert find_nic(loop, {"loop": loop}, [Nic(2, "eth0", ONE)]) is None
