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


@pytest.mark.parametrize("engine", ["rtnetlink", "pyroute2"])
@pytest.mark.parametrize("covering", [["dev", "eth2"], ["via", "fe80::9", "dev", "eth2"]], ids=["on link", "routed"])
def test_two_nics_with_one_ipv6_gateway_that_is_covered(
    lab: Lab, tmp_path: Path, covering: List[str], engine: str
) -> None:
    """As in two networks of one prefix with addresses of 128 bits, the prefix being a third NIC's, too."""
    for index in (0, 1, 2):
        lab.nic(f"eth{index}", MACS[index], f"fd00:{index}::7/{64 if index == 2 else 128}")
    lab.ip("-6", "route", "add", "fd00:65::/64", *covering)
    routes = [
        [{"network": to, "netmask": size, "gateway": "fd00:65::1"} for to, size in ((own, "32"), ("::", "0"))]
        for own in ("fd11::", "fd12::")
    ]
    own = [{"type": "ipv6", "ip_address": f"fd00:{n}::7", "netmask": "128", "routes": routes[n]} for n in (0, 1)]
    networks = [{"id": f"network{n}", "link": f"tap{n}", **own[n]} for n in (0, 1)]
    before = lab.ip("-6", "route")
    assert "default" not in before
    named = f"{write(tmp_path, networks)} --engine {engine}"
    ran = run(lab, f"sync {named}")
    assert ran.code == 0, ran
    there = lab.ip("-6", "route")
    for route in (
        "fd11::/32 via fd00:65::1 dev eth0",
        "fd12::/32 via fd00:65::1 dev eth1",
        "default via fd00:65::1 dev eth0",
    ):
        assert route in there
    assert "nothing to do" in run(lab, f"sync {named}").out
    assert run(lab, "withdraw").code == 0
    left = [line for line in lab.ip("-6", "route").splitlines() if not line.startswith("default")]
    assert left == before.splitlines()
