"""R4: default entries that name another NIC than their network's."""

from __future__ import annotations

import json
from typing import Any

from guest_routes.evidence import network_data
from guest_routes.model.settings import Settings
from guest_routes.routing.resolve import resolve
from tests.support.situations import network, situation


def test_a_default_entry_that_names_nobody_gives_way_to_its_network_s_own() -> None:
    """Wherever the network is in the document: one before it can't be read."""
    entries = ("default 11.8.0.1", "default 10.65.0.1", "default 11.8.0.99")
    broken: Any = 7
    for networks in ([network("eth0", "10.65.0.7/24", *entries)], [broken, network("eth0", "10.65.0.7/24", *entries)]):
        data = json.dumps({
            "links": [{"id": "eth0", "type": "phy", "ethernet_mac_address": "fa:16:3e:00:00:00"}],
            "networks": networks,
        }).encode()  # fmt: skip
        evidence = situation([])._replace(data=network_data.parse(data))
        place = f"networks[{len(networks) - 1}].routes"
        missed = resolve(evidence, Settings()).unresolved
        assert [(one.kind, one.host.place, one.winner and one.winner.place) for one in missed] == [
            ("conflict", f"{place}[0]", f"{place}[1]"),
            ("conflict", f"{place}[2]", f"{place}[1]"),
        ]


def test_a_default_by_an_address_of_this_machine_is_refused() -> None:
    networks = [
        network("eth0", "10.65.0.7/24", "default 10.65.0.7", "default 11.8.0.9"),
        network("eth1", "11.8.0.9/24"),
    ]
    missed = resolve(situation(networks), Settings()).unresolved
    assert [(one.kind, one.own, one.owner, one.host.place) for one in missed] == [
        ("refused", "next-hop", "eth0", "networks[0].routes[0]"),
        ("refused", "next-hop", "eth1", "networks[0].routes[1]"),
    ]
