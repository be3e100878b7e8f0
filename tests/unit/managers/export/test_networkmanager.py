"""Connection profiles for NetworkManager: whole texts."""

from __future__ import annotations

import configparser
from typing import Dict

from guest_routes.managers.export.networkmanager import networkmanager
from guest_routes.model.configuration import Export, ExportNote
from tests.support.nics import DHCP_ETH1, SLAAC_ETH0, SLAAC_ETH1, STATIC_ETH0, STATIC_ETH1


def read(text: str) -> Dict[str, Dict[str, str]]:
    parser = configparser.ConfigParser()
    parser.read_string(text)
    return {name: dict(parser[name]) for name in parser.sections()}


def test_static_nics() -> None:
    made = networkmanager([STATIC_ETH0, STATIC_ETH1], {})
    first, second = made.files
    assert first.path == "/etc/NetworkManager/system-connections/guest-routes-eth0.nmconnection"
    assert (first.mode, second.mode) == (0o600, 0o600)
    assert first.text.startswith("# By guest-routes export, for eth0 (fa:16:3e:00:00:01): the IPv4 default route, ")
    assert read(first.text) == {
        "connection": {"id": "guest-routes eth0", "type": "ethernet", "autoconnect-priority": "200"},
        "ethernet": {"mac-address": "FA:16:3E:00:00:01"},
        "ipv4": {"method": "manual", "address1": "10.65.0.7/24", "route1": "0.0.0.0/0,10.65.0.1"},
        "ipv6": {"method": "manual", "address1": "fd00:65::7/64", "route1": "::/0,fd00:65::1"},
    }
    value = read(second.text)
    assert value["ipv4"] == {
        "method": "manual",
        "address1": "11.8.0.9/24",
        "never-default": "true",
        "route1": "11.11.0.0/16,11.8.0.1",
    }
    assert value["ipv6"] == {
        "method": "link-local",
        "never-default": "true",
        "route1": "fd00:11:11::/48,fd00:8::1",
        "route1_options": "onlink=true",
    }
    assert made.notes == (
        ExportNote("precedes-profiles", ("eth0", "eth1")),
        ExportNote("apply", ("eth0", "eth1"), format_name="networkmanager"),
    )


def test_dhcp_offers_no_routes() -> None:
    value = read(networkmanager([DHCP_ETH1], {}).files[0].text)
    assert value["ipv4"] == {
        "method": "auto",
        "never-default": "true",
        "ignore-auto-routes": "true",
        "route1": "11.11.0.0/16,11.8.0.1",
    }
    assert value["ipv6"] == {"method": "link-local"}


def test_the_router_s_default_is_left_to_the_router() -> None:
    first, second = (read(file.text) for file in networkmanager([SLAAC_ETH0, SLAAC_ETH1], {}).files)
    assert first["ipv6"] == {"method": "auto"}
    assert second["ipv4"] == {"method": "disabled", "never-default": "true"}
    assert second["ipv6"]["never-default"] == "true"


def test_nothing_makes_nothing() -> None:
    assert networkmanager([], {}) == Export(())
