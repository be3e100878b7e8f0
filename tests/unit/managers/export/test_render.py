"""Which NICs are exported, and the notes that every format has."""

from __future__ import annotations

from typing import Any, Dict

import pytest

from guest_routes.cli.parser import parse
from guest_routes.managers.export.render import FORMATS, export, offline, unknown_routes
from guest_routes.model.configuration import Export, ExportNote
from guest_routes.model.settings import Settings
from guest_routes.settings.route_values import gateway
from guest_routes.settings.values import Place
from tests.support.reports import DEFAULTS, NICS, projected

STACKED: Dict[str, Any] = {
    "links": [
        {"id": "a", "type": "phy", "ethernet_mac_address": "fa:16:3e:00:00:01"},
        {"id": "b", "type": "vlan", "vlan_id": 7, "vlan_link": "a", "vlan_mac_address": "fa:16:3e:00:00:01"},
    ],
    "networks": [
        {"id": "n0", "type": "ipv4", "link": "a", "ip_address": "10.65.0.7", "netmask": "255.255.255.0", "routes": []},
        {"id": "n1", "type": "ipv4", "link": "b", "ip_address": "11.8.0.9", "netmask": "255.255.255.0", "routes": []},
    ],
}


def exported(format_name: str, settings: Settings = DEFAULTS) -> Export:
    return export(projected("wrong-subnet", settings=settings), settings, format_name, {})


@pytest.mark.parametrize("format_name", FORMATS)
def test_the_command_line_offers_every_format(format_name: str) -> None:
    assert parse(["export", "--format", format_name]).format == format_name


METRICS = {
    "networkd": "Gateway=11.8.0.1\nMetric=77\n",
    "netplan": 'via: "11.8.0.1"\n          metric: 77\n',
    "networkmanager": "=11.11.0.0/16,11.8.0.1,77\n",
    "nmstate": 'next-hop-address: "11.8.0.1"\n      next-hop-interface: eth1\n      metric: 77\n',
    "ifupdown": "prepend 'metric 77' 11.11.0.0/16 via 11.8.0.1 dev \"$IFACE\" proto static\n",
    "ip": "prepend 'metric 77' 11.11.0.0/16 via 11.8.0.1 dev \"$nic\" proto static\n",
}


@pytest.mark.parametrize("format_name", FORMATS)
def test_each_format_has_the_settings_metric(format_name: str) -> None:
    text = "".join(file.text for file in exported(format_name, Settings(metric=77)).files)
    assert METRICS[format_name] in text
    assert "77" not in "".join(file.text for file in exported(format_name).files)


@pytest.mark.parametrize("format_name", FORMATS)
def test_each_format_has_the_routes_through_their_nics(format_name: str) -> None:
    text = "".join(file.text for file in exported(format_name).files)
    assert "10.65.0.1" in text
    assert "11.11.0.0/16" in text
    assert "fa:16:3e:00:00:02" in text.lower()


@pytest.mark.parametrize("format_name", FORMATS)
def test_a_document_without_nics_makes_no_file(format_name: str) -> None:
    assert export(projected({"links": [], "networks": []}), Settings(), format_name, {}) == Export(())


def test_nics_that_share_a_mac_are_left_out() -> None:
    kernel = "nic eth0 fa:16:3e:00:00:01 10.65.0.7/24\nnic vlan7 fa:16:3e:00:00:01 kind vlan id 7 on eth0 11.8.0.9/24"
    made = export(projected(STACKED, kernel), Settings(), "netplan", {})
    assert made.notes[-1] == ExportNote("shares-mac", ("vlan7",), nic_kind="vlan")
    assert "vlan7" not in made.files[0].text
    assert "eth0:" in made.files[0].text


def test_another_table_is_not_exported() -> None:
    kinds = [note.kind for note in exported("ip", Settings(table=100)).notes]
    assert kinds == ["apply", "other-table"]
    assert [note.kind for note in exported("ip").notes] == ["apply"]


def test_the_host_route_s_nic_is_by_its_gateway() -> None:
    made = export(projected("wrong-subnet", NICS), Settings(), "networkd", {})
    first, second = made.files
    assert "11.11.0.0/16" not in first.text
    assert "Destination=11.11.0.0/16\nGateway=11.8.0.1" in second.text


def test_a_machine_that_is_not_running_has_nothing_to_reload() -> None:
    decision = projected("wrong-subnet")
    made = export(decision, DEFAULTS, "networkd", {})
    assert [note.kind for note in made.notes] == ["replaces-file", "replaces-file", "apply"]
    kinds = [note.kind for note in offline(made).notes]
    assert kinds == ["replaces-file", "replaces-file"]
    assert offline(made).files == made.files


def test_routes_that_nobody_tells() -> None:
    """The document omits them, and there is no lease, nor a gateway of the settings."""
    assert unknown_routes(projected("dhcp"), None) == ("eth0", "eth1")
    settings = Settings(gateways=(gateway("eth0=10.65.0.1", Place("", "gateways")),))
    assert unknown_routes(projected("dhcp", settings=settings), None) == ("eth1",)
    assert unknown_routes(projected("documented"), None) == ()
