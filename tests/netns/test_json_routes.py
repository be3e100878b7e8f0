"""A route in JSON is what `ip -j route` makes of it, on the real kernel."""

from __future__ import annotations

import json
from typing import Any, Dict, List

from guest_routes.kernel.rtnetlink.engine import RtnetlinkKernel
from guest_routes.output.route_text import route_json
from tests.support.lab import Lab, document
from tests.support.passes import documented, valid_json

ODD = """\
route add 10.2.0.0/16 via 10.65.0.1 dev eth0 metric 5 onlink proto 77
route add 10.2.0.7 via 10.65.0.1 dev eth0 proto dhcp
route add 10.3.0.0/16 nexthop via 10.65.0.1 dev eth0 weight 2 nexthop via 11.8.0.1 dev eth1 weight 1
route add blackhole 10.4.0.0/16
route add unreachable 10.4.1.0/24 metric 9
route add 10.5.0.0/16 via inet6 fe80::1 dev eth0
route add 10.6.0.0/16 dev eth0 src 10.65.0.7
nexthop add id 5 via 10.65.0.9 dev eth0
route add 10.9.0.0/16 nhid 5
route add fd01::/64 via fe80::9 dev eth1 proto static metric 77
"""
KEYS = ("dst", "gateway", "via", "dev", "protocol", "metric", "flags", "type", "scope", "prefsrc", "nhid", "nexthops")


def as_ip_has_it(lab: Lab, family: int, table: str = "main") -> List[Dict[str, Any]]:
    """What `ip -j` prints, the keys that it leaves out where they say nothing filled in."""
    found = []
    for one in json.loads(lab.ip("-j", f"-{family}", "route", "show", "table", table)):
        hops = [{"gateway": None, "dev": None, **hop} for hop in one.pop("nexthops", ())]
        usual = {"gateway": None, "dev": None, "protocol": "boot", "metric": 0}
        value = {**usual, **{key: item for key, item in one.items() if key in KEYS}}
        found.append({**value, **({"nexthops": hops} if hops else {})})
    return found


def test_every_key_has_ip_s_value(lab: Lab) -> None:
    documented(lab)
    for line in ODD.splitlines():
        lab.ip(*(["-6"] if "fd01" in line else []), *line.split())
    kernel = RtnetlinkKernel()
    state = kernel.snapshot(254)
    kernel.close()
    for family in (4, 6):
        ours = [route_json(route, state.nics) for route in state.routes if route.family == family]
        assert [{key: value for key, value in one.items() if key in KEYS} for one in ours] == as_ip_has_it(lab, family)
        assert len(ours) == {4: 12, 6: 3}[family]


def test_scripts_find_a_route_by_its_keys(lab: Lab) -> None:
    documented(lab)
    lab.metadata_server(document("documented"))
    synced = valid_json("sync", lab.run("sync", "--json"))
    assert [(one["operation"], one["route"]["dst"], one["route"]["dev"]) for one in synced["changes"]] == [
        ("add", "11.11.0.0/16", "eth1"),
        ("remove-foreign-default", "default", "eth1"),
    ]
    (ours,) = valid_json("status", lab.run("status", "--json"))["ours"]
    (real,) = json.loads(lab.ip("-j", "route", "show", "proto", "121"))
    assert {key: ours[key] for key in ("dst", "gateway", "dev", "flags")} == {
        key: real[key] for key in ("dst", "gateway", "dev", "flags")
    }
    assert valid_json("explain", lab.run("explain", "11.11.3.4", "--json"))["route"] == ours


def test_tables_and_rules_of_source_routing_are_objects(lab: Lab) -> None:
    documented(lab)
    words = ["--metadata", str(document("documented")), "--source-routing", "true", "--json"]
    value = valid_json("sync", lab.run("sync", *words))["source_routing"]
    added = [one["rule"]["src"] for one in value["changes"] if one["rule"]]
    assert added == ["10.65.0.7", "11.8.0.9"]
    routes = {one["route"]["table"] for one in value["changes"] if one["route"]}
    assert routes == {str(table["table"]) for table in value["tables"]}
    assert all(route["dev"] == table["nic"] for table in value["tables"] for route in table["routes"] if route["dev"])
