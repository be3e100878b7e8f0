"""The state for nmstate, as YAML reads it."""

from __future__ import annotations

from typing import Any, Dict

import yaml

from guest_routes.managers.export.nmstate import nmstate
from guest_routes.model.configuration import Export, ExportNote
from guest_routes.routing.per_nic import NicRoutes
from tests.support.nics import DHCP_ETH0, DHCP_ETH1, SLAAC_ETH0, SLAAC_ETH1, STATIC_ETH0, STATIC_ETH1, nic_routes


def state(*nics: NicRoutes) -> Dict[str, Any]:
    (file,) = nmstate(nics, {}).files
    value = yaml.safe_load(file.text)
    assert isinstance(value, dict)
    return value


def route(destination: str, gateway: str, nic: str) -> Dict[str, str]:
    return {"destination": destination, "next-hop-address": gateway, "next-hop-interface": nic}


def test_static_nics() -> None:
    made = nmstate([STATIC_ETH0, STATIC_ETH1], {})
    assert (made.files[0].path, made.files[0].mode) == ("/etc/nmstate/guest-routes.yml", 0o600)
    assert made.notes == (
        ExportNote("apply", ("eth0", "eth1"), format_name="nmstate", path="/etc/nmstate/guest-routes.yml"),
    )
    value = state(STATIC_ETH0, STATIC_ETH1)
    assert value["interfaces"][0] == {
        "name": "eth0",
        "type": "ethernet",
        "state": "up",
        "identifier": "mac-address",
        "mac-address": "FA:16:3E:00:00:01",
        "ipv4": {"enabled": True, "dhcp": False, "address": [{"ip": "10.65.0.7", "prefix-length": 24}]},
        "ipv6": {
            "enabled": True,
            "dhcp": False,
            "autoconf": False,
            "address": [{"ip": "fd00:65::7", "prefix-length": 64}],
        },
    }
    assert value["interfaces"][1]["ipv6"] == {"enabled": True, "dhcp": False, "autoconf": False}
    assert value["routes"]["config"] == [
        {"state": "absent", "destination": "0.0.0.0/0", "next-hop-interface": "eth1"},
        {"state": "absent", "destination": "::/0", "next-hop-interface": "eth1"},
        {"state": "absent", "destination": "11.11.0.0/16", "next-hop-address": "11.8.0.1"},
        {"state": "absent", "destination": "fd00:11:11::/48", "next-hop-address": "fd00:8::1"},
        route("0.0.0.0/0", "10.65.0.1", "eth0"),
        route("::/0", "fd00:65::1", "eth0"),
        route("11.11.0.0/16", "11.8.0.1", "eth1"),
        route("fd00:11:11::/48", "fd00:8::1", "eth1"),
    ]


def test_dhcp_offers_no_routes_and_only_the_elected_nic_a_gateway() -> None:
    first, second = state(DHCP_ETH0, DHCP_ETH1)["interfaces"]
    assert first["ipv4"] == {"enabled": True, "dhcp": True, "auto-routes": False}
    assert second["ipv4"] == {"enabled": True, "dhcp": True, "auto-routes": False, "auto-gateway": False}


def test_a_router_s_default_is_taken_by_the_elected_nic_only() -> None:
    value = state(SLAAC_ETH0, SLAAC_ETH1)
    first, second = value["interfaces"]
    assert first["ipv6"] == {"enabled": True, "dhcp": True, "autoconf": True}
    assert second["ipv6"] == {"enabled": True, "dhcp": True, "autoconf": True, "auto-gateway": False}
    assert second["ipv4"] == {"enabled": False}
    assert route("::/0", "fd00:65::1", "eth0") not in value["routes"]["config"]


def test_nothing_to_say() -> None:
    assert nmstate([], {}) == Export(())
    assert "routes" not in state(nic_routes())
