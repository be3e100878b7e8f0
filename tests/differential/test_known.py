"""Minimal cases of what the search found; each is a fault of the product or of the rule's text until it is settled.

The oracle doesn't judge passes of these shapes (`Expected.unsettled`): whoever settles one takes its line out there.
"""

from __future__ import annotations

import ipaddress
from typing import Any, Dict, List, Sequence, Tuple

import pytest

from guest_routes.model.report import Report

from .machine import Machine, Passes
from .situation import MACS, NICS, NicSpec, Row, Situation, own, route

V4, V6 = "0.0.0.0/0", "::/0"


def nic(n: int, family: int = 4, carrier: bool = True) -> NicSpec:
    return NicSpec(NICS[n], True, carrier, (f"{own(n, family)}/{24 if family == 4 else 64}",))


def net(n: int, *routes: Tuple[str, str], family: int = 4) -> Dict[str, Any]:
    own_prefix = ipaddress.ip_interface(f"{own(n, family)}/{24 if family == 4 else 64}")
    return {
        "id": f"network{n}", "link": f"tap{n}", "type": f"ipv{family}", "ip_address": str(own_prefix.ip),
        "netmask": str(own_prefix.netmask), "routes": [route(*one) for one in routes],
    }  # fmt: skip


def document(nics: Sequence[int], *networks: Dict[str, Any]) -> Dict[str, Any]:
    links = [{"id": f"tap{n}", "type": "ovs", "ethernet_mac_address": MACS[NICS[n]]} for n in nics]
    return {"links": links, "networks": list(networks), "services": []}


class Run:
    """Passes over documents, one after the other, on the real kernel."""

    def __init__(self, nics: Sequence[NicSpec], rows: Sequence[Row], *given: Dict[str, Any], **settings: Any) -> None:
        self.situation = Situation(0, tuple(nics), tuple(rows), given, (True,) * len(given), settings)

    def sync(self, engine: str = "rtnetlink") -> Tuple[List[Report], List[Row]]:
        machine = Machine()
        machine.prepare(self.situation)
        passes = Passes(engine, machine, self.situation)
        try:
            return [passes.sync(document, True) for document in self.situation.documents], passes.rows()
        finally:
            passes.close()


def defaults(rows: Sequence[Row]) -> List[Tuple[str, str]]:
    return [(row.via, row.dev) for row in rows if row.destination in (V4, V6)]


def test_a_gateway_in_its_own_prefix_comes_before_one_beyond_every_network() -> None:
    """e1 has a link, an address in the kernel, and no network in the document."""
    given = document((0, 1), net(0, (V4, "10.2.0.1"), (V4, "10.1.0.1")))
    _, rows = Run([nic(0), nic(1)], [], given).sync()
    assert defaults(rows) == [("10.1.0.1", "e0")]


def test_the_same_for_ipv6() -> None:
    given = document((0, 1), net(0, (V6, "fd00:2::1"), (V6, "fd00:1::1"), family=6))
    reports, rows = Run([nic(0, 6), nic(1, 6)], [], given).sync()
    # The entry that names nobody is reported.
    assert (reports[0].exit_code, defaults(rows)) == (5, [("fd00:1::1", "e0")])


def test_a_gateway_in_the_subnet_of_another_nic_is_not_on_link() -> None:
    _, rows = Run([nic(0), nic(1)], [], document((0, 1), net(0, (V4, "10.2.0.1")))).sync()
    assert ("10.2.0.1", "e0") not in defaults(rows)


@pytest.mark.parametrize("first", ["10.3.0.1 of e2 itself", "10.3.0.1 by e0's entry"])
def test_a_named_nic_with_a_carrier_comes_before_one_without(first: str) -> None:
    e0, e1 = net(0, (V4, "10.2.0.1")), net(1, ("11.0.0.0/8", "10.2.0.1"))
    e2 = net(2, (V4, "10.3.0.1"))
    if "by e0" in first:
        e0, e2 = net(0, (V4, "10.3.0.1")), net(2, (V4, "10.2.0.1"), ("11.0.0.0/8", "10.3.0.1"))
    given = document((0, 1, 2), e0, e2, e1)
    _, rows = Run([nic(0), nic(1), nic(2, carrier=False)], [], given).sync()
    assert defaults(rows) == [("10.2.0.1", "e1")]


@pytest.mark.parametrize("engine", ["rtnetlink", "pyroute2"])
def test_a_leg_that_is_left_of_a_merged_default_is_no_failure(engine: str) -> None:
    """A static default and a router's of one metric are one multipath route, shown under the first one's protocol."""
    merged = [Row(6, V6, "fd00:3::1", "e2", 102, 16), Row(6, V6, "fe80::3", "e2", 102, 9)]
    reports, rows = Run([nic(2, 6)], merged, document((2,), net(2, (V6, "fd00:3::9"), family=6))).sync(engine)
    assert defaults(rows) == [("fe80::3", "e2")]
    assert (reports[0].exit_code, reports[0].errors) == (0, ())


def test_demoting_a_default_keeps_it_as_evidence() -> None:
    given = document((0, 3), net(0, (V4, "10.1.0.1"), ("12.0.0.0/16", "10.4.0.1")))
    given["networks"].append({"id": "network3", "link": "tap3", "type": "ipv4_dhcp"})
    there = [Row(4, V4, "10.4.0.1", "e3", 0, 16), Row(4, V4, "10.4.0.3", "e3", 1024, 3)]
    reports, rows = Run([nic(0), nic(3)], there, given, given, default_mode="demote").sync()
    assert [(row.via, row.dev) for row in rows if row.destination == "12.0.0.0/16"] == [("10.4.0.1", "e3")]
    assert reports[1].changes == 0


def test_the_default_that_was_evidence_is_so_after_its_removal() -> None:
    """e0's network loses its default, and with it e0 the election; its host route was wanted and is again."""
    before = document((0, 1), net(0, (V4, "10.1.0.1")), net(1, (V4, "10.2.0.1")))
    after = document((0, 1), net(0, ("12.0.0.0/16", "10.1.0.1")), net(1, (V4, "10.2.0.1")))
    there = [Row(4, V4, "10.1.0.3", "e0", 0, 3), Row(4, V4, "10.1.0.1", "e0", 100, 3)]
    reports, rows = Run([nic(0), nic(1)], there, before, after, after).sync()
    assert [(row.via, row.dev) for row in rows if row.destination == "12.0.0.0/16"] == [("10.1.0.1", "e0")]
    assert reports[2].changes == 0


def test_a_gateway_of_a_further_subnet_that_a_recorded_default_names_is_known() -> None:
    """Where e3's network has no gateway, R3 takes the next hop; else R2 knows another one there, and R6 keeps none."""
    e3 = NicSpec("e3", True, True, ("10.4.0.7/24", "10.204.0.7/24"))
    there = [Row(4, V4, "10.204.0.1", "e3", 300, 16)]
    hosts = ("12.0.0.0/16", "10.204.0.3")
    before = document((0, 3), net(0, (V4, "10.1.0.1")), net(3, hosts))
    after = document((0, 3), net(0, (V4, "10.1.0.1")), net(3, (V4, "10.4.0.1"), hosts))
    reports, rows = Run([nic(0), e3], there, before, after).sync()
    first, second = (report.resolution for report in reports)
    assert [one.next_hop.rule for one in first.resolved] == ["no-gateway"]
    assert [one.kind for one in second.unresolved] == ["not-a-gateway"]
    assert [row for row in rows if row.destination == "12.0.0.0/16"] == []


def test_a_selected_nic_may_be_one_that_an_entry_names() -> None:
    given = document((0, 1), net(0, (V4, "10.2.0.1")), net(1, ("11.0.0.0/8", "10.2.0.1")))
    _, plain = Run([nic(0), nic(1)], [], given).sync()
    _, selected = Run([nic(0), nic(1)], [], given, nic="e1").sync()
    assert defaults(plain) == [("10.2.0.1", "e1")]
    assert defaults(selected) == [("10.2.0.1", "e1")]


def test_a_default_behind_one_outside_of_the_same_metric_gets_its_place_at_once() -> None:
    there = [
        Row(4, V4, "10.2.0.1", "e1", 0, 4),
        Row(4, V4, "172.17.0.1", "v1", 0, 4),
        Row(4, V4, "10.1.0.1", "e0", 0, 121),
    ]
    given = document((0, 1), net(0, (V4, "10.1.0.1")), net(1, (V4, "10.2.0.1")))
    nics = [nic(0), nic(1), NicSpec("v1", True, True, ("172.17.0.2/24",))]
    reports, _ = Run(nics, there, given, given).sync()
    assert reports[1].changes == 0


def test_a_host_route_that_covers_a_gateway() -> None:
    e0 = net(0, (V6, "fd00:1::1"), ("fd00:2::/64", "fd00:1::1"), family=6)
    e1 = net(1, ("fd13::/48", "fd00:2::1"), (V6, "fd00:2::1"), family=6)
    for one in (e0, e1):
        one["netmask"] = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"
    nics = [NicSpec(NICS[n], True, True, (f"{own(n, 6)}/128",)) for n in (0, 1)]
    reports, rows = Run(nics, [], document((0, 1), e0, e1)).sync()
    assert ("fd13::/48", "fd00:2::1", "e1") in [(row.destination, row.via, row.dev) for row in rows]
    assert reports[0].exit_code == 0


@pytest.mark.parametrize("mode", ["enforce", "demote"])
def test_an_equal_default_is_adopted_at_once_where_ours_would_stand_no_better(mode: str) -> None:
    """The first pass added ours behind both VPNs, and the second took it away again (R9)."""
    rows = [Row(4, V4, hop, dev, metric, proto) for hop, dev, metric, proto in (
        ("172.16.0.1", "v0", 0, 16), ("10.2.0.1", "e1", 0, 3), ("172.17.0.1", "v1", 0, 4), ("10.1.0.1", "e0", 101, 3),
    )]  # fmt: skip
    others = [NicSpec(name, True, True, (f"172.{16 + n}.0.2/24",)) for n, name in enumerate(("v0", "v1"))]
    given = document((0, 1), net(0, (V4, "10.1.0.1")), net(1, (V4, "10.2.0.1")))
    (first, second), _ = Run([nic(0), nic(1), *others], rows, given, given, default_mode=mode).sync()
    assert [one.verdict for one in first.plan.defaults] == ["adopted"]
    assert second.plan.operations == ()


def test_a_gateway_of_another_subnet_of_the_nic_says_nothing_of_this_one() -> None:
    """The document has e1's gateway in a subnet that e1 isn't in; nobody knows one in e1's own: ours stays (R3, R6)."""
    moved = {**net(0, (V4, "10.1.0.1"), ("192.168.0.0/16", "10.2.0.1")), "link": "tap1"}
    omitted = {"id": "network1", "link": "tap1", "type": "ipv4_dhcp"}
    ours = Row(4, "192.168.0.0/16", "10.2.0.1", "e1", 0, 121)
    for networks in ((omitted, moved), (moved,)):
        _, rows = Run([nic(0), nic(1)], [ours], document((0, 1), *networks)).sync()
        assert ours in rows


def test_on_link_through_the_nic_in_a_subnet_whose_network_has_no_nic() -> None:
    """The MACs name the other NIC each: nothing tells the second network's NIC, and e1 has an address in its subnet."""
    given = document((0, 1), {**net(0), "type": "ipv4_dhcp"}, net(1, (V4, "10.2.0.1")))
    one, other = given["links"]
    one["ethernet_mac_address"], other["ethernet_mac_address"] = MACS["e1"], MACS["e0"]
    del given["networks"][0]["ip_address"], given["networks"][0]["netmask"]
    _, rows = Run([nic(0), nic(1)], [], given, next_hops="on-link", routes=["11.0.0.0/8,10.2.0.9"]).sync()
    assert ("11.0.0.0/8", "10.2.0.9", "e1") in [(row.destination, row.via, row.dev) for row in rows]
