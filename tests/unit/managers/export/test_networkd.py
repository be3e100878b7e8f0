"""Files for systemd-networkd and netplan: whole texts."""

from __future__ import annotations

from typing import Any

from guest_routes.managers.export.networkd import netplan, networkd
from guest_routes.model.configuration import Export, ExportNote
from tests.support.nics import DHCP_ETH0, DHCP_ETH1, SLAAC_ETH0, SLAAC_ETH1, STATIC_ETH0, STATIC_ETH1, nic_routes
from tests.support.reports import prefix

HEAD = "# By guest-routes export, for"


def test_a_static_nic_gets_a_file_of_its_own() -> None:
    made = networkd([STATIC_ETH0, STATIC_ETH1], {2: "/run/systemd/network/10-netplan-eth0.network"})
    first, second = made.files
    assert (first.path, first.mode) == ("/etc/systemd/network/05-guest-routes-eth0.network", 0o644)
    assert (
        first.text
        == f"""{HEAD} eth0 (fa:16:3e:00:00:01): the IPv4 default route, the IPv6 default route
[Match]
MACAddress=fa:16:3e:00:00:01
Type=ether

[Network]
DHCP=no
IPv6AcceptRA=no
Address=10.65.0.7/24
Address=fd00:65::7/64

[Route]
Destination=0.0.0.0/0
Gateway=10.65.0.1

[Route]
Destination=::/0
Gateway=fd00:65::1
"""
    )
    assert (
        second.text.partition("Address=11.8.0.9/24\n")[2]
        == """
[Route]
Destination=11.11.0.0/16
Gateway=11.8.0.1

[Route]
Destination=fd00:11:11::/48
Gateway=fd00:8::1
GatewayOnLink=yes
"""
    )
    assert made.notes == (
        ExportNote(
            "replaces-file", ("eth0",), path=first.path, replaced="/run/systemd/network/10-netplan-eth0.network"
        ),
        ExportNote("replaces-file", ("eth1",), path=second.path),
        ExportNote("apply", ("eth0", "eth1"), format_name="networkd"),
    )


def test_a_nic_with_dhcp_gets_a_drop_in_beside_the_file_in_charge() -> None:
    made = networkd([DHCP_ETH1], {3: "/usr/lib/systemd/network/80-dhcp.network"})
    (only,) = made.files
    assert only.path == "/etc/systemd/network/80-dhcp.network.d/50-guest-routes.conf"
    assert (
        only.text
        == f"""{HEAD} eth1 (fa:16:3e:00:00:02): no IPv4 default route, 1 host route
[DHCPv4]
UseRoutes=no
UseGateway=no

[Route]
Destination=11.11.0.0/16
Gateway=11.8.0.1
"""
    )
    assert made.notes == (ExportNote("apply", ("eth1",), format_name="networkd"),)


def test_a_nic_with_dhcp_and_no_file_in_charge_gets_a_whole_one() -> None:
    (only,) = networkd([DHCP_ETH0], {}).files
    assert "[Network]\nDHCP=ipv4\nIPv6AcceptRA=no\n\n[DHCPv4]\nUseRoutes=no\nUseGateway=no\n\n[Route]\n" in only.text


def test_a_nic_with_dhcp_and_a_static_address_gets_a_whole_one() -> None:
    both = DHCP_ETH0._replace(addresses=(prefix("10.66.0.7/24"),))
    made = networkd([both], {2: "/etc/systemd/network/a.network"})
    assert made.files[0].path.endswith("05-guest-routes-eth0.network")
    assert made.notes[0].replaced == "/etc/systemd/network/a.network"


def test_router_advertisements() -> None:
    first, second = networkd([SLAAC_ETH0, SLAAC_ETH1], {}).files
    assert "DHCP=ipv4\nIPv6AcceptRA=yes\n" in first.text
    assert "[IPv6AcceptRA]" not in first.text
    assert "Destination=::/0" not in first.text
    assert (
        "DHCP=no\nIPv6AcceptRA=yes\n\n[IPv6AcceptRA]\nUseGateway=no\n\n[Route]\nDestination=fd00:11:11::/48"
        in second.text
    )


def test_dhcp_for_both_families_without_router_advertisements() -> None:
    (only,) = networkd([nic_routes(dynamic=(4, 6))], {}).files
    assert "DHCP=yes\n" in only.text
    assert "DHCP=ipv6\n" in networkd([nic_routes(dynamic=(6,))], {}).files[0].text


def test_nothing_makes_nothing() -> None:
    assert networkd([], {}) == netplan([], {}) == Export(())


# ---- netplan ----------------------------------------------------------------------------------------


def read(text: str) -> Any:
    yaml = __import__("pytest").importorskip("yaml")
    return yaml.safe_load(text)["network"]["ethernets"]


def test_netplan_with_static_nics() -> None:
    made = netplan([STATIC_ETH0, STATIC_ETH1], {})
    (only,) = made.files
    assert (only.path, only.mode) == ("/etc/netplan/90-guest-routes.yaml", 0o600)
    assert read(only.text) == {
        "eth0": {
            "match": {"macaddress": "fa:16:3e:00:00:01"},
            "set-name": "eth0",
            "addresses": ["10.65.0.7/24", "fd00:65::7/64"],
            "routes": [{"to": "0.0.0.0/0", "via": "10.65.0.1"}, {"to": "::/0", "via": "fd00:65::1"}],
        },
        "eth1": {
            "match": {"macaddress": "fa:16:3e:00:00:02"},
            "set-name": "eth1",
            "addresses": ["11.8.0.9/24"],
            "routes": [
                {"to": "11.11.0.0/16", "via": "11.8.0.1"},
                {"to": "fd00:11:11::/48", "via": "fd00:8::1", "on-link": True},
            ],
        },
    }
    assert "    eth1:  # no IPv4 default route, no IPv6 default route, 2 host routes\n" in only.text
    assert made.notes == (
        ExportNote("other-files", ("eth0",)),
        ExportNote("other-files", ("eth1",)),
        ExportNote("apply", ("eth0", "eth1"), format_name="netplan"),
    )


def test_netplan_with_dhcp_and_router_advertisements() -> None:
    made = netplan([SLAAC_ETH0, SLAAC_ETH1, nic_routes(DHCP_ETH1.nic._replace(name="eth2"), dynamic=(4,))], {})
    value = read(made.files[0].text)
    assert value["eth0"]["dhcp4-overrides"] == {"use-routes": False}
    assert value["eth0"]["routes"] == [{"to": "0.0.0.0/0", "via": "10.65.0.1"}]
    assert "dhcp4" not in value["eth1"]
    assert value["eth2"] == {
        "match": {"macaddress": "fa:16:3e:00:00:02"},
        "set-name": "eth2",
        "dhcp4": True,
        "dhcp4-overrides": {"use-routes": False},
    }
    assert made.notes == (
        ExportNote("router-default", ("eth1",)),
        ExportNote("apply", ("eth0", "eth1", "eth2"), format_name="netplan"),
    )
