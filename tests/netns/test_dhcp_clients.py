"""Real DHCP clients of Debian 12, real dnsmasq with Neutron's options, and what guest-routes makes of the leases.

Same subnet: the host route is listed under the subnet of the NIC that it is for, as each client gets it right (but for
udhcpc, whose script of Debian's ignores option 121). Cross: listed under eth0's subnet, its next hop is eth1's gateway.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Callable, Dict, Iterator, List

import pytest

from tests.support.dhcp import ETH0, ETH1, ROUTE, DhcpLab, Subnet
from tests.support.lab import MACS, Lab, write_document
from tests.support.passes import run
from tests.support.service import Start

pytestmark = pytest.mark.packages

SAME = (ETH0, ETH1._replace(host_routes=(ROUTE,)))
CROSS = (ETH0._replace(host_routes=(ROUTE,)), ETH1)
SILENT = {
    "links": [{"id": f"tap{n}", "type": "tap", "ethernet_mac_address": mac} for n, mac in enumerate(MACS[:2])],
    "networks": [{"id": f"network{n}", "type": "ipv4_dhcp", "link": f"tap{n}", "network_id": f"n{n}"} for n in (0, 1)],
    "services": [],
}
"""What Nova says of subnets with DHCP enabled, from 27.3 on."""
HOOK = Path(__file__).parents[2] / "packaging/udhcpc/guest-routes"


def _udhcpc(made: DhcpLab) -> None:
    made.debian.write("/usr/local/lib/udhcpc-guest-routes", HOOK.read_text(), 0o755)
    for subnet in made.subnets:
        made.udhcpc(subnet, "-s", "/usr/local/lib/udhcpc-guest-routes", "-O", "staticroutes", "-O", "msstaticroutes")


CLIENTS: Dict[str, Callable[[DhcpLab], object]] = {
    "systemd-networkd": lambda made: made.networkd(),
    "NetworkManager": lambda made: made.network_manager(),
    "NetworkManager-dhclient": lambda made: made.network_manager("dhclient"),
    "dhclient": lambda made: [made.dhclient(subnet) for subnet in made.subnets],
    "dhcpcd": lambda made: [made.dhcpcd(subnet) for subnet in made.subnets],
    "udhcpc": _udhcpc,
}
GETS_IT_RIGHT = [name for name in CLIENTS if name != "udhcpc"]


@pytest.fixture
def make(lab: Lab) -> Iterator[Callable[..., DhcpLab]]:
    """Makes the DHCP lab, once."""
    made: List[DhcpLab] = []

    def once(*subnets: Subnet) -> DhcpLab:
        made.append(DhcpLab(lab, *subnets))
        return made[0]

    yield once
    for one in made:
        one.close()


def ways(lab: Lab) -> Dict[str, str]:
    """Each destination's way in the kernel, by the kernel's own choice among routes of one destination."""
    found: Dict[str, str] = {}
    routes = json.loads(lab.ip("-4", "-j", "route", "show", "table", "main"))
    for route in sorted(routes, key=lambda one: one.get("metric", 0)):
        found.setdefault(route["dst"], f"via {route['gateway']} dev {route['dev']}" if "gateway" in route else "")
    return {dst: way for dst, way in found.items() if way}


def take_the_leases(made: DhcpLab) -> None:
    """The clients' files under their real paths, as they would be in an instance."""
    import shutil
    import subprocess

    folders = "run/systemd/netif run/NetworkManager var/lib/dhcp var/lib/dhcpcd var/lib/NetworkManager"
    for folder in (*folders.split(), "run/guest-routes/leases"):
        shutil.rmtree(f"/{folder}", ignore_errors=True)
        if made.debian.path(folder).exists():
            subprocess.run(["cp", "-a", "--parents", folder, "/"], check=True, cwd=made.debian.root)


def started(make: Callable[..., DhcpLab], client: str, *subnets: Subnet) -> DhcpLab:
    made = make(*subnets)
    CLIENTS[client](made)
    made.wait_for_addresses()
    take_the_leases(made)
    return made


DOCUMENTED = {"default": "via 10.65.0.1 dev eth0", "11.11.0.0/16": "via 11.8.0.1 dev eth1"}


@pytest.mark.parametrize("client", GETS_IT_RIGHT)
def test_same_subnet_is_the_table_that_option_121_makes(make: Callable[..., DhcpLab], lab: Lab, client: str) -> None:
    started(make, client, *SAME)
    by_client = ways(lab)["11.11.0.0/16"]
    assert by_client == DOCUMENTED["11.11.0.0/16"]
    document = write_document(Path("/run/silent.json"), SILENT)
    ran = run(lab, f"sync --metadata {document}")
    assert ran.code == 0, ran
    assert ways(lab) == DOCUMENTED
    assert re.search(
        r"the metadata omits eth1's routes \(networks\[1\], type ipv4_dhcp\); using its DHCP lease", ran.err
    )
    # The client's own route serves, and is adopted; without it, ours is the same.
    for line in lab.routes():
        if line.startswith("11.11.0.0/16"):
            lab.ip("route", "del", *line.split())
    ran = run(lab, f"sync --metadata {document}")
    assert (ran.code, ways(lab)) == (0, DOCUMENTED)
    assert lab.ip("-4", "route", "show", "11.11.0.0/16").split()[5:7] in (["proto", "121"], ["proto", "guest-routes"])


@pytest.mark.parametrize("client", CLIENTS)
def test_cross_nic_comes_out_right_where_the_client_is_wrong(
    make: Callable[..., DhcpLab], lab: Lab, client: str
) -> None:
    started(make, client, *CROSS)
    before = lab.routes()
    assert ways(lab).get("11.11.0.0/16") != DOCUMENTED["11.11.0.0/16"], before
    document = write_document(Path("/run/silent.json"), SILENT)
    ran = run(lab, f"sync --metadata {document}")
    assert ran.code == 0, (ran, before)
    # What the kernel really does.
    assert " via 11.8.0.1 dev eth1 " in lab.ip("route", "get", "11.11.3.4")
    assert " via 10.65.0.1 dev eth0 " in lab.ip("route", "get", "8.8.8.8")
    assert "eth0's DHCP lease" in run(lab, f"explain 11.11.3.4 --metadata {document}").out
    again = run(lab, f"sync --metadata {document}")
    assert again.code == 0 and "nothing to do" in again.out, again
    assert besides(lab) == []


def besides(lab: Lab) -> List[str]:
    """Routes that are neither documented, nor NICs' subnets, nor a manager's on-link ones to a NIC's own gateway."""
    own = {"10.65.0.0/24": "eth0", "10.65.0.1": "eth0", "11.8.0.0/24": "eth1", "11.8.0.1": "eth1"}
    routes = json.loads(lab.ip("-4", "-j", "route", "show", "table", "main"))
    left = [one for one in routes if "gateway" in one or own.get(one["dst"]) != one["dev"]]
    found = [f"{one['dst']} via {one.get('gateway')} dev {one['dev']}" for one in left]
    wanted = [f"{destination} {way}" for destination, way in DOCUMENTED.items()]
    return [text for text in found if text not in wanted] + [text for text in wanted if found.count(text) != 1]


@pytest.mark.parametrize("client", ["systemd-networkd", "NetworkManager", "NetworkManager-dhclient", "dhcpcd"])
def test_copies_that_a_client_makes_anew_go_again_without_a_fight(
    make: Callable[..., DhcpLab], lab: Lab, start: Start, client: str
) -> None:
    """R20, under the service: a client that starts anew configures its NIC as at a renewal."""
    made = started(make, client, *CROSS)
    service = start("--metadata", str(write_document(Path("/run/silent.json"), SILENT)))
    service.wait(lambda: besides(lab) == [])
    for _ in range(2):
        for child in list(made._children[2:]):  # The first two are the servers.
            made.stop(child)
        CLIENTS[client](made)
        made.wait_for_addresses()
        take_the_leases(made)
        service.wait(lambda: besides(lab) == [], 30, "the documented table")
    assert service.record["conflicts"] == []


@pytest.mark.parametrize("client", CLIENTS)
def test_without_any_document_the_leases_are_enough(make: Callable[..., DhcpLab], lab: Lab, client: str) -> None:
    """And the client may be gone. The default stays where the client has it: by the NIC that was answered first."""
    made = started(make, client, *CROSS)
    for child in list(made._children):
        made.stop(child)
    default = ways(lab).get("default", DOCUMENTED["default"])
    ran = run(lab, "sync --sources settings,properties,config-drive,last-known-good,leases")
    assert ran.code == 0, ran
    assert "no metadata" in ran.err and "using the DHCP leases of eth0, eth1" in ran.err
    assert " via 11.8.0.1 dev eth1 " in lab.ip("route", "get", "11.11.3.4")
    assert f" {default} " in lab.ip("route", "get", "8.8.8.8")


def test_slaac_by_a_router_that_announced_itself(make: Callable[..., DhcpLab], lab: Lab) -> None:
    """For IPv6 the router advertised is a NIC's gateway; dnsmasq advertises, the kernel listens."""
    made = make()
    for nic, mac, net in (("eth0", MACS[0], "fd00:65"), ("eth1", MACS[1], "fd00:8")):
        lab.nic(nic, mac, gateways=(f"{net}::1/64",))
        command = f"""dnsmasq --keep-in-foreground --port=0 --conf-file=/dev/null --user=root --pid-file=/run/{nic}.pid
            --dhcp-leasefile=/run/{nic}.leases --bind-dynamic --interface=tap-{nic} --except-interface=lo
            --enable-ra --dhcp-range={net}::,ra-only,64,3600"""
        made.start(*command.split(), hypervisor=True)
    made.wait(lambda: lab.ip("-6", "route", "show", "default").count("proto ra") == 2, "two advertised routers")
    networks = [{"id": f"network{n}", "type": "ipv6_slaac", "link": f"tap{n}", "network_id": f"n{n}"} for n in (0, 1)]
    document = write_document(Path("/run/slaac.json"), {**SILENT, "networks": networks})
    ran = run(lab, f"sync --metadata {document}")
    router = lab.ip("-6", "route", "show", "default", "dev", "eth0").split()[2]
    assert ran.code == 0, ran
    assert f"using the router advertised on eth0: default via {router} dev eth0" in ran.err
    assert "using the router advertised on eth1" in ran.err
    assert " dev eth0 " in lab.ip("-6", "route", "get", "2001:db8::1")
    assert lab.ip("-6", "route", "show", "default", "dev", "eth1") == ""
