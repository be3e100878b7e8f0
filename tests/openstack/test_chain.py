"""`openstack subnet set --host-route`, Neutron, Nova's document, the metadata service, guest-routes, the kernel.

Neutron, its client and the code that makes the document are OpenStack's own; `make test-openstack` installs them.
"""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any, Dict, Iterator, List

import pytest

from tests.support.lab import MACS, Lab, document
from tests.support.passes import CONNECTED, DOCUMENTED, HOST_ROUTE, run, table

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
NEUTRON, NOVA = ROOT / ".venv-neutron/bin", ROOT / ".venv-nova/bin"
ON_ETH0, ON_ETH1 = "default via 10.65.0.1 dev eth0", "default via 11.8.0.1 dev eth1"

pytestmark = pytest.mark.skipif(
    not all(Path(folder, ".made").exists() for folder in (NEUTRON, NOVA)),
    reason="no Neutron and Nova here; `make test-openstack` installs them",
)


class Cloud:
    """A Neutron with two networks, a subnet and a port on each; and the instance that has these ports."""

    def __init__(self, lab: Lab, folder: Path) -> None:
        self.lab = lab
        self.document = folder / "network_data.json"
        self.ports: List[str] = []
        lab.serve(str(NEUTRON / "python"), str(HERE / "neutron_server.py"), str(folder / "neutron"))
        self._network("A", "10.65.0.0/24", "10.65.0.7", MACS[0])
        self._network("B", "11.8.0.0/24", "11.8.0.9", MACS[1])
        self.boot()
        lab.documented_nics()
        # As an image's first boot leaves it: cloud-init writes every default that it finds.
        lab.ip("route", "append", "default", "via", "10.65.0.1", "dev", "eth0", "proto", "static")
        lab.ip("route", "append", "default", "via", "11.8.0.1", "dev", "eth1", "proto", "static")
        lab.metadata_server(self.document)

    def openstack(self, command: str) -> Any:
        """Runs the `openstack` client; its JSON answer, if it has one."""
        wanted = ["-f", "json"] if "create" in command else []
        client = [str(NEUTRON / "openstack"), "--os-auth-type", "none", "--os-endpoint", "http://127.0.0.1:9696"]
        out = self.lab.hypervisor(*client, *command.split(), *wanted)
        return json.loads(out) if wanted else out

    def paste(self, commands: List[str]) -> None:
        """Runs commands that a message prints in one shell, and Nova's document as it is then."""
        client = f"{NEUTRON / 'openstack'} --os-auth-type none --os-endpoint http://127.0.0.1:9696"
        self.lab.hypervisor("sh", "-euc", "\n".join([f'openstack() {{ {client} "$@"; }}', *commands]))
        self.boot()

    def _network(self, name: str, prefix: str, address: str, mac: str) -> None:
        self.openstack(f"network create {name}")
        self.openstack(f"subnet create {name} --network {name} --subnet-range {prefix} --no-dhcp")
        self.attach(name, address, mac)

    def attach(self, name: str, address: str, mac: str) -> None:
        """A port of this network for the instance."""
        fixed = f"--fixed-ip subnet={name},ip-address={address} --mac-address {mac}"
        self.ports.append(self.openstack(f"port create --network {name} {fixed} {name}")["id"])

    def detach(self, name: str) -> None:
        """Takes the newest port of this network from the instance."""
        self.openstack(f"port delete {name}")
        self.ports.pop()

    def subnet(self, command: str) -> None:
        """`openstack subnet set` or `unset`, and Nova's document as it is then."""
        self.openstack(f"subnet {command}")
        self.boot()

    def boot(self) -> Dict[str, Any]:
        """What Nova serves from now on; the document."""
        text = self.lab.hypervisor(str(NOVA / "python"), str(HERE / "nova_document.py"), *self.ports)
        self.document.write_text(text)
        found: Dict[str, Any] = json.loads(text)
        return found


@pytest.fixture
def cloud(lab: Lab, tmp_path: Path) -> Iterator[Cloud]:
    """One cloud."""
    yield Cloud(lab, tmp_path)


def synced(cloud: Cloud, code: int = 0) -> List[str]:
    """The table after a pass that ends with this code."""
    ran = run(cloud.lab, "sync")
    assert ran.code == code, ran
    return table(cloud.lab)


def test_a_host_route_from_the_client_to_the_kernel(cloud: Cloud) -> None:
    without = [line for line in DOCUMENTED if line != HOST_ROUTE]
    assert synced(cloud) == without, "one default, and no host route yet"

    cloud.subnet("set --host-route destination=11.11.0.0/16,gateway=11.8.0.1 B")
    assert synced(cloud) == DOCUMENTED, "under the subnet that it leaves by"

    cloud.subnet("unset --host-route destination=11.11.0.0/16,gateway=11.8.0.1 B")
    cloud.subnet("set --host-route destination=11.11.0.0/16,gateway=11.8.0.1 A")
    assert synced(cloud) == DOCUMENTED, "under the other subnet: the next hop decides"

    cloud.subnet("set --host-route destination=11.12.0.0/16,gateway=11.8.0.1 A")
    assert synced(cloud) == [*DOCUMENTED, "11.12.0.0/16 via 11.8.0.1 dev eth1 proto 121"], "set appends"

    cloud.subnet("unset --host-route destination=11.12.0.0/16,gateway=11.8.0.1 A")
    assert synced(cloud) == DOCUMENTED, "unset takes one away"


def test_a_next_hop_that_is_no_gateway_and_the_advice_followed(cloud: Cloud) -> None:
    cloud.subnet("set --host-route destination=11.11.0.0/16,gateway=11.8.0.99 A")
    ran = run(cloud.lab, "sync")
    assert (ran.code, table(cloud.lab)[-1]) == (5, CONNECTED[-1])
    # The advice as it stands there: its commands in one shell.
    commands = re.findall(r"`((?:SUBNET=|openstack subnet )[^`]*)`", ran.out)
    assert [one.partition(" --")[0] for one in commands] == [
        "SUBNET=$(openstack subnet list", "openstack subnet set", "openstack subnet unset"
    ]  # fmt: skip
    cloud.paste(commands)
    assert synced(cloud) == DOCUMENTED


def test_gateway_none_and_back(cloud: Cloud) -> None:
    cloud.subnet("set --host-route destination=11.11.0.0/16,gateway=11.8.0.1 A")
    assert synced(cloud) == DOCUMENTED
    cloud.subnet("set --gateway none A")
    assert synced(cloud)[0].split(" proto")[0] == ON_ETH1, "the only documented default"
    cloud.subnet("set --gateway 10.65.0.1 A")
    moved = synced(cloud)
    assert [line.split(" proto")[0] for line in moved if "default" in line] == [ON_ETH0]
    assert moved[-1] == HOST_ROUTE


def test_dhcp_switched_on_and_off(cloud: Cloud) -> None:
    cloud.subnet("set --host-route destination=11.11.0.0/16,gateway=11.8.0.1 A")
    assert synced(cloud) == DOCUMENTED
    for subnet in ("B", "A"):
        cloud.subnet(f"set --dhcp {subnet}")
        run(cloud.lab, "sync")
        assert table(cloud.lab) == DOCUMENTED, f"the document omits {subnet}'s routes; nothing is lost"
    for subnet in ("B", "A"):
        cloud.subnet(f"set --no-dhcp {subnet}")
        run(cloud.lab, "sync")
        assert table(cloud.lab) == DOCUMENTED


def test_a_port_detached_and_attached(cloud: Cloud) -> None:
    cloud.subnet("set --host-route destination=11.11.0.0/16,gateway=11.8.0.1 A")
    assert synced(cloud) == DOCUMENTED
    cloud.detach("B")
    cloud.boot()
    cloud.lab.ip("link", "delete", "eth1")
    assert synced(cloud, 5) == [DOCUMENTED[0], CONNECTED[0]], "no NIC has that gateway any more"
    cloud.attach("B", "11.8.0.20", MACS[2])
    cloud.boot()
    cloud.lab.nic("ens7", MACS[2], "11.8.0.20/24", gateways=("11.8.0.1/24",))
    assert synced(cloud)[-1] == "11.11.0.0/16 via 11.8.0.1 dev ens7 proto 121"


def test_nova_serves_what_the_documents_of_the_tests_say(cloud: Cloud) -> None:
    """What Nova serves is what the tests' documents are made of."""
    cloud.subnet("set --host-route destination=11.11.0.0/16,gateway=11.8.0.1 B")
    networks = cloud.boot()["networks"]
    assert [network["type"] for network in networks] == ["ipv4", "ipv4"]
    assert networks[1]["routes"] == [
        {"network": "0.0.0.0", "netmask": "0.0.0.0", "gateway": "11.8.0.1"},
        {"network": "11.11.0.0", "netmask": "255.255.0.0", "gateway": "11.8.0.1"},
    ]
    with pytest.raises(subprocess.CalledProcessError):
        cloud.openstack("subnet set --host-route destination=11.11.0.0/16,gateway=nonsense B")


def _named_anew(text: str) -> Any:
    """The document with its uuids, which differ each time, replaced in the order they come."""
    names: Dict[str, str] = {}
    uuid = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|tap[0-9a-f]{8}-[0-9a-f]{2}"
    return json.loads(re.sub(uuid, lambda found: names.setdefault(found[0], f"uuid{len(names)}"), text))


def test_the_machines_documents_are_what_the_chain_makes(cloud: Cloud) -> None:
    """`make e2e` boots machines with these: OpenStack's own code need not be there for it."""
    cloud.subnet("set --host-route destination=11.11.0.0/16,gateway=11.8.0.1 A")
    assert _named_anew(cloud.document.read_text()) == _named_anew(document("openstack-chain").read_text())
    for network, prefix in (("A", "fd00:65::/64"), ("B", "fd00:8::/64")):
        announced = "--ip-version 6 --ipv6-ra-mode slaac --ipv6-address-mode slaac"
        cloud.openstack(f"subnet create {network}6 --network {network} --subnet-range {prefix} {announced}")
        cloud.openstack(f"subnet set --dhcp {network}")
    cloud.boot()
    assert _named_anew(cloud.document.read_text()) == _named_anew(document("dual-stack-dhcp").read_text())
