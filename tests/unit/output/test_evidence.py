"""Where documents and gateways are known from, in words."""

from __future__ import annotations

import pytest

from guest_routes.model.decision import Binding
from guest_routes.model.document import Provenance
from guest_routes.model.evidence import GatewayEvidence
from guest_routes.model.lease import Lease
from guest_routes.model.network import parse_address
from guest_routes.model.network_data import Link, Network
from guest_routes.output.evidence import binding_label, evidence_text, lease_text, provenance_text
from tests.support.reports import ETH0

GATEWAY = parse_address("11.8.0.1")
LEASE = Lease("dhclient", "/var/lib/dhcp/dhclient.eth1.leases", parse_address("11.8.0.9"), "eth1")
NETWORK = Network(3, "network3", "tap3", "ipv4", 4)


@pytest.mark.parametrize(
    "provenance, text",
    [
        (Provenance("http", "http://169.254.169.254", ("eth1",)), "http://169.254.169.254 through eth1"),
        (Provenance("config-drive", "/dev/vdb"), "config drive /dev/vdb"),
        (Provenance("cloud-init", "/run/x.json"), "cloud-init's crawled copy (/run/x.json)"),
        (Provenance("given", "-"), "standard input"),
        (Provenance("given", "/tmp/network_data.json"), "/tmp/network_data.json"),
        (Provenance("leases", "", ("eth0", "eth1")), "none; using the DHCP leases of eth0, eth1"),
        (
            Provenance("last-known-good", "", first=Provenance("config-drive", "/dev/vdb")),
            "last known good (from config drive /dev/vdb)",
        ),
        (Provenance("last-known-good"), "last known good (from unknown)"),
    ],
)
def test_where_a_document_is_from(provenance: Provenance, text: str) -> None:
    assert provenance_text(provenance) == text


@pytest.mark.parametrize(
    "known, text",
    [
        (None, ""),
        (GatewayEvidence("document", "networks[1].routes[0]"), "networks[1].routes[0]"),
        (GatewayEvidence("settings", "gateways[eth1] of /etc/a.yaml"), "gateways[eth1] of /etc/a.yaml"),
        (
            GatewayEvidence("advertised", gateway=GATEWAY, nic="eth1"),
            "the router advertised on eth1: default via 11.8.0.1 dev eth1",
        ),
        (
            GatewayEvidence("kernel", gateway=GATEWAY, nic="eth1"),
            "the kernel's default route: default via 11.8.0.1 dev eth1",
        ),
        (
            GatewayEvidence("recorded", gateway=GATEWAY, nic="eth1"),
            "a default route removed earlier: default via 11.8.0.1 dev eth1",
        ),
        (
            GatewayEvidence("lease", lease=LEASE, option=121, index=2),
            "eth1's DHCP lease (dhclient, /var/lib/dhcp/dhclient.eth1.leases), option 121[2]",
        ),
    ],
)
def test_where_a_gateway_is_known_from(known: GatewayEvidence | None, text: str) -> None:
    assert evidence_text(known) == text


def test_which_option_of_a_lease_and_that_it_has_expired() -> None:
    known = GatewayEvidence("lease", lease=LEASE, option=3, expired=True)
    label = "DHCP lease (dhclient, /var/lib/dhcp/dhclient.eth1.leases)"
    assert lease_text(known, LEASE) == f"{label}, option 3 (which has expired)"


@pytest.mark.parametrize(
    "binding, label",
    [
        (Binding(NETWORK, None, ETH0), "eth0"),
        (Binding(NETWORK, None, None, ignored="docker0"), "docker0"),
        (Binding(NETWORK, Link(3, "tap3", "ovs", bytes.fromhex("fa163e000009")), None),
         "the NIC with MAC fa:16:3e:00:00:09"),
        (Binding(NETWORK, None, None), "networks[3]"),
        (Binding(None, None, None), "?"),
    ],
)  # fmt: skip
def test_what_a_network_s_nic_is_called(binding: Binding, label: str) -> None:
    assert binding_label(binding) == label
