"""Source routing in each format's words: every kind of route that a table can have, and the rules."""

from __future__ import annotations

from typing import List, Set

import pytest

from guest_routes.managers.export.render import export
from guest_routes.managers.export.source_routing import (
    ip_source,
    netplan_source_routes,
    netplan_source_rules,
    networkd_source,
    networkmanager_source,
    single,
    without_unsayable,
)
from guest_routes.model.configuration import ExportNote
from guest_routes.model.network import Rule, parse_address, parse_prefix
from guest_routes.model.settings import Settings
from guest_routes.model.source_routing import NicTable
from guest_routes.output.configuration import export_note_text
from guest_routes.routing.decide import decide
from guest_routes.routing.project import project
from tests.support.nics import nic_routes
from tests.support.reports import ETH1, NICS, evidence, route
from tests.support.situations import with_tables

TEXTS = (
    "11.8.0.0/24 dev eth1 scope link", "10.9.0.0/16 via 11.8.0.50 dev eth1 mtu 1400",
    "10.8.0.0/16 via 203.0.113.1 dev eth1 onlink", "throw 172.17.0.0/16",
    "10.7.0.0/16 nexthop via 11.8.0.51 dev eth1 nexthop via 11.8.0.52 dev eth1",
    "default via 11.8.0.1 dev eth1 metric 1024",
)  # fmt: skip
TABLE = NicTable(
    ETH1, 4, 12103, parse_address("11.8.0.1"), tuple(route(text)._replace(table=12103) for text in TEXTS),
    (Rule(4, 32765, 12103, False, 121, parse_prefix("11.8.0.9/32")),),
)  # fmt: skip
SIX = NicTable(
    ETH1, 6, 12103, parse_address("fd00:8::1"),
    tuple(route(f"-6 {text}")._replace(table=12103) for text in (
        "fe80::/10 dev eth1 metric 1023", "throw fd17::/64 metric 1023", "default via fd00:8::1 dev eth1 metric 1024"
    )),
    (Rule(6, 32765, 12103, False, 121, parse_prefix("fd00:8::9/128")),),
)  # fmt: skip
ONE = nic_routes(ETH1, by_source=(TABLE, SIX))
NONE = nic_routes(ETH1)


def test_nothing_without_it() -> None:
    assert networkd_source(NONE) == netplan_source_routes(NONE) == netplan_source_rules(NONE) == []
    assert networkmanager_source(NONE, 4, 1) == list(ip_source(NONE, "eth1")) == []


def test_a_multipath_route_is_its_first_next_hop() -> None:
    found = single(TABLE.routes[4])
    assert (found.gateway, found.ifindex, found.nexthops) == (parse_address("11.8.0.51"), 3, ())
    assert single(TABLE.routes[0]) is TABLE.routes[0]


def sections(lines: List[str]) -> List[List[str]]:
    return [part.split("|") for part in "|".join(lines).strip("|").split("||")]


def test_networkd() -> None:
    found = sections(networkd_source(ONE))
    assert ["[Route]", "Destination=11.8.0.0/24", "Table=12103", "Scope=link"] in found
    assert ["[Route]", "Destination=10.9.0.0/16", "Table=12103", "Gateway=11.8.0.50", "MTUBytes=1400"] in found
    assert ["[Route]", "Destination=10.8.0.0/16", "Table=12103", "Gateway=203.0.113.1", "GatewayOnLink=yes"] in found
    assert ["[Route]", "Destination=172.17.0.0/16", "Table=12103", "Type=throw"] in found
    assert ["[Route]", "Destination=0.0.0.0/0", "Table=12103", "Gateway=11.8.0.1", "Metric=1024"] in found
    assert ["[Route]", "Destination=10.7.0.0/16", "Table=12103", "MultiPathRoute=11.8.0.51@eth1 1",
            "MultiPathRoute=11.8.0.52@eth1 1"] in found  # fmt: skip
    assert ["[RoutingPolicyRule]", "From=11.8.0.9/32", "Table=12103", "Priority=32765"] in found
    assert ["[Route]", "Destination=fe80::/10", "Table=12103", "Metric=1023"] in found
    assert found[-1] == ["[RoutingPolicyRule]", "From=fd00:8::9/128", "Table=12103", "Priority=32765"]


def test_netplan() -> None:
    text = "\n".join(line.strip() for line in netplan_source_routes(ONE))
    for part in (
        '- to: "11.8.0.0/24"\ntable: 12103\nscope: link',
        '- to: "10.9.0.0/16"\ntable: 12103\nvia: "11.8.0.50"\nmtu: 1400',
        '- to: "10.8.0.0/16"\ntable: 12103\nvia: "203.0.113.1"\non-link: true',
        '- to: "172.17.0.0/16"\ntable: 12103\ntype: throw\n',
        '- to: "0.0.0.0/0"\ntable: 12103\nvia: "11.8.0.1"\nmetric: 1024',
    ):
        assert part in text
    assert netplan_source_rules(ONE)[:4] == [
        "      routing-policy:", '        - from: "11.8.0.9/32"', "          table: 12103", "          priority: 32765",
    ]  # fmt: skip


def test_networkmanager() -> None:
    found = networkmanager_source(ONE, 4, 3)
    assert found[:4] == [
        "route3=11.8.0.0/24,0.0.0.0,0", "route3_options=table=12103",
        "route4=10.9.0.0/16,11.8.0.50,0", "route4_options=table=12103,mtu=1400",
    ]  # fmt: skip
    assert "route5_options=table=12103,onlink=true" in found
    assert "route6_options=table=12103,type=throw" in found
    assert found[-1] == "routing-rule1=priority 32765 from 11.8.0.9/32 table 12103"
    assert networkmanager_source(ONE, 6, 1)[0] == "route1=fe80::/10,::,1023"


def test_ip_commands() -> None:
    found = list(ip_source(ONE, '"$nic"'))
    assert found[:4] == [
        'ip -4 route replace 11.8.0.0/24 dev "$nic" scope link table 12103 proto static',
        'ip -4 route replace 10.9.0.0/16 via 11.8.0.50 dev "$nic" table 12103 proto static mtu 1400',
        'ip -4 route replace 10.8.0.0/16 via 203.0.113.1 dev "$nic" table 12103 proto static onlink',
        "ip -4 route replace throw 172.17.0.0/16 table 12103 proto static",
    ]
    assert found[4] == (
        'ip -4 route replace 10.7.0.0/16 table 12103 proto static nexthop via 11.8.0.51 dev "$nic" weight 1 '
        'nexthop via 11.8.0.52 dev "$nic" weight 1'
    )
    assert found[6] == "ip -4 rule add from 11.8.0.9/32 lookup 12103 priority 32765 protocol static 2>/dev/null"
    assert found[8].strip() == 'case "$source" in 11.8.0.9) ;;'
    assert "ip -6 route replace default" not in "\n".join(found)
    assert 'ip -6 route replace ::/0 via fd00:8::1 dev "$nic" table 12103 proto static metric 1024' in found


def test_addresses_that_dhcp_may_change_are_told() -> None:
    document = {
        "links": [{"id": "a", "type": "phy", "ethernet_mac_address": "fa:16:3e:00:00:01"}],
        "networks": [{"id": "n", "type": "ipv4_dhcp", "link": "a"}],
    }
    on = Settings(source_routing=True)
    found = evidence(document, f"{NICS}default via 10.65.0.1 dev eth0 proto dhcp")
    decision = decide(project(with_tables(found), on), on)
    made = export(decision, on, "networkd", {})
    assert ExportNote("source-dynamic", ("eth0",)) in made.notes
    assert "source routing by table 12102" in made.files[0].text
    assert "From=10.65.0.7/32" in made.files[0].text


def test_a_format_with_one_next_hop_says_so() -> None:
    main = f"{NICS}10.9.0.0/16 nexthop via 11.8.0.50 dev eth1 nexthop via 11.8.0.51 dev eth1"
    on = Settings(source_routing=True)
    decision = decide(project(with_tables(evidence("documented", main)), on), on)
    told = {name: [one for one in export(decision, on, name, {}).notes if one.kind == "first-next-hop"]
            for name in ("networkd", "netplan", "networkmanager", "ifupdown", "ip")}  # fmt: skip
    note = ExportNote("first-next-hop", ("eth1",))
    assert told == {"networkd": [], "netplan": [note], "networkmanager": [note], "ifupdown": [], "ip": []}
    assert "tables of eth1 the first next hop is exported" in export_note_text(note)


def test_a_subnet_that_the_nic_will_have_is_in_its_table() -> None:
    on = Settings(source_routing=True)
    bare = "nic eth0 fa:16:3e:00:00:01\nnic eth1 fa:16:3e:00:00:02"
    decision = decide(project(with_tables(evidence("wrong-subnet", bare)), on), on)
    text = export(decision, on, "networkd", {}).files[1].text
    assert "Destination=11.8.0.0/24\nTable=12103\nScope=link" in text


def test_a_format_without_throw_says_that_it_has_no_source_routing() -> None:
    document = {
        "links": [{"id": "a", "type": "phy", "ethernet_mac_address": "fa:16:3e:00:00:01"}],
        "networks": [{"id": "n", "type": "ipv4_dhcp", "link": "a"}],
    }
    for on in (Settings(source_routing=True), Settings()):
        found = evidence(document, f"{NICS}default via 10.65.0.1 dev eth0 proto dhcp")
        made = export(decide(project(with_tables(found), on), on), on, "nmstate", {})
        kinds = [note.kind for note in made.notes]
        assert ("no-source-routing" in kinds) == on.source_routing
        assert "source-dynamic" not in kinds
        assert "source routing" not in made.files[0].text
    assert "choose another format" in export_note_text(ExportNote("no-source-routing"))


OTHERS = (
    "10.50.0.0/16 via 11.8.0.50 dev eth1", "10.50.0.0/16 tos 0x10 via 11.8.0.51 dev eth1",
    "10.70.0.0/16 via inet6 fe80::77 dev eth1", "10.80.0.0/16 via 11.8.0.50 dev eth1 mtu lock 1400 advmss 1300",
)  # fmt: skip


def test_a_tos_a_gateway_of_ipv6_and_a_locked_mtu() -> None:
    found = nic_routes(ETH1, by_source=(TABLE._replace(routes=tuple(map(route, OTHERS))),))

    def said(format_name: str) -> str:
        one, _ = without_unsayable(found, format_name)
        lines = {
            "ip": list(ip_source(one, "eth1")), "networkd": networkd_source(one),
            "netplan": netplan_source_routes(one), "networkmanager": networkmanager_source(one, 4, 1),
        }  # fmt: skip
        return "\n".join(lines[format_name])

    ip = said("ip")
    assert "route replace 10.50.0.0/16 via 11.8.0.51 dev eth1 tos 0x10 table" in ip
    assert "10.70.0.0/16 via inet6 fe80::77 dev eth1" in ip
    assert "mtu lock 1400 advmss 1300" in ip
    assert ("11.8.0.51" in said("networkd"), "Gateway=fe80::77" in said("networkd")) == (False, True)
    assert ("11.8.0.51" in said("netplan"), "fe80::77" in said("netplan")) == (False, False)
    assert "tos=16" in said("networkmanager")
    assert "mtu=1400,lock-mtu=true" in said("networkmanager")
    assert "fe80::77" not in said("networkmanager")
    assert [without_unsayable(found, name)[1] for name in ("ip", "networkd", "netplan", "networkmanager")] == [
        False, True, True, True
    ]  # fmt: skip


@pytest.mark.parametrize("metrics, told", [
    ("mtu 1400", set()), ("mtu lock 1400", {"networkd", "netplan"}), ("", set()),
    ("advmss 1300", {"networkd", "netplan", "networkmanager"}),
    ("mtu lock 1400 advmss 1300", {"networkd", "netplan", "networkmanager"}),
])  # fmt: skip
def test_metrics_that_a_format_has_no_words_for_are_told(metrics: str, told: Set[str]) -> None:
    main = f"{NICS}10.80.0.0/16 via 11.8.0.50 dev eth1 {metrics}"
    on = Settings(source_routing=True)
    decision = decide(project(with_tables(evidence("documented", main)), on), on)
    note = ExportNote("mtu-alone", ("eth1",))
    formats = "networkd", "netplan", "networkmanager", "nmstate", "ifupdown", "ip"
    assert {name for name in formats if note in export(decision, on, name, {}).notes} == told
    assert "metrics of routes in the tables of eth1 the MTU is exported" in export_note_text(note)


def test_what_a_format_can_t_say_is_told() -> None:
    main = f"{NICS}10.50.0.0/16 tos 0x10 via 11.8.0.51 dev eth1"
    on = Settings(source_routing=True)
    decision = decide(project(with_tables(evidence("documented", main)), on), on)
    note = ExportNote("unsayable-routes", ("eth1",))
    told = {name for name in ("networkd", "netplan", "networkmanager", "nmstate", "ifupdown", "ip")
            if note in export(decision, on, name, {}).notes}  # fmt: skip
    assert told == {"networkd", "netplan"}
    assert "routes in the tables of eth1 that are for a TOS" in export_note_text(note)
