"""Two NICs in two networks of one prefix: a host route is the NIC's whose network or lease lists it (R2, R3)."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List

import pytest

from tests.support.lab import MACS, Lab, write_document
from tests.support.passes import run

ROUTER = "10.0.0.1"
LISTED = ("11.11.0.0/16", "12.12.0.0/16")
WANTED = [f"{to} via {ROUTER} dev eth{index} proto 121" for index, to in enumerate(LISTED)]


def start(lab: Lab) -> None:
    for index in (0, 1):
        lab.nic(f"eth{index}", MACS[index], f"10.0.0.{7 + index}/24")


def network(index: int, *destinations: str) -> Dict[str, Any]:
    routes = [
        {"network": to.partition("/")[0], "netmask": to.partition("/")[2], "gateway": ROUTER} for to in destinations
    ]
    own = {"type": "ipv4", "ip_address": f"10.0.0.{7 + index}", "netmask": "24", "routes": routes}
    return {"id": f"network{index}", "link": f"tap{index}", **own}


def lease(lab: Lab, index: int, *destinations: str) -> Dict[str, Any]:
    """Written as systemd-networkd does; the document has none of it."""
    number = lab.ip("-o", "link", "show", f"eth{index}").partition(":")[0]
    path = Path(f"/run/systemd/netif/leases/{number}")
    path.parent.mkdir(parents=True, exist_ok=True)
    routes = " ".join(f"{to},{ROUTER}" for to in destinations)
    path.write_text(f"ADDRESS=10.0.0.{7 + index}\nCLASSLESS_ROUTES={routes}\n")
    return {"id": f"network{index}", "link": f"tap{index}", "type": "ipv4_dhcp"}


def write(tmp_path: Path, networks: List[Dict[str, Any]]) -> str:
    links = [{"id": f"tap{n}", "type": "tap", "ethernet_mac_address": MACS[n]} for n in (0, 1)]
    path = write_document(tmp_path / "network_data.json", {"links": links, "networks": networks, "services": []})
    return f"--metadata {path}"


@pytest.mark.parametrize("routed", [True, False], ids=["with a default", "without"])
@pytest.mark.parametrize("by", ["document", "lease"])
def test_each_route_leaves_by_the_nic_that_lists_it(lab: Lab, tmp_path: Path, by: str, routed: bool) -> None:
    start(lab)
    own = ["0.0.0.0/0"] if routed else []
    networks = [
        network(index, to, *own) if by == "document" else lease(lab, index, to, *own) for index, to in enumerate(LISTED)
    ]
    ran = run(lab, f"sync {write(tmp_path, networks)}")
    assert ran.code == 0, ran
    assert [
        line.replace("guest-routes", "121") for line in lab.routes() if "10.0.0.1 " in line and line[:3] != "def"
    ] == WANTED
    what = "the gateway" if routed else "in a subnet"
    assert f"ambiguous: it is {what} of eth0 too" in ran.out, ran
    assert "nothing to do" in run(lab, f"sync {write(tmp_path, networks)}").out
